// SPDX-License-Identifier: GPL-2.0-only
/*
 * modes: a device never has to drop a page: what it may not be able to store is refused, nothing
 * enters while it says nothing, and when it loses memory its residents leave.
 */
#define _GNU_SOURCE
#include "../private_node/check.h"
#include "cram.h"

#define PHYSICAL (6 * MIB)
#define LEN (18 * MIB)
#define OPTIONS "physical=6M lag_ms=40 margin=64K"

static char *p;
static long empty_credit;		/* of the device as it came */

/* All that was trimmed has been read as free; a page may still be in a list of a processor. */
static bool is_whole(void)
{
	node_free();
	return cram_state_is("ok") && cram_number("credit_bytes") >= empty_credit;
}

static void mode(const char *words)
{
	put(DEV "/mode", words);
}

/* Memory comes and goes, is written to again, and is never lost. */
static void churn(const char *what)
{
	unsigned long admitted = cram_stat("admitted"), peak = 0, used, here = 0;
	size_t i;

	p = anon(LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, RANDOM, 8);
	for (i = 0; i < 3; i++) {
		here = make_cold(p, LEN);
		used = sim_number("used_bytes");
		peak = used > peak ? used : peak;
		fill_part(p, i * 4 * MIB, 4 * MIB, HALF, 8);
		fill_part(p, i * 4 * MIB, 4 * MIB, RANDOM, 8);
	}
	ok(!damaged(p, 0, LEN, RANDOM, 8), "%s: contents", what);
	ok(nothing_lost(), "%s: no write was lost", what);
	printf("# %s: %lu admitted, %lu there, peak %lu of %lu; refused: %lu credit, %lu state\n",
	       what, cram_stat("admitted") - admitted, here, peak, PHYSICAL,
	       cram_stat("refused_credit"), cram_stat("refused_state"));
	munmap(p, LEN);
}

static unsigned long admitted_by(const char *words, const char *what)
{
	unsigned long before = cram_stat("admitted");

	mode(words);
	churn(what);
	mode("good");
	all_trimmed(what);
	ok(within(60, is_whole), "%s: admits as much again", what);
	return cram_stat("admitted") - before;
}

static unsigned long refused_pages(void)
{
	/* A device that fills up raises events, and each holds all up until it was read again. */
	return cram_stat("refused_credit") + cram_stat("refused_state");
}

/* Data that does not compress, for three times what the device has: it takes what it can store. */
static void no_room(void)
{
	unsigned long refused = refused_pages();

	ok(admitted_by("good", "no room") > PHYSICAL / PAGE / 4,
	   "no room: some pages were admitted");
	ok(refused_pages() > refused, "no room: %lu were refused", refused_pages() - refused);
}

static bool is_silent(void)
{
	return cram_state_is("silent");
}

static void silent(void)
{
	unsigned long here, admitted;
	char *q;

	p = anon(4 * MIB);
	fill(p, 4 * MIB, RANDOM, 9);
	here = make_cold(p, 4 * MIB);
	mode("silent");
	ok(within(60, is_silent), "silent: seen");
	admitted = cram_stat("admitted");
	q = anon(4 * MIB);
	fill(q, 4 * MIB, RANDOM, 10);
	ok(!make_cold(q, 4 * MIB) && cram_stat("admitted") == admitted, "silent: nothing enters");
	ok(here && where(p, 4 * MIB).here == here && !damaged(p, 0, 4 * MIB, RANDOM, 9),
	   "silent: residents stay readable: %lu", here);
	mode("good");
	ok(within(60, is_ok), "silent: over");
	munmap(p, 4 * MIB);
	munmap(q, 4 * MIB);
	all_trimmed("silent");
	ok(within(60, is_whole), "silent: admits as much again");
}

static bool nobody_is_there(void)
{
	return !cram_number("resident_bytes");
}

/* The device loses half of what it has: residents leave until all promises can be kept. */
static void shrinking(void)
{
	unsigned long here;

	p = anon(5 * MIB);
	fill(p, 5 * MIB, RANDOM, 11);
	here = make_cold(p, 5 * MIB);
	ok(here * PAGE > 3 * MIB, "shrink: %lu pages are there", here);
	put(DEV "/physical_bytes", "3M");
	ok(within(60, nobody_is_there), "shrink below use: residents leave");
	ok(cram_state_is("broken"), "and it counts as broken");
	ok(!damaged(p, 0, 5 * MIB, RANDOM, 11), "contents");
	munmap(p, 5 * MIB);
	put(DEV "/physical_bytes", "6M");
	ok(!write_file(cram_file("state"), "short") && errno == EINVAL,
	   "state takes no other word");
	put(cram_file("state"), "ok");
	ok(within(60, is_whole), "an administrator says ok");
	ok(!write_file(cram_file("state"), "ok") && errno == EINVAL, "only then");
}

#define MODE_TEST(what)								\
	TEST_F_TIMEOUT(modes, what, LONG_TEST)					\
	{									\
		empty_credit = cram_number("credit_bytes");			\
		what();								\
	}

DEVICE_FIXTURE(modes, OPTIONS)

MODE_TEST(no_room)
MODE_TEST(silent)
MODE_TEST(shrinking)

TEST_HARNESS_MAIN
