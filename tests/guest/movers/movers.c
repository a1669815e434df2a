// SPDX-License-Identifier: GPL-2.0-only
/*
 * movers: whatever moves a page keeps it inside what all of its users may have.
 *
 * A row is a mover, a column a kind of policy.  Each cell is a process whose memory may be on one
 * ordinary node only, as the column says it, and the mover would take it to the other one: to node 1
 * (AWAY), which is nearer to the private node, or to node 0 (HOME), where the processors are.  The first column, without any policy, is the control of its row: there the
 * mover does reach the forbidden node.  In all others the number of pages outside has to be 0, and
 * where the mover can go home instead it has to have done so.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 * libs: -pthread
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#include "movers.h"

#define LEN (1 * MIB)
#define NR (LEN / PAGE)
#define WAIT 60		/* seconds for a state that has to come, on a busy host */

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

/* The node that a row's memory may have, and the one that its mover would like. */
static int may = HOME, likes = AWAY;

/* -- columns: who may have the memory where ------------------------------------------------- */

struct column {
	const char *name;
	const char *mems, *sysram;	/* of the cell's cgroup; P is the private node, M what it may have */
	bool nested;			/* the process is in a child that was told nothing */
	bool shared;			/* shared memory */
	void (*set)(char *p);		/* in the cell */
};

static volatile int thread_is_bound;

static void *bound_thread(void *arg)
{
	thread_is_bound = bind_task(may) ? -1 : 1;
	pause();
	return arg;
}

static void set_vma(char *p)
{
	if (bind_to(p, LEN, may, 0))
		bail("mbind");
}

static void set_leader(char *p)
{
	(void)p;
	if (bind_task(may))
		bail("set_mempolicy");
}

static void set_thread(char *p)
{
	pthread_t t;

	(void)p;
	if (pthread_create(&t, NULL, bound_thread, NULL))
		bail("pthread_create");
	while (!thread_is_bound)
		sched_yield();
	if (thread_is_bound < 0)
		bail("set_mempolicy of a thread");
}

static void set_later(char *p)
{
	if (bind_to(p, LEN, likes, 0) || bind_to(p, LEN, may, 0))
		bail("mbind");
}

