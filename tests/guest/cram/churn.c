// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn: many tasks that use compressed RAM at once, on devices that misbehave.
 *
 *   churn SECONDS SEED CONDITION MODE...
 *
 * One device for each MODE, on the reserved ranges in their order.  Workers write, read, fork, remap,
 * give memory back and check what they find; others reclaim, raise events, take devices away (also while
 * somebody holds a page, so that it fails) and bring them back, change the writable budget, compact memory
 * and take pages off line.  CONDITION is what the devices are nearly full of:
 *
 *	room		nothing
 *	physical	data: they have less than what is placed there takes
 *	shown		pages: all that they show is in use, and has holes; the data is small
 *	both
 *
 * Every page has a pattern that says whose it is
 * and how often it was written; each worker draws from its own generator, so that a seed gives each
 * the same sequence.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "cram.h"
#include "torture.h"

#define WORKERS 4
#define LEN (6 * MIB)
#define PAGES (LEN / PAGE)
#define MAX_DEVICES 2
/* Node ids of devices are below. */
#define NODES 8
/* What two devices of 128 MiB show, but for what the workers have. */
#define FILLED (232 * MIB)
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
/* Per thousand of the pages that a device shows. */
#define NEARLY 900
/* Pages that are taken off line: each is lost to the guest. */
#define OFFLINE 24

/* What is added up for all devices, also for those that have gone. */
enum { ADMITTED, GRANTED, REFUSED, FAILED, COUNTS };

static const char *const count_names[COUNTS] = { "admitted", "granted", "refused_credit", "failed" };

static struct shared {
	unsigned long rounds[WORKERS + 6];
	struct verdict verdict;
	unsigned long counts[COUNTS];
	/* By node: what the kernel had counted at the last look. */
	unsigned long seen[NODES][COUNTS];
	/* Of what a device shows: most that was in use at once, per thousand. */
	unsigned long fullest;
	bool filled;
	bool stop;
} *sh;

#define wrong(...) wrong_at(&sh->verdict, __VA_ARGS__)

static const char *modes[MAX_DEVICES];
static bool shown_full, physically_full;
static int nr_devices;
static int self;

/* A worker's memory: the pattern of page i is that of gen[i]; 0 reads as zeroes. */
static char *mem;
static uint32_t gen[PAGES];

static uint64_t salt_of(uint32_t g)
{
	return ((uint64_t)self << 40) + g;
}

static void write_page(size_t i, uint32_t g)
{
	uint64_t *w = (uint64_t *)(mem + i * PAGE);
	size_t j;

	for (j = 0; j < 512; j++)
		w[j] = pattern_word(g % 3, i, j, salt_of(g));
}

static bool check_page(size_t i, uint32_t g)
{
	const uint64_t *w = (const uint64_t *)(mem + i * PAGE);
	size_t j;

	for (j = 0; j < 512; j++)
		if (w[j] != (g ? pattern_word(g % 3, i, j, salt_of(g)) : 0))
			return false;
	return true;
}

static void check_some(size_t from, size_t nr, const char *who)
{
	size_t i;

	for (i = from; i < from + nr; i++)
		if (!check_page(i, gen[i])) {
			wrong("%s %d: page %zu is not what was written for the %u. time", who, self, i, gen[i]);
			return;
		}
}

static void write_some(size_t from, size_t nr)
{
	size_t i;

	for (i = from; i < from + nr; i++)
		write_page(i, ++gen[i]);
}

static void forks(size_t from, size_t nr)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return;
	if (!pid) {
		check_some(from, nr, "child of");
		write_some(from, nr);
		check_some(from, nr, "child of");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		wrong("a child of %d died of signal %d", self, WTERMSIG(status));
	check_some(from, nr, "parent");
}

static void gives_back(size_t from, size_t nr)
{
	madvise(mem + from * PAGE, nr * PAGE, MADV_DONTNEED);
	memset(gen + from, 0, nr * sizeof(*gen));
}

