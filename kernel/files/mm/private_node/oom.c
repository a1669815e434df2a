// SPDX-License-Identifier: GPL-2.0-only
/*
 * The OOM killer for the memory of one private node: on_full=oom.
 *
 * Only the page tables of a task say where its pages are.  They are walked only
 * when a task is to be killed, and only of tasks that may have a page on the
 * node, so that faults have no extra cost.  For the OOM killer of ordinary
 * memory see mm_pages.c.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/hugetlb.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../internal.h"
#include "internal.h"

/*
 * How long to wait for the memory of a victim, and the time between two looks.
 */
#define OOM_WAIT	(10 * HZ)
#define OOM_POLL	max(HZ / 50, 1)
/* So often after a killed task has no pages any more. */
#define LAST_POLLS	5
/* How many searches for a victim, as long as some mmap_lock is busy. */
#define OOM_TRIES	50

struct count {
	nodemask_t nodes;
	bool named;			/* do not count guests, see mark.c */
	unsigned long start_pfn;	/* range that spans all the nodes */
	unsigned long end_pfn;
	unsigned long pages;
	unsigned long surplus;		/* huge pages not counted yet, in pages */
};

/*
 * Pages of the node in huge pages that their last user frees.  The others
 * return to the pool, and whoever needs a page of the node gains nothing.
 */
static unsigned long surplus_pages(int nid)
{
	unsigned long sum = 0;
#ifdef CONFIG_HUGETLB_PAGE
	struct hstate *h;

	for_each_hstate(h)
		sum += READ_ONCE(h->surplus_huge_pages_node[nid]) *
		       pages_per_huge_page(h);
#endif
	return sum;
}

static void count_init(struct count *c, const nodemask_t *nodes)
{
	int nid;

	*c = (struct count){ .nodes = *nodes, .start_pfn = ULONG_MAX };
	for_each_node_mask(nid, *nodes) {
		if (!node_online(nid))
			continue;
		c->start_pfn = min(c->start_pfn, node_start_pfn(nid));
		c->end_pfn = max(c->end_pfn, node_end_pfn(nid));
		c->surplus += surplus_pages(nid);
	}
}

/* The pfn range excludes most pages without a look at their struct page. */
static bool count_has(const struct count *c, unsigned long pfn)
{
	struct page *page;

	if (pfn < c->start_pfn || pfn >= c->end_pfn || !pfn_valid(pfn))
		return false;
	page = pfn_to_page(pfn);
	return node_isset(page_to_nid(page), c->nodes) &&
	       !(c->named && private_node_page_is_guest(page));
}

static int count_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		     struct mm_walk *walk)
{
	struct count *c = walk->private;
	pte_t *start, *pte, entry;
	spinlock_t *ptl;

	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		if (pmd_present(*pmd) && count_has(c, pmd_pfn(*pmd)))
			c->pages += (end - addr) >> PAGE_SHIFT;
		spin_unlock(ptl);
		return 0;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start)
		return 0;
	for (pte = start; addr < end; pte++, addr += PAGE_SIZE) {
		entry = ptep_get(pte);
		if (pte_present(entry) && !pte_special(entry) &&
		    count_has(c, pte_pfn(entry)))
			c->pages++;
	}
	pte_unmap_unlock(start, ptl);
	return 0;
}

#ifdef CONFIG_HUGETLB_PAGE
static int count_huge(pte_t *pte, unsigned long mask, unsigned long addr,
		      unsigned long end, struct mm_walk *walk)
{
	pte_t entry = huge_ptep_get(walk->mm, addr, pte);
	struct count *c = walk->private;
	unsigned long nr = min((end - addr) >> PAGE_SHIFT, c->surplus);

	if (nr && pte_present(entry) && count_has(c, pte_pfn(entry))) {
		c->pages += nr;
		c->surplus -= nr;
	}
	return 0;
}
#endif

static const struct mm_walk_ops count_ops = {
	.pmd_entry = count_pmd,
#ifdef CONFIG_HUGETLB_PAGE
	.hugetlb_entry = count_huge,
#endif
	.walk_lock = PGWALK_RDLOCK,
};

/*
 * Only tries mmap_lock: a writer may wait for it behind a fault that waits for
 * this kill.  Returns false when the lock is busy.
 */
static bool count_mm(struct mm_struct *mm, struct count *c)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	if (!mmap_read_trylock(mm))
		return false;
	/* exit_mmap() sets the flag before it frees the page tables. */
	if (!mm_flags_test(MMF_OOM_SKIP, mm))
		for_each_vma(vmi, vma)
			if (!(vma->vm_flags & VM_PFNMAP) &&
			    (c->surplus || !is_vm_hugetlb_page(vma)))
				walk_page_vma(vma, &count_ops, c);
	mmap_read_unlock(mm);
	return true;
}

static struct mm_struct *grab_mm(struct task_struct *task)
{
	struct task_struct *p = find_lock_task_mm(task);
	struct mm_struct *mm;

	if (!p)
		return NULL;
	mm = p->mm;
	mmgrab(mm);
	task_unlock(p);
	return mm;
}

struct choice {
	struct task_struct *task;	/* with a reference */
	unsigned long pages;
	bool dying;	/* a task with pages there is dying already */
	bool unsure;	/* the mmap_lock of some task was busy */
};

static bool may_be_killed(struct task_struct *task)
{
	return !(task->flags & PF_KTHREAD) && !is_global_init(task) &&
	       task->signal->oom_score_adj != OOM_SCORE_ADJ_MIN;
}

/* Huge pages do not set the flag of private_node_mm_may_have(). */
static bool may_have_pages(struct mm_struct *mm, const struct count *c)
{
#ifdef CONFIG_HUGETLB_PAGE
	if (c->surplus && atomic_long_read(&mm->hugetlb_usage))
		return true;
#endif
	return private_node_mm_may_have(mm);
}

