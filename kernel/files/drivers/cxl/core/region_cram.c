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
#include <linux/export.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/rwsem.h>
#include <cxlcram.h>
#include <cxlmem.h>
#include <cxl.h>

#include "core.h"
#include "region_cram.h"

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
	};
	return 0;
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_parse, "CXL");

static struct cxl_cram_layout our_layout = {
	.name = "cxl",
	.feature = CXL_CRAM_FEATURE_UUID,
	.event = CXL_CRAM_EVENT_UUID,
	.size = sizeof(struct cxl_cram_feature),
	.parse = cxl_cram_parse,
};

/* Those of vendors come before ours. */
static LIST_HEAD(layouts);
static DECLARE_RWSEM(layouts_lock);

/**
 * cxl_cram_add_layout - say how devices of a vendor describe themselves
 * @layout: stays valid until cxl_cram_remove_layout()
 *
 * Regions that are enabled later know it.
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
 * @layout: no region of such a device is enabled
 *
 * Context: process, may sleep.
 */
void cxl_cram_remove_layout(struct cxl_cram_layout *layout)
{
	guard(rwsem_write)(&layouts_lock);
	list_del(&layout->list);
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_remove_layout, "CXL");

static bool has_feature(struct cxl_memdev *cxlmd,
			const struct cxl_cram_layout *layout)
{
	return !IS_ERR(cxl_feature_info(to_cxlfs(cxlmd->cxlds),
					&layout->feature));
}

/**
 * cxl_cram_layout_of - does a memory device compress, and how does it say so?
 * @cxlmd: the device
 *
 * Context: process, may sleep.
 * Return: the layout of its feature, NULL for a device that does not compress.
 */
const struct cxl_cram_layout *cxl_cram_layout_of(struct cxl_memdev *cxlmd)
{
	struct cxl_cram_layout *layout;

	guard(rwsem_read)(&layouts_lock);
	list_for_each_entry(layout, &layouts, list)
		if (has_feature(cxlmd, layout))
			return layout;
	return has_feature(cxlmd, &our_layout) ? &our_layout : NULL;
}
EXPORT_SYMBOL_NS_GPL(cxl_cram_layout_of, "CXL");

/**
 * cxl_region_compresses - does a device of the region compress?
 * @cxlr: a committed region
 *
 * Context: process, may sleep; the targets of the region do not change.
 */
bool cxl_region_compresses(struct cxl_region *cxlr)
{
	struct cxl_region_params *p = &cxlr->params;
	int i;

	for (i = 0; i < p->nr_targets; i++)
		if (p->targets[i] &&
		    cxl_cram_layout_of(cxled_to_memdev(p->targets[i])))
			return true;
	return false;
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
void cxl_event_tell(struct cxl_memdev *cxlmd,
		    const struct cxl_event_record_raw *record)
{
	struct cxl_event_note note = { cxlmd, record };

	blocking_notifier_call_chain(&event_chain, 0, &note);
}
