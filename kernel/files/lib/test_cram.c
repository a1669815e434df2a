// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: simulated compressing device
 *
 * Simulates a memory expander that compresses, on physical memory that was
 * reserved with memmap=SIZE$ADDRESS.  Stored pages are compressed with the
 * kernel's lz4 or zstd, and take whole sectors of 64 bytes by default; physical
 * use is counted exactly.  A page that does not fit is dropped: its contents
 * are overwritten and it is poisoned, so that a read of it is a memory failure.
 *
 * Devices are created and removed by files in /sys/kernel/cram_sim, for root.
 * A write succeeds completely or changes nothing, with the reason in the kernel
 * log:
 *
 * ``new_device``
 *	Creates a device.  Write these options, separated by blanks:
 *
 *	==========  ===========================================================
 *	name        name of the device and of its folder here
 *	range       ADDRESS:SIZE, the memory that the device shows: whole memory
 *	            blocks of reserved memory
 *	physical    bytes that it can store; suffixes K, M, G
 *	node        node id, or "spare" (the default)
 *	sector      bytes; a power of two, 64 to 4096; 64 by default
 *	algorithm   lz4 (the default); zstd; none: pages are not compressed;
 *	            blind: as none, and the simulation does not read the pages,
 *	            so that a measurement does not count its work
 *	worst_case  bytes that a page which does not compress takes; one page by
 *	            default, at most two
 *	latency_us  microseconds that storing a page takes, and a reading; 0 by
 *	            default
 *	reading_ms  milliseconds that a reading takes; 0 by default
 *	margin      bytes that are not given out; 0 by default
 *	lag_ms      lag that it declares, and that the modes stale and delayed
 *	            use; 0 by default
 *	timeout_ms  timeout that it declares; 0, the default, for the kernel's
 *	watermark   percent of physical use at which it raises a capacity event;
 *	            90 by default
 *	mode        as the file ``mode`` below; "good" by default
 *	role        device (the default); store: no private node, since another
 *	            driver plays the device and asks for what it stores, by
 *	            lib/test_cram.h
 *	==========  ===========================================================
 *
 * ``remove_device``
 *	Removes a device.  Write its name.
 *
 * Each device has a folder with:
 *
 * ``mode``
 *	Words, separated by commas; good stands for none of them.  Within the
 *	axioms of mm/cram/ledger.c: slow (a reading takes 300 ms), silent
 *	(readings fail), hang (a reading does not return before the mode
 *	changes), stale (a reading is up to lag_ms old), delayed (a store
 *	takes up to lag_ms), understated (reports a random amount too little
 *	free), storm (a capacity event every 5 ms, from an interrupt), trim_late
 *	(a trim takes 200 ms), trim_partial (trims half of the ranges of a
 *	request), trim_fail (every second request trims nothing), trim_never (a
 *	request does not end before the mode changes).  Breaking the axioms:
 *	overstated (reports half of what is used).
 * ``physical_bytes``
 *	Bytes that it can store.  A write changes them, for a device that
 *	shrinks.
 * ``used_bytes``, ``stored_pages``
 *	The true numbers, whatever the readings report.
 * ``lost_writes``
 *	Pages dropped.  Always 0 while the device obeys the axioms.
 * ``trimmed_first``
 *	Pages trimmed before the first reading: all of the device.
 * ``violations``
 *	Pages whose contents changed after they were stored, which the fence
 *	should have prevented.  Pages are compared when they are trimmed and by
 *	``check``.
 * ``hot``
 *	A write of a page frame number makes the device report that page as hot.
 * ``check``
 *	A read compares all pages and shows how many have changed.
 */
#define pr_fmt(fmt) "cram_sim: " fmt

#include <linux/bitmap.h>
#include <linux/cram.h>
#include <linux/crc32.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/lz4.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/private_node.h>
#include <linux/random.h>
#include <linux/range.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/zstd.h>
#include <linux/workqueue.h>

#include "../mm/internal.h"
#include "test_cram.h"
#include "test_private_node.h"

#define NAME_MAX_LEN	24
#define OWNER		"cram_sim"
#define SLOW_MS		300
#define TRIM_LATE_MS	200
/* Time until a dropped page that could not be reported is tried again. */
#define FAIL_MS		10
/* Lag of a device without lag_ms: four samples are taken in that time. */
#define SAMPLE_MS	20
/* Value of each byte of a dropped page. */
#define POISON		0xdb

enum sim_mode {
	SLOW, SILENT, STALE, DELAYED, UNDERSTATED, STORM, TRIM_LATE,
	TRIM_PARTIAL, TRIM_FAIL, OVERSTATED, HANG, TRIM_NEVER, NR_MODES,
};

static const char *const mode_names[NR_MODES] = {
	"slow", "silent", "stale", "delayed", "understated", "storm",
	"trim_late", "trim_partial", "trim_fail", "overstated", "hang",
	"trim_never",
};

enum sim_algorithm { LZ4, ZSTD, NONE, BLIND, NR_ALGORITHMS };

static const char *const algorithm_names[NR_ALGORITHMS] = {
	"lz4", "zstd", "none", "blind",
};

#define ZSTD_LEVEL	3

/* What the device stores for a page: nothing if @sectors is 0. */
struct sim_page {
	u16 sectors;
	bool lost;
	bool writable;
	u32 sum;
	unsigned long queued_at;	/* jiffies */
};

struct sim_device {
	struct list_head list;
	struct kobject kobj;
	char name[NAME_MAX_LEN];
	struct private_node *pn;
	struct cram_device *cd;
	int nid;
	bool spare;
	struct range range;
	unsigned long first_pfn;
	unsigned long nr_pages;
	void *alias;	/* mapping to poison pages: see cram_protect */
	bool store;	/* no cram_device of its own */
	const struct cram_sim_player *player;	/* who plays it, or NULL */
	void *player_data;
	enum sim_algorithm algorithm;
	unsigned int worst_case;
	unsigned int latency_us;
	unsigned int reading_ms;
	unsigned int sector;
	unsigned int lag_ms;
	unsigned int watermark;
	u64 margin;
	unsigned int timeout_ms;

