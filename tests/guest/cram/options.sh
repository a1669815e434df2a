#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cram_sim refuses what makes no sense with one line, and takes no memory that is not reserved; a device that is
# not believed shows no credit.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# timeout: 60
# The functions are called through ok.
# shellcheck disable=SC2317,SC2016
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

CRAM=/sys/kernel/cram_sim
modprobe cram_sim
range=$(reserved | sed -n 1p)
before=$(memory_map)

# refused REGEX WORDS...: one line says why, and there is nothing behind it
refused() {
	local regex=$1 log
	shift
	dmesg -C
	if echo "$*" 2> /dev/null > "$CRAM"/new_device; then echo "# taken: $*"; return 1; fi
	log=$(dmesg)
	[[ $(wc -l <<< "$log") = 1 && $log =~ $regex ]] || { echo "# $log"; return 1; }
	same "$(memory_map)" "$before"
}

ok "a size without its unit" refused 'physical=96: less than 1 MiB; give a unit, as in 96M' name=c range="$range" physical=96
ok "no size" refused 'physical=x: no size' name=c range="$range" physical=x
ok "memory that is not reserved" refused 'not all reserved; boot with memmap=' name=c range=$((256 << 20)):$((128 << 20)) physical=96M
ok "... and in part" refused 'not all reserved' name=c range=$((${range%:*} - (128 << 20))):$((256 << 20)) physical=96M
ok "no memory at all" refused 'not all reserved' name=c range=$((1 << 44)):$((128 << 20)) physical=96M
ok "half a block" refused 'not whole memory blocks' name=c range="${range%:*}:4096" physical=96M
ok "an unknown algorithm" refused 'none of lz4, zstd, none, blind' name=c range="$range" physical=96M algorithm=gzip
ok "a reserved range" eval 'echo "name=c range=$range physical=96M" > "$CRAM"/new_device'
nid=$(< /sys/kernel/mm/cram/nodes)
cram=$NODES/node$nid/private/cram
is() { [ "$(< "$cram/state")" = "$1" ]; }
until is ok; do sleep 0.1; done
until [ "$(< "$cram/credit_bytes")" -gt 0 ]; do sleep 0.1; done
ok "a good device has credit" is ok
echo silent > "$CRAM"/c/mode
for ((i = 0; i < 300; i++)); do ! is silent || break; sleep 0.1; done
ok "a silent device" is silent
ok "... has none" [ "$(< "$cram/credit_bytes")" = 0 ]
echo good > "$CRAM"/c/mode
for ((i = 0; i < 300; i++)); do ! is ok || break; sleep 0.1; done
ok "it comes back" is ok
echo c > "$CRAM"/remove_device
ok "nothing is left" same "$(memory_map)" "$before"
modprobe -r cram_sim
done_testing
