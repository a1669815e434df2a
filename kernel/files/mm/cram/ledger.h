/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: how much a device may still be asked to store.
 */
#ifndef _MM_CRAM_LEDGER_H
#define _MM_CRAM_LEDGER_H

#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * Pages whose placement may be under way at once: two huge folios.  So many may still be
 * stored after a capacity event.
 */
#define CRAM_IN_FLIGHT	1024

/**
 * struct cram_late - pages that one processor has stored without a word to the ledger
 * @stored: all of them, ever; no lock
 * @told: those that the ledger knows; under its lock
 */
struct cram_late {
	unsigned long stored;
	unsigned long told;
};

/**
 * struct cram_ledger - what was promised, and what the device said
 * @lock: all below
 * @late: see cram_ledger_store()
 * @worst: bytes that a page may need
 * @margin: bytes that are never given out
 * @free: bytes free as of the last good reading
 * @reserved: pages that are paid for and have not left the page allocator, or of which
 *	that is not known yet
 * @pending: pages that have, and are not settled; their stores may be under way
 * @granted: pages that may be written to where they are
 * @settled: pages that are stored, since the last reading began
 * @covering: pages that were settled when the reading now under way began
 * @event: number of the last capacity event
 * @begins: that number when the reading now under way began
 * @began: that number when the last good reading began
 * @reading: is one under way?
 * @valid: was there ever a good one?
 * @broken: the books do not balance
 * @disabled: give without asking, to show what happens then
 * @now_credit: cram_ledger_credit(), for those who take no lock
 * @now_open: as cram_ledger_open(), the same
 */
struct cram_ledger {
	spinlock_t lock;
	struct cram_late __percpu *late;
	u64 worst;
	u64 margin;
	u64 free;
	u64 reserved;
	u64 pending;
	u64 granted;
	u64 settled;
	u64 covering;
	u64 event;
	u64 begins;
	u64 began;
	bool reading;
	bool valid;
	bool broken;
	bool disabled;
	s64 now_credit;
	bool now_open;
};

void cram_ledger_init(struct cram_ledger *l, u64 worst, u64 margin,
		      struct cram_late __percpu *late);
s64 cram_ledger_credit(struct cram_ledger *l);
u64 cram_ledger_lack(struct cram_ledger *l);
bool cram_ledger_uncovered(struct cram_ledger *l);
bool cram_ledger_open(struct cram_ledger *l);
bool cram_ledger_reserve(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_take(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_untake(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_grant(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_settle(struct cram_ledger *l, unsigned long nr);
void cram_ledger_store(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_batch(struct cram_ledger *l, unsigned long taken,
		       unsigned long unused);
bool cram_ledger_settle_granted(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_cancel(struct cram_ledger *l, unsigned long nr);
bool cram_ledger_event(struct cram_ledger *l);
void cram_ledger_mend(struct cram_ledger *l);
bool cram_ledger_read_begin(struct cram_ledger *l);
void cram_ledger_read_end(struct cram_ledger *l, bool good, u64 free);

#endif /* _MM_CRAM_LEDGER_H */
