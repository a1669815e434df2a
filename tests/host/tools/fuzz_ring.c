// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_ring: whatever is in /proc/private_node_refusals, the library takes whole lines and leaves others.
 *
 * With libFuzzer, or with -DREPLAY to run files through it once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* What was taken has its fields, and sentences without a word that should have been replaced. */
static void check(const struct pmn_refusal *r)
{
	static const char *const fields[] = { "time", "count", "node", "owner", "what", "why", "pid", "comm" };
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!pmn_refusal_get(r, fields[i]))
			abort();
	if (!*pmn_refusal_get_act(r) || !*pmn_refusal_get_reason(r) || !*pmn_refusal_get_advice(r))
		abort();
	if (strstr(pmn_refusal_get_advice(r), "SERVICE"))
		abort();
	pmn_refusal_get_number(r, "count");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct pmn_refusal *r;
	struct pmn_ctx *ctx;

	/* check() looks for it in what the library makes of the input. */
	if (text && strstr(text, "SERVICE")) {
		free(text);
		return -1;
	}
	if (!text || pmn_new(&ctx))
		abort();
	ctx->refusals_read = true;
	pmn_refusals_parse(ctx, text);
	free(text);
	pmn_refusal_foreach(ctx, r)
		check(r);
	pmn_unref(ctx);
	return 0;
}

#ifdef REPLAY
#include "replay.h"
#endif
