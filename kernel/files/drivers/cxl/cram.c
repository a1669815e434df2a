// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compressed RAM on a CXL memory device.
 *
 * A device that compresses says so by a feature.  Its region has a device of its
 * own type, which this driver takes.  The region has to be private: then the
 * memory comes up on a private node and is registered as compressed RAM.
 *
 *	reading		Get Feature
 *	trim		Media Operations, write zeroes, some ranges at a time
 *	capacity event	an event record, and each overflow of an event log
 *	lost page	a media event that could not be corrected
 *
 * All commands go through the device's mailbox.  A command that fails, is
 * answered busy or times out is an error of this reading or trim: mm/cram admits
 * nothing without a reading, and sends what was not trimmed again.
 *
 * An unbind cannot fail.  If residents cannot leave, the memory is kept, and
 * every reading fails until a region at the same place takes it back.
 *
 * See Documentation/driver-api/cxl-cram.rst.
 */
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/cram.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/private_node.h>
#include <linux/range.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/unaligned.h>
#include <cxlcram.h>
#include <cxlmem.h>
#include <cxl.h>

#include "core/region_cram.h"

/* What a device can drop in a command without blocking others for long. */
#define TRIM_BYTES	SZ_16M
#define TRIM_RANGES	64
#define TRIM_POLL_MS	100
#define TRIM_POLLS	50

/* Added to the distance of the region's own node for a spare one, as dax does. */
#define SPARE_DISTANCE	30

#define OWNER_MAX	32

/* Media Operations, CXL rev 3.1 section 8.2.9.9.5.3 */
#define MEDIA_OP_CLASS_SANITIZE	1
#define MEDIA_OP_WRITE_ZEROES	1

struct media_op_range {
	__le64 dpa;
	__le64 length;
} __packed;

struct media_op {
	u8 class;
	u8 subclass;
	u8 reserved[2];
	__le32 nr_ranges;
	struct media_op_range ranges[TRIM_RANGES];
} __packed;

/**
 * struct cxl_cram - compressed RAM of one region
 * @list: entry in kept while there is no device
 * @lock: protects @cxlmd for who may sleep; held for each command
 * @atomic_lock: protects @cxlmd for who may not
 * @cxlmd: the memory device; NULL while the memory is kept
 * @layout: how the device describes itself
 * @range: the region
 * @dpa: device address of the first byte of @range
 * @pn: handle of the node, NULL until it is registered
 * @cd: NULL until it is compressed RAM
 * @nid: the node
 * @spare: @nid is from private_node_spare_get()
 * @owner: name of the region, as the node's owner
 * @lost: bitmap of pages that the device has lost
 * @lost_before: what the device had lost when the memory came up
 * @nb: for event records
 * @op: request of the trim that is under way
 */
struct cxl_cram {
	struct list_head list;
	struct mutex lock;	/* see above */
	spinlock_t atomic_lock;	/* see above */
	struct cxl_memdev *cxlmd;
	const struct cxl_cram_layout *layout;
	struct range range;
	u64 dpa;
	struct private_node *pn;
	struct cram_device *cd;
	int nid;
	bool spare;
	char owner[OWNER_MAX];
	unsigned long *lost;
	u64 lost_before;
	struct notifier_block nb;
	struct media_op op;
};

static DEFINE_MUTEX(kept_lock);
static LIST_HEAD(kept);

static u64 dpa_of(const struct cxl_cram *c, unsigned long pfn)
{
	return PFN_PHYS(pfn) - c->range.start + c->dpa;
}

static unsigned long nr_pages(const struct cxl_cram *c)
{
	return PHYS_PFN(range_len(&c->range));
}

/* -- commands ------------------------------------------------------------- */

static int send(struct cxl_memdev *cxlmd, struct cxl_mbox_cmd *cmd)
{
	return cxl_internal_send_cmd(&cxlmd->cxlds->cxl_mbox, cmd);
}

static int read_state(struct cxl_memdev *cxlmd,
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
	ret = send(cxlmd, &cmd);
	return ret ?: layout->parse(data, state);
}

