#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh [BOOTS]: who chooses memory before, or for, another kernel: KASLR, kexec, a crash kernel and
# hibernation keep off a private node.  With a kernel of its own, kernel/config/boot.config.
#
# The kernel takes as long as the release kernel, so that this is part of `make soak` only.
#
# soak: yes
# timeout: 7200
# kernels: release
#
# shellcheck disable=SC2317 # the checks are called through ok

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
boots=${1:-50}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Node 1 has nearly all memory, so that chance, or what is highest, is there.
topology=(--node 384M --node 1792M)
side=tests/guest/boot/boot.bash

# guest ARG... -- WHAT: leaves what it printed in $tmp/out
guest() {
	PMN_NO_BUILD=1 harness/vm --kernel boot --timeout 300 "$@" > "$tmp/out" 2> "$tmp/err" && return
	sed 's/^/# /' "$tmp/out" "$tmp/err"
	return 1
}
says() { grep -qE -- "$1" "$tmp/out" || { sed 's/^/# /' "$tmp/out"; return 1; }; }

# What is compressed unpacks itself somewhere: on which node, in how many boots of all?
kaslr() {
	landed=0 closed=0 places=''
	for _ in $(seq "$boots"); do
		guest --compressed "${topology[@]}" "$@" -- "$side" where || return 1
		! grep -q 'node 1$' "$tmp/out" || landed=$((landed + 1))
		! grep -q "^private '1'$" "$tmp/out" || closed=$((closed + 1))
		places+=" $(sed -n 's/^kernel at \(0x[0-9a-f]*\) .*/\1/p' "$tmp/out")"
	done
	echo "# kernel at$places"
}

ok "the kernel builds" kernel/scripts/build boot
kernel=$(realpath "$(kernel/scripts/build --print boot)")
export PMN_BZIMAGE=$kernel/arch/x86/boot/bzImage
ok "KASLR: the kernel boots" kaslr
ok "KASLR: without private_node= it goes to node 1 too" [ "$landed" -gt 0 ]
ok "KASLR: the kernel boots with private_node=1" kaslr --append private_node=1
ok "KASLR: with private_node=1 it never goes there" [ "$landed" = 0 ]
ok "KASLR: and node 1 is private in each of $boots boots" [ "$closed" = "$boots" ]
ok "KASLR: the kernel boots with private-node=1" kaslr --append private-node=1
ok "KASLR: that is the same: it never goes there" [ "$landed" = 0 ]
ok "KASLR: and node 1 is private in each of the boots" [ "$closed" = "$boots" ]

# harness/vm has made the initramfs by now.
PMN_INITRD=$(find "$top"/build/vm -name 'init-*.cpio' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
export PMN_INITRD
ok "kexec_file_load() without a private node" guest "${topology[@]}" -- "$side" segments
ok "takes node 1" says "^segments on nodes '.*1'"
ok "kexec into a kernel with private_node=1" guest "${topology[@]}" --append private_node=1 --append crashkernel=64M -- "$side" kexec
ok "the crash kernel's memory is on node 0" says '^crash kernel on node 0$'
ok "kexec_load() to node 1 is refused" says '^kexec_load: Cannot assign requested address$'
ok "and the log says so" says '^node 1: kexec may not load'
ok "kexec_load() to node 0 is not" says '^at 320M: loaded$'
ok "kexec_file_load() keeps off node 1" says "^segments on nodes '0'$"
ok "the second kernel runs" says '^second$'
ok "node 1 is private in both" [ "$(grep -c "^private '1'$" "$tmp/out")" = 2 ]
ok "and neither is on node 1" [ "$(grep -c '^kernel at .* node 0$' "$tmp/out")" = 2 ]

ok "a guest with compressed RAM" guest --node 512M --reserve 128M,node=0 --append private_node_spare=1 -- "$side" hibernate
ok "hibernation: offered before there is compressed RAM" says '^before: can$'
ok "hibernation: disabled while it is registered" says '^registered: disabled$'
ok "hibernation: refused to who tries" says '^hibernation refused$'
ok "hibernation: who has opened /dev/snapshot makes an image" says '^image before: made$'
ok "hibernation: and none once it is registered" says '^image registered: Device or resource busy$'
ok "hibernation: offered again" says '^after: can$'
done_testing
