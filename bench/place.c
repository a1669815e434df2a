// SPDX-License-Identifier: GPL-2.0-only
/*
 * place: instructions of placing memory on a node, for a machine whose clock counts them, as count.c.
 * Prints "METRIC OPERATIONS INSTRUCTIONS", a line a batch; an operation is a page, or a write.
 *
 *	place bind NODE		mbind() of 64 MiB to the node, and a first write to each page
 *	place fallback NODE	a first write to each page of 64 MiB that is bound to the node, if that is
 *				private, when it is full and memory falls back to node 0; else not bound
 *	place demote NODE GROUP	64 MiB of a new cgroup GROUP, demoted to the node by its memory.reclaim
 *	place write METRIC DIR FILE TEXT
 *				one write to a file of the kernel
 *	place owner DIR NAME COUNT
 *				an owner, private_node_sim in DIR, takes COUNT pages of the node NAME
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
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

static void bind_to(char *p, unsigned long len, int node)
{
	unsigned long mask = 1UL << node;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		die("mbind");
}

static uint64_t bind_batch(int node)
{
	char *p = area();
	uint64_t start = now();

	bind_to(p, LEN, node);
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

#define PRIVATE	"/sys/devices/system/node/node%d/private"

/* Takes all of the node, in an area that stays. */
static void fill(const char *files, int node)
{
	unsigned long len;
	char path[256];
	FILE *f;
	char *p;

	snprintf(path, sizeof(path), "%s/total_bytes", files);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu", &len) != 1)
		die(path);
	fclose(f);
	len += LEN;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	bind_to(p, len, node);
	/* EFAULT: full */
	madvise(p, len, MADV_POPULATE_WRITE);
}

static void fallback_batch(bool is_private, int node)
{
	char *p = area();
	uint64_t start;

	if (is_private)
		bind_to(p, LEN, node);
	start = now();
	write_all(p);
	start = now() - start;
	if (on_node(p, 0) != LEN / PAGE)
		die("pages are not on node 0");
	printf("fallback-fault\t%lu\t%llu\n", LEN / PAGE, (unsigned long long)start);
	munmap(p, LEN);
}

static void fall_back(int node)
{
	char files[128];
	bool is_private;

	snprintf(files, sizeof(files), PRIVATE, node);
	is_private = !access(files, F_OK);
	if (is_private) {
		fill(files, node);
		if (put(files, "on_full", "fallback:0"))
			die("on_full");
	}
	for (int i = 0; i < BATCHES; i++)
		fallback_batch(is_private, node);
	if (is_private)
		put(files, "on_full", "fail");
}

static void take(const char *dir, const char *name, unsigned long count)
{
	char text[128];
	uint64_t start;

	snprintf(text, sizeof(text), "node=%s count=%lu", name, count);
	start = now();
	errno = put(dir, "alloc", text);
	start = now() - start;
	if (errno)
		die(text);
	printf("owner-alloc\t%lu\t%llu\n", count, (unsigned long long)start);
	put(dir, "free", "all");
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
	if (argc == 3 && !strcmp(argv[1], "fallback")) {
		fall_back(node);
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "owner")) {
		for (int i = 0; i < BATCHES; i++)
			take(argv[2], argv[3], strtoul(argv[4], NULL, 10));
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "write")) {
		write_once(argv[2], argv[3], argv[4], argv[5]);
		return 0;
	}
	fprintf(stderr, "usage: place bind NODE | fallback NODE | owner DIR NAME COUNT | demote NODE GROUP | write METRIC DIR FILE TEXT\n");
	return 2;
}
