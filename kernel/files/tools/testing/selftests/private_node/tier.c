// SPDX-License-Identifier: GPL-2.0-only
/*
 * tier: the demotion, promotion and numa_balancing services: what moves where, what stays out, and
 * that each is closed again at once.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <time.h>

#include "check.h"
#include "tiers.h"

#define ROOT "/tmp/tier-cg"
#define GROUP ROOT "/g"
#define LEN (16 * MIB)
#define NR (LEN / PAGE)
#define UNSAID 2880	/* five times DRAM's 576 */
#define FILE_NAME "/tmp/tier-file"

static char *map(size_t len, int flags, int fd)
{
	char *p = mmap(NULL, len + PMD, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	p = (char *)(((unsigned long)p + PMD - 1) & ~(PMD - 1));
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static char *anon(void)
{
	char *p = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	number_all(p, LEN);
	return p;
}

static unsigned long here(const char *p)
{
	return where(p, LEN).here;
}

/* Pages of a cgroup age by being reclaimed: both LRUs need some rounds. */
static void reclaim(const char *bytes)
{
	int i;

	for (i = 0; i < 4; i++)
		write_file(GROUP "/memory.reclaim", bytes);
}

static void bind_to_node(char *p)
{
	unsigned long mask = 1UL << node;

	if (syscall(SYS_mbind, p, LEN, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
}

static void test_tiers(void)
{
	static const char *const bad[] = { "-1", "x", "1000001", "5 5" };
	unsigned int i;

	enable("-promotion -demotion");
	ok(tier_of(0) >= 0 && tier_of(node) < 0, "closed: the node has no tier");
	ok(node_number("adistance") == UNSAID,
	   "without firmware's word its distance is below all DRAM");
	enable("+demotion");
	ok(tier_of(node) > tier_of(0), "demotion: a tier below node 0 (%d, %d)", tier_of(node),
	   tier_of(0));
	put(node_file("adistance"), "300");
	ok(node_number("adistance") == 300 && tier_of(node) == 256 && tier_of(node) < tier_of(0),
	   "the owner's distance counts: a tier above node 0 (%d)", tier_of(node));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(node_file("adistance"), bad[i]) && errno == EINVAL &&
		   node_number("adistance") == 300,
		   "distance '%s' is refused, and the old one stays", bad[i]);
	put(node_file("adistance"), "0");
	ok(tier_of(node) > tier_of(0), "0: firmware's or the usual one again");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(node_file("promotion_mib_per_second"), bad[i]) && errno == EINVAL,
		   "a rate of '%s' is refused", bad[i]);
	enable("-demotion");
	ok(tier_of(node) < 0, "closed again: no tier");
}

static void test_demotion(void)
{
	unsigned long used = counter("demotion_used ");
	unsigned long before;
	char *p = anon();

	reclaim("32M");
	ok(!here(p), "closed: nothing is demoted");
	enable("+demotion");
	reclaim("32M");
	ok(here(p) > NR / 2, "demotion: cold memory goes to the node (%lu of %lu pages)", here(p),
	   NR);
	ok(counter("demotion_used ") - used >= here(p), "... and is counted (%lu)",
	   counter("demotion_used ") - used);
	ok(!misnumbered(p, LEN, 1), "... its contents as they were");
	before = here(p);
	enable("-demotion");
	number_all(p, LEN);
	ok(here(p) == before, "closed again: what is there stays (%lu)", here(p));
	munmap(p, LEN);
	p = anon();
	reclaim("32M");
	ok(!here(p), "... and nothing more comes");
	munmap(p, LEN);
}

/* Only the memory of others is pressed: a group's limit does not count the node's free memory. */
static void test_pressure(void)
{
	unsigned long swapped = number_in("/proc/vmstat", "pswpout "), free = 0, len;
	char *cold, *hog;

	enable("+demotion");
	cold = anon();
	free = number_in("/proc/meminfo", "MemAvailable:") << 10;
	len = (free + 48 * MIB) / PMD * PMD;
	hog = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hog == MAP_FAILED)
		bail("hog");
	madvise(hog, len, MADV_HUGEPAGE);
	number_all(hog, len);
	ok(!misnumbered(hog, len, 1) && !misnumbered(cold, LEN, 1),
	   "no swap, and %lu MiB more than ordinary memory: nobody is killed, all is there", 48UL);
	ok(number_in("/proc/vmstat", "pswpout ") == swapped, "... and nothing was swapped");
	munmap(hog, len);
	munmap(cold, LEN);
	enable("-demotion");
}

static unsigned long node_vmstat(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/vmstat", node);
	return number_in(path, name);
}

static unsigned long file_pages(void)
{
	return node_vmstat("nr_file_pages ") - node_vmstat("nr_shmem ");
}

static void test_page_cache(void)
{
	char *page = malloc(PAGE), *p, *shm;
	unsigned long i, sum = 0;
	int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int mem = memfd_create("tier", 0);

	enable("+demotion");
	memset(page, 1, PAGE);
	for (i = 0; i < NR / 2; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			bail("write");
	fsync(fd);
	p = mmap(NULL, LEN / 2, PROT_READ, MAP_SHARED, fd, 0);
	for (i = 0; i < LEN / 2; i += PAGE)
		sum += p[i];
	if (ftruncate(mem, LEN + PMD))
		bail("ftruncate");
	shm = map(LEN, MAP_SHARED, mem);
	number_all(shm, LEN);
	reclaim("32M");
	ok(!file_pages(), "page cache is never demoted there (%lu pages)", file_pages());
	ok(here(shm) && !misnumbered(shm, LEN, 1), "shmem is (%lu pages)", here(shm));
	munmap(p, LEN / 2);
	munmap(shm, LEN);
	close(fd);
	close(mem);
	unlink(FILE_NAME);
	free(page);
	enable("-demotion");
}

static void test_cpuset(void)
{
	char nodes[16], *p;

	enable("+demotion");
	put(GROUP "/cpuset.mems", "0");
	p = anon();
	reclaim("32M");
	ok(!here(p), "a cgroup without the node in cpuset.mems is not demoted there");
	snprintf(nodes, sizeof(nodes), "0,%d", node);
	put(GROUP "/cpuset.mems", nodes);
	reclaim("32M");
	ok(here(p), "... and with it is (%lu)", here(p));
	munmap(p, LEN);
	enable("-demotion");
}

/*
 * A faster node: what somebody moved there goes down, what is bound to it or mapped from it stays.
 */
static void test_fast_node(void)
{
	char *bound = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS, -1), *mapped, *moved;
	unsigned long from = 1, to = 1UL << node;
	int i, fd = open_dev();

	moved = anon();
	if (syscall(SYS_migrate_pages, 0, 64UL, &from, &to) || here(moved) != NR)
		bail("migrate_pages");
	bind_to_node(bound);
	number_all(bound, LEN);
	mapped = map(LEN, MAP_PRIVATE, fd);
	number_all(mapped, LEN);
	put(node_file("adistance"), "300");
	reclaim("32M");
	ok(here(bound) == NR && here(mapped) == NR && here(moved) == NR,
	   "a fast node that is closed to demotion keeps its memory");
	enable("+demotion");
	/* Not more than what can go: the rest is looked at again and again. */
	for (i = 0; i < 8 && here(moved) >= NR / 2; i++)
		write_file(GROUP "/memory.reclaim", "16M");
	ok(here(moved) < NR / 2 && !misnumbered(moved, LEN, 1),
	   "open, it demotes into DRAM (%lu pages left)", here(moved));
	ok(here(bound) == NR && !misnumbered(bound, LEN, 1),
	   "... but not what a policy binds to it");
	ok(here(mapped) == NR && !misnumbered(mapped, LEN, 1), "... nor the device map's memory");
	put(node_file("adistance"), "0");
	enable("-demotion");
	munmap(moved, LEN);
	munmap(bound, LEN);
	munmap(mapped, LEN);
	close(fd);
}

static int pin(int ring, void *p, size_t len)
{
	struct iovec v = { p, len };

	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U) ? errno : 0;
}

