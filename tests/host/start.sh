#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# start.sh: the commands of docs/start.md and docs/driver-guide.md that are for the host, as they stand there:
# a guest with a shell, in which somebody types; QEMU's arguments; the driver.  And each recipe has a test.
# Those that run in a guest are in tests/guest/start.
#
# kernels: release
#
# shellcheck disable=SC2317,SC2015 # the functions are called through ok; failure of a chain is meant

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/recipe.bash
. tests/lib/recipe.bash
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
recipe=$tmp/recipe

# Types, and waits for the end: a terminal that is closed ends the guest.
somebody() {
	lines docs/start.md run guest-shell
	while [ ! -e "$tmp/end" ]; do sleep 0.2; done
}
on_terminal() {
	local rc
	somebody | { script -qec "$1" /dev/null | sed 's/\r//g; s/\x1b\[[?0-9;]*[a-z]//g' > "$recipe"; rc=${PIPESTATUS[0]}; : > "$tmp/end"; exit "$rc"; }
}
ok "guest: the shell's commands run" on_terminal "$(lines docs/start.md run guest)"
ok "... node 1 is private" prints '^1$'
ok "... cat has its memory there" bound_to 1
ok "... pmnctl shows the node" prints '^ +1 boot +512M +[0-9.]+M +0 user_numa '

# QEMU's monitor says what the machine is; its processors never start.
monitor() {
	local args
	read -ra args <<< "$(lines docs/start.md run qemu | tr '\n' ' ')"
	printf 'info numa\nquit\n' | qemu-system-x86_64 -nodefaults -no-user-config -display none -S -accel tcg -monitor stdio \
		"${args[@]}" > "$recipe" 2>&1
}
ok "qemu: it takes the arguments" monitor
ok "... two nodes" prints '^2 nodes'
ok "... the processors are on the first" prints '^node 0 cpus: 0 1'
ok "... and none on the second" prints '^node 1 cpus: *.?$'
ok "... which has memory" prints '^node 1 size: 512 MB'

driver() { bash -eu <(lines docs/driver-guide.md run driver) > "$recipe" 2>&1 < /dev/null || { sed 's/^/# /' "$recipe"; return 1; }; }
ok "driver: it is built, and loaded in a guest" driver
ok "... and has memory of its node" prints 'pmn_example: ring of 64 KiB on node 1'

# The guide's driver that hears of broken memory, in a module of its own.
compiles() {
	local dir=$top/build/start-c
	mkdir -p "$dir"
	{
		printf '#include <linux/%s.h>\n' memory_hotplug mm module mutex private_node
		lines docs/driver-guide.md run driver-c
		echo 'extern void *start_c; void *start_c = my_start; MODULE_LICENSE("GPL");'
	} > "$dir/start_c.c"
	echo 'obj-m := start_c.o' > "$dir/Makefile"
	make -s -C build/kernel-release M="$dir" modules > "$recipe" 2>&1 && ! grep warning: "$recipe" || { sed 's/^/# /' "$recipe"; return 1; }
}
ok "driver-c: it compiles without a warning" compiles

# What a kernel of your own configuration is asked to have is what our own kernel was built with, but for the
# drivers of CXL.
options() {
	local line
	while IFS= read -r line; do
		grep -qxE "${line%=*}=[ym]" "${PMN_TEST_KERNEL_DIR:-build/kernel-$PMN_TEST_KERNEL}/.config" || { echo "# $line"; return 1; }
	done < <(grep -E '^CONFIG_' kernel/deb/needs.config | grep -vE '_CXL|CXL_')
}
ok "the options that a kernel needs are those that are tested" options

# What is marked as run is run.
sed -nE 's/^<!-- (run|boot): (.*) -->$/\2/p' docs/*.md > "$tmp/marks"
ok "there are recipes" [ "$(wc -l < "$tmp/marks")" -gt 10 ]
while read -r name; do
	ok "$name has a test" grep -qE "(run|booted|lines) (\"\\\$top/)?docs/[a-z-]*\.md\"?( run)? $name\>" -r tests/guest/start tests/host/{start,tree}.sh
done < "$tmp/marks"
done_testing
