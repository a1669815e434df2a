// SPDX-License-Identifier: GPL-2.0-only
/*
 * jobs: an accelerator on a private node works on memory of a process, which moves to the node and
 * back: kernels, advice, what moves and what stays, a full node, wrong requests.
 *
 * vm: --cpus 2 --node 1G --node 256M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/uio.h>

#include "npu.h"

#define LEN (8 * MIB)

static int fd;

static long bind_to(void *p, size_t len, unsigned long mask)
{
	return syscall(SYS_mbind, p, len, mask ? MPOL_BIND : MPOL_DEFAULT, mask ? &mask : NULL,
		       mask ? 64UL : 0UL, 0);
}

static char *filled(size_t len, int advice)
{
	char *p = map(len, advice);

	fill(p, len);
	return p;
}

static bool nowhere_near(const void *p, size_t len)
{
	struct where w = where(p, len);

	if (w.here)
		printf("# %lu pages are on the node\n", w.here);
	return !w.here && w.elsewhere == len / PAGE;
}

static void test_kernels(int advice, const char *kind)
{
	char *a = filled(LEN, advice), *b = filled(LEN, advice), *c = map(LEN, advice);
	struct npu_sim_job add = { .op = NPU_SIM_ADD, .dst = (uintptr_t)c, .a = (uintptr_t)a,
				   .b = (uintptr_t)b, .len = LEN };
	struct npu_sim_stats s;
	uint32_t *x = (void *)a, *y = (void *)b, *z = (void *)c;
	unsigned long i, wrong = 0;

	ok(nowhere_near(a, LEN), "%s: control: memory is in DRAM at first", kind);
	ok(!copy(fd, c, a, LEN) && !memcmp(a, c, LEN), "%s: copy", kind);
	ok(all_here(a, LEN) && all_here(c, LEN), "%s: what it read and wrote is on the node", kind);
	ok(nowhere_near(b, LEN), "%s: what it did not use is not", kind);
	ok(!run(fd, add), "%s: add", kind);
	for (i = 0; i < LEN / 4; i++)
		wrong += z[i] != x[i] + y[i];
	ok(!wrong, "%s: all sums are right, %lu wrong", kind, wrong);
	ok(same_hash(fd, c, LEN), "%s: hash", kind);
	fill(a + MIB, MIB);
	ok(same_hash(fd, a, LEN) && all_here(a, LEN), "%s: a CPU stores in place, the device sees it", kind);
	s = stats_of(fd);
	ok(s.local && s.faults && s.moved >= 3 * LEN / PAGE, "%s: %llu faults moved %llu pages", kind,
	   s.faults, s.moved);
	munmap(a, LEN);
	munmap(b, LEN);
	munmap(c, LEN);
	s = stats_of(fd);
	ok(!s.mapped, "%s: no translation is left, %llu are", kind, s.mapped);
}

static void test_matmul(void)
{
	enum { M = 37, N = 90, K = 1300 };
	char *p = filled(MIB, MADV_NOHUGEPAGE);
	int8_t *a = (void *)p, *b = a + M * K;
	int32_t *c = (void *)(p + 512 * 1024), sum;
	int i, j, k, wrong = 0;

	ok(!run(fd, (struct npu_sim_job){ .op = NPU_SIM_MATMUL, .dst = (uintptr_t)c, .a = (uintptr_t)a,
					  .b = (uintptr_t)b, .m = M, .n = N, .k = K }), "matmul");
	for (i = 0; i < M; i++)
		for (j = 0; j < N; j++) {
			for (sum = 0, k = 0; k < K; k++)
				sum += a[i * K + k] * b[k * N + j];
			wrong += sum != c[i * N + j];
		}
	ok(!wrong, "matmul: %d of %d are wrong", wrong, M * N);
	munmap(p, MIB);
}

/* Would the tests notice a translation that is not dropped? */
static void test_stale(void)
{
	char *p = filled(MIB, MADV_NOHUGEPAGE);
	bool right;

	right = same_hash(fd, p, MIB);
	madvise(p, MIB, MADV_DONTNEED);
	fill(p, MIB);
	ok(right && same_hash(fd, p, MIB), "new memory at an old address is seen");
	put(STALE, "1");
	madvise(p, MIB, MADV_DONTNEED);
	fill(p, MIB);
	ok(!same_hash(fd, p, MIB), "control: it is not, when the device keeps its translations");
	put(STALE, "0");
	munmap(p, MIB);
	ok(!stats_of(fd).mapped, "... which are dropped with the mapping");
}

