#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kconfig.sh: PRIVATE_NODE=y in any configuration either works, or kernel/scripts/own-config says which options
# it lacks.  Configurations only, nothing is built: Debian's, the kernel's default, the least that there is.
#
# kernels: release
#
# The functions are called through ok; what eval gets is its own.
# shellcheck disable=SC2317,SC2016

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$(realpath "${PMN_TREE:-build/linux}")
out=$tmp/out
needs=(kernel/deb/needs.config kernel/deb/debian.config)

# base NAME LINE...: the kernel's own NAME, which is made once, and these lines in place of its own, as $tmp/base
base() {
	local name=$1 line
	shift
	if [ ! -f "$tmp/$name" ]; then
		make -s -C "$tree" O="$tmp/made" ARCH=x86 "$name" > "$tmp/log" 2>&1 || sed 's/^/# /' "$tmp/log"
		cp "$tmp/made/.config" "$tmp/$name"
	fi
	cp "$tmp/$name" "$tmp/base"
	for line in "$@"; do
		sed -i -E "/^(# )?${line%%=*}[ =]/d" "$tmp/base"
		echo "$line" >> "$tmp/base"
	done
}

# wants LINE...: a fragment
wants() { printf 'CONFIG_%s\n' "$@" > "$tmp/fragment"; fragment=("$tmp/fragment"); }

# gives STATUS [BASE]: own-config with the fragment, into $tmp/said
gives() {
	local rc=0
	kernel/scripts/own-config --tree "$tree" --out "$out" --base "${2:-$tmp/base}" "${fragment[@]}" > "$tmp/said" 2>&1 || rc=$?
	[ "$rc" = "$1" ] || { echo "# status $rc"; sed 's/^/# /' "$tmp/said"; return 1; }
}
says() { grep -qF -- "$1" "$tmp/said" || { sed 's/^/# /' "$tmp/said"; return 1; }; }
is() { grep -qxE "CONFIG_$1" "$out/.config" || { grep -E "CONFIG_${1%%=*}[ =]" "$out/.config" | sed 's/^/# /'; return 1; }; }

# What own-config says of the fragment is what .config has, looked at without it.
agrees() {
	local line bad=0 name
	while read -r line; do
		name=${line%%=*}
		case $line in
		*=n) ! grep -q "^$name=" "$out/.config" ;;
		*='""') ! grep -q "^$name=\"[^\"]" "$out/.config" ;;
		*=m) grep -qE "^$name=[my]$" "$out/.config" ;;
		*) grep -qxF -- "$line" "$out/.config" ;;
		esac && continue
		grep -qF "$line does not hold" "$tmp/said" || { echo "# $line: is not there, and nothing was said"; bad=1; }
	done < <(grep -h '^CONFIG_' "${fragment[@]}")
	[ "$bad" = 0 ]
}

# What is dropped in silence is what this test is about: each of the three is there.
ours() { is PRIVATE_NODE=y && is CRAM=y && is DEV_DAX_PRIVATE=y; }

fragment=("${needs[@]}")
# Debian's amd64 has the same answers, with several times as many drivers to look at.
for flavour in cloud-amd64 ${PMN_TEST_ALL:+amd64}; do
	if file=$(kernel/scripts/fetch --config "$flavour" 2> "$tmp/log"); then
		ok "Debian's $flavour, with what private nodes need" gives 0 "$file"
		ok "... it is there" ours
		ok "... and so are all lines" agrees
	else
		skip "Debian's $flavour" "$(tail -n 1 "$tmp/log")"
	fi
done
touch -d @1000000000 "$out/.config"
ok "the same again" gives 0 "$file"
ok "... .config is not touched, so nothing is built anew" [ "$(stat -c %Y "$out/.config")" = 1000000000 ]

base defconfig
ok "the kernel's default" gives 0
ok "... it is there" eval 'ours && agrees'
base tinyconfig
ok "the least configuration" gives 0
ok "... it is there" eval 'ours && agrees'

# What mm/ has and anybody may switch on comes with the option.
base defconfig CONFIG_NUMA_MIGRATION=n CONFIG_MEMORY_HOTPLUG=n CONFIG_MEMORY_HOTREMOVE=n
wants PRIVATE_NODE=y CRAM=y
ok "without NUMA_MIGRATION and hotplug in the base" gives 0
ok "... they are selected" eval 'is PRIVATE_NODE=y && is CRAM=y && is NUMA_MIGRATION=y && is MEMORY_HOTPLUG=y && is MEMORY_HOTREMOVE=y'

# What nobody can select is named.
base defconfig CONFIG_NUMA=n
ok "without NUMA: a failure" gives 1
ok "... what is lacking" says 'PRIVATE_NODE needs NUMA=y, which is n and can be switched on'
ok "... what follows from it" says 'CRAM needs PRIVATE_NODE, which needs NUMA=y, which is n and can be switched on'
ok "... and no word is missing" agrees
base tinyconfig
wants PRIVATE_NODE=y DEV_DAX_KMEM=m
ok "the least, and the option alone: a failure" gives 1
ok "... the options at the end of the way" says 'PRIVATE_NODE needs NUMA, which needs SMP=y, which is n and can be switched on'
ok "... each of them" says 'DEV_DAX_KMEM needs DAX=m, which is n and can be switched on'
ok "... and no word is missing" agrees
base defconfig CONFIG_ZSWAP=y
wants PRIVATE_NODE=y MEMORY_HOTPLUG=n ZSWAP=m WARP_DRIVE=y SLUB=n DEFAULT_HOSTNAME='"pmn"' HZ_100=y HZ_1000=n NR_CPUS=abc
ok "other lines that cannot be: a failure" gives 1
ok "... an option that another selects" says 'MEMORY_HOTPLUG is selected by PRIVATE_NODE'
ok "... one that the tree does not know" says "CONFIG_WARP_DRIVE=y does not hold, the result has nothing: this tree does not know the option"
ok "... one that nobody is asked for" says 'SLUB is on by its default, and nobody is asked'
ok "... a number that is none" says 'CONFIG_NR_CPUS=abc does not hold, the result has '
ok "... a text, and one of a choice" eval 'is "DEFAULT_HOSTNAME=\"pmn\"" && is HZ_100=y'
ok "... what is built in serves who wants a module" eval 'is ZSWAP=y && ! says CONFIG_ZSWAP > "$tmp/log"'
ok "... four in all" says ' 4 of 9 lines do not hold'

ok "no such base: a failure" gives 1 "$tmp/nowhere"
ok "... is named" says "$tmp/nowhere: cannot be read"
done_testing
