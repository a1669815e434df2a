// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement by user policy: the user_numa service.
 *
 * A policy keeps the private nodes that it names in mempolicy.private_nodes, see
 * include/linux/private_node_policy.h.  It means the registrations that existed
 * when it was made, and not those of another owner who takes a node id later.
 * With MPOL_F_STATIC_NODES it also means later registrations by the same owner.
 */
#include <kunit/visibility.h>
#include <linux/cpuset.h>
#include <linux/cpuset_possible.h>
#include <linux/list.h>
#include <linux/migrate.h>
#include <linux/mm_inline.h>
#include <linux/private_node_policy.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "../internal.h"
#include "private_node.h"
#include "refusals.h"

#define USER	((enum private_node_user)PRIVATE_NODE_USER_NUMA)

/*
 * __private_node_add_user_nodes - see private_node_add_user_nodes()
 *
 * For masks that users see, and to check node numbers that users pass.
 */
void __private_node_add_user_nodes(struct task_struct *task,
				   nodemask_t *nodes)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (private_node_service_enabled(nid, PRIVATE_NODE_USER_NUMA) &&
		    task_may_name(task, nid))
			node_set(nid, *nodes);
}

/*
 * __private_node_mpol_bind - see private_node_mpol_bind()
 */
bool __private_node_mpol_bind(struct mempolicy *pol, const nodemask_t *nodes)
{
	nodemask_t open = NODE_MASK_NONE;

	/* Relative nodes are positions among ordinary nodes. */
	if (pol->flags & MPOL_F_RELATIVE_NODES ||
	    !private_node_mode_names(pol->mode, nodes))
		return false;
	pol->private_born = private_node_births();
	__private_node_add_user_nodes(current, &open);
	if (!nodes_and(pol->private_nodes, *nodes, open)) {
		/* If ordinary nodes are named as well, the call may succeed. */
		if (!nodes_intersects(*nodes, node_states[N_MEMORY]))
			private_node_turn_away(nodes, PRIVATE_NODE_ACT_POLICY);
		return false;
	}
	pol->flags |= MPOL_F_PRIVATE;
	if (pol->mode != MPOL_BIND)
		private_node_names_alone(pol);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(__private_node_mpol_bind);

/* Does the policy mean this registration of the node id?  Context: any. */
bool private_node_mpol_means(const struct mempolicy *pol,
			     const struct private_node *pn)
{
	if (pol->flags & MPOL_F_STATIC_NODES)
		return pn->owner_born <= pol->private_born;
	return pn->born <= pol->private_born;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_mpol_means);

/* Handle of a node that the policy names and means, with a reference. */
static struct private_node *find_meant(const struct mempolicy *pol, int nid)
{
	struct private_node *pn = private_node_find(nid);

	if (pn && private_node_mpol_means(pol, pn))
		return pn;
	if (pn)
		private_node_put(pn);
	return NULL;
}

/* A home node that is offline has neither distances nor zonelists. */
static int home_nid(const struct mempolicy *pol)
{
	if (pol->home_node == NUMA_NO_NODE || !node_online(pol->home_node))
		return numa_mem_id();
	return pol->home_node;
}

/*
 * private_node_mpol_first_of - the node that a policy tries first
 * @pol: any policy
 * @nodes: those to choose from, at least one
 * @ilx: interleave index
 *
 * Context: any.
 * Return: the node for @ilx if the policy spreads; else the node nearest to its
 * home node, or to this CPU.
 */
int private_node_mpol_first_of(const struct mempolicy *pol, nodemask_t *nodes,
			       pgoff_t ilx)
{
	if (private_node_mpol_spreads(pol))
		return private_node_spread_to(pol, nodes, ilx);
	return nearest_node_nodemask(home_nid(pol), nodes);
}

/*
 * private_node_mpol_enter - enter the private nodes that a policy names
 * @pol: any policy
 * @user: on whose behalf
 *
 * Context: any but NMI.
 * Return: those that let the caller in, for private_node_leave_nodes().
 */
nodemask_t private_node_mpol_enter(const struct mempolicy *pol,
				   enum private_node_user user)
{
	nodemask_t inside = NODE_MASK_NONE;
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn) &&
		    private_node_user_enter(pn, user))
			node_set(nid, inside);
	}
	return inside;
}

