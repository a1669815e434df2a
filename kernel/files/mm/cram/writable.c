// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes in place to residents.
 *
 * The first write to a resident takes a grant: the ledger reserves the worst
 * case of the page again for as long as it is writable, so whatever is written
 * fits.  This is a minor fault without a copy.  A page that was not accessed
 * between two scans is made read-only again, written back and settled in place,
 * and the next reading gives its credit back.  Without credit a write copies
 * the page to ordinary memory.
 *
 * A resident is marked PG_anon_exclusive only while it is granted.  A fault
 * grants and marks it under the page table lock, when the folio has no other
 * reference than its mappings.  Only revoke_grants(), which holds a reference
 * to the folio while it clears the mark, and the free of the page end a grant.
 */
#include <linux/memcontrol.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mmzone.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../swap.h"
#include "../private_node/internal.h"
#include "cram.h"

/* By default one SHARE-th of the physical memory may be granted. */
#define SHARE		2
/* Time between two scans of the granted pages. */
#define AGE		(5 * HZ)
/* The same, when there is little credit. */
#define AGE_SCARCE	HZ
/*
 * Size and alignment of the window in a large folio that one fault grants or
 * copies.
 */
#define AROUND		16UL

/*
 * cram_writable_init - allocate the bitmaps of this file
 * @cd: the device, with first_pfn and nr_pages set
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cram_writable_init(struct cram_device *cd)
{
	cd->writable_max = CRAM_WRITABLE_SHARE;
	cd->last_age = jiffies;
	cd->granted = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			       GFP_KERNEL);
	cd->idle = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			    GFP_KERNEL);
	return cd->granted && cd->idle ? 0 : -ENOMEM;
}

/* Context: process, may sleep. */
void cram_writable_free(struct cram_device *cd)
{
	kvfree(cd->granted);
	kvfree(cd->idle);
}

/*
 * cram_writable_max - how many pages may be granted at the same time?
 * @cd: the device
 *
 * Context: any.
 * Return: the limit that was written to writable_bytes, in pages; by default so
 * many that their worst cases take half of the physical memory.
 */
unsigned long cram_writable_max(struct cram_device *cd)
{
	unsigned long max = READ_ONCE(cd->writable_max);

	if (max != CRAM_WRITABLE_SHARE)
		return max;
	return min(div_u64(READ_ONCE(cd->last.total), SHARE * cd->ledger.worst),
		   cd->nr_pages);
}

/*
 * Returns how many of @nr pages fit below cram_writable_max(), and counts them.
 */
static unsigned long budget_take(struct cram_device *cd, unsigned long nr)
{
	long max = cram_writable_max(cd);
	long now = atomic_long_read(&cd->nr_writable);
	long take;

	do {
		take = min((long)nr, max - now);
		if (take <= 0)
			return 0;
	} while (!atomic_long_try_cmpxchg(&cd->nr_writable, &now, now + take));
	return take;
}

/*
 * Reserves the worst case of up to @nr pages that are not granted yet.  Returns
 * how many may be granted: 0 if there is not enough credit for all that the
 * limit allows.
 */
static unsigned long reserve_for_grants(struct cram_device *cd,
					unsigned long nr)
{
	unsigned long may;

	/* A pin may store through the direct map, which is read-only then. */
	if (cram_debug_protected(cd))
		return 0;
	may = budget_take(cd, nr);
	if (may && (!cram_usable(cd) || !cram_ledger_grant(&cd->ledger, may))) {
		atomic_long_sub(may, &cd->nr_writable);
		cram_count(cd, CRAM_REFUSED_GRANT, may);
		cram_read_if_low(cd);
		return 0;
	}
	return may;
}

/*
 * Marks page @i of the device as granted; its worst case was reserved before.
 */
