#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_c.sh: all that uses compressed RAM at once; devices that give no reading, and that fail to trim.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 900

. tests/guest/cram/churn.bash
in_all_conditions silent trim_fail both
done_testing
