// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compressed RAM and memory cgroups: memory.cram.max, memory.cram.current and
 * lines in memory.stat.
 *
 * Residents are charged to memory.cram, and not to memory.max, from before the
 * place is taken until they leave or are freed.  A place
 * that is on its way holds a reference on the object cgroup of the folio that
 * will move there, in folio->index, which migration sets when it can no longer
 * fail.
 */
#include <linux/cgroup.h>
#include <linux/cram_fence.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>

#include "../internal.h"
#include "cram.h"

/* For mem_cgroup_css_alloc(): a cgroup comes. */
void cram_memcg_init(struct mem_cgroup *memcg, struct mem_cgroup *parent)
{
	page_counter_init(&memcg->cram, parent ? &parent->cram : NULL, false);
}

/* For memory.stat. */
void cram_memcg_stat(struct mem_cgroup *memcg, struct seq_buf *s)
{
	seq_buf_printf(s, "cram %llu\n",
		       (u64)page_counter_read(&memcg->cram) * PAGE_SIZE);
	seq_buf_printf(s, "cram_refault %ld\n",
		       atomic_long_read(&memcg->cram_refaulted));
	seq_buf_printf(s, "cram_wait %ld\n",
		       atomic_long_read(&memcg->cram_waited));
}

static atomic_long_t *clock_of(struct mem_cgroup *memcg)
{
	return memcg ? &memcg->cram_placed : &cram_placed;
}

/*
 * cram_memcg_placed - the clock of a folio's cgroup goes on, see thrash.c
 * @folio: any folio that is locked
 * @nr: pages that were placed
 *
 * Context: any.
 * Return: what it says then.
 */
u32 cram_memcg_placed(struct folio *folio, unsigned long nr)
{
	guard(rcu)();
	return atomic_long_add_return(nr, clock_of(folio_memcg(folio)));
}

/*
 * cram_memcg_clock - what the clock of a folio's cgroup says
 * @folio: any folio that is held
 * @memory: result, pages that the cgroup has in ordinary memory
 *
 * Context: any.
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

/* For memory.stat of the folio's cgroup and of those above.  Context: any. */
void cram_memcg_refaulted(struct folio *folio, unsigned long nr)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	for (memcg = folio_memcg(folio); memcg; memcg = parent_mem_cgroup(memcg))
		atomic_long_add(nr, &memcg->cram_refaulted);
}

/* The same.  Context: any. */
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
 * cram_memcg_full - is a cgroup, or one above it, at its limit?
 * @memcg: held
 *
 * Context: any.
 */
bool cram_memcg_full(struct mem_cgroup *memcg)
{
	return !may_take(memcg, 1);
}

/*
 * cram_memcg_may_take - is there room for a folio below the limits?
 * @folio: isolated
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

/* Charges pages to memory.cram, if all limits have room.  Context: any. */
bool cram_memcg_try(struct obj_cgroup *objcg, unsigned long nr)
{
	struct page_counter *fail;

	guard(rcu)();
	return page_counter_try_charge(&obj_cgroup_memcg(objcg)->cram, nr,
				       &fail);
}

/* The opposite.  Context: any. */
void cram_memcg_give_back(struct obj_cgroup *objcg, unsigned long nr)
{
	guard(rcu)();
	page_counter_uncharge(&obj_cgroup_memcg(objcg)->cram, nr);
}

/*
 * cram_memcg_charge - pay for a place
 * @src: the folio that will move there, isolated
 *
 * Context: any.
 * Return: true when paid.  Then comes cram_memcg_uncharge() or
 * cram_memcg_remember().
 */
bool cram_memcg_charge(struct folio *src)
{
	struct obj_cgroup *objcg = folio_objcg(src);

	if (!objcg)
		return true;
	if (!cram_batch_charge(objcg, folio_nr_pages(src)))
		return false;
	obj_cgroup_get(objcg);
	return true;
}

/* No place was taken for @src after all.  Context: any. */
void cram_memcg_uncharge(struct folio *src)
{
	struct obj_cgroup *objcg = folio_objcg(src);

	if (!objcg)
		return;
	cram_memcg_give_back(objcg, folio_nr_pages(src));
	obj_cgroup_put(objcg);
}

/* @dst is the place that was taken for @src.  Context: any. */
void cram_memcg_remember(struct folio *dst, struct folio *src)
{
	dst->index = (unsigned long)folio_objcg(src);
}

/* @dst is given back unused.  Context: any. */
void cram_memcg_undo(struct folio *dst)
{
	struct obj_cgroup *objcg = (struct obj_cgroup *)dst->index;

	if (!objcg)
		return;
	cram_memcg_give_back(objcg, folio_nr_pages(dst));
	obj_cgroup_put(objcg);
}

/*
 * Is the charge of a resident apart?  Written down when it moves there, since the
 * controller can move between v1 and v2 while pages of cgroups that are gone stay.
 * See include/linux/cram_fence.h.
 */
bool __cram_apart(const struct folio *folio)
{
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	return cd && test_bit(folio_pfn(folio) - cd->first_pfn, cd->apart);
}

static void set_apart(struct folio *folio, bool apart)
{
	unsigned long nr = folio_nr_pages(folio), i;
	struct cram_device *cd;

	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	if (!cd)
		return;
	for (i = folio_pfn(folio) - cd->first_pfn; nr--; i++)
		assign_bit(i, cd->apart, apart);
}

/* It has to have a place: beyond the limit, if need be. */
static void charge_memory(struct obj_cgroup *objcg, unsigned long nr)
{
	if (obj_cgroup_is_root(objcg))
		return;
	guard(rcu)();
	page_counter_charge(&obj_cgroup_memcg(objcg)->memory, nr);
}

/* Pages that were charged to memory.max no longer are.  Context: any. */
void cram_memcg_moved(struct obj_cgroup *objcg, unsigned long nr)
{
	guard(rcu)();
	page_counter_uncharge(&obj_cgroup_memcg(objcg)->memory, nr);
}

/* Where the root gets what was not its own, mem_cgroup_migrate() has settled. */
static void uncharge_memory(struct obj_cgroup *from, struct obj_cgroup *to,
			    unsigned long nr)
{
	if (obj_cgroup_is_root(from) || obj_cgroup_is_root(to))
		return;
	if (!cram_batch_moved(from, nr))
		cram_memcg_moved(from, nr);
}

/* See include/linux/cram_fence.h: v1 charges memory and swap together. */
bool __cram_charges_apart(void)
{
	return cgroup_subsys_on_dfl(memory_cgrp_subsys);
}

static bool will_be_apart(struct folio *old, struct folio *new, bool was)
{
	if (cram_folio_fenced(old) && cram_folio_fenced(new))
		return was;
	return cram_charges_apart(folio_nid(new));
}

/* See include/linux/cram_fence.h. */
void __cram_recharged(struct folio *old, struct obj_cgroup *from,
		      struct folio *new, struct obj_cgroup *to)
{
	unsigned long nr = folio_nr_pages(new);
	bool was = cram_apart(old);
	bool will = will_be_apart(old, new, was);

	if (cram_folio_fenced(old))
		cram_memcg_give_back(from, nr);
	if (cram_folio_fenced(new)) {
		set_apart(new, will);
		/* What cram_memcg_charge() got. */
		obj_cgroup_put(from);
	}
	if (was && !will)
		charge_memory(to, nr);
	else if (will && !was)
		uncharge_memory(from, to, nr);
}

/* See include/linux/cram_fence.h. */
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

/* Residents beyond it stay; none is added. */
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
