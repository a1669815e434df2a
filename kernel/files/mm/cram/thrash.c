// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refaults: residents that are needed in ordinary memory soon after their
 * placement.
 *
 * Each cgroup has a clock that counts the pages of the cgroup that were placed
 * on a device.  A resident is a refault if it is copied up for a write or a
 * pin, or moves up because it is hot, and the clock has advanced since its
 * placement by no more than the pages that the cgroup has in ordinary memory.
 * Such a page belongs to the working set: with that much more memory it would
 * not have been placed.  A refault is counted for the device and for the
 * cgroup, and the time of its copy counts as memory pressure for PSI.
 *
 * A page that was a refault twice waits: reclaim leaves it in ordinary memory
 * until the clock has advanced by the pages that the cgroup has there, the next
 * time by twice as many, and so on, unless reclaim finds too little else.  A
 * hash table remembers these pages by their mapping and their offset in it.
 * When two pages have the same line, the later one overwrites the other, which
 * is then placed without a wait.
 *
 * mm/workingset.c detects refaults of pages that have left memory.  It cannot
 * be used here: its entries take the place of the page in its file or in swap,
 * its clock does not advance with the multi-gen LRU, and without swap it does
 * not count anonymous memory to the working set.
 */
#include <kunit/visibility.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/psi.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "cram.h"

/*
 * Pages of ordinary memory for each line of the table; fewest and most lines.
 */
#define PAGES_PER_LINE	16
#define MIN_LINES	256UL
#define MAX_LINES	((unsigned long)SZ_1M)
/* Refaults of a page after which it waits. */
#define PATIENCE	2U
/* A wait is doubled at most this many times. */
#define MAX_DOUBLED	5U
/*
 * Pages do not wait when the priority of reclaim is below this: it then scans
 * half of each LRU list or more.  It began with DEF_PRIORITY.
 */
#define DESPERATE	2

/**
 * struct came_back - one line of the table of refaults
 * @tag: second hash of the page; 0 for an unused line
 * @clock: clock of its cgroup at its last refault
 * @nid: node of the device it came from
 * @times: how often it was a refault
 *
 * No lock protects it.  A race makes a page wait when it should not, or not
 * wait when it should.
 */
struct came_back {
	u32 tag;
	u32 clock;
	u16 nid;
	u16 times;
};

atomic_long_t cram_placed;

/**
 * struct came_back_table - the table of refaults
 * @bits: binary logarithm of the number of lines
 * @lines: the lines, indexed by a hash of the page
 */
struct came_back_table {
	unsigned int bits;
	struct came_back lines[];
};

/* Allocated for the first device, and never freed. */
static struct came_back_table *table;

/*
 * cram_thrash_init - allocate the clocks of a device, and the table for the
 *	first one
 * @cd: the device, with first_pfn and nr_pages set
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cram_thrash_init(struct cram_device *cd)
{
	struct came_back_table *new;
	unsigned long lines;

	cd->placed = kvcalloc(cd->nr_pages, sizeof(*cd->placed), GFP_KERNEL);
	if (!cd->placed)
		return -ENOMEM;
	if (READ_ONCE(table))
		return 0;
	lines = clamp(totalram_pages() / PAGES_PER_LINE, MIN_LINES, MAX_LINES);
	lines = rounddown_pow_of_two(lines);
	new = kvzalloc(struct_size(new, lines, lines), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->bits = ilog2(lines);
	/* Another device may be registered at the same time. */
	if (cmpxchg(&table, NULL, new))
		kvfree(new);
	return 0;
}

/* Context: process, may sleep. */
void cram_thrash_free(struct cram_device *cd)
{
	kvfree(cd->placed);
}

/*
 * The line of a folio, and the tag it should have.  NULL before the first
 * device.
 */
static struct came_back *line_of(const struct folio *folio, u32 *tag)
{
	struct came_back_table *t = READ_ONCE(table);
	u64 key;

	if (!t)
		return NULL;
	key = (unsigned long)READ_ONCE(folio->mapping) * GOLDEN_RATIO_64 +
	      READ_ONCE(folio->index);
	*tag = hash_32((u32)(key ^ key >> 32), 32) | 1;
	return &t->lines[hash_64(key, t->bits)];
}

static void remember_refault(const struct folio *folio, int nid, u32 clock)
{
	u32 tag;
	struct came_back *line = line_of(folio, &tag);
	u16 times = 0;

	if (!line)
		return;
	if (READ_ONCE(line->tag) == tag)
		times = READ_ONCE(line->times);
	WRITE_ONCE(line->tag, tag);
	WRITE_ONCE(line->clock, clock);
	WRITE_ONCE(line->nid, nid);
	WRITE_ONCE(line->times, min(times + 1, U16_MAX));
}

