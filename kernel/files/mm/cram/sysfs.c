// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/mm/cram, and node<N>/private/cram for each device.
 *
 * See Documentation/ABI/testing/sysfs-kernel-mm-cram.
 */
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "../private_node/internal.h"
#include "cram.h"

struct cram_attr {
	struct attribute attr;
	ssize_t (*show)(struct cram_device *cd, char *buf);
	int (*store)(struct cram_device *cd, const char *text);
};

static const char *const state_names[CRAM_NR_STATES] = {
	[CRAM_OK] = "ok",
	[CRAM_SHORT] = "short",
	[CRAM_SILENT] = "silent",
	[CRAM_BROKEN] = "broken",
};

static const char *const stat_names[CRAM_NR_STATS] = {
	[CRAM_ADMITTED] = "admitted",
	[CRAM_ADMITTED_FILE] = "admitted_file",
	[CRAM_ADMITTED_ZSWAP] = "admitted_zswap",
	[CRAM_REFUSED_CREDIT] = "refused_credit",
	[CRAM_REFUSED_STATE] = "refused_state",
	[CRAM_REFUSED_TOKEN] = "refused_token",
	[CRAM_REFUSED_GRANT] = "refused_grant",
	[CRAM_FAILED] = "failed",
	[CRAM_WAITED] = "waited",
	[CRAM_COPIED_UP] = "copied_up",
	[CRAM_DROPPED] = "dropped",
	[CRAM_GRANTED] = "granted",
	[CRAM_REVOKED] = "revoked",
	[CRAM_PROMOTED] = "promoted",
	[CRAM_REFAULTED] = "refaulted",
	[CRAM_EVICTED] = "evicted",
	[CRAM_TRIMMED] = "trimmed",
	[CRAM_TRIM_RETRIED] = "trim_retried",
	[CRAM_LOST] = "lost",
	[CRAM_CHANGED] = "changed",
	[CRAM_EVENTS] = "events",
	[CRAM_READINGS] = "readings",
	[CRAM_READINGS_FAILED] = "readings_failed",
};

static ssize_t shown_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
		(u64)private_node_managed_pages_nid(cd->nid) << PAGE_SHIFT);
}

static ssize_t physical_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(cd->last.total));
}

static ssize_t used_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(cd->last.used));
}

static ssize_t credit_bytes_show(struct cram_device *cd, char *buf)
{
	s64 credit = cram_ledger_credit(&cd->ledger);
	enum cram_state state = cram_state_now(cd);

	/* Without a good reading the credit is unknown. */
	if (state == CRAM_SILENT || state == CRAM_BROKEN)
		credit = 0;
	return sysfs_emit(buf, "%lld\n",
			  cram_admits(cd) ? credit : min_t(s64, credit, 0));
}

static ssize_t resident_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  (u64)cram_resident(cd) << PAGE_SHIFT);
}

/* Resident bytes by used bytes of the last reading, with two decimals. */
static ssize_t ratio_show(struct cram_device *cd, char *buf)
{
	u64 used = READ_ONCE(cd->last.used);
	u64 ratio;

	if (!used)
		return sysfs_emit(buf, "0.00\n");
	ratio = ((u64)cram_resident(cd) << PAGE_SHIFT) * 100 / used;
	return sysfs_emit(buf, "%llu.%02llu\n", ratio / 100, ratio % 100);
}

static ssize_t untrimmed_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  (u64)atomic_long_read(&cd->nr_freed) << PAGE_SHIFT);
}

static ssize_t worst_case_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n", cd->ledger.worst);
}

static ssize_t state_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%s\n", READ_ONCE(cd->closing) ? "closing" :
			  state_names[cram_state_now(cd)]);
}

static int state_store(struct cram_device *cd, const char *text)
{
	if (!sysfs_streq(text, "ok") || cram_clear_broken(cd)) {
		pr_write_err("cram: node %d: state: '%.*s' refused: only 'ok' can be written, while the device is broken; nothing was changed\n",
			     cd->nid, (int)strcspn(text, "\n"), text);
		return -EINVAL;
	}
	return 0;
}

static long sum_of(struct cram_device *cd, enum cram_stat what)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(cd->stat, cpu)[what]);
	return sum;
}

