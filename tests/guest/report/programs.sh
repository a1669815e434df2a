#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What programs that are not part of the system do with a private node: closed, and open.  docs/programs.md is
# made of this test's output and of tools.sh's.  What is not installed is skipped; harness/setup installs none
# but numactl and QEMU, so that the others take
#   apt-get install --no-install-recommends procps slurmd docker.io dpdk-dev default-jre-headless postgresql
#                   prometheus-node-exporter systemd busybox-static
# hwloc and memkind are in build/, unpacked.  Words choose functions: programs.sh numa virtual_machine
#
# vm: --node 2G --node 512M --append private_node=1:user_numa,hugetlb
# timeout: 600
# kernels: release
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh

private=/sys/devices/system/node/node1/private
pools=hugepages/hugepages-2048kB
PAGES_64M=16384
export LC_ALL=C

# does COMMAND: what it printed is in /tmp/said, and in our output
does() {
	local rc=0
	echo "# [$state] $*"
	timeout -k 5 100 "$@" > /tmp/said 2>&1 < /dev/null || rc=$?
	head -n 25 /tmp/said | cut -c1-200 | sed 's/^/#   /'
	return "$rc"
}
fails() { ! does "$@"; }
said() { grep -qE -- "$1" /tmp/said || { echo "# no '$1' in what it said"; return 1; }; }
used() { sed -n "s/^${1}_used //p" "$private/stat"; }
total() { awk '/^MemTotal:/ { printf "%d", $2 * 1024 }' /proc/meminfo; }
# gets N USER COMMAND: the program is given at least N pages of the node as this user of it; "none": none
gets() {
	local want=$1 user=$2 before now
	shift 2
	before=$(used "$user")
	does "$@" || { [ "$want" = none ] || return 1; }
	now=$(($(used "$user") - before))
	echo "#   $user: $now pages of the node"
	if [ "$want" = none ]; then [ "$now" = 0 ]; else [ "$now" -ge "$want" ]; fi
}
# One that may not be installed: who calls it asks with() first.
maybe() { "$@"; }
# with COMMAND TEXT: is it here?  Skips a check with the text when not.
with() {
	command -v "$1" > /dev/null && return
	skip "$state: $2" "$1 is not installed"
	return 1
}
is_open() { [ "$state" = open ]; }

numa() {
	# procps, util-linux and hwloc are in tools.sh
	does numactl --hardware
	does numastat -p $$
	if is_open; then
		ok 'open: numactl --membind' gets 20 user_numa numactl --membind=1 sort -o /dev/null tests/lib/tap.sh
		ok 'open: numactl --preferred' gets 20 user_numa numactl --preferred=1 sort -o /dev/null tests/lib/tap.sh
	else
		ok 'closed: numactl --membind: libnuma turns the node away' fails numactl --membind=1 true
	fi
	ok "$state: numactl --interleave=all leaves the node out" gets none user_numa numactl --interleave=all sort -o /dev/null tests/lib/tap.sh
	with top 'top shows ordinary memory' || return
	does top -b -n 1
	ok "$state: top shows ordinary memory" [ "$(sed -nE 's/^MiB Mem : *([0-9]+)\..*/\1/p' /tmp/said)" = $(($(total) >> 20)) ]
}

