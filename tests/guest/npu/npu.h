/* SPDX-License-Identifier: GPL-2.0-only */
/* npu.h: the simulated accelerators of module npu_sim, whose memory is a node of private_node_sim. */
#ifndef NPU_H
#define NPU_H

#include <sys/ioctl.h>

#include "../devmap/waiting.h"
#include "../../../kernel/files/lib/test_npu_uapi.h"

#define NPU_SIM "/sys/kernel/npu_sim/"
#define STALE "/sys/module/npu_sim/parameters/stale"

/* The node that where() and node_file() look at. */
static void choose(int nid)
{
	memset(block_here, 0, sizeof(block_here));
	node = nid;
	find_blocks();
}

/* An accelerator whose memory is the range that was reserved as number WHICH; its node. */
__attribute__((unused))
static int new_npu(const char *name, int which, const char *more)
{
	int nid = sim_node(name, which, more);

	put(NPU_SIM "attach", name);
	choose(nid);
	return nid;
}

__attribute__((unused))
static void end_npu(const char *name)
{
	put(NPU_SIM "detach", name);
	put(SIM "remove_node", name);
}

__attribute__((unused))
static int open_npu(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/npu_%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		bail("cannot open %s", path);
	return fd;
}

static int submit(int fd, struct npu_sim_job *job)
{
	return ioctl(fd, NPU_SIM_SUBMIT, job) ? -errno : 0;
}

/* Until it is done, or has stopped. */
static struct npu_sim_wait wait_job(int fd, const struct npu_sim_job *job)
{
	struct npu_sim_wait w = { .id = job->id };

	while (ioctl(fd, NPU_SIM_WAIT, &w))
		if (errno != EINTR)
			bail("NPU_SIM_WAIT");
	return w;
}

__attribute__((unused))
static void resume(int fd, const struct npu_sim_job *job)
{
	if (ioctl(fd, NPU_SIM_RESUME, &job->id))
		bail("NPU_SIM_RESUME");
}

/* Error of the job, 0 if there was none. */
static int run(int fd, struct npu_sim_job job)
{
	int ret = submit(fd, &job);

	return ret ?: wait_job(fd, &job).error;
}

__attribute__((unused))
static int copy(int fd, void *dst, const void *a, size_t len)
{
	return run(fd, (struct npu_sim_job){ .op = NPU_SIM_COPY, .dst = (uintptr_t)dst,
					     .a = (uintptr_t)a, .len = len });
}

static uint64_t fnv(const void *p, size_t len)
{
	const uint64_t *w = p;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; len; len -= 8)
		h = (h ^ *w++) * 0x100000001b3ULL;
	return h;
}

/* Does the device see in P what this CPU sees? */
__attribute__((unused))
static bool same_hash(int fd, const void *p, size_t len)
{
	struct npu_sim_job job = { .op = NPU_SIM_HASH, .a = (uintptr_t)p, .len = len };
	struct npu_sim_wait w;

	if (submit(fd, &job))
		return false;
	w = wait_job(fd, &job);
	if (w.error || w.digest != fnv(p, len))
		printf("# error %d, digest %s\n", w.error, w.digest == fnv(p, len) ? "right" : "wrong");
	return !w.error && w.digest == fnv(p, len);
}

static struct npu_sim_advise advised;	/* result of the last advise() */

/* 0 or a negative errno */
__attribute__((unused))
static int advise(int fd, void *p, size_t len, int advice)
{
	int ret;

	advised = (struct npu_sim_advise){ .start = (uintptr_t)p, .len = len, .advice = advice };
	ret = ioctl(fd, NPU_SIM_ADVISE, &advised) ? -errno : 0;
	return ret;
}

__attribute__((unused))
static struct npu_sim_stats stats_of(int fd)
{
	struct npu_sim_stats s;

	if (ioctl(fd, NPU_SIM_STATS, &s))
		bail("NPU_SIM_STATS");
	return s;
}

/* Anonymous memory, aligned to PMD; FLAGS are those of mmap(). */
static char *map_at(void *at, size_t len, int flags)
{
	char *p = mmap(at, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of %zu bytes", len);
	return p;
}

static char *map(size_t len, int advice)
{
	char *p = map_at(NULL, len + PMD, MAP_PRIVATE | MAP_NORESERVE);
	char *at = (char *)(((uintptr_t)p + PMD - 1) / PMD * PMD);

	munmap(p, at - p);
	munmap(at + len, p + PMD - at);
	madvise(at, len, advice);
	return at;
}

static uint64_t noise_state = 88172645463325252ULL;

static uint64_t noise(void)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state;
}

static void fill(void *p, size_t len)
{
	uint64_t *w = p;

	for (; len; len -= 8)
		*w++ = noise();
}

__attribute__((unused))
static unsigned long used(int nid)
{
	char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/stat", nid);
	return number_in(path, "device_access_used ");
}

/* Both modules; where() works when the first accelerator is there. */
__attribute__((unused))
static void load(void)
{
	if (system("modprobe private_node_sim && modprobe npu_sim"))
		bail("modprobe npu_sim");
}

/*
 * For a while after memory that named the node found no room, the device's own faults bring nothing
 * there, and what they map elsewhere stays elsewhere.
 */
__attribute__((unused))
static void wait_for_guests(int fd)
{
	bool here;
	char *p;

	do {
		p = map(PMD, MADV_NOHUGEPAGE);
		fill(p, PMD);
		if (!same_hash(fd, p, PMD))
			bail("wrong hash");
		here = where(p, PMD).here;
		munmap(p, PMD);
	} while (!here);
}

#endif
