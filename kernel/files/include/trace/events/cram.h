/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cram

#if !defined(_TRACE_CRAM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_CRAM_H

#include <linux/tracepoint.h>

/* The values of enum cram_state in mm/cram/cram.h. */
#define show_cram_state(state) __print_symbolic(state, \
	{ 0, "ok" }, { 1, "short" }, { 2, "silent" }, { 3, "broken" })

DECLARE_EVENT_CLASS(cram_folio,

	TP_PROTO(int nid, unsigned long pfn, unsigned long nr),

	TP_ARGS(nid, pfn, nr),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
		__field(unsigned long, nr)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
		__entry->nr = nr;
	),

	TP_printk("nid=%d pfn=0x%lx pages=%lu", __entry->nid, __entry->pfn,
		  __entry->nr)
);

DEFINE_EVENT(cram_folio, cram_admitted,
	TP_PROTO(int nid, unsigned long pfn, unsigned long nr),
	TP_ARGS(nid, pfn, nr)
);

DECLARE_EVENT_CLASS(cram_write,

	TP_PROTO(int nid, unsigned long pfn),

	TP_ARGS(nid, pfn),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
	),

	TP_printk("nid=%d folio_pfn=0x%lx", __entry->nid, __entry->pfn)
);

DEFINE_EVENT(cram_write, cram_copied_up,
	TP_PROTO(int nid, unsigned long pfn),
	TP_ARGS(nid, pfn)
);

DEFINE_EVENT(cram_write, cram_granted,
	TP_PROTO(int nid, unsigned long pfn),
	TP_ARGS(nid, pfn)
);

DEFINE_EVENT(cram_write, cram_refaulted,
	TP_PROTO(int nid, unsigned long pfn),
	TP_ARGS(nid, pfn)
);

DECLARE_EVENT_CLASS(cram_pages,

	TP_PROTO(int nid, unsigned long nr),

	TP_ARGS(nid, nr),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, nr)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->nr = nr;
	),

	TP_printk("nid=%d pages=%lu", __entry->nid, __entry->nr)
);

DEFINE_EVENT(cram_pages, cram_refused,
	TP_PROTO(int nid, unsigned long nr),
	TP_ARGS(nid, nr)
);

DEFINE_EVENT(cram_pages, cram_evicted,
	TP_PROTO(int nid, unsigned long nr),
	TP_ARGS(nid, nr)
);

TRACE_EVENT(cram_trimmed,

	TP_PROTO(int nid, unsigned int ranges, unsigned long left),

	TP_ARGS(nid, ranges, left),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned int, ranges)
		__field(unsigned long, left)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->ranges = ranges;
		__entry->left = left;
	),

	TP_printk("nid=%d ranges=%u pages_left=%lu", __entry->nid,
		  __entry->ranges, __entry->left)
);

/* @event: number of the last capacity event when the reading began. */
TRACE_EVENT(cram_reading,

	TP_PROTO(int nid, int ret, u64 total, u64 used, u64 lost, u64 event),

	TP_ARGS(nid, ret, total, used, lost, event),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, ret)
		__field(u64, total)
		__field(u64, used)
		__field(u64, lost)
		__field(u64, event)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->ret = ret;
		__entry->total = total;
		__entry->used = used;
		__entry->lost = lost;
		__entry->event = event;
	),

	TP_printk("nid=%d ret=%d total=%llu used=%llu lost=%llu event=%llu",
		  __entry->nid, __entry->ret, __entry->total, __entry->used,
		  __entry->lost, __entry->event)
);

/*
 * The first capacity event since the last reading began; later ones are not
 * traced.  Nothing is admitted until a cram_reading with this number or a
 * higher one.
 */
TRACE_EVENT(cram_event,

	TP_PROTO(int nid, u64 event),

	TP_ARGS(nid, event),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(u64, event)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->event = event;
	),

	TP_printk("nid=%d event=%llu", __entry->nid, __entry->event)
);

TRACE_EVENT(cram_state,

	TP_PROTO(int nid, int from, int to),

	TP_ARGS(nid, from, to),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, from)
		__field(int, to)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->from = from;
		__entry->to = to;
	),

	TP_printk("nid=%d from=%s to=%s", __entry->nid,
		  show_cram_state(__entry->from), show_cram_state(__entry->to))
);

#endif /* _TRACE_CRAM_H */

#include <trace/define_trace.h>
