#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# QEMU breaks a page of a region: the device's event log says so, the owner of the node is told, the users
# of that page get SIGBUS, and nobody else.  An error that was corrected changes nothing.
#
# vm: --node 1G --cxl 512M --append private_node_spare=1
# allow: Memory failure|hardware memory corruption
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

cxl_up
ok 'a region' new_region mem0 $((512 << 20))
ok 'private' rput 1 "$REGION" private
ok 'enabled' commit "$REGION"
ok 'on kmem' on_kmem "$REGION"
dax=$(dax_of "$REGION")
ok 'plugged in' plug "$dax"
nid=$(node_of "$dax")
ok 'a holder' holder "$dax" private
pfn=$(holders_pfn 7)
start=$(($(rget "$REGION" resource)))
ok "its page $pfn is in the region" test "$pfn" -ge $((start / 4096))
dpa=$((pfn * 4096 - start + $(< "$CXL/$(decoder_of mem0)/dpa_resource")))

# event DESCRIPTOR: of the media, at the holder's page; 1: not corrected
event() {
	[[ $(qmp "{\"execute\":\"cxl-inject-general-media-event\",\"arguments\":{\"path\":\"/machine/peripheral/cxl0\",\"log\":\"failure\",\"flags\":0,\"dpa\":$dpa,\"descriptor\":$1,\"type\":0,\"transaction-type\":0}}") = *return* ]]
}

stat() { sed -n "s/^$1 //p" "$NODES/node$nid/private/stat"; }
told() { dmesg | grep -q "dax: kmem-$dax: memory at $(printf '%#x' $((pfn * 4096))) is broken"; }

ok 'corrected: QEMU took it' event 2
ok 'not corrected: QEMU took it' event 1
ok 'the owner is told' until_ told
ok '... once' test "$(dmesg | grep -c 'is broken')" = 1
ok 'one page of the holder is gone' same "$(ask touch)" "sigbus 1 of $PAGES"
ok 'the node counts it' test "$(stat memory_failure_hard)" = 1
end_holder
ok 'another holder' holder "$dax" private
ok '... never gets that page' same "$(ask touch)" "sigbus 0 of $PAGES"
ok '... and its data is right' same "$(ask check)" intact
end_holder
ok 'unplugged' unplug "$dax"
cxl_down
done_testing
