// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trims freed pages: a freed page goes back to the page allocator only after
 * the device has dropped its contents.
 *
 * Until then the page has no reference, is in no list of the page allocator,
 * and nothing is stored to it.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/private_node.h>
#include <linux/wait_bit.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* Ranges that the device did not trim are sent again after this time. */
#define RETRY		(HZ / 10)

/*
 * page->private of a freed block: its order, then how many of its pages were
 * taken and never settled, then how many were granted.
 */
#define ORDER_BITS	8
#define COUNT_BITS	(MAX_PAGE_ORDER + 1)
#define TAKEN_SHIFT	ORDER_BITS
#define GRANTED_SHIFT	(TAKEN_SHIFT + COUNT_BITS)

static_assert(GRANTED_SHIFT + COUNT_BITS <= BITS_PER_LONG);

/*
 * Ends the residence of pages that are freed.  Returns how many of them were
 * taken and never settled, because their placement failed.
 */
static unsigned long end_resident(struct cram_device *cd, unsigned long pfn,
				  unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, taken = 0;

	for (; nr--; i++)
		taken += !test_and_clear_bit(i, cd->resident);
	return taken;
}

/*
 * From its free to its trim, a block keeps three numbers in page->private of
 * its first page: its order, how many of its pages were taken and never
 * settled, and how many were granted.  Nobody else uses that field while the
 * block is on cd->freed or in a request.  Only the functions here access it,
 * and it is set to 0 before the block goes back to the page allocator.
 */
static void set_freed(struct page *page, unsigned int order,
		      unsigned long taken, unsigned long granted)
{
	set_page_private(page, order | taken << TAKEN_SHIFT |
			       granted << GRANTED_SHIFT);
}

static unsigned int freed_order(const struct page *page)
{
	return page_private(page) & GENMASK(ORDER_BITS - 1, 0);
}

static unsigned long freed_taken(const struct page *page)
{
	return page_private(page) >> TAKEN_SHIFT & GENMASK(COUNT_BITS - 1, 0);
}

static unsigned long freed_granted(const struct page *page)
{
	return page_private(page) >> GRANTED_SHIFT;
}

static void clear_freed(struct page *page)
{
	set_page_private(page, 0);
}

/* See mm/cram/fence.h. */
bool __cram_takes(struct page *page, unsigned int order)
{
	unsigned long taken, granted, pfn = page_to_pfn(page);
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(page_to_nid(page));
	if (!cd)
		return false;
	taken = end_resident(cd, pfn, 1UL << order);
	granted = cram_grant_ends(cd, pfn, 1UL << order);
	set_freed(page, order, taken, granted);
	atomic_long_add(1L << order, &cd->nr_freed);
	if (llist_add(&page->pcp_llist, &cd->freed))
		queue_delayed_work(cd->trim_wq, &cd->trim_work, 1);
	return true;
}

/*
 * See mm/cram/fence.h.  The page counts as resident from now on, so that it is
 * trimmed if it is unpoisoned and freed.
 */
void __cram_failed(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct cram_device *cd;
	bool taken;

	guard(rcu)();
	cd = cram_peek(page_to_nid(page));
	if (!cd)
		return;
	cram_write_back(pfn, 1);
	taken = !test_and_set_bit(pfn - cd->first_pfn, cd->resident);
	cram_settle_ended(cd, taken, cram_grant_ends(cd, pfn, 1));
}

/*
 * Writes back and settles a freed block that has unsettled or granted pages:
 * its lines may be in a CPU cache, and must not reach the device after the
 * trim.  Pages that were settled are written back already.
 */
static void settle_freed(struct cram_device *cd, struct page *page)
{
	unsigned long taken = freed_taken(page);
	unsigned long granted = freed_granted(page);
	unsigned int order = freed_order(page);

	if (!taken && !granted)
		return;
	cram_write_back(page_to_pfn(page), 1UL << order);
	cram_settle_ended(cd, taken, granted);
	/*
	 * The block is settled once, even if the device does not trim it now
	 * and it is sent again.
	 */
	set_freed(page, order, 0, 0);
}

static void take_range(struct cram_device *cd, unsigned int i, struct page *page)
{
	unsigned long nr = 1UL << freed_order(page);

	settle_freed(cd, page);
	cram_debug_freed(cd, page_to_pfn(page), nr);
	cd->pages[i] = page;
	cd->batch[i] = (struct cram_range){
		.pfn = page_to_pfn(page),
		.nr_pages = nr,
	};
}

/*
 * Frees a trimmed block to the page allocator.  Pages of it that failed since
 * are kept with a reference, and the others are freed one by one.  A failed
 * page counts as resident, so that it is trimmed again if it is unpoisoned and
 * freed.
 */
static void give_back_block(struct cram_device *cd, struct page *page,
			    unsigned int order)
{
	unsigned long i, nr = 1UL << order, broken = 0;

	for (i = 0; i < nr; i++)
		broken += PageHWPoison(page + i);
	if (!broken) {
		free_trimmed_pages(page, order);
		return;
	}
	for (i = 0; i < nr; i++) {
		if (!PageHWPoison(page + i)) {
			free_trimmed_pages(page + i, 0);
			continue;
		}
		set_bit(page_to_pfn(page + i) - cd->first_pfn, cd->resident);
		page_ref_inc(page + i);
	}
}

