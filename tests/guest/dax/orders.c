// SPDX-License-Identifier: GPL-2.0-only
/*
 * orders: operations on private DAX devices in many orders, for tier_orders.sh.
 *
 *	orders STEPS SEED DEVICE:NODE...
 *
 * A model of each device says which operations are possible, and in which tier its node has to be
 * after each: in one while it has memory and demotion is open, else in none.  Of the possible
 * operations the one is taken that was done least in this state, then the one that followed least
 * on the last one, then any.  Meanwhile a child reads every file that the operations change.
 */
#define _GNU_SOURCE
#include <glob.h>
#include <sched.h>

#include "../devmap/devmap.h"

#define DAX "/sys/bus/dax/devices/"
#define TIERS "/sys/devices/virtual/memory_tiering/memory_tier*/nodelist"
#define UNSAID 2880	/* five times DRAM's 576 */
#define MAX_DEVS 4
#define TRACE 24

struct dev {
	const char *name;
	int nid;
	bool bound, plugged;	/* plugged and not bound: kept */
	bool config;		/* it comes up with demotion open */
	bool demotion;
	int written;		/* to adistance */
	int online, blocks;
	pid_t holder;
};

struct op {
	const char *name;
	bool (*possible)(const struct dev *d);
	bool (*run)(struct dev *d);
};

static char trace[TRACE][40];
static unsigned int steps_done;

/* What sysfs is told; the last line of a report. */
static bool tell(const char *path, const char *text, bool taken)
{
	bool good = write_file(path, text) == taken;

	if (!good)
		printf("# '%s' to %s: %s, %s\n", text, path, taken ? "refused" : "taken", strerror(errno));
	return good;
}

static bool tell_dax(const struct dev *d, const char *file, const char *text, bool taken)
{
	char path[160];

	snprintf(path, sizeof(path), DAX "%s/%s", d->name, file);
	return tell(path, text, taken);
}

static bool tell_node(const struct dev *d, const char *file, const char *text)
{
	node = d->nid;
	return tell(node_file(file), text, true);
}

