// SPDX-License-Identifier: GPL-2.0-only
/*
 * life: the kernel's selftest of what leaves a device; and what is used is promoted, a second device takes what
 * the first cannot, a device goes while it is used, and memory that fails is its users' alone.
 *
 * vm: --node 1G --reserve 256M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 480
 */
#define _GNU_SOURCE
#include <sys/uio.h>
#include <time.h>

#include "../../../kernel/files/tools/testing/selftests/cram/evict.c"

static volatile uint64_t sink;

/* Each second page is written to, the others are read. */
static bool used_and_gone(void)
{
	volatile uint64_t *word;
	size_t i;

	forget_translations();
	for (i = 0; i < 2 * MIB; i += PAGE) {
		word = (volatile uint64_t *)(p + i);
		if (i / PAGE % 2)
			*word = *word;
		else
			sink += *word;
	}
	return !where(p, 2 * MIB).here;
}

static bool some_promoted(void)
{
	return counter("promotion_used ") > 0;
}

/* The promotion service of the node. */
static void promoted(void)
{
	unsigned long copied, granted;

	p = placed(1, HALF);
	copied = cram_stat("copied_up");
	granted = cram_stat("granted");
	ok(within(240, used_and_gone), "what is read, or written to, all the time moves up");
	ok(cram_stat("granted") > granted && cram_stat("copied_up") - copied < MIB / PAGE / 10,
	   "those that are written to by way of a grant: %lu, %lu were copied", cram_stat("granted") - granted,
	   cram_stat("copied_up") - copied);
	ok(where(p + 4 * MIB, LEN - 4 * MIB).here, "what is not stays");
	ok(within(60, some_promoted), "counted");
	printf("# promotion: used %lu, failed %lu, refused %lu; demoted %lu\n", counter("promotion_used "),
	       counter("promotion_failed "), counter("promotion_refused "), counter("demotion_used "));
	ok(!damaged(p, 0, LEN, HALF, 1), "contents");
	munmap(p, LEN);
	all_trimmed("promoted");
}

static time_t until;

/* Each time that the device was read it says what is hot. */
static bool time_is_up(void)
{
	put(cram_file("writable_bytes"), "default");
	return time(NULL) >= until;
}

static void is_hot(size_t at)
{
	char frame[32];

	snprintf(frame, sizeof(frame), "%lu", frame_or_none(p + at));
	/* It is no page of the device any more when it has moved up. */
	write_file(DEV "/hot", frame);
}

/* A huge page has to wait for two seconds until the limit allows it. */
static bool one_moved_up(void)
{
	size_t i;

	for (i = 0; i < LEN; i += PMD)
		is_hot(i);
	return where(p, LEN).elsewhere;
}

/* The device reports all its pages as hot: they move up as fast as promotion may. */
static void hot_at_rate(int advice, const char *what)
{
	unsigned long moved;
	size_t i, here;

	p = anon(LEN);
	madvise(p, LEN, advice);
	fill(p, LEN, HALF, 6);
	here = make_cold(p, LEN);
	until = time(NULL) + 3;
	for (i = 0; i < LEN; i += PAGE)
		is_hot(i);
	within(60, time_is_up);
	moved = here - where(p, LEN).here;
	/* What was left of the second before, and a huge page that was saved up for. */
	ok(moved <= (time(NULL) - until + 3 + 2) * MIB / PAGE + PMD / PAGE, "%s: %lu pages of %zu moved up in %ld s", what, moved,
	   here, time(NULL) - until + 3);
	ok(within(60, one_moved_up), "%s: they do move", what);
	munmap(p, LEN);
	all_trimmed(what);
}

static void hot_rates(void)
{
	put(node_file("promotion_mib_per_second"), "1");
	/* Until passes have seen the new limit. */
	sleep(3);
	hot_at_rate(MADV_NOHUGEPAGE, "hot pages");
	hot_at_rate(MADV_HUGEPAGE, "hot huge pages");
}

static bool has_shrunk(void)
{
	return cram_number("physical_bytes") == 8 * MIB;
}

