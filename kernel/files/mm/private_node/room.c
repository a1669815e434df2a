// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there enough memory for the pages that are to leave a node?
 *
 * This is checked before the first page moves, so that an unplug does not move
 * pages and then fail for want of memory.  The answer is no only when that is
 * certain, since how much reclaim can free is known only afterwards: file
 * pages, slab caches, swap and room on other demotion targets all count as
 * room.
 */
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/private_node.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include "internal.h"

/*
 * private_node_room_needed - add pages that are to move
 * @room: pages to move, by target nodes
 * @nodes: nodes that these pages may go to
 * @nr: how many pages
 *
 * When all entries are in use, other masks are merged into the last one.  That
 * asks for less room than the separate masks would.
 * Context: any.
 */
void private_node_room_needed(struct private_node_room *room,
			      const nodemask_t *nodes, unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < room->nr; i++)
		if (nodes_equal(room->nodes[i], *nodes))
			break;
	if (i == PRIVATE_NODE_ROOM_SETS)
		i--;
	if (i == room->nr) {
		room->nodes[i] = *nodes;
		room->pages[i] = 0;
		room->nr++;
	}
	nodes_or(room->nodes[i], room->nodes[i], *nodes);
	room->pages[i] += nr;
}

/* Pages of an ordinary node that are free, or that reclaim may free. */
static unsigned long may_be_free(int nid)
{
	struct pglist_data *pgdat = NODE_DATA(nid);

	return sum_zone_node_page_state(nid, NR_FREE_PAGES) +
	       node_page_state(pgdat, NR_ACTIVE_FILE) +
	       node_page_state(pgdat, NR_INACTIVE_FILE) +
	       node_page_state_pages(pgdat, NR_SLAB_RECLAIMABLE_B);
}

/* Pages that may leave ordinary nodes for swap, or by demotion. */
static unsigned long may_be_taken(const struct private_node_room *room)
{
	unsigned long nr = max(get_nr_swap_pages(), 0L);
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (nid != room->leaves &&
		    private_node_service_enabled(nid, PRIVATE_NODE_DEMOTION))
			nr += private_node_free_pages_nid(nid);
	return nr;
}

/* How many pages may go to no other nodes than these? */
static unsigned long needed_within(const struct private_node_room *room,
				   const nodemask_t *nodes)
{
	unsigned long nr = 0;
	unsigned int i;

	for (i = 0; i < room->nr; i++)
		if (nodes_subset(room->nodes[i], *nodes))
			nr += room->pages[i];
	return nr;
}

/*
 * private_node_room_lacks - is it certain that there is not enough room?
 * @room: pages to move, by target nodes
 *
 * Context: process.
 * Return: true if it is.
 */
bool private_node_room_lacks(const struct private_node_room *room)
{
	unsigned long taken = may_be_taken(room), nr;
	unsigned int i;
	int nid;

	for (i = 0; i < room->nr; i++) {
		nr = taken;
		for_each_node_mask(nid, room->nodes[i])
			nr += may_be_free(nid);
		if (needed_within(room, &room->nodes[i]) > nr)
			return true;
	}
	return false;
}
