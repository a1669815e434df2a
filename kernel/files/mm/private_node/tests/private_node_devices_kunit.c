// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of devices that are attached to private memory nodes: the gate of
 * an attachment, and what ends it.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/device/faux.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "../internal.h"
#include "kunit.h"

static void remove_device(void *dev)
{
	root_device_unregister(dev);
}

static struct device *new_device(struct kunit *test)
{
	struct device *dev = root_device_register("private_node_kunit");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	return dev;
}

static struct device *kept_device(struct kunit *test)
{
	struct device *dev = new_device(test);

	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, remove_device, dev));
	return dev;
}

static struct private_node_device *attachment(struct kunit *test,
					      struct device *dev)
{
	struct private_node_device *pd = private_node_device_get(dev);

	KUNIT_ASSERT_NOT_NULL(test, pd);
	return pd;
}

static bool has_ended(struct private_node_device *pd)
{
	bool entered = private_node_device_enter(pd);

	if (entered)
		private_node_device_leave(pd);
	private_node_device_put(pd);
	return !entered;
}

static const struct private_node_desc attach_desc = { .owner = "kunit" };

static void attach_detach(struct kunit *test)
{
	struct private_node *pn = take(test, free_nid(test, 0), &attach_desc);
	struct device *dev = kept_device(test);
	struct private_node_device *pd;

	KUNIT_EXPECT_NULL(test, private_node_device_get(NULL));
	KUNIT_EXPECT_NULL(test, private_node_device_get(dev));
	KUNIT_EXPECT_EQ(test, -ENOENT, private_node_detach_device(dev));
	KUNIT_ASSERT_EQ(test, 0, private_node_attach_device(pn, dev));
	KUNIT_EXPECT_EQ(test, -EBUSY, private_node_attach_device(pn, dev));
	pd = attachment(test, dev);
	KUNIT_EXPECT_EQ(test, private_node_nid(pn), private_node_device_nid(pd));
	KUNIT_EXPECT_EQ(test, 0, private_node_detach_device(dev));
	KUNIT_EXPECT_TRUE(test, has_ended(pd));
	KUNIT_EXPECT_NULL(test, private_node_device_get(dev));
	KUNIT_EXPECT_EQ(test, -ENOENT, private_node_detach_device(dev));
	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(pn, dev));
}

static int nid_of(struct kunit *test, struct device *dev)
{
	struct private_node_device *pd = attachment(test, dev);
	int nid = private_node_device_nid(pd);

	private_node_device_put(pd);
	return nid;
}

static void attach_nearest(struct kunit *test)
{
	struct private_node *far = take(test, free_nid(test, 0), &attach_desc);
	struct private_node *near = take(test, free_nid(test, 0), &attach_desc);
	struct device *dev = kept_device(test);
	struct faux_device *child =
		faux_device_create("private_node_below", dev, NULL);

	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(far, dev));
	KUNIT_EXPECT_EQ(test, far->nid, nid_of(test, &child->dev));
	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(near, &child->dev));
	KUNIT_EXPECT_EQ(test, near->nid, nid_of(test, &child->dev));
	KUNIT_EXPECT_EQ(test, far->nid, nid_of(test, dev));
	KUNIT_EXPECT_EQ(test, 0, private_node_detach_device(&child->dev));
	KUNIT_EXPECT_EQ(test, far->nid, nid_of(test, &child->dev));
	faux_device_destroy(child);
}

static void attach_device_goes(struct kunit *test)
{
	struct private_node *pn = take(test, free_nid(test, 0), &attach_desc);
	struct device *dev = new_device(test);
	struct private_node_device *pd;

	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(pn, dev));
	pd = private_node_device_get(dev);
	root_device_unregister(dev);
	KUNIT_ASSERT_NOT_NULL(test, pd);
	KUNIT_EXPECT_TRUE(test, has_ended(pd));
	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
}

