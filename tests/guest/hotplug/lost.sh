#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The memory of a node is lost, as when its device is pulled out: nothing of it is copied, whatever on_unplug says, its
# users get SIGBUS, a page that is held does not keep the others, and the memory can be removed and come back.
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
SIZE=$((16 << 20))
PAGES=$((SIZE / 4096))

# holder ARGS...: user_pages as a co-process with pages on node a
holder() {
	coproc HOLDER { exec "$PMN_BIN/user_pages" /dev/private_node/a $SIZE "$@"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

# Does somebody else get memory?  SIGBUS or no memory ends user_pages.
another() { "$PMN_BIN/user_pages" /dev/private_node/a 4096 private < /dev/null 2> /dev/null | grep -q ready; }
is_refused() { ! another; }

up() { sim new_node name=a ranges="${range[0]}" on_unplug="$1" && nid=$(nid_of a); }
stat_of() { sed -n "s/^$1 //p" "$NODES/node$nid/private/stat"; }
lost() { [ "$(stat_of unplug_unmapped)" -ge "$1" ] && [ "$(stat_of unplug_moved)" = 0 ]; }
wrote() { dmesg | grep -q "$1"; }

for how in refuse move sigbus; do
	for kind in private shared; do
		w="$how, $kind"
		ok "$w: up" up $how
		ok "$w: a holder" holder $kind
		dmesg -c > /dev/null
		ok "$w: another one" another
		ok "$w: lost" sim lose a
		ok "$w: ... and says so" wrote "node $nid: .*its memory is not there any more"
		ok "$w: nobody else gets memory" is_refused
		ok "$w: unplugged" sim unplug a
		ok "$w: ... and says how much" wrote 'pages of its users are lost'
		ok "$w: each page" same "$(ask touch)" "sigbus $PAGES of $PAGES"
		ok "$w: none was moved" lost "$PAGES"
		ok "$w: memory that works comes back" sim plug a
		ok "$w: ... what was lost does not" same "$(ask touch)" "sigbus $PAGES of $PAGES"
		end_holder
		ok "$w: ... and is used" holder $kind
		ok "$w: ... contents" same "$(ask check)" intact
		end_holder
		ok "$w: removed" sim remove_node a
	done
done

# 16 pages are in a pipe: the others go, and these when they are given back
ok 'held: up' up move
ok 'held: a holder' holder private
ok 'held: 16 pages' same "$(ask pin)" 'pinned 16'
ok 'held: lost' sim lose a
ok 'held: not unplugged' logged 'cannot unplug: ' sim unplug a
ok 'held: each page all the same' same "$(ask touch)" "sigbus $PAGES of $PAGES"
ok 'held: still private' is_private "$nid"
ask unpin > /dev/null
ok 'held: given back: unplugged' sim unplug a
ok 'held: none was moved' lost "$PAGES"
end_holder
ok 'held: removed' sim remove_node a
done_testing
