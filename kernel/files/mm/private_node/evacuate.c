// SPDX-License-Identifier: GPL-2.0-only
/*
 * Empties a private node before its memory is removed: finds out who uses the
 * memory, and does what on_unplug says.
 *
 *	page is			refuse		move		sigbus
 *	owner's, kernel's	-EBUSY		-EBUSY		-EBUSY
 *	user's			-EBUSY		migrated	poison marker
 *	a guest (see mark.c)	migrated	migrated	migrated
 *	in swap as well		-EBUSY		migrated	dropped or moved
 *	user's, pinned		-EBUSY		-EBUSY		-EBUSY
 *	of a guest_memfd	-EBUSY		-EBUSY		-EBUSY
 *
 * may_have.c says to which nodes a page may be migrated.  With move, memory
 * that is bound to this node alone goes to the default nodes of its user's
 * cpuset.
 *
 * Before the first page moves, each page is checked: are there nodes that its
 * users may have, with room for it?  All loops are bounded: a pin that comes
 * later makes the unplug fail, and the log names the holder.
 *
 * Pages with memory failure do not keep the node from being unplugged:
 * failure.c detaches them from files and the swap cache.
 *
 * A poison marker takes the place of the page in page tables, and in the page
 * cache of shmem.  Each later access gets SIGBUS, and read() gets EIO, even
 * after memory was added again: lost data does not turn into zeroes.
 *
 * Memory that cannot be read any more is not asked about: see lost.c.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/delay.h>
#include <linux/hugetlb.h>
#include <linux/leafops.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/range.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "../swap.h"
#include "internal.h"
#include "refusals.h"
#include "zswap.h"

/*
 * Code such as a PFN walker holds a reference for a moment.  A page counts as
 * held only if 5 looks, 40 ms apart, found it so.
 */
#define SETTLE_TRIES	5
#define SETTLE_MS	40
/* Passes over the node with its gates closed, and pages migrated at a time. */
#define EVACUATE_PASSES	10
#define EVACUATE_BATCH	512
/*
 * Pages after which others get their turn, with the gates closed: 128 MiB, the
 * smallest block of x86, for which offline_pages() keeps the same locks.
 */
#define EVACUATE_STEP	(SZ_128M / PAGE_SIZE)

/* Pages in use by kind, and one page of each kind to name its holder. */
struct holders {
	unsigned long user;
	unsigned long pinned;	/* of user */
	unsigned long gmem;	/* of user, of files of guest_memfd */
	unsigned long huge;	/* of user, hugetlb */
	unsigned long swapped;	/* of user, in the swap cache */
	unsigned long large;	/* of user, other large folios */
	unsigned long guests;	/* guests that are not pinned */
	unsigned long other;	/* the owner's, or the kernel's */
	unsigned long user_pfn;
	unsigned long guest_pfn;
	unsigned long pinned_pfn;
	unsigned long gmem_pfn;
	unsigned long other_pfn;
};

/* Result of one pass over the node: pages that cannot move, by reason. */
struct pass {
	unsigned long nowhere;	/* no other node that all users may have */
	unsigned long unsure;	/* a user could not be asked just now */
	unsigned long nowhere_pfn;
	bool no_room;		/* no room for all folios where they may go */
	bool closed;		/* the gates are closed: see evacuate_begin() */
	unsigned long step;	/* pages since others had their turn */
};

/*
 * With the gates closed, no folio may wait in a per-CPU LRU batch, where it
 * cannot be isolated and looks pinned; and no memory may be removed.  Both are
 * locks of the whole system, so they are kept for a step of the work only.
 */
static void evacuate_begin(void)
{
	get_online_mems();
	lru_cache_disable();
}

static void evacuate_end(void)
{
	lru_cache_enable();
	put_online_mems();
}

static void evacuate_sleep(void)
{
	evacuate_end();
	msleep(SETTLE_MS);
	evacuate_begin();
}

/* Called after each folio, without a reference or a lock. */
static void end_of_step(struct pass *pass, int nid)
{
	if (!pass->closed || pass->step < EVACUATE_STEP)
		return;
	evacuate_end();
	trace_private_node_evacuate_step(nid, pass->step);
	pass->step = 0;
	cond_resched();
	evacuate_begin();
}

/*
 * Did a fatal signal end the unplug?  Not after data was unmapped: that data is
 * lost, and would be lost for nothing if the unplug failed then.
 */
