// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_place: which pool a huge page comes from, which pool a request fills, and where moves go.
 *
 * Nodes 0 and 2 are ordinary, node 1 is private.
 *
 * vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa,hugetlb
 */
#define _GNU_SOURCE
#include "cpusets.h"

#define HPAGES(n) ((size_t)(n) * PMD)
#define ALL_POOLS "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define N1 2UL
#define N2 4UL

static unsigned long free_in(int nid)
{
	return number_in(pool_file(nid, "free_hugepages"), "");
}

static void pools(const char *node0, const char *node1, const char *node2)
{
	put(pool_file(0, "nr_hugepages"), node0);
	put(pool_file(1, "nr_hugepages"), node1);
	put(pool_file(2, "nr_hugepages"), node2);
}

static char *map(int n, int flags)
{
	return mmap(NULL, HPAGES(n), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

static char *bound(int n, int mode, unsigned long nodes)
{
	char *p = map(n, MAP_PRIVATE | MAP_NORESERVE);

	if (p == MAP_FAILED || (nodes && syscall(SYS_mbind, p, HPAGES(n), mode, &nodes, 64UL, 0UL)))
		bail("mmap and mbind of %d huge pages", n);
	return p;
}

/* Huge pages written before SIGBUS. */
static int use(char *p, int n)
{
	return store_words(p, n, PMD, 1);
}

/* Node of the first page, which is written; -1 when that meant SIGBUS. */
static int lands(char *p)
{
	int status = -1;
	void *page = p;

	if (use(p, 1))
		syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0);
	return status;
}

static int lands_new(int mode, unsigned long nodes)
{
	char *p = bound(1, mode, nodes);
	int nid = lands(p);

	munmap(p, PMD);
	return nid;
}

static void set_task(int mode, unsigned long nodes)
{
	if (syscall(SYS_set_mempolicy, mode, nodes ? &nodes : NULL, nodes ? 64UL : 0UL))
		bail("set_mempolicy");
}

static void test_closed(void)
{
	unsigned long refused;

	pools("4", "4", "4");
	ok(lands_new(MPOL_BIND, N1) == 1, "bound: of the node's pool");
	enable("-hugetlb");
	refused = counter("hugetlb_refused ");
	ok(lands_new(MPOL_BIND, N1) == -1 && bus_signal == SIGBUS, "closed: SIGBUS, and no other pool");
	ok(counter("hugetlb_refused ") > refused, "... counted");
	ok(lands_new(MPOL_BIND, N1 | N2) == 2, "... a bind to node 2 as well goes there");
	ok(!lands_new(MPOL_DEFAULT, 0), "... control: who names nothing gets node 0");
	enable("+hugetlb");
	ok(lands_new(MPOL_BIND, N1) == 1, "open again");
}

static void test_cpuset(void)
{
	char *p = bound(1, MPOL_BIND, N1);

	make("a");
	set("a", "mems", "0,2");
	enter("a");
	ok(lands(p) == -1 && bus_signal == SIGBUS, "a cgroup without the node: SIGBUS, and no other pool");
	ok(!lands_new(MPOL_DEFAULT, 0), "... control: who names nothing");
	set("a", "mems", "0-2");
	ok(lands(p) == 1, "... and with it");
	munmap(p, PMD);

	set("a", "mems.sysram", "0");
	ok(!lands_new(MPOL_DEFAULT, 0) && lands_new(MPOL_BIND, N2) == 2, "default 0: node 2 has to be named");
	put(pool_file(0, "nr_hugepages"), "0");
	ok(lands_new(MPOL_DEFAULT, 0) == -1, "... and its pool serves nobody else");
	ok(lands_new(MPOL_BIND, N2) == 2, "... control: a bind to it");
	set_task(MPOL_BIND, N2);
	p = map(2, MAP_PRIVATE);
	ok(p != MAP_FAILED && use(p, 2) == 2, "... also by a reservation");
	if (p != MAP_FAILED)
		munmap(p, HPAGES(2));
	set_task(MPOL_DEFAULT, 0);
	enter("");
	ok(lands_new(MPOL_DEFAULT, 0) == 2, "... control: in the root it does");
	drop("a");
}

static bool request(const char *file, const char *nr)
{
	char path[128];

	snprintf(path, sizeof(path), *file == '/' ? "%s" : ALL_POOLS "%s", file);
	return write_file(path, nr);
}

/* Pools of nodes 0, 1 and 2 as one number. */
static unsigned long three(void)
{
	return pool(0) * 10000 + pool(1) * 100 + pool(2);
}

static void test_requests(void)
{
	pools("0", "0", "0");
	set_task(MPOL_BIND, N1);
	ok(request("nr_hugepages_mempolicy", "5") && three() == 500, "request under a bind: of the node (%06lu)", three());
	ok(number_in(ALL_POOLS "nr_hugepages_mempolicy", "") == 5 && !number_in(ALL_POOLS "nr_hugepages", ""),
	   "... read back under the bind, and in no total");
	ok(request("/proc/sys/vm/nr_hugepages_mempolicy", "3") && three() == 300 &&
	   number_in("/proc/sys/vm/nr_hugepages_mempolicy", "") == 3, "... by the sysctl as well (%06lu)", three());
	ok(!request("nr_hugepages_mempolicy", "4000") && errno == ENOMEM && three() == 300, "... more than fits: ENOMEM");
	ok(!request("/proc/sys/vm/nr_hugepages_mempolicy", "4000") && errno == ENOMEM && three() == 300, "... by the sysctl too");
	enable("-hugetlb");
	ok(!request("nr_hugepages_mempolicy", "6") && errno == EOPNOTSUPP, "... closed: EOPNOTSUPP");
	enable("+hugetlb");
	ok(three() == 300, "... and as before");
	ok(request("nr_hugepages_mempolicy", "0") && !three(), "... given back");
	set_task(MPOL_BIND, N2);
	ok(request("nr_hugepages_mempolicy", "5") && three() == 5, "control: a bind to node 2");
	request("nr_hugepages_mempolicy", "0");
	set_task(MPOL_DEFAULT, 0);
}

static void test_reservations(void)
{
	char *p, *q;

	pools("4", "3", "0");
	set_task(MPOL_BIND, N1);
	ok(map(4, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM, "reservation under a bind: no more than the node's pool");
	p = map(3, MAP_PRIVATE);
	ok(p != MAP_FAILED && use(p, 3) == 3 && all_here(p, HPAGES(3)), "... as many as it has, and they are there");
	ok(!number_in("/proc/meminfo", "HugePages_Rsvd:") && free_in(0) == 4, "... no ordinary pool is touched");
	ok(map(1, MAP_SHARED) == MAP_FAILED && errno == ENOMEM, "... then it is empty, for shared mappings as well");
	if (p != MAP_FAILED)
		munmap(p, HPAGES(3));
	q = map(2, MAP_SHARED);
	ok(q != MAP_FAILED && use(q, 2) == 2 && all_here(q, HPAGES(2)), "... shared: of the node");
	if (q != MAP_FAILED)
		munmap(q, HPAGES(2));
	ok(free_in(1) == 3, "... all given back");
	set_task(MPOL_DEFAULT, 0);
	p = map(4, MAP_PRIVATE);
	ok(p != MAP_FAILED && number_in("/proc/meminfo", "HugePages_Rsvd:") == 4, "control: without a bind 4 of the ordinary pool");
	munmap(p, HPAGES(4));
}

/*
 * A page of the node's pool that goes leaves no reservation behind: nothing backs it in the pool that is
 * reserved from, and there would be more reservations than pages.
 */
static void test_given_back(void)
{
	char *p, *other;

	pools("1", "1", "0");
	p = map(1, MAP_PRIVATE);
	if (p == MAP_FAILED || syscall(SYS_mbind, p, PMD, MPOL_BIND, &(unsigned long){ N1 }, 64UL, 0UL))
		bail("mmap of a huge page");
	ok(lands(p) == 1, "reserved, and then bound to the node: of the node's pool");
	other = map(1, MAP_PRIVATE);
	ok(other != MAP_FAILED, "the ordinary page is another's reservation");
	madvise(p, PMD, MADV_DONTNEED);
	ok(number_in("/proc/meminfo", "HugePages_Rsvd:") == 1, "the node's page goes: one reservation is left");
	ok(lands_new(MPOL_DEFAULT, 0) == -1, "... and who has none gets no page");
	ok(!lands(other), "... who has it does");
	munmap(p, PMD);
	munmap(other, PMD);
	ok(!number_in("/proc/meminfo", "HugePages_Rsvd:"), "unmapped: no reservation");
	ok(free_in(0) == 1 && free_in(1) == 1, "... and both pools are whole");
}

/* Pages in use that a smaller pool had given up are counted on again when it gets larger, or it stays as it was. */
static void test_grows(void)
{
	char *p;

	pools("0", "4", "0");
	p = bound(4, MPOL_BIND, N1);
	use(p, 4);
	put(pool_file(1, "nr_hugepages"), "1");
	ok(!write_file(pool_file(1, "nr_hugepages"), "100000") &&
	   number_in(pool_file(1, "surplus_hugepages"), "") == 3, "a pool with surplus pages cannot get as large: as before");
	put(pool_file(1, "nr_hugepages"), "3");
	ok(number_in(pool_file(1, "surplus_hugepages"), "") == 1, "larger: one surplus page is left");
	put(pool_file(1, "nr_hugepages"), "6");
	munmap(p, HPAGES(4));
	ok(free_in(1) == 6 && !number_in(pool_file(1, "surplus_hugepages"), ""), "... and none: all 6 are there in the end");
}

static int move_to(char *p, int nid)
{
	int status = -1;
	void *page = p;

	if (syscall(SYS_move_pages, 0, 1UL, &page, &nid, &status, MPOL_MF_MOVE))
		return -1;
	return status;
}

/* A move takes a page that the target's pool has; it makes none, and none is lost. */
static void test_moves(void)
{
	char *p;

	pools("0", "2", "0");
	p = bound(1, MPOL_BIND, N1);
	use(p, 1);
	ok(move_to(p, 0) && lands(p) == 1 && !pool(0) && pool(1) == 2, "move: to no pool: stays, and no pool grows");
	pools("1", "2", "0");
	ok(!move_to(p, 0) && lands(p) == 0 && pool(0) == 1 && pool(1) == 2 && free_in(1) == 2,
	   "move: control: to a pool with a free page");
	ok(move_to(p, 1) && lands(p) == 0, "move: pools are not filled by moves");
	munmap(p, PMD);
	ok(free_in(0) == 1 && free_in(1) == 2, "... all given back");
}

/* -- on_full=oom: only huge pages that return to the node make their user a victim ------------- */

#define MOST 80

static void have_most(void *arg)
{
	(void)arg;
	if (use(bound(MOST, MPOL_BIND, N1), MOST) != MOST)
		_exit(1);
}

/* Bytes of small pages. */
static int take(void *arg)
{
	size_t len = *(size_t *)arg;
	unsigned long nodes = N1;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, len, MPOL_BIND, &nodes, 64UL, 0UL))
		return 1;
	madvise(p, len, MADV_NOHUGEPAGE);
	memset(p, 1, len);
	return 0;
}

