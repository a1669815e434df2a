// SPDX-License-Identifier: GPL-2.0-only
/*
 * The service guest_memfd: files of KVM whose pages are memory of virtual
 * machines.
 *
 * Such a file has a policy, by mbind() on a mapping of it, or by the policy of
 * the task that creates it.  A policy of a file that names private nodes has the
 * mark MPOL_F_GMEM, and takes pages by this service rather than by user_numa.
 * Its pages do not move, so none is displaced to ordinary memory, and the
 * cpuset of a task that lacks the node gives it no page from elsewhere.
 *
 * A file of guest_memfd is known by AS_INACCESSIBLE, which no other file has.
 */
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "policy.h"
#include "refusals.h"

static bool maps_gmem(const struct vm_area_struct *vma)
{
	return vma->vm_file && mapping_inaccessible(vma->vm_file->f_mapping);
}

/*
 * The pages count as those of the node for the task that binds the file, or
 * creates it, and for its children.
 */
static void mark(struct mempolicy *pol, struct mm_struct *mm)
{
	pol->flags |= MPOL_F_GMEM;
	private_node_mark_mm(mm);
}

/*
 * __private_node_mbind_gmem - see private_node_mbind_gmem()
 */
int __private_node_mbind_gmem(struct mempolicy *pol, const nodemask_t *nodes,
			      struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	bool some = false, others = false;
	struct vm_area_struct *vma;

	if (!nodes_intersects(*nodes, private_node_map))
		return 0;
	for_each_vma_range(vmi, vma, end) {
		if (maps_gmem(vma))
			some = true;
		else
			others = true;
	}
	if (some && others)
		return -EINVAL;
	if (some)
		mark(pol, mm);
	return 0;
}

/*
 * A file can be made while its node is being unplugged, since it takes no page
 * yet.  Whoever takes one later waits for the end of the unplug.
 */
static int set_policy(struct shared_policy *sp, struct mempolicy *pol)
{
	nodemask_t open = private_node_mpol_serves(pol);

	if (!private_node_mpol_strict(pol) || !nodes_empty(open))
		return mpol_set_shared_private_node(sp, pol);
	private_node_tell(pol, "gets no guest_memfd", PRIVATE_NODE_ACT_POLICY);
	return -EOPNOTSUPP;
}

/*
 * __private_node_gmem_new - see private_node_gmem_new()
 */
int __private_node_gmem_new(struct shared_policy *sp)
{
	struct mempolicy *pol = current->mempolicy;
	int ret;

	if (!pol || !private_node_mpol_places(pol, 0))
		return 0;
	pol = mpol_dup(pol);
	if (IS_ERR(pol))
		return PTR_ERR(pol);
	mark(pol, current->mm);
	ret = set_policy(sp, pol);
	mpol_put(pol);
	return ret;
}
EXPORT_SYMBOL_FOR_MODULES(__private_node_gmem_new, "kvm");

/*
 * __private_node_gmem_none - see private_node_gmem_taken()
 */
void __private_node_gmem_none(struct mempolicy *pol)
{
	if (private_node_mpol_places(pol, 0) && private_node_to_blame(pol, true))
		private_node_tell(pol, "gets no page for its guest_memfd",
				  PRIVATE_NODE_ACT_ACCESS);
}
EXPORT_SYMBOL_FOR_MODULES(__private_node_gmem_none, "kvm");
