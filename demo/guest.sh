#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh: inside the guest: a driver brings a private node, a program uses it, the driver
# unplugs it under the program, and brings it back.

set -euo pipefail

sim=/sys/kernel/private_node_sim
nodes=/sys/devices/system/node

step() { echo; echo "* $*"; }

# One line for each private node.
private() {
	local n
	for n in "$nodes"/node*/private; do
		[ -d "$n" ] || continue
		echo "  $(basename "$(dirname "$n")"): owner $(cat "$n/owner"), $(($(cat "$n/free_bytes") >> 20)) of $(($(cat "$n/total_bytes") >> 20)) MiB free, enabled '$(cat "$n/enabled")'"
	done
}

IFS=: read -r _ address size <<< "${PMN_RESERVED%% *}"

step "a driver registers a spare node and plugs its memory in (owner npu, unplug moves user pages)"
modprobe private_node_sim
echo "ranges=$address:$size node=spare name=npu0 owner=npu on_unplug=move" > "$sim/new_node"
private
grep -E '^(MemTotal|PrivateTotal|PrivateFree)' /proc/meminfo | sed 's/^/  /'

step "a program maps /dev/private_node/npu0"
stat -c '  %A %U:%G %n' /dev/private_node/npu0
coproc "$PMN_TOP/build/demo/where" /dev/private_node/npu0 64
read -r line <&"${COPROC[0]}"; echo "  $line"
private

step "the driver unplugs the node under it"
echo npu0 > "$sim/unplug"
echo >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"; echo "  $line"

step "and plugs it in again; the next program lands there"
echo npu0 > "$sim/plug"
"$PMN_TOP/build/demo/where" /dev/private_node/npu0 16 < /dev/null
private
grep -hE 'device_map_used|unplug_moved' "$nodes"/node*/private/stat | sed 's/^/  /'
in=${COPROC[1]}
eval "exec $in>&-"
wait "$COPROC_PID"

step "and gives everything back"
echo npu0 > "$sim/remove_node"
rmmod private_node_sim
echo "  private nodes left: '$(cat "$nodes/has_private_memory")'"
