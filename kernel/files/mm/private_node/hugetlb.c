// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of huge pages on private nodes: the hugetlb service.
 *
 * A pool is filled by node<N>/hugepages/.../nr_hugepages and is in no total:
 * what others reserve does not count on it.  Only a bind that names the node
 * takes from it.  Without the service such a bind finds ordinary pools, as all
 * that is not anonymous memory or shmem does.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/private_node_policy.h>
#include <linux/topology.h>

#include "private_node.h"

#define USER	((enum private_node_user)PRIVATE_NODE_HUGETLB)

/*
 * private_node_mpol_hugetlb - private pools that a policy may take from
 * @pol: policy of a hugetlb mapping, or NULL
 * @nodes: result
 *
 * Context: any.
 * Return: is there one?
 */
bool private_node_mpol_hugetlb(const struct mempolicy *pol, nodemask_t *nodes)
{
	struct private_node *pn;
	int nid;

	nodes_clear(*nodes);
	if (!pol || !private_node_hook(hugetlb_pool) ||
	    !private_node_mpol_places(pol, 0) || mpol_private_node(pol))
		return false;
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn) &&
		    private_node_user_open(pn, USER))
			node_set(nid, *nodes);
	}
	return !nodes_empty(*nodes);
}

/*
 * private_node_nearest - the node of a set that is nearest to this CPU
 * @nodes: the set
 *
 * Context: any.
 * Return: the node, NUMA_NO_NODE for an empty set.
 */
int private_node_nearest(const nodemask_t *nodes)
{
	int here = numa_mem_id();
	int best = NUMA_NO_NODE;
	int nid;

	for_each_node_mask(nid, *nodes)
		if (best == NUMA_NO_NODE ||
		    node_distance(here, nid) < node_distance(here, best))
			best = nid;
	return best;
}

/*
 * private_node_hugetlb_taken - count what a policy got from private pools
 * @pol: for which private_node_mpol_hugetlb()
 * @folio: what it got, or NULL
 *
 * Context: any.
 * Return: @folio; NULL where the policy has ordinary nodes to go to, -ENOSPC
 * where it has none.
 */
struct folio *private_node_hugetlb_taken(const struct mempolicy *pol,
					 struct folio *folio)
{
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (!pn || (folio && folio_nid(folio) != nid))
			continue;
		if (folio)
			private_node_count(pn, USER, PRIVATE_NODE_USED,
					   folio_nr_pages(folio));
		else
			private_node_refuse(pn, USER, PRIVATE_NODE_FAILED,
					    HPAGE_PMD_ORDER);
	}
	if (!folio && nodes_empty(pol->nodes))
		return ERR_PTR(-ENOSPC);
	return folio;
}

/*
 * private_node_hugetlb_alloc - pages for the pool of a private node
 * @nid: the node
 * @order: of a huge page
 * @ret: set to an errno where the reason is not that the node is full
 *
 * Context: process, may sleep.
 * Return: the pages, with a reference count of zero; or NULL.
 */
struct folio *private_node_hugetlb_alloc(int nid, unsigned int order, int *ret)
{
	const gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	struct private_node *pn = private_node_find(nid);
	struct page *page = NULL;

	if (!pn) {
		*ret = -ENODEV;
		return NULL;
	}
	if (!private_node_open(pn, USER)) {
		pr_err("node %d: %s: nr_hugepages unchanged: service hugetlb is not enabled\n",
		       nid, pn->owner);
		private_node_refuse(pn, USER, PRIVATE_NODE_REFUSED, order);
		*ret = -EOPNOTSUPP;
	} else if (order > MAX_PAGE_ORDER) {
		pr_err("node %d: %s: nr_hugepages unchanged: no pages larger than %lu kB here\n",
		       nid, pn->owner, PAGE_SIZE << MAX_PAGE_ORDER >> 10);
		*ret = -EINVAL;
	} else {
		page = private_node_alloc_frozen(nid, gfp, order);
		if (!page)
			private_node_refuse(pn, USER, PRIVATE_NODE_FAILED,
					    order);
	}
	private_node_put(pn);
	return (struct folio *)page;
}
