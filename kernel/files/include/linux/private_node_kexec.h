/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes and kexec: no segment of the new kernel is placed on a
 * private node, and neither are the pages that hold the segments until they are
 * copied.
 */
#ifndef _LINUX_PRIVATE_NODE_KEXEC_H
#define _LINUX_PRIVATE_NODE_KEXEC_H

#include <linux/kexec.h>
#include <linux/private_node.h>
#include <linux/private_node_hooks.h>

struct kexec_buf;

/*
 * Looks for room in [@start, @end].  Returns 0 to continue, anything else to
 * stop.
 */
typedef int (*private_node_kexec_fn)(unsigned long start, unsigned long end,
				     struct kexec_buf *kbuf);

#ifdef CONFIG_PRIVATE_NODE

int __private_node_kexec_walk(unsigned long start, unsigned long end,
			      bool top_down, struct kexec_buf *kbuf,
			      private_node_kexec_fn fn);
bool __private_node_kexec_refuses(unsigned long start, unsigned long end);

/**
 * private_node_kexec_refuses - does a segment touch a private node?
 * @start: physical address of its first byte
 * @end: first physical address after it
 *
 * Logs a line if so.
 *
 * Context: process, may sleep; kexec_load() and kexec_file_load().
 * Return: true when the segment has to be refused.
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
 * private_node_kexec_walk - call a function for the parts of a range not
 *	private
 * @start: first physical address
 * @end: last physical address
 * @kbuf: the buffer that needs room
 * @fn: function; called for the highest part first when @kbuf is placed top
 *	down
 *
 * Context: process, may sleep.
 * Return: the value other than 0 by which @fn stopped the search, or 0.
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
