// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is told of a change of a private node: struct private_node_subscriber.
 */
#include "internal.h"

const struct private_node_subscriber *const private_node_subscribers[] = {
	&private_node_marks_subscriber,
	&private_node_threads_subscriber,
	&private_node_tier_subscriber,
	&private_node_promote_subscriber,
#if IS_ENABLED(CONFIG_ZSWAP)
	&private_node_zswap_subscriber,
#endif
	&private_node_device_subscriber,
	&private_node_sysfs_subscriber,
	&private_node_devmap_subscriber,
	NULL
};
