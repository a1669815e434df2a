/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private memory nodes in memory policies.
 *
 * A policy may name private nodes that are open to user_numa.  They are in
 * mempolicy.private_nodes.  mempolicy.nodes has ordinary nodes only, so code
 * that reads that mask never allocates on a private node.  In a bind to private
 * nodes alone that mask is empty, which restricts nothing: page cache, page
 * tables and slab of the task come from ordinary nodes.
 *
 * A preference or an interleave mode names private nodes only if the user's
 * mask has no ordinary nodes.  Such a policy has the mode MPOL_LOCAL, and the
 * mode that the user gave is in mempolicy.named_mode.
 *
 * Implemented in mm/private_node/policy.c and mm/private_node/named.c.
 */
#ifndef _MM_PRIVATE_NODE_POLICY_H
#define _MM_PRIVATE_NODE_POLICY_H

#include <linux/mempolicy.h>
#include <linux/mm.h>

#include "hooks.h"

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
unsigned long __private_node_keep_shared(struct mm_struct *mm,
					 struct list_head *folios, int nid);
unsigned long __private_node_mbind_keep_shared(struct list_head *folios,
					       const struct mempolicy *pol);
bool __private_node_keep_last_shared(struct mm_struct *mm,
				     struct list_head *folios, int nid);
bool __private_node_pin_refused(struct folio *folio);
bool __private_node_pin_lost(struct folio *folio);
void __private_node_move_refused(const nodemask_t *nodes);
void __private_node_adopted(struct folio *folio);
struct folio *private_node_mpol_move_alloc(struct mempolicy *pol, gfp_t gfp,
					   unsigned int order, pgoff_t ilx);
bool __private_node_no_readahead(struct mempolicy *pol);
struct folio *__folio_alloc_mpol_existing_noprof(gfp_t gfp, unsigned int order,
						 struct mempolicy *pol,
						 pgoff_t ilx, int nid);
struct mempolicy *__private_node_data_policy(struct mm_struct *mm,
					     struct mempolicy *pol);
struct folio *__vma_alloc_folio_existing_noprof(gfp_t gfp, int order,
						struct vm_area_struct *vma,
						unsigned long addr);

/*
 * mm/private_node/hugetlb.c, for mm/hugetlb.c.  Macros where an argument has a
 * type that only mm/hugetlb.c knows.
 */
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
 * private_node_pool_waits - wait if an unplug refused a change of a node's pool
 * @ret: result of the attempt; changed to -ENODEV when the node was unplugged
 * @kobj: kobject of the file that was written
 * @nid: node of the file
 * @obey_mempolicy: is the file nr_hugepages_mempolicy, or else nr_hugepages?
 * @unplugs: from private_node_unplugs(), before the attempt
 *
 * Context: process, may sleep, killable; in a write to the file, whose active
 * reference is given back while the call waits.
 * Return: true when the caller should try again.
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
bool __private_node_task_pools(nodemask_t *nodes, bool open);
bool __private_node_hugetlb_displaces(const struct mempolicy *pol);
void private_node_count_displaced(const struct mempolicy *pol,
				  struct folio *folio);

/*
 * Is this a mapping of a child that fork() is creating?  fork() copies pinned
 * pages for the child, whose address space nobody else can reach yet.
 */
static inline bool private_node_forks_to(const struct vm_area_struct *vma)
{
	return vma->vm_mm != current->mm &&
	       atomic_read(&vma->vm_mm->mm_users) == 1;
}

/**
 * private_node_hugetlb_displaces - may a copy take an ordinary huge page
 *	instead?
 * @pol: policy of the hugetlb mapping, by which there was no page; or NULL
 *
 * Cost: on failure only.
 * Context: any.
 * Return: true if it names private nodes and no other.
 */
static inline bool private_node_hugetlb_displaces(const struct mempolicy *pol)
{
	return private_node_any() && __private_node_hugetlb_displaces(pol);
}

bool private_node_may_not_wait(void);

/**
 * private_node_hugetlb_waits - may a fault wait for an unplug that refused a
 *	huge page?
 * @err: error of alloc_hugetlb_folio() for a copy
 *
 * If so the fault fails, and waits in private_node_fault_error().  It must not
 * unmap the original from other processes to get around the copy.
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_hugetlb_waits(int err)
{
	return private_node_any() && err == -ENOMEM;
}

/**
 * private_node_task_pools - does the task's policy name pools of private nodes
 *	alone?
 * @nodes: result: these nodes, as far as the task's cpuset has them
 * @open: for a reservation: only nodes that are open to hugetlb, and only if
 *	the policy is a bind
 *
 * Cost: a static branch; with a private node, a load.
 * Context: process.
 * Return: true if so.
 */
