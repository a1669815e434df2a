// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl show: what a node is, what is on it, and who may use it. */
#define _GNU_SOURCE
#include <grp.h>
#include <json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pmnctl.h"

/* What these lines of meminfo count, apart from PrivateTotal and PrivateFree. */
static const struct {
	const char *line, *name;
} uses[] = {
	{ "PrivateAnon", "anonymous" },
	{ "PrivateShmem", "shared" },
	{ "PrivateFile", "page cache" },
	{ "PrivateSwapCached", "swap cache" },
	{ "PrivateHugetlb", "huge page pools" },
};

static const struct {
	const char *value, *means;
} policies[] = {
	{ "fail", "a driver gets no page, a program gets SIGBUS" },
	{ "sigbus", "a program gets SIGBUS, a pin EFAULT" },
	{ "oom", "the task with most memory there is killed" },
	{ "refuse", "unplugging fails while programs have memory there" },
	{ "move", "what programs have there moves to ordinary memory" },
};

static const char *means(const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i].value, value))
			return policies[i].means;
	return !strncmp(value, "fallback:", 9) ? "pages come from these nodes instead, counted" : "";
}

static unsigned long long meminfo_bytes(struct pmn_node *node, const char *line)
{
	const char *text = pmn_node_get_meminfo(node, line);

	return text ? strtoull(text, NULL, 10) << 10 : 0;
}

static void size_text(struct cli *cli, char *text, size_t size, unsigned long long bytes)
{
	if (cli->opt[OPT_BYTES])
		snprintf(text, size, "%llu", bytes);
	else
		human_size(text, size, bytes);
}

static void show_size(struct cli *cli, struct pmn_node *node)
{
	char all[32], used[32], left[32];
	unsigned long long bytes;
	size_t i;

	size_text(cli, all, sizeof(all), pmn_node_get_size(node));
	size_text(cli, used, sizeof(used), pmn_node_get_size(node) - pmn_node_get_free(node));
	size_text(cli, left, sizeof(left), pmn_node_get_free(node));
	printf("  size         %s, %s used, %s free\n", all, used, left);
	for (i = 0; i < ARRAY_SIZE(uses); i++) {
		bytes = meminfo_bytes(node, uses[i].line);
		if (!bytes)
			continue;
		size_text(cli, used, sizeof(used), bytes);
		printf("    %-15s %s\n", uses[i].name, used);
	}
}

static void show_services(struct pmn_node *node)
{
	const struct pmn_service *s;
	const char *space = "";

	printf("  open to      %s\n  closed to    ", *pmn_node_get_enabled(node) ?
	       pmn_node_get_enabled(node) :
	       "no service: only its owner and the device file give its memory");
	pmn_service_foreach(s) {
		if (!pmn_node_is_capable(node, s) || pmn_node_is_enabled(node, s))
			continue;
		printf("%s%s", space, pmn_service_get_name(s));
		space = " ";
	}
	puts(*space ? "; pmnctl allow opens them" : *pmn_node_get_capable(node) ?
	     "what its owner does not allow" : "every service: its owner allows none");
}

/* The path of the node's device file, if it has the usual name. */
static bool device_of(struct cli *cli, struct pmn_node *node, char *text, size_t size,
		      struct stat *st)
{
	char path[4096];

	snprintf(text, size, "/dev/private_node/node%d", pmn_node_get_id(node));
	snprintf(path, sizeof(path), "%s%s", pmn_get_root(cli->ctx), text);
	return !stat(path, st);
}

static void show_device(struct cli *cli, struct pmn_node *node)
{
	char text[64];
	struct stat st;
	struct passwd *pw;
	struct group *gr;

	if (!device_of(cli, node, text, sizeof(text), &st)) {
		puts("  device file  none with the usual name; its owner may have given it another one, see /dev/private_node");
		return;
	}
	pw = getpwuid(st.st_uid);
	printf("  device file  %s, for %s", text, pw ? pw->pw_name : "an unknown user");
	gr = getgrgid(st.st_gid);
	printf(" and group %s, mode %04o\n", gr ? gr->gr_name : "unknown", st.st_mode & 07777);
}

