// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmnctl grant and revoke: which cgroups may have a node.
 *
 * A cgroup whose cpuset.mems is unset has all that its parent has.  So a node is given by naming it in
 * cpuset.mems of the cgroup, and of those above where theirs is set; it is kept from all others by
 * the node's access, which then is for those alone that name it.  systemd writes the files of its
 * units, and is asked to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grant.h"

#define NODES		"/sys/devices/system/node"
#define MAX_IDS		1024
/* A list such as 0,2-3 of all nodes that there can be. */
#define LIST_MAX	4096
#define SHOWN		5

extern char **environ;

/* One cgroup whose cpuset.mems changes. */
struct mems {
	struct pmn_cgroup *cgroup;
	char *list;
	bool done;
};

struct plan {
	struct cli *cli;
	int node;
	bool systemd;
	struct mems *mems;
	size_t nr;
	/* The node whose access becomes "named", or NULL. */
	struct pmn_node *only;
};

/* -- lists of nodes ------------------------------------------------------------------ */

static void mark(char *list, bool *has, bool value)
{
	char *word, *save = NULL, *dash;
	int first, last;

	for (word = strtok_r(list, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save)) {
		first = last = atoi(word);
		dash = strchr(word, '-');
		if (dash)
			last = atoi(dash + 1);
		for (; first <= last && first < MAX_IDS; first++)
			has[first] = value;
	}
}

/* All nodes with memory that the cgroup may have, of either kind. */
static void nodes_of(struct cli *cli, struct pmn_cgroup *cgroup, bool *has)
{
	static const char *const files[] = { "has_memory", "has_private_memory" };
	char path[128], list[LIST_MAX];
	size_t i;
	int id;

	memset(has, 0, MAX_IDS * sizeof(*has));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), NODES "/%s", files[i]);
		if (!pmn_read(cli->ctx, path, list, sizeof(list)))
			mark(list, has, true);
	}
	for (id = 0; id < MAX_IDS; id++)
		has[id] = has[id] && pmn_cgroup_may_have(cgroup, id);
}

static char *print_list(const bool *has)
{
	char text[LIST_MAX] = "";
	int first, last;
	size_t len = 0;

	for (first = 0; first < MAX_IDS; first = last + 1) {
		last = first;
		if (!has[first])
			continue;
		while (last + 1 < MAX_IDS && has[last + 1])
			last++;
		len += snprintf(text + len, len < sizeof(text) ? sizeof(text) - len : 0,
				last > first ? "%s%d-%d" : "%s%d", len ? "," : "", first, last);
	}
	return strdup(text);
}

/* -- what has to change ----------------------------------------------------------------- */

static int plan_add(struct plan *plan, struct pmn_cgroup *cgroup, bool with)
{
	struct mems *mems = reallocarray(plan->mems, plan->nr + 1, sizeof(*mems));
	bool has[MAX_IDS];

	if (!mems)
		return complain(PMN_FAILED, "memory: not enough");
	plan->mems = mems;
	nodes_of(plan->cli, cgroup, has);
	has[plan->node] = with;
	mems[plan->nr] = (struct mems){ cgroup, print_list(has), false };
	if (!mems[plan->nr].list)
		return complain(PMN_FAILED, "memory: not enough");
	plan->nr++;
	/* Empty means unset, which would be all of the parent's. */
	if (*mems[plan->nr - 1].list)
		return PMN_OK;
	return complain(PMN_FAILED, "%s: node %d is all that it may have, and it cannot be left with none; write an ordinary node to its cpuset.mems first",
			pmn_cgroup_get_path(cgroup), plan->node);
}

static void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		free(plan->mems[i].list);
	free(plan->mems);
}

static bool is_above(const struct pmn_cgroup *above, const struct pmn_cgroup *cgroup)
{
	for (cgroup = pmn_cgroup_get_parent(cgroup); cgroup; cgroup = pmn_cgroup_get_parent(cgroup))
		if (cgroup == above)
			return true;
	return false;
}

