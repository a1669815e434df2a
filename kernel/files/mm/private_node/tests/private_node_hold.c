// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a node in the last part of an unplug, for as long as a test likes:
 *
 *	echo 1 > /sys/module/private_node_hold/parameters/closing
 *	echo -1 > /sys/module/private_node_hold/parameters/closing
 *
 * The first begins to unplug node 1, the second fails it: nothing has changed.
 *
 *	echo 1 > /sys/module/private_node_hold/parameters/inside
 *	echo -1 > /sys/module/private_node_hold/parameters/inside
 *
 * The first enters the gates of node 1, as its owner and as user_numa, and the
 * second leaves them: who closes one waits in between.  Reading gives the node,
 * and 1 while it is being unplugged and lets nobody in any more.
 *
 *	echo 2 > /sys/module/private_node_hold/parameters/freeing
 *	echo -1 > /sys/module/private_node_hold/parameters/freeing
 *
 * The first takes a page of a compressing device on node 2 and drops its last
 * reference, as who frees it does and is interrupted then; the second frees it.
 *
 *	echo 98765 > /sys/module/private_node_hold/parameters/page
 *	echo -1 > /sys/module/private_node_hold/parameters/page
 *
 * The first holds the page of that frame, as a device does that works on it.
 *
 *	echo 2 > /sys/module/private_node_hold/parameters/plug
 *	echo 2 > /sys/module/private_node_hold/parameters/unplug
 *	echo 2 > /sys/module/private_node_hold/parameters/compress
 *	echo 2 > /sys/module/private_node_hold/parameters/take
 *
 * An owner who does what it may not: gives node 2 memory that the node has already,
 * takes all of its memory away, registers it as compressed RAM, takes a page.  The
 * errno is what the owner gets.  A page that it got is given back.
 *
 *	echo 1 > /sys/module/private_node_hold/parameters/settle
 *	cat /sys/module/private_node_hold/parameters/settle
 *
 * The nanoseconds that LISTS lists of pages take in a ledger of compressed RAM:
 * to reserve for each list, and to settle it.
 *
 *	echo 98765 > /sys/module/private_node_hold/parameters/no_online
 *	echo 98765 > /sys/module/private_node_hold/parameters/no_offline
 *
 * Somebody else's notifier refuses that the memory block of that frame goes online,
 * or offline; 0 ends it.
 */
#include <linux/cram.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/private_node.h>
#include <linux/swap.h>

#include "../../cram/cram.h"
#include "../../cram/fence.h"
#include "../../internal.h"
#include "../../page_alloc.h"
#include "../internal.h"

static struct private_node *held;
static struct private_node *entered;
static struct page *freeing;
static struct folio *kept;
static DEFINE_MUTEX(hold_lock);

static const enum private_node_service users[] = {
	PRIVATE_NODE_USER_OWNER,
	PRIVATE_NODE_USER_NUMA,
};

/* Ends what there is, and begins anew with a number that is not negative. */
static int change(const char *val, void (*end)(void), int (*begin)(long nr))
{
	long nr;
	int ret = kstrtol(val, 10, &nr);

	if (ret)
		return ret;
	guard(mutex)(&hold_lock);
	end();
	return nr < 0 ? 0 : begin(nr);
}

static void let_go(void)
{
	if (!held)
		return;
	scoped_guard(mutex, &held->lock)
		private_node_set_state(held, PRIVATE_NODE_LIVE);
	private_node_put(held);
	held = NULL;
}

static int hold(long nid)
{
	struct private_node *pn = private_node_find(nid);

	if (!pn)
		return -ENODEV;
	guard(mutex)(&pn->lock);
	if (!private_node_set_state(pn, PRIVATE_NODE_CLOSING)) {
		private_node_put(pn);
		return -EBUSY;
	}
	private_node_gate_wait(pn);
	held = pn;
	return 0;
}

static int set_closing(const char *val, const struct kernel_param *kp)
{
	return change(val, let_go, hold);
}

static int get_closing(char *buf, const struct kernel_param *kp)
{
	guard(mutex)(&hold_lock);
	return sysfs_emit(buf, "%d\n", held ? held->nid : NUMA_NO_NODE);
}

