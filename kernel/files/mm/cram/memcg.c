// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compressed RAM and memory cgroups: memory.cram.max, memory.cram.current and
 * lines in memory.stat.
 *
 * A resident is charged to memory.cram.current, from before its place on the
 * device is taken until it leaves or is freed.  With cgroup v2 it is not
 * charged to memory.current ("apart").
 */
#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>

#include "../internal.h"
#include "cram.h"
#include "fence.h"

/* Initializes a new cgroup, for mem_cgroup_css_alloc().  Context: process. */
void cram_memcg_init(struct mem_cgroup *memcg, struct mem_cgroup *parent)
{
	page_counter_init(&memcg->cram, parent ? &parent->cram : NULL, false);
}

/* Prints the lines in memory.stat.  Context: process. */
void cram_memcg_stat(struct mem_cgroup *memcg, struct seq_buf *s)
{
	seq_buf_printf(s, "cram %llu\n",
		       (u64)page_counter_read(&memcg->cram) * PAGE_SIZE);
	seq_buf_printf(s, "cram_refault %ld\n",
		       atomic_long_read(&memcg->cram_refaulted));
	seq_buf_printf(s, "cram_wait %ld\n",
		       atomic_long_read(&memcg->cram_waited));
}

/* The clock of a cgroup, see thrash.c. */
static atomic_long_t *clock_of(struct mem_cgroup *memcg)
{
	return memcg ? &memcg->cram_placed : &cram_placed;
}

/*
 * cram_memcg_placed - advance the clock of a folio's cgroup, see thrash.c
 * @folio: any folio that is locked
 * @nr: pages that were placed
 *
 * Context: any.
 * Return: the clock afterwards.
 */
u32 cram_memcg_placed(struct folio *folio, unsigned long nr)
{
	guard(rcu)();
	return atomic_long_add_return(nr, clock_of(folio_memcg(folio)));
}

/*
 * cram_memcg_clock - read the clock of a folio's cgroup
 * @folio: any folio with a reference
 * @memory: result: pages charged to memory.current of the cgroup; all of RAM
 *	for the root cgroup
 *
 * Context: any.
 * Return: the clock.
 */
u32 cram_memcg_clock(struct folio *folio, unsigned long *memory)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	memcg = folio_memcg(folio);
	*memory = memcg && !mem_cgroup_is_root(memcg) ?
		  page_counter_read(&memcg->memory) : totalram_pages();
	return atomic_long_read(clock_of(memcg));
}

/*
 * Counts cram_refault for the folio's cgroup and its ancestors.  Context: any.
 */
void cram_memcg_refaulted(struct folio *folio, unsigned long nr)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	for (memcg = folio_memcg(folio); memcg; memcg = parent_mem_cgroup(memcg))
		atomic_long_add(nr, &memcg->cram_refaulted);
}

/* Counts cram_wait for the folio's cgroup and its ancestors.  Context: any. */
void cram_memcg_waited(struct folio *folio, unsigned long nr)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	for (memcg = folio_memcg(folio); memcg; memcg = parent_mem_cgroup(memcg))
		atomic_long_add(nr, &memcg->cram_waited);
}

static bool may_take(struct mem_cgroup *memcg, unsigned long nr)
{
	struct page_counter *c;

	for (c = &memcg->cram; c; c = c->parent)
		if (page_counter_read(c) + nr > READ_ONCE(c->max))
			return false;
	return true;
}

/*
 * cram_memcg_full - has a cgroup or an ancestor reached memory.cram.max?
 * @memcg: the cgroup, with a reference
 *
 * Context: any.
 */
bool cram_memcg_full(struct mem_cgroup *memcg)
{
	return !may_take(memcg, 1);
}

/*
 * cram_memcg_may_take - would a folio stay below memory.cram.max?
 * @folio: the folio, isolated
 *
 * Charges nothing.
 *
 * Context: any.
 */
bool cram_memcg_may_take(struct folio *folio)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	memcg = folio_memcg(folio);
	return !memcg || may_take(memcg, folio_nr_pages(folio));
}

/* Charges pages to memory.cram if no limit is exceeded.  Context: any. */
bool cram_memcg_try(struct obj_cgroup *objcg, unsigned long nr)
{
	struct page_counter *fail;

	guard(rcu)();
	return page_counter_try_charge(&obj_cgroup_memcg(objcg)->cram, nr,
				       &fail);
}

/* Uncharges pages from memory.cram.  Context: any. */
void cram_memcg_give_back(struct obj_cgroup *objcg, unsigned long nr)
{
	guard(rcu)();
	page_counter_uncharge(&obj_cgroup_memcg(objcg)->cram, nr);
}

/*
 * See mm/cram/fence.h.  The answer was noted when the folio moved to
 * the device: the memory controller can be moved between cgroup v1 and v2 while
 * pages of deleted cgroups stay resident.
 */
bool __cram_apart(const struct folio *folio)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	return cd && test_bit(folio_pfn(folio) - cd->first_pfn, cd->apart);
}

/*
 * Uncharges pages from memory.current, which moved to a device.  Context: any.
 */
void cram_memcg_moved(struct obj_cgroup *objcg, unsigned long nr)
{
	guard(rcu)();
	page_counter_uncharge(&obj_cgroup_memcg(objcg)->memory, nr);
}

/*
 * See mm/cram/fence.h.  False with cgroup v1, whose memsw counter
 * charges memory and swap together.
 */
bool __cram_charges_apart(void)
{
	return cgroup_subsys_on_dfl(memory_cgrp_subsys);
}

/* See mm/cram/fence.h. */
void __cram_uncharge(struct folio *folio, struct obj_cgroup *objcg)
{
	cram_memcg_give_back(objcg, folio_nr_pages(folio));
}

static u64 current_read(struct cgroup_subsys_state *css, struct cftype *cft)
{
	return (u64)page_counter_read(&mem_cgroup_from_css(css)->cram) *
	       PAGE_SIZE;
}

static int max_show(struct seq_file *m, void *v)
{
	unsigned long max = READ_ONCE(mem_cgroup_from_seq(m)->cram.max);

	if (max == PAGE_COUNTER_MAX)
		seq_puts(m, "max\n");
	else
		seq_printf(m, "%llu\n", (u64)max * PAGE_SIZE);
	return 0;
}

/* Residents above a new lower limit stay, but no more are placed. */
static ssize_t max_write(struct kernfs_open_file *of, char *buf,
			 size_t nbytes, loff_t off)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(of_css(of));
	unsigned long max;
	int ret;

	ret = page_counter_memparse(strstrip(buf), "max", &max);
	if (ret)
		return ret;
	xchg(&memcg->cram.max, max);
	return nbytes;
}

static struct cftype cram_files[] = {
	{
		.name = "cram.current",
		.flags = CFTYPE_NOT_ON_ROOT,
		.read_u64 = current_read,
	},
	{
		.name = "cram.max",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = max_show,
		.write = max_write,
	},
	{ }	/* terminate */
};

static int __init cram_memcg_files(void)
{
	if (!mem_cgroup_disabled())
		WARN_ON(cgroup_add_dfl_cftypes(&memory_cgrp_subsys, cram_files));
	return 0;
}
subsys_initcall(cram_memcg_files);
