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
 *   promised = reserved + pending + granted + covering + settled
 *   credit   = free (last good reading) - margin - worst case * promised
 *
 * Why the device is never over-filled: take any moment, and the last good
 * reading R before it.  Use then is at most what R showed (A1), plus the worst
 * case of each page whose store R does not show (A2).  Such a page was not
 * settled when R began, so that it is pending, granted, settled or covering, or
 * was one of them and left them only by being settled before a later reading, of
 * which there is none that was good.  So use <= total - free(R) + worst *
 * promised, and a reservation is given only while that leaves room for one more
 * worst case.  Trims only lower use.
 *
 * Nothing in this depends on when a reading comes, or on whether it does.
 *
 * A page that a batch has stored counts as reserved until the ledger hears of it, that
 * is as promised.  It hears of all that were stored when a reading begins, before that
 * asks the device.
 *
 * docs/model/cram.pml of the project is the same protocol for a model checker.
 */
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "ledger.h"

/**
 * cram_ledger_init - make an empty ledger
 * @l: the ledger
 * @worst: bytes that a page may need
 * @margin: bytes that are never given out
 * @late: for cram_ledger_store()
 *
 * Gives no credit until the first good reading.
 */
void cram_ledger_init(struct cram_ledger *l, u64 worst, u64 margin,
		      struct cram_late __percpu *late)
{
	struct cram_late *one;
	int cpu;

	*l = (struct cram_ledger){
		.late = late,
		.worst = worst,
		.margin = margin,
	};
	for_each_possible_cpu(cpu) {
		one = per_cpu_ptr(late, cpu);
		*one = (struct cram_late){};
	}
	spin_lock_init(&l->lock);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_init);

static s64 credit(const struct cram_ledger *l)
{
	if (!l->valid)
		return 0;
	return (s64)l->free - (s64)l->margin -
	       (s64)(l->worst * (l->reserved + l->pending + l->granted +
				 l->covering + l->settled));
}

static bool open(const struct cram_ledger *l)
{
	return l->valid && !l->broken && l->began == l->event;
}

/* For who only looks, and does not take the lock. */
static void publish(struct cram_ledger *l)
{
	WRITE_ONCE(l->now_credit, credit(l));
	WRITE_ONCE(l->now_open, open(l));
}

DEFINE_LOCK_GUARD_1(ledger, struct cram_ledger,
		    spin_lock_irqsave(&_T->lock->lock, _T->flags),
		    ({ publish(_T->lock);
		       spin_unlock_irqrestore(&_T->lock->lock, _T->flags); }),
		    unsigned long flags)

/* What is owed stays owed, and nothing is admitted any more. */
static bool end(struct cram_ledger *l, u64 *count, unsigned long nr)
{
	if (*count < nr) {
		l->broken = true;
		return false;
	}
	*count -= nr;
	return true;
}

/* Pages that a processor has stored, see cram_ledger_store(). */
static bool hear(struct cram_ledger *l, int cpu)
{
	struct cram_late *late = per_cpu_ptr(l->late, cpu);
	unsigned long stored = READ_ONCE(late->stored);
	unsigned long nr = stored - late->told;

	late->told = stored;
	l->settled += nr;
	return end(l, &l->reserved, nr);
}

static void hear_all(struct cram_ledger *l)
{
	int cpu;

	for_each_possible_cpu(cpu)
		hear(l, cpu);
}

/* May the device be asked to store so many pages more, at worst? */
static bool admits(const struct cram_ledger *l, unsigned long nr)
{
	return l->disabled || (open(l) && credit(l) >= (s64)(l->worst * nr));
}

/**
 * cram_ledger_open - is anything admitted, as far as there is credit?
 * @l: the ledger
 *
 * Without the lock, as cram_ledger_credit(): a look.
 * Context: any.
 * Return: false from a capacity event until a reading that began after it is
 * good, before the first good reading, and once the books did not balance.
 */
bool cram_ledger_open(struct cram_ledger *l)
{
	return READ_ONCE(l->disabled) || READ_ONCE(l->now_open);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_open);

/**
 * cram_ledger_credit - bytes that may still be reserved
 * @l: the ledger
 *
 * Context: any.
 * Return: bytes; may be negative, see cram_ledger_lack().
 */
s64 cram_ledger_credit(struct cram_ledger *l)
{
	return READ_ONCE(l->now_credit);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_credit);

/**
 * cram_ledger_lack - how much less room did the last reading show than there has to be?
 * @l: the ledger
 *
 * That is the margin.  What was under way then the reading may have shown already, as
 * much or as little of it as had arrived: to ask for room for it would count it twice,
 * and find a good device short.  What was reserved later there was credit for.
 *
 * Context: any.
 * Return: bytes; 0 when the margin is there, and before the first good reading.
 */
u64 cram_ledger_lack(struct cram_ledger *l)
{
	guard(ledger)(l);
	return l->valid && l->margin > l->free ? l->margin - l->free : 0;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_lack);

/**
 * cram_ledger_uncovered - could a reading that begins now give credit?
 * @l: the ledger
 *
 * Context: any.
 * Return: are there pages that are stored and that none shows yet?
 */
bool cram_ledger_uncovered(struct cram_ledger *l)
{
	guard(ledger)(l);
	hear_all(l);
	return l->settled || (l->covering && !l->reading);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_uncovered);

