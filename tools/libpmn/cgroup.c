// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups (v2), and which private nodes each of them may have. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "private.h"

static void cgroup_free(struct pmn_cgroup *cgroup)
{
	free(cgroup->path);
	free(cgroup->mems);
	free(cgroup);
}

void pmn_cgroups_free(struct pmn_ctx *ctx)
{
	struct pmn_cgroup *cgroup;

	while ((cgroup = STAILQ_FIRST(&ctx->cgroups))) {
		STAILQ_REMOVE_HEAD(&ctx->cgroups, list);
		cgroup_free(cgroup);
	}
	ctx->cgroups_read = false;
}

static char *file_of(const char *path, const char *file)
{
	return pmn_print(CGROUPS "%s/%s", strcmp(path, "/") ? path : "", file);
}

static char *slurp_of(const struct pmn_ctx *ctx, const char *path, const char *file)
{
	char *full = file_of(path, file), *text = full ? pmn_slurp(ctx, full) : NULL;

	free(full);
	return text;
}

/* The root has what there is. */
static void all_nodes(struct pmn_ctx *ctx, struct pmn_nodeset *set)
{
	char *ordinary = pmn_slurp(ctx, NODES "/has_memory");
	char *private = pmn_slurp(ctx, NODES "/has_private_memory");
	struct pmn_nodeset more;
	size_t i;

	if (!ordinary || !pmn_nodeset_parse_ids(ordinary, set))
		memset(set, 0, sizeof(*set));
	if (private && pmn_nodeset_parse_ids(private, &more))
		for (i = 0; i < ARRAY_SIZE(set->bits); i++)
			set->bits[i] |= more.bits[i];
	free(private);
	free(ordinary);
}

static void intersect(struct pmn_nodeset *set, const struct pmn_nodeset *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] &= other->bits[i];
}

static bool is_empty(const struct pmn_nodeset *set)
{
	unsigned long any = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		any |= set->bits[i];
	return !any;
}

/* Those whose access is "named" and that the cgroup, or one above, does not name. */
static void drop_unnamed(struct pmn_cgroup *cgroup)
{
	struct pmn_node *node;

	pmn_node_foreach(cgroup->ctx, node)
		if (node->access && !strcmp(node->access, "named") &&
		    !pmn_nodeset_has(&cgroup->named, node->id))
			pmn_nodeset_clear(&cgroup->possible, node->id);
}

/*
 * As the kernel has it: cpuset.mems within the parent's nodes; all of these where it is unset, or
 * leaves nothing.
 */
static void find_possible(struct pmn_cgroup *cgroup)
{
	const struct pmn_cgroup *parent = cgroup->parent;
	struct pmn_nodeset own;

	if (!parent) {
		all_nodes(cgroup->ctx, &cgroup->written);
	} else {
		cgroup->written = parent->written;
		if (cgroup->mems && *cgroup->mems && pmn_nodeset_parse_ids(cgroup->mems, &own)) {
			cgroup->named = own;
			if (parent->parent)
				intersect(&cgroup->named, &parent->named);
			intersect(&own, &parent->written);
			if (!is_empty(&own))
				cgroup->written = own;
		}
	}
	cgroup->possible = cgroup->written;
	drop_unnamed(cgroup);
}

static struct pmn_cgroup *cgroup_add(struct pmn_ctx *ctx, struct pmn_cgroup *parent, char *path)
{
	struct pmn_cgroup *cgroup = path ? calloc(1, sizeof(*cgroup)) : NULL;

	if (!cgroup) {
		free(path);
		return NULL;
	}
	cgroup->ctx = ctx;
	cgroup->parent = parent;
	cgroup->path = path;
	cgroup->mems = slurp_of(ctx, path, "cpuset.mems");
	find_possible(cgroup);
	STAILQ_INSERT_TAIL(&ctx->cgroups, cgroup, list);
	return cgroup;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_cgroup(const struct dirent *de)
{
	return de->d_type == DT_DIR && de->d_name[0] != '.';
}

/* Parents before their children.  One that goes meanwhile has none. */
static void cgroups_below(struct pmn_ctx *ctx, struct pmn_cgroup *parent)
{
	char *dir = pmn_print("%s" CGROUPS "%s", ctx->root, parent->path);
	const char *base = strcmp(parent->path, "/") ? parent->path : "";
	struct dirent **names = NULL;
	struct pmn_cgroup *child;
	int i, n;

	n = dir ? scandir(dir, &names, is_cgroup, by_name) : 0;
	free(dir);
	for (i = 0; i < n; i++) {
		child = cgroup_add(ctx, parent, pmn_print("%s/%s", base, names[i]->d_name));
		free(names[i]);
		if (child)
			cgroups_below(ctx, child);
	}
	free(names);
}

static void cgroups_read(struct pmn_ctx *ctx)
{
	struct pmn_cgroup *root;

	ctx->cgroups_read = true;
	if (!pmn_exists(ctx, CGROUPS "/cgroup.controllers"))
		return;
	root = cgroup_add(ctx, NULL, strdup("/"));
	if (root)
		cgroups_below(ctx, root);
}

/**
 * pmn_cgroup_get_first - the root cgroup
 * @ctx: the context
 *
 * Return: the root, or NULL where cgroup v2 is not mounted on /sys/fs/cgroup.  What follows are its
 * descendants, parents before children.
 */
struct pmn_cgroup *pmn_cgroup_get_first(struct pmn_ctx *ctx)
{
	if (!ctx->cgroups_read)
		cgroups_read(ctx);
	return STAILQ_FIRST(&ctx->cgroups);
}

struct pmn_cgroup *pmn_cgroup_get_next(struct pmn_cgroup *cgroup)
{
	return STAILQ_NEXT(cgroup, list);
}

struct pmn_cgroup *pmn_cgroup_get_parent(const struct pmn_cgroup *cgroup)
{
	return cgroup->parent;
}

/**
 * pmn_cgroup_by_path - a cgroup by its path
 * @ctx: the context
 * @path: such as "/system.slice/redis.service", with or without the first slash, or below
 *	/sys/fs/cgroup
 *
 * Return: the cgroup, or NULL.
 */
struct pmn_cgroup *pmn_cgroup_by_path(struct pmn_ctx *ctx, const char *path)
{
	struct pmn_cgroup *cgroup;
	size_t len;

