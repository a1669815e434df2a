// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes pages from their users whose memory cannot be read any more, since the
 * device was pulled out: see private_node_set_lost().
 *
 *	page is				its user
 *	anonymous, or of shmem		gets SIGBUS, as with on_unplug=sigbus
 *	in swap as well, unchanged	gets it from swap
 *	in swap as well, changed	gets SIGBUS when it is swapped in
 *	stored by zswap			the same; zswap_leave.c
 *	clean page cache of a file	gets it from the file
 *	huge, of a pool			gets SIGBUS, by memory failure
 *
 * Nothing is copied: it does not matter whether the kernel or somebody else put
 * a page there.  A page to which somebody else has a reference is taken from its
 * users as well, and can be unplugged when that reference is given back.  Pages
 * that are pinned by FOLL_PIN, and those of a guest_memfd, stay with their users
 * until these end.
 */
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include "../internal.h"
#include "../swap.h"
#include "internal.h"

/* What is being written to swap just now may come from nowhere. */
static void end_writeback(struct folio *folio)
{
	if (!folio_test_writeback(folio))
		return;
	folio_wait_writeback(folio);
	folio_set_dirty(folio);
}

static bool lose_swapped(struct folio *folio)
{
	end_writeback(folio);
	/* Takes over what the page tables know about changes. */
	if (folio_mapped(folio))
		try_to_unmap(folio, TTU_SYNC | TTU_IGNORE_MLOCK |
				    TTU_SPLIT_HUGE_PMD);
	if (folio_mapped(folio))
		return false;
	if (!folio_test_dirty(folio)) {
		swap_cache_del_folio(folio);
		return false;
	}
	if (folio_test_large(folio)) {
		/* The next pass finds its pages. */
		split_folio(folio);
		return false;
	}
	folio_clear_dirty(folio);
	private_node_poison_swapped(folio);
	return true;
}

/*
 * Not split while it is mapped: that would replace a page which reads as zeroes
 * by the zero page.
 */
static bool lose_anon(struct folio *folio)
{
	return folio_mapped(folio) && private_node_poison_anon(folio, true);
}

static bool lose_shmem(struct folio *folio)
{
	if (!folio_test_large(folio))
		return private_node_poison_shared(folio, true);
	/* The next pass finds its pages. */
	split_folio(folio);
	return false;
}

/* Clean page cache is read again. */
static void drop_file(struct folio *folio)
{
	struct address_space *mapping = folio->mapping;

	if (folio_test_dirty(folio) || private_node_is_gmem(folio))
		return;
	if (mapping->a_ops->error_remove_folio) {
		mapping->a_ops->error_remove_folio(mapping, folio);
		return;
	}
	unmap_mapping_folio(folio);
	mapping_evict_folio(mapping, folio);
}

static bool lose_locked(struct folio *folio)
{
	if (folio_test_hugetlb(folio))
		return false;
	if (folio_test_swapcache(folio))
		return lose_swapped(folio);
	folio_wait_writeback(folio);
	if (folio_test_anon(folio))
		return lose_anon(folio);
	if (!folio->mapping)
		return false;
	if (shmem_mapping(folio->mapping))
		return lose_shmem(folio);
	drop_file(folio);
	return false;
}

/*
 * private_node_lose - take a folio from its users whose memory is lost
 * @folio: held, not locked
 *
 * Context: process, may sleep; LRU batches disabled.
 * Return: true if data of a user was lost by that; false also if the data is in
 * swap or in a file, or the folio is not a user's or could not be taken yet.
 */
bool private_node_lose(struct folio *folio)
{
	bool lost;

	if (!private_node_folio_is_users(folio) || !folio_trylock(folio))
		return false;
	lost = lose_locked(folio);
	folio_unlock(folio);
	return lost;
}

struct lose_huge {
	struct work_struct work;
	struct private_node *pn;
};

/* Returns the page frame of the next huge page in use; 0 if there is none. */
static unsigned long next_huge(struct private_node *pn, unsigned long *pfn)
{
	unsigned long found = 0;
	struct folio *folio;

	get_online_mems();
	while (!found && READ_ONCE(pn->lost) &&
	       (folio = private_node_next_used(pfn, node_end_pfn(pn->nid)))) {
		if (folio_test_hugetlb(folio) && !folio_test_hwpoison(folio))
			found = folio_pfn(folio);
		folio_put(folio);
	}
	put_online_mems();
	return found;
}

static void lose_huge_work(struct work_struct *work)
{
	struct lose_huge *l = container_of(work, struct lose_huge, work);
	unsigned long found, pfn = node_start_pfn(l->pn->nid);

	while ((found = next_huge(l->pn, &pfn)))
		memory_failure(found, 0);
	private_node_put(l->pn);
	kfree(l);
}

/*
 * private_node_lose_huge - the same for the huge pages of pools
 * @pn: the handle
 *
 * Does not wait: memory_failure() calls the owner, who may unplug.  A huge page
 * that a file has can be unplugged when the file has gone.
 *
 * Context: process, may sleep.
 */
void private_node_lose_huge(struct private_node *pn)
{
	struct lose_huge *l;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE) ||
	    !IS_ENABLED(CONFIG_HUGETLB_PAGE))
		return;
	l = kmalloc_obj(*l, GFP_KERNEL);
	if (!l)
		return;
	l->pn = private_node_get(pn);
	INIT_WORK(&l->work, lose_huge_work);
	queue_work(system_dfl_long_wq, &l->work);
}
