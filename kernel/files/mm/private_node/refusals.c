// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last refusals and kills: who was refused what on which node, and why.
 *
 * They are recorded when they happen, because afterwards the task may be gone,
 * the node may be registered anew, and the cgroup may have changed.  Recording
 * is always on.
 *
 * A refusal that is the same as an earlier one, of the same process for the
 * same reason, raises the count of that entry.  Otherwise the entry with the
 * oldest last refusal is overwritten; a user id that has half of all entries
 * overwrites one of its own.  So no task, and no user id alone, can push out
 * the entries of all others.
 *
 * See Documentation/ABI/testing/procfs-private-node-refusals.
 */
#include <kunit/visibility.h>
#include <linux/capability.h>
#include <linux/cpuset_possible.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <trace/events/private_node.h>

#include "internal.h"
#include "policy.h"
#include "refusals.h"

static const char *const act_names[] = {
	[PRIVATE_NODE_ACT_POLICY] = "policy",
	[PRIVATE_NODE_ACT_MOVE] = "move",
	[PRIVATE_NODE_ACT_MAP] = "map",
	[PRIVATE_NODE_ACT_EXEC] = "exec",
	[PRIVATE_NODE_ACT_ACCESS] = "access",
	[PRIVATE_NODE_ACT_KILL] = "kill",
	[PRIVATE_NODE_ACT_UNPLUG] = "unplug",
	[PRIVATE_NODE_ACT_OFFLINE] = "offline",
	[PRIVATE_NODE_ACT_PLUG] = "plug",
	[PRIVATE_NODE_ACT_REGISTER] = "register",
	[PRIVATE_NODE_ACT_SETTING] = "setting",
	[PRIVATE_NODE_ACT_CPUSET] = "cpuset",
	[PRIVATE_NODE_ACT_CPU] = "cpu",
	[PRIVATE_NODE_ACT_KEXEC] = "kexec",
	[PRIVATE_NODE_ACT_DATA] = "data",
};

static const char *const why_names[PRIVATE_NODE_NR_WHYS] = {
	[PRIVATE_NODE_WHY_CLOSED] = "closed",
	[PRIVATE_NODE_WHY_CPUSET] = "cpuset",
	[PRIVATE_NODE_WHY_NAMED] = "named",
	[PRIVATE_NODE_WHY_UNPLUG] = "unplug",
	[PRIVATE_NODE_WHY_GONE] = "gone",
	[PRIVATE_NODE_WHY_EMPTY] = "empty",
	[PRIVATE_NODE_WHY_FULL] = "full",
	[PRIVATE_NODE_WHY_NO_BLOCK] = "no_block",
	[PRIVATE_NODE_WHY_POOL] = "pool",
	[PRIVATE_NODE_WHY_OOM] = "oom",
	[PRIVATE_NODE_WHY_NOBODY] = "nobody",
	[PRIVATE_NODE_WHY_FIXED] = "fixed",
	[PRIVATE_NODE_WHY_TOO_LARGE] = "too_large",
	[PRIVATE_NODE_WHY_IN_USE] = "in_use",
	[PRIVATE_NODE_WHY_PINNED] = "pinned",
	[PRIVATE_NODE_WHY_OWNER] = "owner",
	[PRIVATE_NODE_WHY_NOWHERE] = "nowhere",
	[PRIVATE_NODE_WHY_SWAPPED] = "swapped",
	[PRIVATE_NODE_WHY_UNMAPPED] = "unmapped",
	[PRIVATE_NODE_WHY_BROKEN] = "broken",
	[PRIVATE_NODE_WHY_FENCED] = "fenced",
	[PRIVATE_NODE_WHY_BOOT] = "boot",
	[PRIVATE_NODE_WHY_KILLED] = "killed",
	[PRIVATE_NODE_WHY_NO_MEMORY] = "no_memory",
	[PRIVATE_NODE_WHY_INVALID] = "invalid",
	[PRIVATE_NODE_WHY_BUSY] = "busy",
	[PRIVATE_NODE_WHY_PRIVATE] = "private",
};

static struct private_node_ring ring = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(ring.lock),
};

static bool is_same(const struct private_node_refusal *a,
		    const struct private_node_refusal *b)
{
	return a->count && a->tgid == b->tgid && a->nid == b->nid &&
	       a->act == b->act && a->why == b->why && a->start == b->start &&
	       uid_eq(a->uid, b->uid) && a->others == b->others &&
	       !strcmp(a->owner, b->owner);
}

