// SPDX-License-Identifier: GPL-2.0-only
/*
 * where: map a private node's device file, fill it, say where the pages are.
 *
 *	where FILE MIB		"-" for ordinary anonymous memory
 *
 * Fills MIB megabytes with a pattern, then answers a line on standard input
 * with the nodes that hold them now, after checking the pattern.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1UL << 20)

static uint64_t pattern(size_t i)
{
	return i * 0x9e3779b97f4a7c15UL + 1;
}

/* Prints "node 2: 16384 pages" from the mapping's line in numa_maps. */
static void say_where(const void *start)
{
	char line[4096], *word, *rest;
	unsigned long pages;
	int node, any = 0;
	FILE *f = fopen("/proc/self/numa_maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strtoull(line, NULL, 16) != (uintptr_t)start)
			continue;
		for (word = strtok_r(line, " \n", &rest); word;
		     word = strtok_r(NULL, " \n", &rest))
			if (sscanf(word, "N%d=%lu", &node, &pages) == 2)
				any += printf("%snode %d: %lu pages",
					      any ? ", " : "", node, pages);
	}
	if (f)
		fclose(f);
	if (!any)
		printf("nowhere");
}

static size_t damaged(const uint64_t *mem, size_t words)
{
	size_t i, bad = 0;

	for (i = 0; i < words; i++)
		bad += mem[i] != pattern(i);
	return bad;
}

int main(int argc, char **argv)
{
	int fd = -1, flags = MAP_PRIVATE;
	size_t bytes, words, i;
	char line[16];
	uint64_t *mem;

	if (argc != 3 || !atoi(argv[2])) {
		fprintf(stderr, "usage: where FILE MIB\n");
		return 2;
	}
	bytes = atoi(argv[2]) * MIB;
	words = bytes / sizeof(*mem);
	if (strcmp(argv[1], "-"))
		fd = open(argv[1], O_RDWR);
	else
		flags |= MAP_ANONYMOUS;
	if (fd < 0 && !(flags & MAP_ANONYMOUS)) {
		perror(argv[1]);
		return 1;
	}
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (mem == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	for (i = 0; i < words; i++)
		mem[i] = pattern(i);
	setvbuf(stdout, NULL, _IOLBF, 0);
	do {
		printf("  where[%d]: %s MiB of %s are on ", getpid(), argv[2],
		       fd < 0 ? "its memory" : argv[1]);
		say_where(mem);
		printf(", %zu words damaged\n", damaged(mem, words));
	} while (fgets(line, sizeof(line), stdin));
	return damaged(mem, words) ? 1 : 0;
}
