// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of compressed RAM: registry, readings, admission.
 *
 * The steps of a placement:
 *
 *	reserve		cram_reserve()
 *	take		cram_leaves(), called next to the buddy: no page leaves
 *			without a reservation, and the allocator stores nothing
 *			to the page before (init_on_alloc)
 *	copy		cram_copy(), with non-temporal stores or a write-back
 *	settle		cram_stored()
 *	use		read in place; a write needs a grant (writable.c), or
 *			copies the page to ordinary memory
 *	free		cram_takes(): trim.c gives the page to the page
 *			allocator only after the device has trimmed it
 *
 * Locks: see Documentation/mm/private_nodes.rst.  The lock of the ledger is the
 * innermost; register_lock is never held while something is waited for.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/private_node.h>
#include <linux/range.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/swap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

#define CREATE_TRACE_POINTS
#include <trace/events/cram.h>

/* Time between readings if nothing asks for one earlier. */
#define READ_PERIOD	HZ
/*
 * The same while the device is short or broken, or its ledger admits nothing.
 */
#define READ_WRONG	(HZ / 10)
/* Least time between readings that are started for lack of credit. */
#define READ_AGAIN	max(HZ / 100, 1)
/* Least time from a reading to one that a capacity event starts. */
#define READ_EVENT	(HZ / 10)

/* How long cram_unregister() waits for pages that others are freeing. */
#define FREE_WAIT	(10 * HZ)

#define SERVICES	(BIT(PRIVATE_NODE_RECLAIM) | \
			 BIT(PRIVATE_NODE_DEMOTION) | \
			 BIT(PRIVATE_NODE_PROMOTION))

DEFINE_STATIC_KEY_FALSE(cram_key);
nodemask_t cram_nodes __read_mostly;
struct workqueue_struct *cram_wq;
/* The switches of /sys/kernel/mm/cram: */
/* Anonymous memory may be placed. */
bool cram_anon __read_mostly = true;
/* MADV_PAGEOUT places memory on a device first, if there is credit. */
bool cram_pageout __read_mostly = true;
/*
 * Idle residents are swapped out when a placement was refused for lack of
 * credit.
 */
bool cram_swap __read_mostly = true;

static struct cram_device __rcu *devices[MAX_NUMNODES];
static DEFINE_MUTEX(register_lock);
/*
 * Nodes that are being registered or unregistered; protected by @register_lock.
 * The bit excludes others while its setter waits for users of the node without
 * the lock.
 */
static nodemask_t changing;

/*
 * cram_peek - find the device of a node
 * @nid: node id
 *
 * Context: any, under rcu_read_lock().
 * Return: the device, or NULL.
 */
struct cram_device *cram_peek(int nid)
{
	return rcu_dereference(devices[nid]);
}

/*
 * Starts a reading at once, unless the device is going away.  Context: any but
 * NMI.
 */
void cram_read_soon(struct cram_device *cd)
{
	if (!READ_ONCE(cd->closing))
		mod_delayed_work(cram_wq, &cd->read_work, 0);
}

/*
 * Starts a reading if it can give credit: when stored pages are not covered
 * yet.
 */
