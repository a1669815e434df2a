// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: simulated accelerator on a private node
 *
 * A coherent accelerator with memory of its own, which is a private node that
 * module private_node_sim made.  Its kernels run in a thread that reaches memory
 * of processes through page tables of the device alone, so that a translation
 * which is not dropped in time gives a wrong result.
 *
 * Memory is what malloc() gives.  A page that the device uses moves to its node,
 * with its neighbours of the same 2 MiB as far as the job uses them; a CPU uses
 * it there.  What may not move, or finds no room, the device uses where it is.
 *
 * Files in /sys/kernel/npu_sim, for root:
 *
 * ``attach``
 *	Write the name of a node of private_node_sim to make /dev/npu_NAME.
 * ``detach``
 *	Write that name to remove it; -EBUSY while it is open.
 *
 * The parameter ``stale`` makes the device keep translations for reading that it
 * should drop: the tests have to notice.
 *
 * The ioctls of /dev/npu_NAME are in lib/test_npu_uapi.h.  An open file belongs
 * to the address space that opened it.
 */
#define pr_fmt(fmt) "npu_sim: " fmt

#include <linux/highmem.h>
#include <linux/hmm.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/maple_tree.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/private_node.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "test_npu_uapi.h"
#include "test_private_node.h"

/* An entry of the device's page table: a page frame, and these bits. */
#define NPU_VALID	BIT(0)
#define NPU_WRITE	BIT(1)
#define NPU_PFN_SHIFT	2

#define NPU_MAX_K	PAGE_SIZE
#define NPU_MAX_N	(PAGE_SIZE / sizeof(s32))
#define NPU_NAME_MAX	48
#define NPU_FNV_START	0xcbf29ce484222325ULL
#define NPU_FNV_PRIME	0x100000001b3ULL

/* Last level of the page table: PMD_SIZE of addresses. */
struct npu_leaf {
	unsigned long entry[PTRS_PER_PTE];
};

/**
 * struct npu - an accelerator
 * @list: in npus, under npus_lock
 * @pn: its memory, with a reference
 * @name: of its node
 * @file: name in /dev
 * @misc: file in /dev
 * @worker: runs the jobs
 * @lock: protects what follows, and jobs
 * @wait: woken when the state of a job changes
 * @contexts: open files
 * @gone: it is being detached
 * @resets: number of resets; jobs from before fail
 */
struct npu {
	struct list_head list;
	struct private_node *pn;
	char name[NPU_NAME_MAX];
	char file[NPU_NAME_MAX];
	struct miscdevice misc;
	struct kthread_worker *worker;
	struct mutex lock;	/* protects what follows, and jobs */
	wait_queue_head_t wait;
	struct list_head contexts;
	bool gone;
	unsigned int resets;
};

/**
 * struct npu_context - an open file, and the page tables of its process
 * @list: in npu.contexts
 * @npu: the accelerator
 * @mm: the address space, with mmgrab()
 * @notifier: of all addresses of @mm
 * @tables: protects entries of @leaves, @stats; held while the device reads or
 *	writes through an entry, and taken by invalidation: nothing that may need
 *	memory runs under it
 * @leaves: struct npu_leaf by address >> PMD_SHIFT; none is freed before the end
 * @advice: enum npu_sim_advice by address
 * @jobs: those that nobody has waited for; under npu.lock
 * @last_id: of the last job
 * @stats: see there
 * @pfns: for hmm_range_fault(); used by the worker
 */
struct npu_context {
	struct list_head list;
	struct npu *npu;
	struct mm_struct *mm;
	struct mmu_interval_notifier notifier;
	struct mutex tables;	/* protects translations and their use */
	struct xarray leaves;
	struct maple_tree advice;
	struct list_head jobs;
	atomic_t last_id;
	struct npu_sim_stats stats;
	unsigned long pfns[PTRS_PER_PTE];
};

struct npu_job {
	struct list_head list;
	struct kthread_work work;
	struct kref ref;
	struct npu_context *ctx;
	struct npu_sim_job args;
	enum npu_sim_state state;
	bool resumed;
	bool cancelled;
	unsigned int resets;	/* npu.resets at submission */
	u64 done;		/* bytes, for stop_at */
	u64 digest;
	int error;
	void *buf[3];		/* a page each */
};

