// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program and its administrator learn when a node is full, or is larger than DRAM: the log's
 * line, the handler of SIGBUS, exec's errno, mmap of more than DRAM, MADV_PAGEOUT.
 *
 * vm: --node 512M --node 640M --append private_node=1:user_numa
 * timeout: 240
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/klog.h>

#include "../devmap/devmap.h"

static unsigned long here;
static char *filler;
static size_t filler_size;

static long bind_range(void *p, size_t len, int mode, unsigned long mask)
{
	return syscall(SYS_mbind, p, len, mode, &mask, 64UL, 0);
}

static long bind_task(int mode, unsigned long mask)
{
	return syscall(SYS_set_mempolicy, mode, &mask, 64UL);
}

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

/* Forgets the kernel's log. */
static void log_clear(void)
{
	klogctl(5, NULL, 0);
}

/* Has the log, since it was cleared, a line with all of these texts? */
static bool log_has(const char *a, const char *b)
{
	static char text[1 << 18];
	int n = klogctl(3, text, sizeof(text) - 1);
	char *line, *save;

	text[n < 0 ? 0 : n] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, a) && strstr(line, b))
			return true;
	return false;
}

/* A mapping that takes all of the node. */
static void fill(void)
{
	filler_size = node_number("total_bytes") + MIB;
	filler = map(filler_size, MAP_NORESERVE);
	bind_range(filler, filler_size, MPOL_BIND, here);
	if (touch(filler, filler_size) == filler_size / PAGE)
		bail("the node does not fill up");
}

static void empty(void)
{
	munmap(filler, filler_size);
}

static int child_store(void *arg)
{
	char *p = map(MIB, 0);

	bind_range(p, MIB, MPOL_BIND, here);
	memset(p, 1, MIB);
	return 0;
}

/* The rate limit may hold a line back: it is one that comes again. */
static bool says(int (*fn)(void *), int status, const char *a, const char *b)
{
	int i, got = -1;

	for (i = 0; i < 30; i++) {
		log_clear();
		got = in_child(fn, NULL);
		if (got != status)
			break;
		if (log_has(a, b))
			return true;
		sleep(1);
	}
	printf("# status %d\n", got);
	return false;
}

static void test_line(void)
{
	char want[64];

	snprintf(want, sizeof(want), "node %d: boot: full: full_says", node);
	ok(says(child_store, 128 + SIGBUS, want, "gets SIGBUS, on_full is fail; end what fills it"),
	   "SIGBUS: one line with node, owner, task, on_full and what to do");
}

/* The handler runs, though no page of its stack was ever touched. */
static void handler(int sig)
{
	volatile char frame[3000];

	/* Nothing but its stack is written: all else is shared with the parent. */
	frame[0] = frame[2999] = sig;
	_exit(frame[0] == SIGBUS ? 0 : 1);
}

static void *thread_bound(void *arg)
{
	char *p = map(MIB, 0);

	if (bind_task(MPOL_BIND, here))
		_exit(20);
	*p = 1;
	_exit(21);
}

/* A thread's stack has but the pages that it used. */
static int child_thread(void *arg)
{
	pthread_t thread;

	signal(SIGBUS, handler);
	pthread_create(&thread, NULL, thread_bound, NULL);
	pthread_join(thread, NULL);
	return 22;
}

static int child_altstack(void *arg)
{
	stack_t ss = { .ss_size = 64 * PAGE };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	char *p = map(MIB, 0);

	ss.ss_sp = map(ss.ss_size, 0);
	if (sigaltstack(&ss, NULL) || sigaction(SIGBUS, &sa, NULL) || bind_task(MPOL_BIND, here))
		return 20;
	*p = 1;
	return 21;
}

static int child_no_handler(void *arg)
{
	char *p = map(MIB, 0);

	bind_task(MPOL_BIND, here);
	*p = 1;
	return 21;
}

static void test_handler(void)
{
	unsigned long before = counter("stack_elsewhere ");

	ok(in_child(child_no_handler, NULL) == 128 + SIGBUS, "a store of a bound task: SIGBUS (control)");
	ok(in_child(child_altstack, NULL) == 0, "SIGBUS: its handler runs on an alternate stack");
	ok(counter("stack_elsewhere ") > before, "stack_elsewhere counts the pages");
	before = counter("stack_elsewhere ");
	ok(in_child(child_thread, NULL) == 0, "SIGBUS: its handler runs on a thread's stack");
	ok(counter("stack_elsewhere ") > before, "stack_elsewhere counts these");
}

