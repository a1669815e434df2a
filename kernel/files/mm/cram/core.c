// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of compressed RAM: the registry.
 *
 * The steps of a placement:
 *
 *	reserve		cram_reserve()
 *	take		cram_leaves(), called next to the buddy: no page leaves
 *			without a reservation, and the allocator stores nothing
 *			to the page before (init_on_alloc)
 *	copy		cram_copy(), with non-temporal stores or a write-back
 *	settle		cram_stored()
 *	use		read in place; a write needs a grant (writable.c), or
 *			copies the page to ordinary memory
 *	free		cram_takes(): trim.c gives the page to the page
 *			allocator only after the device has trimmed it
 *
 * Locks: see Documentation/mm/private_nodes.rst.  The lock of the ledger is the
 * innermost; register_lock is never held while something is waited for.
 */
#define pr_fmt(fmt) "cram: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/private_node.h>
#include <linux/range.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/swap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/internal.h"
#include "cram.h"

/* How long cram_unregister() waits for pages that others are freeing. */
#define FREE_WAIT	(10 * HZ)

#define SERVICES	(BIT(PRIVATE_NODE_RECLAIM) | \
			 BIT(PRIVATE_NODE_DEMOTION) | \
			 BIT(PRIVATE_NODE_PROMOTION))

/* Switches of /sys/kernel/mm/cram: */
/* MADV_PAGEOUT places memory on a device first, if there is credit. */
bool cram_pageout __read_mostly = true;
/*
 * Idle residents are swapped out when a placement was refused for lack of
 * credit.
 */
bool cram_swap __read_mostly = true;

static DEFINE_MUTEX(register_lock);
/*
 * Nodes that are being registered or unregistered; protected by @register_lock.
 * The bit excludes others while its setter waits for users of the node without
 * the lock.
 */
static nodemask_t changing;

/* Counts the poisoned pages, which stay out of use.  Walks the whole device. */
static unsigned long failed_pages(struct cram_device *cd)
{
	unsigned long pfn, end = cd->first_pfn + cd->nr_pages, nr = 0;
	struct page *page;

	for (pfn = cd->first_pfn; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		nr += page && PageHWPoison(page);
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
	}
	return nr;
}

static int refuse_node(struct private_node *pn, const char *why)
{
	pr_err("node %d: %s: cannot be compressed RAM: %s\n", pn->nid,
	       pn->owner, why);
	return -EINVAL;
}

/*
 * Refuses a node with users or options that would store to its pages unasked.
 */
static int check_node(struct private_node *pn)
{
	unsigned long managed = private_node_managed_pages_nid(pn->nid);

	if (!node_state(pn->nid, N_MEMORY_PRIVATE))
		return refuse_node(pn, "it has no memory yet");
	if (!(pn->flags & PRIVATE_NODE_F_COMPRESSED))
		return refuse_node(pn,
				   "it was registered without PRIVATE_NODE_F_COMPRESSED");
	if (pn->capable & ~SERVICES ||
	    ~pn->capable & (SERVICES & ~BIT(PRIVATE_NODE_PROMOTION)))
		return refuse_node(pn,
				   "it has to be capable of reclaim and demotion, and of promotion if at all");
	if (!(pn->flags & PRIVATE_NODE_F_NO_DEVICE_MAP))
		return refuse_node(pn, "it has a device map");
	if (page_poisoning_enabled())
		return refuse_node(pn, "page_poison=1 writes to free pages");
	if (node_present_pages(pn->nid) != managed)
		return refuse_node(pn,
				   "part of it is not the page allocator's (a memmap, or boot memory)");
	return 0;
}

/*
 * Refuses a node with pages in use.  All gates are closed: no new user can
 * come.
 */
static int check_unused(struct private_node *pn)
{
	unsigned long managed = private_node_managed_pages_nid(pn->nid);

	lru_add_drain_all();
	private_node_drain(pn->nid);
	if (private_node_exact_free_pages_nid(pn->nid) != managed)
		return refuse_node(pn, "pages of it are in use");
	return 0;
}

static int check_desc(struct private_node *pn, const struct cram_desc *desc)
{
	if (!desc || !desc->ops || !desc->ops->read_capacity ||
	    !desc->ops->trim)
		return refuse_node(pn, "read_capacity and trim are needed");
	if (desc->worst_case < PAGE_SIZE || desc->worst_case > 2 * PAGE_SIZE)
		return refuse_node(pn,
				   "the worst case of a page is from one page to two");
	if (desc->lag_ms > CRAM_MAX_LAG_MS)
		return refuse_node(pn, "stores take longer than 10 s");
	return 0;
}