static DEFINE_MUTEX(npus_lock);
static LIST_HEAD(npus);

static bool stale;
module_param(stale, bool, 0600);
MODULE_PARM_DESC(stale, "keep translations for reading that should be dropped");

/* Page tables */

static unsigned long *find_entry(struct npu_context *ctx, unsigned long addr)
{
	struct npu_leaf *leaf = xa_load(&ctx->leaves, addr >> PMD_SHIFT);

	return leaf ? &leaf->entry[pte_index(addr)] : NULL;
}

static struct npu_leaf *make_leaf(struct npu_context *ctx, unsigned long addr)
{
	struct npu_leaf *leaf = xa_load(&ctx->leaves, addr >> PMD_SHIFT);

	if (leaf)
		return leaf;
	leaf = kzalloc_obj(*leaf);
	if (leaf && xa_err(xa_store(&ctx->leaves, addr >> PMD_SHIFT, leaf,
				    GFP_KERNEL))) {
		kfree(leaf);
		return NULL;
	}
	return leaf;
}

static void drop_entry(struct npu_context *ctx, unsigned long *entry)
{
	if (!(*entry & NPU_VALID))
		return;
	ctx->stats.invalidated++;
	if (READ_ONCE(stale)) {
		*entry &= ~NPU_WRITE;
		return;
	}
	ctx->stats.mapped--;
	*entry = 0;
}

static void drop_range(struct npu_context *ctx, unsigned long start,
		       unsigned long last)
{
	unsigned long index, i, from, to;
	struct npu_leaf *leaf;

	lockdep_assert_held(&ctx->tables);
	xa_for_each_range(&ctx->leaves, index, leaf, start >> PMD_SHIFT,
			  last >> PMD_SHIFT) {
		from = index == start >> PMD_SHIFT ? pte_index(start) : 0;
		to = index == last >> PMD_SHIFT ? pte_index(last) :
						  PTRS_PER_PTE - 1;
		for (i = from; i <= to; i++)
			drop_entry(ctx, &leaf->entry[i]);
	}
}

/*
 * Advice ends with the mapping.  It is kept, for a new mapping there, should
 * there be no memory for the change.
 */
static void forget_advice(struct npu_context *ctx, unsigned long start,
			  unsigned long last)
{
	mtree_store_range(&ctx->advice, start, last, NULL,
			  GFP_NOWAIT | __GFP_NOWARN);
}

static bool npu_invalidate(struct mmu_interval_notifier *mni,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq)
{
	struct npu_context *ctx = container_of(mni, struct npu_context,
					       notifier);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&ctx->tables);
	else if (!mutex_trylock(&ctx->tables))
		return false;
	mmu_interval_set_seq(mni, cur_seq);
	drop_range(ctx, range->start, range->end - 1);
	mutex_unlock(&ctx->tables);
	if (range->event == MMU_NOTIFY_UNMAP)
		forget_advice(ctx, range->start, range->end - 1);
	return true;
}

static const struct mmu_interval_notifier_ops npu_notifier_ops = {
	.invalidate = npu_invalidate,
};

static void set_entry(struct npu_context *ctx, unsigned long *entry,
		      unsigned long hmm)
{
	if (!(*entry & NPU_VALID))
		ctx->stats.mapped++;
	*entry = page_to_pfn(hmm_pfn_to_page(hmm)) << NPU_PFN_SHIFT |
		 NPU_VALID | (hmm & HMM_PFN_WRITE ? NPU_WRITE : 0);
}

