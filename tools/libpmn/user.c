// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes with memory on private nodes, by their numa_maps.  Reading these of a process walks its
 * page tables, so it is done only for who asks.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

static void user_free(struct pmn_user *user)
{
	free(user->name);
	free(user->cgroup);
	free(user);
}

void pmn_users_free(struct pmn_ctx *ctx)
{
	struct pmn_user *user;

	while ((user = STAILQ_FIRST(&ctx->users))) {
		STAILQ_REMOVE_HEAD(&ctx->users, list);
		user_free(user);
	}
	ctx->users_read = false;
}

/* Adds " N1=512" of a line of pages of that size. */
static void count_line(struct pmn_user *user, const char *line)
{
	const char *size = strstr(line, "kernelpagesize_kB=");
	unsigned long long page = size ? strtoull(size + 18, NULL, 10) << 10 : 4096;
	unsigned long node;
	char *end;
	const char *p;

	for (p = strstr(line, " N"); p; p = strstr(p + 1, " N")) {
		node = strtoul(p + 2, &end, 10);
		if (end > p + 2 && *end == '=' && node < (unsigned long)user->ctx->node_ids)
			user->use[node] += strtoull(end + 1, NULL, 10) * page;
	}
}

static void count_maps(struct pmn_user *user)
{
	char *path = pmn_print("%s/proc/%d/numa_maps", user->ctx->root, user->pid);
	FILE *f = path ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		count_line(user, line);
	free(line);
	if (f)
		fclose(f);
	free(path);
}

static bool has_some(const struct pmn_user *user)
{
	struct pmn_node *node;

	pmn_node_foreach(user->ctx, node)
		if (user->use[node->id])
			return true;
	return false;
}

/* The line of cgroup v2: "0::/system.slice/redis.service" */
char *pmn_cgroup_of(const struct pmn_ctx *ctx, const char *dir)
{
	char *text = pmn_slurp_in(ctx, dir, "cgroup"), *line, *save = NULL, *ret = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && !ret;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "0::", 3))
			ret = strdup(line + 3);
	free(text);
	return ret;
}

/* NULL when it has none, or has ended. */
static struct pmn_user *user_read(struct pmn_ctx *ctx, pid_t pid)
{
	struct pmn_user *user = calloc(1, sizeof(*user) + ctx->node_ids * sizeof(user->use[0]));
	char dir[32];

	if (!user)
		return NULL;
	user->ctx = ctx;
	user->pid = pid;
	count_maps(user);
	if (has_some(user)) {
		snprintf(dir, sizeof(dir), "/proc/%d", pid);
		user->name = pmn_slurp_in(ctx, dir, "comm");
		user->cgroup = pmn_cgroup_of(ctx, dir);
	}
	if (user->name)
		return user;
	user_free(user);
	return NULL;
}

static void users_read(struct pmn_ctx *ctx)
{
	char *path = pmn_path(ctx, "/proc");
	DIR *dir = path ? opendir(path) : NULL;
	struct pmn_user *user;
	struct dirent *de;

	free(path);
	ctx->users_read = true;
	while (dir && pmn_node_get_first(ctx) && (de = readdir(dir))) {
		user = isdigit((unsigned char)de->d_name[0]) ?
		       user_read(ctx, atoi(de->d_name)) : NULL;
		if (user)
			STAILQ_INSERT_TAIL(&ctx->users, user, list);
	}
	if (dir)
		closedir(dir);
}

/**
 * pmn_user_get_first - the first process that has memory of a private node mapped
 * @ctx: the context
 *
 * Only root sees those of others.  Memory that nobody maps, as a file in tmpfs, is of no process.
 */
struct pmn_user *pmn_user_get_first(struct pmn_ctx *ctx)
{
	if (!ctx->users_read)
		users_read(ctx);
	return STAILQ_FIRST(&ctx->users);
}

struct pmn_user *pmn_user_get_next(struct pmn_user *user)
{
	return STAILQ_NEXT(user, list);
}

pid_t pmn_user_get_pid(const struct pmn_user *user)
{
	return user->pid;
}

const char *pmn_user_get_name(const struct pmn_user *user)
{
	return user->name;
}

/* NULL without cgroup v2. */
const char *pmn_user_get_cgroup(const struct pmn_user *user)
{
	return user->cgroup;
}

/* Bytes that it has mapped there; what several processes map counts for each. */
unsigned long long pmn_user_get_use(const struct pmn_user *user, int node)
{
	return node >= 0 && node < user->ctx->node_ids ? user->use[node] : 0;
}
