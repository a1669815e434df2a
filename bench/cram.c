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
 *	cram kv METHOD GROUP NODE MIB READS SKEW OPERATIONS POOL
 *					a table of MIB in records of 1 KiB with DRAM for half of it: READS of 100
 *					operations read a record, the others write one; SKEW 1: four of five go
 *					to a fifth of them, and so on; prints what all of it took ("kv-..."), and
 *					of that what keeping to half took ("...-reclaim"); on a device also the
 *					lines of 64 bytes that were on it, each access ("...-lines") and each line
 *					once ("...-cached").  POOL: what is compressed in DRAM is a part of that
 *					half ("in"), or is not ("out"); or there is DRAM for all of it ("none").
 *					A record is written by copying one of many that were made before
 *	cram squeeze GROUP NODE BYTES	brings a cgroup back to so much DRAM, its pool not counted; prints what it took
 *	cram cow			the first write to a page after fork()
 *	cram copy			to copy a page, as kernels do
 *	cram scale METHOD GROUP NODE MIB	a batch on a device, moved there, written to in place, and freed; and what the
 *					kernel's workers did until the device had trimmed it
 *	cram capacity RATIO GROUP NODE MIB	data that compresses by a little more than RATIO percent / 100,
 *					until the device takes no more; prints the bytes it has in pages
 */
#define _GNU_SOURCE
#include <dirent.h>
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

static const char *method = "", *group;
static int node;
static unsigned long chunk;
/* Of several devices: node is the first of them. */
static bool any_device;
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
			if (status[i] == node || (any_device && status[i] > 0))
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

/* As find_away(), nearly all of them. */
static unsigned long all_away(char *p, unsigned long len)
{
	unsigned long n = find_away(p, len);

	if (n >= len / PAGE * 9 / 10)
		return n;
	fprintf(stderr, "cram: %s: only %lu of %lu pages were moved\n", method, n, len / PAGE);
	exit(1);
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

/* A device is told what went, and its readings cover what came. */
static void settle_down(void)
{
	usleep(1500000);
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
	n = all_away(p, len);
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

/* The number behind @name in a file, or the first one of all. */
static unsigned long number_in(const char *path, const char *name)
{
	static char text[16384];
	const char *at = text;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		die(path);
	close(fd);
	text[n] = 0;
	if (name) {
		at = strstr(text, name);
		if (!at) {
			fprintf(stderr, "cram: %s: no '%s'\n", path, name);
			exit(1);
		}
		at += strlen(name);
	}
	return strtoul(at, NULL, 0);
}

/* Half of an area is moved; where the pages are then, and what FILE says is used for them. */
static void half(unsigned long len, const char *file)
{
	char words[64], *p = area(len);
	unsigned long n;

	fill(p, len, PAGE / 2, PAGE);
	madvise(p, len, MADV_COLD);
	snprintf(words, sizeof(words), "%lu swappiness=max", len / 2);
	put(group, words);
	n = find_away(p, len);
	usleep(1500000);
	print("dram", len / PAGE - n, 0);
	print("away", n, number_in(file, NULL));
	munmap(p, len);
}

static unsigned long group_number(const char *dir, const char *file, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return number_in(path, name);
}

/* What zram has stored takes; nobody is charged for it. */
static unsigned long zram_pool(void)
{
	char text[256] = "";
	unsigned long used = 0;
	int fd = open("/sys/block/zram0/mm_stat", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0 || sscanf(text, "%*u %*u %lu", &used) != 1)
		die("mm_stat");
	close(fd);
	return used;
}

static bool pool_counts, dram_for_all;

/* zswap's pool is charged to the cgroup, zram's is not; what is on a device is neither. */
static unsigned long dram(const char *dir)
{
	unsigned long all = group_number(dir, "memory.current", NULL);

	if (pool_counts)
		return !strncmp(method, "zram", 4) ? all + zram_pool() : all;
	/* Half a million instructions, where it would be 0. */
	if (*method && strncmp(method, "zswap", 5))
		return all;
	return all - group_number(dir, "memory.stat", "\nzswap ");
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
#define VALUES	512	/* few enough to be locked, and so many that a page seldom has one twice */
#define EVERY	128	/* operations between two looks at the limit */
#define LINE	64UL

/* How many lines of a device would as many operations touch as there were, and how many different ones? */
static void device_lines(const char *name, char *p, unsigned long len, bool skew, unsigned long operations)
{
	static bool on_device[MAX_LEN / PAGE], seen[MAX_LEN / RECORD];
	unsigned long records = len / RECORD - 1, all = 0, once = 0, n, i, record;
	char text[64];

	n = find_away(p, len);
	memset(on_device, 0, sizeof(on_device));
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++)
		on_device[away[i]] = true;
	for (i = 0; i < operations; i++) {
		record = pick(records, skew);
		if (!on_device[record * RECORD / PAGE])
			continue;
		all += RECORD / LINE;
		once += seen[record] ? 0 : RECORD / LINE;
		seen[record] = true;
	}
	snprintf(text, sizeof(text), "%s-lines", name);
	print(text, operations, all);
	snprintf(text, sizeof(text), "%s-cached", name);
	print(text, operations, once);
}

/* Word by word: a REP instruction would count differently on each processor. */
static void copy_words(volatile uint64_t *to, const uint64_t *from, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		to[i] = from[i];
}

static void kv(const char *dir, unsigned long len, unsigned long reads, bool skew, unsigned long operations)
{
	static uint64_t values[VALUES][RECORD / 8];
	unsigned long limit = dram(dir) + (dram_for_all ? 2 * len : len / 2), n = len / RECORD - 1;
	uint64_t start, reclaim = 0, sum = 0, took;
	char name[32], more[48], *p = area(len);

	fill(p, len, 0, 0);
	fill((char *)values, sizeof(values), 0, 0);
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
				copy_words(w, values[draw() % VALUES], RECORD / 8);
		}
		took = now() - start;
	}
	sink += sum;
	snprintf(name, sizeof(name), "kv%s-%lu-%s", pool_counts ? "-pool" : "", reads, skew ? "skew" : "even");
	print(name, operations, took);
	snprintf(more, sizeof(more), "%s-reclaim", name);
	print(more, operations, reclaim);
	if (node >= 0)
		device_lines(name, p, len, skew, operations);
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
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/private/cram/%s", node, file);
	return number_in(path, NULL);
}