static void grant_page(struct cram_device *cd, unsigned long i)
{
	cram_debug_forget(cd, i, 1);
	if (cd->desc.ops->writable)
		cd->desc.ops->writable(cd, cd->first_pfn + i);
	clear_bit(i, cd->idle);
	set_bit(i, cd->granted);
	cram_count(cd, CRAM_GRANTED, 1);
	trace_cram_granted(cd->nid, cd->first_pfn + i);
}

/* Is a read-only page of @folio mapped here, which is not granted yet? */
static bool can_grant(struct cram_device *cd, struct folio *folio,
		      struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t old = ptep_get(ptep);
	struct page *page;

	if (!pte_present(old) || pte_write(old))
		return false;
	page = vm_normal_page(vma, addr, old);
	return page && page_folio(page) == folio && !PageAnonExclusive(page) &&
	       !test_bit(page_to_pfn(page) - cd->first_pfn, cd->granted);
}

static void grant_neighbour(struct cram_device *cd, struct vm_area_struct *vma,
			    unsigned long addr, pte_t *ptep)
{
	pte_t old = ptep_get(ptep);

	grant_page(cd, pte_pfn(old) - cd->first_pfn);
	SetPageAnonExclusive(pfn_to_page(pte_pfn(old)));
	if (!can_change_pte_writable(vma, addr, old))
		return;
	old = ptep_modify_prot_start(vma, addr, ptep);
	ptep_modify_prot_commit(vma, addr, ptep, old, pte_mkwrite(old, vma));
}

/*
 * Grants the other pages in the window of a write, as far as there is credit.
 * Only this mm maps the folio, and nobody holds it.
 */
static void grant_around(struct cram_device *cd, struct folio *folio,
			 struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long here = vmf->address & PAGE_MASK;
	unsigned long from = ALIGN_DOWN(here, AROUND * PAGE_SIZE);
	unsigned long end = min(from + AROUND * PAGE_SIZE, vma->vm_end);
	unsigned long addr, nr = 0;
	pte_t *first;

	/*
	 * A forced write by a debugger to a read-only mapping is about one
	 * page.
	 */
	if (!(vma->vm_flags & VM_WRITE))
		return;
	from = max(from, vma->vm_start);
	first = vmf->pte - ((here - from) >> PAGE_SHIFT);
	for (addr = from; addr < end; addr += PAGE_SIZE)
		nr += can_grant(cd, folio, vma, addr,
				first + ((addr - from) >> PAGE_SHIFT));
	if (nr)
		nr = reserve_for_grants(cd, nr);
	for (addr = from; nr && addr < end; addr += PAGE_SIZE, first++) {
		if (!can_grant(cd, folio, vma, addr, first))
			continue;
		grant_neighbour(cd, vma, addr, first);
		nr--;
	}
}

/*
 * cram_grant - let a page be written to in place, if there is credit
 * @cd: the device
 * @folio: folio of the page; only this mm maps it, and nobody else has a
 *	reference
 * @vmf: the write; vmf->page is the page
 *
 * In a large folio, pages around it may be granted as well.
 *
 * Context: under the page table lock.
 * Return: false when the page has to be copied.
 */
bool cram_grant(struct cram_device *cd, struct folio *folio,
		struct vm_fault *vmf)
{
	unsigned long i = page_to_pfn(vmf->page) - cd->first_pfn;

	/*
	 * A pin for reading takes no grant, but may have a page that is
	 * granted.
	 */
	if (vmf->flags & FAULT_FLAG_UNSHARE)
		return test_bit(i, cd->granted);
	if (!test_bit(i, cd->granted)) {
		if (!reserve_for_grants(cd, 1))
			return false;
		grant_page(cd, i);
	}
	if (folio_test_large(folio))
		grant_around(cd, folio, vmf);
	return true;
}

/*
 * Are the pages of a large folio written in order?  They are if the page before
 * this one lies in ordinary memory: it was copied up already.
 */
