/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations shared by the files of mm/cram/.
 */
#ifndef _MM_CRAM_CRAM_H
#define _MM_CRAM_CRAM_H

#include <linux/completion.h>
#include <linux/cram.h>
#include <linux/kobject.h>
#include <linux/llist.h>
#include <linux/workqueue.h>

#include "fence.h"
#include "ledger.h"

/* Most ranges in one trim request. */
#define CRAM_BATCH	256
/* How long cram_unregister() waits for an answer of the device. */
#define CRAM_PATIENCE	(30 * HZ)
/* Value of writable_max for the default, see cram_writable_max(). */
#define CRAM_WRITABLE_SHARE	ULONG_MAX
/* Most pages that a device can report as hot after each reading. */
#define CRAM_HOT	256

enum cram_state {
	CRAM_OK,	/* admits pages as long as there is credit */
	CRAM_SHORT,	/* less than the margin is free: residents leave */
	CRAM_SILENT,	/* no reading yet, or the last one failed */
	CRAM_BROKEN,	/* lost data, or wrong numbers: residents leave */
	CRAM_NR_STATES,
};

/*
 * One line each in node<N>/private/cram/stat.  All count pages, except for
 * events and readings.
 */
enum cram_stat {
	CRAM_ADMITTED,
	CRAM_ADMITTED_FILE,	/* page cache */
	CRAM_ADMITTED_ZSWAP,	/* stored by zswap, uncompressed */
	CRAM_REFUSED_CREDIT,	/* no room for the worst case */
	CRAM_REFUSED_STATE,	/* not CRAM_OK, or a capacity event is open */
	CRAM_REFUSED_TOKEN,	/* the taker had no reservation */
	CRAM_REFUSED_GRANT,	/* not writable in place: no credit, or not ok */
	CRAM_FAILED,		/* taken, and then not used */
	CRAM_WAITED,		/* came back twice, kept in ordinary memory */
	CRAM_COPIED_UP,		/* copied for a write or a pin */
	CRAM_DROPPED,		/* page cache dropped for a writer */
	CRAM_GRANTED,		/* became writable in place */
	CRAM_REVOKED,		/* became read-only again, in place */
	CRAM_PROMOTED,		/* moved up: the device called them hot */
	CRAM_REFAULTED,		/* copied or moved up soon after placement */
	CRAM_EVICTED,		/* moved out: the device is short or broken */
	CRAM_TRIMMED,
	CRAM_TRIM_RETRIED,
	CRAM_LOST,		/* dropped by the device */
	CRAM_CHANGED,		/* contents changed while resident */
	CRAM_EVENTS,
	CRAM_READINGS,
	CRAM_READINGS_FAILED,
	CRAM_NR_STATS,
};

#ifdef CONFIG_CRAM_DEBUG
/**
 * struct cram_debug - checksums and write protection of a device
 * @sums: checksum of each page
 * @summed: bitmap of pages whose checksum is valid
 * @protect: the whole device is read-only in the direct map
 * @scan_at: index of the page where the next scan begins
 */
struct cram_debug {
	u32 *sums;
	unsigned long *summed;
	bool protect;
	unsigned long scan_at;
};
#endif

