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
 * One rule: a page is stored only after its worst case was reserved.
 *
 *   promised = reserved + pending + granted + covering + settled
 *   credit   = free (last good reading) - margin - worst case * promised
 *
 * Why the device is never over-filled: take any moment, and the last good
 * reading R before it.  Use at that moment is at most what R showed (A1), plus
 * the worst case of each page whose store R does not have to show (A2).  Such a
 * page was not settled when R began, so it is counted in reserved, pending,
 * granted, settled or covering.  A page leaves these counts only when a good
 * reading comes back that began after the page was settled, and no good reading
 * came after R.  So use <= total - free(R) + worst * promised.  A reservation
 * is given only while that leaves room for one more worst case.  Trims only
 * lower use.
 *
 * The argument holds whenever a reading comes, and also if none comes at all.
 *
 * A page that a batch (batch.c) has stored counts as reserved, and so as
 * promised, until the ledger reads the counters of its CPU.  That happens at
 * the latest when a reading begins, before the device is asked.
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
 * @worst: bytes that a page which does not compress takes on the device
 * @margin: bytes that are never given out
 * @late: counters of each CPU for cram_ledger_store(); they stay the caller's
 *
 * There is no credit until the first good reading.
 *
 * Context: any; nobody else uses the ledger yet.
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

static s64 compute_credit(const struct cram_ledger *l)
{
	if (!l->valid)
		return 0;
	return (s64)l->free - (s64)l->margin -
	       (s64)(l->worst * (l->reserved + l->pending + l->granted +
				 l->covering + l->settled));
}

static bool ledger_is_open(const struct cram_ledger *l)
{
	return l->valid && !l->broken && l->began == l->event;
}

/* For readers without the lock: the end of each locked section calls it. */
static void publish_credit(struct cram_ledger *l)
{
	WRITE_ONCE(l->now_credit, compute_credit(l));
	WRITE_ONCE(l->now_open, ledger_is_open(l));
}

DEFINE_LOCK_GUARD_1(ledger, struct cram_ledger,
		    spin_lock_irqsave(&_T->lock->lock, _T->flags),
		    ({ publish_credit(_T->lock);
		       spin_unlock_irqrestore(&_T->lock->lock, _T->flags); }),
		    unsigned long flags)

/*
 * Takes @nr pages off a count.  If the count is lower the books do not balance:
 * the count stays, so that no credit comes back, and nothing is admitted from
 * then on.
 */
static bool uncount_pages(struct cram_ledger *l, u64 *count, unsigned long nr)
{
	if (*count < nr) {
		l->broken = true;
		return false;
	}
	*count -= nr;
	return true;
}

/*
 * Settles what a CPU has stored since the last call, see cram_ledger_store().
 */
static bool settle_stored(struct cram_ledger *l, int cpu)
{
	struct cram_late *late = per_cpu_ptr(l->late, cpu);
	unsigned long stored = READ_ONCE(late->stored);
	unsigned long nr = stored - late->told;

	late->told = stored;
	l->settled += nr;
	return uncount_pages(l, &l->reserved, nr);
}

static void settle_all_stored(struct cram_ledger *l)
{
	int cpu;

	for_each_possible_cpu(cpu)
		settle_stored(l, cpu);
}

/* Is there room for @nr more pages, if none of them compresses? */
static bool ledger_admits(const struct cram_ledger *l, unsigned long nr)
{
	return l->disabled || (ledger_is_open(l) &&
			       compute_credit(l) >= (s64)(l->worst * nr));
}

/**
 * cram_ledger_open - is anything admitted, as far as there is credit?
 * @l: the ledger
 *
 * Takes no lock, so the answer may be outdated when the caller has it.
 *
 * Context: any.
 * Return: false before the first good reading, from a capacity event until the
 * end of a good reading that began after it, and while the books do not
 * balance.
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
 * Takes no lock, so the answer may be outdated when the caller has it.
 *
 * Context: any.
 * Return: bytes; negative when a reading showed less free than was promised.
 */
s64 cram_ledger_credit(struct cram_ledger *l)
{
	return READ_ONCE(l->now_credit);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_credit);

/**
 * cram_ledger_lack - how much of the margin did the last reading not find free?
 * @l: the ledger
 *
 * The free bytes are compared with the margin alone.  A reading may already
 * show stores that were under way when it began.  To ask for room for these
 * pages too would count them twice, and call a good device short.
 *
 * Context: any but NMI.
 * Return: bytes; 0 when the margin is free, and before the first good reading.
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
 * Context: any but NMI.
 * Return: true when pages are settled that neither a good reading nor the one
 * under way covers.
 */
bool cram_ledger_uncovered(struct cram_ledger *l)
{
	guard(ledger)(l);
	settle_all_stored(l);
	return l->settled || (l->covering && !l->reading);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_uncovered);

static bool in_flight_fit(const struct cram_ledger *l, unsigned long nr)
{
	return l->reserved + l->pending + nr <= CRAM_IN_FLIGHT || l->disabled;
}

