/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which address spaces may hold pages of private nodes.
 *
 * Only a walk of its page tables says where the resident pages of a task are.  So an
 * address space gets the flag MMF_PRIVATE_NODE before the first anonymous page of a
 * private node, or a page that a driver maps, is mapped in it.  The flag stays until
 * exec or exit.  Shared memory has a counter of its own in each address space, see
 * private_node_mm_may_have().
 *
 * Faults on other memory pay nothing: the flag is set where a policy takes a new page
 * from a private node, and where a page that is there is mapped again.
 *
 * mm/private_node/mm_pages.c
 */
#ifndef _LINUX_PRIVATE_NODE_MM_H
#define _LINUX_PRIVATE_NODE_MM_H

#include <linux/mm.h>
#include <linux/private_node.h>

struct mempolicy;

/* In mm->flags, above those of include/linux/mm_types.h: it had a private page. */
#define MMF_PRIVATE_NODE	(NUM_MM_FLAG_BITS - 1)
/* It has mapped a file of /dev/private_node/. */
#define MMF_DEVICE_MAP		(NUM_MM_FLAG_BITS - 2)

#ifdef CONFIG_PRIVATE_NODE

struct folio *private_node_vma_alloc(struct vm_area_struct *vma,
				     unsigned long addr, struct mempolicy *pol,
				     pgoff_t ilx, gfp_t gfp,
				     unsigned int order);

bool private_node_mm_likely_has(struct mm_struct *mm);
void __private_node_dup_mm(struct mm_struct *mm, struct mm_struct *oldmm);

/* The flag is read by many and written once. */
static inline void private_node_mark_mm(struct mm_struct *mm)
{
	if (!mm_flags_test(MMF_PRIVATE_NODE, mm))
		mm_flags_set(MMF_PRIVATE_NODE, mm);
}

/**
 * private_node_mapped - a folio is about to be mapped
 * @vma: where; locked
 * @folio: what
 *
 * Called before the mapping is made, so that code that sees a page there sees the
 * flag as well.
 *
 * Cost: a static branch; with a private node, one bit test.  Not for new
 * anonymous pages, see private_node_vma_alloc().
 * Context: any; the page table's lock is held or not.
 */
static __always_inline void private_node_mapped(struct vm_area_struct *vma,
						const struct folio *folio)
{
	if (private_node_hooked(mm_private, folio_nid(folio)))
		private_node_mark_mm(vma->vm_mm);
}

/**
 * private_node_dup_mm - a child will have its parent's pages
 * @mm: of the child, before its page tables are filled
 * @oldmm: of the parent
 *
 * The copy takes long, and the page tables cannot be read meanwhile.  So the number of
 * pages on private nodes is estimated before.
 *
 * Cost: a static branch; with a private node, one bit test; for a process that had a
 * private page, a look at some thousand pages, at most once a second.
 * Context: process; both are locked for writing.
 */
static inline void private_node_dup_mm(struct mm_struct *mm,
				       struct mm_struct *oldmm)
{
	if (private_node_any() && private_node_hook(mm_private) &&
	    (mm_flags_test(MMF_DEVICE_MAP, oldmm) ||
	     private_node_mm_likely_has(oldmm)))
		__private_node_dup_mm(mm, oldmm);
}

/**
 * private_node_check_marked - warn if a private page is mapped without the flag
 * @vma: where it is being mapped
 * @folio: what
 *
 * In debug kernels this finds code that maps pages without private_node_mapped().
 */
static __always_inline void
private_node_check_marked(struct vm_area_struct *vma, const struct folio *folio)
{
	VM_WARN_ON_ONCE(private_node_hooked(mm_private, folio_nid(folio)) &&
			!mm_flags_test(MMF_PRIVATE_NODE, vma->vm_mm));
}

#else /* !CONFIG_PRIVATE_NODE */

static inline struct folio *
private_node_vma_alloc(struct vm_area_struct *vma, unsigned long addr,
		       struct mempolicy *pol, pgoff_t ilx, gfp_t gfp,
		       unsigned int order)
{
	return NULL;
}

static inline void private_node_mapped(struct vm_area_struct *vma,
				       const struct folio *folio) {}
static inline void private_node_dup_mm(struct mm_struct *mm,
				       struct mm_struct *oldmm) {}
static inline void private_node_check_marked(struct vm_area_struct *vma,
					     const struct folio *folio) {}

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _LINUX_PRIVATE_NODE_MM_H */
