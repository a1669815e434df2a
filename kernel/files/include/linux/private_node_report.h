/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes in counters and reports of the rest of the kernel.
 *
 * Numbers that say how much memory can be allocated leave private memory out.
 * Reports of all memory include it.
 *
 * Implemented in mm/private_node/report.c and mm/private_node/sysfs.c.
 */
#ifndef _LINUX_PRIVATE_NODE_REPORT_H
#define _LINUX_PRIVATE_NODE_REPORT_H

#include <linux/private_node.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

struct seq_file;
struct sysinfo;

#ifdef CONFIG_PRIVATE_NODE

unsigned long __ordinary_zone_pages(enum zone_stat_item item);
unsigned long __ordinary_node_pages(enum node_stat_item item);
unsigned long __private_node_file_pages(void);
unsigned long __private_node_boot_pages(void);
void __private_node_show_unconsidered(void);
void private_node_report_meminfo(struct seq_file *m);
void __private_node_hide_memory(int nid, struct sysinfo *val);
int __private_node_report_node(int nid, char *buf, int len);
bool __private_node_pool_open(int nid);
long __ordinary_poisoned_pages(void);

/**
 * private_node_hide_memory - show no memory in the usual lines of
 *	node<N>/meminfo
 * @nid: node id
 * @val: from si_meminfo_node(); the result
 *
 * Programs use the nodes that have memory there.  So MemTotal and MemFree of a
 * private node are 0 unless user_numa is open.  The lines of
 * private_node_report_node() always show its memory.
 *
 * Context: any.
 */
static inline void private_node_hide_memory(int nid, struct sysinfo *val)
{
	if (private_node_hooked(node_meminfo, nid))
		__private_node_hide_memory(nid, val);
}

/**
 * private_node_pool - number of huge pages to show for a node
 * @nid: node id
 * @pages: number of huge pages in a pool of the node, all or free
 *
 * For node<N>/meminfo and node<N>/hugepages/.  Programs use the huge pages that
 * they find there.  PrivateHugetlb shows the pool even while the service
 * hugetlb is closed.
 *
 * Context: any.
 * Return: @pages; 0 for a private node without the service hugetlb.
 */
static inline unsigned int private_node_pool(int nid, unsigned int pages)
{
	return private_node_hooked(node_meminfo, nid) &&
	       !__private_node_pool_open(nid) ? 0 : pages;
}

/**
 * private_node_report_node - print the lines of private memory in
 *	node<N>/meminfo
 * @nid: node id
 * @buf: buffer of the file
 * @len: bytes in the buffer so far
 *
 * Context: process.
 * Return: bytes added, 0 for an ordinary node.
 */
static inline int private_node_report_node(int nid, char *buf, int len)
{
	return node_is_private(nid) ?
	       __private_node_report_node(nid, buf, len) : 0;
}

/**
 * ordinary_zone_pages - a zone counter, summed over the zones of ordinary nodes
 * @hook: name of the hook
 * @item: enum zone_stat_item
 *
 * For code that derives a limit, or a report of available memory, from the
 * counter.
 *
 * Cost: a static branch; with private nodes, a sum over their zones.
 * Context: any.
 */
#define ordinary_zone_pages(hook, item)					\
	(private_node_any() && private_node_hook(hook) ?		\
	 __ordinary_zone_pages(item) : global_zone_page_state(item))

/* As ordinary_zone_pages(), for free pages. */
#define ordinary_free_pages(hook) ordinary_zone_pages(hook, NR_FREE_PAGES)

/**
 * ordinary_node_pages - a node counter in pages, summed over ordinary nodes
 * @hook: name of the hook
 * @item: enum node_stat_item
 *
 * Cost: a static branch; with private nodes, one load for each.
 * Context: any.
 */
#define ordinary_node_pages(hook, item)					\
	(private_node_any() && private_node_hook(hook) ?		\
	 __ordinary_node_pages(item) : global_node_page_state(item))

/**
 * ordinary_poisoned_pages - number of poisoned pages of ordinary nodes
 * @hook: name of the hook
 *
 * Cost: a static branch; with a private node, one more load.
 * Context: any.
 */
#define ordinary_poisoned_pages(hook)					\
	(private_node_any() && private_node_hook(hook) ?		\
	 __ordinary_poisoned_pages() :					\
	 atomic_long_read(&num_poisoned_pages))

#ifdef CONFIG_SWAP
#define ordinary_swapcache_pages(hook) ordinary_node_pages(hook, NR_SWAPCACHE)
#else
#define ordinary_swapcache_pages(hook) total_swapcache_pages()
#endif

