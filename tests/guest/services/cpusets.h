/* SPDX-License-Identifier: GPL-2.0-only */
/* cpusets.h: cgroups with a cpuset, and on which nodes memory is */
#ifndef CPUSETS_H
#define CPUSETS_H

#include <linux/mempolicy.h>
#include <sys/mount.h>

#include "../devmap/devmap.h"

#define ROOT "/tmp/cpuset-cg"
#define LEN (4 * MIB)

static unsigned long parse(const char *list)
{
	unsigned long mask = 0, from, to;
	char *end;

	while (*list >= '0' && *list <= '9') {
		from = to = strtoul(list, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to; from++)
			mask |= 1UL << from;
		list = *end == ',' ? end + 1 : end;
	}
	return mask;
}

static const char *file_of(const char *group, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), ROOT "%s%s/cpuset.%s", *group ? "/" : "", group, file);
	return path;
}

__attribute__((unused))
static unsigned long mask_in(const char *group, const char *file)
{
	char buf[128];

	if (!read_file(file_of(group, file), buf, sizeof(buf)))
		bail("cannot read %s", file_of(group, file));
	return parse(buf);
}

__attribute__((unused))
static bool set(const char *group, const char *file, const char *value)
{
	return write_file(file_of(group, file), *value ? value : "\n");
}

__attribute__((unused))
static void enter(const char *group)
{
	char path[300], pid[16];

	snprintf(path, sizeof(path), ROOT "%s%s/cgroup.procs", *group ? "/" : "", group);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (!write_file(path, pid))
		bail("cannot enter %s", path);
}

__attribute__((unused))
static void make(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755))
		bail("mkdir %s", path);
}

__attribute__((unused))
static void drop(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	rmdir(path);
}

__attribute__((unused))
static char *anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

__attribute__((unused))
static long bind_range(void *p, int mode, unsigned long mask)
{
	return syscall(SYS_mbind, p, LEN, mode, &mask, 64UL, 0);
}

/* Mask of the nodes where the pages of the range are. */
__attribute__((unused))
static unsigned long nodes_of(char *p, size_t len)
{
	unsigned long i, mask = 0;
	void *page;
	int status;

	for (i = 0; i < len; i += PAGE) {
		page = p + i;
		if (!syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) && status >= 0)
			mask |= 1UL << status;
	}
	return mask;
}

__attribute__((unused))
static unsigned long status_mems(void)
{
	char buf[8192], *at;

	if (!read_file("/proc/self/status", buf, sizeof(buf)))
		bail("status");
	at = strstr(buf, "Mems_allowed_list:\t");
	return at ? parse(at + 19) : 0;
}

/* Mounts cgroup v2 with the controller for all groups. */
__attribute__((unused))
static void mount_cpusets(void)
{
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) || !write_file(ROOT "/cgroup.subtree_control", "+cpuset"))
		bail("cgroup");
}

#endif /* CPUSETS_H */
