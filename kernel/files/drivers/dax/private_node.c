// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a DAX device as a private node, for kmem.c.
 *
 * Each device has a node of its own, so that permission to use one device never
 * opens another one.  The node is the one that firmware gives, if it has no
 * other memory, or a spare node.
 *
 *	private=1
 *	unplugged ------> plugged in, private -----> unplugged
 *	                        | unbind, and pages cannot leave
 *	                        v
 *	                  kept, no driver ---------> plugged in, private
 *	                                   bind
 *
 * The driver core cannot refuse an unbind.  If the memory is still in use then,
 * it stays on its private node, and is kept in a list here until a device with
 * the same ranges is bound and takes it back.  Memory whose device has gone is
 * taken down from here, as soon as that is possible: no device may come again.
 *
 * See Documentation/ABI/testing/sysfs-bus-dax-private-node.
 */
#define pr_fmt(fmt) "dax: " fmt

#include <linux/array_size.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/private_node.h>
#include <linux/range.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "bus.h"
#include "dax-private.h"

/*
 * Distance of a spare node: that of the device's own node, and this in
 * addition.
 */
#define SPARE_DISTANCE		30

#define OWNER_MAX		32

/**
 * struct dax_private_memory - private memory of one device
 * @list: entry in dax_private_kept while the memory is kept without a driver
 * @pn: handle of the node, NULL until it is registered
 * @nid: the node
 * @spare: @nid is from private_node_spare_get()
 * @config: configuration when it was plugged in
 * @online_type: how its memory blocks were onlined
 * @gone: its device is not there any more, or about to go
 * @owner: name of the device, as the node's owner
 * @res_name: while kept: name of the resources in @slots, allocated; otherwise
 *	NULL
 * @nr: number of slots
 * @slots: ranges of the device, cut to whole memory blocks; while kept also
 *	their reserved resources, otherwise NULL
 */
struct dax_private_memory {
	struct list_head list;
	struct private_node *pn;
	int nid;
	bool spare;
	struct private_node_config config;
	int online_type;
	bool gone;
	char owner[OWNER_MAX];
	const char *res_name;
	unsigned int nr;
	struct {
		struct range range;
		struct resource *res;
	} slots[];
};

/*
 * Protects dax_private_kept, and the choice of a node until its registration.
 * Taken before the locks of private nodes.  It is not held while memory is
 * added or removed: that may wait for the users of one device, and must not
 * block other devices.  Memory of a device is added and removed under kmem's
 * lock for the device, or in probe and remove.
 */
static DEFINE_MUTEX(dax_private_lock);
static LIST_HEAD(dax_private_kept);

/* Seconds until the next try to take down what is gone; they double. */
#define FIRST_WAIT		1
#define LONGEST_WAIT		600

static void take_down_gone(struct work_struct *work);
static DECLARE_DELAYED_WORK(gone_work, take_down_gone);
static unsigned int gone_wait;	/* protected by dax_private_lock */

/* -- configuration ------------------------------------------------------ */

/* Scripts try many values at once; more than this fills the log. */
static DEFINE_RATELIMIT_STATE(bad_writes, 5 * HZ, 100);

static int default_set(const char *text, const struct kernel_param *kp)
{
	const struct private_node_setting *setting = kp->arg;
	int ret = setting->set(&private_node_config_default, text);

	if (ret && __ratelimit(&bad_writes))
		pr_err("%s unchanged: '%.*s' is not %s\n", setting->name,
		       (int)min(strcspn(text, "\n"), 64UL), text,
		       setting->want);
	return ret;
}

static int default_get(char *buf, const struct kernel_param *kp)
{
	const struct private_node_setting *setting = kp->arg;

	return setting->show(&private_node_config_default, buf);
}

static const struct kernel_param_ops default_ops = {
	.set = default_set,
	.get = default_get,
};

#define DEFAULT_PARAM(name, setting, text) \
	module_param_cb(name, &default_ops, (void *)(setting), 0644); \
	MODULE_PARM_DESC(name, text)

DEFAULT_PARAM(private, &private_node_setting_private,
	      "memory that kmem plugs in is private, unless the device says otherwise");
DEFAULT_PARAM(private_node, &private_node_setting_where,
	      "on which node: auto, target or spare");
