// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl allow, deny and set: the switches of nodes, all of them or none. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services.h"
#include "setting.h"

/* What a service that is closed means for those who use it. */
static const struct {
	const char *service, *means;
} hits[] = {
	{ "user_numa", "programs that are bound to it get no more of it (SIGBUS, or ENOMEM from mmap); what they have stays" },
	{ "reclaim", "nothing is reclaimed there any more: a node that is full stays full" },
	{ "demotion", "nothing more is demoted to it; what is there stays" },
	{ "promotion", "hot memory does not move up from it any more" },
	{ "compaction", "its free memory is not made contiguous any more" },
	{ "longterm_pin", "new long-term pins of bound memory fail; those that exist stay" },
	{ "thp", "small pages are not collapsed into huge ones any more" },
	{ "hugetlb", "its pools of huge pages give no more; what is in use stays" },
	{ "numa_balancing", "memory does not follow the processors any more" },
	{ "guest_memfd", "virtual machines that are bound to it get no more of it (KVM_RUN fails with ENOMEM); what they have stays" },
};

static const char *hit_by(const char *service)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hits); i++)
		if (!strcmp(hits[i].service, service))
			return hits[i].means;
	return "what it opened stays closed to new use";
}

/* Words that are not services are found before anything else is done. */
static int check_services(struct cli *cli)
{
	int i;

	for (i = 1; i < cli->nr; i++)
		if (!pmn_service_by_name(cli->args[i]))
			return complain(PMN_USAGE,
					"service '%s': there is none of that name; `pmnctl %s --help` lists them",
					cli->args[i], cli->verb->name);
	return PMN_OK;
}

static bool is_named(struct cli *cli, const struct pmn_service *service)
{
	int i;

	for (i = 1; i < cli->nr; i++)
		if (!strcmp(cli->args[i], pmn_service_get_name(service)))
			return true;
	return false;
}

/* "+reclaim +demotion", to be freed. */
static char *make_words(struct cli *cli, char sign)
{
	size_t room = 1;
	char *text, *p;
	int i;

	for (i = 1; i < cli->nr; i++)
		room += strlen(cli->args[i]) + 2;
	text = p = malloc(room);
	for (i = 1; text && i < cli->nr; i++)
		p += sprintf(p, "%s%c%s", i > 1 ? " " : "", sign, cli->args[i]);
	return text;
}

static int check_allow(struct cli *cli, struct pmn_node *node)
{
	const struct pmn_service *s, *needed;
	int id = pmn_node_get_id(node), i;

	for (i = 1; i < cli->nr; i++) {
		s = pmn_service_by_name(cli->args[i]);
		needed = pmn_service_get_needed(s);
		if (!pmn_node_is_capable(node, s))
			return complain(PMN_FAILED,
					"node %d: %s cannot be opened: its owner %s declared the node capable of '%s' only%s",
					id, cli->args[i], pmn_node_get_owner(node),
					pmn_node_get_capable(node),
					strcmp(pmn_node_get_owner(node), "boot") ? "" :
					"; add the service to capable= of private_node=, or leave capable= out, and boot again");
		if (needed && !is_named(cli, needed) && !pmn_node_is_enabled(node, needed))
			return complain(PMN_FAILED,
					"node %d: %s cannot be opened alone: it needs %s; allow both",
					id, cli->args[i], pmn_service_get_name(needed));
	}
	return PMN_OK;
}

/* Whoever needs what is to be closed has to be closed in the same write. */
static int check_deny(struct cli *cli, struct pmn_node *node)
{
	const struct pmn_service *s, *needed;

	pmn_service_foreach(s) {
		needed = pmn_service_get_needed(s);
		if (needed && is_named(cli, needed) && !is_named(cli, s) &&
		    pmn_node_is_enabled(node, s))
			return complain(PMN_FAILED,
					"node %d: %s cannot be closed: %s is open and needs it; deny both",
					pmn_node_get_id(node), pmn_service_get_name(needed),
					pmn_service_get_name(s));
	}
	return PMN_OK;
}

static unsigned long long counter(struct pmn_node *node, const char *service)
{
	struct pmn_counter *c;
	char name[64];

	snprintf(name, sizeof(name), "%s_used", service);
	pmn_counter_foreach(node, c)
		if (!strcmp(pmn_counter_get_name(c), name))
			return pmn_counter_get_value(c);
	return 0;
}

/* Before anything is closed. */
static void say_who_is_hit(struct cli *cli, struct pmn_node *node)
{
	int id = pmn_node_get_id(node), i;

	for (i = 1; i < cli->nr; i++) {
		if (!pmn_node_is_enabled(node, pmn_service_by_name(cli->args[i]))) {
			printf("node %d: %s is closed already: nobody is hit\n", id, cli->args[i]);
			continue;
		}
		printf("node %d: %s, used %llu times so far: %s\n", id, cli->args[i],
		       counter(node, cli->args[i]), hit_by(cli->args[i]));
		if (strcmp(cli->args[i], "user_numa"))
			continue;
		if (!print_holders(cli, node, "  has memory there: "))
			puts("  no process that you may look at has memory there");
	}
	fflush(stdout);
}

