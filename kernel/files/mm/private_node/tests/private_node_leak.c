// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel attempts to get memory of a node by every call that takes a node,
 * a nodemask or a device.  It knows nothing about private nodes, so that the
 * same attempt on an ordinary node is the control.
 *
 *	cd /sys/kernel/debug/private_node_leak
 *	echo 2 > kmalloc_node; cat kmalloc_node
 *	pages-on-node 0 of 64
 *
 * M is the number of pages looked at, N how many of them are on the node.  An
 * attempt that got nothing says 'of 0'.  Everything is given back before the
 * write returns.  Calls without a node follow the memory policy or, with
 * __GFP_THISNODE and for per-CPU memory, the CPU of
 * the writer.  'all' makes every attempt and shows one line for each.
 */
#define pr_fmt(fmt) "private_node_leak: " fmt

#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/memory_hotplug.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define LEAK_TRIES	64U
#define LEAK_VM_SIZE	(16 * PAGE_SIZE)

/* One attempt: what is asked for, and what was got. */
struct leak {
	int nid;
	unsigned long on_node;
	unsigned long pages;
};

struct leak_call {
	const char *name;
	void *(*get)(int nid);
	void (*count)(struct leak *l, void *obj);
	void (*put)(void *obj);
	/* Instead of the three above. */
	void (*run)(struct leak *l);
};

struct leak_result {
	const struct leak_call *call;
	struct leak leak;
	bool done;
};

static DEFINE_MUTEX(leak_lock);
static struct dentry *leak_dir;
static struct platform_device *leak_pdev;
static struct kmem_cache *leak_cache;

static void count_page(struct leak *l, struct page *page)
{
	l->pages++;
	l->on_node += page_to_nid(page) == l->nid;
}

static void count_pages(struct leak *l, struct page *page, unsigned long nr)
{
	while (nr--)
		count_page(l, page++);
}

static void count_single(struct leak *l, void *page)
{
	count_page(l, page);
}

static void count_order2(struct leak *l, void *page)
{
	count_pages(l, page, 4);
}

static void count_folio(struct leak *l, void *folio)
{
	count_pages(l, folio_page((struct folio *)folio, 0),
		    folio_nr_pages(folio));
}

static void count_addr(struct leak *l, void *addr)
{
	if (is_vmalloc_addr(addr))
		count_page(l, vmalloc_to_page(addr));
	else
		count_page(l, virt_to_page(addr));
}

static void count_range(struct leak *l, void *addr, size_t size)
{
	size_t off;

	for (off = 0; off < size; off += PAGE_SIZE)
		count_addr(l, addr + off);
}

static void count_vm(struct leak *l, void *addr)
{
	count_range(l, addr, LEAK_VM_SIZE);
}

static void put_page0(void *page)
{
	__free_page(page);
}

static void put_order2(void *page)
{
	__free_pages(page, 2);
}

static void put_folio(void *folio)
{
	folio_put(folio);
}

static void put_kmem(void *obj)
{
	kfree(obj);
}

static void put_kvmem(void *obj)
{
	kvfree(obj);
}

/* The page allocator by node. */

static void *get_node(int nid)
{
	return alloc_pages_node(nid, GFP_KERNEL | __GFP_NOWARN, 0);
}

static void *get_node_order2(int nid)
{
	return alloc_pages_node(nid, GFP_KERNEL | __GFP_NOWARN, 2);
}

static void *get_thisnode(int nid)
{
	return alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE |
				__GFP_NOWARN, 0);
}

static void *get_atomic(int nid)
{
	return alloc_pages_node(nid, GFP_ATOMIC | __GFP_THISNODE |
				__GFP_NOWARN, 0);
}

static void *get_movable(int nid)
{
	return alloc_pages_node(nid, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE |
				__GFP_NOWARN, 0);
}

/* __GFP_THISNODE would make this loop for ever on any empty node. */
static void *get_nofail(int nid)
{
	return alloc_pages_node(nid, GFP_KERNEL | __GFP_NOFAIL, 0);
}

static void *get_memalloc(int nid)
{
	return alloc_pages_node(nid, GFP_KERNEL | __GFP_MEMALLOC |
				__GFP_THISNODE | __GFP_NOWARN, 0);
}

static void *get_nolock(int nid)
{
	return alloc_pages_nolock(0, nid, 0);
}

