// SPDX-License-Identifier: GPL-2.0-only
/*
 * thp: a range that lies on the node is collapsed on the node, by khugepaged and MADV_COLLAPSE, if
 * the service is open; never without it, and never onto another node or from one.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>

#include "check.h"

#define ROOT "/tmp/thp-cg"
#define GROUP ROOT "/g"
#define THP "/sys/kernel/mm/transparent_hugepage/"
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int fd;
static unsigned long all;	/* pages of the node */

/* An attempt of khugepaged that is under way has a block of its own, for a while. */
static unsigned long free_at_last(void)
{
	int i;

	for (i = 0; i < 300 && node_free() != all; i++)
		usleep(100000);
	return node_free();
}

/* What is free when nothing is under way: the same for a while. */
static unsigned long free_at_first(void)
{
	unsigned long free = node_free();
	int i, same = 0;

	for (i = 0; i < 300 && same < 5; i++) {
		usleep(100000);
		same = node_free() == free ? same + 1 : 0;
		free = node_free();
	}
	return free;
}

/* One huge page's worth, aligned, of small pages that nobody has touched. */
static char *map(int flags)
{
	char *p, *at = mmap(NULL, 2 * PMD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at = (char *)(((uintptr_t)at + PMD - 1) / PMD * PMD);
	p = mmap(at, PMD, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		 flags & MAP_ANONYMOUS ? -1 : fd, 0);
	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, PMD, MADV_NOHUGEPAGE);
	return p;
}

static char *map_bound(int flags, unsigned long mask)
{
	char *p = map(flags | MAP_ANONYMOUS);

	if (syscall(SYS_mbind, p, PMD, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
	return p;
}

static uint64_t entry(const char *file, uint64_t index)
{
	int f = open(file, O_RDONLY);
	uint64_t e = 0;

	if (f < 0 || pread(f, &e, 8, index * 8) != 8)
		bail("%s", file);
	close(f);
	return e;
}

/* Is it mapped by one huge page? */
static bool huge(const char *p)
{
	uint64_t first = entry("/proc/self/pagemap", (uintptr_t)p / PAGE) & ((1ULL << 55) - 1);
	uint64_t last = entry("/proc/self/pagemap", (uintptr_t)p / PAGE + PMD / PAGE - 1) &
			((1ULL << 55) - 1);

	/* KPF_THP */
	return first % (PMD / PAGE) == 0 && last == first + PMD / PAGE - 1 &&
		entry("/proc/kpageflags", first) >> 22 & 1;
}

/*
 * Pages that are on their way to the LRU lists cannot be collapsed; reading free_bytes_exact ends
 * that.  khugepaged, at work on the same pages, is in the way for as long as one of its attempts
 * takes.
 */
static int collapse(char *p)
{
	int i, err = EAGAIN;

	madvise(p, PMD, MADV_HUGEPAGE);
	for (i = 0; i < 100 && err == EAGAIN; i++) {
		if (i)
			usleep(20000);
		node_free();
		err = madvise(p, PMD, MADV_COLLAPSE) ? errno : 0;
	}
	return err;
}

static bool khugepaged(char *p, int seconds)
{
	bool done = false;
	int i;

	madvise(p, PMD, MADV_HUGEPAGE);
	for (i = 0; i < 10 * seconds && !done; i++) {
		intact(p, PMD);
		usleep(100000);
		done = huge(p);
	}
	return done;
}

static void test_kind(char *p, const char *what)
{
	unsigned long used = counter("thp_used "), refused;

	touch(p, PMD);
	enable("-thp");
	refused = counter("thp_refused ");
	ok(collapse(p) == EINVAL && !huge(p) && all_here(p, PMD),
	   "%s, closed: EINVAL, nothing done", what);
	ok(!khugepaged(p, 2) && all_here(p, PMD), "%s, closed: khugepaged does nothing", what);
	printf("# refused %lu, %lu before\n", counter("thp_refused "), refused);
	ok(counter("thp_used ") == used, "%s, closed: none taken", what);
	enable("+thp");
	ok(!collapse(p) && huge(p) && all_here(p, PMD), "%s, open: huge, on the node", what);
	ok(intact(p, PMD), "%s, open: contents", what);
	/* An attempt that meets somebody else's lock gives its huge page back, and is counted. */
	ok(counter("thp_used ") >= used + PMD / PAGE, "%s, open: %lu pages counted", what,
	   counter("thp_used ") - used);
	enable("-thp");
	ok(huge(p) && all_here(p, PMD) && intact(p, PMD), "%s, closed again: stays huge", what);
	enable("+thp");
	munmap(p, PMD);
}

static void test_khugepaged(void)
{
	char *p = map(MAP_PRIVATE), *q = map_bound(MAP_PRIVATE, 1UL << node);

	touch(p, PMD);
	touch(q, PMD);
	ok(khugepaged(p, 30) && all_here(p, PMD) && intact(p, PMD),
	   "khugepaged: device map: huge, on the node");
	ok(khugepaged(q, 30) && all_here(q, PMD) && intact(q, PMD),
	   "khugepaged: mbind: huge, on the node");
	munmap(p, PMD);
	munmap(q, PMD);
}

static void unbind(char *p, size_t len)
{
	if (syscall(SYS_mbind, p, len, MPOL_DEFAULT, NULL, 0UL, 0))
		bail("mbind default");
}

/* Another private node; -1 for none. */
static int second_node(void)
{
	int first, second;
	char buf[64];

	return read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf)) &&
	       sscanf(buf, "%d%*[-,]%d", &first, &second) == 2 ? second : -1;
}

