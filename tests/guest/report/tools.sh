#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What programs that know nothing of private nodes show of one: closed, and open to user_numa.
# docs/programs.md is made of this test's output.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa,reclaim,demotion
# timeout: 240

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

private=/sys/devices/system/node/node1/private
export LC_ALL=C

# show STATE COMMAND...: for the document
show() {
	local state=$1
	shift
	echo "# [$state] $*"
	"$@" 2>&1 | sed 's/^/#   /'
}

has() { command -v "$1" > /dev/null; }
size_of() { numactl --hardware | sed -n "s/^node $1 $2: \([0-9]*\) MB/\1/p"; }
at_least() { echo "# $1 and at least $2"; [ "$1" -ge "$2" ]; }
# One that may not be installed: who calls it asks has() first.
maybe() { "$@"; }
free_column() { maybe free -k | awk -v n="$1" '$1 == "Mem:" { print $n }'; }
mem() { awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo; }
# What hwloc thinks a node has, in bytes; nothing without a size.
hwloc_size() { hwloc_xml | grep -oE "type=\"NUMANode\" os_index=\"$1\".* local_memory=\"[0-9]+\"" | grep -oE '[0-9]+"$' | tr -d '"'; }
hwloc_xml() { maybe lstopo-no-graphics --no-io --of xml; }

tools() {
	show "$1" numactl --hardware
	show "$1" lscpu
	show "$1" lsmem --summary
	show "$1" lsmem -o RANGE,SIZE,STATE,NODE --split NODE
	! has free || show "$1" free -m
	! has vmstat || show "$1" vmstat
	! has lstopo-no-graphics || show "$1" lstopo-no-graphics --no-io --of console
	! has hwloc-calc || show "$1" hwloc-calc --physical --intersect NUMAnode package:0
	! has numastat || show "$1" numastat -m
}

echo -user_numa > $private/enabled
tools closed > /tmp/closed
cat /tmp/closed
ok "closed: numactl finds no memory on the node" [ "$(size_of 1 size) $(size_of 1 free)" = "0 0" ]
if has lstopo-no-graphics; then
	ok "closed: nor does hwloc" [ "$(hwloc_size 1)" = "" ]
else
	skip "closed: nor does hwloc" "hwloc-nox is not installed"
fi
if has free; then
	ok "free: total is MemTotal" [ "$(free_column 2)" = "$(mem MemTotal)" ]
else
	skip "free: total is MemTotal" "procps is not installed"
fi

echo +user_numa > $private/enabled
tools open
ok "open to user_numa: numactl finds 512 MB" at_least "$(size_of 1 size)" 500
if has lstopo-no-graphics; then
	ok "open: so does hwloc" at_least "$(hwloc_size 1)" 500000000
else
	skip "open: so does hwloc" "hwloc-nox is not installed"
fi

# tmpfs on the node: free(1) has no more shared than used
mkdir -p /tmp/onnode
mount -t tmpfs -o size=256M none /tmp/onnode
numactl --length=64m --file=/tmp/onnode/file --membind=1 --touch
ok "64 MiB of tmpfs are on the node" at_least "$(mem PrivateShmem)" 65000
# The table of sysrq-m, which a shortage prints as well.
echo m > /proc/sysrq-trigger
ok "a report of memory counts no shmem of the node" \
	[ "$(dmesg | sed -nE 's/.* mapped:[0-9]+ shmem:([0-9]+) pagetables:.*/\1/p' | tail -n 1)" -lt 8192 ]
ok "nor its pages as RAM" \
	[ "$(dmesg | sed -nE 's/.* ([0-9]+) pages RAM$/\1/p' | tail -n 1)" -le $((1 << 18)) ]
if has free; then
	show tmpfs free -m
	ok "free: what is shared does not have it" [ "$(free_column 5)" -lt 32768 ]
	ok "free: no more shared than used" [ "$(free_column 5)" -le "$(free_column 3)" ]
fi
umount /tmp/onnode
done_testing
