// SPDX-License-Identifier: GPL-2.0-only
/*
 * user_pages: hold pages of a private node by its device map, for unplug.sh.
 *
 *	user_pages FILE BYTES private|shared [mlock] [pin] [fork]
 *
 * Fills the mapping with a pattern, says "ready", and waits for lines on
 * standard input:
 *
 *	check	every word as it was written: "intact" or "changed"
 *	touch	reads one word of each page: "sigbus N of M"
 *	read	read(2) from the mapping's first page through a pipe: "errno N"
 *	pin	takes references on 16 pages, from the first to the last: "pinned N"
 *	unpin	gives the pin back
 *
 * Ends at the end of input.  "pin" keeps the first page under a long O_DIRECT
 * like reference: vmsplice with SPLICE_F_GIFT into a pipe that nobody reads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void die(const char *what)
{
	fprintf(stderr, "user_pages: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void fill(uint64_t *map, size_t words)
{
	for (size_t i = 0; i < words; i++)
		map[i] = i * 0x9e3779b97f4a7c15ULL;
}

static bool intact(const volatile uint64_t *map, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (map[i] != i * 0x9e3779b97f4a7c15ULL)
			return false;
	return true;
}

static bool gets_sigbus(const volatile char *p)
{
	if (sigsetjmp(back, 1))
		return true;
	(void)*p;
	return false;
}

static void touch(const char *map, size_t size, size_t page)
{
	size_t hits = 0;

	for (size_t off = 0; off < size; off += page)
		hits += gets_sigbus(map + off);
	printf("sigbus %zu of %zu\n", hits, size / page);
}

static void kernel_read(const char *map)
{
	int fd[2];

	if (pipe(fd))
		die("pipe");
	errno = 0;
	if (write(fd[1], map, 8) == 8)
		errno = 0;
	printf("errno %d\n", errno);
	close(fd[0]);
	close(fd[1]);
}

/* A reference on the first page, as DMA or a socket would hold it. */
static void pin(char *map, size_t page, int fd[2])
{
	struct iovec iov = { map, page };

	if (pipe(fd))
		die("pipe");
	if (vmsplice(fd[1], &iov, 1, 0) != (ssize_t)page)
		die("vmsplice");
}

/* The same on pages all over the mapping; a pipe holds no more. */
static void pin_some(char *map, size_t size, size_t page, int fd[2])
{
	struct iovec iov = { .iov_len = page };
	int pinned = 0;

	if (pipe(fd))
		die("pipe");
	for (int i = 0; i < 16; i++) {
		iov.iov_base = map + size / page * i / 15 * page - (i == 15 ? page : 0);
		/* EFAULT: unplug was there before */
		if (vmsplice(fd[1], &iov, 1, 0) == (ssize_t)page)
			pinned++;
		else if (errno != EFAULT)
			die("vmsplice");
	}
	printf("pinned %d\n", pinned);
}

static void serve(char *map, size_t size, size_t page, int fd[2])
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "check\n"))
			puts(intact((uint64_t *)map, size / 8) ? "intact" : "changed");
		else if (!strcmp(line, "touch\n"))
			touch(map, size, page);
		else if (!strcmp(line, "read\n"))
			kernel_read(map);
		else if (!strcmp(line, "pin\n"))
			pin_some(map, size, page, fd);
		else if (!strcmp(line, "unpin\n"))
			printf("closed %d\n", close(fd[0]) | close(fd[1]));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool shared, do_mlock = false, do_pin = false, do_fork = false;
	int file, fd[2] = { -1, -1 };
	pid_t child = 0;
	size_t size;
	char *map;

	if (argc < 4) {
		fprintf(stderr, "usage: user_pages FILE BYTES private|shared [mlock] [pin] [fork]\n");
		return 2;
	}
	size = strtoull(argv[2], NULL, 0);
	shared = !strcmp(argv[3], "shared");
	for (int i = 4; i < argc; i++) {
		do_mlock |= !strcmp(argv[i], "mlock");
		do_pin |= !strcmp(argv[i], "pin");
		do_fork |= !strcmp(argv[i], "fork");
	}
	file = open(argv[1], O_RDWR);
	if (file < 0)
		die(argv[1]);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   shared ? MAP_SHARED : MAP_PRIVATE, file, 0);
	if (map == MAP_FAILED)
		die("mmap");
	signal(SIGBUS, on_sigbus);
	fill((uint64_t *)map, size / 8);
	if (do_mlock && mlock(map, size))
		die("mlock");
	if (do_pin)
		pin(map, page, fd);
	if (do_fork) {
		child = fork();
		if (!child) {
			pause();
			_exit(0);
		}
	}
	puts("ready");
	fflush(stdout);
	serve(map, size, page, fd);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}
