#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A private node has no processors: one that has them online does not become private, and while a
# node is private its CPUs do not come online, whoever is first.
#
# vm: --cpus 3 --node 1G,cpus=0-1 --node 0,cpus=2 --nvdimm 256M,node=1 --append private_node_spare=1
# timeout: 120
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

cpu() { put "$2" "/sys/devices/system/cpu/cpu$1/online"; }
online() { [ "$(< "/sys/devices/system/cpu/cpu$1/online")" = 1 ]; }

dax_up
modprobe kmem
bind dax0.0 kmem
unplug dax0.0
empty=$(memory_map)
choose dax0.0 1 target
refused 'with a CPU online' 'its node 1 has CPUs; write spare to private_node' plug dax0.0
ok 'the CPU goes offline' cpu 2 0
ok 'without CPUs' plug dax0.0
ok '... the node is private' is_private 1
ok 'its CPU stays offline, and dmesg says why' \
	logged 'cpu 2 stays offline: its node 1 is private, of kmem-dax0.0; unplug that memory first' cpu 2 1
not_ok '... it is not online' online 2
ok '... and the node is still private' is_private 1
ok 'the CPU of another node goes offline' cpu 1 0
ok '... and comes online' cpu 1 1
ok 'unplugged' unplug dax0.0
ok 'now the CPU comes online' cpu 2 1
choose dax0.0 1 spare
ok 'on a spare node, with the CPU online' plug dax0.0
ok '... unplugged' unplug dax0.0

# Both at once: one of them is refused, or both were one after the other in an order that is allowed.
choose dax0.0 1 target
race() {
	local i
	for i in 1 2 3 4 5; do
		cpu 2 0
		cpu 2 1 & plug dax0.0
		wait $!
		if online 2 && is_private 1; then echo "# both, round $i"; return 1; fi
		if ! online 2 && ! is_private 1; then echo "# neither, round $i"; return 1; fi
		is_private 1 && unplug dax0.0
		online 2 || cpu 2 1
	done
}
ok 'plugged and brought online at once' race
ok 'nothing is left' same "$(memory_map)" "$empty"
dax_down
done_testing