	unsigned long mode;
	wait_queue_head_t mode_changed;
	spinlock_t lock;	/* protects all fields below down to out */
	bool leaving;		/* files may not use cd any more */
	u64 physical;
	u64 used;
	u64 stored;
	u64 lost;
	u64 violations;
	u64 trimmed_first;
	bool was_read;
	struct sim_page *pages;
	unsigned long *queued;	/* bitmap: stores that are still under way */
	unsigned long *hot;
	unsigned long *failed;	/* bitmap: dropped and not reported yet */
	bool event_raised;
	struct cram_capacity sample;
	unsigned long sample_at;	/* jiffies; @sample has older stores */
	void *workmem;
	zstd_cctx *zstd;
	char *out;

	struct delayed_work later;	/* delayed stores, samples */
	struct delayed_work trim_work;
	struct delayed_work fail_work;
	struct cram_range *ranges;
	unsigned int nr_ranges;
	bool trim_held;		/* until trim_never ends; under @lock */
	unsigned int requests;
	struct hrtimer storm;
};

static LIST_HEAD(sim_devices);
static DEFINE_MUTEX(sim_lock);	/* sim_devices; held while one comes or goes */
static struct kobject *sim_kobj;

static bool plays_mode(const struct sim_device *sd, enum sim_mode mode)
{
	return READ_ONCE(sd->mode) & BIT(mode);
}

static unsigned long index_of(const struct sim_device *sd, unsigned long pfn)
{
	return pfn - sd->first_pfn;
}

static void *contents_of(const struct sim_device *sd, unsigned long i)
{
	return page_address(pfn_to_page(sd->first_pfn + i));
}

/*
 * -- storage of the device --------------------------------------------------
 */

/* The device drops what it stores for a page.  Under sd->lock. */
static void forget_page(struct sim_device *sd, unsigned long i)
{
	struct sim_page *p = &sd->pages[i];

	if (p->sectors || p->lost)
		sd->stored--;
	sd->used -= (u64)p->sectors * sd->sector;
	*p = (struct sim_page){};
}

/* Returns the compressed size in bytes; 0 for a page that does not compress. */
static size_t compress_page(struct sim_device *sd, const void *data)
{
	zstd_parameters params;
	size_t len;

	switch (sd->algorithm) {
	case LZ4:
		return LZ4_compress_default(data, sd->out, PAGE_SIZE, PAGE_SIZE,
					    sd->workmem);
	case ZSTD:
		params = zstd_get_params(ZSTD_LEVEL, PAGE_SIZE);
		len = zstd_compress_cctx(sd->zstd, sd->out, PAGE_SIZE, data,
					 PAGE_SIZE, &params);
		/* An error code is larger than any size. */
		return len > PAGE_SIZE ? 0 : len;
	default:
		return 0;
	}
}

static unsigned int sectors_of(struct sim_device *sd, const void *data)
{
	size_t len = compress_page(sd, data);

	/* Uncompressed it takes the worst case, with metadata. */
	return DIV_ROUND_UP(len ?: sd->worst_case, sd->sector);
}

/*
 * There is no room for a page: overwrites it, and reports it later.  Under
 * sd->lock.
 */
static void drop_page(struct sim_device *sd, unsigned long i)
{
	memset(sd->alias + i * PAGE_SIZE, POISON, PAGE_SIZE);
	sd->pages[i].lost = true;
	sd->lost++;
	set_bit(i, sd->failed);
	queue_delayed_work(system_highpri_wq, &sd->fail_work, 0);
}

/*
 * Is the page in use, but on no LRU list?  memory_failure() could not isolate
 * it then.  Pages in the LRU batches of CPUs are put on their list.
 */
static bool on_its_way(unsigned long pfn)
{
	struct folio *folio = pfn_folio(pfn);
	bool way;

	if (!folio_try_get(folio))
		return false;
	if (!folio_test_lru(folio))
		shake_folio(folio);
	way = !folio_test_lru(folio);
	folio_put(folio);
	return way;
}

/* The player of a device is cancelled before he goes away. */
static void fail_page(struct sim_device *sd, unsigned long pfn)
{
	if (sd->player)
		sd->player->lost(sd->player_data, pfn);
	else
		memory_failure(pfn, 0);
}

/*
 * Reports dropped pages to memory failure, as a machine check would at the
 * first read.  memory_failure() is called once for each page and cannot handle
 * a page that is being moved, so such a page is tried again later.
 */
static void fail_pages(struct work_struct *work)
{
	struct sim_device *sd = container_of(to_delayed_work(work),
					     struct sim_device, fail_work);
	bool again = false;
	unsigned long i;

	for_each_set_bit(i, sd->failed, sd->nr_pages) {
		if (on_its_way(sd->first_pfn + i))
			again = true;
		else if (test_and_clear_bit(i, sd->failed))
			fail_page(sd, sd->first_pfn + i);
	}
	if (again)
		queue_delayed_work(system_highpri_wq, &sd->fail_work,
				   msecs_to_jiffies(FAIL_MS));
}

static bool full_enough(const struct sim_device *sd)
{
	return sd->used * 100 >= sd->physical * sd->watermark;
}

/* The device compresses and stores page @i, or drops it.  Under sd->lock. */
static void store_page(struct sim_device *sd, unsigned long i)
{
	struct sim_page *p = &sd->pages[i];
	bool writable = p->writable;
	unsigned int sectors;

	if (p->lost)
		return;
	forget_page(sd, i);
	p->writable = writable;
	if (sd->latency_us)
		udelay(sd->latency_us);
	sectors = sectors_of(sd, contents_of(sd, i));
	sd->stored++;
	if (sd->used + (u64)sectors * sd->sector > sd->physical) {
		drop_page(sd, i);
		return;
	}
	p->sectors = sectors;
	if (sd->algorithm != BLIND)
		p->sum = crc32_le(~0, contents_of(sd, i), PAGE_SIZE);
	sd->used += (u64)sectors * sd->sector;
}

