// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells an owner that a folio which nobody maps has moved or was freed.
 *
 * A device that keeps something about memory of its node needs to know when that
 * is no longer true:
 *
 *	what it keeps				who says when it ends
 *	a translation of an address of a	MMU notifiers of that process
 *	  process
 *	a translation to a folio that it took	itself: it frees the folio
 *	anything else about a page frame, as	private_node_ops.folio_gone()
 *	  a cached copy of page cache
 *
 * private_node_watch() asks for that, for one folio, without a reference, which
 * would keep the folio from moving.  A device must not store to a folio that it
 * only watches: the kernel does not know that the folio is dirty, and it may be
 * on its way to swap.
 *
 * There is a bit for each page, in chunks as those of mark.c, so that a folio
 * may be split meanwhile.  The bit is cleared by who tells.  While nobody has
 * ever watched a folio, the path that frees pages has the static branch alone
 * which it has for fenced nodes.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/srcu.h>

#include "../internal.h"
#include "free.h"
#include "internal.h"

static void tell(struct private_node *pn, unsigned long pfn, unsigned long nr,
		 enum private_node_gone how)
{
	const struct private_node_ops *ops;

	guard(srcu)(&pn->ops_srcu);
	ops = READ_ONCE(pn->ops);
	if (ops)
		ops->folio_gone(pn, pfn, nr, how);
}

/* Clears the bits of a block that lies within one chunk; were there any? */
static bool was_watched(struct private_node *pn, unsigned long pfn,
			unsigned long nr)
{
	unsigned long *chunk = private_node_bits_of(&pn->watched, pfn);
	unsigned int bit = pfn % PRIVATE_NODE_CHUNK, end = bit + nr;
	bool ret = false;

	if (!chunk)
		return false;
	for (bit = find_next_bit(chunk, end, bit); bit < end;
	     bit = find_next_bit(chunk, end, bit + 1))
		ret |= test_and_clear_bit(bit, chunk);
	return ret;
}

/* A gigantic page has several chunks. */
static void pages_gone(struct page *page, unsigned long nr,
		       enum private_node_gone how)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + nr;
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(page_to_nid(page));
	if (!pn || !pn->can_watch)
		return;
	nr = min(nr, PRIVATE_NODE_CHUNK);
	for (; pfn < end; pfn += nr)
		if (was_watched(pn, pfn, nr))
			tell(pn, pfn, nr, how);
}

/*
 * __private_node_freed - see private_node_freed()
 */
void __private_node_freed(struct page *page, unsigned int order)
{
	pages_gone(page, 1UL << order, PRIVATE_NODE_GONE_FREED);
}

/*
 * __private_node_moves - see private_node_moves()
 */
void __private_node_moves(struct folio *folio)
{
	pages_gone(&folio->page, folio_nr_pages(folio),
		   PRIVATE_NODE_GONE_MOVES);
}

static void set_watched(struct private_node *pn, unsigned long pfn,
			unsigned long nr)
{
	unsigned long *chunk = private_node_bits_of(&pn->watched, pfn);
	unsigned int bit = pfn % PRIVATE_NODE_CHUNK;

	while (nr--)
		set_bit(bit++, chunk);
}

/**
 * private_node_watch - be told when a folio has gone
 * @pn: the handle; its owner has &private_node_ops.folio_gone
 * @folio: on the node, with a reference that the caller drops afterwards
 *
 * The owner is told once, when the folio is about to be copied to another place,
 * or is freed.  To be called before the device reads what it will keep.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL for a folio of another node or of hugetlb, or an owner
 * without that callback; -ENODEV after private_node_unregister(); -EAGAIN while
 * the node is being unplugged; -ENOMEM.
 */
int private_node_watch(struct private_node *pn, struct folio *folio)
{
	unsigned long pfn = folio_pfn(folio);
	int ret = 0;

	/* A pool hands its pages on without freeing them, and moves them by itself. */
	if (folio_nid(folio) != pn->nid || !pn->can_watch ||
	    folio_test_hugetlb(folio))
		return -EINVAL;
	static_branch_enable(&private_node_frees_key);
	if (!private_node_enter(pn, PRIVATE_NODE_USER_OWNER))
		return private_node_closing(pn) ? -EAGAIN : -ENODEV;
	if (private_node_bits_add(&pn->watched, pfn))
		set_watched(pn, pfn, folio_nr_pages(folio));
	else
		ret = -ENOMEM;
	private_node_leave(pn, PRIVATE_NODE_USER_OWNER);
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_watch);
