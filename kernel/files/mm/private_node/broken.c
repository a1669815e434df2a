// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broken pages of private nodes: pages with memory failure that an owner still
 * holds, and those that nobody uses any more.
 */
#include <linux/hugetlb.h>
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
#include <linux/xarray.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "../swap.h"
#include "free.h"
#include "internal.h"

/* A page with memory failure in a folio that the owner holds, or held. */
struct held_page {
	struct list_head list;
	unsigned long pfn;
};

/*
 * Broken pages that owners hold, on all nodes.  Protected by held_lock.  An
 * entry is removed some time after its page was freed.
 */
static LIST_HEAD(held_pages);
static DEFINE_SPINLOCK(held_lock);

/* Was any memory of a private node reported as broken since boot? */
static bool any_broken;

/*
 * Broken pages of memory blocks that are offline, by page frame number: their
 * struct pages are made anew when the blocks come online.
 */
static DEFINE_XARRAY(offline_broken);

/*
 * Huge pages of files with a broken page in them, by their first page frame
 * number.  memory_failure() keeps its reference to such a page while the file
 * has it.  An entry is ignored if its page is no longer marked as broken.
 */
static DEFINE_XARRAY(kept_huge);

/* For entries of a block that is coming online. */
#define COMES_BACK	XA_MARK_0

/* See SetPageHWPoisonTakenOff(). */
static bool is_kept_off(const struct page *page)
{
	return PageHWPoison(page) && page_private(page) == MAGIC_HWPOISON;
}

/*
 * Returns false if the owner has freed the page: private_node_keep_off() then
 * keeps it out of use.
 */
static bool still_held(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && PageHWPoison(page) && page_count(page) &&
	       !is_kept_off(page);
}

void private_node_held_add(unsigned long pfn)
{
	struct held_page *new = kmalloc_obj(*new, GFP_KERNEL | __GFP_NOFAIL);
	struct held_page *h, *next;

	new->pfn = pfn;
	guard(spinlock)(&held_lock);
	list_for_each_entry_safe(h, next, &held_pages, list)
		if (h->pfn == pfn || !still_held(h->pfn)) {
			list_del(&h->list);
			kfree(h);
		}
	list_add(&new->list, &held_pages);
}

/*
 * private_node_held_forget - forget the entries of broken pages that the owner
 *	no longer holds
 * @pfn: first page
 * @nr: number of pages
 *
 * Context: process.
 */
void private_node_held_forget(unsigned long pfn, unsigned long nr)
{
	struct held_page *h, *next;

	guard(spinlock)(&held_lock);
	list_for_each_entry_safe(h, next, &held_pages, list)
		if (h->pfn - pfn < nr) {
			list_del(&h->list);
			kfree(h);
		}
}

/* Is this a broken page that an owner holds? */
bool private_node_is_held(unsigned long pfn)
{
	struct held_page *h;

	guard(spinlock)(&held_lock);
	list_for_each_entry(h, &held_pages, list)
		if (h->pfn == pfn)
			return still_held(pfn);
	return false;
}

/*
 * __private_node_block_broken - see private_node_block_broken()
 */
bool __private_node_block_broken(struct page *page, unsigned int order)
{
	unsigned long i;

	if (!READ_ONCE(any_broken) || private_node_fenced(page_to_nid(page)))
		return false;
	for (i = 0; i < 1UL << order; i++)
		if (PageHWPoison(page + i)) {
			/* No part of it gets to where others are told. */
			private_node_freed(page, order);
			return true;
		}
	return false;
}

/*
 * __private_node_keep_off - see private_node_keep_off()
 *
 * The page is as take_page_off_buddy() and its callers leave one, without what
 * its last user left in it, so that unpoison_memory() gives it to the free lists.
 */
void __private_node_keep_off(struct page *page)
{
	if (private_node_fenced(page_to_nid(page)))
		return;
	private_node_freed(page, 0);
	page->mapping = NULL;
	page->flags.f &= ~PAGE_FLAGS_CHECK_AT_PREP;
	SetPageHWPoisonTakenOff(page);
	page_ref_inc(page);
}

/*
 * __private_node_took_off - see private_node_took_off()
 */
bool __private_node_took_off(struct page *page)
{
	if (!is_kept_off(page))
		return false;
	page_ref_dec(page);
	return true;
}

/*
 * private_node_note_broken - write down the broken pages of a block that went
 *	offline
 * @pfn: first page of the block
 * @nr: number of pages
 *
 * Context: process, may sleep; mem_hotplug_lock held for writing.
 */
void private_node_note_broken(unsigned long pfn, unsigned long nr)
{
	unsigned long i;

	private_node_held_forget(pfn, nr);
	for (i = pfn; i < pfn + nr; i++)
		if (PageHWPoison(pfn_to_page(i)))
			xa_store(&offline_broken, i, xa_mk_value(1),
				 GFP_KERNEL | __GFP_NOFAIL);
		else
			xa_erase(&offline_broken, i);
}

