/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two memory masks of a cpuset:
 *
 * possible	nodes that its tasks may name, by a bind or through a device map
 * default	nodes for allocations that name no node; current->mems_allowed
 *
 * See cpuset.mems.sysram in Documentation/admin-guide/cgroup-v2.rst, and
 * kernel/cgroup/cpuset-possible.c.
 */
#ifndef _LINUX_CPUSET_POSSIBLE_H
#define _LINUX_CPUSET_POSSIBLE_H

#include <linux/cgroup.h>
#include <linux/cpuset.h>
#include <linux/mempolicy.h>

struct list_head;
struct mm_struct;

/*
 * Nodes that tasks may name before (@from) and after (@to) a change of their
 * cpuset, with the default nodes; for the move of their memory.
 */
struct cpuset_names {
#ifdef CONFIG_CPUSETS_SYSRAM
	nodemask_t from;
	nodemask_t to;
#endif
};

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_CPUSETS_SYSRAM) && \
	defined(CONFIG_NUMA_MIGRATION)
void cpuset_move_pages(struct mm_struct *mm, const nodemask_t *from,
		       const nodemask_t *to, const struct cpuset_names *names);

static inline bool cpuset_names_same(const struct cpuset_names *names)
{
	return nodes_equal(names->from, names->to);
}
#else
static inline void cpuset_move_pages(struct mm_struct *mm,
				     const nodemask_t *from,
				     const nodemask_t *to,
				     const struct cpuset_names *names)
{
	do_migrate_pages(mm, from, to, MPOL_MF_MOVE_ALL);
}

static inline bool cpuset_names_same(const struct cpuset_names *names)
{
	return true;
}
#endif

#ifdef CONFIG_PRIVATE_NODE
long mpol_queue_range(struct mm_struct *mm, unsigned long start,
		      unsigned long end, nodemask_t *nodes,
		      struct list_head *folios);
#endif

#ifdef CONFIG_CPUSETS_SYSRAM
void mpol_rebind_task_named(struct task_struct *tsk, const nodemask_t *new,
			    const nodemask_t *named);
void mpol_rebind_mm_named(struct mm_struct *mm, const nodemask_t *new,
			  const nodemask_t *named);
#else
static inline void mpol_rebind_task_named(struct task_struct *tsk,
					  nodemask_t *new, nodemask_t *named)
{
	mpol_rebind_task(tsk, new);
}

static inline void mpol_rebind_mm_named(struct mm_struct *mm, nodemask_t *new,
					nodemask_t *named)
{
	mpol_rebind_mm(mm, new);
}
#endif

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_CPUSETS_SYSRAM)

/* Private nodes with the access "named", see cpuset_must_name(). */
extern nodemask_t cpuset_must_name_map;
DECLARE_STATIC_KEY_FALSE(cpuset_must_name_key);
int cpuset_set_must_name(int nid, bool must);

/* Is there a node with the access "named"?  Cost: a static branch. */
static inline bool cpuset_any_must_name(void)
{
	return static_branch_unlikely(&cpuset_must_name_key);
}

/**
 * cpuset_must_name - is this a private node with the access "named"?
 * @nid: node id in [0, MAX_NUMNODES)
 *
 * Such a node is possible in a cpuset only if cpuset.mems has it, in this
 * cpuset and in each ancestor except the root.  It is not possible in the root,
 * nor where cpuset.mems is unset.
 *
 * Cost: a static branch, not taken until there is such a node.
 * Context: any.
 * Return: true if so.
 */
static inline bool cpuset_must_name(int nid)
{
	return cpuset_any_must_name() && node_isset(nid, cpuset_must_name_map);
}

#else

static inline bool cpuset_any_must_name(void)
{
	return false;
}

static inline int cpuset_set_must_name(int nid, bool must)
{
	return must ? -EOPNOTSUPP : 0;
}

static inline bool cpuset_must_name(int nid)
{
	return false;
}

#endif

#ifdef CONFIG_CPUSETS_SYSRAM

/*
 * May the possible nodes of tasks be less than all nodes?  Cost: two static
 * branches.
 */
static inline bool cpusets_ask(void)
{
	return cpusets_enabled() || cpuset_any_must_name();
}

bool __cpuset_may_name(int nid);
void __cpuset_task_nodes(struct task_struct *task, nodemask_t *may,
			 nodemask_t *possible);
void __cpuset_add_possible(struct task_struct *task, nodemask_t *nodes);
bool __task_may_name(struct task_struct *task, int nid);
void cpuset_cgroup_possible(struct cgroup *cgroup, nodemask_t *nodes);

/**
 * cpuset_may_name - may the current task name a node?
 * @nid: node id, of an ordinary or a private node
 *
 * Cost: two static branches, not taken until there is a second cpuset, or a
 * node with the access "named"; then a look at the task's cpuset.
 * Context: any; the answer may be outdated when the cpuset is being changed.
 * Return: true if so.
 */
static inline bool cpuset_may_name(int nid)
{
	return !cpusets_ask() || __cpuset_may_name(nid);
}

/* As cpuset_may_name(), for any task. */
static inline bool task_may_name(struct task_struct *task, int nid)
{
	return !cpusets_ask() || __task_may_name(task, nid);
}

