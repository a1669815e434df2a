// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a memory policy says about private nodes: which it names, which of them
 * are open to it, and which comes first.
 *
 * A policy keeps the private nodes that it names in mempolicy.private_nodes, see
 * mm/private_node/policy.h.  It means the registrations that existed
 * when it was made, and not those of another owner who takes a node id later.
 * With MPOL_F_STATIC_NODES it also means later registrations by the same owner.
 */
#include <kunit/visibility.h>
#include <linux/cpuset.h>
#include <linux/cpuset_possible.h>
#include <linux/mm.h>
#include <linux/topology.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "refusals.h"

static void add_nodes(struct task_struct *task, enum private_node_service user,
		      nodemask_t *nodes)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (private_node_service_enabled(nid, user) &&
		    task_may_name(task, nid))
			node_set(nid, *nodes);
}

/*
 * __private_node_add_user_nodes - see private_node_add_user_nodes()
 *
 * For masks that users see, and to check node numbers that users pass.
 */
void __private_node_add_user_nodes(struct task_struct *task,
				   nodemask_t *nodes)
{
	add_nodes(task, PRIVATE_NODE_USER_NUMA, nodes);
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
	add_nodes(current, private_node_mpol_user(pol), &open);
	if (!nodes_and(pol->private_nodes, *nodes, open)) {
		/* If ordinary nodes are named as well, the call may succeed. */
		if (!nodes_intersects(*nodes, node_states[N_MEMORY]))
			private_node_turn_away(nodes, private_node_mpol_user(pol),
					       PRIVATE_NODE_ACT_POLICY);
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

/*
 * private_node_mpol_meant - handle of a node that a policy names
 * @pol: any policy
 * @nid: one of its private nodes
 *
 * Context: any.
 * Return: the handle, with a reference; NULL if the policy does not mean the
 * registration that the node has now.
 */
struct private_node *private_node_mpol_meant(const struct mempolicy *pol, int nid)
{
	struct private_node *pn = private_node_find(nid);

	if (pn && private_node_mpol_means(pol, pn))
		return pn;
	if (pn)
		private_node_put(pn);
	return NULL;
}

/*
 * private_node_mpol_home - node from which a policy measures distances
 * @pol: any policy
 *
 * A home node that is offline has neither distances nor zonelists.
 * Context: any.
 * Return: its home node, or that of the running CPU.
 */
int private_node_mpol_home(const struct mempolicy *pol)
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
	return nearest_node_nodemask(private_node_mpol_home(pol), nodes);
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
				   enum private_node_service user)
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
		pn = private_node_mpol_meant(pol, nid);
		if (!pn)
			continue;
		if ((!open || private_node_user_open(pn, private_node_mpol_user(pol))) &&
		    is_nearer(private_node_mpol_home(pol), pn, best))
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
 * private_node_mpol_nearest_inside - the nearest of some nodes of a policy
 * @pol: any policy
 * @inside: private nodes whose gates the caller has entered, so that their
 *	handles stay registered
 *
 * When all nodes that a policy names are full, on_full of this one applies.
 * Context: any.
 * Return: its handle, with a reference; NULL if @inside is empty.
 */
struct private_node *
private_node_mpol_nearest_inside(const struct mempolicy *pol,
				 const nodemask_t *inside)
{
	struct private_node *pn, *best = NULL;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *inside) {
		pn = private_node_peek(nid);
		if (is_nearer(private_node_mpol_home(pol), pn, best))
			best = pn;
	}
	return private_node_get(best);
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

static nodemask_t nodes_that(const struct mempolicy *pol,
			     bool (*test)(struct private_node *pn,
					  enum private_node_service user))
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
		if (pn && private_node_mpol_means(pol, pn) &&
		    test(pn, private_node_mpol_user(pol)) && cpuset_may_name(nid))
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
 * object's policy, the policy does not apply.  It does for guest_memfd, where
 * such a task gets nothing: a virtual machine stays where it was placed.
 *
 * Context: any.
 * Return: true for the policy of a shared object that does not apply to the
 * task.
 */
bool private_node_mpol_foreign(const struct mempolicy *pol)
{
	nodemask_t ordinary;
	int nid;

	if (!(pol->flags & MPOL_F_SHARED) || pol->flags & MPOL_F_GMEM ||
	    mpol_private_node(pol))
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

/*
 * private_node_mpol_find - find a node of a policy
 * @pol: policy for which private_node_mpol_places() is true
 * @is: what it has to be
 *
 * Context: any.
 * Return: the handle of a node for which @is() is true and which the cpuset of
 * the running task has, with a reference; or NULL.
 */
struct private_node *private_node_mpol_find(const struct mempolicy *pol,
					    bool (*is)(struct private_node *pn))
{
	struct private_node *pn;
	int nid;

	if (mpol_private_node(pol))
		return is(mpol_private_node(pol)) &&
		       cpuset_may_name(mpol_private_node(pol)->nid) ?
		       private_node_get(mpol_private_node(pol)) : NULL;
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_mpol_meant(pol, nid);
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
 * __private_node_mpol_may_state - see private_node_mpol_may_state()
 */
bool __private_node_mpol_may_state(const nodemask_t *nodes)
{
	nodemask_t allowed = node_states[N_MEMORY];

	private_node_add_user_nodes(current, &allowed);
	if (nodes_subset(*nodes, allowed))
		return true;
	nodes_andnot(allowed, *nodes, allowed);
	private_node_turn_away(&allowed, PRIVATE_NODE_USER_NUMA,
			       PRIVATE_NODE_ACT_POLICY);
	return false;
}

/*
 * private_node_mpol_stated - fix which registrations a mount's policy means
 * @pol: policy of the mount, from which those of its files are made
 *
 * Context: any.
 */
void private_node_mpol_stated(struct mempolicy *pol)
{
	if (private_node_any())
		pol->private_born = private_node_births();
}

/*
 * private_node_mpol_inherit - take the registrations of a mount's policy
 * @pol: the new policy of the file
 * @mount: policy of the mount
 *
 * So the file's policy does not name a node whose owner has changed since the
 * mount.
 * Context: any.
 */
void private_node_mpol_inherit(struct mempolicy *pol,
			       const struct mempolicy *mount)
{
	pol->private_born = mount->private_born;
}
