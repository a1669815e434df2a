/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * movers.h: a private node of the simulated provider, far from node 0 and near to node 1, and
 * memory that the kernel demoted there.
 */
#ifndef MOVERS_H
#define MOVERS_H

#include <linux/mempolicy.h>
#include <sys/mount.h>

#include "private_node.h"

#define HOME 0	/* the node with the processors */
#define AWAY 1	/* an ordinary node, the nearest to the private one */
#define NODES 3
#define SIM "/sys/kernel/private_node_sim/"
#define ROOT "/tmp/movers-cg"
#define SERVICES "user_numa,reclaim,demotion,promotion,numa_balancing"

struct places {
	unsigned long on[NODES], none;
};

static signed char block_node[MAX_BLOCKS];

/* Which node has which memory block? */
static void find_all_blocks(void)
{
	char path[320];
	struct dirent *e;
	unsigned long nr;
	DIR *dir;
	int nid;

	memset(block_node, -1, sizeof(block_node));
	for (nid = 0; nid < NODES; nid++) {
		snprintf(path, sizeof(path), NODE_DIR "/node%d", nid);
		dir = opendir(path);
		while (dir && (e = readdir(dir)))
			if (sscanf(e->d_name, "memory%lu", &nr) == 1 && nr < MAX_BLOCKS)
				block_node[nr] = nid;
		if (dir)
			closedir(dir);
	}
}

static struct places places(const void *addr, size_t len)
{
	struct places w = { 0 };
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[512], e;
	unsigned long i, n;

	for (i = 0; i < len / PAGE; i++) {
		n = len / PAGE - i < 512 ? len / PAGE - i : 512;
		if (i % 512 == 0 &&
		    pread(fd, entries, n * 8, ((uintptr_t)addr / PAGE + i) * 8) != (ssize_t)n * 8)
			bail("cannot read pagemap");
		e = entries[i % 512];
		if (!(e >> 63))
			w.none++;
		else
			w.on[block_node[(e & ((1ULL << 55) - 1)) / block_pages]]++;
	}
	close(fd);
	return w;
}

/* Makes the node, open to SERVICES; MORE are words for new_node. */
__attribute__((unused))
static void make_node(const char *more)
{
	char words[400];

	if (access(SIM, F_OK) && system("modprobe private_node_sim"))
		bail("modprobe private_node_sim");
	snprintf(words, sizeof(words),
		 "name=t ranges=%s distances=60,20 capable=" SERVICES
		 ",longterm_pin,compaction,hugetlb,thp enabled=" SERVICES
		 " online_type=online_movable %s",
		 reserved_range(0), more);
	put(SIM "new_node", words);
	find_node();
	find_all_blocks();
	enable("-promotion");
	enable("-numa_balancing");
}

static void make_root(void)
{
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) ||
	    !write_file(ROOT "/cgroup.subtree_control", "+memory +cpuset"))
		bail("cgroup");
}

static char *map_small(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static long bind_to(void *p, size_t len, int nid, unsigned int flags)
{
	unsigned long mask = 1UL << nid;

	return syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, flags);
}

__attribute__((unused))
static long bind_task(int nid)
{
	unsigned long mask = 1UL << nid;

	return syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL);
}

__attribute__((unused))
static bool unplugs(void)
{
	return write_file(SIM "unplug", "t");
}

__attribute__((unused))
static void plug(void)
{
	put(SIM "plug", "t");
	find_all_blocks();
}

struct second {
	const char *p;
	size_t len;
	void (*restrict_it)(void *arg);
	void *arg;
};

static void second_begins(void *arg)
{
	const struct second *s = arg;
	size_t i;

	if (s->restrict_it)
		s->restrict_it(s->arg);
	for (i = 0; i < s->len; i += PAGE)
		(void)((const volatile char *)s->p)[i];
}

/* Another process, which reads all of a range after RESTRICT_IT, and stays until it is killed. */
__attribute__((unused))
static pid_t second_process(const char *p, size_t len, void (*restrict_it)(void *), void *arg)
{
	return start_child(second_begins, NULL, &(struct second){ p, len, restrict_it, arg });
}

/*
 * Reclaims from a cgroup until most of a range is on the private node; false when it does not go.
 * While somebody who named the node was short of it a moment ago, nothing does.
 */
static bool demote_in(int tries, const char *group, const char *p, size_t len)
{
	char path[128], bytes[32];

	snprintf(path, sizeof(path), "%s/memory.reclaim", group);
	snprintf(bytes, sizeof(bytes), "%zu", len);
	while (tries-- && places(p, len).on[node] < len / PAGE * 3 / 4)
		if (!write_file(path, bytes))
			usleep(100000);
	return places(p, len).on[node] >= len / PAGE * 3 / 4;
}

static bool demote(const char *group, const char *p, size_t len)
{
	return demote_in(40, group, p, len);
}

#endif
