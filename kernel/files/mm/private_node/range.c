// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contiguous ranges of a private node, above the largest folio: for its owner,
 * and for huge pages of hugetlb that are larger than the buddy's blocks.
 *
 * alloc_contig_range() refuses private nodes, because who knows a physical range
 * has not named its owner.  Here the caller has named the node and is inside its
 * gate.  The task that holds private_node.range_lock is let through, for as long
 * as it takes one range.
 *
 * A range is taken where nobody else is, or, if the caller says so, where the
 * kernel (guests, see mark.c) or users have put movable memory.  Their folios
 * move to free memory of the same node, which all their users have now, or
 * where all users may have them; where a folio has to stay, the next place is
 * tried.  Memory of the owner, hugetlb, and what is pinned is not moved.
 */
#include <linux/export.h>
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched/signal.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

static bool may_displace(struct folio *folio, unsigned int flags)
{
	if (!private_node_folio_is_users(folio) || folio_test_hugetlb(folio) ||
	    folio_maybe_dma_pinned(folio))
		return false;
	return flags & (private_node_is_guest(folio) ?
			PRIVATE_NODE_RANGE_GUESTS : PRIVATE_NODE_RANGE_USERS);
}

/* Returns the number of pages from @pfn on that the range may take, or 0. */
static unsigned long usable_pages(struct zone *zone, unsigned long pfn,
				  unsigned int flags)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	unsigned long next;
	bool ok;

	if (!page || page_zone(page) != zone || PageReserved(page) ||
	    PageHWPoison(page))
		return 0;
	if (PageBuddy(page))
		return 1UL << min(buddy_order_unsafe(page), MAX_PAGE_ORDER);
	folio = page_folio(page);
	/* Free pages of a pool have no reference. */
	if (folio_test_hugetlb(folio))
		return 0;
	/* A page without a reference is free, and on a per-CPU list. */
	if (!folio_try_get(folio))
		return 1;
	next = folio_pfn(folio) + folio_nr_pages(folio);
	ok = page_folio(page) == folio && may_displace(folio, flags);
	folio_put(folio);
	return ok && next > pfn ? next - pfn : 0;
}

/* The first page frame in the way, or @end. */
static unsigned long first_in_the_way(struct zone *zone, unsigned long pfn,
				      unsigned long end, unsigned int flags)
{
	unsigned long nr;

	for (; pfn < end; pfn += nr) {
		nr = usable_pages(zone, pfn, flags);
		if (!nr)
			return pfn;
		cond_resched();
	}
	return end;
}

/* What one request is about. */
struct range_request {
	struct private_node *pn;
	unsigned long nr, align;
	unsigned int flags;
	gfp_t gfp;
	enum private_node_service user;
};

static bool gives_up(const struct range_request *r)
{
	/* After a failed unplug the pools are refilled behind closed gates. */
	if (READ_ONCE(r->pn->refills) == current)
		return false;
	return fatal_signal_pending(current) ||
	       !private_node_open(r->pn, r->user);
}

/* The first page frame of the range; 0 if the zone has no such place. */
static unsigned long take_in_zone(const struct range_request *r,
				  struct zone *zone)
{
	unsigned long end = zone_end_pfn(zone), bad;
	unsigned long pfn = ALIGN(zone->zone_start_pfn, r->align);

	while (pfn <= end && r->nr <= end - pfn && !gives_up(r)) {
		bad = first_in_the_way(zone, pfn, pfn + r->nr, r->flags);
		if (bad == pfn + r->nr &&
		    !alloc_contig_frozen_range(pfn, pfn + r->nr, ACR_FLAGS_NONE,
					       r->gfp))
			return pfn;
		/* What is in the way of the attempt is not known. */
		pfn = ALIGN(bad == pfn + r->nr ? pfn + pageblock_nr_pages :
						 bad + 1, r->align);
	}
	return 0;
}

static void unmark_range(unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr;

	for (; pfn < end; pfn++)
		private_node_unmark(pfn_to_page(pfn), 0);
}

/* The caller is inside the gate of @r->user. */
static struct page *take_range(const struct range_request *r)
{
	struct private_node *pn = r->pn;
	unsigned long pfn = 0;
	int i;

	if (mutex_lock_killable(&pn->range_lock))
		return NULL;
	pn->range_flags = r->flags;
	WRITE_ONCE(pn->range_task, current);
	for (i = 0; i < MAX_NR_ZONES && !pfn; i++)
		if (populated_zone(&NODE_DATA(pn->nid)->node_zones[i]))
			pfn = take_in_zone(r, &NODE_DATA(pn->nid)->node_zones[i]);
	WRITE_ONCE(pn->range_task, NULL);
	mutex_unlock(&pn->range_lock);
	if (!pfn)
		return NULL;
	unmark_range(pfn, r->nr);
	return pfn_to_page(pfn);
}

/*
 * __private_node_takes_range - see private_node_takes_range()
 */