/* What is left of the old attachment does not keep out a new one. */
static void attach_handle_goes(struct kunit *test)
{
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &attach_desc);
	struct device *dev = kept_device(test);
	struct private_node_device *pd;

	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(pn, dev));
	pd = attachment(test, dev);
	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_TRUE(test, has_ended(pd));
	KUNIT_EXPECT_NULL(test, private_node_device_get(dev));
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_attach_device(pn, dev));
	pn = take(test, nid, &attach_desc);
	KUNIT_EXPECT_EQ(test, 0, private_node_attach_device(pn, dev));
	KUNIT_EXPECT_EQ(test, 0, private_node_detach_device(dev));
	KUNIT_EXPECT_EQ(test, -ENOENT, private_node_detach_device(dev));
}

static void attach_refused(struct kunit *test)
{
	const struct private_node_desc compressed = {
		.owner = "kunit",
		.flags = PRIVATE_NODE_F_COMPRESSED,
	};
	struct private_node *pn = take(test, free_nid(test, 0), &compressed);

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			private_node_attach_device(pn, kept_device(test)));
}

struct detaching {
	struct device *dev;
	struct private_node *pn;	/* to unregister it instead */
	struct completion done;
};

static int detach_thread(void *arg)
{
	struct detaching *d = arg;

	if (d->pn)
		private_node_unregister(d->pn);
	else
		private_node_detach_device(d->dev);
	complete(&d->done);
	return 0;
}

static void attach_waits(struct kunit *test, bool unregister)
{
	struct private_node *pn = take(test, free_nid(test, 0), &attach_desc);
	struct detaching d = {
		.dev = kept_device(test),
		.pn = unregister ? pn : NULL,
	};
	struct private_node_device *pd;

	init_completion(&d.done);
	KUNIT_ASSERT_EQ(test, 0, private_node_attach_device(pn, d.dev));
	pd = attachment(test, d.dev);
	KUNIT_ASSERT_TRUE(test, private_node_device_enter(pd));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test,
				     kthread_run(detach_thread, &d, "detach"));
	/* It is let in no more, and the thread waits for those inside. */
	while (private_node_device_enter(pd)) {
		private_node_device_leave(pd);
		fsleep(1000);
	}
	fsleep(20000);
	KUNIT_EXPECT_FALSE(test, completion_done(&d.done));
	private_node_device_leave(pd);
	wait_for_completion(&d.done);
	private_node_device_put(pd);
}

static void attach_detach_waits(struct kunit *test)
{
	attach_waits(test, false);
}

static void attach_unregister_waits(struct kunit *test)
{
	attach_waits(test, true);
}

static void attach_alloc(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	struct device *dev = kept_device(test);
	struct private_node_device *pd;
	unsigned int got, i, here = 0;
	struct page *pages[16];

	KUNIT_ASSERT_EQ(test, 0, private_node_attach_device(pn, dev));
	pd = attachment(test, dev);
	KUNIT_ASSERT_TRUE(test, private_node_device_enter(pd));
	local_bh_disable();
	got = private_node_device_alloc(pd, GFP_ATOMIC, 0, ARRAY_SIZE(pages),
					pages);
	local_bh_enable();
	private_node_device_leave(pd);
	private_node_device_put(pd);
	for (i = 0; i < got; i++) {
		here += page_to_nid(pages[i]) == pn->nid &&
			!page_is_pfmemalloc(pages[i]);
		put_page(pages[i]);
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(pages), got);
	KUNIT_EXPECT_EQ(test, got, here);
}

static struct kunit_case private_node_devices_cases[] = {
	KUNIT_CASE(attach_detach),
	KUNIT_CASE(attach_nearest),
	KUNIT_CASE(attach_device_goes),
	KUNIT_CASE(attach_handle_goes),
	KUNIT_CASE(attach_refused),
	KUNIT_CASE(attach_detach_waits),
	KUNIT_CASE(attach_unregister_waits),
	KUNIT_CASE(attach_alloc),
	{ }
};

static struct kunit_suite private_node_devices_suite = {
	.name = "private_node_devices",
	.test_cases = private_node_devices_cases,
};

kunit_test_suite(private_node_devices_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for devices that are attached to private memory nodes");
MODULE_LICENSE("GPL");
