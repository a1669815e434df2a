// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: simulated provider of private memory nodes
 *
 * Plays the device driver: makes private nodes of physical memory that was
 * kept from the kernel with memmap=SIZE$ADDRESS, and takes folios as their
 * owner.  Any number of nodes, of different owners, at a time.
 *
 * Node options, separated by blanks in ``new_node``, or as module parameters
 * for a first node (only when ``ranges`` is given):
 *
 * ================  =========================================================
 * ranges            ADDRESS:SIZE[,ADDRESS:SIZE...], all on the same node;
 *                   whole memory blocks of a reserved range
 * node              node id, or "spare" (the default) for a spare one
 * distances         for a spare node: decimal, from it to node 0, 1, ...;
 *                   0 for a node that is not there; 40 by default
 * owner             default "sim"
 * name              of /dev/private_node/NAME, and of the node in this
 *                   module; default "sim" and the node id
 * capable           SERVICE[,SERVICE...]; default none
 * enabled           SERVICE[,SERVICE...]; default none
 * on_full           fail (the default), sigbus, oom, or fallback:NODELIST
 * on_unplug         refuse (the default), move, or sigbus
 * access            any (the default), or named
 * adistance         abstract distance; 0 (the default) is firmware's or the
 *                   usual one
 * online_type       offline, online, online_kernel or online_movable (the
 *                   default)
 * memmap_on_memory  0 (the default) or 1
 * ================  =========================================================
 *
 * Files in /sys/kernel/private_node_sim, for root.  A write that fails changes
 * nothing, and the reason is in dmesg:
 *
 * ``new_node``
 *	Write node options to make a node.
 * ``remove_node``
 *	Write a name to unplug all memory of that node and give it back.
 * ``lose``
 *	Write a name: the memory of that node cannot be read any more.
 * ``unplug``, ``plug``
 *	Write a name to take all memory of that node away, or to bring it back;
 *	the node stays registered meanwhile.
 * ``nodes``
 *	One line a node: name, node id, owner, ranges.
 * ``alloc``
 *	Write "node=NAME[,NAME...] [ordinary=NODELIST] [order=N] [count=N]
 *	[gfp=sleep|nowait|atomic|nofs]" to take folios and hold them.  With one
 *	name and no ordinary nodes they come from that node, and on_full
 *	applies; else from the set of nodes.  Stops early when there are no more;
 *	-ENOMEM when there was none at all.  "nowait" does not sleep, "atomic"
 *	has interrupts off, "nofs" is in a memalloc_nofs_save() scope.
 * ``free``
 *	Write "all", or "NID [COUNT]", to give held folios back.  -EIO when
 *	what was stored in one of them has changed.
 * ``held``
 *	One line for each node and order: "nid=N order=N folios=N".
 * ``attach``
 *	Write "node=NAME netdev=INTERFACE [up=N]" to attach a network card to a
 *	node: the device N above that of the interface; 0 is the interface's
 *	own, 1 (the default) is the device behind it.  The interface is one of
 *	the writer's network namespace.
 * ``detach``
 *	Write "netdev=INTERFACE [up=N]" to detach it.
 * ``held_pfn``
 *	First page frame of the folio that was taken last, 0 when there is none.
 *
 * ``alloc_range``
 *	Write "node=NAME pages=N [align=N] [displace=guests|users]" to take a
 *	contiguous range and hold it; "users" displaces guests as well.
 * ``free_range``
 *	Write "all" to give the ranges back.
 * ``ranges``
 *	One line for each: first page frame and number of pages.
 * ``watch``
 *	Write "NAME PFN" to be told when the folio with that page goes.
 * ``told``
 *	"moves=N freed=N": pages of watched folios that have gone.
 *
 * A memory failure of which the owner is told is reported in dmesg:
 * "node N: told: memory failure|soft offline of N page(s) at pfn P:
 * isolated|held|in use".
 *
 * Each node holds a reference on the module: remove_node first, then rmmod.
 */
#define pr_fmt(fmt) "private_node_sim: " fmt

#include <linux/highmem.h>
#include <linux/ioport.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/private_node.h>
#include <linux/range.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "../mm/private_node/internal.h"
#include "test_private_node.h"

#define SIM_MAX_RANGES	16
#define SIM_MAX_SET	8
#define SIM_DISTANCE	40

struct sim_node {
	struct list_head list;
	struct private_node *pn;
	int nid;
	bool spare;
	char name[PRIVATE_NODE_NAME_MAX];
	char owner[PRIVATE_NODE_NAME_MAX];
	unsigned int nr_ranges;
	struct range ranges[SIM_MAX_RANGES];
	enum mmop online_type;
	mhp_t mhp_flags;
};

