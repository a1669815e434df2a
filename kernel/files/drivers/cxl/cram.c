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
 * every reading fails until a region of the same device at the same place takes
 * it back.  Memory whose device has gone is taken down from here as soon as that
 * is possible.
 *
 * What a device can store is one number for all of it, so that two ledgers would
 * promise it twice: a device has one region here.
 *
 * See Documentation/driver-api/cxl-cram.rst.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
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
#include <linux/workqueue.h>
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
 * @list: entry in all, protected by all_lock
 * @kept: there is no region; protected by all_lock
 * @gone: the device is not there any more, and gets no command
 * @unreadable: nor can its memory be read
 * @host: the device, with a reference
 * @lock: protects @cxlmd for who may sleep; held for each command
 * @atomic_lock: protects @cxlmd, @layout and @cd for who may not
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
 * @said: what the device said when it became compressed RAM
 * @last: what it said in the last reading
 * @nr_lost: pages lost since it became compressed RAM
 * @told: it was said that the device needs more than @said
 * @forgot: reports pages that the device has forgotten to memory failure
 * @nb: for events
 * @op: request of the trim that is under way
 */
struct cxl_cram {
	struct list_head list;
	bool kept;
	bool gone;
	bool unreadable;
	struct device *host;
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
	struct cxl_cram_state said;
	struct cxl_cram_state last;
	u64 nr_lost;
	bool told;
	struct work_struct forgot;
	struct notifier_block nb;
	struct media_op op;
};

static DEFINE_MUTEX(all_lock);
static LIST_HEAD(all);

/* Seconds until the next try to take down what is gone; they double. */
#define FIRST_WAIT	1
#define LONGEST_WAIT	600

static void take_down_gone(struct work_struct *work);
static DECLARE_DELAYED_WORK(gone_work, take_down_gone);
static unsigned int gone_wait;	/* protected by all_lock */

static u64 dpa_of(const struct cxl_cram *c, unsigned long pfn)
{
	return PFN_PHYS(pfn) - c->range.start + c->dpa;
}

static unsigned long nr_pages(const struct cxl_cram *c)
{
	return PHYS_PFN(range_len(&c->range));
}

/* -- readings ------------------------------------------------------------- */

/* The users of pages that the device has forgotten get SIGBUS. */
static void report_forgotten(struct work_struct *work)
{
	struct cxl_cram *c = container_of(work, struct cxl_cram, forgot);
	unsigned long i, first = PHYS_PFN(c->range.start);

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		return;
	for_each_set_bit(i, c->lost, nr_pages(c)) {
		memory_failure(first + i, 0);
		cond_resched();
	}
}

/* A free page has nothing to lose; its bit would stay until it is trimmed. */
static void forget_all(struct cxl_cram *c)
{
	unsigned long i, first = PHYS_PFN(c->range.start);
	struct page *page;

	pr_err("%s: the device was reset, and has forgotten what it stored\n",
	       c->owner);
	for (i = 0; i < nr_pages(c); i++) {
		page = pfn_to_online_page(first + i);
		if (page && page_count(page))
			set_bit(i, c->lost);
	}
	queue_work(system_dfl_long_wq, &c->forgot);
}

/* Pages lost since it is compressed RAM.  A reset may hide how many these are. */
static u64 count_lost(struct cxl_cram *c, const struct cxl_cram_state *now)
{
	if (now->epoch == c->last.epoch && now->lost >= c->last.lost) {
		c->nr_lost += now->lost - c->last.lost;
	} else {
		c->nr_lost += nr_pages(c);
		forget_all(c);
	}
	c->last = *now;
	return c->nr_lost;
}

/* The ledger knows what was said first, which new firmware may have changed. */
static int check_needs(struct cxl_cram *c, const struct cxl_cram_state *now)
{
	bool more = now->worst_case > c->said.worst_case ||
		    now->lag_ms > c->said.lag_ms ||
		    now->margin > c->said.margin;

	if (more && !c->told)
		pr_err("%s: the device has raised its worst case, lag or margin, so its readings do not count; disable and enable the region\n",
		       c->owner);
	c->told = more;
	return more ? -EIO : 0;
}