# Its socket is there before it listens.
answers() { maybe systemctl --user show-environment > /dev/null 2>&1; }
# systemd's manager of a user, in a cgroup with the controllers: what runs services is the same.
start_systemd() {
	local _
	export XDG_RUNTIME_DIR=/run/user/0
	! answers || return 0
	mkdir -p "$XDG_RUNTIME_DIR" /run/systemd/system /sys/fs/cgroup/user
	chmod 700 "$XDG_RUNTIME_DIR"
	echo '+cpuset +memory' > /sys/fs/cgroup/cgroup.subtree_control
	(echo "$BASHPID" > /sys/fs/cgroup/user/cgroup.procs; exec /lib/systemd/systemd --user > /tmp/systemd.log 2>&1) &
	for _ in $(seq 200); do
		! answers || return 0
		sleep 0.1
	done
	return 1
}
service() { does systemd-run --user --wait --pipe -p "$@"; }
system_d() {
	with systemd-run 'systemd: NUMAPolicy=bind' || return
	start_systemd || { skip "$state: systemd" "its manager of a user does not start"; return; }
	if is_open; then
		ok 'open: systemd: NUMAPolicy=bind' service NUMAPolicy=bind -p NUMAMask=1 cat /proc/self/numa_maps
		ok '... the memory is there' said 'bind:1 heap .* N1='
	else
		not_ok 'closed: systemd: NUMAPolicy=bind: the service does not start' service NUMAPolicy=bind -p NUMAMask=1 true
		ok '... it says 242, which is EXIT_NUMA_POLICY' said 'status=242'
	fi
	ok "$state: systemd: AllowedMemoryNodes=1 names the node, and its programs start" service AllowedMemoryNodes=1 grep Mems_allowed_list /proc/self/status
	ok '... what it may name' said "$(is_open && echo '0-1' || echo '\s0')\$"
}

qemu() {
	local backend=$1 n
	rm -f /tmp/qemu.pid
	does qemu-system-x86_64 -nodefaults -no-user-config -display none -S -accel tcg -m 64M -machine q35,memory-backend=m \
		-object "$backend,id=m,size=64M,prealloc=on" -pidfile /tmp/qemu.pid -daemonize || return
	n=$(awk '/ N1=/ { sub(/.* N1=/, ""); n += $1 } END { print n + 0 }' "/proc/$(< /tmp/qemu.pid)/numa_maps")
	kill "$(< /tmp/qemu.pid)"
	echo "#   $n pages on node 1"
	[ "$n" -ge "$PAGES_64M" ]
}
virtual_machine() {
	if is_open; then
		ok 'open: QEMU: memory-backend-ram,host-nodes=1,policy=bind' qemu memory-backend-ram,host-nodes=1,policy=bind
	else
		not_ok 'closed: QEMU: memory-backend-ram,host-nodes=1,policy=bind' qemu memory-backend-ram,host-nodes=1,policy=bind
		ok '... and says so' said 'cannot bind memory to host NUMA nodes: Invalid argument'
	fi
	! is_open || ok 'open: QEMU: memory-backend-ram,host-nodes=1,policy=preferred' qemu memory-backend-ram,host-nodes=1,policy=preferred
	ok "$state: QEMU: memory-backend-file on the device map" qemu memory-backend-file,mem-path=/dev/private_node/node1,share=on
}

# within PACKAGE: fills "within" with what goes before a command of it, whose libraries are not installed.
within() {
	local root=$PMN_TOP/build/$1/root
	within=(env "LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu" "PATH=$root/usr/bin:$PATH")
}
there() { [ -d "$PMN_TOP/build/$1/root" ] || { skip "$state: $2" "harness/setup could not unpack $1"; return 1; }; }
binding() {
	there hwloc-nox 'hwloc-bind without --strict' || return
	within hwloc-nox
	if is_open; then
		ok 'open: hwloc-bind --membind, which is a preference' gets 20 user_numa \
			"${within[@]}" hwloc-bind --membind node:1 -- sort -o /dev/null tests/lib/tap.sh
		ok 'open: hwloc-bind --strict --membind' gets 20 user_numa \
			"${within[@]}" hwloc-bind --strict --membind node:1 -- sort -o /dev/null tests/lib/tap.sh
	else
		ok 'closed: hwloc-bind --membind gets nothing' gets none user_numa \
			"${within[@]}" hwloc-bind --membind node:1 -- sort -o /dev/null tests/lib/tap.sh
	fi
}

