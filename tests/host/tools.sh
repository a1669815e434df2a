#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools.sh: libpmn and pmnctl on files that play a machine with private nodes: under ASan and UBSan, under
# valgrind, with refused writes and files that go away; exit codes, messages, tables, completion, manual
# pages.  Under libFuzzer: fuzz.sh.  On a live kernel: tests/guest/tools.
#
# kernels: release
#
# The checks are called through ok; what eval and other shells get is theirs; words have commas.
# shellcheck disable=SC2317,SC2016,SC2054

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/host/tools/root.bash
. tests/host/tools/root.bash
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Leaks are looked for in unit and cli: that takes as long as all else a command does.
export LC_ALL=C ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1
leaks=ASAN_OPTIONS=detect_leaks=1
out=$top/build/tools
san=$top/build/tools-san
src=tests/host/tools
cli_flags=(-std=gnu11 -g -O1 -Wall -Wextra -Wno-missing-field-initializers
	-I tools/libpmn -I tools/pmnctl)
read -ra libs <<< "$(pkg-config --libs smartcols json-c libdaxctl ncursesw zlib) -lm"

# -- build ----------------------------------------------------------------------------------

# quiet CMD...: its output only when it fails, or says anything like a warning
quiet() {
	"$@" > "$tmp/log" 2>&1 && ! grep -q warning: "$tmp/log" && return
	sed 's/^/# /' "$tmp/log"
	return 1
}

build() { quiet make -s -j2 -C tools O="$out" all extras; }

# UBSan and ASan in one file: what is preloaded comes behind them.
build_san() {
	quiet make -s -j2 -C tools O="$san" STATIC=1 CC=gcc \
		CFLAGS='-O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all' \
		LDFLAGS='-static-libasan -static-libubsan' "$san/pmnctl" "$san/libpmn.a"
}

build_tests() {
	quiet gcc -shared -fPIC -O1 -Wall -Wextra -o "$san/fake.so" "$src"/fake.c &&
		quiet gcc -std=gnu11 -O1 -g1 -Wall -Wextra -Wno-missing-field-initializers -I tests/lib -I tools/libpmn \
			-fsanitize=address,undefined -fno-sanitize-recover=all -static-libasan -static-libubsan \
			-o "$san/unit" "$src"/unit.c "$san/libpmn.a" &&
		quiet gcc -std=gnu11 -O1 -g1 -Wall -Wextra -Wno-missing-field-initializers -I tests/lib -I tools/libpmn \
			-o "$out/unit" "$src"/unit.c "$out/libpmn.a"
}

# main() is renamed, and all of pmnctl is in one program.
build_cli() {
	local objects
	mapfile -t objects < <(find "$san/obj/pmnctl" "$san/obj/completion" -name '*.o' ! -name main.o)
	quiet gcc "${cli_flags[@]}" -O0 -DPMN_VERSION='"test"' -Dmain=pmnctl_main -fsanitize=address,undefined \
		-fno-sanitize-recover=all -c -o "$san/main.o" tools/pmnctl/main.c &&
		quiet gcc "${cli_flags[@]}" -O0 -I tests/lib -fsanitize=address,undefined -fno-sanitize-recover=all \
			-static-libasan -static-libubsan -o "$san/cli" "$src"/cli.c "$san/main.o" \
			"${objects[@]}" "$san/libpmn.a" "${libs[@]}"
}

# -- running ----------------------------------------------------------------------------------

root=$tmp/root
make_root "$tmp/made"
fresh() { known=''; rm -rf "$root"; cp -a "$tmp/made" "$root"; }
# What a refused command must not change; the log is the kernel's.  It is remembered until something else
# may have changed it: see known.
known=''
state() { tar -C "$root" --sort=name --exclude=./dev/kmsg --mtime=@0 -c . | md5sum; }
text_of() { cat "$root/sys/devices/system/node/node$1/private/$2"; }

# ctl ARG...: into $tmp/out and $tmp/err; the status is its own
ctl() { PMN_ROOT=$root LD_PRELOAD=$san/fake.so "$san/pmnctl" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null; }
shown() { sed 's/^/# /' "$tmp/out" "$tmp/err"; return 1; }

# write DIR FILE TEXT: between two commands
write() { known=''; put "$@"; }

# gives STATUS ARG...: that status, and a complaint exactly when it is not 0
gives() { known=''; answers "$@"; }
answers() {
	local want=$1 got
	shift
	ctl "$@"
	got=$?
	[ "$got" = "$want" ] || { echo "# pmnctl $*: status $got"; shown; return 1; }
	if [ "$want" = 0 ]; then [ ! -s "$tmp/err" ] || shown
	else grep -q '^pmnctl: ' "$tmp/err" || shown; fi
}

# refused STATUS TEXT ARG...: that status, TEXT in the complaint, and nothing is changed
refused() {
	local want=$1 text=$2 before=$known
	shift 2
	[ -n "$before" ] || before=$(state)
	answers "$want" "$@" || return 1
	[ -z "$text" ] || grep -qF -- "$text" "$tmp/err" || { echo "# no '$text' in:"; shown; return 1; }
	known=$(state)
	[ "$before" = "$known" ] || { known=''; echo "# something has changed, it is now:"; diff -r --no-dereference -x kmsg "$tmp/made" "$root" | sed 's/^/# /'; return 1; }
}

prints() { grep -qE -- "$1" "$tmp/out" || { echo "# no '$1' in:"; shown; }; }
is_json() { perl -MJSON::PP -0777 -ne 'JSON::PP->new->decode($_)' "$tmp/out" || shown; }

# tap NAME CMD...: the lines of a test of its own, numbered anew
inner() {
	local name=$1 line n=0
	shift
	"$@" > "$tmp/inner" 2> "$tmp/inner.err"
	local status=$?
	while IFS= read -r line; do
		case $line in
		'not ok '*) ok "$name: ${line#not ok * - }" false ;;
		'ok '*) n=$((n + 1)) ;;
		'#'*) echo "$line" ;;
		esac
	done < "$tmp/inner"
	[ $status = 0 ] || sed 's/^/# /' "$tmp/inner.err"
	ok "$name: $n checks, and it ends with status 0" [ "$n,$status" = "$(grep -c . < <(grep -E '^(not )?ok ' "$tmp/inner")),0" ]
	ok "$name: it checks something" [ "$n" -gt 60 ]
}

ok "the tools are built, without a warning" build
ok "and with ASan and UBSan" build_san
ok "and the tests of the library" build_tests
ok "and a program that runs many commands" build_cli
[ $tap_failed = 0 ] || done_testing

# -- the library -------------------------------------------------------------------------------

fresh
inner "library, ASan and UBSan" env $leaks PMN_ROOT="$root" LD_PRELOAD="$san/fake.so" "$san/unit"
fresh
if command -v valgrind > /dev/null; then
	inner "library, valgrind" env PMN_ROOT="$root" LD_PRELOAD="$san/fake.so" \
		valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all "$out/unit"
else
	skip "library, valgrind" "valgrind is not installed"
fi

