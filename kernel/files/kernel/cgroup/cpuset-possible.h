/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of cpuset-possible.c and cpuset-private.c for cpuset.c; included by
 * cpuset-internal.h.
 */
#ifndef _CPUSET_POSSIBLE_INTERNAL_H
#define _CPUSET_POSSIBLE_INTERNAL_H

#include <linux/cpuset_possible.h>

#ifdef CONFIG_CPUSETS_SYSRAM
bool cpuset_in_v2_mode(void);
bool cpuset_update_possible(struct cpuset *cs, struct cpuset *parent, bool v2);
void cpuset_compute_default(nodemask_t *mems, const struct cpuset *cs,
			    const struct cpuset *parent);
void cpuset_possible_mems(const struct cpuset *cs, nodemask_t *mems);
void cpuset_show_possible(const struct cpuset *cs, nodemask_t *mems);
void cpuset_unnamed_mems(const struct cpuset *cs, nodemask_t *mems);
void cpuset_names_init(struct cpuset_names *names, const nodemask_t *from,
		       const nodemask_t *to, const struct cpuset *oldcs,
		       const struct cpuset *cs);
void cpuset_moved(struct cpuset *cs);
int cpuset_parse_sysram(struct cpuset *cs, const char *buf, nodemask_t *mask);

static inline bool cpuset_possible_differ(const struct cpuset *a,
					  const struct cpuset *b)
{
	return !nodes_equal(a->possible, b->possible);
}
#else
static inline bool cpuset_update_possible(struct cpuset *cs,
					  struct cpuset *parent, bool v2)
{
	return false;
}

static inline void cpuset_possible_mems(const struct cpuset *cs,
					nodemask_t *mems)
{
	*mems = cs->effective_mems;
}

static inline void cpuset_show_possible(const struct cpuset *cs,
					nodemask_t *mems)
{
	*mems = cs->effective_mems;
}

static inline void cpuset_unnamed_mems(const struct cpuset *cs,
				       nodemask_t *mems)
{
	*mems = cs->effective_mems;
}

static inline void cpuset_names_init(struct cpuset_names *names,
				     const nodemask_t *from,
				     const nodemask_t *to,
				     const struct cpuset *oldcs,
				     const struct cpuset *cs)
{
}

static inline void cpuset_moved(struct cpuset *cs) {}

static inline bool cpuset_possible_differ(const struct cpuset *a,
					  const struct cpuset *b)
{
	return false;
}
#endif /* CONFIG_CPUSETS_SYSRAM */

#if defined(CONFIG_CPUSETS_SYSRAM) && defined(CONFIG_PRIVATE_NODE)
bool cpuset_is_named(const struct cpuset *cs, int nid);
void cpuset_drop_unnamed(const struct cpuset *cs, nodemask_t *mems);
void cpuset_show_private(const nodemask_t *possible, nodemask_t *mems);
void cpuset_say_inherited(const struct cpuset *cs);
bool cpuset_refuse_private(const struct cpuset *cs, const nodemask_t *mask);

/* Leaves only private nodes with memory in @nodes. */
static inline void cpuset_only_private(nodemask_t *nodes)
{
	nodes_and(*nodes, *nodes, node_states[N_MEMORY_PRIVATE]);
}

/* All nodes that a task may name if it is in no cpuset. */
static inline void cpuset_unasked_mems(nodemask_t *mems)
{
	cpuset_all_nodes(mems);
	cpuset_drop_unnamed(NULL, mems);
}

/*
 * Copies @nodes without private nodes to @room, for allocations that name no
 * node.
 */
static inline nodemask_t *cpuset_ordinary_nodes(const nodemask_t *nodes,
						nodemask_t *room)
{
	nodes_andnot(*room, *nodes, node_states[N_MEMORY_PRIVATE]);
	return room;
}
#else
#define cpuset_ordinary_nodes(nodes, room)	((void)(room), (nodes))
#define cpuset_unasked_mems(mems)		cpuset_all_nodes(mems)

static inline bool cpuset_is_named(const struct cpuset *cs, int nid)
{
	return true;
}

static inline void cpuset_drop_unnamed(const struct cpuset *cs,
				       nodemask_t *mems)
{
}

static inline void cpuset_show_private(const nodemask_t *possible,
				       nodemask_t *mems)
{
}

static inline void cpuset_say_inherited(const struct cpuset *cs) {}

static inline bool cpuset_refuse_private(const struct cpuset *cs,
					 const nodemask_t *mask)
{
	return false;
}

static inline void cpuset_only_private(nodemask_t *nodes)
{
	nodes_clear(*nodes);
}
#endif

#endif /* _CPUSET_POSSIBLE_INTERNAL_H */
