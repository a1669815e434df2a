# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# storm.bash: storm SECONDS, the body of storm.sh and storm_minute.sh; source it after tests/lib/tap.sh

# The first possible node that is not online.
spare_node() {
	local nid
	for nid in {1..63}; do
		[ -e "/sys/devices/system/node/node$nid" ] || { echo "$nid"; return; }
	done
}

# What the module said, by name: read once, as programs take seconds to start under a debug kernel.
declare -A counts=()
read_counts() {
	local name value
	while IFS== read -r name value; do
		counts[$name]=$value
	done < <(dmesg | sed -n 's/^.*private_node_storm: \([a-z_]*=[0-9]*\)$/\1/p')
}
is_zero() { [ "${counts[$1]:-none}" = 0 ]; }
happened() { [ "${counts[$1]:-0}" -gt 0 ]; }

storm() {
	local nid range users module it
	nid=$(spare_node)
	range=${PMN_RESERVED%% *}
	range=${range#*:}
	"$PMN_BIN/users" "$nid" &
	users=$!
	modprobe private_node_storm "node=$nid" "start=${range%%:*}" "size=${range##*:}" "seconds=$1"
	module=$?
	kill $users
	ok 'users find what they wrote, and come to use the node' wait $users
	ok 'the storm ends well' [ $module = 0 ]
	read_counts
	for it in foreign changed late; do
		ok "never: $it" is_zero $it
	done
	for it in registered taken_over plugged unplugged closed told by_task by_softirq by_hardirq got_none; do
		ok "it happened: $it (${counts[$it]:-none})" happened $it
	done
	echo "# may be: refused (${counts[refused]:-none})"
	rmmod private_node_storm
	not_ok 'the node is gone' [ -e "/sys/devices/system/node/node$nid/private" ]
}
