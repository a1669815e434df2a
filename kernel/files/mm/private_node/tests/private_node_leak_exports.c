// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports for the test modules of private memory nodes.
 */
#include <linux/export.h>
#include <linux/gfp.h>

#include "../../internal.h"
#include "../../page_alloc.h"
#include "../internal.h"

EXPORT_SYMBOL_FOR_MODULES(alloc_pages_exact_nid_noprof, "private_node_leak");
EXPORT_SYMBOL_FOR_MODULES(private_node_alloc_frozen, "private_node_hold,cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(free_frozen_pages, "private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(private_node_boot_plug, "private_node_kunit");