symbols() { nm -D --defined-only "$out/libpmn.so.0" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort; }
declared() { grep -oE '\bpmn_[a-z_]+\(' tools/libpmn/libpmn.h | tr -d '(' | grep -v foreach | sort -u; }
ok "the library has what its header declares, and no more" diff <(symbols) <(declared)
ok "all of it has a version" [ "$(nm -D --defined-only "$out/libpmn.so.0" | grep -c '@@LIBPMN_1$')" = "$(declared | wc -l)" ]
ok "its header is complete by itself" quiet gcc -fsyntax-only -Wall -Wextra -Wstrict-prototypes -Werror -x c tools/libpmn/libpmn.h

# -- each exit code ------------------------------------------------------------------------------

fresh
ok "status 0: all done" gives 0 allow 1 demotion
ok "... it is" [ "$(text_of 1 enabled)" = "user_numa reclaim demotion" ]
fresh
export PMN_FAKE_REFUSE='on_unplug:22:private_node: node 1: boot: on_unplug unchanged: for a test'
ok "status 1: refused, with the kernel's reason, and what was done is taken back" \
	refused 1 "boot: on_unplug unchanged: for a test" set 1 on_full=oom weight=7 on_unplug=move
unset PMN_FAKE_REFUSE
ok "status 2: usage" refused 2 "there is no such verb" nonesuch
export PMN_FAKE_REFUSE='state:16:private_node: node 2: kmem-dax0.0: cannot unplug: 5 user pages are in use, one by pid 100 (redis); stop it'
ok "status 5: busy, with the holder" refused 5 "one by pid 100 (redis)" remove 2
unset PMN_FAKE_REFUSE
ok "status 4: no such node" refused 4 "node 7: there is no such node; private nodes are 1 2 3" show 7
mv "$root/sys/devices/system/node/has_private_memory" "$tmp/has"
known=''
ok "status 3: the kernel lacks it" refused 3 "CONFIG_PRIVATE_NODE=y" list
for verb in 'show 1' 'allow 1 reclaim' 'deny 1 reclaim' 'set 1 on_full=fail' check 'private 1' 'remove 1' 'grant 1 a' \
	'revoke 1 a' 'run 1 true' 'top --batch -c 1' stat 'cram status' 'cram push a 1M' metrics; do
	# shellcheck disable=SC2086 # words
	ctl $verb
	ok "status 3: $verb" [ $? = 3 ]
done
mv "$root/proc/private_node_refusals" "$tmp/refusals"
known=''
ok "status 3: a kernel that writes no refusals down" refused 3 "it writes no refusals down" why
mv "$tmp/refusals" "$root/proc/private_node_refusals"
mv "$tmp/has" "$root/sys/devices/system/node/has_private_memory"

# -- list, show, stat, metrics ---------------------------------------------------------------------

fresh
cat > "$tmp/want" <<-'END'
	NODE OWNER       SIZE FREE USE% SERVICES          ON_FULL ON_UNPLUG
	   1 boot        512M 128M   75 user_numa reclaim fail    refuse
	   2 kmem-dax0.0 256M 256M    0 user_numa         sigbus  refuse
	   3 cram_sim    256M 256M    0 reclaim demotion  fail    refuse
END
ok "list" gives 0 list
ok "... as it should be" diff "$tmp/want" "$tmp/out"
ok "list: columns, raw, bytes" gives 0 list -rnb -o node,FREE,kind '!2'
ok "... as they should be" [ "$(cat "$tmp/out")" = $'1 134217728 private\n3 268435456 cram' ]
for args in 'list' 'list -b' 'show all' 'stat -a' 'check' 'cram status -b' why; do
	# shellcheck disable=SC2086 # words
	ok "$args: JSON" eval 'ctl $args --json; is_json'