static const struct kernel_param_ops closing_ops = {
	.set = set_closing,
	.get = get_closing,
};
module_param_cb(closing, &closing_ops, NULL, 0600);

static void leave(void)
{
	int i;

	if (!entered)
		return;
	for (i = 0; i < ARRAY_SIZE(users); i++)
		private_node_leave(entered, users[i]);
	private_node_put(entered);
	entered = NULL;
}

static int enter(long nid)
{
	struct private_node *pn = private_node_find(nid);
	int i;

	if (!pn)
		return -ENODEV;
	for (i = 0; i < ARRAY_SIZE(users); i++)
		if (!private_node_enter(pn, users[i]))
			goto err;
	entered = pn;
	return 0;

err:
	while (i--)
		private_node_leave(pn, users[i]);
	private_node_put(pn);
	return -EBUSY;
}

static int set_inside(const char *val, const struct kernel_param *kp)
{
	return change(val, leave, enter);
}

/* The state is written first, and then one gate closes after the other. */
static bool all_shut(struct private_node *pn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(users); i++)
		if (!percpu_ref_is_dying(&pn->gate[users[i]].ref))
			return false;
	return READ_ONCE(pn->state) == PRIVATE_NODE_CLOSING;
}

static int get_inside(char *buf, const struct kernel_param *kp)
{
	guard(mutex)(&hold_lock);
	return sysfs_emit(buf, "%d %d\n",
			  entered ? entered->nid : NUMA_NO_NODE,
			  entered && all_shut(entered));
}

static const struct kernel_param_ops inside_ops = {
	.set = set_inside,
	.get = get_inside,
};
module_param_cb(inside, &inside_ops, NULL, 0600);

static void free_it(void)
{
	if (freeing)
		free_frozen_pages(freeing, 0);
	freeing = NULL;
}

static int take_one(long nid)
{
	if (!cram_node(nid))
		return -ENODEV;
	if (!cram_reserve(nid, 1))
		return -EBUSY;
	freeing = private_node_alloc_frozen(nid, GFP_KERNEL | __GFP_COMP, 0,
					    PRIVATE_NODE_USER_OWNER);
	if (freeing)
		return 0;
	cram_unreserve(nid, 1);
	return -ENOMEM;
}

static int set_freeing(const char *val, const struct kernel_param *kp)
{
	return change(val, free_it, take_one);
}

static const struct kernel_param_ops freeing_ops = {
	.set = set_freeing,
};
module_param_cb(freeing, &freeing_ops, NULL, 0200);

static void let_page_go(void)
{
	if (kept)
		folio_put(kept);
	kept = NULL;
}

static int keep_page(long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || !folio_try_get(page_folio(page)))
		return -ENXIO;
	kept = page_folio(page);
	return 0;
}

static int set_page(const char *val, const struct kernel_param *kp)
{
	return change(val, let_page_go, keep_page);
}

static const struct kernel_param_ops page_ops = {
	.set = set_page,
};
module_param_cb(page, &page_ops, NULL, 0200);

/* What an owner may not do, or not now. */
static int owner_does(const char *val, int (*what)(struct private_node *pn))
{
	struct private_node *pn;
	int nid, ret;

	if (kstrtoint(val, 10, &nid))
		return -EINVAL;
	pn = private_node_find(nid);
	if (!pn)
		return -ENODEV;
	ret = what(pn);
	private_node_put(pn);
	return ret;
}

static int plug_again(struct private_node *pn)
{
	return add_private_memory_driver_managed(pn, PFN_PHYS(node_start_pfn(pn->nid)),
						 memory_block_size_bytes(),
						 "System RAM (hold)", MHP_NONE,
						 MMOP_ONLINE_MOVABLE);
}

static int set_plug(const char *val, const struct kernel_param *kp)
{
	return owner_does(val, plug_again);
}

static const struct kernel_param_ops plug_ops = { .set = set_plug };
module_param_cb(plug, &plug_ops, NULL, 0200);

static int set_unplug(const char *val, const struct kernel_param *kp)
{
	return owner_does(val, remove_private_memory_driver_managed);
}

static const struct kernel_param_ops unplug_ops = { .set = set_unplug };
module_param_cb(unplug, &unplug_ops, NULL, 0200);

