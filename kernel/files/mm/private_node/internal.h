/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations that the files of mm/private_node/ share with each other and
 * with the page allocator.
 */
#ifndef _MM_PRIVATE_NODE_H
#define _MM_PRIVATE_NODE_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/migrate_mode.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu-refcount.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "hooks.h"

#define PRIVATE_NODE_NAME_MAX	32
/* Default of promotion_mib_per_second. */
#define PRIVATE_NODE_PROMOTE_MIB	64

/* Events per user; one line in node<N>/private/stat for each pair. */
enum private_node_event {
	PRIVATE_NODE_USED,	/* pages placed */
	PRIVATE_NODE_REFUSED,	/* requests refused: node or service not open */
	PRIVATE_NODE_FAILED,	/* requests that were let in but got no page */
	PRIVATE_NODE_NR_EVENTS,
};

struct private_node_stats {
	unsigned long event[PRIVATE_NODE_NR_USERS][PRIVATE_NODE_NR_EVENTS];
	/* pages that unplug moved to ordinary memory, or unmapped */
	unsigned long unplug_moved;
	unsigned long unplug_unmapped;
	/* tasks killed by PRIVATE_NODE_FULL_OOM */
	unsigned long oom_kills;
	/* pages taken from the nodes of PRIVATE_NODE_FULL_FALLBACK */
	unsigned long fallback;
	/* pages of existing data (swap-in, COW) placed in ordinary memory */
	unsigned long displaced;
	/* pages that a policy preferring the node took from other nodes */
	unsigned long preferred_elsewhere;
	/* stack pages that came from ordinary memory instead of the node */
	unsigned long stack_elsewhere;
	/* heap pages from ordinary memory, because the node is closed */
	unsigned long heap_elsewhere;
	/* pages that were moved to ordinary memory to be pinned there */
	unsigned long pin_moved;
	/* guest pages (mark.c) moved away for allocations that name the node */
	unsigned long guests_moved;
	/* pages that moved to make room for a contiguous range (range.c) */
	unsigned long range_moved;
	/* reports of memory failure; not_isolated: the page stayed in use */
	unsigned long failure_hard;
	unsigned long failure_soft;
	unsigned long failure_not_isolated;
};

/* Written by private_node_set_state() only. */
enum private_node_state {
	PRIVATE_NODE_LIVE,	/* allocations are served */
	PRIVATE_NODE_CLOSING,	/* unplug is under way, none are served */
	PRIVATE_NODE_DEAD,	/* unregistered, the handle is only a shell */
};

/**
 * struct private_node_gate - requests that are under way for one user; gate.c
 * @ref: one reference for each request; dead while the gate is closed
 * @pn: the handle that the gate belongs to
 * @open: is the gate open? under private_node.lock
 */
struct private_node_gate {
	struct percpu_ref ref;
	struct private_node *pn;
	bool open;
};

/*
 * Size of the hash by which refused tasks are remembered.  With 9 bits, one in
 * 512 other tasks is mistaken for a given refused task.
 */
#define PRIVATE_NODE_REFUSED_BITS	9