/* A node that has memory comes before one without, whatever the distance. */
static bool is_nearer(int from, const struct private_node *pn,
		      const struct private_node *best)
{
	bool has = node_state(pn->nid, N_MEMORY_PRIVATE);

	if (!best || has != node_state(best->nid, N_MEMORY_PRIVATE))
		return !best || has;
	return node_distance(from, pn->nid) < node_distance(from, best->nid);
}

static struct private_node *find_nearest(const struct mempolicy *pol, bool open)
{
	struct private_node *pn, *best = NULL;
	int nid;

	for_each_node_mask(nid, pol->private_nodes) {
		pn = find_meant(pol, nid);
		if (!pn)
			continue;
		if ((!open || private_node_user_open(pn, USER)) &&
		    is_nearer(home_nid(pol), pn, best))
			swap(pn, best);
		if (pn)
			private_node_put(pn);
	}
	return best;
}

/*
 * private_node_mpol_nearest_open - the nearest node that a policy may take from now
 * @pol: a policy of a user, not of a device map
 *
 * Context: any.
 * Return: its handle, with a reference; NULL if there is none.
 */
struct private_node *private_node_mpol_nearest_open(const struct mempolicy *pol)
{
	return find_nearest(pol, true);
}

/*
 * private_node_mpol_nearest - the nearest node that a policy means
 * @pol: policy for which private_node_mpol_places() is true
 *
 * The node need not be open, nor have memory.
 * Context: any.
 * Return: the handle, with a reference; NULL when none of the registrations
 * that the policy means exists any more.
 */
struct private_node *private_node_mpol_nearest(const struct mempolicy *pol)
{
	if (mpol_private_node(pol))
		return private_node_get(mpol_private_node(pol));
	return find_nearest(pol, false);
}

static void count_all(const struct mempolicy *pol, const nodemask_t *open,
		      unsigned int order)
{
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, pol->private_nodes) {
		pn = find_meant(pol, nid);
		if (!pn)
			continue;
		private_node_refuse(pn, USER,
				    node_isset(nid, *open) ?
				    PRIVATE_NODE_FAILED : PRIVATE_NODE_REFUSED,
				    order);
		private_node_put(pn);
	}
}

static void count_used(struct folio *folio)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(folio_nid(folio));
	if (pn)
		private_node_count(pn, USER, PRIVATE_NODE_USED,
				   folio_nr_pages(folio));
}

static nodemask_t nodes_that(const struct mempolicy *pol,
			     bool (*test)(struct private_node *pn,
					  enum private_node_user user))
{
	nodemask_t nodes = NODE_MASK_NONE;
	struct private_node *pn = mpol_private_node(pol);
	int nid;

	if (pn) {
		if (test(pn, PRIVATE_NODE_USER_DEVICE_MAP) &&
		    cpuset_may_name(pn->nid))
			node_set(pn->nid, nodes);
		return nodes;
	}
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn) && test(pn, USER) &&
		    cpuset_may_name(nid))
			node_set(nid, nodes);
	}
	return nodes;
}

/*
 * private_node_mpol_open - private nodes from which a policy would take now
 * @pol: policy for which private_node_mpol_places() is true
 *
 * Context: any.
 * Return: the nodes, none if all are closed or being unplugged.
 */
nodemask_t private_node_mpol_open(const struct mempolicy *pol)
{
	return nodes_that(pol, private_node_open);
}

/*
 * private_node_mpol_serves - as private_node_mpol_open(), also during an unplug
 * @pol: policy for which private_node_mpol_places() is true
 *
 * See private_node_serves().
 * Context: any.
 */
nodemask_t private_node_mpol_serves(const struct mempolicy *pol)
{
	return nodes_that(pol, private_node_serves);
}

/*
 * When all nodes that a policy names are full, on_full of the nearest one
 * applies.  Returns its handle with a reference, or NULL.  The caller is inside
 * the gates of all of @inside, so their handles stay registered.
 */
