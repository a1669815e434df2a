// SPDX-License-Identifier: GPL-2.0-only
/*
 * count: instructions of page faults and of page-cache reads.
 *
 * For a machine whose clock counts instructions (harness/vm --icount): there
 * the time stamp counter advances by one with each.  Prints a line a batch,
 * "METRIC OPERATIONS INSTRUCTIONS".  Batches are short against the timer tick,
 * so that most see no interrupt and the median none.
 *
 *	count clock		is the clock one that counts instructions?
 *	count fault		first write to a page of anonymous memory
 *	count read NAME FILE N	pread() of N bytes from the first page of FILE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES	101
#define WARM	8
#define PAGE	4096UL
#define HUGE	(2UL << 20)
/* One page table's worth, less the page whose touch makes the table. */
#define FAULTS	((int)(HUGE / PAGE) - 1)
#define READS	200
#define LOOPS	1000000UL

static uint64_t spent[BATCHES];

static void die(const char *what)
{
	fprintf(stderr, "count: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC_RAW, &ts))
		die("CLOCK_MONOTONIC_RAW");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void print(const char *metric, int operations)
{
	for (int i = 0; i < BATCHES; i++)
		printf("%s\t%d\t%llu\n", metric, operations, (unsigned long long)spent[i]);
}

/* Two instructions a turn; an interrupt or two may come between. */
static int check_clock(void)
{
	unsigned long turns = LOOPS;
	uint64_t tsc, ns;

	ns = clock_ns();
	tsc = now();
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
	tsc = now() - tsc;
	ns = clock_ns() - ns;
	fprintf(stderr, "count: %lu instructions took %llu ticks of the TSC, %llu ns of the clock\n",
		2 * LOOPS, (unsigned long long)tsc, (unsigned long long)ns);
	if (tsc >= 2 * LOOPS && tsc < 2 * LOOPS + 2 * LOOPS / 20)
		return 0;
	fprintf(stderr, "count: the TSC does not count instructions; run me under harness/vm --icount\n");
	return 1;
}

/* A page of the table stays, so that it is there for the others. */
static uint64_t fault_batch(char *area)
{
	uint64_t start;

	if (madvise(area + PAGE, HUGE - PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
	start = now();
	for (unsigned long off = PAGE; off < HUGE; off += PAGE)
		*(volatile char *)(area + off) = 1;
	return now() - start;
}

static int count_faults(void)
{
	char *map = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *area;

	if (map == MAP_FAILED)
		die("mmap");
	area = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	if (madvise(area, HUGE, MADV_NOHUGEPAGE) && errno != EINVAL)
		die("MADV_NOHUGEPAGE");
	memset(area, 1, HUGE);
	for (int i = 0; i < WARM; i++)
		fault_batch(area);
	for (int i = 0; i < BATCHES; i++)
		spent[i] = fault_batch(area);
	print("fault", FAULTS);
	return 0;
}

static uint64_t read_batch(int fd, char *buf, size_t len)
{
	uint64_t start = now();

	for (int i = 0; i < READS; i++)
		if (pread(fd, buf, len, 0) != (ssize_t)len)
			die("pread");
	return now() - start;
}

static int count_reads(const char *name, const char *file, size_t len)
{
	static char buf[PAGE] __attribute__((aligned(PAGE)));
	char metric[64];
	int fd = open(file, O_RDONLY);

	if (fd < 0 || len < 1 || len > sizeof(buf))
		die(file);
	snprintf(metric, sizeof(metric), "read-%s-%zu", name, len);
	for (int i = 0; i < WARM; i++)
		read_batch(fd, buf, len);
	for (int i = 0; i < BATCHES; i++)
		spent[i] = read_batch(fd, buf, len);
	print(metric, READS);
	return 0;
}

int main(int argc, char **argv)
{
	memset(spent, 0, sizeof(spent));
	if (argc == 2 && !strcmp(argv[1], "clock"))
		return check_clock();
	if (argc == 2 && !strcmp(argv[1], "fault"))
		return count_faults();
	if (argc == 5 && !strcmp(argv[1], "read"))
		return count_reads(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	fprintf(stderr, "usage: count clock | fault | read NAME FILE BYTES\n");
	return 2;
}
