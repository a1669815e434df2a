#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/recipes.md, a pool of huge pages on a private node.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa,hugetlb
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

ok 'booted as the document says' booted docs/recipes.md pool
ok 'pool: it runs' run docs/recipes.md pool
ok '... the pool is filled' prints '^32$'
ok '... and a file takes its pages from there' prints '^24$'
umount -l /tmp/huge
echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
ok 'the pool goes' grep -qx 0 /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
done_testing
