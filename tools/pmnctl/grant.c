// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmnctl grant and revoke: which cgroups may have a node.
 *
 * A cgroup whose cpuset.mems is unset has all that its parent has.  So a node is given by naming it in
 * cpuset.mems of the cgroup, and of those above where theirs is set; it is kept from all others by
 * the node's access, which then is for those alone that name it.  systemd writes the files of its
 * units, and is asked to, also for units that are started later: /etc/pmn.d is applied before them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

/* One cgroup whose cpuset.mems changes, or a unit that does not run and so has none. */
struct mems {
	struct pmn_cgroup *cgroup;
	char *unit, *before;
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

	for (word = strtok_r(list, ", \n", &save); word; word = strtok_r(NULL, ", \n", &save)) {
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

static int plan_list(struct plan *plan, const char *name, struct mems new, bool *has, bool with)
{
	struct mems *mems = reallocarray(plan->mems, plan->nr + 1, sizeof(*mems));

	if (mems)
		plan->mems = mems;
	has[plan->node] = with;
	new.list = print_list(has);
	if (!mems || !new.list) {
		free(new.list);
		free(new.unit);
		free(new.before);
		return complain(PMN_FAILED, "memory: not enough");
	}
	mems[plan->nr++] = new;
	/* Empty means unset, which would be all of the parent's. */
	if (*new.list)
		return PMN_OK;
	return complain(PMN_FAILED, "%s: node %d is all that it may have, and it cannot be left with none; write an ordinary node to its cpuset.mems first",
			name, plan->node);
}

static int plan_add(struct plan *plan, struct pmn_cgroup *cgroup, bool with)
{
	bool has[MAX_IDS];

	nodes_of(plan->cli, cgroup, has);
	return plan_list(plan, pmn_cgroup_get_path(cgroup), (struct mems){ .cgroup = cgroup }, has, with);
}

static void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		free(plan->mems[i].list);
		free(plan->mems[i].unit);
		free(plan->mems[i].before);
	}
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

static bool is_unit(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!strcmp(dot, ".service") || !strcmp(dot, ".slice") || !strcmp(dot, ".scope"));
}

static const char *unit_of(const struct mems *m)
{
	const char *name = m->cgroup ? strrchr(pmn_cgroup_get_path(m->cgroup), '/') + 1 : m->unit;

	return is_unit(name) ? name : NULL;
}

static const char *before(const struct mems *m)
{
	const char *list = m->cgroup ? pmn_cgroup_get_mems(m->cgroup) : m->before;

	return list ? list : "";
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
	return plan->systemd && unit_of(m);
}

static void undo_units(struct plan *plan)
{
	struct mems *m;
	size_t i;

	for (i = plan->nr; i-- > 0;) {
		m = &plan->mems[i];
		if (m->done)
			systemctl(plan, unit_of(m), before(m));
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
			       unit_of(m), m->list);
			continue;
		}
		ret = systemctl(plan, unit_of(m), m->list);
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

/* Those of that path, or of that name; the last one of them. */
static int count_cgroups(struct cli *cli, const char *name, struct pmn_cgroup **found)
{
	struct pmn_cgroup *c;
	int n = 0;

	*found = pmn_cgroup_by_path(cli->ctx, name);
	if (*found || strchr(name, '/'))
		return !!*found;
	pmn_cgroup_foreach(cli->ctx, c)
		if (!strcmp(strrchr(pmn_cgroup_get_path(c), '/') + 1, name)) {
			*found = c;
			n++;
		}
	return n;
}

/* A path, or the name of a unit or cgroup that there is once. */
static int find_cgroup(struct cli *cli, const char *name, struct pmn_cgroup **found)
{
	int n;

	if (!pmn_cgroup_get_first(cli->ctx))
		return complain(PMN_NO_KERNEL, "%s: cgroup v2 is not mounted on /sys/fs/cgroup, and v1 cannot keep a private node; mount it there",
				name);
	n = count_cgroups(cli, name, found);
	if (n > 1)
		return complain(PMN_USAGE, "%s: %d cgroups have that name; give the path below /sys/fs/cgroup",
				name, n);
	if (!n)
		return complain(PMN_NO_NODE, "%s: there is no such cgroup; `systemd-cgls` shows them", name);
	if (pmn_cgroup_get_parent(*found))
		return PMN_OK;
	return complain(PMN_USAGE, "%s: the root cgroup has every node whose access is any, and no other; name one below it", name);
}

/* -- units that do not run ------------------------------------------------------------------------- */

/* What systemd knows of a unit. */
struct unit {
	char load[32], slice[256], allowed[LIST_MAX];
};

