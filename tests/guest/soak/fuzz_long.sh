#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fuzz_long.sh: ten minutes of random system calls, for make soak.
# vm: --node 1G --node 128M --reserve 128M,node=0 --append private_node=1:user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing --append private_node_spare=1
# timeout: 780
# kernels: debug
# soak: yes

. tests/guest/soak/fuzz.bash
fuzz_begin
seed=${PMN_SEED:-$(($(date +%s) % 1000000))}
for round in 0 1 2 3 4; do fuzz 120 $((seed + round)); done
fuzz_end
