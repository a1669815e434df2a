#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An administrator writes to a node's files all the time while its memory comes and goes: each write
# ends, with an error when the files are just going, and so does each unplug.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# timeout: 90
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
sim new_node name=s ranges="$(reserved)" capable=reclaim,demotion,compaction
node=$NODES/node$(nid_of s)/private

# writes FILE TEXT...: in turn, until told to stop
writes() {
	local file=$1 text nr=0
	shift
	while [ ! -e /tmp/stop ]; do
		for text in "$@"; do
			echo "$text" 2> /dev/null > "$node/$file" && nr=$((nr + 1))
		done
	done
	echo $nr > "/tmp/$file.nr"
}

rm -f /tmp/stop
writes enabled +reclaim +demotion -demotion -reclaim &
writes adistance 900 3000 &
writes on_unplug move refuse &
for ((i = 0; i < 40; i++)); do
	sim unplug s || break
	sim plug s || break
done
touch /tmp/stop
wait
ok 'memory came and went 40 times' test $i = 40
for file in enabled adistance on_unplug; do
	ok "$file: $(< /tmp/$file.nr) writes were taken" test "$(< /tmp/$file.nr)" -gt 40
done
ok 'and goes' sim remove_node s
rmmod private_node_sim
done_testing
