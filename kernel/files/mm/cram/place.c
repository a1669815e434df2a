// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement on compressed RAM: which folios it takes, admission, reservations,
 * and pages that are stored.  See the steps in core.c.
 *
 * Demotion and zswap (mm/private_node/) call this file by struct
 * private_node_fence.
 */
#include <linux/math64.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/topology.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* Anonymous memory may be placed: a switch of /sys/kernel/mm/cram. */
bool cram_anon __read_mostly = true;

/*
 * cram_may_take - does a device have credit for a placement?
 * @nid: node of the device
 * @nr: pages
 *
 * Reserves nothing.  Counts and traces a refusal, and starts a reading if that
 * can help.
 *
 * Context: any but NMI.
 */
bool cram_may_take(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd)
		return false;
	if (!cram_admits(cd)) {
		cram_count(cd, CRAM_REFUSED_STATE, nr);
		return false;
	}
	if (cram_ledger_credit(&cd->ledger) >= (s64)(cd->ledger.worst * nr) ||
	    cd->ledger.disabled)
		return true;
	cram_count(cd, CRAM_REFUSED_CREDIT, nr);
	trace_cram_refused(nid, nr);
	cram_request_room(cd);
	return false;
}

/*
 * cram_has_room - does a device have credit for at least one page?
 * @nid: its node
 *
 * Says no as well when neither anonymous memory nor page cache may be placed.
 * Any other no counts as the refusal of a page: reclaim that hears it offers the
 * device nothing.
 *
 * Context: any but NMI.
 */
bool cram_has_room(int nid)
{
	/* Without either, reclaim would look for folios in vain. */
	return (READ_ONCE(cram_anon) || READ_ONCE(cram_file)) &&
	       cram_may_take(nid, 1);
}

/*
 * cram_credit_pages - for how many more pages does a device have credit?
 * @nid: its node
 *
 * Context: any.
 * Return: pages; 0 when nothing or no anonymous memory is admitted.
 */
unsigned long cram_credit_pages(int nid)
{
	struct cram_device *cd;
	s64 credit;

	if (!READ_ONCE(cram_anon))
		return 0;
	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd || !cram_admits(cd))
		return 0;
	credit = cram_ledger_credit(&cd->ledger);
	return credit > 0 ? div_u64(credit, cd->ledger.worst) : 0;
}

/*
 * cram_reserve - reserve the worst case of a placement
 * @nid: node of the device
 * @nr: pages
 *
 * Context: any but NMI.
 * Return: true when reserved.  Then has to follow: cram_unreserve() when no
 * page was taken; else cram_stored(), or cram_not_stored() before the page is
 * freed.
 */
bool cram_reserve(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd)
		return false;
	/* The ledger checks for an open capacity event itself. */
	if (cram_usable(cd) && cram_batch_reserve(cd, nr))
		return true;
	if (!cram_admits(cd)) {
		cram_count(cd, CRAM_REFUSED_STATE, nr);
		return false;
	}
	cram_count(cd, CRAM_REFUSED_CREDIT, nr);
	cram_request_room(cd);
	return false;
}

/* See mm/cram/fence.h. */
bool __cram_leaves(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (!cd || cram_batch_take(cd, nr))
		return true;
	cram_count(cd, CRAM_REFUSED_TOKEN, nr);
	return false;
}

/* See mm/cram/fence.h. */
void __cram_stayed(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (cd)
		cram_check_books(cd, cram_batch_untake(cd, nr));
}

/* Ends a reservation of pages that were not taken.  Context: any but NMI. */
void cram_unreserve(int nid, unsigned long nr)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(nid);
	if (cd)
		cram_check_books(cd, cram_batch_cancel(cd, nr));
}

/*
 * Returns false if a page was resident already.  Such a page has no
 * reservation, and settling it twice would use up that of another page.
 */
static bool mark_resident(struct cram_device *cd, struct folio *folio)
{
	unsigned long i = folio_pfn(folio) - cd->first_pfn;
	unsigned long nr = folio_nr_pages(folio);
	bool fresh = true;

	for (; nr--; i++)
		fresh &= !test_and_set_bit(i, cd->resident);
	return fresh;
}

static struct cram_device *settle_folio(struct folio *folio)
{
	struct cram_device *cd = cram_peek(folio_nid(folio));
	unsigned long nr = folio_nr_pages(folio);
	bool balance;

	if (!cd)
		return NULL;
	if (cd->desc.ops->stored)
		cd->desc.ops->stored(cd, folio_pfn(folio), nr);
	balance = mark_resident(cd, folio);
	balance &= cram_batch_settle(cd, nr);
	cram_check_books(cd, balance);
	return cd;
}

/*
 * Does a folio that is being stored belong to zswap?  Such a folio never has a
 * mapping.  A folio that was migrated here has its mapping by now.
 */
static bool is_zswaps(const struct folio *folio)
{
	return !folio->mapping;
}

static enum cram_stat admitted_as(const struct folio *folio)
{
	if (is_zswaps(folio))
		return CRAM_ADMITTED_ZSWAP;
	return folio_test_anon(folio) ? CRAM_ADMITTED : CRAM_ADMITTED_FILE;
}

