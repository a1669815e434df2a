// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adds memory to private nodes, and removes it.
 *
 * Adding: the node is latched when it is registered.  So all memory that comes
 * online on it is private, whether through this file, by the default online
 * policy or through memoryN/state.
 *
 * Removing takes all ranges of a node or none, in these steps:
 *
 *	look	with the gates open, look for pages that would make the unplug
 *		fail, and with on_unplug=move migrate the others; evacuate.c
 *	close	close the gates, and wait until requests inside have left
 *	empty	migrate or unmap the rest, as on_unplug says; evacuate.c
 *	remove	offline and remove all blocks, or bring all back online
 *
 * If a step fails, the gates are opened again.  Faults wait for the outcome
 * from when the gates close, so an unplug that fails changes nothing for them.
 * A memory block with a page in use never goes offline, whoever asks for it:
 * offline_pages() would move pages without regard for on_unplug, and would
 * retry for ever what it cannot move.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/export.h>
#include <linux/hugetlb.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/range.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "../internal.h"
#include "internal.h"
#include "refusals.h"

/* One range of a node, on private_node.ranges. */
struct private_node_range {
	struct list_head list;
	struct range range;
	char *resource_name;	/* not copied by the resource in /proc/iomem */
};

static int check_bounds(struct private_node *pn, u64 start, u64 size)
{
	unsigned long block = memory_block_size_bytes();
	u64 end;

	if (!size) {
		pr_err("node %d: %s: cannot add %#llx: size is zero\n",
		       pn->nid, pn->owner, start);
		return -EINVAL;
	}
	if (check_add_overflow(start, size, &end)) {
		pr_err("node %d: %s: cannot add %#llx: size %#llx goes past the end of the address space\n",
		       pn->nid, pn->owner, start, size);
		return -EINVAL;
	}
	if (!IS_ALIGNED(start | size, block)) {
		pr_err("node %d: %s: cannot add [mem %#llx-%#llx]: start and size must be multiples of the memory block size %#lx\n",
		       pn->nid, pn->owner, start, end - 1, block);
		return -EINVAL;
	}
	if (!mhp_range_allowed(start, size, true)) {
		pr_err("node %d: %s: cannot add [mem %#llx-%#llx]: outside of what can be mapped\n",
		       pn->nid, pn->owner, start, end - 1);
		return -E2BIG;
	}
	return 0;
}

static int check_how(struct private_node *pn, const char *resource_name,
		     mhp_t mhp_flags, enum mmop online_type)
{
	if (!resource_name || !strstarts(resource_name, "System RAM (") ||
	    !strends(resource_name, ")")) {
		pr_err("node %d: %s: cannot add memory: resource name '%s' is not 'System RAM (DRIVER)'\n",
		       pn->nid, pn->owner, resource_name ?: "");
		return -EINVAL;
	}
	if (mhp_flags & ~MHP_MEMMAP_ON_MEMORY) {
		pr_err("node %d: %s: cannot add memory: flags %#x, only MHP_MEMMAP_ON_MEMORY is possible\n",
		       pn->nid, pn->owner, (__force unsigned int)mhp_flags);
		return -EINVAL;
	}
	if (online_type < MMOP_OFFLINE || online_type > MMOP_ONLINE_MOVABLE) {
		pr_err("node %d: %s: cannot add memory: unknown online type %d\n",
		       pn->nid, pn->owner, online_type);
		return -EINVAL;
	}
	return 0;
}

static void record_refusal(struct private_node *pn, enum private_node_act act,
			   enum private_node_why why)
{
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = why);
}

static bool overlaps_node(struct private_node *other, u64 start, u64 size)
{
	struct private_node_range *r;

	list_for_each_entry(r, &other->ranges, list)
		if (r->range.start < start + size && start <= r->range.end)
			return true;
	return false;
}

