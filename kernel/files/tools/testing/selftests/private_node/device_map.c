// SPDX-License-Identifier: GPL-2.0-only
/*
 * device_map: memory of /dev/private_node/ is on that node, whatever is done to the mapping.
 */
#define _GNU_SOURCE
#include "check.h"

#define LEN (8 * MIB)

static char *map(int fd, size_t len, int flags, off_t off)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, off);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

static int map_errno(int fd, size_t len, int flags, off_t off)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, off);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, len);
	return 0;
}

static void test_file(void)
{
	struct stat st;

	ok(!stat(dev_path, &st) && S_ISCHR(st.st_mode) && (st.st_mode & 07777) == 0600 &&
	   !st.st_uid, "%s is a character device, mode 0600, of root", dev_path);
}

static int as_nobody(void *arg)
{
	if (setuid(65534))
		return 2;
	return open(dev_path, O_RDWR) >= 0 ? 1 : errno == EACCES ? 0 : 3;
}

static void test_private(int fd)
{
	char *p = map(fd, LEN, MAP_PRIVATE, 0);
	unsigned long i, sum = 0;

	ok(!where(p, LEN).here, "private: nothing before the first access");
	for (i = 0; i < LEN; i += PAGE)
		sum += ((volatile char *)p)[i];
	ok(!sum && all_here(p, LEN), "private: reads give zeroes of the node, no zero page");
	touch(p, LEN);
	ok(all_here(p, LEN) && p[PAGE] == 2, "private: writes are on the node");
	madvise(p, LEN, MADV_DONTNEED);
	ok(!where(p, LEN).here && !p[PAGE], "private: MADV_DONTNEED gives pages back");
	touch(p, LEN);
	ok(!madvise(p, LEN, MADV_FREE) && (touch(p, LEN), all_here(p, LEN)), "private: MADV_FREE");
	ok(!mprotect(p + MIB, MIB, PROT_READ) && !munmap(p + 2 * MIB, MIB) && all_here(p, 2 * MIB),
	   "private: mprotect and munmap of a part");
	madvise(p, 2 * MIB, MADV_DONTNEED);
	ok(!mprotect(p, 2 * MIB, PROT_READ | PROT_WRITE) && touch(p, 2 * MIB) == 2 * MIB / PAGE &&
	   all_here(p, 2 * MIB), "private: a part that was split off stays on the node");
	munmap(p, LEN);
}