static struct private_node *owner_to_ask(const struct mempolicy *pol,
					 const nodemask_t *inside)
{
	struct private_node *pn, *best = NULL;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *inside) {
		pn = private_node_peek(nid);
		if (is_nearer(home_nid(pol), pn, best))
			best = pn;
	}
	return private_node_get(best);
}

/*
 * private_node_mpol_ordinary - ordinary nodes of a policy that the task may use
 * @pol: a policy that names private nodes
 *
 * Context: any.
 * Return: the nodes, none if the policy names private nodes alone.
 */
nodemask_t private_node_mpol_ordinary(const struct mempolicy *pol)
{
	nodemask_t nodes = cpuset_current_mems_allowed;

	cpuset_add_possible(current, &nodes);
	nodes_and(nodes, pol->nodes, nodes);
	return nodes;
}

/*
 * private_node_mpol_foreign - does the cpuset lack all nodes of a policy?
 * @pol: any policy
 *
 * Any process that maps a shared object may bind it, and other users of the
 * object may be in other cgroups.  For a task whose cpuset has no node of the
 * object's policy, the policy does not apply.
 *
 * Context: any.
 * Return: true for the policy of a shared object that does not apply to the
 * task.
 */
bool private_node_mpol_foreign(const struct mempolicy *pol)
{
	nodemask_t ordinary;
	int nid;

	if (!(pol->flags & MPOL_F_SHARED) || mpol_private_node(pol) ||
	    !private_node_hook(user_foreign))
		return false;
	ordinary = private_node_mpol_ordinary(pol);
	if (!nodes_empty(ordinary))
		return false;
	for_each_node_mask(nid, pol->private_nodes)
		if (cpuset_may_name(nid))
			return false;
	return true;
}

/*
 * private_node_mpol_strict - must memory of a policy come from private nodes?
 * @pol: with private nodes
 *
 * Context: any.
 * Return: true if the policy is a bind, or spreads, and leaves the running task
 * no ordinary node.
 */
bool private_node_mpol_strict(const struct mempolicy *pol)
{
	nodemask_t ordinary = private_node_mpol_ordinary(pol);

	return (pol->mode == MPOL_BIND || private_node_mpol_spreads(pol)) &&
	       nodes_empty(ordinary) && !private_node_mpol_foreign(pol);
}

/* Takes from the task's default nodes, and counts a refusal on the policy's. */
static struct folio *foreign_alloc(const struct mempolicy *pol, gfp_t gfp,
				   unsigned int order)
{
	nodemask_t none = NODE_MASK_NONE;

	count_all(pol, &none, order);
	return __folio_alloc((gfp & ~__GFP_THISNODE) | __GFP_COMP, order,
			     numa_mem_id(), NULL);
}

/*
 * A task that frees memory for others cannot wait for the outcome of an unplug,
 * so it gets an ordinary page, which is counted as displaced.
 */
static struct folio *device_map_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order)
{
	struct folio *folio;
	bool closing;

	folio = private_node_alloc_for(mpol_private_node(pol), gfp, order,
				       PRIVATE_NODE_USER_DEVICE_MAP);
	closing = !folio && private_node_hook(displaced_waits) &&
		  private_node_mpol_closing(pol);
	if (closing && !order && private_node_may_not_wait())
		folio = private_node_displaced_alloc(pol, gfp);
	if (!folio)
		private_node_mpol_refused(pol);
	return folio;
}

static struct folio *user_policy_alloc(struct mempolicy *pol, gfp_t gfp,
				       unsigned int order, pgoff_t ilx,
				       enum private_node_when_full full)
{
	nodemask_t inside = private_node_mpol_enter(pol, USER);
	nodemask_t ordinary = private_node_mpol_ordinary(pol);
	bool prefers = private_node_mpol_prefers(pol);
	struct private_node *ask = NULL;
	struct folio *folio = NULL;
	bool closing;
	nodemask_t nodes;

