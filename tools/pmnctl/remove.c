// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl remove: takes the memory of a node away, or says who is in the way. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pmnctl.h"

/* How often a node is tried again for --wait: no file of the kernel tells when a page leaves. */
#define RETRY_SECONDS	1

static int no_device(struct pmn_node *node)
{
	const char *owner = pmn_node_get_owner(node);
	int id = pmn_node_get_id(node);

	if (pmn_node_is_cram(node))
		return complain(PMN_NO_KERNEL, "node %d: it is compressed RAM of %s, and its driver takes it away; see the driver's documentation",
				id, owner);
	if (!strncmp(owner, "kmem-", 5))
		return complain(PMN_FAILED, "node %d: its device %s is gone, and its memory stayed since it was in use; bind the device to kmem again, then remove the node",
				id, owner + 5);
	return complain(PMN_NO_KERNEL, "node %d: its owner %s is no DAX device, and takes it away by its own driver; see the driver's documentation",
			id, owner);
}

/* Can the kernel do what the change's last step writes? */
static bool has_file(struct cli *cli, struct pmn_change *change)
{
	struct pmn_step *step, *last = NULL;
	char path[PATH_MAX];

	pmn_step_foreach(change, step)
		last = step;
	snprintf(path, sizeof(path), "%s%s", pmn_get_root(cli->ctx), pmn_step_get_path(last));
	return !access(path, F_OK);
}

/* Memory that came at boot goes offline, and stays in the machine. */
static int make_boot_change(struct cli *cli, struct pmn_node *node, struct pmn_change **change)
{
	int id = pmn_node_get_id(node);
	int ret = pmn_change_new(cli->ctx, change);

	if (!ret && cli->opt[OPT_MOVE])
		ret = pmn_change_set(*change, node, "on_unplug", "move");
	if (!ret)
		ret = pmn_change_set(*change, node, "boot_memory", "offline");
	if (ret)
		return complain_lib(cli, ret);
	if (has_file(cli, *change))
		return PMN_OK;
	pmn_change_free(*change);
	*change = NULL;
	return complain(PMN_NO_KERNEL, "node %d: its memory came at boot, and this kernel cannot take it out while it runs; leave private_node=%d out of the kernel command line and boot again",
			id, id);
}

static int make_change(struct cli *cli, struct pmn_node *node, struct pmn_change **change)
{
	struct pmn_dax *dax = pmn_dax_by_owner(cli->ctx, pmn_node_get_owner(node));
	int ret;

	if (!strcmp(pmn_node_get_owner(node), "boot"))
		return make_boot_change(cli, node, change);
	if (!dax || !pmn_dax_get_state(dax))
		return no_device(node);
	ret = pmn_change_new(cli->ctx, change);
	if (!ret && cli->opt[OPT_MOVE])
		ret = pmn_change_set(*change, node, "on_unplug", "move");
	if (!ret)
		ret = pmn_change_dax(*change, dax, "state", "unplugged");
	return ret ? complain_lib(cli, ret) : PMN_OK;
}

/* Once for each answer of the kernel's. */
static void say_who(struct cli *cli, struct pmn_node *node, char *said, size_t size)
{
	const char *why = pmn_error(cli->ctx);

	if (!strcmp(said, why))
		return;
	snprintf(said, size, "%s", why);
	printf("node %d: waiting: %s\n", pmn_node_get_id(node), why);
	print_holders(cli, node, "  has memory there: ");
	fflush(stdout);
}

/* Returns what the last attempt gave. */
static int try_once(struct cli *cli, int id, char *said, size_t size)
{
	struct pmn_change *change = NULL;
	struct pmn_node *node;
	int ret;

	pmn_refresh(cli->ctx);
	node = pmn_node_by_id(cli->ctx, id);
	/* Somebody else took it away, which is what was asked for. */
	if (!node)
		return PMN_OK;
	ret = make_change(cli, node, &change);
	if (ret)
		return ret;
	if (cli->opt[OPT_DRY_RUN]) {
		show_steps(change);
		print_holders(cli, node, "  has memory there: ");
	} else {
		ret = pmn_change_apply(change);
		if (ret == PMN_BUSY && cli->opt[OPT_WAIT])
			say_who(cli, node, said, size);
		else if (ret)
			complain_lib(cli, ret);
		if (ret == PMN_BUSY && !cli->opt[OPT_WAIT]) {
			print_holders(cli, node, "  has memory there: ");
			complain(0, "node %d: end them, or use --move to have their memory moved, or --wait", id);
		}
	}
	pmn_change_free(change);
	return ret;
}

static int remove_node(struct cli *cli, int id)
{
	char said[1024] = "";
	int ret;

	for (;;) {
		ret = try_once(cli, id, said, sizeof(said));
		if (ret != PMN_BUSY || !cli->opt[OPT_WAIT])
			return ret;
		sleep(RETRY_SECONDS);
	}
}

int verb_remove(struct cli *cli)
{
	struct pmn_nodeset *set;
	int ret, id;

	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	if (pmn_nodeset_count(set) > 1) {
		pmn_nodeset_free(set);
		return complain(PMN_USAGE, "remove '%s': these are several nodes; remove one at a time, since one that stays would leave the work half done",
				cli->args[0]);
	}
	for (id = 0; !pmn_nodeset_has(set, id); id++)
		;
	pmn_nodeset_free(set);
	return remove_node(cli, id);
}
