// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuset_move: what moves when the masks of a cpuset change, or a task enters another one.
 *
 * What a policy names stays while its node is possible; what nobody names follows the default; what
 * was revoked leaves, if there is a place that its policy and its cpuset have.
 * Nodes 0 and 2 are ordinary, node 1 is private.
 *
 * vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa
 * timeout: 120
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "cpusets.h"

#define N0 1UL
#define N1 2UL
#define N2 4UL
#define NONE 0UL

/* Pages that nobody names any more, that a range names, that a shared object names. */
struct memory {
	char *unnamed, *named, *object;
};

static char *map(int flags)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, LEN, MADV_NOHUGEPAGE);
	return p;
}

static char *filled(int flags, unsigned long nodes)
{
	char *p = map(flags);

	if (bind_range(p, MPOL_BIND, nodes) || touch(p, LEN) != LEN / PAGE || nodes_of(p, LEN) != nodes)
		bail("no memory on nodes %lx", nodes);
	return p;
}

static struct memory fill(unsigned long nodes)
{
	struct memory m = {
		.unnamed = filled(MAP_PRIVATE, nodes),
		.named = filled(MAP_PRIVATE, nodes),
		.object = filled(MAP_SHARED, nodes),
	};

	bind_range(m.unnamed, MPOL_DEFAULT, 0);
	return m;
}

static bool are_on(const struct memory *m, unsigned long unnamed, unsigned long named, unsigned long object)
{
	unsigned long a = nodes_of(m->unnamed, LEN), b = nodes_of(m->named, LEN), c = nodes_of(m->object, LEN);

	if (a == unnamed && b == named && c == object)
		return intact(m->unnamed, LEN) && intact(m->named, LEN) && intact(m->object, LEN);
	printf("# unnamed on %lx, named on %lx, object on %lx\n", a, b, c);
	return false;
}

static void forget(struct memory *m)
{
	munmap(m->unnamed, LEN);
	munmap(m->named, LEN);
	munmap(m->object, LEN);
}

/* The writer waits for the move: it is done when write() returns. */
static void test_edit(void)
{
	struct memory m;

	make("a");
	set("a", "mems", "0-2");
	enter("a");
	m = fill(N2);
	ok(set("a", "mems.sysram", "0"), "edit: sysram 0");
	ok(are_on(&m, N0, N2, N2), "... named memory stays on node 2, unnamed leaves it");
	ok(set("a", "mems.sysram", "2"), "edit: sysram 2");
	ok(are_on(&m, N2, N2, N2), "... unnamed memory follows");
	set("a", "mems.sysram", "0");
	ok(set("a", "mems", "0-1"), "edit: node 2 revoked, with sysram");
	ok(are_on(&m, N0, N0, N2), "... named memory leaves as well; an object that names no other node stays");
	forget(&m);

	set("a", "mems.sysram", "");
	set("a", "mems", "0-2");
	m = fill(N2);
	ok(set("a", "mems", "0-1"), "edit: node 2 revoked, without sysram");
	ok(are_on(&m, N0, N0, N2), "... the same");
	forget(&m);
	enter("");
	drop("a");
}

static void test_attach(void)
{
	struct memory m;

	make("b");
	make("c");
	set("b", "mems", "0-2");
	set("c", "mems", "0-2");
	set("c", "mems.sysram", "0");
	enter("b");
	m = fill(N2);
	enter("c");
	ok(are_on(&m, N0, N2, N2), "attach: named memory stays on node 2, unnamed goes to the default");
	set("b", "mems", "0-1");
	enter("b");
	ok(are_on(&m, N0, N0, N2), "attach: to where node 2 is not possible");
	forget(&m);
	enter("");
	drop("b");
	drop("c");
}

/* Private memory: bound to it alone, to it and an ordinary node, and moved there without a policy. */
static void test_private(void)
{
	char *alone, *both, *moved;
	unsigned long all = N0 | N1;

	make("d");
	set("d", "mems", "0-1");
	enter("d");
	alone = filled(MAP_PRIVATE, N1);
	both = filled(MAP_PRIVATE, N1);
	moved = filled(MAP_PRIVATE, N1);
	bind_range(both, MPOL_BIND, all);
	bind_range(moved, MPOL_DEFAULT, 0);
	ok(set("d", "mems", "0-2") && set("d", "mems.sysram", "2"), "private: the default moves, the node stays possible");
	ok(nodes_of(alone, LEN) == N1 && nodes_of(both, LEN) == N1 && nodes_of(moved, LEN) == N1,
	   "... nothing leaves it");
	ok(set("d", "mems", "0,2"), "private: revoked");
	ok(nodes_of(alone, LEN) == N1 && intact(alone, LEN), "... a bind to it alone has nowhere to go");
	ok(nodes_of(both, LEN) == N0 && intact(both, LEN), "... a bind to node 0 as well goes there, not to the default");
	ok(nodes_of(moved, LEN) == N2 && intact(moved, LEN), "... what has no policy goes to the default");
	munmap(alone, LEN);
	munmap(both, LEN);
	munmap(moved, LEN);
	enter("");
	drop("d");
}

