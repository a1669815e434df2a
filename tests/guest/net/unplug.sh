#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A private node with buffers of a network card is unplugged: refused in bounded time, and who has a buffer is
# named: the pool, a socket, a pipe, a mapping; under traffic, and when the owner goes under traffic.
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

ok "attached" attach
ok "bound anew, so that all buffers are on the node" rebind_right
ok "unplug names the pool" eventually unplug_says "held by owner sim, one is a buffer of page pool [0-9]+ of eth1 \(pfn"
sink right tcp-sink 5000 read
left "$stream" tcp-send 10.1.0.2 5000 $((16 * MIB)) & sender=$!
for _ in 1 2 3; do
	ok "unplug under traffic is refused" unplug_says "held by owner sim"
done
wait "$sender"
ok "... and the stream is whole" end_sink
ok "... and the pool has the node again" [ "$(nodes)" = "$nid" ]

# A slow receiver: its buffers stay when the card, its driver and its interface are gone.
ok "a slow TCP receiver" slow read $((MIB / 2))
ok "its card goes" gone
ok "unplug names the receiver" eventually unplug_says "one is a buffer in a socket of pid $sink \(stream\) \(pfn"
tell
ok "what it had is whole" end_sink
ok "the node is empty, and is unplugged" soon sim unplug card
sim plug card
ok "the card comes back" back

ok "one with zero-copy" slow zerocopy $((MIB / 2))
tell
ok "... keeps what it mapped" expect held
ok "its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer (mapped by|in a socket of) pid $sink \(stream\) \(pfn"
tell
ok "what it had is whole" end_sink
back

ok "one with splice" slow splice $((MIB / 2))
tell
ok "... has pages in a pipe" expect held
ok "its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer in a (pipe|socket) of pid $sink \(stream\) \(pfn"
tell
ok "what it had is whole" end_sink
back

sink right udp-hold 5001
left "$stream" udp-send 10.1.0.2 5001 100 1400
ok "a slow UDP receiver: its card goes" gone
ok "unplug names it" eventually unplug_says "one is a buffer in a socket of pid $sink \(stream\) \(pfn"
tell
ok "what it had is whole" end_sink
# A node without memory has no files.
ok "buffers may come from elsewhere" put fallback:0 "$(files on_full)"
ok "unplugged when it was read" soon sim unplug card

# -- memory comes, and the owner goes, under traffic --------------------------------------------------------

# flows CMD...: CMD succeeds while data flows, which is whole
flows() {
	local sender ret
	sink right tcp-sink 5000 read
	left "$stream" tcp-send 10.1.0.2 5000 $((64 * MIB)) & sender=$!
	sleep 0.3
	"$@" && kill -0 "$sender" 2> /dev/null
	ret=$?
	wait "$sender"
	end_sink && return "$ret"
}
has_pages() { [ "$(sum pages)" -gt 0 ]; }
ok "the card comes back, the node has no memory" back
ok "... and has buffers from elsewhere: TCP" tcp read $((4 * MIB))
ok "memory comes under traffic" flows sim plug card
ok "... and the card takes it" has_pages
gone
ok "without buffers the node is unplugged" soon sim unplug card
ok "the card comes back" back
ok "... and has buffers from elsewhere: TCP" tcp read $((4 * MIB))
ok "the owner goes under traffic" flows sim remove_node card
ok "no pool is on a node" [ "$(nodes)" = -1 ]
ok "TCP" tcp read $((4 * MIB))

ip netns del left
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
