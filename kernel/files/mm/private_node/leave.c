// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios leave a private node: for promotion, for unplug, for an allocation that
 * names the node, or because a compressing device runs full.
 *
 * These moves are all made here, so that each folio goes only to nodes that
 * private_node_may_have() allows.  Folios with the same target nodes are moved
 * together.
 */
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "gate.h"
#include "internal.h"
#include "zswap.h"

/* About how many pages of guests leave for one allocation. */
#define GUESTS_LEAVE	64UL
/* Guests that one run of the worker looks at. */
#define GUESTS_LOOK	1024
/* Time until the next search when it was unsure where some guests may go. */
#define UNSURE_AGAIN	max(HZ / 50, 1)
/*
 * Nothing is demoted to a node for this time after an allocation that names the
 * node found it full.
 */
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
 * private_node_leave_now - move the folios that were collected
 * @l: the folios, and how they are moved
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
 * private_node_leave_to - collect a folio that is to leave
 * @l: the folios collected so far; they are moved first if they are a complete
 *	batch, or go to other nodes than @to
 * @folio: held, not locked
 * @to: target nodes, from private_node_may_have()
 *
 * Context: process, may sleep.
 * Return: true if the folio was isolated and added to @l.
 */
bool private_node_leave_to(struct private_node_leaving *l, struct folio *folio,
			   const nodemask_t *to)
{
	/* Moves the folios collected before; the caller still holds @folio. */
	if (l->nr >= l->batch || (l->nr && !nodes_equal(*to, l->to)))
		private_node_leave_now(l);
	l->to = *to;
	if (!isolate_folio_to_list(folio, &l->folios))
		return false;
	l->nr += folio_nr_pages(folio);
	return true;
}

/*
 * private_node_way_out - the ordinary nodes that a folio may be moved to
 * @folio: held, not locked
 * @gone: see private_node_may_have()
 * @to: result: ordinary nodes
 *
 * Context: process, may sleep.
 * Return: 1 if there are any; 0 if all users together allow none, or the
 * running task cannot allocate from those; -EAGAIN if that could not be found
 * out now.
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
 * private_node_move_out - collect a folio that is to leave for ordinary memory
 * @l: the folios collected so far
 * @folio: held, not locked
 *
 * Context: process, may sleep.
 * Return: 1 if it was collected; else as private_node_way_out(); -EAGAIN also
 * if the folio could not be isolated.
 */
int private_node_move_out(struct private_node_leaving *l, struct folio *folio)
{
	nodemask_t to;
	int ret = private_node_way_out(folio, l->gone, &to);

	if (ret <= 0)
		return ret;
	return private_node_leave_to(l, folio, &to) ? 1 : -EAGAIN;
}

/*
 * private_node_named_first - is the node kept for allocations that name it?
 * @pn: the handle
 *
 * Nothing is demoted to the node then, so that the room which guests make is
 * left to allocations that name the node.
 * Context: any.
 * Return: true for NAMED_FIRST after such an allocation found the node full.
 */
bool private_node_named_first(struct private_node *pn)
{
	unsigned long until = READ_ONCE(pn->named_until);

	return until && time_before(jiffies, until);
}

/*
 * private_node_any_guest - is a search for guests that can leave worth it?
 * @pn: the handle
 *
 * Context: any.
 * Return: true if guests came since the last search that found none which could
 * leave, or if that search is long enough ago.
 */
bool private_node_any_guest(struct private_node *pn)
{
	if (!READ_ONCE(pn->demoted_to))
		return false;
	return atomic_long_read(&pn->guests_came) != READ_ONCE(pn->guests_seen) ||
	       time_after(jiffies, READ_ONCE(pn->guests_again));
}

/* A search for guests that can leave, on behalf of one allocation. */
struct guests_work {
	struct work_struct work;
	struct private_node *pn;
	gfp_t gfp;
	unsigned int order;
	unsigned long passed;	/* page frames searched so far */
	unsigned long left;	/* pages that have left the node */
	bool unsure;		/* users unknown for now, or not isolated */
};

/*
 * May guests go to swap?  The allocating task waits for the worker, and swap
 * may wait for I/O and filesystem locks, which the task may hold (GFP_NOFS).
 */
static bool may_swap(const struct guests_work *w)
{
	const gfp_t any = __GFP_IO | __GFP_FS;

	return (w->gfp & any) == any;
}

