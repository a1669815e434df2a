// SPDX-License-Identifier: GPL-2.0-only
/*
 * refused: while a node is being unplugged, data that exists waits for the outcome.  An unplug that
 * is refused displaces no page and lets nobody see an error; one that succeeds displaces them.
 *
 * Each row is a process that needs memory of the node for what it has.  The module private_node_hold
 * is inside the gates of the node, so that unplug has closed them and waits; then the row acts, and
 * waits too; and then unplug is killed, or goes on.  Who keeps locks that others need does not wait, and
 * is displaced: fork(), reads and writes of files.  What comes and goes does not keep a node.  Who only asks whether there is memory is told yes, and who needs it waits.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include "../devmap/waiting.h"

#define ZRAM "/dev/zram0"
#define NR 16UL
#define LEN (NR * PAGE)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* What the act came to. */
enum result { GOOD, ERROR, WRONG };

static unsigned long pattern(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

static void store(char *p)
{
	unsigned long i;

	for (i = 0; i < NR; i++)
		*(unsigned long *)(p + i * PAGE) = pattern(i);
}

static enum result check(const char *p)
{
	unsigned long i;

	for (i = 0; i < NR; i++)
		if (*(volatile unsigned long *)(p + i * PAGE) != pattern(i))
			return WRONG;
	return GOOD;
}

static void bind_len(char *p, unsigned long len)
{
	unsigned long mask = 1UL << node;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
}

static void bind_range(char *p)
{
	bind_len(p, LEN);
}

static void bind_task(int mode)
{
	unsigned long mask = mode == MPOL_DEFAULT ? 0 : 1UL << node;

	if (syscall(SYS_set_mempolicy, mode, mask ? &mask : NULL, 64UL))
		bail("set_mempolicy");
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

static void page_out(char *p)
{
	unsigned long mask = 1, i, in;
	unsigned char vec[NR];
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		/* From a node to itself: pages come out of the lists of other CPUs, where none finds them. */
		syscall(SYS_migrate_pages, 0, 64, &mask, &mask);
		madvise(p, LEN, MADV_PAGEOUT);
		if (mincore(p, LEN, vec))
			bail("mincore");
		for (i = in = 0; i < NR; i++)
			in += vec[i] & 1;
		if (!in)
			return;
		usleep(20000);
	}
	bail("not in swap");
}

/* --- rows ----------------------------------------------------------------------------------- */

static char *mem;
static int fd = -1;

static void on_swap(char *p)
{
	mem = p;
	store(p);
	page_out(p);
}

static void set_device(void)
{
	fd = open("/dev/private_node/refused", O_RDWR);
	on_swap(map(MAP_PRIVATE, fd));
}

static void set_device_shared(void)
{
	fd = open("/dev/private_node/refused", O_RDWR);
	on_swap(map(MAP_SHARED, fd));
}

static void set_bound(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	bind_range(p);
	on_swap(p);
}

static void set_task(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	bind_task(MPOL_BIND);
	on_swap(p);
}

static void set_preferred(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	bind_task(MPOL_PREFERRED);
	on_swap(p);
}

static void set_forked(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	bind_range(p);
	mem = p;
	store(p);
	if (!fork()) {
		pause();
		_exit(0);
	}
}

static void set_object(void)
{
	char *p;

	fd = memfd_create("refused", 0);
	if (fd < 0 || ftruncate(fd, 2 * LEN))
		bail("memfd");
	p = map(MAP_SHARED, fd);
	bind_range(p);
	on_swap(p);
}

/* The policy is of the whole object, and half of it has no page. */
static void set_hole(void)
{
	set_object();
	mem = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		bail("mmap");
	bind_len(mem, 2 * LEN);
}

static int uffd;

static void watch(char *p, unsigned long len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = (uintptr_t)p;
	reg.range.len = len;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		bail("userfaultfd");
}

static void set_uffd(void)
{
	mem = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bind_range(mem);
	watch(mem, LEN);
}

static void set_huge_uffd(void)
{
	set_pool(node, 4);
	bind_task(MPOL_BIND);
	mem = mmap(NULL, PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		bail("huge page");
	/* What is copied into it is ordinary memory. */
	bind_task(MPOL_DEFAULT);
	bind_len(mem, PMD);
	watch(mem, PMD);
}

static void set_huge_file(void)
{
	set_pool(node, 4);
	fd = memfd_create("refused", MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, PMD))
		bail("memfd of huge pages");
	bind_task(MPOL_BIND);
}

/* One page of a range that is bound now is ordinary, and pinned: fork() copies it. */
static void set_pinned(void)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { .iov_len = PAGE };
	int ring;

	mem = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	*(volatile char *)mem = 1;
	v.iov_base = mem;
	ring = (int)syscall(SYS_io_uring_setup, 4U, &params);
	if (ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U))
		bail("io_uring");
	bind_range(mem);
	store(mem);
}

