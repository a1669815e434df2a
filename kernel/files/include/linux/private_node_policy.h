/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes in memory policies.
 *
 * A policy may name private nodes that have the user_numa service.  They are kept
 * apart from mempolicy.nodes, which has ordinary nodes only.  So code that reads that
 * mask never gets to a private node.  In a bind to private nodes alone the mask is
 * empty, which restricts nothing: page cache, page tables and slab go to ordinary
 * nodes.
 *
 * A preference or a spreading mode names private nodes only if its mask has
 * nothing else in it.  mempolicy.mode of such a policy is MPOL_LOCAL; the mode that the
 * user gave is in mempolicy.named_mode.
 *
 * mm/private_node/policy.c, mm/private_node/named.c
 */
#ifndef _LINUX_PRIVATE_NODE_POLICY_H
#define _LINUX_PRIVATE_NODE_POLICY_H

#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/private_node.h>

#ifdef CONFIG_PRIVATE_NODE

bool __private_node_mpol_bind(struct mempolicy *pol, const nodemask_t *nodes);
bool __private_node_mpol_spills(const struct mempolicy *pol,
				unsigned int order);
bool __private_node_mpol_may_state(const nodemask_t *nodes);
struct folio *__private_node_stack_alloc(const struct mempolicy *pol,
					 struct vm_area_struct *vma,
					 unsigned long addr, gfp_t gfp);
void private_node_mpol_stated(struct mempolicy *pol);
void private_node_mpol_inherit(struct mempolicy *pol,
			       const struct mempolicy *mount);
bool __private_node_stays(struct folio *folio, const nodemask_t *nodes);
void __private_node_keep_file_folios(struct list_head *folios);
unsigned long __private_node_keep_shared(struct list_head *folios, int nid);
unsigned long __private_node_mbind_keep_shared(struct list_head *folios,
					       const struct mempolicy *pol);
bool __private_node_keep_last_shared(struct list_head *folios, int nid);
bool __private_node_pin_refused(struct folio *folio);
void __private_node_move_refused(const nodemask_t *nodes);
void __private_node_adopted(struct folio *folio);
struct folio *private_node_mpol_move_alloc(struct mempolicy *pol, gfp_t gfp,
					   unsigned int order, pgoff_t ilx);
bool __private_node_no_readahead(struct mempolicy *pol);
struct folio *__folio_alloc_mpol_existing_noprof(gfp_t gfp, unsigned int order,
						 struct mempolicy *pol,
						 pgoff_t ilx, int nid);
struct folio *__vma_alloc_folio_existing_noprof(gfp_t gfp, int order,
						struct vm_area_struct *vma,
						unsigned long addr);

/* for mm/hugetlb.c, mm/private_node/hugetlb.c; macros where types are not known */
#define private_node_mpoli(mpoli)		((mpoli)->pol)
#define private_node_mpoli_next(mpoli, nodes)	\
	private_node_mpol_first_of((mpoli)->pol, nodes, (mpoli)->ilx)
#define private_node_set_mpoli(mpoli, mpol, vma, addr) do {		\
	(mpoli)->pol = (mpol);						\
	(mpoli)->ilx = private_node_mpol_ilx(mpol, vma, addr);		\
} while (0)
pgoff_t private_node_mpol_ilx(const struct mempolicy *pol,
			      struct vm_area_struct *vma, unsigned long addr);
bool private_node_mpol_hugetlb(const struct mempolicy *pol, nodemask_t *nodes);
int private_node_mpol_first_of(const struct mempolicy *pol, nodemask_t *nodes,
			       pgoff_t ilx);
struct folio *private_node_hugetlb_taken(const struct mempolicy *pol,
					 const nodemask_t *nodes,
					 struct folio *folio);
int private_node_pool_begin(int nid, unsigned int order, unsigned long nr,
			    nodemask_t *inside);
void private_node_pools_end(const nodemask_t *inside);
int private_node_pools_shut(const nodemask_t *inside, unsigned int order);
struct kobject;
bool __private_node_pool_waits(ssize_t *ret, struct kobject *kobj,
			       const char *file, unsigned long *unplugs);

