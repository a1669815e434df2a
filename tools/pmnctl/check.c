// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl check: is this machine set up for private nodes, and what is to be done? */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "boot.h"

static const struct column columns[] = {
	{ "STATUS", "ok, warn or fail", TEXT },
	{ "CHECK", "what was looked at", TEXT },
	{ "FOUND", "what was found", TEXT },
	{ "FIX", "what to do", TEXT },
};

struct report {
	struct table *table;
	bool failed;
};

enum status { OK, WARN, FAIL };

static const char *const status_names[] = { "ok", "warn", "fail" };

static void add(struct report *r, enum status status, const char *check, const char *fix,
		const char *fmt, ...) PRINTF(5, 6);

static void add(struct report *r, enum status status, const char *check, const char *fix,
		const char *fmt, ...)
{
	char found[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	table_line(r->table);
	table_set(r->table, "STATUS", "%s", status_names[status]);
	table_set(r->table, "CHECK", "%s", check);
	table_set(r->table, "FOUND", "%s", found);
	table_set(r->table, "FIX", "%s", fix);
	r->failed |= status == FAIL;
}

/* -- the kernel ----------------------------------------------------------------- */

static bool kernel(struct cli *cli, struct report *r)
{
	struct utsname u;
	char abi[16];

	uname(&u);
	if (!pmn_check_kernel(cli->ctx)) {
		add(r, OK, "kernel", "", "%s has private memory nodes, ABI version %s", u.release,
		    pmn_read(cli->ctx, "/sys/kernel/mm/private_node/abi_version", abi, sizeof(abi)) ?
		    "1" : abi);
		return true;
	}
	add(r, FAIL, "kernel", "boot a kernel that is built with CONFIG_PRIVATE_NODE=y",
	    "%s has no private memory nodes", u.release);
	return false;
}

/* The configuration, packed or not, has the line @option=y, or =m where that does. */
static bool config_has(gzFile f, const char *option, char value)
{
	size_t len = strlen(option);
	char line[512];

	gzrewind(f);
	while (gzgets(f, line, sizeof(line)))
		if (!strncmp(line, option, len) && line[len] == '=')
			return line[len + 1] == 'y' || line[len + 1] == value;
	return false;
}

static gzFile open_config(struct cli *cli)
{
	const char *root = pmn_get_root(cli->ctx);
	char path[4096];
	struct utsname u;
	gzFile f;

	snprintf(path, sizeof(path), "%s/proc/config.gz", root);
	f = gzopen(path, "r");
	if (f)
		return f;
	uname(&u);
	snprintf(path, sizeof(path), "%s/boot/config-%s", root, u.release);
	return gzopen(path, "r");
}

/*
 * The options of kernel/deb/needs.config in the sources, by what is missing without them.
 * tests/host/tools.sh compares the two.  "=m" is content with "=y".
 */
static const struct {
	const char *lacks, *options;
} config_groups[] = {
	{ "there are no private nodes",
	  "64BIT=y SMP=y NUMA=y PRIVATE_NODE=y" },
	{ "no memory can play a private node (modprobe private_node_sim)",
	  "PRIVATE_NODE_SIM=m" },
	{ "there is no compressed RAM",
	  "CRAM=y" },
	{ "no memory can play compressed RAM (modprobe cram_sim)",
	  "CRAM_SIM=m" },
	{ "nobody is told of broken memory",
	  "X86_MCE=y MEMORY_FAILURE=y" },
	{ "there is no swap for what leaves a node, or no zswap that uses one",
	  "BLOCK=y SWAP=y ZSWAP=y" },
	{ "DAX memory cannot become a private node",
	  "ZONE_DEVICE=y DAX=m DEV_DAX=m DEV_DAX_KMEM=m DEV_DAX_PRIVATE=y" },
	{ "memory that firmware calls specific-purpose is no DAX device",
	  "EFI=y EFI_STUB=y EFI_SOFT_RESERVE=y DEV_DAX_HMEM=m" },
	{ "NVDIMMs and memmap= are no DAX devices",
	  "ACPI=y BLK_DEV=y ACPI_NFIT=m LIBNVDIMM=m NVDIMM_PFN=y NVDIMM_DAX=y DEV_DAX_PMEM=m X86_PMEM_LEGACY=m" },
	{ "CXL memory is no DAX device",
	  "PCI=y CXL_BUS=m CXL_PCI=m CXL_ACPI=m CXL_MEM=m CXL_PORT=m CXL_REGION=y DEV_DAX_CXL=m" },
	{ "nodes and what is slow about them are not read from firmware",
	  "X86_64_ACPI_NUMA=y ACPI_HMAT=y" },
	{ "the service compaction does nothing",
	  "COMPACTION=y" },
	{ "the services promotion and numa_balancing do nothing",
	  "NUMA_BALANCING=y" },
	{ "the service thp does nothing",
	  "TRANSPARENT_HUGEPAGE=y" },
	{ "the service hugetlb does nothing",
	  "HUGETLBFS=y" },
	{ "no cgroup can be kept from a private node",
	  "CGROUPS=y CPUSETS=y" },
	{ "use is not known by cgroup",
	  "MEMCG=y" },
	{ "pmnctl cannot read what it shows",
	  "PROC_FS=y PROC_PAGE_MONITOR=y SYSFS=y" },
};

/* Those of the group that are off, with commas between them; "" for none. */
static void config_off(gzFile f, const char *options, char *off, size_t size)
{
	char copy[256], name[64], *word, *save = NULL;
	size_t len = 0;

	*off = '\0';
	snprintf(copy, sizeof(copy), "%s", options);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		snprintf(name, sizeof(name), "CONFIG_%.*s", (int)strcspn(word, "="), word);
		if (!config_has(f, name, word[strcspn(word, "=") + 1]) && len < size)
			len += snprintf(off + len, size - len, "%sCONFIG_%s", len ? ", " : "", word);
	}
}

