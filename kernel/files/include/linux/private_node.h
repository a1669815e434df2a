/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes: NUMA nodes whose memory the page allocator manages,
 * and which are closed to everybody but their owner.
 *
 * See Documentation/mm/private_nodes.rst.
 */
#ifndef _LINUX_PRIVATE_NODE_H
#define _LINUX_PRIVATE_NODE_H

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/gfp_types.h>
#include <linux/jump_label.h>
#include <linux/memory_hotplug.h>
#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/private_node_hooks.h>
#include <linux/types.h>

struct address_space;
struct device;
struct file;
struct folio;
struct mempolicy;
struct mm_struct;
struct private_node;
struct pt_regs;
struct range;
struct task_struct;
struct vm_area_struct;
struct zone;

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
 * @PRIVATE_NODE_NR_SERVICES: number of services
 * @PRIVATE_NODE_USER_OWNER: no service: the owner itself
 * @PRIVATE_NODE_USER_DEVICE_MAP: no service: /dev/private_node/
 * @PRIVATE_NODE_USER_SOFT_OFFLINE: no service: the page that replaces another
 *	one on its node
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
	PRIVATE_NODE_NR_SERVICES,
	PRIVATE_NODE_USER_OWNER = PRIVATE_NODE_NR_SERVICES,
	PRIVATE_NODE_USER_DEVICE_MAP,
	PRIVATE_NODE_USER_SOFT_OFFLINE,
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
 * struct private_node_ops - callbacks of an owner
 * @memory_failure: pages of the node are broken, or were taken out of use
 *	before they break; called once for each report, also for a page that
 *	was reported before.  @nr_pages is always 1 today.  The flags are
 *	PRIVATE_NODE_FAILURE_*.
 *
 * Context of all callbacks: process, may sleep, no lock of mm/ is held.  A
 * callback may allocate, free folios of the node, report failures and unplug
 * the node.  It must not unregister the node, because private_node_unregister()
 * waits for running callbacks.  For the same reason the caller of
 * private_node_unregister() must not hold a lock that a callback takes.
 */
struct private_node_ops {
	void (*memory_failure)(struct private_node *pn, unsigned long pfn,
			       unsigned long nr_pages, unsigned int flags);
};

/* There is no file in /dev/private_node/ for this node. */
#define PRIVATE_NODE_F_NO_DEVICE_MAP	BIT(0)
/*
 * The device compresses, and stores less than the memory that it shows.
 * Enabled services get pages of the node only while it is registered by
 * cram_register(), and the owner gets none.
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

/**
 * node_has_any_memory - does the node have memory, ordinary or private?
 * @nid: node id
 *
 * For code that reports memory or keeps metadata for it, and so has to see
 * private nodes.  Code that allocates has to ask for N_MEMORY.
 *
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool node_has_any_memory(int nid)
{
	return node_state(nid, N_MEMORY) || node_state(nid, N_MEMORY_PRIVATE);
}

/**
 * private_node_memory_state - node state to set when memory of @nid comes
 *	online
 * @nid: node id
 *
 * Context: any; stable under mem_hotplug_lock.
 * Return: N_MEMORY or N_MEMORY_PRIVATE.
 */
static __always_inline enum node_states private_node_memory_state(int nid)
{
	if (private_node_hook(online_state) && node_is_private(nid))
		return N_MEMORY_PRIVATE;
	return N_MEMORY;
}

static inline int next_node_with_any_memory(int nid)
{
	do {
		nid = next_online_node(nid);
	} while (nid < MAX_NUMNODES && !node_has_any_memory(nid));
	return nid;
}

/*
 * Walk ordinary and private nodes that have memory; see node_has_any_memory()
 */
#define for_each_node_with_any_memory(nid)				\
	for ((nid) = next_node_with_any_memory(-1); (nid) < MAX_NUMNODES; \
	     (nid) = next_node_with_any_memory(nid))

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

/* devices that take their buffers from a node, mm/private_node/device.c */
int private_node_attach_device(struct private_node *pn, struct device *dev);
int private_node_detach_device(struct device *dev);

