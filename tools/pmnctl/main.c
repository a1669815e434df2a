// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl: finds the verb, reads its options, runs it. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmnctl.h"

static void print_option(FILE *to, const struct option_info *o)
{
	char left[48];

	snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name, o->arg ? " " : "",
		 o->arg ? o->arg : "");
	fprintf(to, "  %-26s %s\n", left, o->help);
}

static void print_services(FILE *to)
{
	const struct pmn_service *s, *needed;

	fputs("\nServices:\n", to);
	pmn_service_foreach(s) {
		needed = pmn_service_get_needed(s);
		fprintf(to, "  %-26s %s%s%s\n", pmn_service_get_name(s), pmn_service_get_help(s),
			needed ? "; needs " : "", needed ? pmn_service_get_name(needed) : "");
	}
}

static bool takes_services(const struct verb *verb)
{
	return verb->kinds[1] == KIND_SERVICE || verb->options & 1U << OPT_SERVICES;
}

void usage_of(const struct verb *verb, bool to_stderr)
{
	FILE *to = to_stderr ? stderr : stdout;
	int i;

	fprintf(to, "usage: pmnctl %s%s%s%s\n%s\n", verb->name, *verb->usage ? " " : "",
		verb->usage, verb->options ? " [OPTION]..." : "", verb->help);
	fputc('\n', to);
	for (i = 0; i < NR_OPTIONS; i++)
		if (verb->options & 1U << i || i == OPT_HELP)
			print_option(to, &option_infos[i]);
	if (takes_services(verb))
		print_services(to);
	fprintf(to, "\nMore: man pmnctl-%.*s\n", (int)strcspn(verb->name, " "), verb->name);
}

static void usage(FILE *to)
{
	const struct verb *v;
	char left[96];

	fputs("usage: pmnctl VERB [ARGUMENT]... [OPTION]...\n"
	      "Shows and controls private memory nodes.\n\n", to);
	for (v = verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s %s", v->name, v->usage);
		fprintf(to, "  %-34s %s\n", left, v->help);
	}
	fputs("\nNODE is as numactl has it: 0,2-3 or !1 or all (the private nodes), or the name of an owner or a DAX device.\n"
	      "Exit status: 0 all done, 1 failed, 2 usage, 3 the kernel lacks it, 4 no such node, 5 busy.\n"
	      "pmnctl VERB --help has the options of a verb; man pmnctl has the rest.\n", to);
}

static bool is_verb(const struct verb *verb, char **argv, int argc, int *words)
{
	size_t len = strcspn(verb->name, " ");

	*words = verb->name[len] ? 2 : 1;
	if (strlen(argv[0]) != len || strncmp(verb->name, argv[0], len))
		return false;
	return *words == 1 || (argc > 1 && !strcmp(verb->name + len + 1, argv[1]));
}

static const struct verb *find_verb(char **argv, int argc, int *words)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		if (is_verb(v, argv, argc, words))
			return v;
	return NULL;
}

/* The names of the second words, when the first one is right. */
static int no_verb(char **argv)
{
	size_t len = strlen(argv[0]);
	const char *more = "";
	const struct verb *v;
	char list[128] = "";

	for (v = verbs; v->name; v++)
		if (!strncmp(v->name, argv[0], len) && v->name[len] == ' ') {
			strncat(list, more, sizeof(list) - strlen(list) - 1);
			strncat(list, v->name + len + 1, sizeof(list) - strlen(list) - 1);
			more = ", ";
		}
	if (*list)
		return complain(PMN_USAGE, "%s: a word is missing or unknown; give one of %s", argv[0],
				list);
	return complain(PMN_USAGE, "'%s': there is no such verb; `pmnctl --help` lists them", argv[0]);
}

/* For getopt_long(): what the verb takes, and -h. */
static void make_options(const struct verb *verb, struct option *longs, char *shorts)
{
	int i;

	if (verb->kinds[1] == KIND_COMMAND)
		*shorts++ = '+';
	*shorts++ = ':';
	for (i = 0; i < NR_OPTIONS; i++) {
		const struct option_info *o = &option_infos[i];

		if (!(verb->options & 1U << i) && i != OPT_HELP)
			continue;
		*longs++ = (struct option){ o->name, o->arg ? required_argument : no_argument,
					    NULL, 256 + i };
		if (!o->letter)
			continue;
		*shorts++ = o->letter;
		if (o->arg)
			*shorts++ = ':';
	}
	*longs = (struct option){};
	*shorts = '\0';
}