static int child_exec(void *arg)
{
	char *const argv[] = { "true", NULL };

	/* A page of its own to write errno to. */
	errno = 0;
	if (bind_task(MPOL_BIND, here))
		return 20;
	execv("/bin/true", argv);
	return errno == ENOMEM ? 42 : 21;
}

static int child_exec_preferring(void *arg)
{
	char *const argv[] = { "true", NULL };

	bind_task(MPOL_PREFERRED, here);
	execv("/bin/true", argv);
	return 21;
}

static void test_exec(void)
{
	ok(says(child_exec, 42, "full: full_says", "cannot exec, ENOMEM"),
	   "exec on a full node: ENOMEM to who called it, and a line");
	ok(in_child(child_exec_preferring, NULL) == 0, "exec of a task that only prefers it: runs");
	empty();
	ok(in_child(child_exec, NULL) == 0, "exec when there is room again: runs");
}

/* DRAM is smaller than what is mapped, the node is not. */
static int child_map(void *arg)
{
	size_t len = *(size_t *)arg;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int child_map_bound(void *arg)
{
	bind_task(MPOL_BIND, here);
	return child_map(arg);
}

static int child_map_prefers(void *arg)
{
	bind_task(MPOL_PREFERRED, here);
	return child_map(arg);
}

/* Reserved, bound, and then made writable, or made larger: as allocators do. */
static int child_grow(void *arg)
{
	size_t len = *(size_t *)arg;
	char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

	if (p == MAP_FAILED || (!mprotect(p, len, PROT_READ | PROT_WRITE)))
		return 1;
	if (bind_range(p, len, MPOL_BIND, here) || mprotect(p, len, PROT_READ | PROT_WRITE))
		return 2;
	munmap(p, len);
	q = map(MIB, 0);
	if (mremap(q, MIB, len, MREMAP_MAYMOVE) != MAP_FAILED)
		return 3;
	bind_range(q, MIB, MPOL_BIND, here);
	q = mremap(q, MIB, len, MREMAP_MAYMOVE);
	if (q == MAP_FAILED)
		return 4;
	switch (fork()) {
	case -1:
		return 5;
	case 0:
		_exit(0);
	}
	/* What it has committed is gone before mode 2 counts. */
	wait(NULL);
	return 0;
}

static void test_overcommit(void)
{
	size_t len = node_number("total_bytes") - 8 * MIB, both;

	both = number_in("/proc/meminfo", "MemTotal:") * 1024 + node_number("total_bytes") + MIB;
	put("/proc/sys/vm/overcommit_memory", "0");
	ok(in_child(child_map, &len) == ENOMEM, "mode 0: more than DRAM: ENOMEM (control)");
	ok(in_child(child_map_bound, &len) == 0, "mode 0: the same by a bound task: mapped");
	ok(in_child(child_map_prefers, &len) == 0, "mode 0: and by one that prefers the node");
	ok(in_child(child_map_bound, &both) == ENOMEM, "mode 0: more than both: ENOMEM");
	ok(in_child(child_grow, &len) == 0, "mode 0: mprotect, mremap and fork of a bound range");
	put("/proc/sys/vm/overcommit_memory", "2");
	ok(in_child(child_map_bound, &len) == ENOMEM, "mode 2 counts ordinary memory, whatever is bound");
	put("/proc/sys/vm/overcommit_memory", "0");
	enable("-user_numa");
	ok(in_child(child_map_bound, &len) == ENOMEM, "mode 0: closed: ENOMEM");
	enable("+user_numa");
}

static void test_pageout(void)
{
	unsigned long before = counter("reclaim_refused ");
	char *p = map(4 * MIB, 0);

	bind_range(p, 4 * MIB, MPOL_BIND, here);
	touch(p, 4 * MIB);
	ok(!madvise(p, 4 * MIB, MADV_PAGEOUT) && all_here(p, 4 * MIB),
	   "MADV_PAGEOUT without reclaim: 0, and the pages stay");
	ok(counter("reclaim_refused ") > before, "MADV_PAGEOUT: reclaim_refused counts it");
	munmap(p, 4 * MIB);
}

int main(void)
{
	find_node();
	here = 1UL << node;
	set_on_full("fail");
	fill();
	test_line();
	test_handler();
	test_exec();
	test_overcommit();
	test_pageout();
	return done_testing();
}