/* device map, mm/private_node/devmap.c */
bool __is_file_private_node(const struct file *file);
bool __vma_is_private_node(const struct vm_area_struct *vma);
bool private_node_range_fixed(struct mm_struct *mm, unsigned long start,
			      unsigned long end);

/* user policy, mm/private_node/policy.c */
struct folio *private_node_mpol_alloc(struct mempolicy *pol, gfp_t gfp,
				      unsigned int order, pgoff_t ilx);
struct folio *private_node_user_alloc(int nid, gfp_t gfp, unsigned int order);
vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
				    unsigned long addr, unsigned int flags,
				    struct pt_regs *regs, vm_fault_t ret);
bool __vma_names_private_node(const struct vm_area_struct *vma);
unsigned long __private_node_unplugs(void);
bool __private_node_unplug_waited(unsigned long *seen);
bool __private_node_unplug_refuses(unsigned long seen);
bool __private_node_hint_nodes(void);
struct private_node_detour;
bool __private_node_detour(struct private_node_detour *d);
bool __private_node_refuses_map(const struct vm_area_struct *vma);
int __private_node_exec_room(void);
unsigned long __private_node_overcommit(void);
bool __private_node_vma_commits(struct vm_area_struct *vma, long pages);
void __private_node_add_user_nodes(struct task_struct *task,
				   nodemask_t *nodes);

/**
 * private_node_add_user_nodes - add private nodes that a task may name to a
 *	mask
 * @task: the task
 * @nodes: ordinary nodes that it may use; private nodes are added that are open
 *	to user_numa and possible in its cpuset
 *
 * Cost: a static branch; with private nodes, a few loads for each.
 * Context: any.
 */
static inline void private_node_add_user_nodes(struct task_struct *task,
					       nodemask_t *nodes)
{
	if (private_node_any() && private_node_hook(user_nodes))
		__private_node_add_user_nodes(task, nodes);
}

/**
 * private_node_unplugs - read the counter of unplugs
 *
 * The counter changes when an unplug closes a node, and when the node opens
 * again.  To be read before an allocation, for private_node_unplug_waited().
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: the counter; 0 without private nodes.
 */
static inline unsigned long private_node_unplugs(void)
{
	return private_node_any() ? __private_node_unplugs() : 0;
}

/**
 * private_node_unplug_waited - wait if an allocation failed because of an
 *	unplug
 * @seen: from private_node_unplugs(), before the attempt that failed
 *
 * For code that allocates by a memory policy outside of a fault.  Waits for the
 * end of the unplugs that refused memory to this task.
 *
 * Cost: on failure only.
 * Context: process, may sleep; the caller holds no folio, nor a lock that
 * migration needs.
 * Return: true if another attempt can succeed; false after a fatal signal, or
 * when an unplug was not the reason.
 */
static inline bool private_node_unplug_waited(unsigned long *seen)
{
	return private_node_any() && private_node_hook(unplug_waited) &&
	       __private_node_unplug_waited(seen);
}

/**
 * private_node_unplug_refuses - did an allocation fail because of an unplug?
 * @seen: from private_node_unplugs(), before the attempt
 *
 * For code that has to free pages before it calls private_node_unplug_waited().
 *
 * Cost: a static branch.
 * Context: any.
 * Return: true if that may be the reason.
 */
static inline bool private_node_unplug_refuses(unsigned long seen)
{
	return private_node_any() && private_node_hook(unplug_waited) &&
	       __private_node_unplug_refuses(seen);
}

/**
 * private_node_hint_nodes - is any private node open to hint faults?
 *
 * If so, NUMA balancing scans tasks even if there is only one ordinary node.
 *
 * Cost: a static branch; with a private node, a look at each.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_hint_nodes(void)
{
	return private_node_any() && private_node_hook(hint_nodes) &&
	       __private_node_hint_nodes();
}

/*
 * A flag in addition to enum fault_flag: the fault comes from a populate, which
 * holds no lock except mmap_lock, and so can wait for an unplug.
 */
#define FAULT_FLAG_POPULATE	BIT(30)

