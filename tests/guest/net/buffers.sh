#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A network card takes its receive buffers from a private node: closed, attached, detached; TCP, UDP, splice,
# zero-copy receive, mirroring; a full node; who holds a buffer when the node is unplugged.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --cards 2
# timeout: 400
# allow: Memory failure|hardware memory corruption
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

MIB=$((1 << 20))

ok "the modules" modules
before=$(leftovers)
sim new_node name=card node=spare ranges="$(reserved | sed -n 1p)"
nid=$(nid_of card)
ok "two cards" cards_up

# -- closed: nothing is attached ----------------------------------------------------------------

ok "not attached: TCP" tcp read $((4 * MIB))
ok "not attached: no pool is on a node" [ "$(nodes)" = -1 ]
ok "not attached: nothing is on the node" [ "$(used_pages)" = 0 ]
ok "no device is attached" [ -z "$(< "$(files attached)")" ]

# -- attached -------------------------------------------------------------------------------------

ok "the driver's device is attached" sim attach node=card netdev=eth1
ok "the file has it" grep -qx "virtio_net $(virtio)" "$(files attached)"
ok "a second time is refused" logged "is attached to node $nid" sim attach node=card netdev=eth1
ok "the pools of the card are on the node" [ "$(nodes)" = "$nid" ]
ok "TCP" tcp read $((16 * MIB))
ok "its buffers came from the node" [ "$(sum pages)" -gt 0 ]
ok "... and are counted there" [ "$(stat_of attached_used)" = "$(sum pages)" ]
ok "... and none came from elsewhere" [ "$(sum fallback) $(stat_of fallback)" = "0 0" ]
ok "they are recycled" [ "$(sum recycled)" -gt 1000 ]
ok "UDP" udp 2000 1400
ok "UDP in fragments" udp 500 20000
ok "splice" tcp splice $((8 * MIB))
ok "zero-copy receive" tcp zerocopy $((8 * MIB))
ok "... mapped pages" [ "${said##* }" -gt 65536 ]

# The pools of a driver that is bound anew have no page from before.  The device above it stays attached.
sim attach node=card netdev=eth1 up=2
pools_are_all() { [ "$(used_pages)" = "$(sum inflight)" ] && [ "$(used_pages)" -gt 0 ]; }
ok "bound anew" rebind_right
ok "the attachment of the driver's device has ended, that above it not" \
	[ "$(cut -d' ' -f1 "$(files attached)" | paste -sd' ')" = virtio-pci ]
ok "TCP again" tcp read $((16 * MIB))
ok "nothing but its buffers is on the node" soon pools_are_all
ok "the audit says so, too" build/tests/audit --owner "$(used_pages)" "$nid"

# -- mirroring, XDP --------------------------------------------------------------------------------

sent() { cat /sys/class/net/eth1/statistics/tx_bytes; }
mirror() {
	tc qdisc add dev eth1 ingress &&
		tc filter add dev eth1 ingress matchall action mirred egress mirror dev eth1
}
if mirror > /dev/null 2>&1; then
	was=$(sent)
	ok "tc mirrors what is received: TCP" tcp read $((4 * MIB))
	ok "... and it was sent" [ $(($(sent) - was)) -gt $((4 * MIB)) ]
	tc qdisc del dev eth1 ingress
else
	skip "tc mirrors what is received" "this kernel has no NET_SCHED"
fi

left ip link set eth0 mtu 1500
ip link set eth1 mtu 1500
xdp() {
	local line=
	coproc XDP { exec "$stream" xdp eth1 "$1"; } 2> /dev/null
	xdp=$XDP_PID
	exec {xdp_out}<&"${XDP[0]}" {xdp_in}>&"${XDP[1]}"
	read -t 30 -r line <&"$xdp_out"
	[ "$line" = ready ]
}
end_xdp() {
	local in=${XDP[1]:-}
	exec {xdp_out}<&- {xdp_in}>&-
	[ -z "$in" ] || exec {in}>&-
	wait "$xdp"
}
if xdp pass; then
	was=$(sum pages)
	ok "XDP passes: TCP" tcp read $((4 * MIB))
	end_xdp
	ok "XDP drops" xdp drop
	was=$(sum recycled)
	left "$stream" udp-send 10.1.0.2 5001 500 1400
	ok "... and what was dropped is recycled" [ "$(sum recycled)" -gt $((was + 400)) ]
	end_xdp
	ok "XDP sends back" xdp tx
	left "$stream" udp-send 10.1.0.2 5001 500 1400
	end_xdp
	ok "without XDP again: TCP" tcp read $((4 * MIB))