static void *get_exact_nid(int nid)
{
	return alloc_pages_exact_nid(nid, LEAK_VM_SIZE,
				     GFP_KERNEL | __GFP_NOWARN);
}

static void put_exact(void *addr)
{
	free_pages_exact(addr, LEAK_VM_SIZE);
}

/* The page allocator by the writer's policy. */

static void *get_policy(int nid)
{
	return alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0);
}

static void *get_policy_thisnode(int nid)
{
	return alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0);
}

static void *get_folio(int nid)
{
	return folio_alloc(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 2);
}

static void *get_free_page_addr(int nid)
{
	return (void *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, 0);
}

static void put_free_page_addr(void *addr)
{
	free_page((unsigned long)addr);
}

/* Folios by node and mask. */

static void *get_folio_nid(int nid)
{
	return __folio_alloc(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 2, nid,
			     NULL);
}

static void *folio_of(int nid, gfp_t gfp, nodemask_t *mask)
{
	return __folio_alloc(gfp | __GFP_NOWARN, 0, nid, mask);
}

static void *get_mask_only(int nid)
{
	nodemask_t mask = nodemask_of_node(nid);

	return folio_of(nid, GFP_HIGHUSER_MOVABLE, &mask);
}

static void *get_mask_only_from_here(int nid)
{
	nodemask_t mask = nodemask_of_node(nid);

	return folio_of(numa_mem_id(), GFP_HIGHUSER_MOVABLE, &mask);
}

static void *get_mask_mixed(int nid)
{
	nodemask_t mask = node_states[N_MEMORY];

	node_set(nid, mask);
	return folio_of(nid, GFP_HIGHUSER_MOVABLE, &mask);
}

static void *get_mask_memory(int nid)
{
	return folio_of(nid, GFP_HIGHUSER_MOVABLE, &node_states[N_MEMORY]);
}

static void *get_mask_online(int nid)
{
	return folio_of(nid, GFP_HIGHUSER_MOVABLE, &node_states[N_ONLINE]);
}

static void *get_mask_possible(int nid)
{
	return folio_of(nid, GFP_KERNEL, &node_states[N_POSSIBLE]);
}

/* Task scopes: nested allocations must not inherit anything. */

static void *get_scope_noreclaim(int nid)
{
	unsigned int flags = memalloc_noreclaim_save();
	void *page = get_thisnode(nid);

	memalloc_noreclaim_restore(flags);
	return page;
}

static void *get_scope_noio(int nid)
{
	unsigned int flags = memalloc_noio_save();
	void *page = get_thisnode(nid);

	memalloc_noio_restore(flags);
	return page;
}

static void *get_scope_nofs(int nid)
{
	unsigned int flags = memalloc_nofs_save();
	void *page = get_thisnode(nid);

	memalloc_nofs_restore(flags);
	return page;
}

static void *get_scope_pin(int nid)
{
	unsigned int flags = memalloc_pin_save();
	void *page = get_movable(nid);

	memalloc_pin_restore(flags);
	return page;
}

/* Slab and vmalloc. */

static void *get_kmalloc(int nid)
{
	return kmalloc_node(1024, GFP_KERNEL | __GFP_NOWARN, nid);
}

static void *get_kmalloc_thisnode(int nid)
{
	return kmalloc_node(1024, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN,
			    nid);
}

static void *get_kmalloc_atomic(int nid)
{
	return kmalloc_node(1024, GFP_ATOMIC | __GFP_NOWARN, nid);
}

static void *get_kmalloc_large(int nid)
{
	return kmalloc_node(LEAK_VM_SIZE, GFP_KERNEL | __GFP_NOWARN, nid);
}

static void *get_kmalloc_nolock(int nid)
{
	return kmalloc_nolock(1024, 0, nid);
}

static void put_kmalloc_nolock(void *obj)
{
	kfree_nolock(obj);
}

static void *get_kvmalloc(int nid)
{
	return kvmalloc_node(LEAK_VM_SIZE, GFP_KERNEL | __GFP_NOWARN, nid);
}

static void *get_vmalloc(int nid)
{
	return vmalloc_node(LEAK_VM_SIZE, nid);
}

