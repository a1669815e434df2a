/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compressed RAM: the hooks in the rest of mm/.
 *
 * The fence: an anonymous folio on a compressing device is mapped read-only and
 * not marked exclusive (PG_anon_exclusive) unless compressed RAM has granted
 * it.  So each write and each pin comes to do_wp_page(), which asks
 * cram_may_reuse() and copies the page otherwise.  Page cache is replaced by a
 * copy before somebody changes it.
 */
#ifndef _MM_CRAM_FENCE_H
#define _MM_CRAM_FENCE_H

#include <linux/cram.h>
#include <linux/mm.h>

#include "../private_node/free.h"

struct mem_cgroup;
struct obj_cgroup;
struct seq_buf;

#ifdef CONFIG_CRAM

extern bool cram_pageout;

bool __cram_may_reuse(struct vm_fault *vmf, struct folio *folio, bool reuse);
int __cram_copy(struct folio *dst, struct folio *src);
void __cram_stored(struct folio *folio);
bool __cram_leaves(int nid, unsigned long nr);
void __cram_stayed(int nid, unsigned long nr);
void __cram_batch_begin(void);
void __cram_batch_end(void);
bool __cram_takes(struct page *page, unsigned int order);
void __cram_failed(struct page *page);
bool __cram_refuses(struct folio *src, struct folio *dst);
bool __cram_leave_file(struct folio *folio, bool may_wait);
bool __cram_leave_unlocked(struct folio *folio);
bool __cram_unshare_file(struct vm_fault *vmf, struct folio *folio,
			 vm_fault_t *ret);
void __cram_refaulted(struct folio *new, struct page *page);
vm_fault_t __cram_copy_up(struct vm_fault *vmf,
			  vm_fault_t (*copy)(struct vm_fault *vmf));
bool __cram_waits(struct folio *folio, int priority);

/* mm/huge_memory.c, for mm/cram/evict.c */
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long split_deferred_node(int nid, unsigned long max);
#else
static inline unsigned long split_deferred_node(int nid, unsigned long max)
{
	return 0;
}
#endif

/* mm/page_alloc.c, for mm/cram/trim.c */
void free_trimmed_pages(struct page *page, unsigned int order);

#ifdef CONFIG_MEMCG
void cram_memcg_init(struct mem_cgroup *memcg, struct mem_cgroup *parent);
void cram_memcg_stat(struct mem_cgroup *memcg, struct seq_buf *s);
bool __cram_apart(const struct folio *folio);
bool __cram_charges_apart(void);
void __cram_recharged(struct folio *old, struct obj_cgroup *from,
		      struct folio *new, struct obj_cgroup *to);
void __cram_uncharge(struct folio *folio, struct obj_cgroup *objcg);
#else
static inline bool cram_charges_apart(int nid)
{
	return false;
}
#endif

/**
 * cram_places_pageout - does MADV_PAGEOUT place memory on a device before it
 *	swaps?
 *
 * The same for all callers of reclaim_pages().  Memory that is on a device
 * already stays there then.
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true if so; false without a compressing device.
 */
static __always_inline bool cram_places_pageout(void)
{
	return cram_any() && READ_ONCE(cram_pageout);
}

/**
 * cram_targets - restrict the demotion targets of a page-out to compressing
 *	devices
 * @nodes: demotion targets; the result
 * @pageout: is this a page-out, as MADV_PAGEOUT?  Otherwise @nodes does not
 *	change.
 *
 * Context: any.
 */
static inline void cram_targets(nodemask_t *nodes, bool pageout)
{
	if (pageout)
		nodes_and(*nodes, *nodes, cram_nodes);
}

/**
 * cram_folio_fenced - is a folio on a compressing device?
 * @folio: any folio
 *
 * Such a folio must not be made writable without a grant.
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool cram_folio_fenced(const struct folio *folio)
{
	return cram_node(folio_nid(folio));
}

/**
 * cram_fences - is this an anonymous folio on a compressing device?
 * @folio: any folio
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true if so.
 */
#define cram_fences(folio) \
	(cram_folio_fenced(folio) && folio_test_anon(folio))

/**
 * cram_may_reuse - may a page be written to, or pinned, in place?
 * @vmf: the fault: a write, or an unshare for a pin
 * @folio: folio of the page, anonymous
 * @reuse: could the page be reused if it were ordinary memory?  Then the folio
 *	has no other users.
 *
 * Takes a grant for a page of a compressing device, or counts the copy.
 *
 * Cost: as cram_node().
 * Context: under the page table lock.
 * Return: @reuse for ordinary memory; otherwise whether the page is granted.
 */