/* Under sd->lock, so that who is told does not go away. */
static void tell_event(struct sim_device *sd)
{
	if (sd->player)
		sd->player->short_of_room(sd->player_data);
	/* The device may be on its way out, see sim_take_down(). */
	if (sd->cd && !sd->leaving)
		cram_capacity_event(sd->cd);
}

/*
 * Raises a capacity event when use reaches the watermark, once until it falls
 * below.
 */
static void raise_events(struct sim_device *sd)
{
	bool was;

	guard(spinlock_irqsave)(&sd->lock);
	was = sd->event_raised;
	sd->event_raised = full_enough(sd);
	if (sd->event_raised && !was)
		tell_event(sd);
}

static unsigned int lag_of(const struct sim_device *sd)
{
	return sd->lag_ms ?: SAMPLE_MS;
}

static void store_pages(struct sim_device *sd, unsigned long pfn,
			unsigned long nr)
{
	unsigned long i = index_of(sd, pfn);

	if (plays_mode(sd, DELAYED)) {
		guard(spinlock_irqsave)(&sd->lock);
		bitmap_set(sd->queued, i, nr);
		for (; nr--; i++) {
			sd->pages[i].writable = false;
			sd->pages[i].queued_at = jiffies;
		}
		return;
	}
	for (; nr--; i++) {
		guard(spinlock_irqsave)(&sd->lock);
		sd->pages[i].writable = false;
		store_page(sd, i);
	}
	raise_events(sd);
}

static void sim_stored(struct cram_device *cd, unsigned long pfn,
		       unsigned long nr)
{
	store_pages(cram_drvdata(cd), pfn, nr);
}

static bool sim_is_lost(struct cram_device *cd, unsigned long pfn,
			unsigned long nr)
{
	struct sim_device *sd = cram_drvdata(cd);
	unsigned long i = index_of(sd, pfn);

	guard(spinlock_irqsave)(&sd->lock);
	for (; nr--; i++)
		if (sd->pages[i].lost)
			return true;
	return false;
}

/*
 * A real device sees each store to a writable page.  The simulation does not,
 * and so compresses these pages again in store_writable().
 */
static void set_writable(struct sim_device *sd, unsigned long pfn)
{
	guard(spinlock_irqsave)(&sd->lock);
	sd->pages[index_of(sd, pfn)].writable = true;
}

static void sim_writable(struct cram_device *cd, unsigned long pfn)
{
	set_writable(cram_drvdata(cd), pfn);
}

static void store_writable(struct sim_device *sd)
{
	unsigned long i;

	if (sd->algorithm == BLIND)
		return;
	for (i = 0; i < sd->nr_pages; i++) {
		if (!READ_ONCE(sd->pages[i].writable))
			continue;
		guard(spinlock_irqsave)(&sd->lock);
		if (sd->pages[i].writable)
			store_page(sd, i);
	}
}

/* Is @since, in jiffies, at least lag_ms ago? */
static bool is_overdue(const struct sim_device *sd, unsigned long since)
{
	return time_after_eq(jiffies, since + msecs_to_jiffies(sd->lag_ms));
}

static void store_queued(struct sim_device *sd, bool all)
{
	unsigned long i;

	for_each_set_bit(i, sd->queued, sd->nr_pages) {
		guard(spinlock_irqsave)(&sd->lock);
		if ((all || is_overdue(sd, sd->pages[i].queued_at)) &&
		    __test_and_clear_bit(i, sd->queued))
			store_page(sd, i);
	}
}

static void read_now(struct sim_device *sd, struct cram_capacity *cap)
{
	guard(spinlock_irqsave)(&sd->lock);
	cap->total = sd->physical;
	cap->used = sd->used;
	cap->lost = sd->lost;
}

/*
 * Finishes delayed stores and takes a sample, four times in the lag of the
 * device.  If this work is late, sim_read_capacity() finishes the stores that
 * are overdue.
 */
static void sim_later(struct work_struct *work)
{
	struct sim_device *sd = container_of(to_delayed_work(work),
					     struct sim_device, later);
	unsigned long at = jiffies;
	struct cram_capacity now;

	store_queued(sd, true);
	raise_events(sd);
	store_writable(sd);
	read_now(sd, &now);
	scoped_guard(spinlock_irqsave, &sd->lock) {
		sd->sample = now;
		sd->sample_at = at;
	}
	queue_delayed_work(system_dfl_wq, &sd->later,
			   max(msecs_to_jiffies(lag_of(sd) / 4), 1UL));
}

/*
 * -- callbacks of mm/cram ---------------------------------------------------
 */

/* Makes a reading wrong in the way of the modes understated and overstated. */
static void falsify_reading(struct sim_device *sd, struct cram_capacity *cap)
{
	if (plays_mode(sd, UNDERSTATED) && cap->used < cap->total)
		cap->used += get_random_u32_below(min(cap->total - cap->used,
						      cap->total / 4) + 1);
	if (plays_mode(sd, OVERSTATED))
		cap->used /= 2;
}

/* Gets the last sample.  Returns false if it is older than lag_ms. */
static bool take_sample(struct sim_device *sd, struct cram_capacity *cap)
{
	guard(spinlock_irqsave)(&sd->lock);
	*cap = sd->sample;
	return !is_overdue(sd, sd->sample_at);
}

static void take_time(const struct sim_device *sd)
{
	unsigned int ms = sd->reading_ms;

	if (plays_mode(sd, SLOW))
		ms += SLOW_MS;
	if (ms)
		msleep(ms);
}

static void set_was_read(struct sim_device *sd)
{
	guard(spinlock_irqsave)(&sd->lock);
	sd->was_read = true;
}

static int read_device(struct sim_device *sd, struct cram_capacity *cap)
{
	wait_event_idle(sd->mode_changed, !plays_mode(sd, HANG));
	set_was_read(sd);
	take_time(sd);
	if (plays_mode(sd, SILENT))
		return -ETIMEDOUT;
	if (sd->latency_us)
		udelay(sd->latency_us);
	if (!plays_mode(sd, STALE) || !take_sample(sd, cap)) {
		/* The work may be late, so what is overdue is stored here. */
		store_queued(sd, false);
		store_writable(sd);
		read_now(sd, cap);
	}
	falsify_reading(sd, cap);
	return 0;
}