/*
 * While pn->fenced is set, memory of the node is neither added nor taken away.
 */
static int set_fenced(struct private_node *pn, bool fenced)
{
	guard(mutex)(&pn->lock);
	/* It is being unplugged or unregistered. */
	if (fenced && pn->state != PRIVATE_NODE_LIVE)
		return -EBUSY;
	WRITE_ONCE(pn->fenced, fenced);
	return 0;
}

/*
 * Has the node's memory changed since cram_device_new() read its span?  From
 * now on it cannot change, since the node is fenced.
 */
static int check_span(struct cram_device *cd)
{
	struct pglist_data *pgdat = NODE_DATA(cd->nid);
	bool same;

	get_online_mems();
	same = pgdat->node_start_pfn == cd->first_pfn &&
	       pgdat->node_spanned_pages == cd->nr_pages;
	put_online_mems();
	return same ? 0 : refuse_node(cd->pn, "its memory is being changed");
}

static int fence_unused(struct cram_device *cd)
{
	int ret = set_fenced(cd->pn, true);

	if (ret)
		return ret;
	ret = check_span(cd) ?: check_unused(cd->pn);
	if (ret)
		set_fenced(cd->pn, false);
	return ret;
}

/*
 * Publishes the device, so that pages of the node are fenced.  Waits for the
 * end of a hibernation, which has already passed its check of
 * cram_no_hibernation(): also for an open /dev/snapshot that makes or restores
 * an image.
 */
static int fence_up(struct cram_device *cd)
{
	int ret = fence_unused(cd);
	unsigned int flags;

	if (ret)
		return ret;
	flags = lock_system_sleep();
	rcu_assign_pointer(cram_devices[cd->nid], cd);
	node_set(cd->nid, cram_nodes);
	private_node_set_fence(&cram_fence);
	static_branch_enable(&cram_key);
	unlock_system_sleep(flags);
	return 0;
}

/* The opposite of fence_up(), when no page is in use or waits for its trim. */
static void fence_down(struct cram_device *cd)
{
	RCU_INIT_POINTER(cram_devices[cd->nid], NULL);
	node_clear(cd->nid, cram_nodes);
	synchronize_rcu();
	cram_debug_unprotect(cd);
	set_fenced(cd->pn, false);
}

static bool begin_change(int nid)
{
	guard(mutex)(&register_lock);
	return !cram_node(nid) && !node_test_and_set(nid, changing);
}

static void end_change(int nid)
{
	guard(mutex)(&register_lock);
	node_clear(nid, changing);
}

static int bring_up_device(struct cram_device *cd)
{
	struct private_node *pn = cd->pn;
	int ret;

	ret = fence_up(cd);
	if (ret)
		return ret;
	ret = cram_debug_protect(cd) ?: cram_sysfs_add(cd);
	if (ret)
		fence_down(cd);
	else
		private_node_set_ledger(pn, true);
	return ret;
}

static struct cram_device *do_register(struct private_node *pn,
				       const struct cram_desc *desc)
{
	struct cram_device *cd;
	int ret;

	ret = check_desc(pn, desc) ?: check_node(pn);
	if (ret)
		return ERR_PTR(ret);
	cd = cram_device_new(pn, desc);
	if (!cd)
		return ERR_PTR(-ENOMEM);
	cram_reading_init(cd);
	cram_sysfs_init_device(cd);
	ret = bring_up_device(cd);
	if (ret) {
		cram_device_end(cd);
		kobject_put(&cd->kobj);
		return ERR_PTR(ret);
	}
	queue_delayed_work(cd->read_wq, &cd->read_work, 0);
	pr_info("node %d: %s: compressed RAM, %lu MiB shown\n", pn->nid,
		pn->owner, private_node_managed_pages_nid(pn->nid) >>
		(20 - PAGE_SHIFT));
	return cd;
}

/**
 * cram_register - register a compressing device
 * @pn: handle of its node.  The node was registered with
 *	PRIVATE_NODE_F_COMPRESSED and PRIVATE_NODE_F_NO_DEVICE_MAP and is
 *	capable of reclaim and demotion, and perhaps promotion, but nothing
 *	else.  All its memory is online, none is in use, and no memmap lies on
 *	it.
 * @desc: description of the device; copied
 *
 * Opens the services of the node that are enabled.  Reclaim begins to place
 * memory there after the device has trimmed all of the node and the first
 * reading has succeeded.  While the device is registered nobody else gets pages
 * of the node, and the node's memory cannot be unplugged.
 *
 * Context: process, may sleep; waits while the system hibernates.
 * Return: the device, to be given back by cram_unregister(); or ERR_PTR:
 * -EINVAL when the node or the description does not fit, with the reason in the
 * kernel log; -EBUSY when the node is compressed RAM already or is being
 * unplugged; -ENOMEM; or an errno of sysfs.
 */