# The library's malloc() for a program that knows nothing of it.
memkind() {
	local tiered=(MEMKIND_DAX_KMEM_NODES=1 'MEMKIND_MEM_TIERS=KIND:KMEM_DAX,RATIO:1;POLICY:STATIC_RATIO' LD_PRELOAD=libmemtier.so.0)
	there libmemkind0 'memkind: malloc() from the node' || return
	within libmemkind0
	if is_open; then
		ok 'open: memkind: malloc() from the node' gets 5 user_numa "${within[@]}" "${tiered[@]}" \
			sort -S 1M -o /dev/null tests/lib/tap.sh
	else
		ok 'closed: memkind: nothing of the node' gets none user_numa "${within[@]}" "${tiered[@]}" \
			sort -S 1M -o /dev/null tests/lib/tap.sh
	fi
}

java_() {
	local opts=(-Xms64m -Xmx64m -Xint -XX:+AlwaysPreTouch)
	with java 'java: numactl --membind' || return
	ok "$state: java -XX:+UseNUMA takes nothing of the node" gets none user_numa java "${opts[@]}" -XX:+UseNUMA -XX:+UseParallelGC -version
	is_open || return
	ok 'open: java: numactl --membind' gets "$PAGES_64M" user_numa numactl --membind=1 java "${opts[@]}" -XX:+UseSerialGC -version
	mkdir -p /tmp/heap
	mount -t tmpfs -o mpol=bind:1,size=128M none /tmp/heap
	ok 'open: java: -XX:AllocateHeapAt on tmpfs of the node' gets "$PAGES_64M" user_numa \
		java "${opts[@]}" -XX:+UseSerialGC -XX:AllocateHeapAt=/tmp/heap -version
	umount /tmp/heap
}

