// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private nodes, as they were read.  A node that goes while it is read is left out: what is shown of
 * a node is from one time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

static void counters_free(struct pmn_node *node)
{
	struct pmn_counter *c;

	while ((c = STAILQ_FIRST(&node->counters))) {
		STAILQ_REMOVE_HEAD(&node->counters, list);
		free(c->name);
		free(c);
	}
}

static void value_free(struct pmn_value *v)
{
	free(v->name);
	free(v->text);
	free(v);
}

static void values_free(struct pmn_node *node)
{
	struct pmn_value *v;

	while ((v = STAILQ_FIRST(&node->meminfo))) {
		STAILQ_REMOVE_HEAD(&node->meminfo, list);
		value_free(v);
	}
	while ((v = STAILQ_FIRST(&node->cram))) {
		STAILQ_REMOVE_HEAD(&node->cram, list);
		value_free(v);
	}
}

static void node_free(struct pmn_node *node)
{
	if (!node)
		return;
	counters_free(node);
	values_free(node);
	free(node->owner);
	free(node->capable);
	free(node->enabled);
	free(node->on_full);
	free(node->on_unplug);
	free(node->access);
	free(node);
}

void pmn_nodes_free(struct pmn_ctx *ctx)
{
	struct pmn_node *node;

	while ((node = STAILQ_FIRST(&ctx->nodes))) {
		STAILQ_REMOVE_HEAD(&ctx->nodes, list);
		node_free(node);
	}
	ctx->nodes_read = false;
	ctx->node_ids = 0;
}

/* NULL when there is no memory; takes over @text. */
static struct pmn_value *value_new(const char *name, size_t len, char *text)
{
	struct pmn_value *v = calloc(1, sizeof(*v));

	if (v)
		v->name = strndup(name, len);
	if (v && v->name && text) {
		v->text = text;
		return v;
	}
	free(text);
	if (v)
		free(v->name);
	free(v);
	return NULL;
}

static bool counter_add(struct pmn_node *node, const char *line, bool cram)
{
	size_t len = strcspn(line, " ");
	unsigned long long value;
	struct pmn_counter *c;

	/* A line of another form is of a newer kernel. */
	if (!line[len] || pmn_number(line + len + 1, &value))
		return true;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->name = strndup(line, len);
	if (!c->name) {
		free(c);
		return false;
	}
	c->value = value;
	c->cram = cram;
	STAILQ_INSERT_TAIL(&node->counters, c, list);
	return true;
}

static bool counters_read(struct pmn_node *node, const char *file, bool cram)
{
	char *text = pmn_slurp(node->ctx, file), *line, *save = NULL;
	bool ret = text;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && ret;
	     line = strtok_r(NULL, "\n", &save))
		ret = counter_add(node, line, cram);
	free(text);
	return ret;
}

/* "Node 1 PrivateTotal:     524288 kB" */
static bool meminfo_add(struct pmn_node *node, char *line)
{
	char *name = strstr(line, "Private");
	struct pmn_value *v;
	size_t len;

	if (!name)
		return true;
	len = strcspn(name, ":");
	if (!name[len])
		return true;
	v = value_new(name, len, strdup(name + len + 1 + strspn(name + len + 1, " ")));
	if (!v)
		return false;
	STAILQ_INSERT_TAIL(&node->meminfo, v, list);
	return true;
}

static bool meminfo_read(struct pmn_node *node)
{
	char *path = pmn_print(NODES "/node%d/meminfo", node->id), *text, *line, *save = NULL;
	bool ret;

	text = path ? pmn_slurp(node->ctx, path) : NULL;
	free(path);
	ret = text;
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && ret;
	     line = strtok_r(NULL, "\n", &save))
		ret = meminfo_add(node, line);
	free(text);
	return ret;
}

static bool cram_read(struct pmn_node *node, const char *dir)
{
	static const char *const files[] = {
		"state", "ratio", "shown_bytes", "physical_bytes", "used_bytes", "credit_bytes",
		"worst_case_bytes", "resident_bytes", "untrimmed_bytes", "writable_bytes",
		"writable_used_bytes",
	};
	struct pmn_value *v;
	char *stat;
	bool ret;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		v = value_new(files[i], strlen(files[i]), pmn_slurp_in(node->ctx, dir, files[i]));
		if (!v)
			return false;
		STAILQ_INSERT_TAIL(&node->cram, v, list);
	}
	stat = pmn_print("%s/stat", dir);
	ret = stat && counters_read(node, stat, true);
	free(stat);
	node->is_cram = true;
	return ret;
}

