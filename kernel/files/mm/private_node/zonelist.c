// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private zonelists.
 *
 * Private zones are in no ordinary list.  While a private node is registered,
 * every online node has one private list of all zones, ordinary and private,
 * in order of distance.  It is only ever walked with a nodemask, by
 * __alloc_frozen_pages_private().
 *
 *	node distances		private list of node 0	of node 2 (private)
 *	      0   1   2   3
 *	0    10  20  40  60	0 1 2 3			2 0 1 3
 *	1    20  10  50  70
 *	2    40  50  10  90
 *	3    60  70  90  10
 *
 * Lists are replaced as a whole.  Readers are in an SRCU read section, because
 * the walk may sleep.
 */
#include <kunit/visibility.h>
#include <linux/init.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/topology.h>
#include <trace/events/private_node.h>

#include "internal.h"

/* A struct zonelist without unused entries. */
struct private_zonelist {
	struct rcu_head rcu;
	struct zoneref refs[];
};

static struct private_zonelist __rcu *private_zonelists[MAX_NUMNODES];
/* Which zones of each node the lists have; under private_zonelist_lock. */
static u8 listed_zones[MAX_NUMNODES];
DEFINE_STATIC_SRCU_FAST(private_zonelist_srcu);
/* Nests inside private_node_lock and mem_hotplug_lock. */
static DEFINE_MUTEX(private_zonelist_lock);

/*
 * private_node_zonelist_get - the private list of a node
 * @nid: a node; if it is not online, the list of the running CPU's node is used
 * @cookie: for private_node_zonelist_put()
 *
 * Context: any but NMI; the caller may sleep until it puts the list.
 * Return: the list, or NULL while no private node is registered; call
 * private_node_zonelist_put() in both cases.
 */
struct zonelist *private_node_zonelist_get(int nid,
					   struct srcu_ctr __percpu **cookie)
{
	struct private_zonelist *zl;

	BUILD_BUG_ON(offsetof(struct zonelist, _zonerefs));
	*cookie = srcu_read_lock_fast(&private_zonelist_srcu);
	zl = srcu_dereference(private_zonelists[nid], &private_zonelist_srcu);
	if (!zl)
		zl = srcu_dereference(private_zonelists[numa_mem_id()],
				      &private_zonelist_srcu);
	return zl ? (struct zonelist *)zl->refs : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_zonelist_get);

void private_node_zonelist_put(struct srcu_ctr __percpu *cookie)
{
	srcu_read_unlock_fast(&private_zonelist_srcu, cookie);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_zonelist_put);

static bool is_listed(struct zone *zone)
{
	return populated_zone(zone) && !zone_is_zone_device(zone);
}

/* Which zones of a node the lists should have, as a bitmask. */
static u8 zones_of(int nid)
{
	u8 zones = 0;
	int i;

	BUILD_BUG_ON(MAX_NR_ZONES > BITS_PER_BYTE);
	if (!node_has_any_memory(nid))
		return 0;
	for (i = 0; i < MAX_NR_ZONES; i++)
		if (is_listed(&NODE_DATA(nid)->node_zones[i]))
			zones |= BIT(i);
	return zones;
}

static unsigned int add_zones(struct zoneref *refs, int nid)
{
	unsigned int nr = 0;
	int i;

	for (i = MAX_NR_ZONES - 1; i >= 0; i--) {
		struct zone *zone = &NODE_DATA(nid)->node_zones[i];

		if (!is_listed(zone))
			continue;
		refs[nr].zone = zone;
		refs[nr].zone_idx = i;
		nr++;
	}
	return nr;
}

static struct private_zonelist *build_list(int from, nodemask_t left)
{
	struct private_zonelist *zl;
	unsigned int nr = 0;
	int nid;

	/* One more entry for the end of the list, which is all zeroes. */
	zl = kzalloc_flex(*zl, refs, nodes_weight(left) * MAX_NR_ZONES + 1,
			  GFP_KERNEL | __GFP_NOFAIL);
	while (!nodes_empty(left)) {
		nid = nearest_node_nodemask(from, &left);
		node_clear(nid, left);
		nr += add_zones(zl->refs + nr, nid);
	}
	return zl;
}

static void free_list(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct private_zonelist, rcu));
}

/*
 * private_node_rebuild_zonelists - called after nodes or memory came or went
 *
 * Context: process, may sleep; takes private_zonelist_lock.
 */
void private_node_rebuild_zonelists(void)
{
	struct private_zonelist *new, *old;
	nodemask_t all;
	int nid;

	guard(mutex)(&private_zonelist_lock);
	trace_private_node_lists(nodes_weight(private_node_map));
	nodes_or(all, node_states[N_MEMORY], node_states[N_MEMORY_PRIVATE]);
	for_each_node(nid) {
		listed_zones[nid] = zones_of(nid);
		new = NULL;
		if (node_online(nid) && !nodes_empty(private_node_map))
			new = build_list(nid, all);
		old = rcu_replace_pointer(private_zonelists[nid], new,
					  lockdep_is_held(&private_zonelist_lock));
		if (old)
			call_srcu(&private_zonelist_srcu, &old->rcu, free_list);
	}
}

/*
 * The lists change only with the first memory block of a zone that comes, and
 * the last one that goes.
 */
static bool lists_are_old(void)
{
	int nid;

	guard(mutex)(&private_zonelist_lock);
	for_each_node(nid)
		if (zones_of(nid) != listed_zones[nid])
			return true;
	return false;
}

static int memory_callback(struct notifier_block *nb, unsigned long action,
			   void *arg)
{
	if (private_node_any() &&
	    (action == MEM_ONLINE || action == MEM_OFFLINE) &&
	    lists_are_old())
		private_node_rebuild_zonelists();
	return NOTIFY_OK;
}

static int __init private_node_zonelist_init(void)
{
	hotplug_memory_notifier(memory_callback, DEFAULT_CALLBACK_PRI);
	return 0;
}
core_initcall(private_node_zonelist_init);
