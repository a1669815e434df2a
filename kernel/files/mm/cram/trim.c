// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that were freed: the device forgets them, and then the page allocator
 * gets them back.
 *
 * In between they are nobody's: no reference, not in the buddy, and no store
 * goes to them.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/private_node.h>
#include <linux/wait_bit.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/private_node.h"
#include "cram.h"

/* A device that did not trim is asked again after this. */
#define RETRY		(HZ / 10)
/* How long cram_unregister() waits for one that does not. */
#define PATIENCE	(30 * HZ)

/* In a freed page's private word: its order, and how many of its pages are not settled. */
#define ORDER_BITS	8
#define COUNT_BITS	(MAX_PAGE_ORDER + 1)
#define TAKEN_SHIFT	ORDER_BITS
#define GRANTED_SHIFT	(TAKEN_SHIFT + COUNT_BITS)

static_assert(GRANTED_SHIFT + COUNT_BITS <= BITS_PER_LONG);

/* Pages that were taken and never settled: nobody used them after all. */
static unsigned long end_resident(struct cram_device *cd, unsigned long pfn,
				  unsigned long nr)
{
	unsigned long i = pfn - cd->first_pfn, taken = 0;

	for (; nr--; i++)
		taken += !test_and_clear_bit(i, cd->resident);
	return taken;
}

/* See include/linux/cram_fence.h. */
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
	set_page_private(page, order | taken << TAKEN_SHIFT |
			       granted << GRANTED_SHIFT);
	atomic_long_add(1L << order, &cd->nr_freed);
	if (llist_add(&page->pcp_llist, &cd->freed))
		queue_delayed_work(cram_wq, &cd->trim_work, 1);
	return true;
}

/* See include/linux/cram_fence.h. */
void __cram_failed(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(page_to_nid(page));
	if (!cd)
		return;
	cram_write_back(pfn, 1);
	cram_settle_ended(cd, end_resident(cd, pfn, 1),
			  cram_grant_ends(cd, pfn, 1));
}

static unsigned int order_of(const struct page *page)
{
	return page_private(page) & GENMASK(ORDER_BITS - 1, 0);
}

/*
 * What lies in a cache may not reach the device after the trim, and is paid for
 * until it has.  What was settled has been written back.
 */
static void settle_freed(struct cram_device *cd, struct page *page)
{
	unsigned long taken = page_private(page) >> TAKEN_SHIFT &
			      GENMASK(COUNT_BITS - 1, 0);
	unsigned long granted = page_private(page) >> GRANTED_SHIFT;
	unsigned int order = order_of(page);

	if (!taken && !granted)
		return;
	cram_write_back(page_to_pfn(page), 1UL << order);
	cram_settle_ended(cd, taken, granted);
	/* Once, should the device not trim it now. */
	set_page_private(page, order);
}

static void take_range(struct cram_device *cd, unsigned int i, struct page *page)
{
	unsigned long nr = 1UL << order_of(page);

	settle_freed(cd, page);
	cram_debug_freed(cd, page_to_pfn(page), nr);
	cd->pages[i] = page;
	cd->batch[i] = (struct cram_range){
		.pfn = page_to_pfn(page),
		.nr_pages = nr,
	};
}

/*
 * What failed since it was freed is handed out to nobody; the rest of it in pages.
 * It counts as a resident, should somebody find that it has not failed.
 */
static void give_back(struct cram_device *cd, struct page *page,
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

/* Returns pages that were not trimmed. */
static unsigned long end_range(struct cram_device *cd, unsigned int i)
{
	struct page *page = cd->pages[i];
	unsigned int order = order_of(page);

	if (!cd->batch[i].trimmed) {
		llist_add(&page->pcp_llist, &cd->freed);
		return 1UL << order;
	}
	set_page_private(page, 0);
	give_back(cd, page, order);
	return 0;
}

/* The device is asked, and has answered. */
static void request(struct cram_device *cd, unsigned int nr)
{
	/* The caches are written back before the device is asked. */
	wmb();
	reinit_completion(&cd->trim_done);
	cd->desc.ops->trim(cd, cd->batch, nr);
	wait_for_completion_state(&cd->trim_done, TASK_IDLE);
}

/* One request.  Returns pages that have to be asked for again. */
static unsigned long trim_batch(struct cram_device *cd, unsigned int nr)
{
	unsigned long all = 0, left = 0;
	unsigned int i;

	request(cd, nr);
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

static void trim_work(struct work_struct *work)
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
		queue_delayed_work(cram_wq, &cd->trim_work, RETRY);
	/* There may be room now. */
	cram_read_soon(cd);
	smp_mb__after_atomic(); /* pairs with set_current_state() of who waits */
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
 * cram_clean - the device forgets what earlier users of the node left
 * @cd: the device; none of its pages is in use
 *
 * What they left in caches is written back first: it would reach the device
 * later, and nobody has paid for it.  Goes on where it ended before.
 *
 * Context: process, may sleep; before the first reading.
 * Return: true when the device has trimmed all.
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
		request(cd, 1);
		if (!cd->batch[0].trimmed)
			return false;
	}
	return true;
}

/* For cram_register(). */
void cram_trim_init(struct cram_device *cd)
{
	init_llist_head(&cd->freed);
	init_completion(&cd->trim_done);
	INIT_DELAYED_WORK(&cd->trim_work, trim_work);
}

/**
 * cram_trim_done - a request to trim has ended
 * @cd: the device
 *
 * Ranges without &cram_range.trimmed come again later.
 * Context: any but NMI.
 */
void cram_trim_done(struct cram_device *cd)
{
	complete(&cd->trim_done);
}
EXPORT_SYMBOL_GPL(cram_trim_done);

/*
 * cram_trim_all - wait until no freed page is left
 * @cd: the device; nobody takes pages of it
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY, with a line in the kernel log.
 */
int cram_trim_all(struct cram_device *cd)
{
	if (wait_var_event_timeout(&cd->nr_freed,
				   !atomic_long_read(&cd->nr_freed), PATIENCE))
		return 0;
	pr_err("node %d: %s: the device has not trimmed %ld pages; try again when it has\n",
	       cd->nid, cd->pn->owner, atomic_long_read(&cd->nr_freed));
	return -EBUSY;
}
