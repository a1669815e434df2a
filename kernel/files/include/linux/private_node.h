/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes: NUMA nodes whose memory the page allocator manages,
 * and which are closed to everybody but their owner.  This is what an owner, a
 * driver, needs; private_node_hooks.h is for the rest of the kernel.
 *
 * See Documentation/mm/private_nodes.rst and
 * Documentation/driver-api/private-nodes.rst.
 */
#ifndef _LINUX_PRIVATE_NODE_H
#define _LINUX_PRIVATE_NODE_H

#include <linux/bits.h>
#include <linux/gfp_types.h>
#include <linux/jump_label.h>
#include <linux/memory_hotplug.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/types.h>

struct device;
struct folio;
struct page;
struct private_node;
struct private_node_device;

/**
 * enum private_node_service - who may use pages of a node
 * @PRIVATE_NODE_USER_NUMA: placement by user memory policy: mbind(),
 *	set_mempolicy(), move_pages(), migrate_pages() and the like
 * @PRIVATE_NODE_RECLAIM: reclaim of the node's LRU lists
 * @PRIVATE_NODE_DEMOTION: the node is a demotion target
 * @PRIVATE_NODE_PROMOTION: hot pages of the node move up
 * @PRIVATE_NODE_COMPACTION: proactive and requested compaction
 * @PRIVATE_NODE_LONGTERM_PIN: FOLL_LONGTERM pins in place
 * @PRIVATE_NODE_THP: transparent huge pages by khugepaged
 * @PRIVATE_NODE_HUGETLB: hugetlb pools
 * @PRIVATE_NODE_NUMA_BALANCING: NUMA balancing hint faults
 * @PRIVATE_NODE_GUEST_MEMFD: memory of virtual machines, by guest_memfd of KVM
 * @PRIVATE_NODE_NR_SERVICES: number of services
 * @PRIVATE_NODE_USER_OWNER: no service: the owner itself
 * @PRIVATE_NODE_USER_DEVICE_MAP: no service: /dev/private_node/
 * @PRIVATE_NODE_USER_SOFT_OFFLINE: no service: the page that replaces another
 *	one on its node
 * @PRIVATE_NODE_USER_DEVICE_ACCESS: no service: memory that the owner moves to
 *	its node, by private_node_migrate_range()
 * @PRIVATE_NODE_USER_ATTACHED: no service: buffers of devices that the owner
 *	attached to the node
 * @PRIVATE_NODE_NR_USERS: number of services and of other users
 *
 * Masks of services have bits below PRIVATE_NODE_NR_SERVICES only.  The others
 * use pages as services do, and are counted with them, but nobody opens or
 * closes them.
 *
 * The names that users see, and what each service depends on, are in one
 * table, private_node_services[].
 */
enum private_node_service {
	PRIVATE_NODE_USER_NUMA,
	PRIVATE_NODE_RECLAIM,
	PRIVATE_NODE_DEMOTION,
	PRIVATE_NODE_PROMOTION,
	PRIVATE_NODE_COMPACTION,
	PRIVATE_NODE_LONGTERM_PIN,
	PRIVATE_NODE_THP,
	PRIVATE_NODE_HUGETLB,
	PRIVATE_NODE_NUMA_BALANCING,
	PRIVATE_NODE_GUEST_MEMFD,
	PRIVATE_NODE_NR_SERVICES,
	PRIVATE_NODE_USER_OWNER = PRIVATE_NODE_NR_SERVICES,
	PRIVATE_NODE_USER_DEVICE_MAP,
	PRIVATE_NODE_USER_SOFT_OFFLINE,
	PRIVATE_NODE_USER_DEVICE_ACCESS,
	PRIVATE_NODE_USER_ATTACHED,
	PRIVATE_NODE_NR_USERS,
};

/**
 * enum private_node_on_full - what happens when the node has no free page
 * @PRIVATE_NODE_FULL_FAIL: the allocation fails: NULL for the owner, -ENOMEM
 *	for a pin or a populate, SIGBUS for a user access
 * @PRIVATE_NODE_FULL_FALLBACK: take from the nodes in
 *	&private_node_desc.fallback
 * @PRIVATE_NODE_FULL_SIGBUS: as FAIL, but pins and populates see -EFAULT
 * @PRIVATE_NODE_FULL_OOM: kill the task with most memory on this node
 * @PRIVATE_NODE_NR_ON_FULL: number of policies
 */
