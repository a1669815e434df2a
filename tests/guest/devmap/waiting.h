/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * waiting.h: a node that is being unplugged for as long as a test likes, by the module
 * private_node_hold, and tasks that wait meanwhile.
 */
#ifndef WAITING_H
#define WAITING_H

#include <time.h>

#include "devmap.h"

#define SIM "/sys/kernel/private_node_sim/"
#define INSIDE "/sys/module/private_node_hold/parameters/inside"
#define CLOSING "/sys/module/private_node_hold/parameters/closing"

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 2000000 };

	nanosleep(&t, NULL);
}

/* Until it sleeps in the kernel for good, or has ended. */
__attribute__((unused))
static bool waits(pid_t pid)
{
	char path[64], buf[512], *at;
	int looks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (looks < 20) {
		at = read_file(path, buf, sizeof(buf)) ? strrchr(buf, ')') : NULL;
		if (!at || at[2] == 'Z')
			return false;
		looks = at[2] == 'D' ? looks + 1 : 0;
		nap();
	}
	return true;
}

/* A node of the memory that was reserved as number WHICH; MORE in the words of the provider. */
__attribute__((unused))
static int sim_node(const char *name, int which, const char *more)
{
	char text[400], want[40];

	snprintf(text, sizeof(text), "name=%s owner=%s ranges=%s online_type=online_movable %s", name, name,
		 reserved_range(which), more);
	put(SIM "new_node", text);
	snprintf(want, sizeof(want), "name=%s nid=", name);
	return (int)number_in(SIM "nodes", want);
}

static void hold(const char *file, int nid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nid);
	put(file, text);
}

static bool is_closing(void)
{
	char buf[32];

	return read_file(INSIDE, buf, sizeof(buf)) && strstr(buf, " 1");
}

/* An unplug that has closed the node, and waits for who is inside: until hold(INSIDE, -1). */
__attribute__((unused))
static pid_t begin_unplug(const char *name)
{
	pid_t pid;

	hold(INSIDE, node);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(!write_file(SIM "unplug", name));
	while (!is_closing()) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			bail("unplug ended");
		nap();
	}
	return pid;
}

#endif
