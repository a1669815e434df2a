#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_a.sh: all that uses compressed RAM at once; devices that are good, and that raise events all the time; also read-only in the direct map.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 900

. tests/guest/cram/churn.bash
in_all_conditions good storm physical
pair_protected both good storm
done_testing
