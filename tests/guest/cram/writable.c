// SPDX-License-Identifier: GPL-2.0-only
/*
 * writable: pages that are written to again and again stay, each with the credit of its worst case;
 * those that nobody touches lose the place again.
 *
 * timeout: 300
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include "cram.h"

#define LEN (2 * MIB)
#define BUDGET (1 * MIB)

static bool none_writable(void)
{
	return !cram_number("writable_used_bytes");
}

/* And seen by a reading. */
static bool is_stored(void)
{
	return cram_number("used_bytes") >= (long)BUDGET;
}

/* At addresses that were not used before: what was copied up there is remembered. */
static char *written_again(uint64_t salt)
{
	char *p = (anon(LEN), anon(LEN));

	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, EASY, salt);
	make_cold(p, LEN);
	fill(p, LEN, EASY, salt);
	ok(!where(p, LEN).here, "the first write to each copies up");
	ok(make_cold(p, LEN) == LEN / PAGE, "all are placed again");
	return p;
}

static bool all_revoked(void)
{
	return cram_stat("revoked") == BUDGET / PAGE;
}

static void granted(void)
{
	unsigned long before;
	struct where w;
	char *p;
	int i;

	put(cram_file("writable_bytes"), "1M");
	ok(cram_number("writable_bytes") == BUDGET, "writable_bytes=1M");
	p = written_again(1);
	before = cram_stat("copied_up");
	fill(p, LEN, RANDOM, 2);
	w = where(p, LEN);
	ok(w.here == BUDGET / PAGE && cram_stat("granted") == BUDGET / PAGE, "the second: %lu stay", w.here);
	ok(cram_stat("copied_up") - before == (LEN - BUDGET) / PAGE, "the others are copied up");
	ok(cram_number("writable_used_bytes") == BUDGET, "writable_used_bytes");
	for (i = 3; i < 6; i++)
		fill(p, LEN, i % 2 ? RANDOM : HALF, i);
	ok(where(p, LEN).here == BUDGET / PAGE && !damaged(p, 0, LEN, RANDOM, 5), "written again, in place");
	ok(within(20, is_stored), "and stored: %lu bytes", sim_number("used_bytes"));
	ok(cram_number("credit_bytes") <= (long)(192 * MIB - 2 * BUDGET), "each holds full credit: %ld left",
	   cram_number("credit_bytes"));
	ok(!damaged(p, 0, LEN, RANDOM, 5), "contents");
	/* Counted after the last of them has moved. */
	ok(within(120, none_writable) && within(5, all_revoked), "aged: %lu left", cram_stat("revoked"));
	ok(!where(p, LEN).here && !damaged(p, 0, LEN, RANDOM, 5), "and are in ordinary memory");
	munmap(p, LEN);
	all_trimmed("aged");
}

static int child_writes(void *arg)
{
	char *p = arg;

	fill(p, LEN, HALF, 7);
	return damaged(p, 0, LEN, HALF, 7) ? 1 : 0;
}

static void taken_back(void)
{
	char *p = written_again(6);

	fill(p, LEN, RANDOM, 6);
	ok(where(p, LEN).here == BUDGET / PAGE, "granted again");
	ok(!in_child(child_writes, p) && !damaged(p, 0, LEN, RANDOM, 6), "a child writes its own");
	fill(p, LEN, HALF, 8);
	put(cram_file("writable_bytes"), "0");
	ok(within(10, none_writable), "writable_bytes=0: at once");
	ok(!damaged(p, 0, LEN, HALF, 8), "contents");
	ok(make_cold(p, LEN) == LEN / PAGE, "all are cold");
	fill(p, LEN, HALF, 8);
	ok(!where(p, LEN).here && none_writable(), "and copied up by a write");
	munmap(p, LEN);
	all_trimmed("taken back");
}

/* No page is granted without its credit. */
static void no_credit(void)
{
	char *p, *q = anon(16 * MIB);
	unsigned long here;

	put(cram_file("writable_bytes"), "1M");
	p = written_again(9);
	put(DEV "/physical_bytes", "8M");
	madvise(q, 16 * MIB, MADV_NOHUGEPAGE);
	fill(q, 16 * MIB, RANDOM, 10);
	here = make_cold(q, 16 * MIB);
	fill(p, LEN, RANDOM, 11);
	ok(nothing_lost() && !damaged(p, 0, LEN, RANDOM, 11) && !damaged(q, 0, 16 * MIB, RANDOM, 10),
	   "full: %lu there, %ld bytes writable, nothing lost", here, cram_number("writable_used_bytes"));
	munmap(p, LEN);
	munmap(q, 16 * MIB);
	put(DEV "/physical_bytes", "192M");
	all_trimmed("full");
}

int main(void)
{
	static const char *const bad[] = { "x", "1Z", "-1", "1T" };
	size_t i;

	new_device("physical=192M");
	group();
	/* Pages that are hot would move up. */
	enable("-promotion");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(cram_file("writable_bytes"), bad[i]) && errno == EINVAL &&
		   !cram_number("writable_bytes"), "'%s' is refused", bad[i]);
	granted();
	taken_back();
	no_credit();
	ok(nothing_lost(), "no write was lost");
	ok(remove_device(), "the device goes");
	ungroup();
	return done_testing();
}