static bool is_named(struct pmn_node *node)
{
	const char *access = pmn_node_get_access(node);

	return access && !strcmp(access, "named");
}

/* Parents first: a child has no more than its parent.  With @named each but the root names it. */
static int plan_path(struct plan *plan, struct pmn_cgroup *target, bool named)
{
	struct pmn_cgroup *c;
	int ret = PMN_OK;

	pmn_cgroup_foreach(plan->cli->ctx, c) {
		if (ret || !pmn_cgroup_get_parent(c) || (c != target && !is_above(c, target)))
			continue;
		if (named ? !pmn_cgroup_names(c, plan->node) : !pmn_cgroup_may_have(c, plan->node))
			ret = plan_add(plan, c, true);
	}
	return ret;
}

/* What --only does, behind all else. */
static int plan_only(struct plan *plan, struct pmn_node *node)
{
	if (is_named(node))
		return PMN_OK;
	plan->only = node;
	if (pmn_node_get_access(node))
		return PMN_OK;
	return complain(PMN_NO_KERNEL, "node %d: this kernel gives a node to any cgroup whose cpuset.mems is unset, since private/access is missing; boot a newer one",
			plan->node);
}

/* -- how it is changed ----------------------------------------------------------------------- */

static const char *unit_of(const struct pmn_cgroup *cgroup)
{
	const char *name = strrchr(pmn_cgroup_get_path(cgroup), '/') + 1;
	const char *dot = strrchr(name, '.');

	if (dot && (!strcmp(dot, ".service") || !strcmp(dot, ".slice") || !strcmp(dot, ".scope")))
		return name;
	return NULL;
}

static int systemctl(struct plan *plan, const char *unit, const char *list)
{
	char property[LIST_MAX + 32];
	const char *argv[] = { "systemctl", "set-property", unit, property, NULL, NULL };
	int status, error;
	pid_t pid;

	snprintf(property, sizeof(property), "AllowedMemoryNodes=%s", list);
	/* Of a scope nothing outlives the boot. */
	if (plan->cli->opt[OPT_RUNTIME] || strstr(unit, ".scope"))
		argv[4] = "--runtime";
	error = posix_spawnp(&pid, argv[0], NULL, NULL, (char **)argv, environ);
	if (error)
		return complain(PMN_FAILED, "%s: systemctl cannot be run: %s; is it in PATH?", unit,
				strerror(error));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return PMN_OK;
	return complain(PMN_FAILED, "%s: systemd does not set %s; its reason is above, and `systemctl status %s` may say more",
			unit, property, unit);
}

static bool by_systemd(const struct plan *plan, const struct mems *m)
{
	return plan->systemd && unit_of(m->cgroup);
}

static void undo_units(struct plan *plan)
{
	struct mems *m;
	size_t i;

	for (i = plan->nr; i-- > 0;) {
		m = &plan->mems[i];
		if (m->done)
			systemctl(plan, unit_of(m->cgroup),
				  pmn_cgroup_get_mems(m->cgroup) ? pmn_cgroup_get_mems(m->cgroup) : "");
		m->done = false;
	}
}

static int apply_units(struct plan *plan)
{
	struct mems *m;
	size_t i;
	int ret;

	for (i = 0; i < plan->nr; i++) {
		m = &plan->mems[i];
		if (!by_systemd(plan, m))
			continue;
		if (plan->cli->opt[OPT_DRY_RUN]) {
			printf("%s: would be given AllowedMemoryNodes=%s by systemctl set-property\n",
			       unit_of(m->cgroup), m->list);
			continue;
		}
		ret = systemctl(plan, unit_of(m->cgroup), m->list);
		if (ret) {
			undo_units(plan);
			return ret;
		}
		m->done = true;
	}
	return PMN_OK;
}

