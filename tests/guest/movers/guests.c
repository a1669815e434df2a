// SPDX-License-Identifier: GPL-2.0-only
/*
 * guests: who names a full node gets pages of it as long as some of what the kernel put there can
 * leave, whoever names it and however: a bind, a preference, an owner, a pool of huge pages.
 *
 * The node is filled by its owner but for the guests.  Stuck guests are those whose users bound them to
 * the node later, so that they may go to no other.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 200
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/swap.h>
#include <time.h>

#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/movers.h"

#define WAIT 60		/* seconds for a state that has to come, on a busy host */

struct guests {
	pid_t pid;
	int from, to;
};

/* A process in a cgroup of its own, of which most of LEN bytes are on the node. */
static void guests_main(struct guests *g, const char *group, size_t len, bool stuck)
{
	time_t limit = time(NULL) + WAIT;
	unsigned long bad;
	char path[128], c;
	char *p;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mkdir(group, 0755);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	put(path, "0");
	p = map_small(len, MAP_PRIVATE);
	touch(p, len);
	/* None come for a while after somebody named a full node. */
	while (!demote(group, p, len))
		if (time(NULL) > limit)
			bail("no guests");
	if (stuck && bind_to(p, len, node, 0))
		bail("mbind");
	while (write(g->from, "", 1) == 1 && read(g->to, &c, 1) == 1) {
		for (i = bad = 0; i < len / PAGE; i++)
			bad += ((volatile char *)p)[i * PAGE] != (char)(1 + i % 100);
		if (bad)
			bail("%lu pages changed", bad);
	}
	_exit(0);
}

static struct guests start_guests(const char *group, size_t len, bool stuck)
{
	struct guests g;
	int to[2], from[2];
	char c;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail("pipe");
	fflush(stdout);
	g.pid = fork();
	if (!g.pid) {
		g.to = to[0];
		g.from = from[1];
		close(to[1]);
		close(from[0]);
		guests_main(&g, group, len, stuck);
	}
	close(to[0]);
	close(from[1]);
	g.to = to[1];
	g.from = from[0];
	if (read(g.from, &c, 1) != 1)
		bail("guests");
	return g;
}

/* Is all of it as it was written? */
static bool guests_intact(struct guests *g)
{
	char c;

	return write(g->to, "", 1) == 1 && read(g->from, &c, 1) == 1;
}

static void end_guests(struct guests *g)
{
	close(g->to);
	close(g->from);
	kill(g->pid, SIGKILL);
	waitpid(g->pid, NULL, 0);
}

/* The owner takes what is free, but for what would make guests leave. */
static void fill(void)
{
	char request[80];

	snprintf(request, sizeof(request), "node=t gfp=atomic count=%lu", node_free());
	write_file(SIM "alloc", request);
}

static unsigned long held_on(int nid)
{
	char buf[1024], name[16];
	unsigned long sum = 0, order, nr;
	const char *at = buf;

	if (!read_file(SIM "held", buf, sizeof(buf)))
		bail("held");
	snprintf(name, sizeof(name), "nid=%d ", nid);
	while ((at = strstr(at, name))) {
		at += strlen(name);
		if (sscanf(at, "order=%lu folios=%lu", &order, &nr) == 2)
			sum += nr << order;
	}
	return sum;
}

static unsigned long touch_bound(char **p, size_t len)
{
	*p = map_small(len, MAP_PRIVATE);
	if (bind_to(*p, len, node, 0))
		bail("mbind");
	return touch(*p, len);
}

static unsigned long guests_moved(void)
{
	return counter("guests_moved ");
}

/* -- guests that may go nowhere do not hide those that may ----------------------------------- */

static void use_zram(void)
{
	if (system("modprobe zram; echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null") ||
	    swapon("/dev/zram0", 0))
		bail("swapon");
}

static void leave_zram(void)
{
	if (swapoff("/dev/zram0"))
		bail("swapoff");
	put("/sys/block/zram0/reset", "1");
}

static unsigned long touch_some(void)
{
	unsigned long nr;
	char *p;

	fill();
	nr = touch_bound(&p, 32 * PAGE);
	munmap(p, 32 * PAGE);
	return nr;
}

/*
 * Stuck guests go to swap for who may wait for that.  After all were asked in vain they are not for a
 * while, unless new ones come.
 */
static void test_swap(struct guests *stuck)
{
	unsigned long moved, touched;
	struct guests new;
	char request[32];

	snprintf(request, sizeof(request), "%d 1024", node);
	put(SIM "free", request);
	new = start_guests(ROOT "/s2", MIB, true);
	use_zram();
	moved = guests_moved();
	touched = touch_some();
	ok(touched == 32 && guests_moved() > moved, "stuck guests: they go to swap (%lu, %lu)", touched, guests_moved() - moved);
	moved = guests_moved();
	fill();
	write_file(SIM "alloc", "node=t gfp=nofs count=64");
	/* Of what the process has beside them a page or two may go up. */
	ok(guests_moved() - moved < 16, "... but not for who may not enter a filesystem (%lu)", guests_moved() - moved);
	touched = touch_some();
	ok(touched == 32 && guests_moved() > moved, "... control: for who may, just then (%lu, %lu)", touched,
	   guests_moved() - moved);
	ok(guests_intact(&stuck[0]) && guests_intact(&stuck[1]) && guests_intact(&new), "... and come back as they were");
	end_guests(&new);
	put(SIM "free", "all");
	leave_zram();
}

