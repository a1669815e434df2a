// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mock memory device that compresses.
 *
 * What it stores is kept by a device of the module cram_sim that was made with
 * role=store, for the range in which the mock's window is.  Here are the feature
 * and the command by which drivers/cxl/cram.c asks for it, and the records that
 * it reads in the event log.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>
#include <cxlcram.h>
#include <cxlmem.h>

#include "../../../../lib/test_cram.h"
#include "cram.h"

static int cram_id = -1;
module_param(cram_id, int, 0444);
MODULE_PARM_DESC(cram_id, "number of the mock memory device that compresses, -1 for none");

static unsigned long cram_base;
module_param(cram_base, ulong, 0444);
MODULE_PARM_DESC(cram_base, "address at which its memory is");

static unsigned long cram_size;
module_param(cram_size, ulong, 0444);
MODULE_PARM_DESC(cram_size, "bytes of it");

static bool cram_lists_nothing;
module_param(cram_lists_nothing, bool, 0644);
MODULE_PARM_DESC(cram_lists_nothing, "Get Supported Features fails");

static uint cram_epoch;
module_param(cram_epoch, uint, 0644);
MODULE_PARM_DESC(cram_epoch, "number of resets");

static ulong cram_margin;
module_param(cram_margin, ulong, 0644);
MODULE_PARM_DESC(cram_margin, "bytes that the host has to keep free");

/*
 * There is one.  @store is NULL until somebody has made it; under @lock, and
 * stays as long as this module.
 */
static struct {
	struct mutex lock;	/* protects store */
	struct device *dev;
	struct sim_device *store;
	struct work_struct short_work;
} mock = {
	.lock = __MUTEX_INITIALIZER(mock.lock),
};

bool mock_cram_is(const struct device *dev)
{
	return cram_id >= 0 && to_platform_device(dev)->id == cram_id;
}

bool mock_cram_lists_nothing(void)
{
	return cram_lists_nothing;
}

static void short_of_room(void *data)
{
	schedule_work(&mock.short_work);
}

static void say_short(struct work_struct *work)
{
	struct cxl_event_record_raw record = { .id = CXL_CRAM_EVENT_UUID };

	record.event.generic.hdr.length = sizeof(record);
	mock_raise_event(mock.dev, &record);
}

static void lost(void *data, unsigned long pfn)
{
	struct cxl_event_record_raw record = { .id = CXL_EVENT_GEN_MEDIA_UUID };
	struct cxl_event_media_hdr *media = &record.event.media_hdr;

	media->hdr.length = sizeof(record);
	media->phys_addr = cpu_to_le64(PFN_PHYS(pfn) - cram_base);
	media->descriptor = 1;	/* not corrected */
	mock_raise_event(mock.dev, &record);
}

static const struct cram_sim_player player = {
	.short_of_room = short_of_room,
	.lost = lost,
};

static struct sim_device *store(void)
{
	struct sim_device *sd;

	guard(mutex)(&mock.lock);
	if (mock.store)
		return mock.store;
	sd = cram_sim_store_get(cram_base, cram_size, &player, NULL);
	if (!IS_ERR(sd))
		WRITE_ONCE(mock.store, sd);
	return sd;
}

static int fail(struct cxl_mbox_cmd *cmd, u16 code)
{
	cmd->return_code = code;
	return -ENXIO;
}