/* Too large for the page allocator. */
static void run_kvmalloc_thisnode(struct leak *l)
{
	size_t size = PAGE_SIZE << (MAX_PAGE_ORDER + 1);
	void *addr = kvmalloc_node(size, GFP_KERNEL | __GFP_THISNODE |
				   __GFP_NOWARN, l->nid);

	if (!addr)
		return;
	count_range(l, addr, size);
	kvfree(addr);
}

static void *get_cache(int nid)
{
	return kmem_cache_alloc_node(leak_cache, GFP_KERNEL | __GFP_NOWARN,
				     nid);
}

static void put_cache(void *obj)
{
	kmem_cache_free(leak_cache, obj);
}

/* By way of a number: to gcc 14 the two are address spaces that do not meet. */
static void __percpu *to_percpu(void *obj)
{
	return (void __percpu __force *)(unsigned long)obj;
}

static void *get_percpu(int nid)
{
	void __percpu *obj = __alloc_percpu(PAGE_SIZE, PAGE_SIZE);

	return (void *)(unsigned long __force)obj;
}

static void count_percpu(struct leak *l, void *obj)
{
	int cpu;

	for_each_possible_cpu(cpu)
		count_addr(l, per_cpu_ptr(to_percpu(obj), cpu));
}

static void put_percpu(void *obj)
{
	free_percpu(to_percpu(obj));
}

/* What sits on top. */

static void *get_mempool(int nid)
{
	return mempool_create_node(512, mempool_alloc_pages,
				   mempool_free_pages, NULL, GFP_KERNEL, nid);
}

static void count_mempool(struct leak *l, void *obj)
{
	mempool_t *pool = obj;
	int i;

	count_addr(l, pool);
	count_addr(l, pool->elements);
	for (i = 0; i < pool->curr_nr; i++)
		count_page(l, pool->elements[i]);
}

static void put_mempool(void *obj)
{
	mempool_destroy(obj);
}

static void *get_skb(int nid)
{
	return __alloc_skb(2 * PAGE_SIZE, GFP_KERNEL, 0, nid);
}

static void count_skb(struct leak *l, void *obj)
{
	struct sk_buff *skb = obj;

	count_addr(l, skb);
	count_addr(l, skb->head);
}

static void put_skb(void *obj)
{
	kfree_skb(obj);
}

static int leak_thread(void *unused)
{
	return 0;
}

static void *get_kthread(int nid)
{
	struct task_struct *task;

	task = kthread_create_on_node(leak_thread, NULL, nid, "leak");
	return IS_ERR(task) ? NULL : task;
}

static void count_kthread(struct leak *l, void *obj)
{
	struct task_struct *task = obj;

	count_addr(l, task);
	count_range(l, task_stack_page(task), THREAD_SIZE);
}

static void put_kthread(void *obj)
{
	kthread_stop(obj);
}

/* A device that says it is on the node. */

static struct device *leak_dev(int nid)
{
	set_dev_node(&leak_pdev->dev, nid);
	return &leak_pdev->dev;
}

static void *get_devm(int nid)
{
	return devm_kzalloc(leak_dev(nid), 1024, GFP_KERNEL);
}

static void put_devm(void *obj)
{
	devm_kfree(&leak_pdev->dev, obj);
}

static void run_dma_coherent(struct leak *l)
{
	struct device *dev = leak_dev(l->nid);
	dma_addr_t handle[LEAK_TRIES];
	void *addr[LEAK_TRIES];
	int i;

	for (i = 0; i < LEAK_TRIES; i++) {
		addr[i] = dma_alloc_coherent(dev, PAGE_SIZE, &handle[i],
					     GFP_KERNEL);
		if (addr[i])
			count_addr(l, addr[i]);
	}
	while (i--)
		if (addr[i])
			dma_free_coherent(dev, PAGE_SIZE, addr[i], handle[i]);
}

static void run_dma_pages(struct leak *l)
{
	struct device *dev = leak_dev(l->nid);
	dma_addr_t handle;
	struct page *page;

	page = dma_alloc_pages(dev, LEAK_VM_SIZE, &handle, DMA_BIDIRECTIONAL,
			       GFP_KERNEL);
	if (!page)
		return;
	count_pages(l, page, LEAK_VM_SIZE / PAGE_SIZE);
	dma_free_pages(dev, LEAK_VM_SIZE, page, handle, DMA_BIDIRECTIONAL);
}

