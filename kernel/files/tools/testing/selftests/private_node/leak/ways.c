// SPDX-License-Identifier: GPL-2.0-only
/* The rows, for a program that tries them one by one, and looks what landed on the candidate. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "leak.h"
#include "ways.h"

static struct outcome *out;
static int candidate;

void note(const char *fmt, ...)
{
	size_t len = strlen(out->note);
	va_list ap;

	if (len && len < sizeof(out->note) - 3) {
		strcat(out->note, "; ");
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(out->note + len, sizeof(out->note) - len, fmt, ap);
	va_end(ap);
}

void note_errno(const char *what)
{
	note("%s: %s", what, strerror(errno));
}

int skip_row(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->note, sizeof(out->note), fmt, ap);
	va_end(ap);
	out->skipped = true;
	return SKIPPED;
}

void seen(unsigned long pages)
{
	if (pages > out->landed)
		out->landed = pages;
}

/* Per-CPU counts are in the sums now. */
static void refresh(void)
{
	write_file("/proc/sys/vm/stat_refresh", "1");
}

void mark(void)
{
	refresh();
	out->events = node_events(candidate);
	out->free = node_free(candidate);
}

/* What is freed at once was an event; what comes by no event is missed. */
static void judge(void)
{
	unsigned long events, free;

	refresh();
	events = node_events(candidate) - out->events;
	free = node_free(candidate);
	seen(events);
	seen(out->free > free ? out->free - free : 0);
}

const char *way_name(const struct row *row)
{
	return row->name;
}

unsigned long way_min(const struct row *row)
{
	return row->min ?: 1;
}

unsigned long ordinary_nodes(void)
{
	return node_set("has_memory");
}

static const struct row *table(const char *name)
{
	if (!strcmp(name, "user"))
		return mem_rows;
	if (!strcmp(name, "file"))
		return file_rows;
	if (!strcmp(name, "kernel"))
		return kern_rows;
	if (!strcmp(name, "policy"))
		return policy_rows;
	if (!strcmp(name, "mode"))
		return mode_rows();
	if (!strcmp(name, "move"))
		return move_rows;
	return incore_rows();
}

/*
 * The short form: of the ways that need no exhausted nodes, those that odd topologies are tried
 * with.
 */
void each_way(const char *name, void (*fn)(const struct row *row, void *arg), void *arg)
{
	const struct row *row;

	for (row = table(name); row->name; row++)
		if (row->flags & (NAMED | POLICY) && row->flags & (QUICK | SHORT) &&
		    !(row->flags & (GIGA | LATE)))
			fn(row, arg);
}

void try_way(const struct row *row, int node, unsigned long mask, struct outcome *to)
{
	struct ctx c = {
		.row = row,
		.node = node,
		.candidates = 1UL << node,
		.ordinary = mask & ~(1UL << node),
	};

	out = to;
	candidate = node;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mark();
	if (!(row->flags & NAMED) && !bind_self(node))
		note_errno("set_mempolicy");
	row->fn(&c);
	judge();
	out->done = true;
	for (;;)
		pause();
}