/**
 * private_node_file_pages - file LRU pages of private nodes, to subtract from a
 *	sum
 * @hook: name of the hook
 *
 * Cost: a static branch; with private nodes, two loads for each.
 * Context: any.
 */
#define private_node_file_pages(hook)					\
	(private_node_any() && private_node_hook(hook) ?		\
	 __private_node_file_pages() : 0UL)

/**
 * private_node_boot_pages - number of memblock's pages on private nodes
 * @hook: name of the hook
 *
 * Context: boot, as long as memblock exists.
 */
#define private_node_boot_pages(hook)					\
	(private_node_any() && private_node_hook(hook) ?		\
	 __private_node_boot_pages() : 0UL)

/**
 * private_node_show_unconsidered - name private nodes in the report of a
 *	failure
 *
 * Logs a line for each private node with memory, with its owner and its free
 * memory.  The allocation that failed, or the OOM killer, did not consider
 * these nodes.
 *
 * Context: any but NMI.
 */
static __always_inline void private_node_show_unconsidered(void)
{
	if (private_node_any() && private_node_hook(oom_report))
		__private_node_show_unconsidered();
}

/* the folder in sysfs, mm/private_node/sysfs.c */
void __private_node_device_added(int nid);
void __private_node_device_removed(int nid);

/**
 * private_node_device_added - a node was added to node_devices[]
 * @nid: node id
 *
 * Context: process, may sleep; under mem_hotplug_lock, except at boot.
 */
static inline void private_node_device_added(int nid)
{
	if (private_node_hooked(device_added, nid))
		__private_node_device_added(nid);
}

/**
 * private_node_device_removed - a node is about to be removed from
 *	node_devices[]
 * @nid: node id
 *
 * Context: process, may sleep; under mem_hotplug_lock.
 */
static inline void private_node_device_removed(int nid)
{
	if (private_node_hooked(device_removed, nid))
		__private_node_device_removed(nid);
}

/*
 * Walks of nodes with memory for a report that shows private nodes.  As
 * for_each_node_with_any_memory(), but each caller has a hook that can be
 * switched off.
 */
static inline bool __node_reported(bool private, int nid)
{
	return node_state(nid, N_MEMORY) ||
	       (private && node_state(nid, N_MEMORY_PRIVATE));
}

static inline int __next_node_reported(bool private, int nid)
{
	do {
		nid = next_online_node(nid);
	} while (nid < MAX_NUMNODES && !__node_reported(private, nid));
	return nid;
}

static inline bool __nodes_reported(bool private, const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (!__node_reported(private, nid))
			return false;
	return true;
}

#define node_reported(hook, nid)					\
	__node_reported(private_node_hook(hook), nid)
#define next_node_reported(hook, nid)					\
	__next_node_reported(private_node_hook(hook), nid)
#define first_node_reported(hook)	next_node_reported(hook, -1)
#define nodes_reported(hook, nodes)					\
	__nodes_reported(private_node_hook(hook), &(nodes))

#define for_each_node_reported(hook, nid)				\
	for ((nid) = first_node_reported(hook); (nid) < MAX_NUMNODES;	\
	     (nid) = next_node_reported(hook, nid))

#else /* !CONFIG_PRIVATE_NODE */

#define ordinary_zone_pages(hook, item)		global_zone_page_state(item)
#define ordinary_node_pages(hook, item)		global_node_page_state(item)
#define ordinary_swapcache_pages(hook)		total_swapcache_pages()
#define ordinary_poisoned_pages(hook)	atomic_long_read(&num_poisoned_pages)
#define private_node_pool(nid, pages)		(pages)
#define ordinary_free_pages(hook)					\
	global_zone_page_state(NR_FREE_PAGES)
#define private_node_file_pages(hook)		0UL
#define private_node_boot_pages(hook)		0UL

static __always_inline void private_node_show_unconsidered(void) {}
static inline void private_node_device_added(int nid) {}
static inline void private_node_device_removed(int nid) {}
static inline void private_node_report_meminfo(struct seq_file *m) {}
static inline void private_node_hide_memory(int nid, struct sysinfo *val) {}
static inline int private_node_report_node(int nid, char *buf, int len)
{
	return 0;
}

#define node_reported(hook, nid)		node_state(nid, N_MEMORY)
#define for_each_node_reported(hook, nid)	for_each_node_state(nid, N_MEMORY)
#define next_node_reported(hook, nid)		next_memory_node(nid)
#define first_node_reported(hook)		first_memory_node
#define nodes_reported(hook, nodes)					\
	nodes_subset(nodes, node_states[N_MEMORY])

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _LINUX_PRIVATE_NODE_REPORT_H */
