// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broken pages of private nodes: pages with memory failure that an owner still
 * holds, and those that nobody uses any more.
 */
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/workqueue.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "../swap.h"
#include "internal.h"

/* A page with memory failure in a folio that the owner holds. */
struct held_page {
	struct list_head list;
	unsigned long pfn;
	int nid;
	bool large;	/* its folio was large when the page broke */
};

/* Both are for all nodes.  zone->lock is taken inside held_lock. */
LIST_HEAD(private_node_held_pages);
static DEFINE_SPINLOCK(held_lock);

void private_node_held_add(unsigned long pfn)
{
	struct held_page *new = kmalloc_obj(*new, GFP_KERNEL | __GFP_NOFAIL);
	struct held_page *h;

	new->pfn = pfn;
	new->nid = pfn_to_nid(pfn);
	new->large = folio_test_large(page_folio(pfn_to_page(pfn)));
	guard(spinlock)(&held_lock);
	list_for_each_entry(h, &private_node_held_pages, list)
		if (h->pfn == pfn) {
			kfree(new);
			return;
		}
	list_add(&new->list, &private_node_held_pages);
}

/* Is this page on the list of broken pages that owners hold? */
bool private_node_is_held(unsigned long pfn)
{
	struct held_page *h;

	guard(spinlock)(&held_lock);
	list_for_each_entry(h, &private_node_held_pages, list)
		if (h->pfn == pfn)
			return true;
	return false;
}

/* Has the owner freed any page of the node that is on the list? */
static bool __any_given_back(int nid)
{
	struct held_page *h;
	struct page *page;

	lockdep_assert_held(&held_lock);
	list_for_each_entry(h, &private_node_held_pages, list) {
		page = pfn_to_online_page(h->pfn);
		if (h->nid == nid && (!page || !page_count(page)))
			return true;
	}
	return false;
}

static bool any_given_back(int nid)
{
	guard(spinlock)(&held_lock);
	return __any_given_back(nid);
}

/*
 * If the owner has freed the page, takes it out of use for good.  Returns true
 * if the page can leave the list.
 */
static bool held_caught(struct held_page *h)
{
	struct page *page = pfn_to_online_page(h->pfn);

	if (!page || !PageHWPoison(page))
		return true;
	/* A broken order-0 page is not put on a free list when it is freed. */
	if (h->large ? !take_page_off_buddy(page) : page_count(page))
		return false;
	page_ref_inc(page);
	return true;
}

/*
 * private_node_catch_held - take broken pages off the free lists
 * @nid: node id
 *
 * For pages that owners of the node held when they broke, and have freed since.
 *
 * Context: process, may sleep; takes held_lock, and zone->lock inside.
 */
void private_node_catch_held(int nid)
{
	struct held_page *h, *next;

	if (!private_node_any_held() || !any_given_back(nid))
		return;
	private_node_drain(nid);
	guard(spinlock)(&held_lock);
	list_for_each_entry_safe(h, next, &private_node_held_pages, list)
		if (h->nid == nid && held_caught(h)) {
			list_del(&h->list);
			kfree(h);
		}
}

static void catch_all(struct work_struct *work)
{
	int nid;

	/* Zones must not lose their per-CPU lists while these are drained. */
	get_online_mems();
	for_each_node_mask(nid, private_node_map)
		private_node_catch_held(nid);
	put_online_mems();
}

static DECLARE_WORK(catch_work, catch_all);

/*
 * private_node_catch_held_later - for allocations that cannot sleep
 * @nid: node that is about to be taken from
 *
 * Such an allocation must not even take a block with a broken page from the free lists:
 * check_new_pages() of a kernel with DEBUG_VM drops all of it for good.
 *
 * Context: any but NMI.
 * Return: true when an owner has freed a broken page of the node, which a worker is
 * going to take off the free lists, or when that cannot be told at the moment.
 */
bool private_node_catch_held_later(int nid)
{
	bool given_back = true;

	/* The interrupted code may hold the lock. */
	if (spin_trylock(&held_lock)) {
		given_back = __any_given_back(nid);
		spin_unlock(&held_lock);
	}
	if (given_back)
		schedule_work(&catch_work);
	return given_back;
}

/*
 * private_node_page_broken - does a new allocation contain a broken page?
 * @page: first page of the allocation, or NULL
 * @order: of the allocation
 *
 * A broken page is in the free lists only if it was in a large folio that the
 * owner freed.  The owner of compressed RAM has no pages, so the answer is
 * false there, and a page that took a reservation of the ledger need not be
 * exchanged for another.
 *
 * Context: any.
 * Return: true if it does.
 */
bool private_node_page_broken(struct page *page, unsigned int order)
{
	unsigned long i;

	if (!page || !private_node_any_held() ||
	    private_node_fenced(page_to_nid(page)))
		return false;
	for (i = 0; i < 1UL << order; i++)
		if (PageHWPoison(page + i))
			return true;
	return false;
}

/*
 * A broken page stays in the swap cache so that a swap-in fails.  Its place is
 * taken by an ordinary page that is not uptodate, with which a swap-in fails as
 * well.
 */
static void replace_in_swap_cache(struct folio *old)
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

static void detach_broken(struct folio *folio)
{
	folio_lock(folio);
	if (folio_test_large(folio) || folio_mapped(folio))
		;
	else if (folio_test_swapcache(folio))
		replace_in_swap_cache(folio);
	else if (!folio_test_anon(folio) && folio->mapping &&
		 shmem_mapping(folio->mapping))
		private_node_poison_shmem(folio);
	folio_unlock(folio);
}

/*
 * private_node_page_lost - is this a broken page that nobody uses any more?
 * @page: any page
 *
 * A broken page stays in the file or the swap cache, so that those who ask for
 * its data get an error.  It is taken out of there first, and something else is
 * left in its place that gives the error, so that the page can be unplugged.
 *
 * Context: process, may sleep.
 * Return: true if so; false if the owner holds it, or it is not broken.
 */
bool private_node_page_lost(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!PageHWPoison(page))
		return false;
	if ((folio_test_swapcache(folio) || folio->mapping) &&
	    folio_try_get(folio)) {
		if (page_folio(page) == folio)
			detach_broken(folio);
		folio_put(folio);
	}
	return !folio_test_large(folio) && !folio_mapped(folio) &&
	       folio_ref_count(folio) <= 1 &&
	       !private_node_is_held(page_to_pfn(page));
}
