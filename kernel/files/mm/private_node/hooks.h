/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes: hooks for mm/.  Those with more to know have a header
 * of their own: gate.h, policy.h, tier.h, mm_pages.h, free.h, zswap.h.
 */
#ifndef _MM_PRIVATE_NODE_HOOKS_H
#define _MM_PRIVATE_NODE_HOOKS_H

#include <linux/err.h>
#include <linux/mm_types.h>
#include <linux/private_node.h>
#include <linux/private_node_hooks.h>

struct address_space;
struct file;
struct folio;
struct mempolicy;
struct mm_struct;
struct pt_regs;
struct vm_area_struct;

#ifdef CONFIG_PRIVATE_NODE

/**
 * private_node_memory_state - node state to set when memory of @nid comes
 *	online
 * @nid: node id
 *
 * Context: any; stable under mem_hotplug_lock.
 * Return: N_MEMORY or N_MEMORY_PRIVATE.
 */
static __always_inline enum node_states private_node_memory_state(int nid)
{
	if (node_is_private(nid))
		return N_MEMORY_PRIVATE;
	return N_MEMORY;
}

/* contiguous ranges, mm/private_node/range.c */
bool __private_node_takes_range(int nid);

/**
 * private_node_takes_range - does the running task take a range of a node for
 *	who has named it?
 * @nid: a private node
 *
 * Context: process.
 * Return: true if so; then alloc_contig_frozen_range() may.
 */
static inline bool private_node_takes_range(int nid)
{
	return IS_ENABLED(CONFIG_CONTIG_ALLOC) &&
	       __private_node_takes_range(nid);
}

/* device map, mm/private_node/devmap.c */
bool __is_file_private_node(const struct file *file);
bool __vma_is_private_node(const struct vm_area_struct *vma);
bool private_node_range_fixed(struct mm_struct *mm, unsigned long start,
			      unsigned long end);

/* user policy, mm/private_node/policy.c */
struct folio *private_node_mpol_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order, pgoff_t ilx);
struct folio *private_node_user_alloc(int nid, gfp_t gfp, unsigned int order);
vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
				    unsigned long addr, unsigned int flags,
				    struct pt_regs *regs, vm_fault_t ret);
bool __vma_names_private_node(const struct vm_area_struct *vma);
struct private_node_detour;
bool __private_node_detour(struct private_node_detour *d);
bool __private_node_refuses_map(const struct vm_area_struct *vma);
unsigned long __private_node_overcommit(void);
bool __private_node_vma_commits(struct vm_area_struct *vma, long pages);

/*
 * A flag in addition to enum fault_flag: the fault comes from a populate, which
 * holds no lock except mmap_lock, and so can wait for an unplug.
 */
#define FAULT_FLAG_POPULATE	BIT(30)

/**
 * struct private_node_detour - state of private_node_detour()
 * @unplugs: private_node_unplugs() before the first attempt
 * @flags: current->flags before the second attempt
 * @on: the second attempt is under way
 */
struct private_node_detour {
	unsigned long unplugs;
	unsigned int flags;
	bool on;
};

/**
 * private_node_detour_begin - to be called before the first attempt to allocate
 *
 * Cost: as private_node_unplugs().
 * Context: any.
 * Return: state for private_node_detour().
 */
static inline struct private_node_detour private_node_detour_begin(void)
{
	return (struct private_node_detour){ .unplugs = private_node_unplugs() };
}

/**
 * private_node_detour - try again with ordinary memory when an unplug refused a
 *	page
 * @d: from private_node_detour_begin(), before the first attempt
 * @error: errno of the last attempt
 *
 * For code that cannot wait for the end of an unplug because it holds a lock
 * that others need, such as the lock of a file that is being written.  During
 * the second attempt the allocator gives an ordinary page instead, and counts
 * it as displaced.  Has to be called after each attempt until it returns false.
 *
 * Cost: on failure only.
 * Context: process, may sleep.
 * Return: true at most once, when the caller should try again.
 */
static inline bool private_node_detour(struct private_node_detour *d, int error)
{
	if (!d->on && (error != -ENOMEM || !private_node_any()))
		return false;
	return __private_node_detour(d);
}

/**
 * private_node_refuses_map - must a new mapping fail with ENOMEM?
 * @vma: the mapping that grows or becomes writable; NULL for a new one
 *
 * True for a task that is bound to private nodes which are all closed to it.  A
 * program can handle ENOMEM better than a SIGBUS when it touches the memory.
 *
 * Cost: a static branch; with a private node, a look at the policy.
 * Context: process, mmap_lock held.
 * Return: true if so.
 */
