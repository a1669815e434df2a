// SPDX-License-Identifier: GPL-2.0-only
/*
 * fragment: takes a node by its device map, gives every second page back, says "ready", and ends
 * with its standard input.
 *
 *   fragment FILE BYTES
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL

int main(int argc, char **argv)
{
	size_t len = argc == 3 ? strtoul(argv[2], NULL, 0) : 0, i;
	int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	char *p, c;

	if (fd < 0 || !len) {
		fprintf(stderr, "usage: fragment FILE BYTES\n");
		return 2;
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED || madvise(p, len, MADV_NOHUGEPAGE)) {
		perror("fragment");
		return 1;
	}
	for (i = 0; i < len; i += PAGE)
		p[i] = 1;
	for (i = 0; i < len; i += 2 * PAGE)
		madvise(p + i, PAGE, MADV_DONTNEED);
	printf("ready\n");
	fflush(stdout);
	return read(0, &c, 1) < 0;
}
