// SPDX-License-Identifier: GPL-2.0-only
/*
 * neighbours: those who have nothing to do with it.  A request that is refused takes nothing from
 * others for a moment; an unplug under way, or one that is refused, is no reason to kill anybody, to
 * keep who uses another node, or to fail I/O; one that is killed is not done by half; and strangers who
 * are busy do not make it fail.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 600
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/uio.h>

#include "../devmap/waiting.h"

#define TMPFS "/tmp/neighbours"
#define CAPABLE "capable=user_numa,hugetlb,reclaim "
#define POOL 20

/* All but LEAVE bytes of the node are its owner's. */
static void fill(const char *name, size_t leave)
{
	char text[80];

	snprintf(text, sizeof(text), "node=%s gfp=atomic count=%lu", name, node_free() - leave / PAGE);
	put(SIM "alloc", text);
}

static void free_filled(int nid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nid);
	put(SIM "free", text);
}

static char *bound(size_t len, unsigned long mask)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL))
		bail("bind");
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static bool lives(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

struct tenancy {
	size_t len;
	unsigned long mask;
	char *p;
};

static void move_in(void *arg)
{
	struct tenancy *t = arg;

	t->p = bound(t->len, t->mask);
	memset(t->p, 1, t->len);
}

static void come_and_go(void *arg)
{
	const struct tenancy *t = arg;

	for (;;) {
		madvise(t->p, t->len, MADV_DONTNEED);
		memset(t->p, 1, t->len);
	}
}

/* Has LEN bytes of the nodes for ever, again and again if it is BUSY. */
static pid_t tenant(size_t len, unsigned long mask, bool busy)
{
	return start_child(move_in, busy ? come_and_go : NULL, &(struct tenancy){ len, mask });
}

static bool end_tenant(pid_t pid)
{
	bool ret = lives(pid);

	kill(pid, SIGKILL);
	if (ret)
		waitpid(pid, NULL, 0);
	return ret;
}

/* -- requests that are refused --------------------------------------------------------------------- */

static void test_pool(const char *on_full)
{
	unsigned long mask = 1UL << node;
	pid_t busy, idle;
	int i, refused = 0;

	set_on_full(on_full);
	idle = tenant(40 * MIB, mask, false);
	busy = tenant(32 * MIB, mask, true);
	for (i = 0; i < 60; i++)
		refused += !write_file(pool_file(node, "nr_hugepages"), "1000") && errno == ENOMEM;
	ok(refused == 60, "on_full %s: pool larger than the node: refused", on_full);
	ok(end_tenant(busy), "on_full %s: pool larger than the node: who uses the rest of it notices nothing", on_full);
	ok(end_tenant(idle), "on_full %s: pool larger than the node: nobody is killed", on_full);
	set_on_full("fail");
}

/* In a child: the errno, or the status of the new program. */
static int run_true(void *mask)
{
	/* What it copies when it is bound would be of the node. */
	grow_stack();
	if (syscall(SYS_set_mempolicy, MPOL_BIND, mask, 64UL))
		return 1;
	execl("/bin/true", "true", NULL);
	return errno;
}

static void test_exec(void)
{
	unsigned long mask = 1UL << node;
	int i, ret = 0, refused = 0;
	pid_t busy;

	ok(!in_child(run_true, &mask), "exec: control: with room it succeeds");
	/* First, since pages of a busy tenant hide in per-CPU lists. */
	fill("a", 192 * PAGE);
	busy = tenant(64 * PAGE, mask, true);
	for (i = 0; i < 30; i++)
		refused += (ret = in_child(run_true, &mask)) == ENOMEM;
	ok(refused == 30, "exec on a node with less than 1 MiB, which has reclaim: refused (%d, last %d, %lu pages free)",
	   refused, ret, node_free());
	ok(end_tenant(busy), "exec that is refused: who uses the rest of the node notices nothing");
	free_filled(node);
}

/* -- unplugs that are refused ----------------------------------------------------------------------- */

static pid_t toucher(unsigned long mask)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* More than may be given back by somebody meanwhile. */
		char *p = bound(8 * MIB, mask);

		_exit(touch(p, 8 * MIB) != 8 * MIB / PAGE);
	}
	return pid;
}

