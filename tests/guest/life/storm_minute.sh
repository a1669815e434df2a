#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A minute of storm.sh, under the kernels that notice what goes wrong in it.
#
# vm: --cpus 4 --node 1G --reserve 128M,node=0 --append private_node_spare=1
# allow: soft offline|Soft offlin|hwpoison|Memory failure
# kernels: debug debug-kobject kcsan
# timeout: 900
set -u
. tests/lib/tap.sh
. tests/guest/life/storm.bash

storm 60
done_testing