static void read_if_useful(struct cram_device *cd)
{
	unsigned long next = READ_ONCE(cd->next_read);

	if (time_before(jiffies, next) || !cram_ledger_uncovered(&cd->ledger))
		return;
	WRITE_ONCE(cd->next_read, jiffies + READ_AGAIN);
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
static void request_room(struct cram_device *cd)
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

/* Leaves CRAM_BROKEN as it is: only cram_clear_broken() ends it. */
static void set_state(struct cram_device *cd, enum cram_state state)
{
	enum cram_state old = READ_ONCE(cd->state);

	do {
		if (old == state || old == CRAM_BROKEN)
			return;
	} while (!try_cmpxchg(&cd->state, &old, state));
	trace_cram_state(cd->nid, old, state);
}

/* Stops admission and makes residents leave, until cram_clear_broken(). */
static void set_broken(struct cram_device *cd, const char *why)
{
	if (READ_ONCE(cd->state) == CRAM_BROKEN)
		return;
	pr_err("node %d: %s: %s; nothing is admitted, residents leave\n", cd->nid,
	       cd->pn->owner, why);
	set_state(cd, CRAM_BROKEN);
}

/* May anonymous memory be placed?  Context: any. */
bool cram_may_anon(void)
{
	return READ_ONCE(cram_anon);
}

/*
 * cram_usable - is the state of a device good enough to store pages on it?
 * @cd: the device
 *
 * Does not ask the ledger.  A reading that hangs does not change the state, so
 * its age is checked here.
 *
 * Context: any.
 */
bool cram_usable(struct cram_device *cd)
{
	return READ_ONCE(cd->state) == CRAM_OK && !READ_ONCE(cd->closing) &&
	       !reading_late(cd);
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
 * cram_has_room - does a device have credit for at least one page?
 * @nid: its node
 *
 * Says no as well when neither anonymous memory nor page cache may be placed.
 * Any other no counts as the refusal of a page: reclaim that hears it offers the
 * device nothing.
 *
 * Context: any but NMI.
 */
bool cram_has_room(int nid)
{
	/* Without either, reclaim would look for folios in vain. */
	return (READ_ONCE(cram_anon) || READ_ONCE(cram_file)) &&
	       cram_may_take(nid, 1);
}

/*
 * cram_credit_pages - for how many more pages does a device have credit?
 * @nid: its node
 *
 * Context: any.
 * Return: pages; 0 when nothing or no anonymous memory is admitted.
 */
unsigned long cram_credit_pages(int nid)
{
	struct cram_device *cd;
	s64 credit;

	if (!READ_ONCE(cram_anon))
		return 0;
	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd || !cram_admits(cd))
		return 0;
	credit = cram_ledger_credit(&cd->ledger);
	return credit > 0 ? div_u64(credit, cd->ledger.worst) : 0;
}

/*
 * cram_may_take - does a device have credit for a placement?
 * @nid: node of the device
 * @nr: pages
 *
 * Reserves nothing.  Counts and traces a refusal, and starts a reading if that
 * can help.
 *
 * Context: any but NMI.
 */
bool cram_may_take(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd)
		return false;
	if (!cram_admits(cd)) {
		cram_count(cd, CRAM_REFUSED_STATE, nr);
		return false;
	}
	if (cram_ledger_credit(&cd->ledger) >= (s64)(cd->ledger.worst * nr) ||
	    cd->ledger.disabled)
		return true;
	cram_count(cd, CRAM_REFUSED_CREDIT, nr);
	trace_cram_refused(nid, nr);
	request_room(cd);
	return false;
}

/*
 * cram_reserve - reserve the worst case of a placement
 * @nid: node of the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: true when reserved.  Then has to follow: cram_unreserve() when no
 * page was taken; else cram_stored(), or cram_not_stored() before the page is
 * freed.
 */
bool cram_reserve(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd)
		return false;
	/* The ledger checks for an open capacity event itself. */
	if (cram_usable(cd) && cram_batch_reserve(cd, nr))
		return true;
	if (!cram_admits(cd)) {
		cram_count(cd, CRAM_REFUSED_STATE, nr);
		return false;
	}
	cram_count(cd, CRAM_REFUSED_CREDIT, nr);
	request_room(cd);
	return false;
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

/* See include/linux/cram_fence.h. */
bool __cram_leaves(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd || cram_batch_take(cd, nr))
		return true;
	cram_count(cd, CRAM_REFUSED_TOKEN, nr);
	return false;
}

/*
 * The device becomes broken when its books do not balance.  Context: any but
 * NMI.
 */
void cram_check_books(struct cram_device *cd, bool balance)
{
	if (balance)
		return;
	set_broken(cd, "its books do not balance");
	cram_read_soon(cd);
}

/* See include/linux/cram_fence.h. */
void __cram_stayed(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (cd)
		cram_check_books(cd, cram_batch_untake(cd, nr));
}

/* Ends a reservation of pages that were not taken.  Context: any but NMI. */
void cram_unreserve(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (cd)
		cram_check_books(cd, cram_batch_cancel(cd, nr));
}

/* Writes pages back from the CPU caches to the device.  Context: any. */
void cram_write_back(unsigned long pfn, unsigned long nr)
{
	arch_wb_cache_pmem(pfn_to_kaddr(pfn), nr << PAGE_SHIFT);
	/* The stores reach the device before the pages count as settled. */
	wmb();
}

/*
 * Returns false if a page was resident already.  Such a page has no
 * reservation, and settling it twice would use up that of another page.
 */
