// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which nodes may a folio be moved to?  All code that moves folios asks here.
 *
 * Code that moves a folio of its own accord keeps it on nodes that all of its
 * users may have.  The folio stays where it is when there is no such node, or
 * when that cannot be found out just now:
 *
 *	user					may have
 *	mapping with a bind, its own or of	the nodes of the bind that the
 *	  its object				  thread's cpuset has as possible
 *	mapping without one			for each thread of the process:
 *						  its bind, as above, or the default
 *						  nodes of its cpuset
 *	shared object with a bind		the nodes of the bind that the cpuset
 *						  of the cgroup that pays has as
 *						  possible
 *	shadow stack				no fenced node, besides
 *	no mapping, and no bind			the default nodes of the memory
 *						  cgroup's cpuset
 *	page cache				the same: no policy applies
 *
 * Default nodes are ordinary ones.  Private nodes that are possible count with
 * them here, because services may place the memory there.  Preferences and
 * spreading modes do not restrict: they say where memory comes from first, not
 * where it has to be.
 *
 * A system call that moves memory names the new node.  Of memory that only the
 * address space has that it moves, that node counts as named: it has to be
 * possible only.  What the calling process has bound is its own, and gives way;
 * binds of its other threads do not.
 *
 * Example: nodes 0 and 2 are ordinary, node 1 is private; the cpuset has 0-2 as
 * possible and 0 as default.  Memory without a policy may have 0 and 1, memory
 * bound to 2 may have 2, and memory that two processes share, of which one
 * binds it to 2, may have nothing: it stays.
 */
#include <linux/cpuset_possible.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

/*
 * How often a system call asks before a folio stays since somebody could not be
 * asked; the number is that of NR_MAX_MIGRATE_PAGES_RETRY.
 */
#define ASK_TRIES	10

struct users {
	nodemask_t may;		/* nodes that all users so far may have */
	nodemask_t gone;	/* nodes that are being taken away */
	bool unsure;		/* the nodes of some user could not be read */
	bool nobody;		/* no user was found */
	/* Set for a system call that moves memory of one address space only: */
	struct mm_struct *mm;	/* that */
	nodemask_t named;	/* the nodes that it names */
};

/* Stands for the policy of memory that the caller itself moves. */
static const struct mempolicy own_act = { .mode = MPOL_LOCAL };

static bool moves_own(const struct users *u, const struct mm_struct *mm)
{
	return u->mm == mm && mm == current->mm;
}

/* The nodes that a policy restricts memory to; false when it does not. */
static bool bind_nodes(const struct mempolicy *pol, nodemask_t *nodes)
{
	struct private_node *pn;
	int nid;

	if (!pol)
		return false;
	if (mpol_private_node(pol)) {
		*nodes = nodemask_of_node(private_node_nid(mpol_private_node(pol)));
		return true;
	}
	if (pol->mode != MPOL_BIND)
		return false;
	*nodes = pol->nodes;
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn))
			node_set(nid, *nodes);
	}
	return true;
}

static void ask_user(struct users *u, struct task_struct *task,
		     const struct mempolicy *pol)
{
	nodemask_t bound, may, possible;

	u->nobody = false;
	cpuset_task_nodes(task, &may, &possible);
	if (u->mm) {
		nodes_and(bound, possible, u->named);
		nodes_or(may, may, bound);
	}
	if (bind_nodes(pol, &bound)) {
		nodes_and(bound, bound, possible);
		nodes_andnot(bound, bound, u->gone);
		/* A bind that loses its last node counts as none. */
		if (!nodes_empty(bound) || nodes_empty(u->gone))
			may = bound;
	}
	nodes_and(u->may, u->may, may);
}

/*
 * The processor writes to a shadow stack although its page table entries are
 * read-only, so shadow stacks are kept off fenced nodes.
 */
static void ask_vma_flags(struct users *u, const struct vm_area_struct *vma)
{
	if (private_node_any_fence() && vma->vm_flags & VM_SHADOW_STACK)
		nodes_andnot(u->may, u->may, *private_node_fence->nodes);
}

/* A thread's own policy counts where the mapping has none. */
static void ask_task(struct users *u, struct task_struct *task,
		     const struct mempolicy *vma_pol)
{
	if (task == current && u->mm && !vma_pol)
		vma_pol = &own_act;
	if (vma_pol || !READ_ONCE(task->mempolicy)) {
		ask_user(u, task, vma_pol);
		return;
	}
	task_lock(task);
	ask_user(u, task, task->mempolicy);
	task_unlock(task);
}

/* Does @task allow the same nodes as @before? */
static bool same_nodes(struct task_struct *task, struct task_struct *before,
		       const struct mempolicy *vma_pol)
{
	return before && cpuset_same(task, before) &&
	       (vma_pol || (!READ_ONCE(task->mempolicy) &&
			    !READ_ONCE(before->mempolicy)));
}

