// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long-term pins of folios on private nodes: the longterm_pin service.
 */
#include <linux/mm.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

/*
 * Is the service longterm_pin enabled, so that only an unplug is in the way?
 * Then the pin waits for the outcome in mm/gup.c, and is tried again.
 */
static bool pin_waits(int nid)
{
	const enum private_node_service pin =
		PRIVATE_NODE_LONGTERM_PIN;
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && private_node_serves(pn, pin);
}

/*
 * private_node_pin - may folios of a node be pinned for long in place?
 * @nid: a private node
 *
 * The caller holds a reference to the folio already.  So after a close has
 * waited for the gate, every pin that was admitted can be seen in the reference
 * count of its folio.
 *
 * Context: process.
 * Return: true if they may; then the pin was counted.
 */
bool private_node_pin(int nid)
{
	const enum private_node_service pin =
		PRIVATE_NODE_LONGTERM_PIN;
	struct private_node *pn = private_node_find(nid);
	bool open;

	if (!pn)
		return false;
	open = private_node_enter(pn, pin);
	if (open) {
		private_node_count(pn, pin, PRIVATE_NODE_USED, 1);
		private_node_leave(pn, pin);
	} else {
		private_node_note_refused(pn);
	}
	private_node_put(pn);
	return open;
}

static void count_pin(struct folio *folio, bool moves)
{
	struct private_node *pn = private_node_find(folio_nid(folio));

	if (!pn)
		return;
	if (moves)
		this_cpu_add(pn->stats->pin_moved, folio_nr_pages(folio));
	else
		private_node_refuse(pn,
				    PRIVATE_NODE_LONGTERM_PIN,
				    PRIVATE_NODE_REFUSED, 0);
	private_node_put(pn);
}

/*
 * __private_node_pin_refused - see private_node_pin_refused()
 */
bool __private_node_pin_refused(struct folio *folio)
{
	nodemask_t to = node_states[N_MEMORY];
	bool moves;

	if (private_node_pin(folio_nid(folio)))
		return false;
	if (pin_waits(folio_nid(folio)))
		return true;
	/* -EAGAIN counts as movable, since the code that moves asks again. */
	moves = private_node_is_guest(folio) &&
		private_node_may_go(folio, &to, NUMA_NO_NODE);
	count_pin(folio, moves);
	return !moves;
}

/*
 * __private_node_pin_lost - see private_node_pin_lost()
 */
bool __private_node_pin_lost(struct folio *folio)
{
	return !private_node_service_enabled(folio_nid(folio),
					     PRIVATE_NODE_LONGTERM_PIN) &&
	       !private_node_is_guest(folio);
}

/*
 * private_node_ordinary_target - allocate the folio to which one moves back
 * @src: on a private node, held
 * @gfp: for the new folio
 * @order: of the folio
 *
 * Context: process.
 * Return: a folio of an ordinary node that all users of @src may have, or NULL.
 */
struct folio *private_node_ordinary_target(struct folio *src, gfp_t gfp,
					   unsigned int order)
{
	nodemask_t nodes = node_states[N_MEMORY];

	if (private_node_may_go(src, &nodes, NUMA_NO_NODE) <= 0)
		return NULL;
	return private_node_alloc_among(folio_nid(src), &nodes, gfp, order);
}

/*
 * private_node_pin_target - allocate the folio that a long-term pin moves to
 * @src: on a private node that is closed to pins, held
 * @gfp: for the new folio
 * @order: of the folio
 *
 * Only a guest is moved.  A folio that its user placed on the node may come
 * here if the service was disabled after the pin was admitted, or if the user
 * adopted the folio meanwhile.
 *
 * Context: process.
 * Return: a folio of an ordinary node that all users of @src may have, or NULL.
 */
struct folio *private_node_pin_target(struct folio *src, gfp_t gfp,
				      unsigned int order)
{
	return private_node_is_guest(src) ?
	       private_node_ordinary_target(src, gfp, order) : NULL;
}
