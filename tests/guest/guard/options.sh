#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# options.sh: what the command line gets wrong is said in one line each, and leaves the node ordinary.
#
# vm: --node 768M --node 256M --node 256M --node 256M --append 'private_node private_node= private_node=x private_node=77 private_node=0 private_node=9 private_node=1:user_numa,nonsense private_node=1:user_numa private_node=2:promotion private_node=3:user_numa private_node_spare=x private_node_spare=63'
# timeout: 60

. tests/lib/tap.sh

nodes=/sys/devices/system/node

said() {
	ok "$1" grep -qF "private_node: $2" <(dmesg)
}

said 'no node' 'private_node= ignored: give <nid>[:<service>,...]'
said 'an empty one' "private_node= ignored: '' is not a node id"
said 'no number' "private_node=x ignored: 'x' is not a node id"
said 'too large a number' 'private_node=77 ignored: node ids end at 63'
said "the kernel's own node" 'node 0 left ordinary: holds the kernel image'
said 'a node without memory' 'node 9: cannot be private: unknown node, or no memory'
said 'an unknown service' "node 1 left ordinary: unknown service 'nonsense'"
said 'a service that needs another' 'node 2 left ordinary: service promotion needs demotion'
said 'no number of spare nodes' 'private_node_spare=x ignored: give a number below 64'
said 'more spare nodes than there are ids' 'private_node_spare=63: only 60 node ids left'
ok 'nodes 0 to 2 are ordinary, also one that a later option names well' [ "$(< $nodes/has_memory)" = 0-2 ]
ok 'node 3 is private' [ "$(< $nodes/has_private_memory)" = 3 ]
ok 'and open as it was asked for' [ "$(< $nodes/node3/private/enabled)" = user_numa ]
done_testing