/* An entry that was never used has a time of 0, so it is the oldest. */
static struct private_node_refusal *find_place(struct private_node_ring *ring,
					       const struct private_node_refusal *new)
{
	struct private_node_refusal *r, *oldest = NULL, *own = NULL;
	unsigned int nr_own = 0;

	r = &ring->refusals[ring->hint];
	if (is_same(r, new))
		return r;
	for (r = ring->refusals; r < ring->refusals + PRIVATE_NODE_REFUSALS; r++) {
		if (is_same(r, new))
			return r;
		if (!oldest || r->last < oldest->last)
			oldest = r;
		if (!r->count || !uid_eq(r->uid, new->uid))
			continue;
		nr_own++;
		if (!own || r->last < own->last)
			own = r;
	}
	if (oldest->count && nr_own >= PRIVATE_NODE_REFUSALS / 2)
		return own;
	return oldest;
}

/*
 * private_node_ring_add - add a refusal, or raise the count of the same one
 * @ring: the ring
 * @new: the refusal, with a count of 1
 *
 * Context: any but NMI.
 */
void private_node_ring_add(struct private_node_ring *ring,
			   const struct private_node_refusal *new)
{
	struct private_node_refusal *r;
	u64 first = new->first, count = 0;

	guard(raw_spinlock_irqsave)(&ring->lock);
	r = find_place(ring, new);
	if (is_same(r, new)) {
		first = r->first;
		count = r->count;
	}
	*r = *new;
	r->first = first;
	r->count += count;
	ring->hint = r - ring->refusals;
}
EXPORT_SYMBOL_IF_KUNIT(private_node_ring_add);

/*
 * Fills in who was refused.  As with ptrace, a user has no access to a program
 * that changed its user or group id, so the user does not see its entries.
 */
static void describe_task(struct private_node_refusal *r,
			  struct task_struct *task)
{
	struct pid_namespace *ns;
	const struct cred *cred;

	guard(rcu)();
	cred = __task_cred(task);
	r->uid = cred->uid;
	r->others = !uid_eq(cred->euid, cred->uid) ||
		    !uid_eq(cred->suid, cred->uid) ||
		    !gid_eq(cred->egid, cred->gid) ||
		    !gid_eq(cred->sgid, cred->gid);
	r->tgid = task_tgid_nr(task);
	r->pid = task_pid_nr(task);
	r->start = task->group_leader->start_time;
	strscpy(r->comm, task->comm);
	ns = task_active_pid_ns(task);
	if (!ns)
		return;
	r->ns = ns->ns.ns_id;
	r->ns_tgid = task_tgid_nr_ns(task, ns);
	r->ns_pid = task_pid_nr_ns(task, ns);
}

/*
 * private_node_do_record - see private_node_record()
 *
 * Called by all code that refuses something of a private node, or kills for
 * one.
 * Context: any but NMI.
 */
void private_node_do_record(const struct private_node_happened *h)
{
	struct private_node_refusal new = {
		.count = 1,
		.last = ktime_get_boottime_ns(),
		.uid = GLOBAL_ROOT_UID,
		.nid = h->nid,
		.act = h->act,
		.why = h->why,
		.order = h->order,
		.pages = h->pages,
	};

	new.first = new.last;
	strscpy(new.owner, h->owner ?: "-");
	if (h->by)
		new.by = *h->by;
	if (h->task || in_task())
		describe_task(&new, h->task ?: current);
	else
		strscpy(new.comm, "interrupt");
	private_node_ring_add(&ring, &new);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_do_record);

/*
 * private_node_cpuset_refused - record private nodes that a cpuset file refuses
 * @nodes: nodes that were written; the private ones are recorded
 *
 * Context: any but NMI.
 */
void private_node_cpuset_refused(const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (node_is_private(nid))
			private_node_record(.nid = nid,
					    .act = PRIVATE_NODE_ACT_CPUSET,
					    .why = PRIVATE_NODE_WHY_PRIVATE);
}

/* Why does the cpuset of the running task not have a node?  Context: any. */
enum private_node_why private_node_why_cpuset(int nid)
{
	return cpuset_must_name(nid) ? PRIVATE_NODE_WHY_NAMED :
				       PRIVATE_NODE_WHY_CPUSET;
}

/*
 * private_node_why_closed - why does a node turn a request away?
 * @pn: the handle
 * @user: who asked
 *
 * Context: any.
 */
