// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: random sequences of system calls on private and ordinary nodes, while others plug, unplug,
 * open and close the nodes.
 *
 *   fuzz [--seed N] [--seconds N] [--ops N] [--trace] [--corpus FILE [--guided]]
 *
 * The draws of operation K of process P depend on the seed, P and K alone: --seed and --ops replay
 * what each process did, not how they met.  --trace prints each operation before it is done.
 *
 * With --corpus nobody else is there: a process does the steps of each input of the file (guided.h), one
 * input after the other, from the first on or, with --seed, from another.  With KCOV the blocks of the
 * kernel that they reach are counted.  --guided, which needs it, goes on with inputs that are made of those,
 * and with new ones, and prints those that reach a block that none did before ("# new:").  --minimize
 * prints the inputs of the file that reach one that none before in it did ("# useful:").
 *
 * Each page that was stored to has a word of its own, and is read again: the word, or SIGBUS where
 * somebody named a private node (it may be full, closed or unplugged), or zero where MADV_FREE and
 * friends say so.  The last worker never names a private node: none of its pages may be on one.
 * With an odd seed demotion may be opened, and then the kernel puts them there.
 * At the end each node is empty again.  Exit 1 when one of that did not hold.
 *
 * The node of the boot is the first of has_private_memory; PMN_RESERVED gives the memory of the
 * simulated one, FUZZ_CGROUP a cgroup v2 mount with memory and cpuset.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guided.h"
#include "torture.h"

#define PAGE 4096UL
#define PMD (512 * PAGE)
#define NODES "/sys/devices/system/node"
#define SIM "/sys/kernel/private_node_sim"
#define WORKERS 6		/* the last is the one that names no private node */
#define ADMINS 2
#define PROCS (WORKERS + ADMINS)
#define REGIONS 20
#define MAX_PAGES 2048
#define GROUPS 3
#define LOST 77			/* exit status: memory of the process itself was taken */
#define HANG_S (access("/proc/lockdep", F_OK) ? 120 : 480)

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define MADV_GUARD_ON 102
#define MADV_GUARD_OFF 103
#ifndef UFFDIO_MOVE
struct uffdio_move {
	uint64_t dst, src, len, mode;
	int64_t move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#define UFFD_FEATURE_MOVE (1 << 16)
#endif

enum role { WORKER, PLUG, SET };
enum kind { ANON, SHARED_ANON, MEMFD, DEV_PRIVATE, DEV_SHARED, NR_KINDS };
static const char *const kind_names[] = { "anon", "shared anon", "memfd", "device map", "shared device map" };

/* What a page may hold: @val, @next while it is stored, 0 if @zero. */
struct expect {
	uint64_t val, next;
	bool zero;
};

/* Shared with children where the memory is. */
struct meta {
	bool named;	/* a private node was named for it: SIGBUS is possible */
	struct expect page[];
};

struct region {
	char *p;
	size_t pages, first;	/* @first: index of the first page in @m */
	enum kind kind;
	struct meta *m;
	size_t meta_len;
	int fd;			/* of a memfd */
};

struct op {
	const char *name;
	unsigned int weight;
	long (*run)(void);	/* as a system call: errno counts when it is < 0 */
};

static struct shared {
	struct process {
		pid_t pid;
		unsigned long op, gen, whole;	/* whole == gen: all of the process may be hit */
		unsigned int what;
		time_t since;
		bool done;
	} proc[PROCS];
	unsigned int steps_new;	/* the input up to its last step that reached something */
	unsigned long count[64], good[64], usec[64];
	unsigned long wrong, bus, checked;
	char text[4][256];
	bool stop;
} *sh;

static struct region regions[REGIONS];
static unsigned long seed, max_ops, ordinary, boot_node;
static int self, uring = -1, pipe_fd[2] = { -1, -1 };
static enum role role;
static struct input input;
static struct corpus corpus;
static bool trace, is_child, guided, minimize;
static const char *cgroup, *op_name;

/* -- basics --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15UL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
	return x ^ x >> 31;
}

__attribute__((format(printf, 1, 2))) static void wrong(const char *fmt, ...)
{
	unsigned long n = __atomic_fetch_add(&sh->wrong, 1, __ATOMIC_SEQ_CST);
	va_list ap;
	int len;

	if (n >= 4)
		return;
	len = snprintf(sh->text[n], 256, "process %d%s, op %lu (%s): ", self, is_child ? "'s child" : "",
		       sh->proc[self].op, op_name);
	va_start(ap, fmt);
	vsnprintf(sh->text[n] + len, 256 - len, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static long putf(const char *path, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put_file(path, text) ? 0 : -1;
}

/* "0,2-3" as a mask. */
static unsigned long node_list(const char *file)
{
	char buf[256], *s = buf;
	unsigned long mask = 0;

	get_file(file, buf, sizeof(buf));
	while (*s >= '0' && *s <= '9') {
		unsigned long a = strtoul(s, &s, 10), b = *s == '-' ? strtoul(s + 1, &s, 10) : a;

		for (; a <= b && a < 64; a++)
			mask |= 1UL << a;
		s += *s == ',';
	}
	return mask;
}

static unsigned long now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000UL + t.tv_nsec / 1000;
}

static bool prudent(void)
{
	return self == WORKERS - 1;
}

/* -- pages ---------------------------------------------------------------------------------- */

static sigjmp_buf bus;
static volatile bool armed;

static bool whole(void)
{
	return sh->proc[self].whole == sh->proc[self].gen;
}

static bool demotes(void)
{
	return seed & 1;
}

static void on_bus(int sig)
{
	if (armed)
		siglongjmp(bus, 1);
	if (!whole() && !demotes())
		wrong("signal %d outside of a region", sig);
	_exit(LOST);
}

static struct expect *expect(struct region *r, size_t i)
{
	return &r->m->page[r->first + i];
}

static volatile uint64_t *word(struct region *r, size_t i)
{
	return (volatile uint64_t *)(r->p + i * PAGE + (r->first + i) * 40 % PAGE / 8 * 8);
}

static void no_bus(struct region *r, size_t i)
{
	__atomic_fetch_add(&sh->bus, 1, __ATOMIC_RELAXED);
	if (!r->m->named && !whole() && !demotes())
		wrong("SIGBUS at page %zu of %zu (%s), which named no private node", i, r->pages, kind_names[r->kind]);
}

static bool peek(struct region *r, size_t i, uint64_t *v)
{
	volatile bool good = false;

	if (!sigsetjmp(bus, 1)) {
		armed = true;
		*v = *word(r, i);
		good = true;
	}
	armed = false;
	if (!good)
		no_bus(r, i);
	return good;
}

