// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation from private nodes.
 *
 * The walk itself is __alloc_frozen_pages_private(), next to the buddy allocator.
 * This file asks before it whether the node is open, and does afterwards what has
 * to be done when the node is full.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/cpuset_possible.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/private_node_policy.h>
#include <linux/topology.h>
#include <linux/vmstat.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "private_node.h"
#include "refusals.h"

/* As MAX_RECLAIM_RETRIES: other tasks may take the pages that were reclaimed. */
#define RECLAIM_TRIES	16

/*
 * Other tasks may take a broken page and give it back before
 * private_node_catch_held() sees it.
 */
#define BROKEN_TRIES	16

/* The most of a counter that one CPU has not folded in: an s8, see mm/vmstat.c. */
#define MAX_UNFOLDED	S8_MAX

/*
 * private_node_alloc_flags - how far down a zone may be emptied
 * @zone: of a private node, or an ordinary one in a mixed walk
 *
 * A private node has no reserve.  It may be emptied to the last page, whatever the
 * watermarks of its kswapd say, and though the count of free pages is not exact.
 * Context: any.
 */
unsigned int private_node_alloc_flags(struct zone *zone)
{
	return node_is_private(zone_to_nid(zone)) ? ALLOC_NO_WATERMARKS :
						    ALLOC_WMARK_LOW;
}

/*
 * private_node_free_pages_nid - free pages of a node
 * @nid: node id
 *
 * Pages on per-CPU lists count as used; private_node_drain() first for an
 * exact number.
 * Context: any.
 */
unsigned long private_node_free_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_page_state(&NODE_DATA(nid)->node_zones[i],
				       NR_FREE_PAGES);
	return sum;
}

/*
 * private_node_exact_free_pages_nid - free pages, with what CPUs have not folded
 * @nid: node id
 *
 * Context: any.
 */
unsigned long private_node_exact_free_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_page_state_snapshot(&NODE_DATA(nid)->node_zones[i],
						NR_FREE_PAGES);
	return sum;
}

/* Pages of a node that the page allocator manages.  Context: any. */
unsigned long private_node_managed_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_managed_pages(&NODE_DATA(nid)->node_zones[i]);
	return sum;
}

/*
 * private_node_pcp_pages - free pages of a zone on per-CPU lists
 * @zone: the zone, populated
 *
 * Reads the counts without their locks, which costs a few loads.
 * Context: any.
 */
unsigned long private_node_pcp_pages(struct zone *zone)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		/* May be old; a caller that has to be sure takes the page, or drains. */
		sum += data_race(per_cpu_ptr(zone->per_cpu_pageset, cpu)->count);
	}
	return sum;
}

/*
 * private_node_drain - empty the per-CPU lists of a node
 * @nid: node id
 *
 * Costs a few loads where they are empty, as those of a full node are.
 * Context: process, may sleep.
 * Return: was there anything on them?
 */
bool private_node_drain(int nid)
{
	bool drained = false;
	struct zone *zone;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		if (!populated_zone(zone) || !private_node_pcp_pages(zone))
			continue;
		drain_all_pages(zone);
		drained = true;
	}
	return drained;
}

/*
 * private_node_is_full - would an order-0 allocation fail?
 * @nid: node id
 *
 * Context: process, may sleep.
 */
bool private_node_is_full(int nid)
{
	struct zone *zone;
	int i;

	private_node_drain(nid);
	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		/* The exact count: a wrong 'false' makes a fault repeat. */
		if (managed_zone(zone) &&
		    zone_page_state_snapshot(zone, NR_FREE_PAGES))
			return false;
	}
	return true;
}

static struct page *walk_once(int from, const nodemask_t *nodes, gfp_t gfp,
			      unsigned int order)
{
	struct srcu_ctr __percpu *cookie;
	struct page *page = NULL;
	struct zonelist *zonelist;

	zonelist = private_node_zonelist_get(from, &cookie);
	if (zonelist)
		page = __alloc_frozen_pages_private(gfp, order, zonelist,
						    nodes);
	private_node_zonelist_put(cookie);
	if (page)
		private_node_unmark(page, order);
	return page;
}

