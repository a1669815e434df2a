// SPDX-License-Identifier: GPL-2.0-only
/*
 * writable: the first write to a resident is granted where it is, without a copy, while there is credit
 * for its worst case; what nobody touches is protected again where it is, and its credit comes back; what
 * somebody holds stays writable; and nothing is stored to that is not granted, whoever races.
 *
 * allow: Memory failure|hardware memory corruption
 * timeout: 400
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/uio.h>

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

static bool one_writable(void)
{
	return cram_number("writable_used_bytes") == PAGE;
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

	ok(share > (long)PHYSICAL / 4 && share <= (long)PHYSICAL / 2, "by default half of what the device has: %ld bytes", share);
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
	ok(most_here(p, LEN) && since(s).copied + since(s).granted == LEN / PAGE && !since(s).admitted,
	   "the first write: all stay, %lu granted, %lu copied", since(s).granted, since(s).copied);
	ok(cram_number("writable_used_bytes") == (long)(since(s).granted * PAGE), "writable_used_bytes");
	ok(credit_before - cram_number("credit_bytes") >= (long)(since(s).granted * PAGE), "each holds full credit: %ld, %ld before",
	   cram_number("credit_bytes"), credit_before);
	for (i = 3; i < 6; i++)
		fill(p, LEN, i % 2 ? RANDOM : HALF, i);
	ok(most_here(p, LEN) && !damaged(p, 0, LEN, RANDOM, 5), "written again, in place");
	ok(within(60, is_stored), "and stored: %lu bytes", sim_number("used_bytes"));
	fill(p, LEN, EASY, 6);
	ok(within(120, none_writable) && since(s).revoked >= LEN / PAGE * 98 / 100, "nobody writes: none is writable, %lu ended",
	   since(s).revoked);
	ok(most_here(p, LEN) && !damaged(p, 0, LEN, EASY, 6), "and they are where they were");
	ok(within(60, credit_is_back), "the credit is back: %ld, %ld before", cram_number("credit_bytes"), credit_before);
	s = since((struct seen){});
	fill(p, LEN, HALF, 7);
	ok(most_here(p, LEN) && since(s).granted >= LEN / PAGE * 95 / 100, "the next write is granted again");
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
	   "a write to a large resident: %lu pages granted, %lu copied", since(s).granted, since(s).copied);
	faults = minor_faults();
	fill(p, PMD, HALF, 3);
	faults = minor_faults() - faults;
	ok(all_here(p, PMD) && since(s).granted == PMD / PAGE && !since(s).copied && faults <= (long)(2 * PMD / PAGE / AROUND),
	   "all of it: %lu granted, %lu copied, %ld faults", since(s).granted, since(s).copied, faults);
	ok(within(120, none_writable) && all_here(p, PMD) && !damaged(p, 0, PMD, HALF, 3),
	   "it is protected again where it is");
	s = since((struct seen){});
	mprotect(p, PMD, PROT_READ);
	mprotect(p, PMD, PROT_READ | PROT_WRITE);
	fill(p, PMD, RANDOM, 4);
	/* A look at the folio, by the scan or by ageing, holds all of it for as long as it takes. */
	ok(since(s).granted + since(s).copied == PMD / PAGE && since(s).granted > PMD / PAGE / 2,
	   "after mprotect() to and fro: %lu granted, %lu copied", since(s).granted, since(s).copied);
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
	   since(s).copied == (LEN - BUDGET) / PAGE, "writable_bytes=1M: %lu stay, %lu are copied up", since(s).granted,
	   since(s).copied);
	ok(budget_used(), "and no more than that is writable");
	put(cram_file("writable_bytes"), "0");
	ok(within(60, none_writable) && where(p, LEN).here == BUDGET / PAGE && !damaged(p, 0, LEN, HALF, 2),
	   "writable_bytes=0: at once, and they stay");
	make_cold(p, LEN);
	s = since((struct seen){});
	fill(p, LEN, HALF, 3);
	ok(!where(p, LEN).here && !since(s).granted && none_writable(), "then a write copies up");
	munmap(p, LEN);
	put(cram_file("writable_bytes"), "default");
	all_trimmed("budget");
}

/* -- who else writes, and who holds ------------------------------------------------------------------ */

static int child_writes(void *arg)
{
	char *p = arg;

	fill(p, LEN, HALF, 7);
	return damaged(p, 0, LEN, HALF, 7) ? 1 : 0;
}

