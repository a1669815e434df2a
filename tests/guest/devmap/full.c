// SPDX-License-Identifier: GPL-2.0-only
/*
 * full: what users of a mapped node see when the node has no page left, under each on_full.
 *
 * vm: --node 1G --node 256M --append private_node=1
 * timeout: 300
 */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>

#include "devmap.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int fd;

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

/* Takes every page of the node but keep. */
static char *fill(unsigned long keep, unsigned long *pages)
{
	unsigned long i;
	char *p;

	*pages = node_free() - keep;
	p = map(*pages * PAGE, MAP_PRIVATE);
	madvise(p, *pages * PAGE, MADV_NOHUGEPAGE);
	i = touch(p, *pages * PAGE);
	if (i != *pages)
		bail("filled only %lu of %lu pages; %lu free", i, *pages, node_free());
	return p;
}

static int touch_one(void *p)
{
	*(volatile char *)p = 1;
	return 0;
}

static int write_all(void *p)
{
	memset(p, 1, MIB);
	return 0;
}

static bool read_into(char *p)
{
	int zero = open("/dev/zero", O_RDONLY);
	bool fault = read(zero, p, PAGE) == -1 && errno == EFAULT;

	close(zero);
	return fault;
}

static void test_error(const char *policy, int populate_errno, int mlock_errno)
{
	unsigned long pages, again, displaced;
	int ret, err, other = open_dev();
	char *p, *hog;

	set_on_full(policy);
	hog = fill(0, &pages);
	ok(!node_free(), "%s: each of %lu pages can be used", policy, pages);
	p = map(MIB, MAP_PRIVATE);
	madvise(p, MIB, MADV_NOHUGEPAGE);
	ok(!touch(p, MIB) && bus_signal == SIGBUS, "%s: a store gets SIGBUS", policy);
	ok(in_child(touch_one, p) == 128 + SIGBUS, "%s: and kills who does not handle it", policy);
	displaced = counter("displaced ");
	ok(!in_child(write_all, hog) && counter("displaced ") >= displaced + MIB / PAGE,
	   "%s: copies of shared pages are ordinary: %lu displaced", policy, counter("displaced ") - displaced);
	ok(read_into(p), "%s: read() into it gives EFAULT", policy);
	ret = madvise(p, MIB, MADV_POPULATE_WRITE);
	err = errno;
	ok(ret == -1 && err == populate_errno, "%s: populate gives %s", policy, strerror(err));
	ret = mlock(p, MIB);
	err = errno;
	ok(ret == -1 && err == mlock_errno, "%s: mlock gives %s", policy, strerror(err));
	munlock(p, MIB);
	munmap(p, MIB);
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	close(other);
	ok(p != MAP_FAILED && !touch(p, MIB) && bus_signal == SIGBUS, "%s: a shared mapping gets SIGBUS", policy);
	ok(!where(hog, pages * PAGE).elsewhere, "%s: nothing went elsewhere", policy);
	munmap(hog, MIB);
	again = touch(p, MIB);
	ok(again == MIB / PAGE && all_here(p, MIB), "%s: goes on when pages are free again", policy);
	munmap(p, MIB);
	munmap(hog + MIB, pages * PAGE - MIB);
}

static void test_huge(void)
{
	unsigned long pages, i;
	char *p;

	set_on_full("fail");
	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	pages = node_free();
	p = map(pages * PAGE, MAP_PRIVATE);
	madvise(p, pages * PAGE, MADV_HUGEPAGE);
	i = touch(p, pages * PAGE);
	ok(i == pages && !where(p, pages * PAGE).elsewhere,
	   "huge pages: fall back to small ones until all %lu pages are used", pages);
	munmap(p, pages * PAGE);
}

static void test_fallback(void)
{
	unsigned long pages;
	char *p, *hog;
	struct where w;

	set_on_full("fallback:0");
	hog = fill(16, &pages);
	p = map(MIB, MAP_PRIVATE);
	madvise(p, MIB, MADV_NOHUGEPAGE);
	ok(touch(p, MIB) == MIB / PAGE, "fallback: a full node is no error");
	w = where(p, MIB);
	ok(w.here == 16 && w.elsewhere == MIB / PAGE - 16,
	   "fallback: %lu pages on the node, %lu on the named one", w.here, w.elsewhere);
	munmap(p, MIB);
	munmap(hog, pages * PAGE);
	set_on_full("fail");
}

/* A child that holds pages and waits to be killed. */
struct holder {
	pid_t pid;
	int ready;
};

static void set_adj(int adj)
{
	char buf[16];

	snprintf(buf, sizeof(buf), "%d", adj);
	write_file("/proc/self/oom_score_adj", buf);
}

static struct holder hold(unsigned long private, unsigned long ordinary, int adj)
{
	struct holder h;
	int pipes[2];
	char c = 0;