static bool cram_read_if(struct pmn_node *node, const char *private)
{
	char *dir = pmn_print("%s/cram", private);
	bool ret = dir && (!pmn_exists(node->ctx, dir) || cram_read(node, dir));

	free(dir);
	return ret;
}

static long long number_in(struct pmn_node *node, const char *dir, const char *file)
{
	char *text = pmn_slurp_in(node->ctx, dir, file);
	unsigned long long value;
	long long ret = -1;

	if (!pmn_number(text, &value))
		ret = value;
	free(text);
	return ret;
}

/* What every kernel with private nodes has; the rest is -1 where it is missing. */
static bool files_read(struct pmn_node *node, const char *dir)
{
	long long size, bytes;
	const struct {
		const char *file;
		char **to;
	} texts[] = {
		{ "owner", &node->owner }, { "capable", &node->capable },
		{ "enabled", &node->enabled }, { "on_full", &node->on_full },
		{ "on_unplug", &node->on_unplug },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		*texts[i].to = pmn_slurp_in(node->ctx, dir, texts[i].file);
		if (!*texts[i].to)
			return false;
	}
	/* A kernel without the file gives each node to any cgroup. */
	node->access = pmn_slurp_in(node->ctx, dir, "access");
	size = number_in(node, dir, "total_bytes");
	bytes = number_in(node, dir, "free_bytes");
	if (size < 0 || bytes < 0)
		return false;
	node->size = size;
	/* Free memory is a sum of counters, and may be ahead of the total for a moment. */
	node->free = bytes < size ? bytes : size;
	node->adistance = number_in(node, dir, "adistance");
	node->promotion = number_in(node, dir, "promotion_mib_per_second");
	node->weight = number_in(node, dir, "interleave_weight");
	return true;
}

static struct pmn_node *node_read(struct pmn_ctx *ctx, int id)
{
	struct pmn_node *node = calloc(1, sizeof(*node));
	char *dir = pmn_print(NODES "/node%d/private", id), *stat;
	bool ok;

	if (node) {
		node->ctx = ctx;
		node->id = id;
		STAILQ_INIT(&node->counters);
		STAILQ_INIT(&node->meminfo);
		STAILQ_INIT(&node->cram);
	}
	stat = dir ? pmn_print("%s/stat", dir) : NULL;
	ok = node && stat && files_read(node, dir) && counters_read(node, stat, false) &&
	     meminfo_read(node) && cram_read_if(node, dir);
	free(stat);
	free(dir);
	if (ok)
		return node;
	node_free(node);
	return NULL;
}

/* Also with all of its memory offline or unplugged, when has_private_memory leaves it out. */
static bool is_private(struct pmn_ctx *ctx, int id)
{
	char *owner = pmn_print(NODES "/node%d/private/owner", id);
	bool is = owner && pmn_exists(ctx, owner);

	free(owner);
	return is;
}

static void nodes_read(struct pmn_ctx *ctx)
{
	struct pmn_node *node;
	int id;

	ctx->nodes_read = true;
	for (id = 0; id < MAX_NODES; id++) {
		node = is_private(ctx, id) ? node_read(ctx, id) : NULL;
		if (!node)
			continue;
		STAILQ_INSERT_TAIL(&ctx->nodes, node, list);
		ctx->node_ids = id + 1;
	}
}

struct pmn_node *pmn_node_get_first(struct pmn_ctx *ctx)
{
	if (!ctx->nodes_read)
		nodes_read(ctx);
	return STAILQ_FIRST(&ctx->nodes);
}

struct pmn_node *pmn_node_get_next(struct pmn_node *node)
{
	return STAILQ_NEXT(node, list);
}

/**
 * pmn_node_by_id - a private node by its number
 * @ctx: the context
 * @id: as N in /sys/devices/system/node/nodeN
 *
 * Return: the node, or NULL when it is not private.
 */
