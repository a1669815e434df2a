// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl run: a command whose memory is on a private node. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pmnctl.h"

/* As the largest kernels have. */
#define MAX_NODES	1024
#define BITS		(8 * sizeof(long))

static int check_node(struct pmn_node *node)
{
	const struct pmn_service *numa = pmn_service_by_name("user_numa");
	int id = pmn_node_get_id(node);

	if (pmn_node_is_enabled(node, numa))
		return PMN_OK;
	if (pmn_node_is_capable(node, numa))
		return complain(PMN_FAILED,
				"node %d: programs cannot bind to it, since user_numa is closed; `pmnctl allow %d user_numa` opens it",
				id, id);
	return complain(PMN_FAILED,
			"node %d: programs cannot bind to it, since its owner %s does not allow user_numa; map its file in /dev/private_node instead",
			id, pmn_node_get_owner(node));
}

/*
 * A bind asks the node's on_full when it is full.  A preference for these nodes goes to ordinary
 * memory then, counted in preferred_elsewhere.
 */
static int bind_to(const char *text, const unsigned long *mask, bool fallback)
{
	int mode = fallback ? MPOL_PREFERRED_MANY : MPOL_BIND;

	if (!syscall(SYS_set_mempolicy, mode, mask, MAX_NODES + 1))
		return PMN_OK;
	if (errno == EINVAL)
		return complain(PMN_FAILED,
				"node %s: this cgroup may not have it, or user_numa was closed meanwhile; `pmnctl show %s` says who may, `pmnctl grant` gives it to a cgroup",
				text, text);
	return complain(errno == ENOSYS ? PMN_NO_KERNEL : PMN_FAILED,
			"node %s: the policy was refused: %m; `pmnctl check` says what is missing", text);
}

static int make_mask(struct cli *cli, unsigned long *mask)
{
	struct pmn_nodeset *set;
	struct pmn_node *node;
	int ret, id;

	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	pmn_nodeset_foreach(cli->ctx, set, node) {
		if (!ret)
			ret = check_node(node);
		id = pmn_node_get_id(node);
		mask[id / BITS] |= 1UL << (id % BITS);
	}
	pmn_nodeset_free(set);
	return ret;
}

int verb_run(struct cli *cli)
{
	const char *full = cli->opt[OPT_FULL] ? cli->opt[OPT_FULL] : "node";
	unsigned long mask[MAX_NODES / BITS + 1] = {};
	char **command = cli->args + 1;
	int ret;

	if (strcmp(full, "node") && strcmp(full, "fallback"))
		return complain(PMN_USAGE, "--full '%s': it is neither node nor fallback", full);
	ret = make_mask(cli, mask);
	if (!ret && cli->opt[OPT_DRY_RUN]) {
		printf("%s: would run %s nodes %s\n", *command,
		       !strcmp(full, "fallback") ? "with a preference for" : "bound to", cli->args[0]);
		return PMN_OK;
	}
	if (!ret)
		ret = bind_to(cli->args[0], mask, !strcmp(full, "fallback"));
	if (ret)
		return ret;
	execvp(*command, command);
	if (errno == ENOMEM)
		return complain(PMN_FAILED,
				"%s: cannot start: node %s has not the 1 MiB that a program needs; free some of it, or use --full fallback",
				*command, cli->args[0]);
	return complain(PMN_FAILED, "%s: cannot be run: %m; give a program that is in PATH", *command);
}