/**
 * struct private_node - the handle of an owner
 * @ref: one for the registry, one for each holder of the handle
 * @nid: node id, fixed
 * @life: serialises adding memory, removing memory and unregistering; taken
 *	before @lock
 * @lock: protects what the owner and an administrator change; the task that
 *	closes a gate waits for requests inside while it holds @lock, so @lock
 *	must not be taken inside a gate; taken before private_node_lock
 * @gate: by enum private_node_service; gate.c
 * @gate_wait: woken when a closed gate becomes empty, and when @state changes
 * @state: enum private_node_state; written under @lock
 * @reopened: when the last unplug ended, with success or not, in jiffies; 0 if
 *	there was none
 * @refused: hashes of tasks that named the node and got no page because of the
 *	unplug under way
 * @refills: the task that restores the pools of huge pages after its own
 *	unplug failed, or NULL
 * @unmapped: the unplug under way has unmapped user pages, whose data is lost
 * @blocks_fixed: an unplug of boot memory is under way, and no block comes
 *	online
 * @owner: name of the owner
 * @name: file name in /dev/private_node/
 * @capable: services that the device can stand, fixed
 * @enabled: services that are switched on; written under @lock; see
 *	private_node_services_open()
 * @on_full: written under @lock
 * @fallback: for PRIVATE_NODE_FULL_FALLBACK; written under @lock, read without
 *	a lock, see fallback_store()
 * @on_unplug: written under @lock
 * @flags: PRIVATE_NODE_F_*, fixed
 * @at_boot: its memory came at boot, fixed
 * @adistance: abstract distance as an administrator wrote it, or 0; written
 *	under @lock
 * @owner_adistance: abstract distance as the owner gave it, or 0; fixed
 * @fenced: the driver has fenced the node, see struct private_node_fence; until
 *	it ends that, memory is neither added nor removed; written under @lock
 * @ledger: the node is fenced, and its device has room to give; written under
 *	@lock
 * @demoted_to: the kernel may have placed guests: the node was open to demotion,
 *	now or earlier, or its owner moved memory there for its device
 * @marks: bitmap of the pages that the kernel placed (guests); mark.c
 * @watched: bitmap of the pages of which the owner is told; told.c
 * @can_watch: the owner has that callback, fixed
 * @guests_came: how often pages were marked as guests
 * @guests_seen: value of @guests_came when a search of the whole node found no
 *	guest that could leave
 * @guests_again: in jiffies; after this time a search may succeed although no
 *	new guests came
 * @guest_pfn: where the next search for guests that can leave begins
 * @named_until: no demotion to the node before this, in jiffies, or 0; leave.c
 * @promote: looks for hot folios while the service is open; promote.c
 * @promote_pfn: where the next pass of @promote begins
 * @promote_mib: limit of @promote in MiB a second
 * @promote_lock: protects the next four members
 * @promote_credit: pages that may be promoted now, by @promote or by the owner
 *	of a fence
 * @promote_saved: size in pages of the large folio for which @promote_credit is
 *	saved up, or 0
 * @promote_at: when credit was added, in jiffies
 * @promote_used: credit was used since the last pass
 * @promote_wait: time between two passes of @promote, in jiffies
 * @promote_hot: something was used in this lap of @promote over the node; only
 *	@promote reads and writes this and the next member
 * @promote_part: something was used in the last lap
 * @interleave_weight: for MPOL_WEIGHTED_INTERLEAVE; 0 means 1
 * @ops: callbacks, or NULL; read under @ops_srcu, failure.c
 * @ops_srcu: protects callbacks, which may sleep; private_node_unregister()
 *	waits for them
 * @stats: counters, by CPU
 * @drvdata: the owner's
 * @kobj: node<N>/private, or NULL while there is none; sysfs.c
 * @devmap: state of the device map, or NULL; devmap.c
 * @devmapped: the device map was mapped, now or earlier
 * @attached: devices were attached, now or earlier; device.c
 * @ranges: memory that hotplug.c added; changed under @life and
 *	private_node_lock
 * @full_order: the lowest order of which no page was found after per-CPU lists
 *	had been drained; NR_PAGE_ORDERS again when a page of this order or a
 *	larger one was allocated
 * @range_lock: taken by the task that takes a contiguous range; range.c
 * @range_task: that task, or NULL
 * @range_flags: whom it displaces, PRIVATE_NODE_RANGE_*
 * @oom_mutex: taken by the task that chooses a victim and waits for its memory,
 *	so that one task at a time is killed for the node
 * @free_work: frees the handle after an RCU grace period, for readers that look
 *	it up by node id
 * @born: number of this registration, counted from 1
 * @owner_born: @born of the first of the consecutive registrations of @nid by
 *	the same owner
 */
struct private_node {
	refcount_t ref;
	int nid;
	struct mutex life;
	struct mutex lock;
	struct private_node_gate gate[PRIVATE_NODE_NR_USERS];
	wait_queue_head_t gate_wait;
	enum private_node_state state;
	unsigned long reopened;
	DECLARE_BITMAP(refused, 1 << PRIVATE_NODE_REFUSED_BITS);
	struct task_struct *refills;
	bool unmapped;
	bool blocks_fixed;
	char owner[PRIVATE_NODE_NAME_MAX];
	char name[PRIVATE_NODE_NAME_MAX];
	unsigned long capable;
	unsigned long enabled;
	enum private_node_on_full on_full;
	nodemask_t fallback;
	enum private_node_on_unplug on_unplug;
	unsigned int flags;
	bool at_boot;
	int adistance;
	int owner_adistance;
	bool fenced;
	bool ledger;
	bool demoted_to;
	struct xarray marks;
	struct xarray watched;
	bool can_watch;
	atomic_long_t guests_came;
	unsigned long guests_seen;
	unsigned long guests_again;
	unsigned long guest_pfn;
	unsigned long named_until;
	struct delayed_work promote;
	unsigned long promote_pfn;
	unsigned long promote_mib;
	spinlock_t promote_lock;
	long promote_credit;
	long promote_saved;
	unsigned long promote_at;
	bool promote_used;
	bool promote_hot;
	bool promote_part;
	unsigned long promote_wait;
	u8 interleave_weight;
	const struct private_node_ops *ops;
	struct srcu_struct ops_srcu;
	struct private_node_stats __percpu *stats;
	void *drvdata;
	struct kobject *kobj;
	struct private_node_devmap *devmap;
	bool devmapped;
	bool attached;
	struct list_head ranges;
	unsigned int full_order;
	struct mutex range_lock;
	struct task_struct *range_task;
	unsigned int range_flags;
	struct mutex oom_mutex;
	struct rcu_work free_work;
	u64 born;
	u64 owner_born;
};

