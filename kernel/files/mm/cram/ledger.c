// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger of a compressing device.
 *
 * Two axioms about the device:
 *
 *   A1  a reading never understates use: it shows at least what all stores
 *       take that were settled before it began
 *   A2  use never grows without a store, and by no more than the worst case
 *       for each page stored
 *
 * One rule here: a page is stored only after its worst case was reserved.
 *
 *   credit = free (last good reading) - margin
 *            - worst case * (pending + covering + settled)
 *
 * Why the device is never over-filled: take any moment, and the last good
 * reading R before it.  Use then is at most what R showed (A1), plus the worst
 * case of each page whose store R does not show (A2).  Such a page was not
 * settled when R began, so that it is pending, settled or covering, or was one
 * of them and left them only by being settled before a later reading, of which
 * there is none that was good.  So use <= total - free(R) + worst * (pending +
 * covering + settled), and a reservation is given only while that leaves room
 * for one more worst case.  Trims only lower use.
 *
 * Nothing in this depends on when a reading comes, or on whether it does.
 */
#include <linux/export.h>
#include <linux/bug.h>
#include <kunit/visibility.h>

#include "ledger.h"

/**
 * cram_ledger_init - make an empty ledger
 * @l: the ledger
 * @worst: bytes that a page may need
 * @margin: bytes that are never given out
 *
 * Gives no credit until the first good reading.
 */
void cram_ledger_init(struct cram_ledger *l, u64 worst, u64 margin)
{
	*l = (struct cram_ledger){ .worst = worst, .margin = margin };
	spin_lock_init(&l->lock);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_init);

static s64 credit(const struct cram_ledger *l)
{
	if (!l->valid)
		return 0;
	return (s64)l->free - (s64)l->margin -
	       (s64)(l->worst * (l->pending + l->covering + l->settled));
}

/**
 * cram_ledger_credit - bytes that may still be reserved
 * @l: the ledger
 *
 * Context: any.
 * Return: bytes; may be negative, see cram_ledger_short().
 */
s64 cram_ledger_credit(struct cram_ledger *l)
{
	guard(spinlock_irqsave)(&l->lock);
	return credit(l);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_credit);

/**
 * cram_ledger_short - did the last reading show less room than is promised?
 * @l: the ledger
 *
 * Pages that are settled need no more room than they have.  The credit counts
 * those twice that were settled while the reading was taken, and may be
 * negative for that alone.
 *
 * Context: any.
 * Return: true when the margin and what may still be stored do not fit.
 */
bool cram_ledger_short(struct cram_ledger *l)
{
	guard(spinlock_irqsave)(&l->lock);
	return l->valid && l->free < l->margin + l->worst * l->pending;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_short);

/**
 * cram_ledger_uncovered - could a reading that begins now give credit?
 * @l: the ledger
 *
 * Context: any.
 * Return: are there pages that are stored and that none shows yet?
 */
bool cram_ledger_uncovered(struct cram_ledger *l)
{
	guard(spinlock_irqsave)(&l->lock);
	return l->settled || (l->covering && !l->reading);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_uncovered);

/**
 * cram_ledger_reserve - pay for pages before they are stored
 * @l: the ledger
 * @nr: pages
 *
 * Context: any.
 * Return: true when paid; one cram_ledger_settle() or cram_ledger_cancel()
 * has to follow.
 */
bool cram_ledger_reserve(struct cram_ledger *l, unsigned long nr)
{
	guard(spinlock_irqsave)(&l->lock);
	if (!l->disabled && credit(l) < (s64)(l->worst * nr))
		return false;
	l->pending += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_reserve);

static void end_pending(struct cram_ledger *l, unsigned long nr)
{
	/* The books are wrong: what is owed stays owed. */
	if (WARN_ON_ONCE(l->pending < nr))
		nr = l->pending;
	l->pending -= nr;
}

/**
 * cram_ledger_settle - pages are stored: nothing of them is in a cache
 * @l: the ledger
 * @nr: pages that were reserved
 *
 * Context: any.
 */
void cram_ledger_settle(struct cram_ledger *l, unsigned long nr)
{
	guard(spinlock_irqsave)(&l->lock);
	end_pending(l, nr);
	l->settled += nr;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_settle);

/**
 * cram_ledger_cancel - pages were not stored, not even in part
 * @l: the ledger
 * @nr: pages that were reserved
 *
 * Context: any.
 */
void cram_ledger_cancel(struct cram_ledger *l, unsigned long nr)
{
	guard(spinlock_irqsave)(&l->lock);
	end_pending(l, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_cancel);

/**
 * cram_ledger_read_begin - a reading begins now
 * @l: the ledger
 *
 * Context: any; one reading at a time.
 */
void cram_ledger_read_begin(struct cram_ledger *l)
{
	guard(spinlock_irqsave)(&l->lock);
	WARN_ON_ONCE(l->reading);
	l->reading = true;
	l->covering += l->settled;
	l->settled = 0;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_read_begin);

/**
 * cram_ledger_read_end - a reading came back, or did not
 * @l: the ledger
 * @good: did it?
 * @free: bytes free
 *
 * Context: any.
 */
void cram_ledger_read_end(struct cram_ledger *l, bool good, u64 free)
{
	guard(spinlock_irqsave)(&l->lock);
	l->reading = false;
	if (!good)
		return;
	l->covering = 0;
	l->free = free;
	l->valid = true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_read_end);
