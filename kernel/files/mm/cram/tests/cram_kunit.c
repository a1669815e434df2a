// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of compressed RAM.
 *
 * Tests of the ledger run it against a model of a device.  Readings,
 * placements, grants, events, frees, trims and failures come in random order.
 * The device is never over-filled, and nothing is admitted from a capacity
 * event to the end of a reading that began after it.
 *
 * only_what_can_be_read tests which page cache may be placed, waits_double how
 * long a refaulted page waits.  Tests with names in register and device use a
 * simulated driver on a node of private_node=: what it may register, and how
 * its reports are handled.
 */
#include <kunit/test.h>
#include <linux/cram.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/private_node.h>

#include "../../private_node/internal.h"
#include "../cram.h"
#include "../ledger.h"

#define WORST	4096
#define DEVICES	2
#define FOLIOS	64
#define ORDER	2	/* order of the largest folios */
#define STEPS	40000

enum folio_state { FREE, RESERVED, TAKEN, STORED, RESIDENT, GRANTED, FREED };

/* A folio of one to 1 << ORDER pages. */
struct model_folio {
	enum folio_state state;
	unsigned int nr;
	unsigned int size[1 << ORDER];	/* use of each page, from STORED on */
	bool also;			/* reserved on the other device as well */
	bool late;			/* in a batch, see cram_ledger_store() */
};

/* A device that uses up to the worst case for each page, and its readings. */
struct model_device {
	struct cram_ledger ledger;
	struct model_folio folios[FOLIOS];
	u64 total, margin, used, peak;
	bool reading;
	u64 seen;			/* use when the reading began */
	bool fresh, fresh_soon;		/* no event since a good reading began */
};

struct model {
	struct rnd_state rnd;
	struct model_device devices[DEVICES];
	unsigned long refused, placed, granted, early, stolen, renewed, unbalanced;
};

static DEFINE_PER_CPU(struct cram_late[DEVICES], lates);

static void init_ledger(struct cram_ledger *l, u64 margin, unsigned int device)
{
	cram_ledger_init(l, WORST, margin, &lates[device]);
}

static u32 draw(struct model *m, u32 below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static struct model_device *other(struct model *m, struct model_device *d)
{
	return &m->devices[d == m->devices];
}

static void set_sizes(struct model *m, struct model_device *d,
		      struct model_folio *f)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++) {
		d->used -= f->size[i];
		f->size[i] = draw(m, 4) ? draw(m, WORST + 1) : WORST;
		d->used += f->size[i];
	}
}

/*
 * As reclaim: reserves on one or both devices, and later takes from one of
 * them.
 */
static void step_reserve(struct model *m, struct model_device *d,
			 struct model_folio *f)
{
	f->nr = 1 << draw(m, ORDER + 1);
	if (!cram_ledger_reserve(&d->ledger, f->nr)) {
		m->refused++;
		return;
	}
	m->early += !d->fresh;
	f->also = draw(m, 2) && cram_ledger_reserve(&other(m, d)->ledger, f->nr);
	f->state = RESERVED;
}

static void cancel_other(struct model *m, struct model_device *d,
			 struct model_folio *f)
{
	if (f->also)
		cram_ledger_cancel(&other(m, d)->ledger, f->nr);
	f->also = false;
}

/*
 * Gives up, takes in a batch, or takes pages, of which the allocator may have
 * none.
 */
static void step_take(struct model *m, struct model_device *d,
		      struct model_folio *f)
{
	if (!draw(m, 8)) {
		cram_ledger_cancel(&d->ledger, f->nr);
		cancel_other(m, d, f);
		f->state = FREE;
		return;
	}
	if (!draw(m, 3)) {
		cancel_other(m, d, f);
		f->late = true;
		f->state = TAKEN;
		return;
	}
	if (!cram_ledger_take(&d->ledger, f->nr))
		return;
	if (!draw(m, 8)) {
		cram_ledger_untake(&d->ledger, f->nr);
		return;
	}
	cancel_other(m, d, f);
	f->state = TAKEN;
}

static void step_store(struct model *m, struct model_device *d,
		       struct model_folio *f)
{
	set_sizes(m, d, f);
	m->placed++;
	f->state = STORED;
}

static void settle_model(struct model_device *d, struct model_folio *f)
{
	if (f->late)
		cram_ledger_store(&d->ledger, f->nr);
	else
		cram_ledger_settle(&d->ledger, f->nr);
	f->late = false;
}

/* Ends a batch, in which @f may have been taken and not stored yet. */
static void step_batch(struct model *m, struct model_device *d,
		       struct model_folio *f)
{
	bool taken = f->state == TAKEN && f->late;

	m->unbalanced += !cram_ledger_batch(&d->ledger, taken ? f->nr : 0, 0);
	f->late &= !taken;
}

static void step_settle(struct model *m, struct model_device *d,
			struct model_folio *f)
{
	settle_model(d, f);
	/* Freed at once if the copy or the migration failed. */
	f->state = draw(m, 4) ? RESIDENT : FREED;
}

/* Frees a folio, or splits it and frees its last page. */
static void step_free(struct model *m, struct model_device *d,
		      struct model_folio *f)
{
	struct model_folio *to = &d->folios[draw(m, FOLIOS)];

	if (f->nr == 1 || to->state != FREE) {
		f->state = FREED;
		return;
	}
	f->nr--;
	to->nr = 1;
	to->size[0] = f->size[f->nr];
	f->size[f->nr] = 0;
	to->state = FREED;
}

static void step_grant(struct model *m, struct model_device *d,
		       struct model_folio *f)
{
	if (!cram_ledger_grant(&d->ledger, f->nr))
		return;
	m->early += !d->fresh;
	m->granted += f->nr;
	f->state = GRANTED;
}

static void step_granted(struct model *m, struct model_device *d,
			 struct model_folio *f)
{
	/* Stores come at any time; a reading need not show the last of them. */
	if (draw(m, 3)) {
		set_sizes(m, d, f);
		return;
	}
	/* Write-protected and written back, in place or after a free. */
	cram_ledger_settle_granted(&d->ledger, f->nr);
	f->state = draw(m, 2) ? RESIDENT : FREED;
}

