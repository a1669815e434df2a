// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promotion by accessed bits: the promotion service, without hint faults.
 *
 * A pass over the node reads and clears the accessed bits of the folios that
 * the kernel demoted there.  A folio that was used before two consecutive
 * passes moves up.  NUMA balancing in its tiering mode promotes as well, and
 * faster.  This code works without it, and costs no faults.
 *
 * Only guests (see mark.c) move, and only to nodes that all of their users may
 * have.  The rate is limited by node<N>/private/promotion_mib_per_second.  Room
 * on the upper tier is made by its kswapd, which demotes the coldest folios
 * there.
 */
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/memory-tiers.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/page_idle.h>
#include <linux/rmap.h>
#include <linux/sched/cputime.h>
#include <linux/sched/sysctl.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

/* Time between two passes. */
#define PERIOD		HZ
/* Time between two passes on a node where nothing is used. */
#define MAX_PERIOD	(8 * HZ)
/*
 * On a large node it is this many times as long as a pass ran, so 1/128 of a
 * CPU, and 1/16 while another part of the node is used,
 */
#define IDLE_SHARE	128
#define PART_SHARE	16
/* but no longer than this, which is how late a first use may be seen. */
#define LONGEST		(60 * HZ)
/* Credit for promotions is added this often. */
#define CREDIT_PERIOD	(PERIOD / 16)
/* Folios looked at in a pass: about a third of a second of a CPU. */
#define LOOKS		(SZ_1G / PAGE_SIZE)
/* Folios looked at under mem_hotplug_lock in one go: some milliseconds. */
#define LOOKS_LOCKED	(SZ_16M / PAGE_SIZE)
/* Pages moved at a time. */
#define BATCH		(SZ_2M / PAGE_SIZE)

struct pass {
	struct private_node_leaving leaving;
	nodemask_t above;	/* nodes of the top tier */
	bool any_hot;		/* something was used since the last pass */
};

static void collect_above(struct pass *pass)
{
	int nid;

	nodes_clear(pass->above);
	for_each_node_state(nid, N_MEMORY)
		if (node_is_toptier(nid))
			node_set(nid, pass->above);
}

/*
 * Adds the pages that the rate allows for the time since the last call.  Credit
 * is not saved up beyond a second, except for a large folio that would never
 * fit.
 */
static void add_credit(struct private_node *pn)
{
	long rate = READ_ONCE(pn->promote_mib) * (SZ_1M / PAGE_SIZE);
	unsigned long since = jiffies - pn->promote_at;

	lockdep_assert_held(&pn->promote_lock);
	if (since < CREDIT_PERIOD)
		return;
	pn->promote_at += since;
	pn->promote_credit += mult_frac(rate, since, PERIOD);
	pn->promote_credit = min(pn->promote_credit,
				 max(rate, pn->promote_saved));
}

/*
 * private_node_promote_take - take pages off what the rate limit allows
 * @pn: the handle
 * @nr: pages of a folio that is about to be promoted
 *
 * Credit is saved up for a folio that is larger than what the limit allows in a
 * second.
 *
 * Context: any but interrupts.
 * Return: true when the folio may be promoted now; private_node_promote_untake()
 * follows for pages that were not moved.
 */
bool private_node_promote_take(struct private_node *pn, long nr)
{
	guard(spinlock)(&pn->promote_lock);
	add_credit(pn);
	if (nr > pn->promote_credit) {
		pn->promote_saved = max(pn->promote_saved, nr);
		return false;
	}
	pn->promote_credit -= nr;
	if (nr >= pn->promote_saved)
		pn->promote_saved = 0;
	pn->promote_used = true;
	return true;
}

/*
 * private_node_promote_untake - pages were not promoted after all
 * @pn: the handle
 * @nr: pages that were taken off the credit
 *
 * Context: any but interrupts.
 */
void private_node_promote_untake(struct private_node *pn, long nr)
{
	guard(spinlock)(&pn->promote_lock);
	pn->promote_credit += nr;
}

/* Pages that may be promoted now.  Context: any but interrupts. */
long private_node_promote_credit(struct private_node *pn)
{
	guard(spinlock)(&pn->promote_lock);
	add_credit(pn);
	return pn->promote_credit;
}

static void count_promoted(struct private_node_leaving *l, unsigned long moved,
			   unsigned long left)
{
	private_node_promoted(l->pn, PRIVATE_NODE_PROMOTION, moved, left);
	private_node_promote_untake(l->pn, left);
}

/*
 * Was a page cache folio used before this pass, and before the last one?  The
 * young flag says so for the last one.  read() sets the referenced flag.  Only
 * fenced nodes have page cache.
 */
static bool hot_file(struct pass *pass, struct folio *folio)
{
	bool before = folio_test_young(folio);
	bool young;

	if (!private_node_used(folio, &young))
		return false;
	young |= folio_test_referenced(folio);
	folio_clear_referenced(folio);
	if (young)
		folio_set_young(folio);
	else
		folio_test_clear_young(folio);
	pass->any_hot |= young;
	return young && before;
}

