# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# churn.bash: runs churn on pairs of devices; source it.

. tests/lib/tap.sh

# Seconds for a pair of modes; the debug kernel is the one that looks closely.
case $(uname -r) in
*debug*) churn_seconds=60 ;;
*) churn_seconds=3 ;;
esac
CONDITIONS='physical shown both'

pair() { # CONDITION MODES MODES
	local seed=${PMN_SEED:-$(($(date +%s) % 100000))}
	ok "churn of $churn_seconds s, nearly full of: $1, devices $2 and $3, seed $seed (PMN_SEED=$seed to repeat)" \
		eval "set -o pipefail; '$PMN_BIN/churn' $churn_seconds $seed '$1' '$2' '$3' | sed 's/^/# /'"
}

# The release kernel has one condition for each pair of modes: a device takes a while to fill.
in_all_conditions() { # MODES MODES CONDITION-OF-RELEASE
	local condition conditions=$3
	[[ $(uname -r) != *debug* ]] || conditions=$CONDITIONS
	for condition in $conditions; do pair "$condition" "$1" "$2"; done
}

# The direct map of the devices is read-only: a store of the kernel that nobody paid for is an oops.
pair_protected() { # CONDITION MODES MODES
	local switch=/sys/kernel/mm/cram/protect
	if [ -e $switch ]; then
		echo 1 > $switch
		pair "$@"
		echo 0 > $switch
	else
		skip "churn with protected devices" "a kernel without CONFIG_CRAM_DEBUG"
	fi
}
