// SPDX-License-Identifier: GPL-2.0-only
/*
 * asked: who is asked before pages move, and that it is before.  An unplug that is refused moves
 * nobody; a child of vfork() and the cgroup that pays for a file are asked as well; so is a process
 * that changes its mappings all the time; hint faults promote what the kernel demoted, and nothing else.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 200
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "../devmap/waiting.h"
#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/movers.h"

#define LEN MIB
#define NR (LEN / PAGE)
#define WAIT 60		/* seconds for a state that has to come, on a busy host */

static void enter(const char *group, const char *mems)
{
	char path[128];

	mkdir(group, 0755);
	snprintf(path, sizeof(path), "%s/cpuset.mems", group);
	put(path, mems);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	put(path, "0");
}

static unsigned long free_kb(int nid)
{
	char path[64], name[40];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/meminfo", nid);
	snprintf(name, sizeof(name), "Node %d MemFree:", nid);
	return number_in(path, name);
}

static long bind_task_to(unsigned long mask)
{
	return syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL);
}

/* Memory of the private node without a policy of its own: the task's counts. */
static char *placed(size_t len)
{
	char *p = map_small(len, MAP_PRIVATE);

	if (bind_to(p, len, node, 0) || touch(p, len) != len / PAGE ||
	    syscall(SYS_mbind, p, len, MPOL_DEFAULT, NULL, 0UL, 0UL))
		bail("no memory of the node");
	return p;
}

/* For a second process. */
static void may_have(void *nodes)
{
	if (bind_task_to(*(unsigned long *)nodes))
		_exit(1);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* -- an unplug that is refused moves nobody ------------------------------------------------- */

/* Two processes share pages, of which one may have them on node 0, the other on node 1. */
static void test_nowhere(void)
{
	unsigned long moved, away = 1UL << node | 1UL << AWAY;
	char *other = map_small(4 * LEN, MAP_PRIVATE), *shared;
	pid_t pid;
	bool gone;

	bind_to(other, 4 * LEN, node, 0);
	touch(other, 4 * LEN);
	if (bind_task_to(1UL << node | 1UL << HOME))
		bail("set_mempolicy");
	shared = placed(LEN);
	pid = second_process(shared, LEN, may_have, &away);
	moved = counter("unplug_moved ");
	gone = unplugs();
	ok(!gone && errno == EBUSY && all_here(shared, LEN), "unplug: refused for pages that may go nowhere");
	ok(counter("unplug_moved ") == moved && all_here(other, 4 * LEN), "... and nobody else's were moved (%lu)",
	   counter("unplug_moved ") - moved);
	end(pid);
	gone = unplugs();
	ok(gone && places(other, 4 * LEN).on[node] == 0 && places(shared, LEN).on[HOME] == NR,
	   "... control: with one of the two gone all move");
	plug();
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	munmap(other, 4 * LEN);
	munmap(shared, LEN);
}

static int bound_to_away(void *arg)
{
	size_t len = (size_t)arg;
	char *p;

	if (bind_task_to(1UL << node | 1UL << AWAY))
		return 1;
	p = placed(len);
	kill(getppid(), SIGUSR1);
	pause();
	return p[0];
}

/* A pool of huge pages takes the node that 64 MB may go to, but for a few MB. */
static void test_no_room(void)
{
	char *other = map_small(4 * LEN, MAP_PRIVATE);
	size_t len = 64 * MIB;
	unsigned long moved;
	sigset_t usr1;
	pid_t pid;
	bool gone;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	bind_to(other, 4 * LEN, node, 0);
	touch(other, 4 * LEN);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(bound_to_away((void *)len));
	}
	sigwait(&usr1, &sig);
	put("/proc/sys/vm/drop_caches", "3");
	set_pool(AWAY, number_in(pool_file(AWAY, "nr_hugepages"), "") + free_kb(AWAY) / 2048);
	set_pool(AWAY, number_in(pool_file(AWAY, "nr_hugepages"), "") + free_kb(AWAY) / 2048);
	printf("# node %d: %lu kB free\n", AWAY, free_kb(AWAY));
	moved = counter("unplug_moved ");
	gone = unplugs();
	ok(!gone && errno == EBUSY, "unplug: refused where there is no room for all");
	ok(counter("unplug_moved ") == moved && all_here(other, 4 * LEN), "... and nobody was moved for nothing (%lu)",
	   counter("unplug_moved ") - moved);
	set_pool(AWAY, 0);
	ok(unplugs() && !places(other, 4 * LEN).on[node], "... control: with room all move");
	end(pid);
	plug();
	munmap(other, 4 * LEN);
}

