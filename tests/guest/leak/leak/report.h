/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

void print_aparts(void);
int compare(const char *title, const char *ordinary, const char *private, bool plain);

#endif
