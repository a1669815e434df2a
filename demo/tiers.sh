#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tiers.sh: inside the guest: a slow tier and an accelerator on one machine, three programs, and
# what landed where.  Node 0 is DRAM, node 1 the slow tier, node 2 the accelerator's memory.

set -euo pipefail

nodes=/sys/devices/system/node
where=$PMN_TOP/build/demo/where
names=() in=() out=() pids=()
tmp=$(mktemp -d)

step() { echo; echo "* $*"; }

# start NAME CMD...: in the background, until it says where its memory is
start() {
	local name=$1 line
	shift
	mkfifo "$tmp/in.$name" "$tmp/out.$name"
	"$@" < "$tmp/in.$name" > "$tmp/out.$name" &
	names+=("$*") pids+=($!)
	exec {to}> "$tmp/in.$name" {from}< "$tmp/out.$name"
	in+=("$to") out+=("$from")
	read -r line <&"$from"
}

# MiB of a process on each node
landed() {
	awk '{ for (i = 3; i <= NF; i++) if (split($i, w, /[N=]/) == 3) n[w[2]] += w[3] }
		END { for (i = 0; i < 3; i++) printf "%10d MiB", n[i] / 256 }' "/proc/$1/numa_maps"
}

table() {
	local i
	printf '  %-44s %14s %14s %14s\n' '' 'node 0, DRAM' 'node 1, slow' 'node 2, npu'
	for i in "${!pids[@]}"; do
		printf '  %-44s %s\n' "${names[i]//"$PMN_TOP/build/demo/"/}" "$(landed "${pids[i]}")"
	done
}

step "two private nodes, and what is open on them"
for n in 1 2; do
	echo "  node $n: $(($(cat "$nodes/node$n/private/total_bytes") >> 20)) MiB, enabled '$(cat "$nodes/node$n/private/enabled")'"
done
for t in /sys/devices/virtual/memory_tiering/memory_tier*; do
	echo "  $(basename "$t"): node $(cat "$t/nodelist")"
done

step "three programs, more than there is DRAM, and no swap"
start big "$where" - 280
start npu "$where" /dev/private_node/node2 96
start spread numactl --interleave=all "$where" - 120
table

step "each reads back what it wrote"
for i in "${!pids[@]}"; do
	echo >&"${in[i]}"
	read -r line <&"${out[i]}"
	echo "  ${line##*, }: ${names[i]//"$PMN_TOP/build/demo/"/}"
done
grep -E '^(demotion_used|promotion_used)' "$nodes/node1/private/stat" | sed 's/^/  node 1: /'
grep -E '^device_map_used' "$nodes/node2/private/stat" | sed 's/^/  node 2: /'
