// SPDX-License-Identifier: GPL-2.0-only
/*
 * map: the kernel's selftest of device maps, on a node that the boot made.
 *
 * vm: --node 1G --node 512M --append private_node=1
 * timeout: 180
 */
#include "../../../kernel/files/tools/testing/selftests/private_node/device_map.c"
