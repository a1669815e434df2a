// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what policies and services make of private memory nodes: who
 * is meant by a bind, the gates of mm/, the pool of huge pages, memory tiers.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/memory-tiers.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>

#include "../gate.h"
#include "../internal.h"
#include "../policy.h"
#include "../refusals.h"
#include "../tier.h"
#include "../zswap.h"
#include "kunit.h"

struct services_before {
	struct private_node *pn;
	unsigned long capable, enabled;
};

static void services_back(void *data)
{
	struct services_before *before = data;

	private_node_set_enabled(before->pn, before->enabled);
	before->pn->capable = before->capable;
}

/* A node with memory, able to do everything and closed, until the test ends. */
static struct private_node *with_services(struct kunit *test)
{
	struct private_node *pn = with_memory(test, 0);
	struct services_before *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	*before = (struct services_before){ pn, pn->capable, pn->enabled };
	pn->capable = ALL_SERVICES;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, services_back, before));
	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, 0));
	return pn;
}

/* Policies */

/* A bind means the registrations of its time, and a static one the owner's later ones. */
static void policy_births(struct kunit *test)
{
	struct private_node_desc desc = { .owner = "first" };
	int nid = free_nid(test, 0);
	struct private_node *pn = take(test, nid, &desc);
	struct mempolicy pol = {
		.mode = MPOL_BIND,
		.private_born = pn->born,
	};
	struct mempolicy fixed = pol;

	fixed.flags = MPOL_F_STATIC_NODES;
	KUNIT_EXPECT_TRUE(test, private_node_mpol_means(&pol, pn));
	KUNIT_EXPECT_TRUE(test, private_node_mpol_means(&fixed, pn));

	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	pn = take(test, nid, &desc);
	KUNIT_EXPECT_FALSE(test, private_node_mpol_means(&pol, pn));
	KUNIT_EXPECT_TRUE(test, private_node_mpol_means(&fixed, pn));

	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	desc.owner = "second";
	pn = take(test, nid, &desc);
	KUNIT_EXPECT_FALSE(test, private_node_mpol_means(&pol, pn));
	KUNIT_EXPECT_FALSE(test, private_node_mpol_means(&fixed, pn));
}

/* Does a policy of this mode and these flags take the private node out of all nodes? */
static bool binds(struct kunit *test, int nid, int mode, int flags)
{
	struct mempolicy pol = { .mode = mode, .flags = flags };
	nodemask_t only = nodemask_of_node(nid);
	nodemask_t all = NODE_MASK_ALL;

	if (!__private_node_mpol_bind(&pol, &all)) {
		KUNIT_EXPECT_EQ(test, flags, pol.flags);
		return false;
	}
	KUNIT_EXPECT_EQ(test, flags | MPOL_F_PRIVATE, pol.flags);
	KUNIT_EXPECT_TRUE(test, nodes_equal(only, pol.private_nodes));
	return true;
}

/* Of a mask with ordinary nodes only a bind names private ones, and not by position. */
static void policy_binds(struct kunit *test)
{
	struct private_node *pn = with_services(test);
	int mode;

	KUNIT_EXPECT_FALSE(test, binds(test, pn->nid, MPOL_BIND, 0));
	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, BIT(PRIVATE_NODE_USER_NUMA)));
	for (mode = MPOL_DEFAULT; mode < MPOL_MAX; mode++)
		KUNIT_EXPECT_EQ(test, mode == MPOL_BIND, binds(test, pn->nid, mode, 0));
	KUNIT_EXPECT_TRUE(test, binds(test, pn->nid, MPOL_BIND, MPOL_F_STATIC_NODES));
	KUNIT_EXPECT_FALSE(test, binds(test, pn->nid, MPOL_BIND, MPOL_F_RELATIVE_NODES));
}

