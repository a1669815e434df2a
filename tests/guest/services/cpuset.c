// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuset: possible nodes (cpuset.mems) and default nodes (cpuset.mems.sysram) of cgroup v2, who
 * reaches what, and random trees against a model of the rules.
 *
 * Nodes 0 and 2 are ordinary, node 1 is private.
 *
 * vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa
 * timeout: 120
 */
#define _GNU_SOURCE
#include <sys/klog.h>
#include <time.h>

#include "cpusets.h"

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#define ORDINARY 5UL
#define PRIVATE 2UL
#define ALL (ORDINARY | PRIVATE)

static int fd;

static unsigned long lands(int mode, unsigned long mask)
{
	char *p = anon(LEN);
	unsigned long got = 0;

	if (mode != MPOL_DEFAULT && bind_range(p, mode, mask))
		return 0;
	madvise(p, LEN, MADV_NOHUGEPAGE);
	if (touch(p, LEN) == LEN / PAGE)
		got = nodes_of(p, LEN);
	munmap(p, LEN);
	return got;
}

static unsigned long syscall_mems(void)
{
	unsigned long mask = 0;
	int mode;

	syscall(SYS_get_mempolicy, &mode, &mask, 64UL, NULL, MPOL_F_MEMS_ALLOWED);
	return mask;
}

static void test_root(void)
{
	ok(mask_in("", "mems.effective") == ALL, "root: all nodes may be named");
	ok(mask_in("", "mems.sysram.effective") == ORDINARY, "root: default is ordinary memory");
	ok(lands(MPOL_BIND, PRIVATE) == PRIVATE, "root: a bind lands on the private node");
}

/* A group that was not given the node. */
static void test_denied(void)
{
	char *p = anon(LEN), *q;
	int to = node, status = 99;
	void *page = p;

	make("a");
	ok(set("a", "mems", "0,2") && mask_in("a", "mems.effective") == ORDINARY, "denied: cpuset.mems without it");
	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	enter("a");
	touch(p, LEN);
	ok(bind_range(p, MPOL_BIND, PRIVATE) && errno == EINVAL, "denied: mbind: EINVAL");
	ok(status_mems() == ORDINARY && syscall_mems() == ORDINARY, "denied: not in Mems_allowed");
	syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);
	ok(errno == EACCES && !where(p, LEN).here, "denied: move_pages: EACCES");
	ok(mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EPERM,
	   "denied: mmap of the device map: EPERM");
	ok(!touch(q, LEN) && bus_signal == SIGBUS, "denied: SIGBUS in a mapping from before");
	enter("");
	ok(touch(q, LEN) == LEN / PAGE && all_here(q, LEN), "back in the root: it works");
	munmap(p, LEN);
	munmap(q, LEN);
	drop("a");
}

/* How often the kernel said that, in this run. */
static int log_lines(const char *text)
{
	static char buf[1 << 18];
	int n = klogctl(3, buf, sizeof(buf) - 1), lines = 0;
	char *at;

	if (n < 0)
		bail("klogctl");
	buf[n] = 0;
	for (at = buf; (at = strstr(at, text)); at++)
		lines++;
	return lines;
}

/* About groups with private nodes alone. */
static int says_inherited(void)
{
	return log_lines("cpuset: /b: mems 1 are private nodes");
}

static void test_given(void)
{
	char *p = anon(LEN), *q;

	make("b");
	ok(set("b", "mems", "0-1") && mask_in("b", "mems.effective") == 3 &&
	   mask_in("b", "mems.sysram.effective") == 1, "given: cpuset.mems=0-1: default is node 0");
	enter("b");
	ok(status_mems() == 3 && syscall_mems() == 3, "given: in Mems_allowed");
	ok(lands(MPOL_DEFAULT, 0) == 1, "given: memory without a name on node 0");
	ok(lands(MPOL_BIND, PRIVATE) == PRIVATE && lands(MPOL_BIND, 3) == 1,
	   "given: a bind lands there, one to both on the nearest");
	bind_range(p, MPOL_BIND, PRIVATE);
	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	touch(p, LEN / 2);
	touch(q, LEN / 2);
	ok(set("b", "mems", "0"), "revoked: cpuset.mems=0");
	ok(all_here(p, LEN / 2) && all_here(q, LEN / 2), "revoked: pages that are there stay");
	ok(!touch(p + LEN / 2, LEN / 2) && bus_signal == SIGBUS, "revoked: bound: no new ones");
	ok(!touch(q + LEN / 2, LEN / 2) && bus_signal == SIGBUS, "revoked: device map: no new ones");
	ok(says_inherited() == 0, "control: nothing to say yet");
	ok(set("b", "mems", "1") && says_inherited() == 1, "cpuset.mems=1: the log says where other memory comes from");
	ok(!log_lines("Unsupported (movable nodes only)"), "... and not that anything is unsupported");
	ok((mask_in("b", "mems.effective") & PRIVATE) &&
	   mask_in("b", "mems.sysram.effective") == ORDINARY, "cpuset.mems=1: default is the parent's");
	ok(touch(p, LEN) == LEN / PAGE && all_here(p, LEN), "given again: the bind works");
	ok(lands(MPOL_DEFAULT, 0) && !(lands(MPOL_DEFAULT, 0) & PRIVATE), "memory without a name is ordinary");
	enter("");
	munmap(p, LEN);
	munmap(q, LEN);
	drop("b");
}

