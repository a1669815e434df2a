// SPDX-License-Identifier: GPL-2.0-only
/* What a node can be set to: one table for `pmnctl set` and for /etc/pmn.d. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
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

/* "0,2-3": the first that is no ordinary node; -1 for none; -2 if it is no such list. */
static int not_ordinary(struct pmn_ctx *ctx, const char *list)
{
	long first, last;
	char *p;

	do {
		if (*list < '0' || *list > '9')
			return -2;
		first = last = strtol(list, &p, 10);
		if (*p == '-' && p[1] >= '0' && p[1] <= '9')
			last = strtol(p + 1, &p, 10);
		if (first > last || last > 1023 || (*p && (*p != ',' || !p[1])))
			return -2;
		for (; first <= last; first++)
			if (!boot_is_ordinary(ctx, first))
				return first;
		list = p + 1;
	} while (*p);
	return -1;
}

int setting_check(struct cli *cli, const char *object, const struct setting *setting,
		  const char *value)
{
	char ordinary[256];
	int bad;

	if (strcmp(setting->name, "on_full") || strncmp(value, "fallback:", 9) ||
	    pmn_read(cli->ctx, "/sys/devices/system/node/has_memory", ordinary, sizeof(ordinary)))
		return PMN_OK;
	bad = not_ordinary(cli->ctx, value + 9);
	if (bad == -2)
		return complain(PMN_USAGE, "setting on_full: '%s' is no value of it; give nodes such as fallback:0,2-3",
				value);
	if (bad >= 0)
		return complain(PMN_FAILED, "%s: on_full=%s cannot be: node %d has no ordinary memory; the nodes that have are %s",
				object, value, bad, ordinary);
	return PMN_OK;
}
