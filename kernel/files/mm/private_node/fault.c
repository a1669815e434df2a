// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults whose memory a policy places on a private node: the page, and what the
 * fault returns if there is none.
 */
#include <linux/cpuset_possible.h>
#include <linux/hugetlb.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "policy.h"
#include "refusals.h"

/*
 * private_node_vma_alloc - take a folio as a policy with private nodes says
 * @vma: where the folio will be mapped
 * @addr: address in @vma
 * @pol: policy for which private_node_mpol_places() is true
 * @ilx: interleave index
 * @gfp: of the fault
 * @order: of the folio
 *
 * All new anonymous pages of private nodes come from here, so this is where the
 * address space gets its flag.  Cost: a load and a test for each page that a
 * policy places.
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

	private_node_mark_mm(vma->vm_mm);
	folio = folio_alloc_mpol_noprof(gfp, order, pol, ilx, numa_node_id());
	return folio ?: private_node_stack_alloc(pol, ilx, vma, addr, gfp,
						 order);
}

/*
 * fault_policy - the policy by which a fault would have placed memory
 * @vma: where the fault was
 * @addr: address of the fault
 *
 * Looks the policy up as the fault did: a shared object has a policy for each
 * range, and can be mapped without its file, for example by
 * /proc/PID/map_files.
 *
 * Return: a policy with private nodes, to be put by mpol_put(), or NULL.
 */
static struct mempolicy *fault_policy(struct vm_area_struct *vma,
				      unsigned long addr)
{
	struct mempolicy *pol;
	pgoff_t ilx;

	pol = get_vma_policy(vma, addr, 0, &ilx);
	if (!private_node_mpol_places(pol, 0)) {
		mpol_cond_put(pol);
		return NULL;
	}
	if (!(pol->flags & MPOL_F_SHARED))
		mpol_get(pol);
	return pol;
}

static bool node_is_to_blame(struct private_node *pn, bool access)
{
	/* The registration has ended, or the task's cpuset lacks the node. */
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD ||
	    !cpuset_may_name(pn->nid))
		return true;
	if (!private_node_is_full(pn->nid))
		return false;
	return access || READ_ONCE(pn->on_full) == PRIVATE_NODE_FULL_SIGBUS;
}

/* If a node has room by now, the fault is tried again. */
static bool all_are_full(const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (!private_node_is_full(nid))
			return false;
	return true;
}

/*
 * private_node_to_blame - did an allocation fail because of its private nodes?
 * @pol: its policy, with private nodes
 * @access: for an access, rather than for a pin or a populate
 *
 * Context: any.
 * Return: false when ordinary memory, a page table or the limit of a memory
 * cgroup was lacking, or there is room by now.
 */
bool private_node_to_blame(struct mempolicy *pol, bool access)
{
	nodemask_t ordinary = private_node_mpol_ordinary(pol), open;
	struct private_node *pn;
	bool ret;

	if (mpol_private_node(pol))
		return node_is_to_blame(mpol_private_node(pol), access);
	/* If ordinary nodes are allowed too, ordinary memory has run out. */
	if (!nodes_empty(ordinary) || private_node_mpol_prefers(pol) ||
	    private_node_mpol_foreign(pol))
		return false;
	open = private_node_mpol_open(pol);
	if (!all_are_full(&open))
		return false;
	pn = private_node_mpol_nearest_open(pol);
	if (!pn)
		return true;
	ret = node_is_to_blame(pn, access);
	private_node_put(pn);
	return ret;
}

/*
 * The caller of the fault holds locks that others need: mmap_lock (a debugger,
 * KSM, uprobes), or any lock under which the kernel copies to or from user
 * memory.  The unplug may wait for a task that waits for such a lock.  So the
 * fault is repeated in a NOIO scope, which makes private_node_may_not_wait()
 * true, and the page is displaced.
 */
static vm_fault_t do_not_wait(struct vm_area_struct *vma, unsigned long addr,
			      unsigned int flags, vm_fault_t ret)
{
	unsigned int noio;

	if (private_node_may_not_wait())
		return ret;
	noio = memalloc_noio_save();
	ret = handle_mm_fault(vma, addr, flags & ~FAULT_FLAG_USER, NULL);
	memalloc_noio_restore(noio);
	return ret;
}

