// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/devices/system/node/node<N>/private: state and counters of a private
 * node, and the settings that an administrator can change.
 *
 * See Documentation/ABI/testing/sysfs-kernel-mm-private-node.
 *
 * The folder exists while both the registration and the device of the node
 * exist.  These come and go in any order: the device is made with the first
 * memory and removed with the last.
 */
#define pr_fmt(fmt) "private_node: " fmt

#include <linux/cpuset_possible.h>
#include <linux/ctype.h>
#include <linux/kobject.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/node.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "refusals.h"
#include "tier.h"

/*
 * Lock order: mem_hotplug_lock, private_node_sysfs_lock (handle.c), active
 * references of the files.  So a reader of a file must not wait for
 * mem_hotplug_lock, nor for a lock whose holders wait for mem_hotplug_lock, such
 * as private_node.lock.  A writer of a file drops its active reference before it
 * takes such locks, see folder_store().
 */

/*
 * More than any memory can move; numa_balancing_promote_rate_limit_MBps has the
 * same limit.
 */
#define MAX_PROMOTE_MIB	65536U

struct private_node_folder {
	struct kobject kobj;
	struct private_node *pn;
};

/* @store is called with private_node.lock held unless @unlocked. */
struct private_node_attr {
	struct attribute attr;
	ssize_t (*show)(struct private_node *pn, char *buf);
	int (*store)(struct private_node *pn, const char *text);
	bool unlocked;
};

static ssize_t owner_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%s\n", pn->owner);
}

static ssize_t capable_show(struct private_node *pn, char *buf)
{
	return private_node_emit_services(pn->capable, buf);
}

static ssize_t enabled_show(struct private_node *pn, char *buf)
{
	return private_node_emit_services(READ_ONCE(pn->enabled), buf);
}

static ssize_t on_full_show(struct private_node *pn, char *buf)
{
	enum private_node_on_full now = READ_ONCE(pn->on_full);
	nodemask_t nodes;

	if (now == PRIVATE_NODE_FULL_FALLBACK) {
		/* A race with fallback_store() may show a mix of two masks. */
		nodes = data_race(pn->fallback);
		return sysfs_emit(buf, "fallback:%*pbl\n",
				  nodemask_pr_args(&nodes));
	}
	return sysfs_emit(buf, "%s\n", private_node_on_full_names[now]);
}

static ssize_t on_unplug_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%s\n",
		private_node_on_unplug_names[READ_ONCE(pn->on_unplug)]);
}

static ssize_t total_bytes_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
		(u64)private_node_managed_pages_nid(pn->nid) << PAGE_SHIFT);
}

/* World-readable, so it only reads counters and disturbs no other CPU. */
static ssize_t free_bytes_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
		(u64)private_node_free_snapshot_nid(pn->nid) << PAGE_SHIFT);
}

/*
 * For root, since this is expensive: free pages may be on per-CPU lists, and
 * freed ones in per-CPU LRU batches.  Only CPUs that hold some are disturbed,
 * and none when all memory of the node is free.
 */
static ssize_t free_bytes_exact_show(struct private_node *pn, char *buf)
{
	u64 nr;

	private_node_drain(pn->nid);
	nr = private_node_exact_free_pages_nid(pn->nid);
	if (nr != private_node_managed_pages_nid(pn->nid)) {
		lru_add_drain_all();
		private_node_drain(pn->nid);
		nr = private_node_exact_free_pages_nid(pn->nid);
	}
	return sysfs_emit(buf, "%llu\n", nr << PAGE_SHIFT);
}

/* @offset is that of a counter in struct private_node_stats. */
static unsigned long sum_counter(struct private_node *pn, size_t offset)
{
	unsigned long total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(*(unsigned long *)
			((void *)per_cpu_ptr(pn->stats, cpu) + offset));
	return total;
}

#define SUM(pn, member) \
	sum_counter(pn, offsetof(struct private_node_stats, member))