/* Never returns a broken page, which a large folio of the owner may have brought back. */
static struct page *walk(int from, const nodemask_t *nodes, gfp_t gfp,
			 unsigned int order)
{
	struct page *page;
	int tries = 0;
	int nid;

	do {
		if (private_node_any_held() && gfpflags_allow_blocking(gfp))
			for_each_node_mask(nid, *nodes)
				private_node_catch_held(nid);
		page = walk_once(from, nodes, gfp, order);
		if (!private_node_any_held() ||
		    !private_node_page_broken(page, order))
			return page;
		free_frozen_pages(page, order);
	} while (gfpflags_allow_blocking(gfp) && tries++ < BROKEN_TRIES);
	return NULL;
}

/*
 * What CPUs have not folded in is looked at only when the folded count is so small
 * that it may be all there is.
 */
static bool zone_is_bare(struct zone *zone)
{
	if (zone_page_state(zone, NR_FREE_PAGES) >
	    num_online_cpus() * MAX_UNFOLDED)
		return false;
	return !zone_page_state_snapshot(zone, NR_FREE_PAGES) &&
	       !private_node_pcp_pages(zone);
}

/* Does none of the nodes have a free page?  A walk would find that out at more cost. */
static bool all_empty(const nodemask_t *nodes)
{
	struct zone *zone;
	int nid, i;

	for_each_node_mask(nid, *nodes) {
		if (!node_is_private(nid))
			return false;
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			/* Read without a lock: memory may come or go. */
			if (data_race(populated_zone(zone)) &&
			    !zone_is_bare(zone))
				return false;
		}
	}
	return true;
}

static struct page *look(int from, const nodemask_t *nodes, gfp_t gfp,
			 unsigned int order)
{
	struct page *page;
	struct private_node *pn;

	if (all_empty(nodes))
		return NULL;
	page = walk(from, nodes, gfp, order);
	if (!page)
		return NULL;
	guard(rcu)();
	pn = private_node_peek(page_to_nid(page));
	if (pn && order >= READ_ONCE(pn->full_order))
		WRITE_ONCE(pn->full_order, NR_PAGE_ORDERS);
	return page;
}

/* Was there a drain for this order, and no page of it since? */
static bool drained_before(struct private_node *pn, unsigned int order)
{
	return order >= READ_ONCE(pn->full_order);
}

/*
 * Before a node is said to be full, bring back free pages from per-CPU lists, and
 * pages that were freed while they waited for their LRU list.  The lists of a node
 * that stays full are empty, so this drains once each time that the node gets full,
 * not at each request.  For large folios it drains only the first time.  With
 * on_full=fallback a node may be said to be full a page early.
 */
static bool bring_back(const nodemask_t *nodes, unsigned int order)
{
	bool lru = false, drained = false;
	nodemask_t drain = NODE_MASK_NONE;
	struct private_node *pn;
	bool again;
	int nid;

	scoped_guard(rcu)
		for_each_node_mask(nid, *nodes) {
			pn = private_node_peek(nid);
			if (!pn)
				continue;
			again = drained_before(pn, order);
			if (!again || READ_ONCE(pn->on_full) !=
				      PRIVATE_NODE_FULL_FALLBACK)
				lru = true;
			if (!again || !order)
				node_set(nid, drain);
		}
	if (lru)
		lru_add_drain();
	for_each_node_mask(nid, drain)
		drained |= private_node_drain(nid);
	return lru || drained;
}

static void note_full(const nodemask_t *nodes, unsigned int order)
{
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *nodes) {
		pn = private_node_peek(nid);
		if (pn && order < READ_ONCE(pn->full_order))
			WRITE_ONCE(pn->full_order, order);
	}
}

/*
 * private_node_blocks - free pages in pieces of an order and larger ones
 * @nid: the node
 * @order: order
 *
 * Context: any.
 */
unsigned long private_node_blocks(int nid, unsigned int order)
{
	unsigned long pages = 0;
	struct zone *zone;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		for (unsigned int o = order; o < NR_PAGE_ORDERS; o++)
			/* Read without the lock, so this is an estimate. */
			pages += data_race(zone->free_area[o].nr_free) << o;
	}
	return pages;
}