static int read_capacity(struct cram_device *cd, struct cram_capacity *cap)
{
	struct cxl_cram *c = cram_drvdata(cd);
	struct cxl_cram_state state;
	int ret;

	guard(mutex)(&c->lock);
	if (!c->cxlmd)
		return -ENODEV;
	ret = read_state(c->cxlmd, c->layout, &state);
	if (ret)
		return ret;
	*cap = (struct cram_capacity) {
		.total = state.total,
		.used = state.used,
		.lost = state.lost - min(state.lost, c->lost_before),
	};
	return 0;
}

/* How many ranges fit into a request to this device. */
static unsigned int max_ranges(const struct cxl_memdev *cxlmd)
{
	size_t room = cxlmd->cxlds->cxl_mbox.payload_size -
		      offsetof(struct media_op, ranges);

	return min(room / sizeof(struct media_op_range), TRIM_RANGES);
}

static int send_zeroes(struct cxl_cram *c, unsigned int nr)
{
	struct cxl_mbox_cmd cmd = {
		.opcode = CXL_MBOX_OP_MEDIA_OPERATIONS,
		.payload_in = &c->op,
		.size_in = offsetof(struct media_op, ranges[nr]),
		.poll_interval_ms = TRIM_POLL_MS,
		.poll_count = TRIM_POLLS,
	};

	c->op.class = MEDIA_OP_CLASS_SANITIZE;
	c->op.subclass = MEDIA_OP_WRITE_ZEROES;
	c->op.nr_ranges = cpu_to_le32(nr);
	return send(c->cxlmd, &cmd);
}

static void set_range(struct cxl_cram *c, unsigned int i, u64 dpa, u64 length)
{
	c->op.ranges[i].dpa = cpu_to_le64(dpa);
	c->op.ranges[i].length = cpu_to_le64(length);
}

/* One range that is too long for a command. */
static int trim_long(struct cxl_cram *c, const struct cram_range *r)
{
	u64 dpa = dpa_of(c, r->pfn), end = dpa + PFN_PHYS(r->nr_pages), length;
	int ret = 0;

	for (; dpa < end && !ret; dpa += length) {
		length = min(end - dpa, TRIM_BYTES);
		set_range(c, 0, dpa, length);
		ret = send_zeroes(c, 1);
	}
	return ret;
}

/* As many of @nr ranges as fit into a command; returns their number or an errno. */
static int trim_some(struct cxl_cram *c, const struct cram_range *ranges,
		     unsigned int nr)
{
	unsigned int i, most = min(nr, max_ranges(c->cxlmd));
	u64 sum = 0;

	for (i = 0; i < most; i++) {
		sum += PFN_PHYS(ranges[i].nr_pages);
		if (sum > TRIM_BYTES)
			break;
		set_range(c, i, dpa_of(c, ranges[i].pfn),
			  PFN_PHYS(ranges[i].nr_pages));
	}
	if (!i)
		return trim_long(c, ranges) ?: 1;
	return send_zeroes(c, i) ?: i;
}

static void trim_ranges(struct cxl_cram *c, struct cram_range *ranges,
			unsigned int nr)
{
	unsigned int i = 0;
	int done;

	guard(mutex)(&c->lock);
	while (i < nr && c->cxlmd) {
		done = trim_some(c, ranges + i, nr - i);
		if (done <= 0)
			break;
		for (; done--; i++) {
			bitmap_clear(c->lost, ranges[i].pfn -
				     PHYS_PFN(c->range.start),
				     ranges[i].nr_pages);
			ranges[i].trimmed = true;
		}
	}
}

static void trim(struct cram_device *cd, struct cram_range *ranges,
		 unsigned int nr)
{
	struct cxl_cram *c = cram_drvdata(cd);

	/* The first call comes before cram_register() has returned. */
	WRITE_ONCE(c->cd, cd);
	trim_ranges(c, ranges, nr);
	cram_trim_done(cd);
}