DEFAULT_PARAM(private_services, &private_node_setting_services,
	      "services that are open from the start");

static const struct private_node_config *config_of(const struct dev_dax *dev_dax)
{
	return private_node_config_of(&dev_dax->private.choice);
}

static const struct private_node_setting *
setting_of(struct device_attribute *attr)
{
	return container_of(attr, struct dev_ext_attribute, attr)->var;
}

static ssize_t setting_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return setting_of(attr)->show(config_of(to_dev_dax(dev)), buf);
}

struct new_choice {
	const struct private_node_setting *setting;
	const char *text;
};

static int choose_config(struct dev_dax *dev_dax, void *arg)
{
	const struct new_choice *new = arg;

	return private_node_choose_text(&dev_dax->dev, &dev_dax->private.choice,
					new->setting, new->text);
}

/*
 * Under the device lock the driver does not change.  Under the lock of that
 * driver, which configure() takes, the memory is not plugged in meanwhile.
 */
static ssize_t setting_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct new_choice new = { setting_of(attr), buf };
	struct dev_dax *dev_dax = to_dev_dax(dev);
	struct dax_device_driver *drv;
	int ret;

	guard(device)(dev);
	drv = dev->driver ? to_dax_drv(dev->driver) : NULL;
	if (!drv || !drv->configure)
		return choose_config(dev_dax, &new) ?: count;
	ret = drv->configure(dev_dax, choose_config, &new);
	if (ret == -EBUSY && __ratelimit(&bad_writes))
		dev_err(dev, "%s unchanged: its memory is plugged in; write unplugged to state first\n",
			new.setting->name);
	return ret ?: count;
}

#define SETTING_ATTR(_name, _setting) \
	static struct dev_ext_attribute _name##_attr = { \
		__ATTR(_name, 0644, setting_show, setting_store), \
		(void *)(_setting) }

SETTING_ATTR(private, &private_node_setting_private);
SETTING_ATTR(private_node, &private_node_setting_where);
SETTING_ATTR(private_services, &private_node_setting_services);

static struct attribute *dax_private_attrs[] = {
	&private_attr.attr.attr,
	&private_node_attr.attr.attr,
	&private_services_attr.attr.attr,
	NULL
};

const struct attribute_group dax_private_group = {
	.attrs = dax_private_attrs,
};

/**
 * dax_region_set_private - DAX devices of a region come up as the region says
 * @dax_region: the region, without devices
 * @choice: what was chosen for it; if nobody chose, its devices follow the
 *	defaults
 * @adistance: abstract distance of its memory, 0 if that is not known
 * @device: is its device there?  Valid as long as the region; NULL for a device
 *	that cannot go
 *
 * A device's own files can change what it inherited.
 *
 * Context: process; the region has no device yet.
 */
void dax_region_set_private(struct dax_region *dax_region,
			    const struct private_node_choice *choice,
			    int adistance,
			    const enum private_node_presence *device)
{
	private_node_inherit_choice(&dax_region->private.choice, choice);
	dax_region->private.adistance = adistance;
	dax_region->private.device = device;
}
EXPORT_SYMBOL_FOR_MODULES(dax_region_set_private, "dax_cxl");

/* See private.h. */
void dax_private_inherit(struct dev_dax *dev_dax)
{
	private_node_inherit_choice(&dev_dax->private.choice,
				    &dev_dax->region->private.choice);
}

/* -- plug --------------------------------------------------------------- */

/* Cuts range @i of the device to whole memory blocks, as kmem.c does. */
static bool slot_range(const struct dev_dax *dev_dax, int i, struct range *range)
{
	*range = memory_block_aligned_range(&dev_dax->ranges[i].range);
	return range->start < range->end;
}

static struct dax_private_memory *
memory_new(struct dev_dax *dev_dax, struct resource *const res[])
{
	struct device *dev = &dev_dax->dev;
	struct dax_private_memory *m;
	struct range range;
	int i;

	m = kzalloc_flex(*m, slots, dev_dax->nr_range);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->config = *config_of(dev_dax);
	snprintf(m->owner, sizeof(m->owner), "kmem-%s", dev_name(dev));
	for (i = 0; i < dev_dax->nr_range; i++) {
		if (!slot_range(dev_dax, i, &range))
			continue;
		if (!res[i]) {
			dev_err(dev, "cannot come up private: %#llx-%#llx belongs to somebody else, see /proc/iomem\n",
				range.start, range.end);
			kfree(m);
			return ERR_PTR(-EBUSY);
		}
		m->slots[m->nr++].range = range;
	}
	return m;
}

