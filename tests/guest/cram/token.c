// SPDX-License-Identifier: GPL-2.0-only
/*
 * token: no page of a device without a reservation, whoever takes it, when it is full of holes and larger
 * pieces are wanted; nothing is admitted after a capacity event until a reading that began
 * later has come, however long that takes; a page that fails while it waits for its trim is handed out to
 * nobody, and one that is mended breaks no books.
 *
 * vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
 * allow: Memory failure|hardware memory corruption|[Ss]oft offline|Unpoison
 * timeout: 200
 * kernels: release coverage kcsan
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "cram.h"

#define LEN (24 * MIB)
#define RECLAIM GROUP "/memory.reclaim"
#define EVENTS 5

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

#define TRACING "/sys/kernel/tracing/"

static void trace(bool on)
{
	mount("none", TRACING, "tracefs", 0, NULL);
	put(TRACING "tracing_on", "0");
	put(TRACING "trace", "");
	/* One order for all processors. */
	put(TRACING "trace_clock", "counter");
	put(TRACING "buffer_size_kb", on ? "8192" : "64");
	put(TRACING "events/cram/cram_event/enable", on ? "1" : "0");
	put(TRACING "events/cram/cram_reading/enable", on ? "1" : "0");
	put(TRACING "events/cram/cram_admitted/enable", on ? "1" : "0");
	put(TRACING "tracing_on", on ? "1" : "0");
}

static unsigned long word(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	if (!p)
		bail("no %s in %s", name, line);
	return strtoul(p + strlen(name), NULL, 10);
}

/* What the trace shows: after an event come pages, before a reading that began later has come. */
struct story {
	unsigned long events;
	unsigned long early;
	unsigned long admitted;
};

static struct story read_trace(void)
{
	FILE *f = fopen(TRACING "trace", "r");
	unsigned long event = 0;
	bool waits = false;
	struct story s = {};
	char line[512];

	if (!f)
		bail("trace");
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "LOST"))
			bail("the buffer of the trace is too small");
		if (strstr(line, " cram_event: ")) {
			event = word(line, " event=");
			waits = true;
			s.events++;
		} else if (strstr(line, " cram_reading: ")) {
			waits &= word(line, " event=") < event;
		} else if (strstr(line, " cram_admitted: ")) {
			s.admitted += word(line, " pages=");
			s.early += waits ? word(line, " pages=") : 0;
		}
	}
	fclose(f);
	return s;
}

static bool goes_on(unsigned long more)
{
	unsigned long from = cram_stat("admitted");
	int tries;

	for (tries = 0; cram_stat("admitted") < from + more; tries++) {
		if (tries == 20000)
			return false;
		usleep(1000);
	}
	return true;
}

/*
 * While pages are being placed all the time the device says that it runs full; a reading takes no time,
 * or some, and another may be under way.
 */
static void test_event(const char *mode)
{
	unsigned long events = cram_stat("events");
	pthread_t thread;
	struct story s;
	bool on = true;
	char *p;
	int i;

	put(DEV "/physical_bytes", "120M");
	p = small_pages(LEN);
	fill(p, LEN, RANDOM, 1);
	put(DEV "/mode", mode);
	if (!within(60, is_ok))
		bail("%s: no reading", mode);
	madvise(p, LEN, MADV_COLD);
	stop = false;
	trace(true);
	if (pthread_create(&thread, NULL, push, NULL))
		bail("thread");
	for (i = 0; i < EVENTS && on; i++) {
		on = goes_on(100);
		/* As many as before: what counts is that it says so. */
		put(DEV "/physical_bytes", "120M");
		fill_part(p, 0, LEN, RANDOM, 2 + i);
		madvise(p, LEN, MADV_COLD);
	}
	on = on && goes_on(100);
	stop = true;
	pthread_join(thread, NULL);
	s = read_trace();
	trace(false);
	ok(on, "%s: after each event it goes on", mode);
	ok(s.events >= EVENTS / 2 && cram_stat("events") - events >= EVENTS && s.admitted >= 100 * (EVENTS + 1),
	   "%s: it was seen: %lu events, %lu pages admitted", mode, s.events, s.admitted);
	/* One page for each processor may be between the check and its copy. */
	ok(s.early <= 4 * s.events, "%s: pages admitted after an event and before a reading that began later: %lu", mode,
	   s.early);
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
	ok(within(60, is_ok) && nothing_lost(), "holes: the books balance, and nothing is lost");
	ok(!damaged(p, 0, len, EASY, 2), "holes: contents");
	munmap(p, len);
	all_trimmed("holes");
}

/* -- a page that fails while it waits for its trim ---------------------------------------------------- */

/* Whether it can be had back depends on the kernel's configuration. */
static bool only_that_one(void)
{
	node_free();
	return cram_number("resident_bytes") <= (long)PAGE && !cram_number("untrimmed_bytes");
}

/* Fills 64 pages at @p and has them placed; the number of one that is there. */
static size_t one_resident(char *p)
{
	size_t i;

	fill(p, PAGE * 64, HALF, 4);
	make_cold(p, PAGE * 64);
	for (i = 0; i < 64 && !where(p + i * PAGE, PAGE).here; i++)
		;
	if (i == 64)
		bail("no page is there");
	return i;
}

static bool all_free(void)
{
	return only_that_one() && !cram_number("resident_bytes");
}

static void test_limbo(void)
{
	size_t i, nr = LEN / PAGE;
	unsigned long pfn, found = 0, here;
	char *p = small_pages(PAGE * 64), *q, text[32];

	i = one_resident(p);
	pfn = frame_of(p + i * PAGE);
	put(DEV "/mode", "trim_late");
	/* It is copied, and the old one goes to be trimmed. */
	fill_part(p, i * PAGE, PAGE, HALF, 5);
	snprintf(text, sizeof(text), "%#lx", pfn * PAGE);
	write_file("/sys/devices/system/memory/hard_offline_page", text);
	put(DEV "/mode", "good");
	munmap(p, PAGE * 64);
	if (!within(60, only_that_one))
		bail("not trimmed");
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
	ok(within(60, only_that_one), "and it is the only one that is not free: %ld bytes resident", cram_number("resident_bytes"));
}

/* A resident is taken out of use and mended: the books still balance, and its free is seen. */
static void test_mended(void)
{
	char *p = small_pages(PAGE * 64), text[32];
	unsigned long pfn;
	size_t i;

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (system("modprobe hwpoison_inject") || access("/sys/kernel/debug/hwpoison/unpoison-pfn", W_OK))
		bail("hwpoison_inject");
	i = one_resident(p);
	pfn = frame_of(p + i * PAGE);
	snprintf(text, sizeof(text), "%#lx", pfn * PAGE);
	write_file("/sys/devices/system/memory/soft_offline_page", text);
	ok(!where(p + i * PAGE, PAGE).here && !damaged(p, 0, PAGE * 64, HALF, 4),
	   "a resident is taken out of use: its data moves");
	snprintf(text, sizeof(text), "%#lx", pfn);
	write_file("/sys/kernel/debug/hwpoison/unpoison-pfn", text);
	munmap(p, PAGE * 64);
	ok(within(60, all_free) && cram_state_is("ok"),
	   "and is mended: the device is fine, %ld bytes resident", cram_number("resident_bytes"));
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
	test_mended();
	test_limbo();
	return done_testing();
}