static int sim_read_capacity(struct cram_device *cd, struct cram_capacity *cap)
{
	return read_device(cram_drvdata(cd), cap);
}

static void check_page(struct sim_device *sd, unsigned long i)
{
	struct sim_page *p = &sd->pages[i];

	if (!p->sectors || p->writable || sd->algorithm == BLIND ||
	    crc32_le(~0, contents_of(sd, i), PAGE_SIZE) == p->sum)
		return;
	sd->violations++;
	pr_err("%s: pfn %#lx was written to after it was stored\n", sd->name,
	       sd->first_pfn + i);
}

static void trim_range(struct sim_device *sd, struct cram_range *r)
{
	unsigned long i = index_of(sd, r->pfn);
	unsigned long end = i + r->nr_pages;

	for (; i < end; i++) {
		guard(spinlock_irqsave)(&sd->lock);
		/* A page whose store is still under way has no checksum yet. */
		if (!__test_and_clear_bit(i, sd->queued))
			check_page(sd, i);
		forget_page(sd, i);
		sd->trimmed_first += !sd->was_read;
	}
	r->trimmed = true;
}

static void trim_now(struct sim_device *sd)
{
	bool fail = plays_mode(sd, TRIM_FAIL) && sd->requests++ % 2;
	unsigned int i;

	for (i = 0; i < sd->nr_ranges && !fail; i++)
		if (!plays_mode(sd, TRIM_PARTIAL) || i % 2 ||
		    sd->nr_ranges == 1)
			trim_range(sd, &sd->ranges[i]);
	raise_events(sd);
	cram_trim_done(sd->cd);
}

static void trim_later(struct work_struct *work)
{
	trim_now(container_of(to_delayed_work(work), struct sim_device,
			      trim_work));
}

/* Does the request have to wait until trim_never ends? */
static bool hold_trim(struct sim_device *sd)
{
	guard(spinlock_irqsave)(&sd->lock);
	sd->trim_held = plays_mode(sd, TRIM_NEVER);
	return sd->trim_held;
}

static void sim_trim(struct cram_device *cd, struct cram_range *ranges,
		     unsigned int nr)
{
	struct sim_device *sd = cram_drvdata(cd);

	/* The first call comes before cram_register() has returned. */
	WRITE_ONCE(sd->cd, cd);
	sd->ranges = ranges;
	sd->nr_ranges = nr;
	if (hold_trim(sd))
		return;
	if (plays_mode(sd, TRIM_LATE))
		queue_delayed_work(system_dfl_wq, &sd->trim_work,
				   msecs_to_jiffies(TRIM_LATE_MS));
	else
		trim_now(sd);
}

static unsigned int sim_hot_pages(struct cram_device *cd, unsigned long *pfns,
				  unsigned int max)
{
	struct sim_device *sd = cram_drvdata(cd);
	unsigned int nr = 0;
	unsigned long i;

	for_each_set_bit(i, sd->hot, sd->nr_pages) {
		if (nr == max)
			break;
		clear_bit(i, sd->hot);
		pfns[nr++] = sd->first_pfn + i;
	}
	return nr;
}

static const struct cram_ops sim_ops = {
	.read_capacity = sim_read_capacity,
	.trim = sim_trim,
	.hot_pages = sim_hot_pages,
	.is_lost = sim_is_lost,
	.stored = sim_stored,
	.writable = sim_writable,
};

static enum hrtimer_restart sim_storm(struct hrtimer *timer)
{
	struct sim_device *sd = container_of(timer, struct sim_device, storm);

	if (plays_mode(sd, STORM)) {
		guard(spinlock_irqsave)(&sd->lock);
		tell_event(sd);
	}
	hrtimer_forward_now(timer, ms_to_ktime(5));
	return HRTIMER_RESTART;
}

/*
 * -- files of a device ------------------------------------------------------
 */

static int parse_mode(const struct sim_device *sd, const char *text,
		      unsigned long *mode)
{
	char *copy __free(kfree) = kstrdup(text, GFP_KERNEL);
	char *rest, *word;
	unsigned long new = 0;
	int i;

	if (!copy)
		return -ENOMEM;
	rest = strim(copy);
	while ((word = strsep(&rest, ","))) {
		i = match_string(mode_names, NR_MODES, word);
		if (i < 0 && strcmp(word, "good"))
			return bad_option("mode", word, "unknown mode");
		if ((i == STALE || i == DELAYED) && !sd->lag_ms)
			return bad_option("mode", word, "needs lag_ms");
		if (i >= 0)
			new |= BIT(i);
	}
	*mode = new;
	return 0;
}

static struct sim_device *to_sim(struct kobject *kobj)
{
	return container_of(kobj, struct sim_device, kobj);
}

static ssize_t mode_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	unsigned long mode = READ_ONCE(to_sim(kobj)->mode);
	int i, len = 0;

	for (i = 0; i < NR_MODES; i++)
		if (mode & BIT(i))
			len += sysfs_emit_at(buf, len, "%s%s", len ? "," : "",
					     mode_names[i]);
	return len + sysfs_emit_at(buf, len, "%s\n", len ? "" : "good");
}

static void set_mode(struct sim_device *sd, unsigned long mode)
{
	scoped_guard(spinlock_irqsave, &sd->lock) {
		WRITE_ONCE(sd->mode, mode);
		if (sd->trim_held && !plays_mode(sd, TRIM_NEVER)) {
			sd->trim_held = false;
			queue_delayed_work(system_dfl_wq, &sd->trim_work, 0);
		}
	}
	wake_up_all(&sd->mode_changed);
}

static ssize_t mode_store(struct kobject *kobj, struct kobj_attribute *attr,
			  const char *buf, size_t count)
{
	unsigned long mode;
	int ret = parse_mode(to_sim(kobj), buf, &mode);

	if (ret)
		return ret;
	set_mode(to_sim(kobj), mode);
	return count;
}

