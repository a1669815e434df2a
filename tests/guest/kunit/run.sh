#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh: the KUnit suite private_node, one TAP line for each case.  Fails when a case failed, when
# one that has what it needs was skipped, and when none ran.
#
# vm: --node 1G --append private_node_spare=2
# vm: --node 768M --node 256M --node 256M --append private_node=1 --append private_node=2 --append private_node_spare=2
# vm: --node 768M --node 256M --node 0 --node 256M,id=4 --append private_node=1 --append private_node_spare=2
# timeout: 90

cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

results=/sys/kernel/debug/kunit/private_node/results
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
modprobe -r private_node_kunit 2> /dev/null
ok "the suite loads" modprobe private_node_kunit

# KTAP of a module: cases are indented once, parameters of a case twice.
ran=0
while IFS= read -r line; do
	if [[ $line =~ ^\ {4}(ok|not\ ok)\ [0-9]+\ (.*)$ ]]; then
		name=${BASH_REMATCH[2]}
		ran=$((ran + 1))
		case ${BASH_REMATCH[1]} in
		ok) if [[ $name == *'# SKIP'* ]]; then
			skip "${name%% #*}" "${name##*# SKIP }"
		    else
			ok "$name" true
		    fi ;;
		*) ok "$name" false ;;
		esac
	elif [[ $line == *'# '* && $line != *'# Subtest'* ]]; then
		echo "# $line"
	fi
done < <(cat "$results" 2> /dev/null)

private=$(cat /sys/devices/system/node/has_private_memory)
skipped=$(grep -cE '^ {4}ok .*# SKIP' "$results")
# Without a private node what needs pages is skipped; with them only what needs that there is none.
case $private in
'') most=7 ;;
*[,-]*) most=1 ;;
*) most=3 ;;
esac
ok "no more than $most cases are skipped with private nodes '$private'" [ "$skipped" -le "$most" ]
ok "cases ran" [ "$ran" -ge 20 ]
ok "the suite passed" grep -qE '^ok [0-9]+ private_node' "$results"
ok "the suite unloads" modprobe -r private_node_kunit
done_testing
