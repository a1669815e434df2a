/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cells.h: the movers matrix.
 *
 * A row is a mover, a column a kind of policy.  Each cell is a process whose memory may be on one
 * ordinary node only, as the column says it, and the mover would take it to the other one: to node
 * 1 (AWAY), which is nearer to the private node, or to node 0 (HOME), where the processors are.
 * The first column, without any policy, is the control of its row: there the mover does reach the
 * forbidden node.  In all others the number of pages outside has to be 0, and where the mover can
 * go to the right node instead it has to have done so.
 *
 * In its short form some rows and columns are run.
 */
#ifndef CELLS_H
#define CELLS_H

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "movers.h"

#define LEN (256 * 1024UL)
#define WAIT 60		/* seconds for a state that has to come, on a busy host */
#define V1_ROOT "/tmp/movers-v1"

/* The node that a row's memory may have, and the one that its mover would like. */
static int may = HOME, likes = AWAY;
static size_t len = LEN;	/* of a cell of this row */

/* -- columns: who may have the memory where ------------------------------------------------- */

/* Kinds of columns, of which a row takes some. */
#define POLICY		0x01	/* of the process itself */
#define OBJECT		0x02	/* of shared memory */
#define THREAD		0x04	/* of another thread */
#define SHARER		0x08	/* of another process that maps the same pages */
#define OBJECT_SHARER	0x10
#define SHARER_CPUSET	0x20
#define CPUSET		0x40	/* what may be named */
#define DEFAULT		0x80	/* what memory without a name may have */
#define ALL		0xff
#define CONTROL		0

struct cell;

struct column {
	const char *name;
	int kind;
	const char *mems, *sysram;	/* of its cgroup; P: the private node, M: may */
	bool nested;			/* the process is in a child, */
	const char *child;		/* which was told this, or nothing */
	bool shared;			/* shared memory */
	bool brief;			/* is in the short form */
	void (*set)(struct cell *cell, char *p);	/* in the cell */
};

struct cell {
	pid_t pid;
	int to, from;
	char group[64];			/* where the process is */
	const struct column *column;
	struct places at;
	unsigned long stayed;		/* pages that were not demoted, and are where none may go */
	unsigned long changed;		/* pages that the act took to another frame, or unmapped */
	int err;
	bool used;
	bool counted;			/* places are from the act, not from the memory */
	uint64_t *before;		/* frames before the act, in the cell */
};

static const struct column *columns;	/* those of this run */

static volatile int thread_is_bound;

static void *bound_thread(void *arg)
{
	thread_is_bound = bind_task(may) ? -1 : 1;
	pause();
	return arg;
}

static void set_vma(struct cell *cell, char *p)
{
	if (bind_to(p, len, may, 0))
		bail("mbind");
}

static void set_leader(struct cell *cell, char *p)
{
	if (bind_task(may))
		bail("set_mempolicy");
}

static void set_thread(struct cell *cell, char *p)
{
	pthread_t t;

	if (pthread_create(&t, NULL, bound_thread, NULL))
		bail("pthread_create");
	while (!thread_is_bound)
		sched_yield();
	if (thread_is_bound < 0)
		bail("set_mempolicy of a thread");
}

static void set_later(struct cell *cell, char *p)
{
	if (bind_to(p, len, likes, 0) || bind_to(p, len, may, 0))
		bail("mbind");
}

static void set_leader_later(struct cell *cell, char *p)
{
	if (bind_task(likes) || bind_task(may))
		bail("set_mempolicy");
}

static bool goes_down;

/* What may go down to the private node is no question where a cgroup has that node. */
static void with_nodes(char *to, const char *list)
{
	for (; *list; list++)
		if (goes_down && !strncmp(list, ",P", 2))
			list++;
		else
			*to++ = *list == 'P' ? '0' + node : *list == 'M' ? '0' + may : *list;
	*to = 0;
}

/* Writes a file of a cgroup; a list of nodes as in struct column, NULL for none. */
static void set_file(const char *group, const char *file, const char *list)
{
	char path[128], nodes[32] = "\n";

	if (list)
		with_nodes(nodes, list);
	snprintf(path, sizeof(path), "%s/%s", group, file);
	put(path, nodes);
}

static void enter(const char *group)
{
	set_file(group, "cgroup.procs", "0");
}

static bool is_v1;