static int parse_bytes(const char *option, const char *text, u64 *bytes)
{
	char *end;

	*bytes = memparse(text, &end);
	return *end && *end != '\n' ? bad_option(option, text, "no size") : 0;
}

/* Refuses a small number without a unit, as 96 for 96M. */
static int parse_physical(const char *text, u64 *bytes)
{
	int ret = parse_bytes("physical", text, bytes);

	if (ret || *bytes >= SZ_1M ||
	    !isdigit(text[strlen(text) - 1]))
		return ret;
	return bad_option("physical", text,
			  "less than 1 MiB; give a unit, as in 96M");
}

static ssize_t physical_bytes_show(struct kobject *kobj,
				   struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(to_sim(kobj)->physical));
}

static ssize_t physical_bytes_store(struct kobject *kobj,
				    struct kobj_attribute *attr,
				    const char *buf, size_t count)
{
	struct sim_device *sd = to_sim(kobj);
	u64 bytes;
	int ret = parse_bytes("physical_bytes", buf, &bytes);

	if (ret)
		return ret;
	guard(spinlock_irqsave)(&sd->lock);
	sd->physical = bytes;
	tell_event(sd);
	return count;
}

static ssize_t hot_store(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count)
{
	struct sim_device *sd = to_sim(kobj);
	unsigned long pfn;

	if (kstrtoul(buf, 0, &pfn) || pfn < sd->first_pfn ||
	    index_of(sd, pfn) >= sd->nr_pages)
		return bad_option("hot", buf, "no page frame of the device");
	set_bit(index_of(sd, pfn), sd->hot);
	return count;
}

static ssize_t show_locked(struct sim_device *sd, u64 *value, char *buf)
{
	guard(spinlock_irqsave)(&sd->lock);
	return sysfs_emit(buf, "%llu\n", *value);
}

/* Defines a read-only file for a counter of the device, @value is an sd->... */
#define SHOW(name, value)						\
static ssize_t name##_show(struct kobject *kobj,			\
			   struct kobj_attribute *attr, char *buf)	\
{									\
	struct sim_device *sd = to_sim(kobj);				\
									\
	return show_locked(sd, &(value), buf);				\
}									\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

SHOW(used_bytes, sd->used);
SHOW(stored_pages, sd->stored);
SHOW(lost_writes, sd->lost);
SHOW(violations, sd->violations);
SHOW(trimmed_first, sd->trimmed_first);

static ssize_t check_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	struct sim_device *sd = to_sim(kobj);
	u64 before = READ_ONCE(sd->violations);
	unsigned long i;

	for (i = 0; i < sd->nr_pages; i++) {
		scoped_guard(spinlock_irqsave, &sd->lock)
			if (!test_bit(i, sd->queued))
				check_page(sd, i);
		cond_resched();
	}
	return sysfs_emit(buf, "%llu\n", READ_ONCE(sd->violations) - before);
}

static struct kobj_attribute mode_attr = __ATTR_RW(mode);
static struct kobj_attribute physical_bytes_attr = __ATTR_RW(physical_bytes);
static struct kobj_attribute hot_attr = __ATTR_WO(hot);
static struct kobj_attribute check_attr = __ATTR_RO_MODE(check, 0400);

static struct attribute *sim_attrs[] = {
	&mode_attr.attr,
	&physical_bytes_attr.attr,
	&used_bytes_attr.attr,
	&stored_pages_attr.attr,
	&lost_writes_attr.attr,
	&violations_attr.attr,
	&trimmed_first_attr.attr,
	&hot_attr.attr,
	&check_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(sim);

static void sim_release(struct kobject *kobj)
{
	struct sim_device *sd = to_sim(kobj);

	kvfree(sd->pages);
	bitmap_free(sd->queued);
	bitmap_free(sd->hot);
	bitmap_free(sd->failed);
	vfree(sd->workmem);
	kfree(sd->out);
	kfree(sd);
}

static const struct kobj_type sim_ktype = {
	.release = sim_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = sim_groups,
};

/*
 * -- creation and removal of devices ----------------------------------------
 */

enum sim_option {
	OPT_NAME, OPT_RANGE, OPT_PHYSICAL, OPT_NODE, OPT_SECTOR, OPT_ALGORITHM,
	OPT_WORST, OPT_LATENCY, OPT_READING, OPT_MARGIN, OPT_LAG, OPT_TIMEOUT,
	OPT_WATERMARK, OPT_MODE, OPT_ROLE, NR_OPTIONS,
};

static const char *const option_names[NR_OPTIONS] = {
	"name", "range", "physical", "node", "sector", "algorithm",
	"worst_case", "latency_us", "reading_ms", "margin", "lag_ms",
	"timeout_ms", "watermark", "mode", "role",
};

/* The name, the range and the size have no default. */
static int check_given(char *values[])
{
	int i;

	for (i = OPT_NAME; i <= OPT_PHYSICAL; i++)
		if (!values[i])
			return bad_option(option_names[i], "", "is missing");
	return 0;
}

static int parse_uint(const char *const o[], enum sim_option i,
		      unsigned int low, unsigned int high, unsigned int *value)
{
	if (!o[i])
		return 0;
	if (kstrtouint(o[i], 10, value) || *value < low || *value > high)
		return bad_option(option_names[i], o[i], "out of range");
	return 0;
}

/*
 * A device of its own takes memory that is reserved.  The memory of a store is
 * brought up by its player, and no resource may be in the way of that: it is
 * memory that the kernel was not told of.
 */
static int check_range(const struct sim_device *sd, const char *text,
		       u64 start, u64 size)
{
	if (!sd->store)
		return check_reserved("range", text, start, size);
	if (region_intersects(start, size, IORESOURCE_MEM,
			      IORES_DESC_NONE) == REGION_DISJOINT)
		return 0;
	return bad_option("range", text,
			  "not free for role=store; boot with memmap=SIZE%ADDRESS-1");
}

static int parse_range(struct sim_device *sd, const char *text)
{
	u64 start, size;
	char *end;

	start = memparse(text, &end);
	if (*end++ != ':')
		return bad_option("range", text, "not ADDRESS:SIZE");
	size = memparse(end, &end);
	if (*end || !size || start + size < start ||
	    !IS_ALIGNED(start | size, memory_block_size_bytes()))
		return bad_option("range", text, "not whole memory blocks");
	if (check_range(sd, text, start, size))
		return -EINVAL;
	sd->range = (struct range){ start, start + size - 1 };
	sd->first_pfn = PHYS_PFN(start);
	sd->nr_pages = PHYS_PFN(size);
	return 0;
}

static struct sim_device *find_device(const char *name)
{
	struct sim_device *sd;

