// SPDX-License-Identifier: GPL-2.0-only
/*
 * fixed: nothing replaces the placement of a mapping of /dev/private_node/.
 *
 * vm: --node 1G --node 512M --node 128M --append private_node=1
 * timeout: 180
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "devmap.h"

#define LEN (4 * MIB)
#ifndef UFFDIO_MOVE
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
struct uffdio_move {
	__u64 dst, src, len, mode;
	__s64 move;
};
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static int fd;

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

static char *ordinary(size_t len)
{
	char *p = mmap(NULL, len + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	p = (char *)(((uintptr_t)p + PMD - 1) / PMD * PMD);
	touch(p, len);
	return p;
}

static long do_mbind(void *p, size_t len, int mode, unsigned long mask, unsigned int flags)
{
	return syscall(SYS_mbind, p, len, mode, mode == MPOL_DEFAULT ? NULL : &mask,
		       mode == MPOL_DEFAULT ? 0 : 64, flags);
}

static bool still(char *p)
{
	madvise(p, LEN, MADV_DONTNEED);
	return touch(p, LEN) == LEN / PAGE && all_here(p, LEN);
}

static void test_mbind(int flags, const char *kind)
{
	char *p = map(LEN, flags), *q;
	int mode = -1;
	unsigned long mask = 0;

	touch(p, LEN);
	ok(do_mbind(p, LEN, MPOL_DEFAULT, 0, 0) == -1 && errno == EPERM && still(p),
	   "%s: mbind(MPOL_DEFAULT): EPERM", kind);
	ok(do_mbind(p, LEN, MPOL_BIND, 1, MPOL_MF_MOVE | MPOL_MF_STRICT) == -1 && errno == EPERM &&
	   all_here(p, LEN), "%s: mbind(MPOL_BIND, MPOL_MF_MOVE): EPERM", kind);
	ok(do_mbind(p + MIB, MIB, MPOL_INTERLEAVE, 1, 0) == -1 && errno == EPERM && still(p),
	   "%s: mbind of a part: EPERM", kind);
	ok(syscall(SYS_set_mempolicy_home_node, p, LEN, 0, 0) == -1 && errno == EPERM,
	   "%s: set_mempolicy_home_node: EPERM", kind);
	ok(!syscall(SYS_get_mempolicy, &mode, &mask, 64, p, MPOL_F_ADDR) && mode == MPOL_BIND &&
	   mask == 1UL << node, "%s: get_mempolicy says bind to the node", kind);
	/* An ordinary mapping before it in the range must be left alone as well. */
	q = mmap(NULL, LEN + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mmap(q, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	p = mremap(p, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE);
	ok(p == q + PAGE && do_mbind(q, LEN + PAGE, MPOL_BIND, 1, 0) == -1 && errno == EPERM &&
	   !syscall(SYS_get_mempolicy, &mode, NULL, 0, q, MPOL_F_ADDR) && mode == MPOL_DEFAULT,
	   "%s: mbind of a larger range: EPERM, and nothing is changed", kind);
	munmap(q, LEN + PAGE);
}

/* The object can be opened through map_files; its policy is fixed there too. */
static void test_object(void)
{
	char *p = map(LEN, MAP_SHARED), *q, path[96];
	int object;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)p,
		 (unsigned long)p + LEN);
	object = open(path, O_RDWR);
	if (object < 0) {
		skip(strerror(errno), "object: opened through map_files");
		munmap(p, LEN);
		return;
	}
	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	close(object);
	ok(q != MAP_FAILED && do_mbind(q, LEN, MPOL_BIND, 1, 0) == -1 && errno == EPERM,
	   "object: mbind of another mapping of it: EPERM");
	ok(q != MAP_FAILED && touch(q, LEN) == LEN / PAGE && all_here(q, LEN),
	   "object: its pages are on the node whoever touches them");
	munmap(q, LEN);
	munmap(p, LEN);
}

