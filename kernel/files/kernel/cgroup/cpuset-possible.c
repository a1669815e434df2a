// SPDX-License-Identifier: GPL-2.0-only
/*
 * The possible and the default memory nodes of a cpuset.
 *
 * cpuset.mems says which nodes may be named, private ones among them, and
 * cpuset.mems.sysram, or if it is unset the ordinary nodes of cpuset.mems, from
 * which ones memory comes that names none:
 *
 *  - possible is cpuset.mems within the parent's possible; all of that where
 *    cpuset.mems is unset or leaves nothing.
 *  - default is cpuset.mems.sysram within the ordinary nodes of possible; these
 *    where it is unset and cpuset.mems is set; the parent's default where both
 *    are unset, or where that leaves nothing.  So it is never empty.
 *
 * Example: nodes 0 and 2 are ordinary, node 1 is private
 *
 *	cpuset.mems  .sysram  possible  default
 *	0-1                   0-1       0
 *	1                     1         0,2 (the parent's)
 *	0-2          0        0-2       0; 2 by an explicit bind
 *	0                     0         0; nothing of node 1
 *
 * Possible is kept as written: whether its nodes have memory, and of which
 * kind, is asked when it is used.
 */
#include <linux/cpuset_possible.h>
#include <linux/memory_hotplug.h>
#include <linux/printk.h>

#include "cpuset-internal.h"

static nodemask_t compute_possible(const struct cpuset *cs,
				   const struct cpuset *parent, bool v2)
{
	nodemask_t mask;

	/* v1 has one mask. */
	if (!v2)
		return cs->mems_allowed;
	if (!nodes_and(mask, cs->mems_allowed, parent->possible))
		mask = parent->possible;
	return mask;
}

/*
 * cpuset_update_possible - after a change of cpuset.mems here or above
 * @cs: the cpuset, not the root
 * @parent: its parent, up to date
 * @v2: is_in_v2_mode()
 *
 * Context: cpuset_mutex held; takes callback_lock.
 * Return: did the mask change?
 */
bool cpuset_update_possible(struct cpuset *cs, struct cpuset *parent, bool v2)
{
	nodemask_t mask = compute_possible(cs, parent, v2);

	if (nodes_equal(mask, cs->possible))
		return false;
	cpuset_callback_lock_irq();
	cs->possible = mask;
	cpuset_callback_unlock_irq();
	return true;
}

/*
 * cpuset_compute_default - nodes that memory without a name comes from
 * @mems: result
 * @cs: the cpuset, its possible mask up to date
 * @parent: its parent, up to date
 *
 * Context: cpuset_mutex held.
 */
void cpuset_compute_default(nodemask_t *mems, const struct cpuset *cs,
			    const struct cpuset *parent)
{
	nodemask_t ordinary;

	nodes_and(ordinary, cs->possible, top_cpuset.effective_mems);
	if (!nodes_empty(cs->sysram))
		nodes_and(*mems, cs->sysram, ordinary);
	else if (!nodes_empty(cs->mems_allowed))
		nodes_and(*mems, cs->mems_allowed, ordinary);
	else
		*mems = parent->effective_mems;
	if (nodes_empty(*mems) &&
	    !nodes_and(*mems, cs->mems_allowed, parent->effective_mems))
		*mems = parent->effective_mems;
}

/*
 * cpuset_possible_mems - ordinary nodes that tasks of a cpuset may name
 * @cs: the cpuset
 * @mems: result
 *
 * Policies are rebound to them.
 *
 * Context: cpuset_mutex, callback_lock or RCU; with RCU alone the answer may be
 * old when it is used.
 */
void cpuset_possible_mems(const struct cpuset *cs, nodemask_t *mems)
{
	nodes_and(*mems, cs->possible, node_states[N_MEMORY]);
	nodes_or(*mems, *mems, cs->effective_mems);
}

/*
 * cpuset_effective_possible - what cpuset.mems.effective shows
 * @cs: the cpuset
 * @mems: result
 *
 * Context: callback_lock held.
 */
void cpuset_effective_possible(const struct cpuset *cs, nodemask_t *mems)
{
	nodemask_t private;

	nodes_and(private, cs->possible, node_states[N_MEMORY_PRIVATE]);
	cpuset_possible_mems(cs, mems);
	nodes_or(*mems, *mems, private);
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
	bool ret;

	rcu_read_lock();
	ret = node_isset(nid, task_cs(task)->possible);
	rcu_read_unlock();
	return ret;
}

bool __cpuset_may_name(int nid)
{
	return __task_may_name(current, nid);
}

/*
 * cpuset_parse_sysram - a write to cpuset.mems.sysram
 * @cs: the cpuset
 * @buf: node list, or nothing to unset it
 * @mask: result
 *
 * Context: cpuset_mutex held.
 * Return: 0, or -EINVAL with the reason in the kernel log.
 */
int cpuset_parse_sysram(struct cpuset *cs, const char *buf, nodemask_t *mask)
{
	int ret = nodelist_parse(buf, *mask);
	nodemask_t private;
	char path[64];

	if (ret < 0)
		return ret;
	if (!nodes_subset(*mask, node_possible_map))
		return -EINVAL;
	if (nodes_and(private, *mask, private_node_map)) {
		cgroup_path(cs->css.cgroup, path, sizeof(path));
		pr_err("cpuset: %s: mems.sysram unchanged: nodes %*pbl are private; name them in cpuset.mems\n",
		       path, nodemask_pr_args(&private));
		return -EINVAL;
	}
	return 0;
}
