// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation from private nodes.
 *
 * __alloc_frozen_pages_private(), next to the buddy allocator, walks the
 * private zonelists.  This file checks before the walk whether the node is
 * open, and after it does what has to be done when the node is full.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/cpuset_possible.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/topology.h>
#include <linux/vmstat.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "internal.h"
#include "policy.h"
#include "refusals.h"

/*
 * Attempts after guests left or pages were reclaimed; the number is that of
 * MAX_RECLAIM_RETRIES.  Each attempt can lose these pages to other tasks.
 */
#define RECLAIM_TRIES	16

/* Most pages that a zone counter lacks for one CPU: vm_stat_diff is an s8. */
#define MAX_UNFOLDED	S8_MAX

/*
 * private_node_alloc_flags - ALLOC_* watermark for a walk of the private list
 * @zone: of a private node, or an ordinary one in a mixed walk
 *
 * A private node has no reserve: an allocation takes the last page.  Its
 * watermarks are for kswapd only.  They are not even checked against zero,
 * since the count of free pages is not exact and may be zero while there is a
 * page.
 *
 * Context: any.
 * Return: ALLOC_NO_WATERMARKS or ALLOC_WMARK_LOW.
 */
unsigned int private_node_alloc_flags(struct zone *zone)
{
	return node_is_private(zone_to_nid(zone)) ? ALLOC_NO_WATERMARKS :
						    ALLOC_WMARK_LOW;
}

static struct page *walk_zonelist(int from, const nodemask_t *nodes, gfp_t gfp,
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

/*
 * Does the zone have no free page, per-CPU lists included?  The unfolded counts
 * of the CPUs are read only when they could make the sum zero.
 */
static bool zone_is_bare(struct zone *zone)
{
	if (zone_page_state(zone, NR_FREE_PAGES) >
	    num_online_cpus() * MAX_UNFOLDED)
		return false;
	return !zone_page_state_snapshot(zone, NR_FREE_PAGES) &&
	       !private_node_pcp_pages(zone);
}

/*
 * Checks whether all of the nodes are full, which costs less than a walk of the
 * zonelist.
 */
static bool all_nodes_empty(const nodemask_t *nodes)
{
	struct zone *zone;
	int nid, i;

	for_each_node_mask(nid, *nodes) {
		if (!node_is_private(nid))
			return false;
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			/* No lock is held: memory may come or go. */
			if (data_race(populated_zone(zone)) &&
			    !zone_is_bare(zone))
				return false;
		}
	}
	return true;
}

/* The caller is inside the gates of all private nodes of @nodes. */
VISIBLE_IF_KUNIT struct page *private_node_take_free(int from,
						     const nodemask_t *nodes,
						     gfp_t gfp,
						     unsigned int order)
{
	struct page *page;
	struct private_node *pn;

	KUNIT_STATIC_STUB_REDIRECT(private_node_take_free, from, nodes, gfp,
				   order);
	if (all_nodes_empty(nodes))
		return NULL;
	page = walk_zonelist(from, nodes, gfp, order);
	if (!page)
		return NULL;
	guard(rcu)();
	pn = private_node_peek(page_to_nid(page));
	if (pn && order >= READ_ONCE(pn->full_order))
		WRITE_ONCE(pn->full_order, NR_PAGE_ORDERS);
	return page;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_take_free);

/* Were lists drained for this order, and no folio of it allocated since? */
static bool drained_before(struct private_node *pn, unsigned int order)
{
	return order >= READ_ONCE(pn->full_order);
}

/*
 * Before a node counts as full: free what waits in this CPU's LRU batches, and
 * drain the per-CPU lists of the node.  While the node stays full these lists
 * are empty, so requests for single pages do not drain again.  For large folios
 * the lists are drained once, until one is allocated again.  With
 * on_full=fallback the LRU batches are left alone after the first time, so the
 * node may count as full a page early.
 */
static bool drain_nodes(const nodemask_t *nodes, unsigned int order)
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

static void note_full_order(const nodemask_t *nodes, unsigned int order)
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
 * private_node_seek_block - if no block is free, drain the per-CPU lists
 * @pn: the handle
 * @order: of the block
 *
 * For callers that do not reclaim: pages on per-CPU lists may be what a block
 * lacks.  Drains once, and not again until a block of that order was allocated.
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
 * Walks once, and once more after a drain if the first walk found nothing.
 * Atomic callers do not drain: a drain takes locks that the interrupted code
 * may hold.
 */
static struct page *walk_and_drain(int from, const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order)
{
	struct page *page = private_node_take_free(from, nodes, gfp, order);

