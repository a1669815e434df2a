// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that take their buffers from a private node.
 *
 * The owner attaches a device to its node.  Code that allocates buffers for the
 * device, such as the page pool of a network card, is told, looks for the
 * attachment and keeps a reference; each allocation passes two gates:
 *
 *	attachment	closed by private_node_detach_device(), the end of the
 *			device or of its driver, and private_node_unregister()
 *	node		that of PRIVATE_NODE_USER_ATTACHED, see gate.c: closed
 *			while the node is being unplugged, and for good by
 *			private_node_unregister()
 *
 * Who closes one waits for the allocations inside.  Behind the first gate the
 * device has ordinary memory, as if it had never been attached.  Behind the
 * second one, and when the node is full, on_full decides, as for any user of
 * the node: "fallback" takes from the nodes that it names, all others give
 * nothing.  Nobody is killed for a buffer.
 *
 * The code that allocates is told of changes by &struct private_node_buffers,
 * since this file knows nothing of it.
 *
 * The attachment is a managed resource of the device (devres), which ends with
 * the device's driver.  It holds the handle of the node, and no reference to
 * the device.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/private_node.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

/**
 * struct private_node_device - an attachment of a device to a node
 * @list: in devices; empty when it has ended; under devices_lock
 * @ref: one for the device, one for each user
 * @rcu: frees it after a grace period, for private_node_device_enter()
 * @inside: one reference for each allocation under way; dead when it has ended
 * @idle: completed when it has ended, and no allocation is under way any more
 * @pn: the handle, with a reference
 * @dev: the device, only compared; valid while the attachment is in the list
 * @name: the device's driver and name when it was attached
 */
struct private_node_device {
	struct list_head list;
	refcount_t ref;
	struct rcu_head rcu;
	struct percpu_ref inside;
	struct completion idle;
	struct private_node *pn;
	const struct device *dev;
	const char *name;
};

/* Whom to tell; set once, at boot. */
static const struct private_node_buffers *buffers;

/* Protects the list.  Taken inside private_node.lock; nothing inside it. */
static DEFINE_MUTEX(devices_lock);
static LIST_HEAD(devices);

/**
 * private_node_set_buffers - say who allocates buffers for devices
 * @who: the functions; for ever
 *
 * Context: boot.
 */
void __init private_node_set_buffers(const struct private_node_buffers *who)
{
	buffers = who;
}

static void look_again(void)
{
	if (buffers)
		buffers->look_again();
}

/*
 * private_node_flush_buffers - free buffers that only wait to be freed
 * @pn: the handle
 *
 * Does not wait for it.
 *
 * Context: process, may sleep.
 */
void private_node_flush_buffers(struct private_node *pn)
{
	if (buffers && READ_ONCE(pn->attached))
		buffers->flush();
}

/*
 * private_node_describe_buffer - say whose buffer a page is
 * @page: a page of the owner, with a reference
 * @text: result, such as "of page pool 3 of eth1"; untouched if that is not
 *	known
 * @size: room in @text
 *
 * Context: process, may sleep.
 */
void private_node_describe_buffer(const struct page *page, char *text,
				  size_t size)
{
	if (buffers)
		buffers->describe(page, text, size);
}

static void nobody_inside(struct percpu_ref *ref)
{
	complete_all(&container_of(ref, struct private_node_device,
				   inside)->idle);
}

static struct private_node_device *device_new(struct private_node *pn,
					      struct device *dev)
{
	struct private_node_device *pd = kzalloc_obj(*pd);

	if (!pd)
		return NULL;
	pd->name = kasprintf(GFP_KERNEL, "%s %s", dev_driver_string(dev),
			     dev_name(dev));
	if (!pd->name ||
	    percpu_ref_init(&pd->inside, nobody_inside, 0, GFP_KERNEL)) {
		kfree(pd->name);
		kfree(pd);
		return NULL;
	}
	INIT_LIST_HEAD(&pd->list);
	refcount_set(&pd->ref, 1);
	init_completion(&pd->idle);
	pd->pn = private_node_get(pn);
	pd->dev = dev;
	return pd;
}

static void device_free(struct rcu_head *rcu)
{
	struct private_node_device *pd =
		container_of(rcu, struct private_node_device, rcu);

	percpu_ref_exit(&pd->inside);
	private_node_put(pd->pn);
	kfree(pd->name);
	kfree(pd);
}

/**
 * private_node_device_put - drop a reference on an attachment
 * @pd: from private_node_device_get(), or NULL
 *
 * Context: any.
 */
void private_node_device_put(struct private_node_device *pd)
{
	if (pd && refcount_dec_and_test(&pd->ref))
		call_rcu(&pd->rcu, device_free);
}

/* When this returns, no allocation is under way and none will begin. */
static void end_attachment(struct private_node_device *pd)
{
	bool first;

	scoped_guard(mutex, &devices_lock) {
		first = !list_empty(&pd->list);
		list_del_init(&pd->list);
	}
	if (first)
		percpu_ref_kill(&pd->inside);
	wait_for_completion(&pd->idle);
	if (first)
		look_again();
}

