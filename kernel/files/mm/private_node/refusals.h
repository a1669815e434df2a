/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last refusals and kills, for /proc/private_node_refusals.
 */
#ifndef _MM_PRIVATE_NODE_REFUSALS_H
#define _MM_PRIVATE_NODE_REFUSALS_H

#include <linux/sched.h>
#include <linux/uidgid.h>

#include "internal.h"

/* What was refused: memory for an enum private_node_service, or one of these. */
enum private_node_act {
	PRIVATE_NODE_ACT_POLICY = PRIVATE_NODE_NR_USERS, /* mbind() and the like */
	PRIVATE_NODE_ACT_MOVE,		/* move_pages(), migrate_pages() */
	PRIVATE_NODE_ACT_MAP,		/* mmap(), brk(), mremap(), mprotect() */
	PRIVATE_NODE_ACT_EXEC,		/* execve() */
	PRIVATE_NODE_ACT_ACCESS,	/* a store or load: SIGBUS, or -EFAULT */
	PRIVATE_NODE_ACT_KILL,		/* a task killed by on_full=oom */
	PRIVATE_NODE_ACT_UNPLUG,	/* removing all memory of a node */
	PRIVATE_NODE_ACT_OFFLINE,	/* offlining a memory block */
	PRIVATE_NODE_ACT_PLUG,		/* adding memory */
	PRIVATE_NODE_ACT_REGISTER,	/* registering or unregistering a node */
	PRIVATE_NODE_ACT_SETTING,	/* a write to a file of node<N>/private */
	PRIVATE_NODE_ACT_CPUSET,	/* a write to a file of a cpuset */
	PRIVATE_NODE_ACT_CPU,		/* bringing a CPU online */
	PRIVATE_NODE_ACT_KEXEC,		/* loading a kernel with kexec */
	PRIVATE_NODE_ACT_DATA,		/* data of a page that was lost */
	PRIVATE_NODE_NR_ACTS,
};

/* Described in Documentation/ABI/testing/procfs-private-node-refusals. */
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
	PRIVATE_NODE_WHY_FENCED,
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
 * @owner: name of the node's owner, or NULL if there is none
 * @act: what was refused: enum private_node_service or enum private_node_act
 * @why: the reason
 * @order: of the folio
 * @pages: number of pages that caused the refusal, or were lost; or 0
 * @task: the task that was refused, with a reference; NULL for the running task
 * @by: the task that caused the refusal, or for which @task was killed; or NULL
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

/* An entry of the ring.  The members that a search compares come first. */
struct private_node_refusal {
	u64 count;
	u64 last;		/* time of the last refusal: CLOCK_BOOTTIME, in ns */
	u64 start;		/* start time of the process: tells reused pids apart */
	kuid_t uid;
	pid_t tgid;		/* 0 for an interrupt */
	int nid;
	u8 act;
	u8 why;
	u8 order;
	bool others;		/* a setuid program: the user must not see the entry */
	char owner[PRIVATE_NODE_NAME_MAX];
	u64 first;
	unsigned long pages;
	pid_t pid;
	u64 ns;			/* id of the task's pid namespace; ids are not reused */
	pid_t ns_tgid;		/* tgid within that namespace */
	pid_t ns_pid;		/* pid within that namespace */
	char comm[TASK_COMM_LEN];
	struct private_node_task_name by;
};

#define PRIVATE_NODE_REFUSALS	128

/**
 * struct private_node_ring - the last refusals
 * @lock: protects the entries; the innermost lock; any context but NMI
 * @hint: index of the entry that was written last
 * @refusals: the entries, in no order
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
					      enum private_node_service user);
enum private_node_why private_node_why_full(struct private_node *pn,
					    enum private_node_service user,
					    unsigned int order);
enum private_node_why private_node_why_errno(int error);

#endif /* _MM_PRIVATE_NODE_REFUSALS_H */
