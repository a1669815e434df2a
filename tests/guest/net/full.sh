#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A network card has its buffers on a private node that is full; one of them breaks; the card is detached under
# traffic.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --cards 2
# timeout: 400
# allow: Memory failure|hardware memory corruption
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash
. tests/guest/net/net.bash

ok "two cards, and a node" start

ok "attached" attach
gone

# -- a full node -----------------------------------------------------------------------------------

sim alloc "node=card count=100000"
ok "the node is full" [ "$(< "$(files free_bytes_exact)")" = 0 ]
was=$(stat_of attached_failed)
ok "on_full=fail: the card has no buffers" back
ok "... which is counted" [ "$(stat_of attached_failed)" -gt "$was" ]
ok "... and took none elsewhere" [ "$(sum inflight) $(stat_of fallback)" = "0 0" ]
gone
echo fallback:0 > "$(files on_full)"
back
ok "on_full=fallback: TCP" tcp read $((8 * MIB))
ok "... with buffers from elsewhere, counted" [ "$(sum fallback) $(sum pages)" = "$(stat_of fallback) 0" ]
ok "... some" [ "$(sum fallback)" -gt 0 ]
sim free all
ok "the node has room again: TCP" tcp read $((8 * MIB))
ok "... with buffers of the node" [ "$(sum pages)" -gt 0 ]

# -- a broken page in flight --------------------------------------------------------------------------

# Told of it once more, the kernel says how the page is by now.
broken() {
	dmesg -C
	echo "$1" > /sys/kernel/debug/hwpoison/corrupt-pfn 2> /dev/null
	dmesg | grep -q "told: memory failure of 1 page(s) at pfn $1: $2"
}
flows_until_gone() {
	local i
	for ((i = 0; i < 20; i++)); do
		tcp read $((4 * MIB)) || return 1
		! broken "$pfn" isolated || return 0
	done
	return 1
}
if modprobe hwpoison_inject 2> /dev/null; then
	sim unplug card
	pfn=$(dmesg | sed -n 's/.*one is a buffer of page pool .*(pfn \(0x[0-9a-f]*\)).*/\1/p' | tail -n1)
	ok "a buffer breaks: the owner is told" broken "$pfn" held
	ok "traffic goes on, and the page leaves the pool for good" flows_until_gone
else
	skip "a buffer breaks" "no hwpoison_inject"
fi

# -- detach ---------------------------------------------------------------------------------------

sink right tcp-sink 5000 read
left "$stream" tcp-send 10.1.0.2 5000 $((48 * MIB)) & sender=$!
for _ in 1 2 3 4 5; do
	sim detach netdev=eth1 up=2
	sim attach node=card netdev=eth1 up=2
done
sim detach netdev=eth1 up=2
was=$(stat_of attached_used)
wait "$sender"
ok "detached under traffic: the stream is whole" end_sink
ok "... and the node gave no page after that" [ "$(stat_of attached_used)" = "$was" ]
ok "... and no pool is on it" [ "$(nodes)" = -1 ]
ok "no device is attached" [ -z "$(< "$(files attached)")" ]
not_ok "once more is refused" sim detach netdev=eth1 up=2
ok "bound anew, the card has ordinary buffers" rebind_right
ok "TCP" tcp read $((4 * MIB))
# The broken page does not come back.
lost=$([ -n "${pfn:-}" ] && echo 1 || echo 0)
ok "nothing is on the node" soon is_empty "$lost"

unbind_right
sim remove_node card

ip netns del left
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
