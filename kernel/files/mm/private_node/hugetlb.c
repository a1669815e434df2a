// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of huge pages on private nodes: the hugetlb service.
 *
 * A pool is sized by node<N>/hugepages/.../nr_hugepages, or by
 * nr_hugepages_mempolicy if the writer's policy names private nodes alone.  The
 * pool is part of no total, so no reservation relies on it.
 *
 * Only a policy that names the node gets huge pages of its pool.  A policy that
 * names private nodes alone gets no other huge pages: when the service is
 * closed, or the task's cpuset lacks the node, the pool counts as empty.  The
 * exception is a copy-on-write after fork().  It copies data that exists, so it
 * may get an ordinary huge page.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/err.h>
#include <linux/hugetlb.h>
#include <linux/kernfs.h>
#include <linux/printk.h>
#include <linux/sysfs.h>
#include <linux/topology.h>

#include "../hugetlb_internal.h"
#include "../internal.h"
#include "internal.h"
#include "policy.h"

/*
 * Nodes that the policy means, and that are in the task's cpuset.  With @serve,
 * only those whose hugetlb service is enabled.
 */
static void named_nodes(const struct mempolicy *pol, nodemask_t *nodes,
			bool serve)
{
	struct private_node *pn;
	int nid;

	nodes_clear(*nodes);
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (pn && private_node_mpol_means(pol, pn) &&
		    cpuset_may_name(nid) &&
		    (!serve || private_node_serves(pn, PRIVATE_NODE_HUGETLB)))
			node_set(nid, *nodes);
	}
}

static bool names_pools(const struct mempolicy *pol)
{
	return pol && private_node_mpol_places(pol, 0) &&
	       !mpol_private_node(pol);
}

/*
 * private_node_mpol_hugetlb - private pools that a policy may take from
 * @pol: policy of a hugetlb mapping, or NULL
 * @nodes: result: the nodes whose service is open; the caller is inside their
 *	gates until it calls private_node_hugetlb_taken()
 *
 * Context: any.
 * Return: true if @pol names private nodes, open or not.
 */
bool private_node_mpol_hugetlb(const struct mempolicy *pol, nodemask_t *nodes)
{
	nodes_clear(*nodes);
	if (!names_pools(pol))
		return false;
	*nodes = private_node_mpol_enter(pol, PRIVATE_NODE_HUGETLB);
	return true;
}

/*
 * __private_node_hugetlb_displaces - see private_node_hugetlb_displaces()
 */
bool __private_node_hugetlb_displaces(const struct mempolicy *pol)
{
	return names_pools(pol) && private_node_mpol_strict(pol);
}

/*
 * __private_node_task_pools - see private_node_task_pools()
 */
bool __private_node_task_pools(nodemask_t *nodes, bool open)
{
	struct mempolicy *pol = current->mempolicy;

	if (!names_pools(pol) || !nodes_empty(pol->nodes) ||
	    (open && pol->mode != MPOL_BIND))
		return false;
	named_nodes(pol, nodes, open);
	return true;
}

/*
 * private_node_mpol_ilx - interleave index of a huge page
 * @pol: policy of @vma
 * @vma: a mapping of huge pages
 * @addr: address of the page in @vma
 *
 * Context: process, @vma is locked.
 * Return: the index, for private_node_mpol_first_of(); 0 if it does not spread.
 */
pgoff_t private_node_mpol_ilx(const struct mempolicy *pol,
			      struct vm_area_struct *vma, unsigned long addr)
{
	pgoff_t ilx = 0;

	if (pol && private_node_mpol_spreads(pol))
		mpol_cond_put(get_vma_policy(vma, addr,
					     huge_page_order(hstate_vma(vma)),
					     &ilx));
	return ilx;
}

/*
 * private_node_hugetlb_taken - count what a policy got, and leave the gates
 * @pol: the policy that private_node_mpol_hugetlb() was called for
 * @nodes: the nodes that private_node_mpol_hugetlb() returned
 * @folio: the huge page that was taken, or NULL
 *
 * Context: any.
 * Return: @folio.  Without one: NULL if the policy has ordinary nodes to go on
 * with, else ERR_PTR(-ENOSPC), or ERR_PTR(-ENOMEM) while one of the nodes is
 * being unplugged; the fault then waits for the outcome.
 */
