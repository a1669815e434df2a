#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh: boot options that place CMA areas and huge pages on a node.  Without private_node= they
# must land there; with it, either nothing does, or the node is refused, says why, and is ordinary.
#
# vm: --node 768M --node 512M --append cma=64M@0x38000000
# vm: --node 768M --node 512M --append cma=64M@0x38000000 --append private_node=1
# vm: --node 768M --node 512M --append numa_cma=1:64M
# vm: --node 768M --node 512M --append numa_cma=1:64M --append private_node=1
# vm: --node 768M --node 2560M --append hugetlb_cma=1:1G
# vm: --node 768M --node 2560M --append hugetlb_cma=1:1G --append private_node=1
# vm: --node 768M --node 2560M --append 'hugepagesz=2M hugepages=1:64 hugepagesz=1G hugepages=1:1'
# vm: --node 768M --node 2560M --append 'hugepagesz=2M hugepages=1:64 hugepagesz=1G hugepages=1:1 private_node=1'
# timeout: 100

. tests/lib/tap.sh

options=$(tr ' ' '\n' < /proc/cmdline | grep -E '^(cma|numa_cma|hugetlb_cma|hugepages)=' | paste -sd' ')
pages=$("$PMN_BIN/leak" boot 1 | awk '{ sum += $2 } END { print sum }')

# shellcheck disable=SC2317 # called by ok and not_ok
member() { "$PMN_BIN/leak" same-nodes 1 "$(cat "/sys/devices/system/node/$1" 2> /dev/null)" | grep -q yes; }
# shellcheck disable=SC2317
ordinary() { "$PMN_BIN/leak" same-nodes 0-1 "$(cat /sys/devices/system/node/has_memory)" | grep -q yes; }
# shellcheck disable=SC2317
refusal() { dmesg | grep -E 'private_node.*node 1|node 1.*private'; }

echo "# $pages pages on node 1 by $options"
if ! grep -q private_node= /proc/cmdline; then
	ok "$options: control: lands on node 1" test "$pages" -gt 10000
elif member has_private_memory; then
	ok "$options: node 1 is private, and nothing is on it" test "$pages" = 0
	not_ok "$options: node 1 is not ordinary as well" ordinary
else
	ok "$options: node 1 was refused with a line in the log" refusal
	ok "$options: a refused node is ordinary" ordinary
fi
done_testing
