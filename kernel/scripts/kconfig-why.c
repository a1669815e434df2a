// SPDX-License-Identifier: GPL-2.0-only
/*
 * kconfig-why CONFIG WANTED: says which lines of WANTED do not hold in CONFIG, and why.
 *
 * Linked with the tree's own parser of Kconfig files (scripts/kconfig), so that what it says of an option is
 * what `make olddefconfig` goes by.  kernel/scripts/own-config compiles it, and runs it with the environment
 * that kbuild has for its configuration programs.
 *
 * For each line that does not hold it prints the line and what CONFIG has instead, and then, indented, what
 * is missing: the chain of options from the wanted one to those that somebody has to switch on.  Status: 0
 * all hold, 1 some do not, 2 something could not be read.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lkc.h"

#define DEPTH 12
#define LINE 512

static const char *const letters[] = { "n", "m", "y" };

/* The options on the way to the one that is looked at, and what was said of the wanted line. */
static const struct symbol *chain[DEPTH];
static char said[64][LINE];
static int lines;

static bool is_switch(const struct symbol *sym)
{
	return sym->type == S_BOOLEAN || sym->type == S_TRISTATE;
}

static tristate value_of(struct symbol *sym)
{
	sym_calc_value(sym);
	return sym_get_tristate_value(sym);
}

/* The most that somebody may give the option by hand. */
static tristate may_be(struct symbol *sym)
{
	tristate most;

	sym_calc_value(sym);
	most = sym->visible;
	return sym->type == S_BOOLEAN && most == mod ? yes : most;
}

/* Once: several options on the way may lack the same one. */
static void say(int depth, const char *format, ...)
{
	char text[LINE];
	va_list args;
	int i;

	va_start(args, format);
	vsnprintf(text, LINE, format, args);
	va_end(args);
	for (i = 0; i < lines; i++)
		if (!strcmp(said[i], text))
			return;
	if (lines == 64)
		return;
	strcpy(said[lines++], text);
	printf("    ");
	for (i = 0; i < depth; i++)
		printf(i ? "%s, which needs " : "%s needs ", chain[i]->name);
	printf("%s\n", text);
}

static bool missing(struct expr *e, tristate want, int depth);
static void why_not(struct symbol *sym, tristate want, int depth);

static void append(void *text, struct symbol *sym, const char *s)
{
	size_t used = strlen(text);

	snprintf((char *)text + used, LINE - used, "%s", s);
}

static void say_expr(struct expr *e, int depth)
{
	char text[LINE] = "";

	expr_print(e, append, text, E_NONE);
	say(depth, "%s", text);
}

static const char *letter(const struct symbol *sym, tristate want)
{
	return letters[sym->type == S_BOOLEAN ? yes : want];
}

/* An option that something else needs. */
static void missing_symbol(struct symbol *sym, tristate want, int depth)
{
	int i;

	if (sym->flags & SYMBOL_CONST || !sym->name) {
		say(depth, "what this architecture or this compiler does not have");
		return;
	}
	for (i = 0; i < depth; i++)
		if (chain[i] == sym)
			return;
	if (sym->type == S_UNKNOWN)
		say(depth, "%s, which this tree or this architecture does not know", sym->name);
	else if (may_be(sym) >= want)
		say(depth, "%s=%s, which is %s and can be switched on", sym->name, letter(sym, want),
		    letters[value_of(sym)]);
	else if (depth + 1 == DEPTH)
		say(depth, "%s", sym->name);
	else
		why_not(sym, want, depth);
}

/* Says what keeps an expression from having the value, if anything does. */
static bool missing(struct expr *e, tristate want, int depth)
{
	if (!e || expr_calc_value(e) >= want)
		return false;
	switch (e->type) {
	case E_AND:
		missing(e->left.expr, want, depth);
		missing(e->right.expr, want, depth);
		break;
	case E_SYMBOL:
		missing_symbol(e->left.sym, want, depth);
		break;
	default:
		say_expr(e, depth);
	}
	return true;
}

/* The options that select this one, as far as they are on (or all of them). */
static void selectors(struct expr *e, bool on, char *text)
{
	if (!e)
		return;
	if (e->type == E_OR) {
		selectors(e->left.expr, on, text);
		selectors(e->right.expr, on, text);
		return;
	}
	if (on && expr_calc_value(e) == no)
		return;
	while (e->type == E_AND)
		e = e->left.expr;
	if (e->type != E_SYMBOL || !e->left.sym->name || e->left.sym->flags & SYMBOL_CONST)
		return;
	if (*text)
		append(text, NULL, ", ");
	append(text, NULL, e->left.sym->name);
}