/* Node options in the order of the table above. */
enum sim_option {
	SIM_RANGES, SIM_NODE, SIM_DISTANCES, SIM_OWNER, SIM_NAME, SIM_CAPABLE,
	SIM_ENABLED, SIM_ON_FULL, SIM_ON_UNPLUG, SIM_ACCESS, SIM_ONLINE_TYPE,
	SIM_MEMMAP_ON_MEMORY, SIM_ADISTANCE, SIM_NR_OPTIONS,
};

static const char *const option_names[SIM_NR_OPTIONS] = {
	"ranges", "node", "distances", "owner", "name", "capable", "enabled",
	"on_full", "on_unplug", "access", "online_type", "memmap_on_memory",
	"adistance",
};

enum sim_attach_option {
	ATTACH_NODE, ATTACH_NETDEV, ATTACH_UP, ATTACH_NR_OPTIONS,
};

static const char *const attach_names[ATTACH_NR_OPTIONS] = {
	"node", "netdev", "up",
};

enum sim_alloc_option {
	ALLOC_NODE, ALLOC_ORDINARY, ALLOC_ORDER, ALLOC_COUNT, ALLOC_GFP,
	ALLOC_NR_OPTIONS,
};

static const char *const alloc_names[ALLOC_NR_OPTIONS] = {
	"node", "ordinary", "order", "count", "gfp",
};

/* Indexed by enum mmop. */
static const char *const online_names[] = {
	[MMOP_OFFLINE] = "offline",
	[MMOP_ONLINE] = "online",
	[MMOP_ONLINE_KERNEL] = "online_kernel",
	[MMOP_ONLINE_MOVABLE] = "online_movable",
};

/* What the options of one node say. */
struct sim_config {
	struct private_node_desc desc;
	char name[PRIVATE_NODE_NAME_MAX];
	int nid;
	u8 distances[MAX_NUMNODES];
	unsigned int nr_distances;
	struct range ranges[SIM_MAX_RANGES];
	unsigned int nr_ranges;
	enum mmop online_type;
	mhp_t mhp_flags;
};

static DEFINE_MUTEX(sim_lock);	/* protects both lists, and the nodes in them */
static LIST_HEAD(sim_nodes);
static LIST_HEAD(sim_held);	/* folios, by their lru */

static char *params[SIM_NR_OPTIONS];
module_param_named(ranges, params[SIM_RANGES], charp, 0);
MODULE_PARM_DESC(ranges, "ADDRESS:SIZE[,...] of reserved memory");
module_param_named(node, params[SIM_NODE], charp, 0);
MODULE_PARM_DESC(node, "node id, or spare");
module_param_named(distances, params[SIM_DISTANCES], charp, 0);
MODULE_PARM_DESC(distances, "of a spare node to node 0, 1, ...");
module_param_named(owner, params[SIM_OWNER], charp, 0);
MODULE_PARM_DESC(owner, "name of the owner");
module_param_named(name, params[SIM_NAME], charp, 0);
MODULE_PARM_DESC(name, "file name below /dev/private_node");
module_param_named(capable, params[SIM_CAPABLE], charp, 0);
MODULE_PARM_DESC(capable, "services that the device can stand");
module_param_named(enabled, params[SIM_ENABLED], charp, 0);
MODULE_PARM_DESC(enabled, "services open from the start");
module_param_named(on_full, params[SIM_ON_FULL], charp, 0);
MODULE_PARM_DESC(on_full, "fail, sigbus, oom or fallback:NODELIST");
module_param_named(on_unplug, params[SIM_ON_UNPLUG], charp, 0);
MODULE_PARM_DESC(on_unplug, "refuse, move or sigbus");
module_param_named(access, params[SIM_ACCESS], charp, 0);
MODULE_PARM_DESC(access, "any or named");
module_param_named(online_type, params[SIM_ONLINE_TYPE], charp, 0);
MODULE_PARM_DESC(online_type, "offline, online, online_kernel or online_movable");
module_param_named(memmap_on_memory, params[SIM_MEMMAP_ON_MEMORY], charp, 0);
MODULE_PARM_DESC(memmap_on_memory, "0 or 1");
module_param_named(adistance, params[SIM_ADISTANCE], charp, 0);
MODULE_PARM_DESC(adistance, "abstract distance for the memory tiers");

static int parse_range(const char *text, struct range *range)
{
	unsigned long long start, size;
	char *end;

	start = memparse(text, &end);
	if (end == text || *end != ':')
		return bad_option("ranges", text, "want ADDRESS:SIZE");
	text = end + 1;
	size = memparse(text, &end);
	if (end == text || *end)
		return bad_option("ranges", text, "is no size");
	if (!size || start + size < start)
		return bad_option("ranges", text, "size is zero, or too large");
	if (check_reserved("ranges", text, start, size))
		return -EINVAL;
	range->start = start;
	range->end = start + size - 1;
	return 0;
}

