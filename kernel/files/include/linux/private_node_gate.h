/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gates for code of others that acts on pages of a private node: reclaim,
 * compaction, hint faults.
 *
 * Code that only looks asks private_node_closed() or private_node_opened().  Code that
 * acts enters, works in steps of milliseconds, and leaves when the gate shuts in
 * between, since whoever closes the service, or unplugs the node, waits for that.
 *
 * mm/private_node/gate.c
 */
#ifndef _LINUX_PRIVATE_NODE_GATE_H
#define _LINUX_PRIVATE_NODE_GATE_H

#include <linux/private_node.h>

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
 * Return: true, always for an ordinary node; false when they stay.
 */
static inline bool private_node_enter_reclaim(int nid,
					      struct private_node_gate **gate)
{
	*gate = NULL;
	return !private_node_hooked(reclaim_gate, nid) ||
	       __private_node_enter_reclaim(nid, gate);
}

/**
 * private_node_reclaim_stops - should a loop of reclaim give up?
 * @nid: node id
 *
 * Cost: that of node_is_private(), for a batch of folios.
 * Context: any.
 */
static inline bool private_node_reclaim_stops(int nid)
{
	return private_node_hooked(reclaim_gate, nid) &&
	       __private_node_reclaim_stops(nid);
}

/**
 * private_node_enter_compaction - may a node be compacted now?
 * @nid: node id
 * @order: of the request, -1 for all of the zone
 * @gate: result, for private_node_leave_gate() and private_node_gate_shuts()
 *
 * The compaction service lets in compaction of a whole zone.  Compaction for a block
 * that somebody needs is let in by the reclaim service as well.
 *
 * Cost: that of node_is_private(), for a zone.
 * Context: any but NMI.
 * Return: true, always for an ordinary node.
 */
static inline bool private_node_enter_compaction(int nid, int order,
						 struct private_node_gate **gate)
{
	*gate = NULL;
	return !private_node_hooked(compact_gate, nid) ||
	       __private_node_enter_compaction(nid, order, gate);
}

/**
 * private_node_enter_hint - may a hint fault move a folio now?
 * @from: node id
 * @to: node id
 * @gate: result, for private_node_leave_hint()
 *
 * Cost: that of node_is_private().
 * Context: process.
 * Return: true, always when @from is an ordinary node.
 */
static inline bool private_node_enter_hint(int from, int to,
					   struct private_node_gate **gate)
{
	*gate = NULL;
	return !private_node_hooked(hint_gate, from) ||
	       __private_node_enter_hint(from, to, gate);
}

/**
 * private_node_leave_hint - leave what private_node_enter_hint() entered
 * @gate: from there
 * @nr: pages that were moved, which are counted
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
 * private_node_gate_shuts - is the gate being closed?
 * @gate: entered, or NULL for an ordinary node
 *
 * Context: any.
 */
static inline bool private_node_gate_shuts(struct private_node_gate *gate)
{
	return gate && __private_node_gate_shuts(gate);
}

/**
 * private_node_reclaim_told - does node reclaim go on, little as there may be?
 * @proactive: did somebody say how much, by node<N>/reclaim?
 *
 * vm.min_unmapped_ratio is about reclaim that the kernel begins by itself.
 * Context: any.
 */
static inline bool private_node_reclaim_told(bool proactive)
{
	return proactive && private_node_any() &&
	       private_node_hook(reclaim_told);
}

/**
 * private_node_compact_result - what compaction ended with, or COMPACT_CONTINUE
 * @gate: from private_node_enter_compaction()
 * @result: an expression, evaluated where nobody waits for those inside
 *
 * Context: process.
 */
#define private_node_compact_result(gate, result) \
	(private_node_gate_shuts(gate) ? COMPACT_CONTENDED : (result))

/**
 * private_node_leave_gate - leave a gate that was entered
 * @gate: entered, or NULL for an ordinary node
 *
 * Context: any but NMI.
 */
static inline void private_node_leave_gate(struct private_node_gate *gate)
{
	if (gate)
		__private_node_leave_gate(gate);
}

#else /* !CONFIG_PRIVATE_NODE */

/* Macros: with functions to inline, the compiler would make other code. */
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

#endif /* _LINUX_PRIVATE_NODE_GATE_H */
