# SPDX-License-Identifier: GPL-2.0-only
#
# stage.awk: what changes in our own files with each patch, for stage.sh.
#
# Reads "PATCH<tab>PATH" (brings), "PATCH<tab>FILE#OPTION" (options), our files as ls-files shows
# them (own), and the patches in their order (names).  `dir` is kernel/; texts that are not those
# of kernel/files go to files OUT/1, OUT/2, ...
#
# Writes "PATCH<tab>M MODE ID<tab>PATH" and "PATCH<tab>D<tab>PATH"; ID is a blob, or @N for OUT/N.

function read(file,    line, text) {
	while ((getline line < file) > 0)
		text = text line "\n"
	close(file)
	return text
}

function put(text) {
	if (!(text in written)) {
		written[text] = ++texts
		printf "%s", text > (out "/" texts)
		close(out "/" texts)
	}
	return "@" written[text]
}

function folder(path) {
	sub(/\/[^\/]*$/, "", path)
	return path
}

# Has an option of our Kconfig files not come yet?
function is_later(config, name,    o, word) {
	for (o in option) {
		split(o, word, "#")
		if (word[2] == config)
			return option[o] > name
	}
	return 0
}

# Objects and folders without a source are taken out of a Makefile, and an "ifdef CONFIG_X" of an
# option that has not come, up to its endif and the empty line after it.
function cut_makefile(dir, text, name,    n, i, k, j, line, word, stem, there, start, all, held, new) {
	n = split(text, line, "\n")
	for (i = 1; i < n; i++) {
		if (line[i] ~ /^ifdef CONFIG_/ && is_later(substr(line[i], 14), name)) {
			while (line[i] != "endif")
				i++
			if (line[i + 1] == "")
				i++
			continue
		}
		# An ifdef around nothing goes as well.
		if (line[i] == "endif" && held != "") {
			held = ""
			continue
		}
		if (line[i] ~ /^ifdef /) {
			new = new held
			held = line[i] "\n"
			continue
		}
		if (line[i] !~ /^obj-.*\+=/) {
			new = new held line[i] "\n"
			held = ""
			continue
		}
		start = line[i]
		sub(/\+=.*/, "+=", start)
		k = split(substr(line[i], length(start) + 1), word, " ")
		all = ""
		for (j = 1; j <= k; j++) {
			stem = dir "/" word[j]
			if (sub(/\.o$/, "", stem))
				there = ((stem ".c") in here) || ((stem ".S") in here)
			else {
				sub(/\/$/, "", stem)
				there = stem in folders
			}
			if (there)
				all = all " " word[j]
		}
		if (all != "") {
			new = new held start all "\n"
			held = ""
		}
	}
	return new
}

# Programs without a source are taken out of the Makefile of a folder of selftests.
function cut_programs(dir, text,    n, i, k, j, line, word, new) {
	n = split(text, line, "\n")
	for (i = 1; i < n; i++) {
		if (line[i] ~ /^TEST_GEN_PROGS :=/) {
			k = split(line[i], word, " ")
			line[i] = word[1] " " word[2]
			for (j = 3; j <= k; j++)
				if ((dir "/" word[j] ".c") in here)
					line[i] = line[i] " " word[j]
		}
		new = new line[i] "\n"
	}
	return new
}

# Options whose patch has not come are taken out of a Kconfig.
function cut_kconfig(path, text, name,    n, i, line, word, drop, new) {
	n = split(text, line, "\n")
	for (i = 1; i < n; i++) {
		if (line[i] ~ /^[a-z]/) {
			split(line[i], word, " ")
			drop = (word[1] == "config" || word[1] == "menuconfig") &&
				((path "#" word[2]) in option) && option[path "#" word[2]] > name
		}
		if (!drop)
			new = new line[i] "\n"
	}
	return new
}

# Entries whose variable no file defines yet are taken out of a table, and an #if around nothing.
function cut_table(text,    n, i, line, word, held, new) {
	n = split(text, line, "\n")
	for (i = 1; i < n; i++) {
		word = line[i]
		gsub(/[\t&,]/, "", word)
		if (line[i] ~ /^\t&[a-z_]+,$/ && (word in defined_in) && !(defined_in[word] in here))
			continue
		if (line[i] ~ /^#endif/ && held != "") {
			held = ""
			continue
		}
		new = new held
		held = ""
		if (line[i] ~ /^#if/)
			held = line[i] "\n"
		else
			new = new line[i] "\n"
	}
	return new
}

# The stubs of what has not come; nothing when all has.
function cut_later(text, name,    n, i, line, marked, keep, any, new) {
	n = split(text, line, "\n")
	for (i = 1; i < n; i++) {
		if (sub(/^\/\/@ /, "", line[i])) {
			marked = 1
			keep = !(line[i] in here) && (line[i] !~ /^[0-9]/ || line[i] > name)
			if (keep)
				any = 1
		} else if (!marked || keep)
			new = new line[i] "\n"
	}
	return any ? new : ""
}

# What a file has with a patch.
function text_at(path, name,    text) {
	if (path !~ /\/(Makefile|Kconfig|subscribers\.c)$/)
		return whole
	text = full[path]
	if (path ~ /^tools\//)
		return cut_programs(folder(path), text)
	if (path ~ /Kconfig$/)
		return cut_kconfig(path, text, name)
	if (path ~ /subscribers\.c$/)
		return cut_table(text)
	text = cut_makefile(folder(path), text, name)
	if (folder(path) == folder(LATER) && later != "")
		text = text "obj-y += later.o\n"
	return text
}

function change(name, path, what) {
	if (now[path] == what)
		return
	now[path] = what
	print name "\t" (what == "" ? "D" : "M " what) "\t" path
}

BEGIN {
	FS = "\t"
	LATER = "mm/private_node/later.c"
	whole = SUBSEP
}

FILENAME == ARGV[1] { by[$2] = $1; changes[$1] }
FILENAME == ARGV[2] { option[$2] = $1; changes[$1] }
FILENAME == ARGV[3] {
	split($1, word, " ")
	path[++files] = $2
	mode[$2] = word[1]
	blob[$2] = word[2]
	if ($2 ~ /\/(Makefile|Kconfig|subscribers\.c)$/)
		full[$2] = read(dir "/files/" $2)
	if ($2 !~ /\/private_node\/[a-z_]*\.c$/)
		next
	while ((getline source < (dir "/files/" $2)) > 0)
		if (source ~ /^const struct private_node_subscriber [a-z_]+ = \{$/) {
			split(source, word, " ")
			defined_in[word[4]] = $2
		}
	close(dir "/files/" $2)
}
FILENAME == ARGV[4] { names[++patches] = $1 }

END {
	stubs = read(dir "/patches/later.c")
	n = split(stubs, line, "\n")
	for (i = 1; i < n; i++)
		if (sub(/^\/\/@ /, "", line[i]))
			changes[line[i]]
	for (p = 1; p <= patches; p++) {
		name = names[p]
		if (p > 1 && !(name in changes))
			continue
		for (i = 1; i <= files; i++)
			if (by[path[i]] <= name) {
				here[path[i]]
				folders[folder(path[i])]
			}
		# Before the registry's file there is no option, and nobody needs a stub.
		later = "mm/private_node/core.c" in here ? cut_later(stubs, name) : ""
		change(name, LATER, later == "" ? "" : "100644 " put(later))
		for (i = 1; i <= files; i++) {
			f = path[i]
			if (!(f in here))
				continue
			text = text_at(f, name)
			change(name, f, mode[f] " " (text == whole || text == full[f] ? blob[f] : put(text)))
		}
	}
}
