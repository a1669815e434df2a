// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves memory after its cpuset.
 *
 * When the masks of a cpuset change, or a task enters another cpuset, these
 * pages move:
 *
 *  - Pages that no policy names follow the default nodes.  They also leave a
 *    node that is no longer possible; if it is private, the kernel had put them
 *    there.
 *  - Pages that a policy names stay while their node is possible, whatever the
 *    default nodes are.  When the node is not possible any more, or the policy
 *    was rebound away from it, they go to nodes that the policy names now and
 *    the cpuset has.  If there are none they stay, as pages of a device map do.
 *    But if the policy is only a preference, they move as pages that no policy
 *    names.
 *  - Pages that several processes share go where all of these may have them, as
 *    private_node_may_have() says, or stay.
 *
 * If possible and default nodes are the same, do_migrate_pages() does the work.
 */
#include <linux/cpuset_possible.h>
#include <linux/delay.h>
#include <linux/migrate.h>
#include <linux/mm_inline.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"

/*
 * How often one call waits 50 to 200 us for a busy process that shares a folio:
 * 12 to 50 ms in total.
 */
#define WAITS	256

/* Nodes for pages with no policy but those of the threads of the process. */
struct threads {
	bool bound;		/* a thread names nodes */
	nodemask_t any;		/* nodes that any thread names */
	nodemask_t all;		/* nodes that all threads may have */
};

/* State of one call; a page has a name if a policy names its node. */
struct mover {
	const nodemask_t *from;		/* default nodes before */
	const nodemask_t *to;		/* and now */
	const nodemask_t *possible;	/* nodes that may be named now */
	nodemask_t leave_default;	/* pages without a name leave these */
	nodemask_t leave_named;		/* pages with a name leave these */
	struct threads threads;
	struct mempolicy *pol;		/* of the current mapping, or NULL */
	nodemask_t dest;		/* where the folios on the list go */
	unsigned int waits;		/* how many of WAITS are left */
};

/* Nodes of @from that do_migrate_pages() would move from. */
static void nodes_left(nodemask_t *left, const nodemask_t *from,
		       const nodemask_t *to)
{
	bool same = nodes_weight(*from) == nodes_weight(*to);
	int nid;

	nodes_clear(*left);
	for_each_node_mask(nid, *from)
		if (same ? node_remap(nid, *from, *to) != nid :
			   !node_isset(nid, *to))
			node_set(nid, *left);
}

static void mover_init(struct mover *m, const nodemask_t *from,
		       const nodemask_t *to, const struct cpuset_names *names)
{
	nodemask_t revoked, before, now;

	m->from = from;
	m->to = to;
	m->possible = &names->to;
	m->waits = WAITS;
	nodes_andnot(revoked, names->from, names->to);
	nodes_and(before, names->from, node_states[N_MEMORY]);
	nodes_and(now, names->to, node_states[N_MEMORY]);
	nodes_left(&m->leave_default, from, to);
	nodes_left(&m->leave_named, &before, &now);
	nodes_or(m->leave_default, m->leave_default, revoked);
	nodes_or(m->leave_named, m->leave_named, revoked);
}

/*
 * Does the policy name nodes?  Then @nodes are those of them that the cpuset
 * has.  A preference names nothing when the cpuset has none of its nodes.
 */
static bool policy_names(const struct mover *m, const struct mempolicy *pol,
			 nodemask_t *nodes)
{
	nodemask_t private;

	if (!pol || (pol->mode != MPOL_BIND && !private_node_mpol_names(pol)))
		return false;
	nodes_and(*nodes, pol->nodes, *m->possible);
	if (private_node_mpol_names(pol)) {
		nodes_and(private, pol->private_nodes, *m->possible);
		nodes_or(*nodes, *nodes, private);
	}
	return !nodes_empty(*nodes) || !private_node_mpol_prefers(pol);
}

