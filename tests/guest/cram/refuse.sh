#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bad input to the simulated device, to the files of compressed RAM and to the memory of its node: refused,
# said why, and nothing changed.  What each file says of a device on which nothing is.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
# timeout: 120
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

DEVICES=/sys/kernel/cram_sim
SWITCHES=/sys/kernel/mm/cram
modprobe cram_sim
range=$(reserved)
start=${range%:*}
half=$start:128M
ram=$(awk -F- '/System RAM/ { r = $1 } END { print "0x" r }' /proc/iomem)

# write FILE WORDS...
write() {
	local file=$1
	shift
	echo "$*" 2> /dev/null > "$file"
}

# What a refused write must leave as it was, into $now; without a process for each file, which takes long here.
cram=
look() {
	local f text
	now=$(echo /sys/devices/system/memory/memory*)
	for f in "$NODES"/{online,has_memory,has_private_memory} /proc/iomem "$DEVICES"/*/mode \
		"$DEVICES"/*/physical_bytes "$SWITCHES"/* "${cram:-/none}"/*; do
		case $f in
		*/stat|*/used_bytes|*/credit_bytes|*/stray_store) continue ;;
		esac
		[ -f "$f" ] || continue
		IFS= read -rd '' text < "$f"
		now+="
$f: $text"
	done
}

# refused TEXT REGEX FILE WORDS...
refused() {
	local text=$1 regex=$2 before
	shift 2
	look
	before=$now
	ok "refused: $text" logged "$regex" write "$@"
	look
	ok "unchanged: $text" same "$now" "$before"
}

# no_device TEXT REGEX OPTIONS...: bad options beside those that are needed
no_device() {
	local text=$1 regex=$2
	shift 2
	refused "$text" "$regex" $DEVICES/new_device name=a "range=$half" physical=64M "$@"
}

refused 'nothing' 'name=: is missing' $DEVICES/new_device ''
refused 'no range' 'range=: is missing' $DEVICES/new_device name=a physical=64M
refused 'no physical' 'physical=: is missing' $DEVICES/new_device name=a "range=$half"
refused 'a name of 24 characters' 'longer than 23' $DEVICES/new_device name=abcdefghijklmnopqrstuvwx "range=$half" physical=1M
refused 'a slash in the name' "only letters, digits" $DEVICES/new_device name=a/b "range=$half" physical=1M
refused 'a range without a size' 'not ADDRESS:SIZE' $DEVICES/new_device name=a "range=$start" physical=1M
refused 'a range of nothing' 'not whole memory blocks' $DEVICES/new_device name=a "range=$start:0" physical=1M
refused 'half a block' 'not whole memory blocks' $DEVICES/new_device name=a "range=$start:64M" physical=1M
refused 'something behind the range' 'not whole memory blocks' $DEVICES/new_device name=a "range=$half,0" physical=1M
refused 'memory of somebody else' 'not all reserved' $DEVICES/new_device name=a "range=$ram:128M" physical=1M
refused 'a size that is none' 'physical=1x: no size' $DEVICES/new_device name=a "range=$half" physical=1x
no_device 'an unknown option' 'colour=red: unknown option' colour=red
no_device 'an unknown word' 'colour=: unknown option' colour
no_device 'a word without a value' 'sector=: no value given' sector
no_device 'an empty value' 'sector=: no value given' sector=
no_device 'an option twice' 'name=b: given twice' name=b
no_device 'sector=32' 'sector=32: out of range' sector=32
no_device 'sector=8192' 'sector=8192: out of range' sector=8192
no_device 'sector=x' 'sector=x: out of range' sector=x
no_device 'sector=96' 'sector=96: no power of two' sector=96
no_device 'a worst case below a page' 'worst_case=4095: out of range' worst_case=4095
no_device 'a worst case above two pages' 'worst_case=8193: out of range' worst_case=8193
no_device 'a worst case of part of a sector' 'worst_case=4100: not whole sectors' worst_case=4100
no_device 'an unknown algorithm' 'algorithm=gzip: none of lz4' algorithm=gzip
no_device 'more than a millisecond' 'latency_us=1001: out of range' latency_us=1001
no_device 'more than ten seconds' 'reading_ms=10001: out of range' reading_ms=10001
no_device 'lag_ms=10001' 'lag_ms=10001: out of range' lag_ms=10001
no_device 'timeout_ms=60001' 'timeout_ms=60001: out of range' timeout_ms=60001
no_device 'watermark=0' 'watermark=0: out of range' watermark=0
no_device 'watermark=101' 'watermark=101: out of range' watermark=101
no_device 'a margin that is none' 'margin=1x: no size' margin=1x
no_device 'an unknown mode' 'mode=warp: unknown mode' mode=good,warp
no_device 'a mode that needs a lag' 'mode=stale: needs lag_ms' mode=slow,stale
no_device 'a node id out of range' 'node=64: out of range' node=64
no_device 'a node id that is none' 'node=a: out of range' node=a
no_device 'a node that is not possible' 'not a possible node' node=9
no_device 'a node with ordinary memory' 'has (CPUs|ordinary memory)' node=0
refused 'remove what is not there' 'remove_device: a: no such device' $DEVICES/remove_device a

ok 'a device' write $DEVICES/new_device name=a "range=$half" physical=64M lag_ms=20 sector=128 worst_case=4352 margin=1M \
	watermark=80 timeout_ms=3000 algorithm=zstd mode=slow,understated