/* A policy that is not a bind loses what is no longer default; a bind keeps it. */
static void test_rebind(void)
{
	char *p = anon(LEN), *q = anon(LEN), *r = anon(LEN);

	set("c", "mems.sysram", "");
	bind_range(p, MPOL_PREFERRED_MANY | MPOL_F_STATIC_NODES, 4);
	bind_range(q, MPOL_INTERLEAVE, ORDINARY);
	bind_range(r, MPOL_BIND, 4);
	set("c", "mems.sysram", "0");
	touch(p, LEN);
	touch(q, LEN);
	touch(r, LEN);
	ok(nodes_of(p, LEN) == 1 && nodes_of(q, LEN) == 1, "sysram: preferences made before are narrowed: %lx %lx",
	   nodes_of(p, LEN), nodes_of(q, LEN));
	ok(nodes_of(r, LEN) == 4, "sysram: a bind made before holds");
	munmap(p, LEN);
	munmap(q, LEN);
	munmap(r, LEN);
}

/* An ordinary node that has to be named. */
static void test_sysram(void)
{
	make("c");
	ok(set("c", "mems", "0-2") && set("c", "mems.sysram", "0"), "sysram: 0 of 0-2");
	ok(mask_in("c", "mems.effective") == ALL && mask_in("c", "mems.sysram.effective") == 1,
	   "sysram: possible and default");
	enter("c");
	ok(status_mems() == ALL && syscall_mems() == ALL, "sysram: Mems_allowed has what may be named");
	ok(lands(MPOL_DEFAULT, 0) == 1, "sysram: memory without a name on node 0");
	ok(lands(MPOL_BIND, 4) == 4, "sysram: a bind to node 2 alone lands there");
	ok(lands(MPOL_INTERLEAVE, ORDINARY) == 1, "sysram: interleave is narrowed to the default");
	ok(lands(MPOL_BIND, 6) && !(lands(MPOL_BIND, 6) & 1), "sysram: a bind to 1-2");
	ok(!lands(MPOL_PREFERRED, 4) && errno == EINVAL, "sysram: preferred node 2: EINVAL");
	ok(!lands(MPOL_PREFERRED_MANY, 4) && errno == EINVAL, "sysram: preferred-many: EINVAL");
	test_rebind();
	ok(set("c", "mems.sysram", "2") && lands(MPOL_DEFAULT, 0) == 4, "sysram: 2: memory without a name follows");
	ok(set("c", "mems.sysram", "") && mask_in("c", "mems.sysram.effective") == ORDINARY, "sysram: unset");
	ok(set("c", "mems", "0-1") && set("c", "mems.sysram", "2") && mask_in("c", "mems.sysram.effective") &&
	   !(mask_in("c", "mems.sysram.effective") & PRIVATE), "sysram: nothing left: the parent's");
	ok(lands(MPOL_BIND, 4) != 4, "sysram: no bind beyond possible");
	enter("");

	set("c", "mems.sysram", "0");
	ok(!set("c", "mems.sysram", "0-1") && errno == EINVAL, "sysram: a private node: EINVAL");
	ok(!set("c", "mems.sysram", "garbage") && errno == EINVAL, "sysram: garbage: EINVAL");
	ok(!set("c", "mems.sysram", "4000") && (errno == EINVAL || errno == ERANGE), "sysram: no such node");
	ok(!set("", "mems.sysram", "0"), "sysram: not in the root");
	ok(mask_in("c", "mems.sysram") == 1, "sysram: unchanged");
	drop("c");
}

/* As container managers do: they write cpuset.mems of their own cgroups alone. */
static void test_nested(void)
{
	make("d");
	set("d", "mems", "0-2");
	ok(write_file(ROOT "/d/cgroup.subtree_control", "+cpuset"), "nested: a parent of 0-2");
	make("d/e");
	ok(set("d/e", "mems", "0-2") && mask_in("d/e", "mems.sysram.effective") == ORDINARY,
	   "nested: control: without sysram the default is what the child wrote");
	set("d", "mems.sysram", "0");
	ok(mask_in("d/e", "mems.effective") == ALL && mask_in("d/e", "mems.sysram.effective") == 1,
	   "nested: the parent's sysram holds for a child that wrote cpuset.mems alone");
	enter("d/e");
	ok(lands(MPOL_DEFAULT, 0) == 1 && lands(MPOL_BIND, 4) == 4, "nested: memory without a name there, a bind to node 2");
	enter("");
	ok(set("d/e", "mems.sysram", "0,2") && mask_in("d/e", "mems.sysram.effective") == ORDINARY,
	   "nested: a child that writes sysram itself may have more");
	set("d/e", "mems.sysram", "");
	ok(set("d/e", "mems", "2") && mask_in("d/e", "mems.sysram.effective") == 4,
	   "nested: where the parent's default leaves nothing, what the child wrote");
	ok(set("d/e", "mems", "1") && mask_in("d/e", "mems.sysram.effective") == 1,
	   "nested: where that leaves nothing, the parent's default");
	drop("d/e");
	drop("d");
}

