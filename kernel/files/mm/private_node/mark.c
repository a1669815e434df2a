// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marks: which pages of a private node the kernel itself put there.
 *
 * A page that the kernel placed of its own accord (demotion, compressed RAM,
 * zswap) is a guest: its bit is set here.  All others are there because
 * somebody named the node: by a policy, by a system call, by the device map, or
 * as the owner.  Who placed a page cannot be found out later, since policies
 * change and every thread has its own.
 *
 *	event					the mark is
 *	allocated					cleared
 *	... by demotion, zswap, or for an access by
 *	    the owner's device (device_access.c)	then set
 *	mbind(MOVE) or move_pages() finds it there	cleared
 *	moved within the node (compaction, soft offline) copied to the new page
 *	a large folio is split				kept by each page
 *	freed						kept, until it is allocated
 *
 * Freeing a page does not clear its mark, so that path has no extra cost.  A
 * mark is valid only while the page is in use.
 *
 * The bits are in chunks, each of which covers 2^15 pages and takes 4 KiB of
 * ordinary memory.  Chunks are allocated when the demotion service is opened or
 * the owner first moves memory there, and when memory is added later.  The
 * kernel does not place a page that cannot be marked for want of a chunk.
 */
#include <linux/bitops.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

#define CHUNK_SHIFT	15
#define CHUNK_PAGES	PRIVATE_NODE_CHUNK
#define CHUNK_BYTES	(CHUNK_PAGES / BITS_PER_BYTE)

/*
 * private_node_bits_of - the chunk with the bit of a page
 * @chunks: chunks of one kind of bits
 * @pfn: the page
 *
 * Context: rcu_read_lock() held, or a reference to the handle.
 * Return: the chunk, or NULL.
 */
unsigned long *private_node_bits_of(struct xarray *chunks, unsigned long pfn)
{
	return xa_load(chunks, pfn >> CHUNK_SHIFT);
}

static unsigned long *find_chunk(struct private_node *pn, unsigned long pfn)
{
	return private_node_bits_of(&pn->marks, pfn);
}

static unsigned int bit_of(unsigned long pfn)
{
	return pfn & (CHUNK_PAGES - 1);
}

/*
 * A folio of BITS_PER_LONG pages or more has whole words of bits for itself,
 * since folios are naturally aligned.  Smaller ones share a word: the bits are
 * set atomically.
 */
static void set_bits(unsigned long *chunk, unsigned int bit, unsigned long nr,
		     bool value)
{
	unsigned long i;

	/* A folio lies within one chunk. */
	BUILD_BUG_ON(MAX_PAGE_ORDER > CHUNK_SHIFT);
	if (nr >= BITS_PER_LONG) {
		for (i = 0; i < nr / BITS_PER_LONG; i++)
			WRITE_ONCE(chunk[BIT_WORD(bit) + i], value ? ~0UL : 0);
		return;
	}
	for (i = bit; i < bit + nr; i++)
		if (value)
			set_bit(i, chunk);
		else if (test_bit(i, chunk))
			clear_bit(i, chunk);
}

/*
 * private_node_bits_add - have a chunk for the bit of a page
 * @chunks: chunks of one kind of bits
 * @pfn: the page
 *
 * Context: process, may sleep.
 * Return: false without memory for it.
 */
bool private_node_bits_add(struct xarray *chunks, unsigned long pfn)
{
	unsigned long *chunk;
	int err;

	if (private_node_bits_of(chunks, pfn))
		return true;
	chunk = kzalloc(CHUNK_BYTES, GFP_KERNEL);
	if (!chunk)
		return false;
	err = xa_insert(chunks, pfn >> CHUNK_SHIFT, chunk, GFP_KERNEL);
	if (err)
		kfree(chunk);
	return !err || err == -EBUSY;
}

/*
 * Allocates the chunks for memory of a node.  Returns false when an allocation
 * failed; nothing is placed then on memory without a chunk.
 */
static bool cover_marks(struct private_node *pn)
{
	unsigned long pfn = ALIGN_DOWN(node_start_pfn(pn->nid), CHUNK_PAGES);

	for (; pfn < node_end_pfn(pn->nid); pfn += CHUNK_PAGES)
		if (!private_node_bits_add(&pn->marks, pfn))
			return false;
	return true;
}

static int cover_if_demoted_to(int nid)
{
	struct private_node *pn = private_node_find(nid);
	bool ok = true;

	if (pn && READ_ONCE(pn->demoted_to))
		ok = cover_marks(pn);
	private_node_put(pn);
	return ok ? 0 : -ENOMEM;
}

