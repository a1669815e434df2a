// SPDX-License-Identifier: GPL-2.0-only
/*
 * compaction: by itself and when asked, if the service is open; never without it.
 */
#define _GNU_SOURCE
#include "check.h"

static uint64_t *before;	/* pagemap at the last call */

/* Pages of the range, the odd ones looked at, that lie in another frame than at the last call. */
static unsigned long moved(char *p, size_t len)
{
	size_t size = len / PAGE * sizeof(uint64_t);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t *now = malloc(size);
	unsigned long i, nr = 0;

	if (fd < 0 || !now ||
	    pread(fd, now, size, (uintptr_t)p / PAGE * sizeof(*now)) != (ssize_t)size)
		bail("pagemap");
	close(fd);
	for (i = 1; i < len / PAGE; i += 2)
		nr += (before[i] ^ now[i]) << 9 != 0;	/* bits 0 to 54: the frame */
	free(before);
	before = now;
	return nr;
}

static unsigned long moved_within(char *p, size_t len, int seconds)
{
	unsigned long nr = 0;
	int i;

	for (i = 0; i < seconds && !nr; i++) {
		sleep(1);
		nr = moved(p, len);
	}
	return nr;
}

/*
 * All of the node, but every second page of a quarter: what can move is bounded by what is free.
 * The free ones are even: the kernel looks at every 32nd page of a block when there was none in
 * others before it.
 */
static char *fragment(int fd, size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	size_t i;

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, len / 4, MADV_NOHUGEPAGE);
	if (touch(p, len) != len / PAGE)
		bail("only part of the node");
	for (i = 0; i < len / 4; i += 2 * PAGE)
		madvise(p + i, PAGE, MADV_DONTNEED);
	/* Out of the per-CPU lists. */
	node_free();
	moved(p, len);
	return p;
}

static char *take(int fd, size_t *len)
{
	*len = node_free() * PAGE - 4 * MIB;
	before = calloc(*len / PAGE, sizeof(*before));
	return fragment(fd, *len);
}

static const char *compact_file(void)
{
	static char path[64];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/compact", node);
	return path;
}

NODE_FIXTURE(compaction, "reclaim,compaction")

TEST_F_TIMEOUT(compaction, closed, LONG_TEST)
{
	int fd = open_dev();
	size_t len;
	char *p;

	enable("-compaction");
	p = take(fd, &len);
	/* The write wakes all kcompactd at once. */
	write_file("/proc/sys/vm/compaction_proactiveness", "100");
	ok(!moved_within(p, len, 4),
	   "closed: kcompactd, which reclaim has, does nothing by itself");
	ok(!write_file(compact_file(), "1") && errno == EOPNOTSUPP,
	   "closed: node%d/compact: EOPNOTSUPP", node);
	ok(write_file("/proc/sys/vm/compact_memory", "1") && !moved(p, len),
	   "closed: compact_memory leaves it");
	enable("-reclaim");
	ok(!moved_within(p, len, 2), "closed: nothing without reclaim");
	write_file("/proc/sys/vm/compaction_proactiveness", "0");
	munmap(p, len);
	close(fd);
}

TEST_F_TIMEOUT(compaction, open, LONG_TEST)
{
	int fd = open_dev();
	size_t len;
	char *p;

	enable("-reclaim");
	p = take(fd, &len);
	ok(write_file(compact_file(), "1") && moved(p, len), "open: node%d/compact moves pages",
	   node);
	ok(all_here(p + PAGE, PAGE), "open: on the node");
	munmap(p, len);
	p = fragment(fd, len);
	ok(write_file("/proc/sys/vm/compact_memory", "1") && moved(p, len), "open: compact_memory");
	munmap(p, len);
	p = fragment(fd, len);
	write_file("/proc/sys/vm/compaction_proactiveness", "100");
	ok(moved_within(p, len, 20), "open: by itself");

	enable("-compaction");
	munmap(p, len);
	p = fragment(fd, len);
	write_file("/proc/sys/vm/compaction_proactiveness", "100");
	ok(!moved_within(p, len, 3), "closed again: nothing by itself");
	ok(!write_file(compact_file(), "1") && errno == EOPNOTSUPP,
	   "closed again: node%d/compact: EOPNOTSUPP", node);
	write_file("/proc/sys/vm/compaction_proactiveness", "20");
	munmap(p, len);
	close(fd);
}

TEST_HARNESS_MAIN
