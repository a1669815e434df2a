// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the memory of a device is to come up: what DAX devices and CXL regions
 * have in their files private, private_node and private_services.
 *
 * A device of which nobody wrote a file follows the defaults, which are
 * parameters of the module dax.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/private_node.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <linux/sysfs.h>

/* Scripts try many values at once; more than this fills the log. */
static DEFINE_RATELIMIT_STATE(bad_writes, 5 * HZ, 100);

struct private_node_config private_node_config_default;
EXPORT_SYMBOL_GPL(private_node_config_default);

static const char *const where_names[PRIVATE_NODE_NR_WHERE] = {
	[PRIVATE_NODE_WHERE_AUTO] = "auto",
	[PRIVATE_NODE_WHERE_TARGET] = "target",
	[PRIVATE_NODE_WHERE_SPARE] = "spare",
};

static int set_private(struct private_node_config *c, const char *text)
{
	if (!sysfs_streq(text, "0") && !sysfs_streq(text, "1"))
		return -EINVAL;
	WRITE_ONCE(c->private, sysfs_streq(text, "1"));
	return 0;
}

static int show_private(const struct private_node_config *c, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(c->private));
}

static int set_where(struct private_node_config *c, const char *text)
{
	int i = __sysfs_match_string(where_names, PRIVATE_NODE_NR_WHERE, text);

	if (i < 0)
		return i;
	WRITE_ONCE(c->where, i);
	return 0;
}

static int show_where(const struct private_node_config *c, char *buf)
{
	return sysfs_emit(buf, "%s\n", where_names[READ_ONCE(c->where)]);
}

static int set_services(struct private_node_config *c, const char *text)
{
	unsigned long services;
	const char *missing;

	if (private_node_parse_services(text, &services) ||
	    private_node_check_services(services, &missing))
		return -EINVAL;
	WRITE_ONCE(c->services, services);
	return 0;
}

static int show_services(const struct private_node_config *c, char *buf)
{
	return private_node_emit_services(READ_ONCE(c->services), buf);
}

const struct private_node_setting private_node_setting_private = {
	"private", set_private, show_private, "0 or 1",
};
EXPORT_SYMBOL_GPL(private_node_setting_private);

const struct private_node_setting private_node_setting_where = {
	"private_node", set_where, show_where, "auto, target or spare",
};
EXPORT_SYMBOL_GPL(private_node_setting_where);

const struct private_node_setting private_node_setting_services = {
	"private_services", set_services, show_services,
	"none, all, or names of services, each with those that it needs",
};
EXPORT_SYMBOL_GPL(private_node_setting_services);

/**
 * private_node_config_of - the configuration that a device has
 * @choice: of the device
 *
 * Context: any.
 * Return: what was chosen, or the defaults.
 */
const struct private_node_config *
private_node_config_of(const struct private_node_choice *choice)
{
	/* pairs with private_node_choose() */
	return smp_load_acquire(&choice->made) ? &choice->config :
						 &private_node_config_default;
}
EXPORT_SYMBOL_GPL(private_node_config_of);

/**
 * private_node_choose - choose the configuration of a device
 * @choice: of the device
 * @config: the new configuration
 *
 * Context: any; the caller keeps other writers of @choice out.
 */
void private_node_choose(struct private_node_choice *choice,
			 const struct private_node_config *config)
{
	struct private_node_config *c = &choice->config;

	WRITE_ONCE(c->private, config->private);
	WRITE_ONCE(c->where, config->where);
	WRITE_ONCE(c->services, config->services);
	/* pairs with private_node_config_of() */
	smp_store_release(&choice->made, true);
}
EXPORT_SYMBOL_GPL(private_node_choose);

/**
 * private_node_inherit_choice - take over what was chosen for a parent
 * @choice: of a new device
 * @from: of its parent; if nobody chose for that, nothing changes
 *
 * Context: any; nobody else has @choice, and writers of @from are kept out.
 */
void private_node_inherit_choice(struct private_node_choice *choice,
				 const struct private_node_choice *from)
{
	if (from->made)
		private_node_choose(choice, &from->config);
}
EXPORT_SYMBOL_GPL(private_node_inherit_choice);

/**
 * private_node_choose_text - change one setting as a user wrote it
 * @dev: the device, for the message
 * @choice: of the device
 * @setting: which setting
 * @text: what was written
 *
 * Context: process; the caller keeps other writers of @choice out.
 * Return: 0; -EINVAL, with a line in the kernel log, when @text is no value of
 * the setting, and nothing changed.
 */
int private_node_choose_text(struct device *dev,
			     struct private_node_choice *choice,
			     const struct private_node_setting *setting,
			     const char *text)
{
	struct private_node_config config = *private_node_config_of(choice);
	int ret = setting->set(&config, text);

	if (!ret)
		private_node_choose(choice, &config);
	else if (__ratelimit(&bad_writes))
		dev_err(dev, "%s unchanged: '%.*s' is not %s\n", setting->name,
			(int)min(strcspn(text, "\n"), 64UL), text,
			setting->want);
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_choose_text);