static bool is_killed(int nid)
{
	struct private_node *pn;

	if (!fatal_signal_pending(current))
		return false;
	guard(rcu)();
	pn = private_node_peek(nid);
	return !pn || !READ_ONCE(pn->unmapped);
}

static void count_folio(struct folio *folio, struct holders *h)
{
	unsigned long nr = folio_nr_pages(folio);

	if (!private_node_folio_is_users(folio)) {
		h->other += nr;
		h->other_pfn = folio_pfn(folio);
		return;
	}
	if (!private_node_folio_is_pinned(folio) &&
	    private_node_is_guest(folio)) {
		h->guests += nr;
		h->guest_pfn = folio_pfn(folio);
		return;
	}
	h->user += nr;
	if (folio_test_hugetlb(folio))
		h->huge += nr;
	else if (folio_test_swapcache(folio))
		h->swapped += nr;
	else if (folio_test_large(folio))
		h->large += nr;
	if (!h->user_pfn || folio_mapped(folio))
		h->user_pfn = folio_pfn(folio);
	if (private_node_is_gmem(folio)) {
		h->gmem += nr;
		h->gmem_pfn = folio_pfn(folio);
	} else if (private_node_folio_is_pinned(folio)) {
		h->pinned += nr;
		h->pinned_pfn = folio_pfn(folio);
	}
}

static void scan_range(int nid, unsigned long pfn, unsigned long end,
		       struct holders *h)
{
	struct folio *folio;

	while (!is_killed(nid) &&
	       (folio = private_node_next_used(&pfn, end))) {
		count_folio(folio, h);
		folio_put(folio);
	}
}

static void scan_ranges(int nid, const struct range *ranges, unsigned int nr,
			struct holders *h)
{
	memset(h, 0, sizeof(*h));
	while (nr--)
		scan_range(nid, PHYS_PFN(ranges[nr].start),
			   PHYS_PFN(ranges[nr].end + 1), h);
}

static bool nothing_used(const struct holders *h)
{
	return !h->user && !h->guests && !h->other;
}

static const char let_it_end[] = "stop it, or let it end its I/O";
static const char end_machine[] =
	"it does not move, and goes when its virtual machine ends";

static bool find_mm_one(struct folio *folio, struct vm_area_struct *vma,
			unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	struct private_node_task_name *name = arg;

	if (!page_vma_mapped_walk(&pvmw))
		return true;
	page_vma_mapped_walk_done(&pvmw);
	private_node_name_task(vma->vm_mm, name);
	return !name->pid;
}

/* For a page that is not mapped: names a process that maps its file. */
static bool find_mm_file(struct folio *folio, struct vm_area_struct *vma,
			 unsigned long addr, void *arg)
{
	struct private_node_task_name *name = arg;

	private_node_name_task(vma->vm_mm, name);
	return !name->pid;
}

/*
 * Names a process that maps the page or, if none does, its file.  Returns false
 * if there is none, or the page is not in use any more.
 */
static bool find_task(unsigned long pfn, struct private_node_task_name *name)
{
	struct rmap_walk_control rwc = {
		.rmap_one = find_mm_one,
		.arg = name,
		.anon_lock = folio_lock_anon_vma_read,
	};
	unsigned long end = pfn + 1;
	struct folio *folio;

	memset(name, 0, sizeof(*name));
	folio = private_node_next_used(&pfn, end);
	if (!folio)
		return false;
	if (folio_trylock(folio)) {
		if (!folio_mapped(folio))
			rwc.rmap_one = find_mm_file;
		if (folio_mapped(folio) || !folio_test_anon(folio))
			rmap_walk(folio, &rwc);
		folio_unlock(folio);
	}
	folio_put(folio);
	return name->pid;
}

/*
 * Says who holds a page by a reference rather than a mapping.  Returns a text
 * for kfree(), or NULL if that is not known.
 */
static char *find_holder(unsigned long pfn, bool mapped)
{
	struct folio *folio = private_node_next_used(&pfn, pfn + 1);
	char *text;

	if (!folio)
		return NULL;
	text = private_node_describe_holder(folio, mapped);
	folio_put(folio);
	return text;
}

/* The request that is refused, for the log and for the record. */
struct refused {
	int nid;
	enum private_node_act act;
	char what[64];
};