/*
 * Is all free that comes back from a killed task?  The reaper leaves huge pages
 * of pools to the task's end.
 */
static bool is_reaped(struct mm_struct *mm)
{
#ifdef CONFIG_HUGETLB_PAGE
	if (atomic_long_read(&mm->hugetlb_usage))
		return false;
#endif
	return mm_flags_test(MMF_OOM_SKIP, mm);
}

static void consider_victim(struct task_struct *task, int nid,
			    struct choice *best)
{
	nodemask_t nodes = nodemask_of_node(nid);
	struct mm_struct *mm;
	struct count c;

	mm = grab_mm(task);
	if (!mm)
		return;
	count_init(&c, &nodes);
	c.named = true;
	if (is_reaped(mm) || !may_have_pages(mm, &c)) {
		/* Its memory was reaped already, or it never had pages there. */
	} else if (!count_mm(mm, &c)) {
		best->unsure = true;
	} else if (c.pages && (tsk_is_oom_victim(task) ||
			       fatal_signal_pending(task))) {
		best->dying = true;
	} else if (mm_flags_test(MMF_OOM_SKIP, mm)) {
		/* Another user of it cannot be killed. */
	} else if (c.pages > best->pages) {
		if (best->task)
			put_task_struct(best->task);
		best->task = get_task_struct(task);
		best->pages = c.pages;
	}
	mmdrop(mm);
}

static void choose_victim(int nid, struct choice *best)
{
	struct task_struct *task;
	int nr = 1;

	*best = (struct choice){};
	while ((task = private_node_next_group(&nr))) {
		if (may_be_killed(task))
			consider_victim(task, nid, best);
		put_task_struct(task);
		cond_resched();
	}
}

/* The caller is inside a gate, and gives up when somebody closes the gate. */
static bool give_up(struct private_node *pn, enum private_node_service user)
{
	return fatal_signal_pending(current) || !private_node_open(pn, user);
}

/*
 * True when the node has a free page; false when there is no use in waiting.
 * The last pages of a task may come a moment after it has none any more: from
 * its mmu_gather, or from the worker that frees huge pages.
 */
static bool wait_for_pages(struct private_node *pn,
			   enum private_node_service user,
			   struct mm_struct *victim)
{
	unsigned long end = jiffies + OOM_WAIT;
	unsigned int polls = LAST_POLLS;

	while (!give_up(pn, user)) {
		if (!private_node_is_full(pn->nid))
			return true;
		if (time_after(jiffies, end) ||
		    (victim && is_reaped(victim) && !polls--))
			return false;
		schedule_timeout_killable(OOM_POLL);
	}
	return false;
}

static void kill_for_node(struct private_node *pn,
			  enum private_node_service user, struct choice *best)
{
	struct mm_struct *mm = grab_mm(best->task);
	char message[64];

	snprintf(message, sizeof(message),
		 "private_node: node %d: out of memory", pn->nid);
	private_node_tell_kill(pn, best->task, best->pages);
	oom_kill_for_node(best->task, message);
	this_cpu_inc(pn->stats->oom_kills);
	if (mm) {
		wait_for_pages(pn, user, mm);
		mmdrop(mm);
	}
}

/* Called with oom_mutex held.  True when there may be a free page now. */
static bool oom_round(struct private_node *pn, enum private_node_service user)
{
	struct choice best;
	int tries;

	for (tries = 0; tries < OOM_TRIES; tries++) {
		if (!private_node_is_full(pn->nid))
			return true;
		if (give_up(pn, user))
			return false;
		choose_victim(pn->nid, &best);
		if (best.dying && wait_for_pages(pn, user, NULL)) {
			if (best.task)
				put_task_struct(best.task);
			return true;
		}
		/* While it waited, the caller may have been killed. */
		if (best.task && give_up(pn, user)) {
			put_task_struct(best.task);
			return false;
		}
		if (best.task) {
			kill_for_node(pn, user, &best);
			put_task_struct(best.task);
			return true;
		}
		if (!best.unsure)
			break;
		schedule_timeout_killable(OOM_POLL);
	}
	private_node_tell_none(pn);
	return false;
}

/*
 * private_node_oom_kill - kill the task with most pages on a node
 * @pn: handle of the node, which is full; entered
 * @user: as whom the caller entered; gives up when that gate is closed
 * @gfp: of the allocation that failed
 * @order: of the allocation that failed
 *
 * Guests (mark.c) do not count, because the task did not ask for that memory.
 * Of huge pages only those count that return to the node, and not to its pool.
 * Tasks without a page on the node, the init process, and those with
 * oom_score_adj -1000 are never chosen.  Waits for the victim's memory, at most
 * OOM_WAIT.
 *
 * Context: any; does nothing where @gfp does not allow to sleep.
 * Return: true when the allocation is worth a retry; false when nobody can be
 * killed, or the caller itself is to die.
 */
bool private_node_oom_kill(struct private_node *pn,
			   enum private_node_service user, gfp_t gfp,
			   unsigned int order)
{
	bool ret;

	/* Kills nobody for a large folio, because small ones may be free. */
	if (!gfpflags_allow_blocking(gfp) || (gfp & __GFP_NORETRY) ||
	    order > PAGE_ALLOC_COSTLY_ORDER || (current->flags & PF_EXITING) ||
	    !private_node_open(pn, user))
		return false;
	if (mutex_lock_killable(&pn->oom_mutex))
		return false;
	ret = oom_round(pn, user);
	mutex_unlock(&pn->oom_mutex);
	return ret;
}
