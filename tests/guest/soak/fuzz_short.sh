#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fuzz_short.sh: half a minute of random system calls; a seed that never changes, and a new one.
# PMN_SEED=N instead of the new one, to repeat it.
# vm: --node 1G --node 128M --reserve 128M,node=0 --append private_node=1:user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing,write --append private_node_spare=1
# timeout: 120

. tests/guest/soak/fuzz.bash
fuzz_begin
fuzz 12 1000
fuzz 12 "${PMN_SEED:-$(($(date +%s) % 1000000))}"
fuzz_end
