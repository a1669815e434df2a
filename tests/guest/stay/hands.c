// SPDX-License-Identifier: GPL-2.0-only
/*
 * hands: only who has nothing in his hands waits for an unplug: an access from user mode.  The kernel's own
 * accesses to user memory are under locks that others need (of network interfaces, of a folder, of another
 * page), and a task that ends cannot be killed any more: for these the page is displaced at once.
 * UFFDIO_CONTINUE waits, and keeps no lock meanwhile.  So nobody holds an unplug up by waiting for it.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/swap.h>

#include "../devmap/waiting.h"

#define TMPFS "/tmp/hands-file"
#define FILE_PAGES 8UL

static volatile int *said;	/* shared with children */

static char *bound(size_t len)
{
	unsigned long mask = 1UL << node;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("bind");
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static unsigned long displaced(void)
{
	return number_in("/sys/kernel/mm/private_node/displaced", "");
}

/* -- copies to new memory of the node --------------------------------------------------------------- */

static int by_access(char *p)
{
	*(volatile char *)p = 1;
	return 0;
}

static int by_populate(char *p)
{
	return madvise(p, PAGE, 23 /* MADV_POPULATE_WRITE */);
}

/* Under the lock of all network interfaces. */
static int by_ifconf(char *p)
{
	struct ifconf c = { .ifc_len = PAGE, .ifc_buf = p };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	return s < 0 ? -1 : ioctl(s, SIOCGIFCONF, &c);
}

/* Under the lock of the folder. */
static int by_getdents(char *p)
{
	int fd = open("/dev", O_RDONLY | O_DIRECTORY);

	return syscall(SYS_getdents64, fd, p, PAGE) > 0 ? 0 : -1;
}

static int by_read(char *p)
{
	int fd = open("/proc/self/status", O_RDONLY);

	return read(fd, p, 1) == 1 ? 0 : -1;
}

static const struct copy {
	const char *name;
	int (*act)(char *p);
	bool waits;
} copies[] = {
	{ "an access from user mode", by_access, true },
	{ "a populate", by_populate, true },
	{ "SIOCGIFCONF", by_ifconf },
	{ "getdents() of /dev", by_getdents },
	{ "read()", by_read },
};

static int copy_to_new(void *arg)
{
	const struct copy *c = arg;
	char *p = bound(PAGE);

	if (!c->waits && setuid(65534))
		return 2;
	*said = 1;
	while (*said == 1)
		nap();
	return c->act(p) ? 1 : 0;
}

static void test_copy(const struct copy *c)
{
	unsigned long before;
	pid_t pid;

	*said = 0;
	pid = in_background(copy_to_new, (void *)c);
	while (!*said)
		nap();
	hold(CLOSING, node);
	before = displaced();
	*said = 2;
	if (c->waits) {
		ok(waits(pid) && displaced() == before, "control: %s of new memory of a node that is being unplugged waits",
		   c->name);
		hold(CLOSING, -1);
		ok(!ended(pid) && displaced() == before, "%s: gets its page there when the unplug was refused", c->name);
		return;
	}
	ok(!waits(pid) && !ended(pid), "%s to new memory of a node that is being unplugged: does not wait", c->name);
	ok(displaced() == before + 1, "%s: the page is displaced (%lu)", c->name, displaced() - before);
	hold(CLOSING, -1);
}

/* -- a task that ends ------------------------------------------------------------------------------- */

/* The kernel reads the list of robust futexes when the task ends. */
static int end_with_list(void *arg)
{
	char *p = bound(PAGE);

	if (syscall(SYS_set_robust_list, p, sizeof(struct robust_list_head)))
		return 2;
	*said = 1;
	while (*said == 1)
		nap();
	if (arg)
		pause();
	return 0;
}

static void test_end(bool killed)
{
	pid_t pid;
	int status;

	*said = 0;
	pid = in_background(end_with_list, killed ? &status : NULL);
	while (!*said)
		nap();
	hold(CLOSING, node);
	*said = 2;
	if (killed)
		kill(pid, SIGKILL);
	ok(!waits(pid), "a task that %s, with its robust futexes on a node that is being unplugged: ends",
	   killed ? "is killed" : "exits");
	status = ended(pid);
	ok(status == (killed ? 128 + SIGKILL : 0), "... as it should (%d)", status);
	hold(CLOSING, -1);
}

/* -- UFFDIO_CONTINUE -------------------------------------------------------------------------------- */

static char *object;
static int uffd;

static bool in_core(const char *p)
{
	unsigned char in;

	return !mincore((void *)p, PAGE, &in) && in & 1;
}

/* A page of shared memory, bound to the node, that is in swap and mapped by nobody. */
static void make_minor(void *arg)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_MINOR_SHMEM };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MINOR };
	unsigned long mask = 1UL << node;
	int i, fd = memfd_create("object", 0);

	if (fd < 0 || ftruncate(fd, PAGE))
		bail("memfd");
	object = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (object == MAP_FAILED || syscall(SYS_mbind, object, PAGE, MPOL_BIND, &mask, 64UL, 0UL))
		bail("object");
	*object = 3;
	for (i = 0; i < 5000 && in_core(object); i++) {
		madvise(object, PAGE, 21 /* MADV_PAGEOUT */);
		write_file(node_file("../reclaim"), "1M");
		nap();
	}
	if (in_core(object))
		bail("object is not in swap");
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	r.range.start = (uintptr_t)object;
	r.range.len = PAGE;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &r))
		bail("userfaultfd");
}

