// SPDX-License-Identifier: GPL-2.0-only
/*
 * zswap: with a node named, zswap stores pages there as they are: on a compressing device, and on a
 * slow private node; when there is no room it compresses as ever, and all comes back when the node is
 * emptied.
 *
 * vm: --node 1G --node 128M --reserve 128M,node=0 --append private_node=1:user_numa,reclaim,demotion --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#include "cram.h"
#include "probe.h"

#define ZSWAP "/sys/module/zswap/parameters/"
#define LEN (8 * MIB)
#define NR (LEN / PAGE)
#define SALT 31
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static void name_node(int nid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nid);
	put(ZSWAP "node", text);
}

/* Pages of zswap's that are stored as they are, and bytes of all others. */
static unsigned long as_is(void)
{
	return number_in("/sys/kernel/debug/zswap/stored_incompressible_pages", "");
}

static unsigned long compressed(void)
{
	return number_in("/sys/kernel/debug/zswap/pool_total_size", "");
}

static char *region(int flags)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	munlock(p, LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, HALF, SALT);
	return p;
}

/* By the path that asks for no demotion. */
static bool page_out(char *p)
{
	int i;

	for (i = 0; i < 10; i++) {
		node_free();
		madvise(p, LEN, MADV_PAGEOUT);
		if (where(p, LEN).here + where(p, LEN).elsewhere < NR / 20)
			return true;
	}
	return false;
}

static void bad_names(int device)
{
	static const char *const bad[] = { "x", "1x", "-2", "99", "0" };
	unsigned int i;

	ok(number_in(ZSWAP "node", "") == (unsigned long)-1, "no node is named at first");
	name_node(device);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(ZSWAP "node", bad[i]) && errno == EINVAL && number_in(ZSWAP "node", "") == (unsigned long)device,
		   "node '%s' is refused, and the old one stays", bad[i]);
	name_node(-1);
}

static void on_device(int flags, const char *what)
{
	unsigned long before = cram_stat("admitted_zswap"), lost, there, small;
	char *p = region(flags);

	ok(page_out(p) && cram_stat("admitted_zswap") == before, "%s, no node named: swapped, none on the device", what);
	small = compressed();
	ok(small > MIB && small < LEN, "%s: compressed in software: %lu bytes", what, small);
	ok(!damaged(p, 0, LEN, HALF, SALT), "%s: contents", what);
	name_node(node);
	ok(page_out(p), "%s, node named: swapped", what);
	there = cram_stat("admitted_zswap") - before;
	ok(there > NR * 9 / 10 && as_is() >= there * 9 / 10, "%s: %lu of %lu pages are on the device", what, there, NR);
	ok(compressed() < MIB, "%s: nothing in software: %lu bytes", what, compressed());
	ok((unsigned long)cram_number("resident_bytes") >= there * PAGE * 9 / 10 &&
	   (unsigned long)cram_number("used_bytes") < LEN, "%s: the device compresses: %ld bytes", what,
	   cram_number("used_bytes"));
	ok(number_in(GROUP "/memory.zswap.current", "") >= there * PAGE * 9 / 10, "%s: the cgroup pays in full: %lu", what,
	   number_in(GROUP "/memory.zswap.current", ""));
	ok(!sim_number("check"), "%s: no page there changed", what);
	ok(!damaged(p, 0, LEN, HALF, SALT), "%s: contents, from the device", what);
	all_trimmed(what);
	ok(page_out(p), "%s: swapped again", what);
	munmap(p, LEN);
	all_trimmed(what);
	lost = sim_number("lost_writes");
	ok(!lost && nothing_lost(), "%s: nothing lost", what);
	name_node(-1);
}

/* A device with room for a part of it. */
static void full(void)
{
	char *p;

	remove_device();
	new_device("physical=2M");
	name_node(node);
	p = region(MAP_PRIVATE);
	ok(page_out(p), "little room: all is swapped");
	ok(cram_stat("admitted_zswap") && cram_stat("admitted_zswap") < NR && compressed() > MIB,
	   "little room: %lu pages on the device, %lu bytes compressed in software", cram_stat("admitted_zswap"), compressed());
	ok(!damaged(p, 0, LEN, HALF, SALT) && nothing_lost(), "little room: contents, nothing lost");
	munmap(p, LEN);
	name_node(-1);
	remove_device();
}

static unsigned long stored;

static bool has_room_again(void)
{
	return as_is() < stored && cram_state_is("ok");
}

/*
 * Short by 256 KiB: so much leaves, and a little more.  It is found behind others that were swapped out before
 * it, without a look at all of them under the lock of their list.
 */