/*
 * Asks all threads that use @mm.  They are in one thread group, unless @mm was
 * cloned without CLONE_THREAD, as for a child of vfork() until exec().
 */
static void ask_threads(struct users *u, struct mm_struct *mm,
			const struct mempolicy *vma_pol)
{
	struct task_struct *owner, *p, *t, *last = NULL;

	guard(rcu)();
	owner = private_node_only_group(mm);
	if (owner) {
		for_each_thread(owner, t) {
			if (READ_ONCE(t->mm) != mm ||
			    same_nodes(t, last, vma_pol))
				continue;
			ask_task(u, t, vma_pol);
			last = t;
		}
	} else {
		for_each_process_thread(p, t) {
			if (READ_ONCE(t->mm) != mm || t->flags & PF_KTHREAD ||
			    same_nodes(t, last, vma_pol))
				continue;
			ask_task(u, t, vma_pol);
			last = t;
		}
	}
	u->unsure |= !last;
}

/*
 * Locks a mapping for reading.  The lock of the VMA is tried first: a writer
 * that waits for mmap_lock, perhaps behind a task that waits for this unplug,
 * makes mmap_read_trylock() fail, but has not locked the VMA.
 */
static bool lock_mapping(struct vm_area_struct *vma,
			 struct vm_area_struct **lock)
{
	*lock = lock_vma_under_rcu(vma->vm_mm, vma->vm_start);
	if (*lock == vma)
		return true;
	if (*lock)
		vma_end_read(*lock);
	*lock = NULL;
	return mmap_read_trylock(vma->vm_mm);
}

/* The policy of a mapping is stable only while the mapping is locked. */
static void ask_vma(struct users *u, struct vm_area_struct *vma,
		    unsigned long addr)
{
	bool has_policy = READ_ONCE(vma->vm_policy) ||
			  (vma->vm_ops && vma->vm_ops->get_policy);
	struct vm_area_struct *lock;
	struct mempolicy *pol;
	pgoff_t ilx;

	if (!has_policy || moves_own(u, vma->vm_mm)) {
		ask_threads(u, vma->vm_mm, has_policy ? &own_act : NULL);
		return;
	}
	if (!lock_mapping(vma, &lock)) {
		u->unsure = true;
		return;
	}
	pol = __get_vma_policy(vma, addr, &ilx);
	ask_threads(u, vma->vm_mm, pol);
	mpol_cond_put(pol);
	if (lock)
		vma_end_read(lock);
	else
		mmap_read_unlock(vma->vm_mm);
}

/*
 * Takes the page table lock (PVMW_SYNC): mprotect() and the scan for hint
 * faults clear an entry for a moment, and without the lock its user would be
 * missed.
 */
static bool maps_folio(struct folio *folio, struct vm_area_struct *vma,
		       unsigned long addr)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, PVMW_SYNC);

	if (!page_vma_mapped_walk(&pvmw))
		return false;
	page_vma_mapped_walk_done(&pvmw);
	return true;
}

/* Page tables are walked only if the users of @vma change the result. */
static bool ask_mapping(struct folio *folio, struct vm_area_struct *vma,
			unsigned long addr, void *arg)
{
	struct users *u = arg;
	struct users with = *u;

	ask_vma_flags(&with, vma);
	ask_vma(&with, vma, addr);
	if ((nodes_equal(with.may, u->may) && with.unsure == u->unsure) ||
	    maps_folio(folio, vma, addr))
		*u = with;
	return !u->unsure && !nodes_empty(u->may);
}

static bool is_shmem(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);

	return !folio_test_anon(folio) && mapping && shmem_mapping(mapping);
}

/* Nodes that may be named in the cgroup that the folio is charged to. */
static nodemask_t payer_names(struct folio *folio)
{
	nodemask_t nodes = NODE_MASK_ALL;
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg = get_mem_cgroup_from_folio(folio);

	if (memcg)
		cpuset_cgroup_possible(memcg->css.cgroup, &nodes);
	mem_cgroup_put(memcg);
#endif
	return nodes;
}

/*
 * The binds of a shared object, of which a large folio may have one for each
 * page.  The task that bound the object may have been in another cgroup than
 * the one that is charged, and be gone.  So a bind counts only as far as the
 * charged cgroup may name its nodes.
 */
