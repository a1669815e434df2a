#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A node id that another owner takes: what is left of the old owner's device map, an open file and
# its mappings, gets nothing of the new one's memory.  Traces of the end of a node and of refusals.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --append private_node_spare=1
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
mapfile -t range < <(reserved)
before=$(leftovers)
tracefs=/sys/kernel/tracing
[ -e $tracefs/trace ] || mount -t tracefs none $tracefs
echo 1 > $tracefs/events/private_node/enable

holder() {
	coproc HOLDER { exec "$PMN_BIN/stale_file" /dev/private_node/a; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

traced() { grep -qE "$1" "$tracefs/trace"; }
stat_of() { sed -n "s/^$1 //p" "$NODES/node$nid/private/stat"; }
untouched() { [ "$(cat "$NODES/node$nid/private/free_bytes_exact")" = "$(cat "$NODES/node$nid/private/total_bytes")" ]; }

for how in move sigbus; do
	echo > $tracefs/trace
	sim new_node name=a owner=anna "ranges=${range[0]}" on_unplug=$how
	nid=$(nid_of a)
	ok "$how: anna's node is traced" traced "private_node_register: nid=$nid owner=anna"
	ok "$how: a file of anna's, mapped" holder
	not_ok "$how: with pages on the node" untouched
	not_ok "$how: nothing was refused yet" traced 'private_node_alloc_refused'
	ok "$how: anna's node goes" sim remove_node a
	ok "$how: that is traced" traced "private_node_unregister: nid=$nid owner=anna"
	ok "$how: with nobody there: mmap gives ENODEV" same "$(ask 'map private')" 'errno 19'
	ok "$how: with nobody there: a fault gives SIGBUS" same "$(ask 'new private')" 'sigbus 512 of 512'
	ok "$how: refusals are traced" \
		traced "private_node_alloc_refused: nid=$nid user=device_map why=closed order=0"

	ok "$how: bert takes the id and the name" sim new_node name=a owner=bert "ranges=${range[0]}"
	ok "$how: the same id" same "$(nid_of a)" "$nid"
	for kind in private shared; do
		ok "$how: the old file cannot be mapped, $kind: ENODEV" same "$(ask "map $kind")" 'errno 19'
		ok "$how: old mapping, $kind: SIGBUS where nothing was" same "$(ask "new $kind")" 'sigbus 512 of 512'
		if [ $how = move ]; then
			ok "$how: old mapping, $kind: contents moved" same "$(ask "old $kind")" 'intact 512, sigbus 0 of 512'
		else
			ok "$how: old mapping, $kind: contents gone" same "$(ask "old $kind")" 'intact 0, sigbus 512 of 512'
		fi
	done
	ok "$how: the old file cannot be opened again: ENODEV" same "$(ask reopen)" 'errno 19'
	ok "$how: bert's node is untouched" untouched
	ok "$how: bert's counters are zero" same "$(grep -c '^device_map_.* 0$' "$NODES/node$nid/private/stat")" 3
	end_holder

	holder
	ok "$how: control: a file of bert's gets memory" same "$(ask 'new private')" 'sigbus 0 of 512'
	not_ok "$how: control: that is seen" untouched
	end_holder
	sim remove_node a
	ok "$how: bert's end is traced" traced "private_node_unregister: nid=$nid owner=bert"
	ok "$how: nothing is left" same "$(leftovers)" "$before"
done
echo 0 > $tracefs/events/private_node/enable
# The next owner of the id has said nothing of who may have the node.
access() { cat "$NODES/node$nid/private/access"; }
sim new_node name=a owner=anna "ranges=${range[0]}" capable=user_numa enabled=user_numa access=named
nid=$(nid_of a)
ok "anna's node is for who names it" [ "$(access)" = named ]
not_ok "... and the root does not" numactl --membind="$nid" true 2> /dev/null
sim remove_node a
sim new_node name=a owner=otto "ranges=${range[0]}" capable=user_numa enabled=user_numa
nid=$(nid_of a)
ok "otto's is for anybody" [ "$(access)" = any ]
ok "... and the root has it" numactl --membind="$nid" true
sim remove_node a
ok "what is no access is refused" logged 'access=some: unknown word' sim new_node name=a "ranges=${range[0]}" access=some
rmmod private_node_sim
done_testing
