// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves residents off a device: to ordinary memory that their users may have,
 * or to swap.
 */
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/swap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "../private_node/zswap.h"
#include "cram.h"

/* Pages moved at once. */
#define BATCH	512
/* Reclaims a little, and fails rather than kill: a resident can also stay. */
#define LEAVE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
/* Fewest and most pages that leave after one reading that is short. */
#define EVICT_MIN	64UL
#define EVICT_MAX	4096UL
/* Most pages that are swapped out after one reading, to make room. */
#define ROOM_PAGES	1024
/* Most partly mapped large folios that are split after one reading. */
#define SPLIT_FOLIOS	64

/*
 * cram_leave_init - prepare to move residents to ordinary memory
 * @cd: the device they are on
 * @l: initialized here, then filled by cram_leave()
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
 * @folio: the resident, with a reference
 *
 * A folio with lost or poisoned pages stays: a copy would look valid, and
 * memory failure has to find the pages where they are.
 *
 * Context: process, may sleep.
 * Return: true when the folio was isolated to be moved by
 * private_node_leave_now().
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

/*
 * How many residents have to leave?  Assumes that each takes the average number
 * of bytes on the device.
 */
static unsigned long pages_to_evict(struct cram_device *cd)
{
	u64 lack = cram_ledger_lack(&cd->ledger);
	u64 used = READ_ONCE(cd->last.used);
	unsigned long freed = atomic_long_read(&cd->nr_freed);
	unsigned long nr;

	if (READ_ONCE(cd->state) == CRAM_BROKEN || !used)
		return EVICT_MAX;
	nr = mul_u64_u64_div_u64(lack, cram_resident(cd), used) + 1;
	/* Pages that wait for their trim will give room as well. */
	return nr > freed ? clamp(nr - freed, EVICT_MIN, EVICT_MAX) : 0;
}

static unsigned long evict_mapped(struct cram_device *cd, unsigned long nr)
{
	struct private_node_leaving l;
	unsigned long seen = 0;
	struct folio *folio;

	cram_leave_init(cd, &l);
	while (seen < nr) {
		folio = cram_next_resident(cd, &cd->evict_at);
		if (!folio) {
			cd->evict_at = 0;
			break;
		}
		cram_leave(cd, &l, folio);
		seen += folio_nr_pages(folio);
		folio_put(folio);
	}
	private_node_leave_now(&l);
	return l.moved;
}

/*
 * Splits large residents of which some pages were copied up and are mapped
 * nowhere: the folio keeps these pages until it is split.  Returns the number
 * of folios split.
 */
static unsigned long split_partly_mapped(struct cram_device *cd)
{
	return split_deferred_node(cd->nid, SPLIT_FOLIOS);
}

/*
 * cram_evict - move residents of a short or broken device to ordinary memory
 * @cd: the device
 *
 * On a short device as many as needed to restore the margin; on a broken device
 * EVICT_MAX pages with each call.
 *
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
	/*
	 * The rest may be in the LRU batch of a CPU, where nobody can isolate
	 * it.
	 */
	if (!moved)
		lru_add_drain_all();
	cram_count(cd, CRAM_EVICTED, moved);
	trace_cram_evicted(cd->nid, moved);
}

/*
 * cram_make_room - make room when placements were refused for lack of credit
 * @cd: the device
 *
 * Splits partly mapped large residents.  If there are none, reclaims the node,
 * so that residents which nobody uses are swapped out.  Does nothing unless a
 * placement was refused since the last call.
 *
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

/* The rate limit counts only pages that did move. */
static void count_hot(struct private_node_leaving *l, unsigned long moved,
		      unsigned long left)
{
	private_node_promote_untake(l->pn, left);
}

static void promote_folio(struct cram_device *cd,
			  struct private_node_leaving *l, struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio);

	if (!private_node_promote_take(cd->pn, nr))
		return;
	if (cram_leave(cd, l, folio))
		cram_thrash_moves_up(folio);
	else
		private_node_promote_untake(cd->pn, nr);
}

/*
 * cram_promote_hot - move pages that the device calls hot to ordinary memory
 * @cd: the device
 *
 * Needs the service promotion.  At most CRAM_HOT folios with each call, and no
 * more pages than the rate limit of that service allows.
 *
 * Context: process, may sleep.
 */
void cram_promote_hot(struct cram_device *cd)
{
	const enum private_node_service user =
		PRIVATE_NODE_PROMOTION;
	struct private_node_leaving l;
	struct folio *folio;
	long credit = private_node_promote_credit(cd->pn);
	unsigned int i, nr, max = clamp(credit, 0, CRAM_HOT);
	struct page *page;

	if (!max || !cd->desc.ops->hot_pages ||
	    !private_node_open(cd->pn, user))
		return;
	cram_leave_init(cd, &l);
	l.done = count_hot;
	nr = cd->desc.ops->hot_pages(cd, cd->hot, max);
	if (!private_node_enter(cd->pn, user))
		return;
	for (i = 0; i < min(nr, max); i++) {
		if (cd->hot[i] - cd->first_pfn >= cd->nr_pages)
			continue;
		/* The device may have holes. */
		page = pfn_to_online_page(cd->hot[i]);
		if (!page)
			continue;
		folio = page_folio(page);
		if (!folio_try_get(folio))
			continue;
		promote_folio(cd, &l, folio);
		folio_put(folio);
	}
	private_node_leave_now(&l);
	private_node_leave(cd->pn, user);
	if (l.moved)
		cram_count(cd, CRAM_PROMOTED, l.moved);
}
