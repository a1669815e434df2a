// SPDX-License-Identifier: GPL-2.0-only
/*
 * failure: the kernel's selftest, on a node of the simulator.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 * allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Soft offline|Unpoison
 * timeout: 400
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/failure.c"