/*
 * cram_thrash_wait - how long does a page wait in ordinary memory?
 * @times: how often it was a refault
 * @memory: pages that its cgroup has in ordinary memory
 *
 * Context: any.
 * Return: the wait, in pages by which the clock of the cgroup advances; 0 for
 * none.
 */
unsigned long cram_thrash_wait(unsigned int times, unsigned long memory)
{
	if (times < PATIENCE)
		return 0;
	return memory << min(times - PATIENCE, MAX_DOUBLED);
}
EXPORT_SYMBOL_IF_KUNIT(cram_thrash_wait);

/*
 * cram_thrash_placed - note the time of a placement
 * @cd: the device
 * @folio: the folio there, charged and locked
 *
 * Context: any.
 */
void cram_thrash_placed(struct cram_device *cd, struct folio *folio)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;
	unsigned long nr = folio_nr_pages(folio);
	u32 clock = cram_memcg_placed(folio, nr) ?: 1;

	/* For each page, because the folio may be split. */
	while (nr--)
		WRITE_ONCE(cd->placed[i++], clock);
}

/*
 * Is @page, which leaves its device, a refault?  @once removes the time of its
 * placement, so that it is counted once for each placement.
 */
static bool is_refault(struct cram_device *cd, struct page *page,
		       struct folio *folio, u32 *clock, bool once)
{
	u32 *placed = &cd->placed[page_to_pfn(page) - cd->first_pfn];
	u32 then = READ_ONCE(*placed);
	unsigned long memory;

	if (!then)
		return false;
	if (once)
		WRITE_ONCE(*placed, 0);
	*clock = cram_memcg_clock(folio, &memory);
	return *clock - then <= memory;
}

static bool note_refault(struct cram_device *cd, struct page *page,
			 struct folio *old, struct folio *new)
{
	u32 clock;

	if (!is_refault(cd, page, old, &clock, true))
		return false;
	cram_count(cd, CRAM_REFAULTED, folio_nr_pages(new));
	cram_memcg_refaulted(old, folio_nr_pages(new));
	trace_cram_refaulted(cd->nid, page_to_pfn(page));
	remember_refault(new, cd->nid, clock);
	folio_set_workingset(new);
	return true;
}

/*
 * cram_thrash_moves_up - a hot resident is about to move to ordinary memory
 * @folio: the resident, with a reference
 *
 * Context: any.
 */
void cram_thrash_moves_up(struct folio *folio)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (cd)
		note_refault(cd, &folio->page, folio, folio);
}

/* See mm/cram/fence.h. */
void __cram_refaulted(struct folio *new, struct page *page)
{
	struct folio *old = page_folio(page);
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(old));
	if (cd && note_refault(cd, page, old, new))
		folio_set_active(new);
}

/*
 * cram_stall_begin - a page is about to be copied for a write or a pin
 * @page: page of a device, with a reference
 *
 * If it is a refault, the time until cram_stall_end() counts as memory
 * pressure.
 *
 * Context: process.
 * Return: argument for cram_stall_end().
 */
unsigned long cram_stall_begin(struct page *page)
{
	struct cram_device *cd;
	unsigned long flags = 1;	/* psi_memstall_enter() may be a stub */
	bool soon;
	u32 clock;

	scoped_guard(rcu) {
		cd = cram_peek(page_to_nid(page));
		soon = cd && is_refault(cd, page, page_folio(page), &clock,
					false);
	}
	if (soon)
		psi_memstall_enter(&flags);
	return flags;
}

/* The copy has ended; @stall is from cram_stall_begin().  Context: process. */
void cram_stall_end(unsigned long stall)
{
	/* Not 0: no stall began, or the task was in one before. */
	if (!stall)
		psi_memstall_leave(&stall);
}

static void count_wait(const struct folio *folio, int nid)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (cd)
		cram_count(cd, CRAM_WAITED, folio_nr_pages(folio));
}

/* See mm/cram/fence.h. */
bool __cram_waits(struct folio *folio, int priority)
{
	struct came_back *line;
	unsigned long memory;
	u32 tag, since;
	int nid;

	if (priority < DESPERATE || cram_node(folio_nid(folio)))
		return false;
	line = line_of(folio, &tag);
	if (!line || READ_ONCE(line->tag) != tag)
		return false;
	nid = READ_ONCE(line->nid);
	since = cram_memcg_clock(folio, &memory) - READ_ONCE(line->clock);
	if (since >= cram_thrash_wait(READ_ONCE(line->times), memory))
		return false;
	count_wait(folio, nid);
	cram_memcg_waited(folio, folio_nr_pages(folio));
	return true;
}