struct folio *private_node_hugetlb_taken(const struct mempolicy *pol,
					 const nodemask_t *nodes,
					 struct folio *folio)
{
	bool closing = !folio && private_node_mpol_closing(pol);
	struct private_node *pn;
	int nid;

	if (closing)
		private_node_mpol_refused(pol);
	guard(rcu)();
	for_each_node_mask(nid, pol->private_nodes) {
		pn = private_node_peek(nid);
		if (!pn || (folio && folio_nid(folio) != nid))
			continue;
		if (folio)
			private_node_count(pn, PRIVATE_NODE_HUGETLB, PRIVATE_NODE_USED,
					   folio_nr_pages(folio));
		else
			private_node_refuse(pn, PRIVATE_NODE_HUGETLB,
					    private_node_user_open(pn, PRIVATE_NODE_HUGETLB) ?
					    PRIVATE_NODE_FAILED :
					    PRIVATE_NODE_REFUSED,
					    HPAGE_PMD_ORDER);
	}
	private_node_leave_nodes(nodes, PRIVATE_NODE_HUGETLB);
	if (!folio && private_node_mpol_strict(pol))
		return ERR_PTR(closing ? -ENOMEM : -ENOSPC);
	return folio;
}

/* Did the fault fail for another reason than empty pools? */
static bool had_a_page(struct vm_area_struct *vma, unsigned long addr,
		       const nodemask_t *nodes)
{
	loff_t pos = (loff_t)linear_page_index(vma, addr) << PAGE_SHIFT;
	struct hstate *h = hstate_vma(vma);
	int nid;

	/* A fault beyond the end of the file gets no page in any case. */
	if (pos >= i_size_read(file_inode(vma->vm_file)))
		return true;
	for_each_node_mask(nid, *nodes)
		if (READ_ONCE(h->free_huge_pages_node[nid]))
			return true;
	return false;
}

/*
 * private_node_tell_hugetlb - log why a task gets no huge page
 * @vma: hugetlb mapping of the fault that failed, locked
 * @addr: address of the fault
 * @pol: policy of the fault, which names private nodes
 * @fate: what becomes of the running task, for the message
 *
 * Logs nothing when a pool has a free page: the reason is then another one,
 * such as a limit of the cgroup.
 *
 * Context: process.
 */
void private_node_tell_hugetlb(struct vm_area_struct *vma, unsigned long addr,
			       const struct mempolicy *pol, const char *fate)
{
	nodemask_t nodes;

	if (!names_pools(pol))
		return;
	named_nodes(pol, &nodes, true);
	if (!had_a_page(vma, addr, &nodes))
		private_node_tell_pool(pol, nearest_node_nodemask(numa_mem_id(), &nodes),
				       fate);
}

static int no_room(struct private_node *pn, unsigned int order)
{
	pr_warn_ratelimited("node %d: %s: nr_hugepages unchanged: the node has no room for as many; ask for less, or free some of it\n",
			    pn->nid, pn->owner);
	private_node_refuse(pn, PRIVATE_NODE_HUGETLB, PRIVATE_NODE_FAILED, order);
	return -ENOMEM;
}

/*
 * Can the node give @nr pages of that order?  If it has guests, which could be
 * moved away, the answer is no only when the whole node is too small: how many
 * blocks become free is known only after the guests have left.
 */
static bool has_pieces(struct private_node *pn, unsigned int order,
		       unsigned long nr)
{
	return private_node_blocks(pn->nid, order) >> order >= nr ||
	       (private_node_any_guest(pn) &&
		private_node_managed_pages_nid(pn->nid) >> order >= nr);
}