static bool mark_resident(struct cram_device *cd, struct folio *folio)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;
	unsigned long nr = folio_nr_pages(folio);
	bool fresh = true;

	for (; nr--; i++)
		fresh &= !test_and_set_bit(i, cd->resident);
	return fresh;
}

static struct cram_device *settle_folio(struct folio *folio)
{
	struct cram_device *cd = cram_peek(folio_nid(folio));
	unsigned long nr = folio_nr_pages(folio);
	bool balance;

	if (!cd)
		return NULL;
	if (cd->desc.ops->stored)
		cd->desc.ops->stored(cd, folio_pfn(folio), nr);
	balance = mark_resident(cd, folio);
	balance &= cram_batch_settle(cd, nr);
	cram_check_books(cd, balance);
	return cd;
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

static enum cram_stat admitted_as(const struct folio *folio)
{
	if (!folio->mapping)
		return CRAM_ADMITTED_ZSWAP;
	return folio_test_anon(folio) ? CRAM_ADMITTED : CRAM_ADMITTED_FILE;
}

/* See include/linux/cram_fence.h. */
void __cram_stored(struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio);
	struct cram_device *cd;

	scoped_guard(rcu)
		cd = settle_folio(folio);
	/* The device is not unregistered while one of its pages is in use. */
	if (!cd)
		return;
	cram_debug_stored(cd, folio_pfn(folio), nr);
	if (folio->mapping)
		cram_thrash_placed(cd, folio);
	cram_count(cd, admitted_as(folio), nr);
	trace_cram_admitted(cd->nid, folio_pfn(folio), nr);
	cram_read_if_low(cd);
}

/*
 * cram_not_stored - a folio that was taken is about to be freed unused
 * @folio: the folio; part of it may have been copied
 *
 * Its pages are settled when they are freed, see trim.c.
 *
 * Context: process.
 */
void cram_not_stored(struct folio *folio)
{
	struct cram_device *cd;

	cram_memcg_undo(folio);
	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return;
	cram_check_books(cd, cram_batch_not_stored(cd, folio_nr_pages(folio)));
	cram_count(cd, CRAM_FAILED, folio_nr_pages(folio));
}

/* See include/linux/cram_fence.h. */
bool __cram_may_reuse(struct vm_fault *vmf, struct folio *folio, bool reuse)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return reuse;
	if (reuse && cram_grant(cd, folio, vmf))
		return true;
	cram_count(cd, CRAM_COPIED_UP, 1);
	trace_cram_copied_up(cd->nid, folio_pfn(folio));
	return false;
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

/* Counts the poisoned pages, which stay out of use.  Walks the whole device. */
static unsigned long failed_pages(struct cram_device *cd)
{
	unsigned long pfn, end = cd->first_pfn + cd->nr_pages, nr = 0;
	struct page *page;

	for (pfn = cd->first_pfn; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		nr += page && PageHWPoison(page);
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
	}
	return nr;
}

/*
 * Checks a reading against the axioms, gives it to the ledger and sets the
 * state.
 */
static void judge_reading(struct cram_device *cd,
			  const struct cram_capacity *cap)
{
	u64 lost = cap->lost - min(cap->lost, cd->last.lost);
	bool over = cap->used > cap->total;

	cram_count(cd, CRAM_LOST, lost);
	if ((lost || over) && cd->state != CRAM_BROKEN) {
		pr_err("node %d: %s: %s (%llu pages lost, %llu of %llu bytes used); nothing is admitted, residents leave\n",
		       cd->nid, cd->pn->owner, lost ? "the device dropped what it was given" :
		       "the device stores more than it can", lost, cap->used,
		       cap->total);
		set_state(cd, CRAM_BROKEN);
	}
	WRITE_ONCE(cd->last.total, cap->total);
	WRITE_ONCE(cd->last.used, cap->used);
	WRITE_ONCE(cd->last.lost, cap->lost);
	cram_ledger_read_end(&cd->ledger, true,
			     over ? 0 : cap->total - cap->used);
	set_state(cd, cram_ledger_lack(&cd->ledger) ? CRAM_SHORT : CRAM_OK);
}

