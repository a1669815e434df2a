// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory in counters and reports.
 *
 * Global counters include private nodes, so that the page allocator has no
 * extra cost.  Code that reads a counter to find out how much memory can be had
 * subtracts private nodes here, see ordinary_free_pages() in
 * include/linux/private_node_hooks.h.  The other half of this file are the
 * lines in which reports show private memory.
 */
#include <linux/hugetlb.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "internal.h"

/*
 * private_node_free_snapshot_nid - free pages, without disturbing other CPUs
 * @nid: node id
 *
 * Includes per-CPU lists, and what CPUs have not folded into the counters.
 * Freed pages that per-CPU LRU batches still hold are missing.  The parts are
 * not read at the same time.
 *
 * Context: any.
 * Return: pages, at most what the node has.
 */
unsigned long private_node_free_snapshot_nid(int nid)
{
	unsigned long sum = private_node_exact_free_pages_nid(nid);
	struct zone *zone;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		if (populated_zone(zone))
			sum += private_node_pcp_pages(zone);
	}
	return min(sum, private_node_managed_pages_nid(nid));
}

/*
 * The global counter is the sum over zones without what CPUs have not folded in
 * yet.  What is subtracted has to be without that as well: then the difference
 * does not change when a private page is allocated.
 */
static unsigned long zone_pages_nid(int nid, enum zone_stat_item item)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_page_state(&NODE_DATA(nid)->node_zones[i], item);
	return sum;
}

/* See ordinary_zone_pages(). */
unsigned long __ordinary_zone_pages(enum zone_stat_item item)
{
	unsigned long pages = global_zone_page_state(item);
	unsigned long private = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		private += zone_pages_nid(nid, item);
	/* The two are not read at the same time. */
	return pages - min(pages, private);
}

/* See ordinary_node_pages(). */
unsigned long __ordinary_node_pages(enum node_stat_item item)
{
	unsigned long pages = global_node_page_state(item);
	unsigned long private = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		private += node_page_state(NODE_DATA(nid), item);
	return pages - min(pages, private);
}

#ifdef CONFIG_MEMORY_FAILURE

static atomic_long_t poisoned = ATOMIC_LONG_INIT(0);

/* See private_node_poisoned(). */
void __private_node_poisoned(int nid, long pages)
{
	atomic_long_add(pages, &poisoned);
}

/* See private_node_pfn_poisoned(). */
void __private_node_pfn_poisoned(unsigned long pfn, long pages)
{
	if (pfn_valid(pfn))
		private_node_poisoned(page_to_nid(pfn_to_page(pfn)), pages);
}

static long poisoned_pages(void)
{
	return atomic_long_read(&poisoned);
}

/* See ordinary_poisoned_pages(). */
long __ordinary_poisoned_pages(void)
{
	long private = poisoned_pages();
	long pages = atomic_long_read(&num_poisoned_pages);

	/* The two are not read at the same time. */
	return pages - min(pages, private);
}

#else

static long poisoned_pages(void)
{
	return 0;
}

#endif

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

/* What there is of private memory, and what it holds, in pages. */
enum private_line {
	PRIVATE_TOTAL,
	PRIVATE_FREE,
	PRIVATE_ANON,
	PRIVATE_SHMEM,
	PRIVATE_FILE,
	PRIVATE_SWAPCACHED,
	PRIVATE_MLOCKED,
	PRIVATE_HUGETLB,
	PRIVATE_NR_LINES,
};

static const char *const private_line_names[PRIVATE_NR_LINES] = {
	[PRIVATE_TOTAL]		= "PrivateTotal:   ",
	[PRIVATE_FREE]		= "PrivateFree:    ",
	[PRIVATE_ANON]		= "PrivateAnon:    ",
	[PRIVATE_SHMEM]		= "PrivateShmem:   ",
	[PRIVATE_FILE]		= "PrivateFile:    ",
	[PRIVATE_SWAPCACHED]	= "PrivateSwapCached:",
	[PRIVATE_MLOCKED]	= "PrivateMlocked: ",
	[PRIVATE_HUGETLB]	= "PrivateHugetlb: ",
};

static unsigned long hugetlb_pages_nid(int nid)
{
	unsigned long sum = 0;
#ifdef CONFIG_HUGETLB_PAGE
	struct hstate *h;

	for_each_hstate(h)
		sum += h->nr_huge_pages_node[nid] * pages_per_huge_page(h);
#endif
	return sum;
}

static unsigned long swapcache_pages_nid(int nid)
{
#ifdef CONFIG_SWAP
	return node_page_state(NODE_DATA(nid), NR_SWAPCACHE);
#else
	return 0;
#endif
}

/* Adds the values of one node. */
static void add_lines(int nid, unsigned long *lines)
{
	struct pglist_data *pgdat = NODE_DATA(nid);
	unsigned long swapcache = swapcache_pages_nid(nid);
	unsigned long shmem = node_page_state(pgdat, NR_SHMEM);
	unsigned long file = node_page_state(pgdat, NR_FILE_PAGES);

	lines[PRIVATE_TOTAL] += private_node_managed_pages_nid(nid);
	lines[PRIVATE_FREE] += private_node_free_pages_nid(nid);
	lines[PRIVATE_ANON] += node_page_state(pgdat, NR_ANON_MAPPED);
	lines[PRIVATE_SHMEM] += shmem;
	/* NR_FILE_PAGES includes both. */
	lines[PRIVATE_FILE] += file - min(file, shmem + swapcache);
	lines[PRIVATE_SWAPCACHED] += swapcache;
	lines[PRIVATE_MLOCKED] += zone_pages_nid(nid, NR_MLOCK);
	lines[PRIVATE_HUGETLB] += hugetlb_pages_nid(nid);
}

/**
 * private_node_report_meminfo - the lines of private memory in /proc/meminfo
 * @m: the file
 *
 * Context: process.
 */
void private_node_report_meminfo(struct seq_file *m)
{
	unsigned long lines[PRIVATE_NR_LINES] = {};
	int i, nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		add_lines(nid, lines);
	for (i = 0; i < PRIVATE_NR_LINES; i++)
		seq_printf(m, "%s%8lu kB\n", private_line_names[i],
			   K(lines[i]));
	seq_printf(m, "PrivateHardwareCorrupted: %5lu kB\n",
		   K(poisoned_pages()));
}

/* See private_node_hide_memory(). */
void __private_node_hide_memory(int nid, struct sysinfo *val)
{
	if (private_node_service_enabled(nid, PRIVATE_NODE_USER_NUMA))
		return;
	val->totalram = 0;
	val->freeram = 0;
	val->totalhigh = 0;
	val->freehigh = 0;
}

/* See private_node_pool(); the service needs user_numa. */
bool __private_node_pool_open(int nid)
{
	return private_node_service_enabled(nid, PRIVATE_NODE_HUGETLB);
}

/* See private_node_report_node(). */
int __private_node_report_node(int nid, char *buf, int len)
{
	unsigned long lines[PRIVATE_NR_LINES] = {};
	int start = len;
	int i;

	add_lines(nid, lines);
	for (i = 0; i < PRIVATE_NR_LINES; i++)
		len += sysfs_emit_at(buf, len, "Node %d %s%8lu kB\n", nid,
				     private_line_names[i], K(lines[i]));
	return len - start;
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
