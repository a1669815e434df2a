#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fuzz_short.sh: half a minute: the inputs of the corpus, which were found with KCOV and need none, and random
# system calls of many processes.  PMN_SEED=N instead of a new seed, to repeat it.
# vm: --node 1G --node 128M --reserve 128M,node=0 --append private_node=1:user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing --append private_node_spare=1
# timeout: 120

. tests/guest/soak/fuzz.bash
fuzz_begin
# Once with demotion closed, once with it open.
replay 12 0
replay 12 1
fuzz 12 "${PMN_SEED:-$(($(date +%s) % 1000000))}"
fuzz_end
