// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for data that exists.
 *
 * New memory of a node is refused if its service is closed, if the cpuset lost
 * the node, if the node is full or being unplugged, or if its owner is gone.
 * Data that was written before must stay within reach all the same: in swap, at
 * a copy-on-write, or when fork() copies a pinned page.  If the policy finds no
 * page on its private nodes, the data gets an ordinary page: of an ordinary
 * node that the policy names too, else of a default node of the task's cpuset.
 * Such a page is displaced: it is counted and traced.  No task is killed for it
 * while there is ordinary memory.
 *
 * While a node is being unplugged nothing is displaced, since the unplug may
 * fail.  The allocation fails, and the caller waits for the outcome at a point
 * where it holds no folio that unplug would have to move: a fault at its end,
 * in private_node_fault_error(), others in private_node_unplug_waited().
 * Callers that cannot wait, such as fork(), get a displaced page, see
 * may_wait().
 *
 * Code that allocates for data that exists calls vma_alloc_folio_existing() or
 * folio_alloc_mpol_existing(), which do all of this.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/private_node_mm.h>
#include <linux/private_node_policy.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/topology.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "private_node.h"

/* Pages of all nodes since boot; a node's own counter ends with the handle. */
static DEFINE_PER_CPU(unsigned long, displaced_pages);

/* For attempts on private nodes, which must not make the OOM killer run. */
#define TRY_GFP		(__GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/*
 * private_node_count_displaced - count and trace a displaced folio
 * @pol: policy by which it would have been on a private node
 * @folio: the folio, in ordinary memory
 *
 * Context: any.
 */
void private_node_count_displaced(const struct mempolicy *pol,
				  struct folio *folio)
{
	struct private_node *pn = private_node_mpol_nearest(pol);
	unsigned long nr = folio_nr_pages(folio);

	this_cpu_add(displaced_pages, nr);
	trace_private_node_displaced(pn ? pn->nid : NUMA_NO_NODE,
				     folio_nid(folio));
	if (pn)
		this_cpu_add(pn->stats->displaced, nr);
	private_node_put(pn);
}

/*
 * private_node_displaced_alloc - allocate a displaced page, and count it
 * @pol: policy by which it would be on a private node
 * @gfp: of the allocation
 *
 * Context: any but NMI; sleeps as @gfp allows.
 * Return: the folio, or NULL.
 */
struct folio *private_node_displaced_alloc(const struct mempolicy *pol,
					   gfp_t gfp)
{
	struct folio *folio;

	gfp &= ~__GFP_THISNODE;
	/* With no mask, the allocator uses the default nodes of the cpuset. */
	folio = __folio_alloc_noprof(gfp, 0, numa_mem_id(), NULL);
	if (folio)
		private_node_count_displaced(pol, folio);
	return folio;
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
	if (private_node_hook(displaced_waits) &&
	    private_node_mpol_closing(pol) && may_wait(vma)) {
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
	pol = get_vma_policy(vma, addr, order, &ilx);
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

static bool pte_has_data(pte_t pte)
{
	if (pte_none(pte))
		return false;
	if (pte_present(pte))
		return !is_zero_pfn(pte_pfn(pte));
	return !softleaf_is_marker(softleaf_from_pte(pte));
}

static bool table_has_data(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = mm_find_pmd(mm, addr);
	pmd_t entry;
	pte_t *pte;
	bool ret;

	if (!pmd)
		return false;
	entry = pmdp_get_lockless(pmd);
	if (pmd_trans_huge(entry))
		return !is_huge_zero_pmd(entry);
	pte = pte_offset_map(pmd, addr);
	if (!pte)
		return false;
	ret = pte_has_data(ptep_get_lockless(pte));
	pte_unmap(pte);
	return ret;
}

/*
 * private_node_data_exists - was a fault for data that exists?
 * @vma: mapping of the fault, locked
 * @addr: address of the fault
 *
 * Such data gets a displaced page.  So if the fault found no memory, the reason
 * is ordinary memory or the memory cgroup, not a private node.
 *
 * Context: process.
 * Return: true if there is data at @addr.
 */
bool private_node_data_exists(struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping;

	if (table_has_data(vma->vm_mm, addr))
		return true;
	if (vma_is_anonymous(vma) || !vma->vm_file)
		return false;
	mapping = vma->vm_file->f_mapping;
	/*
	 * A private mapping of a file copies a page of the file, which exists.
	 */
	if (!shmem_mapping(mapping))
		return !(vma->vm_flags & VM_SHARED);
	return xa_load(&mapping->i_pages, linear_page_index(vma, addr));
}

/*
 * private_node_displaced_pages - pages displaced since boot, on all nodes
 *
 * Context: any.
 * Return: a number of pages.
 */
unsigned long private_node_displaced_pages(void)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(displaced_pages, cpu));
	return sum;
}