enum private_node_on_full {
	PRIVATE_NODE_FULL_FAIL,
	PRIVATE_NODE_FULL_FALLBACK,
	PRIVATE_NODE_FULL_SIGBUS,
	PRIVATE_NODE_FULL_OOM,
	PRIVATE_NODE_NR_ON_FULL,
};

/**
 * enum private_node_on_unplug - what unplug does with user pages on the node
 * @PRIVATE_NODE_UNPLUG_REFUSE: unplug fails with -EBUSY
 * @PRIVATE_NODE_UNPLUG_MOVE: the pages move to ordinary memory, counted and
 *	traced
 * @PRIVATE_NODE_UNPLUG_SIGBUS: the pages are unmapped; the next access gets
 *	SIGBUS
 * @PRIVATE_NODE_NR_ON_UNPLUG: number of policies
 */
enum private_node_on_unplug {
	PRIVATE_NODE_UNPLUG_REFUSE,
	PRIVATE_NODE_UNPLUG_MOVE,
	PRIVATE_NODE_UNPLUG_SIGBUS,
	PRIVATE_NODE_NR_ON_UNPLUG,
};

/**
 * enum private_node_access - which cgroups may use the node
 * @PRIVATE_NODE_ACCESS_ANY: the root cgroup, and cgroups whose cpuset.mems is
 *	unset or has the node
 * @PRIVATE_NODE_ACCESS_NAMED: cgroups whose cpuset.mems has the node, if that
 *	of each ancestor except the root has it too; needs CONFIG_CPUSETS
 * @PRIVATE_NODE_NR_ACCESS: number of values
 */
enum private_node_access {
	PRIVATE_NODE_ACCESS_ANY,
	PRIVATE_NODE_ACCESS_NAMED,
	PRIVATE_NODE_NR_ACCESS,
};

/*
 * Far above the distance of any real memory; DRAM has 576,
 * MEMTIER_ADISTANCE_DRAM.
 */
#define PRIVATE_NODE_MAX_ADISTANCE	1000000
/*
 * Flags of private_node_ops.memory_failure():
 *
 * SOFT: errors were corrected so far, and the data is good.  Without this flag
 * the data is lost.
 * ISOLATED: the page is out of use and is never handed out again.
 * HELD: the page is in a folio of the owner, and only the owner can free it.
 * When the owner frees it, the kernel keeps it, unless the report was SOFT.
 * Neither ISOLATED nor HELD: a user's page that could not be moved or unmapped.
 */
#define PRIVATE_NODE_FAILURE_SOFT	BIT(0)
#define PRIVATE_NODE_FAILURE_ISOLATED	BIT(1)
#define PRIVATE_NODE_FAILURE_HELD	BIT(2)

/**
 * enum private_node_gone - what happens to a folio that the owner watches
 * @PRIVATE_NODE_GONE_MOVES: it has moved to another place, which nobody has
 *	stored to yet; a copy of the old one that a device keeps is right until
 *	this call returns
 * @PRIVATE_NODE_GONE_FREED: it is about to be free, or is broken and has no
 *	user any more
 */
enum private_node_gone {
	PRIVATE_NODE_GONE_MOVES,
	PRIVATE_NODE_GONE_FREED,
};

/**
 * struct private_node_ops - callbacks of an owner
 * @memory_failure: pages of the node are broken, or were taken out of use
 *	before they break; called once for each report, also for a page that
 *	was reported before.  @nr_pages is always 1 today.  The flags are
 *	PRIVATE_NODE_FAILURE_*.
 *
 * @folio_gone: pages of a folio that private_node_watch() watches go, in one or
 *	in several calls.  Called in any context but NMI, also with interrupts
 *	off and locks of mm/ held: must not sleep, allocate or free pages.
 *
 * Context of the other callbacks: process, may sleep, no lock of mm/ is held.  A
 * callback may allocate, free folios of the node, report failures and unplug
 * the node.  It must not unregister the node, because private_node_unregister()
 * waits for running callbacks.  For the same reason the caller of
 * private_node_unregister() must not hold a lock that a callback takes.
 */
