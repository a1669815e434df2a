#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.bash: the guest's side of tests/host/boot.sh: boot.bash WHAT; prints facts, a line each.

set -u
nodes=/sys/devices/system/node
kexec=$PMN_TOP/build/tests/guest/boot/kexec
: "${PMN_BZIMAGE:=$PMN_TOP/build/kernel-$PMN_KERNEL/arch/x86/boot/bzImage}"
: "${PMN_INITRD:=$(echo "$PMN_TOP"/build/vm/init-*.cpio | cut -d' ' -f1)}"

# The node of a physical address.
nid_of() {
	local d
	d=$(echo $nodes/node*/memory$(($1 / 0x$(cat /sys/devices/system/memory/block_size_bytes))))
	d=${d#"$nodes"/node}
	echo "${d%%/*}"
}

# Where an entry of /proc/iomem begins.
starts() { sed -nE "s/^ *([0-9a-f]+)-[0-9a-f]+ : $1\$/0x\1/p" /proc/iomem | sed -n 1p; }

private() { echo "private '$(cat $nodes/has_private_memory)'"; }

# Any address of node 1.
on_node1() {
	local block
	block=$(basename "$(echo $nodes/node1/memory* | cut -d' ' -f1)")
	echo $((${block#memory} * 0x$(cat /sys/devices/system/memory/block_size_bytes)))
}

where() {
	private
	echo "kernel at $(starts 'Kernel code') node $(nid_of "$(starts 'Kernel code')")"
}

# The nodes of all segments that kexec_file_load() has chosen.
segments() {
	local mem
	dmesg | sed -nE 's/.*kexec.*segment\[[0-9]+\].* mem=0x([0-9a-f]+) .*/0x\1/p' | while read -r mem; do
		nid_of "$mem"
	done | sort -u | paste -sd' '
}

load() { "$kexec" load "$PMN_BZIMAGE" "$PMN_INITRD" "$(cat /proc/cmdline) second_kernel"; }

case $1 in
where) where ;;
segments)
	private
	load && echo "segments on nodes '$(segments)'"
	;;
kexec)
	if grep -qw second_kernel /proc/cmdline; then
		echo second
		where
		exit
	fi
	where
	echo "crash kernel on node $(nid_of "$(starts 'Crash kernel')")"
	"$kexec" at "$(on_node1)"
	dmesg | grep -o 'node 1: kexec may not load.*; name memory of an ordinary node' | sed 's/\[.*\]/.../'
	"$kexec" at $((320 << 20)) && echo "at 320M: loaded"
	load && echo "segments on nodes '$(segments)'" && "$kexec" go
	;;
hibernate)
	sim=/sys/kernel/cram_sim
	modprobe cram_sim
	echo "before: $(grep -o disabled /sys/power/disk || echo can)"
	echo "name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=64M algorithm=lz4" > $sim/new_device
	echo "nodes '$(cat /sys/kernel/mm/cram/nodes)'"
	echo "registered: $(grep -o disabled /sys/power/disk || echo can)"
	echo disk > /sys/power/state 2> /dev/null || echo "hibernation refused"
	echo c > $sim/remove_device
	# Opened while it can be; a device comes then.  Short of an image: what the guest speaks through is not suspended.
	echo freezer > /sys/power/pm_test
	"$PMN_TOP/build/tests/guest/boot/snapshot" $sim/new_device \
		"name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=64M algorithm=lz4"
	echo c > $sim/remove_device
	modprobe -r cram_sim
	echo "after: $(grep -o disabled /sys/power/disk || echo can)"
	;;
# For tests/mutate: one hook, and its control.
check)
	case $2 in
	hibernation) "$0" hibernate | grep -qx 'registered: disabled' && "$0" hibernate | grep -qx 'before: can' ;;
	kexec_hole) load && [ "$(segments)" = 0 ] ;;
	kexec_segment) ! "$kexec" at "$(on_node1)" && "$kexec" at $((320 << 20)) ;;
	esac
	;;
esac