/*
 * private_node_seek_block - drain per-CPU lists that may hold parts of a block
 * @pn: the handle
 * @order: of the block
 *
 * For callers that do not reclaim.  Drains at most once until a block of that order
 * was taken again.
 *
 * Context: process, may sleep.
 */
void private_node_seek_block(struct private_node *pn, unsigned int order)
{
	if (private_node_blocks(pn->nid, order) || drained_before(pn, order))
		return;
	private_node_drain(pn->nid);
	if (!private_node_blocks(pn->nid, order) && order < READ_ONCE(pn->full_order))
		WRITE_ONCE(pn->full_order, order);
}

/*
 * Walks once, and once more after a drain when that found nothing.  Atomic callers do
 * not drain: a drain takes locks that the interrupted code may hold.
 */
static struct page *walk_and_drain(int from, const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order)
{
	struct page *page = look(from, nodes, gfp, order);

	if (page || !gfpflags_allow_blocking(gfp) || !bring_back(nodes, order))
		return page;
	page = look(from, nodes, gfp, order);
	if (!page)
		note_full(nodes, order);
	return page;
}

/*
 * Guests do not leave for a user's large folio, which can fall back to small ones.
 * @large: the caller cannot use smaller pieces.
 */
static bool guests_leave(const nodemask_t *nodes, gfp_t gfp, unsigned int order,
			 enum private_node_user user, bool large)
{
	if (order && (!large || !private_node_hook(guests_large)))
		return false;
	return private_node_guests_leave(nodes, gfp, order, user);
}

/*
 * private_node_alloc_frozen - pages of one node, for callers that make their own folio
 * @nid: a private node that the caller entered
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the pages
 * @user: as whom the caller entered
 *
 * What the kernel put there leaves first.
 * Context: as @gfp says; any but NMI.
 * Return: the pages with a reference count of zero, or NULL.
 */
struct page *private_node_alloc_frozen(int nid, gfp_t gfp, unsigned int order,
				       enum private_node_user user)
{
	nodemask_t nodes = nodemask_of_node(nid);
	struct page *page;
	int tries = 0;

	do {
		page = walk_and_drain(nid, &nodes, gfp, order);
	} while (!page && tries++ < RECLAIM_TRIES &&
		 guests_leave(&nodes, gfp, order, user, true));
	return page;
}

static struct folio *page_to_new_folio(struct page *page)
{
	if (!page)
		return NULL;
	set_page_refcounted(page);
	return page_rmappable_folio(page);
}

static struct folio *walk_and_make_room(int from, const nodemask_t *nodes,
					gfp_t gfp, unsigned int order,
					enum private_node_user user,
					bool large)
{
	struct page *page;
	int tries = 0;

	do {
		page = walk_and_drain(from, nodes, gfp, order);
	} while (!page && tries++ < RECLAIM_TRIES &&
		 (guests_leave(nodes, gfp, order, user, large) ||
		  private_node_reclaim(nodes, gfp, order)));
	if (page)
		private_node_wake_kswapd(page_zone(page), gfp, order);
	return page_to_new_folio(page);
}

/*
 * private_node_walk - take a folio from the nearest of some nodes
 * @from: where the distance is measured from
 * @nodes: private and ordinary nodes; the caller is inside all private ones
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 * @user: as whom the caller entered
 *
 * When the nodes are full, guests (see mark.c) leave first, and then private nodes
 * with the service are reclaimed.  Ordinary nodes are only looked at here.
 * Context: as @gfp says; any but NMI.
 * Return: the folio, or NULL.
 */
struct folio *private_node_walk(int from, const nodemask_t *nodes, gfp_t gfp,
				unsigned int order, enum private_node_user user)
{
	return walk_and_make_room(from, nodes, gfp, order, user, false);
}

/*
 * private_node_walk_preferred - private_node_walk() for a preference
 *
 * A preference names the node, so guests leave for it.  It does not reclaim, since it
 * has another place to go.
 */
struct folio *private_node_walk_preferred(int from, const nodemask_t *nodes,
					  gfp_t gfp, unsigned int order,
					  enum private_node_user user)
{
	gfp_t look = private_node_prefer_gfp(gfp);
	struct page *page;
	int tries = 0;

