// SPDX-License-Identifier: GPL-2.0-only
/*
 * in_swap: unplug of a node of which some data is in swap, or on its way there.  With on_unplug=sigbus
 * nothing is unmapped before what is in the swap cache has left it, or the node: whose memory is lost lost it
 * to an unplug that succeeded, and only that is counted.  With on_unplug=refuse data of the device map that
 * is in swap is found while its owner moves the mapping, and users of another owner's node who change
 * theirs all the time are in nobody's way.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/swap.h>

#include "../devmap/waiting.h"

#define DISK "/dev/shm/in_swap"
#define NR 64UL			/* pages of who loses them */
#define BIG (32 * MIB)
#define FEW (16 * PAGE)
#define LOW ((char *)0x100000000000UL)
#define HIGH ((char *)0x120000000000UL)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* Shared with children. */
static struct {
	volatile long lost, moves;
} *told;

static char *mem;

static char *bound(size_t len, int nid, int advice)
{
	unsigned long mask = 1UL << nid;
	char *p = mmap(NULL, len + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	p = (char *)(((uintptr_t)p + PMD - 1) & ~(PMD - 1));
	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
	madvise(p, len, advice);
	return p;
}

/* A disk to swap to, on which writing takes a while; with COMPRESSED in front of it zswap. */
static void swap_on(bool compressed)
{
	if (system("head -c 64M /dev/zero > " DISK " && losetup /dev/loop0 " DISK " && mkswap /dev/loop0 > /dev/null"))
		bail("swap");
	put("/sys/module/zswap/parameters/enabled", compressed ? "1" : "0");
	if (swapon("/dev/loop0", 0))
		bail("swapon");
}

static void swap_off(void)
{
	if (swapoff("/dev/loop0") || system("losetup -d /dev/loop0; rm " DISK))
		bail("swapoff");
}

/* One to which a page goes at once. */
static void swap_fast(bool on)
{
	if (system(on ? "modprobe zram && echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0" :
			"swapoff /dev/zram0 && echo 1 > /sys/block/zram0/reset"))
		bail("zram");
}

/* -- on_unplug=sigbus ------------------------------------------------------------------------------- */

static sigjmp_buf lost_jmp;

static void on_lost(int sig)
{
	(void)sig;
	siglongjmp(lost_jmp, 1);
}

static sigset_t go;	/* SIGUSR1, blocked in all processes: the unplug is over */

/* Until the unplug is over; from then on lost pages are counted, and kill nobody. */
static void await_end(void)
{
	int sig;

	signal(SIGBUS, on_lost);
	sigwait(&go, &sig);
}

static void neighbour(void *arg)
{
	(void)arg;
	mem = bound(NR * PAGE, node, MADV_NOHUGEPAGE);
	memset(mem, 7, NR * PAGE);
}

/* Counts what he lost, once he is told to. */
static void count_lost(void *arg)
{
	volatile unsigned long i;
	volatile long lost = 0;

	(void)arg;
	await_end();
	for (i = 0; i < NR; i++) {
		if (sigsetjmp(lost_jmp, 1))
			lost++;
		else if (mem[i * PAGE] != 7)
			_exit(1);
	}
	told->lost = lost;
	pause();
}

static void fill_big(void *arg)
{
	size_t i;

	mem = bound(BIG, node, *(bool *)arg ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (i = 0; i < BIG; i += PAGE)
		*(size_t *)(mem + i) = i * 0x9e3779b97f4a7c15UL;
}

/* Each page that is there has to be what it was. */
static void page_out_big(void *arg)
{
	volatile size_t i;

	(void)arg;
	madvise(mem, BIG, MADV_PAGEOUT);
	told->moves = 1;
	await_end();
	for (i = 0; i < BIG; i += PAGE)
		if (!sigsetjmp(lost_jmp, 1) && *(size_t *)(mem + i) != i * 0x9e3779b97f4a7c15UL)
			_exit(1);
	told->moves = 2;
	pause();
}

static unsigned long cached(const char *p)
{
	unsigned char in[FEW / PAGE];
	unsigned long i, n = 0;

	if (mincore((void *)p, FEW, in))
		bail("mincore");
	for (i = 0; i < FEW / PAGE; i++)
		n += in[i] & 1;
	return n;
}

/* To zswap, and from there into the swap cache: dirty, and nowhere else. */
static void fill_few(void *arg)
{
	int i;

	mem = bound(FEW, node, MADV_NOHUGEPAGE);
	memset(mem, 9, FEW);
	for (i = 0; i < 500 && cached(mem); i++) {
		madvise(mem, FEW, MADV_PAGEOUT);
		nap();
	}
	for (i = 0; i < 500 && cached(mem) < FEW / PAGE; i++) {
		madvise(mem, FEW, MADV_WILLNEED);
		nap();
	}
	told->moves = (long)cached(mem);
}

static void read_few(void *arg)
{
	volatile size_t i;

	(void)arg;
	await_end();
	for (i = 0; i < FEW; i += PAGE)
		if (!sigsetjmp(lost_jmp, 1) && mem[i] != 9)
			_exit(1);
	told->moves = 2;
	pause();
}

static bool tells(volatile long *what, long min)
{
	int i;

	for (i = 0; i < 30000 && *what < min; i++)
		nap();
	return *what >= min;
}

static unsigned long unmapped(void)
{
	return counter("unplug_unmapped ");
}

static void test_sigbus(const char *name, void (*fill)(void *), void (*then)(void *), bool huge, unsigned long more)
{
	unsigned long before = unmapped();
	pid_t victim, other;
	bool gone;

	told->lost = -1;
	told->moves = 0;
	victim = start_child(neighbour, count_lost, NULL);
	other = start_child(fill, then, &huge);
	if (!tells(&told->moves, 1))
		bail("%s: not in swap", name);
	gone = write_file(SIM "unplug", "a");
	ok(gone, "on_unplug=sigbus, %s: unplug succeeds", name);
	kill(victim, SIGUSR1);
	tells(&told->lost, 0);
	ok(told->lost == (gone ? (long)NR : 0), "%s: a neighbour lost %ld of %lu pages, and not for nothing", name,
	   told->lost, NR);
	if (gone)
		put(SIM "plug", "a");
	/* What nobody has in swap any more is lost as well. */
	ok(unmapped() - before <= NR + more, "%s: no more is counted than was lost (%lu)", name,
	   unmapped() - before);
	told->moves = 0;
	kill(other, SIGUSR1);
	ok(tells(&told->moves, 2), "%s: what was in swap is as it was", name);
	kill(victim, SIGKILL);
	kill(other, SIGKILL);
	waitpid(victim, NULL, 0);
	waitpid(other, NULL, 0);
}

/* -- on_unplug=refuse ------------------------------------------------------------------------------- */

static void map_in_swap(void *arg)
{
	int i, fd = open("/dev/private_node/a", O_RDWR);
	unsigned char in = 1;

	(void)arg;
	if (mmap(LOW, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) != LOW)
		bail("device map");
	*LOW = 42;
	for (i = 0; i < 5000 && in & 1; i++) {
		madvise(LOW, PAGE, MADV_PAGEOUT);
		nap();
		if (mincore(LOW, PAGE, &in))
			bail("mincore");
	}
	if (in & 1)
		bail("not in swap");
	/* Between the two places of the page. */
	for (i = 0; i < 2000; i++)
		if (mmap(LOW + 2 * (i + 1) * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
			bail("mappings");
}

static void to_and_fro(void *arg)
{
	(void)arg;
	for (;;) {
		if (mremap(LOW, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, HIGH) == MAP_FAILED ||
		    mremap(HIGH, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, LOW) == MAP_FAILED)
			_exit(1);
		told->moves++;
	}
}

static int unplugs(int tries)
{
	int i, good = 0;

	for (i = 0; i < tries; i++)
		if (write_file(SIM "unplug", "a")) {
			good++;
			put(SIM "plug", "a");
		}
	return good;
}

static void test_moving(void)
{
	pid_t pid;
	int good;

	told->moves = 0;
	pid = start_child(map_in_swap, to_and_fro, NULL);
	while (!told->moves)
		nap();
	good = unplugs(10);
	ok(!good && told->moves > 0, "on_unplug=refuse, data of the device map in swap, its mapping moved %ld times: %d of 10 unplugs succeed",
	   told->moves, good);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int second;

static void bind_second(void *arg)
{
	(void)arg;
	mem = bound(BIG, second, MADV_NOHUGEPAGE);
	memset(mem, 1, FEW);
	/* The list of those that may have something in swap has it then. */
	madvise(mem, FEW, MADV_PAGEOUT);
}

static void protect(void *arg)
{
	unsigned long i;

	(void)arg;
	for (i = 0;; i++)
		mprotect(mem + i % (BIG / PAGE) * PAGE, PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
}

static void test_stranger(void)
{
	pid_t pid = start_child(bind_second, protect, NULL);
	int good = unplugs(10);

	ok(good == 10, "another owner's user changes the mappings of his node all the time: %d of 10 unplugs succeed", good);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	told = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED || system("modprobe private_node_sim; modprobe loop"))
		bail("set-up");
	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	node = sim_node("a", 0, "capable=user_numa,reclaim,thp,compaction enabled=user_numa,reclaim,thp,compaction on_unplug=sigbus");
	second = sim_node("b", 1, "capable=user_numa,reclaim enabled=user_numa,reclaim");
	swap_on(false);
	test_sigbus("small pages on their way to swap", fill_big, page_out_big, false, 0);
	test_sigbus("huge pages on their way to swap", fill_big, page_out_big, true, 0);
	swap_off();
	swap_on(true);
	test_sigbus("pages read back from zswap", fill_few, read_few, false, FEW / PAGE);
	swap_off();
	put("/sys/module/zswap/parameters/enabled", "0");
	put(node_file("on_unplug"), "refuse");
	swap_fast(true);
	test_moving();
	test_stranger();
	swap_fast(false);
	put(SIM "remove_node", "a");
	put(SIM "remove_node", "b");
	ok(!system("modprobe -r private_node_sim"), "nothing is left");
	return done_testing();
}
