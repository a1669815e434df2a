// SPDX-License-Identifier: GPL-2.0-only
/*
 * life: what happens in the middle of a job: fork, mremap, munmap, exit, a kill, running out of
 * memory, reset, unplug, a new owner of the node id; two accelerators side by side.
 *
 * vm: --cpus 2 --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 300
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/stat.h>

#include "npu.h"

#define LEN (4 * MIB)
#define HALF (LEN / 2)

static int fd;
static char *a, *dst;
static struct npu_sim_job job;

/* A copy that has done a half, and waits for resume(). */
static void begin(void)
{
	a = map(LEN, MADV_NOHUGEPAGE);
	dst = map(LEN, MADV_NOHUGEPAGE);
	fill(a, LEN);
	job = (struct npu_sim_job){ .op = NPU_SIM_COPY, .dst = (uintptr_t)dst, .a = (uintptr_t)a,
				    .len = LEN, .stop_at = HALF };
	if (submit(fd, &job) || wait_job(fd, &job).state != NPU_SIM_STOPPED)
		bail("the job did not stop");
}

/* Error of the job, when it has gone on to its end. */
static int finish(void)
{
	resume(fd, &job);
	return wait_job(fd, &job).error;
}

static void clean(void)
{
	munmap(a, LEN);
	munmap(dst, LEN);
}

static void test_control(void)
{
	begin();
	ok(!memcmp(a, dst, HALF) && dst[HALF] == 0 && dst[LEN - 8] == 0, "control: a half is done");
	ok(!finish() && !memcmp(a, dst, LEN), "... and then all");
	clean();
}

/* Does a child see in dst what was there at the fork? */
static bool as_at_fork(const char *before)
{
	return !memcmp(dst, before, HALF) && !dst[HALF] && !dst[LEN - 8];
}

static int forked(const char *before, int ready, int go)
{
	bool good = as_at_fork(before);
	char c;

	fill(a, LEN);
	if (write(ready, "", 1) != 1 || read(go, &c, 1) != 1)
		return 2;
	/* The job has gone on meanwhile, in the parent. */
	return !good || !as_at_fork(before);
}

static void test_fork(void)
{
	int go[2], ready[2];
	char *before, c;
	pid_t pid;

	begin();
	before = malloc(LEN);
	memcpy(before, a, LEN);
	if (pipe(go) || pipe(ready))
		bail("pipe");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(forked(before, ready[1], go[0]));
	if (read(ready[0], &c, 1) != 1)
		bail("pipe");
	ok(!finish() && !memcmp(dst, before, LEN), "fork: the job goes on with the memory of the parent");
	if (write(go[1], "", 1) != 1)
		bail("pipe");
	ok(!ended(pid), "fork: the child keeps what was there");
	ok(!memcmp(a, before, LEN), "fork: what the child stores is its own");
	free(before);
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
	clean();
}

