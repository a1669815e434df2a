/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_BOOT_H
#define _PMNCTL_BOOT_H

#include "pmnctl.h"

/* What private_node= options say of a node; each list has commas between names, and "" is none. */
struct boot_option {
	int node;
	char services[512], capable[512];
};

/* Is it an option that the kernel knows, whatever it says? */
bool boot_is_private_node(const char *text);
/*
 * One option, as far as it can be judged alone.  PMN_OK, or PMN_USAGE with @why, which says what to write
 * instead.
 */
int boot_parse(const char *text, struct boot_option *option, char *why, size_t size);
/* The kernel unites all options of a node; then each service needs others, and capable= may leave it out. */
void boot_unite(struct boot_option *option, const struct boot_option *other);
int boot_check(struct pmn_ctx *ctx, const char *text, const struct boot_option *option, char *why,
	       size_t size);
/* An option of ours that names no node of boot: PMN_OK, PMN_USAGE, or PMN_NO_NODE if it is not ours. */
int boot_other(struct pmn_ctx *ctx, const char *text, char *why, size_t size);
/* Has it memory that is not private, so that others may fall back to it? */
bool boot_is_ordinary(struct pmn_ctx *ctx, int node);
/* Can the node be private at the next boot, as far as can be told from this one? */
bool boot_possible(struct pmn_ctx *ctx, int node, char *why, size_t size);

#endif
