/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that take their buffers from a private node: for code that allocates
 * buffers on behalf of a device, such as the page pool of network cards.
 *
 * The owner of the node attaches devices by private_node_attach_device().
 *
 * Implemented in mm/private_node/device.c.
 */
#ifndef _LINUX_PRIVATE_NODE_DEVICE_H
#define _LINUX_PRIVATE_NODE_DEVICE_H

#include <linux/gfp_types.h>
#include <linux/types.h>

struct device;
struct page;
struct private_node_device;

/**
 * struct private_node_buffers - code that allocates buffers for devices
 * @look_again: devices were attached or detached
 * @flush: frees buffers that only wait to be freed; need not wait for that
 * @describe: says whose buffer a page is that it may have allocated, such as "of
 *	page pool 3 of eth1"; leaves the text alone if it does not know
 *
 * Context: process, may sleep; private_node.lock may be held.
 */
struct private_node_buffers {
	void (*look_again)(void);
	void (*flush)(void);
	void (*describe)(const struct page *page, char *text, size_t size);
};

void private_node_set_buffers(const struct private_node_buffers *buffers);
struct private_node_device *private_node_device_get(const struct device *dev);
void private_node_device_put(struct private_node_device *pd);
int private_node_device_nid(const struct private_node_device *pd);
bool private_node_device_enter(struct private_node_device *pd);
void private_node_device_leave(struct private_node_device *pd);
unsigned int private_node_device_alloc(struct private_node_device *pd,
				       gfp_t gfp, unsigned int order,
				       unsigned int nr, struct page **pages);

#endif /* _LINUX_PRIVATE_NODE_DEVICE_H */
