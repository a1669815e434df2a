// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim and compaction of private nodes: the reclaim and compaction services.
 *
 * A private node is in no ordinary zonelist, so reclaim never comes across it.
 * Direct reclaim of the node starts in allocations from the node itself.
 * kswapd and kcompactd run while a service needs them.  Reclaim of a memory
 * cgroup looks at nodes that are open to reclaim after all others, see
 * mm/vmscan.c.
 */
#include <linux/compaction.h>
#include <linux/init.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/swap.h>

#include "../internal.h"
#include "internal.h"

/*
 * private_node_set_wmarks - watermarks of a zone of a private node
 * @zone: the zone
 * @scale: watermark_scale_factor, in fractions of 10000
 *
 * There is no reserve, since nobody could use one.  Without the reclaim service
 * all watermarks are 0: others would only hide free pages.  With the service,
 * kswapd works between them.  They are apart by @scale, or by 4 MiB or a 32nd
 * of the zone, whichever of these two is less, if that is more.
 *
 * Context: any.
 */
void private_node_set_wmarks(struct zone *zone, unsigned int scale)
{
	unsigned long managed = zone_managed_pages(zone);
	unsigned long gap = 0;
	int i;

	if (private_node_service_chosen(zone_to_nid(zone),
					PRIVATE_NODE_RECLAIM))
		gap = max(mult_frac(managed, scale, 10000),
			  min(managed / 32, SZ_4M / PAGE_SIZE));
	guard(spinlock_irqsave)(&zone->lock);
	zone->watermark_boost = 0;
	for (i = 0; i < NR_WMARK; i++)
		zone->_watermark[i] = i * gap;
}

/*
 * Is the counter above 0?  Adds the counts that CPUs have not folded in yet,
 * which node_page_state() leaves out.
 */
static bool has_any(int nid, enum node_stat_item item)
{
	struct pglist_data *pgdat = NODE_DATA(nid);
	long nr = atomic_long_read(&pgdat->vm_stat[item]);
#ifdef CONFIG_SMP
	int cpu;

	for_each_online_cpu(cpu)
		/* Other CPUs go on counting meanwhile. */
		nr += data_race(per_cpu_ptr(pgdat->per_cpu_nodestats,
					    cpu)->vm_node_stat_diff[item]);
#endif
	return nr > 0;
}

/*
 * Is another task about to free pages of a node?  Only one task at a time can
 * age the pages of a node; other tasks reclaim nothing while it does.
 */
static bool others_reclaim(int nid)
{
	struct pglist_data *pgdat = NODE_DATA(nid);

	if (has_any(nid, NR_ISOLATED_ANON) || has_any(nid, NR_ISOLATED_FILE) ||
	    has_any(nid, NR_WRITEBACK))
		return true;
	/* No barrier: a wrong answer costs one wait or one more check. */
	return pgdat->kswapd && !waitqueue_active(&pgdat->kswapd_wait) &&
	       !kswapd_test_hopeless(pgdat);
}

/*
 * private_node_reclaim - try to make room on private nodes
 * @nodes: private and ordinary nodes; only those with the service are reclaimed
 * @gfp: of the allocation
 * @order: of the allocation
 *
 * Context: as @gfp says; does nothing if @gfp does not allow reclaim, nor on a
 * node that is being closed.
 * Return: true when pages were reclaimed, and the allocation is worth a retry.
 */
bool private_node_reclaim(const nodemask_t *nodes, gfp_t gfp,
			  unsigned int order)
{
	const enum private_node_service user =
		PRIVATE_NODE_RECLAIM;
	struct private_node *pn;
	unsigned long nr;
	int nid;

	if (!gfpflags_allow_blocking(gfp) || current->flags & PF_MEMALLOC ||
	    fatal_signal_pending(current))
		return false;
	for_each_node_mask(nid, *nodes) {
		pn = private_node_enter_nid(nid, user);
		if (!pn)
			continue;
		nr = private_node_shrink(nid, gfp, order);
		private_node_leave(pn, user);
		if (nr)
			return true;
	}
	return false;
}

/*
 * private_node_wait_for_reclaim - after private_node_reclaim() has freed nothing
 * @nodes: the same
 * @gfp: of the allocation
 * @order: of the allocation
 *
 * Waits a tenth of what VMSCAN_THROTTLE_NOPROGRESS does, if others reclaim one of the
 * nodes: their own kswapd, before it has given up, or other tasks.
 *
 * Context: as @gfp says; does nothing for those who can do without the page.
 * Return: true when it has waited, and the allocation is worth a retry.
 */
bool private_node_wait_for_reclaim(const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order)
{
	int nid;

	if (!gfpflags_allow_blocking(gfp) || (gfp & __GFP_NORETRY) ||
	    order > PAGE_ALLOC_COSTLY_ORDER || current->flags & PF_MEMALLOC ||
	    fatal_signal_pending(current))
		return false;
	for_each_node_mask(nid, *nodes) {
		if (!private_node_service_chosen(nid, PRIVATE_NODE_RECLAIM) ||
		    !others_reclaim(nid))
			continue;
		schedule_timeout_killable(HZ / 20);
		return true;
	}
	return false;
}

