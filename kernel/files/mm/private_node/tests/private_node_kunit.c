// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of private memory nodes, for any topology: registry, life cycle,
 * gates, zonelists, allocation, refusals, kexec.
 *
 * What needs a node id takes one that has neither memory nor CPUs:
 * private_node_spare=2 makes sure that there are two.  What needs pages takes
 * them from nodes that boot made private, and is skipped without.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/sizes.h>

#include "../gate.h"
#include "../internal.h"
#include "../refusals.h"
#include "kunit.h"

/* Why a registration is refused; 0 when it was not. */
static long refusal(int nid, const struct private_node_desc *desc)
{
	struct private_node *pn = private_node_register(nid, desc);

	if (IS_ERR(pn))
		return PTR_ERR(pn);
	give_back(pn);
	return 0;
}

static bool enabled(int nid, enum private_node_service service)
{
	return private_node_service_enabled(nid, service);
}

static struct folio *get_folio(struct private_node *pn, gfp_t gfp)
{
	return private_node_alloc_folio(pn, gfp, 0);
}

static struct folio *get_set(struct private_node *const pns[], unsigned int nr,
			     const nodemask_t *ordinary)
{
	return private_node_alloc_folio_set(pns, nr, ordinary,
					    GFP_HIGHUSER_MOVABLE, 0);
}

static unsigned long events(struct private_node *pn,
			    enum private_node_service user,
			    enum private_node_event event)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pn->stats, cpu)->event[user][event];
	return sum;
}

static unsigned long owner_events(struct private_node *pn,
				  enum private_node_event event)
{
	return events(pn, PRIVATE_NODE_USER_OWNER, event);
}

/* Registry */

static void registry_register(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);
	char name[PRIVATE_NODE_NAME_MAX];

	snprintf(name, sizeof(name), "node%d", nid);
	KUNIT_EXPECT_EQ(test, nid, private_node_nid(pn));
	KUNIT_EXPECT_STREQ(test, name, pn->name);
	KUNIT_EXPECT_STREQ(test, "kunit", pn->owner);
	KUNIT_EXPECT_TRUE(test, node_is_private(nid));
	KUNIT_EXPECT_FALSE(test, node_state(nid, N_MEMORY));
	KUNIT_EXPECT_FALSE(test, node_state(nid, N_MEMORY_PRIVATE));

	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_FALSE(test, node_is_private(nid));
}

static void registry_bad_nid(struct kunit *test)
{
	static const int bad[] = { -1, INT_MIN, MAX_NUMNODES, INT_MAX };
	struct private_node_desc desc = { .owner = "kunit" };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL, refusal(bad[i], &desc));
		KUNIT_EXPECT_NULL(test, private_node_find(bad[i]));
		KUNIT_EXPECT_FALSE(test, enabled(bad[i], PRIVATE_NODE_RECLAIM));
		KUNIT_EXPECT_STREQ(test, "is not a possible node", private_node_obstacle(bad[i]));
	}
	for (i = 0; i < MAX_NUMNODES; i++)
		if (!node_possible(i))
			break;
	if (i < MAX_NUMNODES) {
		KUNIT_EXPECT_EQ(test, -EINVAL, refusal(i, &desc));
		KUNIT_EXPECT_STREQ(test, "is not a possible node", private_node_obstacle(i));
	}
	KUNIT_EXPECT_NULL(test, private_node_obstacle(free_nid(test, 0)));
}

struct desc_case {
	const char *what;
	int ret;
	struct private_node_desc desc;
};

static const struct desc_case desc_cases[] = {
	{ "no owner", -EINVAL, { } },
	{ "empty owner", -EINVAL, { .owner = "" } },
	{ "owner with a slash", -EINVAL, { .owner = "a/b" } },
	{ "owner with a newline", -EINVAL, { .owner = "a\n" } },
	{ "owner too long", -EINVAL,
	  { .owner = "a23456789012345678901234567890123" } },
	{ "empty name", -EINVAL, { .owner = "kunit", .name = "" } },
	{ "name that leads out of /dev/private_node", -EINVAL,
	  { .owner = "kunit", .name = ".." } },
	{ "unknown service", -EINVAL,
	  { .owner = "kunit", .capable = BIT(PRIVATE_NODE_NR_SERVICES) } },
	{ "enabled, not capable", -EPERM,
	  { .owner = "kunit", .enabled = BIT(PRIVATE_NODE_RECLAIM) } },
	{ "demotion without reclaim", -ENXIO,
	  { .owner = "kunit", .capable = ALL_SERVICES,
	    .enabled = BIT(PRIVATE_NODE_DEMOTION) } },
	{ "on_full out of range", -EINVAL,
	  { .owner = "kunit", .on_full = PRIVATE_NODE_NR_ON_FULL } },
	{ "on_unplug out of range", -EINVAL,
	  { .owner = "kunit", .on_unplug = PRIVATE_NODE_NR_ON_UNPLUG } },
	{ "unknown flag", -EINVAL, { .owner = "kunit", .flags = BIT(31) } },
	{ "negative abstract distance", -EINVAL,
	  { .owner = "kunit", .adistance = -1 } },
	{ "abstract distance too large", -EINVAL,
	  { .owner = "kunit", .adistance = PRIVATE_NODE_MAX_ADISTANCE + 1 } },
	{ "fallback to nowhere", -EINVAL,
	  { .owner = "kunit", .on_full = PRIVATE_NODE_FULL_FALLBACK } },
};

static void desc_case_name(const struct desc_case *c, char *text)
{
	strscpy(text, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(desc_cases, desc_cases, desc_case_name);

static void registry_bad_desc(struct kunit *test)
{
	const struct desc_case *c = test->param_value;
	int nid = free_nid(test, 0);

	KUNIT_EXPECT_EQ(test, c->ret, refusal(nid, &c->desc));
	KUNIT_EXPECT_FALSE(test, node_is_private(nid));
}

static void registry_no_desc(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, refusal(free_nid(test, 0), NULL));
}

/* A fallback node goes with the policy only, and is an ordinary one. */
static void registry_bad_fallback(struct kunit *test)
{
	int nid = free_nid(test, 0);
	struct private_node_desc desc = {
		.owner = "kunit",
		.fallback = node_states[N_MEMORY],
	};

	KUNIT_EXPECT_EQ(test, -EINVAL, refusal(nid, &desc));
	desc.on_full = PRIVATE_NODE_FULL_FALLBACK;
	node_set(nid, desc.fallback);
	KUNIT_EXPECT_EQ(test, -EINVAL, refusal(nid, &desc));
	KUNIT_EXPECT_FALSE(test, node_is_private(nid));
}

static void registry_ordinary_node(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	int nid;

	for_each_node_state(nid, N_MEMORY)
		KUNIT_EXPECT_EQ(test, -EBUSY, refusal(nid, &desc));
	for_each_node_state(nid, N_CPU)
		KUNIT_EXPECT_EQ(test, -EBUSY, refusal(nid, &desc));
}

static void registry_two_owners(struct kunit *test)
{
	struct private_node_desc first = { .owner = "first" };
	struct private_node_desc second = { .owner = "second" };
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &first);

	KUNIT_EXPECT_EQ(test, -EBUSY, refusal(nid, &second));
	KUNIT_EXPECT_STREQ(test, "first", pn->owner);
	KUNIT_EXPECT_TRUE(test, node_is_private(nid));
}

