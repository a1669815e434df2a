#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A node whose processors are offline at boot is left ordinary, and they come online later.
#
# vm: --node 1G,cpus=0 --node 256M,cpus=1 --append 'private_node=1 maxcpus=1'
# timeout: 60
set -u
. tests/lib/tap.sh

NODES=/sys/devices/system/node
CPU1=/sys/devices/system/cpu/cpu1/online

ok 'the second CPU is offline' test "$(< $CPU1)" = 0
ok 'dmesg says why its node is not private' grep -q 'private_node: node 1 left ordinary: it has CPUs' <(dmesg)
ok 'no node is private' test -z "$(< $NODES/has_private_memory)"
ok 'both have ordinary memory' test "$(< $NODES/has_memory)" = 0-1
ok 'the CPU comes online' eval "echo 1 > $CPU1"
ok '... it is' test "$(< $CPU1)" = 1
done_testing
