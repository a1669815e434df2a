// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readings of a device's capacity, and the work that follows each of them.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* Time between readings if nothing asks for one earlier. */
#define READ_PERIOD	HZ
/*
 * The same while the device is short or broken, or its ledger admits nothing.
 */
#define READ_WRONG	(HZ / 10)
/* Least time from a reading to one that a capacity event starts. */
#define READ_EVENT	(HZ / 10)

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
		cram_set_state(cd, CRAM_BROKEN);
	}
	WRITE_ONCE(cd->last.total, cap->total);
	WRITE_ONCE(cd->last.used, cap->used);
	WRITE_ONCE(cd->last.lost, cap->lost);
	cram_ledger_read_end(&cd->ledger, true,
			     over ? 0 : cap->total - cap->used);
	cram_set_state(cd, cram_ledger_lack(&cd->ledger) ? CRAM_SHORT : CRAM_OK);
}

static void take_reading(struct cram_device *cd)
{
	struct cram_capacity cap = {};
	int ret;

	if (!cram_ledger_read_begin(&cd->ledger))
		cram_set_broken(cd, "its books do not balance");
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
		cram_set_state(cd, CRAM_SILENT);
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
	queue_work(system_dfl_long_wq, &cd->tend_work);
	queue_delayed_work(cd->read_wq, &cd->read_work,
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

/* Sets up the work of a new device. */
void cram_reading_init(struct cram_device *cd)
{
	INIT_DELAYED_WORK(&cd->read_work, cram_read_work);
	INIT_WORK(&cd->tend_work, cram_tend_work);
}

/*
 * cram_reading_stop - end readings and what follows them
 * @cd: the device, which is closing
 *
 * A reading, the first trim or a question for hot pages that is under way has
 * to return first, which depends on the device.
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY when the device did not answer for CRAM_PATIENCE, with a
 * line in the kernel log; -EINTR when a fatal signal is pending.
 * cram_reading_start() has to follow if the device stays, whatever the result.
 */
int cram_reading_stop(struct cram_device *cd)
{
	unsigned long until = jiffies + CRAM_PATIENCE;

	disable_delayed_work(&cd->read_work);
	disable_work(&cd->tend_work);
	while (work_busy(&cd->read_work.work) || work_busy(&cd->tend_work)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, until)) {
			pr_err("node %d: %s: the device does not answer; try again when it does\n",
			       cd->nid, cd->pn->owner);
			return -EBUSY;
		}
		msleep(20);
	}
	/* work_busy() is only a hint. */
	cancel_delayed_work_sync(&cd->read_work);
	cancel_work_sync(&cd->tend_work);
	return 0;
}

/* Undoes cram_reading_stop(), and takes a reading.  Context: any but NMI. */
void cram_reading_start(struct cram_device *cd)
{
	enable_work(&cd->tend_work);
	enable_delayed_work(&cd->read_work);
	queue_delayed_work(cd->read_wq, &cd->read_work, 0);
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
		mod_delayed_work(cd->read_wq, &cd->read_work,
				 time_after(at, jiffies) ? at - jiffies : 0);
}
EXPORT_SYMBOL_GPL(cram_capacity_event);
