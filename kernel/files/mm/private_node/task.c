// SPDX-License-Identifier: GPL-2.0-only
/*
 * From address spaces to tasks: to name one, to ask all, or to choose one.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "private_node.h"

/* The first task of a kind from a pid on, with a reference. */
static struct task_struct *next_of_kind(int *nr, enum pid_type type)
{
	struct task_struct *task = NULL;
	struct pid *pid;

	guard(rcu)();
	while (!task) {
		pid = find_ge_pid(*nr, &init_pid_ns);
		if (!pid)
			return NULL;
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, type);
	}
	return get_task_struct(task);
}

#ifdef CONFIG_MEMCG
/*
 * Are all users of @mm threads of the group?  Each task that has an address space is
 * one of its users.  With the lock held no thread joins the list.  A thread that is
 * about to join was counted as a user before, so the answer may be a needless no, but
 * never a wrong yes.
 */
static bool has_all_users(struct task_struct *group, struct mm_struct *mm)
{
	int users = atomic_read(&mm->mm_users), threads = 0;
	struct task_struct *t;
	unsigned long flags;

	/* The only user may be another group, when this one has just left. */
	if (users == 1)
		return READ_ONCE(group->mm) == mm;
	if (!lock_task_sighand(group, &flags))
		return false;
	users = atomic_read(&mm->mm_users);
	for_each_thread(group, t)
		threads += READ_ONCE(t->mm) == mm;
	unlock_task_sighand(group, &flags);
	return threads >= users;
}
#endif

/*
 * private_node_next_group - walk thread group leaders by pid
 * @nr: the first pid to look at; result: the one behind the leader
 *
 * The leader may have ended before its group: for its address space and files
 * see find_lock_task_mm() and private_node_next_thread().
 * The caller may sleep in between.
 * Context: any.
 * Return: the leader, with a reference; NULL when there is none left.
 */
struct task_struct *private_node_next_group(int *nr)
{
	return next_of_kind(nr, PIDTYPE_TGID);
}

/*
 * private_node_next_thread - walk all threads by pid
 * @nr: the first pid to look at; result: the one behind the thread
 *
 * The caller may sleep in between.
 * Context: any.
 * Return: the thread, with a reference; NULL when there is none left.
 */
struct task_struct *private_node_next_thread(int *nr)
{
	return next_of_kind(nr, PIDTYPE_PID);
}

/*
 * private_node_only_group - the only thread group that has an address space
 * @mm: the address space
 *
 * MMF_MULTIPROCESS does not cover a child of vfork(), which has the address space until
 * exec(); glibc's posix_spawn() makes such children.  A task that only looks at the
 * address space counts as a user as well; for that moment all processes are asked.
 *
 * Context: RCU read section.
 * Return: a task of the group; NULL where other groups may have it as well, or
 * nobody wrote down who has it.
 */
struct task_struct *private_node_only_group(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	if (mm_flags_test(MMF_MULTIPROCESS, mm))
		return NULL;
	owner = rcu_dereference(mm->owner);
	if (owner && (!private_node_hook(vfork_users) ||
		      has_all_users(owner, mm)))
		return owner;
#endif
	return NULL;
}

/*
 * private_node_name_of - how a message names the process of a thread
 * @task: the thread, with a reference or under RCU
 * @name: result
 *
 * Context: process.
 */
void private_node_name_of(struct task_struct *task,
			  struct private_node_task_name *name)
{
	guard(rcu)();
	name->pid = task_tgid_nr(task);
	get_task_comm(name->comm, task->group_leader);
}

/*
 * private_node_name_task - whom to name in a message about an address space
 * @mm: the address space
 * @name: result; unchanged when no thread has it
 *
 * Names a kernel thread that works for a process only if there is no other task.
 * Context: process.
 */
void private_node_name_task(const struct mm_struct *mm,
			    struct private_node_task_name *name)
{
	struct task_struct *p, *t;

	guard(rcu)();
	for_each_process_thread(p, t) {
		if (READ_ONCE(t->mm) != mm)
			continue;
		private_node_name_of(t, name);
		if (!(t->flags & PF_KTHREAD))
			return;
	}
}
