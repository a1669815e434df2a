// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger against a model of a device: whatever the order of readings,
 * placements, frees, trims and failures, the device is never over-filled.
 */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../ledger.h"

#define WORST	4096
#define PAGES	64
#define STEPS	20000

enum page_state { FREE, RESERVED, STORED, SETTLED, WRITABLE, FREED };

/* A device that uses up to the worst case for a page, and a reader of it. */
struct model {
	struct kunit *test;
	struct rnd_state rnd;
	struct cram_ledger ledger;
	enum page_state state[PAGES];
	unsigned int size[PAGES];	/* what it takes, from STORED on */
	u64 total, used, peak;
	bool reading;
	u64 seen;			/* use when the reading began, or later */
	unsigned long refused, placed;
};

static u32 draw(struct model *m, u32 below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static void step_page(struct model *m, unsigned int i)
{
	switch (m->state[i]) {
	case FREE:
		if (!cram_ledger_reserve(&m->ledger, 1)) {
			m->refused++;
			return;
		}
		m->state[i] = RESERVED;
		return;
	case RESERVED:
		if (!draw(m, 8)) {
			cram_ledger_cancel(&m->ledger, 1);
			m->state[i] = FREE;
			return;
		}
		m->size[i] = draw(m, 4) ? draw(m, WORST + 1) : WORST;
		m->used += m->size[i];
		m->placed++;
		m->state[i] = STORED;
		return;
	case STORED:
		cram_ledger_settle(&m->ledger, 1);
		/* The copy, or the mapping, failed: freed at once. */
		m->state[i] = draw(m, 4) ? SETTLED : FREED;
		return;
	case SETTLED:
		m->state[i] = !draw(m, 4) && cram_ledger_reserve(&m->ledger, 1) ?
			      WRITABLE : FREED;
		return;
	case WRITABLE:
		/* Stores at any time; what the last of them did, no reading has to show. */
		if (draw(m, 3)) {
			m->used -= m->size[i];
			m->size[i] = draw(m, WORST + 1);
			m->used += m->size[i];
			return;
		}
		cram_ledger_settle(&m->ledger, 1);
		m->state[i] = FREED;
		return;
	case FREED:
		/* A trim that fails leaves it. */
		if (!draw(m, 3))
			return;
		m->used -= m->size[i];
		m->state[i] = FREE;
		return;
	}
}

static void step_reading(struct model *m)
{
	u64 free, less;

	if (!m->reading) {
		cram_ledger_read_begin(&m->ledger);
		m->reading = true;
		m->seen = m->used;
		return;
	}
	/* The device may look at any moment since; or say that less is free. */
	free = m->total - (draw(m, 2) ? m->seen : m->used);
	less = draw(m, 3) ? 0 : draw(m, free + 1);
	cram_ledger_read_end(&m->ledger, draw(m, 4), free - less);
	m->reading = false;
}

static void run(struct kunit *test, u64 seed, u64 total, u64 margin)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->total = total;
	prandom_seed_state(&m->rnd, seed);
	cram_ledger_init(&m->ledger, WORST, margin);
	for (i = 0; i < STEPS; i++) {
		if (draw(m, 10))
			step_page(m, draw(m, PAGES));
		else
			step_reading(m);
		m->peak = max(m->peak, m->used);
		if (m->used > m->total)
			break;
	}
	KUNIT_EXPECT_LE_MSG(test, m->peak, total - margin, "seed %llu, step %d",
			    seed, i);
	/* It is no proof when nothing was placed, or nothing refused. */
	KUNIT_EXPECT_GT(test, m->placed, 100);
	KUNIT_EXPECT_GT(test, m->refused, 100);
}

static void never_over_filled(struct kunit *test)
{
	u64 seed;

	for (seed = 1; seed <= 20; seed++)
		run(test, seed, (8 + seed) * WORST, seed % 3 * WORST);
}

/* The same without the ledger: the model has teeth. */
static void over_filled_without(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->total = 16 * WORST;
	prandom_seed_state(&m->rnd, 1);
	cram_ledger_init(&m->ledger, WORST, 0);
	m->ledger.disabled = true;
	for (i = 0; i < STEPS && m->used <= m->total; i++)
		step_page(m, draw(m, PAGES));
	KUNIT_EXPECT_GT(test, m->used, m->total);
}

static void nothing_before_a_reading(struct kunit *test)
{
	struct cram_ledger l;

	cram_ledger_init(&l, WORST, 0);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, false, 10 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 2 * WORST);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 2 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 3));
	KUNIT_EXPECT_TRUE(test, cram_ledger_reserve(&l, 2));
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
}

/* A reading that began before a page was settled does not cover it. */
static void covers_what_was_settled(struct kunit *test)
{
	struct cram_ledger l;

	cram_ledger_init(&l, WORST, 0);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 3 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 2));
	cram_ledger_settle(&l, 1);
	cram_ledger_read_begin(&l);
	cram_ledger_settle(&l, 1);
	/* One page of 100 bytes is seen, the other may be or not. */
	cram_ledger_read_end(&l, true, 3 * WORST - 100);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 2 * WORST - 100);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 3 * WORST - 200);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 3 * WORST - 200);
}

/* A device that shrank: less than nothing is left. */
static void credit_below_zero(struct kunit *test)
{
	struct cram_ledger l;

	cram_ledger_init(&l, WORST, WORST);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 4 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 3));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, WORST);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), -3 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_cancel(&l, 3);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 0);
}

/* What was stored during a reading is counted twice; what may yet be stored is a promise. */
static void short_of_what_is_promised(struct kunit *test)
{
	struct cram_ledger l;

	cram_ledger_init(&l, WORST, WORST);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 4 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 2));
	cram_ledger_read_begin(&l);
	cram_ledger_settle(&l, 2);
	cram_ledger_read_end(&l, true, 2 * WORST);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), -WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_short(&l));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 2 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_short(&l));
	/* It shrinks. */
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 2 * WORST - 1);
	KUNIT_EXPECT_TRUE(test, cram_ledger_short(&l));
	cram_ledger_cancel(&l, 1);
	KUNIT_EXPECT_FALSE(test, cram_ledger_short(&l));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, WORST - 1);
	KUNIT_EXPECT_TRUE(test, cram_ledger_short(&l));
}

static struct kunit_case cram_cases[] = {
	KUNIT_CASE(never_over_filled),
	KUNIT_CASE(over_filled_without),
	KUNIT_CASE(nothing_before_a_reading),
	KUNIT_CASE(covers_what_was_settled),
	KUNIT_CASE(credit_below_zero),
	KUNIT_CASE(short_of_what_is_promised),
	{}
};

static struct kunit_suite cram_suite = {
	.name = "cram",
	.test_cases = cram_cases,
};

kunit_test_suite(cram_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of compressed RAM");
MODULE_LICENSE("GPL");