/**
 * struct cram_device - a compressing device
 * @pn: its node; holds a reference
 * @nid: id of the node
 * @first_pfn: first page frame of the node's span
 * @nr_pages: pages that the node spans
 * @desc: copy of the driver's description
 * @ledger: how much may be stored
 * @last: last good reading; written by read_work
 * @state: enum cram_state; written by set_state() and cram_clear_broken()
 * @clean_pfn: pages below were written back and trimmed before the first
 *	reading; used by read_work alone
 * @closing: cram_unregister() is under way; written under register_lock
 * @event_read: jiffies; a capacity event starts no reading before
 * @read_due: jiffies; the reading under way is late after that; 0 when there is
 *	none
 * @next_read: jiffies; a lack of credit starts no reading before, and does not
 *	ask the ledger whether one could help
 * @read_wq: runs @read_work.  Reclaim depends on readings and trims for its
 *	credit, and a device may not answer for long.  So each device has a
 *	queue for each of the two, whose worker needs no memory to start.
 * @read_work: takes readings; also waits for the trims of cram_clean()
 * @tend_work: runs after each reading: evicts, promotes or makes room, then
 *	ends grants of idle pages
 * @evict_at: index of the page where the next eviction begins
 * @wanted: a placement was refused for lack of credit since room was last made
 * @freed: list of freed pages that have to be trimmed, by &page.pcp_llist
 * @nr_freed: pages on @freed or in a trim request
 * @trim_wq: runs @trim_work
 * @trim_work: trims the pages of @freed
 * @trim_done: completed when the driver ends a trim request
 * @batch: ranges of the trim request
 * @pages: first page of each range in @batch
 * @resident: bitmap of pages that were settled and not freed since
 * @apart: bitmap of pages that are charged to memory.cram alone, see memcg.c
 * @placed: for each page, its cgroup's clock when it was placed; 0 for none,
 *	see thrash.c
 * @writable_max: most pages that may be granted, see cram_writable_max()
 * @nr_writable: pages that are granted, or about to be
 * @granted: bitmap of pages that may be written to in place
 * @idle: bitmap of granted pages that were idle at the last scan
 * @last_age: jiffies of the last scan of granted pages
 * @hot: buffer of tend_work for the pages that the device calls hot
 * @debug: checksums and write protection
 * @kobj: folder node<N>/private/cram; its release frees the device
 * @stat: counters of each CPU, indexed by enum cram_stat
 * @late: pages that each CPU stored, see cram_ledger_store()
 */
struct cram_device {
	struct private_node *pn;
	int nid;
	unsigned long first_pfn;
	unsigned long nr_pages;
	struct cram_desc desc;
	struct cram_ledger ledger;
	struct cram_capacity last;
	enum cram_state state;
	unsigned long clean_pfn;
	bool closing;
	unsigned long read_due;
	unsigned long next_read;
	unsigned long event_read;
	struct workqueue_struct *read_wq;
	struct delayed_work read_work;
	struct work_struct tend_work;
	unsigned long evict_at;
	bool wanted;
	struct llist_head freed;
	atomic_long_t nr_freed;
	struct workqueue_struct *trim_wq;
	struct delayed_work trim_work;
	struct completion trim_done;
	struct cram_range batch[CRAM_BATCH];
	struct page *pages[CRAM_BATCH];
	unsigned long *resident;
	unsigned long *apart;
	u32 *placed;
	unsigned long writable_max;
	atomic_long_t nr_writable;
	unsigned long *granted;
	unsigned long *idle;
	unsigned long last_age;
	unsigned long hot[CRAM_HOT];
#ifdef CONFIG_CRAM_DEBUG
	struct cram_debug debug;
#endif
	struct kobject kobj;
	long __percpu *stat;
	struct cram_late __percpu *late;
};

extern bool cram_anon;
extern bool cram_file;
extern bool cram_swap;

static inline void cram_count(struct cram_device *cd, enum cram_stat what,
			      unsigned long nr)
{
	this_cpu_add(cd->stat[what], nr);
}

struct private_node_fence;

extern struct cram_device __rcu *cram_devices[];
extern const struct private_node_fence cram_fence;

/*
 * device.c.  A device is valid under rcu_read_lock(), and for its own work and
 * its driver until cram_unregister() returns.
 */
struct cram_device *cram_peek(int nid);
void cram_read_soon(struct cram_device *cd);
void cram_read_if_low(struct cram_device *cd);
void cram_check_books(struct cram_device *cd, bool balance);
unsigned long cram_resident(struct cram_device *cd);
struct folio *cram_next_resident(struct cram_device *cd, unsigned long *i);
void cram_dropped_count(const struct folio *folio);
void cram_copied_up(const struct folio *folio, unsigned long nr);
int cram_clear_broken(struct cram_device *cd);
void cram_write_back(unsigned long pfn, unsigned long nr);
void cram_settle_ended(struct cram_device *cd, unsigned long taken,
		       unsigned long granted);