/* Alone they are named by every mode that takes nodes; then it is local to all else. */
static void policy_names_alone(struct kunit *test)
{
	struct private_node *pn = with_services(test);
	nodemask_t only = nodemask_of_node(pn->nid);
	int mode;

	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, BIT(PRIVATE_NODE_USER_NUMA)));
	for (mode = MPOL_DEFAULT; mode < MPOL_MAX; mode++) {
		struct mempolicy pol = { .mode = mode };

		if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL) {
			KUNIT_EXPECT_FALSE(test, __private_node_mpol_bind(&pol, &only));
			continue;
		}
		KUNIT_EXPECT_TRUE(test, __private_node_mpol_bind(&pol, &only));
		KUNIT_EXPECT_EQ(test, mode == MPOL_BIND ? mode : MPOL_LOCAL, (int)pol.mode);
		KUNIT_EXPECT_EQ(test, mode, (int)private_node_mpol_mode(&pol));
		KUNIT_EXPECT_TRUE(test, nodes_empty(pol.nodes));
	}
}

/* Who finds nobody: the owner went between a look and the act, or the id has the next owner */

/* A policy that means neither a registration of the node id, nor ordinary nodes. */
static void gets_nothing(struct kunit *test, int nid, unsigned short mode)
{
	const enum private_node_service user = PRIVATE_NODE_USER_NUMA;
	const gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NOWARN;
	nodemask_t only = nodemask_of_node(nid), none = NODE_MASK_NONE, inside;
	struct mempolicy pol = {
		.mode = MPOL_BIND,
		.flags = MPOL_F_PRIVATE,
		.home_node = NUMA_NO_NODE,
		.private_nodes = only,
	};

	if (mode != MPOL_BIND) {
		pol.named_mode = mode;
		pol.mode = MPOL_LOCAL;
	}
	KUNIT_EXPECT_NULL(test, private_node_mpol_nearest(&pol));
	KUNIT_EXPECT_NULL(test, private_node_mpol_nearest_open(&pol));
	inside = private_node_mpol_enter(&pol, user);
	KUNIT_EXPECT_TRUE(test, nodes_empty(inside));
	inside = private_node_mpol_open(&pol);
	KUNIT_EXPECT_TRUE(test, nodes_empty(inside));
	inside = private_node_mpol_serves(&pol);
	KUNIT_EXPECT_TRUE(test, nodes_empty(inside));
	KUNIT_EXPECT_FALSE(test, private_node_mpol_closing(&pol));
	private_node_mpol_refused(&pol);
	KUNIT_EXPECT_NULL(test, private_node_mpol_alloc(&pol, gfp, 0, 0));
	KUNIT_EXPECT_NULL(test, private_node_mpol_try(&pol, gfp, 0, 0));
	KUNIT_EXPECT_NULL(test, private_node_mpol_move_alloc(&pol, gfp, 0, 0));
	KUNIT_EXPECT_TRUE(test, __private_node_mpol_spills(&pol, 0));
	KUNIT_EXPECT_TRUE(test, __private_node_mpol_spills(&pol, PMD_ORDER));
	KUNIT_EXPECT_EQ(test, NUMA_NO_NODE, private_node_spread_to(&pol, &none, 7));
	KUNIT_EXPECT_NULL(test, private_node_spread(&pol, &none, GFP_KERNEL, 0, 7));
	private_node_tell(&pol, "is a test of what is said",
			  PRIVATE_NODE_ACT_MAP);
	private_node_tell_pool(&pol, NUMA_NO_NODE, "is a test of what is said");
	if (mode == MPOL_BIND)
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				PTR_ERR_OR_ZERO(private_node_hugetlb_taken(&pol, &none, NULL)));
}

static void policy_gone(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "first",
		.capable = BIT(PRIVATE_NODE_USER_NUMA),
		.enabled = BIT(PRIVATE_NODE_USER_NUMA),
	};
	static const unsigned short modes[] = {
		MPOL_BIND, MPOL_PREFERRED, MPOL_WEIGHTED_INTERLEAVE,
	};
	int nid = free_nid(test, 0), i;

	/* So that there is one: without any, no policy names a private node. */
	take(test, free_nid(test, 1), &desc);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		gets_nothing(test, nid, modes[i]);
	desc.owner = "second";
	take(test, nid, &desc);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		gets_nothing(test, nid, modes[i]);
}

