// SPDX-License-Identifier: GPL-2.0-only
/*
 * placers: memory that is placed anew, for data that is there or for a huge page, is on a node that
 * its user may have; what collapses or breaks takes nothing along.  The table is explained in cells.h of the
 * kernel's selftests.
 *
 * Who faults says where the page goes: policies of other threads and processes are no part of that.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Unpoison
 * timeout: 400
 * libs: -pthread
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/swap.h>

#include "table.h"

#define ZSWAP "/sys/module/zswap/parameters/"
#define KSM "/sys/kernel/mm/ksm/"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

static void shell(const char *command)
{
	if (system(command))
		bail("%s", command);
}

static int write_all(struct cell *cell, char *p)
{
	return touch(p, len) == len / PAGE ? 0 : EFAULT;
}

static int use_all(struct cell *cell, char *p)
{
	read_all(p);
	return 0;
}

/* -- copy on write -------------------------------------------------------------------------- */

static int copy(struct cell *cell, char *p)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	write_all(cell, p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

/* -- swap ----------------------------------------------------------------------------------- */

static void use_zram(void)
{
	shell("modprobe zram; echo 32M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null");
	if (swapon("/dev/zram0", 0))
		bail("swapon");
}

static void leave_zram(void)
{
	if (swapoff("/dev/zram0"))
		bail("swapoff");
	put("/sys/block/zram0/reset", "1");
}

/* Not mapped, and not in the swap cache. */
static bool is_out(char *p, size_t size)
{
	unsigned char there[LEN / PAGE];
	unsigned long i, nr = 0;

	if (places(p, size).none != size / PAGE)
		return false;
	if (mincore(p, size, there))
		bail("mincore");
	for (i = 0; i < size / PAGE; i++)
		nr += there[i] & 1;
	return !nr;
}

static void page_out(struct cell *cell, char *p, size_t size)
{
	char path[128];
	int i;

	snprintf(path, sizeof(path), "%s/memory.reclaim", cell->group);
	for (i = 0; !is_out(p, size); i++) {
		if (i == 100)
			bail("%s: not in swap", cell->column->name);
		madvise(p, size, MADV_PAGEOUT);
		if (i)
			write_file(path, "1M swappiness=max");
	}
}

/*
 * Gives a page its slot.  It may be in the swap cache still: reclaim, which takes it out of that, would take others
 * along, and slots would not be in the order of the calls.
 */
static void give_slot(char *p)
{
	int i;

	for (i = 0; !places(p, PAGE).none; i++) {
		if (i == 10000)
			bail("no slot");
		madvise(p, PAGE, MADV_PAGEOUT);
	}
}

static void make_swapped(struct cell *cell, char *p)
{
	touch(p, len);
	page_out(cell, p, len);
}

static void use_zswap(void)
{
	char text[16];

	use_zram();
	put(ZSWAP "enabled", "1");
	snprintf(text, sizeof(text), "%d", node);
	put(ZSWAP "node", text);
}

static void leave_zswap(void)
{
	put(ZSWAP "node", "-1");
	put(ZSWAP "enabled", "0");
	leave_zram();
}

static unsigned long stored_as_is(void)
{
	return number_in("/sys/kernel/debug/zswap/stored_incompressible_pages", "");
}

static void unplug_zswap(void)
{
	unsigned long there = stored_as_is();

	unplug();
	ok(there >= len / PAGE && !stored_as_is(), "%s: control: %lu pages of zswap were on the node, and left it", now->name,
	   there);
	tell_all('a');
}

/* Who names the full node: what zswap has there makes room. */
static void fill_over_zswap(void)
{
	unsigned long there = stored_as_is();

	fill_node();
	ok(there >= len / PAGE && stored_as_is() < there, "%s: control: %lu pages of zswap were on the node, %lu are", now->name,
	   there, stored_as_is());
	tell_all('a');
	end_filler();
}

/* A disk that seeks: what lies around a page on it is read ahead, whoever's it is. */
static void use_disk(void)
{
	shell("truncate -s 32M /dev/shm/movers-swap && losetup /dev/loop0 /dev/shm/movers-swap && "
	      "echo 1 > /sys/block/loop0/queue/rotational && mkswap /dev/loop0 > /dev/null");
	if (swapon("/dev/loop0", 0))
		bail("swapon");
}

static void leave_disk(void)
{
	if (swapoff("/dev/loop0"))
		bail("swapoff");
	shell("losetup -d /dev/loop0; rm /dev/shm/movers-swap");
}

static char *neighbour;

/*
 * Each page behind four of a mapping that is bound to the private node.  The kernel reads ahead by pairs of slots where
 * the last two that were read are neighbours, whatever happened before; of five in a row the last is in a pair with the
 * fourth, each other time.
 */
#define NEIGHBOURS 4

static void make_neighbours(struct cell *cell, char *p)
{
	cpu_set_t one;
	size_t i;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	neighbour = map_small(NEIGHBOURS * len, MAP_PRIVATE);
	touch(neighbour, NEIGHBOURS * len);
	touch(p, len);
	for (i = 0; i < NEIGHBOURS * len; i += PAGE) {
		give_slot(neighbour + i);
		if (i / PAGE % NEIGHBOURS == NEIGHBOURS - 1)
			give_slot(p + i / NEIGHBOURS / PAGE * PAGE);
	}
	for (i = 0; i < NEIGHBOURS; i++)
		page_out(cell, neighbour + i * len, len);
	page_out(cell, p, len);
	if (cell->column->kind != CONTROL && bind_to(neighbour, NEIGHBOURS * len, node, 0))
		bail("mbind of the neighbour");
}

static int use_neighbour(struct cell *cell, char *p)
{
	unsigned char there[LEN / PAGE];
	size_t i;

	for (i = 0; i < NEIGHBOURS; i++)
		read_all(neighbour + i * len);
	if (cell->column->kind != CONTROL)
		return use_all(cell, p);
	/* The control: pages that nobody asked for were read. */
	if (mincore(p, len, there))
		bail("mincore");
	memset(&cell->at, 0, sizeof(cell->at));
	for (i = 0; i < len / PAGE; i++)
		cell->at.on[HOME] += there[i] & 1;
	cell->counted = true;
	return 0;
}

/* -- merged pages --------------------------------------------------------------------------- */

static void begin_ksm(void)
{
	put(KSM "pages_to_scan", "20000");
	put(KSM "sleep_millisecs", "10");
	put(KSM "run", "1");
}

static void end_ksm(void)
{
	put(KSM "run", "2");
	put(KSM "run", "0");
}

static void make_merged(struct cell *cell, char *p)
{
	time_t end = time(NULL) + WAIT;

	memset(p, 0x5a, len);
	if (madvise(p, len, MADV_MERGEABLE))
		bail("MADV_MERGEABLE");
	while (number_in("/proc/self/ksm_merging_pages", "") < len / PAGE * 3 / 4) {
		if (time(NULL) > end)
			bail("%s: not merged", cell->column->name);
		usleep(10000);
	}
}

static int unmerge(struct cell *cell, char *p)
{
	return madvise(p, len, MADV_UNMERGEABLE) ? errno : 0;
}

/* -- huge pages ----------------------------------------------------------------------------- */

static char *map_aligned(const struct column *c)
{
	char *p = map_small(2 * PMD, c->shared ? MAP_SHARED : MAP_PRIVATE);

	return (char *)(((uintptr_t)p + PMD - 1) & ~(PMD - 1));
}

static int collapse(struct cell *cell, char *p)
{
	madvise(p, len, MADV_HUGEPAGE);
	return madvise(p, len, MADV_COLLAPSE) ? errno : 0;
}

static void begin_collapse(void)
{
	char *p = map_aligned(&columns[0]);
	unsigned long before;
	int err;

	touch(p, PMD);
	bind_to(p, PMD / 4, AWAY, MPOL_MF_MOVE);
	syscall(SYS_mbind, p, PMD, MPOL_DEFAULT, NULL, 0UL, 0UL);
	before = places(p, PMD).on[AWAY];
	err = collapse(NULL, p);
	ok(before && !err && !places(p, PMD).on[AWAY], "%s: control: ordinary pages of two nodes become one huge page (%lu, %s)",
	   now->name, before, strerror(err));
	munmap(p, PMD);
}

/* What the kernel placed stays small there, see 4b-services-huge/10-mm-collapse-guest. */
static void open_thp(void)
{
	enable("+compaction,+thp");
}

static void close_thp(void)
{
	enable("-compaction,-thp");
}

static void fill_pools(void)
{
	enable("+hugetlb");
	set_pool(HOME, 16);
	set_pool(AWAY, 16);
	set_pool(node, 16);
}

static void empty_pools(void)
{
	set_pool(HOME, 0);
	set_pool(AWAY, 0);
	set_pool(node, 0);
	enable("-hugetlb");
}

static char *map_huge(const struct column *c)
{
	char *p = mmap(NULL, PMD, PROT_READ | PROT_WRITE,
		       (c->shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bail("a huge page");
	return p;
}

static void make_huge(struct cell *cell, char *p)
{
	if (bind_to(p, len, node, 0) || touch(p, len) != len / PAGE || places(p, len).on[node] != len / PAGE)
		bail("%s: no huge page of the node", cell->column->name);
	syscall(SYS_mbind, p, len, MPOL_DEFAULT, NULL, 0UL, 0UL);
}

static int move_huge(struct cell *cell, char *p)
{
	return bind_to(p, len, AWAY, MPOL_MF_MOVE) ? errno : 0;
}

static void unplug_huge(void)
{
	set_pool(node, 0);
	unplug();
}

/* -- broken pages --------------------------------------------------------------------------- */

static int break_one(struct cell *cell, char *p)
{
	struct sigaction sa = { .sa_handler = on_bus };

	sigaction(SIGBUS, &sa, NULL);
	if (!sigsetjmp(bus_jmp, 1) && madvise(p + len / 2, PAGE, MADV_HWPOISON))
		return errno;
	return 0;
}

#define FAULTS	(POLICY | OBJECT | CPUSET | DEFAULT)

static const struct row rows[] = {
	{ "copy on write", PLACES, FAULTS & ~OBJECT, .to_home = true, .act = copy },
	{ "swap-in", PLACES, FAULTS, .to_home = true, .make = make_swapped, .act = use_all, .begin = use_zram,
	  .end = leave_zram },
	{ "swap readahead of others", PLACES, FAULTS & ~OBJECT, .len = 16 * PAGE, .to_home = true, .make = make_neighbours,
	  .act = use_neighbour, .begin = use_disk, .end = leave_disk },
	{ "zswap, unplug", PLACES, FAULTS, .to_home = true, .make = make_swapped, .all = unplug_zswap, .act = use_all,
	  .begin = use_zswap, .end = leave_zswap },
	{ "zswap, room for who names", PLACES, FAULTS, .to_home = true, .make = make_swapped, .all = fill_over_zswap,
	  .act = use_all, .begin = use_zswap, .end = leave_zswap },
	{ "merged pages, unmerge", PLACES, FAULTS & ~OBJECT, .to_home = true, .make = make_merged, .act = unmerge,
	  .begin = begin_ksm, .end = end_ksm },
	{ "collapse", STAYS, .len = PMD, .map = map_aligned, .act = collapse, .begin = begin_collapse, .refused = true },
	{ "collapse, open", STAYS, .len = PMD, .map = map_aligned, .act = collapse, .begin = open_thp, .end = close_thp,
	  .refused = true },
	{ "huge page: fault", PLACES, FAULTS, .len = PMD, .to_home = true, .map = map_huge, .make = make_none, .act = write_all,
	  .begin = fill_pools, .end = empty_pools },
	{ "huge page: unplug", MOVES, .len = PMD, .map = map_huge, .make = make_huge, .all = unplug_huge, .begin = fill_pools,
	  .end = empty_pools },
	{ "huge page: mbind MOVE", MAY_STAY, CPUSET | SHARER | SHARER_CPUSET, .len = PMD, .map = map_huge, .make = make_huge,
	  .act = move_huge, .begin = fill_pools, .end = empty_pools },
	{ "memory failure", STAYS, .act = break_one },
};

int main(int argc, char **argv)
{
	make_node("on_unplug=move");
	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	make_cgroups(argc, argv);
	RUN_ROWS(rows, argc, argv);
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	end_cgroups();
	return done_testing();
}
