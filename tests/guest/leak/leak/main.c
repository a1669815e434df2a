// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs rows and measures; see leak.h.
 *
 * A page counts as landed when the candidate node's numastat saw an allocation (which catches what
 * is freed again at once), or when the node has less free than before (which catches what numastat
 * does not see, as alloc_contig_range).  The larger of both is reported.
 *
 *   leak run --nodes LIST [--set SET] [--out FILE] [ROW...]
 *   leak list | apart | compare ORDINARY PRIVATE | boot LIST
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../../kernel/files/tools/testing/selftests/private_node/leak/leak.h"
#include "report.h"

#define ROW_TIMEOUT_MS 120000
#define BALLAST (16 * MIB)
#define LIFELINES 12

/* Shared with the process of a row. */
static struct shared {
	char note[160];
	bool skipped;
	unsigned long seen;
} *sh;

static int to_row[2], from_row[2];

static unsigned long candidates, ordinary;
static FILE *out;

/* -- in the process of a row --------------------------------------------------------------- */

void note(const char *fmt, ...)
{
	size_t len = strlen(sh->note);
	va_list ap;

	if (len && len < sizeof(sh->note) - 3) {
		strcat(sh->note, "; ");
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(sh->note + len, sizeof(sh->note) - len, fmt, ap);
	va_end(ap);
}

void note_errno(const char *what)
{
	note("%s: %s", what, strerrorname_np(errno) ? strerrorname_np(errno) : "?");
}

int skip_row(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sh->note, sizeof(sh->note), fmt, ap);
	va_end(ap);
	sh->skipped = true;
	return SKIPPED;
}

void seen(unsigned long pages)
{
	sh->seen += pages;
}

void mark(void)
{
	char c = 'm';

	(void)!write(from_row[1], &c, 1);
	(void)!read(to_row[0], &c, 1);
}

/* -- measuring ----------------------------------------------------------------------------- */

struct sample {
	unsigned long events[MAX_NODES], free[MAX_NODES], pressure;
};

/* Something had to wake reclaim, reclaim itself, or be killed. */
static unsigned long pressure(void)
{
	static const char *const names[] = { "allocstall_dma", "allocstall_dma32", "allocstall_normal",
		"allocstall_movable", "oom_kill", "pageoutrun", NULL };

	return vmstat_sum(names);
}

static void sample(struct sample *s)
{
	int n;

	write_file("/proc/sys/vm/stat_refresh", "1");
	for (n = 0; n < MAX_NODES; n++) {
		if (!(candidates >> n & 1))
			continue;
		s->events[n] = node_events(n);
		s->free[n] = node_free(n);
	}
	s->pressure = pressure();
}

static unsigned long landed(const struct sample *a, const struct sample *b, unsigned long most)
{
	unsigned long sum = 0;
	int n;

	for (n = 0; n < MAX_NODES; n++) {
		unsigned long events, pages;

		if (!(candidates >> n & 1))
			continue;
		events = b->events[n] - a->events[n];
		pages = a->free[n] > b->free[n] ? a->free[n] - b->free[n] : 0;
		sum += events > pages ? events : pages;
	}
	return sum > most ? sum : most;
}

/* -- exhausting the ordinary nodes --------------------------------------------------------- */

static int hog_cmd[2], hog_answer[2];
static pid_t hog_pid, ballast_pid, lifelines[LIFELINES];

/* Whoever started this shall survive as well. */
static void spare_parent(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", getppid());
	if (getppid() > 1)
		write_file(path, "-1000");
}

static void oom_score(int adj)
{
	write_file("/proc/self/oom_score_adj", "%d", adj);
}

/* Half of what is left at a time: looking costs more than taking. */
static size_t step(unsigned long left)
{
	size_t n = left / 2 * PAGE & ~(2 * MIB - 1);

	return n ?: MIB / 4;
}

/* Pages of the ordinary nodes above the low watermark: with less the allocator wakes reclaim. */
static unsigned long spare(void)
{
	unsigned long sum = 0;
	int n;

	for (n = 0; n < MAX_NODES; n++)
		if (ordinary >> n & 1)
			sum += node_spare(n);
	return sum;
}

/*
 * Takes memory of the ordinary nodes, and of them only, until reclaim would wake.  The OOM killer
 * takes the row first, then the ballast, and the hog before it finds nobody and panics.
 */
