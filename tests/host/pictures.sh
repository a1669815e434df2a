#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pictures.sh: what draws the pictures of the documents, on a terminal and on metrics of files that play a
# machine.  Of a live guest: tests/guest/tools/pictures.sh.
#
# kernels: release
#
# shellcheck disable=SC2317,SC2016 # the checks are called through ok; what eval gets is its own

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/host/tools/root.bash
. tests/host/tools/root.bash
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PMN_ROOT=$tmp/root LC_ALL=C
pmnctl=build/tools/pmnctl
make -s -C tools || { echo "not ok 1 - the tools are built"; exit 1; }
make_root "$PMN_ROOT"
mkdir -p "$tmp/p/metrics"
quiet() { "$@" > "$tmp/log" 2>&1 || { sed 's/^/# /' "$tmp/log"; return 1; }; }

record() { TERM=linux script -qec "stty cols 100 rows 16; $pmnctl top -c 2 -i 0.1" "$tmp/p/top" > /dev/null < /dev/null; }
ok "top on a terminal is recorded" record
for i in 0 1 2 3; do
	$pmnctl metrics > "$tmp/p/metrics/$((1000 + 2 * i)).5"
	put "$PMN_ROOT/sys/devices/system/node/node1" private/stat "user_numa_used $((27 + 40 * i))"
done
ok "both are drawn" quiet docs/pictures/draw "$tmp/p" 'a <made-up> machine, of which more is said here than would fit into one line'
is_xml() { python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' "$1"; }
ok "the screen is SVG" is_xml "$tmp/p/top.svg"
# words FILE: its texts, a line each
words() { sed -nE 's/^<text .*>(.*)<\/text>$/\1/p' "$1"; }
is_line() { words "$1" | grep -qxF -- "$2" || { words "$1" | sed 's/^/# /'; return 1; }; }
ok "... with the node" is_line "$tmp/p/top.svg" 'node 1, boot: 384M of 512M used, 75%; services: user_numa reclaim'
ok "... in bold" grep -q 'font-weight="bold">node 1, boot' "$tmp/p/top.svg"
ok "... a process in the places of its columns" [ "$(words "$tmp/p/top.svg" | grep -x -A3 4M | paste -sd'|')" = '4M|process|100|redis server' ]
ok "... the last line, on a ground of its own" eval 'is_line "$tmp/p/top.svg" "pmnctl top: every 0.1 s, q ends" && grep -q "fill=\"#d0d0d0\"" "$tmp/p/top.svg"'
ok "... and what it is" grep -q '&lt;made-up&gt;' "$tmp/p/top.svg"
# All of each text is inside the picture, since it is as wide as it says.
inside() {
	awk -F'"' '/^<svg/ { w = $4; h = $6 } /^<text x="[0-9.]+" y="[0-9.]+" textLength/ { n++; if ($2 + $6 > w || $4 > h) { print "# " $0; bad = 1 } } END { exit bad || !n }' "$1"
}
ok "... nothing is cut off" inside "$tmp/p/top.svg"
printf 'a\033[5;7ix' > "$tmp/odd"
ok "a sequence that is not known ends it" eval '! docs/pictures/screen "$tmp/odd" 10 2 x > /dev/null 2> "$tmp/log" && grep -q "the sequence .i. is not known" "$tmp/log"'

svg=$tmp/p/dashboard.svg
ok "the dashboard is SVG" is_xml "$svg"
panels() { perl -MJSON::PP -0777 -ne 'for (@{JSON::PP->new->decode($_)->{panels}}) { print $_->{title}, "\n" }' tools/share/grafana-dashboard.json; }
has_panels() {
	local title bad=0
	while read -r title; do grep -qF ">$title" "$svg" || { echo "# no $title"; bad=1; }; done < <(panels)
	[ "$bad" = 0 ]
}
ok "... with each panel" has_panels
ok "... that is some" [ "$(panels | wc -l)" -gt 8 ]
ok "... a rate" grep -q 'node 1 user_numa<' "$svg"
ok "... what did not happen says so" grep -q 'nothing in this time' "$svg"
ok "... and who drew it" grep -q 'Grafana did not draw this' "$svg"
# The longest line of text, at 7 points a letter, is narrower than the picture.
fits() {
	local width longest
	width=$(sed -nE 's/.* width="([0-9]+)".*/\1/p' "$svg" | sed -n 1p)
	longest=$(sed -nE 's/.*<text>(<tspan [^>]*>)?([^<]*).*/\2/p' "$svg" | sed 's/&[a-z]*;/x/g' | awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }')
	echo "# $longest letters, $width points"
	[ "$longest" -gt 60 ] && [ $((longest * 7)) -lt "$width" ]
}
ok "... in lines that fit" fits
sed 's/"expr": "rate(pmn_node_requests_total/"expr": "irate(pmn_node_requests_total/' tools/share/grafana-dashboard.json > "$tmp/other.json"
ok "an expression that is not known ends it" eval '! docs/pictures/dashboard "$tmp/other.json" x "$tmp"/p/metrics/* > /dev/null 2> "$tmp/log" && grep -q "is not known" "$tmp/log"'
done_testing