static void others(void)
{
	static char buf[PAGE];
	char *p = placed(LEN, MADV_NOHUGEPAGE, 6), *q;
	struct iovec from = { buf, PAGE }, to = { p + PAGE, PAGE };
	struct seen s = since((struct seen){});
	int fd = open("/proc/self/exe", O_RDONLY);

	ok(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == PAGE && !since(s).copied && since(s).granted == 1,
	   "the kernel writes for process_vm_writev(): in place");
	ok(pread(fd, p + 2 * PAGE, PAGE, 0) == PAGE && !since(s).copied && since(s).granted == 2,
	   "the kernel writes for read(): in place");
	close(fd);
	fill(p, LEN, RANDOM, 6);
	ok(!in_child(child_writes, p) && !damaged(p, 0, LEN, RANDOM, 6), "a child writes its own");
	fill(p, LEN, RANDOM, 6);
	ok(most_here(p, LEN), "and the parent goes on where it was");
	for (q = p; !where(q, PAGE).here; q += PAGE)
		;
	hold_page(q);
	put(cram_file("writable_bytes"), "0");
	ok(within(60, one_writable), "what somebody holds stays writable: %ld bytes", cram_number("writable_used_bytes"));
	fill_part(p, q - p, PAGE, EASY, 8);
	ok(where(q, PAGE).here && !damaged(p, q - p, PAGE, EASY, 8), "and is written to in place");
	hold_page(NULL);
	ok(within(60, none_writable), "let go: none is writable");
	munmap(p, LEN);
	put(cram_file("writable_bytes"), "default");
	all_trimmed("others");
}

/* -- a page that fails ------------------------------------------------------------------------------ */

static int fails(void *arg)
{
	char *p = placed(LEN, MADV_NOHUGEPAGE, 1);

	(void)arg;
	fill(p, LEN, HALF, 2);
	signal(SIGBUS, SIG_DFL);
	return madvise(p + 3 * PAGE, PAGE, MADV_HWPOISON) ? 1 : 0;
}

static void failed(void)
{
	/* The kernel kills who has it. */
	ok(in_child(fails, NULL) != 1, "a page that may be written to fails");
	ok(within(60, none_writable), "its grant ends");
}

/* -- races ------------------------------------------------------------------------------------------- */

#define WRITERS 3
/* At least so many seconds. */
#define RACE 6
#define SHARE (LEN / WRITERS / PAGE * PAGE)

static volatile bool stop;
static char *shared;

/* Writes to its own pages all the time, and looks whether they are as it left them. */
static void *writer(void *arg)
{
	size_t from = (size_t)arg * SHARE, at;
	unsigned long bad = 0;
	uint64_t salt = 0;

	while (!stop) {
		salt++;
		for (at = from; at < from + SHARE; at += PAGE) {
			fill_part(shared, at, PAGE, salt % 3, salt);
			bad += damaged(shared, at, PAGE, salt % 3, salt);
		}
		bad += damaged(shared, from, SHARE, salt % 3, salt);
	}
	return (void *)bad;
}

/* Writers, reclaim, forks, and an administrator who gives and takes. */
static void races(const char *what, int advice)
{
	unsigned long bad = 0, granted, revoked;
	time_t start = time(NULL);
	pthread_t threads[WRITERS];
	void *result;
	size_t i;

	shared = placed(LEN, advice, 1);
	granted = cram_stat("granted");
	revoked = cram_stat("revoked");
	stop = false;
	for (i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, writer, (void *)i))
			bail("thread");
	for (i = 0; time(NULL) < start + RACE ||
	     (time(NULL) < start + 10 * RACE && cram_stat("revoked") - revoked < 200); i++) {
		put(cram_file("writable_bytes"), i % 3 ? "default" : "64K");
		madvise(shared, LEN, MADV_COLD);
		write_file(GROUP "/memory.reclaim", "2M swappiness=max");
		if (!(i % 16) && !fork())
			_exit(0);
		mprotect(shared + i % 64 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE);
		usleep(5000);
	}
	stop = true;
	for (i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &result);
		bad += (unsigned long)result;
	}
	while (wait(NULL) > 0)
		;
	put(cram_file("writable_bytes"), "default");
	granted = cram_stat("granted") - granted;
	revoked = cram_stat("revoked") - revoked;
	ok(!bad && nothing_lost(), "%s: %lu pages read back wrong, %lu stores that nobody paid for", what, bad,
	   sim_number("violations"));
	ok(granted >= 200 && revoked >= 200, "%s: %lu grants, %lu ended", what, granted, revoked);
	munmap(shared, LEN);
	all_trimmed(what);
	ok(none_writable(), "%s: the count balances", what);
}

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Takes all entries out of the page table for a moment, time and again. */
static void *protector(void *arg)
{
	on_cpu(1);
	while (!stop) {
		mprotect(shared, PMD, PROT_READ);
		mprotect(shared, PMD, PROT_READ | PROT_WRITE);
	}
	return arg;
}

