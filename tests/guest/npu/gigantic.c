// SPDX-License-Identifier: GPL-2.0-only
/*
 * gigantic: huge pages of 1 GiB in the pool of a private node.
 *
 * vm: --node 1G --node 4G --append private_node=1:user_numa,hugetlb
 * timeout: 300
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>

#include "../devmap/devmap.h"

#define GIB (1UL << 30)
#define POOL "hugepages/hugepages-1048576kB/"

static char pool_path[128];

static int set_to(const char *nr)
{
	return write_file(pool_path, nr) ? 0 : -errno;
}

static unsigned long pool_size(void)
{
	return number_in(pool_path, "");
}

static void test_use(void)
{
	unsigned long mask = 1UL << node;
	char *p = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE | 30 << 26, -1, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, GIB, MPOL_BIND, &mask, 64UL, 0))
		bail("a mapping of 1 GiB");
	ok(touch(p, PAGE) == 1 && all_here(p, 64 * PAGE), "a program that names the node uses it");
	p[GIB - 1] = 1;
	ok(!set_to("0") && pool_size() <= 1, "the pool cannot lose what is in use");
	munmap(p, GIB);
}

int main(void)
{
	unsigned long before, taken;

	find_node();
	snprintf(pool_path, sizeof(pool_path), NODE_DIR "/node%d/" POOL "nr_hugepages", node);
	if (access(pool_path, W_OK)) {
		skip("the processor has no pages of 1 GiB", "gigantic pages");
		return done_testing();
	}
	before = node_free();
	ok(!set_to("1") && pool_size() == 1, "a page of 1 GiB");
	taken = before - node_free();
	ok(taken == GIB / PAGE, "... of this node: %lu pages are taken", taken);
	ok(set_to("100") == -ENOMEM && pool_size() == 1, "more than there is room for: ENOMEM, nothing changes");
	test_use();
	ok(!set_to("0") && !pool_size() && node_free() == before, "it is given back, and free");
	enable("-hugetlb");
	ok(set_to("1") == -EOPNOTSUPP && !pool_size(), "service closed: EOPNOTSUPP");
	enable("+hugetlb");
	ok(!set_to("1") && pool_size() == 1 && !set_to("0"), "open again");
	return done_testing();
}
