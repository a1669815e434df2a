// SPDX-License-Identifier: GPL-2.0-only
/*
 * hugetlb: the pool of huge pages on a private node: in no total, only for who binds to the node.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>

#include "check.h"
#include "log.h"

#define HPAGES(n) ((size_t)(n) * PMD)

static unsigned long pool_number(int nid, const char *name)
{
	return number_in(pool_file(nid, name), "");
}

static char *map(int n, int flags)
{
	return mmap(NULL, HPAGES(n), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

static char *bound(int n, unsigned long nodes)
{
	char *p = map(n, MAP_NORESERVE);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, HPAGES(n), MPOL_BIND, &nodes, 64UL, 0UL))
		bail("mmap and mbind of %d huge pages", n);
	return p;
}

/* Huge pages written before SIGBUS. */
static int use(char *p, int n)
{
	return store_words(p, n, PMD, 1);
}

static int write_copy(void *arg)
{
	char *p = arg;

	*(volatile unsigned long *)p = 77;
	return where(p, PMD).here == 512 ? 0 : 1;
}

/* What node<N>/meminfo says, in its own units. */
static unsigned long shown(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/meminfo", node);
	return number_in(path, name);
}

static void write_first(char *p)
{
	use(p, 1);
}

/* The kernel writes. */
static void read_into(char *p)
{
	int fd = open("/dev/zero", O_RDONLY);

	if (read(fd, p, 1) != -1 || errno != EFAULT)
		printf("# no EFAULT\n");
	close(fd);
}

/* What gives no huge page says so; the rate limit may hold a line back, so it comes again. */
static bool says(char *p, void (*access)(char *), const char *fate)
{
	char want[32];
	int i;

	snprintf(want, sizeof(want), "node %d: ", node);
	for (i = 0; i < 30; i++) {
		log_clear();
		access(p);
		if (log_has(want, "its pool of huge pages is empty: ") &&
		    log_has("its pool of huge pages is empty: ", fate))
			return true;
		sleep(1);
	}
	return false;
}

static void test_pool(unsigned long free)
{
	char *p, *other;

	ok(!write_file(pool_file(node, "nr_hugepages"), "4") && errno == EOPNOTSUPP &&
	   !pool_number(node, "nr_hugepages"),
	   "closed: no pool, EOPNOTSUPP");
	enable("+hugetlb");
	ok(!write_file(pool_file(node, "nr_hugepages"), "x") && errno == EINVAL,
	   "not a number: EINVAL");
	put(pool_file(node, "nr_hugepages"), "8");
	ok(pool_number(node, "nr_hugepages") == 8 && pool_number(node, "free_hugepages") == 8 &&
	   free - node_free() >= 8 * 512,
	   "open: a pool of 8");
	ok(!number_in("/proc/meminfo", "HugePages_Total:") &&
	   !number_in("/proc/meminfo", "HugePages_Free:") &&
	   !number_in("/proc/sys/vm/nr_hugepages", ""),
	   "... that is in no total");
	ok(map(1, 0) == MAP_FAILED && errno == ENOMEM, "... and that nobody else can reserve");
	other = map(1, MAP_NORESERVE);
	ok(!use(other, 1) && bus_signal == SIGBUS && pool_number(node, "free_hugepages") == 8,
	   "... nor use");
	munmap(other, PMD);

	p = bound(9, 1UL << node);
	ok(use(p, 9) == 8 && bus_signal == SIGBUS && where(p, HPAGES(8)).here == 8 * 512,
	   "a bind takes all of it, and then gets SIGBUS");
	ok(counter("hugetlb_used ") == 8 * 512 && counter("hugetlb_failed ") > 0,
	   "... counted (%lu, %lu)", counter("hugetlb_used "), counter("hugetlb_failed "));
	ok(says(p + HPAGES(8), write_first, "gets SIGBUS; end what uses them"),
	   "... and the log says why and what to do");
	log_clear();
	ok(madvise(p + HPAGES(8), PMD, MADV_POPULATE_WRITE) && !log_has("pool of huge pages", ""),
	   "... silent for who has an errno");
	other = map(1, MAP_NORESERVE);
	ok(!use(other, 1) && !log_has("pool of huge pages", ""), "... and for an ordinary pool");
	munmap(other, PMD);
	ok(says(p + HPAGES(8), read_into, "hugetlb ("),
	   "... a store by the kernel: EFAULT, and a line");
	munmap(p, HPAGES(9));
	ok(pool_number(node, "free_hugepages") == 8, "... and gives it back to the pool");

	p = bound(1, 1UL << node);
	use(p, 1);
	ok(!in_child(write_copy, p) && *(unsigned long *)p == 1,
	   "a copy after fork is of the pool");
	munmap(p, PMD);
}

