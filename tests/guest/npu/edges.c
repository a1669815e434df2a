// SPDX-License-Identifier: GPL-2.0-only
/*
 * edges: what a device, or the owner of a node, must not get, and what must not stop it.
 *
 * vm: --cpus 2 --node 1G,cpus=0-1 --node 512M,cpus=none --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2 --append secretmem.enable=1 --allow 'Memory failure|hardware memory corruption'
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <time.h>

#include "npu.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#define LEN (16 * MIB)
#define GROUPS "/tmp/edges/"

static int other;	/* the second private node, of nobody's device */
static int fd;

static unsigned long frame_at(void *p)
{
	int map = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(map, &entry, 8, (uintptr_t)p / PAGE * 8) != 8)
		bail("pagemap");
	close(map);
	return entry & ((1ULL << 55) - 1);
}

static void bind_to(void *p, size_t len, int nid)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
}

/* What the processor alone may see is nothing for a device either. */
static void secret(void)
{
	int s = syscall(447 /* memfd_secret */, 0), err;
	char *p, *q = map(PMD, MADV_NOHUGEPAGE);

	if (s < 0 || ftruncate(s, 4 * PAGE)) {
		skip("no memfd_secret()", "secret memory");
		return;
	}
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	memset(p, 0x5a, 4 * PAGE);
	err = copy(fd, q, p, 4 * PAGE);
	ok(err == -EFAULT && !q[0], "secret memory is not read: error %d", err);
	munmap(p, 4 * PAGE);
	munmap(q, PMD);
	close(s);
}

/* 16 MiB that exist, and one page that cannot: the rest moves. */
static void one_page_bad(const char *what, bool guard)
{
	char *p = map(LEN, MADV_NOHUGEPAGE);
	unsigned long here;
	int ret;

	memset(p, 1, LEN);
	madvise(p + LEN / 4, PAGE, MADV_DONTNEED);
	if (guard ? madvise(p + LEN / 4, PAGE, MADV_GUARD_INSTALL) :
		    mprotect(p + LEN / 4, PAGE, PROT_NONE)) {
		skip("not known here", what);
		munmap(p, LEN);
		return;
	}
	ret = advise(fd, p, LEN, NPU_SIM_DEVICE);
	here = where(p, LEN).here;
	ok(here == LEN / PAGE - 1, "%s: all others move: %lu of %lu", what, here, LEN / PAGE - 1);
	ok(guard ? ret == -EFAULT : !ret || ret == -EFAULT, "%s: %d", what, ret);
	munmap(p, LEN);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void whole_space(void)
{
	double killed;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		advise(open_npu("a"), (void *)0x1000, 0x7fffffff0000UL - 0x1000, NPU_SIM_DEVICE);
		_exit(0);
	}
	sleep(1);
	kill(pid, SIGKILL);
	killed = now();
	waitpid(pid, NULL, 0);
	ok(now() - killed < 5, "who moves all of its address space can be killed: it took %.1f s", now() - killed);
}

