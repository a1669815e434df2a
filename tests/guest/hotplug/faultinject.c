// SPDX-License-Identifier: GPL-2.0-only
/*
 * faultinject: every allocation that an operation makes fails once, by /proc/self/fail-nth.
 *
 *   faultinject NAME RANGES EVERY [OPERATION[:EVERY]...]
 *
 * NAME and RANGES are for the simulated node.  Each operation first runs without a fault, which
 * tells what it changes and how often it allocates; then once for each of these allocations, or
 * for every EVERYth.  It fails with an errno, and all is as before; or it did without, and all is as
 * after the run without a fault.  Then it works.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <sys/uio.h>
#include <time.h>

#include "../devmap/devmap.h"

#define SIM "/sys/kernel/private_node_sim"
#define CRAM "/sys/kernel/cram_sim"
#define DEBUG "/sys/kernel/debug"
#define CGROUP "/tmp/fault-cg"
#define LEN (16 * PAGE)
#define MANY 1000000UL
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct operation {
	const char *name;
	void (*prepare)(void);
	long (*run)(void);	/* 0, or -1 and errno */
	void (*undo)(void);	/* what base() does not do */
	bool bare;		/* without base(): there is no node */
};

static const char *name, *ranges;
static unsigned long mask, every;
static char *mem;
static bool full;
static int fail_nth, dev = -1;
static char before[1 << 16], after[1 << 16], now[1 << 16];

/* -- the state of all that an operation may change ---------------------------------------------- */

static void add_file(char *to, size_t size, const char *path)
{
	char buf[1 << 14];
	size_t len = strlen(to);

	if (!read_file(path, buf, sizeof(buf)))
		snprintf(buf, sizeof(buf), "errno %d\n", errno);
	snprintf(to + len, size - len, "%s: %s", path, buf);
}

/* What the pinned kernel does without when it cannot be made, in a node's directory. */
static bool best_effort(const char *file)
{
	return !strcmp(file, "hugepages") || !strcmp(file, "compact") || !strcmp(file, "reclaim") ||
		(!strncmp(file, "memory", 6) && isdigit(file[6]));
}

static bool in_node(const char *file)
{
	return file[0] != '.' && !best_effort(file);
}

static bool is_block(const char *file)
{
	return !strncmp(file, "memory", 6);
}

static bool is_group(const char *file)
{
	return !strcmp(file, "fault");
}

static bool is_file(const char *file)
{
	return file[0] != '.';
}

static void add_dir(char *to, size_t size, const char *path, bool (*needed)(const char *file))
{
	struct dirent **all;
	int i, n = scandir(path, &all, NULL, alphasort);

	for (i = 0; i < n; i++) {
		size_t len = strlen(to);

		if (needed(all[i]->d_name))
			snprintf(to + len, size - len, "%s/%s\n", path, all[i]->d_name);
		free(all[i]);
	}
	if (n >= 0)
		free(all);
}

static void state(char *to, size_t size)
{
	static const char *const files[] = { SIM "/nodes", SIM "/held", NODE_DIR "/online", NODE_DIR "/has_memory",
		NODE_DIR "/has_private_memory", "/proc/iomem", "/sys/kernel/mm/cram/nodes" };
	static const char *const mine[] = { "owner", "capable", "enabled", "on_full", "on_unplug", "access", "total_bytes",
		"free_bytes_exact" };
	static const char *const sets[] = { "cpuset.mems", "cpuset.mems.effective", "cpuset.mems.sysram",
		"cpuset.mems.sysram.effective", "cgroup.procs" };
	char path[128];
	size_t i;

	to[0] = '\0';
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_file(to, size, files[i]);
	for (i = 0; node >= 0 && i < sizeof(mine) / sizeof(mine[0]); i++)
		add_file(to, size, node_file(mine[i]));
	add_dir(to, size, "/dev/private_node", is_file);
	add_dir(to, size, CRAM, is_file);
	snprintf(path, sizeof(path), NODE_DIR "/node%d", node);
	add_dir(to, size, path, in_node);
	add_dir(to, size, "/sys/devices/system/memory", is_block);
	add_dir(to, size, CGROUP, is_group);
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		snprintf(path, sizeof(path), CGROUP "/fault/%s", sets[i]);
		add_file(to, size, path);
	}
	snprintf(to + strlen(to), size - strlen(to), "kswapd %d, kcompactd %d\n", has_thread("kswapd"),
		 has_thread("kcompactd"));
}

