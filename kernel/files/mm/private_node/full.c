// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task sees of a node that gives it no page.
 *
 * An access that finds no page gets SIGBUS, and the log says why.  The task can
 * handle the signal: pages of its stack, where the signal frame goes, may come
 * from ordinary memory.  exec() fails with ENOMEM if the new program could not
 * start for want of memory.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/mm.h>
#include <linux/processor.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "refusals.h"

/* More than a dynamically linked program writes before main(). */
#define EXEC_PAGES	(SZ_1M / PAGE_SIZE)
/*
 * How far below the stack pointer a signal frame can reach: more than all
 * registers of any processor take today.
 */
#define FRAME_BYTES	((unsigned long)SZ_64K)

/*
 * private_node_mpol_refuses - can a policy give no memory at all?
 * @pol: any policy
 *
 * Nodes that are full or being unplugged count as open here, since that may
 * change.
 *
 * Context: process.
 * Return: true if all nodes that it names are closed to the task, or gone;
 * false for a device map, whose size was checked when it was mapped.
 */
static bool private_node_mpol_refuses(const struct mempolicy *pol)
{
	nodemask_t open;

	if (!private_node_mpol_places(pol, 0) || mpol_private_node(pol) ||
	    !private_node_mpol_strict(pol) || private_node_mpol_closing(pol))
		return false;
	open = private_node_mpol_open(pol);
	return !nodes_intersects(open, node_states[N_MEMORY_PRIVATE]);
}

/*
 * __private_node_refuses_map - see private_node_refuses_map()
 */
bool __private_node_refuses_map(const struct vm_area_struct *vma)
{
	struct mempolicy *pol = vma ? vma->vm_policy : NULL;

	/* Pages of files exist, so they are never refused; see displaced.c. */
	if (vma && !vma_is_anonymous(vma))
		return false;
	if (!pol)
		pol = current->mempolicy;
	if (!pol || !private_node_mpol_refuses(pol))
		return false;
	private_node_tell(pol, "gets no more memory, ENOMEM",
			  PRIVATE_NODE_ACT_MAP);
	return true;
}

/*
 * Is this the heap or the zeroed data (bss) of a program?  exec() and brk()
 * made them without an error that the program could have handled, and it needs
 * some of them even to exit.  brk() refuses to enlarge the heap, see
 * private_node_refuses_map().
 */
static bool is_heap(struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!vma_is_anonymous(vma) || vma->vm_policy)
		return false;
	if (vma->vm_start == PAGE_ALIGN(READ_ONCE(mm->end_data)))
		return true;
	return addr >= READ_ONCE(mm->start_brk) && addr < READ_ONCE(mm->brk);
}

/*
 * Is this where a frame on the alternate signal stack goes?  A program may call
 * any mapping of any size its alternate stack, so only the end that the kernel
 * writes to counts.  A handler that needs more is then below its own stack
 * pointer.
 */
static bool is_altstack(unsigned long addr)
{
	unsigned long size = min(current->sas_ss_size, FRAME_BYTES);
	unsigned long start = current->sas_ss_sp;

	if (!IS_ENABLED(CONFIG_STACK_GROWSUP))
		start += current->sas_ss_size - size;
	return size && addr + PAGE_SIZE > start && addr < start + size;
}

/*
 * Is this where the next signal frame goes, or where exec() puts the arguments
 * of a new program?
 */
static bool is_stack(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long sp = KSTK_ESP(current);

	if (vma_is_temporary_stack(vma))
		return true;
	if (current->flags & PF_KTHREAD || current->mm != vma->vm_mm)
		return false;
	if (vma->vm_flags & VM_STACK)
		return true;
	if (addr <= sp && sp - addr < FRAME_BYTES)
		return true;
	return is_altstack(addr);
}

/*
 * __private_node_stack_alloc - see private_node_stack_alloc()
 *
 * Not for a device map: a program that maps its stack there chose the node.  A
 * heap can be most of a program's memory, so it gets ordinary pages only while
 * brk() refuses to enlarge it.
 */
