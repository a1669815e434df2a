#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module's default: a soft-reserved range that kmem takes by itself comes up private; a device
# says otherwise; bad defaults.  A device of several ranges, and two devices of one region.
#
# vm: --node 2G --append 'memmap=512M%1G-1+0xefffffff private_node_spare=2 dax.private=1 dax.private_node=spare dax.private_services=user_numa,reclaim'
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

empty=$(memory_map)
dax_up
ok 'parameters' same "$(cat $PARAMS/private $PARAMS/private_node $PARAMS/private_services)" \
	"$(printf '1\nspare\nuser_numa reclaim')"
ok 'the device says the same' same "$(choices dax0.0)" '1 spare user_numa reclaim'
ok 'ordinary memory would stay offline' same "$(< /sys/devices/system/memory/auto_online_blocks)" offline
modprobe kmem
ok 'kmem took the device' same "$(driver_of dax0.0) $(get dax0.0 state)" 'kmem online_movable'
nid=$(node_of dax0.0)
ok 'private' is_private "$nid"
ok 'services' same "$(< "$NODES/node$nid/private/enabled")" 'user_numa reclaim'
ok 'a program bound to it' binds_to "$nid"

bad() {
	ok "default $1='$2': refused" logged "dax: $1 unchanged: '$2" put "$2" "$PARAMS/$1"
}
bad private 2
bad private_node 7
bad private_services warp
bad private_services demotion
ok 'and unchanged' same "$(choices dax0.0)" '1 spare user_numa reclaim'
put 0 $PARAMS/private
ok 'a new default does not change what is plugged in' is_private "$nid"
ok 'unplugged' unplug dax0.0
ok 'now ordinary' plug dax0.0
ok '... which it is' same "$(< $NODES/has_private_memory)" ''
ok 'unplugged' unplug dax0.0
put 1 $PARAMS/private
choose dax0.0 0
ok 'the device has its own word' plug dax0.0
ok '... ordinary' same "$(< $NODES/has_private_memory)" ''
unplug dax0.0
choose dax0.0 1

# Parts of the region: a hole in the first device is the second one.
unbind dax0.0
region=$(dirname "$(readlink -f $DAX/dax0.0)")/dax_region
resize() { put "$2" "$DAX/$1/size"; }
ok 'smaller' resize dax0.0 $((128 << 20))
put 1 "$region/create"
dev=dax0.1
ok "another device: $dev" resize "$dev" $((128 << 20))
ok 'the first grows behind it' resize dax0.0 $((256 << 20))
ok 'by a second range' test -e "$DAX/dax0.0/mapping1"
ok 'the first is bound' bind dax0.0 kmem
ok 'the other is bound' bind "$dev" kmem
a=$(node_of dax0.0) b=$(node_of "$dev")
ok 'the first is private' is_private "$a"
ok 'the other is private' is_private "$b"
ok 'on two nodes' test "$a" != "$b"
ok 'two blocks, with a hole' same "$(blocks "$a" | wc -l) $(blocks "$b" | wc -l)" '2 1'
holder dax0.0 private
ok 'unbind of two ranges' unbind dax0.0
ok 'stay' is_private "$a"
ok 'bound again' bind dax0.0 kmem
ok 'the same node' same "$(node_of dax0.0)" "$a"
end_holder

# Other ranges in the same place
holder dax0.0 private
unbind dax0.0
resize dax0.0 0
resize dax0.0 $((128 << 20))
ok 'half of it: refused, it is in use' logged "dax0.0: overlaps memory of kmem-dax0.0" bind dax0.0 kmem
ok '... contents' same "$(ask check)" intact
end_holder
ok 'half of it, when nobody uses it' bind dax0.0 kmem
ok '... is what is plugged in' same "$(blocks "$(node_of dax0.0)" | wc -l)" 1
ok 'the first goes' unplug dax0.0
ok 'the other goes' unplug "$dev"
dax_down
ok 'no memory is left' same "$(memory_map | grep -v dax)" "$(grep -v dax <<< "$empty")"
done_testing
