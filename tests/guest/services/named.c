// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each way to state a policy, each mode, each kind of mask: what names a private node lands there,
 * what does not stays out.  DRAM is the control of each: the same way with the ordinary node alone.
 *
 * vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa,hugetlb,longterm_pin --append private_node=2:user_numa,hugetlb,longterm_pin
 * timeout: 240
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "../devmap/devmap.h"

#define LEN (4 * MIB)
#define PAGES (LEN / PAGE)
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6
#endif

static int other;		/* the second private node */
static unsigned long on[3];	/* pages on node 0, on the first and on the second private one */

static char *anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

/* Where the pages of a range are, into on[]. */
static void look(char *p, size_t len)
{
	static void *at[512];
	static int status[512];
	size_t i, n;

	memset(on, 0, sizeof(on));
	for (i = 0; i < len / PAGE; i += n) {
		n = len / PAGE - i < 512 ? len / PAGE - i : 512;
		for (size_t j = 0; j < n; j++)
			at[j] = p + (i + j) * PAGE;
		if (syscall(SYS_move_pages, 0, n, at, NULL, status, 0))
			bail("move_pages");
		for (size_t j = 0; j < n; j++)
			if (status[j] >= 0)
				on[status[j] == node ? 1 : status[j] == other ? 2 : 0]++;
	}
}

/* The ways.  Each makes LEN bytes with the policy and writes them; false and errno when refused. */

static bool by_mbind(int mode, unsigned long mask)
{
	char *p = anon(LEN);
	bool good = !syscall(SYS_mbind, p, LEN, mode, &mask, 64UL, 0);
	int err = errno;

	if (good) {
		touch(p, LEN);
		look(p, LEN);
	}
	munmap(p, LEN);
	errno = err;
	return good;
}

static bool by_mbind_move(int mode, unsigned long mask)
{
	char *p = anon(LEN);
	bool good;
	int err;

	touch(p, LEN);
	good = !syscall(SYS_mbind, p, LEN, mode, &mask, 64UL, MPOL_MF_MOVE);
	err = errno;
	if (good)
		look(p, LEN);
	munmap(p, LEN);
	errno = err;
	return good;
}

static bool by_task(int mode, unsigned long mask)
{
	char *p = anon(LEN);
	bool good = !syscall(SYS_set_mempolicy, mode, &mask, 64UL);
	int err = errno;

	if (good) {
		touch(p, LEN);
		syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
		look(p, LEN);
	}
	munmap(p, LEN);
	errno = err;
	return good;
}

static bool by_object(int mode, unsigned long mask)
{
	int id = shmget(IPC_PRIVATE, LEN, 0600);
	char *p = shmat(id, NULL, 0);
	bool good = !syscall(SYS_mbind, p, LEN, mode, &mask, 64UL, 0);
	int err = errno;

	shmctl(id, IPC_RMID, NULL);
	if (good) {
		touch(p, LEN);
		look(p, LEN);
	}
	shmdt(p);
	errno = err;
	return good;
}

static const char *mode_text(int mode)
{
	static char text[32];
	static const char *const names[] = { "default", "prefer", "bind", "interleave", "local",
					     "prefer (many)", "weighted interleave" };

	snprintf(text, sizeof(text), "%s%s", names[mode & 15], mode & MPOL_F_STATIC_NODES ? "=static" : "");
	return text;
}

static bool by_mount(int mode, unsigned long mask)
{
	char options[96], list[32] = "";
	bool good;
	char *p;
	int fd;

	for (int i = 0; i < 8; i++)
		if (mask >> i & 1)
			sprintf(list + strlen(list), "%s%d", *list ? "," : "", i);
	snprintf(options, sizeof(options), "mpol=%s:%s", mode_text(mode), list);
	mkdir("/mnt", 0755);
	if (mount("named", "/mnt", "tmpfs", 0, options))
		return false;
	fd = open("/mnt/file", O_CREAT | O_RDWR, 0600);
	good = fd >= 0 && !ftruncate(fd, LEN);
	p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (good && p != MAP_FAILED) {
		touch(p, LEN);
		look(p, LEN);
		munmap(p, LEN);
	}
	close(fd);
	umount("/mnt");
	return good;
}