/**
 * struct private_node_detour - state of private_node_detour()
 * @unplugs: private_node_unplugs() before the first attempt
 * @flags: current->flags before the second attempt
 * @on: the second attempt is under way
 */
struct private_node_detour {
	unsigned long unplugs;
	unsigned int flags;
	bool on;
};

/**
 * private_node_detour_begin - to be called before the first attempt to allocate
 *
 * Cost and context: as private_node_unplugs().
 * Return: state for private_node_detour().
 */
static inline struct private_node_detour private_node_detour_begin(void)
{
	return (struct private_node_detour){ .unplugs = private_node_unplugs() };
}

/**
 * private_node_detour - try again with ordinary memory when an unplug refused a
 *	page
 * @d: from private_node_detour_begin(), before the first attempt
 * @error: errno of the last attempt
 *
 * For code that cannot wait for the end of an unplug because it holds a lock
 * that others need, such as the lock of a file that is being written.  During
 * the second attempt the allocator gives an ordinary page instead, and counts
 * it as displaced.  Has to be called after each attempt until it returns false.
 *
 * Cost: on failure only.
 * Context: process, may sleep.
 * Return: true at most once, when the caller should try again.
 */
static inline bool private_node_detour(struct private_node_detour *d, int error)
{
	if (!d->on && (error != -ENOMEM || !private_node_any() ||
		       !private_node_hook(unplug_waited)))
		return false;
	return __private_node_detour(d);
}

/**
 * private_node_exec_room - is there memory for a new program of this task?
 *
 * The program gets its memory by the task's policy.  Past the point of no
 * return exec() could only kill the task, so it asks before.
 *
 * Cost: a static branch; with a private node, a look at the task's policy.
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
static inline int private_node_exec_room(void)
{
	if (private_node_any() && private_node_hook(exec_room))
		return __private_node_exec_room();
	return 0;
}

/**
 * private_node_refuses_map - must a new mapping fail with ENOMEM?
 * @vma: the mapping that grows or becomes writable; NULL for a new one
 *
 * True for a task that is bound to private nodes which are all closed to it.  A
 * program can handle ENOMEM better than a SIGBUS when it touches the memory.
 *
 * Cost: a static branch; with a private node, a look at the policy.
 * Context: process, mmap_lock held.
 * Return: true if so.
 */
static inline bool private_node_refuses_map(const struct vm_area_struct *vma)
{
	return private_node_any() && private_node_hook(refuses_map) &&
	       __private_node_refuses_map(vma);
}

/**
 * private_node_overcommit - private memory that counts for overcommit_memory=0
 *
 * The heuristic compares a mapping with RAM and swap.  This adds the private
 * nodes that the task may name, and those that reclaim can move memory to.
 *
 * Cost: a static branch; with private nodes, a few loads for each.
 * Context: any.
 * Return: pages.
 */
static inline unsigned long private_node_overcommit(void)
{
	if (private_node_any() && private_node_hook(overcommit))
		return __private_node_overcommit();
	return 0;
}

/**
 * private_node_vma_commits - commit pages of a mapping whose policy names
 *	private nodes
 * @vma: the mapping, locked
 * @pages: pages to commit
 *
 * For overcommit_memory=0: compares @pages with RAM, swap and these private
 * nodes.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: process.
 * Return: true when the pages fit and were counted as committed; otherwise the
 * caller has to ask security_vm_enough_memory_mm().
 */
static inline bool private_node_vma_commits(struct vm_area_struct *vma,
					    long pages)
{
	return private_node_any() && private_node_hook(overcommit_vma) &&
	       __private_node_vma_commits(vma, pages);
}

/**
 * is_file_private_node - is this an open file of /dev/private_node/?
 * @file: any file, or NULL
 *
 * Cost: a static branch; with a private node, one compare.
 * Context: any.
 * Return: true if so; false for NULL.
 */
static __always_inline bool is_file_private_node(const struct file *file)
{
	return private_node_any() && file && __is_file_private_node(file);
}