/*
 * Frees range @i, or queues it again.  Returns its pages if it was not trimmed.
 */
static unsigned long end_range(struct cram_device *cd, unsigned int i)
{
	struct page *page = cd->pages[i];
	unsigned int order = freed_order(page);

	if (!cd->batch[i].trimmed) {
		llist_add(&page->pcp_llist, &cd->freed);
		return 1UL << order;
	}
	clear_freed(page);
	give_back_block(cd, page, order);
	return 0;
}

/*
 * Sends the first @nr ranges of cd->batch to the device and waits for its
 * answer.
 */
static void request_trim(struct cram_device *cd, unsigned int nr)
{
	/*
	 * Lines written back by the callers reach the device before the
	 * request.
	 */
	wmb();
	reinit_completion(&cd->trim_done);
	cd->desc.ops->trim(cd, cd->batch, nr);
	wait_for_completion_state(&cd->trim_done, TASK_IDLE);
}

/* Trims cd->batch.  Returns how many pages the device did not trim. */
static unsigned long trim_batch(struct cram_device *cd, unsigned int nr)
{
	unsigned long all = 0, left = 0;
	unsigned int i;

	request_trim(cd, nr);
	for (i = 0; i < nr; i++) {
		all += cd->batch[i].nr_pages;
		left += end_range(cd, i);
	}
	atomic_long_sub(all - left, &cd->nr_freed);
	cram_count(cd, CRAM_TRIMMED, all - left);
	cram_count(cd, CRAM_TRIM_RETRIED, left);
	trace_cram_trimmed(cd->nid, nr, left);
	return left;
}

static void cram_trim_work(struct work_struct *work)
{
	struct cram_device *cd = container_of(to_delayed_work(work),
					      struct cram_device, trim_work);
	struct llist_node *todo = llist_del_all(&cd->freed);
	unsigned long left = 0;
	unsigned int nr = 0;
	struct page *page;

	while (todo) {
		page = llist_entry(todo, struct page, pcp_llist);
		todo = todo->next;
		take_range(cd, nr++, page);
		if (nr < CRAM_BATCH && todo)
			continue;
		left += trim_batch(cd, nr);
		nr = 0;
		cond_resched();
	}
	if (left)
		queue_delayed_work(cd->trim_wq, &cd->trim_work, RETRY);
	/* The trims may have made room that a reading shows. */
	cram_read_soon(cd);
	smp_mb__after_atomic(); /* pairs with set_current_state() of waiters */
	wake_up_var(&cd->nr_freed);
}

static void write_back_range(unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr;

	for (; pfn < end; pfn += CRAM_BATCH) {
		cram_write_back(pfn, min(end - pfn, CRAM_BATCH));
		cond_resched();
	}
}

/*
 * cram_clean - write back and trim what earlier users of the node left
 * @cd: the device; none of its pages is in use
 *
 * Their lines in CPU caches could otherwise reach the device later, as stores
 * that nobody reserved.  A call continues where the last one failed.
 *
 * Context: process, may sleep; before the first reading, in read_work alone.
 * Return: true when the device has trimmed all of the node.
 */
bool cram_clean(struct cram_device *cd)
{
	unsigned long end = cd->first_pfn + cd->nr_pages, next;

	for (; cd->clean_pfn < end; cd->clean_pfn = next) {
		next = min(SECTION_ALIGN_UP(cd->clean_pfn + 1), end);
		if (!pfn_to_online_page(cd->clean_pfn))
			continue;
		write_back_range(cd->clean_pfn, next - cd->clean_pfn);
		cd->batch[0] = (struct cram_range){
			.pfn = cd->clean_pfn,
			.nr_pages = next - cd->clean_pfn,
		};
		request_trim(cd, 1);
		if (!cd->batch[0].trimmed)
			return false;
	}
	return true;
}

/* Initializes the fields of this file.  Context: any. */
void cram_trim_init(struct cram_device *cd)
{
	init_llist_head(&cd->freed);
	init_completion(&cd->trim_done);
	INIT_DELAYED_WORK(&cd->trim_work, cram_trim_work);
}

/**
 * cram_trim_done - a request to trim has ended
 * @cd: the device
 *
 * Ranges without &cram_range.trimmed set are sent again later.
 *
 * Context: any but NMI.
 */
void cram_trim_done(struct cram_device *cd)
{
	complete(&cd->trim_done);
}
EXPORT_SYMBOL_GPL(cram_trim_done);

/*
 * cram_trim_all - wait until all freed pages are trimmed
 * @cd: the device; nobody takes pages of it
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY when the device has not trimmed them after CRAM_PATIENCE,
 * with a line in the kernel log.
 */
int cram_trim_all(struct cram_device *cd)
{
	if (wait_var_event_timeout(&cd->nr_freed,
				   !atomic_long_read(&cd->nr_freed),
				   CRAM_PATIENCE))
		return 0;
	pr_err("node %d: %s: the device has not trimmed %ld pages; try again when it has\n",
	       cd->nid, cd->pn->owner, atomic_long_read(&cd->nr_freed));
	return -EBUSY;
}