/**
 * private_node_pool_waits - is a request for a node's pool worth another attempt?
 * @ret: of the attempt; -ENODEV when the node is gone then
 * @kobj: of the file that was written
 * @nid: its node
 * @obey_mempolicy: is the file nr_hugepages_mempolicy?
 * @unplugs: from private_node_unplugs(), before the attempt
 *
 * Waits, killable, for the outcome when the node is being unplugged.
 * Context: process, in a write to the file.
 */
static inline bool private_node_pool_waits(ssize_t *ret, struct kobject *kobj,
					   int nid, bool obey_mempolicy,
					   unsigned long *unplugs)
{
	return *ret == -EAGAIN && nid != NUMA_NO_NODE && private_node_any() &&
	       __private_node_pool_waits(ret, kobj, obey_mempolicy ?
					 "nr_hugepages_mempolicy" : "nr_hugepages",
					 unplugs);
}

struct folio *private_node_hugetlb_alloc(int nid, unsigned int order, int *ret);
bool __private_node_unplug_refuses(unsigned long seen);

/**
 * private_node_unplug_refuses - did a task get too little because of an unplug?
 * @seen: from private_node_unplugs(), before the attempt
 *
 * For code that has to let pages go before it waits for the outcome by
 * private_node_unplug_waited().
 *
 * Cost: a static branch.
 * Context: any.
 */
static inline bool private_node_unplug_refuses(unsigned long seen)
{
	return private_node_any() && private_node_hook(unplug_waited) &&
	       __private_node_unplug_refuses(seen);
}

bool __private_node_task_pools(nodemask_t *nodes, bool open);
bool __private_node_hugetlb_displaces(const struct mempolicy *pol);
void private_node_count_displaced(const struct mempolicy *pol,
				  struct folio *folio);

/*
 * Is this a mapping of the child that fork() makes, into which pinned pages are copied?
 * Nobody else can reach its address space yet.
 */
static inline bool private_node_forks_to(const struct vm_area_struct *vma)
{
	return vma->vm_mm != current->mm &&
	       atomic_read(&vma->vm_mm->mm_users) == 1;
}

/**
 * private_node_hugetlb_displaces - may a copy take an ordinary huge page instead?
 * @pol: policy of a hugetlb mapping that gave no page, or NULL
 *
 * Cost: on failure only.
 * Context: any.
 * Return: true if it names private nodes and no other.
 */
static inline bool private_node_hugetlb_displaces(const struct mempolicy *pol)
{
	return private_node_any() && private_node_hook(hugetlb_displaced) &&
	       __private_node_hugetlb_displaces(pol);
}

bool private_node_may_not_wait(void);

/**
 * private_node_hugetlb_waits - was there no huge page because of an unplug?
 * @err: from alloc_hugetlb_folio() for a copy
 *
 * Then the fault waits for the outcome, see private_node_fault_error(); the page is
 * not taken from other processes that share it.
 * Context: any.
 */
static inline bool private_node_hugetlb_waits(int err)
{
	return private_node_any() && err == -ENOMEM;
}

/**
 * private_node_task_pools - does the task's policy name pools of private nodes?
 * @nodes: result: the nodes, as far as the task's cpuset has them
 * @open: only those that give huge pages, and only if the policy has no
 *	other place to go: for a reservation
 *
 * Cost: a static branch; with a private node, a load.
 * Context: process.
 * Return: true if it names private nodes and no other.
 */
static inline bool private_node_task_pools(nodemask_t *nodes, bool open)
{
	return private_node_any() && private_node_hook(hugetlb_task) &&
	       current->mempolicy && __private_node_task_pools(nodes, open);
}

/**
 * private_node_pool_apart - does a huge page cross the border of a private pool?
 * @folio: the huge page
 * @nid: where it goes
 *
 * Cost: that of node_is_private().
 */
static inline bool private_node_pool_apart(struct folio *folio, int nid)
{
	return private_node_hooked(hugetlb_move, folio_nid(folio)) ||
	       private_node_hooked(hugetlb_move, nid);
}

/* For a policy from mpol_new(), which names no node yet. */
static inline void private_node_mpol_init(struct mempolicy *pol)
{
	pol->pn = NULL;
	pol->named_mode = MPOL_DEFAULT;
	nodes_clear(pol->nodes);
	nodes_clear(pol->private_nodes);
}