static void judge(struct region *r, size_t i, uint64_t v)
{
	struct expect *e = expect(r, i);

	if (v != e->val && v != e->next && !(e->zero && !v))
		wrong("%s, page %zu of %zu: %#lx, not %#lx%s", kind_names[r->kind], i, r->pages, v, e->val,
		      e->zero ? " or 0" : "");
}

static void check(struct region *r, size_t i)
{
	uint64_t v;

	if (!peek(r, i, &v))
		return;
	judge(r, i, v);
	__atomic_fetch_add(&sh->checked, 1, __ATOMIC_RELAXED);
}

static void check_some(struct region *r, size_t from, size_t n)
{
	for (; n-- && from < r->pages; from++)
		check(r, from);
}

static void check_all(void)
{
	int i;

	for (i = 0; i < REGIONS; i++)
		if (regions[i].p)
			check_some(&regions[i], 0, regions[i].pages);
}

static void poke(struct region *r, size_t i, uint64_t v)
{
	struct expect *e = expect(r, i);

	e->next = v;
	if (sigsetjmp(bus, 1)) {
		armed = false;
		e->next = e->val;
		no_bus(r, i);
		return;
	}
	armed = true;
	*word(r, i) = v;
	armed = false;
	e->val = v;
	e->zero = false;
}

static void set_expect(struct region *r, size_t from, size_t n, bool surely)
{
	for (; n-- && from < r->pages; from++) {
		struct expect *e = expect(r, from);

		e->zero = true;
		if (surely)
			e->val = e->next = 0;
	}
}

/* -- regions -------------------------------------------------------------------------------- */

/* A random one, NULL when the slot is free. */
static struct region *any(void)
{
	struct region *r = &regions[draw(REGIONS)];

	return r->p ? r : NULL;
}

static size_t some(struct region *r, size_t *from)
{
	*from = draw(4) ? draw(r->pages) : 0;
	return draw(3) ? 1 + draw(r->pages - *from) : r->pages - *from;
}

static bool shared(const struct region *r)
{
	return r->kind != ANON && r->kind != DEV_PRIVATE;
}

static void drop(struct region *r)
{
	munmap(r->p, r->pages * PAGE);
	munmap(r->m, r->meta_len);
	if (r->fd >= 0)
		close(r->fd);
	memset(r, 0, sizeof(*r));
}

static bool any_device(char *path, size_t size)
{
	struct dirent *de;
	DIR *d = opendir("/dev/private_node");
	unsigned long n = 0;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.' && !draw(++n))
			snprintf(path, size, "/dev/private_node/%s", de->d_name);
	if (d)
		closedir(d);
	return n;
}

static int backing(enum kind kind, size_t len)
{
	char path[300];
	int fd;

	if (kind == MEMFD) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, len)) {
			close(fd);
			fd = -1;
		}
		return fd;
	}
	return any_device(path, sizeof(path)) ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

