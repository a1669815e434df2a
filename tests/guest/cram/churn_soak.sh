#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# churn_soak.sh: ten minutes of each mode, a quarter of them in each condition, for make soak.
# vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
# timeout: 5000
# kernels: debug
# soak: yes

. tests/guest/cram/churn.bash
churn_seconds=150
for condition in room physical shown both; do
	pair $condition good storm
	pair $condition slow trim_partial
	pair $condition silent trim_fail
	pair $condition stale trim_late
	pair $condition delayed understated
	pair $condition slow,stale,delayed,understated,trim_late,trim_fail good
done
done_testing
