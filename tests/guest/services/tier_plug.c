// SPDX-License-Identifier: GPL-2.0-only
/*
 * tier_plug: demoted memory is the kernel's doing, so unplug moves it whatever on_unplug says, and
 * pages that a user bound to the node go by on_unplug; and the tier holds what is cold, also when
 * two working sets that do not fit together take turns.  And what the whole system shares is taken
 * as rarely, and kept as shortly, as it can be: drains of per-CPU lists, lists of zones, locks of unplug.
 *
 * vm: --node 768M --reserve 384M,node=0 --append private_node_spare=1
 * timeout: 350
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <time.h>

#include "../devmap/devmap.h"

#define SIM "/sys/kernel/private_node_sim"
#define ROOT "/tmp/tier-cg"
#define GROUP ROOT "/g"
#define LEN (32 * MIB)
#define NR (LEN / PAGE)
#define ALL "user_numa,reclaim,demotion,promotion"

static void plug(const char *on_unplug, const char *more)
{
	const char *range = getenv("PMN_RESERVED");
	char words[400];

	if (!range)
		bail("no PMN_RESERVED");
	/* "NODE:ADDRESS:SIZE" */
	snprintf(words, sizeof(words), "name=t ranges=%s capable=" ALL " enabled=user_numa,reclaim,demotion%s on_unplug=%s",
		 strchr(range, ':') + 1, more, on_unplug);
	put(SIM "/new_node", words);
	find_node();
}

static char *anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static char *demoted(void)
{
	char *p = anon(LEN);
	int i;

	number_all(p, LEN);
	for (i = 0; i < 4; i++)
		write_file(GROUP "/memory.reclaim", "32M");
	if (where(p, LEN).here < NR / 2)
		bail("only %lu pages were demoted", where(p, LEN).here);
	return p;
}

