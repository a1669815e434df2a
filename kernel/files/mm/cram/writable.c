// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writable budget: pages of a device that may be written to where they are.
 *
 * Each holds the worst case of a page for as long as it is in use, so that
 * whatever is written there fits.  A small page that was copied up, placed
 * again, and is written to again gets in; one that nobody has touched for a
 * while is moved to ordinary memory, and comes back as any cold page does.
 */
#include <linux/hash.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/slab.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/private_node.h"
#include "cram.h"

/* Copies that are remembered, to know one that is made again. */
#define RECENT_BITS	12
/* A page that was not accessed between two looks at it leaves. */
#define AGE		(5 * HZ)

/*
 * cram_writable_init - for cram_register()
 * @cd: the device; span set
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cram_writable_init(struct cram_device *cd)
{
	cd->recent = kvcalloc(1 << RECENT_BITS, sizeof(*cd->recent),
			      GFP_KERNEL);
	cd->granted = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			       GFP_KERNEL);
	cd->idle = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			    GFP_KERNEL);
	return cd->recent && cd->granted && cd->idle ? 0 : -ENOMEM;
}

/* Context: process, may sleep. */
void cram_writable_free(struct cram_device *cd)
{
	kvfree(cd->recent);
	kvfree(cd->granted);
	kvfree(cd->idle);
}

/* Was this page of this task copied up not long ago? */
static bool written_again(struct cram_device *cd, struct folio *folio,
			  struct vm_area_struct *vma)
{
	u64 key = hash_long((unsigned long)vma->vm_mm, 64) ^ folio->index;
	u32 *slot = &cd->recent[hash_64(key, RECENT_BITS)];
	u32 tag = hash_64(~key, 32) | 1;

	if (READ_ONCE(*slot) == tag)
		return true;
	WRITE_ONCE(*slot, tag);
	return false;
}

static bool budget_take(struct cram_device *cd)
{
	unsigned long max = READ_ONCE(cd->writable_max);

	if (!atomic_long_add_unless(&cd->nr_writable, 1, max) ||
	    atomic_long_read(&cd->nr_writable) > max)
		return false;
	return true;
}

/*
 * cram_grant - may a page be written to where it is?
 * @cd: its device
 * @folio: anonymous folio that somebody writes to
 * @vma: where
 *
 * Context: under the page table lock.
 */
bool cram_grant(struct cram_device *cd, struct folio *folio,
		struct vm_area_struct *vma)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;

	if (folio_test_large(folio) || cram_debug_protected(cd))
		return false;
	if (test_bit(i, cd->granted))
		return true;
	if (!READ_ONCE(cd->writable_max) || !written_again(cd, folio, vma))
		return false;
	/* Shared, or held by somebody: it will be copied in any case. */
	if (folio_mapcount(folio) != 1 || folio_ref_count(folio) > 2)
		return false;
	if (!budget_take(cd))
		return false;
	if (!cram_usable(cd) || !cram_ledger_grant(&cd->ledger)) {
		atomic_long_dec(&cd->nr_writable);
		return false;
	}
	cram_debug_forget(cd, i, 1);
	if (cd->desc.ops->writable)
		cd->desc.ops->writable(cd, folio_pfn(folio));
	clear_bit(i, cd->idle);
	set_bit(i, cd->granted);
	cram_count(cd, CRAM_GRANTED, 1);
	trace_cram_granted(cd->nid, folio_pfn(folio));
	return true;
}

/*
 * cram_grant_ends - pages are being freed
 * @cd: the device
 * @pfn: the first
 * @nr: how many
 *
 * Context: any but NMI.
 * Return: how many of them may have been written to.  Those are still paid for:
 * what was written may be in a cache.
 */
unsigned long cram_grant_ends(struct cram_device *cd, unsigned long pfn,
			      unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, ended = 0;

	/* Only small folios get in, and what was split from a large one. */
	if (!atomic_long_read(&cd->nr_writable))
		return 0;
	for (; nr--; i++) {
		if (!test_and_clear_bit(i, cd->granted))
			continue;
		ended++;
		atomic_long_dec(&cd->nr_writable);
	}
	return ended;
}

static bool leaves(struct cram_device *cd, struct folio *folio,
		   unsigned long i, long *excess)
{
	bool known, young;

	if (*excess > 0) {
		(*excess)--;
		return true;
	}
	if (!folio_trylock(folio))
		return false;
	known = private_node_used(folio, &young);
	folio_unlock(folio);
	if (known && !young)
		return test_and_set_bit(i, cd->idle);
	clear_bit(i, cd->idle);
	return false;
}

/*
 * cram_age_writable - pages that are not in use leave the budget
 * @cd: the device
 *
 * Context: process, may sleep; one call at a time.
 */
void cram_age_writable(struct cram_device *cd)
{
	struct private_node_leaving l;
	struct folio *folio;
	unsigned long i;
	long excess;

	excess = atomic_long_read(&cd->nr_writable) -
		 (long)READ_ONCE(cd->writable_max);
	if (excess <= 0 && time_before(jiffies, cd->next_age))
		return;
	cd->next_age = jiffies + AGE;
	cram_leave_init(cd, &l);
	for_each_set_bit(i, cd->granted, cd->nr_pages) {
		folio = pfn_folio(cd->first_pfn + i);
		cond_resched();
		if (!folio_try_get(folio))
			continue;
		if (!folio_test_large(folio) && leaves(cd, folio, i, &excess))
			cram_leave(cd, &l, folio);
		folio_put(folio);
	}
	private_node_leave_now(&l);
	if (l.moved)
		cram_count(cd, CRAM_REVOKED, l.moved);
}