/**
 * vma_is_private_node - is this a mapping of /dev/private_node/?
 * @vma: any mapping, locked
 *
 * A process that maps the file has chosen that node, so no other memory is
 * mapped there, not even the zero page.
 *
 * Cost: a static branch; with a private node, a load from the mapping's policy
 * if it has one.
 * Context: any.
 * Return: true if so.
 */
static __always_inline bool
vma_is_private_node(const struct vm_area_struct *vma)
{
	return private_node_any() && __vma_is_private_node(vma);
}

/**
 * private_node_forbids_zeropage - must a read fault allocate a page?
 * @vma: the mapping, locked
 *
 * True if its policy names private nodes.  With the zero page a device that
 * reads the range would read DRAM.
 *
 * Cost and context: as vma_is_private_node().
 * Return: true if so.
 */
static __always_inline bool
private_node_forbids_zeropage(const struct vm_area_struct *vma)
{
	return private_node_hook(devmap_zero_page) && private_node_any() &&
	       __vma_names_private_node(vma);
}

/* oom, mm/private_node/mm_pages.c */
unsigned long __private_node_oom_private(struct task_struct *task);

/**
 * private_node_oom_private - how many pages does a task have on private nodes?
 * @task: candidate of the OOM killer
 *
 * Killing the task for these pages would not help in a shortage of ordinary
 * memory.  The number is an estimate from a fixed number of pages.
 *
 * Cost: a static branch; with a private node, a test of MMF_PRIVATE_NODE; where
 * that is set, a look at a fixed number of page table entries.
 * Context: any but interrupts; does not sleep.
 * Return: pages to subtract from the task's badness.
 */
static __always_inline unsigned long
private_node_oom_private(struct task_struct *task)
{
	if (!private_node_hook(oom_badness) || !private_node_any())
		return 0;
	return __private_node_oom_private(task);
}

/* hot-add and removal, mm/private_node/hotplug.c */
int add_private_memory_driver_managed(struct private_node *pn, u64 start,
				      u64 size, const char *resource_name,
				      mhp_t mhp_flags, enum mmop online_type);
int remove_private_memory_driver_managed(struct private_node *pn);
int private_node_spare_get(const u8 *distances, unsigned int nr);
void private_node_spare_put(int nid);
int private_node_spare_distance(int from, int to);

DECLARE_STATIC_KEY_FALSE(private_node_spare_key);

/**
 * private_node_distance - distance to or from a spare node, by its provider
 * @from: node id in [0, MAX_NUMNODES)
 * @to: node id in [0, MAX_NUMNODES)
 *
 * Cost: a static branch, not taken until a spare node is in use.
 * Context: any.
 * Return: the distance; 0 if the firmware's distance is to be used.
 */
static __always_inline int private_node_distance(int from, int to)
{
	if (static_branch_unlikely(&private_node_spare_key) &&
	    private_node_hook(spare_distance))
		return private_node_spare_distance(from, to);
	return 0;
}

void private_node_offline_failed(int nid, unsigned long start_pfn,
				 unsigned long nr_pages);

/* mm/private_node/refusals.c */
void private_node_cpuset_refused(const nodemask_t *nodes);

/* memory came or went, mm/private_node/core.c and tier.c */
void private_node_memory_changed(int nid);
void private_node_notify(unsigned long action, int nid);

/* boot, mm/private_node/boot.c */
void private_node_boot_claim(void);
bool private_node_boot_skip(int nid, int memblock_flags);
void private_node_boot_memory(int nid);
void private_node_boot_verdict(void);
void private_node_boot_release(void);
void private_node_boot_totalram(void);
bool private_node_boot_requested(void);

#else /* !CONFIG_PRIVATE_NODE */

static __always_inline bool private_node_any(void)
{
	return false;
}

static __always_inline bool node_is_private(int nid)
{
	return false;
}

static __always_inline bool node_has_any_memory(int nid)
{
	return node_state(nid, N_MEMORY);
}

static __always_inline enum node_states private_node_memory_state(int nid)
{
	return N_MEMORY;
}

#define for_each_node_with_any_memory(nid) for_each_node_state(nid, N_MEMORY)

static __always_inline int private_node_distance(int from, int to)
{
	return 0;
}

