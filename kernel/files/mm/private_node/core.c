// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registry of private memory nodes.
 *
 * A node is private from private_node_register() to private_node_unregister(),
 * with memory or without.  The latch is its bit in private_node_map: a latched
 * node whose memory comes online enters N_MEMORY_PRIVATE and never N_MEMORY.
 *
 * Other files that a change of a node concerns are told as subscribers, see
 * struct private_node_subscriber.  None of them is called by name here, so that
 * they can stand on the registry.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/cpuset_possible.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "internal.h"
#include "refusals.h"

const char *const private_node_on_full_names[PRIVATE_NODE_NR_ON_FULL] = {
	[PRIVATE_NODE_FULL_FAIL] = "fail",
	[PRIVATE_NODE_FULL_FALLBACK] = "fallback",
	[PRIVATE_NODE_FULL_SIGBUS] = "sigbus",
	[PRIVATE_NODE_FULL_OOM] = "oom",
};
EXPORT_SYMBOL_FOR_MODULES(private_node_on_full_names, "private_node_sim");

const char *const private_node_on_unplug_names[PRIVATE_NODE_NR_ON_UNPLUG] = {
	[PRIVATE_NODE_UNPLUG_REFUSE] = "refuse",
	[PRIVATE_NODE_UNPLUG_MOVE] = "move",
	[PRIVATE_NODE_UNPLUG_SIGBUS] = "sigbus",
};
EXPORT_SYMBOL_FOR_MODULES(private_node_on_unplug_names, "private_node_sim");

const char *const private_node_access_names[PRIVATE_NODE_NR_ACCESS] = {
	[PRIVATE_NODE_ACCESS_ANY] = "any",
	[PRIVATE_NODE_ACCESS_NAMED] = "named",
};
EXPORT_SYMBOL_FOR_MODULES(private_node_access_names, "private_node_sim");

/*
 * nr_online_nodes_update - see include/linux/nodemask.h
 *
 * Private nodes do not count: a host with one ordinary node is no NUMA host.
 */
void nr_online_nodes_update(void)
{
	nodemask_t ordinary = node_states[N_ONLINE];

	nodes_andnot(ordinary, ordinary, private_node_map);
	nr_online_nodes = nodes_weight(ordinary);
}

#define for_each_subscriber(s) \
	for ((s) = private_node_subscribers; *(s); (s)++)

static void private_node_free(struct private_node *pn)
{
	const struct private_node_subscriber *const *s;

	private_node_gate_exit(pn);
	for_each_subscriber(s)
		if ((*s)->freed)
			(*s)->freed(pn);
	cleanup_srcu_struct(&pn->ops_srcu);
	free_percpu(pn->stats);
	kfree(pn);
}

/*
 * Runs an RCU grace period after the last reference was dropped, because of
 * private_node_peek(), and in process context, because
 * subscribers take locks that are not for softirqs.
 */
static void private_node_free_work(struct work_struct *work)
{
	private_node_free(container_of(to_rcu_work(work), struct private_node,
				       free_work));
}

/*
 * Set before the first demotion and never cleared: demoted folios can outlive
 * the service.
 */
static void note_demotion(struct private_node *pn, unsigned long enabled)
{
	if (enabled & BIT(PRIVATE_NODE_DEMOTION))
		WRITE_ONCE(pn->demoted_to, true);
}

static int tell_changed(int nid)
{
	const struct private_node_subscriber *const *s;
	int err, ret = 0;

	for_each_subscriber(s) {
		err = (*s)->changed ? (*s)->changed(nid) : 0;
		ret = ret ?: err;
	}
	return ret;
}

/*
 * private_node_memory_changed - memory of a private node came or went
 * @nid: the node
 *
 * Starts or stops what the services of the node need.
 *
 * Context: process, may sleep; mem_hotplug_lock held, for reading at least.
 */
void private_node_memory_changed(int nid)
{
	tell_changed(nid);
}

static int services_changed(int nid)
{
	int ret;

	get_online_mems();
	ret = tell_changed(nid);
	put_online_mems();
	return ret;
}

static void write_enabled(struct private_node *pn, unsigned long enabled)
{
	WRITE_ONCE(pn->enabled, enabled);
	private_node_gate_update(pn);
}

