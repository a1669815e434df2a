// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes off a private node what zswap has stored there: the pages come back, as
 * a fault would bring them, and are compressed when they are swapped out again.
 */
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/zswap.h>

#include "../internal.h"
#include "../swap.h"
#include "internal.h"
#include "zswap.h"

/*
 * Ordinary nodes that the cgroup may have.  The policy of the page's user is
 * known only when the page is swapped in.
 */
static void leave_policy(struct mempolicy *pol, struct mem_cgroup *memcg)
{
	*pol = (struct mempolicy){
		.mode = MPOL_BIND,
		.nodes = node_states[N_MEMORY],
		.home_node = NUMA_NO_NODE,
	};
	mem_cgroup_node_filter_allowed(memcg, &pol->nodes);
}

/*
 * Keeps a page that leaves the node in zswap, so that the policy of its user
 * says where it goes when it is swapped in.  Returns true when it did; then
 * @folio is out of the swap cache, unlocked, and the caller's reference is
 * gone.
 */
static bool stays_in_swap(struct folio *folio)
{
	bool stays;

	/* The folio was just put into this CPU's LRU batch. */
	lru_add_drain();
	if (!folio_isolate_lru(folio))
		return false;
	stays = zswap_compress_again(folio);
	if (stays) {
		folio_put(folio);
		/*
		 * Tasks that wait for the folio lock look up the swap entry
		 * again.
		 */
		if (!remove_mapping(folio_mapping(folio), folio))
			swap_cache_del_folio(folio);
		folio_unlock(folio);
	}
	folio_putback_lru(folio);
	return stays;
}

/*
 * A page that cannot be read leaves without its data: the folio stays in the
 * swap cache, not uptodate, so that a swap-in fails.  It is on no LRU list, or
 * reclaim would drop it.  Returns false if the entry was gone, or is another
 * one.
 */
static bool lose_entry(struct folio *folio)
{
	bool lost = false;

	/* The folio was just put into this CPU's LRU batch. */
	lru_add_drain();
	if (folio_isolate_lru(folio)) {
		lost = zswap_lose(folio);
		if (lost) {
			folio_clear_active(folio);
			folio_put(folio);
		} else {
			folio_putback_lru(folio);
		}
	}
	if (!lost)
		swap_cache_del_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
	return lost;
}

/*
 * Moves a stored page off its node: zswap compresses it, or if that fails it
 * stays in the swap cache, as after a swap-in.  Returns false when there is no
 * memory, or the entry was gone.
 */
static bool leave_entry(swp_entry_t swp, struct mem_cgroup *memcg, int nid,
			gfp_t gfp)
{
	struct swap_info_struct *si = get_swap_device(swp);
	struct mempolicy pol;
	struct folio *folio;
	int ret;

	if (!si)
		return false;
	leave_policy(&pol, memcg);
	folio = swap_cache_alloc_folio(swp, gfp, BIT(0), NULL, &pol,
				       NO_INTERLEAVE_INDEX);
	put_swap_device(si);
	if (IS_ERR(folio))
		return false;
	if (private_node_is_lost(nid))
		return lose_entry(folio);
	if (stays_in_swap(folio))
		return true;
	ret = node_isset(folio_nid(folio), pol.nodes) ? zswap_load(folio) :
							-ENOENT;
	if (ret == -ENOENT) {
		swap_cache_del_folio(folio);
		folio_unlock(folio);
	}
	folio_put(folio);
	return !ret;
}

/* Entries looked at under the lock of an LRU list of zswap. */
#define LEAVE_SCAN	1024UL
/* Lists of which all that zswap_leave_node() may look at is looked at. */
#define LEAVE_LISTS	16

/*
 * @most and @scan are how many entries may be looked at: on one list, and on
 * all lists together.
 */
struct leaver {
	int nid;
	gfp_t gfp;
	unsigned long want;
	unsigned long moved;
	unsigned long most;
	unsigned long scan;
};

static void leave_list(struct leaver *leaver, int from,
		       struct mem_cgroup *memcg)
{
	unsigned long nr = zswap_list_count(from, memcg), todo, left;
	swp_entry_t entries[SWAP_CLUSTER_MAX];
	unsigned int found;

	nr = min3(nr, leaver->most, leaver->scan);
	for (; nr && leaver->moved < leaver->want; nr -= todo - left) {
		todo = min(nr, LEAVE_SCAN);
		left = todo;
		found = zswap_list_stored(from, memcg, leaver->nid, entries,
					  &left);
		/* The list is empty by now. */
		if (left == todo)
			break;
		leaver->scan -= todo - left;
		while (found--)
			leaver->moved += leave_entry(entries[found], memcg,
						     leaver->nid, leaver->gfp);
		cond_resched();
	}
}

/*
 * zswap_leave_node - move pages that zswap stored on a node off it
 * @nid: the private node
 * @max: how many at least, if they can; ULONG_MAX for all
 * @gfp: for new folios
 *
 * zswap does not know which of its entries lie on the node.  Unless all have to
 * leave, a bounded number of entries is looked at, and the next call goes on
 * with others and other cgroups.
 *
 * Context: process, may sleep.
 * Return: how many pages left.
 */
unsigned long zswap_leave_node(int nid, unsigned long max, gfp_t gfp)
{
	struct mem_cgroup_reclaim_cookie cookie = { .pgdat = NODE_DATA(nid) };
	bool all = max == ULONG_MAX;
	struct leaver leaver = {
		.nid = nid,
		.gfp = gfp,
		.want = max,
		.most = max(max, LEAVE_SCAN),
		.scan = all ? max : LEAVE_LISTS * max(max, LEAVE_SCAN),
	};
	struct mem_cgroup *memcg = NULL;
	int from;

	do {
		memcg = mem_cgroup_iter(NULL, memcg, all ? NULL : &cookie);
		for_each_node_state(from, N_NORMAL_MEMORY)
			leave_list(&leaver, from, memcg);
		if (leaver.moved >= max || !leaver.scan) {
			mem_cgroup_iter_break(NULL, memcg);
			break;
		}
	} while (memcg);
	return leaver.moved;
}
