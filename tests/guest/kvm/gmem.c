// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmem: memory of virtual machines on a private node, by guest_memfd and as memory of the process; who may
 * have it, what is refused and why, and machines that run while their node is unplugged.
 *
 * vm: --node 1G --node 512M --node 128M --append private_node=1 --qemu-arg -cpu --qemu-arg EPYC,+svm,+npt
 * timeout: 300
 */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <linux/mempolicy.h>

#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/log.h"
#include "kvm.h"

#define LEN (16 * PAGE)
/* Address 0 on, with the program in it. */
#define MACHINE_LEN (64 * PAGE)

static unsigned long here;
static int vm;

static int bind_to(void *p, size_t len, int mode, unsigned long mask)
{
	return syscall(SYS_mbind, p, len, mode, &mask, 64UL, 0) ? -errno : 0;
}

static int policy(int mode, unsigned long mask)
{
	return syscall(SYS_set_mempolicy, mode, &mask, 64UL) ? -errno : 0;
}

static char *map(int fd, size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED,
		       fd, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return p;
}

static int memfd(size_t len, unsigned long long flags)
{
	int fd = memfd_new(vm, len, flags);

	if (fd < 0)
		bail("KVM_CREATE_GUEST_MEMFD");
	return fd;
}

static int allocate(int fd, off_t at, size_t len)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, at, len) ? -errno : 0;
}

static void punch(int fd, off_t at, size_t len)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, at, len))
		bail("a hole");
}

/* The free memory of the node, when pages that were freed are back. */
static bool free_is(unsigned long pages)
{
	int i;

	for (i = 0; i < 500 && node_free() != pages; i++)
		usleep(10000);
	if (node_free() != pages)
		printf("# %lu pages are free, not %lu\n", node_free(), pages);
	return node_free() == pages;
}

static bool recorded(const char *what)
{
	static char buf[1 << 16];

	return read_file("/proc/private_node_refusals", buf, sizeof(buf)) && strstr(buf, what);
}

/* Which service lets mbind() name the node: that of the memory, and no other. */
static void test_named(void)
{
	int fd = memfd(LEN, MAPPABLE);
	char *p = map(fd, LEN), *anon = map(-1, LEN);

	ok(bind_to(p, LEN, MPOL_BIND, here) == -EINVAL, "closed: mbind() of a guest_memfd is refused");
	ok(recorded("what=policy why=closed"), "... and recorded");
	enable("+user_numa");
	ok(bind_to(p, LEN, MPOL_BIND, here) == -EINVAL, "user_numa does not open the node to it");
	enable("-user_numa +guest_memfd");
	ok(bind_to(anon, LEN, MPOL_BIND, here) == -EINVAL, "guest_memfd opens it to nothing else");
	ok(!bind_to(p, LEN, MPOL_BIND, here), "... and to that");
	enable("+user_numa");
	munmap(anon, LEN);
	munmap(p, LEN);
	p = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || mmap(p, LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != p)
		bail("mmap");
	ok(bind_to(p, 2 * LEN, MPOL_BIND, here) == -EINVAL && !bind_to(p, 2 * LEN, MPOL_BIND, 1),
	   "a range of both cannot be bound to the node, and to an ordinary one it can");
	munmap(p, 2 * LEN);
	close(fd);
	enable("-user_numa -guest_memfd");
}

static void test_placed(void)
{
	unsigned long before = node_free(), used = counter("guest_memfd_used "), numa = counter("user_numa_used ");
	int fd = memfd(LEN, MAPPABLE);
	char *p = map(fd, LEN);

	enable("+guest_memfd");
	if (bind_to(p, LEN, MPOL_BIND, here))
		bail("mbind");
	ok(touch(p, LEN / 2) == LEN / 2 / PAGE && all_here(p, LEN / 2), "a fault: pages of the node");
	ok(!allocate(fd, LEN / 2, LEN / 2) && free_is(before - LEN / PAGE), "fallocate(): as many as it asked for");
	ok(counter("guest_memfd_used ") == used + LEN / PAGE && counter("user_numa_used ") == numa,
	   "counted as memory of guest_memfd alone");
	punch(fd, 0, PAGE);
	log_clear();
	enable("-guest_memfd");
	ok(!touch(p, PAGE) && bus_signal == SIGBUS, "closed: SIGBUS for a new page");
	ok(log_has("closed to it: gmem", "gets no page for its guest_memfd"), "... the log says why");
	ok(allocate(fd, 0, PAGE) == -ENOMEM, "... ENOMEM from fallocate()");
	ok(p[PAGE] == 2 && p[LEN / 2 - PAGE] == LEN / 2 / PAGE, "... what is there stays");
	enable("+guest_memfd");
	ok(touch(p, PAGE) == 1 && all_here(p, PAGE), "open again");
	munmap(p, LEN);
	close(fd);
	ok(free_is(before), "the file has gone, and all its pages");
	enable("-guest_memfd");
}