/*
 * Was an anonymous or shmem folio used before this pass, and before the last
 * one?  The referenced flag says so for the last one.
 */
static bool hot_anon(struct pass *pass, struct folio *folio)
{
	bool before = folio_test_referenced(folio) || folio_test_active(folio);
	bool young;

	if (!private_node_used(folio, &young))
		return false;
	if (young)
		folio_set_referenced(folio);
	else
		folio_clear_referenced(folio);
	pass->any_hot |= young;
	return young && before;
}

/* Is this page cache?  Of private nodes, only fenced ones have some. */
static bool file_fenced(const struct folio *folio)
{
	return private_node_fenced(folio_nid(folio)) && !folio_test_anon(folio);
}

/* Anonymous memory and shmem that is mapped, and all page cache. */
static bool can_be_hot(struct folio *folio)
{
	return file_fenced(folio) ||
	       (folio_test_swapbacked(folio) && folio_mapped(folio));
}

static bool is_hot(struct pass *pass, struct folio *folio)
{
	return file_fenced(folio) ? hot_file(pass, folio) :
				    hot_anon(pass, folio);
}

/*
 * Collects a folio if the rate limit allows to move it.  Collected folios count
 * as moved.  If they are in the way they are moved first, since some may fail to
 * move.
 */
static void leave_at_rate(struct pass *pass, struct folio *folio,
			  const nodemask_t *to)
{
	struct private_node_leaving *l = &pass->leaving;
	long nr = folio_nr_pages(folio);
	bool may = private_node_promote_take(l->pn, nr);

	if (!may && l->nr) {
		private_node_leave_now(l);
		may = private_node_promote_take(l->pn, nr);
	}
	if (may && !private_node_leave_to(l, folio, to))
		private_node_promote_untake(l->pn, nr);
}

static void look_at_folio(struct pass *pass, struct folio *folio)
{
	nodemask_t to = pass->above;
	bool move;

	if (!folio_test_lru(folio) || !can_be_hot(folio) ||
	    !folio_trylock(folio))
		return;
	move = is_hot(pass, folio) &&
	       private_node_may_have(folio, &to, NUMA_NO_NODE) > 0;
	if (move && private_node_fenced(folio_nid(folio)))
		private_node_fence->moves_up(folio);
	folio_unlock(folio);
	if (move)
		leave_at_rate(pass, folio, &to);
}

/*
 * Looks at the next LOOKS_LOCKED guests.  False when the end of the node was
 * reached.
 */
static bool look_at_part(struct pass *pass)
{
	struct private_node *pn = pass->leaving.pn;
	unsigned long looks = LOOKS_LOCKED;
	bool more = true;
	struct folio *folio;

	while (looks-- && READ_ONCE(pn->promote_credit) > 0 &&
	       private_node_open(pn, PRIVATE_NODE_PROMOTION)) {
		folio = private_node_next_guest(pn, &pn->promote_pfn);
		if (!folio) {
			pn->promote_pfn = 0;
			pn->promote_part = pass->any_hot | pn->promote_hot;
			pn->promote_hot = false;
			more = false;
			break;
		}
		look_at_folio(pass, folio);
		folio_put(folio);
		cond_resched();
	}
	private_node_leave_now(&pass->leaving);
	return more;
}

/*
 * Holds mem_hotplug_lock for one part only: a writer waits for that time, and
 * other readers wait behind the writer.
 */
static bool lock_and_look(struct pass *pass)
{
	struct private_node *pn = pass->leaving.pn;
	bool more = false;

	get_online_mems();
	if (node_state(pn->nid, N_MEMORY_PRIVATE) &&
	    !node_is_toptier(pn->nid)) {
		collect_above(pass);
		more = look_at_part(pass);
	}
	put_online_mems();
	return more;
}

/* Was some of the credit used since the last pass? */
static bool credit_used(struct private_node *pn)
{
	bool used;

	guard(spinlock)(&pn->promote_lock);
	used = pn->promote_used;
	pn->promote_used = false;
	return used;
}

static unsigned long share_of_cpu(u64 ran, unsigned int share,
				  unsigned long least)
{
	return clamp(nsecs_to_jiffies(share * ran), least,
		     (unsigned long)LONGEST);
}

/*
 * While nothing is used on the node, and the device of a fenced node reports
 * nothing as hot, passes become less frequent.  On a large node a pass looks at
 * a part, and a lap is from one end to the other: the node is used if something
 * was in this lap or in the last one.
 */
static void set_pace(struct private_node *pn, const struct pass *pass, u64 ran)
{
	unsigned long wait = PERIOD;

	if (pn->promote_pfn)
		pn->promote_hot |= pass->any_hot;
	if (!pass->any_hot && (pn->promote_hot || pn->promote_part))
		wait = share_of_cpu(ran, PART_SHARE, PERIOD);
	else if (!pass->any_hot)
		wait = min(2 * READ_ONCE(pn->promote_wait),
			   share_of_cpu(ran, IDLE_SHARE, MAX_PERIOD));
	WRITE_ONCE(pn->promote_wait, wait);
}