static void test_pins(void)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	unsigned long moved = counter("pin_moved ");
	char *p = anon(), *bound;

	enable("-longterm_pin +demotion");
	reclaim("32M");
	if (ring < 0 || here(p) < 512)
		bail("io_uring, or no page on the node");
	ok(!pin(ring, p, 2 * MIB) && !where(p, 2 * MIB).here,
	   "a pin of demoted memory moves it to ordinary memory");
	ok(counter("pin_moved ") > moved, "... and is counted (%lu)",
	   counter("pin_moved ") - moved);
	ok(!misnumbered(p, LEN, 1), "... its contents as they were");
	syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0U);
	bound = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bind_to_node(bound);
	number_all(bound, LEN);
	ok(pin(ring, bound, 2 * MIB) == EOPNOTSUPP && here(bound) == NR,
	   "memory that was bound there is refused, and stays");
	enable("+longterm_pin");
	reclaim("32M");
	ok(!pin(ring, p + 4 * MIB, 2 * MIB) && where(p + 4 * MIB, 2 * MIB).here == 512,
	   "with longterm_pin demoted memory is pinned where it is");
	close(ring);
	munmap(p, LEN);
	munmap(bound, LEN);
	enable("-demotion");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * Uses all of it for some seconds, or until less than a tenth is left on the node.  Where something
 * has to happen the seconds are for a debug kernel on a busy host, under which 40 were too few.
 */
