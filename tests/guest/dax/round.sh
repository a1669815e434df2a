#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A DAX device comes up private: on its own node of an NVDIMM, on a spare one where its own is
# ordinary (memmap=).  Device map, bind by number, bad choices, busy unplug, and private <-> ordinary
# through unplugged only.
#
# vm: --node 1G --node 0 --nvdimm 512M,node=1 --append private_node_spare=1
# vm: --node 2G --append 'memmap=512M!1G private_node_spare=1'
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
empty=$(memory_map)
firmware=$(node_of dax0.0)
ok 'nothing is private by itself' same "$(choices dax0.0)" '0 auto '

bad() {
	ok "refused: $1='$2'" logged "dax0.0: $1 unchanged: '$2' is not" put "$2" "$DAX/dax0.0/$1"
	ok "unchanged: $1='$2'" same "$(choices dax0.0)" '0 auto '
}

for text in 2 maybe -1; do bad private "$text"; done
for text in 0 1 any 'target spare'; do bad private_node "$text"; done
for text in warp 'reclaim,warp' 'all reclaim' demotion 'user_numa promotion' ','; do
	bad private_services "$text"
done
for file in private private_node private_services; do bad $file ''; done
ok 'memory is as before' same "$(memory_map)" "$empty"
ok 'all services' choose dax0.0 1 auto all
ok '... are shown by name' test "$(get dax0.0 private_services | wc -w)" -gt 8
ok 'none' choose dax0.0 0 auto none
ok '... is shown as an empty line' same "$(choices dax0.0)" '0 auto '

# Ordinary, as ever
ok 'kmem takes the device' bind dax0.0 kmem
ok 'ordinary: offline, as the default policy says' same "$(get dax0.0 state)" offline
for file in private private_node private_services; do
	refused "$file while plugged in" "dax0.0: $file unchanged: its memory is plugged in" \
		put "$(get dax0.0 $file | grep . || echo none)" "$DAX/dax0.0/$file"
done
ok 'ordinary: unplugged' unplug dax0.0
ok 'ordinary: nothing is left' same "$(memory_map)" "$empty"

private_round() {
	local type=$1 other=online nid map blocks
	[ "$type" != online ] || other=online_movable
	ok "$type: chosen" choose dax0.0 1
	ok "$type: plugged in" plug dax0.0 "$type"
	nid=$(node_of dax0.0)
	ok "$type: state" same "$(get dax0.0 state)" "$type"
	ok "$type: node $nid is private, not ordinary" is_private "$nid"
	ok "$type: owner" same "$(owner_of "$nid")" kmem-dax0.0
	ok "$type: services" same "$(< "$NODES/node$nid/private/enabled")" user_numa
	blocks=$(blocks "$nid" | wc -l)
	ok "$type: $blocks blocks" test "$blocks" -ge 3
	ok "$type: a program bound to it" binds_to "$nid"
	for file in private private_node private_services; do
		ok "$type: $file is refused" logged "dax0.0: $file unchanged: its memory is plugged in" \
			put "$(get dax0.0 $file)" "$DAX/dax0.0/$file"
	done
	not_ok "$type: no other state but unplugged" plug dax0.0 $other
	ok "$type: a holder" holder dax0.0 private
	ok "$type: its pages lie on the node" test "$(used "$nid")" -ge "$PAGES"
	map=$(memory_map)
	ok "$type: busy: refused, names count and pid" \
		logged "$PAGES user pages are in use, one by pid $HOLDER_PID \(user_pages\)" unplug dax0.0
	ok "$type: busy: nothing changed" same "$(memory_map)" "$map"
	ok "$type: busy: state neither" same "$(get dax0.0 state) $(node_of dax0.0)" "$type $nid"
	ok "$type: busy: contents" same "$(ask check)" intact
	end_holder
	ok "$type: unplugged" unplug dax0.0
	ok "$type: state says so" same "$(get dax0.0 state)" unplugged
	ok "$type: target_node is firmware's again" same "$(node_of dax0.0)" "$firmware"
	ok "$type: nothing is left" same "$(memory_map)" "$empty"
}

ordinary_round() {
	ok 'ordinary: chosen' choose dax0.0 0
	ok 'ordinary: plugged in' plug dax0.0
	ok 'ordinary: on its own node' same "$(node_of dax0.0)" "$firmware"
	ok 'ordinary: in N_MEMORY' in_state has_memory "$firmware"
	ok 'ordinary: nothing is private' same "$(< $NODES/has_private_memory)" ''
	ok 'ordinary: unplugged' unplug dax0.0
	ok 'ordinary: nothing is left' same "$(memory_map)" "$empty"
}

for type in online_movable online_kernel online; do
	private_round $type
	ordinary_round
done

# on_unplug, and where the memory comes up
for how in move sigbus; do
	ok "$how: plugged in" eval 'choose dax0.0 1 && plug dax0.0'
	ok "$how: chosen" on_unplug dax0.0 $how
	holder dax0.0 shared
	ok "$how: unplugged" unplug dax0.0
	if [ $how = move ]; then
		ok 'move: contents' same "$(ask check)" intact
	else
		ok 'sigbus: each page' same "$(ask touch)" "sigbus $PAGES of $PAGES"
	fi
	end_holder
	ok "$how: nothing is left" same "$(memory_map)" "$empty"
done

choose dax0.0 1 spare
ok 'spare: plugged in' plug dax0.0
ok 'spare: not the own node' test "$(node_of dax0.0)" != "$firmware"
ok 'spare: private' is_private "$(node_of dax0.0)"
ok "spare: $(< "$NODES/node$(node_of dax0.0)/distance"): far from the first node" \
	grep -qE '^10 (20 )?[45]0 ?' "$NODES/node0/distance"
ok 'spare: unplugged' unplug dax0.0
choose dax0.0 1 target
if in_state has_memory "$firmware"; then
	refused 'target with ordinary memory' 'node 0 has CPUs; write spare to private_node' plug dax0.0
else
	ok 'target: plugged in' plug dax0.0
	ok 'target: the own node' same "$(node_of dax0.0)" "$firmware"
	ok 'target: unplugged' unplug dax0.0
fi
ok 'nothing is left at the end' same "$(memory_map)" "$empty"
dax_down
done_testing
