/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ids of the hooks that private memory nodes have in other people's code.
 *
 * With CONFIG_PRIVATE_NODE_MUTATE, private_node_mutate=<name> on the command
 * line switches one hook off, to show that a test fails without it.
 */
#ifndef _LINUX_PRIVATE_NODE_HOOKS_H
#define _LINUX_PRIVATE_NODE_HOOKS_H

#include <linux/types.h>

/* One line a hook, ordered as kernel/patches. */
#define PRIVATE_NODE_HOOKS \
	PRIVATE_NODE_HOOK(thisnode_list) \
	PRIVATE_NODE_HOOK(nr_online_nodes) \
	PRIVATE_NODE_HOOK(boot_state) \
	PRIVATE_NODE_HOOK(boot_memblock) \
	PRIVATE_NODE_HOOK(deferred_init) \
	PRIVATE_NODE_HOOK(kernelcore) \
	PRIVATE_NODE_HOOK(boot_totalram) \
	PRIVATE_NODE_HOOK(wmark_share) \
	PRIVATE_NODE_HOOK(wmark_zero) \
	PRIVATE_NODE_HOOK(wmark_boost) \
	PRIVATE_NODE_HOOK(lowmem_reserve) \
	PRIVATE_NODE_HOOK(totalram) \
	PRIVATE_NODE_HOOK(free_ram) \
	PRIVATE_NODE_HOOK(free_report) \
	PRIVATE_NODE_HOOK(meminfo) \
	PRIVATE_NODE_HOOK(available) \
	PRIVATE_NODE_HOOK(total_reserve) \
	PRIVATE_NODE_HOOK(dirtyable) \
	PRIVATE_NODE_HOOK(user_reserve) \
	PRIVATE_NODE_HOOK(admin_reserve) \
	PRIVATE_NODE_HOOK(max_files) \
	PRIVATE_NODE_HOOK(max_threads) \
	PRIVATE_NODE_HOOK(boot_message) \
	PRIVATE_NODE_HOOK(damon_free) \
	PRIVATE_NODE_HOOK(oom_report) \
	PRIVATE_NODE_HOOK(shrink_slab) \
	PRIVATE_NODE_HOOK(poisoned) \
	PRIVATE_NODE_HOOK(auto_movable) \
	PRIVATE_NODE_HOOK(online_state) \
	PRIVATE_NODE_HOOK(online_normal) \
	PRIVATE_NODE_HOOK(online_kswapd) \
	PRIVATE_NODE_HOOK(node_notify) \
	PRIVATE_NODE_HOOK(offline_report) \
	PRIVATE_NODE_HOOK(spare_distance) \
	PRIVATE_NODE_HOOK(node_meminfo) \
	PRIVATE_NODE_HOOK(device_added) \
	PRIVATE_NODE_HOOK(device_removed) \
	PRIVATE_NODE_HOOK(zoneinfo) \
	PRIVATE_NODE_HOOK(pagetypeinfo) \
	PRIVATE_NODE_HOOK(unusable_index) \
	PRIVATE_NODE_HOOK(numa_maps) \
	PRIVATE_NODE_HOOK(memcg_flush) \
	PRIVATE_NODE_HOOK(memcg_numa_stat) \
	PRIVATE_NODE_HOOK(memcg1_numa_stat) \
	PRIVATE_NODE_HOOK(lru_gen_show) \
	PRIVATE_NODE_HOOK(page_owner_filter) \
	PRIVATE_NODE_HOOK(kcore) \
	PRIVATE_NODE_HOOK(devmap_rebind) \
	PRIVATE_NODE_HOOK(devmap_mbind) \
	PRIVATE_NODE_HOOK(devmap_object_mbind) \
	PRIVATE_NODE_HOOK(devmap_migratable) \
	PRIVATE_NODE_HOOK(devmap_zero_page) \
	PRIVATE_NODE_HOOK(devmap_fault_error) \
	PRIVATE_NODE_HOOK(contig_range) \
	PRIVATE_NODE_HOOK(page_reporting) \
	PRIVATE_NODE_HOOK(soft_offline) \
	PRIVATE_NODE_HOOK(memory_failure) \
	PRIVATE_NODE_HOOK(compact_node) \
	PRIVATE_NODE_HOOK(compact_proactive) \
	PRIVATE_NODE_HOOK(node_reclaim) \
	PRIVATE_NODE_HOOK(pageout) \
	PRIVATE_NODE_HOOK(reclaim_anon) \
	PRIVATE_NODE_HOOK(reclaim_told) \
	PRIVATE_NODE_HOOK(reclaim_memcg) \
	PRIVATE_NODE_HOOK(reclaim_gate) \
	PRIVATE_NODE_HOOK(compact_gate) \
	PRIVATE_NODE_HOOK(hint_gate) \
	PRIVATE_NODE_HOOK(khugepaged) \
	PRIVATE_NODE_HOOK(collapse_alloc) \
	PRIVATE_NODE_HOOK(collapse_late) \
	PRIVATE_NODE_HOOK(ksm) \
	PRIVATE_NODE_HOOK(damon) \
	PRIVATE_NODE_HOOK(numa_hint) \
	PRIVATE_NODE_HOOK(devmap_overcommit) \
	PRIVATE_NODE_HOOK(devmap_object_overcommit) \
	PRIVATE_NODE_HOOK(devmap_uffd_move) \
	PRIVATE_NODE_HOOK(longterm_pin) \
	PRIVATE_NODE_HOOK(oom_badness) \
	PRIVATE_NODE_HOOK(mm_private) \
	PRIVATE_NODE_HOOK(min_free) \
	PRIVATE_NODE_HOOK(may_have) \
	PRIVATE_NODE_HOOK(cpuset_mask) \
	PRIVATE_NODE_HOOK(guests_leave) \
	PRIVATE_NODE_HOOK(guests_stuck) \
	PRIVATE_NODE_HOOK(guests_large) \
	PRIVATE_NODE_HOOK(guests_prefer) \
	PRIVATE_NODE_HOOK(guests_nofs) \
	PRIVATE_NODE_HOOK(unplug_asks) \
	PRIVATE_NODE_HOOK(hint_guest) \
	PRIVATE_NODE_HOOK(vfork_users) \
	PRIVATE_NODE_HOOK(object_payer) \
	PRIVATE_NODE_HOOK(mark_moves) \
	PRIVATE_NODE_HOOK(collapse_guest) \
	PRIVATE_NODE_HOOK(adopted) \
	PRIVATE_NODE_HOOK(hint_target) \
	PRIVATE_NODE_HOOK(pin_target) \
	PRIVATE_NODE_HOOK(mbind_full) \
	PRIVATE_NODE_HOOK(move_shared) \
	PRIVATE_NODE_HOOK(user_bind) \
	PRIVATE_NODE_HOOK(user_file) \
	PRIVATE_NODE_HOOK(user_nodes) \
	PRIVATE_NODE_HOOK(user_foreign) \
	PRIVATE_NODE_HOOK(cpuset_possible) \
	PRIVATE_NODE_HOOK(cpuset_named) \
	PRIVATE_NODE_HOOK(cpuset_prefers) \
	PRIVATE_NODE_HOOK(cpuset_closed) \
	PRIVATE_NODE_HOOK(cpuset_move) \
	PRIVATE_NODE_HOOK(cpuset_named_node) \
	PRIVATE_NODE_HOOK(cpuset_inherited) \
	PRIVATE_NODE_HOOK(cpuset_default) \
	PRIVATE_NODE_HOOK(cpuset_must_name) \
	PRIVATE_NODE_HOOK(tier_nodes) \
	PRIVATE_NODE_HOOK(demote_folio) \
	PRIVATE_NODE_HOOK(demote_alloc) \
	PRIVATE_NODE_HOOK(hint_nodes) \
	PRIVATE_NODE_HOOK(hugetlb_pool) \
	PRIVATE_NODE_HOOK(hugetlb_task) \
	PRIVATE_NODE_HOOK(hugetlb_move) \
	PRIVATE_NODE_HOOK(hugetlb_displaced) \
	PRIVATE_NODE_HOOK(hugetlb_closed) \
	PRIVATE_NODE_HOOK(cram_pte) \
	PRIVATE_NODE_HOOK(cram_pmd) \
	PRIVATE_NODE_HOOK(cram_reuse) \
	PRIVATE_NODE_HOOK(cram_reuse_pmd) \
	PRIVATE_NODE_HOOK(cram_stored) \
	PRIVATE_NODE_HOOK(cram_trim) \
	PRIVATE_NODE_HOOK(cram_token) \
	PRIVATE_NODE_HOOK(cram_memcg) \
	PRIVATE_NODE_HOOK(cram_limit) \
	PRIVATE_NODE_HOOK(cram_pageout) \
	PRIVATE_NODE_HOOK(cram_uncharge) \
	PRIVATE_NODE_HOOK(cram_file) \
	PRIVATE_NODE_HOOK(cram_file_map) \
	PRIVATE_NODE_HOOK(cram_splice) \
	PRIVATE_NODE_HOOK(cram_pipe) \
	PRIVATE_NODE_HOOK(cram_pin) \
	PRIVATE_NODE_HOOK(cram_refaulted) \
	PRIVATE_NODE_HOOK(cram_waits) \
	PRIVATE_NODE_HOOK(zswap_store) \
	PRIVATE_NODE_HOOK(displaced) \
	PRIVATE_NODE_HOOK(displaced_waits) \
	PRIVATE_NODE_HOOK(unplug_waited) \
	PRIVATE_NODE_HOOK(hibernation) \
	PRIVATE_NODE_HOOK(kexec_hole) \
	PRIVATE_NODE_HOOK(kexec_segment) \
	PRIVATE_NODE_HOOK(dax_plug) \
	PRIVATE_NODE_HOOK(dax_unplug) \
	PRIVATE_NODE_HOOK(dax_unbind) \
	PRIVATE_NODE_HOOK(dax_adopt) \
	PRIVATE_NODE_HOOK(tier_memory) \
	PRIVATE_NODE_HOOK(tier_show) \
	PRIVATE_NODE_HOOK(user_named) \
	PRIVATE_NODE_HOOK(tmpfs_named) \
	PRIVATE_NODE_HOOK(stack_elsewhere) \
	PRIVATE_NODE_HOOK(heap_elsewhere) \
	PRIVATE_NODE_HOOK(refuses_map) \
	PRIVATE_NODE_HOOK(exec_room) \
	PRIVATE_NODE_HOOK(overcommit) \
	PRIVATE_NODE_HOOK(overcommit_vma)

#ifdef CONFIG_PRIVATE_NODE_MUTATE

#define PRIVATE_NODE_HOOK(name) PRIVATE_NODE_HOOK_##name,
enum private_node_hook_id {
	PRIVATE_NODE_HOOKS
	PRIVATE_NODE_NR_HOOKS,
};

#undef PRIVATE_NODE_HOOK

extern int private_node_hook_off;

#define private_node_hook(name) \
	(READ_ONCE(private_node_hook_off) != PRIVATE_NODE_HOOK_##name)

#else

#define private_node_hook(name) true

#endif /* CONFIG_PRIVATE_NODE_MUTATE */

#endif /* _LINUX_PRIVATE_NODE_HOOKS_H */
