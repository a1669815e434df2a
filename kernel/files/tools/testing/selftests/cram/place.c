// SPDX-License-Identifier: GPL-2.0-only
/*
 * place: reclaim puts cold memory on a compressing device; it is read there without a fault, a
 * write copies it up, and what is freed is trimmed.
 */
#define _GNU_SOURCE
#include "../private_node/check.h"
#include "cram.h"

#define LEN (64 * MIB)
#define NR (LEN / PAGE)

/* Minor faults of this process so far. */
static unsigned long faults(void)
{
	unsigned long nr;
	char buf[1024];

	if (!read_file("/proc/self/stat", buf, sizeof(buf)))
		bail("stat");
	if (sscanf(strrchr(buf, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %lu", &nr) != 1)
		bail("stat");
	return nr;
}

static volatile uint64_t sink;

static void read_all(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		sink += *(const volatile uint64_t *)(p + i);
}

static bool is_read(void)
{
	return cram_number("used_bytes") > 0 &&
	       cram_number("used_bytes") == (long)sim_number("used_bytes");
}

/* Two digits: what is resident, for what the device uses. */
static bool ratio_fits(void)
{
	long used = cram_number("used_bytes"), want, whole = -1, part = -1;
	char buf[64] = "";

	read_file(cram_file("ratio"), buf, sizeof(buf));
	want = cram_number("resident_bytes") * 100 / used;
	return sscanf(buf, "%ld.%2ld\n", &whole, &part) == 2 && whole * 100 + part == want;
}

static void placing(void)
{
	unsigned long admitted = cram_stat("admitted"), before, copied, here;
	char *p = anon(LEN);

	fill(p, LEN, HALF, 1);
	here = make_cold(p, LEN);
	ok(here > NR * 9 / 10, "cold memory is placed: %lu of %lu pages", here, NR);
	ok(cram_stat("admitted") - admitted >= here, "counted");
	read_all(p, LEN);
	before = faults();
	read_all(p, LEN);
	ok(faults() - before < 8, "read in place: %lu faults for %lu pages", faults() - before, NR);
	ok(where(p, LEN).here >= here * 99 / 100, "and stays");
	ok(!damaged(p, 0, LEN, HALF, 1), "contents");
	ok(within(60, is_read), "a reading shows what the device has: %ld bytes",
	   cram_number("used_bytes"));
	ok(cram_number("used_bytes") > 0 && cram_number("used_bytes") < (long)(here * PAGE) * 3 / 4,
	   "half of it is random: %ld bytes used for %lu", cram_number("used_bytes"), here * PAGE);

	ok(within(10, ratio_fits), "ratio: %ld bytes resident for %ld used",
	   cram_number("resident_bytes"), cram_number("used_bytes"));
	copied = cram_stat("copied_up");
	here = where(p, LEN / 4).here;
	fill(p, LEN / 4, EASY, 2);
	ok(!where(p, LEN / 4).here && cram_stat("copied_up") - copied == here,
	   "a write copies up: %lu of %lu", cram_stat("copied_up") - copied, here);
	ok(!damaged(p, 0, LEN / 4, EASY, 2) && !damaged(p, LEN / 4, LEN * 3 / 4, HALF, 1),
	   "contents after that");
	munmap(p, LEN);
	all_trimmed("freed");
	ok(cram_number("ratio") == 0 && !sim_number("used_bytes"), "nothing is stored");
	ok(nothing_lost(), "no write was lost, no page was written to");
}

static int child_writes(void *arg)
{
	char *p = arg;

	if (damaged(p, 0, 4 * MIB, HALF, 3))
		return 1;
	fill(p, 4 * MIB, HALF, 4);
	return damaged(p, 0, 4 * MIB, HALF, 4) ? 2 : 0;
}

static void forking(void)
{
	char *p = anon(4 * MIB);
	unsigned long here;

	fill(p, 4 * MIB, HALF, 3);
	here = make_cold(p, 4 * MIB);
	ok(here, "fork: %lu pages are there", here);
	ok(in_child(child_writes, p) == 0, "a child reads them, and writes its own");
	ok(where(p, 4 * MIB).here == here && !damaged(p, 0, 4 * MIB, HALF, 3), "the parent's stay");
	munmap(p, 4 * MIB);
}

static void huge(void)
{
	unsigned long here, before;
	char *p = anon(4 * PMD);

	madvise(p, 4 * PMD, MADV_HUGEPAGE);
	fill(p, 4 * PMD, HALF, 5);
	here = make_cold(p, 4 * PMD);
	ok(here == 4 * PMD / PAGE, "huge pages: all %lu are there", here);
	before = cram_stat("copied_up");
	p[PMD + 5 * PAGE] = 1;
	ok(where(p, 4 * PMD).here == here - 1 && cram_stat("copied_up") == before + 1,
	   "a write to one copies a small page: %lu of %lu stay, %lu copied",
	   where(p, 4 * PMD).here, here, cram_stat("copied_up") - before);
	ok(!damaged(p, 0, PMD, HALF, 5) && !damaged(p, 2 * PMD, 2 * PMD, HALF, 5), "contents");
	munmap(p, 4 * PMD);
	all_trimmed("huge pages");
	ok(nothing_lost(), "no write was lost, no page was written to");
}

static void closing(void)
{
	unsigned long admitted;
	char *p = anon(LEN);

	fill(p, LEN, HALF, 6);
	put("/sys/kernel/mm/cram/anon", "0");
	admitted = cram_stat("admitted");
	ok(!make_cold(p, LEN) && cram_stat("admitted") == admitted, "anon=0: nothing is admitted");
	put("/sys/kernel/mm/cram/anon", "1");
	ok(make_cold(p, LEN) > NR * 9 / 10, "anon=1: again");
	ok(remove_device(), "the device goes under load");
	ok(!damaged(p, 0, LEN, HALF, 6), "contents");
	munmap(p, LEN);
}

#define PLACE_TEST(what)							\
	TEST_F_TIMEOUT(place, what, LONG_TEST)					\
	{									\
		/* Writes copy. */						\
		put(cram_file("writable_bytes"), "0");				\
		/* On a slow machine what was read is hot by the time that it is counted. */ \
		enable("-promotion");						\
		what();								\
	}

DEVICE_FIXTURE(place, "physical=192M")

PLACE_TEST(placing)
PLACE_TEST(forking)
PLACE_TEST(huge)
PLACE_TEST(closing)

TEST_HARNESS_MAIN