/**
 * cram_ledger_reserve - reserve the worst case of pages before they are taken
 * @l: the ledger
 * @nr: pages
 *
 * Refuses as well when more than %CRAM_IN_FLIGHT pages would be reserved and
 * not settled.
 *
 * Context: any but NMI.
 * Return: true when reserved.  Then for each page cram_ledger_take(),
 * cram_ledger_cancel(), cram_ledger_store() or cram_ledger_batch() has to
 * follow.
 */
bool cram_ledger_reserve(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!ledger_admits(l, nr))
		return false;
	if (!in_flight_fit(l, nr)) {
		settle_all_stored(l);
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
 * Context: any but NMI.
 * Return: true when that many pages are reserved.  Then cram_ledger_settle()
 * has to follow, or cram_ledger_untake() when the allocator had no such page.
 */
bool cram_ledger_take(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	/*
	 * Taking pages without a reservation is refused.  Nothing was counted,
	 * so the books still balance.
	 */
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
 * They are reserved again.
 *
 * Context: any but NMI.
 * Return: false when the books do not balance.
 */
bool cram_ledger_untake(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!uncount_pages(l, &l->pending, nr))
		return false;
	l->reserved += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_untake);

/**
 * cram_ledger_grant - reserve the worst case of pages that will be written in
 *	place
 * @l: the ledger
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: true when reserved; cram_ledger_settle_granted() has to follow.
 */
bool cram_ledger_grant(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	if (!ledger_admits(l, nr))
		return false;
	l->granted += nr;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_grant);

/**
 * cram_ledger_settle - pages are stored on the device, and in no CPU cache
 * @l: the ledger
 * @nr: pages that were taken
 *
 * Context: any but NMI.
 * Return: false when the books do not balance; nothing is admitted then.
 */
bool cram_ledger_settle(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	l->settled += nr;
	return uncount_pages(l, &l->pending, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_settle);

/**
 * cram_ledger_store - count pages as taken and settled in one step
 * @l: the ledger
 * @nr: pages that were reserved, and for which cram_ledger_take() was not
 *	called
 *
 * Counts them on this CPU without the lock.  They count as reserved until
 * cram_ledger_batch() on this CPU, or until the ledger reads the counters of
 * all CPUs, as when a reading begins.
 *
 * Context: any; the pages are written back from the CPU caches.
 */
void cram_ledger_store(struct cram_ledger *l, unsigned long nr)
{
	this_cpu_add(l->late->stored, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_store);

/**
 * cram_ledger_batch - account for all pages of a batch that has ended
 * @l: the ledger
 * @taken: pages that were reserved and taken, and not stored;
 *	cram_ledger_settle() or cram_ledger_untake() follows
 * @unused: pages that were reserved and not taken; their reservation ends
 *
 * Settles the pages that cram_ledger_store() counted on this CPU.
 *
 * Context: any but NMI; migration is disabled.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_batch(struct cram_ledger *l, unsigned long taken,
		       unsigned long unused)
{
	bool balance;

	guard(ledger)(l);
	balance = settle_stored(l, raw_smp_processor_id());
	balance &= uncount_pages(l, &l->reserved, taken + unused);
	l->pending += taken;
	return balance;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_batch);

/**
 * cram_ledger_settle_granted - granted pages are read-only and written back
 *	again
 * @l: the ledger
 * @nr: pages that were granted
 *
 * Context: any but NMI.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_settle_granted(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	l->settled += nr;
	return uncount_pages(l, &l->granted, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_settle_granted);

/**
 * cram_ledger_cancel - end a reservation
 * @l: the ledger
 * @nr: pages that were reserved, and not taken
 *
 * Context: any but NMI.
 * Return: as cram_ledger_settle().
 */
bool cram_ledger_cancel(struct cram_ledger *l, unsigned long nr)
{
	guard(ledger)(l);
	return uncount_pages(l, &l->reserved, nr);
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_cancel);

/**
 * cram_ledger_event - count a capacity event of the device
 * @l: the ledger
 *
 * Nothing is admitted until a good reading that begins after it.
 *
 * Context: any but NMI.
 * Return: true for the first event since the last reading began: the caller has
 * to start another reading.
 */
bool cram_ledger_event(struct cram_ledger *l)
{
	guard(ledger)(l);
	l->event++;
	return l->event == l->begins + 1;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_event);

/**
 * cram_ledger_mend - an administrator declares the books to be in order again
 * @l: the ledger
 *
 * Context: any but NMI.
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
 * All pages that are settled now will be covered by it.
 *
 * Context: any but NMI; one reading at a time.
 * Return: false when the books do not balance.
 */
bool cram_ledger_read_begin(struct cram_ledger *l)
{
	guard(ledger)(l);
	WARN_ON_ONCE(l->reading);
	settle_all_stored(l);
	/*
	 * Orders the counters of stored pages before the request to the device.
	 */
	smp_mb();
	l->reading = true;
	l->begins = l->event;
	l->covering += l->settled;
	l->settled = 0;
	return !l->broken;
}
EXPORT_SYMBOL_IF_KUNIT(cram_ledger_read_begin);

/**
 * cram_ledger_read_end - a reading has ended
 * @l: the ledger
 * @good: did it succeed?  A failed one changes nothing.
 * @free: bytes that the device has free; ignored if not @good
 *
 * Context: any but NMI.
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
