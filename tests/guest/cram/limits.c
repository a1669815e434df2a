// SPDX-License-Identifier: GPL-2.0-only
/*
 * limits: memory.stat and memory.cram.* of a cgroup, limits that are not helped by what only moves, and
 * cpusets.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include "cram.h"

#define LEN (16 * MIB)
#define MEMORY(file) GROUP "/memory." file

static unsigned long current(void)
{
	return number_in(MEMORY("cram.current"), "");
}

static char *filled(uint64_t salt)
{
	char *p = anon(LEN);

	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, HALF, salt);
	return p;
}

static bool none_charged(void)
{
	node_free();
	return !current();
}

static void counted(void)
{
	unsigned long here;
	char *p = filled(1);

	ok(!current(), "at first: none");
	here = make_cold(p, LEN);
	ok(here > LEN / PAGE * 9 / 10 && current() == here * PAGE, "memory.cram.current: %lu for %lu pages", current(),
	   here);
	ok(number_in(MEMORY("stat"), "cram ") == here * PAGE, "memory.stat: cram");
	ok(number_in(ROOT "/memory.stat", "cram ") == here * PAGE, "the parent's as well");
	ok(number_in(MEMORY("current"), "") >= LEN, "and memory.current has them");
	fill(p, LEN / 2, HALF, 2);
	here = where(p, LEN).here;
	node_free();
	ok(current() == here * PAGE, "written to: %lu for %lu pages", current(), here);
	munmap(p, LEN);
	ok(within(5, none_charged), "freed: none");
	all_trimmed("freed");
}

static void limited(void)
{
	static const char *const bad[] = { "x", "-1", "4M 4M" };
	unsigned long here, more;
	char *p = filled(3), *q = filled(4);
	size_t i;

	put(MEMORY("cram.max"), "4M");
	here = make_cold(p, LEN);
	ok(here <= 4 * MIB / PAGE && here > 3 * MIB / PAGE, "memory.cram.max=4M: %lu pages", here);
	more = make_cold(q, LEN);
	ok(current() <= 4 * MIB && here + more <= 4 * MIB / PAGE, "and no more: %lu bytes", current());
	put(MEMORY("cram.max"), "0");
	ok(number_in(MEMORY("cram.max"), "") == 0 && where(p, LEN).here == here, "0: what is there stays");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(MEMORY("cram.max"), bad[i]) && errno == EINVAL && !number_in(MEMORY("cram.max"), ""),
		   "'%s' is refused", bad[i]);
	munmap(p, LEN);
	ok(make_cold(q, LEN) <= more, "0: none is added");
	put(MEMORY("cram.max"), "max");
	ok(make_cold(q, LEN) > LEN / PAGE * 9 / 10, "max: again");
	ok(!damaged(q, 0, LEN, HALF, 4), "contents");
	munmap(q, LEN);
	all_trimmed("limited");
}

/* The limit of one further up counts as well; the cgroup goes while its memory is on the device. */
static int below(void *arg)
{
	unsigned long here;
	char *p;

	(void)arg;
	put(ROOT "/h/i/cgroup.procs", "0");
	p = filled(5);
	madvise(p, LEN, MADV_COLD);
	write_file(ROOT "/h/memory.reclaim", "16M swappiness=max");
	here = where(p, LEN).here;
	printf("# below a limit of 2M: %lu pages\n", here);
	return here && here * PAGE <= 2 * MIB && !damaged(p, 0, LEN, HALF, 5) ? 0 : 1;
}

static void nested(void)
{
	mkdir(ROOT "/h", 0755);
	put(ROOT "/h/cgroup.subtree_control", "+memory");
	mkdir(ROOT "/h/i", 0755);
	put(ROOT "/h/memory.cram.max", "2M");
	ok(!in_child(below, NULL), "a limit further up");
	rmdir(ROOT "/h/i");
	rmdir(ROOT "/h");
	all_trimmed("a cgroup that went");
}

static void not_freed(void)
{
	unsigned long before = cram_stat("admitted");
	char *p = filled(6);

	madvise(p, LEN, MADV_COLD);
	ok(!write_file(MEMORY("reclaim"), "8M swappiness=max") && errno == EAGAIN && cram_stat("admitted") > before,
	   "memory.reclaim: what moved does not count as freed");
	munmap(p, LEN);
	all_trimmed("reclaim");
}

static int too_much(void *arg)
{
	char *p;

	(void)arg;
	put(ROOT "/j/cgroup.procs", "0");
	p = filled(7);
	return p[0] == 0;
}

static void no_help(void)
{
	unsigned long before = cram_stat("admitted");
	int status;

	mkdir(ROOT "/j", 0755);
	put(ROOT "/j/memory.max", "8M");
	status = in_child(too_much, NULL);
	ok(status, "a limit is not helped: the task dies (%d)", status);
	ok(cram_stat("admitted") == before, "and nothing was moved for it");
	rmdir(ROOT "/j");
	all_trimmed("no help");
}

static int confined(void *arg)
{
	char *p;

	(void)arg;
	put(ROOT "/k/cgroup.procs", "0");
	p = filled(8);
	madvise(p, LEN, MADV_COLD);
	write_file(ROOT "/k/memory.reclaim", "16M swappiness=max");
	return where(p, LEN).here ? 1 : 0;
}

static void cpusets(void)
{
	put(ROOT "/cgroup.subtree_control", "+cpuset");
	mkdir(ROOT "/k", 0755);
	put(ROOT "/k/cpuset.mems", "0");
	ok(!in_child(confined, NULL), "a cpuset without the node: nothing comes");
	rmdir(ROOT "/k");
}

int main(void)
{
	new_device("physical=192M");
	group();
	counted();
	limited();
	nested();
	not_freed();
	no_help();
	cpusets();
	ok(nothing_lost(), "no write was lost");
	ok(remove_device(), "the device goes");
	ungroup();
	return done_testing();
}
