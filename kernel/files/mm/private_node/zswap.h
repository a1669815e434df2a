/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zswap on a private node: zswap's parameter "node" names a node on which it
 * stores pages uncompressed.
 */
#ifndef _MM_PRIVATE_NODE_ZSWAP_H
#define _MM_PRIVATE_NODE_ZSWAP_H

#include <linux/mm_types.h>
#include <linux/numa.h>

#include "hooks.h"

struct folio;
struct kernel_param_ops;
struct mem_cgroup;
struct page;

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_ZSWAP)

/*
 * Bit in the handle of a page on a private node.  Handles of zsmalloc are
 * addresses of words, and never have it.
 */
#define PRIVATE_NODE_ZSWAP	1UL

extern int private_node_zswap_nid;
extern const struct kernel_param_ops private_node_zswap_ops;

bool __private_node_zswap_store(struct page *page, unsigned long *handle);
bool private_node_zswap_load(unsigned long handle, struct folio *folio);
void __private_node_zswap_free(unsigned long handle);
bool private_node_zswap_on(unsigned long handle, int nid);
bool private_node_zswap_lost(unsigned long handle);
unsigned long zswap_leave_node(int nid, unsigned long max, gfp_t gfp);

/* mm/zswap.c, called when a node is emptied */
unsigned long zswap_list_count(int nid, struct mem_cgroup *memcg);
unsigned int zswap_list_stored(int nid, struct mem_cgroup *memcg, int on,
			       swp_entry_t *entries, unsigned long *left);
bool zswap_compress_again(struct folio *folio);
bool zswap_lose(struct folio *folio);

/* Defines the module parameter, in mm/zswap.c. */
#define private_node_zswap_param()					\
	module_param_cb(node, &private_node_zswap_ops,			\
			&private_node_zswap_nid, 0644)

/**
 * private_node_zswap_has - is a zswap entry stored on a private node?
 * @handle: handle of any zswap entry
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_zswap_has(unsigned long handle)
{
	return handle & PRIVATE_NODE_ZSWAP;
}

/**
 * private_node_zswap_store - store a page on the private node that zswap names
 * @page: page of a locked folio in the swap cache
 * @handle: result, if the page was stored
 *
 * Cost: a load while no node is named.
 * Context: reclaim.
 * Return: true when it was stored; false when zswap has to compress it.
 */
static inline bool private_node_zswap_store(struct page *page,
					    unsigned long *handle)
{
	return READ_ONCE(private_node_zswap_nid) != NUMA_NO_NODE &&
	       __private_node_zswap_store(page, handle);
}

/**
 * private_node_zswap_free - free the page of an entry that is on a private node
 * @handle: handle of any zswap entry
 *
 * Context: any.
 * Return: true when it was freed; false for a handle of zsmalloc.
 */
static inline bool private_node_zswap_free(unsigned long handle)
{
	if (!private_node_zswap_has(handle))
		return false;
	__private_node_zswap_free(handle);
	return true;
}

#else

#define private_node_zswap_param()

static inline bool private_node_zswap_has(unsigned long handle)
{
	return false;
}

static inline bool private_node_zswap_store(struct page *page,
					    unsigned long *handle)
{
	return false;
}

static inline bool private_node_zswap_load(unsigned long handle,
					   struct folio *folio)
{
	return false;
}

static inline bool private_node_zswap_free(unsigned long handle)
{
	return false;
}

static inline unsigned long zswap_leave_node(int nid, unsigned long max,
					     gfp_t gfp)
{
	return 0;
}

#endif
#endif /* _MM_PRIVATE_NODE_ZSWAP_H */
