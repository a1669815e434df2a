// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page cache on compressed RAM: clean folios of regular files that can be read
 * again.
 *
 * They are read where they are, mapped or by read().  Who locks such a folio to
 * change it, a mapping that writes, and who would hold it for a time that nobody
 * knows (a pipe, a pin) gets a copy in ordinary memory, which takes its place in
 * the file.  Without memory for one the folio is dropped, and read again from the
 * disk: nothing is lost by that, and it needs nobody's consent.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <linux/topology.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "../private_node/private_node.h"
#include "cram.h"

/* May page cache come?  Off by default: a disk is not a swap. */
bool cram_file __read_mostly;
EXPORT_SYMBOL_IF_KUNIT(cram_file);

/*
 * Can it be read again?  What a file system keeps in a page cache of its own, as
 * ext4's allocator does, cannot, and is written to without anybody's knowledge.
 */
static bool can_be_read(const struct address_space *mapping)
{
	return mapping->a_ops->read_folio && mapping->a_ops->migrate_folio;
}

/* Those whose page cache changes by the page cache's own functions alone. */
static bool known(const struct super_block *sb)
{
	return sb->s_magic == EXT4_SUPER_MAGIC || sb->s_magic == XFS_SUPER_MAGIC;
}

/*
 * cram_may_file - may this page cache be placed on a device?
 * @folio: any folio that is held
 *
 * Context: any; who holds the folio's lock gets an answer that stays true.
 */
bool cram_may_file(struct folio *folio)
{
	struct address_space *mapping;
	struct inode *inode;

	if (!READ_ONCE(cram_file) || folio_test_anon(folio) ||
	    folio_test_swapbacked(folio) || folio_test_hugetlb(folio))
		return false;
	if (!folio_test_uptodate(folio) || folio_test_dirty(folio) ||
	    folio_test_writeback(folio) || folio_test_private(folio) ||
	    folio_test_mlocked(folio))
		return false;
	guard(rcu)();
	mapping = READ_ONCE(folio->mapping);
	inode = mapping ? mapping->host : NULL;
	return inode && S_ISREG(inode->i_mode) && can_be_read(mapping) &&
	       known(inode->i_sb) && !IS_SWAPFILE(inode);
}
EXPORT_SYMBOL_IF_KUNIT(cram_may_file);

/*
 * cram_prepare_file - part a folio from what its file system keeps with it
 * @folio: page cache, locked
 *
 * Context: process; does not sleep.
 */
void cram_prepare_file(struct folio *folio)
{
	if (READ_ONCE(cram_file) && folio_test_private(folio) &&
	    !folio_test_dirty(folio) && !folio_test_writeback(folio))
		filemap_release_folio(folio, GFP_NOWAIT);
}

/* See include/linux/cram_fence.h. */
bool __cram_refuses(struct folio *src, struct folio *dst)
{
	return !cram_stores(folio_nid(dst)) ||
	       (!folio_test_anon(src) && !cram_may_file(src));
}

/* As many as reclaim would free; whoever writes may be in reclaim's way. */
#define COPY_GFP	(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN)

/* In ordinary memory that its users may have. */
static struct folio *alloc_copy(struct folio *old)
{
	nodemask_t to = node_states[N_MEMORY];
	unsigned int nofs = memalloc_nofs_save();
	struct folio *new = NULL;

	if (private_node_may_have(old, &to, NUMA_NO_NODE) > 0)
		new = private_node_alloc_among(numa_mem_id(), &to, COPY_GFP,
					       folio_order(old));
	memalloc_nofs_restore(nofs);
	return new;
}

/*
 * @old is clean, not mapped, and nothing of its file system's hangs on it.  Nobody
 * but the caller may have it: who found it, and waits for its lock to take it out of
 * the file, would find that it is no longer there, and leave the copy.
 */
