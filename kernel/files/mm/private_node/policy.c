// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement by user policy: the user_numa service.
 *
 * A policy keeps the private nodes that it names in mempolicy.private_nodes, see
 * mm/private_node/policy.h.  It means the registrations that existed
 * when it was made, and not those of another owner who takes a node id later.
 * With MPOL_F_STATIC_NODES it also means later registrations by the same owner.
 */
#include <kunit/visibility.h>
#include <linux/cpuset.h>
#include <linux/cpuset_possible.h>
#include <linux/list.h>
#include <linux/migrate.h>
#include <linux/mm_inline.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "refusals.h"

static void count_all(const struct mempolicy *pol, const nodemask_t *open,
		      unsigned int order)
{
	enum private_node_service user = private_node_mpol_user(pol);
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_mpol_meant(pol, nid);
		if (!pn)
			continue;
		private_node_refuse(pn, user,
				    node_isset(nid, *open) ?
				    PRIVATE_NODE_FAILED : PRIVATE_NODE_REFUSED,
				    order);
		private_node_put(pn);
	}
}

/* Takes from the task's default nodes, and counts a refusal on the policy's. */
static struct folio *foreign_alloc(const struct mempolicy *pol, gfp_t gfp,
				   unsigned int order)
{
	nodemask_t none = NODE_MASK_NONE;

	count_all(pol, &none, order);
	return __folio_alloc((gfp & ~__GFP_THISNODE) | __GFP_COMP, order,
			     numa_mem_id(), NULL);
}

/*
 * A task that frees memory for others cannot wait for the outcome of an unplug,
 * so it gets an ordinary page, which is counted as displaced.
 */
static struct folio *device_map_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order)
{
	struct folio *folio;
	bool closing;

	folio = private_node_alloc_for(mpol_private_node(pol), gfp, order,
				       PRIVATE_NODE_USER_DEVICE_MAP);
	closing = !folio && private_node_mpol_closing(pol);
	if (closing && !order && private_node_may_not_wait())
		folio = private_node_displaced_alloc(pol, gfp);
	if (!folio)
		private_node_mpol_refused(pol);
	return folio;
}

/*
 * private_node_spread - take a folio from the node for an interleave index
 * @pol: policy for which private_node_mpol_spreads() is true
 * @open: those of its nodes that the caller has entered
 * @gfp: as for private_node_walk()
 * @order: of the folio
 * @ilx: interleave index; a file of guest_memfd has none, and is spread at
 *	random
 *
 * Context: as @gfp says.
 * Return: the folio; NULL when that node is full, or there is none.
 */
struct folio *private_node_spread(const struct mempolicy *pol,
				  const nodemask_t *open, gfp_t gfp,
				  unsigned int order, pgoff_t ilx)
{
	nodemask_t only;
	int nid;

	if (ilx == NO_INTERLEAVE_INDEX)
		ilx = get_random_u32();
	nid = private_node_spread_to(pol, open, ilx);
	if (nid == NUMA_NO_NODE)
		return NULL;
	only = nodemask_of_node(nid);
	return private_node_walk(nid, &only, private_node_prefer_gfp(gfp),
				 order, private_node_mpol_user(pol));
}

/*
 * A task that cannot wait for the outcome of an unplug gets an ordinary page.
 * Not for guest_memfd, whose pages could not move back.
 */
static bool is_displaced(const struct mempolicy *pol)
{
	return private_node_mpol_user(pol) == PRIVATE_NODE_USER_NUMA &&
	       private_node_may_not_wait();
}

static struct folio *user_policy_alloc(struct mempolicy *pol, gfp_t gfp,
				       unsigned int order, pgoff_t ilx,
				       enum private_node_when_full full)
{
	enum private_node_service user = private_node_mpol_user(pol);
	nodemask_t inside = private_node_mpol_enter(pol, user);
	nodemask_t ordinary = private_node_mpol_ordinary(pol);
	bool prefers = private_node_mpol_prefers(pol);
	struct private_node *ask = NULL;
	struct folio *folio = NULL;
	bool closing;
	nodemask_t nodes;

	gfp = (gfp & ~__GFP_THISNODE) | __GFP_COMP;
	nodes_or(nodes, inside, ordinary);
	if (private_node_mpol_spreads(pol))
		folio = private_node_spread(pol, &inside, gfp, order, ilx);
	if (prefers && !nodes_empty(inside))
		folio = private_node_walk_preferred(private_node_mpol_home(pol), &nodes, gfp,
						    order, user);
	else if (!folio && !nodes_empty(inside))
		folio = private_node_walk(private_node_mpol_home(pol), &nodes, gfp, order,
					  user);
	/*
	 * on_full does not apply to a large folio, which falls back to small
	 * ones, nor while a node is being unplugged: the unplug may fail.
	 */
	closing = !folio && private_node_mpol_closing(pol);
	if (!folio && nodes_empty(ordinary) && !order && !prefers && !closing &&
	    full != PRIVATE_NODE_WHEN_FULL_STOP)
		ask = private_node_mpol_nearest_inside(pol, &inside);
	if (ask && full == PRIVATE_NODE_WHEN_FULL_ASK)
		folio = private_node_kill_for(ask, user, gfp, order);
	if (folio)
		private_node_count_used(folio, user);
	private_node_leave_nodes(&inside, user);
	if (!folio && ask)
		folio = private_node_fall_back(ask, gfp, order);
	private_node_put(ask);
	if (!folio && !nodes_empty(ordinary) && !prefers)
		folio = private_node_alloc_among(private_node_mpol_home(pol), &ordinary, gfp,
						 order);
	/* As in device_map_alloc(). */
	if (closing && !order && full == PRIVATE_NODE_WHEN_FULL_ASK && !folio &&
	    is_displaced(pol))
		folio = private_node_displaced_alloc(pol, gfp);
	/* A preference goes on in ordinary memory, and does not wait. */
	if (!folio && closing && !prefers)
		private_node_mpol_refused(pol);
	if (!folio)
		count_all(pol, &inside, order);
	return folio;
}