/* The devres entry of an attachment goes. */
static void device_gone(struct device *dev, void *res)
{
	struct private_node_device *pd = *(struct private_node_device **)res;

	end_attachment(pd);
	private_node_device_put(pd);
}

/* devres entries whose node was unregistered; called under a spinlock. */
static int is_left_over(struct device *dev, void *res, void *data)
{
	struct private_node_device *pd = *(struct private_node_device **)res;

	return percpu_ref_is_dying(&pd->inside);
}

static void drop_left_over(struct device *dev)
{
	while (!devres_release(dev, device_gone, is_left_over, NULL))
		;
}

static struct private_node_device *find_exact(const struct device *dev)
{
	struct private_node_device *pd;

	lockdep_assert_held(&devices_lock);
	list_for_each_entry(pd, &devices, list)
		if (pd->dev == dev)
			return pd;
	return NULL;
}

static int check_attach(struct private_node *pn, struct device *dev)
{
	struct private_node_device *other;

	lockdep_assert_held(&pn->lock);
	if (pn->state == PRIVATE_NODE_DEAD) {
		pr_err("node %d: %s: cannot attach %s: the handle was unregistered\n",
		       pn->nid, pn->owner, dev_name(dev));
		return -ENODEV;
	}
	other = find_exact(dev);
	if (other) {
		pr_err("node %d: %s: cannot attach %s: it is attached to node %d; detach it first\n",
		       pn->nid, pn->owner, dev_name(dev), other->pn->nid);
		return -EBUSY;
	}
	return 0;
}

/* With a devres entry @res that has @pd; all or nothing. */
static int add_attachment(struct private_node_device *pd, struct device *dev,
			  void *res)
{
	struct private_node *pn = pd->pn;
	int ret;

	guard(mutex)(&pn->lock);
	guard(mutex)(&devices_lock);
	ret = check_attach(pn, dev);
	if (ret)
		return ret;
	list_add_tail(&pd->list, &devices);
	WRITE_ONCE(pn->attached, true);
	devres_add(dev, res);
	return 0;
}

static int check_kind(struct private_node *pn, struct device *dev)
{
	if (pn->flags & PRIVATE_NODE_F_COMPRESSED) {
		pr_err("node %d: %s: cannot attach %s: the node compresses, and its pages are reserved first\n",
		       pn->nid, pn->owner, dev_name(dev));
		return -EOPNOTSUPP;
	}
	/* A driver is not bound to a device that has managed resources. */
	if (dev->bus && !dev->driver) {
		pr_err("node %d: %s: cannot attach %s: it has no driver\n",
		       pn->nid, pn->owner, dev_name(dev));
		return -ENXIO;
	}
	return 0;
}

/**
 * private_node_attach_device - let a device take its buffers from a node
 * @pn: the handle, not of a compressing device
 * @dev: the device, whose driver cannot be unbound meanwhile: this is called in
 *	its probe(), or with device_lock() held; or a device without a bus, such
 *	as that of a network interface, that cannot be removed meanwhile
 *
 * From now on new pages in the page pools of @dev, and of devices below it,
 * come from the node.  A device below that is attached itself goes first.
 * Pages that a pool has already stay in it until they are next due to be
 * replaced.
 *
 * No service is needed for it: this is the owner's own use of its node.  The
 * device has to reach the node by DMA, and the CPUs have to reach the node
 * coherently, since the kernel keeps the metadata of a packet behind its data
 * in the same buffer.
 *
 * When the node is full, or is being unplugged, on_full decides: with fallback
 * the buffers come from the nodes that it names and are counted, else there are
 * none, and the device drops packets.  The pages of the buffers are the
 * owner's: they keep the node from being unplugged.  The owner detaches the
 * device first, and has its pools destroyed, or resets its queues.
 *
 * The attachment ends with private_node_detach_device(), when the driver of
 * @dev is unbound, when @dev is removed, or with private_node_unregister(),
 * whichever comes first.
 *
 * Context: process, may sleep, not inside an allocation of the node.
 * Return: 0; -ENODEV after private_node_unregister(); -EBUSY if @dev is
 * attached already; -ENXIO for a device that could have a driver and has none;
 * -EOPNOTSUPP for a node of a compressing device; -ENOMEM.  The kernel log has
 * the reason.
 */
int private_node_attach_device(struct private_node *pn, struct device *dev)
{
	struct private_node_device *pd, **res;
	int ret;

	ret = check_kind(pn, dev);
	if (ret)
		return ret;
	drop_left_over(dev);
	pd = device_new(pn, dev);
	res = devres_alloc(device_gone, sizeof(*res), GFP_KERNEL);
	ret = pd && res ? 0 : -ENOMEM;
	if (!ret) {
		*res = pd;
		ret = add_attachment(pd, dev, res);
	}
	if (ret) {
		devres_free(res);
		private_node_device_put(pd);
		return ret;
	}
	look_again();
	pr_info("node %d: %s: attached %s\n", pn->nid, pn->owner, dev_name(dev));
	return 0;
}
EXPORT_SYMBOL_GPL(private_node_attach_device);

