// SPDX-License-Identifier: GPL-2.0-only
/*
 * range: an owner takes contiguous ranges of its node, and is told when folios that it watches go.
 *
 * vm: --cpus 2 --node 1G --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>

#include "npu.h"

#define FILL (48 * MIB)

static int fd;
static unsigned long all;	/* pages of the node */

static int ask(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "%s", file);
	return write_file(path, text) ? 0 : -errno;
}

static int take(unsigned long pages, unsigned long align, const char *displace)
{
	char text[128];

	snprintf(text, sizeof(text), "node=a pages=%lu align=%lu displace=%s", pages, align, displace);
	return ask("alloc_range", text);
}

static void give_back(void)
{
	put(SIM "free_range", "all");
}

/* First page frame of the range that was taken last. */
static unsigned long first_frame(void)
{
	char buf[128];

	return read_file(SIM "ranges", buf, sizeof(buf)) ? strtoul(buf, NULL, 10) : 0;
}

static void test_free(void)
{
	unsigned long before = counter("owner_used "), pages = 20000, align = 4096;

	ok(!take(pages, align, "nobody") && first_frame() && first_frame() % align == 0,
	   "20000 pages from a free node, aligned to 4096");
	ok(counter("owner_used ") == before + pages && node_free() == all - pages,
	   "... which are counted, and not free");
	ok(take(pages, align, "users") == -ENOSPC, "as many again: ENOSPC");
	ok(!take(1000, 1, "nobody"), "... a few more");
	ok(ask("unplug", "a") == -EBUSY, "unplug meanwhile: EBUSY");
	give_back();
	ok(node_free() == all, "all of it is free again");
	ok(!take(all, 1, "nobody"), "the whole node in one piece");
	give_back();
	ok(take(0, 1, "nobody") == -EINVAL && take(8, 3, "nobody") == -EINVAL && take(8, 0, "nobody") == -EINVAL,
	   "no pages, or an odd alignment: EINVAL");
	ok(take(all + 1, 1, "users") == -ENOSPC, "more than there is: ENOSPC");
}

/* Every other page, so that no range is free. */
static char *sprinkle(size_t len, bool bound)
{
	unsigned long mask = 1UL << node, i;
	char *p = map(2 * len, MADV_NOHUGEPAGE);

	if (bound && syscall(SYS_mbind, p, 2 * len, MPOL_BIND, &mask, 64UL, 0))
		bail("mbind");
	fill(p, 2 * len);
	if (!bound && !same_hash(fd, p, 2 * len))
		bail("job");
	for (i = 0; i < 2 * len / PAGE; i += 2)
		madvise(p + i * PAGE, PAGE, MADV_DONTNEED);
	return p;
}

static uint64_t digest(const char *p, size_t len)
{
	uint64_t h = 0;
	unsigned long i;

	for (i = 1; i < 2 * len / PAGE; i += 2)
		h = h * 31 + fnv(p + i * PAGE, PAGE);
	return h;
}

static void test_users(void)
{
	char *p = sprinkle(FILL, true);
	uint64_t before = digest(p, FILL);

	ok(where(p, 2 * FILL).here == FILL / PAGE, "control: memory that is bound there");
	ok(take(14000, 1, "nobody") == -ENOSPC && take(14000, 1, "guests") == -ENOSPC,
	   "a range without displacing users: ENOSPC");
	ok(!take(14000, 1, "users"), "a range that displaces users");
	ok(where(p, 2 * FILL).here == FILL / PAGE && digest(p, FILL) == before,
	   "... who stay on the node, which they named: %lu pages", where(p, 2 * FILL).here);
	give_back();
	ok(take(all - FILL / PAGE / 2, 1, "users") == -ENOSPC, "a range that leaves no room for them: ENOSPC");
	ok(where(p, 2 * FILL).here == FILL / PAGE && digest(p, FILL) == before,
	   "... and they stay all the same: %lu pages here, %lu elsewhere", where(p, 2 * FILL).here,
	   where(p, 2 * FILL).elsewhere);
	munmap(p, 2 * FILL);
}

