// SPDX-License-Identifier: GPL-2.0-only
/*
 * owners: two private nodes of two owners.  Who maps and fills one past its end, under each on_full,
 * gets nothing of the other.
 *
 * vm: --node 768M --node 128M --node 128M --append private_node=1 --append private_node=2
 * timeout: 240
 */
#define _GNU_SOURCE
#include "devmap.h"

#define PAST (24 * MIB)

/* What the other node would show: pages gone, or an allocation that was given back at once. */
struct use {
	unsigned long events, free;
};

static unsigned long value_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static struct use look(int nid)
{
	char path[128], buf[512];
	struct use u;

	write_file("/proc/sys/vm/stat_refresh", "1");
	snprintf(path, sizeof(path), NODE_DIR "/node%d/numastat", nid);
	if (!read_file(path, buf, sizeof(buf)))
		bail("cannot read %s", path);
	u.events = value_after(buf, "numa_hit ") + value_after(buf, "numa_miss ");
	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/free_bytes_exact", nid);
	if (!read_file(path, buf, sizeof(buf)))
		bail("cannot read %s", path);
	u.free = strtoul(buf, NULL, 10) / PAGE;
	return u;
}

/* The node that find_node() has set up for where() and node_file(). */
static void choose(int nid)
{
	memset(block_here, 0, sizeof(block_here));
	node = nid;
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/node%d", nid);
	find_blocks();
}

struct job {
	size_t len;
	int flags, advice;
	struct use other;	/* of the other node before */
	int other_nid;
};

/* What the parent learns: pages on the node, elsewhere, and used of the other node at the end. */
static struct result {
	unsigned long here, elsewhere, events, gone;
} *result;

static int overfill(void *arg)
{
	struct job *j = arg;
	struct use now;
	struct where w;
	int fd = open_dev();
	char *p, *more;

	p = mmap(NULL, j->len, PROT_READ | PROT_WRITE, j->flags, fd, 0);
	more = mmap(NULL, PAST, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED || more == MAP_FAILED)
		bail("mmap");
	madvise(p, j->len, j->advice);
	madvise(more, PAST, j->advice);
	touch(p, j->len);
	result->here = where(p, j->len).here;
	/* on_full=oom kills in here */
	touch(more, PAST);
	w = where(more, PAST);
	result->here += w.here;
	result->elsewhere = where(p, j->len).elsewhere + w.elsewhere;
	now = look(j->other_nid);
	result->events = now.events - j->other.events;
	result->gone = j->other.free - now.free;
	return 0;
}

static void test_full(const char *policy, int flags, int advice, const char *kind)
{
	int other = 3 - node, status;
	unsigned long total = node_free();
	struct job j = { .len = total * PAGE, .flags = flags, .advice = advice,
			 .other = look(other), .other_nid = other };
	struct use after;

	set_on_full(policy);
	memset(result, 0, sizeof(*result));
	status = in_child(overfill, &j);
	after = look(other);
	ok(status == (strcmp(policy, "oom") ? 0 : 128 + SIGKILL) && result->here * 10 >= total * 9,
	   "node %d, %s, %s: %lu of %lu pages were used, status %d", node, policy, kind, result->here,
	   total, status);
	if (!strncmp(policy, "fallback", 8))
		ok(result->elsewhere >= PAST / PAGE / 2, "node %d, %s, %s: %lu pages went to the named node",
		   node, policy, kind, result->elsewhere);
	else
		ok(!result->elsewhere, "node %d, %s, %s: nothing went elsewhere", node, policy, kind);
	ok(!result->events && !result->gone && after.events == j.other.events && after.free == j.other.free,
	   "node %d, %s, %s: node %d gave nothing (%lu allocations, %lu pages)", node, policy, kind, other,
	   after.events - j.other.events, j.other.free - after.free);
	set_on_full("fail");
}

/* The measure itself: through its own file the other node's numbers move. */
static void test_control(void)
{
	struct use before = look(node), now;
	int fd = open_dev();
	char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	madvise(p, MIB, MADV_NOHUGEPAGE);
	touch(p, MIB);
	now = look(node);
	ok(now.events - before.events >= MIB / PAGE && before.free - now.free >= MIB / PAGE,
	   "control: 256 pages of node %d by its own file are seen: %lu allocations, %lu pages", node,
	   now.events - before.events, before.free - now.free);
	munmap(p, MIB);
	close(fd);
}

int main(void)
{
	static const char *const policies[] = { "fail", "sigbus", "oom", "fallback:0" };
	unsigned long i, a, b;
	int n;

	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	find_node();
	a = look(1).free;
	b = look(2).free;
	for (n = 1; n <= 2; n++) {
		choose(n);
		test_control();
	}
	for (n = 1; n <= 2; n++) {
		choose(n);
		for (i = 0; i < 4; i++)
			test_full(policies[i], MAP_PRIVATE, MADV_NOHUGEPAGE, "private");
		test_full("fail", MAP_PRIVATE, MADV_HUGEPAGE, "private, huge");
		test_full("fail", MAP_SHARED, MADV_NOHUGEPAGE, "shared");
	}
	ok(look(1).free == a && look(2).free == b, "all pages came back");
	return done_testing();
}
