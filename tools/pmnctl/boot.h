/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_BOOT_H
#define _PMNCTL_BOOT_H

#include "pmnctl.h"

/* A private_node= option before it is booted: is it one that the kernel takes? */
struct boot_option {
	int node;
	/* "" for none. */
	char services[256];
};

/* PMN_OK, or PMN_USAGE with @why and, in @fix, what to write instead. */
int boot_parse(struct pmn_ctx *ctx, const char *text, struct boot_option *option, char *why,
	       size_t size);
/* Can the node be private at the next boot, as far as can be told from this one? */
bool boot_possible(struct pmn_ctx *ctx, int node, char *why, size_t size);

#endif
