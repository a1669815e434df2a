// SPDX-License-Identifier: GPL-2.0-only
/*
 * matrix: data that exists stays: all rows and columns of stay.c of the kernel's selftests, which run some, and
 * whoever brings data in that is not his.
 *
 * vm: --node 1G --reserve 128M,node=0 --reserve 128M,node=0 --append private_node_spare=2
 * allow: MADV_HWPOISON|Memory failure|hardware memory corruption|Unpoison
 * timeout: 400
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN

#include "../../../kernel/files/tools/testing/selftests/private_node/stay.c"

static bool in_brief(enum column c)
{
	return c == NOTHING || c == CLOSED || c == REVOKED || c == MOVE || c == UNMAP || c == TAKEN;
}

/*
 * One by one: each of them alone has to hold the node, but what has a policy and is in swap.  What is left
 * out is as one of these.
 */
static bool alone(const struct row *r)
{
	return !r->swap || r->flags & CACHED || (r->swap == DISK && r->mem != SYSV) || r->swap == ZSWAPPED;
}

static void test_refuse(void)
{
	unsigned long i;
	bool held, done;

	for (i = 0; i < NR_ROWS; i++) {
		if (!alone(&rows[i]))
			continue;
		new_node("first", "refuse", "fail");
		start(i);
		if (rows[i].mem != HUGETLB)
			empty_pool();
		/* A bound task has more there than what the row is about. */
		held = is_dev(&rows[i]) || !rows[i].swap || rows[i].flags & CACHED || rows[i].mem == TASK;
		done = unplug();
		ok(done != held, "%s: unplug is %s", rows[i].name, held ? "refused" : "done");
		if (done)
			put(SIM "plug", "stay");
		cell(i, REFUSE, ask(i, 'c'));
		tear_down();
	}
}

/* --- whoever brings data in, it is not his ---------------------------------------------------- */

/* A task that is bound to the node acts on the pages of its parent, when told. */
static void stranger(int fd, char *swapped, char *shared)
{
	unsigned long mask = 1UL << node, i, own, value;
	struct iovec from = { &value, 8 }, to = { NULL, 8 };
	char c;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		bail("set_mempolicy");
	while (read(fd, &c, 1) == 1) {
		own = 0;
		switch (c) {
		case 'n':
			*(volatile char *)swapped = 1;
			own = (unsigned long)lies(swapped);
			break;
		case 's':
			own = (unsigned long)swap_off();
			break;
		case 'w':
			for (i = 0; i < NR; i++) {
				value = pattern(i, 2);
				to.iov_base = word(shared, i);
				own += process_vm_writev(getppid(), &from, 1, &to, 1, 0) == 8;
			}
			break;
		}
		if (write(fd, &own, sizeof(own)) != sizeof(own))
			_exit(1);
	}
	_exit(0);
}

static unsigned long tell(int fd, char c)
{
	unsigned long value = 0;

	if (write(fd, &c, 1) != 1 || read(fd, &value, sizeof(value)) != sizeof(value))
		bail("the stranger is gone");
	return value;
}

static void test_strangers(void)
{
	static const struct row row = { "no policy, in zram", SHMEM, ZRAM };
	unsigned long i;
	struct answer a = { 0 };
	char *swapped, *shared;
	int pair[2];
	pid_t pid, child;

	new_node("first", "move", "fail");
	put(SWAP_GROUP "/cgroup.procs", "0");
	direct_swap(ZRAM);
	swapped = mmap(NULL, 2 * NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared = swapped + NR * PAGE;
	madvise(swapped, 2 * NR * PAGE, MADV_NOHUGEPAGE);
	if (swapped == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		bail("socketpair");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		stranger(pair[1], swapped, shared);
	}
	close(pair[1]);
	for (i = 0; i < NR; i++) {
		*word(swapped, i) = pattern(i, 1);
		*word(shared, i) = pattern(i, 1);
	}
	settle(&row, swapped, NR * PAGE);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	ok(tell(pair[0], 'n') == 1, "a stranger: control, his own memory is on the node");
	ok(tell(pair[0], 'w') == NR, "a stranger writes %lu pages of another process", NR);
	check(shared, NR, 2, 1, &a);
	ok(a.good == NR && !a.here, "... and the copies are not where his policy says: %lu here, %lu elsewhere", a.here,
	   a.elsewhere);
	ok(!tell(pair[0], 's'), "a stranger's swapoff");
	memset(&a, 0, sizeof(a));
	check(swapped, NR, 1, 2, &a);
	ok(a.good == NR && !a.here, "... brings nothing to where his policy says: %lu here, %lu elsewhere", a.here,
	   a.elsewhere);
	/* The child has the stranger's socket open, too. */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(pair[0]);
	waitpid(pid, NULL, 0);
	munmap(swapped, 2 * NR * PAGE);
	memset(is_on, 0, sizeof(is_on));
	put(ROOT "/cgroup.procs", "0");
	tear_down();
}

static void print_matrix(void)
{
	unsigned long i;
	int c;

	printf("#\n# Stay matrix: where data was read back, or what became of it\n");
	printf("#%*s", 32, "");
	for (c = 0; c < NR_COLUMNS; c++)
		if (!brief || in_brief(c))
			printf(" | %-8.15s", column_names[c]);
	puts("");
	for (i = 0; i < NR_ROWS; i++) {
		if (brief && !rows[i].brief)
			continue;
		printf("# %-31s", rows[i].name);
		for (c = 0; c < NR_COLUMNS; c++)
			if (!brief || in_brief(c))
				printf(" | %-*s", (int)(strlen(column_names[c]) < 8 ? 8 : strlen(column_names[c])), cells[i][c] ?: "-");
		puts("");
	}
}

int main(int argc, char **argv)
{
	int c;

	set_up();
	brief = argc > 1 && !strcmp(argv[1], "short");
	for (c = 0; c < NR_COLUMNS; c++) {
		if (brief ? !in_brief(c) : argc > 1 && atoi(argv[1]) != c)
			continue;
		if (c == REFUSE)
			test_refuse();
		else
			test_column(c);
	}
	if (argc == 1 || (!brief && atoi(argv[1]) == NR_COLUMNS))
		test_strangers();
	print_matrix();
	leave();
	return done_testing();
}