struct private_node_ops {
	void (*memory_failure)(struct private_node *pn, unsigned long pfn,
			       unsigned long nr_pages, unsigned int flags);
	void (*folio_gone)(struct private_node *pn, unsigned long pfn,
			   unsigned long nr_pages, enum private_node_gone how);
};

/* There is no file in /dev/private_node/ for this node. */
#define PRIVATE_NODE_F_NO_DEVICE_MAP	BIT(0)
/*
 * The device compresses, and stores less than the memory that it shows.
 * Enabled services get pages of the node only while the driver has registered
 * the device as compressed RAM, see <linux/cram.h>, and the owner gets none.
 */
#define PRIVATE_NODE_F_COMPRESSED	BIT(1)

/**
 * struct private_node_desc - an owner's description of its node
 * @owner: name of the driver, shown in node<N>/private/owner; copied
 * @name: file name below /dev/private_node/, NULL for "node<N>"; copied
 * @capable: mask of BIT(enum private_node_service): services that the device
 *	supports; cannot be changed after registration
 * @enabled: services open from the start, a subset of @capable
 * @on_full: what to do when the node is full
 * @fallback: nodes with ordinary memory that PRIVATE_NODE_FULL_FALLBACK takes
 *	from; has to be empty for all other policies
 * @on_unplug: what to do with user pages at unplug
 * @access: which cgroups may use the node; an administrator may change it
 * @adistance: abstract distance for the memory tiers, in the unit of
 *	include/linux/memory-tiers.h, up to PRIVATE_NODE_MAX_ADISTANCE.  With 0
 *	the distance comes from firmware, or without that from a default below
 *	all DRAM.  An administrator can override it in
 *	node<N>/private/adistance.
 * @flags: PRIVATE_NODE_F_*
 * @ops: callbacks, or NULL; has to stay valid until private_node_unregister()
 *	returns
 */
struct private_node_desc {
	const char *owner;
	const char *name;
	unsigned long capable;
	unsigned long enabled;
	enum private_node_on_full on_full;
	nodemask_t fallback;
	enum private_node_on_unplug on_unplug;
	enum private_node_access access;
	int adistance;
	unsigned int flags;
	const struct private_node_ops *ops;
};

/*
 * Flags of private_node_migrate_range():
 *
 * NAMED: a user asked for it.  The pages are as those that mbind() moves: they
 * do not give way to others, guests leave for them, a large folio is split when
 * the node has no block for it, and locked folios are waited for.  Without this
 * flag the pages are guests of the node, which the kernel may move away again.
 * POPULATE: missing pages are faulted in first, and come from swap.
 * BACK: from the node to ordinary memory.
 */
#define PRIVATE_NODE_MIGRATE_NAMED	BIT(0)
#define PRIVATE_NODE_MIGRATE_POPULATE	BIT(1)
#define PRIVATE_NODE_MIGRATE_BACK	BIT(2)

/*
 * Whom private_node_alloc_range() displaces:
 *
 * GUESTS: pages that the kernel put on the node.
 * USERS: pages that users put there.
 */
#define PRIVATE_NODE_RANGE_GUESTS	BIT(0)
#define PRIVATE_NODE_RANGE_USERS	BIT(1)

/**
 * struct private_node_migrated - result of private_node_migrate_range()
 * @pages: pages of the range that exist when it returns
 * @on_node: those of them that are on the node
 * @moved: pages that this call has moved, with those of large folios that lie
 *	outside of the range
 * @refused: pages that stay, since a user may not have them on the target, or
 *	their kind does not move
 *
 * Others may move pages of the range at any time.
 */
struct private_node_migrated {
	unsigned long pages;
	unsigned long on_node;
	unsigned long moved;
	unsigned long refused;
};

