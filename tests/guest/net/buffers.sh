#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A network card takes its receive buffers from a private node: closed, attached; TCP, UDP, splice, zero-copy
# receive, iperf3, mirroring, XDP.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --cards 2
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

ok "two cards, and a node" start

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
ok "bound anew" rebind_right
ok "the attachment of the driver's device has ended, that above it not" \
	[ "$(cut -d' ' -f1 "$(files attached)" | paste -sd' ')" = virtio-pci ]
ok "TCP again" tcp read $((16 * MIB))
ok "nothing but its buffers is on the node" soon pools_are_all
ok "the audit says so, too" build/tests/audit --owner "$(used_pages)" "$nid"

# -- much traffic ----------------------------------------------------------------------------------

# iperf SECONDS STREAMS OPTION...: prints the bytes that came
iperf() {
	iperf3 -4 -s -1 > /dev/null & server=$!
	soon state_is 5201 0A >&2 &&
		left iperf3 -c 10.1.0.2 -t "$1" -P "$2" -J "${@:3}" > /tmp/iperf.json && wait $server &&
		sed -n '/"sum_received"/,/}/s/.*"bytes":[[:space:]]*\([0-9]*\).*/\1/p' /tmp/iperf.json
}
if [ -n "$(type -P iperf3)" ]; then
	was=$(sum recycled)
	ok "iperf3, four streams: 8 MiB and more" [ "$(iperf 5 4)" -gt $((8 * MIB)) ]
	ok "... by recycled pages" [ "$(sum recycled)" -gt $((was + 1000)) ]
	ok "iperf3, UDP" [ "$(iperf 3 1 -u -b 20M)" -gt $((MIB)) ]
	ok "nothing but buffers is on the node" soon pools_are_all
	ok "the audit says so, too" build/tests/audit --owner "$(used_pages)" "$nid"
	ok "none came from elsewhere" [ "$(sum fallback) $(stat_of fallback)" = "0 0" ]
else
	skip "iperf3" "no iperf3"
fi

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
left_received() { left cat /sys/class/net/eth0/statistics/rx_bytes; }
came_back() { [ $(($(left_received) - was)) -gt $((400 * 1400)) ]; }
end_xdp() {
	local in=${XDP[1]:-}
	exec {xdp_out}<&- {xdp_in}>&-
	[ -z "$in" ] || exec {in}>&-
	wait "$xdp"
}
if xdp pass; then
	ok "XDP passes: TCP" tcp read $((4 * MIB))
	end_xdp
	ok "XDP drops" xdp drop
	was=$(sum recycled)
	left "$stream" udp-send 10.1.0.2 5001 500 1400
	ok "... and what was dropped is recycled" [ "$(sum recycled)" -gt $((was + 400)) ]
	end_xdp
	left ip link set eth0 promisc on
	ok "XDP sends back" xdp tx
	was=$(left_received)
	left "$stream" udp-send 10.1.0.2 5001 500 1400
	ok "... which arrives" soon came_back
	end_xdp
	left ip link set eth0 promisc off
	ok "without XDP again: TCP" tcp read $((4 * MIB))
else
	skip "XDP passes, drops, sends" "this kernel has no bpf(2)"
fi
left ip link set eth0 mtu 9000
ip link set eth1 mtu 9000

sim detach netdev=eth1 up=2
unbind_right
ok "its buffers are gone with it" soon is_empty
sim remove_node card
bind_right

ip netns del left
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