static int open_and_close(struct private_node *pn, unsigned long enabled)
{
	unsigned long old = pn->enabled;
	int ret = 0;

	if (old == enabled)
		return 0;
	note_demotion(pn, enabled);
	write_enabled(pn, enabled);
	ret = services_changed(pn->nid);
	if (ret) {
		pr_err("node %d: %s: enabled unchanged: no memory for kswapd, kcompactd or the marks of demoted pages\n",
		       pn->nid, pn->owner);
		write_enabled(pn, old);
		services_changed(pn->nid);
	}
	setup_per_zone_wmarks();
	return ret;
}

/*
 * private_node_change_enabled - open exactly these services
 * @pn: the handle
 * @enabled: mask of BIT(enum private_node_service), checked by the caller
 * @killable: let a fatal signal end the wait
 *
 * When this returns 0, no request is under way that a service let in which is
 * now closed.  It waits even if the mask does not change, since an earlier
 * caller may have been killed while it waited.
 *
 * Context: process, may sleep; @pn->lock held.
 * Return: 0; -ENOMEM if there is no memory for kswapd, kcompactd or the marks
 * of guests, and then nothing changes; -EINTR after a fatal signal: the
 * services are as in @enabled, and closed ones let nobody in, but requests that
 * were let in before may still be under way.
 */
int private_node_change_enabled(struct private_node *pn, unsigned long enabled,
				bool killable)
{
	int ret;

	lockdep_assert_held(&pn->lock);
	ret = open_and_close(pn, enabled);
	if (!killable) {
		private_node_gate_wait(pn);
	} else if (private_node_gate_wait_killable(pn)) {
		pr_warn("node %d: %s: enabled was written, and %s (%d) was killed while it waited: a closed service lets nobody in, but requests from before may still be under way; write again to wait for them\n",
			pn->nid, pn->owner, current->comm, task_pid_nr(current));
		ret = ret ?: -EINTR;
	}
	return ret;
}

/*
 * private_node_set_ledger - open or close a fenced node with its ledger
 * @pn: the handle, with PRIVATE_NODE_F_COMPRESSED
 * @ledger: is there a ledger in which pages can be reserved?
 *
 * Without a ledger all services are closed, and no request that they let in is
 * under way when this returns.  The mask of enabled services stays as it is.
 *
 * Context: process, may sleep.
 */
void private_node_set_ledger(struct private_node *pn, bool ledger)
{
	guard(mutex)(&pn->lock);
	WRITE_ONCE(pn->ledger, ledger);
	private_node_gate_update(pn);
	services_changed(pn->nid);
	private_node_gate_wait(pn);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_set_ledger);

/**
 * private_node_set_enabled - open exactly these services
 * @pn: the handle
 * @enabled: mask of BIT(enum private_node_service)
 *
 * All or nothing.  Waits until requests that were let in by a service which is
 * now closed have ended.  Pages that were placed stay valid.
 *
 * Context: process, may sleep; not inside an allocation of the node.
 * Return: 0; -ENODEV after private_node_unregister(); -EINVAL for an unknown
 * service; -EPERM for one that the owner did not declare as @capable; -ENXIO if
 * the mask lacks a service that another one needs; -ENOMEM.
 */
int private_node_set_enabled(struct private_node *pn, unsigned long enabled)
{
	const char *missing;

	if (enabled & ~GENMASK(PRIVATE_NODE_NR_SERVICES - 1, 0))
		return -EINVAL;
	guard(mutex)(&pn->lock);
	if (pn->state == PRIVATE_NODE_DEAD)
		return -ENODEV;
	if (enabled & ~pn->capable)
		return -EPERM;
	if (private_node_check_services(enabled, &missing))
		return -ENXIO;
	return private_node_change_enabled(pn, enabled, false);
}
EXPORT_SYMBOL_GPL(private_node_set_enabled);

/**
 * private_node_set_on_unplug - what the next unplug does with user pages
 * @pn: the handle
 * @how: the policy
 *
 * For an owner whose device goes away under its users: an administrator's word
 * in on_unplug cannot hold then.
 *
 * Context: any.
 */
void private_node_set_on_unplug(struct private_node *pn,
				enum private_node_on_unplug how)
{
	WRITE_ONCE(pn->on_unplug, how);
}
EXPORT_SYMBOL_GPL(private_node_set_on_unplug);

