// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes that the command line makes private, and spare node ids.
 *
 *	private_node=<nid>[:<word>,...]		repeatable
 *	private_node_spare=<n>
 *
 * A word is a service that is open from the start; or
 * capable=<service>[+<service>...], the services that the memory can stand (all
 * if it is not given); or access=any|named.  A word that is not understood
 * makes the node private with no service open, which is safe: the administrator
 * can open services later.
 *
 * A node goes through these steps.  Each is called once, but claim is called as
 * often as the architecture sets up NUMA:
 *
 *	claim	memblock has learnt node ids: latch the node, so that memblock
 *		takes nothing from it, and the node never enters N_MEMORY
 *	verdict	memblock is about to be handed over: can the node be private?
 *		If not, it becomes ordinary, before a zonelist is built
 *	release	its free pages go to the buddy
 *	register	the handle, owner "boot"
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cma.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <asm/sections.h>
#include <asm/setup.h>

#ifdef CONFIG_CMA
#include "../cma.h"
#endif
#include "internal.h"
#include "refusals.h"

/* Nodes that the command line names, whether they can be private or not. */
static nodemask_t requested __initdata;
/* By node: services to open, and services of capable= (0: not given). */
static unsigned long services[MAX_NUMNODES] __initdata;
static unsigned long stands[MAX_NUMNODES] __initdata;
/* Nodes with access=named, and nodes with a word that was not understood. */
static nodemask_t named __initdata;
static nodemask_t not_understood __initdata;
static unsigned int nr_spare __initdata;
/* Did the architecture call private_node_boot_claim()? */
static bool asked __initdata;
/* Is memblock giving its pages to the buddy allocator, or has it done so? */
static bool released;

nodemask_t private_node_spare_map;

static bool __init parse_capable(int nid, char *list)
{
	char *name;
	int ret;

	while ((name = strsep(&list, "+"))) {
		ret = private_node_parse_service(name, strlen(name));
		if (ret < 0)
			return false;
		stands[nid] |= BIT(ret);
	}
	return true;
}

static bool __init parse_word(int nid, char *word)
{
	int ret;

	if (str_has_prefix(word, "capable="))
		return parse_capable(nid, word + strlen("capable="));
	if (str_has_prefix(word, "access=")) {
		ret = match_string(private_node_access_names,
				   PRIVATE_NODE_NR_ACCESS,
				   word + strlen("access="));
		if (ret == PRIVATE_NODE_ACCESS_NAMED)
			node_set(nid, named);
		return ret >= 0;
	}
	ret = private_node_parse_service(word, strlen(word));
	if (ret < 0)
		return false;
	services[nid] |= BIT(ret);
	return true;
}

static void __init parse_words(int nid, char *list)
{
	char shown[32], *word;

	while ((word = strsep(&list, ","))) {
		strscpy(shown, word);
		if (parse_word(nid, word))
			continue;
		pr_err("node %d: private and closed: '%s' is neither a service nor access=any|named nor capable=<service>[+<service>...]; open services in node%d/private/enabled\n",
		       nid, shown, nid);
		node_set(nid, not_understood);
	}
}

static int __init parse_private_node(char *arg)
{
	static char buf[COMMAND_LINE_SIZE] __initdata;
	unsigned int nid;
	char *list = buf;
	char *number;

	if (!arg || strscpy(buf, arg) < 0) {
		pr_err("private_node= ignored: give <nid>[:<word>,...]\n");
		return 0;
	}
	number = strsep(&list, ":");
	if (kstrtouint(number, 10, &nid)) {
		pr_err("private_node=%s ignored: '%s' is not a node id\n", arg,
		       number);
		return 0;
	}
	if (nid >= MAX_NUMNODES) {
		pr_err("private_node=%s ignored: node ids end at %d\n", arg,
		       MAX_NUMNODES - 1);
		return 0;
	}
	node_set(nid, requested);
	if (list)
		parse_words(nid, list);
	return 0;
}
early_param("private_node", parse_private_node);

static int __init parse_spare(char *arg)
{
	if (!arg || kstrtouint(arg, 10, &nr_spare) || nr_spare >= MAX_NUMNODES) {
		pr_err("private_node_spare=%s ignored: give a number below %d\n",
		       arg ?: "", MAX_NUMNODES);
		nr_spare = 0;
	}
	return 0;
}
early_param("private_node_spare", parse_spare);

/**
 * private_node_boot_requested - does the command line ask for a private node?
 *
 * If so, allocations have to stay near the kernel image until memblock knows
 * which memory is on which node.
 *
 * Context: boot, after early parameters.
 * Return: true if private_node= names a node.
 */
bool __init private_node_boot_requested(void)
{
	return !nodes_empty(requested);
}