static enum result act_read(void)
{
	return check(mem);
}

static enum result act_write(void)
{
	unsigned long i;

	for (i = 0; i < NR; i++)
		*(volatile unsigned long *)(mem + i * PAGE + 8) = i;
	return check(mem);
}

static enum result act_pread(void)
{
	static char buf[LEN];

	return pread(fd, buf, LEN, 0) == (ssize_t)LEN ? check(buf) : ERROR;
}

static enum result act_pwrite(void)
{
	static char buf[LEN];

	return pwrite(fd, buf, LEN, LEN) == (ssize_t)LEN ? GOOD : ERROR;
}

static enum result act_fill(void)
{
	static char from[LEN] __attribute__((aligned(4096)));
	struct uffdio_copy copy = { .dst = (uintptr_t)mem, .src = (uintptr_t)from, .len = LEN };

	store(from);
	return ioctl(uffd, UFFDIO_COPY, &copy) ? ERROR : check(mem);
}

static enum result act_huge_fill(void)
{
	char *from = mmap(NULL, PMD, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct uffdio_copy copy = { .dst = (uintptr_t)mem, .src = (uintptr_t)from, .len = PMD };

	/* When the pool is empty, the kernel says EEXIST, private nodes or not. */
	store(from);
	return ioctl(uffd, UFFDIO_COPY, &copy) ? ERROR : check(mem);
}

static enum result act_huge_allocate(void)
{
	return fallocate(fd, 0, 0, PMD) ? ERROR : GOOD;
}

static void set_no_pool(void)
{
	set_pool(node, 0);
}

/* The file is one of those that go with the node. */
static enum result act_pool(void)
{
	return write_file(pool_file(node, "nr_hugepages"), "6") ? GOOD : ERROR;
}

static enum result act_fork(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(check(mem));
	return pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : ERROR;
}

static enum result act_swapoff(void)
{
	return swapoff(ZRAM) ? ERROR : check(mem);
}

static const struct row {
	const char *name;
	void (*set)(void);
	enum result (*act)(void);
	bool fresh;		/* new memory: refused when the unplug succeeds */
	bool locks;		/* keeps a lock of the file: does not wait, is displaced */
} rows[] = {
	{ "device map, from swap", set_device, act_read },
	{ "shared device map, from swap", set_device_shared, act_read },
	{ "bind, from swap", set_bound, act_read },
	{ "task's bind, from swap", set_task, act_read },
	{ "preference, from swap", set_preferred, act_read },
	{ "bind, copy after fork", set_forked, act_write },
	{ "shared object, from swap", set_object, act_read },
	{ "shared object, from swap by read()", set_object, act_pread, .locks = true },
	{ "shared object, swapoff", set_object, act_swapoff },
	{ "bind, swapoff", set_bound, act_swapoff },
	{ "shared object, new memory by write()", set_hole, act_pwrite, true, .locks = true },
	{ "bind, new memory by userfaultfd", set_uffd, act_fill, true },
	{ "huge page, new memory by userfaultfd", set_huge_uffd, act_huge_fill, true },
	{ "huge page, new memory by fallocate()", set_huge_file, act_huge_allocate, true },
	{ "pool of huge pages, by the node's file", set_no_pool, act_pool, true },
};
#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

struct holder {
	pid_t pid;
	int fd;
};

/* In a group of its own, which ends together. */
static void row_main(const struct row *r, int to)
{
	char c = 'r';

	setpgid(0, 0);
	r->set();
	if (write(to, &c, 1) != 1 || read(to, &c, 1) != 1)
		_exit(ERROR);
	_exit(r->act());
}

static struct holder start(const struct row *r)
{
	struct holder h;
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bail("socketpair");
	fflush(stdout);
	h.pid = fork();
	if (!h.pid) {
		close(pair[0]);
		row_main(r, pair[1]);
	}
	close(pair[1]);
	h.fd = pair[0];
	if (read(h.fd, &c, 1) != 1)
		bail("%s: did not start", r->name);
	return h;
}

static void act(const struct holder *h)
{
	if (write(h->fd, "a", 1) != 1)
		bail("act");
}

/* A result, or 128 and a signal. */
static int end(const struct holder *h)
{
	int status;

	waitpid(h->pid, &status, 0);
	close(h->fd);
	kill(-h->pid, SIGKILL);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- the machine ---------------------------------------------------------------------------- */

static void new_node(const char *more)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "name=refused owner=refused ranges=%s capable=user_numa,reclaim,hugetlb,longterm_pin enabled=user_numa,reclaim,hugetlb,longterm_pin %s",
		 reserved_range(0), more);
	put(SIM "new_node", text);
	node = (int)number_in(SIM "nodes", "name=refused nid=");
}

