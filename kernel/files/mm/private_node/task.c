// SPDX-License-Identifier: GPL-2.0-only
/*
 * From address spaces to tasks, for those who name one, ask all, or choose one.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "private_node.h"

/*
 * private_node_next_group - walk thread group leaders by pid
 * @nr: the first pid to look at; result: the one behind the leader
 *
 * The caller may sleep in between.
 * Context: any.
 * Return: the leader, with a reference; NULL when there is none left.
 */
struct task_struct *private_node_next_group(int *nr)
{
	struct task_struct *task = NULL;
	struct pid *pid;

	guard(rcu)();
	while (!task) {
		pid = find_ge_pid(*nr, &init_pid_ns);
		if (!pid)
			return NULL;
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_TGID);
	}
	return get_task_struct(task);
}

/*
 * private_node_only_group - the one thread group that has an address space
 * @mm: the address space
 *
 * Context: RCU read section.
 * Return: a task of the group; NULL where other groups may have it as well, or
 * nobody wrote down who has it.
 */
struct task_struct *private_node_only_group(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	if (!mm_flags_test(MMF_MULTIPROCESS, mm))
		return rcu_dereference(mm->owner);
#endif
	return NULL;
}

/*
 * private_node_name_task - whom to name in a message about an address space
 * @mm: the address space
 * @name: result; unchanged when no process has it
 *
 * Context: process.
 */
void private_node_name_task(const struct mm_struct *mm,
			    struct private_node_task_name *name)
{
	struct task_struct *task;

	guard(rcu)();
	for_each_process(task) {
		if (READ_ONCE(task->mm) != mm)
			continue;
		name->pid = task_pid_nr(task);
		get_task_comm(name->comm, task);
		return;
	}
}
