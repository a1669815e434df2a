// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory nodes among the possible nodes of a cpuset.
 *
 * See kernel/cgroup/cpuset-possible.c and Documentation/mm/private_nodes.rst.
 */
#include <linux/cpuset_possible.h>
#include <linux/memory_hotplug.h>
#include <linux/printk.h>
#include <linux/private_node_hooks.h>

#include "cpuset-internal.h"

DEFINE_STATIC_KEY_FALSE(cpuset_must_name_key);
nodemask_t cpuset_must_name_map __read_mostly;

/*
 * cpuset_set_must_name - set or clear the access "named" of a private node
 * @nid: a private node
 * @must: true for "named", false for "any"
 *
 * Context: process, may sleep; calls for one node must not run at the same
 * time.
 * Return: 0; -EOPNOTSUPP without cpusets.
 */
int cpuset_set_must_name(int nid, bool must)
{
	if (node_isset(nid, cpuset_must_name_map) == must)
		return 0;
	if (must) {
		static_branch_inc(&cpuset_must_name_key);
		node_set(nid, cpuset_must_name_map);
	} else {
		node_clear(nid, cpuset_must_name_map);
		static_branch_dec(&cpuset_must_name_key);
	}
	return 0;
}

/*
 * Do the cpuset and its ancestors except the root have the node in cpuset.mems?
 */
bool cpuset_is_named(const struct cpuset *cs, int nid)
{
	if (!cs || cs == &top_cpuset)
		return false;
	for (; cs != &top_cpuset; cs = css_cs(cs->css.parent))
		if (!node_isset(nid, cs->mems_allowed))
			return false;
	return true;
}

/*
 * cpuset_drop_unnamed - drop nodes with the access "named" that a cpuset does
 *	not name
 * @cs: the cpuset; NULL for none, which names no node
 * @mems: possible nodes; the result
 *
 * Context: cpuset_mutex, callback_lock or RCU, as for cpuset_possible_mems().
 */
void cpuset_drop_unnamed(const struct cpuset *cs, nodemask_t *mems)
{
	int nid;

	if (!static_branch_unlikely(&cpuset_must_name_key))
		return;
	for_each_node_mask(nid, cpuset_must_name_map)
		if (cpuset_must_name(nid) && !cpuset_is_named(cs, nid))
			node_clear(nid, *mems);
}

/*
 * cpuset_show_private - add the private nodes to show in cpuset.mems.effective
 * @possible: possible nodes of the cpuset
 * @mems: result; those are added that are open to user_numa
 *
 * Context: any.
 */
void cpuset_show_private(const nodemask_t *possible, nodemask_t *mems)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (node_isset(nid, *possible) &&
		    private_node_service_enabled(nid, PRIVATE_NODE_USER_NUMA))
			node_set(nid, *mems);
}

/*
 * cpuset_say_inherited - log that cpuset.mems has private nodes alone
 * @cs: the cpuset, whose masks are up to date
 *
 * For administrators who expect that all memory of the cgroup comes from these
 * nodes now: memory that names no node still comes from the parent's default
 * nodes.
 *
 * Context: cpuset_mutex held; called after a write of cpuset.mems.
 */
void cpuset_say_inherited(const struct cpuset *cs)
{
	char path[64];

	if (!cpuset_in_v2_mode() || nodes_empty(cs->mems_allowed) ||
	    !nodes_subset(cs->mems_allowed, private_node_map))
		return;
	cgroup_path(cs->css.cgroup, path, sizeof(path));
	pr_info_ratelimited("cpuset: %s: mems %*pbl are private nodes, only for memory that names them; other memory comes from nodes %*pbl, as in the parent\n",
			    path, nodemask_pr_args(&cs->mems_allowed),
			    nodemask_pr_args(&cs->effective_mems));
}

/*
 * cpuset_refuse_private - does a write to cpuset.mems.sysram name private nodes?
 * @cs: the cpuset
 * @mask: nodes that were written
 *
 * Logs a line if so.
 *
 * Context: cpuset_mutex held.
 * Return: true when the write has to be refused.
 */
bool cpuset_refuse_private(const struct cpuset *cs, const nodemask_t *mask)
{
	nodemask_t private;
	char path[64];

	if (!nodes_and(private, *mask, private_node_map))
		return false;
	cgroup_path(cs->css.cgroup, path, sizeof(path));
	private_node_cpuset_refused(&private);
	pr_err_ratelimited("cpuset: %s: mems.sysram unchanged: nodes %*pbl are private; name them in cpuset.mems\n",
			   path, nodemask_pr_args(&private));
	return true;
}
