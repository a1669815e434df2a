// SPDX-License-Identifier: GPL-2.0-only
/* Tables by libsmartcols, with the options that lsmem and zramctl have. */
#define _GNU_SOURCE
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmnctl.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	const struct column *all;
	size_t nr;
	/* Of each column of @all: its place in the table, or -1. */
	int place[32];
	bool bytes, failed;
};

static int find_column(const struct column *all, size_t nr, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (strlen(all[i].name) == len && !strncasecmp(all[i].name, name, len))
			return i;
	return -1;
}

static void table_free(struct table *table)
{
	if (table)
		scols_unref_table(table->scols);
	free(table);
}

static bool add_column(struct table *table, int i, int place)
{
	const struct column *c = &table->all[i];
	struct libscols_column *column;

	column = scols_table_new_column(table->scols, c->name, 0,
					c->type == TEXT ? 0 : SCOLS_FL_RIGHT);
	if (!column)
		return false;
	if (c->type == NUMBER || (c->type == SIZE && table->bytes))
		scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
	table->place[i] = place;
	return true;
}

static int unknown_column(const struct table *table, const char *name, size_t len)
{
	size_t i;

	complain(0, "column '%.*s': there is no such column, or it is named twice; the columns are:",
		 (int)len, name);
	for (i = 0; i < table->nr; i++)
		fprintf(stderr, "  %-12s %s\n", table->all[i].name, table->all[i].help);
	return PMN_USAGE;
}

/* "NODE,SIZE", or "+ON_FULL" for those of @defaults and more. */
static int add_columns(struct table *table, const char *list, int place)
{
	size_t len;
	int i;

	for (;;) {
		len = strcspn(list, ",");
		i = find_column(table->all, table->nr, list, len);
		if (i < 0 || table->place[i] >= 0)
			return unknown_column(table, list, len);
		if (!add_column(table, i, place++))
			return PMN_FAILED;
		if (!list[len])
			return PMN_OK;
		list += len + 1;
	}
}

static int choose_columns(struct table *table, const char *list, const char *defaults)
{
	int ret, places = 0;

	if (list && *list != '+')
		return add_columns(table, list, 0);
	ret = add_columns(table, defaults, 0);
	if (ret || !list)
		return ret;
	places = scols_table_get_ncols(table->scols);
	return add_columns(table, list + 1, places);
}

static bool set_style(struct table *table, struct cli *cli, const char *name)
{
	struct libscols_table *scols = table->scols;

	table->bytes = cli->opt[OPT_BYTES];
	return !scols_table_set_name(scols, name) &&
	       !scols_table_enable_json(scols, !!cli->opt[OPT_JSON]) &&
	       !scols_table_enable_raw(scols, !!cli->opt[OPT_RAW]) &&
	       !scols_table_enable_noheadings(scols, !!cli->opt[OPT_NOHEADINGS]);
}

/*
 * A table with the columns that the user asked for; @name is that of the list in JSON.  NULL after a
 * complaint, which is about usage.
 */
struct table *table_new(struct cli *cli, const char *name, const struct column *all, size_t nr,
			const char *defaults)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	table->all = all;
	table->nr = nr;
	memset(table->place, 0xff, sizeof(table->place));
	if (table->scols && set_style(table, cli, name) &&
	    !choose_columns(table, cli->opt[OPT_COLUMNS], defaults))
		return table;
	table_free(table);
	return NULL;
}

/* For columns that are dear to fill. */
bool table_has(struct table *table, const char *name)
{
	return table->place[find_column(table->all, table->nr, name, strlen(name))] >= 0;
}

void table_line(struct table *table)
{
	table->line = scols_table_new_line(table->scols, NULL);
	table->failed |= !table->line;
}

/* Does nothing for a column that nobody asked for. */
void table_set(struct table *table, const char *name, const char *fmt, ...)
{
	int place = table->place[find_column(table->all, table->nr, name, strlen(name))];
	char *text;
	va_list ap;

	if (place < 0 || !table->line)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || scols_line_refer_data(table->line, place, text))
		table->failed = true;
}

void table_bytes(struct table *table, const char *name, unsigned long long bytes)
{
	char text[32];

	if (table->bytes)
		snprintf(text, sizeof(text), "%llu", bytes);
	else
		human_size(text, sizeof(text), bytes);
	table_set(table, name, "%s", text);
}

/* Frees it as well. */
int table_print(struct table *table)
{
	int ret = PMN_OK;

	if (table->failed)
		ret = complain(PMN_FAILED, "memory: not enough for the table; free some and try again");
	else if (scols_print_table(table->scols) < 0)
		ret = complain(PMN_FAILED, "standard output: the table cannot be written there");
	table_free(table);
	return ret;
}