static int parse_ranges(struct sim_config *c, char *text)
{
	char *word;
	int ret;

	if (!text)
		return bad_option("ranges", "", "is missing");
	while ((word = strsep(&text, ","))) {
		if (c->nr_ranges == SIM_MAX_RANGES)
			return bad_option("ranges", word, "more than 16 ranges");
		ret = parse_range(word, &c->ranges[c->nr_ranges]);
		if (ret)
			return ret;
		c->nr_ranges++;
	}
	return 0;
}

static int parse_distances(struct sim_config *c, char *text)
{
	char *word;
	int nid;

	if (!text) {
		for_each_online_node(nid)
			c->distances[nid] = SIM_DISTANCE;
		c->nr_distances = MAX_NUMNODES;
		return 0;
	}
	if (c->nid != NUMA_NO_NODE)
		return bad_option("distances", text,
				  "goes with node=spare only");
	while ((word = strsep(&text, ","))) {
		if (c->nr_distances == MAX_NUMNODES)
			return bad_option("distances", word,
					  "more than there are node ids");
		if (kstrtou8(word, 10, &c->distances[c->nr_distances++]))
			return bad_option("distances", word, "is not 0 to 255");
	}
	return 0;
}

static int parse_node(struct sim_config *c, const char *text)
{
	c->nid = NUMA_NO_NODE;
	if (!text || !strcmp(text, "spare"))
		return 0;
	if (kstrtoint(text, 10, &c->nid) || c->nid < 0 ||
	    c->nid >= MAX_NUMNODES)
		return bad_option("node", text,
				  "is neither a node id nor spare");
	return 0;
}

static int parse_services(const char *option, char *text, unsigned long *mask)
{
	char *word;
	int service;

	while ((word = strsep(&text, ","))) {
		service = private_node_parse_service(word, strlen(word));
		if (service < 0)
			return bad_option(option, word, "unknown service");
		*mask |= BIT(service);
	}
	return 0;
}

static int parse_on_full(struct sim_config *c, char *text)
{
	char *full = text;
	char *word;
	int i;

	if (!text)
		return 0;
	word = strsep(&text, ":");
	i = match_string(private_node_on_full_names, PRIVATE_NODE_NR_ON_FULL,
			 word);
	if (i < 0)
		return bad_option("on_full", full, "unknown policy");
	c->desc.on_full = i;
	if (text && (i != PRIVATE_NODE_FULL_FALLBACK ||
		     nodelist_parse(text, c->desc.fallback)))
		return bad_option("on_full", text, "no nodes of this policy");
	return 0;
}

static int parse_word(const char *option, const char *text,
		      const char *const names[], int nr, int def)
{
	int i = text ? match_string(names, nr, text) : def;

	return i < 0 ? bad_option(option, text, "unknown word") : i;
}

static int parse_policies(struct sim_config *c, char *o[])
{
	static const char *const no_yes[] = { "0", "1" };
	int ret;

	ret = parse_on_full(c, o[SIM_ON_FULL]);
	if (ret)
		return ret;
	ret = parse_word("on_unplug", o[SIM_ON_UNPLUG],
			 private_node_on_unplug_names,
			 PRIVATE_NODE_NR_ON_UNPLUG, PRIVATE_NODE_UNPLUG_REFUSE);
	if (ret < 0)
		return ret;
	c->desc.on_unplug = ret;
	ret = parse_word("access", o[SIM_ACCESS], private_node_access_names,
			 PRIVATE_NODE_NR_ACCESS, PRIVATE_NODE_ACCESS_ANY);
	if (ret < 0)
		return ret;
	c->desc.access = ret;
	ret = parse_word("online_type", o[SIM_ONLINE_TYPE], online_names,
			 ARRAY_SIZE(online_names), MMOP_ONLINE_MOVABLE);
	if (ret < 0)
		return ret;
	c->online_type = ret;
	ret = parse_word("memmap_on_memory", o[SIM_MEMMAP_ON_MEMORY], no_yes,
			 ARRAY_SIZE(no_yes), 0);
	if (ret < 0)
		return ret;
	c->mhp_flags = ret ? MHP_MEMMAP_ON_MEMORY : MHP_NONE;
	if (o[SIM_ADISTANCE] &&
	    kstrtoint(o[SIM_ADISTANCE], 10, &c->desc.adistance))
		return bad_option("adistance", o[SIM_ADISTANCE], "not a number");
	return 0;
}

/* A driver would stop using the page; this one only logs what it is told. */
static void sim_memory_failure(struct private_node *pn, unsigned long pfn,
			       unsigned long nr_pages, unsigned int flags)
{
	pr_info("node %d: told: %s of %lu page(s) at pfn %#lx: %s\n",
		private_node_nid(pn),
		flags & PRIVATE_NODE_FAILURE_SOFT ? "soft offline" :
						    "memory failure",
		nr_pages, pfn,
		flags & PRIVATE_NODE_FAILURE_ISOLATED ? "isolated" :
		flags & PRIVATE_NODE_FAILURE_HELD ? "held" : "in use");
}

/* Pages of which the owner was told, by enum private_node_gone. */
static atomic_long_t told_pages[2];

