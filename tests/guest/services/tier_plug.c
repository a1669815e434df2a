// SPDX-License-Identifier: GPL-2.0-only
/*
 * tier_plug: demoted memory is the kernel's doing, so unplug moves it whatever on_unplug says, and
 * pages that a user bound to the node go by on_unplug; and the tier holds what is cold, also when
 * two working sets that do not fit together take turns.
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
	return done_testing();
}
