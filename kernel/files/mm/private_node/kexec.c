// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec loads nothing onto private nodes.
 *
 * The memory of a node that private_node= names is System RAM.  kexec searches
 * System RAM from the top, which often is such a node.  A kernel that was
 * loaded there could not make the node private, and a compressing device would
 * be written to without a reservation in its ledger.  Memory that a driver
 * added needs no check here: kexec leaves it out.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/visibility.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>

#include "internal.h"
#include "refusals.h"

/* A pageblock is part of one node only, so one look at each is enough. */
#define STEP	(pageblock_nr_pages << PAGE_SHIFT)

/* The private node that has the memory at an address, or NUMA_NO_NODE. */
static int private_nid(unsigned long addr)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(addr));

	if (page && node_is_private(page_to_nid(page)))
		return page_to_nid(page);
	return NUMA_NO_NODE;
}

static bool is_private(unsigned long addr)
{
	return private_nid(addr) != NUMA_NO_NODE;
}

/* See include/linux/private_node_hooks.h. */
bool __private_node_kexec_refuses(unsigned long start, unsigned long end)
{
	unsigned long addr;
	int nid;

	for (addr = start; addr < end; addr = ALIGN(addr + 1, STEP)) {
		nid = private_nid(addr);
		if (nid == NUMA_NO_NODE)
			continue;
		private_node_record(.nid = nid, .act = PRIVATE_NODE_ACT_KEXEC,
				    .why = PRIVATE_NODE_WHY_PRIVATE);
		pr_err("node %d: kexec may not load [mem %#lx-%#lx] there; name memory of an ordinary node\n",
		       nid, start, end - 1);
		return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(__private_node_kexec_refuses);

/*
 * A part is a range of addresses that are all on private nodes, or all not.
 * Returns the last address of the part that begins at @addr.
 */
static unsigned long part_end(unsigned long addr, unsigned long end)
{
	bool private = is_private(addr);

	do {
		if (end - addr < STEP - addr % STEP)
			return end;
		addr = ALIGN(addr + 1, STEP);
	} while (is_private(addr) == private);
	return addr - 1;
}

/* Returns the first address of the part that ends at @addr. */
static unsigned long part_start(unsigned long addr, unsigned long start)
{
	bool private = is_private(addr);

	do {
		addr = ALIGN_DOWN(addr, STEP);
		if (addr <= start)
			return start;
		addr--;
	} while (is_private(addr) == private);
	return addr + 1;
}

static int walk_up(unsigned long start, unsigned long end,
		   struct kexec_buf *kbuf, private_node_kexec_fn fn)
{
	unsigned long last;
	int ret;

	for (;; start = last + 1) {
		last = part_end(start, end);
		ret = is_private(start) ? 0 : fn(start, last, kbuf);
		if (ret || last == end)
			return ret;
	}
}

static int walk_down(unsigned long start, unsigned long end,
		     struct kexec_buf *kbuf, private_node_kexec_fn fn)
{
	unsigned long first;
	int ret;

	for (;; end = first - 1) {
		first = part_start(end, start);
		ret = is_private(end) ? 0 : fn(first, end, kbuf);
		if (ret || first == start)
			return ret;
	}
}

/* See include/linux/private_node_hooks.h. */
int __private_node_kexec_walk(unsigned long start, unsigned long end,
			      bool top_down, struct kexec_buf *kbuf,
			      private_node_kexec_fn fn)
{
	return (top_down ? walk_down : walk_up)(start, end, kbuf, fn);
}
EXPORT_SYMBOL_IF_KUNIT(__private_node_kexec_walk);