static void second_device(void)
{
	int first = node, second;
	unsigned long there;
	char words[256], nodes[64] = "";

	put(DEV "/physical_bytes", "8M");
	ok(within(60, has_shrunk), "8 MiB are left");
	snprintf(words, sizeof(words), "name=d range=%s physical=96M", reserved_range(1));
	ok(!write_file(SIM "/new_device", "name=c range=0:1 physical=1") && errno == EINVAL, "a name that is in use");
	put(SIM "/new_device", words);
	read_file("/sys/kernel/mm/cram/nodes", nodes, sizeof(nodes));
	printf("# devices on nodes %s", nodes);
	second = first == atoi(nodes) ? first + 1 : atoi(nodes);
	node = second;
	ok(within(60, is_ok), "the second gives credit");
	node = first;
	p = placed(3, RANDOM);
	node = second;
	find_blocks();
	there = where(p, LEN).here;
	ok(cold_pages && cold_pages <= 8 * MIB / PAGE && there && there + cold_pages > LEN / PAGE * 9 / 10,
	   "two devices: %zu pages on the first, %lu on the second", cold_pages, there);
	ok(cram_stat("admitted") >= there, "each has its own ledger: %lu of %lu", cram_stat("admitted"), there);
	node = first;
	find_blocks();
	ok(nothing_lost() && !damaged(p, 0, LEN, RANDOM, 3), "contents");
	ok(write_file(SIM "/remove_device", "d"), "the second goes under load");
	ok(!damaged(p, 0, LEN, RANDOM, 3), "contents");
	ok(!write_file(SIM "/remove_device", "d") && errno == ENOENT, "once");
	put(DEV "/physical_bytes", "192M");
	munmap(p, LEN);
	all_trimmed("two devices");
}