static void test_guests(void)
{
	char *p = sprinkle(FILL, false);
	uint64_t before = digest(p, FILL);

	ok(where(p, 2 * FILL).here > 10000, "control: guests");
	ok(take(14000, 1, "nobody") == -ENOSPC, "a range without displacing guests: ENOSPC");
	ok(!take(all, 1, "guests"), "a range that displaces guests: the whole node");
	ok(!where(p, 2 * FILL).here && digest(p, FILL) == before, "... who leave, intact");
	give_back();
	munmap(p, 2 * FILL);
}

static void test_owner(void)
{
	ok(!ask("alloc", "node=a count=1000"), "folios of the owner");
	ok(take(all, 1, "users") == -ENOSPC, "... are in the way: ENOSPC");
	put(SIM "free", "all");
	ok(!take(all, 1, "users"), "control: when they are free it works");
	give_back();
}

static unsigned long frame(const void *p)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	if (pread(pagemap, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		bail("pagemap");
	close(pagemap);
	return e & ((1ULL << 55) - 1);
}

static int watch(unsigned long pfn)
{
	char text[64];

	snprintf(text, sizeof(text), "a %lu", pfn);
	return ask("watch", text);
}

static unsigned long told(const char *name)
{
	return number_in(SIM "told", name);
}

static void test_told(void)
{
	unsigned long freed = told("freed="), moves = told("moves="), pfn;
	int mem = memfd_create("npu", 0);
	char *p;

	if (ftruncate(mem, 16 * PAGE))
		bail("ftruncate");
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	fill(p, 16 * PAGE);
	ok(watch(frame(p)) == -EINVAL, "a folio of another node cannot be watched: EINVAL");
	if (advise(fd, p, 16 * PAGE, NPU_SIM_DEVICE))
		bail("advise");
	pfn = frame(p);
	munmap(p, 16 * PAGE);
	ok(!watch(pfn) && told("freed=") == freed, "a folio of a file that nobody maps is watched");
	if (ftruncate(mem, 0))
		bail("ftruncate");
	ok(told("freed=") == freed + 1, "... it is freed, and the owner is told: of %lu pages", told("freed=") - freed);

	freed = told("freed=");
	if (ftruncate(mem, 16 * PAGE))
		bail("ftruncate");
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	fill(p, 16 * PAGE);
	if (!same_hash(fd, p, 16 * PAGE))
		bail("job");
	pfn = frame(p);
	munmap(p, 16 * PAGE);
	ok(!watch(pfn) && !ask("unplug", "a"), "one that moves is watched");
	ok(told("moves=") == moves + 1, "... the owner is told of %lu pages", told("moves=") - moves);
	ok(told("freed=") == freed, "... once");
	put(SIM "plug", "a");
	find_blocks();

	p = map(PMD, MADV_HUGEPAGE);
	fill(p, PMD);
	if (advise(fd, p, PMD, NPU_SIM_DEVICE))
		bail("advise");
	freed = told("freed=");
	ok(!watch(frame(p)), "a huge page is watched");
	munmap(p, PMD);
	ok(told("freed=") == freed + 512, "... and freed: the owner is told of %lu pages", told("freed=") - freed);
	p = map(MIB, MADV_NOHUGEPAGE);
	if (advise(fd, p, MIB, NPU_SIM_DEVICE))
		bail("advise");
	munmap(p, MIB);
	ok(told("freed=") == freed + 512, "nobody is told of folios that are not watched");
	close(mem);
}

int main(void)
{
	load();
	new_npu("a", 0, "capable=user_numa enabled=user_numa");
	fd = open_npu("a");
	all = node_free();
	test_free();
	test_users();
	test_guests();
	test_owner();
	test_told();
	close(fd);
	end_npu("a");
	return done_testing();
}
