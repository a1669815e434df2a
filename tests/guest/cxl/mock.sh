#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A compressing CXL memory device, which the kernel's tools/testing/cxl plays with the real drivers of CXL: its
# memory is never ordinary, it is compressed RAM while its region is enabled, and what cram_sim's tests ask of
# a device holds through mailbox and event log, up to a lost write.  A device has one such region; one that does not
# say whether it compresses, that needs more than it said or that was reset gets nothing more.
#
# vm: --cpus 4 --node 1536M --append 'memmap=512M%0x20000000-1 private_node_spare=1' --allow 'Memory failure|hardware memory corruption|Overriding NUMA node'
# timeout: 600
# The functions are called through ok.
# shellcheck disable=SC2317,SC2016
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

MODULES=/lib/modules/$(uname -r)/cxl_test
SIM=/sys/kernel/cram_sim
CRAM=/sys/kernel/mm/cram
# Memory that the kernel was not told of: see the line vm.  The window has room for two regions of the device.
start=$((0x20000000)) size=$((256 << 20))
MOCK=/sys/module/cxl_mock_mem/parameters

if [ ! -e "$MODULES/cxl_test.ko" ]; then
	skip 'a CXL device that compresses' 'this kernel has no modules of tools/testing/cxl'
	done_testing
fi

# insert MODULE [PARAMETER...]: those of tools/testing/cxl take the place of the drivers'
insert() {
	local module=$1
	shift
	insmod "$MODULES/$module.ko" "$@"
}

# load: CXL with mock devices, of which cxl_mem.0 compresses
load() {
	local m
	for m in firmware_class fwctl; do modprobe "$m"; done
	insert cxl_core && insert cxl_mock && insert cxl_port && insert cxl_pmem && insert cxl_acpi && insert cxl_mem &&
		insert cxl_cram && insert cxl_mock_mem cram_id=0 cram_base="$start" cram_size="$size" &&
		insert cxl_test volatile_base="$start" volatile_size=$((2 * size))
}

# The memory device that platform device $1 is, such as mem3
memdev_of() {
	local m
	for m in "$CXL"/mem*; do
		[[ $(readlink -f "$m") != */$1/mem* ]] || basename "$m"
	done
}

blocks() { echo /sys/devices/system/memory/memory*; }
nodes() { echo "$(< $CRAM/nodes)"; }
is_up() { [ -n "$(nodes)" ] && [ "$(< "$NODES/node$(nodes)/private/cram/state")" = ok ]; }
is_down() { [ -z "$(nodes)" ]; }
credit() { echo "$(< "$NODES/node$(nodes)/private/cram/credit_bytes")"; }
has_credit() { is_up && [ "$(credit)" -gt 0 ]; }
state() { echo "$(< "$NODES/node$(nodes)/private/cram/state")"; }
state_is() { [ "$(state)" = "$1" ]; }

# found_again: the memory device is bound again, and has no region
found_again() {
	put "$REGION" "$ROOT/delete_region"
	put cxl_mem.0 /sys/bus/platform/drivers/cxl_mock_mem/bind
	mem=$(until_ test -n "$(memdev_of cxl_mem.0)"; memdev_of cxl_mem.0)
	until_ is_ready "$mem"
}

# private_region [N]: of the Nth decoder, committed
private_region() {
	new_region "$mem" "$size" "${1:-0}" && rput 1 "$REGION" private &&
		rput reclaim,demotion,promotion "$REGION" private_services && rput 1 "$REGION" commit
}

log_has() { dmesg | grep -q "$1"; }

modprobe cram_sim
none=$(blocks)
empty=$(memory_map)
ok 'the store of the device' eval 'echo "name=c range=$start:$size physical=6M lag_ms=40 margin=64K role=store" > $SIM/new_device'
ok '... is no memory of a node' same "$(memory_map)" "$empty"
ok 'the drivers' load
empty=$(memory_map)
mem=$(until_ test -n "$(memdev_of cxl_mem.0)"; memdev_of cxl_mem.0)
ok 'the memory device' until_ is_ready "$mem"
ok 'cxl list knows it' eval 'cxl list -m "$mem" | grep -q "\"memdev\":\"$mem\""'