struct way {
	const char *name;
	bool (*fn)(int mode, unsigned long mask);
	bool mount;
};

struct mode {
	const char *name;
	int mode;
	bool spreads;
	bool one;	/* of several nodes it takes the first */
};

static const struct way ways[] = {
	{ "mbind", by_mbind, false },
	{ "mbind, move", by_mbind_move, false },
	{ "set_mempolicy", by_task, false },
	{ "mbind of an object", by_object, false },
	{ "mpol=", by_mount, true },
};

static const struct mode modes[] = {
	{ "bind", MPOL_BIND, false, false },
	{ "bind, static", MPOL_BIND | MPOL_F_STATIC_NODES, false, false },
	{ "preferred", MPOL_PREFERRED, false, true },
	{ "preferred, static", MPOL_PREFERRED | MPOL_F_STATIC_NODES, false, true },
	{ "preferred-many", MPOL_PREFERRED_MANY, false, false },
	{ "interleave", MPOL_INTERLEAVE, true, false },
	{ "interleave, static", MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, true, false },
	{ "weighted interleave", MPOL_WEIGHTED_INTERLEAVE, true, false },
};

static bool all_on(int which)
{
	if (on[which] == PAGES)
		return true;
	printf("# node 0 %lu, node %d %lu, node %d %lu\n", on[0], node, on[1], other, on[2]);
	return false;
}

static void test_way(int w, int m)
{
	unsigned long a = 1UL << node, b = 1UL << other;
	const char *way = ways[w].name, *name = modes[m].name;
	int mode = modes[m].mode;
	bool bind = (mode & 15) == MPOL_BIND;

	ok(ways[w].fn(mode, 1) && all_on(0), "%s: %s: node 0 (control)", way, name);
	ok(ways[w].fn(mode, a) && all_on(1), "%s: %s: the private node alone", way, name);
	/* mpol=prefer takes one node. */
	if (ways[w].mount && modes[m].one)
		return;
	ok(ways[w].fn(mode, 1 | a) && (bind || !on[1]), "%s: %s: with node 0, %lu pages on it", way, name,
	   on[1]);
	if (modes[m].spreads)
		ok(ways[w].fn(mode, a | b) && on[1] == PAGES / 2 && on[2] == PAGES / 2,
		   "%s: %s: two private nodes: %lu and %lu", way, name, on[1], on[2]);
	else
		ok(ways[w].fn(mode, a | b) && !on[0], "%s: %s: two private nodes: none on node 0", way, name);
}

static void test_weights(void)
{
	put(node_file("interleave_weight"), "3");
	ok(by_mbind(MPOL_WEIGHTED_INTERLEAVE, 1UL << node | 1UL << other) && on[1] == PAGES / 4 * 3 &&
	   on[2] == PAGES / 4, "weights 3 and 1: %lu and %lu", on[1], on[2]);
	put(node_file("interleave_weight"), "1");
	ok(!write_file(node_file("interleave_weight"), "0") && errno == EINVAL, "weight 0: EINVAL");
}

/* What the user said is what reports say. */
static void test_reports(void)
{
	for (unsigned int m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		char *p = anon(LEN), want[128];
		unsigned long a = 1UL << node, mask = 0;
		static char maps[1 << 16];
		int mode = -1;

		ok(!syscall(SYS_mbind, p, LEN, modes[m].mode, &a, 64UL, 0) &&
		   !syscall(SYS_get_mempolicy, &mode, &mask, 64UL, p, MPOL_F_ADDR) &&
		   mode == modes[m].mode && mask == a, "%s: get_mempolicy says so", modes[m].name);
		snprintf(want, sizeof(want), "%lx %s:%d", (unsigned long)p, mode_text(modes[m].mode), node);
		ok(read_file("/proc/self/numa_maps", maps, sizeof(maps)) && strstr(maps, want),
		   "%s: numa_maps says so", modes[m].name);
		munmap(p, LEN);
	}
}