static void sim_folio_gone(struct private_node *pn, unsigned long pfn,
			   unsigned long nr_pages, enum private_node_gone how)
{
	atomic_long_add(nr_pages, &told_pages[how]);
}

static const struct private_node_ops sim_ops = {
	.memory_failure = sim_memory_failure,
	.folio_gone = sim_folio_gone,
};

static int parse_config(struct sim_config *c, char *o[])
{
	int ret;

	c->desc.ops = &sim_ops;
	c->desc.owner = o[SIM_OWNER] ?: "sim";
	c->desc.name = o[SIM_NAME];
	ret = parse_node(c, o[SIM_NODE]);
	if (!ret)
		ret = parse_ranges(c, o[SIM_RANGES]);
	if (!ret)
		ret = parse_distances(c, o[SIM_DISTANCES]);
	if (!ret)
		ret = parse_services("capable", o[SIM_CAPABLE],
				     &c->desc.capable);
	if (!ret)
		ret = parse_services("enabled", o[SIM_ENABLED],
				     &c->desc.enabled);
	if (!ret)
		ret = parse_policies(c, o);
	return ret;
}

static struct sim_node *find_node(const char *name)
{
	struct sim_node *sn;

	list_for_each_entry(sn, &sim_nodes, list)
		if (!strcmp(sn->name, name))
			return sn;
	return NULL;
}

/**
 * private_node_sim_get - the handle of a node of this module
 * @name: of the node
 *
 * For a simulated device whose memory the node is.  The node may be removed
 * meanwhile, as the memory of a real device may go.
 *
 * Context: process, may sleep.
 * Return: the handle with a reference, for private_node_put(); or NULL.
 */
struct private_node *private_node_sim_get(const char *name)
{
	struct sim_node *sn;

	guard(mutex)(&sim_lock);
	sn = find_node(name);
	return sn ? private_node_get(sn->pn) : NULL;
}
EXPORT_SYMBOL_FOR_MODULES(private_node_sim_get, "npu_sim");

static int add_one_range(struct sim_node *sn, const struct range *range)
{
	char resource_name[PRIVATE_NODE_NAME_MAX + 16];

	snprintf(resource_name, sizeof(resource_name), "System RAM (%s)",
		 sn->owner);
	return add_private_memory_driver_managed(sn->pn, range->start,
						 range_len(range),
						 resource_name, sn->mhp_flags,
						 sn->online_type);
}