	if (page || !gfpflags_allow_blocking(gfp) || !drain_nodes(nodes, order))
		return page;
	page = private_node_take_free(from, nodes, gfp, order);
	if (!page)
		note_full_order(nodes, order);
	return page;
}

/*
 * Guests (see mark.c) do not leave for a user's large folio, since the user
 * gets small folios instead.  @large is true for a caller that cannot use small
 * folios.  They do not leave for other guests: device_access.c asks by itself,
 * for memory that a user sends to the node.
 */
static bool guests_leave(const nodemask_t *nodes, gfp_t gfp, unsigned int order,
			 enum private_node_service user, bool large)
{
	if (user == PRIVATE_NODE_USER_DEVICE_ACCESS || (order && !large))
		return false;
	return private_node_guests_leave(nodes, gfp, order, user);
}

/*
 * private_node_alloc_frozen - allocate a compound page, reference count 0
 * @nid: a private node whose gate the caller has entered
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the page
 * @user: the user as which the caller entered the gate
 *
 * For hugetlb, which makes the folio itself.  On a full node guests (see
 * mark.c) leave first; nothing is reclaimed.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the page, or NULL.
 */
struct page *private_node_alloc_frozen(int nid, gfp_t gfp, unsigned int order,
				       enum private_node_service user)
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
					enum private_node_service user,
					bool large)
{
	struct page *page;
	int tries = 0;

	do {
		page = walk_and_drain(from, nodes, gfp, order);
	} while (!page && tries++ < RECLAIM_TRIES &&
		 !private_node_all_shut(nodes, user) &&
		 (guests_leave(nodes, gfp, order, user, large) ||
		  private_node_reclaim(nodes, gfp, order) ||
		  private_node_wait_for_reclaim(nodes, gfp, order)));
	if (page)
		private_node_wake_kswapd(page_zone(page), gfp, order);
	return page_to_new_folio(page);
}

/*
 * private_node_walk - take a folio from the nearest of some nodes
 * @from: node from which the distances are measured
 * @nodes: private and ordinary nodes; the caller has entered the gates of all
 *	private ones
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 * @user: the user as which the caller entered the gates
 *
 * When the nodes are full, guests (see mark.c) leave; if none can, private
 * nodes with the service reclaim are reclaimed from.  Ordinary nodes are not
 * reclaimed from.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio, or NULL.
 */
struct folio *private_node_walk(int from, const nodemask_t *nodes, gfp_t gfp,
				unsigned int order, enum private_node_service user)
{
	return walk_and_make_room(from, nodes, gfp, order, user, false);
}

/*
 * private_node_walk_preferred - private_node_walk() for a preference
 * @from: as for private_node_walk(), and so are the other arguments
 * @nodes: private and ordinary nodes
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 * @user: the user as which the caller entered the gates
 *
 * A preference names the node, so guests leave for it.  Nothing is reclaimed
 * for it, since it can take ordinary memory instead.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio, or NULL.
 */
struct folio *private_node_walk_preferred(int from, const nodemask_t *nodes,
					  gfp_t gfp, unsigned int order,
					  enum private_node_service user)
{
	gfp_t look = private_node_prefer_gfp(gfp);
	struct page *page;
	int tries = 0;

	page = walk_and_drain(from, nodes, look, order);
	while (!page && tries++ < RECLAIM_TRIES &&
	       guests_leave(nodes, gfp, order, user, false)) {
		/*
		 * This walk drains as well, since the pages of guests were
		 * freed to per-CPU lists of other CPUs.
		 */
		page = walk_and_drain(from, nodes,
				      look | (gfp & __GFP_DIRECT_RECLAIM),
				      order);
	}
	if (page)
		private_node_wake_kswapd(page_zone(page), look, order);
	return page_to_new_folio(page);
}

/*
 * The owner and its devices cannot use small folios, so guests leave for their
 * large ones.
 */
static struct folio *walk_for_user(enum private_node_service user, int from,
				   const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order)
{
	return walk_and_make_room(from, nodes, gfp, order, user,
				  user == PRIVATE_NODE_USER_OWNER ||
				  user == PRIVATE_NODE_USER_ATTACHED);
}

static struct folio *alloc_ordinary(int from, const nodemask_t *nodes,
				    gfp_t gfp, unsigned int order)
{
	nodemask_t ordinary;
	struct page *page;

	if (!nodes_and(ordinary, *nodes, node_states[N_MEMORY]))
		return NULL;
	/*
	 * As elsewhere, the cpuset of the running task does not bind GFP_ATOMIC:
	 * a driver that polls in a user's task does not ask for that task.
	 */
	if (gfp & __GFP_HIGH && !gfpflags_allow_blocking(gfp)) {
		page = walk_zonelist(from, &ordinary, gfp, order);
		if (page)
			return page_to_new_folio(page);
	}
	return private_node_alloc_among(from, &ordinary, gfp, order);
}

