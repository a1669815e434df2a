// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl why: the last refusals and kills, why they happened, and what to do. */
#define _GNU_SOURCE
#include <json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pmnctl.h"

/* What the user asks for: all; some nodes; or a number, of a process or of a node that is gone. */
struct wanted {
	struct pmn_nodeset *set;
	const char *name;
	long long number;
};

static bool is_wanted(const struct wanted *w, const struct pmn_refusal *r)
{
	long long node = pmn_refusal_get_number(r, "node");

	if (w->set)
		return pmn_nodeset_has(w->set, node);
	if (w->name)
		return !strcmp(w->name, pmn_refusal_get(r, "owner"));
	return w->number < 0 || node == w->number || pmn_refusal_get_number(r, "pid") == w->number ||
	       pmn_refusal_get_number(r, "tid") == w->number;
}

static bool any_wanted(struct cli *cli, const struct wanted *w)
{
	struct pmn_refusal *r;

	pmn_refusal_foreach(cli->ctx, r)
		if (is_wanted(w, r))
			return true;
	return false;
}

/* A number is a node if there is a private one of it. */
static int parse_wanted(struct cli *cli, struct wanted *w)
{
	const char *text = cli->nr ? cli->args[0] : NULL;
	unsigned long long number;
	int ret;

	*w = (struct wanted){ .number = -1 };
	if (!text)
		return PMN_OK;
	ret = pmn_nodeset_parse(cli->ctx, text, &w->set);
	if (!ret)
		return PMN_OK;
	if (parse_size(text, &number) || text[strspn(text, "0123456789")] || number > 1 << 30)
		w->name = text;
	else
		w->number = number;
	if (any_wanted(cli, w))
		return PMN_OK;
	if (w->name)
		return complain_lib(cli, ret);
	return complain(PMN_NO_NODE, "%s: it is neither a private node nor a process that was refused anything there; `pmnctl why` has all that you may see",
			text);
}

/* -- text ------------------------------------------------------------------ */

/*
 * When the machine was booted, as /proc/stat has it, which stays the same until somebody sets the clock; the
 * difference of two clocks that are read one after the other does not.
 */
static time_t boot_time(struct cli *cli)
{
	char path[4096], line[256];
	long long when = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/stat", pmn_get_root(cli->ctx));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "btime %lld", &when) != 1)
		;
	if (f)
		fclose(f);
	return when;
}

static void print_time(time_t boot, const struct pmn_refusal *r, const char *field)
{
	double since = strtod(pmn_refusal_get(r, field) ? pmn_refusal_get(r, field) : "0", NULL);
	time_t when = boot + (time_t)since;
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "%b %e %H:%M:%S", localtime_r(&when, &tm));
	fputs(text, stdout);
}

/* Blanks for what would move the cursor. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar(*text >= ' ' && *text != 0x7f ? *text : ' ');
}

static void print_user(const struct pmn_refusal *r)
{
	long long uid = pmn_refusal_get_number(r, "uid");
	struct passwd *pw = getpwuid(uid);

	if (pw)
		fputs(pw->pw_name, stdout);
	else
		printf("user %lld", uid);
}

static void print_who(const struct pmn_refusal *r)
{
	print_plain(pmn_refusal_get(r, "comm"));
	if (!pmn_refusal_get_number(r, "pid"))
		return;
	printf(" (pid %lld, ", pmn_refusal_get_number(r, "pid"));
	print_user(r);
	putchar(')');
}

static void print_more(const struct pmn_refusal *r)
{
	const char *by = pmn_refusal_get(r, "by_comm");

	if (pmn_refusal_get_number(r, "pages"))
		printf("; %lld pages", pmn_refusal_get_number(r, "pages"));
	if (!by)
		return;
	printf("; %s pid %lld (", strcmp(pmn_refusal_get(r, "what"), "kill") ? "one is of" : "for",
	       pmn_refusal_get_number(r, "by"));
	print_plain(by);
	putchar(')');
}

static void print_refusal(time_t boot, const struct pmn_refusal *r)
{
	print_time(boot, r, "time");
	printf("  node %s (", pmn_refusal_get(r, "node"));
	print_plain(pmn_refusal_get(r, "owner"));
	fputs("): ", stdout);
	print_who(r);
	printf(" %s", pmn_refusal_get_act(r));
	if (pmn_refusal_get_number(r, "count") > 1) {
		printf(", %lld times since ", pmn_refusal_get_number(r, "count"));
		print_time(boot, r, "first");
	}
	printf("\n  why  %s", pmn_refusal_get_reason(r));
	print_more(r);
	printf("\n  do   %s\n", pmn_refusal_get_advice(r));
}

/* -- JSON ------------------------------------------------------------------ */