/**
 * private_node_set_lost - the memory of a node cannot be read any more
 * @pn: the handle
 *
 * For an owner whose device was pulled out, or goes away with pages that could
 * not leave.  When this returns nobody gets memory of the node any more, and
 * nothing there is moved or swapped out, as a copy would look valid.
 *
 * remove_private_memory_driver_managed() has to follow: it takes all pages from
 * their users, who get SIGBUS, whatever on_unplug says and whoever put the pages
 * there.  Pages that are held make it fail for now.  Once all memory has been
 * removed the node is as before.
 *
 * Context: process, may sleep, not inside an allocation of the node.
 */
void private_node_set_lost(struct private_node *pn)
{
	guard(mutex)(&pn->lock);
	if (pn->lost)
		return;
	pr_err("node %d: %s: its memory is not there any more: nothing of it is moved, its users get SIGBUS\n",
	       pn->nid, pn->owner);
	WRITE_ONCE(pn->lost, true);
	private_node_gate_update(pn);
	services_changed(pn->nid);
	private_node_gate_wait(pn);
}
EXPORT_SYMBOL_GPL(private_node_set_lost);

/*
 * private_node_name_ok - can this be the name of a node or of its owner?
 * @name: the name, or NULL
 *
 * It becomes a file name in /dev/private_node/, and a word in sysfs and in the
 * log.
 *
 * Context: any.
 * Return: true if so.
 */
bool private_node_name_ok(const char *name)
{
	size_t i;

	if (!name || !isalnum(name[0]) ||
	    strlen(name) >= PRIVATE_NODE_NAME_MAX)
		return false;
	for (i = 1; name[i]; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '-' &&
		    name[i] != '.')
			return false;
	return true;
}

static int private_node_check_desc(int nid, const struct private_node_desc *d)
{
	const char *missing;
	bool falls_back;
	int bad;

	if (nid < 0 || nid >= MAX_NUMNODES || !node_possible(nid)) {
		pr_err("node %d: not a possible node\n", nid);
		return -EINVAL;
	}
	if (!d || !private_node_name_ok(d->owner) ||
	    (d->name && !private_node_name_ok(d->name))) {
		pr_err("node %d: owner and name need 1 to %d letters, digits, '_', '-' or '.'\n",
		       nid, PRIVATE_NODE_NAME_MAX - 1);
		return -EINVAL;
	}
	if (d->capable & ~GENMASK(PRIVATE_NODE_NR_SERVICES - 1, 0)) {
		pr_err("node %d: %s: unknown service in capable mask %#lx\n",
		       nid, d->owner, d->capable);
		return -EINVAL;
	}
	if (d->enabled & ~d->capable) {
		pr_err("node %d: %s: services %#lx enabled but not capable\n",
		       nid, d->owner, d->enabled & ~d->capable);
		return -EPERM;
	}
	bad = private_node_check_services(d->enabled, &missing);
	if (bad) {
		pr_err("node %d: %s: service %s needs %s\n", nid, d->owner,
		       private_node_services[bad - 1].name, missing);
		return -ENXIO;
	}
	if (d->on_full >= PRIVATE_NODE_NR_ON_FULL ||
	    d->on_unplug >= PRIVATE_NODE_NR_ON_UNPLUG ||
	    d->access >= PRIVATE_NODE_NR_ACCESS ||
	    d->flags & ~(PRIVATE_NODE_F_NO_DEVICE_MAP |
			 PRIVATE_NODE_F_COMPRESSED)) {
		pr_err("node %d: %s: unknown policy or flag\n", nid, d->owner);
		return -EINVAL;
	}
	if (d->adistance < 0 || d->adistance > PRIVATE_NODE_MAX_ADISTANCE) {
		pr_err("node %d: %s: abstract distance %d is not in 0 to %d\n",
		       nid, d->owner, d->adistance, PRIVATE_NODE_MAX_ADISTANCE);
		return -EINVAL;
	}
	if (d->access == PRIVATE_NODE_ACCESS_NAMED &&
	    !IS_ENABLED(CONFIG_CPUSETS)) {
		pr_err("node %d: %s: access=named needs a kernel with cpusets\n",
		       nid, d->owner);
		return -EOPNOTSUPP;
	}
	falls_back = d->on_full == PRIVATE_NODE_FULL_FALLBACK;
	if (falls_back == nodes_empty(d->fallback)) {
		pr_err("node %d: %s: fallback nodes go with on_full=fallback, and only with it\n",
		       nid, d->owner);
		return -EINVAL;
	}
	/* No private nodes: memory of those takes the handle of their owner. */
	if (!nodes_subset(d->fallback, node_states[N_MEMORY])) {
		pr_err("node %d: %s: fallback node without ordinary memory in %*pbl\n",
		       nid, d->owner, nodemask_pr_args(&d->fallback));
		return -EINVAL;
	}
	return 0;
}

