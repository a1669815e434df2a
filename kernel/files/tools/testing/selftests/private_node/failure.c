// SPDX-License-Identifier: GPL-2.0-only
/*
 * failure: soft and hard offline of pages of a private node: in use by its device map or by a bind,
 * huge, free, on swap, held by the owner.  A page that is moved stays on its node; a broken one
 * never comes back; the owner hears of all; the node can be unplugged, and plugged again.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/uio.h>

#include "check.h"

#define SIM "/sys/kernel/private_node_sim/"
#define MEMORY "/sys/devices/system/memory/"
#define UNPOISON "/sys/kernel/debug/hwpoison/unpoison-pfn"
#define LEN (2 * PMD)
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int fd;
static uint64_t lost[64];
static int nr_lost;
static unsigned long others_lost;	/* ordinary pages that were broken before */

static unsigned long corrupted(void)
{
	return number_in("/proc/meminfo", "PrivateHardwareCorrupted: ") * 1024 / PAGE;
}

static unsigned long ordinary_corrupted(void)
{
	return number_in("/proc/meminfo", "\nHardwareCorrupted: ") * 1024 / PAGE;
}

static int poison_ordinary(void *arg)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	madvise(p, PAGE, MADV_HWPOISON);
	return *(volatile char *)p;
}

static uint64_t frame(const char *p)
{
	int f = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	if (f < 0 || pread(f, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		bail("pagemap");
	close(f);
	return e >> 63 ? e & ((1ULL << 55) - 1) : 0;
}

static void forget_log(void)
{
	if (system("dmesg -C"))
		bail("dmesg");
}

/* Was the owner told this, and nothing else?  The log has one line of ours for the page. */
static bool told(const char *what, uint64_t pfn, const char *result)
{
	char line[512], want[128], ours[64];
	int nr = 0, nr_ours = 0;
	bool found = false;
	FILE *f = popen("dmesg", "r");

	snprintf(want, sizeof(want), "told: %s of 1 page(s) at pfn %#lx: %s", what,
		 (unsigned long)pfn, result);
	snprintf(ours, sizeof(ours), "private_node: node %d: pfn %#lx: ", node, (unsigned long)pfn);
	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, "told: "))
			printf("# %s", line);
		nr += !!strstr(line, "told: ");
		nr_ours += !!strstr(line, ours);
		found |= !!strstr(line, want);
	}
	if (f)
		pclose(f);
	if (!found)
		printf("# want: %s\n", want);
	if (nr_ours != 1)
		printf("# %d lines with '%s'\n", nr_ours, ours);
	return found && nr == 1 && nr_ours == 1;
}

static char *map(size_t len, int flags)
{
	char *p, *at = mmap(NULL, len + PMD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at = (char *)(((uintptr_t)at + PMD - 1) / PMD * PMD);
	p = mmap(at, len, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		 flags & MAP_ANONYMOUS ? -1 : fd, 0);
	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

static char *map_small(int flags)
{
	char *p = map(LEN, flags);

	madvise(p, LEN, MADV_NOHUGEPAGE);
	touch(p, LEN);
	return p;
}

static char *map_bound(int flags)
{
	unsigned long mask = 1UL << node;
	char *p = map(LEN, flags | MAP_ANONYMOUS);

	if (syscall(SYS_mbind, p, LEN, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
	madvise(p, LEN, MADV_NOHUGEPAGE);
	touch(p, LEN);
	return p;
}

/* Words that are as touch() wrote them; the rest gives SIGBUS, or is another. */
static unsigned long good(const char *p, size_t len)
{
	struct sigaction sa = { .sa_handler = on_bus }, old;
	volatile unsigned long i, nr = 0;

	sigaction(SIGBUS, &sa, &old);
	for (i = 0; i < len / PAGE; i++)
		if (!sigsetjmp(bus_jmp, 1))
			nr += ((volatile const char *)p)[i * PAGE] == (char)(1 + i % 100);
	sigaction(SIGBUS, &old, NULL);
	return nr;
}

static bool gives_sigbus(const char *p)
{
	struct sigaction sa = { .sa_handler = on_bus }, old;
	volatile bool bus = true;

	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(bus_jmp, 1)) {
		printf("# read %d\n", *(volatile const char *)p);
		bus = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return bus;
}

/* MADV_HWPOISON sends SIGBUS at once. */
static void poison(char *p)
{
	struct sigaction sa = { .sa_handler = on_bus }, old;

	lost[nr_lost++] = frame(p);
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(bus_jmp, 1))
		madvise(p, PAGE, MADV_HWPOISON);
	sigaction(SIGBUS, &old, NULL);
}

/* soft or hard; 0 or the errno */
static int offline_pfn(const char *how, uint64_t pfn)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), MEMORY "%s_offline_page", how);
	snprintf(text, sizeof(text), "%#lx", (unsigned long)(pfn * PAGE));
	return write_file(path, text) ? 0 : errno;
}

