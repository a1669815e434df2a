// SPDX-License-Identifier: GPL-2.0-only
/*
 * beside: others in the kernel who need a page of a node while it is being unplugged, with a lock in
 * their hands that unplug or everybody needs, or while others wait for them to free memory.  They do not
 * wait, and unplug ends.  A request for a node's pool of huge pages is never one for the pool of the next
 * owner of its id; a long-term pin makes the huge pages that are not there yet.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 300
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "../devmap/waiting.h"

#define KSM "/sys/kernel/mm/ksm/"
#define TRACING "/sys/kernel/tracing/"
#define LEN (64 * PAGE)
#define OPEN(services) "on_unplug=move capable=" services " enabled=" services

static void bind_to_node(void *p, size_t len)
{
	unsigned long mask = 1UL << node;

	if (syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("mbind");
}

/* A process that writes TEXT to the file PATH, and ends with the errno. */
static pid_t writer(const char *path, const char *text)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(write_file(path, text) ? 0 : errno);
	return pid;
}

/* As ended(); who does not end within a minute is killed. */
static int ends(pid_t pid)
{
	siginfo_t info = { 0 };
	int i;

	/* It is left for ended(). */
	for (i = 0; i < 60 * 500 && !info.si_pid; i++) {
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
		nap();
	}
	if (!info.si_pid)
		kill(pid, SIGKILL);
	return ended(pid);
}

/* -- KSM --------------------------------------------------------------------------------------- */

/* It holds the lock of the address space that unplug has to walk. */
static void test_ksm(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t unplug, unmerge;
	size_t i, bad = 0;
	int tries;

	madvise(p, LEN, MADV_NOHUGEPAGE);
	memset(p, 7, LEN);
	if (madvise(p, LEN, MADV_MERGEABLE))
		bail("MADV_MERGEABLE");
	put(KSM "pages_to_scan", "1000");
	put(KSM "run", "1");
	for (tries = 0; tries < 30000 && number_in(KSM "pages_sharing", "") < 60; tries++)
		nap();
	bind_to_node(p, LEN);
	unplug = begin_unplug("a");
	unmerge = writer(KSM "run", "2");
	ok(!waits(unmerge), "KSM takes its pages apart while their node is being unplugged: does not wait");
	hold(INSIDE, -1);
	ok(!ends(unplug), "... and unplug ends");
	ok(!ends(unmerge), "... and so does KSM");
	for (i = 0; i < LEN; i++)
		bad += p[i] != 7;
	ok(!bad, "... contents");
	put(KSM "run", "0");
	munmap(p, LEN);
	put(SIM "plug", "a");
}

/* -- uprobes ----------------------------------------------------------------------------------- */

__attribute__((noinline)) static int probed(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x * 3;
}

/* Where the code of probed() is in the file of this program. */
static unsigned long offset_in_file(void)
{
	unsigned long start, end, off, at = (unsigned long)probed;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3 && start <= at && at < end) {
			fclose(maps);
			return off + at - start;
		}
	bail("probed() is nowhere");
	return 0;
}

static int forks(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(0);
	return ends(pid);
}

/* It holds a lock that each fork() takes. */
static void test_uprobe(void)
{
	unsigned long off = offset_in_file();
	int fd = open("/proc/self/exe", O_RDONLY);
	char exe[256] = "", event[400];
	pid_t probe;
	char *p;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		bail("exe");
	if (system("mount -t tracefs none " TRACING " 2> /dev/null; true"))
		bail("tracefs");
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)(off & ~(PAGE - 1)));
	if (p == MAP_FAILED)
		bail("mmap");
	bind_to_node(p, PAGE);
	if (*(volatile char *)p == 1 && probed(1) == 1)
		bail("never");
	snprintf(event, sizeof(event), "p:beside %s:0x%lx", exe, off);
	put(TRACING "uprobe_events", event);
	hold(CLOSING, node);
	probe = writer(TRACING "events/uprobes/beside/enable", "1");
	ok(!waits(probe), "a uprobe in a page of a node that is being unplugged: does not wait");
	ok(!in_child(forks, NULL), "... and other processes fork");
	hold(CLOSING, -1);
	ok(!ends(probe), "... and the uprobe is there");
	put(TRACING "events/uprobes/beside/enable", "0");
	put(TRACING "uprobe_events", "-:beside");
	munmap(p, PAGE);
	close(fd);
}

/* -- pools of huge pages ----------------------------------------------------------------------- */

static void pools_change(void *arg)
{
	(void)arg;
	for (;;) {
		write_file("/proc/sys/vm/nr_hugepages", "64");
		write_file("/proc/sys/vm/nr_hugepages", "0");
	}
}

static void no_begin(void *arg)
{
	(void)arg;
}

/* A request waits for its turn; its node goes, and the next owner has the id. */
static void test_next_owner(void)
{
	pid_t busy[6], request;
	int i, next, round, same = 0, filled = 0, result;

	for (i = 0; i < 6; i++)
		busy[i] = start_child(no_begin, pools_change, NULL);
	for (round = 0; round < 3; round++) {
		request = writer(pool_file(node, "nr_hugepages"), "8");
		nap();
		put(SIM "remove_node", "a");
		next = sim_node("b", 1, OPEN("user_numa,hugetlb"));
		same += next == node;
		result = ends(request);
		filled += pool(next) != 0;
		printf("# round %d: the request: %s\n", round, result ? strerror(result) : "ok");
		set_pool(next, 0);
		put(SIM "remove_node", "b");
		node = sim_node("a", 0, OPEN("user_numa,hugetlb,longterm_pin"));
	}
	for (i = 0; i < 6; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	put("/proc/sys/vm/nr_hugepages", "0");
	ok(same == 3, "another owner gets the id of a node whose pool was asked for (control)");
	ok(!filled, "... and its pool stays empty");
}

static bool pin(char *p, size_t len)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { .iov_base = p, .iov_len = len };
	int ring = (int)syscall(SYS_io_uring_setup, 4U, &params);
	bool pinned = ring >= 0 && !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U);

	close(ring);
	return pinned;
}

