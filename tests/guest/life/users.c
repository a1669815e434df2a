// SPDX-License-Identifier: GPL-2.0-only
/*
 * users NODE SECONDS: tasks that use a private node while its owners come and go (storm.sh).
 *
 * Each maps the device file or binds anonymous memory, writes a stamp into every page, and looks
 * for it again later.  What may happen to them: no device, no memory, EINVAL of a bind to a node
 * that is closed, SIGBUS.  What may not: another value than the one that was written.
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
#include <time.h>
#include <unistd.h>

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define PAGES	64
#define PAGE	4096L

static sigjmp_buf on_sigbus;
static unsigned int node, seed;
static time_t end;
static unsigned long kept, lost, closed;

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

static void use(void *p, unsigned int round)
{
	volatile unsigned int written = 0, checked = 0;

	if (!sigsetjmp(on_sigbus, 1))
		write_all(p, round, &written);
	else
		lost++;
	if (rand_r(&seed) % 64 == 0)
		madvise(p, PAGE, MADV_SOFT_OFFLINE);
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
	for (round = 1; time(NULL) < end; round++) {
		p = how ? map_bound() : map_device();
		if (p == MAP_FAILED) {
			closed++;
			usleep(5000);
			continue;
		}
		use(p, round);
		munmap(p, PAGES * PAGE);
	}
	printf("# %s: %lu pages kept, %lu times SIGBUS, %lu times closed\n",
	       how ? "bound" : "device map", kept, lost, closed);
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

	while (time(NULL) < end) {
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
	int i, status, bad = 0;
	pid_t pid;

	if (argc != 3)
		return 2;
	node = atoi(argv[1]);
	end = time(NULL) + atoi(argv[2]);
	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid)
			exit(i == 4 ? administrator() : user(i & 1));
	}
	while (wait(&status) > 0)
		bad += status != 0;
	printf("# %d users saw what they must not see, or nothing at all\n", bad);
	return bad != 0;
}
