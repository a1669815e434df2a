#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# /proc/private_node_refusals: each reason, with who, which node and how often; who may see what; a storm
# pushes nothing away.  KUnit has the order in which entries are overwritten, and the atomic context.
#
# vm: --node 1G --node 128M --reserve 128M,node=0 --reserve 128M,node=0 --append private_node=1:user_numa,hugetlb --append private_node_spare=3
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317,SC2016,SC2288
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

FILE=/proc/private_node_refusals
CG=/sys/fs/cgroup
asks=$PMN_BIN/asks
private=$NODES/node1/private
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# last REGEX CMD...: CMD fails, and the latest line is of it
last() {
	local regex=$1 line
	shift
	if "$@" > /dev/null 2>&1; then echo "# granted: $*"; return 1; fi
	line=$(tail -n 1 "$FILE")
	[[ $line =~ $regex ]] || { echo "# no '$regex' in: $line"; return 1; }
}

# has REGEX...: one line has all of them
has() {
	local line regex
	while read -r line; do
		for regex; do
			[[ $line =~ $regex ]] || continue 2
		done
		return 0
	done < "$FILE"
	sed 's/^/# /' "$FILE"
	return 1
}

lines() { grep -cE -- "$1" "$FILE"; }
stat_of() { sed -n "s/^$1 //p" "$private/stat"; }
write() { echo "$2" 2> /dev/null > "$1"; }

