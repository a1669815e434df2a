// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsc: prints how many kHz this machine's time stamp counter makes.
 *
 * An emulated processor shows the host's counter, and a guest that finds out its rate while the
 * host has no time for it may be far off: its clock then runs several times too fast.
 *
 * Both clocks are read close together, again until nobody came in between.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define MEASURE_NS 20000000
/* Ticks between two reads of the counter, with one of the clock in between. */
#define CLOSE 2000
#define TRIES 10000

static int both(unsigned long long *ticks, double *ns)
{
	struct timespec ts;
	unsigned long long before;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = __rdtsc();
		if (clock_gettime(CLOCK_MONOTONIC_RAW, &ts))
			return -1;
		*ticks = __rdtsc();
		*ns = ts.tv_sec * 1e9 + ts.tv_nsec;
		if (*ticks - before < CLOSE)
			return 0;
	}
	return -1;
}

int main(void)
{
	const struct timespec wait = { .tv_nsec = MEASURE_NS };
	unsigned long long t0, t1;
	double ns0, ns1;

	if (both(&t0, &ns0) || nanosleep(&wait, NULL) || both(&t1, &ns1)) {
		fprintf(stderr, "tsc: the clock cannot be read twice without a pause\n");
		return 1;
	}
	printf("%.0f\n", (t1 - t0) / (ns1 - ns0) * 1e6);
	return 0;
}
