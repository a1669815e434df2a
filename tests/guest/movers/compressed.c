// SPDX-License-Identifier: GPL-2.0-only
/*
 * compressed: what enters and leaves compressed RAM stays inside what its users may have.  The table is
 * explained in cells.h of the kernel's selftests.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Unpoison
 * timeout: 200
 * libs: -pthread
 */
#define _GNU_SOURCE
#include "table.h"

#define DEVICES "/sys/kernel/cram_sim/"
#define NR (LEN / PAGE)

static const char *cram_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/cram/%s", node, name);
	return path;
}

static bool is_ok(void)
{
	char state[64] = "";

	read_file(cram_file("state"), state, sizeof(state));
	return !strcmp(state, "ok\n") && number_in(cram_file("credit_bytes"), "") > 32 * MIB;
}

static void wait_until(bool (*fn)(void), const char *what)
{
	time_t end = time(NULL) + WAIT;

	while (!fn()) {
		if (time(NULL) > end)
			bail("%s", what);
		usleep(50000);
	}
}

static void make_device(void)
{
	const char *range = getenv("PMN_RESERVED");
	char text[128] = "";

	if (!range || (access(DEVICES, F_OK) && system("modprobe cram_sim")))
		bail("no reserved memory");
	snprintf(text, sizeof(text), "name=c range=%s physical=96M", strchr(range, ':') + 1);
	put(DEVICES "new_device", text);
	if (!read_file("/sys/kernel/mm/cram/nodes", text, sizeof(text)))
		bail("nodes");
	node = atoi(text);
	find_blocks();
	find_all_blocks();
	enable("-promotion");
	wait_until(is_ok, "no reading");
	/* A write moves, too. */
	put(cram_file("writable_bytes"), "0");
}

static void reclaim_all(void)
{
	reclaim_groups("256K swappiness=max");
}

static int write_all(struct cell *cell, char *p)
{
	return touch(p, len) == len / PAGE ? 0 : EFAULT;
}

/* The device finds all of them hot. */
static int are_hot(struct cell *cell, char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	char pfn[32];
	uint64_t e;
	size_t i;

	for (i = 0; i < NR; i++) {
		if (pread(fd, &e, 8, ((uintptr_t)p / PAGE + i) * 8) != 8)
			bail("pagemap");
		snprintf(pfn, sizeof(pfn), "%lu", (unsigned long)(e & ((1UL << 55) - 1)));
		if (e >> 63 && block_node[strtoul(pfn, NULL, 0) / block_pages] == node)
			write_file(DEVICES "c/hot", pfn);
	}
	close(fd);
	return 0;
}

static void until_gone(char cmd)
{
	time_t end = time(NULL) + WAIT;

	do {
		tell_all(cmd);
		usleep(100000);
	} while (most_there(nr_columns) > NR / 2 && time(NULL) < end);
	tell_all('p');
}

static void promote_hot(void)
{
	enable("+promotion");
	until_gone('a');
	enable("-promotion");
}

/* It turns out to have less than it uses: all residents leave, until an administrator has seen to it. */
static void evict(void)
{
	put(DEVICES "c/physical_bytes", "4K");
	until_gone('p');
	put(DEVICES "c/physical_bytes", "96M");
	put(cram_file("state"), "ok");
	wait_until(is_ok, "no reading after the eviction");
}

static void remove_device(void)
{
	ok(write_file(DEVICES "remove_device", "c"), "%s: the device goes under load", now->name);
	tell_all('p');
}

/* Shared memory does not enter. */
#define ENTERS	(ALL & ~(OBJECT | OBJECT_SHARER))

static const struct row rows[] = {
	{ "compressed RAM: placement", MAY_STAY, ENTERS, .down = true, .make = make_touched, .all = reclaim_all },
	{ "compressed RAM: write", PLACES, POLICY | CPUSET | DEFAULT, .to_home = true, .act = write_all },
	{ "compressed RAM: hot pages", MOVES, ENTERS, .act = are_hot, .all = promote_hot },
	{ "compressed RAM: eviction", MOVES, ENTERS, .all = evict },
	{ "compressed RAM: revocation", MOVES, ENTERS, .all = remove_device },
};

int main(int argc, char **argv)
{
	make_device();
	make_cgroups(argc, argv);
	RUN_ROWS(rows, argc, argv);
	end_cgroups();
	return done_testing();
}
