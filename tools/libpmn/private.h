/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of libpmn know of each other. */
#ifndef _LIBPMN_PRIVATE_H
#define _LIBPMN_PRIVATE_H

#include <stdio.h>
#include <sys/queue.h>

#include "libpmn.h"

#define NODES		"/sys/devices/system/node"
#define DAX_DEVICES	"/sys/bus/dax/devices"
#define CGROUPS		"/sys/fs/cgroup"

/* As the kernel's MAX_NUMNODES on the largest machines. */
#define MAX_NODES	1024
/* The largest file that is read whole, that of refusals, has 40 KiB; numa_maps is read by lines. */
#define FILE_MAX	65536

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, v)	__attribute__((format(printf, f, v)))

struct pmn_nodeset {
	unsigned long bits[MAX_NODES / (8 * sizeof(long))];
};

struct pmn_counter {
	STAILQ_ENTRY(pmn_counter) list;
	char *name;
	unsigned long long value;
	bool cram;
};

struct pmn_node {
	STAILQ_ENTRY(pmn_node) list;
	struct pmn_ctx *ctx;
	int id;
	char *owner, *capable, *enabled, *on_full, *on_unplug, *access;
	unsigned long long size, free;
	long long adistance, promotion, weight;
	STAILQ_HEAD(, pmn_counter) counters;
	STAILQ_HEAD(, pmn_value) meminfo, cram;
	bool is_cram;
};

/* A name and a text, for files and lines of which there are many. */
struct pmn_value {
	STAILQ_ENTRY(pmn_value) list;
	char *name, *text;
};

struct pmn_dax {
	STAILQ_ENTRY(pmn_dax) list;
	struct pmn_ctx *ctx;
	char *name, *driver, *state, *region, *services, *where;
	int private, node;
	unsigned long long size;
};

struct pmn_cgroup {
	STAILQ_ENTRY(pmn_cgroup) list;
	struct pmn_ctx *ctx;
	struct pmn_cgroup *parent;
	char *path, *mems;
	/* As written here and above; those of them that it may have; those that all but the root name. */
	struct pmn_nodeset written, possible, named;
};

struct pmn_user {
	STAILQ_ENTRY(pmn_user) list;
	struct pmn_ctx *ctx;
	pid_t pid;
	char *name, *cgroup;
	unsigned long long use[];
};

struct pmn_refusal {
	STAILQ_ENTRY(pmn_refusal) list;
	STAILQ_HEAD(, pmn_value) fields;
	char *act, *reason, *advice;
};

struct pmn_ctx {
	int refs;
	char *root;
	char *error;
	bool nodes_read, dax_read, cgroups_read, users_read, refusals_read;
	STAILQ_HEAD(, pmn_node) nodes;
	STAILQ_HEAD(, pmn_dax) dax;
	STAILQ_HEAD(, pmn_cgroup) cgroups;
	STAILQ_HEAD(, pmn_user) users;
	STAILQ_HEAD(, pmn_refusal) refusals;
	/* Of the private nodes: one more than the last. */
	int node_ids;
};

/* ctx.c */
int pmn_fail(struct pmn_ctx *ctx, enum pmn_result code, const char *fmt, ...) PRINTF(3, 4);
int pmn_no_memory(struct pmn_ctx *ctx);

/* file.c */
char *pmn_path(const struct pmn_ctx *ctx, const char *path);
char *pmn_slurp(const struct pmn_ctx *ctx, const char *path);
char *pmn_slurp_in(const struct pmn_ctx *ctx, const char *dir, const char *file);
bool pmn_is_gone(const struct pmn_ctx *ctx, const char *path);
int pmn_refused_read(struct pmn_ctx *ctx, const char *object, const char *path, int error);
bool pmn_exists(const struct pmn_ctx *ctx, const char *path);
int pmn_number(const char *text, unsigned long long *value);
char *pmn_print(const char *fmt, ...) PRINTF(1, 2);

/* kmsg.c */
struct pmn_log;
struct pmn_log *pmn_log_open(const struct pmn_ctx *ctx);
char *pmn_log_reason(struct pmn_log *log, const char *object, bool of_nodes);
void pmn_log_close(struct pmn_log *log);

/* user.c */
char *pmn_cgroup_of(const struct pmn_ctx *ctx, const char *dir);

/* nodeset.c */
bool pmn_nodeset_parse_ids(const char *text, struct pmn_nodeset *set);
void pmn_nodeset_set(struct pmn_nodeset *set, int id);
void pmn_nodeset_clear(struct pmn_nodeset *set, int id);

/* what a context holds */
void pmn_nodes_free(struct pmn_ctx *ctx);
void pmn_daxes_free(struct pmn_ctx *ctx);
void pmn_cgroups_free(struct pmn_ctx *ctx);
void pmn_users_free(struct pmn_ctx *ctx);
void pmn_refusals_free(struct pmn_ctx *ctx);

/* refusal.c */
void pmn_refusals_parse(struct pmn_ctx *ctx, char *text);

#endif
