// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory failure on a private node.
 *
 * mm/memory-failure.c takes a page out of use as on any node.  Three things are
 * different on a private node and are done here.  The replacement of a
 * soft-offlined page comes from the same node.  The owner is told of each
 * report.  A broken page in a folio of the owner is on a list while he holds it;
 * when he frees the folio, its intact pages go to the free lists, and the broken
 * one does not.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/visibility.h>
#include <linux/cram_fence.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "../swap.h"
#include "free.h"
#include "private_node.h"
#include "refusals.h"

/* A page with memory failure in a folio that the owner holds, or held. */
struct held_page {
	struct list_head list;
	unsigned long pfn;
};

/* Of all nodes; under held_lock.  Entries of pages that were freed go later. */
static LIST_HEAD(held_pages);
static DEFINE_SPINLOCK(held_lock);

/* Was any memory of a private node reported as broken since boot? */
static bool any_broken;

/* An owner's page that he frees stays out of the free lists: no references. */
static bool still_held(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && PageHWPoison(page) && page_count(page);
}

static void held_add(unsigned long pfn)
{
	struct held_page *new = kmalloc_obj(*new, GFP_KERNEL | __GFP_NOFAIL);
	struct held_page *h, *next;

	new->pfn = pfn;
	guard(spinlock)(&held_lock);
	list_for_each_entry_safe(h, next, &held_pages, list)
		if (h->pfn == pfn || !still_held(h->pfn)) {
			list_del(&h->list);
			kfree(h);
		}
	list_add(&new->list, &held_pages);
}

/* Is this a broken page that an owner holds? */
static bool is_held(unsigned long pfn)
{
	struct held_page *h;

	guard(spinlock)(&held_lock);
	list_for_each_entry(h, &held_pages, list)
		if (h->pfn == pfn)
			return still_held(pfn);
	return false;
}

/*
 * __private_node_block_broken - see private_node_block_broken()
 */
bool __private_node_block_broken(struct page *page, unsigned int order)
{
	unsigned long i;

	if (!READ_ONCE(any_broken) || cram_node(page_to_nid(page)))
		return false;
	for (i = 0; i < 1UL << order; i++)
		if (PageHWPoison(page + i))
			return true;
	return false;
}

/*
 * From now on private_node_block_broken() looks.  A block that was freed after its
 * page was marked, and before this, is in the free lists.
 */
static void broken_seen(struct page *page)
{
	if (READ_ONCE(any_broken))
		return;
	WRITE_ONCE(any_broken, true);
	if (page_count(page))
		return;
	private_node_drain(page_to_nid(page));
	if (take_page_off_buddy(page))
		page_ref_inc(page);
}

/*
 * A broken page stays in the swap cache so that a swap-in fails.  Its place is
 * taken by an ordinary page that is not uptodate, with which a swap-in fails as
 * well.
 */
static void replace_in_swap_cache(struct folio *old)
{
	struct folio *new = folio_alloc(GFP_KERNEL | __GFP_NOFAIL, 0);
	struct swap_cluster_info *ci;

	__folio_set_locked(new);
	__folio_set_swapbacked(new);
	new->swap = old->swap;
	folio_set_swapcache(new);
	ci = swap_cluster_get_and_lock_irq(old);
	__swap_cache_replace_folio(ci, old, new);
	node_stat_mod_folio(new, NR_FILE_PAGES, 1);
	lruvec_stat_mod_folio(new, NR_SWAPCACHE, 1);
	node_stat_mod_folio(old, NR_FILE_PAGES, -1);
	lruvec_stat_mod_folio(old, NR_SWAPCACHE, -1);
	swap_cluster_unlock_irq(ci);
	folio_clear_swapcache(old);
	old->private = NULL;
	/* The reference of @new stays with the swap cache. */
	folio_put(old);
	folio_unlock(new);
}

