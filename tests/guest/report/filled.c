// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program fills the private node through its device map: what can be had
 * does not move, and every report shows the pages.
 *
 * vm: --node 1G --node 512M --append private_node=1
 * vm: --node 1G --node 256M --node 512M --append private_node=1 --append private_node=2
 * timeout: 180
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define NODE		"/sys/devices/system/node/node1/"
#define CG		"/tmp/report-cg"
#define SIZE		(128UL << 20)
#define SIZE_KB		((long)(SIZE >> 10))
/* Page tables, programs that run meanwhile, counters that are not folded. */
#define SLACK_KB	8192

/* The number after the first line's part NAME in FILE, or -1. */
static long number(const char *file, const char *name)
{
	char line[8192];
	long n = -1;
	char *at;
	FILE *f = fopen(file, "r");

	while (n < 0 && f && fgets(line, sizeof(line), f)) {
		at = strstr(line, name);
		if (at)
			n = strtol(at + strlen(name), NULL, 10);
	}
	if (f)
		fclose(f);
	return n;
}

/* A number alone in a file. */
static long value(const char *file)
{
	return number(file, "");
}

struct counters {
	long mem_free, available, dirty, private_free, node_free, numa_hit;
	long used;
};

static struct counters look(void)
{
	return (struct counters) {
		.mem_free = number("/proc/meminfo", "MemFree:"),
		.available = number("/proc/meminfo", "MemAvailable:"),
		.dirty = number("/proc/vmstat", "nr_dirty_threshold "),
		.private_free = number("/proc/meminfo", "PrivateFree:"),
		.node_free = value(NODE "private/free_bytes_exact") / 1024,
		.numa_hit = number(NODE "numastat", "numa_hit "),
		.used = number(NODE "private/stat", "device_map_used "),
	};
}

/* The nth blank-separated word "N1=" in the line of numa_maps for our file. */
static long numa_maps_pages(void *addr)
{
	char start[32];
	char line[4096];
	long n = -1;
	FILE *f = fopen("/proc/self/numa_maps", "r");
	char *at;

	snprintf(start, sizeof(start), "%lx ", (unsigned long)addr);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, start, strlen(start))) {
			at = strstr(line, " N1=");
			n = at ? strtol(at + 4, NULL, 10) : 0;
		}
	if (f)
		fclose(f);
	return n;
}

static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static int join_cgroup(void)
{
	mkdir(CG, 0755);
	if (mount("none", CG, "cgroup2", 0, NULL) ||
	    put(CG "/cgroup.subtree_control", "+memory") ||
	    mkdir(CG "/filled", 0755) || put(CG "/filled/cgroup.procs", "0")) {
		perror("# cgroup");
		return -1;
	}
	return 0;
}

static void check_filled(const struct counters *before, char *map)
{
	struct counters now = look();
	long moved = labs(before->mem_free - now.mem_free);
	long avail = labs(before->available - now.available);
	long page = sysconf(_SC_PAGESIZE);
	long pages = SIZE / page;

	ok(moved < SLACK_KB, "MemFree does not move (%ld kB)", moved);
	ok(avail < SLACK_KB, "MemAvailable does not move (%ld kB)", avail);
	ok(labs(now.dirty - before->dirty) < SLACK_KB / 4,
	   "nor does the dirty threshold (%ld, %ld pages)", before->dirty, now.dirty);
	ok(before->private_free - now.private_free >= SIZE_KB - SLACK_KB,
	   "PrivateFree does (%ld, %ld kB)", before->private_free, now.private_free);
	ok(before->node_free - now.node_free == SIZE_KB,
	   "free_bytes_exact does, to the page (%ld, %ld kB)", before->node_free, now.node_free);
	ok(now.used - before->used == pages, "stat counts the pages (%ld)",
	   now.used - before->used);
	ok(now.numa_hit > before->numa_hit, "numastat counts hits (%ld, %ld)",
	   before->numa_hit, now.numa_hit);
	ok(numa_maps_pages(map) == pages, "numa_maps shows them on the node (%ld)",
	   numa_maps_pages(map));
	ok(value(CG "/filled/memory.current") >= (long)SIZE,
	   "memory.current charges them (%ld)", value(CG "/filled/memory.current"));
	ok(number(CG "/filled/memory.numa_stat", "N1=") >= (long)SIZE - 64 * page,
	   "memory.numa_stat shows them on the node (%ld)",
	   number(CG "/filled/memory.numa_stat", "N1="));
}

static int child(void)
{
	struct counters before = look();
	int fd = open("/dev/private_node/node1", O_RDWR);
	char *map;

	if (!ok(fd >= 0, "the node has a device map") || join_cgroup())
		return 1;
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (!ok(map != MAP_FAILED, "which can be mapped"))
		return 1;
	memset(map, 1, SIZE);
	check_filled(&before, map);
	munmap(map, SIZE);
	ok(look().node_free == before.node_free, "free_bytes_exact is back");
	return put(CG "/cgroup.procs", "0") || tap_failed;
}

int main(void)
{
	int status = child();

	rmdir(CG "/filled");
	umount2(CG, MNT_DETACH);
	return done_testing() || status;
}
