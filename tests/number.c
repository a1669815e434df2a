// SPDX-License-Identifier: GPL-2.0-only
/*
 * number: keep a number in a DAX device, on each of its pages.
 *
 *	number FILE write N
 *	number FILE read	prints N, or on how many pages it is not
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PAGE 4096UL

/* The size is in sysfs, since the device is not a file that has one. */
static size_t size_of(const char *path)
{
	size_t size = 0;
	struct stat st;
	char name[96];
	FILE *f;

	if (stat(path, &st))
		return 0;
	snprintf(name, sizeof(name), "/sys/dev/char/%u:%u/size",
		 major(st.st_rdev), minor(st.st_rdev));
	f = fopen(name, "r");
	if (f && fscanf(f, "%zu", &size) != 1)
		size = 0;
	if (f)
		fclose(f);
	return size;
}

static void keep(uint64_t *mem, size_t size, uint64_t n)
{
	size_t at;

	for (at = 0; at < size; at += PAGE)
		mem[at / sizeof(*mem)] = n;
}

static void tell(const uint64_t *mem, size_t size)
{
	size_t at, other = 0;

	for (at = 0; at < size; at += PAGE)
		other += mem[at / sizeof(*mem)] != mem[0];
	if (other)
		printf("lost on %zu of %zu pages\n", other, size / PAGE);
	else
		printf("%lu\n", (unsigned long)mem[0]);
}

int main(int argc, char **argv)
{
	size_t size;
	void *mem;
	int fd;

	if (argc < 3 || (strcmp(argv[2], "read") && argc < 4)) {
		fprintf(stderr, "usage: number FILE write N | number FILE read\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR);
	size = size_of(argv[1]);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || mem == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	if (argc > 3)
		keep(mem, size, strtoull(argv[3], NULL, 0));
	else
		tell(mem, size);
	return 0;
}
