// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions of memory devices that compress.
 *
 * Such a device stores less than it shows, so its memory must never be ordinary:
 * its region gets no DAX region but a device of its own type, for which there is
 * the driver cxl_cram.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/range.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <cxlcram.h>
#include <cxlmem.h>
#include <cxl.h>

#include "core.h"
#include "region_cram.h"
#include "region_private.h"

/**
 * cxl_cram_parse - the state in data of our feature
 * @data: a struct cxl_cram_feature
 * @state: result
 *
 * Context: any.
 * Return: 0.
 */
int cxl_cram_parse(const void *data, struct cxl_cram_state *state)
{
	const struct cxl_cram_feature *f = data;

	*state = (struct cxl_cram_state) {
		.worst_case = le32_to_cpu(f->worst_case),
		.lag_ms = le32_to_cpu(f->lag_ms),
		.timeout_ms = le32_to_cpu(f->timeout_ms),
		.margin = le64_to_cpu(f->margin),
		.total = le64_to_cpu(f->total),
		.used = le64_to_cpu(f->used),
		.lost = le64_to_cpu(f->lost),
		.epoch = le32_to_cpu(f->epoch),
	};
	return 0;
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_parse, "CXL");

/* Those of vendors come before ours. */
static struct list_head layouts;
static DECLARE_RWSEM(layouts_lock);

static struct cxl_cram_layout our_layout = {
	.list = LIST_HEAD_INIT(layouts),
	.owner = THIS_MODULE,
	.name = "cxl",
	.feature = CXL_CRAM_FEATURE_UUID,
	.event = CXL_CRAM_EVENT_UUID,
	.size = sizeof(struct cxl_cram_feature),
	.parse = cxl_cram_parse,
};

static struct list_head layouts = LIST_HEAD_INIT(our_layout.list);

/**
 * cxl_cram_add_layout - say how devices of a vendor describe themselves
 * @layout: stays valid until cxl_cram_remove_layout()
 *
 * Regions that are enabled later know it.  So the module has to be there before
 * the memory devices are bound.
 *
 * Context: process, may sleep.
 */
void cxl_cram_add_layout(struct cxl_cram_layout *layout)
{
	guard(rwsem_write)(&layouts_lock);
	list_add(&layout->list, &layouts);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_add_layout, "CXL");

/**
 * cxl_cram_remove_layout - the opposite of cxl_cram_add_layout()
 * @layout: no new region uses it when this returns; its module stays as long as
 *	others do
 *
 * Context: process, may sleep.
 */
void cxl_cram_remove_layout(struct cxl_cram_layout *layout)
{
	guard(rwsem_write)(&layouts_lock);
	list_del(&layout->list);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_remove_layout, "CXL");

/**
 * cxl_cram_read - ask a device for its state
 * @cxlmd: the device
 * @layout: how it says that
 * @state: result
 *
 * Context: process, may sleep.
 * Return: 0; -EOPNOTSUPP when it does not have the feature; or another errno.
 */
int cxl_cram_read(struct cxl_memdev *cxlmd,
		  const struct cxl_cram_layout *layout,
		  struct cxl_cram_state *state)
{
	struct cxl_mbox_get_feat_in in = {
		.uuid = layout->feature,
		.count = cpu_to_le16(layout->size),
		.selection = CXL_GET_FEAT_SEL_CURRENT_VALUE,
	};
	void *data __free(kfree) = kzalloc(layout->size, GFP_KERNEL);
	struct cxl_mbox_cmd cmd = {
		.opcode = CXL_MBOX_OP_GET_FEATURE,
		.payload_in = &in,
		.size_in = sizeof(in),
		.payload_out = data,
		.size_out = layout->size,
		.min_out = layout->size,
	};
	int ret;

	if (!data)
		return -ENOMEM;
	ret = cxl_internal_send_cmd(&cxlmd->cxlds->cxl_mbox, &cmd);
	if (!ret)
		return layout->parse(data, state);
	return cmd.return_code == CXL_MBOX_CMD_RC_UNSUPPORTED ||
	       cmd.return_code == CXL_MBOX_CMD_RC_INPUT ? -EOPNOTSUPP : ret;
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_read, "CXL");

