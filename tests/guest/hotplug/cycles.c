// SPDX-License-Identifier: GPL-2.0-only
/*
 * cycles: plug, bind, fill, fork, swap, move, unplug, over and over, with the simulated node.
 *
 *   cycles NAME CYCLES move|refuse|sigbus
 *
 * The node NAME of private_node_sim is registered, with user_numa and reclaim, and without memory.
 * In each cycle a parent and a child hold memory that was bound, device-mapped (private, shared)
 * and moved there; some of it is paged out.  Then unplug does what on_unplug says:
 *
 *	move	all pages are where they can be read, with their contents
 *	refuse	EBUSY, the holder is named, nothing changes; unplug works when the memory is free
 *	sigbus	what was on the node is gone for good, all else has its contents
 *
 * Every fourth cycle a page is pinned: EBUSY, the holder's pid in the log, nothing changes.  Pages
 * on swap whose policy has lost its node give SIGBUS, and have their contents in the next cycle,
 * when the node has memory again.  Each page is filled and compared as a whole.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/uio.h>

#include "../devmap/devmap.h"

#define SIM "/sys/kernel/private_node_sim"
#define PAGES 64UL
#define LEN (PAGES * PAGE)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { BOUND, PRIVATE, SHARED, MOVED, NR_AREAS };
static const char *const area_names[] = { "bound", "device map", "shared device map", "moved" };

enum place { ABSENT, HERE, ELSEWHERE, SWAPPED };

/* What a process knows of its pages. */
struct area {
	char *p;
	uint64_t seed;
	enum place place[PAGES];
	bool gone[PAGES];	/* unmapped by unplug: SIGBUS for good */
};

static struct area areas[NR_AREAS], old[NR_AREAS];
static const char *name, *how;
static unsigned long cycle, bad, checked, buses, pins;
static int kmsg;

__attribute__((format(printf, 1, 2))) static void wrong(const char *fmt, ...)
{
	va_list ap;

	if (bad++ > 8)
		return;
	printf("# cycle %lu, pid %d: ", cycle, getpid());
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static bool sim(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), SIM "/%s", file);
	return write_file(path, name);
}

/* -- contents ------------------------------------------------------------------------------- */

static uint64_t pattern(uint64_t seed, size_t page, size_t i)
{
	return (seed + page * 512 + i) * 0x9e3779b97f4a7c15UL;
}

static void fill_page(struct area *a, size_t page)
{
	uint64_t *w = (uint64_t *)(a->p + page * PAGE);
	size_t i;

	for (i = 0; i < PAGE / 8; i++)
		w[i] = pattern(a->seed, page, i);
}

/* 0 for SIGBUS, 1 for the page's contents, -1 for others. */
static int look(struct area *a, size_t page)
{
	volatile uint64_t *w = (volatile uint64_t *)(a->p + page * PAGE);
	size_t i;

	if (sigsetjmp(bus_jmp, 1))
		return 0;
	for (i = 0; i < PAGE / 8; i++)
		if (w[i] != pattern(a->seed, page, i))
			return -1;
	return 1;
}

