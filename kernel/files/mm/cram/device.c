// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of compressed RAM: look-up, state, and when a reading is due.  This is
 * the ground floor, below which is only the ledger.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/bitmap.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* Least time between readings that are started for lack of credit. */
#define READ_AGAIN	max(HZ / 100, 1)

DEFINE_STATIC_KEY_FALSE(cram_key);
nodemask_t cram_nodes __read_mostly;

/* By node id; written by core.c. */
struct cram_device __rcu *cram_devices[MAX_NUMNODES];

/*
 * cram_peek - find the device of a node
 * @nid: node id
 *
 * Context: any, under rcu_read_lock().
 * Return: the device, or NULL.
 */
struct cram_device *cram_peek(int nid)
{
	return rcu_dereference(cram_devices[nid]);
}

/*
 * Starts a reading at once, unless the device is going away.  Context: any but
 * NMI.
 */
void cram_read_soon(struct cram_device *cd)
{
	if (!READ_ONCE(cd->closing))
		mod_delayed_work(cd->read_wq, &cd->read_work, 0);
}

/*
 * Starts a reading if it can give credit: when stored pages are not covered
 * yet.  Whatever the answer, the ledger is not asked again before READ_AGAIN
 * has passed: it takes its lock and reads a cache line of each CPU.
 */
static void read_if_useful(struct cram_device *cd)
{
	if (time_before(jiffies, READ_ONCE(cd->next_read)))
		return;
	WRITE_ONCE(cd->next_read, jiffies + READ_AGAIN);
	if (cram_ledger_uncovered(&cd->ledger))
		cram_read_soon(cd);
}

/*
 * Starts a reading before the credit runs out: when it is below the worst case
 * of CRAM_BATCH pages.  Context: any but NMI.
 */
void cram_read_if_low(struct cram_device *cd)
{
	if (cram_ledger_credit(&cd->ledger) < (s64)cd->ledger.worst * CRAM_BATCH)
		read_if_useful(cd);
}

/*
 * A placement was refused for lack of credit: cram_make_room() will make room.
 */
void cram_request_room(struct cram_device *cd)
{
	if (!READ_ONCE(cd->wanted))
		WRITE_ONCE(cd->wanted, true);
	read_if_useful(cd);
}

static bool reading_late(struct cram_device *cd)
{
	unsigned long due = READ_ONCE(cd->read_due);

	return due && time_after(jiffies, due);
}

/*
 * cram_state_now - state of a device, with one whose reading is late as silent
 * @cd: the device
 *
 * A reading that hangs does not change &cram_device.state.
 *
 * Context: any.
 * Return: the state that an administrator is shown.
 */
enum cram_state cram_state_now(struct cram_device *cd)
{
	enum cram_state state = READ_ONCE(cd->state);

	return state != CRAM_BROKEN && reading_late(cd) ? CRAM_SILENT : state;
}

/* Leaves CRAM_BROKEN as it is: only cram_clear_broken() ends it. */
void cram_set_state(struct cram_device *cd, enum cram_state state)
{
	enum cram_state old = READ_ONCE(cd->state);

	do {
		if (old == state || old == CRAM_BROKEN)
			return;
	} while (!try_cmpxchg(&cd->state, &old, state));
	trace_cram_state(cd->nid, old, state);
}

/* Stops admission and makes residents leave, until cram_clear_broken(). */
void cram_set_broken(struct cram_device *cd, const char *why)
{
	if (READ_ONCE(cd->state) == CRAM_BROKEN)
		return;
	pr_err("node %d: %s: %s; nothing is admitted, residents leave\n", cd->nid,
	       cd->pn->owner, why);
	cram_set_state(cd, CRAM_BROKEN);
}

/*
 * cram_usable - is the state of a device good enough to store pages on it?
 * @cd: the device
 *
 * Does not ask the ledger.
 *
 * Context: any.
 */
bool cram_usable(struct cram_device *cd)
{
	return cram_state_now(cd) == CRAM_OK && !READ_ONCE(cd->closing);
}

/*
 * cram_admits - does a device admit pages, as long as there is credit?
 * @cd: the device
 *
 * False from a capacity event until the end of a reading that began after it.
 *
 * Context: any.
 */
bool cram_admits(struct cram_device *cd)
{
	return cram_usable(cd) && cram_ledger_open(&cd->ledger);
}

/*
 * The device becomes broken when its books do not balance.  Context: any but
 * NMI.
 */