static long op_map(void)
{
	static const int flags[] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED,
				     MAP_PRIVATE, MAP_SHARED };
	struct region *r = &regions[draw(REGIONS)];
	enum kind kind = draw(prudent() ? DEV_PRIVATE : NR_KINDS);
	size_t pages = 1 + draw(draw(10) ? 48 : MAX_PAGES), len = pages * PAGE;
	int fd = -1;
	char *p;

	if (r->p)
		drop(r);
	if (kind >= MEMFD) {
		fd = backing(kind, len);
		if (fd < 0)
			return -1;
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags[kind] | (draw(8) ? 0 : MAP_POPULATE), fd, 0);
	if (fd >= 0 && kind != MEMFD)
		close(fd);
	if (p == MAP_FAILED) {
		if (kind == MEMFD)
			close(fd);
		return -1;
	}
	*r = (struct region){ .p = p, .pages = pages, .kind = kind, .fd = kind == MEMFD ? fd : -1 };
	r->meta_len = sizeof(struct meta) + pages * sizeof(struct expect);
	r->m = mmap(NULL, r->meta_len, PROT_READ | PROT_WRITE,
		    MAP_ANONYMOUS | (shared(r) ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	if (r->m == MAP_FAILED)
		_exit(LOST);
	r->m->named = kind >= DEV_PRIVATE;
	return 0;
}

static long op_unmap(void)
{
	struct region *r = any();
	size_t cut;

	if (!r)
		return 0;
	cut = 1 + draw(r->pages);
	if (cut == r->pages || r->kind == MEMFD || !draw(2)) {
		drop(r);
		return 0;
	}
	if (draw(2)) {
		munmap(r->p, cut * PAGE);
		r->p += cut * PAGE;
		r->first += cut;
	} else {
		munmap(r->p + (r->pages - cut) * PAGE, cut * PAGE);
	}
	r->pages -= cut;
	return 0;
}

static long op_store(void)
{
	struct region *r = any();
	size_t from, n;
	uint64_t tag = draw(1UL << 40);

	if (!r)
		return op_map();
	for (n = some(r, &from); n--; from++)
		poke(r, from, mix(tag + from) | 1);
	return 0;
}

static long op_check(void)
{
	struct region *r = any();
	size_t from, n;

	if (!r)
		return 0;
	n = some(r, &from);
	check_some(r, from, n);
	return 0;
}

/* Where its pages are, for the worker that named no private node. */
static long op_where(void)
{
	struct region *r = any();
	void *page[64];
	int status[64];
	size_t i, from, n;

	if (!r)
		return 0;
	n = some(r, &from);
	n = n < 64 ? n : 64;
	for (i = 0; i < n; i++)
		page[i] = r->p + (from + i) * PAGE;
	if (syscall(SYS_move_pages, 0, n, page, NULL, status, 0))
		return -1;
	for (i = 0; i < n; i++)
		if (status[i] >= 0 && !(ordinary >> status[i] & 1) && !r->m->named && !whole() && !demotes())
			wrong("%s, page %zu is on node %d, which nobody named", kind_names[r->kind], from + i, status[i]);
	return 0;
}

static const int advices[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
	MADV_REMOVE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP,
	MADV_COLD, MADV_PAGEOUT, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTNEED_LOCKED,
	MADV_COLLAPSE, MADV_COLLAPSE, MADV_GUARD_ON, 77 };

/* Half of a range may be zapped when the other half says no. */
static long op_madvise(void)
{
	int advice = advices[draw(sizeof(advices) / sizeof(advices[0]))];
	struct region *r = any();
	size_t from, n;
	bool zaps;
	long ret;

	if (!r)
		return 0;
	n = some(r, &from);
	zaps = advice == MADV_REMOVE ? shared(r) :
	       !shared(r) && (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE ||
			      advice == MADV_GUARD_ON);
	if (zaps)
		set_expect(r, from, n, false);
	ret = madvise(r->p + from * PAGE, n * PAGE, advice);
	if (advice == MADV_GUARD_ON)
		madvise(r->p + from * PAGE, n * PAGE, MADV_GUARD_OFF);
	if (zaps && !ret && advice != MADV_FREE)
		set_expect(r, from, n, true);
	return ret;
}

static long op_mprotect(void)
{
	struct region *r = any();
	size_t from, n;
	long ret;

	if (!r)
		return 0;
	n = some(r, &from);
	ret = mprotect(r->p + from * PAGE, n * PAGE, draw(2) ? PROT_READ : PROT_NONE);
	if (mprotect(r->p + from * PAGE, n * PAGE, PROT_READ | PROT_WRITE))
		_exit(LOST);	/* no memory for it: the region cannot be used any more */
	return ret;
}

static long op_mlock(void)
{
	struct region *r = any();
	size_t from, n;

	if (!r)
		return 0;
	n = some(r, &from);
	switch (draw(4)) {
	case 0: return mlock(r->p + from * PAGE, n * PAGE);
	case 1: return mlock2(r->p + from * PAGE, n * PAGE, MLOCK_ONFAULT);
	default: return munlock(r->p + from * PAGE, n * PAGE);
	}
}

/* A failure may have moved some of the VMAs: the region is given up. */
static void move_to_new_place(struct region *r)
{
	size_t len = r->pages * PAGE;
	char *to = mmap(NULL, len + PMD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *p;

	if (to == MAP_FAILED)
		return;
	p = mremap(r->p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	munmap(to + len, PMD);
	if (p != MAP_FAILED) {
		r->p = p;
		return;
	}
	munmap(to, len);
	drop(r);
}

static long op_mremap(void)
{
	struct region *r = any();
	size_t pages;
	char *p;

	if (!r)
		return 0;
	if (draw(2)) {
		move_to_new_place(r);
		return r->p ? 0 : -1;
	}
	pages = 1 + draw(r->pages);
	p = mremap(r->p, r->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return -1;
	r->p = p;
	r->pages = pages;
	return 0;
}

/* -- policies ------------------------------------------------------------------------------- */

static unsigned long any_node(void)
{
	unsigned long node = draw(6);

	if (prudent())
		return ordinary >> node & 1 ? node : 0;
	return draw(3) ? node : boot_node;
}

static unsigned long any_mask(void)
{
	unsigned long mask = 1UL << any_node();

	while (!draw(3))
		mask |= 1UL << any_node();
	return draw(24) ? mask : draw(2) || prudent() ? 0 : ~0UL >> draw(63);
}

static int any_mode(void)
{
	static const int flags[] = { 0, 0, 0, MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES, 1 << 13,
				     MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1 << 12 };

	return (draw(2) ? MPOL_BIND : (int)draw(9)) | flags[draw(8)];
}

static bool names_private(unsigned long mask)
{
	return mask & ~ordinary;
}

static void hits_all_of(int proc)
{
	sh->proc[proc].whole = sh->proc[proc].gen;
}

/* MPOL_MF_MOVE_ALL in a child moves what it shares with its parent. */
static void will_name(struct region *r, unsigned long mask, int flags)
{
	if (!names_private(mask))
		return;
	r->m->named = true;
	if (is_child && flags & MPOL_MF_MOVE_ALL)
		hits_all_of(self);
}

static long op_mbind(void)
{
	static const int flags[] = { 0, MPOL_MF_MOVE, MPOL_MF_MOVE, MPOL_MF_STRICT, MPOL_MF_MOVE | MPOL_MF_STRICT,
				     MPOL_MF_MOVE_ALL, MPOL_MF_MOVE_ALL | MPOL_MF_STRICT, 1 << 3 };
	struct region *r = any();
	unsigned long mask = any_mask();
	int mode = any_mode(), how = flags[draw(8)];
	size_t from, n;

	if (!r)
		return 0;
	n = some(r, &from);
	will_name(r, mask, how);
	return syscall(SYS_mbind, r->p + from * PAGE, n * PAGE, mode, mode ? &mask : NULL, mode ? 64UL : 0UL, how);
}

static long op_home_node(void)
{
	struct region *r = any();
	unsigned long home = any_node();
	size_t from, n;

	if (!r)
		return 0;
	n = some(r, &from);
	return syscall(450 /* set_mempolicy_home_node */, r->p + from * PAGE, n * PAGE, home, draw(16) ? 0UL : 1UL);
}

static long op_set_mempolicy(void)
{
	unsigned long mask = any_mask();
	int mode = draw(3) ? MPOL_DEFAULT : any_mode();

	if (mode && names_private(mask))
		hits_all_of(self);
	return syscall(SYS_set_mempolicy, mode, mode ? &mask : NULL, mode ? 64UL : 0UL);
}

static long op_get_mempolicy(void)
{
	struct region *r = any();
	unsigned long mask;
	int mode;

	return syscall(SYS_get_mempolicy, &mode, &mask, 64UL, r ? r->p : NULL, draw(8));
}

static long op_move_pages(void)
{
	struct region *r = any();
	void *page[128];
	int node[128], status[128];
	size_t i, from, n;
	int to = any_node(), how = draw(4) ? MPOL_MF_MOVE : MPOL_MF_MOVE_ALL;

	if (!r)
		return 0;
	n = some(r, &from);
	n = n < 128 ? n : 128;
	for (i = 0; i < n; i++) {
		page[i] = r->p + (from + i) * PAGE;
		node[i] = draw(16) ? to : (int)any_node() - 1;
		if (node[i] >= 0)
			will_name(r, 1UL << node[i], how);
	}
	return syscall(SYS_move_pages, 0, n, page, node, status, how);
}

static void set_nice(bool on)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return;
	data[0].effective &= ~(1U << CAP_SYS_NICE);
	data[0].effective |= (unsigned int)on << CAP_SYS_NICE;
	syscall(SYS_capset, &head, data);
}

/*
 * Of itself, or of another worker, which may be hit everywhere from then on.  Not what it shares with
 * the process that started it, which has to live: that takes the capability.
 */
static long op_migrate_pages(void)
{
	int victim = draw(3) ? self : (int)draw(WORKERS - 1);
	unsigned long from = any_mask(), to = any_mask(), gen = sh->proc[victim].gen;
	pid_t pid = sh->proc[victim].pid;
	long ret;
	int err;

	/* None there: a system call would take that for the caller. */
	if (prudent() || !pid)
		victim = self;
	if (names_private(to))
		hits_all_of(victim);
	if (victim != self && (gen != sh->proc[victim].gen || pid != sh->proc[victim].pid))
		return 0;
	set_nice(false);
	ret = syscall(SYS_migrate_pages, victim == self ? 0 : pid, 64UL, &from, &to);
	err = errno;
	set_nice(true);
	errno = err;
	return ret;
}

/* -- references of other kinds -------------------------------------------------------------- */

static long op_pipe(void)
{
	struct region *r = any();
	struct iovec v;
	size_t from, n;

	if (pipe_fd[0] >= 0 || !r) {
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		pipe_fd[0] = pipe_fd[1] = -1;
		return 0;
	}
	n = some(r, &from);
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK))
		return -1;
	v = (struct iovec){ r->p + from * PAGE, (n < 8 ? n : 8) * PAGE };
	return vmsplice(pipe_fd[1], &v, 1, draw(2) ? SPLICE_F_GIFT : 0) < 0 ? -1 : 0;
}

static long op_uring(void)
{
	struct io_uring_params params = { 0 };
	struct region *r = any();
	struct iovec v;
	size_t from, n;

	if (uring < 0)
		uring = syscall(SYS_io_uring_setup, 4U, &params);
	if (!r || draw(2))
		return syscall(SYS_io_uring_register, uring, IORING_UNREGISTER_BUFFERS, NULL, 0U);
	n = some(r, &from);
	v = (struct iovec){ r->p + from * PAGE, (n < 64 ? n : 64) * PAGE };
	return syscall(SYS_io_uring_register, uring, IORING_REGISTER_BUFFERS, &v, 1U);
}

/* The kernel reads and writes the words. */
static long op_copy(void)
{
	struct region *r = any();
	uint64_t v = mix(draw(1UL << 40)) | 1;
	struct iovec ours = { &v, 8 }, theirs = { NULL, 8 };
	struct expect *e;
	size_t i;

	if (!r)
		return 0;
	i = draw(r->pages);
	theirs.iov_base = (void *)word(r, i);
	e = expect(r, i);
	if (draw(2)) {
		if (process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) != 8)
			return -1;
		judge(r, i, v);
		return 0;
	}
	e->next = v;
	if (process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0) == 8) {
		e->val = v;
		e->zero = false;
		return 0;
	}
	e->next = e->val;
	return -1;
}

