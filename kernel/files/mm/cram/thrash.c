// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are wanted back too soon.
 *
 * Each cgroup has a clock: it counts the pages of the cgroup that were placed on a
 * device.  A resident that is written to, or found hot, when no more pages were
 * placed after it than its cgroup has in ordinary memory, belongs to the working
 * set: with that much more memory it would not have been placed.  Such a refault is
 * counted for the device and the cgroup, and the wait is memory pressure for PSI.
 *
 * A page that was a refault twice waits: reclaim leaves it in ordinary memory until
 * the clock has gone on by what the cgroup has there, the next time twice that, and so
 * on; unless reclaim finds too little else.  A table of lines remembers such pages, by
 * a hash of the page's mapping and of its offset there.  Of two pages with the same
 * line the later one has it: the other is placed without a wait.
 *
 * mm/workingset.c has the same idea for what has left memory.  Its entries take the
 * place of the page in its file or in swap, its clock stands still with the multi-gen
 * LRU, and without swap it does not count anonymous memory to the working set.
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

/* Pages of ordinary memory for each line of the table, and the fewest lines. */
#define PAGES_PER_LINE	16
#define MIN_LINES	256UL
#define MAX_LINES	((unsigned long)SZ_1M)
/* From so many refaults on a page waits. */
#define PATIENCE	2U
/* The longest wait: so many times doubled. */
#define MAX_DOUBLED	5U
/* Reclaim below this priority has looked at half of all; it begins with DEF_PRIORITY. */
#define DESPERATE	2

/**
 * struct came_back - a line of the table; nothing locks it, and what is torn is
 *	a wait too much or too few
 * @tag: of the page; 0 for nobody's
 * @clock: of its cgroup, when it came back
 * @nid: node it came from
 * @times: how often it came back
 */
struct came_back {
	u32 tag;
	u32 clock;
	u16 nid;
	u16 times;
};

atomic_long_t cram_placed;

/**
 * struct came_back_table - the lines
 * @bits: logarithm of how many there are
 * @lines: at the hash of the page
 */
struct came_back_table {
	unsigned int bits;
	struct came_back lines[];
};

/* Stays once it is there. */
static struct came_back_table *table;

/*
 * cram_thrash_init - for cram_register()
 * @cd: the device; span set
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
	/* Devices of other nodes may be registered meanwhile. */
	if (cmpxchg(&table, NULL, new))
		kvfree(new);
	return 0;
}

/* Context: process, may sleep. */
void cram_thrash_free(struct cram_device *cd)
{
	kvfree(cd->placed);
}

/* The folio's line, and its tag there.  NULL before there was a device. */
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

static void remember(const struct folio *folio, int nid, u32 clock)
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
 * cram_thrash_wait - how long does a page stay in ordinary memory?
 * @times: so often it came back
 * @memory: pages that its cgroup has in ordinary memory
 *
 * Context: any.
 * Return: pages of the cgroup that are placed meanwhile; 0 for no wait.
 */
unsigned long cram_thrash_wait(unsigned int times, unsigned long memory)
{
	if (times < PATIENCE)
		return 0;
	return memory << min(times - PATIENCE, MAX_DOUBLED);
}
EXPORT_SYMBOL_IF_KUNIT(cram_thrash_wait);

/*
 * cram_thrash_placed - a folio was placed on a device
 * @cd: the device
 * @folio: the folio there, charged
 *
 * Context: any.
 */
void cram_thrash_placed(struct cram_device *cd, struct folio *folio)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;
	unsigned long nr = folio_nr_pages(folio);
	u32 clock = cram_memcg_placed(folio, nr) ?: 1;

	/* Each, for it may be split. */
	while (nr--)
		WRITE_ONCE(cd->placed[i++], clock);
}

/* Once for each time that it is placed: the clock of @page is taken away, if so. */
static bool wanted_soon(struct cram_device *cd, struct page *page,
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

static bool came_back(struct cram_device *cd, struct page *page,
		      struct folio *old, struct folio *new)
{
	u32 clock;

	if (!wanted_soon(cd, page, old, &clock, true))
		return false;
	cram_count(cd, CRAM_REFAULTED, folio_nr_pages(new));
	cram_memcg_refaulted(old, folio_nr_pages(new));
	trace_cram_refaulted(cd->nid, page_to_pfn(page));
	remember(new, cd->nid, clock);
	folio_set_workingset(new);
	return true;
}

/*
 * cram_thrash_moves_up - a resident was found hot and is about to move up
 * @folio: held
 *
 * Context: any.
 */
void cram_thrash_moves_up(struct folio *folio)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (cd)
		came_back(cd, &folio->page, folio, folio);
}

/* See include/linux/cram_fence.h. */
void __cram_refaulted(struct folio *new, struct page *page)
{
	struct folio *old = page_folio(page);
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(old));
	if (cd && came_back(cd, page, old, new))
		folio_set_active(new);
}

/*
 * cram_stall_begin - a page is about to be copied for a write
 * @page: of a device, held
 *
 * When it is wanted back too soon, this is memory pressure.
 * Context: process.
 * Return: for cram_stall_end().
 */
unsigned long cram_stall_begin(struct page *page)
{
	struct cram_device *cd;
	unsigned long flags = 1;	/* stays so without PSI */
	bool soon;
	u32 clock;

	scoped_guard(rcu) {
		cd = cram_peek(page_to_nid(page));
		soon = cd && wanted_soon(cd, page, page_folio(page), &clock,
					 false);
	}
	if (soon)
		psi_memstall_enter(&flags);
	return flags;
}

/* It was copied; @stall is of cram_stall_begin().  Context: process. */
void cram_stall_end(unsigned long stall)
{
	/* Else none began, or one was under way before. */
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

/* See include/linux/cram_fence.h. */
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
