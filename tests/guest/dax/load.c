// SPDX-License-Identifier: GPL-2.0-only
/*
 * load: works on a private node until its input ends, for load.sh.
 *
 *	load FILE TASKS
 *
 * Says "ready".  For each byte of its input it says "worked" once each task has done so much more.
 *
 * Each task maps some of the device map, privately or shared, writes pages, checks what it wrote,
 * and drops some.  SIGBUS is an answer: that page is given up.  One page is held from beginning to
 * end, as all tasks may be between two mappings at once.  At the end, for all:
 * "rounds N sigbus N wrong N".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (8UL << 20)
#define PAGE 4096UL
#define WORK 2048UL	/* rounds */

struct result {
	unsigned long rounds, sigbus, wrong;
};

static sigjmp_buf back;
static volatile struct shared {
	int stop;
	struct result of[16 + 1];
} *shared;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static char *map_file(const char *file, int flags)
{
	int fd = open(file, O_RDWR);
	char *p;

	if (fd < 0)
		return MAP_FAILED;
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	close(fd);
	return p;
}

/* One page: as it was written last, or 0 where nothing was. */
static void one(volatile struct result *r, char *p, uint64_t *was, uint64_t new)
{
	volatile uint64_t *word = (volatile uint64_t *)p;

	if (sigsetjmp(back, 1)) {
		r->sigbus++;
		*was = UINT64_MAX;
		return;
	}
	if (*was == UINT64_MAX)
		return;
	r->wrong += *word != *was;
	*word = new;
	*was = new;
}

/* One life of a mapping; a node that is away cannot be mapped. */
static void work(const char *file, volatile struct result *r, int flags)
{
	static uint64_t was[SIZE / PAGE];
	char *p = map_file(file, flags);
	unsigned long i, n;

	if (p == MAP_FAILED) {
		usleep(1000);
		return;
	}
	memset(was, 0, sizeof(was));
	for (n = 0; n < 4 * SIZE / PAGE && !shared->stop; n++) {
		i = (unsigned long)rand() % (SIZE / PAGE);
		one(r, p + i * PAGE, &was[i], n + 1);
		r->rounds++;
	}
	munmap(p, SIZE);
}

static void task(const char *file, int nr)
{
	signal(SIGBUS, on_sigbus);
	srand((unsigned int)nr + 1);
	while (!shared->stop)
		work(file, &shared->of[nr], nr % 2 ? MAP_SHARED : MAP_PRIVATE);
	exit(0);
}

static void wait_for_work(int tasks)
{
	unsigned long from[16];
	int i;

	for (i = 0; i < tasks; i++)
		from[i] = shared->of[i].rounds;
	for (i = 0; i < tasks; i++)
		while (shared->of[i].rounds - from[i] < WORK)
			usleep(1000);
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct result sum = { 0 };
	uint64_t held = 0;
	int tasks, i;
	char c, *p;

	tasks = argc == 3 ? atoi(argv[2]) : 0;
	if (tasks < 1 || tasks > 16) {
		fprintf(stderr, "usage: load FILE TASKS(1-16)\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	for (i = 0; i < tasks; i++)
		if (!fork())
			task(argv[1], i);
	p = map_file(argv[1], MAP_PRIVATE);
	if (p == MAP_FAILED)
		die(argv[1]);
	signal(SIGBUS, on_sigbus);
	one(&shared->of[tasks], p, &held, 1);
	say("ready");
	while (read(0, &c, 1) > 0) {
		wait_for_work(tasks);
		say("worked");
	}
	shared->stop = 1;
	while (wait(NULL) > 0)
		;
	one(&shared->of[tasks], p, &held, 2);
	for (i = 0; i <= tasks; i++) {
		sum.rounds += shared->of[i].rounds;
		sum.sigbus += shared->of[i].sigbus;
		sum.wrong += shared->of[i].wrong;
	}
	printf("rounds %lu sigbus %lu wrong %lu\n", sum.rounds, sum.sigbus, sum.wrong);
	return 0;
}
