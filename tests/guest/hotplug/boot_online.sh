#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A block of boot memory comes online while the rest of the node goes offline: no data is lost for nothing.
#
# vm: --node 1G --node 512M --node 256M --append private_node=1:user_numa
# timeout: 240
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

dir=$NODES/node1/private
last=/sys/devices/system/memory/$(blocks 1 | tail -n 1)/state
put() { echo "$1" 2> /dev/null > "$2"; }
out() { put offline $dir/boot_memory; }
holder() {
	coproc HOLDER { exec "$PMN_TOP/build/tests/guest/hotplug/user_pages" /dev/private_node/node1 $((8 << 20)) private; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}
counted() { sed -n 's/^unplug_unmapped //p' $dir/stat; }

put sigbus $dir/on_unplug
went=0 stayed=0
for ((try = 0; try < 12; try++)); do
	put offline "$last"
	holder
	before=$(counted)
	{ sleep 0.$((try % 4 * 7 + 1)); put online "$last"; } &
	if out; then
		went=$((went + 1))
		wait $!
		end_holder
	else
		stayed=$((stayed + 1))
		wait $!
		ok "refused, $stayed: the data is there" same "$(ask check) $(counted)" "intact $before"
		end_holder
	fi
	put online $dir/boot_memory
	same "$(block_states 1)" online || ok 'all blocks are online again' false
done
echo "# $went times the node went, $stayed times it stayed"
ok 'the node went when nothing came in between' [ "$went" -gt 0 ]
ok 'all of it is back' same "$(block_states 1) $(< $dir/boot_memory)" 'online online'
done_testing
