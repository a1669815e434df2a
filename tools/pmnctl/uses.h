/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_USES_H
#define _PMNCTL_USES_H

#include "pmnctl.h"

/* Who has memory of a node: a cgroup, without those below it, or a process. */
struct use {
	int node, pid;
	bool is_cgroup;
	char *name;
	unsigned long long bytes;
	/* Since the picture before; 0 in the first one. */
	long long growth;
};

struct uses {
	struct use *all;
	size_t nr;
	bool taken;
};

/*
 * The uses of all nodes now, the largest of each node first, compared with those of @before, which is freed.
 * What did not fit into memory is left out.
 */
void uses_take(struct uses *uses, struct pmn_ctx *ctx);
void uses_free(struct uses *uses);

#endif