static int check_pool(struct private_node *pn, unsigned int order,
		      unsigned long nr)
{
	if (nr && order > MAX_PAGE_ORDER && !IS_ENABLED(CONFIG_CONTIG_ALLOC)) {
		pr_write_err("node %d: %s: nr_hugepages unchanged: no pages larger than %lu kB here\n",
			     pn->nid, pn->owner, PAGE_SIZE << MAX_PAGE_ORDER >> 10);
		return -EINVAL;
	}
	/*
	 * For gigantic pages only the size is checked.  Whether a contiguous
	 * range is free is known only when one was taken.
	 */
	if (order > MAX_PAGE_ORDER)
		return private_node_managed_pages_nid(pn->nid) >> order >= nr ?
		       0 : no_room(pn, order);
	if (has_pieces(pn, order, nr))
		return 0;
	/* Pages freed a moment ago may be in per-CPU batches and lists. */
	lru_add_drain_all();
	private_node_drain(pn->nid);
	return has_pieces(pn, order, nr) ? 0 : no_room(pn, order);
}

static int not_let_in(struct private_node *pn, unsigned int order)
{
	if (private_node_closing(pn)) {
		private_node_note_refused(pn);
		return -EAGAIN;
	}
	pr_write_err("node %d: %s: nr_hugepages unchanged: service hugetlb is not enabled\n",
		     pn->nid, pn->owner);
	private_node_refuse(pn, PRIVATE_NODE_HUGETLB, PRIVATE_NODE_REFUSED, order);
	return -EOPNOTSUPP;
}

static bool task_refills(struct private_node *pn)
{
	return READ_ONCE(pn->refills) == current;
}

/*
 * The task that refills the pools after its own failed unplug takes a reference
 * on the gate although the gate is closed.  It has closed the gate itself.
 */
static bool enter_pool(struct private_node *pn)
{
	if (!task_refills(pn))
		return private_node_enter(pn, PRIVATE_NODE_HUGETLB);
	percpu_ref_get(&pn->gate[PRIVATE_NODE_HUGETLB].ref);
	return true;
}

/*
 * private_node_pool_begin - called before pages are taken for a node's pool
 * @nid: the node
 * @order: of a huge page
 * @nr: how many pages are to be added; 0 when the pool shrinks, or stays
 * @inside: nodes whose gates the caller is inside of; @nid is added unless its
 *	service is closed
 *
 * Checks first whether the node can give that many pages, so that a request
 * which has to fail takes nothing away from others.  Unplug waits until
 * private_node_pools_end(), because it cannot find pages that were allocated
 * but are not in a pool yet.
 *
 * Context: process, may sleep.
 * Return: 0 or an errno, whose reason is in dmesg; -EAGAIN while the node is
 * being unplugged.
 */
int private_node_pool_begin(int nid, unsigned int order, unsigned long nr,
			    nodemask_t *inside)
{
	struct private_node *pn = private_node_find(nid);
	int ret;

	if (!pn)
		return -ENODEV;
	if (!enter_pool(pn)) {
		/* A closed pool may still be made smaller. */
		ret = nr || private_node_closing(pn) ? not_let_in(pn, order) : 0;
		goto out;
	}
	ret = check_pool(pn, order, nr);
	if (ret)
		private_node_leave(pn, PRIVATE_NODE_HUGETLB);
	else
		node_set(nid, *inside);
out:
	private_node_put(pn);
	return ret;
}

/*
 * private_node_pools_shut - was a node closed since private_node_pool_begin()?
 * @inside: the nodes
 * @order: of a huge page
 *
 * The caller then ends its request, because unplug waits for it.
 *
 * Context: process.
 * Return: 0 if none was; else an errno as from private_node_pool_begin().
 */
int private_node_pools_shut(const nodemask_t *inside, unsigned int order)
{
	struct private_node *pn;
	int nid;

	/* The caller is inside a gate, which keeps the handle in the registry. */
	guard(rcu)();
	for_each_node_mask(nid, *inside) {
		pn = private_node_peek(nid);
		if (!private_node_open(pn, PRIVATE_NODE_HUGETLB) && !task_refills(pn))
			return not_let_in(pn, order);
	}
	return 0;
}