static unsigned long event(const char *name)
{
	return number_in("/proc/vmstat", name);
}

static void test_whole(void)
{
	char *p = filled(PMD, MADV_HUGEPAGE);
	unsigned long split = event("thp_split_page ");
	struct npu_sim_stats before = stats_of(fd), s;

	ok(same_hash(fd, p + 100 * PAGE, PAGE) && all_here(p, PMD), "a huge page moves whole");
	s = stats_of(fd);
	ok(s.moved - before.moved == 512 && event("thp_split_page ") == split,
	   "... not in pieces: %llu pages", s.moved - before.moved);
	munmap(p, PMD);
}

static void test_advice(int advice, const char *kind)
{
	char *p = filled(LEN, advice), *q;
	struct npu_sim_stats before, s;

	ok(!advise(fd, p, LEN, NPU_SIM_DEVICE) && all_here(p, LEN) && advised.on_node == LEN / PAGE &&
	   advised.moved == LEN / PAGE, "%s: prefer device: moves at once", kind);
	ok(!advise(fd, p, LEN, NPU_SIM_DEVICE) && !advised.moved, "%s: ... and only once", kind);
	ok(same_hash(fd, p, LEN), "%s: ... and is right", kind);
	ok(!advise(fd, p, LEN, NPU_SIM_HOST) && nowhere_near(p, LEN) && !advised.on_node,
	   "%s: prefer host: moves back", kind);
	before = stats_of(fd);
	ok(same_hash(fd, p, LEN) && nowhere_near(p, LEN), "%s: ... and stays when the device uses it", kind);
	s = stats_of(fd);
	ok(s.moved == before.moved && s.remote - before.remote == LEN / PAGE, "%s: ... which reaches it there",
	   kind);
	ok(!advise(fd, p, LEN / 2, NPU_SIM_KEEP) && same_hash(fd, p, LEN / 2) && nowhere_near(p, LEN / 2),
	   "%s: keep: stays", kind);
	ok(!advise(fd, p, LEN, NPU_SIM_NONE) && nowhere_near(p, LEN) && same_hash(fd, p, LEN) &&
	   nowhere_near(p, LEN), "%s: no advice: translations that are valid stay in use", kind);
	munmap(p, LEN);
	q = map(LEN, advice);
	ok(!advise(fd, q, LEN, NPU_SIM_DEVICE) && all_here(q, LEN), "%s: prefer device: holes are filled", kind);
	ok(q[5 * PAGE] == 0 && same_hash(fd, q, LEN), "%s: ... with zeroes", kind);
	munmap(q, LEN);
}

/* A job by default is right, moves nothing; and a request for the range says EPERM. */
static void stays(char *p, size_t len, const char *kind)
{
	struct where before = where(p, len), after;
	int ret;

	ok(same_hash(fd, p, len), "%s: the device reads it where it is", kind);
	ret = advise(fd, p, len, NPU_SIM_DEVICE);
	after = where(p, len);
	ok(ret == -EPERM && advised.refused >= len / PAGE && !advised.moved && !after.here &&
	   after.elsewhere == before.elsewhere, "%s: stays, and is told: %s, %llu pages", kind, strerror(-ret),
	   advised.refused);
}

static void bind_home(void *p)
{
	bind_to(p, MIB, 1);
}

