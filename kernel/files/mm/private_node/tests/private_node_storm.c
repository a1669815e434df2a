// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: a storm on the life of private nodes
 *
 * Several owners fight for one node id and one range of memory: they register,
 * plug, open and close services, unplug and unregister, each as soon as another
 * one gave the node up.  Meanwhile tasks, softirqs and hard interrupts on each
 * CPU take pages by whatever handle there is, or was; user space maps, binds
 * and reports failures on its own.
 *
 * Each page carries the number of the registration that gave it.  What may
 * never be seen is counted, and printed at the end:
 *
 * ``foreign``
 *	pages given by a handle whose memory had gone for good
 * ``changed``
 *	pages whose stamp was not what their holder wrote
 * ``late``
 *	times that a service was used after its closing had returned
 *
 * Loading the module runs the storm, for ``seconds`` and until everything that
 * is meant to happen has happened, but no longer than four times as long; it
 * fails with -EIO when one of these is not zero.
 */
#define pr_fmt(fmt) "private_node_storm: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/private_node.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "../internal.h"

#define OWNERS		3
#define TAKERS		2
#define HOLD		16
#define GENERATIONS	BIT(20)

static unsigned long long start, size;
module_param(start, ullong, 0444);
module_param(size, ullong, 0444);
static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
static unsigned int seconds = 10;
module_param(seconds, uint, 0444);

enum count {
	FOREIGN, CHANGED, LATE,			/* never */
	REGISTERED, TAKEN_OVER, PLUGGED, UNPLUGGED, CLOSED, TOLD,
	BY_TASK, BY_SOFTIRQ, BY_HARDIRQ, GOT_NONE,
	REFUSED,				/* may be */
	NR_COUNTS,
};

static const char *const count_names[NR_COUNTS] = {
	"foreign", "changed", "late", "registered", "taken_over", "plugged",
	"unplugged", "closed", "told", "by_task", "by_softirq", "by_hardirq",
	"got_none", "refused",
};

static atomic_long_t counts[NR_COUNTS];

/* The registration that pages are asked of: the last one, alive or dead. */
struct handle {
	struct rcu_head rcu;
	struct private_node *pn;
	unsigned int gen;
};

static struct handle __rcu *now;
static DEFINE_SPINLOCK(now_lock);
static unsigned long *gone;	/* bitmap: memory of this registration is gone for good */
static atomic_t next_gen;
static bool stop;
/* An owner has given the node up, and does not come again. */
static struct completion abdicated[OWNERS];

struct stamp {
	u64 gen;
	u64 pfn;
	u64 cookie;
};

struct held {
	struct folio *folio;
	struct stamp stamp;
};

static void free_handle(struct rcu_head *rcu)
{
	struct handle *h = container_of(rcu, struct handle, rcu);

	private_node_put(h->pn);
	kfree(h);
}

static void publish(struct handle *h)
{
	struct handle *old;

	spin_lock_bh(&now_lock);
	old = rcu_replace_pointer(now, h, lockdep_is_held(&now_lock));
	spin_unlock_bh(&now_lock);
	if (old)
		call_rcu(&old->rcu, free_handle);
}

/* A page that is held keeps its memory: its registration cannot be gone. */
static bool take(struct held *held, gfp_t gfp, unsigned int order)
{
	struct private_node *pn = NULL;
	struct handle *h;
	struct folio *folio;
	unsigned int gen = 0;

	rcu_read_lock();
	h = rcu_dereference(now);
	if (h) {
		pn = private_node_get(h->pn);
		gen = h->gen;
	}
	rcu_read_unlock();
	if (!pn)
		return false;
	folio = private_node_alloc_folio(pn, gfp | __GFP_NOWARN, order);
	private_node_put(pn);
	if (!folio) {
		atomic_long_inc(&counts[GOT_NONE]);
		return false;
	}
	if (test_bit(gen, gone) || folio_nid(folio) != node)
		atomic_long_inc(&counts[FOREIGN]);
	held->folio = folio;
	held->stamp = (struct stamp){
		.gen = gen,
		.pfn = folio_pfn(folio),
		.cookie = get_random_u32(),
	};
	*(struct stamp *)folio_address(folio) = held->stamp;
	return true;
}

static void give(struct held *held)
{
	if (!held->folio)
		return;
	if (memcmp(folio_address(held->folio), &held->stamp,
		   sizeof(held->stamp)))
		atomic_long_inc(&counts[CHANGED]);
	folio_put(held->folio);
	held->folio = NULL;
}

/*
 * Not marked, and no lock: `make test-races` has to see this one, or it does not
 * look.
 */
static noinline void storm_race_on_purpose(void)
{
	static unsigned long takers_went_by;

	if (IS_ENABLED(CONFIG_KCSAN))
		takers_went_by++;
}

