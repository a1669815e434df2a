#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reports of a boot of their own: page_owner, and memory.numa_stat of cgroup v1.
#
# vm: --node 1G --node 512M --append "private_node=1 page_owner=on"

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

mount -t debugfs none /sys/kernel/debug 2> /dev/null

# The filter belongs to the open file.
filter() {
	local rc=0
	exec 3<> /sys/kernel/debug/page_owner
	printf '%s' "nid=$1" >&3 2> /dev/null || rc=1
	exec 3>&-
	return "$rc"
}

ok "page_owner can be asked for an ordinary node" filter 0
ok "page_owner can be asked for a private node" filter 1
ok "page_owner can be asked for both" filter 0-1
not_ok "page_owner refuses a node without memory" filter 5

mkdir -p /tmp/cg1
if mount -t cgroup -o memory none /tmp/cg1 2> /dev/null; then
	mkdir /tmp/cg1/report
	ok "memory.numa_stat of v1 has the private node" \
		grep -qE '^total=[0-9]+ N0=[0-9]+ N1=[0-9]+' /tmp/cg1/report/memory.numa_stat
	ok "... and its hierarchical lines" \
		grep -qE '^hierarchical_total=[0-9]+ N0=[0-9]+ N1=[0-9]+' /tmp/cg1/report/memory.numa_stat
	rmdir /tmp/cg1/report
	umount /tmp/cg1
else
	skip "memory.numa_stat of v1" "the memory controller is not free for v1"
fi

done_testing
