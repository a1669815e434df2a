// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds what holds a page besides mappings: a file of tmpfs or of guest_memfd, a
 * pipe, a socket or the page pool of a network card.
 *
 * This is for the message of an unplug that is refused, so it may be slow.  It
 * looks at the open files of all threads, and at what was sent to their
 * sockets: data, connections that wait for accept(), and files (SCM_RIGHTS).
 * It tries locks and does not wait for them, so a pipe or a socket that is in
 * use meanwhile is skipped.
 */
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/af_unix.h>
#include <net/inet_connection_sock.h>
#include <net/scm.h>
#include <net/sock.h>

#include "internal.h"

#define TEXT_MAX	(PATH_MAX + 128)
/* Most files that are followed from one open socket to others. */
#define SENT_MAX	256

/* State of one search. */
struct quest {
	struct folio *folio;
	struct inode *inode;	/* find who has it open, too; or NULL */
	const char *what;	/* result: how it is held, before "pid" */
	struct file **sent;	/* with references, room for SENT_MAX */
	unsigned int nr_sent;
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

static bool page_is_of(const struct page *page, const struct folio *folio)
{
	return page && page_folio(page) == folio;
}

/* Without the buffers in its frag_list. */
static bool one_skb_has(const struct sk_buff *skb, struct folio *folio)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	int i;

	/* Received data may be in place of a head that the kernel allocates. */
	if (skb->head_frag && page_is_of(virt_to_page(skb->head), folio))
		return true;
	for (i = 0; i < info->nr_frags; i++)
		if (page_is_of(skb_frag_page(&info->frags[i]), folio))
			return true;
	return false;
}

static bool skb_has(const struct sk_buff *skb, struct folio *folio)
{
	const struct sk_buff *part;

	if (one_skb_has(skb, folio))
		return true;
	skb_walk_frags(skb, part)
		if (one_skb_has(part, folio))
			return true;
	return false;
}

static bool queue_has(struct sk_buff_head *queue, struct folio *folio)
{
	struct sk_buff *skb;
	bool ret = false;

	if (!spin_trylock_bh(&queue->lock))
		return false;
	skb_queue_walk(queue, skb) {
		ret = skb_has(skb, folio);
		if (ret)
			break;
	}
	spin_unlock_bh(&queue->lock);
	return ret;
}

#ifdef CONFIG_UNIX

/* Adds the files of a message to the list.  The lock of its queue is held. */
static void note_sent(const struct sk_buff *skb, struct quest *q)
{
	struct scm_fp_list *fpl = UNIXCB(skb).fp;
	int i;

	for (i = 0; fpl && i < fpl->count && q->nr_sent < SENT_MAX; i++)
		q->sent[q->nr_sent++] = get_file(fpl->fp[i]);
}

/*
 * @has_reader: a reader may be taking the files out of a message that is still
 *	in the queue, so the files are not looked at.
 */
static bool unix_queue_has(struct sock *sk, struct quest *q, bool has_reader)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	struct sk_buff *skb;
	bool ret = false;

	if (!spin_trylock_bh(&queue->lock))
		return false;
	skb_queue_walk(queue, skb) {
		if (!has_reader)
			note_sent(skb, q);
		ret = ret || skb_has(skb, q->folio);
	}
	spin_unlock_bh(&queue->lock);
	return ret;
}

/*
 * Looks at connections that wait for accept().  Nobody reads from them before
 * accept() takes them off the queue.
 */
static bool unix_listener_has(struct sock *sk, struct quest *q)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	struct sk_buff *skb;
	bool ret = false;

	if (!spin_trylock_bh(&queue->lock))
		return false;
	skb_queue_walk(queue, skb)
		ret = ret || (skb->sk && unix_queue_has(skb->sk, q, false));
	spin_unlock_bh(&queue->lock);
	return ret;
}

static const char *unix_has(struct sock *sk, struct quest *q)
{
	struct mutex *readers = &unix_sk(sk)->iolock;
	bool locked, ret;

	if (READ_ONCE(sk->sk_state) == TCP_LISTEN)
		return unix_listener_has(sk, q) ?
		       "in a connection that waits for accept() of" : NULL;
	locked = mutex_trylock(readers);
	ret = unix_queue_has(sk, q, !locked);
	if (locked)
		mutex_unlock(readers);
	return ret ? "in a socket of" : NULL;
}

#else

static const char *unix_has(struct sock *sk, struct quest *q)
{
	return NULL;
}

#endif

#ifdef CONFIG_INET

static bool tree_has(const struct rb_root *tree, struct folio *folio)
{
	struct rb_node *node;

	for (node = rb_first(tree); node; node = rb_next(node))
		if (skb_has(rb_to_skb(node), folio))
			return true;
	return false;
}

/*
 * Looks at data that was sent and is not acknowledged yet, and at received data
 * that waits for what is missing before it.
 */
