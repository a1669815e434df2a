#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every verb of pmnctl on a live kernel: a boot node, a DAX device on an NVDIMM's node, compressed RAM, and
# cgroups.  Each exit code, and the kernel's own reasons.
#
# vm: --node 1G --node 512M --node 0 --nvdimm 256M,node=2 --reserve 256M,node=0 --append private_node=1:user_numa,reclaim,demotion,capable=user_numa+reclaim+demotion --append private_node_spare=2
# timeout: 400
# The functions are called through ok.
# shellcheck disable=SC2317,SC2016
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

CG=/sys/fs/cgroup
pmnctl=$PMN_TOP/build/tools/pmnctl
export LC_ALL=C

ctl() { "$pmnctl" "$@" > /tmp/out 2> /tmp/err < /dev/null; }
shown() { sed 's/^/# /' /tmp/out /tmp/err; return 1; }
# gives STATUS ARG...
gives() {
	local want=$1 got
	shift
	ctl "$@"
	got=$?
	[ "$got" = "$want" ] || { echo "# pmnctl $*: status $got"; shown; }
}
prints() { grep -qE -- "$1" /tmp/out || { echo "# no '$1' in:"; shown; }; }
says() { grep -qE -- "$1" /tmp/err || { echo "# no '$1' in:"; shown; }; }
is() { [ "$(< "$NODES/node$1/private/$2")" = "$3" ] || { echo "# $2 is $(< "$NODES/node$1/private/$2")"; return 1; }; }

dax_up
dev=dax0.0

# -- look
ok 'check' gives 0 check
ok '... the boot line' prints '^ok +boot line +private_node=1:user_numa,reclaim,demotion,capable=user_numa.reclaim.demotion: node 1 is private'
ok 'check of the option that was booted' gives 0 check private_node=1:user_numa,reclaim,demotion
ok 'check of one that the kernel would not take' gives 1 check private_node=0 private_node=1:demotion
ok 'list' gives 0 list
ok '... the boot node' prints '^ +1 boot +512M +51[0-9.]*M +0 user_numa reclaim demotion fail +refuse$'
ok 'list --json' gives 0 list --json -b
ok '... the size' prints "\"size\": $(< $NODES/node1/private/total_bytes)"
ok 'show' gives 0 show 1
ok '... who may use it' prints 'may bind to it \(user_numa is open\)'
ok '... its device file' prints '/dev/private_node/node1, for root and group root, mode 0600'
ok 'status 2: usage' gives 2 show
ok 'status 4: no such node' gives 4 show 9
ok '... an ordinary one' gives 4 show 0

# -- switches, with the kernel's own sentence for a refusal
ok 'deny' gives 0 deny 1 demotion
ok '... is closed' is 1 enabled 'user_numa reclaim'
ok 'allow' gives 0 allow boot demotion
ok '... is open' is 1 enabled 'user_numa reclaim demotion'
ok 'allow: not capable' gives 1 allow 1 thp
ok 'set' gives 0 set 1 on_full=fallback:0 on_unplug=move weight=3 promotion=5 adistance=900
ok '... is set' eval "is 1 on_full fallback:0 && is 1 on_unplug move && is 1 interleave_weight 3 && is 1 adistance 900"
ok 'set: status 1: the kernel refuses the last one' gives 1 set 1 on_unplug=sigbus weight=9 on_full=fallback:1
ok '... with its reason' says 'node 1: .fallback:1. was refused by on_full: boot: on_full unchanged: .fallback:1. is not a list of nodes with ordinary memory, which are 0$'
ok '... and all is as before' eval "is 1 on_full fallback:0 && is 1 on_unplug move && is 1 interleave_weight 3"
nobody() { setpriv --reuid 65534 --clear-groups "$@" > /tmp/out 2> /tmp/err; }
not_ok 'set: not as nobody' nobody "$pmnctl" set 1 on_full=oom
ok '... it is told so' says 'try as root'
ok 'list as nobody' nobody "$pmnctl" list
gives 0 set 1 on_full=fail on_unplug=refuse adistance=0

