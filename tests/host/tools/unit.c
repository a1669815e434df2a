// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit: libpmn on a tree of files that tools.sh made, PMN_ROOT.  Under fake, which plays the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libpmn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static struct pmn_ctx *ctx;

static bool is(const char *got, const char *want)
{
	if (got && !strcmp(got, want))
		return true;
	printf("# got '%s', want '%s'\n", got ? got : "(null)", want);
	return false;
}

/* Does the last sentence have all of these? */
static bool says(const char *a, const char *b)
{
	const char *text = pmn_error(ctx);

	if (strstr(text, a) && strstr(text, b))
		return true;
	printf("# '%s' lacks '%s' or '%s'\n", text, a, b);
	return false;
}

static void nodes(void)
{
	struct pmn_node *node;
	int n = 0;

	pmn_node_foreach(ctx, node)
		n++;
	ok(n == 3, "three private nodes");
	node = pmn_node_by_id(ctx, 1);
	ok(node && is(pmn_node_get_owner(node), "boot"), "owner");
	ok(is(pmn_node_get_enabled(node), "user_numa reclaim"), "enabled");
	ok(pmn_node_is_enabled(node, pmn_service_by_name("reclaim")), "reclaim is open");
	ok(!pmn_node_is_enabled(node, pmn_service_by_name("demotion")), "demotion is not");
	ok(pmn_node_is_capable(node, pmn_service_by_name("demotion")), "but may be opened");
	ok(pmn_node_get_size(node) == 536870912, "size");
	ok(pmn_node_get_free(node) == 134217728, "free");
	ok(is(pmn_node_get_meminfo(node, "PrivateAnon"), "1024 kB"), "a line of meminfo");
	ok(!pmn_node_get_meminfo(node, "PrivateNone"), "a line that is not there");
	ok(!pmn_node_is_cram(node) && !pmn_cram_get_state(node) &&
	   !pmn_cram_get_bytes(node, "credit_bytes"), "no compressed RAM");
	node = pmn_node_by_id(ctx, 3);
	ok(node && pmn_node_is_cram(node) && is(pmn_cram_get_state(node), "ok"), "compressed RAM");
	ok(pmn_cram_get_bytes(node, "credit_bytes") == -4096, "negative credit");
	ok(!pmn_node_by_id(ctx, 0) && !pmn_node_by_id(ctx, -1) && !pmn_node_by_id(ctx, 1 << 30),
	   "no node of another number");
}

static void counters(void)
{
	struct pmn_node *node = pmn_node_by_id(ctx, 3);
	unsigned long long lost = 1, used = 0;
	struct pmn_counter *c;
	int n = 0;

	pmn_counter_foreach(node, c) {
		n++;
		if (pmn_counter_is_cram(c) && !strcmp(pmn_counter_get_name(c), "lost"))
			lost = pmn_counter_get_value(c);
		if (!pmn_counter_is_cram(c) && !strcmp(pmn_counter_get_name(c), "demotion_used"))
			used = pmn_counter_get_value(c);
	}
	ok(n == 5, "counters of both files, without lines of another form: %d", n);
	ok(lost == 0 && used == 18446744073709551615ULL, "their values");
}

static void last_refusals(void)
{
	struct pmn_refusal *r, *last = NULL;
	int n = 0;

	ok(pmn_refusals_check(ctx) == PMN_OK, "the kernel writes refusals down");
	pmn_refusal_foreach(ctx, r) {
		n++;
		last = r;
	}
	ok(n == 3, "three refusals, without lines that lack something: %d", n);
	r = pmn_refusal_get_first(ctx);
	ok(is(pmn_refusal_get(r, "comm"), "num a\nctl"), "a name of any bytes");
	ok(pmn_refusal_get_number(r, "count") == 4 && pmn_refusal_get_number(r, "tid") == 413, "numbers");
	ok(is(pmn_refusal_get_act(r), "could not name the node in a memory policy"), "what");
	ok(is(pmn_refusal_get_reason(r), "the service user_numa is closed on the node"), "why");
	ok(is(pmn_refusal_get_advice(r), "`pmnctl allow 1 user_numa` opens it"), "what to do");
	ok(!pmn_refusal_get(r, "by") && !pmn_refusal_get_number(r, "by"), "a field that is not there");
	r = pmn_refusal_get_next(r);
	ok(is(pmn_refusal_get_act(r), "got no memory by the service thp"), "a service");
	ok(strstr(pmn_refusal_get_reason(r), "warp"), "a reason of a newer kernel");
	ok(is(pmn_refusal_get(last, "by_comm"), "sleep") && is(pmn_refusal_get(last, "new"), "1"), "fields at the end");
}