static void run_dma_pool(struct leak *l)
{
	dma_addr_t handle[LEAK_TRIES];
	void *addr[LEAK_TRIES];
	struct dma_pool *pool;
	int i;

	pool = dma_pool_create_node("leak", leak_dev(l->nid), 1024, 64, 0,
				    l->nid);
	if (!pool)
		return;
	count_addr(l, pool);
	for (i = 0; i < LEAK_TRIES; i++) {
		addr[i] = dma_pool_alloc(pool, GFP_KERNEL, &handle[i]);
		if (addr[i])
			count_addr(l, addr[i]);
	}
	while (i--)
		if (addr[i])
			dma_pool_free(pool, addr[i], handle[i]);
	dma_pool_destroy(pool);
}

/* Many at once, and by physical address. */

static void bulk(struct leak *l, gfp_t gfp, nodemask_t *mask)
{
	struct page *pages[LEAK_TRIES] = {};
	unsigned long i, nr;

	nr = __alloc_pages_bulk(gfp | __GFP_NOWARN, l->nid, mask, LEAK_TRIES,
				pages);
	for (i = 0; i < nr; i++) {
		count_page(l, pages[i]);
		__free_page(pages[i]);
	}
}

static void run_bulk(struct leak *l)
{
	bulk(l, GFP_KERNEL, NULL);
}

static void run_bulk_thisnode(struct leak *l)
{
	bulk(l, GFP_KERNEL | __GFP_THISNODE, NULL);
}

static void run_bulk_mask(struct leak *l)
{
	nodemask_t mask = nodemask_of_node(l->nid);

	bulk(l, GFP_HIGHUSER_MOVABLE, &mask);
}

static void contig_pages(struct leak *l, gfp_t gfp, nodemask_t *mask)
{
	struct page *page;

	page = alloc_contig_pages(pageblock_nr_pages, gfp | __GFP_NOWARN,
				  l->nid, mask);
	if (!page)
		return;
	count_pages(l, page, pageblock_nr_pages);
	free_contig_range(page_to_pfn(page), pageblock_nr_pages);
}

static void run_contig_pages(struct leak *l)
{
	contig_pages(l, GFP_KERNEL | __GFP_THISNODE, NULL);
}

static void run_contig_mask(struct leak *l)
{
	nodemask_t mask = nodemask_of_node(l->nid);

	contig_pages(l, GFP_KERNEL, &mask);
}

static bool contig_at(struct leak *l, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || page_to_nid(page) != l->nid ||
	    alloc_contig_range(pfn, pfn + pageblock_nr_pages, ACR_FLAGS_NONE,
			       GFP_KERNEL | __GFP_NOWARN))
		return false;
	count_pages(l, page, pageblock_nr_pages);
	free_contig_range(pfn, pageblock_nr_pages);
	return true;
}

/* From the end, where a node that is in use has most free blocks. */
static void run_contig_range(struct leak *l)
{
	unsigned long start = node_start_pfn(l->nid);
	unsigned long pfn = ALIGN_DOWN(node_end_pfn(l->nid),
				       pageblock_nr_pages);
	unsigned int tries = LEAK_TRIES;

	while (tries-- && pfn >= start + pageblock_nr_pages) {
		pfn -= pageblock_nr_pages;
		if (contig_at(l, pfn))
			return;
	}
}

/* Not an attempt: free pages that were reported to the hypervisor. */
static void run_reported(struct leak *l)
{
	unsigned long pfn = node_start_pfn(l->nid);
	struct page *page;

	for (; pfn < node_end_pfn(l->nid); pfn++) {
		page = pfn_to_online_page(pfn);
		if (page && page_to_nid(page) == l->nid && PageBuddy(page) &&
		    PageReported(page))
			count_page(l, page);
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
	}
}

/* Interrupts: nothing is inherited from the task that they hit. */

struct leak_irq {
	struct irq_work work;
	struct hrtimer timer;
	int nid;
	void *page;
	void *obj;
	bool done;
};

static void irq_get(struct leak_irq *irq)
{
	irq->page = get_atomic(irq->nid);
	irq->obj = get_kmalloc_atomic(irq->nid);
	WRITE_ONCE(irq->done, true);
}

static void irq_take(struct leak *l, struct leak_irq *irq)
{
	if (irq->page) {
		count_page(l, irq->page);
		put_page0(irq->page);
	}
	if (irq->obj) {
		count_addr(l, irq->obj);
		kfree(irq->obj);
	}
}