enum cram_state cram_state_now(struct cram_device *cd);
bool cram_usable(struct cram_device *cd);
bool cram_admits(struct cram_device *cd);
bool cram_stores(int nid);
void cram_set_state(struct cram_device *cd, enum cram_state state);
void cram_set_broken(struct cram_device *cd, const char *why);
void cram_request_room(struct cram_device *cd);

/* place.c */
bool cram_has_room(int nid);
unsigned long cram_credit_pages(int nid);
bool cram_may_take(int nid, unsigned long nr);
bool cram_reserve(int nid, unsigned long nr);
void cram_unreserve(int nid, unsigned long nr);
void cram_not_stored(struct folio *folio);

/* copy.c */
int cram_copy_page(struct page *dst, struct page *src);

/* file.c */
bool cram_may_file(struct folio *folio);
void cram_prepare_file(struct folio *folio);

/* reading.c */
void cram_reading_init(struct cram_device *cd);
int cram_reading_stop(struct cram_device *cd);
void cram_reading_start(struct cram_device *cd);

/* new.c */
struct cram_device *cram_device_new(struct private_node *pn,
				    const struct cram_desc *desc);
void cram_device_end(struct cram_device *cd);
void cram_device_free(struct cram_device *cd);

/* batch.c */
bool cram_batch_reserve(struct cram_device *cd, unsigned long nr);
bool cram_batch_cancel(struct cram_device *cd, unsigned long nr);
bool cram_batch_take(struct cram_device *cd, unsigned long nr);
bool cram_batch_untake(struct cram_device *cd, unsigned long nr);
bool cram_batch_settle(struct cram_device *cd, unsigned long nr);
bool cram_batch_not_stored(struct cram_device *cd, unsigned long nr);
bool cram_batch_charge(struct obj_cgroup *objcg, unsigned long nr);
bool cram_batch_moved(struct obj_cgroup *objcg, unsigned long nr);

/* thrash.c; cram_placed is the clock of folios without a cgroup */
extern atomic_long_t cram_placed;

int cram_thrash_init(struct cram_device *cd);
void cram_thrash_free(struct cram_device *cd);
unsigned long cram_thrash_wait(unsigned int times, unsigned long memory);
void cram_thrash_moves_up(struct folio *folio);
void cram_thrash_placed(struct cram_device *cd, struct folio *folio);
unsigned long cram_stall_begin(struct page *page);
void cram_stall_end(unsigned long stall);

/* memcg.c and charge.c */
#ifdef CONFIG_MEMCG
bool cram_memcg_full(struct mem_cgroup *memcg);
bool cram_memcg_may_take(struct folio *folio);
bool cram_memcg_charge(struct folio *src);
void cram_memcg_uncharge(struct folio *src);
void cram_memcg_remember(struct folio *dst, struct folio *src);
void cram_memcg_remember_none(struct folio *dst);
void cram_memcg_undo(struct folio *dst);
u32 cram_memcg_placed(struct folio *folio, unsigned long nr);
u32 cram_memcg_clock(struct folio *folio, unsigned long *memory);
void cram_memcg_refaulted(struct folio *folio, unsigned long nr);
void cram_memcg_waited(struct folio *folio, unsigned long nr);
bool cram_memcg_try(struct obj_cgroup *objcg, unsigned long nr);
void cram_memcg_give_back(struct obj_cgroup *objcg, unsigned long nr);
void cram_memcg_moved(struct obj_cgroup *objcg, unsigned long nr);
#else
static inline bool cram_memcg_full(struct mem_cgroup *memcg)
{
	return false;
}

static inline bool cram_memcg_may_take(struct folio *folio)
{
	return true;
}

static inline bool cram_memcg_charge(struct folio *src)
{
	return true;
}

static inline void cram_memcg_uncharge(struct folio *src) {}
static inline void cram_memcg_remember(struct folio *dst, struct folio *src) {}
static inline void cram_memcg_remember_none(struct folio *dst) {}
static inline void cram_memcg_undo(struct folio *dst) {}

