// SPDX-License-Identifier: GPL-2.0-only
/*
 * pages: device-mapped memory meets one of the kernel's page movers.
 *
 *   pages ACTION NODE
 *
 * Maps 2 MiB of /dev/private_node/node<NODE> and fills it, lets ACTION loose on it, and says how
 * many of its pages are still on the node, and unharmed: exit 0 when all are that should be.
 *
 *   soft_offline  MADV_SOFT_OFFLINE of one page moves it within the node
 *   pageout       MADV_PAGEOUT, with swap
 *   collapse      MADV_COLLAPSE of a range that is half on the node
 *   ksm           two equal mappings, MADV_MERGEABLE
 *   numa          run on a CPU while NUMA balancing scans
 *   damon         wait while a DAMON scheme, set up by the caller, migrates
 *   hwpoison      MADV_HWPOISON of one page kills the access, the others stay
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define HUGE (2UL << 20)
#define PAGES (HUGE / PAGE)
#define MPOL_MF_MOVE 2

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static int node;

static void die(const char *what)
{
	fprintf(stderr, "pages: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* 2 MiB aligned, of small pages: huge ones would hide single moves. */
static unsigned char *map_node(void)
{
	char name[64];
	unsigned char *area, *at;
	int fd;

	snprintf(name, sizeof(name), "/dev/private_node/node%d", node);
	fd = open(name, O_RDWR);
	if (fd < 0)
		die(name);
	area = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	at = (unsigned char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	if (mmap(at, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		die(name);
	close(fd);
	madvise(at, HUGE, MADV_NOHUGEPAGE);
	return at;
}

static void fill(unsigned char *at)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		memset(at + i * PAGE, 0x5a, PAGE);
		*(unsigned long *)(at + i * PAGE) = i;
	}
}

/* A page that is not mapped has no node: it does not count. */
static unsigned long on_node(unsigned char *at, int nid)
{
	unsigned long i, here = 0;
	void *page[PAGES];
	int status[PAGES];

	for (i = 0; i < PAGES; i++)
		page[i] = at + i * PAGE;
	if (syscall(SYS_move_pages, 0, PAGES, page, NULL, status, 0))
		die("move_pages");
	for (i = 0; i < PAGES; i++)
		here += status[i] == nid;
	return here;
}

static int verdict(unsigned char *at, unsigned long want)
{
	unsigned long here = on_node(at, node), i, bad = 0;

	for (i = 0; i < PAGES; i++)
		bad += *(unsigned long *)(at + i * PAGE) != i || at[i * PAGE + PAGE - 1] != 0x5a;
	printf("# %lu of %lu pages on node %d, %lu expected, %lu damaged\n", here, PAGES, node, want,
	       bad);
	return here != want || bad;
}

static int soft_offline(unsigned char *at)
{
	int ret = madvise(at + 8 * PAGE, PAGE, MADV_SOFT_OFFLINE);

	printf("# soft offline: %s\n", ret ? strerror(errno) : "done");
	return verdict(at, PAGES) || ret;
}

static int pageout(unsigned char *at)
{
	if (madvise(at, HUGE, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
	return verdict(at, PAGES);
}

/* Half of the range is moved out by its own task, the other half has to stay. */
static int collapse(unsigned char *at)
{
	unsigned long i, want;
	void *page[PAGES];
	int to[PAGES], status[PAGES];

	for (i = 0; i < PAGES; i++) {
		page[i] = at + i * PAGE;
		to[i] = 0;
	}
	if (syscall(SYS_move_pages, 0, PAGES * 3 / 4, page, to, status, MPOL_MF_MOVE) < 0)
		die("move_pages");
	want = on_node(at, node);
	printf("# %lu of %lu pages left on node %d\n", want, PAGES, node);
	madvise(at, HUGE, MADV_HUGEPAGE);
	printf("# collapse: %s\n", madvise(at, HUGE, MADV_COLLAPSE) ? strerror(errno) : "done");
	return verdict(at, want) || !want;
}

static unsigned long ksm_value(const char *name)
{
	char path[64];
	unsigned long value;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu", &value) != 1)
		die(path);
	fclose(f);
	return value;
}

static int ksm(unsigned char *at)
{
	unsigned char *twin = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long scans = ksm_value("full_scans");
	int i;

	if (twin == MAP_FAILED)
		die("mmap");
	fill(twin);
	if (madvise(at, HUGE, MADV_MERGEABLE) || madvise(twin, HUGE, MADV_MERGEABLE))
		die("MADV_MERGEABLE");
	for (i = 0; i < 300 && ksm_value("full_scans") < scans + 4; i++)
		usleep(50000);
	printf("# %lu scans, %lu pages merged\n", ksm_value("full_scans") - scans,
	       ksm_value("pages_sharing"));
	return verdict(at, PAGES) || ksm_value("pages_sharing") ||
	       ksm_value("full_scans") < scans + 2;
}

/* Until the caller says stop, three minutes at most. */
static int damon(unsigned char *at)
{
	FILE *f = fopen("/run/pages.pid", "w");
	int i;

	if (!f || fprintf(f, "%d %lu %lu\n", getpid(), (unsigned long)at, (unsigned long)at + HUGE) < 0 ||
	    fclose(f))
		die("/run/pages.pid");
	for (i = 0; i < 1800 && access("/run/pages.stop", F_OK); i++)
		usleep(100000);
	return verdict(at, PAGES);
}

static int wait_busy(unsigned char *at, int seconds)
{
	time_t end = time(NULL) + seconds;
	unsigned long i, sum = 0;

	while (time(NULL) < end)
		for (i = 0; i < PAGES; i++)
			sum += at[i * PAGE];
	return verdict(at, PAGES) || !sum;
}

static sigjmp_buf bus;

static void on_bus(int sig)
{
	siglongjmp(bus, sig);
}

/* The signal comes with madvise() already, or with the next access. */
static int hwpoison(unsigned char *at)
{
	unsigned char *page = at + 16 * PAGE;

	signal(SIGBUS, on_bus);
	if (!sigsetjmp(bus, 1)) {
		if (madvise(page, PAGE, MADV_HWPOISON))
			die("MADV_HWPOISON");
		printf("# read %u from a poisoned page\n", *(volatile unsigned char *)page);
		return 1;
	}
	printf("# %lu of %lu pages left\n", on_node(at, node), PAGES);
	return on_node(at, node) != PAGES - 1;
}

int main(int argc, char **argv)
{
	const char *action = argc == 3 ? argv[1] : "";
	unsigned char *at;

	if (argc != 3) {
		fprintf(stderr, "usage: pages ACTION NODE\n");
		return 2;
	}
	node = atoi(argv[2]);
	at = map_node();
	fill(at);
	if (on_node(at, node) != PAGES) {
		fprintf(stderr, "pages: node %d: only %lu of %lu pages came from it\n", node,
			on_node(at, node), PAGES);
		return 1;
	}
	if (!strcmp(action, "soft_offline"))
		return soft_offline(at);
	if (!strcmp(action, "pageout"))
		return pageout(at);
	if (!strcmp(action, "collapse"))
		return collapse(at);
	if (!strcmp(action, "ksm"))
		return ksm(at);
	if (!strcmp(action, "numa"))
		return wait_busy(at, 6);
	if (!strcmp(action, "damon"))
		return damon(at);
	if (!strcmp(action, "hwpoison"))
		return hwpoison(at);
	fprintf(stderr, "pages: %s: no such action\n", action);
	return 2;
}