static void test_move_pages(void)
{
	char *p = map(LEN, MAP_PRIVATE);
	unsigned long from = 1UL << node, to = 1;
	void *pages[2] = { p, p + PAGE };
	int nodes[2] = { 0, 0 }, status[2] = { 99, 99 };

	touch(p, LEN);
	syscall(SYS_move_pages, 0, 2UL, pages, nodes, status, MPOL_MF_MOVE_ALL);
	ok(status[0] < 0 && status[1] < 0 && all_here(p, LEN), "move_pages: refused, status %d",
	   status[0]);
	syscall(SYS_migrate_pages, 0, 64UL, &from, &to);
	ok(all_here(p, LEN), "migrate_pages: pages stay");
	munmap(p, LEN);
}

static bool write_long(const char *path, long v)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%ld", v);
	return write_file(path, buf);
}

/* KSM has looked at all that it may twice. */
static void ksm_looks(void)
{
	unsigned long scans = number_in("/sys/kernel/mm/ksm/full_scans", "");
	int i;

	for (i = 0; i < 600 && number_in("/sys/kernel/mm/ksm/full_scans", "") < scans + 2; i++)
		usleep(50000);
	ok(i < 600, "KSM looks at all");
}

static void test_ksm(void)
{
	char *p = map(LEN, MAP_PRIVATE), *q = ordinary(LEN), buf[32] = "";
	int i;

	if (!write_long("/sys/kernel/mm/ksm/run", 1)) {
		skip("kernel without KSM", "KSM");
		return;
	}
	write_long("/sys/kernel/mm/ksm/pages_to_scan", 100000);
	write_long("/sys/kernel/mm/ksm/sleep_millisecs", 1);
	memset(p, 7, LEN);
	memset(q, 7, LEN);
	madvise(q, LEN, MADV_MERGEABLE);
	madvise(p, LEN, MADV_MERGEABLE);
	for (i = 0; i < 300 && atol(buf) < (long)(LEN / PAGE) * 9 / 10; i++) {
		usleep(100000);
		read_file("/sys/kernel/mm/ksm/pages_sharing", buf, sizeof(buf));
	}
	ksm_looks();
	ok(atol(buf) >= (long)(LEN / PAGE) * 9 / 10 && all_here(p, LEN),
	   "KSM: merges ordinary pages with the same content, and none of the node");
	write_long("/sys/kernel/mm/ksm/run", 2);
	munmap(p, LEN);
	munmap(q, LEN);
}

/* Pages that on_full=fallback took from ordinary memory could be collapsed: the rest would follow. */
static void test_collapse(void)
{
	char *hog, *p;
	unsigned long free;

	set_on_full("fallback:0");
	free = node_free();
	hog = map(free * PAGE, MAP_PRIVATE);
	madvise(hog, free * PAGE, MADV_NOHUGEPAGE);
	touch(hog, free * PAGE);
	p = map(LEN, MAP_PRIVATE);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	touch(p, 64 * PAGE);
	munmap(hog, free * PAGE);
	madvise(p, LEN, MADV_HUGEPAGE);
	ok(where(p, LEN).elsewhere > 0, "collapse: some pages of the mapping are ordinary");
	ok(madvise(p, PMD, MADV_COLLAPSE) == -1 && errno == EINVAL && where(p, LEN).elsewhere <= 64,
	   "collapse: MADV_COLLAPSE: EINVAL, no more of them");
	touch(p + 64 * PAGE, LEN - 64 * PAGE);
	ok(all_here(p + 64 * PAGE, LEN - 64 * PAGE), "collapse: new pages are on the node");
	munmap(p, LEN);
	set_on_full("fail");
}

static void test_pageout(void)
{
	char *p = map(LEN, MAP_PRIVATE), *q = map(LEN, MAP_SHARED);

	touch(p, LEN);
	touch(q, LEN);
	madvise(p, LEN, MADV_COLD);
	madvise(p, LEN, MADV_PAGEOUT);
	madvise(q, LEN, MADV_PAGEOUT);
	ok(all_here(p, LEN) && all_here(q, LEN), "MADV_COLD, MADV_PAGEOUT: pages stay");
	munmap(p, LEN);
	munmap(q, LEN);
}

static int uffd_open(char *p, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)p, len },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0)
		return -1;
	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		close(uffd);
		return -1;
	}
	return uffd;
}

