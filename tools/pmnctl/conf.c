// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of the files in /etc/pmn.d.
 *
 *	# a comment
 *	[node 1]
 *	services = user_numa reclaim
 *
 * All files are read and checked before anything is done, so that a mistake changes nothing.  It has a
 * parser of its own because each message names file and line, also for what is found out later, which
 * libinih and iniparser do not keep.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "setting.h"

#define LINE_MAX_LEN	1000
#define NODE_MAX	1023

struct key {
	const char *name;
	/* BIT(kind) of the sections that have it. */
	unsigned int kinds;
	bool many;
	bool (*fits)(struct conf *conf, const char *value);
	const char *values;
};

#define IN(k)		(1U << CONF_##k)
#define IN_DEVICE	(IN(DAX) | IN(CXL))
#define IN_NODE		(IN(NODE) | IN_DEVICE)

static const char *const kind_names[NR_CONF_KINDS] = { "node", "dax", "cxl", "cram" };

const char *conf_kind_name(enum conf_kind kind)
{
	return kind_names[kind];
}

static bool is_yes_no(struct conf *conf, const char *value)
{
	(void)conf;
	return !strcmp(value, "yes") || !strcmp(value, "no");
}

static bool is_where(struct conf *conf, const char *value)
{
	(void)conf;
	return !strcmp(value, "auto") || !strcmp(value, "target") || !strcmp(value, "spare");
}

static bool is_services(struct conf *conf, const char *value)
{
	return strlen(value) <= 256 && !pmn_services_check(conf->ctx, value);
}

static bool is_name(const char *value)
{
	const char *p;

	for (p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return *value;
}

static bool is_owner(struct conf *conf, const char *value)
{
	(void)conf;
	return is_name(value);
}

static bool is_cgroup(struct conf *conf, const char *value)
{
	(void)conf;
	return !strstr(value, "..");
}

static const struct key keys[] = {
	{ "owner", IN(NODE), false, is_owner, "the name of an owner, such as boot" },
	{ "private", IN_DEVICE, false, is_yes_no, "yes or no" },
	{ "node", IN_DEVICE, false, is_where, "auto, target or spare" },
	{ "services", IN_NODE, false, is_services,
	  "names of services with blanks between them, each with those that it needs; or none, or all" },
	{ "grant", IN_NODE, true, is_cgroup, "a unit, or the path of a cgroup" },
	{ "anon", IN(CRAM), false, is_yes_no, "yes or no" },
	{ "file", IN(CRAM), false, is_yes_no, "yes or no" },
	{ "pageout", IN(CRAM), false, is_yes_no, "yes or no" },
	{ "swap", IN(CRAM), false, is_yes_no, "yes or no" },
};

static void mistake(struct conf *conf, const char *file, int line, const char *fmt, ...)
	PRINTF(4, 5);

static void mistake(struct conf *conf, const char *file, int line, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	va_start(ap, fmt);
	if (n >= 0 && n < (int)sizeof(text))
		vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	conf->mistakes++;
	conf->mistake(text);
}

void conf_init(struct conf *conf, struct pmn_ctx *ctx, void (*tell)(const char *text))
{
	*conf = (struct conf){ .ctx = ctx, .mistake = tell };
	STAILQ_INIT(&conf->sections);
}

static void section_free(struct conf_section *s)
{
	struct conf_value *v;

	while ((v = STAILQ_FIRST(&s->values))) {
		STAILQ_REMOVE_HEAD(&s->values, list);
		free(v->key);
		free(v->text);
		free(v);
	}
	free(s->name);
	free(s->file);
	free(s);
}

void conf_free(struct conf *conf)
{
	struct conf_section *s;

	while ((s = STAILQ_FIRST(&conf->sections))) {
		STAILQ_REMOVE_HEAD(&conf->sections, list);
		section_free(s);
	}
}

static const struct conf_value *find(const struct conf_section *section, const char *key)
{
	const struct conf_value *v, *last = NULL;

	STAILQ_FOREACH(v, &section->values, list)
		if (!strcmp(v->key, key))
			last = v;
	return last;
}

const char *conf_get(const struct conf_section *section, const char *key)
{
	const struct conf_value *v = find(section, key);

	return v ? v->text : NULL;
}

/* -- [kind name] ----------------------------------------------------------------- */

static bool name_fits(enum conf_kind kind, const char *name)
{
	switch (kind) {
	case CONF_NODE:
		return *name && strlen(name) <= 4 && strspn(name, "0123456789") == strlen(name) &&
		       atoi(name) <= NODE_MAX;
	case CONF_DAX:
		return !strncmp(name, "dax", 3) && is_name(name) && strlen(name) < 64;
	case CONF_CXL:
		return !strncmp(name, "region", 6) && is_name(name) && strlen(name) < 64;
	default:
		return !*name;
	}
}

static int parse_kind(const char *text, size_t len)
{
	int kind;

	for (kind = 0; kind < NR_CONF_KINDS; kind++)
		if (strlen(kind_names[kind]) == len && !strncmp(kind_names[kind], text, len))
			return kind;
	return -1;
}

static struct conf_section *section_new(enum conf_kind kind, const char *name, const char *file,
					int line)
{
	struct conf_section *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = kind;
	s->line = line;
	s->name = strdup(name);
	s->file = strdup(file);
	STAILQ_INIT(&s->values);
	if (s->name && s->file)
		return s;
	section_free(s);
	return NULL;
}

/* One object has one section, so that what it is to be is read in one place. */
static bool is_double(struct conf *conf, enum conf_kind kind, const char *name, const char *file,
		      int line)
{
	struct conf_section *s;

	STAILQ_FOREACH(s, &conf->sections, list) {
		if (s->kind != kind || strcmp(s->name, name))
			continue;
		mistake(conf, file, line, "[%s%s%s] is in %s:%d already; put all of it into one section",
			kind_names[kind], *name ? " " : "", name, s->file, s->line);
		return true;
	}
	return false;
}

static struct conf_section *parse_head(struct conf *conf, const char *file, int line, char *text)
{
	char *end = strchr(text, ']'), *name;
	struct conf_section *s;
	size_t len;
	int kind;

	if (!end || end[1 + strspn(end + 1, " \t")]) {
		mistake(conf, file, line, "'%s' does not end with ']'; write for example [node 1]", text);
		return NULL;
	}
	*end = '\0';
	text += 1 + strspn(text + 1, " \t");
	len = strcspn(text, " \t");
	kind = parse_kind(text, len);
	name = text + len + strspn(text + len, " \t");
	name[strcspn(name, " \t")] = '\0';
	if (kind < 0 || !name_fits(kind, name)) {
		mistake(conf, file, line, "[%s]: a section is [node N], [dax DEV], [cxl REGION] or [cram]",
			text);
		return NULL;
	}
	if (is_double(conf, kind, name, file, line))
		return NULL;
	s = section_new(kind, name, file, line);
	if (s)
		STAILQ_INSERT_TAIL(&conf->sections, s, list);
	else
		mistake(conf, file, line, "there is not enough memory for it");
	return s;
}

/* -- key = value -------------------------------------------------------------------- */

/* Settings of nodes are those of `pmnctl set`. */
static bool key_fits(struct conf *conf, const struct conf_section *s, const char *name,
		     const char *value, const char **values, bool *many)
{
	const struct setting *setting = setting_find(name, strlen(name));
	size_t i;

	*many = false;
	*values = NULL;
	if (setting && IN_NODE & 1U << s->kind) {
		*values = setting->values;
		return setting->fits(value);
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, name) || !(keys[i].kinds & 1U << s->kind))
			continue;
		*values = keys[i].values;
		*many = keys[i].many;
		return *value && keys[i].fits(conf, value);
	}
	return false;
}

