// SPDX-License-Identifier: GPL-2.0-only
/*
 * The possible and the default memory nodes of a cpuset.
 *
 * Possible nodes are those that may be named; they include private nodes and
 * come from cpuset.mems.  Default nodes serve allocations that name no node;
 * they come from cpuset.mems.sysram, or if that is unset from the ordinary
 * nodes of cpuset.mems:
 *
 *  - possible is the intersection of cpuset.mems and the parent's possible; the
 *    parent's possible if cpuset.mems is unset or the intersection is empty.
 *  - default is the first of these sets that is not empty, so never empty:
 *      cpuset.mems.sysram within the ordinary nodes of possible,
 *      the ordinary nodes of cpuset.mems within the parent's default,
 *      the ordinary nodes of cpuset.mems,
 *      the parent's default.
 *
 * The second set comes before the third because container managers write
 * cpuset.mems alone.  That says what a cgroup may have.  It does not say that
 * the cgroup wants by default the nodes that its parent reserves for binds.
 *
 * Example: nodes 0 and 2 are ordinary, node 1 is private
 *
 *	parent's default  cpuset.mems  .sysram  possible  default
 *	0,2               0-1                   0-1       0
 *	0,2               1                     1         0,2 (the parent's)
 *	0,2               0-2          0        0-2       0; 2 by an explicit bind
 *	0,2               0                     0         0; nothing of node 1
 *	0                 0-2                   0-2       0
 *	0                 0-2          0,2      0-2       0,2
 *	0                 2                     2         2
 *
 * A private node with the access "named" is possible only if cpuset.mems has
 * it, in this cpuset and in each ancestor except the root.  This is checked at
 * each use of the mask, because the access of a node can change at any time;
 * see cpuset_drop_unnamed().
 *
 * cs->possible is stored as it was written.  Whether its nodes have memory,
 * ordinary or private, is checked at each use as well.
 */
#include <linux/cpuset_possible.h>
#include <linux/nodemask.h>

#include "cpuset-internal.h"

/* The possible nodes as written; with cgroup v1 there is only cpuset.mems. */
static const nodemask_t *written_possible(const struct cpuset *cs)
{
	if (cs == &top_cpuset || cpuset_in_v2_mode())
		return &cs->possible;
	return &cs->mems_allowed;
}

static nodemask_t possible_of(const struct cpuset *cs)
{
	nodemask_t mems = *written_possible(cs);

	cpuset_drop_unnamed(cs, &mems);
	return mems;
}

static nodemask_t compute_possible(const struct cpuset *cs,
				   const struct cpuset *parent)
{
	nodemask_t mask;

	if (!nodes_and(mask, cs->mems_allowed, parent->possible))
		mask = parent->possible;
	return mask;
}

/*
 * cpuset_update_possible - update the possible mask after a change of
 *	cpuset.mems
 * @cs: the cpuset, not the root
 * @parent: its parent, whose mask is up to date
 * @v2: is_in_v2_mode(); with cgroup v1 nothing is done
 *
 * Context: cpuset_mutex held; takes callback_lock.
 * Return: true if the mask has changed.
 */
bool cpuset_update_possible(struct cpuset *cs, struct cpuset *parent, bool v2)
{
	nodemask_t mask;

	if (!v2)
		return false;
	cs->moved_from = cs->possible;
	mask = compute_possible(cs, parent);
	if (nodes_equal(mask, cs->possible))
		return false;
	cpuset_callback_lock_irq();
	cs->possible = mask;
	cpuset_callback_unlock_irq();
	return true;
}

/*
 * cpuset_compute_default - compute the default nodes of a cpuset
 * @mems: result
 * @cs: the cpuset, whose possible mask is up to date
 * @parent: its parent, whose masks are up to date
 *
 * Context: cpuset_mutex held.
 */
void cpuset_compute_default(nodemask_t *mems, const struct cpuset *cs,
			    const struct cpuset *parent)
{
	nodemask_t ordinary, said;

	nodes_and(ordinary, cs->possible, top_cpuset.effective_mems);
	nodes_and(said, cs->mems_allowed, ordinary);
	if (nodes_and(*mems, cs->sysram, ordinary) ||
	    nodes_and(*mems, said, parent->effective_mems))
		return;
	*mems = nodes_empty(said) ? parent->effective_mems : said;
}

/*
 * cpuset_possible_mems - get the ordinary nodes that tasks of a cpuset may name
 * @cs: the cpuset
 * @mems: result; memory policies are rebound to these nodes
 *
 * Context: cpuset_mutex, callback_lock or RCU; with RCU alone the answer may be
 * outdated when it is used.
 */
void cpuset_possible_mems(const struct cpuset *cs, nodemask_t *mems)
{
	nodes_and(*mems, *written_possible(cs), node_states[N_MEMORY]);
	nodes_or(*mems, *mems, cs->effective_mems);
}

/*
 * cpuset_show_possible - get the nodes to show in cpuset.mems.effective
 * @cs: the cpuset
 * @mems: result; also shown as Mems_allowed in /proc/PID/status of its tasks.
 *	Of the private nodes it has only those that are open to user_numa.
 *
 * Context: callback_lock held.
 */
void cpuset_show_possible(const struct cpuset *cs, nodemask_t *mems)
{
	nodemask_t possible = possible_of(cs);

	cpuset_possible_mems(cs, mems);
	cpuset_show_private(&possible, mems);
}

