// SPDX-License-Identifier: GPL-2.0-only
/* Who has memory on a node. */
#include <stdio.h>

#include "pmnctl.h"

/* A line for each process; returns how many. */
unsigned int print_holders(struct cli *cli, struct pmn_node *node, const char *indent)
{
	int id = pmn_node_get_id(node);
	struct pmn_user *user;
	unsigned int n = 0;
	char size[32];

	pmn_user_foreach(cli->ctx, user) {
		if (!pmn_user_get_use(user, id))
			continue;
		human_size(size, sizeof(size), pmn_user_get_use(user, id));
		printf("%spid %d (%s), %s, cgroup %s\n", indent, (int)pmn_user_get_pid(user),
		       pmn_user_get_name(user), size,
		       pmn_user_get_cgroup(user) ? pmn_user_get_cgroup(user) : "unknown");
		n++;
	}
	return n;
}
