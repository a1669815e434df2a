/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes: hooks for code outside of mm/.
 *
 *  - Numbers that say how much memory can be allocated leave private memory
 *    out.  Reports of all memory include it.
 *  - Kernel code that allocates for a user asks what the nodes that the user
 *    named can give, and waits for their unplug.
 *  - kexec places nothing on a private node.
 *
 * Hooks of mm/ are in mm/private_node/hooks.h.
 */
#ifndef _LINUX_PRIVATE_NODE_HOOKS_H
#define _LINUX_PRIVATE_NODE_HOOKS_H

#include <linux/err.h>
#include <linux/nodemask.h>
#include <linux/private_node.h>
#include <linux/types.h>

struct kexec_buf;
struct mempolicy;
struct seq_file;
struct shared_policy;
struct sysinfo;
struct task_struct;

/*
 * For kexec: looks for room in [@start, @end].  Returns 0 to continue, anything
 * else to stop.
 */
typedef int (*private_node_kexec_fn)(unsigned long start, unsigned long end,
				     struct kexec_buf *kbuf);

#ifdef CONFIG_PRIVATE_NODE

/**
 * node_has_any_memory - does the node have memory, ordinary or private?
 * @nid: node id
 *
 * For code that reports memory or keeps metadata for it, and so has to see
 * private nodes.  Code that allocates has to ask for N_MEMORY.
 *
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool node_has_any_memory(int nid)
{
	return node_state(nid, N_MEMORY) || node_state(nid, N_MEMORY_PRIVATE);
}

static inline int next_node_with_any_memory(int nid)
{
	do {
		nid = next_online_node(nid);
	} while (nid < MAX_NUMNODES && !node_has_any_memory(nid));
	return nid;
}

/*
 * Walk ordinary and private nodes that have memory; see node_has_any_memory()
 */
#define for_each_node_with_any_memory(nid)				\
	for ((nid) = next_node_with_any_memory(-1); (nid) < MAX_NUMNODES; \
	     (nid) = next_node_with_any_memory(nid))

static inline bool __nodes_have_any_memory(const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (!node_has_any_memory(nid))
			return false;
	return true;
}

/* Has each of the nodes memory, ordinary or private? */
#define nodes_have_any_memory(nodes)	__nodes_have_any_memory(&(nodes))

/* boot, mm/private_node/boot.c */
bool private_node_boot_requested(void);

/* a write to cpuset.mems.sysram, mm/private_node/refusals.c */
void private_node_cpuset_refused(const nodemask_t *nodes);

/* memory came or went, mm/private_node/tier.c */
void private_node_notify(unsigned long action, int nid);

/* for a task's policy, mm/private_node/ */
void __private_node_add_user_nodes(struct task_struct *task,
				   nodemask_t *nodes);
unsigned long __private_node_unplugs(void);
bool __private_node_unplug_waited(unsigned long *seen);
bool __private_node_unplug_refuses(unsigned long seen);
bool __private_node_hint_nodes(void);
int __private_node_exec_room(void);
unsigned long __private_node_oom_private(struct task_struct *task);

/**
 * private_node_add_user_nodes - add private nodes that a task may name to a
 *	mask
 * @task: the task
 * @nodes: ordinary nodes that it may use; private nodes are added that are open
 *	to user_numa and possible in its cpuset
 *
 * Cost: a static branch; with private nodes, a few loads for each.
 * Context: any.
 */
static inline void private_node_add_user_nodes(struct task_struct *task,
					       nodemask_t *nodes)
{
	if (private_node_any())
		__private_node_add_user_nodes(task, nodes);
}

/**
 * private_node_unplugs - read the counter of unplugs
 *
 * The counter changes when an unplug closes a node, and when the node opens
 * again.  To be read before an allocation, for private_node_unplug_waited().
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: the counter; 0 without private nodes.
 */
static inline unsigned long private_node_unplugs(void)
{
	return private_node_any() ? __private_node_unplugs() : 0;
}