static ssize_t stat_show(struct cram_device *cd, char *buf)
{
	int i, len = 0;

	for (i = 0; i < CRAM_NR_STATS; i++)
		len += sysfs_emit_at(buf, len, "%s %ld\n", stat_names[i],
				     sum_of(cd, i));
	return len;
}

static ssize_t writable_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  (u64)cram_writable_max(cd) << PAGE_SHIFT);
}

static int writable_bytes_store(struct cram_device *cd, const char *text)
{
	unsigned long long bytes = 0;
	unsigned long max;
	const char *end;

	if (sysfs_streq(text, "default")) {
		max = CRAM_WRITABLE_SHARE;
		end = "";
	} else {
		bytes = memparse(text, (char **)&end);
		max = bytes >> PAGE_SHIFT;
	}
	if (end == text || (*end && *end != '\n') ||
	    bytes >> PAGE_SHIFT > cd->nr_pages) {
		pr_write_err("cram: node %d: writable_bytes: '%.*s' is neither a size nor 'default', or more than the device shows; nothing was changed\n",
			     cd->nid, (int)strcspn(text, "\n"), text);
		return -EINVAL;
	}
	WRITE_ONCE(cd->writable_max, max);
	/* The work after the reading makes pages above the limit read-only. */
	cram_read_soon(cd);
	return 0;
}

static ssize_t writable_used_bytes_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
		(u64)atomic_long_read(&cd->nr_writable) << PAGE_SHIFT);
}

#ifdef CONFIG_CRAM_DEBUG
static ssize_t protected_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%d\n", cram_debug_protected(cd));
}

static ssize_t ledger_show(struct cram_device *cd, char *buf)
{
	return sysfs_emit(buf, "%d\n", !READ_ONCE(cd->ledger.disabled));
}

static int parse_bool(struct cram_device *cd, const char *name,
		      const char *text, bool *on)
{
	if (!kstrtobool(text, on))
		return 0;
	pr_write_err("cram: node %d: %s: '%.*s' is neither 0 nor 1; nothing was changed\n",
		     cd->nid, name, (int)strcspn(text, "\n"), text);
	return -EINVAL;
}

static int ledger_store(struct cram_device *cd, const char *text)
{
	bool on;
	int ret = parse_bool(cd, "ledger", text, &on);

	if (!ret)
		WRITE_ONCE(cd->ledger.disabled, !on);
	return ret;
}

static int stray_store_store(struct cram_device *cd, const char *text)
{
	unsigned long pfn;

	if (!kstrtoul(text, 0, &pfn) && !cram_debug_stray_store(cd, pfn))
		return 0;
	pr_write_err("cram: node %d: stray_store: '%.*s' is no page in use of the device, or it cannot be written to; nothing was changed\n",
		     cd->nid, (int)strcspn(text, "\n"), text);
	return -EFAULT;
}
#endif

#define ATTR_RO(name) \
	static struct cram_attr name##_attr = __ATTR_RO(name)
#define ATTR_RW(name) \
	static struct cram_attr name##_attr = __ATTR_RW(name)

ATTR_RO(shown_bytes);
ATTR_RO(physical_bytes);
ATTR_RO(used_bytes);
ATTR_RO(credit_bytes);
ATTR_RO(resident_bytes);
ATTR_RO(ratio);
ATTR_RO(untrimmed_bytes);
ATTR_RO(worst_case_bytes);
ATTR_RW(writable_bytes);
ATTR_RO(writable_used_bytes);
ATTR_RW(state);
ATTR_RO(stat);
#ifdef CONFIG_CRAM_DEBUG
ATTR_RW(ledger);
ATTR_RO(protected);
static struct cram_attr stray_store_attr =
	__ATTR(stray_store, 0200, NULL, stray_store_store);
#endif

static struct attribute *cram_attrs[] = {
	&shown_bytes_attr.attr,
	&physical_bytes_attr.attr,
	&used_bytes_attr.attr,
	&credit_bytes_attr.attr,
	&resident_bytes_attr.attr,
	&ratio_attr.attr,
	&untrimmed_bytes_attr.attr,
	&worst_case_bytes_attr.attr,
	&writable_bytes_attr.attr,
	&writable_used_bytes_attr.attr,
	&state_attr.attr,
	&stat_attr.attr,
#ifdef CONFIG_CRAM_DEBUG
	&ledger_attr.attr,
	&protected_attr.attr,
	&stray_store_attr.attr,
#endif
	NULL
};
ATTRIBUTE_GROUPS(cram);