	gfp = (gfp & ~__GFP_THISNODE) | __GFP_COMP;
	nodes_or(nodes, inside, ordinary);
	if (private_node_mpol_spreads(pol))
		folio = private_node_spread(pol, &inside, gfp, order, ilx);
	if (prefers && !nodes_empty(inside))
		folio = private_node_walk_preferred(home_nid(pol), &nodes, gfp,
						    order, USER);
	else if (!folio && !nodes_empty(inside))
		folio = private_node_walk(home_nid(pol), &nodes, gfp, order,
					  USER);
	/*
	 * on_full does not apply to a large folio, which falls back to small
	 * ones, nor while a node is being unplugged: the unplug may fail.
	 */
	closing = !folio && private_node_hook(displaced_waits) &&
		  private_node_mpol_closing(pol);
	if (!folio && nodes_empty(ordinary) && !order && !prefers && !closing &&
	    full != PRIVATE_NODE_WHEN_FULL_STOP)
		ask = owner_to_ask(pol, &inside);
	if (ask && full == PRIVATE_NODE_WHEN_FULL_ASK)
		folio = private_node_kill_for(ask, USER, gfp, order);
	if (folio)
		count_used(folio);
	private_node_leave_nodes(&inside, USER);
	if (!folio && ask)
		folio = private_node_fall_back(ask, gfp, order);
	private_node_put(ask);
	if (!folio && !nodes_empty(ordinary) && !prefers)
		folio = private_node_alloc_among(home_nid(pol), &ordinary, gfp,
						 order);
	/* As in device_map_alloc(). */
	if (closing && !order && full == PRIVATE_NODE_WHEN_FULL_ASK && !folio &&
	    private_node_may_not_wait())
		folio = private_node_displaced_alloc(pol, gfp);
	/* A preference goes on in ordinary memory, and does not wait. */
	if (!folio && closing && !prefers)
		private_node_mpol_refused(pol);
	if (!folio)
		count_all(pol, &inside, order);
	return folio;
}

/*
 * private_node_mpol_alloc - take a folio as a policy with private nodes says
 * @pol: policy for which private_node_mpol_places() is true
 * @gfp: of the fault
 * @order: of the folio
 * @ilx: interleave index
 *
 * Context: as @gfp says.
 * Return: the folio, or NULL.
 */
struct folio *private_node_mpol_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return device_map_alloc(pol, gfp, order);
	if (private_node_mpol_foreign(pol))
		return foreign_alloc(pol, gfp, order);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_ASK);
}

/*
 * private_node_mpol_try - private_node_mpol_alloc() that kills nobody
 *
 * For data that exists, which can be displaced: mm/private_node/displaced.c.
 */
struct folio *private_node_mpol_try(struct mempolicy *pol, gfp_t gfp,
				    unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return private_node_try_for(mpol_private_node(pol), gfp, order,
					    PRIVATE_NODE_USER_DEVICE_MAP);
	if (private_node_mpol_foreign(pol))
		return foreign_alloc(pol, gfp, order);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_SPILL);
}

/*
 * private_node_mpol_move_alloc - allocate the target folio of a move by mbind()
 * @pol: policy for which private_node_mpol_places() is true
 * @gfp: for the new folio
 * @order: of the folio
 * @ilx: interleave index
 *
 * on_full does not apply, because it is for memory that has no place yet.
 *
 * Context: process.
 * Return: the folio; NULL when the move fails.
 */
struct folio *private_node_mpol_move_alloc(struct mempolicy *pol, gfp_t gfp,
					   unsigned int order, pgoff_t ilx)
{
	if (mpol_private_node(pol))
		return private_node_alloc_exact(mpol_private_node(pol), gfp,
						order,
						PRIVATE_NODE_USER_DEVICE_MAP);
	return user_policy_alloc(pol, gfp, order, ilx,
				 PRIVATE_NODE_WHEN_FULL_STOP);
}

/*
 * private_node_user_alloc - allocate the target folio of a move to a named node
 * @nid: the node that the system call named
 * @gfp: for the new folio
 * @order: of the folio
 *
 * Context: process.
 * Return: the folio; NULL if there is none, or the node is not open.
 */
struct folio *private_node_user_alloc(int nid, gfp_t gfp, unsigned int order)
{
	struct private_node *pn = private_node_find(nid);
	struct folio *folio;