static bool __init node_overlaps(int nid, phys_addr_t start, phys_addr_t end)
{
	unsigned long start_pfn, end_pfn;
	int i;

	for_each_mem_pfn_range(i, nid, &start_pfn, &end_pfn, NULL)
		if (PFN_PHYS(start_pfn) < end && start < PFN_PHYS(end_pfn))
			return true;
	return false;
}

static bool __init node_has_memblock(int nid)
{
	return node_overlaps(nid, 0, PHYS_ADDR_MAX);
}

static bool __init node_claimable(int nid, const nodemask_t *ordinary)
{
	nodemask_t others = *ordinary;

	node_clear(nid, others);
	if (!node_has_memblock(nid))
		pr_err("node %d: cannot be private: unknown node, or no memory\n",
		       nid);
	else if (node_overlaps(nid, __pa_symbol(_text), __pa_symbol(_end)))
		pr_err("node %d left ordinary: holds the kernel image; boot with nokaslr, or have the boot loader put the kernel on another node\n",
		       nid);
	else if (nodes_empty(others))
		pr_err("node %d left ordinary: it is the last ordinary node\n",
		       nid);
	else
		return true;
	return false;
}

static void __init claim_spares(void)
{
	unsigned int left;
	int nid = 0;

	nodes_clear(private_node_spare_map);
	for (left = nr_spare; left; left--) {
		nid = find_next_zero_bit(node_possible_map.bits, MAX_NUMNODES,
					 nid);
		if (nid >= MAX_NUMNODES) {
			pr_err("private_node_spare=%u: only %u node ids left\n",
			       nr_spare, nr_spare - left);
			return;
		}
		node_set(nid, node_possible_map);
		node_set(nid, private_node_spare_map);
	}
	if (nr_spare)
		pr_info("spare nodes %*pbl\n",
			nodemask_pr_args(&private_node_spare_map));
}

/**
 * private_node_boot_claim - latch the nodes that the command line names
 *
 * Called each time that memblock was told node ids.  Each call starts afresh,
 * so the last one counts.
 *
 * Context: boot, one CPU.
 */
void __init private_node_boot_claim(void)
{
	nodemask_t ordinary = NODE_MASK_NONE;
	int nid;

	asked = true;
	nodes_clear(private_node_map);
	claim_spares();
	for (nid = 0; nid < MAX_NUMNODES; nid++)
		if (node_has_memblock(nid))
			node_set(nid, ordinary);
	for_each_node_mask(nid, requested) {
		if (!node_claimable(nid, &ordinary))
			continue;
		node_clear(nid, ordinary);
		node_set(nid, private_node_map);
	}
	if (!nodes_empty(private_node_map))
		static_branch_enable(&private_node_key);
}

/**
 * private_node_boot_skip - must memblock hand out no memory of this node?
 * @nid: node of a memblock region, or no valid node id
 * @memblock_flags: MEMBLOCK_* of the walk over memblock's regions
 *
 * Walks over all regions, for_each_mem_range(), pass MEMBLOCK_HOTPLUG and still
 * see the node; allocations do not pass it.
 *
 * Context: boot; also after it where memblock is kept.
 * Return: true if the region must be skipped.
 */
bool private_node_boot_skip(int nid, int memblock_flags)
{
	return numa_valid_node(nid) && !released &&
	       !(memblock_flags & MEMBLOCK_HOTPLUG) && node_is_private(nid);
}

static bool __init has_cpus(int nid)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (cpu_to_node(cpu) == nid)
			return true;
	return false;
}

#ifdef CONFIG_CMA
static int __init cma_on_node(struct cma *cma, void *data)
{
	int nid = *(int *)data;
	int i;

	for (i = 0; i < cma->nranges; i++) {
		phys_addr_t start = PFN_PHYS(cma->ranges[i].base_pfn);

		if (node_overlaps(nid, start,
				  start + PFN_PHYS(cma->ranges[i].count)))
			return 1;
	}
	return 0;
}

static bool __init hosts_cma(int nid)
{
	return cma_for_each_area(cma_on_node, &nid);
}
#else
static bool __init hosts_cma(int nid)
{
	return false;
}
#endif

/* Is this the initrd?  It is no obstacle, since it is freed after unpacking. */
static bool __init is_initrd(phys_addr_t start, phys_addr_t end)
{
#ifdef CONFIG_BLK_DEV_INITRD
	return initrd_start && start >= round_down(__pa(initrd_start), PAGE_SIZE) &&
	       end <= round_up(__pa(initrd_end), PAGE_SIZE);
#else
	return false;
#endif
}

static bool __init has_boot_memory(int nid, phys_addr_t *start,
				   phys_addr_t *end)
{
	u64 i;

	for_each_reserved_mem_range(i, start, end)
		if (node_overlaps(nid, *start, *end) &&
		    !is_initrd(*start, *end))
			return true;
	return false;
}

