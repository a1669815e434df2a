/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a CXL region as a private node: declarations for region.c,
 * region_dax.c and mbox.c.
 */
#ifndef __CXL_REGION_PRIVATE_H__
#define __CXL_REGION_PRIVATE_H__

#include <cxl/event.h>

struct attribute_group;
struct cxl_dax_region;
struct cxl_endpoint_decoder;
struct cxl_memdev;
struct cxl_region;

#ifdef CONFIG_CXL_REGION_PRIVATE

extern const struct attribute_group cxl_region_private_group;
#define CXL_REGION_PRIVATE_GROUP &cxl_region_private_group,

void cxl_region_bequeath(struct cxl_region *cxlr,
			 struct cxl_dax_region *cxlr_dax);
void cxl_region_stays(struct cxl_region *cxlr);
int cxl_region_reset_refused(struct cxl_region *cxlr, bool bound);
void cxl_region_unmap_decoder(struct cxl_endpoint_decoder *cxled);
bool cxl_region_in_use(struct cxl_region *cxlr);
void cxl_region_passthrough(struct cxl_region *cxlr,
			    struct cxl_endpoint_decoder *cxled);
bool cxl_region_is_private(struct cxl_region *cxlr);
void cxl_region_media_event(struct cxl_memdev *cxlmd, enum cxl_event_type type,
			    const union cxl_event *evt);
void cxl_region_media_exit(void);

#else

#define CXL_REGION_PRIVATE_GROUP

static inline void cxl_region_bequeath(struct cxl_region *cxlr,
				       struct cxl_dax_region *cxlr_dax)
{
}

static inline bool cxl_region_in_use(struct cxl_region *cxlr)
{
	return false;
}

static inline void cxl_region_stays(struct cxl_region *cxlr)
{
}

static inline int cxl_region_reset_refused(struct cxl_region *cxlr, bool bound)
{
	return 0;
}

static inline void
cxl_region_unmap_decoder(struct cxl_endpoint_decoder *cxled)
{
}

static inline void cxl_region_passthrough(struct cxl_region *cxlr,
					  struct cxl_endpoint_decoder *cxled)
{
}

static inline bool cxl_region_is_private(struct cxl_region *cxlr)
{
	return false;
}

static inline void cxl_region_media_event(struct cxl_memdev *cxlmd,
					  enum cxl_event_type type,
					  const union cxl_event *evt)
{
}

static inline void cxl_region_media_exit(void)
{
}

#endif /* CONFIG_CXL_REGION_PRIVATE */

#endif /* __CXL_REGION_PRIVATE_H__ */
