// SPDX-License-Identifier: GPL-2.0-only
/*
 * cli: every verb of pmnctl, many times in one process, for ASan, UBSan and the leak check: what makes
 * sense once, and then whatever may be typed, which has to change nothing.  The files are those below
 * PMN_ROOT.
 *
 * With -DFUZZ for libFuzzer: an argument a line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pmnctl.h"
#include "tap.h"

#define MAX_WORDS	16

/* pmnctl's main(), renamed when it is compiled for this. */
int pmnctl_main(int argc, char **argv);

static int out = -1;

/* Where the command's output goes; its own comes back behind it. */
static int capture(int argc, char **argv)
{
	int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO), ret;

	fflush(stdout);
	if (ftruncate(out, 0) || lseek(out, 0, SEEK_SET))
		return -1;
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	ret = pmnctl_main(argc, argv);
	fflush(stdout);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	return ret;
}

/* A status that there is, and a complaint for all but 0. */
static bool is_sound(int ret)
{
	char text[4096];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return ret >= 0 && ret <= PMN_BUSY && (!ret || strstr(text, "pmnctl: ") || strstr(text, "usage: ") ||
					       strstr(text, "fail ") || strstr(text, "\"fail\""));
}

static int run_words(char **words, int nr)
{
	char *argv[MAX_WORDS + 2] = { (char *)"pmnctl" };
	int i;

	for (i = 0; i < nr; i++)
		argv[1 + i] = words[i];
	return capture(1 + nr, argv);
}

/* A line of words with blanks between them. */
static int run_line(const char *line)
{
	char *copy = strdup(line), *words[MAX_WORDS], *save = NULL, *word;
	int nr = 0, ret;

	for (word = strtok_r(copy, " ", &save); word && nr < MAX_WORDS; word = strtok_r(NULL, " ", &save))
		words[nr++] = word;
	ret = run_words(words, nr);
	free(copy);
	return ret;
}

#ifdef FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = strndup((const char *)data, size), *words[MAX_WORDS], *p, *end;
	int nr = 0;

	if (out < 0)
		out = memfd_create("out", 0);
	for (p = copy; p && nr < MAX_WORDS; p = end ? end + 1 : NULL) {
		end = strchr(p, '\n');
		if (end)
			*end = '\0';
		words[nr++] = p;
	}
	/* These run without an end, run programs, or write to any file. */
	if (nr && strcmp(words[0], "top") && strcmp(words[0], "stat") && strcmp(words[0], "run") &&
	    strcmp(words[0], "metrics") && strcmp(words[0], "remove") && !is_sound(run_words(words, nr)))
		abort();
	free(copy);
	return 0;
}

#else

static const char *const sound[] = {
	"list", "list --json -b", "list -rn -o node,capable", "list -o +kind !2", "show all", "show all --json",
	"allow 1 demotion", "allow 2 thp compaction --dry-run", "deny 1 user_numa", "set 1,2 on_full=oom weight=3",
	"check --json", "check private_node=4 private_node=4:warp", "private 4", "private 1", "private 0",
	"private 1 -s all --persist --dry-run", "private 1 --ordinary", "private 2 -s none --dry-run", "private 3 -p", "run 1 --dry-run true",
	"dax dax0.0 -s reclaim", "dax dax0.0 --ordinary --dry-run", "dax dax1.0", "dax dax2.0", "cxl region0 --dry-run",
	"cxl region7", "remove dax0.0 --dry-run", "remove dax1.0", "remove 1", "remove 3", "grant 1 a --only", "revoke 1 a --runtime",
	"grant 1 b.slice", "grant 1 /", "run 1 --full x true", "run 3 true", "top --batch -c 2 -i 0.1", "why", "why --last", "why 1 --json", "why 99", "why gone0", "stat -a", "stat -J",
	"cram status", "cram status --json", "cram limit a 1M", "cram push a 1M", "cram push a 1M --dry-run", "cram writable 3 default",
	"cram reset 3", "cram", "metrics", "metrics --format prometheus", "apply", "completion bash", "completion zsh",
	"--help", "--version", "list --help", "dax --help", "cram push --help", "",
};

static const char *const nonsense[] = {
	"", " ", "-", "--", "--nonesuch", "-Z", "-o", "--output=", "!", ",", "-1", "0", "4294967297",
	"99999999999999999999", "%s%n", "a\nb", "../../etc", "\xc3\xbc", "\xff\xfe", "/", "=", "on_full=", "private_node=",
	"user_numa", "!!1", "1,,2", "all,", "dax", "region", "[", "\t",
};

static bool all_nonsense(const struct verb *verb)
{
	char long_word[5001], *words[MAX_WORDS];
	size_t i, j, n = sizeof(nonsense) / sizeof(nonsense[0]);
	char *name = strdup(verb->name), *second = strchr(name, ' ');
	int first = 1, ret;
	bool good = true;

	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	words[0] = name;
	if (second) {
		*second = '\0';
		words[first++] = second + 1;
	}
	for (i = 0; good && i <= n; i++)
		/* All of them first, some of them second. */
		for (j = i % 5; good && j <= n; j += 5) {
			words[first] = i < n ? (char *)nonsense[i] : long_word;
			/* That would write a file. */
			if (!strcmp(words[first], "-o") && !strcmp(name, "metrics"))
				continue;
			words[first + 1] = j < n ? (char *)nonsense[j] : long_word;
			ret = run_words(words, first + 2);
			good = is_sound(ret);
			if (!good)
				printf("# pmnctl %s '%.40s' '%.40s': %d\n", verb->name, words[first],
				       words[first + 1], ret);
		}
	free(name);
	return good;
}

int main(void)
{
	const struct verb *verb;
	size_t i;

	out = memfd_create("out", 0);
	for (i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		ok(is_sound(run_line(sound[i])), "pmnctl %s", sound[i]);
	/* What tools.sh compares with what is there at the end. */
	if (system("cp -a \"$PMN_ROOT\" \"$PMN_ROOT.before\""))
		ok(false, "a copy of the files");
	for (verb = verbs; verb->name; verb++)
		ok(all_nonsense(verb), "%s: nonsense is told", verb->name);
	return done_testing();
}

#endif
