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

# All the time until the node went or stayed; ends with it.
toggle() {
	trap 'exit 0' TERM
	while :; do
		put online "$last"
		put offline "$last"
	done
}

# Until a block was refused, and the node went: it stays when a block came online before all were fixed.
put sigbus $dir/on_unplug
dmesg -c > /dev/null
went=0 stayed=0 refused=0
for ((try = 0; try < 60 && (refused == 0 || went == 0); try++)); do
	holder
	before=$(counted)
	toggle &
	if out; then
		went=$((went + 1))
	else
		stayed=$((stayed + 1))
		ok "refused, $stayed: the data is there" same "$(ask check) $(counted)" "intact $before"
	fi
	kill $!
	wait $!
	end_holder
	refused=$((refused + $(dmesg -c | grep -c 'cannot online .*: the memory of the node is going offline')))
	put online $dir/boot_memory
	same "$(block_states 1)" online || ok 'all blocks are online again' false
done
echo "# $went times the node went, $stayed times it stayed, $refused times a block was refused"
ok 'the node went' [ "$went" -gt 0 ]
ok 'a block did not come online meanwhile' [ "$refused" -gt 0 ]
ok 'all of it is back' same "$(block_states 1) $(< $dir/boot_memory)" 'online online'
done_testing
