// SPDX-License-Identifier: GPL-2.0-only
/*
 * Residents that have to leave: for ordinary memory.
 */
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/private_node_zswap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/private_node.h"
#include "cram.h"

#define BATCH	512

/*
 * cram_isolate - take a folio off its list to move it out
 * @cd: the device it is on
 * @folio: held
 * @folios: for cram_move_out()
 *
 * What is lost cannot be copied, and memory failure has to find it in its place.
 *
 * Context: process.
 * Return: was it taken?
 */
bool cram_isolate(struct cram_device *cd, struct folio *folio,
		  struct list_head *folios)
{
	const struct cram_ops *ops = cd->desc.ops;

	if (folio_contain_hwpoisoned_page(folio) ||
	    (ops->is_lost && ops->is_lost(cd, folio_pfn(folio),
					  folio_nr_pages(folio))))
		return false;
	return isolate_folio_to_list(folio, folios);
}

/*
 * cram_move_out - move folios to ordinary memory
 * @cd: the device they are on
 * @folios: isolated; empty afterwards
 *
 * Context: process, may sleep.
 * Return: pages that moved.
 */
unsigned long cram_move_out(struct cram_device *cd, struct list_head *folios)
{
	nodemask_t ordinary = node_states[N_MEMORY];
	struct migration_target_control mtc = {
		.nid = cd->nid,
		.nmask = &ordinary,
		.gfp_mask = GFP_KERNEL | __GFP_MOVABLE | __GFP_NORETRY |
			    __GFP_NOWARN,
		.reason = MR_MEMORY_HOTPLUG,
	};
	unsigned int moved = 0;

	migrate_pages(folios, alloc_migration_target, NULL,
		      (unsigned long)&mtc, MIGRATE_SYNC_LIGHT,
		      MR_MEMORY_HOTPLUG, &moved);
	putback_movable_pages(folios);
	return moved;
}

/*
 * cram_evict - move residents to ordinary memory
 * @cd: the device
 * @nr: how many pages to look at
 *
 * Context: process, may sleep.
 * Return: pages that moved.
 */
unsigned long cram_evict(struct cram_device *cd, unsigned long nr)
{
	unsigned long end = pgdat_end_pfn(NODE_DATA(cd->nid));
	unsigned long seen = 0, batch = 0, moved = 0;
	struct folio *folio;
	LIST_HEAD(folios);

	if (cd->evict_pfn < NODE_DATA(cd->nid)->node_start_pfn)
		cd->evict_pfn = NODE_DATA(cd->nid)->node_start_pfn;
	zswap_leave_node(cd->nid);
	get_online_mems();
	while (seen < nr) {
		folio = private_node_next_used(&cd->evict_pfn, end);
		if (!folio) {
			cd->evict_pfn = 0;
			break;
		}
		if (cram_isolate(cd, folio, &folios))
			batch += folio_nr_pages(folio);
		seen += folio_nr_pages(folio);
		folio_put(folio);
		if (batch < BATCH)
			continue;
		moved += cram_move_out(cd, &folios);
		batch = 0;
	}
	if (!list_empty(&folios))
		moved += cram_move_out(cd, &folios);
	put_online_mems();
	cram_count(cd, CRAM_EVICTED, moved);
	trace_cram_evicted(cd->nid, moved);
	return moved;
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
	unsigned int i, nr;
	struct folio *folio;
	LIST_HEAD(folios);

	if (!cd->desc.ops->hot_pages ||
	    !(READ_ONCE(cd->pn->enabled) & BIT(PRIVATE_NODE_PROMOTION)))
		return;
	nr = cd->desc.ops->hot_pages(cd, cd->hot, CRAM_HOT);
	for (i = 0; i < min(nr, CRAM_HOT); i++) {
		if (cd->hot[i] - cd->first_pfn >= cd->nr_pages)
			continue;
		folio = pfn_folio(cd->hot[i]);
		if (!folio_try_get(folio))
			continue;
		cram_isolate(cd, folio, &folios);
		folio_put(folio);
	}
	if (!list_empty(&folios))
		cram_count(cd, CRAM_PROMOTED, cram_move_out(cd, &folios));
}