static void leaves_little(void)
{
	char *before, *p, words[32];
	unsigned long looked, calls;

	new_device("physical=96M margin=1M");
	before = region(MAP_PRIVATE);
	ok(page_out(before) && !as_is(), "short: some are compressed in software");
	name_node(node);
	p = region(MAP_PRIVATE);
	ok(page_out(p) && as_is() > NR / 2, "short: %lu pages are on the device", as_is());
	stored = as_is();
	probe("zswap_list_stored");
	probe("zswap_stored_cb");
	snprintf(words, sizeof(words), "%lu", sim_number("used_bytes") + MIB - 256 * 1024);
	put(DEV "/physical_bytes", words);
	ok(within(60, has_room_again), "short: until there is room again");
	ok(stored - as_is() <= 512, "short: %lu of %lu pages leave", stored - as_is(), stored);
	calls = unprobe("zswap_list_stored");
	looked = unprobe("zswap_stored_cb");
	ok(looked > NR / 2 && looked <= 1024 * calls, "short: %lu entries are looked at, under the lock %lu times", looked, calls);
	ok(!damaged(p, 0, LEN, HALF, SALT) && !damaged(before, 0, LEN, HALF, SALT), "short: contents");
	munmap(p, LEN);
	munmap(before, LEN);
	name_node(-1);
	remove_device();
}

static void device_goes(void)
{
	char *p, text[16];

	new_device("physical=96M");
	name_node(node);
	p = region(MAP_SHARED);
	ok(page_out(p), "a device that goes: swapped");
	ok(as_is() > NR / 2, "a device that goes: %lu pages are there", as_is());
	ok(remove_device(), "a device that goes: it goes");
	ok(!as_is() && !damaged(p, 0, LEN, HALF, SALT), "a device that goes: contents");
	/* for node_free() */
	node = 1;
	find_blocks();
	ok(read_file(ZSWAP "node", text, sizeof(text)) && !strcmp(text, "-1\n"), "a device that has gone: zswap names no node");
	ok(page_out(p) && compressed() > MIB, "a device that has gone: compressed in software");
	new_device("physical=96M");
	ok(!damaged(p, 0, LEN, HALF, SALT) && page_out(p) && !as_is(),
	   "the next owner of the id gets nothing of zswap's, %lu pages", as_is());
	remove_device();
	ok(!damaged(p, 0, LEN, HALF, SALT), "a device that has gone: contents");
	munmap(p, LEN);
}

/* A cgroup that may not use the node. */
static void by_cpuset(void)
{
	char *p = region(MAP_PRIVATE);

	put(GROUP "/cpuset.mems", "0");
	name_node(1);
	ok(page_out(p) && !as_is(), "slow node: not for a cgroup without it");
	munmap(p, LEN);
	put(GROUP "/cpuset.mems", "0-1");
	name_node(-1);
}

/* What lies on the node already is compressed elsewhere: to store it there would free nothing. */
static void from_the_node(void)
{
	unsigned long before = compressed(), nodes = 2;
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munlock(p, LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	if (syscall(SYS_mbind, p, LEN, MPOL_BIND, &nodes, 64UL, 0UL))
		bail("mbind");
	fill(p, LEN, HALF, SALT);
	name_node(1);
	ok(where(p, LEN).here > NR * 9 / 10, "slow node: memory of a user of it: %lu pages", where(p, LEN).here);
	ok(page_out(p) && !as_is() && compressed() > before, "slow node: ... is not stored there, but compressed: %lu as they are",
	   as_is());
	ok(!damaged(p, 0, LEN, HALF, SALT), "slow node: ... contents");
	munmap(p, LEN);
	name_node(-1);
}

static void on_slow_node(void)
{
	unsigned long free;
	char *p;

	node = 1;
	find_blocks();
	free = node_free();
	by_cpuset();
	from_the_node();
	p = region(MAP_SHARED);
	name_node(1);
	ok(page_out(p), "slow node: swapped");
	ok(as_is() > NR * 9 / 10, "slow node: %lu of %lu pages are there", as_is(), NR);
	ok(free - node_free() >= as_is(), "slow node: its memory is used");
	enable("-demotion");
	ok(!damaged(p, 0, LEN, HALF, SALT), "slow node: closed to demotion, contents are read");
	ok(!write_file(ZSWAP "node", "1") && errno == EINVAL, "slow node: closed to demotion, it cannot be named");
	ok(page_out(p) && !as_is(), "slow node: closed to demotion, nothing comes");
	enable("+demotion");
	ok(!damaged(p, 0, LEN, HALF, SALT) && page_out(p) && as_is(), "slow node: open again");
	swapoff("/dev/zram0");
	ok(!damaged(p, 0, LEN, HALF, SALT) && !as_is(), "slow node: swapoff, contents");
	munmap(p, LEN);
	ok(node_free() == free, "slow node: all its pages came back");
	name_node(-1);
}

int main(void)
{
	group();
	put(ROOT "/cgroup.subtree_control", "+cpuset");
	if (system("modprobe zram && echo 256M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null") ||
	    swapon("/dev/zram0", 0))
		bail("swap");
	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	put(ZSWAP "enabled", "1");
	put(ZSWAP "max_pool_percent", "50");
	/* Swap is meant, and what zswap stores on the device by itself. */
	put("/sys/kernel/mm/cram/pageout", "0");
	new_device("physical=96M");
	bad_names(node);
	on_device(MAP_PRIVATE, "anonymous");
	on_device(MAP_SHARED, "shmem");
	full();
	leaves_little();
	device_goes();
	on_slow_node();
	put(ZSWAP "enabled", "0");
	ungroup();
	return done_testing();
}