static void ask_object(struct users *u, struct folio *folio)
{
	nodemask_t bound, names = payer_names(folio);
	struct shared_policy *policies;
	struct mempolicy *pol;
	unsigned long i;

	policies = &SHMEM_I(folio_mapping(folio)->host)->policy;
	for (i = 0; i < folio_nr_pages(folio); i++) {
		pol = mpol_shared_policy_lookup(policies, folio->index + i);
		if (!pol && !i && RB_EMPTY_ROOT(&policies->root))
			return;
		if (bind_nodes(pol, &bound)) {
			nodes_and(bound, bound, names);
			nodes_andnot(bound, bound, u->gone);
			if (!nodes_empty(bound) || nodes_empty(u->gone)) {
				nodes_and(u->may, u->may, bound);
				u->nobody = false;
			}
		}
		mpol_cond_put(pol);
	}
}

/*
 * private_node_cgroup_may_have - narrow nodes to those of a folio's cgroup
 * @folio: held
 * @nodes: nodes to choose from; the result
 *
 * Memory that is charged to no cgroup may not have nodes whose access is
 * "named".
 * Context: process or reclaim.
 */
void private_node_cgroup_may_have(struct folio *folio, nodemask_t *nodes)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_folio(folio);
	nodemask_t unasked;

	if (memcg) {
		mem_cgroup_node_filter_allowed(memcg, nodes);
	} else {
		cpuset_cgroup_possible(NULL, &unasked);
		nodes_and(*nodes, *nodes, unasked);
	}
	mem_cgroup_put(memcg);
}

/* No policy applies to page cache. */
static bool has_policies(const struct folio *folio)
{
	return folio_test_swapbacked(folio) || folio_test_hugetlb(folio);
}

static void ask_all(struct users *u, struct folio *folio)
{
	struct rmap_walk_control rwc = {
		.rmap_one = ask_mapping,
		.arg = u,
		.anon_lock = folio_lock_anon_vma_read,
		.try_lock = true,
	};

	if (is_shmem(folio) && !(u->mm && u->mm == current->mm))
		ask_object(u, folio);
	if (has_policies(folio) && folio_mapped(folio)) {
		rmap_walk(folio, &rwc);
		u->unsure |= rwc.contended;
	}
	if (u->nobody)
		private_node_cgroup_may_have(folio, &u->may);
}

static int ask_folio(struct users *u, struct folio *folio, nodemask_t *nodes)
{
	ask_all(u, folio);
	nodes_clear(*nodes);
	if (nodes_empty(u->may))
		return 0;
	if (u->unsure)
		return -EAGAIN;
	*nodes = u->may;
	return 1;
}

/*
 * private_node_may_have - narrow nodes to those that a folio may go to
 * @folio: locked and held
 * @nodes: nodes that the caller could move it to; the result
 * @gone: a node that is being taken away, so that a bind to this node alone
 *	counts as no bind; or NUMA_NO_NODE
 *
 * A policy that changes during the call may or may not be obeyed.  A folio whose
 * memory is lost goes nowhere: a copy would look valid.
 *
 * Context: process, or reclaim; uses trylocks only.  Costs a walk of the
 * reverse map, and of the threads of each process.
 * Return: 1 when the folio may go to each of @nodes; 0 when no node is left;
 * -EAGAIN when a lock was busy, so that the answer is not known.  @nodes is
 * empty in the last two cases.
 */
int private_node_may_have(struct folio *folio, nodemask_t *nodes, int gone)
{
	struct users u = { .may = *nodes, .gone = NODE_MASK_NONE, .nobody = true };

	if (private_node_is_lost(folio_nid(folio))) {
		nodes_clear(*nodes);
		return 0;
	}
	if (gone != NUMA_NO_NODE)
		node_set(gone, u.gone);
	return ask_folio(&u, folio, nodes);
}

/*
 * private_node_may_go - private_node_may_have() for a folio that is not locked
 *
 * Context: as there; tries the lock of the folio as well.
 * Return: as there; -EAGAIN also if somebody else has locked the folio.
 */
int private_node_may_go(struct folio *folio, nodemask_t *nodes, int gone)
{
	int ret;

	if (!folio_trylock(folio)) {
		nodes_clear(*nodes);
		return -EAGAIN;
	}
	ret = private_node_may_have(folio, nodes, gone);
	folio_unlock(folio);
	return ret;
}

/*
 * private_node_reachable - narrow nodes to those that the running task can
 *	allocate from
 * @nodes: ordinary nodes
 *
 * Without this, check_retry_cpuset() in the page allocator drops a mask that
 * does not intersect the cpuset of the running task, and takes from any node.
 *
 * Context: any.
 * Return: false when no node is left.
 */
bool private_node_reachable(nodemask_t *nodes)
{
	nodemask_t mine;

	if (!in_task())
		return !nodes_empty(*nodes);
	mine = cpuset_current_mems_allowed;
	cpuset_add_possible(current, &mine);
	return nodes_and(*nodes, *nodes, mine);
}

