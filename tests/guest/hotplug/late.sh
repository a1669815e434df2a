#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unplug meets what comes late: a fault while it is being refused is not touched by that; a pin that
# appears when pages are moving already makes it fail, soon, and names the holder.
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
ranges=$(IFS=,; echo "${range[*]}")
before=$(leftovers)
tracefs=/sys/kernel/tracing
[ -e $tracefs/trace ] || mount -t tracefs none $tracefs

# holder PROGRAM ARGS...: as a co-process that says when it is ready
holder() {
	coproc HOLDER { exec "$PMN_BIN/$1" /dev/private_node/a "${@:2}"; }
	answer && [ "$REPLY" = ready ]
}

tell() { echo "$1" >&"${HOLDER[1]}"; }
answer() { read -r REPLY <&"${HOLDER[0]}"; }
ask() { tell "$1"; answer; echo "$REPLY"; }

stat_of() { sed -n "s/^$1 //p" "$NODES/node$nid/private/stat"; }
node() { sim new_node name=a ranges="$ranges" on_unplug="$1" && nid=$(nid_of a); }

# Closing takes 0.2 s when the owner holds a page.
node move
echo 1 > $tracefs/events/private_node/private_node_alloc_refused/enable
holder stale_file
sim alloc node=a
ok 'nothing was refused yet' same "$(stat_of device_map_refused)" 0
tell spin
answer
ok 'three seconds of faults' same "${REPLY% *}" 'sigbus 0 of'
used=$(stat_of device_map_used)
tell spin
# It is under way.
until [ "$(stat_of device_map_used)" -gt "$used" ]; do :; done
ok 'unplug with a page of the owner is refused' logged '1 pages held by owner sim' sim remove_node a
answer
refused=$(stat_of device_map_refused)
echo "# $REPLY, device_map_refused $refused"
read -r _ sigbus _ <<< "$REPLY"
ok 'faults meanwhile got their memory' test "$sigbus" = 0
ok '... and none is counted as refused' same "$refused" 0
ok '... nor as failed' same "$(stat_of device_map_failed)" 0
ok '... nor traced' sh -c "! grep -q private_node_alloc_refused: $tracefs/trace"
tell spin
answer
ok 'afterwards there is memory again' same "${REPLY% *}" 'sigbus 0 of'
end_holder
sim free all
sim remove_node a
echo 0 > $tracefs/events/private_node/private_node_alloc_refused/enable
ok 'nothing is left' same "$(leftovers)" "$before"

# Seconds for an unplug that is to fail; the debug kernel is several times slower.
limit=60
[ ! -e /proc/lockdep ] || limit=240

# late COUNTER: pins pages as soon as unplug has counted some.  No program in the loop: it must not
# be late itself.
late() {
	local pid name value gone=0 start=$SECONDS
	slipped=0
	sim remove_node a &
	pid=$!
	while [ "$gone" = 0 ] && [ -e "$NODES/node$nid/private/stat" ] &&
	      [ $((SECONDS - start)) -lt 30 ]; do
		while read -r name value; do
			[ "$name" != "$1" ] || gone=$value
		done < "$NODES/node$nid/private/stat"
	done
	echo "# $1 $gone, $(ask pin)"
	if wait "$pid"; then
		slipped=1
		return 1
	fi
	dmesg -c > /tmp/late.log
	echo "# refused after $((SECONDS - start)) s: $(grep 'cannot unplug' /tmp/late.log)"
	[ $((SECONDS - start)) -le "$limit" ]
}

# meet ON_UNPLUG COUNTER KIND: a new node with a holder, until its pins come while it is being unplugged.
# On a busy host all may be over before the pins: that proves nothing, and is done again.
meet() {
	local try
	for ((try = 0; try < 20; try++)); do
		node "$1"
		holder user_pages "$BYTES" "$3" || return 1
		dmesg -c > /dev/null
		late "$2" && return 0
		[ "$slipped" = 1 ] || return 1
		echo '# gone before the pins came'
		end_holder
	done
	return 1
}

names_pid() {
	grep -qE "cannot unplug: [0-9]+ user pages are pinned, one (by|in a pipe of) pid $HOLDER_PID \(user_pages\)" /tmp/late.log
}

BYTES=$((256 << 20))
ok 'late pin: refused' meet move unplug_moved private
ok 'late pin: names count and pid' names_pid
moved=$(stat_of unplug_moved)
ok "late pin: $moved pages were moved, and counted" test "$moved" -gt 0
ok 'late pin: not all' test "$moved" -lt $((BYTES / 4096))
ok 'late pin: still private' is_private "$nid"
ok 'late pin: all blocks online' same "$(block_states "$nid")" online
ok 'late pin: gives memory again' sim alloc node=a
sim free all
ok 'late pin: contents' same "$(ask check)" intact
ok 'late pin: unpin' same "$(ask unpin)" 'closed 0'
ok 'late pin: goes when the pins are gone' sim remove_node a
ok 'late pin: contents are moved' same "$(ask check)" intact
end_holder
ok 'late pin: nothing is left' same "$(leftovers)" "$before"

# A page that was pinned before it could be unmapped stays mapped.  Each SIGBUS of such memory is a
# line in the log when it is private: fewer pages.
for kind in private shared; do
	BYTES=$((64 << 20))
	[ $kind = private ] || BYTES=$((256 << 20))
	w="late pin, sigbus, $kind"
	ok "$w: refused" meet sigbus unplug_unmapped $kind
	ok "$w: names count and pid" names_pid
	ok "$w: still private" is_private "$nid"
	gone=$(stat_of unplug_unmapped)
	ok "$w: what is gone gives SIGBUS, nothing else" same "$(ask touch)" "sigbus $gone of $((BYTES / 4096))"
	ok "$w: unpin" same "$(ask unpin)" 'closed 0'
	ok "$w: goes when the pins are gone" sim remove_node a
	end_holder
	ok "$w: nothing is left" same "$(leftovers)" "$before"
done
rmmod private_node_sim
done_testing
