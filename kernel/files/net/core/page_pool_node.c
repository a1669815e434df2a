// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page pools of devices that are attached to a private node.
 *
 * Such a pool takes its pages from the node, and pool->p.nid is the node's id,
 * so that the pages count as near ones and are recycled.  Pages that the node's
 * on_full took from elsewhere count as far: the pool gives them back instead of
 * recycling them, and asks the node again.
 */
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/private_node_device.h>
#include <linux/topology.h>
#include <net/netlink.h>

#include "page_pool_node.h"
#include "page_pool_priv.h"

static struct private_node_device *find_attached(const struct page_pool *pool)
{
	struct private_node_device *pd = NULL;

	if (pool->slow.netdev)
		pd = private_node_device_get(&pool->slow.netdev->dev);
	return pd ?: private_node_device_get(pool->p.dev);
}

/*
 * __page_pool_node_init - see page_pool_node_init()
 *
 * The interface's own device and those above it come first, then the device
 * that does the DMA.
 *
 * A card may be near a private node and not be attached to it.  Its pool gets no
 * page of that node, so pages of that node cannot be what it recycles.
 */
void __page_pool_node_init(struct page_pool *pool)
{
	int nid;

	if (pool->p.nid != NUMA_NO_NODE &&
	    private_node_hooked(page_pool_home, pool->p.nid))
		pool->p.nid = NUMA_NO_NODE;
	pool->node.home = pool->p.nid;
	pool->node.dev = find_attached(pool);
	if (!pool->node.dev)
		return;
	nid = private_node_device_nid(pool->node.dev);
	if (nid == NUMA_NO_NODE)
		return;
	pool->node.on = true;
	pool->p.nid = nid;
}

/*
 * page_pool_node_exit - undo page_pool_node_init()
 * @pool: the pool, whose pages have all come back
 *
 * Context: process.
 */
void page_pool_node_exit(struct page_pool *pool)
{
	private_node_device_put(pool->node.dev);
}

/* The device was detached: from now on the pool is like any other. */
static void go_home(struct page_pool *pool)
{
	pool->p.nid = pool->node.home;
	WRITE_ONCE(pool->node.on, false);
}

/*
 * page_pool_node_alloc - allocate pages for a pool whose device is attached
 * @pool: the pool, for which page_pool_on_node() is true
 * @gfp: as for alloc_pages()
 * @nr: how many of the pool's order are wanted
 * @pages: result
 *
 * Context: where pages of the pool are allocated; sleeps as @gfp allows.
 * Return: number of pages, which may be less than @nr, and 0.
 */
unsigned int page_pool_node_alloc(struct page_pool *pool, gfp_t gfp,
				  unsigned int nr, struct page **pages)
{
	int nid = pool->p.nid;
	int got;

	got = private_node_device_alloc(pool->node.dev, gfp, pool->p.order, nr,
					pages);
	if (got == -ENODEV) {
		go_home(pool);
		pages[0] = alloc_pages_node(pool->p.nid, gfp | __GFP_COMP,
					    pool->p.order);
		return pages[0] ? 1 : 0;
	}
	/* All come from the node, or none does. */
	if (got && page_to_nid(pages[0]) == nid)
		pool->node.pages += got;
	else
		pool->node.fallback += got;
	return got;
}

/* For page-pool-get of netlink: the node, while the device is attached. */
int page_pool_node_nl_fill(const struct page_pool *pool, struct sk_buff *rsp)
{
	int nid;

	if (!READ_ONCE(pool->node.on))
		return 0;
	nid = private_node_device_nid(pool->node.dev);
	return nid == NUMA_NO_NODE ? 0 :
	       nla_put_u32(rsp, NETDEV_A_PAGE_POOL_PRIVATE_NODE, nid);
}

/* For page-pool-stats-get of netlink. */
int page_pool_node_nl_stats(const struct page_pool *pool, struct sk_buff *rsp)
{
	if (!pool->node.dev)
		return 0;
	return nla_put_uint(rsp, NETDEV_A_PAGE_POOL_STATS_PRIVATE_NODE_PAGES,
			    pool->node.pages) ?:
	       nla_put_uint(rsp, NETDEV_A_PAGE_POOL_STATS_PRIVATE_NODE_FALLBACK,
			    pool->node.fallback);
}

static void describe_pool(const struct page_pool *pool, char *text,
			  size_t size)
{
	const struct net_device *netdev = pool->slow.netdev;

	if (pool->user.detach_time)
		snprintf(text, size,
			 "of page pool %u, which was destroyed and waits for its pages",
			 pool->user.id);
	else if (!hlist_unhashed(&pool->user.list))
		snprintf(text, size, "of page pool %u of %s", pool->user.id,
			 netdev_name(netdev));
	else
		snprintf(text, size, "of page pool %u", pool->user.id);
}

/*
 * page_pool_describe - say which page pool a page is of
 * @page: with a reference; page_pool_page_is_pp() is true
 * @text: result, such as "of page pool 3 of eth1"; untouched if the pool is not
 *	found, or the list of pools is in use just now
 * @size: room in @text
 *
 * The page may leave its pool meanwhile, and the pool may be freed, so the pool
 * is only compared with those that exist.
 *
 * Context: process, may sleep.
 */
void page_pool_describe(const struct page *page, char *text, size_t size)
{
	const void *wanted = READ_ONCE(page->pp);
	struct page_pool *pool;
	unsigned long id;

	if (!mutex_trylock(&page_pools_lock))
		return;
	xa_for_each(&page_pools, id, pool)
		if (pool == wanted)
			describe_pool(pool, text, size);
	mutex_unlock(&page_pools_lock);
}
