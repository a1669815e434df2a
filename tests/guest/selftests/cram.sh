#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cram: the kernel's selftests of compressed RAM, as whoever works on the kernel has them, on a device of the
# simulator.
#
# vm: --node 1G --node 512M --reserve 256M,node=0 --append private_node_spare=2
# allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Soft offline|Unpoison
# timeout: 900
# kernels: release
. tests/lib/kselftest.bash
run_selftests cram
