/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gates of a private node for reclaim, compaction and hint faults.
 *
 * Code that moves or reclaims pages of the node enters the gate of its service
 * first, and leaves it afterwards.  Whoever closes the service or unplugs the
 * node shuts the gate and waits until all have left.  So work inside is done in
 * steps of milliseconds, and stops when the gate has been shut.  Code that only
 * reads asks private_node_closed() or private_node_opened() instead.
 *
 * Implemented in mm/private_node/gate.c.
 */
#ifndef _MM_PRIVATE_NODE_GATE_H
#define _MM_PRIVATE_NODE_GATE_H

#include "hooks.h"

struct private_node_gate;

#ifdef CONFIG_PRIVATE_NODE

bool __private_node_enter_reclaim(int nid, struct private_node_gate **gate);
bool __private_node_reclaim_stops(int nid);
bool __private_node_enter_compaction(int nid, int order,
				     struct private_node_gate **gate);
bool __private_node_enter_hint(int from, int to,
			       struct private_node_gate **gate);
void __private_node_leave_hint(struct private_node_gate *gate, unsigned int nr);
void __private_node_leave_gate(struct private_node_gate *gate);
bool __private_node_gate_shuts(struct private_node_gate *gate);
bool private_node_makes_room(void);

/**
 * private_node_enter_reclaim - may folios of a node be reclaimed now?
 * @nid: node id
 * @gate: result, for private_node_leave_gate()
 *
 * Cost: that of node_is_private(), for a batch of folios.
 * Context: any but NMI.
 * Return: true if so, and always for an ordinary node; false when nothing of
 * the node may be reclaimed.
 */
static inline bool private_node_enter_reclaim(int nid,
					      struct private_node_gate **gate)
{
	*gate = NULL;
	return !node_is_private(nid) || __private_node_enter_reclaim(nid, gate);
}

/**
 * private_node_reclaim_stops - should a loop around reclaim of a node give up?
 * @nid: node id
 *
 * Cost: that of node_is_private(), for a batch of folios.
 * Context: any.
 * Return: true when the gate of a private node for reclaim is shut.
 */
static inline bool private_node_reclaim_stops(int nid)
{
	return node_is_private(nid) && __private_node_reclaim_stops(nid);
}

/**
 * private_node_enter_compaction - may a node be compacted now?
 * @nid: node id
 * @order: order of the request, -1 for the whole zone
 * @gate: result, for private_node_leave_gate() and private_node_gate_shuts()
 *
 * Compaction of a whole zone needs the service compaction.  Compaction for a
 * request of a certain order needs compaction or reclaim.  A fenced node is
 * never compacted.
 *
 * Cost: that of node_is_private(), for a zone.
 * Context: any but NMI.
 * Return: true if so, and always for an ordinary node.
 */
static inline bool private_node_enter_compaction(int nid, int order,
						 struct private_node_gate **gate)
{
	*gate = NULL;
	return !node_is_private(nid) ||
	       __private_node_enter_compaction(nid, order, gate);
}

/**
 * private_node_enter_hint - may a hint fault move a folio now?
 * @from: node of the folio
 * @to: node it would move to
 * @gate: result, for private_node_leave_hint()
 *
 * Cost: that of node_is_private().
 * Context: process.
 * Return: true if so, and always if @from is an ordinary node.
 */
static inline bool private_node_enter_hint(int from, int to,
					   struct private_node_gate **gate)
{
	*gate = NULL;
	return !node_is_private(from) ||
	       __private_node_enter_hint(from, to, gate);
}

/**
 * private_node_leave_hint - leave the gate of private_node_enter_hint()
 * @gate: result of that
 * @nr: pages that were moved; counted for the service
 *
 * Context: process.
 */
static inline void private_node_leave_hint(struct private_node_gate *gate,
					   unsigned int nr)
{
	if (gate)
		__private_node_leave_hint(gate, nr);
}

/**
 * private_node_gate_shuts - does somebody wait for the caller to leave the
 *	gate?
 * @gate: gate that was entered, or NULL for an ordinary node
 *
 * Context: any.
 * Return: true when the gate was shut after the caller entered.
 */
static inline bool private_node_gate_shuts(struct private_node_gate *gate)
{
	return gate && __private_node_gate_shuts(gate);
}

/**
 * private_node_reclaim_told - may node reclaim ignore vm.min_unmapped_ratio?
 * @proactive: was the amount requested by a write to node<N>/reclaim?
 *
 * That limit is meant for node reclaim that the kernel starts by itself.
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_reclaim_told(bool proactive)
{
	return proactive && private_node_any();
}

/**
 * private_node_compact_result - let compaction give up when its gate was shut
 * @gate: from private_node_enter_compaction()
 * @result: expression for the result otherwise, evaluated only then
 *
 * Context: process.
 * Return: COMPACT_CONTENDED when the gate was shut, or else @result.
 */
#define private_node_compact_result(gate, result) \
	(private_node_gate_shuts(gate) ? COMPACT_CONTENDED : (result))

/**
 * private_node_leave_gate - leave a gate that was entered
 * @gate: gate that was entered, or NULL for an ordinary node
 *
 * Context: any but NMI.
 */
static inline void private_node_leave_gate(struct private_node_gate *gate)
{
	if (gate)
		__private_node_leave_gate(gate);
}

#else /* !CONFIG_PRIVATE_NODE */

/*
 * Macros, so that the callers compile to the same code as without these
 * patches.
 */
#define private_node_enter_reclaim(nid, gate)		((void)(gate), true)
#define private_node_reclaim_stops(nid)			false
#define private_node_enter_compaction(nid, order, gate)	((void)(gate), true)
#define private_node_enter_hint(from, to, gate)		((void)(gate), true)
#define private_node_leave_hint(gate, nr)		do { } while (0)
#define private_node_compact_result(gate, result)	(result)
#define private_node_makes_room()			false
#define private_node_reclaim_told(proactive)		false
#define private_node_leave_gate(gate)			do { } while (0)

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _MM_PRIVATE_NODE_GATE_H */