/* The range lies within one leaf.  @ctx->mm is held by mmget(). */
static int map_range(struct npu_context *ctx, struct npu_leaf *leaf,
		     unsigned long start, unsigned long end, bool write)
{
	struct hmm_range range = {
		.notifier = &ctx->notifier,
		.start = start,
		.end = end,
		.hmm_pfns = ctx->pfns,
		.default_flags = HMM_PFN_REQ_FAULT |
				 (write ? HMM_PFN_REQ_WRITE : 0),
	};
	unsigned long i;
	int ret;

	range.notifier_seq = mmu_interval_read_begin(&ctx->notifier);
	mmap_read_lock(ctx->mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(ctx->mm);
	if (ret)
		return ret;
	guard(mutex)(&ctx->tables);
	if (mmu_interval_read_retry(&ctx->notifier, range.notifier_seq))
		return -EBUSY;
	for (i = 0; i < (end - start) >> PAGE_SHIFT; i++)
		set_entry(ctx, &leaf->entry[pte_index(start) + i],
			  ctx->pfns[i]);
	return 0;
}

/* Page faults of the device */

static bool ended(struct npu_job *job)
{
	return READ_ONCE(job->cancelled) ||
	       READ_ONCE(job->ctx->npu->resets) != job->resets;
}

/* Advice for @addr; narrows the range to the addresses that have the same. */
static enum npu_sim_advice advice_for(struct npu_context *ctx,
				      unsigned long addr, unsigned long *start,
				      unsigned long *end)
{
	MA_STATE(mas, &ctx->advice, addr, addr);
	void *entry;

	guard(rcu)();
	entry = mas_walk(&mas);
	*start = max(*start, mas.index);
	*end = min(*end - 1, mas.last) + 1;
	return entry ? xa_to_value(entry) : NPU_SIM_NONE;
}

static void move_here(struct npu_context *ctx, unsigned long addr,
		      unsigned long start, unsigned long end)
{
	enum npu_sim_advice advice = advice_for(ctx, addr, &start, &end);
	unsigned int flags = PRIVATE_NODE_MIGRATE_POPULATE;
	struct private_node_migrated m;
	int ret;

	if (advice == NPU_SIM_HOST || advice == NPU_SIM_KEEP)
		return;
	if (advice == NPU_SIM_DEVICE)
		flags |= PRIVATE_NODE_MIGRATE_NAMED;
	ret = private_node_migrate_range(ctx->npu->pn, ctx->mm, start, end,
					 flags, &m);
	guard(mutex)(&ctx->tables);
	ctx->stats.moved += m.moved;
	ctx->stats.refused += m.refused;
	ctx->stats.full += ret == -ENOSPC;
}

/*
 * Moves and maps @addr, and what is around it in [@start, @end).  What cannot
 * all be mapped, as where a mapping ends, is mapped page by page.
 */
static int fault_in(struct npu_context *ctx, unsigned long addr,
		    unsigned long start, unsigned long end, bool write)
{
	struct npu_leaf *leaf = make_leaf(ctx, addr);
	int ret;

	if (!leaf)
		return -ENOMEM;
	start = max(start, addr & PMD_MASK);
	end = min(end - 1, addr | ~PMD_MASK) + 1;
	move_here(ctx, addr, start, end);
	ret = map_range(ctx, leaf, start, end, write);
	if (ret && ret != -EBUSY)
		ret = map_range(ctx, leaf, addr, addr + PAGE_SIZE, write);
	return ret;
}

/* [@start, @end) is the operand that @addr belongs to. */
static int npu_fault(struct npu_job *job, unsigned long addr,
		     unsigned long start, unsigned long end, bool write)
{
	struct npu_context *ctx = job->ctx;
	int ret;

	scoped_guard(mutex, &ctx->tables)
		ctx->stats.faults++;
	if (!mmget_not_zero(ctx->mm))
		return -EFAULT;
	/* New memory comes from where the process may have it. */
	kthread_use_mm(ctx->mm);
	ret = fault_in(ctx, addr & PAGE_MASK, start & PAGE_MASK,
		       PAGE_ALIGN(end), write);
	kthread_unuse_mm(ctx->mm);
	mmput(ctx->mm);
	return ret == -EBUSY ? 0 : ret;
}

/* Reads or writes within a page; false if there is no translation for that. */
static bool access_page(struct npu_context *ctx, unsigned long addr, void *buf,
			size_t len, bool write)
{
	unsigned long *entry, need = NPU_VALID | (write ? NPU_WRITE : 0);
	struct page *page;

	guard(mutex)(&ctx->tables);
	entry = find_entry(ctx, addr);
	if (!entry || (*entry & need) != need)
		return false;
	page = pfn_to_page(*entry >> NPU_PFN_SHIFT);
	if (write) {
		memcpy_to_page(page, offset_in_page(addr), buf, len);
		set_page_dirty(page);
	} else {
		memcpy_from_page(buf, page, offset_in_page(addr), len);
	}
	if (page_to_nid(page) == private_node_nid(ctx->npu->pn))
		ctx->stats.local++;
	else
		ctx->stats.remote++;
	return true;
}

/* A part of memory that a job works on. */
struct operand {
	unsigned long start, len;
};

static int npu_access(struct npu_job *job, const struct operand *o, u64 offset,
		      void *buf, size_t len, bool write)
{
	unsigned long addr = o->start + offset;
	size_t part;
	int ret;

	while (len) {
		part = min(len, PAGE_SIZE - offset_in_page(addr));
		while (!access_page(job->ctx, addr, buf, part, write)) {
			if (ended(job))
				return -ECANCELED;
			ret = npu_fault(job, addr, o->start,
					o->start + o->len, write);
			if (ret)
				return ret;
			cond_resched();
		}
		addr += part;
		buf += part;
		len -= part;
	}
	return ended(job) ? -ECANCELED : 0;
}

static int npu_read(struct npu_job *job, const struct operand *o, u64 offset,
		    void *buf, size_t len)
{
	return npu_access(job, o, offset, buf, len, false);
}

static int npu_write(struct npu_job *job, const struct operand *o, u64 offset,
		     void *buf, size_t len)
{
	return npu_access(job, o, offset, buf, len, true);
}

/* Jobs */

static void set_state(struct npu_job *job, enum npu_sim_state state)
{
	WRITE_ONCE(job->state, state);
	wake_up_all(&job->ctx->npu->wait);
}

/* Counts progress, and stops where the job is told to. */
static int progress(struct npu_job *job, u64 bytes)
{
	u64 stop = job->args.stop_at;
	bool reached = stop && job->done < stop && job->done + bytes >= stop;

	job->done += bytes;
	cond_resched();
	if (!reached)
		return 0;
	set_state(job, NPU_SIM_STOPPED);
	wait_event_idle(job->ctx->npu->wait,
			READ_ONCE(job->resumed) || ended(job));
	set_state(job, NPU_SIM_RUNNING);
	return ended(job) ? -ECANCELED : 0;
}

static int do_copy(struct npu_job *job)
{
	struct operand dst = { job->args.dst, job->args.len };
	struct operand a = { job->args.a, job->args.len };
	size_t part;
	u64 off;
	int ret;

	for (off = 0; off < a.len; off += part) {
		part = min(a.len - off, PAGE_SIZE);
		ret = npu_read(job, &a, off, job->buf[0], part) ?:
		      npu_write(job, &dst, off, job->buf[0], part) ?:
		      progress(job, part);
		if (ret)
			return ret;
	}
	return 0;
}

static void add_words(u32 *a, const u32 *b, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*a); i++)
		a[i] += b[i];
}

