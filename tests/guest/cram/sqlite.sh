#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sqlite.sh: Debian's sqlite3, as it is, with the page cache of its database on a compressing device:
# queries, transactions and its own check of the file say that nothing changed.
#
# vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
# kernels: release
# timeout: 240

# shellcheck disable=SC2016,SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

sim=/sys/kernel/cram_sim
mnt=/tmp/sqlite
rows=20000

stat() { sed -n "s/^$1 //p" "$dev/stat"; }
resident() { cat "$dev/resident_bytes"; }
sql() { sqlite3 -bail "$mnt/db" "$@"; }
sum() { sql 'select count(*), sum(length(value)), sum(id * n), min(value), max(value) from t'; }
# What is written to leaves, and what is read again and again may have been promoted by then.
left() { echo $(($(stat dropped) + $(stat copied_up) + $(sed -n 's/^promotion_used //p' "${dev%/cram}/stat"))); }
intact() { [ "$(sql 'pragma integrity_check')" = ok ]; }
nothing_lost() { [ "$(cat "$sim/c/lost_writes")$(cat "$sim/c/violations")$(stat lost)$(stat changed)" = 0000 ]; }

# The file is read once, so that it is in the page cache, and then node 0 is asked for its cold pages.
squeeze() {
	local size try
	size=$(wc -c < "$mnt/db")
	sync
	cat "$mnt/db" > /dev/null
	for ((try = 0; try < 20; try++)); do
		[ "$(resident)" -lt $((size / 2)) ] || return 0
		echo "8M swappiness=0" 2> /dev/null > /sys/devices/system/node/node0/reclaim || true
	done
	return 1
}

modprobe cram_sim
echo "name=c range=$(cut -d: -f2- <<< "${PMN_RESERVED%% *}") physical=128M algorithm=lz4" > $sim/new_device
dev=/sys/devices/system/node/node$(cat /sys/kernel/mm/cram/nodes)/private/cram
echo 1 > /sys/kernel/mm/cram/file
echo 4 > /proc/sys/vm/zone_reclaim_mode
for ((i = 0; i < 50; i++)); do [ "$(cat "$dev/credit_bytes")" = 0 ] || break; sleep 0.1; done

for fs in ext4 xfs; do
	modprobe "$fs"
	mkdir -p "$mnt"
	truncate -s 384M /tmp/sqlite-img
	"mkfs.$fs" -q /tmp/sqlite-img
	mount -t "$fs" "$(losetup -f --show /tmp/sqlite-img)" "$mnt"
	ok "$fs: $rows rows" sql 'pragma journal_mode = wal' 'create table t (id integer primary key, n integer, value text)' \
		"with recursive c(i) as (select 1 union all select i + 1 from c where i < $rows)
		 insert into t select i, i * 7919 % 10007, hex(randomblob(200)) || hex(zeroblob(200)) from c" \
		'create index tn on t(n)'
	before=$(sum)
	echo "# $(($(wc -c < "$mnt/db") >> 20)) MiB: $before"
	ok "$fs: half of it moves to the device" squeeze
	dropped=$(stat dropped) left=$(left)
	echo "# $(($(resident) >> 20)) MiB are there, in $(($(cat "$dev/used_bytes") >> 20)) MiB"
	ok "$fs: it reads what it wrote" [ "$(sum)" = "$before" ]
	ok "$fs: pragma integrity_check" intact
	ok "$fs: all of that in place" [ "$(stat dropped)" = "$dropped" ]
	ok "$fs: transactions" sql 'begin' "update t set n = n + 1, value = hex(randomblob(100)) || value where id % 50 = 3" 'commit' \
		'begin' 'delete from t' 'rollback' 'pragma wal_checkpoint(truncate)'
	ok "$fs: took pages off the device" [ "$(left)" -gt "$left" ]
	before=$(sum)
	ok "$fs: moved again" squeeze
	ok "$fs: pragma integrity_check, again" intact
	ok "$fs: the same sums, from the device" [ "$(sum)" = "$before" ]
	echo 1 > /proc/sys/vm/drop_caches
	ok "$fs: and from the disk" [ "$(sum)" = "$before" ]
	ok "$fs: the device lost nothing, and nothing there changed" nothing_lost
	umount "$mnt"
	losetup -D
	rm /tmp/sqlite-img
done
echo 0 > /sys/kernel/mm/cram/file
echo 0 > /proc/sys/vm/zone_reclaim_mode
ok "the device goes" eval 'echo c > $sim/remove_device'
done_testing
