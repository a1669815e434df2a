#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A CXL region says that its memory comes up private, before it is committed; its DAX device inherits
# that.  Two regions in one window have a node each.  Device map, bind by number, and the way back.
#
# vm: --node 1G --cxl 512M --cxl 256M --slow cxl,3 --append private_node_spare=2
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

cxl_up
empty=$(memory_map)
large=$(mem_of_size $((512 << 20))) small=$(mem_of_size $((256 << 20)))
ok 'two memory devices' test -n "$large" -a -n "$small"

# What may be chosen, and when
ok 'a region' new_region "$large" $((512 << 20))
first=$REGION
ok 'nothing is private by itself' same "$(rchoices "$first")" '0 auto '

bad() {
	ok "refused: $1='$2'" logged "$first: $1 unchanged: '$2' is not" rput "$2" "$first" "$1"
	ok "unchanged: $1='$2'" same "$(rchoices "$first")" '0 auto '
}

for text in 2 maybe ''; do bad private "$text"; done
for text in 0 any; do bad private_node "$text"; done
for text in warp demotion; do bad private_services "$text"; done

ok 'private' rput 1 "$first" private
ok 'with a service' rput user_numa "$first" private_services
ok 'committed' rput 1 "$first" commit
for file in private private_node private_services; do
	ok "refused: $file of a region that is committed" \
		logged "$first: $file unchanged: the region is committed; write to the file of its DAX device" \
		rput "$(rget "$first" $file)" "$first" $file
done
ok 'what was chosen stays' same "$(rchoices "$first")" '1 auto user_numa'
ok 'enabled' enable "$first"
ok 'bound' until_ is_bound "$first"
dax=$(dax_of "$first")
ok 'its DAX device has inherited it' same "$(choices "$dax")" '1 auto user_numa'
ok 'kmem has it: private, offline as the default policy says' same "$(get "$dax" state)" offline
ok 'unplugged' unplug "$dax"
ok 'plugged in' plug "$dax"
nid=$(node_of "$dax")
ok 'private, not ordinary' is_private "$nid"
ok 'owner' same "$(owner_of "$nid")" "kmem-$dax"
ok 'services' same "$(< "$NODES/node$nid/private/enabled")" user_numa
ok 'all of it' same "$(< "$NODES/node$nid/private/total_bytes")" $((512 << 20))
ok 'a program bound to it' binds_to "$nid"
ok 'a device map' holder "$dax" private
ok '... lies on it' test "$(used "$nid")" -ge "$PAGES"
ok '... and is what was written' same "$(ask check)" intact

# The second region of the same window
ok 'a second region' new_region "$small" $((256 << 20))
second=$REGION
ok 'its own choice' same "$(rchoices "$second")" '0 auto '
ok 'private as well' rput 1 "$second" private
ok 'enabled' commit "$second"
ok 'on kmem' on_kmem "$second"
other=$(dax_of "$second")
ok 'plugged in' plug "$other"
spare=$(node_of "$other")
ok "node $spare, not the first's $nid" test "$spare" != "$nid"
ok 'private' is_private "$spare"
ok 'nobody has a page there' same "$(used "$spare")" 0
ok 'a bind reaches the first alone' binds_to "$nid"
ok '... still nobody' same "$(used "$spare")" 0
ok 'no service was asked for' same "$(< "$NODES/node$spare/private/enabled")" ''

# How far they are: by the coordinates of the region, which sysfs shows for ordinary memory alone
distance() { echo "$(< "$NODES/node$1/private/adistance")"; }
row() { cut -d' ' -f1 "$NODES/node$1/distance"; }
far=$(distance "$nid")
ok "abstract distance $far, farther than DRAM" test "$far" -gt 576
ok '... and of the spare node' same "$(distance "$spare")" "$far"
ok 'NUMA distance of the spare node' same "$(row "$spare")" "$(($(row "$nid") + 30))"
ok 'the tools see both regions' test "$(cxl list -R | grep -c '"region"')" = 2
ok '... and both devices' test "$(daxctl list | grep -c '"chardev"')" = 2
end_holder

# The way back: a region that was made private is ordinary after a reset
ok 'the second goes' destroy "$second"
ok 'its node is gone' is_gone "$spare"
ok 'reset' rput 0 "$first" commit
ok 'the memory is gone' is_gone "$nid"
ok 'ordinary' rput 0 "$first" private
ok 'enabled' commit "$first"
ok 'on kmem' on_kmem "$first"
dax=$(dax_of "$first")
ok 'its DAX device is ordinary' same "$(choices "$dax")" '0 auto user_numa'
ok 'plugged in' plug "$dax"
ok 'ordinary memory' in_state has_memory "$(node_of "$dax")"
ok 'nothing is private' same "$(< $NODES/has_private_memory)" ''
ok 'unplugged' unplug "$dax"
ok 'the first goes' destroy "$first"

# By the default of the module, and by the tool alone where it can: that of Debian 12 cannot.
put 1 $PARAMS/private
said=$(cxl create-region -m -t ram -s $((256 << 20)) -d decoder0.0 "$small" 2>&1)
by_default=$(basename "$(echo "$CXL"/region[0-9]*)")
if [ ! -e "$CXL/$by_default" ]; then
	ok 'the tool cannot do it yet' grep -q 'not supported yet' <<< "$said"
	ok 'created by the files' new_region "$small" $((256 << 20))
	by_default=$REGION
	ok '... and enabled' commit "$by_default"
fi
ok 'on kmem, and online at once' until_ is_bound "$by_default"
ok '... private' is_private "$(node_of "$(dax_of "$by_default")")"
ok '... as its files say' same "$(rchoices "$by_default")" '1 auto '
put 0 $PARAMS/private
ok 'unplugged again' unplug "$(dax_of "$by_default")"
ok 'destroyed' destroy "$by_default"
ok 'nothing is left' same "$(memory_map)" "$empty"
cxl_down
done_testing
