#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run ends with its line of numbers also when no time is left for any test.
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
rm -rf build/tests/log/none
done_testing
