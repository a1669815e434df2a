#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A region whose memory is in use: it is not reset, not deleted and not taken apart, and nothing waits for
# a reboot.  Disabled, it keeps its memory; so does a memory device that is unbound.
#
# vm: --node 1G --cxl 512M --append private_node_spare=1
# vm: --node 1G --cxl 512M --cxl 256M --append private_node_spare=1
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

cxl_up
# In the second topology there is a smaller one beside it.
mem=$(mem_of_size $((512 << 20)))
empty=$(memory_map)

# up ON_UNPLUG: private, and busy
up() {
	new_region "$mem" $((512 << 20)) && rput 1 "$REGION" private && rput user_numa "$REGION" private_services &&
		commit "$REGION" && on_kmem "$REGION" && dax=$(dax_of "$REGION") && plug "$dax" &&
		on_unplug "$dax" "$1" && nid=$(node_of "$dax") && holder "$dax" private
}

# Is the region as it was, and its memory with it?
is_back() { until_ is_bound "$REGION" && [ "$(get "$(dax_of "$REGION")" state)" = online_movable ]; }

stays() {
	ok "$1: the region is committed" same "$(rget "$REGION" commit)" 1
	ok "$1: still private" is_private "$nid"
	ok "$1: contents" same "$(ask check)" intact
	ok "$1: kmem has its memory again" is_back
	ok "$1: on its node" same "$(node_of "$dax") $(owner_of "$nid")" "$nid kmem-$dax"
}

ok 'up' up refuse
for file in "$CXL/$REGION/commit:0" "$ROOT/delete_region:$REGION" "$CXL/$REGION/target0:"; do
	what=$(basename "${file%:*}")
	ok "$what: refused" logged "$REGION: is not reset: its memory is in use" put "${file##*:}" "${file%:*}"
	stays "$what"
done

# Disabled in use, as a script of an administrator would
ok 'disabled' disable "$REGION"
ok 'disabled: contents' same "$(ask check)" intact
ok 'disabled: still private' is_private "$nid"
ok 'disabled: no reset' logged "$REGION: is not reset" rput 0 "$REGION" commit
not_ok 'disabled: and not enabled by that' is_enabled "$REGION"
not_ok 'destroy-region' cxl destroy-region "$REGION"
ok '... contents' same "$(ask check)" intact
ok 'enabled again' enable "$REGION"
stays 'enabled again'

# The memory device loses its driver
mem_back() { until_ is_ready "$mem" && until_ has_dax "$REGION" && is_back; }
ok 'memdev unbound' put "$mem" /sys/bus/cxl/drivers/cxl_mem/unbind
ok 'memdev unbound: dmesg says what to do' logged "bind the memory device again" false
ok 'memdev unbound: contents' same "$(ask check)" intact
ok 'memdev unbound: still private' is_private "$nid"
ok 'memdev bound again' put "$mem" /sys/bus/cxl/drivers/cxl_mem/bind
ok '... and the region is there again' mem_back
dax=$(dax_of "$REGION")
stays 'memdev bound again'

# Two writers: one is refused, the other as well, and nothing is left half done
for _ in 1 2 3; do
	put 0 "$CXL/$REGION/commit" & one=$!
	put "$REGION" "$ROOT/delete_region" & two=$!
	disable "$REGION"
	wait $one; wait $two
	enable "$REGION"
	dmesg -c > /dev/null
done
is_enabled "$REGION" || enable "$REGION"
stays 'three writers'

end_holder
ok 'not in use any more: unplugged' unplug "$dax"
ok 'destroyed' destroy "$REGION"
ok 'nothing is left' same "$(memory_map)" "$empty"

# What the owner of the memory chose happens at a reset as well
for how in move sigbus; do
	ok "$how: up" up $how
	ok "$how: reset" rput 0 "$REGION" commit
	ok "$how: no memory" is_gone "$nid"
	if [ $how = move ]; then
		ok 'move: contents' same "$(ask check)" intact
	else
		ok 'sigbus: each page' same "$(ask touch)" "sigbus $PAGES of $PAGES"
	fi
	end_holder
	ok "$how: destroyed" destroy "$REGION"
	ok "$how: nothing is left" same "$(memory_map)" "$empty"
done

# The memory device without users
ok 'up' up refuse
end_holder
ok 'memdev unbound, not in use' put "$mem" /sys/bus/cxl/drivers/cxl_mem/unbind
ok 'its memory is gone' is_gone "$nid"
ok 'bound' put "$mem" /sys/bus/cxl/drivers/cxl_mem/bind
until_ is_ready "$mem"
ok 'the region that it left goes' put "$REGION" "$ROOT/delete_region"
ok 'nothing is left' same "$(memory_map)" "$empty"
[ -e "$CXL/$mem" ] && cxl_down
done_testing
