// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charges of folios that move to or from a device, see memcg.c.
 */
#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>

#include "../internal.h"
#include "cram.h"

/*
 * cram_memcg_charge - charge memory.cram before a folio moves to a device
 * @src: the folio, isolated
 *
 * Takes a reference to the object cgroup.
 *
 * Context: any but NMI.
 * Return: true when charged.  Then cram_memcg_uncharge() or
 * cram_memcg_remember() has to follow.
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

/*
 * The opposite of cram_memcg_charge(), when no place was taken.  Context: any.
 */
void cram_memcg_uncharge(struct folio *src)
{
	struct obj_cgroup *objcg = folio_objcg(src);

	if (!objcg)
		return;
	cram_memcg_give_back(objcg, folio_nr_pages(src));
	obj_cgroup_put(objcg);
}

/*
 * Until migration is over, folio->index of the new folio holds a reference to the
 * object cgroup of the old one, or 0.  Migration overwrites folio->index when it
 * can no longer fail.  Only these two functions know.
 */
static void set_payer(struct folio *dst, struct obj_cgroup *objcg)
{
	dst->index = (unsigned long)objcg;
}

static struct obj_cgroup *payer_of(const struct folio *dst)
{
	return (struct obj_cgroup *)dst->index;
}

/* Hands the charge and the reference for @src over to its new place @dst. */
void cram_memcg_remember(struct folio *dst, struct folio *src)
{
	set_payer(dst, folio_objcg(src));
}

/* For a place that was not charged.  Context: any. */
void cram_memcg_remember_none(struct folio *dst)
{
	set_payer(dst, NULL);
}

/*
 * The opposite of cram_memcg_remember(), when @dst was not used.  Context: any.
 */
void cram_memcg_undo(struct folio *dst)
{
	struct obj_cgroup *objcg = payer_of(dst);

	if (!objcg)
		return;
	cram_memcg_give_back(objcg, folio_nr_pages(dst));
	obj_cgroup_put(objcg);
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

/*
 * Charges memory.current, even beyond memory.max: the folio has moved already.
 */
static void charge_memory(struct obj_cgroup *objcg, unsigned long nr)
{
	if (obj_cgroup_is_root(objcg))
		return;
	guard(rcu)();
	page_counter_charge(&obj_cgroup_memcg(objcg)->memory, nr);
}

/*
 * Uncharges memory.current, now or at the end of a batch.  When @to is the root
 * and @from is not, mem_cgroup_migrate() has already done so.
 */
static void uncharge_memory(struct obj_cgroup *from, struct obj_cgroup *to,
			    unsigned long nr)
{
	if (obj_cgroup_is_root(from) || obj_cgroup_is_root(to))
		return;
	if (!cram_batch_moved(from, nr))
		cram_memcg_moved(from, nr);
}

static bool will_be_apart(struct folio *old, struct folio *new, bool was)
{
	if (cram_folio_fenced(old) && cram_folio_fenced(new))
		return was;
	return cram_charges_apart(folio_nid(new));
}

/* See mm/cram/fence.h. */
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
		/* The reference that cram_memcg_charge() took. */
		obj_cgroup_put(from);
	}
	if (was && !will)
		charge_memory(to, nr);
	else if (will && !was)
		uncharge_memory(from, to, nr);
}
