/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compressed RAM: private memory nodes whose device stores less than it shows.
 *
 * A driver registers its node here.  Reclaim then places cold memory on it, and
 * the ledger keeps the device from ever being asked to store more than it can.
 *
 * See Documentation/mm/cram.rst.
 */
#ifndef _LINUX_CRAM_H
#define _LINUX_CRAM_H

#include <linux/types.h>

struct cram_device;
struct private_node;

/**
 * struct cram_capacity - one reading of a device
 * @total: bytes that it can store
 * @used: bytes that it stores; may be overstated, never understated
 * @lost: pages that it had to drop since it was registered
 */
struct cram_capacity {
	u64 total;
	u64 used;
	u64 lost;
};

/**
 * struct cram_range - pages that nobody needs any more
 * @pfn: first page frame
 * @nr_pages: how many
 * @trimmed: set by the device when it stores nothing for them any more
 */
struct cram_range {
	unsigned long pfn;
	unsigned long nr_pages;
	bool trimmed;
};

/**
 * struct cram_ops - what a device can do
 * @read_capacity: fill in a reading that shows every store which was settled
 *	&cram_desc.lag_ms before the call; 0, or an errno when it could not.  May
 *	sleep, and takes as long as it takes; one call at a time.
 * @trim: forget the contents of some ranges.  May return before it is done;
 *	cram_trim_done() ends it, also when only some of the ranges, or none,
 *	have &cram_range.trimmed set.  The array stays until then.  May sleep;
 *	one call at a time.
 * @hot_pages: fill in page frames that are read often, as the device sees it,
 *	no more than asked for; how many there are.  May sleep, maybe while a
 *	reading is under way; one call at a time; optional.
 * @is_lost: has one of these pages been dropped?  A page that was stays where it
 *	is, and is poisoned, when residents leave: nobody reads it to find out.
 *	Optional: without it, a copy runs into the poison.  Does not sleep.
 * @stored: contents of pages have left the caches for the device, and do not
 *	change from here on; optional.  Does not sleep.
 * @writable: a page that was stored can change at any time, until it is stored
 *	again or trimmed; optional.  Does not sleep.
 *
 * No lock of mm/ is held in those that may sleep, and in @is_lost; @stored runs
 * with a folio locked, @writable with a page table.
 */
struct cram_ops {
	int (*read_capacity)(struct cram_device *cd,
			     struct cram_capacity *cap);
	void (*trim)(struct cram_device *cd, struct cram_range *ranges,
		     unsigned int nr);
	unsigned int (*hot_pages)(struct cram_device *cd, unsigned long *pfns,
				  unsigned int max);
	bool (*is_lost)(struct cram_device *cd, unsigned long pfn,
			unsigned long nr_pages);
	void (*stored)(struct cram_device *cd, unsigned long pfn,
		       unsigned long nr_pages);
	void (*writable)(struct cram_device *cd, unsigned long pfn);
};

/**
 * struct cram_desc - what a driver says about its device
 * @ops: those that are not optional are needed; stay until cram_unregister() returned
 * @worst_case: bytes that the device needs for a page that does not compress,
 *	with rounding and metadata; at least PAGE_SIZE
 * @margin: bytes that are never given out
 * @lag_ms: how long a store may take until a reading shows it; up to
 *	CRAM_MAX_LAG_MS
 * @timeout_ms: a reading that takes longer means that the device is lost; 0
 *	for CRAM_TIMEOUT_MS
 * @drvdata: for cram_drvdata()
 */
struct cram_desc {
	const struct cram_ops *ops;
	unsigned int worst_case;
	u64 margin;
	unsigned int lag_ms;
	unsigned int timeout_ms;
	void *drvdata;
};

#define CRAM_MAX_LAG_MS		10000
#define CRAM_TIMEOUT_MS		2000

struct cram_device *cram_register(struct private_node *pn,
				  const struct cram_desc *desc);
int cram_unregister(struct cram_device *cd);
void *cram_drvdata(const struct cram_device *cd);
void cram_capacity_event(struct cram_device *cd);
void cram_trim_done(struct cram_device *cd);

#endif /* _LINUX_CRAM_H */
