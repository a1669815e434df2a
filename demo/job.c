// SPDX-License-Identifier: GPL-2.0-only
/*
 * job: memory of malloc(), used by an accelerator and then by the processor.
 *
 *	job MIB DEVICE...
 *
 * Adds two vectors of MIB megabytes on each simulated accelerator, one after
 * the other; says where the result is and checks each word of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kernel/files/lib/test_npu_uapi.h"

#define MIB (1UL << 20)

static size_t bytes;

/* Pages of the mapping on each node, from its line in numa_maps. */
static void say_where(const char *what, const void *start)
{
	char line[4096], *word, *rest;
	FILE *f = fopen("/proc/self/numa_maps", "r");
	unsigned long pages;
	int node;

	printf("  %-34s", what);
	while (f && fgets(line, sizeof(line), f)) {
		if (strtoull(line, NULL, 16) != (uintptr_t)start)
			continue;
		for (word = strtok_r(line, " \n", &rest); word;
		     word = strtok_r(NULL, " \n", &rest))
			if (sscanf(word, "N%d=%lu", &node, &pages) == 2)
				printf(" %lu pages on node %d", pages, node);
	}
	if (f)
		fclose(f);
	putchar('\n');
}

static uint32_t *vector(uint32_t first)
{
	uint32_t *v = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (v == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	for (i = 0; i < bytes / sizeof(*v); i++)
		v[i] = first + i;
	return v;
}

static void add_on(const char *device, uint32_t *to, uint32_t *a, uint32_t *b)
{
	struct npu_sim_job job = {
		.op = NPU_SIM_ADD, .dst = (uintptr_t)to, .a = (uintptr_t)a,
		.b = (uintptr_t)b, .len = bytes,
	};
	struct npu_sim_wait wait = { };
	int fd = open(device, O_RDWR);

	if (fd < 0 || ioctl(fd, NPU_SIM_SUBMIT, &job)) {
		perror(device);
		exit(1);
	}
	wait.id = job.id;
	if (ioctl(fd, NPU_SIM_WAIT, &wait) || wait.error) {
		fprintf(stderr, "%s: %s\n", device, strerror(wait.error ? -wait.error : errno));
		exit(1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	uint32_t *a, *b, *sum;
	size_t i, bad = 0;
	int d;

	if (argc < 3 || !atoi(argv[1])) {
		fprintf(stderr, "usage: job MIB DEVICE...\n");
		return 2;
	}
	bytes = atoi(argv[1]) * MIB;
	a = vector(1);
	b = vector(2);
	sum = vector(0);
	say_where("written by the processor:", sum);
	for (d = 2; d < argc; d++) {
		add_on(argv[d], sum, a, b);
		say_where(argv[d] + strlen("/dev/"), sum);
	}
	for (i = 0; i < bytes / sizeof(*sum); i++)
		bad += sum[i] != (uint32_t)(3 + 2 * i);
	say_where("read by the processor, in place:", sum);
	printf("  %zu of %zu sums are wrong\n", bad, bytes / sizeof(*sum));
	return bad ? 1 : 0;
}