static int do_add(struct npu_job *job)
{
	struct operand dst = { job->args.dst, job->args.len };
	struct operand a = { job->args.a, job->args.len };
	struct operand b = { job->args.b, job->args.len };
	size_t part;
	u64 off;
	int ret;

	for (off = 0; off < a.len; off += part) {
		part = min(a.len - off, PAGE_SIZE);
		ret = npu_read(job, &a, off, job->buf[0], part) ?:
		      npu_read(job, &b, off, job->buf[1], part);
		if (ret)
			return ret;
		add_words(job->buf[0], job->buf[1], part);
		ret = npu_write(job, &dst, off, job->buf[0], part) ?:
		      progress(job, part);
		if (ret)
			return ret;
	}
	return 0;
}

/* sum[j] += factor * row[j] */
static void add_row(s32 *sum, const s8 *row, s8 factor, u32 n)
{
	u32 j;

	for (j = 0; j < n; j++)
		sum[j] += factor * row[j];
}

static int do_matmul_row(struct npu_job *job, const struct operand *b)
{
	const s8 *a = job->buf[0];
	u32 n = job->args.n, i;
	int ret;

	memset(job->buf[2], 0, n * sizeof(s32));
	for (i = 0; i < job->args.k; i++) {
		ret = npu_read(job, b, (u64)i * n, job->buf[1], n);
		if (ret)
			return ret;
		add_row(job->buf[2], job->buf[1], a[i], n);
	}
	return 0;
}

