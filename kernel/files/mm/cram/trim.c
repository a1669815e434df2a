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
#include <linux/libnvdimm.h>
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

/* In a freed page's private word, above its order: pages that were written to. */
#define WRITTEN_SHIFT	8

/* See include/linux/cram_fence.h. */
bool __cram_takes(struct page *page, unsigned int order)
{
	struct cram_device *cd;
	unsigned long written;

	guard(rcu)();
	cd = cram_peek(page_to_nid(page));
	if (!cd)
		return false;
	written = cram_grant_ends(cd, page_to_pfn(page), 1UL << order);
	set_page_private(page, order | written << WRITTEN_SHIFT);
	atomic_long_add(1L << order, &cd->nr_freed);
	if (llist_add(&page->pcp_llist, &cd->freed))
		queue_delayed_work(cram_wq, &cd->trim_work, 1);
	return true;
}

static unsigned int order_of(const struct page *page)
{
	return page_private(page) & (BIT(WRITTEN_SHIFT) - 1);
}

/*
 * What lies in a cache may not reach the device after the trim, and is paid for
 * until it has.  What was only stored has been written back then.
 */
static void settle_written(struct cram_device *cd, struct page *page)
{
	unsigned long written = page_private(page) >> WRITTEN_SHIFT;
	unsigned int order = order_of(page);

	if (!written)
		return;
	arch_wb_cache_pmem(page_address(page), PAGE_SIZE << order);
	/* The stores are with the device before they count as settled. */
	wmb();
	cram_ledger_settle(&cd->ledger, written);
	/* Once, should the device not trim it now. */
	set_page_private(page, order);
}

static void take_range(struct cram_device *cd, unsigned int i, struct page *page)
{
	unsigned long nr = 1UL << order_of(page);

	settle_written(cd, page);
	cram_debug_freed(cd, page_to_pfn(page), nr);
	cd->pages[i] = page;
	cd->batch[i] = (struct cram_range){
		.pfn = page_to_pfn(page),
		.nr_pages = nr,
	};
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
	free_trimmed_pages(page, order);
	return 0;
}

/* One request.  Returns pages that have to be asked for again. */
static unsigned long trim_batch(struct cram_device *cd, unsigned int nr)
{
	unsigned long all = 0, left = 0;
	unsigned int i;

	/* The caches are written back before the device is asked. */
	wmb();
	reinit_completion(&cd->trim_done);
	cd->desc.ops->trim(cd, cd->batch, nr);
	wait_for_completion_state(&cd->trim_done, TASK_IDLE);
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
	wake_up_var(&cd->nr_freed);
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