static __always_inline bool cram_may_reuse(struct vm_fault *vmf,
					   struct folio *folio, bool reuse)
{
	if (!cram_folio_fenced(folio))
		return reuse;
	return __cram_may_reuse(vmf, folio, reuse);
}

/**
 * cram_file_fenced - is this page cache on a compressing device?
 * @folio: any folio
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool cram_file_fenced(const struct folio *folio)
{
	return cram_folio_fenced(folio) && !folio_test_anon(folio);
}

/**
 * cram_refuses - must a migration to a compressing device be given up?
 * @src: old folio, locked and unmapped
 * @dst: new folio
 *
 * True when page cache became dirty after it was chosen, or after a capacity
 * event.
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true when nothing may be copied to @dst.
 */
static __always_inline bool cram_refuses(struct folio *src, struct folio *dst)
{
	return cram_folio_fenced(dst) && __cram_refuses(src, dst);
}

/**
 * cram_left_file - move page cache off a device before it is locked for a
 *	change
 * @folio: folio of a file, locked and with a reference; both are dropped when
 *	the result is true
 * @mmap: it is only going to be mapped (FGP_FOR_MMAP), and may stay
 * @may_wait: may the call allocate and copy?  Otherwise the folio is dropped.
 *
 * Cost: as cram_node().
 * Context: process.
 * Return: true when the folio was replaced by a copy or dropped.  The caller
 * has to look it up again.
 */
static __always_inline bool cram_left_file(struct folio *folio, bool mmap,
					   bool may_wait)
{
	return !mmap && cram_file_fenced(folio) &&
	       __cram_leave_file(folio, may_wait);
}

/**
 * cram_left_mapping - move page cache off a device before a mapping writes to
 *	it
 * @folio: folio of a file, with a reference, not locked
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: true when the folio is no longer in its file: the fault has to be
 * repeated.
 */
static __always_inline bool cram_left_mapping(struct folio *folio)
{
	return cram_file_fenced(folio) && __cram_leave_unlocked(folio);
}

/**
 * cram_left_splice - move page cache off a device before a pipe holds it
 * @folio: folio of a file, with a reference, not locked
 *
 * A pipe may hold a page for any time, and the device cannot be unregistered
 * meanwhile.
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: true when the folio is no longer in its file.
 */
static __always_inline bool cram_left_splice(struct folio *folio)
{
	return cram_file_fenced(folio) && __cram_leave_unlocked(folio);
}

/**
 * cram_waits - does a folio stay in ordinary memory because it was a refault
 *	twice?
 * @folio: the folio that reclaim is about to demote
 * @priority: priority of the reclaim; when it is low the folio does not wait
 *
 * See mm/cram/thrash.c.
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true when reclaim must not demote the folio now.
 */
static __always_inline bool cram_waits(struct folio *folio, int priority)
{
	return cram_any() && __cram_waits(folio, priority);
}

/**
 * cram_copy_up - copy a page for a write or an unshare
 * @vmf: the fault; vmf->page has a reference, or is NULL
 * @copy: function that copies the page and drops the reference
 *
 * For a large resident, @copy may be called for the pages after it as well.
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: the result of @copy for the page itself.
 */
static __always_inline vm_fault_t
cram_copy_up(struct vm_fault *vmf, vm_fault_t (*copy)(struct vm_fault *vmf))
{
	if (vmf->page && cram_node(page_to_nid(vmf->page)))
		return __cram_copy_up(vmf, copy);
	return copy(vmf);
}

/**
 * cram_prealloc - get the folio that cram_copy_up() has allocated for a copy
 * @vmf: the fault
 *
 * Cost: a static branch.
 * Context: process.
 * Return: the folio, charged, whose reference is the caller's; NULL when the
 * caller has to allocate one.
 */
static __always_inline struct folio *cram_prealloc(struct vm_fault *vmf)
{
	return cram_any() && vmf->cow_page ? page_folio(vmf->cow_page) : NULL;
}

/**
 * cram_refaulted - count a refault and make its copy active, if the page is one
 * @new: the copy, mapped, on no LRU list yet
 * @page: the page that was copied, with a reference; or NULL
 *
 * Cost: as cram_node().
 * Context: under the page table lock.
 */
static __always_inline void cram_refaulted(struct folio *new, struct page *page)
{
	if (page && cram_node(page_to_nid(page)))
		__cram_refaulted(new, page);
}

/**
 * cram_pins_file - has page cache to be replaced by a copy before it is pinned?
 * @page: page of a file that is mapped, and about to be pinned for reading
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true when the pin needs a fault with FAULT_FLAG_UNSHARE.
 */