/*
 * private_node_fall_back - with on_full=fallback, take from the nodes it names
 * @pn: handle of the full node, with a reference; its gates have been left,
 *	since allocating ordinary memory can take long and code that closes a
 *	gate waits for those inside
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: a folio; NULL if there is none, or on_full is not fallback.
 */
struct folio *private_node_fall_back(struct private_node *pn, gfp_t gfp,
				     unsigned int order)
{
	struct folio *folio;
	nodemask_t nodes;

	KUNIT_STATIC_STUB_REDIRECT(private_node_fall_back, pn, gfp, order);
	/* Pairs with fallback_store(): the mask is written before. */
	if (smp_load_acquire(&pn->on_full) != PRIVATE_NODE_FULL_FALLBACK)
		return NULL;
	/*
	 * fallback_store() may be writing: the mask may be part old, part new.
	 */
	nodes = data_race(pn->fallback);
	folio = alloc_ordinary(pn->nid, &nodes, gfp, order);
	if (folio)
		this_cpu_add(pn->stats->fallback, 1UL << order);
	return folio;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_fall_back);

/*
 * private_node_kill_for - with on_full=oom, kill tasks until there is a folio
 * @pn: the handle, whose gate the caller has entered
 * @user: the user as which the caller entered
 * @gfp: as for folio_alloc(), with %__GFP_COMP
 * @order: of the folio
 *
 * Kills one task after another, until nobody is left who has pages there.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: a folio of @pn; NULL if there is none, or on_full is not oom.
 */
struct folio *private_node_kill_for(struct private_node *pn,
				    enum private_node_service user, gfp_t gfp,
				    unsigned int order)
{
	nodemask_t nodes = nodemask_of_node(pn->nid);
	struct folio *folio;

	if (READ_ONCE(pn->on_full) != PRIVATE_NODE_FULL_OOM)
		return NULL;
	while (private_node_oom_kill(pn, user, gfp, order)) {
		folio = walk_for_user(user, pn->nid, &nodes, gfp, order);
		if (folio)
			return folio;
	}
	return NULL;
}

static bool enter_for_user(struct private_node *pn, enum private_node_service user)
{
	if (user == PRIVATE_NODE_USER_DEVICE_MAP ||
	    user == PRIVATE_NODE_USER_NUMA)
		return private_node_user_enter(pn, user);
	return private_node_enter(pn, user);
}

/*
 * The caller holds a reference to @pn unless @full is
 * PRIVATE_NODE_WHEN_FULL_STOP, since @pn is used after its gate was left.
 */
static struct folio *enter_and_alloc(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_service user,
				     enum private_node_when_full full)
{
	nodemask_t nodes = nodemask_of_node(pn->nid);
	struct folio *folio;

	if (!enter_for_user(pn, user)) {
		private_node_refuse(pn, user, PRIVATE_NODE_REFUSED, order);
		return NULL;
	}
	gfp |= __GFP_COMP;
	folio = walk_for_user(user, pn->nid, &nodes, gfp, order);
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
 * private_node_alloc_for - take a folio of one node for a user
 * @pn: the handle, with a reference
 * @gfp: as for folio_alloc(); %__GFP_THISNODE makes no difference
 * @order: of the folio
 * @user: on whose behalf; a service has to be open
 *
 * Enters and leaves the gate of @user.  When the node is full, on_full decides.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: a folio of @pn, or of a node that on_full=fallback names; or NULL.
 */
struct folio *private_node_alloc_for(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_service user)
{
	/*
	 * A user gets small folios instead of a large one before on_full
	 * applies.
	 */
	return enter_and_alloc(pn, gfp, order, user,
			       !order || user == PRIVATE_NODE_USER_OWNER ?
			       PRIVATE_NODE_WHEN_FULL_ASK :
			       PRIVATE_NODE_WHEN_FULL_STOP);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_alloc_for);

/*
 * private_node_alloc_exact - private_node_alloc_for() that ignores on_full
 * @pn: the handle
 * @gfp: as for folio_alloc()
 * @order: of the folio
 * @user: on whose behalf
 *
 * For moves and collapse, whose pages stay where they are if this fails: nobody
 * is killed for them, and no other node is tried.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: a folio of @pn, or NULL.
 */
struct folio *private_node_alloc_exact(struct private_node *pn, gfp_t gfp,
				       unsigned int order,
				       enum private_node_service user)
{
	return enter_and_alloc(pn, gfp, order, user,
			       PRIVATE_NODE_WHEN_FULL_STOP);
}

/*
 * private_node_try_for - private_node_alloc_for() that kills nobody
 * @pn: the handle, with a reference
 * @gfp: as for folio_alloc()
 * @order: of the folio
 * @user: on whose behalf
 *
 * For data that exists: displaced.c puts it in ordinary memory if this fails.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: a folio of @pn, or of a node that on_full=fallback names; or NULL.
 */
struct folio *private_node_try_for(struct private_node *pn, gfp_t gfp,
				   unsigned int order,
				   enum private_node_service user)
{
	return enter_and_alloc(pn, gfp, order, user,
			       order ? PRIVATE_NODE_WHEN_FULL_STOP :
				       PRIVATE_NODE_WHEN_FULL_SPILL);
}

/* Takes folios until there are @nr, or no more; the caller is in the gate. */
static unsigned int take_many(struct private_node *pn, gfp_t gfp,
			      unsigned int order,
			      enum private_node_service user, unsigned int nr,
			      struct page **pages)
{
	nodemask_t nodes = nodemask_of_node(pn->nid);
	unsigned int got = 0;
	struct folio *folio;

