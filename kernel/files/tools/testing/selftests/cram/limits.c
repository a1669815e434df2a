// SPDX-License-Identifier: GPL-2.0-only
/*
 * limits: what is on a device is charged to memory.cram, and not to memory.max; limits of both,
 * what moves between them, memory.reclaim, and cpusets.
 */
#define _GNU_SOURCE
#include "../private_node/check.h"
#include "cram.h"

#define LEN (16 * MIB)
/* What is charged ahead for each processor, and page tables. */
#define SLACK (2 * MIB)
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

static unsigned long charged(void)
{
	return number_in(MEMORY("current"), "");
}

static bool none_charged(void)
{
	node_free();
	return !current();
}

static void counted(void)
{
	unsigned long here, all, before = charged();
	char *p = filled(1);

	ok(!current(), "at first: none");
	all = charged();
	here = make_cold(p, LEN);
	ok(here > LEN / PAGE * 9 / 10 && current() == here * PAGE,
	   "memory.cram.current: %lu for %lu pages", current(), here);
	ok(number_in(MEMORY("stat"), "cram ") == here * PAGE, "memory.stat: cram");
	ok(number_in(ROOT "/memory.stat", "cram ") == here * PAGE, "the parent's as well");
	ok(charged() + here * PAGE <= all + SLACK,
	   "memory.current has them no more: %lu, %lu before", charged(), all);
	all = charged();
	put(cram_file("writable_bytes"), "0");
	fill(p, LEN / 2, HALF, 2);
	here = where(p, LEN).here;
	node_free();
	ok(current() == here * PAGE && !where(p, LEN / 2).here, "written to: %lu for %lu pages",
	   current(), here);
	ok(charged() >= all + LEN / 2 - SLACK,
	   "what was copied up is charged to memory.current: %lu, %lu before", charged(), all);
	put(cram_file("writable_bytes"), "default");
	munmap(p, LEN);
	ok(within(60, none_charged), "freed: none");
	ok(charged() <= before + SLACK, "nor to memory.current: %lu, %lu at first", charged(),
	   before);
	all_trimmed("freed");
}

static unsigned long vmstat_scanned(void)
{
	return number_in("/proc/vmstat", "pgscan_anon ");
}

static void limited(void)
{
	static const char *const bad[] = { "x", "-1", "4M 4M" };
	unsigned long here, more, seen;
	char *p = filled(3), *q = filled(4);
	size_t i;

	put(MEMORY("cram.max"), "4M");
	here = make_cold(p, LEN);
	ok(here <= 4 * MIB / PAGE && here > 3 * MIB / PAGE, "memory.cram.max=4M: %lu pages", here);
	more = make_cold(q, LEN);
	ok(current() <= 4 * MIB && here + more <= 4 * MIB / PAGE, "and no more: %lu bytes",
	   current());
	put(MEMORY("cram.max"), "0");
	ok(number_in(MEMORY("cram.max"), "") == 0 && where(p, LEN).here == here,
	   "0: what is there stays");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(MEMORY("cram.max"), bad[i]) && errno == EINVAL &&
		   !number_in(MEMORY("cram.max"), ""),
		   "'%s' is refused", bad[i]);
	munmap(p, LEN);
	ok(make_cold(q, LEN) <= more, "0: none is added");
	seen = vmstat_scanned();
	write_file(MEMORY("reclaim"), "4M swappiness=max");
	ok(vmstat_scanned() == seen, "0: reclaim does not look for any: %lu pages",
	   vmstat_scanned() - seen);
	put(MEMORY("cram.max"), "max");
	ok(make_cold(q, LEN) > LEN / PAGE * 9 / 10, "max: again");
	ok(!damaged(q, 0, LEN, HALF, 4), "contents");
	munmap(q, LEN);
	all_trimmed("limited");
	ok(nothing_lost(), "no write was lost");
}

/*
 * This process joins a cgroup by its file PROCS and fills an area, which is cold then, and is
 * placed by the file RECLAIM of the same cgroup or of one above.
 */