static void record_refused(struct private_node *pn, const struct refused *r,
			   enum private_node_why why, unsigned long nr,
			   const struct private_node_task_name *by)
{
	private_node_record(.nid = r->nid, .owner = pn ? pn->owner : NULL,
			    .act = r->act, .why = why, .pages = nr, .by = by);
}

static void report_users(struct private_node *pn, const struct refused *r,
			 unsigned long nr, const char *held, unsigned long pfn,
			 const char *next, enum private_node_why why)
{
	const char *what = r->what;
	struct private_node_task_name name;
	char *holder = NULL;
	bool mapped = find_task(pfn, &name);
	int nid = r->nid;

	record_refused(pn, r, why, nr, &name);
	/* Something else, such as a pipe, may hold a page that is mapped. */
	if (!mapped || next == let_it_end)
		holder = find_holder(pfn, mapped);
	if (holder)
		pr_err("node %d: %s: %lu user pages %s, one %s; %s\n",
		       nid, what, nr, held, holder, next);
	else if (mapped)
		pr_err("node %d: %s: %lu user pages %s, one by pid %d (%s); %s\n",
		       nid, what, nr, held, name.pid, name.comm, next);
	else
		pr_err("node %d: %s: %lu user pages %s, one at pfn %#lx that no process maps (I/O under way); %s\n",
		       nid, what, nr, held, pfn, next);
	kfree(holder);
}

static void report_owner(struct private_node *pn, const struct refused *r,
			 unsigned long nr, unsigned long pfn)
{
	const char *owner = pn ? pn->owner : "(none)";
	char *holder = NULL;

	record_refused(pn, r, PRIVATE_NODE_WHY_OWNER, nr, NULL);
	/* Buffers of a device that was attached go through many hands. */
	if (pn && READ_ONCE(pn->attached))
		holder = find_holder(pfn, false);
	if (holder)
		pr_err("node %d: %s: %lu pages held by owner %s, one is a buffer %s (pfn %#lx); they have to be freed first\n",
		       r->nid, r->what, nr, owner, holder, pfn);
	else
		pr_err("node %d: %s: %lu pages held by owner %s; they have to be freed first\n",
		       r->nid, r->what, nr, owner);
	kfree(holder);
}

static void report_holders(struct private_node *pn, const struct refused *r,
			   const struct holders *h, const char *next)
{
	bool at_boot = pn && pn->at_boot;

	if (h->other && at_boot && PageReserved(pfn_to_page(h->other_pfn))) {
		record_refused(pn, r, PRIVATE_NODE_WHY_BOOT, h->other, NULL);
		pr_err("node %d: %s: %lu pages are firmware's or the kernel's since boot, and their memory block cannot go\n",
		       r->nid, r->what, h->other);
	} else if (h->other && at_boot) {
		record_refused(pn, r, PRIVATE_NODE_WHY_IN_USE, h->other, NULL);
		pr_err("node %d: %s: %lu pages are on their way to a user, or in the kernel's hands for a moment; try again\n",
		       r->nid, r->what, h->other);
	} else if (h->other) {
		report_owner(pn, r, h->other, h->other_pfn);
	} else if (h->pinned) {
		report_users(pn, r, h->pinned, "are pinned", h->pinned_pfn,
			     let_it_end, PRIVATE_NODE_WHY_PINNED);
	} else if (h->gmem) {
		report_users(pn, r, h->gmem, "are memory of virtual machines",
			     h->gmem_pfn, end_machine, PRIVATE_NODE_WHY_PINNED);
	} else if (h->user) {
		report_users(pn, r, h->user, "are in use", h->user_pfn, next,
			     PRIVATE_NODE_WHY_IN_USE);
	}
}

/*
 * private_node_check_idle - check that no page of a memory range is in use
 * @nid: the node
 * @start_pfn: first page, online
 * @nr_pages: number of pages
 *
 * Called when a range goes offline by itself, without an unplug of the node.
 *
 * Context: process, may sleep; mem_hotplug_lock held.  Waits up to 0.16 s if
 * only pages of the owner or pinned ones are in the way, which may be held for
 * a moment.
 * Return: 0; -EBUSY if a page is in use, and the log names the holder; -EINTR
 * after a fatal signal.
 */
