// SPDX-License-Identifier: GPL-2.0-only
/*
 * access: a node whose access is "named" is for cgroups that name it, and that all above them name: the
 * root, an unset cpuset.mems and a tree where one above is unset do not have it.  What is there stays.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa,reclaim,demotion
 * vm: --node 1G --node 256M --append private_node=1:user_numa,reclaim,demotion,access=named
 */
#define _GNU_SOURCE
#include "cpusets.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/log.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static unsigned long here;

static bool may_bind(void)
{
	char *p = anon(LEN);
	bool good = !bind_range(p, MPOL_BIND, here);

	if (!good && errno != EINVAL)
		bail("mbind");
	if (good)
		good = touch(p, LEN) == LEN / PAGE && nodes_of(p, LEN) == here;
	munmap(p, LEN);
	return good;
}

static bool may_map(void)
{
	int f = open_dev();
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0);

	if (p == MAP_FAILED && errno != EPERM)
		bail("mmap of the device file");
	if (p != MAP_FAILED)
		munmap(p, PAGE);
	close(f);
	return p != MAP_FAILED;
}

/* EACCES: its cpuset lacks the node. */
static bool may_move(void)
{
	char *p = anon(PAGE);
	void *page = p;
	int status, to = node;
	long ret;

	*p = 1;
	ret = syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);
	if (ret < 0 && errno != EACCES)
		bail("move_pages");
	munmap(p, PAGE);
	return !ret && status == node;
}

/* All ways at once, from a cgroup: each gives the same answer. */
static bool has(const char *group)
{
	int n;

	enter(group);
	n = may_bind() + may_map() + may_move() + !!(status_mems() & here) +
	    !!(mask_in(group, "mems.effective") & here);
	enter("");
	if (n && n != 5)
		printf("# '%s': %d of 5\n", group, n);
	return n == 5;
}

/* As has(), for the denied: that none of the ways is open. */
static bool lacks(const char *group)
{
	int n;

	enter(group);
	n = may_bind() + may_map() + may_move() + !!(status_mems() & here) +
	    (*group && mask_in(group, "mems.effective") & here);
	enter("");
	if (n)
		printf("# '%s': %d ways\n", group, n);
	return !n;
}

static void set_access(const char *access)
{
	put(node_file("access"), access);
}

static void test_root(bool boot)
{
	if (boot) {
		ok(lacks(""), "named from boot on: the root does not have it");
		set_access("any");
	}
	ok(may_bind() && may_map(), "any: the root has it");
	set_access("named");
	ok(lacks(""), "named: the root does not have it");
	ok(!system("grep -q 'node=1 owner=boot what=policy why=named .*comm=access' /proc/private_node_refusals"),
	   "... and it is written down why");
	ok(!system("grep -q 'what=map why=named' /proc/private_node_refusals"), "... also of the device file");
	ok(!write_file(node_file("access"), "some"), "a value that is none is refused");
	ok(lacks(""), "... and changes nothing");
}

static void test_groups(void)
{
	make("a");
	ok(lacks("a"), "a cgroup with an unset cpuset.mems does not have it");
	set("a", "mems", "0-1");
	ok(has("a"), "one that names it has it");
	log_clear();
	set("a", "mems", "1");
	ok(has("a"), "one that names it alone has it");
	ok(!log_has("movable nodes only", ""), "... and the kernel does not call that unsupported");
	set("a", "mems", "0");
	ok(lacks("a"), "one that names another one does not");
	set("a", "mems", "1");
	put(ROOT "/a/cgroup.subtree_control", "+cpuset");
	make("a/b");
	ok(lacks("a/b"), "nested: an unset one below does not have it");
	set("a/b", "mems", "1");
	ok(has("a/b"), "nested: named by both");
	set("a", "mems", "");
	ok(lacks("a/b"), "nested: named by the inner one alone");
	set("a", "mems", "0-1");
	ok(has("a/b"), "nested: and by both again");
	make("c");
	ok(lacks("c"), "beside it: an unset one does not");
	set_access("any");
	ok(has("c") && may_bind(), "any again: it has it, and so has the root");
	set_access("named");
}

/* What is on the node when its access changes. */
static void test_stays(void)
{
	char *p = anon(2 * LEN), *q;

	madvise(p, 2 * LEN, MADV_NOHUGEPAGE);
	set_access("any");
	bind_range(p, MPOL_BIND, here);
	bind_range(p + LEN, MPOL_BIND, here);
	if (touch(p, LEN) != LEN / PAGE)
		bail("touch");
	set_access("named");
	ok(nodes_of(p, LEN) == here && touch(p, LEN) == LEN / PAGE, "what is there stays, and can be used");
	ok(touch(p + LEN, LEN) == 0, "a new page is refused: SIGBUS");
	ok(!system("grep -q 'what=access why=named' /proc/private_node_refusals"), "... and it is written down why");
	q = anon(LEN);
	ok(bind_range(q, MPOL_BIND, here) && errno == EINVAL, "a new bind is refused");
	enter("a/b");
	ok(touch(p + LEN, LEN) == LEN / PAGE && nodes_of(p + LEN, LEN) == here, "a task that moves into a cgroup which names it gets it");
	enter("");
	munmap(p, 2 * LEN);
	munmap(q, LEN);
}

/* A collapse fills what is missing in a huge page: with new pages, which a fault would not get. */
static void test_collapse(void)
{
	char *all = anon(LEN + PMD), *p = (char *)(((uintptr_t)all + PMD - 1) & ~(PMD - 1));

	put(node_file("enabled"), "+compaction +thp");
	set_access("any");
	bind_range(p, MPOL_BIND, here);
	*p = 1;
	set_access("named");
	madvise(p, PMD, MADV_COLLAPSE);
	ok(!nodes_of(p + PAGE, PMD - PAGE), "a collapse brings no new pages");
	set_access("any");
	put(node_file("enabled"), "-user_numa");
	madvise(p, PMD, MADV_COLLAPSE);
	ok(!nodes_of(p + PAGE, PMD - PAGE), "nor does it with user_numa closed");
	put(node_file("enabled"), "+user_numa");
	madvise(p, PMD, MADV_COLLAPSE);
	ok(nodes_of(p + PAGE, PMD - PAGE) == here, "it does for who has the node");
	set_access("named");
	munmap(all, LEN + PMD);
}

/* Memory without a name, cold: the kernel demotes nothing of who has not the node. */
static void test_demotion(const char *group, bool goes)
{
	char path[128], *p;
	int i;

	snprintf(path, sizeof(path), ROOT "/%s/memory.reclaim", group);
	enter(group);
	p = anon(4 * LEN);
	madvise(p, 4 * LEN, MADV_NOHUGEPAGE);
	touch(p, 4 * LEN);
	for (i = 0; i < 10 && !(nodes_of(p, 4 * LEN) & here); i++)
		write_file(path, "8M");
	ok(!!(nodes_of(p, 4 * LEN) & here) == goes, "cold memory of '%s' is %sdemoted", group, goes ? "" : "not ");
	enter("");
	munmap(p, 4 * LEN);
}

int main(void)
{
	char access[16];

	find_node();
	here = 1UL << node;
	mount_cpusets();
	if (!write_file(ROOT "/cgroup.subtree_control", "+memory"))
		bail("memory controller");
	if (!read_file(node_file("access"), access, sizeof(access)))
		bail("access");
	test_root(!strcmp(access, "named\n"));
	test_groups();
	test_stays();
	test_collapse();
	test_demotion("c", false);
	set("a", "mems", "0-1");
	test_demotion("a", true);
	set_access("any");
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
