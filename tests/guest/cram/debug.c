// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug: do the checks of CONFIG_CRAM_DEBUG find what they are for?  A stray store is seen, or faults
 * when residents are read-only; and without the ledger the device loses what it was given.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 * kernels: debug
 * allow: changed after it was stored|was written to after it was stored|the device dropped|Memory failure|hardware memory corruption|MADV_HWPOISON
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

#include "cram.h"

#define LEN (8 * MIB)
#define NR (LEN / PAGE)
#define PROTECT "/sys/kernel/mm/cram/protect"

static sigjmp_buf out;

static bool is_broken(void)
{
	return cram_state_is("broken");
}

static void bus(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static bool stray_store(unsigned long pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", pfn);
	return write_file(cram_file("stray_store"), text);
}

static char *placed(void)
{
	char *p = anon(LEN);

	fill(p, LEN, HALF, 5);
	if (make_cold(p, LEN) < NR / 2)
		bail("not placed");
	return p;
}

static size_t resident_page(char *p)
{
	size_t i;

	for (i = 0; i < NR; i++)
		if (where(p + i * PAGE, PAGE).here)
			return i;
	bail("none is resident");
}

/* The device's own checksums find it as well. */
static void seen(void)
{
	char *p = placed();
	size_t i = resident_page(p);

	ok(!stray_store(1) && errno == EFAULT, "a page that is not the device's is refused");
	ok(!cram_stat("changed") && !sim_number("check"), "nothing has changed");
	ok(stray_store(frame_of(p + i * PAGE)), "a stray store");
	munmap(p, LEN);
	all_trimmed("stray store");
	ok(cram_stat("changed") == 1, "is counted: %lu", cram_stat("changed"));
	ok(sim_number("violations") == 1, "and the device has seen it: %lu", sim_number("violations"));
	remove_device();
}

static char *huge(void)
{
	char *p = anon(PMD);

	madvise(p, PMD, MADV_HUGEPAGE);
	fill(p, PMD, HALF, 6);
	if (make_cold(p, PMD) != PMD / PAGE)
		bail("a huge page was not placed");
	return p;
}

static void protected(void)
{
	unsigned long pfn;
	char *p;
	size_t i;

	ok(!write_file(PROTECT, "2") && errno == EINVAL, "protect: 0 or 1");
	put(PROTECT, "1");
	new_device("physical=192M");
	put(PROTECT, "0");
	ok(cram_number("protected") == 1, "protect: all of the device, from its registration");
	p = placed();
	i = resident_page(p);
	pfn = frame_of(p + i * PAGE);
	ok(!stray_store(pfn) && errno == EFAULT, "protect: a stray store faults");
	ok(!damaged(p, 0, LEN, HALF, 5), "protect: contents");
	fill(p, LEN / 2, EASY, 6);
	ok(!damaged(p, 0, LEN / 2, EASY, 6) && !damaged(p, LEN / 2, LEN / 2, HALF, 5), "protect: written to, copied up");
	munmap(p, LEN);
	all_trimmed("protect");
	p = placed();
	ok(!damaged(p, 0, LEN, HALF, 5) && nothing_lost(), "protect: its pages are stored to again");
	ok(!cram_stat("granted"), "protect: none is writable in place");
	munmap(p, LEN);
	p = huge();
	ok(!damaged(p, 0, PMD, HALF, 6) && nothing_lost(), "protect: a huge page is stored");
	munmap(p, PMD);
	all_trimmed("protect, a huge page");
	ok(remove_device(), "protect: the device goes");
	new_device("physical=192M");
	ok(!cram_number("protected"), "the next one is as ordinary memory");
	p = placed();
	fill(p, LEN, EASY, 6);
	ok(cram_stat("granted") && !damaged(p, 0, LEN, EASY, 6), "and is written to in place");
	munmap(p, LEN);
	all_trimmed("not protected");
	remove_device();
}

/* Contents that do not compress, four times what the device has. */
static void without_ledger(void)
{
	const size_t len = 32 * MIB;
	volatile unsigned long killed = 0;
	volatile size_t i;
	char *p;

	new_device("physical=8M");
	put(cram_file("ledger"), "0");
	p = anon(len);
	fill(p, len, RANDOM, 7);
	make_cold(p, len);
	ok(sim_number("lost_writes") > 0, "without the ledger the device loses pages: %lu", sim_number("lost_writes"));
	signal(SIGBUS, bus);
	for (i = 0; i < len / PAGE; i++) {
		if (sigsetjmp(out, 1)) {
			killed++;
			continue;
		}
		if (damaged(p, i * PAGE, PAGE, RANDOM, 7)) {
			ok(false, "page %zu has something else", i);
			break;
		}
	}
	ok(killed > 0, "who reads one gets SIGBUS, %lu times, and nobody something else", killed);
	munmap(p, len);
	signal(SIGBUS, SIG_DFL);
	ok(within(60, is_broken), "and the device is no longer trusted");
	put(cram_file("ledger"), "1");
	remove_device();
}

int main(void)
{
	new_device("physical=192M");
	group();
	seen();
	protected();
	without_ledger();
	ungroup();
	return done_testing();
}