/**
 * struct private_node_buffers - code that allocates buffers for devices
 * @look_again: devices were attached or detached
 * @flush: frees buffers that only wait to be freed; need not wait for that
 * @describe: says whose buffer a page is that it may have allocated, such as
 *	"of page pool 3 of eth1"; leaves the text alone if it does not know
 *
 * Context: process, may sleep; private_node.lock may be held.
 */
struct private_node_buffers {
	void (*look_again)(void);
	void (*flush)(void);
	void (*describe)(const struct page *page, char *text, size_t size);
};

/**
 * enum private_node_where - the node on which private memory comes up
 * @PRIVATE_NODE_WHERE_AUTO: the target node if possible, else a spare node
 * @PRIVATE_NODE_WHERE_TARGET: the node that firmware gives
 * @PRIVATE_NODE_WHERE_SPARE: see private_node_spare_get()
 * @PRIVATE_NODE_NR_WHERE: number of values
 */
enum private_node_where {
	PRIVATE_NODE_WHERE_AUTO,
	PRIVATE_NODE_WHERE_TARGET,
	PRIVATE_NODE_WHERE_SPARE,
	PRIVATE_NODE_NR_WHERE,
};

/**
 * enum private_node_presence - is the device of some memory still there?
 * @PRIVATE_NODE_DEVICE_STAYS: it is, and stays
 * @PRIVATE_NODE_DEVICE_LEAVES: it will be gone soon: what can leave now does
 * @PRIVATE_NODE_DEVICE_LOST: it is gone, and what was stored with it
 */
enum private_node_presence {
	PRIVATE_NODE_DEVICE_STAYS,
	PRIVATE_NODE_DEVICE_LEAVES,
	PRIVATE_NODE_DEVICE_LOST,
};

/**
 * struct private_node_config - how the memory of a device comes up
 * @private: true for a private node, false for ordinary memory
 * @where: which private node
 * @services: services open from the start; mask of BIT(enum
 *	private_node_service)
 */
struct private_node_config {
	bool private;
	enum private_node_where where;
	unsigned long services;
};

/**
 * struct private_node_choice - the configuration of one device
 * @config: used if @made
 * @made: somebody chose; otherwise private_node_config_default is used
 *
 * Written under a lock of the device's driver, read without.
 */
struct private_node_choice {
	struct private_node_config config;
	bool made;
};

/**
 * struct private_node_setting - one value of a configuration, as a file
 * @name: name of the file
 * @set: parse the text of a write; 0, or -EINVAL and nothing changed
 * @show: the text of a read
 * @want: the valid values, for messages
 */
struct private_node_setting {
	const char *name;
	int (*set)(struct private_node_config *c, const char *text);
	int (*show)(const struct private_node_config *c, char *buf);
	const char *want;
};

#ifdef CONFIG_PRIVATE_NODE

DECLARE_STATIC_KEY_FALSE(private_node_key);

/**
 * private_node_any - was a private node ever registered?
 *
 * Cost: a static branch, which is switched once, by the first registration.
 * Context: any.
 * Return: true from the first registration on.
 */
static __always_inline bool private_node_any(void)
{
	return static_branch_unlikely(&private_node_key);
}

/**
 * node_is_private - is this a registered private node, with memory or without?
 * @nid: node id in [0, MAX_NUMNODES)
 *
 * The answer is true from the registration to its end, so also before the first
 * page of the node comes online and after the last one has gone offline.
 *
 * Cost: a static branch; with a private node, one bit test in a read-mostly
 * mask.  Too expensive for each order-0 allocation.
 * Context: any; stable under mem_hotplug_lock.
 * Return: true if so.
 */
static __always_inline bool node_is_private(int nid)
{
	return private_node_any() && node_isset(nid, private_node_map);
}

/* registry, mm/private_node/core.c */
struct private_node *private_node_register(int nid,
					   const struct private_node_desc *desc);
int private_node_unregister(struct private_node *pn);
const char *private_node_obstacle(int nid);
struct private_node *private_node_get(struct private_node *pn);
void private_node_put(struct private_node *pn);
int private_node_nid(const struct private_node *pn);
bool private_node_service_enabled(int nid, enum private_node_service service);
int private_node_set_enabled(struct private_node *pn, unsigned long enabled);
void private_node_set_on_unplug(struct private_node *pn,
				enum private_node_on_unplug how);
