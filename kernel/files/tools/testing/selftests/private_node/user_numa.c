// SPDX-License-Identifier: GPL-2.0-only
/*
 * user_numa: what the service opens to memory policies and system calls, and what it does not.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <time.h>

#include "check.h"

#define LEN (4 * MIB)
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6
#endif
#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static unsigned long here;	/* mask of the node */

static long bind_range(void *p, size_t len, int mode, unsigned long mask, unsigned int flags)
{
	return syscall(SYS_mbind, p, len, mode, &mask, 64UL, flags);
}

static long bind_task(int mode, unsigned long mask)
{
	return syscall(SYS_set_mempolicy, mode, mode == MPOL_DEFAULT ? NULL : &mask,
		       mode == MPOL_DEFAULT ? 0UL : 64UL);
}

static char *map(size_t len, int flags, int fd)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

static char *anon(size_t len)
{
	return map(len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* A file of the disk's kind: on the overlay's 9p or tmpfs below it, its pages are page cache. */
static int cached_file(char *path)
{
	char buf[65536] = { 1 };
	size_t i;
	int fd;

	strcpy(path, "/proc/self/exe");
	if (access("/usr/bin/perl", R_OK) == 0)
		strcpy(path, "/usr/bin/perl");
	fd = open(path, O_RDONLY);
	for (i = 0; fd >= 0 && i < LEN / sizeof(buf); i++)
		if (read(fd, buf, sizeof(buf)) <= 0)
			break;
	return fd;
}

static unsigned long hint_faults(void)
{
	char line[128];
	unsigned long nr = 0;
	FILE *f = fopen("/proc/vmstat", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "numa_hint_faults %lu", &nr) == 1)
			break;
	if (f)
		fclose(f);
	return nr;
}

static void test_closed(void)
{
	char *p = anon(LEN);
	void *page = p;
	int to = node, status = 99;
	unsigned long from = 1;

	enable("-user_numa");
	touch(p, LEN);
	ok(bind_range(p, LEN, MPOL_BIND, here, 0) == -1 && errno == EINVAL,
	   "closed: mbind: EINVAL");
	ok(bind_task(MPOL_BIND, here) == -1 && errno == EINVAL, "closed: set_mempolicy: EINVAL");
	syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);
	ok(errno == ENODEV && !where(p, LEN).here, "closed: move_pages: ENODEV");
	ok(syscall(SYS_migrate_pages, 0, 64UL, &from, &here) == -1 && errno == EINVAL,
	   "closed: migrate_pages: EINVAL");
	ok(!bind_range(p, LEN, MPOL_BIND, here | 1, MPOL_MF_MOVE) && !where(p, LEN).here,
	   "closed: a bind that names it and others is narrowed to the others");
	munmap(p, LEN);
	enable("+user_numa");
}

static void test_reports(char *p)
{
	char buf[65536], line[64];
	unsigned long mask = 0;
	int mode = -1;

	ok(!syscall(SYS_get_mempolicy, &mode, &mask, 64UL, p, MPOL_F_ADDR) && mode == MPOL_BIND &&
	   mask == here, "get_mempolicy: bind to the node");
	ok(!syscall(SYS_get_mempolicy, &mode, NULL, 0UL, p, MPOL_F_ADDR | MPOL_F_NODE) &&
	   mode == node,
	   "get_mempolicy: the page is on the node");
	mask = 0;
	ok(!syscall(SYS_get_mempolicy, &mode, &mask, 64UL, NULL, MPOL_F_MEMS_ALLOWED) &&
	   mask & here && mask & 1,
	   "get_mempolicy: the node is among those allowed");
	snprintf(line, sizeof(line), "%lx bind:%d", (unsigned long)p, node);
	ok(read_file("/proc/self/numa_maps", buf, sizeof(buf)) && strstr(buf, line),
	   "numa_maps: %s", line);
}