/**
 * private_node_mpol_names - does a user policy name private nodes?
 * @pol: any policy
 *
 * Open or not, registered or not: a policy that lost its nodes does not turn
 * into one without restriction.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 */
static inline bool private_node_mpol_names(const struct mempolicy *pol)
{
	return private_node_any() && !nodes_empty(pol->private_nodes);
}

/**
 * private_node_mpol_alone - does a policy other than a bind name private nodes?
 * @pol: any policy
 *
 * If so it names no other node, and its mode is MPOL_LOCAL.
 * Cost: a static branch; with a private node, two loads.
 * Context: any.
 */
static inline bool private_node_mpol_alone(const struct mempolicy *pol)
{
	return private_node_any() && pol->mode == MPOL_LOCAL &&
	       (pol->flags & MPOL_F_PRIVATE);
}

/* The mode as the user said it.  Cost and context: as the above. */
static inline unsigned short private_node_mpol_mode(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) ? pol->named_mode : pol->mode;
}

/* Is it one that spreads over private nodes? */
static inline bool private_node_mpol_spreads(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) &&
	       (pol->named_mode == MPOL_INTERLEAVE ||
		pol->named_mode == MPOL_WEIGHTED_INTERLEAVE);
}

/* For a policy that spreads over private nodes: what get_mempolicy() shows. */
static inline int private_node_mpol_first(const struct mempolicy *pol)
{
	return first_node(pol->private_nodes);
}

/* Is it a preference, for which ordinary memory will do? */
static inline bool private_node_mpol_prefers(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) && !private_node_mpol_spreads(pol);
}

/**
 * private_node_mpol_spills - does a preference take ordinary memory now?
 * @pol: for which private_node_mpol_places()
 * @order: of the folio
 *
 * Counts it.
 * Context: any.
 */
static inline bool private_node_mpol_spills(const struct mempolicy *pol,
					    unsigned int order)
{
	return private_node_mpol_prefers(pol) &&
	       __private_node_mpol_spills(pol, order);
}

/**
 * private_node_mpol_may_state - may a mount option name these nodes?
 * @nodes: ordinary and private nodes
 *
 * Context: process.
 */
static inline bool private_node_mpol_may_state(const nodemask_t *nodes)
{
	return nodes_subset(*nodes, node_states[N_MEMORY]) ||
	       (private_node_hook(tmpfs_named) && private_node_any() &&
		__private_node_mpol_may_state(nodes));
}

/**
 * private_node_move_refused - pages do not move to the node that was named
 * @nid: any number
 *
 * Counts and records it, so that the user can ask why.
 * Cost: on failure only; that of node_is_private().
 * Context: any but NMI.
 */
static inline void private_node_move_refused(int nid)
{
	nodemask_t nodes;

	if (nid < 0 || nid >= MAX_NUMNODES || !node_is_private(nid))
		return;
	nodes = nodemask_of_node(nid);
	__private_node_move_refused(&nodes);
}

/* The same for a system call that takes a mask. */
static inline void private_node_moves_refused(const nodemask_t *nodes)
{
	if (private_node_any())
		__private_node_move_refused(nodes);
}

/**
 * private_node_mpol_bind - take the private nodes into a new policy
 * @pol: policy
 * @nodes: what the user named
 *
 * A policy other than a bind becomes MPOL_LOCAL.
 *
 * Context: the lock that mpol_set_nodemask() needs.
 * Return: true if it names a private node that is open to it, so that it may do
 * without an ordinary one.
 */
static inline bool private_node_mpol_bind(struct mempolicy *pol,
					  const nodemask_t *nodes)
{
	return private_node_hook(user_bind) && private_node_any() &&
	       __private_node_mpol_bind(pol, nodes);
}

/**
 * private_node_mpol_places - does a policy place this on private nodes?
 * @pol: any policy
 * @ilx: interleave index; NO_INTERLEAVE_INDEX is not a place in anonymous or
 *	shared memory, but page cache or a task's other memory
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 */
static inline bool private_node_mpol_places(const struct mempolicy *pol,
					    pgoff_t ilx)
{
	return private_node_any() && (pol->flags & MPOL_F_PRIVATE) &&
	       (!private_node_hook(user_file) || ilx != NO_INTERLEAVE_INDEX);
}

