#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_a.sh: all that uses compressed RAM at once, in half of the modes.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 420

. tests/guest/cram/churn.bash
pair physical good storm
pair shown slow trim_partial
pair both silent trim_fail
done_testing
