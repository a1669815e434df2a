// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private nodes in the memory tiers: the demotion service.
 *
 * A node that is open to demotion takes part in mm/memory-tiers.c: reclaim of
 * the tiers above moves cold anonymous memory and shmem to it, and its own
 * reclaim moves cold memory to the tiers below.  Folios that KSM shares are not
 * moved to private nodes, page cache only to fenced ones, and memory of a
 * device map is not moved off its node.  Folios go only where their users may
 * have them: may_have.c.
 *
 * The service switches demotion for this node alone.  demotion_enabled is the
 * switch for ordinary nodes, and has no effect on private ones.
 */
#include <kunit/visibility.h>
#include <linux/memcontrol.h>
#include <linux/memory-tiers.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/node.h>
#include <linux/sysfs.h>
#include <linux/topology.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

/* The default of drivers/dax/kmem.c, for memory without data from firmware. */
#define ADISTANCE_UNSAID	(5 * MEMTIER_ADISTANCE_DRAM)

/*
 * The memory type of a private node, while the node is in a tier.  Each node
 * has a type of its own, so that nobody else can drop it.  Under
 * memory_tier_lock.
 *
 *	enter	demotion is open and there is memory: a new type, of the abstract
 *		distance at this time
 *	leave	demotion was closed, the distance has changed, or the last memory
 *		has gone: the type is freed
 *
 * Types that drivers count in node_memory_types[] of memory-tiers.c are about
 * ordinary memory of the node, and not used here.
 */
static struct memory_dev_type *types[MAX_NUMNODES];

/* Written under memory_tier_lock; readers without it may see old nodes. */
nodemask_t private_node_tier_nodes;
EXPORT_SYMBOL_IF_KUNIT(private_node_tier_nodes);
bool private_node_tiers __read_mostly;

/* See mm/private_node/hooks.h. */
bool __private_node_in_tiers(int nid)
{
	return node_state(nid, N_MEMORY_PRIVATE) &&
	       private_node_service_enabled(nid, PRIVATE_NODE_DEMOTION);
}
EXPORT_SYMBOL_IF_KUNIT(__private_node_in_tiers);

/*
 * private_node_collect_tiers - update the nodes that memory-tiers.c walks
 *
 * Context: memory_tier_lock held.
 */
void private_node_collect_tiers(void)
{
	nodemask_t nodes = node_states[N_MEMORY];
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (types[nid])
			node_set(nid, nodes);
	private_node_tier_nodes = nodes;
	WRITE_ONCE(private_node_tiers,
		   !nodes_equal(nodes, node_states[N_MEMORY]));
}

/*
 * private_node_next_tier_node - find_next_best_node(), private nodes as well
 * @node: node that distances are measured from
 * @used: nodes to leave out; the result is added
 *
 * Context: any.
 * Return: the node, or NUMA_NO_NODE.
 */
int private_node_next_tier_node(int node, nodemask_t *used)
{
	nodemask_t before = *used;
	int best = find_next_best_node(node, used);
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (!node_isset(nid, before) && private_node_in_tiers(nid) &&
		    (best == NUMA_NO_NODE ||
		     node_distance(node, nid) < node_distance(node, best)))
			best = nid;
	*used = before;
	if (best != NUMA_NO_NODE)
		node_set(best, *used);
	return best;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_next_tier_node);

/*
 * private_node_adistance - abstract distance that a node has, or would have
 * @pn: the handle
 *
 * Context: process, may sleep.
 * Return: the administrator's, else the owner's, else firmware's, else a
 * default.
 */
int private_node_adistance(struct private_node *pn)
{
	int adist = READ_ONCE(pn->adistance) ?: pn->owner_adistance;

	if (adist)
		return adist;
	adist = ADISTANCE_UNSAID;
	mt_calc_adistance(pn->nid, &adist);
	return adist;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_adistance);

/*
 * private_node_type - memory type of a private node
 * @nid: any node
 *
 * Context: memory_tier_lock held.
 * Return: the type, or NULL while the node is in no tier, or not private.
 */
struct memory_dev_type *private_node_type(int nid)
{
	return types[nid];
}

/* As private_node_adistance(); 0 without a handle. */
static int adistance_of(int nid)
{
	struct private_node *pn = private_node_find(nid);
	int adist = pn ? private_node_adistance(pn) : 0;

	private_node_put(pn);
	return adist;
}

/*
 * private_node_tier_settled - is a private node in the right tier, or none?
 * @nid: a private node
 *
 * Context: memory_tier_lock held, may sleep.
 * Return: false when the node has to leave its tier, or to enter one.
 */
bool private_node_tier_settled(int nid)
{
	struct memory_dev_type *type = types[nid];

	if (!private_node_in_tiers(nid))
		return !type;
	return type && type->adistance == adistance_of(nid);
}