static inline void private_node_offline_failed(int nid, unsigned long start_pfn,
					       unsigned long nr_pages)
{
}

static inline void private_node_cpuset_refused(const nodemask_t *nodes) {}
static inline void private_node_memory_changed(int nid) {}
static inline void private_node_notify(unsigned long action, int nid) {}

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

static __always_inline bool is_file_private_node(const struct file *file)
{
	return false;
}

static __always_inline bool
vma_is_private_node(const struct vm_area_struct *vma)
{
	return false;
}

static __always_inline bool
private_node_forbids_zeropage(const struct vm_area_struct *vma)
{
	return false;
}

static inline bool private_node_range_fixed(struct mm_struct *mm,
					    unsigned long start,
					    unsigned long end)
{
	return false;
}

static inline struct folio *private_node_mpol_alloc(struct mempolicy *pol,
						    gfp_t gfp,
						    unsigned int order,
						    pgoff_t ilx)
{
	return NULL;
}

static inline struct folio *private_node_user_alloc(int nid, gfp_t gfp,
						    unsigned int order)
{
	return NULL;
}

static inline void private_node_add_user_nodes(struct task_struct *task,
					       nodemask_t *nodes)
{
}

/*
 * Macros, so that without CONFIG_PRIVATE_NODE the object code of the callers is
 * the same as without these patches; with inline functions the compiler
 * generates other code.
 */
#define private_node_refuses_map(vma)		false
#define private_node_unplugs()			0
#define private_node_unplug_waited(seen)	(!sizeof(*(seen)))
#define private_node_unplug_refuses(seen)	((void)(seen), false)
#define FAULT_FLAG_POPULATE			0
struct private_node_detour {};
#define private_node_detour_begin()		((struct private_node_detour){})
#define private_node_detour(d, error)		((void)(d), false)

static inline bool private_node_hint_nodes(void)
{
	return false;
}

static inline int private_node_exec_room(void)
{
	return 0;
}

static inline unsigned long private_node_overcommit(void)
{
	return 0;
}

static inline bool private_node_vma_commits(struct vm_area_struct *vma,
					    long pages)
{
	return false;
}

static inline vm_fault_t private_node_fault_error(struct vm_area_struct *vma,
						  unsigned long addr,
						  unsigned int flags,
						  struct pt_regs *regs,
						  vm_fault_t ret)
{
	return ret;
}

static __always_inline unsigned long
private_node_oom_private(struct task_struct *task)
{
	return 0;
}

static inline void private_node_boot_claim(void) {}
static inline bool private_node_boot_skip(int nid, int memblock_flags)
{
	return false;
}

static inline void private_node_boot_memory(int nid) {}
static inline void private_node_boot_verdict(void) {}
static inline void private_node_boot_release(void) {}
static inline void private_node_boot_totalram(void) {}
static inline bool private_node_boot_requested(void)
{
	return false;
}

#endif /* CONFIG_PRIVATE_NODE */

/**
 * private_node_hooked - node_is_private() for a hook outside of
 *	mm/private_node/
 * @hook: name of the hook, one of PRIVATE_NODE_HOOKS, without its prefix
 * @nid: node id
 *
 * For hooks that keep something out of private nodes, or show these in a
 * report.  CONFIG_PRIVATE_NODE_MUTATE can switch off each hook by its name.
 *
 * Cost: that of node_is_private() without CONFIG_PRIVATE_NODE_MUTATE.
 */
#define private_node_hooked(hook, nid) \
	(private_node_hook(hook) && node_is_private(nid))

static inline bool __private_node_closed(int nid,
					 enum private_node_service service)
{
	return node_is_private(nid) &&
	       !private_node_service_enabled(nid, service);
}

/**
 * private_node_closed - is this a private node on which a service is not open?
 * @hook: name of the hook, as for private_node_hooked()
 * @nid: node id
 * @service: the enum private_node_service
 *
 * Cost: that of node_is_private(); for a private node one more look-up.
 * Context: any.
 */
#define private_node_closed(hook, nid, service) \
	(private_node_hook(hook) && __private_node_closed(nid, service))

