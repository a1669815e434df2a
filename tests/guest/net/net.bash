# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# net.bash: two cards on one hub; source it after tests/lib/tap.sh and tests/guest/hotplug/sim.bash.
# eth0 is 10.1.0.1 in the network namespace "left"; eth1, 10.1.0.2, stays here, since netlink shows the page
# pools of an interface no more when it has moved to another namespace.

MIB=$((1 << 20))
stream=${PMN_BIN:-build/tests/guest/net}/stream
PAGE=4096

left() { ip netns exec left "$@"; }

# The virtio device of eth1.
virtio() { basename "$(readlink /sys/class/net/eth1/device)"; }

right_up() { ip addr replace 10.1.0.2/24 dev eth1 && ip link set eth1 mtu 9000 up && ip link set lo up; }

modules() {
	local m
	for m in private_node_sim virtio_net; do
		modprobe "$m" || return
	done
	# Only some kernels have these.
	for m in cls_matchall act_mirred sch_ingress; do
		modprobe -q "$m"
	done
	return 0
}

cards_up() {
	ip netns add left && ip link set eth0 netns left && ip -n left addr add 10.1.0.1/24 dev eth0 &&
		ip -n left link set eth0 mtu 9000 up && right_up
}

# A card comes back from the namespace of an earlier test a while after that has ended.
cards_here() { [ -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ]; }

# The node "card", and the two cards; $before is for the end.
start() {
	modules && soon cards_here || return
	before=$(leftovers)
	sim new_node name=card node=spare ranges="$(reserved | sed -n 1p)" || return
	nid=$(nid_of card)
	cards_up
}

# attach [UP]: by default the device above the driver's, which stays attached when the driver is bound anew
attach() { sim attach node=card netdev=eth1 up="${1:-2}"; }

# Binds eth1's driver anew, so that its page pools and buffers are new; between the two there are none.
VIRTIO=/sys/bus/virtio/drivers/virtio_net
unbind_right() {
	device=$(virtio)
	echo "$device" > $VIRTIO/unbind
}
# The name eth0 is free here as well.
bind_right() {
	local name
	echo "$device" > $VIRTIO/bind && name=$(echo "/sys/bus/virtio/devices/$device/net/"*) || return
	name=${name##*/}
	[ "$name" = eth1 ] || ip link set "$name" name eth1
}
rebind_right() { unbind_right && bind_right && right_up; }

# sum FIELD: over the page pools of eth1
sum() { "$stream" pools eth1 | tr ' ' '\n' | awk -F= -v f="$1" '$1 == f { n += $2 } END { print n + 0 }'; }
nodes() { "$stream" pools eth1 | sed -n 's/.* node=\([-0-9]*\) .*/\1/p' | sort -u | paste -sd' '; }

put() { echo "$1" 2> /dev/null > "$2"; }
files() { echo "$NODES/node$nid/private/$1"; }
stat_of() { awk -v n="$1" '$1 == n { print $2 }' "$(files stat)"; }
used_pages() { echo $((($(< "$(files total_bytes)") - $(< "$(files free_bytes_exact)")) / PAGE)); }

# sink right|NAMESPACE ARGS...: a stream in the background, its process in $sink.  bash forgets a co-process, and its
# descriptors, when it ends, so they are duplicated.
sink() {
	if [ "$1" = right ]; then
		coproc SINK { exec "$stream" "${@:2}"; } 2> /dev/null
	else
		coproc SINK { exec ip netns exec "$1" "$stream" "${@:2}"; } 2> /dev/null
	fi
	sink=$SINK_PID
	exec {sink_out}<&"${SINK[0]}" {sink_in}>&"${SINK[1]}"
	expect ready
}
expect() {
	local line
	read -t 60 -r line <&"$sink_out"
	[ "$line" = "$1" ] || { echo "# '$line', not '$1'"; return 1; }
}
tell() { echo go >&"$sink_in"; }
# What the sink says at its end, in $said.
end_sink() {
	said=
	read -t 120 -r said <&"$sink_out"
	exec {sink_out}<&- {sink_in}>&-
	wait "$sink" 2> /dev/null
	[[ $said == good* ]] || { echo "# $said"; return 1; }
}

# tcp HOW BYTES: from left to right; each byte is looked at
tcp() {
	sink right tcp-sink 5000 "$1" && left "$stream" tcp-send 10.1.0.2 5000 "$2" && end_sink &&
		[[ $said == "good $2 "* ]]
}
# udp PACKETS SIZE: each packet that comes is whole; a hub may drop some
udp() {
	sink right udp-sink 5001 && left "$stream" udp-send 10.1.0.2 5001 "$1" "$2" && end_sink &&
		said=${said#good } && [ "${said% packets}" -gt $(($1 / 2)) ]
}

# Tries CMD for a minute.
soon() {
	local i
	for ((i = 0; i < 600; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "# never: $*"
	return 1
}

# eventually CMD...: a holder whose lock is taken just now is not named, so it is tried again
eventually() {
	local i
	for i in 1 2 3 4 5; do
		! "$@" || return 0
	done
	return 1
}

# Has a TCP socket with port $1 the state $2?
# shellcheck disable=SC2016 # awk's dollars
state_is() { awk -v p="$(printf '%04X' "$1")" -v s="$2" '$2 ~ ":" p "$" && $4 == s { f = 1 } END { exit !f }' /proc/net/tcp; }
slow() {
	sink right tcp-sink 5000 "$1" keep && left "$stream" tcp-send 10.1.0.2 5000 "$2" && expect accepted &&
		soon state_is 5000 08
}
gone() { unbind_right && [ ! -e /sys/class/net/eth1 ]; }
back() { bind_right && right_up; }

is_empty() { [ "$(used_pages)" = "${1:-0}" ]; }
pools_are_all() { [ "$(used_pages)" = "$(sum inflight)" ] && [ "$(used_pages)" -gt 0 ]; }

# unplug_says REGEX: refused in bounded time, with these words in the log
unplug_says() {
	local began=$SECONDS
	logged "$1" sim unplug card && [ $((SECONDS - began)) -lt 30 ]
}