/**
 * private_node_unplug_waited - wait if an allocation failed because of an
 *	unplug
 * @seen: from private_node_unplugs(), before the attempt that failed
 *
 * For code that allocates by a memory policy outside of a fault.  Waits for the
 * end of the unplugs that refused memory to this task.
 *
 * Cost: on failure only.
 * Context: process, may sleep; the caller holds no folio, nor a lock that
 * migration needs.
 * Return: true if another attempt can succeed; false after a fatal signal, or
 * when an unplug was not the reason.
 */
static inline bool private_node_unplug_waited(unsigned long *seen)
{
	return private_node_any() && __private_node_unplug_waited(seen);
}

/**
 * private_node_unplug_refuses - did an allocation fail because of an unplug?
 * @seen: from private_node_unplugs(), before the attempt
 *
 * For code that has to free pages before it calls private_node_unplug_waited().
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true if that may be the reason.
 */
static inline bool private_node_unplug_refuses(unsigned long seen)
{
	return private_node_any() && __private_node_unplug_refuses(seen);
}

/**
 * private_node_hint_nodes - is any private node open to hint faults?
 *
 * If so, NUMA balancing scans tasks even if there is only one ordinary node.
 *
 * Cost: a static branch; with a private node, a look at each.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_hint_nodes(void)
{
	return private_node_any() && __private_node_hint_nodes();
}

/**
 * private_node_exec_room - is there memory for a new program of this task?
 *
 * The program gets its memory by the task's policy.  Past the point of no
 * return exec() could only kill the task, so it asks before.
 *
 * Cost: a static branch; with a private node, a look at the task's policy.
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
static inline int private_node_exec_room(void)
{
	if (private_node_any())
		return __private_node_exec_room();
	return 0;
}

/**
 * private_node_oom_private - how many pages does a task have on private nodes?
 * @task: candidate of the OOM killer
 *
 * Killing the task for these pages would not help in a shortage of ordinary
 * memory.  The number is an estimate from a fixed number of pages.
 *
 * Cost: a static branch; with a private node, a test of MMF_PRIVATE_NODE; where
 * that is set, a look at a fixed number of page table entries.
 * Context: any but interrupts; does not sleep.
 * Return: pages to subtract from the task's badness.
 */
static __always_inline unsigned long
private_node_oom_private(struct task_struct *task)
{
	if (!private_node_any())
		return 0;
	return __private_node_oom_private(task);
}

/* reports, mm/private_node/report.c */
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
	if (node_is_private(nid))
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
	return node_is_private(nid) && !__private_node_pool_open(nid) ?
	       0 : pages;
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
 * @item: enum zone_stat_item
 *
 * For code that derives a limit, or a report of available memory, from the
 * counter.
 *
 * Cost: a static branch; with private nodes, a sum over their zones.
 * Context: any.
 * Return: the sum.
 */
#define ordinary_zone_pages(item)					\
	(private_node_any() ? __ordinary_zone_pages(item) :		\
	 global_zone_page_state(item))

/* As ordinary_zone_pages(), for free pages. */
#define ordinary_free_pages()	ordinary_zone_pages(NR_FREE_PAGES)

/**
 * ordinary_node_pages - a node counter in pages, summed over ordinary nodes
 * @item: enum node_stat_item
 *
 * Cost: a static branch; with private nodes, one load for each.
 * Context: any.
 * Return: the sum.
 */
#define ordinary_node_pages(item)					\
	(private_node_any() ? __ordinary_node_pages(item) :		\
	 global_node_page_state(item))

/**
 * ordinary_poisoned_pages - number of poisoned pages of ordinary nodes
 *
 * Cost: a static branch; with a private node, one more load.
 * Context: any.
 * Return: the number.
 */
#define ordinary_poisoned_pages()					\
	(private_node_any() ? __ordinary_poisoned_pages() :		\
	 atomic_long_read(&num_poisoned_pages))