static int check_foreign(struct private_node *pn, u64 start, u64 size)
{
	struct private_node *other;
	bool overlaps;
	int nid;

	lockdep_assert_held(&private_node_lock);
	for_each_node_mask(nid, private_node_map) {
		other = private_node_find(nid);
		overlaps = other && overlaps_node(other, start, size);
		private_node_put(other);
		if (!overlaps)
			continue;
		pr_err("node %d: %s: cannot add [mem %#llx-%#llx]: overlaps memory of node %d\n",
		       pn->nid, pn->owner, start, start + size - 1, nid);
		return -EEXIST;
	}
	/* Busy System RAM only: kmem reserves its range without that flag. */
	if (region_intersects(start, size,
			      IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		pr_err("node %d: %s: cannot add [mem %#llx-%#llx]: overlaps System RAM, see /proc/iomem\n",
		       pn->nid, pn->owner, start, start + size - 1);
		return -EEXIST;
	}
	return 0;
}

static struct private_node_range *range_new(u64 start, u64 size,
					    const char *resource_name)
{
	struct private_node_range *r = kzalloc_obj(*r);

	if (!r)
		return NULL;
	r->range.start = start;
	r->range.end = start + size - 1;
	r->resource_name = kstrdup(resource_name, GFP_KERNEL);
	if (!r->resource_name) {
		kfree(r);
		return NULL;
	}
	return r;
}

/*
 * Adds @r to the ranges of the node, which cannot be unregistered after that.
 */
static int range_insert(struct private_node *pn, struct private_node_range *r)
{
	int ret;

	lockdep_assert_held(&pn->life);
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD) {
		pr_err("node %d: %s: cannot add memory: the handle was unregistered\n",
		       pn->nid, pn->owner);
		return -ENODEV;
	}
	if (READ_ONCE(pn->fenced)) {
		pr_err("node %d: %s: cannot add memory: the node is fenced; its driver has to unregister the device first\n",
		       pn->nid, pn->owner);
		return -EBUSY;
	}
	guard(mutex)(&private_node_lock);
	ret = check_foreign(pn, r->range.start, range_len(&r->range));
	if (!ret)
		list_add_tail(&r->list, &pn->ranges);
	return ret;
}

static void range_remove(struct private_node_range *r)
{
	mutex_lock(&private_node_lock);
	list_del(&r->list);
	mutex_unlock(&private_node_lock);
	kfree(r->resource_name);
	kfree(r);
}

/* Needed as __add_memory_driver_managed() ignores blocks that stay offline. */
static int check_online(struct private_node *pn, const struct range *range,
			enum mmop online_type)
{
	u64 block = memory_block_size_bytes();
	u64 addr;

	if (online_type == MMOP_OFFLINE)
		return 0;
	for (addr = range->start; addr < range->end; addr += block)
		if (!pfn_to_online_page(PHYS_PFN(addr + block - 1))) {
			pr_err("node %d: %s: [mem %#llx-%#llx] could not be brought online; all of it is removed again\n",
			       pn->nid, pn->owner, addr, addr + block - 1);
			return -EIO;
		}
	return 0;
}

static int range_add(struct private_node *pn, struct private_node_range *r,
		     mhp_t mhp_flags, enum mmop online_type)
{
	int ret;

	ret = __add_memory_driver_managed(pn->nid, r->range.start,
					  range_len(&r->range),
					  r->resource_name, mhp_flags,
					  online_type);
	if (ret) {
		pr_err("node %d: %s: cannot add [mem %#llx-%#llx]: %s (%d)\n",
		       pn->nid, pn->owner, r->range.start, r->range.end,
		       ret == -EEXIST ? "it belongs to somebody else, see /proc/iomem" :
		       "memory hot-add failed", ret);
		return ret;
	}
	ret = check_online(pn, &r->range, online_type);
	if (!ret && !private_node_sysfs_shown(pn)) {
		pr_err("node %d: %s: no files in sysfs; [mem %#llx-%#llx] is removed again\n",
		       pn->nid, pn->owner, r->range.start, r->range.end);
		ret = -ENOMEM;
	}
	if (ret && offline_and_remove_memory(r->range.start,
					     range_len(&r->range))) {
		pr_err("node %d: %s: [mem %#llx-%#llx] is in use already and stays as it is\n",
		       pn->nid, pn->owner, r->range.start, r->range.end);
		return 0;
	}
	return ret;
}

static int plug_range(struct private_node *pn, u64 start, u64 size,
		      const char *resource_name, mhp_t mhp_flags,
		      enum mmop online_type)
{
	struct private_node_range *r;
	int ret;

	ret = check_bounds(pn, start, size);
	if (!ret)
		ret = check_how(pn, resource_name, mhp_flags, online_type);
	if (ret)
		return ret;
	r = range_new(start, size, resource_name);
	if (!r)
		return -ENOMEM;
	ret = range_insert(pn, r);
	if (ret) {
		kfree(r->resource_name);
		kfree(r);
		return ret;
	}
	ret = range_add(pn, r, mhp_flags, online_type);
	if (ret)
		range_remove(r);
	else
		pr_info("node %d: %s: added [mem %#llx-%#llx]\n", pn->nid,
			pn->owner, start, start + size - 1);
	return ret;
}

