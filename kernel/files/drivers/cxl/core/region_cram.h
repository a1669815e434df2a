/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions of memory devices that compress: declarations for the CXL core and
 * for drivers/cxl/cram.c.
 */
#ifndef __CXL_REGION_CRAM_H__
#define __CXL_REGION_CRAM_H__

#include <cxl/event.h>
#include <linux/types.h>

struct cxl_cram_layout;
struct cxl_memdev;
struct cxl_region;
struct notifier_block;

/**
 * struct cxl_event_note - an event of a memory device
 * @cxlmd: the device
 * @record: what it said; NULL when it had to forget some
 */
struct cxl_event_note {
	struct cxl_memdev *cxlmd;
	const struct cxl_event_record_raw *record;
};

#ifdef CONFIG_CXL_CRAM_REGION

const struct cxl_cram_layout *cxl_cram_layout_of(struct cxl_memdev *cxlmd);
bool cxl_region_compresses(struct cxl_region *cxlr);
int cxl_event_register(struct notifier_block *nb);
void cxl_event_unregister(struct notifier_block *nb);

/*
 * cxl_event_tell - an event record was read
 * @cxlmd: the device
 * @record: the record, NULL after an overflow of the log
 *
 * Context: process, may sleep; mutex of the event logs held.
 */
void cxl_event_tell(struct cxl_memdev *cxlmd,
		    const struct cxl_event_record_raw *record);

#else

static inline bool cxl_region_compresses(struct cxl_region *cxlr)
{
	return false;
}

static inline void cxl_event_tell(struct cxl_memdev *cxlmd,
				  const struct cxl_event_record_raw *record)
{
}

#endif

#endif /* __CXL_REGION_CRAM_H__ */
