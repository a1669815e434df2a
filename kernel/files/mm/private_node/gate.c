// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gates of a private node, which allocations pass.
 *
 * Code that takes a page of a private node enters the gate of the user on whose
 * behalf it does so, and leaves the gate when it has the page, or has given up.
 * Gates open and close with the state and the services of the handle.  Code
 * that closes a gate first publishes that, so that no more requests are let in,
 * and then waits until those inside have left:
 *
 *	takes a page				closes
 *
 *	private_node_enter()			state or enabled changes
 *	  refused from here on		<--	private_node_gate_update()
 *	finds a page				private_node_gate_wait()
 *	private_node_leave()		-->	  returns
 *
 * Each user has a gate of its own, a percpu_ref, so closing one service does
 * not wait for another.  Entering costs a per-CPU increment, and works in any
 * context but NMI.  Code inside a gate may sleep, but must not take the locks
 * @life and @lock of the handle, which the closing side holds while it waits.
 * Loops inside a gate (reclaim, OOM) check private_node_open() and give up when
 * it returns false.
 *
 * While a request is inside a gate, the handle stays in the registry under its
 * node id, since private_node_unregister() waits first.  So a nodemask is
 * enough to leave a set of nodes that were entered, and no reference is needed.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <kunit/visibility.h>
#include <linux/cpuset_possible.h>
#include <linux/hash.h>
#include <linux/memory-tiers.h>
#include <linux/percpu-refcount.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/sysctl.h>
#include <linux/wait.h>

#include "gate.h"
#include "internal.h"
#include "policy.h"

/* When the log names the users for which a closing task waits. */
#define SAY_FIRST	(10 * HZ)
#define SAY_AGAIN	(60 * HZ)
/* Has to hold the names of all users. */
#define SAY_BYTES	256

/*
 * See private_node_was_closing(); a fault that finds no memory takes less from
 * its allocation to its end.
 */
#define JUST_NOW	HZ

/* Incremented when the unplug of any node begins, and when it ends. */
static atomic_long_t unplugs;

/*
 * Called inside the RCU read section of percpu_ref_put(), so @pn is not freed.
 */
static void gate_is_empty(struct percpu_ref *ref)
{
	struct private_node_gate *gate =
		container_of(ref, struct private_node_gate, ref);

	wake_up_all(&gate->pn->gate_wait);
}

/*
 * private_node_gate_init - set up the gates of a new handle, all closed
 * @pn: the handle
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, after which private_node_gate_exit() has to be called,
 * too.
 */
int private_node_gate_init(struct private_node *pn)
{
	int i, ret;

	init_waitqueue_head(&pn->gate_wait);
	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++) {
		pn->gate[i].pn = pn;
		ret = percpu_ref_init(&pn->gate[i].ref, gate_is_empty,
				      PERCPU_REF_INIT_DEAD, GFP_KERNEL);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * private_node_gate_exit - free the gates of a handle
 * @pn: the handle, which nobody uses any more
 *
 * Context: any.
 */
void private_node_gate_exit(struct private_node *pn)
{
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		percpu_ref_exit(&pn->gate[i].ref);
}

/*
 * private_node_gate_update - open and close gates after a change
 * @pn: the handle, whose new state and services were written
 *
 * Does not wait for requests inside a gate that is closed;
 * private_node_gate_wait() does.
 *
 * Context: process, may sleep for an RCU grace period; @pn->lock held.
 */
void private_node_gate_update(struct private_node *pn)
{
	struct private_node_gate *gate;
	bool open;
	int i;

	lockdep_assert_held(&pn->lock);
	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++) {
		gate = &pn->gate[i];
		open = private_node_open(pn, i);
		if (open == gate->open)
			continue;
		gate->open = open;
		if (open)
			percpu_ref_resurrect(&gate->ref);
		else
			percpu_ref_kill(&gate->ref);
	}
}

/* Is a request still inside a gate that is closed?  Context: any. */
static bool somebody_inside(struct private_node *pn, int user)
{
	return !pn->gate[user].open &&
	       !percpu_ref_is_zero(&pn->gate[user].ref);
}

static bool nobody_inside(struct private_node *pn)
{
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		if (somebody_inside(pn, i))
			return false;
	return true;
}

