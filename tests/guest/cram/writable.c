// SPDX-License-Identifier: GPL-2.0-only
/*
 * writable: the kernel's selftest of writes in place; and what somebody holds stays writable, and nothing is
 * stored to that is not granted, whoever races.
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

#include "../../../kernel/files/tools/testing/selftests/cram/writable.c"
#include "probe.h"

static bool one_writable(void)
{
	return cram_number("writable_used_bytes") == PAGE;
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

static void memory_fails(void)
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

static bool little_credit(void)
{
	return is_ok() && cram_number("credit_bytes") <= (long)(64 * PAGE);
}

/* A write that finds no credit asks for a reading, as a placement does. */
static void refused_grants(void)
{
	char *p = placed(LEN, MADV_NOHUGEPAGE, 9), words[32];
	unsigned long copied, refused, granted = cram_stat("granted"), asked;

	snprintf(words, sizeof(words), "%lu", sim_number("used_bytes") + 32 * PAGE);
	put(cram_file("writable_bytes"), "16M");
	put(DEV "/physical_bytes", words);
	ok(within(60, little_credit), "no credit: %ld bytes are left", cram_number("credit_bytes"));
	copied = cram_stat("copied_up");
	refused = cram_stat("refused_grant");
	probe("cram_read_if_low");
	fill(p, LEN, RANDOM, 9);
	asked = unprobe("cram_read_if_low");
	copied = cram_stat("copied_up") - copied;
	refused = cram_stat("refused_grant") - refused;
	ok(refused && copied >= refused && cram_stat("granted") > granted, "no credit: %lu writes are refused, %lu pages copied",
	   refused, copied);
	ok(asked >= refused, "no credit: each asks for a reading: %lu", asked);
	ok(!damaged(p, 0, LEN, RANDOM, 9) && nothing_lost(), "no credit: contents");
	put(DEV "/physical_bytes", "201326592");
	put(cram_file("writable_bytes"), "default");
	munmap(p, LEN);
	all_trimmed("no credit");
}

static bool went_short;

static bool short_now(void)
{
	went_short |= cram_state_is("short");
	return false;
}

/*
 * With credit for the worst case of what is written to, to the byte: that is counted once, and nobody else has to
 * leave.
 */
static void paid_once(void)
{
	char *p = placed(LEN, MADV_NOHUGEPAGE, 1), *q = anon(8 * MIB), words[32];
	unsigned long evicted, here;
	int i;

	madvise(q, 8 * MIB, MADV_NOHUGEPAGE);
	fill(q, 8 * MIB, RANDOM, 9);
	here = make_cold(q, 8 * MIB);
	snprintf(words, sizeof(words), "%lu", sim_number("used_bytes") + LEN + 64 * 1024);
	put(DEV "/physical_bytes", words);
	put(cram_file("writable_bytes"), "2M");
	if (!within(60, is_ok))
		bail("no reading");
	evicted = cram_stat("evicted");
	for (i = 0; i < 4; i++) {
		fill(p, LEN, i ? RANDOM : EASY, 2 + i);
		within(1, short_now);
	}
	ok(here > 7 * MIB / PAGE && where(q, 8 * MIB).here == here && cram_stat("evicted") == evicted && !went_short,
	   "nearly full and written to anew: %lu of %lu bystanders are there, %lu were evicted%s", where(q, 8 * MIB).here,
	   here, cram_stat("evicted") - evicted, went_short ? ", and it was short" : "");
	ok(most_here(p, LEN) && !damaged(p, 0, LEN, RANDOM, 5) && !damaged(q, 0, 8 * MIB, RANDOM, 9), "contents");
	munmap(p, LEN);
	munmap(q, 8 * MIB);
	put(DEV "/physical_bytes", "201326592");
	put(cram_file("writable_bytes"), "default");
	all_trimmed("nearly full");
}

static void small_races(void)
{
	races("small folios", MADV_NOHUGEPAGE);
}

static void large_races(void)
{
	races("large folios", MADV_HUGEPAGE);
}

WRITE_TEST(others)
WRITE_TEST(small_races)
WRITE_TEST(large_races)
WRITE_TEST(while_mprotected)
WRITE_TEST(parts)
WRITE_TEST(refused_grants)
WRITE_TEST(paid_once)

TEST_F(writable, failed)
{
	enable("-promotion");
	memory_fails();
}