static bool replace(struct folio *old, struct folio *new)
{
	struct address_space *mapping = old->mapping;
	XA_STATE(xas, &mapping->i_pages, old->index);
	long nr = folio_nr_pages(old);

	new->mapping = mapping;
	new->index = old->index;
	mem_cgroup_replace_folio(old, new);
	xas_lock_irq(&xas);
	if (!folio_ref_freeze(old, nr + 1)) {
		xas_unlock_irq(&xas);
		new->mapping = NULL;
		return false;
	}
	folio_ref_add(new, nr);
	xas_store(&xas, new);
	old->mapping = NULL;
	lruvec_stat_sub_folio(old, NR_FILE_PAGES);
	lruvec_stat_add_folio(new, NR_FILE_PAGES);
	folio_ref_unfreeze(old, 1);
	xas_unlock_irq(&xas);
	return true;
}

static bool copy_and_replace(struct folio *old, struct folio *new)
{
	bool replaced;

	if (folio_mc_copy(new, old))
		return false;
	__folio_set_locked(new);
	folio_mark_uptodate(new);
	replaced = replace(old, new);
	if (replaced) {
		__cram_refaulted(new, &old->page);
		folio_add_lru(new);
	}
	folio_unlock(new);
	return replaced;
}

static bool can_be_copied(struct folio *folio)
{
	const struct cram_ops *ops;
	struct cram_device *cd;

	if (folio_contain_hwpoisoned_page(folio))
		return false;
	guard(rcu)();
	cd = cram_peek(folio_nid(folio));
	ops = cd ? cd->desc.ops : NULL;
	return !ops || !ops->is_lost ||
	       !ops->is_lost(cd, folio_pfn(folio), folio_nr_pages(folio));
}

/* Locked and held by the caller, for whom it is of no use any more then. */
static bool copy_up(struct folio *old)
{
	struct folio *new = can_be_copied(old) ? alloc_copy(old) : NULL;
	unsigned long stall;
	bool copied;

	if (!new)
		return false;
	stall = cram_stall_begin(&old->page);
	if (folio_mapped(old))
		unmap_mapping_folio(old);
	copied = copy_and_replace(old, new);
	cram_stall_end(stall);
	/* The file has it, or nobody. */
	folio_put(new);
	if (copied)
		cram_copied_up(old, folio_nr_pages(old));
	return copied;
}

static bool drop(struct folio *folio)
{
	/* It is clean, and holds nothing of its file system's. */
	if (WARN_ON_ONCE(folio_unmap_invalidate(folio->mapping, folio,
						GFP_NOFS) < 0))
		return false;
	cram_dropped_count(folio);
	return true;
}

/* See include/linux/cram_fence.h. */
bool __cram_leave_file(struct folio *folio, bool may_wait)
{
	if (!(may_wait && copy_up(folio)) && !drop(folio))
		return false;
	folio_unlock(folio);
	folio_put(folio);
	return true;
}

/* See include/linux/cram_fence.h. */
bool __cram_leave_unlocked(struct folio *folio)
{
	bool gone;

	folio_lock(folio);
	gone = !folio->mapping || copy_up(folio) || drop(folio);
	folio_unlock(folio);
	return gone;
}

/* See include/linux/cram_fence.h. */
bool __cram_unshare_file(struct vm_fault *vmf, struct folio *folio,
			 vm_fault_t *ret)
{
	bool shared = vmf->vma->vm_flags & (VM_SHARED | VM_MAYSHARE);
	bool gone = true;

	if (folio && cram_file_fenced(folio)) {
		folio_get(folio);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		gone = __cram_leave_unlocked(folio);
		folio_put(folio);
	} else if (shared) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	} else {
		return false;
	}
	/* Who would hold it comes again, and finds the copy. */
	*ret = gone ? 0 : VM_FAULT_OOM;
	return true;
}

/* See include/linux/cram_fence.h. */
bool __cram_pipe_page(struct pipe_buffer *buf)
{
	struct page *copy = alloc_page(GFP_HIGHUSER | __GFP_ACCOUNT);

	if (copy && copy_mc_highpage(copy, buf->page)) {
		__free_page(copy);
		copy = NULL;
	}
	put_page(buf->page);
	buf->page = copy;
	/* It is on no LRU list, as a page of the user's would be. */
	buf->flags &= ~PIPE_BUF_FLAG_GIFT;
	return copy;
}