static void say_who_is_inside(struct private_node *pn, unsigned long since)
{
	char names[SAY_BYTES] = "";
	size_t len = 0;
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		if (somebody_inside(pn, i))
			len += scnprintf(names + len, sizeof(names) - len,
					 " %s", private_node_user_name(i));
	pr_warn("node %d: %s: %s (%d) has waited %lu s for requests that were let in before it closed the node or a service, of:%s\n",
		pn->nid, pn->owner, current->comm, task_pid_nr(current),
		(jiffies - since) / HZ, names);
}

static int wait_for_those_inside(struct private_node *pn, bool killable)
{
	unsigned long since = jiffies, next = SAY_FIRST;
	long ret;

	lockdep_assert_held(&pn->lock);
	for (;;) {
		if (killable)
			ret = wait_event_killable_timeout(pn->gate_wait,
							  nobody_inside(pn),
							  next);
		else
			ret = wait_event_timeout(pn->gate_wait,
						 nobody_inside(pn), next);
		if (ret)
			return ret < 0 ? -EINTR : 0;
		say_who_is_inside(pn, since);
		next = SAY_AGAIN;
	}
}

/*
 * private_node_gate_wait - wait until nobody is inside a gate that is closed
 * @pn: the handle
 *
 * After 10 s, and then every 60 s, the log names the users that are inside.
 *
 * Context: process, may sleep; @pn->lock held, so that no gate is opened; not
 * inside a gate of @pn.
 */
void private_node_gate_wait(struct private_node *pn)
{
	wait_for_those_inside(pn, false);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_gate_wait);

/*
 * private_node_gate_wait_killable - private_node_gate_wait() that can be killed
 * @pn: the handle
 *
 * Context: as private_node_gate_wait().
 * Return: 0; -EINTR after a fatal signal, and requests may still be inside.
 */
int private_node_gate_wait_killable(struct private_node *pn)
{
	return wait_for_those_inside(pn, true);
}

static unsigned int hash_of(const struct task_struct *task)
{
	return hash_ptr(task, PRIVATE_NODE_REFUSED_BITS);
}

/*
 * private_node_note_refused - note that a node gave the running task nothing
 * @pn: handle of a node that the task named
 *
 * Only while the node is being unplugged.  private_node_unplug_waited() then
 * makes the task wait for the outcome.
 *
 * Context: any; does nothing in an interrupt.
 */
void private_node_note_refused(struct private_node *pn)
{
	if (in_task() && private_node_closing(pn))
		set_bit(hash_of(current), pn->refused);
}

/*
 * private_node_shuts - is one of these nodes being closed?
 * @nodes: private nodes whose gates the caller has entered, and ordinary nodes
 * @user: the user as which the caller entered
 *
 * For long loops inside a gate, which give up then, since the closing side
 * waits.
 *
 * Context: any.
 * Return: true if so.
 */
bool private_node_shuts(const nodemask_t *nodes, enum private_node_service user)
{
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *nodes) {
		pn = private_node_peek(nid);
		if (pn && !private_node_open(pn, user))
			return true;
	}
	return false;
}

/*
 * private_node_all_shut - are all of these nodes being closed?
 * @nodes: as for private_node_shuts()
 * @user: the user as which the caller entered
 *
 * For loops that can still get a page from the others.
 *
 * Context: any.
 * Return: true if so; false with an ordinary node among them.
 */
bool private_node_all_shut(const nodemask_t *nodes, enum private_node_service user)
{
	struct private_node *pn;
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *nodes) {
		pn = private_node_peek(nid);
		if (!pn || private_node_open(pn, user))
			return false;
	}
	return true;
}

/*
 * private_node_enter - enter a gate, to take a page
 * @pn: the handle
 * @user: on whose behalf
 *
 * Context: any but NMI.
 * Return: true if the caller is let in, and has to call private_node_leave()
 * when it has the page; false if the node, or the service, is closed.
 */
bool private_node_enter(struct private_node *pn, enum private_node_service user)
{
	return percpu_ref_tryget_live(&pn->gate[user].ref);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_enter);

/*
 * private_node_leave - leave a gate that private_node_enter() has entered
 * @pn: the handle; it can be freed now unless the caller holds a reference
 * @user: as for private_node_enter()
 *
 * Context: any but NMI; not necessarily the task or CPU that entered.
 */
void private_node_leave(struct private_node *pn, enum private_node_service user)
{
	percpu_ref_put(&pn->gate[user].ref);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_leave);

/*
 * private_node_user_enter - private_node_enter(), if the cpuset has the node
 * @pn: the handle
 * @user: on whose behalf
 *
 * For services that act for users, and for the device map.
 *
 * Context: any but NMI.
 * Return: true if the cpuset of the running task has the node, and the caller
 * is let in.
 */