static void step_trim(struct model *m, struct model_device *d,
		      struct model_folio *f)
{
	unsigned int i;

	/* The trim fails. */
	if (!draw(m, 3))
		return;
	for (i = 0; i < f->nr; i++) {
		d->used -= f->size[i];
		f->size[i] = 0;
	}
	f->state = FREE;
}

static void step_folio(struct model *m, struct model_device *d)
{
	struct model_folio *f = &d->folios[draw(m, FOLIOS)];

	switch (f->state) {
	case FREE:
		return step_reserve(m, d, f);
	case RESERVED:
		return step_take(m, d, f);
	case TAKEN:
		return step_store(m, d, f);
	case STORED:
		return step_settle(m, d, f);
	case RESIDENT:
		return draw(m, 2) ? step_free(m, d, f) : step_grant(m, d, f);
	case GRANTED:
		return step_granted(m, d, f);
	case FREED:
		return step_trim(m, d, f);
	}
}

static void step_read_begin(struct model_device *d)
{
	cram_ledger_read_begin(&d->ledger);
	d->reading = true;
	d->seen = d->used;
	d->fresh_soon = true;
}

static void step_read_end(struct model *m, struct model_device *d)
{
	bool good = draw(m, 4);
	u64 free, less;

	/* Use is from any moment since the beginning, and may be overstated. */
	free = d->total - (draw(m, 2) ? d->seen : d->used);
	less = draw(m, 3) ? 0 : draw(m, free + 1);
	cram_ledger_read_end(&d->ledger, good, free - less);
	d->reading = false;
	if (good)
		d->fresh |= d->fresh_soon;
}

static void step_event(struct model_device *d)
{
	cram_ledger_event(&d->ledger);
	d->fresh = false;
	d->fresh_soon = false;
}

/* As kcompactd would: tries to take pages that nobody has reserved. */
static void step_steal(struct model *m, struct model_device *d)
{
	struct cram_ledger *l = &d->ledger;

	m->stolen += cram_ledger_take(l, l->reserved + 1);
}

static void end_folio(struct model *m, struct model_device *d,
		      struct model_folio *f)
{
	if (f->state == RESERVED) {
		cram_ledger_cancel(&d->ledger, f->nr);
		cancel_other(m, d, f);
	} else if (f->state == TAKEN || f->state == STORED) {
		settle_model(d, f);
	} else if (f->state == GRANTED) {
		cram_ledger_settle_granted(&d->ledger, f->nr);
	}
	memset(f, 0, sizeof(*f));
}

/* Unregisters the device, which trims it, and registers it again. */
static void step_register(struct model *m, struct model_device *d)
{
	unsigned int i;

	if (d->reading || draw(m, 20))
		return;
	for (i = 0; i < FOLIOS; i++) {
		end_folio(m, d, &d->folios[i]);
		if (other(m, d)->folios[i].also)
			cancel_other(m, other(m, d), &other(m, d)->folios[i]);
	}
	d->used = 0;
	/* Lets the ledger count the pages stored by batches. */
	cram_ledger_uncovered(&d->ledger);
	m->unbalanced += d->ledger.reserved + d->ledger.pending + d->ledger.granted;
	m->renewed++;
	d->fresh = true;
	init_ledger(&d->ledger, d->margin, d - m->devices);
}

static void model_step(struct model *m)
{
	struct model_device *d = &m->devices[draw(m, DEVICES)];
	u32 what = draw(m, 200);

	if (what >= 20)
		step_folio(m, d);
	else if (what >= 4)
		d->reading ? step_read_end(m, d) : step_read_begin(d);
	else if (what == 3)
		step_event(d);
	else if (what == 2)
		step_steal(m, d);
	else if (what)
		step_register(m, d);
	else
		step_batch(m, d, &d->folios[draw(m, FOLIOS)]);
	d->peak = max(d->peak, d->used);
}

static struct model *new_model(struct kunit *test, u64 seed, u64 total,
			       u64 margin)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct model_device *d;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&m->rnd, seed);
	for (d = m->devices; d < m->devices + DEVICES; d++) {
		d->total = total;
		d->margin = margin;
		d->fresh = true;
		init_ledger(&d->ledger, margin, d - m->devices);
	}
	return m;
}

static void run_model(struct kunit *test, u64 seed, u64 total, u64 margin)
{
	struct model *m = new_model(test, seed, total, margin);
	struct model_device *d;
	int i;

	for (i = 0; i < STEPS; i++)
		model_step(m);
	for (d = m->devices; d < m->devices + DEVICES; d++) {
		KUNIT_EXPECT_LE_MSG(test, d->peak, total - margin, "seed %llu",
				    seed);
		KUNIT_EXPECT_FALSE(test, d->ledger.broken);
	}
	KUNIT_EXPECT_EQ(test, m->early, 0);
	KUNIT_EXPECT_EQ(test, m->stolen, 0);
	KUNIT_EXPECT_EQ(test, m->unbalanced, 0);
	/* The run proves nothing if nothing was placed, granted or refused. */
	KUNIT_EXPECT_GT(test, m->placed, 100);
	KUNIT_EXPECT_GT(test, m->granted, 0);
	KUNIT_EXPECT_GT(test, m->refused, 100);
	KUNIT_EXPECT_GT(test, m->renewed, 0);
}

static void never_over_filled(struct kunit *test)
{
	u64 seed;

	for (seed = 1; seed <= 20; seed++)
		run_model(test, seed, (8 + seed) * WORST, seed % 3 * WORST);
}

/* Without the ledger the model does over-fill the device. */
static void over_filled_without(struct kunit *test)
{
	struct model *m = new_model(test, 1, 16 * WORST, 0);
	struct model_device *d = m->devices;
	int i;

	d->ledger.disabled = true;
	for (i = 0; i < STEPS && d->used <= d->total; i++)
		step_folio(m, d);
	KUNIT_EXPECT_GT(test, d->used, d->total);
}