int private_node_check_idle(int nid, unsigned long start_pfn,
			    unsigned long nr_pages)
{
	struct refused r = { .nid = nid, .act = PRIVATE_NODE_ACT_OFFLINE };
	struct private_node *pn;
	struct holders h;
	int tries;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		if (tries)
			msleep(SETTLE_MS);
		memset(&h, 0, sizeof(h));
		scan_range(nid, start_pfn, start_pfn + nr_pages, &h);
		if (is_killed(nid))
			return -EINTR;
		if (nothing_used(&h))
			return 0;
		/* User pages stay, so do not wait with a global lock held. */
		if (h.user > h.pinned || h.guests)
			break;
	}
	if (!h.user)
		h.user_pfn = h.guest_pfn;
	h.user += h.guests;
	snprintf(r.what, sizeof(r.what), "cannot offline [mem %#llx-%#llx]",
		 (u64)PFN_PHYS(start_pfn),
		 (u64)PFN_PHYS(start_pfn + nr_pages) - 1);
	pn = private_node_find(nid);
	report_holders(pn, &r, &h, pn && pn->at_boot ?
		       "stop it, or write offline to the node's boot_memory" :
		       "stop it, or unplug the whole node");
	private_node_put(pn);
	return -EBUSY;
}

static void count_moved(struct private_node_leaving *l, unsigned long moved,
			unsigned long left)
{
	this_cpu_add(l->pn->stats->unplug_moved, moved);
	trace_private_node_unplug(l->pn->nid, PRIVATE_NODE_UNPLUG_MOVE, moved,
				  left);
}

/*
 * Is the folio migrated?  Guests always are, and with move all folios of users.
 * With sigbus, hugetlb pages and folios of the swap cache are migrated as well,
 * since they cannot be poisoned.
 */
static bool folio_migrates(struct folio *folio, enum private_node_on_unplug how)
{
	if (!private_node_folio_is_users(folio))
		return false;
	return how == PRIVATE_NODE_UNPLUG_MOVE || private_node_is_guest(folio) ||
	       (how == PRIVATE_NODE_UNPLUG_SIGBUS &&
		(folio_test_hugetlb(folio) || folio_test_swapcache(folio)));
}

/*
 * Can the folio just be dropped?  With sigbus, that is so if its data is in
 * swap and nobody maps it.
 */
static bool is_dropped(struct folio *folio, enum private_node_on_unplug how)
{
	return how == PRIVATE_NODE_UNPLUG_SIGBUS &&
	       folio_test_swapcache(folio) && !folio_test_large(folio) &&
	       !folio_mapped(folio) && !folio_test_dirty(folio) &&
	       !private_node_is_guest(folio);
}

/*
 * The node to pass to private_node_may_have() as taken away.  With that, memory
 * that is bound to the node alone may go to other nodes.  A guest may not,
 * unless on_unplug is move: it keeps a bind that was made after the guest was
 * placed.
 */
static int gone_for(const struct folio *folio, enum private_node_on_unplug how)
{
	if (how != PRIVATE_NODE_UNPLUG_MOVE && private_node_is_guest(folio))
		return NUMA_NO_NODE;
	return folio_nid(folio);
}

static void count_stays(struct pass *pass, const struct folio *folio, int ret)
{
	if (!ret) {
		pass->nowhere += folio_nr_pages(folio);
		pass->nowhere_pfn = folio_pfn(folio);
	}
	if (ret < 0)
		pass->unsure += folio_nr_pages(folio);
}

/* Finds out where each folio that would migrate may go.  Moves nothing. */
static void ask_range(int nid, unsigned long pfn, unsigned long end,
		      enum private_node_on_unplug how, struct pass *pass,
		      struct private_node_room *room)
{
	struct folio *folio;
	nodemask_t to;
	int ret;

	while (!fatal_signal_pending(current) &&
	       (folio = private_node_next_used(&pfn, end))) {
		if (folio_migrates(folio, how)) {
			ret = private_node_way_out(folio, gone_for(folio, how),
						   &to);
			count_stays(pass, folio, ret);
			/* Hugetlb pages take room from pools instead. */
			if (ret > 0 && !folio_test_hugetlb(folio) &&
			    !is_dropped(folio, how))
				private_node_room_needed(room, &to,
							 folio_nr_pages(folio));
		}
		pass->step += folio_nr_pages(folio);
		folio_put(folio);
		end_of_step(pass, nid);
	}
}

/*
 * Runs before the first folio moves, so that if some folios cannot move the
 * others stay where they are.  Folios whose users cannot be asked just now are
 * checked when they move.
 */