/* A node id without an owner is open to nobody, and its pages are nobody's. */
static void gate_of_nobody(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct private_node_gate *gate = NULL;
	int nid = free_nid(test, 0), ret = 0;
	nodemask_t only = nodemask_of_node(nid), inside = NODE_MASK_NONE;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_FALSE(test, __private_node_enter_reclaim(nid, &gate));
	KUNIT_EXPECT_TRUE(test, __private_node_reclaim_stops(nid));
	KUNIT_EXPECT_FALSE(test, __private_node_enter_compaction(nid, -1, &gate));
	KUNIT_EXPECT_FALSE(test, __private_node_enter_compaction(nid, 3, &gate));
	KUNIT_EXPECT_FALSE(test, __private_node_enter_hint(nid, first_online_node, &gate));
	KUNIT_EXPECT_NULL(test, gate);
	KUNIT_EXPECT_NULL(test, private_node_enter_nid(-1, PRIVATE_NODE_USER_OWNER));
	KUNIT_EXPECT_NULL(test, private_node_enter_nid(MAX_NUMNODES, PRIVATE_NODE_USER_OWNER));
	KUNIT_EXPECT_NULL(test, private_node_enter_nid(nid, PRIVATE_NODE_USER_OWNER));
	KUNIT_EXPECT_FALSE(test, private_node_shuts(&only, PRIVATE_NODE_USER_OWNER));
	KUNIT_EXPECT_FALSE(test, private_node_reclaim(&only, GFP_KERNEL, 0));
	KUNIT_EXPECT_FALSE(test, private_node_reclaim(&only, GFP_ATOMIC, 0));
	__private_node_reclaimed(nid, 1);
	private_node_not_reclaimed(nid);
	KUNIT_EXPECT_NULL(test, private_node_user_alloc(nid, GFP_KERNEL, 0));
	KUNIT_EXPECT_FALSE(test, private_node_pin(nid));
	KUNIT_EXPECT_NULL(test, private_node_collapse_alloc(nid, GFP_KERNEL, PMD_ORDER));
	KUNIT_EXPECT_EQ(test, -ENODEV, private_node_pool_begin(nid, PMD_ORDER, 1, &inside));
	KUNIT_EXPECT_NULL(test, private_node_hugetlb_alloc(nid, PMD_ORDER, &ret));
	KUNIT_EXPECT_EQ(test, -ENODEV, ret);
	private_node_zswap_forget(nid);
	__private_node_device_added(nid);
	__private_node_device_removed(nid);
	/* An ordinary page. */
	KUNIT_EXPECT_FALSE(test, private_node_mark(folio));
	KUNIT_EXPECT_FALSE(test, private_node_page_is_guest(&folio->page));
	KUNIT_EXPECT_NULL(test, private_node_replace(folio, GFP_KERNEL, 0));
#ifdef CONFIG_MEMORY_FAILURE
	private_node_memory_failure(folio_pfn(folio), true, -EIO);
	private_node_memory_failure(folio_pfn(folio), true, -EOPNOTSUPP);
	private_node_memory_failure(PHYS_PFN(NO_MEMORY_HERE), true, -EIO);
#endif
	KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
	folio_put(folio);
	KUNIT_EXPECT_FALSE(test, node_is_private(nid));
}

