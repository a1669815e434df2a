#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.sh: does harness/vm keep its promises?  One line per check, as TAP; fails when one does.
# VM_ARGS="--kernel-dir DIR" tests with a kernel that is there, without a look at its tree.
#
# kernels: release

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vm=$top/harness/vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0 rc=0
# PATHs in VM_ARGS are best absolute: some checks change the folder.
read -ra extra <<< "${VM_ARGS:-}"

result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		tail -n 20 "$tmp/err" | sed 's/^/# /'
	fi
}

# boot ARG... : runs a machine, leaves out, err and rc
boot() {
	"$vm" "${extra[@]}" --timeout 120 "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	rc=$?
}

# status EXPECTED NAME ARG...
status() {
	local want=$1 name=$2
	shift 2
	boot "$@"
	[ "$rc" = "$want" ] || echo "status $rc, expected $want" >> "$tmp/err"
	[ "$rc" = "$want" ]
	result $? "$name"
}

says() {
	grep -q -- "$1" "$tmp/err"
	result $? "$2"
}

statuses() {
	status 0 "status 0 passes through" -- true
	status 3 "status 3 passes through" -- sh -c 'exit 3'
	status 137 "a signal is 128 plus its number" -- sh -c 'kill -9 $$'
	status 127 "an unknown command is 127" -- /no/such/command
}

deaths() {
	status 99 "a panic is 99" -- sh -c 'echo c > /proc/sysrq-trigger'
	says 'kernel splat' "a panic is said"
	status 99 "a WARN is 99, though the command succeeds" -- \
		sh -c 'modprobe lkdtm && echo WARNING > /sys/kernel/debug/provoke-crash/DIRECT'
	says 'kernel splat' "a WARN is said"
	status 0 "a WARN that the caller allows is none" --allow 'WARNING: .*lkdtm' -- \
		sh -c 'modprobe lkdtm && echo WARNING > /sys/kernel/debug/provoke-crash/DIRECT'
	status 99 "a guest that resets before it reports is 99" -- sh -c 'echo b > /proc/sysrq-trigger; sleep 9'
	says 'no status from the guest' "a missing status is said"
	status 99 "a machine that QEMU refuses is 99" --qemu-arg -no-such-option -- true
}

limits() {
	local start=$SECONDS
	"$vm" "${extra[@]}" --timeout 8 -- sleep 1000 > "$tmp/out" 2> "$tmp/err"
	[ $? = 124 ] && [ $((SECONDS - start)) -lt 40 ]
	result $? "a time-out is 124"
	says 'timed out' "a time-out is said"
	# A boot takes a few seconds of it.
	status 124 "processor time is limited, too" --cpu-time 25 -- sh -c 'while :; do :; done'
	says 'ended after 25 s of processor time' "... and that is said"
	"$vm" "${extra[@]}" --cpu-time 25 --timeout 120 -- sleep 30 > "$tmp/out" 2> "$tmp/err"
	result $? "... a guest that waits uses none"
}

arguments() {
	local a
	while read -r a; do
		read -ra words <<< "$a"
		"$vm" "${words[@]}" > "$tmp/out" 2> "$tmp/err"
		[ $? = 2 ] && [ -s "$tmp/err" ]
		result $? "refused with 2: ${a:-no arguments}"
	done <<-EOF

	--bogus 1 -- true
	--cpus 0 -- true
	--cpus two -- true
	--node 5X -- true
	--node 512M,cpus=3 -- true
	--node 512M,color=red -- true
	--node 512M,cpus=none --node 512M,cpus=0-1 -- true
	--node 512M,id=1 --node 512M,id=1 -- true
	--reserve 128M,node=7 -- true
	--reserve 100M,node=0 -- true
	--reserve 4096M,node=0 -- true
	--distance 0,1 -- true
	--slow x -- true
	--slow 1 -- true
	--slow 0,1 -- true
	--cxl 100M -- true
	--cxl 0 -- true
	--cxl 512M,soon -- true
	--slots 4 -- true
	--timeout 0 -- true
	--cpu-time 0 -- true
	--cpu-time 5m -- true
	--kernel nonesuch -- true
	--kernel-dir /nonexistent -- true
	--out /nonexistent -- true
	--node
	--node 512M
	--shell --stdin
	EOF
}