#ifdef CONFIG_SWAP
#define ordinary_swapcache_pages()	ordinary_node_pages(NR_SWAPCACHE)
#else
#define ordinary_swapcache_pages()	total_swapcache_pages()
#endif

/**
 * private_node_file_pages - file LRU pages of private nodes, to subtract from a
 *	sum
 *
 * Cost: a static branch; with private nodes, two loads for each.
 * Context: any.
 * Return: the number; 0 without private nodes.
 */
#define private_node_file_pages() \
	(private_node_any() ? __private_node_file_pages() : 0UL)

/**
 * private_node_boot_pages - number of memblock's pages on private nodes
 *
 * Context: boot, as long as memblock exists.
 * Return: the number; 0 without private nodes.
 */
#define private_node_boot_pages() \
	(private_node_any() ? __private_node_boot_pages() : 0UL)

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
	if (private_node_any())
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
	if (node_is_private(nid))
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
	if (node_is_private(nid))
		__private_node_device_removed(nid);
}

/* memory of virtual machines, mm/private_node/guest_memfd.c */
int __private_node_gmem_new(struct shared_policy *sp);
void __private_node_gmem_none(struct mempolicy *pol);

/**
 * private_node_gmem_new - give a new guest_memfd the policy of its task
 * @sp: policy of the file, empty
 *
 * Only if that policy names private nodes: a file that nobody can map cannot be
 * bound later.
 *
 * Cost: a static branch.
 * Context: process, may sleep.
 * Return: 0; -EOPNOTSUPP if the policy leaves only private nodes that are closed
 * to guest_memfd, and the log says so; -ENOMEM.
 */
static inline int private_node_gmem_new(struct shared_policy *sp)
{
	return private_node_any() ? __private_node_gmem_new(sp) : 0;
}

/**
 * private_node_gmem_taken - a guest_memfd asked for a page
 * @pol: policy of the file, or NULL
 * @folio: the folio, or an error pointer
 *
 * If the private nodes of the policy gave no page the log says why.
 *
 * Cost: a compare; the rest on failure only.
 * Context: process.
 */
static inline void private_node_gmem_taken(struct mempolicy *pol,
					   const struct folio *folio)
{
	if (folio == ERR_PTR(-ENOMEM) && pol && private_node_any())
		__private_node_gmem_none(pol);
}

/* kexec, mm/private_node/kexec.c */
int __private_node_kexec_walk(unsigned long start, unsigned long end,
			      bool top_down, struct kexec_buf *kbuf,
			      private_node_kexec_fn fn);
bool __private_node_kexec_refuses(unsigned long start, unsigned long end);

/**
 * private_node_kexec_refuses - does a segment touch a private node?
 * @start: physical address of its first byte
 * @end: first physical address after it
 *
 * Logs a line if so.
 *
 * Context: process, may sleep; kexec_load() and kexec_file_load().
 * Return: true when the segment has to be refused.
 */
static inline bool private_node_kexec_refuses(unsigned long start,
					      unsigned long end)
{
	return private_node_any() && __private_node_kexec_refuses(start, end);
}

/**
 * private_node_kexec_walk - call a function for the parts of a range not
 *	private
 * @start: first physical address
 * @end: last physical address
 * @kbuf: the buffer that needs room
 * @fn: function; called for the highest part first when @kbuf is placed top
 *	down
 *
 * A macro, so that only kexec has to know struct kexec_buf.
 *
 * Context: process, may sleep.
 * Return: the value other than 0 by which @fn stopped the search, or 0.
 */
#define private_node_kexec_walk(start, end, kbuf, fn)			\
	(private_node_any() ?						\
	 __private_node_kexec_walk(start, end, (kbuf)->top_down, kbuf, fn) : \
	 (fn)(start, end, kbuf))

#else /* !CONFIG_PRIVATE_NODE */

static __always_inline bool node_has_any_memory(int nid)
{
	return node_state(nid, N_MEMORY);
}

