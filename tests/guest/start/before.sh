#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/start.md, a node that firmware describes: what is asked before it is private.
#
# vm: --node 1G --node 512M
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash
export PATH=$PMN_TOP/build/tools:$PATH

ok 'before: it runs' run docs/start.md before
ok '... lsmem shows the node' prints '^0x[0-9a-f]+-0x[0-9a-f]+ +512M +1$'
ok '... the node has no processors' prints '^$'
ok '... and can be private' prints '^ok +option +private_node=1:user_numa'
done_testing
