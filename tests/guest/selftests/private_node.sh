#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# private_node: the kernel's selftests of private nodes, as whoever works on the kernel has them, on nodes of
# the simulator.
#
# vm: --node 1G --node 512M --reserve 256M,node=0 --append private_node_spare=2
# allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Soft offline|Unpoison
# timeout: 900
# kernels: release
. tests/lib/kselftest.bash
run_selftests private_node