static bool is_listed(const struct cxl_feat_entries *entries, const uuid_t *uuid)
{
	int i;

	for (i = 0; i < entries->num_features; i++)
		if (uuid_equal(&entries->ent[i].uuid, uuid))
			return true;
	return false;
}

/* Without a list of its features, which may have failed, the device is asked. */
static int has_feature(struct cxl_memdev *cxlmd,
		       const struct cxl_cram_layout *layout)
{
	struct cxl_features_state *cxlfs = to_cxlfs(cxlmd->cxlds);
	struct cxl_cram_state state;
	int ret;

	if (cxlfs)
		return is_listed(cxlfs->entries, &layout->feature);
	ret = cxl_cram_read(cxlmd, layout, &state);
	return ret == -EOPNOTSUPP ? 0 : ret ?: 1;
}

/* NULL for a device that does not compress, ERR_PTR when it does not say. */
static struct cxl_cram_layout *find_layout(struct cxl_memdev *cxlmd)
{
	struct cxl_cram_layout *layout;
	int ret;

	if (cxlmd->cxlds->cxl_mbox.feat_cap < CXL_FEATURES_RO)
		return NULL;
	list_for_each_entry(layout, &layouts, list) {
		ret = has_feature(cxlmd, layout);
		if (ret)
			return ret < 0 ? ERR_PTR(ret) : layout;
	}
	return NULL;
}

/* Does a device compress?  Returns 1 or 0, or an errno when it does not say. */
static int compresses(struct cxl_memdev *cxlmd)
{
	struct cxl_cram_layout *layout;

	guard(rwsem_read)(&layouts_lock);
	layout = find_layout(cxlmd);
	return IS_ERR(layout) ? PTR_ERR(layout) : !!layout;
}

/**
 * cxl_cram_layout_get - how does a memory device say that it compresses?
 * @cxlmd: the device
 *
 * Context: process, may sleep.
 * Return: the layout of its feature, which stays until cxl_cram_layout_put();
 * ERR_PTR: -ENODEV for a device that does not compress, or that of an error.
 */
const struct cxl_cram_layout *cxl_cram_layout_get(struct cxl_memdev *cxlmd)
{
	struct cxl_cram_layout *layout;

	guard(rwsem_read)(&layouts_lock);
	layout = find_layout(cxlmd);
	if (IS_ERR(layout))
		return layout;
	return layout && try_module_get(layout->owner) ? layout :
							 ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_layout_get, "CXL");

/**
 * cxl_cram_layout_put - the opposite of cxl_cram_layout_get()
 * @layout: not used any more
 *
 * Context: any.
 */
void cxl_cram_layout_put(const struct cxl_cram_layout *layout)
{
	module_put(layout->owner);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_layout_put, "CXL");

/**
 * cxl_cram_memdev - the memory device of a region that compresses
 * @cxlr_dax: device of the region
 * @dpa: result: address in the device of the region's first byte
 *
 * Its addresses are those of the region, but for a constant.
 *
 * Context: process, may sleep.
 * Return: the memory device, which stays as long as the region's device; or
 * ERR_PTR: -ENXIO when it is gone, -EOPNOTSUPP for other addresses.
 */
struct cxl_memdev *cxl_cram_memdev(struct cxl_dax_region *cxlr_dax, u64 *dpa)
{
	const struct cxl_region_params *p = &cxlr_dax->cxlr->params;
	struct cxl_endpoint_decoder *cxled;

	guard(rwsem_read)(&cxl_rwsem.region);
	guard(rwsem_read)(&cxl_rwsem.dpa);
	cxled = p->targets[0];
	if (!cxled || !cxled->dpa_res)
		return ERR_PTR(-ENXIO);
	if (p->nr_targets != 1 || p->cache_size ||
	    resource_size(cxled->dpa_res) != range_len(&cxlr_dax->hpa_range))
		return ERR_PTR(-EOPNOTSUPP);
	*dpa = cxled->dpa_res->start;
	return cxled_to_memdev(cxled);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_memdev, "CXL");

/**
 * cxl_region_compresses - does a device of the region compress?
 * @cxlr: a committed region
 *
 * Context: process, may sleep; the targets of the region do not change.
 * Return: 1 or 0; an errno when a device does not say.
 */
