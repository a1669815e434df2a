/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: libpmn - private memory nodes of Linux, for programs
 *
 * A context is a picture of the machine's private nodes, DAX devices, cgroups and processes.  Each
 * kind is read when it is first asked for, and stays as it was read until pmn_refresh().  Objects
 * belong to their context and go with it, or with the next pmn_refresh().  No structure is part of
 * the ABI.
 *
 * A function that can fail returns an enum pmn_result.  pmn_error() then has one sentence: which
 * object, what failed, why, and what to do.
 *
 * A context is for one thread at a time.  Different contexts do not know each other.
 */
#ifndef _LIBPMN_H
#define _LIBPMN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum pmn_result - what became of a call
 * @PMN_OK: all of it is done
 * @PMN_FAILED: nothing is done, or pmn_error() says which part
 * @PMN_USAGE: an argument makes no sense; nothing was tried
 * @PMN_NO_KERNEL: the running kernel cannot do it
 * @PMN_NO_NODE: there is no such node, device, or cgroup
 * @PMN_BUSY: somebody uses what would have to go; nothing is changed
 *
 * The values are the exit codes of pmnctl, too.
 */
enum pmn_result {
	PMN_OK,
	PMN_FAILED,
	PMN_USAGE,
	PMN_NO_KERNEL,
	PMN_NO_NODE,
	PMN_BUSY,
};

/* -- context ------------------------------------------------------------- */

struct pmn_ctx;

int pmn_new(struct pmn_ctx **ctx);
struct pmn_ctx *pmn_ref(struct pmn_ctx *ctx);
struct pmn_ctx *pmn_unref(struct pmn_ctx *ctx);
int pmn_set_root(struct pmn_ctx *ctx, const char *dir);
const char *pmn_get_root(const struct pmn_ctx *ctx);
void pmn_refresh(struct pmn_ctx *ctx);
const char *pmn_error(const struct pmn_ctx *ctx);
int pmn_check_kernel(struct pmn_ctx *ctx);

/* -- services ------------------------------------------------------------ */

struct pmn_service;

const struct pmn_service *pmn_service_get_first(void);
const struct pmn_service *pmn_service_get_next(const struct pmn_service *service);
const struct pmn_service *pmn_service_by_name(const char *name);
const char *pmn_service_get_name(const struct pmn_service *service);
const char *pmn_service_get_help(const struct pmn_service *service);
const struct pmn_service *pmn_service_get_needed(const struct pmn_service *service);

#define pmn_service_foreach(service) \
	for (service = pmn_service_get_first(); service; \
	     service = pmn_service_get_next(service))

int pmn_services_check(struct pmn_ctx *ctx, const char *list);

/* -- nodes --------------------------------------------------------------- */

struct pmn_node;

struct pmn_node *pmn_node_get_first(struct pmn_ctx *ctx);
struct pmn_node *pmn_node_get_next(struct pmn_node *node);
struct pmn_node *pmn_node_by_id(struct pmn_ctx *ctx, int id);

#define pmn_node_foreach(ctx, node) \
	for (node = pmn_node_get_first(ctx); node; node = pmn_node_get_next(node))

struct pmn_ctx *pmn_node_get_ctx(struct pmn_node *node);
int pmn_node_get_id(const struct pmn_node *node);
const char *pmn_node_get_owner(const struct pmn_node *node);
const char *pmn_node_get_capable(const struct pmn_node *node);
const char *pmn_node_get_enabled(const struct pmn_node *node);
bool pmn_node_is_capable(const struct pmn_node *node, const struct pmn_service *service);
bool pmn_node_is_enabled(const struct pmn_node *node, const struct pmn_service *service);
const char *pmn_node_get_on_full(const struct pmn_node *node);
const char *pmn_node_get_on_unplug(const struct pmn_node *node);
const char *pmn_node_get_access(const struct pmn_node *node);
unsigned long long pmn_node_get_size(const struct pmn_node *node);
unsigned long long pmn_node_get_free(const struct pmn_node *node);
long long pmn_node_get_adistance(const struct pmn_node *node);
long long pmn_node_get_promotion(const struct pmn_node *node);
long long pmn_node_get_weight(const struct pmn_node *node);
const char *pmn_node_get_meminfo(const struct pmn_node *node, const char *name);

