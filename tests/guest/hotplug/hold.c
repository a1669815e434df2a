// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: keep pages of a private node without mapping them, for holder.sh.
 *
 *	hold NODE pipe|socket|memfd
 *
 * Says "ready" and waits for the end of its standard input.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE (4 * 4096UL)

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Pages of the node in a pipe and nowhere else. */
static void into_pipe(unsigned long mask, int *fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { p, SIZE };

	if (p == MAP_FAILED || syscall(SYS_mbind, p, SIZE, MPOL_BIND, &mask, 64UL, 0))
		die("mbind");
	memset(p, 1, SIZE);
	if (pipe(fd) || vmsplice(fd[1], &iov, 1, 0) != (ssize_t)SIZE)
		die("vmsplice");
	munmap(p, SIZE);
}

static void into_socket(unsigned long mask)
{
	int fd[2], end[2];

	into_pipe(mask, fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, end))
		die("socketpair");
	if (splice(fd[0], NULL, end[0], NULL, SIZE, 0) != (ssize_t)SIZE)
		die("splice");
	close(fd[0]);
	close(fd[1]);
}

static void into_memfd(unsigned long mask)
{
	int fd = memfd_create("held", 0);
	char *p;

	if (fd < 0 || ftruncate(fd, SIZE))
		die("memfd");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || syscall(SYS_mbind, p, SIZE, MPOL_BIND, &mask, 64UL, 0))
		die("mbind");
	memset(p, 1, SIZE);
	munmap(p, SIZE);
}

int main(int argc, char **argv)
{
	unsigned long mask;
	int fd[2];
	char c;

	if (argc != 3)
		return 2;
	mask = 1UL << atoi(argv[1]);
	if (!strcmp(argv[2], "pipe"))
		into_pipe(mask, fd);
	else if (!strcmp(argv[2], "socket"))
		into_socket(mask);
	else
		into_memfd(mask);
	puts("ready");
	fflush(stdout);
	return read(0, &c, 1) < 0;
}
