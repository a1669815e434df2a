#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What ends an attachment of a network card to a private node: the interface goes first, its network namespace,
# the owner of the node.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --cards 2
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

ok "two cards, and a node" start

attach 0
ok "the interface itself is attached: TCP" tcp read $((4 * MIB))
ok "... on the node" [ "$(used_pages)" -gt 0 ]
let_go() { tcp read $((4 * MIB)) && is_empty 0; }
sim detach netdev=eth1 up=0
ok "detached: with what comes in, the pool lets go of the node" soon let_go
attach 0
ok "attached again" tcp read $((4 * MIB))
ok "a receiver that does not read" slow read $((MIB / 2))
unbind_right
ok "the interface goes, and its attachment" [ -z "$(< "$(files attached)")" ]
ok "remove_node is refused" eventually logged "in a socket of pid $sink" sim remove_node card
tell
ok "what it had is whole" end_sink

bind_right
attach
ip netns add far
ip link set eth1 netns far
ip -n far addr add 10.1.0.2/24 dev eth1
ip -n far link set eth1 mtu 9000 up
sink far tcp-sink 5000 read keep
ok "moved to another namespace: a receiver that does not read" left "$stream" tcp-send 10.1.0.2 5000 $((MIB / 2))
expect accepted
ok "... has pages of the node" [ "$(used_pages)" -gt 0 ]
kill "$sink"
wait "$sink" 2> /dev/null
ip netns del far
back_here() { [ -e /sys/class/net/eth1 ]; }
ok "the namespace goes, the card comes back" soon back_here
unbind_right
# Packets that another processor is to free may wait there; an unplug looks for them, a look at free_bytes does not.
ok "its buffers are gone" soon sim unplug card
sim plug card
bind_right
ok "the handle goes first" soon sim remove_node card
ok "the card goes on with ordinary memory" right_up
ok "TCP" tcp read $((4 * MIB))
ok "no pool is on a node" [ "$(nodes)" = -1 ]

ip netns del left
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