#define LONG 240

static double use(volatile char *p, double seconds)
{
	double start = now();
	size_t i;

	while (now() - start < seconds && here((char *)p) > NR / 10) {
		forget_translations();
		for (i = 0; i < LEN; i += PAGE)
			(void)p[i + 64];
	}
	return now() - start;
}

static char *demoted(void)
{
	char *p = anon();

	enable("+demotion");
	reclaim("32M");
	if (here(p) < NR / 2)
		bail("only %lu pages were demoted", here(p));
	return p;
}

/* Uses it until something has moved up, and for a while; at most LIMIT MiB in a second may. */
static void use_slowly(char *p, unsigned long limit, const char *what)
{
	unsigned long used, start = counter("promotion_used ");
	char text[16];
	double took = 0;

	snprintf(text, sizeof(text), "%lu", limit);
	put(node_file("promotion_mib_per_second"), text);
	enable("+promotion");
	/* On a busy machine few rounds fit into 6 seconds. */
	do {
		took += use(p, 6);
		used = counter("promotion_used ") - start;
	} while (!used && took < LONG);
	ok(used && used <= (took + 2) * limit * MIB / PAGE,
	   "promotion of %s: at most %lu MiB a second (%lu pages in %.1f s)", what, limit, used,
	   took);
	put(node_file("promotion_mib_per_second"), "64");
}

static void test_promotion(void)
{
	unsigned long before;
	char *p = demoted(), *hot, *bound;
	double took;

	put("/proc/sys/kernel/numa_balancing", "0");
	before = here(p);
	use(p, 4);
	ok(here(p) == before, "closed: hot memory stays on the node");
	use_slowly(p, 2, "small pages");
	took = use(p, LONG);
	ok(here(p) <= NR / 10 && !misnumbered(p, LEN, 1),
	   "hot memory moves up (%.1f s, %lu pages left)", took, here(p));
	munmap(p, LEN);

	p = demoted();
	before = here(p);
	hot = demoted();
	took = use(hot, LONG);
	ok(here(hot) <= NR / 10 && here(p) == before,
	   "memory that nobody uses stays (%lu) while other moves up (%.1f s)", here(p), took);
	munmap(hot, LEN);
	bound = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bind_to_node(bound);
	number_all(bound, LEN);
	use(bound, 5);
	ok(here(bound) == NR, "memory that was bound there stays, hot or not");
	munmap(bound, LEN);
	enable("-promotion");
	before = here(p);
	use(p, 4);
	ok(here(p) == before, "closed again: it stays, hot or not");
	munmap(p, LEN);
	enable("-demotion");
}

#define TRACING "/sys/kernel/tracing/"
#define WORK TRACING "events/workqueue/workqueue_execute_start/enable"

static unsigned long passes(void)
{
	FILE *f = fopen(TRACING "trace", "r");
	unsigned long nr = 0;
	char line[512];

	if (!f)
		bail("no trace");
	while (fgets(line, sizeof(line), f))
		nr += !!strstr(line, " promote_work");
	fclose(f);
	return nr;
}

