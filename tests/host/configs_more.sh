#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# configs_more.sh: our own files, and all that our patches touch, compile without memcg, without huge pages, and
# for arm64: rows of kernel/config/matrix in which code of ours differs most.  Each takes minutes.
#
# kernels: release
# soak: yes
# timeout: 3600

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
for row in memcg hugetlbfs arm64; do
	ok "$row" kernel/scripts/configs "$row"
done
done_testing
