// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a CXL region as a private node.
 *
 * What a region has in its files private, private_node and private_services
 * goes to its DAX device, and kmem acts on it: drivers/dax/private_node.c.
 *
 *	 region               DAX region        DAX device
 *	private=1  -commit-->  private=1  --->   private=1  --kmem--> private node
 *
 * kmem cannot refuse an unbind.  It keeps memory that is in use on its node, and
 * takes it back at the next bind.  So the decoders of a region have to stay as
 * they are while its memory is in use.
 *
 * See Documentation/ABI/testing/sysfs-bus-cxl-private-node.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/ioport.h>
#include <linux/llist.h>
#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/private_node.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <cxlmem.h>
#include <cxl.h>

#include "../../pci/pci.h"
#include "core.h"
#include "region_private.h"
#include "trace.h"

static struct cxl_region *region_of(struct device *dev)
{
	return container_of(dev, struct cxl_region, dev);
}

static const struct private_node_setting *
setting_of(struct device_attribute *attr)
{
	return container_of(attr, struct dev_ext_attribute, attr)->var;
}

static ssize_t setting_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	const struct private_node_choice *choice = &region_of(dev)->private;

	return setting_of(attr)->show(private_node_config_of(choice), buf);
}

/*
 * From the commit on there may be a DAX device that has inherited the values,
 * until a reset is complete.
 */
static ssize_t setting_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t len)
{
	const struct private_node_setting *setting = setting_of(attr);
	struct cxl_region *cxlr = region_of(dev);
	ssize_t rc;

	ACQUIRE(rwsem_write_kill, rwsem)(&cxl_rwsem.region);
	rc = ACQUIRE_ERR(rwsem_write_kill, &rwsem);
	if (rc)
		return rc;
	if (cxlr->params.state >= CXL_CONFIG_RESET_PENDING) {
		dev_err_ratelimited(dev, "%s unchanged: the region is committed; write to the file of its DAX device, or write 0 to commit first\n",
				    setting->name);
		return -EBUSY;
	}
	return private_node_choose_text(dev, &cxlr->private, setting, buf) ?:
	       len;
}

#define SETTING_ATTR(_name, _setting) \
	static struct dev_ext_attribute _name##_attr = { \
		__ATTR(_name, 0644, setting_show, setting_store), \
		(void *)(_setting) }

SETTING_ATTR(private, &private_node_setting_private);
SETTING_ATTR(private_node, &private_node_setting_where);
SETTING_ATTR(private_services, &private_node_setting_services);

static struct attribute *cxl_region_private_attrs[] = {
	&private_attr.attr.attr,
	&private_node_attr.attr.attr,
	&private_services_attr.attr.attr,
	NULL
};

/* Persistent memory has no DAX device here, and kmem does not get it. */
static umode_t is_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	struct cxl_region *cxlr = region_of(kobj_to_dev(kobj));

	return cxlr->mode == CXL_PARTMODE_RAM ? attr->mode : 0;
}

const struct attribute_group cxl_region_private_group = {
	.attrs = cxl_region_private_attrs,
	.is_visible = is_visible,
};

/**
 * cxl_region_bequeath - what a region's DAX region gets from it
 * @cxlr: a committed region
 * @cxlr_dax: its DAX region, which nobody else has yet
 *
 * The abstract distance is that of this region, by the coordinates of CDAT and
 * HMAT.  The region's target node may have other regions, of other devices.
 *
 * Context: process, may sleep; cxl_rwsem.region held.
 */
void cxl_region_bequeath(struct cxl_region *cxlr,
			 struct cxl_dax_region *cxlr_dax)
{
	lockdep_assert_held(&cxl_rwsem.region);
	cxlr_dax->private = cxlr->private;
	if (mt_perf_to_adistance(&cxlr->coord[ACCESS_COORDINATE_CPU],
				 &cxlr_dax->adistance))
		cxlr_dax->adistance = 0;
}

static int found(struct resource *res, void *arg)
{
	return 1;
}

/**
 * cxl_region_in_use - is a part of the region System RAM?
 * @cxlr: the region
 *
 * After the driver was unbound this is memory that could not be unplugged.
 * Nobody may take the decoders away from under it.
 *
 * Context: process; cxl_rwsem.region held.
 * Return: true if so.
 */
bool cxl_region_in_use(struct cxl_region *cxlr)
{
	const struct resource *res = cxlr->params.res;

	lockdep_assert_held(&cxl_rwsem.region);
	return res && walk_iomem_res_desc(IORES_DESC_NONE,
					  IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
					  res->start, res->end, NULL,
					  found) > 0;
}

/**
 * cxl_region_stays - keep the decoders of a region whose device goes away
 * @cxlr: a region that is in use
 *
 * Nobody can refuse that a driver is unbound from the device.  As long as it is
 * there, its memory can be used.  When the driver is bound again it finds the
 * decoders as they are, and puts the region together from them.
 *
 * Context: process; cxl_rwsem.region held for write.
 */
