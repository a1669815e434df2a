#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_b.sh: all that uses compressed RAM at once; devices that are slow, and that trim half.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 900

. tests/guest/cram/churn.bash
in_all_conditions slow trim_partial shown
done_testing
