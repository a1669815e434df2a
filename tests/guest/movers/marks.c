// SPDX-License-Identifier: GPL-2.0-only
/*
 * marks: who put a page on a private node is written down, and what hangs on that: unplug, room for
 * those who name the node, the OOM killer's choice.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 200
 * libs: -pthread
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/movers.h"

#define GROUP ROOT "/g"
#define LEN (4 * MIB)
#define NR (LEN / PAGE)
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static char *small(void)
{
	char *p = map_small(LEN, MAP_PRIVATE);

	touch(p, LEN);
	return p;
}

static char *demoted(void)
{
	char *p = small();

	if (!demote(GROUP, p, LEN))
		bail("only %lu pages were demoted", places(p, LEN).on[node]);
	return p;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static bool log_has(const char *text)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "dmesg | grep -q '%s'", text);
	return !system(cmd);
}

/* -- on_unplug=refuse: refused for what a user put there, and for nothing else --------------- */

static char *thread_pages;
static volatile bool thread_ends;

static void *bound_thread(void *arg)
{
	char *p = map_small(LEN, MAP_PRIVATE);

	if (bind_task(node))
		bail("set_mempolicy of a thread");
	touch(p, LEN);
	__atomic_store_n(&thread_pages, p, __ATOMIC_RELEASE);
	while (!thread_ends)
		usleep(1000);
	return arg;
}

static void test_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, bound_thread, NULL))
		bail("pthread_create");
	while (!__atomic_load_n(&thread_pages, __ATOMIC_ACQUIRE))
		usleep(1000);
	ok(all_here(thread_pages, LEN), "a thread binds itself, and its pages are on the node");
	ok(!unplugs() && errno == EBUSY && all_here(thread_pages, LEN), "refuse: refused for pages of a thread that is no leader");
	thread_ends = true;
	pthread_join(t, NULL);
	ok(!unplugs() && errno == EBUSY && all_here(thread_pages, LEN), "... also when that thread is gone");
	munmap(thread_pages, LEN);
}

static void test_guests(void)
{
	char *p = demoted();

	ok(unplugs() && !places(p, LEN).on[node] && intact(p, LEN), "refuse: what the kernel demoted leaves");
	plug();
	munmap(p, LEN);
}

static void adopt_by_mbind(char *p)
{
	bind_to(p, LEN, node, MPOL_MF_MOVE);
}

static void adopt_by_move_pages(char *p)
{
	void *pages[NR];
	int nodes[NR], status[NR];
	unsigned long i;

	for (i = 0; i < NR; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = node;
	}
	syscall(SYS_move_pages, 0, NR, pages, nodes, status, MPOL_MF_MOVE);
}

static void test_adopted(const char *how, void (*adopt)(char *p))
{
	char *p = demoted();

	adopt(p);
	ok(!unplugs() && errno == EBUSY && all_here(p, LEN) && intact(p, LEN), "refuse: refused for demoted pages that %s adopted", how);
	munmap(p, LEN);
}

/* A bind alone does not move anything: nobody asked for these pages to be there. */
static void test_bound_later(void)
{
	unsigned long there;
	char *p = demoted();

	bind_to(p, LEN, node, 0);
	there = places(p, LEN).on[node];
	if (system("dmesg -C"))
		bail("dmesg");
	ok(!unplugs() && errno == EBUSY && places(p, LEN).on[node] == there, "refuse: a later bind lets them go nowhere else");
	ok(log_has("may not go to any other node"), "... and the log says so");
	munmap(p, LEN);
}

static void test_offlined(void)
{
	char *p = demoted();
	int i, bad = 0;

	for (i = 0; i < 4; i++)
		bad += !!madvise(p + i * 64 * PAGE, PAGE, MADV_SOFT_OFFLINE);
	ok(!bad && places(p, LEN).on[node] >= NR * 3 / 4, "demoted pages are soft-offlined, and stay on the node");
	ok(unplugs() && !places(p, LEN).on[node] && intact(p, LEN), "refuse: what took their place leaves as well");
	plug();
	munmap(p, LEN);
}

