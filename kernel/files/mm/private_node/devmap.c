// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device map: /dev/private_node/<name>, whose mmap is memory of that node.
 *
 *	MAP_PRIVATE	anonymous memory; offset is checked and has no meaning
 *	MAP_SHARED	one object per open file, shared by all who map that
 *			file, inherit it, or are sent it; offset is inside it
 *
 * Placement is a memory policy that carries the owner's handle, in the VMA and,
 * for shared mappings, in the object too.  The handle is the registration, not
 * the node id: files and mappings that outlive it never reach the next owner.
 *
 * Only the node's own size limits a mapping: VM_NORESERVE, not accounted.
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
#include <linux/private_node_mm.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "private_node.h"
#include "refusals.h"

#define DEVMAP_MINORS	(MINORMASK + 1)

/**
 * struct private_node_devmap - a file below /dev/private_node/
 * @minor: its minor number; handed out in a cycle, so that an old inode does
 *	not meet the next owner
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
/* From minor number to handle; the handle of an entry is valid under the xa_lock. */
static DEFINE_XARRAY_ALLOC(devmap_minors);
static u32 devmap_next_minor;

static char *devmap_devnode(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0600;
	/* Also called when the file is removed; a failure would leave the file behind. */
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

/* The object is as long as a file can be; mmap() checks the size of the node. */
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

/* No mapping can be larger than the node, nor start beyond its end. */
static int devmap_check(struct private_node *pn, struct vm_area_struct *vma)
{
	unsigned long limit = private_node_managed_pages_nid(pn->nid);
	unsigned long len = vma_pages(vma);

	if (READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return -ENODEV;
	/* During an unplug blocks go and may come back; faults wait for that. */
	if (!private_node_closing(pn) &&
	    (len > limit || vma->vm_pgoff > limit - len))
		return -EINVAL;
	if (!cpuset_may_name(pn->nid))
		return -EPERM;
	return 0;
}

static void record(struct private_node *pn, enum private_node_act act,
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
		record(df->pn, PRIVATE_NODE_ACT_MAP,
		       ret == -EPERM ? private_node_why_cpuset(df->pn->nid) :
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
 * __is_file_private_node - is this an open /dev/private_node/ file?
 * @file: any file
 *
 * Context: any.
 */
bool __is_file_private_node(const struct file *file)
{
	return file->f_op == &devmap_fops;
}

/*
 * __vma_is_private_node - is this a mapping of /dev/private_node/?
 * @vma: any mapping
 *
 * Context: any; the mapping is locked.
 */
bool __vma_is_private_node(const struct vm_area_struct *vma)
{
	return vma->vm_policy && mpol_private_node(vma->vm_policy);
}

/*
 * private_node_range_fixed - does a range touch a mapping of /dev/private_node/?
 * @mm: address space, locked
 * @start: first byte
 * @end: behind the last byte
 *
 * The owner decides on its placement; user policy does not replace that.  If so, the
 * caller refuses, and this records it.
 */
bool private_node_range_fixed(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end)
		if (__vma_is_private_node(vma)) {
			record(mpol_private_node(vma->vm_policy),
			       PRIVATE_NODE_ACT_POLICY, PRIVATE_NODE_WHY_FIXED);
			return true;
		}
	return false;
}

/*
 * private_node_devmap_add - make /dev/private_node/<name>
 * @pn: the handle
 *
 * Context: process, may sleep.
 * Return: 0 or -errno; nothing is left behind on error.
 */
int private_node_devmap_add(struct private_node *pn)
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
 * private_node_devmap_remove - take /dev/private_node/<name> away
 * @pn: the handle
 *
 * Open files stay, with the handle.
 * Context: process, may sleep.
 */
void private_node_devmap_remove(struct private_node *pn)
{
	struct private_node_devmap *dm = pn->devmap;

	if (!dm)
		return;
	pn->devmap = NULL;
	device_destroy(&devmap_class, devmap_devt + dm->minor);
	xa_erase(&devmap_minors, dm->minor);
	kfree(dm);
}

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

/* Runs before boot.c registers the nodes of the command line. */
postcore_initcall(devmap_init);
