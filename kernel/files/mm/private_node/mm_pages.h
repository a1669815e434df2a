/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flag of address spaces that may have pages of private nodes.
 *
 * The nodes of a task's pages are known only by a walk of its page tables.  To
 * avoid that walk for most tasks, an address space gets the flag
 * MMF_PRIVATE_NODE before the first page of a private node is mapped in it: an
 * anonymous page, a page that a driver maps, or one of a guest_memfd, which is
 * bound or created by it.  The flag stays until exec or exit.  Shared memory does
 * not need the flag: each address space counts its shared pages, see
 * private_node_mm_may_have().
 *
 * Faults on ordinary memory cost nothing: the flag is set where a memory policy
 * takes a new page from a private node, and where an existing page is mapped
 * again.
 *
 * Implemented in mm/private_node/mm_pages.c.
 */
#ifndef _MM_PRIVATE_NODE_MM_H
#define _MM_PRIVATE_NODE_MM_H

#include <linux/mm.h>

#include "hooks.h"

struct mempolicy;

/*
 * Bit in mm->flags, above those of mm_types.h: a page of a private node was
 * mapped.
 */
#define MMF_PRIVATE_NODE	(NUM_MM_FLAG_BITS - 1)
/* The same: a file of /dev/private_node/ was mapped. */
#define MMF_DEVICE_MAP		(NUM_MM_FLAG_BITS - 2)

#ifdef CONFIG_PRIVATE_NODE

struct folio *private_node_vma_alloc(struct vm_area_struct *vma,
				     unsigned long addr, struct mempolicy *pol,
				     pgoff_t ilx, gfp_t gfp,
				     unsigned int order);

bool private_node_mm_likely_has(struct mm_struct *mm);
void __private_node_dup_mm(struct mm_struct *mm, struct mm_struct *oldmm);

/*
 * Tests first: the flag is read often, and an atomic store would bounce its
 * line.
 */
static inline void private_node_mark_mm(struct mm_struct *mm)
{
	if (!mm_flags_test(MMF_PRIVATE_NODE, mm))
		mm_flags_set(MMF_PRIVATE_NODE, mm);
}

/**
 * private_node_mapped - set MMF_PRIVATE_NODE before a folio is mapped
 * @vma: mapping, locked
 * @folio: folio that is about to be mapped in it
 *
 * Has to be called before the page table entry is written, so that code that
 * sees the page also sees the flag.  New anonymous pages do not need the call,
 * because private_node_vma_alloc() sets the flag for them.
 *
 * Cost: a static branch; with a private node, one bit test.
 * Context: any; with or without the page table lock.
 */
static __always_inline void private_node_mapped(struct vm_area_struct *vma,
						const struct folio *folio)
{
	if (node_is_private(folio_nid(folio)))
		private_node_mark_mm(vma->vm_mm);
}

/**
 * private_node_dup_mm - let a child inherit its parent's pages on private nodes
 * @mm: address space of the child, before its page tables are filled
 * @oldmm: address space of the parent
 *
 * fork() may copy page tables for long, and nobody can walk these meanwhile.
 * So the number of pages on private nodes is estimated before.
 *
 * Cost: a static branch; with a private node, one bit test; for a process that
 * had a private page, a look at some thousand pages, at most once a second.
 * Context: process; both are locked for writing.
 */
static inline void private_node_dup_mm(struct mm_struct *mm,
				       struct mm_struct *oldmm)
{
	if (private_node_any() &&
	    (mm_flags_test(MMF_DEVICE_MAP, oldmm) ||
	     private_node_mm_likely_has(oldmm)))
		__private_node_dup_mm(mm, oldmm);
}

/**
 * private_node_check_marked - warn if a private page is mapped without the flag
 * @vma: mapping
 * @folio: folio that is being mapped in it
 *
 * With CONFIG_DEBUG_VM this finds code that maps pages without
 * private_node_mapped().
 *
 * Context: any.
 */
static __always_inline void
private_node_check_marked(struct vm_area_struct *vma, const struct folio *folio)
{
	VM_WARN_ON_ONCE(node_is_private(folio_nid(folio)) &&
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

#endif /* _MM_PRIVATE_NODE_MM_H */