void cxl_region_stays(struct cxl_region *cxlr)
{
	set_bit(CXL_REGION_F_AUTO, &cxlr->flags);
	dev_warn(&cxlr->dev, "its memory is in use, so its decoders stay as they are; bind the memory device again, stop the users and write unplugged to the state of its DAX device\n");
}

struct passthrough {
	const struct cxl_region_params *params;
	struct cxl_dport *dport;
};

static int enable_passthrough(struct device *dev, void *data)
{
	const struct passthrough *pass = data;
	struct cxl_switch_decoder *cxlsd;
	struct cxl_decoder *cxld;

	if (!is_switch_decoder(dev))
		return 0;
	cxlsd = to_cxl_switch_decoder(dev);
	cxld = &cxlsd->cxld;
	if (cxld->commit || cxld->region)
		return 0;
	cxld->hpa_range = (struct range) {
		.start = pass->params->res->start,
		.end = pass->params->res->end,
	};
	cxld->interleave_ways = 1;
	cxld->interleave_granularity = pass->params->interleave_granularity;
	cxld->flags |= CXL_DECODER_F_ENABLE;
	cxlsd->target[0] = pass->dport;
	return 1;
}

/**
 * cxl_region_passthrough - ports without decoders pass a region in use on
 * @cxlr: a region that is assembled from decoders that it finds
 * @cxled: decoder of a memory device that is there again
 *
 * A host bridge with one port may have no decoders.  What is found there is as
 * it was before its device was unbound, as cxl_region_stays() left it.
 *
 * Context: process; cxl_rwsem.region held for write.
 */
void cxl_region_passthrough(struct cxl_region *cxlr,
			    struct cxl_endpoint_decoder *cxled)
{
	struct cxl_memdev *cxlmd = cxled_to_memdev(cxled);
	struct passthrough pass = { .params = &cxlr->params };
	struct cxl_port *iter = cxled_to_port(cxled);
	struct cxl_ep *ep;

	if (!cxl_region_in_use(cxlr))
		return;
	for (iter = to_cxl_port(iter->dev.parent); !is_cxl_root(iter);
	     iter = to_cxl_port(iter->dev.parent)) {
		ep = cxl_ep_load(iter, cxlmd);
		if (!ep)
			continue;
		pass.dport = ep->dport;
		device_for_each_child(&iter->dev, &pass, enable_passthrough);
	}
}

/* Was the reset that is pending given up, and not done by somebody else? */
static bool give_reset_up(struct cxl_region *cxlr)
{
	guard(rwsem_write)(&cxl_rwsem.region);
	if (!cxl_region_in_use(cxlr))
		return false;
	if (cxlr->params.state == CXL_CONFIG_RESET_PENDING)
		cxlr->params.state = CXL_CONFIG_COMMIT;
	return true;
}

/**
 * cxl_region_reset_refused - may the decoders of a region not be reset?
 * @cxlr: a region with a reset pending, whose driver was unbound for it
 * @bound: it had a driver before
 *
 * If memory could not be unplugged, the region is committed again, and has its
 * driver again if it had one; kmem takes its memory back then.
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY with a line in the kernel log if memory is in use.
 */
int cxl_region_reset_refused(struct cxl_region *cxlr, bool bound)
{
	if (!give_reset_up(cxlr))
		return 0;
	dev_err(&cxlr->dev, "is not reset: its memory is in use; stop the users and write unplugged to the state of its DAX device\n");
	if (bound && device_attach(&cxlr->dev) < 0)
		dev_err(&cxlr->dev, "could not be enabled again\n");
	return -EBUSY;
}

/* Returns the region of a decoder, with a reference, or NULL. */
static struct cxl_region *region_of_decoder(struct cxl_endpoint_decoder *cxled)
{
	struct cxl_region *cxlr;

	guard(rwsem_read)(&cxl_rwsem.region);
	cxlr = cxled->cxld.region;
	if (cxlr)
		get_device(&cxlr->dev);
	return cxlr;
}

/* Marks a committed region as one whose reset is pending; false for others. */
static bool begin_reset(struct cxl_region *cxlr)
{
	guard(rwsem_write)(&cxl_rwsem.region);
	if (cxlr->params.state != CXL_CONFIG_COMMIT)
		return false;
	cxlr->params.state = CXL_CONFIG_RESET_PENDING;
	return true;
}

/* Is the memory device itself about to go, and not just its driver? */
static enum private_node_presence device_state(struct cxl_memdev *cxlmd)
{
	struct device *dev = cxlmd->cxlds->dev;
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return PRIVATE_NODE_DEVICE_STAYS;
	pdev = to_pci_dev(dev);
	if (pci_dev_is_disconnected(pdev) || pci_channel_offline(pdev))
		return PRIVATE_NODE_DEVICE_LOST;
	return pci_dev_is_added(pdev) ? PRIVATE_NODE_DEVICE_STAYS :
					PRIVATE_NODE_DEVICE_LEAVES;
}

/* Was the region disabled while its memory was in use? */
static bool disabled_in_use(struct cxl_region *cxlr)
{
	guard(rwsem_read)(&cxl_rwsem.region);
	return !READ_ONCE(cxlr->dev.driver) && cxl_region_in_use(cxlr);
}