done
ok "list: an unknown column lists those that there are" refused 2 'ADISTANCE' list -o nonesuch
ok "list: a column twice" refused 2 "named twice" list -o node,node
ok "list: +COLS of a usual one" refused 2 "named twice" list -o +node
ok "list: JSON and raw" refused 2 "leave --raw" list -J -r
ok "show" gives 0 show 1
ok "... the owner" prints '^  owner +boot \(private_node='
ok "... use" prints '^  size +512M, 384M used, 128M free'
ok "... who may have it" prints '^  cgroup may not have it: +/a$'
ok "... who has memory there" prints '^    pid 100 \(redis server\), 4M, cgroup /a$'
ok "... the device file" prints 'device file +/dev/private_node/node1, for .*, mode 0600$'
ok "stat leaves out what is 0" gives 0 stat 1
ok "... so it does" [ "$(wc -l < "$tmp/out")" = 3 ]
ok "stat: rates" gives 0 stat 1 -i 0.1 -c 2 -o COUNTER,RATE
ok "... nothing has counted" prints '^fallback +0.0$'
ok "why" gives 0 why
ok "... who could not do what, how often" prints ' node 1 \(boot\): num a ctl \(pid 412, root\) could not name the node in a memory policy, 4 times since '
ok "... why" prints '^  why  the service user_numa is closed on the node$'
ok "... what to do" prints '^  do   `pmnctl allow 1 user_numa` opens it$'
ok "... who is in the way" prints '^  why  pages of programs were on the node; 27 pages; one is of pid 66 \(sleep\)$'
ok "... three of them, the latest last" eval '[ "$(grep -c "^  why" "$tmp/out")" = 3 ] && grep "^  do" "$tmp/out" | tail -n 1 | grep -q "pmnctl remove 2 --move"'
ok "... and which nodes are closed to programs" prints '^node 3: user_numa is closed, .*its owner cram_sim did not declare'
# Seconds since the boot, and the boot of /proc/stat: 22:13:20.
ok "why: the time, which is the same each time" eval 'TZ=UTC0 gives 0 why 1 && prints "^Nov 14 22:14:41  node 1 " && prints " 4 times since Nov 14 22:14:40$"'
ok "why --last: says what is closed, too" eval 'gives 0 why --last && prints "^node 3: user_numa is closed"'
put_reason() { sed -i "1s/ why=[a-z]* / why=$1 /" "$root/proc/private_node_refusals"; known=''; }
put_reason named
ok "why: the cgroup of a process that lives" eval 'gives 0 why 412 && prints "pmnctl grant 1 /a/below\`"'
write "$root/proc/412" stat '412 (num a) ctl) S 1 412 412 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 8100 1 1'
ok "... not that of another one with its number" eval 'gives 0 why 412 && prints "pmnctl grant 1 CGROUP\`"'
write "$root/proc/412" stat '412 (num a) ctl) S 1 412 412 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 7900 1 1'
write "$root/proc/412" cgroup '0::/a/$(reboot)'
ok "... nor a name that a shell would take amiss" eval 'gives 0 why 412 && prints "pmnctl grant 1 CGROUP\`"'
rm -r "$root/proc/412"
ok "... nor of one that has ended" eval 'gives 0 why 412 && prints "pmnctl grant 1 CGROUP\`"'
write "$root/proc/412" cgroup '0::/a/below'
put_reason closed
ok "why: of a node that is closed to programs" eval 'gives 0 why 3 && prints "^node 3: user_numa is closed"'
ok "why: of a node" eval 'gives 0 why 2 && [ "$(wc -l < "$tmp/out")" = 3 ] && prints "node 2 "'
ok "why: of a process" eval 'gives 0 why 413 && [ "$(wc -l < "$tmp/out")" = 3 ] && prints "pid 412"'
ok "why: of a node that is gone, and of its owner" eval 'gives 0 why 7 && prints "node 7 " && gives 0 why gone0 && prints "node 7 "'
ok "why: the latest" eval 'gives 0 why --last && [ "$(grep -vc "^node 3: user_numa is closed" "$tmp/out")" = 3 ] && prints "node 2 "'
ok "why: neither a node nor a process" refused 4 "neither a private node nor a process" why 12345
ok "why: nobody of that name" refused 4 "" why nonesuch
: > "$root/proc/private_node_refusals"
known=''
ok "why: nothing was refused" eval 'gives 0 why && prints "^nothing that you may see was refused"'
# The kernel's words, the sentences of the library, and the ABI text.
of_kernel() { sed -nE "s/^\t\[PRIVATE_NODE_$1_[A-Z_]+\] = \"([a-z_]+)\",\$/\1/p" kernel/files/mm/private_node/refusals.c | sort; }
of_library() { sed -n "/^} $1\[\]/,/^};/p" tools/libpmn/refusal.c | sed -nE 's/^\t\{ "([a-z_]+)",.*/\1/p' | sort; }
of_abi() { grep -oP '^\t\t[a-z_]+(?=\s)' kernel/files/Documentation/ABI/testing/procfs-private-node-refusals | tr -d '\t ' | sort -u; }
ok "each reason of the kernel has a sentence, and no other" diff <(of_kernel WHY) <(of_library whys)
ok "each act of the kernel has words" [ -z "$(comm -23 <(of_kernel ACT) <(of_library acts))" ]
ok "all of them are in the ABI text" [ -z "$(comm -23 <(sort -u <(of_kernel WHY) <(of_kernel ACT)) <(of_abi))" ]
ok "... there are some" [ "$(of_kernel WHY | wc -l)" -gt 20 ]
fresh
ok "top: lines" gives 0 top --batch -c 1
ok "... a node" prints '^node 1, boot: 384M of 512M used, 75%; services: user_numa reclaim'
ok "... a process" prints '^ +4M +process +100  redis server$'
ok "... a cgroup" prints '^ +12K +cgroup +/a$'
printf 'anon N2=8192\n' > "$root/sys/fs/cgroup/a/below/memory.numa_stat"
ok "top: a cgroup in a cgroup" gives 0 top 2 --batch -c 1
ok "... has its own" prints '^ +8K +cgroup +/a/below$'
ok "... and the one above the rest" prints '^ +4K +cgroup +/a$'
# until REGEX: for up to a minute, the output of the command in the background
until_prints() {
	local i
	for ((i = 0; i < 300; i++)); do
		! grep -qE -- "$1" "$tmp/watch" || return 0
		sleep 0.2
	done
	tail -n 12 "$tmp/watch" | sed 's/^/# /'
	return 1
}
PMN_ROOT=$root "$san/pmnctl" top --batch -i 0.2 > "$tmp/watch" 2>&1 &
watch=$!
ok "top: the first picture says nothing of growth" until_prints '^ +8K {9} +cgroup +/a/below$'
printf 'anon N2=20480\n' > "$tmp/stat"
mv "$tmp/stat" "$root/sys/fs/cgroup/a/below/memory.numa_stat"
ok "... a later one does" until_prints '^ +20K +\+12K  cgroup +/a/below$'
printf '7f00 bind:1 anon=1 N1=1 kernelpagesize_kB=2048\n' > "$tmp/maps"
mv "$tmp/maps" "$root/proc/100/numa_maps"
ok "... of a process that shrinks, too" until_prints '^ +2M +-2M +process +100 '
kill "$watch"
wait "$watch" 2> /dev/null
fresh
ok "top: no terminal" refused 2 "use --batch" top
ok "metrics" gives 0 metrics
ok "... a level" prints '^pmn_node_free_bytes\{node="1",owner="boot"\} 134217728$'
ok "... a counter of a service" prints '^pmn_node_requests_total\{node="1",owner="boot",service="user_numa",outcome="used"\} 7$'
ok "... another one" prints '^pmn_node_events_total\{node="1",owner="boot",event="fallback"\} 3$'
ok "... compressed RAM" prints '^pmn_cram_state\{node="3",owner="cram_sim",state="ok"\} 1$'
ok "... the end mark of OpenMetrics" [ "$(tail -n 1 "$tmp/out")" = '# EOF' ]
# Each sample's metric is announced, in the way of its format.
announced() {
	awk -v suffix="$1" '$1 == "#" && $2 == "TYPE" { type[$3 ($4 == "counter" ? suffix : "")] = 1 }
		/^[a-z]/ { sub(/[{ ].*/, "", $0); if (!($0 in type)) { print "# " $0; bad = 1 } else n++ }
		END { exit bad || n < 20 }' "$tmp/out"
}
ok "... each sample is announced" announced _total
ok "metrics: the older format, into a file" gives 0 metrics --format prometheus -o "$tmp/metrics.prom"
cp "$tmp/metrics.prom" "$tmp/out"
ok "... each sample is announced" announced ''
ok "... no file is left beside it" [ "$(echo "$tmp"/metrics.prom*)" = "$tmp/metrics.prom" ]
ok "metrics: a folder that is not there" refused 1 "is the folder there" metrics -o "$tmp/none/x"
ok "metrics: the dashboard is JSON" eval 'cp tools/share/grafana-dashboard.json "$tmp/out"; is_json'
# Every metric of the dashboard is one that is printed.
ctl metrics
dashboard() {
	local m bad=0
	while read -r m; do
		grep -qE "^${m}[{ ]" "$tmp/out" || { echo "# $m"; bad=1; }
	done < <(grep -oE '\bpmn_[a-z_]+' tools/share/grafana-dashboard.json | sort -u)
	[ "$bad" = 0 ]
}
ok "... and has metrics that are printed" dashboard
metrics_of() { grep -oE '\bpmn_[a-z_]+' "$1" | sort -u; }
samples() { grep -oE '^pmn_[a-z_]+' "$tmp/out" | sort -u; }
ok "... and each of those" diff <(samples) <(metrics_of tools/share/grafana-dashboard.json)
ok "man pmnctl-metrics has each metric, and no other" diff <(samples) <(sed -nE 's/^\*(pmn_[a-z_]+)\*$/\1/p' tools/man/pmnctl-metrics.1.scd | sort -u)
ok "each panel says what it shows" perl -MJSON::PP -0777 -e \
	'for (@{JSON::PP->new->decode(<>)->{panels}}) { length($_->{description} // "") > 10 or die "$_->{title}\n" }' tools/share/grafana-dashboard.json

# A name, and what it needs, of the kernel's table and of the library's.
kernel_services() { sed -nE 's/^\t\t"([a-z_]+)", (0|NEEDS\(([A-Z_]+)\)),$/\1 \L\3/p' kernel/files/mm/private_node/services.c; }
library_services() { sed -nE 's/^\t\{ "([a-z_]+)", (NULL|"([a-z_]+)"), ".*/\1 \3/p' tools/libpmn/service.c; }
ok "services are the kernel's" diff <(kernel_services) <(library_services)
ok "... and each has a word of who is hit when it is closed" diff <(kernel_services | cut -d' ' -f1 | sort) \
	<(sed -n '/^} hits/,/^};/p' tools/pmnctl/services.c | sed -nE 's/^\t\{ "([a-z_]+)",.*/\1/p' | sort)
# Counters of the ABI texts, and of man pmnctl-stat.
abi_counters() {
	sed -n '/private\/stat$/,/^What:.*abi_version/p' kernel/files/Documentation/ABI/testing/sysfs-kernel-mm-private-node |
		grep -oP '^\t\t(<user>)?[a-z_]+$' | sed 's/<user>/*/'
	sed -n '/private\/cram\/stat$/,/cram\/ledger$/p' kernel/files/Documentation/ABI/testing/sysfs-kernel-mm-cram |
		grep -oP '^\t\t[a-z_]+(?=\t)' | sed 's/\t*/&cram:/'
}
man_counters() { sed -n '/^# COUNTERS/,/^# OPTIONS/p' tools/man/pmnctl-stat.1.scd | sed -nE 's/^(_USER_)?\*([a-z_:]+)\*$/\t\t\1\2/p' | sed 's/_USER_/*/'; }
ok "man pmnctl-stat has each counter of the kernel" diff <(abi_counters) <(man_counters)
ok "... there are some" [ "$(man_counters | wc -l)" -gt 30 ]

# -- changes ------------------------------------------------------------------------------------------

fresh
ok "allow: not capable" refused 1 "boot declared the node capable of 'user_numa reclaim demotion' only" allow 1 thp
ok "allow: no such service" refused 2 "service 'warp': there is none" allow 1 reclaim warp
ok "allow: what it needs is closed" refused 1 "promotion cannot be opened alone: it needs demotion" allow 2 promotion
ok "allow: all of both nodes or none" refused 1 "node 1: compaction" allow 1-2 compaction
ok "allow: dry run" refused 0 '' allow 1 demotion --dry-run
ok "... says what" prints "^node 1: would write '\+demotion' to /sys/devices/system/node/node1/private/enabled$"
ok "allow" gives 0 allow 2 thp compaction
ok "... in one write" [ "$(text_of 2 enabled)" = "user_numa compaction thp" ]
ok "deny: an open one needs it" refused 1 "compaction cannot be closed: thp is open and needs it; deny both" deny 2 compaction
ok "deny: dry run" refused 0 '' deny 1 user_numa --dry-run
ok "... says who is hit" prints 'has memory there: pid 100 \(redis server\), 4M'
ok "deny" gives 0 deny 1 user_numa
ok "... it is closed" [ "$(text_of 1 enabled)" = reclaim ]
ok "set" gives 0 set 1,2 on_full=fallback:0 on_unplug=move adistance=700
ok "... on both" [ "$(text_of 1 on_full) $(text_of 2 on_unplug) $(text_of 2 adistance)" = "fallback:0 move 700" ]
for bad in on_full=x on_full=fallback: on_unplug= adistance=-1 adistance=1000001 weight=0 weight=256 promotion=x \
	nonesuch=1 on_full =fail writable=1Q; do
	ok "set: $bad" refused 2 "setting" set 1 on_unplug=sigbus "$bad"
done
ok "set: no such node to fall back to" refused 1 "node 1: on_full=fallback:9 cannot be: node 9 has no ordinary memory; the nodes that have are 0" set 1 on_full=fallback:9 --dry-run
ok "set: nor a private one" refused 1 "node 1 has no ordinary memory" set 2 on_full=fallback:0-2 --dry-run
ok "set: fallback to no list" refused 2 "no value of it" set 1 on_full=fallback:0-
ok "set: writable of a node that is not compressed RAM" refused 1 "not compressed RAM" set 1 writable=1M
export PMN_FAKE_REFUSE='node2/private/on_full:22'
ok "set: refused for the second node: the first is put back" refused 1 "node 2: cannot write" set 1-2 on_full=oom
unset PMN_FAKE_REFUSE

fresh
ok "remove: dry run" refused 0 '' remove 2 --move --dry-run
ok "... says what" prints "would write 'unplugged' to /sys/bus/dax/devices/dax0.0/state"
ok "remove" gives 0 remove 2 --move
ok "... it is written" [ "$(cat "$root/sys/bus/dax/devices/dax0.0/state") $(text_of 2 on_unplug)" = "unplugged move" ]
fresh
ok "remove: by the name of its device" gives 0 remove dax0.0
ok "... it is written" [ "$(cat "$root/sys/bus/dax/devices/dax0.0/state") $(text_of 2 on_unplug)" = "unplugged refuse" ]
ok "remove: a device that is no private node" refused 4 "the DAX device dax1.0 is no private node now; \`pmnctl dax dax1.0\` makes it one" remove dax1.0
ok "remove: neither" refused 4 "'dax9' is neither an owner nor a DAX device of a private node" remove dax9
fresh
make_node "$root" 4 kmem-dax1.0 reclaim '' 134217728 134217728
write "$root/sys/devices/system/node" has_private_memory 1-4
ok "list: by a CXL region" eval 'gives 0 list -rn -o NODE region0 && [ "$(cat "$tmp/out")" = 4 ]'
fresh
ok "remove: boot memory, of a kernel that cannot" refused 3 "leave private_node=1 out of the kernel command line" remove 1
write "$root/sys/devices/system/node/node1" private/boot_memory online
ok "remove: boot memory" gives 0 remove 1 --move
ok "... goes offline" [ "$(text_of 1 boot_memory) $(text_of 1 on_unplug)" = "offline move" ]
write "$root/sys/devices/system/node/node1" private/total_bytes 0
write "$root/sys/devices/system/node" has_private_memory 2-3
ok "... and is still listed" eval 'gives 0 list -rn -o NODE,SIZE -b && grep -qx "1 0" "$tmp/out"'
ok "private: brings it back" eval 'gives 0 private 1 && [ "$(text_of 1 boot_memory)" = online ]'
fresh
ok "remove: compressed RAM" refused 3 "its driver takes it away" remove 3
ok "remove: several" refused 2 "one at a time" remove all
fresh
export PMN_FAKE_REFUSE='state:16:dax0.0: hotremove failed' PMN_FAKE_NTH=1
ok "remove --wait: tries again until it is free" gives 0 remove 2 --wait
ok "... says for whom it waits" prints "^node 2: waiting: dax0.0: 'unplugged' was refused by state: hotremove failed"
unset PMN_FAKE_REFUSE PMN_FAKE_NTH

services_of() { PMN_ROOT=$1 "$san/pmnctl" allow --help | sed -n '/^Services:/,/^$/p' | awk 'NF > 1 { print $1 }'; }
# -- devices --------------------------------------------------------------------------------------------

dax() { cat "$root/sys/bus/dax/devices/$1/$2"; }
fresh
write "$root/sys/bus/dax/devices/dax0.0" private 0
write "$root/sys/devices/system/node" has_private_memory 1,3
ok "dax: from ordinary to private" gives 0 dax dax0.0 -s user_numa,reclaim --node spare
ok "... through unplugged" [ "$(dax dax0.0 private) $(dax dax0.0 private_node) $(dax dax0.0 private_services) $(dax dax0.0 state)" = "1 spare user_numa,reclaim online_movable" ]
export PMN_FAKE_REFUSE='dax0.0/state:28:private_node: no spare node id' PMN_FAKE_NTH=2
ok "dax: refused in the end: all is put back" refused 1 "no spare node id" dax dax0.0 --node target -s none
unset PMN_FAKE_REFUSE PMN_FAKE_NTH
ok "dax: no such device" refused 4 "dax9.0: there is no such DAX device" dax dax9.0
ok "dax: the kernel has no choice" refused 3 "CONFIG_DEV_DAX_PRIVATE" dax dax2.0
ok "dax: a service that lacks another" refused 2 "demotion needs reclaim" dax dax0.0 -s demotion
ok "dax: no such place" refused 2 "none of auto, target, spare" dax dax0.0 --node 3
ok "dax: ordinary has no services" refused 2 "ordinary memory" dax dax0.0 --ordinary -s all
write "$root" etc/pmn.d/dax0.0.conf '[dax dax0.0]'
ok "dax --persist: a file that is not ours is left, and nothing is done" refused 1 "was not written by pmnctl" dax dax0.0 --persist -s none
rm "$root/etc/pmn.d/dax0.0.conf"
mkdir "$root/etc/pmn.d/dax0.0.conf"
known=''
ok "dax --persist: what cannot be read is told so, with the reason" refused 1 "dax0.0.conf: cannot be read: Is a directory" dax dax0.0 --persist -s none
rmdir "$root/etc/pmn.d/dax0.0.conf"
ln -s dax0.0.conf "$root/etc/pmn.d/dax0.0.conf"
known=''
ok "... also what cannot be opened" refused 1 "dax0.0.conf: cannot be read: Too many levels of symbolic links" dax dax0.0 --persist -s none
rm "$root/etc/pmn.d/dax0.0.conf"
: > "$root/etc/pmn.d/dax0.0.conf"
known=''
ok "... an empty one is somebody's" refused 1 "was not written by pmnctl" dax dax0.0 --persist -s none
rm "$root/etc/pmn.d/dax0.0.conf"
known=''
ok "dax --persist" gives 0 dax dax0.0 --persist -s user_numa --node auto
ok "... a file that apply takes" gives 0 apply --dry-run
ok "... over its own again" gives 0 dax dax0.0 --persist -s none
ok "... with what was said" grep -qx 'services = none' "$root/etc/pmn.d/dax0.0.conf"
ok "dax --ordinary --persist" gives 0 dax dax0.0 --persist --ordinary
ok "... the file is gone" [ ! -e "$root/etc/pmn.d/dax0.0.conf" ]
fresh
ok "dax: private already: its services alone change" gives 0 dax dax0.0 -s reclaim,demotion
ok "... exactly these" [ "$(text_of 2 enabled)" = "reclaim demotion" ]
ok "... nothing is unplugged" [ "$(dax dax0.0 private_services)" = '' ]
ok "remove, dax: what the file says holds again" eval 'write "$root" etc/pmn.d/a.conf "[dax dax0.0]
services = user_numa
on_full = fallback:0
grant = a"; gives 0 apply && gives 0 remove 2'
put "$root/sys/devices/system/node/node2" private/on_full fail
put "$root/sys/devices/system/node/node2" private/enabled ''
put "$root/sys/fs/cgroup/a" cpuset.mems 0
known=''
ok "... which dax applies" gives 0 dax dax0.0
ok "... settings, services and grants" [ "$(text_of 2 on_full),$(text_of 2 enabled),$(cat "$root/sys/fs/cgroup/a/cpuset.mems")" = "fallback:0,user_numa,0,2" ]
ok "... services of the command line count" eval 'gives 0 dax dax0.0 -s reclaim && [ "$(text_of 2 enabled)" = reclaim ]'
write "$root" etc/pmn.d/a.conf '[dax dax0.0]
on_full = fallback:7'
ok "... what cannot be is told, with its line" refused 1 "/etc/pmn.d/a.conf:1: [dax dax0.0] is not done" dax dax0.0
rm "$root/etc/pmn.d/a.conf"
fresh
ok "cxl: dry run" refused 0 '' cxl region0 --dry-run -s all
ok "... the region's device" prints "^dax1.0: would write '1' to"
ok "cxl: no such region" refused 4 "region7: no CXL region" cxl region7
ok "cxl: kmem is needed, and what was chosen is put back" refused 1 "kmem has to take it" cxl region0 -s all
ok "private: a node without memory" refused 1 "it has no memory at boot" private 4
write "$root/sys/devices/system/node" has_memory 0,4
ok "private: boot memory of a node with memory" refused 3 "add private_node=4 to" private 4
ok "... with services" refused 3 "add private_node=4:user_numa to the kernel command line" private 4 -s user_numa
ok "private: a node with processors" refused 1 "it has processors" private 0
ok "private --persist: without grub" refused 1 "another boot loader" private 4 --persist
ok "... says what to add" grep -qx 'private_node=4' "$tmp/out"
ok "... and where" grep -q '/etc/kernel/cmdline.*U_BOOT_PARAMETERS.*efibootmgr' "$tmp/err"
write "$root" etc/default/grub ''
ok "private --persist" gives 0 private 4 -s reclaim,demotion --persist
ok "... for grub" grep -qx 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX private_node=4:reclaim,demotion"' "$root/etc/default/grub.d/pmn-node4.cfg"

ok "private --persist: all services" gives 0 private 4 -s all --persist
ok "... by their names" grep -q "private_node=4:$(services_of "$root" | paste -sd,)\"" "$root/etc/default/grub.d/pmn-node4.cfg"
ok "private --persist: none" gives 0 private 4 -s none --persist
ok "... closed" grep -q ' private_node=4"' "$root/etc/default/grub.d/pmn-node4.cfg"
ok "private --ordinary --persist" gives 0 private 4 --ordinary --persist
ok "... the file is gone" [ ! -e "$root/etc/default/grub.d/pmn-node4.cfg" ]
ok "private --ordinary: it is" gives 0 private 4 --ordinary
ok "private: boot memory that is private already" gives 0 private 1 -s reclaim,demotion --persist
ok "... now" [ "$(text_of 1 enabled)" = "reclaim demotion" ]
ok "... and at the next boot" grep -q ' private_node=1:reclaim,demotion"' "$root/etc/default/grub.d/pmn-node1.cfg"
ok "private --ordinary: boot memory" refused 3 "leave private_node=1 out of the kernel command line" private 1 --ordinary
ok "private --ordinary: has no services" refused 2 "it has no services" private 1 --ordinary -s all
write "$root" etc/default/grub.d/pmn-node1.cfg 'GRUB_CMDLINE_LINUX=x'
ok "private --ordinary --persist: a file that is not ours is left" refused 1 "was not written by pmnctl" private 1 --ordinary --persist
ok "private: a node of another driver" refused 3 "its owner cram_sim is a driver of its own" private 3 --persist
ok "private: its services" gives 0 private 3 -s none
ok "... are closed" [ "$(text_of 3 enabled)" = '' ]
ok "private: the node of a device" gives 0 private 2 -s reclaim
ok "... its services alone change" [ "$(text_of 2 enabled) $(dax dax0.0 state)" = "reclaim online_movable" ]

# -- check --------------------------------------------------------------------------------------------------

good=(private_node=4 private_node=4:reclaim private_node=4:demotion,reclaim private_node=4:capable=reclaim+demotion,reclaim
	private_node_spare=2 dax.private=1 dax.private_node=spare dax.private_services=user_numa,reclaim dax.private_services=all zswap.node=1 zswap.node=-1)
bad=(private_node= private_node=x private_node=4: private_node=4:warp private_node=4:demotion private_node=4:reclaim,
	private_node=4:,reclaim 'private_node=4:reclaim demotion' private_node=4:all private_node=0 private_node=9 private_node=9999 nonesuch=1
	private_node=4:capable=reclaim,user_numa private_node_spare=x private_node_spare=1024 dax.private=2 dax.private_node=4
	dax.private_services=demotion zswap.node=all)
for o in "${good[@]}"; do
	ok "check $o" gives 0 check "$o"
done
for o in "${bad[@]}"; do
	ctl check "$o"
	ok "check '$o': fails" [ $? = 1 ]
	ok "... and says so" prints '^fail '
done
ok "check: what is none of ours is said to be none" eval '! ctl check quiet && prints "^fail +option +quiet: this is no option of ours"'
ok "check: options of one node are united: a service needs what another one opens" gives 0 check private_node=4:demotion private_node=4:reclaim
ctl check private_node=4:capable=reclaim private_node=4:user_numa
ok "... and capable= of one leaves out what another one opens" [ "$(grep -c '^fail .*capable= leaves out user_numa' "$tmp/out")" = 2 ]
ok "... of another node it does not" eval 'write "$root/sys/devices/system/node" has_memory 0,4-5; write "$root/sys/devices/system/node" possible 0-5; gives 0 check private_node=4:capable=reclaim private_node=5:user_numa'
# The table of options, and what a kernel is built with.
of_check() { sed -n '/config_groups\[\]/,/^};/p' tools/pmnctl/check.c | grep -oE '\b[A-Z0-9_]+=[ym]\b' | sort; }
of_needs() { sed -nE 's/^CONFIG_(.*)$/\1/p' kernel/deb/needs.config | sort; }
ok "check: has each option of kernel/deb/needs.config, and no other" diff <(of_needs) <(of_check)
# with OPTION...: a kernel that has all of them but these
config_without() {
	local f
	f=$root/boot/config-$(uname -r)
	mkdir -p "$root/boot"
	grep -vxF -f <(printf 'CONFIG_%s\n' none "$@") kernel/deb/needs.config > "$f"
	known=''
	ctl check
}
config_without
ok "check: a kernel that has all" prints '^ok +config '
config_without MEMCG=y CXL_PORT=m
ok "... two are missing" [ "$(grep -c '^warn  *config ' "$tmp/out")" = 2 ]
ok "... which, and what for" eval 'prints "use is not known by cgroup .*CONFIG_MEMCG=y" && prints "CXL memory is no DAX device .*CONFIG_CXL_PORT=m"'
rm -r "${root:?}/boot"
write "$root" proc/cmdline 'quiet private_node=1:promotion private_node=1:demotion,reclaim dax.private_services=demotion'
ctl check
ok "check: the boot line is united, too" [ "$(grep -c '^ok .*node 1 is private' "$tmp/out")" = 2 ]
ok "... and other options of it" prints "^fail +boot line +dax.private_services=demotion: 'demotion' is no value"
ok "... what is none of ours is left out" eval '! prints quiet > /dev/null'
write "$root" proc/cmdline 'root=/dev/sda private_node=1:user_numa,reclaim quiet'
ctl check
ok "check: the boot line" prints '^ok +boot line +private_node=1:user_numa,reclaim: node 1 is private'
ok "check: swap" prints '^warn +swap '
write "$root" proc/cmdline 'private_node=2:warp'
ctl check
ok "check: a misspelt boot line fails" [ $? = 1 ]
write "$root" proc/sys/vm/overcommit_memory 2
write "$root" sys/devices/system/memory/auto_online_blocks online
ctl check
ok "check: overcommit" prints '^warn +overcommit +mode 2'
ok "check: auto-online" prints "^warn +auto-online +'online'"

# -- cgroups ---------------------------------------------------------------------------------------------------

mems() { cat "$root/sys/fs/cgroup/$1/cpuset.mems"; }
fresh
ok "grant" gives 0 grant 1 a
ok "... beside what it had" [ "$(mems a)" = 0-2 ]
ok "grant --only" gives 0 grant 1 a --only
ok "... the others need not change" [ "$(mems b.slice)" = 9 ]
ok "... the node is for who names it" [ "$(text_of 1 access)" = named ]
ok "show: who has it" eval 'gives 0 show 1 && prints "cgroup may have it: +/a$"'
ok "grant: below it, each names it" eval 'gives 0 grant 1 a/below && [ "$(mems a/below)" = 0-2 ]'
ok "revoke" gives 0 revoke 1 a
ok "... says who is hit" prints 'pid 100 \(redis server\) has 4M there'
ok "... without it" [ "$(mems a)" = 0,2 ]
ok "grant: no such cgroup" refused 4 "there is no such cgroup" grant 1 nonesuch.service
ok "grant: the root" refused 2 "the root cgroup has every node" grant 1 /
ok "grant: several nodes" refused 2 "these are 3; give one" grant all a
fresh
write "$root/sys/fs/cgroup" cgroup.subtree_control memory
rm "$root/sys/fs/cgroup/b.slice/cpuset.mems"
known=''
rm "$root/sys/devices/system/node/node1/private/access"
known=''
ok "grant --only: a kernel without it" refused 3 "private/access is missing" grant 1 a --only
write "$root" sys/devices/system/node/node1/private/access any
ok "grant: dry run enables the controller first" refused 0 '' grant 1 a/below --only --dry-run
ok "... the root hands it down" prints "^/: would write '\+cpuset' to /sys/fs/cgroup/cgroup.subtree_control$"
fresh
mkdir -p "$root/run/systemd/system" "$tmp/bin"
cat > "$tmp/bin/systemctl" <<-'END'
	#!/bin/sh
	# show --property=... -- UNIT
	if [ "$1" = show ]; then
		[ "$4" = stopped.service ] || { echo LoadState=not-found; exit; }
		printf 'LoadState=loaded\nSlice=b.slice\nAllowedMemoryNodes=%s\n' "$(cat "$PMN_ROOT/allowed")"
		exit
	fi
	# Past fake.so, with which each write is the file.
	echo "$@" | LD_PRELOAD='' tee -a "$PMN_ROOT/systemctl" > /dev/null
	[ ! -e "$PMN_ROOT/refuse" ]
END
chmod +x "$tmp/bin/systemctl"
PATH=$tmp/bin:$PATH
ok "systemd: its units are its own" gives 0 revoke 1 b.slice
ok "... asked for" [ "$(cat "$root/systemctl")" = "set-property b.slice AllowedMemoryNodes=0,2-3" ]
: > "$root/refuse"
: > "$root/systemctl"
ctl revoke 1 b.slice --runtime
ok "systemd refuses: status 1" [ $? = 1 ]
ok "... for this boot alone" [ "$(cat "$root/systemctl")" = "set-property b.slice AllowedMemoryNodes=0,2-3 --runtime" ]

# A unit that does not run: /etc/pmn.d is applied before the most are started.
fresh
mkdir -p "$root/run/systemd/system"
asked() { [ "$(cat "$root/systemctl")" = "$1" ] || { sed 's/^/# /' "$root/systemctl"; return 1; }; }
of_unit() { printf '%s\n' "$1" > "$root/allowed"; : > "$root/systemctl"; known=''; }
of_unit ''
ok "grant: a unit that is stopped, and has all of its slice" gives 0 grant 1 stopped.service
ok "... nothing is asked for" asked ''
of_unit '0 2'
ok "grant: a unit that is stopped, and has other nodes" gives 0 grant 1 stopped.service
ok "... beside those" asked 'set-property stopped.service AllowedMemoryNodes=0-2'
of_unit '0 2'
ok "grant: dry run" refused 0 '' grant 1 stopped.service --dry-run
ok "... says what" prints '^stopped.service: would be given AllowedMemoryNodes=0-2 by systemctl set-property$'
of_unit '0-1'
ok "revoke: a unit that is stopped" gives 0 revoke 1 stopped.service
ok "... without it" asked 'set-property stopped.service AllowedMemoryNodes=0'
of_unit '0'
ok "revoke: it has it not" gives 0 revoke 1 stopped.service
ok "... nothing is asked for" asked ''
of_unit '1'
ok "revoke: it has nothing else" refused 1 "cannot be left with none" revoke 1 stopped.service
ok "grant: no such unit" refused 4 "neither such a cgroup nor such a unit" grant 1 nonesuch.service
of_unit '0 2'
printf '[node 1]\ngrant = stopped.service\n' > "$tmp/conf"
ok "apply: a grant for a unit that is started later" gives 0 apply -f "$tmp/conf"
ok "... until the next boot, which applies it again" asked 'set-property stopped.service AllowedMemoryNodes=0-2 --runtime'
of_unit ''
ok "grant --only: a unit that is stopped" gives 0 grant 1 stopped.service --only
ok "... its slice names the node, and so does it" asked $'set-property b.slice AllowedMemoryNodes=0-3\nset-property stopped.service AllowedMemoryNodes=0-3'
ok "... the node is for who names it" [ "$(text_of 1 access)" = named ]

# -- compressed RAM -----------------------------------------------------------------------------------------------

fresh
ok "cram status" gives 0 cram status
ok "... what to do" prints '^ +3 ok +1M +1M +1M +1.99 +-4K full for what may not compress'
ok "cram status of another node" refused 4 "it is not compressed RAM" cram status 1
ok "cram limit" gives 0 cram limit a 64M
ok "... is written" [ "$(cat "$root/sys/fs/cgroup/a/memory.cram.max")" = 64M ]
ok "cram limit: no size" refused 2 "size '64X'" cram limit a 64X
ok "cram limit: no such cgroup" refused 4 "there is no such cgroup" cram limit nonesuch 1M
ok "cram limit: the root" refused 4 "it is the root" cram limit / 1M
ok "cram push: the cgroup may not have the node" refused 1 'its cpuset.mems, or one above, has no node of compressed RAM' cram push a 1M
write "$root/sys/fs/cgroup/a" cpuset.mems 0,2-3
ok "cram push: nothing moves: status 1" gives 1 cram push a 1M
ok "... says how much went" prints '^/a: 0B of 1M went to compressed RAM$'
ok "... and why not more" grep -q 'no device has credit left' "$tmp/err"
ok "cram push: dry run" refused 0 '' cram push a 1M --dry-run
ok "cram writable" gives 0 cram writable 3 1M
ok "cram writable: no size" refused 2 "size '1.5M'" cram writable 3 1.5M
ok "cram reset: not broken" refused 1 "only one that is broken can be reset" cram reset 3
write "$root/sys/devices/system/node/node3/private/cram" state broken
ok "cram reset" gives 0 cram reset 3
ok "... is written" [ "$(text_of 3 cram/state)" = ok ]
ok "cram: a word is missing" refused 2 "give one of status, push, limit, writable, reset" cram

# -- /etc/pmn.d ----------------------------------------------------------------------------------------------------

fresh
ok "apply: nothing to do" refused 0 '' apply
known=''
cat > "$root/etc/pmn.d/10-node.conf" <<-'END'
	# a comment
	[node 1]
	owner = boot
	services = reclaim, demotion
	on_full = fallback:0
	[dax dax0.0]
	services = user_numa reclaim
	on_unplug = move
	grant = a
	[cram]
	file = yes
END
ok "apply: dry run" refused 0 '' apply --dry-run
ok "apply" gives 0 apply
ok "... services, exactly" [ "$(text_of 1 enabled),$(text_of 2 enabled)" = "reclaim demotion,user_numa reclaim" ]
ok "... settings" [ "$(text_of 1 on_full),$(text_of 2 on_unplug)" = "fallback:0,move" ]
ok "... compressed RAM" [ "$(cat "$root/sys/kernel/mm/cram/file")" = 1 ]
ok "... a grant" [ "$(mems a)" = 0,2 ]
ok "apply: again" refused 0 '' apply
ok "apply --device: what is said about it" gives 0 apply --device dax0.0 --dry-run
ok "... and nothing else" [ "$(grep -c 'node 1' "$tmp/out")" = 0 ]
printf '[node 1]\nweight = 5\n[dax dax7.0]\n[node 2]\nowner = nobody\n' > "$tmp/conf"
ok "apply: a section that fails is told with its line" refused 1 "$tmp/conf:4: [node 2] is not done" apply -f "$tmp/conf" --dry-run
printf '[dax dax7.0]\n' > "$tmp/conf"
ok "apply: a device that is not there" refused 4 "$tmp/conf:1: [dax dax7.0] is not done" apply -f "$tmp/conf"
ok "apply --boot: is no failure then" refused 0 '' apply --boot -f "$tmp/conf"
ok "... and told" prints '^dax7\.0: there is no such device yet; when it comes, udev has this done$'
printf '[dax dax7.0]\n[node 4]\nservices = none\n' > "$tmp/conf"
ok "... a node that is not private is one" refused 4 "$tmp/conf:2: [node 4] is not done" apply --boot -f "$tmp/conf"
# What the unit runs, and what it takes for success: 0 alone.
ok "pmn-apply.service fails when its command does" [ "$(grep -cE '^(SuccessExitStatus|ExecStart=-)' tools/systemd/pmn-apply*.service | awk -F: '{ n += $2 } END { print n + 0 }')" = 0 ]
ok "... and runs apply --boot" grep -qx 'ExecStart=/usr/bin/pmnctl apply --boot' tools/systemd/pmn-apply.service
known=''
cat > "$root/etc/pmn.d/20-wrong.conf" <<-'END'
	[node 1]
	[node 2]
	services = demotion
	on_full = later
	colour = blue
	on_unplug = move
	on_unplug = sigbus
	[dax ../x]
END
ok "apply: mistakes: nothing is changed" refused 2 "6 mistakes: nothing was changed" apply
mistake() { ok "... line $1: $2" grep -qF -- "pmnctl: /etc/pmn.d/20-wrong.conf:$1: $2" "$tmp/err"; }
mistake 1 "[node 1] is in /etc/pmn.d/10-node.conf:2 already"
mistake 3 "'demotion' is no value of services"
mistake 4 "'later' is no value of on_full; give fail, sigbus, oom, or fallback:NODES"
mistake 5 "[node] has no key 'colour'"
mistake 7 "on_unplug is in line 6 already"
mistake 8 "[dax ../x]: a section is"
rm "$root/etc/pmn.d/"*
# Its devices and units may not be there; it has no mistake.
ctl apply --file tools/share/example.conf --dry-run
ok "the example has no mistake" [ $? != 2 ]

# -- dry runs ----------------------------------------------------------------------------------------------------

# Each verb that changes something has --dry-run, says what it would do, and does nothing.
first_words() { "$out/pmnctl" --help | sed -nE 's/^  ([a-z]+)( .*|$)/\1/p' | sort -u; }
all_verbs() { "$out/pmnctl" --help | sed -nE 's/^  (cram )?([a-z]+)( .*|$)/\1\2/p'; }
changing() { all_verbs | grep -vxF -f <(printf '%s\n' list show check top stat why metrics completion 'cram status'); }
fresh
write "$root" etc/default/grub ''
write "$root/sys/devices/system/node" has_memory 0,4
write "$root/sys/fs/cgroup/a" cpuset.mems 0,2-3
cp -a "$root" "$tmp/dry"
printf '[node 1]\nweight = 5\n[cram]\npageout = no\n' > "$tmp/dry.conf"
while read -r line; do
	case $line in
	'cram reset'*) for dir in "$root" "$tmp/dry"; do write "$dir/sys/devices/system/node/node3/private/cram" state broken; done ;;
	esac
	# shellcheck disable=SC2086 # words
	ok "dry run: $line" refused 0 '' ${line//CONF/$tmp\/dry.conf}
	ok "... says what it would do" prints '\bwould (write|be|ask|run|remove)\b'
	changing | grep -xF -e "${line%% *}" -e "$(cut -d' ' -f1,2 <<< "$line")" >> "$tmp/dried"
done <<-'END'
	allow 1 demotion --dry-run
	deny 1 user_numa --dry-run
	set 1 weight=9 --dry-run
	private 4 -s reclaim --persist --dry-run
	private 1 -s demotion,reclaim --persist --dry-run
	dax dax0.0 --node spare --persist --dry-run
	dax dax0.0 --ordinary --persist --dry-run
	cxl region0 --dry-run
	remove dax0.0 --move --wait --dry-run
	grant 1 a --only --dry-run
	revoke 2 a --dry-run
	run 1 --full fallback --dry-run -- touch CONF
	cram push a 1M --dry-run
	cram limit a 1M --dry-run
	cram writable 3 1M --dry-run
	cram reset 3 --dry-run
	apply --file CONF --dry-run
END
ok "... and these are all that change something" diff <(changing | sort) <(sort -u "$tmp/dried")
ok "... nothing has changed" diff -r --no-dereference "$tmp/dry" "$root"

# -- whatever is typed ---------------------------------------------------------------------------------------------

fresh
mkdir "$tmp/empty"
inner "commands, ASan, UBSan and leaks" env -C "$tmp/empty" "$leaks" PMN_ROOT="$root" LD_PRELOAD="$san/fake.so" "$san/cli"
ok "nonsense has changed nothing" diff -r --no-dereference -x kmsg "$root.before" "$root"
ok "... and made no file" [ -z "$(ls -A "$tmp/empty")" ]

# -- one number ----------------------------------------------------------------------------------------------------

# debian/changelog has it; what else names a version follows.
version=$(sed -nE '1s/.*\((.*)\).*/\1/p' debian/changelog)
ok "the version is one of three numbers" eval '[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]'
ok "... pmnctl has it" [ "$("$out/pmnctl" --version)" = "pmnctl $version" ]
ok "... pkg-config's file too" grep -qx "Version: $version" "$out/libpmn.pc"
ok "... it is of the release that NEWS.md is at" [ "$(sed -nE 's/^## ([0-9]+\.[0-9]+) .*/\1/p' NEWS.md | sed -n 1p)" = "${version%.*}" ]

# -- manual pages and completion -------------------------------------------------------------------------------------

options() { "$out/pmnctl" "$@" --help | grep -oE -- '--[a-z-]+' | sort -u; }
# What a page has beside those is of another program.
in_page() { grep -oE '\*--[a-z-]+\*' "tools/man/pmnctl-$1.1.scd" | tr -d '*' | grep -vxE -- '--membind' | sort -u; }
options_of() {
	local second
	if "$out/pmnctl" "$1" --help > /dev/null 2>&1; then options "$1"; return; fi
	for second in status push limit writable reset; do options "$1" "$second"; done | sort -u
}
for verb in $(first_words); do
	ok "man pmnctl-$verb has the options of the verb" diff <(options_of "$verb") <(in_page "$verb")
	ok "man pmnctl names pmnctl-$verb" grep -q "pmnctl-$verb\*(1)" tools/man/pmnctl.1.scd
done
ok "there are verbs" [ "$(first_words | wc -l)" -gt 15 ]

# What bash calls, by a name that is not there before.
completer=_pmnctl
# shellcheck source=/dev/null
complete_bash() (
	. "$out/completion/pmnctl"
	# shellcheck disable=SC2034 # the function reads them
	COMP_LINE=$1 COMP_POINT=${#1}
	"$completer"
	echo "${COMPREPLY[*]}"
)
complete_zsh() {
	# shellcheck disable=SC2016 # zsh's
	zsh -f -c 'compdef() { :; }; compadd() { print -r -- "${choice[*]}"; }; . $1; words=(${=2} ""); CURRENT=${#words}; $3' - \
		"$out/completion/_pmnctl" "$1" "$completer"
}
ok "the completion of bash passes shellcheck" quiet shellcheck -s bash "$out/completion/pmnctl"
# The table: what is typed, and a word that has to be offered.
while IFS='|' read -r typed offered; do
	ok "bash completes '$typed'" grep -qwF -- "$offered" <(complete_bash "$typed")
	if command -v zsh > /dev/null; then
		ok "zsh completes '$typed'" grep -qwF -- "$offered" <(complete_zsh "$typed")
	fi
done <<-'END'
	pmnctl |grant
	pmnctl cram |push
	pmnctl allow 1 |demotion
	pmnctl allow 1 reclaim |promotion
	pmnctl set 1 |on_unplug=move
	pmnctl dax dax0.0 --node |spare
	pmnctl --services all private |all
	pmnctl run 1 --full |fallback
	pmnctl metrics --format |openmetrics
END
ok "bash completes a value" [ "$(complete_bash 'pmnctl set 1 on_unplug=m')" = move ]
for verb in $(first_words); do
	[ "$verb" != cram ] || continue
	ok "bash completes the options of $verb" diff <(complete_bash "pmnctl $verb --" | tr ' ' '\n' | sort -u) <(options "$verb")
done
done_testing
