/* SPDX-License-Identifier: GPL-2.0-only */
/* A mock memory device that compresses: declarations for mem.c. */
#ifndef __CXL_TEST_CRAM_H__
#define __CXL_TEST_CRAM_H__

#include <linux/types.h>

struct cxl_event_record_raw;
struct cxl_feat_entry;
struct cxl_mbox_cmd;
struct device;
struct platform_device;

#ifdef CONFIG_CXL_CRAM_REGION
bool mock_cram_is(const struct device *dev);
bool mock_cram_lists_nothing(void);
int mock_cram_get_feature(struct device *dev, struct cxl_mbox_cmd *cmd);
int mock_cram_media_operations(struct device *dev, struct cxl_mbox_cmd *cmd);
int mock_cram_probe(struct device *dev);
void mock_cram_fill_entry(struct cxl_feat_entry *feat);
#else
static inline bool mock_cram_is(const struct device *dev) { return false; }
static inline bool mock_cram_lists_nothing(void) { return false; }

static inline int mock_cram_get_feature(struct device *dev,
					struct cxl_mbox_cmd *cmd)
{
	return -EOPNOTSUPP;
}

static inline int mock_cram_media_operations(struct device *dev,
					     struct cxl_mbox_cmd *cmd)
{
	return -EOPNOTSUPP;
}

static inline int mock_cram_probe(struct device *dev) { return 0; }
static inline void mock_cram_fill_entry(struct cxl_feat_entry *feat) {}
#endif

/* mem.c: add a record to the log "warn" and have the host read it. */
void mock_raise_event(struct device *dev,
		      const struct cxl_event_record_raw *record);

#endif
