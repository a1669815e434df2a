#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh: every KUnit suite of ours, one TAP line for each case.  Fails when a suite of the sources is not
# built, not loaded or not run, when a case of the sources did not run, when one failed, or when one that
# has what it needs was skipped.
#
# vm: --node 1G --append private_node_spare=2
# vm: --node 768M --node 256M --node 256M --append private_node=1 --append private_node=2 --append private_node_spare=2
# vm: --node 768M --node 256M --node 0 --node 256M,id=4 --append private_node=1 --append private_node_spare=2
# timeout: 120

cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

debugfs=/sys/kernel/debug
mountpoint -q $debugfs || mount -t debugfs none $debugfs

# KTAP of a module: cases are indented once, parameters of a case twice.
cases() {
	local line name
	ran=0 skipped=0
	while IFS= read -r line; do
		if [[ $line =~ ^\ {4}(ok|not\ ok)\ [0-9]+\ (.*)$ ]]; then
			name="$suite: ${BASH_REMATCH[2]}"
			ran=$((ran + 1))
			if [ "${BASH_REMATCH[1]}" != ok ]; then
				ok "$name" false
			elif [[ $name == *'# SKIP'* ]]; then
				skip "${name%% #*}" "${name##*# SKIP }"
				skipped=$((skipped + 1))
			else
				ok "$name" true
			fi
		elif [[ $line == *'# '* && $line != *'# Subtest'* ]]; then
			echo "# $line"
		fi
	done < <(cat "$debugfs/kunit/$suite/results" 2> /dev/null)
}

# Suites that may be skipped in part: what needs pages without a private node, what needs that there is
# none with one.
most_skipped() {
	case $suite:$(cat /sys/devices/system/node/has_private_memory) in
	cram:) echo 11 ;;
	cram:*) echo 0 ;;
	*:) echo 11 ;;
	*[,-]*) echo 1 ;;
	*) echo 3 ;;
	esac
}

# The sources say how many suites there are, and how many cases each has.
mapfile -t sources < <(grep -rl '^kunit_test_suites\?(' kernel/files --include='*.c' | sort)
suites=0
for source in "${sources[@]}"; do
	module=$(basename "$source" .c)
	modprobe -r "$module" 2> /dev/null
	before=$(ls $debugfs/kunit 2> /dev/null)
	ok "$module: is built and loads" modprobe "$module"
	new=$(comm -13 <(echo "$before") <(ls $debugfs/kunit 2> /dev/null))
	want=$(grep -cE '^static struct kunit_suite ' "$source")
	ok "$module: has its $want suites" [ "$(wc -w <<< "$new")" = "$want" ]
	suites=$((suites + want))
	all=0
	for suite in $new; do
		cases
		all=$((all + ran))
		ok "$suite: no more than $(most_skipped) cases are skipped" [ "$skipped" -le "$(most_skipped)" ]
		ok "$suite: passed" grep -qE "^ok [0-9]+ $suite" "$debugfs/kunit/$suite/results"
	done
	ok "$module: all cases of the source ran" [ "$all" -ge "$(grep -cE '^[[:space:]]KUNIT_CASE' "$source")" ]
	ok "$module: unloads" modprobe -r "$module"
done

# The count of all: what the modules of this kernel bring is what the sources say, and no suite was left out.
built=$(find "/lib/modules/$(uname -r)/" -name '*.ko' -exec grep -lF .kunit_test_suites {} + | wc -l)
ok "there are suites" [ "$suites" -ge 2 ]
ok "every module with suites was loaded" [ "$built" = ${#sources[@]} ]
done_testing
