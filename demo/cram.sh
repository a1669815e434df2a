#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cram.sh: inside a guest whose clock counts instructions: a program with DRAM for half of its
# memory, the other half on compressed RAM, and in zswap with lz4.  Prints what bench/cram does.
#
# usage: demo/cram.sh FOLDER MIB

set -euo pipefail

folder=$1 mib=$2
sim=/sys/kernel/cram_sim
group=/tmp/cg/demo

mkdir -p /tmp/cg
mount -t cgroup2 none /tmp/cg
mount -t debugfs none /sys/kernel/debug 2> /dev/null || true
echo +memory > /tmp/cg/cgroup.subtree_control
mkdir $group
echo 0 > /proc/sys/vm/page-cluster
echo $$ > $group/cgroup.procs

modprobe cram_sim
echo "name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=64M" > $sim/new_device
node=$(cat /sys/kernel/mm/cram/nodes)
dev=/sys/devices/system/node/node$node/private/cram
until [ "$(cat "$dev/credit_bytes")" != 0 ]; do sleep 0.1; done
echo $((mib / 2))M > $group/memory.cram.max
"$folder/cram" half cram $group "$node" "$mib" "$dev/used_bytes"
echo max > $group/memory.cram.max
[ "$(cat $sim/c/lost_writes)" = 0 ] || { echo "demo/cram.sh: the device lost pages" >&2; exit 1; }
echo c > $sim/remove_device
# What the device itself does is not the processor's work: for the counts it does nothing.
echo "name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=64M algorithm=blind lag_ms=10" > $sim/new_device
node=$(cat /sys/kernel/mm/cram/nodes)
until [ "$(cat "/sys/devices/system/node/node$node/private/cram/credit_bytes")" != 0 ]; do sleep 0.1; done
"$folder/cram" pages cram $group "$node" 0 2
# Pages that were written to: where they are, and in a copy.
stat=/sys/devices/system/node/node$node/private/cram/stat
echo -e "cram\tin-place\t$(sed -n 's/^granted //p' "$stat")\t$(sed -n 's/^copied_up //p' "$stat")"
echo c > $sim/remove_device

modprobe brd rd_nr=1 rd_size=65536
modprobe lz4
echo lz4 > /sys/module/zswap/parameters/compressor
echo 1 > /sys/module/zswap/parameters/enabled
mkswap /dev/ram0 > /dev/null 2>&1
swapon /dev/ram0
"$folder/cram" half zswap-lz4 $group -1 "$mib" /sys/kernel/debug/zswap/pool_total_size
"$folder/cram" pages zswap-lz4 $group -1 0 2
swapoff /dev/ram0