static long op_memfd(void)
{
	struct region *r = any();
	size_t from, n;
	uint64_t v;

	if (!r || r->fd < 0)
		return 0;
	n = some(r, &from);
	switch (draw(3)) {
	case 0:
		set_expect(r, from, n, false);
		if (fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (r->first + from) * PAGE, n * PAGE))
			return -1;
		set_expect(r, from, n, true);
		return 0;
	case 1:
		return fallocate(r->fd, 0, (r->first + from) * PAGE, n * PAGE);
	default:
		if (pread(r->fd, &v, 8, (r->first + from) * PAGE + (r->first + from) * 40 % PAGE / 8 * 8) != 8)
			return -1;
		judge(r, from, v);
		return 0;
	}
}

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_MOVE };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static char copy_page[PAGE] __attribute__((aligned(4096)));

static long uffd_fill(int fd, struct region *r, size_t i)
{
	uint64_t v = mix(draw(1UL << 40)) | 1;
	struct uffdio_copy copy = { (uintptr_t)r->p + i * PAGE, (uintptr_t)copy_page, PAGE };
	struct uffdio_zeropage zero = { .range = { (uintptr_t)r->p + i * PAGE, PAGE } };
	struct expect *e = expect(r, i);

	if (!draw(3)) {
		e->zero = true;
		return ioctl(fd, UFFDIO_ZEROPAGE, &zero) ? -1 : (set_expect(r, i, 1, true), 0);
	}
	*(uint64_t *)(copy_page + (r->first + i) * 40 % PAGE / 8 * 8) = v;
	e->next = v;
	if (ioctl(fd, UFFDIO_COPY, &copy)) {
		e->next = e->val;
		return -1;
	}
	e->val = v;
	e->zero = false;
	return 0;
}

/* A page of one region takes the place of a hole in another. */
static long uffd_move(int fd, struct region *r, size_t i)
{
	struct region *from = any();
	struct uffdio_move move = { .len = PAGE };
	struct expect *e = expect(r, i), *f;
	size_t j;

	if (!from || from == r || shared(from) || shared(r))
		return 0;
	/* The word's place in the page depends on its index modulo 512. */
	j = (r->first + i - from->first) % 512;
	if (j >= from->pages)
		return 0;
	f = expect(from, j);
	move.dst = (uintptr_t)r->p + i * PAGE;
	move.src = (uintptr_t)from->p + j * PAGE;
	r->m->named |= from->m->named;
	if (ioctl(fd, UFFDIO_MOVE, &move))
		return -1;
	*e = *f;
	f->val = f->next = 0;
	return 0;
}

static long op_uffd(void)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct region *r = any();
	size_t from, n, i;
	long ret = -1;
	int fd;

	if (!r)
		return 0;
	n = some(r, &from);
	fd = uffd_open();
	if (fd < 0)
		return -1;
	reg.range.start = (uintptr_t)r->p + from * PAGE;
	reg.range.len = n * PAGE;
	if (!ioctl(fd, UFFDIO_REGISTER, &reg))
		for (i = 0; i < 16 && i < n; i++)
			ret = draw(3) ? uffd_fill(fd, r, from + i) : uffd_move(fd, r, from + i);
	close(fd);
	return ret;
}

/* A mapping for huge pages, which nobody else sees; @flags may make it one of a pool. */
static long huge_mapping(int flags)
{
	size_t len = PMD * (1 + draw(2)), room = flags ? len : len + PMD;
	char *base = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0), *p;
	uint64_t v = mix(draw(1UL << 40)) | 1;
	unsigned long mask = any_mask();
	int mode = draw(3) ? MPOL_BIND : any_mode();
	long ret;

	if (base == MAP_FAILED)
		return -1;
	p = (char *)(((uintptr_t)base + PMD - 1) & -PMD);
	ret = syscall(SYS_mbind, p, len, mode, mode ? &mask : NULL, mode ? 64UL : 0UL, 0);
	if (!flags)
		madvise(p, len, MADV_HUGEPAGE);
	if (!sigsetjmp(bus, 1)) {
		armed = true;
		*(volatile uint64_t *)p = v;
		switch (draw(5)) {
		case 0: madvise(p, len, MADV_PAGEOUT); break;
		case 1: madvise(p + PAGE, PAGE, MADV_DONTNEED); break;
		case 2: madvise(p, len, MADV_COLLAPSE); break;
		case 3: syscall(SYS_mbind, p, len, MPOL_DEFAULT, NULL, 0UL, MPOL_MF_MOVE); break;
		}
		if (*(volatile uint64_t *)p != v)
			wrong("a huge page does not hold what was stored");
	}
	armed = false;
	munmap(base, room);
	return ret;
}

static long op_thp(void)
{
	return huge_mapping(0);
}