struct cram_device *cram_register(struct private_node *pn,
				  const struct cram_desc *desc)
{
	struct cram_device *cd;

	if (!begin_change(pn->nid)) {
		pr_err("node %d: %s: is compressed RAM already\n", pn->nid,
		       pn->owner);
		return ERR_PTR(-EBUSY);
	}
	/* Without register_lock: this may wait for users of the node. */
	cd = do_register(pn, desc);
	end_change(pn->nid);
	return cd;
}
EXPORT_SYMBOL_GPL(cram_register);

static unsigned long pages_in_use(struct cram_device *cd)
{
	unsigned long all;

	private_node_drain(cd->nid);
	all = cram_resident(cd);
	return all ? all - min(all, failed_pages(cd)) : 0;
}

/*
 * Waits until no page is in use.  A page that is being freed right now is on no
 * LRU list, so evacuation cannot see it; and the free has to be over before the
 * fence goes down, because its uncharge and its trim depend on the fence.
 */
static int wait_for_frees(struct cram_device *cd)
{
	unsigned long until = jiffies + FREE_WAIT, left;

	while ((left = pages_in_use(cd))) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, until)) {
			pr_err("node %d: %s: %lu pages are still being freed; try again\n",
			       cd->nid, cd->pn->owner, left);
			return -EBUSY;
		}
		msleep(20);
	}
	return 0;
}

static int empty_device(struct cram_device *cd)
{
	struct pglist_data *pgdat = NODE_DATA(cd->nid);
	struct range all = {
		.start = PFN_PHYS(pgdat->node_start_pfn),
		.end = PFN_PHYS(pgdat_end_pfn(pgdat)) - 1,
	};
	int ret;

	ret = private_node_evacuate(cd->pn, &all, 1);
	return ret ?: wait_for_frees(cd) ?: cram_trim_all(cd);
}

/**
 * cram_unregister - unregister a compressing device
 * @cd: the device
 *
 * Moves all residents to ordinary memory first.  Afterwards the node is a
 * private node with no page in use and all gates closed.  The services that are
 * enabled stay enabled.
 *
 * Context: process, may sleep; waits for the end of a reading and of all trims,
 * for 30 s each.
 * Return: 0, and @cd must not be used any more.  -EBUSY when a resident could
 * not be moved or the device does not answer, with a line in the kernel log, or
 * when it is being unregistered already; -EINTR when a fatal signal is pending.
 * After an error the device goes on as before.
 */
int cram_unregister(struct cram_device *cd)
{
	int ret;

	/*
	 * The lock is not held while the device is waited for, since that may
	 * never answer.
	 */
	scoped_guard(mutex, &register_lock) {
		if (cd->closing)
			return -EBUSY;
		WRITE_ONCE(cd->closing, true);
	}
	private_node_set_ledger(cd->pn, false);
	ret = cram_reading_stop(cd) ?: empty_device(cd);
	if (ret) {
		private_node_set_ledger(cd->pn, true);
		/*
		 * Under the lock, so that the next caller also finds the work
		 * to stop.
		 */
		guard(mutex)(&register_lock);
		WRITE_ONCE(cd->closing, false);
		cram_reading_start(cd);
		return ret;
	}
	cram_sysfs_remove(cd);
	scoped_guard(mutex, &register_lock)
		node_set(cd->nid, changing);
	fence_down(cd);
	end_change(cd->nid);
	/*
	 * Pages that were freed until the fence went down may have queued work.
	 */
	flush_delayed_work(&cd->trim_work);
	cancel_delayed_work_sync(&cd->trim_work);
	cram_device_end(cd);
	pr_info("node %d: %s: no longer compressed RAM\n", cd->nid,
		cd->pn->owner);
	kobject_put(&cd->kobj);
	return 0;
}
EXPORT_SYMBOL_GPL(cram_unregister);

/*
 * Refuses hibernation again: hibernation_available() was asked before
 * system_transition_mutex was taken, and a device may have been registered
 * since.
 */
static int hibernate_notify(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	if (action != PM_HIBERNATION_PREPARE && action != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;
	if (!cram_no_hibernation())
		return NOTIFY_DONE;
	pr_err("node %*pbl: compressed RAM: no hibernation while it is registered\n",
	       nodemask_pr_args(&cram_nodes));
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block hibernate_nb = {
	.notifier_call = hibernate_notify,
};

static int __init cram_init(void)
{
	return register_pm_notifier(&hibernate_nb);
}
core_initcall(cram_init);