/* A preference goes on in ordinary memory, and asks nobody. */
static void test_prefer_full(int mode, const char *name)
{
	unsigned long size = node_number("total_bytes") + 2 * LEN, mask = 1UL << node;
	unsigned long before = counter("preferred_elsewhere "), kills = counter("oom_kills ");
	char *p = anon(size);

	set_on_full("oom");
	syscall(SYS_mbind, p, size, mode, &mask, 64UL, 0);
	ok(touch(p, size) == size / PAGE && !bus_signal, "%s: a node's memory and more: all written", name);
	look(p, size);
	ok(on[1] > (size - 2 * LEN) / PAGE * 9 / 10 && on[0] && !on[2] && on[0] + on[1] == size / PAGE,
	   "%s: %lu pages there, %lu on node 0", name, on[1], on[0]);
	ok(counter("preferred_elsewhere ") - before == on[0], "%s: preferred_elsewhere counts these", name);
	ok(counter("oom_kills ") == kills, "%s: on_full=oom is not asked", name);
	set_on_full("fail");
	munmap(p, size);
}

/* Closed: refused when it is stated; what was stated before goes on in ordinary memory, or gets SIGBUS. */
static void test_closed(void)
{
	unsigned long mask = 1UL << node;
	char *p = anon(LEN), *q = anon(LEN);

	syscall(SYS_mbind, p, LEN, MPOL_PREFERRED, &mask, 64UL, 0);
	syscall(SYS_mbind, q, LEN, MPOL_INTERLEAVE, &mask, 64UL, 0);
	enable("-user_numa");
	for (unsigned int m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		ok(!by_mbind(modes[m].mode, mask) && errno == EINVAL, "closed: %s: EINVAL", modes[m].name);
	ok(!by_mount(MPOL_PREFERRED, mask) && errno == EINVAL, "closed: mpol=prefer: EINVAL");
	touch(p, LEN);
	look(p, LEN);
	ok(all_on(0), "closed: a preference made before: node 0");
	ok(!touch(q, LEN) && bus_signal == SIGBUS, "closed: what spreads over it alone: SIGBUS");
	enable("+user_numa");
	ok(touch(q, LEN) == PAGES, "open again: written");
	munmap(p, LEN);
	munmap(q, LEN);
}

/* Page cache and the task's own kernel memory are not what a task's policy places. */
static int child_kernel_memory(void *arg)
{
	unsigned long mask = 1UL << node, before = node_free();
	int mode = *(int *)arg, fds[64][2], i;

	if (syscall(SYS_set_mempolicy, mode, &mask, 64UL))
		return 1;
	for (i = 0; i < 64; i++)
		if (pipe(fds[i]) || write(fds[i][1], "x", 1) != 1)
			return 2;
	printf("# mode %d: %ld pages of the node for 64 pipes\n", mode, (long)(before - node_free()));
	return (long)(before - node_free()) > 32 ? 3 : 0;
}

static void test_kernel_memory(void)
{
	for (unsigned int m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		ok(!in_child(child_kernel_memory, (void *)&modes[m].mode), "%s: pipes' buffers stay out",
		   modes[m].name);
}

/* Huge pages take the same turns. */

#define HUGE 8UL

static char *huge_map(unsigned long nr)
{
	char *p = mmap(NULL, nr * PMD, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of huge pages");
	return p;
}

/* Into on[], in huge pages. */
static void huge_by(int mode, unsigned long mask, int home)
{
	char *p = huge_map(HUGE);
	unsigned long i;

	if (syscall(SYS_mbind, p, HUGE * PMD, mode, &mask, 64UL, 0))
		bail("mbind of huge pages");
	if (home >= 0 && syscall(SYS_set_mempolicy_home_node, p, HUGE * PMD, home, 0))
		bail("home node");
	for (i = 0; i < HUGE; i++)
		p[i * PMD] = 1;
	look(p, HUGE * PMD);
	for (i = 0; i < 3; i++)
		on[i] /= PMD / PAGE;
	munmap(p, HUGE * PMD);
}

/* fork() copies what is pinned, and the pool of its node is closed. */
static int forks_pinned(void)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { .iov_len = PAGE };
	unsigned long mask = 1UL << node;
	char *p = huge_map(1);
	int ring, status;
	pid_t pid;

	if (syscall(SYS_mbind, p, PMD, MPOL_BIND, &mask, 64UL, 0))
		return 2;
	*p = 42;
	v.iov_base = p;
	ring = (int)syscall(SYS_io_uring_setup, 4U, &params);
	if (ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U))
		return 3;
	enable("-hugetlb");
	pid = fork();
	if (pid < 0)
		return 4;
	if (!pid)
		_exit(*p != 42);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

#define REQUEST "60"
#define SHARE 30

/* 0, or the errno of a request for REQUEST huge pages on both nodes. */
static int ask_both(void *arg)
{
	unsigned long both = 1UL << node | 1UL << other;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &both, 64UL))
		return 255;
	return write_file("/proc/sys/vm/nr_hugepages_mempolicy", REQUEST) ? 0 : errno;
}