/* Of numactl's grammar: text, result, nodes. */
static void sets(void)
{
	static const struct {
		const char *text;
		int ret;
		unsigned int mask;
	} table[] = {
		{ "1", PMN_OK, 1 << 1 }, { "1,3", PMN_OK, 1 << 1 | 1 << 3 },
		{ "1-3", PMN_OK, 7 << 1 }, { "2-2", PMN_OK, 1 << 2 }, { "all", PMN_OK, 7 << 1 },
		{ "!1", PMN_OK, 3 << 2 }, { "!1,2", PMN_OK, 1 << 3 }, { "boot", PMN_OK, 1 << 1 },
		{ "!boot", PMN_OK, 3 << 2 }, { "kmem-dax0.0,3", PMN_OK, 3 << 2 },
		{ "1,1", PMN_OK, 1 << 1 }, { "dax0.0", PMN_OK, 1 << 2 }, { "!dax0.0,1", PMN_OK, 1 << 3 },
		{ "dax1.0", PMN_NO_NODE }, { "region0", PMN_NO_NODE }, { "dax0", PMN_NO_NODE },
		{ "!all", PMN_NO_NODE }, { "!1-3", PMN_NO_NODE }, { "0", PMN_NO_NODE },
		{ "0-1", PMN_NO_NODE }, { "4", PMN_NO_NODE }, { "!4", PMN_NO_NODE },
		{ "nobody", PMN_NO_NODE }, { "!", PMN_USAGE }, { "", PMN_USAGE }, { ",", PMN_USAGE },
		{ "1,", PMN_USAGE }, { "3-1", PMN_USAGE }, { "1-", PMN_USAGE }, { "-1", PMN_NO_NODE },
		{ "1x", PMN_USAGE }, { "1 2", PMN_USAGE }, { "1024", PMN_USAGE },
		{ "99999999999999999999", PMN_USAGE }, { "1--2", PMN_USAGE }, { "0x1", PMN_USAGE },
		{ "+0", PMN_NO_NODE },
	};
	struct pmn_nodeset *set;
	unsigned int mask;
	size_t i;
	int ret, id;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		set = NULL;
		mask = 0;
		ret = pmn_nodeset_parse(ctx, table[i].text, &set);
		for (id = 0; set && id < 32; id++)
			mask |= (unsigned int)pmn_nodeset_has(set, id) << id;
		ok(ret == table[i].ret && mask == table[i].mask, "nodes '%s': %d, %#x",
		   table[i].text, ret, mask);
		ok(!set || pmn_nodeset_count(set) == (unsigned int)__builtin_popcount(mask),
		   "nodes '%s': counted", table[i].text);
		pmn_nodeset_free(set);
	}
}

static void services(void)
{
	static const char *const good[] = { "none", "all", "reclaim", "demotion,reclaim",
					    "reclaim demotion promotion" };
	static const char *const bad[] = { "", " ", ",", "demotion", "promotion demotion", "recla",
					   "reclaimx", "all reclaim", "RECLAIM", "thp reclaim" };
	const struct pmn_service *s, *needed;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(pmn_services_check(ctx, good[i]) == PMN_OK, "services '%s'", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(pmn_services_check(ctx, bad[i]) == PMN_USAGE, "no services: '%s'", bad[i]);
	pmn_service_foreach(s) {
		needed = pmn_service_get_needed(s);
		ok(*pmn_service_get_help(s) && needed != s, "service %s", pmn_service_get_name(s));
	}
	ok(!pmn_service_by_name("nonesuch") && !pmn_service_by_name(""), "no service of another name");
}

/* A row of three, of which the @nth is refused. */
static int change_three(const char *refuse, const char *nth)
{
	struct pmn_node *node = pmn_node_by_id(ctx, 1);
	struct pmn_change *change;
	int ret;

	setenv("PMN_FAKE_REFUSE", refuse, 1);
	if (nth)
		setenv("PMN_FAKE_NTH", nth, 1);
	ret = pmn_change_new(ctx, &change);
	if (!ret)
		ret = pmn_change_set(change, node, "on_full", "oom");
	if (!ret)
		ret = pmn_change_services(change, node, "-reclaim -user_numa");
	if (!ret)
		ret = pmn_change_set(change, node, "on_unplug", "move");
	if (!ret)
		ret = pmn_change_apply(change);
	pmn_change_free(change);
	unsetenv("PMN_FAKE_REFUSE");
	unsetenv("PMN_FAKE_NTH");
	pmn_refresh(ctx);
	return ret;
}

static bool as_before(void)
{
	struct pmn_node *node = pmn_node_by_id(ctx, 1);

	return is(pmn_node_get_on_full(node), "fail") && is(pmn_node_get_on_unplug(node), "refuse") &&
	       is(pmn_node_get_enabled(node), "user_numa reclaim");
}

/* Each errno that the kernel's files give has a code and a sentence with something to do. */
static void refusals(void)
{
	static const struct {
		int error, ret;
	} table[] = {
		{ EBUSY, PMN_BUSY }, { EAGAIN, PMN_BUSY }, { ENODEV, PMN_NO_NODE },
		{ EOPNOTSUPP, PMN_NO_KERNEL }, { EINVAL, PMN_FAILED }, { EPERM, PMN_FAILED },
		{ EACCES, PMN_FAILED }, { ENXIO, PMN_FAILED }, { E2BIG, PMN_FAILED },
		{ EINTR, PMN_FAILED }, { ENOMEM, PMN_FAILED },
	};
	char rule[128];
	size_t i;
	int ret;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(rule, sizeof(rule), "on_unplug:%d", table[i].error);
		ret = change_three(rule, NULL);
		ok(ret == table[i].ret && as_before(), "%s: %d, all as before",
		   strerrorname_np(table[i].error), ret);
		ok(says("node 1: cannot write 'move' to /sys/devices/system/node/node1/private/on_unplug: ", "; "),
		   "... and says what to do");
	}
}

