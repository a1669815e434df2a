// SPDX-License-Identifier: GPL-2.0-only
/*
 * token: no page of a device without a reservation, whoever takes it, when it is full of holes and larger
 * pieces are wanted; nothing is admitted after a capacity event until a reading that began
 * later has come, however long that takes; a page that fails while it waits for its trim is handed out to
 * nobody.
 *
 * vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
 * allow: Memory failure|hardware memory corruption
 * timeout: 200
 * kernels: release coverage
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "cram.h"

#define LEN (24 * MIB)
#define RECLAIM GROUP "/memory.reclaim"

static char *small_pages(size_t len)
{
	char *p = anon(len);

	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

/* -- capacity events -------------------------------------------------------------------------------- */

static volatile bool stop;

static void *push(void *arg)
{
	while (!stop)
		write_file(RECLAIM, "24M swappiness=max");
	return arg;
}

/*
 * While pages are being placed all the time the device says that it runs full.  Its next reading is looked
 * for in the count of readings: the one under way does not count.
 */
static void test_event(const char *mode)
{
	unsigned long readings, admitted, late, tries = 0;
	pthread_t thread;
	char *p;

	put(DEV "/physical_bytes", "120M");
	p = small_pages(LEN);
	fill(p, LEN, RANDOM, 1);
	put(DEV "/mode", mode);
	if (!within(10, is_ok))
		bail("%s: no reading", mode);
	madvise(p, LEN, MADV_COLD);
	admitted = cram_stat("admitted");
	stop = false;
	if (pthread_create(&thread, NULL, push, NULL))
		bail("thread");
	while (cram_stat("admitted") < admitted + 200)
		usleep(100);
	/* As many as before: what counts is that it says so. */
	put(DEV "/physical_bytes", "120M");
	readings = cram_stat("readings");
	admitted = cram_stat("admitted");
	do {
		late = cram_stat("admitted");
		usleep(1000);
	} while (cram_stat("readings") == readings && tries++ < 10000);
	/* One page for each processor may be between the check and its copy. */
	ok(late - admitted <= 32, "%s: pages admitted after a capacity event and before the next reading ended: %lu", mode,
	   late - admitted);
	ok(tries < 10000 && within(10, is_ok), "%s: then it goes on", mode);
	stop = true;
	pthread_join(thread, NULL);
	munmap(p, LEN);
	put(DEV "/mode", "good");
	all_trimmed(mode);
}

/* -- holes ------------------------------------------------------------------------------------------ */

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* Huge pages of eight pages, and no others. */
static void eights_only(bool on)
{
	put(THP "enabled", on ? "never" : "always");
	put(THP "hugepages-32kB/enabled", on ? "always" : "never");
}

/* The device is full but for single pages, and folios of eight are to be placed. */
static void test_holes(void)
{
	size_t len = node_number("total_bytes"), i;
	unsigned long here;
	char *p = small_pages(len), *q;
	int round;

	put(DEV "/physical_bytes", "128M");
	fill(p, len, EASY, 2);
	here = make_cold(p, len);
	ok(here > len / PAGE * 9 / 10, "holes: %lu of %zu pages are there", here, len / PAGE);
	for (i = 0; i < len / PAGE; i += 45)
		fill_part(p, i * PAGE, PAGE, EASY, 2);
	eights_only(true);
	q = anon(4 * MIB);
	for (round = 0; round < 10; round++) {
		munmap(q, 4 * MIB);
		q = anon(4 * MIB);
		fill(q, 4 * MIB, EASY, 5);
		madvise(q, 4 * MIB, MADV_COLD);
		write_file(RECLAIM, "1M swappiness=max");
		usleep(50000);
	}
	munmap(q, 4 * MIB);
	eights_only(false);
	ok(within(10, is_ok) && nothing_lost(), "holes: the books balance, and nothing is lost");
	ok(!damaged(p, 0, len, EASY, 2), "holes: contents");
	munmap(p, len);
	all_trimmed("holes");
}

/* -- a page that fails while it waits for its trim ---------------------------------------------------- */

static void test_limbo(void)
{
	size_t i, nr = LEN / PAGE;
	unsigned long pfn, found = 0, here;
	char *p = small_pages(PAGE * 64), *q, text[32];

	fill(p, PAGE * 64, HALF, 4);
	make_cold(p, PAGE * 64);
	for (i = 0; i < 64 && !where(p + i * PAGE, PAGE).here; i++)
		;
	if (i == 64)
		bail("no page is there");
	pfn = frame_of(p + i * PAGE);
	put(DEV "/mode", "trim_late");
	/* It is copied, and the old one goes to be trimmed. */
	fill_part(p, i * PAGE, PAGE, HALF, 5);
	snprintf(text, sizeof(text), "%#lx", pfn * PAGE);
	write_file("/sys/devices/system/memory/hard_offline_page", text);
	put(DEV "/mode", "good");
	munmap(p, PAGE * 64);
	usleep(500000);
	/* More than is free otherwise, page by page. */
	q = small_pages(LEN);
	fill(q, LEN, EASY, 6);
	here = make_cold(q, LEN);
	for (i = 0; i < nr; i++)
		found += where(q + i * PAGE, PAGE).here && frame_of(q + i * PAGE) == pfn;
	ok(here && !found, "a page that failed before it was trimmed is handed out to nobody (%lu placed)", here);
	munmap(q, LEN);
	snprintf(text, sizeof(text), "%#lx", pfn);
	write_file("/sys/kernel/debug/hwpoison/unpoison-pfn", text);
}

int main(void)
{
	new_device("physical=128M");
	group();
	enable("-promotion");
	test_event("good");
	test_event("slow");
	test_holes();
	ok(nothing_lost(), "nothing was lost");
	test_limbo();
	return done_testing();
}
