#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fuzz_guided.sh: the inputs of the corpus, then ten minutes of inputs that are made of them; those that reach
# a block of ours that none did before are printed ("# new:"), and tests/run puts them into the corpus.
# PMN_SECONDS=N for another time, PMN_SEED=N to draw the same (odd: demotion may be open).
# vm: --node 1G --node 128M --reserve 128M,node=0 --append private_node=1:user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing --append private_node_spare=1
# timeout: 780
# kernels: coverage
# soak: yes

. tests/guest/soak/fuzz.bash
seed=${PMN_SEED:-$(($(date +%s) % 500000 * 2 + 1))}
fuzz_begin
ok "fuzz, guided by KCOV, ${PMN_SECONDS:-600} s, seed $seed" \
	"$PMN_BIN/fuzz" --guided --corpus tests/guest/soak/corpus --seconds "${PMN_SECONDS:-600}" --seed "$seed"
fuzz_end
