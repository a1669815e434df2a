// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: for 20 s, processes run jobs on two accelerators while they fork, map, unmap, move and
 * page out their memory, and are killed; the accelerators are unplugged, plugged and reset.  Each
 * job that says it was done has the right result.
 *
 * vm: --cpus 2 --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * timeout: 300
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <time.h>

#include "npu.h"

#define SECONDS	20
#define WORKERS	4
#define LEN	PMD
#define PARTS	16
#define PART	(LEN / PARTS)

/* What the workers have done, in shared memory. */
static struct {
	unsigned long jobs, failed, wrong, kills, plugs, resets;
} *sum;

static int fds[2];
static char *mem;	/* PARTS that are filled */
static char *out;	/* where jobs write */

static char *part(int i)
{
	return mem + (size_t)i * PART;
}

static void count(unsigned long *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

/* A reset, and an address space without memory left, are no bug; a wrong result is one. */
static void check(int error, bool right)
{
	count(&sum->jobs);
	if (error) {
		count(&sum->failed);
		if (error != -ECANCELED && error != -EFAULT && error != -ENOMEM)
			printf("# pid %d: error %d\n", getpid(), error);
	} else if (!right) {
		count(&sum->wrong);
		printf("# pid %d: wrong result\n", getpid());
	}
}

static void do_copy(int fd)
{
	int i = noise() % PARTS, j = noise() % PARTS, ret;

	ret = copy(fd, out + j * PART, part(i), PART);
	check(ret, !memcmp(out + j * PART, part(i), PART));
}

static void do_hash(int fd)
{
	struct npu_sim_job job = { .op = NPU_SIM_HASH, .a = (uintptr_t)part(noise() % PARTS), .len = PART };
	struct npu_sim_wait w;

	if (submit(fd, &job))
		return;
	w = wait_job(fd, &job);
	check(w.error, w.digest == fnv((void *)job.a, PART));
}

/* The job runs while its memory is taken from under it; only then is it looked at. */
static void do_beside(int fd, void (*act)(void))
{
	int i = noise() % PARTS, j = noise() % PARTS;
	struct npu_sim_job job = { .op = NPU_SIM_COPY, .dst = (uintptr_t)(out + j * PART),
				   .a = (uintptr_t)part(i), .len = PART, .repeat = noise() % 4 };
	struct npu_sim_wait w;

	if (submit(fd, &job))
		return;
	act();
	w = wait_job(fd, &job);
	check(w.error, !memcmp(out + j * PART, part(i), PART));
}

static void act_fork(void)
{
	pid_t pid = fork();
	int i;

	if (!pid) {
		for (i = 0; i < PARTS; i++)
			memset(part(i), 7, PART);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void act_pageout(void)
{
	madvise(part(noise() % PARTS), PART, MADV_PAGEOUT);
}

static void act_cold(void)
{
	madvise(part(noise() % PARTS), PART, MADV_COLD);
}

/* Not while a job uses it: what the job saw would not be known. */
static void renew(void)
{
	char *p = part(noise() % PARTS);

	switch (noise() % 3) {
	case 0:
		madvise(p, PART, MADV_DONTNEED);
		break;
	case 1:
		munmap(p, PART);
		map_at(p, PART, MAP_PRIVATE | MAP_FIXED);
		break;
	default:
		if (mremap(p, PART, PART, MREMAP_MAYMOVE | MREMAP_FIXED, out) == out)
			map_at(p, PART, MAP_PRIVATE | MAP_FIXED);
	}
	fill(p, PART);
}

static void do_advise(int fd)
{
	advise(fd, part(noise() % PARTS), PART, noise() % NPU_SIM_NR_ADVICES);
}

static int work(void *arg)
{
	pid_t parent = getppid();
	int fd;

	noise_state ^= (uint64_t)getpid() << 32;
	fds[0] = open_npu("a");
	fds[1] = open_npu("b");
	mem = map(LEN, noise() % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	out = map(LEN, MADV_NOHUGEPAGE);
	fill(mem, LEN);
	while (getppid() == parent) {
		fd = fds[noise() % 2];
		switch (noise() % 8) {
		case 0:
			do_hash(fd);
			break;
		case 1:
			do_beside(fd, act_fork);
			break;
		case 2:
			do_beside(fd, act_pageout);
			break;
		case 3:
			do_beside(fd, act_cold);
			break;
		case 4:
			renew();
			break;
		case 5:
			do_advise(fd);
			break;
		default:
			do_copy(fd);
		}
	}
	return 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void disturb(pid_t *worker)
{
	const char *name = noise() % 2 ? "a" : "b";
	int fd, i = noise() % WORKERS;

	switch (noise() % 4) {
	case 0:
		if (write_file(SIM "unplug", name) && write_file(SIM "plug", name))
			count(&sum->plugs);
		break;
	case 1:
		fd = open_npu(name);
		if (!ioctl(fd, NPU_SIM_RESET))
			count(&sum->resets);
		close(fd);
		break;
	case 2:
		kill(worker[i], SIGKILL);
		if (ended(worker[i]) == 128 + SIGKILL)
			count(&sum->kills);
		worker[i] = in_background(work, NULL);
		break;
	default:
		for (i = 0; i < 50; i++)
			nap();
	}
}

int main(void)
{
	pid_t worker[WORKERS];
	double end;
	int i;

	load();
	sum = (void *)map_at(NULL, PAGE, MAP_SHARED);
	new_npu("a", 0, "on_unplug=move capable=reclaim,demotion enabled=reclaim,demotion adistance=300");
	new_npu("b", 1, "on_unplug=move");
	zram_on("256M");
	for (i = 0; i < WORKERS; i++)
		worker[i] = in_background(work, NULL);
	for (end = now() + SECONDS; now() < end;)
		disturb(worker);
	for (i = 0; i < WORKERS; i++) {
		kill(worker[i], SIGKILL);
		ended(worker[i]);
	}
	ok(sum->jobs > 20 && !sum->wrong, "%lu jobs, %lu ended early, %lu wrong", sum->jobs, sum->failed,
	   sum->wrong);
	ok(sum->jobs > 2 * sum->failed, "most of them were done");
	ok(sum->plugs && sum->resets && sum->kills, "%lu unplugs, %lu resets, %lu kills", sum->plugs, sum->resets,
	   sum->kills);
	zram_off();
	end_npu("a");
	end_npu("b");
	return done_testing();
}
