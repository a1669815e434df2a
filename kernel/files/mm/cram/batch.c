// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim demotes a list of folios at a time.  A batch reserves and charges for
 * PAY pages at once instead of for each folio.  Pages that the batch stores are
 * counted on the CPU, and each reading collects these counts.  If they counted
 * as reserved until the end of the list, a reading in between would give too
 * little credit.
 *
 * The argument in ledger.c holds with batches too: a page counts as reserved,
 * and so as promised, from the reservation of its batch until it is settled.
 *
 * There is one batch for each CPU, and it needs no lock: the task that owns it
 * has migration disabled, and only the owner uses it.  A task that finds the
 * batch in use, because the owner was preempted, reserves and charges for each
 * folio.
 */
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "../internal.h"
#include "cram.h"

/* Pages reserved at once: as many as reclaim isolates, see SWAP_CLUSTER_MAX. */
#define PAY	32UL

/**
 * struct batch - reservations and charges of one task for a list of folios
 * @owner: the task, or NULL
 * @cd: the device of the first reservation, with a reference; the batch is not
 *	used for other devices
 * @paid: pages reserved and not taken
 * @taken: pages taken, and neither stored nor given back; the ledger still
 *	counts them as reserved
 * @objcg: the object cgroup of the first charge, with a reference; the batch is
 *	not used for others
 * @charged: pages charged to its memory.cram and not used yet
 * @moved: pages that moved to a device and are still charged to its
 *	memory.current
 */
struct batch {
	struct task_struct *owner;
	struct cram_device *cd;
	unsigned long paid;
	unsigned long taken;
	struct obj_cgroup *objcg;
	unsigned long charged;
	unsigned long moved;
};

static DEFINE_PER_CPU(struct batch, batches);

/* The batch of the running task, or NULL.  Interrupts have none. */
static struct batch *my_batch(void)
{
	struct batch *b = raw_cpu_ptr(&batches);

	/*
	 * A task that owns a batch has migration disabled, so it finds its own.
	 * Any other task gets NULL, even if it moves to another CPU in between.
	 */
	return in_task() && READ_ONCE(b->owner) == current ? b : NULL;
}

static struct batch *batch_of(struct cram_device *cd)
{
	struct batch *b = my_batch();

	return b && b->cd == cd ? b : NULL;
}

/* See mm/cram/fence.h. */
void __cram_batch_begin(void)
{
	struct batch *b;

	migrate_disable();
	b = this_cpu_ptr(&batches);
	if (cmpxchg_local(&b->owner, NULL, current))
		migrate_enable();
}

/* Tells the ledger what was taken, and gives back what was not used. */
static void tell_ledger(struct batch *b)
{
	bool balance = cram_ledger_batch(&b->cd->ledger, b->taken, b->paid);

	b->taken = 0;
	b->paid = 0;
	cram_check_books(b->cd, balance);
}

static void tell_cgroup(struct batch *b)
{
	if (b->charged)
		cram_memcg_give_back(b->objcg, b->charged);
	if (b->moved)
		cram_memcg_moved(b->objcg, b->moved);
	b->charged = 0;
	b->moved = 0;
}

/* See mm/cram/fence.h. */
void __cram_batch_end(void)
{
	struct batch *b = my_batch();

	if (!b)
		return;
	if (b->cd) {
		/*
		 * May queue the device's work, which cram_unregister() disables.
		 * It waits for RCU readers before the queue goes.
		 */
		scoped_guard(rcu) {
			tell_ledger(b);
			cram_read_if_low(b->cd);
		}
		kobject_put(&b->cd->kobj);
	}
	if (b->objcg) {
		tell_cgroup(b);
		obj_cgroup_put(b->objcg);
	}
	b->cd = NULL;
	b->objcg = NULL;
	barrier(); /* all stores to the batch before another task may own it */
	WRITE_ONCE(b->owner, NULL);
	migrate_enable();
}

/*
 * Reserves PAY pages if there is credit for them, else what is missing to @nr.
 */
