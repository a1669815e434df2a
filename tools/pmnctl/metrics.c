// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmnctl metrics: for Prometheus, by the textfile collector of node_exporter or by a web server.
 *
 * OpenMetrics and the older text format differ in the name behind # TYPE of a counter, which is
 * without or with _total, and in the end mark.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmnctl.h"
#include "persist.h"

struct out {
	FILE *f;
	bool openmetrics;
};

static void counter_head(struct out *out, const char *name, const char *help)
{
	const char *total = out->openmetrics ? "" : "_total";

	fprintf(out->f, "# HELP %s%s %s\n# TYPE %s%s counter\n", name, total, help, name, total);
}

static void gauge_head(struct out *out, const char *name, const char *help)
{
	fprintf(out->f, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Owners have letters, digits, '_', '-' and '.', which need no escape. */
static void labels(struct out *out, struct pmn_node *node)
{
	fprintf(out->f, "{node=\"%d\",owner=\"%s\"", pmn_node_get_id(node), pmn_node_get_owner(node));
}

/* -- levels ----------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	unsigned long long (*get)(const struct pmn_node *node);
} node_levels[] = {
	{ "pmn_node_size_bytes", "Memory that the page allocator manages on the node.",
	  pmn_node_get_size },
	{ "pmn_node_free_bytes", "Memory of the node that is free.", pmn_node_get_free },
};

static const struct {
	const char *name, *file, *help;
} cram_levels[] = {
	{ "pmn_cram_shown_bytes", "shown_bytes", "Memory that the compressing device shows." },
	{ "pmn_cram_physical_bytes", "physical_bytes", "What the device can store." },
	{ "pmn_cram_used_bytes", "used_bytes", "What the device stores, by its last reading." },
	{ "pmn_cram_credit_bytes", "credit_bytes",
	  "What may still be admitted at the worst case for each page; 0 or less while nothing is." },
	{ "pmn_cram_resident_bytes", "resident_bytes", "Memory in use there, as its users see it." },
	{ "pmn_cram_untrimmed_bytes", "untrimmed_bytes",
	  "Memory that was freed, and that the device has not trimmed yet." },
	{ "pmn_cram_writable_bytes", "writable_bytes", "How much may be written to in place." },
	{ "pmn_cram_writable_used_bytes", "writable_used_bytes",
	  "Memory that may be written to in place now." },
};

static const char *const cram_states[] = { "ok", "short", "silent", "broken", "closing" };

static void print_node_levels(struct out *out, struct pmn_ctx *ctx)
{
	struct pmn_node *node;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(node_levels); i++) {
		gauge_head(out, node_levels[i].name, node_levels[i].help);
		pmn_node_foreach(ctx, node) {
			fputs(node_levels[i].name, out->f);
			labels(out, node);
			fprintf(out->f, "} %llu\n", node_levels[i].get(node));
		}
	}
}

static void print_services(struct out *out, struct pmn_ctx *ctx)
{
	const struct pmn_service *s;
	struct pmn_node *node;

	gauge_head(out, "pmn_node_service_open", "1 for a service that is open on the node, 0 for one that may be opened.");
	pmn_node_foreach(ctx, node)
		pmn_service_foreach(s) {
			if (!pmn_node_is_capable(node, s))
				continue;
			fputs("pmn_node_service_open", out->f);
			labels(out, node);
			fprintf(out->f, ",service=\"%s\"} %d\n", pmn_service_get_name(s),
				pmn_node_is_enabled(node, s));
		}
}

static void print_cram_levels(struct out *out, struct pmn_ctx *ctx)
{
	struct pmn_node *node;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cram_levels); i++) {
		gauge_head(out, cram_levels[i].name, cram_levels[i].help);
		pmn_node_foreach(ctx, node) {
			if (!pmn_node_is_cram(node))
				continue;
			fputs(cram_levels[i].name, out->f);
			labels(out, node);
			fprintf(out->f, "} %lld\n", pmn_cram_get_bytes(node, cram_levels[i].file));
		}
	}
	gauge_head(out, "pmn_cram_state", "1 for the state that the device is in, 0 for the others.");
	pmn_node_foreach(ctx, node)
		for (i = 0; pmn_node_is_cram(node) && i < ARRAY_SIZE(cram_states); i++) {
			fputs("pmn_cram_state", out->f);
			labels(out, node);
			fprintf(out->f, ",state=\"%s\"} %d\n", cram_states[i],
				!strcmp(cram_states[i], pmn_cram_get_state(node)));
		}
}

/* -- counters ----------------------------------------------------------------------- */

/* <user>_used, <user>_refused, <user>_failed become one metric with labels. */
static const char *const outcomes[] = { "used", "refused", "failed" };

static bool split(const char *name, int *user_len, const char **outcome)
{
	size_t len = strlen(name), i, n;

	for (i = 0; i < ARRAY_SIZE(outcomes); i++) {
		n = strlen(outcomes[i]);
		if (len > n + 1 && !strcmp(name + len - n, outcomes[i]) && name[len - n - 1] == '_') {
			*user_len = len - n - 1;
			*outcome = outcomes[i];
			return true;
		}
	}
	return false;
}

static void print_requests(struct out *out, struct pmn_ctx *ctx)
{
	struct pmn_counter *c;
	struct pmn_node *node;
	const char *outcome;
	int len;

	counter_head(out, "pmn_node_requests", "Pages placed (used), and requests that were turned away (refused) or found no page (failed), by service.");
	pmn_node_foreach(ctx, node)
		pmn_counter_foreach(node, c) {
			if (pmn_counter_is_cram(c) || !split(pmn_counter_get_name(c), &len, &outcome))
				continue;
			fputs("pmn_node_requests_total", out->f);
			labels(out, node);
			fprintf(out->f, ",service=\"%.*s\",outcome=\"%s\"} %llu\n", len,
				pmn_counter_get_name(c), outcome, pmn_counter_get_value(c));
		}
}

/* All that is of one kind, with its name as a label: a newer kernel may have more. */
static void print_events(struct out *out, struct pmn_ctx *ctx, const char *metric, const char *help,
			 bool cram)
{
	struct pmn_counter *c;
	struct pmn_node *node;
	const char *outcome;
	int len;

	counter_head(out, metric, help);
	pmn_node_foreach(ctx, node)
		pmn_counter_foreach(node, c) {
			if (pmn_counter_is_cram(c) != cram ||
			    (!cram && split(pmn_counter_get_name(c), &len, &outcome)))
				continue;
			fprintf(out->f, "%s_total", metric);
			labels(out, node);
			fprintf(out->f, ",event=\"%s\"} %llu\n", pmn_counter_get_name(c),
				pmn_counter_get_value(c));
		}
}

static void print_all(struct out *out, struct pmn_ctx *ctx)
{
	print_node_levels(out, ctx);
	print_services(out, ctx);
	print_requests(out, ctx);
	print_events(out, ctx, "pmn_node_events", "Other counters of the node, by name; see sysfs-kernel-mm-private-node.",
		     false);
	print_cram_levels(out, ctx);
	print_events(out, ctx, "pmn_cram_events", "Counters of the compressing device, by name; see sysfs-kernel-mm-cram.",
		     true);
	if (out->openmetrics)
		fputs("# EOF\n", out->f);
}

int verb_metrics(struct cli *cli)
{
	const char *format = cli->opt[OPT_FORMAT] ? cli->opt[OPT_FORMAT] : "openmetrics";
	struct out out = { .openmetrics = !strcmp(format, "openmetrics") };
	char *text = NULL;
	size_t size;
	int ret;

	if (!out.openmetrics && strcmp(format, "prometheus"))
		return complain(PMN_USAGE, "--format '%s': it is neither openmetrics nor prometheus",
				format);
	ret = pmn_check_kernel(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	out.f = open_memstream(&text, &size);
	if (!out.f)
		return complain(PMN_FAILED, "memory: not enough");
	print_all(&out, cli->ctx);
	if (fclose(out.f))
		ret = complain(PMN_FAILED, "memory: not enough");
	else if (cli->opt[OPT_TO])
		ret = replace_file(cli->opt[OPT_TO], text);
	else
		fputs(text, stdout);
	free(text);
	return ret;
}
