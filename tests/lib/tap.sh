# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# tap.sh: source it: . tests/lib/tap.sh
#   ok TEXT CMD...      passes when CMD succeeds
#   not_ok TEXT CMD...  passes when CMD fails
#   skip TEXT REASON
#   done_testing        last line; exits non-zero when anything failed

tap_count=0 tap_failed=0

_verdict() {
	tap_count=$((tap_count + 1))
	[ "$1" = ok ] || tap_failed=$((tap_failed + 1))
	echo "$1 $tap_count - $2"
}

ok() {
	local text=$1
	shift
	if "$@"; then _verdict ok "$text"; else echo "# failed: $*"; _verdict 'not ok' "$text"; fi
}

not_ok() {
	local text=$1
	shift
	if "$@"; then echo "# succeeded: $*"; _verdict 'not ok' "$text"; else _verdict ok "$text"; fi
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tap_count"
	[ $tap_failed = 0 ] && [ $tap_count -gt 0 ]
	exit $?
}