bool private_node_user_enter(struct private_node *pn,
			     enum private_node_service user)
{
	return cpuset_may_name(pn->nid) && private_node_enter(pn, user);
}

/*
 * private_node_enter_nid - private_node_enter() by node id
 * @nid: any number
 * @user: on whose behalf
 *
 * Context: any but NMI.
 * Return: the handle, which is valid until private_node_leave(); NULL if the
 * node is not registered, or closed to @user.
 */
struct private_node *private_node_enter_nid(int nid,
					    enum private_node_service user)
{
	struct private_node *pn;

	if (nid < 0 || nid >= MAX_NUMNODES)
		return NULL;
	guard(rcu)();
	pn = private_node_peek(nid);
	return pn && private_node_enter(pn, user) ? pn : NULL;
}

/*
 * private_node_leave_nodes - leave the gates of a set of nodes
 * @nodes: nodes whose gates the caller has entered, each once
 * @user: the user as which the caller entered
 *
 * Context: any but NMI.
 */
void private_node_leave_nodes(const nodemask_t *nodes,
			      enum private_node_service user)
{
	int nid;

	guard(rcu)();
	for_each_node_mask(nid, *nodes)
		private_node_leave(private_node_peek(nid), user);
}

/*
 * private_node_set_state - the one writer of private_node.state
 * @pn: the handle
 * @new: the next state
 *
 *	LIVE --> CLOSING --> LIVE
 *	LIVE --> DEAD
 *
 * Updates the gates.  Does not wait for requests inside.
 *
 * Context: process, may sleep; @pn->lock held.
 * Return: true; false for any other step, and then nothing changes.
 */
bool private_node_set_state(struct private_node *pn,
			    enum private_node_state new)
{
	static const enum private_node_state from[] = {
		[PRIVATE_NODE_LIVE] = PRIVATE_NODE_CLOSING,
		[PRIVATE_NODE_CLOSING] = PRIVATE_NODE_LIVE,
		[PRIVATE_NODE_DEAD] = PRIVATE_NODE_LIVE,
	};

	lockdep_assert_held(&pn->lock);
	if (pn->state != from[new])
		return false;
	if (new == PRIVATE_NODE_CLOSING)
		bitmap_zero(pn->refused, 1 << PRIVATE_NODE_REFUSED_BITS);
	/*
	 * The increment is fully ordered, so code that sees the new state also
	 * sees the new count.
	 */
	if (new != PRIVATE_NODE_DEAD)
		atomic_long_inc_return(&unplugs);
	if (new == PRIVATE_NODE_LIVE)
		WRITE_ONCE(pn->reopened, jiffies ?: 1);
	WRITE_ONCE(pn->state, new);
	private_node_gate_update(pn);
	/* For tasks that wait in private_node_wait_outcome(). */
	wake_up_all(&pn->gate_wait);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_set_state);

/*
 * private_node_closing - is the node being unplugged?
 * @pn: the handle
 *
 * Context: any.
 * Return: true from when its gates close until the unplug has succeeded or
 * failed.
 */
bool private_node_closing(struct private_node *pn)
{
	return READ_ONCE(pn->state) == PRIVATE_NODE_CLOSING;
}

/*
 * private_node_was_closing - did an unplug end within the last second?
 * @pn: the handle
 *
 * For a fault that found no memory and then finds no unplug under way: the
 * unplug may have been the reason, and have ended in between.  The fault is
 * retried then; the time limit keeps it from being retried for ever.
 *
 * Context: any.
 * Return: true if so.
 */
bool private_node_was_closing(struct private_node *pn)
{
	unsigned long since = READ_ONCE(pn->reopened);

	return since && time_before(jiffies, since + JUST_NOW);
}

/*
 * private_node_wait_outcome - wait until an unplug has succeeded or failed
 * @pn: the handle, with a reference
 *
 * Users of the node wait, so that an unplug that fails changes nothing for
 * them.
 *
 * Context: process, may sleep; the caller holds no folio of the node and no
 * lock that migration may need.
 * Return: 0, also if no unplug is under way; -EINTR after a fatal signal.
 */
int private_node_wait_outcome(struct private_node *pn)
{
	return wait_event_killable(pn->gate_wait, !private_node_closing(pn)) ?
	       -EINTR : 0;
}

/*
 * __private_node_unplugs - see private_node_unplugs()
 */