static void registry_name_clash(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit", .name = "same" };
	int other = free_nid(test, 1);

	take(test, free_nid(test, 0), &desc);
	KUNIT_EXPECT_EQ(test, -EEXIST, refusal(other, &desc));
	KUNIT_EXPECT_FALSE(test, node_is_private(other));
	desc.name = "other";
	take(test, other, &desc);
}

static void registry_find(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);
	unsigned int refs = refcount_read(&pn->ref);
	struct private_node *found = private_node_find(nid);

	KUNIT_ASSERT_PTR_EQ(test, pn, found);
	KUNIT_EXPECT_EQ(test, refs + 1, refcount_read(&pn->ref));
	KUNIT_EXPECT_PTR_EQ(test, pn, private_node_get(found));
	KUNIT_EXPECT_EQ(test, refs + 2, refcount_read(&pn->ref));
	private_node_put(found);
	private_node_put(found);
	KUNIT_EXPECT_EQ(test, refs, refcount_read(&pn->ref));

	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_NULL(test, private_node_find(nid));
	/* Whoever looked it up kept nothing but what was given back. */
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&pn->ref));
}

/* Spare node ids: no more distances than there are nodes, and none of them in use is given back. */
static void registry_spare(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	u8 *distances = kunit_kzalloc(test, MAX_NUMNODES + 1, GFP_KERNEL);
	struct private_node *pn;
	int nid, first;

	KUNIT_ASSERT_NOT_NULL(test, distances);
	memset(distances, 40, MAX_NUMNODES + 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, private_node_spare_get(distances, MAX_NUMNODES + 1));
	nid = private_node_spare_get(distances, MAX_NUMNODES);
	KUNIT_ASSERT_GE(test, nid, 0);
	KUNIT_EXPECT_EQ(test, 40, node_distance(nid, first_online_node));
	pn = private_node_register(nid, &desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pn);
	/* It stays taken, and so do its distances. */
	private_node_spare_put(nid);
	KUNIT_EXPECT_EQ(test, 40, node_distance(nid, first_online_node));
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	private_node_put(pn);
	private_node_spare_put(nid);
	KUNIT_EXPECT_NE(test, 40, node_distance(nid, first_online_node));
	/* One that was not taken stays as it is. */
	private_node_spare_put(nid);
	private_node_spare_put(-1);
	private_node_spare_put(MAX_NUMNODES);
	first = private_node_spare_get(distances, MAX_NUMNODES);
	KUNIT_EXPECT_EQ(test, nid, first);
	private_node_spare_put(first);
}

/* Life cycle */

static void life_dead_handle(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.capable = BIT(PRIVATE_NODE_RECLAIM),
		.enabled = BIT(PRIVATE_NODE_RECLAIM),
	};
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);

	private_node_set_drvdata(pn, test);
	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_unregister(pn));
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_set_enabled(pn, 0));
	KUNIT_EXPECT_FALSE(test, enabled(nid, PRIVATE_NODE_RECLAIM));
	KUNIT_EXPECT_NULL(test, get_folio(pn, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, get_set(&pn, 1, NULL));
	KUNIT_EXPECT_EQ(test, nid, private_node_nid(pn));
	KUNIT_EXPECT_PTR_EQ(test, (void *)test, private_node_drvdata(pn));
}

/* The node id is given to the next owner: the first one's handle is nothing. */
static void life_next_owner(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "first",
		.capable = ALL_SERVICES,
	};
	int nid = free_nid(test, 0);
	struct private_node *stale = take(test, nid, &desc);
	struct private_node *pn;

	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(stale));
	desc.owner = "second";
	desc.on_full = PRIVATE_NODE_FULL_FALLBACK;
	desc.fallback = node_states[N_MEMORY];
	pn = take(test, nid, &desc);
	KUNIT_EXPECT_PTR_NE(test, stale, pn);
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_set_enabled(stale, BIT(PRIVATE_NODE_RECLAIM)));
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_unregister(stale));
	KUNIT_EXPECT_NULL(test, get_folio(stale, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, node_is_private(nid));
	KUNIT_EXPECT_FALSE(test, enabled(nid, PRIVATE_NODE_RECLAIM));
}

static void life_again_and_again(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit", .name = "again" };
	int nid = free_nid(test, 0);
	struct private_node *pn;
	int online = nr_online_nodes;
	int i;

	for (i = 0; i < 32; i++) {
		pn = private_node_register(nid, &desc);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pn);
		/* A private node does not make a NUMA host. */
		KUNIT_EXPECT_EQ(test, online, nr_online_nodes);
		KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
		private_node_put(pn);
	}
	KUNIT_EXPECT_FALSE(test, node_is_private(nid));
}

/* Only a node that is being unplugged comes back, and a dead one stays so. */
static void life_steps(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_LIVE));
	KUNIT_EXPECT_TRUE(test, step(pn, PRIVATE_NODE_CLOSING));
	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_CLOSING));
	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_DEAD));
	KUNIT_EXPECT_TRUE(test, step(pn, PRIVATE_NODE_LIVE));
	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_LIVE));
	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_CLOSING));
	KUNIT_EXPECT_FALSE(test, step(pn, PRIVATE_NODE_DEAD));
	KUNIT_EXPECT_FALSE(test, private_node_enter(pn, PRIVATE_NODE_USER_OWNER));
}

static int plug(struct private_node *pn, u64 start, u64 size)
{
	return add_private_memory_driver_managed(pn, start, size,
						 "System RAM (kunit)", MHP_NONE,
						 MMOP_OFFLINE);
}

static void plug_range_refused(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);
	u64 block = memory_block_size_bytes();
	u64 ram = PFN_PHYS(node_start_pfn(first_memory_node));

	KUNIT_EXPECT_EQ(test, -EINVAL, plug(pn, NO_MEMORY_HERE, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, plug(pn, -block, 2 * block));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			plug(pn, NO_MEMORY_HERE + PAGE_SIZE, block));
	KUNIT_EXPECT_EQ(test, -EINVAL, plug(pn, NO_MEMORY_HERE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -E2BIG, plug(pn, BIT_ULL(60), block));
	KUNIT_EXPECT_EQ(test, -EEXIST, plug(pn, round_down(ram, block), block));
	KUNIT_EXPECT_FALSE(test, node_state(pn->nid, N_MEMORY_PRIVATE));
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_EQ(test, -ENODEV, plug(pn, NO_MEMORY_HERE, block));
}

static int plug_how(struct private_node *pn, const char *name, mhp_t flags,
		    int online_type)
{
	return add_private_memory_driver_managed(pn, NO_MEMORY_HERE,
						 memory_block_size_bytes(),
						 name, flags, online_type);
}

