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
 * second leaves them: who closes one waits in between.  Reading gives the node
 * and 1 while it is being unplugged.
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
 */
#include <linux/cram_fence.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/private_node.h>

#include "../../internal.h"
#include "../../page_alloc.h"
#include "../private_node.h"

static struct private_node *held;
static struct private_node *entered;
static struct page *freeing;
static struct folio *kept;
static DEFINE_MUTEX(hold_lock);

static const enum private_node_user users[] = {
	PRIVATE_NODE_USER_OWNER,
	(enum private_node_user)PRIVATE_NODE_USER_NUMA,
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

static int get_inside(char *buf, const struct kernel_param *kp)
{
	guard(mutex)(&hold_lock);
	return sysfs_emit(buf, "%d %d\n",
			  entered ? entered->nid : NUMA_NO_NODE,
			  entered && READ_ONCE(entered->state) == PRIVATE_NODE_CLOSING);
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

static int __init hold_init(void)
{
	return 0;
}
module_init(hold_init);

static void __exit hold_exit(void)
{
	let_go();
	leave();
	free_it();
	let_page_go();
}
module_exit(hold_exit);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("Keeps a private node in the last part of an unplug");
MODULE_LICENSE("GPL");