static void test_split(void)
{
	char *p = mmap(NULL, LEN + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p = (char *)(((uintptr_t)p + PMD - 1) & ~(PMD - 1));
	madvise(p, LEN, MADV_HUGEPAGE);
	touch(p, LEN);
	if (!demote(GROUP, p, LEN)) {
		skip("it was not demoted", "a huge page that is split");
	} else {
		munmap(p + PAGE, PAGE);
		mprotect(p + PMD + PAGE, PAGE, PROT_NONE);
		ok(unplugs() && !places(p, LEN).on[node], "refuse: parts of a huge page that was demoted leave");
		plug();
	}
	munmap(p, LEN);
}

/* The rate holds for huge pages as well, and does not starve them: each waits for credit of its own. */
static void test_rate(void)
{
	unsigned long before = counter("promotion_used "), moved = 0;
	char *p = mmap(NULL, 2 * PMD + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double took = 0, start = now();
	size_t i;

	p = (char *)(((uintptr_t)p + PMD - 1) & ~(PMD - 1));
	madvise(p, 2 * PMD, MADV_HUGEPAGE);
	touch(p, 2 * PMD);
	if (!demote(GROUP, p, 2 * PMD))
		bail("not demoted");
	put(node_file("promotion_mib_per_second"), "1");
	enable("+promotion");
	start = now();
	while (moved < 2 * PMD / PAGE && took < 120) {
		forget_translations();
		for (i = 0; i < 2 * PMD; i += PAGE)
			(void)((volatile char *)p)[i];
		moved = counter("promotion_used ") - before;
		took = now() - start;
		/* What moves right now may have been counted, and its second not yet. */
		if (moved * PAGE > (took + 2) * MIB)
			break;
	}
	enable("-promotion");
	put(node_file("promotion_mib_per_second"), "64");
	ok(moved >= 2 * PMD / PAGE && moved * PAGE <= (took + 2) * MIB, "1 MiB a second: %lu pages in huge ones moved up in %.1f s",
	   moved, took);
	munmap(p, 2 * PMD);
}

/* Frames that guests had go to somebody who names the node. */
static void test_reused(void)
{
	char *p = demoted();

	munmap(p, LEN);
	p = map_small(LEN, MAP_PRIVATE);
	bind_to(p, LEN, node, 0);
	touch(p, LEN);
	ok(all_here(p, LEN) && !unplugs() && errno == EBUSY && all_here(p, LEN), "refuse: a page is not a guest because its last user was");
	munmap(p, LEN);
}

/* -- on_unplug=move: where to --------------------------------------------------------------- */

static void test_displaced(void)
{
	char *p = map_small(LEN, MAP_PRIVATE);

	put(GROUP "/cpuset.mems", "0,2");
	bind_to(p, LEN, node, 0);
	touch(p, LEN);
	ok(all_here(p, LEN), "bound to the node alone, in a cpuset without node %d", AWAY);
	ok(unplugs() && places(p, LEN).on[HOME] == NR && intact(p, LEN), "move: to the ordinary node of the cpuset, and to no other");
	plug();
	munmap(p, LEN);
	put(GROUP "/cpuset.mems", "0-2");
}

/* -- what others map as well moves where they may have it, too -------------------------------- */

static void test_agreed(void)
{
	char *p = demoted();
	pid_t pid = second_process(p, LEN, NULL, NULL);

	bind_to(p, LEN, AWAY, MPOL_MF_MOVE_ALL);
	ok(places(p, LEN).on[AWAY] == NR && intact(p, LEN), "mbind(MOVE_ALL): what another process has, and may have there, moves");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(p, LEN);
}

/* -- on_unplug=sigbus: what is lost is lost for an unplug that succeeds ---------------------- */

static void test_unmap_refused(void)
{
	char *named = map_small(LEN, MAP_PRIVATE), *guest;

	bind_to(named, LEN, node, 0);
	touch(named, LEN);
	guest = demoted();
	bind_to(guest, LEN, node, 0);
	ok(!unplugs() && errno == EBUSY, "sigbus: refused for what the kernel demoted and may not go elsewhere");
	ok(all_here(named, LEN) && intact(named, LEN), "... and nothing is unmapped for that");
	munmap(guest, LEN);
	ok(unplugs() && !touch(named, LEN) && bus_signal == SIGBUS, "... control: without it all that was named is");
	plug();
	munmap(named, LEN);
}

/* -- who names the node comes first --------------------------------------------------------- */

static int take_all(void *arg)
{
	size_t len = node_number("total_bytes") - (size_t)arg;
	char *p = map_small(len, MAP_PRIVATE);

	if (bind_to(p, len, node, 0))
		return 2;
	return touch(p, len) == len / PAGE && places(p, len).on[node] == len / PAGE ? 0 : 1;
}

static void test_room(void)
{
	unsigned long kills = counter("oom_kills "), moved = counter("guests_moved ");
	char *p = map_small(64 * MIB, MAP_PRIVATE);
	int status;

	touch(p, 64 * MIB);
	if (!demote(GROUP, p, 64 * MIB))
		bail("not demoted");
	set_on_full("oom");
	status = in_child(take_all, (void *)(4 * MIB));
	set_on_full("fail");
	ok(!status, "who names the node gets all of it, though demoted pages were there (%d)", status);
	ok(counter("oom_kills ") == kills, "... and on_full=oom kills nobody");
	ok(counter("guests_moved ") - moved >= 8 * MIB / PAGE, "... which left, and are counted (%lu)", counter("guests_moved ") - moved);
	ok(intact(p, 64 * MIB), "... and are as they were");
	munmap(p, 64 * MIB);
}

#define VICTIM_LEN (72 * MIB)

static void has_guests(void *arg)
{
	char *p = map_small(VICTIM_LEN, MAP_PRIVATE);

	touch(p, VICTIM_LEN);
	if (!demote(GROUP, p, VICTIM_LEN) || bind_to(p, VICTIM_LEN, node, 0))
		_exit(1);
}

/* Guests that cannot leave do not make a victim. */
static void test_victim(void)
{
	pid_t pid = start_child(has_guests, NULL, NULL);
	int status;

	set_on_full("oom");
	status = in_child(take_all, 0);
	set_on_full("fail");
	ok(status == 128 + SIGKILL, "the victim is who took the node by name (%d)", status);
	ok(!waitpid(pid, &status, WNOHANG), "... not who has more pages there that the kernel demoted");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* -- a move is not worth a kill, nor a third node ------------------------------------------- */

static void test_mbind(const char *on_full)
{
	size_t full = node_number("total_bytes") + 8 * MIB;
	char *hog = map_small(full, MAP_PRIVATE), *p = small();
	unsigned long kills, fell;
	struct places at;
	long ret;

	ok(!bind_to(p, LEN, node, MPOL_MF_MOVE | MPOL_MF_STRICT) && all_here(p, LEN), "control: mbind(MOVE) to a node with room");
	munmap(p, LEN);
	p = small();
	bind_to(hog, full, node, 0);
	touch(hog, full);
	kills = counter("oom_kills ");
	fell = counter("fallback ");
	set_on_full(on_full);
	ret = bind_to(p, LEN, node, MPOL_MF_MOVE | MPOL_MF_STRICT);
	set_on_full("fail");
	at = places(p, LEN);
	ok(ret == -1 && errno == EIO && at.on[HOME] == NR, "mbind(MOVE) to a full node with on_full=%s: fails, all stay (%lu home)",
	   on_full, at.on[HOME]);
	ok(counter("oom_kills ") == kills && counter("fallback ") == fell, "... nobody is killed, nothing falls back");
	munmap(hog, full);
	munmap(p, LEN);
}

/* -- an owner's set, from a restricted task ------------------------------------------------- */

static int alloc_set(void *arg)
{
	put(arg, "0");
	return write_file(SIM "alloc", "node=t ordinary=1 count=4") ? 0 : errno;
}

static void test_set(void)
{
	size_t full = node_number("total_bytes") + 8 * MIB;
	char *hog = map_small(full, MAP_PRIVATE), buf[512];
	int ret;

	bind_to(hog, full, node, 0);
	touch(hog, full);
	ret = in_child(alloc_set, ROOT "/cgroup.procs");
	read_file(SIM "held", buf, sizeof(buf));
	ok(!ret && strstr(buf, "nid=1 "), "control: an owner's set falls back to node 1 (%d)", ret);
	put(SIM "free", "all");
	put(GROUP "/cpuset.mems", "0,2");
	ret = in_child(alloc_set, GROUP "/cgroup.procs");
	read_file(SIM "held", buf, sizeof(buf));
	ok(ret == ENOMEM && !strstr(buf, "nid="), "from a task whose cpuset lacks node 1: nothing, on no node (%d, '%s')", ret, buf);
	if (!ret)
		put(SIM "free", "all");
	put(GROUP "/cpuset.mems", "0-2");
	munmap(hog, full);
}

int main(void)
{
	make_node("on_unplug=refuse");
	make_root();
	mkdir(GROUP, 0755);
	put(GROUP "/cpuset.mems", "0-2");
	put(GROUP "/cgroup.procs", "0");
	test_thread();
	test_guests();
	test_adopted("mbind(MOVE)", adopt_by_mbind);
	test_adopted("move_pages()", adopt_by_move_pages);
	test_bound_later();
	test_offlined();
	test_split();
	test_rate();
	test_reused();
	put(node_file("on_unplug"), "move");
	test_displaced();
	test_agreed();
	put(node_file("on_unplug"), "sigbus");
	test_unmap_refused();
	put(node_file("on_unplug"), "move");
	test_room();
	test_victim();
	test_mbind("oom");
	test_mbind("fallback:1");
	test_set();
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	put(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
	umount2(ROOT, MNT_DETACH);
	return done_testing();
}