static void plug_how_refused(struct kunit *test)
{
	static const char good[] = "System RAM (kunit)";
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	KUNIT_EXPECT_EQ(test, -EINVAL, plug_how(pn, NULL, MHP_NONE, MMOP_OFFLINE));
	KUNIT_EXPECT_EQ(test, -EINVAL, plug_how(pn, "kunit", MHP_NONE, MMOP_OFFLINE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			plug_how(pn, "System RAM (kunit", MHP_NONE, MMOP_OFFLINE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			plug_how(pn, good, MHP_MERGE_RESOURCE, MMOP_OFFLINE));
	KUNIT_EXPECT_EQ(test, -EINVAL, plug_how(pn, good, MHP_NONE, -1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			plug_how(pn, good, MHP_NONE, MMOP_ONLINE_MOVABLE + 1));
	KUNIT_EXPECT_FALSE(test, node_state(pn->nid, N_MEMORY_PRIVATE));
}

/* Without memory there is nothing to do; a dead handle has no say. */
static void unplug_of_nothing(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	KUNIT_EXPECT_EQ(test, 0, remove_private_memory_driver_managed(pn));
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	KUNIT_EXPECT_EQ(test, -ENODEV, remove_private_memory_driver_managed(pn));
}

/* Memory that came at boot goes offline, and comes back. */
static void unplug_of_boot(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	int ret = remove_private_memory_driver_managed(pn);

	if (ret == -EBUSY)
		kunit_skip(test, "a memory block has pages of the firmware");
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_FALSE(test, node_state(pn->nid, N_MEMORY_PRIVATE));
	KUNIT_EXPECT_EQ(test, 0, remove_private_memory_driver_managed(pn));
	KUNIT_EXPECT_EQ(test, 0, private_node_boot_plug(pn));
	KUNIT_EXPECT_TRUE(test, node_state(pn->nid, N_MEMORY_PRIVATE));
	KUNIT_EXPECT_EQ(test, 0, private_node_boot_plug(pn));
}

/* Gates: who closes one waits for those inside */

#define DEMOTION	PRIVATE_NODE_DEMOTION

enum closer { CLOSE_SERVICE, CLOSE_NODE, CLOSE_HANDLE };

static const struct closer_case {
	const char *name;
	enum closer how;
	enum private_node_service user;
	bool irq;	/* entered and left by an interrupt */
} closer_cases[] = {
	{ "service", CLOSE_SERVICE, DEMOTION, false },
	{ "service, interrupt", CLOSE_SERVICE, DEMOTION, true },
	{ "unplug", CLOSE_NODE, PRIVATE_NODE_USER_OWNER, false },
	{ "unplug, interrupt", CLOSE_NODE, PRIVATE_NODE_USER_OWNER, true },
	{ "unplug, service", CLOSE_NODE, DEMOTION, false },
	{ "unregister", CLOSE_HANDLE, PRIVATE_NODE_USER_OWNER, false },
	{ "unregister, interrupt", CLOSE_HANDLE, PRIVATE_NODE_USER_OWNER, true },
	{ "unregister, service", CLOSE_HANDLE, DEMOTION, false },
};

KUNIT_ARRAY_PARAM_DESC(closer_cases, closer_cases, name);

struct closing {
	struct private_node *pn;
	const struct closer_case *c;
	struct completion done;
	bool entered;
};

static void close_gate(struct closing *cl)
{
	switch (cl->c->how) {
	case CLOSE_SERVICE:
		private_node_set_enabled(cl->pn, 0);
		break;
	case CLOSE_NODE:
		scoped_guard(mutex, &cl->pn->lock) {
			private_node_set_state(cl->pn, PRIVATE_NODE_CLOSING);
			private_node_gate_wait(cl->pn);
		}
		step(cl->pn, PRIVATE_NODE_LIVE);
		break;
	case CLOSE_HANDLE:
		private_node_unregister(cl->pn);
		break;
	}
}

static int closer_thread(void *arg)
{
	struct closing *cl = arg;

	close_gate(cl);
	complete(&cl->done);
	return 0;
}

struct from_irq {
	struct irq_work work;
	struct closing *cl;
	bool leave;
};

static void pass_in_irq(struct irq_work *work)
{
	struct from_irq *irq = container_of(work, struct from_irq, work);
	struct closing *cl = irq->cl;

	if (irq->leave)
		private_node_leave(cl->pn, cl->c->user);
	else
		cl->entered = private_node_enter(cl->pn, cl->c->user);
}

static void pass(struct closing *cl, bool leave)
{
	struct from_irq irq = {
		.work = IRQ_WORK_INIT_HARD(pass_in_irq),
		.cl = cl,
		.leave = leave,
	};

	if (cl->c->irq) {
		irq_work_queue(&irq.work);
		irq_work_sync(&irq.work);
	} else {
		pass_in_irq(&irq.work);
	}
}

static void gate_waits(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.capable = ALL_SERVICES,
		.enabled = ALL_SERVICES,
	};
	struct closing cl = { .c = test->param_value };

	cl.pn = take(test, free_nid(test, 0), &desc);
	init_completion(&cl.done);
	pass(&cl, false);
	KUNIT_ASSERT_TRUE(test, cl.entered);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(closer_thread, &cl, "closer"));
	/* It waits, or it did not. */
	while (!waitqueue_active(&cl.pn->gate_wait) && !completion_done(&cl.done))
		fsleep(1000);
	KUNIT_EXPECT_FALSE_MSG(test, completion_done(&cl.done),
			       "closed while somebody was inside");
	/* Nobody new comes in meanwhile. */
	KUNIT_EXPECT_FALSE(test, private_node_enter(cl.pn, cl.c->user));
	pass(&cl, true);
	wait_for_completion(&cl.done);
	KUNIT_EXPECT_EQ(test, cl.c->how == CLOSE_NODE,
			private_node_open(cl.pn, cl.c->user));
}

/* One service is closed, and nobody waits for another. */
static void gate_of_another(struct kunit *test)
{
	const enum private_node_service user = PRIVATE_NODE_USER_OWNER;
	struct private_node_desc desc = {
		.owner = "kunit",
		.capable = ALL_SERVICES,
		.enabled = ALL_SERVICES,
	};
	struct private_node *pn = take(test, free_nid(test, 0), &desc);
	int i;

	KUNIT_ASSERT_TRUE(test, private_node_enter(pn, user));
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, 0));
		KUNIT_EXPECT_FALSE(test, private_node_enter(pn, DEMOTION));
		KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, ALL_SERVICES));
		KUNIT_EXPECT_TRUE(test, private_node_enter(pn, DEMOTION));
		private_node_leave(pn, DEMOTION);
	}
	private_node_leave(pn, user);
}

#ifdef CONFIG_MEMORY_FAILURE
struct told {
	unsigned long pfn, nr_pages;
	unsigned int flags, calls;
};

