// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl stat: the counters of nodes, and how fast they go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rates.h"
#include "repeat.h"

static const struct column columns[] = {
	{ "NODE", "number of the node", NUMBER },
	{ "COUNTER", "its name; cram: is of the compressing device", TEXT },
	{ "TOTAL", "since the node was registered", NUMBER },
	{ "RATE", "a second, since the last time", NUMBER },
};

static void fill(struct table *table, struct cli *cli, struct rates *rates, struct pmn_node *node)
{
	struct pmn_counter *c;
	double rate;

	pmn_counter_foreach(node, c) {
		rate = rates_of(rates, pmn_node_get_id(node), c);
		if (!pmn_counter_get_value(c) && !cli->opt[OPT_ALL])
			continue;
		table_line(table);
		table_set(table, "NODE", "%d", pmn_node_get_id(node));
		table_set(table, "COUNTER", "%s%s", pmn_counter_is_cram(c) ? "cram:" : "",
			  pmn_counter_get_name(c));
		table_set(table, "TOTAL", "%llu", pmn_counter_get_value(c));
		if (rate >= 0)
			table_set(table, "RATE", "%.1f", rate);
	}
}

static int print_once(struct cli *cli, struct rates *rates, bool repeated)
{
	struct pmn_nodeset *set = NULL;
	struct pmn_node *node;
	struct table *table;
	int ret;

	pmn_refresh(cli->ctx);
	ret = pmn_nodeset_parse(cli->ctx, cli->nr ? cli->args[0] : "all", &set);
	if (ret && (cli->nr || pmn_node_get_first(cli->ctx)))
		return complain_lib(cli, ret);
	table = table_new(cli, "counters", columns, ARRAY_SIZE(columns),
			  repeated ? "NODE,COUNTER,TOTAL,RATE" : "NODE,COUNTER,TOTAL");
	if (!table) {
		pmn_nodeset_free(set);
		return PMN_USAGE;
	}
	rates_now(rates);
	pmn_node_foreach(cli->ctx, node)
		if (set && pmn_nodeset_has(set, pmn_node_get_id(node)))
			fill(table, cli, rates, node);
	pmn_nodeset_free(set);
	rates_take(rates, cli->ctx);
	return table_print(table);
}

int verb_stat(struct cli *cli)
{
	struct repeat repeat;
	struct rates *rates;
	int ret;

	ret = repeat_parse(cli, &repeat, 1);
	if (ret)
		return ret;
	ret = pmn_check_kernel(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	rates = rates_new();
	if (!rates)
		return complain(PMN_FAILED, "memory: not enough");
	do
		ret = print_once(cli, rates, repeat.count != 1);
	while (!ret && repeat_again(&repeat));
	rates_free(rates);
	return ret;
}
