// SPDX-License-Identifier: GPL-2.0-only
/*
 * reclaim: what the service opens, with both kinds of LRU lists, and that it closes again.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <time.h>

#include "check.h"

#define ROOT "/tmp/reclaim-cg"
#define GROUP ROOT "/limited"
#define LIMIT (32 * MIB)
#define LEN (16 * MIB)
#define FILLER (104 * MIB)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int fd;

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags,
		       flags & MAP_ANONYMOUS ? -1 : fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

/* More than the node holds, which no single mapping may be: two, side by side. */
#define BEYOND (32 * MIB)
static size_t beyond;

static char *map_beyond(int flags)
{
	size_t first = node_free() * PAGE / PMD * PMD;
	int more = open_dev();
	char *p;

	beyond = first + BEYOND;
	p = mmap(NULL, beyond, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED ||
	    mmap(p, first, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(p + first, BEYOND, PROT_READ | PROT_WRITE, flags | MAP_FIXED, more, 0) ==
		    MAP_FAILED)
		bail("mmap of %zu bytes", beyond);
	close(more);
	return p;
}

struct marks {
	unsigned long min, low, high, gave_up;
};

/* Of the node's zones together; has its kswapd given up? */
static struct marks marks(void)
{
	struct marks m = { 0 };
	char line[256], word[64];
	unsigned long nr;
	int nid, now = -1;
	FILE *f = fopen("/proc/zoneinfo", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %d, zone", &nid) == 1)
			now = nid;
		if (now != node || sscanf(line, " %63s %lu", word, &nr) != 2)
			continue;
		m.min += strcmp(word, "min") ? 0 : nr;
		m.low += strcmp(word, "low") ? 0 : nr;
		m.high += strcmp(word, "high") ? 0 : nr;
		m.gave_up += strcmp(word, "node_unreclaimable:") ? 0 : nr;
	}
	if (f)
		fclose(f);
	return m;
}

static void test_closed(const char *when)
{
	char path[64], *p = map(LEN, MAP_PRIVATE);
	struct marks m = marks();

	number_pages(p, LEN, 1);
	ok(!has_thread("kswapd") && !has_thread("kcompactd"), "%s: no kswapd, no kcompactd", when);
	ok(!m.min && !m.low && !m.high, "%s: no watermarks", when);
	madvise(p, LEN, MADV_PAGEOUT);
	ok(all_here(p, LEN), "%s: MADV_PAGEOUT takes nothing", when);
	snprintf(path, sizeof(path), NODE_DIR "/node%d/reclaim", node);
	ok(!write_file(path, "4M") && errno == EOPNOTSUPP, "%s: node%d/reclaim: EOPNOTSUPP", when,
	   node);
	ok(all_here(p, LEN), "%s: the pages are where they were", when);
	munmap(p, LEN);
}

static int leave_when_full(void *arg)
{
	char *p = map_beyond(MAP_PRIVATE);

	(void)arg;
	return touch(p, beyond) < beyond / PAGE && bus_signal == SIGBUS ? 0 : 1;
}

static void test_open(void)
{
	struct marks m;

	enable("+reclaim");
	m = marks();
	ok(has_thread("kswapd") && has_thread("kcompactd"), "open: kswapd and kcompactd");
	ok(!m.min && m.low && m.high > m.low, "open: watermarks %lu %lu %lu: no reserve", m.min,
	   m.low, m.high);
}

/* More than the node holds: direct reclaim and kswapd make room. */
static void test_beyond(int flags, const char *what)
{
	unsigned long used = counter("reclaim_used "), seed = 1000, wrote;
	size_t len;
	char *p;

	fd = open_dev();
	p = map_beyond(flags);
	len = beyond;
	wrote = number_pages(p, len, seed);
	ok(wrote == len / PAGE, "%s: %lu of %lu pages, more than the node has", what, wrote,
	   len / PAGE);
	ok(!where(p, len).elsewhere, "%s: none on an ordinary node", what);
	ok(!misnumbered(p, len, seed), "%s: contents, all read again", what);
	ok(!where(p, len).elsewhere, "%s: read from swap onto the node", what);
	ok(counter("reclaim_used ") - used >= BEYOND / PAGE, "%s: counted: %lu", what,
	   counter("reclaim_used ") - used);
	munmap(p, len);
	close(fd);
}

/* A node full of what is locked: kswapd gives up, until there is room again. */
static void test_gives_up(void)
{
	size_t len = node_free() * PAGE - 2 * MIB;
	char *p;
	int i;

	fd = open_dev();
	p = map(len, MAP_PRIVATE);
	if (mlock(p, len))
		bail("mlock of %zu bytes", len);
	for (i = 0; i < 100 && !marks().gave_up; i++)
		usleep(100000);
	ok(marks().gave_up, "all locked: kswapd gives up");
	munmap(p, len);
	p = map(MIB, MAP_PRIVATE);
	touch(p, MIB);
	ok(!marks().gave_up, "there is room again: it does not");
	munmap(p, MIB);
	close(fd);
}

/* Fills to the last page but few, and leaves kswapd to it. */
static void test_kswapd(void)
{
	unsigned long steal = number_in("/proc/vmstat", "pgsteal_kswapd "), i;
	size_t len = node_free() * PAGE - 2 * MIB;
	struct marks m = marks();
	char *p;

	/* With a second cpuset wakers are asked which nodes they may use. */
	if (mkdir(ROOT "/cpuset", 0755))
		bail("cpuset");
	fd = open_dev();
	p = map(len, MAP_PRIVATE);
	touch(p, len);
	for (i = 0; i < 100 && node_free() < m.high; i++)
		usleep(100000);
	/* Only an allocation wakes it. */
	p = mremap(p, len, len + 2 * MIB, MREMAP_MAYMOVE);
	if (p != MAP_FAILED)
		touch(p + len, 2 * MIB - 4 * PAGE);
	for (i = 0; i < 100 && node_free() < m.low; i++)
		usleep(100000);
	ok(node_free() >= m.low, "kswapd: %lu pages free, low mark %lu", node_free(), m.low);
	ok(number_in("/proc/vmstat", "pgsteal_kswapd ") > steal, "kswapd: it did that");
	munmap(p, len + 2 * MIB);
	close(fd);
	rmdir(ROOT "/cpuset");
}

/*
 * What is in another CPU's batch for the LRU lists is left out; reading free_bytes_exact empties
 * them.
 */
static bool page_out(char *p, size_t len)
{
	int i;

	for (i = 0; i < 3 && where(p, len).here; i++) {
		node_free();
		madvise(p, len, MADV_PAGEOUT);
	}
	return !where(p, len).here && !where(p, len).elsewhere;
}

static void test_asked(void)
{
	unsigned long mask = 1UL << node, free;
	char path[64], *p, *q;

	fd = open_dev();
	p = map(LEN, MAP_PRIVATE);
	q = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS);
	number_pages(p, LEN, 5);
	ok(page_out(p, LEN), "MADV_PAGEOUT: all of the range is on swap");
	ok(!misnumbered(p, LEN, 5) && all_here(p, LEN), "MADV_PAGEOUT: read back onto the node");
	syscall(SYS_mbind, q, LEN, MPOL_BIND, &mask, 64UL, 0);
	number_pages(q, LEN, 6);
	ok(page_out(q, LEN) && !misnumbered(q, LEN, 6) && all_here(q, LEN),
	   "mbind: paged out, and back onto the node");
	snprintf(path, sizeof(path), NODE_DIR "/node%d/reclaim", node);
	free = node_free();
	ok(write_file(path, "8M"), "node%d/reclaim", node);
	/* The kernel counts the slab pages that it frees on the way as well. */
	ok(node_free() > free, "... took pages of the node (%ld)", (long)(node_free() - free));
	ok(!misnumbered(p, LEN, 5) && !misnumbered(q, LEN, 6), "... contents");
	munmap(p, LEN);
	munmap(q, LEN);
	close(fd);
}

