// SPDX-License-Identifier: GPL-2.0-only
/*
 * cold MIB: memory that compresses to about a half and is not used any more.  Says "ready", and at the
 * end of its input whether all is as it was: "intact" or "damaged".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Half of each page is noise, which repeats nowhere. */
static uint64_t word(size_t i)
{
	uint64_t x = i * 0x9e3779b97f4a7c15ULL;

	return i & 1 ? x ^ x >> 29 : 0;
}

int main(int argc, char **argv)
{
	size_t len = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) << 20, nr = len / sizeof(uint64_t), i;
	uint64_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, len, MADV_NOHUGEPAGE))
		return 1;
	for (i = 0; i < nr; i++)
		p[i] = word(i);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (i = 0; i < nr && p[i] == word(i); i++)
		;
	puts(i == nr ? "intact" : "damaged");
	return i != nr;
}
