// SPDX-License-Identifier: GPL-2.0-only
/*
 * stay: data that exists stays.  Rows are memory that was written on a private node, in one state
 * each; columns are what happens to the node then.  Each cell reads back what was written, writes
 * again and, where a child shares, has both read their own; or it got what the owner chose.  New
 * memory of the same policy is asked for beside it: it is refused where the data is not.
 *
 * The column "nothing" is the control: all is on the node, new memory as well.
 * A huge page that is copied comes from a pool, so the ordinary node has one, too.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/uio.h>

#include "check.h"

#define SIM "/sys/kernel/private_node_sim/"
#define SERVICES "user_numa,reclaim,hugetlb"
#define ROOT "/dev/stay-cgroup"
#define GROUP ROOT "/stay"
#define SWAP_GROUP ROOT "/stay-swap"
#define ZSWAP "/sys/module/zswap/parameters/enabled"
#define SHMEM_THP "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define NR 32UL			/* pages of a row of small ones */
#define NR_HUGE (PMD / PAGE)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

enum mem { DEV, DEV_SHARED, BIND, TASK, SHMEM, SYSV, HUGETLB };
enum swap { NO_SWAP, DISK, ZRAM, ZSWAPPED };
#define CACHED	1	/* read ahead: in the swap cache, mapped nowhere */
#define FORKED	2
#define THP	4
#define LOCKED	8
#define PINNED	16
#define SHARED	32

static const struct row {
	const char *name;
	enum mem mem;
	enum swap swap;
	int flags;
	bool brief;	/* is in the short form, for the demo */
} rows[] = {
	/* In the order in which swap devices are needed. */
	{ "device map", DEV, .brief = true },
	{ "device map, after fork", DEV, NO_SWAP, FORKED },
	{ "device map, THP, after fork", DEV, NO_SWAP, THP | FORKED },
	{ "device map, locked", DEV, NO_SWAP, LOCKED },
	{ "device map, shared", DEV_SHARED },
	{ "bind", BIND },
	{ "bind, after fork", BIND, NO_SWAP, FORKED, .brief = true },
	{ "bind, THP", BIND, NO_SWAP, THP, .brief = true },
	{ "task's bind, after fork", TASK, NO_SWAP, FORKED },
	{ "shmem", SHMEM },
	{ "shmem, THP", SHMEM, NO_SWAP, THP },
	{ "SysV", SYSV, .brief = true },
	{ "huge page", HUGETLB },
	{ "huge page, after fork", HUGETLB, NO_SWAP, FORKED, .brief = true },
	{ "huge page, shared", HUGETLB, NO_SWAP, SHARED },
	{ "device map, on disk", DEV, DISK },
	{ "bind, on disk", BIND, DISK },
	{ "device map, shared, on disk", DEV_SHARED, DISK },
	{ "SysV, on disk", SYSV, DISK },
	{ "device map, in zram", DEV, ZRAM, .brief = true },
	{ "device map, after fork, in zram", DEV, ZRAM, FORKED },
	{ "bind, in zram", BIND, ZRAM },
	{ "task's bind, in zram", TASK, ZRAM },
	{ "shmem, in zram", SHMEM, ZRAM },
	{ "device map, in zswap", DEV, ZSWAPPED },
	{ "bind, in zswap", BIND, ZSWAPPED, .brief = true },
	{ "bind, in swap cache", BIND, ZRAM, CACHED },
	{ "device map, pinned", DEV, NO_SWAP, PINNED },
	{ "bind, pinned", BIND, NO_SWAP, PINNED },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_dev(const struct row *r)
{
	return r->mem == DEV || r->mem == DEV_SHARED;
}

/* What a row says of its pages; those of a child that shares count as well. */
struct answer {
	unsigned long good, bus, wrong, here, elsewhere;
	int fresh;	/* of new memory: 1 on the node, 2 elsewhere, -1 SIGBUS, 0 none */
	int lost;	/* pages that a broken one took */
};

static struct holder {
	pid_t pid;
	int fd;
} holders[NR_ROWS];

static unsigned long first_pfn, end_pfn;
static int dev_fd = -1;
static char range[64];

/* --- a row: a process ----------------------------------------------------------------------- */

static char *map_like(const struct row *r, size_t len, size_t offset)
{
	unsigned long mask = 1UL << node;
	char *p = MAP_FAILED;
	int id;

	switch (r->mem) {
	case DEV:
	case DEV_SHARED:
		p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 r->mem == DEV ? MAP_PRIVATE : MAP_SHARED, dev_fd, (off_t)offset);
		break;
	case BIND:
	case TASK:
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case SHMEM:
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		break;
	case SYSV:
		id = shmget(IPC_PRIVATE, len, 0600);
		p = shmat(id, NULL, 0);
		shmctl(id, IPC_RMID, NULL);
		break;
	case HUGETLB:
		p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 (r->flags & SHARED ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS |
				 MAP_HUGETLB | MAP_NORESERVE, -1, 0);
		break;
	}
	if (p == MAP_FAILED)
		bail("%s: mmap", r->name);
	if (r->mem >= BIND && r->mem != TASK &&
	    syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0))
		bail("%s: mbind", r->name);
	return p;
}