#define for_each_node_with_any_memory(nid) for_each_node_state(nid, N_MEMORY)
#define next_node_with_any_memory(nid)		next_memory_node(nid)
#define nodes_have_any_memory(nodes) \
	nodes_subset(nodes, node_states[N_MEMORY])

static inline bool private_node_boot_requested(void)
{
	return false;
}

static inline void private_node_cpuset_refused(const nodemask_t *nodes) {}
static inline void private_node_notify(unsigned long action, int nid) {}

static inline void private_node_add_user_nodes(struct task_struct *task,
					       nodemask_t *nodes)
{
}

/*
 * Macros, so that without CONFIG_PRIVATE_NODE the object code of the callers is
 * the same as without these patches; with inline functions the compiler
 * generates other code.
 */
#define private_node_unplugs()			0
#define private_node_unplug_waited(seen)	(!sizeof(*(seen)))
#define private_node_unplug_refuses(seen)	((void)(seen), false)
#define private_node_gmem_new(sp)		0
#define private_node_gmem_taken(pol, folio)	do { } while (0)

static inline bool private_node_hint_nodes(void)
{
	return false;
}

static inline int private_node_exec_room(void)
{
	return 0;
}

static __always_inline unsigned long
private_node_oom_private(struct task_struct *task)
{
	return 0;
}

#define ordinary_zone_pages(item)	global_zone_page_state(item)
#define ordinary_node_pages(item)	global_node_page_state(item)
#define ordinary_swapcache_pages()		total_swapcache_pages()
#define ordinary_poisoned_pages()	atomic_long_read(&num_poisoned_pages)
#define private_node_pool(nid, pages)		(pages)
#define ordinary_free_pages()					\
	global_zone_page_state(NR_FREE_PAGES)
#define private_node_file_pages()		0UL
#define private_node_boot_pages()		0UL

static __always_inline void private_node_show_unconsidered(void) {}
static inline void private_node_device_added(int nid) {}
static inline void private_node_device_removed(int nid) {}
static inline void private_node_report_meminfo(struct seq_file *m) {}
static inline void private_node_hide_memory(int nid, struct sysinfo *val) {}
static inline int private_node_report_node(int nid, char *buf, int len)
{
	return 0;
}

static inline bool private_node_kexec_refuses(unsigned long start,
					      unsigned long end)
{
	return false;
}

#define private_node_kexec_walk(start, end, kbuf, fn) (fn)(start, end, kbuf)

#endif /* CONFIG_PRIVATE_NODE */

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_MEMORY_FAILURE)

/* memory failure, mm/private_node/failure.c */
void __private_node_poisoned(int nid, long pages);
bool __private_node_knows_broken(unsigned long pfn, unsigned long nr);

/**
 * private_node_poisoned - count poisoned pages of private nodes
 * @nid: node id
 * @pages: pages added to num_poisoned_pages, or if negative subtracted from it
 *
 * For ordinary_poisoned_pages(), which leaves them out.
 *
 * Context: any.
 */
static inline void private_node_poisoned(int nid, long pages)
{
	if (node_is_private(nid))
		__private_node_poisoned(nid, pages);
}

/**
 * private_node_knows_broken - may memory with broken pages come online again?
 * @nid: node id
 * @pfn: first page of an offline memory block with broken pages
 * @nr: number of pages
 *
 * The struct pages of the block are made anew when it comes online, and forget
 * which pages are broken.  On a private node they are marked again before a page
 * comes to the free lists.
 *
 * Context: process; device_hotplug_lock held.
 * Return: true if they will be.
 */
static inline bool private_node_knows_broken(int nid, unsigned long pfn,
					     unsigned long nr)
{
	return node_is_private(nid) && __private_node_knows_broken(pfn, nr);
}

#else

static inline void private_node_poisoned(int nid, long pages)
{
}

static inline bool private_node_knows_broken(int nid, unsigned long pfn,
					     unsigned long nr)
{
	return false;
}

#endif

#endif /* _LINUX_PRIVATE_NODE_HOOKS_H */
