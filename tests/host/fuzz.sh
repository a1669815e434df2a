#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh: the parser of /etc/pmn.d and the reader of /proc/private_node_refusals under libFuzzer, with ASan
# and UBSan: what was found before, and new inputs for a minute each, beside each other.
# PMN_FUZZ_SECONDS=N takes N seconds, PMN_SEED=N the same inputs again.
#
# kernels: release

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
src=tests/host/tools
# An input that was found is left here.
out=$top/build/fuzz
mkdir -p "$out"
seconds=${PMN_FUZZ_SECONDS:-60}
seed=${PMN_SEED:-$RANDOM}
flags=(-std=gnu11 -g -O1 -Wall -Wextra -Wno-missing-field-initializers -fno-sanitize-recover=all
	-I tools/libpmn -I tools/pmnctl)
# Of each: its sources, and the inputs that it begins with.
declare -A sources=(
	[fuzz]="tools/pmnctl/conf.c tools/pmnctl/setting.c tools/pmnctl/say.c tools/pmnctl/boot.c"
	[fuzz_ring]=""
) corpus=([fuzz]=$src/corpus [fuzz_ring]=$src/ring)

# shellcheck disable=SC2086,SC2317 # the sources are words; called through ok
build() { "$1" "${flags[@]}" "${@:3}" -o "$out/$2" "$src/$2.c" ${sources[$2]} tools/libpmn/*.c -lm; }

# Once each, also without clang.
for name in fuzz fuzz_ring; do
	ok "$name: is built" build gcc $name -DREPLAY -fsanitize=address,undefined
	mapfile -t files < <(find "${corpus[$name]}" -type f)
	ok "$name: there are inputs" [ ${#files[@]} -gt 0 ]
	ok "$name: takes them, and says how many" [ "$("$out/$name" "${files[@]}")" = ${#files[@]} ]
done
if ! command -v clang > /dev/null; then
	skip "new inputs" "clang is not installed"
	done_testing
fi

# New ones go to a folder of their own, so that the sources stay as they are.
run() {
	mkdir "$tmp/$1"
	nice "$out/$1" -max_total_time="$seconds" -seed="$seed" -max_len=4096 -artifact_prefix="$out/$1-" -print_final_stats=1 \
		"$tmp/$1" "${corpus[$1]}" > "$tmp/$1.log" 2>&1
}
echo "# seed $seed"
declare -A pids
for name in fuzz fuzz_ring; do
	ok "$name: is built for libFuzzer" build clang $name -fsanitize=fuzzer,address,undefined
	run $name &
	pids[$name]=$!
done
for name in fuzz fuzz_ring; do
	status=0
	wait "${pids[$name]}" || status=$?
	[ $status = 0 ] || sed 's/^/# /' "$tmp/$name.log"
	ok "$name: no input breaks it" [ $status = 0 ]
	count=$(awk '/^stat::number_of_executed_units:/ { print $2 }' "$tmp/$name.log")
	ok "$name: ${count:-0} inputs in $seconds s" [ "${count:-0}" -gt 1000 ]
done
done_testing