static void nothing_before_a_reading(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
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

static void reserve_and_take(struct kunit *test, struct cram_ledger *l,
			     unsigned long nr)
{
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(l, nr));
	KUNIT_ASSERT_TRUE(test, cram_ledger_take(l, nr));
}

/* Takes a good reading. */
static void read_good(struct cram_ledger *l, u64 free)
{
	cram_ledger_read_begin(l);
	cram_ledger_read_end(l, true, free);
}

/* A reading that began before a page was settled does not cover it. */
static void covers_what_was_settled(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 3 * WORST);
	reserve_and_take(test, &l, 2);
	KUNIT_EXPECT_TRUE(test, cram_ledger_settle(&l, 1));
	cram_ledger_read_begin(&l);
	KUNIT_EXPECT_TRUE(test, cram_ledger_settle(&l, 1));
	/*
	 * Each page uses 100 bytes; the reading has to show the first one only.
	 */
	cram_ledger_read_end(&l, true, 3 * WORST - 100);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 2 * WORST - 100);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 3 * WORST - 200);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 3 * WORST - 200);
}

/* The credit is negative after the device has shrunk. */
static void credit_below_zero(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, WORST, 0);
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

/*
 * A device is not short when pages stored during a reading are counted twice,
 * or when a reading already shows pages whose stores are under way.
 */
static void short_of_what_is_promised(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, WORST, 0);
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 4 * WORST);
	reserve_and_take(test, &l, 2);
	cram_ledger_read_begin(&l);
	cram_ledger_settle(&l, 2);
	cram_ledger_read_end(&l, true, 2 * WORST);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), -WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_lack(&l));
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 2 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_lack(&l));
	/* The reading may show a part of the page whose store is under way. */
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, 2 * WORST - 1);
	KUNIT_EXPECT_FALSE(test, cram_ledger_lack(&l));
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_cancel(&l, 1);
	/* The device shrinks. */
	cram_ledger_read_begin(&l);
	cram_ledger_read_end(&l, true, WORST - 1);
	KUNIT_EXPECT_TRUE(test, cram_ledger_lack(&l));
}

/*
 * Pages cannot be taken without a reservation, and the attempt breaks no books.
 */
static void no_page_without_a_token(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 4 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_take(&l, 1));
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 2));
	KUNIT_EXPECT_FALSE(test, cram_ledger_take(&l, 3));
	KUNIT_EXPECT_TRUE(test, cram_ledger_take(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_take(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_take(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_untake(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_cancel(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_settle(&l, 1));
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 3 * WORST);
	KUNIT_EXPECT_TRUE(test, cram_ledger_open(&l));
}

/* After an event only a reading that began later opens the ledger. */
static void events_are_numbered(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 4 * WORST);
	cram_ledger_read_begin(&l);
	KUNIT_EXPECT_TRUE(test, cram_ledger_event(&l));
	KUNIT_EXPECT_FALSE(test, cram_ledger_event(&l));
	cram_ledger_read_end(&l, true, 4 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_open(&l));
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_grant(&l, 1));
	cram_ledger_read_begin(&l);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_read_end(&l, false, 0);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	read_good(&l, 4 * WORST);
	KUNIT_EXPECT_TRUE(test, cram_ledger_open(&l));
	KUNIT_EXPECT_TRUE(test, cram_ledger_reserve(&l, 1));
}

static void in_flight_is_bounded(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 4ULL * CRAM_IN_FLIGHT * WORST);
	reserve_and_take(test, &l, CRAM_IN_FLIGHT / 2);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, CRAM_IN_FLIGHT / 2));
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	/* A grant is no placement, and does not count as in flight. */
	KUNIT_EXPECT_TRUE(test, cram_ledger_grant(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_settle(&l, 1));
	KUNIT_EXPECT_TRUE(test, cram_ledger_reserve(&l, 1));
}

/* Books that do not balance admit nothing. */
static void fails_closed(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 4 * WORST);
	reserve_and_take(test, &l, 1);
	KUNIT_EXPECT_FALSE(test, cram_ledger_settle(&l, 2));
	KUNIT_EXPECT_TRUE(test, l.broken);
	KUNIT_EXPECT_FALSE(test, cram_ledger_open(&l));
	read_good(&l, 4 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_reserve(&l, 1));
	cram_ledger_mend(&l);
	KUNIT_EXPECT_TRUE(test, cram_ledger_open(&l));
	KUNIT_EXPECT_FALSE(test, cram_ledger_cancel(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_open(&l));
	cram_ledger_mend(&l);
	KUNIT_EXPECT_FALSE(test, cram_ledger_settle_granted(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_open(&l));
}

/*
 * A granted page keeps its worst case reserved, and does not make the device
 * short.
 */
static void granted_pages_are_counted_once(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 2 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_grant(&l, 1));
	KUNIT_ASSERT_TRUE(test, cram_ledger_grant(&l, 1));
	KUNIT_EXPECT_FALSE(test, cram_ledger_grant(&l, 1));
	/* Both were written to, and took all of the room. */
	read_good(&l, 0);
	KUNIT_EXPECT_FALSE(test, cram_ledger_lack(&l));
	KUNIT_EXPECT_TRUE(test, cram_ledger_settle_granted(&l, 2));
	read_good(&l, 0);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 0);
}

static int no_read(struct file *file, struct folio *folio)
{
	return -EIO;
}

static int no_migrate(struct address_space *mapping, struct folio *dst,
		      struct folio *src, enum migrate_mode mode)
{
	return -EAGAIN;
}

static const struct address_space_operations none;
static const struct address_space_operations files = {
	.read_folio = no_read,
	.migrate_folio = no_migrate,
};

/*
 * Page cache that cannot be read again is not placed.  ext4 keeps its bitmaps
 * of free blocks in the page cache of an inode that looks like a regular file,
 * and writes there.
 */
