// SPDX-License-Identifier: GPL-2.0-only
/*
 * tier: the kernel's selftest, on a node that the boot made.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa,reclaim,demotion,promotion,numa_balancing,longterm_pin
 * timeout: 400
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/tier.c"