/*
 * __private_node_pool_waits - see private_node_pool_waits()
 *
 * An unplug that succeeds removes the file, and waits for its writers.  So the
 * writer drops its active reference on the file while it waits, and takes the
 * reference again afterwards.  If the file is gone by then, the request ends,
 * because the node id may already belong to the next owner.
 */
bool __private_node_pool_waits(ssize_t *ret, struct kobject *kobj,
			       const char *file, unsigned long *unplugs)
{
	const struct attribute attr = { .name = file };
	struct kernfs_node *kn = sysfs_break_active_protection(kobj, &attr);
	bool again;

	if (!kn)
		return false;
	again = private_node_unplug_waited(unplugs);
	kernfs_get(kn);
	sysfs_unbreak_active_protection(kn);
	/* The count is negative as soon as the removal of the file begins. */
	if (atomic_read(&kn->active) < 0) {
		*ret = -ENODEV;
		again = false;
	}
	kernfs_put(kn);
	return again;
}

/*
 * private_node_pools_end - leave the gates after private_node_pool_begin()
 * @inside: the nodes
 *
 * Context: process.
 */
void private_node_pools_end(const nodemask_t *inside)
{
	private_node_leave_nodes(inside, PRIVATE_NODE_HUGETLB);
}

/*
 * private_node_hugetlb_alloc - allocate a huge page for a private node's pool
 * @nid: the node
 * @order: of the huge page
 * @ret: set to an errno on failure; -EAGAIN while the node is being unplugged
 *
 * Context: process, may sleep.
 * Return: the folio, with a reference count of zero; or NULL, and the reason is
 * in dmesg.
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
	if (enter_pool(pn)) {
		if (order > MAX_PAGE_ORDER)
			page = private_node_alloc_gigantic(pn, order,
							   PRIVATE_NODE_HUGETLB);
		else
			page = private_node_alloc_frozen(nid, gfp, order,
							 PRIVATE_NODE_HUGETLB);
		if (!page)
			*ret = no_room(pn, order);
		private_node_leave(pn, PRIVATE_NODE_HUGETLB);
	} else {
		*ret = not_let_in(pn, order);
	}
	private_node_put(pn);
	return (struct folio *)page;
}

/*
 * private_node_pools_note - record the sizes of a node's pools before an unplug
 * @nid: the node
 * @pools: result, by hstate_index(): without those in use that are surplus
 *
 * Context: process; takes hugetlb_lock.
 */
void private_node_pools_note(int nid, unsigned long *pools)
{
	struct hstate *h;

	guard(spinlock_irq)(&hugetlb_lock);
	for_each_hstate(h)
		pools[hstate_index(h)] = h->nr_huge_pages_node[nid] -
					 h->surplus_huge_pages_node[nid];
}

/* Those above the largest folio first, which need a contiguous range. */
static void refill_pools(struct private_node *pn, const unsigned long *pools,
			 bool gigantic)
{
	struct hstate *h;

	for_each_hstate(h)
		/* Surplus pages count here: a pool that has some is large enough. */
		if (hstate_is_gigantic(h) == gigantic &&
		    READ_ONCE(h->nr_huge_pages_node[pn->nid]) <
		    pools[hstate_index(h)])
			__nr_hugepages_store_common(false, h, pn->nid,
						    pools[hstate_index(h)], 0);
}

/*
 * private_node_pools_refill - restore pools after an unplug that failed
 * @pn: the handle; its gates are still closed, so that nobody else allocates
 *	from the node or changes its pools
 * @pools: sizes before the unplug, from private_node_pools_note()
 *
 * Offlining has dissolved free pages of the pools.  Each pool gets back all of
 * them, or none if there is not memory for all.
 * Context: process, may sleep.
 */
void private_node_pools_refill(struct private_node *pn,
			       const unsigned long *pools)
{
	WRITE_ONCE(pn->refills, current);
	refill_pools(pn, pools, true);
	refill_pools(pn, pools, false);
	WRITE_ONCE(pn->refills, NULL);
}