static void find_places(struct area *a)
{
	uint64_t e[PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t i;

	if (fd < 0 || pread(fd, e, sizeof(e), (uintptr_t)a->p / PAGE * 8) != sizeof(e))
		bail("pagemap");
	close(fd);
	for (i = 0; i < PAGES; i++) {
		unsigned long block = (e[i] & ((1ULL << 55) - 1)) / block_pages;

		a->place[i] = e[i] >> 62 & 1 ? SWAPPED : !(e[i] >> 63) ? ABSENT :
			      block < MAX_BLOCKS && block_here[block] ? HERE : ELSEWHERE;
	}
}

/*
 * After unplug: on_unplug=sigbus took what was here (for the parent and for the child, who share
 * it), and what the policy wants on the node cannot come back from swap.
 */
static bool may_be_bus(const struct area *a, int kind, size_t page, bool unplugged)
{
	if (a->gone[page])
		return true;
	return unplugged && kind != MOVED && (a->place[page] == SWAPPED || a->place[page] == ABSENT);
}

static void check_area(struct area *a, int kind, bool unplugged)
{
	size_t i;
	int got;

	for (i = 0; i < PAGES; i++) {
		got = look(a, i);
		checked++;
		buses += !got;
		if (got < 0)
			wrong("%s: page %zu: not what was stored", area_names[kind], i);
		else if (!got && !may_be_bus(a, kind, i, unplugged))
			wrong("%s: page %zu: SIGBUS", area_names[kind], i);
		else if (got && a->gone[i] && !unplugged)
			wrong("%s: page %zu: was unmapped, and is back", area_names[kind], i);
	}
}

static void check_all(struct area *all, bool unplugged)
{
	int i;

	for (i = 0; i < NR_AREAS; i++)
		if (all[i].p)
			check_area(&all[i], i, unplugged);
}

static void drop(struct area *all)
{
	int i;

	for (i = 0; i < NR_AREAS; i++)
		if (all[i].p)
			munmap(all[i].p, LEN);
	memset(all, 0, sizeof(areas));
}

/* -- one cycle ------------------------------------------------------------------------------- */

static void move_there(char *p)
{
	void *page[PAGES];
	int to[PAGES], status[PAGES];
	size_t i;

	for (i = 0; i < PAGES; i++) {
		page[i] = p + i * PAGE;
		to[i] = i % 8 ? node : 0;
	}
	syscall(SYS_move_pages, 0, PAGES, page, to, status, MPOL_MF_MOVE);
}

static void fill(void)
{
	unsigned long mask = 1UL << node;
	int i, fd = open_dev();
	size_t page;

	for (i = 0; i < NR_AREAS; i++) {
		bool dev = i == PRIVATE || i == SHARED;

		areas[i].seed = cycle * NR_AREAS + i + 1;
		areas[i].p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, (i == SHARED ? MAP_SHARED : MAP_PRIVATE) |
				  (dev ? 0 : MAP_ANONYMOUS), dev ? fd : -1, 0);
		if (areas[i].p == MAP_FAILED)
			bail("mmap");
		if (i == BOUND)
			syscall(SYS_mbind, areas[i].p, LEN, MPOL_BIND, &mask, 64UL, 0);
		for (page = 0; page < PAGES; page++)
			fill_page(&areas[i], page);
	}
	close(fd);
	move_there(areas[MOVED].p);
}

static void say(int fd)
{
	if (write(fd, "x", 1) != 1)
		exit(3);
}

static void wait_for(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		exit(3);
}

/* Stores to some of its private pages, looks before and after the unplug. */
static int child(int from, int to)
{
	size_t i;

	bad = 0;
	check_all(areas, false);
	for (i = 0; i < PAGES; i += 3) {
		areas[PRIVATE].p[i * PAGE] ^= 1;
		areas[PRIVATE].p[i * PAGE] ^= 1;
		areas[MOVED].p[i * PAGE] ^= 1;
		areas[MOVED].p[i * PAGE] ^= 1;
	}
	say(to);
	wait_for(from);
	/* Odd cycles: read back what is on swap, after which the parent does not map it. */
	check_area(&areas[SHARED], SHARED, false);
	if (cycle % 2)
		check_all(areas, false);
	for (i = 0; i < NR_AREAS; i++)
		find_places(&areas[i]);
	say(to);
	wait_for(from);
	if (!strcmp(how, "sigbus"))
		for (i = 0; i < NR_AREAS * PAGES; i++)
			areas[i / PAGES].gone[i % PAGES] = areas[i / PAGES].place[i % PAGES] == HERE ||
				areas[i / PAGES].place[i % PAGES] == ABSENT;
	check_all(areas, true);
	fflush(stdout);
	return bad ? 1 : 0;
}

/* The log lines since the last call, and whether one of them has the text. */
static bool logged(const char *text)
{
	static char buf[8192];
	bool found = false;
	ssize_t n;

	while ((n = read(kmsg, buf, sizeof(buf) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		buf[n > 0 ? n : 0] = '\0';
		found |= strstr(buf, text) != NULL;
	}
	return found;
}

static bool is_private(void)
{
	char buf[128], *s = buf;

	read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf));
	while (*s >= '0' && *s <= '9') {
		long from = strtol(s, &s, 10), to = *s == '-' ? strtol(s + 1, &s, 10) : from;

		if (from <= node && node <= to)
			return true;
		s += *s == ',';
	}
	return false;
}

/* Unplug is refused, the log has the text, and nothing changes. */
static void refused(const char *what, const char *text)
{
	char open_before[256] = "", open_after[256] = "";
	struct area before[NR_AREAS];
	unsigned long free = node_free();
	int i;

	for (i = 0; i < NR_AREAS; i++)
		find_places(&areas[i]);
	memcpy(before, areas, sizeof(before));
	read_file(node_file("enabled"), open_before, sizeof(open_before));
	logged("");
	if (sim("unplug") || errno != EBUSY)
		wrong("%s: unplug was not refused with EBUSY", what);
	if (!logged(text))
		wrong("%s: the log does not say '%s'", what, text);
	for (i = 0; i < NR_AREAS; i++) {
		find_places(&areas[i]);
		if (memcmp(before[i].place, areas[i].place, sizeof(before[i].place)))
			wrong("%s: %s: pages were moved", what, area_names[i]);
	}
	read_file(node_file("enabled"), open_after, sizeof(open_after));
	if (!is_private() || strcmp(open_before, open_after) || node_free() != free)
		wrong("%s: the node is not as before: %lu pages free, not %lu, open: %s", what, node_free(), free,
		      open_after);
	check_all(areas, false);
}

