// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim moves a list of folios at once, and pays for them at once: a reservation
 * and a charge for PAY pages, not for each folio.  What is stored is counted on the
 * processor, where each reading finds it: one that counted it as reserved until the end
 * of the list would find less room than there is.
 *
 * Nothing of the ledger's argument changes.  What a batch has reserved is promised,
 * and a page counts as reserved while it is on its way.
 *
 * A batch is one task's, on one processor, which the task does not leave
 * meanwhile: nobody else touches it, so there is no lock.  Whoever finds it taken
 * (a task that was preempted has it) goes the way without.
 */
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "../internal.h"
#include "cram.h"

/* Pages paid for at once: as many as reclaim moves, see SWAP_CLUSTER_MAX. */
#define PAY	32UL

/**
 * struct batch - what a task has paid for and the ledger has not heard of
 * @owner: the task, or NULL
 * @cd: the first device that it reserved on, held; others go without
 * @paid: pages reserved, not taken
 * @taken: pages taken and neither stored nor given back; reserved for the ledger
 * @objcg: the first object cgroup that paid, held
 * @charged: pages charged to its memory.cram, for which no place was taken
 * @moved: pages that moved there, still charged to its memory.max
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

/* That of the running task, if it has one.  Interrupts have none. */
static struct batch *my_batch(void)
{
	struct batch *b = raw_cpu_ptr(&batches);

	/* Its owner stays on its processor, so that nobody else sees itself there. */
	return in_task() && READ_ONCE(b->owner) == current ? b : NULL;
}

static struct batch *batch_of(struct cram_device *cd)
{
	struct batch *b = my_batch();

	return b && b->cd == cd ? b : NULL;
}

/* See include/linux/cram_fence.h. */
void __cram_batch_begin(void)
{
	struct batch *b;

	migrate_disable();
	b = this_cpu_ptr(&batches);
	if (cmpxchg_local(&b->owner, NULL, current))
		migrate_enable();
}

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

/* See include/linux/cram_fence.h. */
void __cram_batch_end(void)
{
	struct batch *b = my_batch();

	if (!b)
		return;
	if (b->cd) {
		/* Who takes the device away waits for this before it ends its work. */
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
	barrier(); /* another task of this processor may have it now */
	WRITE_ONCE(b->owner, NULL);
	migrate_enable();
}

/* More than is needed, if there is credit for it. */
static bool pay(struct batch *b, unsigned long nr)
{
	unsigned long more = nr - b->paid;

	if (more < PAY && cram_ledger_reserve(&b->cd->ledger, PAY))
		b->paid += PAY;
	else if (cram_ledger_reserve(&b->cd->ledger, more))
		b->paid += more;
	return b->paid >= nr;
}

/*
 * cram_batch_reserve - cram_ledger_reserve(), from what the task has paid for
 * @cd: the device, under rcu_read_lock()
 * @nr: pages
 *
 * Context: any.
 * Return: true when paid.
 */
bool cram_batch_reserve(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = my_batch();

	if (b && !b->cd && kobject_get_unless_zero(&cd->kobj))
		b->cd = cd;
	if (!b || b->cd != cd)
		return cram_ledger_reserve(&cd->ledger, nr);
	/* Not what was paid for before a capacity event. */
	return b->paid >= nr ? cram_ledger_open(&cd->ledger) : pay(b, nr);
}

/* cram_ledger_cancel(): what a batch has paid for serves the next.  Context: any. */
bool cram_batch_cancel(struct cram_device *cd, unsigned long nr)
{
	return batch_of(cd) || cram_ledger_cancel(&cd->ledger, nr);
}

/* cram_ledger_take(), from what the running task has reserved.  Context: any. */
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

/* cram_ledger_untake().  Context: any. */
bool cram_batch_untake(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return cram_ledger_untake(&cd->ledger, nr);
	b->taken -= nr;
	b->paid += nr;
	return true;
}

/* cram_ledger_settle(), or for a batch's page taking and settling at once. */
bool cram_batch_settle(struct cram_device *cd, unsigned long nr)
{
	struct batch *b = batch_of(cd);

	if (!b)
		return cram_ledger_settle(&cd->ledger, nr);
	/* What a batch has taken it stores, or says that it does not. */
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
 * Whoever trims them tells the ledger, which has to know by then.  Of the others
 * that the batch has taken it does not hear by this.
 * Context: any.
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
 * cram_batch_charge - charge memory.cram, from what the batch has charged
 * @objcg: of the folio that will move
 * @nr: pages
 *
 * Context: any.
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
 * cram_batch_moved - pages are no longer charged to memory.max
 * @objcg: to whom they are charged
 * @nr: pages
 *
 * Context: any.
 * Return: false when there is no batch to remember that.
 */
bool cram_batch_moved(struct obj_cgroup *objcg, unsigned long nr)
{
	struct batch *b = my_batch();

	if (!b || b->objcg != objcg)
		return false;
	b->moved += nr;
	return true;
}