struct folio *__private_node_stack_alloc(const struct mempolicy *pol,
					 struct vm_area_struct *vma,
					 unsigned long addr, gfp_t gfp)
{
	bool stack = is_stack(vma, addr);
	struct private_node *pn;
	struct folio *folio;

	if (mpol_private_node(pol) || private_node_mpol_closing(pol))
		return NULL;
	if (!stack && !(is_heap(vma, addr) && private_node_mpol_refuses(pol)))
		return NULL;
	folio = __folio_alloc((gfp & ~__GFP_THISNODE) | __GFP_COMP, 0,
			      numa_mem_id(), NULL);
	pn = folio ? private_node_to_name(pol) : NULL;
	if (pn && stack)
		this_cpu_inc(pn->stats->stack_elsewhere);
	else if (pn)
		this_cpu_inc(pn->stats->heap_elsewhere);
	private_node_put(pn);
	return folio;
}

/* Does the policy also allow ordinary nodes? */
static bool has_a_way_out(const struct mempolicy *pol)
{
	nodemask_t ordinary = private_node_mpol_ordinary(pol);

	return !nodes_empty(ordinary) || private_node_mpol_prefers(pol);
}

/*
 * Would on_full give a page?  Tries to allocate one: there may be no task to
 * kill, and the task's cpuset may lack the fallback nodes.
 */
static bool owner_makes_room(struct mempolicy *pol)
{
	enum private_node_on_full on_full = PRIVATE_NODE_FULL_FAIL;
	struct private_node *pn = private_node_mpol_nearest_open(pol);
	struct folio *folio;

	if (pn)
		on_full = READ_ONCE(pn->on_full);
	private_node_put(pn);
	if (private_node_mpol_closing(pol) ||
	    (on_full != PRIVATE_NODE_FULL_FALLBACK &&
	     on_full != PRIVATE_NODE_FULL_OOM))
		return false;
	folio = private_node_mpol_alloc(pol, GFP_HIGHUSER_MOVABLE |
					__GFP_NOWARN, 0, 0);
	if (folio)
		folio_put(folio);
	return folio;
}

static bool have_free(const nodemask_t *nodes, unsigned long nr)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_mask(nid, *nodes)
		sum += private_node_exact_free_pages_nid(nid);
	return sum >= nr;
}

static void drain_for_exec(const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		private_node_drain(nid);
}

static nodemask_t enter_all(const nodemask_t *nodes)
{
	nodemask_t inside = NODE_MASK_NONE;
	int nid;

	for_each_node_mask(nid, *nodes)
		if (private_node_enter_nid(nid, PRIVATE_NODE_USER_NUMA))
			node_set(nid, inside);
	return inside;
}

/*
 * Makes guests leave, or reclaims, until @nr pages are free.  Pages are counted
 * and not allocated, since other users of the node would lack them meanwhile.
 * The gates are left after each round, so that code that closes one waits for
 * one round only.
 */
static bool can_make_room(const nodemask_t *nodes, unsigned long nr)
{
	unsigned long rounds = nr;
	bool more = true;

	while (more && rounds-- && !have_free(nodes, nr) &&
	       !fatal_signal_pending(current)) {
		nodemask_t inside = enter_all(nodes);

		more = private_node_guests_leave(&inside, GFP_HIGHUSER_MOVABLE,
						 0, PRIVATE_NODE_USER_NUMA) ||
		       private_node_reclaim(&inside, GFP_HIGHUSER_MOVABLE, 0);
		private_node_leave_nodes(&inside, PRIVATE_NODE_USER_NUMA);
		drain_for_exec(nodes);
	}
	return have_free(nodes, nr);
}

static bool has_room(const nodemask_t *nodes, unsigned long nr)
{
	if (have_free(nodes, nr))
		return true;
	drain_for_exec(nodes);
	return have_free(nodes, nr) || can_make_room(nodes, nr);
}

/*
 * __private_node_exec_room - see private_node_exec_room()
 *
 * Nothing is reserved.  If the node fills up after this check, the new program
 * gets SIGBUS, and private_node_tell() logs it.
 */
int __private_node_exec_room(void)
{
	unsigned long unplugs = private_node_unplugs();
	struct mempolicy *pol = current->mempolicy;
	nodemask_t open;

	if (!pol || !private_node_mpol_places(pol, 0))
		return 0;
	do {
		open = private_node_mpol_open(pol);
		if (has_a_way_out(pol) || has_room(&open, EXEC_PAGES) ||
		    owner_makes_room(pol))
			return 0;
		private_node_mpol_refused(pol);
	} while (private_node_unplug_waited(&unplugs));
	private_node_tell(pol, "cannot exec, ENOMEM", PRIVATE_NODE_ACT_EXEC);
	return -ENOMEM;
}