static void detach_broken(struct folio *folio)
{
	folio_lock(folio);
	if (folio_test_large(folio) || folio_mapped(folio))
		;
	else if (folio_test_swapcache(folio))
		replace_in_swap_cache(folio);
	else if (!folio_test_anon(folio) && folio->mapping &&
		 shmem_mapping(folio->mapping))
		private_node_poison_shmem(folio);
	folio_unlock(folio);
}

/*
 * private_node_page_lost - is this a broken page that nobody uses any more?
 * @page: any page
 *
 * A broken page stays in the file or the swap cache, so that those who ask for
 * its data get an error.  It is taken out of there first, and something else is
 * left in its place that gives the error, so that the page can be unplugged.
 *
 * Context: process, may sleep.
 * Return: true if so; false if the owner holds it, or it is not broken.
 */
bool private_node_page_lost(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!PageHWPoison(page))
		return false;
	if ((folio_test_swapcache(folio) || folio->mapping) &&
	    folio_try_get(folio)) {
		if (page_folio(page) == folio)
			detach_broken(folio);
		folio_put(folio);
	}
	return !folio_test_large(folio) && !folio_mapped(folio) &&
	       folio_ref_count(folio) <= 1 &&
	       !is_held(page_to_pfn(page));
}

/*
 * __private_node_can_replace - see private_node_can_replace()
 *
 * Called before a soft offline splits a huge page, so that none is split in
 * vain.
 */
bool __private_node_can_replace(int nid, unsigned long pfn)
{
	if (cram_node(nid) ||
	    private_node_service_enabled(nid, PRIVATE_NODE_RECLAIM) ||
	    !private_node_is_full(nid))
		return true;
	private_node_record(.nid = nid, .act = PRIVATE_NODE_USER_SOFT_OFFLINE,
			    .why = PRIVATE_NODE_WHY_FULL);
	return false;
}

/*
 * private_node_replace - allocate the folio to which a soft-offlined one moves
 * @src: the folio that is soft-offlined
 * @gfp: for the new folio
 * @order: of the new folio
 *
 * The new folio is on the same private node.  On compressed RAM it is on an
 * ordinary node that the users of @src may have.
 *
 * Context: process, may sleep.
 * Return: the folio, or NULL.
 */
struct folio *private_node_replace(struct folio *src, gfp_t gfp,
				   unsigned int order)
{
	nodemask_t nodes = node_states[N_MEMORY];
	int nid = folio_nid(src);
	struct private_node *pn;
	struct folio *folio;

	if (cram_node(nid)) {
		if (private_node_may_go(src, &nodes, NUMA_NO_NODE) <= 0)
			return NULL;
		return private_node_alloc_among(nid, &nodes, gfp, order);
	}
	pn = private_node_find(nid);
	if (!pn)
		return NULL;
	folio = private_node_alloc_exact(pn, gfp, order,
					 PRIVATE_NODE_USER_SOFT_OFFLINE);
	private_node_put(pn);
	return folio;
}

static bool owner_holds(struct page *page)
{
	struct folio *folio = page_folio(page);
	bool ret;

	if (!folio_try_get(folio))
		return false;
	ret = !private_node_folio_is_users(folio);
	folio_put(folio);
	return ret;
}

/* PRIVATE_NODE_FAILURE_* of a report, for the owner. */
static unsigned int failure_flags(struct page *page, bool soft, int result)
{
	unsigned int flags = soft ? PRIVATE_NODE_FAILURE_SOFT : 0;

	if (!result)
		return flags | PRIVATE_NODE_FAILURE_ISOLATED;
	/* -EHWPOISON: the page was reported before. */
	if (result == -EHWPOISON && private_node_page_lost(page))
		return flags | PRIVATE_NODE_FAILURE_ISOLATED;
	if (result == -EHWPOISON ? is_held(page_to_pfn(page)) :
				   owner_holds(page))
		return flags | PRIVATE_NODE_FAILURE_HELD;
	return flags;
}