static int add_ranges(struct sim_node *sn)
{
	unsigned int i;
	int ret;

	for (i = 0; i < sn->nr_ranges; i++) {
		ret = add_one_range(sn, &sn->ranges[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Undoes what bring_up() has done so far.  Fails while memory is in use. */
static int take_down(struct sim_node *sn)
{
	int ret;

	if (sn->pn) {
		ret = remove_private_memory_driver_managed(sn->pn);
		if (!ret)
			ret = private_node_unregister(sn->pn);
		if (ret)
			return ret;
		private_node_put(sn->pn);
	}
	if (sn->spare)
		private_node_spare_put(sn->nid);
	return 0;
}

static int bring_up(struct sim_node *sn, struct sim_config *c)
{
	struct private_node *pn;

	sn->nid = c->nid;
	if (sn->nid == NUMA_NO_NODE) {
		sn->nid = private_node_spare_get(c->distances, c->nr_distances);
		if (sn->nid < 0)
			return sn->nid;
		sn->spare = true;
	}
	if (!c->desc.name) {
		snprintf(c->name, sizeof(c->name), "sim%d", sn->nid);
		c->desc.name = c->name;
	}
	strscpy(sn->name, c->desc.name);
	strscpy(sn->owner, c->desc.owner);
	pn = private_node_register(sn->nid, &c->desc);
	if (IS_ERR(pn))
		return PTR_ERR(pn);
	sn->pn = pn;
	memcpy(sn->ranges, c->ranges, sizeof(sn->ranges));
	sn->nr_ranges = c->nr_ranges;
	sn->online_type = c->online_type;
	sn->mhp_flags = c->mhp_flags;
	return add_ranges(sn);
}

static int new_node(char *options[])
{
	struct sim_config *c __free(kfree) = kzalloc_obj(*c);
	struct sim_node *sn;
	int ret;

	if (!c)
		return -ENOMEM;
	ret = parse_config(c, options);
	if (ret)
		return ret;
	sn = kzalloc_obj(*sn);
	if (!sn)
		return -ENOMEM;
	ret = bring_up(sn, c);
	if (ret && !take_down(sn)) {
		kfree(sn);
		return ret;
	}
	/* A node that failed and could not be taken down is listed as well. */
	__module_get(THIS_MODULE);
	list_add_tail(&sn->list, &sim_nodes);
	return ret;
}

static ssize_t new_node_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	char *text __free(kfree) = kstrndup(buf, count, GFP_KERNEL);
	char *options[SIM_NR_OPTIONS] = {};
	int ret;

	if (!text)
		return -ENOMEM;
	ret = split_options(text, option_names, SIM_NR_OPTIONS, options);
	if (ret)
		return ret;
	guard(mutex)(&sim_lock);
	return new_node(options) ?: count;
}

/* For the files that take the name of a node; sim_lock held. */
static struct sim_node *named_node(const char *file, const char *buf)
{
	char name[PRIVATE_NODE_NAME_MAX + 1];
	struct sim_node *sn;

	strscpy(name, buf);
	sn = find_node(strim(name));
	if (!sn)
		pr_err("%s: no node '%s'; see the file nodes\n", file,
		       strim(name));
	return sn;
}

static ssize_t remove_node_store(struct kobject *kobj,
				 struct kobj_attribute *attr, const char *buf,
				 size_t count)
{
	struct sim_node *sn;
	int ret;

	guard(mutex)(&sim_lock);
	sn = named_node("remove_node", buf);
	if (!sn)
		return -ENOENT;
	ret = take_down(sn);
	if (ret) {
		pr_err("remove_node: %s stays: error %d, the reason is above\n",
		       sn->name, ret);
		return ret;
	}
	list_del(&sn->list);
	kfree(sn);
	module_put(THIS_MODULE);
	return count;
}

static ssize_t unplug_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct sim_node *sn;

	guard(mutex)(&sim_lock);
	sn = named_node("unplug", buf);
	if (!sn)
		return -ENOENT;
	return remove_private_memory_driver_managed(sn->pn) ?: count;
}

static ssize_t lose_store(struct kobject *kobj, struct kobj_attribute *attr,
			  const char *buf, size_t count)
{
	struct sim_node *sn;

	guard(mutex)(&sim_lock);
	sn = named_node("lose", buf);
	if (!sn)
		return -ENOENT;
	private_node_set_lost(sn->pn);
	return count;
}

static ssize_t plug_store(struct kobject *kobj, struct kobj_attribute *attr,
			  const char *buf, size_t count)
{
	struct sim_node *sn;
	int ret;

	guard(mutex)(&sim_lock);
	sn = named_node("plug", buf);
	if (!sn)
		return -ENOENT;
	ret = add_ranges(sn);
	/* With -EEXIST the memory was plugged before, and stays. */
	if (ret && ret != -EEXIST)
		remove_private_memory_driver_managed(sn->pn);
	return ret ?: count;
}

static ssize_t nodes_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	struct sim_node *sn;
	unsigned int i;
	int len = 0;

	guard(mutex)(&sim_lock);
	list_for_each_entry(sn, &sim_nodes, list) {
		len += sysfs_emit_at(buf, len, "name=%s nid=%d owner=%s ranges=",
				     sn->name, sn->nid, sn->owner);
		for (i = 0; i < sn->nr_ranges; i++)
			len += sysfs_emit_at(buf, len, "%s%#llx:%#llx",
					     i ? "," : "", sn->ranges[i].start,
					     range_len(&sn->ranges[i]));
		len += sysfs_emit_at(buf, len, "\n");
	}
	return len;
}

enum sim_gfp { SIM_SLEEP, SIM_NOWAIT, SIM_ATOMIC, SIM_NOFS };

static const char *const sim_gfps[] = {
	[SIM_SLEEP] = "sleep",
	[SIM_NOWAIT] = "nowait",
	[SIM_ATOMIC] = "atomic",
	[SIM_NOFS] = "nofs",
};

/* What one write to alloc asks for. */
struct sim_alloc {
	struct private_node *pns[SIM_MAX_SET];
	unsigned int nr;
	nodemask_t ordinary;
	bool set;
	enum sim_gfp gfp;
	unsigned int order;
	unsigned long count;
};

static int parse_alloc_nodes(struct sim_alloc *a, char *text)
{
	struct sim_node *sn;
	char *word;

	while ((word = strsep(&text, ","))) {
		sn = find_node(word);
		if (!sn)
			return bad_option("node", word,
					  "no such node; see the file nodes");
		if (a->nr == SIM_MAX_SET)
			return bad_option("node", word, "more than 8 nodes");
		a->pns[a->nr++] = sn->pn;
	}
	a->set = a->nr > 1;
	return a->nr ? 0 : bad_option("node", "", "is missing");
}

static int parse_alloc(struct sim_alloc *a, char *o[])
{
	int ret = parse_alloc_nodes(a, o[ALLOC_NODE]);

	if (ret)
		return ret;
	a->count = 1;
	if (o[ALLOC_ORDINARY]) {
		a->set = true;
		if (nodelist_parse(o[ALLOC_ORDINARY], a->ordinary))
			return bad_option("ordinary", o[ALLOC_ORDINARY],
					  "no node list");
	}
	if (o[ALLOC_ORDER] && (kstrtouint(o[ALLOC_ORDER], 10, &a->order) ||
			       a->order > MAX_PAGE_ORDER))
		return bad_option("order", o[ALLOC_ORDER], "no order");
	if (o[ALLOC_COUNT] && kstrtoul(o[ALLOC_COUNT], 10, &a->count))
		return bad_option("count", o[ALLOC_COUNT], "no number");
	ret = o[ALLOC_GFP] ? sysfs_match_string(sim_gfps, o[ALLOC_GFP]) : SIM_SLEEP;
	if (ret < 0)
		return bad_option("gfp", o[ALLOC_GFP],
				  "neither sleep, nowait, atomic nor nofs");
	a->gfp = ret;
	return 0;
}

static struct folio *alloc_one(struct sim_alloc *a, gfp_t gfp)
{
	if (a->set)
		return private_node_alloc_folio_set(a->pns, a->nr, &a->ordinary,
						    gfp, a->order);
	return private_node_alloc_folio(a->pns[0], gfp, a->order);
}

static struct folio *alloc_in_context(struct sim_alloc *a)
{
	unsigned long flags;
	struct folio *folio;

	switch (a->gfp) {
	case SIM_NOWAIT:
		return alloc_one(a, GFP_NOWAIT);
	case SIM_ATOMIC:
		local_irq_save(flags);
		folio = alloc_one(a, GFP_ATOMIC | __GFP_NOWARN);
		local_irq_restore(flags);
		return folio;
	case SIM_NOFS:
		flags = memalloc_nofs_save();
		folio = alloc_one(a, GFP_KERNEL | __GFP_NOWARN);
		memalloc_nofs_restore(flags);
		return folio;
	case SIM_SLEEP:
		return alloc_one(a, GFP_KERNEL | __GFP_NOWARN);
	}
	return NULL;
}

/* The first word of a held folio is its own address. */
static unsigned long *folio_mark(struct folio *folio)
{
	return folio_address(folio);
}

static ssize_t alloc_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	char *text __free(kfree) = kstrndup(buf, count, GFP_KERNEL);
	char *options[ALLOC_NR_OPTIONS] = {};
	struct sim_alloc a = {};
	struct folio *folio;
	unsigned long nr;
	int ret;

	if (!text)
		return -ENOMEM;
	ret = split_options(text, alloc_names, ALLOC_NR_OPTIONS, options);
	if (ret)
		return ret;
	guard(mutex)(&sim_lock);
	ret = parse_alloc(&a, options);
	if (ret)
		return ret;
	for (nr = 0; nr < a.count; nr++) {
		folio = alloc_in_context(&a);
		if (!folio)
			break;
		*folio_mark(folio) = (unsigned long)folio_mark(folio);
		list_add(&folio->lru, &sim_held);
		cond_resched();
	}
	return nr || !a.count ? count : -ENOMEM;
}