static bool is_lost(struct cram_device *cd, unsigned long pfn,
		    unsigned long nr)
{
	struct cxl_cram *c = cram_drvdata(cd);
	unsigned long first = pfn - PHYS_PFN(c->range.start);

	return find_next_bit(c->lost, first + nr, first) < first + nr;
}

static void stored(struct cram_device *cd, unsigned long pfn, unsigned long nr)
{
	struct cxl_cram *c = cram_drvdata(cd);

	guard(spinlock_irqsave)(&c->atomic_lock);
	if (c->cxlmd && c->layout->stored)
		c->layout->stored(c->cxlmd, dpa_of(c, pfn), nr);
}

static void writable(struct cram_device *cd, unsigned long pfn)
{
	struct cxl_cram *c = cram_drvdata(cd);

	guard(spinlock_irqsave)(&c->atomic_lock);
	if (c->cxlmd && c->layout->writable)
		c->layout->writable(c->cxlmd, dpa_of(c, pfn));
}

static const struct cram_ops cxl_cram_ops = {
	.read_capacity = read_capacity,
	.trim = trim,
	.is_lost = is_lost,
	.stored = stored,
	.writable = writable,
};

/* -- events --------------------------------------------------------------- */

/* The core reports the page to memory failure. */
static void note_lost(struct cxl_cram *c, const struct cxl_event_record_raw *r)
{
	const struct cxl_event_media_hdr *media = &r->event.media_hdr;
	u64 dpa = le64_to_cpu(media->phys_addr) & GENMASK_ULL(63, 6);

	if (media->descriptor & 1 && dpa >= c->dpa &&
	    dpa - c->dpa < range_len(&c->range))
		set_bit(PHYS_PFN(dpa - c->dpa), c->lost);
}

static bool is_media(const struct cxl_event_record_raw *r)
{
	return uuid_equal(&r->id, &CXL_EVENT_GEN_MEDIA_UUID) ||
	       uuid_equal(&r->id, &CXL_EVENT_DRAM_UUID);
}

static int on_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct cxl_cram *c = container_of(nb, struct cxl_cram, nb);
	const struct cxl_event_note *note = data;
	struct cram_device *cd = READ_ONCE(c->cd);

	if (note->cxlmd != READ_ONCE(c->cxlmd) || !cd)
		return NOTIFY_DONE;
	if (note->record && is_media(note->record))
		note_lost(c, note->record);
	/* What was forgotten may have been a capacity event. */
	if (!note->record || uuid_equal(&note->record->id, &c->layout->event))
		cram_capacity_event(cd);
	return NOTIFY_OK;
}

/* -- memory --------------------------------------------------------------- */

static int take_spare(int near)
{
	u8 distances[MAX_NUMNODES] = {};
	int nid;

	if (near < 0 || !node_online(near))
		near = first_online_node;
	for_each_online_node(nid)
		distances[nid] = min(node_distance(near, nid) + SPARE_DISTANCE,
				     U8_MAX);
	return private_node_spare_get(distances, MAX_NUMNODES);
}

static int take_node(struct cxl_cram *c, struct device *dev,
		     enum private_node_where where)
{
	int target = phys_to_target_node(c->range.start);
	const char *why = target < 0 ? "is not known" :
				       private_node_obstacle(target);

	c->nid = target;
	if (where != PRIVATE_NODE_WHERE_SPARE && !why)
		return 0;
	if (where == PRIVATE_NODE_WHERE_TARGET) {
		dev_err(dev, "cannot come up: its node %d %s\n", target, why);
		return -EBUSY;
	}
	c->nid = take_spare(target);
	c->spare = c->nid >= 0;
	if (!c->spare)
		dev_err(dev, "cannot come up: no spare node, boot with private_node_spare=1 or more\n");
	return c->spare ? 0 : c->nid;
}

/* Services of compressed RAM; those that others would open are refused. */
#define SERVICES	(BIT(PRIVATE_NODE_RECLAIM) | \
			 BIT(PRIVATE_NODE_DEMOTION) | \
			 BIT(PRIVATE_NODE_PROMOTION))