# on_terminal COMMAND: the shell command on a terminal of its own, with what is typed on our standard
# input; leaves $tmp/screen, while it runs as well, and rc.
on_terminal() {
	: > "$tmp/screen"
	rm -f "$tmp/typescript"
	script -qefc "$1" "$tmp/typescript" > "$tmp/screen" 2> "$tmp/err"
	rc=$?
	sed 's/\r//g; s/\x1b\[[?0-9;]*[a-z]//g' < "$tmp/screen" > "$tmp/out"
	tail -n 20 "$tmp/out" >> "$tmp/err"
}

# Waits until the screen shows the line; not for ever.
shows() {
	local i
	for i in $(seq 1200); do
		! grep -aqs -- "$1" "$tmp/screen" || return 0
		sleep 0.1
	done
	return 1
}

shells() {
	local sum vm_line
	printf -v vm_line '%q ' "$vm" "${extra[@]}" --timeout 120 --shell
	boot --shell
	[ $rc = 2 ] && grep -q 'no terminal; give the commands' "$tmp/err"
	result $? "--shell without a terminal is refused with 2, and says what to do"

	# What is typed too early waits.
	# shellcheck disable=SC2016 # typed
	on_terminal "$vm_line" < <(printf 'tty; echo $((6 * 7)) $-; PS1=; uname -n\nexit 5\n'; shows ^pmn)
	[ $rc = 5 ] && grep -qx '/dev/pts/0' "$tmp/out" && grep -qE '^42 .*i.*m' "$tmp/out" && grep -qx pmn "$tmp/out"
	result $? "--shell is a shell with job control, and its status is ours"

	# shellcheck disable=SC2016 # expanded in the guest
	on_terminal "stty rows 31 cols 90; (until grep -q '^31 90' $tmp/screen; do sleep 0.1; done; stty rows 40 cols 100) < /dev/tty &
		$vm_line -- sh -c 'trap \"echo interrupted; exit 7\" INT; stty size; until [ \"\$(stty size)\" = \"40 100\" ]; do sleep 0.1; done; echo resized; while :; do sleep 0.1; done'" \
		< <(shows '^resized' && printf '\003'; shows interrupted)
	grep -qx '31 90' "$tmp/out" && grep -qx resized "$tmp/out"
	result $? "--shell CMD: the terminal's size is the guest's, also a later one"
	[ $rc = 7 ] && grep -q interrupted "$tmp/out"
	result $? "Ctrl-C interrupts in the guest"

	seq 100000 101999 | sed 's/$/ typed faster than anybody reads/' > "$tmp/typed"
	sum=$(cksum < "$tmp/typed")
	on_terminal "trap : INT; before=\$(stty -g); $vm_line -- sh -c 'stty -echo; echo ready; head -n 2000 | cksum; sleep 1000'
		rc=\$?; [ \"\$(stty -g)\" != \"\$before\" ] || echo as before; exit \$rc" \
		< <(shows '^ready' && cat "$tmp/typed"; shows "^$sum" && printf '\035'; shows 'as before')
	grep -qx "$sum" "$tmp/out"
	result $? "what is typed arrives whole"
	[ $rc = 130 ] && grep -qx 'as before' "$tmp/out"
	result $? "Ctrl-] ends the machine, and the terminal is as before"
}

output() {
	head -c 3000000 /dev/urandom > "$tmp/data"
	boot -- cat "$tmp/data"
	[ $rc = 0 ] && cmp -s "$tmp/data" "$tmp/out"
	result $? "3 MB of random bytes come out exactly"
	boot -- sh -c 'echo out; echo err >&2; (sleep 1000; echo late) & exit 0'
	[ $rc = 0 ] && [ "$(cat "$tmp/out")" = out ] && [ "$(cat "$tmp/err")" = err ]
	result $? "stdout and stderr are apart, and a left-over process is not waited for"
	printf 'a\0b\n' | "$vm" "${extra[@]}" --stdin -- od -c > "$tmp/out" 2> "$tmp/err"
	printf 'a\0b\n' | od -c | cmp -s - "$tmp/out"
	result $? "--stdin reaches the command"
}

surroundings() {
	local here=$PWD
	mkdir -p "$tmp/sub dir/out" && cd "$tmp/sub dir" || exit 1
	# shellcheck disable=SC2016 # expanded in the guest
	PMN_FOO='x y' boot --env BAR=1 --out "$tmp/sub dir/out" -- sh -c \
		'echo "$PWD|$(pwd)|$HOME|$PMN_FOO|$BAR"; id -u; echo no > leaked; echo yes > out/kept; cat leaked'
	cd "$here" || exit 1
	[ "$(cat "$tmp/out")" = "$tmp/sub dir|$tmp/sub dir|/root|x y|1"$'\n0\nno' ]
	result $? "directory, environment and user are as promised"
	[ ! -e "$tmp/sub dir/leaked" ]
	result $? "a write stays in the guest"
	[ "$(cat "$tmp/sub dir/out/kept" 2> /dev/null)" = yes ]
	result $? "a write below --out reaches the host"
}

clock() {
	local khz
	PMN_ACCEL=tcg boot -- dmesg
	khz=$(sed -n 's/.* tsc_early_khz=\([1-9][0-9]*\) .*/\1/p;T;q' "$tmp/out")
	[ -n "$khz" ] && grep -q "tsc: Detected $((khz / 1000))\.[0-9]* MHz" "$tmp/out"
	result $? "an emulated guest is told the rate of its time stamp counter"
}

topologies() {
	# shellcheck disable=SC2016 # expanded in the guest
	boot --cpus 3 --node 512M --node 512M,id=2 --node 512M --reserve 128M,node=2 --slots 2,4G -- \
		sh -c 'cat /sys/devices/system/node/online; echo $PMN_RESERVED; grep -c "Reserved" /proc/iomem > /dev/null; cat /sys/devices/system/node/node0/cpulist'
	grep -qx '0,2-3' "$tmp/out" && grep -qx '0-2' "$tmp/out" && grep -qE '(^| )2:0x[0-9a-f]+:0x8000000( |$)' "$tmp/out"
	result $? "a gap in the node numbers, a reserved range, slots"
	boot --node 0,cpus=0 --node 512M,cpus=1 -- cat /sys/devices/system/node/has_memory
	[ "$(cat "$tmp/out")" = 1 ]
	result $? "node 0 without memory"
	boot --icount -- nproc
	[ "$(cat "$tmp/out")" = 1 ]
	result $? "icount runs with one processor"
}

# Is there an emulator whose files are below the folder?
machine() {
	local p
	for p in /proc/[0-9]*; do
		[[ $(cat "$p/comm" 2> /dev/null) == qemu-system* ]] || continue
		! tr '\0' '\n' < "$p/cmdline" 2> /dev/null | grep -qF "$1/pmn-vm" || return 0
	done
	return 1
}

# Nothing outlives the script, even when it is killed hard; nothing is left in /tmp.
killed() {
	local pid i mark=$tmp/tmpdir
	mkdir "$mark"
	TMPDIR=$mark "$vm" "${extra[@]}" -- sleep 1000 > /dev/null 2>&1 & pid=$!
	for i in $(seq 600); do
		! machine "$mark" || break
		sleep 0.1
	done
	machine "$mark"
	result $? "a machine is up"
	kill -9 $pid
	for i in $(seq 600); do
		machine "$mark" || break
		sleep 0.1
	done
	! machine "$mark"
	result $? "SIGKILL of harness/vm takes the machine along"
	TMPDIR=$mark/../t2 && mkdir -p "$TMPDIR" && export TMPDIR
	boot -- true
	[ $rc = 0 ] && [ -z "$(ls -A "$TMPDIR")" ]
	result $? "no temporary file is left"
	unset TMPDIR
}

parallel() {
	local i pids=() bad=0
	for i in 1 2 3; do
		"$vm" "${extra[@]}" -- sh -c "sleep 1; exit $((i + 10))" 2> "$tmp/err" & pids+=($!)
	done
	for i in 1 2 3; do
		wait "${pids[i - 1]}"
		[ $? = $((i + 10)) ] || bad=1
	done
	result $bad "three machines at once do not meet"
}

arguments
statuses
deaths
limits
output
surroundings
shells
clock
topologies
killed
parallel
echo "1..$n"
[ $failed = 0 ]
