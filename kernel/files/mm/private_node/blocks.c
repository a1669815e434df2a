// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory blocks of private nodes, above all of those that have their memory
 * since boot: its blocks go offline, all or none, and come back.
 *
 * Nobody added this memory, so it is not removed either: its blocks stay, and
 * what is offline can be brought online again.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/range.h>
#include <linux/slab.h>

#include "internal.h"

/*
 * Blocks of @nid in @state, as ranges; only counted while @ranges is NULL.
 * @not_whole is the start of a block with a hole, which offline_pages() refuses.
 */
struct block_search {
	int nid;
	enum memory_block_state state;
	struct range *ranges;
	unsigned int nr;
	u64 not_whole;
};

static int sum_pages(unsigned long pfn, unsigned long nr, void *sum)
{
	*(unsigned long *)sum += nr;
	return 0;
}

static unsigned long block_pages(void)
{
	return memory_block_size_bytes() >> PAGE_SHIFT;
}

static bool is_whole(u64 start)
{
	unsigned long nr = 0;

	walk_system_ram_range(PHYS_PFN(start), block_pages(), &nr, sum_pages);
	return nr == block_pages();
}

static int find_block(struct memory_block *mem, void *arg)
{
	u64 start = PFN_PHYS(section_nr_to_pfn(mem->start_section_nr));
	struct block_search *s = arg;

	if (mem->nid != s->nid || mem->state != s->state)
		return 0;
	/* Online without a zone: it has pages of several nodes or zones. */
	if (s->state == MEM_ONLINE && !mem->zone)
		return 0;
	if (!is_whole(start))
		s->not_whole = start;
	if (s->ranges)
		s->ranges[s->nr] = (struct range) {
			.start = start,
			.end = start + memory_block_size_bytes() - 1,
		};
	s->nr++;
	return 0;
}

/*
 * Called with device_hotplug_lock, so that no block changes between the two
 * walks.  Returns an array to be freed, NULL without memory.
 */
static struct range *find_blocks(struct block_search *s)
{
	for_each_memory_block(s, find_block);
	s->ranges = kvmalloc_objs(*s->ranges, max(s->nr, 1U));
	s->nr = 0;
	if (s->ranges)
		for_each_memory_block(s, find_block);
	return s->ranges;
}

/*
 * Can all memory of the node go offline?  Called before any page of it moves,
 * with device_hotplug_lock.
 */
static bool can_go(struct private_node *pn, const struct block_search *s)
{
	if (s->not_whole) {
		pr_err("node %d: %s: cannot unplug: its memory block [mem %#llx-%#llx] has a hole\n",
		       pn->nid, pn->owner, s->not_whole,
		       s->not_whole + memory_block_size_bytes() - 1);
		return false;
	}
	if (s->nr * block_pages() == node_present_pages(pn->nid))
		return true;
	pr_err("node %d: %s: cannot unplug: it shares a memory block of %lu MiB with another node or zone\n",
	       pn->nid, pn->owner, memory_block_size_bytes() >> 20);
	return false;
}

/*
 * private_node_online_blocks - the memory of a node that came at boot
 * @pn: the handle
 * @nr: result: number of ranges
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: a range for each block that is online, to be freed by kvfree(); or
 * ERR_PTR: -ENOMEM, or -EOPNOTSUPP for a node that shares a memory block with
 * another one or has a hole in a block, which no part of the kernel can take
 * offline.
 */
struct range *private_node_online_blocks(struct private_node *pn,
					 unsigned int *nr)
{
	struct block_search s = { .nid = pn->nid, .state = MEM_ONLINE };
	bool ok = false;

	lock_device_hotplug();
	if (find_blocks(&s))
		ok = can_go(pn, &s);
	unlock_device_hotplug();
	if (!s.ranges)
		return ERR_PTR(-ENOMEM);
	*nr = s.nr;
	if (ok)
		return s.ranges;
	kvfree(s.ranges);
	return ERR_PTR(-EOPNOTSUPP);
}

static int online_block(struct memory_block *mem, void *arg)
{
	int ret;

	mem->online_type = MMOP_ONLINE;
	ret = device_online(&mem->dev);
	return min(ret, 0);
}

static int offline_block(struct memory_block *mem, void *arg)
{
	int ret = device_offline(&mem->dev);

	return min(ret, 0);
}

