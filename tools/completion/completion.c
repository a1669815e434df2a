// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmnctl completion: what bash and zsh need, made of the table that the parser reads, so that they
 * cannot differ.  `make` and the packages put the output where the shells look.
 */
#include <stdio.h>
#include <string.h>

#include "pmnctl.h"

/* Commands that print the words of each kind; they say nothing where there is nothing. */
static const struct {
	enum kind kind;
	const char *words;
} sources[] = {
	{ KIND_NODE, "$(pmnctl list --raw --noheadings -o NODE,OWNER 2> /dev/null) all" },
	{ KIND_SETTING, "on_full=fail on_full=sigbus on_full=oom on_full=fallback: on_unplug=refuse on_unplug=move on_unplug=sigbus access=any access=named adistance= promotion= weight= writable=" },
	{ KIND_DAX, "$(ls /sys/bus/dax/devices 2> /dev/null)" },
	{ KIND_REGION, "$(cd /sys/bus/cxl/devices 2> /dev/null && ls -d region* 2> /dev/null)" },
	{ KIND_CGROUP, "$(cd /sys/fs/cgroup 2> /dev/null && find . -mindepth 1 -maxdepth 3 -type d -printf '%P\\n' 2> /dev/null)" },
	{ KIND_BOOT, "private_node=" },
	{ KIND_WHERE, "auto target spare" },
	{ KIND_FULL, "node fallback" },
	{ KIND_FORMAT, "openmetrics prometheus" },
	{ KIND_SHELL, "bash zsh" },
};

static void print_services(void)
{
	const struct pmn_service *s;
	const char *space = "";

	pmn_service_foreach(s) {
		printf("%s%s", space, pmn_service_get_name(s));
		space = " ";
	}
}

/* Between double quotes of the shell. */
static void print_words(enum kind kind)
{
	size_t i;

	if (kind == KIND_SERVICE || kind == KIND_SERVICES)
		print_services();
	if (kind == KIND_SERVICES)
		fputs(" all none", stdout);
	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i].kind == kind)
			fputs(sources[i].words, stdout);
}

/* First words of verbs, each once: those of two words stand together. */
static void print_verbs(void)
{
	const struct verb *v;
	size_t len;

	for (v = verbs; v->name; v++) {
		len = strcspn(v->name, " ");
		if (v > verbs && v->name[len] && !strncmp(v[-1].name, v->name, len + 1))
			continue;
		printf("%s%.*s", v > verbs ? " " : "", (int)len, v->name);
	}
}

/* The words that may follow the first one of a verb of two. */
static void print_second_words(const char *first, size_t len)
{
	const struct verb *v;
	const char *space = "";

	for (v = verbs; v->name; v++)
		if (!strncmp(v->name, first, len + 1)) {
			printf("%s%s", space, v->name + len + 1);
			space = " ";
		}
}

static void print_options(const struct verb *verb)
{
	int i;

	for (i = 0; i < NR_OPTIONS; i++)
		if (verb->options & 1U << i || i == OPT_HELP)
			printf("%s--%s", i ? " " : "", option_infos[i].name);
}

/* "--output|-o" for a case of the shell. */
static void print_option_case(const struct option_info *o)
{
	printf("\t\t--%s", o->name);
	if (o->letter)
		printf("|-%c", o->letter);
	fputs(") words=\"", stdout);
}

/* A file is what the shell completes by itself. */
static void print_option_values(const struct verb *verb)
{
	int i;

	puts("\t\tcase $prev in");
	for (i = 0; i < NR_OPTIONS; i++) {
		if (!(verb->options & 1U << i) || !option_infos[i].arg)
			continue;
		print_option_case(&option_infos[i]);
		print_words(option_infos[i].kind);
		fputs("\"", stdout);
		printf("; files=%d; return ;;\n", option_infos[i].kind == KIND_FILE);
	}
	puts("\t\tesac");
}

static void print_args(const struct verb *verb)
{
	int i, last;

	puts("\t\tcase $nr in");
	for (last = MAX_ARGS - 1; last > 0 && !verb->kinds[last]; last--)
		;
	for (i = 0; i <= last; i++) {
		if (i == last && verb->max == MANY)
			fputs("\t\t*) words=\"", stdout);
		else
			printf("\t\t%d) words=\"", i);
		print_words(verb->kinds[i]);
		printf("\"; files=%d ;;\n", verb->kinds[i] == KIND_COMMAND);
	}
	puts("\t\tesac");
}

static void print_verb(const struct verb *verb)
{
	printf("\t'%s')\n\t\toptions=\"", verb->name);
	print_options(verb);
	puts("\"");
	print_option_values(verb);
	print_args(verb);
	puts("\t\t;;");
}

