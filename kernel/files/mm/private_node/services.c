// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one table of services: names, dependencies, help.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

/* Scripts try many values at once; more than this fills the log. */
DEFINE_RATELIMIT_STATE(private_node_bad_writes, 5 * HZ, 100);

#define NEEDS(service)	BIT(PRIVATE_NODE_##service)

const struct private_node_service_info
private_node_services[PRIVATE_NODE_NR_SERVICES] = {
	[PRIVATE_NODE_USER_NUMA] = {
		"user_numa", 0,
		"bind, prefer, spread by mbind, set_mempolicy, mpol=; move_pages",
	},
	[PRIVATE_NODE_RECLAIM] = {
		"reclaim", 0,
		"reclaim of the node's LRU lists",
	},
	[PRIVATE_NODE_DEMOTION] = {
		"demotion", NEEDS(RECLAIM),
		"demotion onto the node",
	},
	[PRIVATE_NODE_PROMOTION] = {
		"promotion", NEEDS(DEMOTION),
		"promotion of hot pages off the node",
	},
	[PRIVATE_NODE_COMPACTION] = {
		"compaction", 0,
		"proactive and requested compaction",
	},
	[PRIVATE_NODE_LONGTERM_PIN] = {
		"longterm_pin", 0,
		"long-term pins in place",
	},
	[PRIVATE_NODE_THP] = {
		"thp", NEEDS(COMPACTION),
		"collapse by khugepaged",
	},
	[PRIVATE_NODE_HUGETLB] = {
		"hugetlb", NEEDS(USER_NUMA),
		"hugetlb pools on the node",
	},
	[PRIVATE_NODE_NUMA_BALANCING] = {
		"numa_balancing", NEEDS(USER_NUMA),
		"NUMA balancing hint faults",
	},
	[PRIVATE_NODE_GUEST_MEMFD] = {
		"guest_memfd", 0,
		"memory of virtual machines, by guest_memfd of KVM",
	},
};
EXPORT_SYMBOL_IF_KUNIT(private_node_services);

/**
 * private_node_parse_service - service by name
 * @name: start of the name, need not end in NUL
 * @len: its length
 *
 * Context: any.
 * Return: an enum private_node_service, or -EINVAL.
 */
int private_node_parse_service(const char *name, size_t len)
{
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_SERVICES; i++)
		if (strlen(private_node_services[i].name) == len &&
		    !strncmp(private_node_services[i].name, name, len))
			return i;
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(private_node_parse_service);

/* Between the words of a list. */
static const char separators[] = " \t\n,";

/**
 * private_node_parse_services - services by a list of names
 * @list: names with blanks or commas between them; or "none", or "all"
 * @mask: the services, BIT(enum private_node_service); untouched on error
 *
 * Context: any.
 * Return: 0; -EINVAL for an unknown name, or when there is none.
 */
int private_node_parse_services(const char *list, unsigned long *mask)
{
	unsigned long new = 0;
	int service;
	size_t len;

	if (sysfs_streq(list, "none")) {
		*mask = 0;
		return 0;
	}
	if (sysfs_streq(list, "all")) {
		*mask = GENMASK(PRIVATE_NODE_NR_SERVICES - 1, 0);
		return 0;
	}
	list += strspn(list, separators);
	do {
		len = strcspn(list, separators);
		service = private_node_parse_service(list, len);
		if (service < 0)
			return service;
		new |= BIT(service);
		list += len;
		list += strspn(list, separators);
	} while (*list);
	*mask = new;
	return 0;
}
EXPORT_SYMBOL_GPL(private_node_parse_services);

/**
 * private_node_emit_services - names of services, for a file of sysfs
 * @mask: BIT(enum private_node_service)
 * @buf: the file's page
 *
 * Context: any.
 * Return: length of the line, which is just a newline without any service.
 */
