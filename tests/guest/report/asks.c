// SPDX-License-Identifier: GPL-2.0-only
/*
 * asks: one request about a private node, for refusals.sh.  The status is errno, 0 when it was granted.
 *
 *	asks policy NODE [TIMES]	set_mempolicy() to it, TIMES in a row
 *	asks move NODE			move_pages() of a page of its own
 *	asks migrate NODE		migrate_pages() of itself
 *	asks map FILE BYTES		maps the device file
 *	asks fixed FILE			mbind() of a mapping of the device file
 *	asks store NODE MIB [fork]	binds memory, stores to it; then waits for the end of standard input.
 *					With fork a child binds its copy elsewhere, so that the pages may
 *					go nowhere
 *	asks fill NODE			takes all of the node, and waits for the end of standard input
 *	asks late NODE			a bound process that stores when a line comes
 *	asks fragments NODE		takes all of the node, gives every second page back, then wants a huge
 *					page of what is free
 *	asks pool NODE			a huge page of the node's pool
 *	asks exec NODE			a program of a bound task
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)

static unsigned long mask;

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		exit(errno);
	return p;
}

static int policy(void)
{
	return syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL) ? errno : 0;
}

static void bind_range(void *p, size_t len, unsigned long nodes)
{
	if (syscall(SYS_mbind, p, len, MPOL_BIND, &nodes, 64UL, 0))
		exit(errno);
}

static int move(int node)
{
	void *p = map(PAGE, 0);
	int status;

	*(char *)p = 1;
	return syscall(SYS_move_pages, 0, 1UL, &p, &node, &status, MPOL_MF_MOVE) < 0 ? errno : 0;
}

static int migrate(void)
{
	unsigned long from = 1;

	return syscall(SYS_migrate_pages, 0, 64UL, &from, &mask) < 0 ? errno : 0;
}

static char *map_file(const char *file, size_t len)
{
	int fd = open(file, O_RDWR);
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (fd < 0 || p == MAP_FAILED)
		exit(errno);
	return p;
}

static void wait_for_line(void)
{
	char line[8];

	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

static int store(size_t len, int forks)
{
	char *p = map(len, MAP_NORESERVE);

	madvise(p, len, MADV_NOHUGEPAGE);
	bind_range(p, len, mask);
	memset(p, 1, len);
	if (forks && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bind_range(p, len, 1);
		pause();
	}
	wait_for_line();
	return 0;
}

/* Pages of the node, as many as there are. */
static size_t populate(char *p, size_t len)
{
	size_t i;

	madvise(p, len, MADV_NOHUGEPAGE);
	bind_range(p, len, mask);
	for (i = 0; i < len; i += PAGE)
		if (madvise(p + i, PAGE, MADV_POPULATE_WRITE))
			break;
	return i;
}

static int fill(size_t len)
{
	populate(map(len, MAP_NORESERVE), len);
	wait_for_line();
	return 0;
}

static int late(void)
{
	char *p = map(MIB, MAP_NORESERVE);

	bind_range(p, MIB, mask);
	wait_for_line();
	*p = 1;
	return 0;
}

static int fragments(const char *mib)
{
	size_t len = atol(mib) * MIB, i;
	char *p = map(len, MAP_NORESERVE), *huge;

	i = populate(p, len);
	while (i > PAGE) {
		i -= 2 * PAGE;
		madvise(p + i, PAGE, MADV_DONTNEED);
	}
	huge = map(4 * MIB, MAP_NORESERVE);
	madvise(huge, 4 * MIB, MADV_HUGEPAGE);
	bind_range(huge, 4 * MIB, mask);
	memset(huge, 1, 4 * MIB);
	return 0;
}

static int pool(void)
{
	char *p = map(2 * MIB, MAP_HUGETLB | MAP_NORESERVE);

	bind_range(p, 2 * MIB, mask);
	*p = 1;
	return 0;
}

static int exec_bound(void)
{
	char *const argv[] = { "true", NULL };
	int ret = policy();

	if (ret)
		return ret;
	execv("/bin/true", argv);
	return errno;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "", *arg = argc > 3 ? argv[3] : "1";
	int node = argc > 2 ? atoi(argv[2]) : 0, i, ret = 0;

	mask = 1UL << node;
	if (!strcmp(what, "policy")) {
		for (i = 0; i < atoi(arg); i++)
			ret = policy();
		return ret;
	}
	if (!strcmp(what, "move"))
		return move(node);
	if (!strcmp(what, "migrate"))
		return migrate();
	if (!strcmp(what, "map"))
		return !map_file(argv[2], atol(arg));
	if (!strcmp(what, "fixed"))
		bind_range(map_file(argv[2], PAGE), PAGE, 1);
	if (!strcmp(what, "store"))
		return store(atol(arg) * MIB, argc > 4);
	if (!strcmp(what, "fill"))
		return fill(atol(arg) * MIB);
	if (!strcmp(what, "late"))
		return late();
	if (!strcmp(what, "fragments"))
		return fragments(arg);
	if (!strcmp(what, "pool"))
		return pool();
	if (!strcmp(what, "exec"))
		return exec_bound();
	return 255;
}
