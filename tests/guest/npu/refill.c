// SPDX-License-Identifier: GPL-2.0-only
/*
 * refill: pages of 1 GiB when an unplug fails, and when a program moves one to where it is.
 *
 * vm: --cpus 2 --node 9G --reserve 3G,node=0 --append private_node_spare=1 --append slab_debug=FZ,kmalloc-4k
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>

#include "npu.h"

#define GIB (1UL << 30)
#define HOLD "/sys/module/private_node_hold/parameters/no_offline"

static char big_path[160];

static unsigned long big(void)
{
	return number_in(big_path, "");
}

static unsigned long last_block(void)
{
	unsigned long i, last = 0;

	for (i = 0; i < MAX_BLOCKS; i++)
		if (block_here[i])
			last = i;
	return last;
}

/* The unplug has dissolved both pools when the last block of the node does not go. */
static void refused_late(void)
{
	char text[32];
	bool gone;

	set_pool(node, 8);
	snprintf(text, sizeof(text), "%lu", last_block() * block_pages);
	put(HOLD, text);
	gone = write_file(SIM "unplug", "a");
	put(HOLD, "0");
	ok(!gone, "an unplug is refused late");
	ok(pool(node) == 8 && big() == 1, "and the pools are as before: %lu of 2 MiB, %lu of 1 GiB", pool(node), big());
	set_pool(node, 0);
}

/* As any user.  It is there, so only the mark that it is a guest is taken away: for all of its pages. */
static void user_moves(void)
{
	unsigned long mask = 1UL << node;
	int status = -1;
	void *at;
	char *p;

	if (setgid(1000) || setuid(1000))
		bail("setuid");
	p = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE | 30 << 26, -1, 0);
	if (p == MAP_FAILED || syscall(SYS_mbind, p, GIB, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
	p[0] = 1;
	at = p;
	_exit(syscall(SYS_move_pages, 0, 1UL, &at, &node, &status, MPOL_MF_MOVE) || status != node);
}

static void moved(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		user_moves();
	waitpid(pid, &status, 0);
	ok(!status, "move_pages() of a page of 1 GiB to its node");
	ok(!system("for f in /sys/kernel/slab/kmalloc-4k/validate /sys/kernel/slab/*-4k/validate; do [ ! -e $f ] || echo 1 > $f; done; ! dmesg | grep -i redzone"),
	   "nothing was written behind the bits");
}

int main(void)
{
	load();
	if (system("modprobe private_node_hold"))
		bail("private_node_hold");
	choose(sim_node("a", 0,
			"capable=user_numa,hugetlb,reclaim,demotion enabled=user_numa,hugetlb,reclaim,demotion adistance=900"));
	snprintf(big_path, sizeof(big_path), NODE_DIR "/node%d/hugepages/hugepages-1048576kB/nr_hugepages", node);
	if (access(big_path, W_OK)) {
		skip("the processor has no pages of 1 GiB", "gigantic pages");
		return done_testing();
	}
	put(big_path, "1");
	ok(big() == 1, "a page of 1 GiB");
	refused_late();
	moved();
	put(big_path, "0");
	ok(write_file(SIM "remove_node", "a"), "the node goes");
	return done_testing();
}
