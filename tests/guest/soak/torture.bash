# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# torture.bash: runs torture for $1 seconds and checks the nodes after it; source it.

. tests/lib/tap.sh

# The blocks that torture left offline belong online again for the audit.
all_online() {
	local state
	for state in /sys/devices/system/memory/memory*/state; do
		[ "$(cat "$state")" = online ] || echo online > "$state" 2> /dev/null || true
	done
}

torture() {
	local seed=${PMN_SEED:-$(($(date +%s) % 100000))}
	modprobe private_node_sim 2> /dev/null || echo "# no private_node_sim: without plug and unplug"
	[ -d /dev/private_node ] || echo "# no /dev/private_node: without device maps"
	ok "torture of $1 s, seed $seed (PMN_SEED=$seed to repeat)" "$PMN_BIN/torture" --seconds "$1" --seed "$seed"
	all_online
	ok "the audit finds no page of an unknown holder" build/tests/audit
	done_testing
}
