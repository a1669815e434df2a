#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# commands.sh: every command that our scripts call comes from a package that harness/setup installs, or
# that no Debian is without (the packages of debootstrap's minbase).  Seconds, where a fresh machine takes
# an hour to find the same.
#
# kernels: release
#
# shellcheck disable=SC2317 # the checks are called through ok

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What setup installs, what a script asks setup for beside that, and what is required anyway, with all
# that these depend on: installed packages, a name a line.
packages() {
	local more
	more=$(harness/setup --list
		git grep -hoE '(harness|here)"?/setup"? [a-z][a-z0-9. +-]*' -- harness kernel/scripts tests demo bench tools .ci |
			sed -E 's/^[^ ]+ //; s/ -.*//; s/\b(build|deb|vm|user|tools)\b//g')
	# shellcheck disable=SC2016 # dpkg's own
	dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Essential}\t${Priority}\t${Provides}\t${Pre-Depends}, ${Depends}\n' |
		awk -F'\t' -v start="apt $more" '
		function need(p) { if (p in real) p = real[p]; if ((p in deps) && !(p in in_set)) { in_set[p] = 1; todo[++n] = p } }
		BEGIN { count = split(start, begin, /[ \n\t]+/) }
		$1 == "installed" {
			deps[$2] = $6
			if ($3 == "yes" || $4 == "required")
				begin[++count] = $2
			k = split($5, given, /, */)
			for (i = 1; i <= k; i++) { sub(/ .*/, "", given[i]); if (given[i] != "") real[given[i]] = $2 }
		}
		END {
			for (p in deps) delete real[p]
			for (i = 1; i <= count; i++) need(begin[i])
			for (i = 1; i <= n; i++) {
				k = split(deps[todo[i]], all, /, */)
				for (j = 1; j <= k; j++) {
					m = split(all[j], or, / *\| */)
					for (l = 1; l <= m; l++) { sub(/[ :(].*/, "", or[l]); need(or[l]) }
				}
			}
			for (p in in_set) print p
		}'
}

# A folder with the commands of the packages on stdin, and nothing else.
path_of() {
	local f link target
	mkdir "$1"
	xargs dpkg-query -L 2> /dev/null | grep -E '^(/usr)?/s?bin/.' | while read -r f; do
		[ ! -x "$f" ] || echo "$(readlink -f "$f") ${f##*/}"
	done | sort -u > "$1.files"
	while read -r target link; do ln -sf "$target" "$1/$link"; done < "$1.files"
	# awk and its like are the administrator's choice among packages.
	for f in /usr/bin/* /usr/sbin/* /bin/*; do
		[[ $(readlink "$f") == /etc/alternatives/* ]] || continue
		target=$(readlink -f "$f")
		grep -qF "$target " "$1.files" && ln -sf "$target" "$1/${f##*/}"
	done
}

# The shell scripts of the project that git has, and the C sources of its tests; not what runs in a Debian of
# its own.
sources() {
	git ls-files -- ':!kernel/files' ':!kernel/patches' ':!debian' ':!tests/install/story' | while read -r f; do
		case $f in
		*.c|*.bash|*.sh) [ ! -f "$f" ] || echo "$f" ;;
		*) [ -x "$f" ] && head -n 1 "$f" | grep -qE '^#!.*\b(ba)?sh\b' && echo "$f" ;;
		esac
	done
}

# The reader itself: what it must find in a made-up script, and what is none.
sample() {
	cat <<-'EOF'
	# comment1 is none
	x=$(find1 | sort1) y="$(in2 "$(in3)")" z=`tick4`; a=(word "$(array5)")
	usage() { cat6 <<-END; }
		text7 is none, but $(here8) is
	END
	own() { case $1 in pattern9) arm10 ;; *) own; ;; esac; }
	trap 'left11 -P $x; kill $x 2> /dev/null' EXIT
	timeout -k 5 30 slow12 --flag | xargs -r -n 1 each13 && ! not14 || { or15; }
	harness/vm --node 1G -- guest16 arg; sh -c 'shell17 | shell18'
	if [ -n "$x" ] && [[ $x == $(test19) ]]; then then20; elif else21; fi 2> /dev/null
	for i in word $(for22); do loop23 "$i"; done
	$variable arg; ./program arg; FOO=bar with24 arg
	(( n = n + 1 )); echo $((n * $(arith25))) <<< "$(here26)"
	cat6 <<-'SCRIPT'
		guest27
	SCRIPT
	coproc NAME { exec co28 arg; }
	unshare --mount --propagation word32 sh -c 'shell33'
	find . -name x -exec exec29 {} \; ; command -v maybe > /dev/null; diff30 <(sub31) x
	EOF
}

