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

# New memory of such a shell is refused.
numactl --membind=1 bash -c "echo -user_numa > $private/enabled; exec 2> /dev/null
	x=x; for i in {1..24}; do x=\$x\$x; done; echo \${#x}" > /tmp/out 2>&1
status=$?
echo +user_numa > $private/enabled
ok "16 MiB of new memory are refused: status $status" [ $status = $((128 + 7)) ]
done_testing
