/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guided.h: inputs of the fuzzer, and what KCOV says that they reach.
 *
 * An input is a row of steps.  A step is who does it, and a number that all its draws come from.  As
 * text: "w1a2b3c4d p00000007 s...": w is a worker, p who plugs, s who sets files; an input a line.
 */
#ifndef GUIDED_H
#define GUIDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STEPS 40

struct step {
	char who;
	uint32_t draw;
};

struct input {
	unsigned int n;
	struct step step[STEPS];
};

struct corpus {
	struct input *in;
	size_t n, room;
};

/* False, with a message on stderr, when a line is no input. */
bool corpus_read(struct corpus *c, const char *file);
void corpus_add(struct corpus *c, const struct input *in);
void input_print(FILE *to, const struct input *in);

/* A new input, more often than not made of those of @c; draws from the process's own draw(). */
void input_make(struct input *in, const struct corpus *c, unsigned long (*draw)(unsigned long));

/* Maps KCOV's buffer; false without KCOV.  By the one who starts the tasks, before the first. */
bool kcov_open(void);
/* From now on the task's way through the kernel is written down. */
void kcov_begin(void);
/* Adds the blocks that were passed since then, or since the last call: how many are new to all. */
unsigned long kcov_fold(void);
/* All until now. */
unsigned long kcov_blocks(void);

#endif
