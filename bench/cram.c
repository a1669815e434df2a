// SPDX-License-Identifier: GPL-2.0-only
/*
 * cram: instructions of cold memory: to move it away, and to use it again.
 *
 * For a machine whose clock counts instructions, as count.c.  Prints "METHOD METRIC OPERATIONS
 * INSTRUCTIONS", a line a batch; an operation is a page.
 *
 *	cram pages METHOD GROUP NODE CHUNK MIB
 *					moves MIB of half-random data out by the cgroup's memory.reclaim
 *					to NODE (a device), or with NODE -1 to swap; reads every other page,
 *					writes the others, reads them once more; with swap the same by
 *					MADV_PAGEOUT, fewer pages.  CHUNK random bytes and CHUNK zeroes take turns;
 *					with 0 each 8 bytes are random or zero, by a coin
 *	cram half METHOD GROUP NODE MIB FILE
 *					moves half of MIB; prints pages in DRAM ("dram"), pages moved
 *					and the bytes that FILE says they take ("away")
 *	cram kv METHOD GROUP NODE MIB READS SKEW OPERATIONS
 *					a table of MIB in records of 1 KiB with DRAM for half of it: READS of 100
 *					operations read a record, the others write one; SKEW 1: four of five go
 *					to a fifth of them, and so on; prints what all of it took ("kv-..."), and
 *					of that what keeping to half took ("...-reclaim")
 *	cram squeeze GROUP NODE BYTES	keeps a cgroup to so much DRAM, until it is killed
 *	cram cow			the first write to a page after fork()
 *	cram capacity RATIO GROUP NODE MIB	data that compresses by a little more than RATIO percent / 100,
 *					until the device takes no more; prints the bytes it has in pages
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES	3
#define PAGE	4096UL
#define MIB	(1UL << 20)
#define MAX_LEN	(128 * MIB)
#define PART	(4 * MIB)
#define PIECE	512	/* pages: less than a tick's worth */

static const char *method, *group;
static int node;
static unsigned long chunk;
static volatile uint64_t sink;
static unsigned long away[MAX_LEN / PAGE];