static struct private_node *private_node_new(int nid,
					     const struct private_node_desc *d)
{
	const struct private_node_subscriber *const *s;
	struct private_node *pn = kzalloc_obj(*pn);

	if (!pn)
		return NULL;
	if (init_srcu_struct(&pn->ops_srcu)) {
		kfree(pn);
		return NULL;
	}
	xa_init(&pn->marks);
	xa_init(&pn->watched);
	INIT_RCU_WORK(&pn->free_work, private_node_free_work);
	pn->stats = alloc_percpu(struct private_node_stats);
	if (!pn->stats || private_node_gate_init(pn)) {
		private_node_free(pn);
		return NULL;
	}
	/* References of the registry and of the owner. */
	refcount_set(&pn->ref, 2);
	pn->nid = nid;
	strscpy(pn->owner, d->owner);
	if (d->name)
		strscpy(pn->name, d->name);
	else
		snprintf(pn->name, sizeof(pn->name), "node%d", nid);
	pn->capable = d->capable;
	pn->enabled = d->enabled;
	pn->on_full = d->on_full;
	pn->fallback = d->fallback;
	pn->on_unplug = d->on_unplug;
	pn->flags = d->flags;
	pn->owner_adistance = d->adistance;
	note_demotion(pn, d->enabled);
	pn->ops = d->ops;
	pn->can_watch = d->ops && d->ops->folio_gone;
	INIT_LIST_HEAD(&pn->ranges);
	mutex_init(&pn->life);
	mutex_init(&pn->lock);
	mutex_init(&pn->oom_mutex);
	mutex_init(&pn->range_lock);
	pn->full_order = NR_PAGE_ORDERS;
	for_each_subscriber(s)
		if ((*s)->created)
			(*s)->created(pn);
	return pn;
}

static int block_is_on(struct memory_block *mem, void *nid)
{
	return mem->nid == *(int *)nid;
}

/*
 * Why the node cannot become private, or NULL.  @boot:
 * private_node_boot_claim() has latched the node, whose memory is private
 * already.
 */
static const char *node_obstacle(int nid, bool boot)
{
	if (rcu_access_pointer(private_nodes[nid]) ||
	    (!boot && node_isset(nid, private_node_map)))
		return "is private already";
	if (!cpumask_empty(cpumask_of_node(nid)))
		return "has CPUs";
	if (node_state(nid, N_MEMORY))
		return "has ordinary memory";
	/*
	 * These blocks would become private memory if they came online later.
	 */
	if (!boot && for_each_memory_block(&nid, block_is_on))
		return "has memory blocks that are offline";
	return NULL;
}

/**
 * private_node_obstacle - what keeps a node from being registered?
 * @nid: any number
 *
 * For a provider that can choose a node; private_node_register() checks again.
 *
 * Context: process, may sleep.
 * Return: the reason, as the rest of a message that begins with "node 1"; NULL
 * if nothing does.
 */
const char *private_node_obstacle(int nid)
{
	if (nid < 0 || nid >= MAX_NUMNODES || !node_possible(nid))
		return "is not a possible node";
	return node_obstacle(nid, false);
}
EXPORT_SYMBOL_GPL(private_node_obstacle);

static int private_node_check_free(int nid, bool boot)
{
	const char *why = node_obstacle(nid, boot);

	if (!why)
		return 0;
	pr_err("node %d: %s\n", nid, why);
	return -EBUSY;
}

/*
 * A clash on the same node is reported by node_obstacle(), not as a duplicate
 * name.
 */
