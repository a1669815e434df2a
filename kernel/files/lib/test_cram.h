/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store of a simulated compressing device, for another driver that plays the
 * device: tools/testing/cxl.
 */
#ifndef _LIB_TEST_CRAM_H
#define _LIB_TEST_CRAM_H

#include <linux/cram.h>
#include <linux/types.h>

struct sim_device;

/**
 * struct cram_sim_player - who plays a device
 * @short_of_room: physical capacity is short.  Does not sleep.
 * @lost: the device has dropped a page.  May sleep.
 */
struct cram_sim_player {
	void (*short_of_room)(void *data);
	void (*lost)(void *data, unsigned long pfn);
};

struct sim_device *cram_sim_store_get(u64 start, u64 size,
				      const struct cram_sim_player *player,
				      void *data);
void cram_sim_store_put(struct sim_device *sd);
int cram_sim_store_read(struct sim_device *sd, struct cram_capacity *cap);
bool cram_sim_store_trim(struct sim_device *sd, unsigned long pfn,
			 unsigned long nr);
void cram_sim_store_stored(struct sim_device *sd, unsigned long pfn,
			   unsigned long nr);
void cram_sim_store_writable(struct sim_device *sd, unsigned long pfn);
unsigned int cram_sim_store_worst_case(const struct sim_device *sd);
unsigned int cram_sim_store_lag_ms(const struct sim_device *sd);

#endif /* _LIB_TEST_CRAM_H */
