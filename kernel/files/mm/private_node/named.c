// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies other than a bind that name private nodes.
 *
 * One rule for system calls, mount options and all else that states a policy
 * says which nodes memory comes from:
 *
 *	the mask has		bind		prefer		spread
 *	ordinary nodes		these		these		these
 *	both			both		the ordinary	the ordinary
 *	private nodes alone	these		first these	over these
 *
 * A mask with an ordinary node in it may just mean "all nodes", as in numactl
 * --interleave=all.  So in such a mask only a bind names private nodes.
 *
 * A preference whose nodes are full takes ordinary memory, which is counted;
 * on_full does not apply.  A spreading mode takes from the node that is next,
 * and if that is full from any other that it names; if all are full, on_full
 * applies, as for a bind.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "internal.h"
#include "policy.h"
#include "refusals.h"

/*
 * private_node_mode_names - may a policy of this mode and mask name private nodes?
 * @mode: MPOL_*
 * @nodes: what the user said
 *
 * Context: any.
 * Return: true if it may.
 */
bool private_node_mode_names(unsigned short mode, const nodemask_t *nodes)
{
	switch (mode) {
	case MPOL_BIND:
		return true;
	case MPOL_PREFERRED:
	case MPOL_PREFERRED_MANY:
	case MPOL_INTERLEAVE:
	case MPOL_WEIGHTED_INTERLEAVE:
		return !nodes_intersects(*nodes, node_states[N_MEMORY]);
	default:
		return false;
	}
}

/*
 * private_node_names_alone - set the mode of a policy of private nodes alone
 * @pol: policy with its private nodes; no bind
 *
 * named_mode keeps the mode that the user gave, for allocations and reports.
 * All other code sees MPOL_LOCAL, because the policy names no ordinary node.
 *
 * Context: any; the policy is new, so nobody else uses it.
 */
void private_node_names_alone(struct mempolicy *pol)
{
	int first = first_node(pol->private_nodes);

	if (pol->mode == MPOL_PREFERRED)
		pol->private_nodes = nodemask_of_node(first);
	pol->named_mode = pol->mode;
	pol->mode = MPOL_LOCAL;
}

/*
 * The weights in /sys/kernel/mm/mempolicy/weighted_interleave are for ordinary
 * nodes only.  A private node has its own file, interleave_weight.
 */
static unsigned int weight_of(const struct mempolicy *pol, int nid)
{
	struct private_node *pn;

	if (pol->named_mode != MPOL_WEIGHTED_INTERLEAVE)
		return 1;
	guard(rcu)();
	pn = private_node_peek(nid);
	return pn ? READ_ONCE(pn->interleave_weight) ?: 1 : 1;
}

/*
 * private_node_spread_to - choose the node for an interleave index
 * @pol: policy for which private_node_mpol_spreads() is true
 * @open: those of its nodes to choose from
 * @ilx: interleave index
 *
 * Works like interleave_nid() and weighted_interleave_nid().
 * Context: any.
 * Return: the node, NUMA_NO_NODE for an empty set.
 */
int private_node_spread_to(const struct mempolicy *pol, const nodemask_t *open,
			   pgoff_t ilx)
{
	unsigned int weight, total = 0;
	int nid;

	for_each_node_mask(nid, *open)
		total += weight_of(pol, nid);
	if (!total)
		return NUMA_NO_NODE;
	ilx %= total;
	for_each_node_mask(nid, *open) {
		weight = weight_of(pol, nid);
		if (ilx < weight)
			return nid;
		ilx -= weight;
	}
	/* Only reached when a weight was changed meanwhile. */
	return first_node(*open);
}
