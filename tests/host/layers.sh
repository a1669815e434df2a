#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# layers.sh: no call between files of mm/private_node/ and mm/cram/ runs up, or in a circle, and
# docs/architecture.svg shows the calls of today.  The layers are in kernel/layers.
#
# kernels: release

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
n=0 failed=0

# none VERB TEXT: kernel/scripts/layers VERB succeeds and has nothing to say.
none() {
	local said
	n=$((n + 1))
	if said=$(kernel/scripts/layers "$1" 2>&1) && [ -z "$said" ]; then
		echo "ok $n - $2"
	else
		echo "# ${said//$'\n'/$'\n'# }"
		echo "not ok $n - $2"
		failed=1
	fi
}

# some WHAT NUMBER LEAST: the script sees what is there, so that it has something to check.
some() {
	n=$((n + 1))
	if [ "$2" -ge "$3" ]; then
		echo "ok $n - $2 $1"
	else
		echo "not ok $n - $2 $1, less than $3"
		failed=1
	fi
}

# empty TEXT: nothing on stdin; it is shown otherwise.
empty() {
	local said
	n=$((n + 1))
	if said=$(grep .); then
		echo "# ${said//$'\n'/$'\n'# }"
		echo "not ok $n - $1"
		failed=1
	else
		echo "ok $n - $1"
	fi
}

# What private nodes ask of compressed RAM goes through struct private_node_fence.
names_cram() { grep -rniE 'cram' kernel/files/mm/private_node --include='*.[ch]' --exclude-dir=tests; }

# What is included of a folder above or beside, other than headers of mm/.
includes_up() {
	grep -rnE '#include "\.\./' kernel/files/mm/private_node --include='*.[ch]' --exclude-dir=tests |
		grep -vE '"\.\./[a-z_]+\.h"'
}

some calls "$(kernel/scripts/layers arrows | wc -l)" 300
some 'files that call others' "$(kernel/scripts/layers arrows | cut -d' ' -f1 | sort -u | wc -l)" 50
none unlisted 'each of our files is in a layer'
none up 'no call runs up'
none knots 'no files call each other in a circle'
none stale 'docs/architecture.svg shows these calls'
# Files of kernel/layers that the table of the developers' page does not name.
not_in_page() {
	local f
	sed -E '/^#/d; s/^[^\t].*:/ /' kernel/layers | tr -s ' \t' '\n' | grep "^$1/" | while read -r f; do
		grep -qwF "${f#*/}.c" "kernel/files/Documentation/mm/$2.rst" || echo "$f"
	done
}

some 'files of private nodes' "$(find kernel/files/mm/private_node -maxdepth 1 -name '*.[ch]' | wc -l)" 50
empty 'private nodes do not name compressed RAM' < <(names_cram)
empty 'private nodes include no header of a folder above mm/ or beside them' < <(includes_up)
empty 'private_nodes.rst has each file' < <(not_in_page private_node private_nodes)
empty 'cram.rst has each file' < <(not_in_page cram cram)
echo "1..$n"
[ $failed = 0 ]
