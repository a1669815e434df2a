// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches one hook of private memory nodes off, to show that a test fails
 * without it: private_node_mutate=<hook> on the command line.  In the tree for
 * `make mutate` only, see kernel/scripts/tree.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/printk.h>
#include <linux/private_node_hook.h>
#include <linux/string.h>

int private_node_hook_off = -1;
EXPORT_SYMBOL_GPL(private_node_hook_off);

#define PRIVATE_NODE_HOOK(name) #name,
static const char *const hook_names[] = { PRIVATE_NODE_HOOKS };

static int __init private_node_mutate(char *arg)
{
	int i;

	for (i = 0; arg && i < PRIVATE_NODE_NR_HOOKS; i++) {
		if (strcmp(arg, hook_names[i]))
			continue;
		private_node_hook_off = i;
		pr_notice("hook %s is switched off\n", arg);
		return 0;
	}
	pr_err("mutate: %s: no such hook\n", arg ?: "");
	return -EINVAL;
}
early_param("private_node_mutate", private_node_mutate);
