// SPDX-License-Identifier: GPL-2.0-only
/*
 * pairs: a service opens itself and what it needs, nothing else.  For each service A the node has
 * exactly A and A's needs open, and each other service B is tried: it must have no effect.  Before
 * that each B is tried while open, to see that the trial can tell.
 *
 * A row of trials[] is a service, with what it needs: the kernel must insist on each of these.
 *
 * vm: --node 1G --node 128M --append private_node=1:user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing
 * timeout: 450
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/uio.h>
#include <time.h>

#include "../devmap/devmap.h"

#define LEN (4 * MIB)
#define ROOT "/tmp/pairs-cg"
#define GROUP ROOT "/pairs"
#ifndef MADV_PAGEOUT
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct trial {
	const char *service;
	unsigned int needs;	/* by index */
	bool (*has_effect)(void);
};

static unsigned long here;	/* mask of the node */
static char *placed;		/* LEN of the node, put there when everything was open */
static uint64_t frames[LEN / PAGE];
static int patience = 2;	/* seconds for what takes its time */

static void set_file(const char *path, const char *text)
{
	if (!write_file(path, text))
		printf("# cannot write %s to %s: %s\n", text, path, strerror(errno));
}

static const char *in_node_dir(const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/%s", node, file);
	return path;
}

static char *anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

static uint64_t frame(const char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	if (fd < 0 || pread(fd, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		bail("pagemap");
	close(fd);
	return e;
}

/* Every page of the range is in the frame where it was at the last call. */
static bool moved(void)
{
	bool ret = false;
	uint64_t now;
	size_t i;

	for (i = 0; i < LEN / PAGE; i++) {
		/* bits 0-54 the frame, 62 swapped, 63 present; 55 to 61 do not matter */
		now = frame(placed + i * PAGE) & (~0ULL >> 9 | 3ULL << 62);
		ret |= now != frames[i];
		frames[i] = now;
	}
	return ret;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* -- what each service would do -------------------------------------------------------------- */

static bool bind_lands(void)
{
	char *p = anon(LEN);
	bool ret;

	syscall(SYS_mbind, p, LEN, MPOL_BIND, &here, 64UL, 0);
	touch(p, LEN);
	ret = where(p, LEN).here;
	munmap(p, LEN);
	return ret;
}

static bool task_bind_lands(void)
{
	char *p = anon(LEN);
	bool ret;

	syscall(SYS_set_mempolicy, MPOL_BIND, &here, 64UL);
	touch(p, LEN);
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	ret = where(p, LEN).here;
	munmap(p, LEN);
	return ret;
}

static bool moves_land(void)
{
	unsigned long from = 1;
	char *p = anon(LEN);
	int to = node, status;
	void *page = p;
	bool ret;

	touch(p, LEN);
	syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);
	ret = where(p, LEN).here;
	syscall(SYS_migrate_pages, 0, 64UL, &from, &here);
	ret |= where(p, LEN).here;
	if (ret)
		syscall(SYS_migrate_pages, 0, 64UL, &here, &from);
	munmap(p, LEN);
	return ret;
}

static bool user_numa(void)
{
	return bind_lands() | task_bind_lands() | moves_land();
}

static bool reclaim(void)
{
	madvise(placed, LEN, MADV_PAGEOUT);
	write_file(in_node_dir("reclaim"), "4M");
	write_file(GROUP "/memory.reclaim", "4M");
	return moved();
}

/* Cold pages of a cgroup, with the node as the only place below. */
static char *cold(void)
{
	char *p = anon(2 * LEN);

	touch(p, 2 * LEN);
	madvise(p, 2 * LEN, MADV_COLD);
	write_file(in_node_dir("../node0/reclaim"), "8M");
	write_file(GROUP "/memory.reclaim", "4M swappiness=max");
	return p;
}

static bool demotion(void)
{
	char *p = cold();
	bool ret = where(p, 2 * LEN).here;

	madvise(p, 2 * LEN, MADV_PAGEOUT);
	ret |= where(p, 2 * LEN).here;
	munmap(p, 2 * LEN);
	return ret;
}

/* Touches the pages until they come near, or for a while. */
static bool attracts(const char *mode)
{
	double end = seconds() + patience;
	bool ret = false;

	set_file("/proc/sys/kernel/numa_balancing", mode);
	while (!ret && seconds() < end) {
		touch(placed, LEN);
		ret = moved();
	}
	set_file("/proc/sys/kernel/numa_balancing", "0");
	return ret;
}

/* Only what reclaim put on the node goes up: without demotion there is none. */
static bool promotion(void)
{
	char *p = cold();
	unsigned long were = where(p, 2 * LEN).here;
	double end = seconds() + patience;
	bool ret = false;

	set_file("/proc/sys/kernel/numa_balancing", "2");
	while (were && !ret && seconds() < end) {
		touch(p, 2 * LEN);
		ret = where(p, 2 * LEN).here < were;
	}
	set_file("/proc/sys/kernel/numa_balancing", "0");
	munmap(p, 2 * LEN);
	return ret;
}

static bool numa_balancing(void)
{
	return attracts("1");
}

static bool compaction(void)
{
	write_file(in_node_dir("compact"), "1");
	set_file("/proc/sys/vm/compact_memory", "1");
	return moved();
}

static bool longterm_pin(void)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4U, &params);
	struct iovec v = { placed, LEN };
	bool ret;

	ret = !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U);
	close(ring);
	return ret | moved();
}