static bool written_in_order(struct vm_fault *vmf, struct folio *folio)
{
	unsigned long before = (vmf->address & PAGE_MASK) - PAGE_SIZE;
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep;

	if (!folio_test_large(folio) || vmf->flags & FAULT_FLAG_UNSHARE ||
	    before < vmf->vma->vm_start || !((before + PAGE_SIZE) & ~PMD_MASK))
		return false;
	ptep = pte_offset_map_lock(vmf->vma->vm_mm, vmf->pmd, before, &ptl);
	if (!ptep)
		return false;
	if (pte_present(ptep_get(ptep)))
		page = vm_normal_page(vmf->vma, before, ptep_get(ptep));
	pte_unmap_unlock(ptep, ptl);
	return page && PageAnon(page) && !cram_node(page_to_nid(page));
}

/*
 * Prepares @next for a copy: true when a read-only page of @folio is mapped at
 * its address.  Takes a reference to the folio then.
 */
static bool hold_next(struct vm_fault *next, struct folio *folio)
{
	struct page *page = NULL;
	pte_t pte;

	next->pte = pte_offset_map_lock(next->vma->vm_mm, next->pmd,
					next->address, &next->ptl);
	if (!next->pte)
		return false;
	pte = ptep_get(next->pte);
	if (pte_present(pte) && !pte_write(pte) && !pte_uffd(pte))
		page = vm_normal_page(next->vma, next->address, pte);
	if (page && (page_folio(page) != folio || PageAnonExclusive(page)))
		page = NULL;
	if (page)
		folio_get(folio);
	next->orig_pte = pte;
	next->page = page;
	pte_unmap_unlock(next->pte, next->ptl);
	return page;
}

/* For a copy that no fault has asked for: does not wait, reclaim or kill. */
static struct page *alloc_next(struct vm_area_struct *vma, unsigned long addr)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE |
			  __GFP_NOWARN;
	struct folio *folio = vma_alloc_folio(gfp, 0, vma, addr);

	if (!folio)
		return NULL;
	if (!mem_cgroup_charge(folio, vma->vm_mm, GFP_NOWAIT | __GFP_NOWARN))
		return &folio->page;
	folio_put(folio);
	return NULL;
}

/* Copies the pages of the window after the one that was written to. */
static void copy_next(struct vm_fault *vmf, struct folio *folio,
		      vm_fault_t (*copy)(struct vm_fault *vmf))
{
	unsigned long addr = (vmf->address & PAGE_MASK) + PAGE_SIZE;
	unsigned long end = min(ALIGN(addr, AROUND * PAGE_SIZE),
				vmf->vma->vm_end);

	for (; addr < end; addr += PAGE_SIZE) {
		struct vm_fault next = {
			.cow_page = alloc_next(vmf->vma, addr),
			.vma = vmf->vma,
			.gfp_mask = vmf->gfp_mask,
			.pgoff = linear_page_index(vmf->vma, addr),
			.address = addr,
			.real_address = addr,
			.flags = vmf->flags,
			.pmd = vmf->pmd,
		};

		if (!next.cow_page)
			break;
		if (!hold_next(&next, folio)) {
			put_page(next.cow_page);
			continue;
		}
		cram_copied_up(folio, 1);
		if (copy(&next))
			break;
	}
}

/* See mm/cram/fence.h. */
vm_fault_t __cram_copy_up(struct vm_fault *vmf,
			  vm_fault_t (*copy)(struct vm_fault *vmf))
{
	struct folio *folio = page_folio(vmf->page);
	unsigned long stall = cram_stall_begin(vmf->page);
	vm_fault_t ret;

	folio_get(folio);
	ret = copy(vmf);
	if (!ret && written_in_order(vmf, folio))
		copy_next(vmf, folio, copy);
	folio_put(folio);
	cram_stall_end(stall);
	return ret;
}