static int read_nothing(struct cram_device *cd, struct cram_capacity *cap)
{
	return -EIO;
}

static void trim_nothing(struct cram_device *cd, struct cram_range *ranges,
			 unsigned int nr)
{
	cram_trim_done(cd);
}

static int compress(struct private_node *pn)
{
	static const struct cram_ops ops = {
		.read_capacity = read_nothing,
		.trim = trim_nothing,
	};
	struct cram_desc desc = { .ops = &ops, .worst_case = PAGE_SIZE };
	struct cram_device *cd = cram_register(pn, &desc);

	return IS_ERR(cd) ? PTR_ERR(cd) : cram_unregister(cd);
}

static int set_compress(const char *val, const struct kernel_param *kp)
{
	return owner_does(val, compress);
}

static const struct kernel_param_ops compress_ops = { .set = set_compress };
module_param_cb(compress, &compress_ops, NULL, 0200);

static int take_folio(struct private_node *pn)
{
	struct folio *folio = private_node_alloc_folio(pn, GFP_KERNEL, 0);

	if (!folio)
		return -ENOMEM;
	folio_put(folio);
	return 0;
}

static int set_take(const char *val, const struct kernel_param *kp)
{
	return owner_does(val, take_folio);
}

static const struct kernel_param_ops take_ops = { .set = set_take };
module_param_cb(take, &take_ops, NULL, 0200);

#define LISTS 1000
/* As many folios as reclaim demotes at a time. */
#define LIST_PAGES SWAP_CLUSTER_MAX

static u64 settle_ns;

static int settle_list(struct cram_ledger *l)
{
	int i;

	if (!cram_ledger_reserve(l, LIST_PAGES))
		return -ENOSPC;
	for (i = 0; i < LIST_PAGES; i++)
		cram_ledger_store(l, 1);
	return cram_ledger_batch(l, 0, 0) ? 0 : -EIO;
}

static int settle_lists(struct cram_ledger *l)
{
	u64 start;
	int i, ret = 0;

	cram_ledger_read_begin(l);
	cram_ledger_read_end(l, true, (u64)LISTS * LIST_PAGES * PAGE_SIZE);
	migrate_disable();
	start = ktime_get_ns();
	for (i = 0; i < LISTS && !ret; i++)
		ret = settle_list(l);
	settle_ns = ktime_get_ns() - start;
	migrate_enable();
	return ret;
}

static int set_settle(const char *val, const struct kernel_param *kp)
{
	struct cram_late __percpu *late = alloc_percpu(struct cram_late);
	struct cram_ledger l;
	int ret;

	if (!late)
		return -ENOMEM;
	guard(mutex)(&hold_lock);
	cram_ledger_init(&l, PAGE_SIZE, 0, late);
	ret = settle_lists(&l);
	free_percpu(late);
	return ret;
}

static int get_settle(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(settle_ns));
}

static const struct kernel_param_ops settle_ops = {
	.set = set_settle,
	.get = get_settle,
};
module_param_cb(settle, &settle_ops, NULL, 0600);

static unsigned long no_online;
static unsigned long no_offline;
module_param(no_online, ulong, 0600);
module_param(no_offline, ulong, 0600);

static int veto(struct notifier_block *nb, unsigned long action, void *arg)
{
	struct memory_notify *mn = arg;
	unsigned long pfn;

	if (action == MEM_GOING_ONLINE)
		pfn = READ_ONCE(no_online);
	else if (action == MEM_GOING_OFFLINE)
		pfn = READ_ONCE(no_offline);
	else
		return NOTIFY_OK;
	return pfn >= mn->start_pfn && pfn - mn->start_pfn < mn->nr_pages ?
	       notifier_from_errno(-EPERM) : NOTIFY_OK;
}

static struct notifier_block veto_nb = { .notifier_call = veto };

static int __init hold_init(void)
{
	return register_memory_notifier(&veto_nb);
}
module_init(hold_init);

static void __exit hold_exit(void)
{
	unregister_memory_notifier(&veto_nb);
	let_go();
	leave();
	free_it();
	let_page_go();
}
module_exit(hold_exit);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("Keeps a private node in the last part of an unplug");
MODULE_LICENSE("GPL");