	page = walk_and_drain(from, nodes, look, order);
	while (!page && tries++ < RECLAIM_TRIES &&
	       private_node_hook(guests_prefer) &&
	       guests_leave(nodes, gfp, order, user, false)) {
		/* The pages that guests left may be on per-CPU lists of other CPUs. */
		page = walk_and_drain(from, nodes,
				      look | (gfp & __GFP_DIRECT_RECLAIM),
				      order);
	}
	if (page)
		private_node_wake_kswapd(page_zone(page), look, order);
	return page_to_new_folio(page);
}

/* The owner cannot use smaller pieces, so guests leave for its large folios. */
static struct folio *walk_for(enum private_node_user user, int from,
			      const nodemask_t *nodes, gfp_t gfp,
			      unsigned int order)
{
	return walk_and_make_room(from, nodes, gfp, order, user,
				  user == PRIVATE_NODE_USER_OWNER);
}

static struct folio *alloc_ordinary(int from, const nodemask_t *nodes,
				    gfp_t gfp, unsigned int order)
{
	nodemask_t ordinary;

	if (!nodes_and(ordinary, *nodes, node_states[N_MEMORY]))
		return NULL;
	return private_node_alloc_among(from, &ordinary, gfp, order);
}

/*
 * private_node_fall_back - take from the nodes that a full node's owner named
 * @pn: the handle, with a reference; the caller has left its gates, since
 *	ordinary memory may take long, and who closes a gate does not wait for it
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 *
 * Context: as @gfp says; any but NMI.
 * Return: a folio, or NULL, also when on_full is not fallback.
 */
struct folio *private_node_fall_back(struct private_node *pn, gfp_t gfp,
				     unsigned int order)
{
	struct folio *folio;
	nodemask_t nodes;

	KUNIT_STATIC_STUB_REDIRECT(private_node_fall_back, pn, gfp, order);
	if (READ_ONCE(pn->on_full) != PRIVATE_NODE_FULL_FALLBACK)
		return NULL;
	/* fallback_store() may be writing; the mask is then partly the old one. */
	nodes = data_race(pn->fallback);
	folio = alloc_ordinary(pn->nid, &nodes, gfp, order);
	if (folio)
		this_cpu_add(pn->stats->fallback, 1UL << order);
	return folio;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_fall_back);

/*
 * private_node_kill_for - with on_full=oom, kill a task for a page of a full node
 * @pn: the handle, entered
 * @user: on whose behalf
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 *
 * Context: as @gfp says; any but NMI.
 * Return: a folio of @pn; or NULL, also when on_full is not oom.
 */
struct folio *private_node_kill_for(struct private_node *pn,
				    enum private_node_user user, gfp_t gfp,
				    unsigned int order)
{
	nodemask_t nodes = nodemask_of_node(pn->nid);
	struct folio *folio;

	if (READ_ONCE(pn->on_full) != PRIVATE_NODE_FULL_OOM)
		return NULL;
	while (private_node_oom_kill(pn, user, gfp, order)) {
		folio = walk_for(user, pn->nid, &nodes, gfp, order);
		if (folio)
			return folio;
	}
	return NULL;
}

static bool is_enabled(struct private_node *pn, enum private_node_user user)
{
	/*
	 * Pages of a compressing node must be reserved in the ledger first; the owner, the
	 * device map and soft offline cannot allocate them.
	 */
	if ((int)user >= PRIVATE_NODE_NR_SERVICES)
		return !(pn->flags & PRIVATE_NODE_F_COMPRESSED);
	return private_node_services_open(pn) & BIT(user);
}

/*
 * private_node_open - is the node there, and open to @user?
 * @pn: the handle
 * @user: the user
 *
 * Only looks: code that takes a page calls private_node_enter().
 * Context: any.
 */
bool private_node_open(struct private_node *pn, enum private_node_user user)
{
	return READ_ONCE(pn->state) == PRIVATE_NODE_LIVE && is_enabled(pn, user);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_open);

/*
 * private_node_user_open - private_node_open(), and in the cpuset of the running task
 *
 * A service that acts for users, and the device map, reach only nodes that the task's
 * cpuset has.
 * Context: any.
 */
bool private_node_user_open(struct private_node *pn,
			    enum private_node_user user)
{
	return private_node_open(pn, user) && cpuset_may_name(pn->nid);
}

