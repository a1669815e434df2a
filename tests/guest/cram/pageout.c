// SPDX-License-Identifier: GPL-2.0-only
/*
 * pageout: who pages memory out (MADV_PAGEOUT, process_madvise) places it on a device that has credit, without
 * swap and with it; what no device takes goes to swap, and nothing to an ordinary node of a lower tier.  Old
 * pages make room on a full device.
 *
 * Node 1 is such a node: ordinary, slow, and demotion to it is on.
 *
 * vm: --node 1G --node 256M,cpus=none --slow 1 --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cram.h"

#define LEN (16 * MIB)
#define NR (LEN / PAGE)
#define SWITCH "/sys/kernel/mm/cram/pageout"

static unsigned long swapped(void)
{
	return number_in("/proc/vmstat", "pswpout ");
}

static char *filled(uint64_t salt)
{
	char *p = anon(LEN);

	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, HALF, salt);
	return p;
}

static unsigned long on_node(const char *p, size_t len, int nid)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < len / PAGE; i++) {
		void *page = (void *)(p + i * PAGE);
		int at = -1;

		syscall(SYS_move_pages, 0, 1, &page, NULL, &at, 0);
		n += at == nid;
	}
	return n;
}

static bool page_out(char *p)
{
	/* A page that this processor has just put into its list is held. */
	node_free();
	return !madvise(p, LEN, MADV_PAGEOUT);
}

static void without_swap(void)
{
	char *p = filled(1);
	unsigned long here, there;

	ok(page_out(p), "MADV_PAGEOUT without swap");
	here = where(p, LEN).here;
	ok(here > NR * 9 / 10, "%lu of %lu pages are on the device", here, NR);
	there = on_node(p, LEN, 1);
	ok(!there, "none on the slow node: %lu", there);
	ok(!damaged(p, 0, LEN, HALF, 1), "contents");
	ok(page_out(p) && where(p, LEN).here >= here, "again: they stay");
	munmap(p, LEN);
	all_trimmed("freed");
}

/* Of another process. */
static void by_process_madvise(void)
{
	char *p = filled(2);
	struct iovec v = { .iov_base = p, .iov_len = LEN };
	unsigned long here;
	pid_t pid = fork();
	int fd;

	if (!pid) {
		pause();
		_exit(0);
	}
	/* What two processes have mapped is left alone. */
	munmap(p, LEN);
	fd = syscall(SYS_pidfd_open, pid, 0);
	here = cram_stat("admitted");
	node_free();
	ok(syscall(SYS_process_madvise, fd, &v, 1, MADV_PAGEOUT, 0) == (long)LEN, "process_madvise: %s", strerror(errno));
	here = cram_stat("admitted") - here;
	ok(here > NR * 9 / 10, "%lu of %lu pages of another process moved", here, NR);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	all_trimmed("it ended");
}

static void with_swap(void)
{
	char *p = filled(3);
	unsigned long before = swapped(), here;

	ok(page_out(p), "MADV_PAGEOUT with swap");
	here = where(p, LEN).here;
	ok(here > NR * 9 / 10 && swapped() == before, "%lu pages are on the device, %lu went to swap", here, swapped() - before);
	ok(page_out(p) && where(p, LEN).here >= here && swapped() == before, "again: they stay, %lu and then %lu, %lu in swap",
	   here, where(p, LEN).here, swapped() - before);
	put(SWITCH, "0");
	ok(page_out(p) && !where(p, LEN).here, "%s is 0: all leave for swap", SWITCH);
	/* What a processor has in a list of its own is written a little later, or not at all. */
	ok(swapped() - before >= NR * 19 / 20, "%lu did", swapped() - before);
	ok(!damaged(p, 0, LEN, HALF, 3), "contents");
	here = cram_stat("admitted");
	ok(page_out(p) && cram_stat("admitted") == here, "and nothing comes");
	put(SWITCH, "1");
	munmap(p, LEN);
	all_trimmed("swap");
}

/* Reclaim that is asked for a number: it takes so much, to the device and past swap. */
static void by_memory_reclaim(void)
{
	unsigned long before = swapped(), came = cram_stat("admitted");
	char *p = filled(7);

	madvise(p, LEN, MADV_COLD);
	node_free();
	write_file(GROUP "/memory.reclaim", "4M swappiness=max");
	came = cram_stat("admitted") - came;
	ok(came >= 4 * MIB / PAGE && came <= 5 * MIB / PAGE && swapped() == before,
	   "MADV_COLD and memory.reclaim of 4M with swap: %lu pages came, %lu went to swap", came, swapped() - before);
	ok(where(p, LEN).here == came, "%lu are there", where(p, LEN).here);
	munmap(p, LEN);
	all_trimmed("memory.reclaim");
}

static char *old;

/* What nobody used since long ago, and something new each time. */
static unsigned long old_left(void)
{
	char *p = anon(4 * MIB);

	madvise(p, 4 * MIB, MADV_NOHUGEPAGE);
	fill(p, 4 * MIB, RANDOM, 8);
	madvise(p, 4 * MIB, MADV_COLD);
	write_file(GROUP "/memory.reclaim", "4M swappiness=max");
	usleep(100000);
	munmap(p, 4 * MIB);
	node_free();
	return NR - where(old, LEN).here;
}

