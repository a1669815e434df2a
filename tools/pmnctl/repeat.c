// SPDX-License-Identifier: GPL-2.0-only
/* Doing something again and again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "repeat.h"

static int parse_count(const char *text, unsigned long *count)
{
	char *end;

	errno = 0;
	*count = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || !*count)
		return complain(PMN_USAGE, "--count '%s': a whole number above 0 is wanted", text);
	return PMN_OK;
}

int repeat_parse(struct cli *cli, struct repeat *repeat, unsigned long once)
{
	const char *interval = cli->opt[OPT_INTERVAL], *count = cli->opt[OPT_COUNT];

	*repeat = (struct repeat){ .seconds = 1, .count = interval ? 0 : once };
	if (interval && parse_seconds(interval, &repeat->seconds))
		return complain(PMN_USAGE, "--interval '%s': seconds from 0.1 to 86400 are wanted",
				interval);
	return count ? parse_count(count, &repeat->count) : PMN_OK;
}

bool repeat_again(struct repeat *repeat)
{
	struct timespec t = {
		.tv_sec = repeat->seconds,
		.tv_nsec = (repeat->seconds - (long)repeat->seconds) * 1e9,
	};

	if (repeat->count && ++repeat->done >= repeat->count)
		return false;
	/* Who reads our lines wants them now. */
	fflush(stdout);
	if (ferror(stdout))
		return false;
	while (nanosleep(&t, &t) && errno == EINTR)
		;
	return true;
}
