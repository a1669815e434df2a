// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a process moves to a device that uses it, and back.
 *
 * private_node_migrate_range() is for the driver of a device that has a private
 * node and works on memory of processes.  What moves is anonymous memory and
 * shmem, in whole folios:
 *
 *	folio is				to the node	back
 *	already there				stays		-
 *	anonymous, shmem			moved		moved
 *	of users who may not all have it there	stays, told	stays, told
 *	page cache, KSM, hugetlb		stays, told	-
 *	pinned, or locked by somebody for long	stays, told	stays, told
 *	missing, or in swap			faulted in and	-
 *						  moved, if asked
 *
 * may_have.c says where the users of a folio may have it.  The process goes on
 * meanwhile: a CPU that uses a folio which is moving waits for it.
 *
 * Folios that the driver moves because its device used them are guests (mark.c):
 * nobody has named the node for them, so they give way to those who do.  Folios
 * that a user sent there (PRIVATE_NODE_MIGRATE_NAMED) are not.
 *
 * Work goes by chunks.  Each is collected and moved inside the gate of
 * "device_access", so that unplug and unregistration wait for one chunk and no
 * folio is isolated when they go on.  Missing pages are faulted in outside of
 * the gate, since a fault may itself wait for an unplug.
 */
#include <linux/export.h>
#include <linux/hugetlb.h>
#include <linux/ksm.h>
#include <linux/mempolicy.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/userfaultfd_k.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "tier.h"

/* Memory that is looked at and moved at a time; whole PMDs. */
#define CHUNK	max_t(unsigned long, SZ_4M, PMD_SIZE)

/* How often guests are asked to leave for one folio. */
#define GUESTS_TRIES	16

/* What one walk does. */
enum walk_for {
	FOR_COUNT,	/* count pages, and those on the node */
	FOR_MOVE,	/* isolate folios that should move */
	FOR_HOLES,	/* find the next pages that are missing */
};

struct device_access {
	struct private_node *pn;
	struct mm_struct *mm;
	unsigned int flags;
	struct private_node_migrated *out;
	enum walk_for walk;
	struct list_head folios;
	struct folio *last;		/* isolated last, by address only */
	unsigned long hole, hole_end;	/* hole found so far, empty if equal */
	bool hole_write;
	bool again;			/* a folio may move at a second attempt */
	bool full;			/* the target gave no folio */
	bool unmapped;			/* part of the range has no mapping */
	bool unfilled;			/* a page could not be faulted in */
	int error;
};

static bool goes_back(const struct device_access *a)
{
	return a->flags & PRIVATE_NODE_MIGRATE_BACK;
}

/*
 * Is this a kind of memory that is never moved here: a file, huge page of a
 * pool or KSM page?
 */
static bool wrong_kind(struct folio *folio)
{
	return !folio_test_swapbacked(folio) || folio_test_hugetlb(folio) ||
	       folio_test_ksm(folio);
}

/*
 * A folio of which @nr pages are mapped here.  The page table lock is held, so
 * the folio stays mapped.
 */
static void collect(struct device_access *a, struct folio *folio,
		    unsigned long nr, bool here)
{
	if (here != goes_back(a)) {
		if (here && a->flags & PRIVATE_NODE_MIGRATE_NAMED)
			private_node_adopted(folio, false);
		return;
	}
	if (folio == a->last || folio_maybe_dma_pinned(folio))
		return;
	if (wrong_kind(folio))
		a->out->refused += nr;
	else if (isolate_folio_to_list(folio, &a->folios))
		a->last = folio;
	else
		a->again = true;	/* on no LRU list yet */
}

/*
 * Does what the walk is for with one folio.  Returns true if the walk is to
 * stop, because a hole in the mapping ends here.
 */
static bool look_at(struct device_access *a, struct folio *folio,
		    unsigned long nr)
{
	bool here = folio_nid(folio) == a->pn->nid;

	switch (a->walk) {
	case FOR_COUNT:
		a->out->pages += nr;
		a->out->on_node += here ? nr : 0;
		return false;
	case FOR_MOVE:
		collect(a, folio, nr, here);
		return false;
	default:
		return a->hole < a->hole_end;
	}
}

/*
 * Only memory that is new or in swap is brought in: not files, nor what a monitor
 * fills by userfaultfd, for which a thread of a driver could wait for ever.
 */
static bool look_at_hole(struct device_access *a, struct vm_area_struct *vma,
			 unsigned long addr, unsigned long end)
{
	bool write = vma->vm_flags & VM_WRITE;

	if (a->walk != FOR_HOLES ||
	    (!vma_is_anonymous(vma) && !vma_is_shmem(vma)) ||
	    !vma_is_accessible(vma) ||
	    userfaultfd_armed(vma))
		return false;
	if (a->hole < a->hole_end &&
	    (a->hole_end != addr || a->hole_write != write))
		return true;
	if (a->hole == a->hole_end)
		a->hole = addr;
	a->hole_end = end;
	a->hole_write = write;
	return false;
}

