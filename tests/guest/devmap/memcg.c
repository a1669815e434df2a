// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcg: a group's memory.max is met by pages of a mapped private node, which cannot be reclaimed:
 * who asks for more is killed, in that group; the node has pages left, and nobody else is touched.
 *
 * vm: --node 768M --node 256M --append private_node=1
 * allow: oom-killer|Out of memory|Memory cgroup out of memory
 * timeout: 120
 */
#define _GNU_SOURCE
#include <sys/mount.h>

#include "devmap.h"

#define ROOT "/tmp/devmap-cg"
#define GROUP ROOT "/limited"
#define LIMIT (48 * MIB)

static int fd;
static int *ready;

static unsigned long group_number(const char *file, const char *name)
{
	char path[128], buf[8192];
	const char *at;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	if (!read_file(path, buf, sizeof(buf)))
		bail("cannot read %s", path);
	at = *name ? strstr(buf, name) : buf;
	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	if (madvise(p, len, MADV_NOHUGEPAGE))
		bail("madvise");
	return p;
}

static void enter(void)
{
	if (!write_file(GROUP "/cgroup.procs", "0"))
		bail("cannot enter " GROUP);
}

struct job {
	size_t len;
	int flags;
};

static int grow(void *arg)
{
	struct job *j = arg;

	/* An open file of its own: a shared object lives as long as its file. */
	fd = open_dev();
	enter();
	return touch(map(j->len, j->flags), j->len) == j->len / PAGE ? 0 : 100 + bus_signal;
}

/* Holds pages of the node outside of the group, first choice of any OOM killer. */
static pid_t bystander(size_t len)
{
	pid_t pid;

	*ready = 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *p = map(len, MAP_PRIVATE);

		write_file("/proc/self/oom_score_adj", "1000");
		*ready = touch(p, len) == len / PAGE ? 1 : 2;
		for (;;)
			pause();
	}
	while (!*(volatile int *)ready)
		usleep(10000);
	if (*ready != 1)
		bail("the bystander did not get its memory");
	return pid;
}

static void test_below(void)
{
	struct job j = { LIMIT / 2, MAP_PRIVATE };

	ok(!in_child(grow, &j), "below the limit: nobody is killed");
	ok(!group_number("memory.events", "oom_kill "), "below the limit: no kill was counted");
	ok(group_number("memory.peak", "") >= LIMIT / 2, "below the limit: the pages were charged, %lu bytes",
	   group_number("memory.peak", ""));
}

static void test_above(int flags, const char *kind)
{
	struct job j = { 2 * LIMIT, flags };
	unsigned long kills = group_number("memory.events", "oom_kill "), free = node_free();
	unsigned long node_kills, max = group_number("memory.events", "max ");
	pid_t other = bystander(80 * MIB);
	char stat[4096];
	int status;

	read_file(node_file("stat"), stat, sizeof(stat));
	node_kills = strtoul(strstr(stat, "oom_kills ") + 10, NULL, 10);
	status = in_child(grow, &j);
	ok(status == 128 + SIGKILL, "%s: the task that meets memory.max is killed (status %d)", kind, status);
	ok(group_number("memory.events", "oom_kill ") == kills + 1, "%s: memory.events counts the kill", kind);
	ok(group_number("memory.events", "max ") > max, "%s: memory.events counts the limit", kind);
	ok(group_number("memory.peak", "") <= LIMIT, "%s: the group never had more than its limit: %lu bytes",
	   kind, group_number("memory.peak", ""));
	ok(!waitpid(other, &status, WNOHANG), "%s: a bystander with more of the node survives", kind);
	read_file(node_file("stat"), stat, sizeof(stat));
	ok(strtoul(strstr(stat, "oom_kills ") + 10, NULL, 10) == node_kills,
	   "%s: the node's own OOM killer had no part in it", kind);
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
	ok(node_free() == free, "%s: all pages came back: %lu free, %lu before", kind, node_free(), free);
}

/* Charged where they lie, while they are there. */
static int charged(void *arg)
{
	char want[32];
	size_t len = LIMIT / 2;

	(void)arg;
	enter();
	touch(map(len, MAP_PRIVATE), len);
	snprintf(want, sizeof(want), "N%d=", node);
	if (group_number("memory.numa_stat", "anon N0=") > LIMIT / 8)
		return 1;
	if (group_number("memory.numa_stat", want) < len)
		return 2;
	return group_number("memory.current", "") < len ? 3 : 0;
}

int main(void)
{
	char limit[32];

	ready = mmap(NULL, sizeof(*ready), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	find_node();
	fd = open_dev();
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) || !write_file(ROOT "/cgroup.subtree_control", "+memory") ||
	    mkdir(GROUP, 0755))
		bail("cgroup");
	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	if (!write_file(GROUP "/memory.max", limit))
		bail("memory.max");
	test_below();
	ok(!in_child(charged, NULL), "memory.current and memory.numa_stat show the pages on the node");
	test_above(MAP_PRIVATE, "private");
	test_above(MAP_SHARED, "shared");
	set_on_full("oom");
	test_above(MAP_PRIVATE, "private, on_full=oom");
	set_on_full("fail");
	close(fd);
	rmdir(GROUP);
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