/* Holds pages for a moment, and then none: who unplugs waits for that. */
static int taker(void *unused)
{
	struct held held[HOLD] = {};
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < HOLD; i++)
			if (take(&held[i], GFP_KERNEL, get_random_u32_below(3)))
				atomic_long_inc(&counts[BY_TASK]);
		for (i = 0; i < HOLD; i++)
			give(&held[i]);
		for (i = 0; i < 1000; i++)
			storm_race_on_purpose();
		schedule_timeout_interruptible(get_random_u32_below(3));
	}
	return 0;
}

struct ticker {
	struct hrtimer hard;
	struct timer_list soft;
	struct held held;	/* now and then, from one hard interrupt to the next */
};

static DEFINE_PER_CPU(struct ticker, tickers);

/* A slow machine has time for something else between two interrupts. */
static enum hrtimer_restart tick_hard(struct hrtimer *timer)
{
	struct ticker *t = container_of(timer, struct ticker, hard);
	ktime_t began = ktime_get();

	give(&t->held);
	if (READ_ONCE(stop))
		return HRTIMER_NORESTART;
	if (take(&t->held, GFP_ATOMIC, 0) && in_hardirq())
		atomic_long_inc(&counts[BY_HARDIRQ]);
	if (get_random_u32_below(8))
		give(&t->held);
	hrtimer_forward_now(timer, max(us_to_ktime(1000),
				       8 * ktime_sub(ktime_get(), began)));
	return HRTIMER_RESTART;
}

static void tick_soft(struct timer_list *timer)
{
	struct held held = {};

	if (take(&held, GFP_ATOMIC, get_random_u32_below(2)))
		atomic_long_inc(&counts[BY_SOFTIRQ]);
	give(&held);
	if (!READ_ONCE(stop))
		mod_timer(timer, jiffies + 1);
}

static void start_ticking(void *unused)
{
	struct ticker *t = this_cpu_ptr(&tickers);

	/* Not _HARD: GFP_ATOMIC is not for those that stay so with PREEMPT_RT. */
	hrtimer_setup(&t->hard, tick_hard, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED);
	timer_setup(&t->soft, tick_soft, TIMER_PINNED);
	hrtimer_start(&t->hard, us_to_ktime(1000), HRTIMER_MODE_REL_PINNED);
	mod_timer(&t->soft, jiffies + 1);
}

static void stop_ticking(void)
{
	struct ticker *t;
	int cpu;

	for_each_online_cpu(cpu) {
		t = per_cpu_ptr(&tickers, cpu);
		hrtimer_cancel(&t->hard);
		timer_shutdown_sync(&t->soft);
		give(&t->held);
	}
}

/* The owner hears of a broken page, and takes its memory away. */
static void unplug_when_told(struct private_node *pn, unsigned long pfn,
			     unsigned long nr_pages, unsigned int flags)
{
	atomic_long_inc(&counts[TOLD]);
	remove_private_memory_driver_managed(pn);
}

static const struct private_node_ops ops = {
	.memory_failure = unplug_when_told,
};

static unsigned long used(struct private_node *pn, int service)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(pn->stats, cpu)->event[service][PRIVATE_NODE_USED]);
	return sum;
}

/* What was closed is not used any more, until it is opened. */
static void close_and_open(struct private_node *pn)
{
	const unsigned long numa = BIT(PRIVATE_NODE_USER_NUMA);
	unsigned long before;

	if (private_node_set_enabled(pn, 0))
		return;
	/* An administrator may open it, but not under the lock. */
	scoped_guard(mutex, &pn->lock) {
		before = used(pn, PRIVATE_NODE_USER_NUMA);
		schedule_timeout_uninterruptible(1);
		if (!(pn->enabled & numa) &&
		    used(pn, PRIVATE_NODE_USER_NUMA) != before)
			atomic_long_inc(&counts[LATE]);
	}
	private_node_set_enabled(pn, numa);
	atomic_long_inc(&counts[CLOSED]);
}

static void reign(struct private_node *pn)
{
	unsigned int i, rounds = get_random_u32_inclusive(1, 3);
	int ret;

	for (i = 0; i < rounds && !READ_ONCE(stop); i++) {
		ret = add_private_memory_driver_managed(pn, start, size,
							"System RAM (storm)",
							MHP_NONE,
							MMOP_ONLINE_MOVABLE);
		if (!ret)
			atomic_long_inc(&counts[PLUGGED]);
		close_and_open(pn);
		schedule_timeout_uninterruptible(get_random_u32_below(HZ / 4));
		ret = remove_private_memory_driver_managed(pn);
		atomic_long_inc(&counts[ret ? REFUSED : UNPLUGGED]);
	}
}

/* Never gives up: user space and takers let go sooner or later. */
static void abdicate(struct private_node *pn, unsigned int gen)
{
	int ret;

	while (remove_private_memory_driver_managed(pn)) {
		atomic_long_inc(&counts[REFUSED]);
		schedule_timeout_uninterruptible(HZ / 10);
	}
	set_bit(gen, gone);
	ret = private_node_unregister(pn);
	WARN(ret, "unregister: %d\n", ret);
}