static void test_soft(char *p, const char *what)
{
	unsigned long soft = counter("memory_failure_soft "), used = counter("soft_offline_used ");
	unsigned long bad = corrupted();
	char *page = p + 37 * PAGE;
	uint64_t was = frame(page);

	forget_log();
	ok(!madvise(page, PAGE, MADV_SOFT_OFFLINE), "%s, soft: done", what);
	ok(good(p, LEN) == LEN / PAGE, "%s, soft: contents", what);
	ok(all_here(p, LEN) && frame(page) != was, "%s, soft: in another place on the node", what);
	ok(told("soft offline", was, "isolated"), "%s, soft: the owner was told", what);
	ok(counter("memory_failure_soft ") == soft + 1 &&
	   counter("soft_offline_used ") == used + 1 && corrupted() == bad + 1,
	   "%s, soft: counted", what);
	lost[nr_lost++] = was;
}

static void test_hard(char *p, const char *what)
{
	unsigned long hard = counter("memory_failure_hard "), bad = corrupted();
	unsigned long total = number_in("/proc/meminfo", "PrivateTotal: ");
	char *page = p + 39 * PAGE;
	uint64_t was = frame(page);

	forget_log();
	poison(page);
	ok(gives_sigbus(page), "%s, hard: SIGBUS", what);
	ok(good(p, LEN) == LEN / PAGE - 1 && where(p, LEN).here == LEN / PAGE - 1,
	   "%s, hard: one page only", what);
	ok(told("memory failure", was, "isolated"), "%s, hard: the owner was told", what);
	ok(counter("memory_failure_hard ") == hard + 1 && corrupted() == bad + 1 &&
	   number_in("/proc/meminfo", "PrivateTotal: ") == total, "%s, hard: counted", what);
}

static void test_both(char *p, const char *what)
{
	test_soft(p, what);
	test_hard(p, what);
}

static int child_sigbus(void *arg)
{
	return gives_sigbus(arg) ? 0 : 1;
}

static void test_forked(void)
{
	char *p = map_small(MAP_PRIVATE);
	int status[2], pipes[2];
	pid_t pid;
	char c;

	fflush(stdout);
	if (pipe(pipes))
		bail("pipe");
	pid = fork();
	if (!pid) {
		if (read(pipes[0], &c, 1) != 1)
			_exit(9);
		_exit(child_sigbus(p + 5 * PAGE));
	}
	poison(p + 5 * PAGE);
	status[0] = gives_sigbus(p + 5 * PAGE);
	if (write(pipes[1], "", 1) != 1)
		bail("pipe");
	waitpid(pid, &status[1], 0);
	ok(status[0] && !status[1], "shared by fork: both get SIGBUS (%d)", status[1]);
	munmap(p, LEN);
}

