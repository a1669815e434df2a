// SPDX-License-Identifier: GPL-2.0-only
/*
 * over: jobs need twice the memory of the accelerator.  With reclaim and demotion what they used
 * least leaves for DRAM; without, they use the rest in place.
 *
 * vm: --cpus 2 --node 1G --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 */
#define _GNU_SOURCE
#include "npu.h"

static int fd;

static unsigned long stat_of(const char *name)
{
	return number_in(node_file("stat"), name);
}

/* The second half of memory that is twice as large as the node, after the first. */
static void test(bool reclaim)
{
	const char *kind = reclaim ? "reclaim and demotion" : "neither";
	size_t len = 2 * node_number("total_bytes"), half = len / 2, step = 4 * MIB, at;
	char *p = map(len, MADV_HUGEPAGE);
	unsigned long taken = stat_of("reclaim_used "), here;
	uint64_t before;
	int wrong = 0, round;

	fill(p, len);
	before = fnv(p, len);
	for (at = 0; at < len; at += step)
		wrong += !same_hash(fd, p + at, step);
	for (round = 0; round < 3; round++)
		for (at = half; at < len; at += step)
			wrong += !same_hash(fd, p + at, step);
	here = where(p + half, half).here;
	taken = stat_of("reclaim_used ") - taken;
	ok(!wrong && fnv(p, len) == before, "%s: all hashes are right, %d wrong", kind, wrong);
	ok(where(p, len).here >= half / PAGE * 3 / 4, "%s: the node is in use", kind);
	if (reclaim)
		ok(taken && here, "%s: %lu pages left, %lu of %lu pages used last are there", kind, taken, here,
		   half / PAGE);
	else
		ok(!taken && !here, "%s: nothing left, %lu pages used last are there", kind, here);
	munmap(p, len);
}

int main(void)
{
	load();
	new_npu("a", 0, "capable=reclaim,demotion adistance=300");
	fd = open_npu("a");
	test(false);
	enable("+reclaim,+demotion");
	test(true);
	close(fd);
	end_npu("a");
	return done_testing();
}