static void irq_work_fn(struct irq_work *work)
{
	irq_get(container_of(work, struct leak_irq, work));
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	irq_get(container_of(timer, struct leak_irq, timer));
	return HRTIMER_NORESTART;
}

static void run_irq_work(struct leak *l)
{
	int i;

	for (i = 0; i < LEAK_TRIES; i++) {
		struct leak_irq irq = {
			.work = IRQ_WORK_INIT_HARD(irq_work_fn),
			.nid = l->nid,
		};

		irq_work_queue(&irq.work);
		irq_work_sync(&irq.work);
		irq_take(l, &irq);
	}
}

static void run_hrtimer(struct leak *l)
{
	struct leak_irq irq = { .nid = l->nid };

	hrtimer_setup_on_stack(&irq.timer, timer_fn, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_HARD);
	hrtimer_start(&irq.timer, 0, HRTIMER_MODE_REL_HARD);
	while (!READ_ONCE(irq.done))
		cpu_relax();
	/* Waits for the rest of the callback. */
	hrtimer_cancel(&irq.timer);
	destroy_hrtimer_on_stack(&irq.timer);
	irq_take(l, &irq);
}

/* Every context, with every set of modifiers, by every call. */

static const gfp_t product_base[] = {
	GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_NOIO, GFP_NOFS, GFP_USER,
	GFP_HIGHUSER, GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE_LIGHT, GFP_DMA32,
};

static const gfp_t product_mod[] = {
	__GFP_THISNODE, __GFP_HIGH, __GFP_MEMALLOC, __GFP_NOMEMALLOC,
	__GFP_NORETRY, __GFP_RETRY_MAYFAIL, __GFP_ZERO, __GFP_HARDWALL,
	__GFP_RECLAIMABLE, __GFP_ACCOUNT,
};

static void product_pages(struct leak *l, gfp_t gfp)
{
	nodemask_t mask = nodemask_of_node(l->nid);
	struct page *page;
	struct folio *folio;

	page = alloc_pages_node(l->nid, gfp, 0);
	if (page) {
		count_page(l, page);
		__free_page(page);
	}
	folio = __folio_alloc(gfp, 1, l->nid, NULL);
	if (folio) {
		count_folio(l, folio);
		folio_put(folio);
	}
	folio = __folio_alloc(gfp, 0, numa_mem_id(), &mask);
	if (folio) {
		count_folio(l, folio);
		folio_put(folio);
	}
}

static void product_slab(struct leak *l, gfp_t gfp)
{
	static const size_t sizes[] = { 64, 4096, LEAK_VM_SIZE };
	void *obj;
	int i;

	if (gfp & (__GFP_DMA32 | __GFP_HIGHMEM | __GFP_MOVABLE))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		obj = kmalloc_node(sizes[i], gfp, l->nid);
		if (!obj)
			continue;
		count_addr(l, obj);
		kfree(obj);
	}
}

static void product_one(struct leak *l, gfp_t base, unsigned long mods)
{
	gfp_t gfp = base | __GFP_NOWARN;
	unsigned long i;

	for_each_set_bit(i, &mods, ARRAY_SIZE(product_mod))
		gfp |= product_mod[i];
	/* A page cannot be both. */
	if ((gfp & __GFP_MOVABLE) && (gfp & __GFP_RECLAIMABLE))
		return;
	product_pages(l, gfp);
	product_slab(l, gfp);
}

static void run_product(struct leak *l)
{
	unsigned long mods;
	int i;

	for (i = 0; i < ARRAY_SIZE(product_base); i++)
		for (mods = 0; mods < BIT(ARRAY_SIZE(product_mod)); mods++) {
			product_one(l, product_base[i], mods);
			cond_resched();
		}
}

#define GET(_name, _get, _count, _put) \
	{ .name = _name, .get = _get, .count = _count, .put = _put }
#define RUN(_name, _run) { .name = _name, .run = _run }

