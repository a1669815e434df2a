# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# stage.sh: the history that is mailed.  tree sources it; its variables are tree's.
#
# kernel/patches/manifest says which patch brings which of our files.  Here each patch's commit gets
# them, so that a reviewer meets a file with its first user.  What is there at a commit decides
# what a Makefile, a Kconfig or the table of subscribers says there: objects without a source,
# options whose patch has not come and subscribers without a file are cut out; stage.awk does that.
# kernel/patches/later.c has stubs for functions that later files or patches bring; each stub goes
# when that comes, and the last patch leaves no file later.c.
#
# 9-local is not posted.

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

# What of our own files comes, changes or goes with each patch, into $tmp/changes as fast-import
# reads it after the patch's name.
stage() {
	read_manifest "$1"
	rm -rf "$tmp/cut"
	mkdir "$tmp/cut"
	awk -f "$here/stage.awk" -v dir="$1" -v out="$tmp/cut" \
		"$tmp/brings" "$tmp/options" "$tmp/own" "$tmp/names" > "$tmp/staged"
	find "$tmp/cut" -type f -printf '%f\n' | sort -n > "$tmp/texts"
	sed "s#^#$tmp/cut/#" "$tmp/texts" | side hash-object -w --stdin-paths | paste "$tmp/texts" - |
		awk -F'\t' 'FILENAME == "-" { blob["@" $1] = $2; next }
			$2 == "D" { print $1 "\tD " $3; next }
			{ split($2, word, " "); id = word[3]; if (id in blob) id = blob[id]
			print $1 "\tM " word[2] " " id " " $3 }' - "$tmp/staged" > "$tmp/changes"
}

# Puts these changes into the fast-export stream of the patches, each into its patch's commit.
with_own() {
	awk 'NR == FNR { split($0, part, "\t"); lines[part[1]] = lines[part[1]] part[2] "\n"; next }
		{ print }
		left > 0 {
			left -= length($0) + 1
			if ($1 == "Pmn-patch:")
				name = $2
			next
		}
		$1 == "data" { left = $2 }
		$1 == "from" { printf "%s", lines[name]; name = "" }' "$tmp/changes" -
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
