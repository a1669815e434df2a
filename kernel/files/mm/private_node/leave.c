// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios leave a private node: for promotion, for unplug, for an allocation that
 * names the node, or because a compressing device runs full.
 *
 * All moves off a node are made here, so that each folio goes where
 * private_node_may_have() says and nowhere else.  Folios that may go to the
 * same nodes leave together.
 */
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/private_node_gate.h>
#include <linux/private_node_zswap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "private_node.h"

/* How many guests leave for one allocation, and how many are looked at in one go. */
#define GUESTS_LEAVE	64UL
#define GUESTS_LOOK	1024
/* When to look again after a round in which some guests could not be asked. */
#define UNSURE_AGAIN	max(HZ / 50, 1)
/* How long nothing is demoted to a node after an allocation named it in vain. */
#define NAMED_FIRST	HZ

static struct workqueue_struct *guests_wq, *guests_nofs_wq;

static struct folio *alloc_elsewhere(struct folio *src, unsigned long private)
{
	struct private_node_leaving *l = (struct private_node_leaving *)private;
	nodemask_t nodes = l->to;
	struct migration_target_control mtc = {
		.nid = l->pn->nid,
		.nmask = &nodes,
		.gfp_mask = l->gfp,
		.reason = l->reason,
	};
	struct folio *dst;

	if (!private_node_reachable(&nodes))
		return NULL;
	dst = alloc_migration_target(src, (unsigned long)&mtc);
	/* The cpuset may have changed meanwhile. */
	if (dst && !node_isset(folio_nid(dst), nodes)) {
		folio_put(dst);
		return NULL;
	}
	return dst;
}

/*
 * private_node_leave_now - move what was collected
 * @l: what leaves
 *
 * Context: process, may sleep.
 */
void private_node_leave_now(struct private_node_leaving *l)
{
	unsigned int moved = 0;

	if (list_empty(&l->folios))
		return;
	migrate_pages(&l->folios, alloc_elsewhere, NULL, (unsigned long)l,
		      l->mode, l->reason, &moved);
	if (l->left)
		list_splice_tail_init(&l->folios, l->left);
	else
		putback_movable_pages(&l->folios);
	if (l->done)
		l->done(l, moved, l->nr - min_t(unsigned long, moved, l->nr));
	l->moved += moved;
	l->nr = 0;
}

/*
 * private_node_leave_to - collect a folio that leaves
 * @l: what leaves; a complete batch is moved when the next one comes
 * @folio: held, not locked
 * @to: from private_node_may_have()
 *
 * Context: process, may sleep.
 * Return: was it taken off its list?
 */
bool private_node_leave_to(struct private_node_leaving *l, struct folio *folio,
			   const nodemask_t *to)
{
	/* Moves the earlier folios, not this one, which the caller still holds. */
	if (l->nr >= l->batch || (l->nr && !nodes_equal(*to, l->to)))
		private_node_leave_now(l);
	l->to = *to;
	if (!isolate_folio_to_list(folio, &l->folios))
		return false;
	l->nr += folio_nr_pages(folio);
	return true;
}

/*
 * private_node_way_out - where could a folio leave for in ordinary memory?
 * @folio: held, not locked
 * @gone: see private_node_may_have()
 * @to: result, ordinary nodes
 *
 * Context: process, may sleep.
 * Return: 1; 0 when its users may not have it anywhere else, or the running task
 * cannot allocate there; -EAGAIN when that could not be found out.
 */
int private_node_way_out(struct folio *folio, int gone, nodemask_t *to)
{
	int ret;

	*to = node_states[N_MEMORY];
	ret = private_node_may_go(folio, to, gone);
	if (ret > 0 && !private_node_reachable(to))
		ret = 0;
	return ret;
}

/*
 * private_node_move_out - collect a folio that leaves for ordinary memory
 * @l: what leaves
 * @folio: held, not locked
 *
 * Context: process, may sleep.
 * Return: 1; 0 when its users may not have it anywhere else, or the running task
 * cannot allocate there; -EAGAIN when that could not be found out, or the folio
 * could not be taken.
 */
int private_node_move_out(struct private_node_leaving *l, struct folio *folio)
{
	nodemask_t to;
	int ret = private_node_way_out(folio, l->gone, &to);

	if (ret <= 0)
		return ret;
	return private_node_leave_to(l, folio, &to) ? 1 : -EAGAIN;
}

/* The next guest in use, with a reference. */
static struct folio *next_guest(struct private_node *pn, unsigned long *pfn,
				unsigned long end)
{
	struct folio *folio;
	struct page *page;

	while (*pfn < end) {
		cond_resched();
		rcu_read_lock();
		*pfn = private_node_next_mark(pn, *pfn, end);
		rcu_read_unlock();
		if (*pfn >= end)
			break;
		page = pfn_to_online_page(*pfn);
		folio = page ? page_folio(page) : NULL;
		(*pfn)++;
		if (!folio || !folio_try_get(folio))
			continue;
		if (page_folio(page) == folio && private_node_is_guest(folio)) {
			*pfn = folio_pfn(folio) + folio_nr_pages(folio);
			return folio;
		}
		folio_put(folio);
	}
	return NULL;
}

