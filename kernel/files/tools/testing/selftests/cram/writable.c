// SPDX-License-Identifier: GPL-2.0-only
/*
 * writable: the first write to a resident is granted where it is, without a copy, while there is
 * credit for its worst case; what nobody touches is protected again where it is, and its credit
 * comes back.
 */
#define _GNU_SOURCE
#include "../private_node/check.h"
#include "cram.h"

#define LEN (2 * MIB)
#define BUDGET (1 * MIB)
#define PHYSICAL (192 * MIB)
/* Pages of a large folio that one fault makes writable. */
#define AROUND 16

static long credit_before;

static bool none_writable(void)
{
	return !cram_number("writable_used_bytes");
}

static bool budget_used(void)
{
	return cram_number("writable_used_bytes") == BUDGET;
}

/* And seen by a reading. */
static bool is_stored(void)
{
	return cram_number("used_bytes") >= (long)LEN * 98 / 100;
}

static bool credit_is_back(void)
{
	return cram_number("credit_bytes") > credit_before - (long)LEN / 4;
}

static char *placed(size_t len, int advice, uint64_t salt)
{
	char *p = anon(len);

	madvise(p, len, advice);
	fill(p, len, EASY, salt);
	if (make_cold(p, len) != len / PAGE)
		bail("not all of it was placed");
	/* What lies in a list of another processor just now counts as held. */
	node_free();
	return p;
}

/* A page at which the kernel just looks is copied when it is written to. */
static bool most_here(char *p, size_t len)
{
	return where(p, len).here >= len / PAGE * 98 / 100;
}

/* What the kernel did since the first call. */
struct seen {
	unsigned long copied, granted, revoked, admitted;
};

static struct seen since(struct seen from)
{
	return (struct seen){
		.copied = cram_stat("copied_up") - from.copied,
		.granted = cram_stat("granted") - from.granted,
		.revoked = cram_stat("revoked") - from.revoked,
		.admitted = cram_stat("admitted") - from.admitted,
	};
}

static void settings(void)
{
	static const char *const bad[] = { "x", "1Z", "-1", "1T", "default1", " " };
	long share = cram_number("writable_bytes");
	size_t i;

	ok(share > (long)PHYSICAL / 4 && share <= (long)PHYSICAL / 2,
	   "by default half of what the device has: %ld bytes", share);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(cram_file("writable_bytes"), bad[i]) && errno == EINVAL &&
		   cram_number("writable_bytes") == share, "'%s' is refused", bad[i]);
	put(cram_file("writable_bytes"), "1M");
	ok(cram_number("writable_bytes") == BUDGET, "writable_bytes=1M");
	put(cram_file("writable_bytes"), "default");
	ok(cram_number("writable_bytes") == share, "writable_bytes=default");
}

static void in_place(void)
{
	char *p = placed(LEN, MADV_NOHUGEPAGE, 1);
	struct seen s;
	int i;

	s = since((struct seen){});
	credit_before = cram_number("credit_bytes");
	fill(p, LEN, RANDOM, 2);
	ok(most_here(p, LEN) && since(s).copied + since(s).granted == LEN / PAGE &&
	   !since(s).admitted,
	   "the first write: all stay, %lu granted, %lu copied", since(s).granted, since(s).copied);
	ok(cram_number("writable_used_bytes") == (long)(since(s).granted * PAGE),
	   "writable_used_bytes");
	ok(credit_before - cram_number("credit_bytes") >= (long)(since(s).granted * PAGE),
	   "each holds full credit: %ld, %ld before", cram_number("credit_bytes"), credit_before);
	for (i = 3; i < 6; i++)
		fill(p, LEN, i % 2 ? RANDOM : HALF, i);
	ok(most_here(p, LEN) && !damaged(p, 0, LEN, RANDOM, 5), "written again, in place");
	ok(within(60, is_stored), "and stored: %lu bytes", sim_number("used_bytes"));
	fill(p, LEN, EASY, 6);
	ok(within(120, none_writable) && since(s).revoked >= LEN / PAGE * 98 / 100,
	   "nobody writes: none is writable, %lu ended", since(s).revoked);
	ok(most_here(p, LEN) && !damaged(p, 0, LEN, EASY, 6), "and they are where they were");
	ok(within(60, credit_is_back), "the credit is back: %ld, %ld before",
	   cram_number("credit_bytes"), credit_before);
	s = since((struct seen){});
	fill(p, LEN, HALF, 7);
	ok(most_here(p, LEN) && since(s).granted >= LEN / PAGE * 95 / 100,
	   "the next write is granted again");
	munmap(p, LEN);
	all_trimmed("in place");
	ok(none_writable(), "freed: none is writable");
}