/*
 * private_node_type_get - allocate the memory type of a private node
 * @nid: a private node that is in no tier
 *
 * Context: memory_tier_lock held, may sleep.
 * Return: the type, to be freed by private_node_type_put(); or
 * ERR_PTR(-ENOMEM).
 */
struct memory_dev_type *private_node_type_get(int nid)
{
	struct memory_dev_type *type = alloc_memory_type(adistance_of(nid));

	if (!IS_ERR(type))
		types[nid] = type;
	return type;
}

/*
 * private_node_type_put - free the memory type of a private node
 * @nid: a private node that has just left its tier
 *
 * Context: memory_tier_lock held.
 */
void private_node_type_put(int nid)
{
	put_memory_type(types[nid]);
	types[nid] = NULL;
}

/*
 * private_node_notify - called instead of the node notifiers for a private node
 * @action: NODE_ADDING_FIRST_MEMORY, ...
 * @nid: a private node
 *
 * Context: process, may sleep; mem_hotplug_lock held for writing.
 */
void private_node_notify(unsigned long action, int nid)
{
	if (action == NODE_REMOVED_LAST_MEMORY)
		private_node_tier_update(nid);
}

static int update_tier(int nid)
{
	private_node_tier_update(nid);
	return 0;
}

const struct private_node_subscriber private_node_tier_subscriber = {
	.changed = update_tier,
};

/*
 * private_node_show_tier - nodes of a memory tier, for its file nodelist
 * @memtier: the tier
 * @buf: the file's page
 *
 * Must not take memory_tier_lock: the task that destroys a tier holds it and
 * waits for the readers of the tier's file.
 *
 * Context: any.
 * Return: length of the line.
 */
ssize_t private_node_show_tier(const struct memory_tier *memtier, char *buf)
{
	nodemask_t nodes = NODE_MASK_NONE;
	int nid;

	for_each_node(nid)
		if (NODE_DATA(nid) &&
		    rcu_access_pointer(NODE_DATA(nid)->memtier) == memtier)
			node_set(nid, nodes);
	return sysfs_emit(buf, "%*pbl\n", nodemask_pr_args(&nodes));
}

/*
 * __private_node_filter_targets - see private_node_filter_targets()
 */
void __private_node_filter_targets(int nid, nodemask_t *targets)
{
	if (!numa_demotion_enabled && !node_is_private(nid))
		nodes_andnot(*targets, *targets, node_states[N_MEMORY]);
}

static bool stays_out(struct folio *folio)
{
	return private_node_keeps_out(folio) || folio_test_ksm(folio);
}

/* Drops private nodes, but not fenced ones if @folio is file data for them. */
static void keep_out(struct folio *folio, nodemask_t *nodes)
{
	nodemask_t may = node_states[N_MEMORY];

	if (private_node_any_fence() && private_node_fence->takes_file(folio))
		nodes_or(may, may, *private_node_fence->nodes);
	nodes_and(*nodes, *nodes, may);
}

/* Drops targets that do not take @folio whatever its users may have. */
static void drop_unfit(struct folio *folio, nodemask_t *targets)
{
	bool out = stays_out(folio);

	if (out && private_node_any_fence() && !folio_test_anon(folio))
		private_node_fence->prepare_file(folio);
	if (out)
		keep_out(folio, targets);
	if (private_node_any_fence())
		private_node_fence->drop_unfit(folio, targets);
}

/*
 * __private_node_may_demote - see private_node_may_demote()
 */
bool __private_node_may_demote(struct folio *folio, struct mem_cgroup *memcg,
			       bool pageout)
{
	nodemask_t targets;

	node_get_allowed_targets(NODE_DATA(folio_nid(folio)), &targets);
	if (pageout && private_node_any_fence())
		nodes_and(targets, targets, *private_node_fence->nodes);
	drop_unfit(folio, &targets);
	if (nodes_empty(targets))
		return false;
	mem_cgroup_node_filter_allowed(memcg, &targets);
	return !nodes_empty(targets) &&
	       private_node_may_have(folio, &targets, NUMA_NO_NODE) > 0;
}

static bool any_helps(const nodemask_t *targets, struct mem_cgroup *memcg)
{
	int target;

	for_each_node_mask(target, *targets)
		if (!private_node_fenced(target) ||
		    private_node_fence->has_room(target, memcg))
			return true;
	return false;
}

/*
 * __private_node_drop_useless - see private_node_drop_useless()
 */
void __private_node_drop_useless(nodemask_t *targets, struct mem_cgroup *memcg)
{
	if (!any_helps(targets, memcg))
		nodes_clear(*targets);
}