static void add_value(struct conf *conf, struct conf_section *s, int line, const char *key,
		      const char *text)
{
	struct conf_value *v = calloc(1, sizeof(*v));

	if (v) {
		v->key = strdup(key);
		v->text = strdup(text);
		v->line = line;
	}
	if (!v || !v->key || !v->text) {
		mistake(conf, s->file, line, "there is not enough memory for it");
		if (v) {
			free(v->key);
			free(v->text);
		}
		free(v);
		return;
	}
	STAILQ_INSERT_TAIL(&s->values, v, list);
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static void parse_value(struct conf *conf, struct conf_section *s, int line, char *text)
{
	char *equal = strchr(text, '='), *key, *value;
	const struct conf_value *old;
	const char *values;
	bool many;

	if (!equal) {
		mistake(conf, s->file, line, "'%s' has no '='; write KEY = VALUE", text);
		return;
	}
	*equal = '\0';
	key = trim(text);
	value = trim(equal + 1);
	old = find(s, key);
	if (key_fits(conf, s, key, value, &values, &many) && (!old || many))
		add_value(conf, s, line, key, value);
	else if (!values)
		mistake(conf, s->file, line, "[%s] has no key '%s'; `man pmn.conf` lists them",
			kind_names[s->kind], key);
	else if (old && !many)
		mistake(conf, s->file, line, "%s is in line %d already; leave one of them", key, old->line);
	else
		mistake(conf, s->file, line, "'%s' is no value of %s; give %s", value, key, values);
}

/* -- files ------------------------------------------------------------------------------- */

struct parser {
	const char *file;
	int line;
	/* NULL before the first section. */
	struct conf_section *section;
	/* What follows a bad head is of nobody, and said once. */
	bool skip;
};

static void parse_line(struct conf *conf, struct parser *p, char *text)
{
	text = trim(text);
	if (!*text || *text == '#' || *text == ';')
		return;
	if (*text == '[') {
		p->section = parse_head(conf, p->file, p->line, text);
		p->skip = !p->section;
	} else if (p->section) {
		parse_value(conf, p->section, p->line, text);
	} else if (!p->skip) {
		mistake(conf, p->file, p->line, "'%s' is before the first section; begin with one such as [node 1]",
			text);
		p->skip = true;
	}
}

/* What no text editor writes by mistake. */
static bool is_text(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

void conf_parse(struct conf *conf, const char *file, const char *text, size_t len)
{
	struct parser p = { .file = file };
	char line[LINE_MAX_LEN + 1];
	const char *end;
	size_t n;

	for (; len; len -= n, text += n) {
		p.line++;
		end = memchr(text, '\n', len);
		n = end ? (size_t)(end - text) : len;
		if (n > LINE_MAX_LEN) {
			mistake(conf, file, p.line, "the line is longer than %d letters; make it shorter",
				LINE_MAX_LEN);
		} else if (!is_text(text, n)) {
			mistake(conf, file, p.line, "there is a letter that is no text; write it anew");
		} else {
			memcpy(line, text, n);
			line[n] = '\0';
			parse_line(conf, &p, line);
		}
		n += !!end;
	}
}
