/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private_node.h: what the tests of private nodes share: a node, its files, and where pages are.
 *
 * Placement is read from /proc/self/pagemap and the node's memory blocks, not from a system call
 * that the device map itself may answer.
 *
 * Who includes this has said before how a check is reported: check.h does.
 */
#ifndef PRIVATE_NODE_H
#define PRIVATE_NODE_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)
#define PMD (2 * MIB)
#define NODE_DIR "/sys/devices/system/node"
#define MAX_BLOCKS 4096

static int node = -1;
static char dev_path[64];
static unsigned long block_pages;
static bool block_here[MAX_BLOCKS];

struct where {
	unsigned long here, elsewhere;	/* pages that are mapped */
};

#ifndef BAIL_OUT
#define BAIL_OUT "Bail out! "
#endif

/* Ends a test that cannot go on. */
__attribute__((noreturn, format(printf, 1, 2)))
static void bail(const char *fmt, ...)
{
	va_list ap;

	printf(BAIL_OUT);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(errno));
	exit(1);
}

static bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	/* A file of the kernel gives a page at once. */
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return n >= 0;
}

/* Writes to a file of the kernel; false and errno when it is refused. */
static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* A file that is emptied by the way in which it is opened, as that of a trace is. */
__attribute__((unused))
static void empty_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0)
		bail("cannot empty %s: %s", path, strerror(errno));
	close(fd);
}

static const char *node_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/%s", node, name);
	return path;
}

/* Writes what has to be taken. */
__attribute__((unused))
static void put(const char *path, const char *text)
{
	if (!write_file(path, text))
		bail("cannot write '%s' to %s", text, path);
}

/* The number behind NAME, which ends in a blank or a colon, in a file of the kernel; 0 without. */
__attribute__((unused))
static unsigned long number_in(const char *path, const char *name)
{
	static char buf[1 << 16];
	const char *at;

	if (!read_file(path, buf, sizeof(buf)))
		bail("cannot read %s", path);
	at = strstr(buf, name);
	return at ? strtoul(at + strlen(name), NULL, 0) : 0;
}

/* A file of a node's pool of huge pages; good until the second call from here. */
__attribute__((unused))
static const char *pool_file(int nid, const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), NODE_DIR "/node%d/hugepages/hugepages-2048kB/%s",
		 nid, name);
	return path[turn];
}

__attribute__((unused))
static void set_pool(int nid, unsigned long nr)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", nr);
	put(pool_file(nid, "nr_hugepages"), text);
}

/* Pages of that pool. */
__attribute__((unused))
static unsigned long pool(int nid)
{
	return number_in(pool_file(nid, "nr_hugepages"), "");
}

/* A line of node<N>/private/stat; NAME ends in a blank. */
__attribute__((unused))
static unsigned long counter(const char *name)
{
	return number_in(node_file("stat"), name);
}

/* "+service -service" */
__attribute__((unused))
static void enable(const char *change)
{
	put(node_file("enabled"), change);
}

static unsigned long node_number(const char *name)
{
	char buf[64];

	if (!read_file(node_file(name), buf, sizeof(buf)))
		bail("cannot read %s", node_file(name));
	return strtoul(buf, NULL, 10);
}

__attribute__((unused))
static unsigned long node_free(void)
{
	return node_number("free_bytes_exact") / PAGE;
}

__attribute__((unused))
static void set_on_full(const char *policy)
{
	if (!write_file(node_file("on_full"), policy))
		bail("cannot write '%s' to %s", policy, node_file("on_full"));
}

static void find_blocks(void)
{
	char path[320], buf[64];
	struct dirent *e;
	DIR *dir;

	if (!read_file("/sys/devices/system/memory/block_size_bytes", buf, sizeof(buf)))
		bail("no memory blocks");
	block_pages = strtoul(buf, NULL, 16) / PAGE;
	memset(block_here, 0, sizeof(block_here));
	snprintf(path, sizeof(path), NODE_DIR "/node%d", node);
	dir = opendir(path);
	if (!dir)
		bail("cannot open %s", path);
	while ((e = readdir(dir))) {
		unsigned long nr;

		if (sscanf(e->d_name, "memory%lu", &nr) == 1 && nr < MAX_BLOCKS)
			block_here[nr] = true;
	}
	closedir(dir);
}