/**
 * private_node_detach_device - end what private_node_attach_device() began
 * @dev: the device
 *
 * When this returns no allocation of a buffer from the node is under way for
 * @dev, and new buffers come from ordinary memory.  Buffers on the node stay
 * valid; a page pool that exists goes on to use them again and again until it is
 * destroyed.
 *
 * Context: process, may sleep, not inside an allocation of the node.
 * Return: 0; -ENOENT if @dev was not attached.
 */
int private_node_detach_device(struct device *dev)
{
	int ret;

	drop_left_over(dev);
	ret = devres_release(dev, device_gone, NULL, NULL);
	if (!ret)
		pr_info("detached %s\n", dev_name(dev));
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_detach_device);

static struct private_node_device *get_first_of(struct private_node *pn)
{
	struct private_node_device *pd;

	guard(mutex)(&devices_lock);
	list_for_each_entry(pd, &devices, list)
		if (pd->pn == pn) {
			refcount_inc(&pd->ref);
			return pd;
		}
	return NULL;
}

/*
 * Ends all attachments to a node that is dead.  Their devres entries stay with
 * the devices until these are attached again or go.
 */
static void detach_all(struct private_node *pn)
{
	struct private_node_device *pd;

	while ((pd = get_first_of(pn))) {
		end_attachment(pd);
		private_node_device_put(pd);
	}
}

const struct private_node_subscriber private_node_device_subscriber = {
	.dead = detach_all,
};

/*
 * private_node_emit_devices - names of attached devices, for a file of sysfs
 * @pn: the handle
 * @buf: the file's page
 *
 * Context: process; waits for no allocation.
 * Return: length of the text, a line for each device.
 */
int private_node_emit_devices(struct private_node *pn, char *buf)
{
	struct private_node_device *pd;
	int len = 0;

	guard(mutex)(&devices_lock);
	list_for_each_entry(pd, &devices, list)
		if (pd->pn == pn)
			len += sysfs_emit_at(buf, len, "%s\n", pd->name);
	return len;
}

/**
 * private_node_device_get - the attachment of a device
 * @dev: the device, or NULL
 *
 * Looks at @dev and at the devices above it, from the nearest on.
 *
 * Context: process, may sleep.
 * Return: the attachment, for private_node_device_put(); or NULL.
 */
struct private_node_device *private_node_device_get(const struct device *dev)
{
	struct private_node_device *pd;

	guard(mutex)(&devices_lock);
	for (; dev; dev = dev->parent) {
		pd = find_exact(dev);
		if (pd) {
			refcount_inc(&pd->ref);
			return pd;
		}
	}
	return NULL;
}

/**
 * private_node_device_nid - node of an attachment
 * @pd: the attachment
 *
 * Context: any.
 * Return: the node id, also after the attachment has ended.
 */
int private_node_device_nid(const struct private_node_device *pd)
{
	return pd->pn->nid;
}

static unsigned int fall_back_many(struct private_node *pn, gfp_t gfp,
				   unsigned int order, unsigned int nr,
				   struct page **pages)
{
	unsigned int got = 0;
	struct folio *folio;

	while (got < nr) {
		folio = private_node_fall_back(pn, gfp | __GFP_COMP, order);
		if (!folio)
			break;
		pages[got++] = folio_page(folio, 0);
		gfp &= ~__GFP_DIRECT_RECLAIM;
	}
	return got;
}

/**
 * private_node_device_enter - begin an allocation for an attached device
 * @pd: the attachment, with a reference, or under rcu_read_lock()
 *
 * Context: any but NMI.
 * Return: true, and the attachment does not end before
 * private_node_device_leave(); false if it has ended, and then the device has
 * ordinary memory.
 */
bool private_node_device_enter(struct private_node_device *pd)
{
	return percpu_ref_tryget_live(&pd->inside);
}

/**
 * private_node_device_leave - end an allocation for an attached device
 * @pd: the attachment, after private_node_device_enter()
 *
 * Context: any but NMI.
 */
void private_node_device_leave(struct private_node_device *pd)
{
	percpu_ref_put(&pd->inside);
}

/**
 * private_node_device_alloc - allocate buffers for an attached device
 * @pd: the attachment, after private_node_device_enter()
 * @gfp: as for alloc_pages()
 * @order: of each buffer
 * @nr: how many are wanted
 * @pages: result: the first page of each, with a reference
 *
 * Buffers come from the node; if it gives none, with on_full=fallback, from the
 * nodes that this names, and are counted there.
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: number of buffers, which may be less than @nr, and 0.
 */
unsigned int private_node_device_alloc(struct private_node_device *pd,
				       gfp_t gfp, unsigned int order,
				       unsigned int nr, struct page **pages)
{
	unsigned int got;

	got = private_node_alloc_many(pd->pn, gfp, order,
				      PRIVATE_NODE_USER_ATTACHED, nr, pages);
	return got ?: fall_back_many(pd->pn, gfp, order, nr, pages);
}
