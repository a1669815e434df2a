// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: many workers that use, press, and plug private nodes at once.
 *
 *   torture [--seconds N] [--seed N]
 *
 * Each worker draws from its own generator, so a seed gives the same sequence for each of them.
 * Workers that are killed for lack of memory are started again.  What a worker stored on a device
 * map it must find again; a task policy never names a closed node.  Exit 1 when one did not hold.
 * The nodes are audited by the caller.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

#define MIB (1UL << 20)
#define PAGE 4096UL
#define NODES "/sys/devices/system/node"
#define SIM "/sys/kernel/private_node_sim"

struct worker {
	const char *name;
	void (*once)(void);
	unsigned long rounds, deaths;
	pid_t pid;
};

/* Shared by all: what went wrong, and how much was done. */
static struct shared {
	unsigned long rounds[32];
	struct verdict verdict;
} *sh;

#define wrong(...) wrong_at(&sh->verdict, __VA_ARGS__)

static int self;

/* A random entry of a folder with this prefix. */
static bool pick(const char *dir, const char *prefix, char *path, size_t size)
{
	struct dirent *de;
	DIR *d = opendir(dir);
	unsigned long n = 0;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.' && !strncmp(de->d_name, prefix, strlen(prefix)) && !draw(++n))
			snprintf(path, size, "%s/%s", dir, de->d_name);
	if (d)
		closedir(d);
	return n;
}

/* -- workers: each function is one round ---------------------------------------------------- */

static sigjmp_buf bus;

static void on_bus(int sig)
{
	siglongjmp(bus, 1);
}

static uint64_t stamp(size_t page, uint64_t tag)
{
	return (page + 1) * 0x9e3779b97f4a7c15UL ^ tag;
}

static bool check_pages(const char *p, size_t pages, uint64_t tag)
{
	size_t i;

	for (i = 0; i < pages; i++)
		if (*(const uint64_t *)(p + i * PAGE) != stamp(i, tag))
			return false;
	return true;
}

static void store_pages(char *p, size_t pages, uint64_t tag)
{
	size_t i;

	for (i = 0; i < pages; i++)
		*(uint64_t *)(p + i * PAGE) = stamp(i, tag);
}

static void leave(int sig)
{
	(void)sig;
	_exit(0);
}

/* A child's writes must not be seen by the parent of a private mapping. */
static void fork_round(char *p, size_t pages, uint64_t tag, bool shared)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGBUS, leave);
		if (!shared)
			store_pages(p, pages, ~tag);
		_exit(!check_pages(p, pages, shared ? tag : ~tag));
	}
	if (pid < 0)
		return;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		wrong("device map: a child did not find what it should");
}

/* Full and unplugged nodes answer with SIGBUS; anything else that is stored is found again. */
static void device_map(void)
{
	char path[300];
	size_t pages = 1 + draw(draw(4) ? 2048 : 40000), len = pages * PAGE;
	bool shared = draw(2);
	volatile uint64_t tag = rng;
	char *volatile p = MAP_FAILED;
	int fd;

	if (!pick("/dev/private_node", "", path, sizeof(path))) {
		usleep(10000);
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return;
	if (!sigsetjmp(bus, 1)) {
		if (!draw(4))
			mlock(p, len);
		store_pages(p, pages, tag);
		if (!draw(3))
			madvise(p, len, draw(2) ? MADV_PAGEOUT : MADV_COLD);
		if (!draw(2))
			fork_round(p, pages, tag, shared);
		if (!draw(3)) {
			char *moved = mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, p + (1UL << 40));

			if (moved != MAP_FAILED)
				p = moved;
		}
		if (!check_pages(p, pages, tag))
			wrong("device map: %s: a page does not hold what was stored", path);
	}
	munmap(p, len);
}

static unsigned long free_pages(void)
{
	char buf[2048], *p;

	get_file("/proc/meminfo", buf, sizeof(buf));
	p = strstr(buf, "MemAvailable:");
	return p ? strtoul(p + 13, NULL, 10) / 4 : 4096;
}

/* Up to more than there is. */
static void pressure(void)
{
	size_t len = (free_pages() * (50 + draw(70)) / 100) * PAGE, i;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return;
	if (draw(2))
		madvise(p, len, MADV_HUGEPAGE);
	for (i = 0; i < len; i += PAGE)
		p[i] = 1;
	munmap(p, len);
}

