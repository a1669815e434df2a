/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compressed RAM in other people's code: the fence, and the way out.
 *
 * A folio on a fenced node is never mapped writable: it is never marked
 * exclusive, so that every write, and every pin, copies it first.
 */
#ifndef _LINUX_CRAM_FENCE_H
#define _LINUX_CRAM_FENCE_H

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pipe_fs_i.h>
#include <linux/private_node_hooks.h>

struct mem_cgroup;
struct obj_cgroup;
struct seq_buf;

#ifdef CONFIG_CRAM

DECLARE_STATIC_KEY_FALSE(cram_key);
extern nodemask_t cram_nodes;
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
bool __cram_pipe_page(struct pipe_buffer *buf);
void __cram_refaulted(struct folio *new, struct page *page);
vm_fault_t __cram_copy_up(struct vm_fault *vmf,
			  vm_fault_t (*copy)(struct vm_fault *vmf));
bool __cram_waits(struct folio *folio, int priority);
void cram_thrash_moves_up(struct folio *folio);
bool cram_may_anon(void);
bool cram_may_file(struct folio *folio);
void cram_prepare_file(struct folio *folio);

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

/* For mm/private_node/tier.c, see mm/cram/core.c and memcg.c. */
bool cram_has_room(int nid);
unsigned long cram_credit_pages(int nid);
bool cram_may_take(int nid, unsigned long nr);
bool cram_reserve(int nid, unsigned long nr);
void cram_unreserve(int nid, unsigned long nr);
void cram_not_stored(struct folio *folio);
int cram_copy_page(struct page *dst, struct page *src);

#ifdef CONFIG_MEMCG
void cram_memcg_init(struct mem_cgroup *memcg, struct mem_cgroup *parent);
void cram_memcg_stat(struct mem_cgroup *memcg, struct seq_buf *s);
bool cram_memcg_full(struct mem_cgroup *memcg);
bool cram_memcg_may_take(struct folio *folio);
bool cram_memcg_charge(struct folio *src);
void cram_memcg_uncharge(struct folio *src);
void cram_memcg_remember(struct folio *dst, struct folio *src);
void cram_memcg_undo(struct folio *dst);
bool __cram_apart(const struct folio *folio);
bool __cram_charges_apart(void);
void __cram_recharged(struct folio *old, struct obj_cgroup *from,
		      struct folio *new, struct obj_cgroup *to);
void __cram_uncharge(struct folio *folio, struct obj_cgroup *objcg);
#else
static inline bool cram_memcg_full(struct mem_cgroup *memcg)
{
	return false;
}

static inline bool cram_memcg_may_take(struct folio *folio)
{
	return true;
}

static inline bool cram_memcg_charge(struct folio *src)
{
	return true;
}

static inline void cram_memcg_uncharge(struct folio *src) {}
static inline void cram_memcg_remember(struct folio *dst, struct folio *src) {}
static inline void cram_memcg_undo(struct folio *dst) {}

static inline bool cram_charges_apart(int nid)
{
	return false;
}
#endif

/**
 * cram_any - is there a compressing device?
 *
 * Cost: a static branch.
 * Context: any.
 */
static __always_inline bool cram_any(void)
{
	return static_branch_unlikely(&cram_key);
}

/**
 * cram_no_hibernation - is there a device whose memory a snapshot would spoil?
 *
 * To restore an image is to store pages that no ledger has paid for.
 * Context: any; the answer stays while system_transition_mutex is held.  See
 * also the notifier in mm/cram/core.c, for a device that is registered meanwhile.
 */
static inline bool cram_no_hibernation(void)
{
	return cram_any() && private_node_hook(hibernation) &&
	       !nodes_empty(cram_nodes);
}

/**
 * cram_node - is this the node of a compressing device?
 * @nid: node id
 *
 * Cost: a static branch, not taken until there is a device; then a bit test.
 * Context: any.
 */
static __always_inline bool cram_node(int nid)
{
	return static_branch_unlikely(&cram_key) &&
	       node_isset(nid, cram_nodes);
}

/**
 * cram_places_pageout - does memory that is to be paged out go to a device first?
 *
 * For MADV_PAGEOUT and its kin.  What is on a device already stays then.
 * Cost: a static branch.
 * Context: any.
 */
static __always_inline bool cram_places_pageout(void)
{
	return cram_any() && private_node_hook(cram_pageout) &&
	       READ_ONCE(cram_pageout);
}

/**
 * cram_targets - leave compressing devices alone of where memory may be demoted to
 * @nodes: nodes; the result
 * @pageout: is it to be paged out?  Any other reclaim may use all targets
 *
 * Context: any.
 */