static void changes(void)
{
	struct pmn_node *node;

	ok(change_three("on_unplug:22:private_node: node 1: boot: on_unplug unchanged: for a test", NULL) ==
	   PMN_FAILED && as_before(), "the last one is refused: all as before");
	ok(says("node 1: 'move' was refused by on_unplug: boot: on_unplug unchanged: for a test", ""),
	   "the kernel's sentence");
	/* The number before the line is its level. */
	change_three("on_unplug:22:private_node: node 12: boot: of another node", NULL);
	ok(!strstr(pmn_error(ctx), "another node"), "not a sentence about another node");
	ok(change_three("enabled:1", NULL) == PMN_FAILED && as_before(), "the middle one is refused");
	ok(change_three("on_full:16", NULL) == PMN_BUSY && as_before(), "the first one is refused");
	refusals();
	ok(change_three("nothing:1", NULL) == PMN_OK, "none is refused");
	node = pmn_node_by_id(ctx, 1);
	ok(is(pmn_node_get_on_full(node), "oom") && is(pmn_node_get_on_unplug(node), "move") &&
	   is(pmn_node_get_enabled(node), ""), "all are done");
}

/* What cannot be taken back is said, with what to write. */
static void undo(void)
{
	struct pmn_node *node = pmn_node_by_id(ctx, 2);
	struct pmn_change *change;
	int ret;

	setenv("PMN_FAKE_REFUSE", "on_full:5", 1);
	setenv("PMN_FAKE_NTH", "2", 1);
	ret = pmn_change_new(ctx, &change) || pmn_change_set(change, node, "on_full", "oom") ||
	      pmn_change_apply(change);
	ok(!ret, "a change");
	ok(pmn_change_undo(change) == PMN_FAILED, "that cannot be taken back");
	ok(says("cannot write 'sigbus' to", "not as before: write 'sigbus' to"), "says so");
	unsetenv("PMN_FAKE_REFUSE");
	unsetenv("PMN_FAKE_NTH");
	ok(pmn_change_undo(change) == PMN_OK, "nothing is left to take back");
	pmn_change_free(change);
	pmn_refresh(ctx);
	ok(is(pmn_node_get_on_full(pmn_node_by_id(ctx, 2)), "oom"), "it is as it was said");
}

static void dax(void)
{
	struct pmn_dax *dax = pmn_dax_by_name(ctx, "dax0.0"), *other;

	ok(dax && is(pmn_dax_get_driver(dax), "kmem") && is(pmn_dax_get_state(dax), "online_movable") &&
	   pmn_dax_get_private(dax) == 1 && pmn_dax_get_node(dax) == 2 && pmn_dax_is_plugged(dax),
	   "a device with kmem");
	ok(pmn_dax_get_size(dax) == 268435456, "its size");
	ok(pmn_dax_by_owner(ctx, "kmem-dax0.0") == dax && !pmn_dax_by_owner(ctx, "boot") &&
	   !pmn_dax_by_owner(ctx, "kmem-dax9.0"), "by owner");
	other = pmn_dax_by_name(ctx, "dax1.0");
	ok(other && !pmn_dax_get_driver(other) && !pmn_dax_get_state(other) && !pmn_dax_is_plugged(other) &&
	   is(pmn_dax_get_region(other), "region0"), "a device of a CXL region without a driver");
	other = pmn_dax_by_name(ctx, "dax2.0");
	ok(other && pmn_dax_get_private(other) == -1 && pmn_dax_get_node(other) == -1,
	   "a device of a kernel without the choice, and without a node");
}