static int bring_up_node(struct cxl_cram *c, struct device *dev,
			 struct cxl_dax_region *cxlr_dax,
			 const struct private_node_config *config)
{
	struct private_node_desc desc = {
		.owner = c->owner,
		.capable = SERVICES,
		.enabled = config->services,
		.adistance = cxlr_dax->adistance,
		.flags = PRIVATE_NODE_F_NO_DEVICE_MAP |
			 PRIVATE_NODE_F_COMPRESSED,
	};
	struct private_node *pn;
	int ret = take_node(c, dev, config->where);

	if (ret)
		return ret;
	pn = private_node_register(c->nid, &desc);
	if (IS_ERR(pn))
		return PTR_ERR(pn);
	c->pn = pn;
	return add_private_memory_driver_managed(pn, c->range.start,
						 range_len(&c->range),
						 "System RAM (cxl_cram)",
						 MHP_NONE, MMOP_ONLINE_MOVABLE);
}

static int bring_up_cram(struct cxl_cram *c, const struct cxl_cram_state *state)
{
	struct cram_desc desc = {
		.ops = &cxl_cram_ops,
		.worst_case = state->worst_case,
		.margin = state->margin,
		.lag_ms = state->lag_ms,
		.timeout_ms = state->timeout_ms,
		.drvdata = c,
	};
	struct cram_device *cd;

	c->lost_before = state->lost;
	cd = cram_register(c->pn, &desc);
	if (IS_ERR(cd))
		return PTR_ERR(cd);
	WRITE_ONCE(c->cd, cd);
	return cxl_event_register(&c->nb);
}

/* Removes all of it, or with an errno goes on as compressed RAM or as a node. */
static int take_down(struct cxl_cram *c)
{
	int ret;

	if (c->cd) {
		/* No event reaches a device that is gone. */
		cxl_event_unregister(&c->nb);
		ret = cram_unregister(c->cd);
		if (ret) {
			cxl_event_register(&c->nb);
			cram_capacity_event(c->cd);
			return ret;
		}
		c->cd = NULL;
	}
	if (c->pn) {
		ret = remove_private_memory_driver_managed(c->pn);
		if (!ret)
			ret = private_node_unregister(c->pn);
		if (ret)
			return ret;
		private_node_put(c->pn);
		c->pn = NULL;
	}
	if (c->spare)
		private_node_spare_put(c->nid);
	c->spare = false;
	return 0;
}

/* -- the region's device -------------------------------------------------- */

static void set_device(struct cxl_cram *c, struct cxl_memdev *cxlmd,
		       const struct cxl_cram_layout *layout)
{
	guard(mutex)(&c->lock);
	guard(spinlock_irqsave)(&c->atomic_lock);
	WRITE_ONCE(c->cxlmd, cxlmd);
	if (layout)
		c->layout = layout;
}

static struct cxl_cram *take_kept(const struct range *range)
{
	struct cxl_cram *c;

	guard(mutex)(&kept_lock);
	list_for_each_entry(c, &kept, list)
		if (c->range.start == range->start && c->range.end == range->end) {
			list_del(&c->list);
			return c;
		}
	return NULL;
}

/* Nobody can refuse an unbind: readings and trims fail from now on. */
static void keep(struct cxl_cram *c)
{
	set_device(c, NULL, NULL);
	pr_warn("%s: unbound while its memory is in use: stays compressed RAM on node %d, and takes nothing; enable the region again\n",
		c->owner, c->nid);
	__module_get(THIS_MODULE);
	guard(mutex)(&kept_lock);
	list_add_tail(&c->list, &kept);
}

static void free_cram(struct cxl_cram *c)
{
	bitmap_free(c->lost);
	kfree(c);
}

static struct cxl_cram *new_cram(struct cxl_dax_region *cxlr_dax)
{
	struct cxl_endpoint_decoder *cxled = cxlr_dax->cxlr->params.targets[0];
	struct cxl_cram *c = kzalloc_obj(*c);

