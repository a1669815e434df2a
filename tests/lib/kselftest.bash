# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kselftest.bash: source it: . tests/lib/kselftest.bash
#   run_selftests DIR   runs the programs of tools/testing/selftests/DIR, which tests/run has built, and ends;
#                       each check and each test of theirs is a line of our TAP
# PMN_SELFTEST=NAME... in the environment: only these; PMN_TEST_ALL=1: also those that run as a test of tests/guest,
# which includes the same source.

# KTAP of one program on stdin, TAP on stdout; counts on from number "from", whose last is in the last line.
tap_of_ktap() {
	awk -v from="$1" -v name="$2" '
		function line(verdict, text) { printf "%s %d - %s: %s\n", verdict, ++from, name, text; fflush() }
		BEGIN { planned = -1 }
		/^1\.\.[0-9]+/ { planned = substr($1, 4) }
		/^ *(not )?ok [0-9]+/ {
			verdict = /^ *not/ ? "not ok" : "ok"
			inner = /^ /
			sub(/^ *(not )?ok [0-9]+ *(- )?/, "")
			line(verdict, $0)
			if (!inner) done++
			next
		}
		{ print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
		END {
			if (done != planned) line("not ok", done " of " planned " tests had a result")
			print "@from " from
		}'
}

# runs_elsewhere NAME DIR
runs_elsewhere() {
	[ -z "${PMN_TEST_ALL:-}" ] && [ -z "${PMN_SELFTEST:-}" ] &&
		grep -qsF "/selftests/$2/$1.c\"" "$PMN_TOP"/tests/guest/*/"$1".c
}

run_selftests() {
	local dir=$PMN_TOP/build/tests/selftests/kselftest/$1 program from=0 seconds=0 failed=0
	if [ ! -d "$dir" ]; then
		echo "ok 1 - selftests $1 # SKIP not built: there is no kernel tree, see tests/run"
		echo 1..1
		exit 0
	fi
	seconds=$(sed -n 's/^timeout=//p' "kernel/files/tools/testing/selftests/$1/settings")
	for program in "$dir"/*; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
		! runs_elsewhere "${program##*/}" "$1" || { echo "# ${program##*/} is a test of tests/guest"; continue; }
		[ -z "${PMN_SELFTEST:-}" ] || [[ " $PMN_SELFTEST " == *" ${program##*/} "* ]] || continue
		while IFS= read -r row; do
			case $row in
			@from\ *) from=${row#@from } ;;
			*) [[ $row != 'not ok'* ]] || failed=1; echo "$row" ;;
			esac
		done < <(timeout -k 5 "$((seconds * 2))" "$program" 2>&1 | tap_of_ktap "$from" "${program##*/}")
	done
	from=$((from + 1))
	if [ -z "$(cat /sys/devices/system/node/has_private_memory)" ]; then
		echo "ok $from - what the selftests made is gone"
	else
		echo "not ok $from - what the selftests made is gone"
		failed=1
	fi
	echo "1..$from"
	[ "$from" -gt 1 ] && [ $failed = 0 ]
	exit $?
}
