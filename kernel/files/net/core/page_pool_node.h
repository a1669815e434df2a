/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page pools of devices that are attached to a private node, see
 * private_node_attach_device().
 *
 * Implemented in net/core/page_pool_node.c.
 */
#ifndef _NET_CORE_PAGE_POOL_NODE_H
#define _NET_CORE_PAGE_POOL_NODE_H

#include <linux/private_node.h>
#include <net/netmem.h>
#include <net/page_pool/types.h>

struct net_device;
struct sk_buff;
struct xarray;

#ifdef CONFIG_PRIVATE_NODE

void page_pool_node_start(struct xarray *pools);
void page_pool_node_init(struct page_pool *pool);
void page_pool_node_exit(struct page_pool *pool);
void page_pool_node_unreg(struct net_device *netdev);
unsigned int page_pool_node_alloc(struct page_pool *pool, gfp_t gfp,
				  unsigned int nr, struct page **pages);
bool __page_pool_node_unwanted(const struct page_pool *pool,
			       netmem_ref netmem);
int page_pool_node_nl_fill(const struct page_pool *pool, struct sk_buff *rsp);
int page_pool_node_nl_stats(const struct page_pool *pool, struct sk_buff *rsp);

/*
 * Does the pool take its pages from a private node?
 *
 * Cost: a static branch; with private nodes, a load.
 * Context: where pages of the pool are allocated.
 */
static __always_inline bool page_pool_on_node(const struct page_pool *pool)
{
	return private_node_any() && READ_ONCE(pool->node.on);
}

/*
 * Must a page leave the pool, which is, or was, on a private node?
 *
 * Pages that the node's on_full took from elsewhere are not kept, and none of
 * the node once the device was detached.
 *
 * Cost: a static branch; with private nodes, a load.
 * Context: where pages come back to the pool.
 */
static __always_inline bool page_pool_node_unwanted(const struct page_pool *pool,
						    netmem_ref netmem)
{
	return private_node_any() && READ_ONCE(pool->node.picky) &&
	       __page_pool_node_unwanted(pool, netmem);
}

/*
 * Has the pool come to a private node, or left it, since it was asked last?
 *
 * Cost: a static branch; with private nodes, a load.
 * Context: where pages of the pool are allocated.
 */
static __always_inline bool page_pool_node_changed(struct page_pool *pool)
{
	if (!private_node_any() || likely(!READ_ONCE(pool->node.changed)))
		return false;
	WRITE_ONCE(pool->node.changed, false);
	return true;
}

/* Called by code that changes the node of a pool.  Returns true if it stays. */
static inline bool page_pool_node_stays(struct page_pool *pool, int new_nid)
{
	if (!page_pool_on_node(pool))
		return false;
	WRITE_ONCE(pool->node.home, new_nid);
	return true;
}

static inline struct page *page_pool_node_alloc_one(struct page_pool *pool,
						    gfp_t gfp)
{
	struct page *page;

	return page_pool_node_alloc(pool, gfp, 1, &page) ? page : NULL;
}

#else /* !CONFIG_PRIVATE_NODE */

/* Macros, so that the callers compile to the same code as without them. */
#define page_pool_on_node(pool)		((void)(pool), false)
#define page_pool_node_unwanted(pool, netmem) \
	((void)(pool), (void)(netmem), false)
#define page_pool_node_changed(pool)	((void)(pool), false)
#define page_pool_node_start(pools)	((void)(pools))
#define page_pool_node_init(pool)	((void)(pool))
#define page_pool_node_exit(pool)	((void)(pool))
#define page_pool_node_unreg(netdev)	((void)(netdev))
#define page_pool_node_stays(pool, new_nid) \
	((void)(pool), (void)(new_nid), false)
#define page_pool_node_alloc(pool, gfp, nr, pages) \
	((void)(pool), (void)(gfp), (void)(nr), (void)(pages), 0)
#define page_pool_node_alloc_one(pool, gfp) \
	((void)(pool), (void)(gfp), NULL)
#define page_pool_node_nl_fill(pool, rsp)	((void)(pool), (void)(rsp), 0)
#define page_pool_node_nl_stats(pool, rsp)	((void)(pool), (void)(rsp), 0)

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _NET_CORE_PAGE_POOL_NODE_H */
