/* SPDX-License-Identifier: GPL-2.0-only */
/* cram.h: a simulated compressing device, and memory that reclaim puts there */
#ifndef CRAM_H
#define CRAM_H

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../private_node/private_node.h"

#define SIM "/sys/kernel/cram_sim"
#define DEV SIM "/c"
#define HOLD "/sys/module/private_node_hold/parameters"
#define ROOT "/tmp/cram-cg"
#define GROUP ROOT "/g"

enum pattern { EASY, HALF, RANDOM };

__attribute__((unused))
static uint64_t pattern_word(enum pattern kind, size_t page, size_t word, uint64_t salt)
{
	uint64_t x = (page + 1) * 0x9e3779b97f4a7c15ULL + word * 0xbf58476d1ce4e5b9ULL + salt;

	if (kind == EASY || (kind == HALF && word >= 256))
		return word ? 0 : x;
	x ^= x >> 31;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 29;
}

__attribute__((unused))
static void fill_part(char *p, size_t from, size_t len, enum pattern kind, uint64_t salt)
{
	uint64_t *w = (uint64_t *)p;
	size_t i;

	for (i = from / 8; i < (from + len) / 8; i++)
		w[i] = pattern_word(kind, i / 512, i % 512, salt);
}

__attribute__((unused))
static void fill(char *p, size_t len, enum pattern kind, uint64_t salt)
{
	fill_part(p, 0, len, kind, salt);
}

/* Pages from offset @from on whose contents are not what fill() wrote to @p. */
__attribute__((unused)) static unsigned long damaged(const char *p, size_t from, size_t len,
						     enum pattern kind, uint64_t salt)
{
	const uint64_t *w = (const uint64_t *)p;
	unsigned long bad = 0;
	size_t i, j;

	for (i = from / PAGE; i < (from + len) / PAGE; i++) {
		for (j = 0; j < 512; j++)
			if (w[i * 512 + j] != pattern_word(kind, i, j, salt))
				break;
		bad += j < 512;
	}
	return bad;
}

__attribute__((unused))
static char *anon(size_t len)
{
	char *p = mmap(NULL, len + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *start = (char *)(((uintptr_t)p + PMD - 1) & ~(PMD - 1));

	if (p == MAP_FAILED)
		bail("mmap");
	munmap(p, start - p);
	munmap(start + len, p + PMD - start);
	munlock(start, len);
	return start;
}

__attribute__((unused))
static const char *cram_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/cram/%s", node, name);
	return path;
}

__attribute__((unused))
static long cram_number(const char *name)
{
	char buf[64] = "";

	if (!read_file(cram_file(name), buf, sizeof(buf)))
		bail("%s", cram_file(name));
	return strtol(buf, NULL, 0);
}

__attribute__((unused))
static unsigned long cram_stat(const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "%s ", name);
	return number_in(cram_file("stat"), line);
}

__attribute__((unused))
static unsigned long sim_number(const char *name)
{
	char path[128], buf[64] = "";

	snprintf(path, sizeof(path), DEV "/%s", name);
	if (!read_file(path, buf, sizeof(buf)))
		bail("%s", path);
	return strtoul(buf, NULL, 0);
}

__attribute__((unused))
static bool cram_state_is(const char *state)
{
	char buf[64] = "";

	read_file(cram_file("state"), buf, sizeof(buf));
	return !strncmp(buf, state, strlen(state)) && buf[strlen(state)] == '\n';
}

/* Asks @fn each 50 ms.  The limit is for a busy machine and the debug kernel. */
__attribute__((unused))
static bool within(int seconds, bool (*fn)(void))
{
	int i;

	for (i = 0; i < seconds * 20; i++) {
		if (fn())
			return true;
		usleep(50000);
	}
	return fn();
}

__attribute__((unused))
static bool is_ok(void)
{
	return cram_state_is("ok") && cram_number("credit_bytes") > 0;
}

__attribute__((unused))
static bool is_empty(void)
{
	/* This one empties the per-CPU lists, where folios that were just used are held. */
	node_free();
	return !cram_number("resident_bytes") && !cram_number("untrimmed_bytes") &&
	       !sim_number("stored_pages");
}

__attribute__((unused))
static bool all_trimmed(const char *what)
{
	bool empty = within(60, is_empty);

	return ok(empty,
		  "%s: all is trimmed: %ld bytes resident, %ld not trimmed, %lu pages stored", what,
		  cram_number("resident_bytes"), cram_number("untrimmed_bytes"),
		  sim_number("stored_pages"));
}

__attribute__((unused))
static bool nothing_lost(void)
{
	return !sim_number("lost_writes") && !sim_number("violations") && !cram_stat("lost") &&
	       !cram_stat("changed");
}

/*
 * The region of the CXL memory device that plays the simulator's device "c", if
 * CRAM_CXL_REGION names one: the simulator's stays, and the region comes and goes.
 */
static const char *cxl_region(void)
{
	return getenv("CRAM_CXL_REGION");
}

static bool bind_region(const char *act)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/cxl/drivers/cxl_region/%s", act);
	return write_file(path, cxl_region());
}

