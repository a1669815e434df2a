// SPDX-License-Identifier: GPL-2.0-only
/*
 * Collapse into huge pages, by khugepaged and MADV_COLLAPSE: the thp service.
 *
 * A range that has pages of a private node is collapsed on that node, or not at
 * all:
 *
 *	pages present		policy of the range	thp	collapsed on
 *	one private node, all	any			open	that node
 *	one private node, some	names that node		open	that node
 *	one private node, some	does not		open	-
 *	one private node	any			closed	-
 *	several nodes, some private			any	-
 *	guests (see mark.c)	any			any	-
 *	ordinary ones, all	any			any	any node
 *	ordinary ones, some,	names private ones only	any	-
 *	  or none
 *	ordinary ones, some,	any other		any	any node
 *	  or none
 *
 * "Some" means that pages of the range are missing.  They become new memory, or
 * come back from swap, and have to be where the policy says.  A policy whose
 * node is not in the task's cpuset, or closed to user_numa, does not count as
 * naming the node: a fault would get no page of it either.
 */
#include <linux/compaction.h>
#include <linux/cpuset_possible.h>
#include <linux/huge_mm.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"

static bool policy_places_on(const struct mempolicy *pol, int nid)
{
	if (!pol || !private_node_mpol_places(pol, 0))
		return false;
	if (mpol_private_node(pol))
		return mpol_private_node(pol)->nid == nid;
	return node_isset(nid, pol->private_nodes);
}

static bool names_private_only(const struct mempolicy *pol)
{
	return pol && private_node_mpol_places(pol, 0) &&
	       (mpol_private_node(pol) || nodes_empty(pol->nodes));
}

static void refuse_collapse(const u32 *load)
{
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, private_node_map) {
		pn = load[nid] ? private_node_find(nid) : NULL;
		if (pn)
			private_node_refuse(pn, PRIVATE_NODE_THP, PRIVATE_NODE_REFUSED,
					    HPAGE_PMD_ORDER);
		private_node_put(pn);
	}
}

/*
 * Do cpusets allow the node to the user of @mm?  For a file @mm is NULL: then
 * the running task's cpuset is asked.  khugepaged, which acts for no task, gets
 * true unless the node has access=named.
 */
static bool mm_may_name(struct mm_struct *mm, int nid)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	if (mm && mm != current->mm) {
		guard(rcu)();
		owner = rcu_dereference(mm->owner);
		return owner && task_may_name(owner, nid);
	}
#endif
	return current->flags & PF_KTHREAD ? !cpuset_must_name(nid) :
					     cpuset_may_name(nid);
}

/* Would a fault by this policy get a new page of the node? */
static bool fault_fills(const struct mempolicy *pol, struct mm_struct *mm,
			int nid)
{
	const enum private_node_service user = mpol_private_node(pol) ?
		PRIVATE_NODE_USER_DEVICE_MAP :
		PRIVATE_NODE_USER_NUMA;
	struct private_node *pn = private_node_find(nid);
	bool open = pn && private_node_open(pn, user);

	private_node_put(pn);
	return open && mm_may_name(mm, nid);
}

/*
 * The table at the head of this file: must the range not be collapsed?  @load
 * has the number of present pages by node; @missing is true if others are not
 * present.
 */
static bool range_stays(const struct mempolicy *pol, struct mm_struct *mm,
			bool missing, const u32 *load)
{
	unsigned int nr = 0;
	int nid, home = NUMA_NO_NODE;

	for_each_online_node(nid) {
		nr += !!load[nid];
		if (load[nid] && node_is_private(nid))
			home = nid;
	}
	if (home == NUMA_NO_NODE)
		return missing && names_private_only(pol);
	if (nr == 1 &&
	    (!missing || (policy_places_on(pol, home) &&
			  fault_fills(pol, mm, home))) &&
	    private_node_service_enabled(home, PRIVATE_NODE_THP))
		return false;
	refuse_collapse(load);
	return true;
}

/*
 * __private_node_vma_stays - see private_node_vma_stays()
 */
bool __private_node_vma_stays(struct vm_area_struct *vma, bool missing,
			      const u32 *load)
{
	return range_stays(vma->vm_policy, vma->vm_mm, missing, load);
}

/*
 * __private_node_file_stays - see private_node_file_stays()
 */
bool __private_node_file_stays(struct address_space *mapping, pgoff_t index,
			       bool missing, const u32 *load)
{
	struct mempolicy *pol = NULL;
	bool ret;

	if (shmem_mapping(mapping))
		pol = mpol_shared_policy_lookup(&SHMEM_I(mapping->host)->policy,
						index);
	ret = range_stays(pol, NULL, missing, load);
	mpol_cond_put(pol);
	return ret;
}

/*
 * __private_node_came_late - see private_node_came_late()
 */
bool __private_node_came_late(int nid, const u32 *load)
{
	int other;

	if (node_is_private(nid))
		return true;
	for_each_node_mask(other, private_node_map)
		if (load[other])
			return true;
	return false;
}

/*
 * __private_node_stays_small - see private_node_stays_small()
 */
bool __private_node_stays_small(struct folio *folio)
{
	return private_node_is_guest(folio);
}

/*
 * Wakes kcompactd to make a free block for the next attempt.  Compaction skips
 * pageblocks where it found nothing before.  kswapd resets these marks when
 * direct compaction has asked for that; a node without the reclaim service has
 * neither, so they are reset here.
 */
static void ask_for_block(pg_data_t *pgdat, unsigned int order)
{
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		pgdat->node_zones[i].compact_blockskip_flush = true;
	reset_isolation_suitable(pgdat);
	wakeup_kcompactd(pgdat, order, MAX_NR_ZONES - 1);
}

/*
 * private_node_collapse_alloc - take the folio that a range is collapsed into
 * @nid: the private node that has all present pages of the range
 * @gfp: of the collapse
 * @order: of the folio
 *
 * Does not reclaim: a collapse is not worth taking memory from anybody.  When
 * no block is free, kcompactd is woken to make one for the next attempt.
 *
 * Context: process, may sleep.
 * Return: the folio, or NULL.
 */
struct folio *private_node_collapse_alloc(int nid, gfp_t gfp,
					  unsigned int order)
{
	struct private_node *pn = private_node_find(nid);
	struct folio *folio;

	if (!pn)
		return NULL;
	private_node_seek_block(pn, order);
	folio = private_node_alloc_exact(pn, gfp & ~__GFP_RECLAIM, order, PRIVATE_NODE_THP);
	if (!folio && private_node_open(pn, PRIVATE_NODE_THP))
		ask_for_block(NODE_DATA(nid), order);
	private_node_put(pn);
	return folio;
}

/*
 * __private_node_no_collapse - see private_node_no_collapse()
 */
bool __private_node_no_collapse(const struct vm_area_struct *vma)
{
	return !private_node_open(mpol_private_node(vma->vm_policy), PRIVATE_NODE_THP);
}