/* A file that nobody can map is bound by the policy of its task, when it is made. */
static void test_made(void)
{
	unsigned long before = node_free();
	int fd;

	enable("+user_numa");
	if (policy(MPOL_BIND, here))
		bail("set_mempolicy");
	log_clear();
	fd = memfd_new(vm, LEN, 0);
	ok(fd < 0 && errno == EOPNOTSUPP, "closed, and the task is bound to it: no new file");
	ok(log_has("closed to it", "gets no guest_memfd"), "... the log says why");
	if (fd >= 0)
		close(fd);
	if (policy(MPOL_PREFERRED, here))
		bail("set_mempolicy");
	fd = memfd(LEN, 0);
	ok(!allocate(fd, 0, LEN) && free_is(before), "the task prefers it: ordinary memory");
	close(fd);
	enable("+guest_memfd");
	if (policy(MPOL_BIND, here))
		bail("set_mempolicy");
	fd = memfd(LEN, 0);
	policy(MPOL_DEFAULT, 0);
	ok(!allocate(fd, 0, LEN) && free_is(before - LEN / PAGE), "open: the file has the node's memory, for good");
	close(fd);
	fd = memfd(LEN, 0);
	ok(!allocate(fd, 0, LEN) && free_is(before), "a file without a policy has ordinary memory");
	close(fd);
	enable("-user_numa -guest_memfd");
}

static void test_full(void)
{
	size_t len = (node_free() + 1) * PAGE;
	int fd = memfd(len, MAPPABLE), ret;
	unsigned long fallback;
	char *p = map(fd, len);

	enable("+guest_memfd");
	if (bind_to(p, len, MPOL_BIND, here))
		bail("mbind");
	log_clear();
	ret = allocate(fd, 0, len);
	ok(ret == -ENOMEM && !node_free(), "a page more than there is: ENOMEM, and the node is full (%d)", ret);
	ok(log_has("full", "gets no page for its guest_memfd"), "... the log says why");
	ok(!touch(p + len - PAGE, PAGE) && bus_signal == SIGBUS, "... SIGBUS for an access");
	fallback = counter("fallback ");
	set_on_full("fallback:0");
	ok(!allocate(fd, len - PAGE, PAGE) && counter("fallback ") == fallback + 1, "on_full=fallback: of the node it names");
	set_on_full("fail");
	munmap(p, len);
	close(fd);
	enable("-guest_memfd");
}

/* Both pages that the program uses.  What only the machine has used is not mapped by the process yet. */
static bool is_here(const struct machine *m)
{
	volatile char *p = m->mem;

	(void)(p[CODE_AT] + p[WORD_AT]);
	return all_here(m->mem + CODE_AT, 2 * PAGE);
}

static int unplug(const char *how)
{
	put(node_file("on_unplug"), how);
	return write_file(node_file("boot_memory"), "offline") ? 0 : -errno;
}

static void plug(void)
{
	put(node_file("boot_memory"), "online");
	find_blocks();
}

/* Its processor is ready, and does not run yet. */
static void machine_ready(struct machine *m, int fd)
{
	machine_memory(m, fd, MACHINE_LEN);
	machine_cpu(m);
	machine_program(m);
}

static void machine_run(struct machine *m, int fd)
{
	machine_ready(m, fd);
	machine_start(m);
}

/* A machine with a guest_memfd that is bound to the node; returns the file. */
static int machine_of_gmem(struct machine *m)
{
	int fd;

	m->vm = machine_new();
	fd = memfd_new(m->vm, MACHINE_LEN, MAPPABLE);
	if (fd < 0)
		bail("KVM_CREATE_GUEST_MEMFD");
	enable("+guest_memfd");
	m->mem = map(fd, MACHINE_LEN);
	if (bind_to(m->mem, MACHINE_LEN, MPOL_BIND, here))
		bail("mbind");
	return fd;
}

