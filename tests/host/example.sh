#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# example.sh: the driver of docs/driver-guide.md is compiled against the kernel, owns a node, is
# used by a program, and goes.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
kernel=${PMN_TEST_KERNEL:-release}
args=(--kernel "$kernel")
dir=${PMN_TEST_KERNEL_DIR:-}
if [ -n "$dir" ]; then
	args+=(--kernel-dir "$dir")
else
	dir=$(kernel/scripts/build --print "$kernel")
fi
out=$top/build/example-$kernel
mkdir -p "$out"

if make -s -C "$dir" M="$top/docs/example" MO="$out" modules > "$out/log" 2>&1 &&
	! grep -q 'warning:' "$out/log"; then
	echo "ok 1 - the example driver compiles without a warning"
else
	sed 's/^/# /' "$out/log"
	echo "not ok 1 - the example driver compiles without a warning"
	exit 1
fi

# Inside the guest: every line of output is a step that was seen.
inside() {
	cat <<-'SCRIPT'
	set -e
	IFS=: read -r _ address size <<< "${PMN_RESERVED%% *}"
	insmod "$0/pmn_example.ko" node=1 start="$address" size="$size"
	cat /sys/devices/system/node/node1/private/owner
	cat /sys/devices/system/node/has_private_memory
	dmesg | grep -o 'ring of 64 KiB on node 1'
	total=$(cat /sys/devices/system/node/node1/private/total_bytes)
	free=$(cat /sys/devices/system/node/node1/private/free_bytes_exact)
	echo "used $((total - free))"
	! insmod "$0/pmn_example.ko" node=1 start="$address" size="$size" 2> /dev/null
	rmmod pmn_example
	echo "left '$(cat /sys/devices/system/node/has_private_memory)'"
	! insmod "$0/pmn_example.ko" node=1 start="$address" size=4096 2> /dev/null
	echo "refused, left '$(cat /sys/devices/system/node/has_private_memory)'"
	SCRIPT
}

want="pmn_example
1
ring of 64 KiB on node 1
used 65536
left ''
refused, left ''"
got=$(harness/vm "${args[@]}" --node 768M --reserve 256M,node=0 --append private_node_spare=1 \
	--timeout 300 -- bash -c "$(inside)" "$out" 2> "$out/log")
status=$?
if [ $status = 0 ] && [ "$got" = "$want" ]; then
	echo "ok 2 - it owns the node, takes memory of it, and leaves nothing behind"
else
	printf 'status %s, got:\n%s\n' "$status" "$got" | cat - "$out/log" | sed 's/^/# /'
	echo "not ok 2 - it owns the node, takes memory of it, and leaves nothing behind"
	exit 1
fi