static void moves_away(void)
{
	char *to = anon(LEN);

	if (mremap(mem, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		wrong("mremap: %s", strerror(errno));
	mem = to;
}

static void work(void)
{
	size_t from = draw(PAGES), nr = 1 + draw(draw(4) ? 16 : 256);

	if (nr > PAGES - from)
		nr = PAGES - from;
	switch (draw(12)) {
	case 0: case 1: case 2:
		write_some(from, nr);
		break;
	case 3: case 4: case 5:
		check_some(from, nr, "worker");
		break;
	case 6:
		forks(from, nr);
		break;
	case 7:
		gives_back(from, nr);
		break;
	case 8:
		madvise(mem, LEN, draw(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 9:
		mprotect(mem + from * PAGE, nr * PAGE, PROT_READ);
		check_some(from, nr, "reader");
		mprotect(mem, LEN, PROT_READ | PROT_WRITE);
		break;
	case 10:
		moves_away();
		break;
	default:
		madvise(mem, LEN, MADV_COLD);
	}
}

static void worker(void)
{
	mem = anon(LEN);
	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		work();
		sh->rounds[self]++;
	}
	check_some(0, PAGES, "at the end");
	munmap(mem, LEN);
}

static void reclaimer(void)
{
	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		write_file(GROUP "/memory.reclaim", "4M swappiness=max");
		sh->rounds[self]++;
		usleep(1000 * draw(20));
	}
}

static const char *device_file(int i, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), SIM "/c%d/%s", i, name);
	return path;
}

static unsigned long device_number(int i, const char *name)
{
	char buf[64] = "";

	return read_file(device_file(i, name), buf, sizeof(buf)) ? strtoul(buf, NULL, 0) : 0;
}

/*
 * Device 0 can be what a CXL memory device stores, see tests/guest/cxl/mock.sh; then its region comes and goes,
 * and the simulation stays.
 */
static bool is_region(int i)
{
	return cxl_region() && !i;
}

static bool bring(int i)
{
	char words[256];

	if (is_region(i))
		return bind_region("bind");
	snprintf(words, sizeof(words), "name=c%d range=%s physical=%s lag_ms=20 margin=64K algorithm=%s mode=%s", i,
		 reserved_range(i), !physically_full ? "128M" : shown_full ? "16M" : "8M", i ? "zstd" : "lz4", modes[i]);
	return write_file(SIM "/new_device", words);
}

static bool take_away(int i)
{
	char name[8];

	if (is_region(i))
		return bind_region("unbind");
	snprintf(name, sizeof(name), "c%d", i);
	return write_file(SIM "/remove_device", name);
}

static void none_lost(int i)
{
	if (device_number(i, "lost_writes") || device_number(i, "violations"))
		wrong("device %d lost %lu pages, %lu were written to", i, device_number(i, "lost_writes"),
		      device_number(i, "violations"));
}

static bool cram_text(int nid, const char *name, char *buf, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/cram/%s", nid, name);
	buf[0] = '\0';
	return read_file(path, buf, size);
}

/* The kernel's counters begin anew with each registration. */
static void add_counts(int nid, const char *stat)
{
	unsigned long now, *seen;
	char name[32];
	const char *at;
	int i;

	for (i = 0; i < COUNTS; i++) {
		snprintf(name, sizeof(name), "%s ", count_names[i]);
		at = strstr(stat, name);
		now = at ? strtoul(at + strlen(name), NULL, 10) : 0;
		seen = &sh->seen[nid][i];
		sh->counts[i] += now < *seen ? now : now - *seen;
		*seen = now;
	}
}

/* Pages that wait for their trim are not free either. */
static unsigned long fullness(int nid)
{
	char shown[32], here[32], freed[32];

	if (!cram_text(nid, "shown_bytes", shown, sizeof(shown)) || !cram_text(nid, "resident_bytes", here, sizeof(here)) ||
	    !cram_text(nid, "untrimmed_bytes", freed, sizeof(freed)) || !strtoul(shown, NULL, 10))
		return 0;
	return (strtoul(here, NULL, 10) + strtoul(freed, NULL, 10)) * 1000 / strtoul(shown, NULL, 10);
}

/* What the devices did since the last look; none of them may break its promises. */
static void look(void)
{
	char stat[1024], state[32];
	unsigned long full;
	int nid;

	for (nid = 1; nid < NODES; nid++) {
		if (!cram_text(nid, "stat", stat, sizeof(stat)))
			continue;
		add_counts(nid, stat);
		full = fullness(nid);
		if (full > sh->fullest)
			sh->fullest = full;
		if (cram_text(nid, "state", state, sizeof(state)) && !strcmp(state, "broken\n"))
			wrong("node %d is broken", nid);
	}
}