/* The pool of huge pages of a node: closed, too large, and while the node is being unplugged. */
static void pool_refused(struct kunit *test)
{
	struct private_node *pn = with_services(test);
	nodemask_t inside = NODE_MASK_NONE;
	const unsigned int order = PMD_ORDER;
	int nid = pn->nid, ret = 0;

	KUNIT_EXPECT_EQ(test, 0, private_node_pool_begin(nid, order, 0, &inside));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, private_node_pool_begin(nid, order, 1, &inside));
	KUNIT_EXPECT_NULL(test, private_node_hugetlb_alloc(nid, order, &ret));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, ret);
	KUNIT_EXPECT_TRUE(test, nodes_empty(inside));
	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, BIT(PRIVATE_NODE_USER_NUMA) |
							      BIT(PRIVATE_NODE_HUGETLB)));
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_CONTIG_ALLOC) ? -ENOMEM : -EINVAL,
			private_node_pool_begin(nid, MAX_PAGE_ORDER + 1, LONG_MAX, &inside));
	KUNIT_EXPECT_EQ(test, 0, private_node_pool_begin(nid, order, 1, &inside));
	KUNIT_EXPECT_TRUE(test, node_isset(nid, inside));
	KUNIT_EXPECT_EQ(test, 0, private_node_pools_shut(&inside, order));
	KUNIT_ASSERT_TRUE(test, step(pn, PRIVATE_NODE_CLOSING));
	KUNIT_EXPECT_EQ(test, -EAGAIN, private_node_pools_shut(&inside, order));
	private_node_pools_end(&inside);
	inside = NODE_MASK_NONE;
	KUNIT_EXPECT_EQ(test, -EAGAIN, private_node_pool_begin(nid, order, 0, &inside));
	KUNIT_EXPECT_EQ(test, -EAGAIN, private_node_pool_begin(nid, order, 1, &inside));
	KUNIT_EXPECT_NULL(test, private_node_hugetlb_alloc(nid, order, &ret));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ret);
	KUNIT_EXPECT_TRUE(test, nodes_empty(inside));
	KUNIT_ASSERT_TRUE(test, step(pn, PRIVATE_NODE_LIVE));
}

/* Tiers */

/* How often a walk from @from over all nodes of the tiers meets @nid. */
static int met(struct kunit *test, int from, int nid)
{
	nodemask_t used = NODE_MASK_NONE;
	int node, nr = 0, left = MAX_NUMNODES;

	while ((node = private_node_next_tier_node(from, &used)) != NUMA_NO_NODE && left--)
		nr += node == nid;
	KUNIT_EXPECT_EQ(test, NUMA_NO_NODE, node);
	KUNIT_EXPECT_TRUE(test, nodes_subset(node_states[N_MEMORY], used));
	return nr;
}

/* A node is in the tiers as long as it is open to demotion. */
static void tiers_of_the_open(struct kunit *test)
{
	struct private_node *pn = with_services(test);
	int from = first_node(node_states[N_MEMORY]);

	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, BIT(PRIVATE_NODE_RECLAIM)));
	KUNIT_EXPECT_FALSE(test, __private_node_in_tiers(pn->nid));
	KUNIT_EXPECT_FALSE(test, node_isset(pn->nid, private_node_tier_nodes));
	KUNIT_EXPECT_EQ(test, 0, met(test, from, pn->nid));

	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, closure(PRIVATE_NODE_DEMOTION)));
	KUNIT_EXPECT_TRUE(test, __private_node_in_tiers(pn->nid));
	KUNIT_EXPECT_TRUE(test, node_isset(pn->nid, private_node_tier_nodes));
	KUNIT_EXPECT_EQ(test, 1, met(test, from, pn->nid));

	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, 0));
	KUNIT_EXPECT_FALSE(test, __private_node_in_tiers(pn->nid));
	KUNIT_EXPECT_FALSE(test, node_isset(pn->nid, private_node_tier_nodes));
}

/*
 * What an administrator wrote comes first, then what the owner said; without
 * either memory is slower than DRAM.
 */
static void tiers_distance(struct kunit *test)
{
	struct private_node_desc desc = {
		.owner = "kunit",
		.adistance = 2 * MEMTIER_ADISTANCE_DRAM,
	};
	int nid = free_nid(test, 0);
	struct private_node *pn;

	pn = take(test, nid, &desc);
	KUNIT_EXPECT_EQ(test, desc.adistance, private_node_adistance(pn));
	pn->adistance = 3 * MEMTIER_ADISTANCE_DRAM;
	KUNIT_EXPECT_EQ(test, pn->adistance, private_node_adistance(pn));

	KUNIT_ASSERT_EQ(test, 0, private_node_unregister(pn));
	desc.adistance = 0;
	pn = take(test, nid, &desc);
	KUNIT_EXPECT_GT(test, private_node_adistance(pn),
			MEMTIER_ADISTANCE_DRAM);
}

