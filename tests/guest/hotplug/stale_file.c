// SPDX-License-Identifier: GPL-2.0-only
/*
 * stale_file: an open /dev/private_node/ file, its mappings half touched, for stale.sh and late.sh.
 *
 *	stale_file FILE
 *
 * Says "ready", and waits for lines on standard input:
 *
 *	map private|shared	maps the file again: "errno N"
 *	reopen			opens the file by its descriptor: "errno N"
 *	new private|shared	reads and writes the half that was never touched: "sigbus N of M"
 *	old private|shared	the half that was: "intact N, sigbus N of M"
 *	spin			three seconds of faults: "sigbus N of M"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SIZE (4UL << 20)

static sigjmp_buf back;
static size_t page;
static int file;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void die(const char *what)
{
	fprintf(stderr, "stale_file: %s: %s\n", what, strerror(errno));
	exit(2);
}

static char *map(int flags)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, file, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, SIZE, MADV_NOHUGEPAGE);
	return p;
}

/* What is there, or -1 for SIGBUS; every second page is read, the others are written. */
static int look(volatile char *p, size_t nr)
{
	int c;

	if (sigsetjmp(back, 1))
		return -1;
	c = *p;
	if (nr % 2)
		*p = c;
	return c;
}

static void half(char *p, bool old)
{
	size_t first = old ? 0 : SIZE / 2 / page, n = SIZE / 2 / page, i, bus = 0, intact = 0;

	for (i = 0; i < n; i++) {
		int c = look(p + (first + i) * page, i);

		bus += c < 0;
		intact += c == 'x';
	}
	if (old)
		printf("intact %zu, ", intact);
	printf("sigbus %zu of %zu\n", bus, n);
}

static void spin(char *p)
{
	struct timespec t0, t;
	size_t n = 0, bus = 0;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		madvise(p + SIZE - page, page, MADV_DONTNEED);
		bus += look(p + SIZE - page, 1) < 0;
		n++;
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while ((t.tv_sec - t0.tv_sec) * 1000 + (t.tv_nsec - t0.tv_nsec) / 1000000 < 3000);
	printf("sigbus %zu of %zu\n", bus, n);
}

static void reopen(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDWR);
	printf("errno %d\n", fd < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
}

static void map_again(int flags)
{
	char *p = map(flags);

	printf("errno %d\n", p ? 0 : errno);
	if (p)
		munmap(p, SIZE);
}

int main(int argc, char **argv)
{
	char *private, *shared, line[64];

	page = (size_t)sysconf(_SC_PAGESIZE);
	file = argc == 2 ? open(argv[1], O_RDWR) : -1;
	if (file < 0)
		die(argc == 2 ? argv[1] : "usage: stale_file FILE");
	private = map(MAP_PRIVATE);
	shared = map(MAP_SHARED);
	if (!private || !shared)
		die("mmap");
	signal(SIGBUS, on_sigbus);
	memset(private, 'x', SIZE / 2);
	memset(shared, 'x', SIZE / 2);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		bool is_shared = strstr(line, "shared");

		if (!strncmp(line, "map", 3))
			map_again(is_shared ? MAP_SHARED : MAP_PRIVATE);
		else if (!strncmp(line, "reopen", 6))
			reopen();
		else if (!strncmp(line, "new", 3) || !strncmp(line, "old", 3))
			half(is_shared ? shared : private, line[0] == 'o');
		else if (!strncmp(line, "spin", 4))
			spin(private);
		fflush(stdout);
	}
	return 0;
}