/*
 * cram_grant_ends - end the grants of pages that are being freed
 * @cd: the device
 * @pfn: first page frame
 * @nr: number of pages
 *
 * Context: any but NMI.
 * Return: how many of them were granted.  The caller has to write these back,
 * and then to settle them by cram_ledger_settle_granted().
 */
unsigned long cram_grant_ends(struct cram_device *cd, unsigned long pfn,
			      unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, ended = 0;

	if (!atomic_long_read(&cd->nr_writable))
		return 0;
	for (; nr--; i++)
		ended += test_and_clear_bit(i, cd->granted);
	atomic_long_sub(ended, &cd->nr_writable);
	return ended;
}

/*
 * Does anybody hold a reference to the folio, besides its mappings, the caller,
 * and memory failure for a poisoned folio?  Says yes as well if mappings come
 * or go meanwhile.
 */
static bool is_held(const struct folio *folio)
{
	int mapped = folio_mapcount(folio);
	int refs;

	smp_rmb(); /* the mappings are counted before the references */
	refs = folio_ref_count(folio);
	smp_rmb(); /* and once more after them */
	return folio_mapcount(folio) != mapped ||
	       refs != mapped + 1 + folio_test_hwpoison(folio);
}

struct revocation {
	struct cram_device *cd;
	unsigned int mappings;
	bool done;
};

/*
 * Makes a granted page read-only in one page table, as write_protect_page() of
 * KSM does.  Flushes the TLB even if the entry is read-only already: fork()
 * write-protects first and flushes later, so another CPU may still write.
 * Returns false when that cannot be.
 */
static bool protect_pte(struct cram_device *cd, struct folio *folio,
			struct vm_area_struct *vma, unsigned long addr,
			pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);
	struct page *page;
	bool fails;

	/*
	 * A device-private or exclusive entry could become writable again
	 * later.
	 */
	if (!pte_present(pte))
		return false;
	page = pfn_to_page(pte_pfn(pte));
	if (!test_bit(pte_pfn(pte) - cd->first_pfn, cd->granted))
		return true;
	flush_cache_page(vma, addr, pte_pfn(pte));
	pte = ptep_clear_flush(vma, addr, ptep);
	fails = is_held(folio) ||
		(PageAnonExclusive(page) &&
		 folio_try_share_anon_rmap_pte(folio, page));
	set_pte_at(vma->vm_mm, addr, ptep, fails ? pte : pte_wrprotect(pte));
	return !fails;
}

static bool protect_in(struct folio *folio, struct vm_area_struct *vma,
		       unsigned long addr, void *arg)
{
	/*
	 * PVMW_SYNC: mprotect() clears an entry for a moment, under the lock.
	 */
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, PVMW_SYNC);
	struct mmu_notifier_range range;
	struct revocation *r = arg;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, addr,
				vma_address_end(&pvmw));
	mmu_notifier_invalidate_range_start(&range);
	for (; r->done && page_vma_mapped_walk(&pvmw); r->mappings++)
		/* A PMD that maps the folio has never been writable. */
		if (pvmw.pte)
			r->done = protect_pte(r->cd, folio, vma, pvmw.address,
					      pvmw.pte);
	if (!r->done)
		page_vma_mapped_walk_done(&pvmw);
	mmu_notifier_invalidate_range_end(&range);
	return r->done;
}

/*
 * Tells the driver and CONFIG_CRAM_DEBUG that the contents of page @i are
 * final.
 */
static void show_stored(struct cram_device *cd, unsigned long i)
{
	if (cd->desc.ops->stored)
		cd->desc.ops->stored(cd, cd->first_pfn + i, 1);
	cram_debug_stored(cd, cd->first_pfn + i, 1);
}

/*
 * Writes back and settles the granted pages of a folio.  Returns how many these
 * are.
 */