static bool is_private(int node)
{
	char buf[256], *s = buf, *end;

	get_file(NODES "/has_private_memory", buf, sizeof(buf));
	while (*s >= '0' && *s <= '9') {
		long a = strtol(s, &end, 10), b = *end == '-' ? strtol(end + 1, &end, 10) : a;

		if (node >= a && node <= b)
			return true;
		s = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* Every mode with a mask of one node; a private one is refused, before as after. */
static void policy(void)
{
	static const int modes[] = { MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, 5, 6 };
	static const int flags[] = { 0, MPOL_F_STATIC_NODES };
	int node = draw(8), mode = modes[draw(5)] | flags[draw(2)];
	unsigned long mask = 1UL << node;
	size_t len = MIB << draw(4), i;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool before = is_private(node);

	if (p == MAP_FAILED)
		return;
	if (!syscall(SYS_mbind, p, len, mode, &mask, 65, MPOL_MF_MOVE) && before && is_private(node))
		wrong("mbind: mode %d took private node %d", mode, node);
	for (i = 0; i < len; i += PAGE)
		p[i] = 1;
	munmap(p, len);
}

static void files(void)
{
	static char buf[65536];
	char path[64];
	int fd, i, n = 1 + draw(256);

	snprintf(path, sizeof(path), "/dev/shm/torture-%d", self);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unlink(path);
	for (i = 0; i < n && write(fd, buf, sizeof(buf)) > 0; i++)
		;
	close(fd);
}

/* A reserved range as node, and away again; while it is in use that fails, and later does not. */
static void plug(void)
{
	const char *r = getenv("PMN_RESERVED"), *colon;
	char text[256];

	if (!r || !(colon = strchr(r, ':')) || access(SIM "/new_node", W_OK)) {
		usleep(100000);
		return;
	}
	snprintf(text, sizeof(text), "name=torture ranges=%.*s on_unplug=%s",
		 (int)strcspn(colon + 1, " "), colon + 1, draw(2) ? "move" : draw(2) ? "sigbus" : "refuse");
	put_file(SIM "/new_node", text);
	usleep(1000 * draw(400));
	put_file(SIM "/remove_node", "torture");
}

/*
 * A block of any node, off and on; a block in use refuses.  Not with lockdep: it takes that and a
 * later removal of memory for a deadlock, with any owner of hot-added memory.  It does not know
 * that state_store() has device_hotplug_lock, which it takes by trylock.
 */
static void blocks(void)
{
	char path[400], dir[340], node[320];

	if (!access("/proc/lockdep", F_OK)) {
		usleep(100000);
		return;
	}

	if (!pick(NODES, "node", node, sizeof(node)) || !pick(node, "memory", dir, sizeof(dir)))
		return;
	if (strstr(dir, "meminfo") || strstr(dir, "memory_"))
		return;
	snprintf(path, sizeof(path), "%s/state", dir);
	if (put_file(path, "offline")) {
		usleep(1000 * draw(50));
		put_file(path, "online_movable");
	}
	usleep(1000 * draw(300));
}

static struct worker workers[] = {
	{ .name = "device-map", .once = device_map }, { .name = "device-map", .once = device_map },
	{ .name = "pressure", .once = pressure }, { .name = "policy", .once = policy },
	{ .name = "files", .once = files }, { .name = "plug", .once = plug },
	{ .name = "blocks", .once = blocks },
};

#define NR_WORKERS (sizeof(workers) / sizeof(workers[0]))

static void start(unsigned int i, uint64_t seed)
{
	pid_t pid = fork();

	workers[i].pid = pid;
	if (pid)
		return;
	self = i;
	rng = (seed + 1) * 0x2545f4914f6cdd1dUL + i * 0x9e3779b97f4a7c15UL + workers[i].deaths;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	put_file("/proc/self/oom_score_adj", "500");
	signal(SIGBUS, on_bus);
	for (;;) {
		workers[i].once();
		sh->rounds[i]++;
	}
}

static unsigned long number(const char *s, const char *what)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (!*s || *end) {
		fprintf(stderr, "torture: %s %s: want a number\n", what, s);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	unsigned long seconds = 60, seed = time(NULL);
	time_t end;
	unsigned int i;
	int a;

	for (a = 1; a + 1 < argc; a += 2) {
		if (!strcmp(argv[a], "--seconds"))
			seconds = number(argv[a + 1], argv[a]);
		else if (!strcmp(argv[a], "--seed"))
			seed = number(argv[a + 1], argv[a]);
		else
			break;
	}
	if (a < argc) {
		fprintf(stderr, "usage: torture [--seconds N] [--seed N]\n");
		return 2;
	}
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	put_file("/proc/self/oom_score_adj", "-1000");
	printf("torture: seed %lu, %lu seconds\n", seed, seconds);
	fflush(stdout);
	for (i = 0; i < NR_WORKERS; i++)
		start(i, seed);
	for (end = time(NULL) + seconds; time(NULL) < end && !sh->verdict.wrong; usleep(50000))
		for (i = 0; i < NR_WORKERS; i++)
			if (waitpid(workers[i].pid, NULL, WNOHANG) == workers[i].pid) {
				workers[i].deaths++;
				start(i, seed);
			}
	for (i = 0; i < NR_WORKERS; i++) {
		kill(workers[i].pid, SIGKILL);
		waitpid(workers[i].pid, NULL, 0);
		printf("torture: %s: %lu rounds, killed %lu times\n", workers[i].name, sh->rounds[i], workers[i].deaths);
	}
	put_file(SIM "/remove_node", "torture");
	if (sh->verdict.wrong)
		printf("torture: wrong %lu times, first: %s\n", sh->verdict.wrong, sh->verdict.what);
	return !!sh->verdict.wrong;
}
