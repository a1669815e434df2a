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
 * may_wait() in existing.c.
 *
 * existing.c does this for code that allocates for data that exists.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/topology.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "policy.h"

/* Pages of all nodes since boot; a node's own counter ends with the handle. */
static DEFINE_PER_CPU(unsigned long, displaced_pages);

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
