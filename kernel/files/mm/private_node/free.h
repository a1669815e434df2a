/* SPDX-License-Identifier: GPL-2.0-only */
/* What mm/page_alloc.c asks about pages that are freed, and about broken ones. */
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
 * by page.  Pages of ordinary and of fenced nodes are not looked at.
 *
 * Cost: a static branch; for a block of two pages or more, node_is_private(); on
 * a private node, a look at each page if a page of any private node broke since
 * boot.
 * Context: any.
 * Return: true if so.
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
 * unpoison_memory() can give it to the free lists later.  Ignores pages of
 * fenced nodes, which their driver handles.
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

#ifdef CONFIG_PRIVATE_NODE

/* handle.c */
DECLARE_STATIC_KEY_FALSE(private_node_frees_key);

/* told.c */
void __private_node_freed(struct page *page, unsigned int order);
void __private_node_moves(struct folio *folio);

/**
 * private_node_freed - a block is about to be free
 * @page: first page of the block
 * @order: of the block
 *
 * Tells the owner of a private node that watches one of the pages.
 *
 * Cost: a static branch, which serves fenced nodes as well.
 * Context: any.
 * Return: true if the block may belong to a fenced node; false if there is none
 * and nobody looks at pages that are freed.
 */
static __always_inline bool private_node_freed(struct page *page,
					       unsigned int order)
{
	if (!static_branch_unlikely(&private_node_frees_key))
		return false;
	if (node_is_private(page_to_nid(page)))
		__private_node_freed(page, order);
	return true;
}

/**
 * private_node_moves - a folio is about to be copied to another place
 * @folio: locked, and mapped nowhere
 *
 * Tells the owner of a private node that watches it.
 *
 * Cost: a static branch.
 * Context: process.
 */
static inline void private_node_moves(struct folio *folio)
{
	if (static_branch_unlikely(&private_node_frees_key) &&
	    node_is_private(folio_nid(folio)))
		__private_node_moves(folio);
}

#else

static __always_inline bool private_node_freed(struct page *page,
					       unsigned int order)
{
	return false;
}

static inline void private_node_moves(struct folio *folio) {}

#endif

#endif /* MM_PRIVATE_NODE_FREE_H */