/*
 * Mask of the services that are open.  On memory that compresses none is open
 * before the driver has fenced the node, whatever is enabled.  Context: any.
 */
static inline unsigned long
private_node_services_open(const struct private_node *pn)
{
	if (pn->flags & PRIVATE_NODE_F_COMPRESSED && !READ_ONCE(pn->ledger))
		return 0;
	return READ_ONCE(pn->enabled);
}

/* One row of the services' table: services.c */
struct private_node_service_info {
	const char *name;
	unsigned long needs;	/* mask of services it depends on */
	const char *help;
};

#ifdef CONFIG_PRIVATE_NODE

extern struct mutex private_node_lock;
extern struct mutex private_node_sysfs_lock;
extern const struct private_node_service_info
	private_node_services[PRIVATE_NODE_NR_SERVICES];
extern const char *const private_node_on_full_names[];
extern const char *const private_node_on_unplug_names[];
extern const char *const private_node_access_names[];
/* Node ids made possible by private_node_spare=; fixed after boot. */
extern nodemask_t private_node_spare_map;

/* handle.c */
extern struct private_node __rcu *private_nodes[MAX_NUMNODES];
struct private_node *private_node_find(int nid);
struct private_node *private_node_peek(int nid);
u64 private_node_births(void);
void private_node_set_born(struct private_node *pn);
bool private_node_sysfs_shown(struct private_node *pn);
void private_node_count_used(const struct folio *folio,
			     enum private_node_service user);
bool private_node_service_chosen(int nid, enum private_node_service service);

/* core.c */
struct private_node *private_node_do_register(int nid,
					      const struct private_node_desc *desc,
					      bool boot);
bool private_node_name_ok(const char *name);
int private_node_change_enabled(struct private_node *pn,
				unsigned long enabled, bool killable);
void private_node_set_ledger(struct private_node *pn, bool ledger);

/**
 * struct private_node_subscriber - a part that is told of changes of a node
 * @created: a handle was made, which nobody else can see yet
 * @registered: the node is private now; an errno ends the registration
 * @changed: services or memory of the node have changed; called with
 *	mem_hotplug_lock held, for reading at least; -ENOMEM if something that
 *	the services need could not be made
 * @dead: the handle is dead and nobody is inside a gate; called with its lock
 *	held
 * @gone: the registration ends; undoes @registered
 * @freed: the last reference is gone
 *
 * Each is optional.  The registry (core.c) calls them in the order of
 * private_node_subscribers[], and @gone in reverse order.
 *
 * Context: process, may sleep.
 */
struct private_node_subscriber {
	void (*created)(struct private_node *pn);
	int (*registered)(struct private_node *pn);
	int (*changed)(int nid);
	void (*dead)(struct private_node *pn);
	void (*gone)(struct private_node *pn);
	void (*freed)(struct private_node *pn);
};

/**
 * struct private_node_fence - what decides about pages of fenced nodes
 * @nodes: the fenced nodes: private nodes whose device may lack room while pages
 *	are free (compressed RAM)
 * @takes_file: may this page cache folio go to fenced nodes?
 * @prepare_file: makes a page cache folio fit for @takes_file, if that is easy
 * @drop_unfit: removes fenced nodes from a mask that do not take a folio
 * @has_room: has a fenced node room for a page of a cgroup (or NULL for none)?
 * @charge: charges the cgroup of a folio for its place on a fenced node
 * @take: takes a folio of the nearest node that has room, fenced or not, as the
 *	place of a folio that was charged; nodes without credit are removed from
 *	the mask
 * @take_one: takes a page of a fenced node for zswap, which charges itself
 * @copy: copies a page to one that was taken; 0 or -errno
 * @stored: the folio was copied and is in use
 * @undo: a folio that was taken is about to be freed unused
 * @moves_up: a folio that is hot is about to leave
 * @credit: pages that a fenced node would still take
 *
 * Pages of a fenced node are reserved on the device before they are taken.  The
 * code that reserves room registers its functions here, because private nodes
 * must not call it by name.
 */