static int walk_ranges(const struct range *ranges, unsigned int nr,
		       walk_memory_blocks_func_t func)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = walk_memory_blocks(ranges[i].start, range_len(&ranges[i]),
					 NULL, func);
	return ret;
}

/* Undoes what walk_ranges() did: goes on after a block that fails. */
static int walk_back(const struct range *ranges, unsigned int nr,
		     walk_memory_blocks_func_t func)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++)
		ret = walk_ranges(&ranges[i], 1, func) ?: ret;
	return ret;
}

/*
 * private_node_fix_blocks - from now on no other block of a boot node comes online
 * @pn: the handle, whose gates are closed
 * @ranges: blocks that are online, one in each range
 * @nr: number of ranges
 *
 * Ends when @pn->blocks_fixed is cleared.
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: 0; -EBUSY if another block came online since the ranges were listed.
 */
int private_node_fix_blocks(struct private_node *pn,
			    const struct range *ranges, unsigned int nr)
{
	unsigned long listed = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++)
		listed += PFN_DOWN(range_len(&ranges[i]));
	lock_device_hotplug();
	WRITE_ONCE(pn->blocks_fixed, true);
	if (node_present_pages(pn->nid) != listed) {
		pr_err("node %d: %s: cannot unplug: a memory block came online meanwhile; try again\n",
		       pn->nid, pn->owner);
		ret = -EBUSY;
	}
	unlock_device_hotplug();
	return ret;
}

/*
 * private_node_offline_blocks - take empty blocks offline, all or none
 * @pn: the handle
 * @ranges: blocks that are online, one in each range
 * @nr: number of ranges
 *
 * To be called after private_node_fix_blocks().
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: 0, or the errno of the first block that did not go.
 */
int private_node_offline_blocks(struct private_node *pn,
				const struct range *ranges, unsigned int nr)
{
	int ret;

	lock_device_hotplug();
	ret = walk_ranges(ranges, nr, offline_block);
	if (ret) {
		/*
		 * Blocks are not fixed while these come online again.  Nobody
		 * else brings one online meanwhile, since device_hotplug_lock
		 * is held.
		 */
		WRITE_ONCE(pn->blocks_fixed, false);
		if (walk_back(ranges, nr, online_block))
			pr_err("node %d: %s: some of its memory blocks did not come online again; write online to its boot_memory\n",
			       pn->nid, pn->owner);
		WRITE_ONCE(pn->blocks_fixed, true);
	}
	unlock_device_hotplug();
	return ret;
}

/*
 * private_node_boot_plug - bring memory of a boot node back online
 * @pn: the handle
 *
 * Context: process, may sleep; takes private_node.life and device_hotplug_lock.
 * Return: 0, also when all of it is online; -EINTR when killed; -ENOMEM; or the
 * errno of a block that does not come online: then those that did are taken
 * offline again, unless somebody uses them already.
 */
int private_node_boot_plug(struct private_node *pn)
{
	struct block_search s = { .nid = pn->nid, .state = MEM_OFFLINE };
	int ret = -ENOMEM;

	ACQUIRE(mutex_kill, life)(&pn->life);
	if (ACQUIRE_ERR(mutex_kill, &life))
		return -EINTR;
	lock_device_hotplug();
	if (find_blocks(&s))
		ret = walk_ranges(s.ranges, s.nr, online_block);
	if (ret) {
		pr_err("node %d: %s: its memory does not come online: %d\n",
		       pn->nid, pn->owner, ret);
		walk_back(s.ranges, s.nr, offline_block);
	}
	unlock_device_hotplug();
	kvfree(s.ranges);
	return ret;
}

static int is_private_block(struct memory_block *mem, void *arg)
{
	return mem->nid >= 0 && node_is_private(mem->nid);
}

/**
 * private_node_has_block - is there memory of a private node in a range?
 * @start: first physical address
 * @size: size of the range in bytes
 *
 * A memory block counts whether it is online or not.
 *
 * Context: process, may sleep; takes device_hotplug_lock.
 * Return: true if so.
 */
bool private_node_has_block(u64 start, u64 size)
{
	int ret;

	lock_device_hotplug();
	ret = walk_memory_blocks(start, size, NULL, is_private_block);
	unlock_device_hotplug();
	return ret;
}
EXPORT_SYMBOL_GPL(private_node_has_block);
