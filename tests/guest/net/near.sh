#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A network card that firmware puts near a private node, and that nobody attached: it gets no page of the node,
# and its page pool recycles ordinary pages as any other.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --cards 2
# timeout: 200
# allow: Overriding NUMA node
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

ok "two cards, and a node" start

pci=$(readlink -f /sys/class/net/eth1/device/..)
was=$(< "$pci/numa_node")
ok "firmware is told to have been wrong" sh -c "echo $nid > $pci/numa_node"
ok "bound anew, near the node" rebind_right
ok "TCP" tcp read $((16 << 20))
ok "no pool is on a node" [ "$(nodes)" = -1 ]
ok "nothing is on the node" [ "$(used_pages)" = 0 ]
ok "pages are recycled" [ "$(sum recycled)" -gt 1000 ]
ok "... and none was given back as of the wrong node" [ "$(sum waived)" = 0 ]
echo "$was" > "$pci/numa_node"

ip netns del left
ok "the node goes" sim remove_node card
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