/* Freed a moment ago: on a list of this CPU. */
static void test_free(const char *how)
{
	char *p = map_small(MAP_PRIVATE);
	uint64_t pfn = frame(p + 11 * PAGE);
	unsigned long bad = corrupted(), free;
	char text[32];
	int err;

	munmap(p, LEN);
	forget_log();
	err = offline_pfn(how, pfn);
	ok(!err && corrupted() == bad + 1, "free page, %s: out of use (%s)", how, strerror(err));
	ok(told(*how == 's' ? "soft offline" : "memory failure", pfn, "isolated"),
	   "free page, %s: told", how);
	lost[nr_lost++] = pfn;
	if (*how == 's')
		return;
	free = node_free();
	if (access("/sys/kernel/debug/hwpoison", F_OK) && system("modprobe hwpoison_inject"))
		bail("modprobe hwpoison_inject");
	snprintf(text, sizeof(text), "%#lx", (unsigned long)pfn);
	err = write_file(UNPOISON, text) ? 0 : errno;
	ok(!err && corrupted() == bad && node_free() == free + 1, "unpoison: free again (%s)",
	   strerror(err));
	nr_lost--;
	offline_pfn(how, pfn);
	forget_log();
	err = offline_pfn(how, pfn);
	ok(err == EHWPOISON && told("memory failure", pfn, "isolated") && corrupted() == bad + 1,
	   "free page, hard, reported again: told, counted once (%s)", strerror(err));
	lost[nr_lost++] = pfn;
}

static void test_huge(void)
{
	char *p = map(LEN, MAP_PRIVATE);

	madvise(p, LEN, MADV_HUGEPAGE);
	touch(p, LEN);
	ok(frame(p + 511 * PAGE) == frame(p) + 511, "huge page on the node");
	test_both(p, "huge page");
	munmap(p, LEN);
}

