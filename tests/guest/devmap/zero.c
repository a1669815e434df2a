// SPDX-License-Identifier: GPL-2.0-only
/*
 * zero: no read of a mapping of /dev/private_node/ maps or sees the zero page, however its hole came
 * to be: never written, given back, split off a huge page, or read by the kernel or another task.
 *
 * vm: --node 1G --node 512M --append private_node=1
 * timeout: 120
 */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "devmap.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define LEN (8 * MIB)

static int fd;

static char *map(int flags, int advice)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED || madvise(p, LEN, advice))
		bail("mmap of %lu bytes", LEN);
	return p;
}

/* Reads a byte of each page; true when those that nobody wrote are zero. */
static bool read_pages(const char *p, size_t len, unsigned long step)
{
	unsigned long i;
	char sum = 0;

	for (i = 0; i < len / PAGE; i += step)
		sum |= ((volatile const char *)p)[i * PAGE];
	return !sum;
}

/* No zero page: every page mapped, each on the node, and no two the same. */
static bool own_pages(const char *p, size_t len)
{
	static uint64_t pfn[LEN / PAGE];
	int map = open("/proc/self/pagemap", O_RDONLY);
	unsigned long i, n = len / PAGE, same = 0;

	if (map < 0 || pread(map, pfn, n * 8, (uintptr_t)p / PAGE * 8) != (ssize_t)(n * 8))
		bail("cannot read pagemap");
	close(map);
	for (i = 1; i < n; i++)
		same += (pfn[i] & ((1ULL << 55) - 1)) == (pfn[i - 1] & ((1ULL << 55) - 1));
	if (same)
		printf("# %lu neighbours are the same page\n", same);
	return !same && all_here(p, len);
}

/* This test sees a zero page when there is one. */
static void test_control(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(p, LEN, MADV_NOHUGEPAGE);
	read_pages(p, LEN, 1);
	ok(!own_pages(p, LEN), "control: reads of ordinary memory map the zero page");
	munmap(p, LEN);
}

static void test_partly(int flags, const char *kind)
{
	char *p = map(flags, MADV_NOHUGEPAGE);
	unsigned long i;

	for (i = 0; i < LEN / PAGE; i += 2)
		p[i * PAGE] = 1;
	ok(read_pages(p + PAGE, LEN - PAGE, 2) && own_pages(p, LEN), "%s: reads between pages that were written",
	   kind);
	madvise(p, LEN, flags == MAP_SHARED ? MADV_REMOVE : MADV_DONTNEED);
	ok(read_pages(p, LEN, 1) && own_pages(p, LEN), "%s: reads of what was given back", kind);
	munmap(p, LEN);

	p = map(flags, MADV_NOHUGEPAGE);
	ok(!madvise(p, LEN, MADV_POPULATE_READ) && own_pages(p, LEN), "%s: MADV_POPULATE_READ", kind);
	munmap(p, LEN);
}

/* row: how the huge page is broken up */
static void test_split(int how, const char *text)
{
	char *p = map(MAP_PRIVATE, MADV_HUGEPAGE);
	unsigned long half = PMD / 2;

	touch(p, LEN);
	switch (how) {
	case 0:
		madvise(p + half, half, MADV_DONTNEED);
		break;
	case 1:
		mprotect(p + half, half, PROT_READ);
		madvise(p + half, half, MADV_DONTNEED);
		break;
	case 2:
		madvise(p + PAGE, PAGE, MADV_DONTNEED);
		break;
	case 3:
		mremap(p + half, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PMD);
		mmap(p + half, half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
		break;
	}
	read_pages(p, LEN, 1);
	ok(own_pages(p, PMD) && own_pages(p + PMD, 2 * PMD), "after a huge page was split by %s", text);
	munmap(p, LEN);
}

/* Reads by the kernel, which on ordinary memory end at the zero page. */
static void test_kernel(void)
{
	char *p = map(MAP_PRIVATE, MADV_NOHUGEPAGE), *buf = malloc(LEN);
	int out = open("/dev/null", O_WRONLY), mem, pipes[2];
	struct iovec to = { buf, LEN }, from = { p, LEN };

	ok(buf && process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)LEN && read_pages(buf, LEN, 1) &&
	   own_pages(p, LEN), "process_vm_readv of a range that nobody touched");
	madvise(p, LEN, MADV_DONTNEED);
	mem = open("/proc/self/mem", O_RDONLY);
	ok(pread(mem, buf, LEN, (off_t)(uintptr_t)p) == (ssize_t)LEN && read_pages(buf, LEN, 1) &&
	   own_pages(p, LEN), "/proc/self/mem of a range that nobody touched");
	close(mem);
	madvise(p, LEN, MADV_DONTNEED);
	from.iov_len = 8 * PAGE;
	ok(!pipe(pipes) && vmsplice(pipes[1], &from, 1, 0) == (ssize_t)(8 * PAGE) && own_pages(p, 8 * PAGE),
	   "vmsplice of a range that nobody touched");
	close(pipes[0]);
	close(pipes[1]);
	close(out);
	free(buf);
	munmap(p, LEN);
}

static int child_reads(void *arg)
{
	return read_pages(arg, LEN, 1) && own_pages(arg, LEN) ? 0 : 1;
}

static void test_child(void)
{
	char *p = map(MAP_PRIVATE, MADV_NOHUGEPAGE);

	ok(!in_child(child_reads, p), "a child's reads of what the parent never touched");
	munmap(p, LEN);
	p = map(MAP_PRIVATE, MADV_HUGEPAGE);
	ok(!in_child(child_reads, p), "a child's reads, huge pages allowed");
	munmap(p, LEN);
}

int main(void)
{
	unsigned long before;

	find_node();
	before = node_free();
	fd = open_dev();
	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	test_control();
	test_partly(MAP_PRIVATE, "private");
	test_partly(MAP_SHARED, "shared");
	test_split(0, "MADV_DONTNEED of its half");
	test_split(1, "mprotect and MADV_DONTNEED");
	test_split(2, "MADV_DONTNEED of one page");
	test_split(3, "mremap");
	test_kernel();
	test_child();
	close(fd);
	ok(node_free() == before, "all pages came back: %lu free, %lu before", node_free(), before);
	return done_testing();
}
