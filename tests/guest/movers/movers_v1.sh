#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# movers_v1: the moving rows of the movers matrix under cgroup v1, in a boot of its own: cpusets do not come
# back to cgroup v2 at once.
#
# vm: --node 1G --node 528M --reserve 128M,node=0 --append private_node_spare=1
# allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Unpoison
# timeout: 200
exec "$PMN_BIN/movers" v1