static bool end_unplug(pid_t pid, bool succeeds)
{
	int status;

	if (!succeeds)
		kill(pid, SIGKILL);
	else
		hold(INSIDE, -1);
	waitpid(pid, &status, 0);
	hold(INSIDE, -1);
	return succeeds ? WIFEXITED(status) && !WEXITSTATUS(status) : WIFSIGNALED(status);
}

static unsigned long displaced(void)
{
	return number_in("/sys/kernel/mm/private_node/displaced", "") +
	       counter("preferred_elsewhere ");
}

static void swap_on(void)
{
	if (swapon(ZRAM, SWAP_FLAG_PREFER | 10) && errno != EBUSY)
		bail("swapon");
}

static void test_row(const struct row *r, bool succeeds)
{
	const char *how = succeeds ? "succeeds" : "is refused";
	unsigned long before;
	struct holder h;
	pid_t unplug;
	bool ended;
	int got;

	swap_on();
	h = start(r);
	unplug = begin_unplug("refused");
	before = displaced();
	act(&h);
	if (r->locks) {
		got = end(&h);
		ok(got == GOOD, "%s, unplug %s: does not wait for it (%d)", r->name, how, got);
		ok(displaced() >= before + NR, "%s, unplug %s: is displaced", r->name, how);
		ended = end_unplug(unplug, succeeds);
		ok(ended, "%s: unplug %s (control)", r->name, how);
		if (succeeds)
			put(SIM "plug", "refused");
		return;
	}
	ok(waits(h.pid), "%s, unplug %s: waits for it", r->name, how);
	ok(displaced() == before, "%s, unplug %s: nothing is displaced meanwhile", r->name, how);
	ended = end_unplug(unplug, succeeds);
	got = end(&h);
	/* Its files come back with its memory. */
	if (succeeds)
		put(SIM "plug", "refused");
	if (!succeeds) {
		ok(ended && got == GOOD, "%s: goes on when the unplug was refused (%d)", r->name, got);
		ok(displaced() == before, "%s: and no page is displaced (%lu)", r->name,
		   displaced() - before);
		return;
	}
	ok(ended && (r->fresh ? got == ERROR : got == GOOD), "%s: %s when the unplug succeeded (%d)",
	   r->name, r->fresh ? "is refused" : "comes back", got);
	if (!r->fresh)
		ok(displaced() >= before + NR, "%s: displaced (control)", r->name);
}

