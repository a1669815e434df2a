#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/start.md, a driver: the module that plays one, on memory that was kept from the kernel.
#
# vm: --node 3G --append 'memmap=512M$4G private_node_spare=1'
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

ok 'booted as the document says' booted docs/start.md sim
ok 'sim: it runs' run docs/start.md sim
ok '... a node of its own' prints '^name=npu0 nid=1 '
ok '... is private' grep -qx 1 /sys/devices/system/node/has_private_memory
ok '... with a device file' test -c /dev/private_node/npu0
echo npu0 > /sys/kernel/private_node_sim/remove_node
ok '... and goes' [ ! -e /dev/private_node/npu0 ]
rmmod private_node_sim
done_testing
