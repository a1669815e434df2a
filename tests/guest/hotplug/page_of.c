// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_of: page frame numbers, for broken.sh.
 *
 *	page_of NID		a page of the node, which it has until the end of its input
 *	page_of shared NID	a huge page, the same
 *	page_of huge ADDR SIZE	heads of huge pages in a physical range, one a line
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MPOL_BIND = 2, KPF_COMPOUND_HEAD = 15, KPF_HUGE = 17 };

static uint64_t entry(const char *file, uint64_t index)
{
	uint64_t e = 0;
	int fd = open(file, O_RDONLY);

	if (fd < 0 || pread(fd, &e, sizeof(e), index * sizeof(e)) != sizeof(e)) {
		perror(file);
		exit(1);
	}
	close(fd);
	return e;
}

static int of_node(int nid, size_t size, int flags)
{
	unsigned long page = sysconf(_SC_PAGESIZE), mask = 1UL << nid;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED ||
	    syscall(SYS_mbind, p, size, MPOL_BIND, &mask, 8 * sizeof(mask), 0)) {
		perror("mbind");
		return 1;
	}
	memset(p, 1, size);
	printf("%llu\n", (unsigned long long)
	       (entry("/proc/self/pagemap", (uintptr_t)p / page) & ((1ULL << 55) - 1)));
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static int huge(uint64_t start, uint64_t size)
{
	const uint64_t want = 1ULL << KPF_HUGE | 1ULL << KPF_COMPOUND_HEAD;
	uint64_t page = sysconf(_SC_PAGESIZE), pfn;

	for (pfn = start / page; pfn < (start + size) / page; pfn++)
		if ((entry("/proc/kpageflags", pfn) & want) == want)
			printf("%llu\n", (unsigned long long)pfn);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "huge"))
		return huge(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "shared"))
		return of_node(atoi(argv[2]), 2 << 20, MAP_SHARED | MAP_HUGETLB);
	if (argc == 2)
		return of_node(atoi(argv[1]), sysconf(_SC_PAGESIZE), MAP_PRIVATE);
	fprintf(stderr, "usage: page_of NID | page_of shared NID | page_of huge ADDR SIZE\n");
	return 2;
}
