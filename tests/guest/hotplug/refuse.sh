#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bad input to hot-add, to spare nodes and to the simulated provider: refused, said why, and
# nothing changed.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=1
# timeout: 300
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
mapfile -t range < <(reserved)
start=${range[0]%:*}
half=$(printf 0x%x $((start + 0x8000000)))
ram=$(awk -F- '/System RAM/ { r = $1 } END { print "0x" r }' /proc/iomem)
before=$(leftovers)

refused() {
	local text=$1 regex=$2
	shift 2
	ok "refused: $text" logged "$regex" sim "$@"
	ok "unchanged: $text" same "$(leftovers)" "$before"
}

refused 'zero size' 'size is zero' new_node "ranges=$start:0"
refused 'unaligned size' 'multiples of the memory block size' new_node "ranges=$start:64M"
refused 'unaligned start' 'multiples of the memory block size' \
	new_node "ranges=$(printf 0x%x $((start + 4096))):128M"
refused 'overflow' 'too large' new_node "ranges=0xfffffffff8000000:256M"
refused 'foreign: System RAM' 'not all reserved' new_node "ranges=$ram:128M"
refused 'foreign: nothing there' 'not all reserved' new_node ranges=0x100000000000:128M
refused 'overlap of its own ranges' 'overlaps memory of node' \
	new_node "ranges=${range[0]},$half:128M"
refused 'second range is bad: the first goes, too' 'multiples of the memory block size' \
	new_node "ranges=${range[0]},${range[1]%:*}:64M"
refused 'no ranges' 'is missing' new_node name=a
refused 'unknown service' 'unknown service' new_node "ranges=${range[0]}" capable=warp
refused 'not capable' 'enabled but not capable' new_node "ranges=${range[0]}" enabled=reclaim
refused 'broken dependency' 'needs reclaim' \
	new_node "ranges=${range[0]}" capable=demotion enabled=demotion
refused 'unknown on_full' 'unknown policy' new_node "ranges=${range[0]}" on_full=pray
refused 'fallback without nodes' 'fallback nodes' new_node "ranges=${range[0]}" on_full=fallback
refused 'unknown on_unplug' 'unknown word' new_node "ranges=${range[0]}" on_unplug=pray
refused 'unknown online type' 'unknown word' new_node "ranges=${range[0]}" online_type=maybe
refused 'unknown option' 'unknown option' new_node "ranges=${range[0]}" colour=red
refused 'option twice' 'given twice' new_node name=a name=b
refused 'no value' 'no value' new_node name=
refused 'bad name' 'letters, digits' new_node "ranges=${range[0]}" name=a/b
refused 'node id out of range' 'neither a node id' new_node "ranges=${range[0]}" node=64
refused 'negative node id' 'neither a node id' new_node "ranges=${range[0]}" node=-1
refused 'not a possible node' 'not a possible node' new_node "ranges=${range[0]}" node=9
refused 'node with ordinary memory' 'has (CPUs|ordinary memory)' new_node "ranges=${range[0]}" node=0
refused 'distance too small' 'more than 10' new_node "ranges=${range[0]}" distances=10,20
refused 'distance missing' 'no distance to node' new_node "ranges=${range[0]}" distances=20
refused 'distance out of range' 'not 0 to 255' new_node "ranges=${range[0]}" distances=20,256
refused 'distances of a node of firmware' 'goes with node=spare' \
	new_node "ranges=${range[0]}" node=1 distances=20,20
refused 'alloc on no node' 'no such node' alloc node=a
refused 'remove of no node' 'no node' remove_node a

ok 'a node' sim new_node name=a "ranges=${range[0]}"
before=$(leftovers)
refused 'range of somebody else' 'overlaps memory of node|no spare node' \
	new_node name=b "ranges=${range[0]}"
refused 'no spare node left' 'no spare node id: 1 were made, 1 are taken' \
	new_node name=b "ranges=${range[1]}"
refused 'two owners of one node' 'is private already' \
	new_node name=b node="$(nid_of a)" "ranges=${range[1]}"
ok 'rmmod is refused while there is a node' logged '' rmmod private_node_sim
ok 'owner memory' sim alloc node=a count=7
ok 'unplug with 7 pages of the owner' logged '7 pages held by owner sim' sim remove_node a
ok '... which still gives memory' sim alloc node=a
sim free all
ok 'unplug' sim remove_node a
ok 'rmmod' rmmod private_node_sim
for bad in "ranges=$start:0" "ranges=$start" "ranges=${range[0]} on_full=pray"; do
	# shellcheck disable=SC2086
	ok "modprobe $bad is refused" logged 'private_node_sim: .*=' modprobe private_node_sim $bad
	ok '... and leaves no files' test ! -e $SIM
done
ok 'modprobe with good parameters' modprobe private_node_sim "ranges=${range[0]}" name=first
ok '... makes the node' is_private "$(nid_of first)"
ok '... that can be removed' sim remove_node first
done_testing