/* Events, budgets, and each device away and back, now and then. */
static void administrator(void)
{
	char words[64];
	int i, turn = 0;

	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		usleep(100000);
		look();
		if (++turn % 3)
			continue;
		i = draw(nr_devices);
		none_lost(i);
		snprintf(words, sizeof(words), "%s%s", modes[i], draw(3) ? "" : ",storm");
		write_file(device_file(i, "mode"), words);
		if (draw(10) == 0 && take_away(i))
			while (!bring(i) && !sh->stop)
				usleep(100000);
		sh->rounds[self]++;
	}
}

/* The budget of whichever node has a device now. */
static void budgets(void)
{
	char path[128], words[32];
	int nid;

	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		usleep(500000);		/* time: a pace */
		for (nid = 1; nid < NODES; nid++) {
			snprintf(path, sizeof(path), NODE_DIR "/node%d/private/cram/writable_bytes", nid);
			snprintf(words, sizeof(words), "%luK", draw(512) * 4);
			write_file(path, words);
		}
		sh->rounds[self]++;
	}
}

/* Of the data that the devices can store: more than they have room for. */
#define RANDOMS (shown_full ? 40 * MIB : 20 * MIB)

static char *random_data;

static bool is_full(void)
{
	look();
	return (!shown_full || sh->fullest >= NEARLY) && (!physically_full || sh->counts[REFUSED]);
}

/* Before anything else happens; a slow device takes a while. */
static void fill_devices(void)
{
	time_t end = time(NULL) + 60;
	size_t i;

	if (shown_full) {
		mem = anon(FILLED);
		for (i = 0; i < FILLED / PAGE; i++)
			*(uint64_t *)(mem + i * PAGE) = i + 1;
		madvise(mem, FILLED, MADV_COLD);
	}
	if (physically_full) {
		random_data = anon(RANDOMS);
		fill(random_data, RANDOMS, RANDOM, 1);
		madvise(random_data, RANDOMS, MADV_COLD);
	}
	while (!is_full() && time(NULL) < end)
		write_file(GROUP "/memory.reclaim", "256M swappiness=max");
	sh->filled = true;
}

/* Keeps the devices full: of pages that take little, in which it makes holes, or of data. */
static void filler(void)
{
	size_t from, nr, i;

	fill_devices();
	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		usleep(200000);		/* time: a pace */
		sh->rounds[self]++;
		if (random_data)
			madvise(random_data, RANDOMS, MADV_COLD);
		if (!shown_full)
			continue;
		for (i = 0; i < 64; i++) {
			from = draw(FILLED / PAGE - 8);
			nr = 1 + draw(8);
			madvise(mem + from * PAGE, nr * PAGE, MADV_DONTNEED);
		}
		from = draw(FILLED / PAGE);
		if (*(uint64_t *)(mem + from * PAGE) && *(uint64_t *)(mem + from * PAGE) != from + 1)
			wrong("filler: page %zu has %#lx", from, *(uint64_t *)(mem + from * PAGE));
		for (i = 0; i < FILLED / PAGE; i++)
			if (!*(uint64_t *)(mem + i * PAGE))
				*(uint64_t *)(mem + i * PAGE) = i + 1;
		madvise(mem, FILLED, MADV_COLD);
	}
	if (random_data && damaged(random_data, 0, RANDOMS, RANDOM, 1))
		wrong("filler: data");
}

/* Who moves pages about, or wants them whole or gone. */
static void disturber(void)
{
	int offline = 0, device;
	char path[128];
	size_t i;

	mem = anon(LEN);
	madvise(mem, LEN, MADV_NOHUGEPAGE);
	write_some(0, PAGES);
	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		i = draw(PAGES);
		check_some(i, 1, "disturber");
		switch (draw(6)) {
		case 0:
			write_file("/proc/sys/vm/compact_memory", "1");
			break;
		case 1:
			snprintf(path, sizeof(path), NODE_DIR "/node%lu/compact", draw(4));
			write_file(path, "1");
			break;
		case 2:
			if (offline++ < OFFLINE)
				madvise(mem + i * PAGE, PAGE, MADV_SOFT_OFFLINE);
			break;
		case 3:
			/* A device cannot go while one of its pages is held. */
			hold_page(mem + i * PAGE);
			device = draw(nr_devices);
			if (take_away(device))
				while (!bring(device) && !sh->stop)
					usleep(100000);
			hold_page(NULL);
			break;
		case 4:
			write_some(i, 1);
			break;
		default:
			madvise(mem, LEN, MADV_COLD);
		}
		check_some(i, 1, "disturber");
		sh->rounds[self]++;
		usleep(100000);
	}
	check_some(0, PAGES, "disturber, at the end");
}