static int do_matmul(struct npu_job *job)
{
	u64 m = job->args.m, n = job->args.n, k = job->args.k, row;
	struct operand dst = { job->args.dst, m * n * sizeof(s32) };
	struct operand a = { job->args.a, m * k };
	struct operand b = { job->args.b, k * n };
	size_t bytes = n * sizeof(s32);
	int ret;

	for (row = 0; row < m; row++) {
		ret = npu_read(job, &a, row * k, job->buf[0], k) ?:
		      do_matmul_row(job, &b) ?:
		      npu_write(job, &dst, row * bytes, job->buf[2], bytes) ?:
		      progress(job, bytes);
		if (ret)
			return ret;
	}
	return 0;
}

static void hash_words(u64 *digest, const u64 *words, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		*digest = (*digest ^ words[i]) * NPU_FNV_PRIME;
}

static int do_hash(struct npu_job *job)
{
	struct operand a = { job->args.a, job->args.len };
	size_t part;
	u64 off;
	int ret;

	job->digest = NPU_FNV_START;
	for (off = 0; off < a.len; off += part) {
		part = min(a.len - off, PAGE_SIZE);
		ret = npu_read(job, &a, off, job->buf[0], part);
		if (ret)
			return ret;
		hash_words(&job->digest, job->buf[0], part);
		ret = progress(job, part);
		if (ret)
			return ret;
	}
	return 0;
}

static int (*const kernels[NPU_SIM_NR_OPS])(struct npu_job *job) = {
	[NPU_SIM_COPY] = do_copy,
	[NPU_SIM_ADD] = do_add,
	[NPU_SIM_MATMUL] = do_matmul,
	[NPU_SIM_HASH] = do_hash,
};

static void run_job(struct kthread_work *work)
{
	struct npu_job *job = container_of(work, struct npu_job, work);
	u32 times = job->args.repeat;
	int ret;

	set_state(job, NPU_SIM_RUNNING);
	do {
		ret = kernels[job->args.op](job);
	} while (!ret && times--);
	job->error = ret;
	set_state(job, NPU_SIM_DONE);
}

static void free_job(struct kref *ref)
{
	struct npu_job *job = container_of(ref, struct npu_job, ref);
	int i;

	for (i = 0; i < ARRAY_SIZE(job->buf); i++)
		kfree(job->buf[i]);
	kfree(job);
}

static void put_job(struct npu_job *job)
{
	kref_put(&job->ref, free_job);
}

static bool in_space(u64 start, u64 len)
{
	return len && len <= TASK_SIZE_MAX && start <= TASK_SIZE_MAX - len;
}

static bool job_ok(const struct npu_sim_job *j)
{
	if (j->op >= NPU_SIM_NR_OPS)
		return false;
	if (j->op == NPU_SIM_MATMUL)
		return j->n && j->n <= NPU_MAX_N && j->k && j->k <= NPU_MAX_K &&
		       in_space(j->a, (u64)j->m * j->k) &&
		       in_space(j->b, (u64)j->k * j->n) &&
		       in_space(j->dst, (u64)j->m * j->n * sizeof(s32));
	if (j->len % sizeof(u64) || !in_space(j->a, j->len))
		return false;
	return (j->op == NPU_SIM_HASH || in_space(j->dst, j->len)) &&
	       (j->op != NPU_SIM_ADD || in_space(j->b, j->len));
}

static struct npu_job *new_job(struct npu_context *ctx)
{
	struct npu_job *job = kzalloc_obj(*job);
	int i;

	if (!job)
		return NULL;
	kref_init(&job->ref);
	job->ctx = ctx;
	job->resets = READ_ONCE(ctx->npu->resets);
	kthread_init_work(&job->work, run_job);
	for (i = 0; i < ARRAY_SIZE(job->buf); i++) {
		job->buf[i] = kmalloc(PAGE_SIZE, GFP_KERNEL);
		if (!job->buf[i]) {
			put_job(job);
			return NULL;
		}
	}
	return job;
}

