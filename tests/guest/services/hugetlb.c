// SPDX-License-Identifier: GPL-2.0-only
/*
 * hugetlb: the kernel's selftest, on a node that the boot made.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa,hugetlb
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/hugetlb.c"