/**
 * private_node_stack_alloc - a page of a stack or heap, where its node has none
 * @pol: policy of the fault
 * @ilx: interleave index
 * @vma: where the fault is
 * @addr: and there
 * @gfp: of the fault
 * @order: of the folio
 *
 * SIGBUS on a full node needs a frame on the stack, and a program whose node was closed
 * needs the rest of its heap to end itself.
 *
 * Cost: on failure only; a static branch.
 * Context: as @gfp says.
 * Return: an ordinary folio for a stack of the running task, or for its heap
 * when its policy gives nothing more; else NULL.
 */
static inline struct folio *
private_node_stack_alloc(const struct mempolicy *pol, pgoff_t ilx,
			 struct vm_area_struct *vma, unsigned long addr,
			 gfp_t gfp, unsigned int order)
{
	if (order || !private_node_mpol_places(pol, ilx) ||
	    !private_node_hook(stack_elsewhere))
		return NULL;
	return __private_node_stack_alloc(pol, vma, addr, gfp);
}

/* For __mpol_equal(), which has compared everything else. */
static inline bool private_node_mpol_equal(const struct mempolicy *a,
					   const struct mempolicy *b)
{
	return a->pn == b->pn && a->named_mode == b->named_mode &&
	       nodes_equal(a->private_nodes, b->private_nodes) &&
	       (nodes_empty(a->private_nodes) ||
		a->private_born == b->private_born);
}

/* Reports show one mask. */
static inline void private_node_mpol_nodes(const struct mempolicy *pol,
					   nodemask_t *nodes)
{
	nodes_or(*nodes, *nodes, pol->private_nodes);
}

/**
 * private_node_keeps_out - does this folio never go to a private node?
 * @folio: any
 *
 * Page cache is shared by all readers of the file; a policy does not own it.
 */
static inline bool private_node_keeps_out(struct folio *folio)
{
	return private_node_any() && private_node_hook(user_file) &&
	       (!folio_test_swapbacked(folio) || folio_test_hugetlb(folio));
}

/**
 * private_node_stays - does mbind() leave this folio where it is?
 * @folio: folio in the range
 * @nodes: what mbind() named
 *
 * Page cache has no place to go to when only private nodes are named.
 */
static inline bool private_node_stays(struct folio *folio,
				      const nodemask_t *nodes)
{
	return private_node_keeps_out(folio) &&
	       __private_node_stays(folio, nodes);
}

/**
 * private_node_keep_file_folios - take page cache off a list for migration
 * @nid: where the list goes
 * @folios: isolated folios; those that do not go to @nid are put back
 *
 * Context: process.
 */
static inline void private_node_keep_file_folios(int nid,
						 struct list_head *folios)
{
	if (node_is_private(nid))
		__private_node_keep_file_folios(folios);
}

/**
 * private_node_keep_shared - take off a list folios that other users may not have there
 * @folios: isolated folios, for a move that a system call asked for
 * @nid: where the list goes
 *
 * MPOL_MF_MOVE_ALL moves folios that others map as well.  To and from private nodes
 * the policies and cpusets of these are obeyed; folios that stay are put back.
 *
 * Cost: a static branch; with a private node, a look at each folio, and a walk
 * of the reverse map for those that are shared.
 * Context: process; the locks of page tables not held.
 * Return: how many folios stay.
 */
static inline unsigned long private_node_keep_shared(struct list_head *folios,
						     int nid)
{
	if (!private_node_any() || !private_node_hook(move_shared))
		return 0;
	return __private_node_keep_shared(folios, nid);
}

/* The same, for mbind(). */
static inline unsigned long
private_node_mbind_keep_shared(struct list_head *folios,
			       const struct mempolicy *pol)
{
	if (!private_node_any() || !private_node_hook(move_shared))
		return 0;
	return __private_node_mbind_keep_shared(folios, pol);
}

/* The same, for the folio that was just isolated, the last on the list. */
static inline bool private_node_keep_last_shared(struct list_head *folios,
						 int nid)
{
	return private_node_any() && private_node_hook(move_shared) &&
	       __private_node_keep_last_shared(folios, nid);
}

