#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unplug under load: cycles of plug, bind, fill, fork, swap, move and unplug, with a checksum over
# every page that survives; a pin makes unplug fail and is named.  200 cycles under the debug kernel.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# timeout: 350
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
modprobe zram
echo 128M > /sys/block/zram0/disksize
mkswap /dev/zram0 > /dev/null && swapon /dev/zram0
before=$(leftovers)
# The debug kernel does all 200.
scale=1
[ ! -e /proc/lockdep ] || scale=4

sim new_node name=c ranges="$(reserved)" capable=user_numa,reclaim enabled=user_numa,reclaim
sim unplug c
for how in move refuse sigbus; do
	cycles=$((16 * scale))
	[ $how != sigbus ] || cycles=$((18 * scale))
	echo "# $SECONDS s"
	ok "$how: $cycles cycles" "$PMN_BIN/cycles" c $cycles $how
	ok "$how: no memory is left on the node" is_gone "$(nid_of c)"
done
ok 'the node goes' sim remove_node c
ok 'nothing is left' same "$(leftovers)" "$before"
ok 'swap goes off' swapoff /dev/zram0
rmmod private_node_sim
done_testing