/* A cgroup of v1 has no processors nor nodes until it is told. */
static void make_v1(const char *group, const char *mems)
{
	char cpus[64];

	mkdir(group, 0755);
	if (!read_file(V1_ROOT "/cpuset.effective_cpus", cpus, sizeof(cpus)))
		bail("%s", group);
	set_file(group, "cpuset.cpus", cpus);
	set_file(group, "cpuset.mems", mems);
}

static void v1_group(char *path, size_t size, const struct cell *cell, const char *more)
{
	snprintf(path, size, V1_ROOT "/c%d%s", (int)(cell->column - columns), more);
}

static void set_v1(struct cell *cell, char *p)
{
	char path[64];

	v1_group(path, sizeof(path), cell, "");
	make_v1(path, "M");
	if (cell->column->nested) {
		v1_group(path, sizeof(path), cell, "/n");
		make_v1(path, "M");
	}
	enter(path);
}

static void sharer_v1(void *cell)
{
	char path[64];

	v1_group(path, sizeof(path), cell, "-s");
	make_v1(path, "M");
	enter(path);
}

static void sharer_policy(void *cell)
{
	if (bind_task(may))
		_exit(1);
}

static void sharer_cpuset(void *arg)
{
	const struct cell *cell = arg;
	char path[96];

	snprintf(path, sizeof(path), "%s-s", cell->group);
	mkdir(path, 0755);
	set_file(path, "cpuset.mems", "M,P");
	enter(path);
}

/* A second process maps the same pages, and may not have all that the first may have. */
static void set_sharer(struct cell *cell, char *p)
{
	second_process(p, len, sharer_policy, cell);
}

static void set_sharer_cpuset(struct cell *cell, char *p)
{
	second_process(p, len, is_v1 ? sharer_v1 : sharer_cpuset, cell);
}

static const struct column columns_v2[] = {
	{ "no policy", CONTROL, .brief = true },
	{ "bind of the mapping", POLICY, .set = set_vma, .brief = true },
	{ "... changed later", POLICY, .set = set_later },
	{ "bind of the task", POLICY, .set = set_leader, .brief = true },
	{ "... changed later", POLICY, .set = set_leader_later },
	{ "... of another thread", THREAD, .set = set_thread, .brief = true },
	{ "bind of the object", OBJECT, .set = set_vma, .shared = true },
	{ "bind of who shares it", SHARER, .set = set_sharer, .brief = true },
	{ "... of shared memory", OBJECT_SHARER, .set = set_sharer, .shared = true },
	{ "cpuset of who shares it", SHARER_CPUSET, .set = set_sharer_cpuset },
	{ "cpuset: possible", CPUSET, .mems = "M,P", .brief = true },
	{ "cpuset: default", DEFAULT, .mems = "0-1,P", .sysram = "M", .brief = true },
	{ "cpuset: nested, possible", CPUSET, .mems = "M,P", .nested = true },
	{ "cpuset: nested, default", DEFAULT, .mems = "0-1,P", .sysram = "M", .nested = true,
	  .child = "0-1,P" },
};

#define MAX_COLUMNS 16

static const struct column *columns = columns_v2;
static int nr_columns = sizeof(columns_v2) / sizeof(columns_v2[0]);

/* -- rows: what moves or places memory ------------------------------------------------------ */

enum what { MOVES, MAY_STAY, STAYS, PLACES };

/*
 * What has to be seen where a policy restricts: MOVES, it moved to the right node; MAY_STAY,
 * nothing is outside; STAYS, all is where it was, though the act was done: pages are in other
 * frames of their node, or broken; PLACES, new memory is on the right node, none on the private.
 */
struct row {
	const char *name;
	enum what what;
	int kinds;		/* of columns beside the control; 0 for all */
	int reaches;		/* kinds in which it may go to the other node, as in the control */
	size_t len;		/* of memory, if it is not LEN */
	bool down;		/* from HOME to the private node, which is what is forbidden */
	bool to_home;		/* it likes the node with the processors */
	bool named;		/* it takes memory of the private node, and no other */
	bool refused;		/* STAYS: the act has to fail, and to change nothing */
	bool brief;		/* is in the short form */
	bool not_v1, v1_joins;	/* no such thing there; the act itself joins the cgroup */
	char *(*map)(const struct column *c);
	void (*make)(struct cell *cell, char *p);	/* what is moved; else it is demoted */
	int (*act)(struct cell *cell, char *p);		/* in each cell; 0 or an errno */
	void (*all)(void);				/* once for all cells */
	void (*begin)(void);
	void (*end)(void);
	const char *on_full;
};