static int read_capacity(struct cram_device *cd, struct cram_capacity *cap)
{
	struct cxl_cram *c = cram_drvdata(cd);
	struct cxl_cram_state state;
	int ret;

	guard(mutex)(&c->lock);
	if (!c->cxlmd)
		return -ENODEV;
	ret = cxl_cram_read(c->cxlmd, c->layout, &state) ?:
	      check_needs(c, &state);
	if (ret)
		return ret;
	*cap = (struct cram_capacity) {
		.total = state.total,
		.used = state.used,
		.lost = count_lost(c, &state),
	};
	return 0;
}

/* -- trims ---------------------------------------------------------------- */

/* How many ranges fit into a request to this device; 0 when it is not there. */
static unsigned int max_ranges(struct cxl_cram *c)
{
	size_t room;

	guard(mutex)(&c->lock);
	if (!c->cxlmd)
		return 0;
	room = c->cxlmd->cxlds->cxl_mbox.payload_size -
	       offsetof(struct media_op, ranges);
	return min(room / sizeof(struct media_op_range), TRIM_RANGES);
}

/* A reading may come in between two of these. */
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
	guard(mutex)(&c->lock);
	if (!c->cxlmd)
		return -ENODEV;
	return cxl_internal_send_cmd(&c->cxlmd->cxlds->cxl_mbox, &cmd);
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
	unsigned int i, most = min(nr, max_ranges(c));
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

/* on_event() sets bits at the same time. */
static void set_trimmed(struct cxl_cram *c, struct cram_range *range)
{
	unsigned long i, first = range->pfn - PHYS_PFN(c->range.start);

	for (i = 0; i < range->nr_pages; i++)
		clear_bit(first + i, c->lost);
	range->trimmed = true;
}

/* What is gone with its device needs no command. */
static void trim_ranges(struct cxl_cram *c, struct cram_range *ranges,
			unsigned int nr)
{
	unsigned int i = 0;
	int done;

	while (i < nr) {
		done = READ_ONCE(c->gone) ? 1 :
					    trim_some(c, ranges + i, nr - i);
		if (done <= 0)
			break;
		for (; done--; i++)
			set_trimmed(c, ranges + i);
	}
}

static void trim(struct cram_device *cd, struct cram_range *ranges,
		 unsigned int nr)
{
	trim_ranges(cram_drvdata(cd), ranges, nr);
	cram_trim_done(cd);
}