static void hear(struct private_node *pn, unsigned long pfn,
		 unsigned long nr_pages, unsigned int flags)
{
	struct told *told = private_node_drvdata(pn);

	told->pfn = pfn;
	told->nr_pages = nr_pages;
	told->flags = flags;
	told->calls++;
}

static void life_told(struct kunit *test)
{
	static const struct private_node_ops ops = { .memory_failure = hear };
	static const struct private_node_ops deaf;
	struct private_node_desc desc = { .owner = "kunit", .ops = &ops };
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);
	struct told told = {};

	private_node_set_drvdata(pn, &told);
	private_node_tell_owner(pn, 7, 1, PRIVATE_NODE_FAILURE_HELD);
	KUNIT_EXPECT_EQ(test, 7, told.pfn);
	KUNIT_EXPECT_EQ(test, 1, told.nr_pages);
	KUNIT_EXPECT_EQ(test, PRIVATE_NODE_FAILURE_HELD, told.flags);
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	private_node_tell_owner(pn, 8, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, told.calls);

	desc.ops = &deaf;
	pn = take(test, nid, &desc);
	private_node_tell_owner(pn, 9, 1, 0);
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	desc.ops = NULL;
	private_node_tell_owner(take(test, nid, &desc), 9, 1, 0);
}

struct told_late {
	struct private_node *pn;
	struct completion called, ended;
	int ret;
	bool over;
};

/* Unplugs while the driver unregisters: neither waits for the other for ever. */
static void hear_and_unplug(struct private_node *pn, unsigned long pfn,
			    unsigned long nr_pages, unsigned int flags)
{
	struct told_late *told = private_node_drvdata(pn);

	complete(&told->called);
	while (READ_ONCE(pn->state) != PRIVATE_NODE_DEAD)
		fsleep(1000);
	told->ret = remove_private_memory_driver_managed(pn);
	while (READ_ONCE(pn->ops))
		fsleep(1000);
	/* Who does not wait for callbacks returns meanwhile. */
	msleep(50);
	WRITE_ONCE(told->over, true);
}

static int tell_thread(void *arg)
{
	struct told_late *told = arg;

	private_node_tell_owner(told->pn, 7, 1, 0);
	complete(&told->ended);
	return 0;
}

/* A callback that does not come back, until it is let. */
struct told_hangs {
	struct private_node *pn, *other;
	struct completion called, go, ended, gone;
	int ret;
};

static void hear_and_hang(struct private_node *pn, unsigned long pfn,
			  unsigned long nr_pages, unsigned int flags)
{
	struct told_hangs *told = private_node_drvdata(pn);

	complete(&told->called);
	wait_for_completion(&told->go);
}

static int tell_and_hang_thread(void *arg)
{
	struct told_hangs *told = arg;

	private_node_tell_owner(told->pn, 7, 1, 0);
	complete(&told->ended);
	return 0;
}

static int unregister_thread(void *arg)
{
	struct told_hangs *told = arg;

	told->ret = private_node_unregister(told->other);
	complete(&told->gone);
	return 0;
}

/* ... is in no other owner's way. */
static void life_told_hangs(struct kunit *test)
{
	static const struct private_node_ops ops = { .memory_failure = hear_and_hang };
	struct private_node_desc desc = { .owner = "kunit", .ops = &ops };
	struct told_hangs told = {};
	bool waits;

	/* Before a thread runs: either may skip the test. */
	told.pn = take(test, free_nid(test, 0), &desc);
	told.other = take(test, free_nid(test, 0), &desc);
	init_completion(&told.called);
	init_completion(&told.go);
	init_completion(&told.ended);
	init_completion(&told.gone);
	private_node_set_drvdata(told.pn, &told);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(tell_and_hang_thread, &told, "hangs"));
	wait_for_completion(&told.called);
	if (!IS_ERR(kthread_run(unregister_thread, &told, "other"))) {
		waits = !wait_for_completion_timeout(&told.gone, 20 * HZ);
		KUNIT_EXPECT_FALSE_MSG(test, waits, "another owner waits");
		KUNIT_EXPECT_FALSE(test, completion_done(&told.ended));
		complete(&told.go);
		wait_for_completion(&told.ended);
		if (waits)
			wait_for_completion(&told.gone);
		KUNIT_EXPECT_EQ(test, 0, told.ret);
	} else {
		KUNIT_FAIL(test, "no thread");
		complete(&told.go);
		wait_for_completion(&told.ended);
	}
}

static void life_told_unplugs(struct kunit *test)
{
	static const struct private_node_ops ops = {
		.memory_failure = hear_and_unplug,
	};
	struct private_node_desc desc = { .owner = "kunit", .ops = &ops };
	struct told_late told = {};

	told.pn = take(test, free_nid(test, 0), &desc);
	init_completion(&told.called);
	init_completion(&told.ended);
	private_node_set_drvdata(told.pn, &told);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(tell_thread, &told, "tell"));
	wait_for_completion(&told.called);
	KUNIT_EXPECT_EQ(test, 0, private_node_unregister(told.pn));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(told.over));
	wait_for_completion(&told.ended);
	KUNIT_EXPECT_EQ(test, -ENODEV, told.ret);
}
#endif

static void life_unregister_with_memory(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);

	KUNIT_EXPECT_EQ(test, -EBUSY, private_node_unregister(pn));
	KUNIT_EXPECT_TRUE(test, node_is_private(pn->nid));
	KUNIT_EXPECT_TRUE(test, node_state(pn->nid, N_MEMORY_PRIVATE));
}

/* Services */

static void services_names(struct kunit *test)
{
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_SERVICES; i++) {
		const char *name = private_node_services[i].name;

		KUNIT_ASSERT_NOT_NULL(test, name);
		KUNIT_EXPECT_NOT_NULL(test, private_node_services[i].help);
		KUNIT_EXPECT_EQ(test, i, private_node_parse_service(name, strlen(name)));
		KUNIT_EXPECT_EQ(test, -EINVAL, private_node_parse_service(name, strlen(name) - 1));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, private_node_parse_service("", 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, private_node_parse_service("all", 3));
	KUNIT_EXPECT_EQ(test, -EINVAL, private_node_parse_service("reclaim\n", 8));
}

static void services_dependencies(struct kunit *test)
{
	const char *missing;
	int i, need;

	KUNIT_EXPECT_EQ(test, 0, private_node_check_services(0, &missing));
	KUNIT_EXPECT_EQ(test, 0, private_node_check_services(ALL_SERVICES, &missing));
	for (i = 0; i < PRIVATE_NODE_NR_SERVICES; i++) {
		unsigned long needs = private_node_services[i].needs;
		unsigned long mask;

		KUNIT_EXPECT_FALSE(test, needs & BIT(i));
		KUNIT_EXPECT_EQ(test, 0, private_node_check_services(closure(i), &missing));
		for_each_set_bit(need, &needs, PRIVATE_NODE_NR_SERVICES) {
			missing = NULL;
			mask = closure(i) & ~BIT(need);
			KUNIT_EXPECT_NE(test, 0, private_node_check_services(mask, &missing));
			KUNIT_EXPECT_STREQ(test, missing, private_node_services[need].name);
		}
	}
}