/*
 * Waits until the unplug has succeeded or failed; the fault is then tried
 * again.  Only an access from user mode and a populate wait here: they can be
 * killed, and hold no lock that others need.  The mapping is unlocked while
 * they wait, and no folio is held that the unplug would have to move.
 *
 * A long-term pin does not wait here, but in get_pages_or_wait() in mm/gup.c,
 * after it has released the pages that it pinned before.
 */
static vm_fault_t wait_outcome(struct private_node *pn,
			       struct vm_area_struct *vma, unsigned long addr,
			       unsigned int flags, vm_fault_t ret)
{
	bool retries = flags & FAULT_FLAG_ALLOW_RETRY;

	if (retries && flags & FAULT_FLAG_RETRY_NOWAIT)
		return (ret & ~VM_FAULT_OOM) | VM_FAULT_RETRY;
	if (retries && current->flags & PF_MEMALLOC_PIN)
		return ret;
	if (!retries || !(flags & (FAULT_FLAG_USER | FAULT_FLAG_POPULATE)))
		return do_not_wait(vma, addr, flags, ret);
	if (flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vma);
	else
		mmap_read_unlock(vma->vm_mm);
	private_node_wait_outcome(pn);
	return (ret & ~VM_FAULT_OOM) | VM_FAULT_RETRY;
}

static const char *access_fate(struct pt_regs *regs)
{
	return user_mode(regs) ? "gets SIGBUS" : "gets EFAULT";
}

/*
 * private_node_fault_error - the result of a fault that found no page
 * @vma: where the fault was
 * @addr: address of the fault
 * @flags: FAULT_FLAG_* of the fault
 * @regs: registers of an access; NULL for a pin or a populate
 * @ret: result of the fault, with VM_FAULT_OOM or VM_FAULT_SIGBUS
 *
 * A fault of a hugetlb mapping gets VM_FAULT_SIGBUS from its own code when its
 * pool is empty; here only the reason is logged.
 *
 * An access that gets VM_FAULT_OOM is tried again, without end if a private
 * node is full.  So the result becomes VM_FAULT_SIGBUS.  A pin keeps -ENOMEM
 * while a node is open to it and on_full is not sigbus, else it gets -EFAULT.
 *
 * The result stays when something else was lacking (a page table, the memory
 * cgroup's limit, ordinary memory for data that exists), or the task is being
 * killed.  While a node is being unplugged an access from user mode waits for
 * the outcome, and is tried again; for the kernel's own accesses the page is
 * displaced.
 *
 * Context: process, may sleep; @vma is locked, until VM_FAULT_RETRY is returned.
 * Return: the result of the fault.
 */
vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
				    unsigned long addr, unsigned int flags,
				    struct pt_regs *regs, vm_fault_t ret)
{
	struct private_node *closing;
	struct mempolicy *pol;

	if (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED) ||
	    fatal_signal_pending(current) || task_in_memcg_oom(current))
		return ret;
	if (!(ret & VM_FAULT_OOM) && !is_vm_hugetlb_page(vma))
		return ret;
	pol = fault_policy(vma, addr);
	if (!pol)
		return ret;
	if (!(ret & VM_FAULT_OOM)) {
		/* Nothing is logged for a pin, whose caller gets an errno. */
		if (regs)
			private_node_tell_hugetlb(vma, addr, pol,
						  access_fate(regs));
		mpol_put(pol);
		return ret;
	}
	closing = private_node_mpol_find(pol, private_node_closing);
	if (closing) {
		/* Waits for the outcome, for new memory and for data that exists. */
	} else if (private_node_data_exists(vma, addr) ||
		   !private_node_to_blame(pol, regs)) {
		/* An unplug may have ended between the allocation and here. */
		closing = private_node_mpol_find(pol, private_node_was_closing);
	} else {
		ret = (ret & ~VM_FAULT_OOM) | VM_FAULT_SIGBUS;
		/* guest_memfd.c has told of a file of guest_memfd already. */
		if (regs && private_node_mpol_user(pol) != PRIVATE_NODE_GUEST_MEMFD)
			private_node_tell(pol, access_fate(regs),
					  PRIVATE_NODE_ACT_ACCESS);
	}
	mpol_put(pol);
	if (closing)
		ret = wait_outcome(closing, vma, addr, flags, ret);
	private_node_put(closing);
	return ret;
}
