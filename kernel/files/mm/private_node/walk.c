// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over the folios of a private node, and what a walk asks of a folio.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/page_idle.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "internal.h"

/*
 * private_node_folio_is_users - is this a folio of user memory or page cache?
 * @folio: in use, with a reference
 *
 * Context: any.
 * Return: true if so; false if it belongs to the owner or to the kernel.
 */
bool private_node_folio_is_users(struct folio *folio)
{
	if (folio_test_hugetlb(folio))
		return true;
	if (page_has_type(&folio->page))
		return false;
	return folio_test_lru(folio) || folio_test_swapbacked(folio) ||
	       READ_ONCE(folio->mapping);
}

/*
 * private_node_is_gmem - is this a folio of a guest_memfd?
 * @folio: a folio, with a reference
 *
 * Such a folio is memory of a virtual machine, and does not move.
 *
 * Context: any.
 * Return: true if so.
 */
bool private_node_is_gmem(struct folio *folio)
{
	struct address_space *mapping;

	if (!IS_ENABLED(CONFIG_KVM_GUEST_MEMFD) || folio_test_hugetlb(folio))
		return false;
	/* RCU: the inode is freed after a grace period. */
	guard(rcu)();
	mapping = folio_mapping(folio);
	return mapping && mapping_inaccessible(mapping);
}

/*
 * How many pages from @pfn on are not in use and can be skipped; 0 if it is in
 * use.
 */
static unsigned long idle_pages(unsigned long pfn, struct page *page)
{
	unsigned int order;

	if (!page)
		return SECTION_ALIGN_UP(pfn + 1) - pfn;
	/* PG_swapcache is the same bit; folios that have it are swap-backed. */
	if (PageVmemmapSelfHosted(page) &&
	    !folio_test_swapbacked(page_folio(page)))
		return 1;
	if (private_node_page_lost(page))
		return 1;
	if (!PageBuddy(page))
		return 0;
	order = buddy_order_unsafe(page);
	return order <= MAX_PAGE_ORDER ? 1UL << order : 1;
}

/*
 * private_node_next_used - walk the folios in use
 * @pfn: where to begin; result: the page frame after the folio
 * @end: where to stop
 *
 * Context: process; mem_hotplug_lock held, or the memory is being unplugged.
 * Return: the folio, with a reference; NULL when there is none before @end.
 */
struct folio *private_node_next_used(unsigned long *pfn, unsigned long end)
{
	unsigned long idle;
	struct folio *folio;
	struct page *page;

	for (; *pfn < end; *pfn += idle) {
		cond_resched();
		page = pfn_to_online_page(*pfn);
		idle = idle_pages(*pfn, page);
		if (idle)
			continue;
		idle = 1;
		folio = page_folio(page);
		if (!folio_try_get(folio))
			continue;
		if (page_folio(page) != folio) {
			folio_put(folio);
			idle = 0;
			continue;
		}
		*pfn = folio_pfn(folio) + folio_nr_pages(folio);
		return folio;
	}
	return NULL;
}

/* The next guest in use, with a reference. */
static struct folio *next_guest(struct private_node *pn, unsigned long *pfn,
				unsigned long end)
{
	struct folio *folio;
	struct page *page;

	while (*pfn < end) {
		cond_resched();
		rcu_read_lock();
		*pfn = private_node_next_mark(pn, *pfn, end);
		rcu_read_unlock();
		if (*pfn >= end)
			break;
		page = pfn_to_online_page(*pfn);
		folio = page ? page_folio(page) : NULL;
		(*pfn)++;
		if (!folio || !folio_try_get(folio))
			continue;
		if (page_folio(page) == folio && private_node_is_guest(folio)) {
			*pfn = folio_pfn(folio) + folio_nr_pages(folio);
			return folio;
		}
		folio_put(folio);
	}
	return NULL;
}

/*
 * private_node_next_guest - walk the folios that the kernel put on a node
 * @pn: the handle
 * @pfn: where to begin; set to the first pfn behind the folio
 *
 * Context: process; mem_hotplug_lock held, or an allocation from the node is
 * under way.
 * Return: the folio, with a reference; NULL at the end of the node.
 */
struct folio *private_node_next_guest(struct private_node *pn,
				      unsigned long *pfn)
{
	if (*pfn < node_start_pfn(pn->nid))
		*pfn = node_start_pfn(pn->nid);
	return next_guest(pn, pfn, node_end_pfn(pn->nid));
}

static bool clear_young(struct folio *folio, struct vm_area_struct *vma,
			unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	bool *young = arg;

	while (page_vma_mapped_walk(&pvmw)) {
		if (!pvmw.pte)
			*young |= pmdp_test_and_clear_young_notify(vma,
						pvmw.address, pvmw.pmd);
		else if (pte_present(ptep_get(pvmw.pte)))
			*young |= test_and_clear_young_ptes_notify(vma,
						pvmw.address, pvmw.pte, 1);
	}
	return true;
}

/*
 * private_node_used - read and clear the accessed bits of a folio
 * @folio: locked
 * @young: result: was any of them set?
 *
 * Does not use folio_referenced(), which with the multi-gen LRU clears the bits
 * of neighbours as well, and needs an isolated folio.  The folio is marked
 * young, so that reclaim still sees that it was used.
 *
 * Context: process; only tries the locks of the reverse map.
 * Return: false when a lock was busy.
 */
bool private_node_used(struct folio *folio, bool *young)
{
	struct rmap_walk_control rwc = {
		.rmap_one = clear_young,
		.arg = young,
		.anon_lock = folio_lock_anon_vma_read,
		.try_lock = true,
	};

	*young = false;
	rmap_walk(folio, &rwc);
	if (rwc.contended)
		return false;
	if (*young)
		folio_set_young(folio);
	return true;
}