static inline bool private_node_task_pools(nodemask_t *nodes, bool open)
{
	return private_node_any() && current->mempolicy &&
	       __private_node_task_pools(nodes, open);
}

/**
 * private_node_pool_apart - does a huge page move to or from a private node?
 * @folio: the huge page
 * @nid: node it moves to
 *
 * Cost: that of node_is_private().
 * Context: any.
 * Return: true if so.  Such a move takes a free huge page, and makes no pool
 * larger.
 */
static inline bool private_node_pool_apart(struct folio *folio, int nid)
{
	return node_is_private(folio_nid(folio)) || node_is_private(nid);
}

/*
 * On whose behalf does a policy take pages?  Only for policies of users, not of
 * a device map.
 */
static inline enum private_node_service
private_node_mpol_user(const struct mempolicy *pol)
{
	return pol->flags & MPOL_F_GMEM ? PRIVATE_NODE_GUEST_MEMFD :
					  PRIVATE_NODE_USER_NUMA;
}

/*
 * Initializes the private part of a policy from mpol_new(), which names no node
 * yet.
 */
static inline void private_node_mpol_init(struct mempolicy *pol)
{
	pol->pn = NULL;
	pol->named_mode = MPOL_DEFAULT;
	nodes_clear(pol->nodes);
	nodes_clear(pol->private_nodes);
}

/**
 * private_node_mpol_names - does a policy name private nodes?
 * @pol: any policy
 *
 * The answer stays true when the nodes are closed or unregistered, so that the
 * policy does not become one without a restriction.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_mpol_names(const struct mempolicy *pol)
{
	return private_node_any() && !nodes_empty(pol->private_nodes);
}

/**
 * private_node_mpol_alone - is this a preference or interleave over private
 *	nodes?
 * @pol: any policy
 *
 * Such a policy names no ordinary node, and its mode is MPOL_LOCAL.
 *
 * Cost: a static branch; with a private node, two loads.
 * Context: any.
 * Return: true if so; false for a bind.
 */
static inline bool private_node_mpol_alone(const struct mempolicy *pol)
{
	return private_node_any() && pol->mode == MPOL_LOCAL &&
	       (pol->flags & MPOL_F_PRIVATE);
}

/*
 * The mode that the user gave.  Cost and context: as private_node_mpol_alone().
 */
static inline unsigned short private_node_mpol_mode(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) ? pol->named_mode : pol->mode;
}

/* Does the policy interleave over private nodes? */
static inline bool private_node_mpol_spreads(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) &&
	       (pol->named_mode == MPOL_INTERLEAVE ||
		pol->named_mode == MPOL_WEIGHTED_INTERLEAVE);
}

/*
 * The node that get_mempolicy() shows for a policy that interleaves over
 * private nodes.
 */
static inline int private_node_mpol_first(const struct mempolicy *pol)
{
	return first_node(pol->private_nodes);
}

/*
 * Is the policy a preference for private nodes, which may also take ordinary
 * memory?
 */
static inline bool private_node_mpol_prefers(const struct mempolicy *pol)
{
	return private_node_mpol_alone(pol) && !private_node_mpol_spreads(pol);
}

/**
 * private_node_mpol_spills - does a preference take ordinary memory for this
 *	folio?
 * @pol: policy by which no folio of a private node was found
 * @order: order of the folio
 *
 * Counts the pages (preferred_elsewhere) if so.
 *
 * Context: any.
 * Return: true if so; false when small folios of the node should be tried
 * first.
 */
static inline bool private_node_mpol_spills(const struct mempolicy *pol,
					    unsigned int order)
{
	return private_node_mpol_prefers(pol) &&
	       __private_node_mpol_spills(pol, order);
}

/**
 * private_node_mpol_may_state - may the mount option mpol= of tmpfs name these
 *	nodes?
 * @nodes: ordinary and private nodes
 *
 * Context: process.
 * Return: true if so.
 */