static void only_what_can_be_read(struct kunit *test)
{
	struct super_block *sb = kunit_kzalloc(test, sizeof(*sb), GFP_KERNEL);
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	struct address_space *mapping = kunit_kzalloc(test, sizeof(*mapping),
						      GFP_KERNEL);
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	bool was = cram_file;

	KUNIT_ASSERT_NOT_NULL(test, sb);
	KUNIT_ASSERT_NOT_NULL(test, inode);
	KUNIT_ASSERT_NOT_NULL(test, mapping);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	sb->s_magic = EXT4_SUPER_MAGIC;
	inode->i_sb = sb;
	inode->i_mode = S_IFREG;
	mapping->host = inode;
	folio->mapping = mapping;
	folio_mark_uptodate(folio);
	WRITE_ONCE(cram_file, true);
	mapping->a_ops = &files;
	KUNIT_EXPECT_TRUE(test, cram_may_file(folio));
	mapping->a_ops = &none;
	KUNIT_EXPECT_FALSE(test, cram_may_file(folio));
	WRITE_ONCE(cram_file, was);
	folio->mapping = NULL;
	folio_put(folio);
}

/* Pages that a batch stores stay promised until a reading that began later. */
static void stored_by_a_batch(struct kunit *test)
{
	struct cram_ledger l;

	init_ledger(&l, 0, 0);
	read_good(&l, 10 * WORST);
	KUNIT_ASSERT_TRUE(test, cram_ledger_reserve(&l, 8));
	cram_ledger_store(&l, 2);
	KUNIT_EXPECT_EQ(test, l.reserved, 8);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 2 * WORST);
	/* The call makes the ledger count the stored pages. */
	KUNIT_EXPECT_TRUE(test, cram_ledger_uncovered(&l));
	KUNIT_EXPECT_EQ(test, l.reserved, 6);
	KUNIT_EXPECT_TRUE(test, cram_ledger_read_begin(&l));
	cram_ledger_store(&l, 1);
	cram_ledger_read_end(&l, true, 9 * WORST);
	/*
	 * The reading covers two; the third was stored while it was under way.
	 */
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 3 * WORST);
	KUNIT_EXPECT_TRUE(test, cram_ledger_uncovered(&l));
	KUNIT_EXPECT_EQ(test, l.settled, 1);
	KUNIT_EXPECT_TRUE(test, cram_ledger_batch(&l, 1, 4));
	KUNIT_EXPECT_EQ(test, l.reserved, 0);
	KUNIT_EXPECT_EQ(test, l.pending, 1);
	KUNIT_EXPECT_EQ(test, cram_ledger_credit(&l), 7 * WORST);
	/* This page was never reserved. */
	cram_ledger_store(&l, 1);
	KUNIT_EXPECT_FALSE(test, cram_ledger_read_begin(&l));
	cram_ledger_read_end(&l, true, 9 * WORST);
	KUNIT_EXPECT_FALSE(test, cram_ledger_open(&l));
}

/* A page does not wait after one refault, and never waits for ever. */
static void waits_double(struct kunit *test)
{
	unsigned int times;

	KUNIT_EXPECT_EQ(test, cram_thrash_wait(0, 1000), 0);
	KUNIT_EXPECT_EQ(test, cram_thrash_wait(1, 1000), 0);
	for (times = 2; times < 8; times++)
		KUNIT_EXPECT_EQ(test, cram_thrash_wait(times, 1000),
				1000UL << (times - 2));
	KUNIT_EXPECT_EQ(test, cram_thrash_wait(8, 1000), 32000);
	KUNIT_EXPECT_EQ(test, cram_thrash_wait(U16_MAX, 1000), 32000);
}

/*
 * -- registering --------------------------------------------------------------
 */

#define TOTAL	((u64)SZ_64M)
#define PAGES	(TOTAL / PAGE_SIZE)

/* A simulated driver, whose answers the test sets. */
struct fake_device {
	bool trims;
	int trim_calls;
	bool silent;
	bool waits;
	u64 used;
	u64 lost;
	int begun;
	int readings;
	unsigned long hot[3];
	int hot_calls;
};

static int fake_read(struct cram_device *cd, struct cram_capacity *cap)
{
	struct fake_device *fd = cram_drvdata(cd);

	WRITE_ONCE(fd->begun, fd->begun + 1);
	while (READ_ONCE(fd->waits))
		msleep(20);
	*cap = (struct cram_capacity){
		.total = TOTAL,
		.used = READ_ONCE(fd->used),
		.lost = READ_ONCE(fd->lost),
	};
	WRITE_ONCE(fd->readings, fd->readings + 1);
	return READ_ONCE(fd->silent) ? -EIO : 0;
}

static void fake_trim(struct cram_device *cd, struct cram_range *ranges,
		      unsigned int nr)
{
	struct fake_device *fd = cram_drvdata(cd);
	unsigned int i;

	for (i = 0; i < nr; i++)
		ranges[i].trimmed = READ_ONCE(fd->trims);
	WRITE_ONCE(fd->trim_calls, fd->trim_calls + 1);
	cram_trim_done(cd);
}

/* Returns a larger number than @max, which is wrong. */
static unsigned int fake_hot(struct cram_device *cd, unsigned long *pfns,
			     unsigned int max)
{
	struct fake_device *fd = cram_drvdata(cd);
	unsigned int i;

	for (i = 0; i < max; i++)
		pfns[i] = fd->hot[i % ARRAY_SIZE(fd->hot)];
	WRITE_ONCE(fd->hot_calls, fd->hot_calls + 1);
	return max + 1;
}

static const struct cram_ops fake_ops = {
	.read_capacity = fake_read,
	.trim = fake_trim,
	.hot_pages = fake_hot,
};

/*
 * Expects that the registration fails with @want, and leaves the node unfenced.
 */
static void expect_refused(struct kunit *test, struct private_node *pn,
			   const struct cram_desc *desc, int want)
{
	struct cram_device *cd = cram_register(pn, desc);

	KUNIT_EXPECT_EQ(test, want, PTR_ERR_OR_ZERO(cd));
	if (IS_ERR(cd))
		KUNIT_EXPECT_FALSE(test, READ_ONCE(pn->fenced));
	else
		cram_unregister(cd);
}

