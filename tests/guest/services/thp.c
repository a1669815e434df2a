// SPDX-License-Identifier: GPL-2.0-only
/*
 * thp: the kernel's selftest, on a node that the boot made, beside another one.
 *
 * vm: --node 1G --node 256M --node 128M --append private_node=1:user_numa,reclaim,compaction,thp --append private_node=2:user_numa,compaction,thp
 * timeout: 400
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/thp.c"