static inline bool private_node_mpol_may_state(const nodemask_t *nodes)
{
	return nodes_subset(*nodes, node_states[N_MEMORY]) ||
	       (private_node_any() && __private_node_mpol_may_state(nodes));
}

/**
 * private_node_move_refused - record that pages may not move to the node that
 *	was named
 * @nid: any number that a user gave
 *
 * Counts the refusal, and adds it to /proc/private_node_refusals.
 *
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

/* As private_node_move_refused(), for a system call that takes a nodemask. */
static inline void private_node_moves_refused(const nodemask_t *nodes)
{
	if (private_node_any())
		__private_node_move_refused(nodes);
}

/**
 * private_node_mpol_bind - set the private nodes of a new policy
 * @pol: the policy
 * @nodes: nodes that the user named, ordinary and private
 *
 * A policy other than a bind becomes MPOL_LOCAL if it names private nodes
 * alone.
 *
 * Context: as mpol_set_nodemask().
 * Return: true if the policy names a private node that is open to it; then it
 * need not name an ordinary one.
 */
static inline bool private_node_mpol_bind(struct mempolicy *pol,
					  const nodemask_t *nodes)
{
	return private_node_any() && __private_node_mpol_bind(pol, nodes);
}

/* guest_memfd.c */
int __private_node_mbind_gmem(struct mempolicy *pol, const nodemask_t *nodes,
			      struct mm_struct *mm, unsigned long start,
			      unsigned long end);

/**
 * private_node_mbind_gmem - is an mbind() for files of guest_memfd?
 * @pol: the new policy, which has no nodes yet; or NULL for MPOL_DEFAULT
 * @nodes: nodes that the user named
 * @mm: address space, with mmap_lock held for writing
 * @start: first address of the range
 * @end: first address after it
 *
 * If so the policy is marked, and names private nodes by the service
 * guest_memfd; otherwise it names them by user_numa.
 *
 * Cost: a static branch; with a private node, a look at the mappings.
 * Context: process.
 * Return: 0; -EINVAL if @nodes has private nodes and the range has mappings of
 * guest_memfd and others.
 */
static inline int private_node_mbind_gmem(struct mempolicy *pol,
					  const nodemask_t *nodes,
					  struct mm_struct *mm,
					  unsigned long start,
					  unsigned long end)
{
	if (!IS_ENABLED(CONFIG_KVM_GUEST_MEMFD) || !private_node_any() || !pol)
		return 0;
	return __private_node_mbind_gmem(pol, nodes, mm, start, end);
}

/**
 * private_node_mpol_places - does a policy place an allocation on private
 *	nodes?
 * @pol: any policy
 * @ilx: interleave index.  NO_INTERLEAVE_INDEX means page cache or other memory
 *	of a task, which never comes from a private node; anonymous and shared
 *	memory have an index.  Files of guest_memfd have none, but a mark in
 *	their policy.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_mpol_places(const struct mempolicy *pol,
					    pgoff_t ilx)
{
	return private_node_any() && (pol->flags & MPOL_F_PRIVATE) &&
	       (ilx != NO_INTERLEAVE_INDEX || (pol->flags & MPOL_F_GMEM));
}

/**
 * private_node_stack_alloc - get ordinary memory for a page of a stack or of
 *	the heap
 * @pol: policy of the fault, by which there was no page
 * @ilx: interleave index
 * @vma: mapping of the fault
 * @addr: address of the fault
 * @gfp: allocation flags of the fault
 * @order: order of the folio
 *
 * A handler for SIGBUS needs a frame on the stack, also while the node is full.
 * A program whose nodes were all closed needs a little of its heap in order to
 * exit.
 *
 * Cost: on failure only; a static branch.
 * Context: may sleep if @gfp allows it.
 * Return: an ordinary folio for a stack of the running task, or for its heap if
 * all nodes of @pol are closed to it; otherwise NULL.
 */
static inline struct folio *
private_node_stack_alloc(const struct mempolicy *pol, pgoff_t ilx,
			 struct vm_area_struct *vma, unsigned long addr,
			 gfp_t gfp, unsigned int order)
{
	if (order || !private_node_mpol_places(pol, ilx))
		return NULL;
	return __private_node_stack_alloc(pol, vma, addr, gfp);
}