/**
 * add_private_memory_driver_managed - give a private node a range of memory
 * @pn: the handle
 * @start: physical address; a multiple of memory_block_size_bytes()
 * @size: bytes; a multiple of memory_block_size_bytes(), not 0
 * @resource_name: for /proc/iomem, "System RAM (DRIVER)"; copied
 * @mhp_flags: MHP_NONE or MHP_MEMMAP_ON_MEMORY, which puts the memmap on the
 *	range itself if the architecture and memory_hotplug.memmap_on_memory
 *	allow it; otherwise the memmap comes from ordinary nodes
 * @online_type: what to do with the new blocks: leave offline, online by the
 *	kernel's policy, online_kernel, or online_movable
 *
 * May be called several times for one node.  The caller owns the range, and
 * knows that there is memory.  On failure the range is removed again.
 *
 * Context: process, may sleep; takes private_node_lock, device_hotplug_lock
 * and mem_hotplug_lock.
 * Return: 0; -EINVAL for arguments out of range or unaligned; -E2BIG for a
 * range that cannot be mapped; -EEXIST for one that overlaps memory in use;
 * -ENODEV after private_node_unregister(); -EIO when blocks did not come
 * online; -ENOMEM.
 */
int add_private_memory_driver_managed(struct private_node *pn, u64 start,
				      u64 size, const char *resource_name,
				      mhp_t mhp_flags, enum mmop online_type)
{
	int ret;

	guard(mutex)(&pn->life);
	ret = plug_range(pn, start, size, resource_name, mhp_flags,
			 online_type);
	if (ret)
		record_refusal(pn, PRIVATE_NODE_ACT_PLUG,
			       private_node_why_errno(ret));
	return ret;
}
EXPORT_SYMBOL_GPL(add_private_memory_driver_managed);

static int check_unplug(struct private_node *pn)
{
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return -ENODEV;
	if (READ_ONCE(pn->fenced)) {
		record_refusal(pn, PRIVATE_NODE_ACT_UNPLUG,
			       PRIVATE_NODE_WHY_FENCED);
		pr_err("node %d: %s: cannot unplug: the node is fenced; its driver has to unregister the device first\n",
		       pn->nid, pn->owner);
		return -EBUSY;
	}
	return 0;
}

/*
 * Opens the gates again.  Promotion, whose work ends while its gate is closed,
 * is started again.  @pn->lock is held.
 */
static void reopen_gates(struct private_node *pn)
{
	private_node_set_state(pn, PRIVATE_NODE_LIVE);
	private_node_promote_start(pn);
}

/*
 * Closes the gates.  @pn->life is held until after unplug_end(), so nobody else
 * changes the state meanwhile.
 */
static int unplug_begin(struct private_node *pn)
{
	int ret;

	ACQUIRE(mutex_kill, lock)(&pn->lock);
	if (ACQUIRE_ERR(mutex_kill, &lock))
		return -EINTR;
	/* It may have been fenced since the first check. */
	ret = check_unplug(pn);
	if (ret)
		return ret;
	private_node_set_state(pn, PRIVATE_NODE_CLOSING);
	ret = private_node_gate_wait_killable(pn);
	if (ret) {
		reopen_gates(pn);
		pr_info("node %d: %s: not unplugged: %s (%d) was killed while it waited for requests under way; the node is open, and nothing has changed\n",
			pn->nid, pn->owner, current->comm, task_pid_nr(current));
	}
	return ret;
}

static void unplug_end(struct private_node *pn)
{
	guard(mutex)(&pn->lock);
	WRITE_ONCE(pn->unmapped, false);
	WRITE_ONCE(pn->blocks_fixed, false);
	reopen_gates(pn);
}

/* To be freed by kvfree().  @pn->life is held, so the list does not change. */
static struct range *copy_ranges(struct private_node *pn, unsigned int *nr)
{
	struct private_node_range *r;
	struct range *ranges;

	if (pn->at_boot)
		return private_node_online_blocks(pn, nr);
	*nr = list_count_nodes(&pn->ranges);
	ranges = kvmalloc_objs(*ranges, *nr);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	*nr = 0;
	list_for_each_entry(r, &pn->ranges, list)
		ranges[(*nr)++] = r->range;
	return ranges;
}

