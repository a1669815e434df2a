/* SPDX-License-Identifier: GPL-2.0-only */
/* What mm/page_alloc.c asks when it frees a block of pages. */
#ifndef MM_PRIVATE_NODE_FREE_H
#define MM_PRIVATE_NODE_FREE_H

#include <linux/mm.h>
#include <linux/private_node.h>

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_MEMORY_FAILURE)

bool __private_node_block_broken(struct page *page, unsigned int order);

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
	return order && private_node_hooked(memory_failure, page_to_nid(page)) &&
	       __private_node_block_broken(page, order);
}

#else

static inline bool private_node_block_broken(struct page *page,
					     unsigned int order)
{
	return false;
}

#endif

#endif /* MM_PRIVATE_NODE_FREE_H */