static long move_to(char *p, int nid)
{
	int status = -1;
	void *page = p;

	if (syscall(SYS_move_pages, 0, 1UL, &page, &nid, &status, MPOL_MF_MOVE))
		return -1;
	return status;
}

/* A system call that gives a node's number names it. */
static void test_calls(void)
{
	unsigned long from = N0, to = N2;
	char *p = map(MAP_PRIVATE);

	make("g");
	set("g", "mems", "0-2");
	set("g", "mems.sysram", "0");
	enter("g");
	touch(p, LEN);
	ok(nodes_of(p, LEN) == N0 && move_to(p, 2) == 2, "move_pages: to a node that is possible only");
	ok(!syscall(SYS_migrate_pages, 0, 64UL, &from, &to) && nodes_of(p, LEN) == N2, "migrate_pages: the same");
	set("g", "mems", "0-1");
	ok(move_to(p, 2) == -1 && errno == EACCES, "move_pages: control: not to one that is not");
	munmap(p, LEN);
	enter("");
	drop("g");
}

static int pipes[2][2];
static int thread_id;

static void *bound_thread(void *arg)
{
	unsigned long mask = N2;
	char *p = arg, c;

	thread_id = syscall(SYS_gettid);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL) || touch(p, LEN) != LEN / PAGE)
		bail("thread");
	if (write(pipes[0][1], "x", 1) != 1 || read(pipes[1][0], &c, 1) != 1)
		bail("pipe");
	return NULL;
}

/* A thread's own policy names what it put there. */
static void test_thread(void)
{
	char *p = map(MAP_PRIVATE), c, path[64];
	pthread_t thread;

	make("e");
	set("e", "mems", "0-2");
	enter("e");
	if (pipe(pipes[0]) || pipe(pipes[1]) || pthread_create(&thread, NULL, bound_thread, p) ||
	    read(pipes[0][0], &c, 1) != 1)
		bail("thread");
	ok(nodes_of(p, LEN) == N2 && set("e", "mems.sysram", "0") && nodes_of(p, LEN) == N2,
	   "thread: what another thread's policy names stays");
	if (write(pipes[1][1], "x", 1) != 1)
		bail("pipe");
	pthread_join(thread, NULL);
	/* The join does not wait for the kernel's side of it. */
	snprintf(path, sizeof(path), "/proc/self/task/%d", thread_id);
	while (!access(path, F_OK))
		usleep(1000);
	set("e", "mems.sysram", "2");
	ok(set("e", "mems.sysram", "0") && nodes_of(p, LEN) == N0, "thread: control: when it has ended nobody names it");
	munmap(p, LEN);
	enter("");
	drop("e");
}

/* What the writer of a file may not have is no wish of the writer. */
static int write_object(void *arg)
{
	unsigned long before = counter("user_numa_refused ");

	enter("f");
	if (touch(arg, LEN) != LEN / PAGE || nodes_of(arg, LEN) != N0)
		return 1;
	return counter("user_numa_refused ") - before >= LEN / PAGE ? 0 : 2;
}

static int write_own(void *arg)
{
	enter("f");
	return touch(arg, LEN) ? 1 : 0;
}

static void test_object(void)
{
	char *p = map(MAP_SHARED), *own = map(MAP_PRIVATE);
	int ret;

	make("f");
	set("f", "mems", "0");
	bind_range(p, MPOL_BIND, N1);
	bind_range(own, MPOL_BIND, N1);
	ret = in_child(write_object, p);
	ok(!ret, "object: a writer whose cgroup lacks its node writes to its own default, counted (%d)", ret);
	ok(!in_child(write_own, own), "object: control: a bind of one's own gets SIGBUS there");
	madvise(p, LEN, MADV_REMOVE);
	ok(touch(p, LEN) == LEN / PAGE && nodes_of(p, LEN) == N1, "object: who has the node gets it");
	munmap(p, LEN);
	munmap(own, LEN);
	drop("f");
}

int main(void)
{
	find_node();
	mount_cpusets();
	test_edit();
	test_attach();
	test_private();
	test_calls();
	test_thread();
	test_object();
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
