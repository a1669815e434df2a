// SPDX-License-Identifier: GPL-2.0-only
/*
 * user_numa: the kernel's selftest, on a node that the boot made; once beside one that nobody opened.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa
 * vm: --node 1G --node 256M --node 256M --append private_node=1:user_numa --append private_node=2
 * timeout: 200
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/user_numa.c"
