/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hook is switched off, see mm/private_node/hook.c.  kernel/scripts/tree
 * puts the list of the hooks in place of the line that names it.
 */
#ifndef _LINUX_PRIVATE_NODE_HOOK_H
#define _LINUX_PRIVATE_NODE_HOOK_H

#include <linux/compiler.h>

#define PRIVATE_NODE_HOOKS \
@HOOKS@

#define PRIVATE_NODE_HOOK(name) PRIVATE_NODE_HOOK_##name,
enum private_node_hook_id {
	PRIVATE_NODE_HOOKS
	PRIVATE_NODE_NR_HOOKS,
};

#undef PRIVATE_NODE_HOOK

extern int private_node_hook_off;

#define private_node_hook(name) \
	(READ_ONCE(private_node_hook_off) != PRIVATE_NODE_HOOK_##name)

#endif /* _LINUX_PRIVATE_NODE_HOOK_H */
