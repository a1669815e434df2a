// SPDX-License-Identifier: GPL-2.0-only
/*
 * An unplug that is refused harms nobody: who touches the node meanwhile waits, and then goes on
 * with the same data.  What is closed is closed when the write returns.
 *
 * The module private_node_hold keeps the node in the last part of an unplug, so that nothing here
 * depends on time.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa,reclaim,compaction
 * timeout: 200
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/klog.h>

#include "../devmap/waiting.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define LEN (64 * PAGE)

static char *map_device(int flags)
{
	int fd = open_dev();
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail("mmap of %s", dev_path);
	close(fd);
	return p;
}

static long bind_it(void *p, size_t len)
{
	unsigned long mask = 1UL << node;

	return syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 64UL, 0UL);
}

static char *map_bound(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || bind_it(p, LEN))
		bail("bind");
	return p;
}

/* A child that does one thing to the memory that it inherited. */
enum act { WRITE, READ, POPULATE, NR_ACTS };
static const char *const act_names[] = { "write", "read", "populate" };

static int do_act(volatile char *p, enum act act)
{
	switch (act) {
	case WRITE:
		*p = 7;
		return *p != 7;
	case READ:
		return *p != 0;
	default:
		return madvise((void *)p, PAGE, MADV_POPULATE_WRITE) != 0;
	}
}

static pid_t start(volatile char *p, enum act act)
{
	pid_t pid = fork();

	if (!pid)
		_exit(do_act(p, act));
	return pid;
}