static void copy_movnti(char *to, const char *from)
{
	for (unsigned long i = 0; i < PAGE; i += 8)
		_mm_stream_si64((long long *)(to + i), *(const long long *)(from + i));
	_mm_sfence();
}

static void copy_movsb(char *to, const char *from)
{
	unsigned long n = PAGE;

	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (n) : : "memory");
}

static void copy_movsq(char *to, const char *from)
{
	unsigned long n = PAGE / 8;

	asm volatile("rep movsq" : "+D" (to), "+S" (from), "+c" (n) : : "memory");
}

static void copies(const char *metric, void (*copy)(char *to, const char *from))
{
	char *p = area(PART);
	uint64_t start;

	fill(p, PART, 0, 0);
	start = now();
	for (unsigned long i = 0; i + PAGE < PART; i += 2 * PAGE)
		copy(p + i, p + i + PAGE);
	print(metric, PART / PAGE / 2, now() - start);
	munmap(p, PART);
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

/* Nanoseconds, here instructions, that the kernel's workers have run. */
static uint64_t workers(void)
{
	char path[320], name[32];
	uint64_t sum = 0, ran;
	struct dirent *e;
	FILE *f;
	DIR *d = opendir("/proc");

	while ((e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (!fgets(name, sizeof(name), f))
			name[0] = 0;
		fclose(f);
		if (strncmp(name, "kworker/", 8))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/schedstat", e->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%lu", &ran) == 1)
			sum += ran;
		if (f)
			fclose(f);
	}
	closedir(d);
	return sum;
}

/* Does one of the devices still trim? */
static bool trims(void)
{
	char path[128];
	int nid;

	for (nid = 1; nid < 64; nid++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/private/cram/untrimmed_bytes", nid);
		if (!access(path, F_OK) && number_in(path, NULL))
			return true;
	}
	return false;
}

static void scale(unsigned long len)
{
	char words[64], *p = area(len);
	uint64_t start, ran;
	unsigned long n;

	fill(p, len, PAGE / 2, PAGE);
	madvise(p, len, MADV_COLD);
	snprintf(words, sizeof(words), "%lu swappiness=max", len);
	start = now();
	put(group, words);
	start = now() - start;
	n = all_away(p, len);
	print("demotion", n, start);
	print("fault", n, touch_pieces(p, 0, 1, n, true));
	ran = workers();
	start = now();
	munmap(p, len);
	print("free", n, now() - start);
	do
		usleep(200000);
	while (trims());
	print("trim", n, workers() - ran);
	settle_down();
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
	if (argc == 6 && !strcmp(argv[1], "scale")) {
		any_device = true;
		method = argv[2];
		node = atoi(argv[4]);
		for (int i = 0; i < BATCHES; i++)
			scale(strtoul(argv[5], NULL, 0) * MIB);
		return 0;
	}
	if (argc == 10 && !strcmp(argv[1], "kv")) {
		pool_counts = !strcmp(argv[9], "in");
		dram_for_all = !strcmp(argv[9], "none");
		method = argv[2];
		node = atoi(argv[4]);
		kv(argv[3], strtoul(argv[5], NULL, 0) * MIB, strtoul(argv[6], NULL, 0), argv[7][0] == '1',
		   strtoul(argv[8], NULL, 0));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "squeeze")) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", argv[2]);
		node = atoi(argv[3]);
		printf("%llu\n", (unsigned long long)squeeze(argv[2], strtoul(argv[4], NULL, 0)));
		return 0;
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
	if (argc == 2 && !strcmp(argv[1], "copy")) {
		method = "copy";
		copies("movsb", copy_movsb);
		copies("movsq", copy_movsq);
		copies("movnti", copy_movnti);
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "capacity")) {
		node = atoi(argv[4]);
		capacity(strtoul(argv[2], NULL, 0), strtoul(argv[5], NULL, 0) * MIB);
		return 0;
	}
	fprintf(stderr, "usage: cram pages METHOD GROUP NODE CHUNK MIB | half METHOD GROUP NODE MIB FILE | kv METHOD GROUP NODE MIB READS SKEW OPERATIONS in|out|none | squeeze GROUP NODE BYTES | cow | copy | scale METHOD GROUP NODE MIB | capacity PERCENT GROUP NODE MIB\n");
	return 2;
}
