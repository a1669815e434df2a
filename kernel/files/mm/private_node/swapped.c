// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is data of a device map in swap?
 *
 * Such data belongs to the node like pages that are on it: with
 * on_unplug=refuse it keeps the node from being unplugged.  There is no counter
 * of it.  Unplug searches the address spaces and shmem objects that have
 * something in swap, as swapoff does.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/leafops.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "refusals.h"

struct look {
	const struct private_node *pn;
	unsigned long pages;
	struct private_node_task_name name;	/* a process with such pages */
};

static int count_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		     struct mm_walk *walk)
{
	unsigned long *pages = walk->private;
	pte_t *start, *pte;
	spinlock_t *ptl;

	/*
	 * Without a page table the range is mapped by a huge page or not at
	 * all, and has nothing in swap.
	 */
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start)
		return 0;
	for (pte = start; addr < end; pte++, addr += PAGE_SIZE)
		if (softleaf_is_swap(softleaf_from_pte(ptep_get(pte))))
			(*pages)++;
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return 0;
}

static const struct mm_walk_ops count_ops = {
	.pmd_entry = count_pmd,
	.walk_lock = PGWALK_RDLOCK,
};

/*
 * Walks an address space under one mmap_lock section, so that a mapping that
 * moves (mremap()) is seen at one place or the other.  Waits for mmap_lock:
 * with a trylock a process that changes its mappings all the time would be
 * missed.  Nobody holds mmap_lock until the end of an unplug, see
 * wait_outcome() in policy.c.
 */
static void look_at_mm(struct mm_struct *mm, struct look *look)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long pages = 0;

	/* Both flags are set before data can get into swap. */
	if (!mm_flags_test(MMF_DEVICE_MAP, mm) ||
	    !mm_flags_test(MMF_PRIVATE_NODE, mm) || mmap_read_lock_killable(mm))
		return;
	for_each_vma(vmi, vma)
		if (vma->vm_policy &&
		    mpol_private_node(vma->vm_policy) == look->pn)
			walk_page_vma(vma, &count_ops, &pages);
	mmap_read_unlock(mm);
	look->pages += pages;
	if (pages && !look->name.pid)
		private_node_name_task(mm, &look->name);
}

/* The mmlist has every address space that may have something in swap. */
static void look_at_all(struct look *look)
{
	struct mm_struct *prev = &init_mm, *mm;
	struct list_head *p = &init_mm.mmlist;

	mmget(prev);
	spin_lock(&mmlist_lock);
	while ((p = p->next) != &init_mm.mmlist &&
	       !fatal_signal_pending(current)) {
		mm = list_entry(p, struct mm_struct, mmlist);
		if (!mmget_not_zero(mm))
			continue;
		spin_unlock(&mmlist_lock);
		mmput_async(prev);
		prev = mm;
		look_at_mm(mm, look);
		spin_lock(&mmlist_lock);
	}
	spin_unlock(&mmlist_lock);
	mmput_async(prev);
}

/*
 * private_node_is_swapped - refuse to unplug a node whose device map is in swap
 * @pn: the handle
 *
 * Context: process, may sleep.
 * Return: true when there is such data, and dmesg says whose; true as well
 * after a fatal signal.
 */
bool private_node_is_swapped(struct private_node *pn)
{
	struct look look = { .pn = pn };
	unsigned long shared;

	if (!READ_ONCE(pn->devmapped))
		return false;
	shared = private_node_shmem_swapped(pn);
	look_at_all(&look);
	if (look.pages || shared)
		private_node_record(.nid = pn->nid, .owner = pn->owner,
				    .act = PRIVATE_NODE_ACT_UNPLUG,
				    .why = PRIVATE_NODE_WHY_SWAPPED,
				    .pages = look.pages + shared,
				    .by = &look.name);
	if (look.pages && !look.name.pid)
		pr_err("node %d: cannot unplug: %lu pages of its device map are in swap, of a process that is ending; try again\n",
		       pn->nid, look.pages + shared);
	else if (look.pages)
		pr_err("node %d: cannot unplug: %lu pages of its device map are in swap, some of pid %d (%s); stop it, or unplug with on_unplug=move or sigbus\n",
		       pn->nid, look.pages + shared, look.name.pid, look.name.comm);
	else if (shared)
		pr_err("node %d: cannot unplug: %lu pages of shared mappings of its device map are in swap; stop the processes that have them open, or unplug with on_unplug=move or sigbus\n",
		       pn->nid, shared);
	return look.pages || shared || fatal_signal_pending(current);
}
