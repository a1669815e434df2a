// SPDX-License-Identifier: GPL-2.0-only
/*
 * ordinary: memory that nobody named is not demoted to an ordinary node of a lower tier that its cgroup may only
 * name.  Node 1 is such a node.
 *
 * vm: --node 1G --node 256M,cpus=none --slow 1 --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <sys/mount.h>

#include "../devmap/devmap.h"

#define ROOT "/tmp/ordinary-cg"
#define GROUP ROOT "/parent"
#define CHILD GROUP "/child"
#define LEN (4 * MIB)
#define NR (LEN / PAGE)
#define DEMOTION "/sys/kernel/mm/numa/demotion_enabled"

/* Who is in a child that was told CHILD, in a parent that was told MEMS and SYSRAM. */
static const struct column {
	const char *name, *mems, *sysram, *child;
	bool reaches;	/* the slow node */
} columns[] = {
	{ "no cpuset: control", "\n", "\n", NULL, true },
	{ "possible", "0", "\n", NULL },
	{ "default", "0-1", "0", NULL },
	{ "nested, default, told nothing", "0-1", "0", "\n" },
	{ "nested, default", "0-1", "0", "0-1" },
	{ "default of both", "0-1", "0-1", "0-1", true },
};

static unsigned long on_slow_node(char *p)
{
	static void *pages[NR];
	static int at[NR];
	unsigned long i, n = 0;

	for (i = 0; i < NR; i++)
		pages[i] = p + i * PAGE;
	if (syscall(SYS_move_pages, 0, NR, pages, NULL, at, 0))
		bail("move_pages");
	for (i = 0; i < NR; i++)
		n += at[i] == 1;
	return n;
}

static const char *enter(const struct column *c)
{
	const char *group = c->child ? CHILD : GROUP;
	char path[64];

	put(GROUP "/cpuset.mems", c->mems);
	put(GROUP "/cpuset.mems.sysram", c->sysram);
	if (c->child)
		put(CHILD "/cpuset.mems", c->child);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	put(path, "0");
	return group;
}

static void test(const struct column *c)
{
	char path[64], *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long slow = 0;
	int i;

	snprintf(path, sizeof(path), "%s/memory.reclaim", enter(c));
	madvise(p, LEN, MADV_NOHUGEPAGE);
	if (touch(p, LEN) != NR || on_slow_node(p))
		bail("%s: memory is not on node 0", c->name);
	/* Pages that a processor has just put into its list are held. */
	for (i = 0; i < 10 && !slow; i++) {
		write_file(path, "2M");
		slow = on_slow_node(p);
		if (!c->reaches && i == 2)
			break;
	}
	ok(c->reaches == !!slow, "%s: %lu pages go down to the slow node", c->name, slow);
	munmap(p, LEN);
	put(ROOT "/cgroup.procs", "0");
}

static void make_groups(void)
{
	mkdir(ROOT, 0700);
	if (mount("none", ROOT, "cgroup2", 0, NULL))
		bail("cgroup");
	put(ROOT "/cgroup.subtree_control", "+cpuset +memory");
	mkdir(GROUP, 0700);
}

int main(void)
{
	unsigned long i;

	make_groups();
	put(DEMOTION, "1");
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		/* A process is in a leaf. */
		if (columns[i].child && access(CHILD, F_OK)) {
			put(GROUP "/cgroup.subtree_control", "+cpuset +memory");
			mkdir(CHILD, 0700);
		}
		test(&columns[i]);
	}
	put(DEMOTION, "0");
	rmdir(CHILD);
	rmdir(GROUP);
	umount(ROOT);
	return done_testing();
}
