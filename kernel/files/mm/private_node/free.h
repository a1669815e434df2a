/* SPDX-License-Identifier: GPL-2.0-only */
/* What mm/page_alloc.c asks about broken pages. */
#ifndef MM_PRIVATE_NODE_FREE_H
#define MM_PRIVATE_NODE_FREE_H

#include <linux/mm.h>

#include "hooks.h"

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_MEMORY_FAILURE)

bool __private_node_block_broken(struct page *page, unsigned int order);
void __private_node_keep_off(struct page *page);
bool __private_node_took_off(struct page *page);

/**
 * private_node_block_broken - is a page of a freed block broken?
 * @page: first page of the block; nothing was stored to it since it was freed
 * @order: of the block
 *
 * The allocator keeps a broken page off the free lists if it is freed by itself.
 * One in a larger block would be handed out again, so such a block is freed page
 * by page.  Memory of ordinary nodes and of compressed RAM is not looked at.
 *
 * Cost: a static branch; for a block of two pages or more, node_is_private(); on
 * a private node, a look at each page if a page of any private node broke since
 * boot.
 * Context: any.
 */
static inline bool private_node_block_broken(struct page *page,
					     unsigned int order)
{
	return order && node_is_private(page_to_nid(page)) &&
	       __private_node_block_broken(page, order);
}

/**
 * private_node_keep_off - keep a broken page that was freed out of use
 * @page: the page, without references
 *
 * unpoison_memory() can give it to the free lists later.  A page of compressed
 * RAM is not touched, mm/cram has it.
 *
 * Cost: a static branch and node_is_private(), for a broken page.
 * Context: any but NMI.
 */
static inline void private_node_keep_off(struct page *page)
{
	if (node_is_private(page_to_nid(page)))
		__private_node_keep_off(page);
}

/**
 * private_node_took_off - was a broken page kept out of the free lists already?
 * @page: any page
 *
 * For take_page_off_buddy(), and for page_handle_poison() after the page was
 * freed.  The reference that is dropped here is taken after them.
 *
 * Cost: a static branch and node_is_private().
 * Context: any; mf_mutex held.
 * Return: true if so.
 */
static inline bool private_node_took_off(struct page *page)
{
	return node_is_private(page_to_nid(page)) &&
	       __private_node_took_off(page);
}

#else

static inline bool private_node_block_broken(struct page *page,
					     unsigned int order)
{
	return false;
}

static inline void private_node_keep_off(struct page *page) {}

static inline bool private_node_took_off(struct page *page)
{
	return false;
}

#endif

#endif /* MM_PRIVATE_NODE_FREE_H */
