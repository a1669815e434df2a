// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl cram: compressed RAM. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pmnctl.h"

static const struct column columns[] = {
	{ "NODE", "number of the node", NUMBER },
	{ "STATE", "ok, short, silent, broken or closing", TEXT },
	{ "STORED", "memory that is there, as its users see it", SIZE },
	{ "USED", "what it takes on the device", SIZE },
	{ "PHYSICAL", "what the device has", SIZE },
	{ "RATIO", "STORED by USED", NUMBER },
	{ "CREDIT", "what may still come, if nothing of it compresses", SIZE },
	{ "WRITABLE", "how much may be written to in place", SIZE },
	{ "SHOWN", "the most that can be there", SIZE },
	{ "UNTRIMMED", "what was freed, and the device has not forgotten yet", SIZE },
	{ "LOST", "pages that the device lost", NUMBER },
	{ "NEXT", "what to do", TEXT },
};

#define DEFAULTS	"NODE,STATE,STORED,USED,PHYSICAL,RATIO,CREDIT,NEXT"

/* How often in a row nothing may move before a push gives up, and how long it waits for a reading. */
#define PUSH_TRIES	10
#define PUSH_WAIT_MS	200
#define PUSH_STEP	(16ULL << 20)

static unsigned long long counter(struct pmn_node *node, const char *name)
{
	struct pmn_counter *c;

	pmn_counter_foreach(node, c)
		if (pmn_counter_is_cram(c) && !strcmp(pmn_counter_get_name(c), name))
			return pmn_counter_get_value(c);
	return 0;
}

static const char *next_step(struct pmn_node *node)
{
	static const struct {
		const char *state, *next;
	} steps[] = {
		{ "short", "the device has less room than promised: find out why; add ordinary memory" },
		{ "silent", "no reading comes back: look at the device and its driver; what is there can be used" },
		{ "broken", "save what can be saved, replace the device; then pmnctl cram reset" },
		{ "closing", "nothing: its driver is taking it away" },
	};
	const char *state = pmn_cram_get_state(node);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (!strcmp(state, steps[i].state))
			return steps[i].next;
	if (counter(node, "lost"))
		return "data was lost, see dmesg: the device cannot be trusted";
	if (pmn_cram_get_bytes(node, "credit_bytes") <= 0)
		return "full for what may not compress, or a reading is awaited: nothing, or a larger device";
	return "nothing";
}

/* Credit may be negative. */
static void set_signed(struct table *table, struct cli *cli, const char *name, long long bytes)
{
	if (bytes >= 0)
		table_bytes(table, name, bytes);
	else if (cli->opt[OPT_BYTES] || cli->opt[OPT_JSON])
		table_set(table, name, "%lld", bytes);
	else
		table_set(table, name, "-%lldK", -bytes >> 10);
}

static void fill(struct table *table, struct cli *cli, struct pmn_node *node)
{
	table_line(table);
	table_set(table, "NODE", "%d", pmn_node_get_id(node));
	table_set(table, "STATE", "%s", pmn_cram_get_state(node));
	table_bytes(table, "STORED", pmn_cram_get_bytes(node, "resident_bytes"));
	table_bytes(table, "USED", pmn_cram_get_bytes(node, "used_bytes"));
	table_bytes(table, "PHYSICAL", pmn_cram_get_bytes(node, "physical_bytes"));
	table_set(table, "RATIO", "%s", pmn_cram_get_ratio(node));
	set_signed(table, cli, "CREDIT", pmn_cram_get_bytes(node, "credit_bytes"));
	table_bytes(table, "WRITABLE", pmn_cram_get_bytes(node, "writable_bytes"));
	table_bytes(table, "SHOWN", pmn_cram_get_bytes(node, "shown_bytes"));
	table_bytes(table, "UNTRIMMED", pmn_cram_get_bytes(node, "untrimmed_bytes"));
	table_set(table, "LOST", "%llu", counter(node, "lost"));
	table_set(table, "NEXT", "%s", next_step(node));
}

