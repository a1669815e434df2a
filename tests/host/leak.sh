#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# leak.sh: the leak matrix on one topology of tests/guest/leak/topologies.
#
# run: two
# run: main
# run: no-node-0
# run: gap
# run: cpuless
# run: most
# run: hotadd
# run: services
# run: plug
# run: dax
# run: tiers
# run: dimm
# run: gigantic
# debug-run: main
exec tests/guest/leak/matrix "$1"