/* 512 pages in one folio: a write makes some of them writable, and leaves the folio whole. */
static void large(void)
{
	char *p = placed(PMD, MADV_HUGEPAGE, 1);
	struct seen s = since((struct seen){});
	long faults;

	fill_part(p, 40 * PAGE, PAGE, EASY, 2);
	ok(all_here(p, PMD) && since(s).granted == AROUND && !since(s).copied,
	   "a write to a large resident: %lu pages granted, %lu copied", since(s).granted,
	   since(s).copied);
	faults = minor_faults();
	fill(p, PMD, HALF, 3);
	faults = minor_faults() - faults;
	ok(all_here(p, PMD) && since(s).granted == PMD / PAGE && !since(s).copied &&
	   faults <= (long)(2 * PMD / PAGE / AROUND),
	   "all of it: %lu granted, %lu copied, %ld faults", since(s).granted, since(s).copied,
	   faults);
	ok(within(120, none_writable) && all_here(p, PMD) && !damaged(p, 0, PMD, HALF, 3),
	   "it is protected again where it is");
	s = since((struct seen){});
	mprotect(p, PMD, PROT_READ);
	mprotect(p, PMD, PROT_READ | PROT_WRITE);
	fill(p, PMD, RANDOM, 4);
	/*
	 * A look at the folio, by the scan or by ageing, holds all of it for as long as it takes.
	 */
	ok(since(s).granted + since(s).copied == PMD / PAGE && since(s).granted > PMD / PAGE / 2,
	   "after mprotect() to and fro: %lu granted, %lu copied", since(s).granted,
	   since(s).copied);
	munmap(p, PMD);
	all_trimmed("large");
}

static void budget(void)
{
	struct seen s;
	char *p;

	put(cram_file("writable_bytes"), "1M");
	p = placed(LEN, MADV_NOHUGEPAGE, 1);
	s = since((struct seen){});
	fill(p, LEN, HALF, 2);
	ok(where(p, LEN).here == BUDGET / PAGE && since(s).granted == BUDGET / PAGE &&
	   since(s).copied == (LEN - BUDGET) / PAGE,
	   "writable_bytes=1M: %lu stay, %lu are copied up", since(s).granted, since(s).copied);
	ok(budget_used(), "and no more than that is writable");
	put(cram_file("writable_bytes"), "0");
	ok(within(60, none_writable) && where(p, LEN).here == BUDGET / PAGE &&
	   !damaged(p, 0, LEN, HALF, 2),
	   "writable_bytes=0: at once, and they stay");
	make_cold(p, LEN);
	s = since((struct seen){});
	fill(p, LEN, HALF, 3);
	ok(!where(p, LEN).here && !since(s).granted && none_writable(), "then a write copies up");
	munmap(p, LEN);
	put(cram_file("writable_bytes"), "default");
	all_trimmed("budget");
}

/* No page is granted without its credit. */
static void no_credit(void)
{
	char *p = placed(LEN, MADV_NOHUGEPAGE, 9), *q = anon(16 * MIB);
	struct seen s;
	unsigned long here;

	put(DEV "/physical_bytes", "8M");
	if (!within(60, is_ok))
		bail("no reading");
	madvise(q, 16 * MIB, MADV_NOHUGEPAGE);
	fill(q, 16 * MIB, RANDOM, 10);
	here = make_cold(q, 16 * MIB);
	s = since((struct seen){});
	fill(p, LEN, RANDOM, 11);
	ok(nothing_lost() && !damaged(p, 0, LEN, RANDOM, 11) &&
	   !damaged(q, 0, 16 * MIB, RANDOM, 10),
	   "full: %lu there, %ld bytes writable, nothing lost", here,
	   cram_number("writable_used_bytes"));
	ok(since(s).copied > 0, "full: %lu are copied up", since(s).copied);
	munmap(p, LEN);
	munmap(q, 16 * MIB);
	put(DEV "/physical_bytes", "192M");
	all_trimmed("full");
}

/* Pages that are hot would move up. */
#define WRITE_TEST(what)							\
	TEST_F_TIMEOUT(writable, what, LONG_TEST)				\
	{									\
		enable("-promotion");						\
		what();								\
		ok(nothing_lost(), #what ": no write was lost");		\
	}

DEVICE_FIXTURE(writable, "physical=192M")

WRITE_TEST(settings)
WRITE_TEST(in_place)
WRITE_TEST(large)
WRITE_TEST(budget)
WRITE_TEST(no_credit)

TEST_HARNESS_MAIN