static inline bool private_node_refuses_map(const struct vm_area_struct *vma)
{
	return private_node_any() && __private_node_refuses_map(vma);
}

/**
 * private_node_overcommit - private memory that counts for overcommit_memory=0
 *
 * The heuristic compares a mapping with RAM and swap.  This adds the private
 * nodes that the task may name, and those that reclaim can move memory to.
 *
 * Cost: a static branch; with private nodes, a few loads for each.
 * Context: any.
 * Return: pages.
 */
static inline unsigned long private_node_overcommit(void)
{
	if (private_node_any())
		return __private_node_overcommit();
	return 0;
}

/**
 * private_node_vma_commits - commit pages of a mapping whose policy names
 *	private nodes
 * @vma: the mapping, locked
 * @pages: pages to commit
 *
 * For overcommit_memory=0: compares @pages with RAM, swap and these private
 * nodes.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: process.
 * Return: true when the pages fit and were counted as committed; otherwise the
 * caller has to ask security_vm_enough_memory_mm().
 */
static inline bool private_node_vma_commits(struct vm_area_struct *vma,
					    long pages)
{
	return private_node_any() && __private_node_vma_commits(vma, pages);
}

/**
 * is_file_private_node - is this an open file of /dev/private_node/?
 * @file: any file, or NULL
 *
 * Cost: a static branch; with a private node, one compare.
 * Context: any.
 * Return: true if so; false for NULL.
 */
static __always_inline bool is_file_private_node(const struct file *file)
{
	return private_node_any() && file && __is_file_private_node(file);
}

/**
 * vma_is_private_node - is this a mapping of /dev/private_node/?
 * @vma: any mapping, locked
 *
 * A process that maps the file has chosen that node, so no other memory is
 * mapped there, not even the zero page.
 *
 * Cost: a static branch; with a private node, a load from the mapping's policy
 * if it has one.
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool
vma_is_private_node(const struct vm_area_struct *vma)
{
	return private_node_any() && __vma_is_private_node(vma);
}

/**
 * private_node_forbids_zeropage - must a read fault allocate a page?
 * @vma: the mapping, locked
 *
 * True if its policy names private nodes.  With the zero page a device that
 * reads the range would read DRAM.
 *
 * Cost: as vma_is_private_node().
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool
private_node_forbids_zeropage(const struct vm_area_struct *vma)
{
	return private_node_any() && __vma_names_private_node(vma);
}

/* fenced nodes, struct private_node_fence; mm/private_node/handle.c */
DECLARE_STATIC_KEY_FALSE(private_node_fence_key);

/**
 * private_node_any_fence - was a node ever fenced?
 *
 * The driver of a fenced node decides about each of its pages, see struct
 * private_node_fence.
 *
 * Cost: a static branch, not taken until a node is fenced.
 * Context: any.
 * Return: true from then on.
 */
static __always_inline bool private_node_any_fence(void)
{
	return static_branch_unlikely(&private_node_fence_key);
}

/* distances, mm/private_node/spare.c */
int private_node_spare_distance(int from, int to);

DECLARE_STATIC_KEY_FALSE(private_node_spare_key);

/**
 * private_node_distance - distance to or from a spare node, by its provider
 * @from: node id in [0, MAX_NUMNODES)
 * @to: node id in [0, MAX_NUMNODES)
 *
 * Cost: a static branch, not taken until a spare node is in use.
 * Context: any.
 * Return: the distance; 0 if the firmware's distance is to be used.
 */
static __always_inline int private_node_distance(int from, int to)
{
	if (static_branch_unlikely(&private_node_spare_key))
		return private_node_spare_distance(from, to);
	return 0;
}

/* hot-add and removal, mm/private_node/hotplug.c */
void private_node_offline_failed(int nid, unsigned long start_pfn,
				 unsigned long nr_pages);
void private_node_memory_changed(int nid);

/* boot, mm/private_node/boot.c */
void private_node_boot_claim(void);
bool private_node_boot_skip(int nid, int memblock_flags);
void private_node_boot_memory(int nid);
void private_node_boot_verdict(void);
void private_node_boot_release(void);
void private_node_boot_totalram(void);

#else /* !CONFIG_PRIVATE_NODE */

static __always_inline enum node_states private_node_memory_state(int nid)
{
	return N_MEMORY;
}

static inline bool private_node_takes_range(int nid)
{
	return false;
}

static __always_inline int private_node_distance(int from, int to)
{
	return 0;
}

static inline void private_node_offline_failed(int nid, unsigned long start_pfn,
					       unsigned long nr_pages)
{
}