else
	skip "XDP passes, drops, sends" "this kernel has no bpf(2)"
fi
left ip link set eth0 mtu 9000
ip link set eth1 mtu 9000

# -- unplug: refused and named, in bounded time --------------------------------------------------------

unplug_says() {
	local began=$SECONDS
	logged "$1" sim unplug card && [ $((SECONDS - began)) -lt 30 ]
}
eventually() {
	local i
	for i in 1 2 3 4 5; do
		! "$@" || return 0
	done
	return 1
}
ok "unplug names the pool" eventually unplug_says "held by owner sim, one is a buffer of page pool [0-9]+ of eth1;"
sink right tcp-sink 5000 read
left "$stream" tcp-send 10.1.0.2 5000 $((32 * MIB)) & sender=$!
for _ in 1 2 3; do
	ok "unplug under traffic is refused" unplug_says "held by owner sim"
done
wait $sender
ok "... and the stream is whole" end_sink

# A slow receiver: its buffers stay when the card, its driver and its interface are gone.
# shellcheck disable=SC2016 # awk's dollars
state_is() { awk -v p="$(printf '%04X' "$1")" -v s="$2" '$2 ~ ":" p "$" && $4 == s { f = 1 } END { exit !f }' /proc/net/tcp; }
slow() {
	sink right tcp-sink 5000 "$1" keep && left "$stream" tcp-send 10.1.0.2 5000 "$2" && expect accepted &&
		soon state_is 5000 08
}
gone() { unbind_right && [ ! -e /sys/class/net/eth1 ]; }
back() { bind_right && right_up; }

ok "a slow TCP receiver" slow read $((MIB / 2))
ok "its card goes" gone
ok "unplug names the receiver" eventually unplug_says "one is a buffer in a socket of pid $sink \(stream\);"
tell
ok "what it had is whole" end_sink
ok "the node is empty, and is unplugged" soon sim unplug card
sim plug card
ok "the card comes back" back

ok "one with zero-copy" slow zerocopy $((MIB / 2))
tell
ok "... keeps what it mapped" expect held
ok "its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer (mapped by|in a socket of) pid $sink \(stream\);"
tell
ok "what it had is whole" end_sink
back

ok "one with splice" slow splice $((MIB / 2))
tell
ok "... has pages in a pipe" expect held
ok "its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer in a (pipe|socket) of pid $sink \(stream\);"
tell
ok "what it had is whole" end_sink
back

sink right udp-hold 5001
left "$stream" udp-send 10.1.0.2 5001 100 1400
ok "a slow UDP receiver: its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer in a socket of pid $sink \(stream\);"
tell
ok "what it had is whole" end_sink
is_empty() { [ "$(used_pages)" = "${1:-0}" ]; }
ok "unplugged when it was read" soon sim unplug card
sim plug card
ok "the node is empty" is_empty

# -- a full node -----------------------------------------------------------------------------------

sim alloc "node=card count=100000"
ok "the node is full" [ "$(< "$(files free_bytes_exact)")" = 0 ]
was=$(stat_of attached_failed)
ok "on_full=fail: the card has no buffers" back
ok "... which is counted" [ "$(stat_of attached_failed)" -gt "$was" ]
ok "... and took none elsewhere" [ "$(sum inflight) $(stat_of fallback)" = "0 0" ]
gone
echo fallback:0 > "$(files on_full)"
back
ok "on_full=fallback: TCP" tcp read $((8 * MIB))
ok "... with buffers from elsewhere, counted" [ "$(sum fallback) $(sum pages)" = "$(stat_of fallback) 0" ]
ok "... some" [ "$(sum fallback)" -gt 0 ]
sim free all
ok "the node has room again: TCP" tcp read $((8 * MIB))
ok "... with buffers of the node" [ "$(sum pages)" -gt 0 ]

