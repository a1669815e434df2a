// SPDX-License-Identifier: GPL-2.0-only
/* What a node can be set to: one table for `pmnctl set` and for /etc/pmn.d. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setting.h"

static bool is_number(const char *text, unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	return !errno && !*end && value >= min && value <= max;
}

static bool is_on_full(const char *text)
{
	if (!strncmp(text, "fallback:", 9))
		return text[9] && strspn(text + 9, "0123456789,-") == strlen(text + 9);
	return !strcmp(text, "fail") || !strcmp(text, "sigbus") || !strcmp(text, "oom");
}

static bool is_on_unplug(const char *text)
{
	return !strcmp(text, "refuse") || !strcmp(text, "move") || !strcmp(text, "sigbus");
}

static bool is_access(const char *text)
{
	return !strcmp(text, "any") || !strcmp(text, "named");
}

static bool is_adistance(const char *text)
{
	return is_number(text, 0, 1000000);
}

static bool is_promotion(const char *text)
{
	return is_number(text, 0, 65536);
}

static bool is_weight(const char *text)
{
	return is_number(text, 1, 255);
}

static bool is_writable(const char *text)
{
	unsigned long long bytes;

	return !strcmp(text, "default") || !parse_size(text, &bytes);
}

static const struct setting settings[] = {
	{ "on_full", "on_full", is_on_full, "fail, sigbus, oom, or fallback:NODES" },
	{ "on_unplug", "on_unplug", is_on_unplug, "refuse, move, or sigbus" },
	{ "access", "access", is_access, "any, or named (by each cgroup that shall have it)" },
	{ "adistance", "adistance", is_adistance, "a number from 0 (firmware's) to 1000000" },
	{ "promotion", "promotion_mib_per_second", is_promotion,
	  "MiB a second, from 0 to 65536" },
	{ "weight", "interleave_weight", is_weight, "a number from 1 to 255" },
	{ "writable", "cram/writable_bytes", is_writable, "a size such as 64M, 0, or default" },
	{ NULL }
};

const struct setting *setting_first(void)
{
	return settings;
}

const struct setting *setting_find(const char *name, size_t len)
{
	const struct setting *s;

	for (s = settings; s->name; s++)
		if (strlen(s->name) == len && !strncmp(s->name, name, len))
			return s;
	return NULL;
}