static void test_policies(void)
{
	char *p = filled(MIB, MADV_NOHUGEPAGE);
	pid_t child;

	bind_to(p, MIB, 1);
	stays(p, MIB, "bound to node 0");
	bind_to(p, MIB, 0);
	ok(!advise(fd, p, MIB, NPU_SIM_DEVICE) && all_here(p, MIB), "control: without the bind it moves");
	munmap(p, MIB);

	p = filled(MIB, MADV_NOHUGEPAGE);
	child = start_child(bind_home, NULL, p);
	stays(p, MIB, "bound by another process");
	kill(child, SIGKILL);
	ended(child);
	ok(!advise(fd, p, MIB, NPU_SIM_DEVICE) && all_here(p, MIB), "control: when that is gone it moves");
	munmap(p, MIB);
}

static void test_kinds(void)
{
	int file = open("/proc/self/exe", O_RDONLY), mem = memfd_create("npu", 0);
	size_t len = 4 * PAGE;
	char *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, file, 0), c;
	unsigned long i;

	for (c = 0, i = 0; i < len; i += PAGE)
		c += *(volatile char *)(p + i);
	stays(p, len, "page cache");
	munmap(p, len);
	close(file);

	if (ftruncate(mem, MIB))
		bail("ftruncate");
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	fill(p, MIB);
	ok(same_hash(fd, p, MIB) && all_here(p, MIB), "shared memory moves");
	munmap(p, MIB);
	close(mem);

	p = filled(MIB, MADV_NOHUGEPAGE);
	ok(!mlock(p, MIB) && !advise(fd, p, MIB, NPU_SIM_DEVICE) && all_here(p, MIB), "locked memory moves");
	munmap(p, MIB);
}

/* A page that a pipe holds. */
static void test_held(void)
{
	char *p = filled(MIB, MADV_NOHUGEPAGE), buf[PAGE];
	struct iovec iov = { p + 7 * PAGE, PAGE };
	int pipes[2], ret;

	if (pipe(pipes) || vmsplice(pipes[1], &iov, 1, 0) != (ssize_t)PAGE)
		bail("vmsplice");
	ret = advise(fd, p, MIB, NPU_SIM_DEVICE);
	ok(ret == -EBUSY && advised.on_node == MIB / PAGE - 1 && advised.pages == MIB / PAGE,
	   "held by a pipe: %s, %llu of %llu pages moved", strerror(-ret), advised.on_node, advised.pages);
	ok(same_hash(fd, p, MIB), "held by a pipe: the device reads it all");
	if (read(pipes[0], buf, PAGE) != (ssize_t)PAGE)
		bail("pipe");
	ok(!memcmp(buf, p + 7 * PAGE, PAGE) && !advise(fd, p, MIB, NPU_SIM_DEVICE) && all_here(p, MIB),
	   "... and when it is let go, the rest");
	close(pipes[0]);
	close(pipes[1]);
	munmap(p, MIB);
}