static char *cold_in(const char *procs, const char *reclaim, uint64_t salt)
{
	char *p;

	put(procs, "0");
	p = filled(salt);
	madvise(p, LEN, MADV_COLD);
	write_file(reclaim, "16M swappiness=max");
	return p;
}

/* The limit of one further up counts as well; the cgroup goes while its memory is on the device. */
static int below(void *arg)
{
	char *p = cold_in(ROOT "/h/i/cgroup.procs", ROOT "/h/memory.reclaim", 5);
	unsigned long here;

	(void)arg;
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

/* No more than was asked for, by much. */
static void reclaimed(void)
{
	unsigned long before = cram_stat("admitted"), moved;
	char *p = filled(6);

	ok(write_file(MEMORY("reclaim"), "4M swappiness=max"), "memory.reclaim: what moved counts");
	moved = (cram_stat("admitted") - before) * PAGE;
	ok(moved >= 4 * MIB && moved <= 5 * MIB, "4M: %lu bytes moved", moved);
	munmap(p, LEN);
	all_trimmed("reclaim");
}

static int too_much(void *arg)
{
	char *p;

	(void)arg;
	put(ROOT "/j/cgroup.procs", "0");
	p = filled(7);
	return where(p, LEN).here * PAGE >= LEN - 8 * MIB && !damaged(p, 0, LEN, HALF, 7) ? 0 : 1;
}

static bool j_is_free(void)
{
	node_free();
	return !number_in(ROOT "/j/memory.cram.current", "");
}

/* A cgroup has what the device takes besides its limit. */
static void helped(void)
{
	int status;

	mkdir(ROOT "/j", 0755);
	put(ROOT "/j/memory.max", "8M");
	status = in_child(too_much, NULL);
	ok(!status, "a limit of 8M: 16M are kept, with the device (%d)", status);
	ok(within(60, j_is_free) &&
	   number_in(ROOT "/j/memory.current", "") < SLACK,
	   "and nothing is charged when it is gone: %lu and %lu",
	   number_in(ROOT "/j/memory.cram.current", ""),
	   number_in(ROOT "/j/memory.current", ""));
	put(ROOT "/j/memory.cram.max", "4M");
	status = in_child(too_much, NULL);
	ok(status, "with memory.cram.max=4M they are not (%d)", status);
	rmdir(ROOT "/j");
	all_trimmed("helped");
}

/* A device that goes gives back the charge. */
static int goes(void *arg)
{
	char *p = cold_in(ROOT "/m/cgroup.procs", ROOT "/m/memory.reclaim", 9);
	unsigned long before, all;

	(void)arg;
	before = number_in(ROOT "/m/memory.current", "");
	all = where(p, LEN).here;
	if (!all || !remove_device())
		return 1;
	if (number_in(ROOT "/m/memory.current", "") + SLACK < before + all * PAGE)
		return 2;
	return damaged(p, 0, LEN, HALF, 9) ? 3 : 0;
}

static void gone(void)
{
	int status;

	mkdir(ROOT "/m", 0755);
	status = in_child(goes, NULL);
	ok(!status, "the device goes: what was there is charged to memory.current (%d)", status);
	ok(number_in(ROOT "/m/memory.current", "") < SLACK, "and nothing when it is freed: %lu",
	   number_in(ROOT "/m/memory.current", ""));
	rmdir(ROOT "/m");
}

static int confined(void *arg)
{
	char *p = cold_in(ROOT "/k/cgroup.procs", ROOT "/k/memory.reclaim", 8);

	(void)arg;
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

#define LIMIT_TEST(what)							\
	TEST_F_TIMEOUT(limits, what, LONG_TEST)					\
	{									\
		what();								\
	}

DEVICE_FIXTURE(limits, "physical=192M")

LIMIT_TEST(counted)
LIMIT_TEST(limited)
LIMIT_TEST(nested)
LIMIT_TEST(reclaimed)
LIMIT_TEST(helped)
LIMIT_TEST(cpusets)
LIMIT_TEST(gone)

TEST_HARNESS_MAIN
