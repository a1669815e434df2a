// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processors and private nodes exclude each other.
 *
 * A node that has a CPU online does not become private, see
 * private_node_obstacle().  And while a node is private its CPUs do not come
 * online, neither those that are offline nor those that are plugged in later:
 * the local memory of such a CPU would be memory that it may not have, and a
 * tier with a CPU is the top tier, from which nothing is promoted.
 *
 * Both checks hold the CPU hotplug lock, which mem_hotplug_begin() takes.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/topology.h>

#include "private_node.h"
#include "refusals.h"

static int refuse_cpu(unsigned int cpu)
{
	int nid = cpu_to_node(cpu);
	struct private_node *pn;

	if (!numa_valid_node(nid) || !node_is_private(nid))
		return 0;
	pn = private_node_find(nid);
	private_node_record(.nid = nid, .owner = pn ? pn->owner : NULL,
			    .act = PRIVATE_NODE_ACT_CPU,
			    .why = PRIVATE_NODE_WHY_PRIVATE);
	pr_err("cpu %u stays offline: its node %d is private, of %s; unplug that memory first\n",
	       cpu, nid, pn ? pn->owner : "nobody");
	private_node_put(pn);
	return -EBUSY;
}

/* Runs after boot has brought CPUs up; boot.c has looked at those. */
static int __init private_node_cpu_init(void)
{
	int ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
					    "mm/private_node:prepare",
					    refuse_cpu, NULL);

	return ret < 0 ? ret : 0;
}
subsys_initcall(private_node_cpu_init);
