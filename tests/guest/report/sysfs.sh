#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The files of node<N>/private: contents, modes, what they take and what they refuse.
#
# vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa,reclaim,demotion,capable=user_numa+reclaim+demotion --append private_node=2
# timeout: 400

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

dir=/sys/devices/system/node/node1/private

has() { [ "$(cat "$dir/$1")" = "$2" ]; }

# put FILE TEXT: bash's own write, one system call, status of the write
put() { printf '%s\n' "$2" 2> /dev/null > "$dir/$1"; }

mode() { [ "$(stat -c %a "$dir/$1")" = "$2" ]; }

# refused FILE TEXT WHY: the write fails, nothing changes, and the log says why
refused() {
	local before after
	before=$(cat "$dir/enabled" "$dir/on_full" "$dir/on_unplug")
	dmesg -C
	put "$1" "$2" && return 1
	after=$(cat "$dir/enabled" "$dir/on_full" "$dir/on_unplug")
	[ "$before" = "$after" ] || return 1
	dmesg | grep -qF "private_node: node 1: boot: $1 unchanged: $3"
}

errno() { PMN_ERRNO_WANTED=$1 "$PMN_BIN/write_errno" "$dir/$2" "$3"; }

for f in owner capable total_bytes free_bytes stat attached; do
	ok "$f is world-readable and read-only" mode $f 444
done
for f in enabled on_full on_unplug access; do
	ok "$f is world-readable, root writes" mode $f 644
done
ok "free_bytes_exact is for root" mode free_bytes_exact 400
ok "nobody reads every other file" setpriv --reuid 65534 --clear-groups cat "$dir"/{owner,capable,enabled,on_full,on_unplug,access,total_bytes,free_bytes,stat} > /dev/null

ok "owner is boot" has owner boot
ok "capable has what capable= gave" has capable "user_numa reclaim demotion"
ok "enabled as written" has enabled "user_numa reclaim demotion"
ok "on_full is fail" has on_full fail
ok "on_unplug is refuse" has on_unplug refuse

put enabled "-user_numa"
ok "-user_numa closes it" has enabled "reclaim demotion"
put enabled "-user_numa +user_numa"
ok "words are done in order" has enabled "user_numa reclaim demotion"
put enabled " -demotion,-reclaim,	-user_numa "
ok "several words, blanks and commas" has enabled ""
put enabled "+demotion +reclaim"
ok "a service and what it needs, in either order" has enabled "reclaim demotion"
ok "closing what an open one needs: refused" refused enabled "-reclaim" "demotion needs reclaim"
ok "... with ENXIO" errno ENXIO enabled -reclaim
put enabled "-demotion -reclaim"
ok "opening without what it needs: refused" refused enabled "+demotion" "demotion needs reclaim"
ok "... with ENXIO" errno ENXIO enabled +demotion
ok "not capable: refused" refused enabled "+thp" "the owner did not declare"
ok "... with EPERM" errno EPERM enabled +thp
ok "unknown service: refused" refused enabled "+nonsense" "'+nonsense' is not +service"
ok "... with EINVAL" errno EINVAL enabled +nonsense
ok "all or nothing" refused enabled "+reclaim +nonsense" "'+nonsense'"
ok "all or nothing, not capable last" refused enabled "+user_numa,+reclaim,+hugetlb" "the owner did not"
for word in reclaim + - ++reclaim "+ reclaim" +reclai +reclaimx +RECLAIM "," "*" "0x3" "-1"; do
	ok "enabled refuses '$word'" refused enabled "$word" ""
done
put enabled "+user_numa +reclaim +demotion"
ok "everything is open again" has enabled "user_numa reclaim demotion"

for word in sigbus oom fallback:0 fail; do
	put on_full $word
	ok "on_full takes $word" has on_full $word
