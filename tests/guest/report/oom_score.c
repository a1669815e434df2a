// SPDX-License-Identifier: GPL-2.0-only
/*
 * oom_score: what a read of /proc/PID/oom_score costs, and that it leaves out what is on a private
 * node, however the pages came to be mapped.
 *
 * The clock of this guest counts instructions, so a cost is a number and not a time.
 *
 * vm: --icount --node 1G --node 512M --append private_node=1:user_numa,reclaim
 * timeout: 400
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <sys/uio.h>
#include <time.h>

#include "../devmap/devmap.h"

#define LEN (24 * MIB)
#define LOOKS 20
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static long score_of(pid_t pid)
{
	char path[64], buf[32];

	snprintf(path, sizeof(path), "/proc/%d/oom_score", pid);
	return read_file(path, buf, sizeof(buf)) ? atol(buf) : -1;
}

static char *anon(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static void policy(void *p, size_t len, int mode, int nid, unsigned int flags)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_mbind, p, len, mode, mode == MPOL_DEFAULT ? NULL : &mask, 64, flags))
		bail("mbind to node %d", nid);
}

/* One store a page: each one counts, and takes time. */
static void fill(char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		*(volatile char *)(p + i) = 1;
}

static char *filled(size_t len, int flags, int nid)
{
	char *p = anon(len, flags);

	policy(p, len, MPOL_BIND, nid, 0);
	fill(p, len);
	return p;
}

/* Instructions of one read, the least of some: an interrupt may be in the others. */
static long cost(void)
{
	struct timespec a, b;
	long best = LONG_MAX, ns;
	int i;

	for (i = 0; i < LOOKS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		score_of(getpid());
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec;
		if (ns < best)
			best = ns;
	}
	return best;
}

static void test_cost(void)
{
	long small = cost(), large, few, many;
	char *p = anon(2 * LEN, MAP_PRIVATE), *q, *r;

	fill(p, 2 * LEN);
	large = cost();
	ok(large <= small * 11 / 10, "without private pages: %ld instructions with 48 MiB, %ld without", large, small);
	q = filled(4 * MIB, MAP_PRIVATE, node);
	few = cost();
	ok(few > large, "control: with a private page more is done (%ld)", few);
	r = filled(LEN, MAP_PRIVATE, node);
	many = cost();
	ok(many <= few * 3 / 2, "with 28 MiB on the node no more than with 4 (%ld)", many);
	munmap(p, 2 * LEN);
	munmap(q, 4 * MIB);
	munmap(r, LEN);
}

/* -- ways in which pages of the node come to be mapped: each in a child of its own ------------------ */

static char *by_device(int nid)
{
	int fd = nid ? open_dev() : -1;
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | (nid ? 0 : MAP_ANONYMOUS), fd, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	fill(p, LEN);
	return p;
}

static char *by_bind(int nid)
{
	return filled(LEN, MAP_PRIVATE, nid);
}

static char *by_task(int nid)
{
	unsigned long mask = 1UL << nid;
	char *p = anon(LEN, MAP_PRIVATE);

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64))
		bail("set_mempolicy");
	fill(p, LEN);
	return p;
}

static char *by_shmem(int nid)
{
	return filled(LEN, MAP_SHARED, nid);
}

static char *by_move(int nid)
{
	char *p = filled(LEN, MAP_PRIVATE, 0);

	policy(p, LEN, MPOL_BIND, nid, MPOL_MF_MOVE);
	return p;
}

/* Written as ordinary memory, swapped out, and bound by the time that it comes back. */
static char *by_swap(int nid)
{
	char *p = filled(LEN, MAP_PRIVATE, 0);
	size_t i;

	madvise(p, LEN, MADV_PAGEOUT);
	policy(p, LEN, MPOL_BIND, nid, 0);
	for (i = 0; i < LEN; i += PAGE)
		(void)*(volatile char *)(p + i);
	return p;
}

/* The handler of the faults is another process, which has no policy. */
static char *by_uffd(int nid)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { 0 };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *p = anon(LEN, MAP_PRIVATE), *from = anon(MIB, MAP_PRIVATE);
	int status;
	size_t i;

	policy(p, LEN, MPOL_BIND, nid, 0);
	fill(from, MIB);
	reg.range.start = (uintptr_t)p;
	reg.range.len = LEN;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		bail("userfaultfd");
	if (!fork()) {
		copy.src = (uintptr_t)from;
		copy.len = MIB;
		for (i = 0; i < LEN; i += MIB) {
			copy.dst = (uintptr_t)p + i;
			if (ioctl(fd, UFFDIO_COPY, &copy))
				_exit(1);
		}
		_exit(0);
	}
	if (wait(&status) < 0 || status)
		bail("copy by the handler");
	close(fd);
	return p;
}

/* A bound process writes into another one, which never heard of the node. */
static char *by_ptrace(int nid)
{
	unsigned long mask = 1UL << nid;
	char *p = anon(LEN, MAP_PRIVATE), *from;
	struct iovec local, remote = { p, LEN };
	pid_t pid = getpid();
	int status;

	if (!fork()) {
		from = anon(LEN, MAP_PRIVATE);
		fill(from, LEN / 2);
		local = (struct iovec){ from, LEN };
		if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64) ||
		    process_vm_writev(pid, &local, 1, &remote, 1, 0) != (ssize_t)LEN)
			_exit(1);
		_exit(0);
	}
	if (wait(&status) < 0 || status)
		bail("write from outside");
	return p;
}