static void hog(void)
{
	size_t size = 64UL << 30, at = 0;
	char *p = map_anon(size), c;

	oom_score(-600);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!p || !bind_range(p, size, ordinary))
		_exit(1);
	madvise(p, size, MADV_HUGEPAGE);
	while (read(hog_cmd[0], &c, 1) == 1) {
		unsigned long before = pressure(), left;

		while (pressure() == before && at < size && (left = spare()) > 512) {
			size_t n = step(left);

			touch(p + at, n);
			at += n;
		}
		(void)!write(hog_answer[1], &c, 1);
	}
	_exit(0);
}

/* Something for the OOM killer when a row left nothing: without it the kernel would panic. */
static void ballast(void)
{
	char *p = map_anon(BALLAST);

	oom_score(500);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bind_range(p, BALLAST, ordinary);
	touch(p, BALLAST);
	for (;;)
		pause();
}

/*
 * The hog's end frees its huge pages only after the OOM killer may look again (exit_mmap() says
 * MMF_OOM_SKIP first): until they are back it needs somebody else to kill, or panics.
 */
static void lifeline(void)
{
	oom_score(-900);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void keep_alive(pid_t *pid, void (*body)(void))
{
	if (*pid && waitpid(*pid, NULL, WNOHANG) != *pid)
		return;
	*pid = fork();
	if (!*pid)
		body();
	if (*pid < 0)
		*pid = 0;
}

/* False when the hog died of it. */
static bool fill(void)
{
	struct pollfd answer = { .events = POLLIN };
	pid_t before = ballast_pid;
	char c = 'f';
	int i;

	for (i = 0; i < LIFELINES; i++)
		keep_alive(&lifelines[i], lifeline);
	if (!hog_pid) {
		if (pipe2(hog_cmd, O_CLOEXEC) || pipe2(hog_answer, O_CLOEXEC))
			exit(3);
		keep_alive(&hog_pid, hog);
		close(hog_cmd[0]);
		close(hog_answer[1]);
	}
	keep_alive(&ballast_pid, ballast);
	if (ballast_pid != before)
		usleep(20000);
	answer.fd = hog_answer[0];
	return write(hog_cmd[1], &c, 1) == 1 && poll(&answer, 1, ROW_TIMEOUT_MS) == 1 &&
	       read(hog_answer[0], &c, 1) == 1;
}

static void reap(pid_t *pid)
{
	if (*pid) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void relax(void)
{
	int i;

	if (hog_pid) {
		close(hog_cmd[1]);
		close(hog_answer[0]);
	}
	reap(&hog_pid);
	reap(&ballast_pid);
	for (i = 0; i < LIFELINES; i++)
		reap(&lifelines[i]);
}

static void exhaust(void)
{
	int tries;

	for (tries = 0; !fill(); tries++) {
		relax();
		if (tries == 3) {
			fprintf(stderr, "leak: the hog that exhausts the ordinary nodes does not survive\n");
			exit(3);
		}
	}
}

/* -- running one row ----------------------------------------------------------------------- */

static void row_process(const struct row *row, unsigned int how)
{
	struct ctx c = {
		.row = row, .node = __builtin_ctzl(candidates), .candidates = candidates,
		.ordinary = ordinary, .full = how == FULL,
	};
	char done = 'd', go;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	munlockall();
	oom_score(1000);
	while (read(to_row[0], &go, 1) == 1 && go == 'p')
		(void)!write(from_row[1], &go, 1);
	if (how == POLICY && !bind_self(c.node))
		note_errno("set_mempolicy");
	row->fn(&c);
	(void)!write(from_row[1], &done, 1);
	for (;;)
		pause();
}

/* Follows the row to its end; its memory is still there when this returns, unless it was killed. */
static void follow(pid_t pid, bool early, struct sample *before)
{
	struct pollfd p = { .fd = from_row[0], .events = POLLIN };
	int waited, status;
	char c;

	for (waited = 0; waited < ROW_TIMEOUT_MS; waited += 10) {
		if (poll(&p, 1, 10) == 1 && read(from_row[0], &c, 1) == 1) {
			if (c == 'd')
				return;
			if (early)
				exhaust();
			sample(before);
			(void)!write(to_row[1], &c, 1);
		}
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (WIFSIGNALED(status))
				note("killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
			else
				note("exit %d", WEXITSTATUS(status));
			return;
		}
	}
	note("timed out");
}

static const char *suffix(unsigned int how)
{
	return how == POLICY ? "/policy" : how == FULL ? "/full" : "";
}

/*
 * Did the attempt run on exhausted nodes?  It had to reclaim, or it ended with nothing above the low
 * watermarks: the allocator looks at every node of its list before it goes below.
 */
static bool was_full(const struct sample *before, const struct sample *after)
{
	return after->pressure > before->pressure || spare() <= 32UL * __builtin_popcountl(ordinary);
}

/* Is it still waiting for its go?  Else it was killed, which may take it a while. */
static bool answers(pid_t pid)
{
	struct pollfd in = { .fd = from_row[0], .events = POLLIN };
	struct pollfd left = { .fd = to_row[0], .events = POLLIN };
	char c = 'p';

	(void)!write(to_row[1], &c, 1);
	while (waitpid(pid, NULL, WNOHANG) != pid)
		if (poll(&in, 1, 10) == 1)
			return read(in.fd, &c, 1) == 1;
	if (poll(&left, 1, 0) == 1)
		(void)!read(left.fd, &c, 1);
	return false;
}

/*
 * The process of a row, which waits for its go, on the memory that it asks for.  Taking that memory
 * may be a kill too far, and the first to be killed is this process: then it never ran.  A kill after
 * the sample is seen in the next one.
 */
static pid_t start_row(const struct row *row, unsigned int how, bool early, struct sample *before)
{
	int tries;
	pid_t pid;

	for (tries = 0; tries < 4; tries++) {
		pid = fork();
		if (!pid)
			row_process(row, how);
		if (early)
			relax();
		else if (how == FULL)
			exhaust();
		sample(before);
		if (answers(pid))
			return pid;
		relax();
	}
	fprintf(stderr, "leak: %s: its process does not survive that others take the memory\n", row->name);
	exit(3);
}

/* How many pages landed; @full: was it the attempt that was meant? */
static unsigned long try_row(const struct row *row, unsigned int how, bool *full)
{
	bool early = how == FULL && row->flags & EARLY;
	struct sample before, after;
	unsigned long most;
	pid_t pid;

	memset(sh, 0, sizeof(*sh));
	if (pipe2(to_row, O_CLOEXEC) || pipe2(from_row, O_CLOEXEC))
		exit(3);
	pid = start_row(row, how, early, &before);
	(void)!write(to_row[1], "g", 1);
	follow(pid, early, &before);
	sample(&after);
	*full = how != FULL || was_full(&before, &after);
	most = landed(&before, &after, sh->seen);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(to_row[0]), close(to_row[1]), close(from_row[0]), close(from_row[1]);
	return most;
}

/*
 * name \t pages \t min \t done|skip \t pressure \t note
 *
 * On a busy machine others may give memory back between the moment when the nodes are exhausted and the
 * row's go: then the row is tried again.  What landed in any of the attempts counts.
 */
static void run_row(const struct row *row, unsigned int how)
{
	unsigned long most = 0, landed_now;
	struct timespec t0, t1;
	int tries = 0;
	bool full;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		landed_now = try_row(row, how, &full);
		if (landed_now > most)
			most = landed_now;
	} while (!full && !sh->skipped && ++tries < 3);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	fprintf(out, "%s%s\t%lu\t%u\t%s\t%s\t%s\t%ld\n", row->name, suffix(how), most, row->min ?: 1,
		sh->skipped ? "skip" : "done", full ? "yes" : "no",
		sh->note, (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000);
	fflush(out);
}

/* -- choosing rows ------------------------------------------------------------------------- */

static char *const *filters;

static bool chosen(const struct row *row, unsigned int set)
{
	char *const *f;

	if (set ? !(row->flags & set) : !!(row->flags & (GIGA | TIER | PLUG | DIMM) && !(row->flags & QUICK)))
		return false;
	if (!filters || !*filters)
		return true;
	for (f = filters; *f; f++)
		if (!strncmp(row->name, *f, strlen(*f)))
			return true;
	return false;
}

static void each_row(const struct row *rows, unsigned int set, unsigned int how, bool late,
		     void (*fn)(const struct row *, unsigned int))
{
	for (; rows->name; rows++)
		if (rows->flags & how && !!(rows->flags & LATE) == late && chosen(rows, set))
			fn(rows, how);
}

/* The order: nothing exhausted, all exhausted, what changes the machine. */
static void all_rows(unsigned int set, void (*fn)(const struct row *, unsigned int))
{
	static const unsigned int hows[] = { NAMED, POLICY, FULL };
	const struct row *tables[] = { mem_rows, file_rows, kern_rows, mode_rows(), policy_rows,
				       move_rows, plug_rows, incore_rows() };
	unsigned int late, h, t;

	for (late = 0; late < 2; late++) {
		for (h = 0; h < 3; h++) {
			for (t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
				each_row(tables[t], set, hows[h], late, fn);
			if (fn == run_row)
				relax();
		}
	}
}

static void print_row(const struct row *row, unsigned int how)
{
	printf("%s%s\n", row->name, suffix(how));
}

static unsigned int set_flag(const char *name)
{
	if (!strcmp(name, "full"))
		return 0;
	if (!strcmp(name, "quick"))
		return QUICK;
	if (!strcmp(name, "short"))
		return SHORT;
	if (!strcmp(name, "plug"))
		return PLUG;
	if (!strcmp(name, "giga"))
		return GIGA;
	if (!strcmp(name, "tier"))
		return TIER;
	if (!strcmp(name, "dimm"))
		return DIMM;
	fprintf(stderr, "leak: --set %s: want full, quick, short, plug, giga, tier or dimm\n", name);
	exit(2);
}

static int run(int argc, char **argv)
{
	const char *set = "full";
	int i;

	out = stdout;
	for (i = 0; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--nodes"))
			candidates = parse_nodes(argv[i + 1]);
		else if (!strcmp(argv[i], "--set"))
			set = argv[i + 1];
		else if (!strcmp(argv[i], "--out"))
			out = fopen(argv[i + 1], "we");
		else
			return 2;
	}
	filters = argv + i;
	ordinary = node_set("has_memory") & ~candidates;
	if (!candidates || !ordinary || !out) {
		fprintf(stderr, "leak: --nodes: no candidate, or no ordinary node left\n");
		return 2;
	}
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	oom_score(-1000);
	spare_parent();
	signal(SIGPIPE, SIG_IGN);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	/* Per-CPU lists as short as can be: thousands of pages in them would serve a row on a full node. */
	write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	all_rows(set_flag(set), run_row);
	fprintf(out, "end\t0\t0\tdone\tyes\t\t0\n");
	fclose(out);
	return 0;
}

/* Pages in the pools of a node; those of a private one, which may be closed, are in its meminfo alone. */
static unsigned long pool_pages(int nid)
{
	static const char *const sizes[] = { "2048", "1048576" };
	static char buf[8192];
	unsigned long pages = 0;
	char path[160], *at;
	int i;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", nid);
	if (read_file(path, buf, sizeof(buf)) && (at = strstr(buf, "PrivateHugetlb:")))
		return strtoul(at + strlen("PrivateHugetlb:"), NULL, 10) / 4;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages/hugepages-%skB/nr_hugepages",
			 nid, sizes[i]);
		if (read_file(path, buf, sizeof(buf)))
			pages += strtoul(buf, NULL, 10) * (strtoul(sizes[i], NULL, 10) / 4);
	}
	return pages;
}

/* What the boot alone put on the nodes: CMA areas and huge pages. */
static int boot(const char *list)
{
	unsigned long mask = parse_nodes(list), cma = 0;
	unsigned long huge = 0;
	int n;

	for (n = 0; n < MAX_NODES; n++) {
		if (!(mask >> n & 1))
			continue;
		cma += node_field(n, "cma");
		huge += pool_pages(n);
	}
	printf("cma %lu\nhugetlb %lu\n", cma, huge);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "run"))
		return run(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return all_rows(0, print_row), 0;
	if (argc == 2 && !strcmp(argv[1], "apart"))
		return print_aparts(), 0;
	if (argc >= 5 && !strcmp(argv[1], "compare"))
		return compare(argv[2], argv[3], argv[4], argc > 5);
	if (argc == 3 && !strcmp(argv[1], "boot"))
		return boot(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "same-nodes"))
		return puts(parse_nodes(argv[2]) == parse_nodes(argv[3]) ? "yes" : "no"), 0;
	fprintf(stderr, "usage: leak run --nodes LIST [--set SET] [--out FILE] [ROW...]\n"
		"       leak list | apart | compare TITLE ORDINARY PRIVATE [plain] | same-nodes A B | boot NODES\n");
	return 2;
}