static inline void cram_targets(nodemask_t *nodes, bool pageout)
{
	if (pageout)
		nodes_and(*nodes, *nodes, cram_nodes);
}

/**
 * cram_folio_fenced - may nobody write to a folio?
 * @folio: any folio
 *
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_folio_fenced(const struct folio *folio)
{
	return cram_node(folio_nid(folio));
}

/**
 * cram_fences - cram_folio_fenced() for anonymous memory, in somebody's code
 * @hook: name of the hook, one of PRIVATE_NODE_HOOKS
 * @folio: any folio
 *
 * Cost and context: as cram_node().
 */
#define cram_fences(hook, folio) \
	(private_node_hook(hook) && cram_folio_fenced(folio) && \
	 folio_test_anon(folio))

/**
 * cram_may_reuse - may a page be written to where it is?
 * @vmf: who writes, or wants to hold the page
 * @folio: its folio, anonymous
 * @reuse: could it, were it ordinary memory?  Then nobody else has the folio.
 *
 * Counts the copy, or takes a grant for the page.
 * Cost: as cram_node().
 * Context: under the page table lock.
 */
static __always_inline bool cram_may_reuse(struct vm_fault *vmf,
					   struct folio *folio, bool reuse)
{
	if (!(private_node_hook(cram_reuse) && cram_folio_fenced(folio)))
		return reuse;
	return __cram_may_reuse(vmf, folio, reuse);
}

/**
 * cram_file_fenced - is this page cache that nobody may write to?
 * @folio: any folio
 *
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_file_fenced(const struct folio *folio)
{
	return cram_folio_fenced(folio) && !folio_test_anon(folio);
}

/**
 * cram_refuses - may a folio not move to its place after all?
 * @src: folio, locked and not mapped
 * @dst: its place
 *
 * It may have become dirty since it was chosen, or a capacity event has come.
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_refuses(struct folio *src, struct folio *dst)
{
	return cram_folio_fenced(dst) && __cram_refuses(src, dst);
}

/**
 * cram_left_file - take page cache away from who looks for it to change it
 * @folio: folio of a file, locked and held; neither any more when it is gone
 * @mmap: is it only to be mapped?
 * @may_wait: may a copy be made?  Otherwise it is read again from the disk
 *
 * Cost: as cram_node().
 * Context: process.
 * Return: true when the folio is no longer there: a copy may be.
 */
static __always_inline bool cram_left_file(struct folio *folio, bool mmap,
					   bool may_wait)
{
	return !mmap && cram_file_fenced(folio) &&
	       private_node_hook(cram_file) &&
	       __cram_leave_file(folio, may_wait);
}

/**
 * cram_left_mapping - take page cache away from a mapping that writes
 * @folio: folio of a file, held, not locked
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: true when the folio is no longer there.
 */
static __always_inline bool cram_left_mapping(struct folio *folio)
{
	return cram_file_fenced(folio) && private_node_hook(cram_file_map) &&
	       __cram_leave_unlocked(folio);
}

/**
 * cram_left_splice - take page cache away from who would put it into a pipe
 * @folio: folio of a file, held, not locked
 *
 * Nobody knows when the pipe is read, and until then the device could not go.
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: true when the folio is no longer there.
 */
static __always_inline bool cram_left_splice(struct folio *folio)
{
	return cram_file_fenced(folio) && private_node_hook(cram_splice) &&
	       __cram_leave_unlocked(folio);
}

/**
 * cram_pipe_page - give a pipe a page of its own
 * @buf: with a page of somebody's memory, held; that is NULL and not held when
 *	there is no memory for a copy
 *
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: false when there is no memory for a copy.
 */
static __always_inline bool cram_pipe_page(struct pipe_buffer *buf)
{
	return !(private_node_hook(cram_pipe) &&
		 cram_node(page_to_nid(buf->page))) || __cram_pipe_page(buf);
}

/**
 * cram_waits - does a folio stay in ordinary memory, since it came back too often?
 * @folio: that reclaim would demote
 * @priority: of the reclaim
 *
 * Cost: a static branch.
 * Context: any.
 */
static __always_inline bool cram_waits(struct folio *folio, int priority)
{
	return cram_any() && private_node_hook(cram_waits) &&
	       __cram_waits(folio, priority);
}

/**
 * cram_copy_up - a page is copied for a write
 * @vmf: the write; vmf->page is held, or NULL
 * @copy: copies it, and lets go of it
 *
 * Pages of a large resident next to it may be copied as well.
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: of @copy.
 */