done
for word in Fail fallback fallback: fallback:1 fallback:0,1 fallback:99999 fallback:x fallback:-1 \
	"fail oom" "fallback:0 x" 0 "fallback:0 "$'\t'"1"; do
	ok "on_full refuses '$word'" refused on_full "$word" ""
done
# A node number that this machine cannot have is in no mask: the message has what was written.
for word in fallback:1 fallback:0,1 fallback:9; do
	ok "... and names '$word'" refused on_full "$word" "'$word' is not a list of nodes with ordinary memory, which are 0"
done
ok "... and what is no list" refused on_full fallback:x "'fallback:x' is not a node list"
for word in move sigbus refuse; do
	put on_unplug $word
	ok "on_unplug takes $word" has on_unplug $word
done
for word in Move mov moved "move sigbus" 1 fail; do
	ok "on_unplug refuses '$word'" refused on_unplug "$word" ""
done

for word in named any; do
	put access $word
	ok "access takes $word" has access $word
done
for word in Any name "any named" 0; do
	ok "access refuses '$word'" refused access "$word" "'$word' is none of any, named"
done

long=$(printf '%5000s' x)
for f in enabled on_full on_unplug; do
	ok "$f refuses an empty line" refused $f "" "write one line"
	ok "$f refuses blanks" refused $f "  " "write one line"
	ok "$f refuses two lines" errno EINVAL $f $'fail\nrefuse'
	ok "$f refuses control characters" refused $f $'fail\a' "write one line"
	ok "$f refuses what is no ASCII" refused $f $'fail\xff' "write one line"
	ok "$f refuses a page of text" refused $f "$long" "more than"
	ok "... with E2BIG" errno E2BIG $f "$long"
	not_ok "$f: nobody may not write" setpriv --reuid 65534 --clear-groups \
		bash -c "echo fail > $dir/$f" 2> /dev/null
done
for f in owner capable total_bytes free_bytes stat; do
	not_ok "$f cannot be written" put $f 1
done

names=$(cut -d' ' -f1 "$dir/stat")
for s in user_numa reclaim demotion promotion compaction longterm_pin thp hugetlb numa_balancing guest_memfd \
	owner device_map soft_offline device_access attached; do
	for e in used refused failed; do
		ok "stat has ${s}_$e" grep -qx "${s}_$e" <<< "$names"
	done
done
for s in unplug_moved unplug_unmapped oom_kills fallback preferred_elsewhere stack_elsewhere pin_moved memory_failure_hard memory_failure_soft \
	memory_failure_not_isolated; do
	ok "stat has $s" grep -qx "$s" <<< "$names"
done
ok "each line of stat is a name and a number" [ "$(grep -vcE '^[a-z_]+ [0-9]+$' "$dir/stat")" = 0 ]

total=$(cat "$dir/total_bytes")
ok "total_bytes is the node's PrivateTotal" grep -qE "PrivateTotal: +$((total / 1024)) kB" "$dir/../meminfo"
ok "an idle node is free to the last byte" has free_bytes_exact "$total"
ok "... and says so to everybody" has free_bytes "$total"
not_ok "an ordinary node has no such folder" [ -e /sys/devices/system/node/node0/private ]
dir=/sys/devices/system/node/node2/private
ok "the second node is capable of all that its memory stands" has capable \
	"user_numa reclaim demotion promotion compaction longterm_pin thp hugetlb numa_balancing guest_memfd"
ok "... and has its own switches" has enabled ""
ok "... and its own size" [ "$(cat $dir/total_bytes)" -gt 0 ]
ok "... and is opened later, without a reboot" eval 'put enabled "+user_numa +hugetlb" && has enabled "user_numa hugetlb"'
put enabled "-user_numa -hugetlb"
ok "... and falls back to ordinary nodes only" errno EINVAL on_full fallback:1
ok "the version of the ABI is a number" grep -qxE '[0-9]+' /sys/kernel/mm/private_node/abi_version
ok "has_private_memory names them" grep -qE '^1-2$' /sys/devices/system/node/has_private_memory
done_testing
