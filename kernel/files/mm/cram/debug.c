// SPDX-License-Identifier: GPL-2.0-only
/*
 * CONFIG_CRAM_DEBUG: finds resident pages whose contents change.
 *
 * Each resident has a checksum, which is compared when the page is freed and by
 * a scan after each reading.  With cram_protect the whole device is read-only
 * in the direct map as well, and placements are stored through a temporary
 * mapping.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/crc32.h>
#include <linux/kstrtox.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* Pages whose checksum is compared after each reading. */
#define SCAN	512

/* Devices that are registered from now on are read-only in the direct map. */
bool cram_protect;

/* Context: process, may sleep.  Return: 0 or -ENOMEM. */
int cram_debug_init(struct cram_device *cd)
{
	struct cram_debug *d = &cd->debug;

	d->sums = kvcalloc(cd->nr_pages, sizeof(*d->sums), GFP_KERNEL);
	d->summed = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			     GFP_KERNEL);
	return d->sums && d->summed ? 0 : -ENOMEM;
}

/* Context: process, may sleep. */
void cram_debug_free(struct cram_device *cd)
{
	kvfree(cd->debug.sums);
	kvfree(cd->debug.summed);
}

/* Calls @set for the direct map of all online sections of the device. */
static int set_direct_map(struct cram_device *cd,
			  int (*set)(unsigned long, int))
{
	unsigned long pfn, end = cd->first_pfn + cd->nr_pages;
	int ret = 0;

	for (pfn = cd->first_pfn; pfn < end && !ret; pfn += PAGES_PER_SECTION)
		if (pfn_to_online_page(pfn))
			ret = set((unsigned long)pfn_to_kaddr(pfn),
				  PAGES_PER_SECTION);
	return ret;
}

/*
 * cram_debug_protect - make a device read-only in the direct map
 * @cd: the device, not used yet
 *
 * Does nothing unless cram_protect is set.
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY with init_on_alloc=1, since the page allocator would fault;
 * or the errno of set_memory_ro().
 */
int cram_debug_protect(struct cram_device *cd)
{
	int ret;

	if (!READ_ONCE(cram_protect))
		return 0;
	if (want_init_on_alloc(GFP_KERNEL)) {
		pr_err("node %d: cannot be protected: the page allocator clears its pages (init_on_alloc)\n",
		       cd->nid);
		return -EBUSY;
	}
	ret = set_direct_map(cd, set_memory_ro);
	if (ret)
		set_direct_map(cd, set_memory_rw);
	cd->debug.protect = !ret;
	return ret;
}

/* Makes an unused device writable again.  Context: process, may sleep. */
void cram_debug_unprotect(struct cram_device *cd)
{
	if (cd->debug.protect && set_direct_map(cd, set_memory_rw))
		pr_err("node %d: its memory stays read-only for the kernel\n",
		       cd->nid);
	cd->debug.protect = false;
}

/* Is cram_debug_map() the only way to store to the device?  Context: any. */
bool cram_debug_protected(struct cram_device *cd)
{
	return cd->debug.protect;
}

/*
 * cram_debug_map - get an address by which a page of a device can be written
 * @page: the page, taken and not settled
 *
 * Context: process, may sleep.
 * Return: the address, valid until cram_debug_unmap(); NULL without memory.
 */
void *cram_debug_map(struct page *page)
{
	struct cram_device *cd;
	bool protected;

	scoped_guard(rcu) {
		cd = cram_peek(page_to_nid(page));
		protected = cd && cd->debug.protect;
	}
	return protected ? vmap(&page, 1, VM_MAP, PAGE_KERNEL) :
			   page_address(page);
}

/* Context: process, may sleep. */
void cram_debug_unmap(void *addr)
{
	if (is_vmalloc_addr(addr))
		vunmap(addr);
}

static struct page *page_of(struct cram_device *cd, unsigned long i)
{
	return pfn_to_page(cd->first_pfn + i);
}

static u32 sum_of(struct cram_device *cd, unsigned long i)
{
	return crc32_le(~0, page_address(page_of(cd, i)), PAGE_SIZE);
}

/*
 * cram_debug_stored - compute the checksums of pages that were stored
 * @cd: the device
 * @pfn: first page frame, of a locked folio
 * @nr: number of pages
 *
 * Context: process, may sleep.
 */
void cram_debug_stored(struct cram_device *cd, unsigned long pfn,
		       unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, end = i + nr;

	for (; i < end; i++) {
		cd->debug.sums[i] = sum_of(cd, i);
		set_bit(i, cd->debug.summed);
	}
}

static void check_sum(struct cram_device *cd, unsigned long i)
{
	struct page *page = page_of(cd, i);

	if (!test_bit(i, cd->debug.summed) || PageHWPoison(page) ||
	    sum_of(cd, i) == cd->debug.sums[i])
		return;
	/*
	 * Look again: the page may have been granted meanwhile, or the device
	 * dropped and poisoned it and then reported that.
	 */
	if (!test_bit(i, cd->debug.summed) || PageHWPoison(page))
		return;
	cram_count(cd, CRAM_CHANGED, 1);
	pr_err("node %d: pfn %#lx: changed after it was stored\n", cd->nid,
	       cd->first_pfn + i);
}

/* Drops the checksums of pages that may change from here on.  Context: any. */
void cram_debug_forget(struct cram_device *cd, unsigned long i,
		       unsigned long nr)
{
	for (; nr--; i++)
		clear_bit(i, cd->debug.summed);
}

/*
 * cram_debug_freed - compare and drop the checksums of pages before their trim
 * @cd: the device
 * @pfn: first page frame; the pages are free
 * @nr: number of pages
 *
 * Context: process, may sleep.
 */
void cram_debug_freed(struct cram_device *cd, unsigned long pfn,
		      unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, end = i + nr;

	for (; i < end; i++) {
		check_sum(cd, i);
		clear_bit(i, cd->debug.summed);
	}
}

/*
 * cram_debug_stray_store - change one byte of a resident, as a kernel bug would
 * @cd: the device
 * @pfn: page frame of the resident
 *
 * For tests of the checksums and of cram_protect.
 *
 * Context: process.
 * Return: 0; -EINVAL for a page that is not in use or has no checksum; -EFAULT
 * when the page is read-only in the direct map.
 */
int cram_debug_stray_store(struct cram_device *cd, unsigned long pfn)
{
	struct folio *folio;
	int ret;
	u8 *at;

	if (pfn < cd->first_pfn || pfn - cd->first_pfn >= cd->nr_pages ||
	    !test_bit(pfn - cd->first_pfn, cd->debug.summed))
		return -EINVAL;
	folio = pfn_folio(pfn);
	if (!folio_try_get(folio))
		return -EINVAL;
	at = page_address(pfn_to_page(pfn));
	ret = copy_to_kernel_nofault(at, &(u8){ ~*at }, 1);
	folio_put(folio);
	return ret;
}

/*
 * Compares the next SCAN checksums.  Context: process, may sleep; one at a
 * time.
 */
void cram_debug_scan(struct cram_device *cd)
{
	unsigned long seen = 0, i;
	struct folio *folio;

	while (seen < SCAN) {
		folio = cram_next_resident(cd, &cd->debug.scan_at);
		if (!folio) {
			cd->debug.scan_at = 0;
			break;
		}
		i = folio_pfn(folio) - cd->first_pfn;
		for (; i < cd->debug.scan_at; i++, seen++)
			check_sum(cd, i);
		folio_put(folio);
	}
}