static bool tcp_has(struct sock *sk, struct folio *folio)
{
	return sk_is_tcp(sk) &&
	       (tree_has(&sk->tcp_rtx_queue, folio) ||
		tree_has(&tcp_sk(sk)->out_of_order_queue, folio));
}

/* Looks at received data that a reader has moved to reader_queue. */
static bool udp_has(struct sock *sk, struct folio *folio)
{
	return sk_is_udp(sk) && queue_has(&udp_sk(sk)->reader_queue, folio);
}

#else

static bool tcp_has(struct sock *sk, struct folio *folio)
{
	return false;
}

static bool udp_has(struct sock *sk, struct folio *folio)
{
	return false;
}

#endif

/* A task that owns the socket changes its queues without their locks. */
static bool locked_sock_has(struct sock *sk, struct folio *folio)
{
	return !sock_owned_by_user_nocheck(sk) &&
	       (queue_has(&sk->sk_receive_queue, folio) ||
		queue_has(&sk->sk_write_queue, folio) ||
		udp_has(sk, folio) || tcp_has(sk, folio));
}

static bool sock_has(struct sock *sk, struct folio *folio)
{
	bool ret;

	if (!spin_trylock_bh(&sk->sk_lock.slock))
		return false;
	ret = locked_sock_has(sk, folio);
	spin_unlock_bh(&sk->sk_lock.slock);
	return ret;
}

#ifdef CONFIG_INET

static bool is_listener(struct sock *sk)
{
	return sk_is_tcp(sk) && READ_ONCE(sk->sk_state) == TCP_LISTEN;
}

static bool listener_has(struct sock *sk, struct folio *folio)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	struct request_sock *req;
	bool ret = false;

	spin_lock_bh(&queue->rskq_lock);
	for (req = queue->rskq_accept_head; req && !ret; req = req->dl_next)
		ret = req->sk && sock_has(req->sk, folio);
	spin_unlock_bh(&queue->rskq_lock);
	return ret;
}

#else

static bool is_listener(struct sock *sk)
{
	return false;
}

static bool listener_has(struct sock *sk, struct folio *folio)
{
	return false;
}

#endif

static const char *socket_has(struct file *file, struct quest *q)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk)
		return NULL;
	if (sk->sk_family == AF_UNIX)
		return unix_has(sk, q);
	if (is_listener(sk))
		return listener_has(sk, q->folio) ?
		       "in a connection that waits for accept() of" : NULL;
	return sock_has(sk, q->folio) ? "in a socket of" : NULL;
}

#else

static const char *socket_has(struct file *file, struct quest *q)
{
	return NULL;
}

#endif

static const char *file_has(struct file *file, struct quest *q)
{
	struct pipe_inode_info *pipe = get_pipe_info(file, false);

	if (q->inode && file_inode(file) == q->inode)
		return "open in";
	if (pipe)
		return pipe_has(pipe, q->folio) ? "in a pipe of" : NULL;
	return socket_has(file, q);
}

/*
 * Looks at the file and, if it is a socket, at files that were sent to it.  The
 * list of these grows in the loop when one of them is a socket.
 */
