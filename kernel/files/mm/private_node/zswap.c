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

	if (PageHWPoison(&stored->page) ||
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

/*
 * Ordinary nodes that the cgroup may have.  The policy of the page's user is
 * known only when the page is swapped in.
 */
static void leave_policy(struct mempolicy *pol, struct mem_cgroup *memcg)
{
	*pol = (struct mempolicy){
		.mode = MPOL_BIND,
		.nodes = node_states[N_MEMORY],
		.home_node = NUMA_NO_NODE,
	};
	mem_cgroup_node_filter_allowed(memcg, &pol->nodes);
}

/*
 * Keeps a page that leaves the node in zswap, so that the policy of its user
 * says where it goes when it is swapped in.  Returns true when it did; then
 * @folio is out of the swap cache, unlocked, and the caller's reference is
 * gone.
 */
static bool stays_in_swap(struct folio *folio)
{
	bool stays;

	/* The folio was just put into this CPU's LRU batch. */
	lru_add_drain();
	if (!folio_isolate_lru(folio))
		return false;
	stays = zswap_compress_again(folio);
	if (stays) {
		folio_put(folio);
		/*
		 * Tasks that wait for the folio lock look up the swap entry
		 * again.
		 */
		if (!remove_mapping(folio_mapping(folio), folio))
			swap_cache_del_folio(folio);
		folio_unlock(folio);
	}
	folio_putback_lru(folio);
	return stays;
}

/*
 * Moves a stored page off its node: zswap compresses it, or if that fails it
 * stays in the swap cache, as after a swap-in.  Returns false when there is no
 * memory, or the entry was gone.
 */
static bool leave_entry(swp_entry_t swp, struct mem_cgroup *memcg, gfp_t gfp)
{
	struct swap_info_struct *si = get_swap_device(swp);
	struct mempolicy pol;
	struct folio *folio;
	int ret;

	if (!si)
		return false;
	leave_policy(&pol, memcg);
	folio = swap_cache_alloc_folio(swp, gfp, BIT(0), NULL, &pol,
				       NO_INTERLEAVE_INDEX);
	put_swap_device(si);
	if (IS_ERR(folio))
		return false;
	if (stays_in_swap(folio))
		return true;
	ret = node_isset(folio_nid(folio), pol.nodes) ? zswap_load(folio) :
							-ENOENT;
	if (ret == -ENOENT) {
		swap_cache_del_folio(folio);
		folio_unlock(folio);
	}
	folio_put(folio);
	return !ret;
}

/* Entries looked at under the lock of an LRU list of zswap. */
#define LEAVE_SCAN	1024UL
/* Lists of which all that zswap_leave_node() may look at is looked at. */
#define LEAVE_LISTS	16

/*
 * @most and @scan are how many entries may be looked at: on one list, and on
 * all lists together.
 */
struct leaver {
	int nid;
	gfp_t gfp;
	unsigned long want;
	unsigned long moved;
	unsigned long most;
	unsigned long scan;
};

static void leave_list(struct leaver *leaver, int from,
		       struct mem_cgroup *memcg)
{
	unsigned long nr = zswap_list_count(from, memcg), todo, left;
	swp_entry_t entries[SWAP_CLUSTER_MAX];
	unsigned int found;

	nr = min3(nr, leaver->most, leaver->scan);
	for (; nr && leaver->moved < leaver->want; nr -= todo - left) {
		todo = min(nr, LEAVE_SCAN);
		left = todo;
		found = zswap_list_stored(from, memcg, leaver->nid, entries,
					  &left);
		/* The list is empty by now. */
		if (left == todo)
			break;
		leaver->scan -= todo - left;
		while (found--)
			leaver->moved += leave_entry(entries[found], memcg,
						     leaver->gfp);
		cond_resched();
	}
}

/*
 * zswap_leave_node - move pages that zswap stored on a node off it
 * @nid: the private node
 * @max: how many at least, if they can; ULONG_MAX for all
 * @gfp: for new folios
 *
 * zswap does not know which of its entries lie on the node.  Unless all have to
 * leave, a bounded number of entries is looked at, and the next call goes on
 * with others and other cgroups.
 *
 * Context: process, may sleep.
 * Return: how many pages left.
 */
unsigned long zswap_leave_node(int nid, unsigned long max, gfp_t gfp)
{
	struct mem_cgroup_reclaim_cookie cookie = { .pgdat = NODE_DATA(nid) };
	bool all = max == ULONG_MAX;
	struct leaver leaver = {
		.nid = nid,
		.gfp = gfp,
		.want = max,
		.most = max(max, LEAVE_SCAN),
		.scan = all ? max : LEAVE_LISTS * max(max, LEAVE_SCAN),
	};
	struct mem_cgroup *memcg = NULL;
	int from;

	do {
		memcg = mem_cgroup_iter(NULL, memcg, all ? NULL : &cookie);
		for_each_node_state(from, N_NORMAL_MEMORY)
			leave_list(&leaver, from, memcg);
		if (leaver.moved >= max || !leaver.scan) {
			mem_cgroup_iter_break(NULL, memcg);
			break;
		}
	} while (memcg);
	return leaver.moved;
}
