#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Broken pages that are freed, and that go offline and come back: they stay out of use, everything else is used
# again, and who is asked about them finds them.  With page_owner=on the kernel warns when it counts a freed page
# twice.
#
# vm: --node 1G --node 512M --node 256M --reserve 256M,node=0 --append 'private_node=1:user_numa private_node_spare=1 page_owner=on init_on_alloc=1'
# allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Soft offline|soft offline|Unpoison
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2016,SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

memory=/sys/devices/system/memory
put() { echo "$1" 2> /dev/null > "$2"; }
pages() { echo $(($(< "$NODES/node$1/private/free_bytes_exact") / 4096)); }
poisoned() { sed -n 's/^PrivateHardwareCorrupted: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
breaks() { put $(($1 * 4096)) $memory/hard_offline_page; }
mends() { put "$1" /sys/kernel/debug/hwpoison/unpoison-pfn; }
held_pfn() { echo $(($(< $SIM/held_pfn))); }
# Of /proc/kpageflags; 400 is a page of the free lists.
flags() { dd if=/proc/kpageflags bs=8 skip="$1" count=1 2> /dev/null | od -An -tx8 | sed 's/^ *0*//'; }
page_of() { "$PMN_TOP/build/tests/guest/hotplug/page_of" "$@"; }

modprobe private_node_sim
modprobe hwpoison_inject
mount -t debugfs none /sys/kernel/debug 2> /dev/null || true
range=$(reserved | sed -n 1p)
ok 'a node' sim new_node name=a "ranges=$range" on_unplug=move capable=user_numa,hugetlb enabled=user_numa,hugetlb
nid=$(nid_of a)

# An owner frees a folio with a broken page, and the page is mended.
for order in 0 4 9; do
	before=$(pages "$nid")
	ok "order $order: the owner's" sim alloc node=a order=$order
	pfn=$(held_pfn)
	pfn=$((pfn + (order ? 7 : 0)))
	breaks $pfn
	ok '... broken, freed' sim free all
	ok '... is out of use, alone' same "$(pages "$nid")" $((before - 1))
	ok '... mended' mends $pfn
	ok '... is free' same "$(pages "$nid")" "$before"
done

# Free huge pages of a pool.  A page is broken on the node already, so that blocks are looked at.
pool=$NODES/node$nid/hugepages/hugepages-2048kB
ok 'a pool' eval 'put 3 $pool/nr_hugepages; same "$(cat "$pool/nr_hugepages")" 3'
dmesg -c > /dev/null
for ((try = 1; try <= 3; try++)); do
	pfn=$(page_of huge "${range%%:*}" "${range#*:}" | sed -n 1p)
	ok "a free huge page breaks, $try" breaks $((pfn + 9))
	ok '... and is out of use' eval '[[ $(dmesg -c) =~ "recovery action for "[^:]*": Recovered" ]]'
	[ $try = 3 ] || ok '... mended' mends $((pfn + 9))
done

# One of a file: the file keeps it, and with it the node.
coproc HOLDER { page_of shared "$nid"; }
read -r pfn <&"${HOLDER[0]}"
ok 'a huge page of a file breaks' breaks $((pfn + 5))
put 0 "$pool/nr_hugepages"
not_ok '... and the node stays while the file is there' sim remove_node a
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID" 2> /dev/null
ok '... and goes without it' sim remove_node a
ok '... and its broken pages with it' same "$(poisoned)" 0

# A page breaks in the owner's hands while its block goes offline, which takes 0.2 s and is refused.
sim new_node name=a "ranges=$range" on_unplug=move capable=user_numa enabled=user_numa
nid=$(nid_of a)
sim alloc node=a order=0
pfn=$(held_pfn)
block=memory$((pfn * 4096 / 0x$(< $memory/block_size_bytes)))
for after in 0.02 0.06 0.12; do
	{ sleep $after; breaks "$pfn"; } &
	not_ok "the owner's page breaks $after s after its block began to go offline: refused" \
		put offline "$memory/$block/state"
	wait $!
done
ok '... and the owner has it' eval '[[ $(< $SIM/held) =~ folios=1$ ]]'
ok '... which can be freed' sim free all

# It was the owner's when it broke; when it breaks again it is a program's.
ok 'the node goes' sim remove_node a
sim new_node name=a "ranges=$range" on_unplug=move capable=user_numa enabled=user_numa
nid=$(nid_of a)
coproc HOLDER { exec "$PMN_TOP/build/tests/guest/hotplug/user_pages" /dev/private_node/a $(($(pages "$nid") * 4096)) private; }
read -r _ <&"${HOLDER[0]}"
breaks "$pfn"
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID" 2> /dev/null
ok 'a frame that an owner had breaks in the hands of a program: the node goes' sim remove_node a
rmmod private_node_sim

# Boot memory goes offline with broken pages in it, and comes back.
dir=$NODES/node1/private
before=$(pages 1) bytes=$(< $dir/total_bytes)
put move $dir/on_unplug
coproc HOLDER { page_of 1; }
read -r soft <&"${HOLDER[0]}"
ok 'a page is taken out of use, its data moves' put $((soft * 4096)) $memory/soft_offline_page
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID"
coproc HOLDER { page_of 1; }
read -r pfn <&"${HOLDER[0]}"
ok 'a page breaks, its user is killed or lets it go' breaks "$pfn"
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID" 2> /dev/null
coproc HOLDER { page_of 1; }
read -r again <&"${HOLDER[0]}"
put $((again * 4096)) $memory/soft_offline_page
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID"
ok 'one that a program had is mended, and free like any other' eval 'mends "$again" && same "$(flags "$again")" 400'
ok '... what is broken are two pages' same "$(pages 1) $(poisoned)" "$((before - 2)) 8"
for try in 1 2; do
	ok "offline, $try" put offline $dir/boot_memory
	ok '... online' put online $dir/boot_memory
	ok '... all of it' same "$(< $dir/total_bytes) $(block_states 1)" "$bytes online"
	ok '... but for the broken pages' same "$(pages 1) $(poisoned)" "$((before - 2)) 8"
done
block=$(blocks 1 | sed -n 1p)
put offline "$memory/$block/state"
ok 'a block with broken pages comes back by itself' eval 'put online "$memory/$block/state"; same "$(block_states 1)" online'
ok '... without them' same "$(pages 1) $(poisoned)" "$((before - 2)) 8"
ok 'mended' eval 'mends "$pfn" && mends "$soft"'
ok '... and free' same "$(pages 1) $(poisoned)" "$before 0"
done_testing