static int reads_bad(void *arg)
{
	(void)arg;
	signal(SIGBUS, SIG_DFL);
	sink = p[7 * PAGE];
	return 0;
}

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static void memory_fails(void)
{
	int status, err;

	p = placed(4, HALF);
	ok(where(p + 7 * PAGE, PAGE).here && where(p + 9 * PAGE, PAGE).here, "pages are there");
	err = madvise(p + 9 * PAGE, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
	ok(!err && where(p + 9 * PAGE, PAGE).elsewhere, "one that will soon be broken moves up (%s)", strerror(err));
	ok(!damaged(p, 0, LEN, HALF, 4), "contents");
	/* The kernel takes it for an access of ours. */
	signal(SIGBUS, on_bus);
	if (!sigsetjmp(bus_jmp, 1) && madvise(p + 7 * PAGE, PAGE, MADV_HWPOISON))
		bail("MADV_HWPOISON");
	status = in_child(reads_bad, NULL);
	ok(status, "who reads it is killed (%d)", status);
	ok(!damaged(p, 0, 7 * PAGE, HALF, 4) && !damaged(p, 8 * PAGE, LEN - 8 * PAGE, HALF, 4), "the others are right");
	munmap(p, LEN);
	ok(cram_state_is("ok"), "and the device goes on");
}

static bool enabled_is(const char *services)
{
	char buf[128] = "";

	read_file(node_file("enabled"), buf, sizeof(buf));
	return !strcmp(buf, services);
}

/* A page that somebody holds cannot move, so the device cannot go. */
static void stays(void)
{

	p = placed(5, HALF);
	ok(where(p + 7 * PAGE, PAGE).here, "a page is there");
	hold_page(p + 7 * PAGE);
	put(node_file("enabled"), "-promotion -demotion");
	ok(!remove_device() && errno == EBUSY, "somebody holds a resident: the device does not go");
	ok(enabled_is("reclaim\n"), "and what the administrator had closed stays closed");
	put(node_file("enabled"), "+demotion +promotion");
	ok(make_cold(p, LEN) > 1, "opened again it takes pages");
	hold_page(NULL);
	ok(!damaged(p, 0, LEN, HALF, 5), "contents");
}

static bool is_there(void)
{
	return !access(cram_file("state"), F_OK);
}

/* Until one of them came through, each killed a little later than the last. */
static void killed(void)
{
	int i, closed = 0, kills = 0;
	pid_t pid;

	for (i = 0; i < 20 && is_there(); i++) {
		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(!remove_device());
		usleep(i * i * 1000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (!is_there())
			break;
		kills++;
		closed += !enabled_is("reclaim demotion promotion\n");
	}
	ok(kills && !closed, "%d times who takes the device away was killed: what is enabled stays so", kills);
	if (!is_there())
		return;
	ok(within(60, is_ok) && make_cold(p, LEN), "and it takes pages again");
}

/* -- a device that does not answer -------------------------------------------------------------------- */

static bool shown_silent(void)
{
	return cram_state_is("silent");
}

static pid_t removes;

static bool is_dead(void)
{
	return waitpid(removes, NULL, WNOHANG) == removes;
}

/* Who waits for the device can be killed, and the device goes on when it answers. */
static void remove_waits(const char *what)
{
	fflush(stdout);
	removes = fork();
	if (!removes)
		_exit(!remove_device());
	usleep(500000);		/* time: nothing happens */
	ok(!is_dead(), "%s: its removal waits", what);
	kill(removes, SIGKILL);
	ok(within(10, is_dead) && is_there(), "%s: and can be killed", what);
	put(DEV "/mode", "good");
	ok(within(60, is_ok), "%s: it goes on when it answers", what);
}

static void no_answer(void)
{
	put(DEV "/mode", "hang");
	ok(within(60, shown_silent), "a reading hangs");
	remove_waits("a reading hangs");
	ok(remove_device() && try_device("physical=192M mode=trim_never"), "a device that does not answer the first trim");
	usleep(100000);
	remove_waits("the first trim hangs");
}

/* -- two devices, of which one does not answer --------------------------------------------------------- */

static unsigned long readings_before;

static bool two_readings(void)
{
	return cram_stat("readings") >= readings_before + 2;
}

static bool is_read(int nid)
{
	node = nid;
	readings_before = cram_stat("readings");
	return within(60, two_readings);
}

static bool own_workers(void)
{
	return has_thread("kworker/R-cram_read") && has_thread("kworker/R-cram_trim");
}

static bool is_freed(void)
{
	node_free();
	return cram_number("untrimmed_bytes") > 0;
}

/* A trim that does not end delays no reading, of this device or another, also when no worker can be started. */
static void others_go_on(void)
{
	char words[256], nodes[64] = "";
	int first = node, second;

	p = placed(7, HALF);
	snprintf(words, sizeof(words), "name=d range=%s physical=96M", reserved_range(1));
	put(SIM "/new_device", words);
	read_file("/sys/kernel/mm/cram/nodes", nodes, sizeof(nodes));
	second = first == atoi(nodes) ? first + 1 : atoi(nodes);
	put(DEV "/mode", "trim_never");
	munmap(p, LEN);
	ok(within(60, is_freed), "a trim does not end");
	ok(is_read(first), "the device is read");
	ok(own_workers(), "its readings and its trims have a worker each");
	ok(is_read(second), "and so is another");
	ok(own_workers(), "which has its own");
	node = first;
	put(DEV "/mode", "good");
	all_trimmed("the trim has ended");
	ok(write_file(SIM "/remove_device", "d"), "the other goes");
}

/* What earlier users of its memory left there takes room: it is gone before the first credit is given. */
static void clean_first(void)
{
	unsigned long trimmed = sim_number("trimmed_first"), shown = cram_number("shown_bytes") / PAGE;

	ok(trimmed == shown, "before the first reading %lu of %lu pages were trimmed", trimmed, shown);
}

EVICT_TEST(clean_first)
EVICT_TEST(promoted)
EVICT_TEST(second_device)
EVICT_TEST(hot_rates)
EVICT_TEST(others_go_on)

TEST_F(evict, failure)
{
	memory_fails();
	stays();
	killed();
}

TEST_F(evict, no_answer)
{
	no_answer();
}