static bool private_node_name_taken(const struct private_node *new)
{
	struct private_node *pn;
	int nid;

	for_each_node(nid) {
		pn = rcu_dereference_protected(private_nodes[nid],
					       lockdep_is_held(&private_node_lock));
		if (pn && nid != new->nid && !strcmp(pn->name, new->name))
			return true;
	}
	return false;
}

static void private_node_unlatch(int nid)
{
	mem_hotplug_begin();
	node_clear(nid, private_node_map);
	nr_online_nodes_update();
	mem_hotplug_done();
}

/*
 * The static key is switched on before the bit is set: while it is off
 * node_is_private() does not see the bit, and memory that comes online is
 * ordinary.  static_branch_enable() takes the CPU hotplug lock, so it cannot be
 * called inside mem_hotplug_begin().  The first check leaves the key off for a
 * node that cannot be private; the second one is safe from changes.
 */
static int private_node_latch(struct private_node *pn, bool boot)
{
	int ret;

	ret = private_node_check_free(pn->nid, boot);
	if (ret)
		return ret;
	static_branch_enable(&private_node_key);
	mem_hotplug_begin();
	ret = private_node_check_free(pn->nid, boot);
	if (!ret) {
		node_set(pn->nid, private_node_map);
		nr_online_nodes_update();
	}
	mem_hotplug_done();
	return ret;
}

/*
 * Neither private_node_lock nor private_node.lock is held: removing the files of
 * the node waits for those who use them, and they take private_node.lock.
 */
static void tell_gone(struct private_node *pn,
		      const struct private_node_subscriber *const *end)
{
	while (end != private_node_subscribers) {
		end--;
		if ((*end)->gone)
			(*end)->gone(pn);
	}
}

/* All or nothing.  Creates the files of the node in sysfs and /dev. */
static int tell_registered(struct private_node *pn)
{
	const struct private_node_subscriber *const *s;
	int ret;

	for_each_subscriber(s) {
		ret = (*s)->registered ? (*s)->registered(pn) : 0;
		if (ret) {
			tell_gone(pn, s);
			return ret;
		}
	}
	return 0;
}

static void tell_unregistered(struct private_node *pn)
{
	const struct private_node_subscriber *const *s;

	for_each_subscriber(s)
		;
	tell_gone(pn, s);
}

static int private_node_insert(struct private_node *pn, bool boot)
{
	int ret;

	guard(mutex)(&private_node_lock);
	if (private_node_name_taken(pn)) {
		pr_err("node %d: %s: name %s is in use\n", pn->nid, pn->owner,
		       pn->name);
		return -EEXIST;
	}
	ret = private_node_latch(pn, boot);
	if (ret)
		return ret;
	private_node_set_born(pn);
	rcu_assign_pointer(private_nodes[pn->nid], pn);
	private_node_rebuild_zonelists();
	return 0;
}

static void private_node_open_gates(struct private_node *pn,
				    enum private_node_access access)
{
	guard(mutex)(&pn->lock);
	cpuset_set_must_name(pn->nid, access == PRIVATE_NODE_ACCESS_NAMED);
	private_node_gate_update(pn);
}

/*
 * Closes the handle for good, and waits until nobody is inside a gate.  Returns
 * false if it was not live.
 */
static bool private_node_mark_dead(struct private_node *pn)
{
	const struct private_node_subscriber *const *s;

	guard(mutex)(&pn->lock);
	if (!private_node_set_state(pn, PRIVATE_NODE_DEAD))
		return false;
	WRITE_ONCE(pn->enabled, 0);
	private_node_gate_wait(pn);
	cpuset_set_must_name(pn->nid, false);
	for_each_subscriber(s)
		if ((*s)->dead)
			(*s)->dead(pn);
	return true;
}

static void private_node_erase(struct private_node *pn)
{
	guard(mutex)(&private_node_lock);
	RCU_INIT_POINTER(private_nodes[pn->nid], NULL);
	private_node_unlatch(pn->nid);
	private_node_rebuild_zonelists();
}

/*
 * private_node_do_register - private_node_register(), also for boot
 * @nid: node id
 * @desc: what the owner says about it; copied
 * @boot: boot latched the node already, and has put its memory there
 *
 * Context: process, may sleep.
 * Return: as private_node_register().
 */
