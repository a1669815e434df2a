/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory of devices: what DAX devices and CXL regions share, above all
 * three files, which say how the memory is to come up.
 */
#ifndef _LINUX_PRIVATE_NODE_DEVICE_H
#define _LINUX_PRIVATE_NODE_DEVICE_H

#include <linux/device.h>
#include <linux/private_node.h>
#include <linux/types.h>

/**
 * enum private_node_where - the node on which private memory comes up
 * @PRIVATE_NODE_WHERE_AUTO: the target node if possible, else a spare node
 * @PRIVATE_NODE_WHERE_TARGET: the node that firmware gives
 * @PRIVATE_NODE_WHERE_SPARE: see private_node_spare_get()
 * @PRIVATE_NODE_NR_WHERE: number of values
 */
enum private_node_where {
	PRIVATE_NODE_WHERE_AUTO,
	PRIVATE_NODE_WHERE_TARGET,
	PRIVATE_NODE_WHERE_SPARE,
	PRIVATE_NODE_NR_WHERE,
};

/**
 * enum private_node_device - is the device of some memory still there?
 * @PRIVATE_NODE_DEVICE_STAYS: it is, and stays
 * @PRIVATE_NODE_DEVICE_LEAVES: it will be gone soon: what can leave now does
 * @PRIVATE_NODE_DEVICE_LOST: it is gone, and what was stored with it
 */
enum private_node_device {
	PRIVATE_NODE_DEVICE_STAYS,
	PRIVATE_NODE_DEVICE_LEAVES,
	PRIVATE_NODE_DEVICE_LOST,
};

/**
 * struct private_node_config - how memory comes up
 * @private: true for a private node, false for ordinary memory
 * @where: which private node
 * @services: services open from the start; mask of BIT(enum
 *	private_node_service)
 */
struct private_node_config {
	bool private;
	enum private_node_where where;
	unsigned long services;
};

/**
 * struct private_node_choice - the configuration of one device
 * @config: used if @made
 * @made: somebody chose; otherwise private_node_config_default is used
 *
 * Written under a lock of the device's driver, read without.
 */
struct private_node_choice {
	struct private_node_config config;
	bool made;
};

/**
 * struct private_node_setting - one value of a configuration, as a file
 * @name: name of the file
 * @set: parse the text of a write; 0, or -EINVAL and nothing changed
 * @show: the text of a read
 * @want: the valid values, for messages
 */
struct private_node_setting {
	const char *name;
	int (*set)(struct private_node_config *c, const char *text);
	int (*show)(const struct private_node_config *c, char *buf);
	const char *want;
};

/**
 * struct private_node_setting_attr - a file of a device for a setting
 * @attr: the file
 * @setting: what it shows and changes
 */
struct private_node_setting_attr {
	struct device_attribute attr;
	const struct private_node_setting *setting;
};

/* Defines <_name>_attr, a file with functions of the device's driver. */
#define PRIVATE_NODE_SETTING_ATTR(_name, _setting, _show, _store) \
	static struct private_node_setting_attr _name##_attr = { \
		__ATTR(_name, 0644, _show, _store), _setting }

static inline const struct private_node_setting *
private_node_setting_of(struct device_attribute *attr)
{
	return container_of(attr, struct private_node_setting_attr,
			    attr)->setting;
}

/* mm/private_node/choice.c */
extern struct private_node_config private_node_config_default;
extern const struct private_node_setting private_node_setting_private;
extern const struct private_node_setting private_node_setting_where;
extern const struct private_node_setting private_node_setting_services;

const struct private_node_config *
private_node_config_of(const struct private_node_choice *choice);
void private_node_choose(struct private_node_choice *choice,
			 const struct private_node_config *config);
void private_node_inherit_choice(struct private_node_choice *choice,
				 const struct private_node_choice *from);
int private_node_choose_text(struct device *dev,
			     struct private_node_choice *choice,
			     const struct private_node_setting *setting,
			     const char *text);

/* mm/private_node/core.c */
void private_node_set_on_unplug(struct private_node *pn,
				enum private_node_on_unplug how);

/* mm/private_node/blocks.c */
bool private_node_has_block(u64 start, u64 size);

#endif /* _LINUX_PRIVATE_NODE_DEVICE_H */