static void watch_hugetlb(void)
{
	char text[32], *p;

	set_pool(node, 1);
	p = mmap(NULL, PMD, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	bind_to(p, PMD, node);
	*p = 1;
	snprintf(text, sizeof(text), "a %lu", frame_at(p));
	ok(!write_file(SIM "watch", text) && errno == EINVAL, "a page of a pool is not watched: it is handed on without being freed");
	munmap(p, PMD);
	set_pool(node, 0);
}

static unsigned long told_freed(void)
{
	char buf[128] = "", *freed;

	read_file(SIM "told", buf, sizeof(buf));
	freed = strstr(buf, "freed=");
	return freed ? strtoul(freed + strlen("freed="), NULL, 10) : 0;
}

/* A signal of memory failure that is ignored kills. */
static void go_on(int sig)
{
}

static void watch_broken(void)
{
	char text[32], *p = map(PMD, MADV_NOHUGEPAGE);
	unsigned long before;

	bind_to(p, 4 * PAGE, node);
	memset(p, 1, 4 * PAGE);
	before = told_freed();
	snprintf(text, sizeof(text), "a %lu", frame_at(p));
	put(SIM "watch", text);
	signal(SIGBUS, go_on);
	madvise(p, PAGE, MADV_HWPOISON);
	munmap(p, PMD);
	ok(told_freed() == before + 1, "a watched page that breaks: its owner is told that it went");
}

static void wrapping_ranges(void)
{
	static const unsigned long minus[] = { 1, 511, 512, 4096, 65536 };
	unsigned long before = node_free();
	char text[96];
	size_t i;

	for (i = 0; i < sizeof(minus) / sizeof(*minus); i++) {
		snprintf(text, sizeof(text), "node=a pages=%lu align=1", 0UL - minus[i]);
		ok(!write_file(SIM "alloc_range", text) && node_free() == before, "no range of 2^64 - %lu pages", minus[i]);
	}
}

static void displaced(void)
{
	unsigned long before, moved = number_in(node_file("stat"), "range_moved ");
	unsigned long soft = number_in(node_file("stat"), "soft_offline_used ");
	char text[96], *p = map(LEN, MADV_NOHUGEPAGE);

	bind_to(p, LEN, node);
	memset(p, 1, LEN);
	before = where(p, LEN).here;
	snprintf(text, sizeof(text), "node=a pages=%lu align=1 displace=users", node_free() + before / 2);
	if (!write_file(SIM "alloc_range", text))
		printf("# no range: %s\n", strerror(errno));
	moved = number_in(node_file("stat"), "range_moved ") - moved;
	ok(before && moved >= before - where(p, LEN).here, "who had to move for a range is counted: %lu", moved);
	ok(number_in(node_file("stat"), "soft_offline_used ") == soft, "... and not as soft offline");
	munmap(p, LEN);
}

static void set_mems(const char *mems)
{
	put(GROUPS "c/cpuset.mems", mems);
}

/* Memory that was bound to a node which the process has no more: neither it nor its device gets pages there. */
static void revoked(void)
{
	char text[32], *p, *q;
	int err;

	mkdir(GROUPS, 0755);
	if (mount("none", GROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		bail("cgroup2");
	put(GROUPS "cgroup.subtree_control", "+cpuset");
	mkdir(GROUPS "c", 0755);
	snprintf(text, sizeof(text), "0-1,%d,%d", node, other);
	set_mems(text);
	put(GROUPS "c/cgroup.procs", "0");
	p = map(LEN, MADV_NOHUGEPAGE);
	memset(p, 1, LEN);
	q = map(LEN, MADV_NOHUGEPAGE);
	bind_to(q, LEN, other);
	snprintf(text, sizeof(text), "0-1,%d", node);
	set_mems(text);
	advise(fd, q, LEN, NPU_SIM_KEEP);
	err = copy(fd, q, p, LEN);
	choose(other);
	ok(!where(q, LEN).here, "a node that was taken from the process: no pages there for its device, either: %lu, error %d",
	   where(q, LEN).here, err);
	put(GROUPS "cgroup.procs", "0");
	munmap(p, LEN);
	munmap(q, LEN);
	rmdir(GROUPS "c");
	umount(GROUPS);
}

int main(void)
{
	int nid;

	load();
	nid = new_npu("a", 0, "capable=user_numa,hugetlb enabled=user_numa,hugetlb");
	other = sim_node("b", 1, "capable=user_numa enabled=user_numa");
	choose(nid);
	fd = open_npu("a");
	secret();
	one_page_bad("a page without access", false);
	one_page_bad("a guard page", true);
	whole_space();
	watch_hugetlb();
	watch_broken();
	wrapping_ranges();
	displaced();
	revoked();
	close(fd);
	return done_testing();
}