static void forget_ranges(struct private_node *pn)
{
	struct private_node_range *r, *next;

	if (pn->at_boot)
		pr_info("node %d: %s: all of its memory is offline\n", pn->nid,
			pn->owner);
	list_for_each_entry_safe(r, next, &pn->ranges, list) {
		pr_info("node %d: %s: removed [mem %#llx-%#llx]\n", pn->nid,
			pn->owner, r->range.start, r->range.end);
		range_remove(r);
	}
}

/* Memory that came at boot only goes offline. */
static int take_away(struct private_node *pn, const struct range *ranges,
		     unsigned int nr)
{
	if (pn->at_boot)
		return private_node_offline_blocks(pn, ranges, nr);
	return offline_and_remove_memory_ranges(ranges, nr);
}

/* Arguments and result of a removal that runs in a worker. */
struct removal {
	struct work_struct work;
	struct private_node *pn;
	const struct range *ranges;
	unsigned int nr;
	int ret;
};

static void removal_work(struct work_struct *work)
{
	struct removal *r = container_of(work, struct removal, work);

	r->ret = take_away(r->pn, r->ranges, r->nr);
}

/*
 * Runs the removal in a worker if the task has a signal pending, because a
 * worker gets no signals.
 */
static int remove_in_worker(struct private_node *pn, const struct range *ranges,
			    unsigned int nr)
{
	struct removal r = { .pn = pn, .ranges = ranges, .nr = nr };

	INIT_WORK_ONSTACK(&r.work, removal_work);
	queue_work(system_dfl_wq, &r.work);
	flush_work(&r.work);
	destroy_work_on_stack(&r.work);
	return r.ret;
}

static int empty_and_remove(struct private_node *pn, const struct range *ranges,
			    unsigned int nr)
{
	int ret = 0;

	if (pn->at_boot)
		ret = private_node_fix_blocks(pn, ranges, nr);
	ret = ret ?: private_node_evacuate(pn, ranges, nr);
	if (ret)
		return ret;
	ret = take_away(pn, ranges, nr);
	/*
	 * User data was unmapped already.  If the unplug stopped now, that data
	 * would be lost and the memory would still be there.
	 */
	if (ret == -EINTR && pn->unmapped)
		ret = remove_in_worker(pn, ranges, nr);
	return ret;
}

static int close_and_remove(struct private_node *pn, const struct range *ranges,
			    unsigned int nr)
{
	unsigned long pools[PRIVATE_NODE_POOLS];
	int ret;

	ret = private_node_evacuate_open(pn, ranges, nr);
	if (ret)
		return ret;
	ret = unplug_begin(pn);
	if (ret)
		return ret;
	private_node_pools_note(pn->nid, pools);
	ret = empty_and_remove(pn, ranges, nr);
	if (!ret)
		forget_ranges(pn);
	else
		private_node_pools_refill(pn, pools);
	unplug_end(pn);
	return ret;
}

/* There is no memory: what comes next is not that which was lost. */
static void forget_lost(struct private_node *pn)
{
	guard(mutex)(&pn->lock);
	WRITE_ONCE(pn->lost, false);
	private_node_gate_update(pn);
}

static int unplug_ranges(struct private_node *pn)
{
	struct range *ranges;
	unsigned int nr;
	int ret;

	/* Killable: the holder may be waiting for requests inside a gate. */
	ACQUIRE(mutex_kill, life)(&pn->life);
	if (ACQUIRE_ERR(mutex_kill, &life))
		return -EINTR;
	ret = check_unplug(pn);
	if (ret)
		return ret;
	ranges = copy_ranges(pn, &nr);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	if (nr)
		ret = close_and_remove(pn, ranges, nr);
	if (!ret)
		forget_lost(pn);
	kvfree(ranges);
	return ret;
}

