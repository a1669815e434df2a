#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's daxctl, as it is: system-ram and devdax modes of a device that is to be private, online
# and offline of its memory.
#
# vm: --node 1G --node 0 --nvdimm 512M,node=1 --append private_node_spare=1
# vm: --node 2G --append 'memmap=512M!1G private_node_spare=1'
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
empty=$(memory_map)
own=$(node_of dax0.0)
ctl() { daxctl "$@" > /tmp/daxctl.log 2>&1 || { sed 's/^/# /' /tmp/daxctl.log; return 1; }; }
choose dax0.0 1
if in_state has_memory "$own"; then
	# daxctl looks for the memory on the node that it read before the device was bound
	ok 'system-ram on a spare node: --no-online' ctl reconfigure-device -m system-ram -N dax0.0
	ok 'online-memory' ctl online-memory dax0.0
else
	ok 'system-ram' ctl reconfigure-device -m system-ram dax0.0
fi
nid=$(node_of dax0.0)
ok 'private' is_private "$nid"
ok 'state says what is' same "$(get dax0.0 state)" online_movable
ok 'all blocks are movable' same "$(block_states "$nid")" online
ok 'list says system-ram' eval "daxctl list -d dax0.0 | grep -q system-ram"
ok 'list says the node' eval "daxctl list -d dax0.0 | grep -q '\"target_node\":$nid'"
ok 'a program bound to it' binds_to "$nid"
holder dax0.0 private
not_ok 'devdax while busy: refused' ctl reconfigure-device -f -m devdax dax0.0
ok '... still private' is_private "$nid"
ok '... contents' same "$(ask check)" intact
end_holder
[ "$(driver_of dax0.0)" = kmem ] || bind dax0.0 kmem
ok 'offline-memory' ctl offline-memory dax0.0
ok '... no memory' is_gone "$nid"
ok 'online-memory' ctl online-memory dax0.0
ok '... private again' is_private "$nid"
ok 'devdax' ctl reconfigure-device -f -m devdax dax0.0
ok 'nothing is left' same "$(memory_map | grep -v dax)" "$(grep -v dax <<< "$empty")"
dax_down
done_testing
