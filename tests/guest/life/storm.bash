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

value() { dmesg | sed -n "s/^.*private_node_storm: $1=\([0-9]*\)\$/\1/p" | tail -n1; }
is_zero() { [ "$(value "$1")" = 0 ]; }
happened() { [ "$(value "$1")" -gt 0 ]; }

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
	for it in foreign changed late; do
		ok "never: $it" is_zero $it
	done
	for it in registered taken_over plugged unplugged closed told by_task by_softirq by_hardirq got_none; do
		ok "it happened: $it ($(value $it))" happened $it
	done
	dmesg | grep 'private_node_storm: ' | sed 's/^/# /'
	rmmod private_node_storm
	not_ok 'the node is gone' [ -e "/sys/devices/system/node/node$nid/private" ]
}