/* The file cpuset.mems is there as soon as each cgroup above hands the controller down. */
static int enable_above(struct plan *plan, struct pmn_change *change, struct pmn_cgroup *cgroup)
{
	struct pmn_cgroup *c;
	struct pmn_step *step;
	char text[1024];
	bool planned;
	int ret = PMN_OK;

	pmn_cgroup_foreach(plan->cli->ctx, c) {
		if (ret || !is_above(c, cgroup))
			continue;
		if (!pmn_cgroup_read(c, "cgroup.subtree_control", text, sizeof(text)) &&
		    strstr(text, "cpuset"))
			continue;
		planned = false;
		pmn_step_foreach(change, step)
			planned |= !strcmp(pmn_step_get_object(step), pmn_cgroup_get_path(c)) &&
				   !strcmp(pmn_step_get_value(step), "+cpuset");
		if (!planned)
			ret = pmn_change_cgroup(change, c, "cgroup.subtree_control", "+cpuset");
	}
	return ret;
}

static int apply_files(struct plan *plan)
{
	struct pmn_change *change;
	struct mems *m;
	size_t i;
	int ret;

	ret = pmn_change_new(plan->cli->ctx, &change);
	if (ret)
		return complain_lib(plan->cli, ret);
	for (i = 0; !ret && i < plan->nr; i++) {
		m = &plan->mems[i];
		if (by_systemd(plan, m))
			continue;
		ret = enable_above(plan, change, m->cgroup);
		if (!ret)
			ret = pmn_change_cgroup(change, m->cgroup, "cpuset.mems", m->list);
	}
	if (!ret && plan->only)
		ret = pmn_change_set(change, plan->only, "access", "named");
	if (!ret)
		return apply_or_show(plan->cli, change);
	pmn_change_free(change);
	return complain_lib(plan->cli, ret);
}

static int plan_apply(struct plan *plan)
{
	int ret = apply_units(plan);

	if (ret)
		return ret;
	ret = apply_files(plan);
	if (ret)
		undo_units(plan);
	return ret;
}

/* -- who ------------------------------------------------------------------------------------------ */

/* A path, or the name of a unit or cgroup that there is once. */
static int find_cgroup(struct cli *cli, const char *name, struct pmn_cgroup **found)
{
	struct pmn_cgroup *c;
	int n = 0;

	if (!pmn_cgroup_get_first(cli->ctx))
		return complain(PMN_NO_KERNEL, "%s: cgroup v2 is not mounted on /sys/fs/cgroup, and v1 cannot keep a private node; mount it there",
				name);
	*found = pmn_cgroup_by_path(cli->ctx, name);
	if (*found || strchr(name, '/'))
		n = !!*found;
	else
		pmn_cgroup_foreach(cli->ctx, c)
			if (!strcmp(strrchr(pmn_cgroup_get_path(c), '/') + 1, name)) {
				*found = c;
				n++;
			}
	if (n > 1)
		return complain(PMN_USAGE, "%s: %d cgroups have that name; give the path below /sys/fs/cgroup",
				name, n);
	if (!n)
		return complain(PMN_NO_NODE, "%s: there is no such cgroup; a unit has one while it runs, and `systemd-cgls` shows them",
				name);
	if (pmn_cgroup_get_parent(*found))
		return PMN_OK;
	return complain(PMN_USAGE, "%s: the root cgroup has every node whose access is any, and no other; name one below it", name);
}

static bool is_within(const struct pmn_cgroup *cgroup, const struct pmn_cgroup *target)
{
	return cgroup == target || is_above(target, cgroup);
}

/* After a grant: it is not for this one alone unless it is. */
static void say_others(struct cli *cli, int node, struct pmn_cgroup *target)
{
	struct pmn_cgroup *c;
	int n = 0;

	pmn_cgroup_foreach(cli->ctx, c) {
		if (!pmn_cgroup_may_have(c, node) || is_within(c, target) || !pmn_cgroup_has_tasks(c))
			continue;
		if (n < SHOWN)
			printf("node %d: is within reach of tasks in %s, too\n", node,
			       pmn_cgroup_get_path(c));
		n++;
	}
	if (n > SHOWN)
		printf("node %d: and of tasks in %d more cgroups\n", node, n - SHOWN);
	if (n)
		printf("node %d: --only gives it to cgroups alone that name it, as %s does now\n", node,
		       pmn_cgroup_get_path(target));
}