/* Each second page is a mapping of its own, as with guard pages and JITs. */
static char *by_many_mappings(int nid)
{
	char *p = filled(2 * LEN, MAP_PRIVATE, nid);
	size_t i;

	for (i = 0; i < 2 * LEN; i += 2 * PAGE) {
		if (munmap(p + i + PAGE, PAGE))
			bail("munmap");
	}
	return p;
}

#define SPARSE (24UL << 30)

/* 64 pages in each 256 MiB, as garbage collectors and sanitizers have them. */
static size_t sparse_at(size_t i)
{
	return i / 64 * (SPARSE / (LEN / PAGE / 64)) + i % 64 * PAGE;
}

static size_t second_at(size_t i)
{
	return i * 2 * PAGE;
}

static char *by_sparse_mapping(int nid)
{
	char *p = anon(SPARSE, MAP_PRIVATE | MAP_NORESERVE);
	size_t i;

	policy(p, SPARSE, MPOL_BIND, nid, 0);
	for (i = 0; i < LEN / PAGE; i++)
		p[sparse_at(i)] = 1;
	return p;
}

static const struct way {
	const char *name;
	char *(*fill)(int nid);
	size_t (*at)(size_t i);	/* where its pages are, if not in a row */
} ways[] = {
	{ "device map", by_device }, { "bind of the range", by_bind }, { "bind of the task", by_task },
	{ "shared memory", by_shmem }, { "mbind with move", by_move }, { "swap-in", by_swap },
	{ "userfaultfd, by another process", by_uffd }, { "written by another process", by_ptrace },
	{ "6144 mappings", by_many_mappings, second_at },
	{ "24 GiB with few pages", by_sparse_mapping, sparse_at },
};

static bool all_on(const struct way *way, char *p, int nid)
{
	struct where w;
	size_t i;

	for (i = 0; i < LEN / PAGE; i++) {
		w = where(p + (way->at ? way->at(i) : i * PAGE), PAGE);
		if (nid ? !w.here : !!w.here)
			return false;
	}
	return true;
}

/* Each reading is an estimate: of many, the one that is furthest from EXPECT. */
static long worst_score(long expect)
{
	long worst = expect, score;
	int i;

	for (i = 0; i < 32; i++) {
		score = score_of(getpid());
		if (labs(score - expect) > labs(worst - expect))
			worst = score;
	}
	return worst;
}

struct scores {
	long before, after, child;
	bool here;
};

/* Of a child that has LEN bytes on a node, and of a child of it, which only has them from its parent. */
static struct scores scores(const struct way *way, int nid)
{
	struct scores s = { 0 };
	int pipes[2], status;
	pid_t pid;
	char *p;

	if (pipe(pipes))
		bail("pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		s.before = score_of(getpid());
		p = way->fill(nid);
		s.here = all_on(way, p, nid);
		s.after = nid ? worst_score(s.before) : score_of(getpid());
		if (!fork()) {
			s.child = nid ? worst_score(s.before) : score_of(getpid());
			_exit(write(pipes[1], &s, sizeof(s)) != sizeof(s));
		}
		wait(&status);
		_exit(status);
	}
	close(pipes[1]);
	if (read(pipes[0], &s, sizeof(s)) != sizeof(s))
		bail("%s", way->name);
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return s;
}

static void test_ways(void)
{
	const struct way *way;
	struct scores s;

	for (way = ways; way < ways + sizeof(ways) / sizeof(ways[0]); way++) {
		s = scores(way, node);
		ok(s.here && labs(s.after - s.before) <= 3, "%s: 24 MiB on the node leave oom_score at %ld (%ld)",
		   way->name, s.before, s.after);
		ok(labs(s.child - s.before) <= 3, "%s: and that of a child (%ld)", way->name, s.child);
		s = scores(way, 0);
		ok(s.here && s.after - s.before >= 6, "%s: control: on node 0 it goes from %ld to %ld", way->name,
		   s.before, s.after);
	}
}

/* An address space that is being copied cannot be looked at. */
static void test_forking(void)
{
	long before, score, most = 0;
	int i, status, reads = 0;
	pid_t pid;

	fflush(stdout);
	before = score_of(getpid());
	pid = fork();
	if (!pid) {
		by_bind(node);
		for (;;) {
			if (!fork())
				_exit(0);
			wait(&status);
		}
	}
	for (i = 0; i < 3000 || reads < 1000; i++) {
		/* Until it has its pages. */
		score = score_of(pid);
		if (i >= 2000) {
			reads++;
			if (score > most)
				most = score;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ok(most <= before + 3, "24 MiB on the node of a task that forks all the time leave oom_score at %ld (%ld)", before,
	   most);
}

int main(void)
{
	find_node();
	enable("+user_numa");
	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	test_cost();
	if (system("modprobe zram && echo 128M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null") ||
	    swapon("/dev/zram0", 0))
		bail("swap");
	test_ways();
	test_forking();
	swapoff("/dev/zram0");
	write_file("/sys/block/zram0/reset", "1");
	return done_testing();
}