/* Has the node a kernel thread with this name, as kswapd? */
__attribute__((unused))
static bool has_thread(const char *name)
{
	char want[64], path[300], buf[64];
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir("/proc");

	snprintf(want, sizeof(want), "%s%d\n", name, node);
	while (!found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		found = e->d_name[0] > '0' && e->d_name[0] <= '9' &&
			read_file(path, buf, sizeof(buf)) && !strcmp(buf, want);
	}
	closedir(dir);
	return found;
}

/* Finds the private node; a test of the boot's node starts with it. */
__attribute__((unused))
static void find_node(void)
{
	char buf[128];

	if (!read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf)) ||
	    sscanf(buf, "%d", &node) != 1)
		bail("no private node: boot with private_node=N");
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/node%d", node);
	find_blocks();
}

__attribute__((unused))
static int open_dev(void)
{
	int fd = open(dev_path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		bail("cannot open %s", dev_path);
	return fd;
}

/*
 * An accessed bit is set when a translation is made, and an emulated processor keeps one until it
 * is flushed: a task that is alone may run for minutes without.  More pages than are flushed one
 * by one.
 */
__attribute__((unused))
static void forget_translations(void)
{
	void *p =
		mmap(NULL, 64 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	munmap(p, 64 * PAGE);
}

/* Where are the pages of a range that are mapped right now? */
static struct where where(const void *addr, size_t len)
{
	struct where w = { 0 };
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[512], e;
	unsigned long i, n;

	for (i = 0; fd >= 0 && i < len / PAGE; i++) {
		n = len / PAGE - i < 512 ? len / PAGE - i : 512;
		if (i % 512 == 0 &&
		    pread(fd, entries, n * 8, ((uintptr_t)addr / PAGE + i) * 8) != (ssize_t)n * 8)
			bail("cannot read pagemap");
		e = entries[i % 512];
		if (!(e >> 63))
			continue;
		e &= (1ULL << 55) - 1;
		if (!e)
			bail("pagemap shows no addresses; run as root");
		if (e / block_pages < MAX_BLOCKS && block_here[e / block_pages])
			w.here++;
		else
			w.elsewhere++;
	}
	if (fd >= 0)
		close(fd);
	return w;
}

/* All of the range is mapped, and on the node. */
__attribute__((unused))
static bool all_here(const void *addr, size_t len)
{
	struct where w = where(addr, len);

	if (w.here == len / PAGE && !w.elsewhere)
		return true;
	printf("# %lu of %lu pages on node %d, %lu elsewhere\n", w.here, len / PAGE, node,
	       w.elsewhere);
	return false;
}

static sigjmp_buf bus_jmp;
static volatile sig_atomic_t bus_signal;

static void on_bus(int sig)
{
	bus_signal = sig;
	siglongjmp(bus_jmp, 1);
}

/* Stores to one byte per page until done or SIGBUS; the number of pages written. */
__attribute__((unused))
static unsigned long touch(char *p, size_t len)
{
	struct sigaction sa = { .sa_handler = on_bus }, old;
	volatile unsigned long i = 0;

	bus_signal = 0;
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(bus_jmp, 1))
		for (i = 0; i < len / PAGE; i++)
			((volatile char *)p)[i * PAGE] = 1 + i % 100;
	sigaction(SIGBUS, &old, NULL);
	return i;
}

/* Are all pages as touch() wrote them? */
__attribute__((unused))
static bool intact(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len / PAGE; i++)
		if (p[i * PAGE] != (char)(1 + i % 100))
			return false;
	return true;
}

/*
 * Stores @first, @first + 1 and so on, a word every @step bytes, until there are @nr or SIGBUS
 * came; the number of words stored.
 */
__attribute__((unused))
static unsigned long store_words(char *p, unsigned long nr, size_t step, unsigned long first)
{
	struct sigaction sa = { .sa_handler = on_bus }, old;
	volatile unsigned long i = 0;

	bus_signal = 0;
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(bus_jmp, 1))
		for (i = 0; i < nr; i++)
			*(volatile unsigned long *)(p + i * step) = first + i;
	sigaction(SIGBUS, &old, NULL);
	return i;
}

/* Where the number of a page is in it: not where touch() stores. */
#define NUMBER_AT 64

/* Gives each page a number of its own, and compresses well; the pages written before SIGBUS. */
__attribute__((unused))
static unsigned long number_pages(char *p, size_t len, unsigned long first)
{
	return store_words(p + NUMBER_AT, len / PAGE, PAGE, first);
}