static void promote_pass(struct private_node *pn)
{
	u64 start = task_sched_runtime(current);
	unsigned int parts = LOOKS / LOOKS_LOCKED;
	struct pass pass = {
		.leaving = {
			.pn = pn,
			.folios = LIST_HEAD_INIT(pass.leaving.folios),
			.batch = BATCH,
			.gone = NUMA_NO_NODE,
			.gfp = (GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM) |
			       __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN,
			.mode = MIGRATE_ASYNC,
			.reason = MR_NUMA_MISPLACED,
			.done = count_promoted,
		},
	};

	pass.any_hot = credit_used(pn);
	while (parts-- && private_node_promote_credit(pn) > 0 &&
	       private_node_open(pn, PRIVATE_NODE_PROMOTION) &&
	       lock_and_look(&pass))
		;
	set_pace(pn, &pass, task_sched_runtime(current) - start);
}

/* The queued work has a reference on the handle, which the last run drops. */
static void promote_work(struct work_struct *work)
{
	struct private_node *pn = container_of(to_delayed_work(work),
					       struct private_node, promote);

	if (private_node_enter(pn, PRIVATE_NODE_PROMOTION)) {
		promote_pass(pn);
		private_node_leave(pn, PRIVATE_NODE_PROMOTION);
		if (queue_delayed_work(system_dfl_wq, &pn->promote,
				       READ_ONCE(pn->promote_wait)))
			return;
	}
	private_node_put(pn);
}

static void init_promotion(struct private_node *pn)
{
	INIT_DELAYED_WORK(&pn->promote, promote_work);
	spin_lock_init(&pn->promote_lock);
	pn->promote_mib = PRIVATE_NODE_PROMOTE_MIB;
	pn->promote_wait = PERIOD;
	pn->promote_at = jiffies;
}

/*
 * private_node_promote_start - start the passes, if the service is open
 * @pn: the handle
 *
 * Passes that run already become frequent again.  They end by themselves when
 * the service is closed or the node goes.
 * Context: process.
 */
void private_node_promote_start(struct private_node *pn)
{
	if (!private_node_open(pn, PRIVATE_NODE_PROMOTION))
		return;
	WRITE_ONCE(pn->promote_wait, PERIOD);
	private_node_get(pn);
	/* Work that waits already has a reference. */
	if (mod_delayed_work(system_dfl_wq, &pn->promote, PERIOD))
		private_node_put(pn);
}

static int start_promotion(int nid)
{
	struct private_node *pn = private_node_find(nid);

	if (pn)
		private_node_promote_start(pn);
	private_node_put(pn);
	return 0;
}

const struct private_node_subscriber private_node_promote_subscriber = {
	.created = init_promotion,
	.changed = start_promotion,
};

/*
 * private_node_promoted - count and trace folios that were promoted
 * @pn: the handle
 * @user: the service
 * @moved: pages that left the node
 * @left: pages that could not be moved
 *
 * Context: any.
 */
void private_node_promoted(struct private_node *pn, enum private_node_service user,
			   unsigned long moved, unsigned long left)
{
	private_node_count(pn, user, PRIVATE_NODE_USED, moved);
	private_node_count(pn, user, PRIVATE_NODE_FAILED, left);
	trace_private_node_promote(pn->nid, user, moved, left);
}

/*
 * __private_node_hint_nodes - see private_node_hint_nodes()
 */
bool __private_node_hint_nodes(void)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (__private_node_hints(nid))
			return true;
	return false;
}

/*
 * private_node_balances - does NUMA balancing act on a private node?
 * @nid: node id
 *
 * NUMA_BALANCING_NORMAL only; for the tiering mode see __private_node_hints().
 * Context: any.
 * Return: true if it does.
 */
bool private_node_balances(int nid)
{
	return sysctl_numa_balancing_mode & NUMA_BALANCING_NORMAL &&
	       private_node_service_enabled(nid, PRIVATE_NODE_NUMA_BALANCING);
}

/*
 * __private_node_hints - see private_node_hints_off()
 */
bool __private_node_hints(int nid)
{
	int mode = sysctl_numa_balancing_mode;

	if (private_node_balances(nid))
		return true;
	return mode & NUMA_BALANCING_MEMORY_TIERING && !node_is_toptier(nid) &&
	       private_node_service_enabled(nid, PRIVATE_NODE_PROMOTION);
}

/*
 * __private_node_may_hint - see private_node_may_hint()
 */
bool __private_node_may_hint(struct folio *folio, int nid)
{
	nodemask_t nodes = nodemask_of_node(nid);

	/* Promotion moves guests only, numa_balancing moves all folios. */
	if (!private_node_is_guest(folio) &&
	    !private_node_balances(folio_nid(folio)))
		return false;
	return private_node_may_go(folio, &nodes, NUMA_NO_NODE) > 0;
}