static struct cell cells[MAX_COLUMNS];
static const struct row *now;

static void make_group(struct cell *cell)
{
	const struct column *c = cell->column;

	snprintf(cell->group, sizeof(cell->group), ROOT "/c%d", (int)(c - columns));
	mkdir(cell->group, 0755);
	if (!is_v1) {
		set_file(cell->group, "cpuset.mems", c->mems);
		set_file(cell->group, "cpuset.mems.sysram", c->sysram);
	}
	if (c->nested && !is_v1) {
		set_file(cell->group, "cgroup.subtree_control", "+memory +cpuset");
		strcat(cell->group, "/n");
		mkdir(cell->group, 0755);
		set_file(cell->group, "cpuset.mems", c->child);
	}
	enter(cell->group);
}

/* Who was in it may not have ended yet. */
static void drop_group(const char *path)
{
	int i;

	for (i = 0; i < WAIT * 100 && rmdir(path) && errno == EBUSY; i++)
		usleep(10000);
}

static void end_group(struct cell *cell)
{
	char path[96];

	snprintf(path, sizeof(path), "%s-s", cell->group);
	drop_group(path);
	snprintf(path, sizeof(path), "%s-x", cell->group);
	drop_group(path);
	drop_group(cell->group);
	if (strstr(cell->group, "/n")) {
		snprintf(path, sizeof(path), "%.*s", (int)(strlen(cell->group) - 2), cell->group);
		drop_group(path);
	}
	if (is_v1) {
		v1_group(path, sizeof(path), cell, "-s");
		drop_group(path);
		v1_group(path, sizeof(path), cell, "/n");
		drop_group(path);
		v1_group(path, sizeof(path), cell, "");
		drop_group(path);
	}
}

static void read_all(const char *p)
{
	size_t i;

	forget_translations();
	for (i = 0; i < len; i += PAGE)
		(void)((volatile const char *)p)[i];
}

/* In what pagemap says of a page */
#define PRESENT (1ULL << 63)
#define FRAME ((1ULL << 55) - 1)

/* What pagemap says of each page. */
static uint64_t *frames_of(const char *p, size_t bytes)
{
	size_t size = bytes / PAGE * sizeof(uint64_t);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t *f = malloc(size);

	if (fd < 0 || !f ||
	    pread(fd, f, size, (uintptr_t)p / PAGE * sizeof(*f)) != (ssize_t)size)
		bail("cannot read pagemap");
	close(fd);
	return f;
}

static unsigned long changed(const char *p, const uint64_t *before)
{
	uint64_t *f = frames_of(p, len);
	unsigned long i, nr = 0;

	for (i = 0; i < len / PAGE; i++)
		nr += ((before[i] ^ f[i]) & FRAME) != 0;
	free(f);
	return nr;
}

static void answer(struct cell *cell, const char *p)
{
	if (!cell->counted)
		cell->at = places(p, len);
	cell->changed = changed(p, cell->before);
	if (write(cell->from, cell, sizeof(*cell)) != sizeof(*cell))
		_exit(1);
}

static void make_demoted(struct cell *cell, char *p)
{
	touch(p, len);
	if (!demote(cell->group, p, len))
		bail("%s: %s: not demoted, %lu pages there", now->name, cell->column->name,
		     places(p, len).on[node]);
}

__attribute__((unused))
static void make_touched(struct cell *cell, char *p)
{
	touch(p, len);
}

__attribute__((unused))
static void make_none(struct cell *cell, char *p)
{
}

static void cell_main(struct cell *cell)
{
	const struct column *c = cell->column;
	char *p, cmd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	make_group(cell);
	p = now->map ? now->map(c) : map_small(len, c->shared ? MAP_SHARED : MAP_PRIVATE);
	(now->make ?: make_demoted)(cell, p);
	if (!now->make)
		cell->stayed = places(p, len).on[likes];
	if (c->set && !(now->v1_joins && c->set == set_v1))
		c->set(cell, p);
	cell->before = frames_of(p, len);
	answer(cell, p);
	while (read(cell->to, &cmd, 1) == 1) {
		if (cmd == 'a')
			cell->err = now->act(cell, p);
		if (cmd == 'u')
			read_all(p);
		answer(cell, p);
	}
	_exit(0);
}

