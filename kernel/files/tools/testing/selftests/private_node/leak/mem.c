// SPDX-License-Identifier: GPL-2.0-only
/* User memory: anonymous, shared, tmpfs, huge. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"

static int anon(struct ctx *c)
{
	touch(map_anon(amount(c)), amount(c));
	return DONE;
}

static int populate(struct ctx *c)
{
	size_t size = amount(c);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		note_errno("mmap");
	return DONE;
}

static int locked(struct ctx *c)
{
	size_t size = amount(c);
	void *p = map_anon(size);

	if (mlock(p, size))
		note_errno("mlock");
	return DONE;
}

static int thp(struct ctx *c)
{
	size_t size = amount(c) + 2 * MIB;
	char *p = map_anon(size);

	madvise(p, size, MADV_HUGEPAGE);
	touch(p, size);
	return DONE;
}

/* The child's copies are what counts: the parent's pages are there before the mark. */
static int cow(struct ctx *c)
{
	size_t size = 4 * MIB;
	void *p = map_anon(size);
	int pipes[2];
	char done;

	if (pipe(pipes))
		return skip_row("pipe");
	touch(p, size);
	mark();
	if (!fork()) {
		close(pipes[0]);
		touch(p, size);
		if (c->full)
			touch(map_anon(64 * MIB), 64 * MIB);
		if (write(pipes[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(pipes[1]);
	/* The child's write, or its end. */
	if (read(pipes[0], &done, 1) < 0)
		note_errno("read");
	return DONE;
}

static int stack(struct ctx *c)
{
	volatile char deep[6 * MIB];
	size_t i;

	for (i = 0; i < sizeof(deep); i += PAGE)
		deep[sizeof(deep) - 1 - i] = 1;
	if (c->full)
		touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

static int shared_anon(struct ctx *c)
{
	size_t size = amount(c);

	touch(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0),
	      size);
	return DONE;
}

static int memfd(struct ctx *c)
{
	size_t size = amount(c);
	int fd = memfd_create("leak", 0);

	if (fallocate(fd, 0, 0, size))
		note_errno("fallocate");
	return DONE;
}

static int secret(struct ctx *c)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	size_t size = amount(c);
	int fd = syscall(SYS_memfd_secret, 0);
	void *p;

	if (fd < 0)
		return skip_row("memfd_secret: not in this kernel");
	setrlimit(RLIMIT_MEMLOCK, &all);
	(void)!ftruncate(fd, size);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return note_errno("mmap"), DONE;
	touch(p, size);
	return DONE;
}

static int write_some(const char *path, size_t size)
{
	static char buf[65536];
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	size_t n;

	memset(buf, 1, sizeof(buf));
	for (n = 0; fd >= 0 && n < size; n += sizeof(buf))
		if (write(fd, buf, sizeof(buf)) < 0) {
			note_errno("write");
			break;
		}
	return fd;
}

static int tmpfs_write(struct ctx *c)
{
	if (!scratch())
		return skip_row("tmpfs: cannot be mounted");
	write_some("/mnt/file", amount(c));
	return DONE;
}

static int tmpfs_huge(struct ctx *c)
{
	if (!scratch() || mount("scratch", "/mnt", "tmpfs", 0, "size=90%,huge=always"))
		return skip_row("tmpfs: huge=always cannot be mounted");
	write_some("/mnt/file", amount(c));
	return DONE;
}

static int sysv_shm(struct ctx *c)
{
	size_t size = amount(c);
	int id = shmget(IPC_PRIVATE, size, 0600);
	void *p = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		return note_errno("shmat"), DONE;
	touch(p, size);
	return DONE;
}

static int uffd_copy(struct ctx *c)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy;
	size_t size = amount(c);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *p = map_anon(size), *src = map_anon(2 * MIB);
	size_t i;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return skip_row("userfaultfd: not in this kernel");
	touch(src, 2 * MIB);
	mark();
	reg.range.start = (unsigned long)p;
	reg.range.len = size;
	ioctl(fd, UFFDIO_REGISTER, &reg);
	for (i = 0; i < size; i += 2 * MIB) {
		copy = (struct uffdio_copy){ .dst = (unsigned long)p + i,
					     .src = (unsigned long)src,
					     .len = 2 * MIB };
		if (ioctl(fd, UFFDIO_COPY, &copy))
			return note_errno("UFFDIO_COPY"), DONE;
	}
	return DONE;
}

/* More than there is, with swap to go to. */
static int swap_out(struct ctx *c)
{
	touch(map_anon(amount(c)), amount(c));
	note("swapped out %lu pages", vmstat("pswpout"));
	return DONE;
}

static bool swap_on(void)
{
	char *const mod[] = { "modprobe", "zram", NULL };
	char *const mkswap[] = { "mkswap", "/dev/zram0", NULL };
	char *const on[] = { "swapon", "/dev/zram0", NULL };

	if (exists("/sys/block/zram0/disksize")) {
		char buf[32];

		read_file("/sys/block/zram0/disksize", buf, sizeof(buf));
		if (strtoul(buf, NULL, 10))
			return true;
	} else if (wait_program(run_program(mod))) {
		return false;
	}
	return write_file("/sys/block/zram0/disksize", "512M") &&
	       !wait_program(run_program(mkswap)) && !wait_program(run_program(on));
}

static int anon_swap(struct ctx *c)
{
	if (!swap_on())
		return skip_row("zram: no swap on it");
	mark();
	return swap_out(c);
}

/* -- huge pages ---------------------------------------------------------------------------- */

#define HUGE_DIR "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define GIGANTIC_DIR "/sys/kernel/mm/hugepages/hugepages-1048576kB"

static void pool(const char *dir, const char *file, unsigned long n)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (!write_file(path, "%lu", n))
		note_errno(path);
}

static void pool_for_a_moment(const char *dir, const char *file, unsigned long n)
{
	char path[200], got[32];

	pool(dir, file, n);
	snprintf(path, sizeof(path), "%s/nr_hugepages", dir);
	read_file(path, got, sizeof(got));
	note("got %d", atoi(got));
	pool(dir, file, 0);
}

static int hugetlb_global(struct ctx *c)
{
	pool_for_a_moment(HUGE_DIR, "nr_hugepages", 16);
	return DONE;
}

static int hugetlb_policy(struct ctx *c)
{
	pool_for_a_moment(HUGE_DIR, "nr_hugepages_mempolicy", 8);
	return DONE;
}

static int hugetlb_node(struct ctx *c)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB",
		 c->node);
	pool_for_a_moment(dir, "nr_hugepages", 8);
	return DONE;
}

