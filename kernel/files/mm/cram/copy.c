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
 * cram_copy_page - copy to a page of a device
 * @dst: the page, taken and not settled
 * @src: page in ordinary memory
 *
 * Past the caches where that can be: the device is not read for what is about to be
 * overwritten, and there is nothing to write back.
 *
 * Context: process; may sleep with CONFIG_CRAM_DEBUG.
 * Return: 0, and nothing of @dst is in a cache; -EHWPOISON when @src is poisoned,
 * and memory failure has been told; -ENOMEM with CONFIG_CRAM_DEBUG.
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
	wmb(); /* the stores are with the device before they count as settled */
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

/* See include/linux/cram_fence.h. */
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