# -- use
anon_on() { awk -v n=" N$1=" '/heap|stack|anon=/ && !/mapped=/ && index($0, n) { found = 1 } END { exit !found }' /tmp/out; }
ok 'run' gives 0 run 1 cat /proc/self/numa_maps
ok '... its memory is there' anon_on 1
ok '... bound' prints 'bind:1 heap'
ok 'run --full fallback' gives 0 run 1 --full fallback -- cat /proc/self/numa_maps
ok '... prefers it' prints 'prefer.*:1 heap'
ok 'run: the status of the command' gives 7 run 1 -- bash -c 'exit 7'
ok 'run: no such command' gives 1 run 1 /nonexistent
gives 0 deny 1 user_numa
ok 'run: closed' gives 1 run 1 true
ok '... says how to open it' says 'pmnctl allow 1 user_numa'
"$PMN_TOP/build/tests/guest/report/asks" policy 1
ok 'why' gives 0 why 1
ok '... who' prints ' node 1 \(boot\): asks \(pid [0-9]+, root\) could not name the node in a memory policy'
ok '... what to do' prints '^  do   .pmnctl allow 1 user_numa. opens it$'
ok '... a node that is closed to programs' prints '^node 1: user_numa is closed, so that numactl '
ok 'why: JSON' eval 'gives 0 why --last --json && prints "\"why\": \"closed\""'
ok 'why: status 4: nobody' gives 4 why 99999999
gives 0 allow 1 user_numa
ok 'stat' gives 0 stat 1
ok '... what run has used' prints '^ +1 user_numa_used +[0-9]+$'
ok 'stat: rates' gives 0 stat 1 --all -i 0.2 -c 2
ok 'metrics' gives 0 metrics -o /tmp/pmn.prom
ok '... the node' grep -q '^pmn_node_size_bytes{node="1",owner="boot"} 5' /tmp/pmn.prom

# -- devices
bind $dev device_dax
exec 9< /dev/$dev
ok 'dax: status 5: somebody has the character device open' gives 5 dax $dev -s user_numa
ok '... who' says "pid $$ has /dev/$dev open"
ok '... and keeps it' [ "$(driver_of $dev)" = device_dax ]
exec 9<&-
ok '... and all is as it was' same "$(choices $dev)" '0 auto '
unbind $dev
ok 'dax: dry run' gives 0 dax $dev -s user_numa --dry-run
ok '... changes nothing' same "$(choices $dev)" '0 auto '
ok 'dax: from no driver to a private node' gives 0 dax $dev -s user_numa
nid=$(node_of $dev)
ok "... node $nid" eval "is_private $nid && is $nid owner kmem-$dev && is $nid enabled user_numa"
ok 'dax: other services, without taking it away' gives 0 dax $dev -s user_numa,reclaim
ok '... are open' is "$nid" enabled 'user_numa reclaim'
ok 'a program holds memory there' holder $dev private
ok 'top' gives 0 top "$nid" --batch -c 1
ok '... the program' prints "^ +1[67][.0-9]*M +process +$HOLDER_PID  user_pages$"
ok 'deny: says who is hit' gives 0 deny "$nid" user_numa --dry-run
ok '... the program' prints "pid $HOLDER_PID \(user_pages\), 1[67]"
ok 'remove: status 5: busy' gives 5 remove "$nid"
ok '... the kernel names the holder' says "node $nid: cannot unplug: [0-9]+ user pages are in use, one by pid $HOLDER_PID"
ok '... and so does pmnctl' prints "has memory there: pid $HOLDER_PID \(user_pages\)"
ok '... and so does why, afterwards' eval 'gives 0 why --last && prints "one is of pid $HOLDER_PID \(user_pages\)$"'
ok '... nothing has changed' eval "is_private $nid && is $nid on_unplug refuse"
ok 'remove --move' gives 0 remove "$nid" --move
ok '... the node is gone' is_gone "$nid"
ok '... contents' same "$(ask check)" intact
end_holder

