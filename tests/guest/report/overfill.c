// SPDX-License-Identifier: GPL-2.0-only
/*
 * overfill FILE: maps the node's whole memory, twice, and writes to all of it:
 * dies of SIGBUS when the node is full.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define STEP	(16UL << 20)

int main(int argc, char **argv)
{
	unsigned long total = 0;
	char *map;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	if (fd < 0) {
		fprintf(stderr, "usage: overfill /dev/private_node/NAME (which can be opened)\n");
		return 0;
	}
	for (; total < (8UL << 30); total += STEP) {
		map = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED)
			break;
		memset(map, 1, STEP);
	}
	printf("# %lu bytes written\n", total);
	return 0;
}