/*
 * private_node_mpol_alloc - take a folio as a policy with private nodes says
 * @pol: policy for which private_node_mpol_places() is true
 * @gfp: of the fault
 * @order: of the folio
 * @ilx: interleave index
 *
 * Context: as @gfp says.
 * Return: the folio, or NULL.
 */
struct folio *private_node_mpol_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return device_map_alloc(pol, gfp, order);
	if (private_node_mpol_foreign(pol))
		return foreign_alloc(pol, gfp, order);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_ASK);
}

/*
 * private_node_mpol_try - private_node_mpol_alloc() that kills nobody
 *
 * For data that exists, which can be displaced: mm/private_node/displaced.c.
 */
struct folio *private_node_mpol_try(struct mempolicy *pol, gfp_t gfp,
				    unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return private_node_try_for(mpol_private_node(pol), gfp, order,
					    PRIVATE_NODE_USER_DEVICE_MAP);
	if (private_node_mpol_foreign(pol))
		return foreign_alloc(pol, gfp, order);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_SPILL);
}

/*
 * private_node_mpol_move_alloc - allocate the target folio of a move by mbind()
 * @pol: policy for which private_node_mpol_places() is true
 * @gfp: for the new folio
 * @order: of the folio
 * @ilx: interleave index
 *
 * on_full does not apply, because it is for memory that has no place yet.
 *
 * Context: process.
 * Return: the folio; NULL when the move fails.
 */
struct folio *private_node_mpol_move_alloc(struct mempolicy *pol, gfp_t gfp,
					   unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return private_node_alloc_exact(mpol_private_node(pol), gfp,
						order,
						PRIVATE_NODE_USER_DEVICE_MAP);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_STOP);
}

/*
 * private_node_user_alloc - allocate the target folio of a move to a named node
 * @nid: the node that the system call named
 * @gfp: for the new folio
 * @order: of the folio
 *
 * Context: process.
 * Return: the folio; NULL if there is none, or the node is not open.
 */
struct folio *private_node_user_alloc(int nid, gfp_t gfp, unsigned int order)
{
	struct private_node *pn = private_node_find(nid);
	struct folio *folio;

	if (!pn)
		return NULL;
	/* on_full does not apply to memory that has a place already. */
	folio = private_node_alloc_exact(pn, gfp, order, PRIVATE_NODE_USER_NUMA);
	private_node_put(pn);
	return folio;
}

/*
 * __private_node_stays - see private_node_stays()
 */
bool __private_node_stays(struct folio *folio, const nodemask_t *nodes)
{
	return !nodes_intersects(*nodes, node_states[N_MEMORY]);
}

/*
 * __private_node_keep_file_folios - see private_node_keep_file_folios()
 */
void __private_node_keep_file_folios(struct list_head *folios)
{
	struct folio *folio, *next;
	LIST_HEAD(stay);

	list_for_each_entry_safe(folio, next, folios, lru)
		if (private_node_keeps_out(folio))
			list_move(&folio->lru, &stay);
	putback_movable_pages(&stay);
}

/*
 * Could small folios be allocated instead of one of @order?
 * Context: rcu_read_lock() held.
 */
static bool may_have_room(int nid, unsigned int order)
{
	struct private_node *pn = private_node_peek(nid);

	return private_node_free_pages_nid(nid) >= 1UL << order ||
	       (pn && private_node_any_guest(pn));
}

/*
 * __private_node_mpol_spills - see private_node_mpol_spills()
 *
 * False for a large folio if the node has room for small ones, or guests could
 * make room: the fault then tries small folios on the node.
 */
bool __private_node_mpol_spills(const struct mempolicy *pol,
				unsigned int order)
{
	nodemask_t open = private_node_mpol_open(pol);
	struct private_node *pn;
	int nid;

	guard(rcu)();
	if (order)
		for_each_node_mask(nid, open)
			if (may_have_room(nid, order))
				return false;
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (!pn || !private_node_mpol_means(pol, pn))
			continue;
		this_cpu_add(pn->stats->preferred_elsewhere, 1UL << order);
		break;
	}
	return true;
}