static void services_enable(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.capable = BIT(PRIVATE_NODE_RECLAIM) |
			   BIT(PRIVATE_NODE_DEMOTION),
	};
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);

	KUNIT_EXPECT_EQ(test, -EINVAL, private_node_set_enabled(pn, BIT(PRIVATE_NODE_NR_SERVICES)));
	KUNIT_EXPECT_EQ(test, -EPERM, private_node_set_enabled(pn, BIT(PRIVATE_NODE_THP)));
	KUNIT_EXPECT_EQ(test, -ENXIO, private_node_set_enabled(pn, BIT(PRIVATE_NODE_DEMOTION)));
	KUNIT_EXPECT_EQ(test, 0UL, pn->enabled);

	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, desc.capable));
	KUNIT_EXPECT_TRUE(test, enabled(nid, PRIVATE_NODE_DEMOTION));
	KUNIT_EXPECT_FALSE(test, enabled(nid, PRIVATE_NODE_THP));
	/* What is refused changes nothing. */
	KUNIT_EXPECT_EQ(test, -EPERM, private_node_set_enabled(pn, ALL_SERVICES));
	KUNIT_EXPECT_EQ(test, desc.capable, pn->enabled);

	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, 0));
	KUNIT_EXPECT_FALSE(test, enabled(nid, PRIVATE_NODE_DEMOTION));
}

/* Compressed RAM is given out by its ledger or not at all, whatever is enabled. */
static void services_compressed(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.capable = BIT(PRIVATE_NODE_RECLAIM) |
			   BIT(PRIVATE_NODE_DEMOTION),
		.enabled = BIT(PRIVATE_NODE_RECLAIM),
		.flags = PRIVATE_NODE_F_NO_DEVICE_MAP |
			 PRIVATE_NODE_F_COMPRESSED,
	};
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		KUNIT_EXPECT_FALSE(test, private_node_enter(pn, i));
	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, desc.capable));
	KUNIT_EXPECT_FALSE(test, enabled(nid, PRIVATE_NODE_DEMOTION));

	private_node_set_ledger(pn, true);
	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		KUNIT_EXPECT_EQ(test, private_node_open(pn, i), i < PRIVATE_NODE_NR_SERVICES &&
				desc.capable & BIT(i));

	private_node_set_ledger(pn, false);
	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		KUNIT_EXPECT_FALSE(test, private_node_enter(pn, i));
	KUNIT_EXPECT_EQ(test, desc.capable, pn->enabled);
}

/* A request for a service that is not open is turned away, and counted. */
static void services_gate(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	unsigned long enabled = pn->enabled;
	unsigned long refused;
	struct folio *folio;
	int i;

	for (i = 0; i < PRIVATE_NODE_NR_SERVICES; i++) {
		if (enabled & BIT(i))
			continue;
		refused = events(pn, i, PRIVATE_NODE_REFUSED);
		folio = private_node_alloc_for(pn, GFP_KERNEL, 0, i);
		KUNIT_EXPECT_NULL(test, folio);
		if (folio)
			folio_put(folio);
		KUNIT_EXPECT_EQ(test, refused + 1, events(pn, i, PRIVATE_NODE_REFUSED));
	}
}

/* Zonelists */

static void zonelists_ordinary(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct zoneref *z;
	int nid, i;

	take(test, free_nid(test, 0), &desc);
	for_each_online_node(nid) {
		for (i = 0; i < MAX_ZONELISTS; i++) {
			z = NODE_DATA(nid)->node_zonelists[i]._zonerefs;
			for (; z->zone; z++)
				KUNIT_EXPECT_FALSE(test, node_is_private(zone_to_nid(z->zone)));
		}
		if (!node_is_private(nid))
			continue;
		z = NODE_DATA(nid)->node_zonelists[ZONELIST_NOFALLBACK]._zonerefs;
		KUNIT_EXPECT_NULL(test, z->zone);
		z = NODE_DATA(nid)->node_zonelists[ZONELIST_FALLBACK]._zonerefs;
		KUNIT_EXPECT_NOT_NULL(test, z->zone);
	}
}

static unsigned int zones_with_memory(void)
{
	unsigned int nr = 0;
	int nid, i;

	for_each_online_node(nid) {
		if (!node_has_any_memory(nid))
			continue;
		for (i = 0; i < MAX_NR_ZONES; i++)
			if (i != ZONE_DEVICE &&
			    populated_zone(&NODE_DATA(nid)->node_zones[i]))
				nr++;
	}
	return nr;
}

static void check_order(struct kunit *test, int from, struct zoneref *z)
{
	unsigned int nr = 0;
	int last = 0;

	for (; z->zone; z++, nr++) {
		int distance = node_distance(from, zone_to_nid(z->zone));

		KUNIT_EXPECT_LE(test, last, distance);
		KUNIT_EXPECT_EQ(test, (int)zone_idx(z->zone), z->zone_idx);
		if (nr && zone_to_nid(z[-1].zone) == zone_to_nid(z->zone))
			KUNIT_EXPECT_GT(test, z[-1].zone_idx, z->zone_idx);
		last = distance;
	}
	KUNIT_EXPECT_EQ(test, zones_with_memory(), nr);
}

static void zonelists_private(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct zonelist *zonelist;
	struct srcu_ctr __percpu *cookie;
	int nid;

	take(test, free_nid(test, 0), &desc);
	for_each_online_node(nid) {
		zonelist = private_node_zonelist_get(nid, &cookie);
		if (zonelist)
			check_order(test, nid, zonelist->_zonerefs);
		else
			KUNIT_FAIL(test, "node %d has no private list", nid);
		private_node_zonelist_put(cookie);
	}
}

/* No list is left behind by the last private node. */
static void zonelists_gone(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct zonelist *zonelist;
	struct srcu_ctr __percpu *cookie;

	if (!nodes_empty(private_node_map))
		kunit_skip(test, "boot made nodes private");
	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(take(test, free_nid(test, 0), &desc)));
	zonelist = private_node_zonelist_get(numa_mem_id(), &cookie);
	KUNIT_EXPECT_NULL(test, zonelist);
	private_node_zonelist_put(cookie);
}

/* Owner's allocations and sets */

static void expect_folio(struct kunit *test, struct folio *folio, int nid,
			 unsigned int order)
{
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, nid, folio_nid(folio));
	KUNIT_EXPECT_EQ(test, order, folio_order(folio));
	KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
	folio_put(folio);
}

static void alloc_orders(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	unsigned long used = owner_events(pn, PRIVATE_NODE_USED);
	unsigned int order;

	for (order = 0; order <= MAX_PAGE_ORDER; order++)
		expect_folio(test, private_node_alloc_folio(pn, GFP_KERNEL, order), pn->nid, order);
	used += BIT(MAX_PAGE_ORDER + 1) - 1;
	KUNIT_EXPECT_EQ(test, used, owner_events(pn, PRIVATE_NODE_USED));
	expect_folio(test, get_folio(pn, GFP_ATOMIC), pn->nid, 0);
	expect_folio(test, private_node_alloc_folio(pn, GFP_HIGHUSER_MOVABLE, 2), pn->nid, 2);
}

