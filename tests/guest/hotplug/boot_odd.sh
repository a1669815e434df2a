#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Boot memory that cannot go offline as a whole: it shares a memory block with another node, or there is a hole
# in a block.  The refusal comes before any page is moved or unmapped, whatever on_unplug says.
#
# vm: --node 1G --node 500M --node 524M --node 256M --append 'private_node=1:user_numa private_node=2:user_numa'
# vm: --node 1G --node 512M --node 256M --append 'private_node=1:user_numa memmap=16M$0x4a000000'
# timeout: 240
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

put() { echo "$1" 2> /dev/null > "$2"; }
stat() { sed -n "s/^$1 //p" "$NODES/node$2/private/stat"; }
state() { for n in $nids; do echo "$n $(< "$NODES/node$n/private/total_bytes") $(stat unplug_moved "$n") $(stat unplug_unmapped "$n") $(block_states "$n")"; done; }
# A program with half of node $1.
holder() {
	local bytes line
	bytes=$(($(< "$NODES/node$1/private/total_bytes") / 2))
	coproc HOLDER { exec "$PMN_TOP/build/tests/guest/hotplug/user_pages" "/dev/private_node/node$1" "$bytes" private; }
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}
intact() {
	local line
	echo check >&"${HOLDER[1]}"
	read -r line <&"${HOLDER[0]}"
	[ "$line" = intact ]
}
end_holder() {
	eval "exec ${HOLDER[1]}>&-"
	wait "$HOLDER_PID" 2> /dev/null || true
}

nids='' why='cannot unplug: its memory block .* has a hole'
for n in 1 2; do
	[ ! -e "$NODES/node$n/private/boot_memory" ] || nids="$nids $n"
done
[ "$nids" != ' 1 2' ] || why='cannot unplug: it shares a memory block of'
before=$(state)
for held in $nids; do
	ok "a program on node $held" holder "$held"
	for asked in $nids; do
		for what in move sigbus; do
			put $what "$NODES/node$asked/private/on_unplug"
			ok "node $asked, $what: refused" logged "$why" put offline "$NODES/node$asked/private/boot_memory"
			ok '... and nothing moved' same "$(state)" "$before"
			ok "... contents on node $held" intact
			put refuse "$NODES/node$asked/private/on_unplug"
		done
	done
	end_holder
done
done_testing
