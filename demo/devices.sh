#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# devices.sh: inside the guest: two accelerators that use memory of a program, and a network card
# that receives into memory of its own.

set -euo pipefail

PMN_BIN=$PMN_TOP/build/tests/guest/net
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

step() { echo; echo "* $*"; }

modules
modprobe npu_sim
mapfile -t ranges < <(reserved)

step "two accelerators: what they use moves to them, and the processor uses it where it is"
for i in 0 1; do
	sim new_node name=npu$i node=spare ranges="${ranges[i]}" owner=npu$i
	echo npu$i > /sys/kernel/npu_sim/attach
done
"$PMN_TOP/build/demo/job" 16 /dev/npu_npu0 /dev/npu_npu1

step "a network card: 16 MiB come in over TCP, each byte is looked at"
sim new_node name=card node=spare ranges="${ranges[2]}" owner=nic
nid=$(nid_of card)
cards_up
sim attach node=card netdev=eth1
tcp read $((16 * MIB))
echo "  received: $said"
echo "  page pools of the card: $(sum pages) pages came from node $nid, $(sum fallback) from elsewhere; recycled $(sum recycled) times"
echo "  in use on the node: $(used_pages) pages, all of them buffers: $(sum inflight)"
sim unplug card 2> /dev/null || dmesg | tail -n 1 | sed 's/^\[[^]]*\] /  unplug refused: /'