	if (!pn)
		return NULL;
	/* on_full does not apply to memory that has a place already. */
	folio = private_node_alloc_exact(pn, gfp, order, USER);
	private_node_put(pn);
	return folio;
}

/*
 * Is the service longterm_pin enabled, so that only an unplug is in the way?
 * Then the pin waits for the outcome in mm/gup.c, and is tried again.
 */
static bool pin_waits(int nid)
{
	const enum private_node_user pin =
		(enum private_node_user)PRIVATE_NODE_LONGTERM_PIN;
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && private_node_serves(pn, pin);
}

/*
 * private_node_pin - may folios of a node be pinned for long in place?
 * @nid: a private node
 *
 * Context: process.
 * Return: true if they may; then the pin was counted.
 */
bool private_node_pin(int nid)
{
	const enum private_node_user pin =
		(enum private_node_user)PRIVATE_NODE_LONGTERM_PIN;
	struct private_node *pn = private_node_find(nid);
	bool open;

	if (!pn)
		return false;
	open = private_node_enter(pn, pin);
	if (open) {
		private_node_count(pn, pin, PRIVATE_NODE_USED, 1);
		private_node_leave(pn, pin);
	} else {
		private_node_note_refused(pn);
	}
	private_node_put(pn);
	return open;
}

static void count_pin(struct folio *folio, bool moves)
{
	struct private_node *pn = private_node_find(folio_nid(folio));

	if (!pn)
		return;
	if (moves)
		this_cpu_add(pn->stats->pin_moved, folio_nr_pages(folio));
	else
		private_node_refuse(pn,
				    (enum private_node_user)PRIVATE_NODE_LONGTERM_PIN,
				    PRIVATE_NODE_REFUSED, 0);
	private_node_put(pn);
}

/*
 * __private_node_pin_refused - see private_node_pin_refused()
 */
bool __private_node_pin_refused(struct folio *folio)
{
	nodemask_t to = node_states[N_MEMORY];
	bool moves;

	if (private_node_pin(folio_nid(folio)))
		return false;
	if (pin_waits(folio_nid(folio)))
		return true;
	/* -EAGAIN counts as movable, since the code that moves asks again. */
	moves = private_node_is_guest(folio) &&
		private_node_may_go(folio, &to, NUMA_NO_NODE);
	count_pin(folio, moves);
	return !moves;
}

/*
 * fault_policy - the policy by which a fault would have placed memory
 * @vma: where the fault was
 * @addr: address of the fault
 *
 * Looks the policy up as the fault did: a shared object has a policy for each
 * range, and can be mapped without its file, for example by
 * /proc/PID/map_files.
 *
 * Return: a policy with private nodes, to be put by mpol_put(), or NULL.
 */
static struct mempolicy *fault_policy(struct vm_area_struct *vma,
				      unsigned long addr)
{
	struct mempolicy *pol;
	pgoff_t ilx;

	pol = get_vma_policy(vma, addr, 0, &ilx);
	if (!private_node_mpol_places(pol, 0)) {
		mpol_cond_put(pol);
		return NULL;
	}
	if (!(pol->flags & MPOL_F_SHARED))
		mpol_get(pol);
	return pol;
}

static bool node_is_to_blame(struct private_node *pn, bool access)
{
	/* The registration has ended, or the task's cpuset lacks the node. */
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD ||
	    !cpuset_may_name(pn->nid))
		return true;
	if (!private_node_is_full(pn->nid))
		return false;
	return access || READ_ONCE(pn->on_full) == PRIVATE_NODE_FULL_SIGBUS;
}

/* If a node has room by now, the fault is tried again. */
static bool all_are_full(const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (!private_node_is_full(nid))
			return false;
	return true;
}

static bool policy_is_to_blame(struct mempolicy *pol, bool access)
{
	nodemask_t ordinary = private_node_mpol_ordinary(pol), open;
	struct private_node *pn;
	bool ret;

	if (mpol_private_node(pol))
		return node_is_to_blame(mpol_private_node(pol), access);
	/* If ordinary nodes are allowed too, ordinary memory has run out. */
	if (!nodes_empty(ordinary) || private_node_mpol_prefers(pol) ||
	    private_node_mpol_foreign(pol))
		return false;
	open = private_node_mpol_open(pol);
	if (!all_are_full(&open))
		return false;
	pn = private_node_mpol_nearest_open(pol);
	if (!pn)
		return true;
	ret = node_is_to_blame(pn, access);
	private_node_put(pn);
	return ret;
}

