#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/recipes.md, memory that has to keep its content: what a private node makes of it.
#
# vm: --node 3G --append 'memmap=512M!4G private_node_spare=1'
# timeout: 120
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash
export PATH=$PMN_TOP/build/tools:$PATH

for m in nd_pmem dax_pmem device_dax kmem; do modprobe $m; done
ok 'booted as the document says' booted docs/recipes.md shared
ok 'shared: it runs' run docs/recipes.md shared
ok '... the number is kept' prints '^42$'
ok 'shared-lost: it runs' run docs/recipes.md shared-lost
ok '... and is lost' prints '^lost on [0-9]+ of [0-9]+ pages$'
done_testing
