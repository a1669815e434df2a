// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of an address space is on private nodes: what oom_score and the
 * killer for an ordinary shortage take off.
 *
 * Most address spaces never had a page there: a flag says so, see
 * include/linux/private_node_mm.h.  Of the others a fixed number of pages is
 * looked at, spread by chance over what can have such pages, whatever the
 * size.  The places are drawn anew each time, so that nobody can hide ordinary
 * memory between them.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/pagewalk.h>
#include <linux/prandom.h>
#include <linux/private_node_mm.h>
#include <linux/private_node_policy.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "private_node.h"

/* One in that many of the pages may be wrong. */
#define SAMPLES		512
/* Mappings beyond this many count as ordinary. */
#define MAX_VMAS	1024

/*
 * private_node_vma_alloc - take a folio as a policy with private nodes says
 * @vma: where the folio will be mapped
 * @addr: and there
 * @pol: for which private_node_mpol_places()
 * @ilx: interleave index
 * @gfp: of the fault
 * @order: of the folio
 *
 * The one place where new anonymous pages of a private node come from.  Cost: a
 * load and a test for each page that a policy places.
 *
 * Context: as @gfp says.
 * Return: the folio, or NULL.
 */
struct folio *private_node_vma_alloc(struct vm_area_struct *vma,
				     unsigned long addr, struct mempolicy *pol,
				     pgoff_t ilx, gfp_t gfp,
				     unsigned int order)
{
	struct folio *folio;

	if (private_node_hook(mm_private))
		private_node_mark_mm(vma->vm_mm);
	folio = folio_alloc_mpol_noprof(gfp, order, pol, ilx, numa_node_id());
	return folio ?: private_node_stack_alloc(pol, ilx, vma, addr, gfp,
						 order);
}

/*
 * private_node_mm_may_have - could pages of private nodes be mapped there?
 * @mm: any address space
 *
 * Context: any.
 * Return: false when none was, ever; true when a look is worth it.
 */
bool private_node_mm_may_have(struct mm_struct *mm)
{
	return mm_flags_test(MMF_PRIVATE_NODE, mm) ||
	       get_mm_counter_sum(mm, MM_SHMEMPAGES);
}

static bool shmem_on_private_nodes(void)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (node_page_state(NODE_DATA(nid), NR_SHMEM))
			return true;
	return false;
}

/* As private_node_mm_may_have(), for who asks often and can be a batch off. */
static bool likely_has(struct mm_struct *mm)
{
	return mm_flags_test(MMF_PRIVATE_NODE, mm) ||
	       (get_mm_counter(mm, MM_SHMEMPAGES) && shmem_on_private_nodes());
}

struct sample {
	unsigned long stride;	/* pages that one look stands for */
	unsigned long start;	/* page at which the present stride begins */
	unsigned long at;	/* page to look at, in that stride */
	unsigned long base;	/* first page of the mapping */
	unsigned long hits;
	struct rnd_state random;
};

static bool counts(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_PFNMAP | VM_HUGETLB))
		return false;
	/* A mapping that just gets its first page counts a page more or less. */
	return data_race(vma->anon_vma) || (vma->vm_flags & VM_MIXEDMAP) ||
	       (vma->vm_file && shmem_mapping(vma->vm_file->f_mapping));
}

static void sample_draw(struct sample *s)
{
	s->at = s->start + reciprocal_scale(prandom_u32_state(&s->random),
					    s->stride);
}

static void sample_vma(struct sample *s, struct vm_area_struct *vma)
{
	unsigned long end = s->base + vma_pages(vma);
	struct folio_walk fw;
	struct folio *folio;

	while (s->at < end) {
		folio = folio_walk_start(&fw, vma, vma->vm_start +
					 ((s->at - s->base) << PAGE_SHIFT), 0);
		if (folio) {
			if (node_is_private(folio_nid(folio)))
				s->hits++;
			folio_walk_end(&fw, vma);
		}
		s->start += s->stride;
		sample_draw(s);
	}
	s->base = end;
}

static unsigned long pages_to_sample(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long pages = 0;
	int left = MAX_VMAS;

	for_each_vma(vmi, vma) {
		if (!left--)
			break;
		if (counts(vma))
			pages += vma_pages(vma);
	}
	return pages;
}

static unsigned long sample_mm(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	unsigned long stride = DIV_ROUND_UP(pages_to_sample(mm), SAMPLES);
	struct vm_area_struct *vma;
	int left = MAX_VMAS;
	struct sample s = {
		.stride = clamp(stride, 1UL, (unsigned long)U32_MAX),
	};

	prandom_seed_state(&s.random, get_random_u64());
	sample_draw(&s);
	for_each_vma(vmi, vma) {
		if (!left--)
			break;
		if (counts(vma))
			sample_vma(&s, vma);
	}
	return min(s.hits * s.stride, get_mm_rss(mm));
}

/*
 * private_node_mm_pages - estimate how many pages are on private nodes
 * @mm: any address space
 *
 * Exact below SAMPLES pages; else each of the pages that are looked at stands
 * for a part of all.
 *
 * Context: any but interrupts; does not sleep.  The lock of @mm is held for the
 * time of SAMPLES looks.
 * Return: pages; 0 as well when the address space is being changed.
 */
static unsigned long private_node_mm_pages(struct mm_struct *mm)
{
	unsigned long pages = 0;

	if (!mmap_read_trylock(mm))
		return 0;
	/* exit_mmap() has unmapped everything, and frees the page tables. */
	if (!mm_flags_test(MMF_OOM_SKIP, mm))
		pages = sample_mm(mm);
	mmap_read_unlock(mm);
	return pages;
}

/**
 * __private_node_oom_private - pages of a task that no ordinary task could use
 * @task: the task
 *
 * The part of the task's resident set that killing it would not give back to
 * ordinary nodes; an estimate.
 *
 * Context: any but interrupts; does not sleep.
 * Return: pages on private nodes.
 */
unsigned long __private_node_oom_private(struct task_struct *task)
{
	struct task_struct *p = find_lock_task_mm(task);
	struct mm_struct *mm = NULL;
	unsigned long pages = 0;

	if (!p)
		return 0;
	if (likely_has(p->mm)) {
		mm = p->mm;
		mmgrab(mm);
	}
	task_unlock(p);
	if (mm) {
		pages = private_node_mm_pages(mm);
		mmdrop(mm);
	}
	return pages;
}
