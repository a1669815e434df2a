/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_PERSIST_H
#define _PMNCTL_PERSIST_H

#include "pmnctl.h"

/* Paths of the next three are below the root of the context. */
int persist_check(struct cli *cli, const char *path);
int persist_write(struct cli *cli, const char *path, const char *verb, const char *text);
int persist_remove(struct cli *cli, const char *path);

/* Any file, by its whole path. */
int replace_file(const char *path, const char *text);

#endif
