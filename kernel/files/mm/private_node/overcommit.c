// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory that counts as RAM or swap with overcommit_memory=0.
 *
 * That mode refuses only what can never fit.  Private nodes that the task may
 * name count as RAM, because a program may map first and bind then, as
 * numa_alloc_onnode() does.  Private nodes that reclaim can use count as swap.
 * overcommit_memory=2 promises ordinary memory and swap, and is unchanged.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/swap.h>

#include "internal.h"
#include "policy.h"

/* Private nodes that reclaim may demote to. */
static void add_reclaims_targets(nodemask_t *nodes)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (private_node_service_enabled(nid, PRIVATE_NODE_DEMOTION))
			node_set(nid, *nodes);
}

/* @pol may be NULL */
static void add_named(nodemask_t *nodes, const struct mempolicy *pol)
{
	nodemask_t serve;

	if (!pol || !private_node_mpol_names(pol))
		return;
	serve = private_node_mpol_serves(pol);
	nodes_or(*nodes, *nodes, serve);
}

static unsigned long pages_of(const nodemask_t *nodes)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_mask(nid, *nodes)
		sum += private_node_fenced(nid) ? private_node_fence->credit(nid) :
					   private_node_managed_pages_nid(nid);
	return sum;
}

/*
 * __private_node_overcommit - see private_node_overcommit()
 */
unsigned long __private_node_overcommit(void)
{
	nodemask_t nodes = NODE_MASK_NONE;

	add_reclaims_targets(&nodes);
	private_node_add_user_nodes(current, &nodes);
	return pages_of(&nodes);
}

/*
 * __private_node_vma_commits - see private_node_vma_commits()
 *
 * __private_node_overcommit() counts nodes that the running task may name.
 * This adds the nodes of the range's own policy, which may have been made when
 * the task could name more.
 */
bool __private_node_vma_commits(struct vm_area_struct *vma, long pages)
{
	nodemask_t nodes = NODE_MASK_NONE;

	if (sysctl_overcommit_memory != OVERCOMMIT_GUESS || !vma->vm_policy)
		return false;
	add_named(&nodes, vma->vm_policy);
	if (nodes_empty(nodes))
		return false;
	add_reclaims_targets(&nodes);
	private_node_add_user_nodes(current, &nodes);
	if (pages > totalram_pages() + total_swap_pages + pages_of(&nodes))
		return false;
	vm_acct_memory(pages);
	return true;
}
