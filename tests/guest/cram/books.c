// SPDX-License-Identifier: GPL-2.0-only
/*
 * books: folios of several sizes are paged out in one list while somebody pins one of them for moments, so
 * that its move fails and is tried again: the books of the device balance all the same.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/uio.h>

#include "cram.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define ROUNDS 800
/* A folio of 16 KiB, two of 64 KiB, of which the first is pinned, and two pages. */
#define FIRST 12
#define PINNED 16
#define PAGES 38

static volatile bool go, busy, quit;
static char *pinned;
static unsigned long pins;

static void *pin(void *arg)
{
	static char buf[16 * PAGE];
	struct iovec to = { buf, sizeof(buf) }, from = { pinned, sizeof(buf) };

	while (!quit) {
		busy = go;
		__sync_synchronize();
		if (!go) {
			sched_yield();
			continue;
		}
		process_vm_readv(getpid(), &to, 1, &from, 1, 0);
		pins++;
	}
	return arg;
}

/* Pages whose contents are wrong. */
static unsigned long page_out(char *p, int round)
{
	unsigned long i, bad = 0;

	if (mmap(p, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != p)
		bail("mmap");
	munlock(p, PAGES * PAGE);
	for (i = 0; i < PAGES; i++)
		p[i * PAGE] = 1 + i;
	go = true;
	usleep(round % 100);
	madvise(p, PAGES * PAGE, MADV_PAGEOUT);
	go = false;
	__sync_synchronize();
	while (busy)
		sched_yield();
	for (i = 0; i < PAGES; i++)
		bad += p[i * PAGE] != (char)(1 + i);
	munmap(p, PAGES * PAGE);
	return bad;
}

int main(void)
{
	unsigned long bad = 0, failed;
	pthread_t thread;
	char *base;
	int i;

	new_device("physical=192M");
	group();
	enable("-promotion");
	put(THP "enabled", "never");
	put(THP "hugepages-16kB/enabled", "always");
	put(THP "hugepages-64kB/enabled", "always");
	put(cram_file("writable_bytes"), "0");
	base = anon(2 * PMD);
	munmap(base, 2 * PMD);
	pinned = base + PINNED * PAGE;
	failed = cram_stat("failed");
	pthread_create(&thread, NULL, pin, NULL);
	for (i = 0; i < ROUNDS && !cram_state_is("broken"); i++)
		bad += page_out(base + FIRST * PAGE, i);
	quit = true;
	pthread_join(thread, NULL);
	ok(i == ROUNDS, "the books balance: %d rounds, %lu pins, %lu moves failed", i, pins, cram_stat("failed") - failed);
	ok(!bad, "contents");
	ok(cram_stat("failed") > failed, "some moves failed");
	all_trimmed("at the end");
	ok(nothing_lost(), "no write was lost");
	ungroup();
	ok(remove_device(), "the device goes");
	return done_testing();
}
