// SPDX-License-Identifier: GPL-2.0-only
/* What private_node_leak calls and no other module does. */
#include <linux/export.h>
#include <linux/gfp.h>

EXPORT_SYMBOL_FOR_MODULES(alloc_pages_exact_nid_noprof, "private_node_leak");