/* Compares the private parts of two policies, for __mpol_equal(). */
static inline bool private_node_mpol_equal(const struct mempolicy *a,
					   const struct mempolicy *b)
{
	return a->pn == b->pn && a->named_mode == b->named_mode &&
	       nodes_equal(a->private_nodes, b->private_nodes) &&
	       (nodes_empty(a->private_nodes) ||
		a->private_born == b->private_born);
}

/*
 * Adds the private nodes of a policy to a mask, for reports that show one mask.
 */
static inline void private_node_mpol_nodes(const struct mempolicy *pol,
					   nodemask_t *nodes)
{
	nodes_or(*nodes, *nodes, pol->private_nodes);
}

/**
 * private_node_keeps_out - may a folio not move to a private node by a policy?
 * @folio: any folio
 *
 * True for page cache: all readers of the file share it, and no policy of one
 * mapping decides about it.  True for huge pages of hugetlb as well, which come
 * from pools.
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_keeps_out(struct folio *folio)
{
	return private_node_any() &&
	       (!folio_test_swapbacked(folio) || folio_test_hugetlb(folio));
}

/**
 * private_node_stays - must mbind() leave a folio where it is?
 * @folio: folio in the range
 * @nodes: nodes that mbind() named
 *
 * True for page cache if only private nodes are named.
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool private_node_stays(struct folio *folio,
				      const nodemask_t *nodes)
{
	return private_node_keeps_out(folio) &&
	       __private_node_stays(folio, nodes);
}

/**
 * private_node_keep_file_folios - take page cache off a list that moves to a
 *	private node
 * @nid: node the list moves to
 * @folios: isolated folios; page cache is put back on its LRU list
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
 * private_node_keep_shared - take folios off a list that other users may not
 *	have there
 * @mm: address space in which the folios were found
 * @folios: isolated folios that a system call is about to move
 * @nid: node the list moves to
 *
 * To and from private nodes a folio moves only if the policies and cpusets of
 * all its users allow the new node: of other processes that map it, as
 * MPOL_MF_MOVE_ALL moves those too; of other threads of the caller; and of @mm
 * if that is another process.  What the caller itself has bound moves as told.
 * Other folios are put back on their LRU lists.
 *
 * Cost: a static branch; with a private node, a look at each folio, and a walk
 * of the reverse map unless the calling thread is its only user.
 * Context: process; no page table lock held.
 * Return: how many folios were put back.
 */
static inline unsigned long private_node_keep_shared(struct mm_struct *mm,
						     struct list_head *folios,
						     int nid)
{
	if (!private_node_any())
		return 0;
	return __private_node_keep_shared(mm, folios, nid);
}

/*
 * As private_node_keep_shared(), for mbind() with a policy of any number of
 * nodes.
 */
static inline unsigned long
private_node_mbind_keep_shared(struct list_head *folios,
			       const struct mempolicy *pol)
{
	if (!private_node_any())
		return 0;
	return __private_node_mbind_keep_shared(folios, pol);
}

/* As private_node_keep_shared(), for the last folio of the list alone. */
static inline bool private_node_keep_last_shared(struct mm_struct *mm,
						 struct list_head *folios,
						 int nid)
{
	return private_node_any() &&
	       __private_node_keep_last_shared(mm, folios, nid);
}

/**
 * private_node_pin_refused - must a long-term pin of a page be refused?
 * @page: any page, with a reference
 *
 * On a private node without longterm_pin, a page that a user placed is neither
 * pinned nor moved.  A guest (a page that the kernel placed) is moved to
 * ordinary memory first, as from a movable zone, unless its users may not have
 * it there.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: process.
 * Return: true if so; false when the page may be pinned, or is moved first.
 */
static inline bool private_node_pin_refused(struct page *page)
{
	return node_is_private(page_to_nid(page)) &&
	       __private_node_pin_refused(page_folio(page));
}

/**
 * private_node_pin_lost - was the node of a pinned folio closed to pins?
 * @folio: any folio that the caller has pinned
 *
 * The caller then unpins it and asks private_node_pin_refused() again.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: process.
 * Return: true if so; false also for a guest, which is moved away first.
 */
static inline bool private_node_pin_lost(struct folio *folio)
{
	return node_is_private(folio_nid(folio)) &&
	       __private_node_pin_lost(folio);
}

/**
 * private_node_adopted - a system call names the node on which a folio lies
 *	already
 * @folio: any folio, mapped or with a reference
 * @all: does the call apply to folios that others map, too (MPOL_MF_MOVE_ALL)?
 *
 * A guest becomes a page that its user placed, unless others map it and @all is
 * false.
 *
 * Cost: that of node_is_private(); for a private node a look-up.
 * Context: any.
 */
