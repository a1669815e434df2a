# SPDX-License-Identifier: GPL-2.0-only
# tap.awk: from a job's output, a progress line per test on stdout and results in the file `res`:
# pass|fail|skip <tab> test <tab> text, context lines after a failure, time <tab> seconds test.
# Variables: job, res, t0 (start, seconds).

function now() {
	"date +%s" | getline clock
	close("date +%s")
	return clock - t0
}

function result(kind, text) {
	n[kind]++
	printf "%s\t%s\t%s\n", kind, test, text > res
}

function context(    i) {
	for (i = lines > 25 ? lines - 25 : 0; i < lines; i++)
		printf "context\t%s\n", keep[i] > res
}

function finish_test(status, seconds) {
	if (n["pass"] + n["fail"] + n["skip"] == 0) {
		result("fail", status == 124 ? "timed out, ran no test" : "ran no test, exit status " status)
		context()
	} else if (status != 0 && !n["fail"]) {
		result("fail", status == 124 || status == 137 ? "timed out" : "exit status " status " although no test failed")
		context()
	}
	printf "time\t%5d %s\n", seconds, test > res
	printf "[%4d s] %s: %d passed%s%s, %d s\n", now(), test, n["pass"], \
		n["fail"] ? ", " n["fail"] " FAILED" : "", n["skip"] ? ", " n["skip"] " skipped" : "", seconds
	fflush()
	total_failed += n["fail"]
	test = ""
}

BEGIN { test = ""; done = 0; lines = 0 }

/^@@ begin / {
	test = substr($0, 10)
	n["pass"] = n["fail"] = n["skip"] = lines = 0
	next
}
/^@@ end / {
	seconds = $NF
	status = $(NF - 1)
	finish_test(status, seconds)
	lines = 0
	next
}
/^@@ job / { done = 1; job_status = $3; next }

{ keep[lines++] = $0 }

test != "" && /^not ok/ {
	if (/# *(TODO|SKIP)/) {
		result("skip", substr($0, 8))
	} else {
		result("fail", substr($0, 8))
		context()
	}
	lines = 0
	next
}
test != "" && /^ok / {
	result(/# *SKIP/ ? "skip" : "pass", substr($0, 4))
	lines = 0
	next
}

END {
	if (test != "") {
		n["fail"] += 0
		result("fail", "the guest ended in the middle of it")
		context()
		finish_test(1, 0)
	}
	if (!done || (job_status != 0 && (job_status >= 99 || !total_failed))) {
		test = job
		result("fail", "harness/vm exit status " (done ? job_status : "unknown") \
			(job_status == 99 ? ": kernel splat, panic or leak" : ""))
		context()
		printf "[%4d s] %s: FAILED, harness/vm exit status %s\n", now(), job, job_status
	}
}
