// SPDX-License-Identifier: GPL-2.0-only
/* Memory policies by system call, file system option and numactl. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <unistd.h>

#include "leak.h"

#define SIZE (4 * MIB)
#define NR_SET_HOME_NODE 450
#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* row.a: mode and flags; row.b: 0 the node alone, 1 all nodes; row.d: kind of call */
enum { TASK, RANGE, MOVE };

static unsigned long nodes_of(const struct ctx *c)
{
	return c->row->b ? c->ordinary | c->candidates : 1UL << c->node;
}

static void fault_in(const struct ctx *c, void *p, size_t size)
{
	touch(p, size);
	/* a node that the mask names beside others is taken when those are exhausted */
	if (c->full)
		touch(map_anon(64 * MIB), 64 * MIB);
}

/* Node numbers are relative to the allowed ones with MPOL_F_RELATIVE_NODES. */
static unsigned long relative(const struct ctx *c, unsigned long mask)
{
	unsigned long all = c->ordinary | c->candidates, out = 0;
	int n, i = 0;

	if (!(c->row->a & MPOL_F_RELATIVE_NODES))
		return mask;
	for (n = 0; n < MAX_NODES; n++)
		if (all >> n & 1) {
			if (mask >> n & 1)
				out |= 1UL << i;
			i++;
		}
	return out;
}

static int mode(struct ctx *c)
{
	size_t size = c->full ? 64 * MIB : SIZE;
	unsigned long mask = relative(c, nodes_of(c));
	void *p = map_anon(size);
	long err;

	if (c->row->d == MOVE) {
		touch_on(c->ordinary, p, size);
		mark();
	}
	if (c->row->d == TASK)
		err = syscall(SYS_set_mempolicy, c->row->a, &mask, MAX_NODES + 1);
	else
		err = syscall(SYS_mbind, p, size, c->row->a, &mask, MAX_NODES + 1,
			      c->row->d == MOVE ? MPOL_MF_MOVE : 0);
	if (err)
		note_errno(c->row->d == TASK ? "set_mempolicy" : "mbind");
	fault_in(c, p, size);
	return DONE;
}

/* Every mode with every flag, by both calls; made by a table so that none is forgotten. */
const struct row *mode_rows(void)
{
	static const struct {
		unsigned long mode;
		const char *name;
		bool alone, all, full;
	} modes[] = {
		{ MPOL_BIND, "bind", true, false, true },
		{ MPOL_PREFERRED, "preferred", true, false, false },
		{ MPOL_PREFERRED_MANY, "preferred-many", true, false, true },
		{ MPOL_INTERLEAVE, "interleave", true, true, false },
		{ 6 /* MPOL_WEIGHTED_INTERLEAVE */, "weighted-interleave", true, true, false },
	};
	static const struct {
		unsigned long flag;
		const char *name;
	} flags[] = {
		{ 0, "" },
		{ MPOL_F_STATIC_NODES, "-static" },
		{ MPOL_F_RELATIVE_NODES, "-relative" },
		{ MPOL_F_NUMA_BALANCING, "-balancing" },
	};
	static const char *const calls[] = { "set_mempolicy", "mbind", "mbind-move" };
	static struct row rows[160];
	static char names[160][64];
	unsigned int i, m, f, d, all, n = 0;

	if (rows[0].name)
		return rows;
	for (i = 0; i < NR(calls) * NR(modes) * NR(flags) * 2; i++) {
		unsigned int how = NAMED;

		/* In this order: the last changes first. */
		all = i % 2;
		f = i / 2 % NR(flags);
		m = i / 2 / NR(flags) % NR(modes);
		d = i / 2 / NR(flags) / NR(modes);
		if (all && d == MOVE)
			continue;
		if (all && !modes[m].all) {
			if (!modes[m].full || f)
				continue;
			how = FULL;
		}
		if (flags[f].flag == MPOL_F_NUMA_BALANCING && modes[m].mode != MPOL_BIND &&
		    modes[m].mode != MPOL_PREFERRED_MANY)
			continue;
		snprintf(names[n], sizeof(names[n]), "%s-%s%s%s", calls[d], modes[m].name,
			 flags[f].name, all ? "-all" : "");
		rows[n] = (struct row){ names[n], mode, how, 400, modes[m].mode | flags[f].flag,
					all, d, NULL };
		if (!f && d != MOVE && !all)
			rows[n].flags |= QUICK;
		n++;
	}
	return rows;
}

