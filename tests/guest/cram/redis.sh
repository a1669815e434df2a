#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# redis.sh: Debian's redis-server, as it is, with half of its memory on a compressing device: reads
# and writes go on, and its own digest of all data says that nothing changed.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# kernels: release
# timeout: 240

# shellcheck disable=SC2016,SC2086,SC2317 # the functions are called by ok; plain words
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

root=$PMN_TOP/build/redis-server/root
sim=/sys/kernel/cram_sim
group=/tmp/cg/redis
keys=12000 size=2000

if [ ! -x "$root/usr/bin/redis-server" ]; then
	skip "redis" "no redis-server in build/: harness/setup could not get it"
	done_testing
fi
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu
lib=$root/usr/bin

cli() { "$lib/redis-cli" -s /tmp/redis.sock "$@"; }
stat() { sed -n "s/^$1 //p" "$dev/stat"; }
on_device() { cat "$group/memory.cram.current"; }
answers() { [ "$(cli ping)" = PONG ]; }

# Values that compress to about half: parts of a text that is long enough for a page not to have one
# twice, and zeroes.
load() { # FROM TO SALT
	awk -v from="$1" -v to="$2" -v salt="$3" -v size=$size 'BEGIN {
		srand(salt)
		zeros = sprintf("%0" size / 2 "d", 0)
		for (i = 0; i < 100; i++) {
			part = ""
			for (j = 0; j < 250; j++) part = part sprintf("%04x", int(rand() * 65536))
			text = text part
		}
		for (i = from; i < to; i++)
			printf "SET key:%d %s%s\r\n", i, substr(text, 1 + int(rand() * 98000), size / 2), zeros
	}' | cli --pipe | grep -q 'errors: 0'
}

# Half of what it has, moved by asking for it a little at a time.
squeeze() {
	local all try
	all=$(cat $group/memory.current)
	for ((try = 0; try < 40; try++)); do
		[ "$(on_device)" -lt $((all / 2)) ] || return 0
		# what moves to a device counts as freed; EAGAIN says that it was less than 4M
		echo "4M swappiness=max" 2> /dev/null > $group/memory.reclaim || true
		sleep 0.1
	done
	return 1
}

# All values, by the keys' order: the sum of a full read-back.
read_back() { seq -f key:%.0f 0 $((keys - 1)) | xargs -n 2000 "$lib/redis-cli" -s /tmp/redis.sock mget | sha256sum; }
digest() { cli debug digest; }
writes_in_place() { [ "$(stat granted)" -gt "$1" ]; }
nothing_lost() { [ "$(cat $sim/c/lost_writes)$(cat $sim/c/violations)$(stat lost)$(stat changed)" = 0000 ]; }

modprobe cram_sim
echo "name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=64M algorithm=lz4" > $sim/new_device
dev=/sys/devices/system/node/node$(cat /sys/kernel/mm/cram/nodes)/private/cram
mkdir -p /tmp/cg
mount -t cgroup2 none /tmp/cg
echo +memory > /tmp/cg/cgroup.subtree_control
mkdir $group
(
	echo 0 > $group/cgroup.procs
	exec "$lib/redis-server" --port 0 --unixsocket /tmp/redis.sock --save '' --appendonly no \
		--enable-debug-command yes --dir /tmp --maxmemory 0 > /tmp/redis.log 2>&1
) &
server=$!
for ((i = 0; i < 100; i++)); do answers 2> /dev/null && break; sleep 0.1; done
ok "redis-server answers" answers
ok "it takes $keys values of $size bytes" load 0 $keys 1
before=$(read_back) digest=$(digest)
all=$(cat $group/memory.current)
echo "# $((all >> 20)) MiB in its cgroup"
ok "half of it is moved to the device" squeeze
here=$(on_device)
echo "# $((here >> 20)) of $((all >> 20)) MiB are there, in $(($(cat "$dev/used_bytes") >> 20)) MiB"
copied=$(stat copied_up)
ok "DEBUG DIGEST is the same" [ "$(digest)" = "$digest" ]
ok "so is a full read-back" [ "$(read_back)" = "$before" ]
echo "# of $((here >> 12)) pages $(($(stat copied_up) - copied)) were copied up, and $(stat promoted) promoted"
ok "and it read most of it in place" [ $(($(stat copied_up) - copied)) -lt $((here / 4096 / 4)) ]
granted=$(stat granted)
ok "values are written anew" load 0 $((keys / 4)) 2
ok "where they are" writes_in_place "$granted"
before=$(read_back) digest=$(digest)
ok "moved again, with readers and writers" squeeze
ok "the other values are as they were, DEBUG DIGEST" [ "$(digest)" = "$digest" ]
ok "read back" [ "$(read_back)" = "$before" ]
ok "the device lost nothing, and nothing there changed" nothing_lost
cli shutdown nosave 2> /dev/null || true
wait $server
ok "it ended well" [ $? = 0 ]
ok "the device goes" eval 'echo c > $sim/remove_device'
done_testing
