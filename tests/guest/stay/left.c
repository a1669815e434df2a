// SPDX-License-Identifier: GPL-2.0-only
/*
 * left: a bind to two private nodes of which one is gone, empty, closed or full uses the other, with
 * a home node and without; and when that is full too, its owner says what happens.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 120
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>

#include "../devmap/devmap.h"

#define SIM "/sys/kernel/private_node_sim/"
#define NR 64UL
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

static struct {
	char range[64];
	unsigned long start, end;	/* page frames */
	int nid;
} nodes[2];

static const char names[2][2] = { "a", "b" };

static void find_ranges(void)
{
	char *text = strdup(getenv("PMN_RESERVED")), *end;
	int i;

	for (i = 0; i < 2; i++) {
		text = strchr(i ? strchr(text, ' ') : text, ':') + 1;
		snprintf(nodes[i].range, sizeof(nodes[i].range), "%.*s", (int)strcspn(text, " "), text);
		nodes[i].start = strtoul(text, &end, 0) / PAGE;
		nodes[i].end = nodes[i].start + strtoul(end + 1, NULL, 0) / PAGE;
	}
}

static void new_node(int i, const char *on_full)
{
	char text[256];

	/* a is nearer */
	snprintf(text, sizeof(text),
		 "name=%s owner=%s ranges=%s distances=%s capable=user_numa enabled=user_numa on_full=%s on_unplug=move",
		 names[i], names[i], nodes[i].range, i ? "50,50" : "30", on_full);
	put(SIM "new_node", text);
	snprintf(text, sizeof(text), "name=%s nid=", names[i]);
	nodes[i].nid = (int)number_in(SIM "nodes", text);
}

/* Of a page that is mapped: 0 or 1 for the node, 2 elsewhere. */
static int node_of(int pagemap, const char *p)
{
	unsigned long e, pfn;

	if (pread(pagemap, &e, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		bail("pagemap");
	pfn = e & ((1UL << 55) - 1);
	if (pfn >= nodes[0].start && pfn < nodes[0].end)
		return 0;
	return pfn >= nodes[1].start && pfn < nodes[1].end ? 1 : 2;
}

enum { SIGNAL = -1, MIXED = -2 };

/* A range that is bound to both, before the first is gone. */
static char *bind_both(int home)
{
	unsigned long mask = 1UL << nodes[0].nid | 1UL << nodes[1].nid;
	char *p = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, NR * PAGE, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
	if (home >= 0 && syscall(SYS_set_mempolicy_home_node, p, NR * PAGE, (unsigned long)home, 0UL))
		bail("set_mempolicy_home_node");
	madvise(p, NR * PAGE, MADV_NOHUGEPAGE);
	return p;
}

/* Where its new memory is: as node_of(), SIGNAL or MIXED. */
static int lands(char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), all = SIGNAL;
	unsigned long i;

	if (fd < 0)
		bail("pagemap");
	if (touch(p, NR * PAGE) == NR)
		all = node_of(fd, p);
	for (i = 1; all >= 0 && i < NR; i++)
		if (node_of(fd, p + i * PAGE) != all)
			all = MIXED;
	close(fd);
	munmap(p, NR * PAGE);
	return all;
}

static void fill(int i)
{
	char text[64];

	node = nodes[i].nid;
	snprintf(text, sizeof(text), "node=%s count=%lu", names[i], node_free());
	put(SIM "alloc", text);
}

static void close_service(int i)
{
	node = nodes[i].nid;
	enable("-user_numa");
}

enum how { THERE, UNPLUGGED, REMOVED, CLOSED, FULL, NR_HOW };
static const char *const hows[NR_HOW] = { "is there", "has no memory", "is gone", "is closed", "is full" };

static void make(enum how how, int i)
{
	switch (how) {
	case UNPLUGGED:
		put(SIM "unplug", names[i]);
		break;
	case REMOVED:
		put(SIM "remove_node", names[i]);
		break;
	case CLOSED:
		close_service(i);
		break;
	case FULL:
		fill(i);
		break;
	default:
		break;
	}
}

/* What a says when it is full counts only while a is the nearest that has memory. */
static void test(enum how how, const char *home)
{
	char *p, *more, *last;
	int to;

	new_node(0, "fail");
	new_node(1, "fallback:0");
	to = !strcmp(home, "a") ? nodes[0].nid : !strcmp(home, "b") ? nodes[1].nid : !strcmp(home, "0") ? 0 : -1;
	p = bind_both(to);
	more = bind_both(to);
	last = bind_both(to);
	make(how, 0);
	to = lands(p);
	ok(to == (how == THERE && strcmp(home, "b") ? 0 : 1), "a %s, home node %s: on %d", hows[how], home, to);
	if (how == THERE) {
		fill(0);
		to = lands(more);
		ok(to == 1, "then it is full: on %d", to);
	} else {
		munmap(more, NR * PAGE);
	}
	fill(1);
	to = lands(last);
	if (how == THERE || how == FULL)
		ok(to == (strcmp(home, "b") ? SIGNAL : 2), "both are full: %d, as the nearest owner says", to);
	else
		ok(to == 2, "a %s, home node %s, b is full: %d, as b's owner says", hows[how], home, to);
	put(SIM "free", "all");
	if (how != REMOVED)
		put(SIM "remove_node", "a");
	put(SIM "remove_node", "b");
}

int main(void)
{
	static const char *const homes[] = { "none", "a", "b", "0" };
	unsigned long i;
	int how;

	if (system("modprobe private_node_sim"))
		bail("modprobe");
	find_ranges();
	for (how = 0; how < NR_HOW; how++)
		for (i = 0; i < 4; i++)
			if (i < 2 || how <= UNPLUGGED)
				test(how, homes[i]);
	return done_testing();
}