static int take_spare(struct device *dev, int target)
{
	u8 distances[MAX_NUMNODES] = {};
	int near = target;
	int nid;

	if (near < 0 || !node_online(near))
		near = dev_to_node(dev);
	if (near < 0 || !node_online(near))
		near = first_online_node;
	for_each_online_node(nid)
		distances[nid] = min(node_distance(near, nid) + SPARE_DISTANCE,
				     U8_MAX);
	return private_node_spare_get(distances, MAX_NUMNODES);
}

/*
 * The abstract distance that the device's region was given.  Without one,
 * firmware decides; as it knows nothing of a spare node, it is asked for the
 * device's own node then.  Returns 0 if nobody knows.
 */
static int distance_of(const struct dev_dax *dev_dax, bool spare)
{
	int adist = dev_dax->region->private.adistance;

	if (!adist && spare)
		mt_calc_adistance(dev_dax->target_node, &adist);
	return clamp(adist, 0, PRIVATE_NODE_MAX_ADISTANCE);
}

static int take_node(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	const char *why = private_node_obstacle(dev_dax->target_node);
	struct device *dev = &dev_dax->dev;

	m->nid = dev_dax->target_node;
	if (m->config.where != PRIVATE_NODE_WHERE_SPARE && !why)
		return 0;
	if (m->config.where == PRIVATE_NODE_WHERE_TARGET) {
		dev_err(dev, "cannot come up private: its node %d %s; write spare to private_node\n",
			m->nid, why);
		return -EBUSY;
	}
	m->nid = take_spare(dev, dev_dax->target_node);
	m->spare = m->nid >= 0;
	if (m->spare)
		return 0;
	dev_err(dev, "cannot come up private: no spare node, boot with private_node_spare=1 or more; its own node %d %s\n",
		dev_dax->target_node, why ?: "was not asked for");
	return m->nid;
}

static int add_slots(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	mhp_t flags = dev_dax->memmap_on_memory ? MHP_MEMMAP_ON_MEMORY :
						  MHP_NONE;
	struct range *range;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < m->nr && !ret; i++) {
		range = &m->slots[i].range;
		ret = add_private_memory_driver_managed(m->pn, range->start,
							range_len(range),
							"System RAM (kmem)",
							flags, m->online_type);
	}
	return ret;
}

/* kmem has nothing to repair; whoever has a spare device wants to know which. */
static void dax_memory_failure(struct private_node *pn, unsigned long pfn,
			       unsigned long nr_pages, unsigned int flags)
{
	/* NULL until the registration has returned: no memory came online yet */
	const struct dax_private_memory *m = private_node_drvdata(pn);

	pr_err("%s: memory at %#llx %s\n", m ? m->owner : "kmem",
	       PFN_PHYS(pfn), flags & PRIVATE_NODE_FAILURE_SOFT ?
	       "had errors that were corrected" : "is broken");
}

static const struct private_node_ops dax_node_ops = {
	.memory_failure = dax_memory_failure,
};

/*
 * Under dax_private_lock, so that no other device takes the chosen node in
 * between.
 */
static int register_dax_node(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	struct private_node_desc desc = {
		.owner = m->owner,
		/*
		 * It is plain memory: the administrator chooses the services.
		 */
		.capable = GENMASK(PRIVATE_NODE_NR_SERVICES - 1, 0),
		.enabled = m->config.services,
		.ops = &dax_node_ops,
	};
	struct private_node *pn;
	int ret;

	guard(mutex)(&dax_private_lock);
	ret = take_node(dev_dax, m);
	if (ret)
		return ret;
	desc.adistance = distance_of(dev_dax, m->spare);
	pn = private_node_register(m->nid, &desc);
	if (IS_ERR(pn))
		return PTR_ERR(pn);
	private_node_set_drvdata(pn, m);
	m->pn = pn;
	return 0;
}

