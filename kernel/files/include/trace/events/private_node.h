/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM private_node

#if !defined(_TRACE_PRIVATE_NODE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PRIVATE_NODE_H

#include <linux/private_node.h>
#include <linux/tracepoint.h>

#define PRIVATE_NODE_TRACE_SERVICES			\
	EM(PRIVATE_NODE_USER_NUMA, "user_numa")		\
	EM(PRIVATE_NODE_RECLAIM, "reclaim")		\
	EM(PRIVATE_NODE_DEMOTION, "demotion")		\
	EM(PRIVATE_NODE_PROMOTION, "promotion")		\
	EM(PRIVATE_NODE_COMPACTION, "compaction")	\
	EM(PRIVATE_NODE_LONGTERM_PIN, "longterm_pin")	\
	EM(PRIVATE_NODE_THP, "thp")			\
	EM(PRIVATE_NODE_HUGETLB, "hugetlb")		\
	EM(PRIVATE_NODE_NUMA_BALANCING, "numa_balancing") \
	EMe(PRIVATE_NODE_GUEST_MEMFD, "guest_memfd")

/*
 * Values of enum private_node_service and _event in mm/private_node/internal.h
 */
#define PRIVATE_NODE_TRACE_OTHERS			\
	EM(PRIVATE_NODE_USER_OWNER, "owner")		\
	EM(PRIVATE_NODE_USER_DEVICE_MAP, "device_map")	\
	EM(PRIVATE_NODE_USER_DEVICE_ACCESS, "device_access") \
	EMe(PRIVATE_NODE_USER_ATTACHED, "attached")

#define PRIVATE_NODE_TRACE_REFUSALS			\
	EM(PRIVATE_NODE_REFUSED, "closed")		\
	EMe(PRIVATE_NODE_FAILED, "full")

#undef EM
#undef EMe
#define EM(a, b)	TRACE_DEFINE_ENUM(a);
#define EMe(a, b)	TRACE_DEFINE_ENUM(a);

PRIVATE_NODE_TRACE_SERVICES
PRIVATE_NODE_TRACE_OTHERS
PRIVATE_NODE_TRACE_REFUSALS

/* For __print_flags() of a mask of services. */
#undef EM
#undef EMe
#define EM(a, b)	{ 1UL << a, b },
#define EMe(a, b)	{ 1UL << a, b }

TRACE_EVENT(private_node_register,

	TP_PROTO(int nid, const char *owner, unsigned long capable,
		 unsigned long enabled),

	TP_ARGS(nid, owner, capable, enabled),

	TP_STRUCT__entry(
		__field(int, nid)
		__string(owner, owner)
		__field(unsigned long, capable)
		__field(unsigned long, enabled)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__assign_str(owner);
		__entry->capable = capable;
		__entry->enabled = enabled;
	),

	TP_printk("nid=%d owner=%s capable=%s enabled=%s", __entry->nid,
		  __get_str(owner),
		  __print_flags(__entry->capable, ",",
				PRIVATE_NODE_TRACE_SERVICES),
		  __print_flags(__entry->enabled, ",",
				PRIVATE_NODE_TRACE_SERVICES))
);

TRACE_EVENT(private_node_unregister,

	TP_PROTO(int nid, const char *owner),

	TP_ARGS(nid, owner),

	TP_STRUCT__entry(
		__field(int, nid)
		__string(owner, owner)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__assign_str(owner);
	),

	TP_printk("nid=%d owner=%s", __entry->nid, __get_str(owner))
);

/* For __print_symbolic() of a single value. */
#undef EM
#undef EMe
#define EM(a, b)	{ a, b },
#define EMe(a, b)	{ a, b }

TRACE_EVENT(private_node_alloc_refused,

	TP_PROTO(int nid, int user, int event, unsigned int order),

	TP_ARGS(nid, user, event, order),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, user)
		__field(int, event)
		__field(unsigned int, order)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->user = user;
		__entry->event = event;
		__entry->order = order;
	),

	TP_printk("nid=%d user=%s why=%s order=%u", __entry->nid,
		  __print_symbolic(__entry->user,
				   PRIVATE_NODE_TRACE_SERVICES,
				   PRIVATE_NODE_TRACE_OTHERS),
		  __print_symbolic(__entry->event,
				   PRIVATE_NODE_TRACE_REFUSALS),
		  __entry->order)
);

