#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# options.sh: what the command line gets wrong is said in one line each.  A node that cannot be private is
# ordinary; one that can, with a word that is not understood, is private and closed, and is opened later.
#
# vm: --node 768M --node 128M --node 128M --node 128M --node 128M --node 128M --append 'private_node private_node= private_node=x private_node=77 private_node=0 private_node=9 private_node=1:user_numa,nonsense private_node=1:user_numa private_node=2:promotion private_node=3:user_numa private_node=4:access=named,reclaim,capable=reclaim+demotion private_node=5:capable=reclaim,thp private_node_spare=x private_node_spare=63'
# timeout: 60

# The functions are called through ok, and eval expands what it gets.
# shellcheck disable=SC2317,SC2016
. tests/lib/tap.sh

nodes=/sys/devices/system/node

said() {
	ok "$1" grep -qF "private_node: $2" <(dmesg)
}

said 'no node' 'private_node= ignored: give <nid>[:<word>,...]'
said 'an empty one' "private_node= ignored: '' is not a node id"
said 'no number' "private_node=x ignored: 'x' is not a node id"
said 'too large a number' 'private_node=77 ignored: node ids end at 63'
said "the kernel's own node" 'node 0 left ordinary: holds the kernel image'
said 'a node without memory' 'node 9: cannot be private: unknown node, or no memory'
said 'an unknown word' "node 1: private and closed: 'nonsense' is neither a service nor access=any|named nor capable=<service>[+<service>...]; open services in node1/private/enabled"
said 'a service that needs another' 'node 2: private and closed: service promotion needs demotion'
said 'a service that is not possible' 'node 5: private and closed: capable= leaves out service thp, which is to be open'
said 'no number of spare nodes' 'private_node_spare=x ignored: give a number below 64'
said 'more spare nodes than there are ids' 'private_node_spare=63: only 58 node ids left'
ok 'node 0 is ordinary' [ "$(< $nodes/has_memory)" = 0 ]
ok 'all that can be private are' [ "$(< $nodes/has_private_memory)" = 1-5 ]
is() { [ "$(< "$nodes/node$1/private/$2")" = "$3" ]; }
all='user_numa reclaim demotion promotion compaction longterm_pin thp hugetlb numa_balancing guest_memfd'
ok 'a word that is not understood: closed, also when a later option names the node well' is 1 enabled ''
ok '... and capable of all' is 1 capable "$all"
ok '... so that it is opened without a reboot' eval 'echo +user_numa +hugetlb > $nodes/node1/private/enabled && is 1 enabled "user_numa hugetlb"'
ok 'a service that lacks another: closed' eval 'is 2 enabled "" && is 2 capable "$all"'
ok 'open as it was asked for' eval 'is 3 enabled user_numa && is 3 access any'
ok 'capable= narrows what can be opened' eval 'is 4 capable "reclaim demotion" && is 4 enabled reclaim'
not_ok '... nothing else can' eval 'echo +thp 2> /dev/null > $nodes/node4/private/enabled'
ok 'access=named' is 4 access named
ok 'a service that capable= leaves out: closed' eval 'is 5 enabled "" && is 5 capable reclaim'
ok 'what stayed ordinary is written down' grep -q ' node=0 owner=boot what=register why=busy ' /proc/private_node_refusals
done_testing