bool __private_node_takes_range(int nid)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && READ_ONCE(pn->range_task) == current;
}

/*
 * private_node_displace - allocate the folio to which a displaced one moves
 * @src: in a range that is being taken, held
 * @gfp: for the new folio
 * @order: of the folio
 *
 * Context: process; the running task takes the range.
 * Return: a folio of the same node, or of an ordinary one that all users of @src
 * may have; NULL if there is none, or @src must not be displaced.
 */
struct folio *private_node_displace(struct folio *src, gfp_t gfp,
				    unsigned int order)
{
	struct private_node *pn = private_node_find(folio_nid(src));
	struct folio *dst = NULL;

	if (pn && may_displace(src, pn->range_flags)) {
		dst = private_node_alloc_exact(pn, (gfp & ~__GFP_RECLAIM) |
					       __GFP_NOWARN, order,
					       PRIVATE_NODE_USER_OWNER);
		if (!dst)
			dst = private_node_ordinary_target(src, gfp, order);
		if (dst)
			this_cpu_add(pn->stats->range_moved, 1UL << order);
	}
	private_node_put(pn);
	return dst;
}

/*
 * private_node_alloc_gigantic - take a page larger than the buddy's blocks
 * @pn: the handle, whose gate the caller has entered
 * @order: above MAX_PAGE_ORDER
 * @user: the user as which the caller entered; guests leave for it
 *
 * Context: process, may sleep.
 * Return: a compound page, reference count 0; or NULL.
 */
struct page *private_node_alloc_gigantic(struct private_node *pn,
					 unsigned int order,
					 enum private_node_service user)
{
	const struct range_request r = {
		.pn = pn, .nr = 1UL << order, .align = 1UL << order,
		.flags = PRIVATE_NODE_RANGE_GUESTS, .user = user,
		.gfp = GFP_KERNEL | __GFP_COMP | __GFP_NOWARN |
		       __GFP_RETRY_MAYFAIL,
	};

	return take_range(&r);
}

static void set_refcounts(struct page *page, unsigned long nr)
{
	while (nr--)
		set_page_refcounted(page++);
}

/**
 * private_node_alloc_range - take a contiguous range of an owner's own node
 * @pn: the handle
 * @nr_pages: its size
 * @align: alignment of its first page frame, in pages, a power of two
 * @flags: whom to displace, PRIVATE_NODE_RANGE_*; with 0 only free memory is
 *	taken
 *
 * For sizes that no folio has; private_node_alloc_folio() is faster.  Each page
 * has a reference count of one and can be freed by itself.
 *
 * Context: process, may sleep for long; killable.
 * Return: the first page; or ERR_PTR: -EINVAL for bad arguments, -EOPNOTSUPP for
 * compressed RAM, -ENODEV after private_node_unregister(), -EAGAIN while the node
 * is being unplugged, -EINTR after a fatal signal, -ENOSPC when there is no such
 * range.
 */
struct page *private_node_alloc_range(struct private_node *pn,
				      unsigned long nr_pages,
				      unsigned long align, unsigned int flags)
{
	const enum private_node_service user = PRIVATE_NODE_USER_OWNER;
	const struct range_request r = {
		.pn = pn, .nr = nr_pages, .align = align, .flags = flags,
		.user = user,
		.gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
	};
	struct page *page;

	if (!nr_pages || !is_power_of_2(align) ||
	    flags & ~(PRIVATE_NODE_RANGE_GUESTS | PRIVATE_NODE_RANGE_USERS))
		return ERR_PTR(-EINVAL);
	if (pn->flags & PRIVATE_NODE_F_COMPRESSED)
		return ERR_PTR(-EOPNOTSUPP);
	if (!private_node_enter(pn, user)) {
		private_node_refuse(pn, user, PRIVATE_NODE_REFUSED, 0);
		return ERR_PTR(private_node_closing(pn) ? -EAGAIN : -ENODEV);
	}
	page = take_range(&r);
	if (page) {
		set_refcounts(page, nr_pages);
		private_node_count(pn, user, PRIVATE_NODE_USED, nr_pages);
	} else {
		private_node_refuse(pn, user, PRIVATE_NODE_FAILED, 0);
	}
	private_node_leave(pn, user);
	if (page)
		return page;
	if (fatal_signal_pending(current))
		return ERR_PTR(-EINTR);
	return ERR_PTR(private_node_closing(pn) ? -EAGAIN : -ENOSPC);
}
EXPORT_SYMBOL_GPL(private_node_alloc_range);

/**
 * private_node_free_range - give a range back
 * @page: from private_node_alloc_range()
 * @nr_pages: as there
 *
 * Context: process, may sleep.
 */
void private_node_free_range(struct page *page, unsigned long nr_pages)
{
	free_contig_range(page_to_pfn(page), nr_pages);
}
EXPORT_SYMBOL_GPL(private_node_free_range);