struct private_node_fence {
	const nodemask_t *nodes;
	bool (*takes_file)(struct folio *folio);
	void (*prepare_file)(struct folio *folio);
	void (*drop_unfit)(struct folio *folio, nodemask_t *nodes);
	bool (*has_room)(int nid, struct mem_cgroup *memcg);
	bool (*charge)(struct folio *src);
	struct folio *(*take)(struct folio *src, int from, nodemask_t *nodes,
			      gfp_t gfp, unsigned int order);
	struct folio *(*take_one)(struct private_node *pn, gfp_t gfp);
	int (*copy)(struct page *dst, struct page *src);
	void (*stored)(struct folio *folio);
	void (*undo)(struct folio *dst);
	void (*moves_up)(struct folio *folio);
	unsigned long (*credit)(int nid);
};

/* handle.c */
/* Set before private_node_fence_key is switched on, and never again. */
extern const struct private_node_fence *private_node_fence;
void private_node_set_fence(const struct private_node_fence *fence);

/* Is this a fenced node?  Context: any. */
static __always_inline bool private_node_fenced(int nid)
{
	return private_node_any_fence() &&
	       node_isset(nid, *private_node_fence->nodes);
}

/* subscribers.c; ends with NULL */
extern const struct private_node_subscriber *const private_node_subscribers[];
extern const struct private_node_subscriber private_node_device_subscriber;
extern const struct private_node_subscriber private_node_devmap_subscriber;
extern const struct private_node_subscriber private_node_marks_subscriber;
extern const struct private_node_subscriber private_node_promote_subscriber;
extern const struct private_node_subscriber private_node_sysfs_subscriber;
extern const struct private_node_subscriber private_node_threads_subscriber;
extern const struct private_node_subscriber private_node_tier_subscriber;
extern const struct private_node_subscriber private_node_zswap_subscriber;

/* services.c */
extern struct ratelimit_state private_node_bad_writes;

/*
 * Says why a write to a file of a private node was refused.  Silent when that
 * happens too often.  Context: process.
 */