static bool ended_well(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("# signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* First touch: new memory. */
static void touch_waits(char *p, const char *what)
{
	enum act act;
	pid_t pid;

	for (act = WRITE; act < NR_ACTS; act++) {
		hold(CLOSING, node);
		pid = start(p + act * PAGE, act);
		ok(waits(pid), "%s, %s: waits for the outcome", what, act_names[act]);
		hold(CLOSING, -1);
		ok(ended_well(pid), "%s, %s: goes on when unplug was refused", what,
		   act_names[act]);
	}
}

static void killed_while_waiting(char *p)
{
	pid_t pid;
	int status;

	hold(CLOSING, node);
	pid = start(p + 8 * PAGE, WRITE);
	ok(waits(pid), "a task waits");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	   "it can be killed meanwhile");
	hold(CLOSING, -1);
}

/* What is there already is not waited for. */
static void resident(void)
{
	char *p = map_device(MAP_PRIVATE);
	pid_t pid;

	memset(p, 3, LEN);
	hold(CLOSING, node);
	pid = fork();
	if (!pid)
		_exit(p[0] != 3 || p[LEN - 1] != 3);
	ok(ended_well(pid), "who only reads what is there does not wait");
	hold(CLOSING, -1);
	munmap(p, LEN);
}

static void mmap_meanwhile(void)
{
	char *p;

	hold(CLOSING, node);
	p = map_device(MAP_SHARED);
	ok(true, "a mapping can be made meanwhile");
	hold(CLOSING, -1);
	*p = 1;
	ok(all_here(p, PAGE), "and is on the node");
	munmap(p, LEN);
}

/* Closing: threads fault and give back all the time, while the service is closed and opened. */
static volatile bool stop;

static void *churn(void *p)
{
	while (!stop) {
		madvise(p, 512 * PAGE, MADV_POPULATE_WRITE);
		madvise(p, 512 * PAGE, MADV_DONTNEED);
	}
	return NULL;
}

#define CHURNERS 4

static void closing_is_waited_for(void)
{
	unsigned long before, late = 0, used;
	pthread_t threads[CHURNERS];
	int i, rounds = 60;
	char *p;

	p = mmap(NULL, CHURNERS * 512 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || bind_it(p, CHURNERS * 512 * PAGE))
		bail("bind");
	used = counter("user_numa_used ");
	for (i = 0; i < CHURNERS; i++)
		pthread_create(&threads[i], NULL, churn, p + i * 512 * PAGE);
	for (i = 0; i < rounds; i++) {
		enable("-user_numa");
		before = counter("user_numa_used ");
		nap();
		late += counter("user_numa_used ") - before;
		enable("+user_numa");
		nap();
	}
	stop = true;
	for (i = 0; i < CHURNERS; i++)
		pthread_join(threads[i], NULL);
	ok(!late, "no page is placed after the write that closed the service returned (%lu)", late);
	ok(counter("user_numa_used ") - used > 1000, "and many were before");
	munmap(p, CHURNERS * 512 * PAGE);
}

/*
 * Services that act by themselves: a thread has much to do, the service is closed while it does, and
 * then nothing more is done.
 */
struct work {
	const char *service, *file, *text;
	unsigned long (*done)(void);	/* pages so far */
};

static unsigned long reclaimed(void)
{
	return counter("reclaim_used ");
}

static unsigned long migrated(void)
{
	return number_in("/proc/vmstat", "pgmigrate_success ");
}

static const struct work works[] = {
	{ "reclaim", "reclaim", "100M swappiness=max", reclaimed },
	{ "compaction", "compact", "1", migrated },
};

static void *work(void *arg)
{
	const struct work *w = arg;
	char path[64];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/%s", node, w->file);
	while (write_file(path, w->text))
		;
	return NULL;
}

#define WORK_LEN (100UL << 20)

/* Pages that nobody compresses to nothing, with a hole after each. */
static char *fragmented(void)
{
	char *p = mmap(NULL, 2 * WORK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long i;

	if (p == MAP_FAILED || bind_it(p, 2 * WORK_LEN))
		bail("bind");
	madvise(p, 2 * WORK_LEN, MADV_NOHUGEPAGE);
	madvise(p, 2 * WORK_LEN, MADV_POPULATE_WRITE);
	for (i = 0; i < 2 * WORK_LEN; i += 8)
		*(unsigned long *)(p + i) = i * 0x9e3779b97f4a7c15UL;
	for (i = PAGE; i < 2 * WORK_LEN; i += 2 * PAGE)
		madvise(p + i, PAGE, MADV_DONTNEED);
	return p;
}

static void work_ends(const struct work *w)
{
	unsigned long begin = w->done(), closed;
	char change[32], *p = fragmented();
	pthread_t thread;

	snprintf(change, sizeof(change), "+%s", w->service);
	enable(change);
	begin = w->done();
	pthread_create(&thread, NULL, work, (void *)w);
	while (w->done() < begin + 64)
		nap();
	change[0] = '-';
	enable(change);
	closed = w->done();
	pthread_join(thread, NULL);
	ok(w->done() == closed, "%s: nothing is under way when the write that closed it returned (%lu pages, then %lu)",
	   w->service, closed - begin, w->done() - closed);
	ok(closed - begin < WORK_LEN / PAGE, "%s: control: there was more to do", w->service);
	munmap(p, 2 * WORK_LEN);
}

static void work_is_waited_for(void)
{
	unsigned int i;

	put("/proc/sys/vm/compaction_proactiveness", "0");
	if (system("modprobe zram; echo 256M > /sys/block/zram0/disksize && mkswap /dev/zram0 > /dev/null && swapon /dev/zram0"))
		bail("zram");
	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		work_ends(&works[i]);
	if (system("swapoff /dev/zram0; echo 1 > /sys/block/zram0/reset"))
		bail("zram");
}

static pid_t writes(const char *name, const char *text)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(!write_file(node_file(name), text));
	return pid;
}

static bool killed(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL;
}

static bool log_has(const char *text)
{
	static char log[1 << 18];
	int n = klogctl(3, log, sizeof(log) - 1);

	log[n < 0 ? 0 : n] = 0;
	return strstr(log, text);
}

static int touch_one(void *p)
{
	*(volatile char *)p = 1;
	return 0;
}

/* Who closes a service waits for a request that takes for ever: that is said, and can be ended. */
static void close_is_killed(void)
{
	char *p = map_bound();
	pid_t first, second, third;

	/* Somebody is inside the gates of the owner and of user_numa. */
	hold(INSIDE, node);
	klogctl(5, NULL, 0);
	first = writes("enabled", "-user_numa");
	ok(waits(first), "who closes a service waits for who is inside");
	while (!log_has("s for requests that were let in") && waits(first))
		nap();
	ok(log_has("closed the node or a service, of: user_numa\n"), "the log names node, owner, and whom it waits for");
	second = writes("on_full", "fail");
	ok(waits(second), "another write waits behind it");
	ok(killed(second), "... and can be killed");
	ok(killed(first), "the first can be killed, too");
	ok(log_has("a closed service lets nobody in"), "the log says what that means");
	ok(in_child(touch_one, p) == 128 + SIGBUS, "the service is closed");
	third = writes("enabled", "-user_numa");
	ok(waits(third), "closing it again waits, too");
	hold(INSIDE, -1);
	ok(ended_well(third), "... and ends when nobody is inside");
	enable("+user_numa");
	ok(!in_child(touch_one, p), "open again");
	munmap(p, LEN);
}

int main(void)
{
	char *p;

	find_node();
	if (system("modprobe private_node_hold"))
		bail("modprobe private_node_hold");
	enable("-reclaim,-compaction");
	p = map_device(MAP_PRIVATE);
	touch_waits(p, "device map, private");
	killed_while_waiting(p);
	munmap(p, LEN);
	p = map_device(MAP_SHARED);
	touch_waits(p, "device map, shared");
	munmap(p, LEN);
	p = map_bound();
	touch_waits(p, "bound memory");
	munmap(p, LEN);
	resident();
	mmap_meanwhile();
	closing_is_waited_for();
	work_is_waited_for();
	close_is_killed();
	ok(!system("modprobe -r private_node_hold"), "the node is left as it was");
	return done_testing();
}
