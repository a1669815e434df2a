// SPDX-License-Identifier: GPL-2.0-only
/*
 * thrash: a page that is wanted back too soon is a refault, counted and memory pressure; one that came back
 * twice waits in ordinary memory, as long as reclaim finds others; and what is written page by page in a
 * large resident is copied in parts.
 *
 * Too soon: fewer pages of the cgroup were placed after it than the cgroup has in ordinary memory.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "cram.h"

#define LEN (4 * MIB)
#define NR (LEN / PAGE)
/* What the cgroup always has in ordinary memory. */
#define STAYS (16 * MIB)
/* More than that. */
#define MANY (48 * MIB)
#define THP "/sys/kernel/mm/transparent_hugepage"
/* Pages of a large folio that one fault copies. */
#define AROUND 16

static unsigned long in_group(const char *name)
{
	return number_in(GROUP "/memory.stat", name);
}

/* Microseconds that some of the cgroup stood still for lack of memory. */
static unsigned long stalled(void)
{
	char buf[256] = "", *total;

	if (!read_file(GROUP "/memory.pressure", buf, sizeof(buf)))
		bail("memory.pressure");
	total = strstr(buf, "total=");
	return total ? strtoul(total + 6, NULL, 10) : 0;
}

static unsigned long stalled_before;

/* Pressure is added up every two seconds. */
static bool stalls_added_up(void)
{
	unsigned long before = stalled_before;

	stalled_before = stalled();
	usleep(2500000);	/* time: that of pressure */
	return stalled() == before;
}

static bool stalled_more(void)
{
	return stalled() > stalled_before;
}

static char *filled(size_t len, int advice)
{
	char *p = anon(len);

	madvise(p, len, advice);
	fill(p, len, EASY, 1);
	return p;
}

/* Its addresses are not used again: who comes there would be taken for who was there. */
static void give_back(char *p, size_t len)
{
	madvise(p, len, MADV_DONTNEED);
}

static void place(char *p, size_t len)
{
	if (make_cold(p, len) < len / PAGE * 95 / 100)
		bail("only %lu pages were placed", where(p, len).here);
	/* What lies in a list of another processor just now counts as held. */
	node_free();
}

/* The clock of the cgroup goes on by more than it has in ordinary memory. */
static void place_many(void)
{
	char *p = filled(MANY, MADV_NOHUGEPAGE);

	place(p, MANY);
	give_back(p, MANY);
}

/* Twice placed and written to at once. */
static void comes_back_twice(char *p)
{
	place(p, LEN);
	fill(p, LEN, EASY, 2);
	place(p, LEN);
	fill(p, LEN, EASY, 3);
}

static void counted(void)
{
	char *p = filled(LEN, MADV_NOHUGEPAGE), *q = filled(LEN, MADV_NOHUGEPAGE);
	unsigned long refaulted = cram_stat("refaulted"), here;

	place(p, LEN);
	here = where(p, LEN).here;
	damaged(p, 0, LEN, EASY, 1);
	ok(cram_stat("refaulted") == refaulted && where(p, LEN).here == here, "reading where they are is no refault");
	if (!within(60, stalls_added_up))
		bail("the pressure of reclaim does not end");
	fill(p, LEN, EASY, 2);
	ok(cram_stat("refaulted") - refaulted == here, "written soon: %lu of %lu are refaults",
	   cram_stat("refaulted") - refaulted, here);
	ok(in_group("cram_refault ") == cram_stat("refaulted"), "and of the cgroup: %lu", in_group("cram_refault "));
	ok(within(60, stalled_more), "and memory pressure: %lu us, %lu before", stalled(), stalled_before);
	refaulted = cram_stat("refaulted");
	place(q, LEN);
	place_many();
	here = where(q, LEN).here;
	fill(q, LEN, EASY, 2);
	ok(here && !where(q, LEN).here && cram_stat("refaulted") == refaulted, "written late: %lu copied up, %lu are refaults",
	   here, cram_stat("refaulted") - refaulted);
	give_back(p, LEN);
	give_back(q, LEN);
}

/* @p came back twice, @q did not; both are as cold. */
static void waits(const char *lru)
{
	char *p = filled(LEN, MADV_NOHUGEPAGE), *q;
	unsigned long waited = cram_stat("waited"), p_here = 0, q_here = 0;
	int i;

	comes_back_twice(p);
	q = filled(LEN, MADV_NOHUGEPAGE);
	for (i = 0; i < 20 && q_here < NR / 2; i++) {
		madvise(p, LEN, MADV_COLD);
		madvise(q, LEN, MADV_COLD);
		write_file(GROUP "/memory.reclaim", "512K swappiness=max");
		p_here = where(p, LEN).here;
		q_here = where(q, LEN).here;
	}
	ok(q_here >= NR / 2 && p_here <= NR / 10, "%s: what came back twice waits: %lu of it placed, %lu of what did not", lru, p_here,
	   q_here);
	give_back(q, LEN);
	p_here = make_cold(p, LEN);
	ok(p_here > NR / 4, "%s: it is placed when there is nothing else: %lu", lru, p_here);
	ok(cram_stat("waited") > waited && in_group("cram_wait ") == cram_stat("waited"), "%s: counted: %lu, of the cgroup %lu", lru,
	   cram_stat("waited") - waited, in_group("cram_wait "));
	fill(p, LEN, EASY, 4);
	give_back(p, LEN);
}

