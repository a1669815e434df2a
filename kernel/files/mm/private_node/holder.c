// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds a page that no process maps: a file of tmpfs, a pipe, a socket.
 *
 * Only for the message of an unplug that is refused, so it may be slow: it looks
 * at the open files of all tasks.  It waits for nobody; a pipe or a socket that
 * is in use just now is passed over.
 */
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "private_node.h"

#define TEXT_MAX	(PATH_MAX + 128)

struct quest {
	struct folio *folio;
	struct inode *inode;	/* of the page cache that the folio is in */
	const char *what;	/* the answer: what is held open */
};

static bool pipe_has(struct pipe_inode_info *pipe, struct folio *folio)
{
	unsigned int i;
	bool ret = false;

	if (!mutex_trylock(&pipe->mutex))
		return false;
	for (i = pipe->tail; i != pipe->head && !ret; i++)
		ret = page_folio(pipe_buf(pipe, i)->page) == folio;
	mutex_unlock(&pipe->mutex);
	return ret;
}

#ifdef CONFIG_NET

static bool skb_has(const struct sk_buff *skb, struct folio *folio)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	const struct sk_buff *part;
	int i;

	for (i = 0; i < info->nr_frags; i++)
		if (skb_frag_page(&info->frags[i]) &&
		    page_folio(skb_frag_page(&info->frags[i])) == folio)
			return true;
	skb_walk_frags(skb, part)
		for (i = 0; i < skb_shinfo(part)->nr_frags; i++)
			if (skb_frag_page(&skb_shinfo(part)->frags[i]) &&
			    page_folio(skb_frag_page(&skb_shinfo(part)->frags[i])) == folio)
				return true;
	return false;
}

static bool queue_has(struct sk_buff_head *queue, struct folio *folio)
{
	struct sk_buff *skb;

	guard(spinlock_bh)(&queue->lock);
	skb_queue_walk(queue, skb)
		if (skb_has(skb, folio))
			return true;
	return false;
}

/* What was sent and not acknowledged. */
static bool tcp_has(struct sock *sk, struct folio *folio)
{
	struct rb_node *node;

	if (!sk_is_tcp(sk) || READ_ONCE(sk->sk_state) == TCP_LISTEN)
		return false;
	for (node = rb_first(&sk->tcp_rtx_queue); node; node = rb_next(node))
		if (skb_has(rb_to_skb(node), folio))
			return true;
	return false;
}

static bool socket_has(struct sock *sk, struct folio *folio)
{
	bool ret = false;

	if (queue_has(&sk->sk_receive_queue, folio))
		return true;
	spin_lock_bh(&sk->sk_lock.slock);
	if (!sock_owned_by_user_nocheck(sk))
		ret = queue_has(&sk->sk_write_queue, folio) ||
		      tcp_has(sk, folio);
	spin_unlock_bh(&sk->sk_lock.slock);
	return ret;
}

static bool is_socket_with(struct file *file, struct folio *folio)
{
	struct socket *sock = sock_from_file(file);

	return sock && sock->sk && socket_has(sock->sk, folio);
}

#else

static bool is_socket_with(struct file *file, struct folio *folio)
{
	return false;
}

#endif

static bool file_holds(struct file *file, struct quest *q)
{
	struct pipe_inode_info *pipe = get_pipe_info(file, false);

	if (q->inode)
		q->what = file_inode(file) == q->inode ? "open" : NULL;
	else if (pipe)
		q->what = pipe_has(pipe, q->folio) ? "a pipe" : NULL;
	else
		q->what = is_socket_with(file, q->folio) ? "a socket" : NULL;
	return q->what;
}

static bool task_holds(struct task_struct *task, struct quest *q)
{
	struct file *file;
	unsigned int fd;

	for (fd = 0; (file = fget_task_next(task, &fd)); fd++) {
		bool yes = file_holds(file, q);

		fput(file);
		if (yes)
			return true;
		cond_resched();
	}
	return false;
}

/* The first task that has such a file open, with a reference. */
static struct task_struct *who_holds(struct quest *q)
{
	struct task_struct *task;
	int nr = 1;

	while ((task = private_node_next_group(&nr))) {
		if (task_holds(task, q))
			return task;
		put_task_struct(task);
	}
	return NULL;
}

/* The object of shared memory that a folio belongs to, with a reference. */
static struct inode *shmem_inode_of(struct folio *folio)
{
	struct address_space *mapping;
	struct inode *inode = NULL;

	if (!folio_trylock(folio))
		return NULL;
	mapping = folio_test_anon(folio) ? NULL : folio_mapping(folio);
	if (mapping && shmem_mapping(mapping))
		inode = igrab(mapping->host);
	folio_unlock(folio);
	return inode;
}

static void describe_file(struct inode *inode, char *text, size_t size)
{
	struct dentry *dentry = d_find_any_alias(inode);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	const char *path = "without a name";

	/* A memfd is a root without a mount. */
	if (dentry && IS_ROOT(dentry))
		path = dentry->d_name.name;
	else if (dentry && buf)
		path = dentry_path_raw(dentry, buf, PATH_MAX);
	if (IS_ERR(path))
		path = "with a long name";
	snprintf(text, size, "in file %s (%s %u:%u, inode %llu)", path,
		 inode->i_sb->s_type->name, MAJOR(inode->i_sb->s_dev),
		 MINOR(inode->i_sb->s_dev), inode->i_ino);
	kfree(buf);
	dput(dentry);
}

static void describe(struct quest *q, char *text)
{
	struct task_struct *task;
	size_t len = 0;

	if (q->inode) {
		describe_file(q->inode, text, TEXT_MAX);
		len = strlen(text);
	}
	task = who_holds(q);
	if (!task)
		return;
	if (len)
		snprintf(text + len, TEXT_MAX - len, ", open in pid %d (%s)",
			 task_pid_nr(task), task->comm);
	else
		snprintf(text, TEXT_MAX, "in %s of pid %d (%s)", q->what,
			 task_pid_nr(task), task->comm);
	put_task_struct(task);
}

/*
 * private_node_describe_holder - name what holds a page, if it is no mapping
 * @folio: with a reference
 * @mapped: a task maps it, and is as good as the file that it is from
 *
 * Context: process, may sleep, a long time; mem_hotplug_lock may be held.
 * Return: text for kfree(), or NULL if nothing was found.
 */
char *private_node_describe_holder(struct folio *folio, bool mapped)
{
	struct quest q = { .folio = folio };
	char *text = kzalloc(TEXT_MAX, GFP_KERNEL);

	if (!text)
		return NULL;
	/* What is on its way through a pipe tells more than where it is from. */
	describe(&q, text);
	if (!*text && !mapped) {
		q.inode = shmem_inode_of(folio);
		if (q.inode)
			describe(&q, text);
		iput(q.inode);
	}
	if (*text)
		return text;
	kfree(text);
	return NULL;
}