static void ask_thread(struct mover *m, struct task_struct *task)
{
	nodemask_t nodes;

	task_lock(task);
	if (policy_names(m, task->mempolicy, &nodes)) {
		m->threads.bound = true;
		nodes_or(m->threads.any, m->threads.any, nodes);
	} else {
		nodes = *m->to;
	}
	task_unlock(task);
	nodes_and(m->threads.all, m->threads.all, nodes);
}

static void ask_group(struct mover *m, struct task_struct *group,
		      struct mm_struct *mm)
{
	struct task_struct *task;

	for_each_thread(group, task)
		if (READ_ONCE(task->mm) == mm)
			ask_thread(m, task);
}

static void ask_threads(struct mover *m, struct mm_struct *mm)
{
	struct task_struct *group;

	nodes_clear(m->threads.any);
	m->threads.all = *m->possible;
	m->threads.bound = false;
	guard(rcu)();
	group = private_node_only_group(mm);
	if (group) {
		ask_group(m, group, mm);
		return;
	}
	for_each_process(group)
		if (!(group->flags & PF_KTHREAD))
			ask_group(m, group, mm);
}

/* The policy of a shared object, with a reference; NULL if it has none. */
static struct mempolicy *object_policy(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);

	if (folio_test_anon(folio) || !mapping || !shmem_mapping(mapping))
		return NULL;
	return mpol_shared_policy_lookup(&SHMEM_I(mapping->host)->policy,
					 folio->index);
}

static void threads_go(const struct mover *m, int nid, nodemask_t *nodes)
{
	if (!node_isset(nid, m->leave_named) || node_isset(nid, m->threads.any))
		nodes_clear(*nodes);
	else
		*nodes = m->threads.all;
}

static void named_goes(const struct mover *m, int nid, nodemask_t *nodes)
{
	if (!node_isset(nid, m->leave_named) || node_isset(nid, *nodes))
		nodes_clear(*nodes);
}

static void default_goes(const struct mover *m, int nid, nodemask_t *nodes)
{
	if (node_isset(nid, m->leave_default))
		*nodes = *m->to;
	else
		nodes_clear(*nodes);
}

/*
 * Sets @nodes to where the folio may move by the policies and the cpuset of
 * this process; empty if it stays.
 *
 * The policy of a mapping does not apply to page cache.  Page cache and hugetlb
 * pages do not go to private nodes, even if a policy names some.
 */
static void folio_goes(const struct mover *m, struct folio *folio,
		       nodemask_t *nodes)
{
	bool ordinary = private_node_keeps_out(folio);
	bool file = ordinary && !folio_test_hugetlb(folio);
	struct mempolicy *object = object_policy(folio);
	struct mempolicy *pol = object ?: file ? NULL : m->pol;
	int nid = folio_nid(folio);

	if (policy_names(m, pol, nodes))
		named_goes(m, nid, nodes);
	else if (!pol && m->threads.bound)
		threads_go(m, nid, nodes);
	else
		default_goes(m, nid, nodes);
	if (ordinary && !nodes_empty(*nodes) &&
	    !nodes_and(*nodes, *nodes, node_states[N_MEMORY]))
		default_goes(m, nid, nodes);
	mpol_cond_put(object);
}

/*
 * As folio_goes(), for all processes that share the folio.  Returns -EAGAIN if
 * one of them was busy, so that its policies could not be read.
 */
static int shared_goes(const struct mover *m, struct folio *folio,
		       nodemask_t *nodes)
{
	int ret = 0;

	/* The lock keeps folio->mapping, for object_policy(). */
	folio_lock(folio);
	folio_goes(m, folio, nodes);
	if (!nodes_empty(*nodes) && folio_maybe_mapped_shared(folio))
		ret = private_node_may_have(folio, nodes, NUMA_NO_NODE);
	folio_unlock(folio);
	return ret;
}