/*
 * private_node_begin_marks - have chunks before the owner places guests
 * @pn: the handle
 *
 * Memory that is added later gets its chunks when it is added.
 *
 * Context: process, may sleep; not inside a gate of @pn.
 * Return: false without memory for them.
 */
bool private_node_begin_marks(struct private_node *pn)
{
	bool ok;

	if (READ_ONCE(pn->demoted_to))
		return true;
	guard(mutex)(&pn->lock);
	get_online_mems();
	ok = cover_marks(pn);
	if (ok)
		WRITE_ONCE(pn->demoted_to, true);
	put_online_mems();
	return ok;
}

static void free_chunks(struct xarray *chunks)
{
	unsigned long *chunk, index;

	xa_for_each(chunks, index, chunk)
		kfree(chunk);
	xa_destroy(chunks);
}

/* Called when the last reference is gone, so nobody uses the bits. */
static void free_marks(struct private_node *pn)
{
	free_chunks(&pn->marks);
	free_chunks(&pn->watched);
}

const struct private_node_subscriber private_node_marks_subscriber = {
	.changed = cover_if_demoted_to,
	.freed = free_marks,
};

static bool change_mark(int nid, unsigned long pfn, unsigned long nr,
			bool value)
{
	unsigned long end = pfn + nr, step, *chunk;
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	if (!pn || !READ_ONCE(pn->demoted_to))
		return false;
	/* A gigantic page of hugetlb has several chunks. */
	for (; pfn < end; pfn += step) {
		step = min(end - pfn, CHUNK_PAGES - bit_of(pfn));
		chunk = find_chunk(pn, pfn);
		if (!chunk)
			return false;
		set_bits(chunk, bit_of(pfn), step, value);
	}
	if (value)
		atomic_long_inc(&pn->guests_came);
	return true;
}

/*
 * private_node_mark - mark a folio that the kernel places of its own accord
 * @folio: new, on a private node
 *
 * Context: any.
 * Return: false when there is no chunk for the mark; the folio must not be used
 * then.
 */
bool private_node_mark(struct folio *folio)
{
	return change_mark(folio_nid(folio), folio_pfn(folio),
			   folio_nr_pages(folio), true);
}

/*
 * private_node_unmark - clear the marks of pages that were just allocated
 * @page: the first page
 * @order: of the allocation
 *
 * Context: any.
 */
void private_node_unmark(struct page *page, unsigned int order)
{
	if (node_is_private(page_to_nid(page)))
		change_mark(page_to_nid(page), page_to_pfn(page), 1UL << order,
			    false);
}

/*
 * private_node_page_is_guest - did the kernel put a page on its node?
 * @page: of a private node, in use
 *
 * Context: any.
 * Return: true if it did, so that the page is a guest.
 */
bool private_node_page_is_guest(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct private_node *pn;
	unsigned long *chunk;

	guard(rcu)();
	pn = private_node_peek(page_to_nid(page));
	if (!pn || !READ_ONCE(pn->demoted_to))
		return false;
	chunk = find_chunk(pn, pfn);
	return chunk && test_bit(bit_of(pfn), chunk);
}

/*
 * __private_node_adopted - see private_node_adopted()
 */
void __private_node_adopted(struct folio *folio)
{
	change_mark(folio_nid(folio), folio_pfn(folio), folio_nr_pages(folio),
		    false);
}

/*
 * __private_node_moved_within - see private_node_moved_within()
 */
void __private_node_moved_within(struct folio *dst, struct folio *src)
{
	change_mark(folio_nid(dst), folio_pfn(dst), folio_nr_pages(dst),
		    private_node_is_guest(src));
}

/*
 * private_node_next_mark - the next page that is marked
 * @pn: the handle
 * @pfn: the first page frame to look at
 * @end: the page frame behind the last one
 *
 * Context: rcu_read_lock() held.
 * Return: the page frame of the marked page, or @end if there is none.
 */
unsigned long private_node_next_mark(struct private_node *pn,
				     unsigned long pfn, unsigned long end)
{
	unsigned long *chunk, bit;

	while (pfn < end) {
		chunk = find_chunk(pn, pfn);
		bit = CHUNK_PAGES;
		if (chunk) {
			/* A racy read: the caller checks the page again. */
			bit = data_race(find_next_bit(chunk, CHUNK_PAGES,
						      bit_of(pfn)));
		}
		pfn = ALIGN_DOWN(pfn, CHUNK_PAGES) + bit;
		if (bit < CHUNK_PAGES)
			break;
	}
	return min(pfn, end);
}
