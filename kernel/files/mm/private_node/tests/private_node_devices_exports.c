// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports for private_node_devices_kunit.
 */
#include <linux/export.h>
#include <linux/private_node.h>

EXPORT_SYMBOL_FOR_MODULES(private_node_device_get, "private_node_devices_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_device_put, "private_node_devices_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_device_nid, "private_node_devices_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_device_enter, "private_node_devices_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_device_leave, "private_node_devices_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_device_alloc, "private_node_devices_kunit");