	while (got < nr) {
		folio = walk_for_user(user, pn->nid, &nodes, gfp, order);
		if (!folio)
			break;
		pages[got++] = folio_page(folio, 0);
		/* Nobody makes room for more than the first. */
		gfp &= ~__GFP_DIRECT_RECLAIM;
	}
	return got;
}

/*
 * Only a task that could have waited for memory is recorded.  In an interrupt
 * the running task is not the one that got nothing, and packets that arrive
 * while the node is full would drive all other refusals out of the record.
 */
static void refuse_or_count(struct private_node *pn,
			    enum private_node_service user, gfp_t gfp,
			    enum private_node_event event, unsigned int order)
{
	if (in_task() && gfpflags_allow_blocking(gfp))
		private_node_refuse(pn, user, event, order);
	else
		private_node_count(pn, user, event, 1);
}

/*
 * private_node_alloc_many - take several folios of one node for a user
 * @pn: the handle
 * @gfp: as for folio_alloc(); %__GFP_THISNODE makes no difference
 * @order: of each folio
 * @user: on whose behalf
 * @nr: how many are wanted
 * @pages: result: the first page of each
 *
 * Enters and leaves the gate of @user once.  Only for the first folio the
 * allocation sleeps and makes room on the node; the others have to be free.
 * on_full is not applied: nobody is killed, and no other node is tried.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the number of folios, which may be less than @nr; 0 if the node is
 * closed, or full.
 */
unsigned int private_node_alloc_many(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_service user,
				     unsigned int nr, struct page **pages)
{
	unsigned int got;

	if (!private_node_enter(pn, user)) {
		refuse_or_count(pn, user, gfp, PRIVATE_NODE_REFUSED, order);
		return 0;
	}
	got = take_many(pn, gfp | __GFP_COMP, order, user, nr, pages);
	if (got)
		private_node_count(pn, user, PRIVATE_NODE_USED,
				   (unsigned long)got << order);
	else
		refuse_or_count(pn, user, gfp, PRIVATE_NODE_FAILED, order);
	private_node_leave(pn, user);
	return got;
}

/**
 * private_node_alloc_folio - take a folio of an owner's own node
 * @pn: the handle
 * @gfp: as for folio_alloc(); %__GFP_THISNODE is implied
 * @order: up to MAX_PAGE_ORDER
 *
 * The folio is given back by folio_put().  When the node is full, on_full
 * decides.  While the node is being unplugged the allocation fails.
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

static void enter_one(struct private_node *pn, enum private_node_service user,
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
 * @ordinary: ordinary nodes that may be used as well, or NULL for none; nodes
 *	outside of the running task's cpuset are left out
 * @gfp: as for folio_alloc()
 * @order: up to MAX_PAGE_ORDER
 *
 * Takes from the nearest of the named nodes that has memory, by distance from
 * the running CPU's node.  The on_full of the nodes does not apply: a caller
 * that wants a fallback names more nodes.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio, or NULL; always NULL for an empty set.
 */
struct folio *private_node_alloc_folio_set(struct private_node *const pns[],
					   unsigned int nr,
					   const nodemask_t *ordinary,
					   gfp_t gfp, unsigned int order)
{
	const enum private_node_service user = PRIVATE_NODE_USER_OWNER;
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

/* A preference does not reclaim, as in alloc_pages_preferred_many(). */
gfp_t private_node_prefer_gfp(gfp_t gfp)
{
	return (gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL)) | __GFP_NOWARN;
}