/*
 * __private_node_reclaimed - see private_node_reclaimed()
 */
void __private_node_reclaimed(int nid, unsigned long nr)
{
	struct private_node *pn = private_node_find(nid);

	if (!pn)
		return;
	private_node_count(pn, PRIVATE_NODE_RECLAIM,
			   nr ? PRIVATE_NODE_USED : PRIVATE_NODE_FAILED,
			   nr ?: 1);
	private_node_put(pn);
}

/*
 * private_node_not_reclaimed - count a pageout that the closed service refused
 * @nid: a private node
 *
 * Memory on a fenced node counts as paged out already.
 *
 * Context: process.
 */
void private_node_not_reclaimed(int nid)
{
	struct private_node *pn;

	if (private_node_fenced(nid))
		return;
	pn = private_node_find(nid);
	if (!pn)
		return;
	private_node_refuse(pn, PRIVATE_NODE_RECLAIM,
			    PRIVATE_NODE_REFUSED, 0);
	private_node_put(pn);
}

static unsigned long zone_wmark(const struct zone *zone, enum zone_watermarks w)
{
	/* A watermark that is being changed may be read old or new. */
	return data_race(wmark_pages(zone, w));
}

/*
 * private_node_wake_kswapd - wake a private node's kswapd after an allocation
 * @zone: zone that a page came from, or should have come from; of any node
 * @gfp: of the allocation
 * @order: of the allocation
 *
 * A kswapd that reclaimed nothing many times counts as hopeless, and is not
 * woken again.  This ends when free pages are above the high watermark, as in
 * mm/page_alloc.c for ordinary nodes.
 * Context: any but NMI.
 */
void private_node_wake_kswapd(struct zone *zone, gfp_t gfp, unsigned int order)
{
	struct pglist_data *pgdat = zone->zone_pgdat;
	unsigned long nr_free;

	if (!(gfp & __GFP_KSWAPD_RECLAIM) || !node_is_private(pgdat->node_id))
		return;
	nr_free = zone_page_state(zone, NR_FREE_PAGES);
	if (nr_free < zone_wmark(zone, WMARK_LOW))
		wakeup_kswapd(zone, gfp, order, MAX_NR_ZONES - 1);
	else if (nr_free > zone_wmark(zone, WMARK_HIGH) &&
		 kswapd_test_hopeless(pgdat))
		kswapd_clear_hopeless(pgdat, KSWAPD_CLEAR_HOPELESS_OTHER);
}

static bool wants_kswapd(int nid)
{
	return node_state(nid, N_MEMORY_PRIVATE) &&
	       private_node_service_chosen(nid, PRIVATE_NODE_RECLAIM);
}

/* Was the node registered for a compressing device, which is fenced later? */
static bool is_compressed(int nid)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && pn->flags & PRIVATE_NODE_F_COMPRESSED;
}

static bool wants_kcompactd(int nid)
{
	if (is_compressed(nid))
		return false;
	return wants_kswapd(nid) ||
	       (node_state(nid, N_MEMORY_PRIVATE) &&
		private_node_service_chosen(nid, PRIVATE_NODE_COMPACTION));
}

static bool has_kcompactd(int nid)
{
#ifdef CONFIG_COMPACTION
	return NODE_DATA(nid)->kcompactd;
#else
	return true;
#endif
}

static bool has_threads(int nid)
{
	return (!wants_kswapd(nid) || NODE_DATA(nid)->kswapd) &&
	       (!wants_kcompactd(nid) || has_kcompactd(nid));
}

/*
 * Starts or stops kswapd and kcompactd.  kcompactd also runs for the reclaim
 * service alone, since kswapd leaves large orders to it.  Its proactive work
 * needs the compaction service, see should_proactive_compact_node().  A node of
 * compressed RAM has no kcompactd, see __private_node_enter_compaction().
 */
static int run_threads(int nid)
{
	if (wants_kswapd(nid))
		kswapd_run(nid);
	else
		kswapd_stop(nid);
	if (wants_kcompactd(nid))
		kcompactd_run(nid);
	else
		kcompactd_stop(nid);
	return has_threads(nid) ? 0 : -ENOMEM;
}

const struct private_node_subscriber private_node_threads_subscriber = {
	.changed = run_threads,
};

/*
 * A late_initcall, because the threads of ordinary nodes, in mm/vmscan.c and
 * mm/compaction.c, are started first.
 */
static int __init private_node_threads_init(void)
{
	int nid;

	get_online_mems();
	for_each_node_state(nid, N_MEMORY_PRIVATE)
		private_node_memory_changed(nid);
	put_online_mems();
	setup_per_zone_wmarks();
	return 0;
}
late_initcall(private_node_threads_init);
