#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# configs.sh: our own files compile, with W=1 and without a warning, where all that can be off is off.  The
# whole table is `make configs`.
#
# kernels: release

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
n=0 failed=0
while read -r name _; do
	n=$((n + 1))
	if kernel/scripts/configs --own "$name" > "build/configs-$name.log" 2>&1; then
		echo "ok $n - $(grep ': fine$' "build/configs-$name.log")"
	else
		sed 's/^/# /' "build/configs-$name.log"
		echo "not ok $n - $name"
		failed=1
	fi
done < <(kernel/scripts/configs --ci --list)
echo "1..$n"
[ $n -gt 0 ] && [ $failed = 0 ]