static ssize_t stat_show(struct private_node *pn, char *buf)
{
	static const char *const events[PRIVATE_NODE_NR_EVENTS] = {
		[PRIVATE_NODE_USED] = "used",
		[PRIVATE_NODE_REFUSED] = "refused",
		[PRIVATE_NODE_FAILED] = "failed",
	};
	int len = 0;
	int i, j;

	for (i = 0; i < PRIVATE_NODE_NR_USERS; i++)
		for (j = 0; j < PRIVATE_NODE_NR_EVENTS; j++)
			len += sysfs_emit_at(buf, len, "%s_%s %lu\n",
					     private_node_user_name(i),
					     events[j], SUM(pn, event[i][j]));
	len += sysfs_emit_at(buf, len, "unplug_moved %lu\n",
			     SUM(pn, unplug_moved));
	len += sysfs_emit_at(buf, len, "unplug_unmapped %lu\n",
			     SUM(pn, unplug_unmapped));
	len += sysfs_emit_at(buf, len, "oom_kills %lu\n", SUM(pn, oom_kills));
	len += sysfs_emit_at(buf, len, "fallback %lu\n", SUM(pn, fallback));
	len += sysfs_emit_at(buf, len, "displaced %lu\n", SUM(pn, displaced));
	len += sysfs_emit_at(buf, len, "preferred_elsewhere %lu\n",
			     SUM(pn, preferred_elsewhere));
	len += sysfs_emit_at(buf, len, "stack_elsewhere %lu\n",
			     SUM(pn, stack_elsewhere));
	len += sysfs_emit_at(buf, len, "heap_elsewhere %lu\n",
			     SUM(pn, heap_elsewhere));
	len += sysfs_emit_at(buf, len, "pin_moved %lu\n", SUM(pn, pin_moved));
	len += sysfs_emit_at(buf, len, "guests_moved %lu\n",
			     SUM(pn, guests_moved));
	len += sysfs_emit_at(buf, len, "range_moved %lu\n",
			     SUM(pn, range_moved));
	len += sysfs_emit_at(buf, len, "memory_failure_hard %lu\n",
			     SUM(pn, failure_hard));
	len += sysfs_emit_at(buf, len, "memory_failure_soft %lu\n",
			     SUM(pn, failure_soft));
	len += sysfs_emit_at(buf, len, "memory_failure_not_isolated %lu\n",
			     SUM(pn, failure_not_isolated));
	return len;
}

static ssize_t attached_show(struct private_node *pn, char *buf)
{
	return private_node_emit_devices(pn, buf);
}

static int enabled_store(struct private_node *pn, const char *text)
{
	unsigned long mask = pn->enabled;
	int ret;

	ret = private_node_parse_change(pn, text, &mask);
	return ret ?: private_node_change_enabled(pn, mask, true);
}

static int fallback_store(struct private_node *pn, const char *list)
{
	nodemask_t nodes;

	if (nodelist_parse(list, nodes) || nodes_empty(nodes)) {
		pr_write_err("node %d: %s: on_full unchanged: 'fallback:%.64s' is not a node list such as fallback:0,2-3\n",
			     pn->nid, pn->owner, list);
		return -EINVAL;
	}
	/* A private node can be named only with its owner's handle. */
	if (!nodes_subset(nodes, node_states[N_MEMORY])) {
		pr_write_err("node %d: %s: on_full unchanged: 'fallback:%.64s' is not a list of nodes with ordinary memory, which are %*pbl\n",
			     pn->nid, pn->owner, list,
			     nodemask_pr_args(&node_states[N_MEMORY]));
		return -EINVAL;
	}
	/*
	 * An allocation that reads a mix of the old and the new mask still
	 * takes from a node of one of them.
	 */
	pn->fallback = nodes;
	/* Pairs with private_node_fall_back(), which reads the mask after. */
	smp_store_release(&pn->on_full, PRIVATE_NODE_FULL_FALLBACK);
	return 0;
}

static int on_full_store(struct private_node *pn, const char *text)
{
	int i;

	if (str_has_prefix(text, "fallback:"))
		return fallback_store(pn, text + strlen("fallback:"));
	i = match_string(private_node_on_full_names, PRIVATE_NODE_NR_ON_FULL,
			 text);
	if (i < 0 || i == PRIVATE_NODE_FULL_FALLBACK) {
		pr_write_err("node %d: %s: on_full unchanged: '%.64s' is none of fail, sigbus, oom, fallback:<nodes>\n",
			     pn->nid, pn->owner, text);
		return -EINVAL;
	}
	WRITE_ONCE(pn->on_full, i);
	return 0;
}