static int no_cram(struct pmn_node *node)
{
	if (node)
		return complain(PMN_NO_NODE, "node %d: it is not compressed RAM; `pmnctl list -o +KIND` shows which are",
				pmn_node_get_id(node));
	return complain(PMN_NO_NODE, "compressed RAM: there is none; its driver has to be loaded, see `man pmnctl-cram`");
}

static int check_kernel(struct cli *cli)
{
	char text[1024];
	int ret;

	ret = pmn_check_kernel(cli->ctx);
	if (!ret && pmn_read(cli->ctx, "/sys/kernel/mm/cram/nodes", text, sizeof(text)))
		return complain(PMN_NO_KERNEL, "kernel: it has no compressed RAM; boot one that is built with CONFIG_CRAM=y");
	return ret ? complain_lib(cli, ret) : PMN_OK;
}

/* Private nodes by the grammar, of which each has to be compressed RAM if it was named. */
static int parse_nodes(struct cli *cli, const char *text, struct pmn_nodeset **set)
{
	struct pmn_node *node;
	int ret;

	ret = check_kernel(cli);
	if (ret)
		return ret;
	ret = pmn_nodeset_parse(cli->ctx, text, set);
	if (ret)
		return complain_lib(cli, ret);
	pmn_nodeset_foreach(cli->ctx, *set, node)
		if (!ret && !pmn_node_is_cram(node) && strcmp(text, "all"))
			ret = no_cram(node);
	if (ret)
		pmn_nodeset_free(*set);
	return ret;
}

int verb_cram_status(struct cli *cli)
{
	struct pmn_nodeset *set;
	struct pmn_node *node;
	struct table *table;
	int ret, n = 0;

	ret = parse_nodes(cli, cli->nr ? cli->args[0] : "all", &set);
	if (ret)
		return ret;
	table = table_new(cli, "cram", columns, ARRAY_SIZE(columns), DEFAULTS);
	pmn_nodeset_foreach(cli->ctx, set, node) {
		if (!table || !pmn_node_is_cram(node))
			continue;
		fill(table, cli, node);
		n++;
	}
	pmn_nodeset_free(set);
	if (!table)
		return PMN_USAGE;
	ret = table_print(table);
	return ret ? ret : n ? PMN_OK : no_cram(NULL);
}

/* -- cgroups ------------------------------------------------------------------------- */

static int find_cgroup(struct cli *cli, const char *name, struct pmn_cgroup **cgroup)
{
	char text[64];
	int ret;

	ret = check_kernel(cli);
	if (ret)
		return ret;
	if (!pmn_cgroup_get_first(cli->ctx))
		return complain(PMN_NO_KERNEL, "%s: cgroup v2 is not mounted on /sys/fs/cgroup; mount it there",
				name);
	*cgroup = pmn_cgroup_by_path(cli->ctx, name);
	if (!*cgroup)
		return complain(PMN_NO_NODE, "%s: there is no such cgroup; give the path below /sys/fs/cgroup, `systemd-cgls` shows them",
				name);
	if (pmn_cgroup_read(*cgroup, "memory.cram.current", text, sizeof(text)))
		return complain(PMN_NO_NODE, "%s: it has no memory.cram.current: it is the root, or its parent does not have memory in cgroup.subtree_control",
				name);
	return PMN_OK;
}

int verb_cram_limit(struct cli *cli)
{
	struct pmn_change *change;
	struct pmn_cgroup *cgroup;
	unsigned long long bytes;
	int ret;

	if (strcmp(cli->args[1], "max") && parse_size(cli->args[1], &bytes))
		return complain(PMN_USAGE, "size '%s': give a whole number with K, M, G or T, or max",
				cli->args[1]);
	ret = find_cgroup(cli, cli->args[0], &cgroup);
	if (ret)
		return ret;
	ret = pmn_change_new(cli->ctx, &change);
	if (!ret)
		ret = pmn_change_cgroup(change, cgroup, "memory.cram.max", cli->args[1]);
	return ret ? complain_lib(cli, ret) : apply_or_show(cli, change);
}

