#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# speed.sh: boot to command and back in under 8 s, with nothing else running.
#
# alone: yes
# kernels: release

set -uo pipefail

LIMIT=8000	# ms
# What the loop below takes on the machine that the limit is for, in ms (2 cores, 2026).
LOOP=1300

ms() { echo $(($(date +%s%N) / 1000000)); }

# The least of three: load comes and goes.
least() {
	local start took best=999999 i
	for i in 1 2 3; do
		start=$(ms)
		"$@" || return 1
		took=$(($(ms) - start))
		[ $took -ge $best ] || best=$took
	done
	echo $best
}

# shellcheck disable=SC2317 # least calls it
loop() { local i; for ((i = 0; i < 1000000; i++)); do :; done; }

if ! boot=$(least harness/vm --kernel release --timeout 120 -- true); then
	echo "not ok 1 - a machine boots"
	exit 1
fi
if [ "$boot" -lt $LIMIT ]; then
	echo "ok 1 - boot to command and back in $boot ms (limit $LIMIT)"
	exit 0
fi
here=$(least loop)
if [ "$here" -gt $((LOOP * 3 / 2)) ]; then
	echo "ok 1 - boot to command and back in $boot ms # SKIP a slow or busy machine: a loop of $LOOP ms takes $here"
	exit 0
fi
echo "not ok 1 - boot to command and back in $boot ms (limit $LIMIT)"
exit 1
