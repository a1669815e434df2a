# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# fuzz.bash: fuzz with swap and cgroups, and what must hold after it; source it.

. tests/lib/tap.sh

FUZZ_CGROUP=/tmp/fuzz-cg
export FUZZ_CGROUP

mem_free() { awk '/^MemFree/ { print $2 }' /proc/meminfo; }

fuzz_begin() {
	modprobe private_node_sim
	modprobe zram
	echo 256M > /sys/block/zram0/disksize
	mkswap /dev/zram0 > /dev/null && swapon /dev/zram0
	mkdir -p $FUZZ_CGROUP
	mount -t cgroup2 none $FUZZ_CGROUP && echo '+memory +cpuset' > $FUZZ_CGROUP/cgroup.subtree_control
	echo 3 > /proc/sys/vm/drop_caches
	free_before=$(mem_free)
}

# fuzz SECONDS SEED
fuzz() {
	ok "fuzz, $1 s, seed $2" "$PMN_BIN/fuzz" --seconds "$1" --seed "$2"
}

# replay SECONDS SEED: as many inputs of the corpus as that takes.
replay() {
	ok "the corpus, $1 s, seed $2" "$PMN_BIN/fuzz" --corpus tests/guest/soak/corpus --seconds "$1" --seed "$2"
}

# What is left then is slab and page cache of the programs that ran.
fuzz_end() {
	local lost
	ok 'swap goes off: no page is lost in it' swapoff /dev/zram0
	echo 1 > /sys/block/zram0/reset
	umount $FUZZ_CGROUP
	sleep 1
	echo 3 > /proc/sys/vm/drop_caches
	lost=$((free_before - $(mem_free)))
	ok "MemFree is $lost kB less than before" test $lost -lt 65536
	ok 'the audit finds no page of an unknown holder' build/tests/audit
	done_testing
}
