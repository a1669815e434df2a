// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle: a device full of pages that nobody uses costs next to nothing.
 *
 * The clock of this guest counts instructions, so what tasks ran is what they did.
 *
 * vm: --icount --node 2G --reserve 512M,node=0 --append private_node_spare=1
 * timeout: 400
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "cram.h"

#define MANY (480 * MIB)
#define IDLE 30

/* Nanoseconds that all tasks but this one have run, those of the kernel included. */
static unsigned long ran(void)
{
	unsigned long sum = 0, one;
	char path[64], buf[64];
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		if (atoi(e->d_name) <= 0 || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/schedstat", atoi(e->d_name));
		if (read_file(path, buf, sizeof(buf)) && sscanf(buf, "%lu", &one) == 1)
			sum += one;
	}
	if (!d || !sum)
		bail("schedstat");
	closedir(d);
	return sum;
}

static unsigned long ran_meanwhile(void)
{
	unsigned long before = ran();

	sleep(IDLE);
	return ran() - before;
}

/* Nobody uses any of a device full of pages: looking after them takes next to nothing. */
static void idle(void)
{
	unsigned long without = ran_meanwhile(), with, here;
	char *p = anon(MANY);
	size_t i;

	madvise(p, MANY, MADV_NOHUGEPAGE);
	for (i = 0; i < MANY; i += PAGE)
		*(uint64_t *)(p + i) = i + 1;
	here = make_cold(p, MANY);
	ok(here > 120000, "idle: %lu residents", here);
	with = ran_meanwhile();
	ok(with <= without + IDLE * 1000000000UL / 100,
	   "idle: all tasks ran for %lu us in %d s, and for %lu us without residents; 1 %% of a processor is %d us",
	   with / 1000, IDLE, without / 1000, IDLE * 10000);
	munmap(p, MANY);
}

int main(void)
{
	/* The simulated device itself works four times in its lag. */
	new_device("physical=512M lag_ms=1000");
	put("/sys/kernel/mm/numa/demotion_enabled", "1");
	group();
	idle();
	ungroup();
	ok(remove_device(), "the device goes");
	return done_testing();
}