/* See mm/cram/fence.h. */
void __cram_stored(struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio);
	struct cram_device *cd;

	scoped_guard(rcu)
		cd = settle_folio(folio);
	/* The device is not unregistered while one of its pages is in use. */
	if (!cd)
		return;
	cram_debug_stored(cd, folio_pfn(folio), nr);
	if (!is_zswaps(folio))
		cram_thrash_placed(cd, folio);
	cram_count(cd, admitted_as(folio), nr);
	trace_cram_admitted(cd->nid, folio_pfn(folio), nr);
	cram_read_if_low(cd);
}

/*
 * cram_not_stored - a folio that was taken is about to be freed unused
 * @folio: the folio; part of it may have been copied
 *
 * Its pages are settled when they are freed, see trim.c.
 *
 * Context: process.
 */
void cram_not_stored(struct folio *folio)
{
	struct cram_device *cd;

	cram_memcg_undo(folio);
	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return;
	cram_check_books(cd, cram_batch_not_stored(cd, folio_nr_pages(folio)));
	cram_count(cd, CRAM_FAILED, folio_nr_pages(folio));
}

/* See mm/cram/fence.h. */
bool __cram_may_reuse(struct vm_fault *vmf, struct folio *folio, bool reuse)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return reuse;
	if (reuse && cram_grant(cd, folio, vmf))
		return true;
	cram_count(cd, CRAM_COPIED_UP, 1);
	trace_cram_copied_up(cd->nid, folio_pfn(folio));
	return false;
}

/*
 * May compressed RAM take this anonymous folio?  It must not be in swap, and
 * only writes through page tables may reach it, since those are what the fence
 * stops.
 */
static bool takes_anon(struct folio *folio)
{
	return READ_ONCE(cram_anon) && folio_test_anon(folio) &&
	       folio_test_swapbacked(folio) && !folio_test_swapcache(folio) &&
	       !folio_test_ksm(folio) && !folio_test_mlocked(folio);
}

/* Drops devices that do not take @folio. */
static void drop_unfit(struct folio *folio, nodemask_t *nodes)
{
	bool may = (takes_anon(folio) || cram_may_file(folio)) &&
		   cram_memcg_may_take(folio);
	int nid;

	for_each_node_mask(nid, cram_nodes)
		if (!may || !cram_may_take(nid, folio_nr_pages(folio)))
			node_clear(nid, *nodes);
}

static bool charge_folio(struct folio *src)
{
	return (takes_anon(src) || cram_may_file(src)) && cram_memcg_charge(src);
}

static struct folio *take_from(int nid, gfp_t gfp, unsigned int order)
{
	nodemask_t only = nodemask_of_node(nid);

	return private_node_walk(nid, &only, gfp, order, PRIVATE_NODE_DEMOTION);
}

/* A page of a device is paid for before it is taken. */
static struct folio *pay_and_take(int nid, nodemask_t *nodes, gfp_t gfp,
				  unsigned int order)
{
	struct folio *dst;

	if (!cram_reserve(nid, 1UL << order)) {
		node_clear(nid, *nodes);
		return NULL;
	}
	dst = take_from(nid, gfp, order);
	if (!dst)
		cram_unreserve(nid, 1UL << order);
	return dst;
}

/*
 * One node after the other, so that only the device that is about to be asked for
 * a page is paid.  Devices without credit are removed from @nodes.
 */
static struct folio *take_nearest(int from, nodemask_t *nodes, gfp_t gfp,
				  unsigned int order)
{
	nodemask_t left = *nodes;
	struct folio *dst = NULL;
	int nid;

	while (!dst && !nodes_empty(left)) {
		nid = nearest_node_nodemask(from, &left);
		node_clear(nid, left);
		if (node_isset(nid, cram_nodes))
			dst = pay_and_take(nid, nodes, gfp, order);
		else
			dst = take_from(nid, gfp, order);
	}
	return dst;
}

/* Takes a place for @src, whose cgroup was charged for it already. */
static struct folio *take_charged(struct folio *src, int from, nodemask_t *nodes,
				  gfp_t gfp, unsigned int order)
{
	struct folio *dst = take_nearest(from, nodes, gfp, order);

	if (dst && cram_node(folio_nid(dst)))
		cram_memcg_remember(dst, src);
	else
		cram_memcg_uncharge(src);
	return dst;
}

/* For zswap, which charges its pages itself. */
static struct folio *take_one(struct private_node *pn, gfp_t gfp)
{
	struct folio *folio;

	if (!cram_reserve(pn->nid, 1))
		return NULL;
	folio = private_node_alloc_exact(pn, gfp, 0, PRIVATE_NODE_DEMOTION);
	if (folio)
		cram_memcg_remember_none(folio);
	else
		cram_unreserve(pn->nid, 1);
	return folio;
}

static bool has_room(int nid, struct mem_cgroup *memcg)
{
	return !(memcg && cram_memcg_full(memcg)) && cram_has_room(nid);
}

const struct private_node_fence cram_fence = {
	.nodes = &cram_nodes,
	.takes_file = cram_may_file,
	.prepare_file = cram_prepare_file,
	.drop_unfit = drop_unfit,
	.has_room = has_room,
	.charge = charge_folio,
	.take = take_charged,
	.take_one = take_one,
	.copy = cram_copy_page,
	.stored = cram_stored,
	.undo = cram_not_stored,
	.moves_up = cram_thrash_moves_up,
	.credit = cram_credit_pages,
};