static bool free_one(struct folio *folio)
{
	bool intact = *folio_mark(folio) == (unsigned long)folio_mark(folio);

	if (!intact)
		pr_err("node %d: pfn %#lx: somebody else wrote to a held folio\n",
		       folio_nid(folio), folio_pfn(folio));
	list_del(&folio->lru);
	folio_put(folio);
	return intact;
}

/* @nid NUMA_NO_NODE for all. */
static int free_held(int nid, unsigned long count)
{
	struct folio *folio, *next;
	int ret = 0;

	list_for_each_entry_safe(folio, next, &sim_held, lru) {
		if (nid != NUMA_NO_NODE && folio_nid(folio) != nid)
			continue;
		if (!count--)
			break;
		if (!free_one(folio))
			ret = -EIO;
		cond_resched();
	}
	return ret;
}

static ssize_t free_store(struct kobject *kobj, struct kobj_attribute *attr,
			  const char *buf, size_t count)
{
	unsigned long nr = ULONG_MAX;
	int nid = NUMA_NO_NODE;
	int fields;

	if (!sysfs_streq(buf, "all")) {
		fields = sscanf(buf, "%d %lu", &nid, &nr);
		if (fields < 1 || nid < 0 || nid >= MAX_NUMNODES)
			return bad_option("free", buf,
					  "want all, or NID [COUNT]");
	}
	guard(mutex)(&sim_lock);
	return free_held(nid, nr) ?: count;
}

/* Folios held, by node and order. */
struct sim_count {
	unsigned long nr[MAX_NUMNODES][MAX_PAGE_ORDER + 1];
};

static ssize_t held_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct sim_count *c __free(kfree) = kzalloc_obj(*c);
	struct folio *folio;
	int nid, order;
	int len = 0;

	if (!c)
		return -ENOMEM;
	guard(mutex)(&sim_lock);
	list_for_each_entry(folio, &sim_held, lru)
		c->nr[folio_nid(folio)][folio_order(folio)]++;
	for (nid = 0; nid < MAX_NUMNODES; nid++)
		for (order = 0; order <= MAX_PAGE_ORDER; order++)
			if (c->nr[nid][order])
				len += sysfs_emit_at(buf, len,
						     "nid=%d order=%d folios=%lu\n",
						     nid, order,
						     c->nr[nid][order]);
	return len;
}