enum private_node_why private_node_why_closed(struct private_node *pn,
					      enum private_node_service user)
{
	bool names = user == PRIVATE_NODE_USER_DEVICE_MAP ||
		     user == PRIVATE_NODE_USER_NUMA ||
		     user == PRIVATE_NODE_GUEST_MEMFD ||
		     user == PRIVATE_NODE_HUGETLB;

	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return PRIVATE_NODE_WHY_GONE;
	if (READ_ONCE(pn->state) != PRIVATE_NODE_LIVE)
		return PRIVATE_NODE_WHY_UNPLUG;
	if (names && in_task() && !cpuset_may_name(pn->nid))
		return private_node_why_cpuset(pn->nid);
	if (private_node_serves(pn, user) &&
	    !node_state(pn->nid, N_MEMORY_PRIVATE))
		return PRIVATE_NODE_WHY_EMPTY;
	return PRIVATE_NODE_WHY_CLOSED;
}

/*
 * private_node_why_full - why did a node that let a request in give no page?
 * @pn: the handle
 * @user: who asked
 * @order: of the folio
 *
 * Context: any.
 */
enum private_node_why private_node_why_full(struct private_node *pn,
					    enum private_node_service user,
					    unsigned int order)
{
	if (!node_state(pn->nid, N_MEMORY_PRIVATE))
		return PRIVATE_NODE_WHY_EMPTY;
	if (user == PRIVATE_NODE_HUGETLB)
		return PRIVATE_NODE_WHY_POOL;
	if (order && private_node_free_pages_nid(pn->nid) >= 1UL << order)
		return PRIVATE_NODE_WHY_NO_BLOCK;
	return PRIVATE_NODE_WHY_FULL;
}

/*
 * private_node_why_errno - the reason that comes closest to an errno
 * @error: negative errno; a line in the kernel's log says more
 *
 * Context: any.
 * Return: PRIVATE_NODE_WHY_INVALID for an errno without one of its own.
 */
enum private_node_why private_node_why_errno(int error)
{
	switch (error) {
	case -EINTR:
		return PRIVATE_NODE_WHY_KILLED;
	case -ENOMEM:
		return PRIVATE_NODE_WHY_NO_MEMORY;
	case -ENODEV:
		return PRIVATE_NODE_WHY_GONE;
	case -EBUSY:
	case -EEXIST:
		return PRIVATE_NODE_WHY_BUSY;
	default:
		return PRIVATE_NODE_WHY_INVALID;
	}
}

/*
 * private_node_refusal_shown - may a reader see an entry?
 * @r: the entry
 * @all: the reader may see the entries of all users
 * @uid: of the reader
 * @ns: id of the pid namespace of the /proc mount
 *
 * In a pid namespace other than the initial one only entries of its own
 * processes are shown.
 * Context: any.
 */
bool private_node_refusal_shown(const struct private_node_refusal *r, bool all,
				kuid_t uid, u64 ns)
{
	if (ns != init_pid_ns.ns.ns_id && ns != r->ns)
		return false;
	return all || (uid_eq(r->uid, uid) && !r->others);
}
EXPORT_SYMBOL_IF_KUNIT(private_node_refusal_shown);

/* What one reader sees: a copy of the ring, made when the file was opened. */
struct reader {
	bool all;
	bool first_ns;
	unsigned int nr;
	struct private_node_refusal refusals[PRIVATE_NODE_REFUSALS];
};

static int compare_last(const void *a, const void *b)
{
	const struct private_node_refusal *x = a, *y = b;

	return x->last < y->last ? -1 : x->last > y->last;
}

static void copy_shown(struct reader *reader, kuid_t uid, u64 ns)
{
	const struct private_node_refusal *r;

	scoped_guard(raw_spinlock_irqsave, &ring.lock)
		for (r = ring.refusals; r < ring.refusals + PRIVATE_NODE_REFUSALS; r++)
			if (r->count &&
			    private_node_refusal_shown(r, reader->all, uid, ns))
				reader->refusals[reader->nr++] = *r;
	sort(reader->refusals, reader->nr, sizeof(*r), compare_last, NULL);
}

static void *refusals_start(struct seq_file *m, loff_t *pos)
{
	struct reader *reader = m->private;

	return *pos < reader->nr ? &reader->refusals[*pos] : NULL;
}

static void *refusals_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return refusals_start(m, pos);
}

static void refusals_stop(struct seq_file *m, void *v)
{
}

static void show_time(struct seq_file *m, const char *name, u64 ns)
{
	u32 rest = do_div(ns, NSEC_PER_SEC);

	seq_printf(m, "%s=%llu.%06u ", name, ns, rest / (u32)NSEC_PER_USEC);
}