# holder ARGS...: asks as a co-process, which has asked for its memory
holder() {
	coproc HOLDER { exec "$asks" "$@" 2> /dev/null; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

user_pages() {
	coproc HOLDER { exec "$USER_PAGES" "$@"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}
USER_PAGES=$PMN_TOP/build/tests/guest/hotplug/user_pages

ok "nothing was refused since boot" [ "$(wc -l < "$FILE")" = 0 ]
ok "everybody may read it" "${nobody[@]}" cat "$FILE"

# -- the service is closed
echo '-user_numa -hugetlb' > $private/enabled
before=$(stat_of user_numa_refused)
ok "set_mempolicy to a closed node" last ' count=1 node=1 owner=boot what=policy why=closed .* uid=0 pid=[0-9]+ tid=[0-9]+ comm=asks$' "$asks" policy 1
ok "user_numa_refused counts it" [ "$(stat_of user_numa_refused)" = $((before + 1)) ]
ok "move_pages" last 'node=1 .*what=move why=closed' "$asks" move 1
ok "migrate_pages" last 'node=1 .*what=move why=closed' "$asks" migrate 1
ok "a mount with mpol=" last 'node=1 .*what=policy why=closed .*comm=mount$' mount -t tmpfs -o mpol=bind:1 x /mnt
ok "the same process again: counted" last ' count=1000 node=1 .*what=policy ' "$asks" policy 1 1000
first=$(sed -nE '$s/^time=([0-9]+)\.([0-9]+) first=([0-9]+)\.([0-9]+) .*/\1\2 \3\4/p' "$FILE")
ok "with both times" [ "${first% *}" -gt "${first#* }" ]
echo '+user_numa +hugetlb' > $private/enabled

# -- who sees what
"${nobody[@]}" "$asks" policy 2
not_ok "a node that is not private is none of it" has comm=asks node=2
echo '-hugetlb -user_numa' > $private/enabled
"${nobody[@]}" "$asks" policy 1
ok "root sees the line of another user" has what=policy uid=65534 comm=asks
"${nobody[@]}" cat "$FILE" > /tmp/mine
ok "a user sees his own" grep -q 'uid=65534 .* comm=asks$' /tmp/mine
not_ok "... and no other" grep -vq uid=65534 /tmp/mine
setpriv --ruid 65534 "$asks" policy 1
ok "a program with another effective user: root sees it" [ "$(lines 'uid=65534 .*comm=asks')" = 2 ]
ok "... and the user who started it does not" [ "$("${nobody[@]}" grep -c . "$FILE")" = 1 ]
exec 8< "$FILE"
"${nobody[@]}" cat <&8 > /tmp/mine
ok "what counts is who opened the file" grep -q 'uid=0 ' /tmp/mine
exec 8<&-
unshare -pf --mount-proc bash -c "'$asks' policy 1; cat $FILE" > /tmp/mine
ok "another pid namespace: its own alone, as it sees them" eval 'grep -q " pid=2 tid=2 comm=asks$" /tmp/mine && [ "$(wc -l < /tmp/mine)" = 1 ]'
cp "$asks" $'/tmp/as ks\n1\\'
$'/tmp/as ks\n1\\' policy 1
ok "a name of any bytes is one word" has 'comm=as\\040ks\\0121\\134$'
not_ok "no addresses" grep -qE '0x|ffff' "$FILE"

# -- a storm
for _ in {1..200}; do "$asks" policy 1; done &
storm=$!
"${nobody[@]}" bash -c "for i in {1..200}; do '$asks' policy 1; done"
wait $storm
ok "many tasks of one user have half of the lines at most" [ "$(lines uid=65534)" -le 64 ]
ok "128 lines, from the oldest to the latest" eval '[ "$(wc -l < "$FILE")" = 128 ] && sed "s/^time=//; s/ .*//" "$FILE" | sort -cn'
echo '+user_numa +hugetlb' > $private/enabled

# -- cpusets
echo +cpuset > $CG/cgroup.subtree_control
mkdir -p $CG/a
echo 0 > $CG/a/cpuset.mems
in_a() { bash -c 'echo $$ > "$1/a/cgroup.procs"; shift; exec "$@"' - "$CG" "$@"; }
ok "a cpuset without the node" last 'node=1 .*what=policy why=cpuset .*comm=asks' in_a "$asks" policy 1
ok "... the device file" last 'node=1 .*what=map why=cpuset' in_a "$asks" map /dev/private_node/node1 4096
ok "a private node for cpuset.mems.sysram" last 'node=1 .*what=cpuset why=private' write $CG/a/cpuset.mems.sysram 1

# -- the device file, and settings
ok "a mapping that is too large" last 'node=1 .*what=map why=too_large' "$asks" map /dev/private_node/node1 $((1 << 40))
ok "mbind of its range" last 'node=1 .*what=policy why=fixed' "$asks" fixed /dev/private_node/node1
ok "a setting that is none" last 'node=1 .*what=setting why=invalid' write $private/on_full bogus
ok "... and another one" last 'count=2 node=1 .*what=setting why=invalid' write $private/on_unplug bogus

# -- full
mib=$(($(< $private/total_bytes) >> 20))
ok "free pages, but no piece as large" eval '! "$asks" fragments 1 $((mib + 16)) 2> /dev/null; has what=user_numa why=no_block order=9'
ok "full: SIGBUS" eval '! "$asks" store 1 $((mib + 16)) 2> /dev/null; has node=1 what=access why=full comm=asks && has node=1 what=user_numa why=full comm=asks'
ok "a pool without a free page" eval '! "$asks" pool 1 2> /dev/null; has node=1 what=access why=pool && has what=hugetlb why=pool'
holder fill 1 $((mib + 16))
ok "exec on a full node" eval '"$asks" exec 1; has node=1 what=exec why=full comm=asks'
pid=$HOLDER_PID
echo -1000 > "/proc/$pid/oom_score_adj"
echo oom > $private/on_full
ok "on_full=oom, nobody to kill" eval '! "$asks" store 1 8 2> /dev/null; has node=1 what=kill why=nobody comm=asks'
echo 0 > "/proc/$pid/oom_score_adj"
"$asks" store 1 8 < /dev/null > /dev/null
ok "on_full=oom: who was killed, and for whom" has node=1 what=kill why=oom "pid=$pid " 'pages=[1-9]' 'by=[0-9]+ by_comm=asks'
wait "$pid" 2> /dev/null
echo fail > $private/on_full

# -- nodes that come and go
modprobe private_node_sim
mapfile -t range < <(reserved)
ok "a node that has ordinary memory" last 'node=0 owner=sim what=register why=busy' sim new_node name=z node=0 ranges="${range[0]}"
sim new_node name=a ranges="${range[0]}" online_type=online_movable on_unplug=refuse capable=user_numa enabled=user_numa
nid=$(nid_of a)
sim new_node name=b ranges="${range[1]}" online_type=online_movable on_unplug=move capable=user_numa enabled=user_numa
ok "memory that is there twice" last 'what=plug why=busy' sim new_node name=c ranges="${range[1]}"
holder store "$nid" 4
ok "unplug: pages of a program" last "node=$nid owner=.* what=unplug why=in_use .*pages=1024 .*by=$HOLDER_PID by_comm=asks" sim remove_node a
ok "... a block" eval 'for b in $(blocks $nid); do write /sys/devices/system/memory/$b/state offline; done; has node=$nid what=offline why=in_use'
end_holder
user_pages /dev/private_node/a 65536 private pin
ok "unplug: a pin" last "what=unplug why=pinned .*by=$HOLDER_PID by_comm=user_pages" sim remove_node a
end_holder
sim alloc node=a count=3
ok "unplug: pages of the owner" last 'what=unplug why=owner .*pages=3 ' sim remove_node a
sim free all
sim alloc node=a count=100000
ok "the owner finds it full" has "node=$nid" what=owner why=full
sim alloc node=a gfp=atomic count=1
ok "... also with interrupts off" has "node=$nid" what=owner why=full 'count=[2-9]|count=1 '
sim free all
holder late "$nid"
sim remove_node a
pid=$HOLDER_PID
echo >&"${HOLDER[1]}"
wait "$pid" 2> /dev/null
ok "a store to a node that is gone" has "node=$nid" what=access why=gone owner=-
nid=$(nid_of b)
user_pages /dev/private_node/b 65536 private
sim set b on_unplug=sigbus 2> /dev/null || echo sigbus > "$NODES/node$nid/private/on_unplug"
ok "data that unplug took away" eval 'sim remove_node b && has node=$nid what=data why=unmapped pages=16'
end_holder
rmmod private_node_sim
ok "the file has no other words" eval '! grep -vqE "^time=[0-9]+\.[0-9]{6} first=[0-9.]+ count=[0-9]+ node=[0-9]+ owner=[^ ]+ what=[a-z_]+ why=[a-z_]+ order=[0-9]+ pages=[0-9]+ uid=[0-9]+ pid=[0-9]+ tid=[0-9]+ comm=[^ ]*( by=[0-9]+ by_comm=[^ ]+)?$" "$FILE"'
done_testing
