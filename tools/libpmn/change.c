// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several writes as one: all of them, or none.
 *
 * The kernel takes one file at a time.  What a file had is read just before it is written.  When a
 * write is refused, those before it are taken back, the last first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

struct pmn_step {
	STAILQ_ENTRY(pmn_step) list;
	char *object, *path, *value;
	/* What would take it back; NULL: what the file has before. */
	char *undo;
	/* A list of services in sysfs, empty for none, has to be written as a word. */
	bool is_list;
	bool done;
};

struct pmn_change {
	struct pmn_ctx *ctx;
	STAILQ_HEAD(, pmn_step) steps;
};

/**
 * pmn_change_new - a change without steps
 * @ctx: the context
 * @change: receives it, for pmn_change_free()
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_new(struct pmn_ctx *ctx, struct pmn_change **change)
{
	struct pmn_change *c = calloc(1, sizeof(*c));

	if (!c)
		return pmn_no_memory(ctx);
	c->ctx = ctx;
	STAILQ_INIT(&c->steps);
	*change = c;
	return PMN_OK;
}

static void step_free(struct pmn_step *step)
{
	free(step->object);
	free(step->path);
	free(step->value);
	free(step->undo);
	free(step);
}

void pmn_change_free(struct pmn_change *change)
{
	struct pmn_step *step;

	if (!change)
		return;
	while ((step = STAILQ_FIRST(&change->steps))) {
		STAILQ_REMOVE_HEAD(&change->steps, list);
		step_free(step);
	}
	free(change);
}

static struct pmn_step *step_add(struct pmn_change *change, const char *object, const char *path,
				 const char *value)
{
	struct pmn_step *step = calloc(1, sizeof(*step));

	if (!step)
		return NULL;
	step->object = strdup(object);
	step->path = strdup(path);
	step->value = strdup(value);
	if (!step->object || !step->path || !step->value) {
		step_free(step);
		return NULL;
	}
	STAILQ_INSERT_TAIL(&change->steps, step, list);
	return step;
}

/**
 * pmn_change_file - one more step: write to a file
 * @change: the change
 * @object: what it is about, for messages
 * @path: the file, as it is without pmn_set_root()
 * @value: what is to be written
 *
 * The value that the file has when the step is done takes it back.
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_file(struct pmn_change *change, const char *object, const char *path,
		    const char *value)
{
	return step_add(change, object, path, value) ? PMN_OK : pmn_no_memory(change->ctx);
}

static int node_step(struct pmn_change *change, struct pmn_node *node, const char *file,
		     const char *value, struct pmn_step **step)
{
	char *path = pmn_print(NODES "/node%d/private/%s", node->id, file);
	char object[32];

	snprintf(object, sizeof(object), "node %d", node->id);
	*step = path ? step_add(change, object, path, value) : NULL;
	free(path);
	return *step ? PMN_OK : pmn_no_memory(change->ctx);
}

/**
 * pmn_change_set - one more step: set a file of a node
 * @change: the change
 * @node: the node
 * @file: in its folder "private", such as "on_full"
 * @value: for the file
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_set(struct pmn_change *change, struct pmn_node *node, const char *file,
		   const char *value)
{
	struct pmn_step *step;

	return node_step(change, node, file, value, &step);
}

/**
 * pmn_change_services - one more step: open and close services of a node
 * @change: the change
 * @node: the node
 * @words: "+name" or "-name", with blanks between them
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_services(struct pmn_change *change, struct pmn_node *node, const char *words)
{
	struct pmn_step *step;
	int ret = node_step(change, node, "enabled", words, &step);

	if (!ret)
		step->is_list = true;
	return ret;
}

/**
 * pmn_change_dax - one more step: set a file of a DAX device
 * @change: the change
 * @dax: the device
 * @file: such as "private_services" or "state"
 * @value: for the file
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_dax(struct pmn_change *change, struct pmn_dax *dax, const char *file,
		   const char *value)
{
	char *path = pmn_print(DAX_DEVICES "/%s/%s", dax->name, file);
	int ret = path ? pmn_change_file(change, dax->name, path, value) :
			 pmn_no_memory(change->ctx);

	free(path);
	return ret;
}

/**
 * pmn_change_cgroup - one more step: set a file of a cgroup
 * @change: the change
 * @cgroup: the cgroup
 * @file: such as "cpuset.mems"
 * @value: for the file
 *
 * Return: PMN_OK or PMN_FAILED.
 */
int pmn_change_cgroup(struct pmn_change *change, struct pmn_cgroup *cgroup, const char *file,
		      const char *value)
{
	char *path = pmn_print(CGROUPS "%s/%s", strcmp(cgroup->path, "/") ? cgroup->path : "", file);
	int ret = path ? pmn_change_file(change, cgroup->path, path, value) :
			 pmn_no_memory(change->ctx);

	free(path);
	return ret;
}

