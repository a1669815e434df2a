/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes and the kernel that kexec starts: nothing of it is put
 * on such a node, neither for the copy nor for the time after it.
 */
#ifndef _LINUX_PRIVATE_NODE_KEXEC_H
#define _LINUX_PRIVATE_NODE_KEXEC_H

#include <linux/kexec.h>
#include <linux/private_node.h>
#include <linux/private_node_hooks.h>

struct kexec_buf;

/* Looks for room in [start, end]; 0 goes on, anything else ends the search. */
typedef int (*private_node_kexec_fn)(unsigned long start, unsigned long end,
				     struct kexec_buf *kbuf);

#ifdef CONFIG_PRIVATE_NODE

int __private_node_kexec_walk(unsigned long start, unsigned long end,
			      bool top_down, struct kexec_buf *kbuf,
			      private_node_kexec_fn fn);
bool __private_node_kexec_refuses(unsigned long start, unsigned long end);

/**
 * private_node_kexec_refuses - is a segment on a private node?
 * @start: physical address
 * @end: the first address behind it
 *
 * Logs it when it is.
 * Context: process, may sleep; kexec_load() and kexec_file_load().
 */
static inline bool private_node_kexec_refuses(unsigned long start,
					      unsigned long end)
{
	return private_node_any() && private_node_hook(kexec_segment) &&
	       __private_node_kexec_refuses(start, end);
}

#else

static inline bool private_node_kexec_refuses(unsigned long start,
					      unsigned long end)
{
	return false;
}

#endif

#ifdef CONFIG_KEXEC_FILE
/**
 * private_node_kexec_walk - search the parts of a range that are not private
 * @start: physical address
 * @end: the last address
 * @kbuf: what room is looked for
 * @fn: called for each part, the highest first when @kbuf is placed top down
 *
 * Context: process, may sleep.
 * Return: what @fn returned when it ended the search, or 0.
 */
static inline int private_node_kexec_walk(unsigned long start,
					  unsigned long end,
					  struct kexec_buf *kbuf,
					  private_node_kexec_fn fn)
{
#ifdef CONFIG_PRIVATE_NODE
	if (private_node_any() && private_node_hook(kexec_hole))
		return __private_node_kexec_walk(start, end, kbuf->top_down,
						 kbuf, fn);
#endif
	return fn(start, end, kbuf);
}
#endif

#endif /* _LINUX_PRIVATE_NODE_KEXEC_H */