/* -- counters of a node, and of its compressing device -------------------- */

struct pmn_counter;

struct pmn_counter *pmn_counter_get_first(struct pmn_node *node);
struct pmn_counter *pmn_counter_get_next(struct pmn_counter *counter);

#define pmn_counter_foreach(node, counter) \
	for (counter = pmn_counter_get_first(node); counter; \
	     counter = pmn_counter_get_next(counter))

const char *pmn_counter_get_name(const struct pmn_counter *counter);
unsigned long long pmn_counter_get_value(const struct pmn_counter *counter);
bool pmn_counter_is_cram(const struct pmn_counter *counter);

/* -- compressed RAM ------------------------------------------------------- */

bool pmn_node_is_cram(const struct pmn_node *node);
const char *pmn_cram_get_state(const struct pmn_node *node);
const char *pmn_cram_get_ratio(const struct pmn_node *node);
long long pmn_cram_get_bytes(const struct pmn_node *node, const char *file);

/* -- sets of nodes --------------------------------------------------------- */

struct pmn_nodeset;

int pmn_nodeset_parse(struct pmn_ctx *ctx, const char *text, struct pmn_nodeset **set);
void pmn_nodeset_free(struct pmn_nodeset *set);
bool pmn_nodeset_has(const struct pmn_nodeset *set, int id);
unsigned int pmn_nodeset_count(const struct pmn_nodeset *set);

#define pmn_nodeset_foreach(ctx, set, node) \
	pmn_node_foreach(ctx, node) \
		if (pmn_nodeset_has(set, pmn_node_get_id(node)))

/* -- changes: all of one, or nothing --------------------------------------- */

struct pmn_change;
struct pmn_step;

int pmn_change_new(struct pmn_ctx *ctx, struct pmn_change **change);
void pmn_change_free(struct pmn_change *change);
int pmn_change_services(struct pmn_change *change, struct pmn_node *node, const char *words);
int pmn_change_set(struct pmn_change *change, struct pmn_node *node, const char *file,
		   const char *value);
int pmn_change_file(struct pmn_change *change, const char *object, const char *path,
		    const char *value);
int pmn_change_apply(struct pmn_change *change);
int pmn_change_undo(struct pmn_change *change);

struct pmn_step *pmn_step_get_first(struct pmn_change *change);
struct pmn_step *pmn_step_get_next(struct pmn_step *step);
const char *pmn_step_get_object(const struct pmn_step *step);
const char *pmn_step_get_path(const struct pmn_step *step);
const char *pmn_step_get_value(const struct pmn_step *step);

#define pmn_step_foreach(change, step) \
	for (step = pmn_step_get_first(change); step; step = pmn_step_get_next(step))

/* -- DAX devices ----------------------------------------------------------- */

struct pmn_dax;

struct pmn_dax *pmn_dax_get_first(struct pmn_ctx *ctx);
struct pmn_dax *pmn_dax_get_next(struct pmn_dax *dax);
struct pmn_dax *pmn_dax_by_name(struct pmn_ctx *ctx, const char *name);
struct pmn_dax *pmn_dax_by_owner(struct pmn_ctx *ctx, const char *owner);

#define pmn_dax_foreach(ctx, dax) \
	for (dax = pmn_dax_get_first(ctx); dax; dax = pmn_dax_get_next(dax))