static __always_inline bool cram_pins_file(const struct page *page)
{
	return cram_node(page_to_nid(page));
}

/**
 * cram_unshares - may FAULT_FLAG_UNSHARE be set for a shared mapping?
 *
 * If so, cram_unshare_file() handles it.
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true once a compressing device was registered.
 */
static __always_inline bool cram_unshares(void)
{
	return cram_any();
}

/**
 * cram_unshare_file - move page cache off a device, in a fault for a pin
 * @vmf: the fault, with FAULT_FLAG_UNSHARE; the page table lock is held
 * @folio: folio that is mapped there, or NULL
 * @ret: result of the fault when true is returned
 *
 * The second half of cram_pins_file().
 *
 * Cost: a static branch.
 * Context: process, under the page table lock; when true is returned it was
 * dropped, and the call may have slept.
 * Return: true when the fault is over: the folio was moved off the device, or
 * the mapping is shared and has nothing else to unshare.
 */
static __always_inline bool cram_unshare_file(struct vm_fault *vmf,
					      struct folio *folio,
					      vm_fault_t *ret)
{
	return cram_any() && __cram_unshare_file(vmf, folio, ret);
}

/**
 * cram_copy - copy a folio, as folio_mc_copy()
 * @dst: new folio
 * @src: old folio
 *
 * If @dst is on a compressing device, nothing of it is in a CPU cache
 * afterwards.
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: 0; -EHWPOISON when @src is poisoned; -ENOMEM, with CONFIG_CRAM_DEBUG
 * only.
 */
static __always_inline int cram_copy(struct folio *dst, struct folio *src)
{
	return cram_folio_fenced(dst) ? __cram_copy(dst, src) :
					folio_mc_copy(dst, src);
}

/**
 * cram_stored - settle a folio that cram_copy() has copied to a device
 * @folio: new folio, locked, not mapped yet
 *
 * Cost: as cram_node().
 * Context: process.
 */
static __always_inline void cram_stored(struct folio *folio)
{
	if (cram_folio_fenced(folio))
		__cram_stored(folio);
}

/**
 * cram_leaves - may a block of a node leave the page allocator?
 * @nid: node id
 * @order: order of the block
 *
 * A block of a compressing device leaves only against a reservation, whoever
 * takes it.
 *
 * Cost: as cram_node().
 * Context: any but NMI.
 * Return: true when it may; cram_stayed() has to follow if there was no such
 * block.
 */
static __always_inline bool cram_leaves(int nid, unsigned int order)
{
	return !cram_node(nid) || __cram_leaves(nid, 1UL << order);
}

/**
 * cram_stayed - undo cram_leaves() when no block left the page allocator
 * @nid: node id
 * @order: order of the block
 *
 * Cost: as cram_node().
 * Context: any but NMI.
 */
static __always_inline void cram_stayed(int nid, unsigned int order)
{
	if (cram_node(nid))
		__cram_stayed(nid, 1UL << order);
}

/**
 * cram_stays - do the free pages of a node stay in the free lists?
 * @nid: node id
 *
 * For code that takes free pages without a reservation: the free scanner of
 * compaction, and the end of an isolation, which takes a page only to merge it.
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true for the node of a compressing device.
 */
static __always_inline bool cram_stays(int nid)
{
	return cram_node(nid);
}

/**
 * cram_batch_begin - reserve and charge together for a list of folios to be
 *	demoted
 *
 * Migration is disabled until cram_batch_end(), which has to follow in the same
 * function.  The task may sleep in between.  See mm/cram/batch.c.
 *
 * Cost: a static branch.
 * Context: process.
 */
static __always_inline void cram_batch_begin(void)
{
	if (cram_any())
		__cram_batch_begin();
}

/**
 * cram_batch_end - the list of cram_batch_begin() was demoted
 *
 * Cost: as cram_batch_begin().
 * Context: process.
 */
static __always_inline void cram_batch_end(void)
{
	if (cram_any())
		__cram_batch_end();
}

/**
 * cram_takes - take a page that is being freed, to trim it first
 * @page: the page; all steps of its free are done that do not store to it
 * @order: order of the page
 *
 * Tells an owner that watches a page, too, see private_node_freed().
 *
 * Cost: a static branch, for each free; with a compressing device or after
 * private_node_watch(), as cram_node().
 * Context: any but NMI.
 * Return: true for a page of a compressing device.  trim.c frees it later, by
 * free_trimmed_pages().
 */
static __always_inline bool cram_takes(struct page *page, unsigned int order)
{
	return private_node_freed(page, order) &&
	       cram_node(page_to_nid(page)) && __cram_takes(page, order);
}