static long op_pool(void)
{
	return huge_mapping(MAP_HUGETLB);
}

/* -- processes ------------------------------------------------------------------------------ */

static long one_op(void);

static void child(void)
{
	unsigned long n = draw(6), i;

	is_child = true;
	trace = false;
	for (i = 0; i < REGIONS; i++)
		if (regions[i].p)
			check_some(&regions[i], draw(regions[i].pages), 8);
	while (n--)
		one_op();
	if (!draw(4))
		check_all();
	_exit(0);
}

/* The parent waits, so that it knows what is in memory that both share. */
static long op_fork(void)
{
	struct process *me = &sh->proc[self];
	int status;
	pid_t pid;

	if (is_child)
		return 0;
	pid = fork();
	if (!pid)
		child();
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && me->whole != me->gen && !demotes())
		wrong("a child ended by signal %d", WTERMSIG(status));
	return 0;
}

static long op_exec(void)
{
	char *argv[] = { "fuzz", "--nothing", NULL };
	pid_t pid;
	int ret = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, NULL);

	if (!ret)
		waitpid(pid, NULL, 0);
	errno = ret;
	return ret ? -1 : 0;
}

/* The whole address space goes at once. */
static long op_exit(void)
{
	if (!is_child && !draw(4))
		_exit(0);
	return 0;
}

static const char *group(unsigned long i)
{
	static char path[300];

	if (i == GROUPS)
		snprintf(path, sizeof(path), "%s", cgroup);
	else
		snprintf(path, sizeof(path), "%s/fuzz%lu", cgroup, i);
	return path;
}

__attribute__((format(printf, 3, 4)))
static long put_group(unsigned long i, const char *file, const char *fmt, ...)
{
	char path[400], text[64];
	va_list ap;

	if (!cgroup)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", group(i), file);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put_file(path, text) ? 0 : -1;
}

static long op_attach(void)
{
	return put_group(draw(GROUPS + 1), "cgroup.procs", "0");
}

static const struct op worker_ops[] = {
	{ "map", 10, op_map }, { "unmap", 4, op_unmap }, { "store", 24, op_store }, { "check", 12, op_check },
	{ "where", 6, op_where }, { "madvise", 24, op_madvise }, { "mprotect", 5, op_mprotect },
	{ "mlock", 6, op_mlock }, { "mremap", 6, op_mremap }, { "mbind", 20, op_mbind },
	{ "home_node", 3, op_home_node }, { "set_mempolicy", 3, op_set_mempolicy },
	{ "get_mempolicy", 3, op_get_mempolicy }, { "move_pages", 12, op_move_pages },
	{ "migrate_pages", 2, op_migrate_pages }, { "vmsplice", 4, op_pipe }, { "io_uring", 4, op_uring },
	{ "process_vm", 4, op_copy }, { "memfd", 5, op_memfd }, { "userfaultfd", 5, op_uffd },
	{ "fork", 4, op_fork }, { "exec", 1, op_exec }, { "exit", 1, op_exit }, { "attach", 3, op_attach },
	{ "thp", 3, op_thp }, { "pool", 2, op_pool },
};

/* -- administrators ------------------------------------------------------------------------- */

static const char *const services[] = { "user_numa", "reclaim", "demotion", "promotion", "compaction",
	"longterm_pin", "thp", "hugetlb", "numa_balancing", "guest_memfd" };
#define NR_SERVICES (sizeof(services) / sizeof(services[0]))
#define ALL_SERVICES "user_numa,reclaim,demotion,promotion,compaction,longterm_pin,thp,hugetlb,numa_balancing,guest_memfd"
#define OPEN_ALL "+user_numa,+reclaim,+demotion,+promotion,+compaction,+longterm_pin,+thp,+hugetlb,+numa_balancing,+guest_memfd"

static const char *on_unplug(void)
{
	static const char *const names[] = { "refuse", "move", "sigbus", "never" };

	return names[draw(16) ? draw(3) : 3];
}

static const char *on_full(void)
{
	static const char *const names[] = { "fail", "sigbus", "oom", "fallback:0", "fallback:9" };

	return names[draw(16) ? draw(4) : 4];
}

/* A private node, the simulated one more often than not. */
static int private_node(void)
{
	unsigned long mask = node_list(NODES "/has_private_memory") & ~(1UL << boot_node);

	return mask && draw(3) ? __builtin_ctzl(mask) : (int)boot_node;
}

__attribute__((format(printf, 2, 3))) static long put_node(const char *file, const char *fmt, ...)
{
	char path[128], text[256];
	va_list ap;

	snprintf(path, sizeof(path), NODES "/node%d/%s", private_node(), file);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put_file(path, text) ? 0 : -1;
}

static const char *any_service(void)
{
	const char *s = services[draw(NR_SERVICES)];

	return demotes() || strcmp(s, "demotion") ? s : "reclaim";
}

static long op_new_node(void)
{
	const char *r = getenv("PMN_RESERVED"), *colon = r ? strchr(r, ':') : NULL;

	if (!colon)
		return 0;
	return putf(SIM "/new_node", "name=fuzz ranges=%.*s capable=%s enabled=%s on_unplug=%s on_full=%s online_type=%s",
		    (int)strcspn(colon + 1, " "), colon + 1, ALL_SERVICES,
		    draw(3) ? "user_numa,reclaim,compaction,longterm_pin" : any_service(),
		    on_unplug(), on_full(), draw(2) ? "online_movable" : "online_kernel");
}

static long op_remove_node(void)
{
	return putf(SIM "/remove_node", "fuzz");
}

static long op_unplug(void)
{
	return putf(SIM "/unplug", "fuzz");
}

static long op_plug(void)
{
	return putf(SIM "/plug", "fuzz");
}

static long op_owner(void)
{
	if (draw(3))
		return putf(SIM "/free", "all");
	return putf(SIM "/alloc", "node=fuzz count=%lu order=%lu", 1 + draw(64), draw(10));
}

static long op_enabled(void)
{
	return put_node("private/enabled", "%c%s %c%s", draw(3) ? '+' : '-', any_service(), draw(3) ? '+' : '-',
			any_service());
}

static long op_on_full(void)
{
	return put_node("private/on_full", "%s", on_full());
}

static long op_on_unplug(void)
{
	return put_node("private/on_unplug", "%s", on_unplug());
}

static long op_node_reclaim(void)
{
	return put_node("reclaim", "%luM", 1 + draw(16));
}

static long op_node_compact(void)
{
	return put_node("compact", "1");
}

static long op_hugetlb(void)
{
	return put_node("hugepages/hugepages-2048kB/nr_hugepages", "%lu", draw(2) ? 0 : draw(4));
}

