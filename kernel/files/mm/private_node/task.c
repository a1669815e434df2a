// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over tasks, and the tasks that use an address space.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "internal.h"

/* The first task with @type and a pid of at least *nr, with a reference. */
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
 * Are all users of @mm threads of the group?  Each task with the address space
 * counts in mm_users.  Under the sighand lock no thread joins the list.  A
 * thread that is about to join is counted in mm_users already, so the answer
 * may be a false "no", but never a false "yes".
 */
static bool has_all_users(struct task_struct *group, struct mm_struct *mm)
{
	int users = atomic_read(&mm->mm_users), threads = 0;
	struct task_struct *t;
	unsigned long flags;

	/* The only user need not be this group, which may have exited. */
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
 * @nr: the first pid to look at; set to the leader's pid plus 1
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
 * @nr: the first pid to look at; set to the thread's pid plus 1
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
 * MMF_MULTIPROCESS is not set for a child of vfork(), which has the address
 * space until exec(); glibc's posix_spawn() makes such children.  So mm_users
 * is compared as well.  It includes tasks that only look at the address space,
 * and the result is NULL while they do.
 *
 * Context: RCU read section.
 * Return: a task of the group; NULL if other groups may have the address space
 * as well, or if it has no owner.  The caller then has to look at all
 * processes.
 */
struct task_struct *private_node_only_group(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	if (mm_flags_test(MMF_MULTIPROCESS, mm))
		return NULL;
	owner = rcu_dereference(mm->owner);
	if (owner && has_all_users(owner, mm))
		return owner;
#endif
	return NULL;
}

/*
 * private_node_name_of - name the process of a thread for a message
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
	/* The leader of a thread that was reaped may be freed. */
	get_task_comm(name->comm, pid_alive(task) ? task->group_leader : task);
}

/*
 * private_node_name_task - name a process with an address space for a message
 * @mm: the address space
 * @name: result; unchanged when no thread has it
 *
 * Names a kernel thread only if no other task has the address space.
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