void cram_check_books(struct cram_device *cd, bool balance)
{
	if (balance)
		return;
	cram_set_broken(cd, "its books do not balance");
	cram_read_soon(cd);
}

/* Writes pages back from the CPU caches to the device.  Context: any. */
void cram_write_back(unsigned long pfn, unsigned long nr)
{
	arch_wb_cache_pmem(pfn_to_kaddr(pfn), nr << PAGE_SHIFT);
	/* The stores reach the device before the pages count as settled. */
	wmb();
}

/*
 * cram_settle_ended - settle pages that are freed or failed, and were written
 *	back
 * @cd: the device
 * @taken: pages that were taken and never settled
 * @granted: pages that were granted
 *
 * Context: any but NMI.
 */
void cram_settle_ended(struct cram_device *cd, unsigned long taken,
		       unsigned long granted)
{
	bool balance = true;

	if (taken)
		balance &= cram_ledger_settle(&cd->ledger, taken);
	if (granted)
		balance &= cram_ledger_settle_granted(&cd->ledger, granted);
	cram_check_books(cd, balance);
}

/*
 * Counts pages that were copied up: page cache for a writer or a pin, or pages
 * next to one that was written to.  Context: any.
 */
void cram_copied_up(const struct folio *folio, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return;
	cram_count(cd, CRAM_COPIED_UP, nr);
	trace_cram_copied_up(cd->nid, folio_pfn(folio));
}

/* Counts page cache that was dropped for a writer or a pin.  Context: any. */
void cram_dropped_count(const struct folio *folio)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (cd)
		cram_count(cd, CRAM_DROPPED, folio_nr_pages(folio));
}

/*
 * cram_resident - how many pages of a device are in use?
 * @cd: the device
 *
 * From counters of the page allocator that are not exact.
 *
 * Context: any.
 */
unsigned long cram_resident(struct cram_device *cd)
{
	unsigned long all = private_node_managed_pages_nid(cd->nid);
	unsigned long idle = private_node_free_snapshot_nid(cd->nid) +
			     atomic_long_read(&cd->nr_freed);

	return all > idle ? all - idle : 0;
}

/*
 * cram_next_resident - walk the folios of a device that are in use
 * @cd: the device
 * @i: index of the page where to begin; result: of the page after the folio
 *
 * Goes by the bitmap of residents, so that free memory costs next to nothing.
 *
 * Context: process, may sleep.
 * Return: the folio, with a reference; NULL when there is none up to the end.
 */
struct folio *cram_next_resident(struct cram_device *cd, unsigned long *i)
{
	struct folio *folio;

	for (;; ++*i) {
		cond_resched();
		*i = find_next_bit(cd->resident, cd->nr_pages, *i);
		if (*i >= cd->nr_pages)
			return NULL;
		folio = pfn_folio(cd->first_pfn + *i);
		if (!folio_try_get(folio))
			continue;
		/* It may have been freed, or split, before it was held. */
		if (folio == pfn_folio(cd->first_pfn + *i))
			break;
		folio_put(folio);
	}
	*i = folio_pfn(folio) + folio_nr_pages(folio) - cd->first_pfn;
	return folio;
}

/**
 * cram_drvdata - get the driver's data of a device
 * @cd: the device
 *
 * Context: any.
 * Return: &cram_desc.drvdata.
 */
void *cram_drvdata(const struct cram_device *cd)
{
	return cd->desc.drvdata;
}
EXPORT_SYMBOL_GPL(cram_drvdata);

/*
 * cram_clear_broken - an administrator declares a broken device to be good
 *	again
 * @cd: the device
 *
 * It is silent until the next good reading.
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL when it is not broken.
 */
int cram_clear_broken(struct cram_device *cd)
{
	if (cmpxchg(&cd->state, CRAM_BROKEN, CRAM_SILENT) != CRAM_BROKEN)
		return -EINVAL;
	trace_cram_state(cd->nid, CRAM_BROKEN, CRAM_SILENT);
	cram_ledger_mend(&cd->ledger);
	cram_read_soon(cd);
	return 0;
}

/*
 * cram_stores - may pages that were reserved and taken still be copied?
 * @nid: node of the device
 *
 * False after a capacity event.  Copies that are under way at that time are
 * finished; see CRAM_IN_FLIGHT.
 *
 * Context: any.
 */
bool cram_stores(int nid)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	return !cd || cram_ledger_open(&cd->ledger);
}
