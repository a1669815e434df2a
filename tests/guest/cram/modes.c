// SPDX-License-Identifier: GPL-2.0-only
/*
 * modes: the kernel's selftest of what a device cannot store; and whatever the data, and however the device
 * behaves within the axioms, it never has to drop a page; beyond them it is found out at the next reading.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 * timeout: 450
 */
#define _GNU_SOURCE
#include <time.h>

#include "../../../kernel/files/tools/testing/selftests/cram/modes.c"
#include "probe.h"

static void within_axioms(void)
{
	static const char *const modes[] = { "slow", "stale", "delayed", "understated", "storm", "trim_late",
		"trim_partial", "trim_fail", "slow,stale,delayed,understated,trim_late,trim_fail" };
	unsigned long nr;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		nr = admitted_by(modes[i], modes[i]);
		/* A storm may keep it shut, and closed is safe. */
		if (strcmp(modes[i], "storm"))
			ok(nr > PHYSICAL / PAGE / 4, "%s: %lu pages were admitted", modes[i], nr);
	}
}

/* An event every 5 ms: each closes admission, and readings come no faster for it. */
static void storm_is_bounded(void)
{
	unsigned long events, readings;

	mode("storm");
	events = cram_stat("events");
	readings = cram_stat("readings");
	sleep(3);
	events = cram_stat("events") - events;
	readings = cram_stat("readings") - readings;
	ok(events > 200 && readings > 3 && readings <= 40, "storm: %lu events in 3 s are answered by %lu readings", events,
	   readings);
	mode("good");
	ok(within(60, is_whole), "storm: over");
}

static bool is_broken(void)
{
	return cram_state_is("broken");
}

/* A page that somebody holds cannot move, so the device cannot go: what is known about it stays known. */
static void broken_stays(void)
{
	unsigned long admitted;

	p = anon(5 * MIB);
	fill(p, 5 * MIB, RANDOM, 14);
	ok(make_cold(p, 5 * MIB) * PAGE > 3 * MIB && where(p + PAGE, PAGE).here, "broken: pages are there");
	hold_page(p + PAGE);
	put(DEV "/physical_bytes", "3M");
	ok(within(60, is_broken), "broken: seen");
	ok(!remove_device() && errno == EBUSY, "broken, with a resident that a device works on: it does not go");
	ok(is_broken(), "and is broken as before");
	put(DEV "/physical_bytes", "6M");
	admitted = cram_stat("admitted");
	ok(!make_cold(p, 5 * MIB) || cram_stat("admitted") == admitted, "and nothing is admitted");
	hold_page(NULL);
	munmap(p, 5 * MIB);
	put(cram_file("state"), "ok");
	ok(within(60, is_whole), "broken: an administrator says ok");
}

static unsigned long poisoned_kb(void)
{
	return number_in("/proc/meminfo", "PrivateHardwareCorrupted:");
}

static unsigned long lost_before, poisoned_before;

static unsigned long dropped(void)
{
	return sim_number("lost_writes") - lost_before;
}

static bool lost_is_known(void)
{
	return cram_state_is("broken") && cram_stat("lost") == lost_before + dropped();
}

static bool lost_is_poisoned(void)
{
	return poisoned_kb() - poisoned_before == dropped() * PAGE / 1024;
}

/* It says that twice as much is free: beyond the axioms, and pages are lost, but not silently. */
static void overstated(void)
{
	volatile unsigned long bad = 0, killed = 0;
	unsigned long lost;
	volatile size_t i;

	lost_before = sim_number("lost_writes");
	poisoned_before = poisoned_kb();
	mode("overstated");
	p = anon(LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, RANDOM, 12);
	/* It takes as many readings as there are credits to be had by them. */
	for (i = 0; i < 200 && !dropped(); i++) {
		make_cold(p, LEN);
		usleep(100000);
	}
	ok(within(60, lost_is_known), "overstated: found out, %lu counted", cram_stat("lost"));
	lost = dropped();
	ok(lost > 0, "overstated: the simulator has teeth: %lu lost", lost);
	ok(within(60, lost_is_poisoned), "overstated: memory failure has seen each: %lu KiB",
	   poisoned_kb() - poisoned_before);
	mode("good");
	signal(SIGBUS, on_bus);
	for (i = 0; i < LEN / PAGE; i++)
		if (sigsetjmp(bus_jmp, 1))
			killed++;
		else
			bad += damaged(p, i * PAGE, PAGE, RANDOM, 12);
	signal(SIGBUS, SIG_DFL);
	ok(killed == lost && !bad, "each lost page is reported to who reads it: %lu of %lu; %lu are silently wrong",
	   killed, lost, bad);
	munmap(p, LEN);
}

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void nothing_comes(const char *what)
{
	unsigned long admitted = cram_stat("admitted");
	bool shown = cram_state_is("silent") && !cram_number("credit_bytes");
	char *q = anon(MIB);

	fill(q, MIB, EASY, 17);
	ok(!make_cold(q, MIB) && cram_stat("admitted") == admitted && shown, "%s: silent, without credit, nothing is admitted",
	   what);
	munmap(q, MIB);
}

