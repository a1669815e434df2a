/* SPDX-License-Identifier: GPL-2.0-only */
/* tiers.h: which memory tier a node is in */
#ifndef TIERS_H
#define TIERS_H

#include <glob.h>

#include "private_node.h"

/* Abstract distance, rounded, of the tier that has a node; -1 for none. */
static int tier_of(int nid)
{
	int tier = -1, n;
	char buf[256];
	size_t i;
	glob_t g;

	if (glob("/sys/devices/virtual/memory_tiering/memory_tier*/nodelist", 0, NULL, &g))
		return -1;
	for (i = 0; i < g.gl_pathc; i++) {
		/* a few nodes: "0", "1" or "0-1" */
		if (read_file(g.gl_pathv[i], buf, sizeof(buf)) && strchr(buf, '0' + nid))
			tier = sscanf(strstr(g.gl_pathv[i], "memory_tier") +
					      strlen("memory_tiering/memory_tier"),
				      "%d", &n) == 1 ?
				       n * 128 :
				       -1;
	}
	globfree(&g);
	return tier;
}

#endif /* TIERS_H */
