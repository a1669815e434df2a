// SPDX-License-Identifier: GPL-2.0-only
/* Exports that only test modules need. */
#include <linux/export.h>
#include <linux/mm.h>

#include "../../internal.h"
#include "../../private_node/internal.h"
#include "../cram.h"

EXPORT_SYMBOL_FOR_MODULES(cram_nodes, "cram_kunit,private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(cram_key, "cram_kunit,private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(cram_reserve, "cram_kunit,private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(cram_unreserve, "cram_kunit,private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(cram_anon, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_has_room, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_credit_pages, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_may_take, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_stores, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_not_stored, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_copied_up, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_dropped_count, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_read_soon, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(cram_clear_broken, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_leaves, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_stayed, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_stored, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_takes, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_failed, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_may_reuse, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_batch_begin, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(__cram_batch_end, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_drain, "cram_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_exact_free_pages_nid, "cram_kunit");