static int on_unplug_store(struct private_node *pn, const char *text)
{
	int i = match_string(private_node_on_unplug_names,
			     PRIVATE_NODE_NR_ON_UNPLUG, text);

	if (i < 0) {
		pr_write_err("node %d: %s: on_unplug unchanged: '%.64s' is none of refuse, move, sigbus\n",
			     pn->nid, pn->owner, text);
		return -EINVAL;
	}
	WRITE_ONCE(pn->on_unplug, i);
	return 0;
}

static ssize_t access_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%s\n",
		private_node_access_names[cpuset_must_name(pn->nid)]);
}

/*
 * As with a write to cpuset.mems, requests that were let in before may still
 * get pages, and pages stay where they are.
 */
static int access_store(struct private_node *pn, const char *text)
{
	int i = match_string(private_node_access_names, PRIVATE_NODE_NR_ACCESS,
			     text);
	int ret;

	if (i < 0) {
		pr_write_err("node %d: %s: access unchanged: '%.64s' is none of any, named\n",
			     pn->nid, pn->owner, text);
		return -EINVAL;
	}
	ret = cpuset_set_must_name(pn->nid, i == PRIVATE_NODE_ACCESS_NAMED);
	if (ret)
		pr_write_err("node %d: %s: access unchanged: named needs a kernel with cpusets\n",
			     pn->nid, pn->owner);
	return ret;
}

static ssize_t adistance_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%d\n", private_node_adistance(pn));
}

/* Writing 0 restores the owner's distance, or that of firmware. */
static int adistance_store(struct private_node *pn, const char *text)
{
	int adist;

	if (kstrtoint(text, 10, &adist) || adist < 0 ||
	    adist > PRIVATE_NODE_MAX_ADISTANCE) {
		pr_write_err("node %d: %s: adistance unchanged: '%.64s' is no number in 0 to %d\n",
			     pn->nid, pn->owner, text, PRIVATE_NODE_MAX_ADISTANCE);
		return -EINVAL;
	}
	WRITE_ONCE(pn->adistance, adist);
	get_online_mems();
	private_node_tier_update(pn->nid);
	put_online_mems();
	return 0;
}

static ssize_t promotion_mib_per_second_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pn->promote_mib));
}

static int promotion_mib_per_second_store(struct private_node *pn,
					  const char *text)
{
	unsigned int mib;

	if (kstrtouint(text, 10, &mib) || mib > MAX_PROMOTE_MIB) {
		pr_write_err("node %d: %s: promotion_mib_per_second unchanged: '%.64s' is no number in 0 to %u\n",
			     pn->nid, pn->owner, text, MAX_PROMOTE_MIB);
		return -EINVAL;
	}
	WRITE_ONCE(pn->promote_mib, mib);
	return 0;
}

static ssize_t interleave_weight_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(pn->interleave_weight) ?: 1);
}

static int interleave_weight_store(struct private_node *pn, const char *text)
{
	u8 weight;

	if (kstrtou8(text, 10, &weight) || !weight) {
		pr_write_err("node %d: %s: interleave_weight unchanged: '%.64s' is no number in 1 to 255\n",
			     pn->nid, pn->owner, text);
		return -EINVAL;
	}
	WRITE_ONCE(pn->interleave_weight, weight);
	return 0;
}

static ssize_t boot_memory_show(struct private_node *pn, char *buf)
{
	return sysfs_emit(buf, "%s\n", node_state(pn->nid, N_MEMORY_PRIVATE) ?
					"online" : "offline");
}

static int boot_memory_store(struct private_node *pn, const char *text)
{
	if (sysfs_streq(text, "offline"))
		return remove_private_memory_driver_managed(pn);
	if (sysfs_streq(text, "online"))
		return private_node_boot_plug(pn);
	pr_write_err("node %d: %s: boot_memory unchanged: '%.64s' is none of online, offline\n",
		     pn->nid, pn->owner, text);
	return -EINVAL;
}

#define FILE_RO(name) \
	static struct private_node_attr name##_attr = { \
		{ __stringify(name), 0444 }, name##_show, NULL }
#define FILE_ROOT(name) \
	static struct private_node_attr name##_attr = { \
		{ __stringify(name), 0400 }, name##_show, NULL }
#define FILE_RW(name) \
	static struct private_node_attr name##_attr = { \
		{ __stringify(name), 0644 }, name##_show, name##_store }