/* Finds a node of the policy for which @is() is true; takes a reference. */
static struct private_node *find_named(const struct mempolicy *pol,
				       bool (*is)(struct private_node *pn))
{
	struct private_node *pn;
	int nid;

	if (mpol_private_node(pol))
		return is(mpol_private_node(pol)) &&
		       cpuset_may_name(mpol_private_node(pol)->nid) ?
		       private_node_get(mpol_private_node(pol)) : NULL;
	for_each_node_mask(nid, pol->private_nodes) {
		pn = find_meant(pol, nid);
		if (pn && cpuset_may_name(nid) && is(pn))
			return pn;
		private_node_put(pn);
	}
	return NULL;
}

/*
 * private_node_mpol_closing - is a node that a policy names being unplugged?
 * @pol: with private nodes
 *
 * Context: any.
 * Return: true if one is, and the cpuset of the running task has it.
 */
bool private_node_mpol_closing(const struct mempolicy *pol)
{
	struct private_node *pn = mpol_private_node(pol);
	int nid;

	if (pn)
		return private_node_closing(pn) && cpuset_may_name(pn->nid);
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_closing(pn) && cpuset_may_name(nid) &&
		    private_node_mpol_means(pol, pn))
			return true;
	}
	return false;
}

/* The task's cpuset may lack a node of the policy by now. */
static void note_refused(struct private_node *pn)
{
	if (cpuset_may_name(pn->nid))
		private_node_note_refused(pn);
}

/*
 * private_node_mpol_refused - note that the running task got no page
 * @pol: with private nodes
 *
 * Nodes that are being unplugged remember the task, which then waits for their
 * outcome in private_node_unplug_waited(), and not for other nodes.
 * Context: any.
 */
void private_node_mpol_refused(const struct mempolicy *pol)
{
	struct private_node *pn = mpol_private_node(pol);
	int nid;

	if (pn) {
		note_refused(pn);
		return;
	}
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn))
			note_refused(pn);
	}
}

/*
 * The caller of the fault holds locks that others need: mmap_lock (a debugger,
 * KSM, uprobes), or any lock under which the kernel copies to or from user
 * memory.  The unplug may wait for a task that waits for such a lock.  So the
 * fault is repeated in a NOIO scope, which makes private_node_may_not_wait()
 * true, and the page is displaced.
 */
static vm_fault_t do_not_wait(struct vm_area_struct *vma, unsigned long addr,
			      unsigned int flags, vm_fault_t ret)
{
	unsigned int noio;

	if (private_node_may_not_wait())
		return ret;
	noio = memalloc_noio_save();
	ret = handle_mm_fault(vma, addr, flags & ~FAULT_FLAG_USER, NULL);
	memalloc_noio_restore(noio);
	return ret;
}

/*
 * Waits until the unplug has succeeded or failed; the fault is then tried
 * again.  Only an access from user mode and a populate wait here: they can be
 * killed, and hold no lock that others need.  The mapping is unlocked while
 * they wait, and no folio is held that the unplug would have to move.
 *
 * A long-term pin does not wait here, but in get_pages_or_wait() in mm/gup.c,
 * after it has released the pages that it pinned before.
 */
static vm_fault_t wait_outcome(struct private_node *pn,
			       struct vm_area_struct *vma, unsigned long addr,
			       unsigned int flags, vm_fault_t ret)
{
	bool retries = flags & FAULT_FLAG_ALLOW_RETRY;

	if (retries && flags & FAULT_FLAG_RETRY_NOWAIT)
		return (ret & ~VM_FAULT_OOM) | VM_FAULT_RETRY;
	if (retries && current->flags & PF_MEMALLOC_PIN)
		return ret;
	if (!retries || !(flags & (FAULT_FLAG_USER | FAULT_FLAG_POPULATE)))
		return do_not_wait(vma, addr, flags, ret);
	if (flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vma);
	else
		mmap_read_unlock(vma->vm_mm);
	private_node_wait_outcome(pn);
	return (ret & ~VM_FAULT_OOM) | VM_FAULT_RETRY;
}