static long long number(struct pmn_cgroup *cgroup, const char *file)
{
	char text[64];

	return pmn_cgroup_read(cgroup, file, text, sizeof(text)) ? 0 : atoll(text);
}

/* The last reading may not have come back yet, or the ledger be waiting for one. */
static void wait_for_reading(void)
{
	struct timespec t = { .tv_nsec = PUSH_WAIT_MS * 1000000L };

	nanosleep(&t, NULL);
}

/* What the cgroup has on private nodes that take demoted memory as it is. */
static unsigned long long demoted(struct cli *cli, struct pmn_cgroup *cgroup)
{
	const struct pmn_service *demotion = pmn_service_by_name("demotion");
	unsigned long long sum = 0;
	struct pmn_node *node;

	pmn_node_foreach(cli->ctx, node)
		if (!pmn_node_is_cram(node) && pmn_node_is_enabled(node, demotion))
			sum += pmn_cgroup_get_use(cgroup, pmn_node_get_id(node));
	return sum;
}

/* Why can nothing go there at all?  NULL when something may. */
static const char *why_none(struct cli *cli, struct pmn_cgroup *cgroup)
{
	bool ok = false, may = false;
	struct pmn_node *node;

	pmn_node_foreach(cli->ctx, node) {
		if (!pmn_node_is_cram(node))
			continue;
		ok |= !strcmp(pmn_cram_get_state(node), "ok");
		may |= pmn_cgroup_may_have(cgroup, pmn_node_get_id(node));
	}
	if (!ok)
		return "no device is in the state ok; `pmnctl cram status` says what to do";
	if (!may)
		return "its cpuset.mems, or one above, has no node of compressed RAM; `pmnctl grant` adds one";
	return NULL;
}

/* Why is there less than was asked for? */
static const char *why_less(struct cli *cli, struct pmn_cgroup *cgroup)
{
	const char *none = why_none(cli, cgroup);
	char limit[64] = "";
	struct pmn_node *node;
	bool credit = false;

	if (none)
		return none;
	pmn_node_foreach(cli->ctx, node)
		credit |= pmn_node_is_cram(node) && pmn_cram_get_bytes(node, "credit_bytes") > 0;
	pmn_cgroup_read(cgroup, "memory.cram.max", limit, sizeof(limit));
	if (strcmp(limit, "max") && atoll(limit) <= number(cgroup, "memory.cram.current"))
		return "the cgroup is at its memory.cram.max; `pmnctl cram limit` raises it";
	if (!credit)
		return "no device has credit left; push less, or wait for a reading";
	return "no more of it is cold: the rest is in use, locked, shared or pinned, or went to swap; push again later";
}

