#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The report of an OOM kill and that of a failed allocation name the private nodes that were not
# considered.
#
# vm: --node 512M --node 512M --append private_node=1
# vm: --node 512M --node 256M --node 256M --append private_node=1 --append private_node=2
# allow: vmalloc error: size|oom-killer|Out of memory
# timeout: 100

# shellcheck disable=SC2317 # the functions are called by ok
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

since() { dmesg | sed "1,/$mark/d"; }
new_mark() { mark="report-$RANDOM$RANDOM"; echo "$mark" > /dev/kmsg; }

# named AFTER: the log since the mark has AFTER, and later each private node
named() {
	local n
	for n in /sys/devices/system/node/node*/private; do
		n=${n%/private} n=${n##*node}
		since | awk -v after="$1" 'seen; $0 ~ after { seen = 1 }' |
			grep -qE "Private nodes not considered: $n \(owner boot, [0-9]+ kB free\)" || return 1
	done
}

# The free memory in the report is that of ordinary nodes.
free_is_ordinary() {
	local pages
	pages=$(since | sed -nE 's/.* free:([0-9]+) free_pcp:.*/\1/p' | sed -n 1p)
	echo "# free: $pages pages"
	[ -n "$pages" ] && [ "$pages" -lt 32768 ]
}

# First: the kernel reports one failure in ten seconds, and an OOM kill may end in another.
new_mark
ok "an allocation larger than memory fails" "$PMN_BIN/too_large"
ok "its report names the private nodes" named "vmalloc error"

new_mark
"$PMN_BIN/take_all" 2> /dev/null &
wait $!
ok "a task that takes everything is killed" [ $? = 137 ]
ok "the report of the OOM kill names the private nodes" named "invoked oom-killer"
ok "it counts no private page as free" free_is_ordinary
for n in /sys/devices/system/node/node*/private; do
	ok "${n%/private} is as free as before" [ "$(cat "$n/free_bytes_exact")" = "$(cat "$n/total_bytes")" ]
done
done_testing
