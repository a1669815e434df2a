#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_f.sh: all that uses compressed RAM at once; a device with all faults, in a kernel that clears what it gives out and gets back.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2 --append "init_on_alloc=1 init_on_free=1"
# timeout: 900

. tests/guest/cram/churn.bash
in_all_conditions slow,stale,delayed,understated,trim_late,trim_fail good both
done_testing