static void set_empty(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	KUNIT_EXPECT_NULL(test, get_set(NULL, 0, NULL));
	/* Ordinary memory alone is not what this call is for. */
	KUNIT_EXPECT_NULL(test, get_set(NULL, 0, &node_states[N_MEMORY]));
	KUNIT_EXPECT_NULL(test, get_set(&pn, 1, NULL));
}

/* A set that names ordinary nodes falls back to these, and to no others. */
static void set_ordinary(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "kunit" };
	struct private_node *pn = take(test, free_nid(test, 0), &desc);
	nodemask_t mask;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		mask = nodemask_of_node(nid);
		expect_folio(test, get_set(&pn, 1, &mask), nid, 0);
	}
	mask = nodemask_of_node(pn->nid);
	KUNIT_EXPECT_NULL(test, get_set(&pn, 1, &mask));
}

static void set_names_one(struct kunit *test)
{
	struct private_node *a = with_memory(test, 0);
	struct private_node *b = with_memory(test, 1);
	int i;

	for (i = 0; i < 64; i++) {
		expect_folio(test, get_set(&a, 1, NULL), a->nid, 0);
		expect_folio(test, get_set(&b, 1, NULL), b->nid, 0);
	}
}

/* The order of the handles says nothing, distance does. */
static void set_nearest(struct kunit *test)
{
	struct private_node *pns[] = { with_memory(test, 0),
				       with_memory(test, 1) };
	struct private_node *swapped[] = { pns[1], pns[0] };
	int here = numa_mem_id();
	int d0 = node_distance(here, pns[0]->nid);
	int d1 = node_distance(here, pns[1]->nid);
	int nid = d1 < d0 ? pns[1]->nid : pns[0]->nid;

	expect_folio(test, get_set(pns, 2, NULL), nid, 0);
	expect_folio(test, get_set(swapped, 2, NULL), nid, 0);
}

/* What interrupts do on a full node, while tasks hold the locks of per-CPU lists */

#define SHOTS	300

static struct private_node *shots_at;
static atomic_t shots_left, shots_hit;
static DEFINE_PER_CPU(struct hrtimer, shots_timer);
static DEFINE_PER_CPU(struct work_struct, shots_churn);

static enum hrtimer_restart shoot(struct hrtimer *timer)
{
	ktime_t began = ktime_get();
	struct folio *folio = get_folio(shots_at, GFP_ATOMIC | __GFP_NOWARN);

	if (folio) {
		atomic_inc(&shots_hit);
		folio_put(folio);
	}
	if (atomic_dec_return(&shots_left) <= 0)
		return HRTIMER_NORESTART;
	/* A slow machine has time for something else between two. */
	hrtimer_forward_now(timer, max(us_to_ktime(100),
				       2 * ktime_sub(ktime_get(), began)));
	return HRTIMER_RESTART;
}

static void shoot_here(void *unused)
{
	struct hrtimer *timer = this_cpu_ptr(&shots_timer);

	/* Not _HARD: with PREEMPT_RT those may take no lock of the buddy. */
	hrtimer_setup(timer, shoot, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	hrtimer_start(timer, us_to_ktime(100), HRTIMER_MODE_REL_PINNED);
}

/* Takes and gives back ordinary memory: its per-CPU lists are locked often. */
static void churn(struct work_struct *work)
{
	struct page *page[64];
	int i;

	while (atomic_read(&shots_left) > 0) {
		for (i = 0; i < ARRAY_SIZE(page); i++)
			page[i] = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		for (i = 0; i < ARRAY_SIZE(page); i++)
			if (page[i])
				__free_page(page[i]);
		cond_resched();
	}
}

static void shoot_everywhere(struct private_node *pn)
{
	int cpu;

	shots_at = pn;
	atomic_set(&shots_left, SHOTS * num_online_cpus());
	atomic_set(&shots_hit, 0);
	on_each_cpu(shoot_here, NULL, 1);
	for_each_online_cpu(cpu) {
		INIT_WORK(per_cpu_ptr(&shots_churn, cpu), churn);
		schedule_work_on(cpu, per_cpu_ptr(&shots_churn, cpu));
	}
	for_each_online_cpu(cpu) {
		flush_work(per_cpu_ptr(&shots_churn, cpu));
		hrtimer_cancel(per_cpu_ptr(&shots_timer, cpu));
	}
}

/* A deadlock here is the failure: the machine stops. */
static void full_atomic(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	struct folio *folio, *next;
	LIST_HEAD(held);

	shoot_everywhere(pn);
	KUNIT_EXPECT_GT(test, atomic_read(&shots_hit), 0);
	while ((folio = get_folio(pn, GFP_KERNEL | __GFP_NOWARN)))
		list_add(&folio->lru, &held);
	shoot_everywhere(pn);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&shots_hit));
	list_for_each_entry_safe(folio, next, &held, lru)
		folio_put(folio);
}

/* Full-policies, on a node that is full because it has no memory */

static void full_fail(struct kunit *test)
{
	static const enum private_node_on_full policies[] = {
		PRIVATE_NODE_FULL_FAIL,
		PRIVATE_NODE_FULL_SIGBUS,
		/* Nobody has a page there: no bystander is killed. */
		PRIVATE_NODE_FULL_OOM,
	};
	struct private_node_desc desc = { .owner = "kunit" };
	int nid = free_nid(test, 0);
	struct private_node *pn;
	int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		desc.on_full = policies[i];
		pn = take(test, nid, &desc);
		KUNIT_EXPECT_NULL(test, get_folio(pn, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, get_folio(pn, GFP_ATOMIC));
		KUNIT_EXPECT_EQ(test, 2UL, owner_events(pn, PRIVATE_NODE_FAILED));
		KUNIT_EXPECT_EQ(test, 0UL, owner_events(pn, PRIVATE_NODE_USED));
		KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	}
}

static void full_fallback(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.on_full = PRIVATE_NODE_FULL_FALLBACK,
	};
	unsigned long taken = 0;
	struct private_node *pn;
	int nid, cpu;

	nid = free_nid(test, 0);
	desc.fallback = nodemask_of_node(numa_mem_id());
	pn = take(test, nid, &desc);
	expect_folio(test, private_node_alloc_folio(pn, GFP_KERNEL, 1), numa_mem_id(), 1);
	for_each_possible_cpu(cpu)
		taken += per_cpu_ptr(pn->stats, cpu)->fallback;
	KUNIT_EXPECT_EQ(test, 2UL, taken);
	KUNIT_EXPECT_EQ(test, 0UL, owner_events(pn, PRIVATE_NODE_FAILED));
}

