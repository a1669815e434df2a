// SPDX-License-Identifier: GPL-2.0-only
/* The matrix: a row's control beside its attempt on the private node, and the verdict. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../kernel/files/tools/testing/selftests/private_node/leak/leak.h"

#include "report.h"

#define MAX_ROWS 2048

struct result {
	char name[96], note[170];
	unsigned long pages, min;
	bool skipped, pressed;
};

struct results {
	struct result r[MAX_ROWS];
	int nr;
	bool complete;
};

static char *field(char **rest)
{
	char *f = strsep(rest, "\t\n");

	return f ? f : "";
}

static bool load(const char *path, struct results *all)
{
	FILE *f = fopen(path, "r");
	char line[512], *rest;

	while (f && fgets(line, sizeof(line), f) && all->nr < MAX_ROWS) {
		struct result *r = &all->r[all->nr];

		rest = line;
		snprintf(r->name, sizeof(r->name), "%s", field(&rest));
		r->pages = strtoul(field(&rest), NULL, 10);
		r->min = strtoul(field(&rest), NULL, 10);
		r->skipped = !strcmp(field(&rest), "skip");
		r->pressed = !strcmp(field(&rest), "yes");
		snprintf(r->note, sizeof(r->note), "%s", field(&rest));
		if (!strcmp(r->name, "end"))
			all->complete = true;
		else
			all->nr++;
	}
	if (f)
		fclose(f);
	else
		fprintf(stderr, "leak: %s: cannot be read\n", path);
	return f;
}

static const struct result *find(const struct results *all, const char *name)
{
	int i;

	for (i = 0; i < all->nr; i++)
		if (!strcmp(all->r[i].name, name))
			return &all->r[i];
	return NULL;
}

/* NULL: all is well */
static const char *fault(const struct result *o, const struct result *p)
{
	if (!p)
		return "not run when private";
	if (p->pages)
		return "LEAK";
	if (o->skipped || p->skipped)
		return NULL;
	/* Zero pages prove nothing when the way did not work in this run. */
	if (o->pages < o->min)
		return "the control did not land";
	return p->pressed ? NULL : "the ordinary nodes were not exhausted";
}

static int verdict(const char *title, int nr, const struct result *o, const struct result *p, bool plain)
{
	const char *bad = fault(o, p);
	bool skipped = o->skipped || (p && p->skipped);
	const char *why = o->skipped ? o->note : p ? p->note : "";

	if (skipped && !bad) {
		printf("%-44s %10lu %10s  skipped: %s\n", o->name, o->pages, "-", why);
		if (!plain)
			printf("ok %d - %s: %s # SKIP %s\n", nr, title, o->name, why);
		return 0;
	}
	printf("%-44s %10lu %10lu  %s%s%s\n", o->name, o->pages, p ? p->pages : 0, bad ? bad : "closed",
	       p && *p->note ? ": " : "", p ? p->note : "");
	if (bad && *o->note)
		printf("# control wants %lu: %s\n", o->min, o->note);
	if (!plain)
		printf("%s %d - %s: %s%s%s\n", bad ? "not ok" : "ok", nr, title, o->name, bad ? ": " : "",
		       bad ? bad : "");
	return !!bad;
}

int compare(const char *title, const char *ordinary, const char *private, bool plain)
{
	static struct results o, p;
	int i, failed = 0;

	if (!load(ordinary, &o) || !load(private, &p))
		return 2;
	printf("%-44s %10s %10s\n", "attempt (pages on the node when)", "ordinary", "private");
	for (i = 0; i < o.nr; i++)
		failed += verdict(title, i + 1, &o.r[i], find(&p, o.r[i].name), plain);
	for (i = 0; i < p.nr; i++)
		if (!find(&o, p.r[i].name)) {
			printf("not ok %d - %s: %s: the control did not run\n", o.nr + i + 1, title, p.r[i].name);
			failed++;
		}
	if (!o.complete || !p.complete) {
		printf("not ok %d - %s: the %s boot did not come to its end\n", o.nr + p.nr + 1, title,
		       o.complete ? "private" : "ordinary");
		failed++;
	}
	return failed || !o.nr;
}

void print_aparts(void)
{
	const struct apart *a;

	printf("Ways that cannot land by their nature, and are no rows:\n");
	for (a = aparts; a->name; a++)
		printf("  %s: %s (%s)\n", a->name, a->reason, a->where);
}
