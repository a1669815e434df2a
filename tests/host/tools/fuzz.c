// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: whatever is in a file of /etc/pmn.d, the parser tells each mistake or takes it.
 *
 * With libFuzzer, or with -DREPLAY to run files through it once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "pmnctl.h"

static int told;

/* One line of text, which names the file and a line. */
static void tell(const char *text)
{
	if (strncmp(text, "fuzz:", 5) || strtol(text + 5, NULL, 10) < 1 || strchr(text, '\n'))
		abort();
	told++;
}

/* What was taken makes sense: a kind, a name that fits, values that are not empty. */
static void check(const struct conf *conf)
{
	const struct conf_section *s;
	const struct conf_value *v;

	STAILQ_FOREACH(s, &conf->sections, list) {
		if (!conf_kind_name(s->kind) || (s->kind == CONF_CRAM) != !*s->name || s->line < 1)
			abort();
		STAILQ_FOREACH(v, &s->values, list)
			if (!*v->key || !*v->text || v->line <= s->line || !conf_get(s, v->key))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pmn_ctx *ctx;
	struct conf conf;

	if (pmn_new(&ctx))
		return 0;
	told = 0;
	conf_init(&conf, ctx, tell);
	conf_parse(&conf, "fuzz", (const char *)data, size);
	if (told != conf.mistakes)
		abort();
	check(&conf);
	conf_free(&conf);
	pmn_unref(ctx);
	return 0;
}

#ifdef REPLAY
#include "replay.h"
#endif