static void test_anon(void)
{
	char *p = anon(LEN);
	unsigned long used = counter("user_numa_used ");
	volatile char sum = 0;
	size_t i;

	ok(!bind_range(p, LEN, MPOL_BIND, here, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "anonymous memory: bound, written, on the node");
	ok(counter("user_numa_used ") >= used + LEN / PAGE, "stat counts it");
	test_reports(p);
	munmap(p, LEN);

	p = anon(LEN);
	bind_range(p, LEN, MPOL_BIND, here, 0);
	for (i = 0; i < LEN; i += PAGE)
		sum += p[i];
	ok(all_here(p, LEN), "anonymous memory: read first, and no zero page");
	munmap(p, LEN);

	p = map(LEN, MAP_SHARED | MAP_ANONYMOUS, -1);
	ok(!bind_range(p, LEN, MPOL_BIND, here, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "shared anonymous memory");
	munmap(p, LEN);
}

static void test_memfd(void)
{
	int fd = memfd_create("user_numa", 0);
	char *p, *q;

	if (fd < 0 || ftruncate(fd, LEN))
		bail("memfd");
	p = map(LEN, MAP_SHARED, fd);
	ok(!bind_range(p, LEN, MPOL_BIND, here, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "memfd: the object has the policy");
	q = map(LEN, MAP_SHARED, fd);
	touch(q, LEN);
	ok(all_here(q, LEN), "memfd: also through another mapping");
	munmap(p, LEN);
	munmap(q, LEN);
	close(fd);
}

static int child_cow(void *arg)
{
	char *p = arg;

	return touch(p, LEN) != LEN / PAGE || !all_here(p, LEN);
}

static void test_fork(void)
{
	char *p = anon(LEN);

	bind_range(p, LEN, MPOL_BIND, here, 0);
	touch(p, LEN);
	ok(!in_child(child_cow, p), "fork: the child's copies are on the node as well");
	ok(all_here(p, LEN), "fork: and the parent's still are");
	munmap(p, LEN);
}

static void test_thp(void)
{
	char *raw = anon(3 * PMD), *p = (char *)(((uintptr_t)raw + PMD - 1) / PMD * PMD);
	unsigned long kb;

	bind_range(p, PMD, MPOL_BIND, here, 0);
	madvise(p, PMD, MADV_HUGEPAGE);
	touch(p, PMD);
	ok(all_here(p, PMD), "huge page: on the node");
	kb = number_in("/proc/self/smaps_rollup", "AnonHugePages:");
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		skip("no transparent huge pages", "huge page: is one");
	else
		ok(kb >= 2048, "huge page: is one");
	munmap(raw, 3 * PMD);
}

/*
 * What a mode that spreads or prefers does with the node alone, and with node 0 beside it; more in
 * named.c.
 */
static void test_mode(const char *name, int mode, unsigned long flags)
{
	char *p = anon(LEN);

	ok(!bind_range(p, LEN, mode | flags, here | 1, 0) && touch(p, LEN) == LEN / PAGE &&
	   !where(p, LEN).here, "%s: with node 0: node 0", name);
	munmap(p, LEN);
	p = anon(LEN);
	ok(!bind_range(p, LEN, mode | flags, here, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "%s: the node alone: there", name);
	munmap(p, LEN);
}

static void test_modes(void)
{
	char *p = anon(LEN);

	test_mode("interleave", MPOL_INTERLEAVE, 0);
	test_mode("interleave, static", MPOL_INTERLEAVE, MPOL_F_STATIC_NODES);
	test_mode("weighted interleave", MPOL_WEIGHTED_INTERLEAVE, 0);
	test_mode("preferred", MPOL_PREFERRED, 0);
	test_mode("preferred-many", MPOL_PREFERRED_MANY, 0);

	ok(!bind_range(p, LEN, MPOL_BIND | MPOL_F_STATIC_NODES, here, 0) &&
	   touch(p, LEN) == LEN / PAGE && all_here(p, LEN), "bind, static: on the node");
	munmap(p, LEN);
	p = anon(LEN);
	ok(!bind_range(p, LEN, MPOL_BIND | MPOL_F_RELATIVE_NODES, here, 0) &&
	   touch(p, LEN) == LEN / PAGE && !where(p, LEN).here,
	   "bind, relative: positions are of ordinary nodes");
	munmap(p, LEN);
	p = anon(LEN);
	ok(!bind_range(p, LEN, MPOL_BIND, here, 0) &&
	   !syscall(SYS_set_mempolicy_home_node, p, LEN, node, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN), "bind with a home node");
	munmap(p, LEN);
}

static void test_moves(void)
{
	char *p = anon(LEN);
	unsigned long zero = 1;
	void *pages[2] = { p, p + PAGE };
	int nodes[2] = { node, node }, status[2] = { 99, 99 };

	touch(p, LEN);
	ok(!where(p, LEN).here &&
	   !bind_range(p, LEN, MPOL_BIND, here, MPOL_MF_MOVE | MPOL_MF_STRICT) &&
	   all_here(p, LEN),
	   "mbind(MPOL_MF_MOVE | MPOL_MF_STRICT): there");
	ok(!bind_range(p, LEN, MPOL_BIND, 1, MPOL_MF_MOVE | MPOL_MF_STRICT) && !where(p, LEN).here,
	   "mbind(MPOL_MF_MOVE | MPOL_MF_STRICT): and back");
	ok(!syscall(SYS_move_pages, 0, 2UL, pages, nodes, status, MPOL_MF_MOVE) &&
	   status[0] == node && status[1] == node && where(p, LEN).here == 2,
	   "move_pages: there (%d, %d)", status[0], status[1]);
	nodes[0] = 0;
	nodes[1] = 0;
	ok(!syscall(SYS_move_pages, 0, 2UL, pages, nodes, status, MPOL_MF_MOVE) &&
	   !where(p, LEN).here,
	   "move_pages: and back");
	ok(syscall(SYS_migrate_pages, 0, 64UL, &zero, &here) >= 0 && all_here(p, LEN),
	   "migrate_pages: there");
	ok(syscall(SYS_migrate_pages, 0, 64UL, &here, &zero) >= 0 && !where(p, LEN).here,
	   "migrate_pages: and back");
	munmap(p, LEN);
}

/* Neither khugepaged nor NUMA balancing act on the node: their services are closed. */
static void test_bystanders(void)
{
	unsigned long before, after;
	char *raw = anon(2 * PMD), *p = (char *)(((uintptr_t)raw + PMD - 1) / PMD * PMD);
	time_t end;

	/* Most of it is ordinary: there the huge page would be made. */
	madvise(p, PMD, MADV_NOHUGEPAGE);
	touch(p, PMD / 4 * 3);
	bind_range(p, PMD, MPOL_BIND, here, 0);
	touch(p + PMD / 4 * 3, PMD / 4);
	ok(all_here(p + PMD / 4 * 3, PMD / 4), "a range that is partly on the node");
	madvise(p, PMD, MADV_HUGEPAGE);
	madvise(p, PMD, MADV_COLLAPSE);
	ok(all_here(p + PMD / 4 * 3, PMD / 4), "MADV_COLLAPSE takes nothing off the node");
	munmap(raw, 2 * PMD);

	if (!write_file("/proc/sys/kernel/numa_balancing", "1")) {
		skip("no NUMA balancing", "NUMA balancing: no hint faults");
		return;
	}
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "10");
	p = anon(LEN);
	bind_range(p, LEN, MPOL_BIND | MPOL_F_NUMA_BALANCING, here, 0);
	touch(p, LEN);
	before = hint_faults();
	for (end = time(NULL) + 4; time(NULL) < end;)
		touch(p, LEN);
	after = hint_faults();
	write_file("/proc/sys/kernel/numa_balancing", "0");
	ok(after - before < LEN / PAGE / 4 && all_here(p, LEN), "NUMA balancing: %lu hint faults",
	   after - before);
	munmap(p, LEN);
}

/* Page cache is never placed there, whatever came first. */
static void test_file(void)
{
	unsigned long zero = 1;
	char path[64];
	int fd = cached_file(path), to = node, status = 99;
	char *p = map(LEN / 4, MAP_PRIVATE, fd);
	void *page = p;
	volatile char sum = 0;
	size_t i;

	for (i = 0; i < LEN / 4; i += PAGE)
		sum += p[i];
	bind_range(p, LEN / 4, MPOL_BIND, here, MPOL_MF_MOVE);
	ok(!where(p, LEN / 4).here, "file: read, mapped, bound with MPOL_MF_MOVE");
	bind_range(p, LEN / 4, MPOL_BIND, here | 1, MPOL_MF_MOVE);
	ok(!where(p, LEN / 4).here, "file: bound to both with MPOL_MF_MOVE");
	syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);
	ok(status < 0 && !where(p, LEN / 4).here, "file: move_pages: status %d", status);
	syscall(SYS_migrate_pages, 0, 64UL, &zero, &here);
	ok(!where(p, LEN / 4).here, "file: migrate_pages");
	syscall(SYS_migrate_pages, 0, 64UL, &here, &zero);
	bind_range(p, LEN / 4, MPOL_BIND, here, 0);
	madvise(p, LEN / 4, MADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	write_file("/proc/sys/vm/drop_caches", "1");
	bind_task(MPOL_BIND, here);
	for (i = 0; i < LEN / 4; i += PAGE)
		sum += p[i];
	bind_task(MPOL_DEFAULT, 0);
	ok(!where(p, LEN / 4).here,
	   "file: dropped, and read again through a bound range by a bound task");
	ok(touch(p, LEN / 4) == LEN / 4 / PAGE && all_here(p, LEN / 4),
	   "file: private copies are anonymous memory, and on the node");
	munmap(p, LEN / 4);
	close(fd);
}

static int child_bound(void *arg)
{
	unsigned long before = node_free(), taken;
	char *p;

	if (bind_task(MPOL_BIND, here))
		return 2;
	p = anon(32 * MIB);
	madvise(p, 32 * MIB, MADV_NOHUGEPAGE);
	if (touch(p, 32 * MIB) != 32 * MIB / PAGE || !all_here(p, 32 * MIB))
		return 3;
	/* Its stack may have grown there; its page tables and slab must not. */
	taken = before - node_free();
	printf("# %lu pages taken for %lu\n", taken, 32 * MIB / PAGE);
	return taken > 32 * MIB / PAGE + 8 ? 4 : 0;
}

static void test_bound_task(void)
{
	ok(!in_child(child_bound, NULL),
	   "a bound task: its memory is there, its page tables are not");
}

static int child_killed(void *arg)
{
	size_t len = 512 * MIB;
	char *p = map(len, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	bind_range(p, len, MPOL_BIND, here, 0);
	memset(p, 1, len);
	return 0;
}

static void test_full(void)
{
	unsigned long size = node_number("total_bytes"), n, failed = counter("user_numa_failed ");
	char *p = anon(size + LEN);

	set_on_full("fail");
	madvise(p, size + LEN, MADV_NOHUGEPAGE);
	bind_range(p, size + LEN, MPOL_BIND, here, 0);
	n = touch(p, size + LEN);
	ok(bus_signal == SIGBUS && n <= size / PAGE && n > size / PAGE * 9 / 10 &&
	   !where(p, size + LEN).elsewhere,
	   "full: SIGBUS after %lu of %lu pages, none elsewhere", n, size / PAGE);
	ok(madvise(p, size + LEN, MADV_POPULATE_WRITE) == -1 && errno == ENOMEM,
	   "full: populate: ENOMEM");
	ok(counter("user_numa_failed ") > failed, "full: counted");
	bind_range(p, size + LEN, MPOL_BIND, here | 1, 0);
	ok(touch(p, size + LEN) == (size + LEN) / PAGE && where(p, size + LEN).elsewhere,
	   "full: a bind that names node 0 as well goes on there");
	munmap(p, size + LEN);

	set_on_full("oom");
	ok(in_child(child_killed, NULL) == 128 + SIGKILL,
	   "full, on_full=oom: who filled it is killed");
	set_on_full("fail");
}

/* The policy of an object's range is seen where a mapping of all of it begins elsewhere. */
static void test_revoked_part(void)
{
	int fd = memfd_create("user_numa", 0);
	char *all, *part;

	if (fd < 0 || ftruncate(fd, 2 * LEN))
		bail("memfd");
	all = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	part = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, LEN);
	if (all == MAP_FAILED || part == MAP_FAILED || bind_range(part, LEN, MPOL_BIND, here, 0))
		bail("mmap or mbind");
	enable("-user_numa");
	ok(touch(all, LEN) == LEN / PAGE, "revoked: the rest of an object is not concerned");
	ok(touch(all + LEN, LEN) == 0 && bus_signal == SIGBUS,
	   "revoked: the bound part of an object: SIGBUS");
	enable("+user_numa");
	ok(touch(all + LEN, LEN) == LEN / PAGE && all_here(all + LEN, LEN),
	   "open again: the part works");
	munmap(all, 2 * LEN);
	munmap(part, LEN);
	close(fd);
}

static void test_revoked(void)
{
	char *p = anon(2 * LEN);
	unsigned long refused = counter("user_numa_refused ");

	bind_range(p, 2 * LEN, MPOL_BIND, here, 0);
	touch(p, LEN);
	enable("-user_numa");
	ok(all_here(p, LEN) && touch(p, LEN) == LEN / PAGE,
	   "revoked: what is placed stays and is written");
	ok(touch(p + LEN, LEN) == 0 && bus_signal == SIGBUS, "revoked: a new page: SIGBUS");
	ok(counter("user_numa_refused ") > refused, "revoked: counted");
	enable("+user_numa");
	ok(touch(p + LEN, LEN) == LEN / PAGE && all_here(p, 2 * LEN),
	   "open again: the same bind works");
	munmap(p, 2 * LEN);
}

/* Another private node, which nobody opened. */
static void test_exact(void)
{
	char buf[64], *p;
	int a, b;
	unsigned long both;

	if (!read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf)) ||
	    sscanf(buf, "%d%*[-,]%d", &a, &b) != 2) {
		skip("one private node", "exact: a second, closed node");
		return;
	}
	both = 1UL << a | 1UL << b;
	p = anon(LEN);
	ok(bind_range(p, LEN, MPOL_BIND, 1UL << b, 0) == -1 && errno == EINVAL,
	   "exact: the closed node alone: EINVAL");
	ok(!bind_range(p, LEN, MPOL_BIND, both, 0) && touch(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "exact: both named, only the open one used");
	munmap(p, LEN);
}

#define BIND_TEST(what)								\
	TEST_F_TIMEOUT(user_numa, what, LONG_TEST)				\
	{									\
		here = 1UL << node;						\
		test_##what();							\
	}

NODE_FIXTURE(user_numa, "user_numa")

BIND_TEST(closed)
BIND_TEST(anon)
BIND_TEST(memfd)
BIND_TEST(fork)
BIND_TEST(thp)
BIND_TEST(modes)
BIND_TEST(moves)
BIND_TEST(bystanders)
BIND_TEST(file)
BIND_TEST(bound_task)
BIND_TEST(full)
BIND_TEST(revoked)
BIND_TEST(revoked_part)
BIND_TEST(exact)

TEST_HARNESS_MAIN
