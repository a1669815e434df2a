// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports for private_node_services_kunit.
 */
#include <linux/export.h>

#include "../gate.h"
#include "../internal.h"
#include "../policy.h"
#include "../zswap.h"

EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_enter, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_nearest, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_nearest_open, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_open, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_serves, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_closing, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_refused, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_alloc, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_try, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mpol_move_alloc, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_mpol_spills, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_spread_to, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_spread, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_tell, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_tell_pool, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_hugetlb_taken, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_pool_begin, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_pools_shut, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_pools_end, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_hugetlb_alloc, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_user_alloc, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_pin, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_replace, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_collapse_alloc, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_mark, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_page_is_guest, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_enter_nid, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_shuts, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_enter_reclaim, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_reclaim_stops, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_enter_compaction, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_enter_hint, "private_node_services_kunit");
#ifdef CONFIG_MEMORY_FAILURE
EXPORT_SYMBOL_FOR_MODULES(private_node_memory_failure, "private_node_services_kunit");
#endif
EXPORT_SYMBOL_FOR_MODULES(private_node_zswap_forget, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_reclaim, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_reclaimed, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(private_node_not_reclaimed, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_device_added, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_device_removed, "private_node_services_kunit");
#ifdef CONFIG_ZSWAP
EXPORT_SYMBOL_FOR_MODULES(private_node_zswap_nid, "private_node_services_kunit");
EXPORT_SYMBOL_FOR_MODULES(__private_node_zswap_store, "private_node_services_kunit");
#endif
