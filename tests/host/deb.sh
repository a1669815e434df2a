#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh: the Debian packages are built, lintian has nothing to say, each has its files, and the program works
# from them.  Installed, removed and purged they are by tests/fresh/run --packages.
#
# kernels: release
#
# shellcheck disable=SC2317,SC2016 # the functions are called through ok; what eval gets is its own

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

quiet() { "$@" > "$tmp/log" 2>&1 || { sed 's/^/# /' "$tmp/log"; return 1; }; }
ok "the packages are built, and lintian has nothing to say" quiet tools/deb
[ $tap_failed = 0 ] || done_testing

for deb in build/deb/*.deb; do
	name=$(basename "${deb%%_*}")
	dpkg-deb -x "$deb" "$tmp/$name"
	# /lib or /usr/lib, as the release has it.
	(cd "$tmp/$name" && find . ! -type d -printf '%P\n' | sed -E 's,^(usr/)?lib/,usr/lib/,; s,/[a-z0-9_]+-linux-gnu/,/TRIPLET/,' | sort) > "$tmp/$name.files"
done
# has PACKAGE FILE...
has() {
	local f bad=0
	for f in "${@:2}"; do
		grep -qx "$f" "$tmp/$1.files" || { echo "# $1: no $f"; bad=1; }
	done
	[ "$bad" = 0 ]
}
ok "three packages" [ "$(find build/deb -name '*.deb' ! -name '*dbgsym*' | wc -l)" = 3 ]
ok "pmn-tools: the program, completion, the example and the dashboard" has pmn-tools usr/bin/pmnctl \
	usr/share/bash-completion/completions/pmnctl usr/share/zsh/vendor-completions/_pmnctl \
	usr/share/pmn-tools/example.conf usr/share/pmn-tools/grafana-dashboard.json
ok "pmn-tools: units and the rule" has pmn-tools usr/lib/systemd/system/pmn-apply.service \
	usr/lib/systemd/system/pmn-apply@.service usr/lib/systemd/system/pmn-metrics.service \
	usr/lib/systemd/system/pmn-metrics.timer usr/lib/udev/rules.d/70-pmn.rules
mapfile -t pages < <(cd tools/man && printf 'usr/share/man/man1/%s.gz\n' pmnctl*.1.scd | sed 's/\.scd//')
ok "pmn-tools: ${#pages[@]} manual pages" has pmn-tools "${pages[@]}" usr/share/man/man5/pmn.conf.5.gz
ok "libpmn0: the library" has libpmn0 usr/lib/TRIPLET/libpmn.so.0
ok "libpmn-dev: header, pkg-config, manual page" has libpmn-dev usr/include/libpmn.h usr/lib/TRIPLET/libpmn.so \
	usr/lib/TRIPLET/pkgconfig/libpmn.pc usr/share/man/man3/libpmn.3.gz
ok "no file is in two of them" [ -z "$(cat "$tmp"/*.files | sort | uniq -d)" ]

run_installed() { LD_LIBRARY_PATH=$(dirname "$(find "$tmp/libpmn0" -name libpmn.so.0)") "$tmp/pmn-tools/usr/bin/pmnctl" "$@"; }
version=$(dpkg-parsechangelog -S Version)
ok "the program works from them, and has the packages' version" [ "$(run_installed --version)" = "pmnctl $version" ]
ok "and so has pkg-config's file" grep -qx "Version: $version" "$(find "$tmp/libpmn-dev" -name libpmn.pc)"
ok "the program says what a kernel without private nodes lacks" eval \
	'mkdir "$tmp/empty" && ! PMN_ROOT=$tmp/empty run_installed list 2> "$tmp/err" && grep -q CONFIG_PRIVATE_NODE=y "$tmp/err"'
done_testing
