/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PMNCTL_RATES_H
#define _PMNCTL_RATES_H

#include "pmnctl.h"

/* What the counters were a moment ago, to say how fast they go. */
struct rates;

struct rates *rates_new(void);
void rates_free(struct rates *rates);
/* Takes the counters of all nodes for the next time. */
void rates_take(struct rates *rates, struct pmn_ctx *ctx);
/* How much the counter went up in a second; -1 when nothing is known of before. */
double rates_of(const struct rates *rates, int node, const struct pmn_counter *counter);
/* For the next picture: the time since the last one. */
void rates_now(struct rates *rates);

#endif