static int bring_up_memory(struct dev_dax *dev_dax,
			   struct dax_private_memory *m)
{
	return register_dax_node(dev_dax, m) ?: add_slots(dev_dax, m);
}

/* Removes all of the memory and its node, or with an errno nothing. */
static int take_down_memory(struct dax_private_memory *m)
{
	int ret;

	if (m->pn) {
		ret = remove_private_memory_driver_managed(m->pn);
		if (!ret)
			ret = private_node_unregister(m->pn);
		if (ret)
			return ret;
		private_node_put(m->pn);
		m->pn = NULL;
	}
	if (m->spare)
		private_node_spare_put(m->nid);
	return 0;
}

static enum private_node_presence device_of(const struct dev_dax *dev_dax)
{
	const enum private_node_presence *device =
		dev_dax->region->private.device;

	return device ? READ_ONCE(*device) : PRIVATE_NODE_DEVICE_STAYS;
}

static void lose_users(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	dev_err(&dev_dax->dev, "its device goes away: what is on node %d is lost, users get SIGBUS\n",
		m->nid);
	private_node_set_on_unplug(m->pn, PRIVATE_NODE_UNPLUG_SIGBUS);
}

/*
 * Memory whose device goes away goes in any case, but for pages that are
 * pinned.  While the device can be read, data is moved rather than lost, also
 * where an unplug would be refused; after that nothing is moved.
 */
static int take_down(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	enum private_node_presence device = device_of(dev_dax);
	int ret;

	m->gone = device != PRIVATE_NODE_DEVICE_STAYS;
	if (m->pn && device == PRIVATE_NODE_DEVICE_LOST)
		private_node_set_lost(m->pn);
	ret = take_down_memory(m);
	if (!ret || !m->pn || device != PRIVATE_NODE_DEVICE_LEAVES)
		return ret;
	private_node_set_on_unplug(m->pn, PRIVATE_NODE_UNPLUG_MOVE);
	ret = take_down_memory(m);
	if (!ret || !m->pn)
		return ret;
	lose_users(dev_dax, m);
	return take_down_memory(m);
}

static void attach_memory(struct dev_dax *dev_dax, struct dax_private_memory *m)
{
	WRITE_ONCE(dev_dax->private.nid, m->nid);
	/* pairs with dax_private_target_node(), which reads nid afterwards */
	smp_store_release(&dev_dax->private.memory, m);
}

static void detach_memory(struct dev_dax *dev_dax)
{
	WRITE_ONCE(dev_dax->private.memory, NULL);
}

/* Refuses to add ordinary memory to a node that is private. */
static int check_ordinary(struct dev_dax *dev_dax)
{
	int nid = dev_dax->target_node;

	if (!node_is_private(nid))
		return 0;
	dev_err(&dev_dax->dev, "cannot come up ordinary: its node %d is private, of the owner in /sys/devices/system/node/node%d/private\n",
		nid, nid);
	return -EBUSY;
}

/* See private.h. */
int dax_private_plug(struct dev_dax *dev_dax, struct resource *const res[],
		     int online_type)
{
	struct dax_private_memory *m = dev_dax->private.memory;
	int ret;

	if (m)
		return m->nr;
	if (!config_of(dev_dax)->private)
		return check_ordinary(dev_dax);
	m = memory_new(dev_dax, res);
	if (IS_ERR(m))
		return PTR_ERR(m);
	m->online_type = online_type;
	ret = bring_up_memory(dev_dax, m);
	if (ret && !take_down_memory(m)) {
		kfree(m);
		return ret;
	}
	if (ret)
		dev_err(&dev_dax->dev, "not all of its memory came up, and what did is in use; write unplugged to state and try again\n");
	attach_memory(dev_dax, m);
	return m->nr;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_plug, "kmem");

/**
 * dax_private_online_type - how the memory of a device comes online at a bind
 * @dev_dax: a device that is being bound
 * @online_type: how ordinary memory does, by the policy in auto_online_blocks
 *
 * With a policy that leaves memory offline, a tool is expected to bring it
 * online, as daxctl does.  Memory of a device that is private only by the module
 * parameter is brought online here, because no tool will do it.
 *
 * Context: in probe.
 * Return: an enum mmop.
 */