static int npu_submit(struct npu_context *ctx, void __user *arg)
{
	struct npu_job *job = new_job(ctx);

	if (!job)
		return -ENOMEM;
	if (copy_from_user(&job->args, arg, sizeof(job->args)))
		goto err_fault;
	if (!job_ok(&job->args)) {
		put_job(job);
		return -EINVAL;
	}
	job->args.id = atomic_inc_return(&ctx->last_id);
	if (copy_to_user(arg, &job->args, sizeof(job->args)))
		goto err_fault;
	guard(mutex)(&ctx->npu->lock);
	list_add_tail(&job->list, &ctx->jobs);
	kthread_queue_work(ctx->npu->worker, &job->work);
	return 0;

err_fault:
	put_job(job);
	return -EFAULT;
}

/* The job with a reference, or NULL. */
static struct npu_job *find_job(struct npu_context *ctx, u32 id)
{
	struct npu_job *job;

	guard(mutex)(&ctx->npu->lock);
	list_for_each_entry(job, &ctx->jobs, list) {
		if (job->args.id == id) {
			kref_get(&job->ref);
			return job;
		}
	}
	return NULL;
}

static void forget_job(struct npu_job *job)
{
	guard(mutex)(&job->ctx->npu->lock);
	if (list_empty(&job->list))
		return;
	list_del_init(&job->list);
	put_job(job);
}

static bool settled(const struct npu_job *job)
{
	enum npu_sim_state state = READ_ONCE(job->state);

	return state == NPU_SIM_DONE ||
	       (state == NPU_SIM_STOPPED && !READ_ONCE(job->resumed));
}

static int npu_wait(struct npu_context *ctx, void __user *arg)
{
	struct npu_sim_wait w;
	struct npu_job *job;
	int ret;

	if (copy_from_user(&w, arg, sizeof(w)))
		return -EFAULT;
	job = find_job(ctx, w.id);
	if (!job)
		return -ENOENT;
	ret = wait_event_interruptible(ctx->npu->wait, settled(job));
	if (!ret) {
		w.state = READ_ONCE(job->state);
		w.error = job->error;
		w.digest = job->digest;
		if (w.state == NPU_SIM_DONE) {
			kthread_flush_work(&job->work);
			forget_job(job);
		}
		ret = copy_to_user(arg, &w, sizeof(w)) ? -EFAULT : 0;
	}
	put_job(job);
	return ret;
}

static int npu_resume(struct npu_context *ctx, u32 __user *arg)
{
	struct npu_job *job;
	u32 id;

	if (get_user(id, arg))
		return -EFAULT;
	job = find_job(ctx, id);
	if (!job)
		return -ENOENT;
	WRITE_ONCE(job->resumed, true);
	wake_up_all(&ctx->npu->wait);
	put_job(job);
	return 0;
}

static int move_as_advised(struct npu_context *ctx, struct npu_sim_advise *v)
{
	struct private_node_migrated m = {};
	unsigned int flags;
	int ret;

	if (v->advice != NPU_SIM_DEVICE && v->advice != NPU_SIM_HOST)
		return 0;
	flags = v->advice == NPU_SIM_HOST ?
		PRIVATE_NODE_MIGRATE_BACK :
		PRIVATE_NODE_MIGRATE_NAMED | PRIVATE_NODE_MIGRATE_POPULATE;
	ret = private_node_migrate_range(ctx->npu->pn, ctx->mm, v->start,
					 v->start + v->len, flags, &m);
	v->pages = m.pages;
	v->on_node = m.on_node;
	v->moved = m.moved;
	v->refused = m.refused;
	return ret;
}