static long op_mems(void)
{
	static const char *const lists[] = { "", "0", "1", "0-1", "0,2", "0-3", "1-3", "2", "9", "0-63", "x" };
	const char *file = draw(2) ? "cpuset.mems" : "cpuset.mems.sysram";

	return put_group(draw(GROUPS), file, "%s\n", lists[draw(11)]);
}

static long op_memory(void)
{
	switch (draw(4)) {
	case 0: return put_group(draw(GROUPS), "memory.max", "%luM", 16 + draw(96));
	case 1: return put_group(draw(GROUPS), "memory.max", "max");
	case 2: return put_group(draw(GROUPS), "memory.high", "%luM", 16 + draw(96));
	default: return put_group(draw(GROUPS), "memory.reclaim", "%luM", 1 + draw(16));
	}
}

static long op_group(void)
{
	unsigned long i = draw(GROUPS);

	if (!cgroup)
		return 0;
	return draw(4) ? mkdir(group(i), 0755) : rmdir(group(i));
}

static long op_sysctl(void)
{
	static const struct {
		const char *path, *text[2];
	} files[] = {
		{ "/proc/sys/vm/compact_memory", { "1", "1" } },
		{ "/proc/sys/kernel/numa_balancing", { "0", "1" } },
		{ "/proc/sys/kernel/numa_balancing", { "0", "2" } },
		{ "/sys/kernel/mm/numa/demotion_enabled", { "0", "1" } },
		{ "/sys/kernel/mm/ksm/run", { "0", "1" } },
		{ "/sys/kernel/mm/lru_gen/enabled", { "0", "7" } },
		{ "/sys/kernel/mm/transparent_hugepage/enabled", { "madvise", "always" } },
		{ "/sys/kernel/mm/transparent_hugepage/shmem_enabled", { "advise", "never" } },
		{ "/proc/sys/vm/drop_caches", { "1", "2" } },
	};
	unsigned long i = draw(sizeof(files) / sizeof(files[0]));

	return put_file(files[i].path, files[i].text[draw(2)]) ? 0 : -1;
}

static long read_all(const char *path)
{
	static char buf[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
	return fd < 0 ? -1 : close(fd);
}

static long op_read(void)
{
	static const char *const files[] = { "/proc/%d/numa_maps", "/proc/%d/smaps_rollup", "/proc/%d/status" };
	char path[128];

	if (draw(2))
		snprintf(path, sizeof(path), NODES "/node%d/private/%s", private_node(), draw(2) ? "stat" : "free_bytes");
	else
		snprintf(path, sizeof(path), files[draw(3)], sh->proc[draw(WORKERS)].pid);
	return read_all(path);
}

/* What belongs into the file, and what does not. */
static long op_node_file(void)
{
	static const char *const files[] = { "owner", "capable", "enabled", "on_full", "on_unplug", "access", "adistance",
		"promotion_mib_per_second", "interleave_weight", "total_bytes", "free_bytes", "free_bytes_exact", "stat" };
	static const char *const texts[] = { "0", "1", "200", "5000", "-1", "99999999999", "fallback:0-1", "fallback:x",
		"-thp +thp", "+nothing", "x", "+user_numa,+reclaim" };
	const char *file = files[draw(13)];
	char path[128];

	if (draw(3))
		return put_node(draw(2) ? "private/adistance" : "private/interleave_weight", "%s", texts[draw(5)]);
	if (draw(2)) {
		snprintf(path, sizeof(path), NODES "/node%d/private/%s", private_node(), file);
		return read_all(path);
	}
	snprintf(path, sizeof(path), "private/%s", file);
	return put_node(path, "%s", texts[draw(12)]);
}

static long op_report(void)
{
	static const char *const files[] = { "/proc/meminfo", "/proc/zoneinfo", "/proc/pagetypeinfo", "/proc/vmstat",
		"/sys/devices/virtual/memory_tiering/memory_tier4/nodelist", "/proc/self/oom_score", "/proc/self/smaps" };
	char path[128];

	if (draw(4))
		return read_all(files[draw(7)]);
	snprintf(path, sizeof(path), NODES "/node%d/%s", private_node(), draw(2) ? "meminfo" : "vmstat");
	return read_all(path);
}

static long op_pause(void)
{
	usleep(1000 * draw(corpus.n || guided ? 4 : 60));
	return 0;
}

static const struct op plug_ops[] = {
	{ "new_node", 8, op_new_node }, { "remove_node", 4, op_remove_node }, { "unplug", 4, op_unplug },
	{ "plug", 4, op_plug }, { "owner", 8, op_owner }, { "on_unplug", 4, op_on_unplug }, { "pause", 12, op_pause },
};

static const struct op set_ops[] = {
	{ "enabled", 10, op_enabled }, { "on_full", 4, op_on_full }, { "node_reclaim", 3, op_node_reclaim },
	{ "node_compact", 3, op_node_compact }, { "hugetlb", 2, op_hugetlb }, { "cpuset", 8, op_mems },
	{ "memory", 6, op_memory }, { "group", 4, op_group }, { "sysctl", 4, op_sysctl }, { "read", 6, op_read },
	{ "node_file", 4, op_node_file }, { "report", 2, op_report }, { "pause", 40, op_pause },
};

/* -- the run -------------------------------------------------------------------------------- */

#define NR(ops) (sizeof(ops) / sizeof((ops)[0]))
#define NR_ALL (NR(worker_ops) + NR(plug_ops) + NR(set_ops))

/* Operation number @i of all tables. */
static const struct op *op_by_number(unsigned int i)
{
	if (i < NR(worker_ops))
		return &worker_ops[i];
	i -= NR(worker_ops);
	return i < NR(plug_ops) ? &plug_ops[i] : &set_ops[i - NR(plug_ops)];
}

static unsigned int pick(unsigned int first, unsigned int nr)
{
	unsigned int i, sum = 0;
	unsigned long at;

	for (i = 0; i < nr; i++)
		sum += op_by_number(first + i)->weight;
	at = draw(sum);
	for (i = first; at >= op_by_number(i)->weight; i++)
		at -= op_by_number(i)->weight;
	return i;
}

static unsigned int pick_mine(void)
{
	if (role == WORKER)
		return pick(0, NR(worker_ops));
	if (role == PLUG)
		return pick(NR(worker_ops), NR(plug_ops));
	return pick(NR(worker_ops) + NR(plug_ops), NR(set_ops));
}

static long do_op(unsigned int i)
{
	unsigned long begin = now_usec();
	long ret;

	op_name = op_by_number(i)->name;
	if (!is_child)
		sh->proc[self].what = i;
	if (trace)
		fprintf(stderr, "%d %lu %s\n", self, sh->proc[self].op, op_name);
	ret = op_by_number(i)->run();
	__atomic_fetch_add(&sh->count[i], 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_fetch_add(&sh->good[i], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sh->usec[i], now_usec() - begin, __ATOMIC_RELAXED);
	return ret;
}

static long one_op(void)
{
	return do_op(pick_mine());
}

static void begin_life(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	put_file("/proc/self/oom_score_adj", self < WORKERS ? "500" : "-900");
	signal(SIGBUS, on_bus);
	signal(SIGPIPE, SIG_IGN);
}

static void check_a_few(void)
{
	struct region *r = any();

	if (r)
		check_some(r, draw(r->pages), 8);
}

__attribute__((noreturn)) static void end_life(void)
{
	op_name = "end";
	check_all();
	sh->proc[self].done = true;
	_exit(0);
}

static void life(void)
{
	struct process *me = &sh->proc[self];

	begin_life();
	role = self < WORKERS ? WORKER : self == WORKERS ? PLUG : SET;
	while (!sh->stop && (!max_ops || me->op < max_ops)) {
		rng = mix(mix(seed) ^ mix((uint64_t)self << 48 | me->op++)) | 1;
		me->since = time(NULL);
		one_op();
		if (role == WORKER)
			check_a_few();
	}
	end_life();
}

/* The steps of the input. */
static void input_life(void)
{
	struct process *me = &sh->proc[self];

	begin_life();
	kcov_begin();
	for (me->op = 0; me->op < input.n; me->op++) {
		struct step s = input.step[me->op];

		rng = s.draw ?: 1;
		me->since = time(NULL);
		do_op(s.op);
		check_a_few();
		if (kcov_fold())
			sh->steps_new = me->op + 1;
	}
	end_life();
}

static void start_life(int i, void (*run)(void))
{
	struct process *p = &sh->proc[i];
	pid_t pid;

	p->gen++;
	p->since = time(NULL);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		self = i;
		op_name = "start";
		run();
	}
	p->pid = pid;
}

static void start(int i)
{
	start_life(i, life);
}

/* Killed for memory, or by the loss of its own pages, is a fate; all else is wrong. */
static void verdict(int i, int status)
{
	struct process *p = &sh->proc[i];
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	self = i;
	op_name = op_by_number(p->what)->name;
	if (sig && sig != SIGKILL && p->whole != p->gen && !demotes())
		wrong("ended by signal %d", sig);
	p->pid = 0;
}

static void ended(int i, int status)
{
	struct process *p = &sh->proc[i];

	verdict(i, status);
	if (sh->stop)
		p->done = true;
	else if (!p->done)
		start(i);
}

static void reap(void)
{
	int i, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < PROCS; i++)
			if (sh->proc[i].pid == pid)
				ended(i, status);
}

