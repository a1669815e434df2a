# SPDX-License-Identifier: GPL-2.0-only
#
# skipped.awk: one line for each reason by which tests were skipped, from the results of tests/run: how
# often, the reason, and the tests, of which three are named.

BEGIN { FS = "\t" }

$1 != "skip" { next }

{
	reason = $3
	if (!sub(/.*# *SKIP:? */, "", reason))
		sub(/^[0-9]+ - /, "", reason)
	if (reason == "")
		reason = "no reason given"
	count[reason]++
	if ((reason, $2) in seen)
		next
	seen[reason, $2]
	if (++tests[reason] <= 3)
		names[reason] = names[reason] (names[reason] == "" ? "" : ", ") $2
}

END {
	for (reason in count)
		printf("%7d %s: %s%s\n", count[reason], reason, names[reason],
			tests[reason] > 3 ? " and " (tests[reason] - 3) " more" : "")
}