/**
 * cram_failed - settle a poisoned page that is freed and stays out of use
 * @page: the page
 *
 * Ends its reservation or its grant.
 *
 * Cost: as cram_node(), for a poisoned page.
 * Context: any but NMI.
 */
static __always_inline void cram_failed(struct page *page)
{
	if (cram_node(page_to_nid(page)))
		__cram_failed(page);
}

#ifdef CONFIG_MEMCG
/**
 * cram_apart - is a folio charged to memory.cram alone, not to memory.current?
 * @folio: any folio
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool cram_apart(const struct folio *folio)
{
	return cram_folio_fenced(folio) && __cram_apart(folio);
}

/**
 * cram_charges_apart - will a folio that moves to a node be charged apart?
 * @nid: node id
 *
 * See cram_apart().  False with cgroup v1.
 *
 * Cost: as cram_node().
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool cram_charges_apart(int nid)
{
	return cram_node(nid) && __cram_charges_apart();
}

/**
 * cram_recharged - the charge of a folio has moved to its new folio
 * @old: old folio
 * @from: its object cgroup
 * @new: new folio
 * @to: its object cgroup
 *
 * When the folio moves to or from a compressing device, moves the charge
 * between memory.current and memory.cram.
 *
 * Cost: as cram_node().
 * Context: any.
 */
static __always_inline void cram_recharged(struct folio *old,
					   struct obj_cgroup *from,
					   struct folio *new,
					   struct obj_cgroup *to)
{
	if (cram_folio_fenced(old) || cram_folio_fenced(new))
		__cram_recharged(old, from, new, to);
}

/**
 * cram_uncharge - uncharge a folio from memory.cram
 * @folio: the folio
 * @objcg: object cgroup that it was charged to
 *
 * Does nothing for ordinary memory.
 *
 * Cost: as cram_node().
 * Context: any.
 */
static __always_inline void cram_uncharge(struct folio *folio,
					  struct obj_cgroup *objcg)
{
	if (cram_folio_fenced(folio))
		__cram_uncharge(folio, objcg);
}
#endif

#else

#define cram_places_pageout()			false
#define cram_targets(nodes, pageout)		do { } while (0)

static inline void cram_memcg_init(struct mem_cgroup *memcg,
				   struct mem_cgroup *parent) {}
static inline void cram_memcg_stat(struct mem_cgroup *memcg,
				   struct seq_buf *s) {}

static inline bool cram_apart(const struct folio *folio)
{
	return false;
}

static inline bool cram_charges_apart(int nid)
{
	return false;
}

static inline void cram_recharged(struct folio *old, struct obj_cgroup *from,
				  struct folio *new, struct obj_cgroup *to) {}
static inline void cram_uncharge(struct folio *folio,
				 struct obj_cgroup *objcg) {}

static inline bool cram_folio_fenced(const struct folio *folio)
{
	return false;
}

#define cram_fences(folio)	false

static inline bool cram_may_reuse(struct vm_fault *vmf, struct folio *folio,
				  bool reuse)
{
	return reuse;
}

static inline bool cram_refuses(struct folio *src, struct folio *dst)
{
	return false;
}

static inline bool cram_left_file(struct folio *folio, bool mmap,
				  bool may_wait)
{
	return false;
}

static inline bool cram_left_mapping(struct folio *folio)
{
	return false;
}

#define cram_left_splice(folio)			false
#define cram_file_fenced(folio)			false
#define cram_pins_file(page)			false
#define cram_waits(folio, priority)		false
#define cram_copy_up(vmf, copy)			copy(vmf)
#define cram_refaulted(new, page)		do { } while (0)
#define cram_prealloc(vmf)			((struct folio *)NULL)
#define cram_unshares()				false
#define cram_unshare_file(vmf, folio, ret)	false

static inline void cram_stored(struct folio *folio) {}

static inline int cram_copy(struct folio *dst, struct folio *src)
{
	return folio_mc_copy(dst, src);
}

static inline int cram_copy_page(struct page *dst, struct page *src)
{
	return 0;
}

static inline void cram_batch_begin(void) {}
static inline void cram_batch_end(void) {}

static inline bool cram_leaves(int nid, unsigned int order)
{
	return true;
}

static inline void cram_stayed(int nid, unsigned int order) {}

static inline bool cram_stays(int nid)
{
	return false;
}

static __always_inline bool cram_takes(struct page *page, unsigned int order)
{
	private_node_freed(page, order);
	return false;
}

static inline void cram_failed(struct page *page) {}
static inline void cram_thrash_moves_up(struct folio *folio) {}

#endif /* CONFIG_CRAM */

#endif /* _MM_CRAM_FENCE_H */
