// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies to a compressing device.
 */
#include <linux/highmem.h>
#include <linux/instrumented.h>
#include <linux/kmsan.h>
#include <linux/mm.h>
#include <linux/sched.h>
#ifdef CONFIG_ARCH_HAS_COPY_MC_FLUSHCACHE
#include <asm/copy_mc_flushcache.h>
#endif

#include "cram.h"

/*
 * cram_copy_page - copy a page to a page of a device
 * @dst: page of the device, taken and not settled
 * @src: page in ordinary memory
 *
 * Uses non-temporal stores where the architecture has them: these do not read
 * the old lines from the device, and leave nothing to write back.
 *
 * Context: process; may sleep with CONFIG_CRAM_DEBUG.
 * Return: 0 when @dst is stored and in no CPU cache; -EHWPOISON when @src is
 * poisoned, which has been reported to memory failure; -ENOMEM without an
 * address to store to, only with CONFIG_CRAM_DEBUG.
 */
#ifdef CONFIG_ARCH_HAS_COPY_MC_FLUSHCACHE
int cram_copy_page(struct page *dst, struct page *src)
{
	void *to = cram_debug_map(dst), *from = page_address(src);
	unsigned long left;

	if (!to)
		return -ENOMEM;
	instrument_memcpy_before(to, from, PAGE_SIZE);
	left = copy_mc_flushcache(to, from, PAGE_SIZE);
	instrument_memcpy_after(to, from, PAGE_SIZE, left);
	wmb(); /* the stores reach the device before the page is settled */
	cram_debug_unmap(to);
	if (left) {
		memory_failure_queue(page_to_pfn(src), 0);
		return -EHWPOISON;
	}
	kmsan_copy_page_meta(dst, src);
	return 0;
}
#else
int cram_copy_page(struct page *dst, struct page *src)
{
	if (copy_mc_highpage(dst, src))
		return -EHWPOISON;
	cram_write_back(page_to_pfn(dst), 1);
	return 0;
}
#endif

/* See mm/cram/fence.h. */
int __cram_copy(struct folio *dst, struct folio *src)
{
	long i, nr = folio_nr_pages(src);
	int ret;

	for (i = 0; i < nr; i++) {
		ret = cram_copy_page(folio_page(dst, i), folio_page(src, i));
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}