static inline bool __private_node_opened(int nid,
					 enum private_node_service service)
{
	return node_is_private(nid) &&
	       private_node_service_enabled(nid, service);
}

/**
 * private_node_opened - is this a private node on which a service is open?
 * @hook: name of the hook, as for private_node_hooked()
 * @nid: node id
 * @service: the enum private_node_service
 *
 * Cost: that of node_is_private(); for a private node one more look-up.
 * Context: any.
 * Return: false for an ordinary node.
 */
#define private_node_opened(hook, nid, service) \
	(private_node_hook(hook) && __private_node_opened(nid, service))

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_MEMORY_FAILURE)

/* memory failure, mm/private_node/failure.c */
bool __private_node_can_replace(int nid, unsigned long pfn);
struct folio *private_node_replace(struct folio *src, gfp_t gfp,
				   unsigned int order);
void __private_node_memory_failure(unsigned long pfn, bool soft, int result);
void __private_node_poisoned(int nid, long pages);
bool __private_node_knows_broken(unsigned long pfn, unsigned long nr);
void __private_node_pfn_poisoned(unsigned long pfn, long pages);

/**
 * private_node_can_replace - has a node a free page to replace one by soft
 *	offline?
 * @nid: the node
 * @pfn: the page to be replaced, in use
 *
 * Cost: a static branch; on a private node, a look at its zones.
 * Context: process, may sleep.
 * Return: true if so, or if reclaim or compressed RAM can provide one; always
 * true for an ordinary node.
 */
static inline bool private_node_can_replace(int nid, unsigned long pfn)
{
	return !private_node_hooked(soft_offline, nid) ||
	       __private_node_can_replace(nid, pfn);
}

/**
 * private_node_memory_failure - report a memory failure to the owner of the
 *	page
 * @pfn: page frame, of any memory
 * @soft: true after soft offline, false after memory_failure()
 * @result: result of that, 0 or an errno
 *
 * Cost: a static branch.
 * Context: process, may sleep; no lock held.
 */
static inline void private_node_memory_failure(unsigned long pfn, bool soft,
					       int result)
{
	if (private_node_any() && private_node_hook(memory_failure))
		__private_node_memory_failure(pfn, soft, result);
}

/**
 * private_node_poisoned - count poisoned pages of private nodes
 * @nid: node id
 * @pages: pages added to num_poisoned_pages, or if negative subtracted from it
 *
 * For ordinary_poisoned_pages(), which leaves them out.
 *
 * Context: any.
 */
static inline void private_node_poisoned(int nid, long pages)
{
	if (private_node_hooked(poisoned, nid))
		__private_node_poisoned(nid, pages);
}

/**
 * private_node_knows_broken - may memory with broken pages come online again?
 * @nid: node id
 * @pfn: first page of an offline memory block with broken pages
 * @nr: number of pages
 *
 * The struct pages of the block are made anew when it comes online, and forget
 * which pages are broken.  On a private node they are marked again before a page
 * comes to the free lists.
 *
 * Context: process; device_hotplug_lock held.
 * Return: true if they will be.
 */
static inline bool private_node_knows_broken(int nid, unsigned long pfn,
					     unsigned long nr)
{
	return private_node_hooked(memory_failure, nid) &&
	       __private_node_knows_broken(pfn, nr);
}

/*
 * As private_node_poisoned(), for the node of a page frame that has a struct
 * page.
 */
static inline void private_node_pfn_poisoned(unsigned long pfn, long pages)
{
	if (private_node_any())
		__private_node_pfn_poisoned(pfn, pages);
}

#else

static inline void private_node_poisoned(int nid, long pages)
{
}

static inline bool private_node_knows_broken(int nid, unsigned long pfn,
					     unsigned long nr)
{
	return false;
}

static inline void private_node_pfn_poisoned(unsigned long pfn, long pages)
{
}

static inline bool private_node_can_replace(int nid, unsigned long pfn)
{
	return true;
}

static inline struct folio *private_node_replace(struct folio *src, gfp_t gfp,
						 unsigned int order)
{
	return NULL;
}

