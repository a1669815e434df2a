// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in the log about a node that gives a task no page.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "../internal.h"
#include "internal.h"
#include "policy.h"
#include "refusals.h"

/* What the log says of a node: what is wrong with it, and what can be done. */
struct trouble {
	const char *what;
	const char *next;
};

static const struct trouble troubles[] = {
	[PRIVATE_NODE_WHY_FULL] = {
		"full",
		"end what fills it, name an ordinary node as well or prefer this one, or choose another on_full",
	},
	[PRIVATE_NODE_WHY_POOL] = {
		"its pool of huge pages is empty",
		"end what uses them, write more to nr_hugepages of the node, or name an ordinary node as well or prefer this one",
	},
	[PRIVATE_NODE_WHY_CLOSED] = {
		"closed to it",
		"open the service, or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_UNPLUG] = {
		"being unplugged",
		"let it bind elsewhere; on_unplug=move keeps data that is there",
	},
	[PRIVATE_NODE_WHY_EMPTY] = {
		"has no memory",
		"let its owner plug some (boot memory: write online to the node's boot_memory), or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_NAMED] = {
		"has to be named by its cgroup",
		"add the node to cpuset.mems, and to that of each cgroup above, or let it bind elsewhere",
	},
	[PRIVATE_NODE_WHY_CPUSET] = {
		"not in its cpuset",
		"add the node to cpuset.mems, or let it bind elsewhere",
	},
};

/*
 * The node that messages about a policy name: the nearest open one, else the
 * nearest.  Returns a handle with a reference, or NULL if all registrations
 * have ended.
 */
struct private_node *private_node_to_name(const struct mempolicy *pol)
{
	struct private_node *pn = NULL;

	if (!mpol_private_node(pol))
		pn = private_node_mpol_nearest_open(pol);
	return pn ?: private_node_mpol_nearest(pol);
}

static enum private_node_why why_no_page(struct private_node *pn,
					 const struct mempolicy *pol,
					 enum private_node_service service)
{
	if (READ_ONCE(pn->state) != PRIVATE_NODE_LIVE)
		return PRIVATE_NODE_WHY_UNPLUG;
	if (!cpuset_may_name(pn->nid))
		return private_node_why_cpuset(pn->nid);
	if (!mpol_private_node(pol) &&
	    !(private_node_services_open(pn) & BIT(service)))
		return PRIVATE_NODE_WHY_CLOSED;
	return private_node_why_full(pn, service, 0);
}

/*
 * Shared by all messages of private_node_tell() and private_node_tell_pool().
 */
static bool may_tell(void)
{
	static DEFINE_RATELIMIT_STATE(rs, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&rs);
}

static void tell_gone(const struct mempolicy *pol, const char *fate, int act)
{
	private_node_record(.nid = first_node(pol->private_nodes), .act = act,
			    .why = PRIVATE_NODE_WHY_GONE);
	if (!may_tell())
		return;
	pr_warn("node %*pbl: gone: %s (%d) %s; end it, the memory that it bound to is gone\n",
		nodemask_pr_args(&pol->private_nodes), current->comm,
		task_pid_nr(current), fate);
}

/*
 * private_node_tell - record and log why the running task gets no page
 * @pol: its policy, which names private nodes
 * @fate: what happens to the task, for the log, after its name
 * @act: the enum private_node_act that failed, for the record
 *
 * Context: process.
 */
void private_node_tell(const struct mempolicy *pol, const char *fate, int act)
{
	struct private_node *pn = private_node_to_name(pol);
	enum private_node_why why;

	if (!pn) {
		tell_gone(pol, fate, act);
		return;
	}
	why = why_no_page(pn, pol, private_node_mpol_user(pol));
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = why);
	if (may_tell())
		pr_warn("node %d: %s: %s: %s (%d) %s, on_full is %s; %s\n",
			pn->nid, pn->owner, troubles[why].what, current->comm,
			task_pid_nr(current), fate,
			private_node_on_full_names[READ_ONCE(pn->on_full)],
			troubles[why].next);
	private_node_put(pn);
}

/*
 * private_node_tell_pool - private_node_tell() for a fault on a hugetlb page
 * @pol: policy of the page, which names private nodes
 * @nid: the nearest node that is open to the task; MAX_NUMNODES if none is
 * @fate: what happens to the task, for the log, after its name
 *
 * Context: process.
 */
void private_node_tell_pool(const struct mempolicy *pol, int nid,
			    const char *fate)
{
	struct private_node *pn = private_node_find(nid) ?: private_node_to_name(pol);
	enum private_node_why why;

	if (!pn) {
		tell_gone(pol, fate, PRIVATE_NODE_ACT_ACCESS);
		return;
	}
	why = why_no_page(pn, pol, PRIVATE_NODE_HUGETLB);
	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_ACCESS, .why = why);
	if (may_tell())
		pr_warn("node %d: %s: %s: %s (%d) %s; %s\n", pn->nid,
			pn->owner, troubles[why].what, current->comm,
			task_pid_nr(current), fate, troubles[why].next);
	private_node_put(pn);
}

static struct private_node_task_name name_of_current(void)
{
	struct private_node_task_name name;

	private_node_name_of(current, &name);
	return name;
}

/*
 * private_node_tell_kill - record and log that a task is killed for a full node
 * @pn: the node, whose on_full is oom
 * @victim: the task
 * @pages: number of pages that it has on the node
 *
 * Context: process.
 */
void private_node_tell_kill(struct private_node *pn, struct task_struct *victim,
			    unsigned long pages)
{
	const struct private_node_task_name by = name_of_current();

	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_KILL,
			    .why = PRIVATE_NODE_WHY_OOM, .pages = pages,
			    .task = victim, .by = &by);
	pr_err_ratelimited("node %d: %s: %s: %s (%d) is killed for %s (%d), it has %lu pages there, on_full is oom; %s\n",
			   pn->nid, pn->owner,
			   troubles[PRIVATE_NODE_WHY_FULL].what, victim->comm,
			   task_pid_nr(victim), current->comm,
			   task_pid_nr(current), pages,
			   troubles[PRIVATE_NODE_WHY_FULL].next);
}

/*
 * private_node_tell_none - record and log that no task can be killed
 * @pn: the full node, whose on_full is oom
 *
 * Context: process.
 */
void private_node_tell_none(struct private_node *pn)
{
	private_node_record(.nid = pn->nid, .owner = pn->owner,
			    .act = PRIVATE_NODE_ACT_KILL,
			    .why = PRIVATE_NODE_WHY_NOBODY);
	pr_err_ratelimited("node %d: %s: %s: %s (%d) gets an error, nobody who can be killed has pages there, on_full is oom; %s\n",
			   pn->nid, pn->owner,
			   troubles[PRIVATE_NODE_WHY_FULL].what, current->comm,
			   task_pid_nr(current),
			   troubles[PRIVATE_NODE_WHY_FULL].next);
}
