#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_b.sh: all that uses compressed RAM at once, in the other half of the modes.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 420

. tests/guest/cram/churn.bash
pair both stale trim_late
pair shown delayed understated
pair physical slow,stale,delayed,understated,trim_late,trim_fail good
done_testing
