// SPDX-License-Identifier: GPL-2.0-only
/* Memory blocks that go offline and come online while, or before, somebody allocates. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../../kernel/files/tools/testing/selftests/private_node/leak/leak.h"

#define MAX_BLOCKS 256

/* The node's memory blocks, highest first. */
static int blocks(int node, long *list)
{
	char path[64];
	struct dirent *de;
	DIR *dir;
	long b;
	int n = 0, i;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	dir = opendir(path);
	while (dir && (de = readdir(dir)) && n < MAX_BLOCKS) {
		if (sscanf(de->d_name, "memory%ld", &b) != 1)
			continue;
		for (i = n++; i > 0 && list[i - 1] < b; i--)
			list[i] = list[i - 1];
		list[i] = b;
	}
	if (dir)
		closedir(dir);
	return n;
}

static bool set_block(long block, const char *state)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%ld/state", block);
	return write_file(path, "%s", state);
}

/* Takes one block of the node offline, the highest below another one; -1 when none goes. */
static long one_below(int node, long below)
{
	long list[MAX_BLOCKS];
	int n = blocks(node, list), i;

	for (i = 0; i < n; i++)
		if (list[i] < below && set_block(list[i], "offline"))
			return list[i];
	return -1;
}

static long one_offline(int node)
{
	return one_below(node, LONG_MAX);
}

/* The pages of an ordinary block have to go somewhere.  Room for a block is left on its own node. */
static int offline_ordinary(struct ctx *c)
{
	int node = __builtin_ctzl(c->ordinary), i;
	size_t size = node_free(node) * PAGE - 200 * MIB;
	void *p = map_anon(size);
	long block = LONG_MAX, next;

	bind_range(p, size, 1UL << node);
	touch(p, size);
	mark();
	/* not the same one again: it is empty now, and another may have been before */
	for (i = 0; i < 3; i++) {
		next = one_below(node, block);
		if (next < 0)
			return note_errno("offline"), DONE;
		block = next;
		if (!set_block(block, "online"))
			note_errno("online");
	}
	note("block %ld of node %d", block, node);
	return DONE;
}

/* Somebody allocates while ordinary memory shrinks and grows. */
static int pressure_while_offline(struct ctx *c)
{
	int node = __builtin_ctzl(c->ordinary), i;
	long block = one_offline(node);
	size_t size = node_free(node) * PAGE + 64 * MIB;
	void *p = map_anon(size);
	pid_t pid;

	if (block < 0)
		return skip_row("node %d: no block goes offline", node);
	madvise(p, size, MADV_HUGEPAGE);
	pid = fork();
	if (!pid) {
		touch(p, size);
		touch(map_anon(64 * MIB), 64 * MIB);
		_exit(0);
	}
	for (i = 0; i < 300 && waitpid(pid, NULL, WNOHANG) != pid; i++) {
		usleep(100000);
		if (i == 3 && !set_block(block, "online"))
			note_errno("online");
	}
	return DONE;
}

/* row.text: how the block comes back; then every way to the node by name and by exhaustion */
static int block_again(struct ctx *c)
{
	long block = one_offline(c->node);
	void *p;

	if (block < 0)
		return skip_row("node %d: no block goes offline", c->node);
	if (!set_block(block, c->row->text))
		note_errno(c->row->text);
	mark();
	p = map_anon(4 * MIB);
	if (!bind_range(p, 4 * MIB, 1UL << c->node))
		note_errno("mbind");
	touch(p, 4 * MIB);
	if (c->full)
		touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

/* All blocks gone and back: the node leaves and enters its state. */
static int node_again(struct ctx *c)
{
	long list[MAX_BLOCKS];
	int n = blocks(c->node, list), i, gone = 0;
	void *p;

	for (i = 0; i < n; i++)
		gone += set_block(list[i], "offline");
	for (i = 0; i < n; i++)
		set_block(list[i], i % 2 ? "online_kernel" : "online_movable");
	note("%d of %d blocks", gone, n);
	mark();
	p = map_anon(4 * MIB);
	if (!bind_range(p, 4 * MIB, 1UL << c->node))
		note_errno("mbind");
	touch(p, 4 * MIB);
	touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

/* Somebody asks for the candidate all the time, by mbind() and by move_pages(). */
static pid_t attempts(const struct ctx *c)
{
	static void *pages[64];
	static int nodes[64], status[64];
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	for (;;) {
		char *p = map_anon(4 * MIB);

		touch_on(c->ordinary, p, 64 * PAGE);
		for (i = 0; i < 64; i++) {
			pages[i] = p + i * PAGE;
			nodes[i] = c->node;
		}
		syscall(SYS_move_pages, 0, 64, pages, nodes, status, 0x2);
		bind_range(p, 4 * MIB, 1UL << c->node);
		touch(p, 4 * MIB);
		munmap(p, 4 * MIB);
	}
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int attempts_while_offline(struct ctx *c)
{
	int node = __builtin_ctzl(c->ordinary), i, gone = 0;
	pid_t pid = attempts(c);
	long block;

	for (i = 0; i < 12; i++) {
		block = one_offline(node);
		gone += block >= 0;
		if (block >= 0 && !set_block(block, "online"))
			note_errno("online");
	}
	note("%d blocks of node %d", gone, node);
	end(pid);
	return DONE;
}

/* Asks the firmware to take a DIMM out, and waits until its blocks are gone. */
static bool eject_one(int node)
{
	long list[MAX_BLOCKS];
	int before = blocks(node, list), dimm, i;
	char path[96];

	for (dimm = 0; dimm < 8; dimm++) {
		snprintf(path, sizeof(path), "/sys/bus/acpi/devices/PNP0C80:%02x/eject", dimm);
		if (!write_file(path, "1"))
			continue;
		for (i = 0; i < 400; i++) {
			if (blocks(node, list) < before)
				return true;
			usleep(100000);
		}
		note("DIMM %d stays", dimm);
		return false;
	}
	note("no DIMM can be ejected");
	return false;
}

/* The pages on a DIMM of an ordinary node have to go somewhere: the candidate is nearest. */
static int dimm_eject(struct ctx *c)
{
	int node = 63 - __builtin_clzl(c->ordinary);
	size_t size = 300 * MIB;

	touch_on(1UL << node, map_anon(size), size);
	mark();
	if (eject_one(node))
		note("ejected");
	return DONE;
}

static int attempts_while_eject(struct ctx *c)
{
	pid_t pid = attempts(c);

	if (eject_one(63 - __builtin_clzl(c->ordinary)))
		note("ejected");
	end(pid);
	return DONE;
}

const struct row plug_rows[] = {
	{ "block-online", block_again, NAMED | PLUG, 1000, 0, 0, 0, "online" },
	{ "block-online_movable", block_again, NAMED | PLUG, 1000, 0, 0, 0, "online_movable" },
	{ "block-online_kernel", block_again, NAMED | PLUG, 1000, 0, 0, 0, "online_kernel" },
	{ "all-blocks-again", node_again, NAMED | PLUG, 1000 },
	{ "offline-ordinary-block", offline_ordinary, NAMED | PLUG, 1000 },
	{ "pressure-during-offline", pressure_while_offline, NAMED | PLUG, 1000 },
	{ "attempts-during-offline", attempts_while_offline, NAMED | PLUG, 500 },
	{ "dimm-eject", dimm_eject, NAMED | DIMM, 1000 },
	{ "attempts-during-dimm-eject", attempts_while_eject, NAMED | DIMM, 100 },
	{ }
};
