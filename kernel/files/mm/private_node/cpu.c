// SPDX-License-Identifier: GPL-2.0-only
/*
 * A private node has no CPU that is online.
 *
 * A node with an online CPU cannot become private, see private_node_obstacle().
 * While a node is private none of its CPUs comes online, neither one that is
 * offline nor one that is plugged in later.  Otherwise the local memory of that
 * CPU would be memory that it may not use, and the node would be in the top
 * memory tier, from which nothing is promoted.
 *
 * Both checks run under the CPU hotplug lock, which mem_hotplug_begin() takes,
 * so a CPU cannot come online while its node becomes private.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/topology.h>

#include "internal.h"
#include "refusals.h"

/* CPU hotplug callback: called before @cpu comes online, may fail. */
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

/*
 * The CPUs that boot brought up are online already; private_node_boot_verdict()
 * has checked those.
 */
static int __init private_node_cpu_init(void)
{
	int ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
					    "mm/private_node:prepare",
					    refuse_cpu, NULL);

	return ret < 0 ? ret : 0;
}
subsys_initcall(private_node_cpu_init);