static bool thp(void)
{
	return !madvise(placed, LEN, MADV_COLLAPSE) | moved();
}

static bool hugetlb(void)
{
	const char *path = in_node_dir("hugepages/hugepages-2048kB/nr_hugepages");
	unsigned long pool;

	write_file(path, "2");
	/* The pool's own files show none while the service is closed. */
	pool = number_in(in_node_dir("meminfo"), "PrivateHugetlb:");
	write_file(in_node_dir("hugepages/hugepages-2048kB/nr_hugepages"), "0");
	return pool;
}

enum { USER_NUMA, RECLAIM, DEMOTION, PROMOTION, COMPACTION, LONGTERM_PIN, THP, HUGETLB, NUMA_BALANCING,
	NR_SERVICES };
#define NEEDS(s) (1U << (s))

static const struct trial trials[NR_SERVICES] = {
	[USER_NUMA] = { "user_numa", 0, user_numa },
	[RECLAIM] = { "reclaim", 0, reclaim },
	[DEMOTION] = { "demotion", NEEDS(RECLAIM), demotion },
	[PROMOTION] = { "promotion", NEEDS(RECLAIM) | NEEDS(DEMOTION), promotion },
	[COMPACTION] = { "compaction", 0, compaction },
	[LONGTERM_PIN] = { "longterm_pin", 0, longterm_pin },
	[THP] = { "thp", NEEDS(COMPACTION), thp },
	[HUGETLB] = { "hugetlb", NEEDS(USER_NUMA), hugetlb },
	[NUMA_BALANCING] = { "numa_balancing", NEEDS(USER_NUMA), numa_balancing },
};

/* -- the pairs -------------------------------------------------------------------------------- */

static void open_exactly(unsigned int mask)
{
	char change[256] = "";
	int i;

	for (i = 0; i < NR_SERVICES; i++) {
		strcat(change, mask >> i & 1 ? " +" : " -");
		strcat(change, trials[i].service);
	}
	if (!write_file(node_file("enabled"), change))
		bail("cannot write '%s' to enabled", change);
}

