# SPDX-License-Identifier: GPL-2.0-only
# report.awk: a table of files and the code that is not reached, with reasons.
# awk -v tree=FOLDER -v lines=95 -v branches=85 -f report.awk not-reached TRACEFILE; exit 1 below the two.
#
# A block is a run of lines that are not reached, within one function, with no line between that is.

function trim(s) {
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}

function percent(hit, found) { return found ? 100 * hit / found : 100 }

function row(name, lf, lh, bf, bh) {
	printf "%-36s %6d %6.1f %% %8d %6.1f %%\n", name, lf, percent(lh, lf), bf, percent(bh, bf)
}

# The reason of a block: that of its first line's text, or of the whole function.
function reason(fn, text,    key) {
	key = file SUBSEP fn SUBSEP text
	if (!(key in why))
		key = file SUBSEP fn SUBSEP "*"
	if (!(key in why))
		return ""
	used[key] = 1
	return why[key]
}

function end_block(    r, text) {
	if (!first)
		return
	text = trim(source[first])
	r = reason(block_fn, text)
	if (r == "")
		unexplained++
	blocks++
	list[++listed] = sprintf("%s:%d%s %s(), %d line%s: %s\n\t%s", file, first, last > first ? "-" last : "", \
		block_fn, count, count > 1 ? "s" : "", text, r == "" ? "NO REASON GIVEN" : r)
	first = 0
}

function end_file(    l, fn) {
	fn = ""
	first = 0
	for (l = 1; l <= top; l++) {
		if (l in fn_at) {
			end_block()
			fn = fn_at[l]
		}
		if (!(l in hits))
			continue
		if (hits[l]) {
			end_block()
			continue
		}
		if (!first) {
			first = l
			block_fn = fn
			count = 0
		}
		count++
		last = l
	}
	end_block()
	row(file, lf, lh, bf, bh)
	all_lf += lf; all_lh += lh; all_bf += bf; all_bh += bh
}

FNR == NR {
	if ($0 ~ /^[ \t]*(#|$)/)
		next
	n = split($0, part, /\|/)
	# C has the character, too: what lies between the second and the last is source.
	text = part[3]
	for (i = 4; i < n; i++)
		text = text "|" part[i]
	why[trim(part[1]), trim(part[2]), trim(text)] = trim(part[n])
	next
}

FNR == 1 { printf "%-36s %6s %8s %8s %8s\n", "file", "lines", "reached", "branches", "reached" }

/^SF:/ {
	path = substr($0, 4)
	file = path
	if (index(file, tree "/") == 1)
		file = substr(file, length(tree) + 2)
	split("", hits); split("", fn_at); split("", source)
	top = lf = lh = bf = bh = 0
	for (i = 1; (getline line < path) > 0; i++)
		source[i] = line
	close(path)
	next
}
/^FN:/ { split(substr($0, 4), f, ","); fn_at[f[1]] = f[2]; next }
/^DA:/ {
	split(substr($0, 4), f, ",")
	hits[f[1]] = f[2] + 0
	if (f[1] + 0 > top)
		top = f[1] + 0
	lf++
	lh += f[2] > 0
	next
}
/^BRDA:/ {
	n = split(substr($0, 6), f, ",")
	bf++
	bh += f[n] != "-" && f[n] > 0
	next
}
/^end_of_record/ { end_file() }

END {
	row("all", all_lf, all_lh, all_bf, all_bh)
	printf "\n%d blocks are not reached", blocks
	printf unexplained ? ", %d of them without a reason in tests/coverage/not-reached:\n\n" : ":\n\n", unexplained
	for (i = 1; i <= listed; i++)
		print list[i]
	for (key in why)
		if (!(key in used)) {
			split(key, f, SUBSEP)
			printf "tests/coverage/not-reached: %s, %s(), %s: is reached now, or is gone\n", f[1], f[2], f[3]
		}
	bad = percent(all_lh, all_lf) < lines || percent(all_bh, all_bf) < branches
	printf "\n%.1f %% of lines (wanted %d), %.1f %% of branches (wanted %d): %s\n", percent(all_lh, all_lf), lines, \
		percent(all_bh, all_bf), branches, bad ? "too little" : "enough"
	exit bad
}