struct private_node *private_node_do_register(int nid,
					      const struct private_node_desc *desc,
					      bool boot)
{
	struct private_node *pn;
	int ret;

	ret = private_node_check_desc(nid, desc);
	if (ret)
		goto err;
	pn = private_node_new(nid, desc);
	ret = -ENOMEM;
	if (!pn)
		goto err;
	pn->at_boot = boot;
	ret = private_node_insert(pn, boot);
	if (ret)
		goto err_put;
	private_node_open_gates(pn, desc->access);
	ret = tell_registered(pn);
	if (ret)
		goto err_erase;

	trace_private_node_register(nid, pn->owner, pn->capable, pn->enabled);
	pr_info("node %d: private, owner %s\n", nid, pn->owner);
	return pn;

err_erase:
	pr_err("node %d: %s: cannot create its files: %d\n", nid, pn->owner,
	       ret);
	private_node_mark_dead(pn);
	private_node_erase(pn);
err_put:
	/* References of the registry and of the owner. */
	private_node_put(pn);
	private_node_put(pn);
err:
	private_node_record(.nid = nid,
			    .owner = desc && private_node_name_ok(desc->owner) ?
				     desc->owner : NULL,
			    .act = PRIVATE_NODE_ACT_REGISTER,
			    .why = private_node_why_errno(ret));
	return ERR_PTR(ret);
}

/**
 * private_node_register - make a node private
 * @nid: a possible node without ordinary memory and without CPUs that are
 *	online; while it is private none of its CPUs comes online
 * @desc: what the owner says about it; copied
 *
 * From here on memory that comes online on the node is private.  The caller
 * adds it by add_private_memory_driver_managed().
 *
 * Context: process, may sleep; takes private_node_lock and mem_hotplug_lock.
 * Return: a handle, given back by private_node_unregister() and then
 * private_node_put(); or ERR_PTR: -EINVAL for a bad @nid or @desc, -EPERM or
 * -ENXIO for services as private_node_set_enabled(), -EBUSY for a node that is
 * private already or has CPUs or memory, -EEXIST for a name that is in use,
 * -ENOMEM.  Every refusal has its reason in the kernel log.
 */
struct private_node *private_node_register(int nid,
					   const struct private_node_desc *desc)
{
	return private_node_do_register(nid, desc, false);
}
EXPORT_SYMBOL_GPL(private_node_register);

static int private_node_retire(struct private_node *pn)
{
	guard(mutex)(&pn->life);
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return -ENODEV;
	if (node_state(pn->nid, N_MEMORY_PRIVATE) || !list_empty(&pn->ranges)) {
		private_node_record(.nid = pn->nid, .owner = pn->owner,
				    .act = PRIVATE_NODE_ACT_REGISTER,
				    .why = PRIVATE_NODE_WHY_BUSY);
		pr_err("node %d: %s: cannot unregister: %lu pages of memory online; remove it first\n",
		       pn->nid, pn->owner, node_present_pages(pn->nid));
		return -EBUSY;
	}
	return private_node_mark_dead(pn) ? 0 : -ENODEV;
}

/* Stops the callbacks of the owner, and waits for those that run. */
static void end_ops(struct private_node *pn)
{
	if (!pn->ops)
		return;
	WRITE_ONCE(pn->ops, NULL);
	synchronize_srcu(&pn->ops_srcu);
}

/**
 * private_node_unregister - give a node back
 * @pn: the handle
 *
 * When this returns 0 the node id is free for the next owner, no callback of
 * &struct private_node_ops runs and no allocation through the handle is under
 * way: this waits for them, under locks of this node only.  The handle stays
 * valid until its last private_node_put(), but every call on it fails.
 *
 * Context: process, may sleep, not from a callback, nor inside an allocation
 * of the node; takes private_node_lock and mem_hotplug_lock.
 * Return: 0; -EBUSY while the node has memory, and nothing changes; -ENODEV
 * when it was unregistered before.
 */
int private_node_unregister(struct private_node *pn)
{
	int ret = private_node_retire(pn);

	if (ret)
		return ret;
	tell_unregistered(pn);
	private_node_erase(pn);
	end_ops(pn);
	trace_private_node_unregister(pn->nid, pn->owner);
	pr_info("node %d: no longer private\n", pn->nid);
	private_node_put(pn);
	return 0;
}
EXPORT_SYMBOL_GPL(private_node_unregister);