static int attach(struct device *dev, void *data)
{
	return min(device_attach(dev), 0);
}

/*
 * What kmem kept of a device that goes has to go as well, and kmem does that for
 * a device that it has.  The driver of a DAX region would come some time later.
 */
static void give_back_to_kmem(struct cxl_region *cxlr)
{
	if (disabled_in_use(cxlr) && device_attach(&cxlr->dev) > 0)
		device_for_each_child(&cxlr->dev, NULL, attach);
}

/* Waits first until a reset that somebody else began is complete or given up. */
static void unmap_region(struct cxl_region *cxlr,
			 enum private_node_presence state)
{
	guard(mutex)(&cxlr->reset_lock);
	if (state != PRIVATE_NODE_DEVICE_STAYS)
		give_back_to_kmem(cxlr);
	if (!begin_reset(cxlr))
		return;
	WRITE_ONCE(cxlr->device, state);
	device_release_driver(&cxlr->dev);
	WRITE_ONCE(cxlr->device, PRIVATE_NODE_DEVICE_STAYS);
}

/**
 * cxl_region_unmap_decoder - unplug memory before its decoder goes away
 * @cxled: decoder of a device that is being unbound or removed
 *
 * Context: process, may sleep.
 */
void cxl_region_unmap_decoder(struct cxl_endpoint_decoder *cxled)
{
	struct cxl_region *cxlr = region_of_decoder(cxled);

	if (!cxlr)
		return;
	unmap_region(cxlr, device_state(cxled_to_memdev(cxled)));
	put_device(&cxlr->dev);
}

/**
 * cxl_region_is_private - is System RAM of the region on a private node?
 * @cxlr: a region that is being enabled
 *
 * kmem kept it when the region was disabled, and takes it back when the region
 * has a DAX device again.
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: true if so.
 */
bool cxl_region_is_private(struct cxl_region *cxlr)
{
	const struct range *hpa = &cxlr->hpa_range;

	return private_node_has_block(hpa->start, range_len(hpa));
}

static bool is_private_pfn(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && node_is_private(page_to_nid(page));
}

/* The address in memory of a device's own address, ULLONG_MAX if it has none. */
static u64 hpa_of(struct cxl_memdev *cxlmd, u64 dpa)
{
	struct cxl_region *cxlr;

	guard(device)(&cxlmd->dev);
	guard(rwsem_read)(&cxl_rwsem.region);
	guard(rwsem_read)(&cxl_rwsem.dpa);
	cxlr = cxl_dpa_to_region(cxlmd, dpa);
	return cxlr ? cxl_dpa_to_hpa(cxlr, cxlmd, dpa) : ULLONG_MAX;
}

/* memory_failure_queue() keeps 16 pages of a processor, and drops the others. */
struct broken_page {
	struct llist_node list;
	unsigned long pfn;
};

static LLIST_HEAD(broken_pages);

static void report_broken(struct work_struct *work)
{
	struct llist_node *pages = llist_del_all(&broken_pages);
	struct broken_page *page, *next;

	llist_for_each_entry_safe(page, next, pages, list) {
		if (IS_ENABLED(CONFIG_MEMORY_FAILURE))
			memory_failure(page->pfn, 0);
		kfree(page);
	}
}

static DECLARE_WORK(broken_work, report_broken);

/*
 * memory_failure() is called later: it may wait for whoever holds the page, who
 * may wait for the next event of the device.
 */
static void queue_broken(unsigned long pfn)
{
	struct broken_page *page = kmalloc_obj(*page);

	if (!page) {
		memory_failure_queue(pfn, 0);
		return;
	}
	page->pfn = pfn;
	llist_add(&page->list, &broken_pages);
	queue_work(system_dfl_long_wq, &broken_work);
}

/**
 * cxl_region_media_exit - wait for what was reported
 *
 * Context: process, may sleep; there is no memory device any more.
 */
void cxl_region_media_exit(void)
{
	flush_work(&broken_work);
}

/**
 * cxl_region_media_event - a device reports an error of its media
 * @cxlmd: the device
 * @type: of the event
 * @evt: the event
 *
 * A page of a private node with an error that could not be corrected goes
 * through memory failure.
 *
 * Context: process, may sleep.
 */
void cxl_region_media_event(struct cxl_memdev *cxlmd, enum cxl_event_type type,
			    const union cxl_event *evt)
{
	u64 hpa;

	if (type != CXL_CPER_EVENT_GEN_MEDIA && type != CXL_CPER_EVENT_DRAM)
		return;
	if (!(evt->media_hdr.descriptor & CXL_GMER_EVT_DESC_UNCORECTABLE_EVENT))
		return;
	hpa = hpa_of(cxlmd, le64_to_cpu(evt->media_hdr.phys_addr) &
			    CXL_DPA_MASK);
	if (hpa != ULLONG_MAX && is_private_pfn(PHYS_PFN(hpa)))
		queue_broken(PHYS_PFN(hpa));
}