/* While nothing is used the first passes are 1, 2 and 4 seconds apart, later ones 8. */
static void test_pace(void)
{
	char *p = demoted();
	unsigned long nr;
	double start, took;

	put("/proc/sys/kernel/numa_balancing", "0");
	empty_file(TRACING "trace");
	put(WORK, "1");
	start = now();
	enable("+promotion");
	do {
		sleep(8);
		took = now() - start;
		nr = passes();
	} while (!nr && took < LONG);
	put(WORK, "0");
	ok(nr && nr <= took / 2 + 1, "nothing is used: passes become rare (%lu in %.1f s)", nr,
	   took);
	enable("-promotion -demotion");
	munmap(p, LEN);
}

/* A huge page is more than what the rate allows in a second. */
static void test_huge_pace(void)
{
	char *p = map(LEN, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	madvise(p, LEN, MADV_HUGEPAGE);
	number_all(p, LEN);
	enable("+demotion");
	reclaim("32M");
	if (node_vmstat("nr_anon_transparent_hugepages ") * PMD < LEN / 2)
		bail("only %lu huge pages were demoted",
		     node_vmstat("nr_anon_transparent_hugepages "));
	use_slowly(p, 1, "huge pages");
	ok(!misnumbered(p, LEN, 1), "... their contents as they were");
	enable("-promotion -demotion");
	munmap(p, LEN);
}

/* With this kernel.numa_balancing, hint faults move pages while the service is open. */
static void hints_need(const char *balancing, const char *service, const char *closed,
		       const char *open)
{
	char *p = demoted(), word[32];
	unsigned long used, before;
	double took;

	put("/proc/sys/kernel/numa_balancing", balancing);
	before = here(p);
	use(p, 4);
	ok(here(p) == before, "%s", closed);
	snprintf(word, sizeof(word), "%s_used ", service);
	used = counter(word);
	snprintf(word, sizeof(word), "+%s", service);
	enable(word);
	took = use(p, LONG);
	ok(here(p) <= NR / 10 && !misnumbered(p, LEN, 1),
	   "... and %s with it (%.1f s, %lu pages left)", open, took, here(p));
	snprintf(word, sizeof(word), "%s_used ", service);
	ok(counter(word) > used, "... counted (%lu)", counter(word) - used);
	snprintf(word, sizeof(word), "-%s", service);
	enable(word);
	munmap(p, LEN);
}

static void test_hints(void)
{
	put("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	put("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "100");
	put(node_file("promotion_mib_per_second"), "0");
	hints_need("2", "promotion", "tiering by hint faults: closed without promotion",
		   "promotes");
	hints_need("1", "numa_balancing", "NUMA balancing: closed without its service",
		   "pulls memory to the CPU");
	put("/proc/sys/kernel/numa_balancing", "0");
	put(node_file("promotion_mib_per_second"), "64");
	enable("-demotion");
}

static void begin(void)
{
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) ||
	    !write_file(ROOT "/cgroup.subtree_control", "+memory +cpuset") ||
	    (mkdir(GROUP, 0755) && errno != EEXIST) || !write_file(GROUP "/cgroup.procs", "0"))
		bail("cgroup");
	enable("-promotion -demotion -numa_balancing");
}

static void end(void)
{
	put(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
	umount2(ROOT, MNT_DETACH);
}

#define TIER_TEST(what)								\
	TEST_F_TIMEOUT(tier, what, LONG_TEST)					\
	{									\
		begin();							\
		test_##what();							\
		end();								\
	}

NODE_FIXTURE(tier, "user_numa,reclaim,demotion,promotion,numa_balancing,longterm_pin")

TIER_TEST(tiers)

TEST_F_TIMEOUT(tier, demotion, LONG_TEST)
{
	struct setting lru_gen;

	begin();
	change_setting(&lru_gen, "/sys/kernel/mm/lru_gen/enabled", "0");
	test_demotion();
	put("/sys/kernel/mm/lru_gen/enabled", "7");
	test_demotion();
	restore_setting(&lru_gen);
	end();
}

TIER_TEST(pressure)
TIER_TEST(page_cache)
TIER_TEST(cpuset)
TIER_TEST(fast_node)
TIER_TEST(pins)
TIER_TEST(promotion)
TIER_TEST(pace)
TIER_TEST(huge_pace)
TIER_TEST(hints)

TEST_HARNESS_MAIN