static int change_services(struct cli *cli, struct pmn_nodeset *set, char sign,
			   int (*check)(struct cli *cli, struct pmn_node *node))
{
	char *words = make_words(cli, sign);
	struct pmn_change *change = NULL;
	struct pmn_node *node;
	int ret;

	ret = words ? pmn_change_new(cli->ctx, &change) : PMN_FAILED;
	pmn_nodeset_foreach(cli->ctx, set, node) {
		if (!ret)
			ret = check(cli, node);
		if (!ret && sign == '-')
			say_who_is_hit(cli, node);
		if (!ret)
			ret = pmn_change_services(change, node, words);
	}
	free(words);
	if (!ret)
		return apply_or_show(cli, change);
	pmn_change_free(change);
	return ret;
}

static int allow_or_deny(struct cli *cli, char sign,
			 int (*check)(struct cli *cli, struct pmn_node *node))
{
	struct pmn_nodeset *set;
	int ret;

	ret = check_services(cli);
	if (ret)
		return ret;
	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	ret = change_services(cli, set, sign, check);
	pmn_nodeset_free(set);
	return ret;
}

/* See services.h. */
void service_words(struct pmn_node *node, const char *list, char *words, size_t size)
{
	const struct pmn_service *s;
	char padded[512], name[64];
	size_t len = 0, i;
	bool on;

	snprintf(padded, sizeof(padded), " %s ", list);
	for (i = 0; padded[i]; i++)
		padded[i] = padded[i] == ',' ? ' ' : padded[i];
	*words = '\0';
	pmn_service_foreach(s) {
		snprintf(name, sizeof(name), " %s ", pmn_service_get_name(s));
		on = !strcmp(list, "all") ? pmn_node_is_capable(node, s) : !!strstr(padded, name);
		if (on != pmn_node_is_enabled(node, s))
			len += snprintf(words + len, size - len, "%s%c%s", len ? " " : "", on ? '+' : '-',
					pmn_service_get_name(s));
	}
}

int verb_allow(struct cli *cli)
{
	return allow_or_deny(cli, '+', check_allow);
}

int verb_deny(struct cli *cli)
{
	return allow_or_deny(cli, '-', check_deny);
}

/* -- set --------------------------------------------------------------------- */

static int bad_setting(const char *word)
{
	const struct setting *s;

	complain(0, "setting '%s': it has to be NAME=VALUE; the names are:", word);
	for (s = setting_first(); s->name; s++)
		fprintf(stderr, "  %-12s %s\n", s->name, s->values);
	return PMN_USAGE;
}

static int check_setting(const char *word)
{
	size_t len = strcspn(word, "=");
	const struct setting *s = setting_find(word, len);

	if (!s || !word[len])
		return bad_setting(word);
	if (!s->fits(word + len + 1))
		return complain(PMN_USAGE, "setting %s: '%s' is no value of it; give %s", s->name,
				word + len + 1, s->values);
	return PMN_OK;
}

/* NAME=VALUE, which was checked. */
static int add_setting(struct cli *cli, struct pmn_change *change, struct pmn_node *node,
		       const char *word)
{
	const struct setting *s = setting_find(word, strcspn(word, "="));
	char object[32];
	int ret;

	if (!strncmp(s->file, "cram/", 5) && !pmn_node_is_cram(node))
		return complain(PMN_FAILED,
				"node %d: it is not compressed RAM, so %s means nothing there; `pmnctl list -o +KIND` shows which are",
				pmn_node_get_id(node), s->name);
	snprintf(object, sizeof(object), "node %d", pmn_node_get_id(node));
	ret = setting_check(cli, object, s, word + strlen(s->name) + 1);
	if (ret)
		return ret;
	ret = pmn_change_set(change, node, s->file, word + strlen(s->name) + 1);
	return ret ? complain_lib(cli, ret) : PMN_OK;
}

static int set_all(struct cli *cli, struct pmn_nodeset *set)
{
	struct pmn_change *change;
	struct pmn_node *node;
	int ret, i;

	ret = pmn_change_new(cli->ctx, &change);
	if (ret)
		return complain_lib(cli, ret);
	pmn_nodeset_foreach(cli->ctx, set, node)
		for (i = 1; !ret && i < cli->nr; i++)
			ret = add_setting(cli, change, node, cli->args[i]);
	if (!ret)
		return apply_or_show(cli, change);
	pmn_change_free(change);
	return ret;
}

int verb_set(struct cli *cli)
{
	struct pmn_nodeset *set;
	int ret, i;

	for (i = 1; i < cli->nr; i++) {
		ret = check_setting(cli->args[i]);
		if (ret)
			return ret;
	}
	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	ret = set_all(cli, set);
	pmn_nodeset_free(set);
	return ret;
}
