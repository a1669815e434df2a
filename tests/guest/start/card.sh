#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/start.md, a card, and docs/dax.md: a DAX device becomes a private node, by daxctl and by pmnctl.  The
# device is persistent memory, of memmap= as in the document, or an NVDIMM.
#
# vm: --node 3G --append 'memmap=512M!4G private_node_spare=1'
# vm: --node 1G --node 0 --nvdimm 512M,node=1 --append private_node_spare=1
# timeout: 200
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash
export PATH=$PMN_TOP/build/tools:$PATH

private() { echo "$(< /sys/devices/system/node/has_private_memory)"; }
is() { [ "$1" = "$2" ] || { echo "# '$1', not '$2'"; return 1; }; }

# What udev does for a person.
for m in nd_pmem dax_pmem device_dax kmem; do modprobe $m; done
[[ $(< /proc/cmdline) != *memmap=* ]] || ok 'booted as the document says' booted docs/start.md card

ok 'card-pmem: it runs' run docs/start.md card-pmem
ok '... there is a device' prints '"chardev":"dax0.0"'
ok 'card: it runs' run docs/start.md card
ok '... a node is private' is "$(private)" 1
ok '... and the program bound to it' bound_to 1
ok 'card-away: it runs' run docs/start.md card-away
ok '... no node is private' is "$(private)" ''

ok 'card-pmnctl: it runs' run docs/start.md card-pmnctl
ok '... it was a private node' prints '^ +1 kmem-dax0.0 +384M '
ok '... and is no more' is "$(private)" ''
ok '... it will be at the next boot' grep -q '^services = user_numa' /etc/pmn.d/dax0.0.conf
rm -f /etc/pmn.d/dax0.0.conf

# docs/dax.md, for which the device has to have a node of its own
if [[ $(< /proc/cmdline) != *memmap=* ]]; then
	echo dax0.0 > /sys/bus/dax/drivers/kmem/unbind
	ok 'dax-up: it runs' run docs/dax.md dax-up
	ok '... the node' prints '^1$'
	ok '... and the program bound to it' bound_to 1
	ok 'dax-away: it runs' run docs/dax.md dax-away
	ok '... no node is private' is "$(private)" ''
	echo 0 > /sys/bus/dax/devices/dax0.0/private
	echo online_movable > /sys/bus/dax/devices/dax0.0/state
	ok 'ordinary' is "$(private)$(< /sys/devices/system/node/has_memory)" 0-1
	ok 'dax-again: it runs' run docs/dax.md dax-again
	ok '... it is private' is "$(private)" 1
	ok 'dax-away: it runs' run docs/dax.md dax-away
fi

echo 0 > /sys/bus/dax/devices/dax0.0/private
echo auto > /sys/bus/dax/devices/dax0.0/private_node
done_testing