/*
 * cpuset_unnamed_mems - get the nodes to which the kernel may move memory of a
 *	cpuset
 * @cs: the cpuset
 * @mems: result: the default nodes and the possible private nodes; for each of
 *	the latter the caller has to check its service
 *
 * For memory whose user named no node.
 *
 * Context: any, while @cs cannot go away; the answer may be outdated when it is
 * used.
 */
void cpuset_unnamed_mems(const struct cpuset *cs, nodemask_t *mems)
{
	nodemask_t private = possible_of(cs);

	cpuset_only_private(&private);
	nodes_or(*mems, cs->effective_mems, private);
}

/*
 * The nodes that may be named: possible nodes with memory, and the default
 * nodes.
 */
static void names_of(nodemask_t *names, const nodemask_t *possible,
		     const nodemask_t *mems)
{
	nodemask_t private = *possible;

	cpuset_only_private(&private);
	nodes_and(*names, *possible, node_states[N_MEMORY]);
	nodes_or(*names, *names, private);
	nodes_or(*names, *names, *mems);
}

/*
 * cpuset_names_init - get the nodes that may be named before and after a change
 * @names: result
 * @from: default nodes before the change
 * @to: default nodes after it
 * @oldcs: cpuset of the tasks before the change
 * @cs: cpuset of the tasks after it; the same as @oldcs if its masks were
 *	changed
 *
 * Context: cpuset_mutex held.
 */
void cpuset_names_init(struct cpuset_names *names, const nodemask_t *from,
		       const nodemask_t *to, const struct cpuset *oldcs,
		       const struct cpuset *cs)
{
	nodemask_t before = possible_of(oldcs), after = possible_of(cs);

	if (oldcs == cs)
		before = cpuset_in_v2_mode() ? cs->moved_from : *from;
	names_of(&names->from, &before, from);
	names_of(&names->to, &after, to);
}

/*
 * cpuset_moved - memory of a cpuset's tasks was moved by the present masks
 * @cs: the cpuset
 *
 * Context: cpuset_mutex held.
 */
void cpuset_moved(struct cpuset *cs)
{
	cs->moved_from = cs->possible;
}

void __cpuset_add_possible(struct task_struct *task, nodemask_t *nodes)
{
	nodemask_t mems;

	rcu_read_lock();
	cpuset_possible_mems(task_cs(task), &mems);
	rcu_read_unlock();
	nodes_or(*nodes, *nodes, mems);
}

bool __task_may_name(struct task_struct *task, int nid)
{
	const struct cpuset *cs;

	guard(rcu)();
	cs = task_cs(task);
	return node_isset(nid, *written_possible(cs)) &&
	       (!cpuset_must_name(nid) || cpuset_is_named(cs, nid));
}

void __cpuset_task_nodes(struct task_struct *task, nodemask_t *may,
			 nodemask_t *possible)
{
	const struct cpuset *cs;

	guard(rcu)();
	cs = task_cs(task);
	cpuset_unnamed_mems(cs, may);
	*possible = possible_of(cs);
	nodes_or(*possible, *possible, *may);
}

/*
 * cpuset_cgroup_possible - get the possible nodes of a cgroup
 * @cgroup: any cgroup of the unified hierarchy, or NULL
 * @nodes: result; with cgroup v1, or with NULL, all nodes but those with the
 *	access "named"
 *
 * Context: process or reclaim; the answer may be outdated when it is used.
 */
void cpuset_cgroup_possible(struct cgroup *cgroup, nodemask_t *nodes)
{
	struct cgroup_subsys_state *css = NULL;
	nodemask_t may;

	nodes_setall(*nodes);
	cpuset_drop_unnamed(NULL, nodes);
	if (cgroup && cgroup_subsys_on_dfl(cpuset_cgrp_subsys))
		css = cgroup_get_e_css(cgroup, &cpuset_cgrp_subsys);
	if (!css)
		return;
	*nodes = possible_of(css_cs(css));
	cpuset_unnamed_mems(css_cs(css), &may);
	nodes_or(*nodes, *nodes, may);
	css_put(css);
}

/*
 * A kernel thread that has taken the memory of a process by kthread_use_mm()
 * acts for that process; others act for nobody, and are in the root cpuset.
 */
static bool for_process(int nid)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	guard(rcu)();
	owner = rcu_dereference(current->mm->owner);
	return owner && __task_may_name(owner, nid);
#else
	return __task_may_name(current, nid);
#endif
}

bool __cpuset_may_name(int nid)
{
	if (current->flags & PF_KTHREAD && current->mm)
		return for_process(nid);
	return __task_may_name(current, nid);
}

/*
 * cpuset_parse_sysram - parse a write to cpuset.mems.sysram
 * @cs: the cpuset
 * @buf: node list; empty to unset it
 * @mask: result
 *
 * Context: cpuset_mutex held.
 * Return: 0; -EINVAL for a private node, with a line in the kernel log, and for
 * a node that is not possible; or the errno of nodelist_parse().
 */
int cpuset_parse_sysram(struct cpuset *cs, const char *buf, nodemask_t *mask)
{
	int ret = nodelist_parse(buf, *mask);

	if (ret < 0)
		return ret;
	if (!nodes_subset(*mask, node_possible_map) ||
	    cpuset_refuse_private(cs, mask))
		return -EINVAL;
	return 0;
}
