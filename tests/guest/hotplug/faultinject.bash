# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# faultinject.bash: allocations of an operation fail, one after another; source it.

. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

# fault EVERY OPERATION...: every EVERYth allocation.  The only spare node id must not get lost on the
# way.  PMN_FAULT="OPERATION..." for some of them.
fault() {
	local every=$1 before
	shift
	echo 0 > /proc/sys/kernel/panic_on_warn
	mount -t debugfs none /sys/kernel/debug 2> /dev/null
	modprobe -a private_node_sim cram_sim
	mkdir -p /tmp/fault-cg
	mount -t cgroup2 none /tmp/fault-cg && echo '+memory +cpuset' > /tmp/fault-cg/cgroup.subtree_control
	before=$(leftovers)
	# shellcheck disable=SC2086 # words
	ok 'each operation' "$PMN_BIN/faultinject" f "$(reserved)" "$every" ${PMN_FAULT:-$@}
	ok 'nothing is left' same "$(leftovers)" "$before"
	umount /tmp/fault-cg
	rmmod private_node_sim cram_sim
	done_testing
}
