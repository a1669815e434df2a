// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes pages from their users for good, when the data is lost or given up.  A
 * later access to one of these pages fails: it does not find zeroes.
 */
#include <linux/leafops.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "../internal.h"
#include "../swap.h"
#include "internal.h"

/*
 * private_node_folio_is_pinned - does somebody hold a folio beside its users?
 * @folio: the caller holds one reference
 *
 * Context: any.
 * Return: true if so.
 */
bool private_node_folio_is_pinned(const struct folio *folio)
{
	return folio_ref_count(folio) > folio_expected_ref_count(folio) + 1;
}

/* Replaces migration entries of the folio with poison markers. */
static bool poison_one(struct folio *folio, struct vm_area_struct *vma,
		       unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr,
			      PVMW_SYNC | PVMW_MIGRATION);

	while (page_vma_mapped_walk(&pvmw)) {
		set_pte_at(vma->vm_mm, pvmw.address, pvmw.pte,
			   make_pte_marker(PTE_MARKER_POISONED));
		dec_mm_counter(vma->vm_mm, MM_ANONPAGES);
	}
	return true;
}

/*
 * private_node_poison_anon - take an anonymous folio from its users for good
 * @folio: locked, held, not in the swap cache
 * @held: also if somebody else holds a reference, such as a pipe; otherwise it
 *	is of order 0
 *
 * Unmaps the page from all processes that map it, or from none.  The page is
 * replaced by migration entries first.  While these are there nobody can pin
 * the page, so the check for pins is final.  If it is pinned the entries are
 * restored, also so that report_users() can name a process.
 *
 * Context: process, may sleep.
 * Return: true if it is mapped nowhere any more.
 */
bool private_node_poison_anon(struct folio *folio, bool held)
{
	struct rmap_walk_control rwc = { .rmap_one = poison_one };
	struct anon_vma *anon_vma = NULL;
	bool ret;

	/* An unmapped page does not keep the anon_vma, for rmap_walk(). */
	if (!folio_test_ksm(folio)) {
		anon_vma = folio_get_anon_vma(folio);
		if (!anon_vma)
			return false;
	}
	try_to_migrate(folio, TTU_SYNC | TTU_SPLIT_HUGE_PMD);
	ret = !folio_mapped(folio) &&
	      (held || !private_node_folio_is_pinned(folio));
	if (ret)
		rmap_walk(folio, &rwc);
	else
		remove_migration_ptes(folio, folio, 0);
	if (anon_vma)
		put_anon_vma(anon_vma);
	return ret;
}

/*
 * private_node_poison_shared - take a folio of shmem from its users for good
 * @folio: locked, held, order 0
 * @held: as for private_node_poison_anon()
 *
 * Context: process, may sleep.
 * Return: true if it is not in its object any more; false for other files, too.
 */
bool private_node_poison_shared(struct folio *folio, bool held)
{
	if (!folio->mapping || !shmem_mapping(folio->mapping))
		return false;
	try_to_unmap(folio, TTU_SYNC | TTU_IGNORE_MLOCK);
	/* If pinned, it stays: a fault maps it again from the page cache. */
	if (folio_mapped(folio) ||
	    (!held && private_node_folio_is_pinned(folio)))
		return false;
	private_node_poison_shmem(folio);
	return true;
}

/*
 * private_node_poison_swapped - make the swap-in of a folio fail
 * @old: order 0, locked, held, in the swap cache, mapped nowhere
 *
 * Its place in the swap cache is taken by an ordinary page that is not uptodate,
 * with which a swap-in fails.
 *
 * Context: process, may sleep.
 */
void private_node_poison_swapped(struct folio *old)
{
	struct folio *new = folio_alloc(GFP_KERNEL | __GFP_NOFAIL, 0);
	struct swap_cluster_info *ci;

	__folio_set_locked(new);
	__folio_set_swapbacked(new);
	new->swap = old->swap;
	folio_set_swapcache(new);
	ci = swap_cluster_get_and_lock_irq(old);
	__swap_cache_replace_folio(ci, old, new);
	node_stat_mod_folio(new, NR_FILE_PAGES, 1);
	lruvec_stat_mod_folio(new, NR_SWAPCACHE, 1);
	node_stat_mod_folio(old, NR_FILE_PAGES, -1);
	lruvec_stat_mod_folio(old, NR_SWAPCACHE, -1);
	swap_cluster_unlock_irq(ci);
	folio_clear_swapcache(old);
	old->private = NULL;
	/* The reference of @new stays with the swap cache. */
	folio_put(old);
	folio_unlock(new);
}