ok 'a region' new_region "$mem" $size
dmesg -c > /dev/null
rput 1 "$REGION" commit
enable "$REGION"
ok 'not private: it does not come up as memory' same "$(blocks)" "$none"
ok '... and says why' eval 'dmesg | grep -q "its device compresses, so that its memory cannot be ordinary"'
disable "$REGION"
rput 0 "$REGION" commit
ok 'private' rput 1 "$REGION" private
ok 'services of compressed RAM' rput reclaim,demotion,promotion "$REGION" private_services
ok 'committed' rput 1 "$REGION" commit
ok 'enabled' enable "$REGION"
ok 'compressed RAM' until_ is_up
ok '... with credit, by Get Feature' until_ has_credit
nid=$(nodes)
ok '... on a private node' same "$(< "$NODES/node$nid/private/owner")" "cxl_cram-$REGION"
ok '... without a DAX device' test ! -e "$DAX/$(dax_of "$REGION")"
ok 'cxl list shows the region' eval 'cxl list -R | grep -q "\"region\":\"$REGION\""'
ok '... and the module is in use' eval '! rmmod cxl_cram 2> /tmp/err && grep -q "in use" /tmp/err'
first=$REGION
ok 'a second region of the device' private_region 1
dmesg -c > /dev/null
enable "$REGION"
ok '... does not come up' same "$(nodes)" "$nid"
ok '... and says why' log_has "its device compresses, and cxl_cram-$first has it already"
disable "$REGION"
rput 0 "$REGION" commit
put "$REGION" "$ROOT/delete_region"
REGION=$first

dmesg -c > /dev/null
put 65536 $MOCK/cram_margin
ok 'the device raises its margin: it is silent' until_ state_is silent
ok '... and says why' log_has 'has raised its worst case, lag or margin'
put 0 $MOCK/cram_margin
ok '... and takes it back' until_ has_credit
put 1 $MOCK/cram_epoch
ok 'the device was reset: it is broken' until_ state_is broken
ok '... and says why' log_has 'was reset, and has forgotten what it stored'

ok 'unbound' disable "$REGION"
ok '... nothing is left' until_ is_down
ok '... of its memory, either' same "$(blocks)" "$none"

export CRAM_CXL_REGION=$REGION
"${PMN_BIN%cxl}cram/modes" no_room silent shrinking within_axioms broken_stays > /tmp/modes
ok "the tests of what a device cannot store" test $? = 0
ok "... were run" test "$(grep -c '^ok [^#]*$' /tmp/modes)" -gt 20
sed 's/^/# /' /tmp/modes
# A device that lies loses what it was given, and memory failure hears of each page by the event log.
ok 'a device that lies loses pages, and is found out' eval '"${PMN_BIN%cxl}cram/modes" overstated > /tmp/modes'
ok '... memory failure has seen each' grep -q '^ok .*memory failure has seen each' /tmp/modes
sed 's/^/# /' /tmp/modes
unset CRAM_CXL_REGION
ok '... nothing is left' until_ is_down

ok 'the memory device is unbound and bound' eval 'enable "$REGION" && until_ has_credit &&
	put cxl_mem.0 /sys/bus/platform/drivers/cxl_mock_mem/unbind'
ok '... its memory is gone' until_ is_down
ok '... no memory is left' same "$(blocks)" "$none"

put 1 $MOCK/cram_lists_nothing
ok 'it does not list its features' found_again
ok '... a region' private_region
enable "$REGION"
ok '... is compressed RAM all the same' until_ is_up
ok '... and not ordinary' test ! -e "$DAX/$(dax_of "$REGION")"
disable "$REGION"
ok '... nothing is left' until_ is_down
put silent $SIM/c/mode
dmesg -c > /dev/null
ok '... and does not answer, either: not enabled' eval '! enable "$REGION"'
ok '... and says why' log_has 'does not say whether it compresses'
ok '... no memory' same "$(blocks)" "$none"
done_testing