/**
 * private_node_pin_refused - is a long-term pin of a page refused?
 * @page: any page, held
 *
 * A page that a user put on a private node which is closed to pins is neither pinned
 * nor moved.  A guest is moved, as from a movable zone, unless its users may not have
 * it elsewhere.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: process.
 */
static inline bool private_node_pin_refused(struct page *page)
{
	return private_node_hook(longterm_pin) &&
	       node_is_private(page_to_nid(page)) &&
	       __private_node_pin_refused(page_folio(page));
}

/**
 * private_node_adopted - a system call finds a folio where it wants it
 * @folio: any, held or mapped
 * @all: does the caller speak for all who map it?
 *
 * A guest counts as named from now on.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: any.
 */
static inline void private_node_adopted(struct folio *folio, bool all)
{
	if (private_node_hooked(adopted, folio_nid(folio)) &&
	    (all || !folio_maybe_mapped_shared(folio)))
		__private_node_adopted(folio);
}

/**
 * folio_alloc_mpol_existing - folio_alloc_mpol() for data that exists
 * @gfp: as there
 * @order: as there
 * @pol: as there
 * @ilx: as there
 * @nid: as there
 *
 * For swap-in and the like.  Where a private node refuses new memory, data that was
 * there before comes back in ordinary memory.
 *
 * Cost: a static branch.
 * Context: as @gfp says.
 * Return: the folio; NULL when ordinary memory ran out as well, or a large one
 * was asked for.
 */
static inline struct folio *
folio_alloc_mpol_existing_noprof(gfp_t gfp, unsigned int order,
				 struct mempolicy *pol, pgoff_t ilx, int nid)
{
	if (private_node_any() && private_node_hook(displaced))
		return __folio_alloc_mpol_existing_noprof(gfp, order, pol, ilx,
							  nid);
	return folio_alloc_mpol_noprof(gfp, order, pol, ilx, nid);
}

/**
 * vma_alloc_folio_existing - vma_alloc_folio() for data that exists
 * @gfp: as there
 * @order: as there
 * @vma: as there
 * @addr: as there
 *
 * For copies of a page; see folio_alloc_mpol_existing().
 */
static inline struct folio *
vma_alloc_folio_existing_noprof(gfp_t gfp, int order,
				struct vm_area_struct *vma, unsigned long addr)
{
	if (private_node_any() && private_node_hook(displaced))
		return __vma_alloc_folio_existing_noprof(gfp, order, vma, addr);
	return vma_alloc_folio_noprof(gfp, order, vma, addr);
}

#define folio_alloc_mpol_existing(...) \
	alloc_hooks(folio_alloc_mpol_existing_noprof(__VA_ARGS__))
#define vma_alloc_folio_existing(...) \
	alloc_hooks(vma_alloc_folio_existing_noprof(__VA_ARGS__))

/**
 * private_node_no_readahead - would pages that are read ahead find no room?
 * @pol: policy of the page that is swapped in
 * @ilx: see private_node_mpol_places()
 *
 * Only the page that was asked for is worth ordinary memory.
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 */
static inline bool private_node_no_readahead(struct mempolicy *pol, pgoff_t ilx)
{
	return private_node_mpol_places(pol, ilx) &&
	       __private_node_no_readahead(pol);
}

#else /* !CONFIG_PRIVATE_NODE */

#define folio_alloc_mpol_existing	folio_alloc_mpol
#define vma_alloc_folio_existing	vma_alloc_folio

static inline bool private_node_no_readahead(struct mempolicy *pol, pgoff_t ilx)
{
	return false;
}

static inline void private_node_mpol_init(struct mempolicy *pol) {}

static inline bool private_node_mpol_names(const struct mempolicy *pol)
{
	return false;
}

static inline bool private_node_mpol_alone(const struct mempolicy *pol)
{
	return false;
}

static inline unsigned short private_node_mpol_mode(const struct mempolicy *pol)
{
	return pol->mode;
}

static inline bool private_node_mpol_spreads(const struct mempolicy *pol)
{
	return false;
}

static inline int private_node_mpol_first(const struct mempolicy *pol)
{
	return NUMA_NO_NODE;
}

