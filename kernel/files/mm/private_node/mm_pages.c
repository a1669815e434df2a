// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many pages of an address space are on private nodes.  oom_score and the
 * OOM killer for ordinary memory subtract them from the badness of a task.
 *
 * Address spaces that ever had such a page have a flag, see
 * mm/private_node/mm_pages.h.  Of these, page tables are read: all of them
 * if they are few, else a random sample.  The sample is drawn anew each time,
 * so that a program cannot place ordinary memory where it is not counted.  The
 * chance of a table, or of the part of a table that one mapping uses, is in
 * proportion to its size.  So a few full tables do not outweigh thousands of
 * mappings of one page.  Only resident pages count: a mapping of a terabyte
 * with few pages is no different from a small one.
 *
 * While mmap_lock is held for writing, page tables cannot be read, and fork()
 * of a large address space holds it for long.  Then the last estimate is used.
 * fork() makes one first, unless there is one from the last second.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/oom.h>
#include <linux/pagewalk.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "internal.h"
#include "mm_pages.h"
#include "policy.h"

/* Full page tables that are read at most; the error is a few per cent. */
#define TABLES		256
/* Pages to look at in all tables together, and at least in each table. */
#define LOOKS		8192
#define TABLE_LOOKS	32
/* A walk ends after this many page tables: 256 GiB of small pages. */
#define MAX_TABLES	BIT(17)
/* How often mmap_lock is tried, with a pause of a microsecond in between. */
#define LOCK_TRIES	50

/*
 * private_node_mm_may_have - could pages of private nodes be mapped there?
 * @mm: any address space
 *
 * Context: any.
 * Return: false if it has none; true if its page tables have to be read.
 */
bool private_node_mm_may_have(struct mm_struct *mm)
{
	return mm_flags_test(MMF_PRIVATE_NODE, mm) ||
	       get_mm_counter_sum(mm, MM_SHMEMPAGES);
}

static bool shmem_on_private_nodes(void)
{
	int nid;

	for_each_node_state(nid, N_MEMORY_PRIVATE)
		if (node_page_state(NODE_DATA(nid), NR_SHMEM))
			return true;
	return false;
}

/*
 * private_node_mm_likely_has - private_node_mm_may_have(), for frequent callers
 * @mm: any address space
 *
 * May be wrong by a batch of the per-CPU counter.
 * Context: any.
 * Return: as private_node_mm_may_have().
 */
bool private_node_mm_likely_has(struct mm_struct *mm)
{
	return mm_flags_test(MMF_PRIVATE_NODE, mm) ||
	       (get_mm_counter(mm, MM_SHMEMPAGES) && shmem_on_private_nodes());
}

struct pages {
	unsigned long resident;
	unsigned long private;	/* resident pages on private nodes */
};

/*
 * One of every @step page table entries is chosen at random, and the page table
 * that contains it is read.
 */
struct sample {
	unsigned long entries;	/* upper bound of the entries of all tables */
	unsigned long step;
	unsigned long begins;	/* the first entry of this step */
	unsigned long next;	/* the entry that is drawn in this step */
	unsigned long seen;	/* entries walked so far */
	unsigned long passed;	/* tables walked so far */
	struct pages all;	/* extrapolated from the tables read */
	struct rnd_state random;
};

static unsigned int draw_random(struct sample *s, unsigned long below)
{
	return reciprocal_scale(prandom_u32_state(&s->random), below);
}

/* Returns how many of the next @nr entries are drawn. */
static unsigned int nr_drawn(struct sample *s, unsigned int nr)
{
	unsigned int drawn = 0;

	if (s->step == 1)
		return nr;
	s->seen += nr;
	for (; s->next < s->seen; drawn++) {
		s->begins += s->step;
		s->next = s->begins + draw_random(s, s->step);
	}
	return drawn;
}

static void count_pages(struct pages *pages, const struct folio *folio,
			unsigned long nr)
{
	pages->resident += nr;
	if (node_is_private(folio_nid(folio)))
		pages->private += nr;
}

/*
 * Looks at some pages, from a random entry on, and extrapolates to the table.
 */
static void look_at_table(struct sample *s, struct pages *seen,
			  struct vm_area_struct *vma, pte_t *ptes,
			  unsigned long addr, unsigned int nr)
{
	unsigned int most = max(nr * LOOKS / s->entries, TABLE_LOOKS);
	unsigned int i, at = draw_random(s, nr), present = 0, looks = 0;
	struct folio *folio;
	pte_t pte;

	for (i = 0; i < nr; i++, at = at + 1 < nr ? at + 1 : 0) {
		pte = ptep_get(ptes + at);
		if (!pte_present(pte))
			continue;
		present++;
		if (looks >= most)
			continue;
		looks++;
		folio = vm_normal_folio(vma, addr + at * PAGE_SIZE, pte);
		if (folio)
			count_pages(seen, folio, 1);
	}
	if (!looks)
		return;
	seen->resident = seen->resident * present / looks;
	seen->private = seen->private * present / looks;
}