static bool __init stays_private(int nid)
{
	phys_addr_t start, end;

	if (has_cpus(nid)) {
		pr_err("node %d left ordinary: it has CPUs\n", nid);
		return false;
	}
	if (hosts_cma(nid)) {
		pr_err("node %d left ordinary: it hosts a CMA area\n", nid);
		return false;
	}
	if (has_boot_memory(nid, &start, &end)) {
		end--;
		pr_err("node %d left ordinary: boot memory at [mem %pa-%pa] cannot be taken back\n",
		       nid, &start, &end);
		return false;
	}
	return true;
}

static void __init make_ordinary(int nid)
{
	struct pglist_data *pgdat = NODE_DATA(nid);
	int i;

	node_clear(nid, private_node_map);
	node_clear_state(nid, N_MEMORY_PRIVATE);
	node_set_state(nid, N_MEMORY);
	for (i = 0; i <= ZONE_NORMAL; i++)
		if (populated_zone(&pgdat->node_zones[i]))
			node_set_state(nid, N_NORMAL_MEMORY);
}

/**
 * private_node_boot_memory - put a latched node with memory in N_MEMORY_PRIVATE
 * @nid: node id
 *
 * Context: boot, one CPU, when node states are set up.
 */
void __init private_node_boot_memory(int nid)
{
	node_set_state(nid, N_MEMORY_PRIVATE);
}

/**
 * private_node_boot_verdict - make nodes ordinary that cannot be private
 *
 * These are nodes with CPUs, with a CMA area or with boot memory other than the
 * initrd.  The log says which and why.
 *
 * Context: boot, one CPU; CPUs know their nodes, no zonelist is built yet.
 */
void __init private_node_boot_verdict(void)
{
	nodemask_t claimed = private_node_map;
	int nid;

	for_each_node_mask(nid, claimed)
		if (!stays_private(nid))
			make_ordinary(nid);
	nr_online_nodes_update();
}

/**
 * private_node_boot_release - let memblock give private pages to the buddy
 *
 * From now on private_node_boot_skip() skips nothing.
 *
 * Context: boot, one CPU.
 */
void __init private_node_boot_release(void)
{
	released = true;
}

/**
 * private_node_boot_totalram - take private pages out of MemTotal
 *
 * Context: boot, one CPU, after memblock_free_all() has counted them.
 */
void __init private_node_boot_totalram(void)
{
	int nid;

	for_each_node_mask(nid, private_node_map)
		totalram_pages_add(-private_node_managed_pages_nid(nid));
}

/*
 * Called when all options were parsed: private_node= may be given several times
 * for one node, and a service of one may depend on a service of another.
 */
static void __init choose_services(int nid, struct private_node_desc *desc)
{
	const unsigned long all = GENMASK(PRIVATE_NODE_NR_SERVICES - 1, 0);
	unsigned long open = services[nid], lacks;
	const char *missing;
	int bad;

	desc->capable = stands[nid] ?: all;
	desc->enabled = 0;
	desc->access = node_isset(nid, named) ? PRIVATE_NODE_ACCESS_NAMED :
						PRIVATE_NODE_ACCESS_ANY;
	if (node_isset(nid, not_understood))
		return;
	lacks = open & ~desc->capable;
	bad = private_node_check_services(open, &missing);
	if (lacks)
		pr_err("node %d: private and closed: capable= leaves out service %s, which is to be open\n",
		       nid, private_node_services[__ffs(lacks)].name);
	else if (bad)
		pr_err("node %d: private and closed: service %s needs %s\n",
		       nid, private_node_services[bad - 1].name, missing);
	else
		desc->enabled = open;
}

static int __init private_node_boot_register(void)
{
	struct private_node_desc desc = { .owner = "boot" };
	struct private_node *pn;
	int nid;

	if (!asked && (!nodes_empty(requested) || nr_spare))
		pr_err("private_node= and private_node_spare= ignored: this machine's nodes are not known in time; every node is ordinary\n");
	for_each_node_mask(nid, requested)
		if (!node_isset(nid, private_node_map))
			private_node_record(.nid = nid, .owner = desc.owner,
					    .act = PRIVATE_NODE_ACT_REGISTER,
					    .why = PRIVATE_NODE_WHY_BUSY);
	for_each_node_mask(nid, private_node_map) {
		choose_services(nid, &desc);
		pn = private_node_do_register(nid, &desc, true);
		/* The latch stays: without a handle nobody gets the memory. */
		if (IS_ERR(pn))
			pr_err("node %d: closed, cannot be registered: %ld\n",
			       nid, PTR_ERR(pn));
	}
	return 0;
}
subsys_initcall(private_node_boot_register);