/* What the cgroup's file and the task's say is the same, whatever is open. */
static void test_closed(void)
{
	make("f");
	set("f", "mems", "0-1");
	enter("f");
	ok(mask_in("f", "mems.effective") == 3 && status_mems() == 3, "open: named by cpuset.mems.effective and Mems_allowed");
	enable("-user_numa");
	ok(mask_in("f", "mems.effective") == 1 && status_mems() == 1, "closed: by neither");
	ok(mask_in("", "mems.effective") == ORDINARY, "closed: nor by the root's");
	ok(mask_in("f", "mems") == 3, "closed: cpuset.mems is as it was written");
	enable("+user_numa");
	ok(mask_in("f", "mems.effective") == 3 && status_mems() == 3, "open again: by both");
	enter("");
	drop("f");
}

/* The rules, in the words of the documentation. */
#define GROUPS 12

static struct group {
	bool used;
	int parent;	/* -1: root */
	unsigned long mems, sysram;
	char path[200];
} groups[GROUPS];

static unsigned long possible(int g)
{
	unsigned long mask;

	if (g < 0)
		return ALL;
	mask = groups[g].mems & possible(groups[g].parent);
	return mask ?: possible(groups[g].parent);
}

static unsigned long by_default(int g)
{
	unsigned long up, said;

	if (g < 0)
		return ORDINARY;
	up = by_default(groups[g].parent);
	said = groups[g].mems & possible(g) & ORDINARY;
	return (groups[g].sysram & possible(g) & ORDINARY) ?: (said & up) ?: said ?: up;
}

static const char *list_of(unsigned long mask)
{
	static char buf[32];
	int i;

	buf[0] = 0;
	for (i = 0; i < 3; i++)
		if (mask >> i & 1)
			snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf), "%s%d", buf[0] ? "," : "", i);
	return buf;
}

static bool leaf(int g)
{
	int i;

	for (i = 0; i < GROUPS; i++)
		if (groups[i].used && groups[i].parent == g)
			return false;
	return true;
}

static bool step(unsigned int *seed)
{
	int g = rand_r(seed) % GROUPS, parent = rand_r(seed) % (GROUPS + 1) - 1;
	struct group *me = &groups[g];
	char file[300];

	if (!me->used) {
		if (parent >= 0 && (!groups[parent].used || strlen(groups[parent].path) > 20))
			return true;
		snprintf(me->path, sizeof(me->path), "%s%sg%d", parent < 0 ? "" : groups[parent].path,
			 parent < 0 ? "" : "/", g);
		make(me->path);
		snprintf(file, sizeof(file), ROOT "/%s/cgroup.subtree_control", me->path);
		me->used = true;
		me->parent = parent;
		me->mems = me->sysram = 0;
		return write_file(file, "+cpuset");
	}
	switch (rand_r(seed) % 8) {
	case 0:
		if (!leaf(g))
			return true;
		drop(me->path);
		me->used = false;
		return true;
	case 1:
	case 2:
	case 3:
		me->sysram = rand_r(seed) % 8 & ORDINARY;
		return set(me->path, "mems.sysram", list_of(me->sysram));
	default:
		me->mems = rand_r(seed) % 8;
		return set(me->path, "mems", list_of(me->mems));
	}
}

static bool agrees(int g)
{
	unsigned long can = mask_in(groups[g].path, "mems.effective");
	unsigned long def = mask_in(groups[g].path, "mems.sysram.effective");
	unsigned long want = possible(g) | by_default(g);

	if (can == want && def == by_default(g) && def && !(def & PRIVATE))
		return true;
	printf("# %s: mems %lx sysram %lx: possible %lx, wanted %lx; default %lx, wanted %lx\n", groups[g].path,
	       groups[g].mems, groups[g].sysram, can, want, def, by_default(g));
	return false;
}

static void test_trees(void)
{
	unsigned int seed = time(NULL), first = seed;
	int i, g, again, wrong = 0;

	printf("# seed %u\n", first);
	for (i = 0; i < 600 && !wrong; i++) {
		if (!step(&seed)) {
			printf("# step %d was refused: %s\n", i, strerror(errno));
			wrong++;
		}
		for (g = 0; g < GROUPS; g++)
			wrong += groups[g].used && !agrees(g);
	}
	ok(!wrong, "random trees and writes: as the model, %d steps, seed %u", i, first);
	for (again = 0; again < GROUPS; again++)
		for (g = 0; g < GROUPS; g++)
			if (groups[g].used)
				drop(groups[g].path);
}

int main(void)
{
	find_node();
	fd = open_dev();
	mount_cpusets();
	test_root();
	test_denied();
	test_given();
	test_sysram();
	test_nested();
	test_closed();
	test_trees();
	close(fd);
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