static void spare_back(void *data)
{
	struct private_node *pn = data;
	int nid = pn->nid;

	private_node_unregister(pn);
	private_node_put(pn);
	private_node_spare_put(nid);
}

/* Refused: incomplete or impossible descriptions, and a node without memory. */
static void register_bad_desc(struct kunit *test)
{
	static const struct cram_ops no_read = { .trim = fake_trim };
	static const struct cram_ops no_trim = { .read_capacity = fake_read };
	static const struct cram_desc bad[] = {
		{ .worst_case = PAGE_SIZE },
		{ .ops = &no_read, .worst_case = PAGE_SIZE },
		{ .ops = &no_trim, .worst_case = PAGE_SIZE },
		{ .ops = &fake_ops },
		{ .ops = &fake_ops, .worst_case = PAGE_SIZE - 1 },
		{ .ops = &fake_ops, .worst_case = 2 * PAGE_SIZE + 1 },
		{ .ops = &fake_ops, .worst_case = PAGE_SIZE, .lag_ms = CRAM_MAX_LAG_MS + 1 },
	};
	struct cram_desc good = { .ops = &fake_ops, .worst_case = PAGE_SIZE };
	struct private_node_desc node = {
		.owner = "kunit",
		.capable = BIT(PRIVATE_NODE_RECLAIM) | BIT(PRIVATE_NODE_DEMOTION),
		.flags = PRIVATE_NODE_F_COMPRESSED | PRIVATE_NODE_F_NO_DEVICE_MAP,
	};
	u8 *distances = kunit_kzalloc(test, MAX_NUMNODES, GFP_KERNEL);
	struct private_node *pn;
	int nid, i;

	KUNIT_ASSERT_NOT_NULL(test, distances);
	memset(distances, 40, MAX_NUMNODES);
	nid = private_node_spare_get(distances, MAX_NUMNODES);
	KUNIT_ASSERT_GE(test, nid, 0);
	pn = private_node_register(nid, &node);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pn);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, spare_back, pn));
	expect_refused(test, pn, NULL, -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(test, pn, &bad[i], -EINVAL);
	expect_refused(test, pn, &good, -EINVAL);
}

struct node_before {
	struct private_node *pn;
	unsigned long capable;
	unsigned int flags;
};

static void node_back(void *data)
{
	struct node_before *before = data;

	before->pn->capable = before->capable;
	before->pn->flags = before->flags;
	/*
	 * Opens the owner's gate, which is closed with
	 * PRIVATE_NODE_F_COMPRESSED.
	 */
	private_node_set_ledger(before->pn, false);
	private_node_put(before->pn);
}

/*
 * Gets a node of private_node= with memory, restored after the test; or skips.
 */
static struct private_node *with_memory(struct kunit *test)
{
	struct node_before *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct private_node *pn;
	int nid = first_node(node_states[N_MEMORY_PRIVATE]);

	KUNIT_ASSERT_NOT_NULL(test, before);
	if (nid == MAX_NUMNODES)
		kunit_skip(test, "boot with private_node= for one node");
	pn = private_node_find(nid);
	KUNIT_ASSERT_NOT_NULL(test, pn);
	*before = (struct node_before){ pn, pn->capable, pn->flags };
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, node_back, before));
	return pn;
}

/*
 * Refused: nodes that are not fit for compressed RAM, for one reason after
 * another.
 */
static void register_bad_node(struct kunit *test)
{
	struct cram_desc desc = { .ops = &fake_ops, .worst_case = PAGE_SIZE };
	struct private_node *pn = with_memory(test);
	struct folio *folio;

	pn->flags &= ~(PRIVATE_NODE_F_COMPRESSED | PRIVATE_NODE_F_NO_DEVICE_MAP);
	expect_refused(test, pn, &desc, -EINVAL);
	pn->flags |= PRIVATE_NODE_F_COMPRESSED;
	pn->capable = BIT(PRIVATE_NODE_RECLAIM) | BIT(PRIVATE_NODE_DEMOTION) |
		      BIT(PRIVATE_NODE_USER_NUMA);
	expect_refused(test, pn, &desc, -EINVAL);
	pn->capable = BIT(PRIVATE_NODE_RECLAIM) | BIT(PRIVATE_NODE_PROMOTION);
	expect_refused(test, pn, &desc, -EINVAL);
	pn->capable = BIT(PRIVATE_NODE_RECLAIM) | BIT(PRIVATE_NODE_DEMOTION);
	expect_refused(test, pn, &desc, -EINVAL);
	pn->flags |= PRIVATE_NODE_F_NO_DEVICE_MAP;
	pn->flags &= ~PRIVATE_NODE_F_COMPRESSED;
	folio = private_node_alloc_folio(pn, GFP_HIGHUSER_MOVABLE, 0);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	pn->flags |= PRIVATE_NODE_F_COMPRESSED;
	expect_refused(test, pn, &desc, -EINVAL);
	folio_put(folio);
}

static int plug_memory(struct private_node *pn)
{
	return add_private_memory_driver_managed(pn, PFN_PHYS(node_start_pfn(pn->nid)),
						 memory_block_size_bytes(),
						 "System RAM (kunit)", MHP_NONE,
						 MMOP_ONLINE_MOVABLE);
}

static bool comes(int *count, int want)
{
	int i;

	for (i = 0; i < 600 && READ_ONCE(*count) < want; i++)
		msleep(50);
	return READ_ONCE(*count) >= want;
}

static bool state_becomes(struct cram_device *cd, enum cram_state state)
{
	int i;

	for (i = 0; i < 600 && READ_ONCE(cd->state) != state; i++) {
		cram_read_soon(cd);
		msleep(50);
	}
	return READ_ONCE(cd->state) == state;
}

static void device_goes(void *cd)
{
	cram_unregister(cd);
}

/* As with_memory(), with the flags and services of a compressing device. */
static struct private_node *with_compressing(struct kunit *test)
{
	struct private_node *pn = with_memory(test);