static void test_thp(int fd)
{
	char *p = map(fd, LEN, MAP_PRIVATE, 0);
	struct setting thp = { "" };
	char line[256];
	long huge = -1;
	FILE *f;

	ok(!((uintptr_t)p % PMD), "huge: a large mapping is aligned");
	if (madvise(p, LEN, MADV_HUGEPAGE)) {
		skip("kernel without huge pages", "huge: anonymous huge pages");
		munmap(p, LEN);
		return;
	}
	change_setting(&thp, "/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	*(volatile char *)p;
	ok(all_here(p, PMD), "huge: a read fault maps memory of the node, not the huge zero page");
	touch(p, LEN);
	f = fopen("/proc/self/smaps", "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start;

		if (sscanf(line, "%lx-%*x", &start) == 1 && strchr(line, ' '))
			huge = start == (uintptr_t)p ? -2 : huge;
		if (huge == -2 && sscanf(line, "AnonHugePages: %ld kB", &huge) == 1)
			break;
	}
	if (f)
		fclose(f);
	ok(huge == (long)(LEN / 1024) && all_here(p, LEN), "huge: %ld kB of huge pages on the node",
	   huge);
	munmap(p + PAGE, PAGE);
	ok(all_here(p + 2 * PAGE, LEN - 2 * PAGE), "huge: split by munmap");
	munmap(p, LEN);
	restore_setting(&thp);
}

static int check_cow(void *arg)
{
	char *p = arg;

	touch(p, LEN / 2);
	return all_here(p, LEN) ? 0 : 1;
}

static int sharer(void *arg)
{
	char *p = arg;
	unsigned long i;

	for (i = 0; i < LEN / 8; i += PAGE)
		p[i] = 'c';
	return all_here(p, LEN / 8) ? 0 : 1;
}

static void test_fork(int fd)
{
	char *p = map(fd, LEN, MAP_PRIVATE, 0);
	int i, status, bad = 0;

	touch(p, LEN);
	ok(!in_child(check_cow, p), "fork: the child's copies are on the node");
	memset(p, 'p', LEN);
	for (i = 0; i < 32; i++) {
		fflush(stdout);
		if (!fork())
			_exit(sharer(p));
	}
	for (i = 0; i < 32; i++)
		bad += wait(&status) < 0 || status;
	for (i = 0; i < (int)(LEN / PAGE); i++)
		bad += p[i * PAGE] != 'p';
	ok(!bad && all_here(p, LEN), "fork: 32 sharers copy, none sees the other");
	munmap(p, LEN);
}

static void test_mremap(int fd)
{
	char *p = map(fd, LEN, MAP_PRIVATE, 0), *q;

	touch(p, LEN);
	q = mremap(p, LEN, 2 * LEN, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q[PAGE] == 2, "mremap: grows");
	touch(q, 2 * LEN);
	ok(all_here(q, 2 * LEN), "mremap: the new part is on the node");
	p = mmap(NULL, 4 * LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(q, 2 * LEN, 2 * LEN, MREMAP_MAYMOVE | MREMAP_FIXED, p + LEN);
	ok(q == p + LEN && all_here(q, 2 * LEN), "mremap: moves with its pages");
	q = mremap(q, 2 * LEN, LEN, 0);
	ok(q == p + LEN && all_here(q, LEN), "mremap: shrinks");
	munmap(p, 4 * LEN);
}

static int write_shared(void *arg)
{
	strcpy(arg, "child");
	return 0;
}

static void test_shared(int fd)
{
	int other = open_dev();
	char *p = map(fd, LEN, MAP_SHARED, 0), *q, *r;

	touch(p, LEN);
	ok(all_here(p, LEN), "shared: pages are on the node");
	q = map(fd, MIB, MAP_SHARED, 4 * MIB);
	strcpy(p + 4 * MIB, "hello");
	ok(!strcmp(q, "hello") && touch(q + PAGE, MIB - PAGE) && all_here(q, MIB),
	   "shared: offsets are inside one object per open file");
	r = map(other, MIB, MAP_SHARED, 4 * MIB);
	ok(!*r, "shared: another open file has an object of its own");
	ok(!in_child(write_shared, q) && !strcmp(p + 4 * MIB, "child"), "shared: with children");
	munmap(p, LEN);
	ok(!strcmp(q, "child"), "shared: the object lives while a mapping does");
	close(other);
	touch(r, MIB);
	ok(all_here(r, MIB), "shared: a mapping outlives the file descriptor");
	munmap(q, MIB);
	munmap(r, MIB);
}

static void test_mlock(int fd)
{
	char *p = map(fd, LEN, MAP_PRIVATE, 0), *q;

	ok(!mlock(p, LEN) && all_here(p, LEN), "mlock: fills from the node");
	munmap(p, LEN);
	q = map(fd, LEN, MAP_PRIVATE | MAP_POPULATE, 0);
	ok(all_here(q, LEN), "MAP_POPULATE: fills from the node");
	munmap(q, LEN);
	q = map(fd, LEN, MAP_SHARED | MAP_POPULATE, 0);
	ok(all_here(q, LEN), "MAP_POPULATE: shared");
	munmap(q, LEN);
	p = map(fd, LEN, MAP_PRIVATE, 0);
	ok(!mlockall(MCL_CURRENT) && all_here(p, LEN), "mlockall: fills from the node");
	munlockall();
	munmap(p, LEN);
}

static void test_limits(int fd)
{
	unsigned long total = node_number("total_bytes") / PAGE * PAGE;

	ok(map_errno(fd, total + PAGE, MAP_PRIVATE, 0) == EINVAL, "longer than the node: EINVAL");
	ok(map_errno(fd, total + PAGE, MAP_SHARED, 0) == EINVAL,
	   "shared, longer than the node: EINVAL");
	ok(map_errno(fd, PAGE, MAP_SHARED, total) == EINVAL, "offset behind the node: EINVAL");
	ok(map_errno(fd, 2 * PAGE, MAP_PRIVATE, total - PAGE) == EINVAL,
	   "offset and length behind the node: EINVAL");
	ok(map_errno(fd, PAGE, MAP_SHARED, 1) == EINVAL, "unaligned offset: EINVAL");
	ok(map_errno(fd, 2 * PAGE, MAP_SHARED, -(off_t)PAGE) != 0,
	   "overflowing offset: refused");
	ok(map_errno(fd, 0, MAP_PRIVATE, 0) == EINVAL, "no length: EINVAL");
	ok(!map_errno(fd, PAGE, MAP_SHARED, total - PAGE) &&
	   !map_errno(fd, PAGE, MAP_PRIVATE, total - PAGE),
	   "the last page of the node can be mapped");
}

/* With strict accounting nothing more can be committed, and the node can still be mapped. */
static void test_overcommit(int fd)
{
	unsigned long total = node_number("total_bytes") / PAGE * PAGE;
	int fresh = open_dev();
	char *p, *q;

	write_file("/proc/sys/vm/overcommit_memory", "2");
	write_file("/proc/sys/vm/overcommit_kbytes", "1");
	p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(p == MAP_FAILED && errno == ENOMEM, "overcommit: ordinary memory is refused");
	p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ok(p != MAP_FAILED, "overcommit: a private mapping of the whole node is not");
	q = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fresh, 0);
	ok(q != MAP_FAILED && touch(q, MIB) == MIB / PAGE && all_here(q, MIB),
	   "overcommit: nor are the pages of a shared one");
	munmap(p, total);
	munmap(q, total);
	close(fresh);
	write_file("/proc/sys/vm/overcommit_memory", "0");
	write_file("/proc/sys/vm/overcommit_kbytes", "0");
	write_file("/proc/sys/vm/overcommit_ratio", "50");
}

static int leave_full(void *arg)
{
	char *p = map(*(int *)arg, 64 * MIB, MAP_PRIVATE | MAP_POPULATE, 0);

	mlock(p, 64 * MIB);
	return where(p, 64 * MIB).here == 64 * MIB / PAGE ? 0 : 1;
}

static void test_exit(int fd)
{
	ok(!in_child(leave_full, &fd), "exit: a task leaves with locked pages");
}

/* Nobody has pages of the node before and after a test. */
#define MAP_TEST(what)								\
	TEST_F_TIMEOUT(device_map, what, LONG_TEST)				\
	{									\
		unsigned long before = node_free();				\
		int fd = open_dev();						\
										\
		test_##what(fd);						\
		close(fd);							\
		ok(node_free() == before, #what ": all came back: %lu free, %lu before", \
		   node_free(), before);					\
	}

NODE_FIXTURE(device_map, "")

TEST_F_TIMEOUT(device_map, file, LONG_TEST)
{
	test_file();
	ok(!in_child(as_nobody, NULL), "another user cannot open it");
}

MAP_TEST(private)
MAP_TEST(thp)
MAP_TEST(fork)
MAP_TEST(mremap)
MAP_TEST(shared)
MAP_TEST(mlock)
MAP_TEST(limits)
MAP_TEST(overcommit)
MAP_TEST(exit)

TEST_HARNESS_MAIN
