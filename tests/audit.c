// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit: who holds the pages of each private node?
 *
 * A private node that nobody uses is empty: each managed page is free.  A page that is in use must
 * have a holder whom somebody opened: a process with a mapping of /dev/private_node/, or the owner
 * (as many pages as --owner says).  Everything else (slab, page table, page cache, hugetlb, ...)
 * got in by a leak.
 *
 *   audit [--tap] [--owner PAGES] [NODE...]
 *
 * Without NODE: all nodes of /sys/devices/system/node/has_private_memory.  A line a node; exit 1
 * when a page has no known holder.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NODES 1024
#define MAX_SPANS 64
#define BATCH 4096
#define NODE_DIR "/sys/devices/system/node"

/* Bits of /proc/kpageflags, include/uapi/linux/kernel-page-flags.h and linux/kernel-page-flags.h */
enum { REFERENCED = 2, LRU = 5, SLAB = 7, BUDDY = 10, MMAP, ANON, SWAPCACHE, SWAPBACKED, HEAD, TAIL,
	HUGE, UNEVICTABLE, HWPOISON, NOPAGE, KSM, THP, OFFLINE, ZERO, IDLE, PGTABLE, RESERVED = 32 };

struct span {
	unsigned long start, end;
};

struct node {
	int id;
	unsigned long managed, present, free, pcp;
	struct span spans[MAX_SPANS];
	int nr_spans;
	bool exact;	/* the kernel drained its lists and said how much is free */
};

/* What the pages of a node are, by kpageflags. */
struct tally {
	unsigned long buddy, reserved, map, poison, offline, unknown, plain;
	unsigned long slab, pgtable, hugetlb, file, kernel_lru;
	unsigned long first_bad;
	uint64_t first_flags;
};

static unsigned long owner_pages;
static bool tap;
static int tap_count;

static bool read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	bool good = f && fgets(buf, size, f);

	if (f)
		fclose(f);
	return good;
}

/* "0-2,5" -> set; the number of nodes in it */
static int parse_list(const char *s, bool *set)
{
	int n = 0;

	while (isdigit((unsigned char)*s)) {
		char *end;
		long a = strtol(s, &end, 10), b = a;

		if (*end == '-')
			b = strtol(end + 1, &end, 10);
		for (; a <= b && a < MAX_NODES; a++, n++)
			set[a] = true;
		s = *end == ',' ? end + 1 : end;
	}
	return n;
}

static void add_span(struct node *node, unsigned long start, unsigned long spanned)
{
	if (!spanned || node->nr_spans == MAX_SPANS)
		return;
	node->spans[node->nr_spans++] = (struct span){ start, start + spanned };
}

/* Sums over the node's zones, and the zones' spans. */
static void read_zoneinfo(struct node *node)
{
	unsigned long v, spanned = 0;
	char line[256], word[64];
	bool ours = false;
	FILE *f = fopen("/proc/zoneinfo", "r");
	int nid;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %d, zone", &nid) == 1)
			ours = nid == node->id;
		if (!ours || sscanf(line, " pages %63s %lu", word, &v) == 2) {
			if (ours && !strcmp(word, "free"))
				node->free += v;
			continue;
		}
		if (sscanf(line, " spanned %lu", &v) == 1)
			spanned = v;
		else if (sscanf(line, " present %lu", &v) == 1)
			node->present += v;
		else if (sscanf(line, " managed %lu", &v) == 1)
			node->managed += v;
		else if (sscanf(line, " count: %lu", &v) == 1)
			node->pcp += v;
		else if (sscanf(line, " start_pfn: %lu", &v) == 1)
			add_span(node, v, spanned);
	}
	if (f)
		fclose(f);
}

static bool read_number(int nid, const char *name, unsigned long *pages)
{
	char path[128], buf[64];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/%s", nid, name);
	if (!read_line(path, buf, sizeof(buf)))
		return false;
	*pages = strtoul(buf, NULL, 10) / sysconf(_SC_PAGESIZE);
	return true;
}