static void take_reading(struct cram_device *cd)
{
	struct cram_capacity cap = {};
	int ret;

	if (!cram_ledger_read_begin(&cd->ledger))
		set_broken(cd, "its books do not balance");
	WRITE_ONCE(cd->event_read, jiffies + READ_EVENT);
	WRITE_ONCE(cd->read_due, (jiffies +
		   msecs_to_jiffies(cd->desc.lag_ms + cd->desc.timeout_ms)) ?: 1);
	if (cd->desc.lag_ms)
		msleep(cd->desc.lag_ms);
	ret = cd->desc.ops->read_capacity(cd, &cap);
	cram_count(cd, CRAM_READINGS, 1);
	trace_cram_reading(cd->nid, ret, cap.total, cap.used, cap.lost,
			   cd->ledger.begins);
	if (ret) {
		cram_count(cd, CRAM_READINGS_FAILED, 1);
		if (cd->state == CRAM_OK || cd->state == CRAM_SHORT)
			pr_warn("node %d: %s: no reading (%d); nothing is admitted until there is one\n",
				cd->nid, cd->pn->owner, ret);
		cram_ledger_read_end(&cd->ledger, false, 0);
		set_state(cd, CRAM_SILENT);
	} else {
		judge_reading(cd, &cap);
	}
	WRITE_ONCE(cd->read_due, 0);
}

static bool is_short_or_broken(struct cram_device *cd)
{
	enum cram_state state = READ_ONCE(cd->state);

	return state == CRAM_SHORT || state == CRAM_BROKEN;
}

static void cram_read_work(struct work_struct *work)
{
	struct cram_device *cd = container_of(to_delayed_work(work),
					      struct cram_device, read_work);

	/*
	 * There is no reading, and so no credit, before all of the node is
	 * clean.
	 */
	if (cram_clean(cd))
		take_reading(cd);
	if (READ_ONCE(cd->closing))
		return;
	queue_work(cram_wq, &cd->tend_work);
	queue_delayed_work(cram_wq, &cd->read_work,
			   is_short_or_broken(cd) ||
			   !cram_ledger_open(&cd->ledger) ?
			   READ_WRONG : READ_PERIOD);
}

/* Work that may wait for memory: it must not delay the next reading. */
static void cram_tend_work(struct work_struct *work)
{
	struct cram_device *cd = container_of(work, struct cram_device,
					      tend_work);

	if (is_short_or_broken(cd)) {
		cram_evict(cd);
	} else {
		cram_promote_hot(cd);
		cram_make_room(cd);
	}
	cram_age_writable(cd);
	cram_debug_scan(cd);
}

static void stop_work(struct cram_device *cd)
{
	cancel_delayed_work_sync(&cd->read_work);
	cancel_work_sync(&cd->tend_work);
}

/**
 * cram_capacity_event - the device reports that it runs full
 * @cd: the device
 *
 * Nothing is admitted until a reading that began after the event has succeeded.
 * It begins at once, but no earlier than 100 ms after the last reading began.
 *
 * Context: any but NMI; may be called at any rate.
 */
void cram_capacity_event(struct cram_device *cd)
{
	unsigned long at = READ_ONCE(cd->event_read);

	cram_count(cd, CRAM_EVENTS, 1);
	if (!cram_ledger_event(&cd->ledger))
		return;
	trace_cram_event(cd->nid, READ_ONCE(cd->ledger.event));
	if (!READ_ONCE(cd->closing))
		mod_delayed_work(cram_wq, &cd->read_work,
				 time_after(at, jiffies) ? at - jiffies : 0);
}
EXPORT_SYMBOL_GPL(cram_capacity_event);

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

static int refuse_node(struct private_node *pn, const char *why)
{
	pr_err("node %d: %s: cannot be compressed RAM: %s\n", pn->nid,
	       pn->owner, why);
	return -EINVAL;
}

/*
 * Refuses a node with users or options that would store to its pages unasked.
 */
static int check_node(struct private_node *pn)
{
	unsigned long managed = private_node_managed_pages_nid(pn->nid);

	if (!node_state(pn->nid, N_MEMORY_PRIVATE))
		return refuse_node(pn, "it has no memory yet");
	if (!(pn->flags & PRIVATE_NODE_F_COMPRESSED))
		return refuse_node(pn,
				   "it was registered without PRIVATE_NODE_F_COMPRESSED");
	if (pn->capable & ~SERVICES ||
	    ~pn->capable & (SERVICES & ~BIT(PRIVATE_NODE_PROMOTION)))
		return refuse_node(pn,
				   "it has to be capable of reclaim and demotion, and of promotion if at all");
	if (!(pn->flags & PRIVATE_NODE_F_NO_DEVICE_MAP))
		return refuse_node(pn, "it has a device map");
	if (page_poisoning_enabled())
		return refuse_node(pn, "page_poison=1 writes to free pages");
	if (node_present_pages(pn->nid) != managed)
		return refuse_node(pn,
				   "part of it is not the page allocator's (a memmap, or boot memory)");
	return 0;
}

