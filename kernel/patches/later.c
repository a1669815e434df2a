// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that later patches of this work bring.  Until then a node has none
 * of what they do: no service is open, no page is marked, nothing is displaced.
 * Each goes when its file or patch comes; the last patch removes this file.
 */

#include <linux/cpuset_possible.h>
#include <linux/export.h>
#include <linux/hugetlb.h>
#include <linux/migrate.h>
#include <linux/mm.h>

#include "free.h"
#include "gate.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"
#include "zswap.h"

//@ mm/private_node/zonelist.c
/* No list has private zones yet. */
void private_node_rebuild_zonelists(void)
{
}

//@ mm/private_node/holder.c
/* Nobody looks for who holds a page yet. */
char *private_node_describe_holder(struct folio *folio, bool mapped)
{
	return NULL;
}

//@ mm/private_node/report.c
unsigned long private_node_free_snapshot_nid(int nid)
{
	return private_node_exact_free_pages_nid(nid);
}

//@ mm/private_node/failure.c
#ifdef CONFIG_MEMORY_FAILURE
/* No report of a memory failure is waited for yet. */
atomic_t private_node_failures;
#endif

//@ 3a-placement-map/40-mm-shmem-poison
#ifdef CONFIG_SHMEM
/* No object of shmem is on a private node yet. */
void private_node_poison_shmem(struct folio *folio)
{
	WARN_ON_ONCE(1);
}
#endif

//@ mm/private_node/swapped.c
#ifdef CONFIG_SWAP
bool private_node_is_swapped(struct private_node *pn)
{
	return false;
}
#endif

//@ mm/private_node/oom.c
bool private_node_oom_kill(struct private_node *pn,
			   enum private_node_service user, gfp_t gfp,
			   unsigned int order)
{
	return false;
}

//@ mm/private_node/may_have.c
/* The nodes of on_full=fallback are ordinary ones: as for any allocation. */
struct folio *private_node_alloc_among(int from, const nodemask_t *nodes,
				       gfp_t gfp, unsigned int order)
{
	nodemask_t mask = *nodes;

	return __folio_alloc(gfp & ~__GFP_THISNODE, order, from, &mask);
}

bool private_node_reachable(nodemask_t *nodes)
{
	return !nodes_empty(*nodes);
}

/* No page of a user is on a private node yet. */
int private_node_may_go(struct folio *folio, nodemask_t *nodes, int gone)
{
	nodes_clear(*nodes);
	return 0;
}

//@ mm/private_node/named.c
bool private_node_mode_names(unsigned short mode, const nodemask_t *nodes)
{
	return mode == MPOL_BIND;
}

void private_node_names_alone(struct mempolicy *pol)
{
}

int private_node_spread_to(const struct mempolicy *pol, const nodemask_t *open,
			   pgoff_t ilx)
{
	return NUMA_NO_NODE;
}

//@ mm/private_node/displaced.c
bool private_node_data_exists(struct vm_area_struct *vma, unsigned long addr)
{
	return false;
}

struct folio *private_node_displaced_alloc(const struct mempolicy *pol,
					   gfp_t gfp)
{
	return NULL;
}

unsigned long private_node_displaced_pages(void)
{
	return 0;
}

//@ mm/private_node/reclaim.c
void private_node_not_reclaimed(int nid)
{
}

bool private_node_reclaim(const nodemask_t *nodes, gfp_t gfp,
			  unsigned int order)
{
	return false;
}

void private_node_set_wmarks(struct zone *zone, unsigned int scale)
{
	int i;

	guard(spinlock_irqsave)(&zone->lock);
	zone->watermark_boost = 0;
	for (i = 0; i < NR_WMARK; i++)
		zone->_watermark[i] = 0;
}

bool private_node_wait_for_reclaim(const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order)
{
	return false;
}

void private_node_wake_kswapd(struct zone *zone, gfp_t gfp, unsigned int order)
{
}

//@ mm/private_node/leave.c
bool private_node_any_guest(struct private_node *pn)
{
	return false;
}