/* What brings a node from the services after @words back to those of @old. */
static char *undo_services(const char *old, const char *words)
{
	char *copy = strdup(words), *text = strdup(""), *more, *word, *save = NULL;
	char padded[1024], name[64];

	snprintf(padded, sizeof(padded), " %s ", old);
	for (word = copy ? strtok_r(copy, " ,", &save) : NULL; word && text;
	     word = strtok_r(NULL, " ,", &save)) {
		snprintf(name, sizeof(name), " %s ", word + 1);
		more = pmn_print("%s%s%c%s", text, *text ? " " : "",
				 strstr(padded, name) ? '+' : '-', word + 1);
		free(text);
		text = more;
	}
	free(copy);
	return text;
}

/* "+cpuset" is taken back by "-cpuset", whatever else is on. */
static char *flip(const char *words)
{
	char *text = strdup(words);

	if (text)
		*text = *text == '+' ? '-' : '+';
	return text;
}

/* A cgroup takes an empty line, other files have words for it. */
static char *undo_text(const struct pmn_step *step, char *old)
{
	const char *file = strrchr(step->path, '/') + 1;
	char *text;

	if (step->is_list)
		text = undo_services(old, step->value);
	else if (!strcmp(file, "cgroup.subtree_control"))
		text = flip(step->value);
	else if (!strcmp(file, "private_services") && !*old)
		text = strdup("none");
	else if (!*old)
		text = strdup("\n");
	else
		return old;
	free(old);
	return text;
}

static int step_do(struct pmn_ctx *ctx, struct pmn_step *step)
{
	char *old = pmn_slurp(ctx, step->path);
	int ret;

	free(step->undo);
	step->undo = NULL;
	if (!old)
		return pmn_refused_read(ctx, step->object, step->path, errno);
	step->undo = undo_text(step, old);
	if (!step->undo)
		return pmn_no_memory(ctx);
	ret = pmn_write(ctx, step->object, step->path, step->value);
	step->done = !ret;
	return ret;
}

static struct pmn_step *last_done(struct pmn_change *change)
{
	struct pmn_step *step, *last = NULL;

	pmn_step_foreach(change, step)
		if (step->done)
			last = step;
	return last;
}

/**
 * pmn_change_undo - take back what pmn_change_apply() did
 * @change: the change
 *
 * Return: PMN_OK; PMN_FAILED when something could not be taken back, pmn_error() names all of it.
 */
int pmn_change_undo(struct pmn_change *change)
{
	struct pmn_step *step;
	int ret = PMN_OK;
	char *before;

	while ((step = last_done(change))) {
		step->done = false;
		/* What is gone is not as it was made, either. */
		if (pmn_is_gone(change->ctx, step->path))
			continue;
		before = ret ? strdup(pmn_error(change->ctx)) : NULL;
		if (pmn_write(change->ctx, step->object, step->path, step->undo))
			ret = pmn_fail(change->ctx, PMN_FAILED, "%s%s%s, and so it is not as before: write '%s' to %s",
				       before ? before : "", before ? "; " : "", pmn_error(change->ctx),
				       step->undo, step->path);
		else if (before)
			pmn_fail(change->ctx, PMN_FAILED, "%s", before);
		free(before);
	}
	return ret;
}

/**
 * pmn_change_apply - do all steps, or none
 * @change: the change
 *
 * Return: PMN_OK.  Otherwise what the refused step gave, and nothing is changed, unless pmn_error()
 * says what could not be taken back.
 */
int pmn_change_apply(struct pmn_change *change)
{
	struct pmn_step *step;
	int ret = PMN_OK;
	char *why;

	pmn_step_foreach(change, step) {
		ret = step_do(change->ctx, step);
		if (ret)
			break;
	}
	if (!ret)
		return PMN_OK;
	why = strdup(pmn_error(change->ctx));
	if (pmn_change_undo(change))
		pmn_fail(change->ctx, PMN_FAILED, "%s; then %s", why ? why : "",
			 pmn_error(change->ctx));
	else
		pmn_fail(change->ctx, ret, "%s", why ? why : "");
	free(why);
	return ret;
}

struct pmn_step *pmn_step_get_first(struct pmn_change *change)
{
	return STAILQ_FIRST(&change->steps);
}

struct pmn_step *pmn_step_get_next(struct pmn_step *step)
{
	return STAILQ_NEXT(step, list);
}

const char *pmn_step_get_object(const struct pmn_step *step)
{
	return step->object;
}

const char *pmn_step_get_path(const struct pmn_step *step)
{
	return step->path;
}

const char *pmn_step_get_value(const struct pmn_step *step)
{
	return step->value;
}