# -- a broken page in flight --------------------------------------------------------------------------

# Told of it once more, the kernel says how the page is by now.
broken() {
	dmesg -C
	echo "$1" > /sys/kernel/debug/hwpoison/corrupt-pfn 2> /dev/null
	dmesg | grep -q "told: memory failure of 1 page(s) at pfn $1: $2"
}
flows_until_gone() {
	local i
	for ((i = 0; i < 20; i++)); do
		tcp read $((4 * MIB)) || return 1
		! broken "$pfn" isolated || return 0
	done
	return 1
}
if modprobe hwpoison_inject 2> /dev/null; then
	sim unplug card
	pfn=$(dmesg | sed -n 's/.*one is a buffer of page pool .*(pfn \(0x[0-9a-f]*\)).*/\1/p' | tail -n1)
	ok "a buffer breaks: the owner is told" broken "$pfn" held
	ok "traffic goes on, and the page leaves the pool for good" flows_until_gone
else
	skip "a buffer breaks" "no hwpoison_inject"
fi

# -- detach ---------------------------------------------------------------------------------------

sink right tcp-sink 5000 read
left "$stream" tcp-send 10.1.0.2 5000 $((48 * MIB)) & sender=$!
for _ in 1 2 3 4 5; do
	sim detach netdev=eth1 up=2
	sim attach node=card netdev=eth1 up=2
done
sim detach netdev=eth1 up=2
was=$(stat_of attached_used)
wait $sender
ok "detached under traffic: the stream is whole" end_sink
ok "... and the node gave no page after that" [ "$(stat_of attached_used)" = "$was" ]
ok "... and no pool is on it" [ "$(nodes)" = -1 ]
ok "no device is attached" [ -z "$(< "$(files attached)")" ]
not_ok "once more is refused" sim detach netdev=eth1 up=2
ok "bound anew, the card has ordinary buffers" rebind_right
ok "TCP" tcp read $((4 * MIB))
# The broken page does not come back.
lost=$([ -n "${pfn:-}" ] && echo 1 || echo 0)
ok "nothing is on the node" soon is_empty "$lost"

# -- the interface goes first, the namespace, the handle ------------------------------------------------

sim attach node=card netdev=eth1 up=0
ok "the interface itself is attached: TCP" tcp read $((4 * MIB))
ok "... on the node" [ "$(used_pages)" -gt "$lost" ]
ok "a receiver that does not read" slow read $((MIB / 2))
unbind_right
ok "the interface goes, and its attachment" [ -z "$(< "$(files attached)")" ]
ok "remove_node is refused" eventually logged "in a socket of pid $sink" sim remove_node card
tell
ok "what it had is whole" end_sink

bind_right
sim attach node=card netdev=eth1 up=2
ip netns add far
ip link set eth1 netns far
ip -n far addr add 10.1.0.2/24 dev eth1
ip -n far link set eth1 mtu 9000 up
sink far tcp-sink 5000 read keep
was=$(stat_of attached_used)
ok "moved to another namespace: a receiver that does not read" left "$stream" tcp-send 10.1.0.2 5000 $((MIB / 2))
expect accepted
ok "... has pages of the node" [ "$(used_pages)" -gt "$lost" ]
kill "$sink"
wait "$sink" 2> /dev/null
ip netns del far
back_here() { [ -e /sys/class/net/eth1 ]; }
ok "the namespace goes, the card comes back" soon back_here
unbind_right
ok "its buffers are gone" soon is_empty "$lost"
bind_right
ok "the handle goes first" soon sim remove_node card
ok "the card goes on with ordinary memory" right_up
ok "TCP" tcp read $((4 * MIB))
ok "no pool is on a node" [ "$(nodes)" = -1 ]

ip netns del left
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
