#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/start.md, compressed RAM: the simulated device, what is promised of it, and each row of the table.
#
# vm: --node 3G --append 'memmap=256M$4G private_node_spare=1'
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

group=/sys/fs/cgroup/a
node=/sys/devices/system/node/node1/private/cram
cold=$PMN_TOP/build/tests/guest/tools/cold

ok 'booted as the document says' booted docs/start.md cram
ok '/proc/iomem shows the range as reserved' grep -qE '^ *[0-9a-f]+-10fffffff : Reserved$' /proc/iomem
ok 'cram: it runs' run docs/start.md cram
ok '... node 1' prints '^1$'
ok '... has what was given' prints "^$node/physical_bytes:$((96 << 20))\$"
ok '... and shows more' prints "^$node/shown_bytes:$((256 << 20))\$"
refused() { ! echo "$1" 2> /dev/null > /sys/kernel/cram_sim/new_device && dmesg | tail -n 3 | grep -q 'not all reserved'; }
ok 'a range that is not reserved is refused' refused 'name=d range=1G:256M physical=96M'
ok 'nor one that is so in part' refused 'name=d range=4224M:256M physical=96M'

echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir $group
coproc COLD { echo "$BASHPID" > $group/cgroup.procs; exec "$cold" 32; }
read -r line <&"${COLD[0]}"
tries=0
there() { cat $group/memory.cram.current; }
# Pages of the last moment may still lie in per-CPU lists.
until [ "$(there)" -gt $((16 << 20)) ] || [ $((tries++)) -gt 50 ]; do echo 16M > $group/memory.reclaim; done 2> /dev/null
ok 'reclaim moves cold memory there' [ "$(there)" -gt $((16 << 20)) ]
ok '... without swap' [ "$(wc -l < /proc/swaps)" = 1 ]
ok '... nothing is lost' grep -qx 'lost 0' $node/stat
ok '... and there is credit for more' [ "$(< $node/credit_bytes)" -gt 0 ]
out=${COLD[1]} pid=$COLD_PID
exec {out}>&-
read -r line <&"${COLD[0]}"
wait "$pid"
ok '... its program reads what it wrote' [ "$line" = intact ]

# Each row of the table: the file takes what the row says, and what it had before.
takes() { local old; old=$(< "$1"); echo "$2" > "$1" && [ "$(< "$1")" = "$3" ] && echo "$old" > "$1"; }
ok 'memory.cram.max' takes $group/memory.cram.max 16M $((16 << 20))
ok 'anon' takes /sys/kernel/mm/cram/anon 0 0
ok 'file' takes /sys/kernel/mm/cram/file 1 1
ok 'writable_bytes' takes $node/writable_bytes 4M $((4 << 20))
ok 'zswap' takes /sys/module/zswap/parameters/node 1 1
rmdir $group
echo c > /sys/kernel/cram_sim/remove_device
ok 'and is taken away' grep -qx '' /sys/devices/system/node/has_private_memory
rmmod cram_sim
done_testing
