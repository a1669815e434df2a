#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An unplug that is refused names what holds the page: a file of tmpfs, a pipe, a socket, what was sent to
# one; and whose it is, also when the first thread of that process has ended.
#
# vm: --node 1G --node 1G --reserve 256M,node=1 --reserve 128M,node=1 --append private_node_spare=2
# timeout: 120
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/hotplug/sim.bash

modprobe private_node_sim
mapfile -t range < <(reserved)
ranges=$(IFS=,; echo "${range[*]}")
before=$(leftovers)

holder() {
	coproc HOLDER { exec "$PMN_BIN/hold" "$nid" "$@"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

# The search only tries locks, and passes by a socket that is in use just then.
eventually() {
	local i
	for i in 1 2 3 4 5; do
		! "$@" || return 0
	done
	echo "# $i times"
	return 1
}

sim new_node name=a ranges="$ranges" online_type=online_movable on_unplug=refuse \
	capable=user_numa enabled=user_numa
nid=$(nid_of a)

mkdir -p /mnt
mount -t tmpfs -o "mpol=bind:$nid" held /mnt
mkdir /mnt/below
head -c 65536 /dev/zero > /mnt/below/file
ok "tmpfs: refused, names the file" \
	logged "16 user pages are in use, one in file /below/file \(tmpfs 0:[0-9]+, inode [0-9]+\);" sim remove_node a
exec 7< /mnt/below/file
ok "tmpfs: and who has it open" \
	logged "one in file /below/file \(tmpfs 0:[0-9]+, inode [0-9]+\), open in pid $$ \(" sim remove_node a
exec 7<&-
umount /mnt

ok "memfd: has pages on the node" holder memfd
ok "memfd: refused, names it and who has it open" \
	logged "one in file memfd:held \(.*\), open in pid $HOLDER_PID \(hold\)" sim remove_node a
end_holder

# What is asked of hold, and how the log names it.
while IFS=: read -r how says; do
	read -ra args <<< "$how"
	ok "$how: has pages on the node" holder "${args[@]}"
	ok "$how: refused, names it and its owner" \
		eventually logged "user pages are (pinned|in use), one $says pid $HOLDER_PID \(hold\)" sim remove_node a
	end_holder
done <<-'EOF'
	pipe:in a pipe of
	pipe ended:in a pipe of
	pipe own:in a pipe of
	socket:in a socket of
	socket own:in a socket of
	unix:in a connection that waits for accept\(\) of
	tcp:in a connection that waits for accept\(\) of
	tcp-sent:in a socket of
	udp:in a socket of
	udp-peek:in a socket of
	udp-parts:in a socket of
	sent:in a file that was sent to a socket of
	sent ended:in a file that was sent to a socket of
	sent-memfd:in file memfd:held \(.*\), sent to a socket of
	mapped:by
	mapped ended:by
	memfd-untouched:by
EOF
ok "unplugged when they are gone" sim remove_node a
ok "nothing is left" same "$(leftovers)" "$before"
done_testing
