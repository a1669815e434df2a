// SPDX-License-Identifier: GPL-2.0-only
/*
 * place: instructions of placing memory on a node, for a machine whose clock counts them, as count.c.
 * Prints "METRIC OPERATIONS INSTRUCTIONS", a line a batch; an operation is a page, or a write.
 *
 *	place bind NODE		mbind() of 64 MiB to the node, and a first write to each page
 *	place demote NODE GROUP	64 MiB of a new cgroup GROUP, demoted to the node by its memory.reclaim
 *	place write METRIC DIR FILE TEXT
 *				one write to a file of the kernel
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES	7
#define PAGE	4096UL
#define LEN	(64UL << 20)

static void die(const char *what)
{
	fprintf(stderr, "place: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

static char *area(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, LEN, MADV_NOHUGEPAGE))
		die("mmap");
	return p;
}

static void write_all(char *p)
{
	for (unsigned long off = 0; off < LEN; off += PAGE)
		*(volatile char *)(p + off) = 1;
}

/* Pages of the area on a node. */
static unsigned long on_node(char *p, int node)
{
	static void *pages[LEN / PAGE];
	static int status[LEN / PAGE];
	unsigned long n = 0;

	for (unsigned long i = 0; i < LEN / PAGE; i++)
		pages[i] = p + i * PAGE;
	if (syscall(SYS_move_pages, 0, LEN / PAGE, pages, NULL, status, 0))
		die("move_pages");
	for (unsigned long i = 0; i < LEN / PAGE; i++)
		n += status[i] == node;
	return n;
}

static uint64_t bind_batch(int node)
{
	unsigned long mask = 1UL << node;
	char *p = area();
	uint64_t start = now();

	if (syscall(SYS_mbind, p, LEN, MPOL_BIND, &mask, 64UL, 0UL))
		die("mbind");
	write_all(p);
	start = now() - start;
	if (on_node(p, node) != LEN / PAGE)
		die("pages are not on the node");
	munmap(p, LEN);
	return start;
}

static int put(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		die(path);
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

static void demote_batch(int node, const char *group)
{
	unsigned long moved;
	uint64_t start;
	char *p;

	p = area();
	write_all(p);
	start = now();
	/* EAGAIN: less than was asked for, as what is left was used too lately */
	put(group, "memory.reclaim", "64M");
	start = now() - start;
	moved = on_node(p, node);
	if (moved < LEN / PAGE / 2)
		die("less than half was demoted");
	printf("demote\t%lu\t%llu\n", moved, (unsigned long long)start);
	munmap(p, LEN);
}

static void write_once(const char *metric, const char *dir, const char *file, const char *text)
{
	uint64_t start = now();

	errno = put(dir, file, text);
	start = now() - start;
	if (errno)
		die(text);
	printf("%s\t1\t%llu\n", metric, (unsigned long long)start);
}

int main(int argc, char **argv)
{
	int node = argc > 2 ? atoi(argv[2]) : -1;

	if (argc == 3 && !strcmp(argv[1], "bind")) {
		bind_batch(node);
		for (int i = 0; i < BATCHES; i++)
			printf("bind\t%lu\t%llu\n", LEN / PAGE, (unsigned long long)bind_batch(node));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "demote")) {
		if (mkdir(argv[3], 0755) || put(argv[3], "cgroup.procs", "0"))
			die(argv[3]);
		for (int i = 0; i < BATCHES; i++)
			demote_batch(node, argv[3]);
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "write")) {
		write_once(argv[2], argv[3], argv[4], argv[5]);
		return 0;
	}
	fprintf(stderr, "usage: place bind NODE | demote NODE GROUP | write METRIC DIR FILE TEXT\n");
	return 2;
}