static inline void private_node_memory_failure(unsigned long pfn, bool soft,
					       int result)
{
}

#endif

#if defined(CONFIG_PRIVATE_NODE) && defined(CONFIG_TRANSPARENT_HUGEPAGE)

/* collapse into huge pages, mm/private_node/collapse.c */
bool __private_node_vma_stays(struct vm_area_struct *vma, bool missing,
			      const u32 *load);
bool __private_node_file_stays(struct address_space *mapping, pgoff_t index,
			       bool missing, const u32 *load);
bool __private_node_came_late(int nid, const u32 *load);
bool __private_node_stays_small(struct folio *folio);
struct folio *private_node_collapse_alloc(int nid, gfp_t gfp,
					  unsigned int order);
bool __private_node_no_collapse(const struct vm_area_struct *vma);

/**
 * private_node_vma_stays - must a range of anonymous memory not be collapsed?
 * @vma: mapping of the range, locked
 * @missing: some pages of the range are not present
 * @load: number of pages that are present, for each node
 *
 * The rules are in mm/private_node/collapse.c.
 *
 * Cost: a static branch; with a private node, a look at each node.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_vma_stays(struct vm_area_struct *vma,
					  bool missing, const u32 *load)
{
	return private_node_any() && private_node_hook(khugepaged) &&
	       __private_node_vma_stays(vma, missing, load);
}

/**
 * private_node_file_stays - must a range of a file not be collapsed?
 * @mapping: page cache of the file
 * @index: first page of the range
 * @missing: some pages of the range are not present
 * @load: number of pages that are present, for each node
 *
 * Cost: as private_node_vma_stays().
 * Context: process.
 * Return: true if so.
 */
static inline bool private_node_file_stays(struct address_space *mapping,
					   pgoff_t index, bool missing,
					   const u32 *load)
{
	return private_node_any() && private_node_hook(khugepaged) &&
	       __private_node_file_stays(mapping, index, missing, load);
}

/**
 * private_node_came_late - does a page forbid a collapse that was decided
 *	without it?
 * @nid: node of the page
 * @load: number of pages that were present at the decision, for each node
 *
 * A page may come from swap or by a fault after the range was scanned.  It
 * matters if its node or the chosen node is private.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true when the collapse has to be given up.
 */
static inline bool private_node_came_late(int nid, const u32 *load)
{
	return private_node_any() && private_node_hook(collapse_late) &&
	       !load[nid] && __private_node_came_late(nid, load);
}

/**
 * private_node_stays_small - does a folio forbid a collapse of its range?
 * @folio: any folio in the range
 *
 * True for guests: pages that the kernel placed on a private node.  A huge page
 * has one mark, and cannot keep guests apart from pages that a user placed
 * there.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: any.
 */
#define private_node_stays_small(folio) \
	(private_node_hooked(collapse_guest, folio_nid(folio)) && \
	 __private_node_stays_small(folio))

/**
 * private_node_no_collapse - is this a mapping of /dev/private_node/ without
 *	thp?
 * @vma: any mapping, locked
 *
 * Cost and context: as vma_is_private_node().
 * Return: true when nothing of it may be collapsed.
 */
static inline bool
private_node_no_collapse(const struct vm_area_struct *vma)
{
	return vma_is_private_node(vma) && private_node_hook(khugepaged) &&
	       __private_node_no_collapse(vma);
}

#else

static inline bool private_node_vma_stays(struct vm_area_struct *vma,
					  bool missing, const u32 *load)
{
	return false;
}

/* A macro: with a function, gcc generates other code for mm/khugepaged.c. */
#define private_node_file_stays(mapping, index, missing, load)	false

static inline bool private_node_came_late(int nid, const u32 *load)
{
	return false;
}

static inline bool private_node_stays_small(struct folio *folio)
{
	return false;
}

static inline struct folio *private_node_collapse_alloc(int nid, gfp_t gfp,
							unsigned int order)
{
	return NULL;
}

static inline bool
private_node_no_collapse(const struct vm_area_struct *vma)
{
	return false;
}

#endif

#endif /* _LINUX_PRIVATE_NODE_H */
