// SPDX-License-Identifier: GPL-2.0-only
/* Messages, sizes, and what a dry run prints. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmnctl.h"

/* One line on standard error: object, what, why, what next.  Returns @code. */
int complain(int code, const char *fmt, ...)
{
	va_list ap;

	/* What was said before comes before, also where both go to one file. */
	fflush(stdout);
	fputs("pmnctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

int complain_lib(struct cli *cli, int code)
{
	return complain(code, "%s", pmn_error(cli->ctx));
}

int named_nodes(struct cli *cli, struct pmn_nodeset **set)
{
	int ret = pmn_check_kernel(cli->ctx);

	if (!ret)
		ret = pmn_nodeset_parse(cli->ctx, cli->args[0], set);
	return ret ? complain_lib(cli, ret) : PMN_OK;
}

/* 512M, 1.5G, as lsmem and zramctl have them. */
void human_size(char *text, size_t size, unsigned long long bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	double value = bytes;

	while (value >= 1024 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (!unit || value >= 99.95 || fabs(value - round(value)) < 0.05)
		snprintf(text, size, "%.0f%c", value, units[unit]);
	else
		snprintf(text, size, "%.1f%c", value, units[unit]);
}

/* Whole numbers with K, M, G or T, as the kernel's files take them. */
int parse_size(const char *text, unsigned long long *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return PMN_USAGE;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (errno || *end || *bytes > ~0ULL >> shift)
		return PMN_USAGE;
	*bytes <<= shift;
	return PMN_OK;
}

/* From a tenth of a second to a day. */
int parse_seconds(const char *text, double *seconds)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return PMN_USAGE;
	*seconds = strtod(text, &end);
	return *end || *seconds < 0.1 || *seconds > 86400 ? PMN_USAGE : PMN_OK;
}

/* For --dry-run. */
int show_steps(struct pmn_change *change)
{
	struct pmn_step *step;

	pmn_step_foreach(change, step)
		printf("%s: would write '%s' to %s\n", pmn_step_get_object(step),
		       pmn_step_get_value(step), pmn_step_get_path(step));
	return PMN_OK;
}

/* The end of each verb that changes something; frees the change. */
int apply_or_show(struct cli *cli, struct pmn_change *change)
{
	int ret;

	if (cli->opt[OPT_DRY_RUN]) {
		ret = show_steps(change);
	} else {
		ret = pmn_change_apply(change);
		if (ret)
			complain_lib(cli, ret);
	}
	pmn_change_free(change);
	return ret;
}
