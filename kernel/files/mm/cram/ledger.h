/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: how much a device may still be asked to store.
 */
#ifndef _MM_CRAM_LEDGER_H
#define _MM_CRAM_LEDGER_H

#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * Most pages between their reservation and their settling: two PMD-sized folios
 * of 4 KiB pages.  No more than these can still be stored after a capacity
 * event.
 */
#define CRAM_IN_FLIGHT	1024

/**
 * struct cram_late - pages that one CPU has stored, see cram_ledger_store()
 * @stored: all that this CPU ever stored; written by this CPU without a lock
 * @told: how many of these the ledger has counted; under the ledger's lock
 */
struct cram_late {
	unsigned long stored;
	unsigned long told;
};

/**
 * struct cram_ledger - pages promised to a device, and the room it last
 *	reported
 * @lock: protects all fields below; taken with interrupts disabled, the
 *	innermost lock of compressed RAM
 * @late: pages stored by each CPU that the ledger may not have counted yet
 * @worst: bytes that a page which does not compress takes on the device
 * @margin: bytes that are never given out
 * @free: bytes free by the last good reading
 * @reserved: pages that are reserved and were not taken from the page
 *	allocator, or are taken and stored by a batch that has not reported it
 * @pending: pages that were taken and are not settled; stores may be under way
 * @granted: pages that may be written to in place
 * @settled: pages that were settled after the last reading began
 * @covering: pages that were settled before the last reading began, and that no
 *	good reading covers yet
 * @event: number of the last capacity event
 * @begins: value of @event when the last reading began
 * @began: value of @event when the last good reading began
 * @reading: a reading is under way
 * @valid: there was a good reading
 * @broken: the books do not balance, see cram_ledger_mend()
 * @disabled: reserve without a check, for tests (CONFIG_CRAM_DEBUG); written
 *	without the lock
 * @now_credit: the credit, for readers without the lock
 * @now_open: is anything admitted? For readers without the lock
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
