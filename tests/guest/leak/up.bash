#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# up.bash: brings up the memory of a device, for the leak matrix.
#
#   bash up.bash cxl|dax ordinary|private
#
# Its node is ordinary, with all that the kernel does on such a node, or private and closed.
set -eu
. tests/guest/cxl/cxl.bash

private=0 state=online
[ "$2" != private ] || private=1 state=online_movable
modprobe kmem
case $1 in
cxl)
	cxl_up mem0
	new_region mem0 $((512 << 20))
	rput $private "$REGION" private
	commit "$REGION"
	until_ is_bound "$REGION"
	dax=$(dax_of "$REGION")
	;;
dax)
	dax_up
	dax=dax0.0
	choose $dax $private auto none
	bind $dax kmem
	;;
esac
unplug "$dax"
plug "$dax" $state