/* What may move lies between two parts of what may not, each more than is looked at in one go. */
static void test_stuck(void)
{
	struct guests stuck[2], others;
	unsigned long moved, touched;
	size_t len = 4 * MIB;
	char *p;

	stuck[0] = start_guests(ROOT "/s0", 12 * MIB, true);
	others = start_guests(ROOT "/m", 8 * MIB, false);
	stuck[1] = start_guests(ROOT "/s1", 12 * MIB, true);
	fill();
	moved = guests_moved();
	touched = touch_bound(&p, len);
	ok(touched == len / PAGE && all_here(p, len), "stuck guests: who names the node gets %lu of %lu pages", touched, len / PAGE);
	ok(guests_moved() - moved >= len / PAGE / 4, "... others left for them (%lu)", guests_moved() - moved);
	ok(guests_intact(&others), "... and are as they were");
	end_guests(&others);
	fill();
	munmap(p, len);
	touched = touch_bound(&p, 2 * len);
	ok(touched && touched < 2 * len / PAGE && bus_signal == SIGBUS, "... control: with stuck guests alone the node is full (%lu)",
	   touched);
	munmap(p, 2 * len);
	test_swap(stuck);
	end_guests(&stuck[0]);
	end_guests(&stuck[1]);
}

/* -- however it is named --------------------------------------------------------------------- */

static void test_nofs(void)
{
	unsigned long moved = guests_moved(), held;

	fill();
	held = held_on(node);
	write_file(SIM "alloc", "node=t gfp=nofs count=256");
	ok(held_on(node) - held == 256 && guests_moved() > moved, "an owner that may not enter a filesystem: guests move (%lu)",
	   held_on(node) - held);
}

static void test_owner(unsigned int order, unsigned long nr)
{
	unsigned long held = held_on(node), spilled = held_on(HOME), moved = guests_moved();
	char request[80];

	fill();
	held = held_on(node);
	snprintf(request, sizeof(request), "node=t order=%u count=%lu", order, nr);
	set_on_full("fallback:0");
	write_file(SIM "alloc", request);
	set_on_full("fail");
	ok(held_on(node) - held == nr << order && held_on(HOME) == spilled && guests_moved() > moved,
	   "an owner's order %u: guests leave before it falls back (%lu here, %lu elsewhere)", order, held_on(node) - held,
	   held_on(HOME) - spilled);
}

static void test_pool(void)
{
	unsigned long nr, moved;

	enable("+hugetlb");
	fill();
	moved = guests_moved();
	set_pool(node, 2);
	nr = number_in(pool_file(node, "nr_hugepages"), "");
	ok(nr == 2 && guests_moved() > moved, "a pool of huge pages: guests leave for it (%lu)", nr);
	set_pool(node, 0);
	enable("-hugetlb");
}

static void test_prefer(size_t len, bool huge)
{
	unsigned long mask = 1UL << node, moved;
	char *map = map_small(len + PMD, MAP_PRIVATE);
	char *p = (char *)(((uintptr_t)map + PMD - 1) & ~(PMD - 1));
	struct places at;

	if (huge)
		madvise(p, len, MADV_HUGEPAGE);
	if (syscall(SYS_mbind, p, len, MPOL_PREFERRED, &mask, 64UL, 0UL))
		bail("mbind");
	fill();
	moved = guests_moved();
	touch(p, len);
	at = places(p, len);
	ok(at.on[node] == len / PAGE && guests_moved() > moved, "%s that prefer it: guests leave for them (%lu of %lu)",
	   huge ? "huge pages" : "pages", at.on[node], len / PAGE);
	munmap(map, len + PMD);
}

/* All guests gone, or nothing would be shown by the node being full. */
static void test_none(void)
{
	unsigned long mask = 1UL << node, spilled = held_on(HOME), held;
	char *p = map_small(MIB, MAP_PRIVATE);

	fill();
	held = held_on(node);
	set_on_full("fallback:0");
	write_file(SIM "alloc", "node=t order=2 count=8");
	write_file(SIM "alloc", "node=t count=512");
	set_on_full("fail");
	syscall(SYS_mbind, p, MIB, MPOL_PREFERRED, &mask, 64UL, 0UL);
	touch(p, MIB);
	ok(held_on(HOME) - spilled > 256 && places(p, MIB).on[HOME], "control: without guests all that falls back (%lu, %lu, %lu)",
	   held_on(HOME) - spilled, held_on(node) - held, places(p, MIB).on[HOME]);
	munmap(p, MIB);
}

int main(void)
{
	struct guests g;

	make_node("on_unplug=move");
	make_root();
	test_stuck();
	g = start_guests(ROOT "/g", 40 * MIB, false);
	fill();
	test_nofs();
	test_owner(2, 8);
	test_owner(4, 8);
	test_pool();
	test_prefer(MIB, false);
	test_prefer(PMD, true);
	ok(guests_intact(&g), "what left is as it was");
	end_guests(&g);
	test_none();
	put(SIM "free", "all");
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	rmdir(ROOT "/s0");
	rmdir(ROOT "/s1");
	rmdir(ROOT "/s2");
	rmdir(ROOT "/m");
	rmdir(ROOT "/g");
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
