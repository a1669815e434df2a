#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/recipes.md, fast memory above DRAM: for who names it, and DRAM when it is full.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

ok 'booted as the document says' booted docs/recipes.md fast
ok 'fast: it runs' run docs/recipes.md fast
ok '... the bound program is there' bound_to 1
ok '... and is counted' prints '^user_numa_used [1-9]'
ok '... nothing fell back' prints '^fallback 0$'
ok 'a program that is larger than the node goes on' numactl --membind=1 dd if=/dev/zero of=/dev/null bs=600M count=1
ok '... in DRAM, counted' grep -q '^fallback [1-9]' /sys/devices/system/node/node1/private/stat
# Its output is a file of tmpfs, which a bound program wrote.
rm "$recipe"
done_testing