/* A second process maps the same pages, and is bound. */
static void set_sharer(char *p)
{
	int pipes[2];
	size_t i;
	char c;

	if (pipe(pipes))
		bail("pipe");
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (bind_task(may))
			_exit(1);
		for (i = 0; i < LEN; i += PAGE)
			(void)((volatile char *)p)[i];
		if (write(pipes[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(pipes[0], &c, 1) != 1)
		bail("the second process");
}

static const struct column columns[] = {
	{ .name = "no policy" },
	{ "bind of the mapping", .set = set_vma },
	{ "bind of the task", .set = set_leader },
	{ "... of another thread", .set = set_thread },
	{ "... changed later", .set = set_later },
	{ "bind of the object", .set = set_vma, .shared = true },
	{ "bind of who shares it", .set = set_sharer },
	{ "... of shared memory", .set = set_sharer, .shared = true },
	{ "cpuset: possible", .mems = "M,P" },
	{ "cpuset: default", .mems = "0-1,P", .sysram = "M" },
	{ "cpuset: nested", .mems = "M,P", .nested = true },
};

#define NR_COLUMNS ((int)(sizeof(columns) / sizeof(columns[0])))

/* -- cells ---------------------------------------------------------------------------------- */

struct row {
	const char *name;
	bool down;		/* from HOME to the private node, which is what is forbidden */
	bool named;		/* a new mapping that names the private node, which is full */
	bool only_cpusets;	/* the act names nodes itself: only a cpuset restricts it */
	bool stays;		/* nothing moves but within the node */
	bool to_cpu;		/* it likes the node with the processors, and leaves others alone */
	int (*act)(char *p);	/* in each cell; 0 or an errno */
	void (*all)(void);	/* once for all cells */
	const char *on_full;
};

struct cell {
	pid_t pid;
	int to, from;
	char group[64];
	struct places at;
	int err;
	bool used;
};

static struct cell cells[NR_COLUMNS];

static void with_nodes(char *to, const char *list)
{
	for (; *list; list++)
		*to++ = *list == 'P' ? '0' + node : *list == 'M' ? '0' + may : *list;
	*to = 0;
}

static void set_cpuset(const char *group, const char *file, const char *list, bool down)
{
	char path[128], nodes[32];

	if (!list)
		return;
	/* On the way down the private node itself is what the cpuset lacks. */
	with_nodes(nodes, down ? "M" : list);
	snprintf(path, sizeof(path), "%s/%s", group, file);
	put(path, nodes);
}

static void make_group(struct cell *cell, const struct column *c, const struct row *r)
{
	char path[128], pid[32];

	snprintf(cell->group, sizeof(cell->group), ROOT "/c%d", (int)(c - columns));
	mkdir(cell->group, 0755);
	set_cpuset(cell->group, "cpuset.mems", c->mems, r->down);
	set_cpuset(cell->group, "cpuset.mems.sysram", r->down ? NULL : c->sysram, false);
	if (c->nested) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cell->group);
		put(path, "+memory +cpuset");
		strcat(cell->group, "/n");
		mkdir(cell->group, 0755);
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", cell->group);
	snprintf(pid, sizeof(pid), "%d", getpid());
	put(path, pid);
}

static void end_group(struct cell *cell)
{
	char path[128];

	rmdir(cell->group);
	if (strstr(cell->group, "/n")) {
		snprintf(path, sizeof(path), "%.*s", (int)(strlen(cell->group) - 2), cell->group);
		rmdir(path);
	}
}

static void read_all(const char *p)
{
	size_t i;

	forget_translations();
	for (i = 0; i < LEN; i += PAGE)
		(void)((volatile const char *)p)[i];
}

static void answer(struct cell *cell, const char *p)
{
	cell->at = places(p, LEN);
	if (write(cell->from, cell, sizeof(*cell)) != sizeof(*cell))
		_exit(1);
}

static void cell_main(struct cell *cell, const struct column *c, const struct row *r)
{
	char *p, cmd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	make_group(cell, c, r);
	p = map_small(LEN, c->shared ? MAP_SHARED : MAP_PRIVATE);
	if (r->named && bind_to(p, LEN, node, 0))
		bail("mbind to the private node");
	if (!r->named)
		touch(p, LEN);
	if (!r->named && !r->down && !demote(cell->group, p, LEN))
		bail("%s: %s: not demoted, %lu pages there", r->name, c->name, places(p, LEN).on[node]);
	if (!r->named && c->set)
		c->set(p);
	answer(cell, p);
	while (read(cell->to, &cmd, 1) == 1) {
		if (cmd == 'a')
			cell->err = r->act(p);
		if (cmd == 'u')
			read_all(p);
		answer(cell, p);
	}
	_exit(0);
}

static bool applies(const struct row *r, const struct column *c)
{
	if (r->only_cpusets || r->named)
		/* What is named may be any possible node: default does not count. */
		return c == columns || (c->mems && !c->sysram);
	return true;
}

static void hear(struct cell *cell)
{
	struct cell heard;

	if (read(cell->from, &heard, sizeof(heard)) != sizeof(heard))
		bail("a cell died (%s)", cell->group);
	cell->at = heard.at;
	cell->err = heard.err;
	strcpy(cell->group, heard.group);
}

static void start_cell(struct cell *cell, const struct column *c, const struct row *r)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail("pipe");
	fflush(stdout);
	cell->pid = fork();
	if (!cell->pid) {
		close(to[1]);
		close(from[0]);
		cell->to = to[0];
		cell->from = from[1];
		cell_main(cell, c, r);
	}
	close(to[0]);
	close(from[1]);
	cell->to = to[1];
	cell->from = from[0];
	cell->used = true;
	hear(cell);
}

