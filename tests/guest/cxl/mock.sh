#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A compressing CXL memory device, which the kernel's tools/testing/cxl plays with the real drivers of CXL: its
# memory is never ordinary, it is compressed RAM while its region is enabled, and what cram_sim's tests ask of
# a device holds through mailbox and event log, up to a lost write.
#
# vm: --cpus 4 --node 1536M --append 'memmap=256M%0x20000000-1 private_node_spare=1' --allow 'Memory failure|hardware memory corruption|Overriding NUMA node'
# timeout: 600
# The functions are called through ok.
# shellcheck disable=SC2317,SC2016
set -u
. tests/lib/tap.sh
. tests/guest/cxl/cxl.bash

MODULES=/lib/modules/$(uname -r)/cxl_test
SIM=/sys/kernel/cram_sim
CRAM=/sys/kernel/mm/cram
# Memory that the kernel was not told of: see the line vm.
start=$((0x20000000)) size=$((256 << 20))

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
		insert cxl_test volatile_base="$start" volatile_size="$size"
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
ok 'unbound' disable "$REGION"
ok '... nothing is left' until_ is_down
ok '... of its memory, either' same "$(blocks)" "$none"

export CRAM_CXL_REGION=$REGION
"${PMN_BIN%cxl}cram/modes" no_room silent shrinking within_axioms broken_stays > /tmp/modes
ok "the tests of what a device cannot store" test $? = 0
ok "... were run" test "$(grep -c '^ok [^#]*$' /tmp/modes)" -gt 20
sed 's/^/# /' /tmp/modes
# A device that lies loses what it was given.  Of many lost pages at once memory failure hears of some only, as
# memory_failure_queue() keeps sixteen; the device is broken all the same.
dmesg -c > /dev/null
"${PMN_BIN%cxl}cram/modes" overstated > /tmp/modes
ok 'a device that lies loses pages, and is found out' test "$(grep -c '^ok .*overstated' /tmp/modes)" -ge 2
ok '... memory failure hears of it by the event log' eval 'dmesg | grep -q "Memory failure: 0x"'
sed 's/^not ok/lost/; s/^/# /' /tmp/modes
unset CRAM_CXL_REGION
ok '... nothing is left' until_ is_down

ok 'the memory device is unbound and bound' eval 'enable "$REGION" && until_ has_credit &&
	put cxl_mem.0 /sys/bus/platform/drivers/cxl_mock_mem/unbind'
ok '... its memory is gone' until_ is_down
ok '... no memory is left' same "$(blocks)" "$none"
done_testing