FILE_RO(owner);
FILE_RO(capable);
FILE_RW(enabled);
FILE_RW(on_full);
FILE_RW(on_unplug);
FILE_RW(access);
FILE_RW(adistance);
FILE_RW(promotion_mib_per_second);
FILE_RW(interleave_weight);
FILE_RO(total_bytes);
FILE_RO(free_bytes);
FILE_ROOT(free_bytes_exact);
FILE_RO(stat);
FILE_RO(attached);
static struct private_node_attr boot_memory_attr = {
	{ "boot_memory", 0644 }, boot_memory_show, boot_memory_store, true };

static struct attribute *private_node_attrs[] = {
	&owner_attr.attr,
	&capable_attr.attr,
	&enabled_attr.attr,
	&on_full_attr.attr,
	&on_unplug_attr.attr,
	&access_attr.attr,
	&adistance_attr.attr,
	&promotion_mib_per_second_attr.attr,
	&interleave_weight_attr.attr,
	&total_bytes_attr.attr,
	&free_bytes_attr.attr,
	&free_bytes_exact_attr.attr,
	&stat_attr.attr,
	&attached_attr.attr,
	&boot_memory_attr.attr,
	NULL
};

static umode_t file_mode(struct kobject *kobj, struct attribute *attr, int n)
{
	struct private_node_folder *folder =
		container_of(kobj, struct private_node_folder, kobj);

	return attr != &boot_memory_attr.attr || folder->pn->at_boot ?
	       attr->mode : 0;
}

static const struct attribute_group private_node_group = {
	.attrs = private_node_attrs,
	.is_visible = file_mode,
};
__ATTRIBUTE_GROUPS(private_node);

static ssize_t folder_show(struct kobject *kobj, struct attribute *attr,
			   char *buf)
{
	struct private_node_folder *folder =
		container_of(kobj, struct private_node_folder, kobj);
	struct private_node_attr *file =
		container_of(attr, struct private_node_attr, attr);

	return file->show(folder->pn, buf);
}

/* Copies a line of printable text; the caller strips blanks at both ends. */
static char *text_of(struct private_node *pn, const char *name,
		     const char *buf, size_t count)
{
	char *text;
	size_t i;

	if (count >= PAGE_SIZE) {
		pr_write_err("node %d: %s: %s unchanged: more than %lu bytes\n",
			     pn->nid, pn->owner, name, PAGE_SIZE - 1);
		return ERR_PTR(-E2BIG);
	}
	text = kmemdup_nul(buf, count, GFP_KERNEL);
	if (!text)
		return ERR_PTR(-ENOMEM);
	if (count && text[count - 1] == '\n')
		text[--count] = '\0';
	for (i = 0; i < count; i++)
		if (text[i] != '\t' &&
		    (!isascii(text[i]) || !isprint(text[i])))
			break;
	if (i == count && *skip_spaces(text))
		return text;
	pr_write_err("node %d: %s: %s unchanged: write one line of plain text\n",
		     pn->nid, pn->owner, name);
	kfree(text);
	return ERR_PTR(-EINVAL);
}

static int store_text(struct private_node *pn, struct attribute *attr,
		      const char *text)
{
	struct private_node_attr *file =
		container_of(attr, struct private_node_attr, attr);

	if (file->unlocked)
		return file->store(pn, text);
	/* Killable: a task that closes a service may hold the lock for long. */
	ACQUIRE(mutex_kill, lock)(&pn->lock);
	if (ACQUIRE_ERR(mutex_kill, &lock))
		return -EINTR;
	if (pn->state == PRIVATE_NODE_DEAD)
		return -ENODEV;
	return file->store(pn, text);
}

/*
 * Without its active reference, the writer does not keep the folder from being
 * removed; the memory of the folder and the handle stay.
 */
static ssize_t folder_store(struct kobject *kobj, struct attribute *attr,
			    const char *buf, size_t count)
{
	struct private_node *pn =
		container_of(kobj, struct private_node_folder, kobj)->pn;
	char *text = text_of(pn, attr->name, buf, count);
	int ret = PTR_ERR_OR_ZERO(text);
	struct kernfs_node *kn;

	kn = ret ? NULL : sysfs_break_active_protection(kobj, attr);
	if (kn) {
		ret = store_text(pn, attr, strim(text));
		sysfs_unbreak_active_protection(kn);
	} else if (!ret) {
		ret = -ENODEV;
	}
	if (!IS_ERR(text))
		kfree(text);
	if (ret)
		private_node_record(.nid = pn->nid, .owner = pn->owner,
				    .act = PRIVATE_NODE_ACT_SETTING,
				    .why = private_node_why_errno(ret));
	return ret ?: count;
}