/* Without a free page nothing changes. */
static void test_full(void)
{
	char *p = map(LEN, MAP_PRIVATE), *hog;
	size_t len;
	uint64_t was;
	int err;

	madvise(p, LEN, MADV_HUGEPAGE);
	touch(p, LEN);
	len = node_free() * PAGE;
	hog = map(len, MAP_PRIVATE);
	touch(hog, len);
	was = frame(p);
	forget_log();
	err = madvise(p + 3 * PAGE, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
	ok(err == ENOMEM, "full, soft: %s", strerror(err));
	ok(frame(p) == was && frame(p + 511 * PAGE) == was + 511 && good(p, LEN) == LEN / PAGE &&
	   all_here(p, LEN),
	   "full, soft: nothing has changed");
	ok(told("soft offline", was + 3, "in use"), "full, soft: told");
	munmap(hog, len);
	munmap(p, LEN);
}

static void test_pinned(void)
{
	char *p = map_small(MAP_PRIVATE);
	struct iovec v = { p, PAGE };
	uint64_t was = frame(p);
	int pipes[2], err;

	if (pipe(pipes) || vmsplice(pipes[1], &v, 1, 0) != (ssize_t)PAGE)
		bail("vmsplice");
	forget_log();
	err = madvise(p, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
	ok(err && frame(p) == was && good(p, LEN) == LEN / PAGE, "pinned, soft: %s, nothing moved",
	   strerror(err));
	ok(told("soft offline", was, "in use"), "pinned, soft: told");
	close(pipes[0]);
	close(pipes[1]);
	munmap(p, LEN);
}

/* The kernel cannot take it away from the owner; but it can keep it when it comes back. */
static void test_held(int order)
{
	uint64_t pfn, again;
	char text[64];
	int err;

	snprintf(text, sizeof(text), "node=a order=%d", order);
	put(SIM "alloc", text);
	pfn = number_in(SIM "held_pfn", "") + (order ? 7 : 0);
	forget_log();
	err = offline_pfn("soft", pfn);
	ok(err == EIO && told("soft offline", pfn, "held"),
	   "owner's order %d, soft: told, left alone (%s)", order, strerror(err));
	forget_log();
	err = offline_pfn("hard", pfn);
	ok(err == EBUSY && told("memory failure", pfn, "held"),
	   "owner's order %d, hard: told, cannot act (%s)", order, strerror(err));
	forget_log();
	err = offline_pfn("hard", pfn);
	ok(err == EHWPOISON && told("memory failure", pfn, "held"),
	   "owner's order %d, hard, reported again: told (%s)", order, strerror(err));
	ok(!write_file(SIM "unplug", "a") && errno == EBUSY,
	   "owner's order %d: unplug is refused while it is held", order);
	put(SIM "free", "all");
	/* What was freed last comes first. */
	put(SIM "alloc", text);
	again = number_in(SIM "held_pfn", "");
	ok(again && (pfn < again || pfn - again >= 1UL << order),
	   "owner's order %d: the owner does not get it again", order);
	put(SIM "free", "all");
	lost[nr_lost++] = pfn;
}

/* Who cannot sleep is served at once, from what is intact. */
static void test_held_atomic(void)
{
	uint64_t pfn, again;
	int i, refused = 0, met = 0;

	put(SIM "alloc", "node=a order=4");
	pfn = number_in(SIM "held_pfn", "") + 7;
	ok(offline_pfn("hard", pfn) == EBUSY, "owner's, atomic: it breaks");
	refused = !write_file(SIM "alloc", "node=a order=4 gfp=atomic");
	ok(!refused, "owner's, atomic: others are handed out while the owner has it");
	put(SIM "free", "all");
	for (i = 0; i < 100; i++) {
		refused += !write_file(SIM "alloc", "node=a order=4 gfp=atomic");
		again = number_in(SIM "held_pfn", "");
		met += again <= pfn && pfn < again + 16;
	}
	ok(!refused && !met, "owner's, atomic: freed: %d of 100 refused, %d have it", refused, met);
	put(SIM "free", "all");
	lost[nr_lost++] = pfn;
}

#define KPF_BUDDY 10
#define KPF_HWPOISON 19

static bool pfn_is(uint64_t pfn, int what)
{
	int f = open("/proc/kpageflags", O_RDONLY);
	uint64_t flags = 0;

	if (pread(f, &flags, 8, pfn * 8) != 8)
		flags = 0;
	close(f);
	return flags >> what & 1;
}

/*
 * What the owner freed is in the free lists without its broken page: whoever takes from there, as
 * compaction does, need not look for one.
 */
static void test_held_free(void)
{
	const size_t nr = 512, which = 99;
	uint64_t pfn;
	unsigned long free_pages = 0;
	size_t i;

	put(SIM "alloc", "node=a order=9");
	pfn = number_in(SIM "held_pfn", "");
	ok(offline_pfn("hard", pfn + which) == EBUSY && !pfn_is(pfn + which, KPF_BUDDY),
	   "owner's, in the free lists: it breaks");
	put(SIM "free", "all");
	/* No page in a list of a processor. */
	node_free();
	for (i = 0; i < nr; i++)
		free_pages += pfn_is(pfn + i, KPF_BUDDY);
	ok(free_pages > nr / 2 && pfn_is(pfn + which, KPF_HWPOISON) &&
	   !pfn_is(pfn + which, KPF_BUDDY),
	   "owner's, in the free lists: %lu pages of its block, not the broken one", free_pages);
	lost[nr_lost++] = pfn + which;
}

static void test_swapped(void)
{
	char *p, *page;
	uint64_t was;

	zram_on("64M");
	put(node_file("enabled"), "+reclaim");
	p = map_small(MAP_PRIVATE);
	page = p + 21 * PAGE;
	for (int i = 0; i < 5 && where(p, LEN).here; i++) {
		node_free();
		madvise(p, LEN, MADV_PAGEOUT);
	}
	ok(!where(p, LEN).here && good(p, LEN) == LEN / PAGE && all_here(p, LEN),
	   "read back from swap");
	/* In the swap cache and dirty, if the kernel kept it there. */
	page[8] = 1;
	was = frame(page);
	forget_log();
	poison(page);
	ok(gives_sigbus(page) && good(p, LEN) == LEN / PAGE - 1,
	   "swapped in, hard: SIGBUS, one page only");
	ok(told("memory failure", was, "isolated"), "swapped in, hard: told");
}

/*
 * A page that is in swap for a child, and was read back, from zswap, by its parent: the swap cache
 * has it, and not the device of swap.  It breaks, and whoever swaps it in is stopped, also when
 * the node has gone.
 */
static int to_child[2], from_child[2];
static pid_t child;

static bool child_gets_sigbus(void)
{
	char c = 0;

	if (write(to_child[1], "", 1) != 1 || read(from_child[0], &c, 1) != 1)
		bail("child");
	return c == 'y';
}

static void answer(const char *page)
{
	char c;

	while (read(to_child[0], &c, 1) == 1)
		if (write(from_child[1], gives_sigbus(page) ? "y" : "n", 1) != 1)
			break;
	_exit(0);
}

static char *test_swap_cache(void)
{
	char *p = map_small(MAP_PRIVATE), *page = p + 23 * PAGE;
	int i;

	put("/sys/module/zswap/parameters/enabled", "1");
	for (i = 0; i < 5 && where(p, LEN).here; i++) {
		node_free();
		madvise(p, LEN, MADV_PAGEOUT);
	}
	ok(!where(p, LEN).here, "swap cache: all is in swap, %lu pages are not",
	   where(p, LEN).here);
	fflush(stdout);
	if (pipe(to_child) || pipe(from_child))
		bail("pipe");
	child = fork();
	if (!child) {
		close(to_child[1]);
		answer(page);
	}
	ok(*(volatile char *)page == 1 + 23 && where(page, PAGE).here,
	   "swap cache: one page is read back");
	poison(page);
	ok(gives_sigbus(page), "swap cache, hard: SIGBUS");
	put("/sys/module/zswap/parameters/enabled", "0");
	return p;
}

static bool is_lost(uint64_t pfn)
{
	int i;

	for (i = 0; i < nr_lost; i++)
		if (lost[i] == pfn)
			return true;
	return false;
}

/* Takes all that is free, and looks for frames that should not be there. */
static void test_gone(const char *when)
{
	size_t len = node_free() * PAGE, i, nr, back = 0;
	uint64_t *entries = calloc(len / PAGE, sizeof(*entries));
	char *p = map(len, MAP_PRIVATE);
	int f = open("/proc/self/pagemap", O_RDONLY);

	madvise(p, len, MADV_NOHUGEPAGE);
	nr = touch(p, len);
	if (!entries || pread(f, entries, nr * 8, (uintptr_t)p / PAGE * 8) != (ssize_t)nr * 8)
		bail("pagemap");
	close(f);
	for (i = 0; i < nr; i++)
		back += is_lost(entries[i] & ((1ULL << 55) - 1));
	ok(nr == len / PAGE && !back, "%s: none of %d pages came back among %zu", when, nr_lost,
	   nr);
	free(entries);
	munmap(p, len);
}

static void test_unplug(char *shared, char *bound)
{
	unsigned long total = node_number("total_bytes");
	int i, nr = 0;

	ok(corrupted() && ordinary_corrupted() == others_lost + 1,
	   "HardwareCorrupted counts none of the node's %lu", corrupted());
	ok(good(shared, LEN) == LEN / PAGE - 1 && gives_sigbus(shared + 39 * PAGE),
	   "before unplug: a shared page is lost");
	ok(write_file(SIM "unplug", "a"), "unplug with %d broken pages", nr_lost);
	ok(!corrupted(), "unplug: PrivateHardwareCorrupted is %lu", corrupted());
	ok(gives_sigbus(shared + 39 * PAGE), "unplugged: the lost shared page still gives SIGBUS");
	ok(gives_sigbus(bound + 39 * PAGE), "unplugged: the lost bound page still gives SIGBUS");
	ok(good(bound, LEN) == LEN / PAGE - 1, "unplugged: the others were moved");
	ok(write_file(SIM "plug", "a") && node_number("total_bytes") == total,
	   "plugged again, whole");
	for (i = 0; i < nr_lost; i++)
		nr += pfn_is(lost[i], KPF_HWPOISON);
	ok(!nr, "plugged again: the kernel forgot what was broken, as for all memory");
	ok(gives_sigbus(shared + 39 * PAGE) && gives_sigbus(bound + 39 * PAGE),
	   "plugged again: what is lost stays lost");
	munmap(shared, LEN);
	munmap(bound, LEN);
}

/* A node that is this test's alone: some of its memory is lost. */
FIXTURE(failure) { };

FIXTURE_SETUP(failure)
{
	const char *range = kept_range(0);
	char text[256];

	under_test = _metadata;
	if (!range)
		SKIP(return, "no memory is kept for a node: " NO_MEMORY);
	if (access(SIM, F_OK) && system("modprobe -q private_node_sim"))
		SKIP(return, "there is no module private_node_sim (CONFIG_PRIVATE_NODE_SIM)");
	if (access(MEMORY "hard_offline_page", F_OK))
		SKIP(return, "this kernel handles no memory failures (CONFIG_MEMORY_FAILURE)");
	snprintf(text, sizeof(text),
		 "name=a ranges=%s on_unplug=move capable=user_numa,reclaim enabled=user_numa",
		 range);
	if (!write_file(SIM "new_node", text))
		SKIP(return, "the simulator can make no node: boot with private_node_spare=2");
	node = (int)number_in(SIM "nodes", "name=a nid=");
	find_blocks();
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/a");
	others_lost = ordinary_corrupted();
}

FIXTURE_TEARDOWN_PARENT(failure)
{
	if (!write_file(SIM "remove_node", "a"))
		_metadata->exit_code = KSFT_FAIL;
}

TEST_F_TIMEOUT(failure, all, LONG_TEST)
{
	char *shared, *bound, *cached;

	fd = open_dev();
	ok(in_child(poison_ordinary, NULL) == 128 + SIGBUS &&
	   ordinary_corrupted() == others_lost + 1 && !corrupted(),
	   "control: HardwareCorrupted counts an ordinary page, PrivateHardwareCorrupted does not");
	test_full();
	test_pinned();
	test_huge();
	test_free("soft");
	test_free("hard");
	shared = map_small(MAP_PRIVATE);
	test_both(shared, "device map, private");
	munmap(shared, LEN);
	shared = map_small(MAP_SHARED);
	test_both(shared, "device map, shared");
	bound = map_bound(MAP_SHARED);
	test_both(bound, "mbind, shmem");
	munmap(bound, LEN);
	bound = map_bound(MAP_PRIVATE);
	put(node_file("enabled"), "-user_numa");
	test_both(bound, "mbind, service closed since");
	test_forked();
	ok(number_in("/proc/private_node_refusals", "what=data why=broken order=0 pages="),
	   "what was lost is written down");
	test_held(0);
	test_gone("owner's page");
	test_held_atomic();
	test_held_free();
	test_held(9);
	test_gone("page of an owner's huge page");
	test_swapped();
	cached = test_swap_cache();
	test_gone("all");
	test_unplug(shared, bound);
	ok(child_gets_sigbus(), "swap cache: unplugged and plugged, who swaps it in gets SIGBUS");
	ok(gives_sigbus(cached + 23 * PAGE) && good(cached, LEN) == LEN / PAGE - 1,
	   "swap cache: one page only");
	close(to_child[1]);
	waitpid(child, NULL, 0);
	munmap(cached, LEN);
	close(fd);
	zram_off();
}

TEST_HARNESS_MAIN