static void config(struct cli *cli, struct report *r)
{
	gzFile f = open_config(cli);
	char off[512], fix[600];
	bool all = true;
	size_t i;

	if (!f) {
		add(r, WARN, "config", "look at how it was built",
		    "neither /proc/config.gz nor /boot/config-RELEASE is there");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(config_groups); i++) {
		config_off(f, config_groups[i].options, off, sizeof(off));
		if (!*off)
			continue;
		snprintf(fix, sizeof(fix), "if you want that, build the kernel with %s", off);
		add(r, WARN, "config", fix, "off in this kernel, so that %s", config_groups[i].lacks);
		all = false;
	}
	if (all)
		add(r, OK, "config", "", "all options that private nodes use are on");
	gzclose(f);
}

/* -- the command line -------------------------------------------------------------- */

#define MAX_WORDS	256

/* Options of which the kernel unites those for one node. */
struct words {
	int nr;
	const char *text[MAX_WORDS];
};

/* All that the words say of the node of @text, of which nothing is said that does not stand alone. */
static int parse_united(struct cli *cli, const struct words *words, const char *text,
			struct boot_option *option, char *why, size_t size)
{
	struct boot_option other;
	char ignored[768];
	int i, ret;

	ret = boot_parse(text, option, why, size);
	for (i = 0; !ret && i < words->nr; i++)
		if (!boot_parse(words->text[i], &other, ignored, sizeof(ignored)) &&
		    other.node == option->node)
			boot_unite(option, &other);
	return ret ? ret : boot_check(cli->ctx, text, option, why, size);
}

/* An option of the line that was booted: did the node become private? */
static void booted(struct cli *cli, struct report *r, const struct words *words, const char *word)
{
	struct boot_option option;
	char why[768];

	if (parse_united(cli, words, word, &option, why, sizeof(why)))
		add(r, FAIL, "boot line", "correct the option and boot again", "%s", why);
	else if (pmn_node_by_id(cli->ctx, option.node))
		add(r, OK, "boot line", "", "%s: node %d is private", word, option.node);
	else
		add(r, FAIL, "boot line", "`dmesg | grep private_node` says why",
		    "%s: node %d is not private", word, option.node);
}

