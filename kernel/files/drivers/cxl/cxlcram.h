/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CXL memory devices that compress: what they say about themselves.
 *
 * See Documentation/driver-api/cxl-cram.rst.
 */
#ifndef __CXL_CRAM_H__
#define __CXL_CRAM_H__

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct cxl_memdev;
struct module;

/* Feature with the state of a device that compresses. */
#define CXL_CRAM_FEATURE_UUID \
	UUID_INIT(0xaa5d1b2b, 0xf305, 0x4198, 0x90, 0xf9, 0x76, 0x00, 0x38, \
		  0xf5, 0xc7, 0x83)

/* Event record: physical capacity is short. */
#define CXL_CRAM_EVENT_UUID \
	UUID_INIT(0xad476c7c, 0x70f7, 0x4a81, 0x98, 0x00, 0x88, 0x96, 0xff, \
		  0x2f, 0xeb, 0x65)

/**
 * struct cxl_cram_feature - data of the feature, little endian
 * @worst_case: bytes that a page of 4 KiB which does not compress takes, with
 *	rounding and metadata
 * @lag_ms: milliseconds until a store shows in @used
 * @timeout_ms: milliseconds that the device may take to answer
 * @epoch: changes whenever the device may have forgotten what was stored, as by
 *	a reset
 * @margin: bytes that the host has to keep free
 * @total: physical bytes
 * @used: physical bytes in use; may be overstated, but never understated
 * @lost: pages of 4 KiB that the device has dropped since it has power
 */
struct cxl_cram_feature {
	__le32 worst_case;
	__le32 lag_ms;
	__le32 timeout_ms;
	__le32 epoch;
	__le64 margin;
	__le64 total;
	__le64 used;
	__le64 lost;
} __packed;

/**
 * struct cxl_cram_state - the same for the host, whatever the layout
 * @worst_case: see &cxl_cram_feature
 * @lag_ms: see &cxl_cram_feature
 * @timeout_ms: see &cxl_cram_feature
 * @margin: see &cxl_cram_feature
 * @total: see &cxl_cram_feature
 * @used: see &cxl_cram_feature
 * @lost: see &cxl_cram_feature
 * @epoch: see &cxl_cram_feature
 */
struct cxl_cram_state {
	u32 worst_case;
	u32 lag_ms;
	u32 timeout_ms;
	u64 margin;
	u64 total;
	u64 used;
	u64 lost;
	u32 epoch;
};

/**
 * struct cxl_cram_layout - how devices of a vendor say it
 * @list: used by the CXL core
 * @owner: module that has it, and that stays while a region uses it
 * @name: for messages
 * @feature: which feature has the state; a device that has it compresses
 * @event: which event record says that capacity is short
 * @size: bytes of the feature's data
 * @parse: make a state of @size bytes; 0 or an errno
 * @stored: pages of the device were stored and do not change until @writable.
 *	Does not sleep.  Optional, for a device that does not see it by itself.
 * @writable: a page may change at any time.  Does not sleep.  Optional.
 */
struct cxl_cram_layout {
	struct list_head list;
	struct module *owner;
	const char *name;
	uuid_t feature;
	uuid_t event;
	size_t size;
	int (*parse)(const void *data, struct cxl_cram_state *state);
	void (*stored)(struct cxl_memdev *cxlmd, u64 dpa,
		       unsigned long nr_pages);
	void (*writable)(struct cxl_memdev *cxlmd, u64 dpa);
};

int cxl_cram_parse(const void *data, struct cxl_cram_state *state);
void cxl_cram_add_layout(struct cxl_cram_layout *layout);
void cxl_cram_remove_layout(struct cxl_cram_layout *layout);

#endif /* __CXL_CRAM_H__ */
