#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_soak.sh: ten minutes of each mode, for make soak.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 4000
# kernels: debug
# soak: yes

. tests/guest/cram/churn.bash
churn_seconds=600
pair good storm
pair slow trim_partial
pair silent trim_fail
pair stale trim_late
pair delayed understated
pair slow,stale,delayed,understated,trim_late,trim_fail good
done_testing