	if (!strncmp(path, CGROUPS "/", sizeof(CGROUPS)))
		path += sizeof(CGROUPS) - 1;
	path += strspn(path, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	pmn_cgroup_foreach(ctx, cgroup)
		if (!strncmp(cgroup->path + 1, path, len) && !cgroup->path[1 + len])
			return cgroup;
	return NULL;
}

const char *pmn_cgroup_get_path(const struct pmn_cgroup *cgroup)
{
	return cgroup->path;
}

/* cpuset.mems as it was written; NULL where the controller is not enabled. */
const char *pmn_cgroup_get_mems(const struct pmn_cgroup *cgroup)
{
	return cgroup->mems;
}

/**
 * pmn_cgroup_may_have - may its tasks name the node, by policy or by device map?
 * @cgroup: a cgroup
 * @node: number of a private node
 *
 * cpuset.mems.effective does not tell: it leaves out a node whose user_numa is closed.
 */
bool pmn_cgroup_may_have(const struct pmn_cgroup *cgroup, int node)
{
	return pmn_nodeset_has(&cgroup->possible, node);
}

/**
 * pmn_cgroup_names - do it, and each cgroup above but the root, name the node in cpuset.mems?
 * @cgroup: a cgroup
 * @node: number of a private node
 *
 * A node whose access is "named" is for those alone.
 */
bool pmn_cgroup_names(const struct pmn_cgroup *cgroup, int node)
{
	return pmn_nodeset_has(&cgroup->named, node);
}

bool pmn_cgroup_has_tasks(const struct pmn_cgroup *cgroup)
{
	char *text = slurp_of(cgroup->ctx, cgroup->path, "cgroup.procs");
	bool ret = text && *text;

	free(text);
	return ret;
}

/* "anon N0=4096 N1=8192": the number behind N<node> */
static unsigned long long in_line(const char *line, int node)
{
	char key[32];
	const char *p;

	snprintf(key, sizeof(key), " N%d=", node);
	p = strstr(line, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/**
 * pmn_cgroup_get_use - how much of a node the cgroup has, with its descendants
 * @cgroup: a cgroup
 * @node: number of a node
 *
 * Return: bytes of anonymous memory, shmem and page cache there.
 */
unsigned long long pmn_cgroup_get_use(const struct pmn_cgroup *cgroup, int node)
{
	char *text = slurp_of(cgroup->ctx, cgroup->path, "memory.numa_stat"), *line, *save = NULL;
	unsigned long long sum = 0;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "anon ", 5) || !strncmp(line, "file ", 5))
			sum += in_line(line, node);
	free(text);
	return sum;
}

/**
 * pmn_cgroup_read - read a file of a cgroup
 * @cgroup: a cgroup
 * @file: such as "memory.cram.current"
 * @text: receives it
 * @size: of @text
 *
 * Return: as pmn_read().
 */
int pmn_cgroup_read(struct pmn_cgroup *cgroup, const char *file, char *text, size_t size)
{
	char *path = file_of(cgroup->path, file);
	int ret = path ? pmn_read(cgroup->ctx, path, text, size) : pmn_no_memory(cgroup->ctx);

	free(path);
	return ret;
}

/**
 * pmn_cgroup_write - write to a file of a cgroup
 * @cgroup: a cgroup
 * @file: such as "memory.reclaim"
 * @value: for the file
 *
 * Return: as pmn_write().
 */
int pmn_cgroup_write(struct pmn_cgroup *cgroup, const char *file, const char *value)
{
	char *path = file_of(cgroup->path, file);
	int ret = path ? pmn_write(cgroup->ctx, cgroup->path, path, value) :
			 pmn_no_memory(cgroup->ctx);

	free(path);
	return ret;
}