[ -n "$(harness/setup --list)" ] || { echo "not ok 1 - harness/setup --list names the packages"; exit 1; }
sample > "$tmp/sample"
chmod +x "$tmp/sample"
want='1 2 3 4 5 6 8 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 33'
tests/lib/commands "$tmp/sample" | cut -f2 | grep -oE '[0-9]+$' | sort -nu | paste -sd' ' > "$tmp/got"
ok "the reader sees commands wherever a script may have them" [ "$(cat "$tmp/got")" = "$want" ]
not_ok "and nothing else" grep -qE 'comment|text|pattern|word|maybe|own|cat$' <(tests/lib/commands "$tmp/sample" | cut -f2)

packages > "$tmp/packages"
path_of "$tmp/bin" < "$tmp/packages"
ok "the packages have an emulator" [ -x "$tmp/bin/qemu-system-x86_64" ]
ok "the packages have an awk" [ -x "$tmp/bin/awk" ]
for none in nonesuch pgrep pkill killall; do
	not_ok "$none is not among them" [ -e "$tmp/bin/$none" ]
done

# dpkg-buildpackage asks for build-essential, whatever debian/control says.
build_depends() {
	echo build-essential
	sed -n '/^Build-Depends:/,/^[A-Z].*:/p' debian/control | sed -nE 's/^ ([^,]+),?$/\1/p' | sed -E 's/ *\([^)]*\)//; s/^debhelper-compat/debhelper/'
}
# lists_all: one of the alternatives in each line is a package that setup lists
lists_all() {
	local line bad=0
	while read -r line; do
		harness/setup --list | grep -qxF -f <(tr '|' '\n' <<< "$line" | tr -d ' ') || { echo "# $line"; bad=1; }
	done < <(build_depends)
	[ "$bad" = 0 ]
}
ok "setup installs what the packages are built with" lists_all
ok "... which is some" [ "$(build_depends | wc -l)" -gt 5 ]

mapfile -t all < <(sources)
ok "there are scripts" [ ${#all[@]} -gt 50 ]
tests/lib/commands "${all[@]}" > "$tmp/called"
ok "and they call commands" [ "$(cut -f2 "$tmp/called" | sort -u | wc -l)" -gt 50 ]
bad=0
while IFS=$'\t' read -r where name; do
	# What is installed only when it is used has the name of its package.
	[ -e "$tmp/bin/$name" ] || git grep -qE "setup\"? ([a-z -]* )?$name( |$)" -- kernel/scripts tests tools && continue
	echo "# $where: $name: comes from no package that harness/setup installs: $(dpkg-query -S "*bin/$name" 2> /dev/null | sed -n 1p)"
	bad=$((bad + 1))
done < "$tmp/called"
ok "each comes from a package that harness/setup installs" [ $bad = 0 ]

# With that PATH alone, what takes no guest and no build.
limited() { env -i HOME="$HOME" PATH="$tmp/bin" PMN_CACHE="${PMN_CACHE:-$HOME/.cache/pmn}" "$@" > "$tmp/log" 2>&1 || { sed 's/^/# /' "$tmp/log"; return 1; }; }
ok "with them alone: tests/run --list" limited tests/run --list
ok "with them alone: harness/vm --dry-run" limited harness/vm --node 1G --node 512M --append private_node=1 --dry-run -- true
ok "with them alone: make help" limited make help
ok "with them alone: the test programs are up to date" limited make -s -C tests
done_testing
