// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gates for code in the rest of mm/ that works on pages of a private node: see
 * mm/private_node/gate.h, and gate.c for what a gate is.
 */
#include <linux/memory-tiers.h>
#include <linux/percpu-refcount.h>
#include <linux/sched/sysctl.h>

#include "gate.h"
#include "internal.h"

/* private_node_enter_nid() for a service, which returns the gate in @gate. */
static bool enter_service(int nid, enum private_node_service service,
			  struct private_node_gate **gate)
{
	struct private_node *pn;

	pn = private_node_enter_nid(nid, service);
	if (!pn)
		return false;
	*gate = &pn->gate[service];
	return true;
}

/*
 * __private_node_enter_reclaim - see private_node_enter_reclaim()
 */
bool __private_node_enter_reclaim(int nid, struct private_node_gate **gate)
{
	return enter_service(nid, PRIVATE_NODE_RECLAIM, gate) ||
	       private_node_makes_room();
}

/*
 * __private_node_reclaim_stops - see private_node_reclaim_stops()
 */
bool __private_node_reclaim_stops(int nid)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	return (!pn || !private_node_open(pn, PRIVATE_NODE_RECLAIM)) &&
	       !private_node_makes_room();
}

/*
 * __private_node_enter_compaction - see private_node_enter_compaction()
 *
 * On a fenced node compaction would find no page to move to: its free scanner
 * has no reservation.
 */
bool __private_node_enter_compaction(int nid, int order,
				     struct private_node_gate **gate)
{
	if (private_node_fenced(nid))
		return false;
	return enter_service(nid, PRIVATE_NODE_COMPACTION, gate) ||
	       (order >= 0 && enter_service(nid, PRIVATE_NODE_RECLAIM, gate));
}

/*
 * __private_node_enter_hint - see private_node_enter_hint()
 *
 * In tiering mode, a move from a lower tier to the top tier is promotion.  All
 * other moves are those of the numa_balancing service.
 */
bool __private_node_enter_hint(int from, int to,
			       struct private_node_gate **gate)
{
	int mode = sysctl_numa_balancing_mode;

	if (mode & NUMA_BALANCING_MEMORY_TIERING && !node_is_toptier(from) &&
	    node_is_toptier(to) &&
	    enter_service(from, PRIVATE_NODE_PROMOTION, gate))
		return true;
	return mode & NUMA_BALANCING_NORMAL &&
	       enter_service(from, PRIVATE_NODE_NUMA_BALANCING, gate);
}

/*
 * __private_node_leave_hint - see private_node_leave_hint()
 */
void __private_node_leave_hint(struct private_node_gate *gate, unsigned int nr)
{
	enum private_node_service user = gate - gate->pn->gate;

	if (nr)
		private_node_promoted(gate->pn, user, nr, 0);
	private_node_leave(gate->pn, user);
}

/*
 * __private_node_gate_shuts - see private_node_gate_shuts()
 */
bool __private_node_gate_shuts(struct private_node_gate *gate)
{
	return percpu_ref_is_dying(&gate->ref);
}

/*
 * __private_node_leave_gate - see private_node_leave_gate()
 */
void __private_node_leave_gate(struct private_node_gate *gate)
{
	percpu_ref_put(&gate->ref);
}