/* --- a huge page that is copied while the node closes ---------------------------------------- */

static char *huge;

static void set_huge(void)
{
	huge = mmap(NULL, PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge == MAP_FAILED)
		bail("huge page");
	huge[0] = 1;
}

/* The parent owns the reservation: without memory for it the child's page would go. */
static void test_huge(void)
{
	pid_t child, parent;
	int status;
	char *p;

	set_pool(node, 4);
	fflush(stdout);
	parent = fork();
	if (!parent) {
		int go[2];

		bind_task(MPOL_BIND);
		set_huge();
		p = huge;
		if (pipe(go))
			_exit(9);
		child = fork();
		if (!child) {
			char c;

			/* Until the parent has its copy. */
			if (read(go[0], &c, 1) != 1)
				_exit(8);
			_exit(p[0] != 1);
		}
		kill(getpid(), SIGSTOP);
		*(volatile char *)p = 2;
		if (write(go[1], "g", 1) != 1)
			_exit(7);
		waitpid(child, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status));
	}
	waitpid(parent, &status, WUNTRACED);
	if (!WIFSTOPPED(status))
		bail("huge page: %d", status);
	hold(CLOSING, node);
	kill(parent, SIGCONT);
	ok(waits(parent), "copy of a huge page: waits");
	hold(CLOSING, -1);
	waitpid(parent, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status), "copy of a huge page: both have theirs (%d)", status);
	set_pool(node, 0);
}

/* --- who does not wait, and who keeps moving -------------------------------------------------- */

/* fork() holds the address space that unplug has to look at: if it waited, unplug would fail. */
static void test_fork(void)
{
	static const struct row pinned = { "fork", set_pinned, act_fork };
	struct holder h = start(&pinned);
	pid_t unplug = begin_unplug("refused");
	unsigned long before = displaced();
	bool ended;

	act(&h);
	ok(!waits(h.pid), "fork with a pinned page: does not wait for unplug");
	ok(end(&h) == GOOD && displaced() == before + 1, "fork with a pinned page: the copy is displaced (%lu)",
	   displaced() - before);
	ended = end_unplug(unplug, true);
	ok(ended, "fork with a pinned page: unplug succeeds");
	if (ended)
		put(SIM "plug", "refused");
}

/* Its pages are always in the per-CPU lists of folios that are new, or on their way out. */
static void set_churn(void)
{
	mem = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bind_range(mem);
	store(mem);
}

static enum result act_churn(void)
{
	while (!madvise(mem, LEN, MADV_DONTNEED))
		store(mem);
	return ERROR;
}

static void test_churn(void)
{
	static const struct row churn = { "churn", set_churn, act_churn };
	struct holder h = start(&churn);
	int i, good = 0;

	act(&h);
	for (i = 0; i < 10; i++) {
		if (!write_file(SIM "unplug", "refused"))
			continue;
		good++;
		put(SIM "plug", "refused");
	}
	kill(h.pid, SIGKILL);
	end(&h);
	ok(good == 10, "a task that takes and gives back pages does not keep a node: %d of 10", good);
}

/* --- who asks, and who needs ------------------------------------------------------------------ */

static bool map_bound(unsigned long len, int flags)
{
	unsigned long mask = 1UL << node;
	char *p;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		return false;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	/* What the child copies from now on has to be ordinary: it would wait, too. */
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	return p != MAP_FAILED;
}

