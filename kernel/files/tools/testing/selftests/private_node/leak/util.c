// SPDX-License-Identifier: GPL-2.0-only
/* Files, nodes and memory: what rows have in common. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"

/* No malloc: this runs when there is no memory. */
bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return false;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = '\0';
	close(fd);
	return true;
}

bool write_file(const char *path, const char *fmt, ...)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char buf[256];
	va_list ap;
	ssize_t n;
	int len;

	if (fd < 0)
		return false;
	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	n = write(fd, buf, len);
	close(fd);
	return n == len;
}

bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* "0,2-3" -> mask */
unsigned long parse_nodes(const char *s)
{
	unsigned long mask = 0;
	char *end;

	while (isdigit((unsigned char)*s)) {
		long a = strtol(s, &end, 10), b = a;

		if (*end == '-')
			b = strtol(end + 1, &end, 10);
		for (; a <= b && a < MAX_NODES; a++)
			mask |= 1UL << a;
		s = *end == ',' ? end + 1 : end;
	}
	return mask;
}

unsigned long node_set(const char *file)
{
	char path[128], buf[256];

	snprintf(path, sizeof(path), "/sys/devices/system/node/%s", file);
	return read_file(path, buf, sizeof(buf)) ? parse_nodes(buf) : 0;
}

/* The number behind a word at the start of a line. */
static unsigned long number_after(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *p;

	for (p = text; (p = strstr(p, word)); p += len)
		if ((p == text || p[-1] == '\n') && p[len] == ' ')
			return strtoul(p + len, NULL, 10);
	return 0;
}

unsigned long vmstat_sum(const char *const *names)
{
	static char buf[32768];
	unsigned long sum = 0;

	if (read_file("/proc/vmstat", buf, sizeof(buf)))
		for (; *names; names++)
			sum += number_after(buf, *names);
	return sum;
}

unsigned long vmstat(const char *name)
{
	const char *const names[] = { name, NULL };

	return vmstat_sum(names);
}

unsigned long node_events(int node)
{
	char path[128], buf[512];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/numastat", node);
	if (!read_file(path, buf, sizeof(buf)))
		return 0;
	return number_after(buf, "numa_hit") + number_after(buf, "numa_miss");
}

/* Sums "field value" lines of a node's zones; field as printed, with ':' if it has one. */
unsigned long node_field(int node, const char *field)
{
	static char buf[262144];
	unsigned long sum = 0;
	char *line, *save = NULL;
	bool ours = false;
	char format[64];
	int nid;

	snprintf(format, sizeof(format), " %s %%lu", field);
	if (!read_file("/proc/zoneinfo", buf, sizeof(buf)))
		return 0;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long v;

		if (sscanf(line, "Node %d, zone", &nid) == 1)
			ours = nid == node;
		else if (ours && sscanf(line, format, &v) == 1)
			sum += v;
	}
	return sum;
}

static unsigned long free_now(int node)
{
	return node_field(node, "pages free") + node_field(node, "count:");
}

/*
 * A private node says itself how much is free, and drains its per-CPU lists for it.  Otherwise
 * pages that go from a per-CPU list to the buddy between two looks would be missed: look until
 * they rest.
 */
unsigned long node_free(int node)
{
	unsigned long now, last;
	char path[96], buf[64];
	int i;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/private/free_bytes_exact",
		 node);
	if (read_file(path, buf, sizeof(buf)))
		return strtoul(buf, NULL, 10) / PAGE;
	last = free_now(node);
	for (i = 0; i < 5 && (now = free_now(node)) != last; i++)
		last = now;
	return last;
}

void *map_anon(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void touch(void *p, size_t size)
{
	volatile char *c = p;
	size_t i;

	for (i = 0; c && i < size; i += PAGE)
		c[i] = 1;
}

void touch_on(unsigned long mask, void *p, size_t size)
{
	bind_range(p, size, mask);
	touch(p, size);
	syscall(SYS_mbind, p, size, MPOL_DEFAULT, NULL, 0, 0);
}

bool scratch(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("scratch", "/mnt", "tmpfs", 0, "size=90%");
}

bool bind_self(int node)
{
	unsigned long mask = 1UL << node;

	return !syscall(SYS_set_mempolicy, MPOL_BIND, &mask, MAX_NODES + 1);
}

bool bind_range(void *p, size_t size, unsigned long mask)
{
	return !syscall(SYS_mbind, p, size, MPOL_BIND, &mask, MAX_NODES + 1, 0);
}

pid_t run_program(char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		int fd = open("/dev/null", O_RDWR);

		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

int wait_program(pid_t pid)
{
	int status = -1;

	if (pid > 0)
		waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Full: more than the exhausted nodes have left above their watermarks, and can reclaim. */
size_t amount(const struct ctx *c)
{
	return c->full ? 64 * MIB : 4 * MIB;
}

/* The zone's reserve against requests that could do with a higher zone: fourth of the list. */
static unsigned long reserve(const char *line)
{
	unsigned long v = 0;

	sscanf(line, " protection: (%*u, %*u, %*u, %lu", &v);
	return v;
}

unsigned long node_spare(int node)
{
	static char buf[262144];
	unsigned long free = 0, low = 0, sum = 0, v;
	char *line, *save = NULL;
	bool ours = false;
	int nid;

	if (!read_file("/proc/zoneinfo", buf, sizeof(buf)))
		return 0;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "Node %d, zone", &nid) == 1)
			ours = nid == node;
		else if (ours && sscanf(line, " pages free %lu", &v) == 1)
			free = v;
		else if (ours && sscanf(line, " low %lu", &v) == 1)
			low = v;
		else if (ours && strstr(line, "protection:") && free > low + reserve(line))
			sum += free - low - reserve(line);
	}
	return sum;
}

void press(const struct ctx *c)
{
	unsigned long left = 1;
	size_t at;
	char *p;
	int n;

	if (!c->full)
		return;
	p = map_anon(64 * MIB);
	for (at = 0; left && at < 64 * MIB; at += 16 * PAGE) {
		for (n = 0, left = 0; n < MAX_NODES; n++)
			if (c->ordinary >> n & 1 && node_spare(n) > 32)
				left++;
		if (left)
			touch(p + at, 16 * PAGE);
	}
}
