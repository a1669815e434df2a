// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page cache on compressed RAM: clean folios of regular files that can be read
 * again.
 *
 * They are read where they are, mapped or by read().  Who locks such a folio to
 * change it, or a mapping that writes, finds it gone, and reads it again from
 * the disk: nothing is lost by that, and it needs nobody's consent.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <trace/events/cram.h>

#include "../internal.h"
#include "cram.h"

/* May page cache come?  Off by default: a disk is not a swap. */
bool cram_file __read_mostly;

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
	return inode && S_ISREG(inode->i_mode) && known(inode->i_sb) &&
	       !IS_SWAPFILE(inode);
}

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

static bool drop(struct folio *folio)
{
	/* It is clean, and holds nothing of its file system's. */
	return !WARN_ON_ONCE(folio_unmap_invalidate(folio->mapping, folio,
						    GFP_NOFS) < 0);
}

/* See include/linux/cram_fence.h. */
bool __cram_drop(struct folio *folio)
{
	if (!drop(folio))
		return false;
	cram_dropped_count(folio);
	folio_unlock(folio);
	folio_put(folio);
	return true;
}

/* See include/linux/cram_fence.h. */
bool __cram_drop_mapped(struct folio *folio)
{
	bool gone = true;

	folio_lock(folio);
	if (folio->mapping)
		gone = drop(folio);
	if (gone)
		cram_dropped_count(folio);
	folio_unlock(folio);
	return gone;
}
