// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuset_v1: cgroup v1 has one mask: who may name the private node, what moves, and that demotion works.
 * In a boot of its own: the cpuset controller does not come back to v2 at once.
 *
 * vm: --node 1G --node 272M --append private_node=1:user_numa,reclaim,demotion,promotion,numa_balancing,longterm_pin
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>

#include "../devmap/devmap.h"

#define V1 "/tmp/cpuset-v1"
#define V2 "/tmp/cpuset-v2"
#define GROUP V1 "/a"
#define LEN (16 * MIB)

static void enter(const char *group)
{
	char path[128], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(pid, sizeof(pid), "%d", getpid());
	put(path, pid);
}

static char *anon(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, LEN, MADV_NOHUGEPAGE);
	return p;
}

static long bind_to_node(char *p)
{
	unsigned long mask = 1UL << node;

	return syscall(SYS_mbind, p, LEN, MPOL_BIND, &mask, 64UL, 0UL);
}

static bool mems_have_node(void)
{
	return number_in("/proc/self/status", "Mems_allowed_list:\t0-") == 1;
}

static void test_names(void)
{
	char *p = anon();

	ok(mems_have_node() && !bind_to_node(p) && touch(p, LEN) == LEN / PAGE && all_here(p, LEN),
	   "root: may name the private node");
	if (mkdir(GROUP, 0755))
		bail("mkdir");
	put(GROUP "/cpuset.cpus", "0");
	ok(!write_file(GROUP "/cpuset.mems", "0-1"), "group: cpuset.mems takes no private node");
	put(GROUP "/cpuset.mems", "0");
	put(GROUP "/cpuset.memory_migrate", "1");
	enter(GROUP);
	ok(!mems_have_node() && bind_to_node(p) && errno == EINVAL, "group: may not name it");
	ok(all_here(p, LEN), "group: what is bound to it alone has nowhere to go");
	enter(V1);
	ok(mems_have_node() && !bind_to_node(p), "root again: may name it");
	put(node_file("access"), "named");
	ok(!mems_have_node() && bind_to_node(p) && errno == EINVAL && all_here(p, LEN),
	   "access=named: not even the root has it, and what is there stays");
	enter(GROUP);
	ok(!mems_have_node() && bind_to_node(p) && errno == EINVAL, "access=named: nor has a group");
	ok(!system("grep -q 'what=policy why=named' /proc/private_node_refusals"), "... and it is written down why");
	enter(V1);
	put(node_file("access"), "any");
	ok(mems_have_node() && !bind_to_node(p), "any again: the root has it");
	munmap(p, LEN);
}

/* A task without a policy, whose memory the kernel moves. */
static void test_demotion(void)
{
	unsigned long used = counter("demotion_used ");
	char *p;
	int i;

	if (mkdir(V2 "/g", 0755))
		bail("mkdir");
	enter(V2 "/g");
	p = anon();
	ok(touch(p, LEN) == LEN / PAGE && !where(p, LEN).here, "memory without a name is ordinary");
	for (i = 0; i < 20 && where(p, LEN).here < LEN / PAGE / 2; i++)
		write_file(V2 "/g/memory.reclaim", "16M");
	ok(where(p, LEN).here >= LEN / PAGE / 2 && counter("demotion_used ") > used, "... and is demoted (%lu pages)",
	   where(p, LEN).here);
	enable("-demotion -promotion");
	used = counter("demotion_used ");
	write_file(V2 "/g/memory.reclaim", "8M");
	ok(counter("demotion_used ") == used, "closed: nothing is");
	enable("+demotion +promotion");
	munmap(p, LEN);
	enter(V2);
	rmdir(V2 "/g");
}

int main(void)
{
	find_node();
	mkdir(V1, 0755);
	mkdir(V2, 0755);
	if (mount("none", V2, "cgroup2", 0, NULL))
		bail("cgroup2");
	write_file(V2 "/cgroup.subtree_control", "-cpuset");
	put(V2 "/cgroup.subtree_control", "+memory");
	if (mount("none", V1, "cgroup", 0, "cpuset"))
		bail("cgroup v1");
	test_names();
	test_demotion();
	rmdir(GROUP);
	umount2(V1, 0);
	umount2(V2, MNT_DETACH);
	return done_testing();
}