/* Enters the private nodes of @nodes that are open, and drops the others. */
static nodemask_t enter_open(nodemask_t *nodes)
{
	nodemask_t inside = NODE_MASK_NONE;
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *nodes) {
		if (node_state(nid, N_MEMORY))
			continue;
		pn = private_node_peek(nid);
		if (pn && !private_node_named_first(pn) &&
		    private_node_enter(pn, PRIVATE_NODE_DEMOTION))
			node_set(nid, inside);
		else
			node_clear(nid, *nodes);
	}
	return inside;
}

/* No target had room: wakes their kswapd, which makes room for later folios. */
static void wake_full_targets(const nodemask_t *nodes, gfp_t gfp,
			      unsigned int order)
{
	struct private_node *pn;
	struct zone *zone;
	int nid, i;

	for_each_node_mask(nid, *nodes) {
		pn = private_node_find(nid);
		if (!pn)
			continue;
		private_node_refuse(pn, PRIVATE_NODE_DEMOTION, PRIVATE_NODE_FAILED, order);
		private_node_put(pn);
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			private_node_wake_kswapd(zone,
						 gfp | __GFP_KSWAPD_RECLAIM,
						 order);
		}
	}
}

/* Charges the cgroup for a page on a fenced node, or drops such nodes. */
static bool charge_cgroup(struct folio *src, nodemask_t *nodes)
{
	if (!private_node_any_fence() ||
	    !nodes_intersects(*nodes, *private_node_fence->nodes))
		return false;
	if (private_node_fence->charge(src))
		return true;
	nodes_andnot(*nodes, *nodes, *private_node_fence->nodes);
	return false;
}

/*
 * private_node_demote_undo - free a target folio that migration did not use
 * @dst: folio from private_node_demote_alloc(), or any other
 * @private: not used
 *
 * Context: reclaim.
 */
void private_node_demote_undo(struct folio *dst, unsigned long private)
{
	if (private_node_fenced(folio_nid(dst)))
		private_node_fence->undo(dst);
	folio_put(dst);
}

/* A folio on a private node that cannot be marked as a guest is freed again. */
static struct folio *mark_guest(struct folio *dst)
{
	if (!dst || !node_is_private(folio_nid(dst)) || private_node_mark(dst))
		return dst;
	private_node_demote_undo(dst, 0);
	return NULL;
}

/*
 * Narrows @nodes to those that @src may have, and enters the gates of the
 * private ones, which are returned in @inside.  A single node needs no check,
 * since private_node_may_demote() has made it.
 */
static bool narrow_targets(struct folio *src, nodemask_t *nodes,
			   nodemask_t *inside)
{
	bool sure = nodes_weight(*nodes) == 1;

	if (stays_out(src))
		keep_out(src, nodes);
	*inside = enter_open(nodes);
	return sure || private_node_may_go(src, nodes, NUMA_NO_NODE) > 0;
}

static struct folio *alloc_below(struct folio *src, int nid, nodemask_t *nodes,
				 gfp_t gfp)
{
	unsigned int order = folio_order(src);
	struct folio *dst;
	bool charged;

	if (!nodes_intersects(*nodes, private_node_map))
		return private_node_alloc_among(nid, nodes, gfp, order);
	charged = charge_cgroup(src, nodes);
	if (nodes_empty(*nodes))
		return NULL;
	gfp |= __GFP_COMP;
	if (charged)
		dst = private_node_fence->take(src, nid, nodes, gfp, order);
	else
		dst = private_node_walk(nid, nodes, gfp, order,
					PRIVATE_NODE_DEMOTION);
	dst = mark_guest(dst);
	if (dst)
		private_node_count_used(dst, PRIVATE_NODE_DEMOTION);
	else
		wake_full_targets(nodes, gfp, order);
	return dst;
}

/*
 * private_node_demote_alloc - allocate the target folio of a demotion
 * @src: the folio that is demoted
 * @nid: the target that reclaim prefers
 * @allowed: lower tiers that the folio's memory cgroup may use
 * @gfp: of reclaim: neither sleeps nor warns
 *
 * Takes from the nearest of the nodes that has room.  A private node that is
 * full is not reclaimed here; its kswapd makes room for later folios.
 *
 * Context: reclaim.
 * Return: a folio, marked as a guest if it is on a private node; or NULL.
 */
struct folio *private_node_demote_alloc(struct folio *src, int nid,
					const nodemask_t *allowed, gfp_t gfp)
{
	nodemask_t nodes = *allowed, inside;
	struct folio *dst = NULL;

	if (narrow_targets(src, &nodes, &inside))
		dst = alloc_below(src, nid, &nodes, gfp);
	private_node_leave_nodes(&inside, PRIVATE_NODE_DEMOTION);
	return dst;
}
