#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_d.sh: all that uses compressed RAM at once; devices whose readings, and whose trims, are late.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 900

. tests/guest/cram/churn.bash
in_all_conditions stale trim_late shown
done_testing
