// SPDX-License-Identifier: GPL-2.0-only
/*
 * adds_up: each line of meminfo speaks of ordinary memory, what is on a private node is in lines of
 * its own, and reading what is free disturbs nobody.
 *
 * vm: --node 1G --node 512M --append private_node=1:user_numa,reclaim,demotion
 * timeout: 180
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>

#include "../devmap/devmap.h"

#define LEN (64 * MIB)
#define LEN_KB ((long)(LEN >> 10))
#define SLACK_KB 12288
#define MEMINFO "/proc/meminfo"
#define PCP "/proc/sys/vm/percpu_pagelist_high_fraction"

static char node_meminfo[64];

/* Lines that must not move, and those that show what is on the node. */
static const char *const ordinary[] = {
	"MemTotal:", "MemFree:", "MemAvailable:", "\nCached:", "SwapCached:", "Active:", "Inactive:", "Active(anon):",
	"Inactive(anon):", "Unevictable:", "Mlocked:", "AnonPages:", "Mapped:", "\nShmem:", "AnonHugePages:",
	"ShmemHugePages:", "Slab:",
};

#define MEM_FREE 1
#define MEM_AVAILABLE 2
#define NR (sizeof(ordinary) / sizeof(ordinary[0]))

struct look {
	long line[NR];
	long free, anon, shmem, mlocked;	/* Private* */
	long shared;				/* of sysinfo(2) */
};

static long kb(const char *name)
{
	return number_in(MEMINFO, name);
}

static long node_kb(const char *name)
{
	return number_in(node_meminfo, name);
}

/* In pages, of the populated zones of node nid (-1: of all), as /proc/zoneinfo has them. */
static long zones(int nid, const char *want)
{
	char line[256], word[64];
	long nr, sum = 0;
	int now = -1;
	FILE *f = fopen("/proc/zoneinfo", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %d, zone", &now) == 1)
			continue;
		if ((nid < 0 || now == nid) && sscanf(line, " %63s %ld", word, &nr) == 2 && !strcmp(word, want))
			sum += nr;
	}
	if (f)
		fclose(f);
	return sum;
}

static struct look look(void)
{
	struct look l;
	struct sysinfo si;
	unsigned int i;
	long lists;

	/* What an earlier test freed may lie in the lists of CPUs, which PrivateFree does not count. */
	node_free();
	for (i = 0; i < NR; i++)
		l.line[i] = kb(ordinary[i]);
	/*
	 * Nor do the lines of ordinary memory, and a list holds up to an eighth of a zone (53 MiB were seen).
	 * They are read after MemFree: what is emptied in between is missed, and is little.
	 */
	lists = 4 * zones(0, "count:");
	l.line[MEM_FREE] += lists;
	l.line[MEM_AVAILABLE] += lists;
	l.free = kb("PrivateFree:");
	l.anon = kb("PrivateAnon:");
	l.shmem = kb("PrivateShmem:");
	l.mlocked = kb("PrivateMlocked:");
	sysinfo(&si);
	l.shared = si.sharedram * si.mem_unit / 1024;
	return l;
}

static bool near(long a, long b, long slack)
{
	return labs(a - b) <= slack;
}

/* What moved, of the lines that must not; the number of them. */
static unsigned int moved(const struct look *a, const struct look *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR; i++)
		if (!near(a->line[i], b->line[i], SLACK_KB)) {
			printf("# %s %ld, then %ld kB\n", ordinary[i] + (*ordinary[i] == '\n'), a->line[i], b->line[i]);
			n++;
		}
	return n;
}

static void bind_to(void *p, size_t len, int nid)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64, 0))
		bail("mbind to node %d", nid);
}

static char *fill(int flags, int nid)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	bind_to(p, LEN, nid);
	memset(p, 1, LEN);
	return p;
}

static void test_anon(void)
{
	struct look before = look(), after;
	char *p = fill(MAP_PRIVATE, node);

	if (mlock(p, LEN))
		bail("mlock");
	after = look();
	ok(!moved(&before, &after), "anonymous memory on the node: no ordinary line moves");
	ok(near(after.anon - before.anon, LEN_KB, 1024) && near(before.free - after.free, LEN_KB, SLACK_KB),
	   "PrivateAnon shows it (%ld kB more), PrivateFree as well (%ld less)", after.anon - before.anon,
	   before.free - after.free);
	ok(near(after.mlocked - before.mlocked, LEN_KB, 1024), "PrivateMlocked shows it (%ld kB)",
	   after.mlocked - before.mlocked);
	ok(near(node_kb("PrivateAnon:"), after.anon, 1024), "node%d/meminfo says the same", node);
	munmap(p, LEN);

	before = look();
	p = fill(MAP_PRIVATE, 0);
	after = look();
	ok(moved(&before, &after) >= 3 && near(after.anon, before.anon, 1024),
	   "control: the same on node 0 moves them, and no private line");
	munmap(p, LEN);
}

