// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios leave a private node: for promotion, for unplug, for somebody who
 * named the node, or because a compressing device runs full.
 *
 * Whoever moves folios off a node does it here, so that each goes where
 * private_node_may_have() says and nowhere else.  Folios that may go to the
 * same nodes leave together.
 */
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/private_node_zswap.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "private_node.h"

/* Guests that leave for one allocation, and pages that are looked at for it. */
#define GUESTS_LEAVE	64
#define GUESTS_LOOK	1024
/* How long demotion stays away from a node that somebody named in vain. */
#define NAMED_FIRST	HZ

static struct workqueue_struct *guests_wq;

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
	/* The cpuset changed meanwhile. */
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
	/* Those before, not this one: the caller's reference is in the way. */
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

/* The next page in use that the kernel put there, with a reference. */
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
 * private_node_named_first - is somebody short who named the node?
 * @pn: the handle
 *
 * Then the kernel puts nothing there of its own accord.
 * Context: any.
 */
bool private_node_named_first(struct private_node *pn)
{
	unsigned long until = READ_ONCE(pn->named_until);

	return until && time_before(jiffies, until);
}

/* Since the last look that found nobody, did anybody come? */
static bool any_guest(struct private_node *pn)
{
	if (!READ_ONCE(pn->demoted_to))
		return false;
	return atomic_long_read(&pn->guests_came) != READ_ONCE(pn->guests_seen) ||
	       time_after(jiffies, READ_ONCE(pn->guests_again));
}

/* Up, or where there is no room, out to swap. */
static unsigned long move_or_swap(struct private_node_leaving *l,
				  struct list_head *left)
{
	unsigned long nr = 0;

	private_node_leave_now(l);
	if (l->moved || !get_nr_swap_pages()) {
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

static unsigned long some_guests_leave(struct private_node *pn, gfp_t gfp)
{
	LIST_HEAD(left);
	struct private_node_leaving l = {
		.pn = pn,
		.folios = LIST_HEAD_INIT(l.folios),
		.left = &left,
		.batch = ULONG_MAX,
		.gone = NUMA_NO_NODE,
		.gfp = (GFP_HIGHUSER_MOVABLE & gfp) | __GFP_MOVABLE |
		       __GFP_NORETRY | __GFP_NOWARN,
		.mode = MIGRATE_ASYNC,
		.reason = MR_NUMA_MISPLACED,
	};
	unsigned long pfn = READ_ONCE(pn->guest_pfn);
	unsigned long came = atomic_long_read(&pn->guests_came);
	unsigned long looks = GUESTS_LOOK, wraps = 0, stored = 0, out;
	struct folio *folio;

	while (l.nr < GUESTS_LEAVE && looks--) {
		folio = private_node_next_guest(pn, &pfn);
		if (!folio && wraps++)
			break;
		if (!folio) {
			pfn = 0;
			continue;
		}
		if (private_node_folio_is_users(folio))
			private_node_move_out(&l, folio);
		else
			stored++;
		folio_put(folio);
	}
	WRITE_ONCE(pn->guest_pfn, pfn);
	out = move_or_swap(&l, &left);
	if (!out && stored)
		out = zswap_leave_node(pn->nid, GUESTS_LEAVE);
	if (!out) {
		WRITE_ONCE(pn->guests_seen, came);
		WRITE_ONCE(pn->guests_again, jiffies + NAMED_FIRST);
	}
	this_cpu_add(pn->stats->guests_moved, out);
	return out;
}

struct guests_work {
	struct work_struct work;
	struct private_node *pn;
	gfp_t gfp;
	unsigned long nr;
};

static void guests_work(struct work_struct *work)
{
	struct guests_work *w = container_of(work, struct guests_work, work);

	w->nr = some_guests_leave(w->pn, w->gfp);
}

/*
 * In a worker: guests may have other nodes than the cpuset of the task that
 * wants their place.
 */
static unsigned long ask_guests(struct private_node *pn, gfp_t gfp)
{
	struct guests_work w = { .pn = pn, .gfp = gfp };

	INIT_WORK_ONSTACK(&w.work, guests_work);
	queue_work(guests_wq, &w.work);
	flush_work(&w.work);
	destroy_work_on_stack(&w.work);
	return w.nr;
}

/*
 * private_node_guests_leave - make room for somebody who named a node
 * @nodes: what was named
 * @gfp: of the allocation
 * @order: of the allocation
 *
 * What the kernel put there leaves, up or out to swap, before on_full is asked;
 * a bounded number of pages for each call, and nothing new comes for a while.
 * A large folio falls back to small ones instead.
 *
 * Context: as @gfp says; does nothing where that does not allow to sleep, nor
 * in reclaim.
 * Return: true when something left, and a new look is worth it.
 */
bool private_node_guests_leave(const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order)
{
	struct private_node *pn;
	unsigned long nr = 0;
	int nid;

	if (order || !gfpflags_allow_blocking(gfp) || !(gfp & __GFP_IO) ||
	    !guests_wq || current->flags & PF_MEMALLOC || fatal_signal_pending(current) ||
	    !private_node_hook(guests_leave))
		return false;
	for_each_node_mask(nid, *nodes) {
		pn = node_is_private(nid) ? private_node_find(nid) : NULL;
		if (pn && any_guest(pn)) {
			WRITE_ONCE(pn->named_until, (jiffies + NAMED_FIRST) ?: 1);
			nr += ask_guests(pn, gfp);
		}
		private_node_put(pn);
		if (nr)
			return true;
	}
	return false;
}

static int __init private_node_leave_init(void)
{
	/* Who waits for memory waits for it. */
	guests_wq = alloc_workqueue("private_node_guests",
				    WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return guests_wq ? 0 : -ENOMEM;
}
core_initcall(private_node_leave_init);
