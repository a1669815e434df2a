// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page cache on compressed RAM: clean folios of regular files that can be read
 * from the disk again.
 *
 * read() and mappings read these folios in place.  Before somebody changes such
 * a folio, or holds it for an unknown time (a pipe, a pin), a copy in ordinary
 * memory takes its place in the file.  Without memory for a copy the folio is
 * dropped and read again from the disk: it is clean, so nothing is lost.
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
#include "../private_node/internal.h"
#include "cram.h"

/* Page cache may be placed.  Off by default; see /sys/kernel/mm/cram/file. */
bool cram_file __read_mostly;
EXPORT_SYMBOL_IF_KUNIT(cram_file);

/*
 * Page cache that a file system uses for itself, as ext4's allocator does for
 * its bitmaps, cannot be read again, and is written to without a call that
 * could be hooked.
 */
static bool can_be_read(const struct address_space *mapping)
{
	return mapping->a_ops->read_folio && mapping->a_ops->migrate_folio;
}

/*
 * File systems that change page cache only through the functions that are
 * hooked.
 */
static bool known_file_system(const struct super_block *sb)
{
	return sb->s_magic == EXT4_SUPER_MAGIC || sb->s_magic == XFS_SUPER_MAGIC;
}

/*
 * cram_may_file - is a folio page cache that may be placed on a device?
 * @folio: any folio with a reference
 *
 * Context: any; the answer is stable only while the folio is locked.
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
	       known_file_system(inode->i_sb) && !IS_SWAPFILE(inode);
}
EXPORT_SYMBOL_IF_KUNIT(cram_may_file);

/*
 * cram_prepare_file - try to release the private data of a folio
 * @folio: page cache, locked
 *
 * cram_may_file() refuses folios with private data, such as buffer heads.
 *
 * Context: process; does not sleep.
 */
void cram_prepare_file(struct folio *folio)
{
	if (READ_ONCE(cram_file) && folio_test_private(folio) &&
	    !folio_test_dirty(folio) && !folio_test_writeback(folio))
		filemap_release_folio(folio, GFP_NOWAIT);
}

/* See mm/cram/fence.h. */
bool __cram_refuses(struct folio *src, struct folio *dst)
{
	return !cram_stores(folio_nid(dst)) ||
	       (!folio_test_anon(src) && !cram_may_file(src));
}

/*
 * Reclaims a little and does not kill: without a copy the folio is dropped
 * instead.
 */
#define COPY_GFP	(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN)

/*
 * Allocates in ordinary memory that all users may have.  The caller may hold
 * locks of the file system, so reclaim must not enter it.
 */
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
 * Puts @new into the file in place of @old, which is clean, unmapped and has no
 * private data.  Fails when others hold a reference to @old.  Such a holder may
 * be waiting for the folio lock to remove @old from the file; it would find
 * @old removed, and leave the copy in the file.
 */
static bool replace_folio(struct folio *old, struct folio *new)
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
	replaced = replace_folio(old, new);
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

/*
 * Copies a folio to ordinary memory and replaces it in its file.  The caller
 * has locked @old and holds the only reference besides the page cache.
 */
static bool copy_up_folio(struct folio *old)
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
	/*
	 * If it is in the file now, the page cache has references of its own.
	 */
	folio_put(new);
	if (copied)
		cram_copied_up(old, folio_nr_pages(old));
	return copied;
}

static bool drop_folio(struct folio *folio)
{
	/* This cannot fail: the folio is clean and has no private data. */
	if (WARN_ON_ONCE(folio_unmap_invalidate(folio->mapping, folio,
						GFP_NOFS) < 0))
		return false;
	cram_dropped_count(folio);
	return true;
}

/* See mm/cram/fence.h. */
bool __cram_leave_file(struct folio *folio, bool may_wait)
{
	if (!(may_wait && copy_up_folio(folio)) && !drop_folio(folio))
		return false;
	folio_unlock(folio);
	folio_put(folio);
	return true;
}

/* See mm/cram/fence.h. */
bool __cram_leave_unlocked(struct folio *folio)
{
	bool gone;

	folio_lock(folio);
	gone = !folio->mapping || copy_up_folio(folio) || drop_folio(folio);
	folio_unlock(folio);
	return gone;
}

/* See mm/cram/fence.h. */
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
	/* With 0 the pin is tried again, and finds the copy. */
	*ret = gone ? 0 : VM_FAULT_OOM;
	return true;
}

/* A copy in ordinary memory, or NULL. */
static struct page *copy_of(struct page *page)
{
	struct page *copy = alloc_page(GFP_HIGHUSER | __GFP_ACCOUNT);

	if (!copy || !copy_mc_highpage(copy, page))
		return copy;
	__free_page(copy);
	return NULL;
}

/* See include/linux/cram.h. */
bool __cram_pipe_page(struct pipe_buffer *buf)
{
	struct page *copy;

	if (!cram_node(page_to_nid(buf->page)))
		return true;
	copy = copy_of(buf->page);
	put_page(buf->page);
	buf->page = copy;
	/* A gift has to be a page on an LRU list, and the copy is not. */
	buf->flags &= ~PIPE_BUF_FLAG_GIFT;
	return copy;
}

/* See include/linux/cram.h. */
void __cram_held_pages(struct page **pages, unsigned int nr)
{
	struct page *copy;

	for (; nr--; pages++) {
		copy = cram_node(page_to_nid(*pages)) ? copy_of(*pages) : NULL;
		if (!copy)
			continue;
		put_page(*pages);
		*pages = copy;
	}
}
