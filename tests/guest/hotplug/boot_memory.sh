#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that a node has since boot goes offline whole, by the node's file boot_memory, as on_unplug says, and
# comes back; a refusal names the holder and changes nothing.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa
# vm: --node 1G --node 512M --node 256M --reserve 128M,node=0 --append 'private_node=1:user_numa private_node_spare=1'
# timeout: 240
# The functions are called through ok.
# shellcheck disable=SC2016,SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

nid=1
dir=$NODES/node$nid/private
SIZE=$((16 << 20))
PAGES=$((SIZE / 4096))
put() { echo "$1" 2> /dev/null > "$2"; }
get() { echo "$(< "$dir/$1")"; }
out() { put offline "$dir/boot_memory"; }
back() { put online "$dir/boot_memory"; }
total() { sed -n 's/^MemTotal: *//p' /proc/meminfo; }
# Of all nodes, but for the numbers that change by themselves.
state() { echo "$(memory_map) $(total) $(get boot_memory) $(get total_bytes) $(get enabled) $(get on_unplug) $(block_states $nid)"; }
binds() { numactl --membind="$nid" cat /proc/self/numa_maps 2> /dev/null | grep -E 'anon=|heap|stack' | grep -qE " N$nid=[0-9]+"; }
holder() {
	coproc HOLDER { exec "$PMN_TOP/build/tests/guest/hotplug/user_pages" /dev/private_node/node$nid $SIZE "$@"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

dmesg -c > /dev/null
whole=$(state) memory=$(total) bytes=$(get total_bytes)
ok 'online' same "$(get boot_memory)" online
if [ "$bytes" -lt $((512 << 20)) ]; then
	# The machine's last memory below 4 GiB: a part of it is the firmware's.
	ok 'a block with pages of the firmware: refused' logged "cannot unplug: its memory block .* has a hole" out
	ok '... and nothing changed' same "$(state)" "$whole"
	ok '... a program bound to it' binds
	done_testing
	exit
fi
ok 'a program bound to it' binds
for word in plugged '' 'off line' 0; do
	not_ok "refused: '$word'" put "$word" $dir/boot_memory
done
ok '... and says what it takes' logged 'boot_memory unchanged: .plugged. is none of online, offline' put plugged $dir/boot_memory
ok '... and nothing changed' same "$(state)" "$whole"

holder private
ok 'in use: refused, names the holder' logged "cannot unplug: $PAGES user pages are in use, one by pid $HOLDER_PID \(user_pages\)" out
ok '... and nothing changed' same "$(state)" "$whole"
ok '... contents' same "$(ask check)" intact
used=
for b in $(blocks $nid); do
	put offline "/sys/devices/system/memory/$b/state" || used=$b
done
ok 'a block in use does not go by itself' test -n "$used"
ok '... and the log tells the way' logged "cannot offline .*user pages are in use.*; stop it, or write offline to the node's boot_memory" \
	put offline "/sys/devices/system/memory/$used/state"
ok 'blocks that did go come back' back
ok '... all of them' same "$(state)" "$whole"

put move $dir/on_unplug
ok 'move: out' out
ok '... contents' same "$(ask check)" intact
ok '... it says so' same "$(get boot_memory) $(get total_bytes) $(block_states $nid)" 'offline 0 offline'
ok '... no memory is private' is_gone $nid
ok '... ordinary memory is what it was' same "$(total)" "$memory"
ok '... the owner and services are' same "$(get owner) $(get enabled)" 'boot user_numa'
not_ok '... nobody can be bound to it' binds
ok '... again: nothing to do' out
end_holder
ok 'back' back
ok '... is private, never ordinary' is_private $nid
ok '... as much as before' same "$(get total_bytes)" "$bytes"
ok '... on_unplug is kept' same "$(get on_unplug)" move
ok '... a program bound to it' binds
ok '... again: nothing to do' back

put sigbus $dir/on_unplug
holder shared
ok 'sigbus: out' out
ok '... each page' same "$(ask touch)" "sigbus $PAGES of $PAGES"
end_holder
ok '... back' back

put refuse $dir/on_unplug
ok 'ten times' eval 'for i in 1 2 3 4 5 6 7 8 9 10; do out && back || break; done; [ $i = 10 ]'
ok 'as at boot' same "$(state)" "$whole"
ok 'a program bound to it' binds

# A block that an administrator took offline before.
block=$(blocks $nid | sed -n 1p)
ok 'one block' put offline "/sys/devices/system/memory/$block/state"
ok '... then all' out
ok '... and all come back' eval 'back; same "$(state)" "$whole"'

if [ -n "${PMN_RESERVED:-}" ]; then
	modprobe private_node_sim
	ok 'a node to which memory is added' sim new_node name=a "ranges=$(reserved | sed -n 1p)"
	not_ok '... has no such file' test -e "$NODES/node$(nid_of a)/private/boot_memory"
	sim remove_node a
	rmmod private_node_sim
fi
done_testing
