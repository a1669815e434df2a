# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# stage.sh: the history that is mailed.  tree sources it; its variables are tree's.
#
# kernel/patches/manifest says which patch brings which of our files.  Here each patch's commit gets
# them, so that a reviewer meets a file with its first user.  What is there at a commit decides
# what a Makefile or a Kconfig of ours says there: objects without a source are cut out of the
# first, options whose patch has not come out of the second.  kernel/patches/later.c has stubs
# for functions that later files or patches bring; each stub goes when that comes, and the last
# patch leaves no file later.c.
#
# 9-local is not posted.

readonly LATER=mm/private_node/later.c

# Reads the manifest: "PATCH<tab>PATH" for all our files into $tmp/brings, and for
# options "PATCH<tab>FILE#OPTION" into $tmp/options.  The last line that fits a file counts.
read_manifest() {
	local manifest=$1/patches/manifest patch pattern f bad
	[ -f "$manifest" ] || die "patches/manifest: missing, so it is not known which patch brings which file"
	cut -f2 "$tmp/own" > "$tmp/paths"
	: > "$tmp/brings.all"
	: > "$tmp/options"
	while read -r patch pattern; do
		[[ -n $patch && $patch != \#* ]] || continue
		grep -qxF -- "$patch" "$tmp/names" || die "patches/manifest: $patch: there is no such patch"
		if [[ $pattern == *\#* ]]; then
			grep -qxF -- "${pattern%#*}" "$tmp/paths" || die "patches/manifest: $pattern: no such file"
			printf '%s\t%s\n' "$patch" "$pattern" >> "$tmp/options"
			continue
		fi
		bad=1
		while read -r f; do
			# shellcheck disable=SC2053 # a pattern
			[[ $f == $pattern || $f == $pattern/* ]] || continue
			printf '%s\t%s\n' "$patch" "$f" >> "$tmp/brings.all"
			bad=0
		done < "$tmp/paths"
		[ $bad = 0 ] || die "patches/manifest: $pattern: no file of kernel/files fits"
	done < "$manifest"
	awk -F'\t' '{ by[$2] = $1 } END { for (f in by) print by[f] "\t" f }' "$tmp/brings.all" | sort > "$tmp/brings"
	bad=$(cut -f2 "$tmp/brings" | sort | comm -13 - <(sort "$tmp/paths") | sed -n 1p)
	[ -z "$bad" ] || die "kernel/files/$bad: not in patches/manifest; say which patch brings it"
}

# The stubs in file $1 of what is not there with patch $2, in $tmp/here; nothing when all is.
cut_later() {
	awk -v name="$2" 'NR == FNR { here[$0] = 1; next }
		sub(/^\/\/@ /, "") {
			marked = 1
			keep = !($0 in here) && ($0 !~ /^[0-9]/ || $0 > name)
			if (keep)
				any = 1
			next
		}
		!marked || keep { text = text $0 "\n" }
		END { if (any) printf "%s", text }' "$tmp/here" "$1"
}

# A Makefile of ours, in folder $1, without objects and folders that are not there.
cut_makefile() {
	awk -v dir="$1" 'NR == FNR { here[$0] = 1; sub(/\/[^\/]*$/, ""); folder[$0] = 1; next }
		!/^obj-.*\+=/ { print; next }
		{
			line = $0
			sub(/\+=.*/, "+=", line)
			n = split(substr($0, length(line) + 1), word, " ")
			all = ""
			for (i = 1; i <= n; i++) {
				stem = dir "/" word[i]
				if (sub(/\.o$/, "", stem))
					there = ((stem ".c") in here) || ((stem ".S") in here)
				else {
					sub(/\/$/, "", stem)
					there = stem in folder
				}
				if (there)
					all = all " " word[i]
			}
			if (all != "")
				print line all
		}' "$tmp/here" - || return
	[ "$1/later.c" != "$LATER" ] || ! grep -qxF "$LATER" "$tmp/here" || echo 'obj-y += later.o'
}

# A Kconfig without the options in $tmp/absent.
cut_kconfig() {
	awk -v list="$tmp/absent" 'BEGIN { while ((getline name < list) > 0) absent[name] = 1 }
		/^[a-z]/ { drop = ($1 == "config" || $1 == "menuconfig") && ($2 in absent) }
		!drop'
}

# What of our own files is there with patch $1, as update-index reads it, into $tmp/now.
own_at() {
	local mode blob path old later
	awk -F'\t' -v name="$1" '$1 <= name { print $2 }' "$tmp/brings" | sort > "$tmp/here"
	later=''
	# Before the registry's file there is no option, and nobody needs a stub.
	if [ -f "$2/patches/later.c" ] && grep -qxF mm/private_node/core.c "$tmp/here"; then
		later=$(cut_later "$2/patches/later.c" "$1")
		[ -z "$later" ] || echo "$LATER" >> "$tmp/here"
	fi
	awk 'NR == FNR { here[$0] = 1; next } { path = $0; sub(/^[^\t]*\t/, "", path) } path in here' \
		"$tmp/here" "$tmp/own" > "$tmp/now"
	# Of a pinned folder only what the manifest knows is cut.
	while IFS=$'\t' read -r old path; do
		case $path in
		*/Makefile) side cat-file blob "$(cut -d' ' -f2 <<< "$old")" | cut_makefile "${path%/*}" ;;
		*/Kconfig)
			awk -F'\t' -v name="$1" -v file="$path" '$1 > name && index($2, file "#") == 1 {
				sub(/.*#/, "", $2); print $2 }' "$tmp/options" > "$tmp/absent"
			side cat-file blob "$(cut -d' ' -f2 <<< "$old")" | cut_kconfig ;;
		esac > "$tmp/blob"
		mode=${old%% *} blob=$(side hash-object -w "$tmp/blob")
		printf '%s %s 0\t%s\n' "$mode" "$blob" "$path"
	done < <(grep -E '/(Makefile|Kconfig)$' "$tmp/now" | grep -v '	tools/') > "$tmp/cut"
	if [ -n "$later" ]; then
		printf '%s\n' "$later" > "$tmp/blob"
		printf '100644 %s 0\t%s\n' "$(side hash-object -w "$tmp/blob")" "$LATER" >> "$tmp/cut"
	fi
	cat "$tmp/cut" >> "$tmp/now"
}

# Rewrites the scratch repository's branch: each commit gets the own files that are there with it.
stage() {
	local commit name parent=$base
	read_manifest "$1"
	# With these patches something of ours comes or goes.
	cut -f1 "$tmp/brings" "$tmp/options" > "$tmp/changes"
	[ ! -f "$1/patches/later.c" ] || sed -n 's#^//@ ##p' "$1/patches/later.c" >> "$tmp/changes"
	while read -r commit name; do
		if [ ! -f "$tmp/now" ] || grep -qxF -- "$name" "$tmp/changes"; then
			own_at "$name" "$1"
		fi
		side read-tree "$commit"
		side update-index --index-info < "$tmp/now"
		parent=$(side log -1 --format=%B "$commit" |
			GIT_AUTHOR_NAME=$(side log -1 --format=%an "$commit") GIT_AUTHOR_EMAIL=$(side log -1 --format=%ae "$commit") \
			GIT_AUTHOR_DATE=$(side log -1 --format=%ad --date=raw "$commit") \
			side commit-tree -p "$parent" "$(side write-tree)")
	done < <(side log --reverse --format='%H %(trailers:key=Pmn-patch,valueonly,separator=%x2C)' "$base..pmn")
	side update-ref refs/heads/pmn "$parent"
}

# Without the trailer, and signed off by whoever runs this.
as_mails() {
	GIT_COMMITTER_NAME=$(git -C "$top" config user.name) GIT_COMMITTER_EMAIL=$(git -C "$top" config user.email) \
		g format-patch --zero-commit --no-signature --no-renames -s -n "$@"
}

no_trailer() { sed -i '/^Pmn-patch: /,/^Signed-off-by: /{/^Pmn-patch: /d}' "$@"; }

# The commits of series $1: "FIRST^..LAST".
range_of() {
	g log --reverse --format='%H %(trailers:key=Pmn-patch,valueonly,separator=%x2C)' "pin..$tip" |
		awk -v series="$1/" 'index($2, series) == 1 { if (first == "") first = $1; last = $1 }
			END { print first "^.." last }'
}

# The cover letter of series $1 with $2 mails, in the form of git format-patch, from the folder $3.
cover_letter() {
	local range
	range=$(range_of "$1")
	printf 'From %040d Mon Sep 17 00:00:00 2001\nFrom: %s <%s>\nDate: %s\nSubject: [PATCH 0/%d] %s\n\n' 0 \
		"$(git -C "$top" config user.name)" "$(git -C "$top" config user.email)" "$(date -R)" "$2" "$(sed -n 1p "$3/$1/cover")"
	sed 1,2d "$3/$1/cover"
	echo
	g shortlog -w75,2,4 "$range"
	g diff --stat=75 "${range/../ }" 2> /dev/null || g diff --stat=75 "${range%%..*}" "${range##*..}"
}

mails() {
	local s n
	create
	git -C "$top" config user.email > /dev/null || die "git config user.name, user.email: unset; a mail is signed off by somebody"
	compose "$top/kernel" staged
	for s in $(all_series); do
		[ "$s" != 9-local ] || continue
		if [ -z "$out" ]; then
			as_mails --stdout "$(range_of "$s")" > "$tmp/mbox"
			no_trailer "$tmp/mbox"
			cat "$tmp/mbox"
			continue
		fi
		rm -rf "${out:?}/$s"
		as_mails -q -o "$out/$s" "$(range_of "$s")"
		no_trailer "$out/$s"/*.patch
		n=$(find "$out/$s" -name '*.patch' | wc -l)
		[ ! -f "$top/kernel/patches/$s/cover" ] || cover_letter "$s" "$n" "$top/kernel/patches" > "$out/$s/0000-cover-letter.patch"
	done
	result="$(grep -vc '^9-local/' "$tmp/names") patches, $(all_series | grep -vcx 9-local) series${out:+ in $out}"
}
