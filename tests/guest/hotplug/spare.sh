#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Spare node ids: possible from boot, taken with distances, given back, never somebody else's.
#
#	node	 0   1   2 (a)   3 (b)
#	0	10  33  44      66
#	1	33  10  55      77
#	a	44  55  10      88
#	b	66  77  88      10
#
# vm: --node 1G --node 1G --distance 0,1,33 --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=2
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
mapfile -t range < <(reserved)
distances() { cat "$NODES/node$1/distance"; }

ok 'two more node ids are possible' same "$(cat $NODES/possible)" 0-3
ok 'none of them is online' same "$(cat $NODES/online)" 0-1
ok 'a takes a spare node' sim new_node name=a "ranges=${range[0]}" distances=44,55
ok 'it is node 2' same "$(nid_of a)" 2
ok 'its distances are the given ones' same "$(distances 2)" '44 55 10'
ok '... in the other direction, too' same "$(distances 0)" '10 33 44'
ok 'b takes the other one' sim new_node name=b "ranges=${range[1]}" distances=66,77,88
ok 'it is node 3' same "$(nid_of b)" 3
ok 'distances of b' same "$(distances 3)" '66 77 88 10'
ok 'distances of a to b' same "$(distances 2)" '44 55 10 88'
ok 'distances of firmware are as before' same "$(distances 1)" '33 10 55 77'
ok 'a goes' sim remove_node a
ok 'a is offline' same "$(cat $NODES/online)" 0-1,3
ok 'a comes again, other distances' sim new_node name=c "ranges=${range[0]}" distances=99,98,0,97
ok 'the id is used again' same "$(nid_of c)" 2
ok 'no trace of the old distances' same "$(distances 2)" '99 98 10 97'
ok 'b sees the new distance' same "$(distances 3)" '66 77 97 10'

# The order of a set is distance: from node 0, b (66) comes before c (99).
sim alloc node=c,b count=10
ok 'a set is served by distance' same "$(cat $SIM/held)" "nid=3 order=0 folios=10"
sim free all
sim remove_node b
sim remove_node c
ok 'a spare id named directly' sim new_node name=d node=2 "ranges=${range[0]}"
ok 'is not handed out to somebody else' sim new_node name=e "ranges=${range[1]}"
ok '... who gets the other one' same "$(nid_of e)" 3
sim remove_node d
sim remove_node e
ok 'all ids are free again' same "$(cat $NODES/online)" 0-1
done_testing