static inline void private_node_adopted(struct folio *folio, bool all)
{
	if (node_is_private(folio_nid(folio)) &&
	    (all || !folio_maybe_mapped_shared(folio)))
		__private_node_adopted(folio);
}

/**
 * private_node_data_policy - the policy of data that another process swaps in
 * @mm: address space of the data
 * @pol: from get_vma_policy()
 *
 * For memory without a policy, get_vma_policy() gives that of the running task:
 * of swapoff, or of a debugger.  The data belongs to tasks of @mm, and if they
 * all have one policy, and it names private nodes, this is the one.
 *
 * Cost: a static branch and a comparison; a copy of the policy for each page
 * that another process swaps in.
 * Context: process, may sleep.
 * Return: the policy, for mpol_cond_put().
 */
static inline struct mempolicy *
private_node_data_policy(struct mm_struct *mm, struct mempolicy *pol)
{
	if (private_node_any() && mm != current->mm)
		return __private_node_data_policy(mm, pol);
	return pol;
}

/**
 * folio_alloc_mpol_existing - folio_alloc_mpol() for data that exists
 * @gfp: allocation flags
 * @order: order of the folio
 * @pol: memory policy
 * @ilx: interleave index
 * @nid: preferred node
 *
 * For example for swap-in.  When the private nodes of @pol give no page,
 * existing data comes back in ordinary memory, and is counted as displaced.
 *
 * Cost: a static branch.
 * Context: may sleep if @gfp allows it.
 * Return: the folio; NULL when there is no ordinary memory either, or for a
 * large folio.
 */
static inline struct folio *
folio_alloc_mpol_existing_noprof(gfp_t gfp, unsigned int order,
				 struct mempolicy *pol, pgoff_t ilx, int nid)
{
	if (private_node_any())
		return __folio_alloc_mpol_existing_noprof(gfp, order, pol, ilx,
							  nid);
	return folio_alloc_mpol_noprof(gfp, order, pol, ilx, nid);
}

/**
 * vma_alloc_folio_existing - vma_alloc_folio() for data that exists
 * @gfp: allocation flags
 * @order: order of the folio
 * @vma: mapping
 * @addr: address in it
 *
 * For copies of a page; see folio_alloc_mpol_existing().
 *
 * Cost: a static branch.
 * Context: may sleep if @gfp allows it.
 * Return: as folio_alloc_mpol_existing().
 */
static inline struct folio *
vma_alloc_folio_existing_noprof(gfp_t gfp, int order,
				struct vm_area_struct *vma, unsigned long addr)
{
	if (private_node_any())
		return __vma_alloc_folio_existing_noprof(gfp, order, vma, addr);
	return vma_alloc_folio_noprof(gfp, order, vma, addr);
}

#define folio_alloc_mpol_existing(...) \
	alloc_hooks(folio_alloc_mpol_existing_noprof(__VA_ARGS__))
#define vma_alloc_folio_existing(...) \
	alloc_hooks(vma_alloc_folio_existing_noprof(__VA_ARGS__))

/**
 * private_node_no_readahead - must a swap-in read nothing ahead?
 * @pol: policy of the page that is swapped in
 * @ilx: see private_node_mpol_places()
 *
 * True if the private nodes of @pol are almost full: pages that are read ahead
 * would be displaced to ordinary memory, which only the requested page should
 * be.
 *
 * Cost: a static branch; with a private node, a load.
 * Context: any.
 * Return: true if so.
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

#define private_node_mbind_gmem(pol, nodes, mm, start, end)	0

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

static inline unsigned long private_node_keep_shared(struct mm_struct *mm,
						     struct list_head *folios,
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

static inline bool private_node_keep_last_shared(struct mm_struct *mm,
						 struct list_head *folios,
						 int nid)
{
	return false;
}

static inline bool private_node_pin_refused(struct page *page)
{
	return false;
}

static inline bool private_node_pin_lost(struct folio *folio)
{
	return false;
}

static inline struct mempolicy *
private_node_data_policy(struct mm_struct *mm, struct mempolicy *pol)
{
	return pol;
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

#endif /* CONFIG_PRIVATE_NODE */

#endif /* _MM_PRIVATE_NODE_POLICY_H */