static void test_unplug(const char *on_unplug)
{
	unsigned long mask;
	char *cold, *bound;
	bool gone;

	plug(on_unplug, "");
	cold = demoted();
	ok(write_file(SIM "/remove_node", "t") && !where(cold, LEN).here && !misnumbered(cold, LEN, 1),
	   "on_unplug=%s: demoted memory is moved, and the node goes", on_unplug);
	munmap(cold, LEN);

	plug(on_unplug, "");
	mask = 1UL << node;
	cold = demoted();
	bound = anon(LEN);
	if (syscall(SYS_mbind, bound, LEN, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
	number_all(bound, LEN);
	gone = write_file(SIM "/remove_node", "t");
	if (!strcmp(on_unplug, "refuse"))
		ok(!gone && errno == EBUSY && where(bound, LEN).here == NR && !misnumbered(bound, LEN, 1) &&
		   !misnumbered(cold, LEN, 1),
		   "... but not while something is bound there, which stays");
	else if (!strcmp(on_unplug, "move"))
		ok(gone && !misnumbered(bound, LEN, 1) && !misnumbered(cold, LEN, 1),
		   "... and what was bound there is moved as well");
	else
		ok(gone && !misnumbered(cold, LEN, 1) && !touch(bound, LEN) && bus_signal == SIGBUS,
		   "... and what was bound there gets SIGBUS, the rest nothing");
	munmap(bound, LEN);
	munmap(cold, LEN);
	if (!gone)
		ok(write_file(SIM "/remove_node", "t"), "... afterwards it goes");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Uses a set until nine tenths of it are in ordinary memory; its share there, in per cent. */
static unsigned long use(volatile char *p, size_t len, double seconds)
{
	unsigned long share = 0;
	double start = now();
	size_t i;

	while (share < 90 && now() - start < seconds) {
		forget_translations();
		for (i = 0; i < len; i += PAGE)
			(void)p[i + 64];
		share = where((char *)p, len).elsewhere * 100 / (len / PAGE);
	}
	return share;
}

/* Each set is more than half of ordinary memory, both fit into ordinary and private memory. */
static void test_turns(void)
{
	size_t len = number_in("/proc/meminfo", "MemAvailable:") * 1024 / 100 * 60 / PMD * PMD;
	unsigned long share[2], other;
	char *set[2];
	int turn;

	plug("refuse", ",promotion");
	put(node_file("promotion_mib_per_second"), "256");
	set[0] = anon(len);
	set[1] = anon(len);
	number_all(set[0], len);
	number_all(set[1], len);
	for (turn = 0; turn < 4; turn++) {
		share[turn & 1] = use(set[turn & 1], len, 60);
		other = where(set[!(turn & 1)], len).here * 100 / (len / PAGE);
		ok(share[turn & 1] >= 90, "turn %d: the set in use is in ordinary memory (%lu %%), the other on the node (%lu %%)",
		   turn + 1, share[turn & 1], other);
	}
	ok(!misnumbered(set[0], len, 1) && !misnumbered(set[1], len, 1), "... and all is there, without swap");
	printf("# 2 sets of %zu MiB, demoted %lu, promoted %lu pages\n", len / MIB, counter("demotion_used "),
	       counter("promotion_used "));
	munmap(set[0], len);
	munmap(set[1], len);
	ok(write_file(SIM "/remove_node", "t"), "the node goes");
}

/* -- how often what the whole system shares is taken ----------------------------------------- */

#define TRACING "/sys/kernel/tracing/"

static void trace(const char *event, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "events/private_node/private_node_%s/enable", event);
	put(path, on ? "1" : "0");
}

static void trace_on(const char *event)
{
	if (access(TRACING "events", F_OK) && system("mount -t tracefs none " TRACING))
		bail("tracefs");
	empty_file(TRACING "trace");
	trace(event, true);
}

/* How often the event was seen since. */
static unsigned long traced(const char *event)
{
	char line[400], want[64];
	unsigned long nr = 0;
	FILE *f;

	trace(event, false);
	snprintf(want, sizeof(want), "private_node_%s:", event);
	f = fopen(TRACING "trace", "r");
	while (f && fgets(line, sizeof(line), f))
		nr += !!strstr(line, want);
	if (f)
		fclose(f);
	return nr;
}

/* The owner takes all of the node, but for some pages. */
static void owner_takes(unsigned long leave)
{
	char text[64];

	snprintf(text, sizeof(text), "node=t count=%lu", node_number("total_bytes") / PAGE);
	put(SIM "/alloc", text);
	snprintf(text, sizeof(text), "%d %lu", node, leave);
	put(SIM "/free", text);
}

static void test_drained_faults(void)
{
	unsigned long i, nr, mask = 1UL << node;
	char *p = anon(PAGE);

	owner_takes(0);
	if (syscall(SYS_mbind, p, PAGE, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
	trace_on("drain");
	for (i = 0; i < 1000; i++)
		if (!madvise(p, PAGE, 23 /* MADV_POPULATE_WRITE */))
			bail("the node is not full");
	nr = traced("drain");
	ok(nr <= 2, "1000 faults on a full node drain its lists %lu times", nr);
	munmap(p, PAGE);
	put(SIM "/free", "all");
}

/* Somebody comes and goes, so that there are pages in the per-CPU lists each time. */
static void test_drained_blocks(void)
{
	char one[32];
	unsigned long i, nr;

	owner_takes(64);
	snprintf(one, sizeof(one), "%d 1", node);
	trace_on("drain");
	for (i = 0; i < 100; i++) {
		put(SIM "/alloc", "node=t count=1");
		put(SIM "/free", one);
		if (write_file(SIM "/alloc", "node=t order=9 count=1"))
			bail("there is a free block");
	}
	nr = traced("drain");
	ok(nr <= 2, "100 requests for a block that is not there drain them %lu times", nr);
	put(SIM "/free", "all");
}

static void test_drained_demotions(void)
{
	char *p = anon(LEN);
	unsigned long nr;
	int i;

	owner_takes(64);
	number_all(p, LEN);
	trace_on("drain");
	for (i = 0; i < 10; i++)
		write_file(GROUP "/memory.reclaim", "1M");
	nr = traced("drain");
	ok(!nr && where(p, LEN).here <= 64, "demotions that find no room drain them %lu times", nr);
	munmap(p, LEN);
	put(SIM "/free", "all");
}

static void test_lists(void)
{
	unsigned long nr;

	put(SIM "/unplug", "t");
	trace_on("lists");
	put(SIM "/plug", "t");
	nr = traced("lists");
	ok(nr == 1, "a plug of three blocks builds the lists of zones %lu times", nr);
}

/* All of the node is in use, and is asked for with the gates closed. */
static void test_steps(void)
{
	size_t len = node_number("total_bytes") / PAGE / 4 * 3 * PAGE;
	unsigned long nr, mask = 1UL << node;
	char *p = anon(len);

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
	touch(p, len);
	trace_on("evacuate_step");
	put(SIM "/unplug", "t");
	nr = traced("evacuate_step");
	ok(nr, "an unplug gives others a turn %lu times", nr);
	munmap(p, len);
	put(SIM "/plug", "t");
}

static void test_shared(void)
{
	plug("sigbus", "");
	test_drained_faults();
	test_drained_blocks();
	test_drained_demotions();
	test_lists();
	test_steps();
	ok(write_file(SIM "/remove_node", "t"), "the node goes");
}

int main(void)
{
	if (system("modprobe private_node_sim"))
		bail("modprobe");
	mkdir(ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL) || !write_file(ROOT "/cgroup.subtree_control", "+memory") ||
	    mkdir(GROUP, 0755) || !write_file(GROUP "/cgroup.procs", "0"))
		bail("cgroup");
	test_unplug("refuse");
	test_unplug("move");
	test_unplug("sigbus");
	test_turns();
	test_shared();
	return done_testing();
}