static bool is_brief;

static bool applies(const struct row *r, const struct column *c)
{
	if (is_brief && !c->brief)
		return false;
	return c->kind == CONTROL || c->kind & (r->kinds ?: ALL);
}

static void hear(struct cell *cell)
{
	struct cell heard;

	if (read(cell->from, &heard, sizeof(heard)) != sizeof(heard))
		bail("a cell died (%s: %s)", now->name, cell->column->name);
	cell->at = heard.at;
	cell->stayed = heard.stayed;
	cell->changed = heard.changed;
	cell->err = heard.err;
	strcpy(cell->group, heard.group);
}

static void start_cell(struct cell *cell, const struct column *c)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail("pipe");
	fflush(stdout);
	cell->column = c;
	cell->pid = fork();
	if (!cell->pid) {
		close(to[1]);
		close(from[0]);
		cell->to = to[0];
		cell->from = from[1];
		cell_main(cell);
	}
	close(to[0]);
	close(from[1]);
	cell->to = to[1];
	cell->from = from[0];
	cell->used = true;
	hear(cell);
}

static void tell(struct cell *cell, char cmd)
{
	if (write(cell->to, &cmd, 1) != 1)
		bail("a cell died");
	hear(cell);
}

static void tell_all(char cmd)
{
	int i;

	for (i = 0; i < nr_columns; i++)
		if (cells[i].used)
			tell(&cells[i], cmd);
}

/*
 * Reclaims in the group of each cell, by what memory.reclaim takes; then each cell says where its
 * pages are.
 */
static inline void reclaim_groups(const char *request)
{
	char path[128];
	int i;

	for (i = 0; i < nr_columns; i++) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", cells[i].group);
		/* One that finds nothing that it may take tries long. */
		if (cells[i].used)
			write_file(path, request);
	}
	tell_all('p');
}