/* -- a child of vfork() has the same pages, and a policy of its own -------------------------- */

static char *parents;
static bool child_binds;
static struct places seen;

static int vforked(void *arg)
{
	if (child_binds && bind_task(HOME))
		_exit(1);
	/* What stays is tried sixteen times by each write. */
	demote_in(child_binds ? 3 : 40, arg, parents, LEN);
	seen = places(parents, LEN);
	_exit(0);
}

static void test_vfork(char *group)
{
	static char stack[65536] __attribute__((aligned(16)));
	size_t i;
	pid_t pid;

	parents = map_small(LEN, MAP_PRIVATE);
	for (child_binds = false; ; child_binds = true) {
		touch(parents, LEN);
		for (i = 0; i < sizeof(stack); i += PAGE)
			((volatile char *)stack)[i] = 0;
		pid = clone(vforked, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, group);
		if (pid < 0)
			bail("clone");
		waitpid(pid, NULL, 0);
		if (child_binds)
			break;
		ok(seen.on[node] >= NR * 3 / 4, "vfork: control: demoted while a child without a policy has the pages, too (%lu)",
		   seen.on[node]);
		munmap(parents, LEN);
		parents = map_small(LEN, MAP_PRIVATE);
	}
	ok(seen.on[HOME] == NR, "vfork: a child's bind holds for the pages that it shares (%lu demoted)", seen.on[node]);
	munmap(parents, LEN);
}

/* -- whose address space is locked for reading, and wanted for writing --------------------------- */

/* Has guests on the node, in a range with a policy of its own. */
static pid_t start_mapper(char *group, int out)
{
	pid_t pid;
	char *p[2];

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	p[0] = map_small(PAGE, MAP_PRIVATE);
	p[1] = map_small(LEN, MAP_PRIVATE);
	if (bind_to(p[0], PAGE, node, 0) || syscall(SYS_mbind, p[1], LEN, MPOL_PREFERRED, &(unsigned long){ 1 }, 64UL, 0UL))
		_exit(1);
	touch(p[1], LEN);
	if (!demote(group, p[1], LEN) || write(out, p, sizeof(p[0])) != sizeof(p[0]))
		_exit(2);
	/* Again and again: who looks at its mappings meets one who writes. */
	for (;;)
		munmap(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE);
}

static void test_debugger(char *group)
{
	unsigned long before;
	int out[2], status, fd;
	pid_t mapper, unplug;
	char *at, path[64];

	if (pipe(out) || system("modprobe private_node_hold"))
		bail("set-up");
	mapper = start_mapper(group, out[1]);
	if (read(out[0], &at, sizeof(at)) != sizeof(at))
		bail("no guests");
	snprintf(path, sizeof(path), "/proc/%d/mem", mapper);
	fd = open(path, O_RDWR);
	unplug = begin_unplug("t");
	before = number_in("/sys/kernel/mm/private_node/displaced", "");
	/* It holds the lock of the address space, behind which others may wait that unplug needs. */
	ok(pwrite(fd, "x", 1, (uintptr_t)at) == 1, "write into another process, to a page of the node: does not wait for its unplug");
	ok(number_in("/sys/kernel/mm/private_node/displaced", "") == before + 1, "... the page is displaced");
	hold(INSIDE, -1);
	waitpid(unplug, &status, 0);
	ok(!status, "guests of a process that maps and unmaps all the time are asked for: unplug succeeds (%x)", status);
	close(fd);
	end(mapper);
	put(SIM "plug", "t");
	find_all_blocks();
	if (system("modprobe -r private_node_hold"))
		bail("modprobe -r");
}

/* -- who pays for a file that nobody maps ---------------------------------------------------- */

#define MOUNT "/tmp/movers-tmpfs"
#define FILE_PATH MOUNT "/f"

static char *map_file(void)
{
	int fd = open(FILE_PATH, O_RDONLY);
	char *p = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	size_t i;

	if (p == MAP_FAILED)
		bail(FILE_PATH);
	close(fd);
	for (i = 0; i < LEN; i += PAGE)
		(void)((volatile char *)p)[i];
	return p;
}