/**
 * remove_private_memory_driver_managed - remove all memory of a private node
 * @pn: the handle
 *
 * Removes all ranges that were added, or none.  Memory that came at boot goes
 * offline instead, and private_node_boot_plug() brings it back.  on_unplug says
 * what happens to user pages.  The owner has to free its folios first.
 *
 * Before any page moves, and while the node still gives memory, this looks for
 * pages that would make the unplug fail: they are held, their users may not
 * have them elsewhere, or there is no room.  In the last part the node gives no
 * memory, and faults wait for the outcome.  If the call fails the node is as
 * before, except for pages that were moved or unmapped already, which are
 * counted.  After the first page was unmapped no signal ends the unplug.  The
 * node stays registered, and may get memory again.
 *
 * After private_node_set_lost() nothing is looked for or moved: all pages that
 * are not held are unmapped, also if the call fails because of others.
 *
 * Context: process, may sleep, not inside an allocation of the node; takes
 * private_node_lock, device_hotplug_lock and mem_hotplug_lock.
 * Return: 0, also if there is no memory; -EBUSY if something is in the way, and
 * the log says what; -ENODEV after private_node_unregister(); -EOPNOTSUPP for
 * boot memory that shares a memory block with another node, or has a hole in
 * one; -EINTR after a signal, or kthread_stop() of a kernel thread; -ENOMEM.
 */
int remove_private_memory_driver_managed(struct private_node *pn)
{
	int ret = unplug_ranges(pn);

	/* -EBUSY was recorded where it was found. */
	if (ret && ret != -EBUSY)
		record_refusal(pn, PRIVATE_NODE_ACT_UNPLUG,
			       ret == -EOPNOTSUPP ? PRIVATE_NODE_WHY_BOOT :
						    private_node_why_errno(ret));
	return ret;
}
EXPORT_SYMBOL_GPL(remove_private_memory_driver_managed);

/**
 * private_node_offline_failed - log who keeps a memory block from going offline
 * @nid: node of the block
 * @start_pfn: first page
 * @nr_pages: number of pages
 *
 * For offline_pages(), which gives up on unmovable pages before it calls the
 * memory notifiers, and so memory_callback().
 *
 * Context: process, may sleep; mem_hotplug_lock held for writing.
 */
void private_node_offline_failed(int nid, unsigned long start_pfn,
				 unsigned long nr_pages)
{
	if (node_is_private(nid))
		private_node_check_idle(nid, start_pfn, nr_pages);
}

/*
 * Returns why no block of a node may go offline (or, with @online, come
 * online); NULL if they may.  Refusals because of a fence are recorded.
 */
static const char *blocks_stay(int nid, bool online)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(nid);
	/*
	 * Pages that were freed are with the device until they are trimmed, and
	 * the ledger has the size that the memory had when it was registered.
	 */
	if (pn && READ_ONCE(pn->fenced)) {
		private_node_record(.nid = nid, .act = PRIVATE_NODE_ACT_OFFLINE,
				    .why = PRIVATE_NODE_WHY_FENCED);
		return "it is compressed RAM; its driver takes it away";
	}
	/*
	 * A block that comes online during the unplug would make it fail after
	 * user data of the other blocks was unmapped.
	 */
	if (pn && online && READ_ONCE(pn->blocks_fixed))
		return "the memory of the node is going offline; try again";
	return NULL;
}

/*
 * Lets a block of a private node go offline only if no page of it is in use.
 * Called after the block was isolated, so pages that are free now stay free.
 */
static int memory_callback(struct notifier_block *nb, unsigned long action,
			   void *arg)
{
	bool online = action == MEM_GOING_ONLINE;
	struct memory_notify *mn = arg;
	const char *why;
	int nid;

	nid = pfn_to_nid(mn->start_pfn);
	if (action == MEM_OFFLINE && node_is_private(nid))
		private_node_note_broken(mn->start_pfn, mn->nr_pages);
	if (action == MEM_CANCEL_ONLINE)
		private_node_stays_offline(mn->start_pfn, mn->nr_pages);
	if (action != MEM_GOING_OFFLINE && !online)
		return NOTIFY_OK;
	why = blocks_stay(nid, online);
	if (why) {
		pr_err("node %d: cannot %s [mem %#llx-%#llx]: %s\n", nid,
		       online ? "online" : "offline",
		       (u64)PFN_PHYS(mn->start_pfn),
		       (u64)PFN_PHYS(mn->start_pfn + mn->nr_pages) - 1, why);
		return notifier_from_errno(-EBUSY);
	}
	if (!node_is_private(nid))
		return NOTIFY_OK;
	if (online) {
		private_node_mark_broken(mn->start_pfn, mn->nr_pages);
		return NOTIFY_OK;
	}
	return notifier_from_errno(private_node_check_idle(nid, mn->start_pfn,
							   mn->nr_pages));
}

static int __init private_node_hotplug_init(void)
{
	hotplug_memory_notifier(memory_callback, DEFAULT_CALLBACK_PRI);
	return 0;
}
core_initcall(private_node_hotplug_init);
