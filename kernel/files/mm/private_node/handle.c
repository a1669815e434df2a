// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of private nodes: look-up by node id, references, and what is open.
 * This is the ground floor, which calls no other file of mm/private_node/.
 *
 * A handle is reference-counted and outlives its registration (core.c).  Calls
 * on it then fail with -ENODEV, so that a stale handle never reaches the memory
 * of the next owner of the node id.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "free.h"
#include "internal.h"

/* Somebody looks at pages that are freed: told.c, or a fenced node. */
DEFINE_STATIC_KEY_FALSE(private_node_frees_key);

DEFINE_STATIC_KEY_FALSE(private_node_key);
EXPORT_SYMBOL_GPL(private_node_key);

/*
 * The latch, see core.c: read without a lock, written under private_node_lock.
 */
nodemask_t private_node_map __read_mostly;
EXPORT_SYMBOL_GPL(private_node_map);

/*
 * Protects private_nodes[], and the ranges of all nodes.  Taken inside
 * private_node.life and private_node.lock, outside of mem_hotplug_lock.
 */
DEFINE_MUTEX(private_node_lock);

/* Protects the folders node<N>/private, and private_node.kobj; see sysfs.c. */
DEFINE_MUTEX(private_node_sysfs_lock);

/* The registered nodes, by node id; written by core.c. */
struct private_node __rcu *private_nodes[MAX_NUMNODES];

/*
 * For each node id: the name of the last owner, and the number of its first
 * registration since another owner had the node id.  Protected by
 * private_node_lock.
 */
static struct {
	char owner[PRIVATE_NODE_NAME_MAX];
	u64 born;
} private_node_last[MAX_NUMNODES];

/* Registrations since boot; written under private_node_lock. */
static u64 private_node_nr_births;

/*
 * private_node_births - number of registrations since boot
 *
 * Context: any.
 * Return: that number, which is also private_node.born of the latest one.
 */
u64 private_node_births(void)
{
	return READ_ONCE(private_node_nr_births);
}

void private_node_set_born(struct private_node *pn)
{
	typeof(*private_node_last) *last = &private_node_last[pn->nid];

	pn->born = private_node_nr_births + 1;
	WRITE_ONCE(private_node_nr_births, pn->born);
	if (strcmp(last->owner, pn->owner)) {
		strscpy(last->owner, pn->owner);
		last->born = pn->born;
	}
	pn->owner_born = last->born;
}

/*
 * private_node_find - handle of a node that is registered now
 * @nid: any number
 *
 * Context: any.
 * Return: a handle with a reference for the caller, or NULL.
 */
struct private_node *private_node_find(int nid)
{
	struct private_node *pn;

	if (nid < 0 || nid >= MAX_NUMNODES)
		return NULL;
	rcu_read_lock();
	pn = rcu_dereference(private_nodes[nid]);
	if (pn && !refcount_inc_not_zero(&pn->ref))
		pn = NULL;
	rcu_read_unlock();
	return pn;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_find);

/*
 * private_node_peek - private_node_find() without a reference
 * @nid: node id in [0, MAX_NUMNODES)
 *
 * Context: rcu_read_lock() held, as long as the handle is used.
 * Return: the handle, or NULL.
 */
struct private_node *private_node_peek(int nid)
{
	return rcu_dereference(private_nodes[nid]);
}

/*
 * private_node_is_lost - is what is on a node unreadable?
 * @nid: node id in [0, MAX_NUMNODES)
 *
 * Context: any.
 * Return: true if so; see private_node_set_lost().
 */
bool private_node_is_lost(int nid)
{
	struct private_node *pn;

	if (!node_is_private(nid))
		return false;
	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && READ_ONCE(pn->lost);
}

/**
 * private_node_get - take a reference on a handle
 * @pn: a handle that the caller holds, or NULL
 *
 * Context: any.
 * Return: @pn.
 */
struct private_node *private_node_get(struct private_node *pn)
{
	if (pn)
		refcount_inc(&pn->ref);
	return pn;
}
EXPORT_SYMBOL_GPL(private_node_get);

/**
 * private_node_put - drop a reference on a handle
 * @pn: the handle, or NULL
 *
 * An owner drops its reference after private_node_unregister().
 *
 * Context: any.
 */
