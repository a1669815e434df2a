/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the hooks that private memory nodes have in the rest of the kernel.
 *
 * With CONFIG_PRIVATE_NODE_MUTATE, private_node_mutate=<name> on the command
 * line switches one hook off, to show that a test fails without it.
 */
#ifndef _LINUX_PRIVATE_NODE_HOOKS_H
#define _LINUX_PRIVATE_NODE_HOOKS_H

#include <linux/types.h>

#ifdef CONFIG_PRIVATE_NODE_MUTATE

#include <linux/private_node_hook_names.h>

#define PRIVATE_NODE_HOOK(name) PRIVATE_NODE_HOOK_##name,
enum private_node_hook_id {
	PRIVATE_NODE_HOOKS
	PRIVATE_NODE_NR_HOOKS,
};

#undef PRIVATE_NODE_HOOK

extern int private_node_hook_off;

#define private_node_hook(name) \
	(READ_ONCE(private_node_hook_off) != PRIVATE_NODE_HOOK_##name)

#else

#define private_node_hook(name) true

#endif /* CONFIG_PRIVATE_NODE_MUTATE */

#endif /* _LINUX_PRIVATE_NODE_HOOKS_H */