	pn->flags |= PRIVATE_NODE_F_COMPRESSED | PRIVATE_NODE_F_NO_DEVICE_MAP;
	pn->capable = BIT(PRIVATE_NODE_RECLAIM) | BIT(PRIVATE_NODE_DEMOTION);
	return pn;
}

/*
 * Registers a device on such a node until the test ends, and waits until it has
 * credit.
 */
static struct cram_device *with_device(struct kunit *test, struct fake_device *fd)
{
	struct cram_desc desc = {
		.ops = &fake_ops,
		.worst_case = PAGE_SIZE,
		.drvdata = fd,
	};
	struct private_node *pn = with_compressing(test);
	struct cram_device *cd;

	*fd = (struct fake_device){ .trims = true };
	cd = cram_register(pn, &desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cd);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, device_goes, cd));
	KUNIT_ASSERT_TRUE(test, state_becomes(cd, CRAM_OK));
	return cd;
}

static unsigned long count_of(struct cram_device *cd, enum cram_stat what)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(cd->stat, cpu)[what]);
	return sum;
}

/* Takes a folio of the device; there is one only if it was reserved. */
static struct folio *get_folio(struct cram_device *cd, unsigned int order)
{
	struct page *page = private_node_alloc_frozen(cd->nid,
						      GFP_KERNEL | __GFP_COMP | __GFP_NOWARN,
						      order, PRIVATE_NODE_USER_OWNER);

	if (!page)
		return NULL;
	init_page_count(page);
	return page_folio(page);
}

/*
 * A node cannot be registered twice, and its memory cannot change meanwhile.
 * All of it is trimmed before the first reading, even if the device trims only
 * after several requests.
 */
static void register_once(struct kunit *test)
{
	struct fake_device fd = {};
	struct cram_desc desc = {
		.ops = &fake_ops,
		.worst_case = PAGE_SIZE,
		.drvdata = &fd,
	};
	struct private_node *pn = with_compressing(test);
	struct cram_device *cd;

	cd = cram_register(pn, &desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cd);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(pn->fenced));
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR_OR_ZERO(cram_register(pn, &desc)));
	KUNIT_EXPECT_EQ(test, -EBUSY, plug_memory(pn));
	KUNIT_EXPECT_EQ(test, -EBUSY, remove_private_memory_driver_managed(pn));
	KUNIT_EXPECT_TRUE(test, comes(&fd.trim_calls, 2));
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(fd.readings));
	KUNIT_EXPECT_NULL(test, private_node_alloc_folio(pn, GFP_HIGHUSER_MOVABLE, 0));
	WRITE_ONCE(fd.trims, true);
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, 1));
	KUNIT_EXPECT_EQ(test, 0, cram_unregister(cd));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(pn->fenced));
}

/* Admission, refusals and counters follow the readings of the device. */
static void device_credit(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	int nid = cd->nid;
	unsigned long refused;

	KUNIT_EXPECT_TRUE(test, cram_has_room(nid));
	KUNIT_EXPECT_EQ(test, PAGES, cram_credit_pages(nid));
	KUNIT_EXPECT_TRUE(test, cram_may_take(nid, PAGES));
	KUNIT_EXPECT_FALSE(test, cram_may_take(nid, PAGES + 1));
	KUNIT_EXPECT_EQ(test, PAGES + 1, count_of(cd, CRAM_REFUSED_CREDIT));
	/* One more than may be in flight. */
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, CRAM_IN_FLIGHT + 1));
	KUNIT_EXPECT_TRUE(test, cram_reserve(nid, CRAM_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, PAGES - CRAM_IN_FLIGHT, cram_credit_pages(nid));
	cram_unreserve(nid, CRAM_IN_FLIGHT);
	KUNIT_EXPECT_EQ(test, PAGES, cram_credit_pages(nid));
	WRITE_ONCE(cram_anon, false);
	KUNIT_EXPECT_FALSE(test, cram_has_room(nid));
	KUNIT_EXPECT_EQ(test, 0, cram_credit_pages(nid));
	WRITE_ONCE(cram_anon, true);
	/* The device is full. */
	WRITE_ONCE(fd.used, TOTAL);
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, READ_ONCE(fd.readings) + 2));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
	refused = count_of(cd, CRAM_REFUSED_CREDIT);
	KUNIT_EXPECT_FALSE(test, cram_has_room(nid));
	KUNIT_EXPECT_EQ(test, refused + 1, count_of(cd, CRAM_REFUSED_CREDIT));
	KUNIT_EXPECT_EQ(test, 0, cram_credit_pages(nid));
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, 1));
	/* With the ledger switched off everything is admitted. */
	WRITE_ONCE(cd->ledger.disabled, true);
	KUNIT_EXPECT_TRUE(test, cram_has_room(nid));
	KUNIT_EXPECT_TRUE(test, cram_may_take(nid, 1));
	WRITE_ONCE(cd->ledger.disabled, false);
}

/*
 * Nothing is admitted from an event to the end of a reading that began after
 * it.
 */
static void device_event(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	int nid = cd->nid;

	KUNIT_EXPECT_TRUE(test, cram_stores(nid));
	WRITE_ONCE(fd.waits, true);
	cram_capacity_event(cd);
	cram_capacity_event(cd);
	KUNIT_EXPECT_FALSE(test, cram_stores(nid));
	KUNIT_EXPECT_FALSE(test, cram_has_room(nid));
	KUNIT_EXPECT_EQ(test, 0, cram_credit_pages(nid));
	KUNIT_EXPECT_FALSE(test, cram_may_take(nid, 3));
	KUNIT_EXPECT_EQ(test, 1 + 3, count_of(cd, CRAM_REFUSED_STATE));
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, 1));
	KUNIT_EXPECT_EQ(test, 2, count_of(cd, CRAM_EVENTS));
	WRITE_ONCE(fd.waits, false);
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, READ_ONCE(fd.readings) + 2));
	KUNIT_EXPECT_TRUE(test, cram_stores(nid));
	KUNIT_EXPECT_TRUE(test, cram_may_take(nid, 3));
}

/*
 * States after a failed reading, after one below the margin, and after
 * impossible ones.
 */
