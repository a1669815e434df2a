// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page pools of devices that are attached to a private node.
 *
 * Such a pool takes its pages from the node, and pool->p.nid is the node's id,
 * so that the pages count as near ones and are recycled.  Pages that the node's
 * on_full took from elsewhere count as far: the pool gives them back instead of
 * recycling them, and asks the node again.  So it does with pages of the node
 * when the device was detached.  What lies idle in a ring leaves with the next
 * packets, since only the code that receives may take it out.
 *
 * All pools look for their attachment again when one comes or goes.  Writers of
 * pool->node and, while it is on, of pool->p.nid hold page_pools_lock.  Code
 * that allocates for a pool holds no lock, and enters the attachment, which
 * does not end before the code has left.  It may write pool->p.nid as well, and
 * then the next allocation puts right what became wrong.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/private_node.h>
#include <linux/topology.h>
#include <net/netlink.h>

#include "dev.h"
#include "page_pool_node.h"
#include "page_pool_priv.h"

/* All pools, a variable of page_pool_user.c; under page_pools_lock. */
static struct xarray *all_pools;

/*
 * The interface's own device and those above it come first, then the device
 * that does the DMA, before whose end its driver destroys the pools.
 */
static struct private_node_device *find_attached(const struct page_pool *pool)
{
	struct net_device *netdev = pool->node.netdev;

	return private_node_device_get(netdev ? &netdev->dev : NULL) ?:
	       private_node_device_get(pool->p.dev);
}

static struct private_node_device *node_of(const struct page_pool *pool)
{
	return rcu_dereference_protected(pool->node.dev,
					 lockdep_is_held(&page_pools_lock));
}

static void set_node(struct page_pool *pool, struct private_node_device *pd)
{
	int nid = pool->node.on ? pool->node.home : pool->p.nid;

	if (pd)
		WRITE_ONCE(pool->node.picky, true);
	WRITE_ONCE(pool->node.home, nid);
	WRITE_ONCE(pool->p.nid, pd ? private_node_device_nid(pd) : nid);
	rcu_assign_pointer(pool->node.dev, pd);
	WRITE_ONCE(pool->node.on, !!pd);
	WRITE_ONCE(pool->node.changed, true);
}

static void look_again(struct page_pool *pool)
{
	struct private_node_device *old, *new;

	lockdep_assert_held(&page_pools_lock);
	/* One that was destroyed only waits, and its device may be gone. */
	if (pool->mp_ops || pool->user.detach_time)
		return;
	old = node_of(pool);
	new = find_attached(pool);
	if (new != old)
		set_node(pool, new);
	/* The pool keeps one reference to @new. */
	private_node_device_put(old);
}

static void all_look_again(void)
{
	struct page_pool *pool;
	unsigned long id;

	guard(mutex)(&page_pools_lock);
	xa_for_each(all_pools, id, pool)
		look_again(pool);
}

/*
 * page_pool_node_init - find out whether the device of a new pool is attached
 * @pool: the pool, in the list of all pools, before it is used
 *
 * A card may be near a private node and not be attached to it.  Its pool gets
 * no page of that node, so pages of that node cannot be what it recycles.
 *
 * Context: process; page_pools_lock held.
 */
void page_pool_node_init(struct page_pool *pool)
{
	struct net_device *netdev = pool->slow.netdev;

	if (pool->p.nid != NUMA_NO_NODE && node_is_private(pool->p.nid))
		pool->p.nid = NUMA_NO_NODE;
	/*
	 * page_pool_node_unreg() was called before for an interface that is
	 * going, and is never called for a dummy one.
	 */
	if (netdev && netdev->reg_state <= NETREG_REGISTERED)
		pool->node.netdev = netdev;
	look_again(pool);
}

/*
 * page_pool_node_unreg - an interface goes, or moves to another namespace
 * @netdev: the interface
 *
 * In another namespace it is the interface of its pools as before.  A pool may
 * outlive its interface, and is not always listed with it.  If the interface
 * was attached itself, the pool follows when this attachment ends.
 *
 * Context: process; rtnl held.
 */
void page_pool_node_unreg(struct net_device *netdev)
{
	struct page_pool *pool;
	unsigned long id;

	if (netdev->reg_state == NETREG_REGISTERED)
		return;
	guard(mutex)(&page_pools_lock);
	xa_for_each(all_pools, id, pool)
		if (pool->node.netdev == netdev)
			pool->node.netdev = NULL;
}

/*
 * page_pool_node_exit - undo page_pool_node_init()
 * @pool: the pool, whose pages have all come back, and which is in no list
 *
 * Context: process.
 */
void page_pool_node_exit(struct page_pool *pool)
{
	private_node_device_put(rcu_access_pointer(pool->node.dev));
}

static struct private_node_device *enter(struct page_pool *pool)
{
	struct private_node_device *pd;

	guard(rcu)();
	pd = rcu_dereference(pool->node.dev);
	return pd && private_node_device_enter(pd) ? pd : NULL;
}