/* The second node is full, and its owner kills: the first will be back. */
static void test_two(int second)
{
	unsigned long both = 1UL << node | 1UL << second;
	pid_t idle, pid;
	int first = node;

	node = second;
	idle = tenant(8 * MIB, 1UL << second, false);
	fill("b", 0);
	set_on_full("oom");
	hold(CLOSING, first);
	pid = toucher(both);
	ok(waits(pid), "bind of two nodes, one is being unplugged, one is full: waits");
	ok(lives(idle), "... and kills nobody on the full one");
	hold(CLOSING, -1);
	ok(!ended(pid), "... and gets its memory when the unplug is refused");
	ok(end_tenant(idle), "... and everybody else still has his");
	set_on_full("fail");
	free_filled(second);
	node = first;
}

static void test_other(int second)
{
	unsigned long mask = 1UL << node;
	pid_t pid;
	int fd;

	fill("a", 0);
	fd = memfd_create("neighbours", 0);
	if (fd < 0 || ftruncate(fd, PMD))
		bail("memfd");
	hold(CLOSING, second);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *p = mmap(NULL, PMD, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (syscall(SYS_mbind, p, PMD, MPOL_BIND, &mask, 64UL, 0UL))
			_exit(1);
		/* A few pages may come back to the node meanwhile. */
		for (off_t at = 0; at < (off_t)PMD; at += PAGE)
			if (pwrite(fd, "x", 1, at) != 1)
				_exit(errno);
		_exit(2);
	}
	ok(!waits(pid), "another owner's node is being unplugged: who finds this one full does not wait for it");
	hold(CLOSING, -1);
	ok(ended(pid) == ENOMEM, "... ENOMEM");
	close(fd);
	free_filled(node);
}

static long loop_write(off_t at)
{
	int fd = open("/dev/loop0", O_RDWR | O_DIRECT);
	static char *page;
	long ret;

	if (!page && posix_memalign((void **)&page, PAGE, PAGE))
		bail("memory");
	ret = pwrite(fd, page, PAGE, at);
	close(fd);
	return ret;
}

/* Whoever frees memory may wait for the loop device: it cannot wait for unplug. */
static void test_loop(void)
{
	unsigned long before;
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "mkdir -p " TMPFS " && mount -t tmpfs -o size=16M,mpol=bind:%d none " TMPFS
		 " && truncate -s 8M " TMPFS "/f && losetup /dev/loop0 " TMPFS "/f", node);
	if (system(cmd))
		bail("loop device");
	ok(loop_write(0) == PAGE, "loop device: control: on the open node it writes");
	before = counter("displaced ");
	hold(CLOSING, node);
	ok(loop_write(MIB) == PAGE, "loop device on the node that is being unplugged: no error");
	hold(CLOSING, -1);
	ok(counter("displaced ") == before + 1, "... and the page is displaced, counted");
	if (system("losetup -d /dev/loop0; umount " TMPFS))
		bail("umount");
}

/* -- unplugs that are killed ------------------------------------------------------------------------ */

static pid_t unplug(const char *name)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(!write_file(SIM "unplug", name));
	return pid;
}

/* Its files are there for as long as its memory is. */
static bool has_memory(void)
{
	return !access(node_file("total_bytes"), F_OK);
}

/* Offlining dissolves the free pages of a pool, wherever it ends then. */
static void test_pool_stays(void)
{
	int tries, refused = 0, lost = 0, i;
	pid_t pid;

	set_pool(node, POOL);
	for (tries = 0; tries < 200; tries++) {
		pid = unplug("a");
		for (i = 0; i < tries; i++)
			nap();
		kill(pid, SIGKILL);
		if (!ended(pid) || !has_memory())
			break;
		refused++;
		lost += pool(node) != POOL;
	}
	ok(refused && !lost, "pool of huge pages: is as large after %d unplugs that were killed (%d were not)", refused, lost);
	put(SIM "plug", "a");
	set_pool(node, 0);
}