static void describe(struct private_node_desc *desc, char *name, int me)
{
	static const enum private_node_on_unplug how[] = {
		PRIVATE_NODE_UNPLUG_MOVE, PRIVATE_NODE_UNPLUG_SIGBUS,
		PRIVATE_NODE_UNPLUG_REFUSE,
	};
	static const enum private_node_on_full full[] = {
		PRIVATE_NODE_FULL_FAIL, PRIVATE_NODE_FULL_SIGBUS,
	};

	sprintf(name, "storm%d", me);
	*desc = (struct private_node_desc){
		.owner = name,
		.name = "storm",
		.capable = BIT(PRIVATE_NODE_USER_NUMA),
		.enabled = BIT(PRIVATE_NODE_USER_NUMA),
		.on_full = full[get_random_u32_below(ARRAY_SIZE(full))],
		.on_unplug = how[get_random_u32_below(ARRAY_SIZE(how))],
		.ops = &ops,
	};
}

static void count_registration(long me)
{
	static atomic_long_t last = ATOMIC_LONG_INIT(-1);

	atomic_long_inc(&counts[REGISTERED]);
	if (atomic_long_xchg(&last, me) != me)
		atomic_long_inc(&counts[TAKEN_OVER]);
}

static int owner(void *arg)
{
	struct private_node_desc desc;
	struct private_node *pn;
	struct handle *h;
	unsigned int gen;
	char name[16];

	while (!READ_ONCE(stop)) {
		describe(&desc, name, (long)arg);
		/* A refusal is a line in the kernel's log: not one each time. */
		pn = private_node_obstacle(node) ? ERR_PTR(-EBUSY) :
						   private_node_register(node, &desc);
		if (IS_ERR(pn)) {
			schedule_timeout_uninterruptible(1);
			continue;
		}
		count_registration((long)arg);
		gen = atomic_inc_return(&next_gen) % GENERATIONS;
		h = kmalloc_obj(*h, GFP_KERNEL | __GFP_NOFAIL);
		h->pn = pn;
		h->gen = gen;
		publish(h);
		reign(pn);
		abdicate(pn, gen);
		/* The handle stays published, dead, until the next one comes. */
	}
	complete(&abdicated[(long)arg]);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static void show(void)
{
	int i;

	for (i = 0; i < NR_COUNTS; i++)
		pr_info("%s=%ld\n", count_names[i], atomic_long_read(&counts[i]));
}

static bool all_happened(void)
{
	int i;

	for (i = REGISTERED; i < REFUSED; i++)
		if (!atomic_long_read(&counts[i]))
			return false;
	return true;
}

static void start_tasks(struct task_struct **tasks)
{
	long i;

	for (i = 0; i < TAKERS; i++)
		tasks[OWNERS + i] = kthread_run(taker, NULL, "storm_take%ld", i);
	on_each_cpu(start_ticking, NULL, 1);
	for (i = 0; i < OWNERS; i++) {
		init_completion(&abdicated[i]);
		tasks[i] = kthread_run(owner, (void *)i, "storm_own%ld", i);
	}
}

/*
 * Owners need what the others hold, to unplug.  They are stopped when they have
 * done so: kthread_stop() is a signal to its thread, and offlining memory is
 * given up at each signal.
 */
static void stop_tasks(struct task_struct **tasks)
{
	long i;

	WRITE_ONCE(stop, true);
	for (i = OWNERS; i < OWNERS + TAKERS; i++)
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
	stop_ticking();
	for (i = 0; i < OWNERS; i++) {
		if (IS_ERR(tasks[i]))
			continue;
		wait_for_completion(&abdicated[i]);
		kthread_stop(tasks[i]);
	}
}

static void run(void)
{
	struct task_struct *tasks[OWNERS + TAKERS];
	unsigned int i;

	start_tasks(tasks);
	for (i = 0; i < seconds || (i < 4 * seconds && !all_happened()); i++)
		ssleep(1);
	stop_tasks(tasks);
	publish(NULL);
	rcu_barrier();
}

static int __init storm_init(void)
{
	gone = bitmap_zalloc(GENERATIONS, GFP_KERNEL);
	if (!gone)
		return -ENOMEM;
	run();
	show();
	bitmap_free(gone);
	return atomic_long_read(&counts[FOREIGN]) ||
	       atomic_long_read(&counts[CHANGED]) ||
	       atomic_long_read(&counts[LATE]) ? -EIO : 0;
}

static void __exit storm_exit(void)
{
}

module_init(storm_init);
module_exit(storm_exit);
MODULE_DESCRIPTION("Owners of a private node come and go while everybody takes pages");
MODULE_LICENSE("GPL");