/* A reading that is late changes nothing in the state that the last one left. */
static void late(void)
{
	mode("slow");
	ok(within(60, is_silent), "a reading that takes longer than timeout_ms: silent is seen");
	ok(within(60, is_ok), "and ok when it has come");
	mode("hang");
	ok(within(60, is_silent), "a reading that does not return: silent");
	nothing_comes("hang");
	mode("good");
	ok(within(60, is_ok), "hang: over");
}

static unsigned long evicted_before;

static bool some_evicted(void)
{
	return cram_stat("evicted") >= evicted_before + 64 && cram_state_is("ok");
}

/* What leaves a device that is short is found by the bitmap of residents, and not by a walk over its pages. */
static void no_walk(void)
{
	char words[32];

	p = anon(3 * MIB);
	madvise(p, 3 * MIB, MADV_NOHUGEPAGE);
	fill(p, 3 * MIB, RANDOM, 18);
	ok(make_cold(p, 3 * MIB) > 256, "short: pages are there");
	evicted_before = cram_stat("evicted");
	probe("private_node_next_used");
	snprintf(words, sizeof(words), "%lu", sim_number("used_bytes"));
	put(DEV "/physical_bytes", words);
	ok(within(60, some_evicted), "short: %lu pages leave", cram_stat("evicted") - evicted_before);
	ok(!unprobe("private_node_next_used"), "short: nobody walks over all pages");
	ok(!damaged(p, 0, 3 * MIB, RANDOM, 18), "short: contents");
	munmap(p, 3 * MIB);
	put(DEV "/physical_bytes", "6M");
	all_trimmed("short");
}

#define ASKED 400

/* Each refusal for lack of credit could ask whether a reading helps, which takes the lock of the ledger. */
static void asked_seldom(void)
{
	unsigned long refused, asked;
	long start;
	int i;

	p = anon(LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, RANDOM, 16);
	make_cold(p, LEN);
	probe("cram_request_room");
	probe("cram_ledger_uncovered");
	start = now_us();
	for (i = 0; i < 10000 && calls_of("cram_request_room") < ASKED; i++)
		write_file(GROUP "/memory.reclaim", "64K swappiness=max");
	refused = unprobe("cram_request_room");
	asked = unprobe("cram_ledger_uncovered");
	start = (now_us() - start) / 10000;
	ok(refused >= ASKED && asked <= (unsigned long)start + 2 && asked < refused / 2,
	   "full: %lu refusals in %ld times 10 ms ask %lu times whether a reading could help", refused, start, asked);
	munmap(p, LEN);
	all_trimmed("full");
}

/* A device that takes its time for each page. */
static void latency(void)
{
	unsigned long nr = cram_stat("admitted");
	long start, took;

	p = anon(2 * MIB);
	madvise(p, 2 * MIB, MADV_NOHUGEPAGE);
	fill(p, 2 * MIB, HALF, 15);
	start = now_us();
	make_cold(p, 2 * MIB);
	took = now_us() - start;
	nr = cram_stat("admitted") - nr;
	/* Both processors may be placing pages. */
	ok(nr && took >= (long)nr * 500 / 2, "latency_us=500: %lu pages in %ld us", nr, took);
	ok(!damaged(p, 0, 2 * MIB, HALF, 15) && nothing_lost(), "latency_us=500: contents");
	munmap(p, 2 * MIB);
}

MODE_TEST(within_axioms)
MODE_TEST(storm_is_bounded)
MODE_TEST(broken_stays)
MODE_TEST(overstated)
MODE_TEST(asked_seldom)
MODE_TEST(no_walk)

DEVICE_FIXTURE(slow, "physical=64M latency_us=500")

DEVICE_FIXTURE(strict, "physical=64M timeout_ms=100")

TEST_F(strict, late)
{
	late();
}

TEST_F(slow, latency)
{
	latency();
}