static void look_for_hangs(void)
{
	char path[64], buf[4096];
	int i;

	for (i = 0; i < PROCS; i++) {
		if (sh->proc[i].done || time(NULL) - sh->proc[i].since < HANG_S)
			continue;
		self = i;
		op_name = op_by_number(sh->proc[i].what)->name;
		wrong("no progress for %d s", HANG_S);
		snprintf(path, sizeof(path), "/proc/%d/stack", sh->proc[i].pid);
		get_file(path, buf, sizeof(buf));
		printf("# %s:\n%s\n", path, buf);
	}
}

static bool all_done(void)
{
	int i;

	for (i = 0; i < PROCS; i++)
		if (!sh->proc[i].done)
			return false;
	return true;
}

static void run(unsigned long seconds)
{
	time_t end = time(NULL) + seconds;
	int i;

	for (i = 0; cgroup && i < GROUPS; i++)
		mkdir(group(i), 0755);
	for (i = 0; i < PROCS; i++)
		start(i);
	while (time(NULL) < end && !sh->wrong && !all_done()) {
		usleep(20000);
		reap();
		look_for_hangs();
	}
	/* The workers look at all their pages before they end. */
	sh->stop = true;
	for (end = time(NULL) + HANG_S; time(NULL) < end && !all_done(); usleep(20000))
		reap();
	for (i = 0; i < PROCS; i++) {
		if (!sh->proc[i].pid)
			continue;
		kill(sh->proc[i].pid, SIGKILL);
		waitpid(sh->proc[i].pid, NULL, 0);
	}
}

static unsigned long node_number(int node, const char *name)
{
	char path[128], buf[64];

	snprintf(path, sizeof(path), NODES "/node%d/private/%s", node, name);
	get_file(path, buf, sizeof(buf));
	return strtoul(buf, NULL, 10);
}

/* Those who look at a dead process's memory may hold some of it for a moment. */
static bool is_empty(int node)
{
	char path[128];
	int i;

	snprintf(path, sizeof(path), NODES "/node%d/reclaim", node);
	for (i = 0; i < 100; i++) {
		if (node_number(node, "free_bytes_exact") == node_number(node, "total_bytes"))
			return true;
		/* An exit leaves pages in the swap cache that somebody has locked just then. */
		put_file(path, "16M");
		usleep(100000);
	}
	return false;
}

static void open_boot_node(const char *change)
{
	char path[128];

	snprintf(path, sizeof(path), NODES "/node%lu/private/enabled", boot_node);
	if (!put_file(path, change))
		wrong("%s: %s: %s", path, change, strerror(errno));
}

/* A setting of the boot node, as it was before the first operation. */
static void put_private(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), NODES "/node%lu/private/%s", boot_node, file);
	put_file(path, text);
}

static void tidy(void)
{
	unsigned long i;
	char path[128];

	op_name = "tidy";
	for (i = 0; cgroup && i < GROUPS; i++)
		rmdir(group(i));
	put_file("/proc/sys/kernel/numa_balancing", "0");
	put_file("/sys/kernel/mm/ksm/run", "2");
	snprintf(path, sizeof(path), NODES "/node%lu/hugepages/hugepages-2048kB/nr_hugepages", boot_node);
	put_file(path, "0");
	put_file(SIM "/free", "all");
	open_boot_node("+reclaim");
	if (!is_empty(boot_node))
		wrong("node %lu: %lu of %lu bytes free, and nobody is left", boot_node,
		      node_number(boot_node, "free_bytes_exact"), node_number(boot_node, "total_bytes"));
	if (op_remove_node() && errno != ENOENT)
		wrong("remove_node: %s, and nobody is left", strerror(errno));
	open_boot_node(OPEN_ALL);
	put_private("on_full", "fail");
	put_private("adistance", "0");
	put_private("interleave_weight", "1");
}

/* -- inputs one after the other -------------------------------------------------------------- */

int op_number(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < NR_ALL; i++)
		if (strlen(op_by_number(i)->name) == len && !memcmp(op_by_number(i)->name, name, len))
			return i;
	return -1;
}

const char *op_text(unsigned int op)
{
	return op_by_number(op)->name;
}

