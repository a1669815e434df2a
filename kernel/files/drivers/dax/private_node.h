/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a DAX device as a private node: what bus.c and kmem.c ask.
 */
#ifndef __DAX_PRIVATE_NODE_H__
#define __DAX_PRIVATE_NODE_H__

#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>
#include <linux/private_node_hooks.h>

struct attribute_group;
struct dev_dax;
struct memory_dev_type;
struct range;
struct resource;

#ifdef CONFIG_DEV_DAX_PRIVATE

struct dax_private_memory;

/* Which node the memory comes up on. */
enum dax_private_where {
	DAX_PRIVATE_AUTO,	/* the target node if it may be, else a spare */
	DAX_PRIVATE_TARGET,
	DAX_PRIVATE_SPARE,
	DAX_PRIVATE_NR_WHERE,
};

/**
 * struct dax_private_config - how the memory of a device comes up
 * @private: on a private node
 * @where: on which
 * @services: open from the start; mask of BIT(enum private_node_service)
 */
struct dax_private_config {
	bool private;
	enum dax_private_where where;
	unsigned long services;
};

/**
 * struct dax_private - a device's part, in struct dev_dax
 * @config: chosen for this device, where @chosen; else the module's default
 *	counts.  Written under the device lock, and while a driver has the
 *	device under its lock, see &dax_device_driver.configure
 * @chosen: @config counts
 * @memory: private memory that is plugged in, or NULL; written under kmem's
 *	lock for the device, or in probe and remove
 * @nid: its node
 */
struct dax_private {
	struct dax_private_config config;
	bool chosen;
	struct dax_private_memory *memory;
	int nid;
};

extern const struct attribute_group dax_private_group;
#define DAX_PRIVATE_GROUP &dax_private_group,

int __dax_private_plug(struct dev_dax *dev_dax, struct resource *const res[],
		       int online_type);
int __dax_private_unplug(struct dev_dax *dev_dax, const struct range *ranges,
			 unsigned int nr);
bool __dax_private_plugged(const struct dev_dax *dev_dax);
void dax_private_keep(struct dev_dax *dev_dax, struct resource *res[],
		      const char **res_name);
int __dax_private_adopt(struct dev_dax *dev_dax, struct resource *res[],
			const char **res_name, int *online_type);
int dax_private_target_node(const struct dev_dax *dev_dax, int target_node);

/*
 * dax_private_plug - bring the memory up private, if that was chosen
 * @dev_dax: the device
 * @res: its reserved ranges, NULL for one that could not be
 * @online_type: for the memory blocks
 *
 * Return: the number of ranges added; 0 when ordinary memory was chosen; an
 * errno, and dmesg says why.
 */
static inline int dax_private_plug(struct dev_dax *dev_dax,
				   struct resource *const res[],
				   int online_type)
{
	if (!private_node_hook(dax_plug))
		return 0;
	return __dax_private_plug(dev_dax, res, online_type);
}

/* offline_and_remove_memory_ranges() for memory of either kind */
static inline int dax_private_unplug(struct dev_dax *dev_dax,
				     const struct range *ranges,
				     unsigned int nr)
{
	if (!private_node_hook(dax_unplug))
		return offline_and_remove_memory_ranges(ranges, nr);
	return __dax_private_unplug(dev_dax, ranges, nr);
}

/* Is private memory of this device plugged in? */
static inline bool dax_private_plugged(const struct dev_dax *dev_dax)
{
	return private_node_hook(dax_unbind) && __dax_private_plugged(dev_dax);
}

/* Drops what kmem counted for a node, and nothing that somebody else did. */
static inline void dax_private_clear_type(int nid,
					  struct memory_dev_type *memtype)
{
	clear_node_memory_type(nid, memtype);
}

/*
 * dax_private_adopt - take back what an unbind could not remove
 * @dev_dax: a device that is being bound
 * @res: its reserved ranges, to be filled in
 * @res_name: what they are called
 * @online_type: what the state of the device was
 *
 * Return: 0, also when there was nothing; -EBUSY when the device overlaps
 * memory that cannot go, and dmesg says which.
 */
static inline int dax_private_adopt(struct dev_dax *dev_dax,
				    struct resource *res[],
				    const char **res_name, int *online_type)
{
	if (!private_node_hook(dax_adopt))
		return 0;
	return __dax_private_adopt(dev_dax, res, res_name, online_type);
}

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