/* Was data unmapped? */
static bool has_begun(void)
{
	char buf[8192], *at;

	if (!read_file(node_file("stat"), buf, sizeof(buf)))
		return true;
	at = strstr(buf, "unplug_unmapped ");
	return at && strtoul(at + strlen("unplug_unmapped "), NULL, 10);
}

static void test_half(void)
{
	const size_t len = 64 * MIB;
	char *p = bound(len, 1UL << node);
	pid_t pid;

	put(node_file("on_unplug"), "sigbus");
	touch(p, len);
	pid = unplug("a");
	while (!has_begun() && lives(pid))
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(!has_memory(), "on_unplug=sigbus, killed after the first page was unmapped: the node is unplugged");
	put(SIM "plug", "a");
	munmap(p, len);
}

/* -- strangers -------------------------------------------------------------------------------------- */

static void *change_mappings(void *arg)
{
	(void)arg;
	for (;;) {
		char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		mprotect(p + PAGE, PAGE, PROT_READ);
		munmap(p, 64 * PAGE);
	}
	return NULL;
}

/* What is in swap belongs to the node: unplug looks for it, at all who have some of any private node. */
static void test_busy(int second)
{
	struct tenancy t = { 16 * PAGE, 1UL << second };
	int i, good = 0, fd = open("/dev/private_node/a", O_RDWR);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	unsigned char in[16];
	pthread_t thread;
	pid_t busy;

	if (p == MAP_FAILED)
		bail("device map");
	if (system("modprobe zram && echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0"))
		bail("swap");
	put(node_file("on_unplug"), "refuse");
	*p = 1;
	munmap(p, PAGE);
	close(fd);
	fflush(stdout);
	busy = fork();
	if (!busy) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		move_in(&t);
		for (i = 0; i < 1000; i++) {
			madvise(t.p, t.len, 21 /* MADV_PAGEOUT */);
			if (!mincore(t.p, t.len, in) && !in[0])
				break;
			nap();
		}
		for (i = 0; i < 4; i++)
			pthread_create(&thread, NULL, change_mappings, NULL);
		for (;;)
			pause();
	}
	for (i = 0; i < 10; i++) {
		if (!write_file(SIM "unplug", "a"))
			continue;
		good++;
		put(SIM "plug", "a");
	}
	ok(good == 10, "another owner's user changes his mappings all the time: %d of 10 unplugs succeed", good);
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	if (swapoff("/dev/zram0") || system("echo 1 > /sys/block/zram0/reset"))
		bail("swapoff");
}

/* -- swapoff by somebody else ---------------------------------------------------------------------- */

#define DATA 64UL

static char *data;

static bool is_out(void)
{
	unsigned char in[DATA];

	return !mincore(data, DATA * PAGE, in) && !memchr(in, 1, DATA);
}

/* Bound as a task, without a policy of the mapping. */
static void swap_out_bound(void *arg)
{
	unsigned long mask = 1UL << node;
	int i;

	(void)arg;
	memset(data, 7, DATA * PAGE);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		_exit(1);
	for (i = 0; i < 1000 && !is_out(); i++) {
		madvise(data, DATA * PAGE, 21 /* MADV_PAGEOUT */);
		nap();
	}
	if (!is_out())
		_exit(1);
}

static unsigned long data_there(pid_t pid)
{
	unsigned long i, there = 0;
	int status[DATA];
	void *at[DATA];

	for (i = 0; i < DATA; i++)
		at[i] = data + i * PAGE;
	if (syscall(SYS_move_pages, pid, DATA, at, NULL, status, 0))
		bail("move_pages");
	for (i = 0; i < DATA; i++)
		there += status[i] == node;
	return there;
}