/* The first line that is not the same. */
static bool same(const char *want, const char *got)
{
	size_t i = 0, line = 0;

	while (want[i] && want[i] == got[i])
		if (want[i++] == '\n')
			line = i;
	if (want[i] == got[i])
		return true;
	printf("#   want %.*s\n#   got  %.*s\n", (int)strcspn(want + line, "\n"), want + line,
	       (int)strcspn(got + line, "\n"), got + line);
	return false;
}

/* -- the operations --------------------------------------------------------------------------- */

static bool sim(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), SIM "/%s", file);
	return write_file(path, name);
}

static void must(bool good, const char *what)
{
	if (!good)
		bail("%s", what);
}

static void nothing(void)
{
}

/* False when there is none; what was found before stays, so that states compare. */
static bool find_sim_node(void)
{
	char buf[4096], text[64], *p;

	snprintf(text, sizeof(text), "name=%s nid=", name);
	read_file(SIM "/nodes", buf, sizeof(buf));
	p = strstr(buf, text);
	if (!p)
		return false;
	node = atoi(p + strlen(text));
	mask = 1UL << node;
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/%s", name);
	return true;
}

static long do_register(void)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "name=%s ranges=%s capable=user_numa,reclaim,compaction,longterm_pin enabled=user_numa on_unplug=move",
		 name, ranges);
	return write_file(SIM "/new_node", text) ? 0 : -1;
}

static long do_cram(void)
{
	char text[512];

	snprintf(text, sizeof(text), "name=%s range=%s physical=64M algorithm=zstd mode=slow,understated", name, ranges);
	return write_file(CRAM "/new_device", text) ? 0 : -1;
}

static void undo_cram(void)
{
	if (!write_file(CRAM "/remove_device", name) && errno != ENOENT)
		bail("remove_device");
}

static void do_remove(void)
{
	if (!sim("remove_node") && errno != ENOENT)
		bail("remove_node");
}

static void plugged(void)
{
	if (!find_sim_node())
		must(!do_register() && find_sim_node(), "new_node");
}

/* What each run starts from. */
static void base(void)
{
	plugged();
	must(sim("plug") || errno == EEXIST, "plug");
	find_sim_node();
	find_blocks();
	must(write_file(node_file("enabled"), "+user_numa -reclaim -compaction -longterm_pin"), "enabled");
}

static void unplugged(void)
{
	must(sim("unplug"), "unplug");
}

static long do_remove_node(void)
{
	return sim("remove_node") ? 0 : -1;
}

static long do_plug(void)
{
	return sim("plug") ? 0 : -1;
}

static long do_unplug(void)
{
	return sim("unplug") ? 0 : -1;
}

static long do_enable(void)
{
	return write_file(node_file("enabled"), "+reclaim +compaction") ? 0 : -1;
}

static void open_reclaim(void)
{
	must(!do_enable(), "enable");
}

static long do_disable(void)
{
	return write_file(node_file("enabled"), "-reclaim -compaction") ? 0 : -1;
}

static long do_on_full(void)
{
	return write_file(node_file("on_full"), "fallback:0") ? 0 : -1;
}

static long do_on_unplug(void)
{
	return write_file(node_file("on_unplug"), "sigbus") ? 0 : -1;
}

static void undo_policies(void)
{
	must(write_file(node_file("on_full"), "fail") && write_file(node_file("on_unplug"), "move"), "policies");
}

static void map_anon(void)
{
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(mem != MAP_FAILED, "mmap");
	full = false;
}

static void map_full(void)
{
	map_anon();
	memset(mem, 0x5a, LEN);
	full = true;
}

static void unmap(void)
{
	size_t i;

	for (i = 0; i < LEN && full; i++)
		if (mem[i] != 0x5a)
			bail("byte %zu is %#x", i, mem[i]);
	munmap(mem, LEN);
	mem = NULL;
}

static long do_mbind(void)
{
	return syscall(SYS_mbind, mem, LEN, MPOL_BIND, &mask, 64UL, 0);
}

/*
 * A system call that moves pages may have moved some of them: nothing was lost, and they are freed,
 * so that what stays on the node is a leak.  The fault is over by then.
 */
static long free_some(long ret, int err, void (*again)(void))
{
	if (!ret)
		return 0;
	unmap();
	again();
	errno = err;
	return -1;
}

static long do_mbind_move(void)
{
	long ret = syscall(SYS_mbind, mem, LEN, MPOL_BIND, &mask, 64UL, MPOL_MF_MOVE | MPOL_MF_STRICT);

	return free_some(ret, errno, map_full);
}

static void map_bound(void)
{
	map_anon();
	must(!do_mbind(), "mbind");
}

static long do_populate(void)
{
	return free_some(madvise(mem, LEN, MADV_POPULATE_WRITE), errno, map_bound);
}

static long do_set_mempolicy(void)
{
	return syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL);
}

