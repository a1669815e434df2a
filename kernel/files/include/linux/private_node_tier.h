/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes in memory tiers, demotion and promotion.
 *
 * mm/private_node/tier.c, mm/private_node/promote.c
 */
#ifndef _LINUX_PRIVATE_NODE_TIER_H
#define _LINUX_PRIVATE_NODE_TIER_H

#include <linux/cram_fence.h>
#include <linux/private_node.h>

struct mem_cgroup;
struct memory_dev_type;
struct memory_tier;

#ifdef CONFIG_PRIVATE_NODE

extern nodemask_t private_node_tier_nodes;
extern bool private_node_tiers;

bool __private_node_in_tiers(int nid);
bool private_node_tier_settled(int nid);
struct memory_dev_type *private_node_type(int nid);
struct memory_dev_type *private_node_type_get(int nid);
void private_node_type_put(int nid);
ssize_t private_node_show_tier(const struct memory_tier *memtier, char *buf);
void private_node_collect_tiers(void);
int private_node_next_tier_node(int node, nodemask_t *used);
void __private_node_filter_targets(int nid, nodemask_t *targets);
bool __private_node_may_demote(struct folio *folio, struct mem_cgroup *memcg,
			       bool pageout);
struct folio *private_node_demote_alloc(struct folio *src, int nid,
					const nodemask_t *allowed, gfp_t gfp);
void private_node_demote_undo(struct folio *dst, unsigned long private);
void __private_node_drop_useless(nodemask_t *targets, struct mem_cgroup *memcg);
bool __private_node_hints(int nid);
bool __private_node_hint_nodes(void);
bool __private_node_may_hint(struct folio *folio, int nid);
struct folio *private_node_pin_target(struct folio *src, gfp_t gfp,
				      unsigned int order);
void __private_node_moved_within(struct folio *dst, struct folio *src);

/* mm/memory-tiers.c */
void private_node_tier_update(int nid);

/* All nodes that have a tier; valid after private_node_collect_tiers(). */
#define memory_tier_nodes private_node_tier_nodes

/**
 * private_node_in_tiers - is this a private node that is open to demotion?
 * @nid: node id
 *
 * Cost: a static branch; with a private node, a look-up.
 * Context: any.
 */
static inline bool private_node_in_tiers(int nid)
{
	return private_node_hook(tier_nodes) && node_is_private(nid) &&
	       __private_node_in_tiers(nid);
}

/**
 * private_node_shows_tiers - does private_node_show_tier() serve nodelist?
 *
 * Context: any.
 */
static inline bool private_node_shows_tiers(void)
{
	return private_node_hook(tier_show);
}

/**
 * private_node_type_gone - is there no memory type to be dropped?
 * @memtype: of node_memory_types[], or NULL
 *
 * Drivers with different types may share a node, and only the type of the first one
 * counts.  The first driver may have left before the second one does.
 * Context: any.
 */
static inline bool private_node_type_gone(const struct memory_dev_type *memtype)
{
	return !memtype;
}

/**
 * private_node_demotes - may reclaim demote, whatever demotion_enabled says?
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 */
static inline bool private_node_demotes(void)
{
	return private_node_any() && READ_ONCE(private_node_tiers);
}

/**
 * private_node_filter_targets - keep targets that demotion_enabled allows
 * @nid: node whose pages are demoted
 * @targets: lower tiers; without demotion_enabled, ordinary nodes demote to
 *	private ones only
 *
 * Context: any.
 */
static inline void private_node_filter_targets(int nid, nodemask_t *targets)
{
	if (private_node_demotes())
		__private_node_filter_targets(nid, targets);
}

/**
 * private_node_demote_apart - does demotion allocate by mm/private_node/tier.c?
 *
 * While a private node is in the tiers, demotion obeys what users may have.
 *
 * Cost and context: as private_node_demotes().
 */
static inline bool private_node_demote_apart(void)
{
	return private_node_demotes() && private_node_hook(demote_alloc);
}

/**
 * private_node_may_demote - is there a target for this folio?
 * @folio: locked, of a node that has targets
 * @memcg: whose reclaim it is
 * @pageout: see cram_targets()
 *
 * Page cache and KSM pages go to ordinary nodes only, page cache to compressed
 * RAM as well; memory of the device map stays on its node, and what a bind keeps
 * elsewhere does not come.
 *
 * Cost: a static branch and a load; with a private node in the tiers, a walk of
 * the reverse map.
 * Context: reclaim.
 */
