/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions of memory devices that compress: declarations for the CXL core and
 * for drivers/cxl/cram.c.
 */
#ifndef __CXL_REGION_CRAM_H__
#define __CXL_REGION_CRAM_H__

#include <cxl/event.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct cxl_cram_layout;
struct cxl_cram_state;
struct cxl_dax_region;
struct cxl_memdev;
struct cxl_region;
struct notifier_block;
struct resource;

/**
 * struct cxl_event_note - an event of a memory device
 * @cxlmd: the device
 * @type: of the event
 * @uuid: of its record; null when firmware passed it on
 * @event: what it said; NULL when the device had to forget some
 */
struct cxl_event_note {
	struct cxl_memdev *cxlmd;
	enum cxl_event_type type;
	const uuid_t *uuid;
	const union cxl_event *event;
};

#ifdef CONFIG_CXL_REGION

int cxl_cram_read(struct cxl_memdev *cxlmd,
		  const struct cxl_cram_layout *layout,
		  struct cxl_cram_state *state);
const struct cxl_cram_layout *cxl_cram_layout_get(struct cxl_memdev *cxlmd);
void cxl_cram_layout_put(const struct cxl_cram_layout *layout);
struct cxl_memdev *cxl_cram_memdev(struct cxl_dax_region *cxlr_dax, u64 *dpa);
int cxl_region_compresses(struct cxl_region *cxlr);
int cxl_region_check_compressed(struct cxl_region *cxlr);
bool cxl_resource_compresses(const struct resource *res);
int cxl_event_register(struct notifier_block *nb);
void cxl_event_unregister(struct notifier_block *nb);

/*
 * cxl_event_tell - a memory device reports an event
 * @cxlmd: the device
 * @type: of the event
 * @uuid: see &cxl_event_note
 * @event: see &cxl_event_note
 *
 * Context: process, may sleep; the mutex of the event logs may be held.
 */
void cxl_event_tell(struct cxl_memdev *cxlmd, enum cxl_event_type type,
		    const uuid_t *uuid, const union cxl_event *event);

#else

static inline void cxl_event_tell(struct cxl_memdev *cxlmd,
				  enum cxl_event_type type, const uuid_t *uuid,
				  const union cxl_event *event)
{
}

#endif

#endif /* __CXL_REGION_CRAM_H__ */