int mock_cram_get_feature(struct device *dev, struct cxl_mbox_cmd *cmd)
{
	struct cxl_mbox_get_feat_in *in = cmd->payload_in;
	struct cxl_cram_feature *out = cmd->payload_out;
	struct sim_device *sd = store();
	struct cram_capacity cap;

	if (!uuid_equal(&in->uuid, &CXL_CRAM_FEATURE_UUID))
		return fail(cmd, CXL_MBOX_CMD_RC_UNSUPPORTED);
	if (le16_to_cpu(in->offset) || cmd->size_out < sizeof(*out))
		return fail(cmd, CXL_MBOX_CMD_RC_INPUT);
	if (IS_ERR(sd))
		return fail(cmd, CXL_MBOX_CMD_RC_HANDLE);
	if (cram_sim_store_read(sd, &cap))
		return fail(cmd, CXL_MBOX_CMD_RC_BUSY);
	*out = (struct cxl_cram_feature) {
		.worst_case = cpu_to_le32(cram_sim_store_worst_case(sd)),
		.lag_ms = cpu_to_le32(cram_sim_store_lag_ms(sd)),
		.epoch = cpu_to_le32(cram_epoch),
		.margin = cpu_to_le64(cram_margin),
		.total = cpu_to_le64(cap.total),
		.used = cpu_to_le64(cap.used),
		.lost = cpu_to_le64(cap.lost),
	};
	cmd->size_out = sizeof(*out);
	return 0;
}

void mock_cram_fill_entry(struct cxl_feat_entry *feat)
{
	*feat = (struct cxl_feat_entry) {
		.uuid = CXL_CRAM_FEATURE_UUID,
		.id = cpu_to_le16(1),
		.get_feat_size = cpu_to_le16(sizeof(struct cxl_cram_feature)),
	};
}

struct zeroes {
	u8 class;
	u8 subclass;
	u8 reserved[2];
	__le32 nr_ranges;
	struct {
		__le64 dpa;
		__le64 length;
	} __packed ranges[];
} __packed;

static bool drop(struct sim_device *sd, u64 dpa, u64 length)
{
	if (dpa >= cram_size || length > cram_size - dpa ||
	    !PAGE_ALIGNED(dpa | length))
		return false;
	return cram_sim_store_trim(sd, PHYS_PFN(cram_base + dpa),
				   PHYS_PFN(length));
}

int mock_cram_media_operations(struct device *dev, struct cxl_mbox_cmd *cmd)
{
	const struct zeroes *in = cmd->payload_in;
	struct sim_device *sd = store();
	unsigned int i, nr;

	if (IS_ERR(sd) || cmd->size_in < sizeof(*in))
		return fail(cmd, CXL_MBOX_CMD_RC_INPUT);
	nr = le32_to_cpu(in->nr_ranges);
	if (in->class != 1 || in->subclass != 1 ||
	    cmd->size_in != struct_size(in, ranges, nr))
		return fail(cmd, CXL_MBOX_CMD_RC_INPUT);
	for (i = 0; i < nr; i++)
		if (!drop(sd, le64_to_cpu(in->ranges[i].dpa),
			  le64_to_cpu(in->ranges[i].length)))
			return fail(cmd, CXL_MBOX_CMD_RC_BUSY);
	cmd->size_out = 0;
	return 0;
}

/* A real device sees stores by itself. */
static void mock_stored(struct cxl_memdev *cxlmd, u64 dpa, unsigned long nr)
{
	cram_sim_store_stored(mock.store, PHYS_PFN(cram_base + dpa), nr);
}

static void mock_writable(struct cxl_memdev *cxlmd, u64 dpa)
{
	cram_sim_store_writable(mock.store, PHYS_PFN(cram_base + dpa));
}

static struct cxl_cram_layout layout = {
	.owner = THIS_MODULE,
	.name = "mock",
	.feature = CXL_CRAM_FEATURE_UUID,
	.event = CXL_CRAM_EVENT_UUID,
	.size = sizeof(struct cxl_cram_feature),
	.parse = cxl_cram_parse,
	.stored = mock_stored,
	.writable = mock_writable,
};

static void mock_cram_remove(void *data)
{
	cxl_cram_remove_layout(&layout);
	if (mock.store)
		cram_sim_store_put(mock.store);
	mock.store = NULL;
	cancel_work_sync(&mock.short_work);
}

int mock_cram_probe(struct device *dev)
{
	mock.dev = dev;
	INIT_WORK(&mock.short_work, say_short);
	cxl_cram_add_layout(&layout);
	return devm_add_action_or_reset(dev, mock_cram_remove, NULL);
}