static void test_uffd(void)
{
	char *p = map(LEN, MAP_PRIVATE), *src = ordinary(LEN);
	int uffd = uffd_open(p, LEN), other, ret;
	struct uffdio_zeropage zero = { .range = { (uintptr_t)p, MIB } };
	struct uffdio_copy copy = { .dst = (uintptr_t)p + MIB, .src = (uintptr_t)src, .len = MIB };
	struct uffdio_move move = { .dst = (uintptr_t)p + 2 * MIB, .src = (uintptr_t)src, .len = MIB };
	char *dst = ordinary(LEN);

	if (uffd < 0) {
		skip("kernel without userfaultfd", "userfaultfd");
		return;
	}
	ret = ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
	ok(!ret && all_here(p, MIB) && !*p, "UFFDIO_ZEROPAGE: pages of the node (%lld)",
	   (long long)zero.zeropage);
	ret = ioctl(uffd, UFFDIO_COPY, &copy);
	ok(!ret && all_here(p + MIB, MIB), "UFFDIO_COPY: pages of the node (%lld)",
	   (long long)copy.copy);
	ok(ioctl(uffd, UFFDIO_MOVE, &move) == -1 && move.move == -EINVAL &&
	   !where(p + 2 * MIB, MIB).elsewhere, "UFFDIO_MOVE: ordinary pages do not come in");
	madvise(dst, LEN, MADV_DONTNEED);
	other = uffd_open(dst, LEN);
	move = (struct uffdio_move){ .dst = (uintptr_t)dst, .src = (uintptr_t)p, .len = MIB };
	ok(ioctl(other, UFFDIO_MOVE, &move) == -1 && move.move == -EINVAL && all_here(p, MIB),
	   "UFFDIO_MOVE: pages of the node do not go out");
	close(other);
	close(uffd);
	munmap(p, LEN);
	munmap(src, LEN);
	munmap(dst, LEN);
}

/* A zero-filled huge page that is split must not leave zero pages behind. */
static void test_split(void)
{
	char *p = map(LEN, MAP_PRIVATE);

	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	madvise(p, LEN, MADV_HUGEPAGE);
	touch(p, LEN);
	memset(p, 0, LEN);
	munmap(p, PMD / 2);
	if (!write_file("/proc/sys/vm/drop_caches", "2")) {
		skip("cannot shrink", "split of a zero-filled huge page");
		return;
	}
	ok(all_here(p + PMD / 2, LEN - PMD / 2), "split of a zero-filled huge page: no zero page");
	munmap(p + PMD / 2, LEN - PMD / 2);
}

/* A cpuset that changes its ordinary nodes, 0 and 2, rewrites policies: not this one. */
static void test_cpuset(void)
{
	const char *root = "/run/fixed.cgroup", *group = "/run/fixed.cgroup/devmap";
	char *p = map(LEN, MAP_PRIVATE), pid[16];
	int mode;
	unsigned long mask = 0;

	mkdir(root, 0755);
	if (mount("none", root, "cgroup2", 0, NULL) ||
	    !write_file("/run/fixed.cgroup/cgroup.subtree_control", "+cpuset") || mkdir(group, 0755) ||
	    !write_file("/run/fixed.cgroup/devmap/cpuset.mems", "0-1"))
		bail("cpuset");
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_file("/run/fixed.cgroup/devmap/cgroup.procs", pid);
	write_file("/run/fixed.cgroup/devmap/cpuset.mems", "");
	write_file("/run/fixed.cgroup/devmap/cpuset.mems", "0-1");
	ok(!syscall(SYS_get_mempolicy, &mode, &mask, 64, p, MPOL_F_ADDR) && mask == 1UL << node &&
	   touch(p, LEN) == LEN / PAGE && all_here(p, LEN), "cpuset: other nodes do not rebind it");
	write_file("/run/fixed.cgroup/cgroup.procs", pid);
	rmdir(group);
	umount2(root, MNT_DETACH);
	rmdir(root);
	munmap(p, LEN);
}

int main(void)
{
	unsigned long before;

	find_node();
	before = node_free();
	fd = open_dev();
	test_mbind(MAP_PRIVATE, "private");
	test_mbind(MAP_SHARED, "shared");
	test_object();
	test_move_pages();
	test_ksm();
	test_collapse();
	test_pageout();
	test_uffd();
	test_split();
	test_cpuset();
	close(fd);
	ok(node_free() == before, "all pages came back: %lu free, %lu before", node_free(), before);
	return done_testing();
}