as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
postgres() {
	local bin
	bin=$(echo /usr/lib/postgresql/*/bin)
	PATH=$PATH:$bin with postgres 'PostgreSQL: numactl --membind' || return
	if [ ! -d /tmp/pg ]; then
		install -d -o postgres /tmp/pg
		"${as_postgres[@]}" "$bin/initdb" -A trust -D /tmp/pg > /tmp/pg.log 2>&1
	fi
	is_open || return
	ok 'open: PostgreSQL: numactl --membind' gets 1000 user_numa "${as_postgres[@]}" \
		numactl --membind=1 "$bin/pg_ctl" -w -D /tmp/pg -o '-k /tmp -c shared_buffers=64MB -c listen_addresses=' -l /tmp/pg/log start
	does "${as_postgres[@]}" grep -E ' N1=' "/proc/$(head -n 1 /tmp/pg/postmaster.pid)/numa_maps"
	"${as_postgres[@]}" "$bin/pg_ctl" -w -D /tmp/pg stop > /dev/null
}

dpdk() {
	local forward=(-- --stats-period 1)
	with dpdk-testpmd 'DPDK: --socket-mem' || return
	mkdir -p /dev/hugepages
	mount -t hugetlbfs none /dev/hugepages
	echo 16 > /sys/devices/system/node/node0/"$pools"/nr_hugepages
	echo 16 2> /dev/null > /sys/devices/system/node/node1/"$pools"/nr_hugepages
	ok "$state: a pool of huge pages on the node: $(is_open && echo 16 || echo none)" [ "$(< /sys/devices/system/node/node1/"$pools"/nr_hugepages)" = "$(is_open && echo 16 || echo 0)" ]
	not_ok "$state: DPDK: --socket-mem for the node" does dpdk-testpmd --no-pci --in-memory --socket-mem=16,16 --vdev=net_null0 "${forward[@]}"
	ok '... since it counts the nodes of processors' said 'Detected NUMA nodes: 1'
	echo 0 > /sys/devices/system/node/node0/"$pools"/nr_hugepages
	! is_open || ok 'open: DPDK: numactl --membind, without huge pages' gets "$PAGES_64M" user_numa numactl --membind=1 \
		timeout --preserve-status -s INT 10 dpdk-testpmd --no-pci --no-huge -m 64 --vdev=net_null0 "${forward[@]}" --total-num-mbufs=2048
	echo 0 2> /dev/null > /sys/devices/system/node/node1/"$pools"/nr_hugepages
	umount /dev/hugepages
}

metrics() { exec 8<> /dev/tcp/127.0.0.1/9100 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&8 && cat <&8; }
node_exporter() {
	local pid exporter total='node_memory_numa_MemTotal[{]node="1"[}]'
	with prometheus-node-exporter 'node_exporter: MemTotal is ordinary memory' || return
	exporter=$(command -v prometheus-node-exporter)
	"$exporter" --web.listen-address=127.0.0.1:9100 --collector.disable-defaults --collector.meminfo \
		--collector.meminfo_numa > /tmp/exporter.log 2>&1 & pid=$!
	until (metrics > /tmp/said) 2> /dev/null; do kill -0 "$pid" || return; sleep 0.2; done
	kill "$pid"
	wait "$pid"
	echo "# [$state] prometheus-node-exporter --collector.meminfo_numa"
	grep -E '^node_memory_(MemTotal|PrivateTotal|numa_MemTotal|numa_PrivateTotal)' /tmp/said | sed 's/^/#   /'
	ok "$state: node_exporter: MemTotal is ordinary memory" [ "$(printf %.0f "$(sed -n 's/^node_memory_MemTotal_bytes //p' /tmp/said)")" = "$(total)" ]
	ok '... private memory has lines of its own' said '^node_memory_PrivateTotal_bytes 5\.3'
	ok "... and with --collector.meminfo_numa the node is $(is_open && echo 'as large' || echo 0)" said "^$total $(is_open && echo '5\.3' || echo '0$')"
}

slurm() {
	with slurmd 'Slurm: RealMemory is ordinary memory' || return
	does slurmd -C
	ok "$state: Slurm: RealMemory is ordinary memory" said "RealMemory=$(($(total) >> 20))\$"
}

containers() {
	local pid _ daemon
	with dockerd 'docker: --cpuset-mems' || return
	daemon=$(command -v dockerd)
	"$daemon" --iptables=false --bridge=none --storage-driver=vfs --data-root /tmp/docker --exec-root /run/docker > /tmp/docker.log 2>&1 & pid=$!
	for _ in $(seq 300); do
		! maybe docker version > /dev/null 2>&1 || break
		sleep 0.2
	done
	mkdir -p /tmp/image/bin
	cp /bin/busybox /tmp/image/bin/
	tar -C /tmp/image -c . | maybe docker import - image > /dev/null 2>&1
	does docker info -f 'docker: {{.MemTotal}} bytes of memory'
	ok "$state: docker counts ordinary memory" said "$(total)"
	# A kernel without CONFIG_BPF_SYSCALL, as that of the tests, starts no container.
	does docker create --network=none --cpuset-mems=1 image /bin/busybox true
	if is_open; then
		ok 'open: docker: --cpuset-mems=1' [ "$(maybe docker ps -aq | wc -l)" = 1 ]
	else
		ok 'closed: docker: --cpuset-mems=1: refused' said 'Requested memory nodes are not available'
	fi
	kill "$pid"
	wait "$pid"
}

[ $# -gt 0 ] || set -- numa system_d virtual_machine binding memkind java_ postgres dpdk node_exporter slurm containers
for state in closed open; do
	if is_open; then echo '+user_numa +hugetlb' > $private/enabled; else echo '-hugetlb -user_numa' > $private/enabled; fi
	for part; do "$part"; done
done
skip 'kubelet, cadvisor' 'Debian has no package of them'
# Files of tmpfs that bound programs wrote lie on the node.
rm -rf /tmp/pg /tmp/said /run/dpdk
echo '-hugetlb' > $private/enabled
done_testing
