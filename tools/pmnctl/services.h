/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_SERVICES_H
#define _PMNCTL_SERVICES_H

#include "pmnctl.h"

/*
 * The words "+name" and "-name" after which exactly the services of @list (names, "all" or "none") are
 * open on @node; "" when they are.
 */
void service_words(struct pmn_node *node, const char *list, char *words, size_t size);

#endif