/*
 * private_node_alloc_among - allocate a folio from some ordinary nodes only
 * @from: node that distances are measured from
 * @nodes: ordinary nodes
 * @gfp: as for folio_alloc()
 * @order: of the folio
 *
 * Context: as @gfp says.
 * Return: a folio of one of @nodes that the running task can reach, or NULL.
 */
struct folio *private_node_alloc_among(int from, const nodemask_t *nodes,
				       gfp_t gfp, unsigned int order)
{
	nodemask_t mask = *nodes;
	struct folio *folio;

	if (!private_node_reachable(&mask))
		return NULL;
	folio = __folio_alloc(gfp & ~__GFP_THISNODE, order, from, &mask);
	/* The mask is dropped as well if the cpuset changes meanwhile. */
	if (folio && !node_isset(folio_nid(folio), mask)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}

/*
 * Is the running thread the only user of its address space?  The system call
 * holds a reference, too.
 */
static bool is_only_thread(void)
{
	return thread_group_empty(current) &&
	       atomic_read(&current->mm->mm_users) <= 2;
}

/* As private_node_may_go(), for memory of @mm that a system call moves. */
static int may_be_moved(struct folio *folio, const nodemask_t *to,
			struct mm_struct *mm)
{
	struct users u = {
		.may = *to, .gone = NODE_MASK_NONE, .nobody = true,
		.mm = mm, .named = *to,
	};
	nodemask_t nodes;
	int ret;

	if (!folio_trylock(folio))
		return -EAGAIN;
	ret = ask_folio(&u, folio, &nodes);
	folio_unlock(folio);
	return ret > 0 && !nodes_equal(nodes, *to) ? 0 : ret;
}

/*
 * Must a folio stay, because not all users may have each node of @to?  Only @mm
 * has a folio that is not shared; it is NULL if nobody is to be asked for that.
 */
static bool folio_stays(struct folio *folio, const nodemask_t *to,
			struct mm_struct *mm)
{
	bool shared = folio_maybe_mapped_shared(folio);
	int tries, ret = -EAGAIN;

	if (!shared && (!mm || !has_policies(folio)))
		return false;
	if (!node_is_private(folio_nid(folio)) &&
	    !nodes_intersects(*to, private_node_map))
		return false;
	for (tries = 0; ret == -EAGAIN && tries < ASK_TRIES; tries++) {
		cond_resched();
		ret = may_be_moved(folio, to, shared ? NULL : mm);
	}
	return ret <= 0;
}

/* Puts back the folios that stay, and returns how many. */
static unsigned long keep_folios(struct list_head *folios, const nodemask_t *to,
				 struct mm_struct *mm)
{
	struct folio *folio, *next;
	unsigned long nr = 0;
	LIST_HEAD(stay);

	list_for_each_entry_safe(folio, next, folios, lru)
		if (folio_stays(folio, to, mm)) {
			list_move(&folio->lru, &stay);
			nr++;
		}
	putback_movable_pages(&stay);
	return nr;
}

/* What the only thread of a process moves by itself concerns nobody else. */
static unsigned long keep_shared(struct mm_struct *mm, struct list_head *folios,
				 int nid)
{
	nodemask_t to = nodemask_of_node(nid);

	if (mm == current->mm && is_only_thread())
		mm = NULL;
	return keep_folios(folios, &to, mm);
}

/*
 * __private_node_keep_shared - see private_node_keep_shared()
 */
unsigned long __private_node_keep_shared(struct mm_struct *mm,
					 struct list_head *folios, int nid)
{
	return keep_shared(mm, folios, nid);
}

/*
 * __private_node_keep_last_shared - see private_node_keep_last_shared()
 */
bool __private_node_keep_last_shared(struct mm_struct *mm,
				     struct list_head *folios, int nid)
{
	LIST_HEAD(last);
	bool stays;

	list_move(folios->prev, &last);
	stays = keep_shared(mm, &last, nid);
	list_splice_tail(&last, folios);
	return stays;
}

/*
 * __private_node_mbind_keep_shared - see private_node_mbind_keep_shared()
 *
 * A policy that is no bind may take from any ordinary node, so all of them are
 * possible targets.
 */
unsigned long
__private_node_mbind_keep_shared(struct list_head *folios,
				 const struct mempolicy *pol)
{
	nodemask_t to;

	if (!bind_nodes(pol, &to))
		nodes_or(to, node_states[N_MEMORY], pol->private_nodes);
	nodes_andnot(to, to, private_node_map);
	private_node_reachable(&to);
	nodes_or(to, to, pol->private_nodes);
	/* The new policy of the mapping is that of all threads. */
	return keep_folios(folios, &to, NULL);
}
