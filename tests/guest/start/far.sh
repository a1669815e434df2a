#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/recipes.md, slow far memory: a tier for one cgroup.
#
# vm: --node 1G --node 512M --append private_node=1:reclaim,demotion,promotion,access=named
# timeout: 150
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

# bytes GROUP NODE: bytes of anonymous memory of the group there, as the recipe printed them
bytes() { sed -n "s,^$1/memory.numa_stat:anon .*N$2=\([0-9]*\).*,\1,p" "$recipe"; }

ok 'booted as the document says' booted docs/recipes.md far
ok 'far: it runs' run docs/recipes.md far
ok '... two tiers' prints '^1$'
ok 'far-moves: it runs' run docs/recipes.md far-moves
ok '... memory of the group moved' test "$(bytes batch 1)" -gt 0
ok '... that of another did not' test "$(bytes other 1)" = 0
done_testing