static void tell_all(char cmd)
{
	int i;

	for (i = 0; i < NR_COLUMNS; i++) {
		if (!cells[i].used)
			continue;
		if (write(cells[i].to, &cmd, 1) != 1)
			bail("a cell died");
		hear(&cells[i]);
	}
}

static void end_cells(void)
{
	int i;

	for (i = 0; i < NR_COLUMNS; i++) {
		if (!cells[i].used)
			continue;
		kill(cells[i].pid, SIGKILL);
		waitpid(cells[i].pid, NULL, 0);
		close(cells[i].to);
		close(cells[i].from);
		end_group(&cells[i]);
		memset(&cells[i], 0, sizeof(cells[i]));
	}
}

static unsigned long most_there(int nr)
{
	unsigned long most = 0;
	int i;

	for (i = 0; i < nr; i++)
		if (cells[i].used && cells[i].at.on[node] > most)
			most = cells[i].at.on[node];
	return most;
}

/* -- movers --------------------------------------------------------------------------------- */

static void use_until_gone(int all)
{
	time_t end = time(NULL) + WAIT;

	do {
		tell_all('u');
	} while (most_there(all) > NR / 10 && time(NULL) < end);
}

static void promote_by_accessed_bits(void)
{
	put("/proc/sys/kernel/numa_balancing", "0");
	enable("+promotion");
	use_until_gone(NR_COLUMNS);
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

static void unplug(void)
{
	if (!write_file(SIM "unplug", "t"))
		printf("# unplug: %s\n", strerror(errno));
	tell_all('p');
	put(SIM "plug", "t");
	find_all_blocks();
}

/* Somebody who named the node takes all of it. */
static pid_t filler;

static void end_filler(void)
{
	kill(filler, SIGKILL);
	waitpid(filler, NULL, 0);
}

static void fill_node(void)
{
	size_t len = node_number("total_bytes") + 8 * MIB;
	int pipes[2];
	char c, *p;

	if (pipe2(pipes, O_CLOEXEC))
		bail("pipe");
	fflush(stdout);
	filler = fork();
	if (!filler) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		p = map_small(len, MAP_PRIVATE);
		madvise(p, len, MADV_HUGEPAGE);
		if (bind_to(p, len, node, 0))
			_exit(1);
		touch(p, len);
		if (write(pipes[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1)
		bail("nobody filled the node");
	close(pipes[0]);
}

static void name_the_node(void)
{
	fill_node();
	tell_all('p');
	end_filler();
}

static int pin(char *p)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	struct iovec v = { p, LEN };

	return ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U) ? errno : 0;
}

static int soft_offline(char *p)
{
	return madvise(p + LEN / 2, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
}

static int move(char *p)
{
	void *pages[NR];
	int nodes[NR], status[NR];
	unsigned long i;

	for (i = 0; i < NR; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = AWAY;
	}
	return syscall(SYS_move_pages, 0, NR, pages, nodes, status, MPOL_MF_MOVE) < 0 ? errno : 0;
}

static int migrate(char *p)
{
	unsigned long old = 1UL << node, new = 1UL << AWAY;

	(void)p;
	return syscall(SYS_migrate_pages, 0, 64UL, &old, &new) < 0 ? errno : 0;
}

static int use_named(char *p)
{
	return touch(p, 32 * PAGE) == 32 ? 0 : EFAULT;
}

static void fall_back(void)
{
	fill_node();
	tell_all('a');
	end_filler();
}

static void compact(void)
{
	char path[96];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/compact", node);
	enable("+compaction");
	put(path, "1");
	enable("-compaction");
	tell_all('p');
}

static void reclaim_all(void)
{
	char path[128];
	int i, j;

	for (i = 0; i < NR_COLUMNS; i++) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", cells[i].group);
		for (j = 0; cells[i].used && j < 4; j++)
			write_file(path, "1M");
	}
	tell_all('p');
}

static const struct row rows[] = {
	{ "demotion", .down = true, .all = reclaim_all },
	{ "promotion by accessed bits", .all = promote_by_accessed_bits },
	{ "hint faults", .all = promote_by_hint_faults, .to_cpu = true },
	{ "unplug, on_unplug=move", .all = unplug },
	{ "room for who names the node", .all = name_the_node },
	{ "long-term pin", .act = pin },
	{ "soft offline", .act = soft_offline, .stays = true },
	{ "compaction", .all = compact, .stays = true },
	{ "move_pages", .act = move, .only_cpusets = true },
	{ "migrate_pages", .act = migrate, .only_cpusets = true },
	{ "on_full=fallback", .act = use_named, .all = fall_back, .named = true, .on_full = "fallback:1" },
};

#define NR_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

/* -- the table ------------------------------------------------------------------------------ */

static unsigned long outside(const struct row *r, const struct places *at)
{
	if (r->down)
		return at->on[node];
	return at->on[likes] + (r->named ? at->on[may] : 0);
}

static void judge(const struct row *r, int i)
{
	const struct places *at = &cells[i].at;
	unsigned long out = outside(r, at);
	const char *name = columns[i].name;

	if (r->stays)
		ok(!out && at->on[node] >= NR / 2, "%s: %s: all stay on their node (%lu there, %lu home, %lu away)",
		   r->name, name, at->on[node], at->on[HOME], at->on[AWAY]);
	else if (!i)
		ok(out, "%s: %s: control: %lu pages reach the other node (%lu private, %lu home)", r->name, name, out,
		   at->on[node], at->on[HOME]);
	else if (r->down || r->named || r->only_cpusets || r->to_cpu)
		ok(!out, "%s: %s: no page outside (%lu private, %lu home, %lu away, %s)", r->name, name, at->on[node],
		   at->on[HOME], at->on[AWAY], strerror(cells[i].err));
	else
		ok(!out && at->on[may] > NR / 4, "%s: %s: moved, and no page outside (%lu private, %lu home, %lu away, %s)",
		   r->name, name, at->on[node], at->on[HOME], at->on[AWAY], strerror(cells[i].err));
}

static void run(const struct row *r, char *line, size_t size)
{
	struct timespec t0, t1;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	may = r->to_cpu ? AWAY : HOME;
	likes = r->to_cpu ? HOME : AWAY;
	if (r->on_full)
		set_on_full(r->on_full);
	for (i = 0; i < NR_COLUMNS; i++)
		if (applies(r, &columns[i]))
			start_cell(&cells[i], &columns[i], r);
	if (r->all)
		r->all();
	else
		tell_all('a');
	for (i = 0; i < NR_COLUMNS; i++)
		if (cells[i].used)
			judge(r, i);
	*line = 0;
	for (i = 0; i < NR_COLUMNS; i++)
		if (cells[i].used)
			snprintf(line + strlen(line), size - strlen(line), " %6lu", outside(r, &cells[i].at));
		else
			snprintf(line + strlen(line), size - strlen(line), "      .");
	end_cells();
	if (r->on_full)
		set_on_full("fail");
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("# %s: %ld ms\n", r->name, (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char lines[NR_ROWS][NR_COLUMNS * 10];
	int i, j;

	make_node("on_unplug=move");
	make_root();
	for (i = 0; i < NR_ROWS; i++)
		if (argc < 2 || strstr(rows[i].name, argv[1]))
			run(&rows[i], lines[i], sizeof(lines[i]));
	printf("#\n# Movers matrix: pages outside of what their users may have\n");
	for (j = 0; j < NR_COLUMNS; j++)
		printf("# %c %s%s\n", 'a' + j, columns[j].name, j ? "" : " (control: the mover reaches the node)");
	printf("# %-30s", "");
	for (j = 0; j < NR_COLUMNS; j++)
		printf(" %6c", 'a' + j);
	for (i = 0; i < NR_ROWS; i++)
		printf("\n# %-30s%s", rows[i].name, lines[i]);
	printf("\n");
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