/* With overcommit_memory=0 that is what can never fit elsewhere. */
static bool do_map_much(void)
{
	struct sysinfo si;

	sysinfo(&si);
	return map_bound((si.totalram + si.totalswap) * si.mem_unit + 32 * MIB, 0);
}

static bool do_map_huge(void)
{
	return map_bound(PMD, MAP_HUGETLB);
}

static bool pin(char *p)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { .iov_base = p, .iov_len = LEN };
	int ring = (int)syscall(SYS_io_uring_setup, 4U, &params);

	return ring >= 0 && !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U);
}

static bool do_pin(void)
{
	return pin(mem);
}

static char *part;	/* its first page is of no node yet */

static bool do_pin_part(void)
{
	return !madvise(part, PAGE, MADV_REMOVE) && pin(part);
}

static bool do_pool(void)
{
	const char *path = pool_file(node, "nr_hugepages");

	return write_file(path, "6") && number_in(path, "") == 6;
}

static bool do_exec(void)
{
	bind_task(MPOL_BIND);
	execl("/bin/true", "true", NULL);
	return false;
}

static const struct ask {
	const char *name, *service;
	bool (*act)(void);
	bool waits;
} asks[] = {
	{ "mmap of more than DRAM", "user_numa", do_map_much },
	{ "mmap of a huge page", "hugetlb", do_map_huge },
	{ "long-term pin", "longterm_pin", do_pin, true },
	{ "long-term pin, its first page is new", "longterm_pin", do_pin_part, true },
	{ "nr_hugepages", "hugetlb", do_pool, true },
	{ "exec", NULL, do_exec, true },
};

static pid_t start_ask(const struct ask *a)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* Its stack is copied before it is bound. */
		grow_stack();
		_exit(!a->act());
	}
	return pid;
}

static bool succeeds(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void test_ask(const struct ask *a)
{
	char change[32];
	pid_t pid;

	set_pool(node, 4);
	ok(succeeds(start_ask(a)), "%s, bound to the node: control: succeeds while it is open", a->name);
	set_pool(node, 4);
	hold(CLOSING, node);
	pid = start_ask(a);
	if (a->waits)
		ok(waits(pid), "%s: waits while the node is being unplugged", a->name);
	else
		ok(succeeds(pid), "%s: succeeds while the node is being unplugged", a->name);
	hold(CLOSING, -1);
	if (a->waits)
		ok(succeeds(pid), "%s: succeeds when the unplug was refused", a->name);
	set_pool(node, 4);
	if (!a->service)
		return;
	snprintf(change, sizeof(change), "-%s", a->service);
	if (!strcmp(a->service, "user_numa"))
		strcat(change, ",-hugetlb");
	enable(change);
	ok(!succeeds(start_ask(a)), "%s: control: is refused when %s is closed", a->name, a->service);
	enable("+user_numa,+hugetlb,+longterm_pin");
}

static void test_asks(void)
{
	unsigned long i;

	mem = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	bind_range(mem);
	store(mem);
	part = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	bind_len(part + PAGE, LEN - PAGE);
	store(part);
	for (i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		test_ask(&asks[i]);
	munmap(mem, LEN);
	munmap(part, LEN);
	set_pool(node, 0);
}

int main(void)
{
	unsigned long i;

	if (system("modprobe private_node_sim; modprobe zram; modprobe private_node_hold"))
		bail("modprobe");
	if (system("echo 64M > /sys/block/zram0/disksize && mkswap " ZRAM " > /dev/null"))
		bail("zram");
	new_node("on_unplug=move");
	for (i = 0; i < NR_ROWS; i++) {
		test_row(&rows[i], false);
		test_row(&rows[i], true);
	}
	test_huge();
	test_asks();
	test_fork();
	test_churn();
	swapoff(ZRAM);
	put(SIM "remove_node", "refused");
	ok(!system("modprobe -r private_node_hold private_node_sim; echo 1 > /sys/block/zram0/reset"), "nothing is left");
	return done_testing();
}