/**
 * cpuset_add_possible - add the ordinary nodes that a task may name to a mask
 * @task: the task
 * @nodes: the mask; the result
 *
 * Cost: as cpuset_may_name().
 * Context: any; the answer may be outdated when the cpuset is being changed.
 */
static inline void cpuset_add_possible(struct task_struct *task,
				       nodemask_t *nodes)
{
	if (cpusets_enabled())
		__cpuset_add_possible(task, nodes);
}

/**
 * cpuset_task_nodes - get the nodes on which memory of a task may be
 * @task: the task
 * @may: result for memory whose user named no node: the default nodes, and the
 *	possible private nodes, to which services may move it
 * @possible: result for memory whose user named nodes: the possible nodes
 *
 * Cost: a static branch; with a second cpuset a few operations on masks.
 * Context: any; the answer may be outdated when the cpuset is being changed.
 */
static inline void cpuset_task_nodes(struct task_struct *task, nodemask_t *may,
				     nodemask_t *possible)
{
	nodes_setall(*may);
	nodes_setall(*possible);
	if (cpusets_ask())
		__cpuset_task_nodes(task, may, possible);
}

/* Are two tasks in one cpuset?  Context: rcu_read_lock() held. */
static inline bool cpuset_same(struct task_struct *a, struct task_struct *b)
{
	return task_css(a, cpuset_cgrp_id) == task_css(b, cpuset_cgrp_id);
}

/*
 * May a request that names nodes take from a node that is not a default node?
 */
static inline bool cpuset_names_node(int nid)
{
	return __cpuset_may_name(nid);
}

/*
 * Restricts the nodes of a preference to the default nodes: @nodes then points
 * to @room.  Returns false if no node is left.
 */
static inline bool cpuset_prefers(nodemask_t **nodes, nodemask_t *room)
{
	if (!cpusets_enabled())
		return true;
	if (!nodes_and(*room, **nodes, cpuset_current_mems_allowed))
		return false;
	*nodes = room;
	return true;
}

/**
 * cpuset_default_nodes - nodemask of a request, the default nodes if it names
 *	none
 * @nodes: nodes that the request names, or NULL
 *
 * For code that takes memory from elsewhere than the page allocator, and asks
 * cpuset_zone_allowed(), which is true for all possible nodes.
 *
 * Context: as read_mems_allowed_begin().
 * Return: the nodemask; NULL for no restriction.
 */
static inline nodemask_t *cpuset_default_nodes(nodemask_t *nodes)
{
	if (nodes || !cpusets_enabled())
		return nodes;
	return &cpuset_current_mems_allowed;
}

/**
 * cpuset_named_node - nodemask for an allocation on a node that a system call
 *	names
 * @nid: the node
 * @room: buffer for the mask
 *
 * Without a mask the page allocator takes from default nodes only.
 *
 * Context: process.
 * Return: @room if the node is not a default node; otherwise NULL, since no
 * mask is needed.
 */
static inline nodemask_t *cpuset_named_node(int nid, nodemask_t *room)
{
	if (!cpusets_enabled() || node_isset(nid, cpuset_current_mems_allowed))
		return NULL;
	*room = nodemask_of_node(nid);
	return room;
}

/* The function behind cpuset_bind_mems(). */
static inline nodemask_t *cpuset_fill_bind_mems(const nodemask_t *bind,
						nodemask_t *room)
{
	*room = cpuset_current_mems_allowed;
	if (bind)
		cpuset_add_possible(current, room);
	return room;
}

/**
 * cpuset_bind_mems - ordinary nodes that a policy of the current task may use
 * @bind: nodes of a bind; NULL if the policy is no bind, for the default nodes
 *	alone
 * @room: buffer for the result
 *
 * Context: process.
 * Return: the mask, which is @room.
 */
#define cpuset_bind_mems(bind, room)	(*cpuset_fill_bind_mems(bind, room))

#else

static inline nodemask_t *cpuset_named_node(int nid, nodemask_t *room)
{
	return NULL;
}

#define cpuset_bind_mems(bind, room) \
	(*((void)(bind), (void)(room), &cpuset_current_mems_allowed))

static inline nodemask_t *cpuset_default_nodes(nodemask_t *nodes)
{
	return nodes;
}

static inline bool cpuset_may_name(int nid)
{
	return true;
}

static inline void cpuset_task_nodes(struct task_struct *task, nodemask_t *may,
				     nodemask_t *possible)
{
	nodes_setall(*may);
	nodes_setall(*possible);
}

static inline void cpuset_cgroup_possible(struct cgroup *cgroup,
					  nodemask_t *nodes)
{
	nodes_setall(*nodes);
}

static inline bool cpuset_same(struct task_struct *a, struct task_struct *b)
{
	return true;
}

static inline bool cpuset_prefers(nodemask_t **nodes, nodemask_t *room)
{
	return true;
}

static inline bool task_may_name(struct task_struct *task, int nid)
{
	return true;
}

static inline void cpuset_add_possible(struct task_struct *task,
				       nodemask_t *nodes)
{
}

static inline bool cpuset_names_node(int nid)
{
	return false;
}

#endif

#endif /* _LINUX_CPUSET_POSSIBLE_H */
