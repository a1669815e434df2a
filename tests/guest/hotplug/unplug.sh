#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unplug with user pages on the node: refuse, move, sigbus; private and shared, locked, forked,
# huge; a pinned page makes it fail whole, soon, and names the holder.  Nobody else may offline
# a block that is in use.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=2
# timeout: 600
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
mapfile -t range < <(reserved)
ranges=$(IFS=,; echo "${range[*]}")
before=$(leftovers)
SIZE=$((16 << 20))
PAGES=$((SIZE / 4096))

# holder ARGS...: user_pages as a co-process with pages on node a
holder() {
	coproc HOLDER { exec "$PMN_BIN/user_pages" /dev/private_node/a $SIZE "$@"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

node() { sim new_node name=a ranges="$ranges" online_type="${type:-online_movable}" on_unplug="$1" && nid=$(nid_of a); }

# Pages in use on the node, all lists drained.
# The counters of meminfo may be some pages off.
used() {
	local files=$NODES/node$nid/private
	echo $((($(< "$files/total_bytes") - $(< "$files/free_bytes_exact")) / 4096))
}

stat_of() { sed -n "s/^$1 //p" "$NODES/node$nid/private/stat"; }

within() {
	local limit=$1 start=$SECONDS
	shift
	"$@"
	local ret=$?
	[ $((SECONDS - start)) -le "$limit" ] || { echo "# took $((SECONDS - start)) s"; return 99; }
	return "$ret"
}

offline_one() {
	local b
	for b in $(blocks "$nid"); do
		echo offline > "/sys/devices/system/memory/$b/state" || return 1
	done 2> /dev/null
}

for kind in private shared; do
	for type in online_movable online_kernel; do
		w="$kind, $type"
		node refuse
		holder $kind
		ok "$w: pages lie on the node" test "$(used)" -ge "$PAGES"
		ok "$w, refuse: refused, names count and pid" \
			logged "$PAGES user pages are in use, one by pid $HOLDER_PID \(user_pages\)" \
			within 20 sim remove_node a
		ok "$w, refuse: contents as before" same "$(ask check)" intact
		ok "$w, refuse: still private" is_private "$nid"
		ok "$w, refuse: gives memory again" sim alloc node=a
		sim free all
		ok "$w: a block in use cannot be offlined" \
			logged "cannot offline .* user pages" offline_one
		ok "$w: it was not emptied" test "$(used)" -ge "$PAGES"
		end_holder
		ok "$w: unplugged after exit" sim remove_node a

		node move
		holder $kind
		ok "$w, move: unplugged" within 60 sim remove_node a
		ok "$w, move: contents moved" same "$(ask check)" intact
		end_holder
		ok "$w, move: nothing is left" same "$(leftovers)" "$before"

		node sigbus
		holder $kind
		ok "$w, sigbus: unplugged" within 60 sim remove_node a
		ok "$w, sigbus: every page gives SIGBUS" same "$(ask touch)" "sigbus $PAGES of $PAGES"
		ok "$w, sigbus: the kernel gets EFAULT" same "$(ask read)" 'errno 14'
		node sigbus
		ok "$w, sigbus: also when there is memory again" same "$(ask touch)" "sigbus $PAGES of $PAGES"
		end_holder
		sim remove_node a
		ok "$w, sigbus: nothing is left" same "$(leftovers)" "$before"
	done
done

# The owner's own pages make offline_pages() give up before it asks anybody.
type=online_kernel
node refuse
sim alloc node=a count=100000
ok "owner: blocks with its pages cannot be offlined, and it is named" \
	logged 'cannot offline .*owner' offline_one
sim free all
ok "owner: unplugged" sim remove_node a

type=online_movable
for extra in mlock fork; do
	for how in move sigbus; do
		node $how
		holder private $extra
		ok "$extra, $how: unplugged" within 60 sim remove_node a
		if [ $how = move ]; then
			ok "$extra, $how: contents" same "$(ask check)" intact
		else
			ok "$extra, $how: SIGBUS" same "$(ask touch)" "sigbus $PAGES of $PAGES"
		fi
		end_holder
		ok "$extra, $how: nothing is left" same "$(leftovers)" "$before"
	done
done

# The node stays registered, so its counters can be read when memory is back.
for how in move sigbus; do
	node $how
	holder private
	ok "$how: the memory goes" within 60 sim unplug a
	ok "$how: and comes back" sim plug a
	ok "$how: private again" is_private "$nid"
	if [ $how = move ]; then
		ok 'move: contents' same "$(ask check)" intact
		ok 'move: counted' test "$(stat_of unplug_moved)" -ge "$PAGES"
		ok 'move: nothing came back by itself' test "$(used)" -lt "$PAGES"
	else
		ok 'sigbus: not healed by new memory' same "$(ask touch)" "sigbus $PAGES of $PAGES"
		ok 'sigbus: counted' test "$(stat_of unplug_unmapped)" -ge "$PAGES"
	fi
	end_holder
	sim remove_node a
done

for how in refuse move sigbus; do
	node $how
	holder private pin
	ok "pinned, $how: refused, names the pid" \
		logged "pages are (pinned|in use), one (by|in a pipe of) pid $HOLDER_PID \(user_pages\)" \
		within 20 sim remove_node a
	ok "pinned, $how: nothing was moved" test "$(used)" -ge "$PAGES"
	ok "pinned, $how: contents as before" same "$(ask check)" intact
	if [ $how != refuse ]; then
		ok "pinned, $how: unpin" same "$(ask unpin)" 'closed 0'
		ok "pinned, $how: goes when the pin is gone" within 60 sim remove_node a
	fi
	end_holder
	[ $how != refuse ] || sim remove_node a
	ok "pinned, $how: nothing is left" same "$(leftovers)" "$before"
done
done_testing
