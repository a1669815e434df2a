// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node that is full, and the task that learns of it.
 *
 * An access that finds no page gets SIGBUS.  The kernel's log says why.  The signal
 * can be handled, although the frame of the handler is on a stack of the same task.
 * A program that could not start is refused while exec() can still return an error.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/mm.h>
#include <linux/private_node_policy.h>
#include <linux/processor.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include "../internal.h"
#include "private_node.h"
#include "refusals.h"

#define USER	((enum private_node_user)PRIVATE_NODE_USER_NUMA)

/* What a dynamically linked program writes before main(), and some more. */
#define EXEC_PAGES	(SZ_1M / PAGE_SIZE)
/* Below the stack pointer: a signal frame with all registers that there are today. */
#define FRAME_BYTES	SZ_64K

struct trouble {
	const char *what;
	const char *next;
};

static const struct trouble troubles[] = {
	[PRIVATE_NODE_WHY_FULL] = {
		"full",
		"end what fills it, name an ordinary node as well or prefer this one, or choose another on_full",
	},
	[PRIVATE_NODE_WHY_POOL] = {
		"its pool of huge pages is empty",
		"end what uses them, write more to nr_hugepages of the node, or name an ordinary node as well or prefer this one",
	},
	[PRIVATE_NODE_WHY_CLOSED] = {
		"closed to it",
		"open the service, or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_UNPLUG] = {
		"being unplugged",
		"it cannot be helped; on_unplug=move keeps what is there",
	},
	[PRIVATE_NODE_WHY_EMPTY] = {
		"has no memory",
		"let its owner plug some, or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_NAMED] = {
		"has to be named by its cgroup",
		"add the node to cpuset.mems, and to that of each cgroup above, or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_CPUSET] = {
		"not in its cpuset",
		"add the node to cpuset.mems, or let it bind elsewhere",
	},
};

/* The first registration that the policy means, open or not, with a reference. */
static struct private_node *meant(const struct mempolicy *pol)
{
	struct private_node *pn = NULL;

	if (!mpol_private_node(pol))
		pn = private_node_mpol_nearest_open(pol);
	return pn ?: private_node_mpol_nearest(pol);
}

static enum private_node_why trouble(struct private_node *pn,
				     const struct mempolicy *pol,
				     enum private_node_service service)
{
	if (READ_ONCE(pn->state) != PRIVATE_NODE_LIVE)
		return PRIVATE_NODE_WHY_UNPLUG;
	if (!cpuset_may_name(pn->nid))
		return private_node_why_cpuset(pn->nid);
	if (!mpol_private_node(pol) &&
	    !(private_node_services_open(pn) & BIT(service)))
		return PRIVATE_NODE_WHY_CLOSED;
	return private_node_why_full(pn, (enum private_node_user)service, 0);
}

/* One limit for all these messages. */
static bool may_tell(void)
{
	static DEFINE_RATELIMIT_STATE(rs, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&rs);
}

static void tell_gone(const struct mempolicy *pol, const char *fate, int act)
{
	private_node_record(.nid = first_node(pol->private_nodes), .act = act,
			    .why = PRIVATE_NODE_WHY_GONE);
	if (!may_tell())
		return;
	pr_warn("node %*pbl: gone: %s (%d) %s; end it, it bound to memory that is no more\n",
		nodemask_pr_args(&pol->private_nodes), current->comm,
		task_pid_nr(current), fate);
}

/*
 * private_node_tell - record, and say in the kernel's log, why a task gets no page
 * @pol: its policy, which names private nodes
 * @fate: what becomes of the running task
 * @act: an enum private_node_act for the same
 *
 * Context: process.
 */
void private_node_tell(const struct mempolicy *pol, const char *fate, int act)
{
	struct private_node *pn = meant(pol);
	enum private_node_why why;

	if (!pn) {
		tell_gone(pol, fate, act);
		return;
	}
	why = trouble(pn, pol, PRIVATE_NODE_USER_NUMA);
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = why);
	if (may_tell())
		pr_warn("node %d: %s: %s: %s (%d) %s, on_full is %s; %s\n",
			pn->nid, pn->owner, troubles[why].what, current->comm,
			task_pid_nr(current), fate,
			private_node_on_full_names[READ_ONCE(pn->on_full)],
			troubles[why].next);
	private_node_put(pn);
}

/*
 * private_node_tell_pool - private_node_tell() of a fault for a huge page
 * @pol: its policy, which names private nodes
 * @nid: of those that are open to it the nearest; no node's id if none is
 * @fate: what becomes of the running task
 *
 * Context: process.
 */
void private_node_tell_pool(const struct mempolicy *pol, int nid,
			    const char *fate)
{
	struct private_node *pn = private_node_find(nid) ?: meant(pol);
	enum private_node_why why;

	if (!pn) {
		tell_gone(pol, fate, PRIVATE_NODE_ACT_ACCESS);
		return;
	}
	why = trouble(pn, pol, PRIVATE_NODE_HUGETLB);
	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_ACCESS, .why = why);
	if (may_tell())
		pr_warn("node %d: %s: %s: %s (%d) %s; %s\n", pn->nid,
			pn->owner, troubles[why].what, current->comm,
			task_pid_nr(current), fate, troubles[why].next);
	private_node_put(pn);
}

