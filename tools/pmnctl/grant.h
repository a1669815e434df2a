/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_GRANT_H
#define _PMNCTL_GRANT_H

#include "pmnctl.h"

/* @name: a unit, or a cgroup's path. */
int grant_node(struct cli *cli, int node, const char *name, bool only);

#endif