int dax_private_online_type(const struct dev_dax *dev_dax, int online_type)
{
	if (online_type == MMOP_OFFLINE && !dev_dax->private.choice.made &&
	    config_of(dev_dax)->private)
		return MMOP_ONLINE_MOVABLE;
	return online_type;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_online_type, "kmem");

/* How all blocks came online, by the zone of the first; MMOP_OFFLINE if not all. */
static int online_state(const struct dax_private_memory *m)
{
	const u64 block = memory_block_size_bytes();
	struct page *page;
	unsigned int i;
	u64 addr;

	for (i = 0; i < m->nr; i++)
		for (addr = m->slots[i].range.start;
		     addr < m->slots[i].range.end; addr += block)
			if (!pfn_to_online_page(PHYS_PFN(addr + block - 1)))
				return MMOP_OFFLINE;
	page = pfn_to_online_page(PHYS_PFN(m->slots[0].range.end));
	return page && is_zone_movable_page(page) ? MMOP_ONLINE_MOVABLE :
						    MMOP_ONLINE;
}

/**
 * dax_private_state - state of the memory of a device, for its file
 * @dev_dax: the device
 * @state: state as kmem knows it
 *
 * Its blocks may have come online or gone offline one by one meanwhile.
 *
 * Context: process, may sleep; kmem's lock for the device held.
 * Return: @state, or the enum mmop that describes all blocks.
 */
int dax_private_state(const struct dev_dax *dev_dax, int state)
{
	const struct dax_private_memory *m = dev_dax->private.memory;
	int now;

	if (!m || state < MMOP_OFFLINE)
		return state;
	now = online_state(m);
	/* Both are in a kernel zone. */
	if (now == MMOP_ONLINE && state == MMOP_ONLINE_KERNEL)
		return state;
	return now;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_state, "kmem");

/* See dax_private_target_node(). */
int dax_private_target_node(const struct dev_dax *dev_dax, int target_node)
{
	/* pairs with attach_memory() */
	if (!smp_load_acquire(&dev_dax->private.memory))
		return target_node;
	return READ_ONCE(dev_dax->private.nid);
}

/* -- unplug ------------------------------------------------------------- */

/* See private.h. */
bool dax_private_plugged(const struct dev_dax *dev_dax)
{
	return dev_dax->private.memory;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_plugged, "kmem");

/* See private.h. */
int dax_private_unplug(struct dev_dax *dev_dax, const struct range *ranges,
		       unsigned int nr)
{
	struct dax_private_memory *m = dev_dax->private.memory;
	int ret;

	if (!m)
		return offline_and_remove_memory_ranges(ranges, nr);
	ret = take_down(dev_dax, m);
	if (ret)
		return ret;
	detach_memory(dev_dax);
	kfree(m);
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_unplug, "kmem");

static void keep_memory(struct dax_private_memory *m)
{
	if (m->gone && m->pn)
		private_node_set_lost(m->pn);
	guard(mutex)(&dax_private_lock);
	list_add_tail(&m->list, &dax_private_kept);
	if (!m->gone)
		return;
	gone_wait = FIRST_WAIT;
	mod_delayed_work(system_long_wq, &gone_work, gone_wait * HZ);
}

/**
 * dax_private_keep - keep memory that an unbind could not remove
 * @dev_dax: a device that is being unbound, with dax_private_plugged()
 * @res: its reserved ranges, taken over from the caller
 * @res_name: name of these resources, taken over from the caller
 *
 * Context: process, may sleep; device lock held.
 */
void dax_private_keep(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name)
{
	struct dax_private_memory *m = dev_dax->private.memory;
	struct range range;
	unsigned int nr = 0;
	int i;

	for (i = 0; i < dev_dax->nr_range; i++) {
		if (!slot_range(dev_dax, i, &range))
			continue;
		m->slots[nr++].res = res[i];
		res[i] = NULL;
	}
	m->res_name = *res_name;
	*res_name = NULL;
	detach_memory(dev_dax);
	/* Until here kmem, which is bound to the device, held this module. */
	__module_get(THIS_MODULE);
	if (m->gone)
		dev_warn(&dev_dax->dev, "gone while its memory is in use: stays on private node %d until its users are stopped\n",
			 m->nid);
	else
		dev_warn(&dev_dax->dev, "unbound while its memory is in use: stays on private node %d; stop the users, bind the device to kmem again and write unplugged to state\n",
			 m->nid);
	keep_memory(m);
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_keep, "kmem");