static void test_shmem(void)
{
	struct look before = look(), after;
	char *p = fill(MAP_SHARED, node);

	after = look();
	ok(!moved(&before, &after), "shared memory on the node: no ordinary line moves");
	ok(near(after.shmem - before.shmem, LEN_KB, 1024), "PrivateShmem shows it (%ld kB)",
	   after.shmem - before.shmem);
	ok(near(after.shared, before.shared, SLACK_KB), "sysinfo(2) does not call it shared (%ld, %ld kB)",
	   before.shared, after.shared);
	/* What free(1) makes of it. */
	ok(after.shared <= after.line[0] - after.line[1], "no more is shared than is used");
	munmap(p, LEN);

	before = look();
	p = fill(MAP_SHARED, 0);
	after = look();
	ok(after.shared - before.shared >= LEN_KB / 2, "control: on node 0 it is shared");
	munmap(p, LEN);
}

/* The sum of the private lines is no more than the node. */
static void test_sum(void)
{
	char *p = fill(MAP_PRIVATE, node), *q = fill(MAP_SHARED, node);
	long total = kb("PrivateTotal:");
	long sum = kb("PrivateFree:") + kb("PrivateAnon:") + kb("PrivateShmem:") + kb("PrivateFile:") +
		   kb("PrivateSwapCached:") + kb("PrivateHugetlb:");

	/* Per-CPU lists and counters that are not folded. */
	ok(near(sum, total, SLACK_KB), "the private lines add up to PrivateTotal (%ld, %ld kB)", sum, total);
	munmap(p, LEN);
	munmap(q, LEN);
}

static void test_closed(void)
{
	long total = node_number("total_bytes") / 1024;
	char *p = fill(MAP_PRIVATE, node);

	ok(node_kb("MemTotal:") == total && node_kb("MemFree:") > 0,
	   "open to user_numa: node%d/meminfo has MemTotal and MemFree", node);
	enable("-user_numa");
	ok(!node_kb("MemTotal:") && !node_kb("MemFree:") && !node_kb("MemUsed:"), "closed: they are 0");
	/* Each CPU keeps back some of what it counted. */
	put("/proc/sys/vm/stat_refresh", "1");
	ok(node_kb("PrivateTotal:") == total && node_kb("PrivateAnon:") >= LEN_KB,
	   "... and the private lines show what there is");
	enable("+user_numa");
	ok(node_kb("MemTotal:") == total, "open again");
	munmap(p, LEN);
	strcpy(node_meminfo + strlen(node_meminfo) - strlen("1/meminfo"), "0/meminfo");
	ok(node_kb("MemTotal:") > 0 && !node_kb("PrivateTotal:"), "node 0 has no private line");
	snprintf(node_meminfo, sizeof(node_meminfo), NODE_DIR "/node%d/meminfo", node);
}

/* /proc/vmstat is raw: the sum of all zones, as /proc/zoneinfo. */
static void test_vmstat(void)
{
	long vmstat, ordinary, all;

	put("/proc/sys/vm/stat_refresh", "1");
	vmstat = number_in("/proc/vmstat", "nr_free_pages ");
	ordinary = kb("MemFree:") / 4;
	all = zones(-1, "nr_free_pages");
	ok(near(vmstat, all, SLACK_KB / 4), "nr_free_pages of /proc/vmstat is that of all zones (%ld, %ld)", vmstat, all);
	ok(near(vmstat - ordinary, kb("PrivateFree:") / 4, SLACK_KB / 4),
	   "... which is MemFree and PrivateFree (%ld pages more than MemFree)", vmstat - ordinary);
}

static int read_as_nobody(void *name)
{
	char buf[64];

	if (setgid(65534) || setuid(65534))
		return 2;
	return read_file(node_file(name), buf, sizeof(buf)) ? 0 : 1;
}

/* Frees less than a batch, which stays in this CPU's list of the node. */
static void leave_some(void)
{
	char *p = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bind_to(p, 32 * PAGE, node);
	memset(p, 1, 32 * PAGE);
	munmap(p, 32 * PAGE);
}

static void test_drain(void)
{
	long held = 0, then = 0;
	unsigned long shown;
	int i, bad = 0;

	/* After some seconds of idleness a CPU empties its lists of other nodes by itself. */
	for (i = 0; i < 20 && (!held || then < held); i++) {
		leave_some();
		held = zones(node, "count:");
		bad += in_child(read_as_nobody, "free_bytes");
		then = zones(node, "count:");
	}
	ok(!bad, "nobody reads free_bytes");
	ok(held > 0 && then >= held, "... and the %ld pages in lists of CPUs stay there (%ld)", held, then);
	shown = node_number("free_bytes") / PAGE;
	ok(near(shown, node_free(), 64), "free_bytes has them in it (%lu, %lu pages)", shown, node_free());
	ok(!zones(node, "count:"), "control: root read free_bytes_exact, and that emptied the lists");
	ok(in_child(read_as_nobody, "free_bytes_exact") == 1, "nobody does not read free_bytes_exact");
}

int main(void)
{
	find_node();
	snprintf(node_meminfo, sizeof(node_meminfo), NODE_DIR "/node%d/meminfo", node);
	enable("+user_numa");
	/* Short lists from here on: PrivateFree does not count what is in them. */
	put(PCP, "1000000");
	test_anon();
	test_shmem();
	test_sum();
	test_closed();
	test_vmstat();
	put(PCP, "0");
	test_drain();
	return done_testing();
}
