// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device map: mmap() of /dev/private_node/<name> gives memory of that node.
 *
 *	MAP_PRIVATE	anonymous memory; offset is checked and has no meaning
 *	MAP_SHARED	a shmem object for each open(), shared by all who
 *			inherit or are sent the open file; offset is the one in
 *			the object
 *
 * The VMA, and for shared mappings the object too, has a memory policy with a
 * reference to the handle.  The handle is one registration and not a node id,
 * so a file or mapping that outlives the registration never gets memory of the
 * next owner.
 *
 * A mapping is not accounted (VM_NORESERVE); only the size of the node limits
 * it.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "internal.h"
#include "mm_pages.h"
#include "refusals.h"

#define DEVMAP_MINORS	(MINORMASK + 1)

/**
 * struct private_node_devmap - a file below /dev/private_node/
 * @minor: its minor number; these are handed out in a cycle, so that an old
 *	inode does not open the file of the next owner
 */
struct private_node_devmap {
	u32 minor;
};

/**
 * struct devmap_file - an open file
 * @pn: the handle
 * @object: what MAP_SHARED maps
 */
struct devmap_file {
	struct private_node *pn;
	struct file *object;
};

static dev_t devmap_devt;
static struct cdev devmap_cdev;
/* Handles by minor number, without a reference: valid under the xa_lock. */
static DEFINE_XARRAY_ALLOC(devmap_minors);
static u32 devmap_next_minor;

static char *devmap_devnode(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0600;
	/* The name is also needed to remove the file, which must not fail. */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "private_node/%s",
			 dev_name(dev));
}

static const struct class devmap_class = {
	.name = "private_node",
	.devnode = devmap_devnode,
};

static struct private_node *devmap_find(int minor)
{
	struct private_node *pn;

	xa_lock(&devmap_minors);
	pn = xa_load(&devmap_minors, minor);
	if (pn)
		private_node_get(pn);
	xa_unlock(&devmap_minors);
	return pn;
}

/*
 * Makes the shmem object of an open file.  It is as long as a file can be,
 * since devmap_check() limits each mapping to the size of the node.
 */
static struct file *devmap_object(struct private_node *pn)
{
	struct mempolicy *pol;
	struct file *object;
	int ret;

	object = shmem_kernel_file_setup(pn->name, round_down(MAX_LFS_FILESIZE,
							      PAGE_SIZE),
					 mk_vma_flags(VMA_NORESERVE_BIT));
	if (IS_ERR(object))
		return object;
	SHMEM_I(file_inode(object))->flags |= SHMEM_F_PRIVATE_NODE;
	pol = mpol_new_private_node(pn);
	ret = pol ? mpol_set_shared_private_node(&SHMEM_I(file_inode(object))->policy,
						 pol) : -ENOMEM;
	mpol_put(pol);
	if (!ret)
		return object;
	fput(object);
	return ERR_PTR(ret);
}

static int devmap_open(struct inode *inode, struct file *file)
{
	struct devmap_file *df;

	df = kzalloc_obj(*df);
	if (!df)
		return -ENOMEM;
	df->pn = devmap_find(iminor(inode));
	if (!df->pn) {
		kfree(df);
		return -ENODEV;
	}
	df->object = devmap_object(df->pn);
	if (IS_ERR(df->object)) {
		int ret = PTR_ERR(df->object);

		private_node_put(df->pn);
		kfree(df);
		return ret;
	}
	file->private_data = df;
	return 0;
}

static int devmap_release(struct inode *inode, struct file *file)
{
	struct devmap_file *df = file->private_data;

	fput(df->object);
	private_node_put(df->pn);
	kfree(df);
	return 0;
}

/* Refuses a mapping that is larger than the node, or ends beyond its size. */
static int devmap_check(struct private_node *pn, struct vm_area_struct *vma)
{
	unsigned long limit = private_node_managed_pages_nid(pn->nid);
	unsigned long len = vma_pages(vma);

	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return -ENODEV;
	/*
	 * No limit during an unplug: blocks that went offline come back if it
	 * fails.  Faults wait for its outcome.
	 */
	if (!private_node_closing(pn) &&
	    (len > limit || vma->vm_pgoff > limit - len))
		return -EINVAL;
	if (!cpuset_may_name(pn->nid))
		return -EPERM;
	return 0;
}

static void record_refusal(struct private_node *pn, enum private_node_act act,
			   enum private_node_why why)
{
	private_node_record(.nid = pn->nid, .owner = pn->owner, .act = act,
			    .why = why);
}