/* Frees memory from dax_private_kept, with its reserved ranges. */
static void forget_memory(struct dax_private_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		remove_resource(m->slots[i].res);
		kfree(m->slots[i].res);
	}
	module_put(THIS_MODULE);
	kfree(m->res_name);
	kfree(m);
}

/* Somebody may hold references to its pages, as a pipe does. */
static void take_down_gone(struct work_struct *work)
{
	struct dax_private_memory *m, *next;
	LIST_HEAD(gone);

	scoped_guard(mutex, &dax_private_lock)
		list_for_each_entry_safe(m, next, &dax_private_kept, list)
			if (m->gone)
				list_move(&m->list, &gone);
	list_for_each_entry_safe(m, next, &gone, list)
		if (!take_down_memory(m)) {
			list_del(&m->list);
			forget_memory(m);
		}
	guard(mutex)(&dax_private_lock);
	if (list_empty(&gone))
		return;
	list_splice(&gone, &dax_private_kept);
	gone_wait = min(2 * gone_wait, LONGEST_WAIT);
	queue_delayed_work(system_long_wq, &gone_work, gone_wait * HZ);
}

/* See private.h. */
void dax_private_exit(void)
{
	cancel_delayed_work_sync(&gone_work);
}

static bool overlaps_memory(const struct dev_dax *dev_dax,
			    const struct dax_private_memory *m)
{
	struct range range;
	unsigned int j;
	int i;

	for (i = 0; i < dev_dax->nr_range; i++)
		for (j = 0; slot_range(dev_dax, i, &range) && j < m->nr; j++)
			if (range.start <= m->slots[j].range.end &&
			    m->slots[j].range.start <= range.end)
				return true;
	return false;
}

static bool matches_memory(const struct dev_dax *dev_dax,
			   const struct dax_private_memory *m)
{
	struct range range;
	unsigned int nr = 0;
	int i;

	for (i = 0; i < dev_dax->nr_range; i++) {
		if (!slot_range(dev_dax, i, &range))
			continue;
		if (nr == m->nr || range.start != m->slots[nr].range.start ||
		    range.end != m->slots[nr].range.end)
			return false;
		nr++;
	}
	return nr == m->nr;
}

/* Gives kept memory back to a device with the same ranges. */
static void adopt_memory(struct dev_dax *dev_dax, struct dax_private_memory *m,
			 struct resource *res[], const char **res_name)
{
	struct range range;
	unsigned int nr = 0;
	int i;

	for (i = 0; i < dev_dax->nr_range; i++) {
		if (!slot_range(dev_dax, i, &range))
			continue;
		res[i] = m->slots[nr].res;
		m->slots[nr++].res = NULL;
	}
	kfree(*res_name);
	*res_name = m->res_name;
	m->res_name = NULL;
	m->gone = false;
	module_put(THIS_MODULE);
	private_node_choose(&dev_dax->private.choice, &m->config);
	attach_memory(dev_dax, m);
	dev_info(&dev_dax->dev, "has its memory on private node %d again\n",
		 m->nid);
}

/*
 * Takes kept memory that overlaps the device off the list: only the caller has
 * it then.
 */
static struct dax_private_memory *take_overlapping(const struct dev_dax *dev_dax)
{
	struct dax_private_memory *m;

	guard(mutex)(&dax_private_lock);
	list_for_each_entry(m, &dax_private_kept, list)
		if (overlaps_memory(dev_dax, m)) {
			list_del(&m->list);
			return m;
		}
	return NULL;
}

/* See private.h. */
int dax_private_adopt(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name, int *online_type)
{
	struct dax_private_memory *m;

	while ((m = take_overlapping(dev_dax))) {
		if (matches_memory(dev_dax, m)) {
			*online_type = m->online_type;
			adopt_memory(dev_dax, m, res, res_name);
			return 0;
		}
		if (take_down_memory(m)) {
			dev_err(&dev_dax->dev, "overlaps memory of %s, which was unbound while in use and stays on private node %d\n",
				m->owner, m->nid);
			keep_memory(m);
			return -EBUSY;
		}
		forget_memory(m);
	}
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(dax_private_adopt, "kmem");
