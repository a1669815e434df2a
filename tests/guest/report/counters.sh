#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be had, and the limits that are made from it, leave private memory out; what is there
# shows it.
#
# vm: --node 1G --node 512M --append private_node=1
# vm: --node 1G --node 512M --node 256M --append private_node=1 --append private_node=2
# vm: --node 768M --node 768M --node 1G --append private_node=2
# vm: --node 256M --node 512M --append private_node=1

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

mem() { awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo; }
node() { awk -v name="$2:" '$3 == name { print $4 }' /sys/devices/system/node/node"$1"/meminfo; }
vmstat() { awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat; }

# sum LIST NAME: over the nodes of LIST, such as 0-1
sum() {
	local n total=0
	for n in $(expand "$1"); do total=$((total + $(node "$n" "$2"))); done
	echo "$total"
}

expand() {
	local part
	for part in ${1//,/ }; do seq "${part%-*}" "${part#*-}"; done
}

# near A B SLACK: at most SLACK apart.  Free pages are counted in each processor's own counters and
# gathered now and then, perhaps between two readings: 125 pages a processor and zone at most.
near() { echo "# $1 and $2, slack $3"; [ $(($1 - $2)) -le "$3" ] && [ $(($2 - $1)) -le "$3" ]; }
at_most() { echo "# $1 and at most $2"; [ "$1" -le "$2" ]; }
at_least() { echo "# $1 and at least $2"; [ "$1" -ge "$2" ]; }

private=$(cat /sys/devices/system/node/has_private_memory)
ordinary=$(cat /sys/devices/system/node/has_memory)
total=$(sum "$ordinary" MemTotal)

ok "MemTotal is that of the ordinary nodes" near "$(mem MemTotal)" "$total" 0
ok "MemFree is that of the ordinary nodes" near "$(mem MemFree)" "$(sum "$ordinary" MemFree)" 8192
ok "MemAvailable is no more than MemTotal" at_most "$(mem MemAvailable)" "$total"
ok "PrivateTotal is that of the private nodes" near "$(mem PrivateTotal)" "$(sum "$private" PrivateTotal)" 0
ok "PrivateFree is that of the private nodes" near "$(mem PrivateFree)" "$(sum "$private" PrivateFree)" 512
ok "a closed node has no MemTotal, MemFree or MemUsed" \
	[ $(($(sum "$private" MemTotal) + $(sum "$private" MemFree) + $(sum "$private" MemUsed))) = 0 ]
ok "PrivateTotal is not zero" at_least "$(mem PrivateTotal)" 200000
# The table of sysrq-m, which a shortage prints as well.
reported_free() {
	echo m > /proc/sysrq-trigger
	dmesg | sed -nE "s|.*free:([0-9]+) free_pcp:.*|\1|p" | tail -n 1
}
ok "a report of memory shows what is free without private memory" \
	at_most $(($(reported_free) * 4)) $(($(sum "$ordinary" MemFree) + 8192))
ok "sysinfo(2) says the same" "$PMN_BIN/sysinfo"
ok "Committed_AS does not count private memory" at_most "$(mem Committed_AS)" "$total"
ok "CommitLimit is half of MemTotal" near "$(mem CommitLimit)" $((total / 2)) 4

# Limits: kept well below what they would be with private memory in them.
ok "dirty threshold is a fifth of the ordinary memory at most" \
	at_most $(($(vmstat nr_dirty_threshold) * 4 * 5)) "$total"
ok "user_reserve_kbytes comes from ordinary memory" \
	at_most $(($(cat /proc/sys/vm/user_reserve_kbytes) * 32)) "$total"
ok "admin_reserve_kbytes comes from ordinary memory" \
	at_most $(($(cat /proc/sys/vm/admin_reserve_kbytes) * 32)) "$total"
ok "boot said what was available without private memory" \
	at_most "$(dmesg | sed -nE "s|.*Memory: ([0-9]+)K/.*|\1|p")" "$total"
ok "file-max is a tenth of ordinary memory, less what was in use" \
	at_most "$(cat /proc/sys/fs/file-max)" $((total / 10))
ok "file-max did not wrap to its minimum" at_least "$(cat /proc/sys/fs/file-max)" $((total / 20))
ok "threads-max comes from ordinary memory" \
	at_most "$(cat /proc/sys/kernel/threads-max)" $(((total + 131072) / 128))
zones=$(awk '/^Node/ { zone = $4; private = 0; n = $2 }
	/^ +managed/ { managed = $2 } /start_pfn/ { if (managed > 0 && zone != "Movable") count++ }
	/^  private:/ { count-- } END { print count }' /proc/zoneinfo)
blocks=$((zones * 11 * $(awk '/Pages per block/ { print $4; exit }' /proc/pagetypeinfo) * 4))
ok "min_free_kbytes has no share for private zones" at_most "$(cat /proc/sys/vm/min_free_kbytes)" "$blocks"

for n in $(expand "$private"); do
	ok "zoneinfo says private for node $n" \
		grep -q private < <(sed -n "/^Node $n, zone/,/^Node $((n + 1)),/p" /proc/zoneinfo)
	ok "pagetypeinfo shows node $n" grep -qE "^Node +$n, zone .* type +Movable" /proc/pagetypeinfo
	ok "buddyinfo shows node $n" grep -q "^Node $n, zone" /proc/buddyinfo
	ok "node $n has no CPU in cpulist" [ -z "$(cat /sys/devices/system/node/node"$n"/cpulist)" ]
	not_ok "node $n is in no ordinary list" grep -qE "(^|[,-])$n($|[,-])" \
		/sys/devices/system/node/has_memory /sys/devices/system/node/has_normal_memory
done
for n in $(expand "$ordinary"); do
	not_ok "zoneinfo does not say private for node $n" \
		grep -q private < <(awk -v n="$n," '/^Node/ { mine = $2 == n } mine' /proc/zoneinfo)
done

mount -t debugfs none /sys/kernel/debug 2> /dev/null
for n in $(expand "$private"); do
	if [ -e /sys/kernel/debug/lru_gen ]; then
		ok "lru_gen shows node $n" grep -qE "^ +node +$n\$" /sys/kernel/debug/lru_gen
	else
		skip "lru_gen shows node $n" "no lru_gen in debugfs"
	fi
	if [ -e /sys/kernel/debug/extfrag/unusable_index ]; then
		ok "unusable_index shows node $n" grep -q "^Node $n," /sys/kernel/debug/extfrag/unusable_index
	else
		skip "unusable_index shows node $n" "CONFIG_COMPACTION without debugfs"
	fi
done

# kcore START-PFN: has kcore a segment with this page?
kcore() {
	local address=$(($1 * 4096)) paddr size
	while read -r paddr size; do
		# vmalloc and the like
		[ "$paddr" != 0xffffffffffffffff ] || continue
		[ $((paddr)) -le "$address" ] && [ $((paddr + size)) -gt "$address" ] && return 0
	done < <(readelf -lW /proc/kcore 2> /dev/null | awk '$1 == "LOAD" { print $4, $5 }')
	return 1
}

for n in $(expand "$private"); do
	start=$(awk -v n="$n," '/^Node/ { mine = $2 == n }
		mine && /managed/ && $2 > 0 { have = 1 } have && /start_pfn/ { print $2; exit }' /proc/zoneinfo)
	ok "kcore has node $n" kcore "$start"
done
not_ok "kcore has no page beyond all memory" kcore $((1 << 40))

mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg
echo +memory > /tmp/cg/cgroup.subtree_control
mkdir -p /tmp/cg/report
for n in $(expand "$private"); do
	ok "memory.numa_stat has a column for node $n" grep -qE "^anon .*N$n=[0-9]+" /tmp/cg/report/memory.numa_stat
done
rmdir /tmp/cg/report
umount /tmp/cg
done_testing
