#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The watermark of a node with reclaim is not boosted: boosted kswapd does not swap.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

boost() { awk -v n="$1," '/^Node/ { mine = $2 == n } mine && $1 == "boost" { s += $2 } END { print s }' /proc/zoneinfo; }
low() { awk -v n="$1," '/^Node/ { mine = $2 == n } mine && $1 == "low" { s += $2 } END { print s }' /proc/zoneinfo; }

modprobe private_node_sim
ok 'a node with reclaim' sim new_node name=a ranges="$(reserved)" online_type=online_kernel \
	capable=reclaim enabled=reclaim
nid=$(nid_of a)
ok 'has watermarks' test "$(low "$nid")" -gt 0
# No whole block is free: the first unmovable page takes a page of a movable one.
coproc HOLDER { exec "$PMN_BIN/fragment" /dev/private_node/a "$(cat "$NODES/node$nid/private/free_bytes_exact")"; }
read -r line <&"${HOLDER[0]}"
ok 'every second page is in use' test "$line" = ready
ok 'the owner takes unmovable pages' sim alloc node=a count=10
ok "no boost: $(boost "$nid")" test "$(boost "$nid")" = 0
end_holder
sim free all
ok 'unplugged' sim remove_node a
done_testing