/*
 * Refuses a node with pages in use.  All gates are closed: no new user can
 * come.
 */
static int check_unused(struct private_node *pn)
{
	unsigned long managed = private_node_managed_pages_nid(pn->nid);

	lru_add_drain_all();
	private_node_drain(pn->nid);
	if (private_node_exact_free_pages_nid(pn->nid) != managed)
		return refuse_node(pn, "pages of it are in use");
	return 0;
}

static int check_desc(struct private_node *pn, const struct cram_desc *desc)
{
	if (!desc || !desc->ops || !desc->ops->read_capacity ||
	    !desc->ops->trim)
		return refuse_node(pn, "read_capacity and trim are needed");
	if (desc->worst_case < PAGE_SIZE || desc->worst_case > 2 * PAGE_SIZE)
		return refuse_node(pn,
				   "the worst case of a page is from one page to two");
	if (desc->lag_ms > CRAM_MAX_LAG_MS)
		return refuse_node(pn, "stores take longer than 10 s");
	return 0;
}

/*
 * Called when the last reference to its kobject is dropped.  Context: process.
 */
void cram_device_free(struct cram_device *cd)
{
	free_percpu(cd->stat);
	free_percpu(cd->late);
	kvfree(cd->resident);
	kvfree(cd->apart);
	cram_thrash_free(cd);
	cram_writable_free(cd);
	cram_debug_free(cd);
	private_node_put(cd->pn);
	kvfree(cd);
}

static struct cram_device *cram_device_new(struct private_node *pn,
					   const struct cram_desc *desc)
{
	struct cram_device *cd = kvzalloc_obj(*cd);

	if (!cd)
		return NULL;
	cram_sysfs_init_device(cd);
	cd->pn = private_node_get(pn);
	cd->nid = pn->nid;
	cd->desc = *desc;
	if (!cd->desc.timeout_ms)
		cd->desc.timeout_ms = CRAM_TIMEOUT_MS;
	cd->state = CRAM_SILENT;
	cd->next_read = jiffies;
	cd->event_read = jiffies;
	cd->first_pfn = NODE_DATA(pn->nid)->node_start_pfn;
	cd->nr_pages = NODE_DATA(pn->nid)->node_spanned_pages;
	cd->clean_pfn = cd->first_pfn;
	INIT_DELAYED_WORK(&cd->read_work, cram_read_work);
	INIT_WORK(&cd->tend_work, cram_tend_work);
	cram_trim_init(cd);
	cd->resident = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
				GFP_KERNEL);
	cd->apart = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			     GFP_KERNEL);
	cd->stat = __alloc_percpu(sizeof(long) * CRAM_NR_STATS, sizeof(long));
	cd->late = alloc_percpu(struct cram_late);
	if (cd->late)
		cram_ledger_init(&cd->ledger, desc->worst_case, desc->margin,
				 cd->late);
	if (!cd->late || !cd->stat || !cd->resident || !cd->apart || cram_thrash_init(cd) ||
	    cram_writable_init(cd) || cram_debug_init(cd)) {
		kobject_put(&cd->kobj);
		return NULL;
	}
	return cd;
}

/*
 * While pn->fenced is set, memory of the node is neither added nor taken away.
 */
static int set_fenced(struct private_node *pn, bool fenced)
{
	guard(mutex)(&pn->lock);
	/* It is being unplugged or unregistered. */
	if (fenced && pn->state != PRIVATE_NODE_LIVE)
		return -EBUSY;
	WRITE_ONCE(pn->fenced, fenced);
	return 0;
}

/*
 * Has the node's memory changed since cram_device_new() read its span?  From
 * now on it cannot change, since the node is fenced.
 */
