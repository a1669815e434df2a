#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A shell that is bound to a node whose service is then closed runs on and ends itself: its own
# pages are copied after each fork, its exit handler runs, what it writes arrives.  New memory is
# refused to it.
#
# vm: --node 1G --node 256M --append private_node=1:user_numa
# timeout: 60

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

private=/sys/devices/system/node/node1/private
stat_of() { sed -n "s/^$1 //p" "$private/stat"; }

# run SHELL CHANGE: opens or closes the service, forks, and ends with a handler.  It writes into a
# pipe: a page of a file in tmpfs would be new memory of its policy, too.
run() {
	# shellcheck disable=SC2016 # that shell expands them
	numactl --membind=1 "$1" -c '
		trap "echo handler; exit 7" EXIT
		x=before
		echo '"$2"' > /sys/devices/system/node/node1/private/enabled
		for i in 1 2 3; do x=$(echo "$x $i"); (exit 3) || x="$x-$?"; done
		echo "$x"' 2>&1 | cat > /tmp/out
	echo "status ${PIPESTATUS[0]}" >> /tmp/out
	echo +user_numa > $private/enabled
}

shell=dash
for change in +user_numa -user_numa; do
	before=$(stat_of displaced)
	run $shell $change
	sed 's/^/# /' /tmp/out
	ok "$shell, $change: ran to its end" \
		[ "$(cat /tmp/out)" = "$(printf '%s\n' 'before 1-3 2-3 3-3' handler 'status 7')" ]
	n=$(($(stat_of displaced) - before))
	if [ $change = -user_numa ]; then
		ok "$shell: its copies are displaced: $n" [ $n -gt 0 ]
	else
		ok "$shell: control, the service is open: none is" [ $n = 0 ]
	fi
done

# New memory of such a shell is refused, and it can say so.
for change in +user_numa -user_numa; do
	# shellcheck disable=SC2016 # that shell expands them
	LC_ALL=C numactl --membind=1 bash -c 'echo '$change' > /sys/devices/system/node/node1/private/enabled
		x=x; for i in {1..24}; do x=$x$x; done; echo ${#x}' 2>&1 | cat > /tmp/out
	status=${PIPESTATUS[0]}
	echo +user_numa > $private/enabled
	sed 's/^/# /' /tmp/out
	if [ $change = -user_numa ]; then
		ok "16 MiB of new memory are refused: status $status" test "$status" -gt 0 -a "$status" -lt 128
		ok '... in its own words' grep -q 'cannot allocate' /tmp/out
	else
		ok "control, the service is open: they are not: status $status" test "$status" = 0
	fi
done

# Commands of such a shell do not start, and it goes on: what it calls by vfork() does not die in
# malloc(), and exec says why.
for change in +user_numa -user_numa; do
	for shell in dash bash; do
		before=$(stat_of heap_elsewhere)
		# shellcheck disable=SC2016 # that shell expands them
		LC_ALL=C numactl --membind=1 $shell -c 'echo '$change' > /sys/devices/system/node/node1/private/enabled
			for i in 1 2 3; do ls / > /dev/null; echo "ls $?"; done
			/bin/true; echo "true $?"; x=$(echo hi); echo "x $x"' 2>&1 | cat > /tmp/out
		status=${PIPESTATUS[0]}
		echo +user_numa > $private/enabled
		sed 's/^/# /' /tmp/out
		ok "$shell, $change: ends itself: status $status" test "$status" = 0
		ok "$shell, $change: a subshell works" grep -q '^x hi$' /tmp/out
		if [ $change = +user_numa ]; then
			ok "$shell: control, the service is open: commands run" [ "$(grep -c ' 0$' /tmp/out)" = 4 ]
		else
			ok "$shell: commands are refused, none dies of a signal" \
				[ "$(grep -cE '^(ls|true) (1|2|12[0-7])$' /tmp/out)" = 4 ]
			ok "$shell: with the reason" grep -q 'Cannot allocate memory' /tmp/out
			echo "# heap_elsewhere $(($(stat_of heap_elsewhere) - before))"
		fi
	done
done
done_testing
