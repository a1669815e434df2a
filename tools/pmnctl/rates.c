// SPDX-License-Identifier: GPL-2.0-only
/* Rates from cumulative counters. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rates.h"

struct sample {
	int node;
	bool cram;
	char name[48];
	unsigned long long value;
};

struct rates {
	struct sample *samples;
	size_t nr;
	struct timespec taken;
	double seconds;
};

struct rates *rates_new(void)
{
	return calloc(1, sizeof(struct rates));
}

void rates_free(struct rates *rates)
{
	if (rates)
		free(rates->samples);
	free(rates);
}

static void take(struct rates *rates, int node, const struct pmn_counter *counter)
{
	struct sample *s = reallocarray(rates->samples, rates->nr + 1, sizeof(*s));
	const char *name = pmn_counter_get_name(counter);

	if (!s)
		return;
	rates->samples = s;
	s += rates->nr;
	if (strlen(name) >= sizeof(s->name))
		return;
	strcpy(s->name, name);
	s->node = node;
	s->cram = pmn_counter_is_cram(counter);
	s->value = pmn_counter_get_value(counter);
	rates->nr++;
}

void rates_take(struct rates *rates, struct pmn_ctx *ctx)
{
	struct pmn_counter *counter;
	struct pmn_node *node;

	rates->nr = 0;
	clock_gettime(CLOCK_MONOTONIC, &rates->taken);
	pmn_node_foreach(ctx, node)
		pmn_counter_foreach(node, counter)
			take(rates, pmn_node_get_id(node), counter);
}

void rates_now(struct rates *rates)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	rates->seconds = now.tv_sec - rates->taken.tv_sec +
			 (now.tv_nsec - rates->taken.tv_nsec) / 1e9;
}

/* A counter that went down is of a node that was registered anew. */
double rates_of(const struct rates *rates, int node, const struct pmn_counter *counter)
{
	unsigned long long value = pmn_counter_get_value(counter);
	const struct sample *s;
	size_t i;

	for (i = 0; i < rates->nr; i++) {
		s = &rates->samples[i];
		if (s->node == node && s->cram == pmn_counter_is_cram(counter) &&
		    !strcmp(s->name, pmn_counter_get_name(counter)))
			return value < s->value || rates->seconds <= 0 ? -1 :
			       (value - s->value) / rates->seconds;
	}
	return -1;
}