static bool file_holds(struct file *file, struct quest *q)
{
	unsigned int i;

	q->nr_sent = 0;
	q->what = file_has(file, q);
	for (i = 0; i < q->nr_sent; i++) {
		if (!q->what && file_has(q->sent[i], q))
			q->what = q->inode ? "sent to a socket of" :
				  "in a file that was sent to a socket of";
		fput(q->sent[i]);
	}
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

/*
 * Finds the first task that has such a file open.  Threads that share a
 * files_struct usually come one after the other, so it is enough to skip one
 * that is the same as the last.  The pointer is only compared.
 */
static bool who_holds(struct quest *q, struct private_node_task_name *name)
{
	const void *files, *last = NULL;
	struct task_struct *task;
	bool found = false;
	int nr = 1;

	while (!found && (task = private_node_next_thread(&nr))) {
		files = READ_ONCE(task->files);
		if (files && files != last) {
			found = task_holds(task, q);
			last = files;
		}
		if (found)
			private_node_name_of(task, name);
		put_task_struct(task);
	}
	return found;
}

static int pte_maps(pte_t *pte, unsigned long addr, unsigned long next,
		    struct mm_walk *walk)
{
	const struct folio *folio = walk->private;
	pte_t entry = ptep_get(pte);

	/* By its number: what device drivers map need not have struct pages. */
	return pte_present(entry) &&
	       pte_pfn(entry) - folio_pfn(folio) < folio_nr_pages(folio);
}

/* vm_insert_pages() makes no huge entries; others are not to be split here. */
static int pmd_maps(pmd_t *pmd, unsigned long addr, unsigned long next,
		    struct mm_walk *walk)
{
	if (pmd_leaf(pmdp_get_lockless(pmd)))
		walk->action = ACTION_CONTINUE;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int pud_maps(pud_t *pud, unsigned long addr, unsigned long next,
		    struct mm_walk *walk)
{
	if (pud_leaf(pudp_get(pud)))
		walk->action = ACTION_CONTINUE;
	return 0;
}

static int skips_vma(unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	return !(walk->vma->vm_flags & VM_MIXEDMAP);
}

static const struct mm_walk_ops maps_ops = {
	.pte_entry = pte_maps,
	.pmd_entry = pmd_maps,
	.pud_entry = pud_maps,
	.test_walk = skips_vma,
	.walk_lock = PGWALK_RDLOCK,
};

static bool mm_maps(struct mm_struct *mm, struct folio *folio)
{
	bool ret;

	if (!mmap_read_trylock(mm))
		return false;
	ret = walk_page_range(mm, 0, ULONG_MAX, &maps_ops, folio) > 0;
	mmap_read_unlock(mm);
	return ret;
}

/* The leader of a process may have ended before its threads. */
static struct mm_struct *mm_of_group(struct task_struct *task)
{
	struct task_struct *thread = find_lock_task_mm(task);
	struct mm_struct *mm;

	if (!thread)
		return NULL;
	mm = thread->mm;
	mmget(mm);
	task_unlock(thread);
	return mm;
}

/*
 * Finds a process into which a page was mapped by vm_insert_pages(), as
 * TCP_ZEROCOPY_RECEIVE does.  The reverse map does not have such mappings, so
 * all processes are looked at.
 */
static bool who_maps(struct folio *folio, struct private_node_task_name *name)
{
	struct task_struct *task;
	struct mm_struct *mm;
	bool found = false;
	int nr = 1;

	while (!found && !fatal_signal_pending(current) &&
	       (task = private_node_next_group(&nr))) {
		mm = mm_of_group(task);
		if (mm)
			found = mm_maps(mm, folio);
		if (found)
			private_node_name_of(task, name);
		if (mm)
			mmput_async(mm);
		put_task_struct(task);
	}
	return found;
}

/* For a page of the owner. */
static void describe_owners(struct folio *folio, char *text)
{
	struct private_node_task_name name;

	private_node_describe_buffer(&folio->page, text, TEXT_MAX);
	if (!*text && folio_mapped(folio) && who_maps(folio, &name))
		snprintf(text, TEXT_MAX, "mapped by pid %d (%s)", name.pid,
			 name.comm);
}

/*
 * The inode of a folio of shmem or of a guest_memfd, with a reference; NULL if it
 * has none.
 */
static struct inode *inode_of(struct folio *folio)
{
	struct address_space *mapping;
	struct inode *inode = NULL;

	if (!folio_trylock(folio))
		return NULL;
	mapping = folio_test_anon(folio) ? NULL : folio_mapping(folio);
	if (mapping && (shmem_mapping(mapping) || mapping_inaccessible(mapping)))
		inode = igrab(mapping->host);
	folio_unlock(folio);
	return inode;
}

static void describe_file(struct inode *inode, char *text, size_t size)
{
	struct dentry *dentry = d_find_any_alias(inode);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	const char *path = "without a name";

	/* The dentry of a memfd has a name but no parent. */
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

static void describe_holders(struct quest *q, char *text)
{
	struct private_node_task_name name;
	size_t len = 0;

	if (q->inode) {
		describe_file(q->inode, text, TEXT_MAX);
		len = strlen(text);
	}
	if (who_holds(q, &name))
		snprintf(text + len, TEXT_MAX - len, "%s%s pid %d (%s)",
			 len ? ", " : "", q->what, name.pid, name.comm);
}

/*
 * private_node_describe_holder - name what holds a page besides mappings
 * @folio: with a reference
 * @mapped: a process maps it; then the caller names that process, rather than
 *	the file that the page is from
 *
 * Context: process, may sleep for long; mem_hotplug_lock may be held.
 * Return: text for kfree(), or NULL if nothing was found.
 */
char *private_node_describe_holder(struct folio *folio, bool mapped)
{
	char *text __free(kfree) = kzalloc(TEXT_MAX, GFP_KERNEL);
	struct file **sent __free(kfree) = kmalloc_array(SENT_MAX, sizeof(*sent),
							 GFP_KERNEL);
	struct quest q = { .folio = folio, .sent = sent };

	if (!text || !sent)
		return NULL;
	/* Pipes and sockets first: they say more than the file of the page. */
	describe_holders(&q, text);
	if (!*text && !private_node_folio_is_users(folio)) {
		describe_owners(folio, text);
	} else if (!*text && !mapped) {
		q.inode = inode_of(folio);
		if (q.inode)
			describe_holders(&q, text);
		iput(q.inode);
	}
	return *text ? no_free_ptr(text) : NULL;
}