static bool reserve_for_batch(struct batch *b, unsigned long nr)
{
	unsigned long more = nr - b->paid;

	if (more < PAY && cram_ledger_reserve(&b->cd->ledger, PAY))
		b->paid += PAY;
	else if (cram_ledger_reserve(&b->cd->ledger, more))
		b->paid += more;
	return b->paid >= nr;
}

/*
 * cram_batch_reserve - cram_ledger_reserve(), from the running task's batch if
 *	any
 * @cd: the device
 * @nr: pages
 *
 * Context: any but NMI; under rcu_read_lock().
 * Return: true when reserved.
 */
bool cram_batch_reserve(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = my_batch();

	if (b && !b->cd && kobject_get_unless_zero(&cd->kobj))
		b->cd = cd;
	if (!b || b->cd != cd)
		return cram_ledger_reserve(&cd->ledger, nr);
	/* After a capacity event an older reservation must not be used. */
	return b->paid >= nr ? cram_ledger_open(&cd->ledger) :
			       reserve_for_batch(b, nr);
}

/*
 * cram_batch_cancel - cram_ledger_cancel(); a batch keeps the reservation
 * @cd: the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: false when the books do not balance.
 */
bool cram_batch_cancel(struct cram_device *cd, unsigned long nr)
{
	return batch_of(cd) || cram_ledger_cancel(&cd->ledger, nr);
}

/*
 * cram_batch_take - cram_ledger_take(), from the running task's batch if any
 * @cd: the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: true when that many pages are reserved.
 */
bool cram_batch_take(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return cram_ledger_take(&cd->ledger, nr);
	if (b->paid < nr)
		return false;
	b->paid -= nr;
	b->taken += nr;
	return true;
}

/*
 * cram_batch_untake - cram_ledger_untake(), or the same within a batch
 * @cd: the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: false when the books do not balance.
 */
bool cram_batch_untake(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return cram_ledger_untake(&cd->ledger, nr);
	b->taken -= nr;
	b->paid += nr;
	return true;
}

/*
 * cram_batch_settle - cram_ledger_settle(), or cram_ledger_store() within a
 *	batch
 * @cd: the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: false when the books do not balance.
 */
bool cram_batch_settle(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return cram_ledger_settle(&cd->ledger, nr);
	/*
	 * Each page that a batch took is settled, untaken or not stored, once.
	 */
	if (b->taken < nr)
		return false;
	b->taken -= nr;
	cram_ledger_store(&cd->ledger, nr);
	return true;
}

/*
 * cram_batch_not_stored - pages that were taken are about to be freed unused
 * @cd: their device
 * @nr: pages
 *
 * trim.c settles them when they are freed, so they have to be pending in the
 * ledger by then.  Without a batch they are already.
 *
 * Context: any but NMI.
 * Return: false when the books do not balance.
 */
bool cram_batch_not_stored(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return true;
	if (b->taken < nr)
		return false;
	b->taken -= nr;
	return cram_ledger_take(&cd->ledger, nr);
}

/*
 * cram_batch_charge - charge memory.cram, from the running task's batch if any
 * @objcg: object cgroup of the folio that will move
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: true when it was charged.
 */
bool cram_batch_charge(struct obj_cgroup *objcg, unsigned long nr)
{
	struct batch *b = my_batch();

	if (b && !b->objcg) {
		obj_cgroup_get(objcg);
		b->objcg = objcg;
	}
	if (!b || b->objcg != objcg)
		return cram_memcg_try(objcg, nr);
	if (b->charged < nr && nr < PAY && cram_memcg_try(objcg, PAY))
		b->charged += PAY;
	if (b->charged < nr)
		return cram_memcg_try(objcg, nr);
	b->charged -= nr;
	return true;
}

/*
 * cram_batch_moved - uncharge pages from memory.current at the end of the batch
 * @objcg: object cgroup that they are charged to
 * @nr: pages
 *
 * Context: any.
 * Return: false when the running task has no batch for @objcg; the caller has
 * to uncharge them then.
 */
bool cram_batch_moved(struct obj_cgroup *objcg, unsigned long nr)
{
	struct batch *b = my_batch();

	if (!b || b->objcg != objcg)
		return false;
	b->moved += nr;
	return true;
}
