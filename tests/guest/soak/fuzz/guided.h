/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guided.h: inputs of the fuzzer, and what KCOV says that they reach.
 *
 * An input is a row of steps.  A step is an operation, and a number that all its draws come from.  As
 * text: "map:1a2b3c4d new_node:7 ..."; an input a line.
 */
#ifndef GUIDED_H
#define GUIDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STEPS 40

struct step {
	unsigned int op;
	uint64_t draw;
};

struct input {
	unsigned int n;
	struct step step[STEPS];
};

struct corpus {
	struct input *in;
	size_t n, room;
};

/* What the fuzzer knows of operations. */
int op_number(const char *name, size_t len);	/* -1 for none */
const char *op_text(unsigned int op);
unsigned int op_random(void);
unsigned long op_draw(unsigned long below);

/* False, with a message on stderr, when a line is no input. */
bool corpus_read(struct corpus *c, const char *file);
void corpus_add(struct corpus *c, const struct input *in);
void input_print(FILE *to, const struct input *in);

/* A new input, more often than not made of those of @c. */
void input_make(struct input *in, const struct corpus *c);

/* Maps KCOV's buffer; false without KCOV.  By the one who starts the tasks, before the first. */
bool kcov_open(void);
/* From now on the task's way through the kernel is written down. */
void kcov_begin(void);
/* Adds the blocks that were passed since then, or since the last call: how many are new to all. */
unsigned long kcov_fold(void);
/* All until now. */
unsigned long kcov_blocks(void);

#endif