/*
 * private_node_next_guest - walk the folios that the kernel put on a node
 * @pn: the handle
 * @pfn: where to look from; result: behind the folio
 *
 * Context: process; mem_hotplug_lock held, or an allocation from the node is
 * under way.
 * Return: the folio, with a reference; NULL at the end of the node.
 */
struct folio *private_node_next_guest(struct private_node *pn,
				      unsigned long *pfn)
{
	if (*pfn < node_start_pfn(pn->nid))
		*pfn = node_start_pfn(pn->nid);
	return next_guest(pn, pfn, node_end_pfn(pn->nid));
}

/*
 * private_node_named_first - did an allocation just name the node in vain?
 * @pn: the handle
 *
 * Then the kernel does not demote to the node.
 * Context: any.
 */
bool private_node_named_first(struct private_node *pn)
{
	unsigned long until = READ_ONCE(pn->named_until);

	return until && time_before(jiffies, until);
}

/*
 * private_node_any_guest - may there be guests that leave when they are asked?
 * @pn: the handle
 *
 * True when guests came since the last look that found none that could leave.
 * Context: any.
 */
bool private_node_any_guest(struct private_node *pn)
{
	if (!READ_ONCE(pn->demoted_to))
		return false;
	return atomic_long_read(&pn->guests_came) != READ_ONCE(pn->guests_seen) ||
	       time_after(jiffies, READ_ONCE(pn->guests_again));
}

/* Guests that are asked to leave for one allocation. */
struct guests_work {
	struct work_struct work;
	struct private_node *pn;
	gfp_t gfp;
	unsigned int order;
	unsigned long passed;	/* how many page frames were looked at */
	unsigned long left;	/* pages that left */
	bool unsure;		/* some guests could not be asked or isolated */
};

/* May the waiter wait for reclaim, which may wait for locks of filesystems? */
static bool may_swap(const struct guests_work *w)
{
	const gfp_t any = __GFP_IO | __GFP_FS;

	return !private_node_hook(guests_nofs) || (w->gfp & any) == any;
}

/* Move guests up; those that may not, or find no room, go to swap if @swap. */
static unsigned long move_or_swap(struct private_node_leaving *l,
				  struct list_head *left, bool swap)
{
	unsigned long nr = 0;

	private_node_leave_now(l);
	if (l->moved || !swap || !get_nr_swap_pages()) {
		putback_movable_pages(left);
	} else if (!list_empty(left)) {
		struct folio *folio;

		list_for_each_entry(folio, left, lru)
			node_stat_mod_folio(folio, NR_ISOLATED_ANON +
					    folio_is_file_lru(folio),
					    -folio_nr_pages(folio));
		nr = reclaim_pages(left);
	}
	return l->moved + nr;
}

/* A block becomes free when all folios in it have left, so begin at its start. */
static unsigned long first_pfn(const struct guests_work *w)
{
	unsigned long pfn = READ_ONCE(w->pn->guest_pfn);
	int nid = w->pn->nid;

	if (pfn < node_start_pfn(nid) || pfn >= node_end_pfn(nid))
		return node_start_pfn(nid);
	return w->passed ? pfn : ALIGN_DOWN(pfn, 1UL << w->order);
}

/*
 * Guests that may go nowhere are skipped, or go to swap, so that they do not hide those
 * behind them.  The next look begins where this one ended.
 */
static void look_for_guests(struct guests_work *w,
			    struct private_node_leaving *l,
			    unsigned long *stored)
{
	unsigned long enough = max(GUESTS_LEAVE, 1UL << w->order);
	unsigned long pfn = first_pfn(w), before;
	unsigned long looks = GUESTS_LOOK, stuck = 0;
	bool swap = may_swap(w) && get_nr_swap_pages();
	struct folio *folio;
	int ret;

	while (l->nr < enough && looks-- &&
	       w->passed < node_spanned_pages(w->pn->nid)) {
		before = pfn;
		folio = private_node_next_guest(w->pn, &pfn);
		w->passed += pfn - before;
		if (!folio) {
			pfn = node_start_pfn(w->pn->nid);
			continue;
		}
		ret = 1;
		if (private_node_folio_is_users(folio))
			ret = private_node_move_out(l, folio);
		else
			(*stored)++;
		w->unsure |= ret < 0;
		if (!ret && swap && stuck < enough &&
		    isolate_folio_to_list(folio, l->left))
			stuck += folio_nr_pages(folio);
		folio_put(folio);
	}
	WRITE_ONCE(w->pn->guest_pfn, pfn);
}

