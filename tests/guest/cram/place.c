// SPDX-License-Identifier: GPL-2.0-only
/*
 * place: the kernel's selftest of what is placed on a device; also in a kernel that clears what it gives out and
 * gets back.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1 --append "init_on_alloc=1 init_on_free=1"
 * timeout: 250
 */
#include "../../../kernel/files/tools/testing/selftests/cram/place.c"