/* The value behind KEY=, in a field of @size; all else is left. */
static void take_value(const char *line, const char *key, char *value, size_t size)
{
	size_t len = strlen(key);

	if (!strncmp(line, key, len) && line[len] == '=')
		snprintf(value, size, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
}

static int read_unit(int fd, struct unit *unit)
{
	char line[LIST_MAX + 64];
	FILE *f = fdopen(fd, "r");

	if (!f) {
		close(fd);
		return PMN_FAILED;
	}
	*unit = (struct unit){};
	while (fgets(line, sizeof(line), f)) {
		take_value(line, "LoadState", unit->load, sizeof(unit->load));
		take_value(line, "Slice", unit->slice, sizeof(unit->slice));
		take_value(line, "AllowedMemoryNodes", unit->allowed, sizeof(unit->allowed));
	}
	fclose(f);
	return PMN_OK;
}

static int show_unit(const char *name, struct unit *unit)
{
	const char *argv[] = { "systemctl", "show", "--property=LoadState,Slice,AllowedMemoryNodes", "--", name, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], error, ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return complain(PMN_FAILED, "%s: a pipe to systemctl cannot be made: %m", name);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (error) {
		close(fds[0]);
		return complain(PMN_FAILED, "%s: systemctl cannot be run: %s; is it in PATH?", name,
				strerror(error));
	}
	ret = read_unit(fds[0], unit);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (ret)
		return complain(PMN_FAILED, "memory: not enough");
	if (strcmp(unit->load, "loaded"))
		return complain(PMN_NO_NODE, "%s: there is neither such a cgroup nor such a unit; `systemctl list-unit-files` and `systemd-cgls` show those that there are",
				name);
	return PMN_OK;
}

/*
 * What a unit without a cgroup will have when it is started: what it names, or else all of its slice.
 * Slices above come first.  @with: it is to have the node, or not.
 */
static int plan_unit(struct plan *plan, const char *name, bool named, bool with)
{
	struct pmn_cgroup *slice = pmn_cgroup_get_first(plan->cli->ctx);
	char allowed[LIST_MAX];
	bool has[MAX_IDS];
	struct unit unit;
	int ret, n;

	ret = show_unit(name, &unit);
	if (ret)
		return ret;
	if (*unit.slice && strcmp(unit.slice, "-.slice")) {
		n = count_cgroups(plan->cli, unit.slice, &slice);
		if (!n)
			slice = pmn_cgroup_get_first(plan->cli->ctx);
		if (with)
			ret = n ? plan_path(plan, slice, named) : plan_unit(plan, unit.slice, named, true);
	}
	if (ret)
		return ret;
	nodes_of(plan->cli, slice, has);
	if (*unit.allowed) {
		memset(has, 0, sizeof(has));
		strcpy(allowed, unit.allowed);
		mark(allowed, has, true);
		/* Now it names them. */
		named = false;
	}
	if (has[plan->node] == with && !(with && named))
		return PMN_OK;
	return plan_list(plan, name, (struct mems){ .unit = strdup(name), .before = strdup(unit.allowed) }, has, with);
}

/* Is @name a unit's, which systemd has and which does not run? */
static bool is_stopped(struct plan *plan, const char *name)
{
	struct pmn_cgroup *found;

	return plan->systemd && pmn_cgroup_get_first(plan->cli->ctx) && !strchr(name, '/') &&
	       is_unit(name) && !count_cgroups(plan->cli, name, &found);
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
		       target ? pmn_cgroup_get_path(target) : cli->args[1]);
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
	struct pmn_cgroup *target = NULL;
	int ret = PMN_OK;

	if (!pn)
		return complain(PMN_NO_NODE, "node %d: it went away meanwhile; look again with `pmnctl list`",
				node);
	if (!is_stopped(&plan, name))
		ret = find_cgroup(cli, name, &target);
	if (!ret && only)
		ret = plan_only(&plan, pn);
	if (!ret)
		ret = target ? plan_path(&plan, target, only || is_named(pn)) :
			       plan_unit(&plan, name, only || is_named(pn), true);
	if (!ret && (plan.nr || plan.only))
		ret = plan_apply(&plan);
	plan_free(&plan);
	return ret;
}

static int plan_revoke(struct plan *plan, const char *name)
{
	struct pmn_cgroup *target;
	int ret;

	if (is_stopped(plan, name))
		return plan_unit(plan, name, false, false);
	ret = find_cgroup(plan->cli, name, &target);
	if (ret || !pmn_cgroup_may_have(target, plan->node))
		return ret;
	say_hit(plan->cli, plan->node, target);
	return plan_add(plan, target, false);
}

static int revoke_node(struct cli *cli, int node, const char *name)
{
	struct plan plan = { .cli = cli, .node = node, .systemd = systemd_runs(cli) };
	int ret;

	ret = plan_revoke(&plan, name);
	if (!ret && plan.nr)
		ret = plan_apply(&plan);
	else if (!ret)
		printf("node %d: %s may not have it as it is\n", node, name);
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
	struct pmn_cgroup *target = NULL;
	int ret, node;

	ret = one_node(cli, &node);
	if (!ret)
		ret = grant_node(cli, node, cli->args[1], cli->opt[OPT_ONLY]);
	if (ret || cli->opt[OPT_DRY_RUN])
		return ret;
	pmn_refresh(cli->ctx);
	count_cgroups(cli, cli->args[1], &target);
	say_others(cli, node, target);
	return PMN_OK;
}

int verb_revoke(struct cli *cli)
{
	int ret, node;

	ret = one_node(cli, &node);
	return ret ? ret : revoke_node(cli, node, cli->args[1]);
}