static void test_mremap(void)
{
	char *to, *new;

	begin();
	to = map(HALF, MADV_NOHUGEPAGE);
	if (mremap(dst + HALF, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		bail("mremap");
	ok(finish() == -EFAULT && !memcmp(a, dst, HALF), "mremap: a job that writes to the old place: EFAULT");
	munmap(to, HALF);
	clean();

	begin();
	to = map(HALF, MADV_NOHUGEPAGE);
	if (mremap(a + HALF, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		bail("mremap");
	new = map_at(a + HALF, HALF, MAP_PRIVATE | MAP_FIXED);
	fill(new, HALF);
	ok(!finish() && !memcmp(dst + HALF, new, HALF), "mremap: what is mapped there instead is read");
	ok(memcmp(to, new, HALF), "mremap: control: and is other data");
	munmap(to, HALF);
	clean();
}

static void test_munmap(void)
{
	begin();
	munmap(a + HALF, HALF);
	ok(finish() == -EFAULT, "munmap of what it reads: EFAULT");
	clean();

	begin();
	munmap(dst, LEN);
	map_at(dst, LEN, MAP_PRIVATE | MAP_FIXED);
	ok(!finish() && !memcmp(dst + HALF, a + HALF, HALF) && !dst[0] && !dst[HALF - 8],
	   "munmap and a new mapping: the rest is written there");
	clean();

	begin();
	madvise(a, LEN, MADV_DONTNEED);
	fill(a, LEN);
	ok(!finish() && !memcmp(dst + HALF, a + HALF, HALF) && memcmp(dst, a, HALF),
	   "MADV_DONTNEED: new data is read");
	clean();

	begin();
	mprotect(dst, LEN, PROT_READ);
	ok(finish() == -EPERM && !dst[HALF] && !dst[LEN - 8], "mprotect: writes nothing more: EPERM");
	clean();
}

static void test_reset(void)
{
	begin();
	ok(!ioctl(fd, NPU_SIM_RESET), "reset of a device with a job that has stopped");
	ok(wait_job(fd, &job).error == -ECANCELED && !stats_of(fd).mapped, "... which fails with ECANCELED");
	ok(!copy(fd, dst, a, LEN) && !memcmp(a, dst, LEN), "... and the next one is right");
	clean();

	a = map(LEN, MADV_NOHUGEPAGE);
	job = (struct npu_sim_job){ .op = NPU_SIM_HASH, .a = (uintptr_t)a, .len = LEN, .repeat = ~0U };
	if (submit(fd, &job))
		bail("submit");
	while (!stats_of(fd).mapped)
		nap();
	ok(!ioctl(fd, NPU_SIM_RESET) && wait_job(fd, &job).error == -ECANCELED, "reset under a job that runs");
	munmap(a, LEN);
}

/* For ever, in a child. */
static int busy(void *arg)
{
	int own = open_npu("a");

	a = map(LEN, MADV_NOHUGEPAGE);
	fill(a, LEN);
	job = (struct npu_sim_job){ .op = NPU_SIM_HASH, .a = (uintptr_t)a, .len = LEN, .repeat = ~0U };
	if (submit(own, &job))
		return 1;
	while (!stats_of(own).mapped)
		nap();
	*(volatile int *)arg = 1;
	for (;;)
		wait_job(own, &job);
}

/* Exits with a job that has stopped. */
static int leaves(void *arg)
{
	fd = open_npu("a");
	begin();
	return 42;
}

static void test_end(void)
{
	volatile int *runs = (void *)map_at(NULL, PAGE, MAP_SHARED);
	pid_t pid;
	int own;

	pid = in_background(busy, (void *)runs);
	while (!*runs)
		nap();
	kill(pid, SIGKILL);
	ok(ended(pid) == 128 + SIGKILL, "killed in the middle of a job");
	ok(in_child(leaves, NULL) == 42, "exit in the middle of a job");
	own = fd;
	fd = open_npu("a");
	begin();
	close(fd);
	fd = own;
	ok(!copy(fd, dst, a, LEN) && !memcmp(a, dst, LEN), "close in the middle of a job: the next one is right");
	clean();
	munmap((void *)runs, PAGE);
}

#define GROUP "/tmp/npu_cgroup/small"

/* More than its cgroup may have: killed, or the job fails. */
static int too_much(void *arg)
{
	char pid[16];
	char *p;

	snprintf(pid, sizeof(pid), "%d", getpid());
	put(GROUP "/cgroup.procs", pid);
	fd = open_npu("a");
	p = map(64 * MIB, MADV_NOHUGEPAGE);
	return copy(fd, p + 32 * MIB, p, 32 * MIB) ? 42 : 0;
}

static void test_memory(void)
{
	int status;

	mkdir("/tmp/npu_cgroup", 0700);
	if (mount("cgroup2", "/tmp/npu_cgroup", "cgroup2", 0, NULL))
		bail("cgroup2");
	put("/tmp/npu_cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0700);
	put(GROUP "/memory.max", "16M");
	status = in_child(too_much, NULL);
	ok(status == 128 + SIGKILL || status == 42, "a job in a cgroup that runs out of memory: status %d", status);
	begin();
	ok(!finish() && !memcmp(a, dst, LEN), "... and the device goes on");
	clean();
	put(GROUP "/memory.max", "max");
	ok(in_child(too_much, NULL) == 0, "control: without the limit that job is done");
	rmdir(GROUP);
	umount("/tmp/npu_cgroup");
}

/* A job that copies new memory again and again. */
static void copy_until_reset(void)
{
	a = map(LEN, MADV_NOHUGEPAGE);
	dst = map(LEN, MADV_NOHUGEPAGE);
	fill(a, LEN);
	job = (struct npu_sim_job){ .op = NPU_SIM_COPY, .dst = (uintptr_t)dst, .a = (uintptr_t)a,
				    .len = LEN, .repeat = ~0U };
	if (submit(fd, &job))
		bail("submit");
}

static void test_unplug(void)
{
	int i, bad = 0;

	begin();
	ok(write_file(SIM "unplug", "a") && !where(a, LEN).here, "unplug under a job: its guests leave");
	ok(!finish() && !memcmp(a, dst, LEN), "... and the job goes on in DRAM");
	ok(advise(fd, a, LEN, NPU_SIM_DEVICE) == -ENOSPC && !where(a, LEN).here,
	   "... nothing moves to a node without memory: ENOSPC");
	put(SIM "plug", "a");
	find_blocks();
	ok(!advise(fd, a, LEN, NPU_SIM_DEVICE) && all_here(a, LEN), "... and does when that is back");
	ok(!write_file(SIM "unplug", "a") && errno == EBUSY && all_here(a, LEN),
	   "unplug with on_unplug=refuse: what a user sent there stays: EBUSY");
	clean();

	copy_until_reset();
	for (i = 0; i < 6; i++) {
		bad += !write_file(SIM "unplug", "a");
		bad += !write_file(SIM "plug", "a");
	}
	ioctl(fd, NPU_SIM_RESET);
	wait_job(fd, &job);
	ok(!bad && !memcmp(a, dst, LEN), "unplugged 6 times under a job that runs: %d failed", bad);
	clean();
}

/* The handle of an owner that is gone must not reach the memory of the next one. */
static void test_next_owner(void)
{
	unsigned long before;
	int nid = node;

	wait_for_guests(fd);
	copy_until_reset();
	while (!where(dst, LEN).here)
		nap();
	ok(write_file(SIM "remove_node", "a"), "the owner goes under a job that runs");
	ok(!ioctl(fd, NPU_SIM_RESET) && wait_job(fd, &job).error == -ECANCELED && !copy(fd, dst, a, LEN) &&
	   !memcmp(a, dst, LEN), "... and the device goes on in DRAM");
	ok(advise(fd, a, LEN, NPU_SIM_DEVICE) == -ENODEV, "... and moves nothing: ENODEV");
	ok(sim_node("next", 0, "") == nid, "the next owner gets the same node id");
	find_blocks();
	before = used(nid);
	ok(advise(fd, a, LEN, NPU_SIM_DEVICE) == -ENODEV && advise(fd, a, LEN, NPU_SIM_HOST) == -ENODEV &&
	   same_hash(fd, a, LEN) && !where(a, LEN).here && used(nid) == before,
	   "... whose memory the old device does not get");
	clean();
	close(fd);
	put(NPU_SIM "detach", "a");
	put(SIM "remove_node", "next");
}

static void test_two(void)
{
	int nid_a = new_npu("a", 0, ""), nid_b = new_npu("b", 1, ""), fd_b = open_npu("b");
	unsigned long room, used_a, used_b;
	char *p, *q;

	fd = open_npu("a");
	room = node_number("total_bytes");
	p = map(room + 16 * MIB, MADV_NOHUGEPAGE);
	fill(p, room + 16 * MIB);
	used_b = used(nid_b);
	choose(nid_a);
	ok(same_hash(fd, p, room + 16 * MIB) && where(p, room).here > room / PAGE / 2 && used(nid_b) == used_b,
	   "two accelerators: one takes more than it has, and nothing of the other");
	choose(nid_b);
	ok(!where(p, room + 16 * MIB).here, "... where nothing of it is");
	used_a = used(nid_a);
	q = map(LEN, MADV_NOHUGEPAGE);
	fill(q, LEN);
	ok(same_hash(fd_b, q, LEN) && all_here(q, LEN) && used(nid_a) == used_a, "... and the other way round");
	ok(same_hash(fd, q, LEN) && same_hash(fd_b, q, LEN), "both work on the same memory");
	munmap(p, room + 16 * MIB);
	munmap(q, LEN);
	close(fd);
	close(fd_b);
	end_npu("a");
	end_npu("b");
}

int main(void)
{
	load();
	new_npu("a", 0, "");
	fd = open_npu("a");
	test_control();
	test_fork();
	test_mremap();
	test_munmap();
	test_reset();
	test_end();
	test_memory();
	test_unplug();
	test_next_owner();
	test_two();
	return done_testing();
}
