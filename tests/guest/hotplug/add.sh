#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Hot-add of private memory: several ranges, every online type, memmap on memory, owner's
# allocations, auto-online and memoryN/state; removal leaves nothing behind.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=2
# vm: --node 2G --reserve 256M,node=0 --reserve 128M,node=0 --append 'private_node_spare=2 memory_hotplug.memmap_on_memory=1'
# timeout: 600
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

ok 'private_node_sim loads' modprobe private_node_sim
mapfile -t range < <(reserved)
ranges=$(IFS=,; echo "${range[*]}")
before=$(leftovers)

one_type() {
	local type=$1 nid state
	ok "$type: a spare node with two ranges" sim new_node name=a ranges="$ranges" online_type="$type"
	nid=$(nid_of a)
	state=$type
	[ "$type" != online_kernel ] || state=online
	[ "$type" != online_movable ] || state=online
	ok "$type: has its folder, of this owner" test -e "$NODES/node$nid/private/owner"
	ok "$type: all blocks are $state" same "$(block_states "$nid")" "$state"
	if [ "$type" = offline ]; then
		ok "$type: no memory yet" is_gone "$nid"
		not_ok "$type: the owner gets nothing" sim alloc node=a
	else
		ok "$type: private, not ordinary" is_private "$nid"
		ok "$type: the owner gets folios" sim alloc node=a count=100
		ok "$type: all of its own node" same "$(cat $SIM/held)" "nid=$nid order=0 folios=100"
		ok "$type: they come back intact" sim free all
	fi
	ok "$type: unplugged" sim remove_node a
	ok "$type: nothing is left" same "$(leftovers)" "$before"
}

for type in offline online online_kernel online_movable; do one_type $type; done

sim new_node name=a ranges="$ranges" memmap_on_memory=1
nid=$(nid_of a)
ok 'memmap_on_memory=1: private' is_private "$nid"
ok 'memmap_on_memory=1: alloc' sim alloc node=a order=9 count=20
ok 'memmap_on_memory=1: huge folios of its own node' same "$(cat $SIM/held)" "nid=$nid order=9 folios=20"
sim free all
if grep -q Y /sys/module/memory_hotplug/parameters/memmap_on_memory; then
	# 128M of memmap-on-memory cost 2M: 63 huge pages a block at most
	sim alloc node=a order=9 count=1000
	ok 'memmap is on the memory itself' test "$(held "$nid" 9)" -le 189
	sim free all
fi
ok 'memmap_on_memory=1: unplugged' sim remove_node a
ok 'memmap_on_memory=1: nothing is left' same "$(leftovers)" "$before"

# atomic and sleeping, all orders, until full
sim new_node name=a ranges="$ranges"
nid=$(nid_of a)
for order in 0 1 3 9 10; do
	ok "order $order, sleeping" sim alloc node=a order=$order count=3
	ok "order $order, interrupts off" sim alloc node=a order=$order gfp=atomic count=3
	ok "order $order: six of the node" same "$(held "$nid" $order)" 6
done
sim free all
sim alloc node=a count=1000000
full=$(held "$nid" 0)
pages=$(awk '/PrivateTotal/ { print $4 / 4 }' "$NODES/node$nid/meminfo")
ok "full means full: $full of $pages pages" same "$full" "$pages"
not_ok 'a full node fails' sim alloc node=a
sim free all
ok 'as many again after all were freed' sim alloc node=a count=1000000
ok 'exactly as many' same "$(held "$nid" 0)" "$full"
sim free all
ok 'unplugged' sim remove_node a

# two nodes of two owners; sets
sim new_node name=a owner=anna ranges="${range[0]}"
sim new_node name=b owner=bert ranges="${range[1]}"
a=$(nid_of a) b=$(nid_of b)
ok 'two owners, two nodes' test "$a" != "$b"
sim alloc node=a count=1000000
ok 'node a never opens node b' same "$(cut -d' ' -f1 $SIM/held)" "nid=$a"
ok 'the set a,b goes on with b' sim alloc node=a,b count=10
ok 'ten of b' same "$(held "$b" 0)" 10
ok 'an ordinary node when it is named' sim alloc node=a ordinary=0 count=10
ok 'ten of node 0' same "$(held 0 0)" 10
sim free all

# policy: fallback
sim remove_node a
sim new_node name=a ranges="${range[0]}" on_full=fallback:0
a=$(nid_of a)
sim alloc node=a order=9 count=1000
ok 'on_full=fallback:0 goes to node 0' test "$(held 0 9)" -gt 0
ok '... when the node is full' test "$(held "$a" 9)" -ge 60
sim free all
sim remove_node a
sim remove_node b

# The files of a handle that lives on come with the device of the node.
sim new_node name=a ranges="$ranges"
nid=$(nid_of a)
ok 'the memory goes' sim unplug a
not_ok 'and the files with it' test -e "$NODES/node$nid/private"
ok 'the memory comes back' sim plug a
ok 'and so do the files' test -e "$NODES/node$nid/private/owner"
ok 'unplugged' sim remove_node a

# the latch: whoever brings blocks online
sim new_node name=a ranges="$ranges" online_type=offline
nid=$(nid_of a)
for how in online online_kernel online_movable; do
	for block in $(blocks "$nid"); do
		echo $how > "/sys/devices/system/memory/$block/state"
		is_private "$nid" || break
	done
	ok "memoryN/state=$how keeps it private" is_private "$nid"
	for block in $(blocks "$nid"); do
		echo offline > "/sys/devices/system/memory/$block/state"
	done
	ok 'free blocks go offline again' is_gone "$nid"
done
ok 'unplugged while offline' sim remove_node a
echo online_movable > /sys/devices/system/memory/auto_online_blocks
ok 'auto-online policy' sim new_node name=a ranges="$ranges" online_type=online
ok 'auto-online keeps it private' is_private "$(nid_of a)"
ok 'unplugged' sim remove_node a
ok 'nothing is left at the end' same "$(leftovers)" "$before"
ok 'rmmod' rmmod private_node_sim
done_testing