static inline bool private_node_mpol_spills(const struct mempolicy *pol,
					    unsigned int order)
{
	return false;
}

static inline struct folio *
private_node_stack_alloc(const struct mempolicy *pol, pgoff_t ilx,
			 struct vm_area_struct *vma, unsigned long addr,
			 gfp_t gfp, unsigned int order)
{
	return NULL;
}

static inline bool private_node_mpol_may_state(const nodemask_t *nodes)
{
	return nodes_subset(*nodes, node_states[N_MEMORY]);
}

static inline void private_node_mpol_stated(struct mempolicy *pol) {}

static inline void private_node_mpol_inherit(struct mempolicy *pol,
					     const struct mempolicy *mount)
{
}

static inline bool private_node_mpol_bind(struct mempolicy *pol,
					  const nodemask_t *nodes)
{
	return false;
}

static inline bool private_node_mpol_places(const struct mempolicy *pol,
					    pgoff_t ilx)
{
	return false;
}

static inline bool private_node_mpol_equal(const struct mempolicy *a,
					   const struct mempolicy *b)
{
	return true;
}

static inline void private_node_mpol_nodes(const struct mempolicy *pol,
					   nodemask_t *nodes)
{
}

static inline bool private_node_keeps_out(struct folio *folio)
{
	return false;
}

static inline bool private_node_stays(struct folio *folio,
				      const nodemask_t *nodes)
{
	return false;
}

static inline void private_node_keep_file_folios(int nid,
						 struct list_head *folios)
{
}

static inline unsigned long private_node_keep_shared(struct list_head *folios,
						     int nid)
{
	return 0;
}

static inline unsigned long
private_node_mbind_keep_shared(struct list_head *folios,
			       const struct mempolicy *pol)
{
	return 0;
}

static inline bool private_node_keep_last_shared(struct list_head *folios,
						 int nid)
{
	return false;
}

static inline bool private_node_pin_refused(struct page *page)
{
	return false;
}

static inline void private_node_move_refused(int nid) {}
static inline void private_node_moves_refused(const nodemask_t *nodes) {}
static inline void private_node_adopted(struct folio *folio, bool all) {}

static inline struct folio *
private_node_mpol_move_alloc(struct mempolicy *pol, gfp_t gfp,
			     unsigned int order, pgoff_t ilx)
{
	return NULL;
}

static inline bool private_node_hugetlb_displaces(const struct mempolicy *pol)
{
	return false;
}

static inline void private_node_count_displaced(const struct mempolicy *pol,
						struct folio *folio)
{
}

#define private_node_hugetlb_waits(err)		false
#define private_node_may_not_wait()		false
#define private_node_forks_to(vma)		false

#define private_node_set_mpoli(mpoli, mpol, vma, addr)	do { } while (0)
#define private_node_mpoli(mpoli)		NULL
#define private_node_mpoli_next(mpoli, nodes)	NUMA_NO_NODE

static inline bool private_node_task_pools(nodemask_t *nodes, bool open)
{
	return false;
}

static inline bool private_node_pool_apart(struct folio *folio, int nid)
{
	return false;
}

static inline bool private_node_mpol_hugetlb(const struct mempolicy *pol,
					     nodemask_t *nodes)
{
	return false;
}

static inline struct folio *
private_node_hugetlb_taken(const struct mempolicy *pol,
			   const nodemask_t *nodes, struct folio *folio)
{
	return folio;
}

static inline int private_node_pool_begin(int nid, unsigned int order,
					  unsigned long nr, nodemask_t *inside)
{
	return -ENODEV;
}

static inline void private_node_pools_end(const nodemask_t *inside) {}

static inline int private_node_pools_shut(const nodemask_t *inside,
					  unsigned int order)
{
	return 0;
}

#define private_node_pool_waits(ret, kobj, nid, obey, unplugs) \
	((void)(ret), (void)(unplugs), false)

static inline struct folio *
private_node_hugetlb_alloc(int nid, unsigned int order, int *ret)
{
	return NULL;
}

#define private_node_unplug_refuses(seen)	((void)(seen), false)

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _LINUX_PRIVATE_NODE_POLICY_H */
