#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# No node for a private device: its own is ordinary, and no spare one was asked for.
#
# vm: --node 2G --append 'memmap=512M!1G'
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
choose dax0.0 1
refused 'bind' 'dax0.0: cannot come up private: no spare node, boot with private_node_spare=1 or more; its own node 0 has CPUs' \
	bind dax0.0 kmem
ok 'no driver' test ! -e $DAX/dax0.0/driver
choose dax0.0 0
ok 'ordinary: bound' bind dax0.0 kmem
ok 'ordinary: unplugged' unplug dax0.0
for where in auto target spare; do
	choose dax0.0 1 $where
	refused "$where: plug" 'dax0.0: cannot come up private: ' plug dax0.0
	ok "$where: unplugged as before" same "$(get dax0.0 state)" unplugged
done
dax_down
done_testing