TRACE_EVENT(private_node_displaced,

	TP_PROTO(int nid, int to),

	TP_ARGS(nid, to),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, to)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->to = to;
	),

	TP_printk("nid=%d to=%d", __entry->nid, __entry->to)
);

/* The per-CPU lists of a node were not empty, and are drained. */
TRACE_EVENT(private_node_drain,

	TP_PROTO(int nid),

	TP_ARGS(nid),

	TP_STRUCT__entry(
		__field(int, nid)
	),

	TP_fast_assign(
		__entry->nid = nid;
	),

	TP_printk("nid=%d", __entry->nid)
);

/* The lists from which allocations choose a zone were built again. */
TRACE_EVENT(private_node_lists,

	TP_PROTO(unsigned int nr),

	TP_ARGS(nr),

	TP_STRUCT__entry(
		__field(unsigned int, nr)
	),

	TP_fast_assign(
		__entry->nr = nr;
	),

	TP_printk("private_nodes=%u", __entry->nr)
);

/* A part of a node was looked at or moved, and others get the locks. */
TRACE_EVENT(private_node_evacuate_step,

	TP_PROTO(int nid, unsigned long pages),

	TP_ARGS(nid, pages),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pages)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pages = pages;
	),

	TP_printk("nid=%d pages=%lu", __entry->nid, __entry->pages)
);

TRACE_EVENT(private_node_unplug,

	TP_PROTO(int nid, int how, unsigned long done, unsigned long left),

	TP_ARGS(nid, how, done, left),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, how)
		__field(unsigned long, done)
		__field(unsigned long, left)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->how = how;
		__entry->done = done;
		__entry->left = left;
	),

	TP_printk("nid=%d %s=%lu left=%lu", __entry->nid,
		  __print_symbolic(__entry->how, { 1, "moved" },
				   { 2, "unmapped" }),
		  __entry->done, __entry->left)
);

TRACE_EVENT(private_node_promote,

	TP_PROTO(int nid, int user, unsigned long done, unsigned long left),

	TP_ARGS(nid, user, done, left),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, user)
		__field(unsigned long, done)
		__field(unsigned long, left)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->user = user;
		__entry->done = done;
		__entry->left = left;
	),

	TP_printk("nid=%d user=%s moved=%lu left=%lu", __entry->nid,
		  __print_symbolic(__entry->user, PRIVATE_NODE_TRACE_SERVICES),
		  __entry->done, __entry->left)
);

TRACE_EVENT(private_node_migrate_range,

	TP_PROTO(int nid, bool back, unsigned long moved, unsigned long refused,
		 int ret),

	TP_ARGS(nid, back, moved, refused, ret),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(bool, back)
		__field(unsigned long, moved)
		__field(unsigned long, refused)
		__field(int, ret)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->back = back;
		__entry->moved = moved;
		__entry->refused = refused;
		__entry->ret = ret;
	),

	TP_printk("nid=%d back=%d moved=%lu refused=%lu ret=%d", __entry->nid,
		  __entry->back, __entry->moved, __entry->refused, __entry->ret)
);

TRACE_EVENT(private_node_memory_failure,

	TP_PROTO(int nid, unsigned long pfn, unsigned int flags, int result),

	TP_ARGS(nid, pfn, flags, result),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
		__field(unsigned int, flags)
		__field(int, result)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
		__entry->flags = flags;
		__entry->result = result;
	),

	TP_printk("nid=%d pfn=%#lx flags=%s result=%d", __entry->nid,
		  __entry->pfn,
		  __print_flags(__entry->flags, ",",
				{ PRIVATE_NODE_FAILURE_SOFT, "soft" },
				{ PRIVATE_NODE_FAILURE_ISOLATED, "isolated" },
				{ PRIVATE_NODE_FAILURE_HELD, "held" }),
		  __entry->result)
);

#endif /* _TRACE_PRIVATE_NODE_H */

#include <trace/define_trace.h>