static void undo_set_mempolicy(void)
{
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
}

/* A page that stayed behind says so by its status, not by errno. */
static long do_move_pages(void)
{
	void *page = mem;
	int to = node, status = -ENOMEM;
	long ret = syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MPOL_MF_MOVE);

	if (ret > 0)
		errno = EAGAIN;
	else if (!ret && status < 0)
		errno = -status;
	return ret || status < 0 ? -1 : 0;
}

static void map_there(void)
{
	map_full();
	must(!do_mbind_move() && where(mem, LEN).here, "mbind");
	syscall(SYS_mbind, mem, LEN, MPOL_DEFAULT, NULL, 0UL, 0);
}

static long do_migrate_pages(void)
{
	unsigned long from = 1;
	long ret = syscall(SYS_migrate_pages, 0, 64UL, &mask, &from);

	return free_some(ret, ret > 0 ? EAGAIN : errno, map_there);
}

static long do_open(void)
{
	dev = open(dev_path, O_RDWR | O_CLOEXEC);
	return dev < 0 ? -1 : 0;
}

static void undo_open(void)
{
	if (dev >= 0)
		close(dev);
	dev = -1;
}

static long device_map(int flags)
{
	int err;

	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, dev, 0);
	if (mem == MAP_FAILED)
		return -1;
	if (!madvise(mem, LEN, MADV_POPULATE_WRITE))
		return 0;
	/* What the file has stays its own. */
	err = errno;
	madvise(mem, LEN, flags == MAP_SHARED ? MADV_REMOVE : MADV_DONTNEED);
	errno = err;
	munmap(mem, LEN);
	mem = NULL;
	return -1;
}

static long do_map_private(void)
{
	return device_map(MAP_PRIVATE);
}

static long do_map_shared(void)
{
	return device_map(MAP_SHARED);
}

static void opened(void)
{
	must(!do_open(), "open");
}

static void undo_map(void)
{
	if (mem && mem != MAP_FAILED)
		munmap(mem, LEN);
	mem = NULL;
	undo_open();
}

static long do_pin(void)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { mem, LEN };
	int ring = syscall(SYS_io_uring_setup, 4U, &params), err;
	long ret;

	if (ring < 0)
		return -1;
	ret = syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U);
	err = errno;
	close(ring);
	errno = err;
	return ret;
}

static void pinnable(void)
{
	must(write_file(node_file("enabled"), "+longterm_pin"), "enabled");
	map_there();
}

static long do_mkdir(void)
{
	return mkdir(CGROUP "/fault", 0755);
}

static void undo_mkdir(void)
{
	write_file(CGROUP "/cgroup.procs", "0");
	rmdir(CGROUP "/fault");
}

static void group(void)
{
	must(!do_mkdir(), "mkdir");
}

static long put_mask(const char *file)
{
	char text[16];

	snprintf(text, sizeof(text), "0,%d\n", node);
	return write_file(file, text) ? 0 : -1;
}

static long do_mems(void)
{
	return put_mask(CGROUP "/fault/cpuset.mems");
}

static long do_sysram(void)
{
	return write_file(CGROUP "/fault/cpuset.mems.sysram", "0\n") ? 0 : -1;
}

static void group_with_mems(void)
{
	group();
	must(!do_mems(), "cpuset.mems");
}

static long do_attach(void)
{
	return write_file(CGROUP "/fault/cgroup.procs", "0") ? 0 : -1;
}

/* Its pages lie on the node; the cpuset loses it. */
static void inside(void)
{
	group_with_mems();
	must(!do_attach(), "attach");
	map_bound();
	memset(mem, 0x5a, LEN);
	full = true;
}

static long do_revoke(void)
{
	return write_file(CGROUP "/fault/cpuset.mems", "0\n") ? 0 : -1;
}

static void undo_inside(void)
{
	must(!do_mems(), "cpuset.mems");
	unmap();
	undo_mkdir();
}

