// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who put a folio on a private node: a user's policy, or the kernel?
 *
 * Reclaim demotes folios of anybody onto a node that is open to it.  What no
 * policy of their users asks to be there may be moved to ordinary memory, by a
 * pin, by promotion or by unplug, without breaking anybody's choice.
 */
#include <linux/cram_fence.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/private_node_policy.h>
#include <linux/rmap.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "private_node.h"

struct question {
	int nid;
	bool fixed;	/* only the device map counts */
	bool all;	/* go on after the first yes */
	bool yes;	/* somebody's does */
	bool no;	/* somebody's does not */
	bool unsure;	/* somebody's is just being changed */
};

static bool policy_places(const struct mempolicy *pol,
			  const struct question *q)
{
	if (!pol)
		return false;
	if (mpol_private_node(pol))
		return private_node_nid(mpol_private_node(pol)) == q->nid;
	return !q->fixed && private_node_mpol_names(pol) &&
	       node_isset(q->nid, pol->private_nodes);
}

/* Threads have policies of their own; that of the first is what most inherit. */
static bool task_places(struct mm_struct *mm, const struct question *q)
{
	struct task_struct *task = NULL;
	bool ret = false;

	rcu_read_lock();
#ifdef CONFIG_MEMCG
	task = rcu_dereference(mm->owner);
#endif
	if (task) {
		task_lock(task);
		ret = policy_places(task->mempolicy, q);
		task_unlock(task);
	}
	rcu_read_unlock();
	return ret;
}

static bool vma_places(struct vm_area_struct *vma, unsigned long addr,
		       const struct question *q)
{
	struct mempolicy *pol;
	pgoff_t ilx;
	bool ret;

	pol = __get_vma_policy(vma, addr, &ilx);
	if (!pol)
		return !q->fixed && task_places(vma->vm_mm, q);
	ret = policy_places(pol, q);
	mpol_cond_put(pol);
	return ret;
}

static bool ask_mapping(struct folio *folio, struct vm_area_struct *vma,
			unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	struct question *q = arg;

	if (!page_vma_mapped_walk(&pvmw))
		return true;
	page_vma_mapped_walk_done(&pvmw);
	if (!mmap_read_trylock(vma->vm_mm)) {
		q->unsure = true;
		return q->all;
	}
	if (vma_places(vma, addr, q))
		q->yes = true;
	else
		q->no = true;
	mmap_read_unlock(vma->vm_mm);
	return q->all || !q->yes;
}

static bool mount_places(struct inode *inode, const struct question *q)
{
	struct shmem_sb_info *sbinfo = inode->i_sb->s_fs_info;
	bool ret;

	raw_spin_lock(&sbinfo->stat_lock);
	ret = policy_places(sbinfo->mpol, q);
	raw_spin_unlock(&sbinfo->stat_lock);
	return ret;
}

static bool object_places(struct folio *folio, const struct question *q)
{
	struct address_space *mapping = folio_mapping(folio);
	struct mempolicy *pol;
	bool ret;

	if (folio_test_anon(folio) || !mapping || !shmem_mapping(mapping))
		return false;
	pol = mpol_shared_policy_lookup(&SHMEM_I(mapping->host)->policy,
					folio->index);
	if (!pol)
		return mount_places(mapping->host, q);
	ret = policy_places(pol, q);
	mpol_cond_put(pol);
	return ret;
}

static void ask(struct folio *folio, struct question *q)
{
	struct rmap_walk_control rwc = {
		.rmap_one = ask_mapping,
		.arg = q,
		.anon_lock = folio_lock_anon_vma_read,
		.try_lock = true,
	};

	q->yes = object_places(folio, q);
	if (!q->yes && folio_mapped(folio)) {
		rmap_walk(folio, &rwc);
		q->unsure |= rwc.contended;
	}
}

/*
 * private_node_placed - does a user's policy want a folio where it is?
 * @folio: on a private node, locked and held
 *
 * Context: process; only tries the locks of others, and says yes without them.
 */
bool private_node_placed(struct folio *folio)
{
	struct question q = { .nid = folio_nid(folio) };

	ask(folio, &q);
	return q.yes || q.unsure;
}

/*
 * private_node_device_mapped - is a folio memory of the device map?
 * @folio: on a private node, locked and held
 *
 * Context and errors: as private_node_placed().
 */
bool private_node_device_mapped(struct folio *folio)
{
	struct question q = { .nid = folio_nid(folio), .fixed = true };

	ask(folio, &q);
	return q.yes || q.unsure;
}

/* May the kernel have put folios on the node of its own accord?  Context: any. */
static bool kernel_places(int nid)
{
	struct private_node *pn = private_node_find(nid);
	bool ret = pn && READ_ONCE(pn->demoted_to);

	private_node_put(pn);
	return ret;
}

/*
 * private_node_whose - did the kernel put a folio on its node?
 * @folio: on a private node, locked and held
 *
 * On a node that was never open to demotion a user did, by a system call at
 * least.  On others it is the kernel's as soon as somebody maps it whose policy
 * does not name the node: that one has to keep its memory.
 *
 * Context: process; only tries the locks of others.
 */
enum private_node_whose private_node_whose(struct folio *folio)
{
	struct question q = { .nid = folio_nid(folio), .all = true };

	if (cram_folio_fenced(folio))
		return PRIVATE_NODE_STRAY;
	if (!kernel_places(q.nid))
		return PRIVATE_NODE_USERS;
	ask(folio, &q);
	if (q.no || (!q.yes && !q.unsure))
		return PRIVATE_NODE_STRAY;
	return q.unsure ? PRIVATE_NODE_UNSURE : PRIVATE_NODE_USERS;
}

/*
 * private_node_whose_is - private_node_whose() for a folio that is not locked
 * @folio: on a private node, held
 *
 * Context: process, does not sleep on a lock; unsure of a folio that somebody
 * else has locked.
 */
enum private_node_whose private_node_whose_is(struct folio *folio)
{
	enum private_node_whose whose;

	/* Nobody else places anything on compressed RAM. */
	if (cram_folio_fenced(folio))
		return PRIVATE_NODE_STRAY;
	if (!kernel_places(folio_nid(folio)))
		return PRIVATE_NODE_USERS;
	if (!folio_trylock(folio))
		return PRIVATE_NODE_UNSURE;
	whose = private_node_whose(folio);
	folio_unlock(folio);
	return whose;
}

static void count_pin(struct folio *folio, bool stray)
{
	struct private_node *pn = private_node_find(folio_nid(folio));

	if (!pn)
		return;
	if (stray)
		this_cpu_add(pn->stats->pin_moved, folio_nr_pages(folio));
	else
		private_node_refuse(pn,
				    (enum private_node_user)PRIVATE_NODE_LONGTERM_PIN,
				    PRIVATE_NODE_REFUSED, 0);
	private_node_put(pn);
}

/*
 * __private_node_pin_refused - see private_node_pin_refused()
 */
bool __private_node_pin_refused(struct vm_area_struct *vma, unsigned long addr,
				struct folio *folio)
{
	struct question q = { .nid = folio_nid(folio) };
	bool stray;

	if (private_node_pin(q.nid))
		return false;
	stray = kernel_places(q.nid) &&
		!(vma ? vma_places(vma, addr, &q) : object_places(folio, &q));
	count_pin(folio, stray);
	return !stray;
}