#ifdef CONFIG_NET

/* With a reference. */
static struct device *netdev_device(char *o[])
{
	const char *name = o[ATTACH_NETDEV] ?: "";
	struct net_device *netdev;
	unsigned int up = 1;
	struct device *dev;

	if (o[ATTACH_UP] && kstrtouint(o[ATTACH_UP], 10, &up)) {
		bad_option("up", o[ATTACH_UP], "no number");
		return NULL;
	}
	netdev = dev_get_by_name(current->nsproxy->net_ns, name);
	if (!netdev) {
		bad_option("netdev", name, "no such network interface");
		return NULL;
	}
	dev = &netdev->dev;
	while (dev && up--)
		dev = dev->parent;
	get_device(dev);
	dev_put(netdev);
	if (!dev)
		bad_option("up", o[ATTACH_UP] ?: "1", "no device there");
	return dev;
}

static int sim_attach(char *o[])
{
	struct sim_node *sn = find_node(o[ATTACH_NODE] ?: "");
	struct device *dev;
	int ret;

	if (!sn)
		return bad_option("node", o[ATTACH_NODE] ?: "",
				  "no such node; see the file nodes");
	dev = netdev_device(o);
	if (!dev)
		return -EINVAL;
	scoped_guard(device, dev)
		ret = private_node_attach_device(sn->pn, dev);
	put_device(dev);
	return ret;
}

static int sim_detach(char *o[])
{
	struct device *dev = netdev_device(o);
	int ret;

	if (!dev)
		return -EINVAL;
	ret = private_node_detach_device(dev);
	put_device(dev);
	return ret;
}

static ssize_t attach_or_detach(const char *buf, size_t count,
				int (*act)(char *o[]))
{
	char *text __free(kfree) = kstrndup(buf, count, GFP_KERNEL);
	char *options[ATTACH_NR_OPTIONS] = {};
	int ret;

	if (!text)
		return -ENOMEM;
	ret = split_options(text, attach_names, ATTACH_NR_OPTIONS, options);
	if (ret)
		return ret;
	guard(mutex)(&sim_lock);
	return act(options) ?: count;
}

static ssize_t attach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return attach_or_detach(buf, count, sim_attach);
}

static ssize_t detach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return attach_or_detach(buf, count, sim_detach);
}

static struct kobj_attribute attach_attr = __ATTR_WO(attach);
static struct kobj_attribute detach_attr = __ATTR_WO(detach);

#endif

static ssize_t held_pfn_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	struct folio *folio;

	guard(mutex)(&sim_lock);
	folio = list_first_entry_or_null(&sim_held, struct folio, lru);
	return sysfs_emit(buf, "%#lx\n", folio ? folio_pfn(folio) : 0);
}

/* A range that alloc_range took. */
struct sim_range {
	struct list_head list;
	struct page *page;
	unsigned long nr;
};

static LIST_HEAD(sim_ranges);	/* under sim_lock */

enum sim_range_option {
	RANGE_NODE, RANGE_PAGES, RANGE_ALIGN, RANGE_DISPLACE, RANGE_NR_OPTIONS,
};

static const char *const range_names[RANGE_NR_OPTIONS] = {
	"node", "pages", "align", "displace",
};

static int take_range(char *o[])
{
	static const char *const displace[] = { "nobody", "guests", "users" };
	unsigned int flags[] = { 0, PRIVATE_NODE_RANGE_GUESTS,
				 PRIVATE_NODE_RANGE_GUESTS |
				 PRIVATE_NODE_RANGE_USERS };
	struct sim_node *sn = o[RANGE_NODE] ? find_node(o[RANGE_NODE]) : NULL;
	struct sim_range *r __free(kfree) = kzalloc_obj(*r);
	unsigned long align = 1;
	int who;

	if (!r)
		return -ENOMEM;
	if (!sn || !o[RANGE_PAGES] || kstrtoul(o[RANGE_PAGES], 0, &r->nr) ||
	    (o[RANGE_ALIGN] && kstrtoul(o[RANGE_ALIGN], 0, &align)))
		return bad_option("alloc_range", "", "want node=NAME pages=N");
	who = parse_word("displace", o[RANGE_DISPLACE], displace, 3, 0);
	if (who < 0)
		return who;
	r->page = private_node_alloc_range(sn->pn, r->nr, align, flags[who]);
	if (IS_ERR(r->page))
		return PTR_ERR(r->page);
	list_add(&no_free_ptr(r)->list, &sim_ranges);
	return 0;
}

