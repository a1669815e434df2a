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
#include <sys/socket.h>

#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/log.h"

static unsigned long here;
static pid_t filler;
static int filler_fd;

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

/* All of the node, and when it is asked, all but 2 MiB. */
static void fill_main(int fd)
{
	size_t size = node_number("total_bytes") + MIB;
	char *p = map(size, MAP_NORESERVE), c;

	bind_range(p, size, MPOL_BIND, here);
	if (touch(p, size) == size / PAGE)
		bail("the node does not fill up");
	if (write(fd, "f", 1) != 1 || read(fd, &c, 1) != 1)
		_exit(1);
	munmap(p + size - 3 * MIB, 3 * MIB);
	if (write(fd, "l", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

/* A process that takes all of the node. */
static void fill(void)
{
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		bail("socketpair");
	fflush(stdout);
	filler = fork();
	if (!filler)
		fill_main(pair[1]);
	close(pair[1]);
	filler_fd = pair[0];
	if (read(filler_fd, &c, 1) != 1)
		bail("filler");
}

static void leave_2_mib(void)
{
	char c;

	if (write(filler_fd, "l", 1) != 1 || read(filler_fd, &c, 1) != 1)
		bail("filler");
}

static void set_killable(bool is)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", filler);
	put(path, is ? "0" : "-1000");
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

/* Less than others have there. */
static int child_store_much(void *arg)
{
	char *p = map(8 * MIB, 0);

	bind_range(p, 8 * MIB, MPOL_BIND, here);
	memset(p, 1, 8 * MIB);
	return 0;
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

/* All of a large mapping is called the alternate stack, and used as ordinary memory. */
static int child_large_altstack(void *arg)
{
	stack_t ss = { .ss_size = 8 * MIB };
	char *p = map(ss.ss_size, 0);

	ss.ss_sp = p;
	if (sigaltstack(&ss, NULL) || bind_range(p, ss.ss_size, MPOL_BIND, here))
		return 20;
	/* A handler's frame is at its end. */
	p[ss.ss_size - 1] = 1;
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
	ok(in_child(child_large_altstack, NULL) == 128 + SIGBUS && counter("stack_elsewhere ") == before + 1,
	   "of a large alternate stack only the end is in ordinary memory");
	before = counter("stack_elsewhere ");
	ok(in_child(child_thread, NULL) == 0, "SIGBUS: its handler runs on a thread's stack");
	ok(counter("stack_elsewhere ") > before, "stack_elsewhere counts these");
}

static int child_exec_bound(void)
{
	char *const argv[] = { "true", NULL };

	execv("/bin/true", argv);
	return errno == ENOMEM ? 42 : 21;
}

static int child_exec(void *arg)
{
	/* A page of its own to write errno to. */
	errno = 0;
	if (bind_task(MPOL_BIND, here))
		return 20;
	return child_exec_bound();
}

static int child_exec_preferring(void *arg)
{
	char *const argv[] = { "true", NULL };

	bind_task(MPOL_PREFERRED, here);
	execv("/bin/true", argv);
	return 21;
}

/* What the node has left is enough for a program, or for its arguments. */
static int child_exec_long(void *arg)
{
	static char text[100000];
	char *argv[14] = { "true" };
	int i;

	memset(text, 'a', sizeof(text) - 1);
	for (i = 1; i < 13; i++)
		argv[i] = text;
	errno = 0;
	if (bind_task(MPOL_BIND, here))
		return 20;
	execv("/bin/true", argv);
	return errno == ENOMEM ? 42 : 21;
}

static void test_exec(void)
{
	ok(says(child_exec, 42, "full: full_says", "cannot exec, ENOMEM"),
	   "exec on a full node: ENOMEM to who called it, and a line");
	ok(in_child(child_exec_preferring, NULL) == 0, "exec of a task that only prefers it: runs");
	/* An owner's way out that leads nowhere: nobody can be killed. */
	set_killable(false);
	set_on_full("oom");
	ok(in_child(child_exec, NULL) == 42, "exec on a full node, on_full=oom, nobody to kill: ENOMEM");
	set_on_full("fallback:0");
	ok(in_child(child_exec, NULL) == 0, "exec on a full node, on_full=fallback: runs (control)");
	set_on_full("fail");
	set_killable(true);
	leave_2_mib();
	ok(in_child(child_exec, NULL) == 0, "exec when there is room again: runs");
	ok(in_child(child_exec_long, NULL) == 42, "exec whose arguments take the last room: ENOMEM");
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

	if (p == MAP_FAILED)
		return 1;
	if (bind_range(p, len, MPOL_BIND, here) || mprotect(p, len, PROT_READ | PROT_WRITE))
		return 2;
	munmap(p, len);
	q = map(MIB, 0);
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
	enable("-user_numa");
	ok(in_child(child_map, &len) == ENOMEM, "mode 0: more than DRAM, the node closed: ENOMEM (control)");
	enable("+user_numa");
	ok(in_child(child_map, &len) == 0, "mode 0: the same with the node open: mapped, to be bound afterwards");
	ok(in_child(child_map_bound, &len) == 0, "mode 0: and by a bound task");
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

/* --- a node that is closed: what a program is told, and what it can still do ----------------- */

#define HEAP (16 * PAGE)

enum {
	BY_MMAP = 1, BY_BRK = 2, BY_MPROTECT = 4, BY_MREMAP = 8,
	/* What overcommit does not count */
	BY_SHARED = 16, BY_NORESERVE = 32, BY_ARENA = 64, BY_ALL = 127,
};

static char *heap, *reserved, *arena, *grows, *untouched;

static void before_closing(void)
{
	heap = sbrk(HEAP);
	reserved = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	arena = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	grows = map(MIB, 0);
	untouched = map(MIB, 0);
	if (heap == (void *)-1 || reserved == MAP_FAILED || arena == MAP_FAILED)
		_exit(30);
}

static bool map_refused(int flags)
{
	errno = 0;
	return mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0) == MAP_FAILED && errno == ENOMEM;
}

/* What is refused with ENOMEM? */
static int refused(void)
{
	int ret = 0;

	if (map_refused(MAP_PRIVATE))
		ret |= BY_MMAP;
	if (map_refused(MAP_SHARED))
		ret |= BY_SHARED;
	if (map_refused(MAP_PRIVATE | MAP_NORESERVE))
		ret |= BY_NORESERVE;
	if (sbrk(HEAP) == (void *)-1)
		ret |= BY_BRK;
	if (mprotect(reserved, MIB, PROT_READ | PROT_WRITE) && errno == ENOMEM)
		ret |= BY_MPROTECT;
	if (mprotect(arena, MIB, PROT_READ | PROT_WRITE) && errno == ENOMEM)
		ret |= BY_ARENA;
	if (mremap(grows, MIB, 2 * MIB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM)
		ret |= BY_MREMAP;
	return ret;
}

static int child_refused(void *arg)
{
	const unsigned long mask = *(unsigned long *)arg;

	before_closing();
	if (bind_task(MPOL_BIND, mask))
		return 20;
	enable("-user_numa");
	return refused();
}

/* Others' mappings, and addresses without memory, are not refused. */
static int child_may_map(void *arg)
{
	before_closing();
	if (bind_task(MPOL_BIND, here))
		return 20;
	enable("-user_numa");
	if (mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return 1;
	if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/bin/true", O_RDONLY), 0) == MAP_FAILED)
		return 2;
	bind_task(MPOL_DEFAULT, 0);
	return refused();
}

/* PROT_NONE for a while, as garbage collectors do: its data is not refused. */
static int child_arena(void *arg)
{
	before_closing();
	if (bind_task(MPOL_BIND, here) || mprotect(arena, MIB, PROT_READ | PROT_WRITE))
		return 20;
	*arena = 42;
	mprotect(arena, MIB, PROT_NONE);
	enable("-user_numa");
	return mprotect(arena, MIB, PROT_READ | PROT_WRITE) || *arena != 42;
}

static int child_heap(void *arg)
{
	before_closing();
	if (bind_task(MPOL_BIND, here))
		return 20;
	enable("-user_numa");
	memset(heap, 1, HEAP);
	return 0;
}

static int child_untouched(void *arg)
{
	before_closing();
	if (bind_task(MPOL_BIND, here))
		return 20;
	enable("-user_numa");
	*untouched = 1;
	return 0;
}

static int child_heap_full(void *arg)
{
	before_closing();
	if (bind_task(MPOL_BIND, here))
		return 20;
	memset(heap, 1, HEAP);
	return 0;
}

static int child_exec_closed(void *arg)
{
	enable("+user_numa");
	if (bind_task(MPOL_BIND, here))
		return 20;
	enable("-user_numa");
	return child_exec_bound();
}

static void test_closed(void)
{
	unsigned long both = here | 1, before;

	ok(in_child(child_refused, &here) == BY_ALL, "closed: mmap, brk, mprotect and mremap: ENOMEM, reserved or not");
	enable("+user_numa");
	ok(in_child(child_arena, NULL) == 0, "closed: memory with data becomes writable again (control)");
	enable("+user_numa");
	ok(in_child(child_refused, &both) == 0, "closed: a bind that has an ordinary node as well: none (control)");
	enable("+user_numa");
	ok(in_child(child_may_map, NULL) == 0, "closed: PROT_NONE, files, and another policy: none (control)");
	enable("+user_numa");
	before = counter("heap_elsewhere ");
	ok(in_child(child_heap, NULL) == 0, "closed: the heap that a program has serves it");
	enable("+user_numa");
	ok(counter("heap_elsewhere ") >= before + HEAP / PAGE, "heap_elsewhere counts it");
	ok(in_child(child_untouched, NULL) == 128 + SIGBUS, "closed: other memory that was not touched: SIGBUS");
	enable("+user_numa");
	ok(says(child_exec_closed, 42, "closed to it: full_says", "cannot exec, ENOMEM"), "closed: exec: ENOMEM, and a line");
	enable("+user_numa");
}

static void test_heap_full(void)
{
	unsigned long before = counter("heap_elsewhere ");

	ok(in_child(child_heap_full, NULL) == 128 + SIGBUS && counter("heap_elsewhere ") == before,
	   "full, not closed: no page of a heap goes elsewhere");
}

/* --- on_full=oom ----------------------------------------------------------------------------- */

static void test_kill(void)
{
	char want[128];

	set_on_full("oom");
	log_clear();
	ok(in_child(child_store_much, NULL) == 0, "on_full=oom: who needs a page gets it");
	waitpid(filler, NULL, 0);
	snprintf(want, sizeof(want), "node %d: boot: full: full_says (%d) is killed for full_says", node, filler);
	ok(log_has(want, "pages there, on_full is oom; end what fills it"),
	   "the kill is one line with node, owner, both tasks, on_full and what to do");
	set_on_full("fail");
}

int main(void)
{
	find_node();
	here = 1UL << node;
	set_on_full("fail");
	fill();
	test_line();
	test_handler();
	test_heap_full();
	test_exec();
	test_kill();
	test_overcommit();
	test_pageout();
	test_closed();
	return done_testing();
}