static struct folio *close_meanwhile(struct private_node *pn, gfp_t gfp,
				     unsigned int order)
{
	struct kunit *test = kunit_get_current_test();
	int i, tries = 500;

	scoped_guard(mutex, &pn->lock) {
		private_node_set_state(pn, PRIVATE_NODE_CLOSING);
		for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
			while (!percpu_ref_is_zero(&pn->gate[i].ref) && tries--)
				fsleep(10000);
		private_node_set_state(pn, PRIVATE_NODE_LIVE);
	}
	KUNIT_EXPECT_GT_MSG(test, tries, 0, "who falls back is inside");
	return NULL;
}

/* Who falls back on ordinary memory, which may take long, has left the gate. */
static void full_fallback_outside(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.on_full = PRIVATE_NODE_FULL_FALLBACK,
		.fallback = node_states[N_MEMORY],
	};
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	kunit_activate_static_stub(test, private_node_fall_back, close_meanwhile);
	KUNIT_EXPECT_NULL(test, get_folio(pn, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 1UL, owner_events(pn, PRIVATE_NODE_FAILED));
	kunit_deactivate_static_stub(test, private_node_fall_back);
}

/* A node that is being unplugged gives nothing, not even elsewhere. */
static void full_closing(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.on_full = PRIVATE_NODE_FULL_FALLBACK,
		.fallback = node_states[N_MEMORY],
	};
	struct private_node *pn = take(test, free_nid(test, 0), &desc);

	KUNIT_EXPECT_TRUE(test, step(pn, PRIVATE_NODE_CLOSING));
	KUNIT_EXPECT_NULL(test, get_folio(pn, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 1UL, owner_events(pn, PRIVATE_NODE_REFUSED));
	KUNIT_EXPECT_TRUE(test, step(pn, PRIVATE_NODE_LIVE));
}

#define BLOCK	(pageblock_nr_pages << PAGE_SHIFT)

/* What a walk called with: passed where kexec passes what it looks for. */
struct parts {
	bool down;
	unsigned int calls, private, unordered;
	unsigned long last, blocks;
};

static bool block_is_private(unsigned long addr)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(addr));

	return page && node_is_private(page_to_nid(page));
}

static int take_part(unsigned long start, unsigned long end,
		     struct kexec_buf *kbuf)
{
	struct parts *parts = (void *)kbuf;
	unsigned long addr;

	if (parts->calls++ && (parts->down ? end >= parts->last :
					     start <= parts->last))
		parts->unordered++;
	parts->last = parts->down ? start : end;
	for (addr = start; addr < end; addr += BLOCK) {
		parts->blocks++;
		parts->private += block_is_private(addr);
	}
	return 0;
}

static int end_walk(unsigned long start, unsigned long end,
		    struct kexec_buf *kbuf)
{
	((struct parts *)kbuf)->calls++;
	return 1;
}

/* Nothing of another kernel is put on a private node, all else is offered. */
static void kexec_parts(struct kunit *test)
{
	unsigned long start = ULONG_MAX, end = 0, addr, ordinary = 0;
	struct parts parts[3] = { { .down = false }, { .down = true } };
	int nid, i;

	for_each_online_node(nid) {
		if (!node_spanned_pages(nid))
			continue;
		start = min(start, PFN_PHYS(node_start_pfn(nid)));
		end = max(end, PFN_PHYS(node_end_pfn(nid)));
	}
	start = ALIGN(start, BLOCK);
	end = ALIGN_DOWN(end, BLOCK);
	for (addr = start; addr < end; addr += BLOCK)
		ordinary += !block_is_private(addr);

	for (i = 0; i < 2; i++) {
		struct kexec_buf *kbuf = (void *)&parts[i];

		KUNIT_EXPECT_EQ(test, 0,
				__private_node_kexec_walk(start, end - 1, i,
							  kbuf, take_part));
		KUNIT_EXPECT_EQ(test, ordinary, parts[i].blocks);
		KUNIT_EXPECT_EQ(test, 0, parts[i].private);
		KUNIT_EXPECT_EQ(test, 0, parts[i].unordered);
	}
	KUNIT_EXPECT_EQ(test, 1,
			__private_node_kexec_walk(start, end - 1, true,
						  (void *)&parts[2], end_walk));
	KUNIT_EXPECT_EQ(test, 1, parts[2].calls);
}

static void kexec_segments(struct kunit *test)
{
	unsigned long addr, end;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		addr = PFN_PHYS(node_start_pfn(nid));
		KUNIT_EXPECT_FALSE(test, __private_node_kexec_refuses(addr, addr + PAGE_SIZE));
	}
	for_each_node_state(nid, N_MEMORY_PRIVATE) {
		addr = PFN_PHYS(node_start_pfn(nid));
		KUNIT_EXPECT_TRUE(test, __private_node_kexec_refuses(addr, addr + PAGE_SIZE));
		/* Only its last page is there. */
		addr -= BLOCK;
		end = addr + BLOCK + PAGE_SIZE;
		KUNIT_EXPECT_TRUE(test, __private_node_kexec_refuses(addr, end));
	}
}

/* --- the last refusals -------------------------------------------------- */

static struct private_node_ring *new_ring(struct kunit *test)
{
	struct private_node_ring *ring = kunit_kzalloc(test, sizeof(*ring),
						       GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	raw_spin_lock_init(&ring->lock);
	return ring;
}

static struct private_node_refusal refused(u64 when, unsigned int uid, int tgid)
{
	return (struct private_node_refusal) {
		.count = 1,
		.first = when,
		.last = when,
		.uid = KUIDT_INIT(uid),
		.tgid = tgid,
		.nid = 1,
		.act = PRIVATE_NODE_ACT_POLICY,
		.why = PRIVATE_NODE_WHY_CLOSED,
		.owner = "kunit",
	};
}

static void add(struct private_node_ring *ring, u64 when, unsigned int uid,
		int tgid)
{
	struct private_node_refusal new = refused(when, uid, tgid);

	private_node_ring_add(ring, &new);
}

/* How often was that process refused something?  0 if it is not there. */
static u64 times(struct private_node_ring *ring, int tgid)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < PRIVATE_NODE_REFUSALS; i++)
		if (ring->refusals[i].tgid == tgid)
			sum += ring->refusals[i].count;
	return sum;
}

static unsigned int entries(struct private_node_ring *ring)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < PRIVATE_NODE_REFUSALS; i++)
		nr += !!ring->refusals[i].count;
	return nr;
}