/* Reading free_bytes_exact drains the per-CPU lists, so it is read first. */
static void read_node(struct node *node)
{
	unsigned long total, free;
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	node->exact = read_number(node->id, "free_bytes_exact", &free) &&
		      read_number(node->id, "total_bytes", &total);
	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		close(fd);
	}
	read_zoneinfo(node);
	if (node->exact) {
		node->managed = total;
		node->free = free;
	} else {
		node->free += node->pcp;
	}
}

static void tell_pid(const char *pid, int nid, const char *line)
{
	char path[300], comm[64] = "?";

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if (read_line(path, comm, sizeof(comm)))
		comm[strcspn(comm, "\n")] = '\0';
	printf("# node %d: pid %s (%s) maps %s", nid, pid, comm, strstr(line, "/dev/private_node/"));
}

/* Is there a process with a device map, whatever node it is of? */
static bool device_maps(int nid, bool print)
{
	DIR *proc = opendir("/proc");
	struct dirent *de;
	bool found = false;

	while (proc && (de = readdir(proc))) {
		char path[300], line[4096];
		FILE *f;

		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/maps", de->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strstr(line, "/dev/private_node/"))
				continue;
			found = true;
			if (print)
				tell_pid(de->d_name, nid, line);
		}
		if (f)
			fclose(f);
	}
	if (proc)
		closedir(proc);
	return found;
}

#define IS(bit) (flags >> (bit) & 1)

static void classify(struct tally *t, unsigned long pfn, uint64_t flags)
{
	unsigned long *kind = NULL;

	if (IS(NOPAGE))
		return;
	if (IS(BUDDY))
		t->buddy++;
	else if (IS(HWPOISON))
		t->poison++;
	else if (IS(OFFLINE))
		t->offline++;
	else if (IS(RESERVED))
		t->reserved++;
	else if (IS(SLAB))
		kind = &t->slab;
	else if (IS(PGTABLE))
		kind = &t->pgtable;
	else if (IS(HUGE))
		kind = &t->hugetlb;
	else if (IS(ANON) || (IS(SWAPBACKED) && (IS(LRU) || IS(UNEVICTABLE) || IS(MMAP))))
		t->map++;
	else if (IS(LRU) || IS(MMAP))
		kind = &t->file;
	else
		t->plain++;	/* owner's, in a per-CPU list, or the kernel's: told apart by number */
	if (!kind)
		return;
	(*kind)++;
	if (!t->first_bad) {
		t->first_bad = pfn;
		t->first_flags = flags;
	}
}

/* Zones span holes and each other's memory: each PFN counts once, and only if the node's. */
static bool walk(struct node *node, struct tally *t, const bool *blocks, unsigned long per_block)
{
	static uint64_t buf[BATCH];
	int fd = open("/proc/kpageflags", O_RDONLY), i;
	unsigned long pfn, j;

	if (fd < 0)
		return false;
	for (i = 0; i < node->nr_spans; i++) {
		for (pfn = node->spans[i].start; pfn < node->spans[i].end; pfn += BATCH) {
			unsigned long n = node->spans[i].end - pfn < BATCH ? node->spans[i].end - pfn : BATCH;
			ssize_t got = pread(fd, buf, n * 8, pfn * 8);

			for (j = 0; got > 0 && j < (unsigned long)got / 8; j++)
				if (blocks[(pfn + j) / per_block])
					classify(t, pfn + j, buf[j]);
		}
	}
	close(fd);
	return true;
}

/* The node's online memory blocks, as a set. */
static bool *node_blocks(int nid, unsigned long *per_block)
{
	char path[300], buf[64];
	static bool set[1 << 20];
	struct dirent *de;
	DIR *dir;

	memset(set, 0, sizeof(set));
	if (!read_line("/sys/devices/system/memory/block_size_bytes", buf, sizeof(buf)))
		return NULL;
	*per_block = strtoul(buf, NULL, 16) / sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof(path), NODE_DIR "/node%d", nid);
	dir = opendir(path);
	while (dir && (de = readdir(dir))) {
		unsigned long block;

		if (sscanf(de->d_name, "memory%lu", &block) != 1 || block >= sizeof(set))
			continue;
		snprintf(path, sizeof(path), NODE_DIR "/node%d/%.64s/state", nid, de->d_name);
		if (read_line(path, buf, sizeof(buf)) && !strncmp(buf, "online", 6))
			set[block] = true;
	}
	if (dir)
		closedir(dir);
	return set;
}

