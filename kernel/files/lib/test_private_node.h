/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the simulated devices test_private_node.c, test_cram.c and test_npu.c
 * share: options, which are words of the form key=value, ranges of reserved
 * memory, and the node of an accelerator.
 */
#ifndef _LIB_TEST_PRIVATE_NODE_H
#define _LIB_TEST_PRIVATE_NODE_H

#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

struct private_node;

/* test_private_node.c, for simulated devices whose memory is such a node */
struct private_node *private_node_sim_get(const char *name);

static inline int bad_option(const char *option, const char *value,
			     const char *why)
{
	pr_err("%s=%s: %s; nothing was changed\n", option, value, why);
	return -EINVAL;
}

/* Splits "key=value key=value" in place; @values is indexed as @names. */
static inline int split_options(char *text, const char *const names[], int nr,
				char *values[])
{
	char *word, *key;
	int i;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		key = strsep(&word, "=");
		i = match_string(names, nr, key);
		if (i < 0)
			return bad_option(key, word ?: "", "unknown option");
		if (!word || !*word)
			return bad_option(key, "", "no value given");
		if (values[i])
			return bad_option(key, word, "given twice");
		values[i] = word;
	}
	return 0;
}

/* Only reserved memory is used by nobody else.  @text is for the message. */
static inline int check_reserved(const char *option, const char *text,
				 u64 start, u64 size)
{
	if (region_intersects(start, size, IORESOURCE_MEM,
			      IORES_DESC_RESERVED) == REGION_INTERSECTS ||
	    region_intersects(start, size, IORESOURCE_MEM,
			      IORES_DESC_SOFT_RESERVED) == REGION_INTERSECTS)
		return 0;
	return bad_option(option, text,
			  "not all reserved; boot with memmap=SIZE$ADDRESS");
}

#endif /* _LIB_TEST_PRIVATE_NODE_H */
