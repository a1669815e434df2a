#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# numa=fake= beside private_node=: the number is that of a split node, which is private like any
# other, although processors of the whole are listed with it.
#
# vm: --node 1536M --append 'numa=fake=3 private_node=2:user_numa'
# kernels: debug
# timeout: 120
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

private=$NODES/node2/private
used() { echo $((($(< "$private/total_bytes") - $(< "$private/free_bytes")) / 4096)); }
kib() { awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo; }

ok 'three nodes' same "$(< "$NODES/online")" 0-2
ok 'the third is private' is_private 2
ok 'the others are ordinary' same "$(< "$NODES/has_memory")" 0-1
ok 'a third of the memory is private' test "$(($(< "$private/total_bytes") >> 20))" -gt 400
ok 'and not in MemTotal' test "$(kib MemTotal)" -lt $((1100 << 10))
ok 'nothing is on it' same "$(used)" 0
ok 'a program bound to it is' numactl --membind=2 grep -qE 'stack.* N2=[0-9]' /proc/self/numa_maps
not_ok 'a program that runs on its processors is not' \
	numactl --cpunodebind=2 grep -qE ' N2=[0-9]' /proc/self/numa_maps
ok 'nothing is left on it' same "$(used)" 0
done_testing