static int npu_advise(struct npu_context *ctx, void __user *arg)
{
	struct npu_sim_advise v;
	int ret;

	if (copy_from_user(&v, arg, sizeof(v)))
		return -EFAULT;
	if (v.advice >= NPU_SIM_NR_ADVICES || !in_space(v.start, v.len) ||
	    !PAGE_ALIGNED(v.start | v.len))
		return -EINVAL;
	ret = mtree_store_range(&ctx->advice, v.start, v.start + v.len - 1,
				v.advice ? xa_mk_value(v.advice) : NULL,
				GFP_KERNEL);
	if (ret)
		return ret;
	ret = move_as_advised(ctx, &v);
	return copy_to_user(arg, &v, sizeof(v)) ? -EFAULT : ret;
}

static int npu_stats(struct npu_context *ctx, void __user *arg)
{
	struct npu_sim_stats stats;

	scoped_guard(mutex, &ctx->tables)
		stats = ctx->stats;
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

/* Ends all jobs, and drops all translations. */
static int npu_reset(struct npu *npu)
{
	struct npu_context *ctx;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	scoped_guard(mutex, &npu->lock)
		WRITE_ONCE(npu->resets, npu->resets + 1);
	wake_up_all(&npu->wait);
	kthread_flush_worker(npu->worker);
	guard(mutex)(&npu->lock);
	list_for_each_entry(ctx, &npu->contexts, list) {
		guard(mutex)(&ctx->tables);
		drop_range(ctx, 0, ULONG_MAX);
	}
	return 0;
}

/* Files */

static long npu_ioctl(struct file *file, unsigned int cmd, unsigned long data)
{
	struct npu_context *ctx = file->private_data;
	void __user *arg = (void __user *)data;

	/* A child that inherited the file has other memory at these addresses. */
	if (current->mm != ctx->mm)
		return -EPERM;
	switch (cmd) {
	case NPU_SIM_SUBMIT:
		return npu_submit(ctx, arg);
	case NPU_SIM_WAIT:
		return npu_wait(ctx, arg);
	case NPU_SIM_RESUME:
		return npu_resume(ctx, arg);
	case NPU_SIM_ADVISE:
		return npu_advise(ctx, arg);
	case NPU_SIM_STATS:
		return npu_stats(ctx, arg);
	case NPU_SIM_RESET:
		return npu_reset(ctx->npu);
	default:
		return -ENOTTY;
	}
}

static int join(struct npu_context *ctx)
{
	guard(mutex)(&ctx->npu->lock);
	if (ctx->npu->gone)
		return -ENODEV;
	list_add(&ctx->list, &ctx->npu->contexts);
	return 0;
}

static int npu_open(struct inode *inode, struct file *file)
{
	struct npu *npu = container_of(file->private_data, struct npu, misc);
	struct npu_context *ctx = kzalloc_obj(*ctx);
	int ret;

	if (!ctx)
		return -ENOMEM;
	ctx->npu = npu;
	ctx->mm = current->mm;
	mutex_init(&ctx->tables);
	xa_init(&ctx->leaves);
	mt_init_flags(&ctx->advice, MT_FLAGS_USE_RCU);
	INIT_LIST_HEAD(&ctx->jobs);
	ret = mmu_interval_notifier_insert(&ctx->notifier, ctx->mm, 0,
					   ULONG_MAX & PAGE_MASK,
					   &npu_notifier_ops);
	if (ret)
		goto err;
	ret = join(ctx);
	if (ret)
		goto err_notifier;
	mmgrab(ctx->mm);
	file->private_data = ctx;
	return 0;

err_notifier:
	mmu_interval_notifier_remove(&ctx->notifier);
err:
	kfree(ctx);
	return ret;
}

static void end_jobs(struct npu_context *ctx)
{
	struct npu_job *job, *next;

	scoped_guard(mutex, &ctx->npu->lock)
		list_for_each_entry(job, &ctx->jobs, list)
			WRITE_ONCE(job->cancelled, true);
	wake_up_all(&ctx->npu->wait);
	/* Nobody else has the file, so that no job comes or goes. */
	list_for_each_entry_safe(job, next, &ctx->jobs, list) {
		kthread_cancel_work_sync(&job->work);
		forget_job(job);
	}
}

static int npu_release(struct inode *inode, struct file *file)
{
	struct npu_context *ctx = file->private_data;
	struct npu_leaf *leaf;
	unsigned long index;

	end_jobs(ctx);
	scoped_guard(mutex, &ctx->npu->lock)
		list_del(&ctx->list);
	mmu_interval_notifier_remove(&ctx->notifier);
	mmdrop(ctx->mm);
	xa_for_each(&ctx->leaves, index, leaf)
		kfree(leaf);
	xa_destroy(&ctx->leaves);
	mtree_destroy(&ctx->advice);
	kfree(ctx);
	return 0;
}

static const struct file_operations npu_fops = {
	.owner = THIS_MODULE,
	.open = npu_open,
	.release = npu_release,
	.unlocked_ioctl = npu_ioctl,
};

/* Attaching */

static struct npu *find_npu(const char *name)
{
	struct npu *npu;

	list_for_each_entry(npu, &npus, list)
		if (!strcmp(npu->name, name))
			return npu;
	return NULL;
}

static void free_npu(struct npu *npu)
{
	if (!IS_ERR_OR_NULL(npu->worker))
		kthread_destroy_worker(npu->worker);
	private_node_put(npu->pn);
	kfree(npu);
}

static int start_npu(struct npu *npu)
{
	npu->pn = private_node_sim_get(npu->name);
	if (!npu->pn)
		return bad_option("attach", npu->name,
				  "no such node of private_node_sim");
	npu->worker = kthread_run_worker(0, "npu_%s", npu->name);
	if (IS_ERR(npu->worker))
		return PTR_ERR(npu->worker);
	snprintf(npu->file, sizeof(npu->file), "npu_%s", npu->name);
	npu->misc.minor = MISC_DYNAMIC_MINOR;
	npu->misc.name = npu->file;
	npu->misc.fops = &npu_fops;
	npu->misc.mode = 0600;
	return misc_register(&npu->misc);
}

static ssize_t attach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct npu *npu = kzalloc_obj(*npu);
	int ret;

	if (!npu)
		return -ENOMEM;
	strscpy(npu->name, buf);
	strim(npu->name);
	mutex_init(&npu->lock);
	init_waitqueue_head(&npu->wait);
	INIT_LIST_HEAD(&npu->contexts);
	guard(mutex)(&npus_lock);
	ret = find_npu(npu->name) ? -EEXIST : start_npu(npu);
	if (ret) {
		free_npu(npu);
		return ret;
	}
	list_add(&npu->list, &npus);
	return count;
}