static ssize_t alloc_range_store(struct kobject *kobj,
				 struct kobj_attribute *attr, const char *buf,
				 size_t count)
{
	char *text __free(kfree) = kstrndup(buf, count, GFP_KERNEL);
	char *options[RANGE_NR_OPTIONS] = {};
	int ret;

	if (!text)
		return -ENOMEM;
	ret = split_options(text, range_names, RANGE_NR_OPTIONS, options);
	if (ret)
		return ret;
	guard(mutex)(&sim_lock);
	return take_range(options) ?: count;
}

static ssize_t free_range_store(struct kobject *kobj,
				struct kobj_attribute *attr, const char *buf,
				size_t count)
{
	struct sim_range *r, *next;

	guard(mutex)(&sim_lock);
	list_for_each_entry_safe(r, next, &sim_ranges, list) {
		private_node_free_range(r->page, r->nr);
		list_del(&r->list);
		kfree(r);
	}
	return count;
}

static ssize_t ranges_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	struct sim_range *r;
	int len = 0;

	guard(mutex)(&sim_lock);
	list_for_each_entry(r, &sim_ranges, list)
		len += sysfs_emit_at(buf, len, "%lu %lu\n",
				     page_to_pfn(r->page), r->nr);
	return len;
}

static int watch_page(struct sim_node *sn, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio = page ? page_folio(page) : NULL;
	int ret;

	if (!folio || !folio_try_get(folio))
		return -ENXIO;
	ret = private_node_watch(sn->pn, folio);
	folio_put(folio);
	return ret;
}

static ssize_t watch_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	char name[PRIVATE_NODE_NAME_MAX];
	struct sim_node *sn;
	unsigned long pfn;

	if (sscanf(buf, "%31s %lu", name, &pfn) != 2)
		return bad_option("watch", buf, "want NAME PFN");
	guard(mutex)(&sim_lock);
	sn = named_node("watch", name);
	return sn ? watch_page(sn, pfn) ?: count : -ENOENT;
}

static ssize_t told_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "moves=%ld freed=%ld\n",
			  atomic_long_read(&told_pages[PRIVATE_NODE_GONE_MOVES]),
			  atomic_long_read(&told_pages[PRIVATE_NODE_GONE_FREED]));
}

static struct kobj_attribute alloc_range_attr = __ATTR_WO(alloc_range);
static struct kobj_attribute free_range_attr = __ATTR_WO(free_range);
static struct kobj_attribute ranges_attr = __ATTR_RO(ranges);
static struct kobj_attribute watch_attr = __ATTR_WO(watch);
static struct kobj_attribute told_attr = __ATTR_RO(told);
static struct kobj_attribute new_node_attr = __ATTR_WO(new_node);
static struct kobj_attribute remove_node_attr = __ATTR_WO(remove_node);
static struct kobj_attribute lose_attr = __ATTR_WO(lose);
static struct kobj_attribute unplug_attr = __ATTR_WO(unplug);
static struct kobj_attribute plug_attr = __ATTR_WO(plug);
static struct kobj_attribute nodes_attr = __ATTR_RO(nodes);
static struct kobj_attribute alloc_attr = __ATTR_WO(alloc);
static struct kobj_attribute free_attr = __ATTR_WO(free);
static struct kobj_attribute held_attr = __ATTR_RO(held);
static struct kobj_attribute held_pfn_attr = __ATTR_RO(held_pfn);

static const struct attribute *sim_attrs[] = {
	&new_node_attr.attr,
	&remove_node_attr.attr,
	&lose_attr.attr,
	&unplug_attr.attr,
	&plug_attr.attr,
	&nodes_attr.attr,
	&alloc_attr.attr,
	&free_attr.attr,
	&held_attr.attr,
	&held_pfn_attr.attr,
	&alloc_range_attr.attr,
	&free_range_attr.attr,
	&ranges_attr.attr,
	&watch_attr.attr,
	&told_attr.attr,
#ifdef CONFIG_NET
	&attach_attr.attr,
	&detach_attr.attr,
#endif
	NULL
};

static struct kobject *sim_kobj;

static int __init sim_first_node(void)
{
	guard(mutex)(&sim_lock);
	return params[SIM_RANGES] ? new_node(params) : 0;
}

static int __init sim_init(void)
{
	int ret;

	sim_kobj = kobject_create_and_add("private_node_sim", kernel_kobj);
	if (!sim_kobj)
		return -ENOMEM;
	ret = sysfs_create_files(sim_kobj, sim_attrs);
	if (!ret)
		ret = sim_first_node();
	/* A node that could not be taken down needs the module. */
	if (!ret || !list_empty(&sim_nodes))
		return 0;
	kobject_put(sim_kobj);
	return ret;
}

/* No private node is left here, but folios of ordinary nodes may be held. */
static void __exit sim_exit(void)
{
	kobject_put(sim_kobj);
	free_held(NUMA_NO_NODE, ULONG_MAX);
}

module_init(sim_init);
module_exit(sim_exit);
MODULE_DESCRIPTION("Simulated provider of private memory nodes");
MODULE_LICENSE("GPL");