static void device_states(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	int nid = cd->nid;

	KUNIT_EXPECT_EQ(test, -EINVAL, cram_clear_broken(cd));
	WRITE_ONCE(fd.silent, true);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_SILENT));
	KUNIT_EXPECT_FALSE(test, cram_may_take(nid, 1));
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, READ_ONCE(fd.readings) + 2));
	KUNIT_EXPECT_GE(test, count_of(cd, CRAM_READINGS_FAILED), 2);
	WRITE_ONCE(fd.silent, false);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
	/* Less than the margin is free. */
	WRITE_ONCE(cd->ledger.margin, 10 * PAGE_SIZE);
	WRITE_ONCE(fd.used, TOTAL - 9 * PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_SHORT));
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, 1));
	WRITE_ONCE(cd->ledger.margin, 0);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
	WRITE_ONCE(fd.used, TOTAL + 1);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_BROKEN));
	/*
	 * Good readings do not end this state, only cram_clear_broken() does.
	 */
	WRITE_ONCE(fd.used, 0);
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, READ_ONCE(fd.readings) + 2));
	KUNIT_EXPECT_EQ(test, CRAM_BROKEN, READ_ONCE(cd->state));
	KUNIT_EXPECT_FALSE(test, cram_may_take(nid, 1));
	KUNIT_EXPECT_EQ(test, 0, cram_clear_broken(cd));
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
	WRITE_ONCE(fd.lost, 5);
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_BROKEN));
	KUNIT_EXPECT_EQ(test, 5, count_of(cd, CRAM_LOST));
	KUNIT_EXPECT_EQ(test, 0, cram_clear_broken(cd));
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
	KUNIT_EXPECT_EQ(test, 5, count_of(cd, CRAM_LOST));
}

/*
 * Giving back pages that were never reserved or taken makes the device broken.
 */
static void device_books(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	int nid = cd->nid;

	KUNIT_EXPECT_FALSE(test, __cram_leaves(nid, 2));
	KUNIT_EXPECT_EQ(test, 2, count_of(cd, CRAM_REFUSED_TOKEN));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
	KUNIT_EXPECT_TRUE(test, cram_reserve(nid, 2));
	KUNIT_EXPECT_TRUE(test, __cram_leaves(nid, 2));
	__cram_stayed(nid, 2);
	cram_unreserve(nid, 2);
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
	KUNIT_EXPECT_EQ(test, PAGES, cram_credit_pages(nid));
	cram_unreserve(nid, 1);
	KUNIT_EXPECT_EQ(test, CRAM_BROKEN, READ_ONCE(cd->state));
	cram_unreserve(nid, 1);
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, 1));
	KUNIT_EXPECT_EQ(test, 0, cram_clear_broken(cd));
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
	__cram_stayed(nid, 1);
	KUNIT_EXPECT_EQ(test, CRAM_BROKEN, READ_ONCE(cd->state));
	KUNIT_EXPECT_EQ(test, 0, cram_clear_broken(cd));
	KUNIT_EXPECT_TRUE(test, state_becomes(cd, CRAM_OK));
}

/*
 * A batch takes no more than it has reserved, and gives back what it did not
 * use.
 */
static void device_batch(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	int nid = cd->nid;

	__cram_batch_begin();
	__cram_batch_begin();	/* does nothing: the task has a batch */
	KUNIT_EXPECT_TRUE(test, cram_reserve(nid, 2));
	KUNIT_EXPECT_LE(test, cram_credit_pages(nid), PAGES - 2);
	KUNIT_EXPECT_TRUE(test, __cram_leaves(nid, 2));
	KUNIT_EXPECT_FALSE(test, __cram_leaves(nid, CRAM_IN_FLIGHT));
	__cram_stayed(nid, 2);
	cram_unreserve(nid, 2);
	KUNIT_EXPECT_TRUE(test, cram_reserve(nid, 40));
	KUNIT_EXPECT_TRUE(test, cram_reserve(nid, 300));
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, PAGES + 1));
	__cram_batch_end();
	__cram_batch_end();	/* does nothing: the task has no batch */
	KUNIT_EXPECT_EQ(test, PAGES, cram_credit_pages(nid));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
}

/* Exact number of free pages, without pages that wait for their trim. */
static unsigned long free_pages_of(int nid)
{
	private_node_drain(nid);
	return private_node_exact_free_pages_nid(nid);
}

static bool free_becomes(int nid, unsigned long want)
{
	int i;

	for (i = 0; i < 600 && free_pages_of(nid) != want; i++)
		msleep(50);
	return free_pages_of(nid) == want;
}

/*
 * A freed folio is allocatable again after the device has trimmed it, except
 * for a page that failed meanwhile.
 */
static void device_trim(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	unsigned long all = free_pages_of(cd->nid), retried;
	struct page *page;
	struct folio *folio;
	int calls;

	KUNIT_EXPECT_NULL(test, get_folio(cd, 0));
	KUNIT_EXPECT_GE(test, count_of(cd, CRAM_REFUSED_TOKEN), 1);
	KUNIT_ASSERT_TRUE(test, cram_reserve(cd->nid, 4));
	folio = get_folio(cd, 2);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, all - 4, free_pages_of(cd->nid));
	WRITE_ONCE(fd.trims, false);
	calls = READ_ONCE(fd.trim_calls);
	page = folio_page(folio, 1);
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, comes(&fd.trim_calls, calls + 2));
	retried = count_of(cd, CRAM_TRIM_RETRIED);
	KUNIT_EXPECT_GE(test, retried, 4);
	KUNIT_EXPECT_EQ(test, all - 4, free_pages_of(cd->nid));
	SetPageHWPoison(page);
	WRITE_ONCE(fd.trims, true);
	KUNIT_EXPECT_TRUE(test, free_becomes(cd->nid, all - 1));
	KUNIT_EXPECT_EQ(test, 1, page_ref_count(page));
	/* Unpoison the page. */
	ClearPageHWPoison(page);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, free_becomes(cd->nid, all));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
}