static size_t length(const struct row *r)
{
	return r->flags & THP || r->mem == HUGETLB ? PMD : NR * PAGE;
}

static unsigned long *word(char *p, unsigned long i)
{
	return (unsigned long *)(p + i * PAGE + 8 * (i % 512));
}

static unsigned long pattern(unsigned long i, int writer)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL + (unsigned long)writer;
}

/* One access; false for SIGBUS. */
static bool try_read(unsigned long *w, unsigned long *value)
{
	if (sigsetjmp(bus_jmp, 1))
		return false;
	*value = *(volatile unsigned long *)w;
	return true;
}

static bool try_write(unsigned long *w, unsigned long value)
{
	if (sigsetjmp(bus_jmp, 1))
		return false;
	*(volatile unsigned long *)w = value;
	return true;
}

static unsigned long pagemap(const char *p)
{
	int f = open("/proc/self/pagemap", O_RDONLY);
	unsigned long e = 0;

	if (f < 0 || pread(f, &e, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		bail("pagemap");
	close(f);
	return e;
}

/* 1 on the node, 2 elsewhere, 0 not mapped */
static int lies(const char *p)
{
	unsigned long e = pagemap(p), pfn = e & ((1UL << 55) - 1);

	if (!(e >> 63))
		return 0;
	return pfn >= first_pfn && pfn < end_pfn ? 1 : 2;
}

/* A page that was mapped from the start, and never written. */
static char *fresh;

static int take_fresh(void)
{
	if (!fresh)
		return 0;
	return try_write((unsigned long *)fresh, 1) ? lies(fresh) : -1;
}

/* Reads what WRITER wrote, and writes as ITSELF. */
static void check(char *p, unsigned long nr, int writer, int itself, struct answer *a)
{
	unsigned long i, value;
	int at;

	for (i = 0; i < nr; i++) {
		if (!try_read(word(p, i), &value) || !try_write(word(p, i), pattern(i, itself))) {
			a->bus++;
			continue;
		}
		if (value == pattern(i, writer) && *word(p, i) == pattern(i, itself))
			a->good++;
		else
			a->wrong++;
		at = lies((char *)word(p, i));
		a->here += at == 1;
		a->elsewhere += at == 2;
	}
}

static bool in_swap(char *p, size_t len, bool cached)
{
	unsigned char vec[NR];
	unsigned long i, nr = 0, mapped = 0;

	if (mincore(p, len, vec))
		bail("mincore");
	for (i = 0; i < len / PAGE; i++) {
		mapped += !!lies(p + i * PAGE);
		nr += (vec[i] & 1) == cached;
	}
	return !mapped && nr == len / PAGE;
}

/* In the state of its row, or the test is worth nothing. */
static void settle(const struct row *r, char *p, size_t len)
{
	int tries;

	for (tries = 0; r->swap && !in_swap(p, len, false); tries++) {
		if (tries == 100)
			bail("%s: not in swap", r->name);
		madvise(p, len, MADV_PAGEOUT);
		/* Pages that are written stay in the swap cache until they are reclaimed. */
		write_file(SWAP_GROUP "/memory.reclaim", "4M swappiness=max");
		usleep(20000);
	}
	if (!(r->flags & CACHED))
		return;
	for (tries = 0; !in_swap(p, len, true); tries++) {
		if (tries == 100)
			bail("%s: not in swap cache", r->name);
		madvise(p, len, MADV_WILLNEED);
		usleep(20000);
	}
}

static void pin(const struct row *r, char *p)
{
	struct iovec iov = { p, PAGE };
	int pipes[2];

	if (pipe(pipes) || vmsplice(pipes[1], &iov, 1, 0) != (ssize_t)PAGE)
		bail("%s: vmsplice", r->name);
}

/* The child that shares answers with its numbers, and then lets its parent look again. */
static void serve_child(char *p, unsigned long nr, int fd)
{
	struct answer a = { 0 };
	char c;

	while (read(fd, &c, 1) == 1) {
		memset(&a, 0, sizeof(a));
		check(p, nr, 1, 3, &a);
		if (write(fd, &a, sizeof(a)) != sizeof(a))
			_exit(1);
	}
	_exit(0);
}

static void add(struct answer *a, const struct answer *b)
{
	a->good += b->good;
	a->bus += b->bus;
	a->wrong += b->wrong;
	a->here += b->here;
	a->elsewhere += b->elsewhere;
}

static void serve(const struct row *r, char *p, size_t len, int fd, int child)
{
	struct answer a, b;
	unsigned long i, value, nr = len / PAGE;
	int bad = 0;
	char c;

	while (read(fd, &c, 1) == 1) {
		memset(&a, 0, sizeof(a));
		if (c == 'p' && !r->swap && r->mem < HUGETLB) {
			if (!sigsetjmp(bus_jmp, 1))
				madvise(p, PAGE, MADV_HWPOISON);
			bad = 1;
		} else if (c == 'f') {
			a.fresh = take_fresh();
		} else if (c == 'c') {
			a.lost = bad;
			check(p, nr, 1, 2, &a);
			if (child >= 0) {
				if (write(child, &c, 1) != 1 ||
				    read(child, &b, sizeof(b)) != sizeof(b))
					bail("%s: the child is gone", r->name);
				add(&a, &b);
				for (i = 0; i < nr; i++)
					a.wrong += try_read(word(p, i), &value) &&
						   value != pattern(i, 2);
			}
		}
		if (write(fd, &a, sizeof(a)) != sizeof(a))
			_exit(1);
	}
	_exit(0);
}

static void row_main(const struct row *r, int fd)
{
	struct sigaction sa = { .sa_handler = on_bus };
	size_t len = length(r);
	unsigned long i, mask = 1UL << node;
	int pair[2] = { -1, -1 };
	char *p;

	put(r->swap ? SWAP_GROUP "/cgroup.procs" : GROUP "/cgroup.procs", "0");
	sigaction(SIGBUS, &sa, NULL);
	if (r->mem == TASK && syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		bail("%s: set_mempolicy", r->name);
	if (is_dev(r)) {
		/* Each open file has a shared object of its own. */
		dev_fd = open("/dev/private_node/stay", O_RDWR);
		if (dev_fd < 0)
			bail("/dev/private_node/stay");
	}
	if (r->mem != HUGETLB)
		fresh = map_like(r, PAGE, 8 * MIB);
	p = map_like(r, r->flags & THP ? 2 * len : len, 0);
	if (r->flags & THP)
		p = (char *)(((uintptr_t)p + PMD - 1) / PMD * PMD);
	madvise(p, len, r->flags & THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (i = 0; i < len / PAGE; i++)
		*word(p, i) = pattern(i, 1);
	for (i = 0; i < len / PAGE; i++)
		if (lies(p + i * PAGE) != 1)
			bail("%s: page %lu is not on the node", r->name, i);
	if (r->mem == SHMEM && r->flags & THP &&
	    !number_in("/proc/self/smaps_rollup", "ShmemPmdMapped:"))
		bail("%s: no huge page", r->name);
	if (r->flags & LOCKED && mlock(p, len))
		bail("%s: mlock", r->name);
	if (r->flags & PINNED)
		pin(r, p);
	if (r->flags & FORKED) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			bail("socketpair");
		if (!fork()) {
			close(fd);
			close(pair[0]);
			serve_child(p, len / PAGE, pair[1]);
		}
		close(pair[1]);
	}
	settle(r, p, len);
	if (write(fd, "r", 1) != 1)
		_exit(1);
	serve(r, p, len, fd, pair[0]);
}

/* --- the machine ---------------------------------------------------------------------------- */

static void shell(const char *command)
{
	if (system(command))
		bail("%s", command);
}

static int priority;
static char device[4][32] = { "", "/dev/loop0", "/dev/zram0", "/dev/zram0" };
static bool is_on[4];

/* What is paged out now goes there. */
static void direct_swap(enum swap to)
{
	if (!to)
		return;
	put(ZSWAP, to == ZSWAPPED ? "1" : "0");
	if (is_on[to])
		return;
	if (swapon(device[to], SWAP_FLAG_PREFER | ++priority))
		bail("swapon %s", device[to]);
	is_on[ZRAM] |= to >= ZRAM;
	is_on[ZSWAPPED] |= to >= ZRAM;
	is_on[DISK] |= to == DISK;
}

static int swap_off(void)
{
	int ret = 0;

	if (is_on[DISK])
		ret |= swapoff(device[DISK]);
	if (is_on[ZRAM])
		ret |= swapoff(device[ZRAM]);
	memset(is_on, 0, sizeof(is_on));
	priority = 0;
	return ret;
}

static void set_up(void)
{
	char text[64];

	shell("modprobe private_node_sim; modprobe zram");
	put(SHMEM_THP, "advise");
	zram_off();
	shell("echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null");
	shell("truncate -s 32M /dev/shm/stay-swap && losetup /dev/loop0 /dev/shm/stay-swap");
	shell("mkswap /dev/loop0 > /dev/null");
	mkdir(ROOT, 0700);
	if (mount("none", ROOT, "cgroup2", 0, NULL) ||
	    !write_file(ROOT "/cgroup.subtree_control", "+cpuset +memory") || mkdir(GROUP, 0700) ||
	    mkdir(SWAP_GROUP, 0700))
		bail("cgroup");
	snprintf(range, sizeof(range), "%s", reserved_range(0));
	first_pfn = strtoul(range, NULL, 0) / PAGE;
	strcpy(text, strchr(range, ':') + 1);
	end_pfn = first_pfn + strtoul(text, NULL, 0) / PAGE;
}

static void put_mems(const char *mems)
{
	put(GROUP "/cpuset.mems", mems);
	put(SWAP_GROUP "/cpuset.mems", mems);
}

static void new_node(const char *owner, const char *on_unplug, const char *on_full)
{
	char text[512];

	snprintf(text, sizeof(text), "name=stay owner=%s ranges=%s capable=" SERVICES
		 " enabled=" SERVICES " on_unplug=%s on_full=%s", owner, range, on_unplug, on_full);
	put(SIM "new_node", text);
	node = (int)number_in(SIM "nodes", "name=stay nid=");
	snprintf(text, sizeof(text), "0,%d", node);
	put_mems(text);
	/* Copies of a huge page need one, there or in ordinary memory. */
	set_pool(node, 5);
	set_pool(0, 5);
}

static void start(unsigned long i)
{
	struct holder *h = &holders[i];
	int pair[2];
	char c;

	direct_swap(rows[i].swap);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bail("socketpair");
	fflush(stdout);
	h->pid = fork();
	if (!h->pid) {
		unsigned long j;

		for (j = 0; j < NR_ROWS; j++)
			if (holders[j].fd)
				close(holders[j].fd);
		close(pair[0]);
		row_main(&rows[i], pair[1]);
	}
	close(pair[1]);
	h->fd = pair[0];
	if (read(h->fd, &c, 1) != 1)
		bail("%s: did not start", rows[i].name);
}

static struct answer ask(unsigned long i, char what)
{
	struct answer a = { .wrong = 1 };

	if (write(holders[i].fd, &what, 1) != 1 || read(holders[i].fd, &a, sizeof(a)) != sizeof(a))
		printf("# %s: the process is gone\n", rows[i].name);
	return a;
}

static int stop(unsigned long i)
{
	int status = 0;

	if (!holders[i].fd)
		return 0;
	close(holders[i].fd);
	holders[i].fd = 0;
	waitpid(holders[i].pid, &status, 0);
	return status;
}

static void empty_pool(void)
{
	write_file(pool_file(node, "nr_hugepages"), "0");
}

static void tear_down(void)
{
	unsigned long i;

	for (i = 0; i < NR_ROWS; i++)
		stop(i);
	swap_off();
	empty_pool();
	set_pool(0, 0);
	write_file(SIM "free", "all");
	put_mems("0");
	if (number_in(SIM "nodes", "name=stay nid="))
		put(SIM "remove_node", "stay");
}

/* --- columns -------------------------------------------------------------------------------- */

enum column {
	NOTHING,
	CLOSED,
	REVOKED,
	SWAPOFF,
	FULL_FAIL,
	FULL_OOM,
	REFUSE,
	MOVE,
	UNMAP,
	TAKEN,
	LOST,
	BROKEN,
	NR_COLUMNS
};

static const char *const column_names[NR_COLUMNS] = {
	"nothing",	 "closed",	  "revoked",	   "closed, swapoff",
	"full, fail",	 "full, oom",	  "unplug refuse", "unplug move",
	"unplug sigbus", "another owner", "page lost",
	"device lost",
};

static const char *cells[NR_ROWS][NR_COLUMNS];

static bool brief;

/*
 * "service closed" closes a policy, not a device map; a broken page can be met where it is mapped.
 */
static bool applies(const struct row *r, enum column c)
{
	if (brief && !r->brief)
		return false;
	if (r->mem == HUGETLB && c == LOST)
		return false;
	if (r->flags & PINNED)
		return c != UNMAP && c != TAKEN && c != LOST && c != BROKEN;
	/* Its stack is there as well. */
	if (r->mem == TASK && (c == UNMAP || c == BROKEN))
		return false;
	if (c == LOST)
		return !(r->flags & (FORKED | THP));
	return true;
}

/* May new memory come from the node? */
static int wanted_fresh(const struct row *r, enum column c)
{
	if (r->mem == HUGETLB)
		return 0;
	switch (c) {
	case NOTHING:
	case REFUSE:
	case LOST:
		return 1;
	case CLOSED:
	case SWAPOFF:
		return is_dev(r) ? 1 : -1;
	case REVOKED:
		/* Others may use the object whose cgroup has the node: new pages are ordinary. */
		return r->mem == SHMEM || r->mem == SYSV ? 2 : -1;
	default:
		return -1;
	}
}

static const char *verdict(const struct row *r, enum column c, const struct answer *a)
{
	unsigned long nr = length(r) / PAGE * (r->flags & FORKED ? 2 : 1);

	if (a->wrong)
		return "WRONG";
	if (a->good + a->bus != nr)
		return "GONE";
	if (a->lost)
		return a->bus == 1 ? "lost" : "NOT LOST";
	if (a->bus == nr && (c == UNMAP || c == BROKEN) && !r->swap)
		return "sigbus";
	if (a->bus)
		return "SIGBUS";
	return a->elsewhere ? a->here ? "both" : "moved" : "here";
}

/* The cell is as it has to be; the table shows what was met. */
static void cell(unsigned long i, enum column c, struct answer a)
{
	const struct row *r = &rows[i];
	const char *v = verdict(r, c, &a);
	bool stays = c == NOTHING || c == REFUSE || c == LOST ||
		     ((c == CLOSED || c == SWAPOFF) && is_dev(r));
	bool gone = c == MOVE || c == UNMAP || c == TAKEN || c == BROKEN;

	/* What has to be placed anew is not placed on a node that is closed to it. */
	gone |= r->swap && !(r->flags & CACHED) && c != NOTHING && wanted_fresh(r, c) != 1;
	int fresh = wanted_fresh(r, c), got;

	cells[i][c] = v;
	ok(v[0] >= 'a' && (!stays || a.lost || !strcmp(v, "here")) &&
	   (!gone || !a.here || (r->flags & PINNED)),
	   "%s | %s: %s (%lu read back, %lu SIGBUS, %lu wrong; %lu on the node, %lu elsewhere)",
	   r->name, column_names[c], v, a.good, a.bus, a.wrong, a.here, a.elsewhere);
	/* With on_full=oom new memory kills: see test_column(). */
	if (fresh && c != FULL_OOM && !(r->flags & PINNED)) {
		got = ask(i, 'f').fresh;
		ok(got == fresh, "%s | %s: new memory is %s (%d)", r->name, column_names[c],
		   fresh == 1 ? "of the node" : fresh == 2 ? "ordinary" : "refused", got);
	}
}

static unsigned long displaced(void)
{
	return number_in("/sys/kernel/mm/private_node/displaced", "");
}

static void start_all(enum column c)
{
	unsigned long i;

	for (i = 0; i < NR_ROWS; i++)
		if (applies(&rows[i], c))
			start(i);
}

static unsigned long check_all(enum column c)
{
	unsigned long i, elsewhere = 0;
	struct answer a;

	for (i = 0; i < NR_ROWS; i++) {
		if (!holders[i].fd)
			continue;
		a = ask(i, 'c');
		cell(i, c, a);
		elsewhere += a.elsewhere;
	}
	return elsewhere;
}

static bool unplug(void)
{
	return write_file(SIM "unplug", "stay");
}

/* The owner takes what is left of the node. */
static void fill(void)
{
	char text[64];

	enable("-reclaim");
	empty_pool();
	snprintf(text, sizeof(text), "node=stay count=%lu", node_free());
	put(SIM "alloc", text);
}

static void happens(enum column c)
{
	unsigned long i;
	char text[64];

	switch (c) {
	case CLOSED:
	case SWAPOFF:
		enable("-user_numa -hugetlb");
		if (c == SWAPOFF)
			ok(!swap_off(), "%s: swapoff works", column_names[c]);
		break;
	case REVOKED:
		put_mems("0");
		break;
	case FULL_FAIL:
		fill();
		break;
	case FULL_OOM:
		fill();
		/* Brings in what is on disk; a fault does the rest. */
		ok(!swapoff(device[DISK]), "%s: swapoff works", column_names[c]);
		is_on[DISK] = false;
		break;
	case MOVE:
		empty_pool();
		if (!brief)
			ok(!unplug(), "a pinned page: unplug is refused");
		for (i = 0; i < NR_ROWS; i++)
			if (rows[i].flags & PINNED && holders[i].fd) {
				cell(i, c, ask(i, 'c'));
				stop(i);
			}
		__attribute__((fallthrough));
	case UNMAP:
	case TAKEN:
		empty_pool();
		ok(unplug(), "%s: unplugged", column_names[c]);
		if (c != TAKEN)
			break;
		snprintf(text, sizeof(text), "%d", node);
		put(SIM "remove_node", "stay");
		new_node("second", "refuse", "fail");
		ok(atoi(text) == node, "another owner has the node's id");
		empty_pool();
		break;
	case LOST:
		for (i = 0; i < NR_ROWS; i++)
			if (holders[i].fd)
				ask(i, 'p');
		break;
	case BROKEN:
		/* The driver gives up what is there, and leaves. */
		empty_pool();
		put(node_file("on_unplug"), "sigbus");
		ok(unplug(), "%s: unplugged", column_names[c]);
		put(SIM "remove_node", "stay");
		break;
	default:
		break;
	}
}

static void test_column(enum column c)
{
	unsigned long before, elsewhere, counted;

	new_node("first", c == UNMAP ? "sigbus" : "move", c == FULL_OOM ? "oom" : "fail");
	before = displaced();
	start_all(c);
	happens(c);
	elsewhere = check_all(c);
	counted = displaced() - before;
	/* Pages that move_pages or unplug moved are counted there. */
	if (c == NOTHING || c == REFUSE || c == LOST)
		ok(!counted && !elsewhere, "%s: none displaced (%lu)", column_names[c], counted);
	else
		ok(counted >= NR, "%s: %lu displaced, %lu elsewhere", column_names[c], counted,
		   elsewhere);
	if (c == CLOSED || c == REVOKED || c == FULL_FAIL || c == FULL_OOM)
		ok(counter("displaced ") == counted, "%s: the node counts as much: %lu",
		   column_names[c], counter("displaced "));
	/* A node without memory shows no files. */
	if (c != MOVE && c != UNMAP && c != BROKEN)
		ok(!counter("oom_kills "), "%s: nobody was killed", column_names[c]);
	if (c == FULL_OOM) {
		ask(0, 'f');
		ok(counter("oom_kills "), "%s: control, new memory kills", column_names[c]);
	}
	if (c == TAKEN)
		ok(node_free() * 100 >= node_number("total_bytes") / PAGE * 99,
		   "%s: has nothing of it", column_names[c]);
	tear_down();
}

/* What set_up() made. */
static void leave(void)
{
	put(ZSWAP, "0");
	put(SHMEM_THP, "never");
	shell("losetup -d /dev/loop0; rm -f /dev/shm/stay-swap; echo 1 > /sys/block/zram0/reset");
	rmdir(GROUP);
	rmdir(SWAP_GROUP);
	umount(ROOT);
}

FIXTURE(stay) { };

FIXTURE_SETUP(stay)
{
	under_test = _metadata;
	if (getuid())
		SKIP(return, "needs root");
	if (!kept_range(0) || (access(SIM, F_OK) && system("modprobe -q private_node_sim")))
		SKIP(return, "needs the simulator, memmap=256M$ADDRESS and private_node_spare=2");
	set_up();
	brief = true;
}

/* Processes of rows end with the one that asks them. */
FIXTURE_TEARDOWN_PARENT(stay)
{
	leave();
	if (number_in(SIM "nodes", "name=stay nid="))
		_metadata->exit_code = KSFT_FAIL;
}

#define COLUMN_TEST(what, column)						\
	TEST_F_TIMEOUT(stay, what, LONG_TEST)					\
	{									\
		test_column(column);						\
	}

COLUMN_TEST(nothing, NOTHING)
COLUMN_TEST(closed, CLOSED)
COLUMN_TEST(revoked, REVOKED)
COLUMN_TEST(unplug_move, MOVE)
COLUMN_TEST(unplug_sigbus, UNMAP)
COLUMN_TEST(another_owner, TAKEN)

TEST_HARNESS_MAIN