static void test_both(void)
{
	char *p, *q;

	put(pool_file(0, "nr_hugepages"), "2");
	ok(number_in("/proc/meminfo", "HugePages_Total:") == 2, "an ordinary pool of 2 beside it");
	q = map(2, 0);
	ok(q != MAP_FAILED && map(1, 0) == MAP_FAILED,
	   "... of which 2 can be reserved, and no third");
	ok(use(q, 2) == 2 && where(q, HPAGES(2)).elsewhere == 1024, "... and are there");
	munmap(q, HPAGES(2));
	p = bound(10, 1UL << node | 1);
	ok(use(p, 10) == 10 && where(p, HPAGES(10)).here == 8 * 512,
	   "a bind to both takes 8 of the node and 2 of node 0");
	munmap(p, HPAGES(10));

	ok(shown("HugePages_Total:") == 8 && shown("HugePages_Free:") == 8,
	   "the node's meminfo shows its pool");
	enable("-hugetlb");
	p = bound(3, 1UL << node);
	ok(!use(p, 3) && bus_signal == SIGBUS && pool_number(0, "free_hugepages") == 2,
	   "closed again: a bind gets nothing of the node's pool, nor of another");
	munmap(p, HPAGES(3));
	ok(!shown("HugePages_Total:") && !shown("HugePages_Free:") &&
	   !pool_number(node, "nr_hugepages") && !pool_number(node, "free_hugepages"),
	   "... and nothing there looks as if it could be had");
	ok(shown("PrivateHugetlb:") == 8 * PMD / 1024,
	   "... PrivateHugetlb has what is there (%lu kB)", shown("PrivateHugetlb:"));
	enable("+hugetlb");
	ok(pool_number(node, "nr_hugepages") == 8 && pool_number(node, "free_hugepages") == 8,
	   "... open again: it is shown as before");
	enable("-hugetlb");
	put(pool_file(0, "nr_hugepages"), "0");
}

static void test_too_many(unsigned long free)
{
	enable("+hugetlb");
	put(pool_file(node, "nr_hugepages"), "3");
	ok(!write_file(pool_file(node, "nr_hugepages"), "100000") && errno == ENOMEM &&
	   pool_number(node, "nr_hugepages") == 3 && free - node_free() == 3 * 512,
	   "more than fits: ENOMEM, and the pool is as it was (%lu)",
	   pool_number(node, "nr_hugepages"));
	ok(log_has("nr_hugepages unchanged: the node has no room for as many", ""),
	   "... and the log says so");
	put(pool_file(node, "nr_hugepages"), "40");
	ok(pool_number(node, "nr_hugepages") == 40, "control: what fits");
	put(pool_file(node, "nr_hugepages"), "0");
	ok(node_free() == free && !number_in("/proc/meminfo", "HugePages_Total:"),
	   "... and all of it back");
}

NODE_FIXTURE(hugetlb, "user_numa,hugetlb")

TEST_F_TIMEOUT(hugetlb, pool, LONG_TEST)
{
	unsigned long free;

	enable("-hugetlb");
	free = node_free();
	test_pool(free);
	test_both();
	put(pool_file(node, "nr_hugepages"), "0");
	ok(!shown("PrivateHugetlb:") && node_free() == free,
	   "closed, the pool can be given back: %lu of %lu pages free", node_free(), free);
	test_too_many(free);
}

TEST_HARNESS_MAIN