/* Of two drivers on one node only the first one's type counts. */
static void tiers_counted(struct kunit *test)
{
	struct memory_dev_type *first = alloc_memory_type(1000);
	struct memory_dev_type *second = alloc_memory_type(2000);
	int nid = free_nid(test, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);
	init_node_memory_type(nid, first);
	init_node_memory_type(nid, second);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&first->kref));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&second->kref));

	clear_node_memory_type(nid, second);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&first->kref));
	clear_node_memory_type(nid, first);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&first->kref));
	/* The first one has left before. */
	clear_node_memory_type(nid, second);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&second->kref));
	put_memory_type(first);
	put_memory_type(second);
}

/*
 * Whatever the way in: while a page is looked for, who closes the node or the
 * service waits.
 */

/* Would closing the gate have to wait for somebody? */
static bool somebody_is_inside(struct private_node *pn, enum private_node_service user)
{
	struct percpu_ref *ref = &pn->gate[user].ref;
	bool inside;

	guard(mutex)(&pn->lock);
	if (!pn->gate[user].open)
		return false;
	percpu_ref_switch_to_atomic_sync(ref);
	percpu_ref_kill(ref);
	inside = !percpu_ref_is_zero(ref);
	if (inside)
		percpu_ref_resurrect(ref);
	else
		percpu_ref_reinit(ref);
	percpu_ref_switch_to_percpu(ref);
	return inside;
}

struct way {
	const char *name;
	enum private_node_service user;
	void (*go)(struct private_node *pn);
};

#define WAY_GFP (GFP_NOWAIT | __GFP_NOWARN)

static void put_if(struct folio *folio)
{
	if (folio)
		folio_put(folio);
}

static void by_owner(struct private_node *pn)
{
	put_if(private_node_alloc_folio(pn, WAY_GFP, 0));
}

static void by_set(struct private_node *pn)
{
	put_if(private_node_alloc_folio_set(&pn, 1, NULL, WAY_GFP, 0));
}

static void by_device_map(struct private_node *pn)
{
	put_if(private_node_alloc_for(pn, WAY_GFP, 0, PRIVATE_NODE_USER_DEVICE_MAP));
}

static void by_policy(struct private_node *pn)
{
	struct mempolicy pol = {
		.mode = MPOL_BIND,
		.flags = MPOL_F_PRIVATE,
		.home_node = NUMA_NO_NODE,
		.private_nodes = nodemask_of_node(pn->nid),
		.private_born = private_node_births(),
	};

	put_if(private_node_mpol_alloc(&pol, WAY_GFP, 0, NO_INTERLEAVE_INDEX));
}

static void by_move(struct private_node *pn)
{
	put_if(private_node_user_alloc(pn->nid, WAY_GFP, 0));
}

static void by_demotion(struct private_node *pn)
{
	put_if(private_node_alloc_for(pn, WAY_GFP, 0, PRIVATE_NODE_DEMOTION));
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static void by_collapse(struct private_node *pn)
{
	put_if(private_node_collapse_alloc(pn->nid, WAY_GFP, HPAGE_PMD_ORDER));
}
#endif

#ifdef CONFIG_HUGETLB_PAGE
static void by_pool(struct private_node *pn)
{
	int ret;

	put_if(private_node_hugetlb_alloc(pn->nid, HPAGE_PMD_ORDER, &ret));
}
#endif

#ifdef CONFIG_ZSWAP
static void by_zswap(struct private_node *pn)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long handle;

	if (!page)
		return;
	/* For a second after named memory found no room, guests stay out. */
	msleep(1200);
	private_node_zswap_nid = pn->nid;
	if (__private_node_zswap_store(page, &handle))
		private_node_zswap_free(handle);
	private_node_zswap_nid = NUMA_NO_NODE;
	__free_page(page);
}
#endif