	list_for_each_entry(sd, &sim_devices, list)
		if (sysfs_streq(name, sd->name))
			return sd;
	return NULL;
}

static int parse_name(struct sim_device *sd, const char *name)
{
	size_t i;

	if (strlen(name) >= sizeof(sd->name))
		return bad_option("name", name, "longer than 23 characters");
	for (i = 0; name[i]; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '-')
			return bad_option("name", name,
					  "only letters, digits, '_' and '-'");
	if (find_device(name))
		return bad_option("name", name, "is in use");
	strscpy(sd->name, name);
	return 0;
}

static int parse_algorithm(struct sim_device *sd, const char *name)
{
	int i = name ? match_string(algorithm_names, NR_ALGORITHMS, name) : LZ4;

	if (i < 0)
		return bad_option("algorithm", name,
				  "none of lz4, zstd, none, blind");
	sd->algorithm = i;
	return 0;
}

static int parse_role(struct sim_device *sd, const char *role)
{
	sd->store = role && !strcmp(role, "store");
	if (role && !sd->store && strcmp(role, "device"))
		return bad_option("role", role, "neither device nor store");
	return 0;
}

static int parse_options(struct sim_device *sd, char *values[])
{
	const char *const *o = (const char *const *)values;
	unsigned int nid = 0;
	bool any_spare;
	int ret;

	sd->sector = 64;
	sd->worst_case = PAGE_SIZE;
	sd->watermark = 90;
	sd->nid = NUMA_NO_NODE;
	any_spare = !o[OPT_NODE] || !strcmp(o[OPT_NODE], "spare");
	ret = parse_name(sd, o[OPT_NAME]) ?:
	      parse_role(sd, o[OPT_ROLE]) ?:
	      parse_range(sd, o[OPT_RANGE]) ?:
	      parse_physical(o[OPT_PHYSICAL], &sd->physical) ?:
	      parse_uint(o, OPT_SECTOR, 64, PAGE_SIZE, &sd->sector) ?:
	      parse_algorithm(sd, o[OPT_ALGORITHM]) ?:
	      parse_uint(o, OPT_WORST, PAGE_SIZE, 2 * PAGE_SIZE,
			 &sd->worst_case) ?:
	      parse_uint(o, OPT_LATENCY, 0, 1000, &sd->latency_us) ?:
	      parse_uint(o, OPT_READING, 0, 10000, &sd->reading_ms) ?:
	      parse_uint(o, OPT_LAG, 0, CRAM_MAX_LAG_MS, &sd->lag_ms) ?:
	      parse_uint(o, OPT_TIMEOUT, 0, 60000, &sd->timeout_ms) ?:
	      parse_uint(o, OPT_WATERMARK, 1, 100, &sd->watermark);
	if (!ret && !is_power_of_2(sd->sector))
		ret = bad_option("sector", o[OPT_SECTOR], "no power of two");
	if (!ret && sd->worst_case % sd->sector)
		ret = bad_option("worst_case", o[OPT_WORST],
				 "not whole sectors");
	if (!ret && !any_spare)
		ret = parse_uint(o, OPT_NODE, 0, MAX_NUMNODES - 1, &nid);
	if (!ret && o[OPT_MARGIN])
		ret = parse_bytes("margin", o[OPT_MARGIN], &sd->margin);
	if (!ret && o[OPT_MODE])
		ret = parse_mode(sd, o[OPT_MODE], &sd->mode);
	if (!any_spare)
		sd->nid = nid;
	return ret;
}

static int sim_memory(struct sim_device *sd)
{
	zstd_compression_parameters params;
	size_t size;

	sd->pages = kvzalloc_objs(*sd->pages, sd->nr_pages);
	sd->queued = bitmap_zalloc(sd->nr_pages, GFP_KERNEL);
	sd->hot = bitmap_zalloc(sd->nr_pages, GFP_KERNEL);
	sd->failed = bitmap_zalloc(sd->nr_pages, GFP_KERNEL);
	sd->out = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!sd->pages || !sd->queued || !sd->hot || !sd->failed || !sd->out)
		return -ENOMEM;
	if (sd->algorithm != ZSTD) {
		sd->workmem = vmalloc(LZ4_MEM_COMPRESS);
		return sd->workmem ? 0 : -ENOMEM;
	}
	params = zstd_get_cparams(ZSTD_LEVEL, PAGE_SIZE, 0);
	size = zstd_cctx_workspace_bound(&params);
	sd->workmem = vmalloc(size);
	if (sd->workmem)
		sd->zstd = zstd_init_cctx(sd->workmem, size);
	return sd->zstd ? 0 : -ENOMEM;
}

/*
 * Maps all pages writable, since cram_protect may make the direct map
 * read-only.
 */
