// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl list: one line a node. */
#include <string.h>

#include "pmnctl.h"

static const struct column columns[] = {
	{ "NODE", "number of the node", NUMBER },
	{ "OWNER", "who registered it: a driver, or boot for private_node=", TEXT },
	{ "SIZE", "memory that the page allocator manages", SIZE },
	{ "USED", "what is in use", SIZE },
	{ "FREE", "what is free", SIZE },
	{ "USE%", "what is in use, of a hundred", NUMBER },
	{ "SERVICES", "services that are open", TEXT },
	{ "CAPABLE", "services that may be opened", TEXT },
	{ "ON_FULL", "what happens when the node is full", TEXT },
	{ "ON_UNPLUG", "what happens to pages when it is unplugged", TEXT },
	{ "ACCESS", "which cgroups have it: any, or those that it is named to", TEXT },
	{ "ADISTANCE", "abstract distance, for memory tiers", NUMBER },
	{ "PROMOTION", "MiB a second that may move up by accessed bits", NUMBER },
	{ "WEIGHT", "share in weighted interleave over private nodes", NUMBER },
	{ "KIND", "private memory, or compressed RAM (cram)", TEXT },
	{ "STATE", "of compressed RAM", TEXT },
	{ "RATIO", "of compressed RAM: bytes stored for each byte used", NUMBER },
};

#define DEFAULTS	"NODE,OWNER,SIZE,FREE,USE%,SERVICES,ON_FULL,ON_UNPLUG"

/* A word for nothing, so that a column can be told from the next one. */
static const char *or_none(const char *text, const char *none)
{
	return text && *text ? text : none;
}

static void set_known(struct table *table, const char *name, long long value)
{
	if (value >= 0)
		table_set(table, name, "%lld", value);
}

static void fill(struct table *table, struct pmn_node *node)
{
	unsigned long long size = pmn_node_get_size(node), used = size - pmn_node_get_free(node);

	table_line(table);
	table_set(table, "NODE", "%d", pmn_node_get_id(node));
	table_set(table, "OWNER", "%s", pmn_node_get_owner(node));
	table_bytes(table, "SIZE", size);
	table_bytes(table, "USED", used);
	table_bytes(table, "FREE", size - used);
	table_set(table, "USE%", "%.0f", size ? 100.0 * used / size : 0.0);
	table_set(table, "SERVICES", "%s", or_none(pmn_node_get_enabled(node), "none"));
	table_set(table, "CAPABLE", "%s", or_none(pmn_node_get_capable(node), "none"));
	table_set(table, "ON_FULL", "%s", pmn_node_get_on_full(node));
	table_set(table, "ON_UNPLUG", "%s", pmn_node_get_on_unplug(node));
	table_set(table, "ACCESS", "%s", or_none(pmn_node_get_access(node), "any"));
	set_known(table, "ADISTANCE", pmn_node_get_adistance(node));
	set_known(table, "PROMOTION", pmn_node_get_promotion(node));
	set_known(table, "WEIGHT", pmn_node_get_weight(node));
	table_set(table, "KIND", "%s", pmn_node_is_cram(node) ? "cram" : "private");
	if (!pmn_node_is_cram(node))
		return;
	table_set(table, "STATE", "%s", pmn_cram_get_state(node));
	table_set(table, "RATIO", "%s", pmn_cram_get_ratio(node));
}

int verb_list(struct cli *cli)
{
	struct pmn_nodeset *set = NULL;
	struct pmn_node *node;
	struct table *table;
	int ret;

	ret = pmn_check_kernel(cli->ctx);
	if (!ret && cli->nr)
		ret = pmn_nodeset_parse(cli->ctx, cli->args[0], &set);
	if (ret)
		return complain_lib(cli, ret);
	table = table_new(cli, "nodes", columns, ARRAY_SIZE(columns), DEFAULTS);
	if (!table) {
		pmn_nodeset_free(set);
		return PMN_USAGE;
	}
	pmn_node_foreach(cli->ctx, node)
		if (!set || pmn_nodeset_has(set, pmn_node_get_id(node)))
			fill(table, node);
	pmn_nodeset_free(set);
	return table_print(table);
}