/* A machine that runs from the node: it cannot move, so it is named, and runs on. */
static void test_stays(void)
{
	static const char *const hows[] = { "refuse", "move", "sigbus" };
	struct machine m = {};
	int fd = machine_of_gmem(&m);
	char by[64];
	size_t i;

	machine_run(&m, fd);
	ok(machine_runs(&m), "a machine runs");
	ok(is_here(&m), "... from the node");
	snprintf(by, sizeof(by), "one by pid %d (gmem)", getpid());
	for (i = 0; i < 3; i++) {
		log_clear();
		ok(unplug(hows[i]) == -EBUSY && log_has("memory of virtual machines", by),
		   "on_unplug=%s: refused, and the log names the process", hows[i]);
		ok(machine_runs(&m), "... the machine runs on");
	}
	machine_stop(&m);
	ok(machine_counted(&m), "... and nothing of it was lost: %lu turns", m.turns);
	munmap(m.mem, MACHINE_LEN);
	snprintf(by, sizeof(by), "open in pid %d (gmem)", getpid());
	log_clear();
	ok(unplug("sigbus") == -EBUSY && log_has("memory of virtual machines", by), "not mapped: who has it open");
	close(fd);
	machine_end(&m);
	ok(!unplug("refuse"), "it has ended: unplugged");
	plug();
	enable("-guest_memfd");
}

/* The same with memory of the process, as QEMU's memory-backend-ram has it: it moves under the machine. */
static void test_moves(void)
{
	struct machine m = { .vm = machine_new() };

	enable("+user_numa");
	m.mem = map(-1, MACHINE_LEN);
	if (bind_to(m.mem, MACHINE_LEN, MPOL_BIND, here))
		bail("mbind");
	machine_run(&m, -1);
	ok(machine_runs(&m) && is_here(&m), "a machine with memory of the process");
	ok(unplug("refuse") == -EBUSY && machine_runs(&m), "on_unplug=refuse: refused, it runs on");
	ok(!unplug("move"), "on_unplug=move: unplugged");
	ok(machine_runs(&m), "... it runs on, in ordinary memory");
	machine_stop(&m);
	ok(machine_counted(&m), "... and nothing of it was lost: %lu turns", m.turns);
	munmap(m.mem, MACHINE_LEN);
	machine_end(&m);
	put(node_file("on_unplug"), "refuse");
	plug();
	enable("-user_numa");
}

/* The same with a mapping of the device, as QEMU's memory-backend-file has it. */
static void test_device_map(void)
{
	struct machine m = { .vm = machine_new() };
	int fd = open_dev();

	m.mem = map(fd, MACHINE_LEN);
	machine_run(&m, -1);
	ok(machine_runs(&m) && is_here(&m), "a machine with a mapping of the device");
	ok(unplug("refuse") == -EBUSY && machine_runs(&m), "on_unplug=refuse: refused, it runs on");
	machine_stop(&m);
	ok(machine_counted(&m), "... and nothing of it was lost: %lu turns", m.turns);
	munmap(m.mem, MACHINE_LEN);
	close(fd);
	machine_end(&m);
}

/* A processor that finds no page: KVM_RUN fails, and the machine can go on later. */
static void test_run_refused(void)
{
	struct machine m = {};
	int fd = machine_of_gmem(&m);

	machine_ready(&m, fd);
	enable("-guest_memfd");
	log_clear();
	ok(machine_turn(&m) == ENOMEM, "closed under a machine: KVM_RUN fails with ENOMEM");
	ok(log_has("closed to it", "gets no page for its guest_memfd"), "... the log says why");
	enable("+guest_memfd");
	ok(!machine_turn(&m) && !machine_turn(&m), "open again: it runs");
	munmap(m.mem, MACHINE_LEN);
	close(fd);
	machine_end(&m);
	enable("-guest_memfd");
}

int main(void)
{
	const char *why = kvm_load();
	unsigned long before;

	if (why) {
		skip(why, "virtual machines");
		return done_testing();
	}
	find_node();
	here = 1UL << node;
	vm = machine_new();
	before = node_free();
	test_named();
	test_placed();
	test_made();
	test_full();
	test_run_refused();
	test_stays();
	test_moves();
	test_device_map();
	close(vm);
	ok(free_is(before), "at the end the node is free");
	return done_testing();
}