/* Not by name, but by where it runs: local is the processor's node, or the next with memory. */
static int local(struct ctx *c)
{
	if (syscall(SYS_set_mempolicy, c->row->a, NULL, 0))
		note_errno("set_mempolicy");
	touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

static int home_node(struct ctx *c)
{
	unsigned long mask = c->ordinary | c->candidates;
	void *p = map_anon(SIZE);

	if (syscall(SYS_mbind, p, SIZE, c->row->a, &mask, MAX_NODES + 1, 0))
		note_errno("mbind");
	if (syscall(NR_SET_HOME_NODE, p, SIZE, c->node, 0))
		note_errno("set_mempolicy_home_node");
	touch(p, SIZE);
	return DONE;
}

/* The weight of a node is a file; it must not bring a node in. */
static int weight(struct ctx *c)
{
	unsigned long mask = c->ordinary | c->candidates;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/mm/mempolicy/weighted_interleave/node%d",
		 c->node);
	if (!write_file(path, "20"))
		note_errno("weight");
	if (syscall(SYS_set_mempolicy, 6, &mask, MAX_NODES + 1))
		note_errno("set_mempolicy");
	touch(map_anon(SIZE), SIZE);
	write_file(path, "0");
	return DONE;
}

/* A policy of an object: shared memory, memfd, tmpfs file, huge pages. */
static int shared_policy(struct ctx *c)
{
	size_t size = SIZE;
	void *p = MAP_FAILED;
	int id;

	if (c->row->a == 0) {
		id = shmget(IPC_PRIVATE, size, 0600);
		p = shmat(id, NULL, 0);
		shmctl(id, IPC_RMID, NULL);
	} else if (c->row->a == 1) {
		id = memfd_create("leak", 0);
		(void)!ftruncate(id, size);
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, id, 0);
	} else {
		write_file("/proc/sys/vm/nr_overcommit_hugepages", "8");
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	}
	if (p == MAP_FAILED)
		return note_errno("map"), DONE;
	if (!bind_range(p, size, 1UL << c->node))
		note_errno("mbind");
	touch(p, size);
	return DONE;
}

static int tmpfs_mpol(struct ctx *c)
{
	static char buf[65536];
	char opts[64];
	int fd, i;

	if (!scratch())
		return skip_row("tmpfs: cannot be mounted");
	snprintf(opts, sizeof(opts), "mpol=%s:%d", c->row->text, c->node);
	if (mount("scratch", "/mnt", "tmpfs", 0, opts))
		note_errno(opts);
	fd = open("/mnt/file", O_CREAT | O_RDWR, 0600);
	for (i = 0; i < 64; i++)
		(void)!write(fd, buf, sizeof(buf));
	return DONE;
}

/* row.text: option, with its node list behind '=' in which N is the node */
static int numactl(struct ctx *c)
{
	char option[64], *n;
	char *const argv[] = { "numactl", option, "dd", "if=/dev/zero", "of=/dev/null", "count=1",
			       c->full ? "bs=64M" : "bs=4M", NULL };
	int status;

	snprintf(option, sizeof(option), "%s", c->row->text);
	n = strstr(option, "=N");
	if (n)
		sprintf(n + 1, "%d", c->node);
	status = wait_program(run_program(argv));
	if (status == 127)
		return skip_row("numactl: not installed");
	if (status)
		note("numactl: exit %d", status);
	return DONE;
}

const struct row policy_rows[] = {
	{ "set_mempolicy-default", local, FULL, 1000, MPOL_DEFAULT },
	{ "set_mempolicy-local", local, FULL, 1000, MPOL_LOCAL },
	{ "home-node-bind", home_node, NAMED | QUICK, 400, MPOL_BIND },
	{ "home-node-preferred-many", home_node, NAMED, 400, MPOL_PREFERRED_MANY },
	{ "weighted-interleave-weight", weight, NAMED, 400 },
	{ "sysv-shm-mbind", shared_policy, NAMED, 400, 0 },
	{ "memfd-mbind", shared_policy, NAMED, 400, 1 },
	{ "hugetlb-mbind", shared_policy, NAMED, 1, 2 },
	{ "tmpfs-mpol-bind", tmpfs_mpol, NAMED | QUICK, 400, 0, 0, 0, "bind" },
	{ "tmpfs-mpol-prefer", tmpfs_mpol, NAMED, 400, 0, 0, 0, "prefer" },
	{ "tmpfs-mpol-interleave", tmpfs_mpol, NAMED, 400, 0, 0, 0, "interleave" },
	{ "tmpfs-mpol-bind-static", tmpfs_mpol, NAMED, 400, 0, 0, 0, "bind=static" },
	{ "numactl-interleave-all", numactl, NAMED | QUICK | SHORT, 200, 0, 0, 0,
	  "--interleave=all" },
	{ "numactl-membind", numactl, NAMED | QUICK | SHORT, 400, 0, 0, 0, "--membind=N" },
	{ "numactl-membind-all", numactl, FULL, 400, 0, 0, 0, "--membind=all" },
	{ "numactl-preferred", numactl, NAMED, 400, 0, 0, 0, "--preferred=N" },
	{ "numactl-preferred-many", numactl, NAMED, 400, 0, 0, 0, "--preferred-many=N" },
	{ "numactl-localalloc", numactl, FULL, 400, 0, 0, 0, "--localalloc" },
	{}
};
