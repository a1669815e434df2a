// SPDX-License-Identifier: GPL-2.0-only
/*
 * closed: nobody gets a page of a private node that its owner opened to nobody, however he asks;
 * the ways are those of leak/, in short.  Each is tried on an ordinary node first, where it has to
 * get its pages.
 */
#define _GNU_SOURCE
#include <ctype.h>

#include "check.h"
#include "leak/ways.h"

#define SECONDS 120

static struct outcome *outcome;

/* Tries one in a process of its own, whose memory is there until it was looked at. */
static void attempt(const struct row *row, int nid, unsigned long mask)
{
	pid_t pid;
	int i;

	memset(outcome, 0, sizeof(*outcome));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		try_way(row, nid, mask, outcome);
	}
	for (i = 0; i < SECONDS * 100 && !__atomic_load_n(&outcome->done, __ATOMIC_ACQUIRE); i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			snprintf(outcome->note, sizeof(outcome->note), "its process died");
			break;
		}
		usleep(10000);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void way(const struct row *row, void *arg)
{
	unsigned long mask = ordinary_nodes();
	int last = 63 - __builtin_clzl(mask);

	/* A node with processors is taken without being asked for. */
	if (mask & (mask - 1)) {
		attempt(row, last, mask);
		if (outcome->skipped) {
			skip(outcome->note, "%s", way_name(row));
			return;
		}
		ok(outcome->landed >= way_min(row),
		   "%s: control: %lu pages of ordinary node %d%s%s", way_name(row), outcome->landed,
		   last, *outcome->note ? ": " : "", outcome->note);
	}
	attempt(row, node, mask);
	if (outcome->skipped)
		skip(outcome->note, "%s", way_name(row));
	else
		ok(outcome->done && !outcome->landed, "%s: %lu pages of the private node%s%s",
		   way_name(row), outcome->landed, *outcome->note ? ": " : "", outcome->note);
}

NODE_FIXTURE(closed, "")

static bool is_open(void)
{
	char buf[256] = "";

	return !read_file(node_file("enabled"), buf, sizeof(buf)) ||
	       isgraph((unsigned char)*buf);
}

#define WAY_TEST(table)								\
	TEST_F_TIMEOUT(closed, table, LONG_TEST)				\
	{									\
		if (is_open())							\
			SKIP(return, "the node of this boot is open to a service"); \
		outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,	\
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);		\
		each_way(#table, way, NULL);					\
	}

WAY_TEST(user)
WAY_TEST(file)
WAY_TEST(kernel)
WAY_TEST(policy)
WAY_TEST(mode)
WAY_TEST(move)
WAY_TEST(module)

/* Takes all ordinary memory, until the OOM killer comes. */
static int takes_all(void *arg)
{
	size_t len = *(size_t *)arg;
	char *p;

	put("/proc/self/oom_score_adj", "1000");
	/*
	 * Where the root is a network's file system, a fault for its own text allocates without
	 * __GFP_FS, for which nobody is killed: it would wait for ever.
	 */
	mlockall(MCL_CURRENT);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	madvise(p, len, MADV_HUGEPAGE);
	touch(p, len);
	return 0;
}

TEST_F_TIMEOUT(closed, pressure, LONG_TEST)
{
	size_t len = number_in("/proc/meminfo", "MemTotal:") << 10;
	unsigned long before = node_free();
	int status;

	if (len > 8UL << 30 || number_in("/proc/meminfo", "SwapTotal:"))
		SKIP(return, "exhausts memory, and does that to small machines without swap only");
	status = in_child(takes_all, &len);
	ok(status == 128 + SIGKILL, "more than there is: killed (%d)", status);
	ok(node_free() == before, "and the node is as it was: %lu pages free, %lu before",
	   node_free(), before);
}

TEST_HARNESS_MAIN
