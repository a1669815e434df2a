// SPDX-License-Identifier: GPL-2.0-only
/*
 * Residents that leave: for ordinary memory that their users may have, or for swap.
 */
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/private_node_zswap.h>
#include <linux/swap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/private_node.h"
#include "cram.h"

#define BATCH	512
/* The others on the device stay where they are when there is no memory. */
#define LEAVE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
/* Residents that leave a device that is short, after one reading. */
#define EVICT_MIN	64UL
#define EVICT_MAX	4096UL
/* Residents that leave for swap after one reading, for others. */
#define ROOM_PAGES	1024
/* Large residents that are split after one reading. */
#define SPLIT_FOLIOS	64

/*
 * cram_leave_init - begin to move residents out
 * @cd: the device they are on
 * @l: what leaves
 *
 * Context: process.
 */
void cram_leave_init(struct cram_device *cd, struct private_node_leaving *l)
{
	*l = (struct private_node_leaving){
		.pn = cd->pn,
		.batch = BATCH,
		.gone = NUMA_NO_NODE,
		.gfp = LEAVE_GFP | __GFP_MOVABLE,
		.mode = MIGRATE_SYNC_LIGHT,
		.reason = MR_MEMORY_HOTPLUG,
	};
	INIT_LIST_HEAD(&l->folios);
}

/*
 * cram_leave - move a resident to ordinary memory that its users may have
 * @cd: the device it is on
 * @l: from cram_leave_init(); ended by private_node_leave_now()
 * @folio: held
 *
 * What is lost cannot be copied, and memory failure has to find it in its place.
 *
 * Context: process, may sleep.
 * Return: does it leave?
 */
bool cram_leave(struct cram_device *cd, struct private_node_leaving *l,
		struct folio *folio)
{
	const struct cram_ops *ops = cd->desc.ops;

	if (folio_contain_hwpoisoned_page(folio) ||
	    (ops->is_lost && ops->is_lost(cd, folio_pfn(folio),
					  folio_nr_pages(folio))))
		return false;
	return private_node_folio_is_users(folio) &&
	       private_node_move_out(l, folio) > 0;
}

/* As many as need the room that is lacking, by what a page needs on average. */
static unsigned long pages_to_evict(struct cram_device *cd)
{
	u64 lack = cram_ledger_lack(&cd->ledger);
	u64 used = READ_ONCE(cd->last.used);
	unsigned long freed = atomic_long_read(&cd->nr_freed);
	unsigned long nr;

	if (READ_ONCE(cd->state) == CRAM_BROKEN || !used)
		return EVICT_MAX;
	nr = mul_u64_u64_div_u64(lack, cram_resident(cd), used) + 1;
	/* What is on its way to be trimmed counts. */
	return nr > freed ? clamp(nr - freed, EVICT_MIN, EVICT_MAX) : 0;
}

static unsigned long evict_mapped(struct cram_device *cd, unsigned long nr)
{
	unsigned long end = pgdat_end_pfn(NODE_DATA(cd->nid));
	struct private_node_leaving l;
	unsigned long seen = 0;
	struct folio *folio;

	cram_leave_init(cd, &l);
	if (cd->evict_pfn < NODE_DATA(cd->nid)->node_start_pfn)
		cd->evict_pfn = NODE_DATA(cd->nid)->node_start_pfn;
	get_online_mems();
	while (seen < nr) {
		folio = private_node_next_used(&cd->evict_pfn, end);
		if (!folio) {
			cd->evict_pfn = 0;
			break;
		}
		cram_leave(cd, &l, folio);
		seen += folio_nr_pages(folio);
		folio_put(folio);
	}
	private_node_leave_now(&l);
	put_online_mems();
	return l.moved;
}

/*
 * Parts of large residents that were copied up are given back: nobody maps them,
 * but the folio has them until it is split.  Returns how many folios were.
 */
static unsigned long split_partly_mapped(struct cram_device *cd)
{
	return split_deferred_node(cd->nid, SPLIT_FOLIOS);
}

/*
 * cram_evict - residents move to ordinary memory, no more than there is need for
 * @cd: the device
 *
 * Of a broken device all of them, by and by.
 * Context: process, may sleep.
 */
void cram_evict(struct cram_device *cd)
{
	unsigned long nr = pages_to_evict(cd), moved;

	if (!nr)
		return;
	if (READ_ONCE(cd->state) != CRAM_BROKEN && split_partly_mapped(cd))
		return;
	moved = zswap_leave_node(cd->nid, nr, LEAVE_GFP);
	if (moved < nr)
		moved += evict_mapped(cd, nr - moved);
	/* Some may be on their way to an LRU list, on an idle processor. */
	if (!moved)
		lru_add_drain_all();
	cram_count(cd, CRAM_EVICTED, moved);
	trace_cram_evicted(cd->nid, moved);
}

/*
 * cram_make_room - parts that nobody has are given back; or else residents that
 *	nobody uses leave for swap
 * @cd: the device
 *
 * When somebody was refused for lack of credit since the last call: what would
 * come is likely to be of more use there.
 * Context: process, may sleep.
 */
void cram_make_room(struct cram_device *cd)
{
	nodemask_t nodes = nodemask_of_node(cd->nid);
	unsigned int nr;

	if (!READ_ONCE(cd->wanted))
		return;
	WRITE_ONCE(cd->wanted, false);
	if (split_partly_mapped(cd) || !READ_ONCE(cram_swap))
		return;
	for (nr = 0; nr < ROOM_PAGES && get_nr_swap_pages() > 0;
	     nr += SWAP_CLUSTER_MAX)
		if (!private_node_reclaim(&nodes, GFP_KERNEL | __GFP_NORETRY, 0))
			break;
}

/*
 * cram_promote_hot - residents that the device finds hot move up
 * @cd: the device
 *
 * No more than CRAM_HOT of them for each reading.
 *
 * Context: process, may sleep.
 */
void cram_promote_hot(struct cram_device *cd)
{
	const enum private_node_user user =
		(enum private_node_user)PRIVATE_NODE_PROMOTION;
	struct private_node_leaving l;
	struct folio *folio;
	unsigned int i, nr;

	if (!cd->desc.ops->hot_pages || !private_node_open(cd->pn, user))
		return;
	cram_leave_init(cd, &l);
	nr = cd->desc.ops->hot_pages(cd, cd->hot, CRAM_HOT);
	if (!private_node_enter(cd->pn, user))
		return;
	for (i = 0; i < min(nr, CRAM_HOT); i++) {
		if (cd->hot[i] - cd->first_pfn >= cd->nr_pages)
			continue;
		folio = pfn_folio(cd->hot[i]);
		if (!folio_try_get(folio))
			continue;
		if (cram_leave(cd, &l, folio))
			cram_thrash_moves_up(folio);
		folio_put(folio);
	}
	private_node_leave_now(&l);
	private_node_leave(cd->pn, user);
	if (l.moved)
		cram_count(cd, CRAM_PROMOTED, l.moved);
}