static struct pass ask_pass(struct private_node *pn, const struct range *ranges,
			    unsigned int nr, enum private_node_on_unplug how,
			    bool closed)
{
	struct private_node_room room = { .leaves = pn->nid };
	struct pass pass = { .closed = closed };

	while (nr--)
		ask_range(pn->nid, PHYS_PFN(ranges[nr].start),
			  PHYS_PFN(ranges[nr].end + 1), how, &pass, &room);
	pass.no_room = private_node_room_lacks(&room);
	return pass;
}

/* Drops a locked folio of the swap cache, if it is not mapped nor in use. */
static bool drop_swap_cache(struct folio *folio)
{
	folio_wait_writeback(folio);
	if (folio_mapped(folio) || !folio_isolate_lru(folio))
		return false;
	/* remove_mapping() expects one reference besides the swap cache's. */
	folio_put(folio);
	if (remove_mapping(folio_mapping(folio), folio)) {
		/* Freeing clears these only for folios on an LRU list. */
		folio_clear_active(folio);
		folio_clear_unevictable(folio);
		return true;
	}
	folio_get(folio);
	folio_putback_lru(folio);
	return false;
}

/*
 * With sigbus, prepares a folio to be unmapped.  All of these steps may fail,
 * so they are done for all folios before the first one is unmapped.  A folio
 * whose swap entry nobody needs leaves the swap cache.  A folio whose data is
 * in swap and that nobody maps is dropped.  A large folio is split; the next
 * pass finds its pages.  Returns false if the folio has to be migrated instead,
 * or is left alone.
 */
static bool prepare_unmap(struct folio *folio, enum private_node_on_unplug how)
{
	bool stays;

	if (how != PRIVATE_NODE_UNPLUG_SIGBUS ||
	    !private_node_folio_is_users(folio) || private_node_is_guest(folio) ||
	    folio_test_hugetlb(folio) || !folio_trylock(folio))
		return false;
	if (folio_test_swapcache(folio)) {
		stays = folio_free_swap(folio) ||
			(is_dropped(folio, how) && drop_swap_cache(folio));
	} else {
		stays = true;
		if (folio_test_large(folio))
			split_folio(folio);
	}
	folio_unlock(folio);
	return stays;
}

static void move_range(struct private_node *pn, unsigned long pfn,
		       unsigned long end, enum private_node_on_unplug how,
		       struct pass *pass)
{
	struct private_node_leaving l = {
		.pn = pn,
		.folios = LIST_HEAD_INIT(l.folios),
		.batch = EVACUATE_BATCH,
		.gfp = GFP_KERNEL | __GFP_MOVABLE | __GFP_RETRY_MAYFAIL |
		       __GFP_NOWARN,
		.mode = MIGRATE_SYNC,
		.reason = MR_MEMORY_HOTPLUG,
		.done = count_moved,
	};
	struct folio *folio;
	int ret;

	while (!is_killed(pn->nid) &&
	       (folio = private_node_next_used(&pfn, end))) {
		ret = 1;
		l.gone = gone_for(folio, how);
		if (!prepare_unmap(folio, how) && folio_migrates(folio, how))
			ret = private_node_move_out(&l, folio);
		count_stays(pass, folio, ret);
		pass->step += folio_nr_pages(folio);
		folio_put(folio);
		if (pass->closed && pass->step >= EVACUATE_STEP)
			private_node_leave_now(&l);
		end_of_step(pass, pn->nid);
	}
	private_node_leave_now(&l);
}

/*
 * Unmaps a locked folio for good.  prepare_unmap() has left no folio that is
 * large or in the swap cache; one that came later is not unmapped.
 */
static bool poison_folio(struct folio *folio)
{
	if (folio_test_large(folio) || folio_test_swapcache(folio))
		return false;
	folio_wait_writeback(folio);
	if (private_node_folio_is_pinned(folio))
		return false;
	return folio_test_anon(folio) ? private_node_poison_anon(folio, false) :
					private_node_poison_shared(folio, false);
}

static void record_unmapped(struct private_node *pn, unsigned long nr,
			    unsigned long left)
{
	trace_private_node_unplug(pn->nid, PRIVATE_NODE_UNPLUG_SIGBUS, nr,
				  left);
	if (nr)
		private_node_record(.nid = pn->nid, .owner = pn->owner,
				    .act = PRIVATE_NODE_ACT_DATA,
				    .why = PRIVATE_NODE_WHY_UNMAPPED,
				    .pages = nr);
}

