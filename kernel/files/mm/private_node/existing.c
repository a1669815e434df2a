// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation for data that exists, which is displaced if its private nodes give
 * no page: displaced.c says when.
 *
 * Code that allocates for data that exists calls vma_alloc_folio_existing() or
 * folio_alloc_mpol_existing(), which do all of this.
 */
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/swap.h>
#include <linux/topology.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "policy.h"

/* For attempts on private nodes, which must not make the OOM killer run. */
#define TRY_GFP		(__GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#ifdef CONFIG_MEMCG
/* Do all threads of the group that use @mm have the policy @pol? */
static bool all_have(struct task_struct *group, struct mm_struct *mm,
		     struct mempolicy *pol)
{
	struct task_struct *t;
	bool same;

	for_each_thread(group, t) {
		if (READ_ONCE(t->mm) != mm)
			continue;
		task_lock(t);
		same = mpol_equal(t->mempolicy, pol);
		task_unlock(t);
		if (!same)
			return false;
	}
	return true;
}
#endif

/* The policy that all tasks of @mm have, with a reference, or NULL. */
static struct mempolicy *get_common_policy(struct mm_struct *mm)
{
	struct mempolicy *pol = NULL;
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	guard(rcu)();
	owner = rcu_dereference(mm->owner);
	if (!owner || mm_flags_test(MMF_MULTIPROCESS, mm))
		return NULL;
	task_lock(owner);
	pol = owner->mempolicy;
	mpol_get(pol);
	task_unlock(owner);
	if (pol && !all_have(owner, mm, pol)) {
		mpol_put(pol);
		pol = NULL;
	}
#endif
	return pol;
}

/*
 * __private_node_data_policy - see private_node_data_policy()
 */
struct mempolicy *__private_node_data_policy(struct mm_struct *mm,
					     struct mempolicy *pol)
{
	struct mempolicy *common, *copy;

	/* Somebody else's policy matters only for memory that has none. */
	if (pol != get_task_policy(current))
		return pol;
	common = get_common_policy(mm);
	if (!common)
		return pol;
	copy = private_node_mpol_places(common, 0) ? mpol_dup(common) : NULL;
	mpol_put(common);
	if (IS_ERR_OR_NULL(copy))
		return pol;
	/* For mpol_cond_put(). */
	copy->flags |= MPOL_F_SHARED;
	return copy;
}

/*
 * Is this the policy of a task that runs swapoff, or that writes into another
 * process?  It is not the policy of the data, so it must not put the data on a
 * private node.
 */
static bool policy_is_strangers(const struct mempolicy *pol,
				const struct mm_struct *mm)
{
	return pol == current->mempolicy &&
	       (oom_task_origin(current) || (mm && mm != current->mm));
}

/*
 * Can the caller wait for the outcome of an unplug?  Not if tasks that free
 * memory may wait for the caller, and not if it has the address space locked
 * for writing, as fork() has: unplug read-locks the address space to find out
 * whose a page is, and would fail because of the task that waits for it.
 */
static bool may_wait(struct vm_area_struct *vma)
{
	if (private_node_may_not_wait())
		return false;
	if (!vma)
		return true;
#ifdef CONFIG_PER_VMA_LOCK
	/* A write lock on the VMA is kept until mmap_lock is unlocked. */
	return vma->vm_lock_seq != READ_ONCE(vma->vm_mm->mm_lock_seq.sequence);
#else
	if (!mmap_read_trylock(vma->vm_mm))
		return false;
	mmap_read_unlock(vma->vm_mm);
	return true;
#endif
}

/*
 * Allocates a folio for data that exists.  @vma is where the data is mapped, or
 * NULL if it is not mapped.
 */
static struct folio *alloc_existing(gfp_t gfp, unsigned int order,
				    struct mempolicy *pol, pgoff_t ilx, int nid,
				    struct vm_area_struct *vma)
{
	struct folio *folio;

	if (!private_node_mpol_places(pol, ilx))
		return folio_alloc_mpol_noprof(gfp, order, pol, ilx, nid);
	if (policy_is_strangers(pol, vma ? vma->vm_mm : NULL))
		return __folio_alloc_noprof(gfp, order, nid, NULL);
	folio = private_node_mpol_try(pol, gfp | TRY_GFP, order, ilx);
	/* The caller tries small folios first, before one is displaced. */
	if (folio || order)
		return folio;
	if (private_node_mpol_closing(pol) && may_wait(vma)) {
		private_node_mpol_refused(pol);
		return NULL;
	}
	/* A preference allows ordinary memory: that page is not displaced. */
	if (private_node_mpol_spills(pol, order))
		return __folio_alloc_noprof(gfp & ~__GFP_THISNODE, order, nid,
					    NULL);
	return private_node_displaced_alloc(pol, gfp);
}

/*
 * __folio_alloc_mpol_existing_noprof - see folio_alloc_mpol_existing()
 */
struct folio *__folio_alloc_mpol_existing_noprof(gfp_t gfp, unsigned int order,
						 struct mempolicy *pol,
						 pgoff_t ilx, int nid)
{
	return alloc_existing(gfp, order, pol, ilx, nid, NULL);
}

/*
 * __vma_alloc_folio_existing_noprof - see vma_alloc_folio_existing()
 */
struct folio *__vma_alloc_folio_existing_noprof(gfp_t gfp, int order,
						struct vm_area_struct *vma,
						unsigned long addr)
{
	struct mempolicy *pol;
	struct folio *folio;
	pgoff_t ilx;

	if (vma->vm_flags & VM_DROPPABLE)
		gfp |= __GFP_NOWARN;
	pol = private_node_data_policy(vma->vm_mm,
				       get_vma_policy(vma, addr, order, &ilx));
	folio = alloc_existing(gfp, order, pol, ilx, numa_node_id(), vma);
	mpol_cond_put(pol);
	if (folio)
		private_node_mapped(vma, folio);
	return folio;
}

/*
 * __private_node_no_readahead - see private_node_no_readahead()
 */
bool __private_node_no_readahead(struct mempolicy *pol)
{
	nodemask_t nodes = private_node_mpol_open(pol);
	int nid;

	for_each_node_mask(nid, nodes)
		if (private_node_free_pages_nid(nid) >= SWAP_CLUSTER_MAX)
			return false;
	return true;
}
