// SPDX-License-Identifier: GPL-2.0-only
/*
 * token: no page of a device without a reservation, whoever takes it, also when it is full of holes and larger
 * pieces are wanted; nothing is admitted after a capacity event until a reading that began
 * later has come, however long that takes; a page that fails while it waits for its trim is handed out to
 * nobody, and one that is mended breaks no books.  All of it also in a kernel that clears what it gives out and
 * gets back.
 *
 * vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
 * vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1 --append "init_on_alloc=1 init_on_free=1"
 * allow: Memory failure|hardware memory corruption|[Ss]oft offline|Unpoison
 * timeout: 200
 * kernels: release coverage kcsan
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "cram.h"

#define LEN (24 * MIB)
#define RECLAIM GROUP "/memory.reclaim"
#define EVENTS 3
#define OPTIONS "physical=128M"

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
	empty_file(TRACING "trace");
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

static bool goes_on(unsigned long from, unsigned long more)
{
	int tries;

	for (tries = 0; cram_stat("admitted") < from + more; tries++) {
		if (tries == 20000)
			return false;
		usleep(1000);
	}
	return true;
}

/* A device whose readings take @ms. */
static void event_device(unsigned int ms)
{
	char words[64];

	snprintf(words, sizeof(words), OPTIONS " reading_ms=%u", ms);
	if (!remove_device())
		bail("the device does not go");
	new_device(words);
	enable("-promotion");
	put(DEV "/physical_bytes", "120M");
	if (!within(60, is_ok))
		bail("no reading");
	/* What is written to leaves, and can be placed again. */
	put(cram_file("writable_bytes"), "0");
}

/* While pages are being placed all the time the device says that it runs full, also while it is being read. */
static void test_event(unsigned int ms, size_t folio)
{
	unsigned long events, came;
	pthread_t thread;
	char what[64];
	struct story s;
	bool on = true;
	char *p;
	int i;

	snprintf(what, sizeof(what), "readings of %u ms, folios of %zu KiB", ms, folio / 1024);
	event_device(ms);
	events = cram_stat("events");
	p = anon(LEN);
	madvise(p, LEN, folio == PAGE ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	fill(p, LEN, RANDOM, 1);
	madvise(p, LEN, MADV_COLD);
	stop = false;
	trace(true);
	came = cram_stat("admitted");
	if (pthread_create(&thread, NULL, push, NULL))
		bail("thread");
	for (i = 0; i < EVENTS && on; i++) {
		on = goes_on(came, 100);
		came = cram_stat("admitted");
		/* As many as before: what counts is that it says so. */
		put(DEV "/physical_bytes", "120M");
		fill_part(p, 0, LEN, RANDOM, 2 + i);
		madvise(p, LEN, MADV_COLD);
	}
	on = on && goes_on(came, 100);
	stop = true;
	pthread_join(thread, NULL);
	s = read_trace();
	trace(false);
	ok(on, "%s: after each event it goes on", what);
	ok(s.events >= EVENTS / 2 && cram_stat("events") - events >= EVENTS && s.admitted >= 100 * (EVENTS + 1),
	   "%s: it was seen: %lu events, %lu pages admitted", what, s.events, s.admitted);
	/* One folio for each processor may be between the check and its copy. */
	ok(s.early <= 4 * s.events * (folio / PAGE),
	   "%s: pages admitted after an event and before a reading that began later: %lu", what, s.early);
	munmap(p, LEN);
	all_trimmed(what);
}

/* -- takers ------------------------------------------------------------------------------------------ */

#define LEAK "/sys/kernel/debug/private_node_leak"

/* The first call of the kernel that got a page of the device, of all that take memory; or "". */
static const char *call_that_got(void)
{
	static char text[1 << 16];
	char node_is[16], *line, *rest = text;

	snprintf(node_is, sizeof(node_is), "%d", node);
	put(LEAK "/all", node_is);
	if (!read_file(LEAK "/all", text, sizeof(text)) || !strstr(text, "alloc_contig_range pages-on-node "))
		bail("%s", LEAK);
	while ((line = strsep(&rest, "\n")) && *line)
		if (!strstr(line, " pages-on-node 0 of "))
			return line;
	return "";
}

/* Each way to a page of the device but a placement: by its owner, by name, by frame number, and by compaction. */
static void test_takers(void)
{
	unsigned long refused = counter("owner_refused "), free = node_free();
	char words[64];

	if (system("modprobe private_node_hold && modprobe private_node_leak"))
		bail("modprobe");
	snprintf(words, sizeof(words), "%d", node);
	ok(!write_file(HOLD "/take", words) && errno == ENOMEM && counter("owner_refused ") == refused + 1,
	   "takers: its owner gets no page, and that is counted: %lu", counter("owner_refused ") - refused);
	ok(!*call_that_got(), "takers: no call of the kernel gets a page, none of a range either: %s", call_that_got());
	ok(!write_file(pool_file(node, "nr_hugepages"), "4") && !pool(node), "takers: no huge page for the pool of the node: %s",
	   strerror(errno));
	snprintf(words, sizeof(words), NODE_DIR "/node%d/compact", node);
	write_file(words, "1");
	ok(node_free() == free && is_ok() && nothing_lost(), "takers: all is free as before, and the books balance");
}

/* -- holes ------------------------------------------------------------------------------------------ */

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* Huge pages of eight pages, and no others. */
static void eights_only(bool on)
{
	put(THP "enabled", on ? "never" : "always");
	put(THP "hugepages-32kB/enabled", on ? "always" : "never");
}

/* Compaction would copy residents, and find no page to copy them to. */
static void not_compacted(unsigned long scanned)
{
	ok(has_thread("kswapd") && !has_thread("kcompactd"), "holes: the node has a kswapd, and no kcompactd");
	ok(number_in("/proc/vmstat", "compact_migrate_scanned ") == scanned, "holes: nothing is compacted");
}

/* The device is full but for single pages, and folios of eight are to be placed. */
static void test_holes(void)
{
	unsigned long scanned;
	size_t len = node_number("total_bytes"), i;
	unsigned long here;
	char *p = small_pages(len), *q;
	int round;

	/* Ordinary memory is not compacted either. */
	put("/proc/sys/vm/compaction_proactiveness", "0");
	scanned = number_in("/proc/vmstat", "compact_migrate_scanned ");
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
	not_compacted(scanned);
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
	static const unsigned int ms[] = { 0, 10, 200, 1000 };
	size_t i;

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	new_device(OPTIONS);
	group();
	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
		test_event(ms[i], PAGE);
	test_event(10, PMD);
	test_takers();
	test_holes();
	ok(nothing_lost(), "nothing was lost");
	test_mended();
	test_limbo();
	return done_testing();
}