static void test_oom(void)
{
	size_t len;
	pid_t most;

	pools("0", "80", "0");
	set_on_full("oom");
	most = start_child(have_most, NULL, NULL);
	len = node_free() * PAGE + 4 * MIB;
	ok(in_child(take, &len) == 128 + SIGKILL && !waitpid(most, NULL, WNOHANG),
	   "on_full=oom: huge pages of the pool stay in it: their user is not killed");
	/* Those in use are surplus now. */
	put(pool_file(1, "nr_hugepages"), "0");
	ok(!in_child(take, &len) && ended(most) == 128 + SIGKILL,
	   "... surplus pages return to the node: the user of most of it is killed");
	ok(!pool(1), "... and the pool is as small as was asked: %lu", pool(1));
	set_on_full("fail");
}

int main(void)
{
	unsigned long free, now;

	grow_stack();
	find_node();
	mount_cpusets();
	free = node_free();
	test_closed();
	test_cpuset();
	test_requests();
	test_reservations();
	test_given_back();
	test_grows();
	test_moves();
	pools("0", "0", "0");
	now = node_free();
	ok(now == free, "all of the node's memory is free again (%ld pages more)", (long)(now - free));
	umount2(ROOT, MNT_DETACH);
	test_oom();
	return done_testing();
}
