#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's numactl, as it is: what it sees of an open private node, and where its programs land.
#
# vm: --node 1G --node 256M --append private_node=1:user_numa
# timeout: 100

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

private=/sys/devices/system/node/node1/private

# pages NODE FILE: pages of a numa_maps on a node
pages() { grep -oE " N$1=[0-9]+" "$2" | awk -F= '{ sum += $2 } END { print sum + 0 }'; }
# of FILE: anonymous lines only
anon() { grep -E 'heap|stack|anon=' "$1" | grep -v 'mapped=' > "$1.anon"; pages "$2" "$1.anon"; }
maps() { numactl "$@" cat /proc/self/numa_maps > /tmp/maps 2> /tmp/err; }
shown() { numactl --show | grep -qx "membind: $1 "; }

ok "--show has the node among those that may be bound" shown "0 1"
ok "--membind=1" maps --membind=1
ok "--membind=1: anonymous memory is there" [ "$(anon /tmp/maps 1)" -gt 10 ]
ok "--membind=1: and nowhere else" [ "$(anon /tmp/maps 0)" = 0 ]
grep 'mapped=' /tmp/maps > /tmp/files
ok "--membind=1: mapped files are not" [ "$(pages 1 /tmp/files)" = 0 ]
ok "--interleave=all" maps --interleave=all
ok "--interleave=all: the ordinary node only" [ "$(pages 1 /tmp/maps)" = 0 ]
ok "--membind=all" maps --membind=all
ok "--membind=all names it: the policy says so" grep -q 'bind:0-1' /tmp/maps
ok "--membind=all: the nearest node first" [ "$(pages 1 /tmp/maps)" = 0 ]
ok "--preferred=1" maps --preferred=1
ok "--preferred=1: anonymous memory is there" [ "$(anon /tmp/maps 1)" -gt 10 ]
ok "--preferred=1: the policy says so" grep -q 'prefer:1' /tmp/maps
grep 'mapped=' /tmp/maps > /tmp/files
ok "--preferred=1: mapped files are not" [ "$(pages 1 /tmp/files)" = 0 ]
ok "--preferred-many=1" maps --preferred-many=1
ok "--preferred-many=1: anonymous memory is there" [ "$(anon /tmp/maps 1)" -gt 10 ]
ok "--interleave=1: a mask of private nodes alone names them" maps --interleave=1
ok "--interleave=1: anonymous memory is there" [ "$(anon /tmp/maps 1)" -gt 10 ]
ok "--interleave=0,1" maps --interleave=0,1
ok "--interleave=0,1: the ordinary node only" [ "$(pages 1 /tmp/maps)" = 0 ]
echo -user_numa > $private/enabled
ok "closed: --show does not have it" shown 0
not_ok "closed: --membind=1: refused" maps --membind=1
not_ok "closed: --preferred=1: refused" maps --preferred=1
echo +user_numa > $private/enabled
done_testing
