#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be had of ordinary memory, and its limits, do not move when a private node is opened to
# reclaim, whatever watermark_scale_factor; nor does reclaim of the node shrink ordinary slab.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa,reclaim,demotion
# timeout: 240

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

node=/sys/devices/system/node/node1
trace=/sys/kernel/tracing
slack=$((12 << 10))	# kB, of what runs meanwhile

mem() { awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo; }
vmstat() { awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat; }
near() { echo "# $1 and $2, slack $3"; [ $(($1 - $2)) -le "$3" ] && [ $(($2 - $1)) -le "$3" ]; }
at_least() { echo "# $1 and at least $2"; [ "$1" -ge "$2" ]; }

# marks NODE-REGEX FIELD: a watermark of the nodes' zones, added up
marks() {
	awk -v node="$1" -v field="$2" '$1 == "Node" { sub(",", "", $2); mine = $2 ~ node }
		mine && $1 == field { sum += $2 } END { print sum + 0 }' /proc/zoneinfo
}

open() { echo "$1" > "$node/private/enabled"; }

# numbers: MemAvailable in kB, dirty threshold in pages, and what the ordinary zones keep
numbers() {
	echo "$(mem MemAvailable) $(vmstat nr_dirty_threshold) $(marks '^[^1]$' min) $(marks '^[^1]$' low)" \
		"$(marks '^[^1]$' high) $(cat /proc/sys/vm/min_free_kbytes)"
}

was=$(cat /proc/sys/vm/watermark_scale_factor)
for scale in 10 1000; do
	echo $scale > /proc/sys/vm/watermark_scale_factor
	open "-demotion -reclaim"
	read -r available dirty min low high reserve <<< "$(numbers)"
	ok "scale $scale, closed: the node has no marks" [ "$(marks '^1$' high)" = 0 ]
	open +reclaim
	read -r available2 dirty2 min2 low2 high2 reserve2 <<< "$(numbers)"
	ok "scale $scale, open: the node has marks" at_least "$(marks '^1$' high)" $((131072 * 2 * scale * 9 / 10 / 10000))
	ok "scale $scale: MemAvailable stays" near "$available" "$available2" $slack
	ok "scale $scale: so does the dirty threshold" near "$dirty" "$dirty2" $((slack / 4 / 5))
	ok "scale $scale: and each mark of ordinary zones" [ "$min $low $high $reserve" = "$min2 $low2 $high2 $reserve2" ]
done
ok "control: the factor reaches the marks of ordinary zones" at_least "$high2" $((20 << 8))
echo "$was" > /proc/sys/vm/watermark_scale_factor

# shrunk TEXT FILE: calls of shrinkers while the text is written to the file
shrunk() {
	echo > $trace/trace
	echo 1 > $trace/events/vmscan/mm_shrink_slab_start/enable
	echo "$1" > "$2"
	echo 0 > $trace/events/vmscan/mm_shrink_slab_start/enable
	# Of this process alone: kswapd of ordinary nodes may be at work.
	grep -cE -- "-$BASHPID +\[.* mm_shrink_slab_start: " $trace/trace
}

modprobe zram && echo 256M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0
mountpoint -q $trace || mount -t tracefs none $trace
coproc HOLDER { exec numactl --membind=1 "$PMN_BIN/hold" 64; }
read -r -u "${HOLDER[0]}" line
ok "64 MiB are on the node" [ "$line" = held ]
used=$(awk '$1 == "reclaim_used" { print $2 }' $node/private/stat)
ok "reclaim of the node shrinks no slab" [ "$(shrunk 8M $node/reclaim)" = 0 ]
ok "... and was reclaim" at_least "$(awk '$1 == "reclaim_used" { print $2 }' $node/private/stat)" $((used + 1))
ok "control: shrinkers that are asked are seen" at_least "$(shrunk 2 /proc/sys/vm/drop_caches)" 1
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID"
swapoff /dev/zram0
echo 1 > /sys/block/zram0/reset
open +demotion
done_testing
