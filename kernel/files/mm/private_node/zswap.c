// SPDX-License-Identifier: GPL-2.0-only
/*
 * zswap on a private node: pages are stored there as they are, instead of being
 * compressed in software.  The node is fenced (compressed RAM), or slow memory.
 *
 * The administrator names the node (/sys/module/zswap/parameters/node), which
 * has to be open to demotion.  When the node has no room, zswap compresses as
 * usual.  The stored pages belong to zswap and are on no LRU list.  When the
 * node is emptied, they are compressed.
 */
#define pr_fmt(fmt) "zswap: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/swap.h>
#include <linux/zswap.h>

#include "../internal.h"
#include "../swap.h"
#include "internal.h"
#include "zswap.h"

#define STORE_GFP	(GFP_NOWAIT | __GFP_NOWARN)

int private_node_zswap_nid __read_mostly = NUMA_NO_NODE;

static int refuse_zswap_node(int nid, const char *why)
{
	pr_err("node=%d: %s; nothing was changed\n", nid, why);
	return -EINVAL;
}

static int check_zswap_node(int nid)
{
	struct private_node *pn;
	int ret = 0;

	if (nid < NUMA_NO_NODE || nid >= MAX_NUMNODES)
		return refuse_zswap_node(nid, "neither a node nor -1");
	/* On the command line the node need not exist yet. */
	if (nid == NUMA_NO_NODE || system_state < SYSTEM_RUNNING)
		return 0;
	pn = private_node_find(nid);
	if (!pn)
		return refuse_zswap_node(nid, "not a private node");
	if (!private_node_service_enabled(nid, PRIVATE_NODE_DEMOTION))
		ret = refuse_zswap_node(nid, "it is closed to demotion");
	private_node_put(pn);
	return ret;
}

/*
 * private_node_zswap_forget - reset the parameter when a registration ends
 * @nid: the node; the next owner of the id was not meant
 *
 * Context: any.
 */
void private_node_zswap_forget(int nid)
{
	if (cmpxchg(&private_node_zswap_nid, nid, NUMA_NO_NODE) == nid)
		pr_info("node %d: zswap stores nothing there any more\n", nid);
}

static void forget_handle(struct private_node *pn)
{
	private_node_zswap_forget(pn->nid);
}

const struct private_node_subscriber private_node_zswap_subscriber = {
	.dead = forget_handle,
};

static int set_node(const char *val, const struct kernel_param *kp)
{
	int nid;

	if (kstrtoint(val, 10, &nid)) {
		pr_err("node='%.*s': not a number; nothing was changed\n",
		       (int)strcspn(val, "\n"), val);
		return -EINVAL;
	}
	if (check_zswap_node(nid))
		return -EINVAL;
	WRITE_ONCE(private_node_zswap_nid, nid);
	/*
	 * The registration may have ended meanwhile.  Either this check sees
	 * that, or forget_handle() sees the new parameter and resets it.
	 */
	smp_mb(); /* pairs with cmpxchg() in private_node_zswap_forget() */
	if (check_zswap_node(nid)) {
		private_node_zswap_forget(nid);
		return -EINVAL;
	}
	return 0;
}

const struct kernel_param_ops private_node_zswap_ops = {
	.set = set_node,
	.get = param_get_int,
};

/* May the page's cgroup use the node? */
static bool cgroup_allows(struct page *page, int nid)
{
	nodemask_t nodes = nodemask_of_node(nid);

	private_node_cgroup_may_have(page_folio(page), &nodes);
	return !nodes_empty(nodes);
}

static struct folio *take_folio(struct private_node *pn)
{
	if (private_node_named_first(pn))
		return NULL;
	if (private_node_fenced(pn->nid))
		return private_node_fence->take_one(pn, STORE_GFP);
	return private_node_alloc_exact(pn, STORE_GFP, 0, PRIVATE_NODE_DEMOTION);
}

VISIBLE_IF_KUNIT bool private_node_zswap_copy(struct folio *folio,
					      struct page *page)
{
	KUNIT_STATIC_STUB_REDIRECT(private_node_zswap_copy, folio, page);
	return private_node_fenced(folio_nid(folio)) ?
	       !private_node_fence->copy(&folio->page, page) :
	       !copy_mc_highpage(&folio->page, page);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_zswap_copy);

static bool store_on(struct private_node *pn, struct page *page,
		     unsigned long *handle)
{
	struct folio *folio = take_folio(pn);
	bool copied;

	if (!folio)
		return false;
	copied = private_node_mark(folio) && private_node_zswap_copy(folio, page);
	if (private_node_fenced(folio_nid(folio))) {
		if (copied)
			private_node_fence->stored(folio);
		else
			private_node_fence->undo(folio);
	}
	if (copied)
		*handle = (unsigned long)folio | PRIVATE_NODE_ZSWAP;
	else
		folio_put(folio);
	return copied;
}

/*
 * See mm/private_node/zswap.h.
 *
 * The gate is held until the page has its data and is in the caller's handle:
 * after a close nothing is written to the node any more.
 */
bool __private_node_zswap_store(struct page *page, unsigned long *handle)
{
	const enum private_node_service user = PRIVATE_NODE_DEMOTION;
	int nid = READ_ONCE(private_node_zswap_nid);
	struct private_node *pn = private_node_find(nid);
	bool stored = false;

	if (!pn)
		return false;
	/* If the page is on the node already, storing it would free nothing. */
	if (page_to_nid(page) != nid && cgroup_allows(page, nid)) {
		if (private_node_enter(pn, user)) {
			stored = store_on(pn, page, handle);
			private_node_leave(pn, user);
		} else {
			private_node_refuse(pn, user, PRIVATE_NODE_REFUSED, 0);
		}
	}
	private_node_put(pn);
	return stored;
}

static struct folio *folio_of(unsigned long handle)
{
	return (struct folio *)(handle & ~PRIVATE_NODE_ZSWAP);
}

/*
 * private_node_zswap_lost - is an entry of zswap a page that cannot be read?
 * @handle: of any entry of zswap
 *
 * Context: any.
 * Return: true if it is: its node's memory is lost.
 */
bool private_node_zswap_lost(unsigned long handle)
{
	return private_node_zswap_has(handle) &&
	       private_node_is_lost(folio_nid(folio_of(handle)));
}

/*
 * private_node_zswap_load - read a stored page
 * @handle: handle for which private_node_zswap_has() is true
 * @folio: small folio, filled in
 *
 * Context: process.
 * Return: false when the memory has failed.
 */
bool private_node_zswap_load(unsigned long handle, struct folio *folio)
{
	struct folio *stored = folio_of(handle);

	if (private_node_zswap_lost(handle) || PageHWPoison(&stored->page) ||
	    copy_mc_highpage(&folio->page, &stored->page))
		return false;
	flush_dcache_folio(folio);
	return true;
}

/* See mm/private_node/zswap.h. */
void __private_node_zswap_free(unsigned long handle)
{
	folio_put(folio_of(handle));
}

/*
 * private_node_zswap_on - is an entry of zswap a page on a given node?
 * @handle: of any entry of zswap
 * @nid: node id
 *
 * Context: any.
 * Return: true if it is.
 */
bool private_node_zswap_on(unsigned long handle, int nid)
{
	return private_node_zswap_has(handle) &&
	       folio_nid(folio_of(handle)) == nid;
}