static struct private_node_task_name name_of_current(void)
{
	struct private_node_task_name name;

	private_node_name_of(current, &name);
	return name;
}

/*
 * private_node_tell_kill - record, and say in the kernel's log why a task is killed
 * @pn: a full node whose on_full is oom
 * @victim: the task
 * @pages: that it has on the node
 *
 * Context: process.
 */
void private_node_tell_kill(struct private_node *pn, struct task_struct *victim,
			    unsigned long pages)
{
	const struct private_node_task_name by = name_of_current();

	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_KILL,
			    .why = PRIVATE_NODE_WHY_OOM, .pages = pages,
			    .task = victim, .by = &by);
	pr_err_ratelimited("node %d: %s: %s: %s (%d) is killed for %s (%d), it has %lu pages there, on_full is oom; %s\n",
			   pn->nid, pn->owner,
			   troubles[PRIVATE_NODE_WHY_FULL].what, victim->comm,
			   task_pid_nr(victim), current->comm,
			   task_pid_nr(current), pages,
			   troubles[PRIVATE_NODE_WHY_FULL].next);
}

/*
 * private_node_tell_none - record, and say in the kernel's log that there is nobody to kill
 * @pn: a full node whose on_full is oom
 *
 * Context: process.
 */
void private_node_tell_none(struct private_node *pn)
{
	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_KILL,
			    .why = PRIVATE_NODE_WHY_NOBODY);
	pr_err_ratelimited("node %d: %s: %s: %s (%d) gets an error, nobody who can be killed has pages there, on_full is oom; %s\n",
			   pn->nid, pn->owner,
			   troubles[PRIVATE_NODE_WHY_FULL].what, current->comm,
			   task_pid_nr(current),
			   troubles[PRIVATE_NODE_WHY_FULL].next);
}

/*
 * private_node_mpol_refuses - can a policy give no memory at all?
 * @pol: any policy
 *
 * True when all nodes that it names are closed to the task, or gone.  Nodes that are
 * full or being unplugged do not count, since that may change.  False for a device map,
 * whose size was checked when it was mapped.
 *
 * Context: process.
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

	/* A page of a file is data that exists. */
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
 * The heap and the zeroed data of a program, which it got without an error that it
 * could have handled.  The program needs a little of them even to end itself.  brk()
 * does not let the heap grow any more.
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

/* Where the next signal frame goes, or what exec() writes for a new program. */
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
	return current->sas_ss_size &&
	       addr + PAGE_SIZE > current->sas_ss_sp &&
	       addr < current->sas_ss_sp + current->sas_ss_size;
}

/*
 * __private_node_stack_alloc - see private_node_stack_alloc()
 *
 * Not for a device map: a program that maps a stack there chose the node.  A heap is
 * the main memory of a program, so it is served only where brk() refuses to enlarge it.
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
	if (!stack && !(private_node_hook(heap_elsewhere) &&
			is_heap(vma, addr) && private_node_mpol_refuses(pol)))
		return NULL;
	folio = __folio_alloc((gfp & ~__GFP_THISNODE) | __GFP_COMP, 0,
			      numa_mem_id(), NULL);
	pn = folio ? meant(pol) : NULL;
	if (pn && stack)
		this_cpu_inc(pn->stats->stack_elsewhere);
	else if (pn)
		this_cpu_inc(pn->stats->heap_elsewhere);
	private_node_put(pn);
	return folio;
}

/* May memory of the policy come from an ordinary node? */
static bool has_a_way_out(const struct mempolicy *pol)
{
	nodemask_t ordinary = private_node_mpol_ordinary(pol);

	return !nodes_empty(ordinary) || private_node_mpol_prefers(pol);
}

/*
 * Does on_full give a page?  Only an allocation can tell: there may be nobody to kill,
 * and the task's cpuset may lack the fallback nodes.
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

static void drain(const nodemask_t *nodes)
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
		if (private_node_enter_nid(nid, USER))
			node_set(nid, inside);
	return inside;
}

/*
 * Makes guests leave, and reclaims; how much that frees is known only afterwards.
 * No page is taken, since other users of the node would miss it.  The gate is left
 * after each round, so that the closing side waits for one round only.
 */
static bool can_make_room(const nodemask_t *nodes, unsigned long nr)
{
	unsigned long rounds = nr;
	bool more = true;

	while (more && rounds-- && !have_free(nodes, nr) &&
	       !fatal_signal_pending(current)) {
		nodemask_t inside = enter_all(nodes);

		more = private_node_guests_leave(&inside, GFP_HIGHUSER_MOVABLE,
						 0, USER) ||
		       private_node_reclaim(&inside, GFP_HIGHUSER_MOVABLE, 0);
		private_node_leave_nodes(&inside, USER);
		drain(nodes);
	}
	return have_free(nodes, nr);
}

static bool has_room(const nodemask_t *nodes, unsigned long nr)
{
	if (have_free(nodes, nr))
		return true;
	drain(nodes);
	return have_free(nodes, nr) || can_make_room(nodes, nr);
}

/*
 * __private_node_exec_room - see private_node_exec_room()
 *
 * The node may fill up in the next moment.  Then the new program gets SIGBUS, and
 * private_node_tell() logs it.
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