__attribute__((unused))
static bool try_device(const char *more)
{
	char words[256];

	if (cxl_region())
		return bind_region("bind");
	snprintf(words, sizeof(words), "name=c range=%s %s", reserved_range(0), more);
	return write_file(SIM "/new_device", words);
}

__attribute__((unused))
static void new_device(const char *more)
{
	char buf[64] = "";

	if (access(SIM, F_OK) && system("modprobe cram_sim"))
		bail("modprobe cram_sim");
	if (!try_device(more))
		bail("new_device");
	if (!read_file("/sys/kernel/mm/cram/nodes", buf, sizeof(buf)))
		bail("nodes");
	node = atoi(buf);
	find_blocks();
	if (!within(60, is_ok))
		bail("no reading");
}

__attribute__((unused))
static bool remove_device(void)
{
	char nodes[64] = "";

	if (!cxl_region())
		return write_file(SIM "/remove_device", "c");
	/* Nobody can refuse an unbind.  Memory that is in use stays, and waits. */
	if (!bind_region("unbind"))
		return false;
	read_file("/sys/kernel/mm/cram/nodes", nodes, sizeof(nodes));
	if (nodes[0] <= '\n')
		return true;
	bind_region("bind");
	errno = EBUSY;
	return false;
}

/* Memory of the program itself stays: only what a test places is on the device. */
__attribute__((unused))
static void group(void)
{
	char self[16];

	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		bail("mlockall");
	mkdir(ROOT, 0755);
	mount("none", ROOT, "cgroup2", 0, NULL);
	put(ROOT "/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	snprintf(self, sizeof(self), "%d", getpid());
	put(GROUP "/cgroup.procs", self);
}

/* Page frame of a page; 0 when it is not mapped, as while it moves. */
static unsigned long frame_or_none(const char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	if (fd < 0 || pread(fd, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		bail("pagemap");
	close(fd);
	return e >> 63 ? e & ((1UL << 55) - 1) : 0;
}

/* Page frame of a page that is mapped. */
__attribute__((unused))
static unsigned long frame_of(const char *p)
{
	unsigned long frame = frame_or_none(p);

	if (!frame)
		bail("%p is not mapped", p);
	return frame;
}

/* Somebody holds the page of @p, as a device does that works on it; until @p is NULL. */
__attribute__((unused))
static void hold_page(const char *p)
{
	char frame[32] = "-1";

	if (access(HOLD, F_OK) && system("modprobe private_node_hold"))
		bail("modprobe private_node_hold");
	if (p)
		snprintf(frame, sizeof(frame), "%lu", frame_of(p));
	put(HOLD "/page", frame);
}

__attribute__((unused))
static long minor_faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

__attribute__((unused))
static void ungroup(void)
{
	put(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
	umount(ROOT);
}

/* Why there can be no device; NULL if there can. */
__attribute__((unused))
static const char *no_device(void)
{
	/* Who names a region has made the device. */
	if (getenv("CRAM_CXL_REGION"))
		return NULL;
	if (getuid())
		return "needs root";
	if (access("/sys/kernel/mm/cram", F_OK))
		return "this kernel has no compressed RAM (CONFIG_CRAM)";
	if (!kept_range(0))
		return "no memory is kept for a device: " NO_MEMORY;
	if (access(SIM, F_OK) && system("modprobe -q cram_sim"))
		return "there is no module cram_sim (CONFIG_CRAM_SIM)";
	return NULL;
}

/* After a test, however it ended; whoever is in the group still is this process. */
__attribute__((unused))
static bool end_device(void)
{
	bool good = remove_device() || errno == ENOENT;

	if (rmdir(GROUP) && errno == EBUSY) {
		write_file(ROOT "/cgroup.procs", "0");
		rmdir(GROUP);
	}
	umount2(ROOT, MNT_DETACH);
	return good;
}

/* Tests of a fixture have a device of the simulator, and are in a cgroup of their own. */
#define DEVICE_FIXTURE(fixture, options)					\
	FIXTURE(fixture) { };							\
	FIXTURE_SETUP(fixture)							\
	{									\
		const char *why = no_device();					\
										\
		under_test = _metadata;						\
		if (why)							\
			SKIP(return, "%s", why);				\
		new_device(options);						\
		group();							\
	}									\
	FIXTURE_TEARDOWN_PARENT(fixture)					\
	{									\
		if (!end_device())						\
			_metadata->exit_code = KSFT_FAIL;			\
	}

/* Lets reclaim move what is cold; returns pages of the range that are on the device. */
__attribute__((unused))
static unsigned long make_cold(char *p, size_t len)
{
	unsigned long before = 0, here = 0;
	char words[64];
	int tries;

	snprintf(words, sizeof(words), "%zu swappiness=max", len);
	madvise(p, len, MADV_COLD);
	for (tries = 0; tries < 10; tries++) {
		write_file(GROUP "/memory.reclaim", words);
		here = where(p, len).here;
		if (here == len / PAGE || (tries > 1 && here == before))
			break;
		before = here;
	}
	return here;
}

#endif /* CRAM_H */
