#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run ends with its line of numbers also when no time is left for any test; and its guests end with
# it, even if it is killed.
#
# Limits of time, arguments for the debug kernel and the log of a run under load are tried in a folder of its
# own, with tests that do nothing but that.
#
# The demo's guests are ended by processor time, which a busy machine does not change.
#
# kernels: release
set -u
. tests/lib/tap.sh

# A log folder of its own, and no kernel that would be looked at.
says=$(PMN_TEST_BUDGET=0 tests/run --kernel none --kernel-dir "${TMPDIR:-/tmp}" 2>&1)
echo "# ${says##*$'\n'}"
ok 'all are skipped, and counted' grep -qxE '0 passed, 1 failed, [0-9]{2,} skipped' <<< "${says##*$'\n'}"
ok '... with the reason' grep -q 'not started within 0 s (PMN_TEST_BUDGET)' <<< "$says"
ok '... and that nothing ran is a failure' grep -q 'run: no test ran' <<< "$says"

# Results of four skips, for two reasons, in three tests.
reasons=$(printf '%s\t%s\t%s\n' skip a '1 - x # SKIP no swap' skip a '2 - y # SKIP no swap' skip b '7 - z # SKIP no swap' \
	skip c '1 - not for kernel debug' pass c '2 - fine' | awk -f tests/lib/skipped.awk | sort -rn)
ok 'one line for each reason to skip, with its count and its tests' [ "$reasons" = '      3 no swap: a, b
      1 not for kernel debug: c' ]

# How many of its boots there are.
# shellcheck disable=SC2317 # called by ok
boots() {
	local f n=0
	for f in /proc/[0-9]*/cmdline; do
		! tr '\0' ' ' 2> /dev/null < "$f" | grep -q 'harness/vm .*/log/none/boot-1' || n=$((n + 1))
	done
	echo "$n"
}

wrong=$(tests/run --kernel none --kernel-dir "${TMPDIR:-/tmp}" report/nosuch 2>&1)
rc=$?
ok 'a test that there is not: a failure' [ "$rc" = 1 ]
ok '... which is counted in the last line' [ "${wrong##*$'\n'}" = '0 passed, 1 failed, 0 skipped' ]
ok '... with the name' grep -qF "run: no test ran: no test matches 'report/nosuch'" <<< "$wrong"

# For up to a minute, until there are some, or none.
# shellcheck disable=SC2317 # called by ok
until_boots() {
	local i there
	for ((i = 0; i < 300; i++)); do
		there=none
		[ "$(boots)" -eq 0 ] || there=some
		[ "$there" != "$1" ] || return 0
		sleep 0.2
	done
	return 1
}

PMN_NO_BUILD=1 tests/run --kernel none --kernel-dir "${PMN_TEST_KERNEL_DIR:-build/kernel-$PMN_TEST_KERNEL}" \
	services/reclaim > /dev/null 2>&1 &
run=$!
ok 'a boot is under way' until_boots some
kill -KILL "$run"
ok 'tests/run is killed: its boot ends' until_boots none
wait "$run" 2> /dev/null
rm -rf build/tests/log/none
# A folder with tests/run and two host tests; its machine's guests spin, and its programs are built.
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
mkdir -p "$other"/tests/host "$other/harness"
cp -r tests/run tests/lib "$other/tests"
printf '#!/bin/sh\n' > "$other/harness/setup"
printf '#!/bin/sh\necho spinning; exec sleep 1000\n' > "$other/harness/vm"
printf 'all:\n' > "$other/tests/Makefile"
printf '#!/bin/sh\n# timeout: 1\nexec sleep 1000\n' > "$other/tests/host/sleeps.sh"
printf '#!/bin/sh\n# run: a b\n# run: c\n# debug-run: d  e\necho "ok 1 - $*"\n' > "$other/tests/host/args.sh"
chmod +x "$other"/harness/* "$other"/tests/host/*
# shellcheck disable=SC2317 # called by ok
there() { "$other/tests/run" --kernel-dir "$other" "$@" 2>&1; }
# shellcheck disable=SC2317 # called by ok
says() { there "${@:2}" | grep -qE -- "$1"; }

ok 'a host test has its own limit' says '^\[.*host/sleeps.sh: 0 passed, 1 FAILED, [1-9] s$' sleeps
ok '... or the longer one of all' [ "$(there --list args | grep -c ':900')" = 2 ]
ok '... which boot.sh, that builds a kernel, has not' grep -qx '# timeout: 7200' tests/host/boot.sh
ok 'the release kernel has each run' [ "$(there args | tail -n 1)" = '2 passed, 0 failed, 0 skipped' ]
ok 'the debug kernel has its own' says '^\[.*host/args.sh d e: 1 passed, [0-9]+ s$' --kernel debug args
ok 'under load, a part leaves no log' says '^2 passed' --load 1 args
ok '...' [ ! -e "$other/tests/last-load.log" ]
ok '... and all tests do' says '^2 passed, 1 failed' --load 1
ok '... with what failed' grep -q '^failed: tests/host/sleeps.sh: ' "$other/tests/last-load.log"
ok '... beside how many, and the count' grep -qE 'beside 1 that spin|^2 passed' "$other/tests/last-load.log"
guests=$(grep -c 'harness/vm ' demo/run)
ok 'the demo has guests' [ "$guests" -gt 3 ]
# shellcheck disable=SC2016 # for grep
ok '... each with the limits' [ "$(awk '/harness\/vm /, !/\\$/' demo/run | grep -cF '"${limits[@]}"')" = "$guests" ]
ok '... of processor time' grep -qE '^limits=\(--cpu-time [0-9]+ --timeout [0-9]{4,}\)$' demo/run
ok '... and no other' [ "$(grep -c -e --timeout demo/run)" = 1 ]
done_testing
