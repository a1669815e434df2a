// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spare node ids: private_node_spare=<n> makes them possible nodes.  A device
 * for which firmware describes no proximity domain takes one when it is plugged
 * in.
 *
 * Firmware has no distances of such a node either; the provider gives them.
 * They are kept here, the same in both directions, and node_distance() looks
 * here first:
 *
 *	taken: node 2, distances { 40, 60, 0 }
 *
 *	node	 0   1   2
 *	0	10  20  40
 *	1	20  10  60
 *	2	40  60  10
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/acpi.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "internal.h"

DEFINE_STATIC_KEY_FALSE(private_node_spare_key);

static DEFINE_MUTEX(spare_lock);
/* Node ids that private_node_spare_get() handed out; under spare_lock. */
static nodemask_t spare_taken;
/*
 * One row of MAX_NUMNODES distances for each node id; 0 means the distance of
 * firmware.  A row is allocated with the first use of its node and never freed,
 * so that readers need no lock.
 */
static u8 *spare_rows[MAX_NUMNODES];

/**
 * private_node_spare_distance - distance that a provider gave
 * @from: node id
 * @to: node id
 *
 * Context: any.
 * Return: the distance, or 0 when neither node is a spare one in use.
 */
int private_node_spare_distance(int from, int to)
{
	u8 *row = READ_ONCE(spare_rows[from]);

	if (row && READ_ONCE(row[to]))
		return READ_ONCE(row[to]);
	row = READ_ONCE(spare_rows[to]);
	return row ? READ_ONCE(row[from]) : 0;
}

/* Is the node id used by something else: firmware, a driver, CPUs? */
static bool in_use(int nid)
{
	if (node_isset(nid, spare_taken) || node_online(nid) ||
	    node_isset(nid, private_node_map))
		return true;
#ifdef CONFIG_ACPI_NUMA
	if (node_to_pxm(nid) != PXM_INVAL)
		return true;
#endif
	return false;
}

static int find_free(void)
{
	int nid;

	for_each_node_mask(nid, private_node_spare_map)
		if (!in_use(nid))
			return nid;
	return NUMA_NO_NODE;
}

static int check_distances(int self, const u8 *distances, unsigned int nr)
{
	unsigned int i;
	int nid;

	for_each_online_node(nid)
		if (nid >= nr || !distances[nid]) {
			pr_err("spare node %d: no distance to node %d given\n",
			       self, nid);
			return -EINVAL;
		}
	for (i = 0; i < nr; i++) {
		if (i >= MAX_NUMNODES) {
			pr_err("spare node %d: %u distances given, node ids end at %d\n",
			       self, nr, MAX_NUMNODES - 1);
			return -EINVAL;
		}
		if (i == self || !distances[i] ||
		    distances[i] > LOCAL_DISTANCE)
			continue;
		pr_err("spare node %d: distance %u to node %u: has to be more than %d\n",
		       self, distances[i], i, LOCAL_DISTANCE);
		return -EINVAL;
	}
	return 0;
}

static void set_distance(int a, int b, u8 distance)
{
	if (spare_rows[a])
		WRITE_ONCE(spare_rows[a][b], distance);
	if (spare_rows[b])
		WRITE_ONCE(spare_rows[b][a], distance);
}

static int set_distances(int self, const u8 *distances, unsigned int nr)
{
	unsigned int i;
	u8 *row;

	if (!spare_rows[self]) {
		row = kzalloc(MAX_NUMNODES, GFP_KERNEL);
		if (!row)
			return -ENOMEM;
		/* Pairs with the address dependency of readers. */
		smp_store_release(&spare_rows[self], row);
	}
	for (i = 0; i < nr; i++)
		set_distance(self, i, distances[i]);
	set_distance(self, self, LOCAL_DISTANCE);
	return 0;
}

/**
 * private_node_spare_get - take a spare node id
 * @distances: from the new node, indexed by node id; one in (10, 255] for each
 *	online node, 0 for "none given" elsewhere; the entry of the id that is
 *	handed out, which the caller cannot know, does not count
 * @nr: entries of @distances
 *
 * node_distance() returns the same in both directions.  The caller goes on with
 * private_node_register() and add_private_memory_driver_managed().
 *
 * Context: process, may sleep; takes spare_lock.
 * Return: the node id; -ENOSPC when private_node_spare= made none, or none is
 * left; -EINVAL for a distance that is missing or out of range; -ENOMEM.
 */
int private_node_spare_get(const u8 *distances, unsigned int nr)
{
	int nid, ret;

	guard(mutex)(&spare_lock);
	nid = find_free();
	if (nid == NUMA_NO_NODE) {
		pr_err("no spare node id: %u were made, %u are taken; boot with a larger private_node_spare=\n",
		       nodes_weight(private_node_spare_map),
		       nodes_weight(spare_taken));
		return -ENOSPC;
	}
	ret = check_distances(nid, distances, nr);
	if (!ret)
		ret = set_distances(nid, distances, nr);
	if (ret)
		return ret;
	node_set(nid, spare_taken);
	static_branch_enable(&private_node_spare_key);
	return nid;
}
EXPORT_SYMBOL_GPL(private_node_spare_get);

/**
 * private_node_spare_put - give a spare node id back
 * @nid: what private_node_spare_get() returned
 *
 * Called after private_node_unregister().  Clears the node's distances.
 * Nothing changes for an id that was not handed out, or that is still in use;
 * the error is in dmesg.
 *
 * Context: process, may sleep; takes spare_lock.
 */
void private_node_spare_put(int nid)
{
	int other;

	guard(mutex)(&spare_lock);
	if (nid < 0 || nid >= MAX_NUMNODES || !node_isset(nid, spare_taken)) {
		pr_err("node %d: cannot be given back: not a spare node id that is taken\n",
		       nid);
		return;
	}
	if (node_isset(nid, private_node_map) || node_state(nid, N_MEMORY)) {
		pr_err("node %d: cannot be given back: still in use; unregister it first\n",
		       nid);
		return;
	}
	for (other = 0; other < MAX_NUMNODES; other++)
		set_distance(nid, other, 0);
	node_clear(nid, spare_taken);
}
EXPORT_SYMBOL_GPL(private_node_spare_put);