/* Those that are as their parent go without saying. */
static bool differs(const struct pmn_cgroup *cgroup, int id)
{
	const struct pmn_cgroup *parent = pmn_cgroup_get_parent(cgroup);

	return parent && pmn_cgroup_may_have(cgroup, id) != pmn_cgroup_may_have(parent, id);
}

static bool is_named(const struct pmn_node *node)
{
	const char *access = pmn_node_get_access(node);

	return access && !strcmp(access, "named");
}

static void show_cgroups(struct cli *cli, struct pmn_node *node)
{
	const struct pmn_service *numa = pmn_service_by_name("user_numa");
	int id = pmn_node_get_id(node);
	struct pmn_cgroup *cgroup;
	bool any = false;

	printf("  programs     %s\n", pmn_node_is_enabled(node, numa) ?
	       "may bind to it (user_numa is open)" :
	       "cannot bind to it (user_numa is closed); the device file alone gives memory");
	if (!pmn_cgroup_get_first(cli->ctx)) {
		puts("  cgroups      cgroup v2 is not mounted: no cgroup keeps anybody from it");
		return;
	}
	pmn_cgroup_foreach(cli->ctx, cgroup) {
		if (!differs(cgroup, id))
			continue;
		printf("  cgroup %s %s\n", pmn_cgroup_may_have(cgroup, id) ? "may have it:  " :
		       "may not have it:", pmn_cgroup_get_path(cgroup));
		any = true;
	}
	if (any)
		return;
	puts(is_named(node) ? "  cgroups      none of them names it, and access is named; `pmnctl grant` gives it to one" :
	     "  cgroups      all of them may have it; `pmnctl grant --only` gives it to one alone");
}

static void show_cram(struct cli *cli, struct pmn_node *node)
{
	char stored[32], used[32], physical[32];

	if (!pmn_node_is_cram(node))
		return;
	size_text(cli, stored, sizeof(stored), pmn_cram_get_bytes(node, "resident_bytes"));
	size_text(cli, used, sizeof(used), pmn_cram_get_bytes(node, "used_bytes"));
	size_text(cli, physical, sizeof(physical), pmn_cram_get_bytes(node, "physical_bytes"));
	printf("  compressed   state %s; %s stored in %s of %s, ratio %s; see `pmnctl cram status`\n",
	       pmn_cram_get_state(node), stored, used, physical, pmn_cram_get_ratio(node));
}

static void show_text(struct cli *cli, struct pmn_node *node)
{
	const char *owner = pmn_node_get_owner(node);

	printf("node %d\n", pmn_node_get_id(node));
	printf("  owner        %s%s\n", owner,
	       strcmp(owner, "boot") ? "" : " (private_node= on the kernel command line)");
	show_size(cli, node);
	show_cram(cli, node);
	show_services(node);
	printf("  when full    %s: %s\n", pmn_node_get_on_full(node),
	       means(pmn_node_get_on_full(node)));
	printf("  when taken   %s: %s\n", pmn_node_get_on_unplug(node),
	       strcmp(pmn_node_get_on_unplug(node), "sigbus") ? means(pmn_node_get_on_unplug(node)) :
	       "what programs have there is lost, they get SIGBUS");
	show_device(cli, node);
	show_cgroups(cli, node);
	puts("  in use by");
	if (!print_holders(cli, node, "    "))
		puts("    no process that you may look at");
}

/* -- JSON ------------------------------------------------------------------ */

static struct json_object *words(const char *list)
{
	struct json_object *array = json_object_new_array();
	size_t len;

	for (; *list; list += len, list += strspn(list, " ")) {
		len = strcspn(list, " ");
		json_object_array_add(array, json_object_new_string_len(list, len));
	}
	return array;
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *o, const char *key, long long value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static struct json_object *json_counters(struct pmn_node *node, bool cram)
{
	struct json_object *o = json_object_new_object();
	struct pmn_counter *c;

	pmn_counter_foreach(node, c)
		if (pmn_counter_is_cram(c) == cram)
			json_object_object_add(o, pmn_counter_get_name(c),
					       json_object_new_uint64(pmn_counter_get_value(c)));
	return o;
}

static struct json_object *json_holders(struct cli *cli, int id)
{
	struct json_object *array = json_object_new_array(), *o;
	struct pmn_user *user;