static void poison_range(struct private_node *pn, unsigned long pfn,
			 unsigned long end)
{
	unsigned long nr = 0, left = 0;
	struct folio *folio;

	while (!is_killed(pn->nid) &&
	       (folio = private_node_next_used(&pfn, end))) {
		if (private_node_folio_is_users(folio) && folio_trylock(folio)) {
			if (!private_node_is_guest(folio) &&
			    poison_folio(folio)) {
				nr++;
				WRITE_ONCE(pn->unmapped, true);
				this_cpu_inc(pn->stats->unplug_unmapped);
			} else {
				left += folio_nr_pages(folio);
			}
			folio_unlock(folio);
		}
		folio_put(folio);
	}
	record_unmapped(pn, nr, left);
}

/*
 * One pass over the node, which migrates what can be migrated.  @unmap is true
 * if all folios that cannot be unmapped have left: only then are the others
 * unmapped, since their data is lost, and the unplug could fail for those
 * before.
 */
static struct pass evacuate_pass(struct private_node *pn,
				 const struct range *ranges, unsigned int nr,
				 enum private_node_on_unplug how, bool unmap,
				 bool closed)
{
	struct pass pass = { .closed = closed };

	while (nr--) {
		unsigned long pfn = PHYS_PFN(ranges[nr].start);
		unsigned long end = PHYS_PFN(ranges[nr].end + 1);

		move_range(pn, pfn, end, how, &pass);
		if (how == PRIVATE_NODE_UNPLUG_SIGBUS && unmap)
			poison_range(pn, pfn, end);
	}
	return pass;
}

static const char *const advice[PRIVATE_NODE_NR_ON_UNPLUG] = {
	[PRIVATE_NODE_UNPLUG_REFUSE] =
		"stop it, or unplug with on_unplug=move or sigbus",
	[PRIVATE_NODE_UNPLUG_MOVE] =
		"they could not be moved: free ordinary memory, or stop it",
	[PRIVATE_NODE_UNPLUG_SIGBUS] =
		"they could not be unmapped: try again, or stop it",
};

static const char need_pool[] =
	"huge pages can only be moved: free some in an ordinary pool, or stop it";

static bool unplug_blocked(const struct holders *h,
			   enum private_node_on_unplug how)
{
	return h->other || h->pinned || h->gmem ||
	       (h->user && how == PRIVATE_NODE_UNPLUG_REFUSE);
}

/* Logs and records why the node cannot be unplugged, and who is in the way. */
static int refuse_unplug(struct private_node *pn, struct holders *h,
			 const struct pass *pass,
			 enum private_node_on_unplug how)
{
	const struct refused r = {
		.nid = pn->nid, .act = PRIVATE_NODE_ACT_UNPLUG,
		.what = "cannot unplug",
	};

	if (pass->nowhere && !h->other && !h->pinned && !h->gmem) {
		report_users(pn, &r, pass->nowhere,
			     "may not go to any other node that can be used here",
			     pass->nowhere_pfn,
			     "widen their policy or cpuset, or stop it",
			     PRIVATE_NODE_WHY_NOWHERE);
		return -EBUSY;
	}
	if (h->guests && !h->user) {
		h->user = h->guests;
		h->user_pfn = h->guest_pfn;
		how = PRIVATE_NODE_UNPLUG_MOVE;
	}
	report_holders(pn, &r, h,
		       h->huge && how == PRIVATE_NODE_UNPLUG_SIGBUS ? need_pool :
		       advice[how]);
	return -EBUSY;
}

/*
 * A page that was allocated and is not yet mapped looks like one of the
 * owner's, and one on its way to an LRU list looks pinned.  Such pages are
 * others at each look, so the smallest number of all looks comes closest to the
 * pages that are really in the way.
 */
static void count_least(struct holders *now, const struct holders *last)
{
	now->other = min(now->other, last->other);
	now->pinned = min(now->pinned, last->pinned);
}

/*
 * Is a page in the way that stays there?  While the gates are open some pages
 * are always held for a moment, or about to be mapped.  So a page of the owner
 * or a pinned page counts only if the look before found the same one.
 */