static int sim_alias(struct sim_device *sd)
{
	struct page **pages = kvmalloc_objs(*pages, sd->nr_pages);
	unsigned long i;

	if (!pages)
		return -ENOMEM;
	for (i = 0; i < sd->nr_pages; i++)
		pages[i] = pfn_to_page(sd->first_pfn + i);
	sd->alias = vmap(pages, sd->nr_pages, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return sd->alias ? 0 : -ENOMEM;
}

static int bring_up_node(struct sim_device *sd)
{
	static const u8 distances[MAX_NUMNODES] = {
		[0 ... MAX_NUMNODES - 1] = 40,
	};
	const unsigned long services = BIT(PRIVATE_NODE_RECLAIM) |
				       BIT(PRIVATE_NODE_DEMOTION) |
				       BIT(PRIVATE_NODE_PROMOTION);
	struct private_node_desc desc = {
		.owner = OWNER,
		.name = sd->name,
		.capable = services,
		.enabled = services,
		.flags = PRIVATE_NODE_F_NO_DEVICE_MAP |
			 PRIVATE_NODE_F_COMPRESSED,
	};
	struct private_node *pn;

	if (sd->nid == NUMA_NO_NODE) {
		sd->nid = private_node_spare_get(distances, MAX_NUMNODES);
		if (sd->nid < 0)
			return sd->nid;
		sd->spare = true;
	}
	pn = private_node_register(sd->nid, &desc);
	if (IS_ERR(pn))
		return PTR_ERR(pn);
	sd->pn = pn;
	return add_private_memory_driver_managed(pn, sd->range.start,
						 range_len(&sd->range),
						 "System RAM (cram_sim)",
						 MHP_NONE, MMOP_ONLINE_MOVABLE);
}

static int sim_bring_up(struct sim_device *sd)
{
	struct cram_desc desc = {
		.ops = &sim_ops,
		.worst_case = sd->worst_case,
		.margin = sd->margin,
		.lag_ms = sd->lag_ms,
		.timeout_ms = sd->timeout_ms,
		.drvdata = sd,
	};
	struct cram_device *cd;
	int ret = bring_up_node(sd) ?: sim_alias(sd);

	if (ret)
		return ret;
	sd->sample_at = jiffies - msecs_to_jiffies(sd->lag_ms);
	cd = cram_register(sd->pn, &desc);
	if (IS_ERR(cd))
		return PTR_ERR(cd);
	sd->cd = cd;
	queue_delayed_work(system_dfl_wq, &sd->later, 1);
	hrtimer_start(&sd->storm, ms_to_ktime(5), HRTIMER_MODE_REL);
	return 0;
}

static void set_leaving(struct sim_device *sd, bool leaving)
{
	guard(spinlock_irqsave)(&sd->lock);
	sd->leaving = leaving;
	/*
	 * The removal failed.  Capacity events that were suppressed meanwhile
	 * are reported now.
	 */
	if (!leaving)
		cram_capacity_event(sd->cd);
}

/*
 * Removes the device, its memory and its node.  After an error the steps that
 * succeeded stay done, and a later call continues.
 */
static int sim_take_down(struct sim_device *sd)
{
	int ret = 0;

	if (sd->cd) {
		set_leaving(sd, true);
		hrtimer_cancel(&sd->storm);
		ret = cram_unregister(sd->cd);
		if (ret) {
			set_leaving(sd, false);
			hrtimer_start(&sd->storm, ms_to_ktime(5),
				      HRTIMER_MODE_REL);
			return ret;
		}
		sd->cd = NULL;
		cancel_delayed_work_sync(&sd->later);
		cancel_delayed_work_sync(&sd->trim_work);
		cancel_delayed_work_sync(&sd->fail_work);
	}
	vunmap(sd->alias);
	sd->alias = NULL;
	if (sd->pn) {
		ret = remove_private_memory_driver_managed(sd->pn);
		if (!ret)
			ret = private_node_unregister(sd->pn);
		if (ret)
			return ret;
		private_node_put(sd->pn);
		sd->pn = NULL;
	}
	if (sd->spare)
		private_node_spare_put(sd->nid);
	sd->spare = false;
	return 0;
}

/*
 * -- a store that another driver plays the device with ------------------------
 */

static struct sim_device *find_store(u64 start, u64 size)
{
	struct sim_device *sd;

	list_for_each_entry(sd, &sim_devices, list)
		if (sd->store && sd->range.start == start &&
		    range_len(&sd->range) == size)
			return sd;
	return NULL;
}

static void set_player(struct sim_device *sd,
		       const struct cram_sim_player *player, void *data)
{
	guard(spinlock_irqsave)(&sd->lock);
	sd->player = player;
	sd->player_data = data;
}

/**
 * cram_sim_store_get - take a device that was made with role=store
 * @start: of its range
 * @size: of its range
 * @player: who plays the device
 * @data: passed to the functions of @player
 *
 * Context: process, may sleep.
 * Return: the device; or ERR_PTR: -ENODEV when there is none, -EBUSY when
 * somebody plays it.
 */
struct sim_device *cram_sim_store_get(u64 start, u64 size,
				      const struct cram_sim_player *player,
				      void *data)
{
	struct sim_device *sd;

	guard(mutex)(&sim_lock);
	sd = find_store(start, size);
	if (!sd)
		return ERR_PTR(-ENODEV);
	if (sd->player)
		return ERR_PTR(-EBUSY);
	sd->sample_at = jiffies - msecs_to_jiffies(sd->lag_ms);
	set_player(sd, player, data);
	queue_delayed_work(system_dfl_wq, &sd->later, 1);
	hrtimer_start(&sd->storm, ms_to_ktime(5), HRTIMER_MODE_REL);
	return sd;
}
EXPORT_SYMBOL_GPL(cram_sim_store_get);

/**
 * cram_sim_store_put - give a store back
 * @sd: the store; no page of it is in use
 *
 * Context: process, may sleep.
 */
void cram_sim_store_put(struct sim_device *sd)
{
	guard(mutex)(&sim_lock);
	hrtimer_cancel(&sd->storm);
	cancel_delayed_work_sync(&sd->later);
	cancel_delayed_work_sync(&sd->fail_work);
	set_player(sd, NULL, NULL);
	vunmap(sd->alias);
	sd->alias = NULL;
}
EXPORT_SYMBOL_GPL(cram_sim_store_put);

/**
 * cram_sim_store_read - what the device says that it stores
 * @sd: the store
 * @cap: result
 *
 * Context: process, may sleep.
 * Return: 0, or an errno in the mode silent.
 */
int cram_sim_store_read(struct sim_device *sd, struct cram_capacity *cap)
{
	return read_device(sd, cap);
}
EXPORT_SYMBOL_GPL(cram_sim_store_read);

/**
 * cram_sim_store_trim - drop the contents of a range
 * @sd: the store
 * @pfn: first page frame
 * @nr: number of pages
 *
 * Context: process, may sleep; its pages are on a node.
 * Return: false when the device does not, in the mode trim_fail, or without
 * memory.
 */
bool cram_sim_store_trim(struct sim_device *sd, unsigned long pfn,
			 unsigned long nr)
{
	struct cram_range range = { .pfn = pfn, .nr_pages = nr };

	/* The first trim comes before the first store. */
	if (!sd->alias && sim_alias(sd))
		return false;
	wait_event_idle(sd->mode_changed, !plays_mode(sd, TRIM_NEVER));
	if (plays_mode(sd, TRIM_LATE))
		msleep(TRIM_LATE_MS);
	if (plays_mode(sd, TRIM_FAIL) && sd->requests++ % 2)
		return false;
	trim_range(sd, &range);
	raise_events(sd);
	return true;
}
EXPORT_SYMBOL_GPL(cram_sim_store_trim);

/**
 * cram_sim_store_stored - pages were stored
 * @sd: the store
 * @pfn: first page frame
 * @nr: number of pages
 *
 * Context: any but NMI.
 */
void cram_sim_store_stored(struct sim_device *sd, unsigned long pfn,
			   unsigned long nr)
{
	store_pages(sd, pfn, nr);
}
EXPORT_SYMBOL_GPL(cram_sim_store_stored);

/**
 * cram_sim_store_writable - a page may change at any time
 * @sd: the store
 * @pfn: its page frame
 *
 * Context: any but NMI.
 */
void cram_sim_store_writable(struct sim_device *sd, unsigned long pfn)
{
	set_writable(sd, pfn);
}
EXPORT_SYMBOL_GPL(cram_sim_store_writable);

/* What the device says about itself.  Context: any. */
unsigned int cram_sim_store_worst_case(const struct sim_device *sd)
{
	return sd->worst_case;
}
EXPORT_SYMBOL_GPL(cram_sim_store_worst_case);

unsigned int cram_sim_store_lag_ms(const struct sim_device *sd)
{
	return sd->lag_ms;
}
EXPORT_SYMBOL_GPL(cram_sim_store_lag_ms);

static struct sim_device *sim_device_new(void)
{
	struct sim_device *sd = kzalloc_obj(*sd);

	if (!sd)
		return NULL;
	kobject_init(&sd->kobj, &sim_ktype);
	init_waitqueue_head(&sd->mode_changed);
	spin_lock_init(&sd->lock);
	INIT_DELAYED_WORK(&sd->later, sim_later);
	INIT_DELAYED_WORK(&sd->trim_work, trim_later);
	INIT_DELAYED_WORK(&sd->fail_work, fail_pages);
	hrtimer_setup(&sd->storm, sim_storm, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	return sd;
}

static int new_device(char *values[])
{
	struct sim_device *sd = sim_device_new();
	int ret;

	if (!sd)
		return -ENOMEM;
	ret = parse_options(sd, values) ?: sim_memory(sd);
	if (!ret && !sd->store)
		ret = sim_bring_up(sd);
	if (!ret)
		ret = kobject_add(&sd->kobj, sim_kobj, "%s", sd->name);
	if (ret && !sim_take_down(sd)) {
		kobject_put(&sd->kobj);
		return ret;
	}
	/*
	 * A device that failed and could not be removed either stays in the
	 * list.
	 */
	__module_get(THIS_MODULE);
	list_add_tail(&sd->list, &sim_devices);
	return ret;
}

static ssize_t new_device_store(struct kobject *kobj,
				struct kobj_attribute *attr, const char *buf,
				size_t count)
{
	char *text __free(kfree) = kstrndup(buf, count, GFP_KERNEL);
	char *values[NR_OPTIONS] = {};
	int ret;

	if (!text)
		return -ENOMEM;
	ret = split_options(text, option_names, NR_OPTIONS, values) ?:
	      check_given(values);
	if (ret)
		return ret;
	guard(mutex)(&sim_lock);
	return new_device(values) ?: count;
}

static ssize_t remove_device_store(struct kobject *kobj,
				   struct kobj_attribute *attr,
				   const char *buf, size_t count)
{
	struct sim_device *sd;
	int ret;

	guard(mutex)(&sim_lock);
	sd = find_device(buf);
	if (!sd) {
		pr_err("remove_device: %.*s: no such device\n",
		       (int)strcspn(buf, "\n"), buf);
		return -ENOENT;
	}
	ret = sd->player ? -EBUSY : sim_take_down(sd);
	if (ret)
		return ret;
	list_del(&sd->list);
	/* A device whose creation failed has no files. */
	if (sd->kobj.state_in_sysfs)
		kobject_del(&sd->kobj);
	kobject_put(&sd->kobj);
	module_put(THIS_MODULE);
	return count;
}

static struct kobj_attribute new_device_attr = __ATTR_WO(new_device);
static struct kobj_attribute remove_device_attr = __ATTR_WO(remove_device);

static const struct attribute *top_attrs[] = {
	&new_device_attr.attr,
	&remove_device_attr.attr,
	NULL
};

static int __init sim_init(void)
{
	int ret;

	sim_kobj = kobject_create_and_add("cram_sim", kernel_kobj);
	if (!sim_kobj)
		return -ENOMEM;
	ret = sysfs_create_files(sim_kobj, top_attrs);
	if (ret)
		kobject_put(sim_kobj);
	return ret;
}

/* Each device holds a reference to the module, so there is none left. */
static void __exit sim_exit(void)
{
	kobject_put(sim_kobj);
}

module_init(sim_init);
module_exit(sim_exit);
MODULE_DESCRIPTION("Simulated compressing device");
MODULE_LICENSE("GPL");