static inline void private_node_memory_changed(int nid) {}

static __always_inline bool is_file_private_node(const struct file *file)
{
	return false;
}

static __always_inline bool
vma_is_private_node(const struct vm_area_struct *vma)
{
	return false;
}

static __always_inline bool
private_node_forbids_zeropage(const struct vm_area_struct *vma)
{
	return false;
}

static inline bool private_node_range_fixed(struct mm_struct *mm,
					    unsigned long start,
					    unsigned long end)
{
	return false;
}

static inline struct folio *private_node_mpol_alloc(struct mempolicy *pol,
						    gfp_t gfp,
						    unsigned int order,
						    pgoff_t ilx)
{
	return NULL;
}

static inline struct folio *private_node_user_alloc(int nid, gfp_t gfp,
						    unsigned int order)
{
	return NULL;
}

/*
 * Macros, so that without CONFIG_PRIVATE_NODE the object code of the callers is
 * the same as without these patches; with inline functions the compiler
 * generates other code.
 */
#define private_node_refuses_map(vma)		false
#define FAULT_FLAG_POPULATE			0
struct private_node_detour {};
#define private_node_detour_begin()		((struct private_node_detour){})
#define private_node_detour(d, error)		((void)(d), false)

static inline unsigned long private_node_overcommit(void)
{
	return 0;
}

static inline bool private_node_vma_commits(struct vm_area_struct *vma,
					    long pages)
{
	return false;
}

static inline vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
						  unsigned long addr,
						  unsigned int flags,
						  struct pt_regs *regs,
						  vm_fault_t ret)
{
	return ret;
}

static inline void private_node_boot_claim(void) {}
static inline bool private_node_boot_skip(int nid, int memblock_flags)
{
	return false;
}

static inline void private_node_boot_memory(int nid) {}
static inline void private_node_boot_verdict(void) {}
static inline void private_node_boot_release(void) {}
static inline void private_node_boot_totalram(void) {}

#endif /* CONFIG_PRIVATE_NODE */

/**
 * private_node_closed - is this a private node on which a service is not open?
 * @nid: node id
 * @service: the service
 *
 * Cost: that of node_is_private(); for a private node one more look-up.
 * Context: any.
 * Return: false for an ordinary node.
 */
static inline bool private_node_closed(int nid,
				       enum private_node_service service)
{
	return node_is_private(nid) &&
	       !private_node_service_enabled(nid, service);
}

/**
 * private_node_opened - is this a private node on which a service is open?
 * @nid: node id
 * @service: the service
 *
 * Cost: as private_node_closed().
 * Context: any.
 * Return: false for an ordinary node.
 */
static inline bool private_node_opened(int nid,
				       enum private_node_service service)
{
	return node_is_private(nid) &&
	       private_node_service_enabled(nid, service);
}

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_MEMORY_FAILURE)

/* memory failure, mm/private_node/failure.c */
extern atomic_t private_node_failures;

bool __private_node_can_replace(int nid, unsigned long pfn);
struct folio *private_node_replace(struct folio *src, gfp_t gfp,
				   unsigned int order);
void __private_node_pfn_poisoned(unsigned long pfn, long pages);

/**
 * private_node_can_replace - has a node a free page to replace one by soft
 *	offline?
 * @nid: the node
 * @pfn: the page to be replaced, in use
 *
 * Cost: a static branch; on a private node, a look at its zones.
 * Context: process, may sleep.
 * Return: true if so, or if reclaim or a fenced node can provide one; always
 * true for an ordinary node.
 */
static inline bool private_node_can_replace(int nid, unsigned long pfn)
{
	return !node_is_private(nid) || __private_node_can_replace(nid, pfn);
}

/**
 * private_node_failure_begins - memory_failure() is about to mark a page broken
 *
 * Until private_node_memory_failure() has written down whether an owner holds
 * the page, no broken page counts as one that nobody uses.
 *
 * Cost: an atomic_inc().
 * Context: process; mf_mutex held.
 */
static inline void private_node_failure_begins(void)
{
	atomic_inc(&private_node_failures);
}

/**
 * private_node_memory_failure - report a memory failure to the owner of the
 *	page
 * @pfn: page frame, of any memory
 * @soft: true after soft offline, false after memory_failure(), which called
 *	private_node_failure_begins()
 * @result: result of that, 0 or an errno
 *
 * Cost: a call.
 * Context: process, may sleep; no lock held.
 */
void private_node_memory_failure(unsigned long pfn, bool soft, int result);

