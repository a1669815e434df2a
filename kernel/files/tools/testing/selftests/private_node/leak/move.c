// SPDX-License-Identifier: GPL-2.0-only
/* What moves or merges pages, control groups, and what reclaims. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "leak.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define SIZE (4 * MIB)
#define CGROUP "/sys/fs/cgroup/leak"
#define DAMON "/sys/kernel/mm/damon/admin/kdamonds"

static int move_pages_row(struct ctx *c)
{
	static void *pages[SIZE / PAGE];
	static int nodes[SIZE / PAGE], status[SIZE / PAGE];
	char *p = map_anon(SIZE);
	size_t i;

	touch_on(c->ordinary, p, SIZE);
	for (i = 0; i < SIZE / PAGE; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = c->node;
	}
	mark();
	if (syscall(SYS_move_pages, 0, SIZE / PAGE, pages, nodes, status, 0x2) < 0)
		note_errno("move_pages");
	return DONE;
}

static int migrate_pages_row(struct ctx *c)
{
	unsigned long from = c->ordinary, to = 1UL << c->node;

	touch_on(c->ordinary, map_anon(SIZE), SIZE);
	mark();
	if (syscall(SYS_migrate_pages, getpid(), MAX_NODES + 1, &from, &to) < 0)
		note_errno("migrate_pages");
	return DONE;
}

/* A group of its own; the process joins it. */
static bool enter_group(const char *controllers)
{
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "%s", controllers);
	rmdir(CGROUP);
	mkdir(CGROUP, 0755);
	return write_file(CGROUP "/cgroup.procs", "%d", getpid());
}

/* A group outlives its processes; the next one removes it. */
static int cpuset_mems(struct ctx *c)
{
	if (!enter_group("+cpuset"))
		return skip_row("cgroup: cannot be made");
	if (!write_file(CGROUP "/cpuset.mems", "%d", c->node))
		note_errno("cpuset.mems");
	touch(map_anon(SIZE), SIZE);
	write_file("/sys/fs/cgroup/cgroup.procs", "%d", getpid());
	return DONE;
}

/* A change of cpuset.mems moves the members' pages. */
static int cpuset_migrate(struct ctx *c)
{
	if (!enter_group("+cpuset"))
		return skip_row("cgroup: cannot be made");
	touch_on(c->ordinary, map_anon(SIZE), SIZE);
	mark();
	if (!write_file(CGROUP "/cpuset.mems", "%d", c->node))
		note_errno("cpuset.mems");
	/* The write has waited for the move. */
	write_file("/sys/fs/cgroup/cgroup.procs", "%d", getpid());
	return DONE;
}