/* The same again is counted, with both times; what differs in one thing is not the same. */
static void refusals_fold(struct kunit *test)
{
	struct private_node_ring *ring = new_ring(test);
	struct private_node_refusal new = refused(9, 0, 7);

	add(ring, 5, 0, 7);
	add(ring, 6, 0, 8);
	private_node_ring_add(ring, &new);
	KUNIT_EXPECT_EQ(test, entries(ring), 2);
	KUNIT_EXPECT_EQ(test, ring->refusals[0].count, 2);
	KUNIT_EXPECT_EQ(test, ring->refusals[0].first, 5);
	KUNIT_EXPECT_EQ(test, ring->refusals[0].last, 9);
	new.nid = 2;
	private_node_ring_add(ring, &new);
	new.why = PRIVATE_NODE_WHY_FULL;
	private_node_ring_add(ring, &new);
	new.act = PRIVATE_NODE_ACT_EXEC;
	private_node_ring_add(ring, &new);
	new.start = 1;
	private_node_ring_add(ring, &new);
	new.uid = KUIDT_INIT(1);
	private_node_ring_add(ring, &new);
	strscpy(new.owner, "another");
	private_node_ring_add(ring, &new);
	KUNIT_EXPECT_EQ(test, entries(ring), 8);
	KUNIT_EXPECT_EQ(test, times(ring, 7), 8);
}

static void refusals_oldest(struct kunit *test)
{
	struct private_node_ring *ring = new_ring(test);
	int i;

	for (i = 0; i < PRIVATE_NODE_REFUSALS; i++)
		add(ring, 1 + i, 0, 100 + i);
	KUNIT_EXPECT_EQ(test, entries(ring), PRIVATE_NODE_REFUSALS);
	/* The first one is the youngest now. */
	add(ring, 1000, 0, 100);
	add(ring, 1001, 0, 99);
	KUNIT_EXPECT_EQ(test, times(ring, 100), 2);
	KUNIT_EXPECT_EQ(test, times(ring, 101), 0);
	KUNIT_EXPECT_EQ(test, times(ring, 102), 1);
	KUNIT_EXPECT_EQ(test, times(ring, 99), 1);
}

/* Neither one task that goes on nor many short ones of a user push away what others have. */
static void refusals_fair(struct kunit *test)
{
	struct private_node_ring *ring = new_ring(test);
	int i;

	add(ring, 1, 0, 1);
	for (i = 0; i < 10 * PRIVATE_NODE_REFUSALS; i++)
		add(ring, 2 + i, 1000, 2);
	KUNIT_EXPECT_EQ(test, entries(ring), 2);
	for (i = 0; i < PRIVATE_NODE_REFUSALS / 2 - 1; i++)
		add(ring, 2, 0, 10 + i);
	for (i = 0; i < 10 * PRIVATE_NODE_REFUSALS; i++)
		add(ring, 10000 + i, 1000, 1000 + i);
	KUNIT_EXPECT_EQ(test, times(ring, 1), 1);
	KUNIT_EXPECT_EQ(test, times(ring, 10), 1);
	KUNIT_EXPECT_EQ(test, times(ring, 1000 + i - 1), 1);
}

static void refusals_atomic(struct kunit *test)
{
	struct private_node_ring *ring = new_ring(test);
	static DEFINE_RAW_SPINLOCK(lock);

	/* As below zone->lock; lockdep and the debug kernel complain otherwise. */
	scoped_guard(raw_spinlock_irqsave, &lock) {
		add(ring, 1, 0, 1);
		private_node_record(.nid = 1, .act = PRIVATE_NODE_USER_OWNER,
				    .why = PRIVATE_NODE_WHY_FULL);
	}
	KUNIT_EXPECT_EQ(test, entries(ring), 1);
}

static void refusals_shown(struct kunit *test)
{
	const u64 first = init_pid_ns.ns.ns_id, other = first + 1;
	struct private_node_refusal r = refused(1, 1000, 7);
	const kuid_t root = GLOBAL_ROOT_UID, user = KUIDT_INIT(1000);

	r.ns = other;
	KUNIT_EXPECT_TRUE(test, private_node_refusal_shown(&r, true, root, first));
	KUNIT_EXPECT_TRUE(test, private_node_refusal_shown(&r, false, user, first));
	KUNIT_EXPECT_TRUE(test, private_node_refusal_shown(&r, false, user, other));
	KUNIT_EXPECT_FALSE(test, private_node_refusal_shown(&r, true, root, other + 1));
	KUNIT_EXPECT_FALSE(test, private_node_refusal_shown(&r, false, root, first));
	r.others = true;
	KUNIT_EXPECT_FALSE(test, private_node_refusal_shown(&r, false, user, first));
	KUNIT_EXPECT_TRUE(test, private_node_refusal_shown(&r, true, root, first));
}

static struct kunit_case private_node_cases[] = {
	KUNIT_CASE(registry_register),
	KUNIT_CASE(registry_bad_nid),
	KUNIT_CASE_PARAM(registry_bad_desc, desc_cases_gen_params),
	KUNIT_CASE(registry_no_desc),
	KUNIT_CASE(registry_bad_fallback),
	KUNIT_CASE(registry_ordinary_node),
	KUNIT_CASE(registry_two_owners),
	KUNIT_CASE(registry_name_clash),
	KUNIT_CASE(registry_find),
	KUNIT_CASE(registry_spare),
	KUNIT_CASE(life_dead_handle),
	KUNIT_CASE(life_next_owner),
	KUNIT_CASE(life_again_and_again),
#ifdef CONFIG_MEMORY_FAILURE
	KUNIT_CASE(life_told),
	KUNIT_CASE(life_told_unplugs),
	KUNIT_CASE(life_told_hangs),
#endif
	KUNIT_CASE(life_unregister_with_memory),
	KUNIT_CASE(life_steps),
	KUNIT_CASE(plug_range_refused),
	KUNIT_CASE(plug_how_refused),
	KUNIT_CASE(unplug_of_nothing),
	KUNIT_CASE(unplug_of_boot),
	KUNIT_CASE_PARAM(gate_waits, closer_cases_gen_params),
	KUNIT_CASE(gate_of_another),
	KUNIT_CASE(services_names),
	KUNIT_CASE(services_dependencies),
	KUNIT_CASE(services_enable),
	KUNIT_CASE(services_compressed),
	KUNIT_CASE(services_gate),
	KUNIT_CASE(zonelists_ordinary),
	KUNIT_CASE(zonelists_private),
	KUNIT_CASE(zonelists_gone),
	KUNIT_CASE(alloc_orders),
	KUNIT_CASE(set_empty),
	KUNIT_CASE(set_ordinary),
	KUNIT_CASE(set_names_one),
	KUNIT_CASE(set_nearest),
	KUNIT_CASE(full_fail),
	KUNIT_CASE(full_fallback),
	KUNIT_CASE(full_fallback_outside),
	KUNIT_CASE(full_closing),
	KUNIT_CASE(full_atomic),
	KUNIT_CASE(refusals_fold),
	KUNIT_CASE(refusals_oldest),
	KUNIT_CASE(refusals_fair),
	KUNIT_CASE(refusals_atomic),
	KUNIT_CASE(refusals_shown),
	KUNIT_CASE(kexec_parts),
	KUNIT_CASE(kexec_segments),
	{ }
};

static struct kunit_suite private_node_suite = {
	.name = "private_node",
	.test_cases = private_node_cases,
};

kunit_test_suite(private_node_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for private memory nodes");
MODULE_LICENSE("GPL");