static bool is_lost(struct cram_device *cd, unsigned long pfn,
		    unsigned long nr)
{
	struct cxl_cram *c = cram_drvdata(cd);
	unsigned long first = pfn - PHYS_PFN(c->range.start);

	if (READ_ONCE(c->unreadable))
		return true;
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
static void note_lost(struct cxl_cram *c, const struct cxl_event_media_hdr *media)
{
	u64 dpa = le64_to_cpu(media->phys_addr) & GENMASK_ULL(63, 6);

	if (media->descriptor & 1 && dpa >= c->dpa &&
	    dpa - c->dpa < range_len(&c->range))
		set_bit(PHYS_PFN(dpa - c->dpa), c->lost);
}

static bool is_media(const struct cxl_event_note *note)
{
	return note->event && (note->type == CXL_CPER_EVENT_GEN_MEDIA ||
			       note->type == CXL_CPER_EVENT_DRAM);
}

/* What was forgotten may have been a capacity event. */
static bool is_capacity(const struct cxl_cram *c,
			const struct cxl_event_note *note)
{
	return !note->event ||
	       (c->layout && uuid_equal(note->uuid, &c->layout->event));
}

/* The device reports pages also while there is no region. */
static int on_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct cxl_cram *c = container_of(nb, struct cxl_cram, nb);
	const struct cxl_event_note *note = data;

	if (note->cxlmd->cxlds->dev != c->host)
		return NOTIFY_DONE;
	if (is_media(note))
		note_lost(c, &note->event->media_hdr);
	guard(spinlock_irqsave)(&c->atomic_lock);
	if (c->cd && is_capacity(c, note))
		cram_capacity_event(c->cd);
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

/* Events reach @cd from now on, or do not any more when it is NULL. */
static void set_cram(struct cxl_cram *c, struct cram_device *cd)
{
	guard(spinlock_irqsave)(&c->atomic_lock);
	c->cd = cd;
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

	c->said = *state;
	c->last = *state;
	c->nr_lost = 0;
	cd = cram_register(c->pn, &desc);
	if (IS_ERR(cd))
		return PTR_ERR(cd);
	set_cram(c, cd);
	/* There may have been one before. */
	cram_capacity_event(cd);
	return 0;
}

static int take_down_cram(struct cxl_cram *c)
{
	struct cram_device *cd = c->cd;
	int ret;

	if (!cd)
		return 0;
	set_cram(c, NULL);
	ret = cram_unregister(cd);
	if (!ret)
		return 0;
	set_cram(c, cd);
	cram_capacity_event(cd);
	return ret;
}

/* Removes all of it, or with an errno goes on as compressed RAM or as a node. */
static int take_down(struct cxl_cram *c)
{
	int ret = take_down_cram(c);

	if (ret)
		return ret;
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
	c->cxlmd = cxlmd;
	c->layout = layout;
}

static struct cxl_cram *take_kept(const struct range *range, u64 dpa,
				  const struct device *host)
{
	struct cxl_cram *c;

	guard(mutex)(&all_lock);
	list_for_each_entry(c, &all, list)
		if (c->kept && !c->gone && c->host == host && c->dpa == dpa &&
		    c->range.start == range->start &&
		    c->range.end == range->end) {
			c->kept = false;
			return c;
		}
	return NULL;
}

static void release_device(struct cxl_cram *c)
{
	const struct cxl_cram_layout *layout = c->layout;

	set_device(c, NULL, NULL);
	if (layout)
		cxl_cram_layout_put(layout);
}

/* Nobody can refuse an unbind: readings and trims fail from now on. */
static void keep(struct cxl_cram *c)
{
	release_device(c);
	pr_warn("%s: unbound while its memory is in use: stays compressed RAM on node %d, and takes nothing; %s\n",
		c->owner, c->nid, c->gone ? "its users have to stop" :
		"enable the region again");
	guard(mutex)(&all_lock);
	c->kept = true;
	if (!c->gone)
		return;
	gone_wait = FIRST_WAIT;
	mod_delayed_work(system_long_wq, &gone_work, gone_wait * HZ);
}

static void free_cram(struct cxl_cram *c)
{
	scoped_guard(mutex, &all_lock)
		list_del(&c->list);
	cxl_event_unregister(&c->nb);
	cancel_work_sync(&c->forgot);
	release_device(c);
	put_device(c->host);
	bitmap_free(c->lost);
	kfree(c);
	module_put(THIS_MODULE);
}

/* Pages may be held for a while, as by a pipe. */
static void take_down_gone(struct work_struct *work)
{
	struct cxl_cram *c, *next;
	LIST_HEAD(gone);

	scoped_guard(mutex, &all_lock)
		list_for_each_entry_safe(c, next, &all, list)
			if (c->kept && c->gone)
				list_move(&c->list, &gone);
	list_for_each_entry_safe(c, next, &gone, list)
		if (!take_down(c))
			free_cram(c);
	guard(mutex)(&all_lock);
	if (list_empty(&gone))
		return;
	list_splice(&gone, &all);
	gone_wait = min(2 * gone_wait, LONGEST_WAIT);
	queue_delayed_work(system_long_wq, &gone_work, gone_wait * HZ);
}

static int add_to_all(struct cxl_cram *c, struct device *dev)
{
	struct cxl_cram *other;

	guard(mutex)(&all_lock);
	list_for_each_entry(other, &all, list)
		if (other->host == c->host) {
			dev_err(dev, "cannot come up: its device compresses, and %s has it already\n",
				other->owner);
			return -EBUSY;
		}
	list_add_tail(&c->list, &all);
	return 0;
}

static struct cxl_cram *alloc_cram(struct cxl_dax_region *cxlr_dax,
				   struct device *host, u64 dpa)
{
	struct cxl_cram *c = kzalloc_obj(*c);

	if (!c)
		return NULL;
	INIT_LIST_HEAD(&c->list);
	INIT_WORK(&c->forgot, report_forgotten);
	mutex_init(&c->lock);
	spin_lock_init(&c->atomic_lock);
	c->nb.notifier_call = on_event;
	c->range = cxlr_dax->hpa_range;
	c->dpa = dpa;
	snprintf(c->owner, sizeof(c->owner), "cxl_cram-%s",
		 dev_name(&cxlr_dax->cxlr->dev));
	c->lost = bitmap_zalloc(nr_pages(c), GFP_KERNEL);
	if (!c->lost) {
		kfree(c);
		return NULL;
	}
	c->host = get_device(host);
	return c;
}

/* Its functions are called until free_cram(), so the module stays. */
static struct cxl_cram *new_cram(struct cxl_dax_region *cxlr_dax,
				 struct device *host, u64 dpa)
{
	struct cxl_cram *c;
	int ret;

	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-ENODEV);
	c = alloc_cram(cxlr_dax, host, dpa);
	if (!c) {
		module_put(THIS_MODULE);
		return ERR_PTR(-ENOMEM);
	}
	ret = add_to_all(c, &cxlr_dax->dev) ?: cxl_event_register(&c->nb);
	if (!ret)
		return c;
	free_cram(c);
	return ERR_PTR(ret);
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
	int ret = cxl_cram_read(c->cxlmd, c->layout, state);

	if (ret)
		dev_err(dev, "its device does not say what it can store: %d\n",
			ret);
	else if (state->margin > state->total)
		dev_err(dev, "its device wants to keep %llu bytes free, and has %llu\n",
			state->margin, state->total);
	else
		return 0;
	return ret ?: -EINVAL;
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

static int probe_kept(struct cxl_cram *c, struct device *dev,
		      struct cxl_memdev *cxlmd,
		      const struct cxl_cram_layout *layout)
{
	int ret;

	set_device(c, cxlmd, layout);
	ret = go_on(c, dev);
	if (ret)
		keep(c);
	else
		dev_set_drvdata(dev, c);
	return ret;
}

static int probe_new(struct device *dev, struct cxl_memdev *cxlmd, u64 dpa,
		     const struct cxl_cram_layout *layout)
{
	struct cxl_dax_region *cxlr_dax = to_cxl_dax_region(dev);
	const struct private_node_config *config = check_config(dev, cxlr_dax);
	struct cxl_cram *c = config ? new_cram(cxlr_dax, cxlmd->cxlds->dev, dpa) :
				      ERR_PTR(-ENODEV);
	int ret;

	if (IS_ERR(c)) {
		cxl_cram_layout_put(layout);
		return PTR_ERR(c);
	}
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

static int cram_region_probe(struct device *dev)
{
	struct cxl_dax_region *cxlr_dax = to_cxl_dax_region(dev);
	const struct cxl_cram_layout *layout;
	struct cxl_memdev *cxlmd;
	struct cxl_cram *c;
	u64 dpa;

	cxlmd = cxl_cram_memdev(cxlr_dax, &dpa);
	if (PTR_ERR_OR_ZERO(cxlmd) == -EOPNOTSUPP)
		dev_err(dev, "cannot come up: its addresses are not those of its device one by one\n");
	if (IS_ERR(cxlmd))
		return PTR_ERR(cxlmd);
	layout = cxl_cram_layout_get(cxlmd);
	if (IS_ERR(layout)) {
		dev_err(dev, "cannot come up: nobody knows how its device says what it can store: %pe\n",
			layout);
		return PTR_ERR(layout);
	}
	c = take_kept(&cxlr_dax->hpa_range, dpa, cxlmd->cxlds->dev);
	return c ? probe_kept(c, dev, cxlmd, layout) :
		   probe_new(dev, cxlmd, dpa, layout);
}

/* The device gets no command any more, and what it stored is lost. */
static void set_gone(struct cxl_cram *c)
{
	WRITE_ONCE(c->gone, true);
	WRITE_ONCE(c->unreadable, true);
	if (c->pn)
		private_node_set_lost(c->pn);
}

/* The device may answer until it has left, and not after that. */
static void cram_region_remove(struct device *dev)
{
	enum private_node_presence device =
		READ_ONCE(to_cxl_dax_region(dev)->cxlr->device);
	struct cxl_cram *c = dev_get_drvdata(dev);

	if (device == PRIVATE_NODE_DEVICE_LOST)
		set_gone(c);
	if (!take_down(c)) {
		free_cram(c);
		return;
	}
	if (device != PRIVATE_NODE_DEVICE_STAYS)
		set_gone(c);
	keep(c);
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

static int __init cxl_cram_init(void)
{
	return cxl_driver_register(&cram_region_driver);
}

static void __exit cxl_cram_exit(void)
{
	cxl_driver_unregister(&cram_region_driver);
	cancel_delayed_work_sync(&gone_work);
}

module_init(cxl_cram_init);
module_exit(cxl_cram_exit);
MODULE_ALIAS_CXL(CXL_DEVICE_CRAM_REGION);
MODULE_DESCRIPTION("CXL CRAM: compressed RAM on CXL memory devices");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("CXL");
