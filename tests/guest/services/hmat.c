// SPDX-License-Identifier: GPL-2.0-only
/*
 * hmat: firmware says how slow two private nodes are (HMAT): that is their place in the tiers, unless
 * an administrator knows better; and what is demoted goes to the nearer one.
 *
 * vm: --node 1G --node 256M --node 256M --slow 1,3 --slow 2,8 --append private_node=1:reclaim,demotion --append private_node=2:reclaim,demotion
 */
#define _GNU_SOURCE
#include "tap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/tiers.h"

#define LEN (32 * MIB)
#define UNSAID 2880	/* without firmware: five times DRAM's 576 */

static unsigned long of(int nid, const char *name)
{
	node = nid;
	return node_number(name);
}

static unsigned long demoted_to(int nid)
{
	node = nid;
	return counter("demotion_used ");
}

static void distances(void)
{
	unsigned long near = of(1, "adistance"), far = of(2, "adistance");

	printf("# %lu and %lu\n", near, far);
	ok(near > 576 && far > near && near != UNSAID && far != UNSAID,
	   "firmware: both are slower than DRAM, the second one more");
	ok(tier_of(0) < tier_of(1) && tier_of(1) < tier_of(2), "a tier each, in that order");
	node = 1;
	put(node_file("adistance"), "500000");
	ok(of(1, "adistance") == 500000 && tier_of(2) < tier_of(1), "what is written comes first");
	node = 1;
	put(node_file("adistance"), "0");
	ok(of(1, "adistance") == near && tier_of(1) < tier_of(2), "0 goes back to firmware's");
}

static void demotion(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	if (p == MAP_FAILED)
		bail("mmap");
	memset(p, 0x5a, LEN);
	madvise(p, LEN, MADV_COLD);
	/* A node with little page cache is left alone otherwise. */
	put("/proc/sys/vm/min_unmapped_ratio", "0");
	/* Of node 0 alone: a cgroup's would go on from there to the next tier. */
	for (i = 0; i < 4; i++)
		write_file(NODE_DIR "/node0/reclaim", "16M swappiness=max");
	ok(demoted_to(1) > 1000 && !demoted_to(2), "cold memory goes to the nearer one: %lu and %lu pages", demoted_to(1),
	   demoted_to(2));
	for (i = 0; i < (int)LEN && p[i] == 0x5a; i++)
		;
	ok(i == (int)LEN, "and is what it was");
	munmap(p, LEN);
}

int main(void)
{
	distances();
	demotion();
	return done_testing();
}
