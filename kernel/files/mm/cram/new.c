// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a struct cram_device.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/slab.h>

#include "../private_node/internal.h"
#include "cram.h"

static bool new_queues(struct cram_device *cd)
{
	cd->read_wq = alloc_workqueue("cram_read%d",
				      WQ_UNBOUND | WQ_MEM_RECLAIM, 1, cd->nid);
	cd->trim_wq = alloc_workqueue("cram_trim%d",
				      WQ_UNBOUND | WQ_MEM_RECLAIM, 1, cd->nid);
	return cd->read_wq && cd->trim_wq;
}

/*
 * cram_device_end - destroy the queues of a device
 * @cd: the device; nothing is queued, nor will be
 *
 * Not left to cram_device_free(), which a task in reclaim may call.
 *
 * Context: process, may sleep.
 */
void cram_device_end(struct cram_device *cd)
{
	if (cd->read_wq)
		destroy_workqueue(cd->read_wq);
	if (cd->trim_wq)
		destroy_workqueue(cd->trim_wq);
}

/* Frees a device that nobody uses any more.  Context: process. */
void cram_device_free(struct cram_device *cd)
{
	free_percpu(cd->stat);
	free_percpu(cd->late);
	kvfree(cd->resident);
	kvfree(cd->apart);
	cram_thrash_free(cd);
	cram_writable_free(cd);
	cram_debug_free(cd);
	private_node_put(cd->pn);
	kvfree(cd);
}

/*
 * cram_device_new - allocate a device
 * @pn: handle of its node
 * @desc: the driver's description
 *
 * Context: process, may sleep.
 * Return: the device, or NULL.  The caller sets up its work and its kobject, of
 * which the last reference calls cram_device_free(), and calls
 * cram_device_end() before it drops its own.
 */
struct cram_device *cram_device_new(struct private_node *pn,
				    const struct cram_desc *desc)
{
	struct cram_device *cd = kvzalloc_obj(*cd);

	if (!cd)
		return NULL;
	cd->pn = private_node_get(pn);
	cd->nid = pn->nid;
	cd->desc = *desc;
	if (!cd->desc.timeout_ms)
		cd->desc.timeout_ms = CRAM_TIMEOUT_MS;
	cd->state = CRAM_SILENT;
	cd->next_read = jiffies;
	cd->event_read = jiffies;
	cd->first_pfn = NODE_DATA(pn->nid)->node_start_pfn;
	cd->nr_pages = NODE_DATA(pn->nid)->node_spanned_pages;
	cd->clean_pfn = cd->first_pfn;
	cram_trim_init(cd);
	cd->resident = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
				GFP_KERNEL);
	cd->apart = kvcalloc(BITS_TO_LONGS(cd->nr_pages), sizeof(long),
			     GFP_KERNEL);
	cd->stat = __alloc_percpu(sizeof(long) * CRAM_NR_STATS, sizeof(long));
	cd->late = alloc_percpu(struct cram_late);
	if (cd->late)
		cram_ledger_init(&cd->ledger, desc->worst_case, desc->margin,
				 cd->late);
	if (!cd->late || !cd->stat || !cd->resident || !cd->apart || cram_thrash_init(cd) ||
	    cram_writable_init(cd) || cram_debug_init(cd) || !new_queues(cd)) {
		cram_device_end(cd);
		cram_device_free(cd);
		return NULL;
	}
	return cd;
}