/* Then anonymous and shmem pages of anybody may be there. */
static bool demoted_to(int nid)
{
	char path[96], line[96];
	unsigned long nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/stat", nid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "demotion_used %lu", &nr) != 1)
		;
	if (f)
		fclose(f);
	return nr;
}

static bool verdict(const struct node *node, const struct tally *t)
{
	unsigned long strays = t->slab + t->pgtable + t->hugetlb + t->file;
	unsigned long used = node->managed - node->free, known = t->poison + owner_pages;
	bool maps = t->map && (demoted_to(node->id) || device_maps(node->id, true)), good;

	known += maps ? t->map : 0;
	good = !strays && node->free <= node->managed && used <= known && (!t->map || maps);
	printf("node %d: %lu pages, %lu free, %lu in use: %lu device-mapped, %lu owner's or unknown kernel's, %lu poisoned, %lu without a known holder%s\n",
	       node->id, node->managed, node->free, used, t->map, used > t->map ? used - t->map : 0,
	       t->poison, used > known ? used - known : strays,
	       node->exact ? "" : " (per-CPU lists counted, not drained)");
	if (t->map && !maps)
		printf("# node %d: %lu anonymous or shmem pages, but nobody maps /dev/private_node/\n",
		       node->id, t->map);
	if (strays)
		printf("# node %d: %lu slab, %lu page table, %lu hugetlb, %lu page cache; first PFN 0x%lx, flags 0x%llx; boot with page_owner=on to see who\n",
		       node->id, t->slab, t->pgtable, t->hugetlb, t->file, t->first_bad,
		       (unsigned long long)t->first_flags);
	return good;
}

static bool audit(int nid)
{
	struct node node = { .id = nid };
	struct tally t = { 0 };
	unsigned long per_block;
	bool *blocks = node_blocks(nid, &per_block);
	bool good;

	read_node(&node);
	if (!blocks || !walk(&node, &t, blocks, per_block)) {
		fprintf(stderr, "audit: node %d: /proc/kpageflags or memory blocks: %s\n", nid, strerror(errno));
		return false;
	}
	good = verdict(&node, &t);
	if (tap)
		printf("%s %d - audit: node %d holds no page of an unknown holder\n",
		       good ? "ok" : "not ok", ++tap_count, nid);
	return good;
}

static void usage(void)
{
	fprintf(stderr, "usage: audit [--tap] [--owner PAGES] [NODE...]\n"
		"Tells who holds the pages of each private node; exit status 1 when nobody may.\n");
	exit(2);
}

static int nodes_from_sysfs(bool *set)
{
	char buf[1024];

	if (!read_line(NODE_DIR "/has_private_memory", buf, sizeof(buf)))
		return 0;
	return parse_list(buf, set);
}

int main(int argc, char **argv)
{
	static bool set[MAX_NODES];
	bool good = true;
	int i, n = 0;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tap"))
			tap = true;
		else if (!strcmp(argv[i], "--owner") && i + 1 < argc)
			owner_pages = strtoul(argv[++i], NULL, 0);
		else if (isdigit((unsigned char)argv[i][0]))
			n += parse_list(argv[i], set);
		else
			usage();
	}
	if (!n)
		n = nodes_from_sysfs(set);
	for (i = 0; i < MAX_NODES; i++)
		if (set[i])
			good = audit(i) && good;
	if (!n && tap)
		printf("ok 1 - audit: there is no private node # SKIP none at the end of this boot\n");
	else if (!n)
		printf("no private node\n");
	return !good;
}
