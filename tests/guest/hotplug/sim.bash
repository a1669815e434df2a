# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# sim.bash: private_node_sim from a test script; source it after tests/lib/tap.sh

SIM=/sys/kernel/private_node_sim
NODES=/sys/devices/system/node

# The reserved ranges of this guest, one "ADDRESS:SIZE" a line.
reserved() {
	tr ' ' '\n' <<< "$PMN_RESERVED" | cut -d: -f2-
}

# sim FILE WORDS...: write to one of the module's files
sim() {
	local file=$1
	shift
	echo "$*" 2> /dev/null > "$SIM/$file"
}

# logged REGEX CMD...: CMD fails, and says why in dmesg, which is emptied on the way
logged() {
	local regex=$1 log
	shift
	if "$@"; then echo "# succeeded: $*"; return 1; fi
	log=$(dmesg -c)
	[[ $log =~ $regex ]] || { echo "# no '$regex' in: $log"; return 1; }
}

nid_of() {
	local name nid
	while read -r name nid _; do
		[ "$name" != "name=$1" ] || echo "${nid#nid=}"
	done < "$SIM/nodes"
}

# Is the node listed in node state $1?
in_state() {
	local word words
	IFS=, read -ra words < "$NODES/$1"
	for word in "${words[@]}"; do
		[ "${word%-*}" -le "$2" ] && [ "$2" -le "${word#*-}" ] && return 0
	done
	return 1
}

is_private() { in_state has_private_memory "$1" && ! in_state has_memory "$1"; }
is_gone() { ! in_state has_private_memory "$1" && ! in_state has_memory "$1"; }

held() { sed -n "s/^nid=$1 order=$2 folios=//p" "$SIM/held"; }

# Memory blocks of a node, by name.
blocks() {
	local d
	for d in "$NODES/node$1"/memory[0-9]*; do
		[ ! -e "$d" ] || basename "$d"
	done
}

# block_states NID: the different states of its blocks
block_states() {
	local b
	for b in $(blocks "$1"); do
		cat "/sys/devices/system/memory/$b/state"
	done | sort -u | paste -sd' '
}

# What hot-add must put back as it was.
memory_map() {
	echo "$(< "$NODES/online") $(< "$NODES/has_memory") $(< "$NODES/has_private_memory")"
	echo "$(< /proc/iomem)"
	echo /sys/devices/system/memory/memory*
}

leftovers() {
	memory_map
	echo "$(< "$SIM/nodes") $(< "$SIM/held")"
}

same() {
	[ "$1" = "$2" ] && return 0
	diff <(echo "$1") <(echo "$2") | sed 's/^/# /'
	return 1
}

# A co-process HOLDER that holds pages and answers a line with a line: ask it, end it.
ask() {
	local line
	echo "$1" >&"${HOLDER[1]}"
	read -r line <&"${HOLDER[0]}"
	echo "$line"
}

end_holder() {
	local out=${HOLDER[1]} pid=$HOLDER_PID
	exec {out}>&-
	wait "$pid"
}
