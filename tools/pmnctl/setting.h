/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_SETTING_H
#define _PMNCTL_SETTING_H

#include "pmnctl.h"

struct setting {
	const char *name;
	/* Below node<N>/private. */
	const char *file;
	/* A typing mistake is to be found before the first file is written; the kernel knows more. */
	bool (*fits)(const char *value);
	const char *values;
};

/*
 * What depends on the machine: PMN_OK, or it has said why not.  @object: such as "node 1", for messages.
 */
int setting_check(struct cli *cli, const char *object, const struct setting *setting,
		  const char *value);

/* Ends with one without a name. */
const struct setting *setting_first(void);
const struct setting *setting_find(const char *name, size_t len);

#endif
