// SPDX-License-Identifier: GPL-2.0-only
/* The context: where the files of the kernel are, and what went wrong last. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/**
 * pmn_new - make a context
 * @ctx: receives it, with one reference
 *
 * Return: PMN_OK, or PMN_FAILED when there is no memory.
 */
int pmn_new(struct pmn_ctx **ctx)
{
	struct pmn_ctx *c = calloc(1, sizeof(*c));

	if (!c)
		return PMN_FAILED;
	c->refs = 1;
	c->root = strdup("");
	if (!c->root) {
		free(c);
		return PMN_FAILED;
	}
	STAILQ_INIT(&c->nodes);
	STAILQ_INIT(&c->dax);
	STAILQ_INIT(&c->cgroups);
	STAILQ_INIT(&c->users);
	STAILQ_INIT(&c->refusals);
	*ctx = c;
	return PMN_OK;
}

struct pmn_ctx *pmn_ref(struct pmn_ctx *ctx)
{
	ctx->refs++;
	return ctx;
}

/**
 * pmn_unref - give a reference back
 * @ctx: a context, or NULL
 *
 * With the last one the context and all its objects go.
 *
 * Return: NULL
 */
struct pmn_ctx *pmn_unref(struct pmn_ctx *ctx)
{
	if (!ctx || --ctx->refs)
		return NULL;
	pmn_refresh(ctx);
	free(ctx->error);
	free(ctx->root);
	free(ctx);
	return NULL;
}

/**
 * pmn_refresh - forget what was read
 * @ctx: the context
 *
 * Every object of the context goes.  The next call reads them again.
 */
void pmn_refresh(struct pmn_ctx *ctx)
{
	pmn_refusals_free(ctx);
	pmn_users_free(ctx);
	pmn_cgroups_free(ctx);
	pmn_daxes_free(ctx);
	pmn_nodes_free(ctx);
}

/**
 * pmn_set_root - take a folder for /
 * @ctx: the context
 * @dir: with sys, proc and dev below it; "" for the machine itself
 *
 * For tests, and for looking at a copy of another machine's files.
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_set_root(struct pmn_ctx *ctx, const char *dir)
{
	char *root = strdup(strcmp(dir, "/") ? dir : "");

	if (!root)
		return pmn_no_memory(ctx);
	pmn_refresh(ctx);
	free(ctx->root);
	ctx->root = root;
	return PMN_OK;
}

const char *pmn_get_root(const struct pmn_ctx *ctx)
{
	return ctx->root;
}

/**
 * pmn_error - one sentence about the call that failed last
 * @ctx: the context
 *
 * Return: text without a newline, valid until the next failure; "" if none failed.
 */
const char *pmn_error(const struct pmn_ctx *ctx)
{
	return ctx->error ? ctx->error : "";
}

int pmn_fail(struct pmn_ctx *ctx, enum pmn_result code, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	/* The old sentence may be part of the new one. */
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	free(ctx->error);
	ctx->error = text;
	return code;
}

int pmn_no_memory(struct pmn_ctx *ctx)
{
	return pmn_fail(ctx, PMN_FAILED,
			"memory: this program cannot get what it needs; free some and try again");
}

/**
 * pmn_check_kernel - does the running kernel know private nodes?
 * @ctx: the context
 *
 * Return: PMN_OK or PMN_NO_KERNEL.
 */
int pmn_check_kernel(struct pmn_ctx *ctx)
{
	if (pmn_exists(ctx, NODES "/has_private_memory"))
		return PMN_OK;
	return pmn_fail(ctx, PMN_NO_KERNEL,
			"kernel: it has no private memory nodes, since " NODES
			"/has_private_memory is missing; boot one that is built with CONFIG_PRIVATE_NODE=y");
}
