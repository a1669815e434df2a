/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit tests of private memory nodes share: nodes to test with, which
 * go back as they were when the test ends.
 */
#ifndef MM_PRIVATE_NODE_TESTS_KUNIT_H
#define MM_PRIVATE_NODE_TESTS_KUNIT_H

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include "../internal.h"

/* No such address exists on a machine with KUnit. */
#define NO_MEMORY_HERE	(64ULL * SZ_1G)
#define ALL_SERVICES	(BIT(PRIVATE_NODE_NR_SERVICES) - 1)

static bool usable(int nid)
{
	return !node_state(nid, N_MEMORY) && !node_is_private(nid) &&
	       cpumask_empty(cpumask_of_node(nid));
}

/* The @nth node id that can be registered, or the test is skipped. */
static int free_nid(struct kunit *test, int nth)
{
	int nid;

	for_each_node(nid)
		if (usable(nid) && !nth--)
			return nid;
	kunit_skip(test, "boot with private_node_spare=2");
	return NUMA_NO_NODE;
}

static void give_back(void *pn)
{
	private_node_unregister(pn);
	private_node_put(pn);
}

/* Registered until the test ends, at the latest. */
static struct private_node *take(struct kunit *test, int nid,
				 const struct private_node_desc *desc)
{
	struct private_node *pn = private_node_register(nid, desc);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pn);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, give_back, pn));
	return pn;
}

static void put_handle(void *pn)
{
	private_node_put(pn);
}

/* A node that boot made private and that has memory, or skip. */
static struct private_node *with_memory(struct kunit *test, int nth)
{
	struct private_node *pn;
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE) {
		if (nth--)
			continue;
		pn = private_node_find(nid);
		KUNIT_ASSERT_NOT_NULL(test, pn);
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_handle, pn));
		return pn;
	}
	kunit_skip(test, "boot with private_node= for enough nodes");
	return NULL;
}

static bool __maybe_unused step(struct private_node *pn, enum private_node_state state)
{
	guard(mutex)(&pn->lock);
	return private_node_set_state(pn, state);
}

/* @service and all that it needs, directly or not. */
static unsigned long __maybe_unused closure(int service)
{
	unsigned long mask = BIT(service);
	unsigned long before;
	int i;

	do {
		before = mask;
		for_each_set_bit(i, &before, PRIVATE_NODE_NR_SERVICES)
			mask |= private_node_services[i].needs;
	} while (mask != before);
	return mask;
}

#endif /* MM_PRIVATE_NODE_TESTS_KUNIT_H */