unsigned int op_random(void)
{
	role = (enum role[]){ WORKER, WORKER, WORKER, WORKER, WORKER, PLUG, SET, SET }[draw(8)];
	return pick_mine();
}

unsigned long op_draw(unsigned long below)
{
	return draw(below);
}

/* What an input may have left: the next begins as the first did. */
static void reset(void)
{
	char path[128];
	unsigned long i;

	put_file(SIM "/free", "all");
	op_remove_node();
	for (i = 0; cgroup && i < GROUPS; i++) {
		rmdir(group(i));
		mkdir(group(i), 0755);
	}
	snprintf(path, sizeof(path), NODES "/node%lu/hugepages/hugepages-2048kB/nr_hugepages", boot_node);
	put_file(path, "0");
	open_boot_node(demotes() ? OPEN_ALL : "+user_numa,+reclaim,+compaction,+longterm_pin,+thp,+hugetlb");
	put_private("on_full", "fail");
	put_private("on_unplug", "refuse");
	put_private("adistance", "0");
}

static void on_alarm(int sig)
{
}

/* The console has it, should the machine die of it. */
static void log_input(void)
{
	FILE *f = fopen("/dev/kmsg", "we");

	if (!f)
		return;
	fputs("fuzz: ", f);
	input_print(f, &input);
	fclose(f);
}

static void run_input(void)
{
	static const struct itimerval second = { { 1 }, { 1 } };
	struct process *p = &sh->proc[0];
	int status;

	reset();
	if (guided)
		log_input();
	sh->steps_new = 0;
	p->done = false;
	start_life(0, input_life);
	setitimer(ITIMER_REAL, &second, NULL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR && !sh->wrong)
		look_for_hangs();
	setitimer(ITIMER_REAL, &(struct itimerval){}, NULL);
	p->done = true;
	/* One that was killed did not look at its last step. */
	if (kcov_fold())
		sh->steps_new = p->op + 1 < input.n ? p->op + 1 : input.n;
	if (!sh->wrong)
		verdict(0, status);
	if (!sh->wrong)
		return;
	printf("# wrong with this input: ");
	input_print(stdout, &input);
}

static void keep(const char *how)
{
	if (!sh->steps_new)
		return;
	printf("# %s: ", how);
	input.n = sh->steps_new;
	input_print(stdout, &input);
}

static void run_inputs(unsigned long seconds)
{
	time_t start = time(NULL), end = start + seconds, next = 0;
	struct sigaction alarm = { .sa_handler = on_alarm };
	size_t i, n = corpus.n, kept = 0;

	sigaction(SIGALRM, &alarm, NULL);
	for (i = 0; i < PROCS; i++)
		sh->proc[i].done = true;
	for (i = 0; i < n && time(NULL) < end && !sh->wrong; i++) {
		input = corpus.in[(seed / 2 + i) % n];
		run_input();
		if (minimize)
			keep("useful");
	}
	printf("# %zu of %zu inputs of the corpus in %ld s: %lu blocks\n", i, n, (long)(time(NULL) - start), kcov_blocks());
	for (; guided && time(NULL) < end && !sh->wrong; i++) {
		rng = mix(mix(seed) + i) | 1;
		input_make(&input, &corpus);
		run_input();
		if (sh->steps_new) {
			keep("new");
			corpus_add(&corpus, &input);
			kept++;
		}
		if (time(NULL) < next)
			continue;
		next = time(NULL) + 20;
		printf("# after %ld s: %zu inputs, %zu kept, %lu blocks\n", (long)(time(NULL) - start), i + 1, kept, kcov_blocks());
		fflush(stdout);
	}
	printf("# %zu inputs in %ld s, %zu kept: %lu blocks\n", i, (long)(time(NULL) - start), kept, kcov_blocks());
}

static void tell(void)
{
	unsigned int i;

	printf("# %lu pages checked, %lu SIGBUS; operation: times (without error) milliseconds\n#", sh->checked,
	       sh->bus);
	for (i = 0; i < NR_ALL; i++)
		printf(" %s %lu (%lu) %lu,", op_by_number(i)->name, sh->count[i], sh->good[i], sh->usec[i] / 1000);
	printf("\n");
	for (i = 0; i < PROCS; i++)
		if (sh->proc[i].gen)
			printf("# process %u: %lu operations, started %lu times\n", i, sh->proc[i].op, sh->proc[i].gen);
	for (i = 0; i < sh->wrong && i < 4; i++)
		printf("fuzz: wrong: %s\n", sh->text[i]);
}

static unsigned long number(const char *s, const char *what)
{
	char *end;
	unsigned long v = s ? strtoul(s, &end, 0) : 0;

	if (!s || !*s || *end) {
		fprintf(stderr, "fuzz: %s %s: want a number\n", what, s ?: "");
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	unsigned long seconds = 20;
	const char *file = NULL;
	int a;

	seed = time(NULL);
	for (a = 1; a < argc; a++) {
		if (!strcmp(argv[a], "--nothing"))
			return 0;
		else if (!strcmp(argv[a], "--trace"))
			trace = true;
		else if (!strcmp(argv[a], "--guided"))
			guided = true;
		else if (!strcmp(argv[a], "--minimize"))
			minimize = true;
		else if (!strcmp(argv[a], "--corpus"))
			file = argv[++a] ?: "";
		else if (!strcmp(argv[a], "--seed"))
			seed = number(argv[a + 1], argv[a]), a++;
		else if (!strcmp(argv[a], "--seconds"))
			seconds = number(argv[a + 1], argv[a]), a++;
		else if (!strcmp(argv[a], "--ops"))
			max_ops = number(argv[a + 1], argv[a]), a++;
		else
			break;
	}
	ordinary = node_list(NODES "/has_memory");
	if (a < argc || !node_list(NODES "/has_private_memory")) {
		fprintf(stderr, "usage: fuzz [--seed N] [--seconds N] [--ops N] [--trace] [--corpus FILE [--guided]]; needs a private node\n");
		return 2;
	}
	boot_node = __builtin_ctzl(node_list(NODES "/has_private_memory"));
	cgroup = getenv("FUZZ_CGROUP");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (file && !corpus_read(&corpus, file))
		return 2;
	if (file && !kcov_open() && guided) {
		fprintf(stderr, "fuzz: --guided: this kernel has no KCOV\n");
		return 2;
	}
	put_file("/proc/self/oom_score_adj", "-1000");
	printf("# fuzz: --seed %lu --seconds %lu --ops %lu\n", seed, seconds, max_ops);
	op_name = "start";
	if (!demotes())
		open_boot_node("-promotion,-demotion");
	if (file)
		run_inputs(seconds);
	else
		run(seconds);
	tidy();
	tell();
	return !!sh->wrong;
}