int cxl_region_compresses(struct cxl_region *cxlr)
{
	struct cxl_region_params *p = &cxlr->params;
	int i, ret = 0;

	for (i = 0; i < p->nr_targets && !ret; i++)
		if (p->targets[i])
			ret = compresses(cxled_to_memdev(p->targets[i]));
	return ret;
}

/* Says why a region cannot become compressed RAM; NULL if it can. */
static const char *obstacle(const struct cxl_region *cxlr)
{
	if (cxlr->mode != CXL_PARTMODE_RAM)
		return "is not volatile";
	if (cxlr->params.nr_targets > 1)
		return "has several devices";
	return IS_ENABLED(CONFIG_CXL_CRAM) ? NULL : "is for a kernel with CXL_CRAM";
}

static int check_devices(struct cxl_region *cxlr)
{
	const char *why;
	int ret;

	guard(rwsem_read)(&cxl_rwsem.region);
	ret = cxl_region_compresses(cxlr);
	if (ret < 0)
		dev_err(&cxlr->dev, "is not enabled: a device of it does not say whether it compresses: %d\n",
			ret);
	if (ret <= 0)
		return ret;
	why = obstacle(cxlr);
	if (!why)
		return 1;
	dev_err(&cxlr->dev, "is not enabled: it has a device that compresses, and %s\n",
		why);
	return -EOPNOTSUPP;
}

static bool is_ordinary(struct cxl_region *cxlr)
{
	scoped_guard(rwsem_read, &cxl_rwsem.region)
		if (!cxl_region_in_use(cxlr))
			return false;
	return !cxl_region_is_private(cxlr);
}

/**
 * cxl_region_check_compressed - may a region be enabled?
 * @cxlr: a committed region
 *
 * Memory of a device that compresses, or that does not say whether it does, is
 * nobody's but cxl_cram's.  What firmware passed on as System RAM cannot be
 * taken back.
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: 0 or an errno, with a line in the kernel log.
 */
int cxl_region_check_compressed(struct cxl_region *cxlr)
{
	int ret = check_devices(cxlr);

	if (ret > 0 && is_ordinary(cxlr))
		dev_crit(&cxlr->dev, "its device compresses, and its memory is ordinary already: it will lose data when it is full\n");
	return min(ret, 0);
}

static int decoder_compresses(struct device *dev, const void *data)
{
	const struct resource *res = data;
	struct cxl_endpoint_decoder *cxled;
	const struct range *hpa;

	if (!is_endpoint_decoder(dev))
		return 0;
	cxled = to_cxl_endpoint_decoder(dev);
	hpa = &cxled->cxld.hpa_range;
	return cxled->cxld.flags & CXL_DECODER_F_ENABLE &&
	       hpa->start <= res->end && res->start <= hpa->end &&
	       compresses(cxled_to_memdev(cxled));
}

/**
 * cxl_resource_compresses - is a part of it memory of a device that compresses?
 * @res: an address range
 *
 * Asks decoders, as there may be no region, or one of another size.
 *
 * Context: process, may sleep; cxl_rwsem.region held.
 * Return: true if so, or if a device does not say.
 */
bool cxl_resource_compresses(const struct resource *res)
{
	struct device *dev __free(put_device) =
		bus_find_device(&cxl_bus_type, NULL, res, decoder_compresses);

	return dev;
}

static BLOCKING_NOTIFIER_HEAD(event_chain);

/**
 * cxl_event_register - be told of event records of all memory devices
 * @nb: called with the address of a struct cxl_event_note
 *
 * Context: process, may sleep.
 * Return: 0 or an errno.
 */
int cxl_event_register(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&event_chain, nb);
}
EXPORT_SYMBOL_NS_GPL(cxl_event_register, "CXL");

/**
 * cxl_event_unregister - the opposite of cxl_event_register()
 * @nb: it is not being called any more when this returns
 *
 * Context: process, may sleep.
 */
void cxl_event_unregister(struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&event_chain, nb);
}
EXPORT_SYMBOL_NS_GPL(cxl_event_unregister, "CXL");

/* See region_cram.h. */
void cxl_event_tell(struct cxl_memdev *cxlmd, enum cxl_event_type type,
		    const uuid_t *uuid, const union cxl_event *event)
{
	struct cxl_event_note note = { cxlmd, type, uuid, event };

	blocking_notifier_call_chain(&event_chain, 0, &note);
}