#define pr_write_err(fmt, ...)						\
do {									\
	if (__ratelimit(&private_node_bad_writes))			\
		pr_err(fmt, ##__VA_ARGS__);				\
} while (0)

int private_node_parse_change(const struct private_node *pn, const char *list,
			      unsigned long *mask);
const char *private_node_user_name(enum private_node_service user);

/* zonelist.c */
void private_node_rebuild_zonelists(void);
struct zonelist *private_node_zonelist_get(int nid,
					   struct srcu_ctr __percpu **cookie);
void private_node_zonelist_put(struct srcu_ctr __percpu *cookie);

/* gate.c */
bool private_node_open(struct private_node *pn, enum private_node_service user);
bool private_node_serves(struct private_node *pn, enum private_node_service user);
bool private_node_user_open(struct private_node *pn,
			    enum private_node_service user);
int private_node_gate_init(struct private_node *pn);
void private_node_gate_exit(struct private_node *pn);
void private_node_gate_update(struct private_node *pn);
void private_node_gate_wait(struct private_node *pn);
int private_node_gate_wait_killable(struct private_node *pn);
bool private_node_enter(struct private_node *pn, enum private_node_service user);
void private_node_leave(struct private_node *pn, enum private_node_service user);
bool private_node_user_enter(struct private_node *pn,
			     enum private_node_service user);
struct private_node *private_node_enter_nid(int nid,
					    enum private_node_service user);
void private_node_leave_nodes(const nodemask_t *nodes,
			      enum private_node_service user);
bool private_node_set_state(struct private_node *pn,
			    enum private_node_state new);
bool private_node_closing(struct private_node *pn);
bool private_node_was_closing(struct private_node *pn);
int private_node_wait_outcome(struct private_node *pn);
void private_node_note_refused(struct private_node *pn);
bool private_node_shuts(const nodemask_t *nodes, enum private_node_service user);
bool private_node_all_shut(const nodemask_t *nodes,
			   enum private_node_service user);

/* How much of the owner's on_full applies when an allocation finds no page. */
enum private_node_when_full {
	/* fail; for memory that is to be moved and has a place already */
	PRIVATE_NODE_WHEN_FULL_STOP,
	/* use the fallback nodes, but kill nobody; for data that exists */
	PRIVATE_NODE_WHEN_FULL_SPILL,
	/* do whatever on_full says; for new memory */
	PRIVATE_NODE_WHEN_FULL_ASK,
};

/* pages.c */
unsigned long private_node_free_pages_nid(int nid);
unsigned long private_node_exact_free_pages_nid(int nid);
unsigned long private_node_managed_pages_nid(int nid);
unsigned long private_node_pcp_pages(struct zone *zone);
bool private_node_drain(int nid);
bool private_node_is_full(int nid);
unsigned long private_node_blocks(int nid, unsigned int order);

/* refusals.c */
void private_node_refuse(struct private_node *pn, enum private_node_service user,
			 enum private_node_event event, unsigned int order);
void private_node_turn_away(const nodemask_t *nodes,
			    enum private_node_service user, int act);

/* alloc.c */
struct folio *private_node_walk(int from, const nodemask_t *nodes, gfp_t gfp,
				unsigned int order,
				enum private_node_service user);
struct folio *private_node_walk_preferred(int from, const nodemask_t *nodes,
					  gfp_t gfp, unsigned int order,
					  enum private_node_service user);
gfp_t private_node_prefer_gfp(gfp_t gfp);
struct folio *private_node_kill_for(struct private_node *pn,
				    enum private_node_service user, gfp_t gfp,
				    unsigned int order);
struct folio *private_node_fall_back(struct private_node *pn, gfp_t gfp,
				     unsigned int order);
struct folio *private_node_alloc_for(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_service user);
struct folio *private_node_try_for(struct private_node *pn, gfp_t gfp,
				   unsigned int order,
				   enum private_node_service user);
struct folio *private_node_alloc_exact(struct private_node *pn, gfp_t gfp,
				       unsigned int order,
				       enum private_node_service user);
unsigned int private_node_alloc_many(struct private_node *pn, gfp_t gfp,
				     unsigned int order,
				     enum private_node_service user,
				     unsigned int nr, struct page **pages);
void private_node_seek_block(struct private_node *pn, unsigned int order);

/* device.c */
int private_node_emit_devices(struct private_node *pn, char *buf);
void private_node_flush_buffers(struct private_node *pn);
void private_node_describe_buffer(const struct page *page, char *text,
				  size_t size);

/* report.c */
unsigned long private_node_free_snapshot_nid(int nid);

/* blocks.c */
struct range *private_node_online_blocks(struct private_node *pn,
					 unsigned int *nr);
int private_node_fix_blocks(struct private_node *pn,
			    const struct range *ranges, unsigned int nr);
int private_node_offline_blocks(struct private_node *pn,
				const struct range *ranges, unsigned int nr);
int private_node_boot_plug(struct private_node *pn);

/* evacuate.c */
int private_node_evacuate_open(struct private_node *pn,
			       const struct range *ranges, unsigned int nr);
int private_node_evacuate(struct private_node *pn, const struct range *ranges,
			  unsigned int nr);
int private_node_check_idle(int nid, unsigned long start_pfn,
			    unsigned long nr_pages);

/* walk.c */
bool private_node_folio_is_users(struct folio *folio);
bool private_node_is_gmem(struct folio *folio);
struct folio *private_node_next_used(unsigned long *pfn, unsigned long end);
struct folio *private_node_next_guest(struct private_node *pn,
				      unsigned long *pfn);
bool private_node_used(struct folio *folio, bool *young);

/* How many different masks of target nodes room.c keeps apart. */
#define PRIVATE_NODE_ROOM_SETS	4

/**
 * struct private_node_room - pages that are to move, by target nodes; room.c
 * @leaves: the node that the pages leave
 * @nr: number of entries of @nodes and @pages in use
 * @nodes: masks of target nodes
 * @pages: pages to move, for each of @nodes
 */
struct private_node_room {
	int leaves;
	unsigned int nr;
	nodemask_t nodes[PRIVATE_NODE_ROOM_SETS];
	unsigned long pages[PRIVATE_NODE_ROOM_SETS];
};

/* room.c */
void private_node_room_needed(struct private_node_room *room,
			      const nodemask_t *nodes, unsigned long nr);
bool private_node_room_lacks(const struct private_node_room *room);

/* holder.c */
char *private_node_describe_holder(struct folio *folio, bool mapped);

/* Pages whose bits are in one chunk. */
#define PRIVATE_NODE_CHUNK	BIT(15)

/* mark.c */
unsigned long *private_node_bits_of(struct xarray *chunks, unsigned long pfn);
bool private_node_bits_add(struct xarray *chunks, unsigned long pfn);
bool private_node_begin_marks(struct private_node *pn);
bool private_node_mark(struct folio *folio);
void private_node_unmark(struct page *page, unsigned int order);
bool private_node_page_is_guest(const struct page *page);
unsigned long private_node_next_mark(struct private_node *pn,
				     unsigned long pfn, unsigned long end);

/* Did the kernel put a folio of a private node there?  Context: any. */
static inline bool private_node_is_guest(const struct folio *folio)
{
	return private_node_page_is_guest(&folio->page);
}

/* A task to name in a message.  A pid of 0 means that there is none. */
struct private_node_task_name {
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/* task.c */
struct task_struct *private_node_next_group(int *nr);
struct task_struct *private_node_next_thread(int *nr);
struct task_struct *private_node_only_group(struct mm_struct *mm);
void private_node_name_of(struct task_struct *task,
			  struct private_node_task_name *name);
void private_node_name_task(const struct mm_struct *mm,
			    struct private_node_task_name *name);

/* may_have.c */
void private_node_cgroup_may_have(struct folio *folio, nodemask_t *nodes);
int private_node_may_have(struct folio *folio, nodemask_t *nodes, int gone);
int private_node_may_go(struct folio *folio, nodemask_t *nodes, int gone);
bool private_node_reachable(nodemask_t *nodes);
struct folio *private_node_alloc_among(int from, const nodemask_t *nodes,
				       gfp_t gfp, unsigned int order);

/**
 * struct private_node_leaving - folios that leave a node; leave.c
 * @pn: the node's handle
 * @gone: the node if it is being taken away, see private_node_may_have(); or
 *	NUMA_NO_NODE
 * @gfp: for the target folios
 * @mode: of migrate_pages()
 * @reason: of migrate_pages()
 * @batch: collected pages are moved when there are this many
 * @done: called after each batch, with the number of pages that moved and the
 *	number that did not; or NULL
 * @left: list for folios that could not be moved, which stay isolated; with
 *	NULL they are put back
 * @folios: isolated folios that wait to be moved; initialised by the caller
 * @to: target nodes of @folios
 * @nr: pages in @folios
 * @moved: pages that have left the node so far
 */
struct private_node_leaving {
	struct private_node *pn;
	int gone;
	gfp_t gfp;
	enum migrate_mode mode;
	enum migrate_reason reason;
	unsigned long batch;
	void (*done)(struct private_node_leaving *l, unsigned long moved,
		     unsigned long left);
	struct list_head *left;
	struct list_head folios;
	nodemask_t to;
	unsigned long nr;
	unsigned long moved;
};

void private_node_leave_now(struct private_node_leaving *l);
bool private_node_leave_to(struct private_node_leaving *l, struct folio *folio,
			   const nodemask_t *to);
int private_node_way_out(struct folio *folio, int gone, nodemask_t *to);
int private_node_move_out(struct private_node_leaving *l, struct folio *folio);
bool private_node_named_first(struct private_node *pn);
bool private_node_any_guest(struct private_node *pn);
bool private_node_guests_leave(const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order,
			       enum private_node_service user);

/* pin.c */
bool private_node_pin(int nid);

/* mpol.c */
bool private_node_mpol_foreign(const struct mempolicy *pol);
bool private_node_mpol_strict(const struct mempolicy *pol);
bool private_node_mpol_means(const struct mempolicy *pol,
			     const struct private_node *pn);
struct private_node *private_node_mpol_nearest(const struct mempolicy *pol);
struct private_node *private_node_mpol_nearest_open(const struct mempolicy *pol);
struct private_node *
private_node_mpol_nearest_inside(const struct mempolicy *pol,
				 const nodemask_t *inside);
nodemask_t private_node_mpol_enter(const struct mempolicy *pol,
				   enum private_node_service user);
nodemask_t private_node_mpol_open(const struct mempolicy *pol);
nodemask_t private_node_mpol_serves(const struct mempolicy *pol);
nodemask_t private_node_mpol_ordinary(const struct mempolicy *pol);
void private_node_mpol_refused(const struct mempolicy *pol);
struct private_node *private_node_mpol_find(const struct mempolicy *pol,
					    bool (*is)(struct private_node *pn));
struct private_node *private_node_mpol_meant(const struct mempolicy *pol,
					     int nid);
int private_node_mpol_home(const struct mempolicy *pol);
bool private_node_mpol_closing(const struct mempolicy *pol);

/* policy.c */
struct folio *private_node_spread(const struct mempolicy *pol,
				  const nodemask_t *open, gfp_t gfp,
				  unsigned int order, pgoff_t ilx);
struct folio *private_node_mpol_try(struct mempolicy *pol, gfp_t gfp,
				    unsigned int order, pgoff_t ilx);

/* named.c */
bool private_node_mode_names(unsigned short mode, const nodemask_t *nodes);
void private_node_names_alone(struct mempolicy *pol);
int private_node_spread_to(const struct mempolicy *pol, const nodemask_t *open,
			   pgoff_t ilx);

/* tell.c */
struct private_node *private_node_to_name(const struct mempolicy *pol);
void private_node_tell(const struct mempolicy *pol, const char *fate, int act);

/* fault.c */
bool private_node_to_blame(struct mempolicy *pol, bool access);
void private_node_tell_pool(const struct mempolicy *pol, int nid,
			    const char *fate);
void private_node_tell_kill(struct private_node *pn, struct task_struct *victim,
			    unsigned long pages);
void private_node_tell_none(struct private_node *pn);

/* zswap.c */
#if IS_ENABLED(CONFIG_ZSWAP)
void private_node_zswap_forget(int nid);
#else
static inline void private_node_zswap_forget(int nid) {}
#endif

/* hugetlb.c */
#ifdef CONFIG_HUGETLB_PAGE
#define PRIVATE_NODE_POOLS	HUGE_MAX_HSTATE
void private_node_tell_hugetlb(struct vm_area_struct *vma, unsigned long addr,
			       const struct mempolicy *pol, const char *fate);
void private_node_pools_note(int nid, unsigned long *pools);
void private_node_pools_refill(struct private_node *pn,
			       const unsigned long *pools);
#else
#define PRIVATE_NODE_POOLS	1
static inline void private_node_pools_note(int nid, unsigned long *pools) {}
static inline void private_node_pools_refill(struct private_node *pn,
					     const unsigned long *pools)
{
}

static inline void private_node_tell_hugetlb(struct vm_area_struct *vma,
					     unsigned long addr,
					     const struct mempolicy *pol,
					     const char *fate)
{
}
#endif

/* displaced.c */
unsigned long private_node_displaced_pages(void);
struct folio *private_node_displaced_alloc(const struct mempolicy *pol,
					   gfp_t gfp);
bool private_node_data_exists(struct vm_area_struct *vma, unsigned long addr);

/* swapped.c */
#ifdef CONFIG_SWAP
bool private_node_is_swapped(struct private_node *pn);
#else
static inline bool private_node_is_swapped(struct private_node *pn)
{
	return false;
}
#endif

/* tier.c */
int private_node_adistance(struct private_node *pn);

/* range.c */
#ifdef CONFIG_CONTIG_ALLOC
struct page *private_node_alloc_gigantic(struct private_node *pn,
					 unsigned int order,
					 enum private_node_service user);
#else
static inline struct page *
private_node_alloc_gigantic(struct private_node *pn, unsigned int order,
			    enum private_node_service user)
{
	return NULL;
}
#endif

/* promote.c */
void private_node_promote_start(struct private_node *pn);
long private_node_promote_credit(struct private_node *pn);
bool private_node_promote_take(struct private_node *pn, long nr);
void private_node_promote_untake(struct private_node *pn, long nr);
bool private_node_balances(int nid);
void private_node_promoted(struct private_node *pn, enum private_node_service user,
			   unsigned long moved, unsigned long left);

/* broken.c */
#ifdef CONFIG_MEMORY_FAILURE
void private_node_held_add(unsigned long pfn);
void private_node_held_forget(unsigned long pfn, unsigned long nr);
bool private_node_is_held(unsigned long pfn);
void private_node_broken_seen(struct page *page);
void private_node_note_broken(unsigned long pfn, unsigned long nr);
void private_node_mark_broken(unsigned long pfn, unsigned long nr);
void private_node_stays_offline(unsigned long pfn, unsigned long nr);
void private_node_huge_failed(struct page *page, int result);
bool private_node_page_unused(struct page *page);
bool private_node_page_lost(struct page *page);

/* failure.c */
void private_node_tell_owner(struct private_node *pn, unsigned long pfn,
			     unsigned long nr_pages, unsigned int flags);
#else
static inline void private_node_note_broken(unsigned long pfn, unsigned long nr)
{
}

static inline void private_node_mark_broken(unsigned long pfn, unsigned long nr)
{
}

static inline void private_node_stays_offline(unsigned long pfn,
					      unsigned long nr)
{
}

static inline bool private_node_page_lost(struct page *page)
{
	return false;
}
#endif

/* mm/shmem.c */
void private_node_poison_shmem(struct folio *folio);
unsigned long private_node_shmem_swapped(const struct private_node *pn);

/* mm_pages.c */
bool private_node_mm_may_have(struct mm_struct *mm);

/* oom.c: true when a task was killed and the allocation is worth a retry */
bool private_node_oom_kill(struct private_node *pn,
			   enum private_node_service user, gfp_t gfp,
			   unsigned int order);

static inline void private_node_count(struct private_node *pn,
				      enum private_node_service user,
				      enum private_node_event event,
				      unsigned long nr)
{
	this_cpu_add(pn->stats->event[user][event], nr);
}

/*
 * An owner may allocate from any zone of its node, also from ZONE_MOVABLE
 * without __GFP_MOVABLE, because it frees its pages before it unplugs.  The
 * zone is restricted by __GFP_DMA and __GFP_DMA32 alone, the address limits of
 * the owner's device.
 */
static inline enum zone_type private_node_max_zone(gfp_t gfp)
{
	return gfp_zone(gfp) < ZONE_NORMAL ? gfp_zone(gfp) : ZONE_MOVABLE;
}

/* In a walk over both kinds of nodes, ordinary nodes obey gfp_zone(). */
static inline enum zone_type private_node_highest_zone(struct zoneref *z,
						       gfp_t gfp)
{
	return node_is_private(zonelist_node_idx(z)) ?
	       private_node_max_zone(gfp) : gfp_zone(gfp);
}

struct page *private_node_alloc_frozen(int nid, gfp_t gfp, unsigned int order,
				       enum private_node_service user);
unsigned int private_node_alloc_flags(struct zone *zone);
void private_node_set_wmarks(struct zone *zone, unsigned int scale);

/* reclaim.c */
bool private_node_reclaim(const nodemask_t *nodes, gfp_t gfp,
			  unsigned int order);
bool private_node_wait_for_reclaim(const nodemask_t *nodes, gfp_t gfp,
				   unsigned int order);
void private_node_wake_kswapd(struct zone *zone, gfp_t gfp, unsigned int order);

/* mm/vmscan.c */
unsigned long private_node_shrink(int nid, gfp_t gfp, unsigned int order);

#else

static inline void private_node_set_wmarks(struct zone *zone,
					   unsigned int scale)
{
}

#endif /* CONFIG_PRIVATE_NODE */

void __private_node_reclaimed(int nid, unsigned long nr);

/*
 * private_node_reclaimed - count pages that reclaim took off a node
 * @nid: any node
 * @nr: pages reclaimed in one batch; 0 if all pages of the batch stayed
 *
 * Cost: a static branch for each batch.
 * Context: any.
 */
static inline void private_node_reclaimed(int nid, unsigned long nr)
{
	if (node_is_private(nid))
		__private_node_reclaimed(nid, nr);
}

void private_node_not_reclaimed(int nid);

struct page *__alloc_frozen_pages_private_noprof(gfp_t gfp, unsigned int order,
						 struct zonelist *zonelist,
						 const nodemask_t *nodemask);
#define __alloc_frozen_pages_private(...) \
	alloc_hooks(__alloc_frozen_pages_private_noprof(__VA_ARGS__))

/* Of the allocator and of zswap, for KUnit to stand in for them. */
#if IS_ENABLED(CONFIG_KUNIT)
struct page *private_node_take_free(int from, const nodemask_t *nodes,
				    gfp_t gfp, unsigned int order);
bool private_node_zswap_copy(struct folio *folio, struct page *page);
#endif

#endif /* _MM_PRIVATE_NODE_H */