int private_node_emit_services(unsigned long mask, char *buf)
{
	int len = 0;
	int i;

	for_each_set_bit(i, &mask, PRIVATE_NODE_NR_SERVICES)
		len += sysfs_emit_at(buf, len, "%s%s", len ? " " : "",
				     private_node_services[i].name);
	return len + sysfs_emit_at(buf, len, "\n");
}
EXPORT_SYMBOL_GPL(private_node_emit_services);

/**
 * private_node_check_services - is every dependency of @mask in @mask?
 * @mask: services
 * @missing: on error, the name of the first service that is missing
 *
 * Context: any.
 * Return: 0, or 1 + the service whose dependency is broken.
 */
int private_node_check_services(unsigned long mask, const char **missing)
{
	unsigned long lacks;
	int i;

	for_each_set_bit(i, &mask, PRIVATE_NODE_NR_SERVICES) {
		lacks = private_node_services[i].needs & ~mask;
		if (!lacks)
			continue;
		*missing = private_node_services[__ffs(lacks)].name;
		return 1 + i;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(private_node_check_services);

/*
 * private_node_user_name - name of a user of the node, in stat and messages
 * @user: a service, or one of PRIVATE_NODE_USER_*
 *
 * Context: any.
 * Return: a constant string.
 */
const char *private_node_user_name(enum private_node_service user)
{
	switch (user) {
	case PRIVATE_NODE_USER_OWNER:
		return "owner";
	case PRIVATE_NODE_USER_DEVICE_MAP:
		return "device_map";
	case PRIVATE_NODE_USER_SOFT_OFFLINE:
		return "soft_offline";
	case PRIVATE_NODE_USER_DEVICE_ACCESS:
		return "device_access";
	case PRIVATE_NODE_USER_ATTACHED:
		return "attached";
	default:
		return private_node_services[user].name;
	}
}

static int change_one(const struct private_node *pn, const char *word,
		      size_t len, unsigned long *mask)
{
	int service = -EINVAL;

	if (word[0] == '+' || word[0] == '-')
		service = private_node_parse_service(word + 1, len - 1);
	if (service < 0) {
		pr_write_err("node %d: %s: enabled unchanged: '%.*s' is not +service or -service\n",
			     pn->nid, pn->owner, (int)min(len, 64UL), word);
		return -EINVAL;
	}
	if (word[0] == '-') {
		*mask &= ~BIT(service);
		return 0;
	}
	if (!(pn->capable & BIT(service))) {
		pr_write_err("node %d: %s: enabled unchanged: the owner did not declare its device capable of %s\n",
			     pn->nid, pn->owner, private_node_services[service].name);
		return -EPERM;
	}
	*mask |= BIT(service);
	return 0;
}

/*
 * private_node_parse_change - apply words like "+reclaim" and "-thp"
 * @pn: the handle, for what it is capable of and for messages
 * @list: the words, with blanks or commas between them
 * @mask: the services, changed as a whole or not at all
 *
 * Dependencies are checked after all words have been applied.
 *
 * Context: process.
 * Return: 0; -EINVAL for a word that is not +service or -service, -EPERM for a
 * service that @pn is not capable of, -ENXIO when a service would be left
 * without one that it needs.
 */
int private_node_parse_change(const struct private_node *pn, const char *list,
			      unsigned long *mask)
{
	unsigned long new = *mask;
	const char *missing;
	size_t len;
	int ret;

	list += strspn(list, separators);
	do {
		len = strcspn(list, separators);
		ret = change_one(pn, list, len, &new);
		if (ret)
			return ret;
		list += len;
		list += strspn(list, separators);
	} while (*list);
	ret = private_node_check_services(new, &missing);
	if (ret) {
		pr_write_err("node %d: %s: enabled unchanged: %s needs %s; change both in one write\n",
			     pn->nid, pn->owner, private_node_services[ret - 1].name,
			     missing);
		return -ENXIO;
	}
	*mask = new;
	return 0;
}