ok 'dax: back, on a spare node' gives 0 dax $dev --node spare -s user_numa
spare=$(node_of $dev)
ok "... node $spare" eval "is_private $spare && [ $spare != $nid ]"
ok 'a program holds memory there' holder $dev private
"$pmnctl" remove "$spare" --wait > /tmp/wait 2>&1 &
waiter=$!
until grep -q "pid $HOLDER_PID" /tmp/wait; do sleep 0.2; done
ok 'remove --wait: waits' is_private "$spare"
end_holder
ok '... until the program has ended' wait $waiter
ok '... the node is gone' is_gone "$spare"
ok 'private: the node of a device' gives 0 private "$nid" --node auto -s none
ok '... is private' eval "is_private $nid && is $nid enabled ''"
ok 'dax --ordinary' gives 0 dax $dev --ordinary
ok '... ordinary memory' in_state has_memory "$nid"
ok 'dax: ordinary to private' gives 0 dax $dev
ok '... is private' is_private "$nid"
ok 'remove: status 3: boot memory of which firmware has a part' eval 'gives 3 remove 1 && says "its memory block .* has a hole"'
ok 'private: status 3: boot memory' eval 'gives 1 private 0 && says processors'
ok 'cxl: status 4: no such region' gives 4 cxl region0

# -- at each boot: what the kernel brought up ordinary, before anybody asked, becomes private
mkdir -p /etc/pmn.d
cat > /etc/pmn.d/test.conf <<-END
	[dax $dev]
	services = user_numa reclaim
	on_unplug = move
	[node 1]
	owner = boot
	services = user_numa reclaim
END
gives 0 dax $dev --ordinary
unplug $dev
echo online_movable > /sys/devices/system/memory/auto_online_blocks
unbind $dev
bind $dev kmem
ok 'kmem brings it up ordinary' in_state has_memory "$nid"
ok 'apply --device' gives 0 apply --device $dev
ok '... it is private' eval "is_private $nid && is $nid enabled 'user_numa reclaim' && is $nid on_unplug move"
ok '... the other section waits' is 1 enabled 'user_numa reclaim demotion'
ok 'apply' gives 0 apply
ok '... all of it' is 1 enabled 'user_numa reclaim'
ok 'apply: again' gives 0 apply
echo 'services = warp' >> /etc/pmn.d/test.conf
ok 'apply: a mistake' gives 2 apply
ok '... its file and line' says '/etc/pmn.d/test.conf:7: '
rm /etc/pmn.d/test.conf

# -- somebody brings each block online that he sees, as udev rules do, all the time
onliner() {
	local b
	while [ ! -e /tmp/stop ]; do
		for b in "$NODES/node$nid"/memory[0-9]*/state; do
			echo online 2> /dev/null > "$b"
		done
	done
}
onliner 2> /dev/null &
race() {
	local left=5
	while [ $((left--)) -gt 0 ]; do
		gives 0 remove "$nid" || return 1
		gives 0 dax "$dev" -s user_numa || return 1
		is_private "$nid" || return 1
	done
}
ok 'against a rule that brings blocks online: private each time' race
: > /tmp/stop
wait $!
ok 'remove' gives 0 remove "$nid"
ok '... the node is gone' is_gone "$nid"

