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
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <time.h>

#include "../devmap/devmap.h"

#define ROOT "/tmp/cpuset-cg"
#define LEN (4 * MIB)
#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#define ORDINARY 5UL
#define PRIVATE 2UL
#define ALL (ORDINARY | PRIVATE)

static int fd;

static unsigned long parse(const char *list)
{
	unsigned long mask = 0, from, to;
	char *end;

	while (*list >= '0' && *list <= '9') {
		from = to = strtoul(list, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to; from++)
			mask |= 1UL << from;
		list = *end == ',' ? end + 1 : end;
	}
	return mask;
}

static const char *file_of(const char *group, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), ROOT "%s%s/cpuset.%s", *group ? "/" : "", group, file);
	return path;
}

static unsigned long mask_in(const char *group, const char *file)
{
	char buf[128];

	if (!read_file(file_of(group, file), buf, sizeof(buf)))
		bail("cannot read %s", file_of(group, file));
	return parse(buf);
}

static bool set(const char *group, const char *file, const char *value)
{
	return write_file(file_of(group, file), *value ? value : "\n");
}

static void enter(const char *group)
{
	char path[300], pid[16];

	snprintf(path, sizeof(path), ROOT "%s%s/cgroup.procs", *group ? "/" : "", group);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (!write_file(path, pid))
		bail("cannot enter %s", path);
}

static void make(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755))
		bail("mkdir %s", path);
}

static void drop(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	rmdir(path);
}

static char *anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

static long bind_range(void *p, int mode, unsigned long mask)
{
	return syscall(SYS_mbind, p, LEN, mode, &mask, 64UL, 0);
}

/* Mask of the nodes where the pages of the range are. */
static unsigned long nodes_of(char *p, size_t len)
{
	unsigned long i, mask = 0;
	void *page;
	int status;

	for (i = 0; i < len; i += PAGE) {
		page = p + i;
		if (!syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) && status >= 0)
			mask |= 1UL << status;
	}
	return mask;
}

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

static unsigned long status_mems(void)
{
	char buf[8192], *at;

	if (!read_file("/proc/self/status", buf, sizeof(buf)))
		bail("status");
	at = strstr(buf, "Mems_allowed_list:\t");
	return at ? parse(at + 19) : 0;
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
	ok(set("b", "mems", "1") && (mask_in("b", "mems.effective") & PRIVATE) &&
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
	unsigned long up, mask;

	if (g < 0)
		return ORDINARY;
	up = by_default(groups[g].parent);
	if (groups[g].sysram)
		mask = groups[g].sysram & possible(g) & ORDINARY;
	else if (groups[g].mems)
		mask = groups[g].mems & possible(g) & ORDINARY;
	else
		mask = up;
	return mask ?: (groups[g].mems & up) ?: up;
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
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) || !write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		bail("cgroup");
	test_root();
	test_denied();
	test_given();
	test_sysram();
	test_trees();
	close(fd);
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