static unsigned int alloc_on_node(struct page_pool *pool,
				  struct private_node_device *pd, gfp_t gfp,
				  unsigned int nr, struct page **pages)
{
	int nid = private_node_device_nid(pd);
	unsigned int got;

	/* page_pool_update_nid() may have run together with set_node(). */
	if (unlikely(READ_ONCE(pool->p.nid) != nid))
		WRITE_ONCE(pool->p.nid, nid);
	got = private_node_device_alloc(pd, gfp, pool->p.order, nr, pages);
	/* All come from the node, or none does. */
	if (got && page_to_nid(pages[0]) == nid)
		pool->node.pages += got;
	else
		pool->node.fallback += got;
	return got;
}

/*
 * page_pool_node_alloc - allocate pages for a pool whose device is attached
 * @pool: the pool, for which page_pool_on_node() is true
 * @gfp: as for alloc_pages()
 * @nr: how many of the pool's order are wanted
 * @pages: result
 *
 * Takes an ordinary page if the device was detached just now.
 *
 * Context: where pages of the pool are allocated; sleeps as @gfp allows.
 * Return: number of pages, which may be less than @nr, and 0.
 */
unsigned int page_pool_node_alloc(struct page_pool *pool, gfp_t gfp,
				  unsigned int nr, struct page **pages)
{
	struct private_node_device *pd = enter(pool);
	unsigned int got;

	if (!pd) {
		pages[0] = alloc_pages_node(READ_ONCE(pool->node.home),
					    gfp | __GFP_COMP, pool->p.order);
		return pages[0] ? 1 : 0;
	}
	got = alloc_on_node(pool, pd, gfp, nr, pages);
	private_node_device_leave(pd);
	return got;
}

/* See page_pool_node_unwanted(). */
bool __page_pool_node_unwanted(const struct page_pool *pool,
			       netmem_ref netmem)
{
	int nid;

	if (netmem_is_net_iov(netmem))
		return false;
	nid = page_to_nid(netmem_to_page(netmem));
	return READ_ONCE(pool->node.on) ? nid != READ_ONCE(pool->p.nid) :
					  node_is_private(nid);
}

/* For page-pool-get of netlink: the node, while the device is attached. */
int page_pool_node_nl_fill(const struct page_pool *pool, struct sk_buff *rsp)
{
	struct private_node_device *pd = node_of(pool);

	/* A pool that was destroyed and waits for its pages has none. */
	return pd && !pool->user.detach_time ?
	       nla_put_u32(rsp, NETDEV_A_PAGE_POOL_PRIVATE_NODE,
			   private_node_device_nid(pd)) : 0;
}

/* For page-pool-stats-get of netlink. */
int page_pool_node_nl_stats(const struct page_pool *pool, struct sk_buff *rsp)
{
	u64 pages = READ_ONCE(pool->node.pages);
	u64 fallback = READ_ONCE(pool->node.fallback);

	if (!node_of(pool) && !pages && !fallback)
		return 0;
	return nla_put_uint(rsp, NETDEV_A_PAGE_POOL_STATS_PRIVATE_NODE_PAGES,
			    pages) ?:
	       nla_put_uint(rsp, NETDEV_A_PAGE_POOL_STATS_PRIVATE_NODE_FALLBACK,
			    fallback);
}

static void describe_pool(const struct page_pool *pool, char *text,
			  size_t size)
{
	if (pool->user.detach_time)
		snprintf(text, size,
			 "of page pool %u, which was destroyed and waits for its pages",
			 pool->user.id);
	else if (pool->node.netdev)
		snprintf(text, size, "of page pool %u of %s", pool->user.id,
			 netdev_name(pool->node.netdev));
	else
		snprintf(text, size, "of page pool %u", pool->user.id);
}

/*
 * The page may leave its pool meanwhile, and the pool may be freed, so the pool
 * is only compared with those that exist.
 */
static void describe_page(const struct page *page, char *text, size_t size)
{
	const void *wanted = READ_ONCE(page->pp);
	struct page_pool *pool;
	unsigned long id;

	if (!page_pool_page_is_pp(page) || !mutex_trylock(&page_pools_lock))
		return;
	xa_for_each(all_pools, id, pool)
		if (pool == wanted)
			describe_pool(pool, text, size);
	mutex_unlock(&page_pools_lock);
}

/*
 * Packets that a program has read, and that are to be freed by the CPU that
 * received them, wait there for the next packet; without one, for ever.
 */
static void flush_pages(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		kick_defer_list_purge(cpu);
}

static const struct private_node_buffers page_pool_buffers = {
	.look_again = all_look_again,
	.describe = describe_page,
	.flush = flush_pages,
};

/*
 * page_pool_node_start - hear of devices that are attached
 * @pools: all page pools
 *
 * Context: boot.
 */
void __init page_pool_node_start(struct xarray *pools)
{
	all_pools = pools;
	private_node_set_buffers(&page_pool_buffers);
}