static void *change_it(void *arg)
{
	(void)arg;
	while (*said != 2)
		nap();
	said[1] = mprotect(object, PAGE, PROT_READ) ? -1 : 1;
	return NULL;
}

static int continue_it(void *arg)
{
	struct uffdio_continue c = { .range.len = PAGE };
	pthread_t thread;

	(void)arg;
	make_minor(NULL);
	c.range.start = (uintptr_t)object;
	if (pthread_create(&thread, NULL, change_it, NULL))
		return 2;
	*said = 1;
	while (*said == 1)
		nap();
	return ioctl(uffd, UFFDIO_CONTINUE, &c) || *object != 3;
}

static void test_continue(void)
{
	pid_t pid;
	int i;

	said[0] = said[1] = 0;
	pid = in_background(continue_it, NULL);
	while (!*said)
		nap();
	hold(CLOSING, node);
	*said = 3;
	ok(waits(pid), "UFFDIO_CONTINUE of a page in swap, of a node that is being unplugged: waits");
	*said = 2;
	for (i = 0; i < 5000 && !said[1]; i++)
		nap();
	ok(said[1] == 1, "... and another thread changes the mapping meanwhile");
	hold(CLOSING, -1);
	i = ended(pid);
	ok(!i, "... and it is there when the unplug was refused (%d)", i);
}

/* -- pages in somebody's hands ---------------------------------------------------------------------- */

/* Reads a file on the node into new memory of the node: the page of the file is held meanwhile. */
static void read_on(void *arg)
{
	char *p = bound(FILE_PAGES * PAGE);
	int fd = open(TMPFS "/f", O_RDONLY);

	(void)arg;
	for (;;) {
		madvise(p, FILE_PAGES * PAGE, MADV_DONTNEED);
		if (pread(fd, p, FILE_PAGES * PAGE, 0) < 0 && errno != EIO && errno != EFAULT)
			_exit(1);
		usleep(20000);
	}
}

static void begin_nothing(void *arg)
{
	(void)arg;
}

static void test_reader(void)
{
	int i, good = 0;
	pid_t pid;

	put(node_file("on_unplug"), "sigbus");
	mkdir(TMPFS, 0755);
	for (i = 0; i < 5; i++) {
		char opts[64];

		snprintf(opts, sizeof(opts), "size=16M,mpol=bind:%d", node);
		if (mount("none", TMPFS, "tmpfs", 0, opts) || system("head -c 32k /dev/zero > " TMPFS "/f"))
			bail("tmpfs");
		pid = start_child(begin_nothing, read_on, NULL);
		usleep(20000);
		if (write_file(SIM "unplug", "a")) {
			good++;
			put(SIM "plug", "a");
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		umount(TMPFS);
	}
	/* A page that is being copied looks pinned, now and then five times in a row. */
	ok(good >= 3, "a file on the node is read into new memory of the node all the time: %d of 5 unplugs succeed", good);
}

int main(void)
{
	unsigned long i;

	said = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (said == MAP_FAILED || system("modprobe private_node_sim; modprobe private_node_hold; modprobe zram &&"
					 "echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0"))
		bail("set-up");
	node = sim_node("a", 0, "capable=user_numa,reclaim enabled=user_numa,reclaim on_unplug=move");
	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		test_copy(&copies[i]);
	test_end(false);
	test_end(true);
	test_continue();
	test_reader();
	if (swapoff("/dev/zram0") || system("echo 1 > /sys/block/zram0/reset"))
		bail("swapoff");
	put(SIM "remove_node", "a");
	ok(!system("modprobe -r private_node_hold private_node_sim"), "nothing is left");
	return done_testing();
}
