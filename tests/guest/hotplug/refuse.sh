#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bad input to hot-add, to spare nodes and to the simulated provider: refused, said why, and
# nothing changed.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=1
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
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
refused 'more distances than node ids' 'more than there are node ids' \
	new_node "ranges=${range[0]}" "distances=$(printf '20,%.0s' {1..64})20"
refused 'a range without a size' 'want ADDRESS:SIZE' new_node "ranges=$start"
refused 'a range without an address' 'want ADDRESS:SIZE' new_node "ranges=:128M"
refused 'an empty size' 'is no size' new_node "ranges=$start:"
refused 'something behind the size' 'is no size' new_node "ranges=$start:128Mx"
refused '17 ranges' 'more than 16 ranges' new_node "ranges=$(printf "${range[0]},%.0s" {1..16})${range[0]}"
refused 'on_full=fail with nodes' 'no nodes of this policy' new_node "ranges=${range[0]}" on_full=fail:0
refused 'fallback to what is no node list' 'no nodes of this policy' new_node "ranges=${range[0]}" on_full=fallback:x
refused 'memmap_on_memory=2' 'memmap_on_memory=2: unknown word' new_node "ranges=${range[0]}" memmap_on_memory=2
refused 'an abstract distance that is no number' 'adistance=x: not a number' new_node "ranges=${range[0]}" adistance=x
refused 'a word without =' 'colour=: unknown option' new_node colour
refused 'alloc on no node' 'no such node' alloc node=a
refused 'alloc without a node' 'node=: is missing' alloc order=0
refused 'alloc, unknown option' 'unknown option' alloc colour=red
refused 'free of what is no node' 'want all, or NID' free x
refused 'free of a negative node' 'want all, or NID' free -1
refused 'free of a node out of range' 'want all, or NID' free 64
refused 'unplug of no node' "unplug: no node 'a'" unplug a
refused 'plug of no node' "plug: no node 'a'" plug a
refused 'remove of no node' 'no node' remove_node a

ok 'a node' sim new_node name=a "ranges=${range[0]}"
before=$(leftovers)
refused 'alloc of nine nodes' 'more than 8 nodes' alloc node=a,a,a,a,a,a,a,a,a
refused 'alloc, ordinary=x' 'no node list' alloc node=a ordinary=x
refused 'alloc, order=x' 'order=x: no order' alloc node=a order=x
refused 'alloc, order=11' 'order=11: no order' alloc node=a order=11
refused 'alloc, count=x' 'count=x: no number' alloc node=a count=x
refused 'alloc, gfp=never' 'neither sleep, nowait, atomic nor nofs' alloc node=a gfp=never
refused 'plugged already' 'overlaps memory of node' plug a
ok 'alloc, gfp=sleep and gfp=nofs' sim alloc node=a gfp=sleep
sim alloc node=a gfp=nofs
sim alloc node=a,a,a count=3
ok 'a node that is named three times gives each page once' same "$(held "$(nid_of a)" 0)" 5
sim free 1
ok 'free of another node leaves them' same "$(held "$(nid_of a)" 0)" 5
sim free "$(nid_of a)" 2
ok 'free of two' same "$(held "$(nid_of a)" 0)" 3
sim free all
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

# Somebody else's notifier refuses a block: all of the range comes, or none of it, and what is in use stays.
HOLD=/sys/module/private_node_hold/parameters
modprobe private_node_hold
before=$(leftovers)
first=$((start / 4096)) second=$((start / 4096 + 32768))
echo $second > $HOLD/no_online
refused 'a block cannot go online' 'could not be brought online; all of it is removed again' \
	new_node name=a "ranges=${range[0]}"
echo $first > $HOLD/no_offline
ok 'nor the other one offline again' sim new_node name=a "ranges=${range[0]}"
ok '... it stays, and the log says so' logged 'is in use already and stays as it is' false
nid=$(nid_of a)
ok '... and is private' is_private "$nid"
ok '... one block of it' same "$(block_states "$nid")" 'offline online'
not_ok '... and cannot be removed while that is so' sim remove_node a
echo 0 > $HOLD/no_online
echo 0 > $HOLD/no_offline
ok '... and then it can' sim remove_node a
ok 'nothing is left' same "$(leftovers)" "$before"

# A refused unplug gives a pool of huge pages back what it has dissolved.
sim new_node name=a "ranges=${range[0]}" capable=user_numa,hugetlb enabled=user_numa,hugetlb
nid=$(nid_of a)
pool=$NODES/node$nid/hugepages/hugepages-2048kB
echo 60 > "$pool/nr_hugepages"
before=$(leftovers)
echo $second > $HOLD/no_offline
not_ok 'a block cannot go offline: unplug is refused' sim unplug a
ok '... nothing has changed' same "$(leftovers)" "$before"
ok '... nor the pool' same "$(< "$pool/nr_hugepages") $(< "$pool/free_hugepages")" '60 60'
echo 0 > $HOLD/no_offline
if [ -e "$NODES/node$nid/hugepages/hugepages-1048576kB" ]; then
	ok 'a pool of pages that are too large is refused' \
		logged 'nr_hugepages unchanged: the node has no room for as many' \
		bash -c "echo 1 2> /dev/null > $NODES/node$nid/hugepages/hugepages-1048576kB/nr_hugepages"
else
	skip 'a pool of pages that are too large is refused' 'this processor has none'
fi
echo 0 > "$pool/nr_hugepages"
ok 'unplug' sim remove_node a

# Whoever waits for what another does to the node can be killed, and nothing has changed.
waits() {
	local i
	for ((i = 0; i < 300; i++)); do
		[[ $(< "/proc/$1/stat") != *') D '* ]] || return 0
		sleep 0.1
	done
	return 1
}
killed() {
	kill -KILL "$1"
	wait "$1" 2> /dev/null
	[ $? = 137 ]
}
sim new_node name=a "ranges=${range[0]}" capable=user_numa enabled=user_numa
nid=$(nid_of a)
echo "$nid" > $HOLD/inside
(sim unplug a) &
first=$!
ok 'an unplug waits for who is inside' waits $first
(echo "$nid" 2> /dev/null > $HOLD/unplug) &
second=$!
ok 'a second one waits for the first' waits $second
ok '... and can be killed' killed $second
echo -1 > $HOLD/inside
ok '... the first goes on' wait $first
ok 'plugged' sim plug a
echo "$nid" > $HOLD/inside
(echo -user_numa > "$NODES/node$nid/private/enabled") &
first=$!
ok 'who closes a service waits for who is inside' waits $first
(sim unplug a) &
second=$!
ok 'an unplug waits for that' waits $second
ok '... and can be killed' killed $second
ok '... the node is as it was' is_private "$nid"
echo -1 > $HOLD/inside
ok '... the service is closed' wait $first
ok '... and it is' same "$(< "$NODES/node$nid/private/enabled")" ''
ok 'unplug' sim remove_node a
rmmod private_node_hold
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
