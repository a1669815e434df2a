// SPDX-License-Identifier: GPL-2.0-only
/*
 * movers: whatever moves a page keeps it inside what all of its users may have.
 *
 * The table is explained in cells.h; here is its short form.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/uio.h>

#include "check.h"
#include "cells.h"

#define NR (LEN / PAGE)

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static void promote_by_accessed_bits(void)
{
	put("/proc/sys/kernel/numa_balancing", "0");
	enable("+promotion");
	use_until_gone(nr_columns);
	enable("-promotion");
}

static void promote_by_hint_faults(void)
{
	put("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	put("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "100");
	put(node_file("promotion_mib_per_second"), "0");
	put("/proc/sys/kernel/numa_balancing", "1");
	enable("+numa_balancing");
	/* A mapping that a policy binds gets no hint faults at all. */
	use_until_gone(1);
	enable("-numa_balancing");
	put("/proc/sys/kernel/numa_balancing", "0");
	put(node_file("promotion_mib_per_second"), "64");
}

static void name_the_node(void)
{
	fill_node();
	tell_all('p');
	end_filler();
}

static int pin(struct cell *cell, char *p)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	struct iovec v = { p, LEN };

	return ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U) ?
		       errno :
		       0;
}

static int soft_offline(struct cell *cell, char *p)
{
	return madvise(p + LEN / 2, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
}

static int move_by_pages(char *p, int flag)
{
	void *pages[NR];
	int nodes[NR], status[NR];
	unsigned long i;

	for (i = 0; i < NR; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = AWAY;
	}
	return syscall(SYS_move_pages, 0, NR, pages, nodes, status, flag) < 0 ? errno : 0;
}

static int move(struct cell *cell, char *p)
{
	return move_by_pages(p, MPOL_MF_MOVE);
}

static int move_all(struct cell *cell, char *p)
{
	return move_by_pages(p, MPOL_MF_MOVE_ALL);
}

static int migrate(struct cell *cell, char *p)
{
	unsigned long old = 1UL << node, new = 1UL << AWAY;

	return syscall(SYS_migrate_pages, 0, 64UL, &old, &new) < 0 ? errno : 0;
}

/* As an administrator does it. */
static void migrate_others(void)
{
	unsigned long old = 1UL << node, new = 1UL << AWAY;
	int i;

	for (i = 0; i < nr_columns; i++)
		if (cells[i].used && syscall(SYS_migrate_pages, cells[i].pid, 64UL, &old, &new) < 0)
			printf("# %s: %s\n", cells[i].column->name, strerror(errno));
	tell_all('p');
}

static int mbind_move(struct cell *cell, char *p)
{
	return bind_to(p, LEN, AWAY, MPOL_MF_MOVE) ? errno : 0;
}

static int mbind_move_all(struct cell *cell, char *p)
{
	return bind_to(p, LEN, AWAY, MPOL_MF_MOVE_ALL) ? errno : 0;
}

/* The private node is what the column's nodes lose. */
static const char *revoked(const struct column *c)
{
	return c->kind == CPUSET ? "M" : "0-1";
}

static void edit_cpusets(void)
{
	const struct column *c;
	char path[96];
	int i;

	for (i = 0; i < nr_columns; i++) {
		if (!cells[i].used)
			continue;
		c = cells[i].column;
		snprintf(path, sizeof(path), "%.*s",
			 (int)strcspn(cells[i].group + strlen(ROOT) + 1, "/") + (int)strlen(ROOT) +
				 1,
			 cells[i].group);
		set_file(path, "cpuset.mems", revoked(c));
	}
	tell_all('p');
}

/* To a cgroup without the private node. */
static int attach(struct cell *cell, char *p)
{
	const struct column *c = cell->column;
	char path[96];

	if (is_v1) {
		v1_group(path, sizeof(path), cell, "");
		make_v1(path, c->kind == CPUSET ? "M" : "0-1");
		set_file(path, "cpuset.memory_migrate", "1");
	} else {
		snprintf(path, sizeof(path), "%s-x", cell->group);
		mkdir(path, 0755);
		if (!strstr(path, "/n")) {
			set_file(path, "cpuset.mems", revoked(c));
			set_file(path, "cpuset.mems.sysram", c->sysram);
		} else if (c->kind == CPUSET) {
			set_file(path, "cpuset.mems", "M");
		} else {
			set_file(path, "cpuset.mems", "0-1");
		}
	}
	enter(path);
	return 0;
}

static char *map_named(const struct column *c)
{
	char *p = map_small(LEN, MAP_PRIVATE);

	if (bind_to(p, LEN, node, 0))
		bail("mbind to the private node");
	return p;
}

static int use_named(struct cell *cell, char *p)
{
	return touch(p, 32 * PAGE) == 32 ? 0 : EFAULT;
}

static void fall_back(void)
{
	fill_node();
	tell_all('a');
	end_filler();
}

/* An owner takes pages of his node, or of any ordinary one, from within this task. */
static int take_as(struct cell *cell, const char *gfp)
{
	char text[256], *at = text;
	unsigned long nr;
	int nid, order, err = 0;

	snprintf(text, sizeof(text), "node=t ordinary=1 count=4 gfp=%s", gfp);
	if (!write_file(SIM "alloc", text))
		err = errno;
	memset(&cell->at, 0, sizeof(cell->at));
	read_file(SIM "held", text, sizeof(text));
	for (; sscanf(at, "nid=%d order=%d folios=%lu", &nid, &order, &nr) == 3;
	     at = strchr(at, '\n') + 1)
		cell->at.on[nid] += nr;
	cell->counted = true;
	if (!err)
		put(SIM "free", "all");
	return err;
}

static int take_set(struct cell *cell, char *p)
{
	return take_as(cell, "sleep");
}

/* Only GFP_ATOMIC, of a driver that polls in whatever task there is, is not the task's. */
static int take_set_nowait(struct cell *cell, char *p)
{
	return take_as(cell, "nowait");
}

/*
 * Compaction takes pages from the first frames to free ones among the last frames, but leaves
 * blocks alone that are free as a whole.
 */
static void keep_top(void)
{
	fill_node();
	ask_filler('t');
}

static void compact(void)
{
	char path[96];

	ask_filler('h');
	snprintf(path, sizeof(path), NODE_DIR "/node%d/compact", node);
	enable("+compaction");
	put(path, "1");
	enable("-compaction");
	tell_all('p');
	end_filler();
}

static void reclaim_all(void)
{
	reclaim_groups("256K");
}

/* What a system call names the caller itself may have, if its cpuset has it. */
#define OTHERS	(SHARER | OBJECT_SHARER | SHARER_CPUSET)

static const struct row rows[] = {
	{ "demotion", MAY_STAY, .down = true, .make = make_touched, .all = reclaim_all },
	{ "promotion by accessed bits", MOVES, .all = promote_by_accessed_bits, .brief = true },
	{ "hint faults", MAY_STAY, .all = promote_by_hint_faults, .to_home = true },
	{ "unplug, on_unplug=move", MOVES, .all = unplug, .brief = true },
	{ "room for who names the node", MOVES, .all = name_the_node },
	{ "long-term pin", MOVES, .act = pin },
	{ "soft offline", STAYS, .act = soft_offline, .brief = true },
	{ "compaction", STAYS, .all = compact, .begin = keep_top },
	{ "cpuset: edit", MOVES, .all = edit_cpusets, .not_v1 = true, .brief = true },
	{ "cpuset: attach", MOVES, .act = attach, .v1_joins = true },
	{ "mbind MOVE", MAY_STAY, CPUSET | SHARER | SHARER_CPUSET, .act = mbind_move },
	{ "mbind MOVE_ALL", MAY_STAY, CPUSET | SHARER | SHARER_CPUSET, .act = mbind_move_all,
	  .brief = true },
	{ "move_pages", MAY_STAY, CPUSET | THREAD | OTHERS, .act = move },
	{ "move_pages, all", MAY_STAY, CPUSET | THREAD | OTHERS, .act = move_all },
	{ "migrate_pages", MAY_STAY, CPUSET | THREAD | OTHERS, .act = migrate },
	{ "migrate_pages by another process", MAY_STAY, POLICY | OBJECT | CPUSET | THREAD | OTHERS,
	  .all = migrate_others },
	/* Whom the owner names is possible; what memory without a name may have does not matter. */
	{ "on_full=fallback", MAY_STAY, CPUSET | DEFAULT, .reaches = DEFAULT, .map = map_named,
	  .make = make_none, .act = use_named, .all = fall_back, .named = true,
	  .on_full = "fallback:1" },
	{ "owner's set with fallback", MAY_STAY, CPUSET | DEFAULT, .reaches = DEFAULT,
	  .make = make_none, .act = take_set, .all = fall_back },
	{ "owner's set, not waiting", MAY_STAY, CPUSET | DEFAULT, .reaches = DEFAULT,
	  .make = make_none, .act = take_set_nowait, .all = fall_back },
};

FIXTURE(movers) { };

FIXTURE_SETUP(movers)
{
	char nodes[64] = "";

	under_test = _metadata;
	if (getuid())
		SKIP(return, "needs root");
	if (!read_file(NODE_DIR "/has_memory", nodes, sizeof(nodes)) || strcmp(nodes, "0-1\n"))
		SKIP(return, "needs two ordinary nodes, 0 and 1");
	if (!kept_range(0) || (access(SIM, F_OK) && system("modprobe -q private_node_sim")))
		SKIP(return, "needs the simulator, memmap=256M$ADDRESS and private_node_spare=2");
	make_node("on_unplug=move");
	make_root();
	is_brief = true;
}

FIXTURE_TEARDOWN_PARENT(movers)
{
	umount2(ROOT, MNT_DETACH);
	if (!write_file(SIM "remove_node", "t"))
		_metadata->exit_code = KSFT_FAIL;
}

static void run_named(const char *name)
{
	char line[256];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, name))
			run_row(&rows[i], line, sizeof(line));
}

#define ROW_TEST(what, row)							\
	TEST_F_TIMEOUT(movers, what, LONG_TEST)					\
	{									\
		run_named(row);							\
	}

ROW_TEST(promotion, "promotion by accessed bits")
ROW_TEST(unplug, "unplug, on_unplug=move")
ROW_TEST(soft_offline, "soft offline")
ROW_TEST(cpuset_edit, "cpuset: edit")
ROW_TEST(mbind_move_all, "mbind MOVE_ALL")

TEST_HARNESS_MAIN
