// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing counts what nobody can get: what readers of global counters take
 * off, and the lines by which reports show private memory.
 *
 * The allocator counts as ever and pays nothing; see ordinary_free_pages()
 * in include/linux/private_node_report.h.
 */
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/private_node_report.h>
#include <linux/seq_file.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "private_node.h"

/*
 * The global counter is the sum over zones, without what CPUs have not folded
 * in yet, so what is taken off has to be without it as well: the difference
 * then does not move when a private page is taken.
 */
static unsigned long free_pages_all(void)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		sum += private_node_free_pages_nid(nid);
	return sum;
}

static unsigned long managed_pages_all(void)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		sum += private_node_managed_pages_nid(nid);
	return sum;
}

/* See ordinary_free_pages(). */
unsigned long __ordinary_free_pages(void)
{
	unsigned long pages = global_zone_page_state(NR_FREE_PAGES);

	/* The two are not read at the same time. */
	return pages - min(pages, free_pages_all());
}

/* See private_node_file_pages(). */
unsigned long __private_node_file_pages(void)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		sum += node_page_state(NODE_DATA(nid), NR_ACTIVE_FILE) +
		       node_page_state(NODE_DATA(nid), NR_INACTIVE_FILE);
	return sum;
}

/* See private_node_boot_pages(). */
unsigned long __init __private_node_boot_pages(void)
{
	unsigned long start_pfn, end_pfn;
	unsigned long sum = 0;
	int i, nid;

	for_each_node_mask(nid, private_node_map)
		for_each_mem_pfn_range(i, nid, &start_pfn, &end_pfn, NULL)
			sum += end_pfn - start_pfn;
	return sum;
}

/**
 * private_node_report_meminfo - the lines of private memory in /proc/meminfo
 * @m: the file
 *
 * Context: process.
 */
void private_node_report_meminfo(struct seq_file *m)
{
	seq_printf(m,
		   "PrivateTotal:   %8lu kB\n"
		   "PrivateFree:    %8lu kB\n",
		   K(managed_pages_all()), K(free_pages_all()));
}

/* See private_node_show_unconsidered(). */
void __private_node_show_unconsidered(void)
{
	struct private_node *pn;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE) {
		pn = private_node_find(nid);
		pr_warn("Private nodes not considered: %d (owner %s, %lu kB free)\n",
			nid, pn ? pn->owner : "none",
			K(private_node_free_pages_nid(nid)));
		private_node_put(pn);
	}
}