/*
 * A page that failed in use is not allocated again, and the device can be
 * unregistered.
 */
static void device_failed(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	unsigned long all = free_pages_of(cd->nid);
	struct folio *folio;
	int nid = cd->nid;

	KUNIT_ASSERT_TRUE(test, cram_reserve(nid, 1));
	folio = get_folio(cd, 0);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	SetPageHWPoison(&folio->page);
	folio_put(folio);
	KUNIT_EXPECT_EQ(test, all - 1, free_pages_of(nid));
	/* Its reservation has ended. */
	KUNIT_EXPECT_TRUE(test, comes(&fd.readings, READ_ONCE(fd.readings) + 2));
	KUNIT_EXPECT_EQ(test, PAGES, cram_credit_pages(nid));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
	kunit_release_action(test, device_goes, cd);
	KUNIT_EXPECT_FALSE(test, cram_node(nid));
	ClearPageHWPoison(&folio->page);
	init_page_count(&folio->page);
	folio_put(folio);
	KUNIT_EXPECT_EQ(test, all, free_pages_of(nid));
}

/*
 * Pages that are reported as hot but are free, or not of the device, are
 * ignored.
 */
static void device_hot(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	struct private_node *pn = cd->pn;
	unsigned long was = pn->enabled;

	fd.hot[0] = cd->first_pfn - 1;
	fd.hot[1] = cd->first_pfn + cd->nr_pages;
	fd.hot[2] = cd->first_pfn;
	pn->capable |= BIT(PRIVATE_NODE_PROMOTION);
	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, pn->capable));
	KUNIT_EXPECT_TRUE(test, comes(&fd.hot_calls, 2));
	KUNIT_EXPECT_EQ(test, 0, private_node_set_enabled(pn, was));
	KUNIT_EXPECT_EQ(test, 0, count_of(cd, CRAM_PROMOTED));
	KUNIT_EXPECT_EQ(test, CRAM_OK, READ_ONCE(cd->state));
}

struct leaver {
	struct cram_device *cd;
	struct completion done;
	int ret;
};

static int unregister_thread(void *data)
{
	struct leaver *l = data;

	l->ret = cram_unregister(l->cd);
	complete(&l->done);
	return 0;
}

/*
 * While a device is being unregistered, which waits for a reading, a second
 * call fails.
 */
static void device_leaves_once(struct kunit *test)
{
	struct fake_device fd;
	struct cram_device *cd = with_device(test, &fd);
	struct private_node *pn = cd->pn;
	struct leaver l = { .cd = cd };
	int begun;

	init_completion(&l.done);
	WRITE_ONCE(fd.waits, true);
	begun = READ_ONCE(fd.begun);
	cram_read_soon(cd);
	KUNIT_EXPECT_TRUE(test, comes(&fd.begun, begun + 1));
	kunit_remove_action(test, device_goes, cd);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(unregister_thread, &l,
						       "cram_kunit"));
	while (!READ_ONCE(cd->closing))
		msleep(20);
	KUNIT_EXPECT_EQ(test, -EBUSY, cram_unregister(cd));
	KUNIT_EXPECT_FALSE(test, cram_may_take(pn->nid, 1));
	WRITE_ONCE(fd.waits, false);
	wait_for_completion(&l.done);
	KUNIT_EXPECT_EQ(test, 0, l.ret);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(pn->fenced));
}

/*
 * A device may go between a check of cram_node() and the call that follows.
 * All functions then treat the page as ordinary memory.
 */
static void device_gone(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	int nid;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	nid = folio_nid(folio);
	KUNIT_EXPECT_FALSE(test, cram_has_room(nid));
	KUNIT_EXPECT_EQ(test, 0, cram_credit_pages(nid));
	KUNIT_EXPECT_FALSE(test, cram_may_take(nid, 1));
	KUNIT_EXPECT_FALSE(test, cram_reserve(nid, 1));
	KUNIT_EXPECT_TRUE(test, cram_stores(nid));
	KUNIT_EXPECT_TRUE(test, __cram_leaves(nid, 1));
	__cram_stayed(nid, 1);
	cram_unreserve(nid, 1);
	KUNIT_EXPECT_FALSE(test, __cram_takes(&folio->page, 0));
	__cram_failed(&folio->page);
	__cram_stored(folio);
	/* No object cgroup, see cram_memcg_undo(). */
	folio->index = 0;
	cram_not_stored(folio);
	cram_copied_up(folio, 1);
	cram_dropped_count(folio);
	KUNIT_EXPECT_TRUE(test, __cram_may_reuse(NULL, folio, true));
	KUNIT_EXPECT_FALSE(test, __cram_may_reuse(NULL, folio, false));
	KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
	folio_put(folio);
}

static struct kunit_case cram_cases[] = {
	KUNIT_CASE(never_over_filled),
	KUNIT_CASE(over_filled_without),
	KUNIT_CASE(nothing_before_a_reading),
	KUNIT_CASE(covers_what_was_settled),
	KUNIT_CASE(credit_below_zero),
	KUNIT_CASE(short_of_what_is_promised),
	KUNIT_CASE(no_page_without_a_token),
	KUNIT_CASE(events_are_numbered),
	KUNIT_CASE(in_flight_is_bounded),
	KUNIT_CASE(fails_closed),
	KUNIT_CASE(granted_pages_are_counted_once),
	KUNIT_CASE(stored_by_a_batch),
	KUNIT_CASE(only_what_can_be_read),
	KUNIT_CASE(waits_double),
	KUNIT_CASE(register_bad_desc),
	KUNIT_CASE(register_bad_node),
	KUNIT_CASE(register_once),
	KUNIT_CASE(device_credit),
	KUNIT_CASE(device_event),
	KUNIT_CASE(device_states),
	KUNIT_CASE(device_books),
	KUNIT_CASE(device_batch),
	KUNIT_CASE(device_trim),
	KUNIT_CASE(device_failed),
	KUNIT_CASE(device_hot),
	KUNIT_CASE(device_leaves_once),
	KUNIT_CASE(device_gone),
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