/*
 * private_node_serves - is the node open, apart from an unplug under way?
 * @pn: the handle
 * @user: the user
 *
 * For code that only says whether memory can be had: an unplug may be refused, and
 * must not be noticed then.  Code that takes memory waits for the outcome.
 * Context: any.
 */
bool private_node_serves(struct private_node *pn, enum private_node_user user)
{
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return false;
	return is_enabled(pn, user);
}

static bool let_in(struct private_node *pn, enum private_node_user user)
{
	if (user == PRIVATE_NODE_USER_DEVICE_MAP ||
	    (int)user == PRIVATE_NODE_USER_NUMA)
		return private_node_user_enter(pn, user);
	return private_node_enter(pn, user);
}

static void refuse(struct private_node *pn, enum private_node_user user,
		   enum private_node_event event, unsigned int order, int act)
{
	private_node_count(pn, user, event, 1);
	trace_private_node_alloc_refused(pn->nid, user, event, order);
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = event == PRIVATE_NODE_REFUSED ?
				   private_node_why_closed(pn, user) :
				   private_node_why_full(pn, user, order),
			    .order = order);
}

/* Counts, traces and records a request that got nothing.  Context: any but NMI. */
void private_node_refuse(struct private_node *pn, enum private_node_user user,
			 enum private_node_event event, unsigned int order)
{
	refuse(pn, user, event, order, user);
}

/*
 * private_node_turn_away - a system call named nodes that are closed to it
 * @nodes: those that it named and got not
 * @act: PRIVATE_NODE_ACT_POLICY, or PRIVATE_NODE_ACT_MOVE
 *
 * Counts, traces and records it for those that are private.
 * Context: any but NMI.
 */
void private_node_turn_away(const nodemask_t *nodes, int act)
{
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, *nodes) {
		pn = private_node_find(nid);
		if (!pn)
			continue;
		refuse(pn, (enum private_node_user)PRIVATE_NODE_USER_NUMA,
		       PRIVATE_NODE_REFUSED, 0, act);
		private_node_put(pn);
	}
}

/* See include/linux/private_node_policy.h. */
void __private_node_move_refused(const nodemask_t *nodes)
{
	private_node_turn_away(nodes, PRIVATE_NODE_ACT_MOVE);
}

/* @pn with a reference, unless @full is PRIVATE_NODE_WHEN_FULL_STOP */
static struct folio *alloc_for(struct private_node *pn, gfp_t gfp,
			       unsigned int order, enum private_node_user user,
			       enum private_node_when_full full)
{
	nodemask_t nodes = nodemask_of_node(pn->nid);
	struct folio *folio;

	if (!let_in(pn, user)) {
		private_node_refuse(pn, user, PRIVATE_NODE_REFUSED, order);
		return NULL;
	}
	gfp |= __GFP_COMP;
	folio = walk_for(user, pn->nid, &nodes, gfp, order);
	if (!folio && full == PRIVATE_NODE_WHEN_FULL_ASK)
		folio = private_node_kill_for(pn, user, gfp, order);
	if (folio)
		private_node_count(pn, user, PRIVATE_NODE_USED, 1UL << order);
	else if (full == PRIVATE_NODE_WHEN_FULL_STOP)
		private_node_refuse(pn, user, PRIVATE_NODE_FAILED, order);
	private_node_leave(pn, user);
	if (folio || full == PRIVATE_NODE_WHEN_FULL_STOP)
		return folio;
	folio = private_node_fall_back(pn, gfp, order);
	if (!folio)
		private_node_refuse(pn, user, PRIVATE_NODE_FAILED, order);
	return folio;
}

/*
 * private_node_alloc_for - take a folio of one node for somebody
 * @pn: the handle
 * @gfp: as for folio_alloc(); says nothing about nodes
 * @order: of the folio
 * @user: on whose behalf; a service has to be enabled
 *
 * Context: as @gfp says; any but NMI.
 * Return: a folio of @pn, or of the nodes that its on_full names; or NULL.
 */
struct folio *private_node_alloc_for(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_user user)
{
	/* A user's large folio falls back to small ones before on_full is asked. */
	return alloc_for(pn, gfp, order, user,
			 !order || user == PRIVATE_NODE_USER_OWNER ?
			 PRIVATE_NODE_WHEN_FULL_ASK :
			 PRIVATE_NODE_WHEN_FULL_STOP);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_alloc_for);

