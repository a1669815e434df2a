#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A region of two devices, in use, of which one is unbound, the other one, or both: what is stored stays,
# and the region is there again when both are bound.
#
# vm: --node 1G --cxl 256M --cxl 256M --append private_node_spare=1
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

PART=$((256 << 20))
MEMDEVS=/sys/bus/cxl/drivers/cxl_mem

new_pair() {
	local m d i=0
	REGION=$(< "$ROOT/create_ram_region")
	put "$REGION" "$ROOT/create_ram_region" && rput 2 "$REGION" interleave_ways &&
		rput 256 "$REGION" interleave_granularity && rput $((2 * PART)) "$REGION" size || return
	for m in mem0 mem1; do
		d=$(decoder_of "$m")
		put ram "$CXL/$d/mode" && put "$PART" "$CXL/$d/dpa_size" && rput "$d" "$REGION" "target$i" || return
		i=$((i + 1))
	done
}

destroy_pair() {
	local m
	disable "$REGION" && rput 0 "$REGION" commit && put "$REGION" "$ROOT/delete_region" || return
	for m in mem0 mem1; do put 0 "$CXL/$(decoder_of "$m")/dpa_size" || return; done
}

is_back() {
	until_ is_bound "$REGION" && [ "$(get "$(dax_of "$REGION")" state)" = online_movable ] &&
		[ "$(owner_of "$nid")" = "kmem-$(dax_of "$REGION")" ]
}

unbound() {
	ok "$1 unbound" put "$1" "$MEMDEVS/unbind"
	ok "$1 unbound: contents" same "$(ask check)" intact
	ok "$1 unbound: still private" is_private "$nid"
	ok "$1 unbound: no DAX device" test ! -e "$DAX/$dax"
}

bound() { put "$1" "$MEMDEVS/bind" && until_ is_ready "$1"; }

# A port's registers are mapped when the first device below it is bound anew, and stay so.  Which endpoint
# has which number is chance whenever a device is bound.
map() { memory_map | sed '/ : port/d; s/endpoint[0-9]*$/endpoint/'; }

cxl_up
empty=$(map)
ok 'a region of two devices' new_pair
ok 'private' rput 1 "$REGION" private
ok 'enabled' commit "$REGION"
ok 'on kmem' on_kmem "$REGION"
dax=$(dax_of "$REGION")
ok 'plugged in' plug "$dax"
nid=$(node_of "$dax")
ok 'a holder' holder "$dax" private
ok 'its contents' same "$(ask check)" intact
for one in mem0 mem1; do
	unbound $one
	ok "$one bound" bound $one
	ok "$one bound: the region is there again" is_back
	ok "$one bound: contents" same "$(ask check)" intact
done
unbound mem0
unbound mem1
ok 'one of two bound' bound mem1
ok 'the region is not there yet' test ! -e "$DAX/$dax"
ok 'the other bound' bound mem0
ok 'the region is there again' is_back
ok 'contents' same "$(ask check)" intact
end_holder
ok 'unplugged' unplug "$(dax_of "$REGION")"
ok 'destroyed' destroy_pair
ok 'nothing is left' same "$(map)" "$empty"
ok 'made anew' new_pair
ok '... and enabled' commit "$REGION"
ok '... on kmem' on_kmem "$REGION"
ok '... destroyed' destroy_pair
done_testing