void private_node_put(struct private_node *pn)
{
	if (pn && refcount_dec_and_test(&pn->ref))
		queue_rcu_work(system_dfl_wq, &pn->free_work);
}
EXPORT_SYMBOL_GPL(private_node_put);

/**
 * private_node_nid - node id of a handle
 * @pn: the handle, also after private_node_unregister()
 *
 * Context: any.
 * Return: the node id that the handle was registered for.
 */
int private_node_nid(const struct private_node *pn)
{
	return pn->nid;
}
EXPORT_SYMBOL_GPL(private_node_nid);

/**
 * private_node_set_drvdata - keep a pointer of the owner's with the handle
 * @pn: the handle
 * @data: anything
 *
 * Context: any; the caller serialises.
 */
void private_node_set_drvdata(struct private_node *pn, void *data)
{
	pn->drvdata = data;
}
EXPORT_SYMBOL_GPL(private_node_set_drvdata);

/**
 * private_node_drvdata - the pointer kept by private_node_set_drvdata()
 * @pn: the handle
 *
 * Context: any.
 * Return: the pointer, NULL when none was set.
 */
void *private_node_drvdata(const struct private_node *pn)
{
	return pn->drvdata;
}
EXPORT_SYMBOL_GPL(private_node_drvdata);

/**
 * private_node_service_enabled - is a service open on a node?
 * @nid: node id
 * @service: the service
 *
 * On memory that compresses a service is open only while the driver has the
 * node fenced.  An unplug under way makes no difference here.
 *
 * Context: any.
 * Return: true if it is open; false also for a node that is not private.
 */
bool private_node_service_enabled(int nid, enum private_node_service service)
{
	struct private_node *pn;
	bool ret = false;

	if (nid < 0 || nid >= MAX_NUMNODES || !node_is_private(nid))
		return false;
	rcu_read_lock();
	pn = rcu_dereference(private_nodes[nid]);
	if (pn)
		ret = private_node_services_open(pn) & BIT(service);
	rcu_read_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_service_enabled);

/*
 * private_node_service_chosen - is a service enabled, even if it is not open?
 * @nid: a private node
 * @service: the service
 *
 * For what has to exist before the service opens, such as kswapd, which must not
 * write to swap what is lost.
 *
 * Context: any.
 * Return: true if the service is in the mask of enabled services, and the memory
 * of the node is not lost.
 */
bool private_node_service_chosen(int nid, enum private_node_service service)
{
	struct private_node *pn;
	bool ret;

	rcu_read_lock();
	pn = rcu_dereference(private_nodes[nid]);
	ret = pn && !READ_ONCE(pn->lost) && READ_ONCE(pn->enabled) & BIT(service);
	rcu_read_unlock();
	return ret;
}

DEFINE_STATIC_KEY_FALSE(private_node_fence_key);
const struct private_node_fence *private_node_fence __read_mostly;

/*
 * private_node_set_fence - say who decides about pages of fenced nodes
 * @fence: the functions; for ever, and the same at each call
 *
 * Context: process, may sleep; takes the CPU hotplug lock.
 */
void private_node_set_fence(const struct private_node_fence *fence)
{
	WRITE_ONCE(private_node_fence, fence);
	static_branch_enable(&private_node_fence_key);
	static_branch_enable(&private_node_frees_key);
}

/*
 * private_node_count_used - count a folio that was placed on a private node
 * @folio: new, on any node
 * @user: on whose behalf
 *
 * Context: any.
 */
void private_node_count_used(const struct folio *folio,
			     enum private_node_service user)
{
	struct private_node *pn;

	guard(rcu)();
	pn = private_node_peek(folio_nid(folio));
	if (pn)
		private_node_count(pn, user, PRIVATE_NODE_USED,
				   folio_nr_pages(folio));
}

/*
 * private_node_sysfs_shown - do the files of a node exist?
 * @pn: the handle, of a node with memory
 *
 * Context: process, may sleep.
 * Return: false if they could not be made when memory came.
 */
bool private_node_sysfs_shown(struct private_node *pn)
{
	guard(mutex)(&private_node_sysfs_lock);
	return pn->kobj;
}