/*
 * Moves the collected guests to ordinary memory.  If not one of them moved, and
 * @swap, the guests on @left go to swap.
 */
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

/*
 * A block of w->order becomes free only when all folios in it have left, so the
 * first search begins at the start of a block.
 */
static unsigned long first_pfn(const struct guests_work *w)
{
	unsigned long pfn = READ_ONCE(w->pn->guest_pfn);
	int nid = w->pn->nid;

	if (pfn < node_start_pfn(nid) || pfn >= node_end_pfn(nid))
		return node_start_pfn(nid);
	return w->passed ? pfn : ALIGN_DOWN(pfn, 1UL << w->order);
}

/*
 * Collects guests that may go to ordinary memory.  Those that may not are
 * isolated for swap, or passed over, so that they do not end the search for
 * others.  @stored counts pages of zswap, which are on no LRU list.  The next
 * search begins where this one ended.
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
	/* Free pages on per-CPU lists do not merge into larger blocks. */
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
 * This worker may reclaim guests although the node is not open to reclaim.
 * Context: any.
 * Return: true if it is.
 */
bool private_node_makes_room(void)
{
	struct work_struct *work = current_work();

	return work && work->func == guests_work;
}

/* No guest can leave: search again after a while, or when more have come. */
static void back_off(struct guests_work *w, unsigned long came,
		     unsigned long took)
{
	unsigned long wait = w->unsure ? UNSURE_AGAIN : NAMED_FIRST;

	/* A task that may use swap may succeed where this one failed. */
	if (!may_swap(w))
		return;
	WRITE_ONCE(w->pn->guests_again, jiffies + max(wait, 4 * took));
	WRITE_ONCE(w->pn->guests_seen, came);
}

/*
 * The search runs in a worker, because the cpuset of the allocating task may
 * lack the nodes that guests may go to.  It goes once around the node, in
 * parts, until some guests have left, or one of the nodes in @inside is being
 * closed.
 */
static unsigned long ask_guests(struct private_node *pn, gfp_t gfp,
				unsigned int order, const nodemask_t *inside,
				enum private_node_service user)
{
	struct guests_work w = { .pn = pn, .gfp = gfp, .order = order };
	unsigned long came = atomic_long_read(&pn->guests_came);
	unsigned long start = jiffies;
	bool round;

	INIT_WORK_ONSTACK(&w.work, guests_work);
	do {
		/* A GFP_NOFS task must not queue behind work that reclaims. */
		queue_work(may_swap(&w) ? guests_wq : guests_nofs_wq, &w.work);
		flush_work(&w.work);
		round = w.passed >= node_spanned_pages(pn->nid);
	} while (!w.left && !round && !fatal_signal_pending(current) &&
		 !private_node_shuts(inside, user));
	destroy_work_on_stack(&w.work);
	if (!w.left && round)
		back_off(&w, came, jiffies - start);
	return w.left;
}

/*
 * private_node_guests_leave - make room for an allocation that names a node
 * @nodes: the nodes that it names
 * @gfp: of the allocation
 * @order: of the allocation
 * @user: as whom the caller has entered the private ones of @nodes
 *
 * Before on_full is asked, guests leave for ordinary memory, or for swap: about
 * GUESTS_LEAVE pages a call, or as many as the folio has if that is more.  They
 * leave from one place, so that a large block may become free.  Nothing is
 * demoted to the node for NAMED_FIRST.
 *
 * Context: as @gfp says; does nothing in reclaim, nor if @gfp does not allow to
 * sleep.  With GFP_NOFS or GFP_NOIO, or in such a scope, guests do not go to
 * swap.
 * Return: true when pages were freed, and the allocation is worth a retry.
 */
bool private_node_guests_leave(const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order,
			       enum private_node_service user)
{
	struct private_node *pn;
	unsigned long nr = 0;
	int nid;

	gfp = current_gfp_context(gfp);
	if (!gfpflags_allow_blocking(gfp) || !guests_wq || !guests_nofs_wq ||
	    current->flags & PF_MEMALLOC || fatal_signal_pending(current))
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
	/* WQ_MEM_RECLAIM: allocations wait for this work. */
	guests_wq = alloc_workqueue("private_node_guests",
				    WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	guests_nofs_wq = alloc_workqueue("private_node_guests_nofs",
					 WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return guests_wq && guests_nofs_wq ? 0 : -ENOMEM;
}
core_initcall(private_node_leave_init);