static bool still_blocked(const struct holders *now, const struct holders *last,
			  enum private_node_on_unplug how)
{
	if (now->gmem || (now->user && how == PRIVATE_NODE_UNPLUG_REFUSE))
		return true;
	if (now->other && now->other_pfn == last->other_pfn)
		return true;
	return now->pinned && now->pinned_pfn == last->pinned_pfn;
}

/*
 * With on_unplug=refuse, data of the device map keeps the node from being
 * unplugged even if it is in swap.
 */
static bool refuses_swapped(struct private_node *pn,
			    enum private_node_on_unplug how)
{
	return how == PRIVATE_NODE_UNPLUG_REFUSE && private_node_is_swapped(pn);
}

/* For pages that are no user's: those whose holders can do without them. */
static void let_go(struct private_node *pn)
{
	zswap_leave_node(pn->nid, ULONG_MAX, GFP_KERNEL);
	private_node_flush_buffers(pn);
}

static int look_for_holders(struct private_node *pn, const struct range *ranges,
			    unsigned int nr, struct holders *h)
{
	scan_ranges(pn->nid, ranges, nr, h);
	if (fatal_signal_pending(current))
		return -EINTR;
	if (h->other)
		let_go(pn);
	return 0;
}

/*
 * Looks up to four times more, until nothing is in the way.  Returns 0 if so,
 * or if what is in the way is another page each time; -EBUSY if a page stays;
 * -EINTR after a fatal signal.
 */
static int look_until_unblocked(struct private_node *pn,
				const struct range *ranges, unsigned int nr,
				enum private_node_on_unplug how,
				struct holders *h)
{
	struct holders last;
	int tries, ret;

	for (tries = 1; tries < SETTLE_TRIES; tries++) {
		last = *h;
		msleep(SETTLE_MS);
		ret = look_for_holders(pn, ranges, nr, h);
		if (ret)
			return ret;
		count_least(h, &last);
		if (!unplug_blocked(h, how))
			return 0;
	}
	return still_blocked(h, &last, how) ? -EBUSY : 0;
}

/*
 * private_node_evacuate_open - the part of an unplug before the gates close
 * @pn: the handle; its gates stay open
 * @ranges: memory of the node
 * @nr: number of ranges
 *
 * Refuses an unplug that cannot succeed before any user of the node notices it.
 * With on_unplug=move, also makes one pass that migrates what can be migrated;
 * folios that come later are left to private_node_evacuate().  Unmaps nothing,
 * since that cannot be undone.  Refuses nothing if the memory is lost.
 *
 * Context: process, may sleep; no gate entered.
 * Return: 0 if nothing is in the way so far; -EBUSY if something is, and the
 * log names the holder; -EINTR after a fatal signal.
 */
int private_node_evacuate_open(struct private_node *pn,
			       const struct range *ranges, unsigned int nr)
{
	enum private_node_on_unplug how = READ_ONCE(pn->on_unplug);
	struct pass pass = {};
	struct holders h;
	int ret;

	if (READ_ONCE(pn->lost)) {
		private_node_lose_huge(pn);
		return 0;
	}
	if (refuses_swapped(pn, how))
		return -EBUSY;
	ret = look_for_holders(pn, ranges, nr, &h);
	if (!ret && unplug_blocked(&h, how)) {
		/* Folios in per-CPU LRU batches look pinned. */
		lru_cache_disable();
		ret = look_until_unblocked(pn, ranges, nr, how, &h);
		lru_cache_enable();
		if (ret == -EBUSY)
			return refuse_unplug(pn, &h, &pass, how);
	}
	if (ret)
		return ret;
	pass = ask_pass(pn, ranges, nr, how, false);
	if (fatal_signal_pending(current))
		return -EINTR;
	if (!pass.nowhere && !pass.no_room && how == PRIVATE_NODE_UNPLUG_MOVE)
		pass = evacuate_pass(pn, ranges, nr, how, false, false);
	if (!pass.nowhere && !pass.no_room)
		return 0;
	scan_ranges(pn->nid, ranges, nr, &h);
	return nothing_used(&h) ? 0 : refuse_unplug(pn, &h, &pass, how);
}

