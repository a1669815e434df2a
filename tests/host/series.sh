#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# series.sh: at each prefix of the series that are mailed, all that is called of ours is defined, by a file
# of the prefix or by a stub of kernel/patches/later.c.  `make bisect-check` compiles them, which takes hours.
#
# kernels: release

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
if said=$(kernel/scripts/bisect-check --links 2>&1); then
	echo "ok 1 - ${said##*: }"
	echo 1..1
else
	echo "# ${said//$'\n'/$'\n'# }"
	echo "not ok 1 - kernel/patches/later.c needs a stub, or the manifest another patch"
	echo 1..1
	exit 1
fi
