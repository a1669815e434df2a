#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Private DAX devices in the memory tiers: one of one block on its own node, one of several on a spare
# node, in many orders of bind, unbind, plug, unplug, +demotion, -demotion, adistance, a holder that
# keeps the memory, and blocks offline and online, while all files are read.
#
# vm: --node 1G --node 0 --nvdimm 256M,node=1 --nvdimm 384M,node=1 --append private_node_spare=1
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

# Twice as many cover few more operations.
steps=200
[ ! -e /proc/lockdep ] || steps=100
tiers() { tail -n +1 /sys/devices/virtual/memory_tiering/memory_tier*/nodelist; }

dax_up
modprobe kmem
empty_tiers=$(tiers)
choose dax0.0 1 target none
choose dax1.0 1 spare none
for dev in dax0.0 dax1.0; do
	bind $dev kmem
	unplug $dev
	plug $dev
done
ok 'one block on the own node' same "$(node_of dax0.0) $(blocks 1 | wc -l)" '1 1'
ok 'several on a spare one' test "$(blocks "$(node_of dax1.0)" | wc -l)" -gt 1
spare=$(node_of dax1.0)
unplug dax0.0
unplug dax1.0
empty=$(memory_map)

# No TAP of its own: its lines are ours.
orders() {
	"$PMN_BIN/orders" "$@" > /tmp/orders
	local bad=$?
	sed 's/^[^#]/# &/' /tmp/orders
	return "$bad"
}
ok "$steps operations" orders $steps "${PMN_SEED:-1}" dax0.0:1 "dax1.0:$spare"
ok 'no tier is left' same "$(tiers)" "$empty_tiers"
ok 'no memory is left' same "$(memory_map)" "$empty"
dax_down
done_testing
