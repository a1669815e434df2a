// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of a private node's free pages, and its per-CPU lists.
 */
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/vmstat.h>
#include <trace/events/private_node.h>

#include "../internal.h"
#include "../page_alloc.h"
#include "internal.h"

/*
 * private_node_free_pages_nid - free pages of a node
 * @nid: node id
 *
 * Pages on per-CPU lists count as used, and the number lacks what CPUs have not
 * folded into the counters.
 *
 * Context: any.
 * Return: a number of pages.
 */
unsigned long private_node_free_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_page_state(&NODE_DATA(nid)->node_zones[i],
				       NR_FREE_PAGES);
	return sum;
}

/*
 * private_node_exact_free_pages_nid - free pages, including unfolded counts
 * @nid: node id
 *
 * As private_node_free_pages_nid(), plus what CPUs have not folded into the
 * counters.  Pages on per-CPU lists count as used.
 *
 * Context: any.
 * Return: a number of pages.
 */
unsigned long private_node_exact_free_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_page_state_snapshot(&NODE_DATA(nid)->node_zones[i],
						NR_FREE_PAGES);
	return sum;
}

/* Pages of a node that the page allocator manages.  Context: any. */
unsigned long private_node_managed_pages_nid(int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += zone_managed_pages(&NODE_DATA(nid)->node_zones[i]);
	return sum;
}

/*
 * private_node_pcp_pages - free pages of a zone on per-CPU lists
 * @zone: the zone, populated
 *
 * Reads one count for each possible CPU, without its lock.
 *
 * Context: any.
 * Return: a number of pages, which may be out of date.
 */
unsigned long private_node_pcp_pages(struct zone *zone)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		/*
		 * A racy read.  Callers that need the exact number drain the
		 * lists, or try to allocate.
		 */
		sum += data_race(per_cpu_ptr(zone->per_cpu_pageset, cpu)->count);
	}
	return sum;
}

/*
 * private_node_drain - empty the per-CPU lists of a node
 * @nid: node id
 *
 * Cheap where the lists are empty, which is so while a node stays full: see
 * private_node_pcp_pages().
 *
 * Context: process, may sleep.
 * Return: true if there was a page on one of the lists.
 */
bool private_node_drain(int nid)
{
	bool drained = false;
	struct zone *zone;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		if (!populated_zone(zone) || !private_node_pcp_pages(zone))
			continue;
		trace_private_node_drain(nid);
		drain_all_pages(zone);
		drained = true;
	}
	return drained;
}

/*
 * private_node_is_full - would an order-0 allocation fail?
 * @nid: node id
 *
 * Drains the per-CPU lists first.
 *
 * Context: process, may sleep.
 * Return: true if the node has no free page.
 */
bool private_node_is_full(int nid)
{
	struct zone *zone;
	int i;

	private_node_drain(nid);
	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		/* An inexact count would let a fault on a full node repeat. */
		if (managed_zone(zone) &&
		    zone_page_state_snapshot(zone, NR_FREE_PAGES))
			return false;
	}
	return true;
}

/*
 * private_node_blocks - free pages in blocks of at least one order
 * @nid: the node
 * @order: smallest order that counts
 *
 * Context: any.
 * Return: an estimate, in pages.
 */
unsigned long private_node_blocks(int nid, unsigned int order)
{
	unsigned long pages = 0;
	struct zone *zone;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		zone = &NODE_DATA(nid)->node_zones[i];
		for (unsigned int o = order; o < NR_PAGE_ORDERS; o++)
			/* Read without zone->lock. */
			pages += data_race(zone->free_area[o].nr_free) << o;
	}
	return pages;
}