static int sample_table(pmd_t *pmd, unsigned long addr, unsigned long end,
			struct mm_walk *walk)
{
	unsigned int drawn, nr = (end - addr) >> PAGE_SHIFT;
	struct vm_area_struct *vma = walk->vma;
	struct sample *s = walk->private;
	struct pages seen = {};
	struct folio *folio;
	spinlock_t *ptl;
	pte_t *pte;

	if (s->passed++ >= MAX_TABLES)
		return 1;
	drawn = nr_drawn(s, nr);
	if (!drawn)
		return 0;
	ptl = pmd_trans_huge_lock(pmd, vma);
	if (ptl) {
		folio = pmd_present(*pmd) ?
			vm_normal_folio_pmd(vma, addr, *pmd) : NULL;
		if (folio)
			count_pages(&seen, folio, nr);
		spin_unlock(ptl);
	} else {
		pte = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
		if (!pte)
			return 0;
		look_at_table(s, &seen, vma, pte, addr, nr);
		pte_unmap_unlock(pte, ptl);
	}
	s->all.resident += seen.resident * drawn * s->step / nr;
	s->all.private += seen.private * drawn * s->step / nr;
	return 0;
}

static const struct mm_walk_ops sample_ops = {
	.pmd_entry = sample_table,
	.walk_lock = PGWALK_RDLOCK,
};

/* @mm is locked, for reading or writing. */
static unsigned long sample_mm(struct mm_struct *mm)
{
	unsigned long tables = mm_pgtables_bytes(mm) >> PAGE_SHIFT;
	unsigned long pages, rss = get_mm_rss(mm);
	struct sample s = {
		.entries = max3(min(tables * PTRS_PER_PTE, mm->total_vm), rss,
				1UL),
		.step = 1,
	};

	if (s.entries > TABLES * PTRS_PER_PTE)
		s.step = DIV_ROUND_UP(s.entries, TABLES);
	prandom_seed_state(&s.random, get_random_u64());
	s.next = draw_random(&s, s.step);
	walk_page_range(mm, 0, ULONG_MAX, &sample_ops, &s);
	pages = s.all.resident ?
		mult_frac(rss, s.all.private, s.all.resident) : 0;
	WRITE_ONCE(mm->private_pages, pages);
	mm->private_pages_at = jiffies;
	return pages;
}

/*
 * The caller must not sleep, and most writers hold the lock for a short time.
 */
static bool lock_soon(struct mm_struct *mm)
{
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (mmap_read_trylock(mm))
			return true;
		udelay(1);
	}
	return false;
}

/*
 * private_node_mm_pages - estimate how many pages are on private nodes
 * @mm: any address space
 *
 * Context: any but interrupts; does not sleep.  Holds mmap_lock while it looks
 * at about LOOKS pages.
 * Return: pages; the last estimate when mmap_lock is busy.
 */
static unsigned long private_node_mm_pages(struct mm_struct *mm)
{
	unsigned long pages = 0;

	if (!lock_soon(mm))
		return READ_ONCE(mm->private_pages);
	/* exit_mmap() sets the flag before it frees the page tables. */
	if (!mm_flags_test(MMF_OOM_SKIP, mm))
		pages = sample_mm(mm);
	mmap_read_unlock(mm);
	return pages;
}

/*
 * __private_node_dup_mm - see private_node_dup_mm()
 */
void __private_node_dup_mm(struct mm_struct *mm, struct mm_struct *oldmm)
{
	if (mm_flags_test(MMF_PRIVATE_NODE, oldmm))
		private_node_mark_mm(mm);
	if (mm_flags_test(MMF_DEVICE_MAP, oldmm))
		mm_flags_set(MMF_DEVICE_MAP, mm);
	if (time_after(jiffies, oldmm->private_pages_at + HZ))
		sample_mm(oldmm);
	mm->private_pages = oldmm->private_pages;
	/* Expired: a fork() of the child makes a new estimate. */
	mm->private_pages_at = 0;
}

/**
 * __private_node_oom_private - estimate a task's pages on private nodes
 * @task: the task
 *
 * To kill the task would free these pages, but none of them for ordinary
 * memory.
 *
 * Context: any but interrupts; does not sleep.
 * Return: pages on private nodes.
 */
unsigned long __private_node_oom_private(struct task_struct *task)
{
	struct task_struct *p = find_lock_task_mm(task);
	struct mm_struct *mm = NULL;
	unsigned long pages = 0;

	if (!p)
		return 0;
	if (private_node_mm_likely_has(p->mm)) {
		mm = p->mm;
		mmgrab(mm);
	}
	task_unlock(p);
	if (mm) {
		pages = private_node_mm_pages(mm);
		mmdrop(mm);
	}
	return pages;
}
