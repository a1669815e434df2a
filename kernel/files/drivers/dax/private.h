/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a DAX device as a private node: declarations for bus.c and kmem.c.
 */
#ifndef __DAX_PRIVATE_NODE_H__
#define __DAX_PRIVATE_NODE_H__

#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>

struct attribute_group;
struct dev_dax;
struct memory_dev_type;
struct range;
struct resource;

#ifdef CONFIG_DEV_DAX_PRIVATE

struct dax_private_memory;

/* The node on which the memory of a device comes up. */
enum dax_private_where {
	DAX_PRIVATE_AUTO,	/* target node if possible, else a spare node */
	DAX_PRIVATE_TARGET,	/* node by firmware, dev_dax.target_node */
	DAX_PRIVATE_SPARE,	/* see private_node_spare_get() */
	DAX_PRIVATE_NR_WHERE,
};

/**
 * struct dax_private_config - how the memory of a device comes up
 * @private: true for a private node, false for ordinary memory
 * @where: which private node
 * @services: services open from the start; mask of BIT(enum
 *	private_node_service)
 */
struct dax_private_config {
	bool private;
	enum dax_private_where where;
	unsigned long services;
};

/**
 * struct dax_private - state of a device, in struct dev_dax
 * @config: configuration of this device, used if @chosen.  Written under the
 *	device lock; while a driver is bound, under the driver's lock for the
 *	device as well, see &dax_device_driver.configure.
 * @chosen: use @config; otherwise the defaults of the module
 * @memory: private memory that is plugged in, or NULL.  Written under kmem's
 *	lock for the device, or in probe and remove.
 * @nid: node of @memory
 */
struct dax_private {
	struct dax_private_config config;
	bool chosen;
	struct dax_private_memory *memory;
	int nid;
};

extern const struct attribute_group dax_private_group;
#define DAX_PRIVATE_GROUP &dax_private_group,

int dax_private_online_type(const struct dev_dax *dev_dax, int online_type);
int dax_private_state(const struct dev_dax *dev_dax, int state);
void dax_private_keep(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name);
int dax_private_target_node(const struct dev_dax *dev_dax, int target_node);

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

#define DAX_PRIVATE_GROUP

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
