// SPDX-License-Identifier: GPL-2.0-only
/*
 * users NODE: tasks that use a private node while its owners come and go (storm.bash), until SIGTERM.
 *
 * Each maps the device file or binds anonymous memory, writes a stamp into every page, and looks
 * for it again later; now and then it says that a page is broken.  What may happen to them: no
 * device, no memory, EINVAL of a bind to a node that is closed, SIGBUS.  What may not: another value
 * than the one that was written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define USERS	4
#define PAGES	64
#define PAGE	4096L

static sigjmp_buf on_sigbus;
static unsigned int node, seed;
static volatile sig_atomic_t over;
static unsigned long kept, lost, closed, broken;

static void sigterm(int sig)
{
	(void)sig;
	over = 1;
}

static void sigbus(int sig)
{
	(void)sig;
	siglongjmp(on_sigbus, 1);
}

static uint64_t stamp(unsigned int round, unsigned int i)
{
	return ((uint64_t)getpid() << 40) | ((uint64_t)round << 16) | i;
}

static void *map_device(void)
{
	int fd = open("/dev/private_node/storm", O_RDWR);
	void *p;

	if (fd < 0)
		return MAP_FAILED;
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		 rand_r(&seed) & 1 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	close(fd);
	return p;
}

static void *map_bound(void)
{
	void *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	unsigned long mask = 1UL << node;

	if (p != MAP_FAILED && syscall(SYS_mbind, p, PAGES * PAGE, MPOL_BIND, &mask, 64UL, 0UL)) {
		munmap(p, PAGES * PAGE);
		return MAP_FAILED;
	}
	return p;
}

/* Both loops end early at a SIGBUS: what was written before is lost as well, or not. */
static void write_all(volatile uint64_t *p, unsigned int round, volatile unsigned int *written)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		p[i * PAGE / 8] = stamp(round, i);
		*written = i + 1;
	}
}

static void check_all(volatile uint64_t *p, unsigned int round, volatile unsigned int *i,
		      unsigned int written)
{
	uint64_t seen;

	for (; *i < written; (*i)++) {
		seen = p[*i * PAGE / 8];
		if (seen != stamp(round, *i)) {
			printf("# pid %d: page %u has %#llx instead of %#llx\n", getpid(), *i,
			       (unsigned long long)seen,
			       (unsigned long long)stamp(round, *i));
			exit(1);
		}
		kept++;
	}
}

/* The first page, which was written: never the zero page that all share. */
static void break_one(void *p)
{
	unsigned int dice = rand_r(&seed) % 64;

	if (sigsetjmp(on_sigbus, 1))
		return;
	if (dice < 4)
		broken += !madvise(p, PAGE, dice ? MADV_SOFT_OFFLINE : MADV_HWPOISON);
}

static void use(void *p, unsigned int round)
{
	volatile unsigned int written = 0, checked = 0;

	if (!sigsetjmp(on_sigbus, 1))
		write_all(p, round, &written);
	else
		lost++;
	if (written)
		break_one(p);
	usleep(rand_r(&seed) % 20000);
	if (sigsetjmp(on_sigbus, 1)) {
		lost++;
		checked++;
	}
	check_all(p, round, &checked, written);
}

static int user(int how)
{
	unsigned int round;
	void *p;

	seed = getpid();
	signal(SIGBUS, sigbus);
	for (round = 1; !over; round++) {
		p = how ? map_bound() : map_device();
		if (p == MAP_FAILED) {
			closed++;
			usleep(5000);
			continue;
		}
		use(p, round);
		munmap(p, PAGES * PAGE);
	}
	printf("# %s: %lu pages kept, %lu times SIGBUS, %lu times closed, %lu pages broken\n",
	       how ? "bound" : "device map", kept, lost, closed, broken);
	return !kept;
}

/* An administrator who changes his mind. */
static int administrator(void)
{
	static const char *const words[][2] = {
		{ "enabled", "-user_numa" }, { "enabled", "+user_numa" },
		{ "on_unplug", "move" }, { "on_unplug", "sigbus" }, { "on_full", "fail" },
		{ "enabled", "+user_numa" },
	};
	unsigned int i = 0;
	char path[80];
	int fd;

	while (!over) {
		i = (i + 1) % (sizeof(words) / sizeof(words[0]));
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/private/%s", node,
			 words[i][0]);
		fd = open(path, O_WRONLY);
		if (fd >= 0) {
			/* Refusals are the rule: the node goes meanwhile. */
			if (write(fd, words[i][1], strlen(words[i][1])) < 0)
				closed++;
			close(fd);
		}
		usleep(3000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pids[USERS + 1];
	int i, status, bad = 0;
	sigset_t term;

	if (argc != 2)
		return 2;
	node = atoi(argv[1]);
	signal(SIGTERM, sigterm);
	for (i = 0; i <= USERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			exit(i == USERS ? administrator() : user(i & 1));
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (!over)
		sigwait(&term, &i);
	for (i = 0; i <= USERS; i++)
		kill(pids[i], SIGTERM);
	while (wait(&status) > 0)
		bad += status != 0;
	printf("# %d users saw what they must not see, or nothing at all\n", bad);
	return bad != 0;
}