static int push(struct cli *cli, struct pmn_cgroup *cgroup, unsigned long long size)
{
	long long start = number(cgroup, "memory.cram.current"), moved = 0, before;
	unsigned long long elsewhere = demoted(cli, cgroup);
	char text[64], done[32], want[32];
	int idle = 0, ret;

	while (moved < (long long)size && idle < PUSH_TRIES) {
		before = number(cgroup, "memory.cram.current");
		/* Anonymous memory alone; page cache would simply be dropped. */
		snprintf(text, sizeof(text), "%llu swappiness=max",
			 size - moved < PUSH_STEP ? size - moved : PUSH_STEP);
		ret = pmn_cgroup_write(cgroup, "memory.reclaim", text);
		/* Less than was asked for is BUSY. */
		if (ret && ret != PMN_BUSY)
			return complain_lib(cli, ret);
		if (number(cgroup, "memory.cram.current") > before) {
			idle = 0;
		} else {
			idle++;
			wait_for_reading();
		}
		moved = number(cgroup, "memory.cram.current") - start;
	}
	human_size(done, sizeof(done), moved > 0 ? moved : 0);
	human_size(want, sizeof(want), size);
	printf("%s: %s of %s went to compressed RAM\n", pmn_cgroup_get_path(cgroup), done, want);
	if (moved >= (long long)size)
		return PMN_OK;
	pmn_refresh(cli->ctx);
	cgroup = pmn_cgroup_by_path(cli->ctx, cli->args[0]);
	if (cgroup && demoted(cli, cgroup) > elsewhere)
		return complain(PMN_FAILED, "%s: not all went: a private node that is open to demotion took some of it as it is; `pmnctl deny NODE demotion promotion` closes that",
				cli->args[0]);
	return complain(PMN_FAILED, "%s: not all went: %s", cli->args[0],
			cgroup ? why_less(cli, cgroup) : "the cgroup is gone");
}

int verb_cram_push(struct cli *cli)
{
	struct pmn_cgroup *cgroup;
	unsigned long long size;
	int ret;

	if (parse_size(cli->args[1], &size) || !size || size > 1ULL << 60)
		return complain(PMN_USAGE, "size '%s': give a whole number above 0, with K, M, G or T",
				cli->args[1]);
	ret = find_cgroup(cli, cli->args[0], &cgroup);
	if (ret)
		return ret;
	if (why_none(cli, cgroup))
		return complain(PMN_FAILED, "%s: nothing went: %s", cli->args[0], why_none(cli, cgroup));
	if (!cli->opt[OPT_DRY_RUN])
		return push(cli, cgroup, size);
	printf("%s: would ask memory.reclaim for %llu bytes of anonymous memory, of which compressed RAM takes what it has credit for\n",
	       pmn_cgroup_get_path(cgroup), size);
	return PMN_OK;
}

/* -- nodes ---------------------------------------------------------------------------- */

static int set_nodes(struct cli *cli, const char *file, const char *value)
{
	struct pmn_change *change;
	struct pmn_nodeset *set;
	struct pmn_node *node;
	int ret;

	ret = parse_nodes(cli, cli->args[0], &set);
	if (ret)
		return ret;
	ret = pmn_change_new(cli->ctx, &change);
	pmn_nodeset_foreach(cli->ctx, set, node)
		if (!ret && pmn_node_is_cram(node))
			ret = pmn_change_set(change, node, file, value);
	pmn_nodeset_free(set);
	return ret ? complain_lib(cli, ret) : apply_or_show(cli, change);
}

int verb_cram_writable(struct cli *cli)
{
	unsigned long long bytes;

	if (strcmp(cli->args[1], "default") && parse_size(cli->args[1], &bytes))
		return complain(PMN_USAGE, "size '%s': give a whole number with K, M, G or T, or default; 0 lets each write copy",
				cli->args[1]);
	return set_nodes(cli, "cram/writable_bytes", cli->args[1]);
}

static int check_broken(struct cli *cli, const char *text)
{
	struct pmn_nodeset *set;
	struct pmn_node *node;
	int ret;

	ret = parse_nodes(cli, text, &set);
	if (ret)
		return ret;
	pmn_nodeset_foreach(cli->ctx, set, node)
		if (!ret && pmn_node_is_cram(node) && strcmp(pmn_cram_get_state(node), "broken"))
			ret = complain(PMN_FAILED, "node %d: its state is %s, and only one that is broken can be reset; `pmnctl cram status` says what to do",
				       pmn_node_get_id(node), pmn_cram_get_state(node));
	pmn_nodeset_free(set);
	return ret;
}

int verb_cram_reset(struct cli *cli)
{
	int ret = check_broken(cli, cli->args[0]);

	return ret ? ret : set_nodes(cli, "cram/state", "ok");
}
