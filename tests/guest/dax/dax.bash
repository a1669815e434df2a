# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# dax.bash: DAX devices and kmem from a test script; source it after tests/lib/tap.sh

. tests/guest/hotplug/sim.bash

DAX=/sys/bus/dax/devices
DRIVERS=/sys/bus/dax/drivers
# shellcheck disable=SC2034 # for scripts
PARAMS=/sys/module/dax/parameters
USER_PAGES=$PMN_TOP/build/tests/guest/hotplug/user_pages
SIZE=$((16 << 20))
# shellcheck disable=SC2034 # for scripts
PAGES=$((SIZE / 4096))

# Makes a DAX device of each NVDIMM; soft-reserved ranges are devices already.  None has a driver.
dax_up() {
	local n
	for n in nd_pmem dax_pmem dax_hmem device_dax; do modprobe $n; done
	for n in /sys/bus/nd/devices/namespace*.0; do
		[ ! -e "$n" ] || dax_create "$(basename "$n")"
	done
	for n in "$DAX"/dax*; do
		[ ! -e "$n/driver" ] || unbind "$(basename "$n")"
	done
	dmesg -c > /dev/null
}

# Leaves the devices to the next test as they were.
dax_down() {
	local n
	ok 'rmmod kmem' rmmod kmem
	for n in "$DAX"/dax*; do choose "$(basename "$n")" 0 auto none; done
}

# By itself a namespace gets its driver by udev; here all are loaded before.
dax_create() {
	ndctl create-namespace -m devdax -M mem -e "$1" -f > /tmp/ndctl.log 2>&1 || cat /tmp/ndctl.log
}

# put TEXT FILE: one write; the shell says nothing about a refusal
put() { echo "$1" 2> /dev/null > "$2"; }
get() { echo "$(< "$DAX/$1/$2")"; }

# choose DEV PRIVATE [NODE [SERVICES]]
choose() {
	put "$2" "$DAX/$1/private" && put "${3:-auto}" "$DAX/$1/private_node" &&
		put "${4:-user_numa}" "$DAX/$1/private_services"
}

choices() { echo "$(get "$1" private) $(get "$1" private_node) $(get "$1" private_services)"; }

driver_of() { basename "$(readlink "$DAX/$1/driver")" 2> /dev/null; }
unbind() { put "$1" "$DAX/$1/driver/unbind"; }

# bind DEV DRIVER; an id has to be told once, and then binds by itself
bind() {
	[ ! -e "$DAX/$1/driver" ] || unbind "$1"
	put "$1" "$DRIVERS/$2/new_id"
	[ "$(driver_of "$1")" = "$2" ] || put "$1" "$DRIVERS/$2/bind"
}

plug() { put "${2:-online_movable}" "$DAX/$1/state"; }
unplug() { put unplugged "$DAX/$1/state"; }

# The node of what is plugged in.
node_of() { get "$1" target_node; }
owner_of() { echo "$(< "$NODES/node$1/private/owner")"; }
on_unplug() { put "$2" "$NODES/node$(node_of "$1")/private/on_unplug"; }

# holder DEV ARGS...: user_pages as a co-process with pages on the node of a device
holder() {
	coproc HOLDER { exec "$USER_PAGES" "/dev/private_node/node$(node_of "$1")" $SIZE "${@:2}"; }
	local line
	read -r line <&"${HOLDER[0]}" && [ "$line" = ready ]
}

# Pages in use on a node, all lists drained.
used() {
	local dir=$NODES/node$1/private
	echo $((($(< "$dir/total_bytes") - $(< "$dir/free_bytes_exact")) / 4096))
}

# Does a program bound to the node by number have its memory there?
binds_to() {
	numactl --membind="$1" cat /proc/self/numa_maps | grep -E 'anon=|heap|stack' | grep -v mapped= |
		grep -qE " N$1=[0-9]+"
}

# refused TEXT REGEX CMD...: fails, says why, and changed nothing
refused() {
	local text=$1 regex=$2 map choices
	shift 2
	map=$(memory_map) choices=$(choices dax0.0)
	ok "refused: $text" logged "$regex" "$@"
	ok "unchanged: $text" same "$(memory_map) $(choices dax0.0)" "$map $choices"
}
