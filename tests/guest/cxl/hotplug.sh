#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A CXL device is plugged into a running machine, its region comes up private, and it is taken out again:
# unused; in use with pages that move, also where an unplug would be refused; with pages that are lost.
#
# vm: --node 1G --cxl 512M,later --append 'private_node_spare=1 pcie_ports=native'
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

SLOT=/sys/bus/pci/slots/0

# qmp_ok COMMAND ARGUMENTS
qmp_ok() { [[ $(qmp "{\"execute\":\"$1\",\"arguments\":$2}") = *'"return"'* ]]; }

memdev() { basename "$(echo "$CXL"/mem[0-9]*)"; }
is_there() { [ -e "$CXL/$(memdev)" ] && is_ready "$(memdev)"; }
# The device's name goes before its driver; the slot is powered off when all of it has gone.
is_away() { [ ! -e "$CXL/$(memdev)" ] && [ "$(< "$SLOT/power")" = 0 ]; }

turn_on() { put 1 "$SLOT/power" || [ "$(< "$SLOT/power")" = 1 ]; }
# Each device has memory of its own: QEMU 10.0 does not take back that of one that was taken out.  And it needs a while
# until it has forgotten the last device.
devices=0
add() {
	local memory=again$((++devices))
	qmp_ok object-add '{"qom-type":"memory-backend-ram","id":"'"$memory"'","size":536870912}' &&
		until_ qmp_ok device_add '{"driver":"cxl-type3","bus":"cxlrp0","volatile-memdev":"'"$memory"'","id":"cxl0","sn":1}' &&
		until_ turn_on && until_ is_there
}

# up ON_UNPLUG: plugged in, private, busy
up() {
	add && new_region "$(memdev)" $((512 << 20)) && rput 1 "$REGION" private && commit "$REGION" &&
		on_kmem "$REGION" && dax=$(dax_of "$REGION") && plug "$dax" && on_unplug "$dax" "$1" &&
		nid=$(node_of "$dax") && holder "$dax" private
}

# The button is answered after five seconds; the slot's file at once.
press() { qmp_ok device_del '{"id":"cxl0"}' && until_ is_away; }
take_out() { put 0 "$SLOT/power" && is_away; }

# What was gone late is cleared away by a worker.
nothing_left() { [ "$(memory_map)" = "$empty" ]; }

# What was made for the region goes; the device did so by itself.
gone() {
	ok "$1: no memory" is_gone "$nid"
	ok "$1: the region that it left goes" put "$REGION" "$ROOT/delete_region"
	ok "$1: nothing is left" until_ nothing_left
}

# shellcheck disable=SC2119
cxl_up
empty=$(memory_map)
ok 'no memory device' is_away
ok 'unused: up' up refuse
end_holder
ok 'unused: taken out' press
gone unused

ok 'move: up' up move
ok 'move: taken out' take_out
ok 'move: contents' same "$(ask check)" intact
end_holder
gone move

ok 'refuse: up' up refuse
ok 'refuse: taken out' take_out
ok 'refuse: contents' same "$(ask check)" intact
end_holder
gone refuse

ok 'sigbus: up' up sigbus
ok 'sigbus: taken out' take_out
ok 'sigbus: each page' same "$(ask touch)" "sigbus $PAGES of $PAGES"
end_holder
gone sigbus

ok 'disabled: up' up refuse
ok 'disabled' disable "$REGION"
ok 'disabled: contents' same "$(ask check)" intact
ok 'disabled: taken out' take_out
ok 'disabled: contents are elsewhere' same "$(ask check)" intact
end_holder
gone disabled

# A pipe has references to some of its pages: what is gone goes as soon as they are given back
ok 'pinned: up' up refuse
ok 'pinned: 16 pages are in a pipe' same "$(ask pin)" 'pinned 16'
dmesg -c > /dev/null
ok 'pinned: taken out' press
ok 'pinned: dmesg says what is lost' test "$(dmesg | grep -c "what is on node $nid is lost, users get SIGBUS")" = 1
ok 'pinned: dmesg says what stays' logged "gone while its memory is in use: stays on private node $nid until its users are stopped" false
ok 'pinned: the memory is there' is_private "$nid"
ok 'pinned: the region stays' logged "$REGION: is not reset: its memory is in use" put "$REGION" "$ROOT/delete_region"
ask unpin > /dev/null
ok 'pinned: given back, gone' until_ is_gone "$nid"
end_holder
gone pinned

# Taken off the bus by the kernel, and found again
ok 'remove: up' up refuse
pci=$(basename "$(dirname "$(readlink -f "$CXL/$(memdev)")")")
ok "remove: $pci" put 1 "/sys/bus/pci/devices/$pci/remove"
ok 'remove: contents' same "$(ask check)" intact
end_holder
gone remove
ok 'rescan' put 1 /sys/bus/pci/rescan
ok 'rescan: it is there again' until_ is_there
ok 'rescan: taken out' take_out
cxl_down
done_testing