static void test_full(void)
{
	unsigned long room = node_number("total_bytes");
	char *p = filled(room + 16 * MIB, MADV_NOHUGEPAGE), *q;
	uint64_t before = fnv(p, room + 16 * MIB);
	int ret;

	ret = advise(fd, p, room + 16 * MIB, NPU_SIM_DEVICE);
	ok(ret == -ENOSPC && advised.on_node == where(p, room + 16 * MIB).here &&
	   advised.on_node >= room / PAGE * 99 / 100, "a full node: %s, %llu of %lu pages", strerror(-ret),
	   advised.on_node, room / PAGE);
	ok(fnv(p, room + 16 * MIB) == before, "... all of it is intact");
	ok(same_hash(fd, p + room, 16 * MIB), "... and the device uses the rest in place");
	ok(stats_of(fd).full, "... which is counted");
	/* Sent there by the user: does not give way to what the device happens to use. */
	q = filled(LEN, MADV_NOHUGEPAGE);
	ok(same_hash(fd, q, LEN) && nowhere_near(q, LEN) && where(p, room + 16 * MIB).here == advised.on_node,
	   "what a user sent there is not displaced by a job");
	munmap(p, room + 16 * MIB);
	munmap(q, LEN);

	wait_for_guests(fd);
	p = filled(room + 16 * MIB, MADV_NOHUGEPAGE);
	ok(same_hash(fd, p, room + 16 * MIB) && where(p, room + 16 * MIB).here >= room / PAGE * 9 / 10,
	   "a job fills the node");
	q = filled(LEN, MADV_NOHUGEPAGE);
	ok(!advise(fd, q, LEN, NPU_SIM_DEVICE) && all_here(q, LEN), "... and gives way to what a user sends there");
	ok(same_hash(fd, p, room + 16 * MIB), "... intact");
	munmap(p, room + 16 * MIB);
	munmap(q, LEN);
}

static void test_wrong(void)
{
	char *p = filled(4 * PAGE, MADV_NOHUGEPAGE);
	struct npu_sim_job bad = { .op = NPU_SIM_HASH, .a = (uintptr_t)p, .len = 12 };
	int other;

	ok(submit(fd, &bad) == -EINVAL, "a length that is no multiple of 8: EINVAL");
	bad.len = ~7ULL;
	ok(submit(fd, &bad) == -EINVAL, "a length that wraps: EINVAL");
	bad.op = NPU_SIM_NR_OPS;
	ok(submit(fd, &bad) == -EINVAL, "no such kernel: EINVAL");
	ok(advise(fd, p + 1, PAGE, NPU_SIM_DEVICE) == -EINVAL, "advice for part of a page: EINVAL");
	ok(advise(fd, p, PAGE, NPU_SIM_NR_ADVICES) == -EINVAL, "no such advice: EINVAL");
	munmap(p + 2 * PAGE, PAGE);
	ok(advise(fd, p, 4 * PAGE, NPU_SIM_DEVICE) == -EFAULT && advised.on_node == 3,
	   "a hole between mappings: EFAULT, the rest has moved");
	ok(copy(fd, p + 2 * PAGE, p, PAGE) == -EFAULT, "a job that writes where nothing is mapped: EFAULT");
	mprotect(p, PAGE, PROT_READ);
	ok(copy(fd, p, p + PAGE, PAGE) == -EPERM, "a job that writes to read-only memory: EPERM");
	mprotect(p, PAGE, PROT_NONE);
	ok(copy(fd, p + PAGE, p, PAGE) == -EFAULT, "a job that reads what nobody may: EFAULT");
	other = fork();
	if (!other)
		_exit(submit(fd, &(struct npu_sim_job){ .op = NPU_SIM_HASH, .a = (uintptr_t)p, .len = 8 }) != -EPERM);
	ok(!ended(other), "a child may not use the file of its parent: EPERM");
	munmap(p, 4 * PAGE);
}

int main(void)
{
	unsigned long before;

	load();
	new_npu("a", 0, "");
	fd = open_npu("a");
	before = used(node);
	test_kernels(MADV_NOHUGEPAGE, "4k");
	test_kernels(MADV_HUGEPAGE, "2M");
	test_matmul();
	test_stale();
	test_whole();
	test_advice(MADV_NOHUGEPAGE, "4k");
	test_advice(MADV_HUGEPAGE, "2M");
	test_policies();
	test_kinds();
	test_held();
	test_full();
	test_wrong();
	ok(used(node) > before, "device_access_used went up by %lu", used(node) - before);
	ok(write_file(NPU_SIM "detach", "a") == false && errno == EBUSY, "detach while it is open: EBUSY");
	close(fd);
	forget_translations();
	ok(node_free() * PAGE == node_number("total_bytes"), "nothing is left on the node");
	end_npu("a");
	return done_testing();
}
