/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_REPEAT_H
#define _PMNCTL_REPEAT_H

#include "pmnctl.h"

/* --interval and --count. */
struct repeat {
	double seconds;
	/* 0: without end. */
	unsigned long count, done;
};

/* @once: how often without --interval; 0 for without end. */
int repeat_parse(struct cli *cli, struct repeat *repeat, unsigned long once);
/* Waits, and says whether there is a next time. */
bool repeat_again(struct repeat *repeat);

#endif
