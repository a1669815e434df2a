#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tracepoints: register at boot, and an allocation that is refused because the node is full.
#
# vm: --node 1G --node 256M --append "private_node=1:reclaim,demotion trace_event=private_node:private_node_register,private_node:private_node_alloc_refused"

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

tracefs=/sys/kernel/tracing
[ -e $tracefs/trace ] || mount -t tracefs none $tracefs

for e in register unregister alloc_refused; do
	ok "there is an event private_node_$e" [ -d $tracefs/events/private_node/private_node_$e ]
done
ok "register at boot, with names" grep -q \
	"private_node_register: nid=1 owner=boot capable=user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing,guest_memfd enabled=reclaim,demotion" $tracefs/trace
not_ok "nothing was refused yet" grep -q private_node_alloc_refused: $tracefs/trace

failed() { awk '$1 == "device_map_failed" { print $2 }' /sys/devices/system/node/node1/private/stat; }
before=$(failed)
not_ok "a program that wants more than the node has gets SIGBUS" "$PMN_BIN/overfill" /dev/private_node/node1
ok "the trace says who and why" grep -q \
	"private_node_alloc_refused: nid=1 user=device_map why=full order=0" $tracefs/trace
ok "stat counts it" [ "$(failed)" -gt "$before" ]
done_testing