static void booted_other(struct cli *cli, struct report *r, const char *word)
{
	char why[768];
	int ret = boot_other(cli->ctx, word, why, sizeof(why));

	if (ret == PMN_OK)
		add(r, OK, "boot line", "", "%s", word);
	else if (ret == PMN_USAGE)
		add(r, FAIL, "boot line", "correct the option and boot again", "%s", why);
}

static void boot_line(struct cli *cli, struct report *r)
{
	char line[4096], *word, *save = NULL;
	struct words words = {};
	int i;

	if (pmn_read(cli->ctx, "/proc/cmdline", line, sizeof(line)))
		return;
	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (!boot_is_private_node(word))
			booted_other(cli, r, word);
		else if (words.nr < MAX_WORDS)
			words.text[words.nr++] = word;
	}
	for (i = 0; i < words.nr; i++)
		booted(cli, r, &words, words.text[i]);
	if (!words.nr)
		add(r, OK, "boot line", "", "it makes no node private");
}

static void nodes(struct cli *cli, struct report *r)
{
	struct pmn_node *node;
	int n = 0;

	pmn_node_foreach(cli->ctx, node)
		n++;
	if (n)
		add(r, OK, "nodes", "", "%d private node%s", n, n > 1 ? "s" : "");
	else
		add(r, WARN, "nodes", "for boot memory `pmnctl private`, for a device `pmnctl dax` or `pmnctl cxl`",
		    "no node is private");
}

static void spares(struct cli *cli, struct report *r)
{
	struct pmn_dax *dax;

	pmn_dax_foreach(cli->ctx, dax) {
		if (pmn_dax_get_private(dax) < 0)
			add(r, WARN, "dax", "build the kernel with CONFIG_DEV_DAX_PRIVATE=y",
			    "%s: this kernel cannot bring it up private", pmn_dax_get_name(dax));
		else if (pmn_dax_get_private(dax) == 1 && !pmn_dax_is_plugged(dax))
			add(r, WARN, "dax", "`pmnctl dax DEV` plugs it in",
			    "%s: it is to be private, and is not plugged in", pmn_dax_get_name(dax));
		else
			add(r, OK, "dax", "", "%s: %s, %s", pmn_dax_get_name(dax),
			    pmn_dax_get_private(dax) ? "private" : "ordinary",
			    pmn_dax_get_state(dax) ? pmn_dax_get_state(dax) : "not with kmem");
	}
}

/* -- what is around it --------------------------------------------------------------- */

static void auto_online(struct cli *cli, struct report *r)
{
	char text[64];

	if (pmn_read(cli->ctx, "/sys/devices/system/memory/auto_online_blocks", text, sizeof(text)))
		return;
	if (!strcmp(text, "online") || !strcmp(text, "online_kernel"))
		add(r, WARN, "auto-online", "write online_movable to /sys/devices/system/memory/auto_online_blocks, or boot with memhp_default_state=online_movable",
		    "'%s': memory of a DAX device that comes up ordinary may never be taken away again",
		    text);
	else
		add(r, OK, "auto-online", "", "'%s'", text);
}

static void cpusets(struct cli *cli, struct report *r)
{
	struct pmn_cgroup *root = pmn_cgroup_get_first(cli->ctx);
	char text[1024];

	if (!root)
		add(r, WARN, "cpuset", "mount cgroup v2 on /sys/fs/cgroup; v1 cannot keep anybody from a private node",
		    "cgroup v2 is not there");
	else if (pmn_cgroup_read(root, "cgroup.controllers", text, sizeof(text)) ||
		 !strstr(text, "cpuset"))
		add(r, WARN, "cpuset", "boot without cgroup_disable=cpuset, and unmount cpuset of cgroup v1",
		    "cgroup v2 has no controller cpuset: `pmnctl grant` cannot work");
	else
		add(r, OK, "cpuset", "", "cgroup v2 has it");
}

