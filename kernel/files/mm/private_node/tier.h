/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes in memory tiers, demotion and promotion.
 *
 * Implemented in mm/private_node/tier.c and mm/private_node/promote.c.
 */
#ifndef _MM_PRIVATE_NODE_TIER_H
#define _MM_PRIVATE_NODE_TIER_H

#include "hooks.h"

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
bool __private_node_may_hint(struct folio *folio, int nid);
struct folio *private_node_ordinary_target(struct folio *src, gfp_t gfp,
					   unsigned int order);
struct folio *private_node_pin_target(struct folio *src, gfp_t gfp,
				      unsigned int order);
#ifdef CONFIG_CONTIG_ALLOC
struct folio *private_node_displace(struct folio *src, gfp_t gfp,
				    unsigned int order);
#endif
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
 * Return: true if so.
 */
static inline bool private_node_in_tiers(int nid)
{
	return node_is_private(nid) && __private_node_in_tiers(nid);
}

/**
 * private_node_shows_tiers - does private_node_show_tier() show a tier's
 *	nodelist?
 *
 * Context: any.
 * Return: true; false without CONFIG_PRIVATE_NODE.
 */
static inline bool private_node_shows_tiers(void)
{
	return true;
}

/**
 * private_node_type_gone - was the memory type of a node dropped already?
 * @memtype: entry of node_memory_types[], or NULL
 *
 * For clear_node_memory_type().  Drivers with different types may share a node,
 * and the entry is the type of the first one.  When the second driver leaves
 * after the first, there is nothing left to drop.
 *
 * Context: any.
 * Return: true for NULL.
 */
static inline bool private_node_type_gone(const struct memory_dev_type *memtype)
{
	return !memtype;
}

/**
 * private_node_demotes - may reclaim demote even if demotion_enabled is 0?
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true while a private node is in the memory tiers.
 */
static inline bool private_node_demotes(void)
{
	return private_node_any() && READ_ONCE(private_node_tiers);
}

/**
 * private_node_filter_targets - drop demotion targets that demotion_enabled
 *	forbids
 * @nid: node whose pages are demoted
 * @targets: nodes of lower tiers; the result
 *
 * While demotion_enabled is 0, ordinary nodes demote to private nodes only.
 *
 * Context: any.
 */
static inline void private_node_filter_targets(int nid, nodemask_t *targets)
{
	if (private_node_demotes())
		__private_node_filter_targets(nid, targets);
}

/**
 * private_node_demote_apart - does demotion allocate by
 *	private_node_demote_alloc()?
 *
 * That is the case while a private node is in the memory tiers.  The function
 * keeps each folio on nodes that all its users may have.
 *
 * Cost: as private_node_demotes().
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_demote_apart(void)
{
	return private_node_demotes();
}

/**
 * private_node_may_demote - is there a demotion target for a folio?
 * @folio: the folio, locked, on a node that has targets
 * @memcg: cgroup that is reclaimed
 * @pageout: is this a page-out (MADV_PAGEOUT)?  Then only fenced nodes count
 *
 * Page cache and KSM pages are demoted to ordinary nodes only, page cache to
 * fenced nodes as well.  Memory of the device map is not demoted.  A bind of
 * a user has to allow the target.
 *
 * Cost: a static branch and a load; with a private node in the tiers, a walk of
 * the reverse map.
 * Context: reclaim.
 * Return: true if so.
 */
static inline bool private_node_may_demote(struct folio *folio,
					   struct mem_cgroup *memcg,
					   bool pageout)
{
	return !private_node_demotes() ||
	       __private_node_may_demote(folio, memcg, pageout);
}

/**
 * private_node_drop_useless - empty the mask of targets if none of them takes a
 *	page
 * @targets: demotion targets; the result
 * @memcg: cgroup that is reclaimed; NULL for all
 *
 * A fenced node takes nothing while its device has no room, and nothing from a
 * cgroup that has reached its limit there.  Then reclaim need not look for
 * folios to demote.
 *
 * Cost: a static branch; with a fenced node, a call of
 * &private_node_fence.has_room.
 * Context: any but NMI.
 */
static inline void private_node_drop_useless(nodemask_t *targets,
					     struct mem_cgroup *memcg)
{
	if (private_node_any_fence())
		__private_node_drop_useless(targets, memcg);
}

/**
 * private_node_hints_off - must NUMA balancing set no hint faults on pages of a
 *	node?
 * @nid: node id
 *
 * A hint fault moves a folio to the node of the CPU.  For a private node this
 * needs the service numa_balancing, or in tiering mode the service promotion.
 *
 * Cost: that of node_is_private(); for a private node up to two look-ups.
 * Context: any.
 * Return: true if so; false for an ordinary node.
 */
static inline bool private_node_hints_off(int nid)
{
	return node_is_private(nid) && !__private_node_hints(nid);
}

/**
 * private_node_may_hint - may a hint fault move a folio to a node?
 * @folio: the folio, with a reference
 * @nid: an ordinary node
 *
 * A folio of a private node moves only to a node that all its users may have.
 *
 * Cost: that of node_is_private(); for a private node a walk of the reverse
 * map.
 * Context: process.
 * Return: true if so; always true for a folio of an ordinary node.
 */
static inline bool private_node_may_hint(struct folio *folio, int nid)
{
	return !node_is_private(folio_nid(folio)) ||
	       __private_node_may_hint(folio, nid);
}

/**
 * private_node_moved_within - let a new folio inherit the mark of a guest
 * @dst: new folio, not mapped yet
 * @src: old folio
 *
 * Does nothing unless both are on the same private node.  See
 * mm/private_node/mark.c.
 *
 * Cost: that of node_is_private(); for a private node two look-ups.
 * Context: any.
 */
static inline void private_node_moved_within(struct folio *dst,
					     struct folio *src)
{
	if (node_is_private(folio_nid(dst)) && folio_nid(dst) == folio_nid(src))
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

#if !defined(CONFIG_PRIVATE_NODE) || !defined(CONFIG_CONTIG_ALLOC)
static inline struct folio *private_node_displace(struct folio *src, gfp_t gfp,
						  unsigned int order)
{
	return NULL;
}
#endif

#endif /* _MM_PRIVATE_NODE_TIER_H */