/* The same, from 1, where there is room for all. */
__attribute__((unused))
static void number_all(char *p, size_t len)
{
	if (number_pages(p, len, 1) != len / PAGE)
		bail("SIGBUS in %zu bytes", len);
}

/* Pages without the number that number_pages() gave them. */
__attribute__((unused))
static unsigned long misnumbered(const char *p, size_t len, unsigned long first)
{
	unsigned long i, nr = 0;

	for (i = 0; i < len / PAGE; i++)
		nr += *(const unsigned long *)(p + i * PAGE + NUMBER_AT) != first + i;
	return nr;
}

/*
 * The range with this index that memmap=SIZE$ADDRESS keeps from the kernel, as "ADDRESS:SIZE";
 * NULL without.
 */
__attribute__((unused))
static const char *kept_range(int index)
{
	static char range[64], buf[4096];
	char *at = buf, start[32], size[32];

	if (!read_file("/proc/cmdline", buf, sizeof(buf)))
		bail("cannot read /proc/cmdline");
	while ((at = strstr(at, "memmap="))) {
		at += strlen("memmap=");
		if (sscanf(at, "%31[0-9a-fA-FxKMGT]$%31[0-9a-fA-FxKMGT]", size, start) == 2 &&
		    !index--) {
			snprintf(range, sizeof(range), "%s:%s", start, size);
			return range;
		}
	}
	return NULL;
}

/* The same, for who has to have it. */
__attribute__((unused))
static const char *reserved_range(int index)
{
	const char *range = kept_range(index);

	if (!range)
		bail("too few memmap=SIZE$ADDRESS on the command line");
	return range;
}

/* A child that runs fn, and ends with what that returns. */
__attribute__((unused))
static pid_t in_background(int (*fn)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bail("cannot fork");
	if (!pid)
		_exit(fn(arg));
	return pid;
}

#define HANGS 300			/* seconds after which a child is looked at */

/* Where is a child that does not end, and what memory is there? */
__attribute__((unused))
static void print_where(pid_t pid)
{
	static const char *const files[] = { "/proc/%d/stack", "/proc/%d/status", "/proc/meminfo" };
	char name[64], line[256];
	unsigned int i, left;
	FILE *f;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), files[i], pid);
		f = fopen(name, "re");
		for (left = 16; left && f && fgets(line, sizeof(line), f); left--)
			printf("# %s: %s", name, line);
		if (f)
			fclose(f);
	}
	fflush(stdout);
}

