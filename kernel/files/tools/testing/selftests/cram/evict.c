// SPDX-License-Identifier: GPL-2.0-only
/*
 * evict: what is hot leaves a device, and what is colder than the rest goes to swap.
 */
#define _GNU_SOURCE
#include <sys/swap.h>

#include "../private_node/check.h"
#include "cram.h"

#define LEN (16 * MIB)

static char *p;
static size_t cold_pages;

static char *placed(uint64_t salt, enum pattern kind)
{
	char *q = anon(LEN);

	madvise(q, LEN, MADV_NOHUGEPAGE);
	fill(q, LEN, kind, salt);
	cold_pages = make_cold(q, LEN);
	return q;
}

static bool one_left(void)
{
	return where(p, LEN).here == cold_pages - 1;
}

/* Here as well as below: what moved is counted after the last of it has. */
static bool one_counted(void)
{
	return cram_stat("promoted") == 1;
}

static void hot(void)
{
	static const char *const bad[] = { "0", "x", "-1", "0xffffffffffffff" };
	char frame[32];
	size_t i;

	p = placed(1, HALF);
	snprintf(frame, sizeof(frame), "%lu", frame_of(p + 5 * PAGE));
	put(DEV "/hot", frame);
	ok(within(60, one_left) && !where(p + 5 * PAGE, PAGE).here,
	   "the device finds a page hot: it moves up");
	ok(within(60, one_counted), "counted");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(DEV "/hot", bad[i]) && errno == EINVAL, "hot: '%s' is refused",
		   bad[i]);
	ok(!damaged(p, 0, LEN, HALF, 1), "contents");
	munmap(p, LEN);
	all_trimmed("hot");
}

static void swapped(void)
{
	unsigned long before;
	char path[64];

	/* Before there is swap: a cgroup that has to shrink goes on to it. */
	p = placed(2, HALF);
	zram_on("256M");
	before = where(p, LEN).here;
	snprintf(path, sizeof(path), NODE_DIR "/node%d/reclaim", node);
	/* A few pages may be missing in the end. */
	if (!write_file(path, "8M swappiness=max") && errno != EAGAIN)
		bail("%s", path);
	ok(before && where(p, LEN).here <= before - 4 * MIB / PAGE,
	   "reclaim of the node: %lu of %lu pages are left", where(p, LEN).here, before);
	ok(!damaged(p, 0, LEN, HALF, 2), "contents come back");
	if (swapoff("/dev/zram0"))
		bail("swapoff");
	zram_off();
	ok(!damaged(p, 0, LEN, HALF, 2), "and without swap");
	munmap(p, LEN);
	all_trimmed("swapped");
}

#define EVICT_TEST(what)							\
	TEST_F_TIMEOUT(evict, what, LONG_TEST)					\
	{									\
		what();								\
		ok(nothing_lost(), #what ": no write was lost");		\
	}

DEVICE_FIXTURE(evict, "physical=192M")

EVICT_TEST(hot)
EVICT_TEST(swapped)

TEST_HARNESS_MAIN