/* Nobody can open the file any more when this succeeds. */
static int close_npu(struct npu *npu)
{
	scoped_guard(mutex, &npu->lock) {
		if (!list_empty(&npu->contexts))
			return -EBUSY;
		npu->gone = true;
	}
	misc_deregister(&npu->misc);
	return 0;
}

static ssize_t detach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	char name[NPU_NAME_MAX];
	struct npu *npu;
	int ret;

	strscpy(name, buf);
	guard(mutex)(&npus_lock);
	npu = find_npu(strim(name));
	if (!npu)
		return -ENOENT;
	ret = close_npu(npu);
	if (ret)
		return ret;
	list_del(&npu->list);
	free_npu(npu);
	return count;
}

static struct kobj_attribute attach_attr = __ATTR_WO(attach);
static struct kobj_attribute detach_attr = __ATTR_WO(detach);

static const struct attribute *npu_attrs[] = {
	&attach_attr.attr,
	&detach_attr.attr,
	NULL
};

static struct kobject *npu_kobj;

static int __init npu_init(void)
{
	int ret;

	npu_kobj = kobject_create_and_add("npu_sim", kernel_kobj);
	if (!npu_kobj)
		return -ENOMEM;
	ret = sysfs_create_files(npu_kobj, npu_attrs);
	if (ret)
		kobject_put(npu_kobj);
	return ret;
}

/* No file is open, since each holds a reference on the module. */
static void __exit npu_exit(void)
{
	struct npu *npu, *next;

	kobject_put(npu_kobj);
	list_for_each_entry_safe(npu, next, &npus, list) {
		misc_deregister(&npu->misc);
		free_npu(npu);
	}
}

module_init(npu_init);
module_exit(npu_exit);
MODULE_DESCRIPTION("Simulated accelerator on a private memory node");
MODULE_LICENSE("GPL");