static const char *access_fate(struct pt_regs *regs)
{
	return user_mode(regs) ? "gets SIGBUS" : "gets EFAULT";
}

/*
 * private_node_fault_error - the result of a fault that found no page
 * @vma: where the fault was
 * @addr: address of the fault
 * @flags: FAULT_FLAG_* of the fault
 * @regs: registers of an access; NULL for a pin or a populate
 * @ret: result of the fault, with VM_FAULT_OOM or VM_FAULT_SIGBUS
 *
 * A fault of a hugetlb mapping gets VM_FAULT_SIGBUS from its own code when its
 * pool is empty; here only the reason is logged.
 *
 * An access that gets VM_FAULT_OOM is tried again, without end if a private
 * node is full.  So the result becomes VM_FAULT_SIGBUS.  A pin keeps -ENOMEM
 * while a node is open to it and on_full is not sigbus, else it gets -EFAULT.
 *
 * The result stays when something else was lacking (a page table, the memory
 * cgroup's limit, ordinary memory for data that exists), or the task is being
 * killed.  While a node is being unplugged an access from user mode waits for
 * the outcome, and is tried again; for the kernel's own accesses the page is
 * displaced.
 *
 * Context: process, may sleep; @vma is locked, until VM_FAULT_RETRY is returned.
 * Return: the result of the fault.
 */
vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
				    unsigned long addr, unsigned int flags,
				    struct pt_regs *regs, vm_fault_t ret)
{
	struct private_node *closing;
	struct mempolicy *pol;

	if (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED) ||
	    fatal_signal_pending(current) || task_in_memcg_oom(current))
		return ret;
	if (!(ret & VM_FAULT_OOM) && !is_vm_hugetlb_page(vma))
		return ret;
	pol = fault_policy(vma, addr);
	if (!pol)
		return ret;
	if (!(ret & VM_FAULT_OOM)) {
		/* Nothing is logged for a pin, whose caller gets an errno. */
		if (regs)
			private_node_tell_hugetlb(vma, addr, pol,
						  access_fate(regs));
		mpol_put(pol);
		return ret;
	}
	closing = find_named(pol, private_node_closing);
	if (closing) {
		/* Waits for the outcome, for new memory and for data that exists. */
	} else if (private_node_data_exists(vma, addr) ||
		   !policy_is_to_blame(pol, regs)) {
		/* An unplug may have ended between the allocation and here. */
		closing = find_named(pol, private_node_was_closing);
	} else {
		ret = (ret & ~VM_FAULT_OOM) | VM_FAULT_SIGBUS;
		if (regs)
			private_node_tell(pol, access_fate(regs),
					  PRIVATE_NODE_ACT_ACCESS);
	}
	mpol_put(pol);
	if (closing)
		ret = wait_outcome(closing, vma, addr, flags, ret);
	private_node_put(closing);
	return ret;
}

/*
 * __vma_names_private_node - does a mapping's own policy name a private node?
 * @vma: any mapping, locked
 *
 * Context: any.
 */
bool __vma_names_private_node(const struct vm_area_struct *vma)
{
	return vma->vm_policy && private_node_mpol_places(vma->vm_policy, 0);
}

/*
 * __private_node_stays - see private_node_stays()
 */
bool __private_node_stays(struct folio *folio, const nodemask_t *nodes)
{
	return !nodes_intersects(*nodes, node_states[N_MEMORY]);
}

/*
 * __private_node_keep_file_folios - see private_node_keep_file_folios()
 */
void __private_node_keep_file_folios(struct list_head *folios)
{
	struct folio *folio, *next;
	LIST_HEAD(stay);

	list_for_each_entry_safe(folio, next, folios, lru)
		if (private_node_keeps_out(folio))
			list_move(&folio->lru, &stay);
	putback_movable_pages(&stay);
}