static bool in_flight_fit(const struct cram_ledger *l, unsigned long nr)
{
	return l->reserved + l->pending + nr <= CRAM_IN_FLIGHT || l->disabled;
}

/**
 * cram_ledger_reserve - pay for pages before they are taken
 * @l: the ledger
 * @nr: pages
 *
 * No more than %CRAM_IN_FLIGHT are under way at once.
 * Context: any.
 * Return: true when paid; one cram_ledger_take() or cram_ledger_cancel() has to
 * follow.
 */
bool cram_ledger_reserve(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!admits(l, nr))
		return false;
	if (!in_flight_fit(l, nr)) {
		hear_all(l);
		if (!in_flight_fit(l, nr))
			return false;
	}
	l->reserved += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_reserve);

/**
 * cram_ledger_take - pages are about to leave the page allocator
 * @l: the ledger
 * @nr: pages
 *
 * Context: any.
 * Return: true when somebody has reserved as many; one cram_ledger_settle(), or
 * cram_ledger_untake() when there was no such page, has to follow.
 */
bool cram_ledger_take(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	/* Who takes without is refused; the books are in order. */
	if (l->reserved < nr)
		return false;
	l->reserved -= nr;
	l->pending += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_take);

/**
 * cram_ledger_untake - pages did not leave the page allocator after all
 * @l: the ledger
 * @nr: pages that were taken, and not stored to
 *
 * Context: any.
 * Return: false when the books do not balance.
 */
bool cram_ledger_untake(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!end(l, &l->pending, nr))
		return false;
	l->reserved += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_untake);

/**
 * cram_ledger_grant - pages may be written to where they are
 * @l: the ledger
 * @nr: pages
 *
 * Context: any.
 * Return: true when their worst case is paid; one cram_ledger_settle_granted() has
 * to follow.
 */
bool cram_ledger_grant(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!admits(l, nr))
		return false;
	l->granted += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_grant);

/**
 * cram_ledger_settle - pages are stored: nothing of them is in a cache
 * @l: the ledger
 * @nr: pages that were taken
 *
 * Context: any.
 * Return: false when the books do not balance; nothing is admitted then.
 */
bool cram_ledger_settle(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	l->settled += nr;
	return end(l, &l->pending, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_settle);

/**
 * cram_ledger_store - pages are taken and stored, in one step
 * @l: the ledger
 * @nr: pages that were reserved; cram_ledger_take() was not told
 *
 * Takes no lock.  The ledger hears of it when it has to know, or is told by
 * cram_ledger_batch() on the same processor; until then they count as reserved.
 * Context: any; what was stored is written back, and with the device.
 */
void cram_ledger_store(struct cram_ledger *l, unsigned long nr)
{
	this_cpu_add(l->late->stored, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_store);

/**
 * cram_ledger_batch - a batch has nothing more to store
 * @l: the ledger
 * @taken: pages that were reserved and taken, and not stored; cram_ledger_settle() or
 *	cram_ledger_untake() follows
 * @unused: pages that were reserved and not taken
 *
 * What this processor has stored is heard of as well.
 * Context: any; the task does not leave the processor.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_batch(struct cram_ledger *l, unsigned long taken,
		       unsigned long unused)
{
	bool balance;

	guard(ledger)(l);
	balance = hear(l, raw_smp_processor_id());
	balance &= end(l, &l->reserved, taken + unused);
	l->pending += taken;
	return balance;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_batch);

/**
 * cram_ledger_settle_granted - pages are no longer written to, and written back
 * @l: the ledger
 * @nr: pages that were granted
 *
 * Context: any.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_settle_granted(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	l->settled += nr;
	return end(l, &l->granted, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_settle_granted);

/**
 * cram_ledger_cancel - pages were not even taken
 * @l: the ledger
 * @nr: pages that were reserved
 *
 * Context: any.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_cancel(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	return end(l, &l->reserved, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_cancel);

/**
 * cram_ledger_event - the device says that it runs full
 * @l: the ledger
 *
 * Context: any.
 * Return: true for the first one since a reading began: somebody has to take
 * another.
 */
bool cram_ledger_event(struct cram_ledger *l)
{
	guard(ledger)(l);
	l->event++;
	return l->event == l->begins + 1;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_event);

/**
 * cram_ledger_mend - somebody has looked at books that did not balance
 * @l: the ledger
 *
 * Context: any.
 */
void cram_ledger_mend(struct cram_ledger *l)
{
	guard(ledger)(l);
	l->broken = false;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_mend);

/**
 * cram_ledger_read_begin - a reading begins now
 * @l: the ledger
 *
 * Context: any; one reading at a time.
 * Return: false when the books have not balanced, now or before.
 */
bool cram_ledger_read_begin(struct cram_ledger *l)
{
	guard(ledger)(l);
	WARN_ON_ONCE(l->reading);
	hear_all(l);
	/* What is settled now is with the device before it is asked. */
	smp_mb();
	l->reading = true;
	l->begins = l->event;
	l->covering += l->settled;
	l->settled = 0;
	return !l->broken;
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
	guard(ledger)(l);
	l->reading = false;
	if (!good)
		return;
	l->began = l->begins;
	l->covering = 0;
	l->free = free;
	l->valid = true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_read_end);