static void wait_ends(void)
{
	char *p = filled(LEN, MADV_NOHUGEPAGE);
	unsigned long waited;

	comes_back_twice(p);
	place_many();
	waited = cram_stat("waited");
	place(p, LEN);
	ok(cram_stat("waited") == waited, "the wait ends: %lu placed, %lu waited", where(p, LEN).here, cram_stat("waited") - waited);
	give_back(p, LEN);
}

/* Who asks for it is not made to wait. */
static void asked(void)
{
	char *p = filled(LEN, MADV_NOHUGEPAGE);

	comes_back_twice(p);
	node_free();
	madvise(p, LEN, MADV_PAGEOUT);
	ok(where(p, LEN).here >= NR * 95 / 100, "MADV_PAGEOUT: %lu placed", where(p, LEN).here);
	give_back(p, LEN);
}

static unsigned long refaulted_before;

static bool some_refaulted(void)
{
	return cram_stat("refaulted") > refaulted_before;
}

static void *reads(void *arg)
{
	volatile bool *stop = ((void **)arg)[1];
	char *p = ((void **)arg)[0];

	while (!*stop) {
		damaged(p, 0, LEN, EASY, 1);
		usleep(10000);
	}
	return NULL;
}

static void promoted(void)
{
	char *p = filled(LEN, MADV_NOHUGEPAGE);
	volatile bool stop = false;
	void *arg[] = { p, (void *)&stop };
	pthread_t reader;
	bool found;

	place(p, LEN);
	refaulted_before = cram_stat("refaulted");
	put(node_file("enabled"), "+promotion");
	pthread_create(&reader, NULL, reads, arg);
	found = within(120, some_refaulted);
	ok(found, "found hot and promoted: %lu refaults", cram_stat("refaulted") - refaulted_before);
	stop = true;
	pthread_join(reader, NULL);
	put(node_file("enabled"), "-promotion");
	give_back(p, LEN);
}

static void in_parts(void)
{
	char *p = filled(PMD, MADV_HUGEPAGE);
	unsigned long copied = cram_stat("copied_up");
	long faults;
	size_t i;

	place(p, PMD);
	faults = minor_faults();
	fill(p, PMD / 2, HALF, 2);
	faults = minor_faults() - faults;
	ok(cram_stat("copied_up") - copied == PMD / PAGE / 2 && faults <= (long)(3 * PMD / 2 / PAGE / AROUND),
	   "one after the other: %lu pages are copied in %ld faults", cram_stat("copied_up") - copied, faults);
	ok(where(p + PMD / 2, PMD / 2).here == PMD / PAGE / 2, "and no other");
	copied = cram_stat("copied_up");
	for (i = PMD / 2; i < PMD; i += AROUND * PAGE)
		fill_part(p, i + PAGE, PAGE, HALF, 2);
	ok(cram_stat("copied_up") - copied == PMD / PAGE / 2 / AROUND, "here and there: only what is written to, %lu",
	   cram_stat("copied_up") - copied);
	ok(!damaged(p, 0, PMD / 2, HALF, 2), "all is there");
	give_back(p, PMD);
}

/* A resident before it, to which nobody wrote, is no copy. */
static void not_in_order(void)
{
	unsigned long copied;
	char *p;

	put(THP "/enabled", "never");
	put(THP "/hugepages-64kB/enabled", "always");
	p = filled(PMD, MADV_NORMAL);
	place(p, PMD);
	copied = cram_stat("copied_up");
	p[AROUND * PAGE] = 1;
	ok(cram_stat("copied_up") - copied == 1, "the first page of a resident: %lu copied", cram_stat("copied_up") - copied);
	put(THP "/hugepages-64kB/enabled", "never");
	put(THP "/enabled", "madvise");
	give_back(p, PMD);
}

int main(void)
{
	char *stays;

	new_device("physical=192M");
	group();
	enable("-promotion");
	/* A write copies. */
	put(cram_file("writable_bytes"), "0");
	stays = mmap(NULL, STAYS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(stays, STAYS, EASY, 0);
	counted();
	waits("multi-gen LRU");
	put("/sys/kernel/mm/lru_gen/enabled", "n");
	waits("classic LRU");
	put("/sys/kernel/mm/lru_gen/enabled", "y");
	wait_ends();
	asked();
	promoted();
	in_parts();
	not_in_order();
	all_trimmed("at the end");
	ok(nothing_lost(), "no write was lost");
	ungroup();
	ok(remove_device(), "the device goes");
	return done_testing();
}
