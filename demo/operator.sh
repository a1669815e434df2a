#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# operator.sh: inside the guest: what an operator sees of two private nodes, of which one is open to programs.

set -euo pipefail

pmnctl=$PMN_TOP/build/tools/pmnctl
export LC_ALL=C

# shows TEXT CMD...: the command as an operator types it, and what it prints
shows() {
	echo
	echo "* $1"
	shift
	echo "  # ${*//$PMN_TOP\/build\/*\//}"
	{ "$@" || echo "(exit status $?)"; } 2>&1 | sed 's/^demo.* Bus error .*/Bus error/; s/^/  /'
}

shows "two private nodes: programs may name the first, the second is closed" "$pmnctl" list

mkdir -p /sys/fs/cgroup/db
coproc DB { echo $BASHPID > /sys/fs/cgroup/db/cgroup.procs; exec "$pmnctl" run 1 -- "$PMN_TOP/build/demo/where" - 96; }
read -r line <&"${DB[0]}"
echo
echo "* a program runs on it: pmnctl run 1 -- where - 96"
echo "  $line"
shows "who uses it" "$pmnctl" top 1 --batch -c 1

shows "somebody wants the closed node" "$pmnctl" run 2 -- true
shows "another program asks the open node for more than it has" "$pmnctl" run 1 -- "$PMN_TOP/build/demo/where" - 200
shows "why was it killed?" "$pmnctl" why --last

shows "the memory is to be taken away: who is in the way?" "$pmnctl" remove 1
shows "the program's memory may move instead" "$pmnctl" remove 1 --move
shows "all of it is out" "$pmnctl" list
shows "and back" "$pmnctl" private 1
shows "... for the next program" "$pmnctl" list
eval "exec ${DB[1]}>&-"
wait "$DB_PID" || true
