# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# root.bash: source it: make_root DIR makes the files of a machine with private nodes 1, 2 and 3.

# put DIR FILE TEXT
put() {
	local f=$1/$2
	[ -d "${f%/*}" ] || mkdir -p "${f%/*}"
	printf '%s\n' "$3" > "$f"
}

# make_node ROOT N OWNER CAPABLE ENABLED SIZE FREE
make_node() {
	local d=$1/sys/devices/system/node/node$2
	put "$d" private/owner "$3"
	put "$d" private/capable "$4"
	put "$d" private/enabled "$5"
	put "$d" private/enabled.was "$5"
	put "$d" private/on_full fail
	put "$d" private/on_unplug refuse
	put "$d" private/access any
	put "$d" private/adistance 2880
	put "$d" private/promotion_mib_per_second 64
	put "$d" private/interleave_weight 1
	put "$d" private/total_bytes "$6"
	put "$d" private/free_bytes "$7"
	put "$d" cpulist ''
	printf 'user_numa_used 7\ndemotion_refused 0\nfallback 3\n' > "$d/private/stat"
	printf 'Node %d MemTotal: 0 kB\nNode %d PrivateTotal: 524288 kB\nNode %d PrivateAnon:   1024 kB\n' \
		"$2" "$2" "$2" > "$d/meminfo"
}

make_cram() {
	local d=$1/sys/devices/system/node/node$2/private/cram f
	for f in shown physical used resident untrimmed writable writable_used; do put "$d" ${f}_bytes 1048576; done
	put "$d" credit_bytes -4096
	put "$d" worst_case_bytes 4096
	put "$d" ratio 1.99
	put "$d" state ok
	printf 'admitted 5\nlost 0\nreadings 9\n' > "$d/stat"
	printf 'demotion_used 18446744073709551615\nnot a number\nbare\nx 1 2\nfallback 0\n' > "$d/../stat"
	put "$1" sys/kernel/mm/cram/nodes "$2"
	put "$1" sys/kernel/mm/cram/anon 1
	put "$1" sys/kernel/mm/cram/file 0
	put "$1" sys/kernel/mm/cram/swap 1
	put "$1" sys/kernel/mm/cram/pageout 1
}

# make_dax ROOT DEV FOLDER NODE: without a driver
make_dax() {
	local d=$1/sys/devices/$3/$2
	put "$d" private 0
	put "$d" private_node auto
	put "$d" private_services ''
	put "$d" target_node "$4"
	put "$d" size 268435456
	mkdir -p "$1/sys/bus/dax/devices"
	ln -sfn "../../../devices/$3/$2" "$1/sys/bus/dax/devices/$2"
}

give_kmem() {
	mkdir -p "$1/sys/bus/dax/drivers/kmem"
	ln -sfn /sys/bus/dax/drivers/kmem "$1/sys/bus/dax/devices/$2/driver"
	put "$1/sys/bus/dax/devices/$2" state "$3"
}

make_cgroups() {
	local d=$1/sys/fs/cgroup c
	for c in . a a/below b.slice; do
		put "$d/$c" cpuset.mems ''
		put "$d/$c" cgroup.procs ''
		put "$d/$c" cgroup.subtree_control 'cpuset memory'
		put "$d/$c" memory.numa_stat 'anon N0=0 N1=0 N2=0'
	done
	rm "$d/cpuset.mems"
	put "$d" cgroup.controllers 'cpuset cpu memory'
	put "$d/a" cpuset.mems 0,2
	put "$d/b.slice" cpuset.mems 9
	put "$d/a" cgroup.procs 100
	put "$d/a" memory.cram.current 0
	put "$d/a" memory.cram.max max
	put "$d/a" memory.reclaim ''
	printf 'anon N0=4096 N1=0 N2=8192\nfile N0=0 N1=0 N2=4096\nkernel_stack N0=1 N1=1 N2=9\n' > "$d/a/memory.numa_stat"
}

make_process() {
	put "$1/proc/100" comm 'redis server'
	put "$1/proc/100" cgroup '0::/a'
	printf '7f00 bind:1 anon=3 N1=3 kernelpagesize_kB=4\n7f10 default file=/lib/N1=5 mapped=9 N0=9 kernelpagesize_kB=4\n7f20 bind:1 anon=2 N1=2 kernelpagesize_kB=2048\n' > "$1/proc/100/numa_maps"
	put "$1/proc/412" comm 'num a ctl'
	put "$1/proc/412" cgroup '0::/a/below'
	# It started 79 s after the boot, before it was refused.
	put "$1/proc/412" stat '412 (num a) ctl) S 1 412 412 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 7900 1 1'
	put "$1/proc/200" comm ordinary
	put "$1/proc/200" numa_maps '7f00 default anon=3 N0=3 kernelpagesize_kB=4'
}

make_root() {
	local r=$1 n=$1/sys/devices/system/node
	put "$n" has_private_memory 1-3
	put "$n" has_memory 0
	put "$n" possible 0-4
	put "$n" online 0-4
	put "$n/node0" cpulist 0-1
	put "$n/node4" cpulist ''
	make_node "$r" 1 boot 'user_numa reclaim demotion' 'user_numa reclaim' 536870912 134217728
	make_node "$r" 2 kmem-dax0.0 'user_numa reclaim demotion promotion thp compaction' user_numa 268435456 268435456
	make_node "$r" 3 cram_sim 'reclaim demotion' 'reclaim demotion' 268435456 268435456
	put "$n/node2" private/on_full sigbus
	make_cram "$r" 3
	make_dax "$r" dax0.0 platform 2
	give_kmem "$r" dax0.0 online_movable
	put "$r/sys/bus/dax/devices/dax0.0" private 1
	make_dax "$r" dax1.0 pci0/region0/dax_region0 5
	make_dax "$r" dax2.0 platform2 5
	rm "$r/sys/bus/dax/devices/dax2.0/private"
	put "$r/sys/bus/dax/devices/dax2.0" target_node -1
	make_cgroups "$r"
	make_process "$r"
	mkdir -p "$r/dev/private_node"
	: > "$r/dev/kmsg"
	: > "$r/dev/private_node/node1"
	chmod 600 "$r/dev/private_node/node1"
	put "$r" proc/cmdline 'root=/dev/sda private_node=1:user_numa,reclaim quiet'
	cat > "$r/proc/private_node_refusals" <<-'END'
	time=81.203311 first=80.113045 count=4 node=1 owner=boot what=policy why=closed order=0 pages=0 uid=0 pid=412 tid=413 comm=num\040a\012ctl
	time=82.000001 first=82.000001 count=1 node=7 owner=gone0 what=thp why=warp order=9 pages=0 uid=0 pid=1 tid=1 comm=x
	half a line
	time=83.000001 node=1 owner=boot what=policy why=closed uid=0 pid=9
	time=90.200000 first=90.200000 count=1 node=2 owner=kmem-dax0.0 what=unplug why=in_use order=0 pages=27 uid=0 pid=99 tid=99 comm=daxctl by=66 by_comm=sleep new=1
	END
	put "$r" proc/stat 'btime 1700000000'
	put "$r" proc/swaps 'Filename Type Size Used Priority'
	put "$r" proc/sys/vm/overcommit_memory 0
	put "$r" sys/devices/system/memory/auto_online_blocks offline
	put "$r" sys/devices/system/memory/block_size_bytes 8000000
	mkdir -p "$r/etc/pmn.d"
	# To bring it back.
	cp -a "$n/node1" "$n/node3" "$r"
}