nid=$(< $SWITCHES/nodes)
cram=$NODES/node$nid/private/cram
# is WHAT FILE VALUE
is() { ok "$1" same "$(< "$2")" "$3"; }
is 'mode: the modes, in the order of the documentation' $DEVICES/a/mode slow,understated
write $DEVICES/a/mode delayed,slow
is 'mode: others' $DEVICES/a/mode slow,delayed
write $DEVICES/a/mode good
is 'mode: none' $DEVICES/a/mode good
is 'physical_bytes, of the device itself' $DEVICES/a/physical_bytes 67108864
# Until then the files still change.
read_once() { [ "$(awk '$1 == "readings" { print $2 }' "$cram/stat")" -gt 0 ] && [ "$(< "$cram/state")" = ok ]; }
for ((i = 0; i < 600; i++)); do
	! read_once || break
	sleep 0.1
done
ok 'a reading came' read_once
refused 'an unknown mode, by the file' 'mode=warp: unknown mode' $DEVICES/a/mode warp
refused 'an empty mode' 'mode=: unknown mode' $DEVICES/a/mode ''
refused 'a size that is none, by the file' 'no size' $DEVICES/a/physical_bytes 1x
refused 'hot: a page of somebody else' 'no page frame of the device' $DEVICES/a/hot $((start / 4096 + 32768))
no_device 'a name that is in use' 'name=a: is in use'
refused 'no spare node is left' 'no spare node id: 1 were made, 1 are taken' \
	$DEVICES/new_device name=b "range=$(printf 0x%x $((start + 0x8000000))):128M" physical=1M
refused 'its memory once more' 'name=b|is private already|overlaps' $DEVICES/new_device name=b node="$nid" "range=$half" physical=1M
refused 'remove another' 'no such device' $DEVICES/remove_device b

is 'shown_bytes' "$cram/shown_bytes" 134217728
is 'physical_bytes' "$cram/physical_bytes" 67108864
is 'used_bytes: nothing is there' "$cram/used_bytes" 0
is 'ratio: nor is there a ratio' "$cram/ratio" 0.00
is 'resident_bytes' "$cram/resident_bytes" 0
is 'untrimmed_bytes' "$cram/untrimmed_bytes" 0
is 'worst_case_bytes: what the device declares' "$cram/worst_case_bytes" 4352
is 'credit_bytes: all but the margin' "$cram/credit_bytes" $((67108864 - 1048576))
is 'writable_used_bytes' "$cram/writable_used_bytes" 0
refused 'state: a device that is not broken' "state: 'ok' refused: only 'ok' can be written" "$cram/state" ok
refused 'state: another word' "state: 'silent' refused: only 'ok' can be written" "$cram/state" silent
refused 'writable_bytes: no size' "writable_bytes: 'x' is neither a size nor" "$cram/writable_bytes" x
refused 'writable_bytes: more than is shown' "writable_bytes: '1G' is neither a size nor" "$cram/writable_bytes" 1G
refused 'writable_bytes: something behind it' "writable_bytes: '1M,' is neither a size nor" "$cram/writable_bytes" 1M,
not_ok 'shown_bytes is for reading' write "$cram/shown_bytes" 1
for f in anon file pageout swap; do
	is "$f: as documented, at first" $SWITCHES/$f "$([ $f = file ] && echo 0 || echo 1)"
	refused "$f: 2" "cram: $f: '2' is neither 0 nor 1" $SWITCHES/$f 2
	write $SWITCHES/$f 0
	is "$f: off" $SWITCHES/$f 0
	write $SWITCHES/$f "$([ $f = file ] && echo 0 || echo 1)"
done
if [ -e "$cram/ledger" ]; then
	is 'ledger: on by itself' "$cram/ledger" 1
	refused 'ledger: x' "ledger: 'x' is neither 0 nor 1" "$cram/ledger" x
	write "$cram/ledger" 0
	is 'ledger: off' "$cram/ledger" 0
	write "$cram/ledger" 1
	is 'protected: a device that came while the switch was off' "$cram/protected" 0
	not_ok 'protected is for reading' write "$cram/protected" 1
	refused 'stray_store: no number' "stray_store: 'x' is no page in use" "$cram/stray_store" x
	refused 'stray_store: below' "stray_store: '1' is no page in use" "$cram/stray_store" 1
	refused 'stray_store: above' "is no page in use" "$cram/stray_store" $((start / 4096 + 32768))
	refused 'stray_store: a free page' "is no page in use" "$cram/stray_store" $((start / 4096))
	is 'protect: off by itself' $SWITCHES/protect 0
	refused 'protect: x' "protect: 'x' is neither 0 nor 1" $SWITCHES/protect x
	write $SWITCHES/protect 1
	is 'protect: on' $SWITCHES/protect 1
	is 'protect: and a device that is there stays as it is' "$cram/protected" 0
	write $SWITCHES/protect 0
else
	skip 'ledger, protected, stray_store, protect' 'a kernel without CONFIG_CRAM_DEBUG'
fi

block=$(blocks "$nid" | sed -n 1p)
refused 'a block goes offline by its file' 'cannot offline .*it is compressed RAM; its driver takes it away' \
	"/sys/devices/system/memory/$block/state" offline
refused 'services: one that stores behind its back' 'did not declare its device capable of user_numa' "$NODES/node$nid/private/enabled" +user_numa
ok 'rmmod is refused while there is a device' logged '' rmmod cram_sim
ok 'the device goes' write $DEVICES/remove_device a
ok 'rmmod' rmmod cram_sim
not_ok 'no file of it is left' test -e $DEVICES
is 'nor a node' $SWITCHES/nodes ''
done_testing
