// SPDX-License-Identifier: GPL-2.0-only
/* Who uses private nodes, and how much more than a moment ago. */
#include <stdlib.h>
#include <string.h>

#include "uses.h"

void uses_free(struct uses *uses)
{
	while (uses->nr)
		free(uses->all[--uses->nr].name);
	free(uses->all);
	*uses = (struct uses){};
}

static void add(struct uses *uses, const struct use *use)
{
	struct use *all = reallocarray(uses->all, uses->nr + 1, sizeof(*all));

	if (!all)
		return;
	uses->all = all;
	all[uses->nr] = *use;
	all[uses->nr].name = strdup(use->name);
	uses->nr += !!all[uses->nr].name;
}

/* What the cgroup has with those below it, less what its children have with those below them. */
struct share {
	struct pmn_cgroup *cgroup;
	unsigned long long bytes;
	long long own;
};

static struct share *share_of(struct share *shares, size_t nr, const struct pmn_cgroup *cgroup)
{
	/* A parent is before its children, and mostly not far away. */
	while (nr--)
		if (shares[nr].cgroup == cgroup)
			return &shares[nr];
	return NULL;
}

static size_t read_shares(struct pmn_ctx *ctx, int node, struct share *shares, size_t room)
{
	struct pmn_cgroup *c;
	struct share *parent;
	size_t nr = 0;

	pmn_cgroup_foreach(ctx, c) {
		if (nr == room)
			break;
		shares[nr].cgroup = c;
		shares[nr].bytes = pmn_cgroup_get_use(c, node);
		shares[nr].own = shares[nr].bytes;
		parent = share_of(shares, nr, pmn_cgroup_get_parent(c));
		if (parent)
			parent->own -= shares[nr].bytes;
		nr++;
	}
	return nr;
}

/* Files that are read one after the other may give a parent less than its children have. */
static void add_cgroups(struct uses *uses, struct pmn_ctx *ctx, int node)
{
	struct share *shares;
	struct pmn_cgroup *c;
	size_t room = 0, i;

	pmn_cgroup_foreach(ctx, c)
		room++;
	shares = calloc(room, sizeof(*shares));
	if (!shares)
		return;
	room = read_shares(ctx, node, shares, room);
	for (i = 0; i < room; i++)
		if (shares[i].own > 0)
			add(uses, &(struct use){ .node = node, .is_cgroup = true, .bytes = shares[i].own,
						 .name = (char *)pmn_cgroup_get_path(shares[i].cgroup) });
	free(shares);
}

static void add_processes(struct uses *uses, struct pmn_ctx *ctx, int node)
{
	unsigned long long bytes;
	struct pmn_user *u;

	pmn_user_foreach(ctx, u) {
		bytes = pmn_user_get_use(u, node);
		if (bytes)
			add(uses, &(struct use){ .node = node, .pid = pmn_user_get_pid(u), .bytes = bytes,
						 .name = (char *)pmn_user_get_name(u) });
	}
}

/* Nodes in order, cgroups before processes, the largest first. */
static int in_order(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->node != y->node)
		return x->node - y->node;
	if (x->is_cgroup != y->is_cgroup)
		return y->is_cgroup - x->is_cgroup;
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

/* A process may change its name, and a cgroup has no other number. */
static bool is_same(const struct use *a, const struct use *b)
{
	return a->node == b->node && a->pid == b->pid && a->is_cgroup == b->is_cgroup &&
	       (!a->is_cgroup || !strcmp(a->name, b->name));
}

/* Who was not there had nothing. */
static void compare(struct uses *uses, const struct uses *before)
{
	size_t i, j;

	for (i = 0; before->taken && i < uses->nr; i++) {
		uses->all[i].growth = uses->all[i].bytes;
		for (j = 0; j < before->nr; j++)
			if (is_same(&uses->all[i], &before->all[j]))
				uses->all[i].growth -= before->all[j].bytes;
	}
}

void uses_take(struct uses *uses, struct pmn_ctx *ctx)
{
	struct uses now = { .taken = true };
	struct pmn_node *node;

	pmn_node_foreach(ctx, node) {
		add_cgroups(&now, ctx, pmn_node_get_id(node));
		add_processes(&now, ctx, pmn_node_get_id(node));
	}
	if (now.nr)
		qsort(now.all, now.nr, sizeof(*now.all), in_order);
	compare(&now, uses);
	uses_free(uses);
	*uses = now;
}