static void test_mixed(unsigned long others, const char *what)
{
	unsigned long here, refused = counter("thp_refused ");
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS);
	unsigned long mask = 1UL << node;

	if (others)
		syscall(SYS_mbind, p, PMD, MPOL_BIND, &others, 64UL, 0);
	touch(p, 9 * PAGE);
	syscall(SYS_mbind, p, PMD, MPOL_BIND, &mask, 64UL, 0);
	touch(p + 9 * PAGE, PMD - 9 * PAGE);
	here = where(p, PMD).here;
	ok(here == PMD / PAGE - 9, "%s: %lu pages on the node", what, here);
	ok(collapse(p) == EINVAL && !huge(p) && where(p, PMD).here == here,
	   "%s: EINVAL, left alone", what);
	ok(counter("thp_refused ") > refused, "%s: counted", what);
	ok(!khugepaged(p, 2) && where(p, PMD).here == here, "%s: khugepaged leaves it alone", what);
	munmap(p, PMD);
}

/* Missing pages are new memory: by the policy, or not at all. */
static void test_missing(void)
{
	char *p = map(MAP_PRIVATE);

	touch(p, PMD / 2);
	ok(!collapse(p) && huge(p) && all_here(p, PMD) && intact(p, PMD / 2),
	   "half present: the policy fills up");
	munmap(p, PMD);
	p = map_bound(MAP_PRIVATE, 1UL << node);
	touch(p, PMD / 2);
	unbind(p, PMD);
	ok(collapse(p) == EINVAL && !huge(p) && where(p, PMD).here == PMD / PAGE / 2,
	   "half present, without a policy: left alone");
	munmap(p, PMD);
	p = map_bound(MAP_PRIVATE, 1UL << node);
	unbind(p, PMD);
	touch(p, PMD / 2);
	syscall(SYS_mbind, p, PMD, MPOL_BIND, &(unsigned long){ 1UL << node }, 64UL, 0);
	ok(collapse(p) == EINVAL && where(p, PMD).elsewhere == PMD / PAGE / 2,
	   "half present, ordinary, bound to the node: no ordinary page comes");
	munmap(p, PMD);
}

static bool page_out(char *p)
{
	int i;

	for (i = 0; i < 5 && where(p, PMD).here; i++) {
		node_free();
		madvise(p, PMD, MADV_PAGEOUT);
	}
	return !where(p, PMD).here && !where(p, PMD).elsewhere;
}

/* All of it is on swap, and only the task's policy names the node: nothing says so in time. */
static int swapped(void *arg)
{
	unsigned long mask = 1UL << node;
	int flags = *(int *)arg, ret;
	char *p = map(flags | MAP_ANONYMOUS);

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		return 1;
	touch(p, PMD);
	if (!all_here(p, PMD) || !page_out(p))
		return 2;
	ret = collapse(p);
	printf("# collapse of a swapped range: %s\n", ret ? strerror(ret) : "done");
	if (!intact(p, PMD))
		return 3;
	return where(p, PMD).elsewhere ? 4 : 0;
}

static void test_swapped(void)
{
	int flags, status;

	zram_on("256M");
	flags = MAP_PRIVATE;
	status = in_child(swapped, &flags);
	ok(!status, "anonymous, on swap: comes back to the node (status %d)", status);
	flags = MAP_SHARED;
	status = in_child(swapped, &flags);
	ok(!status, "shared, on swap: comes back to the node (status %d)", status);
	zram_off();
}