# -- cgroups
mkdir $CG/a $CG/b
in_group() { bash -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' - "$CG/$1" "$pmnctl" run 1 true 2> /tmp/err; }
ok 'any cgroup has the node' eval 'in_group a && in_group b'
ok 'grant --only' gives 0 grant 1 a --only
ok '... it has it' in_group a
not_ok '... the other one has not' in_group b
ok '... and is told so' says 'this cgroup may not have it'
ok 'show' gives 0 show 1
ok '... says so' prints 'cgroup may have it: +/a$'
ok '... nor has a task in the root cgroup' eval 'gives 1 run 1 true && says "cgroup may not have it"'
ok 'grant: the other one as well' gives 0 grant 1 /b
ok '... it has it' in_group b
ok 'revoke' gives 0 revoke 1 a
not_ok '... it has it no more' in_group a
ok 'set: all have it again' gives 0 set 1 access=any
ok 'grant: status 4: no such cgroup' gives 4 grant 1 nonesuch.service

# -- compressed RAM
ok 'cram: status 4: there is none' gives 4 cram status
modprobe cram_sim
range=$(reserved | sed -n 1p)
echo "name=c range=$range physical=96M" > /sys/kernel/cram_sim/new_device
ok 'cram status' gives 0 cram status
ok '... ok, and nothing to do' prints '^ +[0-9]+ ok +0B +0B +96M +0.00 +9[0-9.]+M nothing$'
cram=$(awk '$2 == "ok" { print $1 }' /tmp/out)
# What would take cold memory first, as it is.
gives 0 deny 1 reclaim
echo +memory > $CG/cgroup.subtree_control
coproc COLD { echo "$BASHPID" > $CG/a/cgroup.procs; exec "$PMN_BIN/cold" 48; }
read -r line <&"${COLD[0]}"
ok 'cram push: the cgroup may not have the node' gives 1 cram push a 16M
ok '... says so' says 'its cpuset.mems, or one above, has no node of compressed RAM'
ok 'grant: the node' gives 0 grant "$cram" a
ok 'cram push' gives 0 cram push a 16M
ok '... how much' prints '^/a: 1[6-9].*M? of 16M went to compressed RAM$|^/a: [2-4].*M of 16M'
ok '... it is there' [ "$(< $CG/a/memory.cram.current)" -ge $((16 << 20)) ]
ok 'cram limit' gives 0 cram limit a 1M
ok 'cram push: more than the limit: status 1' gives 1 cram push a 32M
ok '... says why' says 'the cgroup is at its memory.cram.max'
ok 'cram writable' gives 0 cram writable "$cram" 4M
ok '... is set' is "$cram" cram/writable_bytes $((4 << 20))
ok 'cram writable: the kernel refuses' gives 1 cram writable "$cram" 1T
ok '... with its reason' says 'was refused by writable_bytes: .*more than the device shows'
ok 'cram reset: nothing to reset' gives 1 cram reset "$cram"
ok 'remove: its driver does' gives 3 remove "$cram"
not_ok 'a block of it cannot go offline' eval 'echo offline > "$(echo $NODES/node$cram/memory[0-9]*/state | cut -d" " -f1)" 2> /dev/null'
ok '... why' eval 'gives 0 why "$cram" && prints "why  the node is compressed RAM"'
ok 'list' gives 0 list -o +KIND,STATE,RATIO
ok '... compressed RAM' prints ' cram +ok +[12]\.[0-9]+$'
ok 'metrics' gives 0 metrics
ok '... of the device' prints "^pmn_cram_resident_bytes\{node=\"$cram\",owner=\"cram_sim\"\} [1-9]"
out=${COLD[1]} pid=$COLD_PID
exec {out}>&-
read -r line <&"${COLD[0]}"
# The signal of its end would interrupt an unplug.
wait "$pid"
ok 'what was pushed is as it was' same "$line" intact
ok 'a device that is taken away' put c /sys/kernel/cram_sim/remove_device
ok 'cram status: status 4: it is gone' gives 4 cram status
rmmod cram_sim

# -- the screen
on_screen() { TERM=linux script -qec "$pmnctl top -c 2 -i 0.2" /tmp/screen > /dev/null; }
ok 'top on a terminal' on_screen
ok '... the node' grep -aq 'node 1, boot' /tmp/screen
ok 'completion' gives 0 completion bash
ok 'all services are open again' gives 0 allow 1 reclaim demotion
dax_down
done_testing
