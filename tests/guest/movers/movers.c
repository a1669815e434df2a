// SPDX-License-Identifier: GPL-2.0-only
/*
 * movers: whatever moves a page keeps it inside what all of its users may have: all rows and columns.
 *
 * The table is explained in cells.h of the kernel's selftests, which have the rows as well, and run some;
 * placers.c has the rows that place memory anew, compressed.c those of compressed RAM.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 * libs: -pthread
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN

#include "../../../kernel/files/tools/testing/selftests/private_node/movers.c"
#include "table.h"

int main(int argc, char **argv)
{
	make_node("on_unplug=move");
	make_cgroups(argc, argv);
	RUN_ROWS(rows, argc, argv);
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	end_cgroups();
	return done_testing();
}