static int in_group(void *arg)
{
	char *p;

	(void)arg;
	fd = open_dev();
	if (!write_file(GROUP "/cgroup.procs", "0"))
		return 9;
	p = map(LEN, MAP_PRIVATE);
	number_pages(p, LEN, 7);
	if (!write_file(GROUP "/memory.reclaim", "8M"))
		return 1;
	if (where(p, LEN).here > (LEN - 8 * MIB) / PAGE + 32)
		return 2;
	if (misnumbered(p, LEN, 7))
		return 3;
	munmap(p, LEN);
	p = map(2 * LIMIT, MAP_PRIVATE);
	if (number_pages(p, 2 * LIMIT, 8) != 2 * LIMIT / PAGE)
		return 4;
	return misnumbered(p, 2 * LIMIT, 8) ? 5 : where(p, 2 * LIMIT).elsewhere ? 6 : 0;
}

static void test_cgroup(void)
{
	char limit[32];
	int status;

	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	if (mkdir(GROUP, 0755) || !write_file(GROUP "/memory.max", limit))
		bail("cgroup");
	status = in_child(in_group, NULL);
	ok(!status, "memory.reclaim and memory.max reach pages of the node (status %d)", status);
	ok(!number_in(GROUP "/memory.events", "oom_kill "), "... nobody is killed");
	rmdir(GROUP);
}

static void lru(const char *kind)
{
	if (!write_file("/sys/kernel/mm/lru_gen/enabled", kind))
		bail("lru_gen");
	printf("# lru_gen %s\n", kind);
}

static char *filler;

/* Most of the node is locked, so that less has to be swapped. */
static void fill_most(void)
{
	fd = open_dev();
	filler = map(FILLER, MAP_PRIVATE);
	if (mlock(filler, FILLER))
		bail("mlock");
	close(fd);
}

NODE_FIXTURE(reclaim, "user_numa,reclaim")

TEST_F_TIMEOUT(reclaim, closed, LONG_TEST)
{
	ok(has_thread("kswapd") && marks().low, "with the service: kswapd and watermarks");
	zram_on("1G");
	enable("-reclaim");
	fd = open_dev();
	test_closed("closed");
	ok(!in_child(leave_when_full, NULL), "closed: full is full, with swap");
	close(fd);
	zram_off();
}

TEST_F_TIMEOUT(reclaim, beyond, LONG_TEST)
{
	enable("-reclaim");
	zram_on("1G");
	fill_most();
	lru("0");
	test_open();
	test_beyond(MAP_PRIVATE, "classic LRU, private");
	lru("7");
	test_beyond(MAP_PRIVATE, "multi-gen LRU, private");
	test_beyond(MAP_SHARED, "multi-gen LRU, shared");
	munmap(filler, FILLER);
	zram_off();
}

TEST_F_TIMEOUT(reclaim, open, LONG_TEST)
{
	zram_on("1G");
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) ||
	    !write_file(ROOT "/cgroup.subtree_control", "+memory +cpuset"))
		bail("cgroup");
	test_gives_up();
	test_kswapd();
	test_asked();
	test_cgroup();
	enable("-reclaim");
	fd = open_dev();
	test_closed("closed again");
	ok(!in_child(leave_when_full, NULL), "closed again: full is full");
	close(fd);
	zram_off();
	umount2(ROOT, MNT_DETACH);
}

TEST_HARNESS_MAIN
