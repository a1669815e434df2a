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
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/swap.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "../swap.h"
#include "free.h"
#include "internal.h"
#include "refusals.h"

/*
 * __private_node_can_replace - see private_node_can_replace()
 *
 * Called before a soft offline splits a huge page, so that none is split in
 * vain.
 */
bool __private_node_can_replace(int nid, unsigned long pfn)
{
	if (private_node_fenced(nid) ||
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
 * The new folio is on the same private node.  If that is fenced, the
 * folio is on an ordinary node that the users of @src may have.
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

	if (private_node_fenced(nid)) {
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

/*
 * A page pool does not recycle a page that came from a reserve, and drops what
 * is received into it.  Both is right for a broken page as well.  The bit is
 * one that page_pool_page_is_pp() ignores.
 */
static void expel_from_pool(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_try_get(folio))
		return;
	/* Bit 1 is that of folio_is_pfmemalloc(). */
	if (page_pool_page_is_pp(&folio->page))
		set_bit(1, &folio->page.pp_magic);
	folio_put(folio);
}

/*
 * Does the owner hold the page?  Guests, such as pages of zswap, do not count:
 * the kernel holds them.
 */
static bool owner_holds(struct page *page)
{
	struct folio *folio = page_folio(page);
	bool ret;

	if (!folio_try_get(folio))
		return false;
	ret = !private_node_folio_is_users(folio) &&
	      !private_node_is_guest(folio);
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
	if (result == -EHWPOISON && private_node_page_unused(page))
		return flags | PRIVATE_NODE_FAILURE_ISOLATED;
	if (result == -EHWPOISON ? private_node_is_held(page_to_pfn(page)) :
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

/* A device that loses thousands of pages at once says so in other ways. */
static DEFINE_RATELIMIT_STATE(failure_lines, 5 * HZ, 50);

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
	if (!__ratelimit(&failure_lines))
		return;
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

/* Calls of memory_failure() whose page judge_failure() has not seen yet. */
atomic_t private_node_failures;

/*
 * Finds out what a report of memory failure did to a page, and notes what
 * unplug and offline have to know about it.  Returns PRIVATE_NODE_FAILURE_*.
 */
static unsigned int judge_failure(struct page *page, bool soft, int result)
{
	unsigned int flags;

	if (!soft) {
		private_node_broken_seen(page);
		private_node_huge_failed(page, result);
	}
	flags = failure_flags(page, soft, result);
	if (!(flags & PRIVATE_NODE_FAILURE_HELD)) {
		private_node_held_forget(page_to_pfn(page), 1);
		/* It keeps the reference of memory_failure(), and is never freed. */
		private_node_freed(page, 0);
	} else if (!soft) {
		private_node_held_add(page_to_pfn(page));
		expel_from_pool(page);
	}
	return flags;
}

/* See hooks.h. */
void private_node_memory_failure(unsigned long pfn, bool soft, int result)
{
	struct page *page = pfn_to_online_page(pfn);
	struct private_node *pn = NULL;
	unsigned int flags;

	/* -EOPNOTSUPP: filtered or switched off, so nothing was done. */
	if (page && result != -EOPNOTSUPP)
		pn = private_node_find(page_to_nid(page));
	if (pn)
		flags = judge_failure(page, soft, result);
	/* The owner may unplug in its callback. */
	if (!soft)
		atomic_dec(&private_node_failures);
	if (!pn)
		return;
	count_failure(pn, flags);
	trace_private_node_memory_failure(pn->nid, pfn, flags, result);
	log_failure(pn, pfn, flags, result);
	private_node_tell_owner(pn, pfn, 1, flags);
	private_node_put(pn);
}