unsigned long __private_node_unplugs(void)
{
	unsigned long seen = atomic_long_read(&unplugs);

	/* Before the attempt; pairs with private_node_set_state(). */
	smp_rmb();
	return seen;
}

/*
 * private_node_may_not_wait - must the running task not wait for an unplug?
 *
 * Tasks with these flags free memory, or are needed for that, so others, the
 * unplug among them, may wait for them.
 *
 * Context: any.
 * Return: true if it must not wait.
 */
bool private_node_may_not_wait(void)
{
	return current->flags &
	       (PF_MEMALLOC | PF_MEMALLOC_NOIO | PF_MEMALLOC_NOFS);
}

/* Did the running task get nothing because @pn is being unplugged? */
static bool unplug_refused_current(struct private_node *pn)
{
	return private_node_closing(pn) &&
	       test_bit(hash_of(current), pn->refused);
}

/*
 * __private_node_unplug_refuses - see private_node_unplug_refuses()
 */
bool __private_node_unplug_refuses(unsigned long seen)
{
	struct private_node *pn;
	int nid;

	if (private_node_may_not_wait())
		return false;
	if (atomic_long_read(&unplugs) != seen)
		return true;
	guard(rcu)();
	for_each_node_mask(nid, private_node_map) {
		pn = private_node_peek(nid);
		if (pn && unplug_refused_current(pn))
			return true;
	}
	return false;
}

/*
 * __private_node_unplug_waited - see private_node_unplug_waited()
 *
 * Waits only for nodes that gave no memory to this task, and not for the unplug
 * of another node.
 */
bool __private_node_unplug_waited(unsigned long *seen)
{
	struct private_node *pn;
	unsigned long now;
	bool waited = false;
	int nid, ret = 0;

	if (private_node_may_not_wait())
		return false;
	for_each_node_mask(nid, private_node_map) {
		pn = private_node_find(nid);
		if (pn && unplug_refused_current(pn)) {
			ret = private_node_wait_outcome(pn);
			waited = true;
		}
		private_node_put(pn);
		if (ret)
			return false;
	}
	now = atomic_long_read(&unplugs);
	if (!waited && now == *seen)
		return false;
	*seen = now;
	return true;
}

/*
 * __private_node_detour - see private_node_detour()
 */
bool __private_node_detour(struct private_node_detour *d)
{
	if (d->on) {
		memalloc_noio_restore(d->flags);
		d->on = false;
		return false;
	}
	if (!__private_node_unplug_refuses(d->unplugs))
		return false;
	/* Makes private_node_may_not_wait() true for the second attempt. */
	d->flags = memalloc_noio_save();
	d->on = true;
	return true;
}

static bool user_enabled(struct private_node *pn, enum private_node_service user)
{
	/*
	 * Pages of a compressing node must be reserved in the ledger first; the
	 * owner, the device map and soft offline cannot allocate them.
	 */
	if (user >= PRIVATE_NODE_NR_SERVICES)
		return !(pn->flags & PRIVATE_NODE_F_COMPRESSED) &&
		       !READ_ONCE(pn->lost);
	return private_node_services_open(pn) & BIT(user);
}

/*
 * private_node_open - is the node live, and open to @user?
 * @pn: the handle
 * @user: the user
 *
 * The answer can change at once: code that takes a page calls
 * private_node_enter().
 *
 * Context: any.
 * Return: true if so; false while the node is being unplugged.
 */
bool private_node_open(struct private_node *pn, enum private_node_service user)
{
	return READ_ONCE(pn->state) == PRIVATE_NODE_LIVE &&
	       user_enabled(pn, user);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_open);

/*
 * private_node_user_open - private_node_open(), and is the node in the cpuset?
 * @pn: the handle
 * @user: the user
 *
 * For services that act for users, and for the device map.
 *
 * Context: any.
 * Return: true if the node is open to @user and the cpuset of the running task
 * has it.
 */
bool private_node_user_open(struct private_node *pn,
			    enum private_node_service user)
{
	return private_node_open(pn, user) && cpuset_may_name(pn->nid);
}

/*
 * private_node_serves - private_node_open(), but also true during an unplug
 * @pn: the handle
 * @user: the user
 *
 * For code that only says whether memory can be had.  An unplug that is refused
 * in the end must not be noticed there; code that takes memory waits for the
 * outcome.
 *
 * Context: any.
 * Return: true if the node is open to @user, or was until its unplug began.
 */
bool private_node_serves(struct private_node *pn, enum private_node_service user)
{
	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return false;
	return user_enabled(pn, user);
}