void private_node_set_lost(struct private_node *pn);
void private_node_set_drvdata(struct private_node *pn, void *data);
void *private_node_drvdata(const struct private_node *pn);

/* names of services, mm/private_node/services.c */
int private_node_parse_service(const char *name, size_t len);
int private_node_parse_services(const char *list, unsigned long *mask);
int private_node_emit_services(unsigned long mask, char *buf);
int private_node_check_services(unsigned long mask, const char **missing);

/* owner's allocations, mm/private_node/alloc.c */
struct folio *private_node_alloc_folio(struct private_node *pn, gfp_t gfp,
				       unsigned int order);
struct folio *private_node_alloc_folio_set(struct private_node *const pns[],
					   unsigned int nr,
					   const nodemask_t *ordinary,
					   gfp_t gfp, unsigned int order);

/* contiguous ranges, mm/private_node/range.c; need CONFIG_CONTIG_ALLOC */
struct page *private_node_alloc_range(struct private_node *pn,
				      unsigned long nr_pages,
				      unsigned long align, unsigned int flags);
void private_node_free_range(struct page *page, unsigned long nr_pages);

/* devices that take their buffers from a node, mm/private_node/device.c */
int private_node_attach_device(struct private_node *pn, struct device *dev);
int private_node_detach_device(struct device *dev);

/* the same, for code that allocates the buffers: the page pool */
void private_node_set_buffers(const struct private_node_buffers *buffers);
struct private_node_device *private_node_device_get(const struct device *dev);
void private_node_device_put(struct private_node_device *pd);
int private_node_device_nid(const struct private_node_device *pd);
bool private_node_device_enter(struct private_node_device *pd);
void private_node_device_leave(struct private_node_device *pd);
unsigned int private_node_device_alloc(struct private_node_device *pd,
				       gfp_t gfp, unsigned int order,
				       unsigned int nr, struct page **pages);

/* memory that a device uses, mm/private_node/device_access.c */
int private_node_migrate_range(struct private_node *pn, struct mm_struct *mm,
			       unsigned long start, unsigned long end,
			       unsigned int flags,
			       struct private_node_migrated *result);

/* folios that go, mm/private_node/told.c */
int private_node_watch(struct private_node *pn, struct folio *folio);

/* how memory of a device comes up, mm/private_node/choice.c */
extern struct private_node_config private_node_config_default;
extern const struct private_node_setting private_node_setting_private;
extern const struct private_node_setting private_node_setting_where;
extern const struct private_node_setting private_node_setting_services;

const struct private_node_config *
private_node_config_of(const struct private_node_choice *choice);
void private_node_choose(struct private_node_choice *choice,
			 const struct private_node_config *config);
void private_node_inherit_choice(struct private_node_choice *choice,
				 const struct private_node_choice *from);
int private_node_choose_text(struct device *dev,
			     struct private_node_choice *choice,
			     const struct private_node_setting *setting,
			     const char *text);

/* memory blocks, mm/private_node/blocks.c */
bool private_node_has_block(u64 start, u64 size);

/* hot-add and removal, mm/private_node/hotplug.c */
int add_private_memory_driver_managed(struct private_node *pn, u64 start,
				      u64 size, const char *resource_name,
				      mhp_t mhp_flags, enum mmop online_type);
int remove_private_memory_driver_managed(struct private_node *pn);
int private_node_spare_get(const u8 *distances, unsigned int nr);
void private_node_spare_put(int nid);

#else /* !CONFIG_PRIVATE_NODE */

static __always_inline bool private_node_any(void)
{
	return false;
}

static __always_inline bool node_is_private(int nid)
{
	return false;
}

static inline bool
private_node_service_enabled(int nid, enum private_node_service service)
{
	return false;
}

static inline struct private_node *private_node_get(struct private_node *pn)
{
	return pn;
}

static inline void private_node_put(struct private_node *pn) {}

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _LINUX_PRIVATE_NODE_H */