static const struct way ways[] = {
	{ "owner", PRIVATE_NODE_USER_OWNER, by_owner },
	{ "owner's set", PRIVATE_NODE_USER_OWNER, by_set },
	{ "device map", PRIVATE_NODE_USER_DEVICE_MAP, by_device_map },
	{ "policy", PRIVATE_NODE_USER_NUMA, by_policy },
	{ "move_pages()", PRIVATE_NODE_USER_NUMA, by_move },
	{ "demotion", PRIVATE_NODE_DEMOTION, by_demotion },
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	{ "collapse", PRIVATE_NODE_THP, by_collapse },
#endif
#ifdef CONFIG_HUGETLB_PAGE
	{ "pool", PRIVATE_NODE_HUGETLB, by_pool },
#endif
#ifdef CONFIG_ZSWAP
	{ "zswap", PRIVATE_NODE_DEMOTION, by_zswap },
#endif
};

KUNIT_ARRAY_PARAM_DESC(ways, ways, name);

/* The way that is tried, and what the stand-ins saw. */
static struct {
	struct private_node *pn;
	enum private_node_service user;
	int calls, inside;
} passing;

static void look_at_gate(void)
{
	passing.calls++;
	passing.inside += somebody_is_inside(passing.pn, passing.user);
}

static struct page *finds_none(int from, const nodemask_t *nodes, gfp_t gfp,
			       unsigned int order)
{
	look_at_gate();
	return NULL;
}

static struct private_node *on_the_way(struct kunit *test, enum private_node_service user)
{
	struct private_node *pn = with_services(test);

	KUNIT_ASSERT_EQ(test, 0, private_node_set_enabled(pn, ALL_SERVICES));
	passing.pn = pn;
	passing.user = user;
	passing.calls = 0;
	passing.inside = 0;
	KUNIT_ASSERT_FALSE(test, somebody_is_inside(pn, user));
	return pn;
}

static void gate_of_each_way(struct kunit *test)
{
	const struct way *way = test->param_value;
	struct private_node *pn = on_the_way(test, way->user);

	kunit_activate_static_stub(test, private_node_take_free, finds_none);
	way->go(pn);
	kunit_deactivate_static_stub(test, private_node_take_free);
	KUNIT_EXPECT_GT(test, passing.calls, 0);
	KUNIT_EXPECT_EQ(test, passing.calls, passing.inside);
	KUNIT_EXPECT_FALSE(test, somebody_is_inside(pn, way->user));
}

#ifdef CONFIG_ZSWAP
static bool copies_nothing(struct folio *folio, struct page *page)
{
	look_at_gate();
	return true;
}

/* zswap writes to the page after it was allocated. */
static void gate_of_a_store(struct kunit *test)
{
	struct private_node *pn = on_the_way(test, PRIVATE_NODE_DEMOTION);

	kunit_activate_static_stub(test, private_node_zswap_copy, copies_nothing);
	by_zswap(pn);
	kunit_deactivate_static_stub(test, private_node_zswap_copy);
	KUNIT_EXPECT_EQ(test, 1, passing.calls);
	KUNIT_EXPECT_EQ(test, 1, passing.inside);
}
#endif

static struct kunit_case private_node_services_cases[] = {
	KUNIT_CASE(policy_births),
	KUNIT_CASE(policy_binds),
	KUNIT_CASE(policy_names_alone),
	KUNIT_CASE(policy_gone),
	KUNIT_CASE(gate_of_nobody),
	KUNIT_CASE(pool_refused),
	KUNIT_CASE_PARAM(gate_of_each_way, ways_gen_params),
#ifdef CONFIG_ZSWAP
	KUNIT_CASE(gate_of_a_store),
#endif
	KUNIT_CASE(tiers_of_the_open),
	KUNIT_CASE(tiers_distance),
	KUNIT_CASE(tiers_counted),
	{ }
};

static struct kunit_suite private_node_services_suite = {
	.name = "private_node_services",
	.test_cases = private_node_services_cases,
};

kunit_test_suite(private_node_services_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for policies and services of private memory nodes");
MODULE_LICENSE("GPL");