/* Sets words and files for the word that is typed; both shells know every part of it. */
static void print_common(void)
{
	const struct verb *v;
	size_t len;

	puts("# Sets words, options and files by verb, prev (the word before) and nr (arguments before it).\n"
	     "_pmnctl_words() {\n\twords='' options='' files=0\n\tcase $verb in");
	fputs("\t'') words=\"", stdout);
	print_verbs();
	puts(" --help --version\" ;;");
	for (v = verbs; v->name; v++) {
		len = strcspn(v->name, " ");
		if (!v->name[len] || (v > verbs && !strncmp(v[-1].name, v->name, len + 1)))
			continue;
		printf("\t%.*s) words=\"", (int)len, v->name);
		print_second_words(v->name, len);
		puts("\" ;;");
	}
	for (v = verbs; v->name; v++)
		print_verb(v);
	puts("\tesac\n}\n");
}

/* Two options of one name are of different verbs. */
static bool is_first_of_name(int id)
{
	int i;

	for (i = 0; i < id; i++)
		if (!strcmp(option_infos[i].name, option_infos[id].name))
			return false;
	return true;
}

/* Options that take a value, so that it is not counted as an argument. */
static void print_with_value(void)
{
	int i;

	puts("# Does the option take a value of its own?\n_pmnctl_takes_value() {\n\tcase $1 in");
	fputs("\t''", stdout);
	for (i = 0; i < NR_OPTIONS; i++) {
		if (!option_infos[i].arg || !is_first_of_name(i))
			continue;
		printf("|--%s", option_infos[i].name);
		if (option_infos[i].letter)
			printf("|-%c", option_infos[i].letter);
	}
	puts(") return 0 ;;\n\tesac\n\treturn 1\n}\n");
}

static const char first_of_two[] =
	"# Is it the first word of a verb of two?\n"
	"_pmnctl_is_first() {\n\tcase $1 in\n\t";

static void print_is_first(void)
{
	const struct verb *v;
	const char *bar = "";
	size_t len;

	fputs(first_of_two, stdout);
	for (v = verbs; v->name; v++) {
		len = strcspn(v->name, " ");
		if (!v->name[len] || (v > verbs && !strncmp(v[-1].name, v->name, len + 1)))
			continue;
		printf("%s%.*s", bar, (int)len, v->name);
		bar = "|";
	}
	puts(") return 0 ;;\n\tesac\n\treturn 1\n}\n");
}

static const char find_verb[] =
	"# Takes the words before the one that is typed; sets verb, prev and nr.\n"
	"_pmnctl_find() {\n"
	"\tlocal word\n"
	"\tverb='' prev='' nr=0\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tif _pmnctl_takes_value \"$prev\" && [ -n \"$prev\" ]; then prev=''; continue; fi\n"
	"\t\tprev=$word\n"
	"\t\tcase $word in\n"
	"\t\t-*) continue ;;\n"
	"\t\tesac\n"
	"\t\tif [ -z \"$verb\" ]; then verb=$word\n"
	"\t\telif _pmnctl_is_first \"$verb\"; then verb=\"$verb $word\"\n"
	"\t\telse nr=$((nr + 1)); fi\n"
	"\tdone\n"
	"}\n";

static const char bash_end[] =
	"_pmnctl() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} verb prev nr words options files cur before typed\n"
	"\tcur=${line##*[[:blank:]]}\n"
	"\tread -ra typed <<< \"${line%\"$cur\"}\"\n"
	"\t_pmnctl_find \"${typed[@]:1}\"\n"
	"\t_pmnctl_words\n"
	"\tcase $cur in\n"
	"\t-*) words=\"$words $options\" ;;\n"
	"\tesac\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"\tif [ \"$files\" = 1 ]; then\n"
	"\t\tmapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -c -- \"$cur\")\n"
	"\tfi\n"
	"\t# readline replaces what is behind the last = or : only.\n"
	"\tbefore=${cur%\"${cur##*[=:]}\"}\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
	"\tcase ${COMPREPLY[0]-} in\n"
	"\t*=|*:) compopt -o nospace 2> /dev/null ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _pmnctl pmnctl\n";

/* zsh has words and its index of its own; those of ours are local in a function. */
static const char zsh_end[] =
	"_pmnctl() {\n"
	"\tlocal verb prev nr options files typed=(\"${(@)words[2,CURRENT-1]}\")\n"
	"\tlocal words\n"
	"\tlocal -a choice\n"
	"\t_pmnctl_find \"${typed[@]}\"\n"
	"\t_pmnctl_words\n"
	"\tchoice=(${=words} ${=options})\n"
	"\tcompadd -a choice\n"
	"\tif [ \"$files\" = 1 ]; then _files; fi\n"
	"}\n"
	"if [ \"$funcstack[1]\" = _pmnctl ]; then _pmnctl \"$@\"; else compdef _pmnctl pmnctl; fi\n";

int verb_completion(struct cli *cli)
{
	const char *shell = cli->args[0];
	bool bash = !strcmp(shell, "bash");

	if (!bash && strcmp(shell, "zsh"))
		return complain(PMN_USAGE, "shell '%s': it is neither bash nor zsh", shell);
	puts(bash ? "# bash completion for pmnctl, made by `pmnctl completion bash`\n" :
	     "#compdef pmnctl\n# zsh completion for pmnctl, made by `pmnctl completion zsh`\n");
	print_with_value();
	print_is_first();
	print_common();
	puts(find_verb);
	fputs(bash ? bash_end : zsh_end, stdout);
	return PMN_OK;
}