/* As shared_goes(), but waits a while for busy processes. */
static void shared_goes_wait(struct mover *m, struct folio *folio,
			     nodemask_t *nodes)
{
	while (shared_goes(m, folio, nodes) == -EAGAIN && m->waits) {
		m->waits--;
		usleep_range(50, 200);
	}
}

/* The node of @nodes that do_migrate_pages() would choose, else the nearest. */
static int first_choice(const struct mover *m, struct folio *folio,
			nodemask_t *nodes)
{
	int nid = folio_nid(folio);

	if (node_isset(nid, *m->from))
		nid = node_remap(nid, *m->from, *m->to);
	if (node_isset(nid, *nodes))
		return nid;
	return nearest_node_nodemask(folio_nid(folio), nodes);
}

static struct folio *new_place(struct folio *folio, unsigned long private)
{
	struct mover *m = (struct mover *)private;
	struct migration_target_control mtc = {
		.gfp_mask = GFP_HIGHUSER_MOVABLE | __GFP_THISNODE,
		.reason = MR_SYSCALL,
	};
	nodemask_t nodes = m->dest;
	struct folio *dst = NULL;

	while (!dst && !nodes_empty(nodes)) {
		mtc.nid = first_choice(m, folio, &nodes);
		node_clear(mtc.nid, nodes);
		dst = alloc_migration_target(folio, (unsigned long)&mtc);
	}
	return dst;
}

/* Moves folios to @group that have the same target nodes as the first one. */
static void take_group(struct mover *m, struct list_head *folios,
		       struct list_head *group)
{
	struct folio *folio, *next;
	nodemask_t nodes;

	list_for_each_entry_safe(folio, next, folios, lru) {
		shared_goes_wait(m, folio, &nodes);
		if (list_empty(group))
			m->dest = nodes;
		if (nodes_equal(nodes, m->dest))
			list_move_tail(&folio->lru, group);
	}
}

static void move_list(struct mover *m, struct list_head *folios)
{
	LIST_HEAD(group);

	while (!list_empty(folios)) {
		take_group(m, folios, &group);
		if (nodes_empty(m->dest) ||
		    migrate_pages(&group, new_place, NULL, (unsigned long)m,
				  MIGRATE_SYNC, MR_SYSCALL, NULL))
			putback_movable_pages(&group);
	}
}

static void move_mappings(struct mover *m, struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	LIST_HEAD(folios);
	nodemask_t leave;

	nodes_or(leave, m->leave_default, m->leave_named);
	mmap_read_lock(mm);
	while ((vma = find_vma(mm, addr))) {
		addr = vma->vm_end;
		mpol_queue_range(mm, vma->vm_start, addr, &leave, &folios);
		if (list_empty(&folios))
			continue;
		m->pol = vma->vm_policy;
		mpol_get(m->pol);
		mmap_read_unlock(mm);
		move_list(m, &folios);
		mpol_put(m->pol);
		mmap_read_lock(mm);
	}
	mmap_read_unlock(mm);
}

/*
 * cpuset_move_pages - move the memory of a task to the nodes of its cpuset
 * @mm: address space of the task, not locked
 * @from: default nodes before
 * @to: default nodes now
 * @names: possible nodes, before and now
 *
 * Context: process, may sleep.
 */
void cpuset_move_pages(struct mm_struct *mm, const nodemask_t *from,
		       const nodemask_t *to, const struct cpuset_names *names)
{
	struct mover m = {};
	nodemask_t before;

	/* @from can have private nodes if it is that of v1's root cpuset. */
	nodes_andnot(before, *from, node_states[N_MEMORY_PRIVATE]);
	if (nodes_equal(before, names->from) && nodes_equal(*to, names->to)) {
		do_migrate_pages(mm, from, to, MPOL_MF_MOVE_ALL);
		return;
	}
	mover_init(&m, &before, to, names);
	ask_threads(&m, mm);
	lru_cache_disable();
	move_mappings(&m, mm);
	lru_cache_enable();
}