/* Waits for a child: its exit status, or 128 + signal. */
__attribute__((unused))
static int ended(pid_t pid)
{
	struct pollfd fd = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status;

	if (fd.fd >= 0 && !poll(&fd, 1, HANGS * 1000))
		print_where(pid);
	close(fd.fd);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Runs fn in a child: as ended(). */
__attribute__((unused))
static int in_child(int (*fn)(void *), void *arg)
{
	return ended(in_background(fn, arg));
}

/*
 * A child that calls BEGIN(ARG), is waited for, and goes on with THEN, or pauses, until it is
 * killed.
 */
__attribute__((unused))
static pid_t start_child(void (*begin)(void *arg), void (*then)(void *arg), void *arg)
{
	int pipes[2];
	pid_t pid;
	char c;

	if (pipe(pipes))
		bail("pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		begin(arg);
		if (write(pipes[1], "", 1) != 1)
			_exit(1);
		if (then)
			then(arg);
		for (;;)
			pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1)
		bail("a child died");
	close(pipes[0]);
	return pid;
}

/* A new page of the stack of a task that is bound to the node would be the node's. */
__attribute__((unused, noinline))
static void grow_stack(void)
{
	volatile char stack[64 << 10];
	size_t i;

	for (i = 0; i < sizeof(stack); i += PAGE)
		stack[i] = 1;
}

/* A setting of the kernel that a test changes, and sets back. */
struct setting {
	char path[96], was[64];
};

__attribute__((unused))
static void change_setting(struct setting *setting, const char *path, const char *value)
{
	char *choice;

	snprintf(setting->path, sizeof(setting->path), "%s", path);
	if (!read_file(path, setting->was, sizeof(setting->was)))
		bail("cannot read %s", path);
	/* Of several words the one in brackets. */
	choice = strchr(setting->was, '[');
	if (choice) {
		choice[strcspn(choice, "]")] = 0;
		memmove(setting->was, choice + 1, strlen(choice));
	}
	put(path, value);
}

__attribute__((unused))
static void restore_setting(const struct setting *setting)
{
	put(setting->path, setting->was);
}

/* Swap on zram, of SIZE; what a test before left on is off first. */
__attribute__((unused))
static void zram_on(const char *size)
{
	swapoff("/dev/zram0");
	if (access("/sys/block/zram0", F_OK) && system("modprobe zram"))
		bail("modprobe zram");
	put("/sys/block/zram0/reset", "1");
	put("/sys/block/zram0/disksize", size);
	if (system("mkswap /dev/zram0 > /dev/null") || swapon("/dev/zram0", 0))
		bail("no swap on zram");
}

__attribute__((unused))
static void zram_off(void)
{
	swapoff("/dev/zram0");
	write_file("/sys/block/zram0/reset", "1");
}

/* -- a node for the selftests ------------------------------------------------------------------ */

#define NODE_SIM "/sys/kernel/private_node_sim/"
#define NODE_SIM_NAME "kselftest"
/* Of the memory that is kept, as much becomes the node. */
#define NODE_SIM_SIZE "128M"
#define NO_MEMORY "boot with memmap=256M$ADDRESS private_node_spare=2"

/* Can all services of LIST be opened on the node? */
__attribute__((unused))
static bool node_may(const char *list)
{
	char buf[512], words[256], *word, *save, *at;

	if (!read_file(node_file("capable"), buf, sizeof(buf)))
		return false;
	snprintf(words, sizeof(words), "%s", list);
	for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		size_t len = strlen(word);

		for (at = buf; (at = strstr(at, word)); at += len)
			if ((at == buf || isspace((unsigned char)at[-1])) &&
			    (!at[len] || isspace((unsigned char)at[len])))
				break;
		if (!at)
			return false;
	}
	return true;
}

/* Opens all of LIST. */
static void enable_all(const char *list)
{
	char words[256], text[280], *word, *save;

	snprintf(words, sizeof(words), "%s", list);
	for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		snprintf(text, sizeof(text), "+%s", word);
		enable(text);
	}
}

/*
 * A node of the simulator with these services; NULL, or why there is none.  What services put
 * there of other processes, such as the one that runs the tests, is moved when the node goes.
 */
static const char *simulate_node(const char *services)
{
	const char *range = kept_range(0);
	char text[512];

	if (access(NODE_SIM, F_OK) && system("modprobe -q private_node_sim"))
		return "no node with the services, no module private_node_sim";
	if (!range)
		return "no node with the services; " NO_MEMORY;
	snprintf(text, sizeof(text),
		 "name=" NODE_SIM_NAME " ranges=%.*s:" NODE_SIM_SIZE
		 " online_type=online_movable on_unplug=move%s%s%s%s",
		 (int)strcspn(range, ":"), range, *services ? " capable=" : "", services,
		 *services ? " enabled=" : "", services);
	if (!write_file(NODE_SIM "new_node", text))
		return "the simulator can make no node: boot with private_node_spare=2";
	node = (int)number_in(NODE_SIM "nodes", "name=" NODE_SIM_NAME " nid=");
	snprintf(dev_path, sizeof(dev_path), "/dev/private_node/" NODE_SIM_NAME);
	find_blocks();
	return NULL;
}

/*
 * A private node on which these services can be opened, and are: that of the boot, or one that is
 * made.  NULL, or why there is none.
 */
__attribute__((unused))
static const char *want_node(const char *services, bool *made)
{
	const char *why;
	char buf[128];

	*made = false;
	if (getuid())
		return "needs root";
	if (access(NODE_DIR "/has_private_memory", F_OK))
		return "this kernel has no private nodes (CONFIG_PRIVATE_NODE)";
	if (read_file(NODE_DIR "/has_private_memory", buf, sizeof(buf)) &&
	    sscanf(buf, "%d", &node) == 1 && node_may(services)) {
		find_node();
		enable_all(services);
		return NULL;
	}
	why = simulate_node(services);
	*made = !why;
	return why;
}

__attribute__((unused))
static bool drop_node(void)
{
	return write_file(NODE_SIM "remove_node", NODE_SIM_NAME);
}

#endif