/* More than the pool: surplus pages are allocated by the fault. */
static int hugetlb_surplus(struct ctx *c)
{
	size_t size = 16 * MIB;
	void *p;

	pool(HUGE_DIR, "nr_overcommit_hugepages", 16);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1,
		 0);
	if (p == MAP_FAILED) {
		note_errno("mmap");
	} else {
		touch(p, size);
		munmap(p, size);
	}
	pool(HUGE_DIR, "nr_overcommit_hugepages", 0);
	return DONE;
}

/* No event counts a contiguous range: it stays in use until the next row, to be missed. */
static void hold_pool(const char *dir, unsigned long n)
{
	char path[200], got[32];

	pool(GIGANTIC_DIR, "nr_hugepages", 0);
	mark();
	pool(dir, "nr_hugepages", n);
	snprintf(path, sizeof(path), "%s/nr_hugepages", dir);
	read_file(path, got, sizeof(got));
	note("got %d", atoi(got));
}

static int gigantic(struct ctx *c)
{
	if (!exists(GIGANTIC_DIR))
		return skip_row("1G pages: not with this processor");
	hold_pool(GIGANTIC_DIR, 2);
	return DONE;
}

static int gigantic_node(struct ctx *c)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%d/hugepages/hugepages-1048576kB",
		 c->node);
	if (!exists(GIGANTIC_DIR))
		return skip_row("1G pages: not with this processor");
	hold_pool(dir, 1);
	return DONE;
}

const struct row mem_rows[] = {
	{ "anon", anon, POLICY | FULL | QUICK | SHORT | PLUG, 1000 },
	{ "anon-populate", populate, POLICY | FULL, 1000 },
	{ "anon-mlock", locked, POLICY | FULL, 1000 },
	{ "anon-thp", thp, POLICY | FULL | QUICK, 1000 },
	{ "anon-fork-cow", cow, POLICY | FULL, 1000 },
	{ "anon-stack", stack, POLICY | FULL, 1000 },
	{ "anon-swap", anon_swap, FULL | LATE, 1000 },
	{ "shared-anon", shared_anon, POLICY | FULL, 1000 },
	{ "memfd", memfd, POLICY | FULL, 1000 },
	{ "memfd-secret", secret, POLICY | FULL, 1000 },
	{ "tmpfs-write", tmpfs_write, POLICY | FULL, 1000 },
	{ "tmpfs-huge", tmpfs_huge, POLICY | FULL, 1 },
	{ "sysv-shm", sysv_shm, POLICY | FULL, 1000 },
	{ "userfaultfd-copy", uffd_copy, POLICY | FULL, 1000 },
	{ "hugetlb-global", hugetlb_global, NAMED | FULL | QUICK | SHORT, 4 },
	{ "hugetlb-mempolicy", hugetlb_policy, POLICY, 6 },
	{ "hugetlb-node", hugetlb_node, NAMED | QUICK, 6 },
	{ "hugetlb-surplus", hugetlb_surplus, POLICY | FULL, 6 },
	{ "gigantic", gigantic, NAMED | GIGA, 200000 },
	{ "gigantic-node", gigantic_node, NAMED | GIGA, 200000 },
	{ }
};