static ssize_t cram_attr_show(struct kobject *kobj, struct attribute *attr,
			      char *buf)
{
	struct cram_attr *a = container_of(attr, struct cram_attr, attr);

	return a->show(container_of(kobj, struct cram_device, kobj), buf);
}

static ssize_t cram_attr_store(struct kobject *kobj, struct attribute *attr,
			       const char *buf, size_t count)
{
	struct cram_attr *a = container_of(attr, struct cram_attr, attr);
	int ret;

	ret = a->store(container_of(kobj, struct cram_device, kobj), buf);
	return ret ?: count;
}

static const struct sysfs_ops cram_sysfs_ops = {
	.show = cram_attr_show,
	.store = cram_attr_store,
};

static void cram_kobj_release(struct kobject *kobj)
{
	cram_device_free(container_of(kobj, struct cram_device, kobj));
}

static const struct kobj_type cram_ktype = {
	.release = cram_kobj_release,
	.sysfs_ops = &cram_sysfs_ops,
	.default_groups = cram_groups,
};

/*
 * cram_sysfs_init_device - initialize the kobject of a device
 * @cd: the device, just allocated
 *
 * From here on the last kobject_put() frees the device.
 *
 * Context: any.
 */
void cram_sysfs_init_device(struct cram_device *cd)
{
	kobject_init(&cd->kobj, &cram_ktype);
}

/*
 * cram_sysfs_add - create node<N>/private/cram
 * @cd: the device
 *
 * Context: process, may sleep.
 * Return: 0 or an errno.
 */
int cram_sysfs_add(struct cram_device *cd)
{
	if (!cd->pn->kobj)
		return -ENODEV;
	return kobject_add(&cd->kobj, cd->pn->kobj, "cram");
}

/*
 * Removes the folder; waits for readers of its files.  Context: process, may
 * sleep.
 */
void cram_sysfs_remove(struct cram_device *cd)
{
	kobject_del(&cd->kobj);
}

static ssize_t store_switch(const char *name, bool *value, const char *buf,
			    size_t count)
{
	bool on;

	if (kstrtobool(buf, &on)) {
		pr_write_err("cram: %s: '%.*s' is neither 0 nor 1; nothing was changed\n",
			     name, (int)strcspn(buf, "\n"), buf);
		return -EINVAL;
	}
	WRITE_ONCE(*value, on);
	return count;
}

#define SWITCH(name, value)						\
static ssize_t name##_show(struct kobject *kobj,			\
			   struct kobj_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%d\n", READ_ONCE(value));		\
}									\
									\
static ssize_t name##_store(struct kobject *kobj,			\
			    struct kobj_attribute *attr,		\
			    const char *buf, size_t count)		\
{									\
	return store_switch(#name, &(value), buf, count);		\
}									\
static struct kobj_attribute name##_attr = __ATTR_RW(name)

SWITCH(anon, cram_anon);
SWITCH(file, cram_file);
SWITCH(pageout, cram_pageout);
SWITCH(swap, cram_swap);
#if defined(CONFIG_CRAM_DEBUG) && defined(CONFIG_ARCH_HAS_COPY_MC_FLUSHCACHE)
SWITCH(protect, cram_protect);
#endif

static ssize_t nodes_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%*pbl\n", nodemask_pr_args(&cram_nodes));
}

static struct kobj_attribute nodes_attr = __ATTR_RO(nodes);

static const struct attribute *all_attrs[] = {
	&anon_attr.attr,
	&file_attr.attr,
	&pageout_attr.attr,
	&swap_attr.attr,
#if defined(CONFIG_CRAM_DEBUG) && defined(CONFIG_ARCH_HAS_COPY_MC_FLUSHCACHE)
	&protect_attr.attr,
#endif
	&nodes_attr.attr,
	NULL
};

static int __init cram_sysfs_init(void)
{
	struct kobject *kobj = kobject_create_and_add("cram", mm_kobj);

	if (!kobj)
		return -ENOMEM;
	return sysfs_create_files(kobj, all_attrs);
}
subsys_initcall(cram_sysfs_init);