/* Memory blocks of its node; brings COUNT of them to a state. */
static int set_blocks(const struct dev *d, const char *state, int count)
{
	char pattern[96], path[320];
	int done = 0;
	size_t i;
	glob_t g;

	snprintf(pattern, sizeof(pattern), NODE_DIR "/node%d/memory[0-9]*", d->nid);
	if (glob(pattern, 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc && done < count; i++) {
		snprintf(path, sizeof(path), "%s/state", g.gl_pathv[i]);
		done += write_file(path, state);
	}
	globfree(&g);
	return done;
}

static int count_blocks(const struct dev *d)
{
	char pattern[96];
	int n = 0;
	glob_t g;

	snprintf(pattern, sizeof(pattern), NODE_DIR "/node%d/memory[0-9]*", d->nid);
	if (!glob(pattern, 0, NULL, &g)) {
		n = g.gl_pathc;
		globfree(&g);
	}
	return n;
}

/* -- what has to be ------------------------------------------------------ */

static bool in_list(const char *list, int nid)
{
	int first, last, used;

	while (sscanf(list, "%d%n", &first, &used) == 1) {
		list += used;
		last = first;
		if (*list == '-' && sscanf(list, "-%d%n", &last, &used) == 1)
			list += used;
		if (first <= nid && nid <= last)
			return true;
		list += *list == ',';
	}
	return false;
}

/* How many tiers have the node; the last one's abstract distance is at *START. */
static int tiers_of(int nid, int *start)
{
	char buf[256];
	int found = 0;
	size_t i;
	glob_t g;

	if (glob(TIERS, 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc; i++) {
		if (!read_file(g.gl_pathv[i], buf, sizeof(buf)) || !in_list(buf, nid))
			continue;
		found++;
		*start = atoi(strrchr(g.gl_pathv[i], '_') + strlen("_tier")) * 128;
	}
	globfree(&g);
	return found;
}

static bool check(const struct dev *d)
{
	int want = d->plugged && d->online && d->demotion;
	int adist = d->written ?: UNSAID;
	int start = -1, found = tiers_of(d->nid, &start);
	char buf[64];

	node = d->nid;
	if (found == want && (!want || start == adist / 128 * 128) &&
	    (!d->plugged || (read_file(node_file("adistance"), buf, sizeof(buf)) && atoi(buf) == adist)))
		return true;
	printf("# %s: node %d is in %d tiers, the last at %d; should be in %d, at %d, adistance %d\n", d->name, d->nid,
	       found, start, want, adist / 128 * 128, adist);
	return false;
}

/* -- operations ---------------------------------------------------------- */

static bool kept(const struct dev *d) { return d->plugged && !d->bound; }
static bool may_bind(const struct dev *d) { return !d->bound; }
static bool may_unbind(const struct dev *d) { return d->bound; }
static bool may_plug(const struct dev *d) { return d->bound && !d->plugged; }
static bool may_unplug(const struct dev *d) { return d->bound && d->plugged; }
static bool may_open(const struct dev *d) { return d->plugged; }
static bool may_hold(const struct dev *d) { return d->plugged && d->online && !d->holder; }
static bool may_release(const struct dev *d) { return d->holder; }
static bool may_offline(const struct dev *d) { return d->plugged && d->online && !d->holder; }
static bool may_online(const struct dev *d) { return d->plugged && d->online < d->blocks; }
static bool may_choose(const struct dev *d) { return !d->plugged; }

static void came_up(struct dev *d, bool online)
{
	d->plugged = true;
	d->demotion = d->config;
	d->written = 0;
	d->blocks = count_blocks(d);
	d->online = online ? d->blocks : 0;
}

/* The kernel's policy leaves new memory offline here; what was kept is as it was. */
static bool do_bind(struct dev *d)
{
	bool was_kept = kept(d);

	if (!tell("/sys/bus/dax/drivers/kmem/bind", d->name, true))
		return false;
	d->bound = true;
	if (!was_kept)
		came_up(d, false);
	return true;
}

static bool do_unbind(struct dev *d)
{
	d->bound = false;
	d->plugged = d->holder;
	return tell_dax(d, "driver/unbind", d->name, true);
}

static bool do_plug(struct dev *d)
{
	if (!tell_dax(d, "state", "online_movable", true))
		return false;
	came_up(d, true);
	return d->blocks > 0;
}

static bool do_unplug(struct dev *d)
{
	d->plugged = d->holder;
	return tell_dax(d, "state", "unplugged", !d->holder);
}

static bool do_open(struct dev *d)
{
	d->demotion = true;
	return tell_node(d, "enabled", "+reclaim +demotion");
}

static bool do_close(struct dev *d)
{
	d->demotion = false;
	return tell_node(d, "enabled", "-demotion");
}

static bool write_adistance(struct dev *d, int adist)
{
	char text[16];

	d->written = adist;
	snprintf(text, sizeof(text), "%d", adist);
	return tell_node(d, "adistance", text);
}

static bool do_near(struct dev *d) { return write_adistance(d, 1000); }
static bool do_far(struct dev *d) { return write_adistance(d, 5000); }
static bool do_unsay(struct dev *d) { return write_adistance(d, 0); }

static void hold(const char *file, int ready)
{
	int fd = open(file, O_RDWR);
	char *p = fd < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		_exit(1);
	*p = 1;
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static bool do_hold(struct dev *d)
{
	char file[64], byte;
	int ready[2];
	bool good;

	snprintf(file, sizeof(file), "/dev/private_node/node%d", d->nid);
	if (pipe(ready))
		bail("pipe");
	d->holder = fork();
	if (d->holder < 0)
		bail("fork");
	if (!d->holder) {
		close(ready[0]);
		hold(file, ready[1]);
	}
	close(ready[1]);
	good = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	if (!good)
		printf("# nothing to be had of %s\n", file);
	return good;
}

static bool do_release(struct dev *d)
{
	kill(d->holder, SIGKILL);
	waitpid(d->holder, NULL, 0);
	d->holder = 0;
	return true;
}

/* One after the other: the node has to stay in its tier up to the last. */
static bool do_offline(struct dev *d)
{
	while (d->online) {
		if (set_blocks(d, "offline", 1) != 1) {
			printf("# no block of node %d goes offline: %s\n", d->nid, strerror(errno));
			return false;
		}
		d->online--;
		if (!check(d))
			return false;
	}
	return true;
}

static bool do_online(struct dev *d)
{
	if (set_blocks(d, "online_movable", 1) != 1) {
		printf("# no block of node %d comes online: %s\n", d->nid, strerror(errno));
		return false;
	}
	d->online++;
	return true;
}

static bool do_choose(struct dev *d)
{
	d->config = !d->config;
	return tell_dax(d, "private_services", d->config ? "reclaim,demotion" : "none", true);
}

static const struct op ops[] = {
	{ "bind", may_bind, do_bind },
	{ "unbind", may_unbind, do_unbind },
	{ "plug", may_plug, do_plug },
	{ "unplug", may_unplug, do_unplug },
	{ "+demotion", may_open, do_open },
	{ "-demotion", may_open, do_close },
	{ "adistance=1000", may_open, do_near },
	{ "adistance=5000", may_open, do_far },
	{ "adistance=0", may_open, do_unsay },
	{ "hold", may_hold, do_hold },
	{ "release", may_release, do_release },
	{ "offline", may_offline, do_offline },
	{ "online", may_online, do_online },
	{ "services", may_choose, do_choose },
};

#define NR_OPS ((int)(sizeof(ops) / sizeof(ops[0])))
#define NR_STATES 256

/* -- the walk ------------------------------------------------------------ */

static int done_in[MAX_DEVS][NR_STATES][NR_OPS];
static int done_after[NR_OPS][NR_OPS];

static int state_of(const struct dev *d)
{
	int online = !d->plugged || !d->online ? 0 : d->online < d->blocks ? 1 : 2;

	return d->bound | d->plugged << 1 | d->demotion << 2 | !!d->written << 3 | !!d->holder << 4 | d->config << 5 |
	       online << 6;
}

static int choose_op(const struct dev *d, int dev, int last, unsigned int *seed)
{
	int state = state_of(d), best = -1, i;
	long cost, best_cost = 0;

	for (i = 0; i < NR_OPS; i++) {
		if (!ops[i].possible(d))
			continue;
		cost = done_in[dev][state][i] * 1000000L + done_after[last][i] * 1000L + rand_r(seed) % 1000;
		if (best < 0 || cost < best_cost) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

static bool step(struct dev *devs, int nr, int dev, int *last, unsigned int *seed)
{
	struct dev *d = &devs[dev];
	int op = choose_op(d, dev, *last, seed), i;
	bool good;

	done_in[dev][state_of(d)][op]++;
	done_after[*last][op]++;
	*last = op;
	snprintf(trace[steps_done++ % TRACE], sizeof(trace[0]), "%s %s", d->name, ops[op].name);
	good = ops[op].run(d);
	for (i = 0; i < nr; i++)
		good = check(&devs[i]) && good;
	return good;
}

static void print_trace(void)
{
	unsigned int i = steps_done < TRACE ? 0 : steps_done - TRACE;

	for (; i < steps_done; i++)
		printf("# %u: %s\n", i + 1, trace[i % TRACE]);
}

static void print_coverage(int nr)
{
	int in = 0, after = 0, i, j, k;

	for (i = 0; i < nr; i++)
		for (j = 0; j < NR_STATES; j++)
			for (k = 0; k < NR_OPS; k++)
				in += !!done_in[i][j][k];
	for (j = 0; j < NR_OPS; j++)
		for (k = 0; k < NR_OPS; k++)
			after += !!done_after[j][k];
	printf("# %u steps: %d operations in different states, %d pairs of operations\n", steps_done, in, after);
}

/* Leaves each device plugged out and bound. */
static bool end(struct dev *devs, int nr)
{
	bool good = true;
	int i;

	for (i = 0; i < nr; i++) {
		if (devs[i].holder)
			do_release(&devs[i]);
		if (!devs[i].bound)
			good = do_bind(&devs[i]) && good;
		if (devs[i].plugged)
			good = do_unplug(&devs[i]) && good;
	}
	for (i = 0; i < nr; i++)
		good = check(&devs[i]) && good;
	return good;
}

/* -- the reader ---------------------------------------------------------- */

static void read_all(const char *pattern)
{
	char buf[4096];
	size_t i;
	glob_t g;

	if (glob(pattern, 0, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		read_file(g.gl_pathv[i], buf, sizeof(buf));
	globfree(&g);
}

static pid_t start_reader(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bail("fork");
	while (!pid && getppid() == parent) {
		read_all(TIERS);
		read_all("/sys/devices/virtual/memory_tiering/memory_tier*/uevent");
		read_all(DAX "dax*/state");
		read_all(DAX "dax*/target_node");
		read_all(DAX "dax*/private*");
		read_all(NODE_DIR "/node*/private/*");
		usleep(1000);
	}
	if (!pid)
		_exit(0);
	return pid;
}

int main(int argc, char **argv)
{
	struct dev devs[MAX_DEVS] = { 0 };
	unsigned int steps, seed;
	bool good = true;
	int nr = argc - 3, last = 0, i;
	pid_t reader;

	if (nr < 1 || nr > MAX_DEVS)
		return 2;
	steps = atoi(argv[1]);
	seed = atoi(argv[2]);
	for (i = 0; i < nr; i++) {
		devs[i].name = strtok(argv[3 + i], ":");
		devs[i].nid = atoi(strtok(NULL, ":"));
		devs[i].bound = true;
	}
	reader = start_reader();
	while (good && steps_done < steps)
		good = step(devs, nr, rand_r(&seed) % nr, &last, &seed);
	if (!good)
		print_trace();
	ok(good, "after each step a node is in the tier that its memory, demotion and adistance ask for, or in none");
	ok(kill(reader, SIGKILL) == 0 && waitpid(reader, NULL, 0) == reader, "the reader of all files is still there");
	print_coverage(nr);
	if (good)
		ok(end(devs, nr), "all memory goes, and no tier is left");
	return done_testing();
}
