// SPDX-License-Identifier: GPL-2.0-only
/*
 * take_all: takes memory until it is killed, before anybody else is.  Its own
 * text is locked: else, without swap, it would be read again for each page
 * taken, and the OOM killer could be minutes away.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define STEP (1UL << 20)

int main(void)
{
	FILE *adj = fopen("/proc/self/oom_score_adj", "we");
	char *p;

	if (!adj || fputs("1000", adj) < 0 || fclose(adj) ||
	    mlockall(MCL_CURRENT)) {
		perror("take_all: oom_score_adj or mlockall");
		return 2;
	}
	for (;;) {
		p = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, STEP);
	}
}