static __always_inline vm_fault_t
cram_copy_up(struct vm_fault *vmf, vm_fault_t (*copy)(struct vm_fault *vmf))
{
	if (vmf->page && cram_node(page_to_nid(vmf->page)))
		return __cram_copy_up(vmf, copy);
	return copy(vmf);
}

/**
 * cram_prealloc - the folio that a copy goes to, where there is one already
 * @vmf: the write
 *
 * Cost: a static branch.
 * Context: process.
 * Return: the folio, charged, for the caller to use or drop; or NULL.
 */
static __always_inline struct folio *cram_prealloc(struct vm_fault *vmf)
{
	return cram_any() && vmf->cow_page ? page_folio(vmf->cow_page) : NULL;
}

/**
 * cram_refaulted - a page was copied for a write
 * @new: the copy, mapped, on no LRU list yet
 * @page: the page, held; or NULL
 *
 * Cost: as cram_node().
 * Context: under the page table lock.
 */
static __always_inline void cram_refaulted(struct folio *new, struct page *page)
{
	if (page && private_node_hook(cram_refaulted) &&
	    cram_node(page_to_nid(page)))
		__cram_refaulted(new, page);
}

/**
 * cram_pins_file - is this page cache of which a pin has to take a copy first?
 * @page: that is mapped, and is to be pinned for reading
 *
 * Cost: as cram_node().
 * Context: any.
 */
static __always_inline bool cram_pins_file(const struct page *page)
{
	return private_node_hook(cram_pin) && cram_node(page_to_nid(page));
}

/**
 * cram_unshares - does FAULT_FLAG_UNSHARE mean something for shared mappings too?
 *
 * See cram_unshare_file().
 * Cost: a static branch.
 * Context: any.
 */
static __always_inline bool cram_unshares(void)
{
	return cram_any();
}

/**
 * cram_unshare_file - cram_pins_file(): a fault takes the copy
 * @vmf: the fault, FAULT_FLAG_UNSHARE; the lock of the page table is held
 * @folio: what is mapped there, or NULL
 * @ret: result
 *
 * Cost: a static branch.
 * Context: process; may sleep when the fault ends, and has dropped the lock then.
 * Return: true when the fault ends with @ret: page cache has left a device, or has
 * done so before; a shared mapping has nothing else to unshare.
 */
static __always_inline bool cram_unshare_file(struct vm_fault *vmf,
					      struct folio *folio,
					      vm_fault_t *ret)
{
	return cram_any() && __cram_unshare_file(vmf, folio, ret);
}

/**
 * cram_copy - copy a folio to its new place, as folio_mc_copy()
 * @dst: the place
 * @src: the folio
 *
 * To a compressing device past the caches, or written back from them.
 * Cost: as cram_node().
 * Context: process, may sleep.
 * Return: 0, or -EHWPOISON.
 */
static __always_inline int cram_copy(struct folio *dst, struct folio *src)
{
	return cram_folio_fenced(dst) ? __cram_copy(dst, src) :
					folio_mc_copy(dst, src);
}

/**
 * cram_stored - a folio was copied to its place, by cram_copy()
 * @folio: new folio, locked, not mapped yet
 *
 * Cost: as cram_node().
 * Context: process.
 */
static __always_inline void cram_stored(struct folio *folio)
{
	if (private_node_hook(cram_stored) && cram_folio_fenced(folio))
		__cram_stored(folio);
}

/**
 * cram_leaves - may pages of a node leave the page allocator?
 * @nid: node id
 * @order: of the pages
 *
 * Those of a compressing device only against a reservation, whoever takes them.
 * cram_stayed() when there was none.
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_leaves(int nid, unsigned int order)
{
	return !(private_node_hook(cram_token) && cram_node(nid)) ||
	       __cram_leaves(nid, 1UL << order);
}

/**
 * cram_stayed - no pages of a node left the page allocator after all
 * @nid: node id
 * @order: as for cram_leaves(), which said yes
 *
 * Cost and context: as cram_node().
 */
static __always_inline void cram_stayed(int nid, unsigned int order)
{
	if (private_node_hook(cram_token) && cram_node(nid))
		__cram_stayed(nid, 1UL << order);
}

/**
 * cram_stays - must free pages of a node stay where they are?
 * @nid: node id
 *
 * For who takes free pages to move something to them, and has reserved nothing.
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_stays(int nid)
{
	return cram_node(nid);
}

/**
 * cram_batch_begin - a list of folios is about to be demoted
 *
 * They are paid for together.  The task stays on its processor until
 * cram_batch_end(), which follows in the same function, and may sleep.
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
 * cram_batch_end - they have been
 *
 * Cost and context: as cram_batch_begin().
 */