static int check_span(struct cram_device *cd)
{
	struct pglist_data *pgdat = NODE_DATA(cd->nid);
	bool same;

	get_online_mems();
	same = pgdat->node_start_pfn == cd->first_pfn &&
	       pgdat->node_spanned_pages == cd->nr_pages;
	put_online_mems();
	return same ? 0 : refuse_node(cd->pn, "its memory is being changed");
}

static int fence_unused(struct cram_device *cd)
{
	int ret = set_fenced(cd->pn, true);

	if (ret)
		return ret;
	ret = check_span(cd) ?: check_unused(cd->pn);
	if (ret)
		set_fenced(cd->pn, false);
	return ret;
}

/*
 * Publishes the device, so that pages of the node are fenced.  Waits for the
 * end of a hibernation, which has already passed its check of
 * cram_no_hibernation(): also for an open /dev/snapshot that makes or restores
 * an image.
 */
static int fence_up(struct cram_device *cd)
{
	int ret = fence_unused(cd);
	unsigned int flags;

	if (ret)
		return ret;
	flags = lock_system_sleep();
	rcu_assign_pointer(devices[cd->nid], cd);
	node_set(cd->nid, cram_nodes);
	static_branch_enable(&cram_key);
	unlock_system_sleep(flags);
	return 0;
}

/* The opposite of fence_up(), when no page is in use or waits for its trim. */
static void fence_down(struct cram_device *cd)
{
	RCU_INIT_POINTER(devices[cd->nid], NULL);
	node_clear(cd->nid, cram_nodes);
	synchronize_rcu();
	cram_debug_unprotect(cd);
	set_fenced(cd->pn, false);
}

static bool begin_change(int nid)
{
	guard(mutex)(&register_lock);
	return !cram_node(nid) && !node_test_and_set(nid, changing);
}

static void end_change(int nid)
{
	guard(mutex)(&register_lock);
	node_clear(nid, changing);
}

static int bring_up_device(struct cram_device *cd)
{
	struct private_node *pn = cd->pn;
	int ret;

	ret = fence_up(cd);
	if (ret)
		return ret;
	ret = cram_debug_protect(cd) ?: cram_sysfs_add(cd);
	if (ret)
		fence_down(cd);
	else
		private_node_set_ledger(pn, true);
	return ret;
}

static struct cram_device *do_register(struct private_node *pn,
				       const struct cram_desc *desc)
{
	struct cram_device *cd;
	int ret;

	ret = check_desc(pn, desc) ?: check_node(pn);
	if (ret)
		return ERR_PTR(ret);
	cd = cram_device_new(pn, desc);
	if (!cd)
		return ERR_PTR(-ENOMEM);
	ret = bring_up_device(cd);
	if (ret) {
		kobject_put(&cd->kobj);
		return ERR_PTR(ret);
	}
	queue_delayed_work(cram_wq, &cd->read_work, 0);
	pr_info("node %d: %s: compressed RAM, %lu MiB shown\n", pn->nid,
		pn->owner, private_node_managed_pages_nid(pn->nid) >>
		(20 - PAGE_SHIFT));
	return cd;
}

/**
 * cram_register - register a compressing device
 * @pn: handle of its node.  The node was registered with
 *	PRIVATE_NODE_F_COMPRESSED and PRIVATE_NODE_F_NO_DEVICE_MAP and is
 *	capable of reclaim and demotion, and perhaps promotion, but nothing
 *	else.  All its memory is online, none is in use, and no memmap lies on
 *	it.
 * @desc: description of the device; copied
 *
 * Opens the services of the node that are enabled.  Reclaim begins to place
 * memory there after the device has trimmed all of the node and the first
 * reading has succeeded.  While the device is registered nobody else gets pages
 * of the node, and the node's memory cannot be unplugged.
 *
 * Context: process, may sleep; waits while the system hibernates.
 * Return: the device, to be given back by cram_unregister(); or ERR_PTR:
 * -EINVAL when the node or the description does not fit, with the reason in the
 * kernel log; -EBUSY when the node is compressed RAM already or is being
 * unplugged; -ENOMEM; or an errno of sysfs.
 */
struct cram_device *cram_register(struct private_node *pn,
				  const struct cram_desc *desc)
{
	struct cram_device *cd;

	if (!begin_change(pn->nid)) {
		pr_err("node %d: %s: is compressed RAM already\n", pn->nid,
		       pn->owner);
		return ERR_PTR(-EBUSY);
	}
	/* Without register_lock: this may wait for users of the node. */
	cd = do_register(pn, desc);
	end_change(pn->nid);
	return cd;
}
EXPORT_SYMBOL_GPL(cram_register);