static const struct leak_call leak_calls[] = {
	GET("alloc_pages_node", get_node, count_single, put_page0),
	GET("alloc_pages_node_order2", get_node_order2, count_order2,
	    put_order2),
	GET("alloc_pages_node_thisnode", get_thisnode, count_single,
	    put_page0),
	GET("alloc_pages_node_atomic", get_atomic, count_single, put_page0),
	GET("alloc_pages_node_movable", get_movable, count_single, put_page0),
	GET("alloc_pages_node_nofail", get_nofail, count_single, put_page0),
	GET("alloc_pages_node_memalloc", get_memalloc, count_single,
	    put_page0),
	GET("alloc_pages_nolock", get_nolock, count_single, put_page0),
	GET("alloc_pages_exact_nid", get_exact_nid, count_vm, put_exact),
	GET("alloc_pages", get_policy, count_single, put_page0),
	GET("alloc_pages_thisnode", get_policy_thisnode, count_single,
	    put_page0),
	GET("folio_alloc", get_folio, count_folio, put_folio),
	GET("get_free_pages", get_free_page_addr, count_addr,
	    put_free_page_addr),
	GET("folio_alloc_nid", get_folio_nid, count_folio, put_folio),
	GET("nodemask_only", get_mask_only, count_folio, put_folio),
	GET("nodemask_only_from_here", get_mask_only_from_here, count_folio,
	    put_folio),
	GET("nodemask_mixed", get_mask_mixed, count_folio, put_folio),
	GET("nodemask_n_memory", get_mask_memory, count_folio, put_folio),
	GET("nodemask_n_online", get_mask_online, count_folio, put_folio),
	GET("nodemask_n_possible", get_mask_possible, count_folio, put_folio),
	GET("scope_noreclaim", get_scope_noreclaim, count_single, put_page0),
	GET("scope_noio", get_scope_noio, count_single, put_page0),
	GET("scope_nofs", get_scope_nofs, count_single, put_page0),
	GET("scope_pin", get_scope_pin, count_single, put_page0),
	GET("kmalloc_node", get_kmalloc, count_addr, put_kmem),
	GET("kmalloc_node_thisnode", get_kmalloc_thisnode, count_addr,
	    put_kmem),
	GET("kmalloc_node_atomic", get_kmalloc_atomic, count_addr, put_kmem),
	GET("kmalloc_node_large", get_kmalloc_large, count_vm, put_kmem),
	GET("kmalloc_nolock", get_kmalloc_nolock, count_addr,
	    put_kmalloc_nolock),
	GET("kvmalloc_node", get_kvmalloc, count_vm, put_kvmem),
	GET("vmalloc_node", get_vmalloc, count_vm, put_kvmem),
	GET("kmem_cache_alloc_node", get_cache, count_addr, put_cache),
	GET("percpu", get_percpu, count_percpu, put_percpu),
	GET("mempool_create_node", get_mempool, count_mempool, put_mempool),
	GET("alloc_skb", get_skb, count_skb, put_skb),
	GET("kthread_create_on_node", get_kthread, count_kthread, put_kthread),
	GET("devm_kzalloc", get_devm, count_addr, put_devm),
	RUN("vmalloc_node_thisnode", run_kvmalloc_thisnode),
	RUN("dma_alloc_coherent", run_dma_coherent),
	RUN("dma_alloc_pages", run_dma_pages),
	RUN("dma_pool", run_dma_pool),
	RUN("alloc_pages_bulk", run_bulk),
	RUN("alloc_pages_bulk_thisnode", run_bulk_thisnode),
	RUN("alloc_pages_bulk_nodemask", run_bulk_mask),
	RUN("alloc_contig_pages", run_contig_pages),
	RUN("alloc_contig_pages_nodemask", run_contig_mask),
	RUN("alloc_contig_range", run_contig_range),
	RUN("page_reporting", run_reported),
	RUN("irq_work", run_irq_work),
	RUN("hrtimer", run_hrtimer),
	RUN("product", run_product),
};

static struct leak_result leak_results[ARRAY_SIZE(leak_calls)];

/* All are held until the last one was asked for. */
static void leak_get_all(const struct leak_call *call, struct leak *l)
{
	void *obj[LEAK_TRIES];
	int i;

	for (i = 0; i < LEAK_TRIES; i++) {
		obj[i] = call->get(l->nid);
		if (obj[i])
			call->count(l, obj[i]);
	}
	while (i--)
		if (obj[i])
			call->put(obj[i]);
}

static void leak_run(struct leak_result *res, int nid)
{
	res->leak = (struct leak){ .nid = nid };
	if (res->call->run)
		res->call->run(&res->leak);
	else
		leak_get_all(res->call, &res->leak);
	res->done = true;
}