/* Fresh pages of the node in this cgroup, small, every second of a run: there is room to compact. */
static void place(bool bound)
{
	char *hole;
	size_t i;

	open_exactly(NEEDS(USER_NUMA));
	placed = anon(LEN);
	hole = anon(LEN);
	madvise(placed, LEN, MADV_NOHUGEPAGE);
	madvise(hole, LEN, MADV_NOHUGEPAGE);
	syscall(SYS_mbind, placed, LEN, MPOL_BIND, &here, 64UL, 0);
	syscall(SYS_mbind, hole, LEN, MPOL_BIND, &here, 64UL, 0);
	for (i = 0; i < LEN; i += PAGE) {
		touch(placed + i, PAGE);
		touch(hole + i, PAGE);
	}
	/* The policy goes, the pages stay: whoever takes them away may put them anywhere. */
	if (!bound)
		syscall(SYS_mbind, placed, LEN, MPOL_DEFAULT, NULL, 0UL, 0);
	madvise(placed, LEN, MADV_HUGEPAGE);
	munmap(hole, LEN);
	if (!all_here(placed, LEN))
		bail("pages could not be placed");
	node_free();
	moved();
}

static bool try(int service, unsigned int opened)
{
	bool ret;

	/* What nobody names may be moved to be pinned: that is no pin on the node. */
	place(service == LONGTERM_PIN);
	open_exactly(opened);
	ret = trials[service].has_effect();
	munmap(placed, LEN);
	return ret;
}

static void test_open(int b)
{
	const struct trial *t = &trials[b];

	if (!t->has_effect) {
		skip("no trial: cram's test does it", "%s, open: has an effect", t->service);
		return;
	}
	patience = 60;
	ok(try(b, NEEDS(b) | t->needs), "%s, open: has an effect", t->service);
	patience = 2;
}

static void test_pair(int a, int b)
{
	unsigned int opened = a < 0 ? 0 : NEEDS(a) | trials[a].needs;
	unsigned long free = node_free();
	int i;

	if (opened >> b & 1 || !trials[b].has_effect)
		return;
	ok(!try(b, opened), "%s open, %s closed: no effect", a < 0 ? "nothing" : trials[a].service,
	   trials[b].service);
	/* What just moved may be in a list of another processor's. */
	for (i = 0; i < 200 && node_free() != free; i++)
		usleep(50000);
	/* While demotion is open, memory of others may have come. */
	if (node_free() != free && !(opened & NEEDS(DEMOTION)))
		ok(false, "%s open: %s left %ld pages on the node", a < 0 ? "nothing" : trials[a].service,
		   trials[b].service, (long)(free - node_free()));
}

/* The kernel refuses each service without each of its needs, and takes it with them. */
static void test_needs(void)
{
	unsigned int mask, i;
	char change[64];

	for (i = 0; i < NR_SERVICES; i++) {
		for (mask = trials[i].needs; mask; mask &= mask - 1) {
			open_exactly(trials[i].needs);
			snprintf(change, sizeof(change), "-%s +%s", trials[__builtin_ctz(mask)].service,
				 trials[i].service);
			ok(!write_file(node_file("enabled"), change), "%s needs %s", trials[i].service,
			   trials[__builtin_ctz(mask)].service);
		}
		open_exactly(trials[i].needs | NEEDS(i));
	}
}

static void set_up(void)
{
	if (system("modprobe zram && echo 256M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null") ||
	    swapon("/dev/zram0", 0))
		bail("swap");
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) || !write_file(ROOT "/cgroup.subtree_control", "+memory") ||
	    mkdir(GROUP, 0755) || !write_file(GROUP "/cgroup.procs", "0"))
		bail("cgroup");
	set_file("/sys/kernel/mm/numa/demotion_enabled", "1");
	/* What an open service does by itself would be taken for the trial's: no aging, no khugepaged. */
	set_file(node_file("promotion_mib_per_second"), "0");
	set_file("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	set_file("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	set_file("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "100");
	set_file("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "100");
}

int main(void)
{
	int a, b;

	find_node();
	here = 1UL << node;
	set_up();
	test_needs();
	for (b = 0; b < NR_SERVICES; b++)
		test_open(b);
	for (a = -1; a < NR_SERVICES; a++)
		for (b = 0; b < NR_SERVICES; b++)
			test_pair(a, b);
	open_exactly((1U << NR_SERVICES) - 1);
	write_file(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
	umount2(ROOT, MNT_DETACH);
	swapoff("/dev/zram0");
	return done_testing();
}