static pid_t begin(int index, void (*fn)(void), uint64_t seed)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = index;
	rng = (seed + index + 1) * 0x9e3779b97f4a7c15ULL;
	fn();
	exit(0);
}

/* What the kernel had to say. */
static unsigned long complaints(void)
{
	static const char *const words[] = { "written to after it was stored", "changed after it was stored",
		"dropped what it was given", "stores more than it can", "its books do not balance" };
	unsigned long nr = 0;
	char line[1024];
	FILE *f = popen("dmesg", "r");
	size_t i;

	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strstr(line, words[i])) {
				nr++;
				printf("# %s", line);
			}
	if (!f || pclose(f))
		bail("dmesg");
	return nr;
}

static void prepare(char **argv)
{
	int i;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED || (access(SIM, F_OK) && system("modprobe cram_sim")))
		bail("set-up");
	for (i = 0; argv[i] && i < MAX_DEVICES; i++) {
		modes[i] = argv[i];
		if (!bring(i))
			bail("device with mode=%s", modes[i]);
	}
	nr_devices = i;
	group();
}

static bool gone(int i)
{
	int tries;

	write_file(device_file(i, "mode"), "good");
	for (tries = 0; tries < 150; tries++) {
		if (take_away(i))
			return true;
		usleep(100000);
	}
	return false;
}

static bool has_happened(void)
{
	return sh->counts[ADMITTED] > 1000;
}

/* A busy machine needs longer for the same. */
static void wait_for_all(void)
{
	int tries;

	for (tries = 0; !has_happened() && tries < 1200; tries++)
		usleep(100000);
	printf("# all had happened %d.%d s later\n", tries / 10, tries % 10);
}

/* What happened, and how full a device was. */
static void check_counts(void)
{
	int i;

	for (i = 0; i < COUNTS; i++)
		printf("# %s: %lu\n", count_names[i], sh->counts[i]);
	printf("# at most %lu of 1000 pages in use\n", sh->fullest);
	ok(sh->counts[ADMITTED] > 1000, "pages were admitted: %lu", sh->counts[ADMITTED]);
	if (shown_full)
		ok(sh->fullest >= NEARLY, "a device was nearly full of pages: %lu of 1000", sh->fullest);
	if (physically_full)
		ok(sh->counts[REFUSED], "a device had no room for data: %lu pages were refused", sh->counts[REFUSED]);
}

static unsigned long charged(void)
{
	return number_in(GROUP "/memory.cram.current", "");
}

int main(int argc, char **argv)
{
	void (*const fns[])(void) = {
		filler, worker, worker, worker, worker, reclaimer, reclaimer, administrator, budgets, disturber,
	};
	pid_t pids[sizeof(fns) / sizeof(fns[0])];
	unsigned int i, seconds, died = 0;
	uint64_t seed;
	int status;

	if (argc < 5)
		bail("usage: churn SECONDS SEED CONDITION MODE...");
	seconds = atoi(argv[1]);
	seed = strtoull(argv[2], NULL, 0);
	shown_full = !strcmp(argv[3], "shown") || !strcmp(argv[3], "both");
	physically_full = !strcmp(argv[3], "physical") || !strcmp(argv[3], "both");
	prepare(argv + 4);
	for (i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		pids[i] = begin(i, fns[i], seed);
		for (; !sh->filled; usleep(10000))
			if (waitpid(pids[i], NULL, WNOHANG))
				bail("the filler ended");
	}
	sleep(seconds);
	wait_for_all();
	__atomic_store_n(&sh->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		waitpid(pids[i], &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			printf("# process %u ended with %#x\n", i, status);
			died++;
		}
	}
	for (i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
		printf("# process %u: %lu rounds\n", i, sh->rounds[i]);
	ok(!died, "all lived, %u s, seed %lu", seconds, (unsigned long)seed);
	ok(!sh->verdict.wrong, "all contents were right, nothing was lost%s%s", sh->verdict.wrong ? ": " : "", sh->verdict.what);
	look();
	check_counts();
	for (i = 0; i < (unsigned int)nr_devices; i++) {
		none_lost(i);
		ok(gone(i), "%s: the device goes", modes[i]);
	}
	ok(!sh->verdict.wrong && !complaints(), "and nobody complained");
	ok(!charged(), "nobody is charged for what is not there: %lu bytes", charged());
	ungroup();
	return done_testing();
}