static bool has_prompt(const struct symbol *sym)
{
	const struct property *prop;

	for_all_prompts(sym, prop)
		return true;
	return false;
}

static void nobody_asks(struct symbol *sym, tristate want, int depth)
{
	struct expr *e = sym->rev_dep.expr;
	char text[LINE] = "";

	/* There is one way. */
	if (e && e->type != E_OR && missing(e, want, depth + 1))
		return;
	selectors(e, false, text);
	if (*text)
		say(depth, "%s, which only other options switch on: one of %s", sym->name, text);
	else
		say(depth, "%s, which the architecture or its default has to switch on", sym->name);
}

static bool prompt_missing(struct symbol *sym, tristate want, int depth)
{
	struct property *prop;
	bool lacks = false;

	for_all_prompts(sym, prop)
		lacks |= missing(prop->visible.expr, want, depth);
	return lacks;
}

/* Says what keeps an option below the value that it shall have. */
static void why_not(struct symbol *sym, tristate want, int depth)
{
	struct symbol *other;
	struct menu *choice;

	chain[depth] = sym;
	sym_calc_value(sym);
	if (missing(sym->dir_dep.expr, want, depth + 1))
		return;
	if (!has_prompt(sym)) {
		nobody_asks(sym, want, depth);
		return;
	}
	if (may_be(sym) < want && prompt_missing(sym, want, depth + 1))
		return;
	choice = sym_get_choice_menu(sym);
	other = choice ? sym_calc_choice(choice) : NULL;
	if (other && other != sym)
		say(depth, "%s, of whose choice %s is set", sym->name, other->name);
	else
		say(depth, "%s=%s, which is %s and can be switched on", sym->name, letter(sym, want),
		    letters[value_of(sym)]);
}

/* What keeps an option on that shall be off. */
static void why_on(struct symbol *sym)
{
	char text[LINE] = "";

	selectors(sym->rev_dep.expr, true, text);
	if (*text)
		say(0, "%s is selected by %s", sym->name, text);
	else if (!has_prompt(sym))
		say(0, "%s is on by its default, and nobody is asked", sym->name);
	else
		say(0, "%s is on, and can be switched off", sym->name);
}

static const char *shown(struct symbol *sym)
{
	static char text[LINE];

	if (!sym || sym->type == S_UNKNOWN)
		return "nothing: this tree does not know the option; it has no patches of ours, or another name for it";
	sym_calc_value(sym);
	if (is_switch(sym))
		snprintf(text, sizeof(text), "'%s'", letters[value_of(sym)]);
	else
		snprintf(text, sizeof(text), "'%s'", sym_get_string_value(sym));
	return text;
}

/* y is more than m was asked for; n is n; numbers and texts are compared as they are. */
static bool holds(struct symbol *sym, const char *want)
{
	size_t len = strlen(want);
	const char *is;

	if (!sym || sym->type == S_UNKNOWN)
		return !strcmp(want, "n");
	if (is_switch(sym))
		return *want == 'n' ? value_of(sym) == no : value_of(sym) >= (*want == 'y' ? yes : mod);
	is = sym_get_string_value(sym);
	if (sym->type == S_STRING && len >= 2)
		return strlen(is) == len - 2 && !strncmp(is, want + 1, len - 2);
	return !strcmp(is, want);
}

static bool check(char *line)
{
	char *want = strchr(line, '=');
	struct symbol *sym;

	line[strcspn(line, "\n")] = 0;
	if (!want || strncmp(line, "CONFIG_", 7))
		return true;
	*want++ = 0;
	sym = sym_find(line + 7);
	if (sym)
		sym_calc_value(sym);
	if (holds(sym, want))
		return true;
	lines = 0;
	printf("%s=%s does not hold, the result has %s\n", line, want, shown(sym));
	if (!sym || !is_switch(sym))
		return false;
	if (*want == 'n')
		why_on(sym);
	else
		why_not(sym, *want == 'y' ? yes : mod, 0);
	return false;
}

int main(int argc, char **argv)
{
	int bad = 0, all = 0;
	char line[4096];
	FILE *f;

	if (argc != 3) {
		fprintf(stderr, "usage: kconfig-why CONFIG WANTED\n");
		return 2;
	}
	conf_set_message_callback(NULL);
	conf_parse("Kconfig");
	f = fopen(argv[2], "r");
	if (conf_read(argv[1]) || !f) {
		fprintf(stderr, "kconfig-why: %s or %s: cannot be read\n", argv[1], argv[2]);
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		all += !strncmp(line, "CONFIG_", 7);
		bad += !check(line);
	}
	fclose(f);
	printf("%d of %d lines do not hold\n", bad, all);
	return bad > 0;
}