static int write_as_payer(void *mems)
{
	static char data[LEN];
	int fd;

	enter(ROOT "/payer", mems);
	memset(data, 7, LEN);
	fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);
	return write(fd, data, LEN) == (ssize_t)LEN ? 0 : 1;
}

/* Its object is bound to nodes 1 and 2, and its pages are on the private one. */
static void test_payer(const char *mems, bool lacks)
{
	unsigned long both = 1UL << AWAY | 1UL << node, there;
	struct places at;
	char *p;

	mkdir(MOUNT, 0755);
	if (mount("t", MOUNT, "tmpfs", 0, "size=16M") || in_child(write_as_payer, (void *)mems))
		bail("a file");
	p = map_file();
	if (bind_to(p, LEN, node, MPOL_MF_MOVE_ALL) || syscall(SYS_mbind, p, LEN, MPOL_BIND, &both, 64UL, 0UL))
		bail("mbind");
	there = places(p, LEN).on[node];
	munmap(p, LEN);
	printf("# %lu pages on the private node; unplug: %s\n", there, unplugs() ? "done" : strerror(errno));
	p = map_file();
	at = places(p, LEN);
	munmap(p, LEN);
	if (lacks)
		ok(there == NR && at.on[HOME] == NR, "file of a cgroup with nodes %s: unplug takes it to its default node (%lu, %lu outside)",
		   mems, at.on[HOME], at.on[AWAY]);
	else
		ok(there == NR && at.on[AWAY] == NR, "file of a cgroup with nodes %s: control: unplug takes it to node %d (%lu)", mems,
		   AWAY, at.on[AWAY]);
	umount2(MOUNT, MNT_DETACH);
	write_file(SIM "plug", "t");
	find_all_blocks();
}

/* -- hint faults ----------------------------------------------------------------------------- */

static void tiering(bool on)
{
	put("/proc/sys/kernel/numa_balancing", on ? "2" : "0");
	enable(on ? "+promotion" : "-promotion");
}

/* What move_pages() put there stays; what the kernel demoted goes up meanwhile. */
static void test_hint(char *group)
{
	char *named = map_small(LEN, MAP_PRIVATE), *guest = map_small(LEN, MAP_PRIVATE);
	time_t limit = time(NULL) + WAIT;
	void *pages[NR];
	int nodes[NR], status[NR];
	size_t i;

	touch(guest, LEN);
	if (!demote(group, guest, LEN))
		bail("not demoted");
	touch(named, LEN);
	for (i = 0; i < NR; i++) {
		pages[i] = named + i * PAGE;
		nodes[i] = node;
	}
	syscall(SYS_move_pages, 0, NR, pages, nodes, status, MPOL_MF_MOVE);
	if (!all_here(named, LEN))
		bail("move_pages");
	put("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "10");
	put("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "100");
	/* No promotion by accessed bits, which needs a rate. */
	put(node_file("promotion_mib_per_second"), "0");
	tiering(true);
	while (places(guest, LEN).on[node] > NR / 10 && time(NULL) < limit) {
		forget_translations();
		for (i = 0; i < LEN; i += PAGE)
			(void)(((volatile char *)guest)[i] + ((volatile char *)named)[i]);
	}
	tiering(false);
	put(node_file("promotion_mib_per_second"), "64");
	ok(places(guest, LEN).on[node] <= NR / 10, "hint faults: control: what the kernel demoted goes up (%lu left)",
	   places(guest, LEN).on[node]);
	ok(places(named, LEN).on[node] == NR, "hint faults: what move_pages() put there stays (%lu left it)",
	   NR - places(named, LEN).on[node]);
	munmap(named, LEN);
	munmap(guest, LEN);
}

int main(void)
{
	char group[] = ROOT "/g";

	make_node("on_unplug=move");
	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	make_root();
	enter(group, "0-2");
	test_nowhere();
	test_no_room();
	test_vfork(group);
	test_debugger(group);
	test_hint(group);
	test_payer("0-2", false);
	test_payer("0,2", true);
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	put(ROOT "/cgroup.procs", "0");
	rmdir(ROOT "/payer");
	rmdir(group);
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