static inline bool private_node_may_demote(struct folio *folio,
					   struct mem_cgroup *memcg,
					   bool pageout)
{
	return !private_node_demotes() || !private_node_hook(demote_folio) ||
	       __private_node_may_demote(folio, memcg, pageout);
}

/**
 * private_node_drop_useless - empty the mask when it is not worth looking for
 *	what to demote
 * @targets: where it may go
 * @memcg: whose pages; NULL for all
 *
 * A compressing device that has no credit takes nothing, nor from a cgroup at its
 * memory.cram.max.
 *
 * Cost: a static branch; with such a device, a look at the ledger.
 * Context: any.
 */
static inline void private_node_drop_useless(nodemask_t *targets,
					     struct mem_cgroup *memcg)
{
	if (cram_any() && private_node_hook(cram_limit))
		__private_node_drop_useless(targets, memcg);
}

/**
 * private_node_hints_off - does NUMA balancing stay away from a node?
 * @nid: node id
 *
 * A hint fault pulls a folio to the node of the CPU.  The service numa_balancing allows
 * that, and in tiering mode the service promotion.
 *
 * Cost: that of node_is_private(); for a private node up to two look-ups.
 * Context: any.
 */
static inline bool private_node_hints_off(int nid)
{
	return private_node_hooked(numa_hint, nid) &&
	       !__private_node_hints(nid);
}

/**
 * private_node_hint_nodes - scan a task that has only one ordinary node?
 *
 * Cost: a static branch; with a private node, a look at each.
 * Context: any.
 */
static inline bool private_node_hint_nodes(void)
{
	return private_node_any() && private_node_hook(hint_nodes) &&
	       __private_node_hint_nodes();
}

/**
 * private_node_may_hint - may a hint fault pull a folio to a node?
 * @folio: held
 * @nid: an ordinary node
 *
 * From a private node it goes only where all of its users may have it.
 *
 * Cost: that of node_is_private(); for a private node a walk of the reverse map.
 * Context: process.
 */
static inline bool private_node_may_hint(struct folio *folio, int nid)
{
	return !private_node_hooked(hint_target, folio_nid(folio)) ||
	       __private_node_may_hint(folio, nid);
}

/**
 * private_node_moved_within - a folio takes over from another one
 * @dst: new, not mapped yet
 * @src: old
 *
 * Within a private node the new folio inherits the mark, see mark.c.
 *
 * Cost: that of node_is_private(); for a private node two look-ups.
 * Context: any.
 */
static inline void private_node_moved_within(struct folio *dst,
					     struct folio *src)
{
	if (private_node_hooked(mark_moves, folio_nid(dst)) &&
	    folio_nid(dst) == folio_nid(src))
		__private_node_moved_within(dst, src);
}

#else /* !CONFIG_PRIVATE_NODE */

#define memory_tier_nodes node_states[N_MEMORY]
#define private_node_next_tier_node find_next_best_node

static inline void private_node_collect_tiers(void) {}

static inline bool private_node_in_tiers(int nid)
{
	return false;
}

static inline struct memory_dev_type *private_node_type(int nid)
{
	return NULL;
}

static inline bool private_node_shows_tiers(void)
{
	return false;
}

static inline ssize_t private_node_show_tier(const struct memory_tier *memtier,
					     char *buf)
{
	return 0;
}

static inline bool private_node_type_gone(const struct memory_dev_type *memtype)
{
	return false;
}

static inline bool private_node_demotes(void)
{
	return false;
}

static inline void private_node_filter_targets(int nid, nodemask_t *targets) {}

static inline bool private_node_demote_apart(void)
{
	return false;
}

static inline bool private_node_may_demote(struct folio *folio,
					   struct mem_cgroup *memcg,
					   bool pageout)
{
	return true;
}

static inline struct folio *
private_node_demote_alloc(struct folio *src, int nid,
			  const nodemask_t *allowed, gfp_t gfp)
{
	return NULL;
}

/* migrate_pages() frees the folio by itself. */
#define private_node_demote_undo NULL

static inline void private_node_drop_useless(nodemask_t *targets,
					     struct mem_cgroup *memcg) {}

static inline bool private_node_hints_off(int nid)
{
	return false;
}

static inline bool private_node_hint_nodes(void)
{
	return false;
}

static inline bool private_node_may_hint(struct folio *folio, int nid)
{
	return true;
}

static inline void private_node_moved_within(struct folio *dst,
					     struct folio *src)
{
}

static inline struct folio *private_node_pin_target(struct folio *src,
						    gfp_t gfp,
						    unsigned int order)
{
	return NULL;
}

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _LINUX_PRIVATE_NODE_TIER_H */