bool private_node_guests_leave(const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order,
			       enum private_node_service user)
{
	return false;
}

void private_node_leave_now(struct private_node_leaving *l)
{
	putback_movable_pages(&l->folios);
}

int private_node_move_out(struct private_node_leaving *l, struct folio *folio)
{
	return 0;
}

int private_node_way_out(struct folio *folio, int gone, nodemask_t *to)
{
	return 0;
}

//@ mm/private_node/promote.c
void private_node_promote_start(struct private_node *pn)
{
}

void private_node_promoted(struct private_node *pn,
			   enum private_node_service user, unsigned long moved,
			   unsigned long left)
{
}

//@ mm/private_node/tier.c
int private_node_adistance(struct private_node *pn)
{
	return READ_ONCE(pn->adistance) ?: pn->owner_adistance;
}

//@ 4a-services-tiers/20-mm-tier-nodes
void private_node_tier_update(int nid)
{
}

//@ mm/private_node/mark.c
bool private_node_mark(struct folio *folio)
{
	return false;
}

unsigned long private_node_next_mark(struct private_node *pn,
				     unsigned long pfn, unsigned long end)
{
	return end;
}

bool private_node_page_is_guest(const struct page *page)
{
	return false;
}

void private_node_unmark(struct page *page, unsigned int order)
{
}

//@ mm/private_node/range.c
#if defined(CONFIG_HUGETLB_PAGE) && defined(CONFIG_CONTIG_ALLOC)
struct page *private_node_alloc_gigantic(struct private_node *pn,
					 unsigned int order,
					 enum private_node_service user)
{
	return NULL;
}
#endif

/* For private_node_sim. */
struct page *private_node_alloc_range(struct private_node *pn,
				      unsigned long nr_pages,
				      unsigned long align, unsigned int flags)
{
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL_GPL(private_node_alloc_range);

void private_node_free_range(struct page *page, unsigned long nr_pages)
{
}
EXPORT_SYMBOL_GPL(private_node_free_range);

//@ mm/private_node/told.c
void __private_node_freed(struct page *page, unsigned int order)
{
}

int private_node_watch(struct private_node *pn, struct folio *folio)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(private_node_watch);

//@ mm/private_node/device.c
const struct private_node_subscriber private_node_device_subscriber;

int private_node_emit_devices(struct private_node *pn, char *buf)
{
	return 0;
}

void private_node_flush_buffers(struct private_node *pn)
{
}

void private_node_describe_buffer(const struct page *page, char *text,
				  size_t size)
{
}

/* For private_node_sim. */
int private_node_attach_device(struct private_node *pn, struct device *dev)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(private_node_attach_device);

int private_node_detach_device(struct device *dev)
{
	return -ENOENT;
}
EXPORT_SYMBOL_GPL(private_node_detach_device);

//@ mm/private_node/collapse.c
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* No range of a private node is collapsed yet. */
bool __private_node_no_collapse(const struct vm_area_struct *vma)
{
	return true;
}
#endif

//@ mm/private_node/hugetlb.c
#ifdef CONFIG_HUGETLB_PAGE
void private_node_pools_note(int nid, unsigned long *pools)
{
}

void private_node_pools_refill(struct private_node *pn,
			       const unsigned long *pools)
{
}

void private_node_tell_hugetlb(struct vm_area_struct *vma, unsigned long addr,
			       const struct mempolicy *pol, const char *fate)
{
}
#endif

//@ mm/private_node/zswap_leave.c
#if IS_ENABLED(CONFIG_ZSWAP)
unsigned long zswap_leave_node(int nid, unsigned long max, gfp_t gfp)
{
	return 0;
}
#endif

//@ mm/private_node/zswap.c
#if IS_ENABLED(CONFIG_ZSWAP)
void private_node_zswap_forget(int nid)
{
}
#endif

//@ 5-cram/65-mm-zswap-stays
#if IS_ENABLED(CONFIG_ZSWAP)
bool zswap_compress_again(struct folio *folio)
{
	return false;
}

bool zswap_lose(struct folio *folio)
{
	return false;
}
#endif