/* Before a revocation. */
static void say_hit(struct cli *cli, int node, struct pmn_cgroup *target)
{
	struct pmn_user *user;
	struct pmn_cgroup *c;
	char size[32];

	pmn_user_foreach(cli->ctx, user) {
		c = pmn_user_get_cgroup(user) ?
		    pmn_cgroup_by_path(cli->ctx, pmn_user_get_cgroup(user)) : NULL;
		if (!c || !is_within(c, target) || !pmn_user_get_use(user, node))
			continue;
		human_size(size, sizeof(size), pmn_user_get_use(user, node));
		printf("node %d: pid %d (%s) has %s there and gets no more; what it did not bind there moves to ordinary memory\n", node,
		       (int)pmn_user_get_pid(user), pmn_user_get_name(user), size);
	}
	fflush(stdout);
}

static bool systemd_runs(struct cli *cli)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/run/systemd/system", pmn_get_root(cli->ctx));
	return !access(path, F_OK);
}

int grant_node(struct cli *cli, int node, const char *name, bool only)
{
	struct plan plan = { .cli = cli, .node = node, .systemd = systemd_runs(cli) };
	struct pmn_node *pn = pmn_node_by_id(cli->ctx, node);
	struct pmn_cgroup *target;
	int ret;

	if (!pn)
		return complain(PMN_NO_NODE, "node %d: it went away meanwhile; look again with `pmnctl list`",
				node);
	ret = find_cgroup(cli, name, &target);
	if (!ret && only)
		ret = plan_only(&plan, pn);
	if (!ret)
		ret = plan_path(&plan, target, only || is_named(pn));
	if (!ret && (plan.nr || plan.only))
		ret = plan_apply(&plan);
	plan_free(&plan);
	return ret;
}

static int revoke_node(struct cli *cli, int node, const char *name)
{
	struct plan plan = { .cli = cli, .node = node, .systemd = systemd_runs(cli) };
	struct pmn_cgroup *target;
	int ret;

	ret = find_cgroup(cli, name, &target);
	if (ret)
		return ret;
	if (!pmn_cgroup_may_have(target, node)) {
		printf("node %d: %s may not have it as it is\n", node, pmn_cgroup_get_path(target));
		return PMN_OK;
	}
	say_hit(cli, node, target);
	ret = plan_add(&plan, target, false);
	if (!ret)
		ret = plan_apply(&plan);
	plan_free(&plan);
	return ret;
}

/* One node at a time: what is granted is one decision. */
static int one_node(struct cli *cli, int *node)
{
	struct pmn_nodeset *set;
	unsigned int nr;
	int ret;

	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	nr = pmn_nodeset_count(set);
	for (*node = 0; !pmn_nodeset_has(set, *node);)
		++*node;
	pmn_nodeset_free(set);
	if (nr == 1)
		return PMN_OK;
	return complain(PMN_USAGE, "nodes '%s': these are %u; give one", cli->args[0], nr);
}

int verb_grant(struct cli *cli)
{
	struct pmn_cgroup *target;
	int ret, node;

	ret = one_node(cli, &node);
	if (!ret)
		ret = grant_node(cli, node, cli->args[1], cli->opt[OPT_ONLY]);
	if (ret || cli->opt[OPT_DRY_RUN])
		return ret;
	pmn_refresh(cli->ctx);
	ret = find_cgroup(cli, cli->args[1], &target);
	if (!ret)
		say_others(cli, node, target);
	return ret;
}

int verb_revoke(struct cli *cli)
{
	int ret, node;

	ret = one_node(cli, &node);
	return ret ? ret : revoke_node(cli, node, cli->args[1]);
}