	pmn_user_foreach(cli->ctx, user) {
		if (!pmn_user_get_use(user, id))
			continue;
		o = json_object_new_object();
		add_number(o, "pid", pmn_user_get_pid(user));
		add_text(o, "name", pmn_user_get_name(user));
		add_text(o, "cgroup", pmn_user_get_cgroup(user));
		add_number(o, "bytes", pmn_user_get_use(user, id));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_cgroups(struct cli *cli, int id)
{
	struct json_object *array = json_object_new_array(), *o;
	struct pmn_cgroup *cgroup;

	pmn_cgroup_foreach(cli->ctx, cgroup) {
		if (pmn_cgroup_get_parent(cgroup) && !differs(cgroup, id))
			continue;
		o = json_object_new_object();
		add_text(o, "path", pmn_cgroup_get_path(cgroup));
		json_object_object_add(o, "may_have",
				       json_object_new_boolean(pmn_cgroup_may_have(cgroup, id)));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_cram(struct pmn_node *node)
{
	static const char *const numbers[] = {
		"shown_bytes", "physical_bytes", "used_bytes", "resident_bytes", "credit_bytes",
		"untrimmed_bytes", "writable_bytes", "writable_used_bytes",
	};
	struct json_object *o;
	size_t i;

	if (!pmn_node_is_cram(node))
		return NULL;
	o = json_object_new_object();
	add_text(o, "state", pmn_cram_get_state(node));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		add_number(o, numbers[i], pmn_cram_get_bytes(node, numbers[i]));
	json_object_object_add(o, "stat", json_counters(node, true));
	return o;
}

static struct json_object *json_device(struct cli *cli, struct pmn_node *node)
{
	struct json_object *o;
	char text[64], mode[8];
	struct stat st;

	if (!device_of(cli, node, text, sizeof(text), &st))
		return NULL;
	o = json_object_new_object();
	add_text(o, "path", text);
	add_number(o, "uid", st.st_uid);
	add_number(o, "gid", st.st_gid);
	snprintf(mode, sizeof(mode), "%04o", st.st_mode & 07777);
	add_text(o, "mode", mode);
	return o;
}

static struct json_object *json_node(struct cli *cli, struct pmn_node *node)
{
	struct json_object *o = json_object_new_object();
	int id = pmn_node_get_id(node);

	add_number(o, "node", id);
	add_text(o, "owner", pmn_node_get_owner(node));
	add_number(o, "size", pmn_node_get_size(node));
	add_number(o, "free", pmn_node_get_free(node));
	json_object_object_add(o, "services", words(pmn_node_get_enabled(node)));
	json_object_object_add(o, "capable", words(pmn_node_get_capable(node)));
	add_text(o, "on_full", pmn_node_get_on_full(node));
	add_text(o, "on_unplug", pmn_node_get_on_unplug(node));
	add_text(o, "access", pmn_node_get_access(node));
	add_number(o, "adistance", pmn_node_get_adistance(node));
	add_number(o, "promotion_mib_per_second", pmn_node_get_promotion(node));
	add_number(o, "interleave_weight", pmn_node_get_weight(node));
	json_object_object_add(o, "device", json_device(cli, node));
	json_object_object_add(o, "cgroups", json_cgroups(cli, id));
	json_object_object_add(o, "processes", json_holders(cli, id));
	json_object_object_add(o, "cram", json_cram(node));
	json_object_object_add(o, "stat", json_counters(node, false));
	return o;
}

static void show_json(struct cli *cli, struct pmn_nodeset *set)
{
	struct json_object *top = json_object_new_object(), *array = json_object_new_array();
	struct pmn_node *node;

	pmn_nodeset_foreach(cli->ctx, set, node)
		json_object_array_add(array, json_node(cli, node));
	json_object_object_add(top, "nodes", array);
	puts(json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

int verb_show(struct cli *cli)
{
	struct pmn_nodeset *set;
	struct pmn_node *node;
	int ret;

	ret = named_nodes(cli, &set);
	if (ret)
		return ret;
	if (cli->opt[OPT_JSON])
		show_json(cli, set);
	else
		pmn_nodeset_foreach(cli->ctx, set, node)
			show_text(cli, node);
	pmn_nodeset_free(set);
	return PMN_OK;
}
