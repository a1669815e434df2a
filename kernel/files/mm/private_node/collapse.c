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
 *	any that the kernel	any			any	-
 *	  put on private ones
 *	ordinary ones, all	any			any	as ever
 *	ordinary ones, or none	names private ones only	any	-
 *
 * Missing pages are filled with new memory, or read from swap, and such pages go
 * where the policy says.  Who names the node in vain, because its cpuset lacks it, or
 * user_numa is closed, gets no new ones by a collapse either.
 */
#include <linux/compaction.h>
#include <linux/cpuset_possible.h>
#include <linux/huge_mm.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/private_node_policy.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "private_node.h"

#define USER	((enum private_node_user)PRIVATE_NODE_THP)

static bool places_on(const struct mempolicy *pol, int nid)
{
	if (!pol || !private_node_mpol_places(pol, 0))
		return false;
	if (mpol_private_node(pol))
		return mpol_private_node(pol)->nid == nid;
	return node_isset(nid, pol->private_nodes);
}

static bool only_private(const struct mempolicy *pol)
{
	return pol && private_node_mpol_places(pol, 0) &&
	       (mpol_private_node(pol) || nodes_empty(pol->nodes));
}

static void refuse(const u32 *load)
{
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, private_node_map) {
		pn = load[nid] ? private_node_find(nid) : NULL;
		if (pn)
			private_node_refuse(pn, USER, PRIVATE_NODE_REFUSED,
					    HPAGE_PMD_ORDER);
		private_node_put(pn);
	}
}

/* @mm: of whom; NULL for a file, where khugepaged cannot know. */
static bool may_name(struct mm_struct *mm, int nid)
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

/* Would a fault there get a new page of the node? */
static bool fills(const struct mempolicy *pol, struct mm_struct *mm, int nid)
{
	const enum private_node_user user = mpol_private_node(pol) ?
		PRIVATE_NODE_USER_DEVICE_MAP :
		(enum private_node_user)PRIVATE_NODE_USER_NUMA;
	struct private_node *pn = private_node_find(nid);
	bool open = pn && private_node_open(pn, user);

	private_node_put(pn);
	return open && may_name(mm, nid);
}

/* @load: pages present, by node; @missing: are there others? */
static bool stays(const struct mempolicy *pol, struct mm_struct *mm,
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
		return missing && only_private(pol);
	if (nr == 1 &&
	    (!missing || (places_on(pol, home) && fills(pol, mm, home))) &&
	    private_node_service_enabled(home, PRIVATE_NODE_THP))
		return false;
	refuse(load);
	return true;
}

/*
 * __private_node_vma_stays - see private_node_vma_stays()
 */
bool __private_node_vma_stays(struct vm_area_struct *vma, bool missing,
			      const u32 *load)
{
	return stays(vma->vm_policy, vma->vm_mm, missing, load);
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
	ret = stays(pol, NULL, missing, load);
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
 * kcompactd makes a block, for the next attempt.  It skips areas that it once
 * found useless, until kswapd or direct compaction says that somebody still
 * needs a block: a node without the reclaim service has neither.
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
 * @nid: the private node that has all pages of the range, and no other
 * @gfp: of the collapse
 * @order: of the folio
 *
 * Does not reclaim: that would take pages away only to put others side by side.
 * When no block is free, kcompactd makes one for the next attempt.
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
	folio = private_node_alloc_exact(pn, gfp & ~__GFP_RECLAIM, order, USER);
	if (!folio && private_node_open(pn, USER))
		ask_for_block(NODE_DATA(nid), order);
	private_node_put(pn);
	return folio;
}

/*
 * __private_node_no_collapse - see private_node_no_collapse()
 */
bool __private_node_no_collapse(const struct vm_area_struct *vma)
{
	return !private_node_open(mpol_private_node(vma->vm_policy), USER);
}