/*
 * private_node_alloc_exact - private_node_alloc_for() without on_full
 *
 * For memory that has a place already, which is not worth a kill or a third node.
 */
struct folio *private_node_alloc_exact(struct private_node *pn, gfp_t gfp,
				       unsigned int order,
				       enum private_node_user user)
{
	return alloc_for(pn, gfp, order, user, PRIVATE_NODE_WHEN_FULL_STOP);
}

/*
 * private_node_try_for - private_node_alloc_for() that kills nobody
 *
 * For data that exists, which has another way: mm/private_node/displaced.c.
 */
struct folio *private_node_try_for(struct private_node *pn, gfp_t gfp,
				   unsigned int order,
				   enum private_node_user user)
{
	return alloc_for(pn, gfp, order, user,
			 order ? PRIVATE_NODE_WHEN_FULL_STOP :
				 PRIVATE_NODE_WHEN_FULL_SPILL);
}

/**
 * private_node_alloc_folio - take a folio of an owner's own node
 * @pn: the handle
 * @gfp: as for folio_alloc(); %__GFP_THISNODE is implied
 * @order: up to MAX_PAGE_ORDER
 *
 * The folio is given back by folio_put().  When the node is full, on_full
 * decides.  A node that is being unplugged gives nothing.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio, or NULL.
 */
struct folio *private_node_alloc_folio(struct private_node *pn, gfp_t gfp,
				       unsigned int order)
{
	return private_node_alloc_for(pn, gfp, order, PRIVATE_NODE_USER_OWNER);
}
EXPORT_SYMBOL_GPL(private_node_alloc_folio);

static void enter_one(struct private_node *pn, enum private_node_user user,
		      unsigned int order, nodemask_t *inside)
{
	if (!private_node_enter(pn, user))
		private_node_refuse(pn, user, PRIVATE_NODE_REFUSED, order);
	else if (node_test_and_set(pn->nid, *inside))
		private_node_leave(pn, user);	/* named twice */
}

/**
 * private_node_alloc_folio_set - take a folio from a set of nodes
 * @pns: handles, at least one
 * @nr: how many
 * @ordinary: ordinary nodes that are as good, or NULL for none; those that the
 *	running task's cpuset lacks do not count
 * @gfp: as for folio_alloc()
 * @order: up to MAX_PAGE_ORDER
 *
 * Takes from the nearest of the named nodes that has memory, by distance from
 * the running CPU's node.  A set has no on_full of its own: naming more nodes
 * is the fallback.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio; NULL as well for an empty set, which means no node, not
 * any node.
 */
struct folio *private_node_alloc_folio_set(struct private_node *const pns[],
					   unsigned int nr,
					   const nodemask_t *ordinary,
					   gfp_t gfp, unsigned int order)
{
	const enum private_node_user user = PRIVATE_NODE_USER_OWNER;
	nodemask_t inside = NODE_MASK_NONE, nodes = NODE_MASK_NONE;
	struct folio *folio = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++)
		enter_one(pns[i], user, order, &inside);
	if (ordinary) {
		nodes_and(nodes, *ordinary, node_states[N_MEMORY]);
		private_node_reachable(&nodes);
	}
	nodes_or(nodes, nodes, inside);
	gfp |= __GFP_COMP;
	if (nr && !nodes_empty(nodes))
		folio = walk_and_make_room(numa_mem_id(), &nodes, gfp, order,
					   user, true);
	private_node_leave_nodes(&inside, user);
	if (!folio && nr)
		folio = alloc_ordinary(numa_mem_id(), &nodes, gfp, order);
	for (i = 0; i < nr; i++) {
		if (!node_isset(pns[i]->nid, inside))
			continue;
		if (!folio)
			private_node_refuse(pns[i], user, PRIVATE_NODE_FAILED,
					    order);
		else if (folio_nid(folio) == pns[i]->nid)
			private_node_count(pns[i], user, PRIVATE_NODE_USED,
					   1UL << order);
	}
	return folio;
}
EXPORT_SYMBOL_GPL(private_node_alloc_folio_set);