	if (pipe(pipes))
		bail("pipe");
	fflush(stdout);
	h.pid = fork();
	if (!h.pid) {
		char *p = private ? map(private, MAP_PRIVATE) : NULL;
		char *q = mmap(NULL, ordinary + PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		set_adj(adj);
		if (p)
			madvise(p, private, MADV_NOHUGEPAGE);
		c = (!p || touch(p, private) == private / PAGE) &&
		    touch(q, ordinary) == ordinary / PAGE;
		if (write(pipes[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1 || !c)
		bail("a holder did not get its memory");
	close(pipes[0]);
	return h;
}

/* Was it killed (1), or is it still there (0) after some 50 ms?  Then it is ended. */
static int killed_within(struct holder h, int tries)
{
	int status, i;

	for (i = 0; i < tries; i++) {
		if (waitpid(h.pid, &status, WNOHANG) == h.pid)
			return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		usleep(50000);
	}
	kill(h.pid, SIGKILL);
	waitpid(h.pid, &status, 0);
	return 0;
}

static int killed(struct holder h)
{
	return killed_within(h, 20);
}

static int grow(void *arg)
{
	unsigned long len = *(unsigned long *)arg;
	char *p = map(len, MAP_PRIVATE);

	set_adj(0);
	madvise(p, len, MADV_NOHUGEPAGE);
	return touch(p, len) == len / PAGE && all_here(p, len) ? 0 : bus_signal ? 3 : 1;
}

static void test_oom(void)
{
	unsigned long total = node_free() * PAGE, most = total / 2 / MIB * MIB;
	unsigned long some = total / 4 / MIB * MIB, more = total / 3 / MIB * MIB;
	struct holder big, small, bystander;
	int ret, b, s;

	set_on_full("oom");
	bystander = hold(0, 400 * MIB, 1000);
	big = hold(most, 0, 0);
	small = hold(some, 0, 500);
	ret = in_child(grow, &more);
	b = killed(big);
	s = killed(small);
	ok(!ret && b && !s, "oom: the task with most pages there dies, and the others go on");
	ok(!killed(bystander), "oom: a task without a page there is left alone");

	/* When the node is full the one that grows has a sixth of it, small a third. */
	big = hold(most, 0, -1000);
	small = hold(more, 0, 0);
	ret = in_child(grow, &some);
	b = killed(big);
	s = killed(small);
	ok(!ret && s && !b, "oom: oom_score_adj -1000 is respected");

	big = hold(most, 0, -1000);
	small = hold(some, 0, -1000);
	ret = in_child(grow, &more);
	ok(ret == 128 + SIGKILL, "oom: with nobody else to kill, the task itself dies");
	killed(big);
	killed(small);
	set_adj(0);
	set_on_full("fail");
}

/* Everybody wants more than there is: all end, nobody hangs. */
static void test_storm(const char *policy)
{
	unsigned long share = node_free() * PAGE / 4;
	int i, status, done = 0, killed_or_done = 0;

	set_on_full(policy);
	for (i = 0; i < 8; i++) {
		fflush(stdout);
		if (!fork()) {
			alarm(120);
			_exit(grow(&share));
		}
	}
	for (i = 0; i < 8; i++) {
		if (wait(&status) < 0)
			break;
		done += !status;
		killed_or_done += !status || (WIFEXITED(status) && WEXITSTATUS(status) == 3) ||
				  (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	/* With fail all may see the full node before the first of them has left. */
	ok(killed_or_done == 8 && (done || strcmp(policy, "oom")),
	   "%s: eight tasks want twice the node: all end, %d with success", policy, done);
	set_on_full("fail");
}

static long oom_score(pid_t pid)
{
	char path[64], buf[32];

	snprintf(path, sizeof(path), "/proc/%d/oom_score", pid);
	return read_file(path, buf, sizeof(buf)) ? atol(buf) : -1;
}

static void test_badness(void)
{
	struct holder none = hold(0, MIB, 0), private = hold(200 * MIB, MIB, 0);
	struct holder ordinary = hold(0, 150 * MIB, 0);
	int dead;
	long a = oom_score(none.pid), b = oom_score(private.pid), c = oom_score(ordinary.pid);

	ok(a >= 0 && labs(a - b) <= 1 && c > a + 20,
	   "oom_score: %ld without, %ld with 200 MB of the node; %ld with 150 MB of ordinary memory",
	   a, b, c);
	killed(none);
	set_adj(-1000);
	write_file("/proc/sys/kernel/sysrq", "1");
	if (write_file("/proc/sysrq-trigger", "f")) {
		/* A worker of the kernel does it, some time later. */
		dead = killed_within(ordinary, 400);
		ok(!killed(private) && dead,
		   "an ordinary OOM kills who holds ordinary memory, not who holds the node's");
	} else {
		killed(ordinary);
		killed(private);
		skip("kernel without sysrq", "an ordinary OOM");
	}
	set_adj(0);
}

int main(void)
{
	unsigned long before;

	find_node();
	before = node_free();
	fd = open_dev();
	test_error("fail", ENOMEM, EAGAIN);
	test_error("sigbus", EFAULT, ENOMEM);
	test_huge();
	test_fallback();
	test_oom();
	test_storm("fail");
	test_storm("oom");
	test_badness();
	close(fd);
	ok(node_free() == before, "all pages came back: %lu free, %lu before", node_free(), before);
	return done_testing();
}