static const struct operation operations[] = {
	{ "register", do_remove, do_register, nothing, true },
	{ "cram", do_remove, do_cram, undo_cram, true },
	{ "unregister", nothing, do_remove_node, nothing },
	{ "unplug", nothing, do_unplug, nothing },
	{ "plug", unplugged, do_plug, nothing },
	{ "enable", nothing, do_enable, nothing },
	{ "disable", open_reclaim, do_disable, nothing },
	{ "on_full", nothing, do_on_full, undo_policies },
	{ "on_unplug", nothing, do_on_unplug, undo_policies },
	{ "mbind", map_anon, do_mbind, unmap },
	{ "mbind-move", map_full, do_mbind_move, unmap },
	{ "populate", map_bound, do_populate, unmap },
	{ "set_mempolicy", nothing, do_set_mempolicy, undo_set_mempolicy },
	{ "move_pages", map_full, do_move_pages, unmap },
	{ "migrate_pages", map_there, do_migrate_pages, unmap },
	{ "open", nothing, do_open, undo_open },
	{ "map-private", opened, do_map_private, undo_map },
	{ "map-shared", opened, do_map_shared, undo_map },
	{ "longterm-pin", pinnable, do_pin, unmap },
	{ "cpuset.mems", group, do_mems, undo_mkdir },
	{ "cpuset.mems.sysram", group_with_mems, do_sysram, undo_mkdir },
	{ "attach", group_with_mems, do_attach, undo_mkdir },
	{ "revoke", inside, do_revoke, undo_inside },
};

/* -- the sweep -------------------------------------------------------------------------------- */

static void set_nth(unsigned long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", n);
	if (pwrite(fail_nth, text, strlen(text), 0) < 0)
		bail("fail-nth");
}

static unsigned long get_nth(void)
{
	char text[32] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		bail("fail-nth");
	return strtoul(text, NULL, 10);
}

/* Runs with the @nth allocation failing; true when that came to pass. */
static bool run_once(const struct operation *op, unsigned long nth, long *ret, int *err, unsigned long *left)
{
	if (!op->bare)
		base();
	op->prepare();
	state(before, sizeof(before));
	set_nth(nth);
	*ret = op->run();
	*err = errno;
	*left = get_nth();
	set_nth(0);
	find_sim_node();
	state(now, sizeof(now));
	return !*left;
}

/* ENOSPC is shmem's, for an inode; EEXIST memory hotplug's, for a range's resource. */
static bool clean_errno(int err)
{
	return err == ENOMEM || err == EIO || err == EFAULT || err == EAGAIN || err == EBUSY || err == ENOSPC ||
		err == EEXIST;
}

static void sweep(const struct operation *op)
{
	unsigned long n, points, left, failed = 0, passed = 0, bad = 0;
	time_t start = time(NULL);
	int err, seen = 0;
	long ret;

	run_once(op, MANY, &ret, &err, &left);
	op->undo();
	if (!ok(!ret, "%s: works", op->name))
		return;
	points = MANY - left;
	printf("# %s: %lu allocations\n", op->name, points);
	fflush(stdout);
	strcpy(after, now);
	for (n = 1; n <= 2 * points + 10; n += every) {
		bool injected = run_once(op, n, &ret, &err, &left);
		bool good = ret ? clean_errno(err) && same(before, now) : same(after, now);

		op->undo();
		if (!injected && !ret)
			break;
		failed += !!ret;
		passed += !ret;
		seen = ret ? err : seen;
		if (good)
			continue;
		printf("# %s: allocation %lu: %s%s\n", op->name, n, ret ? "errno " : "passed",
		       ret ? strerror(err) : "");
		if (bad++ > 5)
			break;
	}
	ok(!bad && n <= 2 * points + 9 + every, "%s: %lu of %lu allocations fail: %lu clean errors (%s), %lu times it did without",
	   op->name, failed + passed, points, failed, failed ? strerror(seen) : "none", passed);
	run_once(op, MANY, &ret, &err, &left);
	op->undo();
	ok(!ret && same(after, now), "%s: works after that", op->name);
	printf("# %s: %ld s\n", op->name, (long)(time(NULL) - start));
}

static void set_up(void)
{
	static const char *const files[][2] = {
		{ "failslab/ignore-gfp-wait", "N" }, { "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" }, { "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" }, { "fail_page_alloc/verbose", "0" },
	};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), DEBUG "/%s", files[i][0]);
		if (!write_file(path, files[i][1]))
			bail("%s", path);
	}
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		bail("fail-nth");
}

/* "plug:4" is every fourth allocation of plug. */
static bool wanted(const char *op, int argc, char **argv)
{
	size_t len = strlen(op);
	int i;

	every = atol(argv[3]);
	for (i = 4; i < argc; i++) {
		if (strncmp(op, argv[i], len) || (argv[i][len] && argv[i][len] != ':'))
			continue;
		if (argv[i][len])
			every = atol(argv[i] + len + 1);
		return every > 0;
	}
	return argc == 4;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 4 || !atol(argv[3])) {
		fprintf(stderr, "usage: faultinject NAME RANGES EVERY [OPERATION[:EVERY]...]\n");
		return 2;
	}
	name = argv[1];
	ranges = argv[2];
	set_up();
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (wanted(operations[i].name, argc, argv))
			sweep(&operations[i]);
	do_remove();
	return done_testing();
}