static bool any_enabled(struct cli *cli, const char *service)
{
	struct pmn_node *node;

	pmn_node_foreach(cli->ctx, node)
		if (pmn_node_is_enabled(node, pmn_service_by_name(service)))
			return true;
	return false;
}

static void swap(struct cli *cli, struct report *r)
{
	char text[4096];
	bool has;

	if (pmn_read(cli->ctx, "/proc/swaps", text, sizeof(text)))
		return;
	has = strchr(text, '\n');
	if (has || !any_enabled(cli, "reclaim"))
		add(r, OK, "swap", "", has ? "there is some" :
		    "there is none, and no node is open to reclaim");
	else
		add(r, WARN, "swap", "add swap, or a slower node that is open to demotion",
		    "there is none: reclaim of a private node has nowhere to put memory");
}

static void overcommit(struct cli *cli, struct report *r)
{
	char text[16];

	if (pmn_read(cli->ctx, "/proc/sys/vm/overcommit_memory", text, sizeof(text)))
		return;
	if (strcmp(text, "2"))
		add(r, OK, "overcommit", "", "mode %s", text);
	else
		add(r, WARN, "overcommit", "raise vm.overcommit_kbytes or vm.overcommit_ratio by the size of the nodes",
		    "mode 2 counts ordinary memory and swap only, also for what is bound to a private node");
}

static void cram(struct cli *cli, struct report *r)
{
	struct pmn_node *node;
	const char *state;

	pmn_node_foreach(cli->ctx, node) {
		if (!pmn_node_is_cram(node))
			continue;
		state = pmn_cram_get_state(node);
		add(r, !strcmp(state, "ok") ? OK : FAIL, "compressed RAM",
		    strcmp(state, "ok") ? "`pmnctl cram status` says what to do" : "",
		    "node %d: %s", pmn_node_get_id(node), state);
	}
}

/* An option before it is booted. */
static void option(struct cli *cli, struct report *r, const struct words *words, const char *text)
{
	struct boot_option parsed;
	char why[768];
	int ret;

	if (!boot_is_private_node(text)) {
		ret = boot_other(cli->ctx, text, why, sizeof(why));
		if (ret)
			add(r, FAIL, "option", ret == PMN_USAGE ? "correct it before the reboot" :
			    "if one of ours was meant, correct it", "%s", why);
		else
			add(r, OK, "option", "", "%s: the kernel takes it", text);
	} else if (parse_united(cli, words, text, &parsed, why, sizeof(why))) {
		add(r, FAIL, "option", "correct it before the reboot", "%s", why);
	} else if (!boot_possible(cli->ctx, parsed.node, why, sizeof(why))) {
		add(r, FAIL, "option", "the kernel would not make it private", "%s", why);
	} else {
		add(r, OK, "option", "", "%s: nothing speaks against it, as far as can be told now", text);
	}
}

int verb_check(struct cli *cli)
{
	struct report r = {};
	struct words words = {};
	int i, ret;

	r.table = table_new(cli, "checks", columns, ARRAY_SIZE(columns), "STATUS,CHECK,FOUND,FIX");
	if (!r.table)
		return PMN_USAGE;
	for (i = 0; i < cli->nr && i < MAX_WORDS; i++)
		words.text[words.nr++] = cli->args[i];
	for (i = 0; i < cli->nr; i++)
		option(cli, &r, &words, cli->args[i]);
	if (!cli->nr) {
		ret = kernel(cli, &r);
		if (!ret) {
			table_print(r.table);
			return PMN_NO_KERNEL;
		}
		config(cli, &r);
		boot_line(cli, &r);
		nodes(cli, &r);
		spares(cli, &r);
		auto_online(cli, &r);
		cpusets(cli, &r);
		swap(cli, &r);
		overcommit(cli, &r);
		cram(cli, &r);
	}
	ret = table_print(r.table);
	return ret ? ret : r.failed ? PMN_FAILED : PMN_OK;
}
