# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# cxl.bash: CXL memory devices and regions from a test script; source it after tests/lib/tap.sh

. tests/guest/dax/dax.bash

CXL=/sys/bus/cxl/devices
# shellcheck disable=SC2034 # for scripts
ROOT=$CXL/decoder0.0

# until_ CMD...: true when that holds within a while
until_() {
	local i
	for ((i = 0; i < 600; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# The memory device of that size: which of them is mem0 is chance.
mem_of_size() {
	local m
	for m in "$CXL"/mem[0-9]*; do
		[ $(($(< "$m/ram/size"))) != "$1" ] || basename "$m"
	done
}

# Has the memory device a place in the topology?
is_ready() { [ -n "$(endpoint_of "$1")" ]; }

# Has each memory device on PCI, whose class is this, one?
all_ready() {
	local class m
	for class in /sys/bus/pci/devices/*/class; do
		[ "$(< "$class")" = 0x050210 ] || continue
		m=$(echo "${class%/class}"/mem[0-9]*)
		[ -e "$m" ] && is_ready "$(basename "$m")" || return
	done
}

# The drivers, and all that is plugged in is there.
cxl_up() {
	local m
	for m in cxl_acpi cxl_port cxl_mem cxl_pci dax_hmem dax_cxl kmem device_dax; do modprobe $m; done
	until_ all_ready || echo '# a memory device does not come up'
	dmesg -c > /dev/null
}

# Leaves the modules loaded: another test of this boot may want them.
cxl_down() {
	local r
	for r in "$CXL"/region*; do
		[ ! -e "$r" ] || destroy "$(basename "$r")"
	done
}

# The endpoint of mem0, such as endpoint2
endpoint_of() {
	local e
	for e in "$CXL"/endpoint*; do
		if [ -e "$e" ] && [ "$(basename "$(readlink "$e/uport")")" = "$1" ]; then
			basename "$e"
		fi
	done
}

# decoder_of MEMDEV [N]: its first decoder, such as decoder2.0, or another one
decoder_of() {
	local e
	e=$(endpoint_of "$1")
	echo "decoder${e#endpoint}.${2:-0}"
}

rget() { echo "$(< "$CXL/$1/$2")"; }

# rput TEXT REGION FILE
rput() { put "$1" "$CXL/$2/$3"; }

rchoices() { echo "$(rget "$1" private) $(rget "$1" private_node) $(rget "$1" private_services)"; }

is_enabled() { [ -e "$CXL/$1/driver" ]; }
enable() { put "$1" /sys/bus/cxl/drivers/cxl_region/bind; }
disable() { put "$1" /sys/bus/cxl/drivers/cxl_region/unbind; }

# new_region MEMDEV SIZE [N]: a region, by the Nth decoder, that only has to be committed; its name is in $REGION
new_region() {
	local d
	d=$(decoder_of "$1" "${3:-0}")
	REGION=$(< "$ROOT/create_ram_region")
	put "$REGION" "$ROOT/create_ram_region" && rput 1 "$REGION" interleave_ways &&
		rput 256 "$REGION" interleave_granularity && put ram "$CXL/$d/mode" &&
		put "$2" "$CXL/$d/dpa_size" && rput "$2" "$REGION" size && rput "$d" "$REGION" target0
}

# The DAX device of a region, once it is there.
dax_of() { basename "$(echo "$CXL/$1"/dax_region*/dax[0-9]*)"; }
has_dax() { [ -e "$DAX/$(dax_of "$1")" ]; }

# commit REGION: and enable it
commit() { rput 1 "$1" commit && enable "$1" && until_ has_dax "$1"; }

# Has kmem the DAX device of a region?
is_bound() { [ "$(driver_of "$(dax_of "$1")")" = kmem ]; }

# on_kmem REGION: the device is kmem's, and its memory unplugged
on_kmem() { until_ is_bound "$1" && unplug "$(dax_of "$1")"; }

# destroy REGION: by the files, as cxl destroy-region does it
destroy() {
	local d
	d=$(rget "$1" target0)
	if is_enabled "$1"; then disable "$1"; fi
	rput 0 "$1" commit && rput '' "$1" target0 && put 0 "$CXL/$d/dpa_size" &&
		put "$1" "$ROOT/delete_region"
}

# qmp JSON: a command to this machine's QEMU; its answer
qmp() {
	local port line fd
	for port in /sys/class/virtio-ports/*; do
		[ "$(< "$port/name")" != pmn.monitor ] || break
	done
	exec {fd}<> "/dev/$(basename "$port")"
	echo '{"execute":"qmp_capabilities"}' >&"$fd"
	echo "$1" >&"$fd"
	# The first answer is that to the capabilities; an error if somebody asked before.
	for _ in 1 2; do
		while read -r -t 30 line <&"$fd"; do
			[[ $line != *'"return"'* && $line != *'"error"'* ]] || break
		done
	done
	exec {fd}>&-
	echo "$line"
}

# The page frame of the holder's page N, by number
holders_pfn() {
	local start
	start=$(sed -n 's,^\([0-9a-f]*\)-.*/dev/private_node/.*,\1,p' "/proc/$HOLDER_PID/maps" | sed -n 1p)
	dd if="/proc/$HOLDER_PID/pagemap" bs=8 skip=$((0x$start / 4096 + $1)) count=1 status=none |
		od -An -tu8 | awk '{ printf "%d\n", $1 % 2^55 }'
}