static unsigned long pages_in_use(struct cram_device *cd)
{
	unsigned long all;

	private_node_drain(cd->nid);
	all = cram_resident(cd);
	return all ? all - min(all, failed_pages(cd)) : 0;
}

/*
 * Waits until no page is in use.  A page that is being freed right now is on no
 * LRU list, so evacuation cannot see it; and the free has to be over before the
 * fence goes down, because its uncharge and its trim depend on the fence.
 */
static int wait_for_frees(struct cram_device *cd)
{
	unsigned long until = jiffies + FREE_WAIT, left;

	while ((left = pages_in_use(cd))) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, until)) {
			pr_err("node %d: %s: %lu pages are still being freed; try again\n",
			       cd->nid, cd->pn->owner, left);
			return -EBUSY;
		}
		msleep(20);
	}
	return 0;
}

static int empty_device(struct cram_device *cd)
{
	struct pglist_data *pgdat = NODE_DATA(cd->nid);
	struct range all = {
		.start = PFN_PHYS(pgdat->node_start_pfn),
		.end = PFN_PHYS(pgdat_end_pfn(pgdat)) - 1,
	};
	int ret;

	get_online_mems();
	ret = private_node_evacuate(cd->pn, &all, 1);
	put_online_mems();
	return ret ?: wait_for_frees(cd) ?: cram_trim_all(cd);
}

/**
 * cram_unregister - unregister a compressing device
 * @cd: the device
 *
 * Moves all residents to ordinary memory first.  Afterwards the node is a
 * private node with no page in use and all gates closed.  The services that are
 * enabled stay enabled.
 *
 * Context: process, may sleep; waits for the end of a reading and of all trims.
 * Return: 0, and @cd must not be used any more.  -EBUSY when a resident could not be moved or
 * the device does not trim, with a line in the kernel log, or when it is being
 * unregistered already; -EINTR when a fatal signal is pending.  After an error
 * the device goes on as before.
 */
int cram_unregister(struct cram_device *cd)
{
	int ret;

	/* No lock while the device is waited for: it may never answer. */
	scoped_guard(mutex, &register_lock) {
		if (cd->closing)
			return -EBUSY;
		WRITE_ONCE(cd->closing, true);
	}
	private_node_set_ledger(cd->pn, false);
	stop_work(cd);
	ret = empty_device(cd);
	if (ret) {
		private_node_set_ledger(cd->pn, true);
		/*
		 * Under the lock, so that the next caller also finds the work
		 * to stop.
		 */
		guard(mutex)(&register_lock);
		WRITE_ONCE(cd->closing, false);
		queue_delayed_work(cram_wq, &cd->read_work, 0);
		return ret;
	}
	cram_sysfs_remove(cd);
	scoped_guard(mutex, &register_lock)
		node_set(cd->nid, changing);
	fence_down(cd);
	end_change(cd->nid);
	/*
	 * Pages that were freed until the fence went down may have queued work.
	 */
	flush_delayed_work(&cd->trim_work);
	cancel_delayed_work_sync(&cd->trim_work);
	stop_work(cd);
	pr_info("node %d: %s: no longer compressed RAM\n", cd->nid,
		cd->pn->owner);
	kobject_put(&cd->kobj);
	return 0;
}
EXPORT_SYMBOL_GPL(cram_unregister);

/*
 * Refuses hibernation again: hibernation_available() was asked before
 * system_transition_mutex was taken, and a device may have been registered
 * since.
 */
static int hibernate_notify(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	if (action != PM_HIBERNATION_PREPARE && action != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;
	if (!cram_no_hibernation())
		return NOTIFY_DONE;
	pr_err("node %*pbl: compressed RAM: no hibernation while it is registered\n",
	       nodemask_pr_args(&cram_nodes));
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block hibernate_nb = {
	.notifier_call = hibernate_notify,
};

static int __init cram_init(void)
{
	/*
	 * WQ_MEM_RECLAIM: reclaim depends on readings and trims for its credit.
	 */
	cram_wq = alloc_workqueue("cram", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!cram_wq)
		return -ENOMEM;
	return register_pm_notifier(&hibernate_nb);
}
core_initcall(cram_init);