	if (!c)
		return NULL;
	mutex_init(&c->lock);
	spin_lock_init(&c->atomic_lock);
	c->nb.notifier_call = on_event;
	c->range = cxlr_dax->hpa_range;
	c->dpa = cxled->dpa_res->start;
	snprintf(c->owner, sizeof(c->owner), "cxl_cram-%s",
		 dev_name(&cxlr_dax->cxlr->dev));
	c->lost = bitmap_zalloc(nr_pages(c), GFP_KERNEL);
	if (c->lost)
		return c;
	kfree(c);
	return NULL;
}

static const struct private_node_config *
check_config(struct device *dev, const struct cxl_dax_region *cxlr_dax)
{
	const struct private_node_config *config =
		private_node_config_of(&cxlr_dax->private);

	if (!config->private) {
		dev_warn(dev, "its device compresses, so that its memory cannot be ordinary; write 1 to private of the region before it is committed\n");
		return NULL;
	}
	if (config->services & ~SERVICES) {
		dev_err(dev, "its device compresses: private_services may have reclaim, demotion and promotion\n");
		return NULL;
	}
	return config;
}

static int ask_device(struct cxl_cram *c, struct device *dev,
		      struct cxl_cram_state *state)
{
	int ret = read_state(c->cxlmd, c->layout, state);

	if (ret)
		dev_err(dev, "its device does not say what it can store: %d\n",
			ret);
	return ret;
}

/* Who cannot say what it has gets no memory. */
static int bring_up(struct cxl_cram *c, struct device *dev,
		    struct cxl_dax_region *cxlr_dax,
		    const struct private_node_config *config)
{
	struct cxl_cram_state state;

	return ask_device(c, dev, &state) ?:
	       bring_up_node(c, dev, cxlr_dax, config) ?:
	       bring_up_cram(c, &state);
}

/* Memory that was kept: the device may have changed since its last reading. */
static int go_on(struct cxl_cram *c, struct device *dev)
{
	struct cxl_cram_state state;

	if (!c->cd)
		return ask_device(c, dev, &state) ?: bring_up_cram(c, &state);
	cram_capacity_event(c->cd);
	return 0;
}

static int cram_region_probe(struct device *dev)
{
	struct cxl_dax_region *cxlr_dax = to_cxl_dax_region(dev);
	struct cxl_endpoint_decoder *cxled = cxlr_dax->cxlr->params.targets[0];
	struct cxl_memdev *cxlmd = cxled_to_memdev(cxled);
	const struct cxl_cram_layout *layout = cxl_cram_layout_of(cxlmd);
	const struct private_node_config *config;
	struct cxl_cram *c;
	int ret;

	c = take_kept(&cxlr_dax->hpa_range);
	if (c) {
		set_device(c, cxlmd, layout);
		module_put(THIS_MODULE);
		ret = go_on(c, dev);
		if (ret)
			keep(c);
		else
			dev_set_drvdata(dev, c);
		return ret;
	}
	config = check_config(dev, cxlr_dax);
	if (!config)
		return -ENODEV;
	c = new_cram(cxlr_dax);
	if (!c)
		return -ENOMEM;
	set_device(c, cxlmd, layout);
	ret = bring_up(c, dev, cxlr_dax, config);
	if (!ret)
		dev_set_drvdata(dev, c);
	else if (take_down(c))
		keep(c);
	else
		free_cram(c);
	return ret;
}

static void cram_region_remove(struct device *dev)
{
	struct cxl_cram *c = dev_get_drvdata(dev);

	if (take_down(c))
		keep(c);
	else
		free_cram(c);
}

static struct cxl_driver cram_region_driver = {
	.name = "cxl_cram",
	.probe = cram_region_probe,
	.remove = cram_region_remove,
	.id = CXL_DEVICE_CRAM_REGION,
	.drv = {
		.suppress_bind_attrs = true,
	},
};

module_cxl_driver(cram_region_driver);
MODULE_ALIAS_CXL(CXL_DEVICE_CRAM_REGION);
MODULE_DESCRIPTION("CXL CRAM: compressed RAM on CXL memory devices");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("CXL");