static void die(const char *what)
{
	fprintf(stderr, "cram: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

static void print(const char *metric, unsigned long operations, uint64_t spent)
{
	printf("%s\t%s\t%lu\t%llu\n", method, metric, operations, (unsigned long long)spent);
	fflush(stdout);
}

static char *area(unsigned long len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munlock(p, len) || madvise(p, len, MADV_NOHUGEPAGE))
		die("mmap");
	return p;
}

/* Of each @period bytes the first @random do not compress; with 0, of the words one in two, by a coin. */
static void fill(char *p, unsigned long len, unsigned long random, unsigned long period)
{
	static uint64_t x = 88172645463325252ULL;
	uint64_t *w = (uint64_t *)p;
	bool keep;

	for (unsigned long i = 0; i < len / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		keep = period ? i * 8 % period < random : x >> 5 & 1;
		w[i] = keep ? x : 0;
	}
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		die(path);
	/* EAGAIN: what moved to a device does not count as freed */
	if (write(fd, text, strlen(text)) < 0 && errno != EAGAIN)
		die(path);
	close(fd);
}

/* Fills away[] with the pages that are on the node, or in swap. */
static unsigned long find_away(char *p, unsigned long len)
{
	static void *pages[MAX_LEN / PAGE];
	static int status[MAX_LEN / PAGE];
	unsigned long n = 0, i;
	uint64_t e;
	int fd;

	if (node >= 0) {
		for (i = 0; i < len / PAGE; i++)
			pages[i] = p + i * PAGE;
		if (syscall(SYS_move_pages, 0, len / PAGE, pages, NULL, status, 0))
			die("move_pages");
		for (i = 0; i < len / PAGE; i++)
			if (status[i] == node)
				away[n++] = i;
		return n;
	}
	fd = open("/proc/self/pagemap", O_RDONLY);
	for (i = 0; i < len / PAGE; i++) {
		if (pread(fd, &e, 8, ((uintptr_t)p / PAGE + i) * 8) != 8)
			die("pagemap");
		if (e >> 62 & 1)
			away[n++] = i;
	}
	close(fd);
	return n;
}

static uint64_t touch(char *p, unsigned long from, unsigned long step, unsigned long n, bool write)
{
	uint64_t start = now(), sum = 0;

	for (unsigned long i = from; i < n; i += step) {
		volatile uint64_t *w = (volatile uint64_t *)(p + away[i] * PAGE);

		if (write)
			*w = i;
		else
			sum += *w;
	}
	start = now() - start;
	sink += sum;
	return start;
}

/*
 * As touch(), a little at a time: what the kernel does behind the writer's back (a device is told of
 * the pages that are free again) is not part of an access.  "write+trim" is with it.
 */
static uint64_t touch_pieces(char *p, unsigned long from, unsigned long step, unsigned long n, bool write)
{
	uint64_t spent = 0;

	for (unsigned long i = from; i < n; i += PIECE * step) {
		spent += touch(p, i, step, i + PIECE * step < n ? i + PIECE * step : n, write);
		usleep(50000);
	}
	return spent;
}

/* A device is told what went, and two of its readings, which take ten seconds, cover what came. */
static void settle_down(void)
{
	usleep(node < 0 ? 1500000 : 25000000);
}

enum kind { RECLAIM, ALL_AT_ONCE, PAGEOUT };

static void batch(unsigned long len, enum kind kind)
{
	char words[64], *p = area(len);
	unsigned long n;
	uint64_t start;

	fill(p, len, chunk, 2 * chunk);
	if (madvise(p, len, MADV_COLD))
		die("MADV_COLD");
	snprintf(words, sizeof(words), "%lu swappiness=max", len);
	start = now();
	if (kind == PAGEOUT)
		madvise(p, len, MADV_PAGEOUT);
	else
		put(group, words);
	start = now() - start;
	n = find_away(p, len);
	if (n < len / PAGE * 9 / 10) {
		fprintf(stderr, "cram: %s: only %lu of %lu pages were moved\n", method, n, len / PAGE);
		exit(1);
	}
	if (kind == PAGEOUT) {
		print("pageout", n, start);
	} else if (kind == ALL_AT_ONCE) {
		print("write+trim", n, touch(p, 0, 1, n, true));
	} else {
		print("move-in", n, start);
		print("first-read", (n + 1) / 2, touch(p, 0, 2, n, false));
		print("first-write", n / 2, touch_pieces(p, 1, 2, n, true));
		print("warm-read", n, touch(p, 0, 1, n, false));
	}
	munmap(p, len);
	settle_down();
}

/* Half of an area is moved; where the pages are then, and what FILE says is used for them. */
static void half(unsigned long len, const char *file)
{
	char words[64], text[32] = "", *p = area(len);
	unsigned long n;
	int fd;

	fill(p, len, PAGE / 2, PAGE);
	madvise(p, len, MADV_COLD);
	snprintf(words, sizeof(words), "%lu swappiness=max", len / 2);
	put(group, words);
	n = find_away(p, len);
	usleep(1500000);
	fd = open(file, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(file);
	close(fd);
	print("dram", len / PAGE - n, 0);
	print("away", n, strtoul(text, NULL, 0));
	munmap(p, len);
}

static unsigned long group_number(const char *dir, const char *file)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(path);
	close(fd);
	return strtoul(text, NULL, 0);
}

/* What is compressed in DRAM is charged there; what is on a device is not. */
static unsigned long dram(const char *dir)
{
	return group_number(dir, "memory.current");
}

/* Back to the limit. */
static uint64_t squeeze(const char *dir, unsigned long limit)
{
	uint64_t start = now();
	unsigned long used = dram(dir);
	char words[64];

	if (used <= limit)
		return now() - start;
	snprintf(words, sizeof(words), "%lu swappiness=max", used - limit);
	put(group, words);
	return now() - start;
}

static uint64_t draw(void)
{
	static uint64_t x = 1234567890123456789ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Below @n; the records that are wanted most are not neighbours. */
static unsigned long pick(unsigned long n, bool skew)
{
	unsigned long range = n, i;

	while (skew && range > 8 && draw() % 5)
		range = range / 5 + 1;
	i = draw() % range;
	return i * 2654435761UL % n;
}

#define RECORD	1024UL
#define EVERY	128	/* operations between two looks at the limit */

static void kv(const char *dir, unsigned long len, unsigned long reads, bool skew, unsigned long operations)
{
	unsigned long limit = dram(dir) + len / 2, n = len / RECORD - 1;
	uint64_t start, reclaim = 0, sum = 0, took;
	char name[64], *p = area(len);

	fill(p, len, 0, 0);
	for (unsigned long round = 0; round < 2; round++) {
		/* The first round is not counted. */
		reclaim = 0;
		start = now();
		for (unsigned long i = 0; i < operations; i++) {
			uint64_t *w = (uint64_t *)(p + pick(n, skew) * RECORD);

			if (i % EVERY == 0)
				reclaim += squeeze(dir, limit);
			if (draw() % 100 < reads)
				for (unsigned long j = 0; j < RECORD / 8; j++)
					sum += w[j];
			else
				fill((char *)w, RECORD, 0, 0);
		}
		took = now() - start;
	}
	sink += sum;
	snprintf(name, sizeof(name), "kv-%lu-%s", reads, skew ? "skew" : "even");
	print(name, operations, took);
	snprintf(name, sizeof(name), "kv-%lu-%s-reclaim", reads, skew ? "skew" : "even");
	print(name, operations, reclaim);
	munmap(p, len);
	settle_down();
}

static void cow(void)
{
	char *p = area(PART);
	int status;
	pid_t pid;

	fill(p, PART, PAGE / 2, PAGE);
	for (unsigned long i = 0; i < PART / PAGE; i++)
		away[i] = i;
	for (int i = 0; i < BATCHES; i++) {
		pid = fork();
		if (!pid) {
			print("cow", PART / PAGE, touch(p, 0, 1, PART / PAGE, true));
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die("fork");
	}
}

static unsigned long number(const char *file)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/private/cram/%s", node, file);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(path);
	close(fd);
	return strtoul(text, NULL, 0);
}

static void capacity(unsigned long ratio, unsigned long len)
{
	unsigned long here = 0, before, random = PAGE * 100 / ratio * 24 / 25, same = 0;
	char words[64], *p = area(len);

	fill(p, len, random - random % 8, PAGE);
	snprintf(words, sizeof(words), "%lu swappiness=max", len);
	madvise(p, len, MADV_COLD);
	while (same < 4) {
		before = here;
		put(group, words);
		usleep(1200000);
		here = number("resident_bytes");
		same = here <= before ? same + 1 : 0;
	}
	printf("capacity-%lu\tresident\t%lu\t%lu\n", ratio, number("physical_bytes"), here);
	printf("capacity-%lu\tused\t%lu\t%lu\n", ratio, number("physical_bytes"), number("used_bytes"));
	munmap(p, len);
}

static void settle(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || mlockall(MCL_CURRENT))
		die("mlockall");
}

int main(int argc, char **argv)
{
	static char path[128];
	unsigned long len;

	settle();
	if (argc > 3) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", argv[3]);
		group = path;
	}
	if (argc == 7 && !strcmp(argv[1], "pages")) {
		len = strtoul(argv[6], NULL, 0) * MIB;
		if (!len || len > MAX_LEN)
			return 2;
		method = argv[2];
		node = atoi(argv[4]);
		chunk = strtoul(argv[5], NULL, 0);
		for (int i = 0; i < BATCHES; i++)
			batch(len, RECLAIM);
		for (int i = 0; i < BATCHES; i++)
			batch(len, ALL_AT_ONCE);
		for (int i = 0; node < 0 && i < BATCHES; i++)
			batch(PART, PAGEOUT);
		return 0;
	}
	if (argc == 9 && !strcmp(argv[1], "kv")) {
		method = argv[2];
		node = atoi(argv[4]);
		kv(argv[3], strtoul(argv[5], NULL, 0) * MIB, strtoul(argv[6], NULL, 0), argv[7][0] == '1',
		   strtoul(argv[8], NULL, 0));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "squeeze")) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", argv[2]);
		node = atoi(argv[3]);
		for (;;) {
			squeeze(argv[2], strtoul(argv[4], NULL, 0));
			usleep(20000);
		}
	}
	if (argc == 7 && !strcmp(argv[1], "half")) {
		method = argv[2];
		node = atoi(argv[4]);
		len = strtoul(argv[5], NULL, 0) * MIB;
		if (!len || len > MAX_LEN)
			return 2;
		half(len, argv[6]);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "cow")) {
		method = "fork";
		cow();
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "capacity")) {
		node = atoi(argv[4]);
		capacity(strtoul(argv[2], NULL, 0), strtoul(argv[5], NULL, 0) * MIB);
		return 0;
	}
	fprintf(stderr, "usage: cram pages METHOD GROUP NODE CHUNK MIB | half METHOD GROUP NODE MIB FILE | kv METHOD GROUP NODE MIB READS SKEW OPERATIONS | squeeze GROUP NODE BYTES | cow | capacity PERCENT GROUP NODE MIB\n");
	return 2;
}