/*
 * As private_node_poisoned(), for the node of a page frame that has a struct
 * page.
 */
static inline void private_node_pfn_poisoned(unsigned long pfn, long pages)
{
	if (private_node_any())
		__private_node_pfn_poisoned(pfn, pages);
}

#else

static inline void private_node_failure_begins(void) {}

static inline void private_node_pfn_poisoned(unsigned long pfn, long pages)
{
}

static inline bool private_node_can_replace(int nid, unsigned long pfn)
{
	return true;
}

static inline struct folio *private_node_replace(struct folio *src, gfp_t gfp,
						 unsigned int order)
{
	return NULL;
}

static inline void private_node_memory_failure(unsigned long pfn, bool soft,
					       int result)
{
}

#endif

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_TRANSPARENT_HUGEPAGE)

/* collapse into huge pages, mm/private_node/collapse.c */
bool __private_node_vma_stays(struct vm_area_struct *vma, bool missing,
			      const u32 *load);
bool __private_node_file_stays(struct address_space *mapping, pgoff_t index,
			       bool missing, const u32 *load);
bool __private_node_came_late(int nid, const u32 *load);
bool __private_node_stays_small(struct folio *folio);
struct folio *private_node_collapse_alloc(int nid, gfp_t gfp,
					  unsigned int order);
bool __private_node_no_collapse(const struct vm_area_struct *vma);

/**
 * private_node_vma_stays - must a range of anonymous memory not be collapsed?
 * @vma: mapping of the range, locked
 * @missing: some pages of the range are not present
 * @load: number of pages that are present, for each node
 *
 * The rules are in mm/private_node/collapse.c.
 *
 * Cost: a static branch; with a private node, a look at each node.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_vma_stays(struct vm_area_struct *vma,
					  bool missing, const u32 *load)
{
	return private_node_any() &&
	       __private_node_vma_stays(vma, missing, load);
}

/**
 * private_node_file_stays - must a range of a file not be collapsed?
 * @mapping: page cache of the file
 * @index: first page of the range
 * @missing: some pages of the range are not present
 * @load: number of pages that are present, for each node
 *
 * Cost: as private_node_vma_stays().
 * Context: process.
 * Return: true if so.
 */
static inline bool private_node_file_stays(struct address_space *mapping,
					   pgoff_t index, bool missing,
					   const u32 *load)
{
	return private_node_any() &&
	       __private_node_file_stays(mapping, index, missing, load);
}

/**
 * private_node_came_late - does a page forbid a collapse that was decided
 *	without it?
 * @nid: node of the page
 * @load: number of pages that were present at the decision, for each node
 *
 * A page may come from swap or by a fault after the range was scanned.  It
 * matters if its node or the chosen node is private.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true when the collapse has to be given up.
 */
static inline bool private_node_came_late(int nid, const u32 *load)
{
	return private_node_any() && !load[nid] &&
	       __private_node_came_late(nid, load);
}

/**
 * private_node_stays_small - does a folio forbid a collapse of its range?
 * @folio: any folio in the range
 *
 * True for guests: pages that the kernel placed on a private node.  A huge page
 * has one mark, and cannot keep guests apart from pages that a user placed
 * there.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: any.
 * Return: true if so; false for a folio of an ordinary node.
 */
#define private_node_stays_small(folio) \
	(node_is_private(folio_nid(folio)) && \
	 __private_node_stays_small(folio))

/**
 * private_node_no_collapse - is this a mapping of /dev/private_node/ without
 *	thp?
 * @vma: any mapping, locked
 *
 * Cost: as vma_is_private_node().
 * Context: any.
 * Return: true when nothing of it may be collapsed.
 */
static inline bool
private_node_no_collapse(const struct vm_area_struct *vma)
{
	return vma_is_private_node(vma) && __private_node_no_collapse(vma);
}

#else

static inline bool private_node_vma_stays(struct vm_area_struct *vma,
					  bool missing, const u32 *load)
{
	return false;
}

/* A macro: with a function, gcc generates other code for mm/khugepaged.c. */
#define private_node_file_stays(mapping, index, missing, load)	false

static inline bool private_node_came_late(int nid, const u32 *load)
{
	return false;
}

static inline bool private_node_stays_small(struct folio *folio)
{
	return false;
}

static inline struct folio *private_node_collapse_alloc(int nid, gfp_t gfp,
							unsigned int order)
{
	return NULL;
}

static inline bool
private_node_no_collapse(const struct vm_area_struct *vma)
{
	return false;
}

#endif

#endif /* _MM_PRIVATE_NODE_HOOKS_H */
