// SPDX-License-Identifier: GPL-2.0-only
/*
 * reclaim: the kernel's selftest, on a node that the boot made.
 *
 * vm: --node 1G --node 128M --append private_node=1:user_numa,reclaim
 * timeout: 400
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/reclaim.c"