static void count_failure(struct private_node *pn, unsigned int flags)
{
	if (!(flags & PRIVATE_NODE_FAILURE_ISOLATED))
		this_cpu_inc(pn->stats->failure_not_isolated);
	else if (flags & PRIVATE_NODE_FAILURE_SOFT)
		this_cpu_inc(pn->stats->failure_soft);
	else
		this_cpu_inc(pn->stats->failure_hard);
}

static void log_failure(struct private_node *pn, unsigned long pfn,
			unsigned int flags, int result)
{
	const char *what = flags & PRIVATE_NODE_FAILURE_SOFT ?
			   "soft offline" : "memory failure";

	/* A soft offline loses no data. */
	if (!(flags & PRIVATE_NODE_FAILURE_SOFT))
		private_node_record(.nid = pn->nid, .owner = pn->owner,
				    .act = PRIVATE_NODE_ACT_DATA,
				    .why = PRIVATE_NODE_WHY_BROKEN, .pages = 1);
	if (flags & PRIVATE_NODE_FAILURE_ISOLATED)
		pr_info("node %d: pfn %#lx: %s: out of use\n", pn->nid, pfn,
			what);
	else if (flags & PRIVATE_NODE_FAILURE_HELD)
		pr_err("node %d: pfn %#lx: %s: held by owner %s, who alone can free it\n",
		       pn->nid, pfn, what, pn->owner);
	else if (flags & PRIVATE_NODE_FAILURE_SOFT &&
		 private_node_is_full(pn->nid))
		pr_err("node %d: pfn %#lx: %s: still in use, no free page on the node to move it to\n",
		       pn->nid, pfn, what);
	else
		pr_err("node %d: pfn %#lx: %s: still in use (%d)\n", pn->nid,
		       pfn, what, result);
}

/*
 * private_node_tell_owner - call the owner's memory_failure()
 * @pn: the handle
 * @pfn: first page
 * @nr_pages: number of pages
 * @flags: PRIVATE_NODE_FAILURE_*
 *
 * Context: process, may sleep; no lock of mm/ held.
 */
void private_node_tell_owner(struct private_node *pn, unsigned long pfn,
			     unsigned long nr_pages, unsigned int flags)
{
	const struct private_node_ops *ops;

	/*
	 * The SRCU domain is per handle: a slow callback delays no other owner.
	 */
	guard(srcu)(&pn->ops_srcu);
	ops = READ_ONCE(pn->ops);
	if (ops && ops->memory_failure)
		ops->memory_failure(pn, pfn, nr_pages, flags);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_tell_owner);

/*
 * private_node_end_ops - stop callbacks, and wait for those that run
 * @pn: the handle
 *
 * Context: process, may sleep; not from a callback.
 */
void private_node_end_ops(struct private_node *pn)
{
	if (!pn->ops)
		return;
	WRITE_ONCE(pn->ops, NULL);
	synchronize_srcu(&pn->ops_srcu);
}

/*
 * __private_node_memory_failure - see private_node_memory_failure()
 */
void __private_node_memory_failure(unsigned long pfn, bool soft, int result)
{
	struct page *page = pfn_to_online_page(pfn);
	struct private_node *pn;
	unsigned int flags;

	/* -EOPNOTSUPP: filtered or switched off, so nothing was done. */
	if (!page || result == -EOPNOTSUPP)
		return;
	pn = private_node_find(page_to_nid(page));
	if (!pn)
		return;
	if (!soft)
		broken_seen(page);
	flags = failure_flags(page, soft, result);
	if (!soft && flags & PRIVATE_NODE_FAILURE_HELD)
		held_add(pfn);
	count_failure(pn, flags);
	trace_private_node_memory_failure(pn->nid, pfn, flags, result);
	log_failure(pn, pfn, flags, result);
	private_node_tell_owner(pn, pfn, 1, flags);
	private_node_put(pn);
}