/*
 * __private_node_knows_broken - see private_node_knows_broken()
 */
bool __private_node_knows_broken(unsigned long pfn, unsigned long nr)
{
	bool any = false;
	unsigned long i;
	void *entry;

	xa_for_each_range(&offline_broken, i, entry, pfn, pfn + nr - 1) {
		xa_set_mark(&offline_broken, i, COMES_BACK);
		any = true;
	}
	return any;
}

/*
 * private_node_mark_broken - mark the broken pages of a block that comes online
 * @pfn: first page of the block
 * @nr: number of pages
 *
 * The pages are not in the free lists yet, and private_node_block_broken() keeps
 * the broken ones out when they come there.  Does nothing for a block that
 * private_node_knows_broken() was not asked about: it is memory that was added.
 *
 * Context: process, may sleep; mem_hotplug_lock held for writing.
 */
void private_node_mark_broken(unsigned long pfn, unsigned long nr)
{
	unsigned long i;
	void *entry;

	xa_for_each_range(&offline_broken, i, entry, pfn, pfn + nr - 1) {
		if (!xa_get_mark(&offline_broken, i, COMES_BACK))
			continue;
		xa_clear_mark(&offline_broken, i, COMES_BACK);
		SetPageHWPoison(pfn_to_page(i));
		WRITE_ONCE(any_broken, true);
	}
}

/*
 * private_node_stays_offline - a block does not come online after all
 * @pfn: first page of the block
 * @nr: number of pages
 *
 * Context: process, may sleep; mem_hotplug_lock held for writing.
 */
void private_node_stays_offline(unsigned long pfn, unsigned long nr)
{
	unsigned long i;
	void *entry;

	xa_for_each_range(&offline_broken, i, entry, pfn, pfn + nr - 1)
		xa_clear_mark(&offline_broken, i, COMES_BACK);
}

/*
 * Makes private_node_block_broken() check freed blocks.  A block that was freed
 * between the marking of its page and this call is in the free lists already.
 */
void private_node_broken_seen(struct page *page)
{
	if (READ_ONCE(any_broken))
		return;
	WRITE_ONCE(any_broken, true);
	if (page_count(page))
		return;
	private_node_drain(page_to_nid(page));
	if (take_page_off_buddy(page))
		page_ref_inc(page);
}

/*
 * private_node_huge_failed - write down whether memory_failure() kept a huge page
 * @page: of a private node
 * @result: of memory_failure()
 *
 * Context: process, may sleep.
 */
void private_node_huge_failed(struct page *page, int result)
{
	struct folio *folio = page_folio(page);

	/* A huge page that no file has was dissolved. */
	if (!result && folio_test_hugetlb(folio))
		xa_store(&kept_huge, folio_pfn(folio), xa_mk_value(1),
			 GFP_KERNEL | __GFP_NOFAIL);
	else if (result != -EHWPOISON)
		xa_erase(&kept_huge, folio_pfn(folio));
}

/* The file of a broken huge page has gone: its intact pages are free again. */
static void dissolve_kept(struct folio *folio)
{
	if (!folio_test_hugetlb(folio) || folio->mapping ||
	    folio_mapped(folio) || folio_ref_count(folio) != 1 ||
	    !xa_erase(&kept_huge, folio_pfn(folio)))
		return;
	folio_put(folio);
	dissolve_free_hugetlb_folio(folio);
}

static void detach_broken(struct folio *folio)
{
	folio_lock(folio);
	if (folio_test_large(folio) || folio_mapped(folio))
		;
	else if (folio_test_swapcache(folio))
		private_node_poison_swapped(folio);
	else if (!folio_test_anon(folio) && folio->mapping &&
		 shmem_mapping(folio->mapping))
		private_node_poison_shmem(folio);
	folio_unlock(folio);
}

/*
 * private_node_page_unused - is this a broken page that nobody uses any more?
 * @page: any page; a report of it has been judged
 *
 * A broken page stays in the file or the swap cache, so that those who ask for
 * its data get an error.  It is taken out of there first, and something else is
 * left in its place that gives the error, so that the page can be unplugged.  A
 * huge page of a file goes when the file has gone.
 *
 * Context: process, may sleep.
 * Return: true if so; false if the owner holds it, or it is not broken.
 */
bool private_node_page_unused(struct page *page)
{
	struct folio *folio;

	if (!PageHWPoison(page))
		return false;
	dissolve_kept(page_folio(page));
	/*
	 * The huge page was dissolved, and the broken page may be another of its
	 * pages.
	 */
	if (!PageHWPoison(page))
		return false;
	folio = page_folio(page);
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

/*
 * private_node_page_lost - can the memory of this broken page go?
 * @page: any page
 *
 * Context: process, may sleep.
 * Return: true if so; false if somebody uses the page, or a memory_failure() is
 * under way and has not written down yet whether the owner does.
 */
bool private_node_page_lost(struct page *page)
{
	return PageHWPoison(page) && !atomic_read(&private_node_failures) &&
	       private_node_page_unused(page);
}
