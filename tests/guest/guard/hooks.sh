#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# hooks.sh: what each hook in somebody else's code is there for, seen from outside.
#
#   hooks.sh            all that this topology can show
#   hooks.sh HOOK...    these; tests/mutate runs one with the hook off and wants it to fail
#
# Node 1 is private, all others are ordinary.
#
# vm: --node 1G --node 512M --append private_node=1 --append kernelcore=512M --qemu-arg -device --qemu-arg virtio-balloon-pci,free-page-reporting=on
# vm: --node 1G --node 2G --append private_node=1
# vm: --node 1G --node 512M --node 128M --append private_node=1
# timeout: 240
# allow: MADV_HWPOISON|Memory failure|hardware memory corruption

# The functions are called through ok().
# shellcheck disable=SC2317,SC2086
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

nodes=/sys/devices/system/node
leak=/sys/kernel/debug/private_node_leak
bin=${PMN_BIN:-build/tests/guest/guard}
page_kb=4

# has STATE: is node 1 in /sys/devices/system/node/has_STATE?
has() {
	local part list
	IFS=, read -ra list < "$nodes/has_$1"
	for part in "${list[@]}"; do
		if ((${part%-*} <= 1 && ${part#*-} >= 1)); then return 0; fi
	done
	return 1
}

# Ordinary nodes; all of them are online and have memory.
ordinary() { find $nodes -maxdepth 1 -name "node[0-9]*" ! -name node1 | wc -l; }

closed() { has private_memory && ! has memory && ! has normal_memory; }

load_leak() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	[ -d $leak ] || modprobe private_node_leak
}

# leaked ATTEMPT NODE: how many pages of the node the attempt got
leaked() {
	load_leak && echo "$2" > "$leak/$1" && awk '{ print $2 }' "$leak/$1"
}

none_leaked() { [ "$(leaked "$1" 1)" = 0 ]; }

meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }

# zones NODE-REGEX FIELD: the field of all populated zones, in pages, added up
zones() {
	awk -v node="$1" -v field="$2" '
		$1 == "Node" { sub(",", "", $2); mine = $2 ~ node }
		mine && $1 == field { sum += $2 }
		END { print sum + 0 }' /proc/zoneinfo
}

# Present pages of node 0 that the kernel may use for anything.
core_pages() {
	awk '$1 == "Node" { mine = $2 == "0," && $4 != "Movable" }
		mine && $1 == "present" { sum += $2 }
		END { print sum + 0 }' /proc/zoneinfo
}

# Largest entry of protection: in the zones of node 1.
protection() {
	awk '$1 == "Node" { mine = $2 == "1," }
		mine && $1 == "protection:" { gsub("[(),]", ""); for (i = 2; i <= NF; i++) if ($i > max) max = $i }
		END { print max + 0 }' /proc/zoneinfo
}

# zone_count NODE-REGEX: populated zones below ZONE_MOVABLE
zone_count() {
	awk -v node="$1" '$1 == "Node" { sub(",", "", $2); mine = $2 ~ node && $4 != "Movable" }
		mine && $1 == "managed" && $2 > 0 { n++ }
		END { print n + 0 }' /proc/zoneinfo
}

# blocks STATE [N]: put the first N (all) memory blocks of node 1 into a state
blocks() {
	local block n=${2:-100000}
	for block in "$nodes"/node1/memory[0-9]*; do
		[ $((n--)) -gt 0 ] || return 0
		echo "$1" > "$block/state" || return 1
	done
}

# Node 1 without memory, and then with memory that the kernel could use anywhere.  The last node has
# a hole at its end and cannot go offline: node 1 must not be the last.
cycle() { blocks offline && blocks online_kernel; }

no_thread() { ! grep -qx "$1" /proc/[0-9]*/comm; }

refused() {
	local err
	err=$(LC_ALL=C bash -c "echo $1 > $2" 2>&1) && return 1
	[[ $err == *'not supported'* ]]
}

total_unchanged() {
	local before during
	before=$(meminfo MemTotal)
	blocks offline 1 || return 1
	during=$(meminfo MemTotal)
	blocks online_movable 1 || return 1
	echo "# MemTotal $before, $during with a block offline, $(meminfo MemTotal) kB"
	[ "$before" = "$during" ] && [ "$before" = "$(meminfo MemTotal)" ]
}

shares_watermarks() {
	local min want
	min=$(zones '^[^1]$' min)
	want=$(($(cat /proc/sys/vm/min_free_kbytes) / page_kb))
	echo "# min of the ordinary zones: $min of $want pages"
	[ "$min" -ge $((want * 95 / 100)) ]
}

min_free() {
	local limit
	# 2 + 3 * 3 page blocks of 2 MiB a zone, mm/khugepaged.c
	limit=$((22528 * $(zone_count '^[^1]$')))
	echo always > /sys/kernel/mm/transparent_hugepage/enabled
	echo "# min_free_kbytes $(cat /proc/sys/vm/min_free_kbytes), ordinary zones ask for $limit"
	[ "$(cat /proc/sys/vm/min_free_kbytes)" -le "$limit" ]
}

# The balloon device looks again some seconds after pages became free.
reported() {
	local i
	for ((i = 0; i < 20; i++)); do
		[ "$(leaked page_reporting 0)" -gt 0 ] && break
		sleep 1
	done
	echo "# reported: $(leaked page_reporting 0) blocks of node 0, $(leaked page_reporting 1) of node 1"
	[ "$(leaked page_reporting 0)" -gt 0 ] && [ "$(leaked page_reporting 1)" = 0 ]
}

with_swap() {
	local rc
	modprobe zram && echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null &&
		swapon /dev/zram0 || return 1
	"$@"
	rc=$?
	swapoff /dev/zram0
	echo 1 > /sys/block/zram0/reset
	return $rc
}

with_ksm() {
	local rc
	echo 10000 > /sys/kernel/mm/ksm/pages_to_scan
	echo 0 > /sys/kernel/mm/ksm/sleep_millisecs
	echo 1 > /sys/kernel/mm/ksm/run
	"$@"
	rc=$?
	echo 2 > /sys/kernel/mm/ksm/run
	return $rc
}

with_numa_balancing() {
	local rc
	echo 1 > /proc/sys/kernel/numa_balancing
	"$@"
	rc=$?
	echo 0 > /proc/sys/kernel/numa_balancing
	return $rc
}

damon=/sys/kernel/mm/damon/admin/kdamonds
scheme=$damon/0/contexts/0/schemes/0

# damon_scheme ACTION PID START END: one scheme for that memory, whoever uses it how often; not
# running yet
damon_scheme() {
	local context=$damon/0/contexts/0 i
	local target=$context/targets/0 intervals=$context/monitoring_attrs/intervals
	echo 1 > $damon/nr_kdamonds
	echo 1 > $damon/0/contexts/nr_contexts
	echo vaddr > $context/operations
	echo 1 > $context/targets/nr_targets
	echo "$2" > $target/pid_target
	echo 1 > $target/regions/nr_regions
	echo "$3" > $target/regions/0/start
	echo "$4" > $target/regions/0/end
	echo 5000 > $intervals/sample_us
	echo 50000 > $intervals/aggr_us
	echo 100000 > $intervals/update_us
	echo 1 > $context/schemes/nr_schemes
	echo "$1" > $scheme/action
	for i in sz nr_accesses age; do echo 1000000 > "$scheme/access_pattern/$i/max"; done
	echo 18446744073709551615 > $scheme/access_pattern/sz/max
}

# damon_tried SECONDS: start it; regions that it tried once it did, or when the time is over
damon_tried() {
	local i tried=0
	echo on > $damon/0/state
	for ((i = 0; i < 2 * $1 && tried < 8; i++)); do
		sleep 0.5
		echo update_schemes_stats > $damon/0/state
		tried=$(cat $scheme/stats/nr_tried)
	done
	echo "$tried"
}

damon_end() {
	echo off > $damon/0/state
	echo 0 > $damon/nr_kdamonds
}

# A scheme that migrates whatever the program has to node 0.
with_damon() {
	local pid rc i tried target
	rm -f /run/pages.pid /run/pages.stop
	"$@" &
	pid=$!
	for ((i = 0; i < 100; i++)); do [ -s /run/pages.pid ] && break; sleep 0.1; done
	read -ra target < /run/pages.pid
	damon_scheme migrate_cold "${target[@]}"
	echo 0 > $scheme/target_nid
	tried=$(damon_tried 20)
	touch /run/pages.stop
	wait $pid
	rc=$?
	damon_end
	echo "# DAMON tried $tried regions"
	# Nothing was shown when it never came to a region.
	[ "$tried" -gt 0 ] && return $rc
}

# A scheme that stops above 100 % of free memory: never, when only that counts which can be had.
damon_watermark() {
	local tried range
	read -r range _ < /proc/$$/maps
	damon_scheme stat $$ $((0x${range%-*})) $((0x${range#*-}))
	echo free_mem_rate > $scheme/watermarks/metric
	echo 100000 > $scheme/watermarks/interval_us
	echo 1000 > $scheme/watermarks/high
	echo 999 > $scheme/watermarks/mid
	echo 0 > $scheme/watermarks/low
	tried=$(damon_tried 5)
	damon_end
	echo "# DAMON tried $tried regions"
	[ "$tried" -gt 0 ]
}

# default_zone RATIO: where the offline memory of $block would come online by default, if RATIO
# percent of kernel memory may be movable
default_zone() {
	echo "$1" > $hotplug/auto_movable_ratio
	awk '{ print $1 }' "$block/valid_zones"
}

# The ratio is that at which one block is too much for ordinary memory, and not for all memory.
auto_movable() {
	local block hotplug=/sys/module/memory_hotplug/parameters pages all ratio got control
	for block in "$nodes"/node0/memory[0-9]*; do
		echo offline 2> /dev/null > "$block/state" && break
	done
	[ "$(cat "$block/state")" = offline ] || return 1
	pages=$((0x$(cat /sys/devices/system/memory/block_size_bytes) >> 12))
	all=$(zones . present)
	ratio=$(((pages * 100 + all - 1) / all))
	echo N > $hotplug/auto_movable_numa_aware
	echo auto-movable > $hotplug/online_policy
	got=$(default_zone "$ratio")
	control=$(default_zone 301)
	echo contig-zones > $hotplug/online_policy
	echo online_kernel > "$block/state"
	echo "# ${block##*/}: $got at $ratio percent of $all pages, $control at 301"
	[ "$got" != Movable ] && [ "$control" = Movable ]
}

check() {
	local rc
	case $1 in
	thisnode_list)
		ok "thisnode_list: __GFP_THISNODE finds nothing" none_leaked alloc_pages_node_thisnode
		ok "thisnode_list: nor does kmalloc_node" none_leaked kmalloc_node ;;
	nr_online_nodes)
		load_leak
		ok "nr_online_nodes: counts ordinary nodes" [ "$(cat $leak/nr_online_nodes)" = "$(ordinary)" ] ;;
	boot_state) ok "boot_state: the node is private and nothing else" closed ;;
	boot_memblock) ok "boot_memblock: boot left the node alone" has private_memory ;;
	kernelcore)
		if grep -q kernelcore= /proc/cmdline; then
			ok "kernelcore: kernelcore= does not make the node ordinary" closed
			ok "kernelcore: ordinary memory has all of it, $(core_pages) pages" \
				[ "$(core_pages)" -ge $((500 << 8)) ]
		else
			skip "kernelcore" "boot with kernelcore="
		fi ;;
	deferred_init)
		ok "deferred_init: all pages of the node were initialised" \
			[ "$(zones '^1$' managed)" -ge $(($(zones '^1$' present) * 95 / 100)) ] ;;
	boot_totalram)
		ok "boot_totalram: MemTotal is ordinary memory" \
			[ "$(meminfo MemTotal)" -le $(($(zones '^[^1]$' managed) * page_kb)) ] ;;
	wmark_share) ok "wmark_share: the reserve lies in ordinary zones" shares_watermarks ;;
	wmark_zero) ok "wmark_zero: the node has no watermarks" [ "$(zones '^1$' high)" = 0 ] ;;
	lowmem_reserve)
		if [ "$(zone_count '^1$')" -gt 1 ]; then
			ok "lowmem_reserve: none between the node's zones" [ "$(protection)" = 0 ]
		else
			skip "lowmem_reserve" "node 1 needs two zones: make it 2G"
		fi ;;
	totalram) ok "totalram: MemTotal does not follow the node's blocks" total_unchanged ;;
	online_state)
		[ -d $nodes/node2 ] || { skip online_state "needs a node after node 1"; return; }
		ok "online_state: the node goes off and on" cycle
		ok "online_state: it comes back private" has private_memory
		not_ok "online_state: and not ordinary" has memory ;;
	online_normal)
		[ -d $nodes/node2 ] || { skip online_normal "needs a node after node 1"; return; }
		ok "online_normal: the node goes off and on" cycle
		not_ok "online_normal: it has no normal memory" has normal_memory ;;
	online_kswapd)
		[ -d $nodes/node2 ] || { skip online_kswapd "needs a node after node 1"; return; }
		ok "online_kswapd: the node goes off and on" cycle
		ok "online_kswapd: no kswapd" no_thread kswapd1
		ok "online_kswapd: no kcompactd" no_thread kcompactd1 ;;
	node_notify)
		[ -d $nodes/node2 ] || { skip node_notify "needs a node after node 1"; return; }
		ok "node_notify: the node goes off and on" cycle
		not_ok "node_notify: it has no interleave weight" \
			[ -e /sys/kernel/mm/mempolicy/weighted_interleave/node1 ] ;;
	contig_range) ok "contig_range: alloc_contig_range is refused" none_leaked alloc_contig_range ;;
	page_reporting)
		if compgen -G '/sys/bus/virtio/drivers/virtio_balloon/virtio*' > /dev/null; then
			ok "page_reporting: free pages are not reported" reported
		else
			skip "page_reporting" "no balloon device with free-page-reporting=on"
		fi ;;
	soft_offline) ok "soft_offline: the page stays on its node" "$bin/pages" soft_offline 1 ;;
	compact_node) ok "compact_node: node1/compact is refused" refused 1 $nodes/node1/compact ;;
	node_reclaim) ok "node_reclaim: node1/reclaim is refused" refused 1M $nodes/node1/reclaim ;;
	pageout) ok "pageout: MADV_PAGEOUT leaves the pages" with_swap "$bin/pages" pageout 1 ;;
	khugepaged) ok "khugepaged: no collapse away from the node" "$bin/pages" collapse 1 ;;
	ksm) ok "ksm: no merge with ordinary pages" with_ksm "$bin/pages" ksm 1 ;;
	damon) ok "damon: no migration off the node" with_damon "$bin/pages" damon 1 ;;
	damon_free) ok "damon_free: free private memory does not stop a scheme" damon_watermark ;;
	numa_hint) ok "numa_hint: no pull to the CPU" with_numa_balancing "$bin/pages" numa 1 ;;
	min_free) ok "min_free: private zones do not raise min_free_kbytes" min_free ;;
	auto_movable)
		if grep -q kernelcore= /proc/cmdline; then
			skip auto_movable "boot without kernelcore=, which makes too much of it movable"
		else
			ok "auto_movable: the node's memory does not allow for movable memory elsewhere" auto_movable
		fi ;;
	hwpoison) ok "hwpoison: one page is lost, the others stay" "$bin/pages" hwpoison 1 ;;
	*) ok "$1: there is a check of that name" false ;;
	esac
}

if [ $# = 0 ]; then
	# soft_offline and hwpoison last: they take a page out of use, and its block cannot come online
	# again.
	set -- thisnode_list nr_online_nodes boot_state boot_memblock kernelcore deferred_init \
		boot_totalram wmark_share wmark_zero lowmem_reserve totalram contig_range \
		page_reporting compact_node node_reclaim pageout khugepaged ksm damon \
		damon_free numa_hint min_free auto_movable online_state online_normal online_kswapd node_notify \
		soft_offline hwpoison
fi
for hook; do check "$hook"; done
[ ! -d $leak ] || modprobe -r private_node_leak
done_testing
