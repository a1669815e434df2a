/* SPDX-License-Identifier: GPL-2.0-only */
/* ways.h: ways to take memory, for a program that tries them one by one. */
#ifndef WAYS_H
#define WAYS_H

#include <stdbool.h>

/* What a way came to, in memory that all processes share. */
struct outcome {
	unsigned long events, free;	/* of the candidate, before */
	unsigned long landed;		/* pages of the candidate that were taken */
	bool skipped, done;
	char note[160];
};

struct row;

/* Calls FN for the rows of a table, in its short form. */
void each_way(const char *table, void (*fn)(const struct row *row, void *arg), void *arg);
const char *way_name(const struct row *row);
unsigned long way_min(const struct row *row);
/* Tries it in the process that calls: never returns.  MASK: the ordinary nodes. */
void try_way(const struct row *row, int node, unsigned long mask, struct outcome *to)
	__attribute__((noreturn));
unsigned long ordinary_nodes(void);

#endif
