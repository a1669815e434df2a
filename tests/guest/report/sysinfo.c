// SPDX-License-Identifier: GPL-2.0-only
/* sysinfo: is what sysinfo(2) says of memory what /proc/meminfo says? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

/* Between two readings something else may take this much. */
#define SLACK_KB	8192

static long meminfo(const char *name)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			kb = atol(line + strlen(name) + 1);
	if (f)
		fclose(f);
	return kb;
}

int main(void)
{
	struct sysinfo si;
	long total, free;

	if (sysinfo(&si)) {
		perror("sysinfo");
		return 1;
	}
	total = si.totalram / 1024 * si.mem_unit;
	free = si.freeram / 1024 * si.mem_unit;
	printf("# sysinfo: total %ld kB, free %ld kB\n", total, free);
	return total != meminfo("MemTotal") || labs(free - meminfo("MemFree")) > SLACK_KB;
}