static int cpuset_all(struct ctx *c)
{
	if (!enter_group("+cpuset"))
		return skip_row("cgroup: cannot be made");
	write_file(CGROUP "/cpuset.mems", "0-63");
	touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

static int memcg_max(struct ctx *c)
{
	if (!enter_group("+memory") || !write_file(CGROUP "/memory.max", "%lu", 48 * MIB))
		return skip_row("cgroup: memory.max cannot be set");
	touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

/* What reclaim writes out of the group, or demotes, has to go somewhere. */
static int memcg_reclaim(struct ctx *c)
{
	void *p = map_anon(32 * MIB);

	if (!enter_group("+memory"))
		return skip_row("cgroup: cannot be made");
	touch_on(c->ordinary, p, 32 * MIB);
	mark();
	write_file("/sys/kernel/mm/numa/demotion_enabled", "1");
	if (!write_file(CGROUP "/memory.reclaim", "%lu", 16 * MIB))
		note_errno("memory.reclaim");
	return DONE;
}

/* More than the fast node has, with demotion on: cold pages go down. */
static int demotion(struct ctx *c)
{
	int fast = __builtin_ctzl(c->ordinary);
	size_t size = node_free(fast) * PAGE + 48 * MIB;
	void *p = map_anon(size);

	if (!write_file("/sys/kernel/mm/numa/demotion_enabled", "1"))
		return skip_row("demotion_enabled: not in this kernel");
	/* bound to the fast node, so that all that lands elsewhere was demoted */
	bind_range(p, size, 1UL << fast);
	touch(p, size);
	note("demoted %lu pages", vmstat("pgdemote_kswapd") + vmstat("pgdemote_direct"));
	return DONE;
}

static int node_reclaim(struct ctx *c)
{
	char path[64];
	int n = __builtin_ctzl(c->ordinary), i;
	unsigned long demoted;

	write_file("/sys/kernel/mm/numa/demotion_enabled", "1");
	touch_on(1UL << n, map_anon(32 * MIB), 32 * MIB);
	mark();
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/reclaim", n);
	if (!exists(path))
		return skip_row("node%d/reclaim: not in this kernel", n);
	/* Else a node with little page cache is left alone. */
	write_file("/proc/sys/vm/min_unmapped_ratio", "0");
	write_file("/proc/sys/vm/min_slab_ratio", "0");
	demoted = vmstat("pgdemote_proactive");
	for (i = 0; i < 4; i++)
		if (!write_file(path, "%lu swappiness=max", 4 * MIB))
			note_errno("reclaim");
	note("demoted %lu pages", vmstat("pgdemote_proactive") - demoted);
	return DONE;
}

/* The exchange page comes from anywhere in N_MEMORY when its own node is full. */
static int soft_offline(struct ctx *c)
{
	size_t size = 6 * MIB, at;
	char *p = map_anon(size);
	unsigned int failed = 0;

	madvise(p, size, MADV_NOHUGEPAGE);
	touch_on(c->ordinary, p, size);
	mark();
	for (at = 0; at < size && failed < 64; at += PAGE)
		if (madvise(p + at, PAGE, MADV_SOFT_OFFLINE) && !failed++)
			note_errno("MADV_SOFT_OFFLINE");
	note("%lu tried, %u failed", at / PAGE, failed);
	return DONE;
}

/* Small pages first, then one huge page in their place, where most of them are. */
static int collapse(struct ctx *c)
{
	char *raw = map_anon(34 * MIB),
	     *p = (char *)(((unsigned long)raw + 2 * MIB - 1) & ~(2 * MIB - 1));

	madvise(raw, 34 * MIB, MADV_NOHUGEPAGE);
	touch(p, 32 * MIB);
	madvise(raw, 34 * MIB, MADV_HUGEPAGE);
	mark();
	if (madvise(p, 32 * MIB, MADV_COLLAPSE))
		note_errno("MADV_COLLAPSE");
	return DONE;
}

/* An allocation each, and as much is given back: on the node there are no fewer free pages. */
static int khugepaged(struct ctx *c)
{
	static const char dir[] = "/sys/kernel/mm/transparent_hugepage/khugepaged";
	char *raw = map_anon(34 * MIB),
	     *p = (char *)(((unsigned long)raw + 2 * MIB - 1) & ~(2 * MIB - 1));
	char path[128];
	unsigned long before = vmstat("thp_collapse_alloc");
	int i;

	madvise(raw, 34 * MIB, MADV_NOHUGEPAGE);
	touch(p, 32 * MIB);
	snprintf(path, sizeof(path), "%s/scan_sleep_millisecs", dir);
	write_file(path, "10");
	snprintf(path, sizeof(path), "%s/alloc_sleep_millisecs", dir);
	write_file(path, "10");
	snprintf(path, sizeof(path), "%s/pages_to_scan", dir);
	write_file(path, "65536");
	mark();
	madvise(raw, 34 * MIB, MADV_HUGEPAGE);
	for (i = 0; i < 120 && vmstat("thp_collapse_alloc") < before + 8; i++)
		usleep(50000);
	note("collapsed %lu", vmstat("thp_collapse_alloc") - before);
	snprintf(path, sizeof(path), "%s/scan_sleep_millisecs", dir);
	write_file(path, "10000");
	return DONE;
}

/* Unmerging gives each sharer a page of its own again. */
static int ksm(struct ctx *c)
{
	size_t size = c->full ? 24 * MIB : 2 * MIB;
	void *p = map_anon(size);
	int i;

	touch_on(c->ordinary, p, size);
	memset(p, 7, size);
	madvise(p, size, MADV_MERGEABLE);
	write_file("/sys/kernel/mm/ksm/pages_to_scan", "4096");
	write_file("/sys/kernel/mm/ksm/sleep_millisecs", "5");
	write_file("/sys/kernel/mm/ksm/run", "1");
	for (i = 0; i < 200; i++) {
		char buf[32];

		usleep(50000);
		if (read_file("/sys/kernel/mm/ksm/pages_sharing", buf, sizeof(buf)) &&
		    strtoul(buf, NULL, 10) > size / PAGE * 3 / 4)
			break;
	}
	mark();
	write_file("/sys/kernel/mm/ksm/run", "2");
	note("merged in %d ms", i * 50);
	write_file("/sys/kernel/mm/ksm/run", "0");
	return DONE;
}

static bool damon_set(const char *file, const char *value)
{
	char path[200];

	snprintf(path, sizeof(path), DAMON "/%s", file);
	if (write_file(path, "%s", value))
		return true;
	note_errno(file);
	return false;
}

/* From the first to the last byte of a node, holes included. */
static void node_span(int node, unsigned long *start, unsigned long *end)
{
	char path[96], buf[64];
	unsigned long size, b;

	read_file("/sys/devices/system/memory/block_size_bytes", buf, sizeof(buf));
	size = strtoul(buf, NULL, 16);
	*start = *end = 0;
	for (b = 0; b < 1024; b++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/memory%lu", node, b);
		if (!exists(path))
			continue;
		if (!*end)
			*start = b * size;
		*end = (b + 1) * size;
	}
}

/*
 * row.text: the action.  By physical address: everything on the first ordinary node matches, its
 * pages are asked to the candidate; by virtual address (row.a): this process' own.  The target
 * is one node, or (row.b) a list of weighted ones.
 */
static int damon(struct ctx *c)
{
	static const char ctx[] = "0/contexts/0/";
	char file[160], num[32];
	int from = __builtin_ctzl(c->ordinary), i;
	unsigned long start, end;
	void *p = map_anon(16 * MIB);

	if (!exists(DAMON "/nr_kdamonds"))
		return skip_row("DAMON: not in this kernel");
	touch_on(1UL << from, p, 16 * MIB);
	damon_set("nr_kdamonds", "1");
	damon_set("0/contexts/nr_contexts", "1");
#define SET(name, value) (snprintf(file, sizeof(file), "%s%s", ctx, name), damon_set(file, value))
	SET("operations", c->row->a ? "vaddr" : "paddr");
	SET("targets/nr_targets", "1");
	SET("targets/0/regions/nr_regions", "1");
	node_span(from, &start, &end);
	if (c->row->a) {
		start = (unsigned long)p;
		end = start + 16 * MIB;
		snprintf(num, sizeof(num), "%d", getpid());
		SET("targets/0/pid_target", num);
	}
	snprintf(num, sizeof(num), "%lu", start);
	SET("targets/0/regions/0/start", num);
	snprintf(num, sizeof(num), "%lu", end);
	SET("targets/0/regions/0/end", num);
	SET("monitoring_attrs/intervals/sample_us", "5000");
	SET("monitoring_attrs/intervals/aggr_us", "50000");
	SET("monitoring_attrs/intervals/update_us", "100000");
	SET("schemes/nr_schemes", "1");
	SET("schemes/0/action", c->row->text);
	snprintf(num, sizeof(num), "%d", c->node);
	if (c->row->b) {
		SET("schemes/0/dests/nr_dests", "1");
		SET("schemes/0/dests/0/id", num);
		SET("schemes/0/dests/0/weight", "1");
	} else {
		SET("schemes/0/target_nid", num);
	}
	SET("schemes/0/access_pattern/sz/max", "18446744073709551615");
	SET("schemes/0/access_pattern/nr_accesses/max", "1000000");
	SET("schemes/0/access_pattern/age/max", "1000000");
	SET("schemes/0/apply_interval_us", "50000");
	mark();
	if (damon_set("0/state", "on"))
		for (i = 0; i < 30; i++) {
			touch(p, 16 * MIB);
			usleep(50000);
		}
	damon_set("0/state", "off");
	damon_set("nr_kdamonds", "0");
	return DONE;
}

static int numa_balancing(struct ctx *c)
{
	void *p = map_anon(4 * MIB);
	char old[16];
	int i;

	if (!read_file("/proc/sys/kernel/numa_balancing", old, sizeof(old)))
		return skip_row("NUMA balancing: not in this kernel");
	touch(p, 4 * MIB);
	mark();
	write_file("/proc/sys/kernel/numa_balancing", "%lu", c->row->a);
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "10");
	for (i = 0; i < 30; i++)
		touch(p, 4 * MIB);
	/* new memory while the scanner runs: what lands, lands by exhaustion */
	touch(map_anon(64 * MIB), 64 * MIB);
	note("%lu hint faults", vmstat("numa_hint_faults"));
	write_file("/proc/sys/kernel/numa_balancing", "%d", atoi(old));
	return DONE;
}

/* Compaction everywhere while ordinary memory is short. */
static int compact(struct ctx *c)
{
	char path[64];

	press(c);
	write_file("/proc/sys/vm/compact_memory", "1");
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/compact", c->node);
	write_file(path, "1");
	touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

const struct row move_rows[] = {
	{ "move_pages", move_pages_row, NAMED | QUICK | SHORT, 1000 },
	{ "migrate_pages", migrate_pages_row, NAMED | QUICK, 1000 },
	{ "cpuset-mems", cpuset_mems, NAMED | QUICK, 1000 },
	{ "cpuset-mems-change", cpuset_migrate, NAMED, 1000 },
	{ "cpuset-mems-all", cpuset_all, FULL, 1000 },
	{ "memcg-max", memcg_max, FULL, 1000 },
	{ "soft-offline", soft_offline, FULL | EARLY, 100 },
	{ "madv-collapse", collapse, POLICY, 8 },
	{ "khugepaged", khugepaged, POLICY, 8 },
	{ "ksm-unmerge", ksm, POLICY | FULL | EARLY, 400 },
	{ "damon-migrate_cold", damon, NAMED | QUICK, 100, 0, 0, 0, "migrate_cold" },
	{ "damon-migrate_hot", damon, NAMED, 100, 0, 0, 0, "migrate_hot" },
	{ "damon-vaddr-migrate_cold", damon, NAMED, 100, 1, 0, 0, "migrate_cold" },
	{ "damon-vaddr-migrate_hot", damon, NAMED | QUICK, 100, 1, 0, 0, "migrate_hot" },
	{ "damon-vaddr-dests", damon, NAMED, 100, 1, 1, 0, "migrate_hot" },
	{ "numa-balancing-1", numa_balancing, FULL, 1000, 1 },
	{ "numa-balancing-2", numa_balancing, FULL, 1000, 2 },
	{ "pressure-and-compaction", compact, FULL, 1000 },
	{ "demotion-pressure", demotion, NAMED | TIER, 500 },
	{ "demotion-memory.reclaim", memcg_reclaim, NAMED | TIER, 500 },
	{ "demotion-node-reclaim", node_reclaim, NAMED | TIER, 500 },
	{ }
};

const struct apart aparts[] = {
	{ "compaction of a zone", "free target pages are isolated from the zone that is compacted",
	  "mm/compaction.c: isolate_freepages() walks cc->zone" },
	{ "NUMA balancing, mode 1",
	  "moves a page to the node of the processor that touched it; a node with processors is refused as private",
	  "mm/memory.c: numa_migrate_check(); mm/mempolicy.c: mpol_misplaced()" },
	{ "NUMA balancing, mode 2", "promotes to the top tier, which is where the processors are",
	  "mm/mempolicy.c: mpol_misplaced(); kernel/sched/fair.c: should_numa_migrate_memory()" },
	{ "KSM, merging", "the stable page is one of those that are merged; none is allocated",
	  "mm/ksm.c: try_to_merge_one_page(), stable_tree_insert()" },
	{ "slab by task policy",
	  "a slab page is asked for from the nearest node; only exhaustion leads elsewhere, and those are rows",
	  "mm/slub.c: ___slab_alloc(), unless booted with slab_strict_numa" },
	{ "mbind(MPOL_MF_MOVE) with a mask that allows the present node",
	  "a page that is already well placed stays", "mm/mempolicy.c: queue_folio_required()" },
	{ "zero pages",
	  "two for the whole system, allocated by boot and by the first huge read fault; counted under anon-thp",
	  "mm/huge_memory.c: get_huge_zero_folio()" },
	{ "DMA32 and DMA requests",
	  "a zone modifier narrows the same lists; no list holds a zone of the node",
	  "mm/page_alloc.c: build_zonelists()" },
	{}
};
