#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# pmnctl cxl REGION on a real region: private, and ordinary again; and what it wrote down is done when the
# region comes again, as udev and pmn-apply.service do it.
#
# vm: --node 1G --cxl 512M --append private_node_spare=1
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash
pmnctl() { "$PMN_TOP/build/tools/pmnctl" "$@"; }

FILE=/etc/pmn.d/region0.conf
cxl_up
empty=$(memory_map)

# says REGEX CMD...: CMD fails and says so
says() {
	local regex=$1 out
	shift
	if out=$("$@" 2>&1); then echo "# succeeded"; return 1; fi
	[[ $out =~ $regex ]] || { echo "# $out"; return 1; }
}

# up: an ordinary region, whose device kmem has
up() { new_region mem0 $((512 << 20)) && commit "$REGION" && until_ is_bound "$REGION" && dax=$(dax_of "$REGION"); }

ok 'no region' says 'region0: no CXL region of that name' pmnctl cxl region0
ok 'a region' up
ok 'is region0' same "$REGION" region0
ok 'what it would do' pmnctl cxl region0 --services user_numa --persist --dry-run
ok '... it did not' same "$(get "$dax" private)" 0
ok 'private' pmnctl cxl region0 --services user_numa --persist
nid=$(node_of "$dax")
ok '... it is' is_private "$nid"
ok '... with the service' same "$(< "$NODES/node$nid/private/enabled")" user_numa
ok '... a program bound to it' binds_to "$nid"
ok '... the name of the region names the node' pmnctl list region0
ok '... written down' grep -q '^services = user_numa' $FILE

# The next boot, as far as it concerns the region: it comes, and udev says so
ok 'the region goes' destroy region0
ok 'comes again' up
ok '... ordinary' same "$(get "$dax" private)" 0
ok 'apply' pmnctl apply --boot --device "$dax"
nid=$(node_of "$dax")
ok '... private again' is_private "$nid"
ok '... with the service' same "$(< "$NODES/node$nid/private/enabled")" user_numa

# In use
holder "$dax" private
ok 'in use: ordinary is refused' says . pmnctl cxl region0 --ordinary
ok '... contents' same "$(ask check)" intact
end_holder
ok 'ordinary' pmnctl cxl region0 --ordinary --persist
ok '... it is' in_state has_memory "$(node_of "$dax")"
ok '... nothing is written down' test ! -e $FILE
ok 'unplugged' unplug "$dax"
ok 'the region goes' destroy region0
ok 'nothing is left' same "$(memory_map)" "$empty"
cxl_down
done_testing
