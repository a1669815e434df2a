// SPDX-License-Identifier: GPL-2.0-only
/* hold MIB: writes to that much anonymous memory, says so, and keeps it until standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t len = argc == 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char *p = len ? mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;

	if (p == MAP_FAILED) {
		fprintf(stderr, "usage: hold MIB\n");
		return 2;
	}
	memset(p, 1, len);
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