/* The old ones make room on a full device, for swap, unless an administrator turned that off. */
static void rotates(void)
{
	unsigned long left, refused, here;
	int i;

	put(DEV "/physical_bytes", "12M");
	if (!within(60, is_ok))
		bail("no reading");
	old = anon(LEN);
	madvise(old, LEN, MADV_NOHUGEPAGE);
	fill(old, LEN, RANDOM, 9);
	/* Credit comes with each reading, and the first of them shall not leave for the last. */
	put("/sys/kernel/mm/cram/swap", "0");
	for (i = here = 0; i < 100 && here <= 8 * MIB / PAGE; i++)
		here = make_cold(old, LEN);
	ok(here > 8 * MIB / PAGE && here <= 12 * MIB / PAGE, "a full device: %lu pages", here);
	refused = cram_stat("refused_credit");
	for (i = 0; i < 8; i++)
		left = old_left();
	ok(left == NR - here && cram_stat("refused_credit") > refused,
	   "swap=0: %lu of %lu old pages left for new ones, %lu of which were refused", left + here - NR, here,
	   cram_stat("refused_credit") - refused);
	put("/sys/kernel/mm/cram/swap", "1");
	for (i = 0; i < 100 && left < NR - here / 2; i++)
		left = old_left();
	ok(left >= NR - here / 2, "swap=1: %lu of them leave, in %d rounds", left + here - NR, i);
	ok(!damaged(old, 0, LEN, RANDOM, 9), "contents");
	munmap(old, LEN);
	put(DEV "/physical_bytes", "192M");
	all_trimmed("rotation");
	if (!within(60, is_ok))
		bail("no reading");
}

/* No credit: as if there were no device. */
static void without_credit(void)
{
	char *p = filled(4);
	unsigned long before = swapped(), came = cram_stat("admitted"), there;

	put(GROUP "/memory.cram.max", "4M");
	ok(page_out(p), "MADV_PAGEOUT of 16M with memory.cram.max=4M");
	came = cram_stat("admitted") - came;
	ok(came > 3 * MIB / PAGE && came <= 4 * MIB / PAGE, "%lu pages came", came);
	ok(swapped() - before >= NR * 9 / 10 - came, "%lu went to swap", swapped() - before);
	there = on_node(p, LEN, 1);
	ok(!there, "none to the slow node: %lu", there);
	ok(!damaged(p, 0, LEN, HALF, 4), "contents");
	put(GROUP "/memory.cram.max", "max");
	munmap(p, LEN);
	all_trimmed("limit");
}

static void told(void)
{
	static const char *const bad[] = { "x", "2" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!write_file(SWITCH, bad[i]) && errno == EINVAL && number_in(SWITCH, "") == 1, "'%s' is refused", bad[i]);
}

/* Little page cache, and as much of it is to be left as vm.min_unmapped_ratio says. */
static void node_reclaim(void)
{
	unsigned long came = cram_stat("admitted");
	char *p = filled(5);
	int i;

	put("/proc/sys/vm/min_unmapped_ratio", "100");
	for (i = 0; i < 10 && cram_stat("admitted") - came < 8 * MIB / PAGE; i++) {
		madvise(p, LEN, MADV_COLD);
		write_file(NODE_DIR "/node0/reclaim", "8M swappiness=max");
	}
	ok(cram_stat("admitted") - came >= 8 * MIB / PAGE, "node0/reclaim moved %lu pages, with vm.min_unmapped_ratio=100",
	   cram_stat("admitted") - came);
	put("/proc/sys/vm/min_unmapped_ratio", "1");
	/* Memory of others may be there as well: the node is theirs too. */
	munmap(p, LEN);
}

/* Lists of many pages, until the device takes no more: what it took stays, and it is not short. */
static void until_full(void)
{
	char *p = anon(2 * LEN);
	unsigned long here, evicted;
	size_t i;
	int round;

	put(DEV "/physical_bytes", "16M");
	if (!within(60, is_ok))
		bail("no reading");
	for (round = 0; round < 4; round++) {
		madvise(p, 2 * LEN, MADV_NOHUGEPAGE);
		fill(p, 2 * LEN, RANDOM, 6);
		node_free();
		evicted = cram_stat("evicted");
		for (i = 0; i < 2 * LEN; i += PMD)
			madvise(p + i, PMD, MADV_PAGEOUT);
		here = where(p, 2 * LEN).here;
		usleep(300000);		/* time: nothing should come */
		ok(here > NR / 2 && cram_stat("evicted") == evicted, "%lu pages came until it was full, %lu were evicted", here,
		   cram_stat("evicted") - evicted);
		madvise(p, 2 * LEN, MADV_DONTNEED);
		all_trimmed("until it was full");
	}
	munmap(p, 2 * LEN);
	put(DEV "/physical_bytes", "192M");
	if (!within(60, is_ok))
		bail("no reading");
}

int main(void)
{
	new_device("physical=192M");
	put("/sys/kernel/mm/numa/demotion_enabled", "1");
	group();
	told();
	without_swap();
	by_process_madvise();
	until_full();
	if (system("modprobe zram && echo 256M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null") ||
	    swapon("/dev/zram0", 0))
		bail("swap");
	with_swap();
	by_memory_reclaim();
	without_credit();
	rotates();
	node_reclaim();
	ok(nothing_lost(), "no write was lost");
	swapoff("/dev/zram0");
	ungroup();
	ok(remove_device(), "the device goes");
	return done_testing();
}