static int walk_hole(unsigned long addr, unsigned long end, int depth,
		     struct mm_walk *walk)
{
	struct device_access *a = walk->private;

	if (walk->vma)
		return look_at_hole(a, walk->vma, addr, end);
	a->unmapped = true;
	return 0;
}

static int walk_ptes(struct device_access *a, struct vm_area_struct *vma,
		     pte_t *pte, unsigned long addr, unsigned long end)
{
	bool stop = false;
	struct folio *folio;
	pte_t entry;

	for (; addr < end && !stop; addr += PAGE_SIZE, pte++) {
		entry = ptep_get(pte);
		if (!pte_present(entry)) {
			stop = look_at_hole(a, vma, addr, addr + PAGE_SIZE);
			continue;
		}
		folio = vm_normal_folio(vma, addr, entry);
		if (folio && !folio_is_zone_device(folio) &&
		    !is_zero_folio(folio))
			stop = look_at(a, folio, 1);
	}
	return stop;
}

static int walk_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		    struct mm_walk *walk)
{
	struct device_access *a = walk->private;
	struct vm_area_struct *vma = walk->vma;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	pmd_t entry;
	pte_t *pte;
	int ret = 0;

	if (ptl) {
		entry = pmdp_get(pmd);
		if (!pmd_present(entry))
			ret = look_at_hole(a, vma, addr, end);
		else if (!is_huge_zero_pmd(entry))
			ret = look_at(a, pmd_folio(entry),
				      (end - addr) >> PAGE_SHIFT);
		spin_unlock(ptl);
		return ret;
	}
	pte = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	ret = walk_ptes(a, vma, pte, addr, end);
	pte_unmap_unlock(pte, ptl);
	cond_resched();
	return ret;
}

/* Mappings of devices and of hugetlb are passed over. */
static int walk_test(unsigned long addr, unsigned long end,
		     struct mm_walk *walk)
{
	struct device_access *a = walk->private;

	if (vma_migratable(walk->vma) && !is_vm_hugetlb_page(walk->vma))
		return 0;
	if (a->walk == FOR_MOVE)
		a->out->refused += (end - addr) >> PAGE_SHIFT;
	return 1;
}

static const struct mm_walk_ops walk_ops = {
	.pmd_entry = walk_pmd,
	.pte_hole = walk_hole,
	.test_walk = walk_test,
	.walk_lock = PGWALK_RDLOCK,
};

/* The caller holds mmap_lock. */
static void walk(struct device_access *a, enum walk_for what,
		 unsigned long start, unsigned long end)
{
	a->walk = what;
	a->last = NULL;
	walk_page_range(a->mm, start, end, &walk_ops, a);
}

static bool lock_mm(struct device_access *a)
{
	if (!mmap_read_lock_killable(a->mm))
		return true;
	a->error = -EINTR;
	return false;
}

/*
 * Faults in what is missing: pages of private nodes come from where the policy
 * of the memory and the cpuset of its owner say, also for a kernel thread that has
 * called kthread_use_mm(); ordinary pages come as for an access by the running
 * task.  What cannot be faulted in is stepped over.
 */
static void fill_holes(struct device_access *a, unsigned long start,
		       unsigned long end)
{
	int locked = 1;
	long ret;

	if (!lock_mm(a))
		return;
	while (start < end && !a->error) {
		if (!locked)
			mmap_read_lock(a->mm);
		locked = 1;
		a->hole = 0;
		a->hole_end = 0;
		walk(a, FOR_HOLES, start, end);
		if (a->hole == a->hole_end)
			break;
		start = a->hole;
		ret = faultin_page_range(a->mm, start, a->hole_end,
					 a->hole_write, &locked);
		if (ret > 0) {
			start += ret << PAGE_SHIFT;
		} else if (ret == -ENOMEM || ret == -EINTR) {
			a->error = ret;
		} else {
			a->unfilled = true;
			start += PAGE_SIZE;
		}
		if (fatal_signal_pending(current))
			a->error = -EINTR;
	}
	if (locked)
		mmap_read_unlock(a->mm);
}

