#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# up.bash: brings up the memory of a DAX device, for the leak matrix.
#
#   bash up.bash ordinary|private
#
# Its node is ordinary, with all that the kernel does on such a node, or private and closed.  Memory of CXL is no
# topology: QEMU emulates each access to it, and the control did not end in ten minutes.
set -eu
. tests/guest/dax/dax.bash

private=0 state=online
[ "$1" != private ] || private=1 state=online_movable
modprobe kmem
dax_up
choose dax0.0 $private auto none
bind dax0.0 kmem
unplug dax0.0
plug dax0.0 $state