static unsigned long settle_granted(struct cram_device *cd, struct folio *folio)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;
	unsigned long end = i + folio_nr_pages(folio), nr = 0;

	for_each_set_bit_from(i, cd->granted, end) {
		cram_write_back(cd->first_pfn + i, 1);
		/* A poisoned page must not be read, not even for a checksum. */
		if (!PageHWPoison(pfn_to_page(cd->first_pfn + i)))
			show_stored(cd, i);
		clear_bit(i, cd->granted);
		nr++;
	}
	atomic_long_sub(nr, &cd->nr_writable);
	cram_settle_ended(cd, 0, nr);
	return nr;
}

/*
 * Ends all grants of a folio.  Returns how many pages became read-only: 0, and
 * all stay granted, when somebody holds the folio (a pin, I/O), or when it is
 * in the swap cache, since its swap entry would bring it back writable.
 */
static unsigned long revoke_grants(struct cram_device *cd, struct folio *folio)
{
	struct revocation r = { .cd = cd, .done = true };
	struct rmap_walk_control rwc = {
		.rmap_one = protect_in,
		.arg = &r,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (folio_test_writeback(folio) ||
	    (folio_test_swapcache(folio) && !folio_free_swap(folio)))
		return 0;
	rmap_walk(folio, &rwc);
	/*
	 * The walk has to have seen every mapping.  A task that got the page
	 * through a mapping before it was protected shows as a reference.
	 */
	if (!r.done || r.mappings != folio_mapcount(folio) || is_held(folio))
		return 0;
	return settle_granted(cd, folio);
}

static bool is_idle(struct cram_device *cd, struct folio *folio,
		    unsigned long i)
{
	bool young;

	if (private_node_used(folio, &young) && !young)
		return test_and_set_bit(i, cd->idle);
	clear_bit(i, cd->idle);
	return false;
}

/*
 * Ends the grants of a folio if it is idle, or with @any whether idle or not.
 * Page @i is the first granted page of the folio, whose bit in cd->idle stands
 * for all of it.
 */
static unsigned long age_folio(struct cram_device *cd, struct folio *folio,
			       unsigned long i, bool any)
{
	unsigned long ended = 0;

	if (!folio_trylock(folio))
		return 0;
	if (folio_test_anon(folio) && (any || is_idle(cd, folio, i)))
		ended = revoke_grants(cd, folio);
	folio_unlock(folio);
	return ended;
}

static bool credit_is_scarce(struct cram_device *cd)
{
	return cram_ledger_credit(&cd->ledger) <
	       (s64)cd->ledger.worst * CRAM_BATCH;
}

/*
 * cram_age_writable - make granted pages read-only that nobody uses any more
 * @cd: the device
 *
 * Does nothing before it is time for the next scan.  Pages above
 * cram_writable_max() become read-only at once, used or not.
 *
 * Context: process, may sleep; one call at a time.
 */
void cram_age_writable(struct cram_device *cd)
{
	unsigned long i, ended, all = 0;
	struct folio *folio;
	long excess;

	excess = atomic_long_read(&cd->nr_writable) -
		 (long)cram_writable_max(cd);
	if (excess <= 0 &&
	    time_before(jiffies, cd->last_age +
				 (credit_is_scarce(cd) ? AGE_SCARCE : AGE)))
		return;
	cd->last_age = jiffies;
	if (!atomic_long_read(&cd->nr_writable))
		return;
	for_each_set_bit(i, cd->granted, cd->nr_pages) {
		folio = pfn_folio(cd->first_pfn + i);
		cond_resched();
		if (!folio_try_get(folio))
			continue;
		if (folio == pfn_folio(cd->first_pfn + i)) {
			ended = age_folio(cd, folio, i, excess > 0);
			excess -= ended;
			all += ended;
			i = folio_pfn(folio) + folio_nr_pages(folio) - 1 -
			    cd->first_pfn;
		}
		folio_put(folio);
	}
	cram_count(cd, CRAM_REVOKED, all);
	/* The next reading gives their credit back. */
	if (all)
		cram_read_soon(cd);
}