/* Puts back the folios whose users may not all have them on the target. */
static void keep_named_elsewhere(struct device_access *a)
{
	nodemask_t nodes, to = nodemask_of_node(a->pn->nid);
	struct folio *folio, *next;
	LIST_HEAD(stay);

	if (goes_back(a))
		to = node_states[N_MEMORY];
	list_for_each_entry_safe(folio, next, &a->folios, lru) {
		int ret;

		nodes = to;
		ret = private_node_may_go(folio, &nodes, NUMA_NO_NODE);
		if (ret > 0)
			continue;
		if (!ret)
			a->out->refused += folio_nr_pages(folio);
		else
			a->again = true;
		list_move(&folio->lru, &stay);
	}
	putback_movable_pages(&stay);
}

/*
 * Allocates the place of a guest.  No guest has to leave for another one, and
 * none is placed while memory that names the node needs the room.
 */
static struct folio *place_guest(struct private_node *pn, gfp_t gfp,
				 unsigned int order)
{
	struct folio *dst;

	if (private_node_named_first(pn))
		return NULL;
	dst = private_node_alloc_exact(pn, gfp, order,
				       PRIVATE_NODE_USER_DEVICE_ACCESS);
	if (!dst || private_node_mark(dst))
		return dst;
	folio_put(dst);
	return NULL;
}

static struct folio *place_named(struct private_node *pn, gfp_t gfp,
				 unsigned int order)
{
	const enum private_node_service user = PRIVATE_NODE_USER_DEVICE_ACCESS;
	nodemask_t nodes = nodemask_of_node(pn->nid);
	struct folio *dst;
	int tries = 0;

	do {
		dst = private_node_alloc_exact(pn, gfp, order, user);
	} while (!dst && tries++ < GUESTS_TRIES &&
		 private_node_guests_leave(&nodes, gfp, order, user));
	return dst;
}

static struct folio *new_place(struct folio *src, unsigned long private)
{
	struct device_access *a = (struct device_access *)private;
	unsigned int order = folio_order(src);
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
	struct folio *dst;

	if (order)
		gfp = (gfp & ~__GFP_RECLAIM) | GFP_TRANSHUGE;
	if (goes_back(a))
		dst = private_node_ordinary_target(src, gfp, order);
	else if (a->flags & PRIVATE_NODE_MIGRATE_NAMED)
		dst = place_named(a->pn, gfp, order);
	else
		dst = place_guest(a->pn, gfp, order);
	a->full |= !dst;
	return dst;
}

/* A user's large folio is split when the target has no block for it. */
static void move_collected(struct device_access *a)
{
	bool named = a->flags & PRIVATE_NODE_MIGRATE_NAMED;
	unsigned int moved = 0;

	keep_named_elsewhere(a);
	if (list_empty(&a->folios))
		return;
	/* What failed may have been held by a batch of another CPU. */
	if (migrate_pages(&a->folios, new_place, NULL, (unsigned long)a,
			  named ? MIGRATE_SYNC : MIGRATE_SYNC_LIGHT,
			  named ? MR_SYSCALL : MR_NUMA_MISPLACED, &moved))
		a->again = true;
	putback_movable_pages(&a->folios);
	a->out->moved += moved;
}

static int not_let_in(struct private_node *pn)
{
	private_node_refuse(pn, PRIVATE_NODE_USER_DEVICE_ACCESS,
			    PRIVATE_NODE_REFUSED, 0);
	return private_node_closing(pn) ? -EAGAIN : -ENODEV;
}

/*
 * Takes mmap_lock before it enters a gate, since code inside a gate must not
 * wait for that lock.
 */
static void move_chunk(struct device_access *a, unsigned long start,
		       unsigned long end)
{
	lru_add_drain();
	if (!lock_mm(a))
		return;
	if (!private_node_enter(a->pn, PRIVATE_NODE_USER_DEVICE_ACCESS)) {
		mmap_read_unlock(a->mm);
		a->error = not_let_in(a->pn);
		return;
	}
	walk(a, FOR_MOVE, start, end);
	mmap_read_unlock(a->mm);
	move_collected(a);
	private_node_leave(a->pn, PRIVATE_NODE_USER_DEVICE_ACCESS);
}

static unsigned long chunk_end(unsigned long start, unsigned long end)
{
	return min(ALIGN_DOWN(start, CHUNK) + CHUNK, end);
}

static void pass(struct device_access *a, unsigned long start,
		 unsigned long end, bool fill)
{
	unsigned long next;

	a->out->refused = 0;
	a->again = false;
	a->full = false;
	a->unmapped = false;
	for (; start < end && !a->error; start = next) {
		next = chunk_end(start, end);
		/*
		 * When the node is full, what is missing would stay in ordinary
		 * memory, so it is not faulted in.
		 */
		if (fill && !a->full)
			fill_holes(a, start, next);
		if (!a->error)
			move_chunk(a, start, next);
		if (fatal_signal_pending(current))
			a->error = -EINTR;
	}
}