/* Each node is asked for its share; when one is too small no pool changes. */
static void test_request(void)
{
	unsigned long mask = 1UL << other;
	size_t len = 208 * MIB;
	char *p = anon(len);
	int err;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
	touch(p, len);
	err = in_child(ask_both, NULL);
	ok(err == ENOMEM && pool(node) == HUGE && pool(other) == HUGE,
	   "request of two nodes, one too small: ENOMEM, and pools are as before (%d: %lu and %lu)", err, pool(node), pool(other));
	munmap(p, len);
	err = in_child(ask_both, NULL);
	ok(!err && pool(node) == SHARE && pool(other) == SHARE,
	   "... control: with room on both, half of it each (%d: %lu and %lu)", err, pool(node), pool(other));
	set_pool(node, HUGE);
	set_pool(other, HUGE);
}

static void test_huge(void)
{
	unsigned long both = 1UL << node | 1UL << other;
	int status;

	set_pool(node, HUGE);
	set_pool(other, HUGE);
	huge_by(MPOL_INTERLEAVE, both, -1);
	ok(on[1] == HUGE / 2 && on[2] == HUGE / 2, "huge pages, interleave: two private nodes: %lu and %lu", on[1], on[2]);
	put(node_file("interleave_weight"), "3");
	huge_by(MPOL_WEIGHTED_INTERLEAVE, both, -1);
	ok(on[1] == 6 && on[2] == 2, "huge pages, weighted interleave, 3 to 1: %lu and %lu", on[1], on[2]);
	put(node_file("interleave_weight"), "1");
	huge_by(MPOL_BIND, both, other);
	ok(on[2] == HUGE, "huge pages, bind with a home: there (%lu)", on[2]);
	huge_by(MPOL_BIND, both, node);
	ok(on[1] == HUGE, "huge pages, bind with the other home: there (%lu)", on[1]);
	test_request();
	set_pool(0, 4);
	fflush(stdout);
	if (!fork())
		_exit(forks_pinned());
	wait(&status);
	ok(!status, "huge page, pinned, its pool closed: fork() copies it to an ordinary one (%x)", status);
	/* The ring lets its page go some time after its process; a closed pool shows none as free. */
	enable("+hugetlb");
	while (number_in(pool_file(node, "free_hugepages"), "") < HUGE)
		usleep(1000);
	set_pool(0, 0);
	set_pool(node, 0);
	set_pool(other, 0);
	enable("-hugetlb -longterm_pin");
}

int main(void)
{
	char buf[64];

	find_node();
	if (!read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf)) ||
	    sscanf(buf, "%*d%*[-,]%d", &other) != 1)
		bail("one private node");
	for (unsigned int w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (unsigned int m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
			test_way(w, m);
	test_weights();
	test_reports();
	test_prefer_full(MPOL_PREFERRED, "preferred");
	test_prefer_full(MPOL_PREFERRED_MANY, "preferred-many");
	test_huge();
	test_closed();
	test_kernel_memory();
	return done_testing();
}