const char *pmn_dax_get_name(const struct pmn_dax *dax);
const char *pmn_dax_get_driver(const struct pmn_dax *dax);
const char *pmn_dax_get_state(const struct pmn_dax *dax);
const char *pmn_dax_get_region(const struct pmn_dax *dax);
const char *pmn_dax_get_services(const struct pmn_dax *dax);
const char *pmn_dax_get_where(const struct pmn_dax *dax);
int pmn_dax_get_private(const struct pmn_dax *dax);
int pmn_dax_get_node(const struct pmn_dax *dax);
unsigned long long pmn_dax_get_size(const struct pmn_dax *dax);
bool pmn_dax_is_plugged(const struct pmn_dax *dax);
int pmn_change_dax(struct pmn_change *change, struct pmn_dax *dax, const char *file,
		   const char *value);

/* -- cgroups ---------------------------------------------------------------- */

struct pmn_cgroup;

struct pmn_cgroup *pmn_cgroup_get_first(struct pmn_ctx *ctx);
struct pmn_cgroup *pmn_cgroup_get_next(struct pmn_cgroup *cgroup);
struct pmn_cgroup *pmn_cgroup_get_parent(const struct pmn_cgroup *cgroup);
struct pmn_cgroup *pmn_cgroup_by_path(struct pmn_ctx *ctx, const char *path);

#define pmn_cgroup_foreach(ctx, cgroup) \
	for (cgroup = pmn_cgroup_get_first(ctx); cgroup; \
	     cgroup = pmn_cgroup_get_next(cgroup))

const char *pmn_cgroup_get_path(const struct pmn_cgroup *cgroup);
const char *pmn_cgroup_get_mems(const struct pmn_cgroup *cgroup);
bool pmn_cgroup_may_have(const struct pmn_cgroup *cgroup, int node);
bool pmn_cgroup_names(const struct pmn_cgroup *cgroup, int node);
bool pmn_cgroup_has_tasks(const struct pmn_cgroup *cgroup);
unsigned long long pmn_cgroup_get_use(const struct pmn_cgroup *cgroup, int node);
int pmn_cgroup_read(struct pmn_cgroup *cgroup, const char *file, char *text, size_t size);
int pmn_cgroup_write(struct pmn_cgroup *cgroup, const char *file, const char *value);
int pmn_change_cgroup(struct pmn_change *change, struct pmn_cgroup *cgroup, const char *file,
		      const char *value);

/* -- processes with memory on private nodes ---------------------------------- */

struct pmn_user;

struct pmn_user *pmn_user_get_first(struct pmn_ctx *ctx);
struct pmn_user *pmn_user_get_next(struct pmn_user *user);

#define pmn_user_foreach(ctx, user) \
	for (user = pmn_user_get_first(ctx); user; user = pmn_user_get_next(user))

pid_t pmn_user_get_pid(const struct pmn_user *user);
const char *pmn_user_get_name(const struct pmn_user *user);
const char *pmn_user_get_cgroup(const struct pmn_user *user);
unsigned long long pmn_user_get_use(const struct pmn_user *user, int node);

/* -- the last refusals and kills ------------------------------------------------- */

struct pmn_refusal;

int pmn_refusals_check(struct pmn_ctx *ctx);
struct pmn_refusal *pmn_refusal_get_first(struct pmn_ctx *ctx);
struct pmn_refusal *pmn_refusal_get_next(struct pmn_refusal *refusal);

#define pmn_refusal_foreach(ctx, refusal) \
	for (refusal = pmn_refusal_get_first(ctx); refusal; \
	     refusal = pmn_refusal_get_next(refusal))

const char *pmn_refusal_get(const struct pmn_refusal *refusal, const char *field);
long long pmn_refusal_get_number(const struct pmn_refusal *refusal, const char *field);
const char *pmn_refusal_get_act(const struct pmn_refusal *refusal);
const char *pmn_refusal_get_reason(const struct pmn_refusal *refusal);
const char *pmn_refusal_get_advice(const struct pmn_refusal *refusal);

/* -- files of the kernel ------------------------------------------------------ */

int pmn_read(struct pmn_ctx *ctx, const char *path, char *text, size_t size);
int pmn_write(struct pmn_ctx *ctx, const char *object, const char *path, const char *value);

#ifdef __cplusplus
}
#endif

#endif /* _LIBPMN_H */