/* The grants of a large folio end on one CPU, while another changes its page table. */
static void while_mprotected(void)
{
	pthread_t thread;
	int round;

	put("/sys/devices/virtual/workqueue/cpumask", "1");
	for (round = 0; round < 6; round++) {
		shared = placed(PMD, MADV_HUGEPAGE, round);
		fill(shared, PMD, HALF, round + 1);
		stop = false;
		if (pthread_create(&thread, NULL, protector, NULL))
			bail("thread");
		put(cram_file("writable_bytes"), "0");
		if (!within(60, none_writable))
			printf("# round %d: still granted\n", round);
		stop = true;
		pthread_join(thread, NULL);
		put(cram_file("writable_bytes"), "default");
		fill(shared, PMD, RANDOM, round + 2);
		munmap(shared, PMD);
		node_free();
	}
	put("/sys/devices/virtual/workqueue/cpumask", "3");
	ok(nothing_lost(), "protected while mprotect() goes on: %lu stores that nobody paid for", sim_number("violations"));
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
	ok(nothing_lost() && !damaged(p, 0, LEN, RANDOM, 11) && !damaged(q, 0, 16 * MIB, RANDOM, 10),
	   "full: %lu there, %ld bytes writable, nothing lost", here, cram_number("writable_used_bytes"));
	ok(since(s).copied > 0, "full: %lu are copied up", since(s).copied);
	munmap(p, LEN);
	munmap(q, 16 * MIB);
	put(DEV "/physical_bytes", "192M");
	all_trimmed("full");
}

#define PARTS (8 * PMD)
/* Of each huge page this much is copied up. */
#define PART (PMD / 8 * 7)

static char *others_memory;

static bool parts_gone(void)
{
	/* It wants to come, and is refused. */
	madvise(others_memory, MIB, MADV_PAGEOUT);
	node_free();
	return (unsigned long)cram_number("resident_bytes") <= PARTS - 8 * PART + MIB;
}

/* What was copied up of a huge page stays with it, until somebody else needs the room. */
static void parts(void)
{
	char *p = placed(PARTS, MADV_HUGEPAGE, 7), words[32];
	size_t i;

	put(cram_file("writable_bytes"), "0");
	for (i = 0; i < PARTS; i += PAGE)
		if (i % PMD < PART)
			fill_part(p, i, PAGE, EASY, 7);
	ok(where(p, PARTS).here == (PARTS - 8 * PART) / PAGE, "%lu pages of huge pages are left, %ld bytes resident",
	   where(p, PARTS).here, cram_number("resident_bytes"));
	snprintf(words, sizeof(words), "%lu", sim_number("used_bytes") + 64 * 1024);
	put(DEV "/physical_bytes", words);
	others_memory = anon(MIB);
	madvise(others_memory, MIB, MADV_NOHUGEPAGE);
	fill(others_memory, MIB, RANDOM, 8);
	ok(within(60, parts_gone), "no credit: the rest is given back, %ld bytes resident", cram_number("resident_bytes"));
	ok(!damaged(p, 0, PARTS, EASY, 7), "contents");
	put(DEV "/physical_bytes", "201326592");
	put(cram_file("writable_bytes"), "default");
	munmap(p, PARTS);
	munmap(others_memory, MIB);
	all_trimmed("parts");
}

int main(void)
{
	new_device("physical=192M");
	group();
	/* Pages that are hot would move up. */
	enable("-promotion");
	settings();
	in_place();
	large();
	budget();
	others();
	races("small folios", MADV_NOHUGEPAGE);
	races("large folios", MADV_HUGEPAGE);
	while_mprotected();
	no_credit();
	parts();
	ok(nothing_lost(), "no write was lost");
	failed();
	ok(remove_device(), "the device goes");
	ungroup();
	return done_testing();
}
