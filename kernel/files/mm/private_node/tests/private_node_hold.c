// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a node in the last part of an unplug, for as long as a test likes:
 *
 *	echo 1 > /sys/module/private_node_hold/parameters/closing
 *	echo -1 > /sys/module/private_node_hold/parameters/closing
 *
 * The first begins to unplug node 1, the second fails it: nothing has changed.
 */
#include <linux/module.h>
#include <linux/private_node.h>

#include "../private_node.h"

static struct private_node *held;
static DEFINE_MUTEX(hold_lock);

static void let_go(void)
{
	if (!held)
		return;
	scoped_guard(mutex, &held->lock)
		private_node_set_state(held, PRIVATE_NODE_LIVE);
	private_node_put(held);
	held = NULL;
}

static int hold(int nid)
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
	int nid;
	int ret = kstrtoint(val, 10, &nid);

	if (ret)
		return ret;
	guard(mutex)(&hold_lock);
	let_go();
	return nid < 0 ? 0 : hold(nid);
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

static int __init hold_init(void)
{
	return 0;
}
module_init(hold_init);

static void __exit hold_exit(void)
{
	let_go();
}
module_exit(hold_exit);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("Keeps a private node in the last part of an unplug");
MODULE_LICENSE("GPL");