struct pmn_node *pmn_node_by_id(struct pmn_ctx *ctx, int id)
{
	struct pmn_node *node;

	pmn_node_foreach(ctx, node)
		if (node->id == id)
			return node;
	return NULL;
}

struct pmn_ctx *pmn_node_get_ctx(struct pmn_node *node)
{
	return node->ctx;
}

int pmn_node_get_id(const struct pmn_node *node)
{
	return node->id;
}

const char *pmn_node_get_owner(const struct pmn_node *node)
{
	return node->owner;
}

const char *pmn_node_get_capable(const struct pmn_node *node)
{
	return node->capable;
}

const char *pmn_node_get_enabled(const struct pmn_node *node)
{
	return node->enabled;
}

const char *pmn_node_get_on_full(const struct pmn_node *node)
{
	return node->on_full;
}

const char *pmn_node_get_on_unplug(const struct pmn_node *node)
{
	return node->on_unplug;
}

/* "any" or "named"; NULL of a kernel that gives each node to any cgroup. */
const char *pmn_node_get_access(const struct pmn_node *node)
{
	return node->access;
}

unsigned long long pmn_node_get_size(const struct pmn_node *node)
{
	return node->size;
}

unsigned long long pmn_node_get_free(const struct pmn_node *node)
{
	return node->free;
}

/* The next three are -1 on a kernel that does not have the file. */
long long pmn_node_get_adistance(const struct pmn_node *node)
{
	return node->adistance;
}

long long pmn_node_get_promotion(const struct pmn_node *node)
{
	return node->promotion;
}

long long pmn_node_get_weight(const struct pmn_node *node)
{
	return node->weight;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *p;

	for (p = strstr(list, word); p; p = strstr(p + 1, word))
		if ((p == list || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

bool pmn_node_is_capable(const struct pmn_node *node, const struct pmn_service *service)
{
	return has_word(node->capable, pmn_service_get_name(service));
}

bool pmn_node_is_enabled(const struct pmn_node *node, const struct pmn_service *service)
{
	return has_word(node->enabled, pmn_service_get_name(service));
}

static const char *value_of(const struct pmn_value *v, const char *name)
{
	for (; v; v = STAILQ_NEXT(v, list))
		if (!strcmp(v->name, name))
			return v->text;
	return NULL;
}

/**
 * pmn_node_get_meminfo - a Private* line of the node's meminfo
 * @node: a node
 * @name: such as "PrivateAnon"
 *
 * Return: its value, such as "1024 kB"; NULL without such a line.
 */
const char *pmn_node_get_meminfo(const struct pmn_node *node, const char *name)
{
	return value_of(STAILQ_FIRST(&node->meminfo), name);
}

struct pmn_counter *pmn_counter_get_first(struct pmn_node *node)
{
	return STAILQ_FIRST(&node->counters);
}

struct pmn_counter *pmn_counter_get_next(struct pmn_counter *counter)
{
	return STAILQ_NEXT(counter, list);
}

const char *pmn_counter_get_name(const struct pmn_counter *counter)
{
	return counter->name;
}

unsigned long long pmn_counter_get_value(const struct pmn_counter *counter)
{
	return counter->value;
}

/* Of the compressing device, from private/cram/stat. */
bool pmn_counter_is_cram(const struct pmn_counter *counter)
{
	return counter->cram;
}

bool pmn_node_is_cram(const struct pmn_node *node)
{
	return node->is_cram;
}

const char *pmn_cram_get_state(const struct pmn_node *node)
{
	return value_of(STAILQ_FIRST(&node->cram), "state");
}

const char *pmn_cram_get_ratio(const struct pmn_node *node)
{
	return value_of(STAILQ_FIRST(&node->cram), "ratio");
}

/**
 * pmn_cram_get_bytes - a number of a compressing device
 * @node: its node
 * @file: such as "credit_bytes", which may be negative
 *
 * Return: the number; 0 when the node is no compressing device.
 */
long long pmn_cram_get_bytes(const struct pmn_node *node, const char *file)
{
	const char *text = value_of(STAILQ_FIRST(&node->cram), file);

	return text ? strtoll(text, NULL, 10) : 0;
}