static void end_cells(void)
{
	int i;

	for (i = 0; i < nr_columns; i++) {
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

/* What is on its way just now is mapped nowhere. */
static unsigned long most_there(int nr)
{
	unsigned long most = 0, there;
	int i;

	for (i = 0; i < nr; i++) {
		there = cells[i].at.on[node] + cells[i].at.none;
		if (cells[i].used && there > most)
			most = there;
	}
	return most;
}

__attribute__((unused))
static void use_until_gone(int all)
{
	time_t end = time(NULL) + WAIT;

	do {
		tell_all('u');
	} while (most_there(all) > len / PAGE / 10 && time(NULL) < end);
}

__attribute__((unused))
static void unplug(void)
{
	if (!write_file(SIM "unplug", "t"))
		printf("# unplug: %s\n", strerror(errno));
	tell_all('p');
	put(SIM "plug", "t");
	find_all_blocks();
}

/*
 * Somebody who named the node takes all of it, and has nothing that could go to swap.  It gives
 * back a part of it when asked to.
 */
static pid_t filler;
static int filler_at;

__attribute__((unused))
static void end_filler(void)
{
	kill(filler, SIGKILL);
	waitpid(filler, NULL, 0);
	close(filler_at);
}

/* The last frames of a node, as many as keep_top() leaves. */
#define TOP (32 * MIB / PAGE)

/* 't': all but the last frames of the node; 'h': every second page of what is left. */
static void give_back(char *p, size_t full, char which)
{
	uint64_t *f = frames_of(p, full), last = 0;
	size_t i, nr = full / PAGE;

	for (i = 0; i < nr; i++)
		if (f[i] & PRESENT && (f[i] & FRAME) > last)
			last = f[i] & FRAME;
	for (i = 0; i < nr; i++)
		if (which == 't' ? (f[i] & FRAME) + TOP <= last : f[i] & 1)
			madvise(p + i * PAGE, PAGE, MADV_DONTNEED);
	free(f);
}

static void filler_main(int at)
{
	size_t full = node_number("total_bytes") + 8 * MIB;
	char c = 'r', *p = map_small(full, MAP_PRIVATE);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	madvise(p, full, MADV_NOHUGEPAGE);
	if (bind_to(p, full, node, 0) || mlock2(p, full, MLOCK_ONFAULT))
		_exit(1);
	touch(p, full);
	while (write(at, &c, 1) == 1 && read(at, &c, 1) == 1) {
		munlock(p, full);
		give_back(p, full, c);
	}
	_exit(1);
}

/* Until it has done the last that it was asked for. */
static void wait_for_filler(void)
{
	char c;

	if (read(filler_at, &c, 1) != 1)
		bail("nobody filled the node");
}

__attribute__((unused))
static void ask_filler(char what)
{
	if (write(filler_at, &what, 1) != 1)
		bail("filler");
	wait_for_filler();
	/* It empties the processors' lists of free pages as well. */
	node_free();
}

__attribute__((unused))
static void fill_node(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bail("socketpair");
	fflush(stdout);
	filler = fork();
	if (!filler)
		filler_main(pair[1]);
	close(pair[1]);
	filler_at = pair[0];
	wait_for_filler();
}

/* -- the table ------------------------------------------------------------------------------ */

static unsigned long outside(const struct row *r, const struct cell *cell)
{
	const struct places *at = &cell->at;
	unsigned long moved = at->on[likes] > cell->stayed ? at->on[likes] - cell->stayed : 0;

	if (r->down)
		return at->on[node];
	return moved + (r->what == PLACES ? at->on[node] : 0) + (r->named ? at->on[may] : 0);
}

/*
 * Of what stays: the act was done, or refused, as the row says.  An act on all cells at once takes
 * what it likes, see check_all().
 */
static bool was_done(const struct row *r, const struct cell *cell)
{
	return r->refused ? cell->err && !cell->changed : !cell->err && (cell->changed || r->all);
}

static void check_all(const struct row *r)
{
	unsigned long changed = 0;
	int i;

	for (i = 0; i < nr_columns; i++)
		changed += cells[i].used ? cells[i].changed : 0;
	if (r->what == STAYS && r->all)
		ok(changed, "%s: it was done: %lu pages are in other frames", r->name, changed);
}

static void judge(const struct row *r, int i)
{
	const struct places *at = &cells[i].at;
	unsigned long out = outside(r, &cells[i]), nr = len / PAGE;
	char where[160];
	const char *name = columns[i].name;

	snprintf(where, sizeof(where), "%lu private, %lu home, %lu away, %lu nowhere, %s",
		 at->on[node], at->on[HOME], at->on[AWAY], at->none, strerror(cells[i].err));
	if (r->what == STAYS)
		ok(!out && at->on[node] >= nr / 2 && was_done(r, &cells[i]),
		   "%s: %s: all stay on their node, %lu in other frames (%s)", r->name, name,
		   cells[i].changed, where);
	else if (columns[i].kind == CONTROL || columns[i].kind & r->reaches)
		ok(out, "%s: %s: control: %lu pages reach the other node (%s)", r->name, name, out,
		   where);
	else if (r->what == MAY_STAY)
		ok(!out, "%s: %s: no page outside (%s)", r->name, name, where);
	else
		ok(!out && at->on[may] > nr / 4, "%s: %s: moved, and no page outside (%s)", r->name,
		   name, where);
}

static void run_row(const struct row *r, char *line, size_t size)
{
	struct timespec t0, t1;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	now = r;
	len = r->len ?: LEN;
	may = r->to_home ? AWAY : HOME;
	likes = r->to_home ? HOME : AWAY;
	goes_down = r->down;
	if (r->on_full)
		set_on_full(r->on_full);
	if (r->begin)
		r->begin();
	for (i = 0; i < nr_columns; i++)
		if (applies(r, &columns[i]))
			start_cell(&cells[i], &columns[i]);
	if (r->all)
		r->all();
	else
		tell_all('a');
	*line = 0;
	for (i = 0; i < nr_columns; i++) {
		if (cells[i].used) {
			judge(r, i);
			snprintf(line + strlen(line), size - strlen(line), " %5lu",
				 outside(r, &cells[i]));
		} else if (!is_brief || columns[i].brief) {
			snprintf(line + strlen(line), size - strlen(line), "     .");
		}
	}
	check_all(r);
	end_cells();
	if (r->end)
		r->end();
	if (r->on_full)
		set_on_full("fail");
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("# %s: %ld ms\n", r->name,
	       (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000);
	fflush(stdout);
}

#endif