/* The policy is that of the task whose data it is, and not of who runs swapoff. */
static void test_swapoff(bool open)
{
	unsigned long before, there;
	pid_t pid;

	data = mmap(NULL, DATA * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(data, DATA * PAGE, MADV_NOHUGEPAGE);
	if (system("modprobe zram && echo 64M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0"))
		bail("swap");
	pid = start_child(swap_out_bound, NULL, NULL);
	if (!open)
		enable("-user_numa");
	before = counter("displaced ");
	if (swapoff("/dev/zram0") || system("echo 1 > /sys/block/zram0/reset"))
		bail("swapoff");
	there = data_there(pid);
	before = counter("displaced ") - before;
	ok(there == (open ? DATA : 0) && before == (open ? 0 : DATA),
	   "swapoff, data of a bound task, %s: %lu pages are on the node, %lu are displaced",
	   open ? "open" : "closed", there, before);
	end_tenant(pid);
	enable("+user_numa");
	munmap(data, DATA * PAGE);
}

/* -- one page of many ------------------------------------------------------------------------------- */

#define SHARERS 20

static char *shared_page;
static sigjmp_buf lost_jmp;

static void on_lost(int sig)
{
	(void)sig;
	siglongjmp(lost_jmp, 1);
}

/* A few of them have it in a pipe now and then.  Ends with 1 when the page is lost. */
static void share(int i, const volatile bool *stop)
{
	const struct iovec v = { shared_page, PAGE };
	char buf[PAGE];
	int pipes[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGBUS, on_lost);
	if (sigsetjmp(lost_jmp, 1))
		_exit(1);
	if (pipe(pipes))
		_exit(2);
	while (!*stop) {
		if (i % 5 != 3) {
			usleep(50000);
			continue;
		}
		if (vmsplice(pipes[1], &v, 1, 0) == (ssize_t)PAGE && read(pipes[0], buf, PAGE) != (ssize_t)PAGE)
			_exit(2);
		nap();
	}
	_exit(*(volatile char *)shared_page == 7 ? 0 : 2);
}

/* All of them lose it when the node goes, or none does. */
static void test_sharers(void)
{
	bool *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, round, all = 0, none = 0, other = 0;
	pid_t pids[SHARERS];

	put(node_file("on_unplug"), "sigbus");
	for (round = 0; round < 4; round++) {
		int lost = 0;
		bool gone;

		*stop = false;
		shared_page = bound(PAGE, 1UL << node);
		shared_page[0] = 7;
		fflush(stdout);
		for (i = 0; i < SHARERS; i++) {
			pids[i] = fork();
			if (!pids[i])
				share(i, stop);
		}
		munmap(shared_page, PAGE);
		gone = write_file(SIM "unplug", "a");
		*stop = true;
		for (i = 0; i < SHARERS; i++)
			lost += ended(pids[i]);
		all += gone && lost == SHARERS;
		none += !gone && !lost;
		other += lost != (gone ? SHARERS : 0);
		if (gone)
			put(SIM "plug", "a");
	}
	ok(all + none == 4 && !other, "on_unplug=sigbus, one page of many: all lose it (%d times), or nobody does (%d times)",
	   all, none);
	munmap(stop, PAGE);
}

int main(void)
{
	int second;

	if (system("modprobe private_node_sim; modprobe private_node_hold"))
		bail("modprobe");
	node = sim_node("a", 0, CAPABLE "enabled=user_numa,hugetlb on_full=fail");
	second = sim_node("b", 1, CAPABLE "enabled=user_numa,reclaim on_full=fail");
	test_pool("fail");
	test_pool("oom");
	test_two(second);
	test_other(second);
	test_loop();
	enable("+reclaim");
	test_exec();
	test_pool_stays();
	test_half();
	enable("-hugetlb");
	test_busy(second);
	test_sharers();
	test_swapoff(true);
	test_swapoff(false);
	put(SIM "remove_node", "a");
	put(SIM "remove_node", "b");
	ok(!system("modprobe -r private_node_hold private_node_sim"), "nothing is left");
	return done_testing();
}
