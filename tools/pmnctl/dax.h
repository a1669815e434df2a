/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_DAX_H
#define _PMNCTL_DAX_H

#include "pmnctl.h"

/* What a device is to become; NULL leaves a choice as the device has it. */
struct dax_wish {
	bool private;
	const char *where, *services;
};

#define MAX_DAXES	64

struct dax_list {
	int nr;
	struct pmn_dax *daxes[MAX_DAXES];
};

/* All devices of the list, or none of them. */
int dax_make(struct cli *cli, const struct dax_list *list, const struct dax_wish *wish);
/* Before: a word that makes no sense is a mistake in usage. */
int dax_check_wish(struct cli *cli, struct dax_wish *wish);

/*
 * What the files of /etc/pmn.d say of the nodes of a device, or of a region (@kind "dax" or "cxl"), which went
 * when its memory was taken away.
 */
int apply_to_device(struct cli *cli, const char *kind, const char *name);

/* PMN_OK when the device has kmem now. */
int dax_bind(struct cli *cli, const char *name);
void dax_unbind(struct cli *cli, const char *name);

#endif