static int id_of(const struct verb *verb, int c)
{
	int i;

	if (c >= 256)
		return c - 256;
	for (i = 0; i < NR_OPTIONS; i++)
		if (option_infos[i].letter == c && (verb->options & 1U << i || i == OPT_HELP))
			return i;
	return -1;
}

static int bad_option(const struct verb *verb, char **argv, int c)
{
	return complain(PMN_USAGE, "%s: %s: %s; `pmnctl %s --help` has the options", verb->name,
			argv[optind - 1], c == ':' ? "needs a value" : "there is no such option",
			verb->name);
}

/* Up to the end, or to the first operand where the verb runs a command. */
static int parse_some(struct cli *cli, int argc, char **argv)
{
	struct option longs[NR_OPTIONS + 1];
	char shorts[2 * NR_OPTIONS + 3];
	int c, id;

	make_options(cli->verb, longs, shorts);
	/* Begins anew, as glibc has it. */
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		id = c == '?' || c == ':' ? -1 : id_of(cli->verb, c);
		if (id < 0)
			return bad_option(cli->verb, argv, c);
		cli->opt[id] = optarg ? optarg : "";
	}
	cli->args = argv + optind;
	cli->nr = argc - optind;
	return PMN_OK;
}

/* The options of `run` may be before or behind NODE; what follows is the command's own. */
static int parse_options(struct cli *cli, int argc, char **argv)
{
	int ret = parse_some(cli, argc, argv);
	char *node;

	if (ret || !cli->nr || cli->verb->kinds[1] != KIND_COMMAND)
		return ret;
	node = cli->args[0];
	ret = parse_some(cli, cli->nr, cli->args);
	if (ret)
		return ret;
	/* What was before the command was read. */
	*--cli->args = node;
	cli->nr++;
	return PMN_OK;
}

static int check_args(struct cli *cli)
{
	const struct verb *v = cli->verb;

	if (cli->nr < v->min)
		return complain(PMN_USAGE, "%s: an argument is missing; the form is: pmnctl %s %s",
				v->name, v->name, v->usage);
	if (v->max != MANY && cli->nr > v->max)
		return complain(PMN_USAGE, "%s: '%s' is one argument too many; the form is: pmnctl %s %s",
				v->name, cli->args[v->max], v->name, v->usage);
	if (cli->opt[OPT_JSON] && (cli->opt[OPT_RAW] || cli->opt[OPT_NOHEADINGS]))
		return complain(PMN_USAGE, "%s: --json has no headings and is not raw; leave --raw and --noheadings out",
				v->name);
	return PMN_OK;
}

/* PMN_ROOT is a folder that stands for /, for tests and copies of another machine. */
static int run(struct cli *cli)
{
	const char *root = getenv("PMN_ROOT");
	int ret;

	if (pmn_new(&cli->ctx))
		return complain(PMN_FAILED, "memory: not enough to start; free some and try again");
	ret = root ? pmn_set_root(cli->ctx, root) : PMN_OK;
	ret = ret ? complain_lib(cli, ret) : cli->verb->run(cli);
	pmn_unref(cli->ctx);
	return ret;
}

static int flush(int ret)
{
	if (fflush(stdout) || ferror(stdout))
		return complain(PMN_FAILED, "standard output: not everything could be written there: %m");
	return ret;
}

int main(int argc, char **argv)
{
	struct cli cli = {};
	int ret, words;

	setlocale(LC_ALL, "");
	/* Numbers with a point in every language, for who parses them. */
	setlocale(LC_NUMERIC, "C");
	if (argc < 2) {
		usage(stderr);
		return PMN_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return flush(PMN_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("pmnctl " PMN_VERSION);
		return flush(PMN_OK);
	}
	cli.verb = find_verb(argv + 1, argc - 1, &words);
	if (!cli.verb)
		return no_verb(argv + 1);
	ret = parse_options(&cli, argc - words, argv + words);
	if (!ret && cli.opt[OPT_HELP]) {
		usage_of(cli.verb, false);
		return flush(PMN_OK);
	}
	if (!ret)
		ret = check_args(&cli);
	return flush(ret ? ret : run(&cli));
}
