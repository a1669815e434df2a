// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of nodes, in numactl's grammar:
 *
 *	0,2-3		these
 *	!1		all private nodes but these
 *	all		all private nodes
 *	boot,kmem-dax0.0	those of an owner, by name
 *	dax0.0,region0		those of a DAX device, or of a CXL region
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define BITS	(8 * sizeof(long))

void pmn_nodeset_set(struct pmn_nodeset *set, int id)
{
	set->bits[id / BITS] |= 1UL << (id % BITS);
}

void pmn_nodeset_clear(struct pmn_nodeset *set, int id)
{
	set->bits[id / BITS] &= ~(1UL << (id % BITS));
}

bool pmn_nodeset_has(const struct pmn_nodeset *set, int id)
{
	return id >= 0 && id < MAX_NODES && set->bits[id / BITS] >> (id % BITS) & 1;
}

unsigned int pmn_nodeset_count(const struct pmn_nodeset *set)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		n += __builtin_popcountl(set->bits[i]);
	return n;
}

void pmn_nodeset_free(struct pmn_nodeset *set)
{
	free(set);
}

/* A number below MAX_NODES; moves @text behind it. */
static int parse_id(const char **text)
{
	unsigned long id;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	id = strtoul(*text, &end, 10);
	*text = end;
	return errno || id >= MAX_NODES ? -1 : (int)id;
}

/* N or N-M, all of @word. */
static bool parse_range(const char *word, struct pmn_nodeset *set)
{
	int first = parse_id(&word), last = first;

	if (*word == '-') {
		word++;
		last = parse_id(&word);
	}
	if (first < 0 || last < first || *word)
		return false;
	for (; first <= last; first++)
		pmn_nodeset_set(set, first);
	return true;
}

/* A list as the kernel prints and takes it; "" is the empty set. */
bool pmn_nodeset_parse_ids(const char *text, struct pmn_nodeset *set)
{
	char word[32];
	size_t len;

	memset(set, 0, sizeof(*set));
	while (*text) {
		len = strcspn(text, ",");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (len >= sizeof(word) || !parse_range(word, set))
			return false;
		text += len;
		if (*text && !*++text)
			return false;
	}
	return true;
}

/* Is @name that of the node's owner, of its DAX device, or of the device's CXL region? */
static bool is_called(struct pmn_ctx *ctx, const struct pmn_node *node, const char *name)
{
	struct pmn_dax *dax;

	if (!strcmp(name, "all") || !strcmp(name, node->owner))
		return true;
	dax = pmn_dax_by_owner(ctx, node->owner);
	return dax && (!strcmp(name, dax->name) || (dax->region && !strcmp(name, dax->region)));
}

static bool add_name(struct pmn_ctx *ctx, const char *name, struct pmn_nodeset *set)
{
	struct pmn_node *node;
	bool found = false;

	pmn_node_foreach(ctx, node) {
		if (!is_called(ctx, node, name))
			continue;
		pmn_nodeset_set(set, node->id);
		found = true;
	}
	return found;
}

/* For messages: the private nodes that there are. */
static const char *there_are(struct pmn_ctx *ctx, char *text, size_t size)
{
	struct pmn_node *node;
	size_t len = 0;

	if (!pmn_node_get_first(ctx))
		return "there is no private node; `pmnctl check` says how to make one";
	len = snprintf(text, size, "private nodes are");
	pmn_node_foreach(ctx, node) {
		if (len + 12 >= size)
			break;
		len += snprintf(text + len, size - len, " %d", node->id);
	}
	return text;
}

/* An id that is no private node's is refused, in a range as well: nobody means it. */
static int check_private(struct pmn_ctx *ctx, const struct pmn_nodeset *set)
{
	char there[256], path[64];
	int id;

	for (id = 0; id < MAX_NODES; id++) {
		if (!pmn_nodeset_has(set, id) || pmn_node_by_id(ctx, id))
			continue;
		snprintf(path, sizeof(path), NODES "/node%d", id);
		return pmn_fail(ctx, PMN_NO_NODE, "node %d: %s; %s", id,
				pmn_exists(ctx, path) ? "it is an ordinary node, not a private one" :
				"there is no such node", there_are(ctx, there, sizeof(there)));
	}
	return PMN_OK;
}

static int parse_word(struct pmn_ctx *ctx, const char *text, const char *word,
		      struct pmn_nodeset *set)
{
	char there[256];

	if (isdigit((unsigned char)*word)) {
		if (parse_range(word, set))
			return PMN_OK;
		return pmn_fail(ctx, PMN_USAGE,
				"nodes '%s': '%s' is neither a node number below %d nor a range such as 2-3; write for example 1,3-4, !1, all, or the name of an owner or a DAX device",
				text, word, MAX_NODES);
	}
	if (!*word)
		return pmn_fail(ctx, PMN_USAGE,
				"nodes '%s': a name or number is missing; write for example 1,3-4, !1, all, or the name of an owner or a DAX device",
				text);
	if (add_name(ctx, word, set))
		return PMN_OK;
	if (pmn_dax_by_name(ctx, word))
		return pmn_fail(ctx, PMN_NO_NODE,
				"nodes '%s': the DAX device %s is no private node now; `pmnctl dax %s` makes it one",
				text, word, word);
	return pmn_fail(ctx, PMN_NO_NODE,
			"nodes '%s': '%s' is neither an owner nor a DAX device of a private node; %s",
			text, word, there_are(ctx, there, sizeof(there)));
}

static int parse_words(struct pmn_ctx *ctx, const char *text, const char *list,
		       struct pmn_nodeset *set)
{
	char word[64];
	size_t len;
	int ret;

	for (;;) {
		len = strcspn(list, ",");
		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		ret = parse_word(ctx, text, word, set);
		if (ret || !list[len])
			return ret;
		list += len + 1;
	}
}

static int invert(struct pmn_ctx *ctx, const char *text, struct pmn_nodeset *set)
{
	struct pmn_nodeset not = *set;
	struct pmn_node *node;

	memset(set, 0, sizeof(*set));
	pmn_node_foreach(ctx, node)
		if (!pmn_nodeset_has(&not, node->id))
			pmn_nodeset_set(set, node->id);
	if (pmn_nodeset_count(set))
		return PMN_OK;
	return pmn_fail(ctx, PMN_NO_NODE, "nodes '%s': no private node is left; name fewer", text);
}

/**
 * pmn_nodeset_parse - private nodes by numactl's grammar
 * @ctx: the context
 * @text: such as "1,3-4", "!1", "all", or names of owners, DAX devices and CXL regions
 * @set: receives the set, for pmn_nodeset_free()
 *
 * Return: PMN_OK; PMN_USAGE; PMN_NO_NODE when one is no private node, or none is left.
 */
int pmn_nodeset_parse(struct pmn_ctx *ctx, const char *text, struct pmn_nodeset **set)
{
	struct pmn_nodeset *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return pmn_no_memory(ctx);
	ret = parse_words(ctx, text, *text == '!' ? text + 1 : text, s);
	if (!ret)
		ret = check_private(ctx, s);
	if (!ret && *text == '!')
		ret = invert(ctx, text, s);
	if (ret)
		free(s);
	else
		*set = s;
	return ret;
}
