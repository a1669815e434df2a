// SPDX-License-Identifier: GPL-2.0-only
/*
 * compaction: the kernel's selftest, on a node that the boot made.
 *
 * vm: --node 1G --node 128M --append private_node=1:reclaim,compaction
 * timeout: 300
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/compaction.c"