static int evacuate_closed(struct private_node *pn, const struct range *ranges,
			   unsigned int nr)
{
	enum private_node_on_unplug how = READ_ONCE(pn->on_unplug);
	struct pass pass = {};
	int passes = 0, tries = 0;
	bool asked = false;
	struct holders h;

	for (;;) {
		scan_ranges(pn->nid, ranges, nr, &h);
		if (is_killed(pn->nid))
			return -EINTR;
		/* No page is left that could still be swapped out. */
		if (nothing_used(&h))
			return refuses_swapped(pn, how) ? -EBUSY : 0;
		if (passes == EVACUATE_PASSES || tries == SETTLE_TRIES)
			break;
		if (h.other)
			let_go(pn);
		if (unplug_blocked(&h, how)) {
			tries++;
			evacuate_sleep();
			continue;
		}
		/* More folios may have come before the gates were closed. */
		if (!asked)
			pass = ask_pass(pn, ranges, nr, how, true);
		asked = true;
		if (pass.nowhere || pass.no_room)
			break;
		pass = evacuate_pass(pn, ranges, nr, how,
				     !h.guests && !h.huge && !h.swapped &&
				     !h.large, true);
		passes++;
		if (pass.unsure)
			evacuate_sleep();
	}
	return refuse_unplug(pn, &h, &pass, how);
}

/* Returns how many pages were lost. */
static unsigned long lose_range(struct private_node *pn, unsigned long pfn,
				unsigned long end, struct pass *pass)
{
	unsigned long nr, lost = 0;
	struct folio *folio;

	while ((folio = private_node_next_used(&pfn, end))) {
		nr = folio_nr_pages(folio);
		if (private_node_lose(folio))
			lost += nr;
		folio_put(folio);
		pass->step += nr;
		end_of_step(pass, pn->nid);
	}
	return lost;
}

static void lose_ranges(struct private_node *pn, const struct range *ranges,
			unsigned int nr, struct pass *pass)
{
	unsigned long lost = 0;

	while (nr--)
		lost += lose_range(pn, PHYS_PFN(ranges[nr].start),
				   PHYS_PFN(ranges[nr].end + 1), pass);
	if (!lost)
		return;
	this_cpu_add(pn->stats->unplug_unmapped, lost);
	record_unmapped(pn, lost, 0);
	pr_err("node %d: %s: %lu pages of its users are lost, accesses get SIGBUS\n",
	       pn->nid, pn->owner, lost);
}

/* Whoever holds pages that cannot be read has only to give them back. */
static int refuse_lost(struct private_node *pn, struct holders *h)
{
	struct pass pass = {};

	if (!h->user)
		h->user_pfn = h->guest_pfn;
	h->user += h->guests;
	h->guests = 0;
	h->huge = 0;
	return refuse_unplug(pn, h, &pass, PRIVATE_NODE_UNPLUG_SIGBUS);
}

/*
 * As evacuate_closed(), for memory that cannot be read.  This loses nothing that
 * is not lost already, so pages that are held do not keep others from being
 * unmapped, and no signal ends it.
 */
static int evacuate_lost(struct private_node *pn, const struct range *ranges,
			 unsigned int nr)
{
	struct pass pass = { .closed = true };
	struct holders h;
	int passes;

	WRITE_ONCE(pn->unmapped, true);
	for (passes = 0; passes < EVACUATE_PASSES; passes++) {
		lose_ranges(pn, ranges, nr, &pass);
		scan_ranges(pn->nid, ranges, nr, &h);
		if (nothing_used(&h))
			return 0;
		if (h.other)
			let_go(pn);
		evacuate_sleep();
	}
	return refuse_lost(pn, &h);
}

/*
 * private_node_evacuate - empty a node, as its on_unplug says
 * @pn: the handle, with its gates closed: no page of the node is handed out
 * @ranges: memory of the node
 * @nr: number of ranges
 *
 * Ends after a bounded number of passes.  The system's per-CPU LRU batches and
 * memory hotplug are blocked for EVACUATE_STEP pages at a time.
 *
 * Context: process, may sleep; no gate entered; takes mem_hotplug_lock for
 * reading.
 * Return: 0 if no page is in use any more; -EBUSY if one is, and the log names
 * the holder; -EINTR after a fatal signal, unless data was unmapped already.
 */
int private_node_evacuate(struct private_node *pn, const struct range *ranges,
			  unsigned int nr)
{
	int ret;

	evacuate_begin();
	ret = READ_ONCE(pn->lost) ? evacuate_lost(pn, ranges, nr) :
				    evacuate_closed(pn, ranges, nr);
	evacuate_end();
	return ret;
}