static void test_pin(int sharing)
{
	const char *how = sharing == MAP_SHARED ? "shared" : "private";
	char *p = mmap(NULL, 2 * PMD, PROT_READ | PROT_WRITE,
		       sharing | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	bind_to_node(p, 2 * PMD);
	ok(pin(p, 2 * PMD), "long-term pin of %s huge pages that nobody has touched", how);
	ok(touch(p, 2 * PMD) == 2 * PMD / PAGE && all_here(p, 2 * PMD), "... they are the node's");
	munmap(p, 2 * PMD);
}

/* -- who cannot wait --------------------------------------------------------------------------- */

static char *map_device(int sharing)
{
	int fd = open("/dev/private_node/a", O_RDWR);
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, sharing, fd, 0);

	close(fd);
	return p;
}

static char *map_huge(int sharing)
{
	char *p = mmap(NULL, PMD, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p != MAP_FAILED)
		bind_to_node(p, PMD);
	return p;
}

static const struct kind {
	const char *name;
	char *(*map)(int sharing);
	int sharing;
} kinds[] = {
	{ "device map", map_device, MAP_PRIVATE },
	{ "shared device map", map_device, MAP_SHARED },
	{ "huge page", map_huge, MAP_PRIVATE },
	{ "shared huge page", map_huge, MAP_SHARED },
};

static char *stranger_map;

/* As a debugger does: the fault may not be repeated. */
static int pokes(void *arg)
{
	char path[64], c = 5;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", *(pid_t *)arg);
	fd = open(path, O_RDWR);
	return pwrite(fd, &c, 1, (off_t)(uintptr_t)stranger_map) == 1 ? 0 : errno;
}

/* As a daemon does that memory is freed by. */
static int flushes(void *arg)
{
	(void)arg;
	if (prctl(57 /* PR_SET_IO_FLUSHER */, 1, 0, 0, 0))
		return errno;
	*(volatile char *)stranger_map = 5;
	return 0;
}

static void test_hurry(const struct kind *k)
{
	unsigned long before = number_in("/sys/kernel/mm/private_node/displaced", "");
	pid_t owner, pid;

	stranger_map = k->map(k->sharing);
	if (stranger_map == MAP_FAILED)
		bail("%s", k->name);
	owner = start_child(no_begin, NULL, NULL);
	hold(CLOSING, node);
	pid = in_background(pokes, &owner);
	ok(!waits(pid), "%s, new memory by /proc/PID/mem while the node is being unplugged: does not wait", k->name);
	ok(!ends(pid), "... no error");
	/* A shared one is there now. */
	if (k->sharing == MAP_PRIVATE) {
		pid = in_background(flushes, NULL);
		ok(!waits(pid), "%s, new memory of a task by which others free memory: does not wait", k->name);
		ok(!ends(pid), "... no error");
	}
	ok(number_in("/sys/kernel/mm/private_node/displaced", "") > before, "... displaced, counted");
	hold(CLOSING, -1);
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	munmap(stranger_map, k->map == map_huge ? PMD : LEN);
}

struct pin_test {
	__u64 addr, size;
	__u32 flags;
};

/* As drivers do that hold the address space while they pin. */
static int pins_locked(void *arg)
{
	struct pin_test test = { (uintptr_t)stranger_map, 4 * PAGE, 1 };
	int fd = open("/sys/kernel/debug/gup_test", O_RDWR);

	(void)arg;
	return ioctl(fd, _IOW('g', 7, struct pin_test), &test) ? errno : 0;
}

static int reads_maps(void *arg)
{
	char path[64], buf[4096];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", *(pid_t *)arg);
	return !read_file(path, buf, sizeof(buf));
}

static void test_locked_pin(void)
{
	pid_t unplug, pinner, reader;

	if (system("mount -t debugfs none /sys/kernel/debug 2> /dev/null; true"))
		bail("debugfs");
	stranger_map = map_device(MAP_PRIVATE);
	ok(!in_child(pins_locked, NULL), "long-term pin under the lock of the address space: control");
	hold(CLOSING, node);
	pinner = in_background(pins_locked, NULL);
	ok(!waits(pinner), "... does not wait while the node is being unplugged");
	reader = in_background(reads_maps, &pinner);
	ok(!waits(reader), "... and nobody waits for the address space");
	ends(reader);
	hold(CLOSING, -1);
	ends(pinner);
	unplug = writer(SIM "unplug", "a");
	ok(!ends(unplug), "... and nothing keeps the node");
	put(SIM "plug", "a");
	munmap(stranger_map, LEN);
}

int main(void)
{
	unsigned long i;
	int tries;

	if (system("modprobe private_node_sim; modprobe private_node_hold"))
		bail("modprobe");
	node = sim_node("a", 0, OPEN("user_numa,hugetlb,longterm_pin"));
	test_ksm();
	test_uprobe();
	test_next_owner();
	test_locked_pin();
	set_pool(node, 8);
	/* Where huge pages of the node are displaced to. */
	set_pool(0, 8);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		test_hurry(&kinds[i]);
	set_pool(0, 0);
	find_blocks();
	test_pin(MAP_PRIVATE);
	test_pin(MAP_SHARED);
	set_pool(node, 0);
	/* Rings let go of their pages after they were closed. */
	for (tries = 0; tries < 30000 && !write_file(SIM "remove_node", "a"); tries++)
		nap();
	ok(!system("modprobe -r private_node_hold private_node_sim"), "nothing is left");
	return done_testing();
}
