/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a DAX device as a private node: declarations for bus.c and kmem.c.
 */
#ifndef __DAX_PRIVATE_NODE_H__
#define __DAX_PRIVATE_NODE_H__

#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>
#include <linux/private_node.h>

struct attribute_group;
struct dax_region;
struct dev_dax;
struct memory_dev_type;
struct range;
struct resource;

#ifdef CONFIG_DEV_DAX_PRIVATE

struct dax_private_memory;

/**
 * struct dax_private - state of a device, in struct dev_dax
 * @choice: how its memory comes up.  Written under the device lock; while a
 *	driver is bound, under the driver's lock for the device as well, see
 *	&dax_device_driver.configure.
 * @memory: private memory that is plugged in, or NULL.  Written under kmem's
 *	lock for the device, or in probe and remove.
 * @nid: node of @memory
 */
struct dax_private {
	struct private_node_choice choice;
	struct dax_private_memory *memory;
	int nid;
};

/**
 * struct dax_private_region - what the devices of a region inherit
 * @choice: how their memory comes up
 * @adistance: abstract distance of the region's memory, 0 if not known
 * @device: is its device there?  NULL for one that cannot go.
 */
struct dax_private_region {
	struct private_node_choice choice;
	int adistance;
	const enum private_node_presence *device;
};

extern const struct attribute_group dax_private_group;
#define DAX_PRIVATE_GROUP &dax_private_group,

int dax_private_online_type(const struct dev_dax *dev_dax, int online_type);
int dax_private_state(const struct dev_dax *dev_dax, int state);
void dax_private_keep(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name);
int dax_private_target_node(const struct dev_dax *dev_dax, int target_node);
void dax_region_set_private(struct dax_region *dax_region,
			    const struct private_node_choice *choice,
			    int adistance,
			    const enum private_node_presence *device);

/*
 * dax_private_inherit - a new device comes up as its region says
 * @dev_dax: the device, not added yet
 *
 * Context: process; dax_region_rwsem held for write.
 */
void dax_private_inherit(struct dev_dax *dev_dax);

/* The module goes: it has no kept memory, which holds it. */
void dax_private_exit(void);

/*
 * dax_private_plug - add the memory of a device to a private node, if so
 *	configured
 * @dev_dax: the device
 * @res: its reserved ranges; NULL for one that could not be reserved
 * @online_type: how to online the memory blocks
 *
 * Context: process, may sleep; kmem's lock for the device held, or in probe.
 * Return: the number of ranges added; 0 when ordinary memory is configured; or
 * an errno, with the reason in the kernel log.
 */
int dax_private_plug(struct dev_dax *dev_dax, struct resource *const res[],
		     int online_type);

/*
 * As offline_and_remove_memory_ranges(), for ordinary or private memory of a
 * device.
 */
int dax_private_unplug(struct dev_dax *dev_dax, const struct range *ranges,
		       unsigned int nr);

/* Is private memory of this device plugged in? */
bool dax_private_plugged(const struct dev_dax *dev_dax);

/*
 * Gives up kmem's reference to the memory type of a node.  References of other
 * drivers with another type for the node are not touched.
 */
static inline void dax_private_clear_type(int nid,
					  struct memory_dev_type *memtype)
{
	clear_node_memory_type(nid, memtype);
}

/*
 * dax_private_adopt - take back memory that dax_private_keep() kept at an
 *	unbind
 * @dev_dax: a device that is being bound
 * @res: result: its reserved ranges
 * @res_name: result: name of these resources
 * @online_type: result: how the memory blocks were onlined
 *
 * Context: process, may sleep; in probe.
 * Return: 0, also when nothing was kept; -EBUSY when the device overlaps kept
 * memory of another device that is still in use, with a line in the kernel log.
 */
int dax_private_adopt(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name, int *online_type);

#else

struct dax_private {};
struct dax_private_region {};

#define DAX_PRIVATE_GROUP

static inline void
dax_region_set_private(struct dax_region *dax_region,
		       const struct private_node_choice *choice, int adistance,
		       const enum private_node_presence *device)
{
}

static inline void dax_private_inherit(struct dev_dax *dev_dax)
{
}

static inline void dax_private_exit(void)
{
}

static inline int dax_private_plug(struct dev_dax *dev_dax,
				   struct resource *const res[],
				   int online_type)
{
	return 0;
}

static inline int dax_private_unplug(struct dev_dax *dev_dax,
				     const struct range *ranges,
				     unsigned int nr)
{
	return offline_and_remove_memory_ranges(ranges, nr);
}

static inline bool dax_private_plugged(const struct dev_dax *dev_dax)
{
	return false;
}

static inline int dax_private_online_type(const struct dev_dax *dev_dax,
					  int online_type)
{
	return online_type;
}

static inline int dax_private_state(const struct dev_dax *dev_dax, int state)
{
	return state;
}

static inline void dax_private_clear_type(int nid,
					  struct memory_dev_type *memtype)
{
	clear_node_memory_type(nid, NULL);
}

static inline void dax_private_keep(struct dev_dax *dev_dax,
				    struct resource *res[],
				    const char **res_name)
{
}

static inline int dax_private_adopt(struct dev_dax *dev_dax,
				    struct resource *res[],
				    const char **res_name, int *online_type)
{
	return 0;
}

static inline int dax_private_target_node(const struct dev_dax *dev_dax,
					  int target_node)
{
	return target_node;
}

#endif /* CONFIG_DEV_DAX_PRIVATE */

#endif /* __DAX_PRIVATE_NODE_H__ */
