// SPDX-License-Identifier: GPL-2.0-only
/* What test modules call and no other module does. */
#include <linux/export.h>
#include <linux/gfp.h>

#include "../../internal.h"
#include "../../page_alloc.h"
#include "../private_node.h"

EXPORT_SYMBOL_FOR_MODULES(alloc_pages_exact_nid_noprof, "private_node_leak");
EXPORT_SYMBOL_FOR_MODULES(private_node_alloc_frozen, "private_node_hold");
EXPORT_SYMBOL_FOR_MODULES(free_frozen_pages, "private_node_hold");
