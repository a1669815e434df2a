# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# recipe.bash: the commands of a document, to be run as they stand there; source it after tap.sh
#
# Above them the document has a line "<!-- run: NAME -->", or "<!-- boot: NAME -->" for kernel options.

recipe=/tmp/recipe

# lines FILE MARK NAME: the indented lines below the mark
lines() {
	awk -v mark="<!-- $2: $3 -->" '$0 == mark { on = 1; next } /^    / { if (on) print substr($0, 5); next } /./ { on = 0 }' "$1"
}

# booted FILE NAME: was this machine booted with these options?
booted() {
	local word words
	read -ra words <<< "$(lines "$1" boot "$2")"
	[ ${#words[@]} -gt 0 ] || { echo "# $1 has no options '$2'"; return 1; }
	for word in "${words[@]}"; do
		[[ " $(< /proc/cmdline) " == *" $word "* ]] || { echo "# booted without $word"; return 1; }
	done
}

# run FILE NAME: each command succeeds; all that they print is in $recipe
run() {
	lines "$1" run "$2" > "$recipe.sh"
	[ -s "$recipe.sh" ] || { echo "# $1 has no commands '$2'"; return 1; }
	bash -eu "$recipe.sh" > "$recipe" 2>&1 < /dev/null && return
	sed 's/^/# /' "$recipe.sh" "$recipe"
	return 1
}

# prints REGEX: did they print a line of this form?
prints() { grep -qE -- "$1" "$recipe" || { echo "# no '$1' in:"; sed 's/^/# /' "$recipe"; return 1; }; }

# Did a program print its own numa_maps, and is the memory that it wrote to on the node alone?
bound_to() {
	prints "bind:$1 (heap|stack).* N$1=[0-9]+" && ! grep -E "bind:.* (heap|stack|anon=)" "$recipe" | grep -v mapped= | grep -E " N[0-9]+=" | grep -vE "anon=([0-9]+) .* N$1=\1 kernelpagesize"
}