static __always_inline void cram_batch_end(void)
{
	if (cram_any())
		__cram_batch_end();
}

/**
 * cram_takes - does a page that is being freed have to be trimmed first?
 * @page: the page, prepared but for stores to it
 * @order: of the page
 *
 * Cost: as cram_node(), for each free.
 * Context: any but NMI.
 */
static __always_inline bool cram_takes(struct page *page, unsigned int order)
{
	return private_node_hook(cram_trim) && cram_node(page_to_nid(page)) &&
	       __cram_takes(page, order);
}

/**
 * cram_failed - a page that has failed is freed, and goes nowhere
 * @page: the page
 *
 * Nobody owes the device anything for it any more.
 * Cost: as cram_node(), for a page that has failed.
 * Context: any but NMI.
 */
static __always_inline void cram_failed(struct page *page)
{
	if (private_node_hook(cram_trim) && cram_node(page_to_nid(page)))
		__cram_failed(page);
}

#ifdef CONFIG_MEMCG
/**
 * cram_apart - is a folio charged to memory.cram alone, not to memory.max?
 * @folio: any folio
 *
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_apart(const struct folio *folio)
{
	return cram_folio_fenced(folio) && __cram_apart(folio);
}

/**
 * cram_charges_apart - is what moves to a node charged so?
 * @nid: node id
 *
 * Cost and context: as cram_node().
 */
static __always_inline bool cram_charges_apart(int nid)
{
	return cram_node(nid) && private_node_hook(cram_memcg) &&
	       __cram_charges_apart();
}

/**
 * cram_recharged - a charge has moved to a new folio
 * @old: where it was
 * @from: its object cgroup
 * @new: the new folio
 * @to: its object cgroup
 *
 * To or from a compressing device it moves to another counter as well.
 * Cost and context: as cram_node().
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
 * cram_uncharge - a folio is no longer charged
 * @folio: the folio
 * @objcg: it was charged to
 *
 * Cost and context: as cram_node().
 */
static __always_inline void cram_uncharge(struct folio *folio,
					  struct obj_cgroup *objcg)
{
	if (private_node_hook(cram_uncharge) && cram_folio_fenced(folio))
		__cram_uncharge(folio, objcg);
}
#endif

#else

#define cram_nodes NODE_MASK_NONE

static inline bool cram_any(void)
{
	return false;
}

#define cram_places_pageout()			false
#define cram_targets(nodes, pageout)		do { } while (0)

static inline bool cram_no_hibernation(void)
{
	return false;
}

static inline bool cram_has_room(int nid)
{
	return false;
}

static inline unsigned long cram_credit_pages(int nid)
{
	return 0;
}

static inline bool cram_may_take(int nid, unsigned long nr)
{
	return false;
}

static inline bool cram_reserve(int nid, unsigned long nr)
{
	return false;
}

static inline void cram_unreserve(int nid, unsigned long nr) {}
static inline void cram_not_stored(struct folio *folio) {}

static inline void cram_memcg_init(struct mem_cgroup *memcg,
				   struct mem_cgroup *parent) {}
static inline void cram_memcg_stat(struct mem_cgroup *memcg,
				   struct seq_buf *s) {}

static inline bool cram_memcg_full(struct mem_cgroup *memcg)
{
	return true;
}

static inline bool cram_memcg_may_take(struct folio *folio)
{
	return false;
}

static inline bool cram_memcg_charge(struct folio *src)
{
	return false;
}

static inline void cram_memcg_uncharge(struct folio *src) {}
static inline void cram_memcg_remember(struct folio *dst, struct folio *src) {}
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

static inline bool cram_node(int nid)
{
	return false;
}

static inline bool cram_folio_fenced(const struct folio *folio)
{
	return false;
}

#define cram_fences(hook, folio)	false

static inline bool cram_may_reuse(struct vm_fault *vmf, struct folio *folio,
				  bool reuse)
{
	return reuse;
}

static inline bool cram_may_anon(void)
{
	return false;
}

static inline bool cram_may_file(struct folio *folio)
{
	return false;
}

static inline void cram_prepare_file(struct folio *folio) {}

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
#define cram_pipe_page(buf)			true
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

static inline bool cram_takes(struct page *page, unsigned int order)
{
	return false;
}

static inline void cram_failed(struct page *page) {}
static inline void cram_thrash_moves_up(struct folio *folio) {}

#endif /* CONFIG_CRAM */

#endif /* _LINUX_CRAM_FENCE_H */
