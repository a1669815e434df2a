#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Long-term pins on movable memory of a private node: the owner says, not the zone.  A page that
# is pinned makes unplug fail, and the holder is named.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
ok 'movable memory' sim new_node name=a ranges="$(reserved)" online_type=online_movable \
	capable=user_numa,longterm_pin enabled=user_numa,longterm_pin
"$PMN_BIN/pin" /dev/private_node/a | sed -nE 's/^(not )?ok [0-9]+ - /\1/p' > /tmp/pin.out
while read -r line; do
	ok "movable: ${line#not }" test "${line#not }" = "$line"
done < /tmp/pin.out
ok 'all of them were run' test "$(wc -l < /tmp/pin.out)" = 27
ok 'unplugged' sim remove_node a
done_testing
