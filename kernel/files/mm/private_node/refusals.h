/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last refusals and kills, for /proc/private_node_refusals.
 */
#ifndef _MM_PRIVATE_NODE_REFUSALS_H
#define _MM_PRIVATE_NODE_REFUSALS_H

#include <linux/sched.h>
#include <linux/uidgid.h>

#include "private_node.h"

/* What was refused: memory for an enum private_node_user, or one of these. */
enum private_node_act {
	PRIVATE_NODE_ACT_POLICY = PRIVATE_NODE_NR_USERS, /* mbind() and the like */
	PRIVATE_NODE_ACT_MOVE,		/* move_pages(), migrate_pages() */
	PRIVATE_NODE_ACT_MAP,		/* mmap(), brk(), mremap(), mprotect() */
	PRIVATE_NODE_ACT_EXEC,		/* execve() */
	PRIVATE_NODE_ACT_ACCESS,	/* a store or load: SIGBUS, or -EFAULT */
	PRIVATE_NODE_ACT_KILL,		/* to live on: on_full=oom */
	PRIVATE_NODE_ACT_UNPLUG,	/* of all memory of a node */
	PRIVATE_NODE_ACT_OFFLINE,	/* of a block */
	PRIVATE_NODE_ACT_PLUG,		/* to add memory */
	PRIVATE_NODE_ACT_REGISTER,	/* to make a node private */
	PRIVATE_NODE_ACT_SETTING,	/* a write to a file of node<N>/private */
	PRIVATE_NODE_ACT_CPUSET,	/* a write to a file of a cpuset */
	PRIVATE_NODE_ACT_CPU,		/* to bring a CPU online */
	PRIVATE_NODE_ACT_KEXEC,		/* to load a kernel */
	PRIVATE_NODE_ACT_DATA,		/* to keep what a page held */
	PRIVATE_NODE_NR_ACTS,
};

/* The sentence for each is in the ABI text of the file. */
enum private_node_why {
	PRIVATE_NODE_WHY_CLOSED,
	PRIVATE_NODE_WHY_CPUSET,
	PRIVATE_NODE_WHY_NAMED,
	PRIVATE_NODE_WHY_UNPLUG,
	PRIVATE_NODE_WHY_GONE,
	PRIVATE_NODE_WHY_EMPTY,
	PRIVATE_NODE_WHY_FULL,
	PRIVATE_NODE_WHY_NO_BLOCK,
	PRIVATE_NODE_WHY_POOL,
	PRIVATE_NODE_WHY_OOM,
	PRIVATE_NODE_WHY_NOBODY,
	PRIVATE_NODE_WHY_FIXED,
	PRIVATE_NODE_WHY_TOO_LARGE,
	PRIVATE_NODE_WHY_IN_USE,
	PRIVATE_NODE_WHY_PINNED,
	PRIVATE_NODE_WHY_OWNER,
	PRIVATE_NODE_WHY_NOWHERE,
	PRIVATE_NODE_WHY_SWAPPED,
	PRIVATE_NODE_WHY_UNMAPPED,
	PRIVATE_NODE_WHY_BROKEN,
	PRIVATE_NODE_WHY_CRAM,
	PRIVATE_NODE_WHY_BOOT,
	PRIVATE_NODE_WHY_KILLED,
	PRIVATE_NODE_WHY_NO_MEMORY,
	PRIVATE_NODE_WHY_INVALID,
	PRIVATE_NODE_WHY_BUSY,
	PRIVATE_NODE_WHY_PRIVATE,
	PRIVATE_NODE_NR_WHYS,
};

/**
 * struct private_node_happened - a refusal or a kill
 * @nid: the node
 * @owner: of the node, or NULL if there is none
 * @act: what was refused
 * @why: the reason
 * @order: of the folio
 * @pages: that are in the way, or are lost
 * @task: who was refused, with a reference; NULL for the running task
 * @by: who is in the way, or for whom @task was killed; or NULL
 */
struct private_node_happened {
	int nid;
	const char *owner;
	int act;
	enum private_node_why why;
	unsigned int order;
	unsigned long pages;
	struct task_struct *task;
	const struct private_node_task_name *by;
};

/* An entry of the ring; what a search looks at comes first. */
struct private_node_refusal {
	u64 count;
	u64 last;		/* in ns since boot, as CLOCK_BOOTTIME */
	u64 start;		/* of the process, against a pid that is used again */
	kuid_t uid;
	pid_t tgid;		/* 0 for an interrupt */
	int nid;
	u8 act;
	u8 why;
	u8 order;
	bool others;		/* of a setuid program: for root alone */
	char owner[PRIVATE_NODE_NAME_MAX];
	u64 first;
	unsigned long pages;
	pid_t pid;
	u64 ns;			/* id of its pid namespace, never given out again */
	pid_t ns_tgid;		/* as the processes there see it */
	pid_t ns_pid;
	char comm[TASK_COMM_LEN];
	struct private_node_task_name by;
};

#define PRIVATE_NODE_REFUSALS	128

/**
 * struct private_node_ring - the last refusals
 * @lock: innermost of all: taken in any context but NMI
 * @hint: the entry that was written last
 * @refusals: in no order
 */
struct private_node_ring {
	raw_spinlock_t lock;
	unsigned int hint;
	struct private_node_refusal refusals[PRIVATE_NODE_REFUSALS];
};

void private_node_ring_add(struct private_node_ring *ring,
			   const struct private_node_refusal *new);
bool private_node_refusal_shown(const struct private_node_refusal *r, bool all,
				kuid_t uid, u64 ns);
void private_node_do_record(const struct private_node_happened *h);

/* Arguments are members of struct private_node_happened, as in { .nid = 1 }. */
#define private_node_record(...) \
	private_node_do_record(&(const struct private_node_happened){ __VA_ARGS__ })

enum private_node_why private_node_why_cpuset(int nid);
enum private_node_why private_node_why_closed(struct private_node *pn,
					      enum private_node_user user);
enum private_node_why private_node_why_full(struct private_node *pn,
					    enum private_node_user user,
					    unsigned int order);
enum private_node_why private_node_why_errno(int error);

#endif /* _MM_PRIVATE_NODE_REFUSALS_H */