static int leak_parse_nid(const char __user *buf, size_t len)
{
	int nid;
	int ret = kstrtoint_from_user(buf, len, 10, &nid);

	if (ret)
		return ret;
	return nid >= 0 && nid < MAX_NUMNODES && node_online(nid) ? nid :
								    -EINVAL;
}

static void leak_show_one(struct seq_file *m, const struct leak_result *res)
{
	if (res->done)
		seq_printf(m, "pages-on-node %lu of %lu\n", res->leak.on_node,
			   res->leak.pages);
	else
		seq_puts(m, "not tried\n");
}

static int leak_show(struct seq_file *m, void *v)
{
	guard(mutex)(&leak_lock);
	leak_show_one(m, m->private);
	return 0;
}

static int leak_open(struct inode *inode, struct file *file)
{
	return single_open(file, leak_show, inode->i_private);
}

static ssize_t leak_write(struct file *file, const char __user *buf,
			  size_t len, loff_t *pos)
{
	struct seq_file *m = file->private_data;
	int nid = leak_parse_nid(buf, len);

	if (nid < 0)
		return nid;
	guard(mutex)(&leak_lock);
	leak_run(m->private, nid);
	return len;
}

static const struct file_operations leak_fops = {
	.owner = THIS_MODULE,
	.open = leak_open,
	.read = seq_read,
	.write = leak_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int leak_all_show(struct seq_file *m, void *v)
{
	int i;

	guard(mutex)(&leak_lock);
	for (i = 0; i < ARRAY_SIZE(leak_results); i++) {
		seq_printf(m, "%s ", leak_results[i].call->name);
		leak_show_one(m, &leak_results[i]);
	}
	return 0;
}

static int leak_all_open(struct inode *inode, struct file *file)
{
	return single_open(file, leak_all_show, NULL);
}

static ssize_t leak_all_write(struct file *file, const char __user *buf,
			      size_t len, loff_t *pos)
{
	int nid = leak_parse_nid(buf, len);
	int i;

	if (nid < 0)
		return nid;
	guard(mutex)(&leak_lock);
	for (i = 0; i < ARRAY_SIZE(leak_results); i++)
		leak_run(&leak_results[i], nid);
	return len;
}

static const struct file_operations leak_all_fops = {
	.owner = THIS_MODULE,
	.open = leak_all_open,
	.read = seq_read,
	.write = leak_all_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int leak_add_device(void)
{
	leak_pdev = platform_device_register_simple("private_node_leak",
						    PLATFORM_DEVID_NONE, NULL,
						    0);
	if (IS_ERR(leak_pdev))
		return PTR_ERR(leak_pdev);
	return dma_coerce_mask_and_coherent(&leak_pdev->dev, DMA_BIT_MASK(64));
}

static void leak_remove(void)
{
	debugfs_remove(leak_dir);
	kmem_cache_destroy(leak_cache);
	if (!IS_ERR_OR_NULL(leak_pdev))
		platform_device_unregister(leak_pdev);
}

static int __init leak_init(void)
{
	int ret = -ENOMEM;
	int i;

	leak_cache = kmem_cache_create("private_node_leak", 512, 0,
				       SLAB_NO_MERGE, NULL);
	if (!leak_cache)
		goto err;
	ret = leak_add_device();
	if (ret)
		goto err;

	leak_dir = debugfs_create_dir("private_node_leak", NULL);
	for (i = 0; i < ARRAY_SIZE(leak_calls); i++) {
		leak_results[i].call = &leak_calls[i];
		debugfs_create_file(leak_calls[i].name, 0600, leak_dir,
				    &leak_results[i], &leak_fops);
	}
	debugfs_create_file("all", 0600, leak_dir, NULL, &leak_all_fops);
	debugfs_create_u32("nr_online_nodes", 0400, leak_dir, &nr_online_nodes);
	return 0;
err:
	pr_err("cannot create its %s: %d\n", leak_cache ? "device" : "cache",
	       ret);
	leak_remove();
	return ret;
}
module_init(leak_init);

static void __exit leak_exit(void)
{
	leak_remove();
}
module_exit(leak_exit);

MODULE_DESCRIPTION("Attempts to get memory of a node by every kernel call");
MODULE_LICENSE("GPL");