static struct json_object *json_refusal(const struct pmn_refusal *r)
{
	static const char *const numbers[] = { "count", "node", "order", "pages", "uid", "pid", "tid", "by" };
	static const char *const texts[] = { "time", "first", "owner", "what", "why", "comm", "by_comm" };
	struct json_object *o = json_object_new_object();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (pmn_refusal_get(r, texts[i]))
			json_object_object_add(o, texts[i],
					       json_object_new_string(pmn_refusal_get(r, texts[i])));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (pmn_refusal_get(r, numbers[i]))
			json_object_object_add(o, numbers[i],
					       json_object_new_int64(pmn_refusal_get_number(r, numbers[i])));
	json_object_object_add(o, "act", json_object_new_string(pmn_refusal_get_act(r)));
	json_object_object_add(o, "reason", json_object_new_string(pmn_refusal_get_reason(r)));
	json_object_object_add(o, "advice", json_object_new_string(pmn_refusal_get_advice(r)));
	return o;
}

/*
 * numactl and libnuma ask Mems_allowed, and turn a program away themselves, so that the kernel has
 * nothing to write down.
 */
static void say_closed_node(struct pmn_node *node)
{
	const struct pmn_service *numa = pmn_service_by_name("user_numa");
	int id = pmn_node_get_id(node);

	if (pmn_node_is_enabled(node, numa))
		return;
	printf("node %d: user_numa is closed, so that numactl and other users of libnuma turn programs away by themselves; ",
	       id);
	if (pmn_node_is_capable(node, numa))
		printf("`pmnctl allow %d user_numa` opens it\n", id);
	else
		printf("its owner %s did not declare the node capable of it\n", pmn_node_get_owner(node));
}

/* Of the nodes that are asked for; of all without a question. */
static void say_closed(struct cli *cli, const struct wanted *w)
{
	struct pmn_node *node;

	pmn_node_foreach(cli->ctx, node)
		if (w->set ? pmn_nodeset_has(w->set, pmn_node_get_id(node)) : !w->name && w->number < 0)
			say_closed_node(node);
}

/* -- the verb -------------------------------------------------------------- */

static void print_all(struct cli *cli, const struct wanted *w)
{
	struct json_object *top = json_object_new_object(), *array = json_object_new_array();
	struct pmn_refusal *r, *last = NULL;
	time_t boot = boot_time(cli);

	pmn_refusal_foreach(cli->ctx, r)
		if (is_wanted(w, r))
			last = r;
	pmn_refusal_foreach(cli->ctx, r) {
		if (!is_wanted(w, r) || (cli->opt[OPT_LAST] && r != last))
			continue;
		if (cli->opt[OPT_JSON])
			json_object_array_add(array, json_refusal(r));
		else
			print_refusal(boot, r);
	}
	json_object_object_add(top, "refusals", array);
	if (cli->opt[OPT_JSON])
		puts(json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (!last)
		puts("nothing that you may see was refused since boot");
	json_object_put(top);
}

int verb_why(struct cli *cli)
{
	struct wanted w;
	int ret;

	ret = pmn_refusals_check(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	ret = parse_wanted(cli, &w);
	if (ret)
		return ret;
	print_all(cli, &w);
	if (!cli->opt[OPT_JSON])
		say_closed(cli, &w);
	pmn_nodeset_free(w.set);
	return PMN_OK;
}
