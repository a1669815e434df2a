#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unplug, unbind and plug of a private DAX device under load, on_unplug each way: nothing hangs,
# nobody reads what was not written, and what cannot go stays whole.
#
# vm: --node 1G --node 0 --nvdimm 512M,node=1 --append private_node_spare=1
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
choose dax0.0 1
bind dax0.0 kmem
unplug dax0.0
empty=$(memory_map)

load() {
	coproc HOLDER { exec "$PMN_BIN/load" /dev/private_node/node1 4; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

# Until each task has worked on, on the node as it is now.
worked() {
	local line
	printf . >&"${HOLDER[1]}" && read -r line <&"${HOLDER[0]}" && [ "$line" = worked ]
}

# The answer comes after the end of its input.
end_load() {
	local in=${HOLDER[1]} out=${HOLDER[0]} copy
	exec {copy}<&"$out"
	exec {in}>&-
	read -r line <&"$copy"
	exec {copy}<&-
	echo "# $line"
	[[ $line == *' wrong 0' ]]
}

# Each takes ten seconds under the debug kernel.
tries=5
[ ! -e /proc/lockdep ] || tries=3

whole() { is_private 1 && [ "$(get dax0.0 state)" = online_movable ]; }

for how in refuse move sigbus; do
	plug dax0.0
	on_unplug dax0.0 $how
	ok "$how: load" load
	ok "$how: it is under way" worked
	refused=0 gone=0
	for ((try = 0; try < tries; try++)); do
		if unplug dax0.0; then
			gone=$((gone + 1))
			ok "$how: plugged in again" plug dax0.0
			on_unplug dax0.0 $how
		else
			refused=$((refused + 1))
			whole || { ok "$how: whole after a refusal" false; break; }
		fi
		worked || { ok "$how: the load goes on" false; break; }
	done
	echo "# $how: refused $refused, gone $gone"
	if [ $how = refuse ]; then
		ok 'refuse: refused each time' test $refused = $tries
	else
		ok "$how: gone" test $gone -gt 0
	fi
	ok "$how: unbind and bind under load" eval 'unbind dax0.0 && bind dax0.0 kmem'
	[ "$(get dax0.0 state)" = online_movable ] || { unplug dax0.0; plug dax0.0; }
	ok "$how: whole" whole
	ok "$how: the load goes on" worked
	ok "$how: nobody read anything wrong" end_load
	wait
	ok "$how: unplugged" unplug dax0.0
	ok "$how: nothing is left" same "$(memory_map)" "$empty"
done
dax_down
done_testing