static void cgroups(void)
{
	struct pmn_cgroup *a = pmn_cgroup_by_path(ctx, "/a"), *below = pmn_cgroup_by_path(ctx, "a/below/");
	struct pmn_cgroup *b = pmn_cgroup_by_path(ctx, "/sys/fs/cgroup/b.slice");

	ok(a && below && b && pmn_cgroup_get_parent(below) == a, "cgroups by path");
	ok(!pmn_cgroup_by_path(ctx, "/c") && !pmn_cgroup_by_path(ctx, "/a/b"), "none of another path");
	ok(pmn_cgroup_get_parent(pmn_cgroup_by_path(ctx, "/")) == NULL, "the root");
	ok(!pmn_cgroup_may_have(a, 1) && pmn_cgroup_may_have(a, 2), "cpuset.mems is 0,2");
	ok(!pmn_cgroup_may_have(below, 1) && pmn_cgroup_may_have(below, 2), "unset is the parent's");
	ok(pmn_cgroup_may_have(b, 1) && pmn_cgroup_may_have(b, 2), "what leaves nothing is the parent's");
	ok(pmn_cgroup_get_use(a, 2) == 12288 && pmn_cgroup_get_use(a, 1) == 0, "use by node");
	ok(pmn_cgroup_has_tasks(a) && !pmn_cgroup_has_tasks(below), "tasks");
}

static void users(void)
{
	struct pmn_user *user = pmn_user_get_first(ctx);

	ok(user && !pmn_user_get_next(user), "one process has memory there");
	ok(pmn_user_get_pid(user) == 100 && is(pmn_user_get_name(user), "redis server") &&
	   is(pmn_user_get_cgroup(user), "/a"), "its name and cgroup");
	ok(pmn_user_get_use(user, 1) == 3 * 4096 + 2 * 2097152 && !pmn_user_get_use(user, 2) &&
	   !pmn_user_get_use(user, 1 << 20), "small and huge pages");
}

/* A node that goes while it is changed: there is nothing to put back. */
static void gone(void)
{
	static const char *const files[] = { "node1/private/on_unplug", "node1/private/enabled" };
	char rule[128];
	size_t i;
	int ret;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		pmn_node_by_id(ctx, 1);
		snprintf(rule, sizeof(rule), "%s:/sys/devices/system/node/node1", files[i]);
		setenv("PMN_FAKE_VANISH", rule, 1);
		ret = change_three("nothing:1", NULL);
		ok(ret == PMN_NO_NODE && says("node 1: it went away meanwhile", "pmnctl list"),
		   "node 1 goes at %s: %d, %s", files[i], ret, pmn_error(ctx));
		if (system("cp -a \"$PMN_ROOT/node1\" \"$PMN_ROOT/sys/devices/system/node/\""))
			ok(false, "node 1 comes back");
		pmn_refresh(ctx);
	}
}

/* A node that goes while it is read is not there. */
static void vanishing(void)
{
	static const char *const files[] = { "node3/private/owner", "node3/private/stat",
					     "node3/meminfo", "node3/private/cram/ratio" };
	char rule[128];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(rule, sizeof(rule), "%s:/sys/devices/system/node/node3", files[i]);
		setenv("PMN_FAKE_VANISH", rule, 1);
		pmn_refresh(ctx);
		ok(!pmn_node_by_id(ctx, 3) && pmn_node_by_id(ctx, 1) && pmn_node_by_id(ctx, 2),
		   "node 3 goes at %s", files[i]);
		if (system("cp -a \"$PMN_ROOT/node3\" \"$PMN_ROOT/sys/devices/system/node/\""))
			ok(false, "node 3 comes back");
	}
}

int main(void)
{
	struct pmn_ctx *other;

	ok(pmn_new(&ctx) == PMN_OK && is(pmn_error(ctx), ""), "a context");
	ok(pmn_ref(ctx) == ctx && !pmn_unref(ctx), "counted");
	ok(pmn_set_root(ctx, getenv("PMN_ROOT")) == PMN_OK &&
	   is(pmn_get_root(ctx), getenv("PMN_ROOT")), "a root");
	ok(pmn_check_kernel(ctx) == PMN_OK, "the kernel has private nodes");
	nodes();
	counters();
	last_refusals();
	sets();
	services();
	dax();
	cgroups();
	users();
	changes();
	undo();
	gone();
	vanishing();
	ok(pmn_new(&other) == PMN_OK && !pmn_set_root(other, "/nonexistent") &&
	   pmn_check_kernel(other) == PMN_NO_KERNEL && !pmn_node_get_first(other) &&
	   !pmn_dax_get_first(other) && !pmn_cgroup_get_first(other) && !pmn_user_get_first(other),
	   "a machine without any of it");
	ok(!pmn_unref(other) && !pmn_unref(ctx) && !pmn_unref(NULL), "freed");
	return done_testing();
}
