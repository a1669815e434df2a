#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run ends with its line of numbers also when no time is left for any test; and its guests end with
# it, even if it is killed.
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
guests=$(grep -c 'harness/vm ' demo/run)
ok 'the demo has guests' [ "$guests" -gt 3 ]
# shellcheck disable=SC2016 # for grep
ok '... each with the limits' [ "$(awk '/harness\/vm /, !/\\$/' demo/run | grep -cF '"${limits[@]}"')" = "$guests" ]
ok '... of processor time' grep -qE '^limits=\(--cpu-time [0-9]+ --timeout [0-9]{4,}\)$' demo/run
ok '... and no other' [ "$(grep -c -e --timeout demo/run)" = 1 ]
done_testing