static inline u32 cram_memcg_placed(struct folio *folio, unsigned long nr)
{
	return atomic_long_add_return(nr, &cram_placed);
}

static inline u32 cram_memcg_clock(struct folio *folio, unsigned long *memory)
{
	*memory = totalram_pages();
	return atomic_long_read(&cram_placed);
}

static inline void cram_memcg_refaulted(struct folio *folio,
					unsigned long nr) {}
static inline void cram_memcg_waited(struct folio *folio, unsigned long nr) {}

static inline bool cram_memcg_try(struct obj_cgroup *objcg, unsigned long nr)
{
	return true;
}

static inline void cram_memcg_give_back(struct obj_cgroup *objcg,
					unsigned long nr) {}
static inline void cram_memcg_moved(struct obj_cgroup *objcg,
				    unsigned long nr) {}
#endif

/* evict.c */
struct private_node_leaving;

void cram_evict(struct cram_device *cd);
void cram_make_room(struct cram_device *cd);
void cram_leave_init(struct cram_device *cd, struct private_node_leaving *l);
bool cram_leave(struct cram_device *cd, struct private_node_leaving *l,
		struct folio *folio);
void cram_promote_hot(struct cram_device *cd);

/* trim.c */
void cram_trim_init(struct cram_device *cd);
bool cram_clean(struct cram_device *cd);
int cram_trim_all(struct cram_device *cd);

/* writable.c */
int cram_writable_init(struct cram_device *cd);
void cram_writable_free(struct cram_device *cd);
unsigned long cram_writable_max(struct cram_device *cd);
bool cram_grant(struct cram_device *cd, struct folio *folio,
		struct vm_fault *vmf);
unsigned long cram_grant_ends(struct cram_device *cd, unsigned long pfn,
			      unsigned long nr);
void cram_age_writable(struct cram_device *cd);

/* debug.c */
#ifdef CONFIG_CRAM_DEBUG
int cram_debug_init(struct cram_device *cd);
void cram_debug_free(struct cram_device *cd);
void cram_debug_stored(struct cram_device *cd, unsigned long pfn,
		       unsigned long nr);
void cram_debug_forget(struct cram_device *cd, unsigned long i,
		       unsigned long nr);
void cram_debug_freed(struct cram_device *cd, unsigned long pfn,
		      unsigned long nr);
void cram_debug_scan(struct cram_device *cd);
int cram_debug_stray_store(struct cram_device *cd, unsigned long pfn);

extern bool cram_protect;
int cram_debug_protect(struct cram_device *cd);
void cram_debug_unprotect(struct cram_device *cd);
bool cram_debug_protected(struct cram_device *cd);
void *cram_debug_map(struct page *page);
void cram_debug_unmap(void *addr);
#else
static inline int cram_debug_init(struct cram_device *cd)
{
	return 0;
}

static inline void cram_debug_free(struct cram_device *cd) {}
static inline void cram_debug_stored(struct cram_device *cd, unsigned long pfn,
				     unsigned long nr) {}
static inline void cram_debug_forget(struct cram_device *cd, unsigned long i,
				     unsigned long nr) {}
static inline void cram_debug_freed(struct cram_device *cd, unsigned long pfn,
				    unsigned long nr) {}
static inline void cram_debug_scan(struct cram_device *cd) {}

static inline int cram_debug_protect(struct cram_device *cd)
{
	return 0;
}

static inline void cram_debug_unprotect(struct cram_device *cd) {}

static inline bool cram_debug_protected(struct cram_device *cd)
{
	return false;
}

static inline void *cram_debug_map(struct page *page)
{
	return page_address(page);
}

static inline void cram_debug_unmap(void *addr) {}
#endif

/* sysfs.c */
void cram_sysfs_init_device(struct cram_device *cd);
int cram_sysfs_add(struct cram_device *cd);
void cram_sysfs_remove(struct cram_device *cd);

#endif /* _MM_CRAM_CRAM_H */