static void show_name(struct seq_file *m, const char *name, const char *comm)
{
	seq_printf(m, " %s=", name);
	seq_escape_str(m, comm, ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
		       " \\");
}

static int refusals_show(struct seq_file *m, void *v)
{
	const struct private_node_refusal *r = v;
	const struct reader *reader = m->private;

	show_time(m, "time", r->last);
	show_time(m, "first", r->first);
	seq_printf(m, "count=%llu node=%d owner=%s what=%s why=%s order=%u pages=%lu uid=%u pid=%d tid=%d",
		   r->count, r->nid, r->owner,
		   r->act < PRIVATE_NODE_NR_USERS ?
		   private_node_user_name(r->act) : act_names[r->act],
		   why_names[r->why], r->order, r->pages,
		   from_kuid_munged(seq_user_ns(m), r->uid),
		   reader->first_ns ? r->tgid : r->ns_tgid,
		   reader->first_ns ? r->pid : r->ns_pid);
	show_name(m, "comm", r->comm);
	/* The other process may belong to another user. */
	if (r->by.pid && reader->all && reader->first_ns) {
		seq_printf(m, " by=%d", r->by.pid);
		show_name(m, "by_comm", r->by.comm);
	}
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations refusals_seq = {
	.start = refusals_start,
	.next = refusals_next,
	.stop = refusals_stop,
	.show = refusals_show,
};

/* CAP_SYSLOG shows all entries, since the kernel's log has the same content. */
static int refusals_open(struct inode *inode, struct file *file)
{
	struct pid_namespace *ns = proc_pid_ns(inode->i_sb);
	struct reader *reader;
	int ret;

	reader = kvzalloc_obj(*reader, GFP_KERNEL_ACCOUNT);
	if (!reader)
		return -ENOMEM;
	reader->all = file_ns_capable(file, &init_user_ns, CAP_SYSLOG);
	reader->first_ns = ns == &init_pid_ns;
	copy_shown(reader, file->f_cred->fsuid, ns->ns.ns_id);
	ret = seq_open(file, &refusals_seq);
	if (ret) {
		kvfree(reader);
		return ret;
	}
	((struct seq_file *)file->private_data)->private = reader;
	return 0;
}

static int refusals_release(struct inode *inode, struct file *file)
{
	kvfree(((struct seq_file *)file->private_data)->private);
	return seq_release(inode, file);
}

static const struct proc_ops refusals_ops = {
	.proc_open = refusals_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = refusals_release,
};

static int __init refusals_init(void)
{
	return proc_create("private_node_refusals", 0444, NULL, &refusals_ops) ?
	       0 : -ENOMEM;
}
fs_initcall(refusals_init);

static void count_refusal(struct private_node *pn, enum private_node_service user,
			  enum private_node_event event, unsigned int order,
			  int act)
{
	private_node_count(pn, user, event, 1);
	trace_private_node_alloc_refused(pn->nid, user, event, order);
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = event == PRIVATE_NODE_REFUSED ?
				   private_node_why_closed(pn, user) :
				   private_node_why_full(pn, user, order),
			    .order = order);
}

/*
 * private_node_refuse - count, trace and record a request that got no memory
 * @pn: the handle
 * @user: who asked
 * @event: PRIVATE_NODE_REFUSED, or PRIVATE_NODE_FAILED
 * @order: of the folio
 *
 * Context: any but NMI.
 */
void private_node_refuse(struct private_node *pn, enum private_node_service user,
			 enum private_node_event event, unsigned int order)
{
	count_refusal(pn, user, event, order, user);
}

/*
 * private_node_turn_away - a system call named nodes that are closed to it
 * @nodes: nodes that the call named and may not use
 * @user: the service by which it named them
 * @act: PRIVATE_NODE_ACT_POLICY, or PRIVATE_NODE_ACT_MOVE
 *
 * Counts, traces and records a refusal for each private node in @nodes.
 *
 * Context: any but NMI.
 */
void private_node_turn_away(const nodemask_t *nodes,
			    enum private_node_service user, int act)
{
	struct private_node *pn;
	int nid;

	for_each_node_mask(nid, *nodes) {
		pn = private_node_find(nid);
		if (!pn)
			continue;
		count_refusal(pn, user, PRIVATE_NODE_REFUSED, 0, act);
		private_node_put(pn);
	}
}

/*
 * __private_node_move_refused - see private_node_move_refused()
 */
void __private_node_move_refused(const nodemask_t *nodes)
{
	private_node_turn_away(nodes, PRIVATE_NODE_USER_NUMA,
			       PRIVATE_NODE_ACT_MOVE);
}