static void some_guests_leave(struct guests_work *w)
{
	LIST_HEAD(left);
	struct private_node_leaving l = {
		.pn = w->pn,
		.folios = LIST_HEAD_INIT(l.folios),
		.left = &left,
		.batch = ULONG_MAX,
		.gone = NUMA_NO_NODE,
		.gfp = (GFP_HIGHUSER_MOVABLE & w->gfp) | __GFP_MOVABLE |
		       __GFP_NORETRY | __GFP_NOWARN,
		.mode = MIGRATE_ASYNC,
		.reason = MR_NUMA_MISPLACED,
	};
	unsigned long stored = 0;

	look_for_guests(w, &l, &stored);
	w->left = move_or_swap(&l, &left, may_swap(w));
	if (!w->left && stored && may_swap(w))
		w->left = zswap_leave_node(w->pn->nid, GUESTS_LEAVE,
					   GFP_KERNEL);
	/* Single pages on the lists of this CPU make no large block. */
	if (w->left && w->order)
		private_node_drain(w->pn->nid);
	this_cpu_add(w->pn->stats->guests_moved, w->left);
}

static void guests_work(struct work_struct *work)
{
	some_guests_leave(container_of(work, struct guests_work, work));
}

/*
 * private_node_makes_room - is the running task the worker that makes guests leave?
 *
 * Guests leave whether or not the node is open to reclaim.
 * Context: any.
 */
bool private_node_makes_room(void)
{
	struct work_struct *work = current_work();

	return work && work->func == guests_work;
}

/* All guests were looked at in vain: no new look for a while, unless others come. */
static void back_off(struct guests_work *w, unsigned long came,
		     unsigned long took)
{
	unsigned long wait = w->unsure ? UNSURE_AGAIN : NAMED_FIRST;

	/* A waiter that may use swap may succeed where this one did not. */
	if (!may_swap(w))
		return;
	WRITE_ONCE(w->pn->guests_again, jiffies + max(wait, 4 * took));
	WRITE_ONCE(w->pn->guests_seen, came);
}

/*
 * Runs the search in a worker, since guests may be allowed other nodes than the cpuset
 * of the task that wants their place.  Goes once around the node, in parts, until some
 * leave, or one of the nodes that the task is inside of is being closed.
 */
static unsigned long ask_guests(struct private_node *pn, gfp_t gfp,
				unsigned int order, const nodemask_t *inside,
				enum private_node_user user)
{
	struct guests_work w = { .pn = pn, .gfp = gfp, .order = order };
	unsigned long came = atomic_long_read(&pn->guests_came);
	unsigned long start = jiffies;
	bool round;

	INIT_WORK_ONSTACK(&w.work, guests_work);
	do {
		/* A task that holds locks of reclaim must not queue behind reclaim. */
		queue_work(may_swap(&w) ? guests_wq : guests_nofs_wq, &w.work);
		flush_work(&w.work);
		round = w.passed >= node_spanned_pages(pn->nid) ||
			!private_node_hook(guests_stuck);
	} while (!w.left && !round && !fatal_signal_pending(current) &&
		 !private_node_shuts(inside, user));
	destroy_work_on_stack(&w.work);
	if (!w.left && round)
		back_off(&w, came, jiffies - start);
	return w.left;
}

/*
 * private_node_guests_leave - make room for somebody who named a node
 * @nodes: what was named
 * @gfp: of the allocation
 * @order: of the allocation
 * @user: as whom the caller is inside the private ones of @nodes
 *
 * Guests leave, up or out to swap, before on_full is asked: a bounded number of pages
 * for each call, and nothing new is demoted there for a while.  For a large folio as
 * many pages leave as it has, from a place where a block may be free afterwards;
 * nothing else is moved for it.
 *
 * Context: as @gfp says; does nothing where that does not allow to sleep, nor
 * in reclaim.  Under memalloc_nofs_save() and the like guests only move, without
 * reclaim.
 * Return: true when something left, and a new look is worth it.
 */
bool private_node_guests_leave(const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order,
			       enum private_node_user user)
{
	struct private_node *pn;
	unsigned long nr = 0;
	int nid;

	gfp = current_gfp_context(gfp);
	if (!gfpflags_allow_blocking(gfp) || !guests_wq || !guests_nofs_wq ||
	    current->flags & PF_MEMALLOC || fatal_signal_pending(current) ||
	    !private_node_hook(guests_leave))
		return false;
	for_each_node_mask(nid, *nodes) {
		pn = node_is_private(nid) ? private_node_find(nid) : NULL;
		if (pn && private_node_any_guest(pn)) {
			WRITE_ONCE(pn->named_until, (jiffies + NAMED_FIRST) ?: 1);
			nr += ask_guests(pn, gfp, order, nodes, user);
		}
		private_node_put(pn);
		if (nr)
			return true;
	}
	return false;
}

static int __init private_node_leave_init(void)
{
	/* Tasks that need memory wait for this workqueue, so it has to make progress. */
	guests_wq = alloc_workqueue("private_node_guests",
				    WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	guests_nofs_wq = alloc_workqueue("private_node_guests_nofs",
					 WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return guests_wq && guests_nofs_wq ? 0 : -ENOMEM;
}
core_initcall(private_node_leave_init);