/* Before the fork, so that no other process can be meant. */
static void try_pinned(void)
{
	struct iovec v = { areas[cycle / 4 % 3].p + PAGE * (cycle % PAGES), PAGE };
	char text[64];
	int fd[2];

	if (pipe(fd) || vmsplice(fd[1], &v, 1, 0) != (ssize_t)PAGE)
		bail("vmsplice");
	snprintf(text, sizeof(text), "one in a pipe of pid %d (cycles)", getpid());
	logged("");
	if (sim("unplug") || errno != EBUSY)
		wrong("pinned: unplug was not refused with EBUSY");
	if (!logged(text))
		wrong("pinned: the log does not say '%s'", text);
	refused("pinned again", text);
	close(fd[0]);
	close(fd[1]);
	pins++;
}

static void page_out(void)
{
	int i;

	node_free();	/* empties the per-CPU batches, which hide pages from reclaim */
	for (i = 0; i < NR_AREAS; i++)
		madvise(areas[i].p + LEN / 4, LEN / 4, MADV_PAGEOUT);
}

static void unplug(void)
{
	int i;
	size_t page;

	/* Maps what is in the object, so that it is seen where it is. */
	check_area(&areas[SHARED], SHARED, false);
	for (i = 0; i < NR_AREAS; i++)
		find_places(&areas[i]);
	if (!sim("unplug")) {
		wrong("unplug: %s", strerror(errno));
		return;
	}
	for (i = 0; i < NR_AREAS && !strcmp(how, "sigbus"); i++)
		for (page = 0; page < PAGES; page++)
			areas[i].gone[page] = areas[i].place[page] == HERE;
	check_all(areas, true);
}

static void end_child(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (status)
		wrong("the child: status %#x", status);
}

static void one_cycle(void)
{
	int down[2], up[2];
	pid_t pid;

	if (!sim("plug"))
		bail("plug");
	find_blocks();
	if (!write_file(node_file("on_unplug"), how))
		bail("on_unplug");
	/* What was on swap when the memory went is there when it is back. */
	check_all(old, false);
	drop(old);
	fill();
	if (cycle % 4 == 0)
		try_pinned();
	/* On swap already at the fork: the child reads it back, the parent does not. */
	if (cycle % 2)
		page_out();
	if (pipe(down) || pipe(up))
		bail("pipe");
	pid = fork();
	if (!pid)
		_exit(child(down[0], up[1]));
	wait_for(up[0]);
	page_out();
	move_there(areas[MOVED].p);
	if (!strcmp(how, "refuse"))
		/* Resident, or in swap: a holder is named. */
		refused("in use", " pid ");
	say(down[1]);
	wait_for(up[0]);
	if (strcmp(how, "refuse")) {
		unplug();
		say(down[1]);
		end_child(pid);
		memcpy(old, areas, sizeof(old));
		memset(areas, 0, sizeof(areas));
	} else {
		say(down[1]);
		end_child(pid);
		drop(areas);
		if (!sim("unplug"))
			wrong("unplug of a free node: %s", strerror(errno));
	}
	close(down[0]);
	close(down[1]);
	close(up[0]);
	close(up[1]);
}

static void find_sim_node(void)
{
	char buf[4096], text[64], *p;

	snprintf(text, sizeof(text), "name=%s nid=", name);
	read_file(SIM "/nodes", buf, sizeof(buf));
	p = strstr(buf, text);
	if (!p)
		bail("no node %s", name);
	node = atoi(p + strlen(text));
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/%s", name);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_bus };
	unsigned long cycles;

	if (argc != 4) {
		fprintf(stderr, "usage: cycles NAME CYCLES move|refuse|sigbus\n");
		return 2;
	}
	name = argv[1];
	cycles = strtoul(argv[2], NULL, 10);
	how = argv[3];
	find_sim_node();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sigaction(SIGBUS, &sa, NULL);
	for (cycle = 0; cycle < cycles && !bad; cycle++)
		one_cycle();
	drop(old);
	printf("# %s: %lu cycles, %lu pages compared, %lu SIGBUS, %lu pins\n", how, cycle, checked, buses, pins);
	return !!bad;
}
