// SPDX-License-Identifier: GPL-2.0-only
/* A driver that owns a private memory node; see docs/driver-guide.md. */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/private_node.h>

static unsigned long long start, size;
module_param(start, ullong, 0444);
MODULE_PARM_DESC(start, "physical address of the device's memory");
module_param(size, ullong, 0444);
MODULE_PARM_DESC(size, "its length in bytes, whole memory blocks");
static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "a possible node without CPUs and memory");

static struct private_node *pn;
static struct folio *ring;

static int __init example_init(void)
{
	const struct private_node_desc desc = {
		.owner = "pmn_example",
		.on_full = PRIVATE_NODE_FULL_FAIL,
		.on_unplug = PRIVATE_NODE_UNPLUG_MOVE,
	};
	int ret;

	pn = private_node_register(node, &desc);
	if (IS_ERR(pn))
		return PTR_ERR(pn);
	ret = add_private_memory_driver_managed(pn, start, size,
						"System RAM (pmn_example)",
						MHP_NONE, MMOP_ONLINE_MOVABLE);
	if (ret)
		goto err_unregister;
	ring = private_node_alloc_folio(pn, GFP_KERNEL | __GFP_ZERO, 4);
	if (!ring) {
		ret = -ENOMEM;
		goto err_remove;
	}
	pr_info("pmn_example: ring of 64 KiB on node %d\n", folio_nid(ring));
	return 0;

err_remove:
	WARN_ON(remove_private_memory_driver_managed(pn));
err_unregister:
	WARN_ON(private_node_unregister(pn));
	private_node_put(pn);
	return ret;
}

static void __exit example_exit(void)
{
	folio_put(ring);
	/* Moves user pages to ordinary memory, and fails whole on a pin. */
	while (remove_private_memory_driver_managed(pn))
		schedule_timeout_uninterruptible(HZ);
	private_node_unregister(pn);
	private_node_put(pn);
}

module_init(example_init);
module_exit(example_exit);
MODULE_DESCRIPTION("Example owner of a private memory node");
MODULE_LICENSE("GPL");
