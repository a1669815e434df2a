#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two DAX devices that firmware puts on one node: one private node each, of which nothing is seen by
# the other; ordinary memory never lands on a private node, nor the other way round.
#
# vm: --node 1G --node 0 --nvdimm 256M,node=1 --nvdimm 384M,node=1 --append private_node_spare=1
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
for dev in dax0.0 dax1.0; do
	choose $dev 1
	bind $dev kmem
	unplug $dev
done
empty=$(memory_map)

ok 'the first' plug dax0.0
ok '... on its own node' same "$(node_of dax0.0)" 1
refused 'the second ordinary on that node' 'dax1.0: cannot come up ordinary: its node 1 is private' \
	eval 'choose dax1.0 0 && plug dax1.0'
refused 'the second private on that node' \
	'dax1.0: cannot come up private: its node 1 is private already; write spare' \
	eval 'choose dax1.0 1 target && plug dax1.0'
ok 'the second on a spare node' eval 'choose dax1.0 1 auto && plug dax1.0'
ok '... which is node 2' same "$(node_of dax1.0)" 2
ok 'two owners' same "$(owner_of 1) $(owner_of 2)" 'kmem-dax0.0 kmem-dax1.0'
holder dax0.0 private
ok 'the second is as empty as before' same "$(used 2)" 0
ok 'the first is refused' logged "node 1: cannot unplug: .* pid $HOLDER_PID" unplug dax0.0
ok 'the second goes' unplug dax1.0
ok 'the first stays private' is_private 1
ok '... with its contents' same "$(ask check)" intact
ok 'the second comes again' plug dax1.0
end_holder

# Somebody is inside the gates of the first for as long as we like: the second knows nothing of that.
INSIDE=/sys/module/private_node_hold/parameters/inside
modprobe private_node_hold
closing() { [[ $(< "$INSIDE") = *' 1' ]]; }
# until CMD...: true when that holds within a while
until_() {
	local i
	for ((i = 0; i < 600; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}
ended() { [ ! -e "/proc/$1" ] || [[ $(< "/proc/$1/stat") = *') Z '* ]]; }
put 1 $INSIDE
unplug dax0.0 &
first=$!
ok 'unplug of the first waits' until_ closing
{ unplug dax1.0 && plug dax1.0; } &
second=$!
ok 'meanwhile the second goes and comes' until_ ended $second
ok '... control: the first still waits' closing
put -1 $INSIDE
ok '... which succeeded' wait $second
ok 'the first goes when nobody is inside' wait $first
ok 'the first comes again' plug dax0.0
modprobe -r private_node_hold
ok 'the first goes' unplug dax0.0
choose dax0.0 1 spare
refused 'the first, no spare node left' 'dax0.0: cannot come up private: no spare node' plug dax0.0
ok 'the second goes' unplug dax1.0
ok 'nothing is left' same "$(memory_map)" "$empty"

# Blocks of an ordinary device, offline: a private node would have them.
choose dax1.0 0
unbind dax1.0
ok 'the second ordinary, offline' bind dax1.0 kmem
ok '... which it is' same "$(get dax1.0 state)" offline
choose dax0.0 1 target
refused 'the first on the same node' 'its node 1 has memory blocks that are offline' plug dax0.0
choose dax0.0 1 auto
ok 'on a spare node' plug dax0.0
ok '... it is' same "$(node_of dax0.0)" 2
ok 'the second goes' unplug dax1.0
ok 'the first goes' unplug dax0.0
ok 'nothing is left' same "$(memory_map)" "$empty"
dax_down
done_testing