static int devmap_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct devmap_file *df = file->private_data;
	struct mempolicy *pol;
	int ret;

	ret = devmap_check(df->pn, vma);
	if (ret) {
		record_refusal(df->pn, PRIVATE_NODE_ACT_MAP,
			       ret == -EPERM ?
			       private_node_why_cpuset(df->pn->nid) :
			       ret == -EINVAL ? PRIVATE_NODE_WHY_TOO_LARGE :
						PRIVATE_NODE_WHY_GONE);
		return ret;
	}
	pol = mpol_new_private_node(df->pn);
	if (!pol)
		return -ENOMEM;
	WRITE_ONCE(df->pn->devmapped, true);
	mm_flags_set(MMF_DEVICE_MAP, vma->vm_mm);
	vm_flags_set(vma, VM_NORESERVE);
	if (vma->vm_flags & VM_MAYSHARE) {
		vma_set_file(vma, df->object);
		ret = vfs_mmap(df->object, vma);
	} else {
		vma_set_anonymous(vma);
	}
	if (ret)
		mpol_put(pol);
	else
		vma->vm_policy = pol;
	return ret;
}

static unsigned long devmap_get_unmapped_area(struct file *file,
					      unsigned long addr,
					      unsigned long len,
					      unsigned long pgoff,
					      unsigned long flags)
{
	if (flags & MAP_SHARED)
		return shmem_get_unmapped_area(NULL, addr, len, pgoff, flags);
	/* Anonymous huge pages are aligned by address, whatever the offset. */
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return thp_get_unmapped_area(file, addr, len, 0, flags);
#else
	return mm_get_unmapped_area(file, addr, len, 0, flags);
#endif
}

static const struct file_operations devmap_fops = {
	.owner = THIS_MODULE,
	.open = devmap_open,
	.release = devmap_release,
	.mmap = devmap_mmap,
	.get_unmapped_area = devmap_get_unmapped_area,
	.llseek = noop_llseek,
};

/*
 * __is_file_private_node - see is_file_private_node()
 */
bool __is_file_private_node(const struct file *file)
{
	return file->f_op == &devmap_fops;
}

/*
 * __vma_is_private_node - see vma_is_private_node()
 */
bool __vma_is_private_node(const struct vm_area_struct *vma)
{
	return vma->vm_policy && mpol_private_node(vma->vm_policy);
}

/*
 * private_node_range_fixed - does a range touch a mapping of a device map?
 * @mm: address space, locked
 * @start: first byte
 * @end: behind the last byte
 *
 * The memory of such a mapping stays on the node: user policy cannot replace
 * that.  This function records the refusal; the caller refuses.
 *
 * Context: process; @mm->mmap_lock held.
 * Return: true if it touches one.
 */
bool private_node_range_fixed(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end)
		if (__vma_is_private_node(vma)) {
			record_refusal(mpol_private_node(vma->vm_policy),
				       PRIVATE_NODE_ACT_POLICY,
				       PRIVATE_NODE_WHY_FIXED);
			return true;
		}
	return false;
}

/*
 * devmap_add - make /dev/private_node/<name>
 * @pn: the handle
 *
 * Context: process, may sleep.
 * Return: 0 or -errno; nothing is left behind on error.
 */
static int devmap_add(struct private_node *pn)
{
	struct private_node_devmap *dm;
	struct device *dev;
	int ret;

	if (pn->flags & PRIVATE_NODE_F_NO_DEVICE_MAP)
		return 0;
	dm = kzalloc_obj(*dm);
	if (!dm)
		return -ENOMEM;
	ret = xa_alloc_cyclic(&devmap_minors, &dm->minor, pn,
			      XA_LIMIT(0, DEVMAP_MINORS - 1),
			      &devmap_next_minor, GFP_KERNEL);
	if (ret < 0) {
		kfree(dm);
		return ret;
	}
	pn->devmap = dm;
	dev = device_create(&devmap_class, NULL, devmap_devt + dm->minor, pn,
			    "%s", pn->name);
	if (!IS_ERR(dev))
		return 0;
	pn->devmap = NULL;
	xa_erase(&devmap_minors, dm->minor);
	kfree(dm);
	return PTR_ERR(dev);
}

/*
 * devmap_remove - take /dev/private_node/<name> away
 * @pn: the handle
 *
 * Files that are open stay open and keep their reference to the handle.
 *
 * Context: process, may sleep.
 */
static void devmap_remove(struct private_node *pn)
{
	struct private_node_devmap *dm = pn->devmap;

	if (!dm)
		return;
	pn->devmap = NULL;
	device_destroy(&devmap_class, devmap_devt + dm->minor);
	xa_erase(&devmap_minors, dm->minor);
	kfree(dm);
}

const struct private_node_subscriber private_node_devmap_subscriber = {
	.registered = devmap_add,
	.gone = devmap_remove,
};

static int __init devmap_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&devmap_devt, 0, DEVMAP_MINORS,
				  "private_node");
	if (ret)
		return ret;
	cdev_init(&devmap_cdev, &devmap_fops);
	ret = cdev_add(&devmap_cdev, devmap_devt, DEVMAP_MINORS);
	if (ret)
		goto err_region;
	ret = class_register(&devmap_class);
	if (!ret)
		return 0;
	cdev_del(&devmap_cdev);
err_region:
	unregister_chrdev_region(devmap_devt, DEVMAP_MINORS);
	pr_err("/dev/private_node: cannot be set up: %d\n", ret);
	return ret;
}

/* Has to run before boot.c registers nodes, which is a subsys_initcall(). */
postcore_initcall(devmap_init);