/* Small pages up to the last block. */
static void test_full(void)
{
	size_t len = free_at_last() * PAGE / PMD * PMD;
	char *hog, *p = map(MAP_PRIVATE);
	unsigned long failed;

	touch(p, PMD);
	enable("-reclaim");
	hog = mmap(NULL, len - PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	madvise(hog, len - PMD, MADV_NOHUGEPAGE);
	touch(hog, len - PMD);
	failed = counter("thp_failed ");
	ok(collapse(p) == ENOMEM && !huge(p) && all_here(p, PMD) && intact(p, PMD),
	   "full: ENOMEM, nothing done");
	ok(counter("thp_failed ") > failed, "full: counted");
	munmap(hog, len - PMD);
	ok(!collapse(p) && huge(p) && all_here(p, PMD), "and then not full: huge");
	enable("+reclaim");
	munmap(p, PMD);
}

/* For whoever has to find out why no block was made: the lines of @file that have @word. */
static void say_lines(const char *file, const char *word)
{
	FILE *in = fopen(file, "r");
	char line[256];

	while (in && fgets(line, sizeof(line), in))
		if (strstr(line, word))
			printf("# %s", line);
	if (in)
		fclose(in);
}

/* Every second page of the node is free, no two side by side: kcompactd makes the block. */
static void test_fragmented(void)
{
	size_t len = free_at_last() * PAGE / PMD * PMD - PMD, i;
	char *p = map(MAP_PRIVATE), *hog;
	bool made;

	touch(p, PMD);
	enable("-reclaim");
	hog = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	madvise(hog, len, MADV_NOHUGEPAGE);
	touch(hog, len);
	for (i = 0; i < len; i += 2 * PAGE)
		madvise(hog + i, PAGE, MADV_DONTNEED);
	say_lines("/proc/vmstat", "compact_");
	made = khugepaged(p, 300);
	if (!made) {
		say_lines("/proc/vmstat", "compact_");
		say_lines("/proc/vmstat", "thp_collapse");
		say_lines("/proc/buddyinfo", "Node");
		printf("# collapse: %d, thp_failed %lu, %lu pages here\n", collapse(p),
		       counter("thp_failed "), where(p, PMD).here);
	}
	ok(made && all_here(p, PMD) && intact(p, PMD), "fragmented: huge, after compaction");
	munmap(hog, len);
	enable("+reclaim");
	munmap(p, PMD);
}

static int in_group(void *arg)
{
	unsigned long before, after;
	char *p;

	(void)arg;
	put(GROUP "/cgroup.procs", "0");
	p = map_bound(MAP_PRIVATE, 1UL << node);
	touch(p, PMD);
	before = number_in(GROUP "/memory.stat", "anon ");
	if (collapse(p) || !huge(p))
		return 1;
	after = number_in(GROUP "/memory.stat", "anon ");
	printf("# anon %lu before, %lu after, huge %lu\n", before, after,
	       number_in(GROUP "/memory.stat", "anon_thp "));
	/* The program itself grows a little. */
	return after < before || after > before + PMD / 4 ||
	       number_in(GROUP "/memory.stat", "anon_thp ") < PMD;
}

static void test_memcg(void)
{
	int i, status;

	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) ||
	    !write_file(ROOT "/cgroup.subtree_control", "+memory") || mkdir(GROUP, 0755))
		bail("cgroup");
	status = in_child(in_group, NULL);
	ok(!status,
	   "the group pays for the huge page, and no longer for the small ones (status %d)",
	   status);
	for (i = 0; i < 50 && number_in(GROUP "/memory.current", "") > MIB; i++)
		usleep(100000);
	ok(number_in(GROUP "/memory.current", "") <= MIB, "and for nothing in the end: %lu",
	   number_in(GROUP "/memory.current", ""));
	rmdir(GROUP);
	umount2(ROOT, MNT_DETACH);
}

static struct setting settings[5];

static void begin(void)
{
	fd = open_dev();
	change_setting(&settings[0], THP "enabled", "always");
	change_setting(&settings[1], THP "shmem_enabled", "advise");
	change_setting(&settings[2], THP "khugepaged/scan_sleep_millisecs", "20");
	change_setting(&settings[3], THP "khugepaged/alloc_sleep_millisecs", "20");
	change_setting(&settings[4], THP "khugepaged/pages_to_scan", "8192");
	all = free_at_first();
}

static void end(void)
{
	size_t i;

	close(fd);
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		restore_setting(&settings[i]);
	ok(free_at_last() == all, "all pages came back: %lu free, %lu before", node_free(), all);
}

NODE_FIXTURE(thp, "user_numa,reclaim,compaction,thp")

TEST_F_TIMEOUT(thp, kinds, LONG_TEST)
{
	begin();
	test_kind(map(MAP_PRIVATE), "device map, private");
	test_kind(map(MAP_SHARED), "device map, shared");
	test_kind(map_bound(MAP_PRIVATE, 1UL << node), "mbind");
	test_kind(map_bound(MAP_SHARED, 1UL << node), "mbind, shmem");
	end();
}

TEST_F_TIMEOUT(thp, khugepaged, LONG_TEST)
{
	begin();
	test_khugepaged();
	end();
}

TEST_F_TIMEOUT(thp, mixed, LONG_TEST)
{
	begin();
	test_mixed(0, "partly ordinary");
	if (second_node() < 0)
		skip("there is one private node", "two private nodes");
	else
		test_mixed(1UL << second_node(), "two private nodes");
	test_missing();
	end();
}

TEST_F_TIMEOUT(thp, swapped, LONG_TEST)
{
	begin();
	test_swapped();
	end();
}

TEST_F_TIMEOUT(thp, full, LONG_TEST)
{
	begin();
	test_full();
	test_fragmented();
	end();
}

TEST_F_TIMEOUT(thp, memcg, LONG_TEST)
{
	begin();
	test_memcg();
	end();
}

TEST_HARNESS_MAIN