static void folder_release(struct kobject *kobj)
{
	struct private_node_folder *folder =
		container_of(kobj, struct private_node_folder, kobj);

	private_node_put(folder->pn);
	kfree(folder);
}

static const struct sysfs_ops folder_ops = {
	.show = folder_show,
	.store = folder_store,
};

static const struct kobj_type folder_type = {
	.sysfs_ops = &folder_ops,
	.default_groups = private_node_groups,
	.release = folder_release,
};

static int folder_add(struct private_node *pn)
{
	struct private_node_folder *folder;
	int ret;

	lockdep_assert_held(&private_node_sysfs_lock);
	/* DEAD is set before remove_files() is called. */
	if (pn->kobj || READ_ONCE(pn->state) == PRIVATE_NODE_DEAD)
		return 0;
	folder = kzalloc_obj(*folder);
	if (!folder)
		return -ENOMEM;
	folder->pn = private_node_get(pn);
	ret = kobject_init_and_add(&folder->kobj, &folder_type,
				   &node_devices[pn->nid]->dev.kobj, "private");
	if (ret)
		kobject_put(&folder->kobj);
	else
		pn->kobj = &folder->kobj;
	return ret;
}

/* kobject_del() waits for show methods that are running. */
static void folder_remove(struct private_node *pn)
{
	lockdep_assert_held(&private_node_sysfs_lock);
	if (!pn->kobj)
		return;
	kobject_del(pn->kobj);
	kobject_put(pn->kobj);
	pn->kobj = NULL;
}

/*
 * add_files - make the files of a node that was registered
 * @pn: the handle
 *
 * Does nothing for a node without a device, which comes with the first memory;
 * see __private_node_device_added().
 *
 * Context: process, may sleep; not under private_node_lock nor @pn->lock.
 * Return: 0 or an errno.
 */
static int add_files(struct private_node *pn)
{
	int ret = 0;

	get_online_mems();
	scoped_guard(mutex, &private_node_sysfs_lock)
		if (node_devices[pn->nid])
			ret = folder_add(pn);
	put_online_mems();
	return ret;
}

/*
 * remove_files - remove the files of a node
 * @pn: the handle
 *
 * Context: process, may sleep; not under private_node_lock nor @pn->lock.
 */
static void remove_files(struct private_node *pn)
{
	guard(mutex)(&private_node_sysfs_lock);
	folder_remove(pn);
}

const struct private_node_subscriber private_node_sysfs_subscriber = {
	.registered = add_files,
	.gone = remove_files,
};

/* See include/linux/private_node_hooks.h. */
void __private_node_device_added(int nid)
{
	struct private_node *pn = private_node_find(nid);
	int ret = 0;

	if (!pn)
		return;
	scoped_guard(mutex, &private_node_sysfs_lock)
		ret = folder_add(pn);
	if (ret)
		pr_warn("node %d: %s: no files in sysfs: %d; remove the memory and add it again\n",
			nid, pn->owner, ret);
	private_node_put(pn);
}

/* See include/linux/private_node_hooks.h. */
void __private_node_device_removed(int nid)
{
	struct private_node *pn = private_node_find(nid);

	if (!pn)
		return;
	scoped_guard(mutex, &private_node_sysfs_lock)
		folder_remove(pn);
	private_node_put(pn);
}

/*
 * Version of all that users see: files, their values, messages that tools read.
 * Raised when a meaning changes.
 */
#define ABI_VERSION	2

static ssize_t abi_version_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", ABI_VERSION);
}

static ssize_t displaced_show(struct kobject *kobj,
			      struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", private_node_displaced_pages());
}

static struct kobj_attribute abi_version_attr = __ATTR_RO(abi_version);
static struct kobj_attribute displaced_attr = __ATTR_RO(displaced);

static struct attribute *global_attrs[] = {
	&abi_version_attr.attr,
	&displaced_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(global);

/* /sys/kernel/mm/private_node */
static int __init private_node_sysfs_init(void)
{
	struct kobject *kobj = kobject_create_and_add("private_node", mm_kobj);

	return kobj ? sysfs_create_groups(kobj, global_groups) : -ENOMEM;
}
late_initcall(private_node_sysfs_init);