static void count(struct device_access *a, unsigned long start,
		  unsigned long end)
{
	unsigned long next;

	a->out->pages = 0;
	a->out->on_node = 0;
	for (; start < end; start = next) {
		next = chunk_end(start, end);
		if (fatal_signal_pending(current) ||
		    mmap_read_lock_killable(a->mm))
			return;
		walk(a, FOR_COUNT, start, next);
		mmap_read_unlock(a->mm);
	}
}

static int outcome(const struct device_access *a)
{
	const struct private_node_migrated *out = a->out;
	unsigned long left = goes_back(a) ? out->on_node :
					    out->pages - out->on_node;

	if (a->error)
		return a->error;
	if (left && a->full)
		return -ENOSPC;
	if (out->refused)
		return -EPERM;
	if (left)
		return -EBUSY;
	return a->unmapped || a->unfilled ? -EFAULT : 0;
}

static int check_args(struct private_node *pn, unsigned long start,
		      unsigned long end, unsigned int flags)
{
	const unsigned int all = PRIVATE_NODE_MIGRATE_NAMED |
				 PRIVATE_NODE_MIGRATE_POPULATE |
				 PRIVATE_NODE_MIGRATE_BACK;
	const unsigned int both = PRIVATE_NODE_MIGRATE_POPULATE |
				  PRIVATE_NODE_MIGRATE_BACK;

	if (!PAGE_ALIGNED(start | end) || start >= end || end > TASK_SIZE_MAX ||
	    flags & ~all || (flags & both) == both)
		return -EINVAL;
	if (pn->flags & PRIVATE_NODE_F_COMPRESSED)
		return -EOPNOTSUPP;
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return -ENODEV;
	return flags & (PRIVATE_NODE_MIGRATE_NAMED | PRIVATE_NODE_MIGRATE_BACK) ||
	       private_node_begin_marks(pn) ? 0 : -ENOMEM;
}

/**
 * private_node_migrate_range - move memory of a process to a node, or back
 * @pn: the handle; the caller holds a reference
 * @mm: address space; the caller holds a reference by mmget(), and no lock
 * @start: first address, page-aligned
 * @end: end address, page-aligned
 * @flags: PRIVATE_NODE_MIGRATE_*
 * @result: what became of the range, also after most errors
 *
 * For the driver of a device that works on memory of a process.  Moves what is
 * elsewhere to the node: anonymous memory and shmem, large folios whole.  With
 * %PRIVATE_NODE_MIGRATE_BACK what is on the node moves to ordinary memory.
 * Folios whose users have a policy, or a cpuset, that does not allow the target
 * stay where they are, and so do page cache, KSM pages, hugetlb and pinned
 * pages.  All of them can be used where they are.
 *
 * On a full node guests leave, and then the node is reclaimed from if its
 * service reclaim is open; on_full does not apply, because what does not move
 * has a place.
 *
 * A caller that mirrors page tables is told of the moves by its MMU notifiers,
 * so it holds no lock that these take.
 *
 * Context: process, may sleep; killable.
 * Return: 0 when nothing is left to do.  Otherwise @result says how far it came,
 * and the first of these that is true: -EINVAL for bad arguments; -EOPNOTSUPP
 * for compressed RAM; -ENODEV after private_node_unregister(); -EAGAIN while the
 * node is being unplugged; -EINTR after a fatal signal; -EFAULT or -ENOMEM if a
 * page could not be faulted in; -ENOSPC when the target had no room; -EPERM when
 * some may not move; -EBUSY when some are in use; -EFAULT when part of the range
 * is not mapped.
 */
int private_node_migrate_range(struct private_node *pn, struct mm_struct *mm,
			       unsigned long start, unsigned long end,
			       unsigned int flags,
			       struct private_node_migrated *result)
{
	struct device_access a = {
		.pn = pn, .mm = mm, .flags = flags, .out = result,
		.folios = LIST_HEAD_INIT(a.folios),
	};
	int ret;

	*result = (struct private_node_migrated){};
	ret = check_args(pn, start, end, flags);
	if (ret)
		return ret;
	pass(&a, start, end, flags & PRIVATE_NODE_MIGRATE_POPULATE);
	if (a.again && !a.error && !a.full) {
		/* New folios wait in batches of other CPUs. */
		lru_add_drain_all();
		pass(&a, start, end, false);
	}
	if (a.error != -ENODEV)
		count(&a, start, end);
	private_node_count(pn, PRIVATE_NODE_USER_DEVICE_ACCESS,
			   PRIVATE_NODE_REFUSED, result->refused);
	ret = outcome(&a);
	trace_private_node_migrate_range(pn->nid, goes_back(&a), result->moved,
					 result->refused, ret);
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_migrate_range);
