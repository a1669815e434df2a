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

#include <linux/jump_label.h>
#include <linux/nodemask.h>
#include <linux/types.h>

struct cram_device;
struct page;
struct pipe_buffer;
struct private_node;

/**
 * struct cram_capacity - result of one reading of a device
 * @total: physical bytes of the device
 * @used: physical bytes in use; may be overstated, but never understated
 * @lost: pages that the device has dropped since it was registered
 */
struct cram_capacity {
	u64 total;
	u64 used;
	u64 lost;
};

/**
 * struct cram_range - free pages that the device has to trim
 * @pfn: first page frame
 * @nr_pages: number of pages
 * @trimmed: set by the driver when the device has dropped the contents of all
 *	of them
 */
struct cram_range {
	unsigned long pfn;
	unsigned long nr_pages;
	bool trimmed;
};

/**
 * struct cram_ops - callbacks of a driver
 * @read_capacity: fill in a reading.  It has to show every store that was
 *	settled &cram_desc.lag_ms before the call.  Returns 0 or an errno.  May
 *	sleep, but see &cram_desc.timeout_ms.  One call at a time.
 * @trim: drop the contents of some ranges.  May return before that is done.
 *	The driver calls cram_trim_done() at the end, also when it has set
 *	&cram_range.trimmed for only some of the ranges or for none.  The array
 *	is valid until then.  May sleep.  One call at a time.
 * @hot_pages: fill in the page frames that the device finds to be read often,
 *	at most @max.  Returns how many.  May sleep.  One call at a time,
 *	perhaps while a reading is under way.  Optional.
 * @is_lost: has the device dropped one of these pages?  Residents with a lost
 *	page are not moved, so that memory failure finds the poison where it is.
 *	Does not sleep.  Optional: without it a copy of a lost page meets the
 *	poison.
 * @stored: these pages have been stored and written back from the CPU caches,
 *	and do not change until @writable or a trim.  Does not sleep.  Optional.
 * @writable: this page may change at any time, until @stored or a trim.  Does
 *	not sleep.  Optional.
 *
 * Callbacks that may sleep, and @is_lost, are called without locks of mm/,
 * except that a folio may be locked around @is_lost.  @stored is called with
 * the folio locked, and @writable under the page table lock.
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
 * struct cram_desc - a driver's description of its device
 * @ops: callbacks; have to stay valid until cram_unregister() has succeeded
 * @worst_case: bytes that the device needs for a page that does not compress,
 *	with rounding and metadata; from PAGE_SIZE to 2 * PAGE_SIZE
 * @margin: physical bytes that are kept free
 * @lag_ms: milliseconds that a store may take until a reading shows it; at most
 *	CRAM_MAX_LAG_MS
 * @timeout_ms: milliseconds that a reading may take; while one takes longer
 *	nothing is admitted.  0 for CRAM_TIMEOUT_MS.
 * @drvdata: data of the driver, see cram_drvdata()
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

/* Hooks outside of mm/; those of mm/ are in mm/cram/fence.h. */

#ifdef CONFIG_CRAM

DECLARE_STATIC_KEY_FALSE(cram_key);
extern nodemask_t cram_nodes;

bool __cram_pipe_page(struct pipe_buffer *buf);
void __cram_held_pages(struct page **pages, unsigned int nr);

/**
 * cram_any - was a compressing device ever registered?
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true from the first registration on; the branch is never switched off
 * again.
 */
static __always_inline bool cram_any(void)
{
	return static_branch_unlikely(&cram_key);
}

/**
 * cram_no_hibernation - is a compressing device registered?
 *
 * Restoring an image would store to pages of the device without a reservation.
 *
 * Context: any; the answer is stable only while system_transition_mutex is
 * held.  A notifier in mm/cram/core.c asks again under that mutex.
 * Return: true if so: hibernation has to be refused.
 */
static inline bool cram_no_hibernation(void)
{
	return cram_any() && !nodes_empty(cram_nodes);
}

/**
 * cram_node - is this the node of a compressing device?
 * @nid: node id
 *
 * Cost: a static branch, not taken until there is a device; then a bit test.
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool cram_node(int nid)
{
	return static_branch_unlikely(&cram_key) &&
	       node_isset(nid, cram_nodes);
}

/**
 * cram_pipe_page - replace a page of a device by a copy before vmsplice() uses
 *	it
 * @buf: buffer with a page of user memory and a reference to it.  Without
 *	memory for a copy the reference is dropped and the page is NULL.
 *
 * Cost: a static branch; with a device, a call for each page.
 * Context: process, may sleep.
 * Return: false when there is no memory for a copy.
 */
static __always_inline bool cram_pipe_page(struct pipe_buffer *buf)
{
	return !cram_any() || __cram_pipe_page(buf);
}

/**
 * cram_held_pages - replace pages of devices by copies before they are held
 * @pages: pages of user memory that is only read, each with a reference that
 *	may be kept for long, and which the copy takes over
 * @nr: number of pages
 *
 * For who takes references in place of pins: MSG_ZEROCOPY, network filesystems.
 * Else a peer that does not read could hold a device for ever.  Without memory
 * for a copy the page stays.
 *
 * Cost: a static branch; with a device, a call for each list of pages.
 * Context: process, may sleep.
 */
static __always_inline void cram_held_pages(struct page **pages,
					    unsigned int nr)
{
	if (cram_any())
		__cram_held_pages(pages, nr);
}

#else

#define cram_nodes NODE_MASK_NONE

static inline bool cram_any(void)
{
	return false;
}

static inline bool cram_no_hibernation(void)
{
	return false;
}

static inline bool cram_node(int nid)
{
	return false;
}

#define cram_pipe_page(buf)			true

static inline void cram_held_pages(struct page **pages, unsigned int nr)
{
}

#endif

#endif /* _LINUX_CRAM_H */
